"""A service with a field of each type, references and a text key, filled with hostile texts."""
from support import hostile
from support.client import Connection

SERVICE = """
service: bookshop
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:bookshop.db}
resources:
  shelves:
    key: id
    fields:
      id:    integer
      label: text
  notes:
    key: id
    fields:
      id:     integer
      shelf:  { type: integer, references: shelves }
      word:   text
      amount: number
      price:  decimal(10,2)
      done:   boolean
      extra:  json
      uid:    uuid
  words:
    key: id
    fields:
      id:   integer
      word: text
  bags:
    key: id
    fields:
      id:    integer
      extra: json
  names:
    key: name
    fields:
      name: text
      n:    integer
  pairs:
    key: [a, b]
    fields:
      a: text
      b: text
      n: integer
routes:
  GET /by/{word}:          { list: words, select: id, where: "word=eq.{word}" }
  GET /ids/{id}:           { get: words }
  GET /find:               { list: words, select: id, where: ["word=eq.{w?}", "id=gt.{over?}"] }
  PUT /put/{name}:         { upsert: names }
"""
SHELVES = [{"id": 1, "label": "one"}, {"id": 2, "label": "two"}]
NOTES = [
    {"id": 1, "shelf": 1, "word": "alpha", "amount": 0.5, "price": 1.25, "done": True,
     "extra": {"a": "x", "b": [1, 2]}, "uid": "6f0d9d4e-5a0b-4c9e-8a55-0c5b6a7d8e9f"},
    {"id": 2, "shelf": 1, "word": "beta", "amount": 1, "price": 10, "done": False,
     "extra": {"a": "1"}, "uid": "00000000-0000-0000-0000-000000000000"},
    {"id": 3, "shelf": None, "word": None, "amount": None, "price": None, "done": None,
     "extra": None, "uid": None},
]
# All that a store keeps as it is: NUL ends no text here, but PostgreSQL's texts hold none.
KEPT = [text for text in hostile.TEXTS if "\0" not in text]
WORDS = dict(enumerate(KEPT, 1))
TABLES = ("shelves", "notes", "words", "bags", "names", "pairs")


def write_service(folder):
    file = folder / "bookshop.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    return file


def fill(address):
    words = [{"id": key, "word": word} for key, word in WORDS.items()]
    bags = [{"id": key, "extra": {word: word}} for key, word in WORDS.items()]
    with Connection(address) as connection:
        for table, rows in (("shelves", SHELVES), ("notes", NOTES), ("words", words),
                            ("bags", bags)):
            answer = connection.request("POST", f"/{table}", rows)
            assert answer.status == 201, answer


def dump(address):
    """All rows of all tables, as they are sent."""
    with Connection(address) as connection:
        answers = [connection.request("GET", f"/{table}") for table in TABLES]
    assert [answer.status for answer in answers] == [200] * len(TABLES), answers
    return [answer.body for answer in answers]
