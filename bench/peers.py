"""The peers: nginx with a constant answer, Flask under uWSGI on a private MariaDB, Fastify."""
import filecmp
import json
import os
import shutil
import subprocess

import data
import process
import rows
from maria import MariaDB, need
from rows_systems import Rows
from systems import HERE, System

NGINX = """
worker_processes 1;
pid {work}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
	access_log off;
	server_tokens off;
	default_type application/json;
	keepalive_requests 1000000000;
	keepalive_timeout 600s;
	client_body_temp_path {work}/nginx-body;
	proxy_temp_path {work}/nginx-proxy;
	fastcgi_temp_path {work}/nginx-fastcgi;
	uwsgi_temp_path {work}/nginx-uwsgi;
	scgi_temp_path {work}/nginx-scgi;
	server {{
		listen 127.0.0.1:{port} backlog=1024;
		location = /health {{ return 200 '{{"message":"ok"}}'; }}
	}}
}}
"""


class Nginx(System):
    name = "nginx"
    title = "nginx (constant)"
    scenarios = ("constant",)

    def start(self):
        need("nginx")
        config = os.path.join(self.work, "nginx.conf")
        with open(config, "w") as file:
            file.write(NGINX.format(work=self.work, port=self.port))
        self.spawn(["nginx", "-p", self.work, "-c", config, "-e", "stderr",
                    "-g", "daemon off;"])
        self.wait_answer()

    def start_filled(self, _say):
        self.start()

    def version(self):
        return process.output(["nginx", "-v"]).removeprefix("nginx version: ")


class Flask(System):
    name = "flask"
    title = "Flask + MariaDB"
    scenarios = ("constant", "list", "counts", "mixed", "put")

    def __init__(self, work, core):
        super().__init__(work, core)
        self.database = MariaDB(work, core)
        self.shares = (self.database,)

    def start_filled(self, say):
        need("uwsgi-core")
        self.database.start()
        say("flask: filling the database")
        data.fill_mariadb(self.database.socket)
        self._start_uwsgi()

    def _start_uwsgi(self):
        # The HTTP router keeps all 64 connections alive. http11-socket would serve only as
        # many connections as there are processes and let the others wait. The queue must hold
        # the requests of two runs of wrk: those of the first are still worked off.
        with open("/proc/sys/net/core/somaxconn") as file:
            queue = min(1024, int(file.read()))
        self.spawn(["uwsgi-core", "--plugin", "python3,http", "--master", "--processes", "4",
                    "--http", f"127.0.0.1:{self.port}", "--http-keepalive=600",
                    "--http-timeout", "60", "--socket", f"{self.database.sockets}/uwsgi.sock",
                    "--listen", str(queue),
                    "--chdir", os.path.join(HERE, "flask"), "--module", "app:app",
                    "--need-app", "--die-on-term", "--disable-logging"],
                   env={**os.environ, "BENCH_SOCKET": self.database.socket,
                        "PYTHONDONTWRITEBYTECODE": "1"})
        self.wait_answer()

    def stop(self):
        super().stop()
        self.database.stop()

    def version(self):
        python = process.output(["/usr/bin/python3", "-c", "import flask, pymysql, platform;"
                                 "print('Flask', flask.__version__, 'PyMySQL', "
                                 "pymysql.__version__, 'Python', platform.python_version())"])
        return f"{python}, uWSGI {process.output(['uwsgi-core', '--version'])}, " \
               f"{self.database.version()}"


def npm_environment():
    """What is native is compiled here: the ready-made binary lies outside the registry, and so do
    the headers, unless they came with Node."""
    environment = {**os.environ, "npm_config_build_from_source": "true"}
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("node"))))
    if os.path.exists(os.path.join(prefix, "include", "node", "node.h")):
        environment["npm_config_nodedir"] = prefix
    return environment


def install_packages(name, folder, log_path, least, say):
    """Makes the packages of a folder ready, for Node `least` or newer; why that cannot be, or None.

    The copy of the lock file is made last: what was cut short is done again.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node and npm are not installed"
    version = process.output(["node", "--version"])
    if int(version.removeprefix("v").split(".")[0]) < least:
        return f"it needs Node {least} or newer, and this is {version}"
    lock = os.path.join(folder, "package-lock.json")
    installed = os.path.join(folder, "node_modules", "installed-package-lock.json")
    if os.path.exists(installed) and filecmp.cmp(lock, installed, shallow=False):
        return None
    say(f"{name}: installing its packages, once")
    with open(log_path, "ab") as log:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder,
                              env=npm_environment(), stdin=subprocess.DEVNULL,
                              stdout=log, stderr=log, timeout=900, check=False)
    if done.returncode != 0:
        return f"npm ci failed, see {os.path.relpath(log_path)}"
    shutil.copyfile(lock, installed)
    return None


class Fastify(Rows):
    """The service of rows.yaml in Fastify and better-sqlite3, on a copy of what is kept."""

    name = "fastify"
    title = "Fastify + SQLite"
    folder = os.path.join(HERE, "fastify")
    gets = {
        "point": ("/projects?id=%d", rows.PROJECTS),
        "item": ("/projects/%d", rows.PROJECTS),
        "page": ("/projects?after=%d", rows.PROJECTS - rows.PAGE),
        "to_one": ("/projects-with-client?after=%d", rows.PROJECTS - rows.PAGE),
        "to_many": ("/clients-with-projects?after=%d", rows.CLIENTS - rows.PAGE),
    }
    unchanged = "/tagged/projects/777"
    streams = {"stream_json": ("/events", "application/json"),
               "stream_ndjson": ("/events", "application/x-ndjson")}

    def __init__(self, work, core, kept):
        super().__init__(work, core)
        self.store = os.path.join(work, "fastify.db")
        self.kept = kept

    def install(self, say):
        """Makes its packages ready, and SQLite is compiled; why that cannot be, or None."""
        return install_packages(self.name, self.folder, self.log, 20, say)

    def start_filled(self, _say):
        shutil.copyfile(self.kept.database, self.store)
        self.spawn(["node", os.path.join(self.folder, "server.mjs"), self.store, str(self.port)],
                   env={**os.environ, "NODE_ENV": "production"})
        self.wait_answer()

    def version(self):
        def package(name):
            path = os.path.join(self.folder, "node_modules", name, "package.json")
            with open(path, encoding="utf-8") as file:
                return f"{name} {json.load(file)['version']}"

        return f"{package('fastify')}, {package('better-sqlite3')}, " \
               f"Node {process.output(['node', '--version'])}"
