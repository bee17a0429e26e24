"""A minimal blocking HTTP/1.1 client on one keep-alive connection."""
import json
import socket

from process import BenchError


class Client:
    def __init__(self, port, source=None, timeout=10):
        self.socket = socket.socket()
        self.socket.settimeout(timeout)
        if source is not None:
            self.socket.bind((source, 0))
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def text(method, path, body=None, fields=""):
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}"
        if body is None:
            return (head + "\r\n").encode()
        return (head + "Content-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next answer as (status, head, body); the head ends with its last field."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = 0 if status in (204, 304) else None
        chunked = False
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and status != 304:
                length = int(value)
            chunked = chunked or name.lower() == b"transfer-encoding"
        if chunked:
            return status, head, self._chunks()
        if length is None:
            raise BenchError(f"an answer {status} has no Content-Length")
        return status, head, self._take(length)

    def _take(self, length):
        while len(self.buffer) < length:
            self._more()
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def _chunks(self):
        parts = []
        while True:
            while b"\r\n" not in self.buffer:
                self._more()
            size, _, self.buffer = self.buffer.partition(b"\r\n")
            parts.append(self._take(int(size, 16)))
            self._take(2)
            if parts[-1] == b"":
                return b"".join(parts)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise BenchError("the server closed the connection")
        self.buffer += data

    def request(self, method, path, body=None):
        self.send(self.text(method, path, body))
        return self.receive()

    def value(self, method, path, body=None):
        """The JSON value of an answer that must be a success."""
        status, _, text = self.request(method, path, body)
        if status not in (200, 201):
            raise BenchError(f"{method} {path} answered {status}: {text[:200]!r}")
        return json.loads(text)
