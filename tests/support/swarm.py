"""Many clients at once from one thread, so that requests are truly in flight together.

A client is a generator: it yields the bytes of a request and is sent the Answer, which also has
`invoked` and `returned` (monotonic). A lost connection is thrown into it as Disconnected; what it
yields next goes over a new one. `Pause(seconds)` instead of bytes waits without a request.
"""
import heapq
import itertools
import selectors
import socket
import time

from support.client import Answer, BadAnswer, Disconnected, parse_head

STALL_LIMIT_S = 120


class Pause:
    def __init__(self, seconds):
        self.seconds = seconds


class _Client:
    def __init__(self, address, generator):
        self.address = address
        self.generator = generator
        self.socket = None
        self.buffer = b""
        self.unsent = b""
        self.invoked = None


def _take_answer(buffer):
    """(answer, rest), or (None, buffer) while it is not complete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None, buffer
    status, headers = parse_head(buffer[:end])
    if status in (204, 304):
        return Answer(status, headers, b""), buffer[end + 4:]
    if "transfer-encoding" in headers:
        return _take_chunked(status, headers, buffer, end + 4)
    if "content-length" not in headers:
        raise BadAnswer(f"no Content-Length: {status} {headers}")
    stop = end + 4 + int(headers["content-length"])
    if len(buffer) < stop:
        return None, buffer
    return Answer(status, headers, buffer[end + 4:stop]), buffer[stop:]


def _take_chunked(status, headers, buffer, at):
    parts = []
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None, buffer
        size = int(buffer[at:line], 16)
        if len(buffer) < line + 4 + size:
            return None, buffer
        parts.append(buffer[line + 2:line + 2 + size])
        at = line + 4 + size
        if size == 0:
            return Answer(status, headers, b"".join(parts)), buffer[at:]


class Swarm:
    """Runs until every client is done, or `until()` says so (then the others are closed)."""

    def __init__(self, addresses, generators):
        self.selector = selectors.DefaultSelector()
        self.clients = [_Client(address, generator)
                        for address, generator in zip(itertools.cycle(addresses), generators)]
        self.sleeping = []
        self.running = len(self.clients)

    def run(self, until=None):
        for client in self.clients:
            self._step(client, None)
        last = time.monotonic()
        while self.running > 0 and not (until is not None and until()):
            wait = 0.2
            if self.sleeping:
                wait = max(0, min(wait, self.sleeping[0][0] - time.monotonic()))
            events = self.selector.select(wait)
            for key, mask in events:
                self._ready(key.data, mask)
            if self._wake() or events:
                last = time.monotonic()
            elif not self.sleeping and time.monotonic() - last > STALL_LIMIT_S:
                raise AssertionError(f"{self.running} clients wait and nothing is answered")
        for client in self.clients:
            self._disconnect(client)
            client.generator.close()
        self.selector.close()

    def _wake(self):
        woken = False
        while self.sleeping and self.sleeping[0][0] <= time.monotonic():
            _, _, client = heapq.heappop(self.sleeping)
            self._step(client, None)
            woken = True
        return woken

    def _step(self, client, answer, error=None):
        while True:
            try:
                if error is not None:
                    wanted = client.generator.throw(error)
                else:
                    wanted = client.generator.send(answer)
            except (StopIteration, Disconnected):
                self.running -= 1
                self._disconnect(client)
                return
            if isinstance(wanted, Pause):
                heapq.heappush(self.sleeping,
                               (time.monotonic() + wanted.seconds, id(client), client))
                return
            error = self._begin(client, wanted)
            if error is None:
                return

    def _begin(self, client, data):
        """Sends; returns the Disconnected when that failed."""
        client.invoked = time.monotonic()
        try:
            if client.socket is None:
                client.socket = socket.create_connection(client.address, timeout=60)
                client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.socket.setblocking(False)
                self.selector.register(client.socket, selectors.EVENT_READ, client)
            sent = client.socket.send(data)
            if sent < len(data):
                client.unsent = data[sent:]
                self.selector.modify(client.socket,
                                     selectors.EVENT_READ | selectors.EVENT_WRITE, client)
        except OSError as error:
            self._disconnect(client)
            return Disconnected(str(error))
        return None

    def _ready(self, client, mask):
        try:
            if mask & selectors.EVENT_WRITE:
                client.unsent = client.unsent[client.socket.send(client.unsent):]
                if not client.unsent:
                    self.selector.modify(client.socket, selectors.EVENT_READ, client)
            if not mask & selectors.EVENT_READ:
                return
            data = client.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(client, str(error))
            return
        if not data:
            self._lose(client, "end of the connection")
            return
        client.buffer += data
        answer, client.buffer = _take_answer(client.buffer)
        if answer is not None:
            answer.invoked, answer.returned = client.invoked, time.monotonic()
            if client.buffer:
                raise BadAnswer(f"more than one answer: {client.buffer!r}")
            if answer.closes:
                self._disconnect(client)
            self._step(client, answer)

    def _lose(self, client, why):
        self._disconnect(client)
        self._step(client, None, Disconnected(why))

    def _disconnect(self, client):
        if client.socket is not None:
            self.selector.unregister(client.socket)
            client.socket.close()
            client.socket = None
        client.buffer = client.unsent = b""


def run(address, generators, until=None):
    run_many([address], generators, until)


def run_many(addresses, generators, until=None):
    """The same with several servers: clients are dealt out to them in turn."""
    Swarm(addresses, generators).run(until)
