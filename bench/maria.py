"""Private servers that a measured system asks: MariaDB and Redis."""
import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pymysql

import process
from process import BenchError
from systems import System

MARIADB = """
[mariadbd]
datadir = {folder}/data
socket = {sockets}/mariadb.sock
pid-file = {folder}/mariadb.pid
bind-address = 127.0.0.1
port = {port}
skip-name-resolve
skip-log-bin
innodb_flush_log_at_trx_commit = 1
innodb_buffer_pool_size = 512M
innodb_log_file_size = 512M
max_allowed_packet = 64M
"""
USER = "bench"  # its password too; may do everything, over TCP
SERVERS = ("mariadb-install-db", "mariadbd", "redis-server")
PACKAGES = {"mariadb-install-db": "mariadb-server-core", "mariadbd": "mariadb-server-core",
            "redis-server": "redis-server", "gunicorn": "gunicorn", "nginx": "nginx-light",
            "uwsgi-core": "uwsgi-core", "sqlite3": "sqlite3", "wrk": "wrk"}


def need(*names):
    for name in names:
        if shutil.which(name) is None:
            raise BenchError(f"{name} is not installed (package {PACKAGES[name]})")


def need_modules(*names):
    """Modules of the system's Python, which runs the peers too."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise BenchError(f"the Python module {name} is not installed (package python3-{name})")


class MariaDB(System):
    """Commits are durable. The folder of its data is made anew at each run."""

    name = "mariadb"

    def __init__(self, work, core):
        super().__init__(work, core)
        self.folder = tempfile.mkdtemp(prefix="mariadb-", dir=work)
        # The path of a Unix socket has at most 107 bytes, so it lies in a short folder.
        self.sockets = tempfile.mkdtemp(prefix="bench-")
        self.socket = os.path.join(self.sockets, "mariadb.sock")

    def start(self):
        need("mariadb-install-db", "mariadbd")
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        self._install(as_root)
        child = self.spawn(["mariadbd", f"--defaults-file={self.folder}/my.cnf"] + as_root)
        end = time.monotonic() + 60
        while True:
            try:
                self.run(f"CREATE USER {USER} IDENTIFIED BY '{USER}'",
                         f"GRANT ALL ON *.* TO {USER}")
                return
            except pymysql.MySQLError as error:
                if child.poll() is not None or time.monotonic() > end:
                    raise BenchError(f"mariadbd does not start ({error}):\n"
                                     f"{process.tail(self.log)}") from error
            time.sleep(0.05)

    def _install(self, as_root):
        config = os.path.join(self.folder, "my.cnf")
        with open(config, "w") as file:
            file.write(MARIADB.format(folder=self.folder, sockets=self.sockets, port=self.port))
        with open(self.log, "ab") as log:
            done = subprocess.run(
                ["mariadb-install-db", f"--defaults-file={config}", "--skip-test-db", "--force",
                 "--auth-root-authentication-method=normal"] + as_root,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=120, check=False)
        if done.returncode != 0:
            raise BenchError(f"mariadb-install-db failed:\n{process.tail(self.log)}")

    def run(self, *statements):
        """The rows of the last of some statements, as the administrator."""
        with contextlib.closing(pymysql.connect(unix_socket=self.socket, user="root",
                                                autocommit=True)) as db:
            with db.cursor() as cursor:
                for text in statements:
                    cursor.execute(text)
                return cursor.fetchall()

    def url(self, scheme, database):
        return f"{scheme}://{USER}:{USER}@127.0.0.1:{self.port}/{database}"

    def stop(self):
        super().stop()
        with contextlib.suppress(OSError):
            shutil.rmtree(self.sockets)

    def version(self):
        text = process.output(["mariadbd", "--version"])
        return "MariaDB " + text.split("Ver ")[-1].split(" for ")[0]


class Redis(System):
    """Keeps nothing on disk."""

    name = "redis"

    def start(self):
        need("redis-server")
        child = self.spawn(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                            "--save", "", "--appendonly", "no", "--dir", self.work])
        end = time.monotonic() + 10
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                pass
            if child.poll() is not None or time.monotonic() > end:
                raise BenchError(f"redis-server does not start:\n{process.tail(self.log)}")
            time.sleep(0.02)

    def version(self):
        return "Redis " + process.output(["redis-server", "--version"]).split("v=")[-1].split()[0]
