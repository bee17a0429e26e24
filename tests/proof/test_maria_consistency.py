"""Two processes on one MariaDB database: counts equal the ratings in every snapshot, no request
fails because of another, and no update is lost."""
import random
import time

import pytest
from support import mariadb, swarm
from support.linearize import check
from support.ratings import SnapshotReader, check_api
from support.workload import Budget, Churn, Gainers

pytestmark = pytest.mark.skipif(not mariadb.is_installed(), reason="mariadbd is not installed")

CLIENTS = 64
USERS = range(100, 106)
ITEMS = range(1, 9)
GAINERS = range(1, 5)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture
def pair(database, start):
    """Two processes of the ratings service on one empty database."""
    url = database.create("ratings")
    servers = [start(store=url) for _ in range(2)]
    yield servers
    for server in servers:
        assert server.stop() == 0, server.log()


def test_counts_equal_ratings_under_load(pair, database, proof, seed):
    root = random.Random(seed)
    streams = (random.Random(root.randrange(2 ** 62)) for _ in range(CLIENTS))
    operations = 20_000 if proof else 3_000
    gainers, churn = Gainers(GAINERS), Churn(USERS, ITEMS)
    gains, changes = Budget(operations // 4), Budget(operations - operations // 4)
    # Clients go to the processes in turn, so each kind is on both.
    clients = [churn.writer(next(streams), changes, time.monotonic) for _ in range(CLIENTS // 2)]
    clients += [gainers.writer(next(streams), gains) for _ in range(4)]
    clients += [gainers.reader(next(streams)) for _ in range(CLIENTS - len(clients))]
    snapshots = SnapshotReader(database, "ratings")
    with snapshots:
        swarm.run_many([server.address for server in pair], clients)

    # Every other answer would have been an error in the writer itself.
    assert churn.lost == [], "a connection was lost"
    assert churn.acknowledged == operations - operations // 4
    assert sum(map(len, gainers.written.values())) == operations // 4
    print(f"{gainers.reads} reads, {gainers.comparisons} with equal counts on both sides, "
          f"{snapshots.snapshots} snapshots, {len(snapshots.moments)} different")
    assert gainers.comparisons > 20
    assert snapshots.wrong == []
    assert len(snapshots.moments) > 10
    began = time.monotonic()
    ratings = check_api(pair[0].address, [*GAINERS, *USERS])
    assert check_api(pair[1].address, [*GAINERS, *USERS]) == ratings
    churn.observe(ratings, began, time.monotonic())
    gainers.check(ratings)
    check(churn.histories)
    assert snapshots.check() == ratings
