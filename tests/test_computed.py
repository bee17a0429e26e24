"""Computed fields: people whose age is said, or follows from when they were in school."""
import datetime
import json
import sqlite3

import pytest
from support.client import request
from support.server import run_program

SERVICE = """\
service: people
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:people.db}
resources:
  people:
    key: ID
    fields:
      ID: integer
      Name: text
      Age: integer
      Date of 3rd Grade Graduation: date
      inferred_age:
        type: integer
        computed: 'coalesce(Age, years_since("Date of 3rd Grade Graduation") + 9)'
routes:
  GET /oldest: { list: people, select: "ID,inferred_age", order: "inferred_age.desc.nullslast" }
"""
THIRD_GRADE = "Date of 3rd Grade Graduation"


def years_ago(years, days=0):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    day = today.replace(year=today.year - years, day=min(today.day, 28))
    return (day + datetime.timedelta(days=days)).isoformat()


ROWS = [
    {"ID": 1, "Name": "Ann", "Age": 41, THIRD_GRADE: None},
    {"ID": 2, "Name": "Bob", "Age": None, THIRD_GRADE: years_ago(20, -5)},
    {"ID": 3, "Name": "Cyd", "Age": None, THIRD_GRADE: None},
    {"ID": 4, "Name": "Dan", "Age": 12, THIRD_GRADE: years_ago(30)},
    {"ID": 5, "Name": "Eve", "Age": None, THIRD_GRADE: years_ago(20, 5)},
    {"ID": 6, "Name": "Fay", "Age": 29, THIRD_GRADE: None},
]
AGES = {1: 41, 2: 29, 3: None, 4: 12, 5: 28, 6: 29}


@pytest.fixture(name="server", params=["sqlite", "memory:"])
def server_fixture(start, tmp_path, request):
    file = tmp_path / "service.yaml"
    file.write_text(SERVICE)
    options = {} if request.param == "sqlite" else {"store": request.param}
    return start(file, **options)


@pytest.fixture(name="people")
def people_fixture(server):
    answer = request(server.address, "POST", "/people", ROWS)
    assert answer.status == 201, answer
    return server


def get(server, query):
    answer = request(server.address, "GET", f"/people?{query}")
    assert answer.status == 200, answer
    return answer.json()


def test_it_is_answered_when_it_is_selected(people):
    assert get(people, "ID=eq.1") == [ROWS[0]]
    assert get(people, "select=*&ID=eq.1") == [ROWS[0]]
    assert get(people, "select=*,inferred_age&ID=eq.1") == [{**ROWS[0], "inferred_age": 41}]
    assert {row["ID"]: row["inferred_age"] for row in get(people, "select=ID,inferred_age")} == AGES
    assert request(people.address, "GET", "/people/1").json() == ROWS[0]


def test_it_can_take_the_place_of_another(people):
    assert get(people, "select=ID,Age:inferred_age&ID=in.(2,3)") == [
        {"ID": 2, "Age": 29}, {"ID": 3, "Age": None}]


def test_youngest_first_then_by_id(people):
    rows = get(people, "select=ID&order=inferred_age.asc.nullslast,ID")
    assert [row["ID"] for row in rows] == [4, 5, 2, 6, 1, 3]
    rows = get(people, "select=ID&order=inferred_age.desc.nullsfirst,ID&limit=3&offset=1")
    assert [row["ID"] for row in rows] == [1, 2, 6]


def test_in_a_route(people):
    answer = request(people.address, "GET", "/oldest?limit=2")
    assert answer.json() == [{"ID": 1, "inferred_age": 41}, {"ID": 2, "inferred_age": 29}]


@pytest.mark.parametrize("condition, ids", [
    ("inferred_age=gte.29", [1, 2, 6]),
    ("inferred_age=lt.29", [4, 5]),
    ("inferred_age=eq.29", [2, 6]),
    ("inferred_age=in.(12,41)", [1, 4]),
    ("inferred_age=is.null", [3]),
    ("inferred_age=not.is.null&Age=is.null", [2, 5]),
    ("or=(inferred_age.gt.40,ID.eq.3)", [1, 3]),
])
def test_filters(people, condition, ids):
    assert [row["ID"] for row in get(people, f"select=ID&{condition}")] == ids


def test_pages_by_cursor(people):
    found, query = [], "select=ID&order=inferred_age.asc.nullslast,ID&limit=2"
    answer = request(people.address, "GET", f"/people?{query}")
    while answer.json():
        found += [row["ID"] for row in answer.json()]
        link = answer.headers.get("link")
        if not link:
            break
        answer = request(people.address, "GET", link[link.index("<") + 1:link.index(">")])
    assert found[:2] == [4, 5] and len(set(found)) == len(found)


def test_aggregates(server):
    file = server.files[0]
    file.write_text(SERVICE + "limits: { aggregates: on }\n")
    server.stop()
    server.start()
    request(server.address, "POST", "/people", ROWS)
    row, = get(server, "select=inferred_age.max(),inferred_age.sum(),inferred_age.count()")
    assert row == {"max": 41, "sum": 139, "count": 5}
    rows = get(server, "select=inferred_age,count()&inferred_age=gte.28&order=inferred_age")
    assert rows == [{"inferred_age": 28, "count": 1}, {"inferred_age": 29, "count": 2},
                    {"inferred_age": 41, "count": 1}]


def test_it_is_never_written(people):
    body = {"ID": 7, "Age": 3, "inferred_age": 99}
    wanted = {"Prefer": "return=representation"}
    answer = request(people.address, "POST", "/people?select=ID,inferred_age", body, wanted)
    assert (answer.status, answer.json()) == (201, [{"ID": 7, "inferred_age": 3}])
    answer = request(people.address, "PATCH", "/people?ID=eq.7&select=Age,inferred_age",
                     {"Age": 4, "inferred_age": 99}, wanted)
    assert (answer.status, answer.json()) == (200, [{"Age": 4, "inferred_age": 4}])
    answer = request(people.address, "DELETE", "/people?inferred_age=eq.4&select=inferred_age",
                     headers=wanted)
    assert (answer.status, answer.json()) == (200, [{"inferred_age": 4}])


def test_the_tag_of_a_row_does_not_depend_on_it(people):
    plain = request(people.address, "GET", "/people/2").headers["etag"]
    answer = request(people.address, "GET", "/people/2?select=inferred_age")
    assert answer.json() == {"inferred_age": 29}
    assert answer.headers["etag"].split(".")[0] == plain.split(".")[0]
    again = request(people.address, "GET", "/people/2?select=inferred_age",
                    headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304


def test_the_description_says_that_it_is_read_only(people):
    described = request(people.address, "GET", "/openapi.json").json()
    schema = described["components"]["schemas"]["people"]
    assert schema["properties"]["inferred_age"] == {"type": ["integer", "null"], "format": "int64",
                                                    "readOnly": True}
    assert "inferred_age" not in schema["required"] and "Age" in schema["required"]
    assert "inferred_age" not in json.dumps(described["components"]["schemas"]["people.insert"])


def test_a_restart_finds_the_table_as_it_was(start, tmp_path):
    file = tmp_path / "service.yaml"
    file.write_text(SERVICE)
    server = start(file)
    request(server.address, "POST", "/people", ROWS)
    server.stop()
    file.write_text(SERVICE.replace("+ 9", "+ 10"))  # no column, so no other schema
    server.start()
    assert get(server, "select=inferred_age&ID=eq.2") == [{"inferred_age": 30}]


@pytest.mark.parametrize("computed, more, said", [
    ("Agee + 1", "", ":14:19: there is no field \"Agee\"\n    hint: did you mean \"Age\"?"),
    ("Age + Name", "", ":14:25: + takes numbers, not text"),
    ("Name", "", ":14:19: the expression is of the type text, the field of the type integer"),
    ("lower(Name)", "", ":14:19: there is no function \"lower\""),
    ("Age", "required: true", ":15:9: `required` cannot stand beside `computed`"),
    ("Age", "write: never", ":15:9: `write` cannot stand beside `computed`"),
])
def test_what_is_wrong_is_said_with_its_place(tmp_path, computed, more, said):
    lines = SERVICE.splitlines()
    number = next(i for i, line in enumerate(lines) if "computed:" in line)
    lines[number:number + 1] = [f"        computed: {computed}"] + [f"        {more}"] * bool(more)
    file = tmp_path / "service.yaml"
    file.write_text("\n".join(lines) + "\n")
    result = run_program("check", file)
    assert result.returncode != 0 and said in result.stdout + result.stderr, result


@pytest.mark.parametrize("words", ["unique: { ages: inferred_age }", "index: inferred_age",
                                   "index: { fields: [Age, inferred_age] }"])
def test_no_rule_is_about_it(tmp_path, words):
    file = tmp_path / "service.yaml"
    file.write_text(SERVICE.replace("    key: ID\n", f"    key: ID\n    {words}\n"))
    result = run_program("check", file)
    said = "the field \"inferred_age\" is computed, not stored"
    assert result.returncode != 0 and said in result.stdout + result.stderr, result


def test_over_a_table_that_is_there(start, tmp_path):
    """Columns of others may hold anything; what is no value of the field counts as null."""
    with sqlite3.connect(tmp_path / "there.db") as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, b BOOLEAN)")
        connection.execute("INSERT INTO t VALUES (1, 5, 7), (2, 'five', NULL),"
                           " (3, 1.5, 0), (4, x'00', 'x')")
    file = tmp_path / "service.yaml"
    file.write_text("""\
service: there
resources:
  t:
    key: id
    fields:
      id: integer
      n: integer
      b: { type: boolean, loose: true }
      more: { type: integer, computed: n + 1 }
      sure: { type: boolean, computed: "coalesce(b, false)" }
""")
    server = start(file, store=f"sqlite:{tmp_path / 'there.db'}")
    answer = request(server.address, "GET", "/t?select=id,more,sure&order=id")
    assert answer.json() == [
        {"id": 1, "more": 6, "sure": True}, {"id": 2, "more": None, "sure": False},
        {"id": 3, "more": None, "sure": False}, {"id": 4, "more": None, "sure": False}]
