"""The command line: help, usage, exit codes (0 done, 1 it failed, 2 wrong usage)."""
import subprocess

import pytest
from support.server import RATINGS, program, run_program

COMMANDS = ["serve", "check", "openapi"]


@pytest.mark.parametrize("args", [["--help"], ["serve", "--help"], ["check", "--help"],
                                  ["introspect", "--help"],
                                  ["--version"]])
def test_help(args):
    result = run_program(*args)
    assert result.returncode == 0, result
    assert result.stdout.strip() and result.stderr == ""


def test_help_names_every_command():
    text = run_program("--help").stdout
    assert all(command in text for command in COMMANDS)


WRONG_USAGE = [[], ["nonsense"], ["serve"], ["serve", RATINGS, "--nonsense"], ["check"],
               ["serve", RATINGS, "--listen"], ["serve", RATINGS, "--log", "loud"],
               ["check", RATINGS, "--nonsense"]]


@pytest.mark.parametrize("args", WRONG_USAGE, ids=str)
def test_wrong_usage_is_2(args):
    result = run_program(*args)
    assert result.returncode == 2, result
    assert result.stderr.strip()


def test_a_file_that_is_not_there_is_1(tmp_path):
    for command in COMMANDS:
        result = run_program(command, tmp_path / "nothing.yaml")
        assert result.returncode == 1, result
        assert "nothing.yaml" in result.stderr


def test_check_of_a_good_file(tmp_path):
    result = run_program("check", RATINGS, cwd=tmp_path)
    assert result.returncode == 0, result
    assert "ratings" in result.stdout and "/users/{user_id}/counts" in result.stdout
    assert list(tmp_path.iterdir()) == [], "check made files"


def test_the_program_ends_when_its_output_does(tmp_path):
    """A closed pipe is no crash."""
    process = subprocess.Popen([program(), "check", str(RATINGS)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, cwd=tmp_path)
    process.stdout.close()
    assert process.wait(30) in (0, 1)


NO_ROWS = {"a.csv": "id\n", "a.json": "[]", "a.ndjson": ""}


@pytest.mark.parametrize("name", NO_ROWS)
def test_an_import_without_rows(name, tmp_path):
    (tmp_path / "service.yaml").write_text(
        "service: s\nlisten: 127.0.0.1:0\nstore: sqlite:s.db\n"
        "resources: { a: { key: id, fields: { id: integer } } }\n", encoding="utf-8")
    (tmp_path / name).write_text(NO_ROWS[name], encoding="utf-8")
    result = run_program("import", "service.yaml", "a", name, cwd=tmp_path)
    assert result.returncode == 0, result
    assert '"read":0,"inserted":0' in result.stdout + result.stderr
