"""One caller never sees another's rows, through any door.

Two worlds hold the same rows of Ann's and others of Bob's. Whatever Ann asks in both, she gets the
same answer, to the byte: so nothing of it depends on Bob's rows. The requests are every combination
of doors, shapes, filters, orders, ranges, formats and preferences, each sent by Bob first, so that
his answers are in the cache, and with his ETags. Besides, Bob's texts and numbers are marked, and no
answer to Ann holds a mark. Where a key is taken an insert must fail in one world and not in the
other; of such requests only the marks count, and that Bob's rows stay as they are.
"""
import itertools
import json
import random
import re

import pytest
from support import mariadb
from support.client import Connection
from support.server import run_program

pytestmark = pytest.mark.slow

SERVICE = """
service: shared
listen: 127.0.0.1:0
store: "memory:"
cache: {cache}
auth: {{ algorithm: RS256, public_key: "{folder}/jwt.pub" }}
limits: {{ aggregates: on, rollback: on }}
resources:
  teams:
    key: id
    fields:
      id: integer
      owner: {{ type: text, required: true }}
      name: text
    rules: {{ read: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}, update: {{ boss: all, "*": never }} }}
  notes:
    key: id
    fields:
      id: integer
      owner: {{ type: text, required: true }}
      team: {{ type: integer, references: teams }}
      text: text
      amount: {{ type: integer, required: true }}
      open: {{ type: boolean, default: false }}
      data: json
      day: date
      wage: {{ type: integer, readable_by: boss, writable_by: boss }}
      double: {{ type: integer, computed: amount * 2 }}
      raise: {{ type: integer, computed: wage * 2 }}
    unique: {{ one text: [owner, text] }}
    search: text
    rules:
      read:   {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
      create: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
      update: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
      delete: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
  replies:
    key: [note, number]
    fields:
      note: {{ type: integer, references: notes }}
      number: integer
      owner: {{ type: text, required: true }}
      text: text
    rules:
      read:   {{ boss: all, "*": "owner=in.({{claims.names}})" }}
      create: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
      update: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
      delete: {{ boss: all, "*": "owner=eq.{{claims.sub}}" }}
  counts:
    tally: notes
    by: [owner, amount]
  links:
    key: id
    fields:
      id: integer
      note: {{ type: integer, references: notes }}
      team: {{ type: integer, references: teams }}
routes:
  GET /mine:                {{ list: notes, where: "owner=eq.{{claims.sub}}" }}
  GET /texts:               {{ list: notes, values: text }}
  GET /notes-of/{{owner}}:    {{ list: notes, order: amount.desc, empty: 404 }}
  GET /found:               {{ list: notes, where: "text=ilike.*{{contains?}}*", select: "id,text" }}
  GET /one/{{id}}:            {{ get: notes, select: "id,text,replies(text)" }}
  GET /team/{{id}}:           {{ list: teams, select: "name,notes(text,amount)" }}
  GET /my-count:            {{ get: counts, where: "owner=eq.{{claims.sub}}&amount=eq.3330000" }}
  PATCH /mine:              {{ update: notes, where: "owner=eq.{{claims.sub}}" }}
  DELETE /named:            {{ delete: notes, where: "owner=in.({{claims.names}})", reply: 204 }}
  GET /me:                  {{ list: counts, select: "owner,count" }}
  PATCH /one/{{id}}:          {{ update: notes }}
  PUT /one/{{id}}:            {{ upsert: notes, then: "GET /one/{{id}}" }}
  DELETE /one/{{id}}:         {{ delete: notes, reply: {{ message: ok }} }}
  DELETE /notes-of/{{owner}}: {{ delete: notes, reply: {{ message: ok }} }}
"""
ANN, BOB = 1000, 5000  # where their keys begin
MARK = re.compile(rb"BOBTEXT|777\d{4}|\bbob\b")
SAMPLE = 700


def rows_of(name, first, count, mark, amount):
    """Teams, notes and replies of one user."""
    return {
        "teams": [{"id": first + n, "owner": name, "name": f"{mark} team {n}"}
                  for n in range(2 if count else 0)],
        "notes": [{"id": first + n, "owner": name, "team": first + n % 2, "text": f"{mark} {n} shared",
                   "amount": amount + n % 3, "open": n % 2 == 0, "data": {"a": mark, "n": amount + n},
                   "day": f"2024-01-{n % 28 + 1:02}", "wage": amount + 100 + n} for n in range(count)],
        "replies": [{"note": first + n, "number": 1, "owner": name, "text": f"{mark} reply {n}"}
                    for n in range(count)],
        # Everyone's, and they lead to Bob's rows: the same in both worlds.
        "links": [],
    }


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    assert run_program("keys", "--out", folder).returncode == 0

    def token(*args):
        return run_program("token", "--key", folder / "jwt.key", *args).stdout.strip()
    return folder, {
        "ann": token("--sub", "ann", "--claim", 'names=["ann"]'),
        "bob": token("--sub", "bob", "--claim", 'names=["bob"]'),
        "boss": token("--sub", "eve", "--role", "boss"),
        "nobody": token("--sub", "", "--claim", "x=1"),
    }


class World:
    """One server, with connections of each user."""

    def __init__(self, server, tokens, bobs):
        self.server = server
        self.tokens = tokens
        self.connection = Connection(server.address)
        for own in (rows_of("ann", ANN, 6, "ANNTEXT", 3330000), rows_of("bob", BOB, bobs, "BOBTEXT", 7770000)):
            for resource, rows in own.items():
                if rows:
                    answer = self.ask("boss", "POST", f"/{resource}", rows)
                    assert answer.status == 201, answer
        links = [{"id": 1, "note": ANN, "team": ANN}]
        links += [{"id": 2, "note": BOB, "team": BOB}] if bobs else [{"id": 2, "note": None, "team": None}]
        assert self.ask("boss", "POST", "/links", links).status == 201

    def ask(self, user, method, path, body=None, headers=()):
        headers = {"Authorization": f"Bearer {self.tokens[user]}", **dict(headers)}
        answer = self.connection.request(method, path, body, headers)
        if answer.closes:
            self.connection.close()
            self.connection = Connection(self.server.address)
        return answer

    def of_bob(self):
        """All that is Bob's, as the boss sees it."""
        return [self.ask("boss", "GET", path).body for path in
                ("/teams?owner=eq.bob", "/notes?owner=eq.bob", "/replies?owner=eq.bob", "/counts?owner=eq.bob")]


def worlds_of(start, tmp_path, tokens, cache, stores):
    folder, signed = tokens
    file = tmp_path / "service.yaml"
    file.write_text(SERVICE.format(cache=cache, folder=folder))
    return [World(start(file, store=store), signed, bobs) for store, bobs in zip(stores, (9, 2))]


def shown(answer):
    """What two worlds must have in common. Versions count the writes of all, and tell nothing else."""
    headers = {name: value for name, value in answer.headers.items()
               if name not in ("date", "x-request-id", "etag")}
    return answer.status, headers, answer.body


# ---- requests ----

SELECTS = ["", "select=*", "select=id,text", "select=count()", "select=amount,count()",
           "select=amount.sum(),amount.max()", "select=text,double", "select=data->a,data->>n",
           "select=id,teams(*)", "select=id,teams!inner(name)", "select=id,replies(text)",
           "select=id,replies(count())", "select=id,...teams(name)", "select=id,links(*)",
           "select=id,teams(notes(text))"]
FILTERS = ["", "owner=eq.bob", "owner=neq.ann", "id=gt.0", "amount=gte.0", "text=ilike.*shared*",
           "text=match.SHARED|shared", "text=fts.shared", "or=(owner.eq.bob,id.gt.0)",
           "not.and=(owner.eq.ann,id.lt.0)", "owner=not.eq.ann", "owner=isdistinct.ann",
           "id=in.(1000,5000)", "data->>a=eq.BOBTEXT", "open=is.true", "day=lt.2025-01-01",
           "double=gt.0"]
ORDERS = ["", "order=amount.desc,id", "order=text", "limit=3&offset=1",
          "limit=2&order=text.desc&after=", "distinct=true"]
HIDDEN = ["select=wage", "select=raise", "select=wage.max()", "select=id,teams(notes(wage))", "wage=gt.0",
          "raise=gt.0", "order=wage", "order=raise", "or=(id.gt.0,wage.gt.0)", "select=id,teams(notes(id))&teams.notes.wage=gt.0",
          "select=w:wage,text", "select=*,wage", "select=id&wage=is.null&limit=1"]
EMBEDDED = ["/teams?select=name,notes(*)", "/teams?select=name,notes(count())",
            "/teams?select=name,notes!inner(text)&notes.owner=eq.bob",
            "/teams?select=name,notes()&notes=not.is.null", "/teams?select=name,...notes(text)",
            "/teams?select=name,notes(replies(*))", "/links?select=id,notes(*),teams(*)",
            "/links?select=id,notes!inner(text)", "/links?select=id,notes()&notes=is.null",
            "/links?select=id,...notes(text,amount)", "/links?select=id,notes(text)&order=notes(amount)",
            "/links?select=count(),...teams(name)", "/replies?select=text,notes(text,amount)",
            "/replies?select=text,notes(teams(name))&notes.teams=not.is.null", "/replies", "/counts",
            "/counts?select=count.sum()", "/counts?owner=eq.bob", "/counts?order=count.desc&limit=1",
            "/teams", "/teams/5000", "/notes/5000", "/notes/5001", "/notes/1000", "/notes/1000?select=wage",
            "/notes/5000?select=wage", "/replies/5000,1", "/counts/bob,7770000", "/mine", "/texts",
            "/mine?select=id&order=id", "/mine?or=(owner.eq.bob,id.gt.0)", "/notes-of/ann", "/notes-of/bob",
            "/found?contains=shared", "/found?contains=", "/found?contains=BOB", "/one/1000", "/one/5000",
            "/team/1000", "/team/5000", "/me", "/my-count"]
WAYS = [{}, {"Prefer": "count=exact"}, {"Prefer": "count=planned"}, {"Accept": "text/csv"},
        {"Accept": "application/x-ndjson"}, {"Accept": "application/vnd.pgrst.object+json"},
        {"Range": "0-1", "Range-Unit": "items", "Prefer": "count=estimated"}, {"Prefer": "timezone=Asia/Tokyo"}]


def reads():
    for select, condition, order in itertools.product(SELECTS, FILTERS, ORDERS):
        query = "&".join(part for part in (select, condition, order) if part)
        for way in WAYS:
            yield "/notes" + ("?" + query if query else ""), way
    for path, way in itertools.product(EMBEDDED, WAYS):
        yield path, way


def chosen(rng, proof):
    """All of them, or the plain ones and a sample."""
    every = list(reads())
    if proof:
        return every + [("/notes?" + query, {}) for query in HIDDEN]
    plain = [(path, {}) for path in EMBEDDED]
    plain += [("/notes?" + query, {}) for query in filter(None, SELECTS + FILTERS + ORDERS + HIDDEN)]
    return plain + rng.sample(every, SAMPLE)


WHOLE = {"owner": "ann", "text": "ANNTEXT new", "amount": 3330009, "open": False, "data": None, "day": None}
NOTE = {"id": 1900, **WHOLE}


def writes():
    """What Ann changes: the same in both worlds."""
    patches = [{"text": "ANNTEXT changed"}, {"amount": 3330007}, {"owner": "ann"}, {"owner": "bob"}, {"wage": 1},
               {"open": True}, {}]
    targets = ["/notes?id=gt.0", "/notes?owner=eq.bob", "/notes?id=eq.5000", "/notes/5000", "/notes/1001", "/one/5001",
               "/notes?amount=gt.7000000", "/notes?text=fts.shared&id=gt.1003", "/notes?wage=gt.0", "/replies?number=eq.1",
               "/replies/5000,1", "/teams?id=gt.0", "/teams/5000"]
    answers = [{}, {"Prefer": "return=representation"}, {"Prefer": "return=representation,count=exact"},
               {"Prefer": "return=headers-only,tx=rollback"}, {"If-Match": "*"}, {"Prefer": "max-affected=1,handling=strict"}]
    for path, way in itertools.product(targets, answers):
        for patch in patches:
            yield "PATCH", path, patch, way
    for path, way in itertools.product(targets, answers):
        yield "DELETE", path, None, {**way, "Prefer": way.get("Prefer", "") + ",tx=rollback"}
    posts = [NOTE, [NOTE, {**NOTE, "id": 1901, "text": "x"}], {**NOTE, "owner": "bob"}, {**NOTE, "wage": 1},
             [NOTE, {**NOTE, "id": 1901, "owner": "bob"}]]
    for row, prefer in itertools.product(posts, ["", "return=representation", "resolution=merge-duplicates",
                                                 "resolution=merge-duplicates,return=representation",
                                                 "resolution=ignore-duplicates,return=representation"]):
        for path in ("/notes", "/notes?select=id,replies(*),teams(*)", "/notes?columns=id,owner,text,amount"):
            yield "POST", path, row, {"Prefer": prefer + ",tx=rollback"}
    for path in ("/notes/1900", "/notes?id=eq.1900", "/one/1000", "/one/1900"):
        yield "PUT", path, NOTE if path.startswith("/notes") else WHOLE, {"Prefer": "return=representation"}
    lines = [json.dumps({**NOTE, "id": 2000 + n, "text": f"ANNTEXT {n}", "owner": "ann" if n < 600 else "bob"})
             for n in range(601)]
    for resolution in ("", "resolution=merge-duplicates,", "resolution=ignore-duplicates,"):
        for some in (lines, lines[:600], lines[600:]):
            yield "POST", "/notes", "\n".join(some), {"Content-Type": "application/x-ndjson",
                                                      "Prefer": resolution + "tx=rollback"}
        yield "POST", "/replies", "note,number,owner,text\n1001,5,ann,ANNTEXT\n1001,6,bob,\n", {
            "Content-Type": "text/csv", "Prefer": resolution + "tx=rollback"}
    for path, way in itertools.product(("/replies/1001,1", "/replies?note=eq.1001&number=eq.1", "/replies/1001,7"),
                                       ({}, {"Prefer": "return=representation"}, {"If-Match": "*"}, {"If-None-Match": "*"})):
        number = 7 if path.endswith("7") else 1
        for owner in ("ann", "bob"):
            yield "PUT", path, {"note": 1001, "number": number, "owner": owner, "text": "ANNTEXT put"}, way
    yield "PATCH", "/mine", {"day": "2024-02-02"}, {}
    yield "PATCH", "/mine", {"owner": "bob"}, {}
    yield "DELETE", "/named", None, {"Prefer": "tx=rollback"}
    yield "DELETE", "/notes-of/bob", None, {}
    yield "DELETE", "/one/5000", None, {}


def collisions():
    """Keys that Bob's rows may have."""
    taken = {**NOTE, "id": 5000}
    for prefer in ("", "return=representation", "resolution=merge-duplicates", "resolution=ignore-duplicates",
                   "resolution=merge-duplicates,return=representation",
                   "resolution=ignore-duplicates,return=representation"):
        yield "POST", "/notes", taken, {"Prefer": prefer}
        yield "POST", "/notes", [{**NOTE, "text": "y"}, taken], {"Prefer": prefer}
        yield "POST", "/notes?on_conflict=owner,text", taken, {"Prefer": prefer}
        yield "POST", "/replies", {"note": 5000, "number": 1, "owner": "ann"}, {"Prefer": prefer}
        yield "POST", "/replies", {"note": 5001, "number": 9, "owner": "ann"}, {"Prefer": prefer}
        yield "POST", "/links", {"id": 2, "note": 5000}, {"Prefer": prefer}
        yield "POST", "/links?select=*,notes(*)", {"id": 9, "note": 5000, "team": 5001}, {"Prefer": prefer}
    for path in ("/notes/5000", "/notes?id=eq.5000", "/one/5000"):
        for way in ({}, {"If-Match": "*"}, {"If-None-Match": "*"}, {"Prefer": "return=representation"}):
            yield "PUT", path, {**WHOLE, "id": 5000} if path != "/one/5000" else WHOLE, way
    for path, body in (("/replies/5000,1", {"note": 5000, "number": 1, "owner": "ann", "text": "x"}),
                       ("/replies?note=eq.5000&number=eq.1", {"note": 5000, "number": 1, "owner": "ann"})):
        for way in ({}, {"If-Match": "*"}, {"If-None-Match": "*"}, {"Prefer": "return=representation"}):
            yield "PUT", path, body, way
    yield "PATCH", "/notes/1000", {"id": 5000}, {}
    yield "PATCH", "/notes/1000", {"team": 5000}, {"Prefer": "return=representation"}
    yield "DELETE", "/teams/5000", None, {}


# ---- the test ----

@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A MariaDB server, where there is one."""
    if not mariadb.is_installed():
        yield None
        return
    with mariadb.MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture(params=["sqlite", "mariadb"])
def stores(request, database):
    """Of the two worlds."""
    if request.param == "sqlite":
        return [None, None]
    if database is None:
        pytest.skip("mariadbd is not installed")
    urls = []
    for world in range(2):
        name = f"{re.sub(r'[^a-z]+', '_', request.node.name)}_{world}"
        database.create(name)
        urls.append(database.url(name))
    return urls


def no_mark(request, answer):
    """No text of Bob's is there but what the request said itself."""
    path = request[1] if len(request) > 2 else request[0]
    head = json.dumps({k: v for k, v in answer.headers.items()
                       if k not in ("content-location", "link", "location", "etag", "x-request-id")})
    said = MARK.findall(path.encode())
    found = [mark for mark in MARK.findall(head.encode() + answer.body) if mark not in said]
    assert not found, (request, answer)


def ask_reads(worlds, rng, proof):
    for path, way in chosen(rng, proof):
        answers, tags = [], []
        for world in worlds:
            theirs = world.ask("bob", "GET", path, headers=way)
            answers.append(world.ask("ann", "GET", path, headers=way))
            again = world.ask("ann", "GET", path, headers=way)
            assert shown(again) == shown(answers[-1]), (path, way)
            no_mark((path, way), answers[-1])
            tags.append((theirs, answers[-1]))
        assert shown(answers[0]) == shown(answers[1]), (path, way, answers)
        for world, (theirs, ours) in zip(worlds, tags):
            if "etag" in theirs.headers and theirs.body != ours.body:
                kept = world.ask("ann", "GET", path, headers={**way, "If-None-Match": theirs.headers["etag"]})
                assert shown(kept) == shown(ours), (path, way, kept)
            if "etag" in ours.headers:
                kept = world.ask("ann", "GET", path, headers={**way, "If-None-Match": ours.headers["etag"]})
                assert kept.status in (304, ours.status)


def ask_hidden(worlds):
    """A field that is not Ann's to read is none to ask for."""
    for query in HIDDEN:
        assert worlds[0].ask("ann", "GET", f"/notes?{query}").status == 403, query
        assert worlds[0].ask("boss", "GET", f"/notes?{query}").status == 200, query


def ask_pages(worlds):
    """A cursor of Bob's is worth nothing to Ann."""
    for world in worlds:
        page = world.ask("bob", "GET", "/notes?select=text&order=text&limit=1&after=")
        cursor = re.search(r"after=([\w-]+)>", page.headers["link"])[1]
        answer = world.ask("ann", "GET", f"/notes?select=text&order=text&limit=1&after={cursor}")
        assert answer.status == 400, answer
        no_mark(("/notes",), answer)


def ask_writes(worlds):
    before = [world.of_bob() for world in worlds]
    for method, path, body, way in writes():
        answers = [world.ask("ann", method, path, body, way) for world in worlds]
        for answer in answers:
            no_mark((method, path, body, way), answer)
        assert shown(answers[0]) == shown(answers[1]), (method, path, body, way, answers)
    assert [world.of_bob() for world in worlds] == before


def ask_collisions(worlds):
    before = [world.of_bob() for world in worlds]
    for number, (method, path, body, way) in enumerate(collisions()):
        for world in worlds:
            answer = world.ask("ann", method, path, body, way)
            assert answer.status < 500, answer
            no_mark((method, path, body, way), answer)
            # The same key of a repeated request is each one's own.
            if way == {} or "Prefer" in way:
                for user in ("bob", "ann"):
                    answer = world.ask(user, method, path, body, {**way, "Idempotency-Key": f"k{number}"})
                    if user == "ann":
                        no_mark((method, path, body, way), answer)
        assert [world.of_bob()[:3] for world in worlds] == [rows[:3] for rows in before], (method, path, body, way)


@pytest.mark.parametrize("cache", ["off", "memory"])
def test_two_users(start, tmp_path, tokens, proof, seed, cache, stores):
    worlds = worlds_of(start, tmp_path, tokens, cache, stores)
    rng = random.Random(seed)
    ask_reads(worlds, rng, proof)
    ask_hidden(worlds)
    ask_pages(worlds)
    ask_writes(worlds)
    ask_reads(worlds, rng, False)
    for world in worlds:
        assert world.server.stop() == 0, world.server.log()


@pytest.mark.parametrize("cache", ["memory"])
def test_keys_that_are_taken(start, tmp_path, tokens, cache, stores):
    worlds = worlds_of(start, tmp_path, tokens, cache, stores)
    ask_collisions(worlds)
    for world in worlds:
        assert world.server.stop() == 0, world.server.log()


def test_nobody(start, tmp_path, tokens):
    """A claim that is missing makes every rule about it false."""
    world = worlds_of(start, tmp_path, tokens, "memory", [None, None])[0]
    for path in ("/notes", "/teams", "/replies", "/counts", "/mine", "/texts", "/me"):
        assert world.ask("nobody", "GET", path).json() == [], path
    assert world.ask("nobody", "PATCH", "/notes?id=gt.0", {"text": "x"}).status == 204
    assert world.ask("nobody", "GET", "/one/1000").status == 404
    assert b"ANNTEXT" in world.ask("ann", "GET", "/notes").body


GUESTS = """
service: guests
listen: 127.0.0.1:0
store: "memory:"
auth: {{ algorithm: RS256, public_key: "{folder}/jwt.pub", anonymous: guest }}
resources:
  notes:
    key: id
    fields: {{ id: integer, level: integer }}
    rules:
      read: {{ guest: "level=eq.0", "*": "level=lte.{{claims.level}}" }}
      create: {{ guest: never, "*": all }}
routes:
  GET /top: {{ get: notes, where: "id=eq.{{claims.level}}" }}
"""


def test_guests_and_claims_that_do_not_fit(start, tmp_path, tokens):
    folder, _ = tokens
    file = tmp_path / "guests.yaml"
    file.write_text(GUESTS.format(folder=folder))
    server = start(file)
    connection = Connection(server.address)

    def ask(level, method, path, body=None):
        claim = [] if level is None else ["--claim", f"level={level}"]
        token = run_program("token", "--key", folder / "jwt.key", "--sub", "x", *claim).stdout.strip()
        return connection.request(method, path, body, {"Authorization": f"Bearer {token}"})

    assert ask(1, "POST", "/notes", [{"id": 0, "level": 0}, {"id": 1, "level": 1}]).status == 201
    assert connection.request("GET", "/notes").json() == [{"id": 0, "level": 0}]
    assert connection.request("POST", "/notes", {"id": 2, "level": 0}).status == 401
    assert len(ask(1, "GET", "/notes").json()) == 2
    assert ask(1, "GET", "/top").json() == {"id": 1, "level": 1}
    for level in ('"abc"', "1.5", "[1]", '{"a":1}', "null", None, "99999999999999999999", '"1 or 1"'):
        assert ask(level, "GET", "/notes").json() == [], level
        assert ask(level, "GET", "/top").status == 404, level
    assert server.log().count("does not fit") == 1, server.log()
