"""Tests of `View`, compared with memoryview: items, slices, assignments, casts, equality, hashes and exports.

Other tests compare the values of ctypes structures with ctypes, and check ambiguous formats, invalid metadata, and
fields with equal or dotted names.
"""

import array
import ctypes
import random
import re
import struct
import sys

import pytest

import pep3118
from pep3118 import BufferRuleError, CastError, Exporter, FormatError, View
from pep3118.struct import pack

testbuffer = pytest.importorskip("_testbuffer")


def nested(view, *index):
    """Returns all items as nested lists. Reads each item with a separate index."""
    if view.ndim == len(index):
        return view[index]
    return [nested(view, *index, at) for at in range(view.shape[len(index)])]


def random_slice(choose, length):
    """Returns a random slice for a dimension of `length` items."""
    bound = lambda: choose.choice([None, choose.randint(-length - 2, length + 2)])  # noqa: E731
    return slice(bound(), bound(), choose.choice([None, 1, 2, -1, -2, 3]))


def random_ndarray(choose):
    """Returns a random writable array of CPython's test exporter: of one to three dimensions, in C or Fortran order,
    or with suboffsets. A dimension can have the length 0."""
    code = choose.choice(["B", "h", "<i", ">q", "d", "?", "c", "3s", "!H"])
    shape = [choose.choice([0, 1, 2, 3]) for _ in range(choose.choice([1, 1, 2, 3]))]
    count = 1
    for length in shape:
        count *= length
    one = {"c": lambda: choose.randbytes(1), "3s": lambda: choose.randbytes(3), "d": choose.random}
    one["?"] = lambda: choose.random() < 0.5
    values = [one.get(code, lambda: choose.randint(0, 99))() for _ in range(count)]
    flags = testbuffer.ND_WRITABLE
    flags |= choose.choice([0, testbuffer.ND_PIL, testbuffer.ND_FORTRAN])
    if 0 in shape:
        flags &= ~testbuffer.ND_PIL
    return testbuffer.ndarray(values or [one.get(code, lambda: 0)()], shape=shape, format=code, flags=flags)


def test_views_of_random_memoryviews_agree_with_memoryview():
    choose = random.Random(3118)
    compared = sliced = refused = 0
    while compared < 3000:
        exporter = random_ndarray(choose)
        theirs = memoryview(exporter)
        if not (isinstance(exporter.format, str) and exporter.ndim):
            continue
        ours = View(exporter)
        expected = exporter.tolist()
        assert ours.tolist() == expected, (exporter.format, exporter.shape)
        assert (ours.shape, ours.strides, ours.suboffsets) == (theirs.shape, theirs.strides, theirs.suboffsets)
        assert (ours.nbytes, ours.itemsize, ours.format) == (theirs.nbytes, theirs.itemsize, theirs.format)
        assert (ours.readonly, ours.ndim, len(ours)) == (theirs.readonly, theirs.ndim, len(theirs))
        assert ours.tobytes() == theirs.tobytes()
        assert [ours.tobytes(order) for order in "FA"] == [theirs.tobytes(order) for order in "FA"]
        assert ours.contiguous == theirs.contiguous or ours.nbytes == 0
        assert nested(ours) == expected
        assert ours == theirs or ours.format not in "Bhd"
        compared += 1
        slices = tuple(random_slice(choose, length) for length in ours.shape)
        their_part = exporter
        try:
            their_part = exporter[slices if len(slices) > 1 else slices[0]]
        except (ValueError, TypeError, NotImplementedError):
            continue  # CPython's exporter does not support these slices.
        try:
            part = ours[slices]
        except BufferError as error:
            # A negative step in a dimension after a pointer would need a negative suboffset.
            assert "less than 0" in str(error)
            refused += 1
            continue
        if part.nbytes:
            assert part.tolist() == their_part.tolist(), (exporter.shape, slices)
            assert part.tobytes() == their_part.tobytes()
        sliced += 1
    assert sliced > 2000
    assert refused < 500


def test_an_index_removes_a_dimension_of_an_indirect_array():
    values = list(range(24))
    for flags in (0, testbuffer.ND_PIL):
        view = View(testbuffer.ndarray(values, shape=[2, 3, 4], format="i", flags=flags))
        assert bool(view.suboffsets) == bool(flags)
        for i in range(-2, 2):
            assert view[i].tolist() == [[12 * (i % 2) + 4 * j + k for k in range(4)] for j in range(3)]
            for j in range(-3, 3):
                assert view[i, j].tolist() == [12 * (i % 2) + 4 * (j % 3) + k for k in range(4)]
                assert view[i, j, -1] == 12 * (i % 2) + 4 * (j % 3) + 3
        assert view[..., 2].tolist() == [[2, 6, 10], [14, 18, 22]]
        assert view[1, ..., 2].tolist() == [14, 18, 22]
        assert view[1, 2, 3, ...].tolist() == 23
        assert view[...].tolist() == view.tolist()
        assert [row.tolist() for row in view] == view.tolist()
        assert [row.tolist() for row in reversed(view)] == view.tolist()[::-1]


def test_invalid_indices_are_refused():
    view = View(ctypes.c_double(1.5))
    assert (view.shape, view[()], view.tolist(), view[...].shape) == ((), 1.5, 1.5, ())
    with pytest.raises(TypeError, match="0-dim view has no length"):
        len(view)
    view = View(b"abc")
    assert list(view) == [97, 98, 99] and view[-1] == 99 and view[True] == 98
    for key in (3, -4, 2**70, (0, 0)):
        with pytest.raises(IndexError):
            view[key]
    for key in (1.0, None, b"x"):
        with pytest.raises(TypeError):
            view[key]
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        view[::0]
    assert view[-(2**70) : 2**70].tobytes() == b"abc"
    with pytest.raises(IndexError, match="ellipsis"):
        view[..., ...]


def test_records_are_named_tuples():
    data = struct.pack("<hd", 1, 2.5) + struct.pack("<hd", 3, 4.5)
    view = View(data).cast("T{<h:a:<d:b:}")
    assert view.tolist() == [(1, 2.5), (3, 4.5)]
    assert (view[1].a, view[1].b) == (3, 4.5)
    assert view.fields == ("a", "b")
    assert (view["b"].tolist(), view["b"].strides, view["b"].format) == ([2.5, 4.5], (10,), "<d")
    assert "float64" in view.explain() and "10 bytes" in view.explain()
    # Fields without names are called f0, f1 and so on.
    view = View(data).cast("<hd")
    assert (view.fields, view["f1"].tolist()) == (("f0", "f1"), [2.5, 4.5])


def test_a_failed_assignment_changes_no_item():
    memory = bytearray(24)
    view = View(memory).cast("T{<h:a:2x<d:b:}")
    memory[2:4] = b"zz"
    view[0] = (1, 2.5)
    assert bytes(memory[:12]) == struct.pack("<h2sd", 1, b"zz", 2.5)
    before = bytes(memory)
    for value in [(1, "x"), (40000, 1.0), (1,), 5, "ab", [1, 2, 3]]:
        with pytest.raises((TypeError, ValueError)):
            view[0] = value
        assert bytes(memory) == before
    # The last record of the list does not fit, so no record is written.
    with pytest.raises(ValueError):
        view[:] = [(7, 7.0), (40000, 1.0)]
    assert bytes(memory) == before
    view[:] = [(7, 7.0), (8, 8.0)]
    assert view.tolist() == [(7, 7.0), (8, 8.0)]
    assert memory[2:4] == b"zz"
    # One record is assigned to all items.
    view[...] = (5, 5.0)
    assert view.tolist() == [(5, 5.0), (5, 5.0)]
    view["b"][::-1] = [1.0, 2.0]
    assert view["b"].tolist() == [2.0, 1.0]
    with pytest.raises(ValueError, match="3 values for 2 items of dimension 0"):
        view["a"][:] = [1, 2, 3]


def test_slices_are_assigned_from_buffers_lists_and_values():
    numbers = array.array("i", range(6))
    view = View(numbers)
    view[1:4] = array.array("i", [10, 20, 30])
    assert list(numbers) == [0, 10, 20, 30, 4, 5]
    view[::-2] = (7, 8, 9)
    assert list(numbers) == [0, 9, 20, 8, 4, 7]
    view[:3] = -1
    assert list(numbers) == [-1, -1, -1, 8, 4, 7]
    # The source and the destination overlap.
    view[:] = array.array("i", range(6))
    view[1:] = view[:-1]
    assert list(numbers) == [0, 0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="for shape"):
        view[:2] = array.array("i", [1])
    with pytest.raises(ValueError, match=r"index \[0\]: 1.5 cannot be converted"):
        view[:2] = array.array("d", [1.5, 2])
    with pytest.raises(TypeError):
        view[:2] = "ab"
    with pytest.raises(TypeError, match="cannot delete"):
        del view[0]
    with pytest.raises(TypeError, match="read-only"):
        View(b"abc")[0] = 1
    with pytest.raises(TypeError, match="read-only"):
        view.toreadonly()[0] = 1
    strings = View(bytearray(6)).cast("3s")
    strings[:] = b"ab"
    assert strings.tolist() == [b"ab\0", b"ab\0"]
    grid = View(bytearray(6)).cast("B", (2, 3))
    grid[:, 1] = [5, 6]
    grid[1] = memoryview(b"xyz")
    assert grid.tolist() == [[0, 5, 0], list(b"xyz")]
    grid[:] = [[1, 2, 3], [4, 5, 6]]
    assert grid.tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(ValueError):
        grid[:] = [[1, 2, 3], [4, 5]]
    assert grid.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_conversion_that_releases_the_view_is_an_error():
    memory = bytearray(8)
    view = View(memory)

    class Index:
        def __index__(self):
            view.release()
            return 1

    with pytest.raises(ValueError, match="released"):
        view[Index()]
    view = View(memory)
    with pytest.raises(ValueError, match="released"):
        view[Index()] = 1
    view = View(memory)
    # The conversion of the value releases the view. Nothing is written, as in memoryview.
    with pytest.raises(ValueError, match="released"):
        view[0] = Index()
    assert memory[0] == 0
    memory.append(0)

    row = [1, 2, 3]

    class Shrinks:
        def __index__(self):
            row.clear()
            return 5

    view = View(bytearray(3))
    row[:] = [Shrinks(), 2, 3]
    view[:] = row
    assert view.tolist() == [5, 2, 3]


def test_views_have_equality_and_a_hash():
    assert View(b"abc") == b"abc" and View(b"abc") != b"abd" and View(b"abc") != b"abcd"
    assert View(array.array("d", [1.0])) == array.array("i", [1])
    nan = array.array("d", [float("nan")])
    assert View(nan) != View(nan)
    assert View(b"abc") != "abc" and View(b"abc") != 3
    assert hash(View(b"abc")) == hash(b"abc")
    with pytest.raises(ValueError, match="writable"):
        hash(View(bytearray(b"abc")))
    with pytest.raises(ValueError, match="formats"):
        hash(View(b"abcd").cast("<i"))
    with pytest.raises(TypeError):
        View(b"abc") < View(b"abd")  # noqa: B015
    released = View(b"abc")
    released.release()
    assert released == released and released != b"abc"
    assert repr(released) == "<pep3118.View of released memory>"


def test_a_cast_interprets_the_bytes_with_another_format():
    view = View(bytes(range(12)))
    assert view.cast("<i").shape == (3,)
    assert view.cast(b"<h", [2, 3]).tolist() == memoryview(bytes(range(12))).cast("h", [2, 3]).tolist()
    # A view of any format can be cast, not only a view of bytes.
    assert view.cast("<i").cast("<h").tolist() == list(struct.unpack("<6h", bytes(range(12))))
    assert view.cast("<i").cast("B", (12,)).tobytes() == bytes(range(12))
    assert View(b"\1\0\0\0").cast("<i", ()).tolist() == 1
    assert View(b"").cast("<i", (0, 5)).tolist() == []
    for format, shape in [("5s", None), ("<i", (2,)), ("<i", (-1, -3)), ("0s", None), ("<i", (1,) * 65)]:
        with pytest.raises(ValueError):
            view.cast(format, shape)
    with pytest.raises(CastError, match="not contiguous"):
        view[::2].cast("<h")
    assert View(view[::2].tobytes()).cast("<h").shape == (3,)
    with pytest.raises(FormatError):
        view.cast("T{i")
    with pytest.raises(TypeError):
        view.cast(3)
    # The memory does not limit the number of items of 0 bytes.
    with pytest.raises(ValueError):
        View(b"").cast("0s", (2**40,))


def test_ambiguous_formats_say_how_to_choose():
    exporter = testbuffer.ndarray([0] * 24, shape=[24], format="B")
    with pytest.raises(FormatError) as info:
        View(exporter).cast("T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}")[0]
    assert "dialect='" in str(info.value) and "help: choose one: `.cast(" in str(info.value)
    with pytest.raises(ValueError, match="unknown dialect `fortran`"):
        View(b"abc", dialect="fortran")


def test_the_type_takes_precedence_over_the_format():
    class Structure(ctypes.Structure):
        _fields_ = [("a", ctypes.c_byte), ("b", ctypes.c_int)]

    class Number(ctypes.Union):
        _fields_ = [("i", ctypes.c_uint32), ("f", ctypes.c_float)]

    # Before 3.12 ctypes writes no padding, and `B` for a union.
    item = Structure(1, 2)
    assert View(item)[()] == View(memoryview(item))[()] == (1, 2)
    assert View(View(item))[()] == (1, 2)
    assert View(Number(f=1.0))["f"][()] == 1.0
    # The argument `format` takes precedence over the type.
    assert View(item, format="T{b:x:3x<i:y:}")[()].y == 2
    with pytest.raises(FormatError, match="itemsize is 8 bytes"):
        View(item, format="<i")


def test_broken_metadata_raises_buffer_rule_error():
    exporter = testbuffer.ndarray(list(range(6)), shape=[6], format="B")
    assert View(exporter, dialect="struct").tolist() == list(range(6))

    class Structure(ctypes.Structure):
        _fields_ = [("a", ctypes.c_byte), ("b", ctypes.c_int)]

    if sys.version_info < (3, 12):
        with pytest.raises(BufferRuleError, match="itemsize is 8 bytes") as info:
            View(Structure(), dialect="ctypes")
        assert info.value.rule == "A07"
    with pytest.raises(
        TypeError, match=r"`format` is a str, bytes, Format, numpy.dtype, ctypes class or record class, not int"
    ):
        View(b"", format=1)


@pytest.mark.parametrize(
    ("value", "help"),
    [
        (1, "give bytes, an array"),
        (None, "give bytes, an array"),
        ("text", r"View\(text.encode\(\)\)"),
        ([1, 2], r"View\(array.array\('d', values\)\)"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("<h",), (None, "numpy")])
def test_a_value_without_a_buffer_is_refused_with_a_help_line(value, help, arguments):
    message = f"^a bytes-like object is required, not '{type(value).__name__}'\nhelp: {help}"
    with pytest.raises(TypeError, match=message):
        View(value, *arguments)


def test_the_help_line_of_a_list_works():
    assert View(array.array("d", [1, 2])).tolist() == [1, 2]
    assert View(pack("<hd", 1, 2.5), "<hd").tolist() == [(1, 2.5)]


def test_a_view_is_an_exporter():
    view = View(bytearray(b"abcdef"))[::2]
    theirs = memoryview(view)
    assert (theirs.tolist(), theirs.strides, theirs.obj is view) == ([97, 99, 101], (2,), True)
    with pytest.raises(BufferError, match=r"View has 1 exported buffer$"):
        view.release()
    theirs.release()
    view.release()
    view.release()
    with pytest.raises(ValueError, match="operation forbidden on released View"):
        memoryview(view)
    for use in (len, list, repr, bytes):
        if use is not repr:
            with pytest.raises((ValueError, BufferError, TypeError)):
                use(view)
    with View(b"abc") as view:
        assert view[0] == 97
    with pytest.raises(ValueError, match="released"):
        view[0]
    with pytest.raises(ValueError, match="released"), view:
        pass
    # A slice keeps the memory alive after the release of its view.
    whole = View(bytearray(b"abc"))
    part = whole[1:]
    whole.release()
    assert part.tolist() == [98, 99]


def test_a_view_names_its_dialect_and_certainty():
    assert View((ctypes.c_wchar * 2)("a", "b")).dialect == "ctypes"
    assert View(memoryview(array.array("i", [1]))).obj is not None
    assert View(b"abc").certainty == "exact"
    assert View(View(b"abc")).tolist() == [97, 98, 99]
    assert pep3118.View is View


def test_verify_getbuf_of_cpython_accepts_views():
    test_buffer = pytest.importorskip("test.test_buffer")
    case = test_buffer.TestBufferProtocol()
    case.setUp()
    requests = [
        getattr(testbuffer, name)
        for name in dir(testbuffer)
        if name.startswith("PyBUF_") and name not in ("PyBUF_READ", "PyBUF_WRITE")
    ]
    requests += [request | testbuffer.PyBUF_FORMAT for request in requests]
    choose = random.Random(26)
    verified = 0
    while verified < 300:
        exporter = random_ndarray(choose)
        if "s" in exporter.format:
            continue
        view = View(exporter)
        # CPython's checks do not support slices of arrays of pointers.
        sliced = not view.suboffsets and choose.random() < 0.5
        if sliced:
            try:
                view = view[tuple(random_slice(choose, length) for length in view.shape)]
            except BufferError:
                continue
        if not view.nbytes:
            continue  # CPython's checks create an array of the same items, and cannot create an empty array.
        if choose.random() < 0.3:
            view = view.toreadonly()
        for request in requests:
            case.verify_getbuf(view, view, request, sliced=sliced)
        verified += 1


def test_structures_of_ctypes_are_read_right_or_refused():
    choose = random.Random(3118)
    scalars = [
        ctypes.c_byte, ctypes.c_ubyte, ctypes.c_short, ctypes.c_int, ctypes.c_long, ctypes.c_float, ctypes.c_double,
        ctypes.c_bool, ctypes.c_char, ctypes.c_wchar, ctypes.c_size_t, ctypes.c_longdouble,
    ]  # fmt: skip
    swappable = [ctypes.c_byte, ctypes.c_short, ctypes.c_int, ctypes.c_longlong, ctypes.c_float, ctypes.c_double]
    array_type = type(ctypes.c_int * 1)

    def field(depth, base):
        if base is ctypes.BigEndianStructure:
            kind = choose.choice(swappable)
        elif depth and choose.random() < 0.3:
            kind = structure(depth - 1)
        else:
            kind = choose.choice(scalars)
        while choose.random() < 0.2:
            kind = kind * choose.choice([1, 2, 3])
        return kind

    def structure(depth):
        base = choose.choices([ctypes.Structure, ctypes.BigEndianStructure, ctypes.Union], [73, 15, 12])[0]
        space = {"_pack_": choose.choice([1, 2, 4])} if choose.random() < 0.3 else {}
        if space and sys.version_info >= (3, 14):
            space["_layout_"] = "ms"
        fields = [(f"f{index}", field(depth, base)) for index in range(choose.randrange(1, 5))]
        if base is ctypes.Structure and choose.random() < 0.1:
            fields = [(name, kind, 5) if kind is ctypes.c_int else (name, kind) for name, kind in fields]
        if base is ctypes.Structure and choose.random() < 0.1:
            base = type("Base", (ctypes.Structure,), {"_fields_": [("b0", choose.choice(scalars))]})
        return type("Random", (base,), {**space, "_fields_": fields})

    def expected_value(kind, memory, offset=0, big=False, is_field=False):
        """Returns the value of type `kind` that ctypes reads at the byte `offset` of `memory`: a list for an array,
        a tuple for a structure, and `...` for a bit-field. `big` is the byte order of a number. `is_field` is true for
        the direct type of a field, in which an array of characters is one `bytes` or `str`."""
        if isinstance(kind, array_type):
            size = ctypes.sizeof(kind._type_)
            if kind._type_ in (ctypes.c_char, ctypes.c_wchar) and is_field:
                # The attribute of a structure is one `bytes` or `str`.
                return kind.from_buffer_copy(memory, offset).value
            return [expected_value(kind._type_, memory, offset + index * size, big) for index in range(kind._length_)]
        if issubclass(kind, (ctypes.Structure, ctypes.Union)):
            big = issubclass(kind, ctypes.BigEndianStructure)
            values = []
            for owner in reversed(kind.__mro__):
                for name, inner, *bits in owner.__dict__.get("_fields_", []):
                    start = offset + owner.__dict__[name].offset
                    values.append(... if bits else expected_value(inner, memory, start, big, True))
            return tuple(values)
        return (kind.__ctype_be__ if big else kind).from_buffer_copy(memory, offset).value

    def same(ours, theirs):
        """Returns whether `ours` equals `theirs`, a result of `expected_value`. `...` equals any integer or bool."""
        if theirs is ...:
            return isinstance(ours, (int, bool))
        if isinstance(theirs, (list, tuple)):
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        return type(ours) is type(theirs) and (ours == theirs or ours != ours)

    counts = {"read": 0, "refused": 0}
    for _ in range(2000):
        kind = structure(choose.choice([0, 1, 2]))
        item = (kind * 2)()
        # Values that consist of the bytes 0 and 1 are valid for most types. A wide character can still be invalid.
        memory = memoryview(item).cast("B")
        memory[:] = bytes(choose.choice([0, 0, 1]) for _ in range(len(memory)))
        try:
            expected = [expected_value(kind, memory, index * ctypes.sizeof(kind)) for index in range(2)]
        except ValueError:
            continue  # ctypes refuses a value that is not a character.
        try:
            read = View(item).tolist()
        except (FormatError, BufferRuleError):
            counts["refused"] += 1
            continue
        assert same(read, expected), (View(item).format, kind._fields_)
        counts["read"] += 1
    assert counts["read"] > 400 and counts["refused"] < 20, counts


@pytest.mark.parametrize(
    ("format", "size", "name"),
    [
        ("T{<h:x:<h:x:}", 4, "x"),
        ("T{<i:x:<h:x:}", 6, "x"),
        ("T{BB:f0:}", 2, "f0"),
        ("T{B:a.b:T{B:b:}:a:}", 2, "a.b"),
        ("T{T{B:b:}:a:T{B:b:}:a:}", 2, "a.b"),
        ("T{B:f1.b:T{B:b:}}", 2, "f1.b"),
    ],
)
def test_a_name_of_several_fields_is_refused(format, size, name):
    view = View(Exporter(bytearray(size), format=format))
    for read in (
        lambda: view[name],
        view.columns,
        lambda: view.columns(name),
    ):
        with pytest.raises(KeyError, match=f"several fields are called '{re.escape(name)}'"):
            read()
    assert len(view.tolist()[0]) == 2
    # The help of the message works.
    exporter = Exporter(bytearray(size), format=format)
    assert list(View(exporter, format=f"T{{{size}B:all:}}").columns()) == ["all"]


EMPTY_AND_FULL = [
    slice(None),
    slice(1, 1),
    slice(3, None),
    slice(None, None, -1),
    slice(2, 0, -1),
    slice(5, 9),
    slice(0, 0, -1),
    slice(None, None, 2),
]


@pytest.mark.parametrize("rows", EMPTY_AND_FULL)
@pytest.mark.parametrize("columns", EMPTY_AND_FULL)
def test_slices_of_indirect_views_can_be_empty_and_sliced_again(rows, columns):
    memory = [ctypes.create_string_buffer(b"abcd", 4) for _ in range(3)]
    pointers = (ctypes.c_void_p * 3)(*map(ctypes.addressof, memory))
    exporter = Exporter(memoryview(pointers).cast("B"), shape=[3, 4], strides=[8, 1], suboffsets=[0, -1])
    expected = [list(b"abcd")[columns]] * len(range(3)[rows])
    view = View(exporter)[rows, columns]
    assert view.tolist() == expected
    for again in EMPTY_AND_FULL:
        assert view[again].tolist() == expected[again]
        assert view[:, again].tolist() == [row[again] for row in expected]
    empty = View(Exporter(b"", shape=[0, 4], strides=[8, 1], suboffsets=[0, -1]))
    assert empty[rows, columns].tolist() == empty[::-1, columns][rows].tolist() == []


def test_arrow_has_each_field_of_a_repeated_name():
    pa = pytest.importorskip("pyarrow")
    table = pa.table(View(Exporter(bytearray(b"\x01\x02"), format="T{B:a:B:a:}")))
    assert [column.to_pylist() for column in table.columns] == [[1], [2]]


@pytest.mark.parametrize(
    ("format", "size", "name"),
    [
        ("T{T{B:b:}:a:}", 1, "a.b"),
        ("T{T{B:b:}::}", 1, ".b"),
        ("T{B::}", 1, ""),
        ("T{T{BB}}", 2, "f0.f1"),
        ("T{B:a.b:T{B:c:}:a:}", 2, "a.b"),
        ("T{B:a.b.c:T{B:c:}:a.b.:}", 2, "a.b..c"),
    ],
)
def test_dotted_names_of_columns_are_names_of_fields(format, size, name):
    view = View(Exporter(bytearray(range(size)), format=format))
    assert name in view.columns()
    for column, values in view.columns().items():
        assert view[column].tolist() == values.tolist() == view.columns(column)[column].tolist()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")
@pytest.mark.parametrize(
    "use",
    [
        lambda exporter: View(bytearray(4)) == exporter,
        lambda exporter: View(bytearray(4)).__setitem__(slice(None), exporter),
        lambda exporter: View(exporter, "i"),
        pep3118.Exporter,
    ],
    ids=["compare", "assign", "open", "export"],
)
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_an_exception_of_an_exporter_reaches_the_caller(use, error):
    class Exporter:
        requests = 0

        def __buffer__(self, flags):
            self.requests += 1
            if self.requests == 1:
                raise error
            return memoryview(bytearray(4))

    exporter = Exporter()
    with pytest.raises(error):
        use(exporter)
    assert exporter.requests == 1
