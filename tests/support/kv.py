"""A service of single integers, so that every write can have a value of its own."""
import itertools
import json

from support.client import request_bytes
from support.linearize import DELETE, READ, WRITE, Op

SERVICE = """
service: kv
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:kv.db}
resources:
  kv:
    key: id
    fields:
      id:    integer
      value: { type: integer, required: true }
routes:
  PUT /kv/{id}:    { upsert: kv }
  GET /kv/{id}:    { get: kv }
  DELETE /kv/{id}: { delete: kv }
"""


def write_service(folder):
    file = folder / "kv.yaml"
    file.write_text(SERVICE, encoding="utf-8")
    return file


class Recorder:
    """Clients that write, read and delete single rows, and what each was told and when."""

    def __init__(self, keys):
        self.keys = list(keys)
        self.histories = {key: [] for key in self.keys}
        self.values = itertools.count(1)
        self.operations = 0

    def client(self, rng, budget):
        while budget.take():
            key = rng.choice(self.keys)
            kind = rng.choices((WRITE, READ, DELETE), (4, 5, 1))[0]
            value = next(self.values) if kind == WRITE else None
            answer = yield self.request(kind, key, value)
            self.histories[key].append(self.op(kind, key, value, answer))
            self.operations += 1

    @staticmethod
    def request(kind, key, value):
        path = f"/kv/{key}"
        if kind == WRITE:
            return request_bytes("PUT", path, json.dumps({"value": value}))
        return request_bytes("GET" if kind == READ else "DELETE", path)

    @staticmethod
    def op(kind, key, value, answer):
        times = (answer.invoked, answer.returned)
        if kind == WRITE:
            assert answer.status in (200, 201), answer
            assert answer.json() == {"id": key, "value": value}, answer
            return Op(WRITE, value, *times, found=answer.status == 200)
        if kind == DELETE:
            assert answer.status in (204, 404), answer
            return Op(DELETE, None, *times, found=answer.status == 204)
        assert answer.status in (200, 404), answer
        if answer.status == 404:
            return Op(READ, None, *times)
        row = answer.json()
        assert row["id"] == key, row
        return Op(READ, row["value"], *times)
