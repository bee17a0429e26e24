"""Stores, collections, cursors, snapshots and transactions.

Every C handle has one Python object. What must not happen is a call on a handle that is gone, so a
store counts the calls that run and the handles that are open: it is given back when there are none.
In a forked process nothing of the parent's is touched, not even a lock: who held it is not here.
"""
from __future__ import annotations

import ctypes
import json
import os
import threading
import warnings
import weakref
from ctypes import byref, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from types import TracebackType
from typing import (Any, Callable, Iterator, Mapping, NamedTuple, Optional, Sequence, Type,
                    TypeVar, Union, overload)

from . import _library
from ._errors import AbsentError, ClosedError, ForkedError, InvalidError
from ._library import LIBRARY, call

Key = Union[str, int]
Path = Union[str, "os.PathLike[str]"]
Default = TypeVar("Default")
Result = TypeVar("Result")
SomeHandle = TypeVar("SomeHandle", bound="_Handle")


class Record(dict[str, Any]):
    """A record that was read: a dict, and in `text` how it stands in the store."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        super().__init__(json.loads(text.decode()))
        self.text = text


@dataclass(frozen=True)
class Statistics:
    generation: int       #: journals so far
    journal_bytes: int    #: changes since the files' state
    journal_changes: int  #: records put or deleted by them
    collections: int
    bytes_cut: int        #: of a torn end, when the store was opened
    failed: bool          #: writing needs checkpoint()


class Stamp(NamedTuple):
    """Which state it is, in all processes; a later one is greater."""

    generation: int
    end: int


def _dump(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False,
                          separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidError(f"not JSON: {error}") from error


def _key(key: Key) -> bytes:
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise InvalidError(f"a key is a string or an integer, not {type(key).__name__}")
    return _encode(str(key))


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(f"not Unicode: {error}") from error


def _name(text: str) -> bytes:
    """For an argument that ends at its first zero."""
    encoded = _encode(text)
    if b"\0" in encoded:
        raise InvalidError("a name has no zero byte")
    return encoded


def _path(path: Path) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise InvalidError("a path has no zero byte")
    return encoded


class _Handle:
    """Something of a store that one thread at a time uses, and that ends once."""

    _end = staticmethod(LIBRARY.jsonstore_release)

    def __init__(self, store: Store, pointer: int) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._pointer: Optional[int] = pointer

    def _check(self) -> int:
        """With the lock held."""
        if self._pointer is None:
            raise ClosedError(f"the {type(self).__name__.lower()} is closed")
        return self._pointer

    def close(self) -> None:
        """Gives it back; once more does nothing."""
        self._finish()

    def _finish(self) -> None:
        if self._store._is_forked():
            return
        with self._lock:
            pointer, self._pointer = self._pointer, None
            if pointer is not None:
                self._end(pointer)
                self._store._leave()

    def __enter__(self: SomeHandle) -> SomeHandle:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is not None:
            self._finish()


class Cursor(_Handle):
    """Records, one after the other. It ends behind the last, at close(), or when it is dropped."""

    _end = staticmethod(LIBRARY.jsonstore_cursor_close)
    _exhausted = False

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        text, length = c_void_p(), c_size_t()
        self._store._check_process()
        with self._lock:
            if self._exhausted:
                raise StopIteration
            try:
                call("next", self._check(), byref(text), byref(length))
                if text.value is not None:
                    return Record(ctypes.string_at(text.value, length.value))
            except BaseException:
                self._finish()
                raise
            self._exhausted = True
            self._finish()
        raise StopIteration


class Snapshot(_Handle):
    """One state of all collections, which no later write disturbs."""

    def _of(self, collection: Collection) -> int:
        if collection._store is not self._store:
            raise InvalidError("the collection is another store's")
        return self._check()

    @overload
    def get(self, collection: Collection, key: Key) -> Optional[Record]: ...

    @overload
    def get(self, collection: Collection, key: Key, default: Default) -> Union[Record, Default]: ...

    def get(self, collection: Collection, key: Key, default: Any = None) -> Any:
        """The record with the key, or `default`."""
        self._store._check_process()
        with self._lock:
            return collection._get(self._of(collection), key, default)

    def scan(self, collection: Collection) -> Cursor:
        """All records."""
        self._store._check_process()
        with self._lock:
            return collection._scan(self._of(collection))

    def find(self, collection: Collection, field: str, value: Any) -> Cursor:
        """The records whose indexed field is the value."""
        self._store._check_process()
        with self._lock:
            return collection._find(self._of(collection), field, value)

    def stamp(self) -> Stamp:
        """With equal stamps all reads give the same."""
        self._store._check_process()
        with self._lock:
            return self._store._stamp(self._check())

    def export(self, collection: Collection, path: Path) -> None:
        """Writes the collection's records as a JSON file."""
        self._store._check_process()
        with self._lock:
            collection._export(self._of(collection), path)


class Transaction(_Handle):
    """Changes that happen together or not at all.

    They are collected; each is checked, in order, when the `with` block ends without an exception,
    or at commit(). The exception's `change` says which one failed.
    """

    _end = staticmethod(LIBRARY.jsonstore_abandon)
    _settled = False  # by commit() or close(), rather than by the end of the store

    def _add(self, name: str, collection: Collection, *arguments: Any) -> None:
        self._store._check_process()
        if collection._store is not self._store:
            raise InvalidError("the collection is another store's")
        with self._lock:
            call("transaction_" + name, self._check(), collection._pointer, *arguments)

    def put(self, collection: Collection, record: Mapping[str, Any]) -> None:
        text = _dump(record)
        self._add("put", collection, text, len(text))

    def insert(self, collection: Collection, record: Mapping[str, Any]) -> None:
        text = _dump(record)
        self._add("insert", collection, text, len(text))

    def patch(self, collection: Collection, key: Key, patch: Mapping[str, Any]) -> None:
        name, text = _key(key), _dump(patch)
        self._add("patch", collection, name, len(name), text, len(text))

    def delete(self, collection: Collection, key: Key) -> None:
        name = _key(key)
        self._add("delete", collection, name, len(name))

    def require(self, collection: Collection, key: Key, record: Optional[Record]) -> None:
        """The commit raises ConflictError unless the record is still as it was read, whatever was
        done to the dict since; None: unless there is still none."""
        if record is not None and not isinstance(record, Record):
            raise InvalidError("require() takes a record that was read, or None")
        name = _key(key)
        text = None if record is None else record.text
        self._add("require", collection, name, len(name), text, 0 if text is None else len(text))

    def commit(self) -> None:
        """Returns when all changes are on disk. The transaction ends, whatever comes of it."""
        self._store._check_process()
        with self._lock:
            pointer = self._check()
            self._pointer = None
            self._settled = True
            try:
                call("commit", pointer)
            finally:
                self._store._leave()

    def close(self) -> None:
        """Abandons the changes, unless they are committed."""
        self._settled = True
        self._finish()

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None and not self._settled:
            self.commit()
        else:
            self.close()


class LockedTransaction(Transaction):
    """A transaction that keeps others from writing, and reads its own changes.

    Each change is checked and applied at once; one that raises is not in the transaction, which
    goes on as it was. Others see nothing of it before the commit.
    """

    def _read(self, read: Callable[[int], Result]) -> Result:
        """With a snapshot of the changes so far, which ends before another thread can come."""
        self._store._check_process()
        with self._lock:
            snapshot = c_void_p()
            call("transaction_snapshot", self._check(), byref(snapshot))
            assert snapshot.value is not None
            try:
                return read(snapshot.value)
            finally:
                LIBRARY.jsonstore_release(snapshot)

    def _own(self, collection: Collection) -> Collection:
        if collection._store is not self._store:
            raise InvalidError("the collection is another store's")
        return collection

    @overload
    def get(self, collection: Collection, key: Key) -> Optional[Record]: ...

    @overload
    def get(self, collection: Collection, key: Key, default: Default) -> Union[Record, Default]: ...

    def get(self, collection: Collection, key: Key, default: Any = None) -> Any:
        """The record with the key as it is by now, or `default`."""
        own = self._own(collection)

        def read(snapshot: int) -> Any:
            return own._get(snapshot, key, default)

        return self._read(read)

    def scan(self, collection: Collection) -> list[Record]:
        """All records as they are by now; a list, which later changes do not disturb."""
        own = self._own(collection)
        return self._read(lambda snapshot: list(own._scan(snapshot)))

    def find(self, collection: Collection, field: str, value: Any) -> list[Record]:
        """The records whose indexed field is the value by now."""
        own = self._own(collection)
        return self._read(lambda snapshot: list(own._find(snapshot, field, value)))

    def mark(self) -> int:
        """The place behind the last change, for undo_to()."""
        self._store._check_process()
        with self._lock:
            place: int = LIBRARY.jsonstore_transaction_mark(self._check())
            return place

    def undo_to(self, mark: int) -> None:
        """Undoes all changes since the mark, which stays good."""
        self._store._check_process()
        with self._lock:
            call("transaction_undo_to", self._check(), mark)


class Collection:
    """The records of NAME.json. Made by Store.collection(), and of use as long as the store is."""

    def __init__(self, store: Store, name: str, pointer: int) -> None:
        self._store = store
        self._pointer = pointer
        self.name = name

    def __repr__(self) -> str:
        return f"<jsonstore.Collection {self.name!r} of {self._store.folder!r}>"

    # `snapshot`: the pointer of one, or None for the state of now.

    def _get(self, snapshot: Optional[int], key: Key, default: Any) -> Any:
        name, text = _key(key), _library.TextStruct()
        try:
            self._store._call("get", self._pointer, snapshot, name, len(name), byref(text))
            return Record(ctypes.string_at(text.text, text.length))
        except AbsentError:
            return default
        finally:
            LIBRARY.jsonstore_text_free(byref(text))

    def _scan(self, snapshot: Optional[int]) -> Cursor:
        return self._store._make(Cursor, "scan", self._pointer, snapshot)

    def _find(self, snapshot: Optional[int], field: str, value: Any) -> Cursor:
        text = _dump(value)
        return self._store._make(Cursor, "find", self._pointer, snapshot, _name(field), text,
                                 len(text))

    def _export(self, snapshot: Optional[int], path: Path) -> None:
        self._store._call("export", self._pointer, snapshot, _path(path))

    @overload
    def get(self, key: Key) -> Optional[Record]: ...

    @overload
    def get(self, key: Key, default: Default) -> Union[Record, Default]: ...

    def get(self, key: Key, default: Any = None) -> Any:
        """The record with the key, or `default`. The key of a record is its key field's text: 12
        and "12" are the same key."""
        return self._get(None, key, default)

    def __getitem__(self, key: Key) -> Record:
        record: Optional[Record] = self._get(None, key, None)
        if record is None:
            raise AbsentError(f"{self.name} has no record {key!r}")
        return record

    def __contains__(self, key: Key) -> bool:
        return self._get(None, key, None) is not None

    def __iter__(self) -> Iterator[Record]:
        return self._scan(None)

    def scan(self) -> Cursor:
        """All records, in the order of the file, then those that are new since."""
        return self._scan(None)

    def find(self, field: str, value: Any) -> Cursor:
        """The records whose indexed field is this string, number, bool or None."""
        return self._find(None, field, value)

    def put(self, record: Mapping[str, Any]) -> None:
        """Stores the record, in place of the one with its key."""
        text = _dump(record)
        self._store._call("put", self._pointer, text, len(text))

    def insert(self, record: Mapping[str, Any]) -> None:
        """As put(), but PresentError when there is a record with this key."""
        text = _dump(record)
        self._store._call("insert", self._pointer, text, len(text))

    def patch(self, key: Key, patch: Mapping[str, Any]) -> None:
        """Merges into the record as RFC 7396 does: None removes a field. AbsentError without it."""
        name, text = _key(key), _dump(patch)
        self._store._call("patch", self._pointer, name, len(name), text, len(text))

    def delete(self, key: Key) -> None:
        """AbsentError when there is no such record."""
        name = _key(key)
        self._store._call("delete", self._pointer, name, len(name))

    def export(self, path: Path) -> None:
        """Writes the state of now as a JSON file; one that is there is replaced."""
        self._export(None, path)


class Store:
    """An open folder. Made by open(); any number of threads may use it at once."""

    def __init__(self, folder: Path, *, cache_bytes: int = 0, must_exist: bool = False,
                 read_only: bool = False) -> None:
        self.folder = os.fspath(folder)
        self._process = os.getpid()
        self._closing = False
        self._users = 0  # calls that run, and handles that are open
        self._changed = threading.Condition(threading.RLock())  # a finalizer may come at any time
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._pointer: Optional[int] = None
        if cache_bytes < 0:
            raise InvalidError("cache_bytes is not negative")
        options = _library.OptionsStruct(ctypes.sizeof(_library.OptionsStruct), cache_bytes,
                                         must_exist, read_only)
        pointer = c_void_p()
        call("open", _path(folder), byref(options), byref(pointer))
        self._pointer = pointer.value

    def __repr__(self) -> str:
        return f"<jsonstore.Store {self.folder!r}{' closed' if self._closing else ''}>"

    # ---- who uses the C handle ----

    def _is_forked(self) -> bool:
        return self._process != os.getpid()

    def _check_process(self) -> None:
        if self._is_forked():
            raise ForkedError("the store was opened by the parent process")

    def _enter(self) -> None:
        self._check_process()
        with self._changed:
            if self._closing:
                raise ClosedError("the store is closed")
            self._users += 1

    def _leave(self) -> None:
        with self._changed:
            self._users -= 1
            if self._users == 0:
                self._changed.notify_all()

    def _call(self, name: str, *arguments: Any) -> None:
        self._enter()
        try:
            call(name, *arguments)
        finally:
            self._leave()

    def _make(self, kind: Type[SomeHandle], name: str, *arguments: Any) -> SomeHandle:
        """A handle, which counts as a user until it ends."""
        self._enter()
        try:
            pointer = c_void_p()
            call(name, *arguments, byref(pointer))
            assert pointer.value is not None
            handle = kind(self, pointer.value)
        except BaseException:
            self._leave()
            raise
        with self._changed:
            self._handles.add(handle)
            late = self._closing
        if late:
            handle._finish()
            raise ClosedError("the store is closed")
        return handle

    # ---- what it does ----

    def collection(self, name: str, *, key: Optional[str] = None,
                   index: Sequence[str] = ()) -> Collection:
        """The collection in NAME.json. `key` is the field with the key (id), `index` names fields
        to find records by. With either of them it is made, or indexed, if it is not yet; without,
        it is opened, and made with the key `id` if it is not there."""
        if isinstance(index, str):
            raise InvalidError("index is a sequence of names")
        names = [_name(field) for field in index]
        fields = (ctypes.c_char_p * len(names))(*names)
        schema = _library.SchemaStruct(ctypes.sizeof(_library.SchemaStruct),
                                       None if key is None else _name(key), fields, len(names))
        pointer = c_void_p()
        self._enter()
        try:
            try:
                wanted = byref(schema) if key is not None or names else None
                call("collection", self._pointer, _name(name), wanted, byref(pointer))
            except AbsentError:
                call("collection", self._pointer, _name(name), byref(schema), byref(pointer))
        finally:
            self._leave()
        assert pointer.value is not None
        return Collection(self, name, pointer.value)

    def transaction(self) -> Transaction:
        """`with store.transaction() as t:` commits at its end, or abandons after an exception."""
        return self._make(Transaction, "begin", self._pointer)

    def locked_transaction(self, timeout: Optional[float] = None) -> LockedTransaction:
        """As transaction(), but nobody else writes until it ends, and it reads its own changes.
        BusyError when the lock is held by others for `timeout` seconds; None: for ever."""
        wait = _library.WAIT if timeout is None else min(max(int(timeout * 1000), 0), 2**31 - 1)
        return self._make(LockedTransaction, "begin_locked", self._pointer, wait)

    def stamp(self) -> Stamp:
        """Of the state of now: what was made from an equal one need not be made again."""
        return self._stamp(None)

    def _stamp(self, snapshot: Optional[int]) -> Stamp:
        told = _library.StampStruct()
        self._call("stamp", self._pointer, snapshot, byref(told))
        return Stamp(told.generation, told.end)

    def snapshot(self) -> Snapshot:
        """`with store.snapshot() as s:` reads one state of all collections."""
        return self._make(Snapshot, "snapshot", self._pointer)

    def checkpoint(self, *, if_due: bool = False) -> None:
        """Brings the files up to date with the journal. Servers call it each second with `if_due`.
        After a write has failed it makes the store writable again."""
        self._call("checkpoint", self._pointer, _library.IF_DUE if if_due else _library.NOW)

    def verify(self) -> int:
        """Reads everything; the number of records in the files, or the first damage, raised."""
        records = c_uint64()
        self._call("verify", self._pointer, byref(records))
        return records.value

    def stats(self) -> Statistics:
        told = _library.StatisticsStruct(ctypes.sizeof(_library.StatisticsStruct))
        self._call("statistics", self._pointer, byref(told))
        return Statistics(told.generation, told.journal_bytes, told.journal_changes,
                          told.collections, told.bytes_cut, told.failed)

    def close(self) -> None:
        """Ends cursors, snapshots and transactions that are open, waits for calls that run in other
        threads, and gives the store back. Nothing is lost when it raises. In a forked process it
        does nothing: the store is the parent's."""
        if self._is_forked():
            return
        with self._changed:
            if self._closing:
                return
            self._closing = True
            handles = list(self._handles)
        for handle in handles:
            handle._finish()
        with self._changed:
            while self._users > 0:
                self._changed.wait()
        pointer, self._pointer = self._pointer, None
        call("close", pointer)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.close()
        except Exception as second:  # the first one is of more interest
            warnings.warn(f"closing {self.folder}: {second}", RuntimeWarning, stacklevel=2)

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is not None and not self._is_forked():
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
            self.close()


def open(folder: Path, *, cache_bytes: int = 0, must_exist: bool = False,
         read_only: bool = False) -> Store:
    """The store in a folder that exists. `cache_bytes`: memory for blocks of the files, 0 for 32
    MiB; `must_exist`: AbsentError instead of making the folder a store; `read_only`: the right to
    read the files is enough, and what would write is ReadOnlyError."""
    return Store(folder, cache_bytes=cache_bytes, must_exist=must_exist, read_only=read_only)


def repair(folder: Path, name: Optional[str] = None, *, use: str) -> None:
    """Decides when a file was edited while the journal held changes for it; nobody may have the
    folder open. use="file": the edited file, the changes go to NAME.journal.json; use="journal":
    the file with the changes over it, its copy goes to NAME.edited.json."""
    if use not in ("file", "journal"):
        raise InvalidError('use is "file" or "journal"')
    call("repair", _path(folder), None if name is None else _name(name),
         _library.USE_FILE if use == "file" else _library.USE_JOURNAL)


def library_version() -> str:
    """Of the library that is used, such as "0.1.0"."""
    version: bytes = LIBRARY.jsonstore_version()
    return version.decode()
