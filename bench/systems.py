"""What every measured system has in common, and the server under test."""
import os
import signal
import time

import data
import load
import process
from http_client import Client
from process import BenchError

HERE = os.path.dirname(os.path.abspath(__file__))


class System:
    """A running server. Ownership: whoever called start() calls stop(), also after a failure.

    `shares` are systems that this one asks, a database say. What they use counts as its own, and
    they stand still and run with it; who made them stops them, and later than this one.
    """

    name = ""
    title = ""
    scenarios = ()
    shares = ()
    under_test = False
    health = "/health"  # answers 200

    def __init__(self, work, core):
        self.work = work
        self.core = core
        self.port = process.free_port()
        self.children = []
        self.log = os.path.join(work, f"{self.name}.log")

    def spawn(self, command, **options):
        child = process.start(self.core, command, self.log, **options)
        self.children.append(child)
        return child

    def stop(self):
        """Ends the children, the last started first."""
        for share in self.shares:
            share.resume()
        while self.children:
            process.stop(self.children.pop())

    def pids(self):
        own = [pid for child in self.children for pid in process.family(child.pid)]
        return sorted(own + [pid for share in self.shares for pid in share.pids()])

    def cpu_seconds(self, pids):
        return sum(process.cpu_seconds(pid) for pid in pids)

    def resident_bytes(self):
        return sum(process.resident_bytes(pid) for pid in self.pids())

    def reset_peak(self):
        for pid in self.pids():
            process.reset_peak(pid)

    def peak_bytes(self):
        return sum(process.peak_bytes(pid) for pid in self.pids())

    def pause(self):
        """Stops all processes, so that they take nothing from the system being measured."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def wait_answer(self, seconds=30):
        """Waits for the first 200 to GET `health`; looks every 0.3 ms."""
        end = time.monotonic() + seconds
        while True:
            try:
                with Client(self.port, timeout=5) as client:
                    if client.request("GET", self.health)[0] == 200:
                        return
            except (OSError, BenchError):
                pass
            if any(child.poll() is not None for child in self.children):
                raise BenchError(f"{self.name} ended at start:\n{process.tail(self.log)}")
            if time.monotonic() > end:
                raise BenchError(f"{self.name} does not answer on port {self.port} after "
                                 f"{seconds} s:\n{process.tail(self.log)}")
            time.sleep(0.0003)

    def load(self, cores, target, seconds, seed):
        """Loads it for a while: the report, the CPU seconds of the load, and those of them that
        are the system's own."""
        report, cpu = load.wrk(cores.load, self.port, target, seconds, seed)
        return report, cpu, 0

    def target(self, scenario):
        """What wrk is to ask for."""
        return load.Target(scenario, "/health" if scenario == "constant" else "/")

    def version(self):
        raise NotImplementedError


class Rowlock(System):
    name = "rowlock"
    title = "Rowlock"
    scenarios = ("constant", "list", "counts", "mixed", "put")
    file = "ratings.yaml"
    environment = {}
    under_test = True

    def __init__(self, work, core, binary):
        super().__init__(work, core)
        self.binary = os.path.abspath(binary)
        self.service = os.path.join(HERE, self.file)
        self.store = os.path.join(work, self.file.replace(".yaml", ".db"))
        if not os.access(self.binary, os.X_OK):
            raise BenchError(f"{binary} is missing: build it first, or measure the peers alone "
                             "with --only nginx,flask,fastify")

    def store_url(self):
        return f"sqlite:{self.store}"

    def launch(self):
        self.spawn([self.binary, "serve", self.service,
                    "--listen", f"127.0.0.1:{self.port}", "--store", self.store_url(),
                    "--log", "off"], env={**os.environ, **self.environment})

    def start(self):
        self.launch()
        self.wait_answer()

    def start_filled(self, say):
        """Lets the server make its tables, inserts while it is stopped, starts it again."""
        self.start()
        self.stop()
        reason = data.fill_sqlite(self.store)
        self.start()
        if reason is not None:
            say(f"rowlock: the file takes no direct insert ({reason}); filling by PUT")
            data.fill_http(self.port)

    def start_seconds(self):
        """From the start of the process to its first answer."""
        begin = time.monotonic()
        self.start()
        return time.monotonic() - begin

    def version(self):
        return process.output([self.binary, "--version"])
