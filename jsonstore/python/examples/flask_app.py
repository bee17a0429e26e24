"""Notes in Flask.

    NOTES_FOLDER=data python3 flask_app.py 8000              # Flask's own server
    NOTES_FOLDER=data gunicorn --workers 4 "flask_app:create_app()"

    POST   /notes        {"id": "milk", "text": "buy milk", "tag": "home"}
    GET    /notes        GET /notes?tag=home
    GET    /notes/milk
    PATCH  /notes/milk   {"text": "bought"}
    POST   /notes/milk/move   {"id": "oat milk"}, another id in one transaction
    DELETE /notes/milk

Any number of such processes serve one folder at once.
"""
import os
import sys

import jsonstore
from flask import Flask, jsonify, request

STATUS = {jsonstore.AbsentError: 404, jsonstore.PresentError: 409, jsonstore.ConflictError: 409,
          jsonstore.InvalidError: 400, jsonstore.LimitError: 413}


def create_app(folder=None):
    """For the process that calls it; with gunicorn's --preload call it in the hook post_fork."""
    folder = folder or os.environ.get("NOTES_FOLDER", "data")
    os.makedirs(folder, exist_ok=True)
    store = jsonstore.open(folder)
    notes = store.collection("notes", key="id", index=["tag"])
    app = Flask(__name__)

    @app.errorhandler(jsonstore.Error)
    def explain(error):
        return jsonify(error=str(error)), STATUS.get(type(error), 500)

    @app.get("/notes")
    def find():
        tag = request.args.get("tag")
        return jsonify(list(notes if tag is None else notes.find("tag", tag)))

    @app.post("/notes")
    def insert():
        note = request.get_json()
        notes.insert(note)
        return jsonify(note), 201

    @app.get("/notes/<key>")
    def get(key):
        return jsonify(notes[key])

    @app.patch("/notes/<key>")
    def patch(key):
        notes.patch(key, request.get_json())
        return jsonify(notes[key])

    @app.post("/notes/<key>/move")
    def move(key):
        note = notes[key]
        with store.transaction() as transaction:
            transaction.require(notes, key, note)  # 409 when somebody has changed it since
            transaction.delete(notes, key)
            transaction.insert(notes, {**note, **request.get_json()})
        return "", 204

    @app.delete("/notes/<key>")
    def delete(key):
        notes.delete(key)
        return "", 204

    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(sys.argv[1]), threaded=True)
