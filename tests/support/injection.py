"""What the tests of injection share: requests of raw bytes, and what no answer may be."""
import json
import random
import re

import pytest
from support import bookshop, hostile
from support.pipeline import exchange

SAMPLE = 120
STORE_TEXTS = ("sql logic", "no such", 'near "', ": syntax error", "unrecognized token", "sqlite",
               "incomplete input", "datatype mismatch", "misuse", "constraint failed", "libmariadb")
HEADERS = {"accept-ranges", "x-content-type-options", "access-control-allow-origin", "allow", "cache-control", "connection",
           "content-length", "content-location", "content-range", "content-type", "date", "etag",
           "link", "location", "preference-applied", "proxy-status", "range-unit", "retry-after",
           "server", "transfer-encoding", "vary", "warning", "www-authenticate", "x-request-id",
           "content-encoding"}


def sample(proof, seed):
    """All strings for the proof, else some of them."""
    if proof:
        return hostile.STRINGS
    return random.Random(seed).sample(hostile.STRINGS, SAMPLE)


def encoded(data):
    """Percent-encoded, each byte that is no letter or digit."""
    return re.sub(rb"[^0-9A-Za-z]", lambda match: b"%%%02X" % match[0][0], data)


def quoted(data):
    """In double quotes of the query language, then percent-encoded."""
    return encoded(b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')


def json_text(data):
    """A JSON text of the string, its bytes as they are."""
    return b'"%s"' % re.sub(rb'[\x00-\x1f"\\]', lambda match: b"\\u%04x" % match[0][0], data)


def get(target, fields=b"", method=b"GET"):
    return b"%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (method, target, fields)


def send(method, target, body, kind=b"application/json", fields=b""):
    return get(target, b"Content-Type: %s\r\nContent-Length: %d\r\n%s" % (kind, len(body), fields),
               method) + body


def text_of(data):
    """As str, when it is a text that the store keeps; else None."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def complaint(data, answer):
    """What is wrong with an answer whatever was asked; None when nothing is."""
    if answer is None:
        return "no answer"
    if not 200 <= answer.status < 500:
        return "status"
    if set(answer.headers) - HEADERS:
        return f"header {set(answer.headers) - HEADERS}"
    if any(ord(char) < 32 or ord(char) == 127 for value in answer.headers.values()
           for char in value):
        return "control character in a header"
    try:
        body = answer.body.decode("utf-8")
    except UnicodeDecodeError:
        return "body is no UTF-8"
    if "json" in answer.headers.get("content-type", "") and body:
        try:
            value = json.loads(body)
        except ValueError:
            return "body is no JSON"
        if answer.status >= 400 and set(value) != {"code", "details", "hint", "message"}:
            return "error body"
    if answer.status >= 400:
        given = data.decode("utf-8", "replace").lower()
        for text in STORE_TEXTS:
            if text in body.lower() and text not in given:
                return f"error of the store: {text}"
    return None


def run(server, strings, make, judge):
    """Sends make(string) for each; judge(string, answer) tells what is wrong, or None."""
    before = bookshop.dump(server.address)
    pairs = [(data, request) for data, request in ((data, make(data)) for data in strings)
             if request is not None]
    answers = exchange(server.address, [request for _, request in pairs])
    wrong = []
    for (data, request), answer in zip(pairs, answers, strict=True):
        what = complaint(data, answer) or judge(data, answer)
        if what:
            wrong.append(f"{what}\n  request {request[:300]!r}\n  answer {answer!r}")
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(pairs)}\n" + "\n".join(wrong[:6]), pytrace=False)
    assert bookshop.dump(server.address) == before, "rows are other ones"
    return pairs, answers


def number_of(text):
    """The number that a text is, as PostgreSQL reads one; None when it is none."""
    text = text.strip(" \t\n\v\f\r")
    if re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return float(text)
    return None


def boolean_of(text):
    return {**dict.fromkeys(("t", "true", "yes", "on", "1", "y"), True),
            **dict.fromkeys(("f", "false", "no", "off", "0", "n"), False)}.get(text.strip().lower())


def uuid_of(text):
    return text.lower() if re.fullmatch(r"[{]?[0-9a-fA-F-]{32,36}[}]?", text) else None
