"""The shop's contract, line by line, as its clients reach it.

With --url the same tests run against a deployment, with the token in ROWLOCK_TOKEN:
--url http://127.0.0.1:8080, or --url http://127.0.0.1:5010,http://127.0.0.1:5020 for services
without a common door. They only look at what they made.
"""
import decimal
import itertools
import json
import random
import re
import time

import pytest
from support.nginx import IS_INSTALLED
from support.shop import NOBODY, SETUPS, Deployment, Keys, Shop

LIMIT_S = 60  # for what happens behind the answers
NO_UUIDS = ["x", "1", NOBODY[:-1], NOBODY + "0", NOBODY.replace("-", "_"), "%20", "null"]


def pytest_generate_tests(metafunc):
    if "shop" in metafunc.fixturenames:
        pairs = list(itertools.product(SETUPS, ("sqlite", "json")))
        if metafunc.config.getoption("--url"):
            pairs = [("url", "")]
        metafunc.parametrize("shop", pairs, ids=["-".join(pair).strip("-") for pair in pairs],
                             indirect=True, scope="module")


@pytest.fixture(scope="module")
def shop(request, tmp_path_factory):
    """Whatever is served; started for this module unless --url names it."""
    url = request.config.getoption("--url")
    if url:
        yield Deployment(url)
        return
    setup, store = request.param
    if setup == "nginx" and not IS_INSTALLED:
        pytest.skip("nginx is not installed")
    with Shop(tmp_path_factory.mktemp("shop"), setup, store) as running:
        yield running


@pytest.fixture
def call(shop):
    client = shop.client()

    def send(method, path, body=None, headers=None):
        answer = client(method, path, body, headers)
        if answer.status >= 400:
            assert answer.json()["message"], answer
        return answer

    send.plain = client.plain
    yield send
    client.close()


@pytest.fixture
def product(call):
    return make(call, "/products", name="Lamp", price=150.5)


@pytest.fixture
def order(call, product):
    return make(call, "/orders", quantity=2, product_uuid=product["uuid"])


def make(call, path, **fields):
    answer = call("POST", path, fields)
    assert answer.status == 201, answer
    return answer.json()


def wait(call, method, path, status):
    """Asks until it is answered so: what an order held is let go of soon after it is gone."""
    deadline = time.monotonic() + LIMIT_S
    while (answer := call(method, path)).status != status:
        assert answer.status in (409, 503) and time.monotonic() < deadline, answer
        time.sleep(0.05)


def uuids_of(rows):
    return [row["uuid"] for row in rows]


def uuids(answer):
    assert answer.status == 200, answer
    return uuids_of(answer.json())


# ---- who may come in ----

ROUTES = [
    ("GET", "/products"), ("POST", "/products"), ("GET", f"/products/{NOBODY}"),
    ("PATCH", f"/products/{NOBODY}"), ("DELETE", f"/products/{NOBODY}"),
    ("GET", "/orders"), ("GET", f"/orders?product_uuid={NOBODY}"), ("POST", "/orders"),
    ("GET", f"/orders/{NOBODY}"), ("PATCH", f"/orders/{NOBODY}"), ("DELETE", f"/orders/{NOBODY}"),
    ("GET", f"/orders/{NOBODY}/lines"), ("POST", f"/orders/{NOBODY}/lines"),
    ("GET", f"/orders/{NOBODY}/lines/{NOBODY}"), ("PATCH", f"/orders/{NOBODY}/lines/{NOBODY}"),
    ("DELETE", f"/orders/{NOBODY}/lines/{NOBODY}"), ("DELETE", "/orders"), ("PUT", "/products/1"),
]


def refused(answer):
    assert answer.status == 401, answer
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["message"]


def test_nothing_without_a_token(call):
    for (method, path), slash in itertools.product(ROUTES, ("", "/")):
        name, question, query = path.partition("?")
        body = {} if method in ("POST", "PATCH", "PUT") else None
        refused(call.plain(method, name + slash + question + query, body))


@pytest.fixture(scope="module")
def bad_tokens(shop, tmp_path_factory):
    tokens = {"of somebody else": Keys(tmp_path_factory.mktemp("other") / "keys").token("--sub", "a"),
              "no token": "x", "empty": "", "no signature": "e30.e30."}
    if isinstance(shop, Shop):
        tokens["expired"] = shop.keys.token("--sub", "ann", "--ttl", -60)
        tokens["cut"] = shop.keys.token("--sub", "ann")[:-9]
    return tokens


def test_nothing_with_a_bad_token(call, bad_tokens):
    for (method, path), token in itertools.product(ROUTES, bad_tokens.values()):
        body = {} if method in ("POST", "PATCH", "PUT") else None
        refused(call.plain(method, path, body, {"Authorization": f"Bearer {token}"}))


# ---- products ----

@pytest.mark.parametrize("slash", ["", "/"])
def test_a_product_from_its_first_day_to_its_last(call, slash):
    answer = call("POST", "/products" + slash, {"name": "Ärmel 👕", "price": "19.9000"})
    assert answer.status == 201
    made = answer.json()
    assert list(made) == ["uuid", "name", "price"]
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["uuid"])
    assert made["name"] == "Ärmel 👕" and made["price"] == 19.9
    path = f"/products/{made['uuid']}{slash}"
    assert answer.headers["location"].endswith(path.rstrip("/"))
    assert call("GET", path).json() == made
    assert made in call("GET", "/products" + slash).json()
    changed = call("PATCH", path, {"price": 20, "uuid": NOBODY})
    assert (changed.status, changed.body) == (204, b"")
    assert call("GET", path).json() == {**made, "price": 20}
    assert call("PATCH", path, {"name": "Sleeve", "price": "0.25"}).status == 204
    assert call("PATCH", path, {"name": "Ärmel"}).status == 204
    assert call("PATCH", path, {"uuid": 7}).status == 204
    assert call("GET", path).json() == {**made, "name": "Ärmel", "price": 0.25}
    gone = call("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    assert call("GET", path).status == 404
    assert made["uuid"] not in uuids(call("GET", "/products" + slash))


PRICES = [
    ("150.5", "150.5"), ('"150.5"', "150.5"), ("150.50", "150.5"), ("0", "0"), ('"0"', "0"),
    ("0.0001", "0.0001"), ('"0.1"', "0.1"), ("1", "1"), ("3.1415", "3.1415"),
    ("99999999999999.9999", "99999999999999.9999"), ('"99999999999999.9999"', "99999999999999.9999"),
    ("9007199254740.9931", "9007199254740.9931"), ("1.0", "1"),
]


def test_a_price_stays_what_it_was(call):
    for price, shown in PRICES:
        answer = call("POST", "/products", f'{{"name":"a","price":{price}}}'.encode())
        assert answer.status == 201, answer
        path = f"/products/{answer.json()['uuid']}"
        for body in (answer.body, call("GET", path).body):
            assert re.search(rb'"price":([^,}]*)', body)[1].decode() == shown
            value = json.loads(body, parse_float=decimal.Decimal)["price"]
            assert value == decimal.Decimal(price.strip('"'))
        assert call("DELETE", path).status == 204


GOOD = {"name": "a", "price": 1}
BAD_PRICES = [-0.0001, -1, "-1", "", " 1", "1 ", "one", "1,5", "1e", "0x1", "NaN", "Infinity", True,
              None, [1], {"a": 1}, "1.00001", 1.00001, 0.12345, 100000000000000, "100000000000000",
              "--1", "1.2.3", "٣"]


def test_a_price_that_is_none(call, product):
    doors = (("POST", "/products"), ("PATCH", f"/products/{product['uuid']}"))
    for price, (method, path) in itertools.product(BAD_PRICES, doors):
        answer = call(method, path, {"name": "bad price", "price": price})
        assert answer.status == 400 and "price" in answer.json()["message"], answer
    assert call("GET", f"/products/{product['uuid']}").json() == product
    assert call("GET", "/products?name=eq.bad%20price").json() == []


BAD_PRODUCTS = [
    ({"price": 1}, "name"), ({"name": "a"}, "price"), ({}, ""), ({**GOOD, "name": None}, "name"),
    ({**GOOD, "name": 5}, "name"), ({**GOOD, "name": ["a"]}, "name"), ({**GOOD, "colour": 1}, "colour"),
    ({**GOOD, "Price": 1}, "Price"), ({**GOOD, "": 1}, ""), ({**GOOD, "product_uuid": NOBODY}, "product_uuid"),
]


def test_a_product_that_is_none(call):
    before = uuids(call("GET", "/products"))
    for fields, named in BAD_PRODUCTS:
        answer = call("POST", "/products", fields)
        assert answer.status == 400 and named in answer.json()["message"], answer
    assert uuids(call("GET", "/products")) == before


BODIES = [b"", b"{", b"null", b"5", b'"x"', b"[1]", b"[[]]", b"{}}", b'{"name":}', b"\xff", b"name=a",
          b'{"name":"a","price":1,"name":"b"}', b'{"name":"a","price":01}', b'{"name":"\x00","price":1}']


def test_a_body_that_is_none(call, order):
    paths = [("POST", "/products"), ("PATCH", f"/products/{order['product_uuid']}"),
             ("POST", "/orders"), ("PATCH", f"/orders/{order['uuid']}"),
             ("POST", f"/orders/{order['uuid']}/lines")]
    for (method, path), body in itertools.product(paths, BODIES):
        assert call(method, path, body).status == 400, (method, path, body)
    assert call("GET", f"/orders/{order['uuid']}").json() == order


def test_fields_that_a_product_has_not(call, product):
    path = f"/products/{product['uuid']}"
    for fields in ({"colour": "red"}, {"name": "b", "colour": "red"}, {"quantity": 1}):
        answer = call("PATCH", path, fields)
        assert answer.status == 400 and list(fields)[-1] in answer.json()["message"]
    assert call("PATCH", path, {"name": None}).status == 400
    assert call("GET", path).json() == product


def test_a_product_that_is_not_there(call):
    for name, slash in itertools.product([NOBODY, *NO_UUIDS], ("", "/")):
        path = f"/products/{name}{slash}"
        assert call("GET", path).status == 404
        assert call("DELETE", path).status == 404
        for fields in ({"name": "a"}, {"price": 1}, {"uuid": NOBODY}, {}):
            assert call("PATCH", path, fields).status == 404


# ---- orders ----

@pytest.mark.parametrize("slash", ["", "/"])
def test_an_order_from_its_first_day_to_its_last(call, product, slash):
    answer = call("POST", "/orders" + slash, {"quantity": 3, "product_uuid": product["uuid"]})
    assert answer.status == 201
    made = answer.json()
    assert made == {"uuid": made["uuid"], "quantity": 3, "product_uuid": product["uuid"]}
    path = f"/orders/{made['uuid']}{slash}"
    assert answer.headers["location"].endswith(path.rstrip("/"))
    assert call("GET", path).json() == made
    assert made in call("GET", "/orders" + slash).json()
    assert call("GET", f"/orders{slash}?product_uuid={product['uuid']}").json() == [made]
    changed = call("PATCH", path, {"quantity": 5, "uuid": NOBODY, "product_uuid": NOBODY})
    assert (changed.status, changed.body) == (204, b"")
    assert call("PATCH", path, {"quantity": 7, "uuid": 1, "product_uuid": []}).status == 204
    assert call("GET", path).json() == {**made, "quantity": 7}
    gone = call("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    assert call("GET", path).status == 404
    assert call("GET", f"/orders?product_uuid={product['uuid']}").json() == []


def test_orders_by_product(call, product):
    other = make(call, "/products", name="Table", price=9)
    wanted = [make(call, "/orders", quantity=n, product_uuid=product["uuid"]) for n in (1, 2, 3)]
    make(call, "/orders", quantity=4, product_uuid=other["uuid"])
    for slash in ("", "/"):
        answer = call("GET", f"/orders{slash}?product_uuid={product['uuid']}")
        assert sorted(answer.json(), key=lambda row: row["quantity"]) == wanted
    assert {row["uuid"] for row in wanted} <= set(uuids(call("GET", "/orders?product_uuid=")))
    assert call("GET", f"/orders?product_uuid={NOBODY}").json() == []
    for name in NO_UUIDS:
        answer = call("GET", f"/orders?product_uuid={name}")
        assert answer.status == 400 and "product_uuid" in answer.json()["message"]


QUANTITIES = [0, -1, 1.5, "1", "", True, None, [1], {"a": 1}, 2 ** 63, "x"]


def test_a_quantity_that_is_none(call, order):
    product = {"product_uuid": order["product_uuid"]}
    doors = (("POST", "/orders", product), ("PATCH", f"/orders/{order['uuid']}", {}),
             ("POST", f"/orders/{order['uuid']}/lines", product))
    for quantity, (method, path, fields) in itertools.product(QUANTITIES, doors):
        answer = call(method, path, {"quantity": quantity, **fields})
        assert answer.status == 400 and "quantity" in answer.json()["message"], answer
    assert call("GET", f"/orders?product_uuid={order['product_uuid']}").json() == [order]
    assert call("GET", f"/orders/{order['uuid']}/lines").json() == []


def test_the_largest_quantity(call, product):
    made = make(call, "/orders", quantity=2 ** 63 - 1, product_uuid=product["uuid"])
    assert call("GET", f"/orders/{made['uuid']}").json()["quantity"] == 2 ** 63 - 1


BAD_ORDERS = [
    ({"product_uuid": "x"}, "product_uuid"), ({"product_uuid": 5}, "product_uuid"),
    ({"product_uuid": None}, "product_uuid"), ({"product_uuid": NOBODY + "0"}, "product_uuid"),
    ({"product_uuid": ""}, "product_uuid"), ({"product_uuid": [NOBODY]}, "product_uuid"),
    ({"price": 5}, "price"), ({"note": ""}, "note"),
]


def test_an_order_that_is_none(call, product):
    for wrong, named in BAD_ORDERS:
        answer = call("POST", "/orders", {"quantity": 1, "product_uuid": product["uuid"], **wrong})
        assert answer.status == 400 and named in answer.json()["message"], answer
    assert call("GET", f"/orders?product_uuid={product['uuid']}").json() == []


def test_an_order_needs_both_its_fields(call, product):
    for fields, named in (({"quantity": 1}, "product_uuid"), ({}, ""),
                          ({"product_uuid": product["uuid"]}, "quantity")):
        answer = call("POST", "/orders", fields)
        assert answer.status == 400 and named in answer.json()["message"]


def test_a_change_of_an_order_needs_a_quantity(call, order):
    path = f"/orders/{order['uuid']}"
    for fields in ({}, {"uuid": NOBODY}, {"product_uuid": NOBODY}):
        answer = call("PATCH", path, fields)
        assert answer.status == 400 and "quantity" in answer.json()["message"]
    answer = call("PATCH", path, {"quantity": 4, "price": 4})
    assert answer.status == 400 and "price" in answer.json()["message"]
    assert call("GET", path).json() == order


def test_an_order_that_is_not_there(call):
    for name, slash in itertools.product([NOBODY, *NO_UUIDS], ("", "/")):
        path = f"/orders/{name}{slash}"
        assert call("GET", path).status == 404
        assert call("PATCH", path, {"quantity": 1}).status == 404
        assert call("DELETE", path).status == 404


# ---- lines of an order ----

def test_a_line_from_its_first_day_to_its_last(call, order):
    other = make(call, "/products", name="Chair", price=40)
    lines = f"/orders/{order['uuid']}/lines"
    assert call("GET", lines).json() == []
    made = make(call, lines, product_uuid=other["uuid"], quantity=6)
    assert made == {"order_uuid": order["uuid"], "product_uuid": other["uuid"], "quantity": 6}
    first = make(call, lines + "/", product_uuid=order["product_uuid"], quantity=1)
    for slash in ("", "/"):
        assert sorted(call("GET", lines + slash).json(), key=lambda row: row["quantity"]) == [first, made]
    path = f"{lines}/{other['uuid']}"
    assert call("GET", path).json() == made
    assert call("PATCH", path, {"quantity": 2, "product_uuid": 5, "order_uuid": 5}).status == 204
    assert call("PATCH", path, {}).status == 400
    assert call("PATCH", path, {"quantity": 0}).status == 400
    assert call("GET", path).json() == {**made, "quantity": 2}
    again = call("POST", lines, {"product_uuid": other["uuid"], "quantity": 1})
    assert again.status == 409
    assert call("DELETE", f"/orders/{order['uuid']}").status == 409
    for line in (path, f"{lines}/{order['product_uuid']}"):
        assert call("DELETE", line).status == 204
        for method in ("GET", "DELETE"):
            assert call(method, line).status == 404
        assert call("PATCH", line, {"quantity": 1}).status == 404
    assert call("GET", lines).json() == []
    assert call("DELETE", f"/orders/{order['uuid']}").status == 204


def test_lines_of_no_order(call, product):
    fields = {"product_uuid": product["uuid"], "quantity": 1}
    answer = call("POST", f"/orders/{NOBODY}/lines", fields)
    assert answer.status == 409
    assert call("GET", f"/orders/{NOBODY}/lines").json() == []
    for name in NO_UUIDS:
        assert call("POST", f"/orders/{name}/lines", fields).status == 404
        assert call("GET", f"/orders/{name}/lines").status in (200, 404)
    wait(call, "DELETE", f"/products/{product['uuid']}", 204)


# ---- what refers to each other ----

def test_no_order_of_a_product_that_is_not_there(call, product, order):
    orders = uuids(call("GET", "/orders"))
    gone = make(call, "/products", name="Gone", price=1)["uuid"]
    assert call("DELETE", f"/products/{gone}").status == 204
    lines = f"/orders/{order['uuid']}/lines"
    for missing in (NOBODY, gone):
        for path, body in (
                ("/orders", {"quantity": 1, "product_uuid": missing}),
                ("/orders/", [{"quantity": 1, "product_uuid": product["uuid"]},
                              {"quantity": 1, "product_uuid": missing}]),
                (lines, {"quantity": 1, "product_uuid": missing}),
                (lines, [{"quantity": 1, "product_uuid": product["uuid"]},
                         {"quantity": 1, "product_uuid": missing}])):
            answer = call("POST", path, body)
            assert answer.status == 409, answer
    assert uuids(call("GET", "/orders")) == orders
    assert call("GET", lines).json() == []
    assert call("DELETE", f"/orders/{order['uuid']}").status == 204
    wait(call, "DELETE", f"/products/{product['uuid']}", 204)


def test_what_is_booked_stays(call, product):
    path = f"/products/{product['uuid']}"
    order = make(call, "/orders", quantity=1, product_uuid=product["uuid"])
    other = make(call, "/orders", quantity=2, product_uuid=product["uuid"])
    for method in ("PATCH", "PATCH"):
        assert call(method, path, {"name": "still for sale", "price": 2}).status == 204
    for number in (order, other):
        assert call("DELETE", path).status == 409
        assert call("DELETE", path + "/").status == 409
        assert call("GET", path).json()["name"] == "still for sale"
        assert call("PATCH", f"/orders/{number['uuid']}", {"quantity": 9}).status == 204
        assert call("DELETE", path).status == 409
        assert call("DELETE", f"/orders/{number['uuid']}").status == 204
    wait(call, "DELETE", path, 204)
    assert call("GET", path).status == 404


def test_what_is_in_a_line_stays(call, order):
    first = order["product_uuid"]
    other = make(call, "/products", name="Chair", price=40)["uuid"]
    lines = f"/orders/{order['uuid']}/lines"
    make(call, lines, product_uuid=other, quantity=1)
    make(call, lines, product_uuid=first, quantity=1)
    for name in (first, other):
        assert call("DELETE", f"/products/{name}").status == 409
    assert call("PATCH", f"{lines}/{other}", {"quantity": 8}).status == 204
    assert call("DELETE", f"/products/{other}").status == 409
    for name in (first, other):
        assert call("DELETE", f"{lines}/{name}").status == 204
    wait(call, "DELETE", f"/products/{other}", 204)
    assert call("DELETE", f"/products/{first}").status == 409  # the order itself
    assert call("DELETE", f"/orders/{order['uuid']}").status == 204
    wait(call, "DELETE", f"/products/{first}", 204)


def test_orders_that_were_made_together_go_one_by_one(call, product):
    other = make(call, "/products", name="Chair", price=40)["uuid"]
    fields = {"quantity": 1, "product_uuid": product["uuid"]}
    answer = call("POST", "/orders", [fields, {**fields, "product_uuid": other}, fields])
    assert answer.status == 201
    first, second, third = uuids_of(answer.json())
    for number in (first, second):
        assert call("DELETE", f"/orders/{number}").status == 204
    # What is let go of goes in order: when the second product is free, so would be the first.
    wait(call, "DELETE", f"/products/{other}", 204)
    assert call("DELETE", f"/products/{product['uuid']}").status == 409
    assert call("DELETE", f"/orders/{third}").status == 204
    wait(call, "DELETE", f"/products/{product['uuid']}", 204)


def test_an_order_that_is_sent_twice_is_one(call, product):
    key = {"Idempotency-Key": f"{random.SystemRandom().randrange(2 ** 60)}"}
    fields = {"quantity": 1, "product_uuid": product["uuid"]}
    first = call("POST", "/orders", fields, key)
    again = call("POST", "/orders", fields, key)
    assert (first.status, first.body) == (again.status, again.body) == (201, first.body)
    assert call("GET", f"/orders?product_uuid={product['uuid']}").json() == [first.json()]
    assert call("DELETE", f"/orders/{first.json()['uuid']}").status == 204
    wait(call, "DELETE", f"/products/{product['uuid']}", 204)


def test_an_order_that_is_refused_holds_nothing(call, product, order):
    line = {"product_uuid": product["uuid"], "quantity": 1}
    lines = f"/orders/{order['uuid']}/lines"
    make(call, lines, **line)
    assert call("POST", lines, line).status == 409  # it has this one
    assert call("POST", "/orders", [{**line}, {"quantity": 0, "product_uuid": product["uuid"]}]
                ).status == 400
    assert call("DELETE", f"{lines}/{product['uuid']}").status == 204
    assert call("DELETE", f"/orders/{order['uuid']}").status == 204
    wait(call, "DELETE", f"/products/{product['uuid']}", 204)


# ---- the documents ----

def test_one_page_shows_both_documents(call, shop):
    if shop.setup not in ("gateway", "url"):
        pytest.skip("this door has no such page")
    page = call.plain("GET", "/docs/")
    if page.status == 404 and shop.setup == "url":
        pytest.skip("this door has no such page")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    for name in ("products", "orders"):
        assert f'"../{name}/openapi.json"' in page.body.decode()
        document = call.plain("GET", f"/{name}/openapi.json").json()
        assert document["openapi"].startswith("3.1.") and document["info"]["title"] == name
        [(scheme, how)] = document["components"]["securitySchemes"].items()
        assert (how["type"], how["scheme"]) == ("http", "bearer"), "a token can be given in the page"
        listed = document["paths"][f"/{name}"]["get"]
        assert {scheme: []} in (listed.get("security") or document["security"])
        assert "401" in listed["responses"]
