"""Notes as a plain WSGI application, without a framework.

    NOTES_FOLDER=data python3 wsgi_app.py 8000               # wsgiref, one process
    NOTES_FOLDER=data gunicorn --workers 4 wsgi_app:application

    POST   /notes        {"id": "milk", "text": "buy milk", "tag": "home"}
    GET    /notes        GET /notes?tag=home
    GET    /notes/milk
    PATCH  /notes/milk   {"text": "bought"}
    DELETE /notes/milk

Any number of such processes serve one folder at once.
"""
import json
import os
import sys
from urllib.parse import parse_qs, quote
from wsgiref.simple_server import make_server

import jsonstore

FOLDER = os.environ.get("NOTES_FOLDER", "data")
os.makedirs(FOLDER, exist_ok=True)
# Each worker loads this file itself, and so opens the store itself. A server that loads it before
# it forks (gunicorn --preload) would have to do this behind the fork.
store = jsonstore.open(FOLDER)
notes = store.collection("notes", key="id", index=["tag"])


def read_body(environ):
    try:
        body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    except ValueError as error:
        raise jsonstore.InvalidError(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise jsonstore.InvalidError("a note is an object")
    return body


def collection_of_notes(environ, method):
    if method == "GET":
        tags = parse_qs(environ.get("QUERY_STRING", "")).get("tag")
        return "200 OK", list(notes.find("tag", tags[0]) if tags else notes), []
    if method == "POST":
        note = read_body(environ)
        notes.insert(note)
        return "201 Created", note, [("Location", f"/notes/{quote(str(note['id']), safe='')}")]
    return "405 Method Not Allowed", {"error": "GET or POST"}, [("Allow", "GET, POST")]


def one_note(environ, method, key):
    if method == "GET":
        return "200 OK", notes[key], []
    if method == "PATCH":
        notes.patch(key, read_body(environ))
        return "200 OK", notes[key], []
    if method == "DELETE":
        notes.delete(key)
        return "204 No Content", None, []
    return ("405 Method Not Allowed", {"error": "GET, PATCH or DELETE"},
            [("Allow", "GET, PATCH, DELETE")])


def answer(environ):
    path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
    try:
        if path == "/notes":
            return collection_of_notes(environ, method)
        if path.startswith("/notes/"):
            key = path[len("/notes/"):].encode("latin-1").decode("utf-8", "replace")
            return one_note(environ, method, key)
        return "404 Not Found", {"error": "there is /notes"}, []
    except jsonstore.AbsentError as error:
        return "404 Not Found", {"error": str(error)}, []
    except jsonstore.PresentError as error:
        return "409 Conflict", {"error": str(error)}, []
    except (jsonstore.InvalidError, jsonstore.LimitError) as error:
        return "400 Bad Request", {"error": str(error)}, []


def application(environ, start_response):
    status, body, headers = answer(environ)
    text = b"" if body is None else json.dumps(body).encode()
    start_response(status, [*headers, ("Content-Type", "application/json"),
                            ("Content-Length", str(len(text)))])
    return [text]


if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), application) as server:
        print(f"http://127.0.0.1:{server.server_port}/notes", flush=True)
        server.serve_forever()
