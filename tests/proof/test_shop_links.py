"""Orders against deleted products: no order without its product, and nothing locked for ever.

The services reach each other through a network that loses, repeats, delays and reorders their
messages, while both are killed and stopped at the worst moments. Shops that are wrong go through the
same, and it must show.
"""
import os
import signal
import sys
import time

import pytest
from support import mariadb
from support.client import Connection
from support.server import ROOT, Server, free_port
from support.shop import FILES, NOBODY, Shop
from support.shop_race import Race
from support.unreliable import Unreliable

pytestmark = pytest.mark.slow
ROUNDS, PROOF_ROUNDS = 30, 10_000
LEASE_MS = 1000
STORES = ["sqlite", "json", "mariadb-orders", "mariadb-products"]


class WrongServer(Server):
    """One half of tests/support/wrong_shop.py."""

    def command(self):
        name = self.files[0].parent.name
        peer = self.env["ORDERS_URL" if name == "products" else "PRODUCTS_URL"]
        return [sys.executable, str(ROOT / "tests/support/wrong_shop.py"), name, str(self.port),
                str(self.database), peer, self.env["WRONG"]]


def quick_files(folder):
    """The service files with a short lease."""
    files = {}
    for name, file in FILES.items():
        files[name] = folder / "shop" / name / "service.yaml"
        files[name].parent.mkdir(parents=True)
        files[name].write_text(file.read_text("utf-8") + f"\nlimits: {{ link_lease_ms: {LEASE_MS} }}\n",
                               encoding="utf-8")
    return files


def stores(kind, request, folder):
    if kind.startswith("mariadb"):
        url = request.getfixturevalue("mariadb_database")()
        other = f"sqlite:{folder}/other.db"
        return (other, url) if kind == "mariadb-orders" else (url, other)
    return kind


@pytest.fixture
def network(seed):
    made = Unreliable(seed)
    yield made.start()
    made.stop()


def make_shop(folder, network, **options):
    """A shop whose services reach each other through the network."""
    ports = {name: free_port() for name in FILES}
    shop = Shop(folder, urls={name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
                **options)
    for name, port in ports.items():
        network.listen(name, port, shop.ports[name])
    return shop


@pytest.mark.parametrize("kind", STORES)
def test_no_order_without_its_product_and_nothing_locked(kind, request, tmp_path, network, seed, proof):
    if kind.startswith("mariadb") and not mariadb.is_installed():
        pytest.skip("mariadbd is not installed")
    rounds = PROOF_ROUNDS if proof else ROUNDS
    shop = make_shop(tmp_path, network, files=quick_files(tmp_path),
                     store=stores(kind, request, tmp_path))
    with shop:
        race = Race(shop, network, seed, troubles=rounds // 6).run(rounds)
        race.check()
    print(dict(race.counts), dict(race.chaos.counts), len(network.notes), "notes")
    assert race.counts["POST orders 201"] > rounds // 6
    assert race.counts["DELETE products 204"] > rounds // 2
    assert race.counts["DELETE products 409"] > 0
    assert race.chaos.counts["killed"] > 0 and race.chaos.counts["frozen"] > 0


def race_of_wrong(folder, wrong, seed):
    network = Unreliable(seed, pace=0.1).start()
    try:
        shop = make_shop(folder, network, make=WrongServer, env={"WRONG": wrong})
        try:
            shop.start()
            return Race(shop, network, seed, troubles=6).run(40)
        finally:
            shop.kill()
    finally:
        network.stop()


@pytest.mark.parametrize("wrong, found", [("racy", "dangling"), ("locks", "locked"), ("forgets", "lost")])
def test_a_shop_that_is_wrong_is_found(wrong, found, tmp_path, seed, monkeypatch):
    monkeypatch.setattr("support.shop_race.CALM_LIMIT_S", 2)
    for attempt in range(5):  # one is nearly always enough
        (tmp_path / str(attempt)).mkdir()
        race = race_of_wrong(tmp_path / str(attempt), wrong, seed + attempt)
        if found in {finding[0] for finding in race.findings}:
            break
    else:
        pytest.fail(f"not found: {race.counts}")
    with pytest.raises(AssertionError) as told:
        race.check()
    assert f"ROWLOCK_SEED={seed + attempt}" in str(told.value) and "/.rowlock/" in str(told.value)


# ---- products that do not answer ----

@pytest.fixture(params=["sqlite", "json"])
def shop(request, tmp_path):
    with Shop(tmp_path, store=request.param, files=quick_files(tmp_path)) as running:
        yield running


def make(call, path, fields):
    answer = call("POST", path, fields)
    assert answer.status == 201, answer
    return answer.json()


def refused_for_now(call, product, order, rows):
    for path, body in (("/orders/", {"quantity": 1, "product_uuid": product}),
                       ("/orders/", [{"quantity": 1, "product_uuid": product}] * 3),
                       ("/orders", {"quantity": 1, "product_uuid": NOBODY}),
                       (f"/orders/{order}/lines", {"quantity": 1, "product_uuid": product})):
        answer = call("POST", path, body)
        assert answer.status == 503, answer
        assert int(answer.headers["retry-after"]) > 0 and answer.json()["message"]
    # What needs nobody else goes on.
    assert call("GET", "/orders").json() == rows
    assert call("PATCH", f"/orders/{order}", {"quantity": 8}).status == 204
    assert call("PATCH", f"/orders/{order}", {"quantity": 1}).status == 204
    assert call("POST", "/orders", {"quantity": 0, "product_uuid": product}).status == 400


@pytest.mark.parametrize("how", ["frozen", "killed", "stopped"])
def test_no_order_while_products_do_not_answer(shop, how):
    call = shop.client()
    first, second = (make(call, "/products", {"name": "a", "price": 1})["uuid"] for _ in range(2))
    order = make(call, "/orders", {"quantity": 1, "product_uuid": first})
    products = shop.servers["products"]
    if how == "frozen":
        os.kill(products.process.pid, signal.SIGSTOP)
    elif how == "killed":
        products.kill()
    else:
        assert products.stop() == 0
    refused_for_now(call, second, order["uuid"], [order])
    if how == "frozen":
        os.kill(products.process.pid, signal.SIGCONT)
    else:
        products.start()
        call.close()
    # What was asked for meanwhile holds nothing for long, and a new order is taken.
    deadline = time.monotonic() + 90
    while (answer := call("DELETE", f"/products/{second}")).status != 204:
        assert answer.status == 409 and time.monotonic() < deadline, answer
        time.sleep(0.1)
    while (answer := call("POST", "/orders", {"quantity": 1, "product_uuid": first})).status != 201:
        assert answer.status == 503 and time.monotonic() < deadline, answer
        time.sleep(0.1)
    assert call("DELETE", f"/products/{first}").status == 409
    assert call("GET", "/orders").json() == sorted([order, answer.json()], key=lambda row: row["uuid"])
    call.close()


def test_what_is_held_is_held_after_a_restart(shop):
    call = shop.client()
    product = make(call, "/products", {"name": "a", "price": 1})["uuid"]
    order = make(call, "/orders", {"quantity": 1, "product_uuid": product})["uuid"]
    for number in range(2):
        for name, server in shop.servers.items():
            assert server.stop() == 0 if number else server.kill() is None
            server.start()
            call.close()
            assert call("DELETE", f"/products/{product}").status == 409, name
    assert call("DELETE", f"/orders/{order}").status == 204
    deadline = time.monotonic() + 90
    while (answer := call("DELETE", f"/products/{product}")).status != 204:
        assert answer.status == 409 and time.monotonic() < deadline, answer
        time.sleep(0.1)
    call.close()


@pytest.mark.parametrize("method, path, body", [
    ("PUT", "/.rowlock/holds", b'{"resource":"products","from":"orders","holds":[]}'),
    ("DELETE", "/.rowlock/holds", b'{"resource":"products","from":"orders","ids":[]}'),
    ("POST", "/.rowlock/decide", b'{"ids":[]}'),
])
def test_a_clients_token_says_nothing_between_services(shop, method, path, body):
    for name, server in shop.servers.items():
        with Connection(server.address) as connection:
            for headers in ({}, shop.keys.bearer, {"Authorization": "Rowlock-Link 1 " + 64 * "0"}):
                answer = connection.request(method, path, body, headers)
                assert answer.status in (401, 403, 404, 405), (name, answer)
