"""Full text on SQLite: a table of FTS5 answers by its index what other tables answer row by row."""
import sqlite3

import pytest
from support.client import request
from support.server import Existing

TEXTS = ["The fat cat sat on the mat", "A cat and a rat", "Fat rats eat cats", "nothing of this",
         "", None, "cat", "fat-cat (fat)", "caterpillar"]
QUESTIONS = ["fts.cat", "fts.fat%26cat", "fts.fat%20%3C-%3E%20cat", "fts.cat%7Crat", "fts.!cat",
             "fts.cat:*", "fts.(fat%7Crat)%26!mat", "fts.fat%20%3C2%3E%20sat", "plfts.fat%20cat",
             "phfts.fat%20cat", "wfts.%22fat%20cat%22%20or%20nothing", "wfts.cat%20-rat",
             "not.fts.cat", "not.plfts.fat", "fts.nowhere"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full_text")
    path = folder / "texts.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE VIRTUAL TABLE indexed USING fts5(number UNINDEXED, body)")
        db.execute("CREATE TABLE plain (number INTEGER PRIMARY KEY, body TEXT)")
        for number, text in enumerate(TEXTS):
            db.execute("INSERT INTO indexed VALUES (?, ?)", (number, text))
            db.execute("INSERT INTO plain VALUES (?, ?)", (number, text))
    db.close()
    with Existing(folder=folder, store=f"sqlite:{path}").start() as running:
        yield running


def numbers(server, resource, condition):
    answer = request(server.address, "GET", f"/{resource}?select=number&{condition}")
    assert answer.status == 200, answer
    return sorted(int(row["number"]) for row in answer.json())


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_index_finds_the_same_rows(server, question):
    assert numbers(server, "indexed", f"body={question}") == numbers(server, "plain", f"body={question}")


def test_a_word_is_found(server):
    assert numbers(server, "indexed", "body=fts.cat") == [0, 1, 6, 7]
    assert numbers(server, "indexed", "or=(body.fts.mat,body.plfts.rats)") == [0, 2]
