"""Tests of `Format`, `Field`, `calcsize`, `diff` and `layout_of`."""

import copy
import ctypes
import pickle
import re
from xml.etree import ElementTree

import pytest

import pep3118
from pep3118 import Format, View, layout_of


def test_calcsize_accepts_formats_of_struct_and_of_pep_3118():
    assert pep3118.calcsize("@bhi") == 8
    assert pep3118.calcsize("T{<i:a:<d:b:}") == 12


def test_the_error_of_a_format_has_a_span():
    with pytest.raises(pep3118.FormatError) as info:
        pep3118.calcsize("T{i")
    assert info.value.span == (3, 3)
    assert "structure opened at byte 0 is never closed" in str(info.value)


def test_a_format_and_its_fields_have_properties():
    form = Format("T{b:a:xxxxxxxi:b:}", 16, "numpy", "lp64")
    assert (form.itemsize, form.alignment, form.certainty, form.dialect) == (16, 4, "trailing-padding", "numpy")
    assert (form.format, str(form), form.model, form.alternatives) == ("T{b:a:xxxxxxxi:b:}",) * 2 + ("lp64", ())
    field = form.item["b"]
    assert (field.name, field.offset, field.size, field.type, field.endian) == ("b", 8, 4, "int32", "little")
    assert repr(field) == '<Field "b", offset=8, size=4, type="int32", endian="little">'
    with pytest.raises(KeyError):
        form.item["c"]


def test_none_means_unsigned_bytes():
    assert Format(None).item.type == "uint8"


def test_names_that_are_not_utf8_are_preserved():
    form = Format(b"T{i:\xff\x01a:}", dialect="pep3118")
    assert (form.fields[0].name, form.fields[0].name_bytes) == ("\\xff\\x01a", b"\xff\x01a")
    assert str(form).encode("utf-8", "surrogateescape") == b"T{i:\xff\x01a:}"
    assert Format(str(form), dialect="pep3118") == form


def test_a_model_is_a_name_or_a_target_triple():
    size = {model: Format("l", model=model).itemsize for model in ("lp64", "llp64", "x86_64-pc-windows-msvc")}
    assert size == {"lp64": 8, "llp64": 4, "x86_64-pc-windows-msvc": 4}


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((3,), TypeError, "`fmt` is a str, bytes, Format"),
        (("i", -1), OverflowError, "negative"),
        (("i", 8), pep3118.FormatError, "itemsize is 8 bytes but format `i` describes 4 bytes"),
        (("i", None, "fortran"), ValueError, "unknown dialect `fortran`"),
        (("i", None, None, "nowhere"), ValueError, "unknown target triple `nowhere`"),
        (("\ud800",), UnicodeEncodeError, "surrogates not allowed"),
    ],
)
def test_invalid_arguments_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        Format(*arguments)


def test_ambiguous_formats_have_alternatives_and_no_conversions():
    form = Format("T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", 24)
    assert form.certainty == "ambiguous"
    assert {other.item["y"].offset for other in (form, *form.alternatives)} == {16, 23}
    for act in (form.emit, form.to_c, form.to_rust, form.to_dtype, form.to_ctypes, lambda: pep3118.diff(form, "i")):
        with pytest.raises(ValueError, match="is ambiguous"):
            act()


def test_equality_is_that_of_values_and_names():
    forms = [Format("l", model="lp64"), Format("<q"), Format("q", model="llp64")]
    assert len(set(forms)) == 1
    different = ["T{i:a:}", "T{>i:a:}", "T{i:b:}", "T{I:a:}", "T{(1)i:a:}", "T{i:a:b:b:}", "i"]
    assert len({Format(text, dialect="pep3118", model="lp64") for text in different}) == len(different)
    # The formats are equal, but `g` has another representation on each machine.
    assert Format("g", model="lp64") != Format("g", model="aarch64")
    assert Format("i") != "i"


def roundtrip(form):
    """Asserts that pickling and copying preserve `form`."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(form, protocol))
        assert again == form and hash(again) == hash(form) and repr(again) == repr(form)
        assert (again.certainty, again.dialect, again.format) == (form.certainty, form.dialect, form.format)
        assert again.explain() == form.explain()
    assert copy.copy(form) is form and copy.deepcopy(form) is form


def test_pickling_preserves_a_format():
    roundtrip(Format("T{b:a:xxxxxxxi:b:}", 16, "numpy"))
    roundtrip(Format(b"T{i:\xff:}", model="x86_64-pc-windows-msvc"))
    roundtrip(Format("T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", 24))

    class Sample(ctypes.Union):
        _fields_ = [("a", ctypes.c_int * 3 * 2), ("b", ctypes.c_double), ("c", ctypes.c_char * 5)]

    roundtrip(Format.from_ctypes(Sample))
    roundtrip(Format.from_c("union u { int a; char b[8]; };", model="llp64"))


def test_c_source_is_a_format():
    source = "struct tick { uint16_t id; long price; }; struct book { struct tick best[2]; char name[8]; };"
    form = Format.from_c(source, model="llp64")
    assert (str(form), form.itemsize, form.alignment) == ("T{(2)T{<H:id:2xi:price:}:best:8s:name:}", 24, 4)
    assert Format.from_c(source, "tick", "lp64").itemsize == 16
    assert Format.from_c(source).model == "host"
    with pytest.raises(
        pep3118.FormatError, match=r"line 1, column 12: unknown type `u16`(.|\n)*help: declare the type"
    ):
        Format.from_c("struct s { u16 a; };")
    with pytest.raises(pep3118.FormatError, match="declares no type `other`"):
        Format.from_c(source, "other")
    with pytest.raises(ValueError, match="unknown target triple"):
        Format.from_c(source, model="pdp11")


def test_invalid_pickles_are_refused():
    form = Format.from_ctypes(ctypes.c_int)
    restore, (tree, dialect, model) = form.__reduce__()
    assert restore(tree, dialect, model) == form
    for change in [{"itemsize": 3}, {"alignment": 3}, {"fields": 3}, {"itemsize": -1}]:
        with pytest.raises((ValueError, TypeError, OverflowError)):
            restore({**tree, **change}, dialect, model)
    for change in [{"type": "int33"}, {"endian": "middle"}, {"itemsize": 3}, {"offset": 1}, {"shape": [2**62]}]:
        (field,) = tree["fields"]
        with pytest.raises(ValueError, match=r"unknown|has no size|ends at byte|more elements"):
            restore({**tree, "fields": [{**field, **change}]}, dialect, model)


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_pickles_of_items_larger_than_memory_are_refused(size):
    restore, (tree, dialect, model) = Format.from_ctypes(ctypes.c_int).__reduce__()
    with pytest.raises(ValueError, match="too large for the data model"):
        restore({**tree, "itemsize": size}, dialect, model)


def test_the_largest_item_converts_to_a_ctypes_class():
    restore, (tree, dialect, model) = Format.from_ctypes(ctypes.c_int).__reduce__()
    large = restore({**tree, "itemsize": 2**63 - 1}, dialect, model)
    assert ctypes.sizeof(large.to_ctypes()) == 2**63 - 1


def test_unknown_names_have_suggestions():
    for arguments, suggestion in [
        ({"dialect": "nunpy"}, "did you mean `numpy`?"),
        ({"model": "lp46"}, "did you mean `lp64`?"),
        ({"dialect": "fortran"}, "dialects are struct, "),
    ]:
        with pytest.raises(ValueError, match=re.escape(suggestion)):
            Format("i", **arguments)
    with pytest.raises(ValueError, match=r"did you mean `cython`\?"):
        Format("i").emit("cyton")
    with pytest.raises(ValueError, match=r"did you mean `ctypes`\?"):
        View(b"abc", dialect="ctype")


def test_a_format_error_without_a_position_has_no_span():
    with pytest.raises(pep3118.FormatError) as info:
        pep3118.diff("ib", Format("ib", itemsize=None))
    assert info.value.span is None


def test_names_that_are_not_utf8_survive_a_cast():
    view = View(b"\x01\x02").cast(b"T{B:\xff:B:b:}")
    again = view.cast(view.format)
    assert again.format == view.format == "T{B:\udcff:B:b:}"
    assert again.tolist() == [(1, 2)] and pep3118.calcsize(view.format) == 2


def test_emit_writes_the_format_for_a_target():
    form = Format("T{b:a:i:b:}", dialect="pep3118", model="lp64")
    assert form.emit() == "T{b:a:3x<i:b:}"
    assert form.emit("struct") == "<b3xi"
    with pytest.raises(ValueError, match="unknown target `fortran`"):
        form.emit("fortran")
    with pytest.raises(ValueError, match="numpy cannot read the pointer at byte 0"):
        Format("T{&i:p:}", dialect="pep3118").emit("numpy")


def test_to_c_and_to_rust_write_assertions():
    form = Format("T{b:a:i:b:}", dialect="pep3118", model="lp64")
    assert 'static_assert(offsetof(struct thing, b) == 4, "thing.b is at byte 4");' in form.to_c("thing")
    assert "const _: () = assert!(core::mem::offset_of!(Thing, b) == 4);" in form.to_rust("Thing")
    with pytest.raises(ValueError, match="`int` cannot be a name in C source"):
        form.to_c("int")


def test_diff_describes_the_first_difference():
    same = pep3118.diff("T{i:a:}", "T{i:a:}")
    assert (same.equivalence, same.difference, bool(same)) == ("text", None, False)
    names = pep3118.diff("T{i:a:}", b"T{i:b:}")
    assert (names.equivalence, bool(names)) == ("layout-ignoring-names", True)
    swapped = pep3118.diff(Format("<i"), Format(">i"))
    assert swapped.equivalence == "bytes-after-swap"
    assert str(swapped) == (
        "same bytes after swapping: int32 at byte 0 is little-endian in the first and big-endian in the second"
    )
    other = pep3118.diff("i", "f")
    assert (other.equivalence, str(other)) == (
        None,
        "different: offset 0 has int32 in the first and float32 in the second",
    )


def test_pictures_fit_the_width():
    form = Format("T{(20)i:a:}", dialect="pep3118")
    for width in (80, 40, 20, 1):
        picture = form.explain(width=width).split("\n\n")[2]
        assert max(map(len, picture.splitlines())) <= max(width, 11)
    assert "\x1b[" not in form.explain() and "\x1b[" in form.explain(color=True)


def test_svg_is_valid_xml():
    name = '<&">\x01\ufffe]]>'
    form = Format(f"T{{i:{name}:5xd:b:}}", dialect="pep3118")
    for text in (form.svg(), form._repr_html_()):
        root = ElementTree.fromstring(text)
        titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}title")]
        assert any("int32, bytes 0 to 3" in title for title in titles) and "padding, bytes 4 to" in titles[1]


def test_objects_without_a_buffer_have_no_layout():
    with pytest.raises(TypeError):
        layout_of(3)


def test_bytes_and_memoryviews_of_bytes_have_unsigned_bytes():
    for exporter in (b"ab", bytearray(b"ab"), memoryview(b"ab")):
        assert layout_of(exporter).item.type == "uint8"
