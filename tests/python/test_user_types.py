"""Tests of user types: `[name]` in formats, NumPy's dates and scalars, the small floats and integers of ml_dtypes, and
types that `register_type` adds. The values are compared with NumPy and ml_dtypes."""

import copy
import datetime
import itertools
import math
import pickle
import random
import struct
import uuid

import pytest

from pep3118 import Exporter, Format, View, register_type

np = pytest.importorskip("numpy")
ml_dtypes = pytest.importorskip("ml_dtypes")

FLOAT8 = [
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
]
# The floats and the integers of fewer than 8 bits, with the number of their bits. Each value has a byte.
SMALL_FLOATS = {"float4_e2m1fn": 4, "float6_e2m3fn": 6, "float6_e3m2fn": 6}
SMALL_INTEGERS = {"int1": 1, "int2": 2, "int4": 4, "uint1": 1, "uint2": 2, "uint4": 4}
UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s", "3M", "10D", "7us"]


def as_floats(array):
    """Returns the values of `array` as a list of Python floats."""
    # NumPy emits a warning for signalling NaNs.
    with np.errstate(all="ignore"):
        return array.astype("f8").tolist()


def equal_floats(ours, theirs):
    """Returns whether two lists have the same floats. NaN equals NaN, and 0.0 differs from -0.0."""
    return len(ours) == len(theirs) and all(
        (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(("name", "bits"), [("bfloat16", 16), *[(name, 8) for name in FLOAT8]])
def test_every_value_equals_that_of_ml_dtypes(name, bits):
    array = np.arange(2**bits, dtype=f"u{bits // 8}").view(getattr(ml_dtypes, name))
    theirs = as_floats(array)
    assert equal_floats(View(array).tolist(), theirs)
    assert equal_floats(View(array.tobytes(), f"<[{name}]").tolist(), theirs)
    column = View(array).columns()["value"]
    assert column.format == "<f"
    assert equal_floats(column.tolist(), theirs)


@pytest.mark.parametrize(("name", "bits"), [("bfloat16", 16), *[(name, 8) for name in FLOAT8]])
def test_every_number_is_rounded_as_by_ml_dtypes(name, bits):
    choose = random.Random(name)
    dtype = np.dtype(getattr(ml_dtypes, name))
    array = np.arange(2**bits, dtype=f"u{bits // 8}").view(dtype)
    values = [value for value in as_floats(array) if math.isfinite(value)]
    values = sorted(values) if bits == 8 else choose.sample(sorted(values), 500)
    middle = [(a + b) / 2 for a, b in zip(sorted(values), sorted(values)[1:], strict=False)]
    numbers = [*values, *middle, *[choose.uniform(min(values), max(values)) for _ in range(500)], math.nan]
    memory = bytearray(dtype.itemsize)
    view = View(memory, f"<[{name}]")
    for number in numbers:
        with np.errstate(all="ignore"):
            theirs = np.array(number, dtype)
        if not (math.isfinite(as_floats(theirs)) or number != number):
            continue
        try:
            view[0] = number
        except ValueError:
            # The type cannot represent the number, for example a negative number in a type without a sign.
            assert name == "float8_e8m0fnu"
            continue
        ours = np.frombuffer(memory, dtype)[0]
        assert ours == theirs or (ours != ours and theirs != theirs), (number, ours, theirs)


@pytest.mark.parametrize("name", [*SMALL_FLOATS, *SMALL_INTEGERS])
def test_every_byte_of_a_type_of_few_bits_equals_that_of_ml_dtypes(name):
    if not hasattr(ml_dtypes, name):
        pytest.skip("this version of ml_dtypes does not have the type")
    array = np.arange(256, dtype="u1").view(getattr(ml_dtypes, name))
    theirs = array.tolist()
    assert [type(value) for value in View(array).tolist()] == [type(value) for value in theirs]
    assert equal_floats(View(array).tolist(), theirs)
    assert equal_floats(View(array.tobytes(), f"[{name}]").tolist(), theirs)
    assert equal_floats(View(array).columns()["value"].tolist(), theirs)
    records = np.zeros(256, [("x", "u1"), ("y", array.dtype), ("z", array.dtype, (2,))])
    records["y"], records["z"][:, 1] = array, array
    assert equal_floats(View(records)["y"].tolist(), theirs)
    assert equal_floats([row.z[1] for row in View(records)], theirs)
    assert np.asarray(View(array)).dtype == array.dtype and Format(array.dtype) == Format(f"[{name}]")


@pytest.mark.parametrize("name", list(SMALL_INTEGERS))
def test_an_integer_of_few_bits_is_written_as_by_ml_dtypes(name):
    if not hasattr(ml_dtypes, name):
        pytest.skip("this version of ml_dtypes does not have the type")
    bits, dtype = SMALL_INTEGERS[name], np.dtype(getattr(ml_dtypes, name))
    low = 0 if name.startswith("u") else -(1 << (bits - 1))
    memory = bytearray(1)
    view = View(memory, f"[{name}]")
    for value in range(low, low + (1 << bits)):
        view[0] = value
        assert memory == np.array([value]).astype(dtype).tobytes() and view[0] == value
    for value in [low - 1, low + (1 << bits), -(2**127), 2**127, 2**128 - 1]:
        with pytest.raises(ValueError, match="out of the range"):
            view[0] = value
    with pytest.raises(TypeError):
        view[0] = 0.5


@pytest.mark.parametrize("name", list(SMALL_FLOATS))
def test_a_float_of_few_bits_is_rounded_as_by_ml_dtypes(name):
    dtype, choose, memory = np.dtype(getattr(ml_dtypes, name)), random.Random(name), bytearray(1)
    view = View(memory, f"[{name}]")
    largest = max(np.arange(64, dtype="u1").view(dtype).astype("f8"))
    values = np.arange(256, dtype="u1").view(dtype).astype("f8").tolist()
    steps = [choose.uniform(-largest, largest) for _ in range(500)]
    for number in [*values, *[(a + b) / 2 for a, b in itertools.pairwise(values)], *steps]:
        view[0] = number
        assert memory == np.array([number]).astype(dtype).tobytes(), number
    for number in [largest * 2, -largest * 2, math.inf, math.nan]:
        with pytest.raises(ValueError, match="out of the range"):
            view[0] = number


def test_complex_numbers_of_ml_dtypes_are_read():
    if not hasattr(ml_dtypes, "complex32"):
        pytest.skip("this version of ml_dtypes has no complex32")
    array = np.array([1 + 2j, -0.5j], ml_dtypes.complex32)
    assert View(array).tolist() == array.tolist()
    assert View(array).to_numpy().dtype == np.asarray(View(array)).dtype == array.dtype
    assert np.asarray(View(array)).tolist() == array.tolist()


def test_a_finite_number_never_becomes_infinite():
    for name, number in [("bfloat16", 1e39), ("float8_e5m2", 1e6), ("float8_e4m3fn", 1000.0)]:
        view = View(bytearray(2 if name == "bfloat16" else 1), f"<[{name}]")
        with pytest.raises(ValueError, match="out of the range"):
            view[0] = number
        assert view.tobytes() == bytes(view.nbytes)


@pytest.mark.parametrize("kind", ["M8", "m8"])
@pytest.mark.parametrize("unit", UNITS)
def test_dates_equal_the_objects_of_numpy(kind, unit):
    choose = random.Random(kind + unit)
    numbers = [0, 1, -1, 2**31, -(2**40)]
    # NumPy multiplies in 64 bits, and returns a wrong date after an overflow. See docs/deviations.md.
    step = {"25s": 25, "3M": 3, "10D": 10, "7us": 7}.get(unit, 1)
    numbers += [choose.randrange(-(2 ** choose.randrange(1, 63)), 2 ** choose.randrange(1, 63)) for _ in range(300)]
    numbers = [-(2**63), *([2**63 - 1] if step == 1 else []), *[n for n in numbers if abs(n) < 2**63 // step]]
    for order in "<>":
        array = np.array(numbers, f"{order}i8").view(f"{order}{kind}[{unit}]")
        view = View(array)
        assert view.tolist() == array.tolist()
        assert np.asarray(view).dtype == array.dtype
        assert pickle.loads(pickle.dumps(Format(array.dtype))) == Format(array.dtype)


def test_a_written_date_is_what_numpy_stores():
    array = np.zeros(3, "M8[us]")
    view = View(array)
    view[0] = datetime.datetime(2026, 11, 28, 6, 5, 4, 3)
    view[1] = None
    view[2] = np.datetime64("1969-07-20T20:17:40")
    assert array.tolist() == [
        datetime.datetime(2026, 11, 28, 6, 5, 4, 3),
        None,
        datetime.datetime(1969, 7, 20, 20, 17, 40),
    ]
    days = np.zeros(1, "M8[D]")
    with pytest.raises(ValueError, match="whole number of units"):
        View(days)[0] = datetime.datetime(2026, 1, 1, 12)
    with pytest.raises(TypeError, match="a date, a datetime, an int or None"):
        View(days)[0] = "2026-01-01"
    with pytest.raises(ValueError, match="time zone"):
        view[0] = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    spans = np.zeros(2, "m8[s]")
    View(spans)[:] = [datetime.timedelta(days=-1, seconds=5), 7]
    assert spans.tolist() == [datetime.timedelta(days=-1, seconds=5), datetime.timedelta(seconds=7)]


def test_records_with_dates_and_floats_of_ml_dtypes_equal_numpy():
    dtype = np.dtype([("at", ">M8[ms]"), ("w", ml_dtypes.bfloat16, (2,)), ("x", "<i2")], align=True)
    array = np.zeros(3, dtype)
    array["at"] = np.datetime64("2026-11-28", "ms")
    array["w"] = [[1.5, -2], [0.25, 3], [4, 5]]
    array["x"] = [1, 2, 3]
    view = View(array)
    assert [tuple(row) for row in view] == [
        (datetime.datetime(2026, 11, 28), [float(w) for w in row["w"]], int(row["x"])) for row in array
    ]
    before = array.tobytes()
    view["w"][1] = [7, 8]
    after = np.frombuffer(bytearray(before), dtype)
    after["w"][1] = [7, 8]
    assert array.tobytes() == after.tobytes()
    assert np.asarray(view).dtype == dtype
    assert view["w"].columns()["value"].tolist() == [[1.5, -2], [7, 8], [4, 5]]


def values_of_columns(view):
    return {name: column.tolist() for name, column in view.columns().items()}


@pytest.mark.parametrize("kind", ["M8", "m8"])
@pytest.mark.parametrize("unit", UNITS)
def test_columns_of_dates_have_the_dates(kind, unit):
    dtype = np.dtype([("at", f">{kind}[{unit}]"), ("x", "<i2"), ("both", f"<{kind}[{unit}]", (2,))])
    array = np.zeros(3, dtype)
    array["at"][1], array["both"][:, 1] = "NaT", [1, -1, 40]
    view = View(array)
    assert values_of_columns(view) == {name: array[name].tolist() for name in dtype.names}
    at, both = (view.columns()[name] for name in ["at", "both"])
    assert np.asarray(at).dtype == f"{kind}[{unit}]" and np.array_equal(at, array["at"], equal_nan=True)
    assert both.shape == (3, 2) and np.asarray(both).dtype == f"{kind}[{unit}]"
    assert values_of_columns(view["at"]) == {"value": array["at"].tolist()}
    assert pickle.loads(pickle.dumps(at.tolist())) == array["at"].tolist()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", ["int128", "uint128", "int24", "uint24", "bfloat16", "float8_e5m2", "int4", "uint2"])
def test_columns_of_user_types_have_the_values_of_the_view(name, order):
    size = Format(f"[{name}]").itemsize
    memory = bytearray(random.Random(name).randbytes((size + 1) * 20))
    view = View(memory, f"T{{B:x:{order}[{name}]:y:}}")
    column = view.columns()["y"]
    # NaN differs from NaN, and both have one representation.
    wanted = repr(view["y"].tolist())
    assert repr(column.tolist()) == repr(column.to_pandas().tolist()) == wanted
    column[:] = view["y"]
    assert repr(column.tolist()) == wanted


def test_an_assignment_converts_user_types_without_a_loss():
    numbers, weights = np.array([1.5, -2, 0.25], "f4"), View(bytearray(6), "<[bfloat16]")
    weights[:] = numbers
    assert weights.tolist() == [1.5, -2, 0.25]
    View(numbers)[:] = View(weights.tobytes(), "<[bfloat16]")
    assert numbers.tolist() == [1.5, -2, 0.25]
    with pytest.raises(ValueError, match=r"index \[1\]: 0.1\d* cannot be converted to bfloat16 without a loss"):
        weights[:] = np.array([1, 0.1, 2], "f4")
    large = View(bytearray(32), ">[int128]")
    large[:] = np.array([-5, 2**62])
    assert large.tolist() == [-5, 2**62]
    with pytest.raises(ValueError, match=r"index \[0\]: -5 cannot be converted to uint128 without a loss"):
        View(bytearray(32), "<[uint128]")[:] = large
    dates, stored = np.array([1, "NaT"], ">M8[ms]"), np.zeros(2, "<M8[ms]")
    View(stored)[:] = View(dates)
    assert stored.tolist() == dates.tolist()
    # A date with another unit is another number.
    with pytest.raises(ValueError, match="items of format"):
        View(stored)[:] = View(dates.astype("M8[ns]"))


def test_a_column_of_a_registered_type_has_its_objects():
    register_type("tests.uuid", 16, lambda data: uuid.UUID(bytes_le=data), lambda value: value.bytes_le)
    keys = [uuid.UUID(int=number) for number in [1, 2**127, 5]]
    view = View(b"".join(b"x" + key.bytes_le for key in keys), "T{c:kind:<[tests.uuid]:key:}")
    column = view.columns()["key"]
    assert column.tolist() == view["key"].tolist() == keys
    assert column.format == "<[tests.uuid]" and column.tobytes() == b"".join(key.bytes_le for key in keys)
    assert view.to_pandas()["key"].tolist() == keys


SCALARS = [
    np.datetime64("2020-01-01"),
    np.datetime64("2020-01-01T00:00:00.000000005"),
    np.datetime64("NaT", "s"),
    np.timedelta64(5, "s"),
    np.timedelta64(-5),
    np.str_("h\u00e9llo"),
    np.str_("a\0b"),
    np.void(b"abc"),
    np.float64(1.5),
    np.longdouble(1.25),
    np.complex64(1j),
    np.float16(2.5),
    np.int8(-3),
    np.bool_(True),
    np.array([(1, "2020-01-01")], [("a", ">i4"), ("at", "M8[D]")])[0],
    np.array([(1, 2)], {"names": ["a", "b"], "formats": ["<i4", "<i2"], "offsets": [0, 2]})[0],
    np.array([("xy", b"ab", [1, 2])], [("u", ">U3"), ("s", "S3"), ("f", "f4", 2)])[0],
    ml_dtypes.bfloat16(1.5),
    ml_dtypes.float8_e5m2(-2),
    ml_dtypes.float4_e2m1fn(3),
    ml_dtypes.int4(-8),
]


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda scalar: type(scalar).__name__)
def test_a_scalar_of_numpy_is_read_as_its_type(scalar):
    view = View(scalar)
    assert view.shape == () and view.readonly and view.itemsize == scalar.dtype.itemsize
    owner = np.array(scalar, scalar.dtype).tolist()
    if isinstance(owner, tuple):
        owner = tuple(part.tolist() if isinstance(part, np.ndarray) else part for part in owner)
        assert tuple(view[()]) == owner
    else:
        assert view.tolist() == owner or owner != owner
        assert type(view.tolist()) is (float if isinstance(owner, np.longdouble) else type(owner))
    assert view.tobytes() == scalar.tobytes()


def test_a_scalar_of_numpy_with_a_format_is_its_bytes():
    date = np.datetime64("2020-01-01")
    assert View(date, "<q").tolist() == [18262] and View(memoryview(date)).tolist() == list(date.tobytes())
    assert View(np.bytes_(b"ab")).tolist() == [97, 98]


def test_integers_of_3_and_16_bytes():
    for bits, signed in [(24, True), (24, False), (128, True), (128, False)]:
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        size = bits // 8
        for order, name in [("<", "little"), (">", "big")]:
            view = View(bytearray(size * 3), f"{order}[{'' if signed else 'u'}int{bits}]")
            view[:] = [low, high, 5]
            assert view.tolist() == [low, high, 5]
            assert view.tobytes() == b"".join(n.to_bytes(size, name, signed=signed) for n in [low, high, 5])
            for wrong in [low - 1, high + 1]:
                with pytest.raises(ValueError, match="out of the range"):
                    view[0] = wrong
            with pytest.raises(TypeError):
                view[0] = 1.5
    column = View(b"\xff\xff\xff\x01\x00\x00", "<[int24]").columns()["value"]
    assert (column.format, column.tolist()) == ("<i", [-1, 1])


def test_the_alignment_of_a_user_type_counts_under_the_native_order():
    assert Format("T{b:a:[bfloat16]:w:}").itemsize == 4
    assert Format("T{<b:a:[bfloat16]:w:}").itemsize == 3
    assert Format("T{b:a:[int128]:w:}").itemsize == 32


def test_a_registered_type_is_read_and_written_by_its_functions():
    register_type(
        "test.celsius",
        2,
        lambda data: int.from_bytes(data, "little", signed=True) / 10,
        lambda degrees: round(degrees * 10).to_bytes(2, "little", signed=True),
        align=2,
        values="float64",
    )
    memory = bytearray(struct.pack(">hb", 215, 7))
    view = View(memory, "T{>[test.celsius]:t:b:n:}")
    assert view[0] == (21.5, 7)
    view["t"][0] = -3.2
    assert memory == struct.pack(">hb", -32, 7)
    assert view.columns()["t"].tolist() == [-3.2]
    assert copy.copy(Format("[test.celsius]")) == Format("[test.celsius]")
    with pytest.raises(ValueError, match="already registered"):
        register_type("test.celsius", 2, bytes, bytes)


def test_functions_of_a_registered_type_that_fail_change_nothing():
    def fail(value):
        raise KeyError("no")

    register_type("test.fail", 2, fail, fail)
    register_type("test.short", 2, lambda data: data, lambda value: b"\0")
    memory = bytearray(b"ab")
    view = View(memory, "<[test.fail]")
    with pytest.raises(KeyError):
        view.tolist()
    with pytest.raises(KeyError):
        view[0] = 1
    with pytest.raises(ValueError, match="1 bytes, not 2"):
        View(memory, "<[test.short]")[0] = 1
    assert memory == b"ab"


@pytest.mark.parametrize("arguments", [("", 1), ("a]", 1), ("bfloat16", 2), ("test.zero", 0)])
def test_an_impossible_type_is_not_registered(arguments):
    with pytest.raises(ValueError):
        register_type(*arguments, bytes, bytes)


def test_an_unknown_user_type_is_its_bytes():
    assert View(Exporter(b"abcd", format="[test.unknown]", shape=(2,), itemsize=2)).tolist() == [b"ab", b"cd"]
