"""The servers of the query API's scenarios: the server under test, and a plain loop."""
import os
import shutil
import socket
import time

import load
import process
import rows
from http_client import Client
from process import BenchError
from systems import Rowlock, System


class Rows(System):
    """A server of rows.yaml, or of the same in other words: paths are the class's own."""

    scenarios = ("constant", "point", "item", "unchanged", "page", "to_one", "to_many", "insert")
    # The scenarios that are a GET: path, and from 1 to where its number goes.
    gets = {}
    unchanged = ""

    def target(self, scenario):
        if scenario in self.gets:
            path, numbers = self.gets[scenario]
            return load.Target("get", path, numbers)
        if scenario == "insert":
            return load.Target("post", "/notes", body='{"title":"a note of a few words","level":3}')
        if scenario == "unchanged":
            return load.Target(scenario, self.unchanged, tag=self._tag())
        return super().target(scenario)

    def _tag(self):
        """The tag of the row that is asked for again and again, after a look whether it works."""
        with Client(self.port) as client:
            _, head, _ = client.request("GET", self.unchanged)
            tag = next((line.partition(b":")[2].strip().decode() for line in head.split(b"\r\n")
                        if line.lower().startswith(b"etag:")), None)
            if tag is None:
                raise BenchError(f"{self.name}: {self.unchanged} has no ETag")
            client.send(Client.text("GET", self.unchanged, fields=f"If-None-Match: {tag}\r\n"))
            status, _, _ = client.receive()
            if status != 304:
                raise BenchError(f"{self.name}: {self.unchanged} with its tag answered {status}")
            return tag


class RowlockRows(Rows, Rowlock):
    """The server under test with rows.yaml, its rows copied from what is kept."""

    file = "rows.yaml"
    gets = {
        "point": ("/projects?id=eq.%d", rows.PROJECTS),
        "item": ("/projects/%d", rows.PROJECTS),
        "page": (f"/projects?id=gt.%d&order=id&limit={rows.PAGE}", rows.PROJECTS - rows.PAGE),
        "to_one": ("/projects?select=id,name,client:clients(id,name)&id=gt.%d&order=id"
                   f"&limit={rows.PAGE}", rows.PROJECTS - rows.PAGE),
        "to_many": ("/clients?select=id,name,projects(id,name)&id=gt.%d&order=id"
                    f"&limit={rows.PAGE}", rows.CLIENTS - rows.PAGE),
    }
    unchanged = "/projects?id=eq.777"
    streams = {"stream_json": ("/events", "application/json"),
               "stream_csv": ("/events", "text/csv"),
               "stream_ndjson": ("/events", "application/x-ndjson")}

    def __init__(self, work, core, binary, kept):
        super().__init__(work, core, binary)
        self.kept = kept

    def start_filled(self, say):
        say("rowlock: filling the tables")
        self.start()
        self.stop()
        rows.fill(self.store, self.kept)
        self.start()

    def start_empty(self):
        """With fresh tables: what was written before is gone."""
        self.stop()
        for name in os.listdir(self.work):
            if name.startswith(os.path.basename(self.store)):
                os.unlink(os.path.join(self.work, name))
        self.start()


class StreamLoop(System):
    """bench/stream_loop on the kept database."""

    name = "loop"
    title = "a plain C loop"
    streams = {"stream_json": ("/events.json", "*/*"), "stream_csv": ("/events.csv", "*/*"),
               "stream_ndjson": ("/events.ndjson", "*/*")}

    def __init__(self, work, core, binary, kept):
        super().__init__(work, core)
        self.binary = beside(binary, "stream_loop")
        self.store = os.path.join(work, "loop.db")
        self.kept = kept

    def start_filled(self, _say):
        shutil.copyfile(self.kept.database, self.store)
        self.spawn([self.binary, self.store, str(self.port)])
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError as error:
                if time.monotonic() > end or self.children[0].poll() is not None:
                    raise BenchError(f"{self.binary} does not start:\n"
                                     f"{process.tail(self.log)}") from error
            time.sleep(0.01)

    def version(self):
        return "SQLite's C interface and write()"


def beside(binary, name):
    """A program of this folder, in the build folder of the server under test."""
    path = os.path.join(os.path.dirname(os.path.abspath(binary)), "bench", name)
    if not os.access(path, os.X_OK):
        raise BenchError(f"{path} is missing: build it first (ninja bench/{name})")
    return path
