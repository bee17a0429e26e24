"""What a service answers to others about references between them, spoken to it as they would; see
docs/decisions/links.md."""
import json
import threading
import time
import uuid

import pytest
from support.client import Connection, metric, request, request_bytes
from support.peer import Peer, credential
from support.server import DidNotStart, run_program

KEY = "0123456789abcdef"
LIMIT_S = 60
OWNER = """
service: owner
limits: {{ loops: 2, answer_rows: 3, link_lease_ms: {lease} }}
resources:
  places:
    key: id
    fields: {{ id: integer, name: text }}
  rooms:
    key: [house, day]
    fields: {{ house: text, day: date, note: text }}
  people:
    at: {user}
    key: id
    fields: {{ id: integer, placeId: {{ type: integer, references: places }}, house: text, day: date }}
    references: {{ room: {{ fields: [house, day], to: rooms }} }}
  pets:
    at: {user}
    key: id
    fields: {{ id: integer, placeId: {{ type: integer, references: places }} }}
"""
USER = """
service: user
resources:
  places: {{ at: "{owner}", key: id, fields: {{ id: integer }} }}
  people:
    key: id
    fields: {{ id: integer, placeId: {{ type: integer, references: places }} }}
"""
LONG = 3600_000


def new_id():
    return str(uuid.uuid4())


@pytest.fixture(autouse=True, scope="module")
def _built_in(tmp_path_factory):
    file = tmp_path_factory.mktemp("any") / "any.yaml"
    file.write_text(USER.format(owner="http://127.0.0.1:1"), encoding="utf-8")
    if "without references between services" in run_program("check", file).stderr:
        pytest.skip("the program was built without libcurl")


@pytest.fixture
def peer():
    """Another service; `peer.used` are the holds that it says are used, the others are void."""
    def answer(method, path, message):
        made.goes_on.wait(LIMIT_S)
        if not made.answers:
            return 503, None
        if path == "/.rowlock/decide":
            used = [id for id in message["ids"] if id in made.used]
            return 200, {"used": used, "void": [id for id in message["ids"] if id not in used]}
        return (204, None) if method == "DELETE" else (200, {})

    made = Peer(answer)
    made.used = set()
    made.answers = True
    made.goes_on = threading.Event()
    made.goes_on.set()
    yield made
    made.goes_on.set()
    made.stop()


@pytest.fixture(params=["memory", "sqlite", "mariadb"])
def store(request):
    """Of a server: None is a file of its own."""
    return {"memory": lambda: "memory:", "sqlite": lambda: None,
            "mariadb": lambda: request.getfixturevalue("mariadb_database")()}[request.param]()


class Asked:
    """A service under test, as another one speaks to it."""

    def __init__(self, start, folder, text, **options):
        file = folder / "linked.yaml"
        file.write_text(text, encoding="utf-8")
        self.server = start(file, **options)
        self.headers = {}

    def do(self, method, path, body=None, headers=()):
        return request(self.server.address, method, path, body,
                       {**self.headers, **dict(headers)}, host="127.0.0.1")

    def put(self, holds, resource="places", user="people"):
        return self.do("PUT", "/.rowlock/holds", {
            "resource": resource, "from": user,
            "holds": [{"id": id, "key": key if isinstance(key, dict) else {"id": key}}
                      for id, key in holds]})

    def release(self, ids, resource="places", user="people"):
        return self.do("DELETE", "/.rowlock/holds",
                       {"resource": resource, "from": user, "ids": ids})

    def decide(self, ids):
        return self.do("POST", "/.rowlock/decide", {"ids": ids})

    def wait_for(self, name, value):
        deadline = time.monotonic() + LIMIT_S
        while metric(self.server, name) != value:
            assert time.monotonic() < deadline, (name, metric(self.server, name))
            time.sleep(0.02)

    def numbers(self):
        return [metric(self.server, name) for name in ("rowlock_holds_asked", "rowlock_holds_kept")]


@pytest.fixture
def owner(start, tmp_path, peer, store):
    made = Asked(start, tmp_path, OWNER.format(user=peer.url, lease=LONG), store=store)
    rows = [{"id": n, "name": f"place {n}"} for n in range(1, 5)]
    assert made.do("POST", "/places", rows).status == 201
    yield made
    assert made.server.stop() == 0, made.server.log()


def test_holds(owner):
    first, second = new_id(), new_id()
    assert owner.put([]).status == 200
    assert owner.put([(first, 1), (second, 2)]).status == 200
    assert owner.numbers() == [2, 0]
    # Repeated, alone, in another order, with a new one.
    assert owner.put([(first, 1)]).status == 200
    assert owner.put([(second, 2), (first, 1), (new_id(), 1)]).status == 200
    assert owner.numbers() == [3, 0]
    # Each row is held until nobody holds it any more.
    for id in (1, 2):
        answer = owner.do("DELETE", f"/places/{id}")
        assert (answer.status, answer.json()["code"]) == (409, "23503"), answer
        assert answer.json()["message"] == (
            'update or delete on table "places" violates foreign key constraint '
            '"people_placeId_fkey" on table "people"'), answer
        assert f'Key (id)=({id}) is still referenced from table "people"' in (
            answer.json()["details"]), answer
        assert owner.do("PATCH", f"/places/{id}", {"id": 99}).status == 409
        assert owner.do("PATCH", f"/places/{id}", {"name": "new"}).status == 204
    assert owner.do("DELETE", "/places?id=in.(2,3)").status == 409
    assert owner.do("DELETE", "/places/3").status == 204
    # Of another resource they stay.
    assert owner.release([second], user="pets").status == 204
    assert owner.do("DELETE", "/places/2").status == 409
    assert owner.release([second, new_id()]).status == 204
    assert owner.release([second]).status == 204
    assert owner.release([]).status == 204
    assert owner.do("DELETE", "/places/2").status == 204
    # Two hold it.
    assert owner.release([first]).status == 204
    assert owner.do("DELETE", "/places/1").status == 409


def test_holds_that_are_refused(owner):
    first, second = new_id(), new_id()
    assert owner.put([(first, 1)]).status == 200
    # All or none.
    answer = owner.put([(second, 1), (new_id(), 8), (new_id(), 9), (new_id(), 8)])
    assert answer.status == 409
    assert answer.json() == {"missing": [{"id": 8}, {"id": 9}]}
    assert owner.numbers() == [1, 0]
    # The id of another hold: of another row, of another user, twice in a message.
    for holds, user in (([(second, 2), (first, 2)], "people"), ([(second, 2), (first, 1)], "pets"),
                        ([(second, 1), (second, 2)], "people")):
        answer = owner.put(holds, user=user)
        assert (answer.status, answer.json()["code"]) == (422, "RL422"), answer
    assert owner.numbers() == [1, 0]
    # What the service file here does not say.
    for resource, user in (("places", "nobody"), ("nothing", "people"), ("people", "people"),
                           ("rooms", "pets"), ("_rl_hold_places", "people")):
        answer = owner.put([(second, 1)], resource, user)
        assert (answer.status, answer.json()["code"]) == (404, "PGRST205"), answer
        assert owner.release([second], resource, user).status == 404
    for body in ("", "[]", "{}", "{", "null", '{"resource":"places"}', b"\xff"):
        assert owner.do("PUT", "/.rowlock/holds", body).status == 400
        assert owner.do("DELETE", "/.rowlock/holds", body).status == 400
        assert owner.do("POST", "/.rowlock/holds", body).status == 400
    assert owner.numbers() == [1, 0]
    for method, path in (("GET", "/.rowlock/holds"), ("PATCH", "/.rowlock/holds")):
        assert owner.do(method, path, {}).status == 405
    # Nothing that is asked of a user, and no table of the program's own.
    assert owner.decide([first]).status == 404
    for path in ("/_rl_hold_places", "/people", "/people/1"):
        assert owner.do("GET", path).status == 404
    document = owner.do("GET", "/openapi.json").body.decode()
    assert "_rl_" not in document and ".rowlock/holds" not in document


def test_which_holds_are_there(owner):
    first, second, third = sorted(new_id() for _ in range(3))
    assert owner.put([(first, 1), (second, 2)]).status == 200
    assert owner.put([(third, 1)], user="pets").status == 200
    message = {"resource": "places", "from": "people", "ids": [third, first]}
    answer = owner.do("POST", "/.rowlock/holds", message)
    assert (answer.status, answer.json()) == (200, {"used": [first], "void": [third]})
    answer = owner.do("POST", "/.rowlock/holds", {**message, "from": "pets"})
    assert answer.json() == {"used": [third], "void": [first]}
    assert owner.do("POST", "/.rowlock/holds", {**message, "ids": []}).json() == {
        "used": [], "void": []}
    assert owner.do("POST", "/.rowlock/holds", {**message, "from": "rooms"}).status == 404
    assert owner.numbers() == [3, 0]


def test_key_of_several_fields(owner):
    key = {"house": "ü,\"1\"", "day": "2024-02-29"}
    assert owner.do("POST", "/rooms", key).status == 201
    id = new_id()
    assert owner.put([(id, key)], "rooms").status == 200
    assert owner.put([(id, dict(reversed(key.items())))], "rooms").status == 200
    answer = owner.put([(new_id(), key), (new_id(), {**key, "day": "2024-03-01"})], "rooms")
    assert (answer.status, answer.json()) == (409, {"missing": [{**key, "day": "2024-03-01"}]})
    answer = owner.do("DELETE", "/rooms?note=is.null")
    assert (answer.status, answer.json()["code"]) == (409, "23503")
    assert '"room" on table "people"' in answer.json()["message"]
    assert owner.release([id], "rooms").status == 204
    assert owner.do("DELETE", "/rooms?note=is.null").status == 204


def test_many_holds(owner, proof):
    count = 10_000 if proof else 2_000
    rows = [{"id": n} for n in range(1000, 1000 + count)]
    assert owner.do("POST", "/places", rows).status == 201
    holds = [(new_id(), row["id"]) for row in rows]
    assert owner.put(holds).status == 200
    assert owner.put(holds).status == 200
    assert owner.put(holds[:-1] + [(new_id(), 5)]).json() == {"missing": [{"id": 5}]}
    answer = owner.put([(new_id(), n) for n in range(9_000_000, 9_000_000 + count)])
    assert len(answer.json()["missing"]) == count
    assert owner.release([id for id, _ in holds]).status == 204
    assert owner.numbers() == [0, 0]
    assert owner.put([(new_id(), 1)] * 10_001).status == 413


def test_a_row_that_its_user_gave_up(owner, peer):
    """Holds that are asked for, and for long enough: their users are asked, and the delete goes on."""
    used, void, other = new_id(), new_id(), new_id()
    assert owner.put([(used, 1), (void, 2)]).status == 200
    assert owner.put([(other, 2)], user="pets").status == 200
    peer.used = {used}
    # Not for long enough.
    assert owner.do("DELETE", "/places/2").status == 409
    assert peer.asked == []
    time.sleep(2.1)
    assert owner.do("DELETE", "/places/1").status == 409
    assert owner.numbers() == [2, 1]
    peer.answers = False
    assert owner.do("DELETE", "/places/2").status == 409
    peer.answers = True
    answer = owner.do("DELETE", "/places/2", headers={"Prefer": "return=representation"})
    assert (answer.status, answer.json()) == (200, {"id": 2, "name": "place 2"})
    assert owner.numbers() == [0, 1]
    # What is kept is not asked about.
    peer.asked.clear()
    assert owner.do("DELETE", "/places/1").status == 409
    assert owner.do("DELETE", "/places").status == 409
    assert peer.asked == []


def wait_until_asked(peer):
    deadline = time.monotonic() + LIMIT_S
    while not peer.asked:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_end_while_a_user_is_asked(start, tmp_path, peer):
    """By nobody's request, and by a delete whose client has gone."""
    peer.goes_on.clear()
    owner = Asked(start, tmp_path, OWNER.format(user=peer.url, lease=200))
    assert owner.do("POST", "/places", {"id": 1}).status == 201
    assert owner.put([(new_id(), 1)]).status == 200
    wait_until_asked(peer)
    assert owner.server.stop() == 0, owner.server.log()

    owner = Asked(start, tmp_path, OWNER.format(user=peer.url, lease=LONG))
    assert owner.do("POST", "/places", {"id": 2}).status == 201
    assert owner.put([(new_id(), 2)]).status == 200
    time.sleep(2.1)
    peer.asked.clear()
    with Connection(owner.server.address) as connection:
        connection.send(request_bytes("DELETE", "/places/2"))
        wait_until_asked(peer)
    assert owner.do("GET", "/places/2").status == 200
    assert owner.server.stop() == 0, owner.server.log()


def test_holds_that_are_asked_for_too_long(start, tmp_path, peer, store):
    owner = Asked(start, tmp_path, OWNER.format(user=peer.url, lease=200), store=store)
    assert owner.do("POST", "/places", [{"id": n} for n in range(1, 5)]).status == 201
    peer.answers = False
    used, void = new_id(), new_id()
    peer.used = {used}
    assert owner.put([(used, 1), (void, 2)]).status == 200
    wait_until_asked(peer)
    # Without an answer they stay.
    assert owner.numbers() == [2, 0]
    assert owner.do("GET", "/ready").status == 200
    assert "does not settle references" in owner.server.log()
    peer.answers = True
    owner.wait_for("rowlock_holds_kept", 1)
    owner.wait_for("rowlock_holds_asked", 0)
    assert owner.do("DELETE", "/places/2").status == 204
    assert owner.do("DELETE", "/places/1").status == 409
    # A late PUT of what is void is asked about again.
    assert owner.put([(new_id(), 3)]).status == 200
    owner.wait_for("rowlock_holds_asked", 0)
    assert owner.do("DELETE", "/places/3").status == 204
    method, path, _, headers = peer.asked[0]
    assert (method, path, headers["Content-Type"]) == (
        "POST", "/.rowlock/decide", "application/json")
    assert owner.server.stop() == 0, owner.server.log()


def test_decide(start, tmp_path, store):
    user = Asked(start, tmp_path, USER.format(owner="http://127.0.0.1:1"), store=store)
    ids = [new_id() for _ in range(100)]
    assert user.decide([]).json() == {"used": [], "void": []}
    for _ in range(2):
        answer = user.decide(ids)
        assert answer.status == 200
        assert answer.json()["used"] == [] and sorted(answer.json()["void"]) == sorted(ids)
    assert user.decide(ids[:1] * 2).json() == {"used": [], "void": ids[:1] * 2}
    for body in ("", "[]", '{"ids":[5]}', '{"ids":["x"]}'):
        assert user.do("POST", "/.rowlock/decide", body).status == 400
    assert user.put([]).status == 404
    assert metric(user.server, "rowlock_outbox") == 0
    assert user.server.stop() == 0, user.server.log()


def signed(key, method, path, message, **options):
    body = json.dumps(message).encode()
    return body, {"Authorization": credential(key, method, path, body, **options)}


def test_credential(start, tmp_path):
    try:
        user = Asked(start, tmp_path, USER.format(owner="http://127.0.0.1:1"), store="memory:",
                     env={"LINK_KEY": KEY})
    except DidNotStart as error:
        assert "LINK_KEY needs a build with libcrypto" in str(error)
        pytest.skip("the program was built without libcrypto")
    path = "/.rowlock/decide"
    message = {"ids": [new_id()]}
    now = int(time.time())
    body, good = signed(KEY, "POST", path, message)
    assert user.do("POST", path, body, good).status == 200
    assert user.do("POST", path, body, {**good, "X-Forwarded-For": "10.0.0.1"}).status == 200
    for shown in ({}, {"Authorization": "Bearer x"}, signed(KEY + "x", "POST", path, message)[1],
                  signed(KEY, "PUT", path, message)[1], signed(KEY, "POST", path, {"ids": []})[1],
                  signed(KEY, "POST", path, message, at=now - 90)[1],
                  signed(KEY, "POST", path, message, at=now + 90)[1]):
        answer = user.do("POST", path, body, shown)
        assert (answer.status, answer.json()["code"]) == (403, "42501"), (shown, answer)
    # The credential first, then what is said.
    assert user.do("POST", path, "{").status == 403


def test_without_a_key(start, tmp_path):
    user = Asked(start, tmp_path, USER.format(owner="http://127.0.0.1:1"), store="memory:",
                 args=["--open"])
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"},
                    {"Origin": "http://example.com"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = user.do("POST", "/.rowlock/decide", {"ids": []}, headers)
        assert (answer.status, answer.json()["code"]) == (403, "42501"), (headers, answer)
    answer = request(user.server.address, "POST", "/.rowlock/decide", {"ids": []}, host="example.com")
    assert answer.status == 403
    assert user.decide([]).status == 200


def test_key_that_is_too_short(start, tmp_path):
    with pytest.raises(DidNotStart) as error:
        Asked(start, tmp_path, USER.format(owner="http://127.0.0.1:1"), env={"LINK_KEY": "short"})
    assert "LINK_KEY" in str(error.value)


def test_reload(start, tmp_path, peer):
    """A service file that is read again: what is done without being asked goes on with it."""
    text = OWNER.format(user=peer.url, lease=200)
    owner = Asked(start, tmp_path, text, store="memory:")
    assert owner.do("POST", "/places", {"id": 1}).status == 201
    for round in range(2):
        (tmp_path / "linked.yaml").write_text(text + f"# {round}\n", encoding="utf-8")
        owner.server.signal(1)
        assert owner.put([(new_id(), 1)]).status == 200
        owner.wait_for("rowlock_holds_asked", 0)
    assert owner.do("DELETE", "/places/1").status == 204
    assert owner.server.stop() == 0, owner.server.log()
