"""The ratings service in Flask and PyMySQL on MariaDB: the peer of the server under test.

One connection per process, opened after the fork and kept. Reads and writes are one
statement in autocommit: the triggers in schema.sql run in the same transaction.
"""
import os
import re

import pymysql
from flask import Flask, request
from pymysql.constants import ER
from werkzeug.exceptions import HTTPException

INTEGER = re.compile(r"-?[1-9][0-9]{0,18}|0")
RETRIES = 10
GONE = (2006, 2013)  # "server has gone away", "lost connection during query"

app = Flask(__name__)
app.json.compact = True
app.json.sort_keys = False
_connection = None


def connect():
    return pymysql.connect(
        unix_socket=os.environ["BENCH_SOCKET"],
        user="root",
        database="ratings",
        autocommit=True,
        init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    )


def run(sql, args):
    """The rows of one statement; a deadlock, lock time-out or lost connection is retried."""
    global _connection
    for attempt in range(RETRIES):
        try:
            if _connection is None:
                _connection = connect()
            with _connection.cursor() as cursor:
                cursor.execute(sql, args)
                return cursor.fetchall()
        except pymysql.MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in GONE:
                _connection = None
            elif code not in (ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT):
                raise
            if attempt == RETRIES - 1:
                raise


def integer(text):
    """The value of a canonical 64-bit integer, or None."""
    if INTEGER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


NOT_FOUND = ({"message": "not found"}, 404)


@app.errorhandler(HTTPException)
def http_error(error):
    return {"message": error.name.lower()}, error.code


@app.errorhandler(Exception)
def other_error(error):
    app.logger.exception("request failed")
    return {"message": "internal server error"}, 500


@app.get("/health")
def health():
    return {"message": "ok"}


@app.put("/users/<user>/ratings/<item>")
def put_rating(user, item):
    user_id, item_id = integer(user), integer(item)
    if user_id is None or item_id is None:
        return NOT_FOUND
    body = request.get_json()
    rating_type = body.get("rating_type") if isinstance(body, dict) else None
    if type(rating_type) is not int or rating_type not in (1, 2, 3):
        return {"message": "rating_type must be 1, 2 or 3"}, 400
    run(
        "INSERT INTO ratings VALUES (%s, %s, %s)"
        " ON DUPLICATE KEY UPDATE rating_type = VALUES(rating_type)",
        (user_id, item_id, rating_type),
    )
    return {"user_id": user_id, "item_id": item_id, "rating_type": rating_type}


@app.get("/users/<user>/ratings")
def list_ratings(user):
    user_id = integer(user)
    if user_id is None:
        return NOT_FOUND
    rows = run("SELECT item_id, rating_type FROM ratings WHERE user_id = %s ORDER BY item_id",
               (user_id,))
    return [{"item_id": item, "rating_type": kind} for item, kind in rows]


@app.get("/users/<user>/counts")
def list_counts(user):
    user_id = integer(user)
    if user_id is None:
        return NOT_FOUND
    rows = run("SELECT rating_type, count FROM counts WHERE user_id = %s AND count > 0"
               " ORDER BY rating_type", (user_id,))
    return [{"rating_type": kind, "count": count} for kind, count in rows]


@app.delete("/users/<user>")
def delete_user(user):
    user_id = integer(user)
    if user_id is None:
        return NOT_FOUND
    run("DELETE FROM ratings WHERE user_id = %s", (user_id,))
    return {"message": "ok"}
