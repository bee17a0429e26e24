"""The ratings contract, line by line, through its own routes.

With --url the same tests run against any deployment: they only touch users that they make up.
"""
import itertools
import json
import random
import threading

import pytest
from support.client import Connection, request
from support.ratings import list_counts, list_ratings, rating_path

INT64_MAX = 2 ** 63 - 1
INT64_MIN = -2 ** 63

# Users of this run, so that a deployment may have rows already.
numbers = itertools.count(random.SystemRandom().randrange(2 ** 40, 2 ** 61))


@pytest.fixture
def user(deployment):
    number = next(numbers)
    yield number
    request(deployment, "DELETE", f"/users/{number}")


@pytest.fixture
def call(deployment):
    """call(method, path, ...) on one connection; every answer has a JSON body."""
    with Connection(deployment) as connection:
        def send(method, path, body=None, headers=()):
            answer = connection.request(method, path, body, headers)
            if method not in ("HEAD", "OPTIONS") and answer.status != 204:
                assert answer.headers["content-type"].startswith("application/json"), answer
                answer.json()
            return answer
        yield send


def ratings_of(call, user):
    answer = call("GET", f"/users/{user}/ratings")
    assert answer.status == 200
    return list_ratings(answer.json())


def counts_of(call, user):
    answer = call("GET", f"/users/{user}/counts")
    assert answer.status == 200
    return list_counts(answer.json())


def allowed(answer):
    return {method.strip() for method in answer.headers["allow"].split(",")}


def assert_error(answer, status):
    assert answer.status == status, answer
    error = answer.json()
    assert set(error) == {"code", "details", "hint", "message"}, error
    assert isinstance(error["code"], str) and error["code"], error
    assert isinstance(error["message"], str) and error["message"], error


# ---- GET /health ----

def test_health(call):
    answer = call("GET", "/health")
    assert (answer.status, answer.json()) == (200, {"message": "ok"})


# ---- PUT /users/{user_id}/ratings/{item_id} ----

@pytest.mark.parametrize("kind", [1, 2, 3])
def test_put_creates(call, user, kind):
    answer = call("PUT", rating_path(user, 111), {"rating_type": kind})
    assert answer.status in (200, 201)
    assert answer.json() == {"user_id": user, "item_id": 111, "rating_type": kind}
    assert ratings_of(call, user) == {111: kind}
    assert counts_of(call, user) == {kind: 1}


def test_put_replaces(call, user):
    call("PUT", rating_path(user, 111), {"rating_type": 1})
    answer = call("PUT", rating_path(user, 111), {"rating_type": 3})
    assert answer.status == 200
    assert answer.json() == {"user_id": user, "item_id": 111, "rating_type": 3}
    assert ratings_of(call, user) == {111: 3}
    assert counts_of(call, user) == {3: 1}


def test_put_of_the_same_value_changes_nothing(call, user):
    for _ in range(3):
        assert call("PUT", rating_path(user, 111), {"rating_type": 2}).status in (200, 201)
    assert ratings_of(call, user) == {111: 2}
    assert counts_of(call, user) == {2: 1}


@pytest.mark.parametrize("item", [0, -1, 1, INT64_MAX, INT64_MIN])
def test_the_whole_range_of_item_ids(call, user, item):
    answer = call("PUT", rating_path(user, item), {"rating_type": 2})
    assert answer.status in (200, 201)
    assert answer.json()["item_id"] == item
    assert ratings_of(call, user) == {item: 2}


@pytest.mark.parametrize("number", [0, -5, INT64_MAX, INT64_MIN])
def test_the_whole_range_of_user_ids(call, number):
    assert call("GET", f"/users/{number}/ratings").status == 200
    assert call("GET", f"/users/{number}/counts").status == 200
    had = ratings_of(call, number)
    if had:
        pytest.skip("the deployment has rows of this user")
    assert call("PUT", rating_path(number, 1), {"rating_type": 1}).status in (200, 201)
    assert ratings_of(call, number) == {1: 1}
    assert call("DELETE", f"/users/{number}").status == 200
    assert ratings_of(call, number) == {}


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8",
                                          "text/plain", "application/octet-stream"])
def test_put_takes_json_whatever_the_content_type(call, user, content_type):
    answer = call("PUT", rating_path(user, 1), '{"rating_type": 2}', {"Content-Type": content_type})
    assert answer.status in (200, 201)
    assert ratings_of(call, user) == {1: 2}


def test_white_space_in_the_body(call, user):
    assert call("PUT", rating_path(user, 1), ' {\r\n\t"rating_type" :\t2 } \n').status in (200, 201)
    assert ratings_of(call, user) == {1: 2}


BAD_BODIES = [
    '{"rating_type": "2"}', '{"rating_type": 0}', '{"rating_type": 4}', '{"rating_type": -1}',
    '{"rating_type": 2.0}', '{"rating_type": 2.5}', '{"rating_type": 2e0}', '{"rating_type": 02}',
    '{"rating_type": +2}', '{"rating_type": 9223372036854775808}', '{"rating_type": null}',
    '{"rating_type": true}', '{"rating_type": [2]}', '{"rating_type": {"a": 2}}',
    '{"rating_type": 2, "rating_type": 2}', '{"rating_type": 2, "stars": 5}', '{"rating_type": 2,}',
    '{"rating_type": 2} x', '{"rating_type": 2', '{rating_type: 2}', "{'rating_type': 2}",
    '{"RATING_TYPE": 2}', '{}', '[]', '2', '"2"', 'null', 'true', '', ' ',
    '\ufeff{"rating_type": 2}',
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_bad_body_is_400_and_nothing_is_written(call, user, body):
    assert_error(call("PUT", rating_path(user, 1), body), 400)
    assert ratings_of(call, user) == {}
    call("PUT", rating_path(user, 1), {"rating_type": 3})
    assert_error(call("PUT", rating_path(user, 1), body), 400)
    assert ratings_of(call, user) == {1: 3}
    assert counts_of(call, user) == {3: 1}


def test_no_body_is_400(call, user):
    assert_error(call("PUT", rating_path(user, 1)), 400)
    assert ratings_of(call, user) == {}


def test_an_id_in_the_body_does_not_move_the_row(call, user):
    call("PUT", rating_path(user, 1), {"user_id": user + 1, "item_id": 2, "rating_type": 2})
    assert ratings_of(call, user + 1) == {}
    assert set(ratings_of(call, user)) <= {1}


# ---- path values ----

NOT_CANONICAL = ["x", "05", "+5", "-0", "00", "5x", "1.0", "1e2", "0x5", "%205", "5%20", "-", "--5",
                 str(INT64_MAX + 1), str(INT64_MIN - 1), "9" * 40, "%D9%A5", "5%2C6", "null"]


@pytest.mark.parametrize("value", NOT_CANONICAL)
def test_a_path_value_that_is_no_canonical_integer_is_404(call, user, value):
    call("PUT", rating_path(user, 1), {"rating_type": 1})
    assert_error(call("PUT", rating_path(user, value), {"rating_type": 2}), 404)
    assert_error(call("PUT", rating_path(value, 1), {"rating_type": 2}), 404)
    assert_error(call("GET", f"/users/{value}/ratings"), 404)
    assert_error(call("GET", f"/users/{value}/counts"), 404)
    assert_error(call("DELETE", f"/users/{value}"), 404)
    assert ratings_of(call, user) == {1: 1}


def test_a_percent_encoded_digit_is_that_digit(call, user):
    encoded = "".join(f"%{ord(digit):02X}" for digit in str(user))
    call("PUT", rating_path(encoded, "%31"), {"rating_type": 1})
    assert ratings_of(call, user) == {1: 1}


# ---- GET /users/{user_id}/ratings, GET /users/{user_id}/counts ----

def test_a_user_without_ratings(call, user):
    assert call("GET", f"/users/{user}/ratings").json() == []
    assert call("GET", f"/users/{user}/counts").json() == []


def test_the_rows_have_exactly_these_fields_in_key_order(call, user):
    for item, kind in ((30, 1), (-4, 2), (111, 2)):
        call("PUT", rating_path(user, item), {"rating_type": kind})
    assert call("GET", f"/users/{user}/ratings").json() == [
        {"item_id": -4, "rating_type": 2}, {"item_id": 30, "rating_type": 1},
        {"item_id": 111, "rating_type": 2}]
    assert call("GET", f"/users/{user}/counts").json() == [
        {"rating_type": 1, "count": 1}, {"rating_type": 2, "count": 2}]


def test_a_count_that_falls_to_0_is_not_shown(call, user):
    call("PUT", rating_path(user, 1), {"rating_type": 1})
    call("PUT", rating_path(user, 2), {"rating_type": 2})
    call("PUT", rating_path(user, 1), {"rating_type": 2})
    assert counts_of(call, user) == {2: 2}
    call("PUT", rating_path(user, 1), {"rating_type": 1})
    assert counts_of(call, user) == {1: 1, 2: 1}


def test_users_do_not_mix(call, user):
    other = next(numbers)
    call("PUT", rating_path(user, 1), {"rating_type": 1})
    call("PUT", rating_path(other, 1), {"rating_type": 3})
    assert (ratings_of(call, user), counts_of(call, user)) == ({1: 1}, {1: 1})
    assert call("DELETE", f"/users/{other}").status == 200
    assert (ratings_of(call, user), counts_of(call, user)) == ({1: 1}, {1: 1})


# ---- DELETE /users/{user_id} ----

def test_delete_removes_all_ratings_of_the_user(call, user):
    for item in range(10):
        call("PUT", rating_path(user, item), {"rating_type": 1 + item % 3})
    answer = call("DELETE", f"/users/{user}")
    assert answer.status == 200
    assert (ratings_of(call, user), counts_of(call, user)) == ({}, {})
    call("PUT", rating_path(user, 5), {"rating_type": 2})
    assert (ratings_of(call, user), counts_of(call, user)) == ({5: 2}, {2: 1})


def test_delete_of_an_unknown_user_is_200(call, user):
    assert call("DELETE", f"/users/{user}").status == 200


# ---- methods and paths ----

METHODS = {"/health": {"GET"}, "/users/1/ratings": {"GET"}, "/users/1/counts": {"GET"},
           "/users/1/ratings/1": {"PUT"}, "/users/1": {"DELETE"}}


@pytest.mark.parametrize("path", METHODS)
def test_options_tells_the_methods(call, path):
    answer = call("OPTIONS", path)
    assert answer.status == 200
    expected = METHODS[path] | {"OPTIONS"} | ({"HEAD"} if "GET" in METHODS[path] else set())
    assert allowed(answer) == expected


@pytest.mark.parametrize("path", METHODS)
def test_a_method_that_is_not_there_is_405_with_allow(call, path):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - METHODS[path]:
        answer = call(method, path, None if method == "GET" else {})
        assert_error(answer, 405)
        assert METHODS[path] <= allowed(answer) and method not in allowed(answer)


@pytest.mark.parametrize("path", ["/health", "/users/1/ratings", "/users/1/counts"])
def test_head_is_get_without_the_body(call, path):
    get, head = call("GET", path), call("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers.get("content-length", str(len(get.body))) == str(len(get.body))
    assert call("GET", path).body == get.body


def test_head_of_what_is_not_there(call):
    assert call("HEAD", "/users/x/ratings").status == 404
    assert call("HEAD", "/users/1").status == 405


def test_a_trailing_slash_is_ignored(call, user):
    assert call("GET", "/health/").json() == {"message": "ok"}
    assert call("PUT", rating_path(user, 1) + "/", {"rating_type": 2}).status in (200, 201)
    assert call("GET", f"/users/{user}/ratings/").json() == [{"item_id": 1, "rating_type": 2}]
    assert call("GET", f"/users/{user}/counts/").json() == [{"rating_type": 2, "count": 1}]
    assert call("DELETE", f"/users/{user}/").status == 200
    assert ratings_of(call, user) == {}


@pytest.mark.parametrize("path", ["/healthy", "/users", "/users/1/ratings/1/2", "/users/1/rating",
                                  "/Health", "/users//ratings", "/health//", "//health"])
def test_an_unknown_path_is_404(call, path):
    assert_error(call("GET", path), 404)


# ---- many at once ----

def test_writers_of_one_user_do_not_disturb_each_other(deployment, user):
    """16 clients write the items of one user; every request is answered 200 or 201."""
    wrong = []

    def write(first):
        with Connection(deployment) as connection:
            for item in range(first, 160, 16):
                answer = connection.request("PUT", rating_path(user, item),
                                            {"rating_type": 1 + item % 3})
                if answer.status not in (200, 201):
                    wrong.append(answer)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    rows = request(deployment, "GET", f"/users/{user}/ratings").json()
    assert list_ratings(rows) == {item: 1 + item % 3 for item in range(160)}
    counts = request(deployment, "GET", f"/users/{user}/counts").json()
    assert list_counts(counts) == {1: 54, 2: 53, 3: 53}


def test_pipelined_requests_are_answered_in_order(deployment, user):
    requests = []
    for item in range(20):
        body = json.dumps({"rating_type": 1 + item % 3})
        requests.append(f"PUT {rating_path(user, item)} HTTP/1.1\r\nHost: localhost\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n{body}"
                        f"GET /users/{user}/ratings HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with Connection(deployment) as connection:
        connection.send("".join(requests).encode())
        for item in range(20):
            assert connection.receive().json()["item_id"] == item
            assert len(connection.receive().json()) == item + 1
