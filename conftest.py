"""What all black-box tests share: the program under test, its options, and free servers."""
import functools
import importlib.util
import itertools
import os
import random
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tests"))

from support import mariadb  # noqa: E402
from support import server as server_module  # noqa: E402
from support.client import address_of_url  # noqa: E402
from support.redis import Redis  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--url", help="run the contract tests against this deployment, such as "
                                   "http://127.0.0.1:8888, instead of starting the program")


@pytest.fixture(scope="session")
def proof():
    """True when the full counts are asked for (make proof)."""
    return os.environ.get("ROWLOCK_PROOF") == "1"


@pytest.fixture
def seed(request):
    """Printed, so that a failure can be repeated with ROWLOCK_SEED=…"""
    value = int(os.environ.get("ROWLOCK_SEED") or random.SystemRandom().randrange(2 ** 32))
    print(f"ROWLOCK_SEED={value} {request.node.name}")
    return value


@pytest.fixture
def start(tmp_path, request):
    """start(...) runs a server (see support/server.py); all of them are gone after the test."""
    yield from _starter(tmp_path, request)


@pytest.fixture(scope="module")
def module_start(tmp_path_factory, request):
    yield from _starter(tmp_path_factory.mktemp("server"), request)


def _starter(folder, request):
    if request.config.getoption("--url"):
        pytest.skip("needs a process of its own, and --url names a deployment")
    running = []

    def start_one(*args, **options):
        options.setdefault("folder", folder)
        running.append(server_module.Server(*args, **options))
        return running[-1].start()

    yield start_one
    for server in running:
        server.kill()


# ---- the servers that a store needs: one of each for all tests ----

@pytest.fixture(scope="session")
def mariadb_database(tmp_path_factory):
    """mariadb_database() makes an empty database and returns its URL; with a script, its tables."""
    if not mariadb.is_installed():
        pytest.skip("mariadbd is not installed")
    numbers = itertools.count(1)
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        def make(script=""):
            name = f"test{next(numbers)}"
            url = running.create(name)
            running.sql(script, name)
            return url

        yield make


@pytest.fixture(scope="session")
def redis_place(tmp_path_factory):
    """The URL of a Redis server."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    redis = Redis(tmp_path_factory.mktemp("redis"))
    try:
        yield redis.start().place
    finally:
        redis.stop()


# ---- a service's own tests ----

@functools.cache  # a fixture is made anew for a parameter that is another object
def stores_of(folder):
    """What the tests in this folder run on, as (store, variables): its stores.py has the list
    STORES, with a store's name or a pair of it and variables for the service file, such as

        STORES = ["sqlite", "mariadb", ("mariadb", {"CACHE": "{redis}"})]

    Stores are sqlite, json, memory and mariadb; {redis} in a value is the URL of a Redis server. Without
    the file: sqlite."""
    file = folder / "stores.py"
    if not file.exists():
        return [("sqlite", {})]
    spec = importlib.util.spec_from_file_location(f"stores_of_{folder.parent.name}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [entry if isinstance(entry, tuple) else (entry, {}) for entry in module.STORES]


def pytest_generate_tests(metafunc):
    if "deployment" not in metafunc.fixturenames:
        return
    stores = stores_of(Path(metafunc.definition.path).parent)
    names = ["-".join([store, *(value.strip("{}") for value in variables.values())])
             for store, variables in stores]
    if metafunc.config.getoption("--url"):
        stores, names = stores[:1], ["url"]
    metafunc.parametrize("deployment", stores, ids=names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def deployment(request, tmp_path_factory):
    """The (host, port) of the service whose tests these are: --url, or a server started for this
    module from the service.yaml in the folder above the tests, on each of its stores."""
    url = request.config.getoption("--url")
    if url:
        yield address_of_url(url)
        return
    kind, variables = request.param
    urls = {"sqlite": lambda: None, "memory": lambda: "memory:",
            "json": lambda: f"json:{tmp_path_factory.mktemp('files')}",
            "mariadb": lambda: request.getfixturevalue("mariadb_database")()}
    env = {name: value.replace("{redis}", request.getfixturevalue("redis_place"))
           if "{redis}" in value else value for name, value in variables.items()}
    file = Path(request.fspath).resolve().parent.parent / "service.yaml"
    server = server_module.Server(file, folder=tmp_path_factory.mktemp("deployment"),
                                  store=urls[kind](), env=env)
    with server.start():
        yield server.address
    assert server.exit_code == 0, server.log()
