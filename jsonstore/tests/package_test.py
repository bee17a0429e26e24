#!/usr/bin/python3
"""The tarball alone is built, installed and used: C, command, Python, manual; Debian packages.

ROWLOCK_PROOF=1: with all tests of the library from the tarball, and with the packages, which takes
minutes.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROOF = os.environ.get("ROWLOCK_PROOF") == "1"
MESON = "/usr/bin/meson" if os.path.exists("/usr/bin/meson") else "meson"
VERSION = (ROOT / "VERSION").read_text().strip()
HEADERS = sorted(ROOT.glob("jsonstore*.h"))
USE = """
import sys, jsonstore
with jsonstore.open(sys.argv[1]) as store:
    people = store.collection("people")
    people.put({"id": "bob"})
    print(jsonstore.__version__, jsonstore.library_version(), "bob" in people)
"""


def run(*command, **options):
    """Standard output; an exception shows all that was said."""
    environment = {**os.environ, **options.pop("env", {})}
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True,
                          env=environment, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout[-8000:]}\n"
                             f"{done.stderr[-8000:]}")
    return done.stdout


def example_of(page):
    """The program of the manual."""
    text = re.search(r"^\.Bd -literal\n(#include.*?)^\.Ed", page.read_text(), re.M | re.S)[1]
    return text.replace("\\e", "\\")


class Sources(unittest.TestCase):
    """What belongs together says the same."""

    def test_versions(self):
        changelog = (ROOT / "debian" / "changelog").read_text()
        self.assertTrue(changelog.startswith(f"jsonstore ({VERSION}-"), changelog[:40])
        package = (ROOT / "python" / "jsonstore" / "__init__.py").read_text()
        self.assertIn(f'__version__ = "{VERSION}"', package)

    def test_functions(self):
        """All of the headers are exported, in the manual, and known to Debian."""
        declared = set()
        for header in HEADERS:
            declared |= set(re.findall(r"^JSONSTORE_API [^(]*?\b(jsonstore_\w+)\(",
                                       header.read_text(), re.M))
        self.assertGreater(len(declared), 20)
        library = os.environ.get("JSONSTORE_LIBRARY")
        if library is not None:
            exported = set(re.findall(r" T (\w+)", run("nm", "-D", "--defined-only", library)))
            self.assertEqual(declared, exported)
        symbols = (ROOT / "debian" / "libjsonstore0.symbols").read_text()
        self.assertEqual(declared, set(re.findall(r"^ (\w+)@Base", symbols, re.M)))
        manual = (ROOT / "man" / "jsonstore.3").read_text()
        self.assertEqual(declared - set(re.findall(r"\b(jsonstore_\w+)", manual)), set())
        codes = re.findall(r"\b(JSONSTORE_\w+) = \d", (ROOT / "jsonstore.h").read_text())
        self.assertEqual([code for code in codes if f".It Dv {code}\n" not in manual
                          and code != "JSONSTORE_OK"], [])

    def test_commands(self):
        manual = (ROOT / "man" / "jsonstore.1").read_text()
        table = re.findall(r'^\t\{"(\w+)", run_', (ROOT / "src" / "main.c").read_text(), re.M)
        self.assertGreater(len(table), 5)
        self.assertEqual([name for name in table if f".It Cm {name}\n" not in manual], [])

    def test_manual_is_clean(self):
        pages = sorted((ROOT / "man").iterdir())
        self.assertEqual([page.name for page in pages], ["jsonstore.1", "jsonstore.3"])
        if shutil.which("mandoc") is None:
            self.skipTest("needs mandoc")
        said = subprocess.run(["mandoc", "-Tlint", *pages], text=True, capture_output=True,
                              check=False).stdout
        # Which other manuals there are is not ours to say.
        self.assertEqual([line for line in said.splitlines()
                          if not re.search(r"referenced manual not found|mandoc\.db", line)], [])


class Tarball(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.place = Path(cls.folder.name)
        for name in "out", "again", "data", "wheels":
            (cls.place / name).mkdir()
        cls.tarball = cls.place / "out" / f"jsonstore-{VERSION}.tar.gz"
        assert run(ROOT / "tools" / "dist", cls.tarball.parent) == f"{cls.tarball}\n"
        run("tar", "-xzf", cls.tarball, "-C", cls.place)
        cls.sources = cls.place / f"jsonstore-{VERSION}"
        cls.prefix = cls.place / "prefix"
        options = [] if PROOF else ["-Dbuildtype=plain", "-Dtests=disabled"]
        run(MESON, "setup", cls.place / "build", cls.sources, f"--prefix={cls.prefix}",
            "--libdir=lib", *options)
        run(MESON, "install", "-C", cls.place / "build")
        cls.library = cls.prefix / "lib" / "libjsonstore.so.0"

    def test_same_bytes(self):
        """Made again, from what was unpacked, and at another time."""
        run(self.sources / "tools" / "dist", self.place / "again")
        self.assertEqual((self.place / "again" / self.tarball.name).read_bytes(),
                         self.tarball.read_bytes())
        names = run("tar", "-tzf", self.tarball).split()
        self.assertEqual(names, sorted(names))
        for name in "README.md", "LICENSE", "src/store.c", "python/pyproject.toml", "debian/rules":
            self.assertIn(f"jsonstore-{VERSION}/{name}", names)
        self.assertEqual([name for name in names if re.search(r"__pycache__|\.o$|\.pyc$", name)],
                         [])

    def test_installed(self):
        for name in ("bin/jsonstore", *(f"include/{header.name}" for header in HEADERS),
                     "lib/libjsonstore.a", "lib/libjsonstore.so", "lib/pkgconfig/jsonstore.pc",
                     "share/man/man1/jsonstore.1", "share/man/man3/jsonstore.3"):
            self.assertTrue((self.prefix / name).exists(), name)
        self.assertEqual(run(self.prefix / "bin" / "jsonstore", "--version"),
                         f"jsonstore {VERSION}\n")

    def test_c(self):
        """The manual's program, by pkg-config; with the shared and with the static library."""
        (self.place / "example.c").write_text(example_of(ROOT / "man" / "jsonstore.3"))
        environment = {"PKG_CONFIG_PATH": str(self.prefix / "lib" / "pkgconfig"),
                       "LD_LIBRARY_PATH": str(self.prefix / "lib")}
        self.assertEqual(run("pkg-config", "--modversion", "jsonstore", env=environment),
                         f"{VERSION}\n")
        flags = run("pkg-config", "--cflags", "--libs", "jsonstore", env=environment).split()
        archive = self.prefix / "lib" / "libjsonstore.a"
        static = [flag if flag != "-ljsonstore" else archive for flag in flags] + ["-pthread"]
        for wanted in flags, static:
            run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", self.place / "example",
                self.place / "example.c", *wanted)
            self.assertEqual(run(self.place / "example", cwd=self.place, env=environment),
                             '{"id":"ann","age":7}\n')
        self.assertEqual(json.loads((self.place / "data" / "people.json").read_text()),
                         [{"id": "ann", "age": 7}])

    def test_python(self):
        """sdist, from it the wheel, from it the package."""
        wheels = self.place / "wheels"
        make = ("import os, sys; from setuptools import build_meta as made; "
                "os.chdir(sys.argv[2]); print(getattr(made, 'build_' + sys.argv[1])(sys.argv[3]))")
        sdist = run(sys.executable, "-c", make, "sdist", self.sources / "python",
                    wheels).split()[-1]
        run("tar", "-xzf", wheels / sdist, "-C", wheels)
        wheel = wheels / run(sys.executable, "-c", make, "wheel", wheels / f"jsonstore-{VERSION}",
                             wheels).split()[-1]
        self.assertEqual(wheel.name, f"jsonstore-{VERSION}-py3-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            self.assertEqual({name for name in archive.namelist() if "dist-info" not in name},
                             {f"jsonstore/{name}" for name in (
                                 "__init__.py", "_errors.py", "_library.py", "_store.py",
                                 "py.typed")})
        self.check_python(wheel, {"JSONSTORE_LIBRARY": str(self.library)})

    def check_python(self, path, environment):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run(sys.executable, "-B", "-W", "error", "-c", USE, folder,
                                 env={**environment, "PYTHONPATH": str(path)}),
                             f"{VERSION} {VERSION} True\n")

    @unittest.skipUnless(PROOF, "takes a minute")
    @unittest.skipUnless(find_spec("mypy"), "needs mypy")
    def test_types(self):
        run(sys.executable, "-m", "mypy", "--strict", f"--cache-dir={self.place / 'mypy'}",
            self.sources / "python" / "jsonstore")

    @unittest.skipUnless(PROOF, "takes a minute")
    def test_own_tests(self):
        """All of the library's, without this one."""
        run(MESON, "test", "-C", self.place / "build", "--no-suite", "package",
            "--timeout-multiplier", "0", env={"ROWLOCK_PROOF": "0"})

    @unittest.skipUnless(PROOF, "takes a minute")
    @unittest.skipUnless(shutil.which("dh"), "needs debhelper")
    def test_debian(self):
        run(self.sources / "tools" / "debs", self.tarball, self.place / "out",
            env={"DEB_BUILD_OPTIONS": "nocheck"})
        packages = {path.name.partition("_")[0]: path
                    for path in (self.place / "out").glob("*.deb")}
        self.assertEqual({name for name in packages if not name.endswith("-dbgsym")},
                         {"libjsonstore0", "libjsonstore-dev", "jsonstore", "python3-jsonstore"})
        self.check_content(packages)
        root = self.place / "root"
        for name in "libjsonstore0", "libjsonstore-dev", "jsonstore", "python3-jsonstore":
            run("dpkg-deb", "-x", packages[name], root)
        library = next(root.glob("usr/lib/*/libjsonstore.so.0"))
        command = root / "usr" / "bin" / "jsonstore"
        environment = {"LD_LIBRARY_PATH": str(library.parent)}
        run(command, "put", self.place / "again", "people", '{"id": 1}', env=environment)
        self.assertEqual(run(command, "export", self.place / "again", "people", env=environment),
                         '[\n{"id":1}\n]\n')
        self.check_python(root / "usr" / "lib" / "python3" / "dist-packages", environment)
        if shutil.which("lintian"):
            run("lintian", "--fail-on", "error", "--allow-root", *packages.values())

    def check_content(self, packages):
        wanted = {
            "libjsonstore0": (r"^\./usr/lib/[^/]+/libjsonstore\.so\.0$",),
            "libjsonstore-dev": (*(rf"^\./usr/include/{header.name}$" for header in HEADERS),
                                 r"/libjsonstore\.so$", r"/libjsonstore\.a$", r"/jsonstore\.pc$",
                                 r"/man3/jsonstore\.3\.gz$"),
            "jsonstore": (r"^\./usr/bin/jsonstore$", r"/man1/jsonstore\.1\.gz$"),
            "python3-jsonstore": (r"/dist-packages/jsonstore/_store\.py$", r"/jsonstore/py\.typed$",
                                  r"/dist-packages/jsonstore-[\d.]+\.dist-info/",
                                  r"/examples/flask_app\.py$"),
        }
        for name, patterns in wanted.items():
            content = "\n".join(re.split(r"\s+", line, maxsplit=5)[5].partition(" -> ")[0]
                                for line in run("dpkg-deb", "-c", packages[name]).splitlines())
            for pattern in patterns:
                self.assertRegex(content, re.compile(pattern, re.M))
            self.assertNotRegex(content, r"__pycache__|/tests/")
        self.assertRegex(run("dpkg-deb", "-f", packages["python3-jsonstore"], "Depends"),
                         r"libjsonstore0 \(>= " + re.escape(VERSION))
        self.assertRegex(run("dpkg-deb", "-I", packages["libjsonstore0"], "symbols"),
                         r"jsonstore_open@Base " + re.escape(VERSION))


if __name__ == "__main__":
    unittest.main()
