"""Rows of other services: joins give what one service with all the tables gives, whatever is asked;
and a service that is gone, slow or talks nonsense is told as such."""
import contextlib
import json
import random
import socket
import threading
import time

import pytest
from support.client import Connection, Disconnected, request
from support.server import Server, free_port, run_program

PLACES = "name: { type: text(64), required: true }, founded: date, data: json"
PEOPLE = """name: { type: text(64), required: true }, isAlive: { type: boolean, default: false },
             height: "decimal(6,2)", born: datetime, tag: uuid"""
FILE = """
service: {name}
listen: 127.0.0.1:{port}
store: "sqlite:{store}"
limits: {{ read_ms: {read_ms} }}
resources:
{resources}
{routes}
"""
ROUTES = """
routes:
  GET /places: { list: places }
  GET /people: { list: people }
  GET /places/{id}: { get: places }
  GET /people/{id}: { get: people }
"""
LOCAL_PLACES = f"  places: {{ key: id, fields: {{ id: integer, {PLACES} }} }}"
LOCAL_PEOPLE = f"""  people:
    key: id
    fields: {{ id: integer, {PEOPLE}, placeId: PLACE }}
    index: [placeId]"""
LOCAL_PETS = """  pets:
    key: [owner, number]
    fields: {{ owner: {}, number: integer, name: text }}"""
ROWS = 700


def make_rows():
    chance = random.Random(5)
    words = ["Ned", "Arya", "Jon, \"Snow\"", "Ünal", "a%b", "back\\slash", "null", "", "O'Brien"]
    places = [{"id": n, "name": f"{chance.choice(words)}{n % 50}",
               "founded": f"{chance.randrange(1000, 2000)}-03-0{n % 9 + 1}",
               "data": chance.choice([None, {"a": {"b": n % 5}, "list": [1, n]}])}
              for n in range(1, ROWS + 1)]
    people = [{"id": n, "name": f"{chance.choice(words)}{n % 90}",
               "isAlive": chance.choice([True, False]), "height": chance.choice([None, n / 4, 1.5]),
               "born": f"{1900 + n % 100}-05-01T0{n % 10}:00:00Z",
               "tag": f"00000000-0000-4000-8000-{chance.randrange(10 ** 11):012}",
               "placeId": chance.choice([None, chance.randrange(1, ROWS), 7, 8])}
              for n in range(1, 2 * ROWS + 1)]
    pets = [{"owner": n, "number": k, "name": chance.choice(words)}
            for n in range(1, 2 * ROWS, 3) for k in range(n % 3)]
    return {"places": places, "people": people, "pets": pets}


def write_file(folder, name, resources, read_ms=20000, store=None, routes=ROUTES):
    port = free_port()
    path = folder / f"{name}.yaml"
    path.write_text(FILE.format(name=name, port=port, store=store or folder / f"{name}.db",
                                resources="\n".join(resources), read_ms=read_ms,
                                routes=routes),
                    encoding="utf-8")
    return path, port


def fill(folder, path, rows, names):
    for name in names:
        data = folder / f"{name}.ndjson"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows[name]), encoding="utf-8")
        done = run_program("import", path, name, data)
        assert done.returncode == 0, done.stderr


def remote(name, port, fields):
    return f"""  {name}:
    at: http://127.0.0.1:{port}
    key: id
    fields: {{ id: integer, {fields} }}"""


REFERS = "{ type: integer, references: %s }"
ASKS = "{ type: integer, references: { resource: people, check: get } }"


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The address of one service with all three tables, and of one that has but the pets."""
    folder = tmp_path_factory.mktemp("remote")
    rows = make_rows()
    whole, _ = write_file(folder, "whole", [
        LOCAL_PLACES, LOCAL_PEOPLE.replace("PLACE", REFERS % "places"),
        LOCAL_PETS.format(REFERS % "people")])
    fill(folder, whole, rows, ["places", "people", "pets"])
    places, places_port = write_file(folder, "places", [LOCAL_PLACES], routes="")
    people, people_port = write_file(folder, "people", [LOCAL_PEOPLE.replace("PLACE", "integer")], routes="")
    pets, _ = write_file(folder, "pets", [LOCAL_PETS.format("integer")], routes="")
    fill(folder, places, rows, ["places"])
    fill(folder, people, rows, ["people"])
    fill(folder, pets, rows, ["pets"])
    joined, _ = write_file(folder, "joined", [
        remote("places", places_port, PLACES),
        remote("people", people_port, f"{PEOPLE}, placeId: {REFERS % 'places'}"),
        LOCAL_PETS.format(ASKS)], store=folder / "pets.db")
    with contextlib.ExitStack() as running:
        servers = [Server(path, folder=folder, own_address=True)
                   for path in (whole, places, people, joined)]
        for server in servers:
            text = server.files[0].read_text(encoding="utf-8")
            server.address = ("127.0.0.1", int(text.split("127.0.0.1:")[1].split("\n")[0]))
            running.enter_context(server.start())
        yield servers[0].address, servers[3].address


QUERIES = [
    "/places",
    "/places?select=id,name,people(id,name,isAlive)",
    "/places?select=id,name,people(*)&id=in.(7,8,9)",
    "/places?select=*,people(name)&people.isAlive=is.true&people.order=name.desc,id&people.limit=2",
    "/places?select=name,people(name)&order=name.desc,id&limit=20",
    "/places?select=name,people(name)&order=name.desc,id",
    "/places?select=name,people(name)&order=id.desc&offset=30&limit=40",
    "/places?select=id,people(id)&offset=300",
    "/places?select=id,people(id)&people.limit=1",
    "/places?select=id,people(id)&people.limit=1&people.offset=1",
    "/places?select=id,people(id)&id=gt.5&people.name=like.Ned*",
    "/places?select=id,people!inner(id)&people.name=like.Ned*",
    "/places?select=id,people!inner(id)&people.name=like.Ned*&order=id.desc&limit=7&offset=3",
    "/places?select=id,people()&people=is.null",
    "/places?select=id,people()&people=not.is.null&people.isAlive=is.true&id=lt.50",
    "/places?select=id,people(count)",
    "/places?select=id,people(isAlive,count(),height.max(),sum:height.sum())&id=lt.20",
    "/places?select=id,...people(names:name,id)&id=lt.20",
    "/people?select=id,name,places(name)",
    "/people?select=id,name,places(name)&order=placeId,id",
    "/people?select=id,name,...places(place:name,founded)&order=name,id",
    "/people?select=id,places!inner(id,name)&places.name=like.Arya*",
    "/people?select=id,p:places(id,people(id,name))&id=lt.12",
    "/people?select=id,pets(number,name)",
    "/people?select=id,pets(number,name),places(name)&id=lt.300",
    "/people?select=id,pets!inner(name)&pets.number=eq.1&order=id.desc",
    "/people?select=id,pets(count)&id=lt.40",
    "/pets?select=owner,number,people(name,places(name))",
    "/pets?select=owner,number,people!inner(name)&people.isAlive=is.true&limit=9",
    "/pets?owner=eq.7&select=*,people(*)",
    "/people?name=eq.null", "/people?name=eq.", "/people?name=in.(\"\",\"null\",\"O'Brien1\")",
    "/people?name=like.*\\%*&select=name", "/people?name=ilike.ned*&select=id",
    "/people?name=match.^A.*1$&select=name", "/people?name=neq.Ned1&select=id&limit=5",
    "/people?name=isdistinct.Ned1&select=id&limit=5",
    "/people?name=eq.Jon%2C%20%22Snow%223&select=*",
    "/people?name=eq.back%5Cslash3&select=*",
    "/people?or=(id.lt.5,and(isAlive.is.true,name.like.Ar*))&select=id",
    "/people?not.or=(id.gt.9,isAlive.is.false)&select=id",
    "/people?and=(id.gte.3,not.and(id.gt.20,id.lt.1390))&select=id",
    "/people?height=is.null&select=id&limit=3", "/people?height=not.is.null&select=id&limit=3",
    "/people?isAlive=is.not_null&select=id&limit=3", "/people?isAlive=eq.true&select=id&limit=3",
    "/people?born=gte.1990-01-01T00:00:00Z&born=lt.1991-01-01T00:00:00%2B02:00&select=id,born",
    "/people?tag=gt.00000000-0000-4000-8000-050000000000&select=tag&order=tag&limit=4",
    "/people?height=gt.10.25&select=height&order=height.desc,id&limit=4",
    "/people?id=in.()", "/people?id=eq.5&id=eq.6", "/people?select=id&order=height.nullsfirst,id",
    "/places?select=id,data->a->b,data->list->>1&limit=4&order=id",
    "/places?data->a->>b=eq.3&select=id", "/places?select=id,x:data->a->>b&order=data->a->>b,id&limit=9",
    "/people?select=id::text,height::text,born::date&limit=5",
    "/places?select=id,founded::text,name::text&limit=3",
    "/people?select=isAlive,count(),height.avg()", "/people?select=count()",
    "/people?select=isAlive,n:id.max()::text", "/places?limit=0", "/places?select=id&offset=10000",
    "/people/7?select=*,places(*)", "/places/7", "/places/99999",
]
ACCEPTS = ["application/json", "text/csv", "application/x-ndjson",
           "application/vnd.pgrst.object+json", "application/vnd.pgrst.array+json;nulls=stripped"]


@pytest.mark.parametrize("query", QUERIES)
def test_as_if_all_were_here(services, query):
    whole, joined = services
    for accept in ACCEPTS:
        for prefer in ("", "count=exact"):
            headers = {"Accept": accept, "Prefer": prefer}
            want = request(whole, "GET", query, headers=headers)
            got = request(joined, "GET", query, headers=headers)
            assert (got.status, got.body) == (want.status, want.body), (accept, prefer)
            assert got.headers.get("content-range") == want.headers.get("content-range")


def test_pages_by_cursor(services):
    whole, joined = services
    path = "/pets?select=owner,number,people(name)&order=name.desc,owner,number&limit=150&after="
    seen = []
    for _ in range(6):
        want, got = request(whole, "GET", path), request(joined, "GET", path)
        assert got.body == want.body
        seen += got.json()
        link = got.headers.get("link", "")
        assert link == want.headers.get("link", "")
        if 'rel="next"' not in link:
            break
        path = link.split("<")[1].split(">")[0]
        path = path[path.index("/pets"):]
    assert len(seen) == len(make_rows()["pets"])


REFUSED = [
    "/places?distinct=true&select=name", "/places?name=fts.ned",
    "/people?select=id,places(name)&order=places(name)",
    "/places?select=id,people!inner(id)&or=(people.not.is.null,id.eq.3)",
]


@pytest.mark.parametrize("query", REFUSED)
def test_what_cannot_be_done_is_refused(services, query):
    answer = request(services[1], "GET", query)
    assert answer.status == 400 and answer.json()["code"] == "PGRST127", answer


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_nobody_writes_there(services, method):
    answer = request(services[1], method, "/places?id=eq.5", {"id": 5, "name": "x"})
    assert answer.status == 405, answer


def test_without_a_route(tmp_path):
    """The rows are the other service's to serve."""
    path, port = write_file(tmp_path, "joined", [remote("places", free_port(), "name: text")],
                            routes="")
    server = Server(path, folder=tmp_path, own_address=True)
    server.address = ("127.0.0.1", port)
    with server.start():
        assert request(server.address, "GET", "/places").status == 404
        assert "/places" not in request(server.address, "GET", "/openapi.json").json()["paths"]


def test_the_document_has_the_routes(services):
    document = request(services[1], "GET", "/openapi.json").json()
    assert "get" in document["paths"]["/places"] and "post" not in document["paths"]["/places"]
    assert "/people/{id}" in document["paths"]


# ---- sources that fail ----

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MANY = 3000  # more than one batch, and more than goes out at once


def chunk(text):
    return f"{len(text):x}\r\n".encode() + text + b"\r\n"


class Source:
    """A service of another kind, which does one thing to each connection."""

    def __init__(self, behave):
        self.behave = behave
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", free_port()))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.open.append(client)
                threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        with contextlib.suppress(OSError):
            text = b""
            while part := client.recv(65536):
                text += part
                if b"\r\n\r\n" in text:
                    self.behave(client, text.decode())
                    text = b""

    def close(self):
        for one in [self.listener, *self.open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def whole(body, head=OK):
    def behave(client, _):
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return behave


def status(number, body=b"{}"):
    return whole(body, b"HTTP/1.1 %d Something\r\nLocation: http://127.0.0.1:9/\r\n" % number)


def silent(client, _):
    time.sleep(60)


def frozen(body):
    def behave(client, _):
        client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(body))
        time.sleep(60)
    return behave


def cut(body):
    def behave(client, _):
        client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(body))
        client.close()
    return behave


def endless(client, _):
    """One row that never ends."""
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b'[{"c0":"'))
    for _ in range(1 << 30):
        client.sendall(chunk(b"x" * 65536))


# What the source of /people?select=id,name does, status, a part of what is told of it.
TROUBLES = {
    "silent": (silent, 504, "in time"),
    "closes": (lambda client, _: client.close(), 503, "cannot be reached"),
    "frozen in a body": (frozen(b'[{"c0":1,'), 504, "in time"),
    "cut in a body": (cut(b'[{"c0":1,"c1":"a"},'), 502, "cut"),
    "cut in a row": (cut(b'[{"c0":1,"c1":"a'), 502, "cut"),
    "shorter than it says": (
        lambda client, _: (client.sendall(OK + b"Content-Length: 99\r\n\r\n[]"), client.close()),
        502, "cut"),
    "an array that does not end": (whole(b'[{"c0":1,"c1":"a"}'), 502, "cut"),
    "nothing": (whole(b""), 502, "cut"),
    "text behind the array": (whole(b"[] []"), 502, "no list"),
    "HTML": (whole(b"<html><body>It works!</body></html>"), 502, "no list"),
    "an object": (whole(b'{"c0":1}'), 502, "no list"),
    "numbers": (whole(b"[1,2,3]"), 502, "no list"),
    "rows without comma": (whole(b'[{"c0":1,"c1":"a"}{"c0":2,"c1":"a"}]'), 502, "no list"),
    "a column less": (whole(b'[{"c0":1}]'), 502, "all columns"),
    "another type": (whole(b'[{"c0":"one","c1":"a"}]'), 502, "one"),
    "no JSON": (whole(b'[{"c0":1,"c1":"a",}]'), 502, "RL502S"),
    "no UTF-8": (whole(b'[{"c0":1,"c1":"\xff"}]'), 502, "UTF-8"),
    "a row too large": (endless, 502, "too large"),
    "no HTTP": (lambda client, _: (client.sendall(b"hello\r\n" * 9), client.close()), 503, "people"),
    "400": (status(400), 502, "400"),
    "401": (status(401), 502, "401"),
    "404": (status(404), 502, "404"),
    "500": (status(500), 502, "500"),
    "502": (status(502), 502, "502"),
    "503": (status(503), 503, "503"),
    "504": (status(504), 504, "504"),
    "a redirect": (status(302), 502, "302"),
    "a redirect that lasts": (status(308), 502, "308"),
    "a large error": (status(500, b"x" * (8 << 20)), 502, "500"),
}


@contextlib.contextmanager
def joined_with(folder, people, places=None, read_ms=1000):
    """A service that joins two sources."""
    sources = [Source(people), Source(places or whole(b"[]"))]
    path, port = write_file(folder, "joined", [
        remote("people", sources[0].port, f"name: text, placeId: {REFERS % 'places'}"),
        remote("places", sources[1].port, "name: text")], read_ms=read_ms)
    server = Server(path, folder=folder, own_address=True)
    server.address = ("127.0.0.1", port)
    try:
        with server.start():
            yield server
        assert server.exit_code == 0, server.log()
    finally:
        for source in sources:
            source.close()


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_before_the_first_row(tmp_path, name):
    behave, want, told = TROUBLES[name]
    with joined_with(tmp_path, behave) as server:
        answer = request(server.address, "GET", "/people?select=id,name")
        assert answer.status == want, answer
        assert told in answer.body.decode() and "people" in answer.json()["message"], answer
        assert str(server.address[1]) not in answer.body.decode()
        assert "127.0.0.1" not in answer.body.decode()
        if want == 503:
            assert "retry-after" in answer.headers


def test_one_that_is_gone(tmp_path):
    with joined_with(tmp_path, silent) as server:
        text = (tmp_path / "joined.yaml").read_text(encoding="utf-8")
        server.stop()
        (tmp_path / "joined.yaml").write_text(
            text.replace("name: text, placeId", "gone: text, placeId").replace(
                text.split("at: http://127.0.0.1:")[1].split("\n")[0], str(free_port()), 1),
            encoding="utf-8")
        with server.start():
            answer = request(server.address, "GET", "/people?select=id")
            assert answer.status == 503 and "retry-after" in answer.headers, answer


def rows_text(path, rows):
    """What `select=c0:id,c1:name` gives of these rows."""
    columns = path.split("select=")[1].split("&")[0].split(",")
    names = [column.split(":") for column in columns]
    return json.dumps([{column: row[field] for column, field in names} for row in rows]).encode()


def with_rows(rows):
    return lambda client, text: whole(rows_text(text.split(" ")[1], rows))(client, text)


def test_trouble_of_the_embedded_rows(tmp_path):
    with joined_with(tmp_path, with_rows([{"id": 1, "placeId": 2}]), status(500)) as server:
        answer = request(server.address, "GET", "/people?select=id,placeId,places(name)")
        assert answer.status == 502 and "places" in answer.json()["message"], answer


def test_rows_out_of_order(tmp_path):
    people = with_rows([{"id": 1, "placeId": 1}, {"id": 2, "placeId": 2}])
    places = with_rows([{"id": n, "name": "x"} for n in (2, 1, 2)])
    with joined_with(tmp_path, people, places) as server:
        answer = request(server.address, "GET", "/people?select=id,places(name)")
        assert answer.status == 502 and "order" in answer.body.decode(), answer


@pytest.mark.parametrize("trouble", [cut, frozen], ids=["cut", "frozen"])
def test_a_short_list_is_never_whole(tmp_path, trouble):
    """Rows are on their way to the client when their source fails."""
    rows = ({"id": n, "name": "a" * 400, "placeId": n} for n in range(1, MANY))
    body = rows_text("?select=c0:id,c1:name,c2:placeId", rows)[:-1]
    with joined_with(tmp_path, trouble(body)) as server:
        with Connection(server.address) as connection:
            connection.send(b"GET /people?select=id,name,placeId HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection._more()
            assert connection.buffer.startswith(b"HTTP/1.1 200")
            with pytest.raises(Disconnected):
                connection.receive()
        # and it goes on
        assert request(server.address, "GET", "/live").status == 200


def test_a_client_that_goes_away(tmp_path):
    """What is asked of a source for nobody ends."""
    def forever(client, _):
        client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"["))
        row = b'{"c0":1,"c1":"' + b"a" * 1000 + b'","c2":1},'
        for _ in range(1 << 20):
            client.sendall(chunk(row * 64))
        raise AssertionError("nobody closed the connection")

    closed = threading.Event()

    def watched(client, path):
        try:
            forever(client, path)
        except OSError:
            closed.set()

    with joined_with(tmp_path, watched) as server:
        with Connection(server.address) as connection:
            connection.send(b"GET /people?select=id,name,placeId HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection._more()
        assert closed.wait(60)


def test_what_is_asked(tmp_path):
    """Filters, order and limits are the source's work."""
    asked = []

    def note(client, text):
        asked.append(text.split(" ")[1])
        with_rows([{"id": 5, "placeId": 3}])(client, text)

    with joined_with(tmp_path, note, with_rows([{"id": 3, "name": "x"}])) as server:
        path = "/people?select=id,places(name)&id=lt.9&order=id.desc&limit=3&offset=2"
        answer = request(server.address, "GET", path)
        assert answer.json() == [{"id": 5, "places": {"name": "x"}}], answer
    assert asked == ["/people?select=c0:id,c1:placeId,c2:placeId&and=(id.lt.9)"
                     "&order=id.desc.nullsfirst&limit=3&offset=2"]


def test_what_has_not_changed_is_not_sent_again(tmp_path):
    """The second time a source has only to say that its rows are the same."""
    conditions, rows = [], [{"id": 5, "name": "a"}]

    def tagged(client, text):
        conditions.append(next((line.split(": ")[1] for line in text.split("\r\n")
                                if line.lower().startswith("if-none-match")), None))
        tag = f'"{rows[0]["name"]}"'
        head = OK + f"ETag: {tag}\r\n".encode()
        if conditions[-1] == tag:
            client.sendall(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
        else:
            whole(rows_text(text.split(" ")[1], rows), head)(client, text)

    # one connection: each of the program's threads has answers of its own
    with joined_with(tmp_path, tagged) as server, Connection(server.address) as connection:
        for name, want in (("a", None), ("a", '"a"'), ("b", '"a"'), ("b", '"b"')):
            rows[0]["name"] = name
            answer = connection.request("GET", "/people?select=id,name")
            assert answer.json() == [{"id": 5, "name": name}], answer
            assert conditions[-1] == want
        assert connection.request("GET", "/people?select=id").json() == [{"id": 5}]
        assert conditions[-1] is None


@pytest.mark.parametrize("passes", [True, False])
def test_the_callers_token(tmp_path, passes):
    """It goes to those services only whose resources say so, and answers are kept by it."""
    tokens = []

    def tagged(client, text):
        tokens.append(next((line.split(": ")[1] for line in text.split("\r\n")
                            if line.startswith("Authorization: ")), None))
        assert "If-None-Match" not in text
        rows = rows_text(text.split(" ")[1], [{"id": 5, "name": tokens[-1]}])
        whole(rows, OK + b"ETag: \"same for all\"\r\n")(client, text)

    with joined_with(tmp_path, tagged) as server:
        server.stop()
        path = tmp_path / "joined.yaml"
        text = path.read_text(encoding="utf-8")
        word = "    pass_token: true\n" if passes else ""
        path.write_text(text.replace("    key: id\n", word + "    key: id\n", 1), encoding="utf-8")
        with server.start(), Connection(server.address) as connection:
            for token in ("Bearer a", "Bearer b"):
                answer = connection.request("GET", f"/people?select=id,name&id=lt.{len(tokens)}",
                                            headers={"Authorization": token})
                assert answer.json() == [{"id": 5, "name": token if passes else None}], answer
