"""Tests that a View has the results and exceptions of memoryview, for the formats that memoryview reads.

Other tests check the methods of sequences, the attribute `obj` and the layout of a view of a view, and the format that
a View exports.
"""

import bisect
import collections.abc
import ctypes
import itertools
import math
import pickle
import random
import struct
import sys
import types

import pytest

import pep3118
from pep3118 import CastError, FieldNameError, IndexCountError, View

FORMATS = "b B c h H i I l L q Q n N f d ? P".split()
if sys.version_info >= (3, 12):
    FORMATS.append("e")


class Index:
    def __index__(self):
        return 1


class Failing:
    def __index__(self):
        raise ZeroDivisionError


def memory(format):
    """Returns a bytearray with six items of `format`."""
    size = struct.calcsize(format)
    return bytearray([1, 0, 1, 0, 1, 1] if format == "?" else range(1, 1 + 6 * size))


def result(run, cls):
    """Returns ("value", the result of `run(cls)`), or ("raised", the exception). If the result is an instance of `cls`,
    its shape and bytes replace it."""
    try:
        value = run(cls)
    except Exception as error:
        return "raised", error
    return "value", (value.shape, value.tobytes()) if isinstance(value, cls) else value


def assert_same(run):
    """Asserts that `run` has the same result for View and for memoryview. An exception of View must be an instance of
    the class that memoryview raises.

    A View may have a result where memoryview raises an exception, because a View supports more operations.
    """
    (kind, theirs), (our_kind, ours) = result(run, memoryview), result(run, View)
    if kind == "value":
        assert our_kind == "value", ours
        assert ours == theirs or (ours != ours and theirs != theirs)
    elif our_kind == "raised" and not isinstance(theirs, NotImplementedError):
        assert isinstance(ours, type(theirs)), (ours, theirs)


KEYS = [0, 1, -1, 5, 100, -100, 2**70, None, "a", b"a", 1.5, True, [0], (0,), (0, 0), (0, 0, 0), Index(), Failing()]
SLICES = [
    slice(None),
    slice(1, 3),
    slice(3, 1),
    slice(None, None, -1),
    slice(1, None, 2),
    slice("a"),
    slice(Index(), 3),
]


@pytest.mark.parametrize("format", FORMATS)
def test_a_key_selects_what_it_selects_in_memoryview(format):
    for shape, key in itertools.product([(6,), (2, 3), (1,)], [*KEYS, *SLICES, slice(None, None, 0), object()]):
        items = memory(format)[: struct.calcsize(format) * (1 if shape == (1,) else 6)]
        assert_same(lambda cls: cls(items).cast(format, shape)[key])


# 2**2000 is above the range of a float.
NUMBERS = [
    0,
    1,
    -1,
    127,
    128,
    255,
    256,
    -129,
    2**31,
    2**32,
    2**63,
    2**64,
    -(2**63) - 1,
    2**2000,
    1.5,
    -0.0,
    float("inf"),
]
OTHERS = [True, None, "a", b"a", b"ab", b"", [1], (1,), Index(), object(), 1j, bytearray(b"a")]


@pytest.mark.parametrize("format", FORMATS)
def test_a_value_is_written_as_by_memoryview(format):
    def write(cls, key, value):
        view = cls(memory(format)).cast(format)
        view[key] = value
        return view.tobytes()

    for value in [*NUMBERS, *OTHERS]:
        assert_same(lambda cls: write(cls, 0, value))
    for key in [*SLICES, *KEYS]:
        for value in [1, b"a", "a", None, memoryview(memory(format)).cast(format), b"\0" * struct.calcsize(format)]:
            assert_same(lambda cls: write(cls, key, value))


def test_a_finite_number_never_becomes_infinite():
    # memoryview writes inf. docs/deviations.md lists this difference.
    theirs, ours = memoryview(bytearray(4)).cast("f"), View(bytearray(4)).cast("f")
    theirs[0] = 1e39
    with pytest.raises(ValueError, match="too large for float32"):
        ours[0] = 1e39
    assert (theirs[0], ours[0]) == (float("inf"), 0.0)


@pytest.mark.parametrize("format", ["B", "h", "d"])
def test_a_cast_is_that_of_memoryview(format):
    def cast(cls, *arguments):
        return cls(memory(format)).cast(format).cast(*arguments)

    for target in ["B", "c", "b", "h", "q", "zz", "", "x", 1, None]:
        assert_same(lambda cls: cast(cls, target))
    for shape in [[2, 3], (6,), [6 * struct.calcsize(format)], [0], [-1], ["a"], 5, "ab", [1] * 65, [1.5], [], [2**70]]:
        assert_same(lambda cls: cast(cls, "B", shape))
    assert_same(lambda cls: cls(memory(format))[::2].cast("B"))


NAMES = "obj nbytes readonly format itemsize ndim shape strides suboffsets c_contiguous f_contiguous contiguous".split()
CALLS = "tolist tobytes hex toreadonly __len__ __enter__ __hash__".split()


@pytest.mark.parametrize("name", NAMES + CALLS)
def test_a_released_view_raises_the_exception_of_memoryview(name):
    def use(cls):
        view = cls(b"abc")
        view.release()
        value = getattr(view, name)
        return value() if callable(value) else value

    assert_same(use)
    assert result(use, View)[0] == "raised"


def test_a_released_view_exports_no_buffer():
    view = View(bytearray(b"abc"))
    view.release()
    for consumer in (memoryview, View, bytes, bytearray):
        with pytest.raises(ValueError, match="operation forbidden on released View"):
            consumer(view)
    with pytest.raises(ValueError, match="released"):
        view["x"] = 1


def test_a_hash_survives_the_release():
    view = View(b"abc")
    expected = hash(view)
    view.release()
    assert hash(view) == expected == hash(memoryview(b"abc"))
    never_hashed = View(b"abc")
    never_hashed.release()
    with pytest.raises(ValueError, match="released"):
        hash(never_hashed)


def test_a_view_is_a_sequence():
    view = View(b"abc")
    assert isinstance(view, collections.abc.Sequence)
    match view:
        case [first, *others]:
            assert (first, others) == (97, [98, 99])
        case _:
            pytest.fail("a view is not a sequence")
    match View(b""):
        case []:
            pass
        case _:
            pytest.fail("an empty view is not an empty sequence")
    assert bisect.bisect(view, 98) == 2
    assert sorted(random.Random(1).sample(view, 3)) == [97, 98, 99]
    assert random.Random(1).choice(view) in view
    assert list(reversed(view)) == [99, 98, 97]
    numbers = View(bytearray(b"cab"))
    random.Random(1).shuffle(numbers)
    assert sorted(numbers) == [97, 98, 99]


def test_a_row_of_a_matrix_is_an_item_of_a_sequence():
    match View(bytes(range(6))).cast("B", (2, 3)):
        case [[0, 1, 2], [3, *others]]:
            assert others == [4, 5]
        case _:
            pytest.fail("rows are not matched")


def test_index_and_count_are_those_of_a_list():
    choose = random.Random(3)
    for _ in range(300):
        items = [choose.randrange(4) for _ in range(choose.randrange(6))]
        view, value = View(bytes(items)), choose.choice([0, 1, 2.0, True, 5, None, "a"])
        bounds = [choose.choice([-(2**70), -7, -2, -1, 0, 1, 3, 9, 2**70]) for _ in range(choose.randrange(3))]
        assert view.count(value) == items.count(value)
        try:
            expected = items.index(value, *bounds)
        except ValueError:
            with pytest.raises(ValueError):
                view.index(value, *bounds)
        else:
            assert view.index(value, *bounds) == expected
    for call in (lambda view: view.index(1), lambda view: view.count(1)):
        with pytest.raises(TypeError, match="0-dim"):
            call(View(b"a").cast("B", ()))
    nan = View(struct.pack("d", float("nan"))).cast("d")
    assert nan.count(float("nan")) == 0
    with pytest.raises(TypeError):
        View(b"a").index(97, "a")


def test_index_ends_if_the_comparison_releases_the_view():
    view = View(bytearray(b"abc"))

    class Releasing:
        def __eq__(self, other):
            view.release()
            return False

        __hash__ = None

    with pytest.raises(ValueError, match="released"):
        view.index(Releasing())


def test_a_class_in_brackets_is_a_generic_alias():
    assert isinstance(View[int], types.GenericAlias)
    assert (View[int].__origin__, View[int].__args__) == (View, (int,))


def test_the_parameters_have_the_names_of_memoryview():
    assert View(object=b"abc").tolist() == memoryview(object=b"abc").tolist()
    with pytest.raises(TypeError):
        View(obj=b"abc")


def test_a_cast_arranges_the_items_in_fortran_order():
    np = pytest.importorskip("numpy")
    numbers = np.arange(24, dtype="<i2")
    for shape in [(24,), (2, 12), (2, 3, 4), (1, 24), (24, 1, 1)]:
        for order in "CF":
            view = View(numbers.tobytes()).cast("<h", shape, order=order)
            assert view.tolist() == numbers.reshape(shape, order=order).tolist()
            assert (view.f_contiguous if order == "F" else view.c_contiguous) is True
    for order in ("A", "", "CF"):
        with pytest.raises(CastError, match="order must be 'C' or 'F'"):
            View(b"ab").cast("B", order=order)
    for order in (None, 1):
        with pytest.raises(TypeError):
            View(b"ab").cast("B", order=order)


def test_a_cast_takes_the_bytes_of_fortran_memory_in_the_order_of_the_memory():
    np = pytest.importorskip("numpy")
    array = np.arange(24, dtype="<i4").reshape((2, 3, 4)).copy(order="F")
    assert View(array).cast("<i").tolist() == array.ravel(order="K").tolist()
    assert View(array).cast("B").tobytes() == array.tobytes(order="A")
    assert View(array).cast("<i", (2, 3, 4), order="F").tolist() == array.tolist()
    view = View(array).cast("<i")
    view[1] = -1
    assert array[1, 0, 0] == -1
    with pytest.raises(CastError, match="not contiguous"):
        View(array)[:, ::2].cast("B")
    with pytest.raises(CastError, match=r"shape \(2, 3\)"):
        View(array).cast("B", (2, 3), order="F")


def test_exceptions_have_the_classes_of_memoryview_and_of_numpy():
    view = View(bytes(8)).cast("T{<i:a:<i:b:}")
    with pytest.raises(KeyError) as field:
        view["c"]
    with pytest.raises(IndexError) as index:
        view[0, 0]
    with pytest.raises(ValueError) as cast:
        view.cast("5s")
    assert (field.type, index.type, cast.type) == (FieldNameError, IndexCountError, CastError)
    for error in (field, index, cast):
        assert issubclass(error.type, TypeError)
        assert error.type.__module__ == "pep3118" and getattr(pep3118, error.type.__name__) is error.type
        assert pickle.loads(pickle.dumps(error.value)).args == error.value.args


def test_formats_with_items_of_no_values_equal_formats_without_them():
    view = View(struct.pack("3h", 1, -2, 3)).cast("h 0c")
    theirs = memoryview(struct.pack("3h", 1, -2, 3)).cast("h")
    assert view == theirs and theirs == view and view == View(theirs)
    assert view != View(struct.pack("3h", 1, -2, 4)).cast("h 0c") != theirs
    pairs = struct.pack("4h", 1, 2, 3, 4)
    assert View(pairs).cast("hh 0i") == View(pairs).cast("hh")
    # `0s` has the value b"".
    assert View(pairs).cast("h0s") != View(pairs).cast("h")
    # The item of a format with field names is a record. A record never equals a number, even if only one of its fields
    # has a value.
    assert View(pairs).cast("T{h:a:(0)c:b:}") != View(pairs).cast("h")
    assert View(pairs).cast("T{h:a:}") != View(pairs).cast("h")


# Views of views


def owners():
    """Yields three exporters: a bytearray, a ctypes array and a `pep3118.Exporter`."""
    yield bytearray(b"abcd")
    yield (ctypes.c_short * 3)(1, 2, 3)
    yield pep3118.Exporter(bytearray(8), format="<i", shape=(2,))


@pytest.mark.parametrize("depth", range(4))
def test_obj_is_the_first_exporter(depth):
    for owner in owners():
        for wrappers in itertools.product([View, memoryview], repeat=depth):
            view = View(owner)
            for wrapper in wrappers:
                view = wrapper(view)
            view = View(view)
            assert view.obj is owner, wrappers
            assert view.tolist() == View(owner).tolist()


def test_obj_of_a_long_chain_of_views_is_found():
    owner = bytearray(b"a")
    view = View(owner)
    for _ in range(20000):
        view = View(memoryview(view))
    assert view.obj is owner


def test_each_view_is_released_on_its_own():
    owner = bytearray(b"abcd")
    with View(owner) as outer:
        same, other, part = View(outer), View(outer, format="b"), View(outer)[1:]
        cast = View(outer, dialect="struct")
        with memoryview(outer) as inner:
            wrapped = View(inner)
    assert wrapped.tolist() == same.tolist() == other.tolist() == cast.tolist() == [97, 98, 99, 100]
    assert part.tolist() == [98, 99, 100]
    with pytest.raises(ValueError):
        outer[0]
    with pytest.raises(BufferError):
        owner.append(1)
    for view in (same, other, part, cast, wrapped):
        view.release()
    owner.append(101)


class Union(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("real", ctypes.c_double)]


class Mixed(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("value", Union)]


def test_a_view_of_a_view_keeps_the_layout_of_its_items():
    items = (Mixed * 3)()
    for index, item in enumerate(items):
        item.id, item.value.real = index, index / 2
    view = View(items)
    for same in (View(view), View(memoryview(view)) if can_export(view) else View(view)):
        assert same.explain() == view.explain()
        assert same.tolist() == view.tolist() and same == view
        same[:] = view
        same[0] = view[2]
        assert items[0].value.real == 1.0
        items[0].value.real = 0.0


def can_export(view):
    """Returns whether the view exports a format. For some layouts, no format exists."""
    try:
        memoryview(view)
    except BufferError:
        return False
    return True


def test_a_view_of_a_view_of_objects_reads_and_writes_the_objects():
    np = pytest.importorskip("numpy")
    objects = np.array([{}, [], "a"], dtype=object)
    view = View(memoryview(View(objects)))
    assert view.obj is objects
    assert [first is second for first, second in zip(view, objects, strict=True)] == [True] * 3
    value = object()
    before = sys.getrefcount(value)
    view[1] = value
    assert sys.getrefcount(value) == before + 1
    assert objects[1] is value


def test_a_memoryview_that_was_cast_has_its_own_format():
    view = View(struct.pack("<2i", 1, 2)).cast("<i")
    assert View(memoryview(view).cast("B")).tolist() == list(struct.pack("<2i", 1, 2))
    assert View(memoryview(view).cast("B")[1:5]).format == "B"
    assert View(memoryview(view)[1:]).tolist() == [2]


def test_a_view_of_a_view_of_an_ambiguous_array_is_not_ambiguous():
    np = pytest.importorskip("numpy")
    inner = np.dtype([("f0", "d"), ("f1", "i1")], align=True)
    array = np.zeros(2, [("x", inner), ("y", "i1")])
    array["y"] = [7, 9]
    view = View(array)
    for same in (View(view), View(memoryview(view)), View(view[:])):
        assert same.tolist() == view.tolist()
        assert [item.y for item in same] == [7, 9]


# Exported formats


def leaves(dtype, start=0):
    """Yields (offset, type string) for each value in an item of `dtype` that starts at `start`. Omits values of 0
    bytes."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        for index in range(math.prod(shape)):
            yield from leaves(base, start + index * base.itemsize)
    elif dtype.names is not None:
        for name in dtype.names:
            yield from leaves(dtype.fields[name][0], start + dtype.fields[name][1])
    elif dtype.itemsize:
        yield start, dtype.str


def test_numpy_reads_the_exported_format_of_any_dtype_as_this_dtype():
    np = pytest.importorskip("numpy")
    numpy_dtypes = pytest.importorskip("numpy_dtypes")
    choose = random.Random(14)
    changed = 0
    for _ in range(600):
        dtype = numpy_dtypes.record(choose, choose.randrange(1, 4))
        view = View(np.zeros(2, dtype))
        found = np.asarray(view).dtype
        assert sorted(leaves(found)) == sorted(leaves(dtype)), (dtype, view.format)
        assert found.itemsize == dtype.itemsize
        changed += memoryview(view).format != view.format
        same = View(memoryview(view))
        assert same.explain() == view.explain()
    assert changed > 100


def test_the_format_of_one_number_is_exported_unchanged():
    for format in FORMATS:
        view = View(memory(format)).cast(format)
        assert memoryview(view).format == view.format == format
    for format in ["<i", ">d", "=H", "@l", "5s", "e", "Zd"]:
        view = View(bytes(80)).cast(format)
        assert memoryview(view).format == view.format == format


def test_the_exported_format_has_one_interpretation():
    np = pytest.importorskip("numpy")
    inner = np.dtype([("f0", "d"), ("f1", "i1")], align=True)
    array = np.zeros(2, np.dtype([("x", inner), ("y", "i1")], align=True))
    view = View(array)
    # NumPy's reader interprets the format of the array differently, with `y` at byte 23.
    assert np.asarray(memoryview(array)).dtype.fields["y"][1] == 23
    assert pep3118.Format(memoryview(view).format, itemsize=view.itemsize).explain()
    array["y"] = [7, 9]
    assert np.asarray(view)["y"].tolist() == [7, 9]
