"""Rows that refer to rows of another service: two processes, one of which has the products, the other
the orders. See docs/links.md. After each test nothing is held but what the orders refer to."""
import json
import os
import random
import re
import signal
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import tokens
from support.client import request
from support.peer import Peer
from support.server import Server, program, run_program

LIMIT_S = 60
OWNER = """
service: products
limits: { loops: 2, link_lease_ms: 300 }
resources:
  products:
    key: id
    fields: { id: integer, name: text }
  orders:
    at: "${USER_URL:-http://127.0.0.1:1}"
    key: id
    fields: { id: integer, product: { type: integer, references: products } }
"""
USER = """
service: orders
limits: { loops: 2, rollback: on, link_lease_ms: 300 }
resources:
  products:
    at: "${OWNER_URL:-http://127.0.0.1:1}"
    key: id
    fields: { id: integer }
  orders:
    key: id
    fields:
      id:      { type: integer, default: auto }
      product: { type: integer, references: products }
      note:    text
  looks:
    key: id
    fields:
      id:      { type: integer, default: auto }
      product: { type: integer, references: { resource: products, check: get } }
routes:
  POST /order:        { insert: orders }
  PUT /order/{id}:    { upsert: orders }
  PATCH /order/{id}:  { update: orders, where: "id=eq.{id}" }
  DELETE /order/{id}: { delete: orders, where: "id=eq.{id}" }
"""
REPRESENTATION = {"Prefer": "return=representation"}


class Pair:
    """The two services, each with the other's address."""

    def __init__(self, folder, store, user_text=USER, owner_text=OWNER):
        def make(name, text, **options):
            (folder / name).mkdir()
            file = folder / name / f"{name}.yaml"
            file.write_text(text, encoding="utf-8")
            return Server(file, folder=folder / name, **options)

        self.owner = make("products", owner_text)
        self.user = make("orders", user_text, store=store)
        for server in (self.owner, self.user):
            server.env = {"USER_URL": f"http://127.0.0.1:{self.user.port}",
                          "OWNER_URL": f"http://127.0.0.1:{self.owner.port}"}

    def start(self):
        self.owner.start()
        self.user.start()
        assert self.own("POST", "/products", [{"id": i, "name": "x"} for i in range(1, 10)]
                        ).status == 201
        return self

    def own(self, method, path, body=None, headers=()):
        return request(self.owner.address, method, path, body, dict(headers))

    def use(self, method, path, body=None, headers=()):
        return request(self.user.address, method, path, body, dict(headers))

    def orders(self, select="id,product"):
        return self.use("GET", f"/orders?select={select}&order=id").json()

    def settle(self):
        """Waits until the products that are held are those that orders refer to, and no more."""
        wanted = sorted({row["product"] for row in self.orders() if row["product"] is not None})
        deadline = time.monotonic() + LIMIT_S
        while True:
            held = {name: metric(self.owner, f"rowlock_holds_{name}") for name in ("asked", "kept")}
            done = held["asked"] == 0 and metric(self.user, "rowlock_outbox") == 0 and (
                held["kept"] >= len(wanted) and (wanted or held["kept"] == 0))
            if done:
                break
            assert time.monotonic() < deadline, (held, wanted)
            time.sleep(0.05)
        for product in range(1, 10):
            back = {"id": product, "name": "x"}
            answer = self.own("DELETE", f"/products/{product}")
            if product in wanted:
                assert answer.status == 409, product
            else:
                assert answer.status in (204, 404), (product, answer)
                assert self.own("PUT", f"/products/{product}", back).status in (200, 201)
        assert metric(self.owner, "rowlock_holds_kept") == held["kept"]


def metric(server, name):
    text = request(server.address, "GET", "/.rowlock/metrics").body.decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])


@pytest.fixture(autouse=True)
def _built_in(tmp_path):
    file = tmp_path / "any.yaml"
    file.write_text(USER, encoding="utf-8")
    if "without references between services" in run_program("check", file).stderr:
        pytest.skip("the program was built without libcurl")


@pytest.fixture(params=["sqlite", "memory", "mariadb"])
def pair(request, tmp_path):
    store = {"sqlite": lambda: None, "memory": lambda: "memory:",
             "mariadb": lambda: request.getfixturevalue("mariadb_database")()}[request.param]()
    yield from run_pair(Pair(tmp_path, store))


@pytest.fixture
def near(tmp_path):
    """On SQLite only."""
    yield from run_pair(Pair(tmp_path, None))


def run_pair(made):
    try:
        yield made.start()
    finally:
        for server in (made.user, made.owner):
            if server.process is not None and server.process.poll() is None:
                server.signal(signal.SIGCONT)
            server.kill()


def together(jobs):
    """Runs them at the same time; their results."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def refused(answer, product):
    assert answer.status == 409, answer
    error = answer.json()
    assert error["code"] == "23503"
    assert error["details"] == f'Key (product)=({product}) is not present in table "products".'


def no_answer(answer):
    assert answer.status == 503, answer
    assert answer.json()["code"] == "RL503"
    assert "products" in answer.json()["message"]
    assert int(answer.headers["retry-after"]) > 0


def test_an_order_keeps_its_product_until_it_goes(pair):
    assert pair.use("POST", "/orders", {"product": 1}).status == 201
    answer = pair.own("DELETE", "/products/1")
    assert answer.status == 409 and answer.json()["code"] == "23503"
    assert pair.own("PATCH", "/products/1", {"id": 77}).status == 409
    assert pair.use("DELETE", "/orders/1").status == 204
    pair.settle()
    assert pair.own("DELETE", "/products/1").status == 204
    refused(pair.use("POST", "/orders", {"product": 1}), 1)
    assert pair.orders() == []


def test_every_kind_of_write(pair):
    assert pair.use("POST", "/orders", [{"product": 1}, {"product": 1}, {"product": None}]
                    ).status == 201
    body = "product,note\n2,a\n2,b\n3,c\n"
    assert pair.use("POST", "/orders", body, {"Content-Type": "text/csv"}).status == 201
    rows = [{"id": 6, "product": 4}, {"id": 20, "product": 5}]
    merge = {"Prefer": "resolution=merge-duplicates,return=representation"}
    answer = pair.use("POST", "/orders?select=id,product", rows, merge)
    assert (answer.status, answer.json()) == (201, rows)
    lines = "".join(json.dumps({"id": i, "product": 6}) + "\n" for i in (20, 21))
    assert pair.use("POST", "/orders", lines,
                    {**merge, "Content-Type": "application/x-ndjson"}).status in (200, 201)
    assert pair.use("PUT", "/orders/30", {"product": 7}).status == 201
    assert pair.use("PATCH", "/orders/1", {"product": 8}).status == 204
    assert pair.use("PATCH", "/orders/2", {"note": "same"}).status == 204
    assert pair.use("PATCH", "/orders?id=eq.2", {"product": 1}).status == 204
    assert pair.orders() == [{"id": i, "product": product} for i, product in (
        (1, 8), (2, 1), (3, None), (4, 2), (5, 2), (6, 4), (20, 6), (21, 6), (30, 7))]
    pair.settle()
    assert pair.use("PATCH", "/orders", {"product": 9}).status == 204
    pair.settle()
    assert pair.use("DELETE", "/orders?id=lt.30").status == 204
    pair.settle()
    assert pair.use("DELETE", "/orders").status == 204
    pair.settle()


def test_routes(pair):
    made = pair.use("POST", "/order", {"product": 1})
    assert made.status == 201 and made.json()["product"] == 1
    assert "_rl" not in made.body.decode()
    refused(pair.use("POST", "/order", [{"product": 1}, {"product": 99}]), 99)
    assert pair.use("PUT", "/order/5", {"product": 2}).status == 201
    assert pair.use("PATCH", "/order/5", {"product": 3}).status == 200
    assert pair.orders() == [{"id": 1, "product": 1}, {"id": 5, "product": 3}]
    pair.settle()
    assert pair.use("DELETE", "/order/1").status == 204
    assert pair.use("DELETE", "/order/5").status == 204
    pair.settle()


def test_what_is_not_written_holds_nothing(pair):
    refused(pair.use("POST", "/orders", {"product": 99}), 99)
    body = "product\n1\n99\n"
    refused(pair.use("POST", "/orders", body, {"Content-Type": "text/csv"}), 99)
    # Wrong in a later row: nobody is asked.
    body = "product\n1\nx\n"
    assert pair.use("POST", "/orders", body, {"Content-Type": "text/csv"}).status == 400
    rollback = {"Prefer": "tx=rollback,return=representation"}
    answer = pair.use("POST", "/orders?select=product", {"product": 1}, rollback)
    assert (answer.status, answer.json()) == (201, [{"product": 1}])
    refused(pair.use("POST", "/orders", {"product": 99}, rollback), 99)
    assert pair.orders() == []
    assert pair.use("POST", "/orders", {"id": 1, "product": 1}).status == 201
    assert pair.use("POST", "/orders", {"id": 1, "product": 2}).status == 409
    for method, body in (("PATCH", {"product": 3}), ("DELETE", None), ("PUT", {"product": 3})):
        assert pair.use(method, "/orders/1", body, {"If-Match": '"other"'}).status == 412
        assert pair.use(method, "/orders/99", body,
                        {"If-Match": '"other"'}).status == 412
    strict = {"Prefer": "handling=strict,max-affected=0"}
    assert pair.use("PATCH", "/orders?id=eq.1", {"product": 3}, strict).status == 400
    assert pair.use("DELETE", "/orders?id=eq.1", None, strict).status == 400
    assert pair.use("PATCH", "/orders?id=eq.99", {"product": 3}).status == 204
    assert pair.orders() == [{"id": 1, "product": 1}]
    pair.settle()


def test_if_match_that_holds(pair):
    assert pair.use("POST", "/orders", {"id": 1, "product": 1}).status == 201
    tag = pair.use("GET", "/orders/1").headers["etag"]
    assert pair.use("PATCH", "/orders/1", {"product": 2}, {"If-Match": tag}).status == 204
    assert pair.use("PATCH", "/orders/1", {"product": 3}, {"If-Match": tag}).status == 412
    pair.settle()
    tag = pair.use("GET", "/orders/1").headers["etag"]
    assert pair.use("DELETE", "/orders/1", None, {"If-Match": tag}).status == 204
    pair.settle()


def test_a_repeated_request_asks_nobody(pair):
    key = {"Idempotency-Key": "one", **REPRESENTATION}
    first = pair.use("POST", "/orders", {"product": 1}, key)
    assert first.status == 201
    pair.owner.kill()
    again = pair.use("POST", "/orders", {"product": 1}, key)
    assert (again.status, again.body) == (201, first.body)
    assert pair.use("POST", "/orders", {"product": 2}, key).status == 422
    no_answer(pair.use("POST", "/orders", {"product": 1}, {"Idempotency-Key": "two"}))
    pair.owner.start()
    assert len(pair.orders()) == 1
    deadline = time.monotonic() + LIMIT_S
    while pair.use("POST", "/orders", {"product": 1}, {"Idempotency-Key": "two"}).status == 503:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(pair.orders()) == 2
    pair.settle()


@pytest.mark.parametrize("state", ["gone", "frozen"])
def test_without_the_owner_nothing_is_written(pair, state):
    assert pair.use("POST", "/orders", {"id": 1, "product": 1}).status == 201
    if state == "gone":
        pair.owner.kill()
    else:
        pair.owner.signal(signal.SIGSTOP)
    for answer in together([lambda request=request: pair.use(*request) for request in (
            ("POST", "/orders", {"product": 2}), ("PATCH", "/orders/1", {"product": 2}),
            ("PUT", "/orders/1", {"product": 2}), ("POST", "/looks", {"product": 2}))]):
        no_answer(answer)
    # What needs no hold goes on; what is to be released waits.
    assert pair.use("PATCH", "/orders/1", {"note": "n"}).status == 204
    assert pair.use("POST", "/orders", {"id": 2, "product": None}).status == 201
    assert pair.orders("id,product,note") == [{"id": 1, "product": 1, "note": "n"},
                                              {"id": 2, "product": None, "note": None}]
    assert pair.use("DELETE", "/orders/1").status == 204
    assert pair.use("GET", "/looks").json() == []
    if state == "gone":
        pair.owner.start()
    else:
        pair.owner.signal(signal.SIGCONT)
    pair.settle()


def test_check_get(pair):
    refused(pair.use("POST", "/looks", {"product": 99}), 99)
    assert pair.use("POST", "/looks", [{"product": 1}, {"product": 2}, {"product": 1}]
                    ).status == 201
    refused(pair.use("PATCH", "/looks/1", {"product": 98}), 98)
    assert pair.own("DELETE", "/products/1").status == 204
    assert pair.use("DELETE", "/looks").status == 204


def test_upserts_that_change_nothing(near):
    assert near.use("POST", "/orders", {"id": 1, "product": 1}).status == 201
    ignore = {"Prefer": "resolution=ignore-duplicates,return=representation"}
    answer = near.use("POST", "/orders?select=id,product",
                      [{"id": 1, "product": 2}, {"id": 2, "product": 3}], ignore)
    assert (answer.status, answer.json()) == (201, [{"id": 2, "product": 3}])
    near.settle()
    only = {"If-None-Match": "*"}
    assert near.use("PUT", "/orders/1", {"product": 5}, only).status == 412
    assert near.use("PUT", "/orders/7", {"product": 5}, only).status == 201
    near.settle()


def test_many_rows_of_many_products(near):
    products = "".join(json.dumps({"id": i}) + "\n" for i in range(100, 2100))
    ndjson = {"Content-Type": "application/x-ndjson"}
    assert near.own("POST", "/products", products, ndjson).status == 201
    orders = "".join(json.dumps({"product": 100 + i % 2000}) + "\n" for i in range(5000))
    assert near.use("POST", "/orders", orders, ndjson).status == 201
    assert near.own("DELETE", "/products/2099").status == 409
    refused(near.use("POST", "/orders", orders + '{"product":9999}\n', ndjson), 9999)
    assert near.use("DELETE", "/orders").status == 204
    near.settle()
    assert near.own("DELETE", "/products?id=gte.100").status == 204


def test_rules(near):
    """A caller who may not see a row changes nothing of it; what is missing is told without its
    values."""
    near.user.kill()
    own = '"note=eq.{claims.sub}"'
    rules = f"    rules: {{ read: {own}, create: {own}, update: {own}, delete: {own} }}\n"
    text = USER.replace("limits:", f"auth: {{ algorithm: HS256, secret: \"{tokens.SECRET}\" }}\nlimits:")
    text = text.replace("      note:    text\n", "      note:    text\n" + rules)
    near.user.files[0].write_text(text, encoding="utf-8")
    near.user.start()

    def as_caller(name):
        return tokens.bearer(tokens.hs256({"sub": name, "exp": tokens.later()}))

    ann, bob = as_caller("ann"), as_caller("bob")
    assert near.use("POST", "/orders", {"id": 1, "product": 1, "note": "ann"}, ann).status == 201
    assert near.use("POST", "/orders", {"id": 2, "product": 2, "note": "bob"}, bob).status == 201
    answer = near.use("POST", "/orders", {"product": 99, "note": "ann"}, ann)
    assert answer.status == 409 and answer.json()["details"] is None
    assert near.use("PATCH", "/orders?id=lte.2", {"product": 3}, ann).status == 204
    merge = {**bob, "Prefer": "resolution=merge-duplicates"}
    assert near.use("POST", "/orders", {"id": 1, "product": 4, "note": "bob"}, merge).status == 403
    body = "id,product,note\n2,5,bob\n3,5,bob\n"
    assert near.use("POST", "/orders", body, {**merge, "Content-Type": "text/csv"}).status == 201
    assert near.own("DELETE", "/products/3").status == 409
    assert near.own("DELETE", "/products/5").status == 409
    assert near.use("DELETE", "/orders", None, ann).status == 204
    assert near.use("DELETE", "/orders", None, bob).status == 204
    deadline = time.monotonic() + LIMIT_S
    while near.own("DELETE", "/products").status != 204:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_same_key_twice_at_once(pair):
    """Both look for a kept answer before there is one, and ask for holds: one of them writes."""
    pair.owner.signal(signal.SIGSTOP)

    def send():
        return pair.use("POST", "/orders", {"product": 1},
                        {"Idempotency-Key": "k", **REPRESENTATION})

    def go_on():
        time.sleep(0.5)
        pair.owner.signal(signal.SIGCONT)

    first, second, _ = together([send, send, go_on])
    written = [answer for answer in (first, second) if answer.status == 201]
    assert all(answer.status in (201, 503) for answer in (first, second))
    assert len({answer.body for answer in written}) == len(pair.orders()) == min(1, len(written))
    pair.settle()


def test_many_writers(pair, seed, proof):
    """Of the same few rows: nothing stays held that no row uses, and no row lacks its hold."""
    dice = random.Random(seed)
    merge = {"Prefer": "resolution=merge-duplicates"}

    def one(dice):
        order, product = dice.randrange(1, 6), dice.randrange(1, 10)
        return dice.choice([
            lambda: pair.use("POST", "/orders", [{"id": order, "product": product},
                                                 {"id": order + 1, "product": product}], merge),
            lambda: pair.use("PUT", f"/orders/{order}", {"product": product}),
            lambda: pair.use("PATCH", f"/orders?id=lte.{order}", {"product": product}),
            lambda: pair.use("PATCH", f"/orders?product=eq.{product}", {"product": order}),
            lambda: pair.use("PATCH", f"/orders/{order}", {"product": None}),
            lambda: pair.use("DELETE", f"/orders?id=gte.{order}"),
            lambda: pair.use("DELETE", f"/orders/{order}"),
        ])()

    def many(seed):
        own = random.Random(seed)
        return {one(own).status for _ in range(400 if proof else 40)}

    seen = set().union(*together([lambda seed=dice.random(): many(seed) for _ in range(4)]))
    assert seen <= {200, 201, 204, 404, 503, 504}, seen
    pair.settle()
    assert pair.use("DELETE", "/orders").status == 204
    pair.settle()


def test_rows_that_refer_and_are_held(near):
    """A change that is refused, since a row of a third service may refer to the order, runs once
    more when that service has said that none does: with the same holds."""
    said = {}
    bills = Peer(lambda method, path, message: (
        (200, {"used": [], "void": message["ids"]}) if said else (503, None)))
    held = str(uuid.uuid4())
    message = {"resource": "orders", "from": "bills", "holds": [{"id": held, "key": {"id": 1}}]}
    try:
        near.user.stop()
        near.user.files[0].write_text(USER.replace("  looks:\n", f"""  bills:
    at: {bills.url}
    key: id
    fields: {{ id: integer, order: {{ type: integer, references: orders }} }}
  looks:
""").replace("link_lease_ms: 300", "link_lease_ms: 3600000"), encoding="utf-8")
        near.user.database.unlink()
        near.user.start()
        assert near.use("POST", "/orders", {"id": 1, "product": 1}).status == 201
        assert request(near.user.address, "PUT", "/.rowlock/holds", message,
                       host="127.0.0.1").status == 200
        time.sleep(2.1)
        assert near.use("PATCH", "/orders/1", {"id": 2, "product": 2}).status == 409
        near.settle()
        said["void"] = True
        deadline = time.monotonic() + LIMIT_S
        while near.use("PATCH", "/orders/1", {"id": 2, "product": 3}).status != 204:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert near.orders() == [{"id": 2, "product": 3}]
        near.settle()
    finally:
        bills.stop()


# ---- files ----

CSV = "id,product\n1,1\n2,2\n3,\n4,99\n5,1\n"
LOADED = [{"id": 1, "product": 1}, {"id": 2, "product": 2}, {"id": 3, "product": None},
          {"id": 5, "product": 1}]
LOADS = USER.replace("  looks:\n", "    load: { file: orders.csv, mode: MODE }\n  looks:\n")


def ready(server):
    return request(server.address, "GET", "/ready").status


def wait_ready(server):
    deadline = time.monotonic() + LIMIT_S
    while ready(server) != 200:
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


@pytest.mark.parametrize("options", [(), ("--batch", "2"), ("--on-conflict", "merge")])
def test_import(near, options):
    near.user.stop()
    (near.user.folder / "orders.csv").write_text(CSV, encoding="utf-8")

    def run(*more):
        return run_program("import", *more, "--store", near.user.store, *near.user.files, "orders",
                           near.user.folder / "orders.csv", env=near.user.env)

    done = run(*options)
    assert "Key (product)=(99) is not present" in done.stderr, done.stderr
    assert done.returncode == 1
    near.user.start()
    assert near.orders() == LOADED
    near.settle()
    near.user.stop()
    done = run("--replace", *options)
    assert done.returncode == 1, done.stderr
    near.user.start()
    assert near.orders() == LOADED
    near.settle()
    assert near.use("DELETE", "/orders").status == 204
    near.settle()


def test_import_waits_for_the_owner(near):
    near.user.stop()
    near.owner.kill()
    (near.user.folder / "orders.csv").write_text("id,product\n1,1\n", encoding="utf-8")
    importing = subprocess.Popen(
        [program(), "import", "--store", near.user.store, *near.user.files, "orders",
         near.user.folder / "orders.csv"], env={**os.environ, **near.user.env},
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert importing.stderr.readline().startswith("waiting for a service")
        near.owner.start()
        assert importing.wait(LIMIT_S) == 0
    finally:
        importing.kill()
        importing.stderr.close()
        importing.wait()
    near.user.start()
    assert near.orders() == [{"id": 1, "product": 1}]
    near.settle()


@pytest.mark.parametrize("mode", ["replace", "add", "once"])
def test_load(near, mode):
    near.user.stop()
    near.owner.kill()
    near.user.files[0].write_text(LOADS.replace("MODE", mode), encoding="utf-8")
    (near.user.folder / "orders.csv").write_text(CSV, encoding="utf-8")
    near.user.start()
    assert ready(near.user) == 503
    assert near.orders() == []
    near.owner.start()
    wait_ready(near.user)
    assert near.orders() == LOADED
    assert "Key (product)=(99) is not present" in near.user.log()
    near.settle()
    # What was loaded before asks nobody.
    near.user.stop()
    near.owner.kill()
    near.user.start()
    wait_ready(near.user)
    assert near.orders() == LOADED
    near.owner.start()
    near.settle()
    near.user.stop()
    (near.user.folder / "orders.csv").write_text("id,product\n1,3\n9,4\n", encoding="utf-8")
    near.user.start()
    wait_ready(near.user)
    assert near.orders() == {
        "replace": [{"id": 1, "product": 3}, {"id": 9, "product": 4}],
        "add": LOADED + [{"id": 9, "product": 4}],
        "once": LOADED}[mode]
    near.settle()


def test_a_program_of_both(tmp_path):
    """Each service of one program waits for the other's rows; and one that waits ends when told."""
    owner = OWNER.replace("    key: id\n    fields: { id: integer, name: text }",
                          "    load: products.csv\n    key: id\n"
                          "    fields: { id: integer, name: text }")
    made = Pair(tmp_path, None, LOADS.replace("MODE", "add"), owner)
    for name, text in (("products", "id,name\n1,x\n2,x\n"), ("orders", CSV)):
        (tmp_path / name / f"{name}.csv").write_text(text, encoding="utf-8")
    files = [*made.user.files, *made.owner.files]
    urls = [f"--set={name}.{key}={value}" for name, server in
            (("orders", made.user), ("products", made.owner))
            for key, value in (("listen", server.listen), ("store", server.store))]
    both = Server(*files, folder=tmp_path, args=urls, own_address=True, env=made.user.env)
    both.env = {"USER_URL": f"http://127.0.0.1:{made.user.port}",
                "OWNER_URL": f"http://127.0.0.1:{made.owner.port}"}
    both.address = made.user.address
    with both.start():
        wait_ready(both)
        assert made.orders() == LOADED
        assert made.own("DELETE", "/products/1").status == 409
    made.user.env = both.env
    (tmp_path / "orders" / "orders.csv").write_text("id,product\n6,1\n", encoding="utf-8")
    with made.user.start():
        assert ready(made.user) == 503
        assert made.user.stop() == 0
