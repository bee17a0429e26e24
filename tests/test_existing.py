"""Existing databases: `rowlock serve --store URL` without a service file, and `rowlock introspect`.

The program that owns the database is the sqlite3 module here."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from support.client import Connection, get_json, request
from support.server import DidNotStart, Existing, free_port, program, run_program

MUSIC = """
CREATE TABLE artists (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL COLLATE NOCASE UNIQUE,
  born DATE, active BOOLEAN DEFAULT 1, rating INTEGER CONSTRAINT "good rating" CHECK (rating < 6));
CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT NOT NULL, made DEFAULT (upper('now')),
  artist_id INTEGER NOT NULL REFERENCES artists (id), price DECIMAL(10,2) DEFAULT 9.99, cover BLOB,
  label AS (title || '!'), UNIQUE (artist_id, title));
CREATE TABLE genres (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE album_genres (album_id INTEGER REFERENCES albums ON DELETE CASCADE,
  genre_id INTEGER REFERENCES genres, PRIMARY KEY (album_id, genre_id)) WITHOUT ROWID;
CREATE TABLE discs (album INTEGER REFERENCES albums, number INTEGER, PRIMARY KEY (album, number));
CREATE TABLE tracks (album INTEGER, disc INTEGER, place INTEGER, name TEXT,
  PRIMARY KEY (album, disc, place), FOREIGN KEY (album, disc) REFERENCES discs);
CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, boss INTEGER REFERENCES employees);
CREATE TABLE log (at TEXT, what TEXT);
CREATE TABLE "odd table.x" ("key with ""quote" TEXT PRIMARY KEY, "naïve.col" INT, "größe, m" REAL,
  "a:b" TEXT, "true" TEXT, "null" INT, "1" TEXT, "select" TEXT, "(x)" TEXT, "#" TEXT);
CREATE TABLE "日本 語" ("名前" TEXT PRIMARY KEY, "-" INT);
CREATE TABLE docs (id INTEGER PRIMARY KEY, body JSON, kind BOOLEAN, size INTEGER, ratio DECIMAL);
CREATE VIEW album_titles AS
  SELECT a.id, a.title, r.name AS artist FROM albums a JOIN artists r ON r.id = a.artist_id;
CREATE TRIGGER taste BEFORE INSERT ON genres WHEN NEW.name = 'polka'
  BEGIN SELECT RAISE(ABORT, 'no polka, please'); END;
CREATE VIEW broken AS SELECT * FROM gone;
INSERT INTO artists (id, name, born, active) VALUES
  (1, 'Foo', '2001-01-01', 1), (2, 'bar', 'yesterday', 0), (3, 'Baz', NULL, 2), (4, 'q', 1, NULL);
INSERT INTO albums (id, title, artist_id, price, cover) VALUES
  (1, 'A', 1, 1.5, x'00ff10'), (2, 'B', 1, 'cheap', NULL), (3, 'C', 2, 9007199254740993, 'text');
INSERT INTO genres VALUES (1, 'rock'), (2, 'jazz');
INSERT INTO album_genres VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO discs VALUES (1, 1), (1, 2);
INSERT INTO tracks VALUES (1, 1, 1, 'one'), (1, 2, 1, 'two');
INSERT INTO employees VALUES (1, 'ann', NULL), (2, 'bob', 1), (3, 'cid', 1);
INSERT INTO log VALUES ('a', 'b'), (NULL, CAST(x'ff61' AS TEXT));
INSERT INTO "odd table.x" VALUES ('k"1', 5, 1.5, 'z', 't', 0, 'one', 's', 'p', 'h'), ('', 0, 0, '',
  '', NULL, '', '', '', '');
INSERT INTO "日本 語" VALUES ('東京', 1);
INSERT INTO docs VALUES (1, '{"a": [1]}', 2, 'many', 1), (2, 'not json', 'x', 1.5, 'x'),
  (3, x'7b7d', x'00', x'01', x'02'), (4, 12, 0, NULL, 9e999), (5, CAST(x'22ff22' AS TEXT), 0.5,
  9223372036854775807, -0.0), (6, '{"a":1', NULL, '', '');
"""


class Reloaded(Existing):
    def reload(self):
        """SIGHUP; waits until its outcome is in the log."""
        before = len(self.log())
        self.signal(signal.SIGHUP)
        for _ in range(500):
            said = self.log()[before:]
            if any(words in said for words in ("read again", "keeps serving", "has changed")):
                return said
            time.sleep(0.01)
        raise AssertionError("nothing was said of the reload")


def make(path, script=MUSIC, wal=False):
    with sqlite3.connect(path) as db:
        if wal:
            db.execute("PRAGMA journal_mode=WAL")
        db.executescript(script)
    db.close()
    return path


@pytest.fixture(name="serve")
def serve_fixture(tmp_path):
    running = []

    def serve(path, *args, **options):
        running.append(Reloaded(folder=tmp_path, store=f"sqlite:{path}", args=args, **options))
        return running[-1].start()

    yield serve
    for server in running:
        server.kill()


@pytest.fixture(name="music")
def music_fixture(tmp_path):
    return make(tmp_path / "my music.db")


READS = [
    ("albums?select=title,artists(name),genres(name)&order=id&limit=1",
     [{"title": "A", "artists": {"name": "Foo"}, "genres": [{"name": "rock"}, {"name": "jazz"}]}]),
    ("artists?select=name,albums(title)&id=eq.1&albums.order=title",
     [{"name": "Foo", "albums": [{"title": "A"}, {"title": "B"}]}]),
    ("employees?select=name,boss(name)&order=id.desc&limit=1",
     [{"name": "cid", "boss": {"name": "ann"}}]),
    ("employees?select=name,team:employees!boss(name)&id=eq.1",
     [{"name": "ann", "team": [{"name": "bob"}, {"name": "cid"}]}]),
    ("discs?select=number,tracks(name)&order=number.desc",
     [{"number": 2, "tracks": [{"name": "two"}]}, {"number": 1, "tracks": [{"name": "one"}]}]),
    ("artists?select=id&name=eq.FOO", [{"id": 1}]),  # the column's collation counts
    ("artists?select=id&active=is.true&order=id", [{"id": 1}, {"id": 3}]),
    ("artists?select=id&active=eq.true&order=id", [{"id": 1}, {"id": 3}]),
    ("artists?select=id&active=neq.true", [{"id": 2}]),
    ("artists?select=id&active=in.(true)&order=id.desc", [{"id": 3}, {"id": 1}]),
    ("artists?select=id&active=not.eq.false&order=id", [{"id": 1}, {"id": 3}]),
    ("artists?select=id&active=isdistinct.true&order=id", [{"id": 2}, {"id": 4}]),
    ("artists?select=id,active&order=id", [{"id": 1, "active": True}, {"id": 2, "active": False},
                                           {"id": 3, "active": True}, {"id": 4, "active": None}]),
    ("artists?select=born&order=id", [{"born": "2001-01-01"}, {"born": "yesterday"},
                                      {"born": None}, {"born": 1}]),
    ("album_titles?artist=eq.bar", [{"id": 3, "title": "C", "artist": "bar"}]),
    ("albums?select=id,label,price&order=id",
     [{"id": 1, "label": "A!", "price": 1.5}, {"id": 2, "label": "B!", "price": "cheap"},
      {"id": 3, "label": "C!", "price": 9007199254740993}]),
    ("albums?select=cover&order=id",
     [{"cover": "\\x00ff10"}, {"cover": None}, {"cover": "text"}]),
    ("albums?select=cover::text&id=eq.1", [{"cover": "\\x00ff10"}]),
    ("log", [{"at": "a", "what": "b"}, {"at": None, "what": "\ufffda"}]),
    ("odd%20table.x?select=%221%22,%22(x)%22&%22null%22=is.null", [{"1": "", "(x)": ""}]),
    ("odd%20table.x?%22na%C3%AFve.col%22=gt.3&select=" + quote('"größe, m"'), [{"größe, m": 1.5}]),
    (quote("日本 語") + "/" + quote("東京"), {"名前": "東京", "-": 1}),
    ("docs?select=body->a&order=id&limit=2", [{"a": [1]}, {"a": None}]),
]


@pytest.mark.parametrize("path,want", READS, ids=[row[0] for row in READS])
def test_reads(music, serve, path, want):
    with serve(music) as server:
        assert get_json(server.address, "/" + path) == want


def test_every_answer_is_json(music, serve):
    with serve(music) as server:
        rows = get_json(server.address, "/docs?order=id")
        assert [row["body"] for row in rows] == [
            {"a": [1]}, "not json", "\\x7b7d", 12, "\"\ufffd\"", "{\"a\":1"]
        assert [row["size"] for row in rows] == ["many", 1.5, "\\x01", None, 2 ** 63 - 1, ""]
        assert [row["kind"] for row in rows] == [True, "x", "\\x00", False, 0.5, None]
        assert [row["ratio"] for row in rows] == [1, "x", "\\x02", None, 0, ""]
        for column in ("body", "kind", "size", "ratio", "body->a", "body->>a"):
            for term in ("asc", "desc.nullslast"):
                answer = request(server.address, "GET",
                                 f"/docs?select=x:{column}&order={column}.{term}")
                assert answer.status == (400 if column == "body" else 200), answer
                json.loads(answer.body)
            for cast in ("text", "int", "bool", "float", "json"):
                answer = request(server.address, "GET", f"/docs?select=x:{column}::{cast}")
                assert answer.status in (200, 400), answer
                json.loads(answer.body)
        for filter_ in ("kind=eq.true", "kind=is.false", "size=gt.1", "body->a=eq.1",
                        "ratio=in.(1,2)", "body=like.*a*", "select=ratio.sum(),size.max()"):
            answer = request(server.address, "GET", f"/docs?{filter_}")
            assert answer.status in (200, 400), (filter_, answer)
            json.loads(answer.body)


def test_what_cannot_be_served_is_said(tmp_path, serve):
    long = "x" * 64
    path = make(tmp_path / "a.db", f'CREATE TABLE a (id INTEGER PRIMARY KEY, "{long}" TEXT);'
                                   'CREATE TABLE ".rowlock" (a); CREATE TABLE "b\nc" (a);'
                                   "CREATE TABLE d (gone REFERENCES nowhere);")
    with serve(path) as server:
        assert '"parts":4' in server.log() and "introspect" in server.log()
        assert get_json(server.address, "/a") == []
        assert request(server.address, "GET", "/" + long).status == 404
    text = run_program("introspect", "--store", f"sqlite:{path}").stdout
    assert text.count("# left out: ") == 4


def test_nothing_is_written_without_write(music, serve):
    before = music.read_bytes()
    with serve(music) as server:
        for method, path in (("POST", "/genres"), ("PATCH", "/genres?id=eq.1"),
                             ("PUT", "/genres/1"), ("DELETE", "/genres?id=eq.1")):
            assert request(server.address, method, path, {"id": 1, "name": "x"}).status == 405
        assert len(get_json(server.address, "/genres")) == 2
    assert server.exit_code == 0
    assert music.read_bytes() == before
    assert [file.suffix for file in music.parent.iterdir() if "music" in file.name] == [".db"]


def test_writes(music, serve):
    with serve(music, "--write") as server:
        def call(method, path, body=None, **headers):
            return request(server.address, method, path, body,
                           {name.replace("_", "-"): value for name, value in headers.items()})

        made = call("POST", "/albums", {"title": "D", "artist_id": 2},
                    Prefer="return=representation").json()
        assert made == [{"id": 4, "title": "D", "made": "NOW", "artist_id": 2, "price": 9.99,
                         "cover": None, "label": "D!"}]
        taken = call("POST", "/albums", {"title": "D", "artist_id": 2})
        assert (taken.status, taken.json()["code"]) == (409, "23505")
        assert "albums_artist_id_title_key" in taken.json()["message"]
        again = call("POST", "/artists", {"name": "FOO"})
        assert (again.status, again.json()["code"]) == (409, "23505")
        missing = call("POST", "/albums", {"title": "E", "artist_id": 99})
        assert (missing.status, missing.json()["code"]) == (409, "23503")
        assert "albums_artist_id_fkey" in missing.json()["message"]
        used = call("DELETE", "/artists?id=eq.1")
        assert (used.status, used.json()["code"]) == (409, "23503")
        null = call("POST", "/albums", {"title": None, "artist_id": 1})
        assert (null.status, null.json()["code"]) == (400, "23502")
        checked = call("PATCH", "/artists?id=eq.1", {"rating": 9})
        assert (checked.status, checked.json()["code"]) == (400, "23514")
        assert checked.json()["message"].endswith('violates check constraint "good rating"')
        raised = call("POST", "/genres", {"name": "polka"})
        assert (raised.status, raised.json()["message"]) == (400, "no polka, please")
        assert call("DELETE", "/albums?id=eq.1").status in (204, 409)
        assert call("POST", "/album_titles", {"id": 1}).status == 405  # a view
        assert call("PUT", "/" + quote("日本 語") + "/" + quote("京都"), {"名前": "京都", "-": 7}).status \
            in (200, 201)
        assert call("PATCH", "/log?at=eq.a", {"what": "c"}).status == 204
        assert call("PATCH", "/genres?id=eq.1", {"name": "r"}, Idempotency_Key="k").status == 400
    assert server.exit_code == 0
    with sqlite3.connect(music) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema")]
        assert not [name for name in tables if name.startswith("_rl_")]
        assert db.execute("SELECT count(*) FROM log WHERE what='c'").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize("wal", [False, True], ids=["rollback journal", "WAL"])
def test_etags_follow_the_owner_of_the_database(tmp_path, serve, wal):
    path = make(tmp_path / "a.db", wal=wal)
    owner = sqlite3.connect(path)
    with serve(path) as server, Connection(server.address) as client:
        first = client.request("GET", "/genres?order=id")
        tag = {"If-None-Match": first.headers["etag"]}
        assert client.request("GET", "/genres?order=id", headers=tag).status == 304
        # The tag is the same on every loop, of which each connection has one.
        assert {request(server.address, "GET", "/genres?order=id", headers=tag).status
                for _ in range(20)} == {304}
        owner.execute("INSERT INTO genres VALUES (3, 'folk')")
        assert client.request("GET", "/genres?order=id", headers=tag).status == 304
        owner.commit()
        for _ in range(20):
            changed = request(server.address, "GET", "/genres?order=id", headers=tag)
            assert changed.status == 200 and len(changed.json()) == 3
        new = {"If-None-Match": changed.headers["etag"]}
        assert client.request("GET", "/genres?order=id", headers=new).status == 304
        assert owner.execute("PRAGMA journal_mode").fetchone() == ("wal" if wal else "delete",)
    owner.close()


def test_a_writer_is_waited_for(music, serve):
    """While the owner commits in a rollback journal nobody can read: an answer comes afterwards."""
    owner = sqlite3.connect(music, isolation_level=None)
    with serve(music) as server, Connection(server.address) as client:
        assert client.request("GET", "/genres").status == 200
        owner.execute("BEGIN EXCLUSIVE")
        client.send(b"GET /genres HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.3)
        assert request(server.address, "GET", "/live").status == 200
        owner.execute("INSERT INTO genres VALUES (7, 'late')")
        owner.execute("COMMIT")
        assert len(client.receive().json()) == 3
        owner.execute("BEGIN EXCLUSIVE")
        refused = client.request("GET", "/genres")
        assert refused.status == 503, refused
        owner.execute("ROLLBACK")
        assert client.request("GET", "/genres").status == 200
    owner.close()


def test_reload_takes_the_new_schema(music, serve):
    with serve(music) as server:
        assert request(server.address, "GET", "/labels").status == 404
        with sqlite3.connect(music) as owner:
            owner.executescript("CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT);"
                                "INSERT INTO labels VALUES (1, 'L');"
                                "ALTER TABLE genres ADD COLUMN age INT DEFAULT 3;"
                                "DROP VIEW broken; ALTER TABLE log DROP COLUMN at;"
                                "DROP VIEW album_titles;")
        assert "again" in server.reload()
        assert get_json(server.address, "/labels") == [{"id": 1, "name": "L"}]
        assert get_json(server.address, "/genres?id=eq.1") == [{"id": 1, "name": "rock", "age": 3}]
        assert get_json(server.address, "/log?limit=1") == [{"what": "b"}]
        assert request(server.address, "GET", "/album_titles").status == 404
        owner.close()
        with sqlite3.connect(music) as owner:
            columns = ", ".join(f"c{number}" for number in range(1001))
            owner.execute(f"CREATE TABLE wide ({columns})")  # more than a service can have
        owner.close()
        assert "keeps serving" in server.reload()
        assert get_json(server.address, "/labels") == [{"id": 1, "name": "L"}]


def test_reload_with_write_says_that_nothing_can_have_changed(music, serve):
    with serve(music, "--write") as server:
        assert "none has changed" in server.reload()
        with pytest.raises(sqlite3.OperationalError):
            sqlite3.connect(music, timeout=0).execute("SELECT * FROM genres").fetchall()


@pytest.mark.parametrize("write", [False, True], ids=["read only", "write"])
def test_introspect_and_back(music, serve, start, tmp_path, write):
    args = ["--write"] if write else []
    printed = run_program("introspect", "--store", f"sqlite:{music}", *args)
    assert printed.returncode == 0 and printed.stderr == ""
    file = tmp_path / "service.yaml"
    file.write_text(printed.stdout)
    checked = run_program("check", file)
    assert checked.returncode == 0, checked.stderr
    assert ("read_only: true" in printed.stdout.split("album_titles")[0]) is not write
    with serve(music, *args) as server:
        want = get_json(server.address, "/albums?select=*,artists(*),genres(*)&order=id")
    with start(file, store=f"sqlite:{music}") as server:
        assert get_json(server.address, "/albums?select=*,artists(*),genres(*)&order=id") == want
        posted = request(server.address, "POST", "/genres", {"name": "x"},
                         {"Idempotency-Key": "one"})
        assert posted.status == (201 if write else 405), posted
    db = sqlite3.connect(music)
    made = db.execute("SELECT name FROM sqlite_schema WHERE name LIKE '@_rl%' ESCAPE '@' "
                      "AND type='table'").fetchall()
    db.close()
    assert made == ([("_rl_idem",)] if write else [])
    if write:  # now that the table is there, it is used
        with serve(music, "--write") as server:
            answers = [request(server.address, "POST", "/genres", {"name": "y"},
                               {"Idempotency-Key": "two"}) for _ in range(2)]
            assert [answer.status for answer in answers] == [201, 201]
            assert len(get_json(server.address, "/genres?name=eq.y")) == 1


@pytest.fixture(name="closed")
def closed_fixture():
    """A folder that everybody may read, and nobody but root may write; it is none of pytest's,
    which are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="rowlock-closed-"))
    make(folder / "plain.db")
    make(folder / "wal.db", wal=True)
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["plain.db", "wal.db"])
def test_a_read_only_file_and_folder(closed, name):
    under = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everything, and there is no setpriv")
        under = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    address = ("127.0.0.1", free_port())
    with subprocess.Popen(
            [*under, program(), "serve", "--store", f"sqlite:{closed / name}", "--listen",
             f"127.0.0.1:{address[1]}", "--log", "off"], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, cwd="/") as process:
        for _ in range(500):
            try:
                assert len(get_json(address, "/genres")) == 2
                break
            except ConnectionRefusedError:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, process.stderr.read()
    assert sorted(file.name for file in closed.iterdir()) == ["plain.db", "wal.db"]


# (what is in the file, what is said)
WRONG = [
    (None, "No such file"),
    (b"this is no database, but it is long enough" * 100, "not an SQLite database"),
    (os.urandom(8192), "not an SQLite database"),
]


@pytest.mark.parametrize("content,message", WRONG, ids=["missing", "text", "encrypted"])
def test_what_is_no_database(tmp_path, content, message):
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    for command in (["introspect"], ["serve"], ["serve", "--write"]):
        result = run_program(*command, "--store", f"sqlite:{path}")
        assert result.returncode == 1, result
        assert message in result.stderr and "x.db" in result.stderr, result
        assert result.stdout == ""
    assert path.exists() is (content is not None)


def test_a_folder_is_no_database(tmp_path):
    result = run_program("introspect", "--store", f"sqlite:{tmp_path}")
    assert result.returncode == 1 and "not a file" in result.stderr, result


def test_a_database_that_another_rowlock_owns(music, serve):
    with serve(music, "--write") as server:
        for command in (["introspect"], ["serve"], ["serve", "--write"]):
            result = run_program(*command, "--store", f"sqlite:{music}")
            assert result.returncode == 1, result
            assert "in use by another process" in result.stderr, result
            assert str(server.process.pid) in result.stderr, result


def test_write_refuses_a_database_that_is_open_elsewhere(tmp_path, serve):
    path = make(tmp_path / "a.db", wal=True)
    owner = sqlite3.connect(path)
    owner.execute("SELECT count(*) FROM genres").fetchone()
    with pytest.raises(DidNotStart, match="in use by another process"):
        serve(path, "--write")
    owner.close()


@pytest.mark.parametrize("wal", [False, True], ids=["rollback journal", "WAL"])
def test_introspect_changes_no_file(tmp_path, wal):
    path = make(tmp_path / "50% of a?b#c.db", wal=wal)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert run_program("introspect", "--store", f"sqlite:{path}").returncode == 0
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_introspect_of_a_database_in_use(tmp_path):
    """What its owner has committed is seen, also while it stands in the log only."""
    owner = sqlite3.connect(make(tmp_path / "a.db", wal=True))
    owner.execute("CREATE TABLE newest (id INTEGER PRIMARY KEY)")
    owner.commit()
    result = run_program("introspect", "--store", f"sqlite:{tmp_path / 'a.db'}")
    assert "newest" in result.stdout, result
    owner.close()


OWN = """
service: shelf
listen: 127.0.0.1:1
store: sqlite:none.db
resources:
  authors: { key: id, fields: { id: { type: integer, default: auto }, name: text(9) } }
  books:
    key: id
    fields:
      id: { type: uuid, default: auto, write: never }
      author: { type: integer, references: authors }
      price: { type: "decimal(10,2)", min: 0 }
      state: { type: text, required: true, in: [draft, printed], default: draft }
      sold: { type: boolean, write: once }
      doc: json
  books_per_state: { tally: books, by: [state] }
"""


def test_a_database_of_ours_keeps_its_types(tmp_path, serve, start):
    path = tmp_path / "shelf.db"
    file = tmp_path / "shelf.yaml"
    file.write_text(OWN)
    with start(file, store=f"sqlite:{path}") as server:
        assert request(server.address, "POST", "/authors", {"name": "ann"}).status == 201
        assert request(server.address, "POST", "/books", {
            "author": 1, "price": 1.25, "sold": True, "doc": {"a": [1]}}).status == 201
        rows = get_json(server.address, "/books?select=*,authors(name)")
    with serve(path) as server:
        assert get_json(server.address, "/books?select=*,authors(name)") == rows
        assert get_json(server.address, "/books_per_state") == [{"state": "draft", "count": 1}]
        assert get_json(server.address, "/books?price=lt.1.3&sold=eq.true&select=doc->a") == [
            {"a": [1]}]
        assert request(server.address, "POST", "/authors", {"name": "x"}).status == 405
    with serve(path, "--write") as server:
        bad = [{"state": "gone"}, {"price": -1}, {"price": 1.255}, {"author": 7}]
        for row in bad:
            assert request(server.address, "POST", "/books", row).status in (400, 409), row
        assert request(server.address, "POST", "/books", {"price": 2}).status == 201
    with sqlite3.connect(path) as owner:  # another program adds to it
        owner.executescript("ALTER TABLE authors ADD COLUMN born TEXT;"
                            "CREATE TABLE notes (id INTEGER PRIMARY KEY,"
                            " book TEXT REFERENCES books (id), author REFERENCES authors (id));")
    owner.close()
    with serve(path) as server:
        assert get_json(server.address, "/authors") == [{"id": 1, "name": "ann", "born": None}]
        assert get_json(server.address, "/notes") == []
    file.write_text(OWN.replace("in: [draft, printed]", "in: [draft, printed, lost]"))
    with start(file, store=f"sqlite:{path}"):
        pass
    text = run_program("introspect", "--store", f"sqlite:{path}").stdout
    assert "lost" in text and "read_only: true" in text
    with sqlite3.connect(path) as owner:  # what does not fit any more is described anew
        owner.executescript("DROP TABLE notes; ALTER TABLE authors RENAME COLUMN name TO title;")
    owner.close()
    with serve(path) as server:
        assert get_json(server.address, "/authors") == [{"id": 1, "title": "ann", "born": None}]
        assert len(get_json(server.address, "/books?select=*,authors(title)")) == 2


def test_only_the_table_of_kept_answers_is_added(tmp_path, start):
    """A database of an earlier version lacks it."""
    path = tmp_path / "old.db"
    file = tmp_path / "shelf.yaml"
    file.write_text(OWN)
    with start(file, store=f"sqlite:{path}"):
        pass
    owner = sqlite3.connect(path)
    owner.execute("DROP TABLE _rl_idem")
    owner.close()
    with start(file, store=f"sqlite:{path}") as server:
        assert [request(server.address, "POST", "/authors", {"name": "x"},
                        {"Idempotency-Key": "k"}).status for _ in range(2)] == [201, 201]
        assert len(get_json(server.address, "/authors")) == 1
    owner = sqlite3.connect(path)
    owner.executescript("DROP TABLE _rl_idem; CREATE TABLE _rl_idem (scope TEXT)")
    owner.close()
    with pytest.raises(DidNotStart, match="_rl_idem"):
        start(file, store=f"sqlite:{path}")


WRONG_USAGE = [["introspect"], ["introspect", "x.db"], ["introspect", "--nonsense"],
               ["serve", "--write"], ["serve", "--store", "sqlite:x.db", "--watch"],
               ["serve", "x.yaml", "--write"]]


@pytest.mark.parametrize("args", WRONG_USAGE, ids=str)
def test_wrong_usage_is_2(args):
    result = run_program(*args)
    assert result.returncode == 2 and result.stderr.strip(), result
