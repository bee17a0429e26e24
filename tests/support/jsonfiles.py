"""What the proofs of the JSON files share: the program that drives them (jsonstore/tests/drive.c),
what its writes leave, and recordings of it for the model of the disk in disk.py.

Each user of the driver is a thread that takes one step after the other; a step is a transaction
over two collections. So for each user the state must be the one after some number of steps, and
that number at least the one that was acknowledged.
"""
import json
import os
import re
import shutil
import subprocess
import threading
from collections import defaultdict
from pathlib import Path

from support import strace
from support.disk import Disk
from support.powercut import Event
from support.server import program

DRIVE = Path(program()).parent / "jsonstore" / "tests" / "jsonstore-drive"
CALLS = f"openat,pwrite64,ftruncate,renameat,unlinkat,{strace.SYNCS}"
HIDDEN = ".jsonstore"
LOCK = f"{HIDDEN}/lock"
KEPT_RECORDS = 3
OTHER_USER = 0  # the one that `drive look` writes for


def at_call(trace, calls, fault, number):
    """Prefix of a command: the number-th of these calls of any of its threads meets the fault."""
    return ["strace", "-f", "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none",
            "-e", f"inject={calls}:{fault}:when={number}"]


def recording(trace, inject=None):
    """Prefix of a command: its writes and syncs, and the lines that it prints, are in the trace."""
    more = [] if inject is None else ["-e", f"inject={inject}"]
    return ["strace", "-f", "-y", "-xx", "-s", str(strace.LONGEST_STRING), "-o", str(trace),
            "-e", f"trace={strace.FILE_CALLS},{strace.SYNCS}", "-e", "signal=none", *more]


class Run:
    """A driver that writes; `acknowledged` is the last step of each user that it told of."""

    def __init__(self, folder, first, threads, steps, seconds=1000, under=()):
        self.users = range(first, first + threads)
        self.steps = steps
        self.acknowledged = dict.fromkeys(self.users, 0)
        command = [*under, DRIVE, "write", folder, first, threads, steps, seconds]
        self.process = subprocess.Popen([str(word) for word in command], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):
                user, step = map(int, line.split())
                assert step == self.acknowledged[user] + 1
                self.acknowledged[user] = step

    def wait(self):
        self.complaint = self.process.stderr.read()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait()


def expected(user, steps):
    """The records of a user after so many steps: {id: n}, of collection a and of b."""
    records = {f"{user}.{n % KEPT_RECORDS}": n
               for n in range(max(1, steps - KEPT_RECORDS + 1), steps + 1)}
    gone = {n - 2 for n in range(4, steps + 1, 4)}
    records |= {f"{user}+{n}": n for n in range(1, steps + 1) if n not in gone}
    return records, ({str(user): steps} if steps else {})


def by_user(records):
    found = defaultdict(dict)
    for record in records:
        user = int(re.match(r"\d+", record["id"])[0])
        assert record["id"] not in found[user], f"twice: {record['id']}"
        assert int(record["x"]) == record["n"] and record["v"] == record["n"] % 2, record
        found[user][record["id"]] = record["n"]
    return found


def complaint(state, acknowledged, issued=None):
    """What is wrong with a state that the driver printed; None when nothing is."""
    if state["code"] != 0:
        return state["message"]
    a = by_user(state["a"])
    b = by_user(record for record in state["b"] if record["id"] != str(OTHER_USER))
    for user in a.keys() | b.keys() | acknowledged.keys():
        steps = b[user].get(str(user), 0)
        if (a[user], b[user]) != expected(user, steps):
            return f"user {user} is not in the state of a step"
        if not acknowledged.get(user, 0) <= steps:
            return f"user {user}: step {acknowledged[user]} was acknowledged, {steps} is there"
        if issued is not None and steps > issued.get(user, 0):
            return f"user {user}: step {steps} of {issued.get(user, 0)}"
    return None


class Asked:
    """A driver that answers a line with a state: `hold` keeps a folder open, `look` opens each."""

    def __init__(self, *mode):
        self.process = subprocess.Popen([str(word) for word in (DRIVE, *mode)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if mode[0] == "hold":
            assert self.process.stdout.readline() == "open\n"

    def state(self, line=""):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def check_files(folder):
    """Whatever happened, another program reads the files: records of the driver, one a line."""
    for file in Path(folder).glob("*.json"):
        text = file.read_text()
        records = json.loads(text)
        by_user(record for record in records if record["id"] != str(OTHER_USER))
        assert len(text.splitlines()) == max(len(records), 0) + 2, file
    return True


# ---- recordings ----

ARGUMENT = re.compile(r'(?:AT_FDCWD|-?\d+)(?:<((?:[^>\\]|\\.)*)>)?, "((?:\\x[0-9a-f]{2})*)"')


class Recording:
    """The events of one run on the files of a folder and of .jsonstore; "ack" with the line."""

    def __init__(self, trace, folder):
        self.folder = os.path.realpath(folder)
        self.events = []
        for call in strace.read_calls(trace):
            for event in self._events_of(call):
                event.began = call.began
                event.at = call.began if event.kind == "ack" else call.ended
                self.events.append(event)
        self.events.sort(key=lambda event: event.at)

    def _name(self, path):
        name = os.path.relpath(os.path.normpath(path), self.folder)
        return None if name.startswith("..") or name == LOCK else name

    def _names(self, call):
        """The paths that a call of the *at family names."""
        found = []
        for folder, text in ARGUMENT.findall(call.text):
            path = bytes.fromhex(text.replace("\\x", "")).decode()
            found.append(self._name(os.path.join(strace.unescape(folder), path)))
        return found

    def _events_of(self, call):
        path = strace.descriptor_path(call.text)
        if call.name == "write":
            acknowledges = path.startswith("pipe:") and call.text.lstrip().startswith("1<")
            data = b"".join(strace.strings(call.text)) if acknowledges else b""
            return [Event("ack", data=data)] if data and call.result != -1 else []
        if call.name in ("fsync", "fdatasync"):
            return self._synced(call, path)
        if call.failed:
            return []
        if call.name == "openat":
            return self._opened(call)
        if call.name in ("unlinkat", "renameat"):
            names = self._names(call)
            if None in names:
                return []
            return [Event("unlink", names[0])] if call.name == "unlinkat" else [
                Event("rename", names[0], data=names[1].encode())]
        name = self._name(path) if path else None
        if name is None:
            return []
        if call.name == "pwrite64":
            data = b"".join(strace.strings(call.text))[:call.result]
            return [Event("write", name, strace.integers_behind(call.text)[-1], data)]
        if call.name == "ftruncate":
            return [Event("truncate", name, strace.integers_behind(call.text)[-1])]
        raise strace.UnknownCall(f"{call.name} on {name}")

    def _synced(self, call, path):
        name = self._name(path) if path else None
        if name is None or call.result is None:
            return []
        if name in (".", HIDDEN):
            return [] if call.failed else [Event("sync names", name)]
        return [Event("failed sync" if call.failed else "sync", name)]

    def _opened(self, call):
        names = self._names(call)
        if names in ([], [None]) or "O_CREAT" not in call.text:
            return []
        truncated = [Event("truncate", names[0], 0)] if "O_TRUNC" in call.text else []
        return [Event("create", names[0]), *truncated]


def folder_of(name):
    return HIDDEN if name.startswith(HIDDEN + "/") else "."


class Folders(Disk):
    """The folder and .jsonstore: names of each are on the disk after a sync of that folder. A
    rename from one to the other is two changes, so between their syncs a file may have both names
    or none."""

    def rename(self, old, new):
        inode = self.names.pop(old)
        self.names[new] = inode
        if folder_of(old) == folder_of(new):
            self.pending.append([(old, None), (new, inode)])
        else:
            self.pending += [[(new, inode)], [(old, None)]]

    def sync_folder(self, folder):
        mine = [change for change in self.pending if folder_of(change[0][0]) == folder]
        self.pending = [change for change in self.pending if folder_of(change[0][0]) != folder]
        for change in mine:
            self._change(self.durable, change)


def replay(disk, acknowledged, events):
    """Runs events on the disk; yields after each."""
    moments = {}
    starts = sorted((event.began, number) for number, event in enumerate(events)
                    if event.kind == "sync")
    for number, event in enumerate(events):
        # A sync covers what was written before it began, not before it ended.
        while starts and starts[0][0] <= event.at:
            moments[starts.pop(0)[1]] = disk.moment()
        name = event.name
        if event.kind == "ack":
            user, step = map(int, event.data.split())
            acknowledged[user] = step
        elif event.kind == "create":
            if not disk.exists(name):
                disk.create(name)
        elif event.kind == "write":
            disk.write(name, event.offset, event.data)
        elif event.kind == "truncate":
            disk.truncate(name, event.offset)
        elif event.kind == "sync":
            disk.sync(name, moments.pop(number))
        elif event.kind == "failed sync":
            disk.fail_sync(name)
        elif event.kind == "unlink":
            disk.unlink(name)
        elif event.kind == "rename":
            disk.rename(name, event.data.decode())
        elif event.kind == "sync names":
            disk.sync_folder(name)
        yield event


def put_files(folder, files, rng):
    """Makes the folder hold these files; the lock file, which is never synced, holds anything."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / HIDDEN).mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    if rng.random() < 0.7:
        (folder / LOCK).write_bytes(rng.randbytes(4096) if rng.random() < 0.5 else bytes(4096))
