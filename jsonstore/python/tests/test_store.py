#!/usr/bin/python3
"""The package over the library that JSONSTORE_LIBRARY names."""
import copy
import errno
import gc
import json
import os
import pickle
import sys
import tempfile
import threading
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

import jsonstore  # noqa: E402


class StoreTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.before = len(os.listdir("/proc/self/fd"))
        self.store = self.open()

    def tearDown(self):
        self.store.close()
        self.assertEqual(self.store._users, 0)
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.before)

    def open(self, **options):
        store = jsonstore.open(self.folder, **options)
        self.addCleanup(store.close)
        return store

    def users(self, **schema):
        return self.store.collection("users", **{"key": "id", "index": ["email"], **schema})

    def raised(self, kind, function, *arguments, **named):
        with self.assertRaises(kind) as caught:
            function(*arguments, **named)
        self.assertIs(type(caught.exception), kind)
        return caught.exception


class Records(StoreTest):
    def test_life(self):
        users = self.users()
        users.put({"id": "ann", "email": "a@b", "deep": {"list": [1, 2.5, None, "\u00e9\u20ac"]}})
        self.assertEqual(users["ann"]["deep"], {"list": [1, 2.5, None, "\u00e9\u20ac"]})
        users.insert({"id": 12, "email": None})
        self.assertEqual(users.get("12"), {"id": 12, "email": None})
        self.assertIn(12, users)
        self.assertNotIn("bob", users)
        self.assertEqual(users.get("bob", 5), 5)
        users.patch("ann", {"email": "c@d", "deep": None})
        self.assertEqual(users["ann"], {"id": "ann", "email": "c@d"})
        self.assertEqual([user["id"] for user in users], ["ann", 12])
        self.assertEqual([user["id"] for user in users.find("email", "c@d")], ["ann"])
        self.assertEqual([user["id"] for user in users.find("email", None)], [12])
        self.assertEqual(list(users.find("email", "a@b")), [])
        users.delete("ann")
        self.assertIsNone(users.get("ann"))

    def test_record_remembers_its_text(self):
        (self.folder / "edited.json").write_text('[{"id": 1,  "x": 1.50}]')
        edited = self.store.collection("edited")
        record = edited[1]
        self.assertEqual(record.text, b'{"id": 1,  "x": 1.50}')
        for other in copy.copy(record), pickle.loads(pickle.dumps(record)):
            self.assertEqual((other, other.text), (record, record.text))
        record["x"] = 2
        with self.store.transaction() as t:
            t.require(edited, 1, record)
            t.put(edited, record)
        self.assertEqual(edited[1].text, b'{"id":1,"x":2}')

    def test_keys_that_are_none(self):
        users = self.users()
        for key in None, True, 1.5, b"ann", "\ud800":
            with self.subTest(key=key):
                self.raised(jsonstore.InvalidError, users.get, key)
        self.raised(jsonstore.LimitError, users.get, "x" * 1025)
        self.assertIsNone(users.get("x" * 1024))
        users.put({"id": "a\0b"})
        self.assertEqual(users["a\0b"], {"id": "a\0b"})

    def test_records_that_are_none(self):
        users = self.users()
        endless = {}
        endless["endless"] = endless
        for record in ({"id": 1, "x": {1}}, {"id": 1, "x": float("nan")}, {"no": 1}, [1], None, 5,
                       {"id": 1, "x": "\ud800"}, {"id": 1.5}, endless):
            with self.subTest(record=record):
                self.raised(jsonstore.InvalidError, users.put, record)
        self.assertEqual(list(users), [])

    def test_collections(self):
        self.users()
        plain = self.store.collection("users")
        plain.put({"id": 1, "age": 3})
        self.assertEqual(list(self.users(index=["age"]).find("age", 3.0)), [{"id": 1, "age": 3}])
        self.raised(jsonstore.ConflictError, self.store.collection, "users", key="other")
        self.raised(jsonstore.InvalidError, self.store.collection, "users", index="age")
        for name in "", "a/b", "a\0b", "-a", "x" * 65:
            with self.subTest(name=name):
                with self.assertRaises((jsonstore.InvalidError, jsonstore.LimitError)):
                    self.store.collection(name)
        made = self.store.collection("made")
        made.put({"id": 1})
        self.assertEqual(repr(made), f"<jsonstore.Collection 'made' of '{self.folder}'>")

    def test_files(self):
        users = self.users()
        users.put({"id": 1})
        self.store.checkpoint(if_due=True)
        self.store.checkpoint()
        self.assertEqual((self.folder / "users.json").read_text(), '[\n{"id":1}\n]\n')
        self.assertEqual(self.store.verify(), 1)
        users.put({"id": 2})
        stats = self.store.stats()
        self.assertEqual((stats.collections, stats.bytes_cut, stats.failed), (1, 0, False))
        self.assertGreaterEqual(stats.journal_changes, 1)
        users.export(self.folder / "copy.json")
        self.assertEqual(json.loads((self.folder / "copy.json").read_text()),
                         [{"id": 1}, {"id": 2}])
        self.assertRegex(jsonstore.library_version(), r"^\d+\.\d+\.\d+$")
        version = Path(__file__).resolve().parents[2] / "VERSION"
        if version.exists():
            self.assertEqual(jsonstore.__version__, version.read_text().strip())


class Together(StoreTest):
    def test_transaction(self):
        users, other = self.users(), self.store.collection("other")
        with self.store.transaction() as t:
            t.put(users, {"id": 1, "n": 1})
            t.insert(other, {"id": 1})
            t.patch(users, 1, {"n": 2})
        self.assertEqual((users[1], other[1]), ({"id": 1, "n": 2}, {"id": 1}))
        with self.store.transaction() as t:
            t.delete(users, 1)
            t.commit()
            self.assertIsNone(users.get(1))
            self.raised(jsonstore.ClosedError, t.commit)
        with self.store.transaction() as t:
            t.put(users, {"id": 5})
            t.close()
        self.assertIsNone(users.get(5))

    def test_nothing_of_one_that_fails(self):
        users = self.users()
        with self.assertRaises(ZeroDivisionError):
            with self.store.transaction() as t:
                t.put(users, {"id": 1})
                raise ZeroDivisionError
        with self.assertRaises(jsonstore.AbsentError) as caught:
            with self.store.transaction() as t:
                t.put(users, {"id": 1})
                t.put(users, {"id": 2})
                t.delete(users, 3)
        self.assertEqual(caught.exception.change, 2)
        with self.store.transaction() as t:
            self.raised(jsonstore.InvalidError, t.put, users, {})
            t.put(users, {"id": 4})
        self.assertEqual(list(users), [{"id": 4}])

    def test_require(self):
        users = self.users()
        with self.store.transaction() as t:
            t.require(users, 1, None)
            t.put(users, {"id": 1})
        read = users[1]
        users.put({"id": 1, "n": 1})
        with self.assertRaises(jsonstore.ConflictError):
            with self.store.transaction() as t:
                t.require(users, 1, read)
                t.delete(users, 1)
        with self.store.transaction() as t:
            self.raised(jsonstore.InvalidError, t.require, users, 1, {"id": 1})
        self.assertIn(1, users)

    def test_snapshot(self):
        users = self.users()
        users.put({"id": 1, "email": "a"})
        with self.store.snapshot() as then:
            users.put({"id": 2, "email": "a"})
            users.delete(1)
            self.store.checkpoint()
            self.assertEqual(then.get(users, 1), {"id": 1, "email": "a"})
            self.assertEqual(then.get(users, 2, "none"), "none")
            self.assertEqual([user["id"] for user in then.scan(users)], [1])
            self.assertEqual([user["id"] for user in then.find(users, "email", "a")], [1])
            then.export(users, self.folder / "then.json")
        self.assertEqual(json.loads((self.folder / "then.json").read_text()),
                         [{"id": 1, "email": "a"}])
        self.raised(jsonstore.ClosedError, then.get, users, 1)

    def test_another_store(self):
        with tempfile.TemporaryDirectory() as folder:
            with jsonstore.open(folder) as store:
                users = store.collection("users")
            for function in self.store.transaction().put, self.store.snapshot().get:
                self.raised(jsonstore.InvalidError, function, users, {"id": 1})
        gc.collect()


class Locked(StoreTest):
    def test_reads_its_changes(self):
        users = self.users()
        users.put({"id": 1, "n": 1})
        with self.store.locked_transaction() as t:
            t.put(users, {"id": 1, "n": 2, "email": "a"})
            mark = t.mark()
            t.insert(users, {"id": 2, "email": "a"})
            self.raised(jsonstore.PresentError, t.insert, users, {"id": 1})
            self.assertEqual(len(t.find(users, "email", "a")), 2)
            t.undo_to(mark)
            self.assertEqual(t.scan(users), [{"id": 1, "n": 2, "email": "a"}])
            self.assertEqual((t.get(users, 1)["n"], users[1]["n"]), (2, 1))
            self.assertEqual(t.get(users, 2, "none"), "none")
            self.raised(jsonstore.BusyError, users.put, {"id": 3})
            self.raised(jsonstore.BusyError, self.store.locked_transaction, 0)
        self.assertEqual(list(users), [{"id": 1, "n": 2, "email": "a"}])
        with self.assertRaises(ZeroDivisionError):
            with self.store.locked_transaction(timeout=60) as t:
                t.delete(users, 1)
                raise ZeroDivisionError
        self.assertIn(1, users)

    def test_others_wait(self):
        users = self.users()
        users.put({"id": 1, "n": 0})

        def add():
            for _ in range(20):
                with self.store.locked_transaction() as t:
                    t.patch(users, 1, {"n": t.get(users, 1)["n"] + 1})

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(users[1]["n"], 80)

    def test_stamp(self):
        users = self.users()
        users.put({"id": 1})
        before = self.store.stamp()
        self.assertEqual(self.store.stamp(), before)
        with self.store.snapshot() as snapshot:
            users.put({"id": 2})
            self.assertEqual(snapshot.stamp(), before)
        self.assertGreater(self.store.stamp(), before)

    def test_read_only(self):
        users = self.users()
        users.put({"id": 1})
        with self.open(read_only=True) as store:
            own = store.collection("users")
            self.assertEqual(own[1], {"id": 1})
            users.put({"id": 2})
            self.assertIn(2, own)
            self.raised(jsonstore.ReadOnlyError, own.put, {"id": 3})
        with tempfile.TemporaryDirectory() as folder:
            self.raised(jsonstore.AbsentError, jsonstore.open, folder, read_only=True)
            self.assertEqual(os.listdir(folder), [])


class Ends(StoreTest):
    def test_closed(self):
        users = self.users()
        users.put({"id": 1})
        cursor, snapshot = users.scan(), self.store.snapshot()
        transaction = self.store.transaction()
        transaction.put(users, {"id": 2})
        self.store.close()
        self.store.close()
        for function, *arguments in ((users.get, 1), (users.scan,), (next, cursor),
                                     (snapshot.get, users, 1), (transaction.commit,),
                                     (self.store.verify,), (self.store.transaction,)):
            with self.subTest(function=function):
                self.raised(jsonstore.ClosedError, function, *arguments)
        with self.assertRaises(jsonstore.ClosedError):
            with self.open() as store, store.transaction():
                store.close()
        with self.open() as store:
            self.assertEqual(list(store.collection("users")), [{"id": 1}])

    def test_cursor_ends(self):
        users = self.users()
        for number in range(3):
            users.put({"id": number})
        with users.scan() as cursor:
            self.assertEqual(next(cursor), {"id": 0})
        self.raised(jsonstore.ClosedError, next, cursor)
        cursor = users.scan()
        self.assertEqual(len(list(cursor)), 3)
        self.assertEqual(list(cursor), [])
        self.assertEqual(self.store._users, 0)
        for _ in users:
            break
        gc.collect()
        self.assertEqual(self.store._users, 0)

    def test_errors_leave_no_handles(self):
        users = self.users()
        for _ in range(100):
            self.raised(jsonstore.AbsentError, users.find, "none", 1)
            self.raised(jsonstore.InvalidError, users.find, "email", [1])
            self.raised(jsonstore.AbsentError, users.delete, "none")
            self.raised(jsonstore.SystemCallError, jsonstore.open, self.folder / "none")
            with self.assertRaises(jsonstore.AbsentError):
                with self.store.transaction() as t:
                    t.delete(users, 1)
        self.assertEqual(self.store._users, 0)

    def test_forgotten(self):
        self.store.close()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            jsonstore.open(self.folder).collection("users").put({"id": 1})
            gc.collect()
        self.assertEqual([entry.category for entry in told], [ResourceWarning])
        self.assertEqual((self.folder / "users.json").read_text(), '[\n{"id":1}\n]\n')

    def test_close_waits(self):
        """Threads are inside of calls, with handles of their own, when another closes the store."""
        users = self.users()
        for number in range(200):
            users.put({"id": number})
        failures, begun = [], threading.Barrier(5)

        def work(number):
            begun.wait()
            try:
                while True:
                    for _ in users:
                        pass
                    users.put({"id": f"new-{number}"})
                    with self.store.snapshot() as snapshot:
                        snapshot.get(users, 1)
                    with self.store.transaction() as t:
                        t.put(users, {"id": 7, "n": number})
            except jsonstore.ClosedError:
                pass
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        begun.wait()
        self.store.close()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Errors(StoreTest):
    def test_attributes(self):
        error = self.raised(jsonstore.SystemCallError, jsonstore.open, self.folder / "none")
        self.assertEqual((error.code, error.system, error.errno), (2, errno.ENOENT, errno.ENOENT))
        self.assertIsInstance(error, OSError)
        with tempfile.TemporaryDirectory() as folder:
            self.raised(jsonstore.AbsentError, jsonstore.open, folder, must_exist=True)
            (Path(folder) / "bad.json").write_text('[{"id": 1},\n {"id": 1}]')
            with jsonstore.open(folder) as store:
                error = self.raised(jsonstore.DamagedError, store.collection, "bad")
        self.assertEqual((error.line, error.column), (2, 2))
        self.assertTrue(error.file.endswith("bad.json"), error.file)
        self.assertIn("bad.json:2:2", str(error))
        self.assertEqual(vars(pickle.loads(pickle.dumps(error))), vars(error))

    def test_kinds(self):
        users = self.users()
        users.put({"id": 1})
        self.raised(jsonstore.PresentError, users.insert, {"id": 1})
        self.assertIsInstance(self.raised(jsonstore.AbsentError, lambda: users[2]), KeyError)
        self.raised(jsonstore.AbsentError, users.patch, 2, {})
        self.raised(jsonstore.InvalidError, users.patch, 1, {"id": 2})
        self.raised(jsonstore.LimitError, users.put, {"id": 1, "x": "x" * (16 << 20)})
        self.raised(jsonstore.InvalidError, jsonstore.repair, self.folder, use="both")
        self.raised(jsonstore.InvalidError, jsonstore.open, self.folder, cache_bytes=-1)
        self.raised(jsonstore.InvalidError, jsonstore.open, "a\0b")

    def test_edited(self):
        """Somebody edits the file while the journal holds changes for it."""
        child = os.fork()
        if child == 0:
            store = jsonstore.open(self.folder)
            store.collection("users").put({"id": 1})
            store.checkpoint()
            store.collection("users").put({"id": 2})
            os._exit(0)  # without closing
        self.store.close()
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        (self.folder / "users.json").write_text('[{"id": 3}]')
        error = self.raised(jsonstore.ConflictError, jsonstore.open, self.folder)
        self.assertTrue(error.file.endswith("users.json"), error.file)
        jsonstore.repair(self.folder, "users", use="file")
        with self.open() as store:
            self.assertEqual(list(store.collection("users")), [{"id": 3}])


class Fork(StoreTest):
    def test_child(self):
        users = self.users()
        users.put({"id": 1})
        cursor, snapshot = users.scan(), self.store.snapshot()
        transaction = self.store.transaction()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            said = []
            for function, *arguments in ((users.get, 1), (users.put, {"id": 2}), (users.scan,),
                                         (next, cursor), (snapshot.get, users, 1),
                                         (transaction.put, users, {"id": 2}), (transaction.commit,),
                                         (self.store.snapshot,), (self.store.checkpoint,)):
                try:
                    function(*arguments)
                    said.append("nothing was raised")
                except jsonstore.ForkedError:
                    said.append("forked")
                except BaseException as error:
                    said.append(repr(error))
            for handle in cursor, snapshot, transaction, self.store:
                handle.close()
            with jsonstore.open(self.folder) as store:
                store.collection("users").put({"id": "child"})
            os.write(write, json.dumps(said).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.assertEqual(json.load(pipe), ["forked"] * 9)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(list(cursor), [{"id": 1}])
        self.assertEqual(list(users), [{"id": 1}, {"id": "child"}])
        snapshot.close()
        transaction.close()

    def test_fork_while_threads_work(self):
        """Whatever lock another thread held when this one forked, the child is told, and opens."""
        users, stop = self.users(), threading.Event()

        def work():
            while not stop.is_set():
                users.put({"id": 1})
                list(users)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for number in range(20):
                child = os.fork()
                if child == 0:
                    try:
                        users.get(1)
                    except jsonstore.ForkedError:
                        with jsonstore.open(self.folder) as store:
                            store.collection("users").put({"id": f"child-{number}"})
                        os._exit(0)
                    os._exit(1)
                self.assertEqual(os.waitpid(child, 0)[1], 0)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(sum("child" in str(user["id"]) for user in users), 20)


class Many(StoreTest):
    def test_threads_and_processes(self):
        """Each adds to one counter under require(); none is lost."""
        processes, threads, rounds = 3, 3, 10
        self.users().put({"id": "count", "n": 0})

        def add(store):
            users = store.collection("users")
            done = 0
            while done < rounds:
                record = users["count"]
                try:
                    with store.transaction() as t:
                        t.require(users, "count", record)
                        t.put(users, {"id": "count", "n": record["n"] + 1})
                    done += 1
                except jsonstore.ConflictError:
                    pass

        children = []
        for _ in range(processes):
            child = os.fork()
            if child == 0:
                with jsonstore.open(self.folder) as store:
                    working = [threading.Thread(target=add, args=(store,)) for _ in range(threads)]
                    for thread in working:
                        thread.start()
                    for thread in working:
                        thread.join()
                os._exit(0)
            children.append(child)
        for child in children:
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(self.users()["count"]["n"], processes * threads * rounds)


if __name__ == "__main__":
    unittest.main()
