"""Eight threads call random operations on the same objects: open, index, assign, release, audit, resize, and the
garbage collection.

`PEP3118_THREADS_SECONDS=3600 pytest tests/python/test_threads_random.py` runs for an hour. Without the variable, the
test runs for three seconds.
"""

import ctypes
import gc
import os
import pickle
import random
import sys
import time
from collections import Counter

import pytest
from test_threads import together

import pep3118
from pep3118 import Exporter, Format, View

THREADS = 8
SECONDS = float(os.environ.get("PEP3118_THREADS_SECONDS", "3"))
ITEMS = 64
FORMAT = "T{<q:id:<d:x:3s:name:5x}"


class Shared:
    """The objects that all threads use. A thread can replace an object at any time."""

    def __init__(self):
        self.memory = bytearray(24 * ITEMS)
        self.exporter = Exporter(self.memory, format=FORMAT, shape=(ITEMS,), itemsize=24)
        self.array = (ctypes.c_int * ITEMS)(*range(ITEMS))
        self.open()

    def open(self):
        self.view, self.numbers = View(self.exporter), View(self.array)


def read(shared, choose):
    index = choose.randrange(-ITEMS, ITEMS)
    number, x, name = shared.view[index]
    # Each assignment writes equal numbers to `id` and `x`, but one item is not written at once.
    assert 0 <= number < ITEMS and 0 <= x < ITEMS and len(name) == 3
    assert shared.numbers[index] == index % ITEMS


def read_all(shared, choose):
    assert len(shared.view.tolist()) == ITEMS
    assert len(shared.view[:: choose.choice([1, 2, -3])].tobytes()) % 24 == 0
    assert shared.numbers.tolist() == list(range(ITEMS))


def assign(shared, choose):
    number = choose.randrange(ITEMS)
    shared.view[choose.randrange(ITEMS)] = (number, number, b"abc")
    shared.view["x"][choose.randrange(ITEMS)] = number
    shared.view["id"][::2] = shared.view["id"][1::2]


def columns(shared, _choose):
    found = shared.view.columns("id", "x")
    assert len(found["id"]) == len(found["x"]) == ITEMS
    assert len(shared.view["id", "name"].tolist()) == ITEMS


def release(shared, _choose):
    view = shared.view
    shared.open()
    view.release()


def audit(shared, _choose):
    assert pep3118.check(shared.exporter) is not None
    pep3118.audit(shared.array)


def resize(shared, choose):
    """Resizes memory that has views. A `bytearray` refuses it. ctypes does not, so only an array without views is
    resized."""
    with pytest.raises(BufferError):
        shared.memory.append(0)
    private = (ctypes.c_char * 8)()
    for size in (64, 4096, choose.randrange(8, 1 << 16)):
        ctypes.resize(private, size)
        # ctypes then reports the new length and the old shape.
        if size > 8:
            with pytest.raises(BufferError, match="A04"):
                View(private)


def export(shared, _choose):
    with memoryview(shared.view) as exported, View(exported) as again:
        assert again.tolist() is not None
    shared.view.__arrow_c_schema__()
    assert shared.numbers.__array_interface__["shape"] == (ITEMS,)


def describe(shared, _choose):
    format = Format(FORMAT)
    assert pickle.loads(pickle.dumps(format)) == format
    assert "id" in shared.view.explain() and repr(shared.view)


def collect(shared, _choose):
    # A cycle of a view and an object that exports it.
    cycle = [shared.view[:3], View(bytes(3))]
    cycle.append(cycle)
    del cycle
    gc.collect(0)


OPERATIONS = [read, read, read, read_all, assign, assign, columns, release, audit, resize, export, describe, collect]


def test_eight_threads_share_objects():
    shared = Shared()
    end = time.monotonic() + SECONDS
    seeds = iter(range(THREADS))

    def work():
        choose = random.Random(f"threads {next(seeds)}")
        calls = Counter()
        while time.monotonic() < end:
            operation = choose.choice(OPERATIONS)
            try:
                operation(shared, choose)
            except (ValueError, BufferError) as error:
                # Another thread has released the view, or holds an export of the view.
                assert "released" in str(error) or "export" in str(error), error
            calls[operation.__name__] += 1
        return calls

    calls = sum(together(*[work] * THREADS), Counter())
    print(
        f"{calls.total()} calls in {SECONDS} seconds by {THREADS} threads on CPython {sys.version.split()[0]}: {calls}"
    )
    assert len(calls) == len({operation.__name__ for operation in OPERATIONS})
    # All buffers are released once, so the memory can be resized.
    shared.view = shared.numbers = None
    gc.collect()
    assert shared.exporter.exports == 0
    del shared.exporter
    shared.memory.append(0)
