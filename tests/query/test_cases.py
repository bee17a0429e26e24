"""The table of requests and answers of the query API, on every store.

Cases are rows in cases/*.py, against the service of fixture.yaml with the rows of rows.json. Each
runs on rows as they were seeded: a case that changes nothing, or only loose resources, on a server
that is shared and put back afterwards; every other one on a server of its own. On MariaDB all of
them share one: its tables are put back behind its back. A file may set LIMITS: the `limits` of the
service for its cases.
"""
import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from support import mariadb
from support.cases import case, compact, encode, run, send
from support.client import Connection
from support.server import Server

HERE = Path(__file__).resolve().parent
STORES = ["sqlite", "json", "memory", *(["mariadb"] if mariadb.is_installed() else [])]
# Nothing refers to these and they make no keys, so their rows can be put back.
LOOSE = {"simple", "items", "pairs", "goods", "logs", "blank", "big", "texts", "documents",
         "settings", "events"}
# Of films.
TALLY = ["films_per_genre", "films_per_genre.head"]
# What MariaDB does not do as the others: a cast of what is then aggregated, and answers 304, for
# which a store has to keep versions.
NOT_ON_MARIADB = {
    "aggregates: a cast before an aggregate", "aggregates: a JSON path summed",
    "dates: two zones, two tags", "items: not modified", "items: a list, not modified",
    "items: one of several tags", "items: a weak tag is enough to read",
    "items: HEAD, not modified", "items: modified by an embedded row",
    "items: a tally has a tag too", "items: modified",
}


def read_rows():
    """{resource: rows as objects}, in an order in which references hold."""
    tables = json.loads((HERE / "rows.json").read_text(encoding="utf-8"))
    return {name: [dict(zip(table[0], row)) for row in table[1:]]
            for name, table in tables.items()}


def read_cases():
    """(id, case) of every row of every file."""
    for path in sorted((HERE / "cases").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"query_cases_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for row in module.CASES:
            row.limits = getattr(module, "LIMITS", row.limits)
            yield f"{path.stem}: {row.name}", row


CASES = dict(read_cases())


class Bench:
    """The servers of one store: one that is only read, and new ones for what is changed."""

    def __init__(self, store, folder, limits="rollback: on", server=None):
        self.store = store
        self.server = server  # of the database
        self.folder = folder
        self.service = folder / "service.yaml"
        text = (HERE / "fixture.yaml").read_text(encoding="utf-8")
        self.service.write_text(text.replace("{ rollback: on }", f"{{ {limits} }}"),
                                encoding="utf-8")
        self.rows = read_rows()
        self.rows["blank"] = []
        self.seeded = None  # a database file, or a folder of files, with all rows
        self.started = []
        self.shared = self.connection = self.state = self.failure = None

    def start(self):
        """A server with the seeded rows, and a connection to it."""
        server = Server(self.service, folder=self.folder)
        if self.store != "sqlite":
            server.store = {"memory": "memory:", "json": f"json:{server.database}"}.get(self.store)
        if self.store == "mariadb":
            self.database = f"{self.folder.name}_{len(self.started)}"
            server.store = self.server.create(self.database)
        if self.seeded is not None:
            copy = shutil.copytree if self.seeded.is_dir() else shutil.copy
            copy(self.seeded, server.database)
        server.start()
        self.started.append(server)
        connection = Connection(server.address)
        if self.seeded is None:
            self.seed(connection)
        return server, connection

    def seed(self, connection):
        for name in self.rows:
            self.add(connection, name)

    def add(self, connection, name):
        answer = connection.request("POST", encode("/" + name), compact(self.rows[name]))
        assert answer.status == 201, (name, answer)

    def opened(self):
        """Itself; what made it fail to open fails every case of it, at once."""
        if self.failure is not None:
            pytest.fail(f"no server: {self.failure}", pytrace=False)
        if self.shared is None:
            try:
                self.open()
            except Exception as failure:
                self.failure = failure
                raise
        return self

    def open(self):
        if self.store in ("sqlite", "json"):
            server, connection = self.start()
            connection.close()
            assert server.stop() == 0, server.log()
            self.seeded = server.database
        self.open_shared()

    def open_shared(self):
        self.shared, self.connection = self.start()
        self.state = {name: self.state_of(name) for name in self.rows}
        if self.store == "mariadb":
            self.copy_tables()

    def copy_tables(self):
        """All rows, in a database beside it."""
        self.server.create(self.database + "_seed")
        self.columns = {name: [] for name in self.rows}
        for table, column in self.server.sql(
                "SELECT table_name, column_name FROM information_schema.columns WHERE "
                f"table_schema='{self.database}' AND generation_expression IS NULL"):
            self.columns.setdefault(table, []).append(f"`{column}`")
        self.server.sql("".join(
            f"CREATE TABLE {self.database}_seed.`{name}` SELECT {','.join(self.columns[name])} "
            f"FROM `{name}`;" for name in self.rows), self.database)

    def restore_tables(self, names):
        names = [name for name in names if name in self.rows]
        emptied = [*names, *(TALLY if "films" in names else []), "_rl_idem"]
        self.server.sql("SET foreign_key_checks=0;" +
                        "".join(f"TRUNCATE `{name}`;" for name in emptied) +
                        "".join(f"INSERT INTO `{name}` ({','.join(self.columns[name])}) "
                                f"SELECT * FROM {self.database}_seed.`{name}`;"
                                for name in names), self.database)

    def state_of(self, name):
        return self.connection.request("GET", encode("/" + name)).body

    def run(self, row):
        if not row.changed <= LOOSE and self.store != "mariadb":
            server, connection = self.start()
            with connection:
                run(connection, row)
            server.kill()
            return
        try:
            run(self.connection, row)
            self.put_back(row.changed)
            unchanged = self.is_as_seeded({row.resource, *row.changed})
        except BaseException:
            # It may be anything now.
            self.open_again()
            raise
        if not unchanged:
            self.open_again()
        assert unchanged, "it changed rows"

    def put_back(self, names):
        if self.store == "mariadb":
            if names:
                self.restore_tables(names)
            return
        for name in names:
            assert self.connection.request("DELETE", encode("/" + name)).status == 204
            self.add(self.connection, name)

    def is_as_seeded(self, names):
        return all(self.state_of(name) == self.state[name] for name in names if name in self.state)

    def open_again(self):
        self.connection.close()
        self.shared.kill()
        self.open_shared()

    def close(self):
        """The shared server must still end well."""
        if self.failure is None:
            self.connection.close()
            self.shared.stop()
        for server in self.started:
            server.kill()
        if self.failure is None:
            assert self.shared.exit_code == 0, self.shared.log()


@pytest.fixture(scope="module")
def benches(request, tmp_path_factory):
    if request.config.getoption("--url"):
        pytest.skip("needs processes of its own, and --url names a deployment")
    opened = {}
    servers = []

    def database():
        if not servers:
            servers.append(mariadb.MariaDB(tmp_path_factory.mktemp("server")).start())
        return servers[0]

    def bench(store, limits="rollback: on"):
        if (store, limits) not in opened:
            server = database() if store == "mariadb" else None
            opened[store, limits] = Bench(store, tmp_path_factory.mktemp(store), limits, server)
        return opened[store, limits].opened()

    yield bench
    for each in opened.values():
        each.close()
    for each in servers:
        each.close()


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", CASES)
def test_case(benches, name, store):
    row = CASES[name]
    if row.store not in (None, store):
        pytest.skip(f"a case of {row.store}")
    if store == "mariadb" and name in NOT_ON_MARIADB:
        pytest.skip("another answer on MariaDB")
    benches(store, row.limits).run(row)


@pytest.mark.parametrize("store", STORES)
def test_the_seed_is_there(benches, store):
    bench = benches(store)
    for name, rows in bench.rows.items():
        row = case("count", f"HEAD /{name}", 200, prefer="count=exact")
        answer = send(bench.connection, row)
        assert answer.headers["content-range"].endswith(f"/{len(rows)}"), (name, answer)


def test_names_are_unique():
    assert len(CASES) == len(list(read_cases()))
