//! Properties that hold for every input. `cargo test` generates inputs with arbtest, and the targets in `fuzz/` with
//! libFuzzer.

#[cfg(feature = "c")]
#[path = "properties/c_source.rs"]
pub mod c_source;
#[path = "properties/chains.rs"]
pub mod chains;
#[path = "properties/drawing.rs"]
pub mod drawing;
#[path = "properties/encode.rs"]
pub mod encode;
#[path = "properties/layouts.rs"]
pub mod layouts;
#[path = "properties/metadata.rs"]
pub mod metadata;
#[path = "properties/output.rs"]
pub mod output;
#[cfg(feature = "derive")]
#[path = "properties/records.rs"]
pub mod records;
#[path = "properties/strided.rs"]
pub mod strided;
#[path = "properties/tree.rs"]
pub mod tree;

use pep3118::decode::Plan;
use pep3118::format::{Item, ItemType, Member, Prefix};
use pep3118::{Comparison, DataModel, Dialect, Field, Format, Layout, Span, calcsize_in, reconcile};

/// Asserts that the parser returns a tree or an error for `source`. The printed text of the tree must have the same
/// tree. The span of an error must be inside of `source`.
pub fn parse_format(source: &[u8]) {
    match Format::parse(source) {
        Ok(format) => {
            assert_eq!(format.as_bytes(), source);
            let printed = Format::from_members(format.members()).unwrap_or_else(|error| panic!("{format}: {error}"));
            assert_eq!(printed, format);
            covers_every_byte(&format);
        }
        Err(error) => {
            let span = error.span();
            assert!(span.start() <= span.end() && span.end() <= source.len(), "{error:?}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Asserts for every dialect and data model that `source` has a layout or an error. The fields of the layout must be
/// inside of their records. `calcsize_in` must return the size of the layout, and the parsed format must have the
/// same layout.
pub fn resolve_layout(source: &[u8]) {
    for dialect in Dialect::ALL {
        for model in DataModel::ALL {
            resolve_in(source, dialect, &model);
        }
    }
}

/// Runs the test of [`resolve_layout`] for one dialect and one data model. The last two bytes of `input` select the
/// dialect and the data model. The bytes before are the format.
pub fn resolve_chosen(input: &[u8]) {
    let Some((source, [dialect, model])) = input.split_last_chunk() else { return };
    let dialect = Dialect::ALL[usize::from(*dialect) % Dialect::ALL.len()];
    resolve_in(source, dialect, &DataModel::ALL[usize::from(*model) % DataModel::ALL.len()]);
}

/// Runs the test of [`resolve_layout`] for the dialect `dialect` and the data model `model`.
fn resolve_in(source: &[u8], dialect: &Dialect, model: &DataModel) {
    let layout = Layout::read(source, dialect, model);
    // The debug output contains every node of a layout. For long formats the comparison would take too long.
    if let Ok(format) = Format::parse(source.get(..1000).unwrap_or(source))
        && format.as_bytes().len() == source.len()
    {
        assert_eq!(format!("{:?}", format.resolve(dialect, model)), format!("{layout:?}"), "{format} in {dialect}");
    }
    let size = calcsize_in(source, dialect, model);
    match (layout, size) {
        (Ok(layout), Ok(size)) => {
            assert_eq!(layout.size(), size);
            assert!(size <= model.ssize_max());
            stays_inside(&layout);
        }
        (Err(layout), Err(size)) => {
            assert_eq!(layout, size);
            assert!(!layout.to_string().is_empty());
        }
        (layout, size) => panic!("{} {dialect}: {layout:?} but {size:?}", source.escape_ascii()),
    }
}

/// Asserts for every dialect, and for no dialect, that each interpretation of `source` has the size `itemsize` in
/// bytes, and that no two alternatives have the same dialect. If the dialect of an alternative is given, the
/// alternative must be the only interpretation. Repeats this without an itemsize.
pub fn reconcile_with(source: &[u8], itemsize: u64) {
    for dialect in Dialect::ALL.into_iter().chain(Dialect::VARIANTS).map(Some).chain([None]) {
        for itemsize in [Some(itemsize), None] {
            let model = &DataModel::LP64;
            match reconcile(source, itemsize, dialect, model) {
                Ok(found) => assert_size_and_fields(&found.layout, itemsize),
                Err(error) => error.ambiguity().into_iter().for_each(|ambiguity| {
                    assert!(ambiguity.alternatives().len() > 1, "{ambiguity}");
                    for found in ambiguity.alternatives() {
                        assert_size_and_fields(&found.layout, itemsize);
                        let name = found.dialect.name;
                        let named = ambiguity.alternatives().iter().filter(|other| other.dialect.name == name);
                        assert_eq!(named.count(), 1, "{ambiguity}");
                        let chosen = reconcile(source, itemsize, Dialect::by_name(name), model)
                            .unwrap_or_else(|error| panic!("{ambiguity}: {name}: {error}"));
                        let compared = Comparison::of_layouts(&chosen.layout, &found.layout);
                        assert_eq!(compared.difference, None, "{ambiguity}: {name}");
                    }
                }),
            }
        }
    }
}

/// Asserts that the fields of `layout` are inside of the layout, and that a picture of the layout can be drawn. If
/// `itemsize` is not `None`, also asserts that `layout` has this size in bytes.
fn assert_size_and_fields(layout: &Layout, itemsize: Option<u64>) {
    assert!(itemsize.is_none_or(|itemsize| layout.size() == itemsize));
    stays_inside(layout);
    assert!(pep3118::Picture::new(layout).to_string().len() < 10_000);
    assert!(!pep3118::Table::new(layout).to_string().is_empty());
}

/// Reads a layout from `source`, and emits a format for each target. Asserts that the items of each emitted format have
/// the size of the layout.
pub fn emit(source: &[u8]) {
    let Ok(layout) = Layout::read(source, &Dialect::PEP3118, &DataModel::LP64) else { return };
    for target in pep3118::Target::ALL {
        if let Ok(format) = layout.emit(target) {
            let again = Layout::read(&format, &Dialect::PEP3118, &DataModel::LP64).unwrap();
            assert_eq!(again.size(), layout.size(), "{}", format.escape_ascii());
        }
    }
}

/// Decodes an item of the format `source` from the start of `bytes`, which can be any bytes, on every data model.
/// Encodes the value, decodes the result and encodes it again. Asserts that both encodings are equal. If `bytes` is too
/// short, asserts that decoding returns an error. Also runs [`columns_and_back`].
pub fn decode(source: &[u8], bytes: &[u8]) {
    for model in DataModel::ALL {
        let Ok(layout) = Layout::read(source, &Dialect::PEP3118, &model) else { continue };
        let Ok(plan) = Plan::new(&layout) else { continue };
        let size = plan.itemsize();
        let Some(item) = bytes.get(..size) else {
            assert!(plan.value(bytes).is_err());
            continue;
        };
        let value = plan.value(item).unwrap();
        let mut again = vec![0xa5; size];
        plan.encode(&value, &mut again).unwrap_or_else(|error| panic!("{}: {error}", source.escape_ascii()));
        let read = plan.value(&again).unwrap();
        let mut thrice = again.clone();
        plan.encode(&read, &mut thrice).unwrap();
        assert_eq!(thrice, again, "{}", source.escape_ascii());
        let columns = plan.columns(item, None).unwrap();
        assert_eq!(columns.len(), plan.leaves().len());
        for column in columns {
            assert_eq!(column.data.len(), column.shape.iter().product::<usize>(), "{}", source.escape_ascii());
        }
        columns_and_back(source, &plan, bytes);
    }
}

/// Reads the columns of up to 40 items in `bytes`, and writes all columns in one call. Reads the result, and writes
/// each column separately. Asserts that both writes give the same bytes, unless two fields have the same name.
fn columns_and_back(source: &[u8], plan: &Plan, bytes: &[u8]) {
    let size = plan.itemsize();
    let whole = bytes.len().checked_div(size).unwrap_or(0).min(40) * size;
    let (records, source) = (&bytes[..whole], source.escape_ascii());
    let columns = plan.columns(records, None).unwrap();
    let mut again = vec![0xa5; whole];
    plan.write_columns(&columns, &mut again).unwrap_or_else(|error| panic!("{source}: {error}"));
    let mut thrice = vec![0xa5; whole];
    for column in plan.columns(&again, None).unwrap().chunks(1) {
        // If two fields have the same name, the name selects the first field.
        if plan.leaves().iter().filter(|leaf| *leaf.name() == *column[0].name).count() == 1 {
            plan.write_columns(column, &mut thrice).unwrap();
        }
    }
    let names: std::collections::HashSet<_> = plan.leaves().iter().map(pep3118::decode::Leaf::name).collect();
    if names.len() == plan.leaves().len() {
        assert_eq!(thrice, again, "{source}");
        if columns.iter().any(|column| !column.data.is_empty()) {
            assert_eq!(plan.encode_columns(&columns).unwrap().len(), whole, "{source}");
        }
    }
}

/// Asserts that every field of `layout` ends inside of the record that contains the field.
pub fn stays_inside(layout: &Layout) {
    fn walk(record: Field<'_>) {
        for field in record.fields() {
            let end = u128::from(field.offset()) + u128::from(field.size()) * u128::from(field.count());
            assert!(end <= u128::from(record.size()), "{field:?} in {record:?}");
            walk(field);
        }
    }
    let item = layout.item();
    assert!(u128::from(item.size()) * u128::from(item.count()) <= u128::from(layout.size()));
    walk(item);
}

/// Asserts that every byte of `format` is white space or in the span of exactly one member.
pub fn covers_every_byte(format: &Format) {
    let source = format.as_bytes();
    let mut owners = vec![0_u32; source.len()];
    let mut own = |span: Span| owners[span.start()..span.end()].iter_mut().for_each(|owner| *owner += 1);
    for member in format.members() {
        match member {
            Member::ByteOrder(character) => own(character.span),
            Member::Item(item) => {
                own(item.span);
                inside(item, source);
            }
        }
    }
    for (at, owners) in owners.iter().enumerate() {
        let space = source[at].is_ascii_whitespace() || source[at] == b'\x0b';
        assert!(*owners == 1 || (*owners == 0 && space), "byte {at} of {format} has {owners} owners");
    }
}

/// Asserts that the tokens of `item` have spans inside of the item's span, and that these spans do not overlap.
fn inside(item: &Item, source: &[u8]) {
    let mut at = item.span.start();
    let mut next = |span: Span| {
        assert!(span.start() >= at && span.end() <= item.span.end(), "{span:?} in {item:?}");
        at = span.end();
    };
    for prefix in &item.prefix {
        match prefix {
            Prefix::Shape(shape) => next(shape.span),
            Prefix::Count(count) => next(count.span),
            Prefix::ByteOrder(character) => next(character.span),
        }
    }
    match &item.ty {
        ItemType::Structure(members) => {
            for member in members {
                match member {
                    Member::ByteOrder(character) => next(character.span),
                    Member::Item(inner) => {
                        next(inner.span);
                        inside(inner, source);
                    }
                }
            }
        }
        ItemType::Pointer(target) => {
            next(target.span);
            inside(target, source);
        }
        _ => {}
    }
    if let Some(name) = &item.name {
        next(name.span);
        assert_eq!(name.span.of(source), name.bytes);
        assert_eq!(source[name.span.end()], b':');
    }
}

/// Tests that run the properties on random inputs, on the inputs of fuzzing and on adversarial formats.
#[cfg(test)]
mod driven {
    use std::cell::Cell;

    use arbitrary::{Result, Unstructured};
    use pep3118::{DataModel, Dialect};

    use crate::property_search::search_until;

    /// Generates random bytes that are often a valid format of a random dialect, or a format with one error.
    fn source(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
        let dialect = *bytes.choose(&Dialect::ALL)?;
        pep3118::arbitrary::nearly_valid_format(bytes, dialect)
    }

    #[test]
    fn parse_format() {
        arbtest::arbtest(|bytes| {
            super::parse_format(&source(bytes)?);
            Ok(())
        })
        .budget_ms(4_000);
    }

    #[test]
    fn resolve_layout() {
        arbtest::arbtest(|bytes| {
            super::resolve_layout(&source(bytes)?);
            Ok(())
        })
        .budget_ms(4_000);
    }

    #[test]
    fn reconcile_with() {
        arbtest::arbtest(|bytes| {
            let source = source(bytes)?;
            super::reconcile_with(&source, u64::from(bytes.arbitrary::<u8>()?));
            Ok(())
        })
        .budget_ms(4_000);
    }

    #[test]
    fn emit() {
        arbtest::arbtest(|bytes| {
            super::emit(&source(bytes)?);
            Ok(())
        })
        .budget_ms(2_000);
    }

    #[test]
    fn decode() {
        arbtest::arbtest(|bytes| {
            let source = source(bytes)?;
            let memory: Vec<u8> = bytes.arbitrary()?;
            super::decode(&source, &memory);
            super::decode(&source, &[0xff; 4096]);
            Ok(())
        })
        .budget_ms(3_000);
    }

    #[test]
    fn ast_roundtrip() {
        let (printed, refused) = (Cell::new(0), Cell::new(0));
        search_until(
            2_000,
            || printed.get() > 100 && refused.get() > 100,
            |bytes| {
                let count = if super::tree::ast_roundtrip(bytes)? { &printed } else { &refused };
                count.set(count.get() + 1);
                Ok(())
            },
        );
    }

    #[test]
    fn render_diagnostic() {
        arbtest::arbtest(|bytes| {
            let source = source(bytes)?;
            super::drawing::render_diagnostic(&source, u64::from(bytes.arbitrary::<u8>()?));
            Ok(())
        })
        .budget_ms(3_000);
    }

    #[test]
    fn chains_of_operations_have_the_predicted_addresses() {
        let written = Cell::new(0);
        search_until(
            2_000,
            || written.get() > 100,
            |bytes| {
                written.set(written.get() + usize::from(super::chains::view_chain(bytes)?));
                Ok(())
            },
        );
    }

    #[test]
    fn every_renderer_and_generator_is_safe() {
        arbtest::arbtest(super::output::render_layout).budget_ms(3_000);
    }

    #[test]
    fn encoded_values_are_decoded_or_refused() {
        let (accepted, refused) = (Cell::new(0), Cell::new(0));
        search_until(
            2_000,
            || accepted.get() > 50 && refused.get() > 50,
            |bytes| {
                let count = if super::encode::encode_value(bytes)? { &accepted } else { &refused };
                count.set(count.get() + 1);
                Ok(())
            },
        );
    }

    #[cfg(feature = "derive")]
    #[test]
    fn derived_records_have_the_values_of_dynamic_records() {
        let matched = Cell::new(0);
        search_until(
            2_000,
            || matched.get() > 100,
            |bytes| {
                matched.set(matched.get() + super::records::read_records(bytes)?);
                Ok(())
            },
        );
    }

    #[cfg(feature = "c")]
    #[test]
    fn c_source_has_a_layout_or_an_error() {
        arbtest::arbtest(|bytes| {
            super::c_source::from_c(&super::c_source::source(bytes)?);
            Ok(())
        })
        .budget_ms(3_000);
    }

    /// The inputs are the seeds of the fuzz targets and every input that failed.
    #[test]
    fn properties_hold_for_the_inputs_of_fuzzing() {
        // The published crate has no `fuzz` folder.
        if !std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").exists() {
            return;
        }
        let mut replayed = 0;
        for folder in ["seeds", "regressions"] {
            let folder = format!("{}/fuzz/{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in std::fs::read_dir(&folder).unwrap() {
                let source = std::fs::read(entry.unwrap().path()).unwrap();
                super::parse_format(&source);
                super::resolve_layout(&source);
                super::emit(&source);
                super::decode(&source, &[0x81; 4096]);
                super::resolve_chosen(&source);
                super::drawing::render_chosen(&source);
                super::strided::decode_item(&source, &[0x81; 4096]);
                for itemsize in [0, 1, 4, 8, 24] {
                    super::reconcile_with(&source, itemsize);
                }
                let _ = super::chains::view_chain(&mut Unstructured::new(&source));
                let _ = super::output::render_layout(&mut Unstructured::new(&source));
                let _ = super::encode::encode_value(&mut Unstructured::new(&source));
                #[cfg(feature = "derive")]
                let _ = super::records::read_records(&mut Unstructured::new(&source));
                #[cfg(feature = "c")]
                super::c_source::from_c(&String::from_utf8_lossy(&source));
                replayed += 1;
            }
        }
        assert!(replayed > 20, "{replayed}");
    }

    /// The formats broke other parsers and consumers.
    #[test]
    fn properties_hold_for_adversarial_formats() {
        let formats: Vec<Vec<u8>> = vec![
            b"6107082938247334i9221070829382473344q".to_vec(),
            b"1500000000I".to_vec(),
            b"2147483648i".to_vec(),
            b"4294967296i".to_vec(),
            b"T{".repeat(100_000),
            b"&".repeat(100_000),
            b"(65536,65536,65536,65536)B".to_vec(),
            b"(65536,65536,65536,65536,0)B".to_vec(),
            b"i".repeat(1_000_000),
            b"9".repeat(1_000_000),
            b" ".repeat(1_000_000),
            b"( 2)i".to_vec(),
            b"i:a".to_vec(),
            b"T{i".to_vec(),
            b"T{i:a}b:}".to_vec(),
            b"T{i:a\0b:}".to_vec(),
            b"T{i:\xff\xfe:}".to_vec(),
            b"0000000000000000000000000000000000000003i".to_vec(),
            [b"(2)".repeat(100), b"i".to_vec()].concat(),
            [b"T{".repeat(64), b"}".repeat(64)].concat(),
            [b"9T{".repeat(60), b"i".to_vec(), b"}".repeat(60)].concat(),
            [b"(0)T{".repeat(60), b"i".to_vec(), b"}".repeat(60)].concat(),
            b"(1000000000000)T{4x}".to_vec(),
            b"(1000000000000)T{T{}:a:(1000000)T{x}:b:}".to_vec(),
            // 60 nested arrays, each followed by padding, contain nearly the largest number of fields.
            [b"(2)T{".repeat(60), b"h".repeat(60_000), b"}:x:xxxxb:y:".repeat(60)].concat(),
            b"T{(2)T{hb}:x:xxb:y:}".repeat(3_000),
            [b"T{".to_vec(), b"(2)T{hb}xx".repeat(6_000), b"}".to_vec()].concat(),
        ];
        for format in formats {
            super::parse_format(&format);
            super::resolve_layout(&format);
            super::reconcile_with(&format, 8);
            // With the itemsize of the format, the library computes every interpretation completely.
            if let Ok(size) = pep3118::calcsize_in(&format, &Dialect::NUMPY, &DataModel::LP64) {
                super::reconcile_with(&format, size);
                super::reconcile_with(&format, size.saturating_add(4));
            }
        }
    }
}
