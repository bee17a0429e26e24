"""All places with all people at once, streamed: each is there once, and the service that joins them
holds little of them."""
import codecs
import importlib.util
import json
import random
import re
import subprocess
from pathlib import Path

import pytest
from support.client import Connection, parse_head, request, request_bytes
from support.westeros import FOLDER, Westeros

MIB = 1 << 20
LOAD_LIMIT_S = 3600


def generator():
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "sample" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def memory(server, name):
    """VmRSS or VmHWM of a process, in bytes."""
    text = Path(f"/proc/{server.pid()}/status").read_text(encoding="ascii")
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) * 1024


def forget_peak(server):
    """VmHWM begins anew; see proc(5), clear_refs."""
    Path(f"/proc/{server.pid()}/clear_refs").write_text("5", encoding="ascii")


def rows_of(address, path):
    """The objects of a list, one by one as they arrive."""
    with Connection(address, timeout=300) as connection:
        connection.send(request_bytes("GET", path))
        status, headers = parse_head(connection._until(b"\r\n\r\n"))
        assert status == 200, headers
        # a short one comes whole
        parts = connection.chunks() if "transfer-encoding" in headers else [
            connection._exactly(int(headers["content-length"]))]
        decoder, text, first = json.JSONDecoder(), "", "["
        to_text = codecs.getincrementaldecoder("utf-8")()
        for part in parts:
            text += to_text.decode(part)
            at = 0
            while at < len(text) - 1 and text[at] == first:
                try:
                    row, end = decoder.raw_decode(text, at + 1)
                except ValueError:
                    break
                yield row
                at, first = end, ","
            text = text[at:]
        assert text.strip() == "]", text[:100]


@pytest.fixture(params=["sqlite", "mariadb"], name="stores")
def fixture_stores(request):
    """The URLs of both databases; None: files."""
    if request.config.getoption("--url"):
        pytest.skip("needs processes of its own, and --url names a deployment")
    if request.param == "sqlite":
        return None
    database = request.getfixturevalue("mariadb_database")
    return [database(), database()]


def test_the_whole_join(stores, tmp_path, proof):
    place_count, people_count = (10_000, 1_000_000) if proof else (300, 5_000)
    subprocess.run([FOLDER / "sample" / "generate.py", tmp_path, "--places", str(place_count),
                    "--people", str(people_count)], check=True)
    westeros = Westeros(tmp_path, stores)
    for name in ("places", "people"):
        westeros.servers[name].env = {**westeros.env, "SAMPLE": str(tmp_path / f"{name}.csv")}
    try:
        westeros.start(LOAD_LIMIT_S)
        check(westeros.servers["people-per-place"], place_count, people_count)
        westeros.stop()
    finally:
        westeros.kill()


def check(server, place_count, people_count):
    generate = generator()
    wanted = {number: name for number, name in generate.places(place_count)}
    people, buried_elsewhere = {}, 0
    for number, name, alive, _, place in generate.people(people_count, place_count, random.Random(1)):
        people[number] = (name, alive == "true", place)
        buried_elsewhere += place == ""
    assert request(server.address, "GET", "/people-per-place/?limit=1").status == 200
    before = memory(server, "VmRSS")
    forget_peak(server)
    last = 0
    for row in rows_of(server.address, "/people-per-place/"):
        assert list(row) == ["id", "name", "people"] and row["id"] > last
        last = row["id"]
        assert wanted.pop(last) == row["name"]
        ids = [person["id"] for person in row["people"]]
        assert ids == sorted(ids)
        for person in row["people"]:
            assert people.pop(person["id"]) == (person["name"], person["isAlive"], last)
    grown = memory(server, "VmHWM") - before
    assert wanted == {} and len(people) == buried_elsewhere
    assert all(place == "" for _, _, place in people.values())
    print(f"memory grew by {grown / MIB:.1f} MiB")
    assert grown <= 64 * MIB
