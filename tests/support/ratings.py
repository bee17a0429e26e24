"""What is true of a ratings service, however it is looked at."""
from collections import Counter

from support.client import get_json
from support.server import read_database

RATINGS_QUERY = "select user_id, item_id, rating_type from ratings"
# The header rows of the tally (null type) and the counts that fell to 0 are not counts.
COUNTS_QUERY = ("select user_id, rating_type, count from counts "
                "where rating_type is not null and count <> 0")


def rating_path(user, item):
    return f"/users/{user}/ratings/{item}"


def histogram(rows):
    """(user, item, type) rows -> {(user, type): count}"""
    return Counter((user, kind) for user, _, kind in rows)


def difference(rows, counts):
    """What counts say that rows do not; {} when they agree."""
    said = {(user, kind): count for user, kind, count in counts}
    true = dict(histogram(rows))
    return {key: (said.get(key), true.get(key)) for key in said.keys() | true.keys()
            if said.get(key) != true.get(key)}


def list_ratings(rows):
    """The body of GET /users/{user}/ratings -> {item: type}; no item may be there twice."""
    ratings = {row["item_id"]: row["rating_type"] for row in rows}
    assert len(ratings) == len(rows), rows
    return ratings


def list_counts(rows):
    """The body of GET /users/{user}/counts -> {type: count}"""
    counts = {row["rating_type"]: row["count"] for row in rows}
    assert len(counts) == len(rows) and all(count > 0 for count in counts.values()), rows
    return counts


def check_api(address, users):
    """Counts against ratings through the routes, while nobody writes. Returns all ratings."""
    ratings = {}
    for user in users:
        mine = list_ratings(get_json(address, f"/users/{user}/ratings"))
        counts = list_counts(get_json(address, f"/users/{user}/counts"))
        assert counts == dict(Counter(mine.values())), f"user {user}: {mine} but counts {counts}"
        ratings.update({(user, item): kind for item, kind in mine.items()})
    return ratings


def check_database(path):
    """Counts against ratings in the file of a server that has stopped. Returns all ratings."""
    rows = read_database(path, RATINGS_QUERY)
    wrong = difference(rows, read_database(path, COUNTS_QUERY))
    assert wrong == {}, f"(user, type): (counted, true) = {wrong}"
    assert read_database(path, "pragma integrity_check") == [("ok",)]
    return {(user, item): kind for user, item, kind in rows}
