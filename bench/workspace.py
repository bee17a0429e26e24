"""What the programs of this folder share: arguments, work folder, progress, how they end."""
import argparse
import fcntl
import os
import shutil
import signal
import sys
import time

from process import BenchError
from systems import HERE

ROOT = os.path.dirname(HERE)
KEPT = "kept"  # folder of the work folder that a run leaves to the next
BEGAN = time.monotonic()


def add_arguments(parser):
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "rowlock"),
                        help="the server under test (build/rowlock)")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--work", default=os.path.join(HERE, ".work"),
                        help="folder on a disk for databases and logs (bench/.work)")


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", flush=True)


def file_system(path):
    """Type of the file system below a folder."""
    best = ("", "unknown")
    with open("/proc/self/mounts") as file:
        for line in file:
            _, mount, kind = line.split()[:3]
            mount = mount.encode().decode("unicode_escape")
            if (path + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best[0]):
                best = (mount, kind)
    return best[1]


def prepare(work):
    """A work folder on a disk, empty but for what is kept, and its lock: one run at a time."""
    os.makedirs(work, exist_ok=True)
    if os.listdir(work) and not os.path.exists(os.path.join(work, "lock")):
        raise BenchError(f"{work} is not empty and no folder of an earlier run")
    lock = open(os.path.join(work, "lock"), "w")  # held, and so locked, until the end
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BenchError("another run uses the same work folder") from None
    kind = file_system(work)
    if kind in ("tmpfs", "ramfs"):
        raise BenchError(f"{work} lies on {kind}, where a durable write costs nothing: "
                         "--work FOLDER on a disk")
    for name in os.listdir(work):
        path = os.path.join(work, name)
        if name == KEPT:
            continue
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif name != "lock":
            os.unlink(path)
    return lock, kind


def main(name, run):
    """Runs `run` and exits with its result; signals and failures unwind, so all is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(run())
    except BenchError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{name}: interrupted, everything is stopped", file=sys.stderr)
        sys.exit(130)
