"""Idempotency-Key: a request that is repeated under its key gets the same answer and writes once,
also when both come at once, and when the process dies in between."""
import itertools
import random
import re
import signal
import sqlite3
import time

import pytest
from support import swarm
from support.client import Connection, Disconnected, request, request_bytes
from support.injection import sample
from support.pipeline import exchange
from support.server import Server, read_database

SERVICE = """
service: till
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:till.db}
limits: { rollback: on }
resources:
  sales:
    key: id
    fields:
      id:     { type: integer, default: auto }
      tag:    text
      amount: { type: integer, required: true, min: 0 }
  lines:
    key: [sale, place]
    fields:
      sale:  { type: integer, references: sales }
      place: integer
      text:  text
routes:
  POST /sell:         { insert: sales }
  PUT /set/{id}:      { upsert: sales }
  DELETE /sold/{tag}: { delete: sales, where: "tag=eq.{tag}", reply: { message: ok } }
"""
KEPT_BODY_BYTES = 65536
KEY_BYTES = 255
PASSING = ("date", "x-request-id")
REPRESENTATION = {"Prefer": "return=representation"}


@pytest.fixture(scope="module")
def service_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("till") / "till.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def server(module_start, service_file):
    server = module_start(service_file)
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def connection(server):
    with Connection(server.address) as connection:
        yield connection


@pytest.fixture
def keys(request):
    """Keys that no other test has."""
    name = request.node.name.encode("ascii", "replace").decode().replace('"', "")[:200]
    return (f"{name} {number}" for number in itertools.count())


def rows(connection, query="order=id"):
    answer = connection.request("GET", f"/sales?{query}")
    assert answer.status == 200, answer
    return answer.json()


def shown(answer):
    """All that a repeated answer has in common with the first."""
    return (answer.status, answer.body,
            {name: value for name, value in answer.headers.items() if name not in PASSING})


def sale(connection, **fields):
    answer = connection.request("POST", "/sales", {"amount": 1, **fields}, REPRESENTATION)
    assert answer.status == 201, answer
    return answer.json()[0]


# (method, path, body, headers); {id} is a sale that there is.
REQUESTS = [
    ("POST", "/sales", {"tag": "a", "amount": 1}, {}),
    ("POST", "/sales", {"tag": "a", "amount": 1}, REPRESENTATION),
    ("POST", "/sales", {"tag": "a", "amount": 1}, {"Prefer": "return=headers-only, count=exact"}),
    ("POST", "/sales", [{"tag": "a", "amount": 1}, {"tag": 'b"\\\u00e9\n', "amount": 2}],
     REPRESENTATION),
    ("POST", "/sales?select=tag", {"tag": "a", "amount": 1},
     {**REPRESENTATION, "Accept": "application/vnd.pgrst.object+json"}),
    ("POST", "/sales?select=tag,amount", {"tag": 'x,"y"\r\n', "amount": 1},
     {**REPRESENTATION, "Accept": "text/csv"}),
    ("POST", "/sales", "tag,amount\nx,1\n", {**REPRESENTATION, "Content-Type": "text/csv"}),
    ("POST", "/sales", '{"tag":"x","amount":1}\n{"tag":"y","amount":1}\n',
     {"Content-Type": "application/x-ndjson"}),
    ("POST", "/sales", [{"id": 1, "tag": "u", "amount": 1}, {"id": 2, "tag": "u", "amount": 1}],
     {"Prefer": "resolution=merge-duplicates,return=representation"}),
    ("POST", "/sales", [], REPRESENTATION),
    ("POST", "/sell", {"tag": "a", "amount": 1}, {}),
    ("PUT", "/set/5000", {"tag": "a", "amount": 1}, {}),
    ("PUT", "/sales/5001", {"tag": "a", "amount": 1}, REPRESENTATION),
    ("PUT", "/sales?id=eq.5002", {"id": 5002, "amount": 1}, {}),
    ("PATCH", "/sales?id=eq.{id}", {"amount": 7}, {}),
    ("PATCH", "/sales?id=eq.{id}", {"amount": 8}, {"Prefer": "return=representation,count=exact"}),
    ("PATCH", "/sales/{id}", {"amount": 9}, REPRESENTATION),
    ("PATCH", "/sales?id=eq.0", {"amount": 9}, REPRESENTATION),
    ("DELETE", "/sales?id=eq.{id}", None, {}),
    ("DELETE", "/sales?id=eq.{id}", None, {"Prefer": "return=representation,count=exact"}),
    ("DELETE", "/sales/{id}", None, {}),
    ("DELETE", "/sold/mine", None, {}),
]


@pytest.mark.parametrize("method, path, body, headers", REQUESTS,
                         ids=[f"{row[0]} {row[1]} {number}".replace("/", "_")
                              for number, row in enumerate(REQUESTS)])
def test_repeated(connection, keys, method, path, body, headers):
    """The first answer is that of a request without a key; the repeats are like the first, change
    nothing, and are not disturbed by what was written since."""
    mine = sale(connection, tag="mine")
    path = path.replace("{id}", str(mine["id"]))
    headers = {**headers, "Idempotency-Key": next(keys)}
    first = connection.request(method, path, body, headers)
    assert first.status < 300, first
    after = rows(connection)
    for _ in range(3):
        assert shown(connection.request(method, path, body, headers)) == shown(first)
    assert rows(connection) == after
    connection.request("DELETE", "/sales?tag=in.(a,b,x,y,u)")
    connection.request("PATCH", "/sales?id=gt.0", {"amount": 99})
    after = rows(connection)
    assert shown(connection.request(method, path, body, headers)) == shown(first)
    assert rows(connection) == after


def test_an_answer_under_a_key_is_like_one_without(connection, keys):
    for method, path, body, headers in REQUESTS:
        answers = []
        for more in ({}, {"Idempotency-Key": next(keys)}):
            connection.request("DELETE", "/sales?id=gt.0")
            mine = sale(connection, tag="mine")
            answer = connection.request(method, path.replace("{id}", str(mine["id"])), body,
                                        {**headers, **more})
            text = re.sub(r'"id":[0-9]+', '"id":0', answer.body.decode())
            answers.append((answer.status, text, sorted(set(answer.headers) - set(PASSING))))
        assert answers[0] == answers[1], (method, path)


OTHERS = [
    ("other body", {"body": {"tag": "a", "amount": 2}}),
    ("other white space", {"body": '{"tag":"a", "amount":1}'}),
    ("longer body", {"body": '{"tag":"a","amount":1} '}),
    ("no body", {"body": ""}),
    ("other path", {"path": "/sell"}),
    ("other query", {"path": "/sales?columns=tag,amount"}),
    ("other method", {"method": "PUT", "path": "/sales/7"}),
    ("other type", {"headers": {"Content-Type": "application/x-ndjson"}}),
]


@pytest.mark.parametrize("name, other", OTHERS, ids=[row[0].replace(" ", "_") for row in OTHERS])
def test_another_request_under_the_same_key(connection, keys, name, other):
    key = {"Idempotency-Key": next(keys)}
    good = {"method": "POST", "path": "/sales", "body": {"tag": "a", "amount": 1}, "headers": {}}
    first = connection.request(**{**good, "headers": key})
    assert first.status == 201
    before = rows(connection)
    changed = {**good, **other}
    answer = connection.request(**{**changed, "headers": {**changed["headers"], **key}})
    # What is refused for itself may be so before the key is looked at.
    assert answer.status == 422 or (name == "no body" and answer.status == 400), answer
    assert rows(connection) == before
    assert shown(connection.request(**{**good, "headers": key})) == shown(first)


BAD = [
    ("POST", "/sales", {"tag": "a", "amount": -1}, {}, 400),
    ("POST", "/sales", {"tag": "a"}, {}, 400),
    ("POST", "/sales", '{"tag":', {}, 400),
    ("POST", "/sales", {"nothing": 1}, {}, 400),
    ("POST", "/nothing", {"amount": 1}, {}, 404),
    ("POST", "/sales", [{"tag": "a", "amount": 1}, {"tag": "a", "amount": -1}], {}, 400),
    ("POST", "/lines", {"sale": 0, "place": 1}, {}, 409),
    ("PATCH", "/sales/0", {"amount": 1}, {}, 404),
    ("DELETE", "/sales/0", None, {}, 404),
    ("PATCH", "/sales?id=gt.0", {"amount": 1},
     {"Prefer": "handling=strict, max-affected=1"}, 400),
    ("PATCH", "/sales?id=gt.0", {"amount": 1},
     {**REPRESENTATION, "Accept": "application/vnd.pgrst.object+json"}, 406),
    ("PATCH", "/sales/{id}", {"amount": 5}, {"If-Match": '"0"'}, 412),
    ("PUT", "/sales/{id}", {"amount": 5}, {"If-None-Match": "*"}, 412),
    ("DELETE", "/sales/{id}", None, {"If-Match": '"0"'}, 412),
]


@pytest.mark.parametrize("method, path, body, headers, status", BAD,
                         ids=[f"{row[0]} {number}" for number, row in enumerate(BAD)])
def test_a_failed_request_keeps_nothing(connection, keys, method, path, body, headers, status):
    """The next one under its key, with another body, is done as if it were the first."""
    mine = sale(connection, tag="mine")
    sale(connection, tag="other")
    path = path.replace("{id}", str(mine["id"]))
    key = {"Idempotency-Key": next(keys)}
    before = rows(connection)
    for _ in range(2):
        answer = connection.request(method, path, body, {**headers, **key})
        assert answer.status == status, answer
    assert rows(connection) == before
    good = {"tag": "good", "amount": 3}
    first = connection.request("POST", "/sales", good, {**REPRESENTATION, **key})
    assert first.status == 201, first
    again = connection.request("POST", "/sales", good, {**REPRESENTATION, **key})
    assert shown(again) == shown(first)
    assert len(rows(connection)) == len(before) + 1


def test_rolled_back_keeps_nothing(connection, keys):
    key = next(keys)
    body = {"tag": "rolled", "amount": 1}
    for _ in range(2):
        answer = connection.request("POST", "/sales", body, {
            "Prefer": "tx=rollback, return=representation", "Idempotency-Key": key})
        assert answer.status == 201, answer
        assert rows(connection, "tag=eq.rolled") == []
    for _ in range(2):
        answer = connection.request("POST", "/sales", body, {"Idempotency-Key": key})
        assert answer.status == 201, answer
        assert len(rows(connection, "tag=eq.rolled")) == 1


@pytest.mark.parametrize("extra", [0, 1, 100_000])
def test_large_answers(connection, keys, extra):
    """A body of 64 KiB is kept; of a larger one the status and the fields are."""
    empty = len('[{"tag":""}]')
    text = "x" * (KEPT_BODY_BYTES - empty + extra)
    key = next(keys)
    ask = ("POST", "/sales?select=tag", {"tag": text, "amount": 1},
           {"Prefer": "return=representation", "Idempotency-Key": key})
    first = connection.request(*ask)
    assert first.status == 201 and len(first.body) == KEPT_BODY_BYTES + extra
    again = connection.request(*ask)
    assert again.status == 201
    assert again.body == (b"" if extra else first.body)
    assert again.headers["preference-applied"] == first.headers["preference-applied"]
    assert len(rows(connection, f"tag=like.{'x' * 1000}*&select=id")) == 1
    connection.request("DELETE", "/sales?tag=like.xxx*")


def test_large_answers_keep_their_location(connection, keys):
    ask = ("POST", "/sell", {"tag": "y" * KEPT_BODY_BYTES, "amount": 1},
           {"Idempotency-Key": next(keys)})
    first, again = connection.request(*ask), connection.request(*ask)
    assert first.status == again.status == 201
    assert again.headers["location"] == first.headers["location"]
    assert len(rows(connection, "tag=like.yyy*&select=id")) == 1
    connection.request("DELETE", "/sales?tag=like.yyy*")


@pytest.mark.parametrize("kind, line", [("text/csv", "%d,1\n"),
                                        ("application/x-ndjson", '{"tag":"%d","amount":1}\n')])
def test_large_bodies(connection, keys, kind, line):
    """The whole body counts, also one that is larger than those that are held in memory."""
    head = "tag,amount\n" if kind == "text/csv" else ""
    lines = [line % (number + 10 ** 9) for number in range(90_000)]
    headers = {"Content-Type": kind, "Idempotency-Key": next(keys)}
    before = len(rows(connection, "select=id"))
    first = connection.request("POST", "/sales", head + "".join(lines), headers)
    assert first.status == 201, first
    again = connection.request("POST", "/sales", head + "".join(lines), headers)
    assert shown(again) == shown(first)
    lines[-1] = line % 1
    assert connection.request("POST", "/sales", head + "".join(lines), headers).status == 422
    assert len(rows(connection, "select=id")) == before + len(lines)
    assert connection.request("DELETE", "/sales?tag=gte.1000000000").status == 204


def test_lengths_of_a_key(connection):
    for length, status in ((1, 201), (KEY_BYTES, 201), (KEY_BYTES + 1, 400), (4000, 400),
                           (0, 400)):
        before = len(rows(connection))
        for _ in range(2):
            answer = connection.request("POST", "/sales", {"amount": 1},
                                        {"Idempotency-Key": "k" * length})
            assert answer.status == status, (length, answer)
        assert len(rows(connection)) == before + (status == 201)
    # The last character counts.
    answer = connection.request("POST", "/sales", {"amount": 1},
                                {"Idempotency-Key": "k" * (KEY_BYTES - 1) + "l"})
    assert answer.status == 201


def test_hostile_keys(server, connection, proof, seed):
    """Each is a key of its own, byte for byte."""
    trimmed = {data.strip(b" \t") for data in sample(proof, seed)}
    texts = [data for data in trimmed if 1 <= len(data) <= KEY_BYTES
             and not any(bad in data for bad in b"\0\r\n")]
    asked = [request_bytes("POST", "/sales", {"tag": f"hostile {number}", "amount": number},
                           {"Idempotency-Key": text.decode("latin-1"), **REPRESENTATION})
             for number, text in enumerate(texts)]
    first, again = exchange(server.address, asked), exchange(server.address, asked)
    made = 0
    for text, one, other in zip(texts, first, again, strict=True):
        # Control characters are no part of a header field.
        control = any(byte < 32 and byte != 9 or byte == 127 for byte in text)
        assert one.status == (400 if control else 201), (text, one)
        if one.status == 201:
            assert shown(one) == shown(other), text
            made += 1
    assert made > len(texts) * 0.8
    assert len(rows(connection, "tag=like.hostile*&select=id")) == made


def test_reads_have_no_key(connection, keys):
    key = {"Idempotency-Key": next(keys)}
    for _ in range(2):
        assert connection.request("GET", "/sales?limit=1", headers=key).status == 200
    assert connection.request("POST", "/sales", {"amount": 1}, key).status == 201
    assert connection.request("GET", "/sales?limit=2", headers=key).status == 200


def asker(data, answers):
    answers.append((yield data))


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
def test_at_once(server, connection, keys, proof, method):
    """32 at once under one key: one write, one answer."""
    for number in range(100 if proof else 10):
        tag = f"{method} {number} at once"
        mine = sale(connection, tag="mine")
        path = {"POST": "/sales", "PUT": f"/sales/{10 ** 6 + number}"}.get(
            method, f"/sales?id=eq.{mine['id']}")
        body = None if method == "DELETE" else {"tag": tag, "amount": 1}
        ask = request_bytes(method, path, body, {**REPRESENTATION, "Idempotency-Key": next(keys)})
        answers = []
        swarm.run(server.address, [asker(ask, answers) for _ in range(32)])
        assert len(answers) == 32
        assert all(shown(answer) == shown(answers[0]) for answer in answers)
        assert answers[0].status in (200, 201)
        assert len(answers[0].json()) == 1 or method == "PUT"
        wanted = 0 if method == "DELETE" else 1
        assert len([row for row in rows(connection) if row["tag"] == tag]) == wanted
        connection.request("DELETE", "/sales?id=gt.0")


def test_different_bodies_at_once(server, connection, keys):
    """Of 32 bodies under one key one is written; the others are refused."""
    for _ in range(10):
        key = next(keys)
        answers = []
        swarm.run(server.address, [asker(request_bytes(
            "POST", "/sales", {"tag": f"differs {number}", "amount": 1},
            {"Idempotency-Key": key}), answers) for number in range(32)])
        assert sorted(answer.status for answer in answers) == [201] + [422] * 31
        assert len([row for row in rows(connection)
                    if (row["tag"] or "").startswith("differs")]) == 1
        connection.request("DELETE", "/sales?id=gt.0")


def test_kept_across_a_kill(start, service_file):
    """SIGKILL right behind the answer: the repeat still finds it."""
    server = start(service_file)
    asked = []
    for number in range(6):
        ask = ("POST", "/sales", {"tag": f"kill {number}", "amount": 1},
               {**REPRESENTATION, "Idempotency-Key": f"kill {number}"})
        answer = request(server.address, *ask)
        server.signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        server.wait()
        server.start()
        asked.append((ask, answer))
        for each, first in asked:
            assert shown(request(server.address, *each)) == shown(first)
    assert server.stop() == 0, server.log()
    assert read_database(server.database, "SELECT count(*) FROM sales") == [(6,)]
    assert read_database(server.database, "SELECT count(*) FROM _rl_idem") == [(6,)]


def seller(server, numbers, sent, answered, rng):
    """Sends sales under keys of their own, some of them twice, until its connection breaks."""
    for number in numbers:
        data = request_bytes("POST", "/sales", {"tag": f"sale {number}", "amount": 1},
                             {**REPRESENTATION, "Idempotency-Key": f"sale {number}"})
        sent[number] = data
        for _ in range(rng.choice((1, 1, 2))):
            try:
                answer = yield data
            except Disconnected:
                return
            assert answer.status == 201, answer
            assert shown(answered.setdefault(number, answer)) == shown(answer)


def test_killed_at_random_moments(start, service_file, proof, seed):
    """What was sent before a kill and is repeated after it is written exactly once; what was
    answered is answered the same."""
    server = start(service_file)
    rng = random.Random(seed)
    numbers = itertools.count()
    sent, answered = {}, {}
    for _ in range(40 if proof else 5):
        moment = time.monotonic() + rng.uniform(0.02, 0.4)
        killed = []

        def until():
            if not killed and time.monotonic() > moment:
                killed.append(True)
                server.signal(signal.SIGKILL)
            return False

        swarm.run(server.address, [seller(server, numbers, sent, answered, random.Random(
            rng.randrange(2 ** 62))) for _ in range(16)], until)
        assert server.wait() == -signal.SIGKILL, server.log()
        server.start()
        repeated = list(sent)[-200:]
        for number, answer in zip(repeated, exchange(
                server.address, [sent[number] for number in repeated]), strict=True):
            assert answer.status == 201, answer
            assert shown(answered.setdefault(number, answer)) == shown(answer)
    assert len(answered) > 50 and set(answered) == set(sent)
    assert server.stop() == 0, server.log()
    print(f"{len(sent)} sales")
    counts = read_database(server.database, "SELECT tag, count(*) FROM sales GROUP BY tag")
    assert dict(counts) == {f"sale {number}": 1 for number in sent}
    ids = dict(read_database(server.database, "SELECT tag, id FROM sales"))
    for number, answer in answered.items():
        assert answer.json() == [{"id": ids[f"sale {number}"], "tag": f"sale {number}",
                                  "amount": 1}]


def test_a_database_without_a_place_for_answers(tmp_path):
    """An existing database has no table for them: refused with the reason, nothing written."""
    database = tmp_path / "existing.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, amount INTEGER)")
    connection.close()
    server = Server(folder=tmp_path, store=f"sqlite:{database}", args=["--write"])
    server.files = ()
    with server.start():
        for method, path in (("POST", "/sales"), ("PUT", "/sales/1"), ("PATCH", "/sales?id=gt.0")):
            answer = request(server.address, method, path, {"amount": 1}, {"Idempotency-Key": "k"})
            assert answer.status == 400 and "kept answers" in answer.json()["details"], answer
        assert request(server.address, "GET", "/sales").body == b"[]"
        assert request(server.address, "POST", "/sales", {"amount": 1}).status == 201


def test_two_keys_are_refused(connection, keys):
    before = rows(connection)
    key = next(keys)
    headers = {"Idempotency-Key": key, "idempotency-key": key}
    answer = connection.request("POST", "/sales", {"tag": "two", "amount": 1}, headers)
    assert answer.status == 400 and answer.json()["code"] == "RL400", answer
    assert rows(connection) == before
