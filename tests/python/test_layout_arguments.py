"""Tests of the functions that accept a layout: a str, bytes, Format, NumPy dtype, ctypes class or record class."""

import ctypes
import mmap
import struct

import pytest

import pep3118
from pep3118 import Exporter, Format, FormatError, View, calcsize, diff, layout_of
from pep3118 import struct as pep3118_struct

np = pytest.importorskip("numpy")


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int8), ("y", ctypes.c_int32)]


class Tick:
    """A record class: the attribute `__pep3118_format__` has the layout."""

    __pep3118_format__ = Format("T{<h:id:<d:price:}")


RECORD = np.dtype({"names": ["a", "b"], "formats": ["u1", ">i4"], "offsets": [0, 3], "itemsize": 8})
LAYOUTS = {
    "str": ("T{<h:id:<d:price:}", 10),
    "bytes": (b"T{<h:id:<d:price:}", 10),
    "Format": (Format("T{<h:id:<d:price:}"), 10),
    "dtype": (RECORD, 8),
    "ctypes class": (Point, 8),
    "record class": (Tick, 10),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_function_accepts_the_layout(name):
    layout, size = LAYOUTS[name]
    memory = bytes(range(2 * size))
    assert View(memory, layout).itemsize == size
    assert View(memory, layout) == View(memory).cast(layout)
    assert Exporter(memory, format=layout).itemsize == size
    assert calcsize(layout) == size
    assert pep3118_struct.calcsize(layout) == size
    assert pep3118_struct.Struct(layout).size == size
    assert len(list(pep3118_struct.iter_unpack(layout, memory))) == 2
    assert Format(layout).itemsize == size
    assert not diff(layout, Format(layout))


def test_a_view_with_a_dtype_has_the_values_of_numpy():
    memory = bytes(range(32))
    assert View(memory, RECORD).tolist() == np.frombuffer(memory, RECORD).tolist()


def test_a_view_with_a_ctypes_class_has_the_values_of_ctypes():
    memory = bytearray(range(32))
    points = (Point * 4).from_buffer(memory)
    assert View(memory, Point).tolist() == [(point.x, point.y) for point in points]


def test_a_view_with_a_record_class_has_the_values_of_struct():
    memory = struct.pack("<hd", 7, 9.5)
    assert View(memory, Tick).tolist() == [struct.unpack("<hd", memory)]
    assert pep3118_struct.unpack(Tick, memory) == (struct.unpack("<hd", memory),)


def test_a_union_is_read_with_its_class():
    class Word(ctypes.Union):
        _fields_ = [("i", ctypes.c_int32), ("f", ctypes.c_float)]

    word = Word(f=1.5)
    assert View(bytes(word), Word).tolist() == [(word.i, word.f)]


def test_layout_of_returns_the_layout_of_a_layout():
    assert layout_of("<i") == Format("<i")
    assert layout_of(Tick) is not None and layout_of(Tick) == Tick.__pep3118_format__
    assert layout_of(RECORD) == Format.from_dtype(RECORD)
    assert layout_of(Point) == Format.from_ctypes(Point)


def test_layout_of_bytes_is_the_layout_of_their_items():
    assert layout_of(b"<i") == Format("B")


def test_layout_of_a_view_has_what_no_format_describes():
    class Word(ctypes.Union):
        _fields_ = [("i", ctypes.c_int32), ("f", ctypes.c_float)]

    assert layout_of(View(Word())) == Format.from_ctypes(Word)


def test_bytes_and_mmap_are_cast_to_the_format():
    data = struct.pack("<iqd8s", 1, 2, 3.5, b"tag") * 3
    want = list(struct.iter_unpack("<iqd8s", data))
    with mmap.mmap(-1, len(data)) as memory:
        memory[:] = data
        for exporter in (data, bytearray(data), memory, memoryview(data), memoryview(data).cast("c")):
            with View(exporter, "<iqd8s") as view:
                assert view.tolist() == want
        for exporter in ((ctypes.c_ubyte * len(data)).from_buffer_copy(data), np.frombuffer(data, "i1")):
            assert View(exporter, "<iqd8s").tolist() == want


def test_memory_of_rows_of_bytes_becomes_one_dimension_of_items():
    assert View(memoryview(bytes(12)).cast("B", (3, 4)), "<i").shape == (3,)


def test_a_format_of_one_byte_keeps_the_shape():
    assert View(memoryview(bytes(12)).cast("B", (3, 4)), "b").shape == (3, 4)


def hint(error):
    """Returns the help line of an exception. `error` is the ExceptionInfo of pytest."""
    return str(error.value).rsplit("help: ", 1)[1]


@pytest.mark.parametrize("layout", ["<iq", Format("<iq"), b"<iq"])
def test_the_help_for_a_rest_of_bytes_works(layout):
    obj, format = bytes(30), layout
    with pytest.raises(ValueError, match=r"30 bytes.*12-byte") as error:
        View(obj, format)
    help_line = hint(error)
    assert eval(help_line.split(" covers")[0], {"View": View, "obj": obj, "format": format}).shape == (2,)


def test_the_help_for_items_of_another_size_works():
    obj = np.arange(4, dtype="i4")
    with pytest.raises(FormatError, match=r"4 bytes.*8 bytes") as error:
        View(obj, "<d")
    call = hint(error).split("`")[1]
    assert eval(call, {"View": View, "obj": obj}).tolist() == obj.view("<f8").tolist()
    with pytest.raises(ValueError, match=r"items of 4 bytes.*items of 8 bytes"):
        View(obj, np.dtype("<f8"))


def test_the_help_for_bytes_that_are_not_contiguous_works():
    obj = memoryview(bytes(range(16)))[::2]
    with pytest.raises(ValueError, match=r"8 bytes.*4 bytes") as error:
        View(obj, "<i")
    call = hint(error).split(" reads")[0]
    assert eval(call, {"View": View, "obj": obj}).tobytes() == bytes(obj)


def test_too_little_memory_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match=r"5 bytes.*28 bytes"):
        View(bytes(5), "<iqd8s")


def test_a_cast_that_leaves_a_rest_names_a_cast_that_works():
    view = View(bytes(10))
    with pytest.raises(ValueError, match="10 bytes are not a multiple of the 4-byte") as error:
        view.cast("<i")
    call = hint(error).split(" covers")[0].replace("…", "'<i'")
    assert eval(call, {"view": view}).shape == (2,)


@pytest.mark.parametrize(
    ("call", "function"),
    [
        ("View(b'12345678', 'ib')", View),
        ("View(b'12345678').cast('ib')", View.cast),
        ("Exporter(bytes(8), format='ib')", Exporter),
    ],
)
def test_the_help_for_an_ambiguous_format_is_an_argument_of_the_call(call, function):
    names = {"View": View, "Exporter": Exporter, "Format": Format}
    with pytest.raises(FormatError, match="choose one") as error:
        eval(call, names)
    help_line = hint(error)
    assert f"{function.__name__}(" in help_line and "dialect='native-c'" in help_line
    if function is Exporter:
        assert Exporter(bytes(8), format=Format("ib", dialect="native-c")).itemsize == 8
    else:
        assert eval(call[:-1] + ", dialect='native-c')", names).itemsize == 8


@pytest.mark.parametrize("name", ["<f4", "<i8", "i8", ">u2", "f8", "<c16", "S5", "|b1"])
def test_a_dtype_string_gets_the_format_that_it_means(name):
    for call in (
        lambda: Format(name),
        lambda: View(bytes(80)).cast(name),
        lambda: calcsize(name),
        lambda: View(bytes(80), name),
    ):
        with pytest.raises(FormatError) as error:
            call()
        meant = hint(error).split("`")[1]
        assert Format(meant).to_dtype() == np.dtype(name), meant


def test_an_unknown_dialect_gets_the_nearest_name():
    for call in (
        lambda: View(b"", dialect="nupmy"),
        lambda: View(b"").cast("i", dialect="nupmy"),
        lambda: Format("i", dialect="nupmy"),
    ):
        with pytest.raises(ValueError, match="did you mean `numpy`"):
            call()


@pytest.mark.parametrize("value", [5, 1.5, [1], np.float32, np.zeros(1), Point(), int, None])
def test_an_object_without_a_layout_is_refused_by_the_name_of_the_argument(value):
    with pytest.raises(TypeError, match="`format` is a str, bytes, Format"):
        View(b"").cast(value)
    if value is not None:
        with pytest.raises(TypeError, match="`fmt` is a str, bytes, Format"):
            Format(value)


def test_a_record_class_with_another_attribute_is_refused():
    class Wrong:
        __pep3118_format__ = "<i"

    with pytest.raises(TypeError, match="`__pep3118_format__` of a record class is a Format, not str"):
        View(bytes(4), Wrong)


def test_a_dialect_beside_a_layout_without_text_is_refused():
    for call in (
        lambda: View(bytes(8), RECORD, "numpy"),
        lambda: View(bytes(8)).cast(RECORD, dialect="numpy"),
        lambda: Format(RECORD, dialect="numpy"),
    ):
        with pytest.raises(TypeError, match="`dialect`"):
            call()


def test_a_format_of_a_format_is_read_again_with_the_given_dialect():
    ambiguous = Format("ib")
    assert ambiguous.certainty == "ambiguous"
    assert Format(ambiguous, dialect="native-c").itemsize == 8
    assert Format(Tick) == Tick.__pep3118_format__


def test_an_ambiguous_format_object_is_refused():
    for call in (
        lambda: View(bytes(8), Format("ib")),
        lambda: View(bytes(8)).cast(Format("ib")),
        lambda: calcsize(Format("ib")),
    ):
        with pytest.raises(FormatError, match="dialect='native-c'"):
            call()


def test_a_layout_of_another_machine_is_read_with_its_sizes():
    windows = Format("l", model="llp64")
    view = View(struct.pack("<2i", 1, -2), windows)
    assert view.tolist() == [1, -2]
    assert memoryview(view).itemsize == struct.calcsize(memoryview(view).format) == 4


def test_an_exporter_of_a_dtype_is_read_as_the_dtype():
    assert np.asarray(Exporter(bytes(range(16)), format=RECORD)).dtype == RECORD


def test_an_exporter_refuses_a_layout_that_no_format_describes():
    class Word(ctypes.Union):
        _fields_ = [("i", ctypes.c_int32), ("f", ctypes.c_float)]

    with pytest.raises(ValueError, match="fields share bytes"):
        Exporter(bytes(4), format=Word)


def test_a_structure_whose_fields_are_set_later_is_not_cached():
    class Later(ctypes.Structure):
        pass

    assert pep3118_struct.calcsize(Later) == 0
    Later._fields_ = [("x", ctypes.c_int32)]
    assert pep3118_struct.calcsize(Later) == 4


def test_memory_with_references_is_read_only_with_another_layout():
    array = np.array([object()], dtype=object)
    assert View(array, np.dtype("u8")).readonly


def test_calls_with_a_format_object_are_as_those_with_its_text():
    format = Format("<3ih")
    data = struct.pack("<3ih", 1, 2, 3, 4)
    assert pep3118_struct.unpack(format, data) == struct.unpack("<3ih", data)
    assert pep3118_struct.pack(format, 1, 2, 3, 4) == data
    assert pep3118.struct.Struct(format).format == "<3ih"


@pytest.mark.parametrize("call", [Format, View(bytes(8)).cast, lambda layout: View(bytes(8), layout)])
def test_classes_without_fields_are_refused_with_the_next_step(call):
    with pytest.raises(TypeError, match=r"Structure.* has no size: give a structure or a union that has `_fields_`"):
        call(ctypes.Structure)
    with pytest.raises(TypeError, match="help: give a class that is derived from Record"):
        call(pep3118.Record)
    with pytest.raises(TypeError, match="help: the class of the object is a layout"):
        call(pep3118.Record.from_format(Format("T{<h:a:}"))(1))
