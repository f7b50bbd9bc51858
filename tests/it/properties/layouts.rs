//! Generates random layouts with every construct and data model, and lists the leaves of a layout.

use arbitrary::{Result, Unstructured};
use pep3118::{DataModel, Dialect, Field, Layout, LongDoubleFormat, Type};

/// Generates a random format that has a layout. The format has at most `depth` nested structures.
fn format(bytes: &mut Unstructured<'_>, depth: u32) -> Result<String> {
    const CODES: &[&str] = &[
        "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", "?", "c", "Ze", "Zf", "Zd", "3s", "4p", "0s", "u", "2w",
        "5x", "g", "Zg", "P", "O", "l", "n", "17s", "9t",
    ];
    let mut out = String::new();
    let mut native = true;
    for _ in 0..bytes.int_in_range(1..=4)? {
        if bytes.ratio(1, 2)? {
            let order = *bytes.choose(&["<", ">", "@", "=", "^", "!"])?;
            native = matches!(order, "@" | "^");
            out += order;
        }
        if bytes.ratio(1, 3)? {
            out += *bytes.choose(&["(2)", "(3,2)", "(1)", "(0)", "(2,1,2)"])?;
        }
        let code = if depth > 0 && bytes.ratio(1, 3)? {
            format!("T{{{}}}", format(bytes, depth - 1)?)
        } else {
            let code = *bytes.choose(CODES)?;
            if !native && ["g", "Zg", "P", "O", "n"].contains(&code) { "d".to_owned() } else { code.to_owned() }
        };
        out += &code;
        if bytes.ratio(3, 4)? && code != "5x" {
            out += *bytes.choose(&[":a:", ":b:", ":long name:", "::"])?;
        }
    }
    Ok(out)
}

/// Generates a random format and the layout of the format for a random data model. Returns `None` if the layout has
/// more than 2048 bytes.
pub fn random_layout(bytes: &mut Unstructured<'_>) -> Result<Option<(String, Layout)>> {
    let format = format(bytes, 2)?;
    let model = *bytes.choose(&DataModel::ALL)?;
    let power = DataModel {
        long_double: pep3118::LongDoubleAbi { format: LongDoubleFormat::DoubleDouble, ..DataModel::LP64.long_double },
        ..DataModel::LP64
    };
    let model = if bytes.ratio(1, 10)? { power } else { model };
    let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &model).ok();
    Ok(layout.filter(|layout| layout.size() <= 2048).map(|layout| (format, layout)))
}

/// Returns the dotted name, the offset and the size in bytes of every field of `layout` that is not a record. A field
/// without a name gets the name that NumPy gives the field: `f0`, `f1`.
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
