"""The JSON files of jsonstore under what may happen to them: killed at each call, power cut at each
moment, calls that fail, many processes at once, and a file much larger than the memory. Nothing
acknowledged is ever missing, and the files are valid JSON whenever another program looks.

Runs of jsonstore/tests/drive.c; support/disk.py is the model of the disk.
"""
import itertools
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from support import strace
from support.disk import DROPPED, KEPT, TORN
from support.jsonfiles import (CALLS, DRIVE, Asked, Folders, Recording, Run, at_call, check_files,
                               complaint, put_files, recording, replay)

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not strace.available(), reason="strace is not installed")]

STEPS = 24
CUT_STEPS = 12
TORN_STATES = 3
SAMPLED = 60
FAULTS_SAMPLED = 20  # of each recording; 60 for the proof
KILLS_SAMPLED = 8
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CLASSES = {"sync": strace.SYNCS, "write": "pwrite64,ftruncate", "name": "renameat,unlinkat,openat"}


def check_all(folder, acknowledged):
    """A handle opened now reads what was acknowledged, takes a write, and so does the next one."""
    looking = Asked("look")
    for _ in range(2):
        check_files(folder)
        assert complaint(looking.state(folder), acknowledged) is None
    assert looking.end() == 0


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("calls", CLASSES)
def test_killed_at_a_call(tmp_path, proof, seed, calls, threads):
    """The process dies at the n-th of its syncs, writes, or changes of names. Every other time
    another process has the folder open all the while, so that nobody recovers it."""
    rng = random.Random(seed)
    numbers = itertools.count(1) if proof else sorted(rng.sample(range(1, 30), KILLS_SAMPLED))
    killed = 0
    for number in numbers:
        folder = tmp_path / str(number)
        folder.mkdir()
        holder = Asked("hold", folder) if number % 2 == 0 else None
        run = Run(folder, 1, threads, STEPS,
                  under=at_call(tmp_path / "trace", CLASSES[calls], "signal=SIGKILL", number))
        code = run.wait()
        assert code in (0, -signal.SIGKILL, 128 + signal.SIGKILL), run.complaint
        check_files(folder)
        if holder is not None:
            assert complaint(holder.state(), run.acknowledged) is None
            # Another process writes on, beside the holder.
            more = Run(folder, 50, 2, 3)
            assert more.wait() == 0, more.complaint
            run.acknowledged |= more.acknowledged
            assert complaint(holder.state(), run.acknowledged) is None
            assert holder.end() == 0
        check_all(folder, run.acknowledged)
        if code == 0:
            break
        killed += 1
    print(f"killed at {killed} calls")
    assert killed >= 3


class History:
    """Several runs on one folder, each recorded."""

    def __init__(self, folder):
        self.folder = folder / "data"
        self.folder.mkdir()
        self.trace = folder / "trace"
        self.runs = []
        self.done = {}

    def run(self, threads, steps, inject=None):
        run = Run(self.folder, 100 * (len(self.runs) + 1), threads, steps,
                  under=recording(self.trace, inject))
        code = run.wait()
        self.runs.append(Recording(self.trace, self.folder).events)
        injected = "INJECTED" in self.trace.read_text(encoding="ascii", errors="replace")
        self.trace.unlink()
        self.done |= run.acknowledged
        return code, injected, run.complaint

    def crash_everywhere(self, rng, sampled, fates=(DROPPED,)):
        """Cuts the power at all moments, or at a sample; how many states were looked at."""
        # The states are looked at in memory, where a sync takes no time.
        with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
            return self._crash(Path(scratch) / "crash", rng, sampled, fates)

    def _crash(self, scratch, rng, sampled, fates):
        looking = Asked("look")
        looked = 0
        events = sum(map(len, self.runs))
        for fate in fates:
            chosen = set(rng.sample(range(events), min(sampled or events, events)))
            disk = Folders(fate, rng.random())
            acknowledged = {}
            moment = 0
            for events_of_run in self.runs:
                for event in replay(disk, acknowledged, events_of_run):
                    if moment in chosen:
                        for mode in (KEPT, DROPPED, *[TORN] * TORN_STATES):
                            self._check(looking, scratch, disk.after_power_cut(mode, rng), rng,
                                        acknowledged, f"{moment} {event.kind} {event.name}, "
                                        f"unsynced {mode}, a failed sync's data {fate}")
                            looked += 1
                    moment += 1
            assert acknowledged == {user: n for user, n in self.done.items() if n}
        assert looking.end() == 0
        print(f"{looked} states of the disk, of {events} moments")
        return looked

    @staticmethod
    def _check(looking, scratch, files, rng, acknowledged, where):
        put_files(scratch, files, rng)
        issued = {user: acknowledged.get(user, 0) + 1
                  for base in (100, 200, 300) for user in range(base, base + 8)}
        # What a process that found the disk so would do with it, and what the next one sees.
        for _ in range(2):
            state = looking.state(scratch)
            problem = complaint(state, acknowledged, issued)
            assert problem is None, f"after event {where}: {problem}"
            check_files(scratch)


@pytest.mark.parametrize("threads", [1, 4])
def test_power_cuts(tmp_path, proof, seed, threads):
    """Two runs, the first of which makes the store."""
    history = History(tmp_path)
    for _ in range(2):
        code, _, problem = history.run(threads, CUT_STEPS + 4)
        assert code == 0, problem
    history.crash_everywhere(random.Random(seed), None if proof else SAMPLED)


FAULTS = {
    "sync EIO": "fdatasync,fsync:error=EIO",
    "write ENOSPC": "pwrite64:error=ENOSPC",
    "write EIO": "pwrite64:error=EIO",
    "rename EIO": "renameat:error=EIO",
    "open ENOSPC": "openat:error=ENOSPC",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_power_cuts_after_a_call_that_failed(tmp_path, proof, seed, fault):
    """A call fails; the program goes on after a checkpoint; another one writes more; the power is
    cut. What a failed sync should have written may look written and never be."""
    rng = random.Random(seed)
    first = 30 if fault == "open ENOSPC" else 1
    numbers = range(first, first + 45) if proof else rng.sample(range(first, first + 30), 3)
    for number in numbers:
        place = tmp_path / str(number)
        place.mkdir()
        history = History(place)
        code, injected, problem = history.run(1, CUT_STEPS, f"{FAULTS[fault]}:when={number}")
        assert code == 0 or history.done == {100: 0}, problem
        code, _, problem = history.run(2, 4)
        assert code == 0, problem
        check_all(history.folder, history.done)
        fates = (DROPPED, TORN, KEPT) if fault.startswith("sync") else (DROPPED,)
        if injected:
            history.crash_everywhere(rng, FAULTS_SAMPLED * (3 if proof else 1), fates)


def test_many_processes(tmp_path, proof):
    """8 processes of 4 threads write and read; another program reads the files all the while."""
    folder = tmp_path / "data"
    folder.mkdir()
    seconds = 60 if proof else 2
    runs = [Run(folder, 1 + 10 * number, 4, 10 ** 9, seconds) for number in range(8)]
    looked = 0
    while any(run.process.poll() is None for run in runs):
        check_files(folder)
        looked += 1
        time.sleep(0.02)
    for run in runs:
        assert run.wait() == 0, run.complaint
    acknowledged = {user: step for run in runs for user, step in run.acknowledged.items()}
    total = sum(acknowledged.values())
    print(f"{total} transactions of 8 processes x 4 threads in {seconds} s; "
          f"the files were read {looked} times")
    check_all(folder, acknowledged)
    assert looked > 0 and min(acknowledged.values()) > 0


def test_larger_than_memory(tmp_path, proof):
    """A collection under a limit of anonymous memory (RLIMIT_DATA) that it would not fit in."""
    size, limit = (4096, 256) if proof else (64, 96)
    try:
        done = subprocess.run([DRIVE, "big", tmp_path, str(size), str(limit)], text=True,
                              capture_output=True, check=False)
        print(done.stdout)
        assert done.returncode == 0, done.stderr
    finally:
        for file in tmp_path.rglob("*"):
            if file.is_file():
                file.unlink()


def test_calls_are_those_that_are_killed():
    """The classes above are all calls that change something."""
    assert set(CALLS.split(",")) == set(",".join(CLASSES.values()).split(","))
