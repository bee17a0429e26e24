"""Two processes on a MariaDB database that fails under them: every request ends in time and is told
the truth, nothing is written twice, counts equal the rows, and all is well soon after."""
import random
import threading
import time

import pytest
from support import mariadb, swarm
from support.client import metric
from support.storm import SERVICE, CommitBreaker, Storm

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not mariadb.is_installed(), reason="mariadbd is not installed")]

CLIENTS = 48
HEALS_S = 5
CALM_S = 1  # without a failure, and it has healed
LIMITS = "loops: 2, database_connections: 6, read_ms: {read}, write_ms: {write}"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    # What it has answered outlives its process.
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb"),
                         ["--innodb-flush-log-at-trx-commit=2"]) as running:
        yield running


class Weather:
    """Runs a storm's clients against two processes beside `failing()`, on a thread, and then until
    no request has failed for a while."""

    def __init__(self, servers, database, storm):
        self.servers = servers
        self.database = database
        self.storm = storm
        self.back = None
        self.error = None
        self.retries = 0

    def _fail(self, failing):
        try:
            time.sleep(0.5)
            failing()
        except Exception as error:  # the other thread has to know
            self.error = error
        self.back = time.monotonic()

    def _is_over(self):
        if self.back is None:
            return False
        calm_since = max(self.storm.last_failure, self.back)
        # Clients end by themselves: what is under way is still answered.
        self.storm.stopping = self.storm.stopping or time.monotonic() - calm_since > CALM_S
        return False

    def run(self, failing):
        thread = threading.Thread(target=self._fail, args=(failing,))
        thread.start()
        swarm.run_many([server.address for server in self.servers], self.storm.clients(CLIENTS),
                       self._is_over)
        thread.join()
        if self.error is not None:
            raise self.error
        self.retries = sum(metric(server, "rowlock_database_retries_total")
                           for server in self.servers)
        print(f"{self.storm.summary()}\n{self.retries} writes were sent again")
        if self.storm.last_failure > 0:
            healed = self.storm.last_failure - self.back
            print(f"the last that failed was sent {healed:.2f} s after the end of the failure")
            assert healed < HEALS_S
        for server in self.servers:
            assert server.stop() == 0, server.log()
        self.storm.check(self.database, "storm")


@pytest.fixture
def weather(database, start, tmp_path, proof, seed):
    """weather() makes one, on two new processes and an empty database."""
    def make(limits=LIMITS, read_s=5 if proof else 1, write_s=10 if proof else 2, port=None):
        file = tmp_path / "storm.yaml"
        file.write_text(SERVICE.format(limits=limits.format(
            read=1000 * read_s, write=1000 * write_s)), encoding="utf-8")
        database.create("storm")
        url = database.url("storm", port=port)
        return Weather([start(file, store=url) for _ in range(2)], database,
                       Storm(random.Random(seed), read_s, write_s))

    return make


def told(storm, *results):
    return sum(count for (_, _, result), count in storm.told.items() if result in results)


def test_sessions_are_killed(weather, database, proof, seed):
    rng = random.Random(seed)

    def kill():
        for _ in range(500 if proof else 12):
            sessions = database.sql("SELECT id FROM information_schema.processlist "
                                    "WHERE db='storm'")
            if sessions:
                # Some of them may be gone already.
                some = rng.sample(sessions, rng.randint(1, len(sessions)))
                database.run(";".join(f"KILL CONNECTION {number}" for (number,) in some))
            time.sleep(rng.uniform(0, 0.08))

    running = weather()
    running.run(kill)
    assert told(running.storm, "done") > 100


def test_the_server_restarts(weather, database, proof):
    def restart():
        for turn in range(10 if proof else 1):
            if turn % 2:
                database.restart()
            else:
                database.kill()
                database.start()
            time.sleep(1 if proof else 0)

    running = weather()
    running.run(restart)
    assert told(running.storm, "not written", "unknown") > 0


def test_the_server_freezes(weather, database, proof):
    def freeze():
        database.freeze()
        time.sleep(30 if proof else 3)
        database.thaw()

    running = weather()
    try:
        running.run(freeze)
    finally:
        database.thaw()
    # Which of both is chance: few are on their way at the moment of a COMMIT.
    assert told(running.storm, "not written", "unknown") > 0


def test_answers_to_a_commit_are_lost(weather, database, proof, seed):
    """Somebody between us and the server ends connections with a COMMIT on them: some before the
    server hears of it, some before we hear its answer. Who has a key finds out what came of it."""
    with CommitBreaker(("127.0.0.1", database.port), random.Random(seed)) as breaker:
        running = weather(port=breaker.port)

        def break_some():
            breaker.chance = 0.1
            time.sleep(60 if proof else 2)
            breaker.chance = 0

        running.run(break_some)
    print(f"{breaker.heard} commits were heard, {breaker.unheard} were not")
    assert breaker.heard > 0 and breaker.unheard > 0
    assert running.storm.settled > 0


def test_fewer_connections_than_wanted(weather, database, proof):
    """The server takes ten, the least that can be set; both processes want 6 for each of 4
    loops."""
    running = weather(LIMITS.replace("loops: 2", "loops: 4"), read_s=10, write_s=20)
    database.sql("SET GLOBAL max_connections=10")
    try:
        running.run(lambda: time.sleep(60 if proof else 2))
    finally:
        for server in running.servers:
            server.kill()
        database.sql("SET GLOBAL max_connections=151")
    assert told(running.storm, "not written", "unknown") == 0


def test_opposite_orders_of_locks(weather, database, proof):
    """Deadlocks are the server's business and ours, not the clients'."""
    running = weather(read_s=10, write_s=20)
    storm = running.storm
    storm.clients = lambda count: [storm.crosser(1 if number // 2 % 2 else -1)
                                   for number in range(count)]
    running.run(lambda: time.sleep(120 if proof else 2))
    assert running.retries > 0
    assert told(storm, "not written", "unknown") == 0
