"""A Redis server of the tests' own: on a private port and in a private folder."""
import os
import signal
import socket
import subprocess
import time

from support.server import free_port

START_LIMIT_S = 20


class Redis:
    """`settings` are the server's own, such as "--requirepass"."""

    def __init__(self, folder, settings=()):
        self.folder = folder
        self.settings = settings
        self.port = free_port()
        self.process = None

    @property
    def place(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        with open(self.folder / f"redis-{self.port}.log", "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", str(self.folder), "--daemonize", "no",
                 *self.settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                assert self._answers()
                return self
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None
                time.sleep(0.01)

    def _answers(self):
        try:
            return self.command("PING") == b"PONG"
        except RuntimeError as error:
            return str(error).startswith("NOAUTH")

    def stop(self):
        """At once; what it held is gone."""
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.process.kill()
            self.process.wait()

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def command(self, *words):
        """The answer: bytes, a number, None or a list of them. An error is a RuntimeError."""
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        text = b"*%d\r\n" % len(words)
        text += b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(text)
            with connection.makefile("rb") as answers:
                return self._read(answers)

    def _read(self, answers):
        line = answers.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("no answer")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        count = int(rest)
        if kind == b"*":
            return [self._read(answers) for _ in range(count)]
        if count < 0:
            return None
        value = answers.read(count)
        answers.read(2)
        return value

    def names(self):
        return self.command("KEYS", "*")
