"""Running the program under strace: making its syncs fail, and reading what it wrote and when.

Paths are taken from strace's own annotation of descriptors (-y), so that nothing here follows
open, dup and close. A call that is interrupted in the trace by another thread's counts as a write
or sync when it returned, and as an answer sent when it began: the order that asks most of the
program.

Of a call within which the process was ended by another thread strace says "?", "???" for its name,
or an error number that does not exist: the registers were gone before it could read them.
"""
import re
import shutil
from dataclasses import dataclass

SYNCS = "fsync,fdatasync"
FILE_CALLS = ("openat,open,creat,pwrite64,pwritev,pwritev2,write,writev,ftruncate,fallocate,"
              "rename,renameat,renameat2,unlink,unlinkat,link,linkat,sync_file_range,msync")
SOCKET_CALLS = "sendto,sendmsg"
LONGEST_STRING = 4 * 1024 * 1024
LARGEST_ERRNO = 4095


def available():
    return shutil.which("strace") is not None


def at_sync(trace, fault, number):
    """Prefix of a command: the number-th sync of any of its threads meets the fault, such as
    "signal=SIGKILL" or "error=EIO"."""
    return ["strace", "-f", "-y", "-o", str(trace), "-e", f"trace={SYNCS}",
            "-e", f"inject={SYNCS}:{fault}:when={number}"]


def recording(trace, fault=None, number=None):
    """Prefix of a command: everything that it writes or sends is in the file `trace`."""
    # With --seccomp-bpf, which is faster, strace miscounts `when`.
    more = ["--seccomp-bpf"] if fault is None else ["-e", f"inject={SYNCS}:{fault}:when={number}"]
    return ["strace", "-f", "-y", "-xx", "-s", str(LONGEST_STRING),
            "-o", str(trace), "-e", f"trace={FILE_CALLS},{SYNCS},{SOCKET_CALLS}",
            "-e", "signal=none", *more]


class UnknownCall(Exception):
    """A call that this reader, or the model of the disk, does not understand."""


@dataclass
class Call:
    name: str
    text: str           # between the parentheses
    result: int | None  # -1: it failed; None: the process ended within it
    began: int          # line numbers
    ended: int

    @property
    def failed(self):
        return self.result is None or self.result < 0


LINE = re.compile(r"^(\d+)\s+(.*)$")
WHOLE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)$", re.S)
UNFINISHED = re.compile(r"^(\w+)\((.*?)\s*<unfinished \.\.\.>$", re.S)
RESUMED = re.compile(r"^<\.\.\. (\w+|\?\?\?) resumed>(.*)$", re.S)
NO_ERRNO = re.compile(r" \(errno (\d+)\)")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
DESCRIPTOR = re.compile(r"^\s*(-?\d+|AT_FDCWD)(?:<((?:[^>\\]|\\.)*)>)?(\(deleted\))?")


def read_calls(trace):
    """The calls of a trace in the order of their ends; those that never ended come last."""
    calls, open_calls = [], {}
    with open(trace, encoding="ascii", errors="surrogateescape") as lines:
        for number, line in enumerate(lines):
            thread, rest = LINE.match(line.rstrip("\n")).groups()
            if rest.startswith(("+++", "---", "???")):
                continue
            began = UNFINISHED.match(rest)
            if began:
                open_calls[thread] = (began[1], began[2], number)
                continue
            first = number
            resumed = RESUMED.match(rest)
            if resumed:
                if resumed[1] == "???" and thread not in open_calls:
                    continue  # the end of a call that is not traced
                name, text, first = open_calls.pop(thread)
                rest = f"{name}({text}{resumed[2]}"
            whole = WHOLE.match(rest)
            if whole is None:
                raise UnknownCall(rest[:200])
            name, text, result, more = whole.groups()
            calls.append(Call(name, text, _result(result, more), first, number))
    end = max((call.ended for call in calls), default=0) + 1
    calls += [Call(name, text, None, first, end) for name, text, first in open_calls.values()]
    return calls


def _result(result, more):
    unread = NO_ERRNO.match(more)
    if result == "?" or (unread and int(unread[1]) > LARGEST_ERRNO):
        return None
    return int(result)


def strings(text):
    """The contents of the quoted strings of a call."""
    found = []
    for digits, cut in STRING.findall(text):
        if cut:
            raise UnknownCall("a string was cut off")
        found.append(bytes.fromhex(digits.replace("\\x", "")))
    return found


def unescape(text):
    """A path as -xx writes it, or as it is."""
    if "\\x" not in text:
        return text
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)


def descriptor_path(text):
    """Path of the file that the first argument is a descriptor of; "" when there is none."""
    match = DESCRIPTOR.match(text)
    if match is None or match[2] is None:
        return ""
    path = unescape(match[2])
    return "" if match[3] or path.endswith("(deleted)") else path


def integers_behind(text):
    """The arguments behind the last string or bracket: lengths and offsets."""
    tail = re.split(r'["\]}]', text)[-1]
    return [int(part) for part in re.findall(r"(?<![\w.])-?\d+(?![\w.])", tail)]
