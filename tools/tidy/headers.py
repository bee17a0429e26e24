#!/usr/bin/python3
"""Each header compiles alone, and may be included twice: headers.py ROOT [compiler flags]"""
import concurrent.futures
import os
import subprocess
import sys

from common import report, walk_sources

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def compile_alone(root, path, flags):
    name = path.removeprefix("src/")
    source = f'#include "{name}"\n#include "{name}"\n'
    done = subprocess.run(["gcc", *FLAGS, "-Isrc", "-I.", "-Ijsonstore", *flags, "-x", "c", "-"], cwd=root, text=True,
                          input=source, stderr=subprocess.PIPE, check=False)
    return [] if done.returncode == 0 else [f"{path}: does not compile alone\n{done.stderr}"]


def check(root, flags=()):
    paths = walk_sources(root, (".h",))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: compile_alone(root, path, flags), paths)
    return [complaint for result in results for complaint in result]


if __name__ == "__main__":
    report(check(sys.argv[1], sys.argv[2:]))
