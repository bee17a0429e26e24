"""The checker itself: it must accept what is linearizable and refuse what is not."""
import itertools
import random

import pytest
from support.linearize import (DELETE, READ, WRITE, NotLinearizable, Op, _apply, check,
                               final_states)


def w(value, invoked, returned, **more):
    return Op(WRITE, value, invoked, returned, **more)


def d(invoked, returned, **more):
    return Op(DELETE, None, invoked, returned, **more)


def r(value, invoked, returned):
    return Op(READ, value, invoked, returned)


GOOD = {
    "nothing": ([], {None}),
    "one after the other": ([w(1, 0, 1), r(1, 2, 3), w(2, 4, 5), r(2, 6, 7)], {2}),
    "a read during a write sees the old": ([w(1, 0, 1), w(2, 2, 9), r(1, 3, 4)], {2}),
    "a read during a write sees the new": ([w(1, 0, 1), w(2, 2, 9), r(2, 3, 4)], {2}),
    "old, then new, during one write": ([w(1, 0, 1), w(2, 2, 9), r(1, 3, 4), r(2, 5, 6)], {2}),
    "two writes at once end either way": ([w(1, 0, 9), w(2, 0, 9)], {1, 2}),
    "a read settles which was last": ([w(1, 0, 9), w(2, 0, 9), r(1, 10, 11)], {1}),
    "deleted": ([w(1, 0, 1), d(2, 3, found=True), r(None, 4, 5), d(6, 7, found=False)], {None}),
    "created and replaced": ([w(1, 0, 1, found=False), w(2, 2, 3, found=True)], {2}),
    "found settles the order": ([w(1, 0, 9, found=True), w(2, 0, 9, found=False)], {1}),
    "an unknown write never happened": ([w(1, 0, 1), w(2, 2, 5, maybe=True), r(1, 6, 7)], {1}),
    "an unknown write happened": ([w(1, 0, 1), w(2, 2, 5, maybe=True), r(2, 6, 7)], {2}),
    "an unknown write, nobody looked": ([w(1, 0, 1), w(2, 2, 5, maybe=True)], {1, 2}),
    "an unknown write was seen": ([w(2, 0, 5, maybe=True), r(2, 1, 2), r(2, 6, 7)], {2}),
}

BAD = {
    "a read of what was never written": [r(1, 0, 1)],
    "a stale read": [w(1, 0, 1), w(2, 2, 3), r(1, 4, 5)],
    "a stale read after the delete": [w(1, 0, 1), d(2, 3), r(1, 4, 5)],
    "a lost update": [w(1, 0, 1), r(None, 2, 3)],
    "new, then old, during one write": [w(1, 0, 1), w(2, 2, 9), r(2, 3, 4), r(1, 5, 6)],
    "readers see two writes in two orders": [
        w(1, 0, 9), w(2, 0, 9), r(1, 10, 11), r(2, 12, 13)],
    "a read from the future": [r(1, 0, 1), w(1, 2, 3)],
    "created twice": [w(1, 0, 1, found=False), w(2, 2, 3, found=False)],
    "deleted twice": [w(1, 0, 1), d(2, 3, found=True), d(4, 5, found=True)],
    "both of two deletes at once found it": [w(1, 0, 1), d(2, 9, found=True), d(2, 9, found=True)],
    "replaced what was not there": [w(1, 0, 1, found=True)],
    "an unknown write takes effect after the crash": [
        w(1, 0, 1), w(2, 2, 5, maybe=True), r(1, 6, 7), r(2, 8, 9)],
    "an unknown write vanishes after it was seen": [
        w(1, 0, 1), w(2, 2, 5, maybe=True), r(2, 3, 4), r(1, 6, 7)],
    "an acknowledged write is lost in the crash": [
        w(1, 0, 1), w(2, 2, 3), w(3, 4, 5, maybe=True), r(1, 6, 7)],
}


@pytest.mark.parametrize("name", GOOD)
def test_accepts(name):
    ops, finals = GOOD[name]
    assert final_states(ops) == finals


@pytest.mark.parametrize("name", BAD)
def test_refuses(name):
    with pytest.raises(NotLinearizable):
        final_states(BAD[name])


@pytest.mark.parametrize("name", BAD)
def test_refuses_it_inside_a_long_history_too(name):
    before = [w(-1, -100, -99), *(r(-1, -98 + i, -97.5 + i) for i in range(40)), d(-50, -49)]
    after = [w(7, 100, 101), r(7, 102, 103)]
    with pytest.raises(NotLinearizable):
        check({"other": [w(1, 0, 1)], "this": before + BAD[name] + after})


def possible_by_trying_all_orders(ops):
    """The definition itself: some order that respects time explains every result."""
    for count in range(len(ops) + 1):
        for chosen in itertools.combinations(ops, count):
            if any(not op.maybe and op not in chosen for op in ops):
                continue
            for order in itertools.permutations(chosen):
                if explains(order):
                    return True
    return False


def explains(order):
    state = None
    for place, op in enumerate(order):
        if any(later.returned < op.invoked for later in order[place + 1:]):
            return False
        possible, state = _apply(op, state)
        if not possible:
            return False
    return True


def random_op(rng, number):
    invoked = rng.randrange(0, 12)
    # Odd returns and even invocations never meet, so that "at the same moment" does not matter.
    times = (invoked * 2 + number * 1e-6, (invoked + rng.randrange(0, 6)) * 2 + 1 + number * 1e-6)
    kind = rng.choice((WRITE, WRITE, READ, READ, DELETE))
    found = None if kind == READ else rng.choice((None, True, False))
    value = None if kind == DELETE else rng.choice((1, 2, None) if kind == READ else (1, 2))
    return Op(kind, value, *times, found=found, maybe=kind != READ and rng.random() < 0.2)


def test_agrees_with_the_definition(seed):
    rng = random.Random(seed)
    verdicts = {True: 0, False: 0}
    for _ in range(1500):
        ops = [random_op(rng, number) for number in range(rng.randrange(1, 6))]
        expected = possible_by_trying_all_orders(ops)
        try:
            final_states(ops)
            accepted = True
        except NotLinearizable:
            accepted = False
        assert accepted == expected, ops
        verdicts[accepted] += 1
    assert min(verdicts.values()) > 100, verdicts
