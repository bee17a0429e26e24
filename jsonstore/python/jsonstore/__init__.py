"""Concurrent, durable JSON files: a collection of records is one file that is always valid JSON.

    with jsonstore.open("data") as store:
        users = store.collection("users", key="id", index=["email"])
        users.put({"id": "ann", "email": "ann@example.org"})

A write that has returned survives a crash. Any number of threads and processes read and write the
same folder at once. What is here is a thin cover over libjsonstore.so.0.
"""
from ._errors import (AbsentError, BusyError, ClosedError, ConflictError, DamagedError, Error,
                      FailedError, ForkedError, InvalidError, LimitError, NoMemoryError,
                      PresentError, ReadOnlyError, SystemCallError)
from ._store import (Collection, Cursor, LockedTransaction, Record, Snapshot, Stamp, Statistics,
                     Store, Transaction, library_version, open, repair)

__version__ = "0.1.0"

__all__ = [
    "AbsentError", "BusyError", "ClosedError", "Collection", "ConflictError", "Cursor",
    "DamagedError", "Error", "FailedError", "ForkedError", "InvalidError", "LimitError",
    "LockedTransaction", "NoMemoryError", "PresentError", "ReadOnlyError", "Record", "Snapshot",
    "Stamp", "Statistics", "Store", "SystemCallError", "Transaction", "library_version", "open",
    "repair",
]
