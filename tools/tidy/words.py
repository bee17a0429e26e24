#!/usr/bin/python3
"""No marks of unfinished work, and no paths of somebody's own machine, in any text file."""
import re
import sys

from common import read, report, walk

MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
MACHINE_PATHS = re.compile(r"(?<![\w.~}])/(home|Users|root|work)/[\w.]")


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        mark = MARKS.search(line)
        if mark:
            yield f"{path}:{number}: {mark[0]}"
        if MACHINE_PATHS.search(line):
            yield f"{path}:{number}: a path of one machine"


def check(root):
    return [complaint for path in walk(root) for complaint in check_text(path, read(root, path) or "")]


if __name__ == "__main__":
    report(check(sys.argv[1]))
