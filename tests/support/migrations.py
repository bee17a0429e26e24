"""A service file, its database and its migrations, on each kind of store that is migrated."""
import sqlite3

from support.server import run_program

HEAD = "service: s\nlisten: 127.0.0.1:8888\nstore: %s\nresources:\n"
PEOPLE = """\
  people:
    key: id
    fields:
      id:   { type: integer, default: auto }
      name: text
      kind: { type: integer, required: true }
"""
ROWS = [(1, "a", 1), (2, "b", 1), (3, None, 2)]
IS = "the database is what the service file says\n"


class Bed:
    """A folder with a service file, its database and its migrations."""
    dialect = "sqlite"

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "s.yaml"
        self.database = folder / "s.db"
        self.store = "sqlite:s.db"
        self.served = f"sqlite:{self.database}"
        self.migrations = folder / "migrations" / self.dialect

    def write(self, resources):
        self.file.write_text(HEAD % self.store + resources)

    def run(self, *args, code=0):
        done = run_program("migrate", self.file, *args)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def query(self, sql, *args):
        connection = sqlite3.connect(self.database)
        try:
            with connection:
                return connection.execute(sql, args).fetchall()
        finally:
            connection.close()

    def schema(self):
        """What the database is made of, whatever the order and the white space."""
        return sorted((name, " ".join(sql.replace('"', "").split())) for name, sql in self.query(
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_rl%' "
            "ESCAPE '\\' AND name <> 'sqlite_sequence'"))

    def made(self):
        """Migrated to the service file, with ROWS."""
        self.run("new", "first")
        self.run("apply")
        for number, name, kind in ROWS:
            text = "NULL" if name is None else f"'{name}'"
            self.query(f"INSERT INTO people (id,name,kind) VALUES ({number},{text},{kind})")
        return self

    def dump(self):
        connection = sqlite3.connect(self.database)
        try:
            return "\n".join(connection.iterdump())
        finally:
            connection.close()


def value(text):
    return None if text == "NULL" else int(text) if text.lstrip("-").isdigit() else text


class MariaBed(Bed):
    """The same on a database of a server."""
    dialect = "mariadb"

    def __init__(self, folder, server, name="migrated"):
        super().__init__(folder)
        self.server = server
        self.database = name
        self.store = self.served = server.create(name)

    def query(self, sql, *args):
        assert not args
        return [tuple(map(value, row)) for row in self.server.sql(sql, self.database)]

    def raw(self, sql):
        return self.server.sql(sql, self.database)

    def schema(self):
        """Tables part by part, without indexes that the server makes for foreign keys."""
        parts = []
        for (table,) in self.raw("SELECT table_name FROM information_schema.tables WHERE "
                                 "table_schema=DATABASE() AND table_name NOT LIKE '\\_rl\\_%'"):
            text = self.raw(f"SHOW CREATE TABLE `{table}`")[0][1]
            for line in text.split("\\n"):
                line = line.strip().rstrip(",")
                if not line.startswith((")", "CREATE")) and not (
                        line.startswith("KEY `") and "." not in line.split("`")[1]):
                    parts.append((table, line))
            parts.append((table, ""))
        parts += [tuple(row) for row in self.raw(
            "SELECT trigger_name, event_object_table, action_statement FROM "
            "information_schema.triggers WHERE trigger_schema=DATABASE()")]
        return sorted(parts)

    def dump(self):
        tables = sorted({row[0] for row in self.schema() if row[1] == ""})
        return self.schema(), [self.raw(f"SELECT * FROM `{table}` ORDER BY 1") for table in tables]
