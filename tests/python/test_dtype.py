"""Tests of layouts of NumPy dtypes, and of dtypes made from layouts, with random dtypes and examples."""

import random

import pytest

import pep3118
from pep3118 import Format, layout_of

np = pytest.importorskip("numpy")

SCALARS = "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16 g G ? S3 S0 U2 U0 V3 O >i4 >f8 >u2 >c8 >U2 >f2".split()


def field(choose, depth):
    """Returns a random dtype: a scalar, a record, or an array of either. `depth` limits the nesting of records."""
    base = record(choose, depth - 1) if depth and choose.random() < 0.35 else np.dtype(choose.choice(SCALARS))
    if base.itemsize and choose.random() < 0.35:
        base = np.dtype((base, tuple(choose.choice([1, 2, 3]) for _ in range(choose.choice([1, 1, 2])))))
    return base


def record(choose, depth):
    """Returns a random record dtype. Its fields have one of five arrangements, such as packed or aligned."""
    names = [choose.choice(["f{}", "long name {}", "\u540d{}", "f{}"]).format(i) for i in range(choose.randrange(5))]
    formats = [field(choose, depth) for _ in names]
    kind = choose.choice(["packed", "aligned", "offsets", "shuffled", "shared"])
    if kind in ("packed", "aligned") or (any(each.hasobject for each in formats) and kind == "shared"):
        return np.dtype(list(zip(names, formats, strict=True)), align=kind == "aligned")
    offsets, end = [], 0
    for each in formats:
        end += choose.choice([0, 0, 1, 2, 3, 4, 8])
        offsets.append(choose.randrange(end + 1) if kind == "shared" else end)
        end = max(end, offsets[-1] + each.itemsize)
    rows = list(zip(names, formats, offsets, strict=True))
    if kind == "shuffled":
        choose.shuffle(rows)
    names, formats, offsets = ([row[i] for row in rows] for i in range(3))
    itemsize = end + choose.choice([0, 0, 1, 3, 4, 8])
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize})


def dtypes():
    """Returns 2,000 random dtypes. Each call returns equal dtypes."""
    choose = random.Random(3118)
    return [field(choose, choose.choice([0, 1, 2, 3])) for _ in range(2000)]


def check(node, dtype):
    """Asserts that the field `node` has the layout of `dtype`. Returns the number of leaves."""
    shape = ()
    if dtype.subdtype:
        dtype, shape = dtype.subdtype
    assert (node.shape, node.itemsize) == (shape, dtype.itemsize)
    if dtype.names is None:
        assert node.type != "record"
        swapped = dtype.byteorder not in "=|" and dtype != dtype.newbyteorder("=")
        assert not swapped or node.endian == {"<": "little", ">": "big"}[dtype.byteorder]
        return 1
    assert node.type == "record" and tuple(each.name for each in node.fields) == dtype.names
    leaves = 0
    for each in node.fields:
        inner, offset = dtype.fields[each.name][:2]
        assert each.offset == offset
        leaves += check(each, inner)
    return leaves


def test_layouts_are_those_of_the_dtypes():
    leaves = sum(check(Format.from_dtype(dtype).item, dtype) for dtype in dtypes())
    assert leaves > 2500


def plain(dtype):
    """Returns `dtype` without its alignment, its flag `align` and its titles, which `to_dtype` does not restore."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return np.dtype((plain(base), shape))
    if dtype.names is None:
        return dtype
    formats = [dtype.fields[name][0] for name in dtype.names]
    offsets = [dtype.fields[name][1] for name in dtype.names]
    return np.dtype(
        {
            "names": list(dtype.names),
            "formats": [plain(each) for each in formats],
            "offsets": offsets,
            "itemsize": dtype.itemsize,
        }
    )


def test_to_dtype_returns_the_same_dtype():
    for dtype in dtypes():
        assert Format.from_dtype(dtype).to_dtype() == plain(dtype), dtype


def test_the_format_of_an_array_describes_its_dtype():
    """In the dialect `numpy`, a format with the certainty exact or trailing-padding has the layout of the dtype."""
    compared = 0
    for dtype in dtypes():
        exporter = np.zeros(1, np.dtype([("x", dtype)]))["x"] if dtype.subdtype else np.zeros(2, dtype)
        layout = layout_of(exporter)
        assert layout == Format.from_dtype(exporter.dtype) and layout.dialect == "numpy"
        try:
            view = memoryview(exporter)
        except (BufferError, ValueError):
            continue  # NumPy refuses, for example, a byte-swapped long double and fields that share bytes.
        if exporter.itemsize == 0:
            continue
        declared = Format(view.format, view.itemsize, dialect="numpy")
        if declared.certainty in ("exact", "trailing-padding"):
            difference = pep3118.diff(layout, declared)
            # NumPy has no format for a structure without fields or for text of length 0.
            if "0" not in view.format and "T{}" not in view.format:
                assert not difference, (dtype, view.format, str(difference))
                compared += 1
    assert compared > 700


def test_native_byte_order_equals_the_byte_order_of_the_machine():
    assert Format.from_dtype(np.dtype("<i4")) == Format("<i")
    assert Format.from_dtype(np.dtype(">i4")) == Format(">i")


def test_titles_are_not_field_names():
    titled = np.dtype({"names": ["a"], "formats": ["i4"], "titles": ["the first"]})
    assert [each.name for each in Format.from_dtype(titled).fields] == ["a"]


def test_the_layout_has_the_alignment_of_the_dtype():
    assert Format.from_dtype(np.dtype("i1,f8", align=True)).alignment == 8
    assert Format.from_dtype(np.dtype("i1,f8")).alignment == 1


@pytest.mark.parametrize("name", ["M8[s]", "m8[ns]", "M8", ">m8[25s]"])
def test_dates_have_a_layout_and_become_the_same_dtype(name):
    dtype = np.dtype(name)
    assert Format.from_dtype(dtype).to_dtype() == dtype
    with pytest.raises(ValueError):
        memoryview(np.zeros(1, dtype))


def test_an_object_that_is_not_a_dtype_is_a_type_error():
    with pytest.raises(TypeError, match=r"is not a numpy\.dtype"):
        Format.from_dtype("i4")


def test_an_attribute_dtype_of_a_subclass_is_ignored():
    class OtherDtype(np.ndarray):
        dtype = np.dtype("f8")

    assert layout_of(np.zeros(2, "i4").view(OtherDtype)).item.type == "int32"


def test_scalars_have_layouts():
    assert layout_of(np.float32(1)).item.type == "float32"
    assert layout_of(np.zeros(1, "i1,>i4")[0]).fields[1].endian == "big"


def test_more_than_64_nested_records_are_refused():
    dtype = np.dtype("i1")
    for _ in range(70):
        dtype = np.dtype([("f", dtype)])
    with pytest.raises(ValueError, match="more than 64 records inside each other"):
        Format.from_dtype(dtype)
