"""packaging/nginx/rowlock.conf in a real nginx, before two services in processes of their own."""
import concurrent.futures
import json
import socket

import pytest
from support.client import Connection, get_json, metric, request
from support.nginx import IS_INSTALLED, Nginx
from support.server import Server, free_port

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason="nginx is not installed")

SERVICE = """
service: {name}
store: "memory:"
{more}resources:
  {name}:
    key: id
    fields: {{ id: integer, text: text }}
"""
# Of whoever shows nothing, requests are counted by address.
COUNTED = """trusted_proxies: 127.0.0.1
auth:
  anonymous: guest
  api_keys: {{ a: {{ sha256: {sum} }} }}
  rate_limit: {{ requests: 5, per: hour }}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """(address of nginx, server of products, server of orders)"""
    folder = tmp_path_factory.mktemp("nginx")
    servers = []
    for name in ("products", "orders"):
        file = folder / f"{name}.yaml"
        file.write_text(SERVICE.format(name=name, more=""), encoding="utf-8")
        servers.append(Server(file, folder=folder).start())
    nginx = Nginx(folder, [server.port for server in servers]).start()
    yield ("127.0.0.1", nginx.port), *servers
    nginx.stop()
    for server in servers:
        assert server.stop() == 0, server.log()


def test_requests_reach_their_service(shop):
    address, products, orders = shop
    for name, server in (("products", products), ("orders", orders)):
        made = request(address, "POST", f"/{name}/", {"id": 1, "text": name})
        assert made.status == 201, made
        assert get_json(server.address, f"/{name}") == [{"id": 1, "text": name}]
        item = request(address, "GET", f"/{name}/1")
        assert item.json() == {"id": 1, "text": name}
        fields = {"If-None-Match": item.headers["etag"]}
        assert request(address, "GET", f"/{name}/1", headers=fields).status == 304
        assert request(address, "DELETE", f"/{name}/1").status == 204
        assert request(address, "GET", f"/{name}?id=eq.1").body == b"[]"


@pytest.mark.parametrize("path", [
    "/", "/other", "/productsx", "/.rowlock/live", "/.rowlock", "/products/.rowlock/live",
    "/orders/.rowlock", "/products/../.rowlock/live", "/products/%2e%2e/.rowlock/live",
    "/products/..%2f.rowlock/live", "/%2erowlock/live", "/.ROWLOCK/live", "/metrics", "/live",
    "/orders/%2Erowlock%2Flive",
])
def test_what_is_not_passed_on(shop, path):
    address = shop[0]
    answer = request(address, "GET", path)
    assert answer.status in (400, 404), answer
    assert b'"live"' not in answer.body


def test_connections_to_the_services_are_kept(shop):
    address, products, _ = shop
    before = metric(products, "rowlock_connections_accepted_total")
    with Connection(address) as connection:
        for _ in range(300):
            assert connection.request("GET", "/products").status == 200
    assert metric(products, "rowlock_connections_accepted_total") - before < 10


def test_bodies_and_limits(shop):
    address = shop[0]
    rows = [{"id": number, "text": "x" * 900} for number in range(1000)]
    answer = request(address, "POST", "/orders", rows)
    assert answer.status == 201, answer
    lines = b"".join(json.dumps({"id": 5000 + number, "text": "y" * 900}).encode() + b"\n"
                     for number in range(5000))
    answer = request(address, "POST", "/orders", lines,
                     {"Content-Type": "application/x-ndjson"})
    assert answer.status == 201, answer
    assert len(get_json(address, "/orders?select=id")) == 6000
    assert request(address, "POST", "/orders", [{"id": -n, "text": "z" * 1000}
                                               for n in range(1, 1200)]).status == 413
    long = "a" * 20_000
    assert request(address, "GET", f"/orders?text=eq.{long}").status == 414
    assert request(address, "DELETE", "/orders?id=gte.0").status == 204


def test_many_at_once(shop):
    address = shop[0]

    def work(first):
        with Connection(address) as connection:
            for number in range(first, first + 50):
                assert connection.request("POST", "/products", {"id": number}).status == 201
                assert connection.request("GET", f"/products/{number}").status == 200

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(1000, 17000, 1000)))
    assert len(get_json(address, "/products?id=gte.1000&select=id")) == 800


def test_a_service_that_is_down(shop):
    address, _, orders = shop
    assert orders.stop() == 0
    assert request(address, "GET", "/orders").status == 502
    assert request(address, "GET", "/products").status == 200
    orders.start()
    assert request(address, "GET", "/orders").status == 200


def answers(address, count, source, **headers):
    """The statuses of requests that are sent from a loopback address."""
    statuses = []
    for _ in range(count):
        with socket.create_connection(address, 30, source_address=(source, 0)) as plain:
            fields = "".join(f"{name.replace('_', '-')}: {value}\r\n"
                             for name, value in headers.items())
            plain.sendall(f"GET /products HTTP/1.1\r\nHost: localhost\r\n{fields}"
                          "Connection: close\r\n\r\n".encode())
            statuses.append(int(plain.makefile("rb").read(12)[9:]))
    return statuses


def test_rates_by_address_through_it(tmp_path):
    """Each client has a count of its own, which no field of its request changes."""
    file = tmp_path / "products.yaml"
    more = COUNTED.format(sum="0" * 64)
    file.write_text(SERVICE.format(name="products", more=more), encoding="utf-8")
    nginx = Nginx(tmp_path, [free_port(), free_port()])
    conf = tmp_path / "rowlock.conf"
    with Server(file, folder=tmp_path).start() as server:
        conf.write_text(conf.read_text(encoding="utf-8").replace(
            "upstream products {\n    server 127.0.0.1:",
            f"upstream products {{\n    server 127.0.0.1:{server.port}; #"), encoding="utf-8")
        nginx.start()
        address = ("127.0.0.1", nginx.port)
        try:
            for source in ("127.0.0.2", "127.0.0.3"):
                assert answers(address, 5, source) == [200] * 5
                assert answers(address, 3, source) == [429] * 3
                assert answers(address, 2, source, X_Forwarded_For="192.0.2.9") == [429] * 2
            # Around the proxy nobody is believed: one count, whatever the field says.
            for number in range(8):
                invented = f"192.0.2.{number}"
                status, = answers(server.address, 1, "127.0.0.4", X_Forwarded_For=invented)
                assert status == (200 if number < 5 else 429)
            assert '"peer":"127.0.0.2"' in server.log() and '"192.0.2.' not in server.log()
        finally:
            nginx.stop()
