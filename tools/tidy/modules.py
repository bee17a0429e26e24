#!/usr/bin/python3
"""x.c has x.h beside it, is named in its folder's meson.build, and a header begins with a comment.

Exceptions: main.c; commands (app/command_*.c); tests and fuzzers (*_test.c, *_fuzz.c and helpers
*_test_*.c); and members of a family, x_y.c, when the folder has x.h or x_priv.h.
"""
import os
import re
import sys

from common import read, report, walk_sources


def needs_header(path):
    name = os.path.basename(path)
    return not (name == "main.c" or path.startswith("src/app/command_")
                or re.search(r"_(test|fuzz)(_.*)?\.c$", name))


def has_header(root, path):
    folder, stem = os.path.dirname(path), os.path.basename(path)[:-2]
    while True:
        for ending in (".h", "_priv.h"):
            if os.path.exists(os.path.join(root, folder, stem + ending)):
                return True
        stem, underscore, _ = stem.rpartition("_")
        if not underscore:
            return False


def begins_with_comment(text):
    """The comment stands first, or right after the include guard."""
    rest = re.sub(r"\A\s*(#pragma once|#ifndef \w+\s+#define \w+)\s*", "", text)
    return rest.lstrip().startswith("/*")


def check_built(root, path):
    folder, name = os.path.split(path)
    built = read(root, os.path.join(folder, "meson.build")) or ""
    return name == "main.c" or f"'{name}'" in built


def check(root):
    complaints = []
    for path in walk_sources(root, (".c", ".h")):
        if path.endswith(".h"):
            if not begins_with_comment(read(root, path)):
                complaints.append(f"{path}:1: a header begins with a comment on its purpose")
            continue
        if needs_header(path) and not has_header(root, path):
            complaints.append(f"{path}: there is no {os.path.basename(path)[:-2]}.h beside it")
        if not check_built(root, path):
            complaints.append(f"{path}: not in {os.path.dirname(path)}/meson.build")
    return complaints


if __name__ == "__main__":
    report(check(sys.argv[1]))
