#!/usr/bin/python3
"""The README's examples are run; the services of examples/ run in several processes at once."""
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

import jsonstore  # noqa: E402

WAIT_SECONDS = 60
CLIENTS, ROUNDS = 4, 15


class Readme(unittest.TestCase):
    def test_examples(self):
        text = (ROOT / "README.md").read_text()
        programs = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        wanted = re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)
        names, before = {}, os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            try:
                os.chdir(folder)
                for program in programs:
                    said = io.StringIO()
                    with contextlib.redirect_stdout(said):
                        exec(program, names)
                    self.assertEqual(said.getvalue().splitlines(),
                                     re.findall(r"print\(.*\)\s*# (.*)", program))
                self.assertEqual(Path("data/users.json").read_text(), wanted[0])
            finally:
                os.chdir(before)
        self.assertEqual(len(programs), 3)

    def test_names(self):
        """All that is public is told."""
        text = (ROOT / "README.md").read_text()
        for name in jsonstore.__all__:
            if name not in ("Cursor", "LockedTransaction", "Record", "Snapshot", "Stamp",
                            "Statistics", "Transaction", "library_version"):
                self.assertRegex(text, rf"\b{name}\b")


class Service:
    """A process, and those that it starts, which says where it listens."""

    def __init__(self, folder, *command):
        environment = {**os.environ, "NOTES_FOLDER": folder, "PYTHONPATH": str(ROOT),
                       "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        cwd=EXAMPLES)
        self.said = []
        self.url = None
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found and self.url is None:
                self.url = found[0]
                self.listening.set()
        self.listening.set()

    def wait(self):
        if not self.listening.wait(WAIT_SECONDS) or self.url is None:
            raise AssertionError("it does not listen: " + "".join(self.said))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def ask(self, method, path, body=None):
        """(status, JSON)"""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
                return error.code, json.loads(text)


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, commands):
        services = []
        for command in commands:
            services.append(Service(self.folder, sys.executable, *command))
            self.addCleanup(services[-1].stop)
        for service in services:
            service.wait()
        return services

    def check_api(self, services):
        """What one process has written, the next one reads."""
        first, last = services[0], services[-1]
        milk = {"id": "milk \u00e9", "text": "buy milk", "tag": "home"}
        path = "/notes/" + quote(milk["id"])
        self.assertEqual(first.ask("POST", "/notes", milk), (201, milk))
        self.assertEqual(last.ask("POST", "/notes", milk)[0], 409)
        self.assertEqual(last.ask("POST", "/notes", {"text": "without id"})[0], 400)
        self.assertEqual(last.ask("GET", path), (200, milk))
        self.assertEqual(last.ask("GET", "/notes?tag=home"), (200, [milk]))
        self.assertEqual(last.ask("GET", "/notes?tag=work"), (200, []))
        self.assertEqual(last.ask("PATCH", path, {"text": "bought"}),
                         (200, {**milk, "text": "bought"}))
        self.assertEqual(first.ask("GET", "/notes"), (200, [{**milk, "text": "bought"}]))
        self.assertEqual(first.ask("DELETE", path), (204, None))
        self.assertEqual(last.ask("GET", path)[0], 404)
        self.assertEqual(last.ask("DELETE", path)[0], 404)
        self.assertEqual(last.ask("GET", "/notes"), (200, []))

    def check_together(self, services):
        """Clients of all processes insert the same ids: each is taken once, none is lost."""
        taken, failures = [], []

        def work(client):
            try:
                for number in range(ROUNDS):
                    service = services[(client + number) % len(services)]
                    status, _ = service.ask("POST", "/notes", {"id": f"shared-{number}",
                                                               "tag": str(client)})
                    if status == 201:
                        taken.append(number)
                    elif status != 409:
                        failures.append(status)
                    key = f"{client}-{number}"
                    own = service.ask("POST", "/notes", {"id": key, "n": 0})[0]
                    other = services[(client + number + 1) % len(services)]
                    if own != 201 or other.ask("PATCH", f"/notes/{key}", {"n": 1})[0] != 200:
                        failures.append(key)
            except Exception as error:
                failures.append(error)

        clients = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(failures, [])
        self.assertEqual(sorted(taken), list(range(ROUNDS)))
        for service in services:
            status, notes = service.ask("GET", "/notes")
            self.assertEqual((status, len(notes)), (200, ROUNDS * (CLIENTS + 1)))
        for service in services:
            service.stop()
        with jsonstore.open(self.folder) as store:
            store.verify()
            self.assertEqual(sum(note.get("n") == 1 for note in store.collection("notes")),
                             ROUNDS * CLIENTS)
        notes = json.loads(Path(self.folder, "notes.json").read_text())
        self.assertEqual(len(notes), ROUNDS * (CLIENTS + 1))

    @staticmethod
    def gunicorn(application):
        return ("-m", "gunicorn", "--workers=3", "--bind=127.0.0.1:0", "--access-logfile=/dev/null",
                "--worker-tmp-dir=/dev/shm", application)

    @unittest.skipUnless(find_spec("gunicorn"), "needs gunicorn")
    def test_wsgi(self):
        services = self.start([("wsgi_app.py", "0"), ("wsgi_app.py", "0"),
                               self.gunicorn("wsgi_app:application")])
        self.check_api(services)
        self.check_together(services)

    @unittest.skipUnless(find_spec("flask") and find_spec("gunicorn"), "needs Flask and gunicorn")
    def test_flask(self):
        services = self.start([("flask_app.py", "0"), self.gunicorn("flask_app:create_app()")])
        self.check_api(services)
        self.assertEqual(services[0].ask("POST", "/notes", {"id": "a"})[0], 201)
        self.assertEqual(services[1].ask("POST", "/notes/a/move", {"id": "b"}), (204, None))
        self.assertEqual(services[0].ask("GET", "/notes"), (200, [{"id": "b"}]))
        self.assertEqual(services[0].ask("DELETE", "/notes/b")[0], 204)
        self.check_together(services)


if __name__ == "__main__":
    unittest.main()
