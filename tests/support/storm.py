"""Clients of a service while its database fails: what each was told, how long that took, and
whether the rows agree with it.

Every row of `entries` carries a value that is written by one request only, so a write that
happened twice, or not as it was told, shows.
"""
import itertools
import socket
import threading
from collections import Counter

from support.client import Disconnected, request_bytes
from support.swarm import Pause

SERVICE = """
service: storm
listen: 127.0.0.1:0
store: "memory:"
limits: {{ {limits} }}
resources:
  entries:
    key: id
    fields:
      id:      {{ type: integer, default: auto }}
      user_id: {{ type: integer, required: true }}
      value:   {{ type: integer, required: true }}
    index: [user_id]
  entry_counts:
    tally: entries
    by: [user_id]
  ratings:
    key: [user_id, item_id]
    fields:
      user_id:     integer
      item_id:     integer
      rating_type: {{ type: integer, required: true, in: [1, 2, 3] }}
  counts:
    tally: ratings
    by: [user_id, rating_type]
"""
# What a request may be told while the database fails; nothing was written then.
NOT_WRITTEN = {(503, "08006"), (503, "RL503"), (504, "RL504")}
# Nobody knows whether it was.
UNKNOWN = {(503, "08007"), (504, "RL504U")}
# What a request may take above its limit: the 100 ms in which limits are looked at, and the
# slowness of the tests themselves on a busy machine.
SLACK_S = 2
USERS = range(1, 9)
ITEMS = range(1, 5)
PAUSE_S = 0.02


def outcome(answer):
    if answer.status < 400:
        return "done"
    said = (answer.status, answer.json()["code"])
    if said in NOT_WRITTEN:
        return "not written"
    assert said in UNKNOWN, answer
    return "unknown"


class Storm:
    def __init__(self, rng, read_s, write_s):
        self.rng = rng
        self.read_s = read_s
        self.write_s = write_s
        self.values = itertools.count(1)
        self.written = set()
        self.unknown = set()  # values that may be there
        self.together = []    # values of one request: all of them, or none
        self.settled = 0      # unknown outcomes that an Idempotency-Key has made known
        self.told = Counter()
        self.slowest = {}
        self.last_failure = 0.0
        self.stopping = False

    # ---- what every request has to keep ----

    def _judge(self, answer, kind, limit_s):
        """Fails when it took longer than its limit."""
        took = answer.returned - answer.invoked
        assert took < limit_s + SLACK_S, f"{kind} took {took:.1f} s: {answer}"
        self.slowest[kind] = max(took, self.slowest.get(kind, 0))
        result = outcome(answer)
        self.told[kind, answer.status, result] += 1
        if result != "done":
            self.last_failure = max(self.last_failure, answer.invoked)
        return result

    def _send(self, kind, limit_s, *request):
        try:
            answer = yield request_bytes(*request)
        except Disconnected as error:
            raise AssertionError(f"{kind} was not answered: {error}") from error
        return self._judge(answer, kind, limit_s), answer

    def _note(self, result, values):
        self.together.append(values)
        if result == "done":
            self.written.update(values)
        elif result == "unknown":
            self.unknown.update(values)

    # ---- clients ----

    def inserter(self, rows):
        """Each request once, whatever is answered."""
        while not self.stopping:
            values = [next(self.values) for _ in range(rows)]
            body = [{"user_id": self.rng.choice(USERS), "value": value} for value in values]
            result, _ = yield from self._send(f"insert {rows}", self.write_s, "POST", "/entries",
                                              body if rows > 1 else body[0])
            self._note(result, values)
            yield Pause(PAUSE_S)

    def keyed(self):
        """Each request under a key, again and again until it is known to be written."""
        while not self.stopping:
            value = next(self.values)
            body = {"user_id": self.rng.choice(USERS), "value": value}
            was_unknown, result = False, None
            while result != "done":
                result, _ = yield from self._send("keyed", self.write_s, "POST", "/entries", body,
                                                  {"Idempotency-Key": f"v{value}"})
                was_unknown = was_unknown or result == "unknown"
                yield Pause(PAUSE_S)
            self.settled += was_unknown
            self._note("done", [value])

    def crosser(self, turn):
        """Many users at once, half of the clients in one order and half in the other."""
        users = list(USERS)[::turn]
        while not self.stopping:
            kind = self.rng.randint(1, 3)
            rows = [{"user_id": user, "item_id": item, "rating_type": kind}
                    for user in users for item in list(ITEMS)[::turn]]
            if self.rng.random() < 0.6:
                yield from self._send("upsert", self.write_s, "POST", "/ratings", rows,
                                      {"Prefer": "resolution=merge-duplicates"})
            elif self.rng.random() < 0.5:
                listed = ",".join(map(str, users[:5]))
                yield from self._send("delete", self.write_s, "DELETE",
                                      f"/ratings?user_id=in.({listed})")
            else:
                yield from self._send("update", self.write_s, "PATCH",
                                      f"/ratings?item_id=eq.{self.rng.choice(ITEMS)}",
                                      {"rating_type": kind})
            yield Pause(PAUSE_S)

    def reader(self):
        paths = ("entries?select=value&limit=20", "counts", "ratings", "entry_counts")
        while not self.stopping:
            what = self.rng.choice(paths)
            yield from self._send("read", self.read_s, "GET", f"/{what}")
            yield Pause(PAUSE_S)

    def clients(self, count):
        """In an order that gives every kind to each of two processes."""
        kinds = [lambda: self.inserter(1), lambda: self.keyed(), lambda: self.inserter(5),
                 self.reader, lambda: self.crosser(1), lambda: self.crosser(-1)]
        return [kinds[number // 2 % len(kinds)]() for number in range(count)]

    # ---- afterwards, when nothing is under way ----

    def check(self, database, name):
        times = Counter(int(value) for (value,) in database.sql("SELECT value FROM entries", name))
        assert not [value for value, count in times.items() if count > 1], "written twice"
        there = set(times)
        assert self.written <= there, f"lost: {sorted(self.written - there)[:20]}"
        extra = there - self.written - self.unknown
        assert not extra, f"there, but told otherwise: {sorted(extra)[:20]}"
        for values in self.together:
            assert len(there.intersection(values)) in (0, len(values)), f"half of {values}"
        assert database.sql("SELECT user_id, count FROM entry_counts WHERE count <> 0 "
                            "ORDER BY user_id", name) == database.sql(
            "SELECT user_id, COUNT(*) FROM entries GROUP BY user_id ORDER BY user_id", name)
        assert database.sql(
            "SELECT user_id, rating_type, count FROM counts WHERE count <> 0 "
            "ORDER BY user_id, rating_type", name) == database.sql(
            "SELECT user_id, rating_type, COUNT(*) FROM ratings GROUP BY user_id, rating_type "
            "ORDER BY user_id, rating_type", name)

    def summary(self):
        told = ", ".join(f"{kind} {status} {result}: {count}"
                         for (kind, status, result), count in sorted(self.told.items()))
        slowest = ", ".join(f"{kind} {took:.2f} s" for kind, took in sorted(self.slowest.items()))
        return (f"{told}\nslowest: {slowest}\n{len(self.written)} values written, "
                f"{len(self.unknown)} unknown, {self.settled} settled by their key")


class CommitBreaker:
    """Stands between the program and MariaDB. With the probability `chance` it ends a connection
    on which a COMMIT comes: half of them before the server hears of it, half before its answer."""

    def __init__(self, server, rng):
        self.server = server
        self.rng = rng
        self.chance = 0.0
        self.heard = 0
        self.unheard = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # accept() of the other thread ends by this, and not by close() alone.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.server)
            for pump in (self._forward, self._back):
                threading.Thread(target=pump, args=(near, far), daemon=True).start()

    def _forward(self, near, far):
        self._pump(near, far, self._break_commit)

    def _back(self, near, far):
        self._pump(far, near, lambda data, source, target: False)

    def _break_commit(self, data, near, far):
        """True when the connection has to end."""
        # Not the one of READ-COMMITTED.
        if not data.endswith(b"COMMIT") or self.rng.random() >= self.chance:
            return False
        # Nothing comes back to the program from now on.
        near.shutdown(socket.SHUT_WR)
        if self.rng.random() < 0.5:
            self.unheard += 1
            return True
        self.heard += 1
        far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        while far.recv(1 << 16):
            pass
        return True

    def _pump(self, source, target, breaks):
        try:
            while data := source.recv(1 << 16):
                if breaks(data, source, target):
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
