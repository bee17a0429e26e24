"""HTTPS: the same server behind it, certificates that change, and clients that speak it badly."""
import concurrent.futures
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
import warnings

import pytest
from support import bad_http
from support.certificates import Pair
from support.client import Connection, Disconnected, get_json, metric, request, secure
from support.server import RATINGS, Existing, Server, run_program

SERVICE = """service: shop
listen: 127.0.0.1:8888
store: "memory:"
tls: { certificate: server.crt, key: server.key }
resources:
  products:
    key: id
    fields: { id: integer, name: text }
routes:
  GET /health: { reply: { message: ok } }
"""


def service(folder, text=SERVICE):
    file = folder / "service.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def ratings(module_start, pair):
    server = module_start(RATINGS, args=pair.options(), tls=True)
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="module")
def shop(module_start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    Pair(folder)
    return module_start(service(folder), store="memory:", tls=True)


def wait_for(check, what):
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def peer_name(server):
    """The name in the certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(server.address, 30) as plain, \
            context.wrap_socket(plain) as wrapped:
        der = wrapped.getpeercert(binary_form=True)
    done = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der,
                          capture_output=True, check=True)
    return done.stdout.decode().strip().rpartition("CN = ")[2]


# ---- the same server ----

def test_requests_on_one_connection(shop):
    with Connection(shop.address) as connection:
        assert connection.socket.version() == "TLSv1.3"
        for number in range(50):
            made = connection.request("POST", "/products", {"id": number, "name": "x" * 300})
            assert made.status == 201, made
        assert len(connection.request("GET", "/products").json()) == 50
        connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        for _ in range(100):
            assert connection.receive().json() == {"message": "ok"}
    assert metric(shop, "rowlock_tls_handshakes_total") >= 1
    assert "listening on https://" in shop.log()


def test_the_certificate_is_believed(shop):
    folder = shop.files[0].parent
    address = secure(shop.address, folder / "server.crt")
    assert request(address, "GET", "/health").status == 200


def test_http_1_1_is_what_is_spoken(shop):
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), ([], None)):
        context = ssl.create_default_context(cafile=shop.files[0].parent / "server.crt")
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection(shop.address, 30) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            assert wrapped.selected_alpn_protocol() == chosen


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_with_curl(shop):
    certificate = shop.files[0].parent / "server.crt"
    url = f"https://127.0.0.1:{shop.port}/health"
    for options in ([], ["--tlsv1.3"], ["--tls-max", "1.2"], ["--http1.0"]):
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", certificate, *options, url,
                               url], capture_output=True, timeout=60, check=False)
        assert done.stdout == b'{"message":"ok"}' * 2, done


ROWS = bad_http.REQUEST_LINES[::4] + bad_http.HEADERS[::4] + bad_http.FRAMING[::4]


@pytest.mark.parametrize("name, data, statuses, after", ROWS,
                         ids=[row[0].replace(" ", "_") for row in ROWS])
def test_bad_http_within_it(ratings, name, data, statuses, after):
    with Connection(ratings.address) as connection:
        connection.send(data + (bad_http.SMUGGLED if after == bad_http.CLOSED else b""))
        assert connection.receive().status in statuses
        if after == bad_http.CLOSED:
            assert connection.is_closed()
        elif after == bad_http.KEPT:
            assert connection.is_open()
    assert get_json(ratings.address, "/ratings?item_id=eq.66") == []


def rows(first, count):
    return [{"user_id": user, "item_id": item, "rating_type": 1}
            for user in range(first, first + count // 20) for item in range(20)]


def resident_kib(server):
    with open(f"/proc/{server.pid()}/status", encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmRSS:")))


def test_a_large_stream_to_a_slow_reader(ratings, proof):
    count = 400_000 if proof else 60_000
    with Connection(ratings.address) as connection:
        for first in range(0, count, 20_000):
            lines = "".join(f"{row['user_id']},{row['item_id']},1\n"
                            for row in rows(first // 20, 20_000))
            made = connection.request("POST", "/ratings", "user_id,item_id,rating_type\n" + lines,
                                      {"Content-Type": "text/csv"})
            assert made.status == 201, made
    before = resident_kib(ratings)
    with Connection(ratings.address, receive_buffer=8192) as connection:
        connection.send(b"GET /ratings HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.5)
        waiting = resident_kib(ratings)
        answer = connection.receive()
    assert len(answer.json()) == count
    assert waiting - before < 32 * 1024, "the answer is not kept in memory"


# ---- clients that do not speak it, or badly ----

def handshake(server, data):
    """What the server says to these bytes, up to its end."""
    with socket.create_connection(server.address, 30) as plain:
        plain.sendall(data)
        said = b""
        while True:
            try:
                more = plain.recv(4096)
            except ConnectionError:
                return said
            if not more:
                return said
            said += more


def test_plain_http_is_told_so(shop):
    for method in (b"GET", b"POST", b"DELETE", b"OPTIONS"):
        said = handshake(shop, method + b" /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 400 "), said
        assert b"HTTPS is spoken here" in said


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x40\x01" + b"\0" * 64, b"\x80\x2e\x01\x03\x01" + b"\0" * 64, b"\0" * 64,
    b"SSH-2.0-x\r\n" + b"\0" * 64, b"\x17\x03\x03\x00\x10" + b"a" * 16, b"\xff" * 5000,
], ids=["record", "ssl2", "zeros", "ssh", "data", "ff"])
def test_garbage_gets_an_alert_or_the_end(shop, data):
    said = handshake(shop, data)
    # "S" of SSH- is a letter, as of a method.
    assert said == b"" or said[0] == 0x15 or said.startswith(b"HTTP/1.1 400 "), said
    assert request(shop.address, "GET", "/health").status == 200


def test_half_a_hello(shop):
    for size in range(1, 200, 13):
        with socket.create_connection(shop.address, 30) as plain:
            plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:size] + b"a" * (size - 11))
    assert request(shop.address, "GET", "/health").status == 200


def test_old_versions_are_refused(shop):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        with socket.create_connection(shop.address, 30) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain)
    assert metric(shop, "rowlock_tls_handshake_failures_total") >= 2


def test_a_silent_client_is_cut(start, tmp_path):
    Pair(tmp_path)
    server = start(service(tmp_path, SERVICE + "limits: { header_ms: 300 }\n"), store="memory:",
                   tls=True)
    for data in (b"", b"\x16\x03\x01\x02"):
        assert handshake(server, data) == b""
    with Connection(server.address) as connection:
        assert connection.is_closed()


# ---- certificates that change ----

def test_a_new_certificate(start, tmp_path):
    """New connections get it, those that run are not cut, and no request is lost meanwhile."""
    first, second = Pair(tmp_path), Pair(tmp_path, "renewed", kind="rsa")
    server = start(service(tmp_path), store="memory:", tls=True)
    assert peer_name(server) == "server"
    over = threading.Event()

    def work(keep):
        count = 0
        connection = Connection(server.address)
        while not over.is_set():
            if not keep:
                connection.close()
                connection = Connection(server.address)
            assert connection.request("GET", "/health").status == 200
            count += 1
        connection.close()
        return count

    with Connection(server.address) as kept, concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(work, keep) for keep in (True, False, True, False)]
        try:
            first.replace(second)
            server.signal(signal.SIGHUP)
            wait_for(lambda: peer_name(server) == "renewed", "the new certificate")
            assert kept.request("GET", "/health").status == 200
            # A pair that does not fit is refused by its name, and nothing changes.
            Pair(tmp_path, "third").key.replace(tmp_path / "server.key")
            server.signal(signal.SIGHUP)
            wait_for(lambda: "is not the key of the certificate" in server.log(), "a refusal")
            assert "server.key" in server.log()
            assert peer_name(server) == "renewed"
        finally:
            over.set()
        assert all(job.result() > 0 for job in jobs)


def test_tls_cannot_come_or_go(start, tmp_path):
    Pair(tmp_path)
    server = start(service(tmp_path), store="memory:", tls=True)
    service(tmp_path, SERVICE.replace("tls:", "errors:"))
    server.signal(signal.SIGHUP)
    wait_for(lambda: "cannot change while the service runs" in server.log(), "a refusal")
    assert request(server.address, "GET", "/health").status == 200


def test_of_a_gateway(tmp_path, pair):
    """The gateway alone has the certificate; both are renewed by SIGHUP."""
    folder = tmp_path / "shop"
    folder.mkdir()
    service(folder, SERVICE.replace("tls:", "errors:"))
    own = Pair(tmp_path, "gateway")
    server = Server(tmp_path, folder=tmp_path, store="memory:", args=own.options())
    server.args += ["--gateway", f"127.0.0.1:{server.port}"]
    server.listen, server.address = "127.0.0.1:0", secure(server.address)
    with server.start():
        assert request(server.address, "GET", "/shop/products").json() == []
        own.replace(pair)
        server.signal(signal.SIGHUP)
        wait_for(lambda: peer_name(server) == "server", "the new certificate")
        own.key.unlink()
        server.signal(signal.SIGHUP)
        wait_for(lambda: "the old one keeps serving" in server.log(), "a refusal")
        assert peer_name(server) == "server"


def test_of_the_tables_of_a_database(tmp_path, pair):
    with sqlite3.connect(tmp_path / "own.db") as database:
        database.execute("CREATE TABLE things(id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("INSERT INTO things VALUES (1, 'one')")
    own = Pair(tmp_path, "own")
    with Existing(folder=tmp_path, store=f"sqlite:{tmp_path / 'own.db'}", tls=True,
                  args=[*own.options(), "--write"]).start() as server:
        assert get_json(server.address, "/things") == [{"id": 1, "name": "one"}]
        own.replace(pair)
        server.signal(signal.SIGHUP)
        wait_for(lambda: peer_name(server) == "server", "the new certificate")


# ---- what is refused at start ----

def refusal(folder, text=SERVICE, command="serve"):
    args = ["--log", "text"] if command == "serve" else []
    done = run_program(command, service(folder, text), *args)
    assert done.returncode == 1, done
    return done.stderr


def test_what_is_refused(tmp_path):
    Pair(tmp_path)
    other = Pair(tmp_path, "other")
    wrong = SERVICE.replace("server.key", "other.key")
    for command in ("serve", "check"):
        said = refusal(tmp_path, wrong, command)
        assert "service.yaml:4:21: " in said and "is not the key of the certificate" in said
    assert "cannot be read" in refusal(tmp_path, SERVICE.replace("server.crt", "none.crt"))
    assert "holds no certificate" in refusal(tmp_path, SERVICE.replace("server.crt", "server.key"))
    other.key.chmod(0o644)
    said = refusal(tmp_path, wrong)
    assert "by everybody on this machine" in said and "chmod" in said
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "server.key", "-aes128", "-passout",
                    "pass:word", "-out", tmp_path / "locked.key"], check=True)
    said = refusal(tmp_path, SERVICE.replace("server.key", "locked.key"))
    assert "is encrypted with a password" in said


@pytest.mark.parametrize("args", [
    ["--tls-certificate", "a"], ["--tls-key", "a"],
])
def test_wrong_usage(tmp_path, args):
    done = run_program("serve", service(tmp_path), *args)
    assert done.returncode == 2 and "belong together" in done.stderr


def test_loopback_stays_the_rule(tmp_path):
    """TLS says who the server is, not who may come."""
    Pair(tmp_path)
    said = refusal(tmp_path, SERVICE.replace("127.0.0.1:8888", "0.0.0.0:0"))
    assert "has no auth" in said


def test_a_stop_says_goodbye(start, tmp_path):
    Pair(tmp_path)
    server = start(service(tmp_path), store="memory:", tls=True)
    with Connection(server.address) as connection:
        assert connection.request("GET", "/health").status == 200
        server.terminate()
        # A connection that was cut would be an error here.
        assert connection.socket.recv(1) == b""
    assert server.wait() == 0
    with pytest.raises((Disconnected, OSError)):
        request(server.address, "GET", "/health")
