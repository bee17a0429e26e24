"""Several services under one address: whose a request is, and what addresses in answers say."""
import concurrent.futures
import re
import shutil
import signal
import time

import pytest
from support.client import Connection, Disconnected, get_json, request
from support.server import DidNotStart, Server, free_port, run_program

ORDERS = """
service: orders
listen: 127.0.0.1:{port}
store: "memory:"
resources:
  orders:
    key: id
    fields: {{ id: integer, quantity: integer }}
  order_lines:
    key: [order_id, line]
    fields: {{ order_id: {{ type: integer, references: orders }}, line: integer }}
  secrets: {{ key: id, fields: {{ id: text }} }}
routes:
  GET /orders/{{id}}/lines: {{ list: order_lines, where: "order_id=eq.{{id}}" }}
errors: {{ orders_say: "{{message}}" }}
"""
PLACES = """
service: places
listen: 127.0.0.1:{port}
store: "memory:"
resources:
  towns:
    key: id
    fields: {{ id: integer, name: text }}
routes:
  GET /hello: {{ reply: {{ message: places }} }}
"""


class Gateway:
    """services/shop/orders and services/places, each with an address of its own too."""

    def __init__(self, folder, *args):
        self.folder = folder
        self.ports = [free_port(), free_port()]
        for name, text, port in zip(("services/shop/orders", "services/places"),
                                    (ORDERS, PLACES), self.ports):
            (folder / name).mkdir(parents=True)
            (folder / name / "service.yaml").write_text(text.format(port=port), encoding="utf-8")
        self.address = ("127.0.0.1", free_port())
        self.server = Server(folder / "services", folder=folder, own_address=True, args=[
            "--gateway", f"127.0.0.1:{self.address[1]}", *args])
        self.server.address = self.address
        self.orders = ("127.0.0.1", self.ports[0])


@pytest.fixture
def gateway(tmp_path):
    made = Gateway(tmp_path)
    with made.server.start():
        for number in range(3):
            body = {"id": number, "quantity": number}
            assert request(made.address, "POST", "/shop/orders", body).status == 201
        yield made
    assert made.server.exit_code == 0, made.server.log()


PATHS = [
    # the gateway's path, status, a part of the body
    ("/shop/orders", 200, '{"id":0'),
    ("/shop/orders/", 200, '{"id":0'),
    ("/shop/orders?id=eq.1", 200, '[{"id":1,"quantity":1}]'),
    ("/shop/orders/1", 200, '{"id":1,"quantity":1}'),
    ("/shop/orders/orders/1", 200, '{"id":1,"quantity":1}'),
    ("/shop/orders/orders?id=eq.1", 200, '[{"id":1,"quantity":1}]'),
    ("/shop/orders/rest/v1/orders?id=eq.1", 200, '[{"id":1,"quantity":1}]'),
    ("/shop/orders/order_lines", 200, "[]"),
    ("/shop/orders/1/lines", 200, "[]"),
    ("/shop/orders/7", 404, "RL404"),
    ("/shop/orders/a/b/c", 404, "orders_say"),
    ("/shop/orders/live", 200, "live"),
    ("/shop/orders/metrics", 200, "rowlock_requests_total"),
    ("/places/towns", 200, "[]"),
    ("/places/hello", 200, "places"),
    ("/places", 200, '"swagger"'),
    ("/places/nothing", 404, "PGRST205"),
    ("/shop", 404, "PGRST125"),
    ("/shop/", 404, "PGRST125"),
    ("/orders", 404, "PGRST125"),
    ("/shop/ordersx", 404, "PGRST125"),
    ("/shop/orders/.rowlock/live", 404, "PGRST125"),
    ("/shop/orders/.rowlock", 404, "PGRST125"),
    ("/.rowlock/live", 404, "PGRST125"),
    ("/live", 200, "live"),
    ("/ready", 200, "ready"),
    ("/places/../shop/orders", 400, "the path has"),
    ("/places/%2e%2E/shop/orders", 400, "the path has"),
    ("/places/./towns", 400, "the path has"),
    ("/places//towns", 400, "the path has"),
    ("//places/towns", 400, "the path has"),
    ("/places/a%2fb", 400, "the path has"),
    ("/places/a%5Cb", 400, "the path has"),
    ("/places/a%00b", 400, "the path has"),
    ("/places/a%zz", 400, "percent-encoded"),
    ("/places/...", 404, "PGRST205"),
    ("/places/a..b", 404, "PGRST205"),
]


@pytest.mark.parametrize("path, status, part", PATHS)
def test_paths(gateway, path, status, part):
    answer = request(gateway.address, "GET", path)
    assert answer.status == status, answer
    assert part in answer.body.decode()


def test_one_method_does_not_make_another_path(gateway):
    assert request(gateway.address, "DELETE", "/shop/orders/2").status == 204
    assert request(gateway.address, "PATCH", "/shop/orders?id=eq.1", {"quantity": 9}).status == 204
    assert request(gateway.address, "POST", "/").status == 404
    assert request(gateway.address, "PUT", "/places/hello", {}).status == 405
    assert [row["quantity"] for row in get_json(gateway.orders, "/orders?order=id")] == [0, 9]


def test_addresses_in_answers_are_the_gateways(gateway):
    ask = {"Prefer": "return=headers-only"}
    made = request(gateway.address, "POST", "/shop/orders", {"id": 5, "quantity": 1}, ask)
    assert made.headers["location"] == "/shop/orders?id=eq.5"
    assert get_json(gateway.address, made.headers["location"]) == [{"id": 5, "quantity": 1}]
    line = request(gateway.address, "POST", "/shop/orders/order_lines",
                   {"order_id": 5, "line": 1}, ask)
    assert line.headers["location"] == "/shop/orders/order_lines?order_id=eq.5&line=eq.1"
    assert len(get_json(gateway.address, line.headers["location"])) == 1
    page = request(gateway.address, "GET", "/shop/orders?limit=2&order=id&after=")
    assert page.headers["content-location"] == "/shop/orders?after=&limit=2&order=id"
    next_page = re.search("<(.*?)>; rel=\"next\"", page.headers["link"])[1]
    assert next_page.startswith("/shop/orders?")
    assert [row["id"] for row in get_json(gateway.address, next_page)] == [2, 5]
    town = request(gateway.address, "POST", "/places/towns", {"id": 1, "name": "a"}, ask)
    assert town.headers["location"] == "/places/towns?id=eq.1"


def test_both_doors_lead_to_the_same_rows(gateway):
    """A kept answer is that of its own door; tags and idempotency keys hold at both."""
    for _ in range(2):
        inside = request(gateway.orders, "GET", "/orders/1")
        outside = request(gateway.address, "GET", "/shop/orders/1")
        assert inside.body == outside.body
        assert inside.headers["etag"] == outside.headers["etag"]
    # The same text is an item at one door and a list at the other.
    assert request(gateway.orders, "GET", "/shop/orders").status == 404
    fields = {"If-Match": outside.headers["etag"]}
    assert request(gateway.orders, "PATCH", "/orders/1", {"quantity": 4}, fields).status == 204
    assert request(gateway.address, "PATCH", "/shop/orders/1", {"quantity": 5}, fields).status == 412
    assert get_json(gateway.address, "/shop/orders/1")["quantity"] == 4
    fields = {"Idempotency-Key": "once"}
    body = {"id": 77, "quantity": 1}
    assert request(gateway.address, "POST", "/shop/orders", body, fields).status == 201
    assert request(gateway.orders, "POST", "/orders", body, fields).status == 201
    assert len(get_json(gateway.orders, "/orders?id=eq.77")) == 1


def test_documents(gateway):
    for path in ("/shop/orders/openapi.json", "/places/openapi.json"):
        document = get_json(gateway.address, path)
        assert document["servers"] == [{"url": "."}]  # relative to the document
        for name in [name for name in document["paths"] if "{" not in name and "live" not in name]:
            own = path.rsplit("/", 1)[0] + name
            assert request(gateway.address, "GET", own).status == 200, own


def test_start_page_and_docs(gateway):
    start = request(gateway.address, "GET", "/")
    assert start.status == 200 and start.headers["content-type"].startswith("text/html")
    links = re.findall('href="./([^"]*)"', start.body.decode())
    assert {"docs/", "shop/orders/docs", "places/openapi.json"} <= set(links)
    docs = request(gateway.address, "GET", "/docs")
    assert (docs.status, docs.headers["location"]) == (308, "docs/")
    docs = request(gateway.address, "GET", "/docs/")
    text = docs.body.decode()
    links += ["docs/" + link for link in re.findall('(?:src|href|data-document)="([^"]*)"', text)]
    assert "docs/../shop/orders/openapi.json" in links or "docs/../shop/orders/docs" in links
    for link in links:
        path = "/" + re.sub(r"[^/]+/\.\./", "", link)
        assert request(gateway.address, "GET", path).status == 200, path
    assert "default-src" in docs.headers["content-security-policy"]


def test_a_body_has_its_services_limit(gateway):
    big = b'{"id": 1, "quantity": 1' + b" " * (1 << 20) + b"}"
    answer = request(gateway.address, "POST", "/shop/orders", big,
                     {"Content-Type": "application/json"})
    assert answer.status == 413
    assert request(gateway.address, "POST", "/nothing", "{}").status == 404


def test_a_reload_is_seen(gateway):
    file = gateway.folder / "services/places/service.yaml"
    file.write_text(file.read_text("utf-8").replace("message: places", "message: new"), "utf-8")
    gateway.server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while get_json(gateway.address, "/places/hello") != {"message": "new"}:
        assert time.monotonic() < deadline, gateway.server.log()
        time.sleep(0.01)


def test_it_ends_well_under_load(tmp_path):
    made = Gateway(tmp_path)
    acknowledged = []

    def write(first):
        with Connection(made.address) as connection:
            for number in range(first, first + 5000):
                try:
                    answer = connection.request("POST", "/shop/orders",
                                                {"id": number, "quantity": 1})
                except (OSError, Disconnected):
                    return
                if answer.status != 201:
                    return
                acknowledged.append(number)

    store = f"sqlite:{tmp_path}/orders.db"
    made.server.args += ["--set", f"orders.store={store}"]
    with made.server.start(), concurrent.futures.ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, 10_000 * number) for number in range(8)]
        while len(acknowledged) < 100:
            time.sleep(0.01)
        made.server.terminate()
        for writer in writers:
            writer.result()
        assert made.server.wait() == 0, made.server.log()
    again = Server(tmp_path / "services/shop/orders/service.yaml", folder=tmp_path, store=store)
    with again.start():
        there = {row["id"] for row in get_json(again.address, "/orders?select=id")}
    assert set(acknowledged) <= there


def test_a_file_is_below_its_services_name(tmp_path):
    made = Gateway(tmp_path)
    made.server.files = (tmp_path / "services/shop/orders/service.yaml",
                         tmp_path / "services/places")
    with made.server.start():
        assert get_json(made.address, "/orders") == []
        assert get_json(made.address, "/places/towns") == []


def test_the_folder_below_the_argument(tmp_path):
    made = Gateway(tmp_path)
    made.server.files = (tmp_path / "services/shop",)
    with made.server.start():
        assert get_json(made.address, "/orders") == []
        assert request(made.address, "GET", "/shop/orders").status == 404


@pytest.mark.parametrize("where, message", [
    ("nowhere", "nowhere"),
    ("0.0.0.0:{free}", "refusing to listen"),
    ("127.0.0.1:{orders}", "both listen on"),
])
def test_addresses_that_cannot_be(tmp_path, where, message):
    made = Gateway(tmp_path)
    where = where.format(free=free_port(), orders=made.ports[0])
    made.server.args = ["--gateway", where]
    with pytest.raises(DidNotStart) as error:
        made.server.start()
    assert message in str(error.value)


def test_two_services_at_one_path(tmp_path):
    made = Gateway(tmp_path)
    other = tmp_path / "more/shop/orders"
    other.mkdir(parents=True)
    shutil.copy(tmp_path / "services/places/service.yaml", other)
    (tmp_path / "services/places/service.yaml").unlink()
    made.server.files = (tmp_path / "services", tmp_path / "more")
    with pytest.raises(DidNotStart) as error:
        made.server.start()
    assert "both be at /shop/orders" in str(error.value)


def test_help_names_it():
    assert "--gateway ADDRESS" in run_program("serve", "--help").stdout
