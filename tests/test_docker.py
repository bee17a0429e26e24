"""packaging/docker without a Docker daemon: the compose files name what exists, the Dockerfile's
packages are Debian's, its context builds, and the nginx before each system is that of
packaging/nginx/rowlock.conf."""
import fnmatch
import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support.client import request
from support.server import ROOT, Server, free_port, program
from test_nginx import Nginx

DOCKER = ROOT / "packaging/docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
SYSTEMS = sorted(path.parent.name for path in DOCKER.glob("*/compose.yaml"))
FILES = [f"{system}/{name}" for system in SYSTEMS for name in ("compose.yaml", "production.yaml")]
# What the compose files use of the Compose specification; a word that is not here is a slip.
TOP = {"name", "services", "volumes", "networks", "secrets"}
SERVICE = {"image", "build", "command", "entrypoint", "read_only", "tmpfs", "cap_drop",
           "security_opt", "stop_grace_period", "healthcheck", "restart", "ports", "volumes",
           "networks", "environment", "depends_on", "secrets"}
HEALTH = {"test", "interval", "timeout", "start_period", "retries", "disable"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}


def read(file):
    return yaml.safe_load((DOCKER / file).read_text(encoding="utf-8"))


@functools.cache
def compose(file):
    """The file, with what its services extend."""
    content = read(file)
    for name, own in content["services"].items():
        base = own.pop("extends", None)
        if base is not None:
            source = (DOCKER / file).parent / base["file"]
            common = read(source.relative_to(DOCKER) if source.is_relative_to(DOCKER)
                          else source.resolve().relative_to(DOCKER))["services"][base["service"]]
            content["services"][name] = {
                **common, **own, "is_rowlock": base["service"] == "rowlock",
                "tmpfs": common.get("tmpfs", []) + own.get("tmpfs", [])}
    return content


def environment(service):
    """The variables of a service, those of the image too."""
    image = dict(word.split("=", 1) for word in re.search(
        r"^ENV (.*)$", DOCKERFILE, re.M)[1].split()) if service["is_rowlock"] else {}
    return {**image, **service.get("environment", {})}


def mounts(file, service):
    """[(what, where)] of a service; what is a path of this tree, or the name of a volume."""
    for line in service.get("volumes", []):
        what, where = re.fullmatch(r"(\$\{.*?\}|[^:]+):([^:]+)(?::ro)?", line).groups()
        yield ((DOCKER / file).parent / what).resolve() if what.startswith(".") else what, where


def service_file(file, service):
    """The service file of this tree that a container serves; None when it does something else."""
    if not service["is_rowlock"] or service["command"][:1] != ["serve"]:
        return None
    wanted = Path(service["command"][1])
    for what, where in mounts(file, service):
        if isinstance(what, Path) and wanted.is_relative_to(where):
            return what / wanted.relative_to(where)
    raise AssertionError(f"{file}: {wanted} is not mounted")


def test_every_system_has_both():
    assert {"ratings", "articles", "people", "shop", "westeros"} <= set(SYSTEMS)
    for system in SYSTEMS:
        assert (ROOT / "services" / system).is_dir()
        for name in "production.yaml", ".env.example", "nginx.conf":
            assert (DOCKER / system / name).is_file(), f"{system}/{name}"


@pytest.mark.parametrize("file", FILES)
def test_words(file):
    content = compose(file)
    assert set(content) <= TOP
    for name, service in content["services"].items():
        assert re.fullmatch(r"[a-z-]+", name)
        assert set(service) - {"is_rowlock"} <= SERVICE, name
        assert set(service.get("healthcheck", {})) <= HEALTH, name
        assert re.search(r":\d+\.\d+", service["image"]), f"{name}: the image has no version"
        for other, how in service.get("depends_on", {}).items():
            assert other in content["services"] and how["condition"] in CONDITIONS
            has_check = "healthcheck" in content["services"][other] or "Dockerfile" in str(
                content["services"][other].get("build"))
            assert has_check or how["condition"] != "service_healthy", other
        for network in service.get("networks", []):
            assert network in content["networks"]
        for secret in service.get("secrets", []):
            assert secret in content["secrets"]


@pytest.mark.parametrize("file", FILES)
def test_what_is_named_exists(file):
    content = compose(file)
    used = set()
    for name, service in content["services"].items():
        for what, where in mounts(file, service):
            assert Path(where).is_absolute()
            if isinstance(what, Path):
                assert what.exists(), f"{name}: {what}"
            elif not what.startswith("$"):
                assert what in content["volumes"], f"{name}: {what}"
                used.add(what)
        path = service_file(file, service)
        if path is not None:
            check_service(name, path, service, content["services"])
        if service["is_rowlock"]:
            context = (DOCKER / service["build"]["context"]).resolve()
            assert context == ROOT and (context / service["build"]["dockerfile"]).is_file()
    assert used == set(content.get("volumes", {}))


def check_service(name, path, service, services):
    text = path.read_text(encoding="utf-8")
    known = set(re.findall(r"\$\{(\w+)", text))
    assert {"LISTEN"} <= known
    given = service.get("environment", {})
    assert set(given) - known <= {"LINK_KEY"}, name
    assert ("LINK_KEY" in given) == bool(re.search(r"^\s+at: ", text, re.M)), name
    # Every address of another service is given, and is that service's.
    for variable in re.findall(r"\bat: \$\{(\w+)", text):
        other, port = re.fullmatch(r"http://([\w-]+):(\d+)", given[variable]).groups()
        assert other in services and port == listen_port(services[other])
    for variable in "STORE", "CACHE":
        host = re.search(r"@([\w-]+)|//([\w-]+):\d", given.get(variable, ""))
        assert host is None or (host[1] or host[2]) in service["depends_on"]
    # A service without tokens serves other addresses than loopback only when told to.
    assert ("--open" in service["command"]) == (not re.search(r"^auth:", text, re.M)), name


def listen_port(service):
    return environment(service)["LISTEN"].rpartition(":")[2]


@pytest.mark.parametrize("file", FILES)
def test_data(file):
    """In production each database has a volume, in development none."""
    content = compose(file)
    assert ("nginx" in content["services"]) == file.endswith("production.yaml")
    for name, service in content["services"].items():
        path = service_file(file, service)
        if path is not None:
            keeps = "STORE" in path.read_text() and "mysql:" not in environment(service)["STORE"]
            where = "/var/lib/rowlock"
        else:
            keeps, where = "mariadb" in service["image"], "/var/lib/mysql"
        if not keeps:
            continue
        has_volume = where in [place for _, place in mounts(file, service)]
        has_memory = where in [entry.partition(":")[0] for entry in service.get("tmpfs", [])]
        assert (has_volume, has_memory) == ((True, False) if "production" in file else (False, True))


@pytest.mark.parametrize("file", FILES)
def test_addresses(file):
    """Only nginx is reached from outside in production, and only this host in development."""
    for name, service in compose(file)["services"].items():
        ports = service.get("ports", [])
        if file.endswith("production.yaml"):
            assert bool(ports) == (name == "nginx")
            assert service["networks"] == (["outside", "inside"] if name == "nginx" else ["inside"])
            assert service["restart"] == "unless-stopped"
        else:
            for port in ports:
                assert re.fullmatch(rf"127\.0\.0\.1:\d+:{listen_port(service)}", port)
        if service["is_rowlock"]:
            assert service["read_only"] is True and service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_variables(system):
    """.env.example has every variable of production, and no secret; nor has any file."""
    example = (DOCKER / system / ".env.example").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(\w+)=(.*)$", example, re.M))
    text = (DOCKER / system / "production.yaml").read_text(encoding="utf-8")
    used = re.findall(r"(?<!\$)\$\{(\w+)(:[-?])", text)
    assert {name for name, _ in used} == set(given)
    for name, how in used:
        assert (how == ":?") == (given[name] == ""), name
    for service in compose(f"{system}/production.yaml")["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD$|KEY$|AUTH$", name) and "ROOT" not in name:
                assert value.startswith(("${", "/")), name
    ignored = subprocess.run(["git", "check-ignore", "-q", f"packaging/docker/{system}/.env"],
                             cwd=ROOT, check=False)
    assert ignored.returncode in (0, 128)


# ---- nginx ----

def frame(text):
    """A configuration without its upstreams and without what is passed to them."""
    text = text[text.index("upstream "):]
    text = re.sub(r"^upstream .*?^\}\n+", "", text, flags=re.M | re.S)
    return re.sub(r"^    location (?!~\* \(\^\|/\)\\\.rowlock).*?^    \}\n+", "", text,
                  flags=re.M | re.S)


@pytest.mark.parametrize("system", SYSTEMS)
def test_nginx_is_that_of_the_host(system):
    original = (ROOT / "packaging/nginx/rowlock.conf").read_text(encoding="utf-8")
    text = (DOCKER / system / "nginx.conf").read_text(encoding="utf-8")
    assert frame(text) == frame(original) and ".rowlock" in frame(text)
    services = compose(f"{system}/production.yaml")["services"]
    servers = re.findall(r"^    server ([\w-]+):(\d+);", text, re.M)
    assert {name for name, _ in servers} == {name for name in services
                                             if services[name]["is_rowlock"]}
    assert all(port == listen_port(services[name]) for name, port in servers)
    assert set(services["nginx"]["depends_on"]) == {name for name, _ in servers}
    assert (DOCKER / system / "nginx.conf", "/etc/nginx/conf.d/default.conf") in list(
        mounts(f"{system}/production.yaml", services["nginx"]))


class SystemNginx(Nginx):
    """The nginx of a system, on this host."""

    def __init__(self, folder, system, ports):
        super().__init__(folder, [0, 0])
        text = (DOCKER / system / "nginx.conf").read_text(encoding="utf-8")
        text = text.replace("listen 8080;", f"listen 127.0.0.1:{self.port};")
        text = re.sub(r"server ([\w-]+):8080;",
                      lambda match: f"server 127.0.0.1:{ports[match[1]]};", text)
        (folder / "rowlock.conf").write_text(text, encoding="utf-8")


def test_nginx_of_the_shop_is_the_whole_file():
    original = (ROOT / "packaging/nginx/rowlock.conf").read_text(encoding="utf-8")
    for port, name in ((5010, "products"), (5020, "orders")):
        original = original.replace(f"127.0.0.1:{port}", f"{name}:8080")
    text = (DOCKER / "shop/nginx.conf").read_text(encoding="utf-8")
    assert text.partition("upstream ")[2] == original.partition("upstream ")[2]


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@pytest.mark.parametrize("system", SYSTEMS)
def test_nginx_starts(system, tmp_path):
    """Without its services: 502 is what they would have answered."""
    names = [name for name, service in compose(f"{system}/production.yaml")["services"].items()
             if service["is_rowlock"]]
    nginx = SystemNginx(tmp_path, system, {name: free_port() for name in names}).start()
    try:
        for path in "/.rowlock/live", "/metrics", f"/{names[0]}/.rowlock/live":
            assert request(("127.0.0.1", nginx.port), "GET", path).status == 404, path
        for name in names:
            assert request(("127.0.0.1", nginx.port), "GET", f"/{name}").status == 502
    finally:
        nginx.stop()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_ratings_behind_its_nginx(tmp_path):
    with Server(folder=tmp_path, args=["--open"]).start() as server:
        nginx = SystemNginx(tmp_path, "ratings", {"ratings": server.port}).start()
        try:
            address = ("127.0.0.1", nginx.port)
            assert request(address, "PUT", "/users/1/ratings/2", {"rating_type": 3}).status == 201
            assert request(address, "GET", "/ratings").json() == [
                {"user_id": 1, "item_id": 2, "rating_type": 3}]
            for path in "/metrics", "/metrics/", "/%6detrics", "/.rowlock/metrics":
                assert request(address, "GET", path).status == 404, path
        finally:
            nginx.stop()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_westeros_behind_its_nginx(tmp_path):
    """With the variables of production and the addresses of this host."""
    services = compose("westeros/production.yaml")["services"]
    names = [name for name in services if services[name]["is_rowlock"]]
    ports = {name: free_port() for name in names}
    servers = []
    for name in names:
        env = {key: f"http://127.0.0.1:{ports[re.match(r'http://([^:]+)', value)[1]]}"
               if value.startswith("http://") else value
               for key, value in services[name]["environment"].items()}
        env["LINK_KEY"] = "known to these tests"
        env["STORE"] = f"sqlite:{name}.db"
        env["LISTEN"] = f"127.0.0.1:{ports[name]}"
        path = service_file("westeros/production.yaml", services[name])
        server = Server(path, folder=tmp_path, args=["--open"], env=env, own_address=True)
        server.port, server.address = ports[name], ("127.0.0.1", ports[name])
        servers.append(server.start())
    nginx = SystemNginx(tmp_path, "westeros", ports).start()
    try:
        address = ("127.0.0.1", nginx.port)
        assert request(address, "GET", "/places").json() == [], "production has no sample data"
        made = request(address, "POST", "/places/", {"name": "Winterfell"})
        assert made.status == 201, made
        place = made.json()["id"]
        person = {"name": "Ned Stark", "isAlive": True, "placeId": place}
        assert request(address, "POST", "/people/", person).status == 201
        assert request(address, "DELETE", f"/places/{place}").status == 409
        joined = request(address, "GET", f"/people-per-place/{place}").json()
        assert [who["name"] for who in joined["people"]] == ["Ned Stark"]
        assert request(address, "GET", "/other").status == 404
    finally:
        nginx.stop()
        for server in servers:
            assert server.stop() == 0, server.log()


# ---- the image ----

def stage(number):
    return re.split(r"^FROM ", DOCKERFILE, flags=re.M)[1 + number]


def installed(text):
    words = re.search(r"apt-get install -y --no-install-recommends ([^&]*)", text)[1]
    return words.replace("\\", " ").split()


def test_image():
    assert stage(0).startswith("debian:bookworm AS build")
    run_stage = stage(1)
    assert re.search(r"^STOPSIGNAL SIGTERM$", run_stage, re.M)
    assert re.search(r"^HEALTHCHECK ", run_stage, re.M)
    user = re.search(r"^USER (\w+)$", run_stage, re.M)[1]
    number = re.search(rf"--uid (\d+) .* {user} ", run_stage)[1]
    for file in FILES:
        for service in compose(file)["services"].values():
            for entry in service["tmpfs"]:
                assert f"uid={number}" in entry or not entry.startswith("/var/lib/rowlock")
    assert f"image: rowlock:{version()}" in (DOCKER / "common.yaml").read_text()
    sets = re.search(r"^RUN tools/deps (.*)$", stage(0), re.M)[1].split()
    script = (ROOT / "tools/deps").read_text()
    assert all(re.search(rf'^{name}="', script, re.M) for name in sets)


def version():
    return re.search(r"^\tversion: '(.*)'", (ROOT / "meson.build").read_text(), re.M)[1]


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="not Debian")
def test_packages_exist(proof):
    if not proof:
        pytest.skip("takes seconds: ROWLOCK_PROOF=1")
    known = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True,
                           check=True).stdout.split()
    if "libuv1-dev" not in known:
        pytest.skip("apt has no lists")
    assert set(installed(stage(1))) - set(known) == set()


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="not Debian")
def test_the_image_has_the_libraries():
    """What the program is linked with comes from the packages of the second stage, or from those
    that every Debian has."""
    dynamic = subprocess.run(["objdump", "-p", program()], capture_output=True, text=True,
                             check=True).stdout
    libraries = set(re.findall(r"NEEDED\s+(\S+)", dynamic))
    assert any(name.startswith("libuv") for name in libraries)
    files = subprocess.run(["dpkg-query", "-L", "libc6", "libgcc-s1", "libstdc++6",
                            *installed(stage(1))],
                           capture_output=True, text=True, check=False).stdout.split()
    assert libraries - {os.path.basename(file) for file in files} == set()


def ignored(path):
    """As Docker decides: the last rule that a path or a folder above it matches."""
    result = False
    for rule in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines():
        if not rule or rule.startswith("#"):
            continue
        again, pattern = rule.startswith("!"), rule.lstrip("!")
        above = ["/".join(path.parts[:end]) for end in range(1, len(path.parts) + 1)]
        if pattern.startswith("**/"):
            found = any(fnmatch.fnmatch(part, pattern[3:]) for part in path.parts)
        else:
            found = any(fnmatch.fnmatch(name, pattern) for name in above)
        if found:
            result = not again
    return result


def test_the_context_builds(tmp_path, proof):
    """What the build stage gets is all that is copied, and with ROWLOCK_PROOF=1 that meson reads."""
    done = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git tree")
    paths = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    context = [path for path in paths if (ROOT / path).is_file() and not ignored(path)]
    assert Path("tools/build") in context and Path("src/app/main.c") in context
    assert not [path for path in context if path.parts[0] in ("tests", "docs", "services")]
    assert Path("web/package-lock.json") in context
    copied = re.findall(r"^COPY (?!--from|\. )(\S+) ", DOCKERFILE, re.M)
    assert copied and all(Path(name) in context for name in copied)
    if not proof:
        return
    for path in context:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    command = re.search(r"^RUN (tools/build .*?) rowlock", DOCKERFILE, re.M | re.S)[1]
    options = [word for word in command.replace("\\", " ").split() if word.startswith("-D")]
    options = [word if word != "-Ddocs_ui=enabled" else "-Ddocs_ui=disabled" for word in options]
    done = subprocess.run(["tools/build", "build", *options, "--configure"], cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
