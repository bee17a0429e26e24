"""Keys that are fetched: they rotate, their server is down, slow or hostile, and floods stay small."""
import signal
import time

import pytest
from support.client import Connection, request
from support.jwks import KeyServer, jwk, jwks
from support.server import Server, free_port, run_program
from support.tokens import Keys, bearer, hs256, later

SERVICE = """service: shop
listen: 127.0.0.1:8888
store: "memory:"
auth: { jwks: "URL", refresh: REFRESH, api_keys: { ci: { sha256: SUM } }MORE }
limits: { loops: 3 }
resources:
  products:
    key: id
    fields: { id: integer, name: text }
routes:
  GET /health: { reply: { message: ok } }
"""
SUM = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"
API_KEY = {"X-API-Key": "secret"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("other"))


@pytest.fixture
def source():
    with KeyServer() as server:
        yield server


def service(folder, url, refresh=1, more=""):
    file = folder / "service.yaml"
    text = SERVICE.replace("URL", url).replace("REFRESH", str(refresh)).replace("SUM", SUM)
    file.write_text(text.replace("MORE", more), encoding="utf-8")
    return file


def wait_for(check, what):
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def status(server, headers=(), path="/products"):
    return request(server.address, "GET", path, headers=headers).status


def is_ready(server):
    return status(server, path="/ready") == 200


def token_of(keys, kid=None):
    return bearer(keys.token({"sub": "ann", "exp": later()},
                             {"alg": "RS256", "kid": kid} if kid else None))


def test_nobody_is_let_in_before_they_are_there(start, tmp_path, keys, source):
    server = start(service(tmp_path, source.url), store="memory:")
    for headers in (token_of(keys), API_KEY, {}):
        answer = request(server.address, "GET", "/products", headers=headers)
        assert answer.status == 503 and "keys" in answer.json()["message"], answer
        assert answer.headers["retry-after"]
    assert status(server, path="/live") == 200
    assert status(server, path="/ready") == 503
    source.give(jwk(keys))
    wait_for(lambda: is_ready(server), "the keys")
    for headers in (token_of(keys), API_KEY):
        assert status(server, headers) == 200
    assert status(server) == 401
    log = server.log()
    assert "keys could not be fetched" in log and "the answer is 503" in log
    assert "keys were fetched" in log


def test_a_gateway_waits_for_them_too(tmp_path, keys, source):
    folder = tmp_path / "shop"
    folder.mkdir()
    service(folder, source.url)
    server = Server(tmp_path, folder=tmp_path, store="memory:")
    server.args += ["--gateway", f"127.0.0.1:{server.port}"]
    server.listen = "127.0.0.1:0"
    with server.start():
        assert status(server, path="/ready") == 503
        assert status(server, token_of(keys), path="/shop/products") == 503
        source.give(jwk(keys))
        wait_for(lambda: is_ready(server), "the keys")
        assert status(server, token_of(keys), path="/shop/products") == 200


def test_rotation(start, tmp_path, keys, other, source):
    """A key that is taken out is out on every loop, also for tokens that were checked before."""
    source.give(jwk(keys, "one"))
    server = start(service(tmp_path, source.url), store="memory:")
    wait_for(lambda: is_ready(server), "the keys")
    connections = [Connection(server.address) for _ in range(12)]
    first, second = token_of(keys, "one"), token_of(other, "two")

    def statuses(headers):
        return {connection.request("GET", "/products", headers=headers).status
                for connection in connections}

    assert (statuses(first), statuses(second)) == ({200}, {401})
    source.give(jwk(keys, "one"), jwk(other, "two"))
    wait_for(lambda: statuses(second) == {200}, "the second key")
    assert statuses(first) == {200}
    source.give(jwk(other, "two"))
    wait_for(lambda: statuses(first) == {401}, "the end of the first")
    assert statuses(second) == {200}
    for connection in connections:
        connection.close()


@pytest.mark.slow
def test_an_unknown_key_is_asked_for(start, tmp_path, keys, other, source):
    """Sooner than by itself; a flood of them makes no flood of requests."""
    source.give(jwk(keys, "one"))
    server = start(service(tmp_path, source.url, refresh=86400), store="memory:")
    wait_for(lambda: is_ready(server), "the keys")
    assert len(source.times) == 1
    source.give(jwk(keys, "one"), jwk(other, "two"))
    good, stranger = token_of(other, "two"), token_of(other, "three")
    with Connection(server.address) as connection:
        for _ in range(2000):
            assert connection.request("GET", "/products", headers=stranger).status == 401
    wait_for(lambda: status(server, good) == 200, "the second key")
    begun, first = source.times[0], len(source.times)
    with Connection(server.address) as connection:
        for _ in range(2000):
            assert connection.request("GET", "/products", headers=stranger).status == 401
    # One at most in 5 s.
    assert first <= len(source.times) <= 2 + (time.monotonic() - begun) / 5
    assert metric_of(server, "rowlock_key_fetches_total") == len(source.times)


def metric_of(server, name):
    body = request(server.address, "GET", "/metrics", headers=API_KEY).body.decode()
    return next(int(line.split()[1]) for line in body.splitlines() if line.startswith(name + " "))


def hostile(keys, other):
    small = {"kty": "RSA", "alg": "RS256", "kid": "small", "n": "AQAB", "e": "AQAB"}
    big = b'{"keys":[' + b" " * 10_000_000 + b"]}"
    return [
        ("down", None), ("an error", (500, {}, b"")), ("not found", (404, {}, jwks(jwk(other)))),
        ("no content", (204, {}, b"")), ("html", (200, {}, b"<html>")), ("empty", (200, {}, b"")),
        ("10 MB", (200, {}, big)), ("half", (200, {}, jwks(jwk(other))[:-20])),
        ("a secret", (200, {}, jwks(jwk(other), {"kty": "oct", "alg": "HS256", "k": "A" * 43}))),
        ("a small key", (200, {}, jwks(jwk(other), small))), ("no keys", (200, {}, jwks())),
        ("the same name twice", (200, {}, jwks(jwk(keys, "a"), jwk(other, "a")))),
        ("deep", (200, {}, b'{"keys":' + b"[" * 100_000)),
        ("too many", (200, {}, jwks(*[jwk(other, str(number)) for number in range(33)]))),
    ]


@pytest.mark.slow
def test_what_cannot_be_used_changes_nothing(start, tmp_path, keys, other, source, proof):
    source.give(jwk(keys))
    server = start(service(tmp_path, source.url), store="memory:")
    wait_for(lambda: is_ready(server), "the keys")
    good, bad = token_of(keys), token_of(other)
    secret = bearer(hs256({"sub": "ann", "exp": later()}, secret=b"\0" * 32))
    # Sets that are JSON are tried in auth/key_ring_test.c too.
    rows = hostile(keys, other)
    for what, answer in rows if proof else rows[::2]:
        before = metric_of(server, "rowlock_key_fetch_failures_total")
        source.answer = answer
        wait_for(lambda: metric_of(server, "rowlock_key_fetch_failures_total") > before, what)
        assert (status(server, good), status(server, bad)) == (200, 401), what
        assert status(server, secret) == 401, what
        assert is_ready(server), what
    assert "the answer is 404" in server.log() and "a secret" in server.log()
    source.give(jwk(other))
    wait_for(lambda: status(server, bad) == 200, "the new key")


def test_redirects_are_not_followed(start, tmp_path, keys, source):
    with KeyServer() as elsewhere:
        elsewhere.give(jwk(keys))
        source.answer = (302, {"Location": elsewhere.url}, b"")
        server = start(service(tmp_path, source.url), store="memory:")
        wait_for(lambda: len(source.times) >= 2, "two tries")
        assert elsewhere.times == [] and status(server, token_of(keys)) == 503
        assert "the answer is 302" in server.log()


def test_a_slow_server_keeps_nobody_waiting(start, tmp_path, keys, source):
    source.give(jwk(keys))
    server = start(service(tmp_path, source.url), store="memory:")
    wait_for(lambda: is_ready(server), "the keys")
    source.wait_s = 2
    asked = len(source.times)
    wait_for(lambda: len(source.times) > asked, "a request that waits")
    for _ in range(50):
        assert status(server, token_of(keys)) == 200
    # While one waits there is no other.
    assert len(source.times) == asked + 1
    server.terminate()
    assert server.wait() == 0


@pytest.mark.slow
def test_back_off(start, tmp_path, keys):
    """It is down at first; the pauses grow, and tokens without end make no more tries."""
    port = free_port()
    server = start(service(tmp_path, f"http://127.0.0.1:{port}/keys", refresh=60), store="memory:")
    began = time.monotonic()
    with Connection(server.address) as connection:
        while time.monotonic() < began + 3:
            answer = connection.request("GET", "/products", headers=token_of(keys, "x"))
            assert answer.status == 503
    tries = server.log().count("keys could not be fetched")
    assert 1 <= tries <= 4 + (time.monotonic() - began) / 4
    with KeyServer(port) as source:
        source.give(jwk(keys))
        wait_for(lambda: is_ready(server), "the keys")
        assert status(server, token_of(keys)) == 200


def test_a_reload_keeps_what_was_fetched(start, tmp_path, keys, source):
    source.give(jwk(keys))
    server = start(service(tmp_path, source.url, refresh=60), store="memory:")
    wait_for(lambda: is_ready(server), "the keys")
    source.answer = None
    headers = token_of(keys)
    service(tmp_path, source.url, refresh=60, more=", leeway: 10")
    server.signal(signal.SIGHUP)
    while "was read again" not in server.log() or len(source.times) < 2:
        assert status(server, headers) == 200
    assert status(server, headers) == 200 and is_ready(server)
    # Another address has nothing yet.
    service(tmp_path, source.url + "/other", refresh=60)
    server.signal(signal.SIGHUP)
    wait_for(lambda: status(server, headers) == 503, "the new address")
    source.give(jwk(keys))
    wait_for(lambda: status(server, headers) == 200, "its keys")
    assert source.paths[-1] == "/keys/other"


def test_several_sets_and_a_file(start, tmp_path, keys, other, source):
    with KeyServer() as second:
        source.give(jwk(keys))
        (tmp_path / "c.pub").write_bytes(Keys(tmp_path, name="c").public.read_bytes())
        file = service(tmp_path, "x")
        file.write_text(file.read_text(encoding="utf-8").replace(
            'jwks: "x"', f'keys: [{{ jwks: "{source.url}" }}, {{ jwks: "{second.url}" }}, '
            "{ algorithm: RS256, public_key: c.pub }]"), encoding="utf-8")
        server = start(file, store="memory:")
        wait_for(lambda: "keys were fetched" in server.log(), "the first set")
        assert status(server, token_of(keys)) == 503 and not is_ready(server)
        second.give(jwk(other))
        wait_for(lambda: is_ready(server), "the second set")
        for pair in (keys, other):
            assert status(server, token_of(pair)) == 200


@pytest.mark.parametrize("url, hint", [
    ("http://i.example/keys", "http is for loopback"), ("http://10.0.0.1/keys", "loopback"),
    ("https://user:word@i.example/keys", "no name and password"), ("https://", "HOST"),
])
def test_addresses_that_are_refused(tmp_path, url, hint):
    done = run_program("check", service(tmp_path, url))
    assert done.returncode == 1 and hint in done.stderr
    assert "word@" not in done.stderr


def test_check_asks_nobody(tmp_path, source):
    done = run_program("check", service(tmp_path, source.url))
    assert done.returncode == 0 and f"tokens  {source.url}" in done.stdout
    assert source.times == []


def test_a_server_that_never_answers_does_not_keep_the_stop(start, tmp_path, source):
    source.wait_s = 5
    server = start(service(tmp_path, source.url), store="memory:")
    wait_for(lambda: source.times, "a request")
    assert server.stop() == 0
