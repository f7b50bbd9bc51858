//! Properties of every renderer and generator: C, Rust and Python source, other languages, tables, pictures, SVG, formats,
//! JSON, NumPy's `descr` and Arrow schemas.

use arbitrary::{Result, Unstructured};
use pep3118::layout::{BitField, LayoutBuilder, MemberSpec, PythonLibrary, SourceLanguage};
use pep3118::{Comparison, DataModel, Dialect, Endian, Equivalence, Layout, Picture, Scalar, Table, Target, Type};

use super::drawing::assert_plain;
use super::layouts::random_layout;

/// The largest text that a generator writes for an input of a fuzz target, in bytes.
const LONGEST: usize = 1 << 20;

/// Names of fields and types that source code cannot contain without a change.
const NAMES: &[&[u8]] = &[
    b"a",
    b"b",
    b"",
    b"int",
    b"struct",
    b"self",
    b"class",
    b"type",
    b"_",
    b"a.b",
    b"1",
    b"*/",
    b"/*",
    b"//",
    b"\"",
    b"'''",
    b"\\",
    b"\n",
    b"\xff",
    "\u{e9}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"#include",
    b"<a>",
    b"&amp;",
    b"]]>",
    b"</svg>",
    b"f0",
    b"NULL",
    b"offsetof",
    b"u8",
    b"core",
    b"__class__",
    b"import",
    b"end",
    b"{}",
    b"$",
    b"%s",
    b"_pad4",
];

/// Generates a name.
fn name(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if bytes.ratio(1, 6)? { bytes.arbitrary() } else { Ok(bytes.choose(NAMES)?.to_vec()) }
}

/// Generates a layout with unions, bit-fields, gaps and unusual names, which formats cannot describe.
pub fn built_layout(bytes: &mut Unstructured<'_>) -> Result<Layout> {
    let model = *bytes.choose(&DataModel::ALL)?;
    let size = bytes.int_in_range(0..=96_u64)?;
    let mut builder = LayoutBuilder::new(size, &model);
    let mut depth = 0;
    for _ in 0..bytes.int_in_range(1..=10)? {
        let text = name(bytes)?;
        let lengths: Vec<u64> =
            (0..bytes.int_in_range(0..=2)?).map(|_| bytes.int_in_range(0..=3)).collect::<Result<_>>()?;
        let name = if bytes.ratio(3, 4)? { Some(&text[..]) } else { None };
        let member = MemberSpec { name, offset: bytes.int_in_range(0..=24)?, shape: &lengths };
        let endian = *bytes.choose(&[Endian::Little, Endian::Big])?;
        // The builder refuses members that are outside of their record.
        let _ = match bytes.int_in_range(0..=9)? {
            0..=4 => {
                let (ty, size) = *bytes.choose(&[
                    (Type::Int8, 1),
                    (Type::UInt16, 2),
                    (Type::Int32, 4),
                    (Type::UInt64, 8),
                    (Type::Float64, 8),
                    (Type::Bool, 1),
                    (Type::Bytes, 5),
                    (Type::Void, 3),
                    (Type::Complex64, 8),
                    (Type::Pointer, 8),
                ])?;
                builder.value(member, Scalar { ty, size, endian })
            }
            5 | 6 => {
                let ty = *bytes.choose(&[Type::UInt8, Type::Int32, Type::UInt64])?;
                match BitField::new(ty, bytes.int_in_range(0..=63)?, bytes.int_in_range(0..=64)?) {
                    Some(bits) => builder.bit_field(member, bits, endian),
                    None => Ok(()),
                }
            }
            7 | 8 => {
                let opened = builder.open(member, bytes.int_in_range(0..=24)?);
                depth += u32::from(opened.is_ok());
                opened
            }
            _ => {
                if depth > 0 {
                    builder.close();
                    depth -= 1;
                }
                Ok(())
            }
        };
    }
    (0..depth).for_each(|_| builder.close());
    Ok(builder.finish())
}

/// Generates a layout, and asserts for one renderer or generator that the output has no harmful characters and a bounded
/// length, and that output that can be read again has the same layout.
pub fn render_layout(bytes: &mut Unstructured<'_>) -> Result<()> {
    let layout = if bytes.arbitrary()? { built_layout(bytes)? } else { random_layout(bytes)?.1 };
    match bytes.int_in_range(0..=4)? {
        0 => {
            let type_name = String::from_utf8_lossy(&name(bytes)?).into_owned();
            let name = if bytes.arbitrary()? { &type_name } else { "item_of_the_test" };
            let index = bytes.int_in_range(0..=PythonLibrary::ALL.len() + SourceLanguage::ALL.len() + 1)?;
            assert_source(&layout, name, index);
        }
        1 => draw(&layout, bytes.int_in_range(0..=200)?),
        2 => convert(&layout),
        #[cfg(feature = "c")]
        3 => super::c_source::assert_c_source_is_equal(&layout, layout.model()),
        #[cfg(feature = "arrow")]
        4 => map_to_arrow(&layout),
        _ => {}
    }
    Ok(())
}

/// Writes `layout` as source code of a type with the name `name`. `index` selects the language: 0 is C, 1 is Rust, then the
/// Python libraries and the other languages follow.
fn assert_source(layout: &Layout, name: &str, index: usize) {
    let other = index.wrapping_sub(2 + PythonLibrary::ALL.len());
    let source = match index {
        0 => layout.to_c(name),
        1 => layout.to_rust(name),
        _ => match SourceLanguage::ALL.get(other) {
            Some(language) => layout.to_source(name, *language),
            None => layout.to_python(name, PythonLibrary::ALL[index - 2]),
        },
    };
    match source {
        Ok(source) => {
            // Go indents with tabs.
            let lines: Vec<&str> = source.lines().map(|line| line.trim_start_matches('\t')).collect();
            assert_plain(&lines.join("\n"), LONGEST);
            assert!(source.len() < LONGEST && source.ends_with('\n'), "{source}");
        }
        Err(error) => assert_plain(&error.to_string(), LONGEST),
    }
}

/// Draws `layout` with tables and pictures. `width` is the width of a picture in bytes and in characters.
fn draw(layout: &Layout, width: usize) {
    assert_plain(&Table::new(layout).to_string(), LONGEST);
    for picture in [Picture::new(layout), Picture::new(layout).columns(width), Picture::new(layout).within(width)] {
        assert_plain(&picture.to_string(), LONGEST);
        assert_markup(&picture.svg());
    }
}

/// Asserts that `svg` is well-formed XML: every element is closed, and `&` and `<` are only in entities and tags.
fn assert_markup(svg: &str) {
    assert_plain(svg, LONGEST);
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find(['<', '&']) {
        let (first, tail) = rest[at..].split_at(1);
        let end = if first == "<" { '>' } else { ';' };
        let (tag, tail) = tail.split_once(end).unwrap_or_else(|| panic!("{svg}"));
        rest = tail;
        if first == "&" {
            assert!(["amp", "lt", "gt", "quot", "apos", "#39"].contains(&tag), "&{tag}; in {svg}");
            continue;
        }
        assert!(!tag.contains('<'), "{tag} in {svg}");
        let element = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(element), "{svg}");
        } else if !tag.ends_with('/') {
            open.push(element);
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag} in {svg}");
    }
    assert!(open.is_empty(), "{svg}");
}

/// Converts `layout` to formats, JSON and a `descr` of NumPy, and back.
fn convert(layout: &Layout) {
    for target in Target::ALL {
        match layout.emit(target) {
            Ok(format) => {
                let again = Layout::read(&format, &Dialect::PEP3118, layout.model()).unwrap();
                assert_eq!(again.size(), layout.size(), "{}", format.escape_ascii());
                if target == Target::Canonical {
                    let compared = Comparison::of_layouts(layout, &again);
                    assert!(
                        compared.equivalence >= Some(Equivalence::Scalars),
                        "{}: {compared:?}",
                        format.escape_ascii()
                    );
                }
            }
            Err(error) => assert_plain(&error.to_string(), LONGEST),
        }
    }
    #[cfg(feature = "serde")]
    {
        let json = serde_json::to_string(layout).unwrap();
        let again: Layout = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        // JSON has no spans, so the layouts are compared as JSON.
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }
    match layout.to_numpy_descr() {
        Ok(descr) => {
            assert_plain(&descr, LONGEST);
            let again =
                Layout::from_numpy_descr(&descr, layout.model()).unwrap_or_else(|error| panic!("{error}: {descr}"));
            assert_eq!(again.size(), layout.size(), "{descr}");
            let places = |layout: &Layout| -> Vec<(u64, u64)> {
                let leaves = layout.leaves().filter(|(_, leaf)| leaf.total_size() > 0);
                leaves.map(|(at, leaf)| (at, leaf.total_size())).collect()
            };
            assert_eq!(places(&again), places(layout), "{descr}");
        }
        Err(error) => assert_plain(&error.to_string(), LONGEST),
    }
}

/// Asserts that the Arrow schema of `layout` has one verdict for each leaf, and that a batch of items of zeros has the
/// schema. The encoder must restore the items.
#[cfg(feature = "arrow")]
fn map_to_arrow(layout: &Layout) {
    let mapping = match pep3118::arrow::Mapping::new(layout) {
        Ok(mapping) => mapping,
        Err(error) => return assert_plain(&error.to_string(), LONGEST),
    };
    let schema = mapping.schema().clone();
    assert!(format!("{schema:?}").len() < LONGEST);
    drop(mapping.c_schema());
    let size = usize::try_from(layout.size()).unwrap();
    if size == 0 || size > 1 << 16 {
        return;
    }
    if let Ok(batch) = mapping.batch_of_bytes(vec![0_u8; 3 * size].into()) {
        assert_eq!((batch.num_rows(), batch.schema()), (3, schema.clone()));
        if let Ok(encoder) = mapping.encoder(&schema)
            && let Ok(items) = encoder.encode(&batch)
        {
            assert_eq!(items, vec![0; 3 * size]);
        }
    }
}
