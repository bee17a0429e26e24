"""One window of load: wrk on its own core, the CPU time of the system on the other."""
import dataclasses
import json
import os
import shutil
import subprocess
import time

import data
import process
from process import BenchError

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 64
WARM_SECONDS = 1
DRAIN_SECONDS = 0.2   # requests that the warm-up left behind are not part of the window


class WindowError(BenchError):
    """Requests of a window failed."""


@dataclasses.dataclass
class Window:
    """What one system did in one window. Latencies in microseconds."""

    requests: int
    seconds: float
    cpu_us: float     # user + system time per request, all processes and threads
    rps: float
    p50_us: int
    p99_us: int
    busy: float       # share of its core that the system used
    foreign: float    # share of that core that others used
    load_foreign: float


@dataclasses.dataclass
class Target:
    """What wrk asks for: a script of lua/, and what it needs."""

    script: str
    path: str = "/"     # with %d where a random number from 1 to `numbers` goes
    numbers: int = 0
    tag: str = ""       # for If-None-Match
    body: str = ""      # of a POST
    file: str = ""      # with a path in each line
    token: str = ""     # for Authorization
    connections: int = CONNECTIONS


class Cores:
    def __init__(self, server, load):
        count = os.cpu_count() or 1
        if server == load or max(server, load) >= count:
            raise BenchError(f"needs two different cores below {count}: --server-core, --load-core")
        self.server = server
        self.load = load


def wrk(core, port, target, seconds, seed):
    """Runs wrk to its end: its report and its own CPU seconds."""
    if shutil.which("wrk") is None:
        raise BenchError("wrk is not installed")
    environment = {**os.environ, "BENCH_LUA": os.path.join(HERE, "lua"),
                   "BENCH_SEED": str(seed), "BENCH_USERS": str(data.USERS),
                   "BENCH_ITEMS": str(data.ITEMS), "BENCH_PATH": target.path,
                   "BENCH_NUMBERS": str(target.numbers), "BENCH_TAG": target.tag,
                   "BENCH_BODY": target.body, "BENCH_FILE": target.file,
                   "BENCH_TOKEN": target.token}
    return reported(process.pinned(core, [
        "wrk", "-t1", f"-c{target.connections}", f"-d{seconds}s", "--timeout", "10s",
        "-s", os.path.join(HERE, "lua", f"{target.script}.lua"),
        f"http://127.0.0.1:{port}{target.path.replace('%d', '1')}"]), seconds + 30, environment)


def reported(command, limit, environment):
    """Runs a load to its end, in at most `limit` seconds: its report and its own CPU seconds."""
    before = os.times()
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as child:
        try:
            text, _ = child.communicate(timeout=limit)
        except BaseException as error:
            process.stop(child, 2)
            if isinstance(error, subprocess.TimeoutExpired):
                raise BenchError(f"it does not end: {' '.join(command)}") from error
            raise
    after = os.times()
    used = (after.children_user + after.children_system
            - before.children_user - before.children_system)
    for line in text.splitlines():
        if line.startswith("BENCH "):
            return json.loads(line[6:]), used
    raise BenchError(f"{' '.join(command[:10])} gave no report:\n{text[-800:]}")


def measure(system, scenario, cores, seconds, seed):
    """Warms up, then measures one window. A failed request is an error of the run."""
    target = system.target(scenario)
    system.load(cores, target, WARM_SECONDS, seed + 1000)
    time.sleep(DRAIN_SECONDS)
    pids = system.pids()
    busy = process.core_busy_seconds(cores.server)
    load_busy = process.core_busy_seconds(cores.load)
    begin = time.monotonic()
    cpu = system.cpu_seconds(pids)
    report, load_cpu, own_cpu = system.load(cores, target, seconds, seed)
    if system.pids() != pids:
        raise BenchError(f"{system.name}: its processes changed while being measured")
    cpu = system.cpu_seconds(pids) - cpu + own_cpu
    wall = time.monotonic() - begin
    busy = process.core_busy_seconds(cores.server) - busy
    load_busy = process.core_busy_seconds(cores.load) - load_busy

    failed = {key: report[key] for key in ("connect", "read", "write", "status", "timeout")
              if report[key] != 0}
    if failed or report["requests"] == 0:
        raise WindowError(f"{system.name}, {scenario}: {report['requests']} requests, "
                          f"errors {failed}\n{process.tail(system.log)}")
    if target != system.target(scenario):  # else every answer was a 304
        raise WindowError(f"{system.name}, {scenario}: the tag changed under the load")
    return Window(
        requests=report["requests"], seconds=report["seconds"],
        cpu_us=cpu * 1e6 / report["requests"], rps=report["requests"] / report["seconds"],
        p50_us=report["p50_us"], p99_us=report["p99_us"], busy=cpu / wall,
        foreign=max(0.0, busy - cpu) / wall, load_foreign=max(0.0, load_busy - load_cpu) / wall)
