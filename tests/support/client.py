"""A small HTTP/1.1 client that hides nothing: keep-alive, raw bytes, pipelining."""
import json as json_module
import socket
import ssl
from urllib.parse import urlsplit

TIMEOUT_S = 60


class Disconnected(Exception):
    """The connection ended before an answer was complete."""


class BadAnswer(Exception):
    """The server sent something that is no HTTP/1.1 answer."""


class Answer:
    """status, headers (names in lower case; repeated ones joined by ", "), body."""

    __slots__ = ("status", "headers", "body", "invoked", "returned")

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json_module.loads(self.body)

    @property
    def closes(self):
        return self.headers.get("connection", "").lower() == "close"

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


def parse_head(head):
    """The head without its empty line -> (status, headers)."""
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdigit():
        raise BadAnswer(lines[0])
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadAnswer(line)
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(rest[:3]), headers


def request_bytes(method, path, body=None, headers=(), host="localhost"):
    """A request as bytes. A body that is no bytes and no text is sent as JSON."""
    if body is not None and not isinstance(body, (bytes, str)):
        body = json_module.dumps(body, separators=(",", ":"))
    if isinstance(body, str):
        body = body.encode()
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    head += [f"{name}: {value}" for name, value in dict(headers).items()]
    if body is not None:
        if "Content-Type" not in dict(headers):
            head.append("Content-Type: application/json")
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def address_of_url(url):
    parts = urlsplit(url)
    return parts.hostname, parts.port or 80


class Secure(tuple):
    """An address where HTTPS is spoken."""
    context = None


def secure(address, authority=None):
    """(host, port) with HTTPS; `authority` is the file of the certificate that is believed."""
    place = Secure(address)
    place.context = ssl.create_default_context(cafile=authority)
    if authority is None:
        place.context.check_hostname, place.context.verify_mode = False, ssl.CERT_NONE
    return place


class Connection:
    """One connection. `send` and `receive` are raw; `request` does both."""

    def __init__(self, address, timeout=TIMEOUT_S, receive_buffer=None):
        self.address = address
        self.buffer = b""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if isinstance(address, Secure):
            plain = self.socket
            try:
                self.socket = address.context.wrap_socket(plain, server_hostname="localhost")
            except OSError:
                plain.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, BrokenPipeError, ssl.SSLError):
            # The server may have answered and closed before it read everything.
            pass

    def end_of_requests(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.socket.recv(1 << 16)
        except (ConnectionError, ssl.SSLError) as error:
            raise Disconnected(str(error)) from error
        if not data:
            raise Disconnected("end of the connection")
        self.buffer += data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def _exactly(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive(self, to="GET"):
        """The next answer; `to` is the method that it answers. 100 (Continue) is passed over."""
        while True:
            status, headers = parse_head(self._until(b"\r\n\r\n"))
            if status != 100:
                break
        if to == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        if "transfer-encoding" in headers:
            return Answer(status, headers, b"".join(self.chunks()))
        if "content-length" not in headers:
            raise BadAnswer(f"no Content-Length: {status} {headers}")
        return Answer(status, headers, self._exactly(int(headers["content-length"])))

    def chunks(self):
        """The parts of a chunked body."""
        while True:
            size = int(self._until(b"\r\n"), 16)
            if size == 0:
                if self._until(b"\r\n") != b"":
                    raise BadAnswer("a trailer")
                return
            yield self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise BadAnswer("a chunk without its end")

    def request(self, method, path, body=None, headers=(), host="localhost"):
        self.send(request_bytes(method, path, body, headers, host))
        return self.receive(method)

    def is_closed(self, wait_s=10):
        """Waits for the server to end the connection; False when it sends more, or stays."""
        if self.buffer:
            return False
        self.socket.settimeout(wait_s)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def is_open(self):
        """True when another request on this connection is answered."""
        try:
            return self.request("GET", "/live").status == 200
        except (Disconnected, OSError):
            return False


def request(address, method, path, body=None, headers=(), host="localhost"):
    """One request on a connection of its own."""
    with Connection(address) as connection:
        return connection.request(method, path, body, headers, host)


def get_json(address, path):
    answer = request(address, "GET", path)
    assert answer.status == 200, (path, answer)
    return answer.json()


def metric(server, name):
    """The sample of /metrics without labels."""
    for line in request(server.address, "GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    raise KeyError(name)
