"""Tests of pointers. Pointers of format `O` whose exporter declares no type are opaque, and other pointers are
addresses.

Only the type of an exporter (a NumPy dtype or ctypes.py_object) guarantees that an item refers to an object.
"""

import ctypes
import sys

import numpy as np
import pytest
from programs import assert_runs

from pep3118 import Exporter, View

POINTER = ctypes.sizeof(ctypes.c_void_p)
REFUSED = (TypeError, ValueError, BufferError)


class Thing:
    """An object that can have weak references."""


OPAQUE = {
    "cast": lambda memory: View(memory).cast("O"),
    "cast, with a byte order": lambda memory: View(memory).cast("<O" if sys.byteorder == "little" else ">O"),
    "field of a cast": lambda memory: View(memory).cast("T{O:a:O:b:}")["a"],
    "array in an item": lambda memory: View(memory).cast("(2)O"),
    "format that is given": lambda memory: View((ctypes.c_void_p * 2).from_buffer(memory), format="O"),
    "Exporter": lambda memory: View(Exporter(memory, format="O")),
    "view of a view": lambda memory: View(View(memory).cast("O")),
    "memoryview of an Exporter": lambda memory: View(memoryview(Exporter(memory, format="O"))),
}


def opaque(case):
    """Returns (object, bytes with the address of the object, view). The view reads the bytes with format `O`, and is
    None if the view is refused."""
    thing = Thing()
    memory = bytearray(id(thing).to_bytes(POINTER, sys.byteorder) * 2)
    try:
        view = OPAQUE[case](memory)
    except REFUSED:
        view = None
    return thing, memory, view


def scalars(value):
    """Yields the values in nested lists and tuples."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from scalars(item)
    else:
        yield value


@pytest.mark.parametrize("case", OPAQUE)
def test_object_pointers_without_a_type_are_not_read_as_numbers_or_objects(case):
    thing, _memory, view = opaque(case)
    if view is None:
        return
    columns = lambda: [column.tolist() for column in view.columns().values()]  # noqa: E731
    for read in (lambda: view[0], view.tolist, lambda: list(view), columns):
        try:
            values = list(scalars(read()))
        except REFUSED:
            continue
        for value in values:
            assert not isinstance(value, (int, float)) and value is not thing, value


@pytest.mark.parametrize("case", OPAQUE)
def test_object_pointers_without_a_type_are_not_written(case):
    thing, memory, view = opaque(case)
    if view is None:
        return
    before = bytes(memory)
    other = Thing()
    for value in [4096, other, None, bytes(POINTER), [4096, 4096], [other, other], np.array([other, other], object)]:
        for key in (0, slice(None)):
            with pytest.raises(REFUSED):
                view[key] = value
    assert bytes(memory) == before and thing is not None


@pytest.mark.parametrize("case", OPAQUE)
def test_object_pointers_without_a_type_are_not_exported_as_objects(case):
    _thing, _memory, view = opaque(case)
    if view is None:
        return
    try:
        with memoryview(view) as exported:
            assert "O" not in exported.format
        # The test reads only the dtype. If it read an item, NumPy would follow a pointer.
        assert not np.asarray(view).dtype.hasobject
    except REFUSED:
        pass


def test_numpy_does_not_follow_a_pointer_of_a_cast():
    assert_runs(
        """
        import numpy as np
        from pep3118 import View

        try:
            np.asarray(View(b"\\x01" * 8).cast("O"))[0]
        except (TypeError, ValueError, BufferError):
            pass
        """
    )


OTHER_FORMATS = {
    "cast to integers": "View(array).cast('Q')",
    "cast to bytes": "View(array).cast('B')",
    "cast to records": "View(array).cast('T{Q:a:}')['a']",
    "format that is given": "View(array, format='Q')",
    "view of a view with a format": "View(View(array), format='Q')",
    "view of a memoryview with a format": "View(memoryview(array), format='Q')",
}


@pytest.mark.parametrize(
    "exporter", ["np.array([Thing()], object)", "(ctypes.py_object * 1)(Thing())"], ids=["NumPy", "ctypes"]
)
@pytest.mark.parametrize("case", OTHER_FORMATS)
def test_memory_of_objects_is_not_written_under_another_format(case, exporter):
    assert_runs(
        f"""
        import ctypes
        import numpy as np
        from pep3118 import View

        class Thing:
            pass

        array = {exporter}
        before = memoryview(array).tobytes()
        for value in (1, 4096):
            try:
                {OTHER_FORMATS[case]}[0] = value
            except (TypeError, ValueError, BufferError):
                pass
            else:
                # Without the old bytes the interpreter would crash when the array is freed.
                address = array.ctypes.data if isinstance(array, np.ndarray) else ctypes.addressof(array)
                ctypes.memmove(address, before, len(before))
                raise AssertionError("a number was written over an object pointer")
        assert isinstance(array[0], Thing)
        """
    )


# Tests of other pointers, which are addresses.


def test_addresses_are_read():
    integer = ctypes.c_int(7)
    text = ctypes.create_string_buffer(b"text")
    address = ctypes.addressof(integer)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)
    as_address = lambda obj: ctypes.cast(obj, ctypes.c_void_p).value  # noqa: E731
    for memory, expected in [
        ((ctypes.c_void_p * 2)(address, None), address),
        ((ctypes.POINTER(ctypes.c_int) * 2)(ctypes.pointer(integer)), address),
        ((ctypes.c_char_p * 2)(ctypes.addressof(text)), ctypes.addressof(text)),
        ((ctypes.c_wchar_p * 2)(address), address),
        ((type(function) * 2)(function), as_address(function)),
    ]:
        view = View(memory)
        assert view[0] == expected and view.tolist() == [expected, 0], view.format
    packed = address.to_bytes(POINTER, sys.byteorder) * 2
    for format in ("P", "&i", "&&d", "z", "Z", "X{}"):
        assert View(packed).cast(format).tolist() == [address, address], format


@pytest.mark.parametrize(
    "kind",
    [ctypes.c_char_p, ctypes.c_wchar_p, ctypes.POINTER(ctypes.c_int), ctypes.CFUNCTYPE(None)],
    ids=["z", "Z", "&i", "X{}"],
)
def test_an_address_that_the_exporter_follows_is_not_written(kind):
    memory = (kind * 2)()
    view = View(memory)
    for key, value in [(0, 4096), (slice(None), [4096, 4096]), (slice(None), 4096)]:
        with pytest.raises(REFUSED):
            view[key] = value
    assert bytes(memory) == bytes(2 * POINTER)


def test_an_address_without_a_type_is_written():
    memory = (ctypes.c_void_p * 2)()
    View(memory)[0] = 4096
    assert memory[0] == 4096
    packed = bytearray(2 * POINTER)
    View(packed).cast("P")[1] = 4096
    assert View(packed).cast("P").tolist() == [0, 4096]
