"""The rows of the articles' scenarios: made once by the generator of services/articles and kept."""
import contextlib
import csv
import datetime
import hashlib
import importlib.util
import itertools
import json
import os
import random
import sqlite3
import urllib.parse

from process import BenchError
from workspace import KEPT, ROOT

GENERATOR = os.path.join(ROOT, "services", "articles", "sample", "generate.py")
SEED = 1
ITEMS = 100000    # of one bulk request, and in the tables of reads
MANY = 1000000    # rows of an import and of the table in which substrings are looked for
SOME = 100000     # rows of the import whose memory the one of MANY rows is compared with
NUMBERS = 10000   # ids that are asked for
SEARCHES = 1000   # ranges of dates, with about FOUND items each
FOUND = 20
NEEDLES = 200
NEEDLE_MIN, NEEDLE_MAX = 4, 24  # characters
HITS_MAX = 1000
SAMPLE = (1, 2, 777, NUMBERS)
FIRST_DAY = datetime.date(1970, 1, 1)
DAYS = 55 * 365  # over which the generator spreads its dates
COLUMNS = ("id", "title", "uri", "date")


class Kept:
    """Files that runs share; each is made when it is asked for first.

    A file is made under another name: one that is there is whole. Its name has a hash of what it
    is made from.
    """

    def __init__(self, work, say):
        if not os.path.exists(GENERATOR):
            raise BenchError(f"{GENERATOR} is missing")
        self.folder = os.path.join(work, KEPT)
        self.say = say
        os.makedirs(self.folder, exist_ok=True)
        with open(GENERATOR, "rb") as generator, open(__file__, "rb") as script:
            self.hash = hashlib.sha256(generator.read() + script.read()).hexdigest()[:12]

    def path(self, name, make, hashed=b""):
        digest = self.hash + hashlib.sha256(hashed).hexdigest()[:6] if hashed else self.hash
        stem, _, kind = name.partition(".")
        path = os.path.join(self.folder, f"{stem}-{digest}.{kind}")
        if not os.path.exists(path):
            self.say(f"making {name}, once")
            for old in os.listdir(self.folder):  # of an earlier script, or half made
                if old.startswith(stem + "-"):
                    os.unlink(os.path.join(self.folder, old))
            make(path + ".new")
            os.rename(path + ".new", path)
        return path

    def body(self):
        """A request body for POST /v1/bulk with ITEMS items."""
        def make(path):
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"items": list(items(ITEMS))}, file, ensure_ascii=False)
        return self.path("bulk.json", make)

    def rows(self):
        """The same as rows of `articles`, with the ids that they get in an empty table."""
        def make(path):
            with open(path, "w", encoding="utf-8") as file:
                json.dump([{"id": number, **item} for number, item in enumerate(items(ITEMS), 1)],
                          file, ensure_ascii=False)
        return self.path("rows.json", make)

    def searches(self):
        """Paths of searches that find something, one a line."""
        def make(path):
            chance = random.Random(SEED)
            length = DAYS * FOUND // ITEMS
            days = chance.sample(range(DAYS - length), SEARCHES)
            with open(path, "w", encoding="utf-8") as file:
                for day in days:
                    after = FIRST_DAY + datetime.timedelta(days=day)
                    before = after + datetime.timedelta(days=length)
                    file.write(f"/v1/?after={after}&before={before}\n")
        return self.path("searches.txt", make)

    def many(self, count=MANY):
        """CSV of the resource `imports`, with its head; no field is empty, since the sqlite3 shell
        takes that for a text and Rowlock for a null."""
        def make(path):
            with open(path, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                for number, item in enumerate(items(count), 1):
                    writer.writerow((number, item["title"] or "untitled", item["uri"] or "none",
                                     item["date"]))
        return self.path(f"imports{count}.csv", make)

    def bodies(self, size):
        """The rows of many() as request bodies of `size` items each for POST /v1/bulk."""
        with open(self.many(), encoding="utf-8", newline="") as file:
            todo = csv.DictReader(file)
            while batch := list(itertools.islice(todo, size)):
                for item in batch:
                    del item["id"]
                yield json.dumps({"items": batch}, ensure_ascii=False).encode()

    def needles(self):
        """[(needle, hits)]: parts of titles among MANY that are in at most HITS_MAX of them."""
        path = self.path("needles.json", self._make_needles)
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def needle_paths(self):
        """Paths of searches for the needles, one a line."""
        def make(path):
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(search_path(needle) + "\n" for needle, _ in self.needles())
        return self.path("needle_paths.txt", make)

    def _make_needles(self, path):
        with open(self.many(), encoding="utf-8", newline="") as file:
            titles = [lowered(row["title"]) for row in csv.DictReader(file)]
        chance = random.Random(SEED)
        found = {}
        while len(found) < NEEDLES:
            title = chance.choice(titles)
            length = chance.randint(NEEDLE_MIN, NEEDLE_MAX)
            if len(title) < length:
                continue
            at = chance.randint(0, len(title) - length)
            needle = title[at:at + length]
            here = (title for title in titles if needle in title)
            hits = sum(1 for _ in itertools.islice(here, HITS_MAX + 1))
            if needle == needle.strip() and hits <= HITS_MAX:
                found[needle] = hits
        with open(path, "w", encoding="utf-8") as file:
            json.dump(list(found.items()), file, ensure_ascii=False)


def items(count):
    spec = importlib.util.spec_from_file_location("generate", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.items(count, SEED)


def lowered(text):
    """As ilike folds it: by characters, so that İ is one too."""
    return "".join("i" if char == "İ" else char.lower() for char in text)


def search_path(needle):
    return "/v1/?" + urllib.parse.urlencode({"contains": needle})


def check_imports(database):
    """That all rows of many() are in a database: their number and their lengths."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        return db.execute("SELECT count(*), sum(id), sum(length(title)), sum(length(uri)),"
                          " sum(length(date)) FROM imports").fetchone()
