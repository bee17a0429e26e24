#!/usr/bin/python3
"""The libraries have no mutable globals and no function statics: globals.py ROOT LIBRARY...

Looks at the sections of its symbols: .data, .bss and thread-local data are mutable. (.data.rel.ro
is not: constant tables of pointers live there.) What must be is named in tools/tidy/globals.txt.
"""
import re
import subprocess
import sys

from common import read_allowed, report

MUTABLE = re.compile(r"^(\.data|\.bss|\.tdata|\.tbss)(\.(?!rel\.ro)|$)|^\*COM\*$")


def find_mutable(listing):
    """(object file, symbol) of each mutable variable in a listing of `objdump -t`."""
    file = "?"
    for line in listing.splitlines():
        if ":     file format" in line:
            file = line.split(":")[0]
            continue
        # address, seven columns of flags, section, tab, size, name
        match = re.match(r"^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ (.+)$", line)
        # Lower-case d marks the sections themselves; thread-local variables have no O.
        if match and "d" not in match[1] and MUTABLE.match(match[2]):
            # A function's static is called name.NUMBER by gcc and function.name by clang.
            yield file, re.sub(r"\.\d+$", "", match[3].split()[-1])


def check(library, allowed):
    listing = subprocess.run(["objdump", "-t", library], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    return [f"{file}: {name} is a mutable variable of the whole program"
            for file, name in find_mutable(listing) if name not in allowed]


if __name__ == "__main__":
    names = read_allowed(sys.argv[1], "tools/tidy/globals.txt")
    report([complaint for library in sys.argv[2:] for complaint in check(library, names)])
