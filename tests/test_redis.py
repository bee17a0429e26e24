"""Redis as the second level of the cache: whatever happens to it, answers are right, and soon there."""
import random
import re
import shutil
import time

import pytest
from support import kv, swarm
from support.client import Connection
from support.linearize import check
from support.redis import Redis
from support.server import run_program
from support.workload import Budget

ROWS = 300
SERVICE = """
service: second
cache: {place}
cache_secret: 0123456789abcdef0123456789abcdef
listen: 127.0.0.1:8888
limits: {{ loops: 1, cache_bytes: 65536 }}
resources:
  rows:
    key: id
    fields:
      id:   integer
      text: text
"""
# A lookup may take 20 ms; the rest is for a machine that is busy with other things.
SOON_S = 0.5


@pytest.fixture(autouse=True)
def _built_in(tmp_path):
    file = tmp_path / "any.yaml"
    file.write_text(SERVICE.format(place="redis://127.0.0.1:1"), encoding="utf-8")
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server")
    tried = run_program("serve", file, "--store", "memory:", "--listen", "nowhere")
    if "built without Redis" in tried.stderr:
        pytest.skip("the program was built without Redis")


@pytest.fixture
def redis(tmp_path):
    made = Redis(tmp_path).start()
    yield made
    made.stop()


class Bench:
    def __init__(self, start, folder, place):
        file = folder / "second.yaml"
        file.write_text(SERVICE.format(place=place), encoding="utf-8")
        self.server = start(file)
        self.connection = Connection(self.server.address)
        answer = self.connection.request(
            "POST", "/rows", [{"id": n, "text": f"text {n} " + "x" * 500} for n in range(ROWS)])
        assert answer.status == 201

    def get(self, number):
        """Seconds that it took. The answer must be right."""
        begin = time.monotonic()
        answer = self.connection.request("GET", f"/rows/{number}")
        assert answer.status == 200
        assert answer.json()["id"] == number
        assert answer.json()["text"].startswith(f"text {number} ")
        return time.monotonic() - begin

    def sweep(self):
        """All rows, more than memory keeps; the longest time that one took."""
        return max(self.get(number) for number in range(ROWS))

    def metrics(self):
        text = self.connection.request("GET", "/metrics").body.decode()
        return {name: int(value) for name, value in
                re.findall(r"^rowlock_redis_(\w+) (\d+)$", text, re.M)}

    def until_hits(self, limit_s=20):
        """Reads until Redis answers again."""
        before = self.metrics()["hits_total"]
        deadline = time.monotonic() + limit_s
        while self.metrics()["hits_total"] == before:
            assert time.monotonic() < deadline, self.metrics()
            self.sweep()
            time.sleep(0.05)

    def until_broken(self):
        deadline = time.monotonic() + 20
        while self.metrics()["breakers_open"] == 0:
            assert time.monotonic() < deadline, self.metrics()
            self.sweep()

    def end(self):
        self.connection.close()
        begin = time.monotonic()
        assert self.server.stop() == 0, self.server.log()
        assert time.monotonic() - begin < 9


@pytest.fixture
def bench(start, tmp_path, redis):
    made = Bench(start, tmp_path, redis.place)
    yield made
    made.end()


def test_what_memory_has_no_room_for(bench, redis):
    bench.until_hits()
    bench.sweep()
    metrics = bench.metrics()
    assert metrics["hits_total"] > ROWS / 2
    assert metrics["strangers_total"] == metrics["breakers_open"] == 0
    names = redis.names()
    assert len(names) >= ROWS * 0.9
    for name in names[:10]:
        assert 0 < redis.command("TTL", name) <= 3600


def test_writes_are_seen(bench):
    bench.until_hits()
    for number in range(0, ROWS, 7):
        text = f"text {number} new"
        answer = bench.connection.request("PATCH", f"/rows?id=eq.{number}", {"text": text})
        assert answer.status == 204
        assert bench.connection.request("GET", f"/rows/{number}").json()["text"] == text


def test_fields_and_missing_rows_come_back_whole(bench):
    bench.until_hits()
    targets = ("/rows/7", "/rows?id=lt.3&order=id", "/rows/9999")
    first = {target: bench.connection.request("GET", target) for target in targets}
    for number in range(4):
        bench.sweep()
        before = bench.metrics()["hits_total"]
        for target in targets:
            answer = bench.connection.request("GET", target)
            assert answer.status == first[target].status
            assert answer.body == first[target].body
            for name in set(answer.headers) - {"date", "x-request-id"}:
                assert answer.headers[name] == first[target].headers[name], name
        assert bench.metrics()["hits_total"] == before + len(targets), number


def test_without_redis_from_the_start(start, tmp_path):
    redis = Redis(tmp_path)
    bench = Bench(start, tmp_path, redis.place)
    try:
        bench.until_broken()
        assert bench.sweep() < SOON_S
        errors = bench.metrics()["errors_total"]
        bench.sweep()
        assert bench.metrics()["errors_total"] <= errors + 2
        redis.start()
        bench.until_hits(40)
        assert bench.metrics()["breakers_open"] == 0
    finally:
        redis.stop()
    bench.end()


def test_redis_stops_and_comes_back(bench, redis):
    bench.until_hits()
    redis.stop()
    bench.until_broken()
    assert bench.sweep() < SOON_S
    redis.start()
    bench.until_hits(40)
    assert bench.metrics()["breakers_open"] == 0


def test_redis_is_frozen(bench, redis):
    """A few lookups take 20 ms each; then nobody asks any more."""
    bench.until_hits()
    redis.freeze()
    begin = time.monotonic()
    assert bench.sweep() < SOON_S
    assert time.monotonic() - begin < 5
    assert bench.metrics()["breakers_open"] == 1
    errors = bench.metrics()["errors_total"]
    assert errors >= 5
    bench.sweep()
    # One lookup is tried after each pause.
    assert bench.metrics()["errors_total"] <= errors + 2
    redis.thaw()
    bench.until_hits(40)
    assert bench.metrics()["breakers_open"] == 0


def test_it_ends_while_redis_is_frozen(start, tmp_path, redis):
    bench = Bench(start, tmp_path, redis.place)
    bench.until_hits()
    redis.freeze()
    bench.get(1)
    bench.end()


def test_redis_is_emptied(bench, redis):
    bench.until_hits()
    redis.command("FLUSHALL")
    bench.sweep()
    bench.until_hits()


def test_garbage(bench, redis):
    bench.until_hits()
    names = redis.names()
    values = {name: redis.command("GET", name) for name in names}
    rng = random.Random(1)
    for number, name in enumerate(names):
        value = values[name]
        redis.command("DEL", name)
        damaged = bytearray(value)
        damaged[rng.randrange(len(value))] ^= 1 << rng.randrange(8)
        kinds = [b"garbage", value[:rng.randrange(1, len(value))], bytes(damaged),
                 values[names[number - 1]], value + b"x", b"\0" * len(value), rng.randbytes(2000),
                 b"x" * 4_000_000]
        if number % 9 == 8:
            redis.command("RPUSH", name, "a list")
        else:
            redis.command("SET", name, kinds[number % 9])
    before = bench.metrics()
    bench.sweep()
    after = bench.metrics()
    assert after["strangers_total"] - before["strangers_total"] > ROWS / 2
    assert after["errors_total"] > before["errors_total"]
    bench.until_hits()


LOGINS = [  # what Redis asks for, and what the service file says
    (["--requirepass", "p@ss/word"], ":p%40ss%2Fword@"),
    (["--requirepass", "secret"], "default:secret@"),
    (["--user", "cache", "on", ">secret", "~*", "+@all"], "cache:secret@"),
    ([], "default:anything@"),
]


@pytest.mark.parametrize("settings, login", LOGINS)
def test_a_password(start, tmp_path, settings, login):
    redis = Redis(tmp_path, settings).start()
    try:
        bench = Bench(start, tmp_path, redis.place.replace("//", f"//{login}"))
        bench.until_hits()
        bench.end()
    finally:
        redis.stop()


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:secret@"])
def test_a_password_that_is_wrong(start, tmp_path, login):
    redis = Redis(tmp_path, ["--requirepass", "secret"]).start()
    try:
        bench = Bench(start, tmp_path, redis.place.replace("//", f"//{login}"))
        for _ in range(3):
            assert bench.sweep() < SOON_S
        metrics = bench.metrics()
        assert metrics["hits_total"] == 0
        assert metrics["errors_total"] > 0
        assert login == "" or metrics["breakers_open"] == 1
        bench.end()
        assert "secret" not in bench.server.log()
    finally:
        redis.stop()


def test_a_name_that_is_no_host(start, tmp_path):
    bench = Bench(start, tmp_path, "redis://nowhere.invalid:6379")
    for _ in range(3):
        assert bench.sweep() < SOON_S
    assert bench.metrics()["hits_total"] == 0
    bench.end()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_names_are_looked_up(start, tmp_path, redis, name):
    bench = Bench(start, tmp_path, f"redis://{name}:{redis.port}")
    bench.until_hits()
    bench.end()


def test_single_rows_are_linearizable(start, tmp_path, redis, proof, seed):
    """With so little memory that many answers come from Redis, which is frozen now and then."""
    file = kv.write_service(tmp_path)
    file.write_text(kv.SERVICE + f"cache: {redis.place}\nlimits: {{ cache_bytes: 65536 }}\n",
                    encoding="utf-8")
    server = start(file)
    rng = random.Random(seed)

    def disturb():
        for _ in range(6):
            yield swarm.Pause(0.3)
            redis.freeze()
            yield swarm.Pause(0.05)
            redis.thaw()

    # On a machine that is busy Redis may take too long for a while, and is not asked.
    for number in range(10):
        recorder = kv.Recorder(range(400 * number, 400 * (number + 1)))
        budget = Budget(100_000 if proof else 8_000)
        clients = [recorder.client(random.Random(rng.randrange(2 ** 62)), budget)
                   for _ in range(24)]
        swarm.run(server.address, clients + ([disturb()] if number == 0 else []))
        check(recorder.histories)
        if hits_of(server) > 100:
            break
    assert hits_of(server) > 0
    assert server.stop() == 0, server.log()


def hits_of(server):
    with Connection(server.address) as connection:
        text = connection.request("GET", "/metrics").body.decode()
    return int(re.search(r"^rowlock_redis_hits_total (\d+)$", text, re.M)[1])
