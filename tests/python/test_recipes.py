"""Tests of the tasks that the Python example of the README shows, each with values that another library computes."""

import ctypes
import mmap
import struct

import pytest

from pep3118 import Format, Record, View


class Tick(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint16), ("price", ctypes.c_double)]


ROWS = [(1, 9.5), (2, 9.25), (3, 9.75)]


def test_a_ctypes_array_becomes_a_pandas_frame():
    pandas = pytest.importorskip("pandas")
    frame = View((Tick * 3)(*ROWS)).to_pandas()
    wanted = pandas.DataFrame({"id": [1, 2, 3], "price": [9.5, 9.25, 9.75]})
    pandas.testing.assert_frame_equal(frame, wanted.astype({"id": "uint16"}))


C_SOURCE = "struct tick { uint16_t id; double price; };"


@pytest.mark.parametrize("layout", ["T{<H:id:6x<d:price:}", Tick, Format.from_c(C_SOURCE)])
def test_a_mapped_file_of_records_becomes_a_polars_frame(tmp_path, layout):
    pytest.importorskip("polars")
    path = tmp_path / "ticks.bin"
    path.write_bytes(b"".join(struct.pack("<H6xd", *row) for row in ROWS))
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        ticks = View(memory, layout)
        frame = ticks.to_polars()
        ticks.release()
    assert frame.rows() == ROWS and frame.columns == ["id", "price"]


def test_one_bit_field_changes_in_place():
    class Flags(ctypes.Structure):
        _fields_ = [("up", ctypes.c_uint, 1), ("venue", ctypes.c_uint, 7), ("rest", ctypes.c_uint, 24)]

    flags = (Flags * 2)((1, 4, 0xABCDEF), (1, 5, 0x123456))
    View(flags)["venue"][1] = 7
    assert [(each.up, each.venue, each.rest) for each in flags] == [(1, 4, 0xABCDEF), (1, 7, 0x123456)]


def test_an_array_of_bfloat16_becomes_a_column():
    numpy, ml_dtypes = pytest.importorskip("numpy"), pytest.importorskip("ml_dtypes")
    pytest.importorskip("polars")
    weights = numpy.array([1.5, -2, 0.1], ml_dtypes.bfloat16)
    series = View(weights).to_polars()
    assert str(series.dtype) == "Float32" and series.to_list() == weights.astype("f4").tolist()


def test_a_record_class_of_a_c_struct_has_the_offsets_of_ctypes():
    row = Record.from_c(C_SOURCE, "tick")
    assert row._fields == ("id", "price") and row.itemsize == ctypes.sizeof(Tick)
    assert [each.offset for each in row.__pep3118_format__.fields] == [Tick.id.offset, Tick.price.offset]
    data = bytes(Tick(7, 9.5))
    assert row(7, 9.5).pack() == data and repr(row.unpack(data)) == "tick(id=7, price=9.5)"
