#!/usr/bin/python3
"""Braces always: after if, else, for, while, do and switch."""
import re
import sys

from common import read, report, walk_sources

# Comments, strings, character constants, and preprocessor lines with their continuations.
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                      r'|^[ \t]*#(?:\\\n|[^\n])*', re.DOTALL | re.MULTILINE)
KEYWORD = re.compile(r"\b(if|else|for|while|do|switch)\b")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def after_parentheses(code, at):
    """The offset behind the parentheses that begin at or after `at`."""
    depth = 0
    for offset in range(at, len(code)):
        if code[offset] == "(":
            depth += 1
        elif code[offset] == ")":
            depth -= 1
            if depth == 0:
                return offset + 1
    return len(code)


def is_braced(code, match):
    at = match.end()
    if match[1] not in ("else", "do"):
        at = after_parentheses(code, at)
    rest = code[at:at + 200].lstrip()
    if match[1] == "else" and re.match(r"if\b", rest):
        return True
    # The end of a do-while.
    if match[1] == "while" and rest.startswith(";") and code[:match.start()].rstrip().endswith("}"):
        return True
    return rest.startswith("{")


def check_text(path, text):
    code = NOT_CODE.sub(blank, text)
    for match in KEYWORD.finditer(code):
        if not is_braced(code, match):
            number = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{number}: no braces after {match[1]}"


def check(root):
    return [complaint for path in walk_sources(root, (".c", ".h"))
            for complaint in check_text(path, read(root, path))]


if __name__ == "__main__":
    report(check(sys.argv[1]))
