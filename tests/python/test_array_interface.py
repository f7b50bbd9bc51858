"""Tests of views of NumPy arrays that export no format, of views of objects that have `__array_interface__` and no
buffer, and of `View.__array_interface__`."""

import ctypes
import gc
import random
import sys
import weakref
from collections import Counter

import numpy as np
import pytest
from test_dtype import plain
from test_view_numpy import fill, random_part, same_array

from pep3118 import View

SCALARS = "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 g c8 c16 G ? S3 U2 V3 O >i2 >i4 >u8 >f2 >f4 >f8 >g >c16 >G >U2".split()


# Every pattern of bits is a value of these types, so fields of these types can share bytes with other fields.
PLAIN = "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16 S3 V3 >i2 >i4 >u8 >f2 >f4 >f8 >c16".split()


def field(choose, depth, scalars=SCALARS):
    """Returns a random dtype: one of `scalars`, a record of these, or an array of either. `depth` limits the nesting of
    records."""
    nested = depth and choose.random() < 0.4
    base = record(choose, depth - 1, scalars) if nested else np.dtype(choose.choice(scalars))
    if base.itemsize and choose.random() < 0.3:
        base = np.dtype((base, tuple(choose.choice([1, 2, 3]) for _ in range(choose.choice([1, 1, 2])))))
    return base


def record(choose, depth, scalars=SCALARS):
    """Returns a random record whose fields are packed, aligned, shuffled, overlapping or have titles. Fields that
    overlap have types of `PLAIN` instead of `scalars`."""
    kind = choose.choice(["packed", "aligned", "titles", "shuffled", "overlapping", "overlapping"])
    scalars = PLAIN if kind == "overlapping" else scalars
    formats = [field(choose, depth, scalars) for _ in range(choose.choice([1, 1, 2, 2, 3, 4]))]
    names = [f"f{index}" for index in range(len(formats))]
    if kind in ("packed", "aligned"):
        return np.dtype(list(zip(names, formats, strict=True)), align=kind == "aligned")
    if kind == "titles":
        return np.dtype([((f"title of {name}", name), each) for name, each in zip(names, formats, strict=True)])
    offsets, end = [], 0
    for each in formats:
        end += choose.choice([0, 0, 1, 2, 3])
        offsets.append(choose.randrange(end + 1) if kind == "overlapping" else end)
        end = max(end, offsets[-1] + each.itemsize)
    rows = list(zip(formats, offsets, strict=True))
    choose.shuffle(rows)
    return np.dtype(
        {
            "names": names,
            "formats": [row[0] for row in rows],
            "offsets": [row[1] for row in rows],
            "itemsize": end + choose.choice([0, 0, 1, 3]),
        }
    )


def random_array(choose, dtype):
    """Returns an array of `dtype` with random values, random strides and at most 3 dimensions."""
    array = np.zeros([choose.choice([0, 1, 2, 3]) for _ in range(choose.choice([0, 1, 1, 1, 2, 3]))], dtype)
    fill(choose, array)
    return random_part(choose, array)


def exports_format(array):
    """Returns whether NumPy exports a buffer of `array` with a format."""
    try:
        memoryview(array)
    except (BufferError, ValueError):
        return False
    return True


def bytes_of(array, order):
    """Returns the bytes of the items of `array`, including padding."""
    return array.view(np.dtype((np.void, array.dtype.itemsize))).tobytes(order)


OVERLAPPING = np.dtype({"names": ["all", "low"], "formats": ["<i4", "<u2"], "offsets": [0, 0], "itemsize": 6})
SHUFFLED = np.dtype({"names": ["b", "a"], "formats": ["<i4", "<u2"], "offsets": [2, 0]})


def test_2000_random_dtypes_are_read_and_returned_to_numpy():
    choose = random.Random(14)
    counts = Counter()
    for _ in range(2000):
        dtype = choose.choice([record, record, field])(choose, choose.choice([0, 1, 1, 2]))
        array = random_array(choose, dtype)
        counts["with a format" if exports_format(array) else "without a format"] += 1
        view = View(array)
        assert (view.shape, view.itemsize, view.readonly) == (array.shape, array.itemsize, not array.flags.writeable)
        assert same_array(view.tolist(), array), dtype
        again = np.asarray(view)
        assert plain(again.dtype) == plain(array.dtype), (dtype, again.dtype)
        assert (again.shape, again.flags.writeable) == (array.shape, array.flags.writeable)
        assert same_array(view.tolist(), again)
        if array.size and array.itemsize:
            assert again.strides == array.strides or 1 in array.shape
            assert np.shares_memory(again, array), dtype
    assert counts["without a format"] > 700 and counts["with a format"] > 700, counts


@pytest.mark.parametrize("dtype", [OVERLAPPING, SHUFFLED, np.dtype(">g")], ids=str)
def test_an_array_without_a_format_is_read_in_any_arrangement(dtype):
    array = np.zeros((2, 3, 4), dtype)
    fill(random.Random(1), array)
    for each in (array, array.T, array[::-1, ::2, 1:], array[0, 1], array[:0], array[1, 2, 3, ...]):
        assert not exports_format(each)
        view = View(each)
        assert (view.shape, view.strides, view.obj is each) == (each.shape, each.strides, True)
        assert same_array(view.tolist(), each)
        assert [view.tobytes(order) for order in "CFA"] == [bytes_of(each, order) for order in "CFA"]


def test_a_read_only_array_gives_a_read_only_view():
    array = np.zeros(2, OVERLAPPING)
    array.flags.writeable = False
    view = View(array)
    assert view.readonly and not np.asarray(view).flags.writeable
    with pytest.raises(TypeError, match="read-only"):
        view[0] = (1, 1)


def test_an_assignment_changes_only_the_bytes_of_the_fields():
    array = np.frombuffer(bytearray(b"\xaa" * 12), OVERLAPPING)
    View(array)["low"][0] = 0x0102
    assert array.tobytes() == b"\x02\x01" + b"\xaa" * 10
    View(array)[1] = (0x01020304, 0x0304)
    assert array.tobytes()[6:] == b"\x04\x03\x02\x01\xaa\xaa"


def test_a_scalar_of_numpy_without_a_format_is_read():
    array = np.zeros(1, SHUFFLED)
    array[0] = (70000, 7)
    view = View(array[0])
    assert (view.shape, view.tolist(), view.readonly) == ((), (70000, 7), True)


def test_objects_in_fields_out_of_order_are_counted_references():
    array = np.zeros(2, {"names": ["number", "object"], "formats": ["<i4", "O"], "offsets": [8, 0]})
    value = object()
    before = sys.getrefcount(value)
    view = View(array)
    view["object"][0] = value
    assert array["object"][0] is value and view[0].object is value
    assert np.asarray(view)["object"][0] is value
    del array, view
    gc.collect()
    assert sys.getrefcount(value) == before


def test_no_door_writes_other_bytes_over_references():
    array = np.zeros(2, {"names": ["number", "object"], "formats": ["<i4", "O"], "offsets": [8, 0]})
    assert View(array, format="12s").readonly
    assert View(View(array), format="12s").readonly
    assert View(array).cast("12s").readonly


def test_the_view_keeps_the_array_alive_and_releases_it():
    array = np.zeros(2, OVERLAPPING)
    alive = weakref.ref(array)
    view = View(array)
    del array
    assert alive() is not None and view.tolist() == [(0, 0), (0, 0)]
    view.release()
    assert alive() is None


def test_an_attribute_dtype_of_a_subclass_does_not_change_the_layout():
    class OtherDtype(np.ndarray):
        dtype = np.dtype([("x", "<i8"), ("y", "<i8")])
        __array_interface__ = {"data": (1, False), "shape": (1 << 40,), "typestr": "<i8", "version": 3}

    array = np.zeros(3, OVERLAPPING).view(OtherDtype)
    view = View(array)
    assert (view.shape, view.itemsize, view.fields) == ((3,), 6, ("all", "low"))


def test_a_string_dtype_is_refused_with_the_reason_and_a_conversion_that_works():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("NumPy 1 has no StringDType")
    array = np.array(["a", "bc"], np.dtypes.StringDType())
    with pytest.raises(ValueError, match=r"outside of the array.*astype\(object\)") as caught:
        View(array)
    assert "StringDType" in str(caught.value.__cause__)
    assert View(array.astype(object)).tolist() == ["a", "bc"]


def test_values_of_other_packages_are_refused_with_a_call_that_works():
    # No user type has a pair of bfloat16.
    dtype = getattr(pytest.importorskip("ml_dtypes"), "bcomplex32", None)
    if dtype is None:
        pytest.skip("this version of ml_dtypes has no bcomplex32")
    for array in (np.zeros(2, dtype), np.zeros(2, [("a", "i4"), ("b", dtype)])):
        with pytest.raises(ValueError, match=r"of another package.*array\.view\('u1'\)"):
            View(array)
        assert View(array.view("u1")).nbytes == array.nbytes


@pytest.mark.parametrize("name", ["M8[s]", "m8[D]", "M8"])
def test_dates_are_read_as_by_numpy(name):
    array = np.array([0, 1], "i8").view(name)
    assert View(array).tolist() == array.tolist()
    assert np.asarray(View(array)).dtype == array.dtype


def test_a_union_of_ctypes_becomes_a_dtype_with_overlapping_fields():
    class Union(ctypes.Union):
        _fields_ = [("number", ctypes.c_uint32), ("bytes", ctypes.c_uint8 * 4)]

    array = (Union * 2)(Union(1), Union(2))
    numpy_array = np.asarray(View(array))
    assert numpy_array["number"].tolist() == [1, 2] and numpy_array["bytes"].tolist() == [[1, 0, 0, 0], [2, 0, 0, 0]]
    numpy_array["number"][1] = 7
    assert array[1].number == 7


def test_the_exception_of_an_exporter_that_is_not_numpy_is_unchanged():
    class Refuses:
        def __buffer__(self, flags):
            raise BufferError("no buffer today")

    if sys.version_info < (3, 12):
        pytest.skip("classes have __buffer__ from 3.12 on")
    with pytest.raises(BufferError, match=r"^no buffer today$"):
        View(Refuses())


def test_a_view_without_a_format_refuses_memoryview_with_calls_that_work():
    view = View(np.zeros(2, OVERLAPPING))
    with pytest.raises(BufferError, match=r"numpy\.asarray\(view\), view\.tobytes\(\), or view\.cast\('6s'\)"):
        memoryview(view)
    assert memoryview(view.cast("6s")).tobytes() == view.tobytes() == bytes(view) == bytes(12)
    assert np.asarray(view).dtype == OVERLAPPING


def test_an_array_from_a_view_keeps_the_memory_after_the_view_is_released():
    array = np.zeros(2, OVERLAPPING)
    array["all"] = 7
    alive = weakref.ref(array)
    view = View(array)
    again = np.asarray(view)
    view.release()
    del array, view
    gc.collect()
    assert alive() is not None and again["all"].tolist() == [7, 7]
    assert not hasattr(again.base, "release")
    del again
    assert alive() is None


def test_the_interface_has_the_arrangement_of_the_view():
    array = np.arange(12, dtype="<i4").reshape(3, 4)[::-1, ::2]
    interface = View(array).__array_interface__
    assert (interface["shape"], interface["strides"]) == ((3, 2), (-16, 8))
    assert (interface["typestr"], interface["descr"], interface["version"]) == ("<i4", [("", "<i4")], 3)
    assert interface["offset"] == 32

    class Only:
        __array_interface__ = interface

    assert np.asarray(Only()).tolist() == array.tolist()


def test_a_released_view_has_no_interface():
    view = View(np.zeros(2, OVERLAPPING))
    view.release()
    with pytest.raises(ValueError, match="released"):
        view.__array_interface__  # noqa: B018
    with pytest.raises(ValueError, match="released"):
        np.asarray(view)


def test_items_without_a_dtype_have_no_interface():
    view = View(b"abcd").cast("p")
    with pytest.raises(AttributeError, match=r"NumPy has no dtype"):
        view.__array_interface__  # noqa: B018
    assert not hasattr(view, "__array_interface__")


def test_views_and_arrays_in_a_loop_need_constant_memory():
    tracemalloc = pytest.importorskip("tracemalloc")
    array = np.zeros(100, OVERLAPPING)
    for _ in range(50):
        np.asarray(View(array))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(2000):
        np.asarray(View(array))
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 20_000


def test_numpy_has_no_dtype_in_which_an_object_shares_bytes():
    """`View` reads and writes the objects of every dtype, and relies on this fact."""
    nested = np.dtype([("x", "<i4"), ("o", "O")])
    for formats, offsets in [(["O", "<i4"], [0, 4]), ([nested, "<i4"], [0, 0]), (["O", "O"], [0, 4])]:
        with pytest.raises(TypeError, match="overlap"):
            np.dtype({"names": ["a", "b"], "formats": formats, "offsets": offsets})


# Objects without a buffer.


class Interface:
    """An object without a buffer that has the given `__array_interface__`."""

    def __init__(self, data, shape, typestr, **entries):
        entries = {"data": data, "shape": shape, "typestr": typestr, "version": 3, **entries}
        self.__array_interface__ = entries


def test_an_image_of_pillow_is_read():
    image = pytest.importorskip("PIL.Image").new("RGB", (3, 2), (1, 2, 3))
    view = View(image)
    assert (view.shape, view.tolist()) == ((2, 3, 3), [[[1, 2, 3]] * 3] * 2)
    assert np.asarray(view).tolist() == np.asarray(image).tolist()


@pytest.mark.parametrize("dtype", "|b1 |i1 |u1 <i2 >i2 <u4 >i8 <f2 <f4 >f8 <f16 <c8 >c16 |S3 <U2 >U2 |V3".split())
def test_items_of_every_type_string_are_read_as_numpy_reads_them(dtype):
    array = np.zeros(6, dtype)
    fill(random.Random(1), array)
    memory = bytearray(array.tobytes())
    for shape, strides, first in [((6,), None, 0), ((3, 2), None, 0), ((3,), (-2,), 4), ((), None, 5)]:
        size = array.itemsize
        in_bytes = strides and tuple(stride * size for stride in strides)
        interface = Interface(memory, shape, dtype, strides=in_bytes, offset=first * size)
        view = View(interface)
        assert (view.shape, view.readonly, view.obj is memory) == (shape, False, True)
        assert same_array(view.tolist(), np.asarray(interface))


def test_read_only_memory_gives_a_read_only_view():
    assert View(Interface(b"abcd", (2,), "<i2")).readonly


def test_records_of_a_descr_are_read():
    memory = bytearray(range(6))
    assert View(Interface(memory, (2,), "|V3", descr=[("a", "<u2"), ("b", "|u1")])).tolist() == [(256, 2), (1027, 5)]
    assert View(Interface(memory, (1,), "|V6", descr=OVERLAPPING)).fields == ("all", "low")


def test_the_interface_of_a_view_is_read_back():
    array = np.zeros((2, 3), OVERLAPPING)
    fill(random.Random(1), array)
    interface = View(array.T).__array_interface__
    del interface["version"]
    assert View(Interface(**interface)).tolist() == View(array.T).tolist()


def test_an_address_is_refused_with_a_call_that_works():
    array = np.arange(3)
    interface = Interface(**array.__array_interface__ | {"version": 3})
    with pytest.raises(BufferError, match=r"as an address.*numpy\.asarray\(obj\)"):
        View(interface)
    assert View(np.asarray(interface)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ({"shape": (5,)}, BufferError),
        ({"shape": (4,), "offset": 1}, BufferError),
        ({"shape": (4,), "offset": -1}, BufferError),
        ({"shape": (2,), "strides": (-1,)}, BufferError),
        ({"shape": (2,), "strides": (4,)}, BufferError),
        ({"shape": (2,), "strides": (1 << 62,)}, BufferError),
        ({"shape": (1 << 62,), "strides": (0,), "typestr": "<i8"}, (BufferError, TypeError)),
        ({"shape": (1 << 40, 1 << 40), "strides": (0, 0)}, (BufferError, TypeError)),
        ({"shape": (-1,)}, BufferError),
        ({"shape": (2,), "strides": (1, 1)}, BufferError),
        ({"shape": (), "strides": (1,)}, BufferError),
        ({"shape": (1,) * 65}, BufferError),
        ({"shape": (1 << 70,)}, OverflowError),
        ({"offset": 1 << 62}, BufferError),
        ({"offset": 1 << 70}, OverflowError),
        ({"typestr": "|O8"}, ValueError),
        ({"typestr": "|V8", "shape": (0,), "descr": [("o", "O")]}, ValueError),
        ({"typestr": ""}, ValueError),
        ({"typestr": "<"}, ValueError),
        ({"typestr": "<f3"}, ValueError),
        ({"typestr": "xu1"}, ValueError),
        ({"typestr": "|t3"}, ValueError),
        ({"typestr": "\N{SNOWMAN}f4"}, ValueError),
        ({"typestr": "<U9999999999999999999"}, ValueError),
        ({"typestr": "|V4", "descr": [("a", "<i8")]}, ValueError),
        ({"typestr": 3}, TypeError),
        ({"data": 7}, TypeError),
        ({"data": None}, BufferError),
        ({"mask": b"\0\0\0\0"}, BufferError),
        ({"shape": None}, TypeError),
    ],
    ids=str,
)
def test_an_interface_that_contradicts_its_memory_is_refused(entries, error):
    with pytest.raises(error):
        View(Interface(**{"data": b"abcd", "shape": (4,), "typestr": "|u1", **entries}))


def test_an_interface_that_is_not_a_dict_is_a_type_error():
    interface = Interface(b"a", (1,), "|u1")
    interface.__array_interface__ = [1]
    with pytest.raises(TypeError, match="is not a dict"):
        View(interface)


def test_a_format_replaces_the_type_of_an_interface_of_the_same_size():
    assert View(Interface(b"\0\1\0\2", (2,), "<i2"), format=">h").tolist() == [1, 2]
    with pytest.raises(ValueError, match="itemsize is 2 bytes but format `i` describes 4 bytes"):
        View(Interface(b"\0\1\0\2", (2,), "<i2"), format="i")


def test_the_memory_of_an_interface_is_held():
    memory = bytearray(4)
    view = View(Interface(memory, (2,), "<i2"))
    with pytest.raises(BufferError):
        memory.clear()
    view.release()
    memory.clear()
