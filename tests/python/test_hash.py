"""Tests that the hash of a view equals the hash of memoryview."""

import array

import numpy as np
import pytest

from pep3118 import Exporter, View


class Unhashable(bytes):
    __hash__ = None


@pytest.mark.parametrize("format", ["B", "b", "c"])
def test_the_hash_equals_the_hash_of_the_bytes(format):
    data = b"abcdefgh"
    view, theirs = View(data).cast(format), memoryview(data).cast(format)
    assert hash(view) == hash(theirs) == hash(data)
    assert hash(view[2:5]) == hash(theirs[2:5]) == hash(b"cde")
    assert hash(view[::-2]) == hash(theirs[::-2]) == hash(b"hfdb")
    assert hash(view.cast(format, (2, 4))) == hash(theirs.cast("B").cast(format, (2, 4))) == hash(data)
    assert hash(view[:0]) == hash(theirs[:0]) == hash(b"")
    if format == "B":  # Items of "c" are bytes objects, which are not equal to integers.
        assert {data: 1}[view] == {view: 1}[data] == 1


def test_the_hash_survives_the_release():
    data = b"abcdefgh"
    for view in (View(data), memoryview(data)):
        with view:
            before = hash(view)
        assert hash(view) == before == hash(data)


def test_the_hash_of_a_released_view_cannot_be_computed():
    for view in (View(b"abc"), memoryview(b"abc")):
        view.release()
        with pytest.raises(ValueError, match="released"):
            hash(view)


def test_the_hash_is_found_after_the_release():
    view = View(b"abcdefgh")
    found = {view: 1}
    view.release()
    assert found[view] == 1


def test_the_hash_is_computed_once():
    # The view is read-only, but another view can write to the memory. As memoryview, the view then returns the first
    # hash again.
    memory = Exporter(bytearray(b"abc"), readonly=True)
    for kind in (View, memoryview):
        view = kind(memory)
        before = hash(view)
        View(memory.obj)[0] = ord("x")
        assert hash(view) == before
        View(memory.obj)[0] = ord("a")


def test_writable_views_have_no_hash():
    for memory in (bytearray(b"abc"), array.array("B", [1]), np.zeros(3, "u1")):
        for kind in (View, memoryview):
            with pytest.raises(ValueError, match="writable"):
                hash(kind(memory))


def test_other_formats_have_no_hash():
    for kind in (View, memoryview):
        for format in ("h", "i", "d", "?", "H"):
            with pytest.raises(ValueError, match="formats"):
                hash(kind(bytes(8)).cast(format))
    for format in ("4s", "(2)B", "T{B:a:}", "<h", "Zd"):
        with pytest.raises(ValueError, match="formats"):
            hash(View(bytes(16)).cast(format))


def test_the_exporter_must_have_a_hash():
    for kind in (View, memoryview):
        with pytest.raises(TypeError, match="unhashable"):
            hash(kind(bytearray(b"abc")).toreadonly())
        with pytest.raises(TypeError, match="unhashable"):
            hash(kind(Unhashable(b"abc")))
