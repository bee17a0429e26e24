"""What the tidy checks share. A check is a function check(root, ...) that returns complaints."""
import os
import sys

SKIPPED_FOLDERS = {"__pycache__", "node_modules", "corpus"}
HIDDEN_FOLDERS_READ = {".ci", ".github"}


def is_skipped(root, at, name):
    """Folders that are not part of the project: hidden ones, and those of builds."""
    if name in SKIPPED_FOLDERS or (name.startswith(".") and name not in HIDDEN_FOLDERS_READ):
        return True
    if os.path.samefile(at, root) and name.startswith("build"):
        return True
    return os.path.exists(os.path.join(at, name, "build.ninja"))


def walk(root, folder="", endings=None):
    """Paths relative to root of the files below folder, sorted; build folders are left out."""
    found = []
    for at, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = [name for name in folders if not is_skipped(root, at, name)]
        for name in names:
            if endings is None or name.endswith(endings):
                found.append(os.path.relpath(os.path.join(at, name), root))
    return sorted(found)


# The program, and the library that stands alone.
SOURCE_FOLDERS = ("src", "jsonstore")


def walk_sources(root, endings):
    return [path for folder in SOURCE_FOLDERS for path in walk(root, folder, endings)]


def read(root, path):
    """The text of a file, or None when it is not text."""
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()
    except (UnicodeDecodeError, FileNotFoundError):
        return None


def read_allowed(root, path):
    """An allow list: `name  reason` per line, # for comments. A line without a reason is none."""
    allowed = set()
    for line in (read(root, path) or "").splitlines():
        words = line.split()
        if len(words) > 1 and not line.startswith("#"):
            allowed.add(words[0])
    return allowed


def report(complaints):
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
