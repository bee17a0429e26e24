#!/usr/bin/python3
"""Shops that get it wrong, so that the test of the right one is seen to find that.

    wrong_shop.py products|orders PORT DATABASE PEER_URL racy|locks|forgets

racy: looks whether the other side has the row, then writes. locks: the owner keeps a lock that the
user asks for and gives back; what is never given back stays. forgets: as locks, and orders are
only in memory; so they are gone when the process is.
"""
import json
import re
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NAME, PORT, DATABASE, PEER, WRONG = sys.argv[1:]
TIMEOUT_S = 0.3
TABLES = """
CREATE TABLE IF NOT EXISTS products (uuid TEXT PRIMARY KEY, name TEXT, price TEXT);
CREATE TABLE IF NOT EXISTS locks (id TEXT PRIMARY KEY, product_uuid TEXT);
CREATE TABLE IF NOT EXISTS orders (uuid TEXT PRIMARY KEY, quantity INTEGER, product_uuid TEXT, lock TEXT);
CREATE TABLE IF NOT EXISTS order_lines (order_uuid TEXT, product_uuid TEXT, quantity INTEGER, lock TEXT,
                                        PRIMARY KEY (order_uuid, product_uuid));
"""


class Answer(Exception):
    def __init__(self, status, body=None):
        self.status, self.body = status, body


def ask(method, path, body=None):
    """The status of the peer's answer and its body."""
    request = urllib.request.Request(PEER + path, method=method,
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, ValueError) as error:
        raise Answer(503) from error


class Shop:
    def __init__(self):
        self.lock = threading.Lock()
        where = ":memory:" if WRONG == "forgets" and NAME == "orders" else DATABASE
        self.database = sqlite3.connect(where, check_same_thread=False, isolation_level=None)
        self.database.executescript(TABLES)
        self.database.row_factory = sqlite3.Row

    def sql(self, text, *values):
        with self.lock:
            cursor = self.database.execute(text, values)
            return [dict(row) for row in cursor.fetchall()] or cursor.rowcount

    def rows(self, table, **where):
        conditions = "".join(f" AND {name} = ?" for name in where)
        found = self.sql(f"SELECT * FROM {table} WHERE 1{conditions}", *where.values())
        found = found if isinstance(found, list) else []
        return [{name: row[name] for name in row if name != "lock"} for row in found]

    # ---- the owner ----

    def post_products(self, body):
        row = {"uuid": str(uuid.uuid4()), "name": body["name"], "price": body["price"]}
        self.sql("INSERT INTO products VALUES (?, ?, ?)", *row.values())
        raise Answer(201, row)

    def delete_product(self, name):
        if not self.rows("products", uuid=name):
            raise Answer(404)
        if WRONG == "racy" and ask("GET", f"/.rowlock/orders?product={name}")[1]:
            raise Answer(409)
        if self.sql("DELETE FROM products WHERE uuid = ? AND uuid NOT IN "
                    "(SELECT product_uuid FROM locks)", name) == 0:
            raise Answer(409)
        raise Answer(204)

    def take_lock(self, body):
        count = self.sql("INSERT OR IGNORE INTO locks SELECT ?, uuid FROM products WHERE uuid = ?",
                         body["id"], body["product"])
        raise Answer(200 if count or self.rows("locks", id=body["id"]) else 409, {})

    # ---- the user ----

    def check(self, products):
        """The locks of the products, or refuses."""
        locks = []
        for product in products:
            if WRONG == "racy":
                status, lock = ask("GET", f"/.rowlock/products?uuid={product}")[0], None
                time.sleep(0.005)
            else:
                lock = str(uuid.uuid4())
                status = ask("PUT", "/.rowlock/locks", {"id": lock, "product": product})[0]
            if status != 200:
                raise Answer(409 if status in (404, 409) else 503)
            locks.append(lock)
        return locks

    def insert(self, table, rows):
        rows = rows if isinstance(rows, list) else [rows]
        locks = self.check([row["product_uuid"] for row in rows])
        for row, lock in zip(rows, locks):
            try:
                self.sql(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", *row.values(), lock)
            except sqlite3.IntegrityError as error:
                raise Answer(409) from error
        raise Answer(201, rows)

    def delete(self, table, **where):
        conditions = " AND ".join(f"{name} = ?" for name in where)
        found = self.sql(f"DELETE FROM {table} WHERE {conditions} RETURNING lock", *where.values())
        if not isinstance(found, list):
            raise Answer(404)
        for row in found:
            if row["lock"]:
                try:
                    ask("DELETE", f"/.rowlock/locks?id={row['lock']}")
                except Answer:
                    pass
        raise Answer(204)

    # ---- both ----

    def answer(self, method, path, query, body):
        parts = path.strip("/").split("/")
        given = {name: value[0].removeprefix("eq.") for name, value in parse_qs(query).items()}
        if parts == ["live"]:
            raise Answer(200, {"live": True})
        if parts[0] == ".rowlock":
            if method == "PUT":
                self.take_lock(body)
            if method == "DELETE":
                self.sql("DELETE FROM locks WHERE id = ?", given["id"])
                raise Answer(204)
            if parts[1] == "products":
                raise Answer(200 if self.rows("products", **given) else 404, {})
            both = [self.rows(table, product_uuid=given["product"]) for table in ("orders", "order_lines")]
            raise Answer(200, both[0] + both[1])
        if method == "GET" and len(parts) == 1:
            raise Answer(200, self.rows(parts[0], **given))
        if method == "GET":
            raise Answer(*((200, found[0]) if (found := self.rows(parts[0], uuid=parts[1])) else (404,)))
        if parts == ["products"]:
            self.post_products(body)
        if parts[0] == "products":
            self.delete_product(parts[1])
        if len(parts) > 2:
            if method == "DELETE":
                self.delete("order_lines", order_uuid=parts[1], product_uuid=parts[3])
            self.insert("order_lines", {"order_uuid": parts[1], **body, "quantity": body["quantity"]})
        if method == "DELETE":
            self.delete("orders", uuid=parts[1])
        rows = body if isinstance(body, list) else [body]
        rows = [{"uuid": str(uuid.uuid4()), "quantity": row["quantity"],
                 "product_uuid": row["product_uuid"]} for row in rows]
        try:
            self.insert("orders", rows)
        except Answer as answer:
            if answer.status == 201 and not isinstance(body, list):
                answer.body = rows[0]
            raise


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def run(self):
        url = urlsplit(self.path)
        assert re.fullmatch(r"[\w./-]*", url.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        try:
            SHOP.answer(self.command, url.path, url.query, body)
        except Answer as answer:
            text = b"" if answer.status == 204 else json.dumps(
                answer.body or ([] if answer.body == [] else {"message": "no"})).encode()
            self.send_response(answer.status)
            if answer.status != 204:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
            if answer.status == 503:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = run

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 200
    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    SHOP = Shop()
    Server(("127.0.0.1", int(PORT)), Handler).serve_forever()
