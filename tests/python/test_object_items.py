"""Tests of items that are Python objects, as a NumPy dtype or ctypes.py_object declares them."""

import ctypes
import gc
import sys
import weakref

import numpy as np
import pytest
from programs import assert_runs

from pep3118 import View

REFUSED = (TypeError, ValueError, BufferError)


class Thing:
    """An object that can have weak references."""


class Structure(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("thing", ctypes.py_object)]


RECORD = [("number", "<i4"), ("thing", "O")]
NESTED = [("inner", [("thing", "O"), ("x", "<f8")]), ("pair", "O", (2,))]


def objects():
    """Returns objects of several types that the interpreter does not share."""
    return [Thing(), [1, 2], {"key": "value"}, "text of its own " * 2, 2**100, 1.5 + 2**-30]


# Reading arrays of NumPy.


def test_numpy_objects_are_read():
    things = objects()
    array = np.empty(len(things), object)
    array[:] = things
    view = View(array)
    assert [view[index] is thing for index, thing in enumerate(things)] == [True] * len(things)
    assert all(ours is thing for ours, thing in zip(view.tolist(), things, strict=True))
    assert all(ours is thing for ours, thing in zip(view, things, strict=True))
    assert all(ours is thing for ours, thing in zip(view[::-1].tolist(), reversed(things), strict=True))
    assert View(array.reshape(2, 3))[1, 0] is things[3] and View(array.reshape(2, 3)).tolist()[1][2] is things[5]
    assert View(np.array(things[0], object))[()] is things[0]


def test_numpy_object_fields_are_read():
    thing = Thing()
    array = np.array([(1, thing), (2, None)], RECORD)
    view = View(array)
    assert view[0].thing is thing and view[0] == (1, thing) and view[1] == (2, None)
    assert view["thing"][0] is thing and view["thing"].tolist() == [thing, None]
    assert view["number"].tolist() == [1, 2]
    assert [record.thing for record in view] == view["thing"].tolist()


def test_numpy_objects_in_nested_records_are_read():
    things = objects()
    array = np.zeros(2, NESTED)
    array["inner"]["thing"] = things[:2]
    array["pair"] = [things[2:4], things[4:]]
    view = View(array)
    assert view[0].inner.thing is things[0] and view["inner"]["thing"][1] is things[1]
    assert view[0].pair[0] is things[2] and view[1].pair[1] is things[5]
    assert view["pair"].shape == (2, 2) and view["pair"][1, 0] is things[4]


@pytest.mark.parametrize("dtype", [RECORD, np.dtype(RECORD, align=True)], ids=["packed", "aligned"])
def test_numpy_objects_are_read_at_any_alignment(dtype):
    things = objects()
    array = np.zeros(len(things), dtype)
    array["thing"] = things
    assert all(ours is thing for ours, thing in zip(View(array)["thing"].tolist(), things, strict=True))


def test_reading_an_object_takes_one_reference():
    thing = Thing()
    array = np.array([(1, thing)] * 4, RECORD)
    view = View(array)
    before = sys.getrefcount(thing)
    read = view["thing"][0]
    assert sys.getrefcount(thing) == before + 1
    read = view[0]
    assert sys.getrefcount(thing) == before + 1
    read = view.tolist()
    assert sys.getrefcount(thing) == before + 4
    read = view["thing"].tolist()
    assert sys.getrefcount(thing) == before + 4
    del read
    assert sys.getrefcount(thing) == before


def test_an_object_that_was_read_outlives_the_array():
    array = np.array([Thing()], object)
    read = View(array)[0]
    alive = weakref.ref(read)
    del array
    gc.collect()
    assert alive() is read
    del read
    gc.collect()
    assert alive() is None


def test_null_is_none():
    # ctypes initializes memory with NULL, and NumPy reads NULL as None.
    view = View((ctypes.py_object * 2)())
    assert view[0] is None and view.tolist() == [None, None] and list(view) == [None, None]
    assert View((Structure * 2)())[1] == (0, None)
    assert View(np.empty(2, object)).tolist() == [None, None]


# Writing arrays of NumPy. If a write replaced a pointer by a number, the interpreter would crash when NumPy frees the
# array.
WRITES = {
    "array": ("np.array([old, old], object)", "view[0] = new", "array[0]"),
    "field": ("np.array([(1, old), (2, old)], [('n', '<i4'), ('f0', 'O')])", "view['f0'][0] = new", "array['f0'][0]"),
    "record": ("np.array([(1, old), (2, old)], [('n', '<i4'), ('f0', 'O')])", "view[0] = (7, new)", "array['f0'][0]"),
    "aligned": (
        "np.array([(1, old), (2, old)], np.dtype([('n', '<i4'), ('f0', 'O')], align=True))",
        "view['f0'][0] = new",
        "array['f0'][0]",
    ),
    "two dimensions": ("np.array([[old], [old]], object)", "view[0, 0] = new", "array[0, 0]"),
    "list": ("np.array([old, old], object)", "view[:1] = [new]", "array[0]"),
    "reversed": ("np.array([old, old], object)", "view[::-1][1] = new", "array[0]"),
}
VALUES = {
    "object": "Thing()",
    "integer": "12345678",
    "large integer": "2**70",
    "None": "None",
    "float": "float('1.5')",
    "list": "[Thing()]",
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("case", WRITES)
def test_numpy_objects_are_written(case, value):
    array, write, read = WRITES[case]
    assert_runs(
        f"""
        import gc, sys, weakref
        import numpy as np
        from pep3118 import View

        class Thing:
            pass

        old = Thing()
        array = {array}
        new = {VALUES[value]}
        view = View(array)
        # A small integer and None are never freed. From 3.12 on their reference count does not change.
        counted = not isinstance(new, int | None)
        olds, news = sys.getrefcount(old), sys.getrefcount(new)
        {write}
        assert {read} is new
        assert sys.getrefcount(old) == olds - 1, "the object that was overwritten is still referred to"
        if counted:
            assert sys.getrefcount(new) == news + 1, "the object that was written has one reference more"
        alive = weakref.ref(old)
        del old, view
        gc.collect()
        del array
        gc.collect()
        assert alive() is None
        if counted:
            assert sys.getrefcount(new) == news
        """
    )


def test_filling_takes_a_reference_for_each_item():
    assert_runs(
        """
        import sys
        import numpy as np
        from pep3118 import View

        class Thing:
            pass

        old, new = Thing(), Thing()
        array = np.array([old] * 10, object)
        olds, news = sys.getrefcount(old), sys.getrefcount(new)
        View(array)[:] = new
        assert array.tolist() == [new] * 10
        assert (sys.getrefcount(old), sys.getrefcount(new)) == (olds - 10, news + 10)
        View(array)[::2] = old
        assert (sys.getrefcount(old), sys.getrefcount(new)) == (olds - 5, news + 5)
        # Assign from another array of objects, and from the same array.
        other = np.array([None] * 10, object)
        View(other)[:] = array
        assert other.tolist() == array.tolist()
        assert (sys.getrefcount(old), sys.getrefcount(new)) == (olds, news + 10)
        view = View(other)
        view[1:] = view[:-1]
        assert other.tolist() == [array[0], *array[:-1]]
        del array, other, view
        assert (sys.getrefcount(old), sys.getrefcount(new)) == (olds - 10, news)
        """
    )


def test_a_write_that_fails_changes_no_count():
    assert_runs(
        """
        import sys
        import numpy as np
        from pep3118 import View

        class Thing:
            pass

        old, new = Thing(), Thing()
        array = np.array([(1, old), (2, old)], [("number", "<i4"), ("thing", "O")])
        view = View(array)
        olds, news = sys.getrefcount(old), sys.getrefcount(new)
        for key, value in [
            (0, lambda: ("text", new)),
            (0, lambda: (1, new, 3)),
            (slice(None), lambda: [(1, new), ("text", new)]),
        ]:
            try:
                view[key] = value()
            except (TypeError, ValueError):
                pass
            else:
                raise AssertionError("no exception")
            assert array["thing"].tolist() == [old, old]
            assert (sys.getrefcount(old), sys.getrefcount(new)) == (olds, news)
        array.flags.writeable = False
        try:
            View(array)["thing"][0] = new
        except TypeError:
            pass
        else:
            raise AssertionError("no exception")
        assert array["thing"].tolist() == [old, old]
        """
    )


def test_the_finalizer_of_an_overwritten_object_may_use_the_view():
    """The finalizer reads, writes and releases the view, and frees the array."""
    assert_runs(
        """
        import numpy as np
        from pep3118 import View

        class Thing:
            def __init__(self, finalize):
                self.finalize = finalize

            def __del__(self):
                self.finalize()

        def attempt(call):
            try:
                call()
            except (ValueError, BufferError):
                pass

        seen = []
        array = np.array([None, None], object)
        view = View(array)
        for finalize in [
            lambda: seen.append(view[0]),
            lambda: view.__setitem__(0, "from the finalizer"),
            lambda: view.__setitem__(slice(None), ["a", "b"]),
            lambda: attempt(view.release),
        ]:
            array[0] = Thing(finalize)
            view[0] = "new"
        assert seen == ["new"], seen

        array = np.array([Thing(lambda: seen.append(1))], object)
        view = View(array)
        del array
        view[0] = None
        view[0] = "last"
        view.release()
        assert seen == ["new", 1]
        """
    )


def test_equality_of_objects_is_that_of_python():
    class Releases:
        def __eq__(self, other):
            view.release()
            return True

        __hash__ = None

    left, right = np.array([[1, 2], None, "x"], object), np.array([[1, 2], None, "x"], object)
    assert left[0] is not right[0]
    assert View(left) == View(right) and View(left) == right
    right[0] = [1]
    assert View(left) != View(right)
    left[0], right[0] = Releases(), Releases()
    view = View(left)
    try:
        assert view == View(right)
    except ValueError as error:
        assert "released" in str(error)


def test_consumers_of_a_view_of_objects_get_the_objects():
    thing = Thing()
    array = np.array([thing, None], object)
    consumer = np.asarray(View(array))
    assert consumer.dtype == object and consumer[0] is thing and np.shares_memory(consumer, array)
    consumer[1] = thing
    assert array[1] is thing
    assert View(View(array))[0] is thing


def test_columns_of_objects_are_objects_or_refused():
    thing = Thing()
    array = np.array([(1, thing)], RECORD)
    assert View(array).columns("number")["number"].tolist() == [1]
    try:
        column = View(array).columns("thing")["thing"]
    except REFUSED:
        return
    assert column[0] is thing
    del array
    gc.collect()
    assert column[0] is thing


# Reading and writing memory of ctypes.


def test_ctypes_objects_are_read():
    things = objects()
    array = (ctypes.py_object * len(things))(*things)
    view = View(array)
    assert all(ours is thing for ours, thing in zip(view.tolist(), things, strict=True))
    assert view[2] is things[2]
    records = (Structure * 2)((1, things[0]), (2, things[1]))
    assert View(records)[1].thing is things[1] and View(records)["thing"][0] is things[0]
    assert View(ctypes.py_object(things[0]))[()] is things[0]
    # `view[0]` is assigned to a variable outside of the assertion. pytest keeps a reference to the result of each
    # expression in an assertion, and this reference would change the count.
    thing = things[0]
    before = sys.getrefcount(thing)
    read = view[0]
    assert sys.getrefcount(thing) == before + 1
    del read
    assert sys.getrefcount(thing) == before


CTYPES_WRITES = {
    "array": ("(ctypes.py_object * 2)(old, old)", "view[0] = new", "memory[0]"),
    "array of NULL": ("(ctypes.py_object * 2)()", "view[0] = new", "memory[0]"),
    "list": ("(ctypes.py_object * 2)(old, old)", "view[:] = [new, new]", "memory[0]"),
    "field": ("(Structure * 2)((1, old), (2, old))", "view['thing'][0] = new", "memory[0].thing"),
    "record": ("(Structure * 2)((1, old), (2, old))", "view[0] = (7, new)", "memory[0].thing"),
    "scalar": ("ctypes.py_object(old)", "view[()] = new", "memory.value"),
}


@pytest.mark.parametrize("value", ["Thing()", "4096"])
@pytest.mark.parametrize("case", CTYPES_WRITES)
def test_ctypes_objects_are_written(case, value):
    memory, write, read = CTYPES_WRITES[case]
    assert_runs(
        f"""
        import ctypes, gc, weakref
        from pep3118 import View

        class Structure(ctypes.Structure):
            _fields_ = [("number", ctypes.c_int), ("thing", ctypes.py_object)]

        class Thing:
            pass

        old = Thing()
        memory = {memory}
        new = {value}
        view = View(memory)
        {write}
        assert {read} is new
        # The memory keeps the new object alive, as after an assignment in ctypes.
        alive = weakref.ref(old), weakref.ref(new if isinstance(new, Thing) else old)
        del new
        gc.collect()
        if isinstance({read}, Thing):
            assert alive[1]() is {read}
        del view, memory, old
        gc.collect()
        assert alive[0]() is None and alive[1]() is None
        """
    )
