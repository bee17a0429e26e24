"""Hostile strings (support/hostile.py) in what is written: each comes back to the byte or is
refused, and no other row changes. How many strings each place meets: see test_injection.py."""
import csv
import io
import json
from decimal import Decimal

import pytest
from support import bookshop
from support.client import request
from support.injection import (boolean_of, complaint, encoded, get, json_text, quoted,
                               run, sample, send, text_of, uuid_of)
from support.pipeline import exchange


@pytest.fixture(scope="module")
def server(module_start, tmp_path_factory):
    server = module_start(bookshop.write_service(tmp_path_factory.mktemp("bookshop")))
    bookshop.fill(server.address)
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def strings(proof, seed):
    return sample(proof, seed)


# Writes: a string comes back to the byte, or is refused and nothing is written.

def json_row(data):
    return b'{"name":%s,"n":1}' % json_text(data)


def csv_row(data):
    return b'name,n\r\n"%s",1\r\n' % data.replace(b'"', b'""')


WRITES = {
    "json": lambda data: send(b"POST", b"/names", json_row(data)),
    "json array": lambda data: send(b"POST", b"/names?columns=name,n",
                                    b"[" + json_row(data) + b"]"),
    "ndjson": lambda data: send(b"POST", b"/names", json_row(data) + b"\n",
                                b"application/x-ndjson"),
    "csv": lambda data: send(b"POST", b"/names", csv_row(data), b"text/csv"),
    "form": lambda data: send(b"POST", b"/names", b"n=1&name=" + encoded(data),
                              b"application/x-www-form-urlencoded"),
    "upsert": lambda data: send(b"POST", b"/names?on_conflict=name", json_row(data),
                                fields=b"Prefer: resolution=merge-duplicates\r\n"),
    "item path": lambda data: send(b"PUT", b"/names/" + quoted(data), b'{"n":1}'),
    "PUT with a filter": lambda data: send(b"PUT", b"/names?name=eq." + encoded(data),
                                           json_row(data)),
    "route path": lambda data: send(b"PUT", b"/put/" + encoded(data), b'{"n":1}'),
    "pair": lambda data: send(b"PUT", b"/pairs/%s,%s" % (quoted(data), quoted(data)), b'{"n":1}'),
}
REPRESENTATION = b"Prefer: return=representation, count=exact\r\n"


def round_trip(data, name):
    """Written, read in two ways, changed and deleted, each by the string itself."""
    if name == "pair":
        key = b"/pairs?a=eq.%s&b=eq.%s" % (encoded(data), encoded(data))
        item = b"/pairs/%s,%s" % (quoted(data), quoted(data))
    else:
        key, item = b"/names?name=eq." + encoded(data), b"/names/" + quoted(data)
    return [WRITES[name](data), get(key), get(item), get(key, b"Accept: text/csv\r\n"),
            send(b"PATCH", key, b'{"n":2}', fields=REPRESENTATION),
            get(key, REPRESENTATION, b"DELETE")]


def judge_trip(data, name, answers):
    written, listed, item, table, changed, deleted = answers
    text = text_of(data)
    if written.status >= 400:
        if text is not None and len(data) < 1000 and refusable(name, text) is False:
            return "refused"
        return None if listed.status >= 400 or listed.body == b"[]" else "refused, but written"
    row = {"a": text, "b": text, "n": 1} if name == "pair" else {"name": text, "n": 1}
    if deleted.status == 414:
        return None if len(encoded(data)) > 16000 else "refused"
    if listed.json() != [row] or item.json() != row:
        return "another row"
    lines = list(csv.reader(io.StringIO(table.body.decode("utf-8"), newline="")))
    if lines != [list(row), [str(value) for value in row.values()]]:
        return "another CSV"
    if changed.json() != [{**row, "n": 2}] or deleted.json() != [{**row, "n": 2}]:
        return "another row was changed"
    return None


def refusable(name, text):
    """May a good text be refused? An empty part of a path is another path; CSV reads NULL as
    null."""
    if name == "route path":
        return text in ("", ".", "..") or "/" in text
    return name == "csv" and text == "NULL"


@pytest.mark.parametrize("name", WRITES)
def test_written_values(server, strings, name):
    before = bookshop.dump(server.address)
    trips = [round_trip(data, name) for data in strings]
    answers = exchange(server.address, [request for trip in trips for request in trip])
    # The longest one fits no request line.
    assert exchange(server.address, [get(b"/names?name=like.aaaaaaaa*", method=b"DELETE")])
    wrong = []
    for number, data in enumerate(strings):
        mine = answers[6 * number:6 * number + 6]
        what = (next(filter(None, (complaint(data, answer) for answer in mine)), None)
                or judge_trip(data, name, mine))
        if what:
            wrong.append(f"{what}\n  string {data[:200]!r}\n  answers {mine!r}")
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(trips)}\n" + "\n".join(wrong[:4]), pytrace=False)
    assert bookshop.dump(server.address) == before, "rows are left"


def test_location_of_a_written_row(server, strings):
    """Location holds the key to the byte, and finds the row."""
    prefer = b"Prefer: return=headers-only\r\n"
    short = [data for data in strings if len(data) < 2000]
    written = exchange(server.address, [send(b"POST", b"/names", json_row(data), fields=prefer)
                                        for data in short])
    for data, answer in zip(short, written, strict=True):
        assert complaint(data, answer) is None, (data, answer)
    made = [(data, answer.headers["location"].encode("latin-1"))
            for data, answer in zip(short, written, strict=True) if answer.status == 201]
    assert len(made) > len(short) * 0.8
    found = exchange(server.address, [get(location) for _, location in made])
    gone = exchange(server.address, [get(location, method=b"DELETE") for _, location in made])
    for (data, location), row, delete in zip(made, found, gone, strict=True):
        assert row.json() == [{"name": text_of(data), "n": 1}], (data, location, row)
        assert delete.status == 204, (location, delete)
    assert request(server.address, "GET", "/names").body == b"[]"


# Bodies in which the string is no value of a text field: refused, or no row is written.

BODIES = {
    "json key": lambda data: send(b"POST", b"/names", json_row(data).replace(
        b'"name":', b"", 1).replace(b',"n":1', b':1,"n":1', 1)),
    "json text": lambda data: send(b"POST", b"/names", data),
    "json text of an update": lambda data: send(b"PATCH", b"/words", data),
    "json array": lambda data: send(b"POST", b"/names", b"[" + data + b"]"),
    "integer": lambda data: send(b"POST", b"/names", b'{"name":1,"n":"x%s"}' % data),
    "csv text": lambda data: send(b"POST", b"/names", data, b"text/csv"),
    "csv header": lambda data: send(b"POST", b"/names", b'"%s"\r\n1\r\n' % data.replace(
        b'"', b'""'), b"text/csv"),
    "csv integer": lambda data: send(b"POST", b"/words", b'word,id\r\na,"x%s"\r\n' % data.replace(
        b'"', b'""'), b"text/csv"),
    "form": lambda data: send(b"POST", b"/names", data, b"application/x-www-form-urlencoded"),
    "form key": lambda data: send(b"POST", b"/names", b"name=a&%s=1" % encoded(b"x" + data),
                                  b"application/x-www-form-urlencoded"),
    "ndjson text": lambda data: send(b"POST", b"/names", data, b"application/x-ndjson"),
    "ndjson after a row": lambda data: send(b"POST", b"/names", b'{"name":"a"}\n{"x":' + data,
                                            b"application/x-ndjson"),
    "columns": lambda data: send(b"POST", b"/names?columns=name,%s" % encoded(b"x" + data),
                                 b'{"name":"a"}'),
    "on_conflict": lambda data: send(b"POST", b"/names?on_conflict=" + encoded(b"x" + data),
                                     b'{"name":"a"}',
                                     fields=b"Prefer: resolution=merge-duplicates\r\n"),
    "query body": lambda data: send(b"QUERY", b"/words", data,
                                    b"application/x-www-form-urlencoded"),
    "returned columns": lambda data: send(
        b"POST", b"/names?select=%s" % encoded(b"x" + data), b'{"name":"a"}',
        fields=b"Prefer: return=representation\r\n"),
    "delete by a name": lambda data: get(b"/words?%s=eq.1" % encoded(b"x" + data),
                                         method=b"DELETE"),
    "delete by an operator": lambda data: get(b"/words?word=x" + encoded(data), method=b"DELETE"),
    "delete by logic": lambda data: get(b"/words?or=(id.eq.x%s)" % encoded(data),
                                        method=b"DELETE"),
    "update by a name": lambda data: send(b"PATCH", b"/words?x%s=eq.1" % encoded(data),
                                          b'{"word":"taken"}'),
    "update by an order": lambda data: send(b"PATCH", b"/words?order=x" + encoded(data),
                                            b'{"word":"taken"}'),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_and_names_of_writes(server, strings, name):
    run(server, strings, BODIES[name], lambda *_: None)


@pytest.mark.parametrize("field", ["amount", "price", "done", "uid", "extra", "shelf", "id"])
def test_json_values_of_other_types(server, strings, field):
    """A JSON token that is taken comes back as the same value."""
    before = bookshop.dump(server.address)
    short = [data for data in strings if len(data) < 2000]
    row = b'{"id":1000,"%s":%%b}' if field != "id" else b'{"shelf":1,"%s":%%b}'
    wanted = b"Prefer: return=representation\r\n"
    for quote in (False, True):
        sent = [json_text(data) if quote else data for data in short]
        answers = exchange(server.address, [one for token in sent for one in (
            send(b"POST", b"/notes?select=" + field.encode(),
                 row % field.encode() % token, fields=wanted),
            get(b"/notes?or=(id.gt.3,id.lt.1)", method=b"DELETE"))])
        for data, token, answer in zip(short, sent, answers[::2], strict=True):
            assert complaint(data, answer) is None, (field, token, answer)
            if answer.status == 201:
                assert_same(field, token, answer.json()[0][field])
    assert bookshop.dump(server.address) == before


def assert_same(field, token, got):
    given = json.loads(token, parse_float=Decimal)
    if field == "extra":
        same = json.dumps(got) == json.dumps(json.loads(token))
    elif field == "uid":
        same = got is None if given is None else got == uuid_of(given)
    elif field == "done":
        same = got is given or (isinstance(given, str) and got is boolean_of(given))
    elif given is None or isinstance(given, bool):
        same = got is given
    elif field == "amount":
        same = got == float(given)
    else:
        same = Decimal(str(got)) == Decimal(given)
    assert same, (field, token, got)
