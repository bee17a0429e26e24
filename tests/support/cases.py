"""Request and answer cases as rows of data: what a row may say, and how an answer is held to it.

A row is made by case() or fail(); both begin with a name, "METHOD target" and the wanted status.
Targets are written as people read them; what a URL cannot hold is percent-encoded on the way.
In targets and headers of `then` steps, {etag} is the ETag of the answer before, {next} the target
of its Link rel="next".
"""
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote

ANY = ...  # any body, any text
JSON = "application/json; charset=utf-8"
# What may stand in a request line as it is; % is there for what a row encodes itself.
PLAIN = "!$%&'()*+,-./:;=?@_~[]"
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass
class Case:
    name: str
    method: str
    target: str
    status: int
    want: object = ANY          # None: empty; list, dict: exact JSON; text, bytes: exact
    error: dict | None = None   # wanted members of an error's body
    body: object = None         # bytes and text as they are; anything else as JSON
    send: dict = field(default_factory=dict)
    has: dict = field(default_factory=dict)  # name: exact value, pattern, or None for absent
    then: tuple = ()            # further cases on the same server, in order
    store: str | None = None    # "sqlite" or "memory": only there
    keeps: bool = False         # changes nothing, though it is a write that succeeds
    limits: str = "rollback: on"  # of the service

    @property
    def changed(self):
        """Resources whose rows may differ afterwards."""
        own = self.method in WRITES and self.status < 400 and not self.keeps
        names = {self.resource} if own else set()
        return names.union(*(step.changed for step in self.then))

    @property
    def resource(self):
        return re.match(r"/(?:rest/v1/)?([^/?]*)", self.target)[1]


def case(name, request, status, want=ANY, *, prefer=None, accept=None, type=None, send=(), has=(),
         after=None, then=(), **more):
    """`after` is (target, JSON): a read that shows the state."""
    method, _, target = request.partition(" ")
    headers = dict(send)
    for header, value in (("Prefer", prefer), ("Accept", accept), ("Content-Type", type)):
        if value is not None:
            headers[header] = value
    steps = tuple(then)
    if after is not None:
        steps += (case("after", "GET " + after[0], 200, after[1]),)
    return Case(name, method, target, status, want, send=headers, has=dict(has), then=steps, **more)


def fail(name, request, status, code, message=ANY, details=ANY, hint=ANY, **more):
    row = case(name, request, status, **more)
    row.error = {"code": code, "message": message, "details": details, "hint": hint}
    return row


def encode(target):
    return quote(target, safe=PLAIN)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def fill(text, before):
    """The text with what it takes from the answer before."""
    if before is not None:
        text = text.replace("{etag}", before.headers.get("etag", "none"))
        link = re.search(r'<([^>]*)>; rel="next"', before.headers.get("link", ""))
        text = text.replace("{next}", link[1] if link else "/none")
    return text


def send(connection, row, before=None):
    headers = {name: fill(value, before) for name, value in row.send.items()}
    body = row.body
    if body is not None and not isinstance(body, (bytes, str)):
        body = compact(body)
    return connection.request(row.method, encode(fill(row.target, before)), body, headers)


def matches(wanted, value):
    if wanted is ANY:
        return True
    if isinstance(wanted, re.Pattern):
        return value is not None and wanted.search(value) is not None
    return wanted == value


def check_body(row, answer):
    if row.want is None:
        assert answer.body == b"", answer
    elif row.want is not ANY:
        wanted = row.want
        if isinstance(wanted, str):
            wanted = wanted.encode()
        elif not isinstance(wanted, bytes):
            wanted = compact(wanted)
        assert answer.body == wanted, f"{row.method} {row.target}"


def check_error(row, answer):
    """The body's four keys and the headers that every error has."""
    assert answer.headers["content-type"] == JSON
    assert answer.headers["proxy-status"] == f"rowlock; error={row.error['code']}"
    if row.method == "HEAD":
        return
    body = answer.json()
    assert list(body) == ["code", "details", "hint", "message"], body
    for name, wanted in row.error.items():
        assert matches(wanted, body[name]), (name, wanted, body)


def check(row, answer):
    assert answer.status == row.status, f"{row.method} {row.target}: {answer}"
    for name, wanted in row.has.items():
        value = answer.headers.get(name.lower())
        assert matches(wanted, value), f"{row.method} {row.target}: {name}: {value}"
    check_body(row, answer)
    if row.error is not None:
        check_error(row, answer)
    elif isinstance(row.want, list) and "Accept" not in row.send:
        assert answer.headers["content-type"] == JSON


def run(connection, row):
    """Sends a case and its steps, and checks each answer."""
    answer = send(connection, row)
    check(row, answer)
    for step in row.then:
        answer = send(connection, step, answer)
        check(step, answer)


def ids(*numbers, name="id"):
    """[{"id":1},{"id":2}, …]"""
    return [{name: number} for number in numbers]
