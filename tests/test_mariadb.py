"""The program on a MariaDB server that stops, freezes, refuses connections and comes back."""
import shutil
import subprocess
import threading
import time

import pytest

from support import mariadb, server
from support.client import metric, request

pytestmark = pytest.mark.skipif(not mariadb.is_installed(), reason="mariadbd is not installed")

SERVICE = """
service: shop
listen: 127.0.0.1:0
store: "memory:"
limits: { loops: 2, read_ms: 1500, database_connections: 4 }
resources:
  items:
    key: id
    fields:
      id: { type: integer, default: auto }
      name: { type: text, required: true }
    unique:
      one name: { fields: name }
"""
HEALS_S = 5


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture
def shop(database, start, tmp_path):
    """(server, database) with three items."""
    file = tmp_path / "shop.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    running = start(file, store=database.create("shop"))
    database.sql("INSERT INTO items(name) VALUES ('a'),('b'),('c')", "shop")
    yield running, database
    assert running.stop() == 0, running.log()
    assert mariadb.PASSWORD_ENCODED not in running.log() and mariadb.PASSWORD not in running.log()


def names(running):
    answer = request(running.address, "GET", "/items?select=name&order=id")
    return answer.status, answer.body


ALL = (200, b'[{"name":"a"},{"name":"b"},{"name":"c"}]')


def wait_healed(running):
    """Until the rows are read again; what comes before is said honestly, and at once."""
    deadline = time.monotonic() + HEALS_S
    while time.monotonic() < deadline:
        began = time.monotonic()
        status, body = names(running)
        if status == 200:
            return
        assert status in (503, 504), body
        assert time.monotonic() - began < 4, "it took too long to say so"
        time.sleep(0.05)
    raise AssertionError(f"not healed after {HEALS_S} s\n{running.log()}")


def test_reads(shop):
    running, _ = shop
    assert names(running) == ALL
    answer = request(running.address, "GET", "/items?limit=1&select=id",
                     headers=[("Prefer", "count=exact")])
    assert answer.status == 206
    assert answer.headers["content-range"] == "0-0/3"
    assert 1 <= metric(running, "rowlock_database_connections") <= 2 * 4
    assert metric(running, "rowlock_database_queue") == 0
    assert metric(running, "rowlock_database_retries_total") == 0


def test_the_server_restarts(shop):
    running, database = shop
    assert names(running) == ALL
    database.stop()
    for _ in range(5):
        status, body = names(running)
        assert status == 503 and b'"08006"' in body, body
    answer = request(running.address, "GET", "/items")
    assert answer.headers["retry-after"]
    database.start()
    wait_healed(running)
    assert names(running) == ALL


def test_idle_connections_that_died_are_not_noticed_by_anybody(shop):
    running, database = shop
    for _ in range(3):
        assert names(running) == ALL
        database.restart()
        time.sleep(0.1)
        wait_healed(running)
        for (number,) in database.sql("SELECT id FROM information_schema.processlist "
                                      "WHERE db='shop'"):
            database.run(f"KILL {number}")
        assert names(running) == ALL


def test_a_frozen_server_holds_up_no_loop(shop):
    running, database = shop
    assert names(running) == ALL
    database.freeze()
    try:
        answers = []
        waiting = [threading.Thread(target=lambda: answers.append(names(running)))
                   for _ in range(20)]
        for thread in waiting:
            thread.start()
        slowest = 0
        until = time.monotonic() + 2
        while time.monotonic() < until:
            began = time.monotonic()
            assert request(running.address, "GET", "/live").status == 200
            slowest = max(slowest, time.monotonic() - began)
        for thread in waiting:
            thread.join()
        assert slowest < 0.5
        assert {status for status, _ in answers} <= {503, 504}, answers
    finally:
        database.thaw()
    wait_healed(running)


def test_more_loops_than_the_server_takes_connections(database, start, tmp_path):
    """Requests wait for a connection that exists."""
    url = database.create("shop")
    database.sql("SET GLOBAL max_connections=10")
    try:
        file = tmp_path / "shop.yaml"
        file.write_text(SERVICE.replace("database_connections: 4", "database_connections: 50"),
                        encoding="utf-8")
        running = start(file, store=url)
        database.sql("INSERT INTO items(name) VALUES ('a'),('b'),('c')", "shop")
        answers = []

        def read():
            for _ in range(20):
                answers.append(names(running))

        threads = [threading.Thread(target=read) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) == {ALL}
        assert running.stop() == 0
    finally:
        database.sql("SET GLOBAL max_connections=151")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with ca.pem, and cert.pem and key.pem for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def run(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    def make(name, subject):
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}key.pem", "-subj", subject,
            "-out", f"{name}.csr")

    make("ca", "/CN=authority")
    run("x509", "-req", "-in", "ca.csr", "-signkey", "cakey.pem", "-days", "2", "-out", "ca.pem")
    make("", "/CN=127.0.0.1")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1", encoding="ascii")
    run("x509", "-req", "-in", ".csr", "-CA", "ca.pem", "-CAkey", "cakey.pem", "-days", "2",
        "-CAcreateserial", "-extfile", "names", "-out", "cert.pem")
    return folder


def test_tls(authority, start, tmp_path):
    rows = 20000
    with mariadb.MariaDB(tmp_path, [f"--ssl-ca={authority}/ca.pem",
                                    f"--ssl-cert={authority}/cert.pem",
                                    f"--ssl-key={authority}/key.pem"]) as database:
        url = database.create("shop")
        file = tmp_path / "shop.yaml"
        file.write_text(SERVICE, encoding="utf-8")
        for options in ["?tls=on", f"?tls=verify&ca={authority}/ca.pem"]:
            running = start(file, store=url + options)
            database.sql("TRUNCATE items; INSERT INTO items(name) "
                         f"SELECT CONCAT('{'x' * 100}',seq) FROM seq_1_to_{rows}", "shop")
            assert len(request(running.address, "GET", "/items").json()) == rows
            accepted = database.sql("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'")
            assert int(accepted[0][1]) > 0
            database.freeze()
            try:
                assert names(running)[0] == 504
            finally:
                database.thaw()
            wait_healed(running)
            assert running.stop() == 0
        # Nobody knows this authority.
        ran = server.run_program("serve", file, "--store", url + "?tls=verify",
                                 "--listen", "127.0.0.1:0")
        assert ran.returncode != 0
        assert "refuses us" in ran.stdout + ran.stderr


def test_it_does_not_start_without_its_server(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    url = f"mysql://{mariadb.USER}:{mariadb.PASSWORD_ENCODED}@127.0.0.1:{server.free_port()}/shop"
    ran = server.run_program("serve", file, "--store", url, "--listen", "127.0.0.1:0")
    assert ran.returncode != 0
    assert "cannot be reached" in ran.stdout + ran.stderr
    assert mariadb.PASSWORD not in ran.stdout + ran.stderr
    assert mariadb.PASSWORD_ENCODED not in ran.stdout + ran.stderr


@pytest.mark.parametrize("change, problem", [
    ("ALTER TABLE items DROP COLUMN name", "table items has no column name"),
    ("ALTER TABLE items MODIFY name VARCHAR(3) NOT NULL", "column name of table items is"),
    ("ALTER TABLE items DROP INDEX `items.one name`", "no unique index over (name)"),
    ("DROP TABLE items", "there is no table items"),
])
def test_other_tables_are_refused(database, start, tmp_path, change, problem):
    file = tmp_path / "shop.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    url = database.create("shop")
    start(file, store=url).stop()
    database.sql("ALTER TABLE items ADD COLUMN more TEXT, ADD INDEX extra(id)", "shop")
    start(file, store=url).stop()
    database.sql(change, "shop")
    ran = server.run_program("serve", file, "--store", url, "--listen", "127.0.0.1:0")
    assert ran.returncode != 0
    assert problem in ran.stdout + ran.stderr
    assert "rowlock migrate" in ran.stdout + ran.stderr


def test_two_that_start_at_once_on_an_empty_database(database, start, tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    for _ in range(3):
        url = database.create("shop")
        both = [server.Server(file, folder=tmp_path, store=url).launch() for _ in range(2)]
        try:
            for running in both:
                running.wait_ready()
        finally:
            for running in both:
                running.kill()


def test_a_rule_whose_name_holds_a_quote_is_named(database, start, tmp_path):
    file = tmp_path / "quoted.yaml"
    file.write_text(SERVICE.replace("one name", "it's one"), encoding="utf-8")
    running = start(file, store=database.create("quoted"))
    for name in ["a", "b' for key 'PRIMARY", "c'"]:
        assert request(running.address, "POST", "/items", {"name": name}).status == 201
        answer = request(running.address, "POST", "/items", {"name": name})
        assert answer.status == 409
        assert answer.json()["message"].endswith('unique constraint "it\'s one"')
    assert request(running.address, "POST", "/items", {"id": 0, "name": "nought"}).status == 201
    answer = request(running.address, "GET", "/items?name=eq.nought")
    assert answer.json() == [{"id": 0, "name": "nought"}]
    assert running.stop() == 0, running.log()
