"""Is a history of one register linearizable? (Wing and Gong; just-in-time as in Lowe's.)

A history is a list of Op, one register's, in any order. Time passes over their invocations and
returns; the checker keeps every configuration that can explain what was seen so far: the value,
and which of the operations under way have taken effect already. Two configurations that are equal
are one (the memoization), so the work is bounded by the operations in flight, not by the length.
When an operation returns, only configurations stay in which it has taken effect with the result
that it reported; none left means that no order explains the history.
"""
import itertools
from dataclasses import dataclass
from typing import Any

WRITE, DELETE, READ = "write", "delete", "read"
MOST_CONFIGURATIONS = 2_000_000


@dataclass(frozen=True)
class Op:
    """`value` is what was written or read; None stands for "no row". `found` is what a write or
    delete reported: True, there was a row before; False, there was none; None, it did not say.
    An op with `maybe` was never acknowledged: until `returned` it took effect, or it never does."""
    kind: str
    value: Any
    invoked: float
    returned: float
    found: Any = None
    maybe: bool = False


class NotLinearizable(Exception):
    pass


def _apply(op, state):
    """(possible, next state)"""
    if op.kind == READ:
        return op.value == state, state
    if op.found is not None and op.found != (state is not None):
        return False, state
    return True, op.value if op.kind == WRITE else None


def _events(ops):
    """Invocations before returns of the same moment: then the two overlap, which is lenient."""
    events = []
    for number, op in enumerate(ops):
        if op.returned < op.invoked:
            raise ValueError(f"it returned before it began: {op}")
        events.append((op.invoked, 0, number))
        events.append((op.returned, 1, number))
    return sorted(events)


def _closure(configurations, under_way, wanted):
    """All configurations in which `wanted` has taken effect, after any others under way. A read
    takes effect as soon as the value is the one that it reported: it changes nothing, so later is
    never better."""
    bit = 1 << wanted
    reads, others = {}, []
    for slot, op in under_way.items():
        if op.kind == READ:
            reads[op.value] = reads.get(op.value, 0) | 1 << slot
        else:
            others.append((1 << slot, op))
    seen = {(state, effected | reads.get(state, 0)) for state, effected in configurations}
    done = {one for one in seen if one[1] & bit}
    todo = [one for one in seen if not one[1] & bit]
    while todo:
        state, effected = todo.pop()
        for mark, op in others:
            if effected & mark:
                continue
            possible, after = _apply(op, state)
            if not possible:
                continue
            one = (after, effected | mark | reads.get(after, 0))
            if one[1] & bit:
                done.add(one)
            elif one not in seen:
                seen.add(one)
                todo.append(one)
        if len(seen) > MOST_CONFIGURATIONS:
            raise OverflowError("too many operations in flight on one register")
    return done


def final_states(ops, initial=(None,)):
    """The values that the register can have after the history, from any of the initial ones.
    NotLinearizable when there are none."""
    # A configuration: the value, and a bit for each slot whose operation has taken effect.
    configurations = {(state, 0) for state in initial}
    under_way, slot_of = {}, {}
    for _, returns, number in _events(ops):
        op = ops[number]
        if not returns:
            slot = next(slot for slot in itertools.count() if slot not in under_way)
            under_way[slot], slot_of[number] = op, slot
            continue
        slot = slot_of.pop(number)
        after = _closure(configurations, under_way, slot)
        if op.maybe:
            after |= {one for one in configurations if not one[1] >> slot & 1}
        if not after:
            raise NotLinearizable(explain(ops, op, configurations))
        del under_way[slot]
        configurations = {(state, effected & ~(1 << slot)) for state, effected in after}
    return {state for state, _ in configurations}


def explain(ops, op, configurations):
    values = {state for state, _ in configurations}
    around = sorted((other for other in ops
                     if other.invoked <= op.returned and other.returned >= op.invoked - 0.05),
                    key=lambda other: other.invoked)
    lines = [f"  {other.invoked:.6f} - {other.returned:.6f} {other.kind} {other.value} "
             f"found={other.found} maybe={other.maybe}" for other in around[-30:]]
    return f"{op} cannot be: the value could be one of {values}; around it:\n" + "\n".join(lines)


def check(histories):
    """{key: ops} -> {key: possible final values}; every register begins without a row."""
    finals = {}
    for key, ops in histories.items():
        try:
            finals[key] = final_states(ops)
        except NotLinearizable as error:
            raise NotLinearizable(f"key {key}: {error}") from None
    return finals
