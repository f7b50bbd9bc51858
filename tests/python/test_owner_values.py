"""Tests that `View` reads and writes the same values as the owner of the memory: ctypes, NumPy or `struct`."""

import array
import ctypes as C
import pickle
import random
import struct
import sys

import numpy as np
import pytest

import pep3118
from pep3118 import Format, View

ARRAY = type(C.c_int * 1)
NUMBERS = [C.c_byte, C.c_ubyte, C.c_short, C.c_ushort, C.c_int, C.c_uint, C.c_longlong, C.c_ulonglong]
SCALARS = [*NUMBERS, C.c_float, C.c_double, C.c_bool, C.c_char, C.c_wchar]
SWAPPED = [*NUMBERS, C.c_float, C.c_double]


def integers(choose):
    """Returns a random list of integer fields. Most of the fields are bit-fields."""
    fields = []
    for index in range(choose.randrange(1, 7)):
        kind = choose.choice(NUMBERS)
        bits = (choose.randrange(1, 8 * C.sizeof(kind) + 1),) if choose.random() < 0.8 else ()
        fields.append((f"b{index}", kind, *bits))
    return fields


def type_of(choose, depth, swapped):
    """Returns a random type for a field: a number, text, an array, a structure or a union. `depth` limits the nesting
    of structures. `swapped` is whether the field is in a big-endian structure."""
    if depth and choose.random() < 0.3:
        kind = structure(choose, depth - 1, swapped)
    elif not swapped and choose.random() < 0.3:
        return choose.choice([C.c_char, C.c_wchar]) * choose.randrange(0, 9)
    else:
        kind = choose.choice(SWAPPED if swapped else SCALARS)
    while choose.random() < 0.2:
        kind = kind * choose.randrange(0, 4)
    return kind


def structure(choose, depth, swapped=False):
    """Returns a random class of a structure or a union. `depth` limits the nesting of structures. If `swapped` is true,
    the class is a big-endian structure."""
    while True:
        if swapped or choose.random() < 0.15:
            base, swapped = C.BigEndianStructure, True
        else:
            base = choose.choice([C.Structure, C.Structure, C.Union])
        space = {"_layout_": "ms", "_pack_": choose.choice([1, 2, 4])} if choose.random() < 0.2 else {}
        if choose.random() < 0.4:
            fields = integers(choose)
        else:
            fields = [(f"f{index}", type_of(choose, depth, swapped)) for index in range(choose.randrange(1, 5))]
        try:
            return type("Random", (base,), {**space, "_fields_": fields})
        except (TypeError, ValueError, AttributeError):
            continue


def is_wrong_in_ctypes(owner, field):
    """Returns whether ctypes before 3.14 reads the bit-field `field` of the class `owner` incorrectly: see
    docs/deviations.md. `field` is an entry of `_fields_`."""
    name, kind, *bits = field
    if not bits:
        return False
    descriptor = getattr(owner, name)
    low, width = descriptor.size & 0xFFFF, descriptor.size >> 16
    return descriptor.offset < 0 or low + width > 8 * C.sizeof(kind)


def is_too_small(kind):
    """Returns whether ctypes before 3.14 gives `kind`, or a union in `kind`, less memory than a bit-field needs."""
    if isinstance(kind, ARRAY):
        return is_too_small(kind._type_)
    if not issubclass(kind, (C.Structure, C.Union)):
        return False
    fields = kind._fields_
    return any(bits and bits[0] > 8 * C.sizeof(kind) for _, _, *bits in fields) or any(
        is_too_small(inner) for _, inner, *_ in fields
    )


def read(owner, name, kind):
    """Returns the value that ctypes reads for the field `name` of `owner`, in the form of `plain`."""
    return plain(getattr(owner, name), kind)


def plain(value, kind):
    """Returns `value`, a value of ctypes of the type `kind`, with a list for an array and the result of `fields_of` for
    a record."""
    if isinstance(kind, ARRAY):
        if isinstance(value, (bytes, str)):
            return value
        return [plain(each, kind._type_) for each in value]
    if issubclass(kind, (C.Structure, C.Union)):
        return fields_of(value)
    return value


def fields_of(owner):
    """Returns a tuple of the values that ctypes reads for the fields of `owner`, with "?" in place of each bit-field
    that ctypes reads incorrectly."""
    kind = type(owner)
    return tuple("?" if is_wrong_in_ctypes(kind, field) else read(owner, field[0], field[1]) for field in kind._fields_)


def masked(value, kind):
    """Returns `value`, a value of `View`, with "?" in place of each bit-field that ctypes reads incorrectly."""
    if isinstance(kind, ARRAY):
        return value if isinstance(value, (bytes, str)) else [masked(each, kind._type_) for each in value]
    if issubclass(kind, (C.Structure, C.Union)):
        return tuple(
            "?" if is_wrong_in_ctypes(kind, field) else masked(each, field[1])
            for each, field in zip(value, kind._fields_, strict=True)
        )
    return value


def random_bytes(choose, size):
    """Returns random bytes. Many bytes are 0, so that text has valid characters and ends before the end of its
    field."""
    return bytes(choose.choice([0, 0, 0, choose.randrange(128), choose.randrange(256)]) for _ in range(size))


def test_records_of_ctypes_have_the_values_of_the_attributes():
    choose = random.Random(14)
    compared = 0
    for _ in range(2000):
        kind = structure(choose, choose.choice([0, 1, 2]))
        if is_too_small(kind):
            continue
        owner = kind.from_buffer_copy(random_bytes(choose, C.sizeof(kind)))
        try:
            wanted = fields_of(owner)
        except ValueError:  # A wide character that is not Unicode.
            continue
        value = View(owner)[()]
        # `repr` compares NaNs, and distinguishes -0.0 and 0.0.
        assert repr(masked(value, kind)) == repr(wanted), kind._fields_
        compared += 1
    assert compared > 1000


def test_each_bit_field_is_read_and_written_without_its_neighbors():
    choose = random.Random(15)
    written = 0
    for _ in range(1500):
        base = choose.choice([C.Structure, C.Structure, C.Union, C.BigEndianStructure])
        kind = type("Bits", (base,), {"_fields_": integers(choose)})
        for field in kind._fields_:
            name, inner, *bits = field
            if is_too_small(kind) or is_wrong_in_ctypes(kind, field):
                continue
            before = random_bytes(choose, C.sizeof(kind))
            by_ctypes, by_view = kind.from_buffer_copy(before), kind.from_buffer_copy(before)
            width = bits[0] if bits else 8 * C.sizeof(inner)
            low = 0 if inner(-1).value > 0 else -(1 << (width - 1))
            value = choose.randrange(low, low + (1 << width))
            view = View(by_view)
            assert view[name][()] == getattr(by_ctypes, name)
            setattr(by_ctypes, name, value)
            view[name][()] = value
            assert bytes(by_view) == bytes(by_ctypes), (kind._fields_, name, value)
            with pytest.raises(ValueError, match="not in the range"):
                view[name][()] = low + (1 << width)
            assert bytes(by_view) == bytes(by_ctypes)
            written += 1
    assert written > 2000


def test_a_record_with_bit_fields_is_assigned_as_a_whole():
    choose = random.Random(16)
    for _ in range(500):
        kind = type("Bits", (C.Structure,), {"_fields_": integers(choose)})
        if any(is_wrong_in_ctypes(kind, field) for field in kind._fields_):
            continue
        source, target = (kind.from_buffer_copy(random_bytes(choose, C.sizeof(kind))) for _ in range(2))
        value = fields_of(source)
        View(target)[()] = value
        assert fields_of(target) == value
        assert View(target)[()] == value


def test_columns_of_bit_fields_are_arrays_of_their_type():
    class Flags(C.Structure):
        _fields_ = [("a", C.c_int, 3), ("b", C.c_uint, 17), ("c", C.c_int, 12), ("d", C.c_ulonglong, 40)]

    choose = random.Random(17)
    items = (Flags * 100).from_buffer_copy(random_bytes(choose, 100 * C.sizeof(Flags)))
    columns = View(items).columns()
    assert [columns[name].format for name in "abcd"] == ["<i", "<I", "<i", "<Q"]
    for name in "abcd":
        assert columns[name].tolist() == View(items)[name].tolist() == [getattr(each, name) for each in items]


def test_slices_of_a_bit_field_are_assigned_without_the_neighbors():
    class Flags(C.Structure):
        _fields_ = [("a", C.c_ubyte, 3), ("b", C.c_ubyte, 5)]

    items = (Flags * 4)(*[(each, 31 - each) for each in range(4)])
    view = View(items)
    view["a"][:] = 7
    assert [(each.a, each.b) for each in items] == [(7, 31), (7, 30), (7, 29), (7, 28)]
    view["b"][1:3] = [1, 2]
    assert [(each.a, each.b) for each in items] == [(7, 31), (7, 1), (7, 2), (7, 28)]
    view["a"][:] = View((Flags * 4)(*[(each, 0) for each in range(4)]))["a"]
    assert [(each.a, each.b) for each in items] == [(0, 31), (1, 1), (2, 2), (3, 28)]


def test_char_arrays_are_assigned_as_one_value():
    class Names(C.Structure):
        _fields_ = [("tag", C.c_char * 4), ("text", C.c_wchar * 3), ("x", C.c_int)]

    owner = Names(b"abcd", "xyz", 5)
    view = View(owner)
    assert view[()] == (b"abcd", "xyz", 5)
    view["tag"][()] = b"q"
    view["text"][()] = "é"
    assert (owner.tag, owner.text, owner.x) == (b"q", "é", 5)
    with pytest.raises(ValueError, match="5 bytes"):
        view["tag"][()] = b"abcde"
    assert owner.tag == b"q"


def test_nuls_belong_to_the_value_as_the_owner_reads_it():
    class Tag(C.Structure):
        _fields_ = [("tag", C.c_char * 4)]

    data = b"a\0b\0"
    assert View(Tag.from_buffer_copy(data))["tag"][()] == Tag.from_buffer_copy(data).tag == b"a"
    numpy = np.frombuffer(data, "S4")
    assert View(numpy).tolist() == numpy.tolist() == [b"a\0b"]
    assert View(data).cast("4s").tolist() == list(*struct.iter_unpack("4s", data)) == [data]
    text = np.array(["a\0b\0"], "U4")
    assert View(text).tolist() == text.tolist() == ["a\0b"]


def test_columns_and_values_agree_on_nuls():
    class Tag(C.Structure):
        _fields_ = [("tag", C.c_char * 4), ("text", C.c_wchar * 2)]

    items = (Tag * 2)((b"abcd", "xy"), (b"a", ""))
    C.memmove(C.addressof(items), b"a\0bc", 4)
    view = View(items)
    assert view["tag"].tolist() == view.columns()["tag"].tolist() == [b"a", b"a"]
    assert view["text"].tolist() == view.columns()["text"].tolist() == ["xy", ""]
    record = np.zeros(2, [("s", "S3"), ("u", "U2")])
    record["s"] = [b"a", b"\0b"]
    record["u"] = ["\0x", "y"]
    view = View(record)
    for name in ("s", "u"):
        assert view[name].tolist() == view.columns()[name].tolist() == record[name].tolist()


@pytest.mark.parametrize("code", ["u"] + (["w"] if sys.version_info >= (3, 13) else []))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_single_character_keeps_its_nul(code):
    text = array.array(code, "a\0b")
    assert View(text).tolist() == text.tolist() == ["a", "\0", "b"]


def test_single_characters_of_ctypes_keep_their_nul():
    assert View((C.c_wchar * 3)("a", "\0", "b")).tolist() == ["a", "\0", "b"]
    assert View((C.c_char * 3)(b"a", b"\0", b"b")).tolist() == [b"a", b"\0", b"b"]


def test_the_layout_describes_bit_fields():
    class Flags(C.Structure):
        _fields_ = [("a", C.c_int, 3), ("b", C.c_uint, 17)]

    a, b = Format.from_ctypes(Flags).item.fields
    assert (a.type, a.bits, b.type, b.bits) == ("bits", ("int32", 0, 3), "bits", ("uint32", 3, 17))


def test_a_pickled_layout_has_its_bit_fields_and_its_rule_for_nuls():
    class Flags(C.Structure):
        _fields_ = [("a", C.c_int, 3), ("b", C.c_uint, 17), ("tag", C.c_char * 4), ("text", C.c_wchar * 2)]

    form = Format.from_ctypes(Flags)
    again = pickle.loads(pickle.dumps(form))
    assert again == form
    assert [each.bits for each in again.fields] == [each.bits for each in form.fields]
    assert form.__reduce__()[1] == again.__reduce__()[1]


def test_the_code_t_is_an_unsigned_integer_of_its_bits():
    assert View(b"\xff").cast("5t").tolist() == [31]
    assert View(b"\xff\x01").cast("<9t").tolist() == [511]
    assert View(b"\xff\x01").cast(">9t").tolist() == [257]
    memory = bytearray(b"\xff")
    View(memory).cast("5t")[0] = 1
    assert memory == b"\xe1"


def test_a_long_double_beyond_float_is_not_infinite():
    class Wide(C.Structure):
        _fields_ = [("x", C.c_longdouble)]

    if np.finfo(np.longdouble).maxexp == 1024:
        pytest.skip("long double is double")
    large = np.array([np.longdouble(2) ** 16000])
    with pytest.raises(OverflowError, match="long double"):
        View(large).tolist()
    assert View(np.array([np.inf, 1.5], np.longdouble)).tolist() == [float("inf"), 1.5]


def test_an_item_of_padding_is_its_bytes():
    pixels = View(pep3118.Exporter(b"abcdef", format="3x", itemsize=3, shape=(2,)))
    assert pixels.tolist() == [b"abc", b"def"]


def test_every_byte_other_than_0_is_true():
    class Flag(C.Structure):
        _fields_ = [("on", C.c_bool)]

    data = bytes(range(256))
    wanted = [byte != 0 for byte in data]
    plain, records = np.frombuffer(data, "?"), np.frombuffer(data, [("on", "?")])
    flags = (Flag * 256).from_buffer_copy(data)
    assert plain.tolist() == [each.on for each in flags] == list(struct.unpack("256?", data)) == wanted
    assert memoryview(data).cast("?").tolist() == wanted
    assert View(data).cast("?").tolist() == View(plain).tolist() == wanted
    for items in (records, flags):
        view = View(items)
        assert [each.on for each in view] == view["on"].tolist() == view.columns()["on"].tolist() == wanted


@pytest.mark.parametrize("key", [0, slice(None), slice(1, 3), ...])
def test_items_of_another_view_leave_the_bytes_between_their_fields(key):
    padded = np.dtype({"names": ["a", "b"], "formats": ["i1", "<i2"], "offsets": [0, 3], "itemsize": 6})
    memory, source = bytearray(b"\xaa" * 18), np.zeros(3, padded)
    wanted = np.full((3, 6), 0xAA, "u1")
    wanted[key, 0], wanted[key, 3], wanted[key, 4] = 0, 0, 0
    View(np.frombuffer(memory, padded))[key] = View(source)[key]
    assert memory == wanted.tobytes()


def test_items_of_another_view_leave_the_fields_that_were_not_chosen():
    memory, source = bytearray(b"\xaa" * 12), np.zeros(3, "i1,i1,i1,i1")
    view = View(np.frombuffer(memory, source.dtype))
    view["f0", "f2"][1:] = View(source)["f0", "f2"][1:]
    assert memory == bytes.fromhex("aaaaaaaa 00aa00aa 00aa00aa")
    view["f1", "f3"][:] = source[["f1", "f3"]]
    assert memory == bytes.fromhex("aa00aa00 00000000 00000000")
