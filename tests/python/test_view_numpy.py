"""Tests that views of NumPy arrays return the values of `tolist()` of the arrays, for random dtypes.

Without the dtype, a View reads the format right, refuses it, or misses the padding that NumPy omits. Other tests
compare fields and columns with NumPy.
"""

import math
import random
from collections import Counter

import numpy as np
import pytest
from numpy_dtypes import field, record

from pep3118 import BufferRuleError, FormatError, View

SCALARS = "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 g c8 c16 ? S3 U2 V3 O >i2 >i4 >u8 >f2 >f4 >f8 >c16 >U2".split()


def fill(choose, array):
    """Fills `array` with random values of its dtype, field by field. The numbers include limits, NaN and infinity."""
    dtype = array.dtype
    if dtype.fields:
        for name in dtype.names:
            fill(choose, array[name])
        return
    values = []
    for _ in range(array.size):
        match dtype.kind:
            case "i" | "u":
                info = np.iinfo(dtype)
                values.append(choose.choice([0, 1, int(info.min), int(info.max), choose.randint(info.min, info.max)]))
            case "f" | "c":
                part = [choose.choice([0.0, -0.0, 1.5, math.inf, math.nan, choose.gauss(0, 9)]) for _ in "ri"]
                values.append(complex(*part) if dtype.kind == "c" else part[0])
            case "b":
                values.append(choose.random() < 0.5)
            case "U":
                values.append("".join(choose.choice("aé\N{SNOWMAN}\N{GRINNING FACE}\0") for _ in "ab"))
            case "O":
                values.append(choose.choice([None, 1, "x"]))
            case _:
                values.append(choose.randbytes(3))
    flat = np.empty(array.size, dtype)
    for index, value in enumerate(values):
        flat[index] = value
    array[...] = flat.reshape(array.shape)


def same(ours, theirs, dtype):
    """Returns whether `ours`, a value of a view, has the type and value of `theirs`, a value of NumPy of the type
    `dtype`. Floats are compared by `repr`, so NaN equals NaN. Objects must be identical."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        inner = np.dtype((base, shape[1:]))
        # `tolist` of NumPy returns arrays in records as arrays and not as lists.
        theirs = theirs.tolist() if isinstance(theirs, np.ndarray) else theirs
        return (
            isinstance(ours, list)
            and len(ours) == len(theirs) == shape[0]
            and all(same(our, their, inner) for our, their in zip(ours, theirs, strict=True))
        )
    if dtype.fields:
        if type(ours)._fields != dtype.names:
            return False
        return all(same(*pair, dtype[index]) for index, pair in enumerate(zip(ours, theirs, strict=True)))
    match dtype.kind:
        case "S":
            return type(ours) is bytes and ours == theirs
        case "O":
            return ours is theirs
        case "f":
            # `View` reads a long double as the nearest double.
            return type(ours) is float and repr(ours) == repr(float(theirs))
        case "c":
            return type(ours) is complex and repr(ours) == repr(complex(theirs))
        case _:
            return type(ours) is type(theirs) and ours == theirs


def same_array(ours, array):
    """Returns whether the nested lists of a view equal the values of a NumPy array."""
    if array.ndim == 0:
        return same(ours, array.tolist(), array.dtype)
    return len(ours) == len(array) and all(map(same_array, ours, (array[index, ...] for index in range(len(array)))))


def random_part(choose, array):
    """Returns a view of `array` with random steps, and in half of all cases with the dimensions in a random order."""
    steps = [choose.choice([1, 1, 2, -1, -2]) for _ in array.shape]
    array = array[(*(slice(None, None, step) for step in steps), ...)]
    return array.transpose(choose.sample(range(array.ndim), array.ndim)) if choose.random() < 0.5 else array


def test_random_dtypes_are_read_right():
    choose = random.Random(3118)
    counts = Counter()
    while counts["arrays"] < 10_000:
        dtype = choose.choice([record, field])(choose, choose.choice([0, 1, 1, 2, 3]), SCALARS)
        array = np.zeros([choose.choice([0, 1, 2, 3]) for _ in range(choose.choice([0, 1, 1, 1, 2, 3]))], dtype)
        fill(choose, array)
        array = random_part(choose, array)
        try:
            memoryview(array)
        except (BufferError, ValueError):
            counts["NumPy exports no such array"] += 1
            continue
        counts["arrays"] += 1
        view = View(array)
        assert (view.shape, view.itemsize) == (array.shape, array.itemsize)
        assert same_array(view.tolist(), array), (dtype, view.format)
        assert view.tobytes() == memoryview(array).tobytes()
        counts[view.certainty] += 1
    # The dtype takes precedence over a wrong or incomplete format, so that no array is refused.
    assert counts["exact"] == 10_000, counts


def test_formats_without_a_dtype_are_read_right_or_refused():
    """The argument `format` disables the use of the dtype, so that only the format and the itemsize are known."""
    choose = random.Random(688)
    counts = Counter()
    for _ in range(3_000):
        # Only with a dtype, `View` reads objects, and removes the NULs at the end of bytes.
        scalars = [scalar for scalar in SCALARS if scalar[0] not in "OS"]
        dtype = record(choose, choose.choice([0, 1, 1, 2, 3]), scalars)
        array = np.zeros(2, dtype)
        fill(choose, array)
        try:
            format = memoryview(array).format
        except (BufferError, ValueError):
            continue
        try:
            view = View(array, format=format)
        except (FormatError, BufferRuleError) as error:
            counts["ambiguous" if "is ambiguous" in str(error) else "refused"] += 1
            continue
        if same_array(view.tolist(), array):
            counts[view.certainty] += 1
        else:
            # NumPy omits the padding at the end of records in arrays. Some of these formats are consistent but wrong.
            counts["consistent but wrong"] += 1
            assert any(hides_padding(dtype[name]) for name in dtype.names), dtype
    read = counts["exact"] + counts["trailing-padding"] + counts["inferred"]
    assert read > 2_000 and counts["consistent but wrong"] < 100, counts


def hides_padding(dtype):
    """Returns whether a record in `dtype`, at any depth, ends in padding. The format omits such padding."""
    if dtype.subdtype:
        return hides_padding(dtype.subdtype[0])
    if not dtype.fields:
        return False
    end = max(offset + inner.itemsize for inner, offset, *_ in dtype.fields.values())
    return end < dtype.itemsize or any(hides_padding(dtype[name]) for name in dtype.names)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<c16", ">i4", "<f2", "g", "U3", "S4", "?", "V5"])
def test_scalars_are_read_in_any_shape(dtype):
    choose = random.Random(1)
    array = np.zeros((2, 3, 4), dtype)
    fill(choose, array)
    for each in (array, array.T, array[::-1, ::2, 1:], array[0, 1], array[:0], array[1, 2, 3, ...]):
        view = View(each)
        assert same_array(view.tolist(), each)
        assert [view.tobytes(order) for order in "CFA"] == [each.tobytes(order) for order in "CFA"]
        assert view.contiguous == (each.flags.c_contiguous or each.flags.f_contiguous)


def test_a_field_is_a_strided_view():
    array = np.zeros(4, [("a", "<i2"), ("pos", [("x", ">f8"), ("y", "<f4", (2,))], (3,)), ("s", "S5")])
    fill(random.Random(2), array)
    view = View(array)
    for name, theirs in [
        ("a", array["a"]),
        ("pos", array["pos"]),
        ("pos.x", array["pos"]["x"]),
        ("pos.y", array["pos"]["y"]),
        ("s", array["s"]),
    ]:
        ours = view[name]
        assert (ours.shape, ours.strides, ours.readonly) == (theirs.shape, theirs.strides, False)
        assert same_array(ours.tolist(), theirs)
        if theirs.dtype.fields is None:
            np.testing.assert_array_equal(np.asarray(ours), theirs)
            assert np.shares_memory(np.asarray(ours), array)
    with pytest.raises(KeyError, match=r"no field is called 'pos\.z': a, pos, s"):
        view["pos.z"]
    with pytest.raises(KeyError, match="items have no fields"):
        view["a"]["a"]


def test_columns_equal_the_fields_of_numpy():
    array = np.zeros(
        (5, 2),
        [
            ("i", "<i4"),
            ("h", ">u2"),
            ("b", "?"),
            ("d", "<f8"),
            ("s", "S8"),
            ("g", "g"),
            ("m", "<f4", (2, 3)),
            ("in", [("u", "U2")]),
        ],
    )
    fill(random.Random(3), array)
    columns = View(array).columns()
    assert list(columns) == ["i", "h", "b", "d", "s", "g", "m", "in.u"]
    for name, column in columns.items():
        theirs = array["in"]["u"] if name == "in.u" else array[name]
        ours = np.asarray(column)
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype.newbyteorder("=")
        np.testing.assert_array_equal(ours, theirs)
        # NumPy shares the memory of the column and can write to it.
        assert column.c_contiguous and not column.readonly
        ours[...] = np.zeros((), ours.dtype)
        np.testing.assert_array_equal(np.asarray(column), np.zeros_like(ours))
    assert list(View(array).columns("in", "d")) == ["in.u", "d"]
    with pytest.raises(KeyError, match="no field is called 'x'"):
        View(array).columns("x")
    assert View(np.arange(3)).columns()["value"].tolist() == [0, 1, 2]
    assert View(np.zeros((), "i4,f8")).columns()["f1"][()] == 0.0
    for shape in [(0,), (3, 0)]:
        assert np.asarray(View(np.zeros(shape, "i4,f8")).columns()["f1"]).shape == shape


def test_a_format_can_be_given_for_an_array_without_a_format():
    array = np.array(["2026-01-01", "NaT"], "<M8[D]")
    assert View(array).tolist() == array.tolist()
    assert View(array, format="<q").tolist() == [20454, -(2**63)]
    with pytest.raises(FormatError, match="itemsize is 8 bytes"):
        View(array, format="<i")
