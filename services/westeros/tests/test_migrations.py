"""The tables are those of the migrations, there and back; the next one is made of the difference."""
import shutil
import sqlite3

import pytest
from support.server import Server, run_program
from support.westeros import FOLDER, Westeros

IS = "the database is what the service file says\n"


@pytest.fixture(params=["sqlite", "mariadb"])
def kind(request):
    if request.config.getoption("--url"):
        pytest.skip("makes databases of its own, and --url names a deployment")
    return request.param


@pytest.fixture
def store(kind, tmp_path, request):
    """Makes the URL of an empty database."""
    if kind == "mariadb":
        return lambda name: request.getfixturevalue("mariadb_database")()
    return lambda name: f"sqlite:{tmp_path}/{name}.db"


def migrate(file, url, *args, code=0):
    done = run_program("migrate", file, *args, "--store", url)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["places", "people"])
def test_there_and_back(name, kind, store, tmp_path):
    file, url = FOLDER / name / "service.yaml", store(name)
    folder = FOLDER / name / "migrations" / kind
    files = sorted(path.name.removesuffix(".up.sql") for path in folder.glob("*.up.sql"))
    assert files and all((folder / f"{one}.down.sql").exists() for one in files)
    for _ in range(2):
        assert migrate(file, url, "apply") == "".join(f"applied {one}\n" for one in files) + IS
        assert migrate(file, url, "plan") == f"-- {IS}"
        for one in reversed(files):
            assert migrate(file, url, "rollback") == f"undid {one}\n"
    if kind == "sqlite":
        database = sqlite3.connect(tmp_path / f"{name}.db")
        tables = database.execute("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        database.close()
        assert {table for table, in tables} <= {"_rl_migrations", "_rl_model", "sqlite_sequence"}


def test_the_next_one_is_the_difference(kind, store, tmp_path):
    copy = tmp_path / "westeros"
    shutil.copytree(FOLDER, copy)
    file, url = copy / "places" / "service.yaml", store("places")
    migrate(file, url, "apply")
    text = file.read_text(encoding="utf-8")
    assert migrate(file, url, "plan") == f"-- {IS}"
    file.write_text(text.replace("name: { type: text(64), required: true }",
                                 "name: { type: text(64), required: true }\n      house: text", 1),
                    encoding="utf-8")
    made = migrate(file, url, "new", "houses")
    assert made.count("0002_houses") == 2
    migrate(file, url, "apply")
    assert migrate(file, url, "plan") == f"-- {IS}"
    migrate(file, url, "rollback")
    file.write_text(text, encoding="utf-8")
    for path in copy.glob("places/migrations/*/0002_*"):
        path.unlink()
    assert migrate(file, url, "plan") == f"-- {IS}"


def test_services_run_on_migrated_databases(kind, store, tmp_path):
    urls = [store(name) for name in ("places", "people")]
    for name, url in zip(("places", "people"), urls):
        migrate(FOLDER / name / "service.yaml", url, "apply")
    with Westeros(tmp_path, urls) as westeros:
        call = westeros.client()
        assert len(call.get("/people/")) == 38 and len(call.get("/people-per-place/")) == 25
        assert call("DELETE", "/places/25").status == 409
        call.close()
    for name, url in zip(("places", "people"), urls):
        assert migrate(FOLDER / name / "service.yaml", url, "plan") == f"-- {IS}"


@pytest.mark.parametrize("name", ["places", "people"])
def test_what_serve_has_made_takes_the_migrations_over(name, kind, store, tmp_path):
    file, url = FOLDER / name / "service.yaml", store(name)
    with Server(file, folder=tmp_path, store=url, env={"SAMPLE": "off"}).start():
        pass
    migrate(file, url, "apply")
    status = migrate(file, url, "status")
    assert "applied 0001_create" in status and "pending" not in status
