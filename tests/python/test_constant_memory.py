"""Tests that calls that fail, and objects that are created and destroyed, do not leak memory."""

import sys

import pytest
from programs import assert_constant_memory

CALLS = 20_000
OBJECTS = 200_000

# Calls that raise an exception.
FAILING_STRUCT_CALLS = {
    "pack, out of range": "pack('<i', 2**70)",
    "pack, of another type": "pack('<i', 'text')",
    "pack, too few values": "pack('<ii', 1)",
    "pack, an invalid format": "pack('<i~', 1)",
    "pack, no arguments": "pack()",
    "pack, __index__ that raises": "pack('<i', Raises())",
    "pack_into, out of range": "pack_into('<i', memory, 0, 2**70)",
    "pack_into, too small": "pack_into('<i', memory, 2, 1)",
    "pack_into, read-only": "pack_into('<i', b'abcd', 0, 1)",
    "pack_into, no buffer": "pack_into('<i', 7, 0, 1)",
    "unpack, of another size": "unpack('<i', b'abc')",
    "unpack, no buffer": "unpack('<i', 7)",
    "unpack, an invalid format": "unpack('<i~', b'abcd')",
    "unpack, invalid text": "unpack('<w', b'\\0\\0\\x11\\0')",
    "unpack_from, too small": "unpack_from('<i', memory, 2)",
    "unpack_from, no buffer": "unpack_from('<i', 7)",
    "iter_unpack, of another size": "iter_unpack('<i', b'abc')",
    "iter_unpack, no buffer": "iter_unpack('<i', 7)",
    "calcsize, an invalid format": "calcsize('<i~')",
    "Struct, an invalid format": "Struct('<i~')",
    "Struct.pack, out of range": "compiled.pack(2**70)",
    "Struct.pack, of another type": "compiled.pack('text')",
    "Struct.pack, too few values": "compiled.pack()",
    "Struct.pack_into, out of range": "compiled.pack_into(memory, 0, 2**70)",
    "Struct.pack_into, too small": "compiled.pack_into(memory, 2, 1)",
    "Struct.unpack, of another size": "compiled.unpack(b'abc')",
    "Struct.unpack_from, too small": "compiled.unpack_from(memory, 2)",
    "Struct.iter_unpack, of another size": "compiled.iter_unpack(b'abc')",
}

STRUCT = """
from pep3118.struct import Struct, calcsize, iter_unpack, pack, pack_into, unpack, unpack_from

memory = bytearray(4)
compiled = Struct("<i")

class Raises:
    def __index__(self):
        raise ValueError
"""


def failing(call):
    """Returns the source of a statement that runs `call`. The call must raise an exception."""
    return f"""
    try:
        {call}
    except Exception:
        pass
    else:
        raise AssertionError("no exception")
    """


@pytest.mark.parametrize("case", FAILING_STRUCT_CALLS)
def test_failing_struct_calls_do_not_leak_memory(case):
    assert_constant_memory(STRUCT, failing(FAILING_STRUCT_CALLS[case]), rounds=CALLS)


FAILING_VIEW_CALLS = {
    "item, out of range": "view[99]",
    "item, of another type": "view[1.5]",
    "field that does not exist": "records['x']",
    "assignment, out of range": "view[0] = 300",
    "assignment, of another type": "view[0] = 'text'",
    "assignment of a list": "view[:] = [1, 2, 3, 'text'] * 4",
    "assignment of a record": "records[0] = (1, 'text')",
    "assignment of an array": "view[:] = array.array('d', [1])",
    "an invalid format": "view.cast('T{i')",
    "no buffer": "View(7)",
    "a release while it is exported": "exported.release()",
    "an Exporter out of bounds": "Exporter(memory, format='d', shape=(99,))",
    "hash of writable memory": "hash(view)",
    "a value whose __index__ raises": "view[0] = Raises()",
}

VIEW = """
import array
from pep3118 import Exporter, View

memory = bytearray(16)
view = View(memory)
records = view.cast("T{<i:a:<i:b:}")
exported = View(memory)
consumer = memoryview(exported)

class Raises:
    def __index__(self):
        raise ValueError
"""


@pytest.mark.parametrize("case", FAILING_VIEW_CALLS)
def test_failing_view_calls_do_not_leak_memory(case):
    assert_constant_memory(VIEW, failing(FAILING_VIEW_CALLS[case]), rounds=CALLS)


ROUNDS = {
    "array": "View(numbers)",
    "bytes": "View(b'abcd')",
    "bytearray": "View(memory)",
    "memoryview": "View(memoryview(memory))",
    "NumPy array": "View(line)",
    "NumPy records": "View(table)",
    "ctypes array": "View(integers)",
    "ctypes structures": "View(structures)",
    "view of a view": "View(View(memory))",
    "field view": "records['b']",
    "nested field view": "nested['a']['b']",
    "item of a field view": "records['b'][1]",
    "record": "records[1]",
    "record of a field view": "nested['a'][1]",
    "item": "doubles[1]",
    "assignment of an item": "doubles[1] = 1.5",
    "assignment of a record": "records[1] = (1, 1.5)",
    "slice": "doubles[1:]",
    "row": "grid[1]",
    "assignment of a slice": "doubles[1:] = doubles[:-1]",
    "assignment of a list": "doubles[:] = [1.5] * 4",
    "fill": "doubles[:] = 0.0",
    "iteration": "list(doubles)",
    "iteration of records": "list(records)",
    "iterator that is not finished": "next(iter(doubles))",
    "tolist": "doubles.tolist()",
    "tolist of records": "records.tolist()",
    "tobytes": "doubles.tobytes()",
    "==": "doubles == other",
    "hash": "hash(View(b'abcd'))",
    "memoryview of a view": "memoryview(doubles)",
    "cast": "doubles.cast('B')",
    "toreadonly": "doubles.toreadonly()",
    "transpose": "grid.transpose()",
    "columns": "records.columns()",
    "Exporter": "Exporter(memory)",
    "view of an Exporter": "View(Exporter(memory))",
    "Struct": "Struct('<IhBd8s')",
    "iter_unpack": "iter_unpack('<i', memory)",
    "iter_unpack to its end": "list(iter_unpack('<i', memory))",
    "pack and unpack": "unpack('<Id', pack('<Id', 1, 1.5))",
    "cycle": "memory_in_cycle()",
}

OBJECTS_SETUP = """
import array, ctypes
import numpy as np
from pep3118 import Exporter, View
from pep3118.struct import Struct, iter_unpack, pack, unpack

class Structure(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]

class Owner(bytearray):
    pass

def memory_in_cycle():
    owner = Owner(8)
    view = View(owner)
    owner.views = view, view[1:]

memory = bytearray(32)
numbers = array.array("i", range(4))
line = np.arange(4.0)
table = np.zeros(4, "i4,f8")
integers = (ctypes.c_int * 4)()
structures = (Structure * 4)()
doubles, other = View(array.array("d", range(4))), View(array.array("d", range(4)))
grid = View(np.zeros((4, 4)))
records = View(bytearray(48)).cast("T{<i:a:<d:b:}")
nested = View(np.zeros(4, [("a", [("b", "<f8"), ("c", "<i4")]), ("n", "<i4")]))
"""


@pytest.mark.parametrize("kind", ROUNDS)
def test_destroyed_objects_do_not_leak_memory(kind):
    # Each of these statements takes some microseconds, so the test repeats them less often.
    slow = {"record of a field view", "columns", "cycle", "iteration of records", "tolist of records", "cast"}
    assert_constant_memory(OBJECTS_SETUP, ROUNDS[kind], rounds=OBJECTS // 10 if kind in slow else OBJECTS)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")
def test_exporters_that_raise_do_not_leak_memory():
    setup = """
    from pep3118 import View

    class Refuses:
        def __buffer__(self, flags):
            raise BufferError
    """
    statement = """
    try:
        View(Refuses())
    except BufferError:
        pass
    """
    assert_constant_memory(setup, statement, rounds=CALLS)
