"""The contract of places, people and people-per-place, line by line, as clients reach it.

With --url the same tests run against a deployment: --url http://127.0.0.1:8080 for a gateway, or
--url http://127.0.0.1:5001,http://127.0.0.1:5002,http://127.0.0.1:5003 for the three services. They
only look at what they made.
"""
import itertools

import pytest
from support.westeros import Deployment, Westeros, names

SETUPS = ["sqlite", "mariadb", "gateway"]
NONE = 2 ** 62  # no row has this id
LONGEST = "é" * 64
RESOURCES = ["/places/", "/people/"]


def pytest_generate_tests(metafunc):
    if "westeros" in metafunc.fixturenames:
        url = metafunc.config.getoption("--url")
        metafunc.parametrize("westeros", ["url"] if url else SETUPS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def westeros(request, tmp_path_factory):
    """Whatever is served; started for this module unless --url names it."""
    if request.param == "url":
        yield Deployment(request.config.getoption("--url"))
        return
    stores = None
    if request.param == "mariadb":
        database = request.getfixturevalue("mariadb_database")
        stores = [database(), database()]
    with Westeros(tmp_path_factory.mktemp("westeros"), stores,
                  gateway=request.param == "gateway") as running:
        yield running


@pytest.fixture
def call(westeros):
    client = westeros.client()
    yield client
    client.close()


@pytest.fixture
def name():
    return next(names)


@pytest.fixture
def place(call, name):
    return call.make("/places/", name=name)["id"]


def refused(answer, status, named=""):
    assert answer.status == status, answer
    assert set(answer.json()) == {"code", "details", "hint", "message"}
    assert named in answer.json()["message"], answer


# ---- one row ----

def test_a_place_from_its_first_day_to_its_last(call, name):
    answer = call("POST", "/places/", {"name": name})
    assert answer.status == 201, answer
    made = answer.json()
    assert list(made) == ["id", "name"] and isinstance(made["id"], int) and made["name"] == name
    path = f"/places/{made['id']}"
    assert answer.headers["location"].endswith(path)
    assert call.get(path) == made and made in call.get("/places/")
    assert call.get(f"/places/?name=eq.{name}") == [made]
    for method, new in (("PUT", "Ärmel 🏰"), ("PATCH", LONGEST), ("PUT", "")):
        answer = call(method, path, {"name": new})
        assert (answer.status, answer.json()) == (200, {**made, "name": new})
        assert call.get(path) == answer.json()
    gone = call("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    for method, body in (("GET", None), ("PUT", {"name": name}), ("PATCH", {"name": name}),
                         ("DELETE", None)):
        refused(call(method, path, body), 404)


def test_a_person_from_the_first_day_to_the_last(call, name, place):
    answer = call("POST", "/people/", {"name": name, "isAlive": True, "isKing": True, "placeId": place})
    assert answer.status == 201, answer
    made = answer.json()
    assert made == {"id": made["id"], "name": name, "isAlive": True, "isKing": True, "placeId": place}
    assert list(made) == ["id", "name", "isAlive", "isKing", "placeId"]
    path = f"/people/{made['id']}"
    assert answer.headers["location"].endswith(path)
    assert call.get(path) == made and made in call.get("/people/")
    answer = call("PATCH", path, {"isKing": False})
    assert (answer.status, answer.json()) == (200, {**made, "isKing": False})
    # what a PUT does not give is as if it was new
    answer = call("PUT", path, {"name": "Ned"})
    buried = {"id": made["id"], "name": "Ned", "isAlive": False, "isKing": False, "placeId": None}
    assert (answer.status, answer.json()) == (200, buried)
    assert call.get(path) == buried
    gone = call("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    for method, body in (("GET", None), ("PUT", {"name": name}), ("PATCH", {"name": name}),
                         ("DELETE", None)):
        refused(call(method, path, body), 404)


def test_what_a_person_is_when_nothing_is_said(call, name):
    made = call.make("/people/", name=name)
    assert made == {"id": made["id"], "name": name, "isAlive": False, "isKing": False,
                    "placeId": None}


@pytest.mark.parametrize("resource", RESOURCES)
def test_an_id_in_a_body_is_ignored(call, name, resource):
    first = call.make(resource, name=name)
    for given in (first["id"], NONE, "x", None, [1]):
        made = call.make(resource, name=name, id=given)
        assert made["id"] not in (first["id"], NONE), made
        for method in ("PUT", "PATCH"):
            answer = call(method, f"{resource}{made['id']}", {"name": "other", "id": given})
            assert (answer.status, answer.json()) == (200, {**made, "name": "other"})
    assert call.get(f"{resource}{first['id']}") == first


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_row_that_is_not_there(call, name, resource):
    for number in (NONE, 0, -1, "x", "1.5", 2 ** 63, "%20"):
        path = f"{resource}{number}"
        refused(call("GET", path), 404)
        refused(call("PUT", path, {"name": name}), 404)
        refused(call("PATCH", path, {"name": name}), 404)
        refused(call("DELETE", path), 404)
    assert call.get(f"{resource}?name=eq.{name}") == []


# ---- what is refused ----

BAD = [({}, "name"), ({"name": None}, "name"), ({"name": 5}, "name"), ({"name": ["a"]}, "name"),
       ({"name": LONGEST + "é"}, "name"), ({"name": "a", "Name": "b"}, "Name")]
BAD_PEOPLE = [({"name": "a", field: value}, field) for field, value in [
    ("isAlive", None), ("isAlive", 1), ("isAlive", "true"), ("isKing", None), ("isKing", 0),
    ("isKing", "false"), ("placeId", "1"), ("placeId", 1.5), ("placeId", True), ("placeId", {})]]


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_row_that_is_none(call, name, resource):
    made = call.make(resource, name=name)
    for body, named in BAD + (BAD_PEOPLE if resource == "/people/" else []):
        refused(call("POST", resource, body), 400, named)
        refused(call("PUT", f"{resource}{made['id']}", body), 400, named)
        if body:
            refused(call("PATCH", f"{resource}{made['id']}", body), 400, named)
    for body in (b"", b"{", b"5", b'"x"', b"[1]", b'{"name":"\xff"}', b'{"name":"a","name":"b"}'):
        refused(call("POST", resource, body), 400)
        refused(call("PUT", f"{resource}{made['id']}", body), 400)
    assert call.get(f"{resource}{made['id']}") == made


def test_the_living_have_a_place(call, name, place):
    for body in ({"isAlive": True}, {"isAlive": True, "placeId": None},
                 {"isAlive": True, "isKing": True}):
        refused(call("POST", "/people/", {"name": name, **body}), 400, "the living have a place")
    alive = call.make("/people/", name=name, isAlive=True, placeId=place)
    path = f"/people/{alive['id']}"
    refused(call("PATCH", path, {"placeId": None}), 400, "the living have a place")
    refused(call("PUT", path, {"name": name, "isAlive": True}), 400, "the living have a place")
    assert call.get(path) == alive
    dead = call("PATCH", path, {"isAlive": False, "placeId": None})
    assert (dead.status, dead.json()) == (200, {**alive, "isAlive": False, "placeId": None})
    refused(call("PATCH", path, {"isAlive": True}), 400, "the living have a place")
    assert call.get("/people/?isAlive=is.true&placeId=is.null") == []


# ---- places that people refer to ----

def test_a_place_must_exist(call, name, place):
    for number, alive in itertools.product((NONE, 0, -1), (True, False)):
        refused(call("POST", "/people/", {"name": name, "isAlive": alive, "placeId": number}), 409)
    assert call.get(f"/people/?name=eq.{name}") == []
    made = call.make("/people/", name=name, isAlive=True, placeId=place)
    refused(call("PATCH", f"/people/{made['id']}", {"placeId": NONE}), 409)
    refused(call("PUT", f"/people/{made['id']}", {**made, "placeId": NONE}), 409)
    assert call.get(f"/people/{made['id']}") == made


@pytest.mark.parametrize("alive", [True, False])
def test_a_place_with_people_stays(call, name, place, alive):
    path = f"/places/{place}"
    first, second = (call.make("/people/", name=name, isAlive=alive, placeId=place)["id"]
                     for _ in range(2))
    refused(call("DELETE", path), 409)
    assert call("DELETE", f"/people/{first}").status == 204
    refused(call("DELETE", path), 409)
    other = call.make("/places/", name=name)["id"]
    assert call("PATCH", f"/people/{second}", {"placeId": other}).status == 200
    call.delete_free(path)
    refused(call("DELETE", f"/places/{other}"), 409)
    assert call("PATCH", f"/people/{second}", {"isAlive": False, "placeId": None}).status == 200
    call.delete_free(f"/places/{other}")
    assert call("PATCH", f"/places/{other}", {"name": name}).status == 404


def test_a_place_with_people_gets_another_name(call, name, place):
    made = call.make("/people/", name=name, isAlive=True, placeId=place)
    assert call("PUT", f"/places/{place}", {"name": "other", "id": NONE}).status == 200
    assert call.get(f"/people/{made['id']}") == made


def test_a_place_has_one_living_king(call, name, place):
    def king(**given):
        return {"name": name, "isAlive": True, "isKing": True, "placeId": place, **given}

    first = call.make("/people/", **king())
    refused(call("POST", "/people/", king()), 409, "one living king per place")
    dead = call.make("/people/", **king(isAlive=False))
    heir = call.make("/people/", **king(isKing=False))
    other = call.make("/places/", name=name)["id"]
    guest = call.make("/people/", **king(placeId=other))
    for row, change in ((dead, {"isAlive": True}), (heir, {"isKing": True}), (guest, {"placeId": place})):
        path = f"/people/{row['id']}"
        refused(call("PATCH", path, change), 409, "one living king per place")
        refused(call("PUT", path, {**row, **change}), 409, "one living king per place")
        assert call.get(path) == row
    assert call("PATCH", f"/people/{first['id']}", {"isAlive": False}).status == 200
    assert call("PATCH", f"/people/{heir['id']}", {"isKing": True}).status == 200
    refused(call("PATCH", f"/people/{first['id']}", {"isAlive": True}), 409)


# ---- places with their people ----

def joined(call, name):
    """Two places of this name, the first with two people, as they must be answered."""
    made = [{**call.make("/places/", name=name), "people": []} for _ in range(2)]
    for alive in (True, False):
        person = call.make("/people/", name=f"{name}.{alive}", isAlive=alive, placeId=made[0]["id"])
        made[0]["people"].append({key: person[key] for key in ("id", "name", "isAlive")})
    call.make("/people/", name=name)  # in no place
    return made


def test_places_with_their_people(call, name):
    made = joined(call, name)
    assert call.get(f"/people-per-place/?name=eq.{name}") == made
    for row in made:
        assert call.get(f"/people-per-place/{row['id']}") == row
    answer = call("GET", f"/people-per-place/{made[0]['id']}")
    assert list(answer.json()) == ["id", "name", "people"]
    for number in (NONE, 0, -1, "x"):
        refused(call("GET", f"/people-per-place/{number}"), 404)


def test_all_places_are_there_in_order(call, name):
    joined(call, name)
    rows = call.get("/people-per-place/")
    places, people = call.get("/places/"), call.get("/people/")
    assert [(row["id"], row["name"]) for row in rows] == [(row["id"], row["name"]) for row in places]
    assert places == sorted(places, key=lambda row: row["id"])
    for row in rows:
        here = [person for person in people if person["placeId"] == row["id"]]
        assert row["people"] == [{key: person[key] for key in ("id", "name", "isAlive")}
                                 for person in here]


def test_filters_of_places_with_their_people(call, name):
    first, second = joined(call, name)
    alive = [person for person in first["people"] if person["isAlive"]]
    path = f"/people-per-place/?name=eq.{name}"
    assert call.get(f"{path}&people.isAlive=is.true") == [{**first, "people": alive}, second]
    assert call.get(f"{path}&select=name,people(isAlive)&order=id.desc&limit=1") == [
        {"name": name, "people": []}]
    assert call.get(f"{path}&order=id.desc") == [second, first]
    assert call.get(f"{path}&limit=1&offset=1") == [second]
    assert call.get(f"{path}&people.order=id.desc&people.limit=1") == [
        {**first, "people": first["people"][1:]}, second]
    assert call.get(f"{path}&select=id,people!inner(id)") == [
        {"id": first["id"], "people": [{"id": row["id"]} for row in first["people"]]}]
    assert call.get(f"/people-per-place/?id=in.({first['id']},{NONE})") == [first]
    assert call.get(f"/people-per-place/?id=eq.{NONE}") == []
    refused(call("GET", "/people-per-place/?nick=eq.a"), 400, "nick")


def test_what_is_joined_follows_every_write(call, name, place):
    person = call.make("/people/", name=name, isAlive=True, placeId=place)
    path = f"/people-per-place/{place}"
    shown = {"id": person["id"], "name": name, "isAlive": True}
    for number in range(10):
        new = f"{name}{number}"
        assert call("PATCH", f"/people/{person['id']}", {"name": new}).status == 200
        assert call("PATCH", f"/places/{place}", {"name": new}).status == 200
        assert call.get(path) == {"id": place, "name": new, "people": [{**shown, "name": new}]}
    assert call("DELETE", f"/people/{person['id']}").status == 204
    assert call.get(path)["people"] == []
    call.delete_free(f"/places/{place}")
    refused(call("GET", path), 404)


def test_nobody_writes_what_is_joined(call, name, place):
    for method, path in itertools.product(("POST", "PUT", "PATCH", "DELETE"), ("", f"{place}")):
        body = None if method == "DELETE" else {"name": name}
        assert call(method, f"/people-per-place/{path}", body).status in (404, 405)
    assert call.get(f"/places/{place}")["name"] != "x"


@pytest.mark.parametrize("path", ["/places", "/people", "/people-per-place"])
def test_with_and_without_the_last_slash(call, path):
    assert call("GET", f"{path}/?id=eq.1").body == call("GET", f"{path}?id=eq.1").body
