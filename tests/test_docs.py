"""Every example in README.md, docs/ and the README.md of the services is run: service files are checked, requests are sent in order,
and each answer is compared with the comment below its request."""

import json
import os
import pathlib
import re
import shlex
import signal
import sqlite3
import subprocess
import time

import pytest
from support.certificates import Pair

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("ROWLOCK_BIN", str(ROOT / "build" / "rowlock"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "services").glob("**/README.md"))]


def name_of(page):
    return "-".join(page.relative_to(ROOT).with_suffix("").parts)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def service_files():
    return [(page, text) for page in PAGES for text in blocks(page, "yaml")]


def serve(tmp_path, page, mariadb_database):
    """The services that a page's requests are for: its own tables, its own files, the one beside
    it, or the one of service-file.md."""
    if page.name == "links.md":
        return [start_one(tmp_path, text) for text in blocks(page, "yaml")]
    return [serve_one(tmp_path, page, mariadb_database)]


def serve_one(tmp_path, page, mariadb_database):
    folder = page.parents[1 if page.parents[2].name == "services" else 0]  # with its neighbours
    if any(folder.glob("*/service.yaml")):
        return start_gateway(tmp_path, folder)
    if (page.parent / "service.yaml").exists():
        file = page.parent / "service.yaml"
        return start(tmp_path, file, file.read_text(), "--store", "sqlite:service.db")
    if page.name == "mariadb.md":
        return start_mariadb(mariadb_database, blocks(page, "sql")[0])
    if blocks(page, "sql"):
        return wait_for(subprocess.Popen([BINARY, "serve", "--store", "sqlite:music.db", "--log", "off"],
                                         stderr=subprocess.PIPE, cwd=make_database(tmp_path, page)),
                        3000)
    own = blocks(page, "yaml") or blocks(ROOT / "docs" / "service-file.md", "yaml")
    return start_one(tmp_path, own[0])


def start_one(tmp_path, text):
    file = tmp_path / f"{re.match(r'service: (.*)', text)[1]}.yaml"
    file.write_text(text)
    return start(tmp_path, file, text)


def make_keys(folder, text):
    """The keys that a service file names, where it names them."""
    if "keys/jwt.pub" in text:
        subprocess.run([BINARY, "keys", "--out", folder / "keys"], check=True,
                       stdout=subprocess.DEVNULL)
    if "server.crt" in text:
        Pair(folder)


def make_tokens(folder, page):
    """What each `NAME=$(rowlock token …)` of the page gives, by `$NAME`."""
    tokens = {}
    for name, order in re.findall(r"^([A-Z]+)=\$\((\S*rowlock token .*)\)$", page.read_text(), re.M):
        done = subprocess.run([BINARY, *shlex.split(order)[1:]], cwd=folder, check=True,
                              capture_output=True, text=True)
        tokens[f"${name}"] = done.stdout.strip()
    return tokens


def start(tmp_path, file, text, *args):
    make_keys(tmp_path, text)
    process = subprocess.Popen([BINARY, "serve", str(file), "--log", "off", *args], cwd=tmp_path,
                               stderr=subprocess.PIPE)
    return wait_for(process, re.search(r"listen: .*:(\d+)", text)[1])


def start_gateway(tmp_path, folder):
    """All services below a folder, as its page says, with keys where the page has them."""
    keys = tmp_path / folder.relative_to(ROOT) / "keys"
    keys.parent.mkdir(parents=True)
    subprocess.run([BINARY, "keys", "--out", keys], check=True, stdout=subprocess.DEVNULL)
    stores = [word for file in folder.glob("*/service.yaml")
              for word in ("--set", f"{file.parent.name}.store=sqlite:{file.parent.name}.db")]
    process = subprocess.Popen([BINARY, "serve", folder, "--gateway", "127.0.0.1:8080", "--log", "off",
                                *stores], env={**os.environ, "JWT_PUBLIC_KEY": str(keys / "jwt.pub")},
                               cwd=tmp_path, stderr=subprocess.PIPE)
    return wait_for(process, 8080)


def start_mariadb(mariadb_database, script):
    """For a user who may do everything, and without --write."""
    url = mariadb_database(script)
    return wait_for(subprocess.Popen([BINARY, "serve", "--store", url, "--log", "off"],
                                     stderr=subprocess.PIPE), 3000)


def make_database(tmp_path, page):
    database = sqlite3.connect(tmp_path / "music.db")
    database.executescript(blocks(page, "sql")[0])
    database.close()
    return tmp_path


def wait_for(process, port):
    for _ in range(600):
        if subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/ready"],
                          stdout=subprocess.DEVNULL, check=False).returncode == 0:
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.stderr.read().decode())


def requests(page):
    """Pairs of (curl command, expected comment)."""
    for block in blocks(page, "sh"):
        for command, comment in re.findall(r"^(curl .*)\n((?:# .*\n|#\n)+)", block, re.M):
            yield command, "\n".join(line[2:] for line in comment.splitlines())


@pytest.mark.parametrize("page,text", service_files(), ids=lambda v: getattr(v, "name", "file"))
def test_service_files_are_good(page, text, tmp_path):
    file = tmp_path / "service.yaml"
    file.write_text(text)
    make_keys(tmp_path, text)
    done = subprocess.run([BINARY, "check", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page}: {done.stderr}"


@pytest.mark.parametrize("page", [p for p in PAGES if any(requests(p))], ids=name_of)
def test_requests_answer_as_written(page, tmp_path, request):
    make = request.getfixturevalue("mariadb_database") if page.name == "mariadb.md" else None
    processes = serve(tmp_path, page, make)
    try:
        tokens = make_tokens(tmp_path, page)
        tokens["…"] = ""  # the first UUID that was answered
        for command, comment in requests(page):
            for name, token in tokens.items():
                command = command.replace(name, token)
            status, body = re.fullmatch(r"(?:(\d{3}):\s*)?(.*)", comment, re.S).groups()
            done = subprocess.run([*shlex.split(command), "-s", "-w", "\n%{http_code}"],
                                  capture_output=True, text=True, timeout=20, check=True)
            got_body, got_status = done.stdout.rsplit("\n", 1)
            uuid = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", got_body)
            tokens["…"] = tokens["…"] or (uuid[0] if uuid else "")
            assert re.fullmatch(re.escape(body).replace("…", ".*?"), got_body, re.S), command
            assert got_status == status if status else got_status in ("200", "201"), command
            if not got_body.startswith(("id,", "{\"id\":", "pong")):
                assert not got_body or json.loads(got_body) is not None
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=20) for process in processes] == [0] * len(processes)


@pytest.mark.parametrize("name, commands", [("migrations.md", 8), ("import.md", 5)])
def test_commands_go_as_written(name, commands, tmp_path):
    """The page's files, each named for what is in it, and between them its commands, in order."""
    page = (ROOT / "docs" / name).read_text()
    varies = r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<="seconds":)[0-9.]+'
    count = 0
    for language, text in re.findall(r"^```(yaml|csv|sh)\n(.*?)^```", page, re.M | re.S):
        if language == "yaml":
            (tmp_path / f"{re.match(r'service: (.*)', text)[1]}.yaml").write_text(text)
        elif language == "csv":
            (tmp_path / "data.csv").write_text(text)
        for command, comment in re.findall(r"^(rowlock .*)\n((?:# .*\n)*)", text, re.M):
            done = subprocess.run([BINARY, *shlex.split(command)[1:]], stderr=subprocess.STDOUT,
                                  stdout=subprocess.PIPE, text=True, timeout=20, check=False,
                                  cwd=tmp_path)
            want = "".join(line[2:] + "\n" for line in comment.splitlines())
            assert re.sub(varies, "", done.stdout) == re.sub(varies, "", want), command
            assert done.returncode == (1 if re.search('"failed":[1-9]', want) else 0), command
            count += 1
    assert count == commands


def test_introspect_prints_what_is_written(tmp_path):
    page = ROOT / "docs" / "existing-databases.md"
    done = subprocess.run([BINARY, "introspect", "--store", "sqlite:music.db"], check=False,
                          cwd=make_database(tmp_path, page), capture_output=True, text=True)
    assert done.stdout == blocks(page, "yaml")[0], done.stderr


def test_every_limit_is_documented_with_its_default():
    table = (ROOT / "src" / "base" / "limits.h").read_text().split("#define LIMITS_TABLE", 1)[1]
    documented = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r'X\((\w+), ([^,]+), .*?"([^"]*)"\)', table.replace("\\\n", " "), re.S)
    assert len(rows) > 20
    for name, default, what in rows:
        size = re.fullmatch(r"(KIB|MIB)\((\d+)\)", default)
        shown = f"{size[2]} {size[1][0]}iB" if size else default
        assert f"| `{name}` | {shown} | {what} |" in documented, name
