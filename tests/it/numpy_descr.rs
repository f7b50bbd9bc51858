//! Tests of `Layout::from_numpy_descr`, `Layout::to_numpy_descr` and `Layout::with_names`. The expected offsets were
//! recorded with NumPy 2.4.6: `numpy.lib.format.descr_to_dtype(descr).fields`.

use arbitrary::Unstructured;
use pep3118::layout::{LayoutBuilder, MemberSpec, NulHandling};
use pep3118::{DataModel, Dialect, Endian, Field, Layout, Scalar, Type};

use crate::properties::layouts::random_layout;

/// Returns the layout of `descr` on lp64.
fn layout(descr: &str) -> Layout {
    Layout::from_numpy_descr(descr, &DataModel::LP64).unwrap_or_else(|error| panic!("{error}: {descr}"))
}

/// Returns the name, the offset and the size of each field of `record`, and of the fields inside. The offsets count
/// from the start of the item, and `base` is the offset of `record`. All numbers are in bytes.
fn fields(record: Field<'_>, base: u64) -> Vec<(String, u64, u64)> {
    let inner = |field: Field<'_>| {
        let offset = base + field.offset();
        let mut all = vec![(field.name_text().unwrap(), offset, field.total_size())];
        all.extend(fields(field, offset));
        all
    };
    record.fields().flat_map(inner).collect()
}

#[test]
fn fields_have_the_offsets_of_numpy() {
    let recorded: [(&str, u64, &[(&str, u64, u64)]); 8] = [
        ("[('', '<i4'), ('', '|V3'), ('b', '|i1')]", 8, &[("", 0, 4), ("b", 7, 1)]),
        ("[('a', '|b1'), ('', '|V3'), ('b', '<i4')]", 8, &[("a", 0, 1), ("b", 4, 4)]),
        ("[('a', '<U2'), ('b', '|S3', (2,)), ('c', '|O')]", 22, &[("a", 0, 8), ("b", 8, 6), ("c", 14, 8)]),
        ("[('a', '>c16'), ('b', '<f16'), ('c', '<c32')]", 64, &[("a", 0, 16), ("b", 16, 16), ("c", 32, 32)]),
        ("[(('title', 'a'), '<f2'), ('b', '|V5')]", 7, &[("a", 0, 2), ("b", 2, 5)]),
        (
            "[('r', [('x', '>u2'), ('', '|V2'), ('y', '>f8', (2, 3))], (2,)), ('e', '|i1', (0,))]",
            104,
            &[("r", 0, 104), ("x", 0, 2), ("y", 4, 48), ("e", 104, 0)],
        ),
        (r"[('\xe9 \u65e5\'', '|u1'), ('x\\', '|u1')]", 2, &[("\u{e9} \u{65e5}'", 0, 1), ("x\\", 1, 1)]),
        ("[('a','<i2',3),]", 6, &[("a", 0, 6)]),
    ];
    for (descr, size, expected) in recorded {
        let layout = layout(descr);
        let expected: Vec<_> = expected.iter().map(|(name, at, size)| ((*name).to_owned(), *at, *size)).collect();
        assert_eq!((layout.size(), fields(layout.item(), 0)), (size, expected), "{descr}");
    }
}

#[test]
fn a_type_string_and_an_array_are_items_without_fields() {
    let double = layout("'>f8'");
    assert_eq!((double.item().ty(), double.item().endian(), double.size()), (Type::Float64, Some(Endian::Big), 8));
    let array = layout("('<i4', (2, 3))");
    assert_eq!((array.item().shape(), array.size()), (&[2, 3][..], 24));
}

#[test]
fn texts_end_before_their_trailing_nuls_as_in_numpy() {
    let layout = layout("[('s', '|S4'), ('u', '<U1')]");
    for name in ["s", "u"] {
        assert_eq!(layout.item().field(name).unwrap().nul_handling(), NulHandling::StripTrailing);
    }
}

#[test]
fn sizes_follow_the_data_model() {
    let size =
        |descr, model| Layout::from_numpy_descr(descr, model).map(|layout| (layout.item().ty(), layout.size())).ok();
    assert_eq!(size("'<f16'", &DataModel::LP64), Some((Type::LongDouble, 16)));
    assert_eq!(size("'<f12'", &DataModel::I386), Some((Type::LongDouble, 12)));
    assert_eq!(size("'<f16'", &DataModel::LLP64), None);
    assert_eq!(
        (size("'|O'", &DataModel::I386), size("'|O'", &DataModel::LP64)),
        (Some((Type::Object, 4)), Some((Type::Object, 8)))
    );
}

#[test]
fn a_layout_that_numpy_can_have_is_described_and_read_again() {
    let mut described = 0;
    arbtest::arbtest(|bytes: &mut Unstructured<'_>| {
        let (format, layout) = random_layout(bytes)?;
        let Ok(descr) = layout.to_numpy_descr() else { return Ok(()) };
        described += 1;
        let read = Layout::from_numpy_descr(&descr, layout.model()).unwrap_or_else(|error| panic!("{error}: {descr}"));
        assert_eq!(read.size(), layout.size(), "{format}: {descr}");
        let facts = |layout: &Layout| {
            let fact = |(at, field): (u64, Field<'_>)| {
                let ty = match field.ty() {
                    Type::Char => Type::Bytes,
                    Type::Wchar => Type::Ucs4,
                    Type::LongDouble if field.size() == 8 => Type::Float64,
                    Type::ComplexLongDouble if field.size() == 16 => Type::Complex128,
                    ty => ty,
                };
                (at, ty, field.size(), field.endian(), field.shape().to_vec())
            };
            layout.leaves().map(fact).collect::<Vec<_>>()
        };
        assert_eq!(facts(&read), facts(&layout), "{format}: {descr}");
        Ok(())
    })
    .budget_ms(1000);
    assert!(described > 10, "{described}");
}

#[test]
fn a_field_that_numpy_cannot_have_is_refused() {
    let refusal = |format: &str| {
        let layout = Layout::read(format, &Dialect::PEP3118, &DataModel::LP64).unwrap();
        layout.to_numpy_descr().unwrap_err().to_string()
    };
    assert_eq!(refusal("T{P:a:}"), "no descr of NumPy describes pointer `a`: NumPy has no such type");
    assert_eq!(refusal("5t"), "no descr of NumPy describes bits: NumPy has no such type");
    assert_eq!(refusal("T{3x::}"), "no descr of NumPy describes void ``: without a name, it is padding");
    let twice = Layout::read("T{i:a:h:a:}", &Dialect::NUMPY, &DataModel::LP64).unwrap();
    assert!(twice.to_numpy_descr().unwrap_err().to_string().ends_with("another field has the same name"));
    let mut builder = LayoutBuilder::new(4, &DataModel::LP64);
    let scalar = Scalar { ty: Type::Int32, size: 4, endian: Endian::Little };
    builder.value(MemberSpec { name: Some(b"a"), ..MemberSpec::default() }, scalar).unwrap();
    builder.value(MemberSpec { name: Some(b"b"), ..MemberSpec::default() }, scalar).unwrap();
    assert!(builder.finish().to_numpy_descr().is_err());
}

#[test]
fn every_wrong_descr_is_an_error_with_its_position() {
    let error = |descr: &str| Layout::from_numpy_descr(descr, &DataModel::LP64).unwrap_err().to_string();
    for (descr, message) in [
        ("", "byte 0 of the descr: expected a string"),
        ("[('a', '<i4'", "byte 12 of the descr: expected a comma or a closing parenthesis"),
        ("[('a', '<i4')", "byte 13 of the descr: expected a comma or a closing bracket"),
        ("[('a', '<i4')] x", "byte 15 of the descr: expected the end"),
        ("['a']", "byte 1 of the descr: expected a tuple of a name and a type"),
        ("[('a', '<i4', -1)]", "byte 14 of the descr: expected an integer that is not negative"),
        ("[('a', '')]", "byte 7 of the descr: expected a type"),
        ("'|T16'", "no format of a buffer describes the type `|T16`"),
        ("'<M8[s'", "no format of a buffer describes the type `<M8[s`"),
        ("'<i3'", "no format of a buffer describes the type `<i3`"),
        ("'<i4", "byte 1 of the descr: expected a closing quote and UTF-8"),
        (r"'\q'", "byte 1 of the descr: expected an escape sequence of a Python string"),
        ("('<i4', (99999999999999999999,))", "the item has more bytes than can be counted"),
        ("('<i4', (9999999999999999999, 9999999999999999999))", "the item has more bytes than can be counted"),
    ] {
        assert_eq!(error(descr), message, "{descr}");
    }
    let deep = format!("{}'<i4'{}", "[('a', ".repeat(100_000), ")]".repeat(100_000));
    assert_eq!(error(&deep), "more than 64 records inside each other");
    let deep = format!("{}'<i4'{}", "(".repeat(100_000), ", 1)".repeat(100_000));
    assert_eq!(error(&deep), "more than 64 records inside each other");
    assert!(Layout::from_numpy_descr(b"'\xff", &DataModel::LP64).is_err());
}

#[test]
fn no_text_makes_the_reader_panic() {
    arbtest::arbtest(|bytes: &mut Unstructured<'_>| {
        const PARTS: &[&str] =
            &["[", "]", "(", ")", ",", "'a'", "''", "'<i4'", "'|V3'", "2", " ", "\\", "'", "\"", "u", "99999999999"];
        let mut text = Vec::new();
        for _ in 0..bytes.int_in_range(0..=30)? {
            if bytes.ratio(1, 20)? {
                text.push(bytes.arbitrary()?);
            } else {
                text.extend_from_slice(bytes.choose(PARTS)?.as_bytes());
            }
        }
        let _ = Layout::from_numpy_descr(&text, &DataModel::LP64);
        Ok(())
    })
    .budget_ms(500);
}

#[test]
fn names_are_given_to_the_fields_of_the_item() {
    let read = |format: &str| Layout::read(format, &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let names = |layout: &Layout| layout.item().fields().map(|field| field.name_text().unwrap()).collect::<Vec<_>>();
    assert_eq!(names(&read("<hf").with_names(["a", "b"]).unwrap()), ["a", "b"]);
    assert_eq!(names(&read("<i").with_names(["a"]).unwrap()), ["a"]);
    let nested = read("T{<h:x:T{<b:y:<b:z:}:at:}").with_names([b"a".to_vec(), b"\xff:".to_vec()]).unwrap();
    assert_eq!(nested.item().fields().map(|field| field.name().unwrap()).collect::<Vec<_>>(), [&b"a"[..], b"\xff:"]);
    let inner = nested.item().fields().nth(1).unwrap();
    assert_eq!(inner.fields().map(|field| field.name().unwrap()).collect::<Vec<_>>(), [b"y", b"z"]);
    assert_eq!(read("T{<h:x:<b:y:}").with_names(["", "b"]).unwrap().item().field("").unwrap().offset(), 0);
    for (format, given, message) in [
        ("<hf", vec!["a"], "1 names for 2 fields"),
        ("<hf", vec!["a", "b", "c"], "3 names for 2 fields"),
        ("<hf", vec!["a", "a"], "two fields have the name `a`"),
        ("", vec!["a"], "1 names for 0 fields"),
    ] {
        assert_eq!(read(format).with_names(given).unwrap_err().to_string(), message);
    }
}

#[test]
fn dates_and_durations_are_user_types() {
    for (code, name) in [("<M8[ns]", "datetime64$ns"), (">m8[D]", "timedelta64$D")] {
        let layout = layout(&format!("[('when', '{code}')]"));
        assert_eq!(layout.item().field("when").unwrap().user_type().unwrap().name(), name);
        assert_eq!(layout.to_numpy_descr().unwrap(), format!(r#"[("when", "{code}")]"#));
    }
}
