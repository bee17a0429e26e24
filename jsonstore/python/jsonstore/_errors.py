"""The exceptions: one for each code of the library, and one for handles that are closed."""
from __future__ import annotations

import os
from typing import Any, Type


class Error(Exception):
    """Something went wrong. str() tells it to people; the attributes tell it to programs."""

    code: int = 0  #: enum jsonstore_code of jsonstore.h; 0: found before the library was called

    def __init__(self, message: str, *, system: int | None = None, file: str | None = None,
                 offset: int = 0, line: int | None = None, column: int | None = None,
                 change: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.system = system  #: errno, or None
        self.file = file      #: path, or None
        self.offset = offset  #: byte of the file, or of the record that was passed in
        self.line = line      #: of the file, from 1, or None: not a place in a JSON file
        self.column = column  #: in bytes, from 1, or None
        self.change = change  #: number of the change of a transaction that failed, from 0

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        """Exceptions go from process to process, as those of multiprocessing do."""
        return _revive, (type(self), self.message, {
            "system": self.system, "file": self.file, "offset": self.offset, "line": self.line,
            "column": self.column, "change": self.change})


def _revive(kind: Type[Error], message: str, told: dict[str, Any]) -> Error:
    return kind(message, **told)


class NoMemoryError(Error, MemoryError):
    code = 1


class SystemCallError(Error, OSError):
    """A call of the system failed; errno, strerror and filename are set, too."""

    code = 2

    def __init__(self, message: str, **told: Any) -> None:
        super().__init__(message, **told)
        if self.system is not None:
            self.errno = self.system
            self.strerror = os.strerror(self.system)
        self.filename = self.file


class InvalidError(Error, ValueError):
    """What was passed in is no JSON, has no key, or breaks a rule."""

    code = 3


class LimitError(Error, ValueError):
    """Something is larger than a limit of jsonstore.h."""

    code = 4


class AbsentError(Error, KeyError):
    """There is no such record, collection or indexed field."""

    code = 5


class PresentError(Error):
    """insert: there is a record with this key already."""

    code = 6


class ConflictError(Error):
    """require: the record is another by now; or a file was edited: see `file`."""

    code = 7


class DamagedError(Error):
    """`file` is damaged at `offset`, or is no valid JSON at `line` and `column`."""

    code = 8


class FailedError(Error):
    """An earlier write failed: writing needs Store.checkpoint() first."""

    code = 9


class ForkedError(Error):
    """The handle belongs to the process that forked this one: open the store here."""

    code = 10


class BusyError(Error):
    """The writer's lock is held: by another for too long, or by the thread itself."""

    code = 11


class ReadOnlyError(Error):
    """The store was opened with read_only."""

    code = 12


class ClosedError(Error, ValueError):
    """The store, cursor, snapshot or transaction has been closed."""


_KINDS: tuple[Type[Error], ...] = (
    NoMemoryError, SystemCallError, InvalidError, LimitError, AbsentError, PresentError,
    ConflictError, DamagedError, FailedError, ForkedError, BusyError, ReadOnlyError)
BY_CODE = {kind.code: kind for kind in _KINDS}
