"""The people contract, line by line, through its own routes.

With --url the same tests run against any deployment: they only look at people that they made up.
"""
import datetime
import itertools
import random
import urllib.parse

import pytest
from support.client import Connection

GRADUATION = "Date of 3rd Grade Graduation"
KEYS = ["ID", "First", "Last", "Age", "GithubAcct", GRADUATION]

# A name that no other run uses, so that a deployment may have people already.
names = (f"Q{number:x}" for number in itertools.count(random.SystemRandom().randrange(2 ** 60)))
numbers = itertools.count(random.SystemRandom().randrange(2 ** 40, 2 ** 50), 1000)


@pytest.fixture
def call(deployment):
    with Connection(deployment) as connection:
        yield connection.request


@pytest.fixture
def name():
    return next(names)


def person(last, **given):
    row = {"First": "Ada", "Last": last, "Age": None, "GithubAcct": None, GRADUATION: None}
    return {**row, **{GRADUATION if key == "graduation" else key: value
                      for key, value in given.items()}}


def add(call, last, **given):
    return call("POST", "/people/add", person(last, **given))


def people(call, last, path="/people"):
    answer = call("GET", path)
    assert answer.status == 200, answer
    return [row for row in answer.json() if row["Last"] == last]


def years_ago(years, days=0):
    """The day so many years and days before today, UTC."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    day = today - datetime.timedelta(days=days)
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - years, day=28 if leap_day else day.day)


def test_ping(call):
    answer = call("GET", "/ping")
    assert (answer.status, answer.body) == (200, b"pong")
    assert answer.headers["content-type"].startswith("text/plain")


# ---- added ----

def test_a_person_is_added_and_the_list_is_the_answer(call, name):
    answer = add(call, name, Age=30, GithubAcct="ada", graduation="2001-06-25")
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/json")
    rows = answer.json()
    [row] = [row for row in rows if row["Last"] == name]
    assert list(row) == KEYS
    assert row == {"ID": row["ID"], "First": "Ada", "Last": name, "Age": 30, "GithubAcct": "ada",
                   GRADUATION: "2001-06-25"}
    assert isinstance(row["ID"], int)
    assert call("GET", "/people").json() == rows
    assert call("GET", f"/ids/lastname/{name}").json() == [row["ID"]]


def test_an_id_may_be_given_once(call, name):
    number = next(numbers)
    assert add(call, name, ID=number).status == 200
    answer = add(call, name, ID=number)
    assert answer.status == 409 and set(answer.json()) == {"err"}, answer
    assert add(call, name).status == 200
    first, second = call("GET", f"/ids/lastname/{name}").json()
    assert first == number and second != number


def test_everything_but_the_id_may_be_null(call, name):
    body = dict.fromkeys(KEYS[1:])
    answer = call("POST", "/people/add", body)
    assert answer.status == 200, answer
    row = max(answer.json(), key=lambda row: row["ID"])
    assert {**body, "ID": row["ID"]} == row


@pytest.mark.parametrize("key", KEYS[1:])
def test_every_key_but_the_id_must_be_there(call, name, key):
    body = person(name, Age=1)
    del body[key]
    answer = call("POST", "/people/add", body)
    assert answer.status == 400 and set(answer.json()) == {"err"}, answer
    assert key in answer.json()["err"], answer
    assert people(call, name) == []


@pytest.mark.parametrize("given, want", [
    ({"Age": "30"}, ("Age", 30)),
    ({"Age": "0"}, ("Age", 0)),
    ({"Age": 0}, ("Age", 0)),
    ({"graduation": "2001-06-25"}, (GRADUATION, "2001-06-25")),
    ({"graduation": "6/25/01"}, (GRADUATION, "2001-06-25")),
    ({"graduation": "06/25/2001"}, (GRADUATION, "2001-06-25")),
    ({"graduation": "2/29/00"}, (GRADUATION, "2000-02-29")),
    ({"graduation": "12/31/1899"}, (GRADUATION, "1899-12-31")),
])
def test_what_is_taken(call, name, given, want):
    assert add(call, name, **given).status == 200
    [row] = people(call, name)
    assert row[want[0]] == want[1]


def test_an_id_may_come_as_text(call, name):
    number = next(numbers)
    assert add(call, name, ID=str(number)).status == 200
    assert call("GET", f"/ids/lastname/{name}").json() == [number]


@pytest.mark.parametrize("given, field", [
    ({"Age": "thirty"}, "Age"), ({"Age": ""}, "Age"), ({"Age": "30 "}, "Age"),
    ({"Age": "030"}, "Age"), ({"Age": "3e1"}, "Age"), ({"Age": "30.0"}, "Age"),
    ({"Age": 30.5}, "Age"), ({"Age": True}, "Age"), ({"Age": [30]}, "Age"), ({"Age": -1}, "Age"),
    ({"Age": "-1"}, "Age"), ({"Age": 2 ** 63}, "Age"), ({"Age": "٣٠"}, "Age"),
    ({"ID": "x"}, "ID"), ({"ID": 1.5}, "ID"), ({"ID": ""}, "ID"), ({"ID": {}}, "ID"),
    ({"First": 5}, "First"), ({"Last": ["x"]}, "Last"), ({"GithubAcct": {}}, "GithubAcct"),
    ({"graduation": ""}, GRADUATION), ({"graduation": "soon"}, GRADUATION),
    ({"graduation": "13/41/01"}, GRADUATION), ({"graduation": "25/6/01"}, GRADUATION),
    ({"graduation": "2/30/2001"}, GRADUATION), ({"graduation": "2/29/2001"}, GRADUATION),
    ({"graduation": "6/2001"}, GRADUATION), ({"graduation": "6/25/2999"}, GRADUATION),
    ({"graduation": "2999-06-25"}, GRADUATION), ({"graduation": 20010625}, GRADUATION),
    ({"Nick": "x"}, "Nick"),
])
def test_what_is_refused(call, name, given, field):
    answer = add(call, name, **given)
    assert answer.status == 400 and set(answer.json()) == {"err"}, answer
    assert field in answer.json()["err"], answer
    assert people(call, name) == []


def test_an_id_of_null_is_an_id_that_is_not_given(call, name):
    answer = add(call, name, ID=None)
    assert answer.status in (200, 400), answer
    assert len(people(call, name)) == (1 if answer.status == 200 else 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'"x"', b"null", b"{}", b"[1]"])
def test_a_body_that_is_none(call, body):
    answer = call("POST", "/people/add", body)
    if body == b"[]":
        assert answer.status in (200, 400)
    else:
        assert answer.status == 400 and set(answer.json()) == {"err"}, answer


def test_two_digit_years_are_the_latest_that_are_not_in_the_future(call, name):
    today, tomorrow = years_ago(0), years_ago(0, days=-1)
    for day, year in ((today, today.year), (tomorrow, tomorrow.year - 100)):
        short = f"{day.month}/{day.day}/{day.year % 100:02}"
        if (day.month, day.day) == (2, 29):
            continue
        assert add(call, name, graduation=short).status == 200
        assert people(call, name)[-1][GRADUATION] == day.replace(year=year).isoformat()
    assert add(call, name, graduation="6/24/40").status == 200
    assert people(call, name)[-1][GRADUATION] == "1940-06-24"


def test_today_is_taken_and_tomorrow_is_not(call, name):
    assert add(call, name, graduation=years_ago(0).isoformat()).status == 200
    answer = add(call, name, graduation=years_ago(0, days=-2).isoformat())
    assert answer.status == 400 and GRADUATION in answer.json()["err"], answer


# ---- ages ----

def test_ages_are_inferred_on_one_route_only(call, name):
    for given in ({"graduation": years_ago(20).isoformat()},
                  {"graduation": years_ago(20, days=-1).isoformat()},
                  {"Age": 29}, {"Age": 5, "graduation": years_ago(50).isoformat()}, {}, {},
                  {"graduation": years_ago(0).isoformat()}):
        assert add(call, name, **given).status == 200
    rows = people(call, name, "/people/age")
    assert [row["Age"] for row in rows] == [5, 9, 28, 29, 29, None, None]
    assert all(list(row) == KEYS for row in rows)
    assert [row["Age"] for row in people(call, name)] == [None, None, 29, 5, None, None, None]
    key = [(row["Age"] is None, row["Age"], row["ID"]) for row in rows]
    assert key == sorted(key, key=lambda row: (row[0], row[1] or 0, row[2]))


def test_the_whole_list_by_age_is_in_order(call):
    rows = call("GET", "/people/age").json()
    keys = [(row["Age"] is None, row["Age"] or 0, row["ID"]) for row in rows]
    assert keys == sorted(keys)
    assert len(rows) == len(call("GET", "/people").json())


# ---- by last name ----

def test_ids_by_last_name(call, name):
    assert call("GET", f"/ids/lastname/{name}").json() == []
    ids = []
    for _ in range(3):
        assert add(call, name).status == 200
        ids.append(people(call, name)[-1]["ID"])
        assert call("GET", f"/ids/lastname/{name}").json() == ids
    assert call("GET", f"/ids/lastname/{name.lower()}").json() == []


@pytest.mark.parametrize("end", ["", " Jr.", ", Jr.", "'s", '"', "é", "%", "*", "\\", "?", "&", "#",
                                 "=", "+", "{x}", "(", "日本", "😀"])
def test_any_last_name(call, name, end):
    assert add(call, name + end).status == 200
    path = "/ids/lastname/" + urllib.parse.quote(name + end, safe="")
    assert len(call("GET", path).json()) == 1


def test_every_answer_follows_the_write(call, name):
    for count in range(1, 20):
        assert add(call, name, Age=count).status == 200
        assert len(people(call, name)) == count
        assert len(people(call, name, "/people/age")) == count
        assert len(call("GET", f"/ids/lastname/{name}").json()) == count
