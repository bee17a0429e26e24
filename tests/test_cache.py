"""Answers that are kept: which are, for whom, and until when."""
import re
import signal
import time

import pytest
from support.client import Connection, request
from support.server import run_program

SERVICE = """
service: cached
cache: ${CACHE:-memory}
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:cached.db}
limits: { cache_bytes: 262144 }
resources:
  users:
    key: id
    fields:
      id:   integer
      name: text
  notes:
    key: [user, id]
    fields:
      user: { type: integer, references: users }
      id:   integer
      text: text
  counts:
    tally: notes
    by: [user]
routes:
  GET /user/{id}:          { get: users }
  GET /user/{user}/notes:  { list: notes, select: "id,text", empty: 404 }
  GET /user/{user}/count:  { list: counts, select: "count" }
  PUT /user/{id}:          { upsert: users }
  DELETE /user/{id}:       { delete: users }
"""
USERS = range(1, 21)


class Bench:
    """A server, a connection to it, and how its cache's counters change."""

    def __init__(self, server):
        self.server = server
        self.connection = Connection(server.address)

    def metrics(self):
        text = self.connection.request("GET", "/metrics").body.decode()
        return {name: int(value) for name, value in
                re.findall(r"^rowlock_cache_(\w+) (\d+)$", text, re.M)}

    def ask(self, method, target, body=None, **headers):
        """(answer, hits, misses)"""
        before = self.metrics()
        answer = self.connection.request(
            method, target, body,
            {name.replace("_", "-"): value for name, value in headers.items()})
        after = self.metrics()
        return (answer, after.get("hits_total", 0) - before.get("hits_total", 0),
                after.get("misses_total", 0) - before.get("misses_total", 0))

    def hits(self, target, method="GET", **headers):
        """The answer, which must be a kept one."""
        answer, hits, misses = self.ask(method, target, **headers)
        assert (hits, misses) == (1, 0), (target, answer)
        return answer

    def misses(self, target, method="GET", **headers):
        answer, hits, misses = self.ask(method, target, **headers)
        assert (hits, misses) == (0, 1), (target, answer)
        return answer

    def passes(self, target, method="GET", **headers):
        """The answer, for which nobody looked into the cache."""
        answer, hits, misses = self.ask(method, target, **headers)
        assert (hits, misses) == (0, 0), (target, answer)
        return answer

    def write(self, method, target, body=None, status=(200, 201, 204)):
        answer = self.connection.request(method, target, body)
        assert answer.status in status, answer
        return answer


def write_service(folder, text=SERVICE):
    file = folder / "cached.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def make(start, tmp_path):
    """make(text, …) starts a server with rows in it."""
    made = []

    def make_one(text=SERVICE, **options):
        bench = Bench(start(write_service(tmp_path, text), **options))
        made.append(bench)
        bench.write("POST", "/users", [{"id": n, "name": f"user {n}"} for n in USERS])
        bench.write("POST", "/notes", [{"user": n, "id": m, "text": f"{n}.{m}"}
                                       for n in USERS for m in (1, 2)])
        return bench

    yield make_one
    for bench in made:
        bench.connection.close()
        assert bench.server.stop() == 0, bench.server.log()


def plain(answer):
    """Without what changes from second to second."""
    return (answer.status, answer.body,
            {name: value for name, value in answer.headers.items()
             if name not in ("date", "x-request-id")})


READS = [
    "/user/5", "/user/5/notes", "/user/5/count", "/user/5?select=name", "/users", "/users/7",
    "/users?id=gte.3&order=name.desc&limit=4", "/users?select=id,notes(text)&id=eq.3",
    "/notes?select=text,users(name)&order=text&limit=3", "/counts", "/notes?select=count()",
    "/users?order=id&limit=5&after=", "/rest/v1/users?id=eq.1", "/users?id=eq.99",
]


@pytest.mark.parametrize("target", READS)
def test_the_second_answer_is_the_first(make, target):
    bench = make()
    first = bench.misses(target)
    assert first.status == 200
    second = bench.hits(target)
    assert plain(first) == plain(second)
    assert first.headers["etag"] == second.headers["etag"]
    unchanged = bench.passes(target, If_None_Match=first.headers["etag"])
    assert unchanged.status == 304
    other = bench.hits(target, If_None_Match='"0000000000000000"')
    assert plain(other) == plain(first)


@pytest.mark.parametrize("target", READS)
def test_without_a_cache_it_is_the_same(make, target):
    """But for tags, which no two processes share."""
    answers = []
    for cache in ("memory", "off"):
        bench = make(env={"CACHE": cache})
        bench.connection.request("GET", target)
        answer = bench.connection.request("GET", target)
        assert re.fullmatch(r'"([0-9a-f]{16}\.)?[0-9a-f]{16}"', answer.headers.pop("etag"))
        answers.append(plain(answer))
        assert bool(bench.metrics()) == (cache == "memory")
    assert answers[0] == answers[1]


def test_what_is_not_there(make):
    bench = make()
    for target in ("/user/99", "/users/99", "/user/99/notes"):
        first = bench.misses(target)
        assert first.status == 404
        second = bench.hits(target)
        assert plain(first) == plain(second)
        assert first.headers["x-request-id"] != second.headers["x-request-id"]
    bench.write("PUT", "/user/99", {"name": "late"})
    assert bench.misses("/user/99").json() == {"id": 99, "name": "late"}
    assert bench.misses("/users/99").status == 200


def test_errors_are_not_kept(make):
    bench = make()
    for target in ("/users?id=eq.x", "/users?nothing=eq.1", "/users?limit=-1"):
        assert bench.passes(target).status in (400, 416)
    many = {"Accept": "application/vnd.pgrst.object+json"}
    for _ in range(2):
        assert bench.misses("/users", **many).status == 406
    far = {"Prefer": "count=exact"}
    for _ in range(2):
        assert bench.misses("/users?offset=1000", **far).status == 416
    assert bench.metrics()["entries"] == 0


def test_head_and_get_share_an_answer(make):
    bench = make()
    get = bench.misses("/users?limit=3")
    head = bench.hits("/users?limit=3", "HEAD")
    assert head.body == b""
    got, told = dict(get.headers), dict(head.headers)
    for headers in (got, told):
        for name in ("date", "content-length"):
            headers.pop(name, None)
    assert got == told
    head = bench.misses("/users?limit=4", "HEAD")
    assert bench.hits("/users?limit=4").headers["etag"] == head.headers["etag"]


def test_query_has_answers_of_its_own(make):
    bench = make()
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def query(text):
        return bench.ask("QUERY", "/users", text, **form)

    get = bench.misses("/users?id=eq.3")
    assert [query("id=eq.3")[1:] for _ in range(2)] == [(0, 1), (1, 0)]
    assert query("id=eq.3")[0].body == get.body
    assert query("id=eq.4")[1:] == (0, 1)
    long = "id=in.(" + ",".join(["3"] * 9000) + ")"
    assert [query(long)[1:] for _ in range(2)] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("headers", [
    {"Range": "2-4"}, {"Range": "0-0"}, {"Prefer": "count=exact"},
    {"Prefer": "count=exact", "Range": "0-3"}, {"Prefer": "handling=strict"},
    {"Prefer": "timezone=UTC"}, {"Accept": "text/csv"}, {"Accept": "application/x-ndjson"},
    {"Accept": "application/vnd.pgrst.array+json;nulls=stripped"},
])
def test_what_shapes_an_answer_is_part_of_its_key(make, headers):
    bench = make()
    bench.misses("/users")
    first = bench.misses("/users", **headers)
    second = bench.hits("/users", **headers)
    assert plain(first) == plain(second)
    assert first.status == (206 if len(headers) == 2 else 200)
    assert plain(bench.hits("/users")) != plain(first)
    assert bench.hits("/users", Accept="*/*", User_Agent="x").status == 200


def test_compressed_answers_come_from_the_same_entry(make):
    bench = make()
    text = bench.misses("/notes?select=text,users(*)")
    packed = bench.hits("/notes?select=text,users(*)", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] == text.headers["etag"][:-1] + '-gz"'
    assert len(packed.body) < len(text.body)


def test_if_none_match_any(make):
    """An item's answer to `*` is made from the row."""
    bench = make()
    bench.misses("/users/5")
    for _ in range(2):
        assert bench.passes("/users/5", If_None_Match="*").status == 304
        assert bench.passes("/users/999", If_None_Match="*").status == 404


def test_a_write_to_one_row_leaves_those_of_others(make):
    bench = make()
    for n in (5, 9):
        for target in (f"/user/{n}", f"/users/{n}", f"/user/{n}/notes"):
            bench.misses(target)
    bench.misses("/users")
    bench.write("PUT", "/user/5", {"name": "new"})
    assert bench.misses("/user/5").json()["name"] == "new"
    assert bench.misses("/users/5").json()["name"] == "new"
    assert bench.misses("/users").json()[4]["name"] == "new"
    assert bench.hits("/user/5/notes").status == 200
    for target in ("/user/9", "/users/9", "/user/9/notes"):
        bench.hits(target)


def test_a_write_in_bulk_reaches_all(make):
    bench = make()
    for n in USERS:
        bench.misses(f"/user/{n}")
    bench.write("POST", "/users", [{"id": n, "name": "x"} for n in range(1000, 1200)])
    for n in USERS:
        bench.misses(f"/user/{n}")
    bench.write("PATCH", "/users?id=gte.1", {"name": "all"})
    for n in USERS:
        assert bench.misses(f"/user/{n}").json()["name"] == "all"


def test_a_write_that_failed_changes_nothing(make):
    bench = make()
    bench.misses("/user/5")
    assert bench.connection.request("POST", "/users", {"id": 5}).status == 409
    bench.hits("/user/5")


def test_tallies_and_embeds(make):
    bench = make()
    targets = ("/user/5/count", "/counts", "/users?select=name,notes(text)&id=eq.5",
               "/users?notes.text=eq.5.1&select=id,notes!inner(id)")
    for target in targets:
        bench.misses(target)
        bench.hits(target)
    bench.write("POST", "/notes", {"user": 5, "id": 3, "text": "more"})
    answers = [bench.misses(target) for target in targets]
    assert answers[0].json() == [{"count": 3}]
    assert b"more" in answers[2].body
    bench.write("DELETE", "/notes?user=eq.5&id=eq.3")
    for target in targets:
        bench.misses(target)
    # What is embedded may change alone.
    bench.misses("/notes?select=text,users(name)&user=eq.7")
    bench.write("PUT", "/user/7", {"name": "seven"})
    assert b"seven" in bench.misses("/notes?select=text,users(name)&user=eq.7").body


def test_a_reload_begins_anew(make, tmp_path):
    bench = make()
    assert bench.misses("/user/5").json() == {"id": 5, "name": "user 5"}
    bench.hits("/user/5")
    write_service(tmp_path, SERVICE.replace("{ get: users }", "{ get: users, select: name }"))
    bench.server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while "was read again" not in bench.server.log():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    while bench.connection.request("GET", "/user/5").json() != {"name": "user 5"}:
        assert time.monotonic() < deadline
    assert bench.hits("/user/5").json() == {"name": "user 5"}


def test_a_reload_cannot_change_the_cache(make, tmp_path):
    bench = make()
    write_service(tmp_path, SERVICE.replace("${CACHE:-memory}", "off"))
    bench.server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while "cache and limits cannot change" not in bench.server.log():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    bench.misses("/user/5")
    bench.hits("/user/5")


def test_bytes_have_a_limit(make):
    bench = make()
    for offset in range(400):
        bench.connection.request("GET", f"/notes?offset={offset % 20}&limit={100 + offset}")
    metrics = bench.metrics()
    assert metrics["bytes"] <= 262144
    assert metrics["evictions_total"] > 0
    assert metrics["entries"] == metrics["fills_total"] - metrics["evictions_total"]
    # One answer has at most a sixteenth.
    bench.write("PATCH", "/users?id=lte.9", {"name": "x" * 1000})
    for target, kept in (("/users?id=lte.9", True), ("/users?id=lte.18", True)):
        bench.misses(target)
        assert bench.ask("GET", target)[1] == kept
    bench.write("PATCH", "/users?id=gte.1", {"name": "x" * 1000})
    bench.misses("/users?id=lte.18")
    bench.misses("/users?id=lte.18")
    bench.misses("/users?id=lte.9")
    bench.hits("/users?id=lte.9")


STREAMED = SERVICE.replace("cache_bytes: 262144", "cache_bytes: 4194304, inline_read_bytes: 4096")


@pytest.mark.parametrize("headers", [{}, {"Prefer": "count=exact"}, {"Accept": "text/csv"},
                                     {"Range": "0-39", "Prefer": "count=exact"}])
def test_streams_are_kept_up_to_the_size_of_an_entry(make, headers):
    bench = make(STREAMED)
    bench.write("POST", "/users", [{"id": n, "name": "x" * 1000} for n in range(100, 300)])
    first = bench.misses("/users", **headers)
    assert first.headers["transfer-encoding"] == "chunked"
    second = bench.hits("/users", **headers)
    assert second.headers.pop("content-length") == str(len(second.body))
    del first.headers["transfer-encoding"]
    assert plain(first) == plain(second)
    assert bench.misses("/users?id=gt.0", "HEAD").status == 200
    bench.misses("/users?id=gt.0")
    bench.write("PATCH", "/users?id=eq.5", {"name": "y" * 9})
    assert b"yyyyyyyyy" in bench.misses("/users", **headers).body
    # Too large for an entry.
    bench.write("POST", "/users", [{"id": n, "name": "x" * 1000} for n in range(300, 400)])
    bench.misses("/users", **headers)
    assert bench.ask("GET", "/users", **headers)[1] == ("Range" in headers)


def test_a_stream_that_nobody_waits_for_is_not_kept(make):
    bench = make(STREAMED)
    bench.write("POST", "/users", [{"id": n, "name": "x" * 1000} for n in range(100, 300)])
    fills = bench.metrics()["fills_total"]
    for _ in range(20):
        with Connection(bench.server.address, receive_buffer=2048) as connection:
            connection.send(b"GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.socket.recv(100)
    time.sleep(0.2)
    answer = bench.ask("GET", "/users")[0]
    assert len(answer.json()) == len(USERS) + 200
    assert bench.metrics()["fills_total"] <= fills + 21


def test_the_store_is_not_asked(make):
    bench = make()
    bench.misses("/user/5")

    def reads():
        text = bench.connection.request("GET", "/metrics").body.decode()
        return int(re.search(r"^rowlock_reads_inline_total (\d+)$", text, re.M)[1])

    before = reads()
    for _ in range(100):
        assert bench.connection.request("GET", "/user/5").status == 200
    assert reads() == before


def test_without_words_rows_in_memory_are_cached_too(make):
    text = SERVICE.replace("cache: ${CACHE:-memory}\n", "")
    for options in ({}, {"store": "memory:"}):
        bench = make(text, **options)
        bench.misses("/user/5")
        bench.hits("/user/5")


def test_wrong_words(tmp_path):
    file = write_service(tmp_path)
    assert run_program("check", file).returncode == 0
    checked = run_program("check", file, env={"CACHE": "disk"})
    assert checked.returncode == 1
    assert "there is no such cache" in checked.stderr


def test_metrics_say_what_they_are(make):
    bench = make()
    text = request(bench.server.address, "GET", "/metrics").body.decode()
    for name in ("hits_total", "misses_total", "fills_total", "evictions_total", "bytes",
                 "entries"):
        kind = "counter" if name.endswith("total") else "gauge"
        assert re.search(rf"^# HELP rowlock_cache_{name} \S.*\.\n"
                         rf"# TYPE rowlock_cache_{name} {kind}\n", text, re.M), name
