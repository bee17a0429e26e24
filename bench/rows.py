"""The rows of the query API's scenarios: made once and kept, and the answers they must give."""
import contextlib
import hashlib
import os
import sqlite3

from process import BenchError
from workspace import KEPT

CLIENTS = 20000
PROJECTS = 100000  # 5 of each client
EVENTS = 1000000
PAGE = 20
SAMPLE = (1, 2, 777, CLIENTS // 2, CLIENTS - PAGE)
COLUMNS = ("id", "kind", "level", "size", "price", "rate", "name", "city", "note", "done")
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rows.sql")
# The event as the line of an import.
LINE = ("SELECT json_object("
        + ", ".join(f"'{name}', {name}" for name in COLUMNS if name != "done")
        + ", 'done', json(iif(done, 'true', 'false'))) FROM events ORDER BY id")


class Kept:
    """Files that runs share: `database` with all tables, `lines` with the events as NDJSON."""

    def __init__(self, work, say):
        with open(SCHEMA, encoding="utf-8") as file:
            script = file.read()
        sizes = {"clients": CLIENTS, "projects": PROJECTS, "events": EVENTS}
        text = f"{script}{sizes}{LINE}"
        stem = os.path.join(work, KEPT, "rows-" + hashlib.sha256(text.encode()).hexdigest()[:12])
        self.database = stem + ".db"
        self.lines = stem + ".ndjson"
        if not os.path.exists(self.lines):
            say(f"making {EVENTS} events, once")
            os.makedirs(os.path.dirname(stem), exist_ok=True)
            self._make(script, sizes)

    def _make(self, script, sizes):
        """Under another name first: a file that is there is whole."""
        for path in (self.database, self.database + ".new"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        with contextlib.closing(sqlite3.connect(self.database + ".new")) as db, \
                open(self.lines + ".new", "w", encoding="utf-8") as lines:
            db.execute("PRAGMA synchronous=OFF")
            with db:
                for statement in script.split(";\n"):
                    names = [name for name in sizes if f":{name}" in statement]
                    db.execute(statement, {name: sizes[name] for name in names})
            for line, in db.execute(LINE):
                lines.write(line + "\n")
        os.rename(self.database + ".new", self.database)
        os.rename(self.lines + ".new", self.lines)

    def expected(self):
        """{number: (project, page of projects, the same with clients, clients with projects)}"""
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            db.row_factory = sqlite3.Row
            return {number: self._expected(db, number) for number in SAMPLE}

    @staticmethod
    def _expected(db, number):
        def select(sql, value):
            return [dict(row) for row in db.execute(sql, (value,))]

        project, = select("SELECT id, name, client_id FROM projects WHERE id = ?", number)
        page = select("SELECT id, name, client_id FROM projects WHERE id > ? ORDER BY id"
                      f" LIMIT {PAGE}", number)
        with_client = [
            {"id": row["id"], "name": row["name"],
             "client": select("SELECT id, name FROM clients WHERE id = ?", row["client_id"])[0]}
            for row in page]
        with_projects = select("SELECT id, name FROM clients WHERE id > ? ORDER BY id"
                               f" LIMIT {PAGE}", number)
        for row in with_projects:
            row["projects"] = select("SELECT id, name FROM projects WHERE client_id = ?"
                                     " ORDER BY id", row["id"])
        return project, page, with_client, with_projects


def fill(path, kept):
    """Copies all rows into the stopped server's own file."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("ATTACH ? AS kept", (kept.database,))
            with db:
                for table in ("clients", "projects", "events"):
                    names = [row[1] for row in db.execute(f"PRAGMA kept.table_info({table})")]
                    columns = ", ".join(names)
                    db.execute(f"INSERT INTO main.{table} ({columns})"
                               f" SELECT {columns} FROM kept.{table} ORDER BY id")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise BenchError(f"the server's file takes no rows: {error}") from error
