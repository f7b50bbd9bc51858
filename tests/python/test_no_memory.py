"""Tests that a failed allocation raises `MemoryError`, without an abort, a panic or a hang."""

import struct
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from programs import EMBEDDED, assert_runs

import pep3118
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


STEPS = {
    "open bytes": "View(data)",
    "open an array": "View(numbers)",
    "open NumPy records": "View(table)",
    "open ctypes": "View(integers)",
    "item": "view[1]",
    "large integer": "wide[1]",
    "slice": "view[1:]",
    "field": "records['b']",
    "item of a field": "records['b'][1]",
    "record": "records[1]",
    "record with text": "texts[1]",
    "row": "grid[1]",
    "tolist": "view.tolist()",
    "tolist of large integers": "wide.tolist()",
    "tolist of records": "records.tolist()",
    "tolist of rows": "grid.tolist()",
    "tolist of text": "texts.tolist()",
    "tolist of complex numbers": "numbers_in_pairs.tolist()",
    "list": "list(view)",
    "list of rows": "list(grid)",
    "shape": "view.shape",
    "strides": "view.strides",
    "format": "records.format",
    "fields": "records.fields",
    "explain": "records.explain()",
    "repr": "repr(records)",
    "tobytes": "view.tobytes()",
    "columns": "records.columns()",
    "cast": "view.cast('B')",
    "cast to a new layout": "view.cast('T{<i:a:<i:b:}')[0]",
    "toreadonly": "view.toreadonly()",
    "transpose": "grid.transpose()",
    "==": "view == other",
    "hash": "hash(View(data))",
    "assignment": "view.__setitem__(1, 1.5)",
    "assignment of a slice": "view.__setitem__(slice(None), other)",
    "assignment of a list": "view.__setitem__(slice(None), [1.5] * 4)",
    "memoryview": "memoryview(view)",
    "assignment of a mapping": "writable.__setitem__(0, {'a': 1, 'b': 2.5})",
    "assignment of complex numbers": "view.__setitem__(slice(None), View(np.ones(4, 'c16')))",
    "== of records": "records == View(table)",
    "== of records of other types": "records == wider",
    "== of items without values": (
        "View(data).cast('h0c', dialect='struct') == View(data).cast('H0c', dialect='struct')"
    ),
    "shape of an Exporter": "exporter.shape + exporter.strides + exporter.suboffsets",
    "failing length": "failing(struct.pack_into, '<i', data12, 2**70, 1)",
    "Exporter": "Exporter(data, format='B', shape=(2, 4))",
    "pack": "struct.pack('<Id', 2**31, 1.5)",
    "unpack": "struct.unpack('<Id', data12)",
    "iter_unpack": "list(struct.iter_unpack('<Id', data12))",
    "Struct": "struct.Struct('<Id').unpack(data12)",
    "failing pack": "failing(struct.pack, '<i', 2**70)",
    "failing item": "failing(view.__getitem__, 99)",
    "failing assignment": "failing(view.__setitem__, 0, 'text')",
    "failing field": "failing(records.__getitem__, 'x')",
}


@BACKTRACES
@pytest.mark.parametrize("case", STEPS)
def test_each_allocation_of_a_call_can_fail(case, backtrace):
    """The test repeats the call. In the first repetition, the first allocation fails, in the second repetition, the
    second allocation, and so on."""
    pytest.importorskip("_testcapi")
    assert_runs(
        f"""
        import array, ctypes, gc
        import numpy as np
        from _testcapi import remove_mem_hooks, set_nomemory
        from pep3118 import Exporter, View
        from pep3118 import struct

        data, data12 = bytes(range(8)), bytes(range(12))
        numbers = array.array("d", range(4))
        integers = (ctypes.c_int * 4)()
        table = np.ones(4, [("a", "<i4"), ("b", "<f8")])
        view, other = View(numbers), View(array.array("d", range(4)))
        wide = View(np.full(4, 2**62))
        grid = View(np.ones((4, 4)))
        records = View(table)
        texts = View(np.full(4, "abcd", [("text", "U4"), ("bytes", "S4")]))
        numbers_in_pairs = View(np.ones(4, "c16"))
        writable = View(table.copy())
        wider = View(table.astype("<i8,<f8"))
        exporter = Exporter(data, format="B", shape=(2, 4))

        def failing(call, *arguments):
            try:
                call(*arguments)
            except (BufferError, ValueError, TypeError, IndexError, KeyError, struct.error):
                pass

        def run():
            return {STEPS[case]}

        for _ in range(3):
            run()
        gc.disable()
        failed = 0
        for first in range(1, 400):
            done = False
            set_nomemory(first, first + 1)
            try:
                run()
                done = True
            except MemoryError:
                pass
            finally:
                remove_mem_hooks()
            failed += not done
        assert done, "400 allocations are not enough"
        run()
        """,
        backtrace=backtrace,
        timeout=20,
    )


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
