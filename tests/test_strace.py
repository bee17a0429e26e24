"""The reader of strace's output, which the power-cut proofs stand on."""
import pytest
from support.strace import UnknownCall, read_calls

ROWS = [
    # what strace wrote -> (name, result) of each call, in the order of their ends
    ("7 write(5<socket:[9]>, \"\\x61\", 1) = 1\n", [("write", 1)]),
    ("7 write(5, \"\\x61\", 1) = -1 EPIPE (Broken pipe)\n", [("write", -1)]),
    ("7 fsync(5 <unfinished ...>\n8 fsync(6) = 0\n7 <... fsync resumed>) = 0\n",
     [("fsync", 0), ("fsync", 0)]),
    # Another thread ended the process while the call was under way.
    ("7 write(5, \"\\x61\", 1) = ?\n7 +++ exited with 1 +++\n", [("write", None)]),
    ("7 write(5, \"\\x61\", 1) = -1 (errno 18446744073709551385)\n", [("write", None)]),
    ("7 write(5, \"\\x61\", 1 <unfinished ...>\n7 +++ exited with 1 +++\n", [("write", None)]),
    ("7 write(5, \"\\x61\", 1 <unfinished ...>\n7 <... ??? resumed>) = ?\n", [("write", None)]),
    ("7 <... ??? resumed>) = ?\n", []),
    ("7 write(5, \"\\x61\", 1) = -1 (errno 4095)\n", [("write", -1)]),
]


@pytest.mark.parametrize("text, want", ROWS)
def test_calls(tmp_path, text, want):
    trace = tmp_path / "trace"
    trace.write_text(text, encoding="ascii")
    assert [(call.name, call.result) for call in read_calls(trace)] == want


def test_a_line_that_is_no_call(tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("7 something else\n", encoding="ascii")
    with pytest.raises(UnknownCall):
        read_calls(trace)
