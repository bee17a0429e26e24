"""Starting, stopping, reloading: what the process does, beside answering requests."""
import signal
import socket
import time

import pytest
from support.client import Connection, Disconnected, get_json, request, request_bytes
from support.server import RATINGS, Server, free_port

WAIT_S = 30

HELLO = """
service: hello
listen: ${{LISTEN:-127.0.0.1:8888}}
store: ${{STORE:-sqlite:hello.db}}
resources:
  things:
    key: id
    fields:
      id:   integer
      name: text
routes:
  GET /hello: {{ reply: {{ message: {message} }} }}
"""


def hello(file, message):
    """Writes a service file whose GET /hello answers with the message."""
    file.write_text(HELLO.format(message=message), encoding="utf-8")
    return file


def wait_until(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def says(server, message):
    return get_json(server.address, "/hello") == {"message": message}


def refused(server, code):
    """Starts a server that must not come up; its log."""
    server.launch()
    try:
        assert server.wait() == code, server.log()
    finally:
        server.kill()
    return server.log()


# ---- starting ----

def test_it_says_where_it_listens(start):
    server = start()
    assert "listening on" in server.log()
    assert str(server.port) in server.log()


def test_the_environment_fills_the_service_file(start, tmp_path):
    port = free_port()
    server = Server(RATINGS, folder=tmp_path, own_address=True,
                    env={"LISTEN": f"127.0.0.1:{port}", "STORE": f"sqlite:{tmp_path}/env.db"})
    server.port, server.address = port, ("127.0.0.1", port)
    with server.start():
        assert get_json(server.address, "/health") == {"message": "ok"}
    assert server.exit_code == 0
    assert (tmp_path / "env.db").exists()


@pytest.mark.parametrize("form", ["off", "text", "json"])
def test_log_forms(start, form):
    server = start(args=["--log", form])
    assert request(server.address, "GET", "/health").status == 200
    assert server.stop() == 0
    if form == "json":
        assert '"' in server.log() and "/health" in server.log()
    if form == "off":
        assert "/health" not in server.log()


def test_rows_survive_a_restart(start):
    server = start()
    request(server.address, "PUT", "/users/1/ratings/2", {"rating_type": 3})
    assert server.stop() == 0
    server.start()
    assert get_json(server.address, "/users/1/ratings") == [{"item_id": 2, "rating_type": 3}]
    assert get_json(server.address, "/users/1/counts") == [{"rating_type": 3, "count": 1}]


def test_a_port_in_use(start, tmp_path):
    server = start()
    second = Server(folder=tmp_path, listen=server.listen, store=f"sqlite:{tmp_path}/second.db")
    log = refused(second, 1)
    assert str(server.port) in log and "in use" in log
    assert get_json(server.address, "/health") == {"message": "ok"}


def test_a_second_process_on_one_database_is_refused(start, tmp_path):
    server = start()
    second = Server(folder=tmp_path, store=server.store)
    log = refused(second, 1)
    assert server.database.name in log, log
    assert "locked" in log.lower() or "in use" in log.lower(), log
    assert request(server.address, "PUT", "/users/1/ratings/1", {"rating_type": 1}).status == 201
    assert server.stop() == 0
    # When the first is gone, the second may have it.
    second.start()
    assert get_json(second.address, "/users/1/ratings") == [{"item_id": 1, "rating_type": 1}]
    assert second.stop() == 0


@pytest.mark.parametrize("change", [
    ("name: text", "name: integer"), ("name: text", "name: text\n      size: integer"),
    ("name: text", "nome: text"), ("key: id", "key: [id, name]"),
])
def test_a_schema_that_differs_is_refused(start, tmp_path, change):
    file = hello(tmp_path / "service.yaml", "one")
    server = start(file)
    request(server.address, "POST", "/things", {"id": 1, "name": "a"})
    assert server.stop() == 0
    original = file.read_text()
    assert change[0] in original
    file.write_text(original.replace(*change, 1))
    log = refused(server, 1)
    assert "rowlock migrate" in log, log
    # Nothing was changed: with the first file it serves as before.
    file.write_text(original)
    server.start()
    assert get_json(server.address, "/things") == [{"id": 1, "name": "a"}]


def test_several_services_in_one_process(tmp_path):
    ports = [free_port(), free_port()]
    for number, port in enumerate(ports):
        folder = tmp_path / f"service{number}"
        folder.mkdir()
        text = HELLO.format(message=f"I am {number}")
        text = text.replace("${LISTEN:-127.0.0.1:8888}", f"127.0.0.1:{port}")
        text = text.replace("service: hello", f"service: hello{number}")
        (folder / "service.yaml").write_text(text.replace("${STORE:-sqlite:hello.db}",
                                                          "sqlite:hello.db"))
    server = Server(tmp_path, folder=tmp_path, own_address=True)
    server.address = ("127.0.0.1", ports[0])
    with server.start():
        for number, port in enumerate(ports):
            address = ("127.0.0.1", port)
            assert get_json(address, "/hello") == {"message": f"I am {number}"}
            request(address, "POST", "/things", {"id": number, "name": "a"})
            assert [row["id"] for row in get_json(address, "/things")] == [number]
    assert server.exit_code == 0
    # Paths in a service file are relative to it.
    assert all((tmp_path / f"service{number}" / "hello.db").exists() for number in (0, 1))


# ---- stopping ----

def test_sigterm_with_nothing_under_way(start):
    server = start()
    assert server.stop() == 0
    with pytest.raises(OSError):
        socket.create_connection(server.address, timeout=5)


def test_sigterm_closes_idle_connections(start):
    server = start()
    with Connection(server.address) as connection:
        assert connection.request("GET", "/health").status == 200
        assert server.stop() == 0
        assert connection.is_closed()


def test_sigterm_lets_a_request_end(start):
    """Half of a request has arrived; after SIGTERM the other half comes and is still answered."""
    server = start()
    data = request_bytes("PUT", "/users/1/ratings/1", {"rating_type": 2})
    with Connection(server.address) as connection:
        connection.request("GET", "/health")
        connection.send(data[:-5])
        # Answered behind it, on another connection: the first half has been read by now or waits.
        request(server.address, "GET", "/health")
        server.signal(signal.SIGTERM)
        wait_until(lambda: not accepts(server), "it still accepts connections")
        connection.send(data[-5:])
        answer = connection.receive()
        assert answer.status == 201, answer
        assert connection.is_closed()
    assert server.wait() == 0
    server.start()
    assert get_json(server.address, "/users/1/ratings") == [{"item_id": 1, "rating_type": 2}]


def test_sighup_while_it_drains(start):
    """Signals to reload come while a request is still under way, and when it is cut."""
    server = start()
    with Connection(server.address) as connection:
        connection.send(request_bytes("PUT", "/users/1/ratings/1", {"rating_type": 2})[:-5])
        request(server.address, "GET", "/health")
        server.signal(signal.SIGHUP)
        server.signal(signal.SIGTERM)
        wait_until(lambda: not accepts(server), "it still accepts connections")
        for _ in range(100):
            server.signal(signal.SIGHUP)
            time.sleep(0.002)
    for _ in range(20):
        try:
            server.signal(signal.SIGHUP)
        except ProcessLookupError:
            break
        time.sleep(0.002)
    assert server.wait() == 0, server.log()


def accepts(server):
    try:
        socket.create_connection(server.address, timeout=5).close()
        return True
    except OSError:
        return False


def test_sigterm_under_load_loses_no_acknowledged_write(start):
    server = start()
    acknowledged = 0
    with Connection(server.address) as connection:
        try:
            for item in range(100_000):
                if item == 50:
                    server.signal(signal.SIGTERM)
                answer = connection.request("PUT", f"/users/1/ratings/{item}", {"rating_type": 1})
                assert answer.status == 201
                acknowledged += 1
                if answer.closes:
                    break
        except (Disconnected, OSError):
            pass
    assert acknowledged >= 50
    assert server.wait() == 0, server.log()
    server.start()
    assert len(get_json(server.address, "/users/1/ratings")) in (acknowledged, acknowledged + 1)


def test_sigint_stops_it_too(start):
    server = start()
    server.signal(signal.SIGINT)
    assert server.wait() == 0


# ---- reloading ----

def test_sighup_reloads_the_service_file(start, tmp_path):
    file = hello(tmp_path / "service.yaml", "one")
    server = start(file)
    with Connection(server.address) as connection:
        assert connection.request("GET", "/hello").json() == {"message": "one"}
        hello(file, "two")
        server.signal(signal.SIGHUP)
        wait_until(lambda: says(server, "two"), server.log())
        assert connection.request("GET", "/hello").json() == {"message": "two"}


def test_sighup_with_a_bad_file_keeps_the_old_one(start, tmp_path):
    file = hello(tmp_path / "service.yaml", "one")
    server = start(file)
    for bad in ("service: [", hello(tmp_path / "other", "two").read_text() + "unknown: 1\n", ""):
        before = len(server.log())
        file.write_text(bad)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "service.yaml:" in server.log()[before:], "no message of the bad file")
        assert says(server, "one")
    hello(file, "three")
    server.signal(signal.SIGHUP)
    wait_until(lambda: says(server, "three"), server.log())
    assert server.stop() == 0


def test_sighup_loses_no_request(start, tmp_path):
    """Reloads while requests run on one connection: each is answered, by the old or the new."""
    file = hello(tmp_path / "service.yaml", "0")
    server = start(file)
    seen = set()
    with Connection(server.address) as connection:
        for number in range(1, 20):
            hello(file, f"'{number}'")
            server.signal(signal.SIGHUP)
            for _ in range(50):
                answer = connection.request("GET", "/hello")
                assert answer.status == 200
                seen.add(str(answer.json()["message"]))
    assert seen <= {str(number) for number in range(20)}
    wait_until(lambda: says(server, "19"), server.log())


def test_watch_reloads_on_change(start, tmp_path):
    file = hello(tmp_path / "service.yaml", "one")
    server = start(file, args=["--watch"])
    assert says(server, "one")
    hello(file, "two")
    wait_until(lambda: says(server, "two"), server.log())
    # As editors do it: another file is put in its place.
    hello(tmp_path / "new", "three").rename(file)
    wait_until(lambda: says(server, "three"), server.log())
    hello(file, "four")
    wait_until(lambda: says(server, "four"), server.log())


# ---- doors ----

def test_without_auth_it_binds_to_loopback_only(tmp_path):
    for address in (f"0.0.0.0:{free_port()}", f"[::]:{free_port()}"):
        server = Server(folder=tmp_path, listen=address)
        server.launch()
        try:
            assert server.wait() in (1, 2), server.log()
        finally:
            server.kill()
        assert "--open" in server.log()


def test_open_binds_beyond_loopback(tmp_path):
    server = Server(folder=tmp_path, args=["--open"])
    server.listen = f"0.0.0.0:{server.port}"
    with server.start():
        assert request(server.address, "GET", "/health", host="example.org").status == 200
        for headers in CROSS_SITE:
            assert request(server.address, "DELETE", "/users/1", None, headers).status == 403
    assert server.exit_code == 0


FOREIGN = ["example.org", "example.org:80", "127.0.0.1.example.org", "localhost.example.org",
           "10.0.0.1", "[::2]"]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(start, host):
    server = start()
    for method, path in (("GET", "/health"), ("GET", "/ratings"), ("DELETE", "/users/1")):
        answer = request(server.address, method, path, host=host)
        assert answer.status == 403, answer
        assert answer.json()["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:1", "127.0.0.1", "[::1]:80",
                                  "127.9.9.9"])
def test_a_host_of_this_machine_is_served(start, host):
    assert request(start().address, "GET", "/health", host=host).status == 200


CROSS_SITE = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
              {"Origin": "http://example.org"}, {"Origin": "null"},
              {"Origin": "http://localhost:1"}]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_writes_from_other_sites_are_refused(start, headers):
    server = start()
    assert request(server.address, "PUT", "/users/1/ratings/1", {"rating_type": 1}).status == 201
    writes = [("PUT", "/users/1/ratings/1", {"rating_type": 2}), ("DELETE", "/users/1", None),
              ("POST", "/ratings", {"user_id": 1, "item_id": 2, "rating_type": 2}),
              ("PATCH", "/ratings?user_id=eq.1", {"rating_type": 2}),
              ("DELETE", "/ratings?user_id=eq.1", None)]
    for method, path, body in writes:
        answer = request(server.address, method, path, body, headers)
        assert answer.status == 403, (method, path, answer)
    assert get_json(server.address, "/users/1/ratings") == [{"item_id": 1, "rating_type": 1}]


def test_writes_from_the_own_site_are_taken(start):
    server = start()
    host = f"localhost:{server.port}"
    for headers in ({"Sec-Fetch-Site": "same-origin", "Origin": f"http://{host}"},
                    {"Sec-Fetch-Site": "none"}):
        answer = request(server.address, "PUT", "/users/1/ratings/1", {"rating_type": 1}, headers,
                         host)
        assert answer.status in (200, 201), answer
