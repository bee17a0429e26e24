"""What a server costs at rest: start time, resident memory, memory per idle connection."""
import dataclasses
import resource
import select
import statistics
import time

from http_client import Client
from process import BenchError

CONNECTIONS = 10000
PER_SOURCE = 5000     # connections from one loopback address, to have source ports enough
STARTS = 5
SETTLE_SECONDS = 1.0


@dataclasses.dataclass
class Idle:
    start_ms: float            # median of STARTS, negative when not measured
    resident_bytes: int        # after the first answer
    connections: int
    growth_bytes: float        # resident memory per connection


def raise_file_limit(want):
    """Raises the limit of open files for this process and what it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= want:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, max(hard, want)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(want, hard), hard))


def open_files_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connect(system, count):
    """`count` connections that each had one answer, and now rest."""
    clients = []
    try:
        for number in range(count):
            client = Client(system.port, source=f"127.0.0.{2 + number // PER_SOURCE}")
            clients.append(client)
            status, _, _ = client.request("GET", "/health")
            if status != 200:
                raise BenchError(f"answered {status}")
    except (OSError, BenchError) as error:
        for client in clients:
            client.close()
        raise BenchError(f"{system.name}: connection {len(clients)} of {count}: {error}") from error
    return clients


def still_open(clients):
    """How many connections the server has not closed: a closed one is readable."""
    poll = select.poll()
    for client in clients:
        poll.register(client.socket, select.POLLIN)
    return len(clients) - len(poll.poll(0))


def measure(system, count):
    """Start time (when the system can be started alone), then memory before and under `count`."""
    if open_files_limit() < count + 100:
        raise BenchError(f"{count} connections need as many open files; the limit is "
                         f"{open_files_limit()}: raise it (ulimit -n), or --connections N")
    start_ms = -1.0
    if hasattr(system, "start_seconds"):
        times = []
        for _ in range(STARTS):
            system.stop()
            times.append(system.start_seconds() * 1000)
        start_ms = statistics.median(times)
    time.sleep(SETTLE_SECONDS)
    before = system.resident_bytes()
    clients = connect(system, count)
    try:
        time.sleep(SETTLE_SECONDS)
        after = system.resident_bytes()
        alive = still_open(clients)
        if alive != count:
            raise BenchError(f"{system.name} closed {count - alive} of {count} idle connections")
        for client in clients[::max(1, count // 50)]:
            if client.request("GET", "/health")[0] != 200:
                raise BenchError(f"{system.name}: an idle connection answers no longer")
    finally:
        for client in clients:
            client.close()
    return Idle(start_ms, before, count, (after - before) / count)
