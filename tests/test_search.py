"""Substrings: with `search` an index finds what is found row by row without it, through every door."""
import json
import random
import sqlite3
import time

import pytest
from support.client import request
from support.server import Server, run_program

SERVICE = """
service: library
limits: { rollback: on }
resources:
  authors:
    key: id
    fields: { id: integer, name: text }
    search: name
  indexed:
    key: id
    fields:
      id: { type: integer, default: auto }
      author: { type: integer, references: authors }
      title: text
      uri: text
    search: [title, uri]
  plain:
    key: id
    fields:
      id: { type: integer, default: auto }
      author: { type: integer, references: authors }
      title: text
      uri: text
routes:
  GET /find: { list: indexed, where: ["title=ilike.{pattern?}"], values: id, order: id }
"""
TITLES = ["The Left Hand of Darkness", "Roadside Picnic", "İstanbul: Memories", "STRASSE", "Straße",
          "Kelvin", "Kelvin's \"50%\" rule_", "back\\slash", "😀😀😀😀 smiles", "", None, "abc",
          "abcd", "a*b*c*d", "the left", "DARKNESS at noon"]
PATTERNS = ["ilike.*left*", "like.*left*", "ilike.*dark*", "ilike.the*", "like.The*", "ilike.*istan*",
            "ilike.*strasse*", "ilike.*stra%C3%9Fe", "ilike.*STRA%C3%9FE", "ilike.*kelvin*",
            "ilike.*50%5C%25*", "ilike.*rule%5C_*", "ilike.*%22*", "like.*back%5C%5Cs*",
            "ilike.*%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80*", "ilike.*abc*", "ilike.abc", "ilike.*ab*",
            "ilike.*a_cd*", "ilike.*left*dark*", "not.ilike.*left*", "not.like.*abc*",
            "ilike(any).{*left*,*picnic*}", "ilike(all).{*left*,*dark*}", "ilike.*nowhere*"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    (folder / "service.yaml").write_text(SERVICE)
    with Server(folder / "service.yaml", folder=folder).start() as running:
        send(running, "POST", "/authors", [{"id": 1, "name": "Ursula"}, {"id": 2, "name": "Arkady"}])
        yield running


def send(server, method, path, rows=None, **headers):
    answer = request(server.address, method, path, rows, headers=tuple(headers.items()))
    assert answer.status < 300, answer
    return answer


@pytest.fixture(autouse=True)
def rows(server):
    for table in ("indexed", "plain"):
        send(server, "DELETE", f"/{table}")
        send(server, "POST", f"/{table}?columns=id,title,uri,author",
             [{"id": 100 + i, "title": title, "uri": f"https://example.org/{i}", "author": 1 + i % 2}
              for i, title in enumerate(TITLES)])


def ids(server, table, condition, select):
    path = f"/{table}?select={select}&order=id&{condition}"
    return [row["id"] for row in send(server, "GET", path).json()]


def same(server, condition, select="id"):
    found = ids(server, "indexed", condition, select)
    assert found == ids(server, "plain", condition, select), condition
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_index_finds_the_same_rows(server, pattern):
    same(server, f"title={pattern}")
    same(server, f"or=(title.{pattern},uri.like.*/3)")


def test_beside_other_conditions(server):
    assert same(server, "title=ilike.*left*&author=eq.1") == [100, 114]
    assert same(server, "uri=like.*example.org%2F1*&title=ilike.*abc*&limit=1") == [111]
    assert same(server, "authors.name=ilike.*rsul*&title=ilike.*left*", "id,authors!inner(name)") == [100, 114]


def test_a_route_binds_the_text(server):
    assert send(server, "GET", "/find?pattern=*LEFT*").json() == [100, 114]
    assert len(send(server, "GET", "/find").json()) == len(TITLES)


def test_what_was_written_is_found(server):
    for table in ("indexed", "plain"):
        send(server, "PATCH", f"/{table}?title=ilike.*left*", {"title": "Right hand"})
        send(server, "DELETE", f"/{table}?title=ilike.*picnic*")
        send(server, "PATCH", f"/{table}?id=eq.102", {"id": 999})
        send(server, "POST", f"/{table}?on_conflict=id",
             [{"id": 103, "title": "left again", "uri": "x", "author": 1},
              {"id": 500, "title": "quite left", "uri": "x", "author": 1}],
             Prefer="resolution=merge-duplicates")
        send(server, "POST", f"/{table}", [{"title": "never left", "author": 1}], Prefer="tx=rollback")
        assert request(server.address, "POST", f"/{table}",
                       [{"title": "left out", "author": 1}, {"title": "x", "author": 77}]).status == 409
    assert same(server, "title=ilike.*left*") == [103, 500]
    assert same(server, "title=ilike.*right*") == [100, 114]
    assert same(server, "title=ilike.*istan*") == [999]
    assert same(server, "title=ilike.*picnic*") == []


def test_random_writes(server):
    source = random.Random(5)
    words = ["left", "LEFTY", "émigré", "ÉMIGRÉ", "straße", "a_b", "%", "dark", "darkness", " "]

    def text():
        return "".join(source.choices(words, k=source.randint(0, 4)))

    for _ in range(60):
        number, title, needle = source.randint(100, 130), text(), source.choice(words)[:5].replace("%", "").replace("_", "")
        kind = source.randint(0, 2)
        for table in ("indexed", "plain"):
            if kind == 0:
                send(server, "POST", f"/{table}", [{"id": number, "title": title}], Prefer="resolution=merge-duplicates")
            elif kind == 1:
                send(server, "PATCH", f"/{table}?id=lt.{number}&id=gt.{number - 4}", {"title": title})
            else:
                send(server, "DELETE", f"/{table}?id=eq.{number}")
        same(server, f"title=ilike.*{request_text(needle)}*")


def request_text(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_a_database_without_the_index_differs(tmp_path):
    (tmp_path / "old.yaml").write_text(SERVICE.replace("search: name", ""))
    (tmp_path / "new.yaml").write_text(SERVICE)
    with Server(tmp_path / "old.yaml", folder=tmp_path).start() as running:
        store = running.store
    ran = run_program("serve", tmp_path / "new.yaml", "--store", store, "--listen", "127.0.0.1:0")
    assert ran.returncode != 0
    assert "authors.name_search" in ran.stderr + ran.stdout


def test_the_database_describes_itself(tmp_path):
    (tmp_path / "service.yaml").write_text(SERVICE)
    with Server(tmp_path / "service.yaml", folder=tmp_path).start() as running:
        send(running, "POST", "/authors", [{"id": 1, "name": "Ursula"}])
        store, path = running.store, running.database
    ran = run_program("introspect", "--store", store, "--write")
    text = ran.stdout if ran.returncode == 0 else run_program("introspect", "--store", store).stdout
    assert "_search" not in text and "authors:" in text
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT name FROM authors").fetchall() == [("Ursula",)]
    db.close()


def send_lines(server, table, rows):
    body = "\n".join(json.dumps(row) for row in rows)
    answer = request(server.address, "POST", f"/{table}", body,
                     headers=(("Content-Type", "application/x-ndjson"), ("Prefer", "return=minimal")))
    assert answer.status < 300, answer


def all_same(server, needles=("left", "hand 7", "dark", "late", "10")):
    for needle in needles:
        same(server, f"title=ilike.*{request_text(needle)}*&limit=100000")


def many_rows(start, count):
    return [{"id": start + i, "title": f"The left hand {i}" if i % 100 == 0 else f"Title of {i}",
             "author": 1} for i in range(count)]


def test_many_rows_are_found_before_they_are_indexed(server):
    for round in range(5):
        for table in ("indexed", "plain"):
            send_lines(server, table, many_rows(1000 + 5000 * round, 5000))
        all_same(server)
        for table in ("indexed", "plain"):
            send(server, "PATCH", f"/{table}?title=ilike.*hand%207*", {"title": "Dark hand"})
            send(server, "DELETE", f"/{table}?id=gt.{3000 + 5000 * round}&title=ilike.*left*")
        all_same(server)


def test_killed_while_rows_are_indexed(tmp_path):
    source = random.Random(7)
    (tmp_path / "service.yaml").write_text(SERVICE)
    running = Server(tmp_path / "service.yaml", folder=tmp_path).start()
    try:
        send(running, "POST", "/authors", [{"id": 1, "name": "Ursula"}])
        for round in range(4):
            for table in ("plain", "indexed"):
                send_lines(running, table, many_rows(20000 * round, 20000))
            for _ in range(10):
                number = source.randint(0, 20000 * (round + 1))
                for table in ("plain", "indexed"):
                    send(running, "PATCH", f"/{table}?id=gt.{number}&id=lt.{number + 30}", {"title": "too late"})
                    send(running, "DELETE", f"/{table}?id=gt.{number + 10}&id=lt.{number + 20}")
            all_same(running)
            time.sleep(source.random() / 3)
            running.kill()
            running.start()
            all_same(running)
    finally:
        running.kill()
