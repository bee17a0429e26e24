#!/usr/bin/python3
"""The command: command_test.py PROGRAM"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = sys.argv.pop()


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_it(self, *arguments, code=0, text=None):
        done = subprocess.run([PROGRAM, *arguments], input=text, text=True, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def file(self, name):
        return Path(self.folder, name)

    def test_life(self):
        self.run_it("put", "--index", "age", self.folder, "people", '{"id": "ann", "age": 7}')
        self.run_it("put", self.folder, "people", text='{"id": 3, "age": 7.0}')
        self.run_it("put", self.folder, "people", "-", text='{"id": "bob", "age": 8}')
        self.assertEqual(self.run_it("get", self.folder, "people", "3"), '{"id":3,"age":7.0}\n')
        self.assertEqual(self.run_it("find", self.folder, "people", "age", "8"),
                         '{"id":"bob","age":8}\n')
        self.assertEqual(len(self.run_it("find", self.folder, "people", "age", "7").split()), 2)
        exported = self.run_it("export", self.folder, "people")
        self.assertEqual(exported, self.file("people.json").read_text())
        self.assertEqual([record["id"] for record in json.loads(exported)], ["ann", 3, "bob"])
        self.run_it("export", self.folder, "people", str(self.file("copy.json")))
        self.assertEqual(exported, self.file("copy.json").read_text())
        self.assertIn("3 records", self.run_it("verify", self.folder))
        self.run_it("checkpoint", self.folder)
        self.run_it("repair", "--use", "file", self.folder)

    def test_edited(self):
        self.run_it("put", self.folder, "people", '{"id": 1}')
        self.file("people.json").write_text('[{"id": 2},\n {"id": 2}]')
        self.assertIn("people.json:2:2: ", self.run_it("verify", self.folder, code=1))
        self.file("people.json").write_text('[{"id": 2}]')
        self.assertEqual(self.run_it("get", self.folder, "people", "2"), '{"id": 2}\n')

    def test_errors(self):
        self.assertIn("no store", self.run_it("get", self.folder, "people", "1", code=1))
        self.run_it("put", self.folder, "people", '{"id": 1}')
        self.assertIn("no such record", self.run_it("get", self.folder, "people", "2", code=1))
        self.assertIn("not JSON", self.run_it("put", self.folder, "people", "{", code=1))
        self.assertIn("no index", self.run_it("find", self.folder, "people", "a", "1", code=1))
        for wrong in [], ["no"], ["get"], ["put", "--no", "x"], ["repair", self.folder]:
            self.run_it(*wrong, code=2)

    def test_help(self):
        listed = self.run_it("--help")
        for name in "get", "put", "find", "export", "checkpoint", "verify", "repair":
            self.assertIn(f"jsonstore {name} ", listed)
            self.assertIn(f"jsonstore {name} ", self.run_it(name, "--help"))
        self.assertRegex(self.run_it("--version"), r"^jsonstore \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
