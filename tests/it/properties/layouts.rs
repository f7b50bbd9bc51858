//! Generates random layouts for random data models, and lists the leaves of a layout.

use arbitrary::{Result, Unstructured};
use pep3118::arbitrary::{data_model, layout};
use pep3118::{Dialect, Field, Layout, Type};

/// Generates a random format of PEP 3118 and the layout of the format for a random data model.
pub fn random_layout(bytes: &mut Unstructured<'_>) -> Result<(String, Layout)> {
    let model = data_model(bytes)?;
    layout(bytes, &Dialect::PEP3118, &model)
}

/// Returns the dotted name, the offset and the size in bytes of every field of `layout` that is not a record. A dotted
/// name starts with a dot. A field without a name gets the name that NumPy gives the field: `f0`, `f1`. An array of
/// records has entries for the fields of each element, but none if an element has 0 bytes. An item that is not a record
/// has one entry with an empty name and the size of one element.
pub fn leaves(layout: &Layout) -> Vec<(String, u64, u64)> {
    fn walk(record: Field<'_>, base: u64, path: &str, out: &mut Vec<(String, u64, u64)>) {
        let names: Vec<Option<String>> = record.fields().map(Field::name_text).collect();
        let mut next = 0;
        for (field, name) in record.fields().zip(&names) {
            let name = name.clone().unwrap_or_else(|| {
                while names.contains(&Some(format!("f{next}"))) {
                    next += 1;
                }
                next += 1;
                format!("f{}", next - 1)
            });
            let path = format!("{path}.{name}");
            let offset = base + field.offset();
            if field.ty() == Type::Record {
                // An array of elements without bytes can have any number of elements, so its elements are not listed.
                let elements = if field.size() > 0 { field.count() } else { 0 };
                for element in 0..elements {
                    walk(field, offset + element * field.size(), &path, out);
                }
            } else {
                out.push((path, offset, field.total_size()));
            }
        }
    }
    let mut out = Vec::new();
    let item = layout.item();
    if item.ty() == Type::Record {
        walk(item, 0, "", &mut out);
    } else {
        out.push((String::new(), 0, item.size()));
    }
    out
}
