"""What is loaded, when the services are ready, and what they do without each other."""
import csv
import importlib.util
import subprocess

import pytest
from support.client import request
from support.westeros import FOLDER, Westeros, wait_loaded

HEAD = "id,name,isAlive,isKing,placeId\n"


@pytest.fixture(params=["sqlite", "mariadb"])
def made(request, tmp_path):
    """made(sample=…): the three services, not started."""
    if request.config.getoption("--url"):
        pytest.skip("needs processes of its own, and --url names a deployment")
    running = []

    def make(**options):
        stores = None
        if request.param == "mariadb":
            database = request.getfixturevalue("mariadb_database")
            stores = [database(), database()]
        running.append(Westeros(tmp_path, stores, **options))
        return running[-1]

    yield make
    for westeros in running:
        westeros.kill()


def rows_of(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def as_text(row):
    return {key: "" if value is None else str(value).lower() if isinstance(value, bool) else
            str(value) for key, value in row.items()}


def test_the_sample_is_loaded_once(made):
    westeros = made()
    with westeros:
        call = westeros.client()
        for name, count in (("places", 25), ("people", 38)):
            rows = call.get(f"/{name}/")
            assert [as_text(row) for row in rows] == rows_of(FOLDER / "sample" / f"{name}.csv")
            assert len(rows) == count
        assert len(call.get("/people-per-place/")) == 25
        assert call("DELETE", "/people/38").status == 204
        number = call.make("/people/", name="new", isAlive=True, placeId=3)["id"]
        assert number > 38
        assert call.make("/places/", name="new")["id"] == 26
        call.close()
    with westeros:
        call = westeros.client()
        assert [row["id"] for row in call.get("/people/")] == [*range(1, 38), number]
        assert len(call.get("/places/")) == 26
        assert call("DELETE", "/places/3").status == 409
        call.close()


def test_off_means_empty_tables(made):
    with made(sample="off") as westeros:
        call = westeros.client()
        for name in ("places", "people", "people-per-place"):
            assert call.get(f"/{name}/") == []
        place = call.make("/places/", name="first")["id"]
        assert call.make("/people/", name="first", isAlive=True, placeId=place)["placeId"] == place
        call.close()


def test_people_are_loaded_when_places_answer(made, tmp_path):
    """What breaks a rule, or lies nowhere, is left out and told."""
    westeros = made()
    places, people = westeros.servers["places"], westeros.servers["people"]
    file = tmp_path / "mine.csv"
    file.write_text(HEAD + "7,Ned,true,true,3\n8,Rob,true,true,3\n9,Jon,true,false,\n"
                    "10,Sam,false,false,\n11,Ramsay,true,false,999\n12,Bran,false,true,3\n",
                    encoding="utf-8")
    people.env = {**people.env, "SAMPLE": str(file)}
    people.launch().wait_ready()
    for _ in range(3):
        answer = request(people.address, "GET", "/ready")
        assert answer.status == 503 and "not ready" in answer.json()["message"], answer
        assert request(people.address, "GET", "/people/").json() == []
    places.launch().wait_ready()
    wait_loaded(people)
    rows = request(people.address, "GET", "/people/").json()
    assert [row["id"] for row in rows] == [7, 10, 12]
    assert people.log().count('"message":"a line was ') == 3
    assert request(places.address, "DELETE", "/places/3").status == 409
    # what was loaded once waits for nobody
    assert [server.stop() for server in (places, people)] == [0, 0]
    people.launch().wait_ready()
    wait_loaded(people)
    assert people.stop() == 0


def test_a_service_that_is_down_is_named(made):
    westeros = made().start()
    call = westeros.client()
    whole = call.get("/people-per-place/")
    for name in ("people", "places"):
        assert westeros.servers[name].stop() == 0
        for path in ("/people-per-place/", "/people-per-place/1", "/people-per-place/?limit=2"):
            answer = call("GET", path)
            assert answer.status in (502, 503) and name in answer.json()["message"], answer
        if name == "places":
            answer = call("POST", "/people/", {"name": "a", "isAlive": True, "placeId": 1})
            assert answer.status == 503 and "places" in answer.json()["message"], answer
            assert call("PATCH", "/people/1", {"name": "a"}).status == 200
            assert call("PATCH", "/people/1", {"name": "Davos Mormont"}).status == 200
            assert call.make("/people/", name="buried")["placeId"] is None
        else:
            assert call.make("/places/", name="new")["id"] == 26
            assert call("DELETE", "/places/1").status == 409
            assert call("DELETE", "/places/26").status == 204
        call.close()
        westeros.servers[name].start()
        call = westeros.client()
        assert call.get("/people-per-place/") == whole
    call.close()
    westeros.stop()


# ---- the generator ----

def test_the_sample_is_what_the_generator_makes(tmp_path):
    subprocess.run([FOLDER / "sample" / "generate.py", tmp_path], check=True)
    for name in ("places.csv", "people.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / "sample" / name).read_bytes()


def test_what_is_generated_keeps_the_rules(tmp_path):
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "sample" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.SIZES["large"] == (10_000, 1_000_000)
    subprocess.run([FOLDER / "sample" / "generate.py", tmp_path, "--places", "50", "--people", "3000",
                    "--seed", "7"], check=True)
    places, people = rows_of(tmp_path / "places.csv"), rows_of(tmp_path / "people.csv")
    assert [int(row["id"]) for row in places] == list(range(1, 51))
    assert [int(row["id"]) for row in people] == list(range(1, 3001))
    assert len({row["name"] for row in places}) == 50
    assert all(row["placeId"] for row in people if row["isAlive"] == "true")
    kings = [row["placeId"] for row in people if row["isAlive"] == row["isKing"] == "true"]
    assert len(kings) == len(set(kings)) > 0
