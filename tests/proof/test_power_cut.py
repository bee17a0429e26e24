"""The power fails at any moment: from every state that the disk may then be in, the store comes
back with all that was acknowledged, and counts that equal the ratings.

A run of the program is recorded with strace; support/disk.py is the model of the disk.
"""
import random
import signal

import pytest
from support import strace
from support.disk import DROPPED, KEPT, TORN, Disk
from support.powercut import Broken, Recording, Replay, read_after_crash
from support.ratings import check_api
from support.script import complaint, make_scripts, run_scripts
from support.server import DidNotStart, Server

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not strace.available(), reason="strace is not installed")]

CONNECTIONS = 4
STEPS = 12
TORN_STATES = 3
SAMPLED = 40
STARTING = 12


class History:
    """Several runs of one store, each recorded, with the scripts that were run on it."""

    def __init__(self, server, folder, seed):
        self.server = server
        self.folder = folder
        self.seed = seed
        self.runs = []
        self.scripts = []

    def run(self, end, fault=None, number=None):
        """`end`: a signal, or None when the fault is to end it. True when it served at all."""
        trace = self.folder / f"{self.server.database.name}.trace{len(self.runs)}"
        self.server.under = strace.recording(trace, fault, number)
        scripts = make_scripts(self.seed, 100 * (len(self.runs) + 1), CONNECTIONS, STEPS)
        try:
            self.server.start()
            run_scripts(self.server.address, scripts)
            if end is not None:
                assert all(script.finished() for script in scripts), self.server.log()
                self.server.signal(end)
            elif all(script.finished() for script in scripts):
                self.server.terminate()
            self.server.wait()
        except DidNotStart:
            assert end is None, self.server.log()
        self.scripts += scripts
        self.runs.append(Recording(trace, self.folder, self.server.database.name))
        trace.unlink()
        return self.server.exit_code

    def moments(self):
        return sum(len(run.events) for run in self.runs)

    def starts(self):
        """The moments between the start of a run and its first answers: recovery is at work."""
        first, found = 0, set()
        for run in self.runs:
            found |= set(range(first, first + min(STARTING, len(run.events))))
            first += len(run.events)
        return found

    def replay(self, fate):
        """Yields the Replay after every event of all runs."""
        replay = Replay(Disk(fate, self.seed), self.scripts)
        for run in self.runs:
            replay.begin_run()
            for _ in replay.play(run.events):
                yield replay
        for script in self.scripts:
            # The process may have ended within the call that sent the last answer.
            sent = replay.acknowledged[script.user]
            assert script.acknowledged <= sent <= script.acknowledged + 1, (script.user, sent)


def crash_everywhere(history, folder, proof, fates=(DROPPED,), starts=None):
    """Cuts the power at all moments, or at a sample. Returns how many states were looked at."""
    rng = random.Random(history.seed)
    looked = 0
    folder.mkdir(exist_ok=True)
    for fate in fates:
        total = history.moments()
        chosen = set(range(total))
        if not proof:
            chosen = set(rng.sample(range(total), min(SAMPLED, total))) | history.starts()
        for moment, replay in enumerate(history.replay(fate)):
            if moment not in chosen:
                continue
            for mode in (KEPT, DROPPED, *[TORN] * TORN_STATES):
                files = replay.disk.after_power_cut(mode, rng)
                try:
                    ratings = read_after_crash(files, history.server.database.name, folder)
                    problem = complaint(history.scripts, ratings, replay.acknowledged)
                except Broken as error:
                    problem = str(error)
                where = f"after event {moment} of {total}, unsynced data {mode}"
                assert problem is None, f"{where}, a failed sync's data {fate}: {problem}"
                if starts is not None:
                    starts.append((files, dict(replay.acknowledged)))
                looked += 1
    print(f"{looked} states of the disk")
    return looked


def start_from(states, history, folder):
    """The program itself comes back from these states, and serves what was acknowledged."""
    for number, (files, acknowledged) in enumerate(states):
        place = folder / f"start{number}"
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)
        store = f"sqlite:{place / history.server.database.name}"
        with Server(folder=place, store=store).start() as server:
            ratings = check_api(server.address, [script.user for script in history.scripts])
            assert complaint(history.scripts, ratings, acknowledged) is None
            more = make_scripts("more", 9000, 2, 5)
            run_scripts(server.address, more)
            assert all(script.finished() for script in more), server.log()


@pytest.fixture
def history(start, tmp_path, seed):
    server = start()
    assert server.stop() == 0
    for file in tmp_path.glob(server.database.name + "*"):
        file.unlink()
    return History(server, tmp_path, seed)


def test_power_cuts(history, tmp_path, proof):
    """A run that is killed, one that ends well, and one more."""
    history.run(signal.SIGKILL)
    assert history.run(signal.SIGTERM) == 0
    assert history.run(signal.SIGTERM) == 0
    states = []
    assert crash_everywhere(history, tmp_path / "crash", proof, starts=states) >= SAMPLED
    rng = random.Random(history.seed)
    start_from(rng.sample(states, 20 if proof else 3), history, tmp_path)


@pytest.mark.parametrize("number", [1, 3, 4, 6, 9, 13])
@pytest.mark.parametrize("before", [0, 1], ids=["new", "old"])
def test_power_cuts_after_a_sync_that_failed(history, tmp_path, proof, before, number):
    """A sync fails, the process ends and is started again, writes, and then the power fails. What
    the failed sync should have written looks written to every later read, but may never be.

    The database is new, or one whose log is empty: then the first lost pages are in no other place.
    """
    for _ in range(before):
        assert history.run(signal.SIGTERM) == 0
    code = history.run(None, "error=EIO", number)
    failed = [event for event in history.runs[-1].events if event.kind == "failed sync"]
    # SQLite passes over an error of a folder's sync.
    assert code != 0 or not failed, history.server.log()
    assert history.run(signal.SIGTERM) == 0
    crash_everywhere(history, tmp_path / "crash", proof, fates=(DROPPED, TORN, KEPT))
