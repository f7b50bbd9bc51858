"""Tests of record classes: sharing by views of equal layout, named-tuple attributes, references and collection."""

import copy
import ctypes
import gc
import pickle
import sys
import weakref
from collections import namedtuple

import numpy as np
import pytest
from programs import assert_runs

from pep3118 import Exporter, View

FORMAT = "T{<i:id:<d:x:}"


class Structure(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("x", ctypes.c_double)]


def test_items_of_one_view_have_one_class():
    view = View(bytes(48)).cast(FORMAT)
    cls = type(view[0])
    assert type(view[1]) is cls
    assert {type(record) for record in view} == {cls}
    assert {type(record) for record in view.tolist()} == {cls}
    assert {type(record) for record in view[1:]} == {cls}
    assert type(view[::-1][0]) is cls and type(view.toreadonly()[0]) is cls


def test_items_of_a_field_view_have_one_class():
    view = View(np.zeros(3, [("a", [("x", "<f8"), ("y", "<i4")]), ("n", "<i4")]))
    assert type(view["a"][0]) is type(view["a"][1])
    assert type(view["a"][0]) is type(view[0].a) is type(view.tolist()[2].a) is type(view["a"].tolist()[0])
    assert type(view["a"][1:][0]) is type(view[1:]["a"][0])


def test_two_fields_of_the_same_layout_have_one_class():
    inner = [("x", "<f8"), ("y", "<i4")]
    view = View(np.zeros(3, [("a", inner), ("b", inner)]))
    assert type(view["a"][0]) is type(view["b"][0]) is type(view[0].a) is type(view[0].b)


def test_casts_to_one_format_have_one_class():
    first, second = View(bytes(24)).cast(FORMAT), View(bytearray(48)).cast(FORMAT)
    assert type(first[0]) is type(second[0]) is type(first.cast("B").cast(FORMAT)[0])
    assert type(View(bytes(12)).cast("T{<i:id:<d:y:}")[0]) is not type(first[0])


def test_views_of_one_type_have_one_class():
    assert type(View(Structure())[()]) is type(View(Structure())[()]) is type(View((Structure * 2)())[1])
    first, second = np.zeros(2, "i4,f8"), np.zeros((2, 2), "i4,f8")
    assert type(View(first)[0]) is type(View(second)[1, 1]) is type(View(first.copy())[0])
    # The two dtypes are equal and not the same object.
    fields = [("a", "<i4"), ("b", "<f8")]
    assert type(View(np.zeros(1, np.dtype(fields)))[0]) is type(View(np.zeros(1, np.dtype(list(fields))))[0])


def test_views_of_views_have_one_class():
    view = View(np.zeros(2, "i4,f8"))
    assert type(View(view)[0]) is type(view[0]) is type(View(memoryview(view))[0])


def test_many_layouts_have_different_classes():
    formats = [f"T{{<i:a{number}:<i:b:}}" for number in range(100)]
    views = [View(bytes(8)).cast(format) for format in formats]
    classes = [type(view[0]) for view in views]
    assert len(set(classes)) == 100
    assert [type(View(bytes(16)).cast(format)[1]) for format in formats] == classes


def test_records_are_tuples_with_names():
    record = View(bytes(12)).cast(FORMAT)[0]
    assert isinstance(record, tuple) and record == (0, 0.0) and record._fields == ("id", "x")
    assert record._replace(id=1) == (1, 0.0) and type(record._replace(id=1)) is type(record)


def record_class():
    """Returns the class of the records of views of `FORMAT`."""
    gc.collect()  # Garbage of other tests can have references to the class.
    return type(View(bytes(24)).cast(FORMAT)[0])


def test_a_record_class_has_the_attributes_of_a_named_tuple_class():
    cls, model = record_class(), namedtuple("Record", "id x")  # noqa: PYI024
    assert issubclass(cls, tuple)
    assert (cls.__name__, cls.__qualname__, cls.__module__) == ("Record", "Record", "pep3118")
    assert set(dir(model)) <= set(dir(cls)) and (cls.__doc__, cls._fields) == (model.__doc__, model._fields)
    assert (cls.__slots__, cls.__match_args__, cls._field_defaults) == ((), ("id", "x"), {})
    assert (cls.__basicsize__, cls.__itemsize__, cls.__dictoffset__) == (model.__basicsize__, model.__itemsize__, 0)
    record = cls(1, x=2.5)
    assert type(record) is type(cls._make([1, 2.5])) is type(record._replace(id=3)) is cls
    assert (record.id, record.x, record._asdict()) == (1, 2.5, {"id": 1, "x": 2.5})
    assert record == (1, 2.5) and hash(record) == hash((1, 2.5)) and repr(record) == "Record(id=1, x=2.5)"
    assert type(copy.copy(record)) is type(copy.deepcopy(record)) is type(pickle.loads(pickle.dumps(record))) is cls
    with pytest.raises(TypeError):
        cls(1)
    with pytest.raises(AttributeError):
        record.id = 2


def test_records_own_one_reference_to_their_class():
    view, cls = View(bytes(12 * 100)).cast(FORMAT), record_class()
    before = sys.getrefcount(cls)
    records = view.tolist()
    assert sys.getrefcount(cls) == before + 100
    records += [cls(1, 2.5) for _ in range(100)]
    assert sys.getrefcount(cls) == before + 200
    del records
    for record in view:
        assert type(record) is cls
    del record
    assert sys.getrefcount(cls) == before


def test_records_without_fields_are_no_plain_tuples():
    view = View(Exporter(b"", format="T{}", itemsize=0, shape=(3,)))
    cls = type(view[0])
    records = view.tolist()
    assert records == [(), (), ()] and {type(record) for record in records} == {cls} != {tuple}
    assert cls() == () and type(cls()) is cls and type(()) is tuple
    del records
    assert type(tuple(range(0))) is tuple


def test_records_do_not_become_plain_tuples():
    # The interpreter reuses the memory of tuples.
    cls = record_class()
    for _ in range(100):
        record = cls(1, 2.5)
        assert type(record) is cls
        del record
        pair = tuple(range(2))
        assert type(pair) is tuple
        del pair


def test_a_subclass_of_a_record_class_has_attributes_and_a_finalizer():
    finalized = []

    class Derived(record_class()):
        def __del__(self):
            finalized.append(self.id)

    count = sys.getrefcount(Derived)
    record = Derived(7, 2.5)
    record.note = "text"
    assert (record, record.note) == ((7, 2.5), "text")
    reference = sys.getrefcount(record.note)
    del record
    assert (finalized, sys.getrefcount(Derived)) == ([7], count) and reference
    record = Derived(8, [])
    record.x.append(record)
    record.itself = record
    del record
    gc.collect()
    assert (finalized, sys.getrefcount(Derived)) == ([7, 8], count)


def test_records_in_cycles_are_collected():
    cls = record_class()
    before = sys.getrefcount(cls)
    for _ in range(100):
        record = cls(1, [])
        record.x.append(record)
    del record
    gc.collect()
    assert sys.getrefcount(cls) == before


def test_a_class_that_refers_to_its_records_is_collected():
    view = View(bytes(4)).cast("T{<i:only_in_this_test:}")
    cls = type(view[0])
    cls.example = view[0]
    reference = weakref.ref(cls)
    del cls
    gc.collect()
    assert reference() is None
    assert view[0]._fields == ("only_in_this_test",)


def test_deeply_nested_records_are_freed():
    assert_runs(
        """
        from pep3118 import View

        cls = type(View(bytes(8)).cast("T{<i:a:<i:b:}")[0])
        record = None
        for _ in range(1_000_000):
            record = cls(record, 1)
        del record
        for _ in range(1_000_000):
            record = cls((None, [cls(1, 2)]), 1)
        """
    )
