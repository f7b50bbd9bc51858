"""Tests of the Arrow C data interface of `View`: pyarrow, polars and pandas read its values, and the memory of
immutable objects is shared."""

import sys

import numpy as np
import pyarrow as pa
import pytest

import pep3118
from pep3118 import View


def records():
    """Returns three records with a field of each kind."""
    array = np.zeros(
        3,
        [
            ("i", "<i4"),
            ("d", ">f8"),
            ("b", "?"),
            ("s", "S3"),
            ("u", "U2"),
            ("m", "<f4", (2, 2)),
            ("in", [("x", "<u2"), ("z", "<c16")]),
        ],
    )
    array["i"], array["d"], array["b"] = [1, 2, 3], [0.5, 1.5, 2.5], [True, False, True]
    array["s"], array["u"], array["m"] = [b"a", b"bcd", b""], ["é", "xy", ""], np.arange(12).reshape(3, 2, 2)
    array["in"]["x"], array["in"]["z"] = [7, 8, 9], [1 + 2j, 3, 4j]
    return array


def test_records_become_tables():
    view = View(records())
    table = pa.table(view)
    assert table.column_names == ["i", "d", "b", "s", "u", "m", "in"]
    assert table["d"].to_pylist() == [0.5, 1.5, 2.5]
    assert table["u"].to_pylist() == ["é", "xy", ""]
    assert table["s"].to_pylist() == [b"a", b"bcd", b""]
    assert table["m"].to_pylist() == records()["m"].tolist()
    assert table["in"].to_pylist()[0] == {"x": 7, "z": [1.0, 2.0]}
    assert table.schema.metadata[b"pep3118.itemsize"] == b"%d" % view.itemsize
    table.validate(full=True)
    assert pa.record_batch(view).num_rows == 3
    assert pa.array(view).type == pa.struct(list(table.schema))
    assert pa.schema(view) == table.schema
    # The view contains every second item in reverse order.
    assert pa.table(view[::-2])["i"].to_pylist() == [3, 1]


def test_polars_reads_records():
    # polars has no wheels for CPython without the GIL.
    polars = pytest.importorskip("polars")
    view = View(records())
    # polars reads every `Sequence` item by item, even if it exports Arrow arrays. A table of pyarrow keeps the types.
    frame = polars.DataFrame(pa.table(view))
    assert frame["u"].to_list() == ["é", "xy", ""]
    assert frame["d"].to_list() == [0.5, 1.5, 2.5]
    assert polars.DataFrame(pa.table(view["in"])).columns == ["x", "z"]
    assert polars.DataFrame(view["d"]).to_series().to_list() == [0.5, 1.5, 2.5]


def test_the_memory_of_bytes_is_shared():
    memory = np.arange(6.0).tobytes()
    address = np.frombuffer(memory, np.uint8).ctypes.data
    for view in (View(memory).cast("d"), View(View(memory).cast("d")), View(memoryview(memory).cast("d"))):
        ours = pa.array(view)
        assert (ours.type, ours.to_pylist()) == (pa.float64(), list(range(6)))
        assert ours.buffers()[1].address == address
    # Further dimensions become lists. Their memory is also shared.
    ours = pa.array(View(memory).cast("d", (2, 3)))
    assert (ours.type, ours.to_pylist()) == (
        pa.list_(pa.field("item", pa.float64(), nullable=False), 3),
        [[0, 1, 2], [3, 4, 5]],
    )
    assert ours.flatten().buffers()[1].address == address
    # Arrow holds the object until the array is freed.
    before = sys.getrefcount(memory)
    del ours, view
    assert sys.getrefcount(memory) < before


@pytest.mark.parametrize(
    "exporter",
    [
        lambda memory: memory,
        lambda memory: memoryview(memory).toreadonly(),
        lambda memory: View(memory).toreadonly(),
        lambda memory: np.frombuffer(memory, np.uint8),
        lambda memory: pep3118.Exporter(memory, readonly=True),
    ],
)
def test_memory_that_can_change_is_copied(exporter):
    memory = bytearray(8)
    ours = pa.array(View(exporter(memory)))
    memory[0] = 9
    assert ours.to_pylist() == [0] * 8


def test_memory_in_another_form_is_copied():
    grid = np.arange(6, dtype="<i4").reshape(2, 3)
    for array in (grid, grid.T, np.arange(4, dtype=">i2"), np.arange(8)[::2], np.array([True, False])):
        assert pa.array(View(array)).to_pylist() == array.tolist()
    misaligned = np.frombuffer(b"\0" * 17, np.uint8)[1:].view("<f8")
    assert pa.array(View(misaligned)).to_pylist() == [0.0, 0.0]
    assert pa.array(View(b"\0" * 17)[1:].cast("d")).to_pylist() == [0.0, 0.0]
    assert pa.table(View(bytearray(4)))["value"].to_pylist() == [0] * 4


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), ()])
def test_empty_arrays_and_single_items_are_converted(shape):
    array = np.zeros(shape, "<i4")
    ours = pa.array(View(array))
    assert ours.to_pylist() == (array.tolist() if shape else [0])
    ours.validate(full=True)


def test_records_in_two_dimensions_become_lists():
    array = np.zeros((2, 3), [("a", "<i2"), ("b", "<f8")])
    array["a"] = np.arange(6).reshape(2, 3)
    for each in (array, array.T):
        rows = pa.array(View(each)).to_pylist()
        assert [[item["a"] for item in row] for row in rows] == each["a"].tolist()


def test_invalid_text_is_a_value_error():
    view = View(np.array([b"\x3d\xd8"], "V2"), format="<u")
    with pytest.raises(ValueError, match="not Unicode text"):
        pa.array(view)


def test_dates_and_durations_have_the_types_of_arrow():
    array = np.zeros(2, [("at", ">M8[ms]"), ("day", "M8[D]"), ("span", "m8[ns]"), ("hour", "M8[h]")])
    array["at"] = [np.datetime64("2026-11-28T06:05:04.003"), np.datetime64("NaT")]
    array["day"] = [np.datetime64("NaT"), np.datetime64("1969-12-31")]
    array["span"] = [7, np.timedelta64("NaT")]
    table = pa.table(View(array))
    assert [str(field.type) for field in table.schema] == ["timestamp[ms]", "date32[day]", "duration[ns]", "int64"]
    expected = [value if value is None else np.datetime64(value, "ms") for value in table["at"].to_pylist()]
    assert expected == [np.datetime64("2026-11-28T06:05:04.003"), None]
    assert table["day"].cast(pa.int32()).to_pylist() == [None, -1]
    assert table["span"].cast(pa.int64()).to_pylist() == [7, None]


def test_polars_and_pandas_read_dates():
    polars = pytest.importorskip("polars")
    array = np.zeros(2, [("at", "M8[us]"), ("span", "m8[ms]")])
    array["at"] = ["2026-11-28T06:05:04", "NaT"]
    frame = View(array).to_polars()
    assert frame.dtypes == [polars.Datetime("us"), polars.Duration("ms")]
    assert frame["at"].to_list() == [array["at"][0].item(), None]
    pytest.importorskip("pandas")
    pandas_frame = View(array).to_pandas()
    assert pandas_frame["at"].isna().tolist() == [False, True]
    assert pandas_frame["at"][0] == array["at"][0]
