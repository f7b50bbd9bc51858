"""Tests that no help line of the Python package is untested.

Each row of CALLS has a call that fails and the call that its help line proposes. The last test finds the texts of all
help lines in the sources of the extension module, and each text must be in the message of one of the calls.
"""

import array
import ctypes
import pathlib
import re
import struct
import sys

import pytest

import pep3118
from pep3118 import Exporter, Format, Record, View, u8

np = pytest.importorskip("numpy")

SOURCES = pathlib.Path(__file__).parents[2] / "crates" / "python" / "src"


class Pair(Record):
    """A record class for the rows."""

    first: u8
    second: u8


class Overlapping(ctypes.Union):
    """A union, whose layout no format describes."""

    _fields_ = [("number", ctypes.c_int), ("text", ctypes.c_char * 3)]


BYTES = bytes(range(12))
WIDE = Format.from_c("struct __attribute__((packed)) s { int a : 3; int b : 31; };", model="lp64")


class Indirect:
    """A matrix of two rows, which a table of addresses locates."""

    def __init__(self):
        self.rows = [(ctypes.c_int * 3)(*range(first, first + 3)) for first in (0, 10)]
        self.table = (ctypes.c_void_p * 2)(*map(ctypes.addressof, self.rows))
        size = ctypes.sizeof(ctypes.c_void_p)
        exporter = Exporter(self.table, format="i", shape=(2, 3), strides=(size, 4), suboffsets=(0, -1))
        self.view = View(exporter)


INDIRECT = Indirect()


def without_ml_dtypes():
    """Converts complex numbers of float16 to NumPy, as if the package ml_dtypes were not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ml_dtypes", None)
        View(bytes(4), "Ze").to_numpy()


#: Rows of (failing call, call that follows the help line).
CALLS = [
    # Views of memory with another size.
    (lambda: View(bytes(30), "<iq"), lambda: View(bytes(30)).cast("B")[:24].cast("<iq")),
    (lambda: View(bytes(3), "<i"), lambda: View(bytes(4), "<i")),
    (lambda: View(memoryview(BYTES)[::2], "<h"), lambda: View(View(memoryview(BYTES)[::2]).tobytes(), "<h")),
    (lambda: View(np.arange(4, dtype="i4"), "<d"), lambda: View(np.arange(4, dtype="i4")).cast("<d")),
    (
        lambda: View(np.arange(4, dtype="i4"), np.dtype("f8")),
        lambda: View(np.arange(4, dtype="i4")).cast(np.dtype("f8")),
    ),
    (lambda: View(np.arange(5, dtype="i4")[::2], np.dtype("f8")), lambda: View(np.arange(5, dtype="i4")[::2], "i")),
    (lambda: View(bytes(7)).cast("<h"), lambda: View(bytes(7)).cast("B")[:6].cast("<h")),
    (lambda: View(bytes(1)).cast("<h"), lambda: View(bytes(2)).cast("<h")),
    (lambda: View(bytes(4)).cast("0s"), lambda: View(bytes(4)).cast("<h")),
    (lambda: View("text"), lambda: View(b"text")),
    (lambda: View([1.0]), lambda: View(array.array("d", [1.0]))),
    (lambda: View(1), lambda: View(bytes(1))),
    # Arguments that are layouts.
    (lambda: View(BYTES, np.dtype("i4"), dialect="numpy"), lambda: View(BYTES, np.dtype("i4"))),
    (lambda: View(BYTES, Record), lambda: View(BYTES, Pair)),
    (lambda: View(BYTES, np.int32), lambda: View(BYTES, np.dtype(np.int32))),
    (lambda: View(BYTES, np.zeros(1, "i4")), lambda: View(BYTES, np.zeros(1, "i4").dtype)),
    (lambda: View(BYTES, ctypes.c_int(1)), lambda: View(BYTES, ctypes.c_int)),
    (lambda: Format(Format(np.dtype("i4")), dialect="numpy"), lambda: Format(Format(np.dtype("i4")))),
    (lambda: Format(Format(np.dtype("i4")), itemsize=8), lambda: Format(Format(np.dtype("i4")))),
    (lambda: Exporter(bytes(4), format=Overlapping), lambda: Exporter(bytes(4), format="4s")),
    # Conversions.
    (lambda: View(bytes(16), "O").to_numpy(), lambda: View(bytes(16), "O").cast("B").to_numpy()),
    (lambda: INDIRECT.view.to_numpy(copy=False), INDIRECT.view.to_numpy),
    (lambda: View(np.zeros((2, 2), "i4,i4")).to_pandas(), View(np.zeros((2, 2), "i4,i4"))[0].to_pandas),
    (lambda: View(np.zeros((2, 2, 2))).to_pandas(), View(np.zeros((2, 2, 2)))[0].to_pandas),
    (
        lambda: View(bytes(6), "T{(2)T{B:b:}:a:B:c:}")[("a.b", "c")],
        lambda: View(bytes(6), "T{(2)T{B:b:}:a:B:c:}")["a.b"],
    ),
    (without_ml_dtypes, lambda: View(bytes(4), "Ze").tolist()),
    (lambda: View(bytes(WIDE.itemsize), WIDE).to_numpy(), lambda: View(bytes(WIDE.itemsize), WIDE).columns()),
    (lambda: assign(np.array([0.1, 0.2])), lambda: assign(np.array([0.1, 0.2]).tolist())),
    (
        lambda: View(bytes(16), "&i")[np.array([0, 1])],
        lambda: [View(bytes(16), "&i")[index] for index in [0, 1]],
    ),
    (WIDE.to_ctypes, lambda: View(bytes(WIDE.itemsize), WIDE)),
    # Ambiguous formats.
    (lambda: View(BYTES).cast("T{b:a:i:b:}"), lambda: View(BYTES[:8]).cast("T{b:a:i:b:}", dialect="pep3118")),
    (lambda: Format("T{<i:a:}", dialect="struct"), lambda: Format("T{<i:a:}", dialect="pep3118")),
    (lambda: Format("dhhbhh", itemsize=17, model="lp64"), lambda: Format("=dhhbhh", itemsize=17, model="lp64")),
    (lambda: Format("IiLL", itemsize=16, model="lp64"), lambda: Format("IiLL", itemsize=16, model="llp64")),
    (lambda: Format("V"), lambda: Format("<I")),
    (lambda: Format("float64"), lambda: Format("=d")),
]

#: The rows that need pandas.
PANDAS = {number for number, (_, followed) in enumerate(CALLS) if followed.__name__ == "to_pandas"}


def assign(values):
    """Assigns `values` to a view of two 32-bit floats, and returns the view."""
    view = View(bytearray(8), "<f")
    view[:] = values
    return view


def message(call):
    """Returns the message of the exception that `call` raises."""
    with pytest.raises((ValueError, TypeError, NotImplementedError, pep3118.BufferRuleError, struct.error)) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_the_call_of_a_help_line_succeeds(number):
    if number in PANDAS:
        pytest.importorskip("pandas")
    call, followed = CALLS[number]
    assert "help: " in message(call)
    followed()


def help_texts():
    """Returns the texts after `help: ` in the string literals of the extension module, each as its constant parts."""
    for path in sorted(SOURCES.rglob("*.rs")):
        source = "\n".join(
            line for line in path.read_text(encoding="utf-8").split("\n") if not line.lstrip().startswith("//")
        )
        for literal in re.finditer(r'"((?:[^"\\]|\\.|\\\n)*)"', source):
            text = re.sub(r"\\\n\s*", "", literal[1]).replace("\\n", "\n")
            # The docstring of an exception contains an example.
            if "help: " in text and ">>>" not in text:
                parts = re.split(r"\{[^}]*\}", text.partition("help: ")[2])
                yield path.name, [part for part in parts if part]


def test_every_help_line_of_the_sources_is_followed():
    pytest.importorskip("pandas")
    texts = [row for row in help_texts() if row[1]]
    assert len(texts) >= 15
    messages = [message(call) for call, _ in CALLS]
    for name, parts in texts:
        pattern = ".*".join(map(re.escape, parts))
        assert any(re.search(pattern, text) for text in messages), f"no call prints the help line of {name}: {parts}"
