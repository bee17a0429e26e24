"""Hostile strings (support/hostile.py) in every place that a client can fill. Each answer treats
the string literally or refuses it: never a 5xx, never an error text of the store, never other rows
than a harmless string of the same meaning gives, and reads change nothing.

By default each place meets a random part of the strings; all of them with ROWLOCK_PROOF=1.
"""
import base64
import csv
import io
import json
import re

import pytest
from support import bookshop
from support.bookshop import NOTES, WORDS
from support.client import Connection, Disconnected
from support.injection import (boolean_of, complaint, encoded, get, json_text, number_of, quoted,
                               run, sample, send, text_of, uuid_of)
from support.pipeline import exchange

ALL_IDS = sorted(WORDS)


@pytest.fixture(scope="module")
def server(module_start, tmp_path_factory):
    server = module_start(bookshop.write_service(tmp_path_factory.mktemp("bookshop")))
    bookshop.fill(server.address)
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def strings(proof, seed):
    return sample(proof, seed)


# Values of operators: the rows are those that the same comparison gives here.

def like_matches(text, pattern):
    """LIKE with % _ and the escape \\, on code points; at the end that is itself."""
    tokens, at = [], 0
    while at < len(pattern):
        if pattern[at] == "\\" and at + 1 < len(pattern):
            tokens.append(("is", pattern[at + 1]))
            at += 2
            continue
        tokens.append(("many", "") if pattern[at] == "%" else
                      ("one", "") if pattern[at] == "_" else ("is", pattern[at]))
        at += 1
    here, token, back_token, back_text = 0, 0, -1, 0
    while here < len(text):
        kind, char = tokens[token] if token < len(tokens) else ("end", "")
        if kind == "many":
            back_token, back_text = token, here
            token += 1
        elif kind == "one" or (kind == "is" and char == text[here]):
            here, token = here + 1, token + 1
        elif back_token >= 0:
            back_text += 1
            here, token = back_text, back_token + 1
        else:
            return False
    return all(kind == "many" for kind, _ in tokens[token:])


def lower(text):
    return "".join(char.lower()[0] for char in text)


LOWER_WORDS = {key: lower(word) for key, word in WORDS.items()}


def like_ids(text):
    pattern = text.replace("*", "%")
    return [key for key, word in WORDS.items() if like_matches(word, pattern)]


def ilike_ids(text):
    pattern = lower(text.replace("*", "%"))
    return [key for key, word in LOWER_WORDS.items() if like_matches(word, pattern)]


def where(test):
    return [key for key, word in WORDS.items() if test(word)]


OPERATORS = {
    "eq": (b"word=eq.%s", lambda text: where(lambda word: word == text)),
    "neq": (b"word=neq.%s", lambda text: where(lambda word: word != text)),
    "not.eq": (b"word=not.eq.%s", lambda text: where(lambda word: word != text)),
    "gt": (b"word=gt.%s", lambda text: where(lambda word: word > text)),
    "gte": (b"word=gte.%s", lambda text: where(lambda word: word >= text)),
    "lt": (b"word=lt.%s", lambda text: where(lambda word: word < text)),
    "lte": (b"word=lte.%s", lambda text: where(lambda word: word <= text)),
    "isdistinct": (b"word=isdistinct.%s", lambda text: where(lambda word: word != text)),
    "like": (b"word=like.%s", like_ids),
    "ilike": (b"word=ilike.%s", ilike_ids),
}
QUOTED_OPERATORS = {
    "in": (b"word=in.(%s)", lambda text: where(lambda word: word == text)),
    "in two": (b"word=in.(%s,alpha)", lambda text: where(lambda word: word == text)),
    "not.in": (b"word=not.in.(%s)", lambda text: where(lambda word: word != text)),
    "eq any": (b"word=eq(any).{%s,alpha}", lambda text: where(lambda word: word == text)),
    "eq all": (b"word=eq(all).{%s}", lambda text: where(lambda word: word == text)),
    "like any": (b"word=like(any).{%s}", like_ids),
    "or": (b"or=(word.eq.%s,id.lt.0)", lambda text: where(lambda word: word == text)),
    "and": (b"and=(word.eq.%s,id.gt.0)", lambda text: where(lambda word: word == text)),
    "not or": (b"not.or=(word.eq.%s,id.lt.0)", lambda text: where(lambda word: word != text)),
    "nested": (b"or=(and(word.eq.%s,id.gt.0),id.lt.0)",
               lambda text: where(lambda word: word == text)),
    "or in": (b"or=(word.in.(%s),id.lt.0)", lambda text: where(lambda word: word == text)),
}


def ids_of(answer):
    return sorted(row["id"] for row in answer.json())


def judge_ids(expected):
    """The rows of `expected`, or a refusal where the text cannot be stored or is too long."""
    def judge(data, answer):
        text = text_of(data)
        if text is None or len(data) > 4000:
            return None if answer.status >= 400 else judge_rows(data, answer, text or "\0")
        return judge_rows(data, answer, text)

    def judge_rows(data, answer, text):
        if answer.status != 200:
            return "refused"
        want, got = expected(text), ids_of(answer)
        return None if got == want else f"rows {got[:9]} and not {want[:9]}"
    return judge


@pytest.mark.parametrize("name", OPERATORS)
def test_values(server, strings, name):
    template, expected = OPERATORS[name]
    run(server, strings,
        lambda data: get(b"/words?select=id&" + template % encoded(data)), judge_ids(expected))


@pytest.mark.parametrize("name", QUOTED_OPERATORS)
def test_quoted_values(server, strings, name):
    template, expected = QUOTED_OPERATORS[name]
    run(server, strings,
        lambda data: get(b"/words?select=id&" + template % quoted(data)), judge_ids(expected))


EQUAL = OPERATORS["eq"][1]


OTHER_DOORS = {
    "QUERY body": lambda data: send(b"QUERY", b"/words", b"select=id&word=eq." + encoded(data),
                                    b"application/x-www-form-urlencoded"),
    "route path": lambda data: get(b"/by/" + encoded(data)) if data not in (b"",) else None,
    "route parameter": lambda data: get(b"/find?w=" + encoded(data)) if data else None,
    "json value": lambda data: get(b"/bags?select=id&extra->>%s=eq.%s" % (quoted(data),
                                                                          encoded(data))),
}


@pytest.mark.parametrize("name", OTHER_DOORS)
def test_values_by_other_doors(server, strings, name):
    run(server, strings, OTHER_DOORS[name], judge_ids(EQUAL))


def test_patterns(server, strings):
    """A regular expression that is any text is refused or answered, in time."""
    for operator in (b"match", b"imatch", b"not.match"):
        run(server, strings, lambda data, operator=operator:
            get(b"/words?select=id&word=%s.%s" % (operator, encoded(data))), lambda *_: None)


def test_escaped_patterns(server, strings):
    """One that is escaped matches its own text alone."""
    def make(data):
        text = text_of(data)
        if text is None or len(data) > 600:
            return None
        escaped = re.sub(r"([^0-9A-Za-z\u0080-\U0010ffff])",
                         lambda match: f"\\x{{{ord(match[1]):x}}}", text)
        return get(b"/words?select=id&word=match." + encoded(f"\\A{escaped}\\z".encode()))
    run(server, strings, make, judge_ids(EQUAL))


@pytest.mark.parametrize("operator", ["fts", "plfts", "phfts", "wfts", "fts(simple)", "not.fts"])
def test_text_search(server, strings, operator):
    run(server, strings, lambda data: get(b"/words?select=id&word=%s.%s" % (
        operator.encode(), encoded(data))), lambda *_: None)


# Values of fields that are no text: a value of the type finds its rows, all else is refused.

def judge_typed(table, field, value_of):
    rows = {"words": [{"id": key} for key in WORDS], "notes": NOTES}[table]

    def judge(data, answer):
        if answer.status >= 400:
            return None
        text = text_of(data)
        value = None if text is None else value_of(text)
        if value is None:
            return "taken for a value"
        want = [row["id"] for row in rows if row[field] == value]
        got = ids_of(answer)
        return None if got == want else f"rows {got[:9]} and not {want[:9]}"
    return judge


TYPED = {
    "integer": ("words", "id", number_of), "number": ("notes", "amount", number_of),
    "decimal": ("notes", "price", number_of), "boolean": ("notes", "done", boolean_of),
    "uuid": ("notes", "uid", uuid_of), "reference": ("notes", "shelf", number_of),
}


@pytest.mark.parametrize("name", TYPED)
def test_typed_values(server, strings, name):
    table, field, value_of = TYPED[name]
    judge = judge_typed(table, field, value_of)
    for template in ("%s=eq.%%s", "%s=in.(%%s)", "or=(%s.eq.%%s)"):
        template = (f"/{table}?select=id&" + template % field).encode()
        form = encoded if b"eq.%s" in template and b"or=" not in template else quoted
        run(server, strings, lambda data, template=template, form=form:
            get(template % form(data)), judge)
    run(server, strings, lambda data: get(
        f"/{table}?select=id&{field}=is.".encode() + encoded(data)),
        lambda data, answer: None if answer.status >= 400 or data.lower() in (
            b"null", b"true", b"false", b"unknown", b"not_null") else "taken for a value")


def test_typed_paths(server, strings):
    """A key that does not fit addresses no row."""
    for path in (b"/words/", b"/ids/", b"/notes/"):
        run(server, strings, lambda data, path=path: get(path + encoded(data))
            if not path.endswith(encoded(data)) or data else None, judge_key)


def judge_key(data, answer):
    if answer.status >= 400 or data == b"":
        return None
    return None if answer.json()["id"] == number_of(text_of(data) or "") else "another row"


# Names, and all other places of the query string: a string is refused unless it means something
# there, as those of MEANT do.

NAMES = {
    "column": b"/words?select=id&%s=eq.1",
    "column of or": b"/words?select=id&or=(%s.eq.1)",
    "select": b"/words?select=%s",
    "select more": b"/words?select=id,%s",
    "order": b"/words?select=id&order=%s",
    "order more": b"/words?select=id&order=id.asc,%s",
    "order direction": b"/words?select=id&order=id.%s",
    "order nulls": b"/words?select=id&order=id.asc.%s",
    "cast": b"/words?select=id,word::%s",
    "aggregate": b"/words?select=id.%s()",
    "operator": b"/words?select=id&word=%s.a",
    "operator whole": b"/words?select=id&word=%s",
    "negated operator": b"/words?select=id&word=not.%s.a",
    "quantifier": b"/words?select=id&word=eq(%s).{a}",
    "configuration": b"/words?select=id&word=fts(%s).a",
    "logic": b"/words?select=id&or=%s",
    "logic inside": b"/words?select=id&and=(%s)",
    "list": b"/words?select=id&id=in.%s",
    "table": b"/%s?select=id",
    "table item": b"/%s/1",
    "function": b"/rpc/%s",
    "deep path": b"/words/1/%s",
    "embed": b"/notes?select=id,%s(*)",
    "embed column": b"/notes?select=id,shelves(%s)",
    "embed hint": b"/notes?select=id,shelves!%s(*)",
    "embed alias": b"/notes?select=id,%s:nothing(*)",
    "spread": b"/notes?select=id,...%s(*)",
    "embed filter": b"/notes?select=id,shelves(id)&shelves.%s=eq.1",
    "embed filter path": b"/notes?select=id,shelves(id)&%s.id=eq.1",
    "embed order": b"/notes?select=id,shelves(id)&%s.order=id",
    "embed limit": b"/notes?select=id,shelves(id)&%s.limit=1",
    "embed logic": b"/notes?select=id,shelves(id)&%s.or=(id.eq.1)",
    "related order": b"/notes?select=id,shelves(id)&order=%s(id)",
    "related order column": b"/notes?select=id,shelves(id)&order=shelves(%s)",
    "cursor": b"/words?select=id&order=id&limit=1000&after=%s",
    "cursor and limit": b"/words?select=id&after=%s",
    "distinct": b"/words?select=id&distinct=%s",
    "limit": b"/words?select=id&limit=%s",
    "offset": b"/words?select=id&offset=%s",
    "route parameter": b"/find?over=%s",
}
FIELDS = {b"id ", b" id", b"word "}
COUNTS = {b"count", b"count()", b"id.count()", b"id.sum()"}
BLANK = {b"", b" ", b"  ", b"\t"}
MEANT = {
    "column": FIELDS | {b"select"}, "column of or": FIELDS,
    "select": FIELDS | COUNTS | BLANK | {b"*"}, "select more": FIELDS | COUNTS | {b"*"},
    "order": FIELDS, "order more": FIELDS,
    "order direction": {b"asc", b"desc", b"nullsfirst"}, "order nulls": {b"nullsfirst"},
    "aggregate": {b"count"},
    "operator": {b"eq.1", b"eq.", b"not.eq.1", b"isdistinct.1", b"fts(simple).a"},
    "operator whole": {b"eq.1", b"eq.", b"not.eq.1", b"in.(1,2)", b"in.()", b"isdistinct.1",
                       b"is.null", b"is.not_null", b"eq(any).{1,2}", b"eq(all).{}",
                       b"fts(simple).a"},
    "negated operator": {b"eq.1", b"eq.", b"isdistinct.1", b"fts(simple).a"},
    "quantifier": {b"any"}, "logic": {b"(id.gt.0)"},
    "logic inside": {b"and(id.eq.1)", b"or(id.gt.0,id.lt.0)"}, "list": {b"()", b"(1,2)"},
    "table": {b"words", b""},  # "" is the page of the whole service
    "table item": {b"words"}, "deep path": {b""},
    "embed column": FIELDS | COUNTS | BLANK | {b"*"}, "embed hint": FIELDS | {b'""'},
    "embed filter": FIELDS, "related order": {b'""'}, "related order column": FIELDS,
    "cursor": {b""}, "distinct": {b"true", b"false"}, "route parameter": {b""},
}
NUMBERS = ("limit", "offset", "route parameter")


def judge_refused(name):
    def judge(data, answer):
        if answer.status >= 400 or data in MEANT.get(name, ()):
            return None
        if name in NUMBERS and re.fullmatch(rb"-?[0-9]+", data):
            return None
        return "taken"
    return judge


@pytest.mark.parametrize("name", NAMES)
def test_names(server, strings, name):
    run(server, strings, lambda data: get(NAMES[name] % encoded(data)), judge_refused(name))


# Names of what may be called anything: all rows come, or none.

FREE = {
    "json key": (b"/bags?select=id&extra->>%s=eq.nothing", []),
    "json key of select": (b"/bags?select=id,extra->%s", ALL_IDS),
    "json key of order": (b"/bags?select=id&order=extra->>%s", ALL_IDS),
    "columns": (b"/words?select=id&columns=%s", ALL_IDS),
    "on_conflict": (b"/words?select=id&on_conflict=%s", ALL_IDS),
}


@pytest.mark.parametrize("name", FREE)
def test_free_names(server, strings, name):
    template, want = FREE[name]

    def judge(data, answer):
        if answer.status >= 400 or data == b"id.count()":
            return None
        return None if ids_of(answer) == want else "other rows"
    for form in (encoded, quoted):
        run(server, strings, lambda data, form=form: get(template % form(data)), judge)


def test_alias(server, strings):
    """The keys of an answer, and the header of its CSV, are the alias to the byte."""
    def judge(data, answer):
        text = text_of(data)
        if answer.status >= 400:
            return "refused" if text and len(data) < 4000 else None
        return None if answer.json() == [{text or "id": 1}] else "another key"

    def judge_csv(data, answer):
        if answer.status >= 400:
            return None
        lines = list(csv.reader(io.StringIO(answer.body.decode("utf-8"), newline="")))
        return None if lines == [[text_of(data) or "id"], ["1"]] else "another header"
    for fields, judgement in ((b"", judge), (b"Accept: text/csv\r\n", judge_csv)):
        run(server, strings, lambda data, fields=fields: get(
            b"/words?id=eq.1&select=%s:id" % quoted(data), fields), judgement)


def test_raw_query_strings(server, strings):
    """As the whole query string, also with its & and = and bytes that no URL has."""
    grammar = rb"[\x00-\x20\x7f]"
    targets = (b"/words?%s", b"/words?select=id&%s", b"/words?select=id&%s=eq.1", b"/%s", b"%s")
    for target in targets:
        run(server, [data for data in strings if len(data) < 15000],
            lambda data, target=target: get(target % re.sub(
                grammar, lambda match: b"%%%02X" % match[0][0], data)), lambda *_: None)


# Cursors: what a client puts into one of its own making is a value.

def cursor_of(answer):
    """The values of the cursor in the Link of an answer; the last is its hash."""
    text = re.search(r"after=([A-Za-z0-9_-]+)", answer.headers["link"])[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def as_cursor(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_forged_cursors(server, strings):
    target = b"/words?select=id&order=word&limit=%d&after=%s"
    first = exchange(server.address, [get(target % (1, b""))])[0]
    seal = json.dumps(cursor_of(first)[-1]).encode()
    short = [data for data in strings if len(data) < 2000]

    def judge(data, answer):
        text = text_of(data)
        if text is None:
            return None if answer.status >= 400 else "taken"
        want = where(lambda word: word >= text)
        return None if answer.status == 200 and ids_of(answer) == want else "other rows"

    def judge_raw(data, answer):
        return None if answer.status >= 400 or set(ids_of(answer)) <= set(WORDS) else "other rows"
    run(server, short, lambda data: get(target % (1000, as_cursor(
        b"[%s,0,%s]" % (json_text(data), seal)))), judge)
    for form in (b"[%s,0,X]", b'["a",%s,X]', b'["a",0,"%s"]', b"%s", b"[%s]", b'["a",0,X,%s]'):
        run(server, short, lambda data, form=form: get(target % (1000, as_cursor(
            form.replace(b"X", seal).replace(b"%s", data)))), judge_raw)


def test_links_to_the_next_page(server, strings):
    """The string comes back in Link, and the page behind it is the right one."""
    short = [data for data in strings if text_of(data) is not None and len(data) < 2000]
    first = exchange(server.address, [get(
        b"/words?select=id&order=id&limit=100&after=&word=neq." + encoded(data))
        for data in short])
    links = [re.match(r"<([^>]*)>; rel=\"next\"$", answer.headers["link"])[1] for answer in first]
    second = exchange(server.address, [get(link.encode("latin-1")) for link in links])
    for data, one, other in zip(short, first, second, strict=True):
        want = where(lambda word, data=data: word != text_of(data))
        assert complaint(data, one) is None and complaint(data, other) is None
        assert ids_of(one) + ids_of(other) == want[:200], data


# Header fields. The row that was asked for comes, or a refusal.

FIELDS_OF_READS = [
    "Prefer: %s", "Prefer: return=%s", "Prefer: count=%s", "Prefer: tx=%s", "Prefer: missing=%s",
    "Prefer: handling=strict, %s", "Prefer: timezone=%s", "Prefer: resolution=%s",
    "Prefer: handling=strict, max-affected=%s", "Range: %s", "Range: 0-%s", "Range-Unit: %s",
    "Accept: %s", "Accept: application/json;q=%s", "Accept: */*;%s", "Accept: text/csv;charset=%s",
    "Accept-Profile: %s", "Accept-Encoding: %s", "Accept-Language: %s", "If-None-Match: %s",
    "If-None-Match: \"%s\"", "If-Match: %s", "If-Modified-Since: %s", "Authorization: %s",
    "Authorization: Bearer %s", "Cookie: %s", "Origin: %s", "Host: %s", "X-Forwarded-For: %s",
    "User-Agent: %s", "Referer: %s", "X-Request-Id: %s", "traceparent: %s", "apikey: %s",
    "Sec-Fetch-Site: %s", "Expect: %s", "Connection: %s", "X-Anything: %s", "%s: a", "%s",
]
FIELDS_OF_WRITES = [
    "If-Match: %s", "If-Match: \"%s\"", "If-None-Match: %s", "Idempotency-Key: %s", "Prefer: %s",
    "Prefer: return=%s", "Prefer: return=representation, tx=%s", "Content-Profile: %s",
    "Prefer: handling=strict, %s", "Prefer: handling=strict, max-affected=%s", "Range: %s",
]


def judge_row(data, answer):
    if answer.status >= 304 or answer.body in (b'[{"id":1}]', b"id\n1", b"id\r\n1"):
        return None
    return None if answer.body == b"[]" and b"1" in data else "another row"


def apart(server, requests):
    """Each over a connection of its own, of which the first answer counts."""
    answers = []
    for request in requests:
        with Connection(server.address) as connection:
            connection.send(request)
            connection.end_of_requests()
            try:
                answers.append(connection.receive(request.partition(b" ")[0].decode()))
            except Disconnected:
                answers.append(None)
    return answers


def run_fields(server, strings, field, make, judge):
    """A string with a line break makes more header fields or requests of the rest: these go
    apart."""
    template = field.encode().replace(b"%s", b"%b") + b"\r\n"
    whole = [data for data in strings if not re.search(rb"[\r\n]", data)]
    run(server, whole, lambda data: make(template % data), judge)
    broken = [data for data in strings if data not in whole]
    wrong = [(data, answer) for data, answer in zip(broken, apart(
        server, [make(template % data) for data in broken]), strict=True)
        if complaint(data, answer)]
    assert wrong == []


@pytest.mark.parametrize("field", FIELDS_OF_READS)
def test_fields_of_reads(server, strings, field):
    host = b"" if field.startswith("Host:") else b"Host: localhost\r\n"
    run_fields(server, strings, field, lambda line: b"GET /words?select=id&id=eq.1 HTTP/1.1\r\n"
               + host + line + b"\r\n", judge_row)


@pytest.mark.parametrize("field", FIELDS_OF_WRITES)
def test_fields_of_writes(server, strings, field):
    """The write sets a field to the value that it has."""
    body = json.dumps({"word": WORDS[1]}).encode()
    run_fields(server, strings, field, lambda line: send(
        b"PATCH", b"/words/1", body, fields=line), lambda *_: None)


def test_content_type(server, strings):
    """The body is no row in any format."""
    run_fields(server, strings, "Content-Type: %s", lambda line: get(
        b"/words", line + b"Content-Length: 10\r\n", b"POST") + b"hostile, 1",
        lambda data, answer: None if answer.status >= 400 else "taken")
