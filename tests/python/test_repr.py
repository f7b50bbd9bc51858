"""Tests of `repr` and the HTML of views, fields, findings and differences: both escape names and have a bounded length.

Other tests compare `hex` and transposition of views with memoryview and NumPy, and check the truth of fields, the
source of the layout of an audit, and the exceptions for invalid indices and values.
"""

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


def test_a_view_is_not_released_while_its_hex_is_written():
    class Separator(bytes):
        def __len__(self):
            view.release()
            return 1

    view = View(bytearray(b"abc"))
    with pytest.raises(BufferError):
        view.hex(Separator(b":"))
    assert view.hex(":") == "61:62:63"


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


def lines(obj):
    """Returns the lines of `repr(obj)`, and asserts that each line has at most 81 characters."""
    found = repr(obj).splitlines()
    assert all(len(line) <= 81 for line in found), found
    return found


def test_the_repr_of_a_view_shows_the_first_and_the_last_items():
    assert lines(View(np.arange(1000)))[1] == "[0, 1, 2, 3, ..., 996, 997, 998, 999]"
    assert lines(View(np.arange(3)))[1:] == ["[0, 1, 2]"]
    assert lines(View(np.array(1.5)))[1:] == ["1.5"]
    assert lines(View(np.arange(0))) == ["<pep3118.View of shape (0,), format 'l'>"]
    assert lines(View(np.arange(6).reshape(2, 3)))[1:] == ["[[0, 1, 2],", " [3, 4, 5]]"]


def test_the_repr_of_records_is_a_table():
    table = np.array([(1, 1.5), (20, 2.5)], [("id", "<i2"), ("x", "<f8")])
    assert lines(View(table))[1:] == ["   id    x", "0   1  1.5", "1  20  2.5"]
    many = np.zeros(100, [(f"field_{index}", "<i4") for index in range(1000)])
    found = lines(View(many))
    assert len(found) == 11 and found[1].split()[0] == "field_0" and "..." in found[1]


def test_the_repr_escapes_hostile_names_and_values():
    hostile = np.zeros(1, [("\x1b[31m\u202e\n", "<i4"), ("b", "<U4")])
    hostile["b"] = "\u202e\x1b"
    for text in (repr(View(hostile)), View(hostile)._repr_html_(), repr(View(hostile)["b"])):
        assert not set(text) & {"\x1b", "\u202e"}


def test_the_html_of_a_view_escapes_names_and_values():
    hostile = np.array([(b"<script>",)], [("<script>alert(1)</script>", "S8")])
    html = View(hostile)._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html and html.count("<td>") == 1
    assert "<pre>[0, 1, 2]</pre>" in View(np.arange(3))._repr_html_()


def test_the_repr_of_long_values_is_bounded():
    import time

    start = time.perf_counter()
    for view in (
        View(bytes(10**8), f"{10**8}s"),
        View(bytes(10**8), f"({10**8})B"),
        View(bytes(10**8), f"T{{{5 * 10**7}s:a:{5 * 10**7 // 4}w:b:}}"),
        View(np.zeros((2,) * 25, "i1")),
        View(bytes(2**20), "(" + ",".join(["2"] * 20) + ")B"),
        View(bytes(60_000), "".join(f"B:a{index}:" for index in range(10_000)), "pep3118"),
    ):
        assert len(repr(view)) < 4000 and lines(view)
    assert time.perf_counter() - start < 20


def test_the_repr_of_values_that_cannot_be_read_names_the_exception():
    assert lines(View(b"\xff\xff\xff\xff" * 2, "<w"))[1:] == ["[<ValueError>, <ValueError>]"]


def test_the_repr_of_objects_runs_no_code_of_the_objects():
    class Loud:
        def __repr__(self):
            raise RuntimeError("called")

    assert lines(View(np.array([Loud()], dtype=object)))[1:] == ["[<object>]"]


def test_the_repr_of_a_released_view():
    view = View(b"abc")
    view.release()
    assert repr(view) == "<pep3118.View of released memory>"


def test_reports_and_differences_have_html():
    report = pep3118.audit(ctypes.c_int(1))
    assert "<td>B05</td>" in report._repr_html_() and "<table>" in report._repr_html_()
    assert "clean" in pep3118.audit(b"")._repr_html_()
    different = pep3118.diff("T{i:<b>:}", "T{i:<i>:}")._repr_html_()
    assert "<b>" not in different and "&lt;b&gt;" in different
