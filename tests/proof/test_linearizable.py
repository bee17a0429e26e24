"""Reads and writes of single rows are linearizable, cached or not: recorded histories of 32 clients
go through the checker in support/linearize.py (tested itself in tests/test_linearize.py)."""
import random

import pytest
from support import kv, swarm
from support.linearize import READ, NotLinearizable, Op, check
from support.workload import Budget

CLIENTS = 32
EPOCHS = 4


@pytest.mark.parametrize("cache", ["off", "memory"])
def test_single_rows_are_linearizable(start, tmp_path, proof, seed, cache):
    """Each epoch has keys of its own, from one hot key to many that are rarely met."""
    file = kv.write_service(tmp_path)
    file.write_text(kv.SERVICE + f"cache: {cache}\n", encoding="utf-8")
    server = start(file)
    rng = random.Random(seed)
    operations = 0
    for epoch in range(EPOCHS):
        keys = range(1000 * epoch, 1000 * epoch + (6, 8, 16, 64)[epoch])
        recorder = kv.Recorder(keys)
        budget = Budget((100_000 if proof else 8_000) // EPOCHS)
        swarm.run(server.address, [recorder.client(random.Random(rng.randrange(2 ** 62)), budget)
                                   for _ in range(CLIENTS)])
        check(recorder.histories)
        assert_check_has_teeth(recorder.histories)
        operations += recorder.operations
    assert operations >= (100_000 if proof else 8_000)
    assert server.stop() == 0, server.log()


def assert_check_has_teeth(histories):
    """In the very history that was accepted, one read made stale is refused."""
    key, ops = max(histories.items(), key=lambda item: len(item[1]))
    reads = sorted((op for op in ops if op.kind == READ), key=lambda op: op.invoked)
    last = reads[-1]
    changed = [op for op in ops if op is not last]
    changed.append(Op(READ, -1, last.invoked, last.returned))
    with pytest.raises(NotLinearizable):
        check({key: changed})
