"""The servers of the articles' scenarios: the server under test on SQLite and on MariaDB, its peer
and a plain loop."""
import json
import os
import shutil
import subprocess
import time

import articles
import load
import process
from http_client import Client
from maria import USER, need
from process import BenchError
from rows_systems import beside
from systems import HERE, Rowlock, System

CONNECTIONS = 8  # database_connections of a loop, unless a service file says otherwise
FILL_SECONDS = 600
BATCH = 50000
# What a point read without a cache asks MariaDB; as its general log shows it.
STATEMENT = "SELECT `title`,`uri`,`date` FROM `articles` WHERE `id`=?"


def post(port, path, body):
    """A POST of JSON that is bytes; the text of the answer."""
    with Client(port, timeout=FILL_SECONDS) as client:
        client.send(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % (path.encode(), len(body)))
        client.send(body)
        status, _, text = client.receive()
        if status not in (200, 201):
            raise BenchError(f"POST {path} answered {status}: {text[:300]!r}")
        return text


def post_items(port, body):
    if json.loads(post(port, "/v1/bulk", body)) != {"ok": True}:
        raise BenchError("POST /v1/bulk did not answer ok")


class Articles(System):
    """A server of the articles service."""

    keeps = True  # answers
    fills = True  # its tables at the start

    def __init__(self, work, core, kept):
        super().__init__(work, core)
        self.kept = kept

    def target(self, scenario):
        if scenario in ("article", "maria_point"):
            return load.Target("get", "/v1/%d", articles.NUMBERS)
        if scenario == "search":
            return load.Target("paths", file=self.kept.searches())
        return super().target(scenario)

    def fill(self, say):
        say(f"{self.name}: {articles.ITEMS} items")
        with open(self.kept.body(), "rb") as file:
            post_items(self.port, file.read())

    def prime(self, scenario):
        """Each request of the scenario once, so that its answer is kept."""
        if scenario == "search":
            with open(self.kept.searches(), encoding="utf-8") as file:
                paths = file.read().split()
        else:
            paths = [f"/v1/{number}" for number in range(1, articles.NUMBERS + 1)]
        with Client(self.port) as client:
            for path in paths if self.keeps else paths[:100]:
                status, _, _ = client.request("GET", path)
                if status != 200:
                    raise BenchError(f"{self.name}: {path} answered {status}")

    def start_empty(self):
        """With tables without rows."""
        raise NotImplementedError

    def count(self):
        """The rows of the table."""
        raise NotImplementedError


class RowlockArticles(Articles, Rowlock):
    """The server under test on SQLite, its answers kept in memory."""

    file = "articles.yaml"
    scenarios = ("constant", "article")

    def __init__(self, work, core, binary, kept):
        Rowlock.__init__(self, work, core, binary)
        self.kept = kept

    def start_filled(self, say):
        self.start()
        if self.fills:
            self.fill(say)

    def start_empty(self):
        self.stop()
        for name in os.listdir(self.work):
            if name.startswith(os.path.basename(self.store)):
                os.unlink(os.path.join(self.work, name))
        self.start()

    def count(self):
        with Client(self.port) as client:
            return client.value("GET", "/articles?select=count()")[0]["count"]

    def fill(self, say):
        """With ids: those that MariaDB makes for many rows have gaps."""
        say(f"{self.name}: {articles.ITEMS} items")
        with open(self.kept.rows(), "rb") as file:
            post(self.port, "/articles", file.read())

    def cache_counts(self):
        """(reads answered from memory, those answered from Redis, other reads) since its start."""
        with Client(self.port) as client:
            text = client.request("GET", "/metrics")[2].decode()
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")

        def value(name):
            return int(float(values.get(name, 0)))
        redis = value("rowlock_redis_hits_total")
        return (value("rowlock_cache_hits_total"), redis,
                value("rowlock_cache_misses_total") - redis)


class RowlockMaria(RowlockArticles):
    """The same on MariaDB. Those that do not write share a database."""

    name = "maria"
    title = "Rowlock on MariaDB"
    scenarios = ("search",)
    environment = {"CACHE": "memory"}

    def __init__(self, work, core, binary, kept, database):
        super().__init__(work, core, binary, kept)
        self.maria = database
        self.schema = "rowlock"
        self.shares = (database,)

    def store_url(self):
        return self.maria.url("mysql", self.schema)

    def start_filled(self, say):
        self.maria.run(f"CREATE DATABASE IF NOT EXISTS {self.schema}")
        self.start()
        if self.fills and self.count() == 0:
            self.fill(say)

    def start_empty(self):
        self.stop()
        self.schema = "bulk"
        self.maria.run(f"CREATE OR REPLACE DATABASE {self.schema}")
        self.start()


class RowlockMariaOff(RowlockMaria):
    name = "maria_off"
    title = "Rowlock on MariaDB, no cache"
    scenarios = ("search", "maria_point")
    environment = {"CACHE": "off"}
    keeps = False


class RowlockMariaRedis(RowlockMaria):
    """Its memory has no room for answers worth mentioning: they come from Redis."""

    name = "maria_redis"
    title = "Rowlock on MariaDB, answers in Redis"

    def __init__(self, work, core, binary, kept, database, redis):
        super().__init__(work, core, binary, kept, database)
        self.shares = (database, redis)
        self.environment = {"CACHE": f"redis://127.0.0.1:{redis.port}", "CACHE_BYTES": "131072"}


class RowlockMany(RowlockArticles):
    """On SQLite with many rows and no cache."""

    scenarios = ("substring_1", "substring_4")
    environment = {"CACHE": "off"}
    keeps = False

    def start_filled(self, say):
        with open(self.service, "rb") as file:
            database = self.kept.path("articles.db", lambda path: self._make(path, say),
                                      file.read())
        shutil.copyfile(database, self.store)
        self.start()

    def _make(self, path, say):
        """The rows go through the API: only the server can make the index of substrings."""
        kept, self.store = self.store, path
        self.start()
        for number, body in enumerate(self.kept.bodies(BATCH), 1):
            post_items(self.port, body)
            say(f"{number * BATCH} of {articles.MANY} rows")
        self._rest()
        self.stop()
        self.store = kept

    def _rest(self):
        """While nobody writes, the server makes one of the parts of the index."""
        before, used = self.cpu_seconds(self.pids()), 1
        while used > 0.05:
            time.sleep(1)
            now = self.cpu_seconds(self.pids())
            before, used = now, now - before

    def target(self, scenario):
        return load.Target("paths", file=self.kept.needle_paths(),
                           connections=int(scenario.rpartition("_")[2]))


class Gunicorn(Articles):
    """The service in Flask, SQLAlchemy and Redis under gunicorn, with a MariaDB and a Redis."""

    name = "gunicorn"
    title = "Flask + SQLAlchemy + Redis"
    scenarios = ("constant", "article", "search")

    def __init__(self, work, core, kept, database, redis):
        super().__init__(work, core, kept)
        self.maria = database
        self.redis = redis
        self.shares = (database, redis)

    def start_filled(self, say):
        need("gunicorn")
        self.maria.run("CREATE DATABASE peer CHARACTER SET utf8mb4")
        folder = os.path.join(HERE, "articles")
        environment = {**os.environ, "BENCH_REDIS": str(self.redis.port),
                       "BENCH_DATABASE": self.maria.url("mysql+pymysql", "peer")
                       + "?charset=utf8mb4", "PYTHONDONTWRITEBYTECODE": "1"}
        made = subprocess.run(["/usr/bin/python3", "-c", "import app;"
                               "app.Base.metadata.create_all(app.engine)"], cwd=folder,
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)
        if made.returncode != 0:
            raise BenchError("the peer's tables (packages python3-flask python3-sqlalchemy "
                             f"python3-redis python3-pymysql):\n{made.stderr[-800:]}")
        # The default worker would hang up after each answer; one thread answers more than four.
        self.spawn(["gunicorn", "--workers", "4", "--worker-class", "gthread", "--threads", "1",
                    "--keep-alive", "600", "--timeout", str(FILL_SECONDS), "--backlog", "1024",
                    "--bind", f"127.0.0.1:{self.port}", "--chdir", folder, "--log-level",
                    "warning", "app:app"], env=environment)
        self.wait_answer()
        if self.fills:
            self.fill(say)

    def start_empty(self):
        self.maria.run("TRUNCATE peer.articles")

    def count(self):
        return self.maria.run("SELECT count(*) FROM peer.articles")[0][0]

    def version(self):
        python = process.output([
            "/usr/bin/python3", "-c",
            "import flask, sqlalchemy, redis, pymysql, gunicorn, platform;"
            "print('Flask', flask.__version__, 'SQLAlchemy', sqlalchemy.__version__, 'redis-py', "
            "redis.__version__, 'PyMySQL', pymysql.__version__, 'gunicorn', gunicorn.__version__,"
            " 'Python', platform.python_version())"])
        return f"{python}, {self.maria.version()}, {self.redis.version()}"


class MariaLoop(System):
    """bench/maria_loop on the tables of the server under test. It is its own load."""

    name = "maria_loop"
    title = "a plain C loop on MariaDB"
    scenarios = ("maria_point",)

    def __init__(self, work, core, binary, database):
        super().__init__(work, core)
        self.binary = beside(binary, "maria_loop")
        self.maria = database
        self.shares = (database,)

    def start_filled(self, _say):
        self.load(None, None, 1, 1)

    def load(self, _cores, _target, seconds, seed):
        report, cpu = load.reported(process.pinned(self.core, [
            self.binary, str(self.maria.port), USER, USER, "rowlock", str(CONNECTIONS),
            str(seconds), str(articles.NUMBERS), str(seed), STATEMENT]), seconds + 30, os.environ)
        return report, 0, cpu

    def version(self):
        return f"libmariadb, {CONNECTIONS} connections"
