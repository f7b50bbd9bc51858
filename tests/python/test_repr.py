"""Tests of `repr`, `hex`, transposition and truth of objects, compared with memoryview and NumPy."""

import ctypes
import struct

import pytest

import pep3118
from pep3118 import Format, View

np = pytest.importorskip("numpy")


def test_hex_equals_the_hex_of_the_bytes():
    rows = np.arange(6, dtype=">u2").reshape(2, 3)
    for array in (rows, rows.T, rows[:, ::-2]):
        view, wanted = View(array), array.tobytes()
        assert view.hex() == wanted.hex()
        assert view.hex("-", 2) == wanted.hex("-", 2) == memoryview(array).hex("-", 2)


def test_transpositions_equal_those_of_numpy():
    array = np.arange(24, dtype="<i4").reshape(2, 3, 4)
    view = View(array)
    assert view.transpose().tolist() == array.T.tolist()
    for axes in [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)]:
        turned = view.transpose(*axes)
        wanted = array.transpose(*axes)
        assert (turned.shape, turned.strides) == (wanted.shape, wanted.strides)
        assert turned.tolist() == wanted.tolist()
    for axes in [(0, 1), (0, 0, 1), (0, 1, 3)]:
        with pytest.raises(ValueError):
            view.transpose(*axes)


def test_fields_have_a_length_and_are_true():
    layout = Format("T{<H:a:(2,3)T{<d:x:B:y:}:b:(5)>i:c:T{}:d:}", dialect="pep3118")
    a, b, c, d = layout.fields
    assert [len(field) for field in (a, b, c, d)] == [0, 2, 0, 0]
    assert all([a, b, c, d])
    assert repr(a) == '<Field "a", offset=0, size=2, type="uint16", endian="little">'
    assert repr(b) == '<Field "b", offset=2, size=54, type="record", shape=(2, 3), fields=2>'
    assert repr(c) == '<Field "c", offset=56, size=20, type="int32", endian="big", shape=(5,)>'
    assert repr(d) == '<Field "d", offset=76, size=0, type="record", fields=0>'


def test_the_repr_of_a_difference_contains_its_text():
    assert repr(pep3118.diff("i", "i")) == "<Difference same text>"
    assert repr(pep3118.diff("<i", ">i")).startswith("<Difference same bytes after swapping: int32 at byte 0 is little")
    assert repr(pep3118.diff("i", "d")) == (
        "<Difference different: the item has 4 bytes in the first and 8 bytes in the second>"
    )


def test_the_repr_of_a_finding_contains_its_text():
    # The strides of a field of NumPy records are not multiples of the itemsize, which gives a note.
    array = np.zeros(3, [("a", "i1"), ("b", "<i8")])["b"]
    report = pep3118.audit(array)
    assert report.layout_source == "numpy.dtype"
    for finding in report.findings:
        assert repr(finding) == f"<Finding {finding}>"
    assert pep3118.audit((ctypes.c_int * 2)()).layout_source == "ctypes"
    assert pep3118.audit(b"bytes").layout_source == "bytes"


def test_invalid_indices_and_values_are_refused():
    with pytest.raises(IndexError, match=r"item 5 of a buffer|out of bounds|index 5"):
        View(b"abc")[5]
    with pytest.raises(TypeError):
        iter(View(np.array(1.0)))
    with pytest.raises((ValueError, struct.error)):
        View(bytearray(8)).cast("<i")[0] = 2**31
