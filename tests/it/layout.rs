//! Tests of layouts: reading, comparing, emitting and reconciling, with snapshots of tables and pictures.

use pep3118::decode::{ColumnData, DecodeError, Plan};
use pep3118::layout::{LayoutBuilder, MemberSpec};
use pep3118::{
    Certainty, Checked, Code, Comparison, DataModel, Dialect, Endian, Equivalence, Format, Interpretation, ItemLayout,
    Layout, LayoutError, LayoutErrorKind, Picture, RawView, Request, RuleId, Scalar, Table, Target, Type, calcsize_in,
    reconcile,
};

use crate::snapshot;

/// A format whose dotted names are longer than the cells of their fields in a picture. The names differ only at their
/// ends.
const LONG_PATHS: &str = "T{T{T{b:x:b:y:h:altitude_metres:}:position:(2)i:sequence_numbers:}:header:\
    T{e:price_usd:e:price_eur:d:price_gbp:}:quote:b:flag:b:\u{65e5}\u{672c}\u{8a9e}:hd}";

/// Returns a text with a table and a picture for each interpretation of `format`. If `itemsize` or `dialect` is
/// `None`, the itemsize or the dialect is unknown. Panics if the format is refused and not ambiguous.
fn page(format: &str, itemsize: Option<u64>, dialect: Option<&Dialect>, model: DataModel) -> String {
    let outcome = reconcile(format.as_bytes(), itemsize, dialect, &model);
    let (found, others) = match (&outcome, outcome.as_ref().err().and_then(LayoutError::ambiguity)) {
        (Ok(found), _) => (found, &[][..]),
        (Err(_), Some(ambiguity)) => ambiguity.alternatives().split_first().unwrap(),
        (Err(error), None) => panic!("{format}: {error}"),
    };
    let draw = |layout: &Layout| format!("{}\n{}", Table::new(layout), Picture::new(layout));
    let mut page = format!(
        "format   {}\ndialect  {}        model  {}, {}\nsize     {}            align    {}        {}\n\n{}",
        format.escape_debug(),
        found.dialect,
        model.name,
        model.endian,
        found.layout.size(),
        found.layout.align(),
        if others.is_empty() { found.certainty.as_str() } else { "ambiguous" },
        draw(&found.layout),
    );
    for Interpretation { dialect, layout: alternative, .. } in others {
        page += &format!("\nor, by {dialect}, {} bytes\n\n{}", alternative.size(), draw(alternative));
    }
    page
}

#[test]
fn layouts_have_the_tables_and_pictures_of_the_snapshots() {
    let lp64 = DataModel::LP64;
    let pages: &[(&str, &str, Option<u64>, Option<&Dialect>, DataModel)] = &[
        ("struct-padded", "@IdB", None, Some(&Dialect::STRUCT), lp64),
        ("struct-packed", "<IdB", None, Some(&Dialect::STRUCT), lp64),
        ("struct-zero-count", "b0i", None, Some(&Dialect::STRUCT), lp64),
        ("ctypes", "T{<b:c:3xT{<i:a:<b:b:3x}:i:<b:z:3x}", Some(16), Some(&Dialect::CTYPES), lp64),
        ("ctypes-pointers", "T{<z:s:<Z:w:&<i:p:(2)X{}:f:<u:c:4x}", Some(48), Some(&Dialect::CTYPES), lp64),
        ("numpy-tail", "T{b:a:xxxxxxxi:b:}", Some(16), Some(&Dialect::NUMPY), lp64),
        ("numpy-nested", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), Some(&Dialect::NUMPY), lp64),
        ("numpy-inferred", "T{(2)T{i:a:b:b:}:x:xxxxxxb:y:}", Some(20), Some(&Dialect::NUMPY), lp64),
        ("numpy-ambiguous", "T{(2)T{i:a:}:x:xxxxxxxxxxxxxxxxi:y:}", Some(28), Some(&Dialect::NUMPY), lp64),
        ("numpy-void", "T{3x:f0:=i:f1:}", Some(7), Some(&Dialect::NUMPY), lp64),
        ("unknown-producer", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), None, lp64),
        ("no-itemsize", "ib", None, None, lp64),
        ("cython", "T{d:a:c:b:}", Some(16), Some(&Dialect::CYTHON), lp64),
        ("pybind11", "^T{?:b:3xI:u:(4, 2)i:m:^T{d:x:}:p :}", None, Some(&Dialect::PYBIND11), lp64),
        ("array-wchar-windows", "u", Some(2), Some(&Dialect::ARRAY), DataModel::LLP64),
        ("pep-example", "i:ival:\n (16,4)d:data:", None, Some(&Dialect::PEP3118), lp64),
        ("stacked-shapes", "(2)(3)2i", None, Some(&Dialect::PEP3118), lp64),
        ("bits", "T{b:a:3t:b:i:c:}", None, Some(&Dialect::PEP3118), lp64),
        ("big-endian-model", "T{g:a:>d:b:<h:c:}", None, Some(&Dialect::PEP3118), DataModel::S390X),
        ("i386", "T{b:a:d:b:g:c:}", None, Some(&Dialect::PEP3118), DataModel::I386),
        ("user-type", "[bfloat16$x]:w:", Some(2), None, lp64),
        ("empty", "", None, Some(&Dialect::STRUCT), lp64),
        ("strange-names", "T{i::b: :h:a\u{301}:i:\u{540d}\u{524d}:i:a\nb:}", None, Some(&Dialect::PEP3118), lp64),
        ("long-paths", LONG_PATHS, None, Some(&Dialect::PEP3118), lp64),
        ("long", "T{H:a:(1000)d:b:}", None, Some(&Dialect::PEP3118), lp64),
    ];
    for (name, format, itemsize, dialect, model) in pages {
        snapshot::check("layout", name, format, &page(format, *itemsize, *dialect, *model));
    }
}

#[test]
fn pictures_are_no_wider_than_requested() {
    let layout = Layout::read(LONG_PATHS.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let picture = |cells| Picture::new(&layout).within(cells).to_string();
    let width = |line: &str| line.chars().map(|sign| if sign > '\u{3000}' { 2 } else { 1 }).sum::<usize>();
    for cells in [200, 100, 80, 60, 56, 55, 40, 32, 20, 11] {
        assert!(picture(cells).lines().all(|line| width(line) <= cells), "{cells}:\n{}", picture(cells));
    }
    assert_eq!(picture(60), Picture::new(&layout).to_string());
    // Pictures of every width show the ends of the names, because only the ends differ.
    for cells in [60, 40, 20] {
        for end in ["x", "y", "usd", "eur", "gbp"] {
            assert!(picture(cells).contains(end), "{end} at {cells}:\n{}", picture(cells));
        }
    }
    snapshot::check("layout", "long-paths-40", LONG_PATHS, &format!("{}\n{}", picture(60), picture(40)));
}

#[test]
fn recognize_and_read_agree_for_every_code_and_byte_order() {
    let mut recognized = 0;
    for model in DataModel::ALL {
        for code in Code::ALL {
            for order in ["", "@", "=", "<", ">", "!", "^"] {
                let format = format!("{order}{code}");
                let Some(scalar) = Scalar::recognize(format.as_bytes(), &model) else { continue };
                let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &model).unwrap();
                let item = layout.item();
                assert_eq!((item.ty(), item.size()), (scalar.ty, scalar.size), "{format}");
                if let Some(endian) = item.endian() {
                    assert_eq!(endian, scalar.endian, "{format}");
                }
                recognized += 1;
            }
        }
    }
    assert!(recognized > 1000, "{recognized}");
}

#[test]
fn no_field_reaches_past_the_itemsize() {
    for row in crate::corpus::rows("exports") {
        let format = row["format"].as_str().unwrap();
        for dialect in Dialect::ALL {
            for model in DataModel::ALL {
                let Ok(layout) = Layout::read(format.as_bytes(), dialect, &model) else { continue };
                crate::properties::stays_inside(&layout);
                assert_eq!(
                    calcsize_in(format.as_bytes(), dialect, &model).unwrap(),
                    layout.size(),
                    "{format} {dialect}"
                );
            }
        }
    }
}

#[test]
fn comparisons_name_the_first_difference() {
    let compare = |a: &str, b: &str| {
        let (a, b) = (Format::parse(a.as_bytes()).unwrap(), Format::parse(b.as_bytes()).unwrap());
        let compared = Comparison::of_formats(&a, &b, &Dialect::PEP3118, &DataModel::LP64).unwrap();
        (compared.equivalence, compared.difference.unwrap_or_default())
    };
    use Equivalence as E;
    let cases: &[(&str, &str, Option<E>, &str)] = &[
        ("i i", "ii", Some(E::Text), ""),
        ("l", "q", Some(E::Scalars), ""),
        ("<i", "i", Some(E::Scalars), ""),
        ("T{b:a:i:b:}", "T{b:a:3x<i:b:}", Some(E::Scalars), ""),
        (
            "T{i:a:}",
            "T{i:b:}",
            Some(E::LayoutIgnoringNames),
            "the field at byte 0 is named `a` in the first and named `b` in the second",
        ),
        (
            "T{i:a:}",
            "T{i}",
            Some(E::LayoutIgnoringNames),
            "the field at byte 0 is named `a` in the first and not named in the second",
        ),
        (
            "T{<i:a:}",
            "T{>i:a:}",
            Some(E::BytesAfterSwap),
            "int32 at byte 0 is little-endian in the first and big-endian in the second",
        ),
        ("ii", "iI", None, "offset 4 has int32 in the first and uint32 in the second"),
        ("5s", "5p", None, "offset 0 has bytes of 5 bytes in the first and pascal of 5 bytes in the second"),
        ("T{b:a:3xi:b:}", "T{3xb:a:i:b:}", None, "int8 starts at byte 0 in the first and byte 3 in the second"),
        ("(2,3)i", "(3,2)i", None, "offset 0 has int32[2,3] in the first and int32[3,2] in the second"),
        ("T{i:a:4x}", "T{i:a:i:b:}", None, "the record at byte 0 has 1 field in the first and 2 fields in the second"),
        ("i", "d", None, "the item has 4 bytes in the first and 8 bytes in the second"),
    ];
    for (a, b, equivalence, difference) in cases {
        assert_eq!(compare(a, b), (*equivalence, (*difference).to_owned()), "{a} and {b}");
    }
}

#[test]
fn emitted_formats_are_read_the_same() {
    let emit = |format: &str, target| {
        let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
        layout.emit(target).map(|format| String::from_utf8(format).unwrap()).map_err(|error| error.to_string())
    };
    let cases: &[(&str, Target, Result<&str, &str>)] = &[
        ("T{b:a:i:b:}", Target::Canonical, Ok("T{b:a:3x<i:b:}")),
        ("T{b:a:i:b:}", Target::NumPy, Ok("T{b:a:3x<i:b:}")),
        ("T{b:a:i:b:}", Target::Cython, Ok("T{b:a:3x<i:b:}")),
        ("T{b:a:i:b:}", Target::Struct, Ok("<b3xi")),
        ("T{>i:a:b:b:}", Target::Struct, Ok(">ib")),
        ("T{>i:a:<h:b:}", Target::Struct, Err("struct cannot read the int16 at byte 4, a second byte order")),
        (
            "T{>i:a:}",
            Target::Cython,
            Err("cython cannot read the int32 at byte 0, which is not in the machine's byte order"),
        ),
        ("T{Zd:z:}", Target::Struct, Err("struct cannot read the complex128 at byte 0")),
        ("T{Zd:z:}", Target::CPython314, Ok("<D")),
        ("T{Zd:z:}", Target::CPython315, Ok("<Zd")),
        ("T{Zf:z:}", Target::CPython314, Ok("<F")),
        ("T{Zf:z:}", Target::CPython315, Ok("<Zf")),
        ("T{Zf:y:>Zd:z:}", Target::Canonical, Ok("T{<Zf:y:>Zd:z:}")),
        ("T{b:b:P:p:}", Target::Struct, Ok("@bP")),
        ("T{b:b:^P:p:}", Target::Struct, Err("struct cannot read this layout")),
        ("T{b:b:g:g:}", Target::NumPy, Ok("T{b:b:15x^g:g:}")),
        ("T{&i:p:}", Target::NumPy, Err("numpy cannot read the pointer at byte 0")),
        ("(2)(3)i", Target::NumPy, Ok("(2,3)<i")),
        ("(2,3)i", Target::Struct, Ok("<6i")),
        ("T{(2)5s:a:}", Target::Struct, Err("struct cannot read the array of bytes at byte 0")),
        ("T{(2)T{i:a:b:b:}:x:}", Target::Struct, Err("struct cannot read the array of records at byte 0")),
        ("T{5s:a:3w:b:}", Target::Canonical, Ok("T{5s:a:3x<3w:b:}")),
        ("T{5w:a:}", Target::Cython, Err("cython cannot read the ucs4 at byte 0")),
        ("T{3x:v:}", Target::NumPy, Ok("T{3x:v:}")),
        ("O", Target::Canonical, Ok("^O")),
        ("X{}", Target::Canonical, Ok("^X{}")),
        ("3t", Target::Canonical, Ok("3t")),
        ("65t", Target::Canonical, Ok("72t")),
        ("12t", Target::Canonical, Ok("<12t")),
        ("", Target::Canonical, Ok("T{}")),
    ];
    for (format, target, expected) in cases {
        let emitted = emit(format, *target);
        assert_eq!(emitted.as_deref().map_err(String::as_str), *expected, "{format} for {target}");
    }
}

#[test]
fn all_dialects_read_the_canonical_format_the_same() {
    let mut agreed = 0;
    for row in crate::corpus::rows("exports") {
        let (format, itemsize) = (row["format"].as_str().unwrap(), row["itemsize"].as_u64());
        let Ok(found) = reconcile(format.as_bytes(), itemsize, None, &DataModel::LP64) else { continue };
        let Ok(canonical) = found.layout.emit(Target::Canonical) else { continue };
        for dialect in Dialect::ALL {
            match Layout::read(&canonical, dialect, &DataModel::LP64) {
                Ok(layout) => {
                    let compared = Comparison::of_layouts(&found.layout, &layout);
                    // In dialect `ctypes`, `u` is a `wchar_t`, so its type or its width is not that of `found.layout`.
                    let wide = layout.leaves().any(|(_, leaf)| leaf.ty() == Type::Wchar);
                    // In dialect `cython`, `x` with a name is padding. The other fields have the same offsets.
                    let void = found.layout.leaves().any(|(_, leaf)| leaf.ty() == Type::Void);
                    let excused = wide || (void && dialect.name == "cython");
                    assert!(
                        compared.equivalence >= Some(Equivalence::Scalars) || excused,
                        "{format} {dialect} {compared:?}"
                    );
                    agreed += 1;
                }
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        LayoutErrorKind::Code { .. }
                            | LayoutErrorKind::Construct { .. }
                            | LayoutErrorKind::NoStandardSize { .. }
                            | LayoutErrorKind::DuplicateName
                    ),
                    "{format} {dialect}: {error}"
                ),
            }
        }
    }
    assert!(agreed > 5000, "{agreed}");
}

#[test]
fn bits_after_bits_are_refused() {
    let read = |format: &str| Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64);
    assert_eq!(*read("t3t").unwrap_err().kind(), LayoutErrorKind::AdjacentBits);
    assert_eq!(read("3tb3t").unwrap().size(), 3);
}

#[test]
fn a_layout_that_is_read_into_equals_a_new_one() {
    let mut layout = Layout::new();
    let formats = ["T{>H:a:(2,3)T{<d:x:B:y:}:b:}", "<i", "iid", "", "(4)T{i:x:}:many:", "3s", "<3i"];
    for format in formats.iter().chain(formats.iter().rev()) {
        for (dialect, model) in [(Dialect::PEP3118, DataModel::LP64), (Dialect::NUMPY, DataModel::S390X)] {
            let fresh = Layout::read(format.as_bytes(), &dialect, &model).unwrap();
            layout.read_into(format.as_bytes(), &dialect, &model).unwrap();
            assert_eq!(format!("{layout:?}"), format!("{fresh:?}"), "{format} in {dialect}");
            assert_eq!(layout.align(), fresh.align(), "{format} in {dialect}");
        }
    }
    let error = layout.read_into(b"T{i:a:<n:b:}", &Dialect::PEP3118, &DataModel::LP64).unwrap_err();
    assert_eq!(error, Layout::read(b"T{i:a:<n:b:}", &Dialect::PEP3118, &DataModel::LP64).unwrap_err());
    assert_eq!((layout.size(), layout.fields().count()), (0, 0));
}

#[test]
fn the_source_of_a_layout_error_is_the_syntax_error() {
    use std::error::Error as _;
    let read = |format: &str| Layout::read(format.as_bytes(), &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
    assert_eq!(read("i}").source().unwrap().to_string(), Format::parse(b"i}").unwrap_err().to_string());
    assert!(read("<n").source().is_none());
}

#[test]
fn single_bytes_compare_equal_in_both_byte_orders() {
    let compare = |a: &str, b: &str| {
        let read = |format: &str| Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
        Comparison::of_layouts(&read(a), &read(b)).equivalence
    };
    for code in ["b", "B", "?", "c", "5s", "3x:a:", "(7)b"] {
        assert_eq!(compare(&format!("<{code}"), &format!(">{code}")), Some(Equivalence::Scalars), "{code}");
    }
    for code in ["h", "e", "2u", "w", "Ze", "q"] {
        assert_eq!(compare(&format!("<{code}"), &format!(">{code}")), Some(Equivalence::BytesAfterSwap), "{code}");
    }
}

#[test]
fn natural_alignments_are_those_of_the_c_types() {
    let aligns = |model: &DataModel| {
        let layout = Layout::read(b"T{b:a:T{>d:x:B:y:}:r:(3)<h:c:T{}:e:5s:s:}", &Dialect::PEP3118, model).unwrap();
        let item = layout.fields().next().unwrap();
        let mut aligns = vec![item.natural_align().bytes()];
        for field in item.fields() {
            aligns.push(field.natural_align().bytes());
            aligns.extend(field.fields().map(|inner| inner.natural_align().bytes()));
        }
        aligns
    };
    // The alignments of the record, a, r, r.x, r.y, c, e and s.
    assert_eq!(aligns(&DataModel::LP64), [8, 1, 8, 8, 1, 2, 1, 1]);
    assert_eq!(aligns(&DataModel::I386), [4, 1, 4, 4, 1, 2, 1, 1]);
}

#[test]
fn of_scalar_and_read_give_the_same_field() {
    for mark in ["", "<", ">", "^"] {
        for code in Code::ALL {
            let format = format!("{mark}{code}");
            for model in [DataModel::LP64, DataModel::S390X] {
                let Some(scalar) = Scalar::recognize(format.as_bytes(), &model) else { continue };
                let Ok(read) = Layout::read(format.as_bytes(), &Dialect::PEP3118, &model) else { continue };
                let (short, long) = (Layout::of_scalar(scalar, &model), read);
                let field = |layout: &Layout| {
                    let item = layout.item();
                    (item.ty(), item.size(), item.endian(), item.natural_align())
                };
                assert_eq!(field(&short), field(&long), "{format} on {model}");
            }
        }
    }
}

#[test]
fn two_names_of_one_type_are_not_ambiguous() {
    // `u` is UCS-2 in dialect `pep3118` and a `wchar_t` in other dialects. On Windows both types have two bytes.
    for (format, itemsize) in [("u", 2), ("(3)u", 6), ("3u", 6), ("0u", 0), ("T{<3u:a:}", 6)] {
        let found = reconcile(format.as_bytes(), Some(itemsize), None, &DataModel::LLP64).unwrap();
        assert_eq!(found.certainty, Certainty::Exact, "{format}");
    }
}

#[test]
fn only_a_format_of_one_item_can_be_a_format_of_array() {
    let certainty = |format, itemsize| reconcile(format, itemsize, None, &DataModel::LP64).map(|found| found.certainty);
    assert_eq!(["u", "@u", "7u"].map(|format| certainty(format, None).is_err()), [true; 3]);
    for (format, itemsize) in [("u0B", 2), ("0Bu", 2), ("@0qu", 2), ("0f7u", 14)] {
        assert_eq!(certainty(format, Some(itemsize)), Ok(Certainty::Exact), "{format}");
    }
}

#[test]
fn alternatives_are_named_by_their_dialect() {
    // The elements have five bytes by the rule of `struct` and eight bytes by the rule of a C compiler.
    let error = reconcile(b"(2)T{ib}", None, Some(&Dialect::PEP3118), &DataModel::LP64).unwrap_err();
    let alternatives = error.ambiguity().unwrap().alternatives().iter();
    let alternatives: Vec<_> = alternatives.map(|found| (found.dialect.name, found.layout.size())).collect();
    assert_eq!(alternatives, [("pep3118-packed", 10), ("native-c", 16)]);
}

#[test]
fn user_types_have_the_alignment_that_makes_elements_ambiguous() {
    // The elements have 9 bytes by the rule of `struct` and 16 bytes by the rule of a C compiler.
    let error = reconcile(b"(2)T{[datetime64$s]B}", None, Some(&Dialect::PEP3118), &DataModel::LP64).unwrap_err();
    let sizes = error.ambiguity().unwrap().alternatives().iter().map(|found| found.layout.size());
    assert_eq!(sizes.collect::<Vec<_>>(), [18, 32]);
    // NumPy writes no user types, so bytes after the record are not its implicit padding.
    assert!(reconcile(b"T{l[int4]}", Some(12), None, &DataModel::LP64).is_err());
}

/// Returns the layout of a record of 16 bytes with two fields of 4 bytes. The fields start at the bytes `first` and
/// `second`.
fn two_fields(first: u64, second: u64) -> Layout {
    let int = Scalar { ty: Type::Int32, size: 4, endian: Endian::Little };
    let mut builder = LayoutBuilder::new(16, &DataModel::LP64);
    for (name, offset) in [(b"a", first), (b"b", second)] {
        builder.value(MemberSpec { name: Some(name), offset, ..MemberSpec::default() }, int).unwrap();
    }
    builder.finish()
}

#[test]
fn overlaps_are_found_for_fields_in_any_order() {
    for (first, second, shared) in
        [(0, 4, false), (4, 0, false), (12, 0, false), (0, 3, true), (3, 0, true), (8, 8, true), (8, 5, true)]
    {
        assert_eq!(two_fields(first, second).has_overlaps(), shared, "{first} {second}");
    }
}

#[test]
fn builders_have_the_item_limit_of_formats() {
    let byte = Scalar { ty: Type::UInt8, size: 1, endian: Endian::Little };
    let mut builder = LayoutBuilder::new(1 << 17, &DataModel::LP64);
    for offset in 0..65_536 {
        builder.value(MemberSpec { offset, ..MemberSpec::default() }, byte).unwrap();
    }
    let error = builder.value(MemberSpec::default(), byte).unwrap_err();
    assert_eq!(error.to_string(), "more than 65536 items");
}

#[test]
fn a_large_dimension_beside_a_dimension_of_0_is_refused() {
    // NumPy refuses the dimension 3000000000: "dimension does not fit into a C int".
    for format in ["(0,3000000000)i", "(3000000000,0)i"] {
        let error = Layout::read(format.as_bytes(), &Dialect::NUMPY_READER, &DataModel::LP64).unwrap_err();
        assert_eq!(error.kind().name(), "count-too-large", "{format}");
    }
    assert!(Layout::read(b"(0,2147483647)i", &Dialect::NUMPY_READER, &DataModel::LP64).is_ok());
}

#[test]
fn only_dialects_with_user_types_read_them() {
    let read = |dialect| reconcile(b"[bfloat16]", Some(2), dialect, &DataModel::LP64);
    assert_eq!(read(None).unwrap().layout.size(), 2);
    assert_eq!(read(Some(&Dialect::NUMPY)).unwrap_err().kind().name(), "construct");
}

#[test]
fn equivalences_have_stable_names() {
    use Equivalence as E;
    let names = [E::BytesAfterSwap, E::LayoutIgnoringNames, E::Scalars, E::Text].map(E::as_str);
    assert_eq!(names, ["bytes-after-swap", "layout-ignoring-names", "scalars", "text"]);
}

#[test]
fn ambiguous_formats_have_no_layout_without_a_choice() {
    // NumPy writes the padding of the elements of `x` after the array. The distance between the elements is 1 or 2
    // bytes.
    let format = b"T{(2)T{b:a:}:x:xx(2)b:y:}";
    let read = |dialect| reconcile(format, Some(6), dialect, &DataModel::LP64);
    let values = |layout: &Layout| {
        let item = [1, 0, 2, 0, 3, 4];
        Plan::new(layout).unwrap().columns(&item, None).unwrap().swap_remove(0).data
    };
    for dialect in [Some(&Dialect::NUMPY), None] {
        let error = read(dialect).unwrap_err();
        assert_eq!(error.kind().name(), "ambiguous");
        let ambiguity = error.ambiguity().unwrap();
        let padded = ambiguity.choose(&Dialect::NUMPY_PADDED).unwrap();
        assert_eq!(values(&padded.layout), ColumnData::Int8(vec![1, 2]));
        let packed = ambiguity.alternatives().iter().find(|found| found.dialect.name != "numpy-padded").unwrap();
        assert_eq!(values(&packed.layout), ColumnData::Int8(vec![1, 0]));
    }
    assert_eq!(values(&read(Some(&Dialect::NUMPY_PACKED)).unwrap().layout), ColumnData::Int8(vec![1, 0]));
    assert_eq!(values(&read(Some(&Dialect::NUMPY_PADDED)).unwrap().layout), ColumnData::Int8(vec![1, 2]));
}

#[test]
fn views_of_ambiguous_formats_have_a_geometry_and_no_plan() {
    let raw = RawView {
        len: 12,
        itemsize: 6,
        ndim: 1,
        format: Some(b"T{(2)T{b:a:}:x:xx(2)b:y:}"),
        shape: Some(&[2]),
        strides: Some(&[6]),
        ..RawView::default()
    };
    let Checked { report, view } = raw.check(Request::FULL_RO, Some(&Dialect::NUMPY), None);
    let view = view.unwrap();
    assert!(report.iter().any(|finding| finding.rule() == RuleId::A07));
    assert_eq!((view.shape(), view.strides(), view.itemsize()), (&[2][..], &[6][..], 6));
    let ItemLayout::Ambiguous(ambiguity) = view.item() else { panic!("{:?}", view.item()) };
    let error = Plan::for_view(&view, &DataModel::LP64).unwrap_err();
    assert_eq!(error, DecodeError::Ambiguous(ambiguity.clone()));
    assert_eq!(error.to_string(), ambiguity.to_string());
}

#[test]
fn messages_of_ambiguity_have_the_layouts_and_their_first_difference() {
    let cases: &[(&str, &str, Option<u64>, Option<&Dialect>)] = &[
        ("ambiguity-spacing", "T{(2)T{b:a:}:x:xx(2)b:y:}", Some(6), Some(&Dialect::NUMPY)),
        ("ambiguity-offset", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), None),
        ("ambiguity-size", "ib", None, None),
        ("ambiguity-type", "u", None, None),
    ];
    for (name, format, itemsize, dialect) in cases {
        let error = reconcile(format.as_bytes(), *itemsize, *dialect, &DataModel::LP64).unwrap_err();
        let ambiguity = error.ambiguity().unwrap();
        assert_eq!((error.to_string(), format!("{error:#}")), (ambiguity.to_string(), format!("{ambiguity:#}")));
        snapshot::check("layout", name, format, &format!("{error}\n\n{error:#}"));
    }
}

#[test]
fn the_help_of_an_ambiguity_names_a_constant() {
    for dialect in Dialect::ALL.into_iter().chain(Dialect::VARIANTS) {
        let constant = dialect.name.to_uppercase().replace(['-', '.'], "_");
        let source = include_str!("../../src/layout/dialect.rs");
        assert!(source.contains(&format!("pub const {constant}: Self")), "{constant}");
    }
}
