"""The process dies at each of its syncs, or a sync fails: nothing acknowledged is ever missing."""
import itertools
import re
import signal

import pytest
from support import strace
from support.client import request
from support.powercut import Recording
from support.ratings import check_api, check_database
from support.script import complaint, make_scripts, run_scripts
from support.server import DidNotStart

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not strace.available(), reason="strace is not installed")]

STEPS = 25


def moments(proof):
    """Numbers of the syncs that are hit: each, or some."""
    return itertools.count(1) if proof else itertools.chain(range(1, 7), itertools.count(10, 5))


def run_to_its_end(server, scripts):
    """Start, the scripts, SIGTERM. True when nothing stopped it."""
    try:
        server.start()
    except DidNotStart:
        return False
    run_scripts(server.address, scripts)
    if all(script.finished() for script in scripts):
        server.terminate()
    return server.wait() == 0


def check_after(server, scripts):
    """Restarted without faults, all that was acknowledged is there, and it takes writes."""
    server.under = []
    server.start()
    ratings = check_api(server.address, [script.user for script in scripts])
    assert complaint(scripts, ratings) is None
    more = make_scripts("more", 5000, 2, 5)
    run_scripts(server.address, more)
    assert all(script.finished() for script in more), server.log()
    assert server.stop() == 0, server.log()
    assert complaint(scripts + more, check_database(server.database)) is None


@pytest.mark.parametrize("connections", [1, 4])
def test_killed_at_a_sync(start, tmp_path, proof, seed, connections):
    server = start()
    assert server.stop() == 0
    for number in moments(proof):
        server.database = tmp_path / f"{number}.db"
        server.store = f"sqlite:{server.database}"
        server.under = strace.at_sync(tmp_path / "trace", "signal=SIGKILL", number)
        scripts = make_scripts(seed, 1, connections, STEPS)
        ended = run_to_its_end(server, scripts)
        if ended:
            assert all(script.finished() for script in scripts)
        else:
            assert server.exit_code in (-signal.SIGKILL, 128 + signal.SIGKILL), server.log()
        check_after(server, scripts)
        if ended:
            break
    print(f"{number - 1} syncs of a thread were hit")
    # About one sync for each write of a connection that waits for its answers.
    assert number > (STEPS // 2 if connections == 1 else 5)


def failed_on(recording):
    """Place of the first event that is a sync of the store's files that failed."""
    for place, event in enumerate(recording.events):
        if event.kind == "failed sync":
            return place
    return None


def acknowledges(answer):
    return answer.startswith(b"HTTP/1.1 2") and re.search(rb'"user_id"|"message"', answer)


def test_a_sync_fails(start, tmp_path, proof, seed):
    """After a failed sync of the store's files nothing is acknowledged, the process says why and
    ends with another code than 0. (SQLite syncs the folder too when it makes a file, and passes
    over an error of that; so does this test.)"""
    server = start()
    assert server.stop() == 0
    for number in moments(proof):
        server.database = tmp_path / f"{number}.db"
        server.store = f"sqlite:{server.database}"
        trace = tmp_path / "trace"
        server.under = strace.recording(trace, "error=EIO", number)
        scripts = make_scripts(seed, 1, 1, STEPS)
        ended = run_to_its_end(server, scripts)
        recording = Recording(trace, tmp_path, server.database.name)
        place = failed_on(recording)
        if place is not None:
            assert not ended and server.exit_code > 0, (number, server.exit_code, server.log())
            later = [event.data[:100] for event in recording.events[place:]
                     if event.kind == "ack" and acknowledges(event.data)]
            assert later == [], f"acknowledged after the failed sync {number}"
            assert "sync" in server.log().lower() or "i/o error" in server.log().lower(), (
                server.log())
        check_after(server, scripts)
        if ended and "INJECTED" not in trace.read_text(encoding="ascii"):
            break
    assert number > STEPS // 2


def test_all_answers_wait_for_a_sync(start, tmp_path, seed):
    """Between two acknowledged writes of one connection there is a sync of the log or the file."""
    trace = tmp_path / "trace"
    server = start(under=strace.recording(trace))
    scripts = make_scripts(seed, 1, 1, STEPS)
    run_scripts(server.address, scripts)
    assert scripts[0].finished()
    assert request(server.address, "GET", "/health").status == 200
    assert server.stop() == 0
    recording = Recording(trace, tmp_path, server.database.name)
    written, synced, checked = False, True, 0
    for event in recording.events:
        if event.kind == "write":
            written, synced = True, False
        elif event.kind == "sync":
            synced = True
        elif event.kind == "ack" and b'"user_id"' in event.data and written:
            assert synced, "acknowledged before the sync"
            checked += 1
    assert checked > STEPS // 2
