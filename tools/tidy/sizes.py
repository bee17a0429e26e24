#!/usr/bin/python3
"""Functions up to 70 lines, files up to 800, headers up to 250, lines up to 100 columns."""
import sys

from common import read, report, walk_sources

FUNCTION_LINES = 70
FILE_LINES = 800
HEADER_LINES = 250
COLUMNS = 100
TAB = 4


def check_functions(path, lines):
    """A function is what stands between a { and a } that are alone in the first column."""
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            length = number - begin + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{begin}: function of {length} lines, at most {FUNCTION_LINES}"
            begin = None


def check_text(path, text):
    lines = text.splitlines()
    limit = HEADER_LINES if path.endswith(".h") else FILE_LINES
    if len(lines) > limit:
        yield f"{path}: {len(lines)} lines, at most {limit}"
    for number, line in enumerate(lines, 1):
        columns = len(line.expandtabs(TAB))
        if columns > COLUMNS:
            yield f"{path}:{number}: {columns} columns, at most {COLUMNS}"
    yield from check_functions(path, lines)


def check(root):
    return [complaint for path in walk_sources(root, (".c", ".h"))
            for complaint in check_text(path, read(root, path))]


if __name__ == "__main__":
    report(check(sys.argv[1]))
