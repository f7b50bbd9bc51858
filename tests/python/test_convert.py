"""Tests of `to_numpy`, `to_arrow`, `to_pandas` and `to_polars`."""

import ctypes
from collections.abc import Sequence

import pytest

from pep3118 import Exporter, View

np = pytest.importorskip("numpy")

DTYPES = ["<i4", ">i4", "?", "<f2", ">c16", "S5", "<U3", "V3", "i1,>f8", [("a", "<i2", (2, 3)), ("b", [("x", "S2")])]]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_to_numpy_returns_the_array_in_the_same_memory(dtype):
    source = np.frombuffer(
        bytearray(np.random.default_rng(1).integers(0, 2, 24 * np.dtype(dtype).itemsize, "u1")), dtype
    )
    for array in (source, source.reshape(4, 6), source.reshape(2, 3, 4).T, source[::-2], source[:0]):
        ours = View(array).to_numpy()
        assert ours.dtype == array.dtype
        assert (ours.shape, ours.strides, ours.flags.writeable) == (array.shape, array.strides, array.flags.writeable)
        assert ours.tobytes() == array.tobytes()
        assert array.size == 0 or np.shares_memory(ours, array)


def test_to_numpy_of_read_only_memory_is_read_only():
    assert not View(b"abcd", "<i").to_numpy().flags.writeable


def test_to_numpy_of_a_union_has_its_fields():
    class Word(ctypes.Union):
        _fields_ = [("i", ctypes.c_int32), ("f", ctypes.c_float)]

    words = (Word * 3)(Word(f=1.5))
    array = View(words).to_numpy()
    array["f"][1] = 2.5
    assert words[1].f == 2.5 and array["i"].tolist() == [word.i for word in words]


def test_to_numpy_of_objects_holds_the_objects():
    objects = np.array([object(), "text"], dtype=object)
    assert View(objects).to_numpy().tolist() == objects.tolist()


def test_to_numpy_refuses_references_without_an_owner():
    with pytest.raises(TypeError, match=r"cast\('B'\)"):
        View(bytes(8)).cast("O").to_numpy()


def test_to_numpy_copies_if_asked():
    source = np.arange(3)
    assert not np.shares_memory(View(source).to_numpy(copy=True), source)
    assert np.shares_memory(View(source).to_numpy(copy=False), source)


def test_to_numpy_copies_memory_behind_pointers_and_says_why():
    rows = [(ctypes.c_int * 3)(*range(i, i + 3)) for i in (0, 10)]
    table = (ctypes.c_void_p * 2)(*(ctypes.addressof(row) for row in rows))
    view = View(Exporter(table, format="i", shape=(2, 3), strides=(8, 4), suboffsets=(0, -1)))
    assert view.to_numpy().tolist() == view.tolist() == [[0, 1, 2], [10, 11, 12]]
    with pytest.raises(ValueError, match="suboffsets"):
        view.to_numpy(copy=False)


def test_to_numpy_outlives_the_view():
    memory = bytearray(b"abcd")
    view = View(memory)
    array = view.to_numpy()
    view.release()
    with pytest.raises(BufferError):
        memory.append(1)
    assert array.tolist() == [97, 98, 99, 100]
    with pytest.raises(ValueError, match="released"):
        view.to_numpy()


RECORDS = np.array([(1, 0.5, b"ab"), (2, 1.5, b"c")], [("id", "<i2"), ("x", ">f8"), ("tag", "S2")])


def test_to_arrow_has_the_values_of_the_view():
    pyarrow = pytest.importorskip("pyarrow")
    table = View(RECORDS).to_arrow()
    assert isinstance(table, pyarrow.Table) and table.column_names == ["id", "x", "tag"]
    assert table["x"].to_pylist() == RECORDS["x"].tolist()
    column = View(np.arange(5.0)).to_arrow()
    assert isinstance(column, pyarrow.Array) and column.to_pylist() == [0, 1, 2, 3, 4]


def test_to_arrow_shares_contiguous_numbers():
    pytest.importorskip("pyarrow")
    source = np.arange(5.0).tobytes()
    address = np.frombuffer(source, "B").ctypes.data
    assert View(source, "<d").to_arrow().buffers()[1].address == address


def test_to_arrow_copies_memory_that_can_change():
    pytest.importorskip("pyarrow")
    source = np.arange(5.0)
    table = View(source).to_arrow()
    source[:] = 7
    assert table.to_pylist() == [0, 1, 2, 3, 4]


def test_to_pandas_has_the_columns_of_records():
    pandas = pytest.importorskip("pandas")
    frame = View(RECORDS).to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == ["id", "x", "tag"]
    assert frame["x"].tolist() == [0.5, 1.5] and str(frame["id"].dtype) == "int16"
    assert frame["tag"].tolist() == View(RECORDS)["tag"].tolist()


def test_to_pandas_of_numbers_is_a_series_in_the_same_memory():
    pandas = pytest.importorskip("pandas")
    source = np.arange(5.0)
    series = View(source).to_pandas()
    assert isinstance(series, pandas.Series) and np.shares_memory(series.to_numpy(), source)
    assert View(source.astype(">f8")).to_pandas().tolist() == source.tolist()
    assert View(source.reshape(5, 1)).to_pandas().shape == (5, 1)
    with pytest.raises(ValueError, match="3 dimensions"):
        View(source.reshape(5, 1, 1)).to_pandas()


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
def test_to_pandas_has_the_dates_of_pandas(unit):
    pandas = pytest.importorskip("pandas")
    dtype = np.dtype([("at", f">M8[{unit}]"), ("span", f"<m8[{unit}]"), ("x", "u1")])
    source = np.zeros(3, dtype)
    source["at"], source["span"] = [1, -1, "NaT"], [5, "NaT", -7]
    for frame in [View(source).to_pandas(), View(source)["at"].to_pandas().to_frame("at")]:
        assert frame["at"].equals(pandas.Series(source["at"].astype(f"=M8[{unit}]")))
    if unit not in "YM":
        assert View(source).to_pandas()["span"].equals(pandas.Series(source["span"].astype(f"=m8[{unit}]")))


@pytest.mark.parametrize("dtype", ["M8[ps]", "M8[25s]", "M8", "m8[as]", "m8[Y]", "m8[3D]", "m8"])
def test_to_pandas_keeps_dates_that_pandas_would_change_or_refuse(dtype):
    pytest.importorskip("pandas")
    source = np.array([1, -1, 1999], "i8").view(dtype)
    assert View(source).to_pandas().tolist() == source.tolist()


def test_to_pandas_keeps_dates_beyond_the_range_of_pandas():
    pytest.importorskip("pandas")
    source = np.array([1, -(2**62)], "M8[h]")
    assert View(source).to_pandas().tolist() == source.tolist()


def test_to_pandas_refuses_two_dimensions_of_records_and_names_a_call_that_works():
    pytest.importorskip("pandas")
    view = View(RECORDS.reshape(-1, 1))
    with pytest.raises(ValueError, match=r"are not numbers\nhelp: select one dimension .* view\[0\]"):
        view.to_pandas()
    assert view[0].to_pandas()["x"].tolist() == [0.5]


def test_to_polars_has_the_columns_of_records():
    polars = pytest.importorskip("polars")
    frame = View(RECORDS).to_polars()
    assert isinstance(frame, polars.DataFrame) and frame.columns == ["id", "x", "tag"]
    assert frame["x"].to_list() == [0.5, 1.5] and frame["id"].dtype == polars.Int16


def test_to_polars_of_numbers_is_a_series():
    polars = pytest.importorskip("polars")
    series = View(np.arange(5, dtype="<u2")).to_polars()
    assert isinstance(series, polars.Series) and series.dtype == polars.UInt16 and series.to_list() == [0, 1, 2, 3, 4]


def test_to_numpy_refuses_bit_fields_with_a_help_line():
    class Flags(ctypes.Structure):
        _fields_ = [("low", ctypes.c_uint8, 3), ("high", ctypes.c_uint8, 5)]

    view = View((Flags * 2)((1, 2), (3, 4)))
    with pytest.raises(NotImplementedError, match=r"(?s)bitfields.*\nhelp: view.columns\(\)"):
        view.to_numpy()
    assert {name: np.asarray(column).tolist() for name, column in view.columns().items()} == {
        "low": [1, 3],
        "high": [2, 4],
    }


def test_polars_reads_a_view_as_python_objects():
    polars = pytest.importorskip("polars")
    view = View(np.arange(3, dtype="<i4"))
    frame = polars.DataFrame(view)
    assert frame.to_series(0).to_list() == view.tolist() and frame.dtypes == [polars.Int64]
    assert view.to_polars().dtype == polars.Int32


def test_to_pandas_has_the_numbers_of_a_user_type():
    pytest.importorskip("pandas")
    series = View(bytes([0xC0, 0x3F, 0, 0xC0]), "<[bfloat16]").to_pandas()
    assert str(series.dtype) == "float32" and series.tolist() == [1.5, -2.0]
    assert View(bytes([1, 0, 0, 255, 255, 255]), "<[int24]").to_pandas().tolist() == [1, -1]


@pytest.mark.skipif(not issubclass(View, Sequence), reason="polars reads a sequence, and else only records")
def test_a_polars_data_frame_of_numbers():
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(View(np.arange(3))).to_series(0).to_list() == [0, 1, 2]
