"""The OpenAPI document says what is served, all of it and nothing else; /docs shows it."""
import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.client import get_json, request
from support.openapi import documented, fill_body, fill_path, operations
from support.server import RATINGS, ROOT, program, run_program
from support.shop import FILES, Keys

SHELF = """\
service: shelf
listen: ${LISTEN:-127.0.0.1:8888}
store: ${STORE:-sqlite:shelf.db}
errors: { ok: false, error: "{message}", codes: ["{code}", 1] }

resources:
  authors:
    key: id
    fields:
      id:   { type: integer, default: auto }
      name: { type: text(80), required: true }
    unique: { one author per name: name }
  books:
    key: id
    fields:
      id:     { type: uuid, default: auto, write: never }
      title:  { type: text, required: true }
      author: { type: integer, references: authors }
      price:  { type: "decimal(10,2)", min: 0 }
      state:  { type: text, required: true, in: [draft, printed, sold out], default: draft }
      limit:  { type: number, max: 7.5 }
      extra:  json
    index: [title, { fields: [author, title] }]
  "odd name/é":
    key: [a b, c-d]
    fields: { a b: text, c-d: { type: integer, write: once }, e: boolean }
  books_per_state:
    tally: books
    by: [state]
  docs:
    key: page
    read_only: true
    fields: { page: text }

routes:
  GET /health:            { reply: { message: ok, n: [1, two, null] } }
  GET /ping:              { reply: pong }
  POST /gone:             { reply: 410 }
  POST /authors/new:      { insert: authors }
  GET /authors/{id}:      { get: authors }
  PATCH /authors/{name}:  { update: authors }
  GET /find:              { list: books, where: ["title=ilike.{title?}", "price=lte.{most?}"], empty: 404 }
  GET /titles:            { list: books, values: title, order: title }
  GET /joined:            { list: books, select: "t:title,authors(name),price::text,extra->a" }
  PUT /books/{id}:        { upsert: books }
  PATCH /books/{id}:      { update: books, needs: [title] }
  DELETE /books/{id}:     { delete: books, reply: 202 }
  POST /bulk:             { insert: books, from: items, needs: [title] }
  GET /books:             { list: books, select: "id,title" }
  GET /metrics:           { reply: mine }
"""
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
# There is no such path, resource or method.
NOT_SERVED = ("PGRST117", "PGRST125", "PGRST205")
NPM_LIMIT_S = 180


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "service.yaml").write_text(SHELF, encoding="utf-8")
    return folder


def file_of(name, folder):
    return {"ratings": RATINGS, **FILES}.get(name, folder / "service.yaml")


@pytest.fixture(scope="module", autouse=True)
def keys(tmp_path_factory):
    """The shop's, for every program that reads its service files."""
    made = Keys(tmp_path_factory.mktemp("openapi") / "keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JWT_PUBLIC_KEY", str(made.folder / "jwt.pub"))
        yield made


@pytest.fixture(scope="module", params=["ratings", "shelf", *FILES])
def served(request, module_start, folder, keys):
    """(address, service file, header fields that requests need)"""
    file = file_of(request.param, folder)
    return module_start(file).address, file, keys.bearer if request.param in FILES else {}


@pytest.fixture(scope="module")
def shelf(module_start, folder):
    return module_start(folder / "service.yaml").address


def is_served(answer):
    return not any(code in answer.headers.get("proxy-status", "") for code in NOT_SERVED)


def test_everything_in_the_document_is_served_as_it_says(served):
    address, _, token = served
    document = get_json(address, "/openapi.json")
    assert document["openapi"].startswith("3.1.")
    for path, method, operation in operations(document):
        filled = fill_path(document, path, operation)
        body, headers = fill_body(document, operation)
        answer = request(address, method.upper(), filled, body, {**headers, **token})
        assert is_served(answer), (method, filled, answer)
        assert answer.status in documented(document, operation), (method, filled, body, answer)


def test_everything_served_is_in_the_document(served):
    address, file, _ = served
    document = get_json(address, "/openapi.json")
    seen = {}
    for path, method, operation in operations(document):
        seen.setdefault(path, (fill_path(document, path, operation), set()))[1].add(method.upper())
    for path, (filled, methods) in seen.items():
        allow = set(request(address, "OPTIONS", filled).headers["allow"].split(","))
        told = "QUERY" in document["paths"][path].get("description", "")
        assert told == ("QUERY" in allow), path
        assert methods - {"HEAD"} == allow - {"OPTIONS", "HEAD", "QUERY"}, path
    text = run_program("check", file).stdout
    routes = re.findall(r"^  ([A-Z]+) +(/\S*)", text.partition("\nroutes\n")[2], re.M)
    assert len(routes) >= 5
    for method, path in routes:
        positions = re.sub(r"\{.*?\}", "{}", path)
        found = [seen[name][1] for name in seen if re.sub(r"\{.*?\}", "{}", name) == positions]
        assert len(found) == 1 and method in found[0], (method, path)
    for name in ("/live", "/ready", "/metrics", "/openapi.json", "/"):
        assert name in seen


def test_a_page_that_is_hidden_is_told_of_below_rowlock(shelf):
    paths = get_json(shelf, "/openapi.json")["paths"]
    assert "/.rowlock/docs" in paths and "/.rowlock/metrics" in paths
    assert "/.rowlock/live" not in paths and "/.rowlock" not in paths
    assert paths["/metrics"]["get"]["tags"] == ["routes"]
    assert paths["/docs"]["get"]["tags"] == ["docs"]


def test_the_command_prints_what_is_served(served, tmp_path):
    address, file, _ = served
    result = run_program("openapi", file, cwd=tmp_path)
    assert result.returncode == 0 and result.stderr == "", result
    assert result.stdout == request(address, "GET", "/openapi.json").body.decode() + "\n"
    assert list(tmp_path.iterdir()) == [], "the store was opened"


@pytest.mark.parametrize("args,code", [([], 2), (["a", "b"], 2), (["--nonsense"], 2),
                                       (["nothing.yaml"], 1), (["--help"], 0)])
def test_usage_of_the_command(args, code, tmp_path):
    result = run_program("openapi", *args, cwd=tmp_path)
    assert result.returncode == code, result
    assert bool(result.stdout) == (code == 0) and bool(result.stderr) == (code != 0)


def test_the_document_as_it_is_asked_for(shelf):
    plain = request(shelf, "GET", "/openapi.json")
    assert plain.headers["content-type"] == "application/json"
    named = request(shelf, "GET", "/openapi.json", headers={"Accept": "application/openapi+json"})
    assert named.headers["content-type"] == "application/openapi+json"
    assert named.body == plain.body
    tag = plain.headers["etag"]
    for held in (tag, "W/" + tag, '"x", ' + tag, tag[:-1] + '-gz"', "*"):
        assert request(shelf, "GET", "/openapi.json",
                       headers={"If-None-Match": held}).status == 304, held
    assert request(shelf, "GET", "/openapi.json", headers={"If-None-Match": '"x"'}).status == 200
    # Its server is the folder above it, wherever it is fetched from.
    assert json.loads(plain.body)["servers"] == [{"url": "."}]
    below = get_json(shelf, "/.rowlock/openapi.json")
    assert below["servers"] == [{"url": ".."}]


def test_the_root_is_swagger_for_clients_and_a_page_for_browsers(shelf):
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/openapi+json"},
                    {"Accept": "application/openapi+json, text/html"}):
        answer = request(shelf, "GET", "/", headers=headers)
        assert answer.headers["content-type"] == "application/openapi+json; charset=utf-8"
        document = answer.json()
        assert document["swagger"] == "2.0"
        assert set(document["definitions"]) == {"authors", "books", "odd name/é",
                                                "books_per_state", "docs"}
        assert "get" not in document["paths"]["/books"] and "post" in document["paths"]["/books"]
    page = request(shelf, "GET", "/", headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "accept" in page.headers["vary"].lower()
    text = page.body.decode()
    links = re.findall(r'href="([^"]*)"', text)
    assert "./.rowlock/docs" in links and "./openapi.json" in links
    for link in links:
        assert link.startswith("./")
        assert request(shelf, "GET", link[1:], headers=BROWSER).status in (200, 404), link
        assert is_served(request(shelf, "GET", link[1:], headers=BROWSER)), link


def test_a_route_at_the_root_wins(start, tmp_path):
    (tmp_path / "service.yaml").write_text(
        "service: a\nresources: {}\nroutes:\n  GET /: { reply: mine }\n")
    server = start(tmp_path / "service.yaml")
    assert request(server.address, "GET", "/", headers=BROWSER).body == b"mine"
    assert request(server.address, "GET", "/.rowlock", headers=BROWSER).body != b"mine"


def has_outside_address(text):
    return re.search(r"""(https?:)?//[\w.-]+\.\w""", text) is not None


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/.rowlock/docs", "/.rowlock/docs/"])
def test_the_page_of_the_documentation(served, path):
    address, file, _ = served
    if "docs" in path and not path.startswith("/.rowlock") and "shelf" in str(file):
        pytest.skip("a resource has that name")
    page = request(address, "GET", path, headers=BROWSER)
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"] or \
        "default-src 'none'" in page.headers["content-security-policy"]
    text = page.body.decode()
    assert not has_outside_address(text)
    base = re.search(r'<base href="([^"]*)">', text)[1]
    root = path.rstrip("/").rpartition("/")[0] + "/"
    folder = root + "docs/" if base == "docs/" else path
    assert folder.endswith("docs/"), "what is relative is relative to the page's folder"
    for address_inside in re.findall(r'(?:href|src)="([^"]*)"', text.replace(base, "", 1)):
        if not address_inside:
            continue
        where = root + address_inside[3:] if address_inside.startswith("../") \
            else folder + address_inside
        assert request(address, "GET", where).status == 200, where


def test_the_files_of_the_documentation(served):
    address, _, _ = served
    folder = "/.rowlock/docs/"
    script = request(address, "GET", folder + "docs.js")
    if script.status == 404:
        pytest.skip("built without Swagger UI")
    assert not has_outside_address(script.body.decode())
    names = ["docs.js", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "license.txt"]
    for name in names:
        plain = request(address, "GET", folder + name)
        packed = request(address, "GET", folder + name, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert plain.headers["etag"] != packed.headers["etag"]
        for answer in (plain, packed):
            assert answer.status == 200 and answer.body
            assert answer.headers["cache-control"].startswith("max-age=")
            assert "accept-encoding" in answer.headers["vary"].lower()
            assert answer.headers["x-content-type-options"] == "nosniff"
            again = request(address, "GET", folder + name,
                            headers={"If-None-Match": answer.headers["etag"]})
            assert again.status == 304 and not again.body
        assert gzip.decompress(packed.body) == plain.body
        assert request(address, "HEAD", folder + name).headers["content-length"] == \
            str(len(plain.body))
    assert request(address, "GET", folder + "nothing.js").status == 404


def install_spectral():
    """Beside the program, once for each lock file; None when that cannot be."""
    source = ROOT / "tests" / "web"
    place = Path(os.path.dirname(program())) / "web-tests"
    lock = (source / "package-lock.json").read_text()
    spectral = place / "node_modules" / ".bin" / "spectral"
    if spectral.exists() and (place / "package-lock.json").read_text() == lock:
        return spectral
    place.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(source / name, place / name)
    try:
        done = subprocess.run(["npm", "ci", "--prefer-offline", "--fetch-retries=1"], cwd=place,
                              timeout=NPM_LIMIT_S, stdin=subprocess.DEVNULL, capture_output=True)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return spectral if done.returncode == 0 else None


@pytest.fixture(scope="module")
def spectral():
    found = install_spectral() if shutil.which("node") and shutil.which("npm") else None
    if found is None:
        pytest.skip("needs node, and npm with a registry that it can reach")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ratings", "shelf", "closed", *FILES])
def test_a_linter_finds_no_error(name, spectral, tmp_path):
    # Spectral decodes the escapes in a path and then looks for one that is not there.
    text = SHELF.replace("odd name/é", "odd_names")
    if name in ("ratings", *FILES):
        text = file_of(name, tmp_path).read_text()
    if name == "closed":
        text += "auth: { jwks: set.json, anonymous: guest, api_keys: { a: { sha256: %s } } }\n" % (64 * "0")
    (tmp_path / "service.yaml").write_text(text)
    result = run_program("openapi", tmp_path / "service.yaml")
    (tmp_path / "document.json").write_text(result.stdout)
    lint = subprocess.run(
        [spectral, "lint", "--ruleset", ROOT / "tests" / "web" / "ruleset.yaml", "--format", "json",
         "--output", tmp_path / "lint.json", tmp_path / "document.json"],
        capture_output=True, text=True, timeout=60)
    complaints = [(found["code"], found["path"], found["message"])
                  for found in json.loads((tmp_path / "lint.json").read_text())]
    assert (lint.returncode, complaints) == (0, []), lint.stderr
