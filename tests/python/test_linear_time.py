"""Tests that the time and the memory of each operation are linear in the number of fields of a format and in the number
of items of a buffer. Each operation runs with a size and with eight times this size. Linear operations take 8 times as
long and quadratic operations 64 times. The limit is 32 times."""

import operator
import pickle
import sys
import time
import tracemalloc
from contextlib import suppress
from functools import partial

import pytest

import pep3118
import pep3118.struct
from pep3118 import Exporter, Format, View

REFUSED = (ValueError, TypeError, BufferError, NotImplementedError)

FACTOR, LIMIT = 8, 32
FIELDS, ITEMS = 250, 4_000

# The names of the attributes of record classes. CPython keeps the names of all attributes in one table. If this table
# doubled during an operation, the test would count its 3.8 MB as memory of the operation.
NAMES = [sys.intern(f"{letter}{index}") for letter in "fr" for index in range(FACTOR * FIELDS)]

# Formats of `n` fields.
SHAPES = {
    "distinct names": lambda n: "T{" + "".join(f"<i:f{index}:" for index in range(n)) + "}",
    "equal names": lambda n: "T{" + "<i:a:" * n + "}",
    "no names": lambda n: "T{" + "<i" * n + "}",
    "names like f0": lambda n: "T{" + "<iB:f0:" * (n // 2) + "}",
    "numbered names": lambda n: "T{" + "B:a:B:a_2:" * (n // 2) + "}",
    "records": lambda n: "T{" + "".join(f"T{{<h:x:}}:r{index}:" for index in range(n // 2)) + "}",
    "deep records": lambda n: "T{" * 60 + "b" * n + "}" * 60,
    "arrays": lambda n: "T{" + "(2)<h" * n + "}",
    "texts": lambda n: "T{" + "3s2w" * (n // 2) + "}",
    "one long name": lambda n: "T{<i:" + "n" * (5 * n) + ":}",
    "two byte orders": lambda n: "T{" + ">h<h" * (n // 2) + "}",
}


def record(text):
    """Returns a view of 4 items of the format `text`."""
    size = Format(text, dialect="pep3118").itemsize
    return View(Exporter(bytearray(4 * size), format=text, itemsize=size, shape=(4,)), dialect="pep3118")


FORMAT_OPERATIONS = {
    "Format": lambda text: lambda: Format(text, dialect="pep3118"),
    "calcsize": lambda text: lambda: pep3118.calcsize(text),
    "diff": lambda text: lambda: pep3118.diff(text, text),
    "View": lambda text: lambda: record(text),
}

# The functions take a format, and return the operation that is measured.
LAYOUT_OPERATIONS = {
    "fields": lambda format: lambda: [field.name for field in format.fields],
    "repr, hash, equality": lambda format: lambda: (repr(format), hash(format), format == format),
    "to_c": lambda format: format.to_c,
    "to_rust": lambda format: format.to_rust,
    "to_ctypes": lambda format: format.to_ctypes,
    "to_dtype": lambda format: format.to_dtype,
    "svg": lambda format: format.svg,
    "explain": lambda format: format.explain,
    "emit": lambda format: lambda: format.emit("canonical"),
    "pickle": lambda format: lambda: pickle.loads(pickle.dumps(format)),
    "dict of the layout": lambda format: lambda: Format._restore(format._tree(), "pep3118", "host"),
}

RECORD_OPERATIONS = {
    "item": lambda view: lambda: view[0],
    "tolist": lambda view: view.tolist,
    "assign an item": lambda view: lambda value=view[0]: view.__setitem__(0, value),
    "columns": lambda view: view.columns,
    "field": lambda view: lambda: view[view.fields[-1]],
    "values of an item": lambda view: lambda item=view[0]: tuple(item),
    "index": lambda view: lambda: view.index(view[3]),
    "explain": lambda view: view.explain,
    "repr": lambda view: lambda: (repr(view), repr(view[0])),
    "slice": lambda view: lambda: view[1:3],
    "cast": lambda view: lambda: view.cast("B"),
    "__arrow_c_schema__": lambda view: view.__arrow_c_schema__,
    "to_numpy": lambda view: view.to_numpy,
    "pickle of an item": lambda view: lambda: pickle.loads(pickle.dumps(view[0])),
}


def numbers(count):
    return View(memoryview(bytearray(8 * count)).cast("q"))


def records(count):
    return View(Exporter(bytearray(13 * count), format="T{<i:a:<d:b:?:c:}", shape=(count,)))


def with_byte_order(order, count):
    return View(Exporter(bytearray(8 * count), format=f"{order}q", shape=(count,)))


EVERY = slice(None)

# The functions take a number of items, and return the operation.
ITEM_OPERATIONS = {
    "tolist of numbers": lambda count: numbers(count).tolist,
    "tolist of records": lambda count: records(count).tolist,
    "iteration": lambda count: partial(list, records(count)),
    "reversed": lambda count: partial(lambda view: list(reversed(view)), records(count)),
    "columns": lambda count: records(count).columns,
    "tobytes of a part": lambda count: numbers(count)[::-2].tobytes,
    "hex": lambda count: numbers(count).hex,
    "assign a list": lambda count: partial(numbers(count).__setitem__, EVERY, [1] * count),
    "assign a view": lambda count: partial(numbers(count).__setitem__, EVERY, numbers(count)),
    "assign records": lambda count: partial(records(count).__setitem__, EVERY, [(1, 2.0, True)] * count),
    "assign overlapping items": lambda count: partial(assign_overlapping, numbers(count)),
    "equality": lambda count: partial(operator.eq, records(count), records(count)),
    "equality with another byte order": lambda count: partial(operator.eq, numbers(count), with_byte_order(">", count)),
    "index": lambda count: partial(numbers(count).count, 0),
    "in": lambda count: partial(operator.contains, numbers(count), 7),
    "field": lambda count: partial(lambda view: view["b"].tolist(), records(count)),
    "two fields": lambda count: partial(lambda view: view["a", "c"].tolist(), records(count)),
    "a list of indices": lambda count: partial(operator.getitem, numbers(count), list(range(count))),
    "a mask": lambda count: partial(operator.getitem, numbers(count), [True, False] * (count // 2)),
    "cast": lambda count: partial(lambda view: view.cast("B").cast("d"), numbers(count)),
    "transpose": lambda count: partial(
        lambda view: view.transpose().tolist(), numbers(count).cast("q", (2, count // 2))
    ),
    "Arrow": lambda count: records(count).__arrow_c_array__,
    "DLPack": lambda count: numbers(count).__dlpack__,
    "Exporter": lambda count: partial(with_byte_order, "<", count),
    "iter_unpack": lambda count: partial(lambda data: list(pep3118.struct.iter_unpack("<ii", data)), bytes(8 * count)),
    "pack": lambda count: partial(pep3118.struct.pack, f"{count}q", *[1] * count),
    "audit": lambda count: partial(pep3118.audit, numbers(count)),
}


def assign_overlapping(view):
    view[1:] = view[:-1]


def shortest(work):
    """Returns the shortest processor time of seven calls of `work`, in seconds."""
    times = []
    for _ in range(7):
        start = time.thread_time()
        # Formats without an operation are refused in linear time.
        with suppress(*REFUSED):
            work()
        times.append(time.thread_time() - start)
        if sum(times) > 0.1:
            break
    return min(times)


def peak(work):
    """Returns the largest number of bytes that CPython's allocator holds for `work`."""
    tracemalloc.start()
    with suppress(*REFUSED):
        work()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def assert_linear(name, prepare, small, large):
    """Asserts that the operation that `prepare` returns needs linear time and memory. Times vary on a busy machine, so
    only a third measurement above the limit fails."""
    for _ in range(3):
        # Measurements below 50 microseconds are too inaccurate.
        short, long = max(shortest(prepare(small)), 50e-6), shortest(prepare(large))
        if long <= LIMIT * short:
            break
    else:
        pytest.fail(f"{name}: {short * 1e6:.0f} us, and {long * 1e6:.0f} us for {FACTOR} times the size")
    few, many = peak(prepare(small)), peak(prepare(large))
    assert many <= 16 * max(few, 20_000), f"{name}: {few} bytes, and {many} bytes for {FACTOR} times the size"


def test_a_usual_format_supports_every_operation():
    """The tests below accept exceptions, because some formats do not support every operation."""
    text = SHAPES["distinct names"](8)
    cases = [(FORMAT_OPERATIONS, text), (LAYOUT_OPERATIONS, Format(text)), (RECORD_OPERATIONS, record(text))]
    for operations, argument in cases:
        for prepare in operations.values():
            prepare(argument)()
    for prepare in ITEM_OPERATIONS.values():
        prepare(8)()


@pytest.mark.parametrize("shape", SHAPES)
def test_operations_on_formats_are_linear(shape):
    small, large = SHAPES[shape](FIELDS), SHAPES[shape](FACTOR * FIELDS)
    for name, prepare in FORMAT_OPERATIONS.items():
        assert_linear(f"{name}, {shape}", prepare, small, large)
    small, large = (Format(text, dialect="pep3118") for text in (small, large))
    for name, prepare in LAYOUT_OPERATIONS.items():
        assert_linear(f"{name}, {shape}", prepare, small, large)


@pytest.mark.parametrize("shape", SHAPES)
def test_operations_on_records_are_linear_in_the_number_of_fields(shape):
    small, large = record(SHAPES[shape](FIELDS)), record(SHAPES[shape](FACTOR * FIELDS))
    for name, prepare in RECORD_OPERATIONS.items():
        assert_linear(f"{name}, {shape}", prepare, small, large)


@pytest.mark.parametrize("name", ITEM_OPERATIONS)
def test_operations_on_items_are_linear_in_the_number_of_items(name):
    if name == "DLPack" and sys.byteorder == "big":
        pytest.skip("DLPack has only native byte orders")
    assert_linear(name, ITEM_OPERATIONS[name], ITEMS, FACTOR * ITEMS)
