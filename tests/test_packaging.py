"""What the Debian package is made of: manual, completion, unit; with ROWLOCK_PROOF=1 the package
itself, built, installed and removed."""
import functools
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from support import strace
from support.client import request as send
from support.server import ROOT, Server, free_port, program, run_program

MANUAL = ROOT / "packaging/rowlock.1"
COMPLETION = ROOT / "packaging/completion/rowlock"
UNIT = ROOT / "packaging/systemd/rowlock@.service"
DEBIAN = ROOT / "packaging/debian"
VERSION = re.search(r"^\tversion: '(.*)'", (ROOT / "meson.build").read_text(), re.M)[1]
PROOF = os.environ.get("ROWLOCK_PROOF") == "1"
LIMIT_S = 3600


def run(*command, **options):
    """Standard output; a failure shows all that was said."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    return done.stdout


@functools.cache
def commands():
    """{command: ({(option, what it takes)}, {action})}, as the program's help has them."""
    found = {}
    for name in re.findall(r"^  (\w+) ", run_program("--help").stdout, re.M):
        text = run_program(name, "--help").stdout
        found[name] = (set(re.findall(r"^  --([\w-]+) ?(\S*)  ", text, re.M)),
                       set(re.findall(r"^  (\w+)(?: [A-Z]+)?  ", text, re.M)))
    assert len(found) > 5 and ("listen", "ADDRESS") in found["serve"][0]
    assert "rollback" in found["migrate"][1]
    return found


# ---- the manual ----

def test_manual_has_every_command_and_option():
    sections = re.split(r"^\.S[sh] ", MANUAL.read_text(encoding="utf-8"), flags=re.M)[1:]
    told = {}
    for section in sections:
        name, _, text = section.partition("\n")
        if re.fullmatch(r"[a-z]+", name):
            assert f"\n.Cm {name}\n" in text
            told[name] = (set(re.findall(r"^\.It Fl -([\w-]+) ?(?:Ar )?(\S*)$", text, re.M)),
                          set(re.findall(r"^\.It Cm (\w+)", text, re.M)))
    assert told == commands()


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_manual_is_clean():
    said = subprocess.run(["mandoc", "-Tlint", str(MANUAL)], text=True, capture_output=True,
                          check=False)
    # Which other manuals there are is not ours to say.
    lines = (said.stdout + said.stderr).splitlines()
    assert [line for line in lines
            if not re.search(r"referenced manual not found|mandoc\.db", line)] == []


# ---- completion ----

COMPLETE = """
source "$1"
shift
while [ $# -gt 0 ]; do
    read -ra COMP_WORDS <<<"$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _rowlock
    echo "${COMPREPLY[*]}"
    shift
done
"""


def complete(*lines):
    """What is offered at the end of each line."""
    said = run("bash", "-c", COMPLETE, "bash", COMPLETION, *lines, cwd=ROOT / "packaging")
    return [set(line.split()) for line in said.splitlines()]


def test_completion_has_every_command_and_option():
    names = list(commands())
    offered = complete("rowlock ", *(f"rowlock {name} --" for name in names))
    assert offered[0] == {*names, "--help", "--version"}
    for name, options in zip(names, offered[1:]):
        assert options == {f"--{option}" for option, _ in commands()[name][0]} | {"--help"}, name


def test_completion_of_words():
    files = {path.name for path in (ROOT / "packaging").iterdir()}
    assert complete("rowlock migrate x.yaml ", "rowlock links x.yaml ", "rowlock check ") == [
        commands()["migrate"][1] | files, commands()["links"][1] | files, files]
    assert complete("rowlock serve --log ", "rowlock export --format = c", "rowlock import --format =",
                    "rowlock s", "rowlock import --on-conflict m", "rowlock keys --algorithm E") == [
        {"text", "json", "off"}, {"csv"}, {"csv", "json", "ndjson"}, {"serve"}, {"merge"},
        {"ES256", "EdDSA"}]


# ---- the unit ----

def unit_settings():
    settings = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return settings


def test_unit():
    settings = unit_settings()
    for name, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
                        ("Restart", "on-failure"), ("StateDirectory", "rowlock/%i"),
                        ("User", "rowlock"), ("CapabilityBoundingSet", "")):
        assert settings[name] == [value]
    assert settings["ExecReload"][0].endswith("kill -HUP $MAINPID")
    assert settings["ExecStart"] == ["/usr/bin/rowlock serve /etc/rowlock/%i/service.yaml"]
    limits = (ROOT / "src/base/limits.h").read_text(encoding="utf-8")
    drain_ms, connections = (int(re.search(rf"X\({name}, (\d+)", limits)[1])
                             for name in ("drain_ms", "connections"))
    assert int(settings["TimeoutStopSec"][0]) * 1000 >= 2 * drain_ms
    assert int(settings["LimitNOFILE"][0]) > connections
    assert (DEBIAN / "rowlock.sysusers").read_text().startswith("u rowlock ")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_unit_is_good_for_systemd(tmp_path):
    unit = tmp_path / "rowlock@.service"
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/usr/bin/rowlock", program()), encoding="utf-8")
    # Of another unit, or of a manual that is not installed here, nothing is known.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                           str(tmp_path / "rowlock@one.service")],
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0 and "rowlock" not in done.stderr, done
    # 0 is safe, 100 is not; without the hardening it would be above 90.
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                           "--no-pager", str(unit)], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@functools.cache
def calls_of(group):
    """The system calls of one of systemd's groups."""
    found = set()
    said = run("systemd-analyze", "--no-pager", "syscall-filter", group)
    for name in re.findall(r"^    ([@\w-]+)$", said, re.M):
        found |= calls_of(name) if name.startswith("@") else {name}
    return found


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.skipif(not strace.available(), reason="strace is not installed")
@pytest.mark.parametrize("kind", ["sqlite", "json", "mariadb"])
def test_unit_allows_what_the_program_does(kind, tmp_path, request):
    """Its system calls, and no memory that is both written and run."""
    store = {"sqlite": "sqlite:a.db", "json": "json:a"}.get(kind) or \
        request.getfixturevalue("mariadb_database")()
    trace = tmp_path / "trace"
    server = Server(folder=tmp_path, store=store,
                    under=["strace", "-f", "-qq", "-e", "signal=none", "-o", str(trace)])
    with server.start():
        for number in range(20):
            ratings = [{"user_id": number, "item_id": item, "rating_type": 1} for item in range(9)]
            assert send(server.address, "POST", "/ratings", ratings).status == 201
            assert send(server.address, "GET", "/counts").status == 200
        server.signal(signal.SIGHUP)
        assert send(server.address, "GET", "/metrics").status == 200
    text = trace.read_text(encoding="utf-8", errors="replace")
    made = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]", text, re.M))
    assert {"execve", "epoll_wait"} <= made
    allowed, *refused = unit_settings()["SystemCallFilter"]
    refused = refused[0].removeprefix("~").split()
    forbidden = set().union(*map(calls_of, refused))
    assert made - calls_of(allowed) == set()
    # SQLite gives files to their folder's owner when it runs as root, as these tests may.
    assert (made & forbidden) - {"fchown"} == set()
    assert not re.search(r"m(map|protect)\([^\n]*PROT_WRITE\|PROT_EXEC", text)


# ---- the package ----

def test_versions():
    assert (DEBIAN / "changelog").read_text().startswith(f"rowlock ({VERSION})")
    assert run_program("--version").stdout == f"rowlock {VERSION}\n"


def test_package_names_files_that_exist():
    for name in "rowlock.install", "rowlock.docs", "rowlock.examples":
        for line in (DEBIAN / name).read_text().splitlines():
            assert list(ROOT.glob(line.split()[0])), line


@pytest.mark.parametrize("recipe", ["debian/rules", "docker/Dockerfile"])
def test_no_part_is_left_out(recipe):
    options = re.findall(r"^option\('(\w+)', type: 'feature'",
                         (ROOT / "meson_options.txt").read_text(), re.M)
    text = (ROOT / "packaging" / recipe).read_text()
    for option in set(options) - {"tests", "docs_ui"}:
        assert f"-D{option}=enabled" in text, option


def test_package_builds_with_what_the_tree_builds_with():
    """tools/deps and the package's control file name the same libraries."""
    wanted = set(re.findall(r"\b\S+-dev\b", re.search(
        r'^build="(.*?)"', (ROOT / "tools/deps").read_text(), re.M | re.S)[1])) - {"libc6-dev"}
    control = (DEBIAN / "control").read_text()
    assert set(re.findall(r"\b[\w.-]+-dev\b", control)) == wanted


class Root:
    """A folder that a package is installed in: a whole Debian where one can be made, else no more
    than the package's own files."""

    def __init__(self, folder):
        self.folder = folder / "root"
        self.is_whole = os.geteuid() == 0 and shutil.which("debootstrap") is not None
        if self.is_whole:
            run("debootstrap", "--variant=minbase", "bookworm", self.folder)

    def command(self, *words):
        if self.is_whole:
            return ["chroot", str(self.folder), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                    "DEBIAN_FRONTEND=noninteractive", *words]
        return [str(self.folder / words[0].lstrip("/")), *words[1:]]

    def install(self, package):
        if self.is_whole:
            shutil.copy(package, self.folder / "root")
            run(*self.command("apt-get", "update"))
            run(*self.command("apt-get", "install", "-y", "--no-install-recommends",
                              f"/root/{package.name}"))
        else:
            run("dpkg-deb", "-x", package, self.folder)

    def remove(self):
        if self.is_whole:
            run(*self.command("apt-get", "purge", "-y", "rowlock"))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not PROOF:
        pytest.skip("takes minutes: ROWLOCK_PROOF=1")
    if shutil.which("dh") is None:
        pytest.skip("debhelper is not installed")
    folder = tmp_path_factory.mktemp("package")
    run(ROOT / "tools/debs", folder)
    found = [path for path in folder.glob("*.deb") if "-dbgsym" not in path.name]
    assert len(found) == 1
    return found[0]


def test_content(package):
    names = {line.split()[5].lstrip(".") for line in run("dpkg-deb", "-c", package).splitlines()}
    for name in ("/usr/bin/rowlock", "/usr/share/man/man1/rowlock.1.gz", "/etc/rowlock/",
                 "/usr/share/bash-completion/completions/rowlock",
                 "/lib/systemd/system/rowlock@.service", "/usr/lib/sysusers.d/rowlock.conf",
                 "/usr/share/doc/rowlock/copyright", "/usr/share/doc/rowlock/README.md",
                 "/usr/share/doc/rowlock/examples/service.yaml",
                 "/usr/share/doc/rowlock/examples/rowlock.conf"):
        assert name in names or name + ".gz" in names, name
    assert not [name for name in names if re.search(r"jsonstore\.|_test|__pycache__", name)]
    depends = run("dpkg-deb", "-f", package, "Depends")
    for name in "libuv1", "libsqlite3-0", "libmariadb3", "libhiredis0.14", "libcurl4", "libssl3":
        assert name in depends, name


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error(package):
    run("lintian", "--fail-on", "error", "--allow-root", package)


def test_installed_program_serves(package, tmp_path):
    root = Root(tmp_path)
    root.install(package)
    port = free_port()
    home = root.folder / "etc/rowlock/ratings"
    home.mkdir(parents=True)
    shutil.copy(root.folder / "usr/share/doc/rowlock/examples/service.yaml", home)
    data = root.folder / "var/lib/rowlock"
    data.mkdir(parents=True, exist_ok=True)
    file = "/etc/rowlock/ratings/service.yaml" if root.is_whole else str(home / "service.yaml")
    store = "/var/lib/rowlock/r.db" if root.is_whole else str(data / "r.db")
    process = subprocess.Popen(
        root.command("/usr/bin/rowlock", "serve", file, "--listen", f"127.0.0.1:{port}",
                     "--store", f"sqlite:{store}"),
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_live(port, process)
        address = ("127.0.0.1", port)
        assert send(address, "PUT", "/users/1/ratings/2", {"rating_type": 3}).status == 201
        assert send(address, "GET", "/users/1/counts").json() == [{"rating_type": 3, "count": 1}]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert (data / "r.db").stat().st_size > 0
    root.remove()
    if root.is_whole:
        assert "rowlock:" in (root.folder / "etc/passwd").read_text()
        assert not (root.folder / "usr/bin/rowlock").exists()
        assert not (root.folder / "lib/systemd/system/rowlock@.service").exists()
    assert (data / "r.db").exists(), "data outlives the package"


def wait_live(port, process):
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        try:
            if send(("127.0.0.1", port), "GET", "/live").status == 200:
                return
        except OSError:
            time.sleep(0.05)
