"""Replays a recorded run on a model disk: where it wrote, synced, and acknowledged."""
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from support.ratings import COUNTS_QUERY, RATINGS_QUERY, difference
from support.strace import (UnknownCall, descriptor_path, integers_behind, read_calls, strings)

SOCKET_NAMES = ("write", "writev", "sendto", "sendmsg")
IGNORED_SUFFIX = "-shm"  # an index that is built anew at each start


@dataclass
class Event:
    """A call on a file of the store, or an answer: kind "ack" with the connection's socket."""
    kind: str
    name: str = ""
    offset: int = 0
    data: bytes = b""
    began: int = 0  # line of the trace
    at: int = 0     # line of the trace where it counts


class Recording:
    """The events of one run, from its trace, for the files of one folder."""

    def __init__(self, trace, folder, only):
        self.folder = os.path.realpath(folder)
        self.only = only  # the names of the store's files begin with this
        self.events = []
        for call in read_calls(trace):
            for event in self._events_of(call):
                event.began = call.began
                event.at = call.began if event.kind == "ack" else call.ended
                self.events.append(event)
        self.events.sort(key=lambda event: event.at)

    def _name(self, path):
        """Name within the folder; None for files that do not belong to the store."""
        if not path.startswith("/"):
            path = os.path.join(self.folder, path)
        folder, name = os.path.split(os.path.normpath(path))
        ours = folder == self.folder and name.startswith(self.only)
        return name if ours and not name.endswith(IGNORED_SUFFIX) else None

    def _events_of(self, call):
        path = descriptor_path(call.text)
        if path.startswith(("socket:", "TCP:", "TCPv6:")):
            return self._sent(call, path)
        if call.name in ("fsync", "fdatasync"):
            return self._synced(call, path)
        if call.failed:
            return []
        if call.name in ("openat", "open", "creat"):
            return self._opened(call)
        if call.name in ("unlink", "unlinkat"):
            name = self._name(strings(call.text)[0].decode())
            return [Event("unlink", name)] if name else []
        if call.name in ("rename", "renameat", "renameat2", "link", "linkat"):
            names = [self._name(text.decode()) for text in strings(call.text)]
            return self._renamed(call, names)
        name = self._name(path) if path else None
        return self._written(call, name) if name else []

    def _sent(self, call, path):
        if call.name not in SOCKET_NAMES or call.result in (-1, 0):
            return []
        # One that never ended may well have been delivered.
        return [Event("ack", path, data=b"".join(strings(call.text))[:call.result])]

    def _synced(self, call, path):
        if os.path.normpath(path or "/") == self.folder:
            return [] if call.failed else [Event("sync names")]
        if call.result is None:
            return []
        name = self._name(path) if path else None
        if name is None:
            return []
        return [Event("failed sync" if call.failed else "sync", name)]

    def _opened(self, call):
        name = self._name(strings(call.text)[0].decode())
        if name is None:
            return []
        create = "O_CREAT" in call.text or call.name == "creat"
        events = [Event("create", name)] if create else []
        if "O_TRUNC" in call.text or call.name == "creat":
            events.append(Event("truncate", name, 0))
        return events

    @staticmethod
    def _renamed(call, names):
        if names == [None, None]:
            return []
        if call.name.startswith("link") or None in names:
            raise UnknownCall(call.text[:200])
        return [Event("rename", names[0], data=names[1].encode())]

    @staticmethod
    def _written(call, name):
        if call.name in ("pwrite64", "pwritev"):
            data = b"".join(strings(call.text))[:call.result]
            return [Event("write", name, integers_behind(call.text)[-1], data)]
        if call.name == "ftruncate":
            return [Event("truncate", name, integers_behind(call.text)[-1])]
        if call.name == "fallocate":
            offset, length = integers_behind(call.text)[-2:]
            return [] if "KEEP_SIZE" in call.text else [Event("grow", name, offset + length)]
        if call.name == "sync_file_range":
            return []
        raise UnknownCall(f"{call.name} on {name}")


class Replay:
    """Runs events on a disk and counts what each script's connection was told."""

    def __init__(self, disk, scripts):
        self.disk = disk
        self.scripts = {script.user: script for script in scripts}
        self.acknowledged = {script.user: 0 for script in scripts}
        self.sockets = {}
        self.sync_moments = {}

    def begin_run(self):
        """The next events are those of another process: its sockets are new."""
        self.sockets = {}

    def play(self, events):
        """Yields each event after it happened on the disk; acknowledgements too."""
        starts = sorted((event.began, number) for number, event in enumerate(events)
                        if event.kind == "sync")
        for number, event in enumerate(events):
            # A sync covers what was written before it began, not before it ended.
            while starts and starts[0][0] <= event.at:
                self.sync_moments[starts.pop(0)[1]] = self.disk.moment()
            self._happen(number, event)
            yield event

    def _happen(self, number, event):
        disk, name = self.disk, event.name
        if event.kind == "ack":
            self._answer(name, event.data)
        elif event.kind == "create":
            if not disk.exists(name):
                disk.create(name)
        elif event.kind == "write":
            disk.write(name, event.offset, event.data)
        elif event.kind == "truncate":
            disk.truncate(name, event.offset)
        elif event.kind == "grow":
            if event.offset > len(disk.names[name].state("kept", None)):
                disk.truncate(name, event.offset)
        elif event.kind == "sync":
            disk.sync(name, self.sync_moments.pop(number))
        elif event.kind == "failed sync":
            disk.fail_sync(name)
        elif event.kind == "unlink":
            disk.unlink(name)
        elif event.kind == "rename":
            disk.rename(name, event.data.decode())
        elif event.kind == "sync names":
            disk.sync_names()
        else:
            raise UnknownCall(event.kind)

    def _answer(self, socket, data):
        """An answer counts once all of it was handed over. The first one of a connection names its
        user, also when the number of a closed socket is used again."""
        known = self.sockets.setdefault(socket, {"user": None, "rest": b""})
        known["rest"] += data
        while known["rest"]:
            head, mark, rest = known["rest"].partition(b"\r\n\r\n")
            if not mark:
                return
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if length is None or len(rest) < int(length[1]):
                return
            body, known["rest"] = rest[:int(length[1])], rest[int(length[1]):]
            status = int(head.split(b" ", 2)[1])
            user = re.search(rb'"user_id": ?(-?\d+)', body)
            if user and int(user[1]) in self.scripts:
                known["user"] = int(user[1])
            if known["user"] is not None and status in (200, 201):
                self.acknowledged[known["user"]] += 1


class Broken(Exception):
    """A state of the disk from which the store does not come back as it should."""


def read_after_crash(files, database, folder):
    """Opens the store as SQLite itself would after the crash, in a folder of its own: {(user,
    item): type}. A file that never came to be, or without tables yet, holds nothing."""
    for old in Path(folder).iterdir():
        old.unlink()
    for name, data in files.items():
        (Path(folder) / name).write_bytes(data)
    if database not in files:
        return {}
    connection = sqlite3.connect(Path(folder) / database)
    try:
        verdict = connection.execute("pragma integrity_check").fetchall()
        if verdict != [("ok",)]:
            raise Broken(f"integrity_check: {verdict[:5]}")
        tables = {row[0] for row in connection.execute("select name from sqlite_master")}
        if not {"ratings", "counts"} <= tables:
            return {}
        rows = connection.execute(RATINGS_QUERY).fetchall()
        wrong = difference(rows, connection.execute(COUNTS_QUERY).fetchall())
    except sqlite3.DatabaseError as error:
        raise Broken(str(error)) from error
    finally:
        connection.close()
    if wrong:
        raise Broken(f"(user, type): (counted, true) = {wrong}")
    return {(user, item): kind for user, item, kind in rows}

