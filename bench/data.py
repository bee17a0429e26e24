"""The rows that every run starts from: USERS users with ITEMS ratings each."""
import contextlib
import itertools
import os
import sqlite3

import pymysql

from http_client import Client
from process import BenchError

USERS = 10000
ITEMS = 20
BATCH = 2000
CONNECTIONS = 64


def rating(user, item):
    return (user + item) % 3 + 1


def rows():
    for user in range(1, USERS + 1):
        for item in range(1, ITEMS + 1):
            yield user, item, rating(user, item)


def expected_list(user):
    return [{"item_id": item, "rating_type": rating(user, item)} for item in range(1, ITEMS + 1)]


def histogram(ratings):
    """The counts that belong to a list of ratings."""
    kinds = [row["rating_type"] for row in ratings]
    return [{"rating_type": kind, "count": kinds.count(kind)} for kind in (1, 2, 3)
            if kind in kinds]


def fill_sqlite(path):
    """Inserts into the stopped server's own file; its triggers count. The reason if it cannot."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.executemany("INSERT INTO ratings (user_id, item_id, rating_type)"
                           " VALUES (?, ?, ?)", rows())
            total, = db.execute("SELECT count(*) FROM ratings").fetchone()
        if total != USERS * ITEMS:
            return f"{total} rows after the insert"
    except sqlite3.Error as error:
        return str(error)
    return None


def fill_http(port):
    """PUTs through the API, one in flight on each of many connections."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(port, timeout=60)) for _ in range(CONNECTIONS)]
        todo = rows()
        while True:
            batch = list(itertools.islice(todo, len(clients)))
            for client, (user, item, kind) in zip(clients, batch):
                client.send(Client.text("PUT", f"/users/{user}/ratings/{item}",
                                        '{"rating_type": %d}' % kind))
            for client in clients[:len(batch)]:
                status, _, body = client.receive()
                if status not in (200, 201):
                    raise BenchError(f"PUT answered {status}: {body[:200]!r}")
            if len(batch) < len(clients):
                return


def fill_mariadb(socket_path):
    """A fresh `ratings` database: tables, rows in batches, counts, and then the triggers."""
    with open(os.path.join(os.path.dirname(__file__), "flask", "schema.sql")) as file:
        statements = [text for text in file.read().split("\n\n") if text.strip()]
    triggers = [text for text in statements if "CREATE TRIGGER" in text]
    with contextlib.closing(pymysql.connect(unix_socket=socket_path, user="root")) as db:
        with db.cursor() as cursor:
            cursor.execute("CREATE DATABASE ratings")
            cursor.execute("USE ratings")
            for text in statements:
                if text not in triggers:
                    cursor.execute(text)
            batch = []
            for row in rows():
                batch.append(row)
                if len(batch) == BATCH:
                    cursor.executemany("INSERT INTO ratings VALUES (%s, %s, %s)", batch)
                    batch = []
            if batch:
                cursor.executemany("INSERT INTO ratings VALUES (%s, %s, %s)", batch)
            cursor.execute("INSERT INTO counts SELECT user_id, rating_type, count(*)"
                           " FROM ratings GROUP BY user_id, rating_type")
            for text in triggers:
                cursor.execute(text)
        db.commit()
