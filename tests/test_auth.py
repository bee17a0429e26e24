"""Tokens, API keys and rates, and above all who is not let in."""
import json
import os
import re
import signal
import socket
import stat
import time

import pytest
from support import tokens
from support.client import Connection, request
from support.server import Server, free_port, run_program
from support.tokens import Keys, bearer, hs256, later

SERVICE = """service: shop
listen: 127.0.0.1:8888
store: "memory:"
auth: { AUTH }
errors: { message: "{message}" }
resources:
  products:
    key: id
    fields: { id: integer, name: text }
routes:
  GET /names: { list: products, select: name }
  PUT /put/{id}: { upsert: products }
"""
RS256 = "algorithm: RS256, public_key: jwt.pub"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("other"))


def service(folder, auth=RS256, keys=None):
    """A service file with this `auth`, and the public key beside it."""
    file = folder / "service.yaml"
    file.write_text(SERVICE.replace("AUTH", auth), encoding="utf-8")
    if keys is not None:
        (folder / "jwt.pub").write_bytes(keys.public.read_bytes())
    return file


@pytest.fixture(scope="module")
def shop(module_start, tmp_path_factory, keys):
    """The service with the public key of `keys`."""
    return module_start(service(tmp_path_factory.mktemp("shop"), keys=keys), store="memory:")


def get(server, path="/products", headers=(), method="GET"):
    return request(server.address, method, path, headers=headers)


def is_refused(answer, code="PGRST301"):
    assert answer.status == 401, answer
    assert answer.headers["www-authenticate"].startswith("Bearer"), answer
    assert code is None or answer.json()["code"] == code
    return answer.json()["message"]


# ---- who is let in ----

def test_a_good_token(shop, keys):
    answer = get(shop, headers=bearer(keys.token({"sub": "ann", "exp": later()})))
    assert (answer.status, answer.body) == (200, b"[]")
    assert answer.headers["cache-control"] == "private, no-cache"


def test_the_leeway(shop, keys):
    """30 s after it is over, and 30 s before it begins. Three are left for the way."""
    now = int(time.time())
    for payload in ({"exp": now - 27}, {"exp": now + 60, "nbf": now + 27},
                    {"exp": now + 60, "iat": now + 27}):
        assert get(shop, headers=bearer(keys.token(payload))).status == 200, payload


def test_it_ends_with_its_time(shop, keys):
    """Also of a token that was checked before."""
    headers = bearer(keys.token({"sub": "ann", "exp": int(time.time()) - 28}))
    with Connection(shop.address) as connection:
        assert connection.request("GET", "/products", headers=headers).status == 200
        time.sleep(2.1)
        assert is_refused(connection.request("GET", "/products", headers=headers),
                          "PGRST303") == "JWT expired"


@pytest.mark.parametrize("kind", ["RS256", "PS256", "ES256", "EdDSA"])
def test_each_algorithm_by_the_commands(start, tmp_path, kind):
    done = run_program("keys", "--out", tmp_path, "--algorithm", kind)
    assert (done.returncode, done.stderr) == (0, "")
    server = start(service(tmp_path, f"algorithm: {kind}, public_key: jwt.pub"), store="memory:")
    made = run_program("token", "--key", tmp_path / "jwt.key", "--sub", "ann", "--algorithm", kind)
    assert get(server, headers=bearer(made.stdout.strip())).status == 200
    others = {"RS256": "PS256", "PS256": "RS256"}
    if kind in others:
        made = run_program("token", "--key", tmp_path / "jwt.key", "--sub", "ann", "--algorithm",
                           others[kind])
        is_refused(get(server, headers=bearer(made.stdout.strip())))


def test_several_keys(start, tmp_path, keys):
    """Of one kind by `kid`, and of several kinds."""
    (tmp_path / "a.pub").write_bytes(keys.public.read_bytes())
    third = Keys(tmp_path, name="b")
    file = service(tmp_path, f"""keys: [
      {{ algorithm: RS256, public_key: a.pub, kid: a }},
      {{ algorithm: RS256, public_key: b.pub, kid: b }},
      {{ algorithm: HS256, secret: "{tokens.SECRET}" }}]""")
    server = start(file, store="memory:")
    payload = {"exp": later()}
    good = [keys.token(payload), third.token(payload), hs256(payload),
            keys.token(payload, {"alg": "RS256", "kid": "a"}),
            third.token(payload, {"alg": "RS256", "kid": "b"}),
            hs256(payload, {"alg": "HS256", "kid": "any"})]
    bad = [keys.token(payload, {"alg": "RS256", "kid": "b"}), keys.token(payload, {"alg": "HS256"}),
           third.token(payload, {"alg": "RS256", "kid": "c"}), hs256(payload, {"alg": "RS256"}),
           hs256(payload, secret=keys.public.read_bytes())]
    for token in good:
        assert get(server, headers=bearer(token)).status == 200
    for token in bad:
        is_refused(get(server, headers=bearer(token)))


def test_a_key_set(start, tmp_path, keys):
    modulus = tokens.openssl("rsa", "-pubin", "-in", keys.public, "-noout", "-modulus").decode()
    (tmp_path / "set.json").write_text(json.dumps({"keys": [
        {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "alg": "RS256", "kid": "one", "e": "AQAB",
         "n": tokens.b64(bytes.fromhex(modulus.strip().split("=")[1]))}]}), encoding="utf-8")
    server = start(service(tmp_path, "jwks: set.json"), store="memory:")
    payload = {"exp": later()}
    assert get(server, headers=bearer(keys.token(payload))).status == 200
    is_refused(get(server, headers=bearer(keys.token(payload, {"alg": "RS256", "kid": "two"}))))


def test_what_a_token_must_say(start, tmp_path, keys):
    file = service(tmp_path, RS256 + ", issuer: 'https://i.example', audience: [shop, other], "
                   "required: [sub], expiry: optional, leeway: 0", keys)
    server = start(file, store="memory:")
    good = {"iss": "https://i.example", "aud": "shop", "sub": "ann"}
    for payload in (good, {**good, "aud": ["x", "other"]}, {**good, "exp": later()}):
        assert get(server, headers=bearer(keys.token(payload))).status == 200
    for payload, message in (
            ({**good, "iss": "https://i.example/"}, "JWT not from the issuer"),
            ({**good, "aud": "shops"}, "JWT not in audience"),
            ({**good, "exp": int(time.time())}, "JWT expired"),
            ({"iss": good["iss"], "aud": "shop"}, "The JWT has no 'sub' claim")):
        answer = get(server, headers=bearer(keys.token(payload)))
        assert is_refused(answer, "PGRST303") == message
        assert answer.headers["www-authenticate"] == (
            f'Bearer error="invalid_token", error_description="{message}"')


# ---- who is not ----

def test_without_a_token(shop):
    for method, path in (("GET", "/products"), ("POST", "/products"), ("DELETE", "/products"),
                         ("GET", "/products/1"), ("GET", "/metrics"), ("GET", "/.rowlock/metrics"),
                         ("GET", "/rest/v1/products"), ("POST", "/docs")):
        answer = get(shop, path, method=method)
        message = is_refused(answer, None)
        assert message == "Anonymous access is disabled"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["proxy-status"] == "rowlock; error=PGRST302"
    assert get(shop).json() == {"code": "PGRST302", "details": None, "hint": None,
                                "message": "Anonymous access is disabled"}
    answer = get(shop, method="HEAD")
    assert (answer.status, answer.body) == (401, b"")


def test_in_the_shape_of_the_service(shop):
    for path in ("/names", "/there/is/nothing"):
        answer = get(shop, path)
        assert (answer.status, answer.json()) == (401, {"message": "Anonymous access is disabled"})
        assert answer.headers["www-authenticate"] == "Bearer"


def test_what_needs_none(shop):
    for path in ("/live", "/ready", "/openapi.json", "/docs", "/", "/.rowlock/live",
                 "/.rowlock/openapi.json"):
        assert get(shop, path).status == 200, path
        assert get(shop, path, bearer("bad")).status == 200, path
    for path in ("/products", "/names", "*"):
        assert get(shop, path, method="OPTIONS").status == 200, path


def hostile(keys, other, url):
    payload = {"sub": "eve", "role": "admin", "exp": later()}
    yield from tokens.of_nobody(payload)
    yield from tokens.of_others(keys, other, payload)
    yield from tokens.with_keys_of_their_own(other, payload, url)
    yield from tokens.with_bad_headers(keys, payload)
    yield from tokens.with_bad_claims(keys)
    yield from tokens.of_bad_shape(keys.token(payload))


def test_hostile_tokens(shop, keys, other):
    """All are 401, the server goes nowhere to fetch a key, and says nothing of what was sent."""
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.setblocking(False)
        url = f"http://127.0.0.1:{bait.getsockname()[1]}"
        count = 0
        for what, token in hostile(keys, other, url):
            answer = get(shop, headers=bearer(token))
            assert answer.status == 401, (what, answer)
            challenge = answer.headers["www-authenticate"]
            assert challenge.startswith('Bearer error="invalid_token", error_description="'), what
            assert answer.json()["code"] in ("PGRST301", "PGRST303"), what
            for secret in [part for part in token.split(".") if len(part) > 8]:
                assert secret not in str(answer.headers) + answer.body.decode(), what
            count += 1
        assert count >= 150
        with pytest.raises(BlockingIOError):
            bait.accept()
    assert get(shop, headers=bearer(keys.token({"exp": later()}))).status == 200
    assert "eyJ" not in shop.log()


def test_hostile_fields(shop, keys):
    good = keys.token({"exp": later()})
    for field in ("", "Bearer", "Bearer ", f"Bearer{good}", f"Basic {good}", good, f"Token {good}",
                  f"Bearer {good}, Bearer {good}", f"Bearer token={good}", "Negotiate", "Bearer\t" + good):
        is_refused(get(shop, headers={"Authorization": field}))
    with Connection(shop.address) as connection:
        connection.send(f"GET /products HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\n"
                        f"authorization: Bearer {good}\r\n\r\n".encode())
        is_refused(connection.receive())
    # A token counts in its own field only.
    is_refused(get(shop, f"/products?access_token={good}"), "PGRST302")
    is_refused(get(shop, headers={"Cookie": f"access_token={good}"}), "PGRST302")
    is_refused(get(shop, headers={"X-API-Key": good}), "PGRST302")
    is_refused(get(shop, headers={"Proxy-Authorization": f"Bearer {good}"}), "PGRST302")
    assert get(shop, headers={"AUTHORIZATION": f"bearer  {good}"}).status == 200


def test_a_token_of_one_megabyte(shop):
    """More than a header may have: it is not even looked at."""
    with Connection(shop.address) as connection:
        connection.send(b"GET /products HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                        + b"A" * 1048576 + b"\r\n\r\n")
        assert connection.receive().status == 431
    assert get(shop, "/live").status == 200


def test_nothing_is_written_without_a_token(shop, keys):
    headers = bearer(keys.token({"exp": later()}))
    for token in ((), bearer("a.b.c"), bearer(keys.token({"exp": 1}))):
        assert request(shop.address, "POST", "/products", {"id": 1, "name": "x"}, token).status == 401
        assert request(shop.address, "PUT", "/put/1", {"name": "x"}, token).status == 401
        assert request(shop.address, "PUT", "/products/1", {"id": 1, "name": "x"}, token).status == 401
    assert get(shop, headers=headers).json() == []
    assert request(shop.address, "PUT", "/put/1", {"name": "x"}, headers).status == 201
    assert request(shop.address, "DELETE", "/products/1").status == 401
    answer = get(shop, headers=headers)
    assert answer.json() == [{"id": 1, "name": "x"}]
    # Neither is a client told that what it has still holds.
    assert get(shop, headers={"If-None-Match": answer.headers["etag"]}).status == 401
    assert get(shop, headers={"If-None-Match": answer.headers["etag"], **headers}).status == 304
    assert request(shop.address, "DELETE", "/products/1", headers=headers).status == 204


def test_answers_with_a_token_are_not_compressed(start, tmp_path, keys):
    for gzip in ("false", "true"):
        server = start(service(tmp_path, RS256 + f", gzip: {gzip}", keys), store="memory:")
        headers = bearer(keys.token({"exp": later()}))
        rows = [{"id": i, "name": "x" * 100} for i in range(100)]
        assert request(server.address, "POST", "/products", rows, headers).status == 201
        answer = get(server, headers={"Accept-Encoding": "gzip", **headers})
        assert (answer.headers.get("content-encoding") == "gzip") == (gzip == "true")


# ---- other ways in ----

def test_api_keys(start, tmp_path, keys):
    sum_of = {name: tokens.hashlib.sha256(name.encode()).hexdigest() for name in ("ci key", "b key")}
    server = start(service(tmp_path, RS256 + f""", api_keys: {{ ci: {{ sha256: {sum_of['ci key']},
        role: loader }}, b: {{ sha256: {sum_of['b key'].upper()} }} }}""", keys), store="memory:")
    for headers in ({"X-API-Key": "ci key"}, {"apikey": "b key"}, {"x-api-key": "b key"},
                    {"apikey": "wrong", **bearer(keys.token({"exp": later()}))}):
        assert get(server, headers=headers).status == 200, headers
    for headers in ({"X-API-Key": "ci kez"}, {"X-API-Key": ""}, {"X-API-Key": sum_of["ci key"]},
                    {"X-API-Key": "ci key", "apikey": "b key"}, bearer("ci key"),
                    {"X-API-Key": "ci key", **bearer("a.b.c")}):
        is_refused(get(server, headers=headers))
    is_refused(get(server), "PGRST302")


def test_anonymous(start, tmp_path, keys):
    server = start(service(tmp_path, RS256 + ", anonymous: guest", keys), store="memory:")
    answer = get(server)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")
    is_refused(get(server, headers=bearer("a.b.c")))
    # A page in the browser of the machine's user has no token; what it sends is refused.
    answer = request(server.address, "POST", "/products", {"id": 1},
                     {"Origin": "https://evil.example"})
    assert answer.status == 403
    assert request(server.address, "GET", "/products", host="evil.example").status == 403
    assert request(server.address, "GET", "/products", host="evil.example",
                   headers=bearer(keys.token({"exp": later()}))).status == 200


def test_the_rate(start, tmp_path, keys):
    server = start(service(tmp_path, RS256 + ", rate_limit: { requests: 3, per: hour }", keys),
                   store="memory:")
    ann, bob = (bearer(keys.token({"sub": name, "exp": later()})) for name in ("ann", "bob"))
    for _ in range(3):
        assert get(server, headers=ann).status == 200
    answer = get(server, headers=ann)
    assert answer.status == 429
    assert 1000 < int(answer.headers["retry-after"]) <= 1200
    assert answer.json()["code"] == "RL429"
    # A new token of hers is hers; another caller has a rate of his own; so has an address.
    assert get(server, headers=bearer(keys.token({"sub": "ann", "exp": later(700)}))).status == 429
    assert get(server, headers=bob).status == 200
    assert [get(server, headers=bearer("a.b.c")).status for _ in range(5)] == [401] * 3 + [429] * 2
    assert [get(server).status for _ in range(2)] == [429] * 2
    assert [get(server, "/live").status for _ in range(5)] == [200] * 5


def test_an_idempotency_key_is_its_callers(start, tmp_path, keys):
    server = start(service(tmp_path, RS256, keys), store="memory:")
    ann, bob = (bearer(keys.token({"sub": name, "exp": later()})) for name in ("ann", "bob"))
    key = {"Idempotency-Key": "one", "Prefer": "return=representation"}
    first = request(server.address, "POST", "/products", {"id": 1, "name": "a"}, {**key, **ann})
    again = request(server.address, "POST", "/products", {"id": 1, "name": "a"}, {**key, **ann})
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    theirs = request(server.address, "POST", "/products", {"id": 1, "name": "a"}, {**key, **bob})
    assert theirs.status == 409


# ---- keys that change, and keys that cannot be ----

def test_keys_are_read_again(start, tmp_path, keys, other):
    server = start(service(tmp_path, keys=keys), store="memory:")
    old, new = (bearer(of.token({"sub": "ann", "exp": later()})) for of in (keys, other))
    assert (get(server, headers=old).status, get(server, headers=new).status) == (200, 401)
    (tmp_path / "jwt.pub").write_bytes(other.public.read_bytes())
    reload_until(server, lambda: get(server, headers=new).status == 200)
    is_refused(get(server, headers=old))
    (tmp_path / "jwt.pub").write_text("nothing", encoding="utf-8")
    reload_until(server, lambda: "the old one keeps serving" in server.log())
    assert (get(server, headers=old).status, get(server, headers=new).status) == (401, 200)


def reload_until(server, condition):
    server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.02)


def test_the_doors_stay_guarded(tmp_path, keys):
    """Beyond loopback only with `auth`, also after a reload."""
    file = service(tmp_path, keys=keys)
    server = Server(file, folder=tmp_path, store="memory:")
    server.listen = f"0.0.0.0:{server.port}"
    good = bearer(keys.token({"exp": later()}))
    with server.start():
        answer = request(server.address, "GET", "/products", host="shop.example", headers=good)
        assert answer.status == 200
        is_refused(request(server.address, "GET", "/products", host="shop.example"), "PGRST302")
        file.write_text(re.sub(r"auth:.*\n", "", file.read_text()), encoding="utf-8")
        reload_until(server, lambda: "has no auth any more" in server.log())
        is_refused(get(server), "PGRST302")


@pytest.mark.parametrize("kind, auth, message", [
    ("small", RS256, ":4:39: the key file {folder}/jwt.pub: an RSA key has 2048 to 16384 bits"),
    ("ES256", RS256, ":4:39: the key file {folder}/jwt.pub: it is a key of another kind than the "
                     "algorithm needs"),
    ("RS256", "algorithm: RS256, public_key: jwt.key",
     ":4:39: the key file {folder}/jwt.key: it holds no public key"),
    ("RS256", "algorithm: RS256, public_key: missing.pub",
     ":4:39: the key file {folder}/missing.pub cannot be read: No such file or directory"),
    ("RS256", "jwks: jwt.pub", ":4:15: {folder}/jwt.pub is no set of keys"),
    ("RS256", "jwks: 'http://i.example/jwks.json'",
     ":4:15: `jwks` is no address that keys may be fetched from"),
])
def test_keys_that_are_refused(tmp_path, kind, auth, message):
    Keys(tmp_path, kind)
    file = service(tmp_path, auth)
    for command in (("check", file), ("serve", file, "--log", "text")):
        done = run_program(*command)
        assert done.returncode == 1
        assert f"{file}{message.format(folder=tmp_path)}\n" in done.stderr, done.stderr


def test_the_document_needs_no_keys(tmp_path):
    done = run_program("openapi", service(tmp_path, RS256 + ", anonymous: guest"))
    document = json.loads(done.stdout)
    assert document["components"]["securitySchemes"] == {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    assert document["security"] == [{"token": []}, {}]
    assert document["paths"]["/live"]["get"]["security"] == []
    assert "security" not in document["paths"]["/metrics"]["get"]
    assert "401" not in document["paths"]["/live"]["get"]["responses"]
    for path, method in (("/products", "get"), ("/products/{key}", "patch"), ("/names", "get"),
                         ("/metrics", "get")):
        assert {"401", "429"} <= document["paths"][path][method]["responses"].keys(), path


def test_swagger_ui_can_send_a_token(shop):
    swagger = get(shop, "/", {"Accept": "application/openapi+json"}).json()
    assert swagger["security"] == [{"JWT": []}]
    assert swagger["securityDefinitions"]["JWT"]["name"] == "Authorization"


# ---- the commands ----

def test_keys_command(tmp_path):
    folder = tmp_path / "new"
    done = run_program("keys", "--out", folder)
    assert (done.returncode, done.stdout) == (0, f"{folder}/jwt.key\n{folder}/jwt.pub\n")
    assert stat.S_IMODE(os.stat(folder / "jwt.key").st_mode) == 0o600
    before = (folder / "jwt.key").read_bytes(), (folder / "jwt.pub").read_bytes()
    assert before[0].startswith(b"-----BEGIN PRIVATE KEY-----")
    assert before[1].startswith(b"-----BEGIN PUBLIC KEY-----")
    done = run_program("keys", "--out", folder)
    assert done.returncode == 1 and "is there already; nothing was written" in done.stderr
    assert before == ((folder / "jwt.key").read_bytes(), (folder / "jwt.pub").read_bytes())
    # Half a pair is none.
    (folder / "jwt.key").unlink()
    assert run_program("keys", "--out", folder).returncode == 1
    assert not (folder / "jwt.key").exists()
    # Nor is anything written through a link.
    (folder / "jwt.pub").unlink()
    (folder / "jwt.key").symlink_to(tmp_path / "elsewhere")
    assert run_program("keys", "--out", folder).returncode == 1
    assert not (tmp_path / "elsewhere").exists()
    assert run_program("keys", "--out", tmp_path / "a" / "b").returncode == 1
    for args in ((), ("--out",), ("--out", ""), ("--out", folder, "x"),
                 ("--out", folder, "--algorithm", "HS256"), ("--out", folder, "--algorithm", "none")):
        assert run_program("keys", *args).returncode == 2, args


def test_token_command(tmp_path, keys):
    now = int(time.time())
    done = run_program("token", "--key", keys.private, "--sub", 'a"b', "--role", "r", "--ttl", "60",
                       "--claim", 'aud=["x", "y"]', "--claim", "n=1.50")
    assert done.returncode == 0
    header, payload, _ = done.stdout.strip().split(".")
    assert json.loads(decode(header)) == {"alg": "RS256", "typ": "JWT"}
    assert '"n":1.50' in decode(payload)
    claims = json.loads(decode(payload))
    assert now <= claims["iat"] <= now + 30 and claims["exp"] == claims["iat"] + 60
    assert (claims["sub"], claims["role"], claims["aud"]) == ('a"b', "r", ["x", "y"])
    key = ("--key", keys.private, "--sub", "a")
    for args in ((), key[:2], key[2:], (*key, "x"), (*key, "--ttl", "1h"), (*key, "--claim", "a"),
                 (*key, "--claim", "a=b"), (*key, "--claim", "=1"), (*key, "--ttl", "1" * 12),
                 (*key, "--algorithm", "HS256")):
        assert run_program("token", *args).returncode == 2, args
    for args in (("--key", keys.public, "--sub", "a"), ("--key", tmp_path / "no", "--sub", "a"),
                 (*key, "--claim", 'sub="b"'), (*key, "--algorithm", "ES256"), ("--key", tmp_path, "--sub", "a")):
        done = run_program("token", *args)
        assert (done.returncode, done.stdout) == (1, ""), args
        assert done.stderr.startswith("rowlock token: "), args


def decode(part):
    return tokens.base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


# ---- a gateway ----

def gateway_of(folder, keys, *names, **options):
    """services/NAME of each, and a gateway over them on all addresses; the last has no `auth`."""
    for name in names:
        (folder / "services" / name).mkdir(parents=True)
        file = service(folder / "services" / name, keys=keys)
        text = file.read_text().replace("service: shop", f"service: {name}")
        text = text.replace("127.0.0.1:8888", f"127.0.0.1:{free_port()}")
        file.write_text(text if name != "open" else re.sub(r"auth:.*\n", "", text), encoding="utf-8")
    port = free_port()
    server = Server(folder / "services", folder=folder, own_address=True,
                    args=["--gateway", f"0.0.0.0:{port}"], **options)
    server.address = ("127.0.0.1", port)
    return server


def test_a_gateway_asks_for_what_its_services_ask(tmp_path, keys):
    with gateway_of(tmp_path, keys, "a", "b").start() as server:
        good = bearer(keys.token({"exp": later()}))
        for name in "ab":
            for headers, status in ((good, 200), ({}, 401), (bearer("a.b.c"), 401)):
                answer = request(server.address, "GET", f"/{name}/products", host="shop.example",
                                 headers=headers)
                assert answer.status == status
            assert get(server, f"/{name}/openapi.json").status == 200
        assert get(server, "/docs/").status == 200


def test_a_gateway_beyond_loopback_needs_auth_of_all(tmp_path, keys):
    server = gateway_of(tmp_path, keys, "a", "open").launch()
    try:
        assert server.wait() == 1
    finally:
        server.kill()
    assert "service open has no auth" in server.log()
