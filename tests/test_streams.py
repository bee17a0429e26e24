"""Lists that are larger than a loop answers by itself: streamed by a worker, the same bytes."""
import json
import random
import socket
import struct
import time

import pytest
from support.client import Connection

USERS, ITEMS = 1000, 20
TOTAL = USERS * ITEMS


@pytest.fixture(scope="module")
def address(module_start):
    server = module_start()
    with Connection(server.address) as connection:
        for first in range(0, USERS, 250):
            rows = [{"user_id": user, "item_id": item, "rating_type": 1 + (user + item) % 3}
                    for user in range(first, first + 250) for item in range(ITEMS)]
            assert connection.request("POST", "/ratings", rows).status == 201
    return server.address


def get(address, path, method="GET", **headers):
    with Connection(address) as connection:
        return connection.request(method, path, headers={name.replace("_", "-"): value
                                                         for name, value in headers.items()})


def test_a_stream_holds_the_same_rows_as_pages(address):
    whole = get(address, "/ratings")
    assert whole.headers["transfer-encoding"] == "chunked"
    pages = [row for offset in range(0, TOTAL, 4000)
             for row in get(address, f"/ratings?limit=4000&offset={offset}").json()]
    assert whole.json() == pages
    assert len(pages) == TOTAL


@pytest.mark.parametrize("query,status,content_range", [
    ("", 200, f"0-{TOTAL - 1}/{TOTAL}"),
    ("?limit=15000", 206, f"0-14999/{TOTAL}"),
    ("?limit=15000&offset=3", 206, f"3-15002/{TOTAL}"),
    ("?offset=100", 206, f"100-{TOTAL - 1}/{TOTAL}"),
    ("?rating_type=neq.1&limit=12000", 206, None),
])
def test_a_counted_stream_says_its_range(address, query, status, content_range):
    answer = get(address, f"/ratings{query}", Prefer="count=exact")
    rows = answer.json()
    assert answer.status == status
    first, _, rest = answer.headers["content-range"].partition("-")
    last, _, total = rest.partition("/")
    assert len(rows) == int(last) - int(first) + 1
    assert content_range in (None, answer.headers["content-range"])
    if content_range is None:
        assert int(total) == sum(1 for row in get(address, "/ratings").json()
                                 if row["rating_type"] != 1)


def test_readers_that_vanish_disturb_nobody(address, seed):
    """Clients reset their connection somewhere in a compressed stream; others are answered well."""
    rng = random.Random(seed)
    for _ in range(150):
        with Connection(address) as reader:
            reader.send(b"GET /ratings HTTP/1.1\r\nHost: localhost\r\n"
                        b"Accept-Encoding: gzip\r\n\r\n")
            time.sleep(rng.random() * 0.02)
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with Connection(address) as writer:
            answer = writer.request("PUT", "/users/0/ratings/0", {"rating_type": 1})
            assert answer.json() == {"user_id": 0, "item_id": 0, "rating_type": 1}


def test_head_of_a_stream_has_no_body(address):
    with Connection(address) as connection:
        connection.send(b"HEAD /ratings HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.receive("HEAD").status == 200
        assert json.loads(connection.receive().body) == {"message": "ok"}
