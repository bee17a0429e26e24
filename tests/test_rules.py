"""Rules across rows and fields: unique among some rows, and checks. The example is Westeros: one
living king per place, and the living have a place."""
import sqlite3
import threading

import pytest
from support.client import Connection, request
from support.server import DidNotStart, read_database, run_program

WESTEROS = """\
service: westeros
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:westeros.db}
resources:
  places:
    key: id
    fields: { id: integer, name: { type: text, required: true } }
  people:
    key: id
    fields:
      id:      { type: integer, default: auto }
      name:    { type: text, required: true }
      isKing:  { type: boolean, default: false }
      isAlive: { type: boolean, default: true }
      placeId: { type: integer, references: places }
    unique:
      one living king per place: { fields: placeId, where: "isKing=is.true&isAlive=is.true" }
    check:
      the living have a place: "or=(isAlive.is.false,placeId.not.is.null)"
    index: { fields: name, where: "isAlive=is.true" }
routes:
  PUT /reign/{id}: { update: people }
"""
KING = "one living king per place"
LIVING = "the living have a place"


@pytest.fixture(name="file")
def fixture_file(tmp_path):
    file = tmp_path / "westeros.yaml"
    file.write_text(WESTEROS)
    return file


@pytest.fixture(name="server")
def fixture_server(start, file):
    server = start(file)
    places = [{"id": number, "name": f"place {number}"} for number in range(1, 4)]
    assert request(server.address, "POST", "/places", places).status == 201
    yield server
    assert server.stop() == 0, server.log()


def person(name, place, king=False, alive=True):
    return {"name": name, "placeId": place, "isKing": king, "isAlive": alive}


def refused(answer, status, code, rule):
    assert answer.status == status, answer
    error = answer.json()
    assert error["code"] == code
    assert f'"{rule}"' in error["message"]
    return error


def names(server, query=""):
    rows = request(server.address, "GET", f"/people?select=name&order=id{query}").json()
    return [row["name"] for row in rows]


@pytest.mark.parametrize("way", ["insert", "patch", "route", "upsert"])
def test_of_16_that_race_for_a_throne_exactly_one_wins(server, way):
    count = 16
    if way != "insert":
        rows = [{"id": 100 + i, **person(f"p{i}", 1)} for i in range(count)]
        assert request(server.address, "POST", "/people", rows).status == 201
    barrier = threading.Barrier(count)
    answers = [None] * count

    def claim(number):
        king = {"isKing": True}
        with Connection(server.address) as connection:
            barrier.wait()
            if way == "insert":
                answers[number] = connection.request(
                    "POST", "/people", person(f"p{number}", 1, True))
            elif way == "patch":
                answers[number] = connection.request(
                    "PATCH", f"/people?id=eq.{100 + number}", king)
            elif way == "route":
                answers[number] = connection.request("PUT", f"/reign/{100 + number}", king)
            else:
                answers[number] = connection.request(
                    "POST", "/people", {"id": 100 + number, **person(f"p{number}", 1, True)},
                    [("Prefer", "resolution=merge-duplicates")])

    threads = [threading.Thread(target=claim, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = [answer for answer in answers if answer.status == 409]
    assert len(lost) == count - 1, answers
    for answer in lost:
        refused(answer, 409, "23505", KING)
    assert len(names(server, "&isKing=is.true&isAlive=is.true&placeId=eq.1")) == 1


def test_a_rule_that_one_of_many_rows_breaks_changes_none(server):
    rows = [person("Robert", 1, True), person("Robb", 2, True), person("Jon", 3)]
    assert request(server.address, "POST", "/people", rows).status == 201
    before = request(server.address, "GET", "/people").json()
    refused(request(server.address, "PATCH", "/people?name=like.Rob*", {"placeId": 3}),
            409, "23505", KING)
    refused(request(server.address, "PATCH", "/people?id=gt.0", {"placeId": None}),
            400, "23514", LIVING)
    refused(request(server.address, "POST", "/people",
                    [person("A", 1), person("B", None)]), 400, "23514", LIVING)
    csv = "name,placeId,isKing\nC,3,true\nD,3,true\n"
    error = refused(request(server.address, "POST", "/people", csv.encode(),
                            [("Content-Type", "text/csv")]), 409, "23505", KING)
    assert error["details"] == "Key (placeId)=(3) already exists."
    assert request(server.address, "GET", "/people").json() == before


def test_the_dead_leave_the_throne(server):
    assert request(server.address, "POST", "/people", person("Robert", 1, True)).status == 201
    refused(request(server.address, "POST", "/people", person("Joffrey", 1, True)),
            409, "23505", KING)
    assert request(server.address, "PATCH", "/people?name=eq.Robert",
                   {"isAlive": False}).status == 204
    assert request(server.address, "POST", "/people", person("Joffrey", 1, True)).status == 201
    refused(request(server.address, "PATCH", "/people?name=eq.Robert", {"isAlive": True}),
            409, "23505", KING)
    # Whoever is dead may be nowhere; what is not known passes.
    assert request(server.address, "PATCH", "/people?name=eq.Robert",
                   {"placeId": None}).status == 204
    refused(request(server.address, "PATCH", "/people?name=eq.Robert", {"isAlive": True}),
            400, "23514", LIVING)
    refused(request(server.address, "PATCH", "/people?name=eq.Robert", {"isAlive": None}),
            400, "23514", LIVING)


def test_an_upsert_finds_the_king_by_the_rule(server):
    merge = [("Prefer", "resolution=merge-duplicates,return=representation")]
    first = request(server.address, "POST", "/people?on_conflict=placeId",
                    person("Robert", 1, True), merge)
    assert first.status == 201
    second = request(server.address, "POST", "/people?on_conflict=placeId",
                     person("Joffrey", 1, True), merge)
    assert second.status == 200
    assert second.json()[0]["id"] == first.json()[0]["id"]
    assert request(server.address, "POST", "/people?on_conflict=placeId", person("Jon", 1),
                   merge).status == 201
    assert names(server) == ["Joffrey", "Jon"]
    assert request(server.address, "POST", "/people?on_conflict=name", person("Jon", 1),
                   merge).json()["code"] == "42P10"


def test_a_rule_about_some_rows_leaves_many_in_an_embed(server):
    rows = [person("Robert", 1, True), person("Jon", 1)]
    assert request(server.address, "POST", "/people", rows).status == 201
    place = request(server.address, "GET", "/places?id=eq.1&select=people(name)").json()
    assert place == [{"people": [{"name": "Robert"}, {"name": "Jon"}]}]


def test_tables_with_other_rules_are_refused(start, file, server):
    assert server.stop() == 0
    server.start()  # the same rules
    assert server.stop() == 0
    for old, new, what in [("isKing=is.true&isAlive", "isKing=is.false&isAlive", KING),
                           ("isAlive.is.false,placeId", "isAlive.is.true,placeId", LIVING),
                           ("the living have", "all have", "all have a place")]:
        file.write_text(WESTEROS.replace(old, new))
        with pytest.raises(DidNotStart, match=what):
            start(file, store=server.store)
    file.write_text(WESTEROS)
    server.start()


def test_rules_written_by_hand_are_the_same_rules(start, file, tmp_path):
    database = tmp_path / "by-hand.db"
    with sqlite3.connect(database) as connection:
        connection.executescript("""
            CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
            CREATE TABLE people (id integer primary key autoincrement, name text not null,
              isking integer default 0, isAlive integer default 1,
              placeId integer references places (id),
              constraint [the living have a place] check(isAlive is false or not(placeId is null))
            );
            CREATE UNIQUE INDEX kings ON people(placeId)
              where "isKing" is TRUE /* and */ and isAlive IS TRUE;
            """.replace("isking", "isKing"))
    connection.close()
    server = start(file, store=f"sqlite:{database}")
    assert request(server.address, "POST", "/places", {"id": 1, "name": "x"}).status == 201
    merge = [("Prefer", "resolution=merge-duplicates")]
    for _ in range(2):
        assert request(server.address, "POST", "/people?on_conflict=placeId",
                       person("Robert", 1, True), merge).status in (200, 201)
    refused(request(server.address, "POST", "/people", person("J", 1, True)), 409, "23505", KING)
    refused(request(server.address, "POST", "/people", person("J", None)), 400, "23514", LIVING)
    assert server.stop() == 0


def test_a_database_tells_its_rules(server, tmp_path):
    assert server.stop() == 0
    done = run_program("introspect", "--store", server.store)
    assert done.returncode == 0, done.stderr
    assert f'"{KING}": {{ fields: placeId, where: "isKing=is.true&isAlive=is.true" }}' \
        in done.stdout
    assert f'"{LIVING}": "or=(isAlive.is.false,placeId.not.is.null)"' in done.stdout
    copy = tmp_path / "copy.yaml"
    copy.write_text(done.stdout)
    assert run_program("check", copy).returncode == 0
    assert read_database(server.database, "SELECT count(*) FROM people") == [(0,)]
    server.start()


@pytest.mark.parametrize("rule,place,message", [
    ('"name=like.J*"', "19:32", "a rule is no place for patterns and searches of text"),
    ('"name=eq.J&nam=eq.K"', "19:42", "column people.nam does not exist"),
    ('"isKing=eq.x"', "19:32", 'invalid input syntax for type boolean: "x"'),
    ('"places.name=eq.x"', "19:32", 'a rule is no place for the rows of "places"'),
])
def test_check_names_the_place_of_what_is_wrong(file, rule, place, message):
    file.write_text(WESTEROS.replace('"or=(isAlive.is.false,placeId.not.is.null)"', rule))
    done = run_program("check", file)
    assert done.returncode == 1
    assert f"{file}:{place}: " in done.stderr + done.stdout
    assert message in done.stderr + done.stdout
