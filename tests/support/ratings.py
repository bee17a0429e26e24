"""What is true of a ratings service, however it is looked at."""
import threading
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


class SnapshotReader:
    """Compares counts with ratings in snapshots of a MariaDB database, again and again, on a thread
    of its own; nobody else is waited for."""

    def __init__(self, database, name):
        self.database = database
        self.name = name
        self.snapshots = 0
        self.moments = set()
        self.wrong = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def read(self):
        """(ratings, counts) of one snapshot."""
        rows = self.database.sql(
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;"
            f"{RATINGS_QUERY}; SELECT 'counts'; {COUNTS_QUERY}; COMMIT;", self.name)
        middle = rows.index(["counts"])
        numbers = [tuple(map(int, row)) for row in rows[:middle] + rows[middle + 1:]]
        return numbers[:middle], numbers[middle:]

    def check(self):
        """All ratings, as {(user, item): type}."""
        rows, counts = self.read()
        wrong = difference(rows, counts)
        assert wrong == {}, f"(user, type): (counted, true) = {wrong}"
        return {(user, item): kind for user, item, kind in rows}

    def _run(self):
        while not self.stopping.is_set():
            rows, counts = self.read()
            self.snapshots += 1
            self.moments.add(hash(tuple(rows)))
            wrong = difference(rows, counts)
            if wrong != {}:
                self.wrong.append(wrong)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def check_database(path):
    """Counts against ratings in the file of a server that has stopped. Returns all ratings."""
    rows = read_database(path, RATINGS_QUERY)
    wrong = difference(rows, read_database(path, COUNTS_QUERY))
    assert wrong == {}, f"(user, type): (counted, true) = {wrong}"
    assert read_database(path, "pragma integrity_check") == [("ok",)]
    return {(user, item): kind for user, item, kind in rows}
