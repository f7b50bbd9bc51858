"""Tests of layouts of ctypes classes, and of ctypes classes made from layouts, with random classes and examples."""

import array
import ctypes as C
import random
import sys

import pytest
from ctypes_structures import ARRAY, structure

import pep3118
from pep3118 import Format, View, layout_of


def classes():
    """Returns 2,000 random classes. Each call returns equal classes."""
    choose = random.Random(3118)
    return [structure(choose, choose.choice([0, 1, 2]), anonymous=True) for _ in range(2000)]


def check(node, kind, is_field=False):
    """Asserts that the field `node` has the layout of the ctypes class `kind`. Returns the number of leaves, except for
    bit-fields. `is_field` is whether `node` is a field of a record, in which a character array is one value."""
    shape = ()
    if isinstance(kind, ARRAY) and kind._type_ in (C.c_char, C.c_wchar) and is_field:
        # ctypes reads the attribute as one `bytes` or `str`.
        assert (node.shape, node.itemsize) == ((), C.sizeof(kind))
        return 1
    while isinstance(kind, ARRAY):
        shape, kind = (*shape, kind._length_), kind._type_
    assert (node.shape, node.itemsize) == (shape, C.sizeof(kind))
    if not issubclass(kind, (C.Structure, C.Union)):
        assert node.type != "record"
        swapped = C.sizeof(kind) > 1 and getattr(kind, "__ctype_be__", None) is kind
        assert not swapped or node.endian == "big"
        return 1
    fields = []
    for owner in reversed(kind.__mro__):
        fields += [(owner.__dict__[entry[0]], *entry) for entry in owner.__dict__.get("_fields_", [])]
    assert len(fields) == len(node.fields)
    leaves = 0
    for each, (descriptor, name, inner, *bits) in zip(node.fields, fields, strict=True):
        assert each.name == name
        if bits:
            # tests/python/test_owner_values.py compares the values.
            _, _, width = each.bits
            assert each.type == "bits" and width == bits[0]
        else:
            assert (each.offset, each.size) == (descriptor.offset, descriptor.size)
            leaves += check(each, inner, is_field=True)
    return leaves


def test_layouts_are_those_of_the_classes():
    leaves = 0
    for kind in classes():
        form = Format.from_ctypes(kind)
        assert form.alignment == C.alignment(kind)
        leaves += check(form.item, kind)
    assert leaves > 2500


def test_layouts_of_instances_and_arrays_come_from_the_class():
    for kind in classes()[:300]:
        layout = Format.from_ctypes(kind)
        assert layout_of(kind()) == layout_of((kind * 2 * 3)()) == layout_of(memoryview((kind * 2)())) == layout
        assert layout.dialect == "ctypes" and layout.certainty == "exact"


def test_to_ctypes_keeps_every_offset():
    """In a generated class, every field has the same offset as in the layout. Padding becomes fields of bytes. The test
    does not compare bit-fields."""

    def leaves(fields, base=0):
        for each in fields:
            if each.type == "record" and each.count == 1:
                yield from leaves(each.fields, base + each.offset)
            elif each.size and each.type not in ("bits", "void"):
                yield base + each.offset, each.size

    made = 0
    for kind in classes():
        layout = Format.from_ctypes(kind)
        again = Format.from_ctypes(layout.to_ctypes("Again"))
        assert again.itemsize == layout.itemsize
        assert set(leaves([layout.item])) <= set(leaves([again.item])), layout.explain()
        made += 1
    assert made == 2000


def is_readable(kind):
    """Returns whether ctypes reads each bit-field of `kind` from the bits where a C compiler puts the bit-field."""
    while isinstance(kind, ARRAY):
        kind = kind._type_
    for name, inner, *bits in getattr(kind, "_fields_", []):
        descriptor = getattr(kind, name)
        if bits and (descriptor.offset < 0 or (descriptor.size & 0xFFFF) + bits[0] > 8 * C.sizeof(inner)):
            return False
        if not is_readable(inner):
            return False
    return True


def test_to_ctypes_makes_bit_fields_with_the_same_bits():
    choose = random.Random(3119)
    types = [C.c_int8, C.c_uint8, C.c_int16, C.c_uint16, C.c_int32, C.c_uint32, C.c_int64, C.c_uint64]
    made = 0
    for number in range(1500):
        base = choose.choice([C.Structure, C.Structure, C.BigEndianStructure, C.LittleEndianStructure, C.Union])
        fields = []
        for index in range(choose.randrange(1, 6)):
            kind = choose.choice(types)
            width = (choose.randrange(1, C.sizeof(kind) * 8 + 1),) if choose.random() < 0.7 else ()
            fields.append((f"f{index}", kind, *width))
        space = {"_layout_": "ms", "_pack_": choose.choice([1, 2, 4])} if number % 5 == 0 else {}
        kind = type("Bits", (base,), {**space, "_fields_": fields})
        if base in (C.Structure, C.Union) and choose.random() < 0.2:
            kind = type("Outer", (C.Structure,), {"_fields_": [("x", C.c_char), ("inner", kind * 2)]})
        if not is_readable(kind):
            continue
        layout = Format.from_ctypes(kind)
        again = layout.to_ctypes("Again")
        assert Format.from_ctypes(again).fields == layout.fields or list(leaves_of(layout)) == [
            each for each in leaves_of(Format.from_ctypes(again)) if "_pad" not in each[0]
        ], fields
        data = choose.randbytes(C.sizeof(kind))
        owner, other = kind.from_buffer_copy(data), again.from_buffer_copy(data)
        if kind.__name__ == "Bits":
            assert [getattr(owner, name) for name, *_ in fields] == [getattr(other, name) for name, *_ in fields]
        made += 1
    assert made > 800


def leaves_of(layout):
    """Yields the path, the offset, the size in bytes and the bits of each leaf of `layout`."""

    def walk(fields, path, base):
        for each in fields:
            if each.type == "record":
                yield from walk(each.fields, f"{path}.{each.name}", base + each.offset)
            else:
                yield f"{path}.{each.name}", base + each.offset, each.size, each.bits

    yield from walk(layout.fields, "", 0)


def test_to_ctypes_refuses_bit_fields_that_ctypes_cannot_place():
    packed = Format.from_c("struct s { char c; unsigned a : 3; unsigned long long b : 64; } __attribute__((packed));")
    with pytest.raises(
        ValueError, match=r"(?s)the bit-field `b` of 64 bits at bit 3 of byte 1.*Record.from_format"
    ) as info:
        packed.to_ctypes()
    assert pep3118.Record.from_format(packed)(b"x", 1, 2).pack() == bytes([120, 17]) + bytes(8), info.value
    with pytest.raises(ValueError, match="it is not a field of a record"):
        Format("5t").to_ctypes()


def test_wrong_exports_of_ctypes_are_detected():
    agree = contradict = 0
    for kind in classes():
        view = memoryview(kind())
        try:
            declared = Format(view.format, view.itemsize, dialect="ctypes")
        except pep3118.FormatError:
            contradict += 1
            continue
        agree += not pep3118.diff(declared, layout_of(view))
    # CPython before 3.12 wrote no padding, so most formats of these versions have another size.
    assert agree > (1000 if sys.version_info >= (3, 12) else 500)
    assert contradict > 0


def test_the_layout_of_a_union_has_its_fields_although_its_format_is_bytes():
    class Word(C.Union):
        _fields_ = [("i", C.c_int32), ("f", C.c_float), ("b", C.c_ubyte * 4)]

    assert memoryview(Word()).format == "B"
    item = layout_of(Word()).item
    assert item.is_union and item["b"].shape == (4,) and item["f"].offset == 0


def test_a_bit_field_has_the_bytes_that_contain_its_bits():
    class Flags(C.Structure):
        _fields_ = [("low", C.c_uint32, 3), ("high", C.c_uint32, 29), ("rest", C.c_uint8)]

    low, high, rest = layout_of(Flags()).fields
    assert [(each.name, each.offset, each.size, each.bits) for each in (low, high, rest)] == [
        ("low", 0, 1, ("uint32", 0, 3)),
        ("high", 0, 4, ("uint32", 3, 29)),
        ("rest", 4, 1, None),
    ]


def test_bit_fields_of_unions_start_at_byte_0():
    """Before 3.14 ctypes reports negative offsets for some bit-fields of unions."""

    class Flags(C.Union):
        _pack_ = 2
        _layout_ = "ms"
        _fields_ = [("low", C.c_short, 7), ("high", C.c_int, 2)]

    form = Format.from_ctypes(Flags)
    assert [(each.name, each.offset, each.type) for each in form.fields] == [("low", 0, "bits"), ("high", 0, "bits")]
    assert layout_of(Flags()) == form
    assert len(View(Flags()).tobytes()) == C.sizeof(Flags)


def test_every_class_with_bit_fields_has_a_layout():
    choose = random.Random(3118)
    types = [C.c_int8, C.c_uint8, C.c_int16, C.c_uint16, C.c_int32, C.c_uint32, C.c_int64]
    for _ in range(1000):
        fields = []
        for index in range(choose.randrange(1, 5)):
            kind = choose.choice(types)
            width = (choose.randrange(1, C.sizeof(kind) * 8 + 1),) if choose.random() < 0.6 else ()
            fields.append((f"f{index}", kind, *width))
        namespace = {"_fields_": fields, "_layout_": "ms", "_pack_": choose.choice([1, 2, 4])}
        base = choose.choice([C.Structure, C.Union])
        kind = type("Bits", (base,), namespace)
        if any(width and width[0] > 8 * C.sizeof(kind) for _, _, *width in fields):
            # Before 3.14, ctypes gives some unions less memory than a bit-field needs.
            with pytest.raises(ValueError, match="ends at byte"):
                Format.from_ctypes(kind)
            continue
        form = Format.from_ctypes(kind)
        assert [each.name for each in form.fields] == [name for name, *_ in fields]
        assert base is not C.Union or {each.offset for each in form.fields} == {0}


def test_inherited_fields_come_first():
    class Base(C.Structure):
        _fields_ = [("x", C.c_int8)]

    class Derived(Base):
        _fields_ = [("y", C.c_int32)]

    assert [(each.name, each.offset) for each in layout_of(Derived()).fields] == [("x", 0), ("y", 4)]


def test_types_have_their_names():
    kinds = {
        C.c_char_p: "char_pointer", C.c_wchar_p: "wchar_pointer", C.c_void_p: "pointer", C.py_object: "object",
        C.CFUNCTYPE(None): "function", C.POINTER(C.c_int): "pointer", C.c_longdouble: "longdouble", C.c_bool: "bool",
        C.c_char: "char", C.c_wchar: "wchar", C.c_long: f"int{8 * C.sizeof(C.c_long)}", C.c_float: "float32",
    }  # fmt: skip
    assert {kind: Format.from_ctypes(kind).item.type for kind in kinds} == kinds
    assert Format.from_ctypes(C.c_int16 * 3 * 2).item.shape == (2, 3)
    assert Format.from_ctypes(C.c_int32.__ctype_be__).item.endian == "big"


def test_to_ctypes_swaps_swapped_fields():
    made = Format("T{>i:a:<h:b:(2)>d:c:}", dialect="pep3118").to_ctypes("Made")
    made_one = made.from_buffer_copy(bytes([0, 0, 1, 2, 3, 0]) + bytes(16))
    assert (made.__name__, made_one.a, made_one.b, C.sizeof(made)) == ("Made", 258, 3, 22)


def test_types_that_ctypes_lacks_are_refused():
    with pytest.raises(ValueError, match="ctypes has no type for the float16 `h` at byte 0"):
        Format("T{e:h:}", dialect="pep3118").to_ctypes()
    with pytest.raises(ValueError, match="the layout is for the data model llp64"):
        Format("l", dialect="pep3118", model="llp64").to_ctypes()


def test_a_class_with_a_hidden_field_is_refused():
    class Inner(C.Structure):
        _fields_ = [("x", C.c_int32)]

    class Outer(C.Structure):
        _anonymous_ = ["inner"]
        _fields_ = [("x", C.c_int32), ("inner", Inner)]

    assert Outer.x.offset == 4  # The attribute is the field of Inner, which hides the field of Outer.
    with pytest.raises(ValueError, match="two of its fields are called `x`"):
        Format.from_ctypes(Outer)


def test_a_class_with_changed_fields_is_refused():
    class Changed(C.Structure):
        _fields_ = [("x", C.c_int8), ("y", C.c_int32)]

    Changed._fields_[0] = ("x", C.c_int64)
    with pytest.raises(ValueError, match="has no layout"):
        Format.from_ctypes(Changed)
    Changed._fields_.append(("z", C.c_int8))
    with pytest.raises(ValueError, match="has no layout"):
        Format.from_ctypes(Changed)
    with pytest.raises(TypeError, match="is not a class of ctypes"):
        Format.from_ctypes(int)


def test_a_changed_class_falls_back_to_its_format():
    class Changed(C.Structure):
        _fields_ = [("x", C.c_int32)]

    Changed._fields_.append(("y", C.c_int8))
    assert [(each.name, each.offset) for each in layout_of(Changed()).fields] == [("x", 0)]
    Changed.x = 5
    assert layout_of(Changed()).itemsize == 4


def test_types_that_expand_without_bound_are_refused():
    # ctypes writes the format of each class, here a format of 2**17 items. The format of a larger class would need
    # gigabytes.
    kind = C.c_int8
    for index in range(32):
        names = ["a", "b"] if index < 17 else ["a"]
        kind = type(f"S{index}", (C.Structure,), {"_fields_": [(name, kind) for name in names]})
    with pytest.raises(ValueError, match="more than 65536 items"):
        Format.from_ctypes(kind)


def test_layouts_of_the_array_module_come_from_the_typecode():
    assert layout_of(array.array("d", [1.5])).item.type == "float64"
    assert layout_of(array.array("d", [1.5])).dialect == "array"


def test_layouts_of_casts_come_from_the_format():
    view = memoryview((C.c_int32 * 2)())
    assert layout_of(view).item.type == "int32"
    assert layout_of(view.cast("B")).item.type == "uint8"
    assert layout_of(view.cast("B").cast("h")).item.type == "int16"


def test_numpy_sees_the_same_offsets():
    """The test ignores classes that NumPy converts incorrectly: NumPy omits inherited fields, and gives nested packed
    structures and unions a wrong offset."""
    np = pytest.importorskip("numpy")

    def kinds(kind):
        while isinstance(kind, ARRAY):
            kind = kind._type_
        yield kind
        for entry in getattr(kind, "_fields_", []):
            yield from kinds(entry[1])

    def leaves(fields, base=0):
        for each in fields:
            if each.type == "record":
                for index in range(each.count):
                    yield from leaves(each.fields, base + each.offset + index * each.itemsize)
            elif each.size:
                yield base + each.offset, each.size

    same = 0
    for kind in classes():
        all_kinds = list(kinds(kind))
        if any(hasattr(each, "_pack_") or each.__base__.__name__ == "Base" for each in all_kinds):
            continue
        if any(issubclass(each, C.Union) for each in all_kinds[1:]):
            continue
        try:
            dtype = np.dtype(kind)
        except (TypeError, ValueError, NotImplementedError):
            continue  # NumPy has no pointers and no bit-fields.
        mine, numpys = Format.from_ctypes(kind).item, Format.from_dtype(dtype).item
        assert sorted(leaves([mine])) == sorted(leaves([numpys])), kind._fields_
        same += 1
    assert same > 600
