"""What all black-box tests share: the program under test, its options, and free servers."""
import os
import random
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tests"))

from support import server as server_module  # noqa: E402
from support.client import address_of_url  # noqa: E402


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


@pytest.fixture(scope="module")
def deployment(request, tmp_path_factory):
    """The (host, port) of the service whose tests these are: --url, or a server started for this
    module from the service.yaml in the folder above the tests."""
    url = request.config.getoption("--url")
    if url:
        yield address_of_url(url)
        return
    file = Path(request.fspath).resolve().parent.parent / "service.yaml"
    server = server_module.Server(file, folder=tmp_path_factory.mktemp("deployment"))
    with server.start():
        yield server.address
    assert server.exit_code == 0, server.log()
