"""What two requests do at the same moment: no place ever has two living kings, no person a place
that is gone, and nothing stays locked."""
import json
import random
import threading
import time

import pytest
from support.client import request_bytes
from support.westeros import Westeros, names

LANES = 8  # rounds under way at once
DELAY_S = 0.004
GOOD = (200, 201)


@pytest.fixture(params=["sqlite", "mariadb"], name="westeros")
def fixture_westeros(request, tmp_path):
    if request.config.getoption("--url"):
        pytest.skip("needs processes of its own, and --url names a deployment")
    stores = None
    if request.param == "mariadb":
        database = request.getfixturevalue("mariadb_database")
        stores = [database(), database()]
    with Westeros(tmp_path, stores, sample="off") as running:
        yield running


def run_lanes(westeros, proof, seed, play):
    """play(client, rng, count) for each of all rounds; the first error of any."""
    rounds = 5000 if proof else 40
    left, lock, errors = [rounds], threading.Lock(), []

    def lane(number):
        rng = random.Random(seed + number)
        client = Lane(westeros)
        try:
            while not errors:
                with lock:
                    if left[0] == 0:
                        return
                    left[0] -= 1
                play(client, rng)
        except BaseException as error:  # handed to the test's thread
            errors.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return rounds


class Lane:
    """A client who can ask for two things at once."""

    def __init__(self, westeros):
        self.one, self.other = westeros.client(), westeros.client()

    def both(self, rng, first, second):
        """The answers to two (method, path, body), sent in any order with hardly any time between."""
        asked = [(client.connection(what[1]), what) for client, what in
                 zip((self.one, self.other), (first, second))]
        for connection, what in rng.sample(asked, 2):
            connection.send(request_bytes(*what))
            if rng.random() < 0.7:
                time.sleep(rng.random() * DELAY_S)
        return [connection.receive(what[0]) for connection, what in asked]

    def close(self):
        self.one.close()
        self.other.close()


# ---- kings ----

def crown(client, rng, place, elsewhere):
    """A request after which somebody is the living king of the place, in one of many ways."""
    king = {"name": next(names), "isAlive": True, "isKing": True, "placeId": place}
    without = rng.choice([{}, {"isAlive": False}, {"isKing": False}, {"placeId": elsewhere},
                          {"isAlive": False, "isKing": False, "placeId": None}])
    if not without:
        return "POST", "/people/", king
    person = client.make("/people/", **{**king, **without})
    path = f"/people/{person['id']}"
    if rng.random() < 0.5:
        return "PUT", path, king
    return "PATCH", path, {key: king[key] for key in without}


def test_two_kings_at_the_same_moment(westeros, proof, seed):
    crowned = []

    def play(lane, rng):
        place = lane.one.make("/places/", name=next(names))["id"]
        first, second = (crown(lane.one, rng, place, lane.one.make("/places/", name=next(names))["id"])
                         for _ in range(2))
        answers = lane.both(rng, first, second)
        assert sorted(answer.status in GOOD for answer in answers) == [False, True], answers
        refused = next(answer for answer in answers if answer.status not in GOOD)
        assert refused.status == 409 and refused.json()["code"] == "23505", refused
        kings = lane.one.get(f"/people/?placeId=eq.{place}&isKing=is.true&isAlive=is.true")
        assert len(kings) == 1, kings
        crowned.append(first[0] + second[0])

    rounds = run_lanes(westeros, proof, seed, play)
    assert len(crowned) == rounds
    print({ways: crowned.count(ways) for ways in sorted(set(crowned))})
    client = westeros.client()
    kings = [row["placeId"] for row in client.get("/people/?isKing=is.true&isAlive=is.true")]
    client.close()
    assert len(kings) == len(set(kings)) >= rounds


# ---- people and places ----

def move_in(client, rng, place):
    """A request after which somebody is in the place, in one of many ways; and the person, if there
    is one already."""
    alive = rng.random() < 0.5
    person = {"name": next(names), "isAlive": alive, "placeId": place}
    if rng.random() < 0.4:
        return ("POST", "/people/", person), None
    # of somebody who is in another place, or nowhere
    before = client.make("/places/", name=next(names))["id"] if alive or rng.random() < 0.5 else None
    number = client.make("/people/", **{**person, "placeId": before})["id"]
    if rng.random() < 0.5:
        return ("PUT", f"/people/{number}", person), number
    return ("PATCH", f"/people/{number}", {"placeId": place}), number


def test_somebody_comes_while_the_place_is_deleted(westeros, proof, seed):
    seen = {"stays": 0, "gone": 0, "neither": 0}
    tidied = []

    def play(lane, rng):
        client = lane.one
        place = client.make("/places/", name=next(names))["id"]
        path = f"/places/{place}"
        came, number = move_in(client, rng, place)
        moved, deleted = lane.both(rng, came, ("DELETE", path, None))
        assert moved.status in (*GOOD, 409, 503), moved
        assert deleted.status in (204, 409), deleted
        there = client.get(f"/people/?placeId=eq.{place}")
        shown = client("GET", path)
        assert (shown.status == 404) == (deleted.status == 204), (shown, deleted)
        if moved.status in GOOD:
            assert shown.status == 200, (moved, deleted)
            assert [row["id"] for row in there] == [moved.json()["id"]], (there, moved)
            assert client("DELETE", path).status == 409
            seen["stays"] += 1
        else:
            assert there == [], (there, moved)
            assert number is None or client("GET", f"/people/{number}").status == 200
            seen["gone" if deleted.status == 204 else "neither"] += 1
        if len(tidied) < 500 and shown.status == 200:
            for row in there:
                assert client("DELETE", f"/people/{row['id']}").status == 204
            client.delete_free(path)
            tidied.append(place)

    rounds = run_lanes(westeros, proof, seed, play)
    print(json.dumps(seen))
    assert seen["stays"] > 0 and (seen["gone"] > 0 or not proof)
    assert sum(seen.values()) == rounds
    client = westeros.client()
    places = {row["id"] for row in client.get("/places/?select=id")}
    assert {row["placeId"] for row in client.get("/people/?placeId=not.is.null")} <= places
    # nothing stays locked: with the people gone every place goes too
    assert client("DELETE", "/people/").status == 204
    for place in sorted(places)[-100:]:
        client.delete_free(f"/places/{place}")
    client.close()
