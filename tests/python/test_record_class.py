"""Tests that the records of all views with the same layout have the same class."""

import ctypes

import numpy as np

from pep3118 import View

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
