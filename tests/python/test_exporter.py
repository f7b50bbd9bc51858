"""Tests of `Exporter`."""

import array
import ctypes
import gc
import mmap
import struct
import weakref

import pytest

from pep3118 import BufferRuleError, Exporter, FormatError, audit, check


def test_bytes_are_exported_as_items_of_the_format():
    memory = bytearray(struct.pack("6i", *range(6)))
    rows = Exporter(memory, format="i", shape=(2, 3))
    view = memoryview(rows)
    assert view.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (view.format, view.itemsize, view.nbytes, view.strides, view.readonly) == ("i", 4, 24, (12, 4), False)
    view[1, 2] = 9
    assert struct.unpack_from("i", memory, 20) == (9,)
    assert view.obj is rows


def test_missing_arguments_are_derived():
    plain = Exporter(b"abc")
    assert (plain.format, plain.itemsize, plain.shape, plain.strides, plain.readonly) == ("B", 1, (3,), (1,), True)
    assert Exporter(bytes(17), format="d", offset=1).shape == (2,)
    one = Exporter(bytes(8), format="d", shape=())
    assert (one.ndim, one.nbytes, memoryview(one).tolist()) == (0, 8, 0.0)
    null = Exporter(b"abc", format=None)
    assert null.format is None and memoryview(null).format == "B"
    with pytest.raises(ValueError, match="1 byte of memory is not a multiple of the 2-byte item size"):
        Exporter(b"1", format="<h")
    with pytest.raises(ValueError, match="7 bytes of memory are not a multiple of the 2-byte item size"):
        Exporter(bytes(7), format="h")
    with pytest.raises(ValueError, match="need a shape"):
        Exporter(bytes(8), strides=(2,))


def test_any_strides_inside_the_memory_are_exported():
    backwards = Exporter(b"abcdef", format="c", shape=(3,), strides=(-2,), offset=5)
    assert memoryview(backwards).tolist() == [b"f", b"d", b"b"]
    columns = Exporter(bytes(range(6)), shape=(2, 3), strides=(1, 2))
    assert memoryview(columns).tolist() == [[0, 2, 4], [1, 3, 5]]
    assert (columns.c_contiguous, columns.f_contiguous, columns.contiguous) == (False, True, True)
    same = Exporter(b"ab", shape=(3, 2), strides=(0, 1))
    assert bytes(memoryview(same)) == b"ababab"
    nothing = Exporter(b"", format="d", shape=(0, 5))
    assert memoryview(nothing).tolist() == []


def test_consumers_follow_suboffsets():
    rows = [ctypes.create_string_buffer(text, 3) for text in (b"abc", b"def")]
    table = array.array("P" if "P" in array.typecodes else "Q", [ctypes.addressof(row) for row in rows])
    width = ctypes.sizeof(ctypes.c_void_p)
    planes = Exporter(table, shape=(2, 3), strides=(width, 1), suboffsets=(0, -1), format="c")
    assert planes.suboffsets == (0, -1)
    assert memoryview(planes)[1, 2] == b"f"
    with pytest.raises(BufferError, match="reached through pointers, which SIMPLE cannot report"):
        check(planes, "SIMPLE")
    report = audit(planes)
    assert report, report


def test_metadata_outside_the_memory_breaks_a_rule():
    for fields, rule in [
        ({"shape": (4,), "strides": (4,)}, "D06"),
        ({"shape": (13,)}, "D06"),
        ({"shape": (3,), "strides": (-4,)}, "D06"),
        ({"offset": 12, "shape": (1,)}, "D02"),
        ({"offset": -1}, "D02"),
        ({"offset": 1 << 62, "shape": (1,)}, "D02"),
        ({"shape": (-1,)}, "A17"),
        ({"shape": (1 << 62, 4)}, "A06"),
        ({"shape": (1,) * 65}, "A13"),
        ({"shape": (2, 2), "strides": (2,)}, "A16"),
        ({"shape": (2,), "strides": (1,), "suboffsets": (-1,)}, "A21"),
        ({"shape": (2, 2), "strides": (1 << 62, 1 << 62)}, "D07"),
    ]:
        with pytest.raises(BufferRuleError) as info:
            Exporter(bytes(12), **fields)
        assert info.value.rule == rule, (fields, info.value)
        assert info.value.findings[0].rule == rule


def test_a_format_that_contradicts_the_itemsize_is_refused():
    with pytest.raises(BufferRuleError, match="itemsize is 8 bytes but format `<i` describes 4 bytes") as info:
        Exporter(bytes(16), format="<i", itemsize=8)
    assert info.value.rule == "A07"
    with pytest.raises(FormatError) as info:
        Exporter(bytes(16), format="T{i")
    assert info.value.span == (3, 3)
    with pytest.raises(ValueError, match="NUL"):
        Exporter(bytes(8), format="T{i:a\0b:}")
    assert Exporter(bytes(8), format=b"i").format == "i"
    with pytest.raises(TypeError, match="`format` is a str"):
        Exporter(bytes(8), format=1)


def test_readonly_follows_the_memory_or_the_argument():
    assert Exporter(bytearray(4)).readonly is False
    assert Exporter(bytearray(4), readonly=True).readonly is True
    assert Exporter(bytes(4)).readonly is True
    with pytest.raises(BufferError):
        Exporter(bytes(4), readonly=False)
    with pytest.raises(TypeError):
        Exporter(7)
    with pytest.raises(BufferError):
        Exporter(memoryview(bytes(4))[::2])


def test_the_bytes_of_exporters_that_break_rules_can_be_exported():
    union = type("U", (ctypes.Union,), {"_fields_": [("a", ctypes.c_int), ("b", ctypes.c_double)]})
    assert memoryview(Exporter(union(), format="d")).tolist() == [0.0]
    numpy = pytest.importorskip("numpy")
    frozen = numpy.arange(4, dtype="i4")
    frozen.flags.writeable = False
    assert Exporter(frozen, format="i").readonly


def test_the_buffer_is_held_until_the_last_export_is_released():
    memory = bytearray(8)
    exporter = Exporter(memory, format="d")
    with pytest.raises(BufferError):
        memory.append(1)
    views = [memoryview(exporter) for _ in range(3)]
    assert exporter.exports == 3
    views.pop().release()
    assert exporter.exports == 2
    del exporter
    with pytest.raises(BufferError):
        memory.append(1)
    views.clear()
    gc.collect()
    memory.append(1)
    with pytest.raises(BufferError, match="read-only"):
        check(Exporter(b"abc"), "WRITABLE")
    assert Exporter(mmap.mmap(-1, 8)).nbytes == 8


class Owner:
    """An object that can have weak references."""


def test_the_owner_of_foreign_memory_lives_until_the_last_release():
    samples = (ctypes.c_short * 4)(1, 2, 3, 4)
    owner = Owner()
    reference = weakref.ref(owner)
    left = Exporter.from_address(
        ctypes.addressof(samples), ctypes.sizeof(samples), owner, format="h", shape=(2,), strides=(4,)
    )
    assert left.obj is owner
    assert left.readonly
    view = memoryview(left)
    del owner, left
    gc.collect()
    assert view.tolist() == [1, 3] and reference() is not None
    del view
    gc.collect()
    assert reference() is None
    writable = Exporter.from_address(ctypes.addressof(samples), 8, samples, format="h", readonly=False)
    memoryview(writable)[3] = 7
    assert samples[3] == 7


@pytest.mark.parametrize(("address", "length"), [(0, 1), (16, -1), ((1 << 64) - 4, 8)])
def test_an_impossible_address_is_refused(address, length):
    with pytest.raises(ValueError, match="there are no"):
        Exporter.from_address(address, length, None)
    assert Exporter.from_address(0, 0, None).nbytes == 0


def test_the_garbage_collector_finds_the_memory():
    memory = bytearray(4)
    exporter = Exporter(memory)
    assert memory in gc.get_referents(exporter)


def test_the_repr_contains_the_metadata():
    assert repr(Exporter(b"abcd", format="h")) == "<Exporter format='h', shape=(2,), strides=(2,), readonly>"


@pytest.mark.parametrize(
    "exporter",
    [
        Exporter(b"abc"),
        Exporter(bytearray(24), format="<i", shape=(6,)),
        Exporter(bytes(6), shape=(3,), strides=(-2,), offset=4),
        Exporter(b"", shape=(0,)),
        Exporter(bytearray(16), format="T{<i:a:<d:b:4x}"),
    ],
    ids=repr,
)
def test_the_audit_of_one_dimension_reports_nothing(exporter):
    report = audit(exporter)
    assert not len(report), report
    assert exporter.exports == 0


@pytest.mark.parametrize(
    "exporter",
    [
        Exporter(bytearray(24), format="<i", shape=(2, 3)),
        Exporter(bytearray(8), format="d", shape=()),
    ],
    ids=repr,
)
def test_the_audit_of_other_dimensions_reports_the_note_of_memoryview(exporter):
    assert audit(exporter).rules == audit(memoryview(exporter)).rules == ("B01",)
    assert audit(exporter)
