"""Limits and switches of the general API that the query cases do not reach."""
import re

import pytest
from support.client import request

SERVICE = """\
service: rows
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:rows.db}
limits: { body_bytes: 100, bulk_bytes: 200%s }
resources:
  rows:
    key: id
    fields: { id: integer, text: text }
"""


@pytest.fixture(name="serve")
def serve_fixture(start, tmp_path):
    def serve(more=""):
        file = tmp_path / "service.yaml"
        file.write_text(SERVICE % more)
        return start(file)

    return serve


def body_of(kind, size):
    """One row in that many bytes."""
    head, tail = {"application/json": ('{"id":1,"text":"', '"}'),
                  "application/x-ndjson": ('{"id":1,"text":"', '"}\n'),
                  "text/csv": ("id,text\n1,", "\n"),
                  "application/x-www-form-urlencoded": ("id=1&text=", "")}[kind]
    return head + "x" * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize("method, path, kind, most", [
    ("POST", "/rows", "application/json", 100),
    ("POST", "/rows", "application/x-www-form-urlencoded", 100),
    ("POST", "/rows", "application/x-ndjson", 200),
    ("POST", "/rows", "text/csv", 200),
    # Rows in bulk are new rows.
    ("PUT", "/rows/1", "text/csv", 100),
])
def test_a_body_is_as_large_as_its_kind_may_be(serve, method, path, kind, most):
    server = serve()
    above = request(server.address, method, path, body_of(kind, most + 1), {"Content-Type": kind})
    assert (above.status, above.json()["code"]) == (413, "RL413")
    assert request(server.address, "GET", "/rows").json() == []
    at = request(server.address, method, path, body_of(kind, most), {"Content-Type": kind})
    assert at.status == 201, at
    assert len(request(server.address, "GET", "/rows").json()) == 1


@pytest.mark.parametrize("switch, there", [("", False), (", server_timing: on", True)])
def test_server_timing_is_said_when_it_is_on(serve, switch, there):
    server = serve(switch)
    timing = request(server.address, "GET", "/rows").headers.get("server-timing", "")
    number = r"[0-9]+\.[0-9]+"
    pattern = rf"parse;dur={number}, transaction;dur={number}"
    assert bool(re.fullmatch(pattern, timing)) == there and bool(timing) == there


@pytest.mark.parametrize("count, there", [(64, True), (65, False)])
def test_content_location_names_all_parameters_or_is_not_there(serve, count, there):
    server = serve()
    query = "&".join(f"id=gt.{number}" for number in range(10, 10 + count))
    answer = request(server.address, "GET", f"/rows?{query}")
    assert answer.status == 200
    assert answer.headers.get("content-location") == (f"/rows?{query}" if there else None)
