"""Bad input gets a clear answer and changes nothing; each numeric limit at it and one above.

The rows are in support/bad_http.py (the wire) and support/bad_bodies.py (JSON and values).
"""
import pytest
from support import bad_bodies, bad_http
from support.bad_http import CLOSED, KEPT, SMUGGLED
from support.client import Connection, get_json, request, request_bytes

ROWS = [{"user_id": 1, "item_id": 1, "rating_type": 2},
        {"user_id": 1, "item_id": 2, "rating_type": 3},
        {"user_id": 2, "item_id": 1, "rating_type": 1}]
COUNTS = [{"user_id": 1, "rating_type": 2, "count": 1},
          {"user_id": 1, "rating_type": 3, "count": 1},
          {"user_id": 2, "rating_type": 1, "count": 1}]


@pytest.fixture(scope="module")
def server(module_start):
    server = module_start()
    for row in ROWS:
        answer = request(server.address, "PUT", f"/users/{row['user_id']}/ratings/{row['item_id']}",
                         {"rating_type": row["rating_type"]})
        assert answer.status in (200, 201)
    yield server
    assert server.stop() == 0, server.log()


def assert_unchanged(server):
    assert get_json(server.address, "/ratings") == ROWS
    assert get_json(server.address, "/counts") == COUNTS


def assert_clear(answer, statuses):
    assert answer.status in statuses, answer
    assert answer.headers["content-type"].startswith("application/json"), answer
    body = answer.json()
    if answer.status >= 400:
        assert set(body) == {"code", "details", "hint", "message"}, body
        assert body["message"]
        for secret in ("sqlite", "SELECT ", "INSERT ", "/src/", ".c:"):
            assert secret not in str(body), body
    if answer.status == 405:
        assert answer.headers["allow"]


def ids(rows):
    return [row[0].replace(" ", "_") for row in rows]


HTTP_ROWS = bad_http.REQUEST_LINES + bad_http.HEADERS + bad_http.FRAMING


@pytest.mark.parametrize("name, data, statuses, after", HTTP_ROWS, ids=ids(HTTP_ROWS))
def test_bad_http(server, name, data, statuses, after):
    with Connection(server.address) as connection:
        connection.send(data + (SMUGGLED if after == CLOSED else b""))
        assert_clear(connection.receive(), statuses)
        if after == CLOSED:
            assert connection.is_closed(), f"more came: {connection.buffer[:200]}"
        elif after == KEPT:
            assert connection.is_open()
    assert_unchanged(server)


@pytest.mark.parametrize("name, data, statuses, after", bad_http.GOOD, ids=ids(bad_http.GOOD))
def test_good_http(server, name, data, statuses, after):
    with Connection(server.address) as connection:
        connection.send(data)
        answer = connection.receive()
        assert answer.status in statuses, answer
        if after == CLOSED:
            assert connection.is_closed()
        elif after == KEPT:
            assert connection.is_open()
    assert_unchanged(server)


WRITES = bad_http.GOOD_WRITES


@pytest.mark.parametrize("name, data, statuses, after", WRITES, ids=ids(WRITES))
def test_good_writes(server, name, data, statuses, after):
    """They write what is there already, so the rows stay equal."""
    with Connection(server.address) as connection:
        connection.send(data)
        assert connection.receive().status in statuses
        assert after != KEPT or connection.is_open()
    assert_unchanged(server)


@pytest.mark.parametrize("name, data, statuses, after", WRITES, ids=ids(WRITES))
def test_good_writes_byte_by_byte(server, name, data, statuses, after):
    """How the bytes are cut into packets makes no difference."""
    with Connection(server.address) as connection:
        step = 1 if len(data) < 1000 else 7919
        for at in range(0, len(data), step):
            connection.send(data[at:at + step])
        assert connection.receive().status in statuses
        assert after != KEPT or connection.is_open()
    assert_unchanged(server)


@pytest.mark.parametrize("name, method, path, body, statuses", bad_bodies.ROWS,
                         ids=ids(bad_bodies.ROWS))
def test_bad_bodies_and_values(server, name, method, path, body, statuses):
    with Connection(server.address) as connection:
        answer = connection.request(method, path, body)
        assert_clear(answer, statuses)
        assert not answer.closes and connection.is_open()
    assert_unchanged(server)


def test_bad_and_good_in_one_pipeline(server):
    """A refused body does not disturb the requests before and behind it."""
    good = request_bytes("GET", "/users/2/ratings")
    bad = request_bytes("PUT", "/users/1/ratings/1", b'{"rating_type":')
    with Connection(server.address) as connection:
        connection.send(good + bad + good + bad + good)
        statuses = [connection.receive().status for _ in range(5)]
    assert statuses == [200, 400, 200, 400, 200]
    assert_unchanged(server)


@pytest.mark.parametrize("cut", [1, 3, 20, 45, 60, 80])
def test_a_request_that_is_cut_off_writes_nothing(server, cut):
    data = request_bytes("PUT", "/users/1/ratings/1", {"rating_type": 3})
    with Connection(server.address) as connection:
        connection.send(data[:len(data) - cut])
        connection.end_of_requests()
        connection.socket.recv(1 << 16)
    assert_unchanged(server)


JSON_SERVICE = """
service: notes
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:notes.db}
resources:
  notes:
    key: id
    fields:
      id:  integer
      doc: json
routes:
  PUT /notes/{id}: { upsert: notes }
  GET /notes/{id}: { get: notes }
"""


def test_depth_of_json_at_the_limit_and_one_above(start, tmp_path):
    """64 levels; the row's own object is the first."""
    file = tmp_path / "service.yaml"
    file.write_text(JSON_SERVICE)
    server = start(file)
    deep = "[" * 63 + "]" * 63
    answer = request(server.address, "PUT", "/notes/1", '{"doc":%s}' % deep)
    assert answer.status in (200, 201), answer
    answer = request(server.address, "PUT", "/notes/1", '{"doc":[%s]}' % deep)
    assert_clear(answer, (400,))
    stored = request(server.address, "GET", "/notes/1").body.decode()
    assert stored.count("[") == 63


def test_terms_of_a_filter_at_the_limit_and_one_above(server):
    def query(terms):
        return "/ratings?or=(" + ",".join(["user_id.eq.9"] * terms) + ")"
    assert request(server.address, "GET", query(1000)).json() == []
    assert_clear(request(server.address, "GET", query(1001)), (400,))


def test_values_of_a_list_at_the_limit_and_one_above(module_start, tmp_path):
    """10,000 by default; a smaller one is set here, since a URL of 16 KiB holds 8,000."""
    file = tmp_path / "service.yaml"
    file.write_text(JSON_SERVICE + "limits: { in_items: 100 }\n")
    server = module_start(file, folder=tmp_path)

    def query(count):
        return "/notes?id=in.(" + ",".join(str(number) for number in range(count)) + ")"
    assert request(server.address, "GET", query(100)).json() == []
    assert_clear(request(server.address, "GET", query(101)), (400,))
