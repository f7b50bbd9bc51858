"""Tests that a failed allocation raises `MemoryError`, without an abort, a panic or a hang."""

import os
import pathlib
import struct
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from operations import EXCLUDED, OPERATIONS
from programs import EMBEDDED, assert_runs

import pep3118
import pep3118.numpy
import pep3118.struct
from pep3118 import Exporter, View

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space as Linux does")
BACKTRACES = pytest.mark.parametrize("backtrace", [False, True], ids=["", "RUST_BACKTRACE"])

# For each format, True if the interpreter has one shared object for equal items.
FORMATS = {
    "b": True, "B": True, "h": False, "H": False, "i": False, "I": False, "q": False, "Q": False, "n": False,
    "P": False,
    ">h": False, ">i": False, ">Q": False, "e": False, "f": False, "d": False, ">f": False, ">d": False, "g": False,
    "?": True, "c": True, "1s": True, "4s": False, "4p": False, "<u": False, "<4u": False, "<w": False, "<4w": False,
    "Zf": False, "Zd": False, ">Zd": False, "Zg": False, "(2)i": False, "(2,2)d": False, "(3)?": False,
    "T{i:a:d:b:}": False, "T{>i:a:4s:b:}": False, "T{?:a:c:b:}": False, "T{Zd:a:(2)i:b:}": False,
    "T{T{d:a:}:a:}": False,
}  # fmt: skip


LIMIT = """
import gc, resource
from pep3118 import View, struct

def limit(space):
    with open("/proc/self/statm") as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + space, resource.RLIM_INFINITY))

gc.disable()
"""

EVALUATE = """
limit({space})
try:
    result = {expression}
except MemoryError:
    result = None
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert result is None, "there was memory for the result"
"""


def assert_memory_error(setup, expression, space, **options):
    """Evaluates an expression with only `space` more bytes of address space, after `setup`. The expression must raise
    MemoryError. `options` are options of `assert_runs`. Skips the test if the tests are embedded."""
    if EMBEDDED:
        pytest.skip("a sanitizer needs all of the address space")
    evaluate = EVALUATE.format(expression=expression, space=space)
    assert_runs(LIMIT + setup + evaluate, timeout=20, **options)


def items(format, count):
    """Returns the source of a program that creates a `view` of `count` items of `format` with different values."""
    pattern = bytes(range(256)) + bytes(reversed(range(256)))
    if "u" in format or "w" in format:
        pattern = "".join(map(chr, range(256, 768))).encode("utf-16-le" if "u" in format else "utf-32-le")
    if "g" in format:
        # The exponents are in the range of a double.
        pattern = struct.pack("<QHHI", 1 << 63, 0x3FFF, 0, 0) * 32
    return f"""
memory = {pattern!r} * {count * pep3118.struct.calcsize(format) // len(pattern) + 1}
view = View(memory[:{count * pep3118.struct.calcsize(format)}]).cast({format!r}, dialect='pep3118')
"""


COUNT = 1_000_000
LIST = 8 * COUNT


@linux
@BACKTRACES
@pytest.mark.parametrize("format", FORMATS)
def test_tolist_raises_memory_error_without_memory_for_the_list(format, backtrace):
    assert_memory_error(items(format, COUNT), "view.tolist()", LIST // 2, backtrace=backtrace)


@linux
@BACKTRACES
@pytest.mark.parametrize("format", [format for format, shared in FORMATS.items() if not shared])
def test_tolist_raises_memory_error_without_memory_for_the_items(format, backtrace):
    # The space is enough for the list and for some of the items. The interpreter allocates items in arenas of 1 MB.
    assert_memory_error(items(format, COUNT), "view.tolist()", LIST + (6 << 20), backtrace=backtrace)


WHOLE = {
    "tobytes": ("d", "view.tobytes()"),
    "tobytes of a part": ("d", "view[::-1].tobytes()"),
    "hex": ("d", "view.hex()"),
    "columns": ("T{i:a:d:b:}", "view.columns()"),
    "columns of text": ("T{<4w:a:d:b:}", "view.columns()"),
    "list": ("d", "list(view)"),
    "tolist of rows": ("d", "view.cast('d', (1000, 1000)).tolist()"),
    "tolist of short rows": ("d", "view.cast('d', (500_000, 2)).tolist()"),
    "tolist of a field": ("T{i:a:d:b:}", "view['b'].tolist()"),
    "struct.unpack": ("d", "struct.unpack(f'{len(view)}d', view)"),
    "struct.unpack of records": ("d", "struct.unpack(f'({len(view)})T{{d:a:}}', view)"),
    "list(struct.iter_unpack)": ("d", "list(struct.iter_unpack('d', view))"),
    "struct.pack": ("d", "struct.pack(f'{1 << 27}s', b'')"),
    "Struct of a long format": ("d", "[struct.Struct('<' + 'i' * 60_000 + 'd' * turn) for turn in range(1000)]"),
    "Arrow": ("T{i:a:d:b:}", "view.__arrow_c_array__()"),
    "assignment of a list": ("d", "writable.__setitem__(slice(None), ones)"),
    "assignment of a strided part": ("d", "writable.__setitem__(slice(None, None, -1), writable)"),
}


@linux
@BACKTRACES
@pytest.mark.parametrize("case", WHOLE)
def test_other_calls_raise_memory_error_without_memory_for_the_result(case, backtrace):
    format, expression = WHOLE[case]
    setup = items(format, COUNT)
    if "writable" in expression:
        setup += "writable = View(bytearray(view.tobytes())).cast('d')\nones = [1.0] * len(writable)\n"
    assert_memory_error(setup, expression, 3 << 20, backtrace=backtrace)


HUGE = {
    "no items in each of 2**62 rows": lambda: Exporter(b"", format="B", shape=(2**62, 0)),
    "no records in each of 2**62 rows": lambda: Exporter(b"", format="T{B:a:B:b:}", shape=(2**62, 0)),
    "no doubles in each of 2**50 rows": lambda: Exporter(b"", format="d", shape=(2**50, 0)),
    "three dimensions": lambda: Exporter(b"", format="d", shape=(1, 2**50, 0)),
    "items of no bytes": lambda: Exporter(b"", format="0s", shape=(2**50,)),
    "records of no bytes": lambda: Exporter(b"", format="T{}", shape=(2**50,)),
    "arrays of no bytes": lambda: Exporter(b"", format="(0)B", shape=(2**50,)),
    "rows of items of no bytes": lambda: Exporter(b"", format="0s", shape=(2, 2**50)),
    "NumPy records of no bytes": lambda: np.zeros(2**50, []),
    "NumPy records of empty arrays": lambda: np.zeros(2**50, [("a", "u1", (0,))]),
    "NumPy rows of one item": lambda: np.broadcast_to(np.float64(1), (2**50, 3)),
}
ZERO_STRIDES = ["B", "?", "c", "<d", ">d", "<i", "e", "g", "4s", "4p", "<2u", "<w", "Zd", "(2)B", "T{B:a:B:b:}", "P"]
HUGE |= {
    f"zero strides, {format}": lambda format=format: Exporter(
        bytes(64), format=format, itemsize=pep3118.calcsize(format), shape=(2**50,), strides=(0,)
    )
    for format in ZERO_STRIDES
}


@pytest.mark.parametrize("case", HUGE)
def test_tolist_of_a_huge_shape_raises_memory_error(case):
    view = View(HUGE[case]())
    with pytest.raises(MemoryError):
        view.tolist()


@pytest.mark.parametrize("format", ZERO_STRIDES)
def test_copies_of_a_huge_shape_raise_memory_error(format):
    view = View(HUGE[f"zero strides, {format}"]())
    for copy in (view.tobytes, view.columns, view.hex, view[::-1].tobytes):
        with pytest.raises(MemoryError):
            copy()


def test_huge_shapes_without_items_can_be_copied():
    for shape in [(0, 2**62), (0, 2**31, 2**31), (3, 0, 2**60)]:
        view = View(Exporter(b"", format="d", shape=shape))
        assert view.tolist() == [[]] * shape[0] and view.tobytes() == b""
    assert View(Exporter(b"", format="B", shape=(2**62, 0))).tobytes() == b""


EXHAUSTIVE = "PEP3118_ALL_ALLOCATIONS"
# The operations run in groups, because each program takes a second to start.
GROUPS = {
    "functions": [path for path in OPERATIONS if "." not in path],
    "View": [path for path in OPERATIONS if path.startswith("View.") and not path.endswith("item__")],
    "items of View": [path for path in OPERATIONS if path.startswith("View.") and path.endswith("item__")],
    "struct": [path for path in OPERATIONS if path.startswith("struct.")],
    "other classes": [path for path in OPERATIONS if "." in path and not path.startswith(("View.", "struct."))],
}


@linux
@pytest.mark.parametrize("group", GROUPS)
def test_each_operation_succeeds_or_raises_memory_error_without_memory(group):
    """`failing_allocations.py` explains the runs. The environment variable selects every allocation of each operation.
    By default, the test selects one of 7 allocations, because the test must end within a minute."""
    pytest.importorskip("_testcapi")
    if EMBEDDED:
        pytest.skip("the runs need new processes")
    step = "1" if os.environ.get(EXHAUSTIVE) else "7"
    program = [sys.executable, "-X", "faulthandler", "failing_allocations.py", step, *GROUPS[group]]
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    done = subprocess.run(
        program, capture_output=True, text=True, cwd=pathlib.Path(__file__).parent, env=environment, timeout=3600
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stdout[-4000:] + done.stderr[-4000:]


def public_names():
    """Yields the path of each public function, class, method and attribute of the package. A class with a row in
    OPERATIONS needs no rows for its attributes: no attribute has code of this package."""
    # Python creates these attributes of a class.
    created = set(
        "__dict__ __doc__ __firstlineno__ __match_args__ __module__ __orig_bases__ __parameters__ __slotnames__ "
        "__slots__ __static_attributes__ __weakref__".split()
    )
    for prefix, module in [("", pep3118), ("struct.", pep3118.struct), ("numpy.", pep3118.numpy)]:
        for name in module.__all__:
            value = getattr(module, name)
            if not isinstance(value, type) or prefix + name in OPERATIONS:
                yield prefix + name
                continue
            yield from (f"{prefix}{name}.{attribute}" for attribute in vars(value) if attribute not in created)


def test_every_public_name_has_operations():
    assert sorted(set(public_names()) - OPERATIONS.keys() - EXCLUDED.keys()) == []
    # Before Python 3.12, classes had no attributes for the buffer protocol.
    new = {path for path in OPERATIONS if sys.version_info < (3, 12) and path.endswith("buffer__")}
    assert sorted(OPERATIONS.keys() - set(public_names()) - new) == []
    assert [path for path, sources in OPERATIONS.items() if not sources] == []


class Liar(Sequence):
    """A sequence that has more entries than it reports."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return 1


LONG_ARGUMENTS = {
    "shape of a cast": lambda sequence: View(b"").cast("B", sequence),
    "shape of an Exporter": lambda sequence: Exporter(b"", shape=sequence),
    "strides of an Exporter": lambda sequence: Exporter(b"", shape=(0,), strides=sequence),
    "suboffsets of an Exporter": lambda sequence: Exporter(b"", shape=(0,), suboffsets=sequence),
}


@pytest.mark.parametrize("sequence", [range(2**40), range(2**62), Liar()], ids=["2**40", "2**62", "endless"])
@pytest.mark.parametrize("case", LONG_ARGUMENTS)
def test_a_sequence_of_a_huge_length_is_refused(case, sequence):
    with pytest.raises(ValueError, match="the sequence has more than 65536 entries"):
        LONG_ARGUMENTS[case](sequence)
