"""Long answers and long bodies: a table streamed, a file imported; and the cost of a query."""
import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time

import articles
import process
import rows
from articles_systems import post_items
from http_client import Client
from process import BenchError
from rows_systems import beside

READ_BYTES = 1 << 20
LAST_CHUNK = b"0\r\n\r\n"
TIMEOUT_SECONDS = 120


@dataclasses.dataclass
class Transfer:
    """All rows, once."""

    seconds: float
    rows_per_s: float
    bytes: int          # with the framing of HTTP
    cpu_us: float       # user + system time per row
    growth_bytes: int   # of resident memory: its peak, over what it was at rest


def ask(port, path, accept):
    """A connection on which one request was sent; it ends with the answer."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
    connection.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n"
                        "Connection: close\r\n\r\n").encode())
    return connection


def drain(port, path, accept):
    """Reads one answer to its end and forgets it; the bytes that it had."""
    space = bytearray(READ_BYTES)
    view = memoryview(space)
    total, head, tail = 0, b"", b""
    with ask(port, path, accept) as connection:
        while count := connection.recv_into(space):
            head = head or bytes(view[:min(count, 4096)]).partition(b"\r\n\r\n")[0].lower()
            tail = (tail + bytes(view[max(0, count - len(LAST_CHUNK)):count]))[-len(LAST_CHUNK):]
            total += count
    if b" 200 " not in head or (b"chunked" in head and tail != LAST_CHUNK):
        raise BenchError(f"{path} was cut short after {total} bytes: {head[:80]!r}")
    return total


def digest(port, path, accept):
    """The hash of a body without the framing of HTTP."""
    found = hashlib.sha256()
    with ask(port, path, accept) as connection, connection.makefile("rb", READ_BYTES) as file:
        status = int(file.readline().split()[1])
        if status != 200:
            raise BenchError(f"{path} answered {status}")
        chunked = False
        while (line := file.readline().strip().lower()) != b"":
            chunked = chunked or line == b"transfer-encoding: chunked"
        if not chunked:
            while data := file.read(READ_BYTES):
                found.update(data)
            return found.hexdigest()
        while (length := int(file.readline(), 16)) > 0:
            found.update(file.read(length))
            file.readline()
        return found.hexdigest()


def at_rest(system):
    """Resident memory now; peaks count from here on."""
    system.reset_peak()
    return system.resident_bytes()


def _measured(system, rest, act, count=rows.EVENTS):
    """What `act` takes of a system for `count` rows; it returns the bytes that it moved."""
    pids = system.pids()
    cpu = system.cpu_seconds(pids)
    begin = time.monotonic()
    size = act()
    seconds = time.monotonic() - begin
    cpu = system.cpu_seconds(pids) - cpu
    return Transfer(seconds=seconds, rows_per_s=count / seconds, bytes=size,
                    cpu_us=cpu * 1e6 / count,
                    growth_bytes=max(0, system.peak_bytes() - rest))


def stream(system, scenario, rest):
    """One stream of all events; `rest` is at_rest()."""
    path, accept = system.streams[scenario]
    return _measured(system, rest, lambda: drain(system.port, path, accept))


def post(port, lines):
    """One POST of all events as NDJSON; the bytes of its body."""
    size = os.path.getsize(lines)
    with Client(port, timeout=TIMEOUT_SECONDS) as client, open(lines, "rb") as file:
        client.send((f"POST /imports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n"
                     "Content-Type: application/x-ndjson\r\n\r\n").encode())
        client.socket.sendfile(file)
        status, _, body = client.receive()
        if status != 201:
            raise BenchError(f"the import answered {status}: {body[:300]!r}")
    return size


def import_lines(system, lines):
    """An import into an empty table, and a look whether all rows are there."""
    transfer = _measured(system, at_rest(system), lambda: post(system.port, lines))
    with Client(system.port, timeout=TIMEOUT_SECONDS) as client, open(lines, "rb") as file:
        first = json.loads(file.readline())
        count = client.value("GET", "/imports?select=count()")
        row = client.value("GET", f"/imports?id=eq.{first['id']}")
        if count != [{"count": rows.EVENTS}] or row != [first]:
            raise BenchError(f"{system.name}: after the import: {count}, {row}")
    return transfer


def query_ns(core, binary):
    """CPU time of one query's parse, check and SQL text."""
    program = beside(binary, "query_bench")
    done = subprocess.run(process.pinned(core, [program]), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise BenchError(f"{program}: {done.stderr.strip()}")
    return int(done.stdout)


def post_bulk(system, path):
    """All items of a file in one request, into an empty table, and a look whether they are there.

    The table begins with them, so the ids are those of the file's order.
    """
    with open(path, "rb") as file:
        body = file.read()

    def act():
        post_items(system.port, body)
        return len(body)
    transfer = _measured(system, at_rest(system), act, articles.ITEMS)
    if system.count() != articles.ITEMS:
        raise BenchError(f"{system.name}: {system.count()} rows after the bulk request")
    return transfer


@dataclasses.dataclass
class Importer:
    """A program that reads CSV into a table of its own file, and ends."""

    name: str
    title: str
    command: list    # with {csv} and {database}
    says: list       # its version

    def version(self):
        return " ".join(process.output(self.says).split()[:2])

    def run(self, core, path, template, database):
        """Imports into a copy of `template`: seconds, CPU seconds and the most resident memory.

        The peak is looked at every 5 ms, since with a program that has ended it is gone; what its
        parent is told counts the parent's own memory from before the start.
        """
        for ending in ("", "-wal", "-shm"):
            if os.path.exists(database + ending):
                os.unlink(database + ending)
        shutil.copyfile(template, database)
        os.sync()
        command = [word.format(csv=path, database=database) for word in self.command]
        cpu = os.times()
        begin = time.monotonic()
        child = process.start(core, command, database + ".log")
        try:
            peak = 0
            while child.poll() is None:
                if time.monotonic() - begin > TIMEOUT_SECONDS:
                    raise BenchError(f"{self.name}: the import does not end")
                with contextlib.suppress(OSError, BenchError):
                    peak = max(peak, process.peak_bytes(child.pid))
                time.sleep(0.005)
        finally:
            process.stop(child, 2)
        seconds = time.monotonic() - begin
        after = os.times()
        if child.returncode != 0:
            raise BenchError(f"{' '.join(command)} ended with {child.returncode}:\n"
                             f"{process.tail(database + '.log')}")
        return seconds, (after.children_user + after.children_system
                         - cpu.children_user - cpu.children_system), peak


def importers(binary, service):
    """Both write to a database in WAL mode, and neither ends before all is on the disk."""
    return [
        Importer("rowlock", "Rowlock", [binary, "import", service, "imports", "{csv}",
                                        "--format", "csv", "--store", "sqlite:{database}"],
                 [binary, "--version"]),
        Importer("sqlite3", "sqlite3 .import", [
            "sqlite3", "-batch", "-bail", "{database}", "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL", ".import --csv --skip 1 {csv} imports"],
            ["sqlite3", "--version"])]


def import_csv(importer, core, kept, template, database, wanted):
    """One import of all rows. Memory grows by what its peak is over that of an import of fewer.

    `wanted` is what articles.check_imports() must say, or None; returns the transfer and that.
    """
    _, _, rest = importer.run(core, kept.many(articles.SOME), template, database)
    seconds, cpu, peak = importer.run(core, kept.many(), template, database)
    found = articles.check_imports(database)
    if found[0] != articles.MANY or wanted not in (None, found):
        raise BenchError(f"{importer.name}: after the import: {found}, wanted {wanted}")
    return Transfer(seconds=seconds, rows_per_s=articles.MANY / seconds,
                    bytes=os.path.getsize(kept.many()), cpu_us=cpu * 1e6 / articles.MANY,
                    growth_bytes=max(0, peak - rest)), found
