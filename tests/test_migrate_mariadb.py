"""`rowlock migrate` where each statement stands for itself: stops in the middle, and going on."""
import random
import subprocess
import time

import pytest
from support import mariadb
from support.client import request
from support.migrations import IS, PEOPLE, ROWS, MariaBed
from support.server import DidNotStart, program

pytestmark = pytest.mark.skipif(not mariadb.is_installed(), reason="mariadbd is not installed")


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory):
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture(name="bed")
def fixture_bed(tmp_path, server):
    bed = MariaBed(tmp_path, server)
    bed.write(PEOPLE)
    return bed


def write(bed, name, text):
    (bed.migrations / name).write_text(text)


THREE = "CREATE TABLE x (a INT);\n\n-- so\nINSERT INTO people VALUES (1,'z',9);\nDROP TABLE x;\n"


def test_a_statement_that_fails_in_the_middle(bed):
    bed.made()
    write(bed, "0002_bad.up.sql", THREE)
    write(bed, "0003_good.up.sql", "CREATE TABLE z (a INT);\n")
    error = bed.run("apply", code=1)
    assert "0002_bad.up.sql:4: Duplicate entry '1' for key 'PRIMARY'" in error
    assert "statement 1 of 3 is done" in error and "`apply --continue`" in error
    stopped = ("not to its end: statement 1 of 3 is done; statement 2 (line 4) failed: "
               "Duplicate entry '1'")
    assert stopped in bed.run("status")
    for args in (["apply"], ["new", "more"], ["rollback"], ["rollback", "--continue"]):
        error = bed.run(*args, code=1)
        assert "0002_bad was not applied to its end" in error and "apply --continue" in error
        assert "statement 2 (line 4) failed" in error
    assert "-- 0002_bad was not applied to its end" in bed.run("plan")
    # It fails again, and nothing is forgotten.
    assert "Duplicate entry" in bed.run("apply", "--continue", code=1)
    assert stopped in bed.run("status")
    # What was done cannot be changed any more, what was not can.
    write(bed, "0002_bad.up.sql", THREE.replace("a INT", "b INT"))
    assert "statement 1 was changed after it was done" in bed.run("apply", "--continue", code=1)
    write(bed, "0002_bad.up.sql", THREE.replace("(1,", "(4,"))
    assert bed.run("apply", "--continue") == f"applied 0002_bad\napplied 0003_good\n{IS}"
    assert bed.query("SELECT * FROM people ORDER BY id") == [*ROWS, (4, "z", 9)]
    assert "its file was changed" not in bed.run("status")
    assert bed.run("apply", "--continue") == f"no file waits to be applied\n{IS}"


def test_a_first_statement_that_fails_leaves_nothing(bed):
    bed.made()
    before = bed.dump()
    write(bed, "0002_bad.up.sql", "NONSENSE;\nCREATE TABLE x (a INT);\n")
    error = bed.run("apply", code=1)
    assert "0002_bad.up.sql:1: " in error and "nothing of this file was done" in error
    assert bed.dump() == before
    assert bed.run("status").splitlines()[1] == "pending 0002_bad"
    write(bed, "0002_bad.up.sql", "")
    assert bed.run("apply").startswith("applied 0002_bad\n")


def test_a_way_back_that_fails_in_the_middle(bed):
    bed.made()
    write(bed, "0002_two.up.sql", "CREATE TABLE x (a INT);\nCREATE TABLE y (a INT);\n")
    write(bed, "0002_two.down.sql", "DROP TABLE x;\nDROP TABLE y;\n")
    bed.run("apply")
    bed.query("DROP TABLE y")
    error = bed.run("rollback", code=1)
    assert "0002_two.down.sql:2: Unknown table" in error and "rollback --continue" in error
    assert "not undone to its end: while it was undone: statement 1 of 2 is done; statement 2 " \
        "(line 2) failed" in bed.run("status")
    for args in (["apply"], ["apply", "--continue"], ["rollback"], ["new", "more"]):
        assert "0002_two was not undone to its end" in bed.run(*args, code=1)
    bed.query("CREATE TABLE y (a INT)")
    assert bed.run("rollback", "--continue") == "undid 0002_two\n"
    assert bed.query("SELECT number FROM _rl_migrations") == [(1,)]


@pytest.mark.parametrize("was_done", [False, True])
@pytest.mark.parametrize("number", range(7))
def test_a_statement_that_was_under_way(bed, number, was_done):
    """The process ended between the statement and the note that it is done."""
    bed.write(PEOPLE + "  kinds: { tally: people, by: kind }\n"
              "  jobs: { key: id, fields: { id: integer, who: { type: integer } } }\n")
    bed.made()
    statements = [
        "CREATE TABLE x (a INT)",
        "DROP TABLE jobs",
        "ALTER TABLE people ADD COLUMN note TEXT, ADD KEY note (note(9))",
        "ALTER TABLE jobs ADD CONSTRAINT who FOREIGN KEY (who) REFERENCES people (id)",
        "DROP TRIGGER `kinds.insert`",
        "CREATE TRIGGER t BEFORE INSERT ON jobs FOR EACH ROW SET NEW.who=1",
        "ALTER TABLE people ADD CONSTRAINT few CHECK (kind<9)",
    ]
    text = statements[number]
    write(bed, "0002_one.up.sql", f"DO 1;\n{text};\n")
    bed.query("INSERT INTO _rl_migrations (number,name,up,down,applied_at,state,done,begun,failure,"
              f"model) VALUES (2,'one',{quote(f'DO 1;{chr(10)}{text};{chr(10)}')},'',"
              "'2026-01-31T12:00:00Z','applying',1,2,'','')")
    if was_done:
        bed.query(text)
    assert "statement 1 of 2 is done; statement 2 (line 2) was under way" in bed.run("status")
    assert bed.run("apply", "--continue").startswith("applied 0002_one\n")
    assert "0002_one 20" in bed.run("status")


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def test_what_a_session_was_told_is_told_again(bed):
    bed.made()
    text = "SET @a=7;\nCREATE TABLE x (a INT);\nBAD;\nINSERT INTO x VALUES (@a);\n"
    write(bed, "0002_set.up.sql", text)
    bed.run("apply", code=1)
    write(bed, "0002_set.up.sql", text.replace("BAD", "DO 1"))
    bed.run("apply", "--continue")
    assert bed.query("SELECT * FROM x") == [(7,)]


def test_statements_with_semicolons(bed):
    bed.made()
    write(bed, "0002_trigger.up.sql", "DELIMITER //\nCREATE TRIGGER t BEFORE INSERT ON people FOR "
          "EACH ROW BEGIN\n  SET NEW.kind=5;\n  SET NEW.name='a;b';\nEND//\nDELIMITER ;\n"
          "INSERT INTO people (kind) VALUES (1);\n")
    bed.run("apply")
    assert bed.query("SELECT name, kind FROM people WHERE id=4") == [("a;b", 5)]
    # The trigger of somebody else is left alone.
    assert bed.run("plan") == f"-- {IS}"


def test_a_new_value_that_rows_have_to_be_given(bed):
    bed.made()
    bed.write(PEOPLE + "      n: { type: integer, required: true }\n")
    assert '-- WARNING: this fails while a row has no "n", which is new and has no default' \
        in bed.run("plan")
    bed.run("new", "second")
    assert "Data truncated for column 'n'" in bed.run("apply", code=1)
    bed.query("UPDATE people SET n=id*2")
    assert bed.run("apply", "--continue") == f"applied 0002_second\n{IS}"
    assert bed.query("SELECT n FROM people ORDER BY id") == [(2,), (4,), (6,)]
    bed.run("rollback")
    assert bed.query("SELECT * FROM people ORDER BY id") == ROWS


JOBS = ("  jobs:\n    key: id\n    fields:\n      id: integer\n"
        "      who: { type: integer, references: people }\n")
REFERENCES = {
    "an index under a reference goes": (PEOPLE + JOBS + "    index: who\n", PEOPLE + JOBS),
    "a rule under a reference goes": (PEOPLE + JOBS + "    unique: { once: who }\n",
                                      PEOPLE + JOBS),
    "another type": (PEOPLE + JOBS, PEOPLE.replace("type: integer, default: auto", "type: text")
                     + JOBS.replace("type: integer", "type: text")),
    "a reference goes": (PEOPLE + JOBS, PEOPLE + JOBS.replace(", references: people", "")),
    "both tables go": (PEOPLE + JOBS, "  other: { key: id, fields: { id: integer } }\n"),
    "a key under a reference": (
        PEOPLE + JOBS + "  tasks: { key: id, fields: { id: integer, "
        "job: { type: integer, references: jobs } } }\n",
        PEOPLE + JOBS + "    unique: { once: [id, who] }\n  tasks: { key: id, fields: { "
        "id: integer, job: { type: integer, references: jobs } } }\n"),
    "tables that refer to each other": (
        PEOPLE, PEOPLE + "      job: { type: integer, references: jobs }\n" + JOBS),
    "a rule for some over another type": (
        PEOPLE + "    unique: { one: { fields: kind, where: kind=gt.1 } }\n",
        PEOPLE.replace("kind: { type: integer", "kind: { type: decimal(9,2)")
        .replace("decimal(9,2)", '"decimal(9,2)"')
        + "    unique: { one: { fields: kind, where: kind=gt.1 } }\n"),
    "a column under a check goes": (
        PEOPLE + "      n: integer\n    check: { more: n=gt.kind, small: n=lt.9 }\n"
        .replace("more: n=gt.kind, ", ""), PEOPLE),
    "counts of another kind": (PEOPLE + "  kinds: { tally: people, by: kind }\n",
                               PEOPLE.replace("kind: { type: integer", "kind: { type: text")
                               + "  kinds: { tally: people, by: kind }\n"),
    "counts by two": (PEOPLE + "  kinds: { tally: people, by: kind }\n",
                      PEOPLE + "  kinds: { tally: people, by: [kind, id] }\n"),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_what_stands_on_each_other(bed, name):
    before, after = REFERENCES[name]
    bed.write(before)
    bed.made()
    if "jobs" in before:
        bed.query("INSERT INTO jobs (id,who) VALUES (1,2)")
    old = bed.dump()
    bed.write(after)
    bed.run("new", "second")
    assert bed.run("apply") == f"applied 0002_second\n{IS}"
    assert bed.run("plan") == f"-- {IS}"
    if "kinds" in after:
        assert bed.query("SELECT sum(count) FROM kinds") == [(3,)]
        bed.query("DELETE FROM people WHERE id=3")
        assert bed.query("SELECT sum(count) FROM kinds") == [(2,)]
        bed.query("INSERT INTO people (id,name,kind) VALUES (3,NULL,2)")
    bed.run("rollback")
    if name == "both tables go":
        assert bed.schema() == old[0]
    elif name == "counts by two":
        assert bed.query("SELECT * FROM kinds ORDER BY kind") == [(1, 2), (2, 1)]
    else:
        assert bed.dump() == old


def test_rows_without_the_row_they_refer_to(bed):
    bed.write(PEOPLE + JOBS.replace(", references: people", ""))
    bed.made()
    bed.query("INSERT INTO jobs (id,who) VALUES (1,77)")
    bed.write(PEOPLE + JOBS)
    bed.run("new", "second")
    assert "foreign key constraint fails" in bed.run("apply", code=1)
    bed.query("UPDATE jobs SET who=1")
    bed.run("apply")
    assert bed.run("plan") == f"-- {IS}"


def test_serve_names_the_command(bed, start):
    bed.made()
    bed.write(PEOPLE + "      note: text\n    unique: { one name: name }\n")
    with pytest.raises(DidNotStart, match="rowlock migrate .* plan"):
        start(bed.file, store=bed.served)
    bed.run("new", "second")
    bed.run("apply")
    with start(bed.file, store=bed.served) as server:
        assert len(request(server.address, "GET", "/people?select=note").json()) == 3
        # What serve makes for itself is none of the migrations' business.
        assert bed.run("plan") == f"-- {IS}"


def test_a_database_of_an_earlier_version(bed, start):
    """Its tables are what we make, but it does not say that it is ours."""
    with start(bed.file, store=bed.served):
        bed.query("DROP TABLE _rl_model")
    bed.run("new", "nothing")
    bed.migrations.mkdir(parents=True)
    write(bed, "0001_first.up.sql", "DO 1;\n")
    assert "all files are remembered as applied" in bed.run("apply")
    bed.write(PEOPLE + "      note: text\n")
    bed.run("new", "second")
    assert bed.run("apply") == f"applied 0002_second\n{IS}"


def test_tables_of_another_program_are_left_alone(bed):
    bed.query("CREATE TABLE people (id BIGINT AUTO_INCREMENT PRIMARY KEY, name LONGTEXT, kind "
              "BIGINT NOT NULL, extra TEXT) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin; "
              "CREATE TABLE other (a INT)")
    assert bed.run("plan") == f"-- {IS}"
    bed.write(PEOPLE + "  more: { key: id, fields: { id: text } }\n")
    assert bed.run("plan").splitlines()[1] == "CREATE TABLE `more` ("
    bed.run("new", "more")
    assert bed.run("apply") == f"applied 0001_more\n{IS}"
    assert bed.run("plan") == f"-- {IS}"
    assert bed.run("rollback") == "undid 0001_more\n"
    bed.write(PEOPLE + "      note: text\n")
    error = bed.run("plan", code=1)
    assert "column note is missing" in error and "another program made the tables" in error
    assert bed.query("SHOW TABLES") == [("_rl_migrations",), ("other",), ("people",)]


def test_what_others_made_on_a_table_stays(bed):
    bed.made()
    bed.query("CREATE INDEX mine ON people (kind, id); CREATE VIEW names AS SELECT name FROM "
              "people; CREATE TRIGGER noted BEFORE DELETE ON people FOR EACH ROW SET @n=OLD.name")
    assert bed.run("plan") == f"-- {IS}"
    bed.write(PEOPLE.replace("kind: { type: integer,", 'kind: { type: "decimal(9,2)",'))
    bed.run("new", "second")
    bed.run("apply")
    assert "KEY `mine`" in bed.raw("SHOW CREATE TABLE people")[0][1]
    assert ("noted", "people", "SET @n=OLD.name") in bed.schema()
    assert bed.query("SELECT * FROM names WHERE name='a'") == [("a",)]


def big(bed):
    """A migration of many statements that takes a while."""
    bed.made()
    bed.query("SET max_recursive_iterations=100000; INSERT INTO people WITH RECURSIVE n(i) AS "
              "(SELECT 10 UNION ALL SELECT i+1 FROM n WHERE i<60000) "
              "SELECT i, CONCAT('name',i), i%7 FROM n")
    bed.write(PEOPLE.replace("kind: { type: integer,", "kind: { type: text,").replace(
        "name: text", "name: { type: text, required: true, default: x }")
        + "    index: [name, kind]\n  kinds: { tally: people, by: kind }\n")
    bed.run("new", "second")


@pytest.mark.slow
def test_a_kill_is_reported_and_gone_on_from(bed, seed, proof):
    big(bed)
    random.seed(seed)
    began = time.monotonic()
    bed.run("apply")
    took = time.monotonic() - began
    new = bed.schema()
    bed.run("rollback")
    old = bed.schema()
    stops = 0
    for number in range(60 if proof else 12):
        direction = "apply" if number % 2 == 0 else "rollback"
        with subprocess.Popen([program(), "migrate", str(bed.file), direction],
                              stdout=subprocess.DEVNULL) as process:
            time.sleep(random.uniform(0, took * 1.2))
            process.kill()
        # What the server had begun goes on; the next command waits for it.
        status = bed.run("status")
        stopped = "to its end" in status
        stops += stopped
        if stopped:
            assert " done" in status, status
            assert f"{direction} --continue" in bed.run(direction, code=1)
        done = bed.schema() == (new if direction == "apply" else old)
        if stopped or not done:
            args = ["--continue"] if stopped else []
            bed.run(direction, *args)
        assert bed.schema() == (new if direction == "apply" else old), number
        assert bed.query("SELECT count(*) FROM people") == [(59994,)]
        assert bed.query("SELECT count(*) FROM _rl_migrations WHERE state='applied'") == [
            (2 if direction == "apply" else 1,)]
        if direction == "apply":
            assert bed.query("SELECT sum(count) FROM kinds") == [(59994,)]
    assert stops > 0


def test_the_second_waits_for_the_first(bed):
    bed.made()
    write(bed, "0002_slow.up.sql", "CREATE TABLE x (a INT);\nDO SLEEP(2);\n")
    with subprocess.Popen([program(), "migrate", str(bed.file), "apply"],
                          stdout=subprocess.PIPE, text=True) as first:
        while not bed.query("SHOW TABLES LIKE 'x'"):
            time.sleep(0.02)
        began = time.monotonic()
        assert bed.run("apply") == f"no file waits to be applied\n{IS}"
        assert time.monotonic() - began > 1
        assert first.communicate()[0] == f"applied 0002_slow\n{IS}"
