"""jsonstore beside TinyDB, lowdb and SQLite: 100,000 records of 200 bytes, without any server."""
import dataclasses
import json
import os
import shutil
import subprocess
import sys

import process
from peers import install_packages
from process import BenchError
from rows_systems import beside
from systems import HERE

READS = ("json_open", "json_get", "json_find")
WRITES = ("json_update", "json_insert")
TOGETHER = "json_insert_8"
SCENARIOS = READS + WRITES + (TOGETHER,)
ROUNDS_MAX = 3
SAMPLE_SECONDS = 1    # of a read, and of all that TinyDB and lowdb do
TIMEOUT_SECONDS = 120
LIBRARY = os.path.join("jsonstore", "tests", "libjsonstore.so.0")  # in the build folder


@dataclasses.dataclass
class Operations:
    """What one program did in one window."""

    operations: int
    seconds: float
    rate: float     # operations per second
    cpu_us: float   # user + system time per operation


class JsonSystem:
    """A program that does one kind of operation until the time is over."""

    sampled = False
    scenarios = SCENARIOS

    def __init__(self, name, title, command, version, environment=None):
        self.name = name
        self.title = title
        self.command = command   # before OPERATION FOLDER SECONDS SEED
        self.version = version
        self.environment = {**os.environ, **(environment or {})}
        self.folder = None

    def prepare(self, work):
        """All records, in a folder of their own that is made anew."""
        self.folder = os.path.join(work, f"json-{self.name}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        self._run("prepare", "0", 1, 0)

    def measure(self, scenario, cores, seconds, seed):
        """One window. Eight processes may use both cores."""
        core = f"{cores.server},{cores.load}" if scenario == TOGETHER else cores.server
        if self.sampled or scenario in READS:
            seconds = SAMPLE_SECONDS
        told = self._run(scenario.removeprefix("json_"), core, seconds, seed)
        return Operations(told["operations"], told["seconds"],
                          told["operations"] / told["seconds"],
                          told["cpu_seconds"] * 1e6 / told["operations"])

    def _run(self, operation, core, seconds, seed):
        command = process.pinned(core, [*self.command, operation, self.folder, str(seconds),
                                        str(seed)])
        try:
            done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False,
                                  timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name}: {operation} does not end") from None
        if done.returncode != 0:
            raise BenchError(f"{self.name}: {operation} ended with {done.returncode}:\n"
                             f"{done.stderr[-1000:]}")
        return json.loads(done.stdout)


class Sampled(JsonSystem):
    """Each write rewrites the file; nothing keeps two processes apart."""

    sampled = True
    scenarios = READS + WRITES


def version_of(*command):
    return lambda: process.output(list(command))


def makers(work, binary, only, say):
    """The systems that were chosen; a pair of title and reason for one that cannot run."""
    own = os.path.join(HERE, "jsonstore")
    python = [sys.executable, "-B", os.path.join(own, "python_stores.py")]
    systems, missing = {}, []

    def add(system):
        systems[system.name] = system

    if "jsonstore" in only:
        library = os.path.join(os.path.dirname(os.path.abspath(binary)), LIBRARY)
        if not os.path.exists(library):
            raise BenchError(f"{library} is missing: build it first (ninja {LIBRARY})")
        environment = {"JSONSTORE_LIBRARY": library,
                       "PYTHONPATH": os.path.join(os.path.dirname(HERE), "jsonstore", "python")}
        add(JsonSystem("jsonstore", "jsonstore", [beside(binary, "jsonstore_bench"), "jsonstore"],
                       version_of(beside(binary, "jsonstore_bench"), "--version")))
        package = JsonSystem("package", "jsonstore, from Python", [*python, "package"],
                             version_of(sys.executable, "--version"), environment)
        package.scenarios = READS + WRITES
        add(package)
    if "sqlite" in only:
        add(JsonSystem("sqlite", "SQLite, synchronous=FULL",
                       [beside(binary, "jsonstore_bench"), "sqlite"],
                       version_of("pkg-config", "--modversion", "sqlite3")))
    if "tinydb" in only:
        add(Sampled("tinydb", "TinyDB", [*python, "tinydb"], version_of(
            sys.executable, "-c", "import tinydb.version; print(tinydb.version.__version__)")))
    if "lowdb" in only:
        why = install_packages("lowdb", own, os.path.join(work, "lowdb.log"), 18, say)
        if why is None:
            add(Sampled("lowdb", "lowdb", ["node", os.path.join(own, "lowdb.mjs")],
                        version_of("node", "-p", f"require({json.dumps(own)} + '/node_modules/"
                                   "lowdb/package.json').version + ', Node ' + process.version")))
        else:
            say(f"lowdb: left out: {why}")
            missing.append(("lowdb", why))
    return systems, missing


def measure(systems, chosen, work, cores, arguments, results, tolerated, say):
    """Fills results.operations; each round begins with new files, and each window with nothing left
    to write back."""
    for scenario in chosen:
        results.operations[scenario] = {name: [] for name, system in systems.items()
                                        if scenario in system.scenarios}
    for turn in range(min(arguments.rounds, ROUNDS_MAX)):
        for system in systems.values():
            system.prepare(work)
        for scenario in chosen:
            windows = results.operations[scenario]
            for name in list(windows):
                with tolerated(results.failures, scenario, name, windows):
                    os.sync()
                    window = systems[name].measure(scenario, cores, arguments.seconds, turn + 1)
                    windows[name].append(window)
                    say(f"{scenario:13} round {turn + 1}  {name:9} {window.rate:10.1f}/s  "
                        f"{window.cpu_us:.2f} µs  {window.operations} operations")
    for system in systems.values():
        shutil.rmtree(system.folder, ignore_errors=True)
