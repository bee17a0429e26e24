"""Routes that address sets, bulk bodies, and what a service file may not share with another."""
import pytest
from support.client import request
from support.server import Server, free_port

PAIRS = """\
service: pairs
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:pairs.db}
resources:
  pairs:
    key: [a, b]
    fields: { a: integer, b: integer, note: "text(5)" }
routes:
  PATCH /pairs/{a}:      { update: pairs }
  PATCH /pairs/{a}/{b}:  { update: pairs }
  PATCH /quiet/{a}/{b}:  { update: pairs, reply: 204 }
  PATCH /of/{a}/{b}:     { update: pairs, then: "GET /of/{a}" }
  DELETE /pairs/{a}:     { delete: pairs }
  DELETE /pairs/{a}/{b}: { delete: pairs }
  POST /bulk:            { insert: pairs, from: items }
  POST /more:            { insert: pairs }
  GET /notes:            { list: pairs, values: note }
  GET /of/{a}:           { list: pairs, select: b, empty: 404 }
  POST /then:            { insert: pairs, needs: [note], then: GET /notes }
  DELETE /of/{a}/{b}:    { delete: pairs, then: "GET /of/{a}" }
"""


@pytest.fixture
def call(start, tmp_path):
    file = tmp_path / "service.yaml"
    file.write_text(PAIRS)
    server = start(file)

    def call(*args, **options):
        return request(server.address, *args, **options)

    rows = [{"a": 1, "b": 1, "note": "x"}, {"a": 1, "b": 2, "note": None},
            {"a": 2, "b": 1, "note": "z"}]
    assert call("POST", "/pairs", rows).status == 201
    yield call
    assert server.stop() == 0, server.log()


def test_an_update_of_a_set_answers_its_rows(call):
    answer = call("PATCH", "/pairs/1", {"note": "y"})
    assert answer.status == 200
    assert sorted(answer.json(), key=lambda row: row["b"]) == [
        {"a": 1, "b": 1, "note": "y"}, {"a": 1, "b": 2, "note": "y"}]
    assert call("GET", "/notes").json() == ["y", "y", "z"]


def test_a_set_is_never_missing_and_a_row_is(call):
    assert call("PATCH", "/pairs/9", {"note": "y"}).json() == []
    assert call("DELETE", "/pairs/9").status == 204
    assert call("PATCH", "/pairs/9/9", {"note": "y"}).status == 404
    assert call("DELETE", "/pairs/9/9").status == 404
    assert call("GET", "/notes").json() == ["x", None, "z"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "again"}])
def test_a_row_to_which_nothing_is_done_may_be_missing_too(call, headers):
    def patch(path):
        answer = call("PATCH", path, {}, headers)
        return answer.status, answer.json() if answer.body else None

    assert patch("/pairs/1/1") == (200, {"a": 1, "b": 1, "note": "x"})
    assert patch("/quiet/1/1") == (204, None)
    assert patch("/of/1/1") == (200, [{"b": 1}, {"b": 2}])
    for path in ("/pairs/1/3", "/quiet/1/3", "/of/1/3", "/quiet/1/x"):
        assert patch(path)[0] == 404, path
    assert patch("/pairs/1") == (200, [])


def test_one_row_is_answered_as_one(call):
    assert call("PATCH", "/pairs/1/2", {"note": "y"}).json() == {"a": 1, "b": 2, "note": "y"}
    assert call("DELETE", "/pairs/1/2").status == 204
    assert call("GET", "/notes").json() == ["x", "z"]


@pytest.mark.parametrize("path,body", [("/pairs", []), ("/bulk", {"items": []})])
def test_a_list_of_no_rows_inserts_none(call, path, body):
    answer = call("POST", path, body, headers={"Prefer": "return=representation"})
    assert answer.status == 201
    assert answer.json() == []
    assert len(call("GET", "/pairs").json()) == 3


@pytest.mark.parametrize("path, wrap", [("/bulk", lambda rows: {"items": rows}),
                                        ("/more", lambda rows: rows)])
def test_rows_need_not_give_the_same_fields(call, path, wrap):
    answer = call("POST", path, wrap([{"a": 5, "b": 1}, {"note": "q", "b": 2, "a": 5}]))
    assert (answer.status, answer.json()) == (201, [
        {"a": 5, "b": 1, "note": None}, {"a": 5, "b": 2, "note": "q"}])
    for row, told in (({"a": 5}, "b"), ({"a": 5, "b": 4, "c": 1}, "c")):
        answer = call("POST", path, wrap([{"a": 5, "b": 3}, row]))
        assert answer.status == 400 and told in answer.json()["message"], answer
    assert len(call("GET", "/pairs").json()) == 5


@pytest.mark.parametrize("kind, body, want", [
    ("application/x-www-form-urlencoded", '{"a":5,"b":6}', {"a": 5, "b": 6, "note": None}),
    ("text/plain", '{"a":5,"b":6}', {"a": 5, "b": 6, "note": None}),
    ("text/csv", '[{"a":5,"b":6}]', [{"a": 5, "b": 6, "note": None}]),
    ("application/x-www-form-urlencoded", "a=5&b=6&note=q", {"a": 5, "b": 6, "note": "q"}),
    ("text/csv", "a,b,note\n5,6,NULL\n7,8,q", [{"a": 5, "b": 6, "note": None},
                                              {"a": 7, "b": 8, "note": "q"}]),
    ("application/x-ndjson", '{"a":5,"b":6}\n{"a":7,"b":8}\n', [{"a": 5, "b": 6, "note": None},
                                                               {"a": 7, "b": 8, "note": None}]),
])
def test_a_body_is_json_unless_it_is_what_it_is_said_to_be(call, kind, body, want):
    answer = call("POST", "/more", body, {"Content-Type": kind})
    assert (answer.status, answer.json()) == (201, want)


@pytest.mark.parametrize("kind, body, code", [
    ("application/x-www-form-urlencoded", "a=5&c=6", "PGRST204"),
    ("text/csv", "a,b\n5", "PGRST102"),
    ("text/csv", '{"a":5}', "23502"),
    ("application/x-ndjson", "a=5", "PGRST102"),
])
def test_a_body_that_is_neither_is_told_as_what_it_looks_like(call, kind, body, code):
    answer = call("POST", "/more", body, {"Content-Type": kind})
    assert (answer.status, answer.json()["code"]) == (400, code), answer


def test_the_last_of_many_rows_is_wrong(call):
    rows = [{"a": 5, "b": number, "note": "ok"} for number in range(50)]
    answer = call("POST", "/bulk", {"items": [*rows, {"a": 5, "b": 50, "note": "too long"}]})
    assert answer.status == 400
    assert "row 51" in answer.json()["message"], answer
    assert call("POST", "/bulk", {"items": [*rows, rows[0]]}).status == 409
    assert len(call("GET", "/pairs").json()) == 3
    assert len(call("POST", "/bulk", {"items": rows}).json()) == 50


def test_a_write_may_answer_as_another_route(call):
    answer = call("POST", "/then", {"a": 0, "b": 0, "note": "w"})
    assert (answer.status, answer.json()) == (200, ["w", "x", None, "z"])
    assert "location" not in answer.headers and "etag" not in answer.headers
    assert call("POST", "/then", {"a": 0, "b": 0, "note": "w"}).status == 409
    assert call("POST", "/then", {"a": 0, "b": 1}).status == 400
    assert call("GET", "/notes").json() == ["w", "x", None, "z"]
    assert call("DELETE", "/of/1/1").json() == [{"b": 2}]
    answer = call("DELETE", "/of/1/2")
    assert (answer.status, answer.json()["message"]) == (404, "Not found")
    assert call("GET", "/notes").json() == ["w", "z"]


def test_a_repeated_write_is_not_done_again_and_reads_again(call):
    key = {"Idempotency-Key": "one"}
    first = call("POST", "/then", {"a": 0, "b": 0, "note": "w"}, key)
    assert call("POST", "/pairs", {"a": 9, "b": 9, "note": "q"}).status == 201
    again = call("POST", "/then", {"a": 0, "b": 0, "note": "w"}, key)
    assert first.json() == ["w", "x", None, "z"]
    assert (again.status, again.json()) == (200, ["w", "x", None, "z", "q"])


@pytest.mark.parametrize("names,same_port,override,complaint", [
    (("one", "one"), False, None, "both named"),
    (("one", "two"), True, None, "both listen"),
    (("one", "two"), False, "three.listen=127.0.0.1:1", "no service of that name"),
])
def test_services_that_collide_are_refused(tmp_path, names, same_port, override, complaint):
    ports = [free_port(), free_port()]
    for number, name in enumerate(names):
        folder = tmp_path / f"s{number}"
        folder.mkdir()
        text = PAIRS.replace("service: pairs", f"service: {name}")
        port = ports[0 if same_port else number]
        (folder / "service.yaml").write_text(
            text.replace("${LISTEN:-127.0.0.1:8888}", f"127.0.0.1:{port}")
            .replace("${STORE:-sqlite:pairs.db}", "sqlite:pairs.db"))
    server = Server(tmp_path, folder=tmp_path, own_address=True,
                    args=("--set", override) if override else ())
    server.launch()
    assert server.wait() == 1
    assert complaint in server.log()


LATE = """\
service: late
listen: 127.0.0.1:0
store: "memory:"
limits: { read_ms: 1 }
resources:
  notes:
    key: id
    fields: { id: { type: integer, default: auto }, note: text }
routes:
  POST /then: { insert: notes, then: GET /slow }
  GET /slow:  { list: notes, where: ["note=imatch.(x+x+)+y"], order: note.desc }
"""


def test_nobody_is_told_to_send_a_write_again_whose_answer_is_late(start, tmp_path):
    """The write is committed, and the route behind `then` has no time."""
    file = tmp_path / "late.yaml"
    file.write_text(LATE)
    server = start(file, store=f"sqlite:{tmp_path / 'late.db'}")
    for _ in range(4):
        rows = [{"note": "x" * 200} for _ in range(4000)]
        assert request(server.address, "POST", "/notes", rows).status == 201
    answer = request(server.address, "POST", "/then", {"note": "one"})
    assert (answer.status, answer.json()["code"]) == (504, "RL504U")
    assert "was carried out" in answer.json()["message"]
    assert "retry-after" not in answer.headers
    assert request(server.address, "GET", "/notes/16001").json()["note"] == "one"
    assert request(server.address, "GET", "/slow").json()["code"] == "RL504"
    assert server.stop() == 0, server.log()
