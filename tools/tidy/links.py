#!/usr/bin/python3
"""Relative links in the documents lead to files that exist."""
import os
import re
import sys
import urllib.parse

from common import read, report, walk

LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^\s*(```|~~~)")


def find_links(text):
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            for match in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
                yield number, match[1]


def check(root):
    complaints = []
    for path in walk(root, "", (".md",)):
        for number, link in find_links(read(root, path)):
            target = urllib.parse.unquote(link.partition("#")[0])
            if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            base = root if target.startswith("/") else os.path.join(root, os.path.dirname(path))
            if not os.path.exists(os.path.join(base, target.lstrip("/"))):
                complaints.append(f"{path}:{number}: {link} does not exist")
    return complaints


if __name__ == "__main__":
    report(check(sys.argv[1]))
