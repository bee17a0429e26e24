"""`rowlock migrate`: every kind of change on a database with rows, and back; kills; two at once."""
import random
import subprocess
import time

import pytest
from support import mariadb
from support.client import request
from support.migrations import IS, PEOPLE, ROWS, Bed, MariaBed
from support.server import DidNotStart, program, run_program


@pytest.fixture(name="bed")
def fixture_bed(tmp_path):
    bed = Bed(tmp_path)
    bed.write(PEOPLE)
    return bed


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory):
    if not mariadb.is_installed():
        pytest.skip("mariadbd is not installed")
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture(name="each", params=["sqlite", "mariadb"])
def fixture_each(request, tmp_path):
    """A bed of each kind."""
    server = request.getfixturevalue("server") if request.param == "mariadb" else None
    bed = MariaBed(tmp_path, server) if server else Bed(tmp_path)
    bed.write(PEOPLE)
    return bed


# What changes in PEOPLE, and the rows of people then (None: the same columns).
CHANGES = {
    "a column": (PEOPLE + "      note: text\n", [(*row, None) for row in ROWS]),
    "a column with a default": (PEOPLE + "      n: { type: integer, required: true, default: 5 }\n",
                                [(*row, 5) for row in ROWS]),
    "a uuid that is made": (PEOPLE + "      u: { type: uuid, default: auto }\n", None),
    "a column that goes": (PEOPLE.replace("      name: text\n", ""), [(1, 1), (2, 1), (3, 2)]),
    "a type": (PEOPLE.replace("kind: { type: integer,", "kind: { type: text,"),
               [(1, "a", "1"), (2, "b", "1"), (3, None, "2")]),
    "digits behind the point": (PEOPLE.replace("kind: { type: integer,",
                                               'kind: { type: "decimal(8,2)",'),
                                [(1, "a", 100), (2, "b", 100), (3, None, 200)]),
    "a value that is needed, with a default": (
        PEOPLE.replace("name: text", "name: { type: text, required: true, default: it's }"),
        [(1, "a", 1), (2, "b", 1), (3, "it's", 2)]),
    "another default": (PEOPLE.replace("required: true", "required: true, default: 3"), ROWS),
    "the key": (PEOPLE.replace("key: id", "key: [kind, id]").replace(", default: auto", ""),
                ROWS),
    "a key that is made no more": (PEOPLE.replace("{ type: integer, default: auto }", "integer"),
                                   ROWS),
    "an index": (PEOPLE + "    index: [name, { fields: [kind, name] }]\n", ROWS),
    "an index for some": (PEOPLE + "    index: { fields: name, where: kind=eq.1 }\n", ROWS),
    "a unique rule": (PEOPLE + "    unique: { one name: name }\n", ROWS),
    "a unique rule for some": (
        PEOPLE + "    unique: { one kind: { fields: kind, where: kind=gt.1 } }\n", ROWS),
    "a check": (PEOPLE + "    check: { few kinds: kind=lt.3 }\n", ROWS),
    "a reference": (PEOPLE + "      boss: { type: integer, references: people }\n",
                    [(*row, None) for row in ROWS]),
    "a search": (PEOPLE + "    search: name\n", ROWS),
    "a table": (PEOPLE + "  more: { key: id, fields: { id: text } }\n", ROWS),
    "a tally": (PEOPLE + "  kinds: { tally: people, by: kind }\n", ROWS),
    "a boolean": (PEOPLE + "      ok: { type: boolean, default: true }\n",
                  [(*row, 1) for row in ROWS]),
}


# What MariaDB shows otherwise; None: it has nothing of the kind.
MARIADB = {
    "a type": ROWS,
    "digits behind the point": [(1, "a", "1.00"), (2, "b", "1.00"), (3, None, "2.00")],
    "a unique rule for some": [(1, "a", 1, None), (2, "b", 1, None), (3, None, 2, 2)],
    "a search": None,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_and_back(each, name):
    after, rows = CHANGES[name]
    if each.dialect == "mariadb":
        rows = MARIADB.get(name, rows)
        if name == "a search":
            return
    each.made()
    before = each.schema()
    each.write(after)
    plan = each.run("plan")
    assert plan == each.run("plan") and each.schema() == before, "a plan changes nothing"
    each.run("new", "second")
    assert (each.migrations / "0002_second.up.sql").read_text() == plan
    assert each.run("apply") == f"applied 0002_second\n{IS}"
    assert each.run("plan") == f"-- {IS}"
    if rows is not None:
        assert each.query("SELECT * FROM people ORDER BY id") == rows
    if name == "a tally":
        assert each.query("SELECT * FROM kinds ORDER BY kind") == [(1, 2), (2, 1)]
    if each.dialect == "sqlite":
        assert each.query("PRAGMA integrity_check") == [("ok",)]
    if name != "digits behind the point" or each.dialect == "mariadb":
        assert each.schema() != before
    assert each.run("rollback") == "undid 0002_second\n"
    assert name == "a column that goes" or each.schema() == before  # it comes back as the last
    kept = [row if name != "a column that goes" else (row[0], None, row[2]) for row in ROWS]
    if name == "a value that is needed, with a default":
        kept[2] = (3, "it's", 2)
    assert each.query("SELECT id, name, kind FROM people ORDER BY id") == kept
    each.write(PEOPLE)
    assert each.run("plan").endswith(f"difference without them\n-- {IS}")


def test_numbers_of_rows_are_not_used_again(each, start):
    each.made()
    each.query("DELETE FROM people WHERE id=3")
    each.write(PEOPLE.replace("name: text", "name: { type: text, default: x }"))
    each.run("new", "second")
    each.run("apply")
    with start(each.file, store=each.served) as server:
        assert request(server.address, "POST", "/people", {"kind": 1}).status == 201
    assert each.query("SELECT id FROM people ORDER BY id") == [(1,), (2,), (4,)]


def test_a_search_finds_what_a_migration_wrote(bed, start):
    bed.write(PEOPLE + "    search: name\n")
    bed.made()
    (bed.migrations / "0002_names.up.sql").write_text(
        "UPDATE people SET name='Brandon Stark' WHERE id=2;\n")
    bed.run("apply")

    def found(word):
        return request(server.address, "GET", f"/people?select=id&name=ilike.*{word}*").json()

    with start(bed.file, store=bed.served) as server:
        assert found("ndon%20st") == [{"id": 2}]
    bed.write(PEOPLE.replace("kind: { type: integer,", "kind: { type: text,")
              + "    search: name\n")
    bed.run("new", "third")
    assert bed.run("apply") == f"applied 0003_third\n{IS}"
    with start(bed.file, store=bed.served) as server:
        assert found("ndon%20st") == [{"id": 2}]
        assert found("xyzzy") == []


def test_what_loses_rows_or_values_is_warned_of(each):
    each.write(PEOPLE + "  more: { key: id, fields: { id: text } }\n")
    each.made()
    each.write(PEOPLE.replace("      name: text\n", ""))
    plan = each.run("plan").replace("`", '"')
    assert '-- WARNING: the table "more" and all its rows are lost\nDROP TABLE "more";' in plan
    assert '-- WARNING: the values of the column "name" of people are lost' in plan


def test_references_stay_whole(bed):
    bed.write(PEOPLE + "  jobs: { key: id, fields: { id: integer, who: { type: integer, "
                       "references: people } } }\n")
    bed.made()
    bed.query("INSERT INTO jobs VALUES (1, 2)")
    bed.write(PEOPLE.replace("kind: { type: integer,", "kind: { type: text,")
              + "  jobs: { key: id, fields: { id: integer, who: { type: integer, "
                "references: people } } }\n")
    bed.run("new", "second")
    bed.run("apply")
    assert bed.query("SELECT * FROM pragma_foreign_key_check") == []
    assert bed.query("SELECT \"table\",\"from\" FROM pragma_foreign_key_list('jobs')") == [
        ("people", "who")]
    (bed.migrations / "0003_bad.up.sql").write_text("DELETE FROM people WHERE id=2;\n")
    before = bed.dump()
    assert 'a row of "jobs" would refer to a row of "people"' in bed.run("apply", code=1)
    assert bed.dump() == before


def test_what_others_made_on_a_table_stays(bed):
    bed.made()
    bed.query("CREATE INDEX mine ON people (kind, name)")
    bed.query("CREATE TABLE log (what TEXT)")
    bed.query("CREATE TRIGGER noted AFTER DELETE ON people BEGIN "
              "INSERT INTO log VALUES (OLD.name); END")
    bed.query("CREATE VIEW names AS SELECT name FROM people")
    assert bed.run("plan") == f"-- {IS}"
    bed.write(PEOPLE.replace("kind: { type: integer,", "kind: { type: text,"))
    bed.run("new", "second")
    bed.run("apply")
    bed.query("DELETE FROM people WHERE id=1")
    assert bed.query("SELECT * FROM log") == [("a",)]
    names = [name for name, _ in bed.schema()]
    assert {"mine", "noted", "names", "log"} <= set(names)


def test_status_and_the_order_of_commands(each):
    assert each.run("status").startswith("there are no migrations\nthe database differs")
    each.run("new", "first")
    if each.dialect == "sqlite":
        assert not each.database.exists()
    assert each.schema() == [] or each.dialect == "sqlite"
    assert each.run("status").startswith("pending 0001_first\n")
    assert "0001_first is not applied yet" in each.run("new", "second", code=1)
    assert each.run("apply") == f"applied 0001_first\n{IS}"
    assert each.run("apply") == f"no file waits to be applied\n{IS}"
    assert each.run("new", "second") == \
        "the database is what the service file says: nothing was written\n"
    status = each.run("status")
    assert status.startswith("applied 0001_first 20") and status.endswith(f"Z\n{IS}")
    each.write(PEOPLE + "      note: text\n")
    assert "no file waits to be applied\nthe database differs" in each.run("apply")
    assert each.run("rollback") == "undid 0001_first\n"
    assert "nothing was applied" in each.run("rollback", code=1)
    assert each.schema() == []


def test_a_file_that_was_changed_is_reported(each):
    each.made()
    file = each.migrations / "0001_first.up.sql"
    text = file.read_text()
    file.write_text(text + "-- more\n")
    assert "its file was changed since" in each.run("status")
    each.write(PEOPLE + "      note: text\n")
    each.run("new", "second")
    before = each.dump()
    assert "0001_first was changed after it was applied" in each.run("apply", code=1)
    assert each.dump() == before
    file.unlink()
    assert "has no migration 0001" in each.run("status", code=1)
    file.write_text(text)
    assert "applied 0002_second" in each.run("apply")
    (each.migrations / "0002_second.up.sql").rename(each.folder / "away")
    (each.migrations / "0002_second.down.sql").unlink()
    assert "its file is missing" in each.run("status")
    assert "its file is missing" in each.run("apply", code=1)
    # What leads back is in the database.
    assert each.run("rollback") == "undid 0002_second\n"


@pytest.mark.parametrize("sql,line,what", [
    ("CREATE TABLE x (a);\nCREATE TABLE y (a);\nNONSENSE;\n", 3, "syntax error"),
    ("CREATE TABLE x (a);\n\n-- so\nINSERT INTO people VALUES (1, 2, 3);\n", 4, "UNIQUE"),
    ("CREATE TABLE x (a);\nDROP TABLE gone;", 2, "no such table"),
    ("CREATE TABLE x (a);\nCOMMIT;\nCREATE TABLE y (a);\n", 2, "cannot begin or end"),
    ("ATTACH 'other.db' AS o;\n", 1, "cannot begin or end"),
    ("CREATE TABLE x (a", 1, "incomplete"),
    ("SELECT '", 1, "unrecognized"),
])
def test_wrong_sql_is_reported_with_its_place_and_changes_nothing(bed, sql, line, what):
    bed.made()
    before = bed.dump()
    (bed.migrations / "0002_bad.up.sql").write_text(sql)
    (bed.migrations / "0003_good.up.sql").write_text("CREATE TABLE z (a);\n")
    error = bed.run("apply", code=1)
    assert f"0002_bad.up.sql:{line}: " in error and what in error, error
    assert bed.dump() == before
    (bed.migrations / "0002_bad.up.sql").write_text("")
    assert "applied 0002_bad\napplied 0003_good\n" in bed.run("apply")
    assert "has no way back" in bed.run("rollback", code=1)


def test_rows_that_do_not_fit_change_nothing(bed):
    bed.made()
    before = bed.dump()
    bed.write(PEOPLE.replace("name: text", "name: { type: text, required: true }"))
    assert '-- WARNING: this fails while a row has no "name"' in bed.run("plan")
    bed.run("new", "second")
    assert "NOT NULL constraint failed" in bed.run("apply", code=1)
    assert bed.dump() == before
    bed.query("UPDATE people SET name='c' WHERE name IS NULL")
    bed.run("apply")


def test_a_served_database_is_not_migrated(bed, start):
    bed.made()
    server = start(bed.file, store=bed.served)
    assert "is in use by another process" in bed.run("apply", code=1)
    assert server.stop() == 0
    bed.write(PEOPLE + "      note: text\n    unique: { one name: name }\n")
    with pytest.raises(DidNotStart, match="rowlock migrate .* plan"):
        start(bed.file, store=bed.served)
    bed.run("new", "second")
    bed.run("apply")
    server = start(bed.file, store=bed.served)
    assert len(request(server.address, "GET", "/people?select=note").json()) == 3
    assert server.stop() == 0
    assert bed.run("plan") == f"-- {IS}"


def test_digits_behind_the_point_are_not_moved_unseen(bed, start):
    bed.made()
    after, rows = CHANGES["digits behind the point"]
    bed.write(after)
    with pytest.raises(DidNotStart, match="column kind has 0 digits behind the point, not 2"):
        start(bed.file, store=bed.served)
    bed.run("new", "second")
    bed.run("apply")
    with start(bed.file, store=bed.served) as server:
        assert request(server.address, "GET", "/people?select=kind&id=eq.1").json() == [
            {"kind": 1.00}]
    assert bed.query("SELECT * FROM people ORDER BY id") == rows
    bed.run("rollback")
    assert bed.query("SELECT * FROM people ORDER BY id") == ROWS
    assert '"kind"*100' in bed.run("plan")


def test_a_database_that_serve_made_takes_the_files_over(each, start):
    each.run("new", "first")
    server = start(each.file, store=each.served)
    assert request(server.address, "POST", "/people", {"kind": 1}).status == 201
    assert server.stop() == 0
    assert "all files are remembered as applied" in each.run("apply")
    assert each.run("status").startswith("applied 0001_first ")
    each.write(PEOPLE + "      note: text\n")
    each.run("new", "second")
    assert each.run("apply") == f"applied 0002_second\n{IS}"
    assert each.query("SELECT count(*) FROM people") == [(1,)]


def test_tables_of_another_program_are_left_alone(bed):
    bed.query("CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(9), kind INT NOT NULL, "
              "extra TEXT)")
    bed.query("CREATE TABLE other (a)")
    assert bed.run("plan") == f"-- {IS}"
    bed.write(PEOPLE + "  more: { key: id, fields: { id: text } }\n")
    assert bed.run("plan").splitlines()[1] == 'CREATE TABLE "more" ('
    bed.write(PEOPLE + "      note: text\n")
    error = bed.run("plan", code=1)
    assert "column note is missing" in error and "another program made the table" in error
    assert [name for name, _ in bed.schema()] == ["other", "people"]


def big(each):
    """A migration that takes a while."""
    each.made()
    many = "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i+1 FROM n WHERE i<60000) "
    rows = "SELECT i, %s, i%%7 FROM n"
    if each.dialect == "sqlite":
        each.query(many + "INSERT INTO people " + rows % "'name'||i")
    else:
        each.query("SET max_recursive_iterations=100000; INSERT INTO people " + many
                   + rows % "CONCAT('name',i)")
    each.write(PEOPLE.replace("kind: { type: integer,", "kind: { type: text,")
              + "    index: [name, kind]\n  kinds: { tally: people, by: kind }\n")
    each.run("new", "second")


@pytest.mark.slow
def test_a_kill_leaves_the_old_or_the_new(bed, seed, proof):
    big(bed)
    random.seed(seed)
    old = bed.schema()
    began = time.monotonic()
    bed.run("apply")
    took = time.monotonic() - began
    new = bed.schema()
    bed.run("rollback")
    seen = set()
    for number in range(60 if proof else 12):
        direction = "apply" if bed.schema() == old else "rollback"
        with subprocess.Popen([program(), "migrate", str(bed.file), direction],
                              stdout=subprocess.DEVNULL) as process:
            time.sleep(random.uniform(0, took * 1.2))
            process.kill()
        state = bed.schema()
        assert state in (old, new), number
        assert bed.query("PRAGMA integrity_check") == [("ok",)]
        applied = bed.query("SELECT count(*) FROM _rl_migrations")[0][0]
        assert applied == (2 if state == new else 1)
        assert bed.query("SELECT count(*) FROM people") == [(59994,)]
        if state == new:
            assert bed.query("SELECT sum(count) FROM kinds") == [(59994,)]
        seen.add(state == new)
        bed.run("status")
    if bed.schema() == old:
        bed.run("apply")
    assert bed.schema() == new


def test_two_at_once(each):
    big(each)
    processes = [subprocess.Popen([program(), "migrate", str(each.file), "apply"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for _ in range(4)]
    told = [process.communicate() + (process.returncode,) for process in processes]
    assert sum("applied 0002_second" in out for out, _, _ in told) == 1, told
    for out, err, code in told:
        assert code == 0 or each.dialect == "sqlite" and "is in use by another process" in err, (out, err)
    assert each.query("SELECT number FROM _rl_migrations") == [(1,), (2,)]
    assert each.run("plan") == f"-- {IS}"


@pytest.mark.parametrize("args", [
    [], ["plan"], ["s.yaml"], ["s.yaml", "plans"], ["s.yaml", "plan", "x"], ["s.yaml", "new"],
    ["s.yaml", "new", "a", "b"], ["s.yaml", "plan", "--what"],
])
def test_wrong_usage(args):
    assert run_program("migrate", *args).returncode == 2


def test_what_cannot_be_migrated(bed):
    assert "is no name of a migration" in bed.run("new", "Create People", code=1)
    assert "cannot be migrated" in bed.run("plan", "--store", "memory:", code=1)
    bed.file.write_text("service: s\nresources: []\n")
    assert "s.yaml:2:12" in bed.run("plan", code=1)
