"""Existing databases on MariaDB: `rowlock serve --store URL` without a service file, `introspect`.

The program that owns the database is the client of the server here."""
import signal
import time
from urllib.parse import quote

import pytest
from support import mariadb
from support.client import get_json, request
from support.server import DidNotStart, Existing, free_port, run_program

pytestmark = pytest.mark.skipif(not mariadb.is_installed(), reason="mariadbd is not installed")

# As programs of many years have it: character sets of their time, keys without case, engines.
MUSIC = """
CREATE TABLE artists (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(40) NOT NULL, born DATE, active TINYINT(1) DEFAULT 1,
  rating INT, CONSTRAINT `good rating` CHECK (rating < 6),
  kind ENUM('solo','band','it''s','a,b') NOT NULL DEFAULT 'solo',
  added DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  UNIQUE KEY `one name` (name), UNIQUE KEY beginnings (name(9))) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE albums (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  title VARCHAR(100) NOT NULL, artist_id INT UNSIGNED NOT NULL, price DECIMAL(10,2) DEFAULT 9.99,
  cover BLOB, label VARCHAR(110) GENERATED ALWAYS AS (CONCAT(title,'!')), huge DECIMAL(30,10),
  UNIQUE KEY artist_title (artist_id,title), CONSTRAINT albums_ibfk_1 FOREIGN KEY (artist_id)
  REFERENCES artists (id)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE genres (code VARCHAR(10) NOT NULL PRIMARY KEY, name TEXT) DEFAULT CHARSET=latin1;
CREATE TABLE album_genres (album_id BIGINT UNSIGNED NOT NULL, genre VARCHAR(10) NOT NULL,
  PRIMARY KEY (album_id, genre), FOREIGN KEY (album_id) REFERENCES albums (id) ON DELETE CASCADE,
  FOREIGN KEY (genre) REFERENCES genres (code)) DEFAULT CHARSET=latin1;
CREATE TABLE discs (album BIGINT UNSIGNED, number INT, PRIMARY KEY (album, number),
  FOREIGN KEY (album) REFERENCES albums (id));
CREATE TABLE tracks (album BIGINT UNSIGNED, disc INT, place INT, name TEXT,
  PRIMARY KEY (album, disc, place), FOREIGN KEY (album, disc) REFERENCES discs (album, number));
CREATE TABLE employees (code CHAR(8) COLLATE utf8mb4_general_ci PRIMARY KEY,
  boss CHAR(8) COLLATE utf8mb4_general_ci, FOREIGN KEY (boss) REFERENCES employees (code));
CREATE TABLE places (country CHAR(2), city VARCHAR(20), people INT, PRIMARY KEY (country, city))
  DEFAULT CHARSET=latin1;
CREATE TABLE shops (id INT PRIMARY KEY, country CHAR(2), city VARCHAR(20),
  FOREIGN KEY (country, city) REFERENCES places (country, city)) DEFAULT CHARSET=latin1;
CREATE TABLE log (at TIMESTAMP NULL, what TEXT, body JSON, u UUID, flags SET('a','b'), bits BIT(3),
  one BIT(1), made YEAR, t TIME, ratio FLOAT, place POINT) DEFAULT CHARSET=utf8mb3;
CREATE TABLE old (id INT PRIMARY KEY, d DATE, n BIGINT UNSIGNED) ENGINE=MyISAM;
CREATE TABLE `odd table.x` (`key with "quote` VARCHAR(20) PRIMARY KEY, `naïve.col` INT,
  `größe, m` DOUBLE, `select` TEXT, `back``tick` INT) DEFAULT CHARSET=utf8mb4;
CREATE VIEW album_titles AS
  SELECT a.id, a.title, r.name AS artist FROM albums a JOIN artists r ON r.id = a.artist_id;
CREATE TABLE gone (a INT); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone;
DELIMITER //
CREATE TRIGGER taste BEFORE INSERT ON genres FOR EACH ROW
  IF NEW.name = 'polka' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no polka, please'; END IF//
DELIMITER ;
INSERT INTO artists (id, name, born, active) VALUES
  (1, 'Foo', '2001-01-01', 1), (2, 'bar', NULL, 0), (3, 'Baz', NULL, 2), (4, 'q', NULL, NULL);
INSERT INTO albums (id, title, artist_id, price, cover) VALUES
  (1, 'A', 1, 1.5, x'00ff10'), (2, 'B', 1, NULL, NULL), (3, 'C', 2, 9.99, 'text');
INSERT INTO genres VALUES ('Rock', 'r'), ('jazz', 'é');
INSERT INTO album_genres VALUES (1, 'rock'), (1, 'jazz'), (2, 'ROCK');
INSERT INTO discs VALUES (1, 1), (1, 2);
INSERT INTO tracks VALUES (1, 1, 1, 'one'), (1, 2, 1, 'two');
INSERT INTO employees VALUES ('ann', NULL), ('Bob', 'ANN'), ('cid', 'Ann');
INSERT INTO places VALUES ('de', 'Ulm', 1), ('fr', 'Ulm', 2);
INSERT INTO shops VALUES (1, 'DE', 'ulm'), (2, 'fr', 'ULM'), (3, 'De', 'Ulm'), (4, 'de', NULL);
INSERT INTO log VALUES ('2020-01-02 03:04:05', 'x', '{"a": [1]}',
  '123e4567-e89b-12d3-a456-426614174000', 'a,b', 5, 1, 1999, '10:11:12', 1.5, POINT(1, 2));
INSERT INTO `odd table.x` VALUES ('k"1', 5, 1.5, 's', 7), ('', 0, 0, '', NULL);
SET sql_mode='';
INSERT INTO old VALUES (1, '0000-00-00', 1), (2, '2020-01-01', 18446744073709551615);
"""

NO_SERVER = "mysql://rowlock:s3cret@127.0.0.1:{port}/x"


@pytest.fixture(name="owner", scope="module")
def owner_fixture(tmp_path_factory):
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


def make(owner, name, script=MUSIC):
    url = owner.create(name)
    owner.sql(script, name)
    return url


@pytest.fixture(name="music", scope="module")
def music_fixture(owner):
    """Only for those who read."""
    return make(owner, "music")


@pytest.fixture(name="serve")
def serve_fixture(tmp_path):
    running = []

    def serve(url, *args):
        running.append(Existing(folder=tmp_path, store=url, args=args))
        return running[-1].start()

    yield serve
    for server in running:
        assert mariadb.PASSWORD_ENCODED not in server.log() and mariadb.PASSWORD not in server.log()
        server.kill()


READS = [
    ("albums?select=title,artists(name),genres(code)&order=id&limit=1",
     [{"title": "A", "artists": {"name": "Foo"}, "genres": [{"code": "jazz"}, {"code": "Rock"}]}]),
    ("artists?select=name,albums(title)&id=eq.1&albums.order=title",
     [{"name": "Foo", "albums": [{"title": "A"}, {"title": "B"}]}]),
    ("discs?select=number,tracks(name)&order=number.desc",
     [{"number": 2, "tracks": [{"name": "two"}]}, {"number": 1, "tracks": [{"name": "one"}]}]),
    # What is equal, and the order, are the columns'.
    ("artists?select=id&name=eq.FOO", [{"id": 1}]),
    ("artists?select=name&order=name", [{"name": "bar"}, {"name": "Baz"}, {"name": "Foo"},
                                        {"name": "q"}]),
    ("artists?select=name&name=gt.FOO", [{"name": "q"}]),
    ("artists?select=name&name=in.(BAR,baz)&order=id", [{"name": "bar"}, {"name": "Baz"}]),
    ("genres/ROCK", {"code": "Rock", "name": "r"}),
    ("album_titles?artist=eq.BAR", [{"id": 3, "title": "C", "artist": "bar"}]),
    # Patterns and words are not.
    ("artists?select=name&name=like.B*", [{"name": "Baz"}]),
    ("artists?select=name&name=ilike.B*&order=id", [{"name": "bar"}, {"name": "Baz"}]),
    ("genres?select=code&code=like.R*", [{"code": "Rock"}]),
    ("genres?select=code&code=match.%5ER", [{"code": "Rock"}]),
    ("genres?select=code&name=fts.%C3%A9", [{"code": "jazz"}]),
    # A text refers to one that is spelled otherwise.
    ("album_genres?select=genre,genres(name)&order=album_id,genre",
     [{"genre": "jazz", "genres": {"name": "é"}}, {"genre": "rock", "genres": {"name": "r"}},
      {"genre": "ROCK", "genres": {"name": "r"}}]),
    ("genres?select=code,album_genres(album_id)&order=code&album_genres.order=album_id",
     [{"code": "jazz", "album_genres": [{"album_id": 1}]},
      {"code": "Rock", "album_genres": [{"album_id": 1}, {"album_id": 2}]}]),
    ("genres?select=code,album_genres(count)&order=code",
     [{"code": "jazz", "album_genres": [{"count": 1}]},
      {"code": "Rock", "album_genres": [{"count": 2}]}]),
    ("genres?select=code,albums(title)&albums.order=title.desc&albums.limit=1&code=eq.rock",
     [{"code": "Rock", "albums": [{"title": "B"}]}]),
    ("employees?select=code,boss(code)&order=code",
     [{"code": "ann", "boss": None}, {"code": "Bob", "boss": {"code": "ann"}},
      {"code": "cid", "boss": {"code": "ann"}}]),
    ("employees?select=code,team:employees!boss(code)&code=eq.ANN&team.order=code",
     [{"code": "ann", "team": [{"code": "Bob"}, {"code": "cid"}]}]),
    ("shops?select=id,places(people)&order=id",
     [{"id": 1, "places": {"people": 1}}, {"id": 2, "places": {"people": 2}},
      {"id": 3, "places": {"people": 1}}, {"id": 4, "places": None}]),
    ("places?select=people,shops(id)&order=people&shops.order=id.desc",
     [{"people": 1, "shops": [{"id": 3}, {"id": 1}]}, {"people": 2, "shops": [{"id": 2}]}]),
    ("places?select=people,shops!inner(id)&shops.city=eq.ULM&shops.limit=1&order=people"
     "&shops.order=id", [{"people": 1, "shops": [{"id": 1}]}, {"people": 2, "shops": [{"id": 2}]}]),
    ("shops?select=id,...places(people)&places.people=eq.1&order=id&id=lt.3",
     [{"id": 1, "people": 1}, {"id": 2, "people": None}]),
    # Texts that a column cannot hold.
    ("genres?code=eq.%F0%9F%98%80", []),
    ("genres?select=code&code=neq.%F0%9F%98%80&order=code", [{"code": "jazz"}, {"code": "Rock"}]),
    ("genres?select=code&code=in.(%F0%9F%98%80,ROCK)", [{"code": "Rock"}]),
    ("genres?code=like.%F0%9F%98%80*", []),
    ("log?what=eq.%F0%9F%98%80&select=what", []),
    ("artists?kind=eq.%F0%9F%98%80&select=id", []),
    # Types.
    ("artists?select=id&active=is.true&order=id", [{"id": 1}, {"id": 3}]),
    ("artists?select=id&active=eq.true&order=id", [{"id": 1}, {"id": 3}]),
    ("artists?select=id&active=isdistinct.true&order=id", [{"id": 2}, {"id": 4}]),
    ("artists?select=born,active,kind&id=eq.1",
     [{"born": "2001-01-01", "active": True, "kind": "solo"}]),
    ("albums?select=price,label,cover&order=id",
     [{"price": 1.5, "label": "A!", "cover": "\\x00ff10"},
      {"price": None, "label": "B!", "cover": None},
      {"price": 9.99, "label": "C!", "cover": "\\x74657874"}]),
    ("log", [{"at": "2020-01-02T03:04:05+00:00", "what": "x", "body": {"a": [1]},
              "u": "123e4567-e89b-12d3-a456-426614174000", "flags": "a,b", "bits": 5, "one": True,
              "made": 1999, "t": "10:11:12", "ratio": 1.5}]),
    ("log?select=a:body->a&body->a->>0=eq.1&u=eq.123E4567-e89b-12d3-a456-426614174000&one=is.true"
     "&bits=eq.5&made=lt.2000&t=gt.10:00:00&at=gte.2020-01-02", [{"a": [1]}]),
    ("old?select=id,d&id=eq.1", [{"id": 1, "d": None}]),
    ("odd%20table.x?%22na%C3%AFve.col%22=gt.3&select=" + quote('"größe, m","back`tick"'),
     [{"größe, m": 1.5, "back`tick": 7}]),
    ("artists?select=kind,count()", [{"kind": "solo", "count": 4}]),
]


@pytest.fixture(name="reader", scope="module")
def reader_fixture(music, owner, tmp_path_factory):
    """Served for a user who may read and nothing else."""
    owner.sql("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'r'; GRANT SELECT ON music.* TO reader")
    url = f"mysql://reader:r@127.0.0.1:{owner.port}/music"
    assert music.endswith("/music")
    with Existing(folder=tmp_path_factory.mktemp("reader"), store=url).start() as server:
        yield server


@pytest.mark.parametrize("path,want", READS, ids=[row[0] for row in READS])
def test_reads(reader, path, want):
    assert get_json(reader.address, "/" + path) == want


def test_what_is_beyond_our_values(reader):
    answer = request(reader.address, "GET", "/old?select=n&id=eq.2")
    assert (answer.status, answer.json()["code"]) == (400, "22003")
    assert get_json(reader.address, "/old?select=n&id=eq.1") == [{"n": 1}]
    assert get_json(reader.address, "/old?select=id&n=gt.1") == [{"id": 2}]


def test_what_cannot_be_served_is_said(reader, music):
    assert '"parts":2' in reader.log() and "introspect" in reader.log()
    text = run_program("introspect", "--store", music).stdout
    assert "# left out: \"place\": its values are shapes" in text
    assert "# left out: \"broken\": \"View" in text


def test_nothing_is_written_without_write(owner, music, serve):
    before = owner.sql("CHECKSUM TABLE genres, log", "music")
    with serve(music) as server:
        for method, path in (("POST", "/genres"), ("PATCH", "/genres?code=eq.Rock"),
                             ("PUT", "/genres/Rock"), ("DELETE", "/genres?code=eq.Rock")):
            assert request(server.address, method, path, {"code": "Rock"}).status == 405
    assert owner.sql("CHECKSUM TABLE genres, log", "music") == before
    assert not [row for row in owner.sql("SHOW TABLES", "music") if row[0].startswith("_rl_")]


def test_writes(owner, serve):
    with serve(make(owner, "written"), "--write") as server:
        def call(method, path, body=None, **headers):
            return request(server.address, method, path, body,
                           {name.replace("_", "-"): value for name, value in headers.items()})

        def answered(method, path, body=None, prefer="return=representation"):
            answer = call(method, path, body, Prefer=prefer)
            assert answer.status in (200, 201), answer
            return answer.json()

        def refused(method, path, body=None):
            answer = call(method, path, body)
            said = answer.json() if answer.body else {"code": "", "message": ""}
            return answer.status, said["code"], said["message"]

        assert answered("POST", "/albums", {"title": "D", "artist_id": 2}) == [
            {"id": 4, "title": "D", "artist_id": 2, "price": 9.99, "cover": None, "label": "D!",
             "huge": None}]
        # Unique rules have no case, and upserts meet what they meet.
        assert refused("POST", "/albums", {"title": "d", "artist_id": 2}) == (
            409, "23505", 'duplicate key value violates unique constraint "artist_title"')
        assert refused("POST", "/artists", {"name": "FOO"})[:2] == (409, "23505")
        assert answered("PUT", "/genres/ROCK", {"code": "ROCK", "name": "loud"}) == {
            "code": "Rock", "name": "loud"}
        assert answered("POST", "/genres", [{"code": "JAZZ", "name": "j"}, {"code": "folk", "name": None}],
                        "return=representation,resolution=merge-duplicates") == [
            {"code": "jazz", "name": "j"}, {"code": "folk", "name": None}]
        assert answered("POST", "/artists?on_conflict=name", {"name": "BAR", "rating": 1},
                        "return=representation,resolution=merge-duplicates")[0]["id"] == 2
        # A rule that nobody gave as the target is no match, nor one that nobody described.
        assert refused("POST", "/artists", {"name": "beginning 1"})[0] == 201
        upsert = call("POST", "/artists", {"id": 99, "name": "Beginning 2"},
                      Prefer="resolution=merge-duplicates")
        assert upsert.status == 409 and '"beginnings"' in upsert.json()["message"]
        assert refused("POST", "/albums", {"id": 4, "title": "c", "artist_id": 2})[:2] == (
            409, "23505")
        upsert = call("POST", "/albums", {"id": 4, "title": "c", "artist_id": 2},
                      Prefer="resolution=merge-duplicates")
        assert (upsert.status, upsert.json()["code"]) == (409, "23505")
        missing = refused("POST", "/albums", {"title": "E", "artist_id": 99})
        assert missing[:2] == (409, "23503") and "albums_artist_id_fkey" in missing[2]
        used = refused("DELETE", "/artists?id=eq.1")
        assert used[:2] == (409, "23503") and "albums_artist_id_fkey" in used[2]
        assert refused("POST", "/artists", {"name": None})[:2] == (400, "23502")
        checked = refused("PATCH", "/artists?id=eq.1", {"rating": 9})
        assert checked == (400, "23514",
                           'new row for relation "artists" violates check constraint "good rating"')
        assert refused("POST", "/artists", {"name": "x", "kind": "duo"})[:2] == (400, "23514")
        assert answered("POST", "/artists", {"name": "x", "kind": "a,b"})[0]["kind"] == "a,b"
        assert refused("POST", "/genres", {"code": "x", "name": "polka"}) == (
            400, "23514", "no polka, please")
        assert refused("POST", "/genres", {"code": "日"})[:2] == (400, "22P02")  # latin1
        assert refused("POST", "/album_titles", {"id": 1})[0] == 405  # a view
        assert refused("PATCH", "/old?id=eq.1", {"n": 2})[0] == 405  # cannot be undone
        # Without a key rows are written, and not answered.
        assert call("POST", "/log", {"what": "y", "at": "2021-01-01T00:00:00.5Z", "bits": 7,
                                     "flags": "b", "one": False}).status == 201
        assert get_json(server.address, "/log?what=eq.y&select=at,bits,one") == [
            {"at": "2021-01-01T00:00:00+00:00", "bits": 7, "one": False}]
        assert call("POST", "/log", {"what": "z"}, Prefer="return=representation").status == 400
        assert call("PATCH", "/log?what=eq.y", {"what": "z"}).status == 204
        assert len(answered("DELETE", "/log?what=eq.z")) == 1
        assert refused("POST", "/artists", [{"name": "a"}, {"name": "b"}, {"name": "FOO"}])[0] == 409
        assert call("PATCH", "/genres?code=eq.folk", {"name": "f"},
                    Idempotency_Key="k").status == 400
    assert server.exit_code == 0
    assert not [row for row in owner.sql("SHOW TABLES", "written") if row[0].startswith("_rl_")]
    assert owner.sql("SELECT COUNT(*) FROM artists WHERE name IN ('a','b')", "written") == [["0"]]


@pytest.mark.parametrize("write", [False, True], ids=["read only", "write"])
def test_introspect_and_back(owner, serve, start, tmp_path, write):
    url = make(owner, f"back{write}".lower())
    args = ["--write"] if write else []
    printed = run_program("introspect", "--store", url, *args)
    assert printed.returncode == 0 and printed.stderr == ""
    file = tmp_path / "service.yaml"
    file.write_text(printed.stdout)
    checked = run_program("check", file)
    assert checked.returncode == 0, checked.stderr
    paths = ["/" + row[0] for row in READS]
    with serve(url, *args) as server:
        want = [request(server.address, "GET", path).body for path in paths]
    with start(file, store=url) as server:
        assert [request(server.address, "GET", path).body for path in paths] == want
        posted = [request(server.address, "POST", "/artists", {"name": "x"},
                          {"Idempotency-Key": "one"}).status for _ in range(2)]
        assert posted == ([201, 201] if write else [405, 405])
    made = [row[0] for row in owner.sql("SHOW TABLES", f"back{write}".lower())
            if row[0].startswith("_rl_")]
    assert made == (["_rl_idem"] if write else [])


def test_reload_takes_the_new_schema(owner, serve):
    url = make(owner, "reloaded")
    for args in ([], ["--write"]):
        with serve(url, *args) as server:
            assert request(server.address, "GET", "/labels").status == 404
            owner.sql("CREATE TABLE labels (id INT PRIMARY KEY, name TEXT);"
                      "INSERT INTO labels VALUES (1, 'L'); DROP VIEW album_titles", "reloaded")
            before = len(server.log())
            server.signal(signal.SIGHUP)
            for _ in range(500):
                if "read again" in server.log()[before:]:
                    break
                time.sleep(0.01)
            assert get_json(server.address, "/labels") == [{"id": 1, "name": "L"}]
            assert request(server.address, "GET", "/album_titles").status == 404
        owner.sql("DROP TABLE labels; CREATE VIEW album_titles AS SELECT 1 AS id", "reloaded")


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
      author: { type: integer, required: true, references: authors }
      price: { type: "decimal(10,2)", min: 0 }
      state: { type: text, required: true, in: [draft, printed], default: draft }
      sold: { type: boolean, write: once }
      doc: json
    unique:
      one_printed: { fields: author, where: state=eq.printed }
  books_per_state: { tally: books, by: [author, state] }
"""


def test_a_database_of_ours_keeps_its_types(owner, tmp_path, serve, start):
    url = owner.create("shelf")
    file = tmp_path / "shelf.yaml"
    file.write_text(OWN)
    with start(file, store=url) as server:
        assert request(server.address, "POST", "/authors", {"name": "ann"}).status == 201
        assert request(server.address, "POST", "/books", {
            "author": 1, "price": 1.25, "sold": True, "doc": {"a": [1]}}).status == 201
        rows = get_json(server.address, "/books?select=*,authors(name)")
    with serve(url) as server:
        assert get_json(server.address, "/books?select=*,authors(name)") == rows
        assert get_json(server.address, "/books_per_state") == [
            {"author": 1, "state": "draft", "count": 1}]
        assert request(server.address, "POST", "/authors", {"name": "x"}).status == 405
        assert '"parts"' not in server.log()
    text = run_program("introspect", "--store", url).stdout
    assert "tally: books" in text and "where: " in text and "min: 0" in text
    assert "one_printed.0" not in text and "books_per_state.head" not in text
    with serve(url, "--write") as server:
        bad = [{"state": "gone"}, {"price": -1}, {"price": 1.255}, {"author": 7}]
        for row in bad:
            answer = request(server.address, "POST", "/books", {"author": 1, **row})
            assert answer.status in (400, 409), row
        keys = {"Idempotency-Key": "two"}
        for _ in range(2):
            assert request(server.address, "POST", "/books", {"author": 1, "price": 2},
                           keys).status == 201
        assert len(get_json(server.address, "/books?price=eq.2")) == 1
    # Another program adds to it.
    owner.sql("ALTER TABLE authors ADD COLUMN born SMALLINT;"
              "CREATE TABLE notes (id INT PRIMARY KEY, author BIGINT,"
              " FOREIGN KEY (author) REFERENCES authors (id)) DEFAULT CHARSET=latin1", "shelf")
    printed = tmp_path / "printed.yaml"
    printed.write_text(run_program("introspect", "--store", url, "--write").stdout)
    for running in (serve(url), start(printed, store=url)):
        with running as server:
            assert get_json(server.address, "/authors?select=*,notes(id)") == [
                {"id": 1, "name": "ann", "born": None, "notes": []}]
    # What does not fit any more is described anew.
    owner.sql("DROP TABLE notes; ALTER TABLE authors RENAME COLUMN name TO title", "shelf")
    with serve(url) as server:
        assert get_json(server.address, "/authors") == [{"id": 1, "title": "ann", "born": None}]
        assert len(get_json(server.address, "/books?select=*,authors(title)")) == 2


def test_an_empty_database_stays_empty(owner, serve):
    with serve(owner.create("void"), "--write") as server:
        assert request(server.address, "GET", "/live").status == 200
    assert owner.sql("SHOW TABLES", "void") == []


def test_tables_that_a_service_file_does_not_fit(owner, tmp_path, start):
    url = make(owner, "other")
    file = tmp_path / "service.yaml"
    text = run_program("introspect", "--store", url, "--write").stdout
    wrong = [("places:\n    key: [country, city]", "places:\n    key: [city, country]",
              "the primary key is not (city, country)"),
             ("code: text(10)", "code: { type: text(10), default: database }",
              "column code has no default"),
             ("born: date", "born: time", "table artists: column born is date, not time"),
             ("born: date", "burn: date", "table artists: column burn is missing"),
             ("artist_title: [artist_id, title]", "other: [artist_id, price]",
              "no unique index over (artist_id, price)"),
             ("key: [album, disc, place]", "key: [album, place]",
              "the primary key is not (album, place)"),
             ("album: { type: integer, references: albums }",
              "album: { type: integer, references: artists }",
              "no foreign key from (album) to artists (id)")]
    for before, after, said in wrong:
        assert before in text
        file.write_text(text.replace(before, after))
        with pytest.raises(DidNotStart) as failed:
            start(file, store=url)
        assert said in str(failed.value), failed.value


def test_servers_that_cannot_be_asked(owner, music):
    here = f"127.0.0.1:{owner.port}"
    wrong = [(NO_SERVER.format(port=free_port()), "cannot be reached", "server running"),
             (f"mysql://rowlock:s3cret@{here}/music", "Access denied", "user, password"),
             (music.replace("/music", "/nosuch"), "nosuch", "user, password, database"),
             (f"mysql://rowlock:s3cret@{here}", "DATABASE", "mysql://USER:PASSWORD@HOST"),
             (f"mysql://rowlock:s3cret/@{here}/music", "names no user", "percent-encoded"),
             (f"mysql://:s3cret@{here}/music", "names no user", "mysql://USER:PASSWORD@HOST")]
    for url, said, hint in wrong:
        for command in (["introspect"], ["serve"], ["serve", "--write"]):
            result = run_program(*command, "--store", url)
            assert result.returncode == 1 and result.stdout == "", result
            assert said in result.stderr and hint in result.stderr, result
            assert "s3cret" not in result.stderr and mariadb.PASSWORD_ENCODED not in result.stderr
