"""A service whose rows come to refer to another's, and backups that are restored on one side:
`rowlock migrate` and `rowlock links`. See docs/links.md."""
import shutil
import time

import pytest
from support.client import metric, request
from support.server import Server, run_program

LIMIT_S = 60
OWNER = """
service: products
limits: { loops: 1, link_lease_ms: 1000 }
resources:
  products:
    key: id
    fields: { id: integer }
  orders:
    at: "${USER_URL:-http://127.0.0.1:1}"
    key: id
    fields: { id: integer, product: { type: integer, references: products } }
"""
BEFORE = """
service: orders
limits: { loops: 1 }
resources:
  orders:
    key: id
    fields: { id: integer, product: integer }
"""
USER = """
service: orders
limits: { loops: 1, link_lease_ms: 1000 }
resources:
  products:
    at: "${OWNER_URL:-http://127.0.0.1:1}"
    key: id
    fields: { id: integer }
  orders:
    key: id
    fields: { id: integer, product: { type: integer, references: products } }
"""
TABLES = ("_rl_decision", "_rl_outbox", "_rl_hold_product")


class Pair:
    def __init__(self, folder, user_text, user_store=None):
        def make(name, text, **options):
            (folder / name).mkdir()
            file = folder / name / f"{name}.yaml"
            file.write_text(text, encoding="utf-8")
            return Server(file, folder=folder / name, **options)

        self.owner = make("products", OWNER)
        self.user = make("orders", user_text, store=user_store)
        for server in (self.owner, self.user):
            server.env = {"USER_URL": f"http://127.0.0.1:{self.user.port}",
                          "OWNER_URL": f"http://127.0.0.1:{self.owner.port}",
                          "LINK_KEY": "0123456789abcdef"}

    def run(self, server, command, *args):
        store = [] if command == "check" else ["--store", server.store]
        done = run_program(command, server.files[0], *args, *store, env=server.env)
        return done.returncode, done.stdout, done.stderr

    def links(self, server, *args):
        return self.run(server, "links", *args)

    def kill(self):
        self.owner.kill()
        self.user.kill()


def ask(server, method, path, body=None):
    return request(server.address, method, path, body)


def wait_until(what):
    deadline = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _built_in(tmp_path):
    file = tmp_path / "any.yaml"
    file.write_text(USER, encoding="utf-8")
    if "without references between services" in run_program("check", file).stderr:
        pytest.skip("the program was built without libcurl")


@pytest.fixture
def pair(tmp_path):
    made = Pair(tmp_path, USER)
    yield made
    made.kill()


@pytest.fixture(params=["sqlite", "mariadb"])
def older(request, tmp_path):
    """Orders were there before the reference."""
    store = request.getfixturevalue("mariadb_database")() if request.param == "mariadb" else None
    made = Pair(tmp_path, BEFORE, store)
    yield made
    made.kill()


def test_a_reference_is_added(older):
    owner, user = older.owner, older.user
    user.start()
    rows = [{"id": i, "product": product} for i, product in enumerate([1, 1, 2, 9, None], 1)]
    assert ask(user, "POST", "/orders", rows).status == 201
    assert user.stop() == 0
    owner.start()
    assert ask(owner, "POST", "/products", [{"id": i} for i in range(1, 4)]).status == 201

    user.files[0].write_text(USER, encoding="utf-8")
    assert "migrate" in older.links(user, "check")[2]
    code, plan, said = older.run(user, "migrate", "plan")
    assert code == 0, said
    assert all(f'"{name}"' in plan or f"`{name}`" in plan for name in TABLES), plan
    assert older.run(user, "migrate", "new", "links")[0] == 0
    assert older.run(user, "migrate", "apply")[0] == 0
    assert "the database is what" in older.run(user, "migrate", "plan")[1]

    assert older.links(user, "check") == (
        1, "orders (product): 4 rows without a hold of products\n", "")
    assert older.links(user, "check", "--peer", "others") == (0, "nothing differs\n", "")
    assert older.links(user, "repair") == (
        1, "orders (product): 4 rows without a hold of products; held now\n"
           "orders (product): 1 of the rows of products that are referred to is not there\n", "")
    assert older.links(user, "check") == (
        1, "orders (product): 1 row without a hold of products\n", "")
    assert [ask(owner, "DELETE", f"/products/{i}").status for i in (1, 2, 3)] == [409, 409, 204]

    user.start()
    assert ask(user, "DELETE", "/orders?id=in.(1,2,4)").status == 204
    wait_until(lambda: ask(owner, "DELETE", "/products/1").status == 204)
    assert ask(owner, "DELETE", "/products/2").status == 409
    assert user.stop() == 0
    assert older.links(user, "check") == (0, "nothing differs\n", "")

    # And it goes again.
    assert older.run(user, "migrate", "rollback")[0] == 0
    user.files[0].write_text(BEFORE, encoding="utf-8")
    user.start()
    assert ask(user, "GET", "/orders?order=id").json() == [
        {"id": 3, "product": 2}, {"id": 5, "product": None}]


def restore(server, saved):
    """The database as it was; its server is stopped."""
    for end in ("-wal", "-shm"):
        server.database.with_name(server.database.name + end).unlink(missing_ok=True)
    shutil.copy(saved, server.database)


def prepare(pair, folder, whose):
    """A product that an order refers to, and a database from before the order."""
    for server in (pair.owner, pair.user):
        server.start()
    assert ask(pair.owner, "POST", "/products", {"id": 1}).status == 201
    saved = folder / "saved.db"
    assert whose.stop() == 0
    shutil.copy(whose.database, saved)
    whose.start()
    assert ask(pair.user, "POST", "/orders", {"id": 1, "product": 1}).status == 201
    wait_until(lambda: metric(pair.owner, "rowlock_holds_kept") == 1)
    assert pair.owner.stop() == 0 and pair.user.stop() == 0
    restore(whose, saved)


def test_the_owner_was_restored(pair, tmp_path):
    prepare(pair, tmp_path, pair.owner)
    code, said, wrong = pair.links(pair.user, "check")
    assert (code, said) == (1, "") and "does not answer" in wrong, wrong
    pair.owner.start()
    assert pair.links(pair.user, "check") == (
        1, "orders (product): 1 row with a hold that products does not have\n", "")
    assert pair.links(pair.user, "repair") == (
        0, "orders (product): 1 row with a hold that products does not have; held anew\n", "")
    assert pair.links(pair.user, "check") == (0, "nothing differs\n", "")
    pair.user.start()
    assert ask(pair.owner, "DELETE", "/products/1").status == 409
    wait_until(lambda: metric(pair.owner, "rowlock_holds_kept") == 1)
    assert ask(pair.user, "DELETE", "/orders/1").status == 204
    wait_until(lambda: ask(pair.owner, "DELETE", "/products/1").status == 204)


def test_the_user_was_restored(pair, tmp_path):
    prepare(pair, tmp_path, pair.user)
    pair.user.start()
    found = "products: 1 hold of orders that no row uses"
    assert pair.links(pair.owner, "check") == (1, found + "\n", "")
    assert pair.links(pair.owner, "repair") == (0, "nothing differs\n", "")
    assert pair.links(pair.owner, "release") == (0, found + "; released\n", "")
    assert pair.links(pair.owner, "check") == (0, "nothing differs\n", "")
    pair.owner.start()
    assert ask(pair.owner, "DELETE", "/products/1").status == 204


def test_a_user_that_is_gone(pair, tmp_path):
    prepare(pair, tmp_path, pair.user)
    text = OWNER.replace("  orders:\n", "  buyers:\n")
    pair.owner.files[0].write_text(text, encoding="utf-8")
    found = "products: 1 hold of orders that the service file does not name; " \
            "`release --peer orders` deletes them\n"
    assert pair.links(pair.owner, "check") == (1, found, "")
    assert pair.links(pair.owner, "release") == (1, found, "")
    assert pair.links(pair.owner, "release", "--peer", "orders") == (
        0, "products: 1 hold of orders released\n", "")
    assert pair.links(pair.owner, "check") == (0, "nothing differs\n", "")


def test_nothing_is_shown(pair):
    pair.owner.start()
    pair.user.start()
    assert ask(pair.owner, "POST", "/products", {"id": 1}).status == 201
    assert ask(pair.user, "POST", "/orders", {"id": 1, "product": 1}).status == 201
    hold = "_rl_hold_product"
    for path in ("/orders", "/orders/1", "/", "/openapi.json", "/docs", "/orders?select=*"):
        for accept in ("*/*", "text/html", "text/csv", "application/openapi+json"):
            body = request(pair.user.address, "GET", path, None, {"Accept": accept}).body
            assert b"_rl_" not in body, (path, accept)
    merge = {"Prefer": "resolution=merge-duplicates"}
    for name in (hold, "unknown"):
        seen = [request(pair.user.address, method, path.format(name), body, merge) for method, path, body in (
            ("GET", "/{}", None), ("GET", "/orders?{}=is.null", None), ("GET", "/orders?select={}", None),
            ("GET", "/orders?order={}", None), ("GET", "/orders?select=*,{}(*)", None),
            ("POST", "/orders?columns=id,{}", {"id": 2}), ("POST", "/orders", {"id": 2, name: None}),
            ("POST", "/orders?on_conflict={}", {"id": 2}), ("PATCH", "/orders?id=eq.1", {name: None}))]
        said = [(answer.status, answer.body.decode().replace(name, "")) for answer in seen]
        known = said if name == hold else known
    assert said == known
    for server in (pair.owner, pair.user):
        assert server.stop() == 0
        assert "_rl_" not in pair.run(server, "check")[1]
    for name in ("_rl_decision", "_rl_outbox", "_rl_nothing"):
        code, said, wrong = pair.run(pair.user, "export", name)
        assert (code, said) == (1, "") and f'no resource "{name}"\n' in wrong
    assert pair.run(pair.user, "export", "orders")[1] == '{"id":1,"product":1}\n'
    text = run_program("introspect", "--store", pair.user.store, "--write").stdout
    assert "_rl_" not in text and "read_only: true" in text


def test_usage(pair):
    for args in ((), ("mend",), ("check", "more")):
        code, said, wrong = pair.links(pair.user, *args)
        assert (code, said) == (2, "") and "check, repair, release" in wrong
    pair.user.env = {**pair.user.env, "LINK_KEY": "short"}
    code, said, wrong = pair.links(pair.user, "check")
    assert (code, said) == (1, "") and "LINK_KEY is too short" in wrong
