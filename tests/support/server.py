"""The program under test as a process: start, stop, kill (by pid), its log, its SQLite file."""
import itertools
import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from support.client import Disconnected, request, secure

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 60
STOP_LIMIT_S = 40
RATINGS = ROOT / "services" / "ratings" / "service.yaml"


def program():
    return os.path.join(ROOT, os.environ.get("ROWLOCK_BIN") or "build/rowlock")


def _ports():
    """Below those that the kernel gives to clients; each process begins far from the others, and a
    port comes again only after all the rest: a server that is down for a while finds its own."""
    first, count = 10_000, 20_000
    begin = os.getpid() * 3700
    return (first + (begin + number) % count for number in itertools.count())


PORTS = _ports()


def free_port():
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def run_program(*args, cwd=None, timeout=60, env=None):
    """Runs a command of the program to its end."""
    return subprocess.run([program(), *map(str, args)], cwd=cwd or ROOT, timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, **(env or {})})


class DidNotStart(Exception):
    """The process ended, or was not ready in time; the text has its log."""


class Server:
    """One `rowlock serve`. A store and an address of its own unless they are given; started again,
    it has the same ones. `under` is a command put in front, such as strace."""

    def __init__(self, *files, folder, args=(), under=(), listen=None, store=None, env=None,
                 own_address=False, tls=False):
        self.files = files or (RATINGS,)
        self.folder = Path(folder)
        self.port = free_port()
        plain = ("127.0.0.1", self.port)
        self.address = secure(plain) if tls else plain
        self.listen = listen or f"127.0.0.1:{self.port}"
        self.database = self.folder / f"{self.port}.db"
        self.store = store or f"sqlite:{self.database}"
        self.own_address = own_address
        self.args = list(args)
        self.under = list(under)
        self.env = env or {}
        self.log_file = self.folder / f"{self.port}.log"
        self.process = None
        self.exit_code = None

    def command(self):
        own = [] if self.own_address else ["--listen", self.listen, "--store", self.store]
        return [*self.under, program(), "serve", *map(str, self.files), *own, *self.args]

    def launch(self):
        """Starts the process and waits for nothing."""
        self.exit_code = None
        with open(self.log_file, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, env={**os.environ, **self.env}, start_new_session=True)
        return self

    def start(self):
        return self.launch().wait_ready()

    def wait_ready(self):
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.exit_code = self.process.returncode
                raise DidNotStart(f"it ended with {self.exit_code}\n{self.log()}")
            try:
                if request(self.address, "GET", "/live").status == 200:
                    return self
            except (OSError, Disconnected):
                time.sleep(0.01)
        self.kill()
        raise DidNotStart(f"not ready after {START_LIMIT_S} s\n{self.log()}")

    def log(self):
        """What this run has printed so far, stdout and stderr together."""
        with open(self.log_file, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def signal(self, number):
        """To the program itself, also when it runs under strace."""
        os.kill(self.pid(), number)

    def pid(self):
        if not self.under:
            return self.process.pid
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        children = Path(path).read_text(encoding="ascii").split()
        if not children:
            raise ProcessLookupError("strace runs nothing any more")
        return int(children[0])

    def wait(self, limit_s=STOP_LIMIT_S):
        """The exit code; killed, and an error, when it does not end in time."""
        try:
            self.exit_code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"it did not end in {limit_s} s\n{self.log()}") from None
        return self.exit_code

    def terminate(self):
        """SIGTERM, unless it is gone already."""
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
        except ProcessLookupError:
            pass

    def stop(self):
        """SIGTERM; the exit code."""
        self.terminate()
        return self.wait()

    def kill(self):
        """SIGKILL to the process and what it runs under; nothing when it is gone already."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.exit_code = self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.process.poll() is None:
            self.stop()
        else:
            self.kill()


def read_database(path, query):
    """Rows of a SQLite file that no server has open. Recovers the log, as the next start would."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


class Existing(Server):
    """`rowlock serve --store sqlite:FILE` without a service file."""

    def command(self):
        return [*self.under, program(), "serve", "--store", self.store, "--listen", self.listen,
                *self.args]
