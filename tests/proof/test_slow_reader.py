"""A reader who takes its time for a long list holds up nobody and makes no read stale."""
import json
import random
import socket
import statistics
import threading
import time

import pytest
from support import swarm
from support.client import Connection, request, request_bytes
from support.swarm import Pause
from support.workload import get, put

ROWS = 300_000
ROWS_OF_A_USER = 1_000
ROWS_OF_A_REQUEST = 10_000
SLOWED_AT_MOST = 2.0


def load(address):
    for first in range(0, ROWS, ROWS_OF_A_REQUEST):
        rows = [{"user_id": number // ROWS_OF_A_USER, "item_id": number % ROWS_OF_A_USER,
                 "rating_type": 1 + number % 3}
                for number in range(first, first + ROWS_OF_A_REQUEST)]
        answer = request(address, "POST", "/ratings", rows)
        assert answer.status == 201, answer


class SlowReader(threading.Thread):
    """Takes the whole list in even steps over `seconds`, through a small window."""

    STEPS_PER_S = 20

    def __init__(self, address, seconds):
        super().__init__(daemon=True)
        self.connection = Connection(address, timeout=120, receive_buffer=4096)
        self.seconds = seconds
        self.body = b""
        self.error = None
        self.stopped_at = None

    def run(self):
        try:
            self.read()
        except Exception as error:  # handed to the test's thread
            self.error = error

    def read(self):
        self.connection.send(request_bytes("GET", "/ratings"))
        step = ROWS * 40 // (self.seconds * self.STEPS_PER_S)
        raw = self.connection.socket
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            part = raw.recv(step, socket.MSG_WAITALL)
            if not part:
                break
            self.connection.buffer += part
            time.sleep(1 / self.STEPS_PER_S)
        answer = self.connection.receive()
        self.stopped_at = time.monotonic()
        assert answer.status == 200, answer
        self.body = answer.body


class Users:
    """Clients that write a row and read it back at once."""

    def __init__(self):
        self.latencies = []
        self.stopped = False

    def client(self, user, rng):
        rated = {}
        while not self.stopped:
            item, kind = rng.randrange(20), rng.randint(1, 3)
            written = yield put(user, item, kind)
            assert written.status in (200, 201), written
            rated[item] = kind
            seen = yield get(user, "ratings")
            assert {row["item_id"]: row["rating_type"] for row in seen.json()} == rated, "stale"
            counts = yield get(user, "counts")
            assert sum(row["count"] for row in counts.json()) == len(rated), "stale"
            # Not as fast as can be: while a list is being read the log only grows, and it has a limit.
            yield Pause(0.02)
            self.latencies += [answer.returned - answer.invoked
                               for answer in (written, seen, counts)]


def measure(address, first_user, rng, until):
    users = Users()
    swarm.run(address, [users.client(first_user + number, random.Random(rng.randrange(2 ** 62)))
                        for number in range(8)], until)
    assert users.latencies
    return statistics.median(users.latencies)


@pytest.mark.slow
def test_a_slow_reader_disturbs_nobody(start, proof, seed):
    seconds = 30 if proof else 5
    rng = random.Random(seed)
    server = start()
    load(server.address)

    alone_until = time.monotonic() + seconds / 3
    alone = measure(server.address, 10 ** 6, rng, lambda: time.monotonic() >= alone_until)

    reader = SlowReader(server.address, seconds)
    reader.start()
    beside = measure(server.address, 2 * 10 ** 6, rng, lambda: not reader.is_alive())
    reader.join()
    reader.connection.close()
    if reader.error is not None:
        raise reader.error
    check_list(reader.body)
    print(f"median {alone * 1e6:.0f} us alone, {beside * 1e6:.0f} us beside the slow reader")
    if proof:
        assert beside <= SLOWED_AT_MOST * alone
    assert server.stop() == 0, server.log()


def check_list(body):
    """One snapshot: all rows that were loaded, each once, in key order."""
    rows = json.loads(body)
    keys = [(row["user_id"], row["item_id"]) for row in rows]
    assert all(first < second for first, second in zip(keys, keys[1:]))
    loaded = [key for key in keys if key[0] < ROWS // ROWS_OF_A_USER]
    assert len(loaded) == ROWS
