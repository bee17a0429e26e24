"""`rowlock import` and `rowlock export`: every option, what is told, kills, and memory."""
import csv
import io
import json
import os
import pty
import random
import re
import sqlite3
import subprocess
import time

import pytest
from support.server import Server, program, run_program

ITEMS = """\
service: s
store: sqlite:s.db
resources:
  items:
    key: id
    fields:
      id:   { type: integer, default: auto }
      name: text(10)
      size: { type: integer, min: 0 }
    unique: { one name: name }
  seen: { key: [], read_only: true, fields: { page: text } }
"""
EVERYTHING = """\
service: s
store: sqlite:s.db
resources:
  rows:
    key: id
    fields:
      id: integer
      n:  integer
      x:  number
      d:  "decimal(18,4)"
      t:  text
      b:  boolean
      u:  uuid
      da: date
      ti: time
      dt: datetime
      j:  json
"""


class Bed:
    """A folder with a service file and its database."""

    def __init__(self, folder, text=ITEMS, store=None):
        self.folder = folder
        self.file = folder / "s.yaml"
        self.database = folder / "s.db"
        self.file.write_text(text.replace("sqlite:s.db", store or f"sqlite:{self.database}"))

    def data(self, text, name="data.csv"):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, *args, code=0):
        done = run_program(*args, cwd=self.folder)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    def take(self, data, *args, code=0, resource="items"):
        """Imports; the summary without the time, and standard error."""
        done = self.run("import", self.file, resource, data, *args, code=code)
        counts = json.loads(done.stdout) if done.stdout else None
        if counts is not None:
            assert counts.pop("seconds") >= 0
        return counts, done.stderr

    def give(self, *args, resource="items"):
        return self.run("export", self.file, resource, *args).stdout

    def give_bytes(self, *args, resource="items"):
        return subprocess.run([program(), "export", self.file, resource, *args], timeout=60,
                              stdout=subprocess.PIPE, check=True).stdout

    def query(self, sql):
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def rows(self):
        return self.query("SELECT id, name, size FROM items ORDER BY id")


@pytest.fixture
def bed(tmp_path):
    return Bed(tmp_path)


def counts(read, inserted, merged=0, skipped=0, failed=0):
    return {"read": read, "inserted": inserted, "merged": merged, "skipped": skipped,
            "failed": failed}


def lines(*numbers, first="id,name,size\n"):
    return first + "".join(f"{number},n{number},{number}\n" for number in numbers)


# ---- formats ----

FORMATS = [
    ("csv", "id,name,size\n1,a,5\n2,,\n"),
    ("csv", "\ufeffsize,id,name\r\n5,1,a\r\n,2,\r\n"),
    ("json", '[{"id":1,"name":"a","size":5},{"id":2}]'),
    ("json", '\n[\n{"size":5,"name":"a","id":1},\n{"id":2,"name":null}\n]\n'),
    ("ndjson", '{"id":1,"name":"a","size":5}\n{"id":2}\n'),
    ("ndjson", '{"id":1,"name":"a","size":"5"}\n\n{"size":null,"id":2}'),
    ("jsonl", '{"id":1,"name":"a","size":5}\r\n{"id":2}\r\n'),
]
ROWS = [(1, "a", 5), (2, None, None)]


@pytest.mark.parametrize("end, text", FORMATS)
def test_the_end_of_the_name_says_the_format(bed, end, text):
    assert bed.take(bed.data(text, f"data.{end}")) == (counts(2, 2), "")
    assert bed.rows() == ROWS


@pytest.mark.parametrize("end, text", FORMATS[:6])
def test_a_format_stands_above_the_name(bed, end, text):
    assert bed.take(bed.data(text, "data.txt"), "--format", end)[0] == counts(2, 2)
    assert bed.rows() == ROWS


@pytest.mark.parametrize("end, text", FORMATS[:6])
def test_standard_input(bed, end, text):
    done = subprocess.run([program(), "import", bed.file, "items", "-", "--format", end],
                          input=text.encode(), capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["inserted"] == 2
    assert bed.rows() == ROWS


def test_standard_input_has_no_name_to_tell_the_format(bed):
    assert "--format" in bed.take("-", code=2)[1]


# ---- rows that meet others ----

MEETING = "id,name,size\n3,n3,3\n2,new,9\n4,n4,4\n"


def test_a_row_that_is_there_ends_the_import(bed):
    bed.take(bed.data(lines(1, 2)))
    for args in ((), ("--on-conflict", "fail")):
        summary, told = bed.take(bed.data(MEETING), *args, code=1)
        assert summary is None and "line 3: duplicate key" in told and "Key (id)=(2)" in told, told
        assert bed.rows() == [(1, "n1", 1), (2, "n2", 2)]


def test_a_row_that_is_there_is_skipped(bed):
    bed.take(bed.data(lines(1, 2)))
    summary, told = bed.take(bed.data(MEETING), "--on-conflict", "skip")
    assert summary == counts(3, 2, skipped=1)
    assert told.startswith("line 3: skipped: duplicate key"), told
    assert bed.rows() == [(1, "n1", 1), (2, "n2", 2), (3, "n3", 3), (4, "n4", 4)]


def test_a_row_that_is_there_is_merged(bed):
    bed.take(bed.data(lines(1, 2)))
    assert bed.take(bed.data(MEETING), "--on-conflict", "merge") == (counts(3, 2, merged=1), "")
    assert bed.rows() == [(1, "n1", 1), (2, "new", 9), (3, "n3", 3), (4, "n4", 4)]
    assert bed.take(bed.data("id,size\n2,7\n"), "--on-conflict", "merge")[0] == counts(1, 0, 1)
    assert bed.rows()[1] == (2, "new", 7)  # what the file does not give stays


def test_the_first_of_two_in_one_file_wins_when_it_is_skipped(bed):
    data = bed.data("id,name\n1,a\n1,b\n2,c\n")
    assert bed.take(data, "--on-conflict", "skip")[0] == counts(3, 2, skipped=1)
    assert bed.rows() == [(1, "a", None), (2, "c", None)]


def test_the_last_of_two_in_one_file_wins_when_it_is_merged(bed):
    data = bed.data("id,name\n1,a\n1,b\n2,c\n")
    assert bed.take(data, "--on-conflict", "merge")[0] == counts(3, 2, merged=1)
    assert bed.rows() == [(1, "b", None), (2, "c", None)]


NEVER = """\
service: s
store: sqlite:s.db
resources:
  rows:
    key: id
    fields:
      id:    { type: integer, default: auto, write: never }
      made:  { type: text, write: never, default: x }
      once:  { type: text, write: once }
      twice: { type: integer, computed: id * 2 }
"""


@pytest.mark.parametrize("store", ["sqlite", "mariadb"])
def test_what_nobody_may_write_is_the_files(tmp_path, store, request):
    maria = request.getfixturevalue("mariadb_database")() if store == "mariadb" else None
    bed = Bed(tmp_path, NEVER, maria)
    rows = bed.data("id,made,once,twice\n7,a,b,1\n,,c,1\n3,d,,1\n")
    assert bed.take(rows, resource="rows")[0]["inserted"] == 3
    want = [{"id": 3, "made": "d", "once": None}, {"id": 7, "made": "a", "once": "b"},
            {"id": 8, "made": None, "once": "c"}]
    out = bed.give(resource="rows")
    assert [json.loads(line) for line in out.splitlines()] == want
    counts, _ = bed.take(bed.data(out, "out.ndjson"), "--replace", resource="rows")
    assert counts["inserted"] == 3 and bed.give(resource="rows") == out
    bed.take(bed.data('{"id":7,"made":"z"}\n', "c.ndjson"), "--on-conflict", "merge", resource="rows")
    assert json.loads(bed.give(resource="rows").splitlines()[1]) == {**want[1], "made": "z"}


def test_another_unique_rule_counts_too(bed):
    data = bed.data("id,name\n1,a\n2,a\n3,b\n")
    assert '"one name"' in bed.take(data, code=1)[1]
    assert bed.take(data, "--on-conflict", "skip")[0] == counts(3, 2, skipped=1)
    assert bed.rows() == [(1, "a", None), (3, "b", None)]
    # A row whose key is new, but not its name, can be merged into none.
    data = bed.data("id,name\n4,b\n5,c\n")
    summary, told = bed.take(data, "--on-conflict", "merge", code=1)
    assert summary == counts(2, 1, failed=1) and "line 2: duplicate key" in told


def test_replace(bed):
    bed.take(bed.data(lines(1, 2)))
    assert bed.take(bed.data(lines(2, 3)), "--replace")[0] == counts(2, 2)
    assert bed.rows() == [(2, "n2", 2), (3, "n3", 3)]


def test_an_import_that_fails_replaces_nothing(bed):
    bed.take(bed.data(lines(1, 2)))
    bed.take(bed.data(lines(3, 3)), "--replace", code=1)
    assert bed.rows() == [(1, "n1", 1), (2, "n2", 2)]
    bed.take(bed.data("id,nope\n1,2\n"), "--replace", code=1)
    assert len(bed.rows()) == 2


# ---- rows that are wrong ----

def test_rows_that_are_wrong_are_left_out_and_told(bed):
    data = bed.data('id,name,size\n1,a,x\n2,b,1\n3,"c\nc",-1\n4,b2\n5,"é",y\n6,d,2\n')
    summary, told = bed.take(data, code=1)
    assert summary == counts(6, 2, failed=4)
    assert told.splitlines() == [
        'line 2, column 5: field "size": invalid input syntax for type integer: "x"',
        'line 4, column 4: field "size" must be at least 0',
        'line 6: All lines must have same number of fields: line 6 has 2 fields, the first line 3',
        'line 7, column 7: field "size": invalid input syntax for type integer: "y"']
    assert bed.rows() == [(2, "b", 1), (6, "d", 2)]


def test_errors_go_to_a_file(bed):
    data = bed.data('id,name,size\n1,a,x\n2,b,1\n2,"say ""c""",3\n3,"d\ne",\n4,a,b,c\n')
    summary, told = bed.take(data, "--errors", "errors.csv", "--on-conflict", "skip", code=1)
    assert (summary, told) == (counts(5, 2, skipped=1, failed=2), "")
    with open(bed.folder / "errors.csv", newline="", encoding="utf-8") as file:
        got = sorted(csv.reader(file), key=lambda row: (row[0] != "line", row[0]))
    assert got == [
        ["line", "column", "reason", "text"],
        ["2", "5", 'field "size": invalid input syntax for type integer: "x"', "1,a,x"],
        ["4", "", 'duplicate key value violates unique constraint "items_pkey": '
                  "Key (id)=(2) already exists.", '2,"say ""c""",3'],
        ["7", "", "All lines must have same number of fields: line 7 has 4 fields, the first line "
                  "3", "4,a,b,c"]]


def test_a_file_of_errors_that_cannot_be_made(bed):
    told = bed.take(bed.data(lines(1)), "--errors", "none/errors.csv", code=1)[1]
    assert "none/errors.csv: No such file" in told
    assert bed.rows() == []


def test_only_some_errors_are_shown(bed):
    summary, told = bed.take(bed.data("id\n" + "x\n" * 1000), code=1)
    assert summary == counts(1000, 0, failed=1000)
    assert len(told.splitlines()) == 21 and "--errors" in told.splitlines()[-1]


@pytest.mark.parametrize("text, line, column", [
    ('{"id":1}\n{"id":\n{"id":2}\n', 2, None), ('{"id":1}\nx\n{"id":2}\n', 2, 1),
    ('{"id":1}\n{"id":"x"}\n{"id":2}\n', 2, None), ('{"id":1}\n[]\n{"id":2}\n', 2, 1),
    ('{"id":1}\n\n{"nope":2}\n{"id":2}\n', 3, 2), ('{"id":1}\n{"id":7} x\n{"id":2}\n', 2, None),
])
def test_lines_of_json_that_are_wrong(bed, text, line, column):
    summary, told = bed.take(bed.data(text, "data.ndjson"), code=1)
    assert summary == counts(3, 2, failed=1)
    assert re.match(rf"line {line}, column {column or '[0-9]+'}: ", told), told
    assert [row[0] for row in bed.rows()] == [1, 2]


@pytest.mark.parametrize("text", ["", "{}", "5", "[{]", '[{"id":1}', '[{"id":1}] x', '[{"id":1},]'])
def test_a_file_that_is_no_json_changes_nothing(bed, text):
    bed.take(bed.data(lines(7)))
    assert bed.take(bed.data(text, "data.json"), "--replace", code=1)[1] != ""
    assert [row[0] for row in bed.rows()] == [7]


FAMILY = """\
service: s
store: sqlite:s.db
resources:
  parents: { key: id, fields: { id: integer } }
  items:
    key: id
    fields:
      id: integer
      parent: { type: integer, references: parents }
  nodes:
    key: id
    fields:
      id: integer
      up: { type: integer, references: nodes }
"""


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_rows_that_refer_to_nothing(tmp_path, kind, request):
    store = request.getfixturevalue("mariadb_database")() if kind == "mariadb" else None
    bed = Bed(tmp_path, FAMILY, store)
    assert bed.take(bed.data("id\n1\n2\n"), resource="parents")[0] == counts(2, 2)
    summary, told = bed.take(bed.data("id,parent\n1,1\n2,9\n3,\n4,2\n"), code=1)
    assert summary == counts(4, 3, failed=1)
    assert "line 3: " in told and "Key (parent)=(9) is not present" in told
    # Rows of one resource may refer to each other in any order, so this is known at the end only.
    assert bed.take(bed.data("id,up\n1,2\n2,1\n"), resource="nodes")[0] == counts(2, 2)
    told = bed.take(bed.data("id,up\n3,\n4,9\n"), resource="nodes", code=1)[1]
    assert "foreign key constraint" in told
    assert len(bed.give(resource="nodes").splitlines()) == 2


# ---- transactions ----

@pytest.mark.parametrize("batch", ["1", "2", "3", "100", "9223372036854775807"])
def test_batches_write_all(bed, batch):
    assert bed.take(bed.data(lines(*range(1, 8))), "--batch", batch)[0] == counts(7, 7)
    assert len(bed.rows()) == 7


def test_what_was_committed_before_an_error_stays(bed):
    told = bed.take(bed.data(lines(1, 2, 3, 4, 5, 1, 6)), "--batch", "2", code=1)[1]
    assert "line 7: duplicate key" in told
    assert [row[0] for row in bed.rows()] == [1, 2, 3, 4]


def killed(bed, data, wait_s, *args):
    """Kills an import after a time; False when it had ended before."""
    process = subprocess.Popen([program(), "import", bed.file, "items", data, *args],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    assert process.returncode == 0
    return False


def emptied(bed):
    bed.take(bed.data("id\n", "none.csv"), "--replace")


def test_a_kill_leaves_whole_batches(bed, seed):
    chance = random.Random(seed)
    total, batch = 60_000, 700
    data = bed.data(lines(*range(1, total + 1)))
    begin = time.monotonic()
    bed.take(data, "--batch", str(batch))
    took_s = time.monotonic() - begin
    in_the_middle = 0
    for _ in range(8):
        emptied(bed)
        cut = killed(bed, data, chance.uniform(0, took_s), "--batch", str(batch))
        [(count, last)] = bed.query("SELECT count(*), coalesce(max(id), 0) FROM items")
        assert count == last and (count % batch == 0 or count == total), count
        assert cut or count == total
        in_the_middle += 0 < count < total
    print(in_the_middle, "in the middle")


def test_a_kill_leaves_all_or_nothing_without_batches(bed, seed):
    chance = random.Random(seed)
    total = 60_000
    data = bed.data(lines(*range(101, total + 101)))
    begin = time.monotonic()
    bed.take(data)
    took_s = time.monotonic() - begin
    for _ in range(6):
        bed.take(bed.data(lines(1, 2, 3), "old.csv"), "--replace")
        cut = killed(bed, data, chance.uniform(0, took_s), "--replace")
        [state] = bed.query("SELECT count(*), min(id) FROM items")
        assert state in ((3, 1), (total, 101)), state
        assert cut or state == (total, 101)


# ---- what is shown ----

def on_terminal(*args):
    """Runs the program with its outputs on a terminal; the exit code and what it showed."""
    master, slave = pty.openpty()
    with subprocess.Popen([program(), *map(str, args)], stdin=subprocess.DEVNULL, stdout=slave,
                          stderr=slave) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if part == b"":
                break
            shown += part
        os.close(master)
    return process.returncode, shown.decode()


def test_a_terminal_gets_a_bar_and_a_sentence(bed):
    data = bed.data(lines(*range(1, 60_001)) + "x,y,z\n")
    code, shown = on_terminal("import", bed.file, "items", data)
    assert code == 1
    bars = re.findall(r"\r\033\[K\[(=*) *\] +(\d+) %  (\d+) rows  \d+ rows/s(?:  \d+ s left)?",
                      shown)
    assert bars, shown
    done = [int(percent) for _, percent, _ in bars]
    assert done == sorted(done) and done[-1] <= 100
    assert re.search(r"\r\033\[Kline 60002, column 1: field \"id\"", shown), shown[-500:]
    assert re.search(r"60001 read, 60000 inserted, 0 merged, 0 skipped, 1 failed in \d+\.\d s\r\n$",
                     shown), shown[-500:]


def test_nothing_but_the_summary_goes_into_a_pipe(bed):
    done = bed.run("import", bed.file, "items", bed.data(lines(*range(1, 1001))))
    assert re.fullmatch(r'\{"read":1000,"inserted":1000,"merged":0,"skipped":0,"failed":0,'
                        r'"seconds":\d+\.\d{3}\}\n', done.stdout)
    assert done.stderr == ""


# ---- wrong usage, and what stands in the way ----

@pytest.mark.parametrize("args", [
    ["import"], ["import", "s.yaml"], ["import", "s.yaml", "items"],
    ["import", "s.yaml", "items", "a.csv", "b.csv"], ["import", "s.yaml", "items", "a.txt"],
    ["import", "s.yaml", "items", "a.csv", "--format", "xml"],
    ["import", "s.yaml", "items", "a.csv", "--format"],
    ["import", "s.yaml", "items", "a.csv", "--on-conflict", "ignore"],
    ["import", "s.yaml", "items", "a.csv", "--batch", "0"],
    ["import", "s.yaml", "items", "a.csv", "--batch", "-1"],
    ["import", "s.yaml", "items", "a.csv", "--batch", "many"],
    ["import", "s.yaml", "items", "a.csv", "--nope"],
    ["export"], ["export", "s.yaml"], ["export", "s.yaml", "items", "more"],
    ["export", "s.yaml", "items", "--format", "xml"], ["export", "s.yaml", "items", "--nope"],
])
def test_wrong_usage(bed, args):
    done = bed.run(*args, code=2)
    assert done.stdout == "" and done.stderr != ""
    assert not bed.database.exists()


@pytest.mark.parametrize("args, told", [
    (["import", "none.yaml", "items", "a.csv"], "none.yaml"),
    (["import", "s.yaml", "item", "a.csv"], 'did you mean "items"'),
    (["import", "s.yaml", "items", "none.csv"], "none.csv: No such file"),
    (["import", "s.yaml", "items", ".", "--format", "csv"], "is no file"),
    (["import", "s.yaml", "seen", "a.csv"], "is read only"),
    (["import", "s.yaml", "items", "a.csv", "--store", "nope:x"], "nope"),
    (["export", "s.yaml", "item"], 'did you mean "items"'),
    (["export", "s.yaml", "items", "--query", "nope=eq.1"], "nope"),
    (["export", "s.yaml", "items", "--query", "id=5"], "rowlock export:"),
])
def test_what_cannot_be_done(bed, args, told):
    bed.data(lines(1), "a.csv")
    done = bed.run(*args, code=1)
    assert done.stdout == "" and told in done.stderr, done.stderr


def test_a_server_that_has_the_database(bed):
    with Server(bed.file, folder=bed.folder, store=f"sqlite:{bed.database}").start() as server:
        for args in (["import", bed.file, "items", bed.data(lines(1))],
                     ["export", bed.file, "items"]):
            told = bed.run(*args, code=1).stderr
            assert str(bed.database) in told and str(server.pid()) in told, told
            assert "one process owns a database file" in told
    assert bed.take(bed.data(lines(1)))[0] == counts(1, 1)


def test_another_store(bed):
    other = f"sqlite:{bed.folder / 'other.db'}"
    assert bed.take(bed.data(lines(1)), "--store", other)[0] == counts(1, 1)
    assert not bed.database.exists()
    assert bed.give("--store", other) == '{"id":1,"name":"n1","size":1}\n'


# ---- MariaDB ----

@pytest.fixture
def maria(tmp_path, mariadb_database):
    return Bed(tmp_path, store=mariadb_database())


def exported(bed):
    return [tuple(row) for row in csv.reader(io.StringIO(bed.give("--format", "csv")))][1:]


@pytest.mark.parametrize("batch", [(), ("--batch", "7")])
def test_rows_that_are_refused_on_mariadb(maria, batch):
    """Among many rows that go together, each one that is refused is found and told."""
    numbers = [*range(1, 601), 300, 601, 5, *range(602, 1001)]
    data = maria.data(lines(*numbers) + "2000,n1,5\nx,y,z\n")
    summary, told = maria.take(data, "--on-conflict", "skip", *batch, code=1)
    assert summary == counts(1004, 1000, skipped=3, failed=1)
    # A build with AddressSanitizer has something to say of fibers first.
    assert sorted(line for line in told.splitlines() if not line.startswith("==")) == [
        "line 1004: skipped: duplicate key value violates unique constraint \"one name\": "
        "Key (name)=(n1) already exists.",
        'line 1005, column 1: field "id": invalid input syntax for type integer: "x"',
        *(f"line {line}: skipped: duplicate key value violates unique constraint \"items_pkey\": "
          f"Key (id)=({number}) already exists." for line, number in ((602, 300), (604, 5)))]
    assert exported(maria) == [(str(n), f"n{n}", str(n)) for n in range(1, 1001)]


def test_conflicts_on_mariadb(maria):
    assert maria.take(maria.data(lines(1, 2)))[0] == counts(2, 2)
    assert "line 3: duplicate key" in maria.take(maria.data(MEETING), code=1)[1]
    assert [row[0] for row in exported(maria)] == ["1", "2"]
    assert maria.take(maria.data(MEETING), "--on-conflict", "merge")[0] == counts(3, 2, merged=1)
    assert exported(maria)[1] == ("2", "new", "9")
    data = maria.data("id,name\n9,n1\n10,c\n")
    summary, told = maria.take(data, "--on-conflict", "merge", code=1)
    assert summary == counts(2, 1, failed=1) and "line 2: duplicate key" in told
    assert maria.take(maria.data(lines(7)), "--replace")[0] == counts(1, 1)
    assert exported(maria) == [("7", "n7", "7")]
    assert maria.take(maria.data("name\na\nb\n"))[0] == counts(2, 2)
    assert [row[1] for row in exported(maria)] == ["n7", "a", "b"]


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_what_goes_out_of_mariadb_comes_in_as_it_was(tmp_path, mariadb_database, seed, form):
    beds = [Bed(tmp_path / name, EVERYTHING, mariadb_database()) for name in "ab"
            if (tmp_path / name).mkdir() is None]
    rows = [{**row, "x": None} for row in everything(seed)]
    data = beds[0].data("".join(json.dumps(row) + "\n" for row in rows), "data.ndjson")
    assert beds[0].take(data, resource="rows")[0] == counts(len(rows), len(rows))
    first = beds[0].give_bytes("--format", form, resource="rows")
    data = beds[1].data(first, f"data.{form}")
    assert beds[1].take(data, resource="rows")[0] == counts(len(rows), len(rows))
    assert beds[1].give_bytes("--format", form, resource="rows") == first


# ---- export ----

def test_exports(bed):
    bed.take(bed.data("id,name,size\n1,a,5\n2,,\n"))
    assert bed.give() == '{"id":1,"name":"a","size":5}\n{"id":2,"name":null,"size":null}\n'
    assert bed.give("--format", "ndjson") == bed.give()
    assert json.loads(bed.give("--format", "json")) == [
        {"id": 1, "name": "a", "size": 5}, {"id": 2, "name": None, "size": None}]
    assert bed.give("--format", "csv") == "id,name,size\n1,a,5\n2,,\n"
    assert bed.give("--query", "select=name&id=gt.1") == '{"name":null}\n'
    assert bed.give("--query", "order=id.desc&limit=1&select=id") == '{"id":2}\n'


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_what_clients_may_not_write_comes_back_too(tmp_path, form):
    beds = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        beds.append(Bed(tmp_path / name, """\
service: s
store: sqlite:s.db
resources:
  rows:
    key: id
    fields:
      id:    { type: uuid, default: auto, write: never }
      made:  { type: integer, write: never }
      first: { type: integer, write: once }
      twice: { type: integer, computed: made * 2 }
"""))
    beds[0].take(beds[0].data('{"made":1,"first":1}\n{"made":2,"first":2,"twice":9}\n', "d.ndjson"),
                 resource="rows")
    first = beds[0].give_bytes("--format", form, resource="rows")
    data = beds[1].data(first, f"d.{form}")
    for number, options in enumerate(([], ["--on-conflict", "merge"], ["--replace"])):
        assert beds[1].take(data, *options, resource="rows")[0]["merged"] == (2 if number == 1 else 0)
        assert beds[1].give_bytes("--format", form, resource="rows") == first
    assert b"null" not in first and b",," not in first


def test_an_empty_resource(bed):
    assert bed.give() == ""
    assert json.loads(bed.give("--format", "json")) == []
    assert bed.give("--format", "csv").strip() in ("", "id,name,size")


def test_a_reader_that_goes_away(bed):
    bed.take(bed.data(lines(*range(1, 50_001))))
    with subprocess.Popen([program(), "export", bed.file, "items"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(30) != 0


UUID = "0190163d-8694-739b-aea5-966c26f8ad90"
TEXTS = ["", " ", "a", "NULL", "null", "\\N", '"', '""', ",", "a,b", "\n", "\r\n", "\r", "a\nb", " a ",
         "'", "\\", "\t", "é", "日本", "😀", "\ufeff", "\x01", "\u2028", "x" * 70_000, "5", "true",
         "{}", "=1", "-", "#", ";"]


def everything(seed):
    chance = random.Random(seed)
    rows = [dict.fromkeys(["n", "x", "d", "t", "b", "u", "da", "ti", "dt", "j"])]
    rows += [{**rows[0], "t": text} for text in TEXTS]
    rows += [{**rows[0], **values} for values in (
        {"n": 2 ** 63 - 1}, {"n": -2 ** 63}, {"n": 0}, {"x": 0.1}, {"x": -1.5e300}, {"x": 5e-324},
        {"x": 0}, {"d": "12345678901234.5678"}, {"d": "-0.0001"}, {"b": True}, {"b": False},
        {"u": UUID}, {"da": "0001-01-01"}, {"da": "9999-12-31"}, {"ti": "00:00:00"},
        {"ti": "23:59:59.999999"}, {"dt": "0001-01-01T00:00:00+00:00"},
        {"dt": "2014-03-08T15:00:00.25+00:00"}, {"j": {}}, {"j": []}, {"j": "NULL"}, {"j": 5},
        {"j": {"a": [1, None, "é,\"\n"]}}, {"j": True}, {"j": ""})]
    rows += [{"n": chance.randrange(-2 ** 63, 2 ** 63), "x": chance.uniform(-1e9, 1e9),
              "d": f"{chance.randrange(10 ** 14)}.{chance.randrange(10 ** 4):04}",
              "t": "".join(chance.choice('ab,"\n\r é') for _ in range(chance.randrange(9))),
              "b": chance.choice([True, False]), "u": UUID, "da": "2020-02-29",
              "ti": f"{chance.randrange(24):02}:{chance.randrange(60):02}:00",
              "dt": f"2020-01-01T00:00:{chance.randrange(60):02}+00:00",
              "j": {"k": chance.random()}} for _ in range(500)]
    return [{"id": number, **row} for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_what_goes_out_comes_in_as_it_was(tmp_path, seed, form):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = Bed(tmp_path / "a", EVERYTHING), Bed(tmp_path / "b", EVERYTHING)
    rows = everything(seed)
    data = one.data("".join(json.dumps(row) + "\n" for row in rows), "data.ndjson")
    assert one.take(data, resource="rows")[0] == counts(len(rows), len(rows))
    first = one.give_bytes("--format", form, resource="rows")
    assert two.take(two.data(first, f"data.{form}"), resource="rows")[0]["inserted"] == len(rows)
    assert two.give_bytes("--format", form, resource="rows") == first
    select = "SELECT * FROM rows ORDER BY id"
    assert one.query(select) == two.query(select)
    if form == "csv":
        got = list(csv.DictReader(io.StringIO(first.decode(), newline="")))
        assert [row["t"] for row in got] == [row["t"] or "" for row in rows]


# ---- memory ----

def peak_kib(*args):
    """The most memory that the program had. (What wait4() says counts the process that forked it.)"""
    peak = 0
    with subprocess.Popen([program(), *map(str, args)], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
            peak = max(peak, int(found[1])) if found else peak
            time.sleep(0.002)
    assert process.returncode == 0
    return peak


@pytest.mark.slow  # sanitizers keep what is freed
@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_memory_does_not_grow_with_the_file(bed, form):
    peaks = {}
    for count in (20_000, 200_000):
        rows = [{"id": number, "name": f"n{number}", "size": number}
                for number in range(1, count + 1)]
        text = (lines(*range(1, count + 1)) if form == "csv" else
                json.dumps(rows) if form == "json" else
                "".join(json.dumps(row) + "\n" for row in rows))
        data = bed.data(text, f"data.{form}")
        peaks[count] = peak_kib("import", bed.file, "items", data, "--replace")
        peaks[-count] = peak_kib("export", bed.file, "items", "--format", form)
    print(peaks)
    # Up to 8 MiB of the file, and what SQLite keeps of pages.
    assert peaks[200_000] - peaks[20_000] < 24 * 1024, peaks
    assert peaks[-200_000] - peaks[-20_000] < 24 * 1024, peaks
