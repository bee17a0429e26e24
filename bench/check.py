"""Are the answers right? Looked at before anything is measured, and after the writes."""
import data
from http_client import Client
from process import BenchError

STRANGER = 9_000_001  # a user outside the preloaded ones
SAMPLE = (1, 2, 777, data.USERS // 2, data.USERS)


def expect(system, what, got, want):
    if got != want:
        raise BenchError(f"{system.name}: {what}: got {str(got)[:300]}, want {str(want)[:300]}")


def by(key):
    return lambda row: row[key]


def lists(client, user):
    """A user's ratings and counts, each in the order of its key."""
    ratings = client.value("GET", f"/users/{user}/ratings")
    counts = client.value("GET", f"/users/{user}/counts")
    return sorted(ratings, key=by("item_id")), sorted(counts, key=by("rating_type"))


def constant(system):
    """Checks GET /health; returns the bytes of the whole answer."""
    with Client(system.port) as client:
        status, head, body = client.request("GET", "/health")
        expect(system, "GET /health", (status, body.rstrip()), (200, b'{"message":"ok"}'))
        status, _, _ = client.request("GET", "/health")
        expect(system, "a second request on the connection", status, 200)
        return len(head) + 4 + len(body)


def service(system):
    """Checks the preloaded rows and each operation; returns the bytes of one list body."""
    with Client(system.port) as client:
        for user in SAMPLE:
            ratings, counts = lists(client, user)
            expect(system, f"the list of user {user}", ratings, data.expected_list(user))
            expect(system, f"the counts of user {user}", counts, data.histogram(ratings))
        status, _, body = client.request("GET", f"/users/{SAMPLE[0]}/ratings")
        expect(system, "the status of a list", status, 200)

        path = f"/users/{STRANGER}"
        for item, kind in ((1, 1), (2, 1), (1, 3), (2, 3), (3, 2)):
            client.value("PUT", f"{path}/ratings/{item}", '{"rating_type": %d}' % kind)
        ratings, counts = lists(client, STRANGER)
        expect(system, "the list after PUTs", ratings, [
            {"item_id": 1, "rating_type": 3}, {"item_id": 2, "rating_type": 3},
            {"item_id": 3, "rating_type": 2}])
        expect(system, "the counts after PUTs", counts, data.histogram(ratings))
        bad = client.request("PUT", f"{path}/ratings/1", '{"rating_type": "2"}')[0]
        expect(system, "the status of a bad PUT", bad, 400)
        client.value("DELETE", path)
        expect(system, "the rows after DELETE", lists(client, STRANGER), ([], []))
        return len(body)


def api(system, expected):
    """Checks the query API's answers; expected: that of rows.Kept."""
    names = ("item", "page", "to_one", "to_many")
    with Client(system.port) as client:
        for number, answers in expected.items():
            for name, want in zip(names, answers):
                path = system.gets[name][0] % number
                expect(system, f"GET {path}", client.value("GET", path), want)
            path = system.gets["point"][0] % number
            expect(system, f"GET {path}", client.value("GET", path), [answers[0]])
        target = system.target("insert")
        status, _, _ = client.request("POST", target.path, target.body)
        expect(system, "the status of an insert", status, 201)
    system.target("unchanged")  # looks itself


def consistent(system):
    """After the writes: the counts of some users are the histogram of their ratings."""
    with Client(system.port) as client:
        for user in SAMPLE:
            ratings, counts = lists(client, user)
            expect(system, f"the counts of user {user} after the load", counts,
                   data.histogram(ratings))
