"""Are the answers right? Looked at before anything is measured, and after the writes."""
import json
import urllib.parse

import articles
import data
from http_client import Client
from process import BenchError

STRANGER = 9_000_001  # a user outside the preloaded ones
KEPT_LEAST = 0.95  # of the requests of all windows
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


def articles_paths(kept):
    """Some requests of the articles' scenarios, and searches of every kind."""
    with open(kept.searches(), encoding="utf-8") as file:
        searches = file.read().split()[::100]
    words = ["winter ROADS", "l'élève", "Straße", "дорога Ё", "図書館", "100%"]
    return ([f"/v1/{number}" for number in (*articles.SAMPLE, articles.ITEMS, articles.ITEMS + 1)]
            + searches
            + [f"{searches[0]}&" + urllib.parse.urlencode({"contains": word[:3]}) for word in words]
            + [articles.search_path(word) for word in words]
            + ["/v1/?" + urllib.parse.urlencode({"uri": "/42"})])


def same(system, paths, wanted):
    """That the answers are those of the first system; wanted: [(status, value)] or empty."""
    with Client(system.port, timeout=60) as client:
        for _ in range(2):  # the second time they may be kept ones
            for at, path in enumerate(paths):
                status, _, body = client.request("GET", path)
                if status not in (200, 404):
                    raise BenchError(f"{system.name}: GET {path} answered {status}: {body[:200]}")
                if at == len(wanted):
                    wanted.append((status, json.loads(body)))
                expect(system, f"GET {path}", (status, json.loads(body)), wanted[at])


def kept(system, windows, say):
    """That the server under test answered from where its answers are kept, when they are."""
    if not hasattr(system, "cache_counts"):
        return
    memory, redis, made = system.cache_counts()
    say(f"{system.name}: {memory} answers from memory, {redis} from Redis, {made} made")
    asked = sum(window.requests for window in windows)
    if system.keeps and memory + redis < asked * KEPT_LEAST:
        raise BenchError(f"only {memory + redis} of {asked} answers were kept ones")
    if not system.keeps and memory + redis > 0:
        raise BenchError("answers were kept ones")


def needles(system, expected):
    """That each needle is found as often as it is there; expected: [(needle, hits)]."""
    with Client(system.port, timeout=60) as client:
        for needle, hits in expected:
            found = client.value("GET", articles.search_path(needle))
            expect(system, f"the hits of {needle!r}", len(found), hits)


def consistent(system):
    """After the writes: the counts of some users are the histogram of their ratings."""
    with Client(system.port) as client:
        for user in SAMPLE:
            ratings, counts = lists(client, user)
            expect(system, f"the counts of user {user} after the load", counts,
                   data.histogram(ratings))
