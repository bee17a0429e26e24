"""jsonstore.h for ctypes. Its structs begin with their size, so that a later library takes them."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from typing import Any, Callable

from ._errors import BY_CODE, Error

NOW, IF_DUE = 1, 0
WAIT = -1
USE_FILE, USE_JOURNAL = 0, 1


class ErrorStruct(ctypes.Structure):
    _fields_ = [("code", c_int), ("system", c_int), ("offset", c_uint64), ("line", c_uint64),
                ("column", c_uint64), ("change", c_uint64), ("file", c_char * 256),
                ("message", c_char * 256), ("reserved", c_uint64 * 8)]


class TextStruct(ctypes.Structure):
    _fields_ = [("text", c_void_p), ("length", c_size_t), ("capacity", c_size_t)]


class OptionsStruct(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("cache_bytes", c_size_t), ("must_exist", c_bool),
                ("read_only", c_bool)]


class StampStruct(ctypes.Structure):
    _fields_ = [("generation", c_uint64), ("end", c_uint64)]


class SchemaStruct(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("key", c_char_p), ("fields", POINTER(c_char_p)),
                ("field_count", c_size_t)]


class StatisticsStruct(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("generation", c_uint64), ("journal_bytes", c_uint64),
                ("journal_changes", c_uint64), ("collections", c_uint64),
                ("bytes_cut", c_uint64), ("failed", c_bool)]


_KEY = (c_char_p, c_size_t)
_TEXT = (c_char_p, c_size_t)
_RETURNED = POINTER(c_void_p)

# What stands between a function's name and its last argument, the error.
_CALLS: dict[str, tuple[Any, ...]] = {
    "open": (c_char_p, POINTER(OptionsStruct), _RETURNED),
    "close": (c_void_p,),
    "collection": (c_void_p, c_char_p, POINTER(SchemaStruct), _RETURNED),
    "snapshot": (c_void_p, _RETURNED),
    "stamp": (c_void_p, c_void_p, POINTER(StampStruct)),
    "get": (c_void_p, c_void_p, *_KEY, POINTER(TextStruct)),
    "scan": (c_void_p, c_void_p, _RETURNED),
    "find": (c_void_p, c_void_p, c_char_p, *_TEXT, _RETURNED),
    "next": (c_void_p, _RETURNED, POINTER(c_size_t)),
    "put": (c_void_p, *_TEXT),
    "insert": (c_void_p, *_TEXT),
    "patch": (c_void_p, *_KEY, *_TEXT),
    "delete": (c_void_p, *_KEY),
    "begin": (c_void_p, _RETURNED),
    "begin_locked": (c_void_p, c_int, _RETURNED),
    "transaction_snapshot": (c_void_p, _RETURNED),
    "transaction_undo_to": (c_void_p, c_uint64),
    "transaction_put": (c_void_p, c_void_p, *_TEXT),
    "transaction_insert": (c_void_p, c_void_p, *_TEXT),
    "transaction_patch": (c_void_p, c_void_p, *_KEY, *_TEXT),
    "transaction_delete": (c_void_p, c_void_p, *_KEY),
    "transaction_require": (c_void_p, c_void_p, *_KEY, *_TEXT),
    "commit": (c_void_p,),
    "checkpoint": (c_void_p, c_int),
    "statistics": (c_void_p, POINTER(StatisticsStruct)),
    "verify": (c_void_p, POINTER(c_uint64)),
    "export": (c_void_p, c_void_p, c_char_p),
    "repair": (c_char_p, c_char_p, c_int),
}
_ENDS = ("release", "cursor_close", "abandon", "text_free")


def _load() -> ctypes.CDLL:
    """JSONSTORE_LIBRARY names the file of a library that is not installed."""
    file = os.environ.get("JSONSTORE_LIBRARY") or "libjsonstore.so.0"
    try:
        library = ctypes.CDLL(file)
    except OSError as error:
        raise ImportError(f"the C library cannot be loaded: {error}; if it is in no usual place, "
                          "JSONSTORE_LIBRARY names its file") from error
    for name, arguments in _CALLS.items():
        function = getattr(library, "jsonstore_" + name)
        function.argtypes = [*arguments, POINTER(ErrorStruct)]
        function.restype = c_int
    for name in _ENDS:
        function = getattr(library, "jsonstore_" + name)
        function.argtypes = [c_void_p]
        function.restype = None
    library.jsonstore_transaction_mark.argtypes = [c_void_p]
    library.jsonstore_transaction_mark.restype = c_uint64
    library.jsonstore_code_text.argtypes = [c_int]
    library.jsonstore_code_text.restype = c_char_p
    library.jsonstore_version.argtypes = []
    library.jsonstore_version.restype = c_char_p
    return library


LIBRARY = _load()
FUNCTIONS: dict[str, Callable[..., int]] = {
    name: getattr(LIBRARY, "jsonstore_" + name) for name in _CALLS}


def _exception(code: int, told: ErrorStruct) -> Error:
    message = told.message.decode("utf-8", "replace")
    if not message:
        message = LIBRARY.jsonstore_code_text(code).decode()
    return BY_CODE.get(code, Error)(
        message, system=told.system or None, file=os.fsdecode(told.file) or None,
        offset=told.offset, line=told.line or None, column=told.column or None,
        change=told.change)


def call(name: str, *arguments: Any) -> None:
    """jsonstore_NAME(arguments, error); a code other than JSONSTORE_OK is raised."""
    told = ErrorStruct()
    code = FUNCTIONS[name](*arguments, ctypes.byref(told))
    if code != 0:
        raise _exception(code, told)
