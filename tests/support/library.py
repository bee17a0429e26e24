"""A service in which rows show in many answers: items, lists, embeds of every kind, tallies; and
clients that keep those answers and ask again with If-None-Match."""
import json
from dataclasses import dataclass
from typing import Any, Callable

from support.client import Connection, request_bytes
from support.linearize import DELETE, READ, WRITE, Op

SERVICE = """
service: library
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:library.db}
resources:
  rooms:
    key: id
    fields:
      id:    integer
      value: integer
  shelves:
    key: id
    fields:
      id:    integer
      room:  { type: integer, references: rooms }
      value: integer
  topics:
    key: id
    fields:
      id:    integer
      value: integer
  books:
    key: id
    fields:
      id:    integer
      shelf: { type: integer, references: shelves }
      value: integer
  book_topics:
    key: [book, topic]
    fields:
      book:  { type: integer, references: books }
      topic: { type: integer, references: topics }
  notes:
    key: id
    fields:
      id:    integer
      grp:   integer
      value: integer
  marks:
    key: [reader, item]
    fields:
      reader: integer
      item:   integer
      value:  { type: integer, required: true }
  counts:
    tally: marks
    by: [reader, value]
routes:
  GET /readers/{reader}/counts: { list: counts, select: "value,count" }
  PUT /readers/{reader}/{item}: { upsert: marks }
"""
FIRST = 1


def write_service(folder, more=""):
    file = folder / "library.yaml"
    file.write_text(SERVICE + more, encoding="utf-8")
    return file


def fill(address, keys):
    """For each key a room, a shelf in it, a book on it and a topic of the book, all of value
    FIRST."""
    with Connection(address) as connection:
        for table, row in (("rooms", {}), ("shelves", {"room": "id"}), ("topics", {}),
                           ("books", {"shelf": "id"})):
            rows = [{"id": key, "value": FIRST, **{name: key for name in row}} for key in keys]
            answer = connection.request("POST", f"/{table}", rows)
            assert answer.status == 201, answer
        answer = connection.request("POST", "/book_topics",
                                    [{"book": key, "topic": key} for key in keys])
        assert answer.status == 201, answer


@dataclass(frozen=True)
class View:
    """An answer that shows registers: `values(body)` gives {register: value or None}."""
    path: str
    values: Callable[[Any], dict]


@dataclass(frozen=True)
class Change:
    """A write: `make(value)` is the request; `effects(answer, value)` gives (register, kind,
    value, found) of each register that it wrote or read."""
    make: Callable[[int], bytes]
    effects: Callable[[Any, int], list]


def one(register, at=()):
    """Of a list of one object or none: the value under these keys."""
    def values(body):
        if isinstance(body, list):
            body = body[0] if body else None
        for key in (*at, "value"):
            body = body if body is None or isinstance(body, list) is False else (
                body[0] if body else None)
            body = None if body is None else body[key]
        return {register: body}
    return values


def all_rows(table, keys, at=()):
    def values(body):
        found = {row["id"]: row for row in body}
        return {(table, key): one(None, at)(found.get(key))[None] for key in keys}
    return values


def note_views(keys):
    views = [View(f"/notes?order=id&id=lt.{max(keys) + 1}", all_rows("notes", keys)),
             View(f"/notes?id=in.({','.join(map(str, keys))})&select=id,value",
                  all_rows("notes", keys))]
    for key in keys:
        views += [View(f"/notes/{key}", one(("notes", key))),
                  View(f"/notes?id=eq.{key}", one(("notes", key))),
                  View(f"/notes?id=eq.{key}&select=value", one(("notes", key)))]
    return views


def embed_views(keys):
    """Rows that show in others: to one, to many, two levels up, and many to many."""
    views = []
    for table, path, at in (
            ("rooms", "/shelves?select=id,rooms(value)", ("rooms",)),
            ("rooms", "/books?select=id,shelves(id,rooms(value))", ("shelves", "rooms")),
            ("shelves", "/books?select=id,shelves(value)", ("shelves",)),
            ("shelves", "/rooms?select=id,shelves(value)", ("shelves",)),
            ("books", "/shelves?select=id,books(value)", ("books",)),
            ("books", "/topics?select=id,books(value)", ("books",)),
            ("topics", "/books?select=id,topics(value)", ("topics",)),
            ("rooms", "/rooms?select=id,value", ())):
        views.append(View(f"{path}&order=id", all_rows(table, keys, at)))
        views += [View(f"{path}&id=eq.{key}", one((table, key), at)) for key in keys]
    return views


def tally_views(readers):
    def values(reader):
        return lambda body: {("marks", reader): body[0]["value"] if body else None}
    return ([View(f"/readers/{reader}/counts", values(reader)) for reader in readers]
            + [View(f"/counts?reader=eq.{reader}&select=value,count", values(reader))
               for reader in readers]
            + [View(f"/marks/{reader},1", one(("marks", reader))) for reader in readers])


def written(register, found=None):
    return lambda answer, value: [(register, WRITE, value,
                                   found(answer) if found is not None else None)]


def if_any(register, kind):
    """A write of rows that may not be there; its answer shows them."""
    def effects(answer, value):
        if answer.json() == []:
            return [(register, READ, None, None)]
        return [(register, kind, value if kind == WRITE else None, True)]
    return effects


REPRESENTATION = {"Prefer": "return=representation"}
UPSERT = {"Prefer": "resolution=merge-duplicates"}


def note_changes(keys):
    changes = []
    for key in keys:
        register = ("notes", key)
        changes += [
            Change(lambda value, key=key: request_bytes("PUT", f"/notes/{key}", {"value": value}),
                   written(register, lambda answer: answer.status != 201)),
            Change(lambda value, key=key: request_bytes(
                "POST", "/notes", {"id": key, "value": value}, UPSERT),
                written(register, lambda answer: answer.status != 201)),
            Change(lambda value, key=key: request_bytes(
                "PATCH", f"/notes?id=eq.{key}", {"value": value}, REPRESENTATION),
                if_any(register, WRITE)),
            Change(lambda value, key=key: request_bytes(
                "DELETE", f"/notes?id=eq.{key}", headers=REPRESENTATION),
                if_any(register, DELETE)),
        ]
    changes.append(Change(
        lambda value: request_bytes(
            "POST", "/notes", [{"id": key, "value": value} for key in keys], UPSERT),
        lambda _, value: [(("notes", key), WRITE, value, None) for key in keys]))
    changes.append(Change(
        lambda value: request_bytes("PATCH", f"/notes?id=lt.{max(keys) + 1}", {"value": value},
                                    REPRESENTATION),
        lambda answer, value: [
            (("notes", key), *((WRITE, value, True) if key in {row["id"] for row in answer.json()}
                               else (READ, None, None))) for key in keys]))
    return changes


def embed_changes(keys):
    changes = []
    for table in ("rooms", "shelves", "topics", "books"):
        for key in keys:
            changes.append(Change(lambda value, path=f"/{table}?id=eq.{key}": request_bytes(
                "PATCH", path, {"value": value}), written((table, key))))
        changes.append(Change(
            lambda value, path=f"/{table}?id=gt.0": request_bytes("PATCH", path, {"value": value}),
            lambda _, value, table=table: [((table, key), WRITE, value, None) for key in keys]))
    return changes


def tally_changes(readers):
    changes = []
    for reader in readers:
        register = ("marks", reader)
        changes.append(Change(lambda value, reader=reader: request_bytes(
            "PUT", f"/readers/{reader}/1", {"value": value}),
            written(register, lambda answer: answer.status != 201)))
        changes.append(Change(lambda value, reader=reader: request_bytes(
            "DELETE", f"/marks?reader=eq.{reader}", headers=REPRESENTATION),
            if_any(register, DELETE)))
    return changes


class Readers:
    """Clients that keep answers and ask with If-None-Match; a 304 is a read of what is kept."""

    def __init__(self, views, changes):
        self.views = views
        self.changes = changes
        self.histories = {}
        self.value = FIRST
        self.not_modified = 0
        self.reads = 0

    def note(self, register, kind, value, answer, found=None):
        self.histories.setdefault(register, []).append(
            Op(kind, value, answer.invoked, answer.returned, found))

    def writer(self, rng, budget):
        while budget.take():
            change = rng.choice(self.changes)
            self.value += 1
            value = self.value
            answer = yield change.make(value)
            assert answer.status in (200, 201, 204), answer
            for register, kind, what, found in change.effects(answer, value):
                self.note(register, kind, what, answer, found)

    def reader(self, rng, budget, kept):
        """`kept` is {path: (tag, body)}; clients may share one."""
        while budget.take():
            view = rng.choice(self.views)
            tag, body = kept.get(view.path, (None, None))
            if tag is not None and rng.random() < 0.9:
                answer = yield request_bytes("GET", view.path, headers={"If-None-Match": tag})
            else:
                tag = None
                answer = yield request_bytes("GET", view.path)
            self.reads += 1
            if answer.status == 304:
                assert tag is not None and answer.headers["etag"] == tag, (tag, answer)
                self.not_modified += 1
            elif answer.status == 404:
                body = None
            else:
                assert answer.status == 200, answer
                body = json.loads(answer.body)
                kept[view.path] = (answer.headers["etag"], body)
            for register, value in view.values(body).items():
                self.note(register, READ, value, answer)
