"""A MariaDB server of the tests' own: private folder, port and socket; start, stop, kill, freeze.

The system tables are made once for a user (in the folder for temporary files) and copied for every
server. Databases are reached over TCP as the user `rowlock`, who may do everything.
"""
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from support.server import free_port

START_LIMIT_S = 60
STOP_LIMIT_S = 30
USER = "rowlock"
PASSWORD = "p:@/w%d"  # has to be encoded in an URL
PASSWORD_ENCODED = "p%3A%40%2Fw%25d"
# Small, and quick to start; nothing outlives the tests, so nothing is synced.
OPTIONS = ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
           "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync",
           "--key-buffer-size=1M", "--aria-pagecache-buffer-size=1M", "--skip-log-bin",
           "--performance-schema=OFF", "--skip-name-resolve"]


def find(program):
    """Debian's servers are outside the path of ordinary users. None when it is not there."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def is_installed():
    return find("mariadbd") is not None and find("mariadb-install-db") is not None


def as_user():
    """A server refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def template():
    """The data folder of a server that has never run."""
    folder = Path(tempfile.gettempdir()) / f"rowlock-mariadb-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        version = subprocess.run([find("mariadbd"), "--version"], capture_output=True, text=True,
                                 check=True).stdout.split()[2]
        made = folder / version
        if not made.exists():
            part = folder / "part"
            shutil.rmtree(part, ignore_errors=True)
            subprocess.run([find("mariadb-install-db"), "--no-defaults", f"--datadir={part}",
                            "--auth-root-authentication-method=normal", "--skip-test-db", "--force",
                            "--innodb-log-file-size=8M", *as_user()],
                           check=True, stdin=subprocess.DEVNULL, capture_output=True)
            part.rename(made)
    return made


class MariaDB:
    """One server. Started again, it has the same data, port and user."""

    def __init__(self, folder, options=()):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.log_file = self.folder / "mariadb.log"
        # The path of a socket may have a hundred characters only.
        self.socket_folder = None
        self.socket = None
        self.port = free_port()
        self.options = list(options)
        self.process = None

    def url(self, database, scheme="mysql", port=None):
        return f"{scheme}://{USER}:{PASSWORD_ENCODED}@127.0.0.1:{port or self.port}/{database}"

    def start(self):
        if not self.data.exists():
            shutil.copytree(template(), self.data)
        if self.socket_folder is None:
            self.socket_folder = tempfile.mkdtemp(prefix="rowlock-")
            self.socket = f"{self.socket_folder}/s"
        init = self.folder / "init.sql"
        init.write_text(f"CREATE USER IF NOT EXISTS {USER} IDENTIFIED BY '{PASSWORD}';\n"
                        f"GRANT ALL ON *.* TO {USER} WITH GRANT OPTION;\n", encoding="utf-8")
        command = [find("mariadbd"), "--no-defaults", f"--datadir={self.data}",
                   f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1",
                   f"--pid-file={self.folder}/pid", f"--init-file={init}", *OPTIONS,
                   *self.options, *as_user()]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        return self.wait_ready()

    def wait_ready(self):
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.run("SELECT 1").returncode == 0:
                return self
            time.sleep(0.05)
        raise RuntimeError("mariadbd did not start:\n" + self.log())

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def run(self, text, database=""):
        """Statements, through the client program; without a check that they went well."""
        return subprocess.run([find("mariadb"), "--no-defaults", "--batch", "--skip-column-names",
                               "--protocol=tcp", "--host=127.0.0.1", f"--port={self.port}",
                               f"--user={USER}", f"--password={PASSWORD}",
                               "--default-character-set=utf8mb4", database],
                              input=text, capture_output=True, text=True, timeout=120)

    def sql(self, text, database=""):
        """Rows of all statements, as lists of texts."""
        ran = self.run(text, database)
        if ran.returncode != 0:
            raise RuntimeError(ran.stderr)
        return [line.split("\t") for line in ran.stdout.splitlines()]

    def create(self, database):
        """An empty database; its URL."""
        self.sql(f"DROP DATABASE IF EXISTS `{database}`; CREATE DATABASE `{database}` "
                 "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;")
        return self.url(database)

    def freeze(self):
        """It takes connections (the kernel does) and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self):
        """In good order."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, how):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.thaw()
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        """Ends it and takes its socket away; the data folder belongs to the caller."""
        self.kill()
        if self.socket_folder is not None:
            shutil.rmtree(self.socket_folder, ignore_errors=True)
            self.socket_folder = None

    def __enter__(self):
        return self if self.process is not None else self.start()

    def __exit__(self, *_):
        self.close()
