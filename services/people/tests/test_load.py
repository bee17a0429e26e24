"""The CSV file that the service reads when it starts: what it takes, what it tells, and when it reads."""
import datetime
import itertools
import json
import random
import re
import time
import urllib.parse
from pathlib import Path

import pytest
from support.client import get_json, request
from support.server import DidNotStart, Server, read_database

HERE = Path(__file__).resolve().parents[1]
HEAD = "ID,First,Last,Age,GithubAcct,Date of 3rd Grade Graduation"
GRADUATION = "Date of 3rd Grade Graduation"
TODAY = datetime.datetime.now(datetime.timezone.utc).date()


def short(days):
    """A day so many days from today with a year of two digits, and the date that it means."""
    day = TODAY + datetime.timedelta(days=days)
    year = day.year if days <= 0 else day.year - 100
    return f"{day.month}/{day.day}/{day.year % 100:02}", f"{year}-{day:%m-%d}"


def days(*texts_and_dates):
    return [(f"day {text!r}", f"N,A,B,1,g,{text}", {GRADUATION: date})
            for text, date in texts_and_dates]


def no_days(reason, *texts):
    return [(f"no day {text!r}", f"N,A,B,1,g,^{text}", reason) for text in texts]


def no_ages(reason, *texts):
    return [(f"no age {text!r}", f"N,A,B,^{text},g,6/25/01", reason) for text in texts]


SYNTAX = "invalid input syntax for type"
RAGGED = "All lines must have same number of fields"
NO_DAY, NOT_ALL, LATER = "is no date that there is", "is incomplete", "must not be later than today"
LONG = "x" * 1_000_000

# What it is, the record, and what becomes of it: the values of a row, or what the log must say.
# N is an id of its own; ^ marks the column that must be told, and is no part of the record.
TROUBLE = [
    ("fine", "N,A,B,30,g,6/25/01", {"First": "A", "Last": "B", "Age": 30, "GithubAcct": "g",
                                    GRADUATION: "2001-06-25"}),
    # line ends, and lines
    ("a blank line", "", None),
    ("only spaces", "   ", RAGGED),
    ("only commas", "N,,,,,", dict.fromkeys(HEAD.split(",")[1:])),
    ("too few fields", "N,A", RAGGED),
    ("one field too few", "N,A,B,30,g", RAGGED),
    ("one field too many", "N,A,B,30,g,6/25/01,", RAGGED),
    ("semicolons", "N;A;B;30;g;6/25/01", RAGGED),
    ("very many fields", "N" + ",x" * 1900, RAGGED),
    ("more fields than any line may have", "N" + ",x" * 1999 + ",^x", "too many fields"),
    ("a very long field", f"N,{LONG},B,1,g,", {"First": LONG}),
    ("a very long field in quotes", f'N,"{LONG}",B,1,g,', {"First": LONG}),
    ("a very long number", f"N,A,B,^{LONG},g,", SYNTAX),
    # quotes
    ("all in quotes", '"N","A","B","30","g","6/25/01"', {"First": "A", "Age": 30,
                                                         GRADUATION: "2001-06-25"}),
    ("a comma in quotes", 'N,A,"B, Jr.",1,g,', {"Last": "B, Jr."}),
    ("doubled quotes", 'N,"A ""the"" x",B,1,g,', {"First": 'A "the" x'}),
    ("only a doubled quote", 'N,"""",B,1,g,', {"First": '"'}),
    ("LF in quotes", 'N,"A\ny",B,1,g,', {"First": "A\ny"}),
    ("CRLF in quotes", 'N,"A\r\ny",B,1,g,', {"First": "A\r\ny"}),
    ("wrong behind a line end in quotes", 'N,"A\ny",B,^old,g,', SYNTAX),
    ("text behind a quote", 'N,"A"^x,B,1,g,', "text behind the closing quote"),
    ("a space behind a quote", 'N,"A"^ ,B,1,g,', "text behind the closing quote"),
    ("a quote in the middle", 'N,A ^"x,B,1,g,', "a quote inside a field"),
    ("a space before a quote", 'N, ^"A",B,1,g,', "a quote inside a field"),
    ("a backslash before a quote", 'N,"A\\"^x",B,1,g,', "text behind the closing quote"),
    # empty, null
    ("empty fields", "N,,,,,", {"First": None, "Age": None, GRADUATION: None}),
    ("empty fields in quotes", 'N,"","","","",""', {"First": "", "Last": "", "Age": None,
                                                    GRADUATION: None}),
    ("NULL", "N,NULL,NULL,NULL,NULL,NULL", {"First": None, "Age": None, GRADUATION: None}),
    ("NULL in quotes", 'N,"NULL",B,1,g,', {"First": "NULL"}),
    ("null", "N,null,B,1,g,", {"First": "null"}),
    ("null as a number", "N,A,B,^null,g,", SYNTAX),
    ("spaces around a text", "N, A ,B,1,g,", {"First": " A "}),
    # numbers
    ("zero", "N,A,B,0,g,", {"Age": 0}),
    ("the largest", "N,A,B,9223372036854775807,g,", {"Age": 2 ** 63 - 1}),
    *no_ages("is out of range", "9223372036854775808", "99999999999999999999999"),
    *no_ages("must be at least 0", "-1", "-9223372036854775808"),
    *no_ages(SYNTAX, " 30", "30 ", "+30", "030", "30.0", "30.5", "3e1", "0x1e", "old", "30y",
             "1 000", "-", "٣٠", "３０", "30\u00a0"),
    ("digits with a comma", "N,A,B,1,000,g,6/25/01", RAGGED),
    # ids
    ("an id that is there", "1,Z,Z,99,z,1/1/01", ("skipped", "Key (ID)=(1) already exists")),
    ("the same again", "1,A,B,30,g,6/25/01", ("skipped", "Key (ID)=(1) already exists")),
    ("an id that is there, in quotes", '"1",Z,Z,99,z,', ("skipped", "already exists")),
    ("an id as a word", "^x,A,B,1,g,", SYNTAX),
    ("an id with a space", "^ N,A,B,1,g,", SYNTAX),
    ("an id with a point", "^N.0,A,B,1,g,", SYNTAX),
    ("an id with a zero", "^0N,A,B,1,g,", SYNTAX),
    ("an id that is too large", "^9223372036854775808,A,B,1,g,", "is out of range"),
    ("two things wrong", "^x,A,B,old,g,13/41/01", SYNTAX),
    # dates
    *days(("6/25/01", "2001-06-25"), ("06/25/2001", "2001-06-25"), ("2001-06-25", "2001-06-25"),
          ("20010625", "2001-06-25"), ("5/6/01", "2001-05-06"), ("6/5/01", "2001-06-05"),
          ("6/24/40", "1940-06-24"), ("6/25/07", "2007-06-25"), ("2/29/2000", "2000-02-29"),
          ("2/29/96", "1996-02-29"), ("12/31/1899", "1899-12-31"), ("June 25 2001", "2001-06-25"),
          ("25 Jun 2001", "2001-06-25"), ("5/6/2001", "2001-05-06"), short(0), short(-1), short(2),
          (TODAY.isoformat(), TODAY.isoformat())),
    *no_days(NO_DAY, "25/6/01", "13/1/01", "13/41/01", "2/30/2020", "2/29/2001", "2/29/1900",
             "2020-02-30", "0/1/01", "1/0/01", "2020-13-01"),
    *no_days(NOT_ALL, "6/2001", "March 1985", "2001-06"),
    *no_days(LATER, "6/25/2999", "2999-06-25",
             (TODAY + datetime.timedelta(days=2)).isoformat()),
    *no_days("is more than a date", "2001-06-25T10:00:00", "2001-06-25T00:00:00Z"),
    *no_days(SYNTAX, "soon", "6-25", "0000-00-00", "25569"),
    # bytes
    ("no UTF-8", "N,^A\udcff,B,1,g,", "is not UTF-8"),
    ("no UTF-8 in quotes", 'N,^"\udcc3",B,1,g,', "is not UTF-8"),
    ("half of a surrogate pair", "N,A,^\udced\udca0\udc80,1,g,", "is not UTF-8"),
    ("a NUL byte", "N,^A\0z,B,1,g,", "cannot hold"),
    ("a NUL byte in a number", "N,A,B,^1\0,g,", SYNTAX),
    ("columns are characters", "N,äöü😀,^\udcff,1,g,", "is not UTF-8"),
    ("a byte order mark in the middle", "N,\ufeffA,B,1,g,", {"First": "\ufeffA"}),
    ("control characters", "N,A\x01\t\x7f,B,1,g,", {"First": "A\x01\t\x7f"}),
    ("what looks like a formula", "N,=1+1,B,1,g,", {"First": "=1+1"}),
    ("what looks like SQL", "N,'); DROP TABLE people; --,B,1,g,",
     {"First": "'); DROP TABLE people; --"}),
    # the quote is closed by none of the lines behind it
    ("a quote that is never closed", 'N,^"A,B,1,g,', "a quote that is never closed"),
    ("the last line has no end", "N,A,B,30,g,6/25/01", {"Age": 30}),
]
KINDS = [f"{number} {kind[:40]}" for number, (kind, _, _) in enumerate(TROUBLE, 1)]


def written(records):
    """The records with their ids and without marks as bytes; the line and column that each tells."""
    ends = itertools.cycle(["\r\n", "\n", "\r"])
    text, line, places = "\ufeff" + HEAD + "\r\n", 2, []
    for number, (_, record, _) in enumerate(records, 1):
        record = record.replace("N", str(number), 1) if not record.startswith("1,") else record
        mark = record.find("^")
        column = None if mark < 0 else len(re.split("[\r\n]", record[:mark])[-1]) + 1
        places.append((line, column))
        record = record.replace("^", "")
        end = "" if number == len(records) else "\r\n" if record == "" else next(ends)
        text += record + end
        line += len(re.findall("\r\n|\r|\n", record + end))
    return text.encode("utf-8", "surrogateescape"), places


def service(folder, csv, **env):
    return Server(HERE / "service.yaml", folder=folder, env={"PEOPLE_CSV": str(csv), **env})


def told(server):
    return [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]


def summary(server):
    """What the log says of the load; None when nothing was loaded."""
    for entry in told(server):
        if entry["message"] == "a file was loaded":
            return {name: entry[name] for name in ("read", "inserted", "skipped", "failed")}
    return None


def people(server):
    return {row["ID"]: row for row in get_json(server.address, "/people")}


def ids(server):
    return sorted(people(server))


def add(server, last):
    body = dict.fromkeys(HEAD.split(",")[1:], None) | {"Last": last}
    assert request(server.address, "POST", "/people/add", body).status == 200
    [number] = get_json(server.address, f"/ids/lastname/{last}")
    return number


def write(path, *numbers, end="\n"):
    path.write_text(HEAD + "\n" + "".join(f"{number},A,B,,,{end}" for number in numbers),
                    encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, request):
    """The lines that the log names, and the rows that are there, of one file with all troubles."""
    if request.config.getoption("--url"):
        pytest.skip("needs a process of its own, and --url names a deployment")
    folder = tmp_path_factory.mktemp("load")
    data, places = written(TROUBLE)
    (folder / "dirty.csv").write_bytes(data)
    with service(folder, folder / "dirty.csv").start() as server:
        lines = [entry for entry in told(server) if entry["level"] == "warning"]
        assert len({entry["line"] for entry in lines}) == len(lines)
        return {entry["line"]: entry for entry in lines}, people(server), places, summary(server)


@pytest.mark.parametrize("number", range(1, len(TROUBLE) + 1), ids=KINDS)
def test_each_trouble(loaded, number):
    lines, rows, places, _ = loaded
    _, _, want = TROUBLE[number - 1]
    line, column = places[number - 1]
    if want is None or isinstance(want, dict):
        assert line not in lines
        row = rows.get(number, {})
        assert {key: row.get(key) for key in want or ()} == (want or {})
        return
    how, reason = want if isinstance(want, tuple) else ("left out", want)
    entry = lines[line]
    assert entry["message"] == f"a line was {how}", entry
    assert reason in f"{entry['reason']}: {entry['details']}", entry
    assert entry.get("column") == column, entry
    assert entry["file"].endswith("dirty.csv") and entry["resource"] == "people"
    assert number not in rows


def test_what_is_told_is_all(loaded):
    lines, rows, places, counts = loaded
    assert len(KINDS) > 100 and set(lines) <= {line for line, _ in places}
    wants = [want for _, _, want in TROUBLE if want is not None]
    assert counts == {"read": len(wants), "inserted": len(rows),
                      "skipped": sum(isinstance(want, tuple) for want in wants),
                      "failed": sum(isinstance(want, str) for want in wants)}
    assert len(rows) == sum(isinstance(want, dict) for want in wants)
    assert rows[1]["Last"] == "B"  # the first of an id wins


def test_an_empty_id_is_made(start, tmp_path):
    (tmp_path / "a.csv").write_text(HEAD + '\n7,A,B,,,\n,C,D,,,\n"",E,F,,,\n')
    server = start_with(start, tmp_path / "a.csv")
    assert [row["First"] for row in people(server).values()] == ["A", "C", "E"]
    assert ids(server) == [7, 8, 9]


def test_many_wrong_lines_are_counted_and_not_all_told(start, tmp_path):
    (tmp_path / "a.csv").write_text(HEAD + "\n" + "x,A,B,,,\n" * 5000 + "7,A,B,,,\n")
    server = start_with(start, tmp_path / "a.csv")
    assert summary(server) == {"read": 5001, "inserted": 1, "skipped": 0, "failed": 5000}
    assert sum(entry["message"] == "a line was left out" for entry in told(server)) == 100


def start_with(start, csv, **env):
    return start(HERE / "service.yaml", env={"PEOPLE_CSV": str(csv), **env})


# ---- files that are none ----

@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_a_header(start, tmp_path, end, mark):
    (tmp_path / "a.csv").write_bytes((mark + HEAD + end).encode())
    server = start_with(start, tmp_path / "a.csv")
    assert people(server) == {}
    assert summary(server) == {"read": 0, "inserted": 0, "skipped": 0, "failed": 0}


@pytest.mark.parametrize("data", [b"", b"\n\r\n\n", b"\xef\xbb\xbf"], ids=["nothing", "lines", "mark"])
def test_an_empty_file(start, tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    assert people(start_with(start, tmp_path / "a.csv")) == {}


def test_the_order_of_columns_is_the_files_and_some_may_be_missing(start, tmp_path):
    (tmp_path / "a.csv").write_text("Last,ID\nB,7\n")
    [row] = people(start_with(start, tmp_path / "a.csv")).values()
    assert row == dict.fromkeys(HEAD.split(",")) | {"ID": 7, "Last": "B"}


BAD_FILES = [
    ("a column twice", HEAD + ",Last\n", "a column stands twice: "),
    ("an unknown column", HEAD + ",Nick\n", "Could not find the 'Nick' column"),
    ("another case", HEAD.replace("ID", "id") + "\n", "Could not find the 'id' column"),
    ("a space behind a name", HEAD.replace("First", "First ") + "\n", "Could not find the 'First '"),
    ("a column without a name", HEAD + ",\n", "Could not find the '' column"),
    ("no header", "1,A,B,30,g,6/25/01\n", "Could not find the '1' column"),
    ("semicolons", HEAD.replace(",", ";") + "\n", "Could not find the 'ID;First"),
    ("a quote that is never closed", '"' + HEAD + "\n1,A,B,,,\n", "a quote that is never closed"),
    ("a quote in the middle", HEAD.replace("First", 'Fi"rst') + "\n", "a quote inside a field"),
    ("UTF-16", (HEAD + "\n").encode("utf-16"), "Could not find the '"),
    ("no text", bytes(range(256)), None),
]


@pytest.mark.parametrize("data, reason", [row[1:] for row in BAD_FILES],
                         ids=[row[0] for row in BAD_FILES])
def test_a_header_that_is_wrong_keeps_the_service_from_starting(tmp_path, data, reason):
    good = write(tmp_path / "good.csv", 1, 2)
    with service(tmp_path, good).start() as server:
        assert ids(server) == [1, 2]
    bad = tmp_path / "bad.csv"
    bad.write_bytes(data if isinstance(data, bytes) else data.encode())
    server.env = {"PEOPLE_CSV": str(bad)}
    with pytest.raises(DidNotStart) as failure:
        server.start()
    assert server.exit_code == 1
    assert str(bad) in str(failure.value) and (reason or "") in str(failure.value)
    assert read_database(server.database, "SELECT count(*) FROM people") == [(2,)]


@pytest.mark.parametrize("name, reason", [
    ("none.csv", "No such file"), ("folder.csv", "is no file"), ("none.txt", "`load` takes .csv"),
    ("", "names no file"),
])
def test_a_file_that_is_not_there(tmp_path, name, reason):
    (tmp_path / "folder.csv").mkdir()
    server = service(tmp_path, tmp_path / name if name else "")
    if name == "":  # the variable is empty: the sample
        with server.start():
            assert len(people(server)) > 90
        return
    with pytest.raises(DidNotStart, match=re.escape(reason)):
        server.start()
    assert server.exit_code == 1


def test_a_mode_that_is_none(tmp_path):
    with pytest.raises(DidNotStart, match="once, add or replace"):
        service(tmp_path, "off", LOAD="sometimes").start()


# ---- when it is read ----

def test_nothing_is_loaded_when_it_is_off(start, tmp_path):
    server = start_with(start, "off")
    assert people(server) == {} and summary(server) is None
    number = add(server, "Added")
    server.stop()
    server.start()
    assert ids(server) == [number]


def test_the_same_file_is_loaded_once(start, tmp_path):
    csv = write(tmp_path / "a.csv", 1, 2, 3)
    server = start_with(start, csv)
    assert request(server.address, "DELETE", "/people/2").status == 204
    number = add(server, "Added")
    for _ in range(2):
        server.stop()
        server.start()
        assert ids(server) == [1, 3, number] and summary(server) is None
    csv.rename(tmp_path / "b.csv")  # what counts is what is in it
    server.env = {"PEOPLE_CSV": str(tmp_path / "b.csv")}
    server.stop()
    server.start()
    assert ids(server) == [1, 3, number]


def test_a_file_that_has_changed_stands_in_place_of_what_was_there(start, tmp_path):
    csv = write(tmp_path / "a.csv", 1, 2, 3)
    server = start_with(start, csv)
    add(server, "Added")
    server.stop()
    write(csv, 3, 5)
    server.start()
    assert ids(server) == [3, 5]
    server.stop()
    write(csv, 1, 2, 3)  # as it was at first
    server.start()
    assert ids(server) == [1, 2, 3]


def test_a_load_that_adds_keeps_what_was_there(start, tmp_path):
    csv = write(tmp_path / "a.csv", 1, 2, 3)
    server = start_with(start, csv, LOAD="add")
    number = add(server, "Added")
    server.stop()
    csv.write_text(HEAD + "\n3,Z,Z,,,\n50,A,B,,,\n")
    server.start()
    assert summary(server) == {"read": 2, "inserted": 1, "skipped": 1, "failed": 0}
    assert ids(server) == [1, 2, 3, number, 50]
    assert people(server)[3]["Last"] == "B"


def test_a_load_of_once_is_done_once(start, tmp_path):
    csv = write(tmp_path / "a.csv", 1, 2)
    server = start_with(start, csv, LOAD="once")
    assert ids(server) == [1, 2]
    server.stop()
    write(csv, 3)
    server.start()
    assert ids(server) == [1, 2] and summary(server) is None


def test_a_load_of_names_that_hold_anything(start, tmp_path):
    """Names of fields and resources are never text of a query; a service may be named `load`."""
    (tmp_path / "x.csv").write_text('"k&""%",v\n1,a\n2,b\n')
    file = tmp_path / "service.yaml"
    file.write_text("service: load\nresources:\n  'a&b% +\"c':\n    key: 'k&\"%'\n"
                    "    fields: { 'k&\"%': integer, v: text }\n    load: x.csv\n")
    server = start(file)
    assert '"a file was loaded"' in server.log()
    server.stop()
    server.start()
    assert '"a file was loaded before"' in server.log()
    answer = request(server.address, "GET", "/" + urllib.parse.quote('a&b% +"c', safe="") + "?select=v")
    assert answer.json() == [{"v": "a"}, {"v": "b"}]


def test_an_empty_table_is_filled_again(start, tmp_path):
    csv = write(tmp_path / "a.csv", 1, 2)
    server = start_with(start, csv)
    for number in (1, 2):
        assert request(server.address, "DELETE", f"/people/{number}").status == 204
    server.stop()
    server.start()
    assert ids(server) == [1, 2]


def test_a_kill_in_the_middle_leaves_what_was_there(tmp_path, seed):
    """A load is all there or not at all, whenever the process is killed."""
    chance = random.Random(seed)
    old = write(tmp_path / "old.csv", *range(1, 11))
    new = write(tmp_path / "new.csv", *range(100_001, 250_001))
    with service(tmp_path, old).start() as server:
        assert len(people(server)) == 10
    (tmp_path / "measured").mkdir()
    begin = time.monotonic()
    with service(tmp_path / "measured", new).start():
        took_s = time.monotonic() - begin
    states = []
    server.env = {"PEOPLE_CSV": str(new)}
    for _ in range(6):
        server.launch()
        time.sleep(chance.uniform(0, took_s))
        server.kill()
        [state] = read_database(server.database, "SELECT count(*), min(ID), max(ID) FROM people")
        assert state in ((10, 1, 10), (150_000, 100_001, 250_000)), state
        states.append(state)
        if state[0] != 10:
            break  # the rest would load nothing
    print(states)
    with server.start():
        assert get_json(server.address, "/people?select=count()") == [{"count": 150_000}]


def test_loads_on_mariadb(start, tmp_path, mariadb_database, seed):
    """What is told, what stays, and that a load is all there or not at all, as on SQLite."""
    chance = random.Random(seed)
    csv = tmp_path / "a.csv"
    csv.write_text(HEAD + "\n1,A,B,,,\n2,C,D,,,\n1,E,F,,,\nx,G,H,,,\n")
    server = start_with_store(start, csv, mariadb_database())
    assert summary(server) == {"read": 4, "inserted": 2, "skipped": 1, "failed": 1}
    assert [entry["line"] for entry in told(server) if entry["level"] == "warning"] == [5, 4]
    number = add(server, "Added")
    server.stop()
    server.start()
    assert ids(server) == [1, 2, number] and summary(server) is None
    server.stop()
    write(csv, *range(1001, 31_001))
    for _ in range(3):
        server.launch()
        time.sleep(chance.uniform(0.05, 0.5))
        server.kill()
        server.env = {"PEOPLE_CSV": "off"}
        server.start()
        assert len(people(server)) in (3, 30_000)
        server.stop()
        server.env = {"PEOPLE_CSV": str(csv)}
    server.start()
    assert ids(server) == list(range(1001, 31_001))


def start_with_store(start, csv, store):
    return start(HERE / "service.yaml", env={"PEOPLE_CSV": str(csv)}, store=store)
