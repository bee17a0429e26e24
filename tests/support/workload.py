"""Random writers and checking readers of the ratings service, as clients of a swarm."""
import json
from collections import Counter

from support.client import Disconnected, request_bytes
from support.linearize import DELETE, WRITE, Op
from support.ratings import list_counts, list_ratings, rating_path
from support.swarm import Pause

BODIES = {kind: json.dumps({"rating_type": kind}) for kind in (1, 2, 3)}


def put(user, item, kind):
    return request_bytes("PUT", rating_path(user, item), BODIES[kind])


def delete(user):
    return request_bytes("DELETE", f"/users/{user}")


def get(user, what):
    return request_bytes("GET", f"/users/{user}/{what}")


class Budget:
    """How many more operations there are for all clients together."""

    def __init__(self, operations):
        self.left = operations

    def take(self):
        self.left -= 1
        return self.left >= 0


class Gainers:
    """Users who only gain items while this phase runs: their counts only grow, so counts that are
    equal before and after a read of the ratings mean that nothing was written in between."""

    def __init__(self, users):
        self.users = list(users)
        self.next_item = {user: 0 for user in self.users}
        self.written = {user: {} for user in self.users}
        self.reads = 0
        self.comparisons = 0
        self.writing = 0

    def writer(self, rng, budget):
        self.writing += 1
        while budget.take():
            user = rng.choice(self.users)
            item, kind = self.next_item[user], rng.randint(1, 3)
            self.next_item[user] += 1
            answer = yield put(user, item, kind)
            assert answer.status in (200, 201), answer
            self.written[user][item] = kind
        self.writing -= 1

    def reader(self, rng):
        while self.writing:
            user = rng.choice(self.users)
            before = yield get(user, "counts")
            ratings = yield get(user, "ratings")
            after = yield get(user, "counts")
            assert before.status == ratings.status == after.status == 200
            self.reads += 1
            first, last = list_counts(before.json()), list_counts(after.json())
            histogram = dict(Counter(list_ratings(ratings.json()).values()))
            for kind in (1, 2, 3):
                assert (first.get(kind, 0) <= histogram.get(kind, 0)
                        <= last.get(kind, 0)), (user, first, histogram, last)
            if first == last:
                self.comparisons += 1
                assert histogram == first, (user, first, histogram)

    def check(self, ratings):
        """All that was acknowledged is there, and nothing else."""
        for user in self.users:
            mine = {item: kind for (owner, item), kind in ratings.items() if owner == user}
            assert mine == self.written[user], f"user {user}"


class Churn:
    """Clients that put and delete at random, and the history of every (user, item), so that a
    checker can say which values each may have in the end."""

    def __init__(self, users, items):
        self.users = list(users)
        self.items = list(items)
        self.histories = {(user, item): [] for user in self.users for item in self.items}
        self.lost = []
        self.acknowledged = 0

    def _note(self, user, item, kind, times, **more):
        if item is None:
            for each in self.items:
                self.histories[user, each].append(Op(DELETE, None, *times, **more))
        else:
            self.histories[user, item].append(Op(WRITE, kind, *times, **more))

    def writer(self, rng, budget, clock, deletes=0.1):
        """Ends with its connection. `clock` is asked when a request is given up."""
        while budget.take():
            user, item, kind = rng.choice(self.users), rng.choice(self.items), rng.randint(1, 3)
            if rng.random() < deletes:
                item = None
            began = clock()
            try:
                answer = yield delete(user) if item is None else put(user, item, kind)
            except Disconnected:
                self.lost.append((user, item, kind, began))
                return
            assert answer.status == 200 or (answer.status == 201 and item is not None), answer
            self.acknowledged += 1
            found = None if item is None else (False if answer.status == 201 else None)
            self._note(user, item, kind, (answer.invoked, answer.returned), found=found)

    def died(self, moment):
        """The process is gone: what was in flight took effect before that moment, or never."""
        for user, item, kind, began in self.lost:
            self._note(user, item, kind, (began, moment), maybe=True)
        self.lost.clear()

    def observe(self, ratings, invoked, returned):
        for key, history in self.histories.items():
            history.append(Op("read", ratings.get(key), invoked, returned))


def prober(user, rng, pause_s, until):
    """Reads one user's counts and ratings at random moments; every answer must be good."""
    while not until():
        answer = yield get(user, rng.choice(("counts", "ratings")))
        assert answer.status == 200
        yield Pause(pause_s)
