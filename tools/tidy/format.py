#!/usr/bin/python3
"""The sources are as clang-format would write them."""
import subprocess
import sys

from common import report, walk_sources


def check(root):
    paths = walk_sources(root, (".c", ".h"))
    if not paths:
        return []
    done = subprocess.run(["clang-format", "--style=file", "--dry-run", "-Werror", *paths],
                          cwd=root, text=True, stderr=subprocess.PIPE, check=False)
    if done.returncode == 0:
        return []
    return [done.stderr.rstrip(), "run: make fmt"]


if __name__ == "__main__":
    report(check(sys.argv[1]))
