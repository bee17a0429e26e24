"""The rows of the ratings service through the general API, and the pages of the system."""
import itertools
import random

import pytest
from support.client import Connection, request
from support.ratings import rating_path

numbers = itertools.count(random.SystemRandom().randrange(2 ** 40, 2 ** 61), 10)
REPRESENTATION = {"Prefer": "return=representation"}


@pytest.fixture
def call(deployment):
    with Connection(deployment) as connection:
        yield connection.request


@pytest.fixture
def user(deployment):
    """A user with items 1 to 6, rated 1, 2, 3, 1, 2, 3."""
    number = next(numbers)
    for item in range(1, 7):
        answer = request(deployment, "PUT", rating_path(number, item),
                         {"rating_type": 1 + (item - 1) % 3})
        assert answer.status in (200, 201)
    yield number
    for extra in (number, number + 1):
        request(deployment, "DELETE", f"/users/{extra}")


def rows(call, query, resource="ratings"):
    answer = call("GET", f"/{resource}?{query}")
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json()


def items(call, user, query):
    return [row["item_id"] for row in rows(call, f"user_id=eq.{user}&{query}")]


def counts_agree(call, user):
    histogram = {}
    for row in rows(call, f"user_id=eq.{user}"):
        histogram[row["rating_type"]] = histogram.get(row["rating_type"], 0) + 1
    counts = rows(call, f"user_id=eq.{user}", "counts")
    assert {row["rating_type"]: row["count"] for row in counts} == histogram
    assert {row["user_id"] for row in counts} <= {user}


def assert_error(answer, status, code=None):
    assert answer.status == status, answer
    error = answer.json()
    assert set(error) == {"code", "details", "hint", "message"}, error
    assert isinstance(error["message"], str) and error["message"]
    if code is not None:
        assert error["code"] == code, error


# ---- reading ----

FILTERS = [
    ("item_id=eq.3", [3]), ("item_id=neq.3", [1, 2, 4, 5, 6]), ("item_id=gt.4", [5, 6]),
    ("item_id=gte.4", [4, 5, 6]), ("item_id=lt.3", [1, 2]), ("item_id=lte.3", [1, 2, 3]),
    ("item_id=in.(1,3,9)", [1, 3]), ("item_id=in.()", []), ("rating_type=is.null", []),
    ("item_id=not.eq.3", [1, 2, 4, 5, 6]), ("item_id=not.gt.4", [1, 2, 3, 4]),
    ("item_id=not.in.(1,3)", [2, 4, 5, 6]), ("rating_type=not.is.null", [1, 2, 3, 4, 5, 6]),
    ("rating_type=eq.2", [2, 5]), ("item_id=gt.1&item_id=lt.4", [2, 3]),
    ("rating_type=eq.1&item_id=gt.1", [4]), ("item_id=eq.-1", []),
    ("item_id=lte.9223372036854775807", [1, 2, 3, 4, 5, 6]),
    ("item_id=lt.-9223372036854775808", []),
]


@pytest.mark.parametrize("query, expected", FILTERS)
def test_filters(call, user, query, expected):
    assert items(call, user, query) == expected


def test_whole_rows_in_key_order(call, user):
    assert rows(call, f"user_id=eq.{user}&item_id=lte.2") == [
        {"user_id": user, "item_id": 1, "rating_type": 1},
        {"user_id": user, "item_id": 2, "rating_type": 2}]


def test_select_names_the_columns_in_their_order(call, user):
    answer = call("GET", f"/ratings?user_id=eq.{user}&item_id=eq.2&select=rating_type,item_id")
    assert answer.body == b'[{"rating_type":2,"item_id":2}]'
    assert rows(call, f"user_id=eq.{user}&item_id=eq.2&select=kind:rating_type") == [{"kind": 2}]


@pytest.mark.parametrize("query, expected", [
    ("order=item_id.desc", [6, 5, 4, 3, 2, 1]),
    ("order=item_id", [1, 2, 3, 4, 5, 6]),
    ("order=rating_type.desc,item_id.asc", [3, 6, 2, 5, 1, 4]),
    ("limit=2", [1, 2]), ("limit=2&offset=3", [4, 5]), ("offset=4", [5, 6]),
    ("limit=0", []), ("offset=100", []),
    ("order=item_id.desc&limit=2&offset=1", [5, 4]),
])
def test_order_limit_and_offset(call, user, query, expected):
    assert items(call, user, query) == expected


def test_content_range(call, user):
    answer = call("GET", f"/ratings?user_id=eq.{user}&limit=2&offset=1")
    assert answer.headers["content-range"] == "1-2/*"


def test_counts_are_a_resource(call, user):
    assert rows(call, f"user_id=eq.{user}&rating_type=eq.2", "counts") == [
        {"user_id": user, "rating_type": 2, "count": 2}]
    assert rows(call, f"user_id=eq.{user}&rating_type=is.null", "counts") == []


# ---- writing ----

def test_insert_one(call, user):
    row = {"user_id": user, "item_id": 7, "rating_type": 3}
    answer = call("POST", "/ratings", row)
    assert (answer.status, answer.body) == (201, b"")
    assert rows(call, f"user_id=eq.{user}&item_id=eq.7") == [row]
    counts_agree(call, user)


def test_insert_an_array_with_representation(call, user):
    new = [{"user_id": user, "item_id": item, "rating_type": 2} for item in (20, 21, 22)]
    answer = call("POST", "/ratings", new, REPRESENTATION)
    assert (answer.status, answer.json()) == (201, new)
    assert items(call, user, "item_id=gte.20") == [20, 21, 22]
    counts_agree(call, user)


def test_insert_is_all_or_nothing(call, user):
    new = [{"user_id": user, "item_id": 30, "rating_type": 2},
           {"user_id": user, "item_id": 3, "rating_type": 2}]
    assert_error(call("POST", "/ratings", new), 409, "23505")
    new[1] = {"user_id": user, "item_id": 31, "rating_type": 9}
    assert_error(call("POST", "/ratings", new), 400, "23514")
    assert items(call, user, "item_id=gte.30") == []
    counts_agree(call, user)


def test_update(call, user):
    answer = call("PATCH", f"/ratings?user_id=eq.{user}&item_id=in.(1,2)", {"rating_type": 3})
    assert (answer.status, answer.body) == (204, b"")
    assert items(call, user, "rating_type=eq.3") == [1, 2, 3, 6]
    counts_agree(call, user)


def test_update_with_representation(call, user):
    answer = call("PATCH", f"/ratings?user_id=eq.{user}&item_id=eq.1", {"rating_type": 2},
                  REPRESENTATION)
    assert (answer.status, answer.json()) == (
        200, [{"user_id": user, "item_id": 1, "rating_type": 2}])
    counts_agree(call, user)


def test_update_of_the_key_moves_the_counts(call, user):
    answer = call("PATCH", f"/ratings?user_id=eq.{user}&item_id=lte.2", {"user_id": user + 1})
    assert answer.status == 204
    assert items(call, user, "") == [3, 4, 5, 6]
    assert items(call, user + 1, "") == [1, 2]
    counts_agree(call, user)
    counts_agree(call, user + 1)


def test_delete(call, user):
    answer = call("DELETE", f"/ratings?user_id=eq.{user}&item_id=gt.4")
    assert (answer.status, answer.body) == (204, b"")
    assert items(call, user, "") == [1, 2, 3, 4]
    answer = call("DELETE", f"/ratings?user_id=eq.{user}&item_id=eq.1", headers=REPRESENTATION)
    assert (answer.status, answer.json()) == (
        200, [{"user_id": user, "item_id": 1, "rating_type": 1}])
    counts_agree(call, user)


def test_update_and_delete_of_nothing(call, user):
    nothing = f"/ratings?user_id=eq.{user}&item_id=eq.99"
    assert call("PATCH", nothing, {"rating_type": 1}).status == 204
    assert call("DELETE", nothing).status == 204
    assert call("DELETE", nothing, headers=REPRESENTATION).json() == []


# ---- refusals ----

@pytest.mark.parametrize("query, code", [
    ("user_id=eq.x", "22P02"), ("user_id=eq.9223372036854775808", "22003"),
    ("user_id=5", "PGRST100"), ("user_id=eq", "PGRST100"), ("user_id=equals.5", "PGRST100"),
    ("item_id=in.(1,2", "PGRST100"), ("order=item_id.sideways", "PGRST100"),
    ("stars=eq.5", None), ("select=stars", None), ("order=stars", None), ("limit=x", None),
    ("user_id=eq.1;drop table ratings", "22P02"), ("user_id=eq.", "22P02"),
])
def test_a_bad_query_is_400(call, query, code):
    assert_error(call("GET", "/ratings?" + query.replace(" ", "%20")), 400, code)


def test_a_bad_row_is_400(call, user):
    good = {"user_id": user, "item_id": 40, "rating_type": 1}
    assert_error(call("POST", "/ratings", {**good, "rating_type": 4}), 400, "23514")
    assert_error(call("POST", "/ratings", {**good, "rating_type": None}), 400, "23502")
    assert_error(call("POST", "/ratings", {**good, "rating_type": "x"}), 400, "22P02")
    assert_error(call("POST", "/ratings", {**good, "item_id": 2 ** 63}), 400, "22003")
    assert_error(call("POST", "/ratings", {**good, "stars": 1}), 400, "PGRST204")
    assert_error(call("POST", "/ratings", {"user_id": user, "item_id": 40}), 400, "23502")
    assert_error(call("POST", "/ratings", "{"), 400, "PGRST102")
    assert_error(call("PATCH", f"/ratings?user_id=eq.{user}", {"rating_type": 4}), 400, "23514")
    assert_error(call("PATCH", f"/ratings?user_id=eq.{user}", {"stars": 4}), 400, "PGRST204")
    assert items(call, user, "") == [1, 2, 3, 4, 5, 6]
    assert items(call, user, "rating_type=eq.1") == [1, 4]


def test_a_duplicate_is_409(call, user):
    row = {"user_id": user, "item_id": 1, "rating_type": 2}
    answer = call("POST", "/ratings", row)
    assert_error(answer, 409, "23505")
    assert "ratings_pkey" in answer.json()["message"]
    assert items(call, user, "rating_type=eq.1") == [1, 4]


def test_counts_cannot_be_written(call, user):
    row = {"user_id": user, "rating_type": 1, "count": 5}
    assert_error(call("POST", "/counts", row), 405)
    assert_error(call("PATCH", f"/counts?user_id=eq.{user}", {"count": 5}), 405)
    assert_error(call("DELETE", f"/counts?user_id=eq.{user}"), 405)
    counts_agree(call, user)


def test_an_unknown_resource_is_404(call):
    assert_error(call("GET", "/rating"), 404)
    assert_error(call("POST", "/rating", {}), 404)
    assert call("OPTIONS", "/rating").status == 404


def test_options_of_a_resource(call):
    for resource, methods in (("ratings", {"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"}),
                              ("counts", {"GET", "HEAD", "OPTIONS"})):
        answer = call("OPTIONS", "/" + resource)
        assert answer.status == 200
        assert methods <= {method.strip() for method in answer.headers["allow"].split(",")}
    assert "POST" not in call("OPTIONS", "/counts").headers["allow"]


# ---- pages of the system ----

@pytest.mark.parametrize("prefix", ["", "/.rowlock"])
def test_system_pages(call, prefix):
    for page in ("live", "ready"):
        answer = call("GET", f"{prefix}/{page}")
        assert answer.status == 200
        answer.json()
    answer = call("GET", f"{prefix}/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    samples = [line for line in answer.body.decode().splitlines() if line and line[0] != "#"]
    assert samples
    for sample in samples:
        float(sample.rpartition(" ")[2])


def test_the_server_tells_no_version(call):
    for path in ("/health", "/ratings?limit=1", "/nothing"):
        assert call("GET", path).headers["server"] == "rowlock"
