#!/usr/bin/python3
"""Includes obey tools/layers.txt: a file includes its own folder and the listed ones.

jsonstore/ is a library of its own: its files include each other, without a folder, and nothing else.
"""
import os
import re
import sys

from common import read, report, walk

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]*)"')
# Made by the build; belongs to no layer.
GENERATED = {"rowlock_config.h"}


def read_table(text):
    """The table as {layer: allowed folders}, and complaints about the table itself."""
    table, complaints = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, rest = line.partition(":")
        name, allowed = name.strip(), rest.split()
        if not colon or name in table:
            complaints.append(f"tools/layers.txt:{number}: not `layer: folders`, or named twice")
            continue
        if allowed == ["everything"]:
            allowed = list(table)
        for folder in allowed:
            if folder not in table:
                complaints.append(f"tools/layers.txt:{number}: {folder} is not above {name}")
        table[name] = set(allowed) | {name}
    return table, complaints


def check_file(path, text, table):
    layer = path.split("/")[1]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match or match[1] in GENERATED:
            continue
        folder, slash, rest = match[1].partition("/")
        if not slash or "/" in rest or folder.startswith("."):
            yield f'{path}:{number}: write the include as "folder/file.h"'
        elif folder not in table[layer]:
            yield f"{path}:{number}: {layer} may not include {folder}"
        elif rest.endswith("_priv.h") and folder != layer:
            yield f"{path}:{number}: {match[1]} is for its own folder"


def check_library_file(root, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match and not any(os.path.exists(os.path.join(root, "jsonstore", folder, match[1]))
                             and "/" not in match[1] for folder in ("", "src", "tests")):
            yield f"{path}:{number}: jsonstore may not include {match[1]}"


def check(root):
    table, complaints = read_table(read(root, "tools/layers.txt") or "")
    for path in walk(root, "src", (".c", ".h")):
        parts = path.split("/")
        if len(parts) != 3 or parts[1] not in table:
            complaints.append(f"{path}: not in a folder that tools/layers.txt names")
        else:
            complaints += check_file(path, read(root, path), table)
    for path in walk(root, "jsonstore", (".c", ".h")):
        complaints += check_library_file(root, path, read(root, path))
    return complaints


if __name__ == "__main__":
    report(check(sys.argv[1]))
