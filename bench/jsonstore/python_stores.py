#!/usr/bin/python3
"""What jsonstore_bench.c does, in Python: python_stores.py SYSTEM OPERATION FOLDER SECONDS SEED

SYSTEM is tinydb, or package: jsonstore's own package for Python. An operation is done twice at
least, however long it takes.
"""
import json
import os
import random
import sys
import time

RECORDS, RECORD_BYTES, GROUPS, PREPARED = 100000, 200, 10000, 1000
FEWEST = 2


def make_record(key, group, version):
    text = f"{version} "
    length = len(f'{{"id":"{key}","grp":{group},"text":"{text}"}}')
    return {"id": key, "grp": group, "text": text + "x" * (RECORD_BYTES - length)}


def known(number, version=0):
    return make_record(f"k{number:08d}", number % GROUPS, version)


class TinyDB:
    """One file, which each write writes anew, and syncs, and each read parses."""

    def __init__(self, folder, make=False):
        import tinydb
        self.path = os.path.join(folder, "records.json")
        self.where = tinydb.where
        if make:
            # In its own form: its insert_multiple() takes as long, and is not what is measured.
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump({"_default": {str(n + 1): known(n) for n in range(RECORDS)}}, file)
        self.db = tinydb.TinyDB(self.path)

    def get(self, key):
        return self.db.get(self.where("id") == key)

    def find(self, group):
        return self.db.search(self.where("grp") == group)

    def insert(self, record):
        self.db.insert(record)

    def update(self, record):
        self.db.update(record, self.where("id") == record["id"])

    def close(self):
        self.db.close()


class Package:
    def __init__(self, folder, make=False):
        import jsonstore
        self.store = jsonstore.open(folder)
        if make:
            self.records = self.store.collection("records", key="id", index=["grp"])
            for begin in range(0, RECORDS, PREPARED):
                with self.store.transaction() as transaction:
                    for number in range(begin, begin + PREPARED):
                        transaction.insert(self.records, known(number))
            self.store.checkpoint()
        else:
            self.records = self.store.collection("records")
        self.get = self.records.get
        self.insert = self.records.insert
        self.update = self.records.put
        self.close = self.store.close

    def find(self, group):
        return list(self.records.find("grp", group))


def check(what, good):
    if not good:
        sys.exit(f"{what} has not done what it should")


def operations(system, db, folder, numbers):
    """{name: what does the operation number `done`}"""
    def open_one(_done):
        other = system(folder)
        key = known(numbers.randrange(RECORDS))["id"]
        check("open", other.get(key)["id"] == key)
        other.close()

    def get(_done):
        key = f"k{numbers.randrange(RECORDS):08d}"
        check("get", db.get(key)["id"] == key)

    def find(_done):
        check("find", len(db.find(numbers.randrange(GROUPS))) == RECORDS // GROUPS)

    def insert(done):
        db.insert(make_record(f"n{done}", -1, 0))

    def update(done):
        db.update(known(numbers.randrange(RECORDS), done + 1))

    return {"open": open_one, "get": get, "find": find, "insert": insert, "update": update}


def main(name, what, folder, seconds, seed):
    system = {"tinydb": TinyDB, "package": Package}[name]
    if what == "prepare":
        began, cpu, done = time.perf_counter(), time.process_time(), RECORDS
        system(folder, make=True).close()
    else:
        db = None if what == "open" else system(folder)
        run = operations(system, db, folder, random.Random(int(seed)))[what]
        began, cpu, done = time.perf_counter(), time.process_time(), 0
        while done < FEWEST or time.perf_counter() - began < float(seconds):
            run(done)
            done += 1
        if what in ("insert", "update"):
            db.close()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    if what == "insert":
        check("insert", system(folder).get(f"n{done - 1}") is not None)
    print(json.dumps({"operations": done, "seconds": took, "cpu_seconds": cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
