"""Tests of assigned values that release the view during the conversion of the value. The assignment raises `ValueError`
and writes nothing, as in memoryview. A slice of the released view stays valid."""

import contextlib
import sys

import numpy as np
import pytest

from pep3118 import View

RECORD = "T{<i:a:<d:b:}"


class Releases:
    """A number that releases a view when it is converted."""

    def __init__(self, view, number):
        self.view, self.number = view, number

    def convert(self):
        self.view.release()
        return self.number

    __index__ = __float__ = __complex__ = convert

    def __bool__(self):
        return bool(self.convert())


def assert_nothing_is_written(view, memory, key, value):
    """Asserts that the assignment raises ValueError, changes no byte, and releases the view."""
    before = bytes(memory)
    with pytest.raises(ValueError, match="released"):
        view[key] = value
    assert bytes(memory) == before
    with pytest.raises(ValueError, match="released"):
        view.shape  # noqa: B018


CASES = {
    # format, shape, key, value
    "__index__": ("B", None, 0, lambda number: number(1)),
    "__index__ of int64": ("<q", None, 0, lambda number: number(1)),
    "__index__, big-endian": (">i", None, -1, lambda number: number(1)),
    "__float__": ("d", None, 0, lambda number: number(1.5)),
    "__float__ of half": ("<e", None, 0, lambda number: number(1.5)),
    "__float__ of long double": ("g", None, 0, lambda number: number(1.5)),
    "__complex__": ("Zd", None, 0, lambda number: number(1j)),
    "__bool__": ("?", None, 0, lambda number: number(True)),
    "first item of a list": ("B", None, slice(0, 3), lambda number: [number(1), 2, 3]),
    "last item of a list": ("B", None, slice(0, 3), lambda number: [1, 2, number(3)]),
    "last item of a list of doubles": ("d", None, slice(0, 2), lambda number: [1.0, number(2.0)]),
    "item of a tuple": ("B", None, slice(None, None, 8), lambda number: (1, 2, number(3), 4)),
    "list for strided items": ("B", None, slice(None, None, -8), lambda number: [1, 2, 3, number(4)]),
    "one value for all items": ("B", None, slice(None), lambda number: number(1)),
    "one value for an ellipsis": ("d", None, ..., lambda number: number(1.0)),
    "item of two dimensions": ("B", (4, 8), (1, 2), lambda number: number(1)),
    "row of two dimensions": ("B", (8, 4), 1, lambda number: [1, 2, 3, number(4)]),
    "nested lists": ("B", (16, 2), slice(0, 2), lambda number: [[1, 2], [3, number(4)]]),
    "array in an item": ("(2)<i", None, 0, lambda number: [1, number(2)]),
    "first field of a record": (RECORD, None, 0, lambda number: (number(1), 2.5)),
    "last field of a record": (RECORD, None, 0, lambda number: (1, number(2.5))),
    "one record for all items": (RECORD, None, slice(None), lambda number: (1, number(2.5))),
    "records in a list": (RECORD, None, slice(None), lambda number: [(1, 2.5), (1, number(2.5))]),
}


def memory_for(format):
    """Returns 24 bytes for records of 12 bytes, and 32 bytes for other formats."""
    return bytearray(range(24 if format == RECORD else 32))


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_written_after_release(case):
    format, shape, key, value = CASES[case]
    memory = memory_for(format)
    view = View(memory).cast(format, shape)
    assert_nothing_is_written(view, memory, key, value(lambda number: Releases(view, number)))
    memory.append(0)


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_written_to_freed_memory(case):
    """If the value releases the last view of the memory, the value also frees the memory."""
    format, shape, key, value = CASES[case]
    memory = memory_for(format)
    view = View(memory).cast(format, shape)
    before = bytes(memory)

    class Frees(Releases):
        def convert(self):
            number = super().convert()
            # The assignment may still hold the buffer.
            with contextlib.suppress(BufferError):
                memory.clear()
            return number

        __index__ = __float__ = __complex__ = convert

    with pytest.raises(ValueError, match="released"):
        view[key] = value(lambda number: Frees(view, number))
    assert bytes(memory) in (before, b"")


def test_nothing_is_written_to_a_field_after_release():
    array = np.zeros(4, "i4,f8")
    for name, number in [("f0", 7), ("f1", 7.5)]:
        for key in (1, slice(None)):
            field = View(array)[name]
            assert_nothing_is_written(field, array, key, Releases(field, number))


def test_a_slice_is_valid_after_the_release_of_its_view():
    memory = bytearray(8)
    view = View(memory)
    part = view[2:]
    part[0] = Releases(view, 7)
    assert memory[2] == 7 and part[0] == 7


def test_memoryview_writes_nothing_after_release():
    memory = bytearray(8)
    view = memoryview(memory)
    with pytest.raises(ValueError, match="released"):
        view[0] = Releases(view, 1)
    assert memory == bytes(8)


class ReleasesInBuffer:
    """An exporter that releases a view when a consumer requests a buffer."""

    def __init__(self, view, memory):
        self.view, self.memory = view, memory

    def __buffer__(self, flags):
        self.view.release()
        return memoryview(self.memory)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")
@pytest.mark.parametrize("key", [slice(None), slice(0, 8), slice(None, None, -1), ...], ids=str)
def test_nothing_is_written_from_an_exporter_that_releases_the_view(key):
    memory = bytearray(8)
    view = View(memory)
    assert_nothing_is_written(view, memory, key, ReleasesInBuffer(view, b"abcdefgh"))
    memory.append(0)
