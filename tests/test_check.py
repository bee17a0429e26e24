"""`rowlock check` and `rowlock serve` on bad service files: exit code 1, file:line:column."""
import re

import pytest
from support.certificates import Pair
from support.server import run_program

GOOD = """\
service: small
store: sqlite:small.db
resources:
  things:
    key: id
    fields:
      id:   integer
      name: text
      kind: { type: integer, in: [1, 2] }
routes:
  GET /things/{id}: { get: things }
  GET /hello: { reply: { message: ok } }
"""

# (what is wrong, text in GOOD, what stands there instead, line where it is noticed)
BAD = [
    ("broken YAML", "key: id", "key: [id", None),
    ("a tab as indentation", "    key: id", "\tkey: id", None),
    ("unknown key at the top", "store: sqlite:small.db", "shop: sqlite:small.db", 2),
    ("unknown key of a resource", "key: id", "keys: id", 5),
    ("unknown key of a field", "in: [1, 2]", "within: [1, 2]", 9),
    ("duplicate key", "name: text", "id: text", 8),
    ("unknown type", "name: text", "name: string", 8),
    ("key that is no field", "key: id", "key: number", 5),
    ("default of another type", "in: [1, 2]", "default: two", 9),
    ("values of another type", "in: [1, 2]", "in: [1, two]", 9),
    ("route to no resource", "{ get: things }", "{ get: thing }", 11),
    ("unknown action", "{ get: things }", "{ fetch: things }", 11),
    ("unknown method", "GET /hello", "FETCH /hello", 12),
    ("path without a slash", "GET /hello", "GET hello", 12),
    ("parameter that is no field", "/things/{id}", "/things/{number}", 11),
    ("parameter not closed", "/things/{id}", "/things/{id", 11),
    ("two routes of one path", "GET /hello", "GET /things/{name}", 12),
    ("unknown column selected", "{ get: things }", "{ get: things, select: size }", 11),
    ("bad condition", "{ get: things }", "{ list: things, where: 'id=like' }", 11),
    ("no service name", "service: small\n", "", None),
    ("unknown store", "sqlite:small.db", "paper:small", 2),
]


def write(folder, text):
    file = folder / "service.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_good_file_is_good(tmp_path):
    result = run_program("check", write(tmp_path, GOOD))
    assert result.returncode == 0, result
    for name in ("things", "/things/{id}", "/hello", "no auth: loopback addresses only"):
        assert name in result.stdout


GUARDED = """\
service: guarded
store: "memory:"
tls: { certificate: server.crt, key: server.key }
trusted_proxies: [127.0.0.1, 10.0.0.0/8, "2001:db8::/32"]
auth:
  keys:
    - { algorithm: HS256, secret: 0123456789abcdef0123456789abcdef, kid: k }
    - { algorithm: HS256, secret: fedcba9876543210fedcba9876543210 }
  anonymous: guest
  api_keys: { nightly: { sha256: SUM, role: loader }, plain: { sha256: SUM } }
  rate_limit: { requests: 100, per: minute, burst: 20 }
resources:
  notes:
    key: id
    fields:
      id:    integer
      owner: { type: text, readable_by: [editor, loader], writable_by: [] }
    rules:
      read:   { editor: all, "*": "owner=eq.{claims.sub}" }
      create: "owner=eq.{claims.sub}"
      delete: { editor: never }
  open: { key: id, fields: { id: integer } }
"""
PRINTED = """\
tls
  certificate {folder}/server.crt
  key         {folder}/server.key
auth
  tokens  HS256 by a secret kid k
  tokens  HS256 by a secret
  API key nightly  role loader
  API key plain
  without token or key  role guest
  rate    100 in 60 s, 20 at once
trusted proxies
  127.0.0.1/32 10.0.0.0/8 2001:db8::/32
resources
  /notes  key id
    read    editor: all
    read    owner=eq.{claims.sub}
    create  owner=eq.{claims.sub}
    delete  editor: never
    read    owner only by editor, loader
    write   owner only by nobody
  /open  key id
routes
"""


def test_who_may_do_what_is_printed(tmp_path):
    Pair(tmp_path)
    result = run_program("check", write(tmp_path, GUARDED.replace("SUM", "0" * 64)))
    assert result.returncode == 0, result
    lines = result.stdout.partition("\n")[2]
    assert lines == PRINTED.replace("{folder}", str(tmp_path))
    assert "0123456789abcdef" not in result.stdout


@pytest.mark.parametrize("what, old, new, line", BAD, ids=[row[0] for row in BAD])
def test_a_bad_file(tmp_path, what, old, new, line):
    assert GOOD.count(old) >= 1
    file = write(tmp_path, GOOD.replace(old, new, 1))
    result = run_program("check", file)
    assert result.returncode == 1, result
    places = re.findall(r"service\.yaml:([1-9]\d*):[1-9]\d*: ", result.stderr)
    assert places, result.stderr
    assert line is None or str(line) in places, result.stderr
    served = run_program("serve", file, "--listen", "127.0.0.1:1", cwd=tmp_path)
    assert served.returncode == 1, served
    assert f"service.yaml:{places[0]}:" in served.stderr
    assert not (tmp_path / "small.db").exists()


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "[]", "text", "42", "\0", "a: &x [*x]",
                                  "%YAML 9.9\n---\n", "service: a\n---\n"])
def test_files_that_are_no_service(tmp_path, text):
    result = run_program("check", write(tmp_path, text))
    assert result.returncode == 1, result
    assert "service.yaml" in result.stderr


def test_bytes_that_are_no_text(tmp_path):
    file = tmp_path / "service.yaml"
    file.write_bytes(bytes(range(256)))
    result = run_program("check", file)
    assert result.returncode == 1, result


def test_a_file_of_aliases_does_not_blow_up(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    result = run_program("check", write(tmp_path, "\n".join(lines)))
    assert result.returncode == 1
    assert len(result.stderr) < 10_000


def test_a_file_that_is_too_deep(tmp_path):
    result = run_program("check", write(tmp_path, "service: " + "[" * 10_000))
    assert result.returncode == 1
    assert "service.yaml:" in result.stderr
