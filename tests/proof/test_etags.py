"""An answer of 304 is never stale, and If-Match loses no update.

Clients keep answers of every kind and ask again with If-None-Match while others write. A 304 counts
as a read of what was kept, and all go through the checker in support/linearize.py.
"""
import random
import signal
import sqlite3

import pytest
from support import library, swarm
from support.client import Connection, request, request_bytes
from support.linearize import READ, WRITE, NotLinearizable, Op, check
from support.server import Server
from support.workload import Budget

WRITERS, READERS = 8, 24
KEYS = range(1, 5)
KINDS = {
    "rows": (library.note_views, library.note_changes),
    "embeds": (library.embed_views, library.embed_changes),
    "tallies": (library.tally_views, library.tally_changes),
}


def service_file(folder, cache):
    return library.write_service(folder, f"cache: {cache}\n")


def initial(kind, histories):
    """The registers of embeds begin with a value: as a write before all else."""
    if kind == "embeds":
        for ops in histories.values():
            first = min(op.invoked for op in ops)
            ops.append(Op(WRITE, library.FIRST, first - 2, first - 1))
    return histories


@pytest.mark.parametrize("cache", ["off", "memory"])
@pytest.mark.parametrize("kind", KINDS)
def test_304_is_never_stale(start, tmp_path, proof, seed, kind, cache):
    server = start(service_file(tmp_path, cache))
    library.fill(server.address, KEYS)
    rng = random.Random(seed)
    views, changes = KINDS[kind]
    clients = library.Readers(views(KEYS), changes(KEYS))
    reads = 200_000 if proof else 10_000
    writes, kept = Budget(reads // 10), {}
    more_reads = Budget(reads)
    streams = (random.Random(rng.randrange(2 ** 62)) for _ in range(WRITERS + READERS))
    swarm.run(server.address,
              [paced(clients.writer(next(streams), writes)) for _ in range(WRITERS)]
              # Half of the readers share what they keep, the others have their own.
              + [clients.reader(next(streams), more_reads, kept if number % 2 else {})
                 for number in range(READERS)])
    print(f"{clients.reads} reads, {clients.not_modified} were answered 304")
    assert clients.not_modified > reads // 50
    check(initial(kind, clients.histories))
    assert_check_has_teeth(clients.histories)
    assert server.stop() == 0, server.log()


def paced(generator):
    """With pauses between its requests, so that some answers are met unchanged."""
    answer = None
    while True:
        try:
            wanted = generator.send(answer)
        except StopIteration:
            return
        answer = yield wanted
        yield swarm.Pause(0.004)


def assert_check_has_teeth(histories):
    """A read of the value before the last write, begun after that write was answered, is found."""
    register, ops = max(histories.items(), key=lambda item: len(item[1]))
    last = max(op.returned for op in ops)
    writes = [op for op in ops if op.kind == WRITE]
    stale = Op(READ, min(op.value for op in writes), last + 1, last + 2)
    with pytest.raises(NotLinearizable):
        check({register: [*ops, stale]})


# One client: which answers a write changes, and which it leaves as they are.

def note(key, value):
    return {"id": key, "grp": key % 2, "value": value}


def kept_answers(connection, paths):
    kept = {}
    for path in paths:
        answer = connection.request("GET", path)
        assert answer.status == 200, (path, answer)
        kept[path] = answer.headers["etag"]
        again = connection.request("GET", path, headers={"If-None-Match": kept[path]})
        assert again.status == 304, (path, again)
        assert again.headers["etag"] == kept[path]
    return kept


WRITES = [
    # (method, path, body, headers, answers that are new, answers that are not)
    ("PATCH", "/notes?id=eq.1", {"value": 7}, {}, ["/notes", "/notes/1", "/notes?id=eq.1",
                                                 "/notes?value=gt.0", "/notes?grp=eq.1"],
     ["/notes/2", "/notes?id=eq.2", "/notes?id=eq.2&select=value", "/rooms", "/counts"]),
    ("PATCH", "/notes/1", {"value": 8}, {}, ["/notes", "/notes/1", "/notes?id=eq.1"],
     ["/notes/2", "/notes?id=eq.2", "/books"]),
    ("PUT", "/notes/1", {"grp": 1, "value": 9}, {}, ["/notes", "/notes/1"], ["/notes/2"]),
    ("POST", "/notes", {"id": 9, "grp": 1, "value": 1}, {}, ["/notes", "/notes?grp=eq.1"],
     ["/notes/2", "/notes?id=eq.2"]),
    ("POST", "/notes", {"id": 1, "grp": 1, "value": 3}, library.UPSERT, ["/notes", "/notes/1"],
     ["/notes/2"]),
    ("POST", "/notes", [note(1, 4), note(2, 4)], library.UPSERT,
     ["/notes", "/notes/1", "/notes/2"], ["/notes/3", "/notes?id=eq.3"]),
    ("DELETE", "/notes?id=eq.9", None, {}, ["/notes"], ["/notes/1", "/notes/2"]),
    ("DELETE", "/notes/4", None, {}, ["/notes"], ["/notes/1"]),
    ("PATCH", "/notes?grp=eq.1", {"value": 11}, {}, ["/notes", "/notes/1", "/notes/3"], ["/rooms"]),
    ("PATCH", "/rooms?id=eq.1", {"value": 5}, {},
     ["/rooms/1", "/rooms", "/shelves?select=id,rooms(value)", "/shelves?id=eq.1&select=rooms(*)",
      "/books?id=eq.1&select=shelves(rooms(value))",
      "/books?shelves.rooms.value=gt.0&select=id,shelves!inner(rooms!inner(value))"],
     ["/notes", "/rooms/2", "/books", "/shelves", "/counts"]),
    ("PATCH", "/books?id=eq.1", {"value": 6}, {},
     ["/books/1", "/shelves?id=eq.1&select=books(value)", "/topics?id=eq.1&select=books(value)",
      "/rooms?id=eq.1&select=shelves(books(value))", "/shelves?select=id,books(count)"],
     ["/topics", "/rooms", "/books/2", "/books?id=eq.2&select=value"]),
    ("POST", "/book_topics", {"book": 1, "topic": 2}, {},
     ["/books?id=eq.1&select=topics(value)", "/topics?id=eq.2&select=books(value)"],
     ["/books/1", "/topics", "/rooms"]),
    ("DELETE", "/book_topics/1,2", None, {},
     ["/books?id=eq.1&select=topics(value)", "/topics?id=eq.2&select=books(value)"],
     ["/books/1", "/topics"]),
    ("PUT", "/readers/1/1", {"value": 2}, {},
     ["/readers/1/counts", "/counts", "/counts?reader=eq.1", "/marks", "/marks?reader=eq.1"],
     ["/readers/2/counts", "/counts?reader=eq.2", "/notes", "/marks?reader=eq.2"]),
    ("DELETE", "/marks?reader=eq.1&item=eq.1", None, {},
     ["/readers/1/counts", "/counts", "/marks"], ["/readers/2/counts", "/marks?reader=eq.2"]),
]


def share_a_stripe(connection):
    """Do two of the keys below share one of the 4,096 counters of their resource? Once in some
    hundred starts; then a write of one makes the tags of the other new."""
    for table, field in (("notes", "id"), ("books", "id"), ("rooms", "id"), ("marks", "reader"),
                         ("counts", "reader")):
        paths = [f"/{table}?{field}=eq.{key}" for key in (*KEYS, 9)]
        for path in paths:
            kept = kept_answers(connection, [other for other in paths if other != path])
            if table == "counts":
                connection.request("PATCH", f"/marks?{path.partition('?')[2]}", {"value": 1})
            else:
                connection.request("PATCH", path, {"value": 1})
            for other, tag in kept.items():
                answer = connection.request("GET", other, headers={"If-None-Match": tag})
                if answer.status != 304:
                    return True
    return False


@pytest.fixture(scope="module")
def filled(module_start, tmp_path_factory):
    file = library.write_service(tmp_path_factory.mktemp("library"))
    for _ in range(4):
        server = module_start(file)
        library.fill(server.address, KEYS)
        with Connection(server.address) as connection:
            rows = [note(key, 1) for key in (*KEYS, 9)]
            assert connection.request("POST", "/notes", rows).status == 201
            for reader in (*KEYS, 9):
                answer = connection.request("PUT", f"/readers/{reader}/2", {"value": 1})
                assert answer.status == 201
            if not share_a_stripe(connection):
                assert connection.request("DELETE", "/notes/9").status == 204
                assert connection.request("DELETE", "/marks?reader=gt.2").status == 204
                return server
    raise AssertionError("keys share a counter again and again")


@pytest.mark.parametrize("method, path, body, headers, new, same", WRITES,
                         ids=[f"{row[0]} {row[1]}".replace("/", "_") for row in WRITES])
def test_what_a_write_changes(filled, method, path, body, headers, new, same):
    with Connection(filled.address) as connection:
        kept = kept_answers(connection, [*new, *same])
        answer = connection.request(method, path, body, headers)
        assert answer.status in (200, 201, 204), answer
        for each in new:
            fresh = connection.request("GET", each, headers={"If-None-Match": kept[each]})
            assert fresh.status == 200 and fresh.headers["etag"] != kept[each], (each, fresh)
            assert fresh.body == connection.request("GET", each).body
        for each in same:
            answer = connection.request("GET", each, headers={"If-None-Match": kept[each]})
            assert answer.status == 304, (each, answer)


def test_a_tag_belongs_to_its_representation(filled):
    """What shapes the body shapes the tag: 304 never stands for another shape."""
    shapes = [("/notes", {}), ("/notes", {"Accept": "text/csv"}),
              ("/notes", {"Accept": "application/x-ndjson"}), ("/notes", {"Range": "0-0"}),
              ("/notes?select=id", {}), ("/notes?limit=1", {}), ("/notes?order=id.desc", {}),
              ("/notes?id=eq.1", {}), ("/notes/1", {}), ("/notes/2", {}), ("/rooms", {}),
              ("/notes", {"Accept": "application/vnd.pgrst.array+json;nulls=stripped"}),
              ("/notes?id=eq.1", {"Accept": "application/vnd.pgrst.object+json"})]
    with Connection(filled.address) as connection:
        tags = [connection.request("GET", path, headers=headers).headers["etag"]
                for path, headers in shapes]
        assert len(set(tags)) == len(tags)
        for number, (path, headers) in enumerate(shapes):
            for other, tag in enumerate(tags):
                answer = connection.request("GET", path, headers={**headers, "If-None-Match": tag})
                assert answer.status == (304 if other == number else 200), (path, headers, tag)
        everything = {"If-None-Match": f'"x", W/"y", {", ".join(tags)}'}
        for path, headers in shapes:
            answer = connection.request("GET", path, headers={**headers, **everything})
            assert answer.status == 304, (path, answer)


KEYED = """
service: keyed
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:keyed.db}
resources:
""" + "".join(f"""
  {name}:
    key: id
    fields: {{ id: "{kind}", value: integer }}
""" for name, kind in (("integers", "integer"), ("numbers", "number"), ("decimals", "decimal(6,2)"),
                       ("texts", "text"), ("booleans", "boolean"), ("uuids", "uuid")))
SPELLINGS = {
    "integers": ("7", "7"), "numbers": ("2.5", "2.50", "25e-1"), "decimals": ("1.5", "1.50"),
    "texts": ("abc",), "booleans": ("true", "t", "TRUE"),
    "uuids": ("6f0d9d4e-5a0b-4c9e-8a55-0c5b6a7d8e9f", "6F0D9D4E-5A0B-4C9E-8A55-0C5B6A7D8E9F"),
}


@pytest.mark.parametrize("table", SPELLINGS)
def test_keys_of_each_type(start, tmp_path, table):
    """However a key is written, a change of its row is seen."""
    file = tmp_path / "keyed.yaml"
    file.write_text(KEYED, encoding="utf-8")
    server = start(file)
    with Connection(server.address) as connection:
        keys = SPELLINGS[table]
        answer = connection.request("POST", f"/{table}", {"id": keys[0], "value": 0})
        assert answer.status == 201, answer
        paths = [path for key in keys for path in (
            f"/{table}?id=eq.{key}", f"/{table}/{key}", f"/{table}?id=in.({key})",
            f"/{table}?and=(id.eq.{key},value.gte.0)")]
        paths = [path for path in paths if connection.request("GET", path).status == 200]
        assert len(paths) >= 4
        for value in range(1, 8):
            kept = kept_answers(connection, paths)
            answer = connection.request("PATCH", f"/{table}?value=gte.0" if value % 2 else
                                        f"/{table}?id=eq.{keys[0]}", {"value": value})
            assert answer.status == 204, answer
            for path, tag in kept.items():
                fresh = connection.request("GET", path, headers={"If-None-Match": tag})
                assert fresh.status == 200, (path, fresh)
                assert f'"value":{value}' in fresh.body.decode(), (path, fresh)


EXISTING = [
    "CREATE TABLE names (id TEXT COLLATE NOCASE PRIMARY KEY, value INTEGER)",
    "CREATE TABLE names (id TEXT COLLATE NOCASE PRIMARY KEY, value INTEGER) STRICT",
    "CREATE TABLE names (id TEXT COLLATE RTRIM PRIMARY KEY, value INTEGER) STRICT",
    "CREATE TABLE names (id VARCHAR(9) COLLATE NOCASE PRIMARY KEY, value INT) WITHOUT ROWID",
]


@pytest.mark.parametrize("table", EXISTING)
def test_keys_that_compare_loosely(tmp_path, table):
    """In an existing database several texts may be one key: a change by one shows by another."""
    database = tmp_path / "existing.db"
    with sqlite3.connect(database) as connection:
        connection.execute(table)
        connection.execute("INSERT INTO names VALUES ('abc', 0)")
    connection.close()
    server = Server(folder=tmp_path, store=f"sqlite:{database}", args=["--write"])
    server.files = ()
    with server.start(), Connection(server.address) as connection:
        paths = [path for key in ("abc", "ABC", "Abc", "abc%20%20") for path in (
            f"/names?id=eq.{key}", f"/names/{key}")]
        paths = [path for path in paths if b"abc" in connection.request("GET", path).body]
        assert len(paths) > 2
        kept = kept_answers(connection, paths)
        assert connection.request("PATCH", "/names?id=eq.abc", {"value": 5}).status == 204
        for path, tag in kept.items():
            fresh = connection.request("GET", path, headers={"If-None-Match": tag})
            assert fresh.status == 200 and b'"value":5' in fresh.body, (path, fresh)


def test_a_refused_write_changes_no_tag(filled):
    with Connection(filled.address) as connection:
        kept = kept_answers(connection, ["/books", "/books/1", "/rooms"])
        for method, path, body in (("DELETE", "/rooms?id=eq.1", None),
                                   ("PATCH", "/books?id=eq.1", {"shelf": 99}),
                                   ("POST", "/books", {"id": 1}),
                                   ("PATCH", "/books?id=eq.99", {"value": 1})):
            answer = connection.request(method, path, body)
            assert answer.status in (204, 400, 409), answer
        # A write that was begun may have made tags new: then what they stand for is the same.
        for path, tag in kept.items():
            assert connection.request("GET", path, headers={"If-None-Match": tag}).status in (
                200, 304)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_tags_and_a_restart(start, tmp_path, end):
    """A tag from before never hides what was written since; If-Match holds across it."""
    server = start(library.write_service(tmp_path))
    library.fill(server.address, KEYS)
    for round_number in range(3):
        paths = ["/rooms/1", "/rooms", "/rooms?id=eq.1", "/shelves?select=rooms(value)"]
        with Connection(server.address) as connection:
            kept = kept_answers(connection, paths)
            if round_number:
                body = {"value": 100 + round_number}
                assert connection.request("PATCH", "/rooms/1", body).status in (200, 204)
                mine = connection.request("GET", "/rooms/1").headers["etag"]
            else:
                mine = kept["/rooms/1"]
        server.signal(end)
        server.wait()
        server.start()
        with Connection(server.address) as connection:
            # As many writes as there were before: counters that begin again would come round.
            for _ in range(round_number):
                assert connection.request("PATCH", "/rooms/2", {"value": 1}).status in (200, 204)
            for path in paths:
                answer = connection.request("GET", path, headers={"If-None-Match": kept[path]})
                fresh = connection.request("GET", path)
                assert answer.status == 200 and answer.body == fresh.body, (path, answer)
            answer = connection.request("PATCH", "/rooms/1", {"value": 50 + round_number},
                                        {"If-Match": mine})
            assert answer.status in (200, 204), answer
            answer = connection.request("PATCH", "/rooms/1", {"value": 1}, {"If-Match": mine})
            assert answer.status == 412, answer


# If-Match

def incrementer(counts, method, budget):
    while budget.take():
        done = False
        while not done:
            shown = yield request_bytes("GET", "/notes/1")
            row, tag = shown.json(), shown.headers["etag"]
            row["value"] += 1
            body = {"value": row["value"]} if method == "PATCH" else row
            answer = yield request_bytes(method, "/notes/1", body, {"If-Match": tag})
            assert answer.status in (200, 204, 412), answer
            done = answer.status != 412
            counts["refused"] += not done
        counts["values"].append(row["value"])


def test_if_match_loses_no_update(start, tmp_path, proof):
    """Clients add one by read and conditional write: the sum is exact."""
    server = start(library.write_service(tmp_path))
    assert request(server.address, "PUT", "/notes/1", {"value": 0}).status == 201
    counts = {"values": [], "refused": 0}
    total = 3_000 if proof else 300
    budget = Budget(total)
    swarm.run(server.address, [incrementer(counts, method, budget)
                               for method in ("PATCH", "PUT") * 8])
    assert sorted(counts["values"]) == list(range(1, total + 1))
    assert request(server.address, "GET", "/notes/1").json()["value"] == total
    print(f"{counts['refused']} were refused")
    assert counts["refused"] > total // 10


def contender(outcomes, method, headers, number):
    body = None if method == "DELETE" else {"value": number}
    answer = yield request_bytes(method, "/notes/1", body, headers)
    outcomes.append((answer.status, number))


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "create"])
def test_one_of_many_wins(start, tmp_path, proof, method):
    """Of 16 conditional writes at once, one is done and 15 are refused."""
    server = start(library.write_service(tmp_path))
    for _ in range(100 if proof else 10):
        headers = {"If-None-Match": "*"}
        request(server.address, "DELETE", "/notes?id=eq.1")
        if method != "create":
            assert request(server.address, "PUT", "/notes/1", {"value": 0}).status == 201
            headers = {"If-Match": request(server.address, "GET", "/notes/1").headers["etag"]}
        outcomes = []
        swarm.run(server.address, [
            contender(outcomes, "PUT" if method == "create" else method, headers, number)
            for number in range(1, 17)])
        won = [number for status, number in outcomes if status < 300]
        lost = [status for status, _ in outcomes if status >= 300]
        assert len(won) == 1 and lost == [412] * 15, outcomes
        answer = request(server.address, "GET", "/notes/1")
        assert (answer.status == 404 if method == "DELETE"
                else answer.json()["value"] == won[0]), answer
