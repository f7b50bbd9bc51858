//! Tests that the tables of `grammar.md` show the interpretations of this crate.

use pep3118::{Certainty, DataModel, Dialect, Field, Layout, Type, reconcile};

use super::{assert_or_update, read};

const PAGE: &str = "docs/grammar.md";
const HEAD: &str = "| format | dialect | interpretation |";

/// Describes `layout` on one line, with offsets and sizes in bytes.
fn describe_layout(layout: &Layout) -> String {
    let size = layout.size();
    let bytes = format!("{size} byte{}", if size == 1 { "" } else { "s" });
    let item = layout.item();
    if item.ty() != Type::Record {
        return format!("{bytes}: {}", kind(item));
    }
    let mut fields = Vec::new();
    describe_fields(item, 0, "", &mut fields);
    let array = if item.shape().is_empty() { String::new() } else { format!("{} of ", kind(item)) };
    if fields.is_empty() { bytes } else { format!("{bytes}: {array}{}", fields.join(", ")) }
}

/// Appends a description of each field of `record` to `out`. For a field that is a record, appends descriptions of the
/// fields inside instead. An array of records has one description. `base` is the offset of `record` in the item, in
/// bytes. `path` is the dotted name of `record`.
fn describe_fields(record: Field<'_>, base: u64, path: &str, out: &mut Vec<String>) {
    for field in record.fields() {
        let name = field.name_text().unwrap_or_default();
        let path = format!("{path}{}{name}", if path.is_empty() { "" } else { "." });
        let at = base + field.offset();
        if field.ty() == Type::Record && field.shape().is_empty() {
            describe_fields(field, at, &path, out);
        } else {
            let name = if name.is_empty() { String::new() } else { format!("`{path}` ") };
            let elements =
                if field.ty() == Type::Record { format!(", {} bytes each", field.size()) } else { String::new() };
            out.push(format!("{name}{}{elements} at {at}", kind(field)));
        }
    }
}

/// Describes the type and the shape of `field`, with the size if the type has no fixed size. Mentions the byte order
/// only if the byte order is not native. Never mentions the size or the byte order of a known user type.
fn kind(field: Field<'_>) -> String {
    let lengths: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
    let shape = if lengths.is_empty() { String::new() } else { format!("[{}]", lengths.join(",")) };
    if let Some(known) = field.user_type() {
        return format!("{}{shape}", known.name());
    }
    let length = match field.ty() {
        _ if field.user_type().is_some() => String::new(),
        Type::Bytes | Type::Pascal | Type::Void | Type::Ucs2 | Type::Ucs4 | Type::Bits | Type::Opaque => {
            format!(" of {} byte{}", field.size(), if field.size() == 1 { "" } else { "s" })
        }
        _ => String::new(),
    };
    let swapped = field.endian().is_some_and(|endian| endian != field.model().endian);
    let order = field.endian().filter(|_| swapped).map_or_else(String::new, |endian| format!(" ({endian})"));
    format!("{}{length}{shape}{order}", field.type_name())
}

/// Returns the third cell of a row, computed from the first two cells: the layout, all layouts of an ambiguous format,
/// or the error. `format` is the first cell: `` `ib` ``, `` `ib`, 8 `` with an itemsize of 8, or `*empty*` for the
/// empty format. `dialect` is the second cell: the name of a dialect, or `–` for no dialect.
fn interpretation(format: &str, dialect: &str) -> String {
    let (format, itemsize) = match format.rsplit_once("`, ") {
        Some((format, itemsize)) => (format, Some(itemsize.parse().expect("an itemsize"))),
        None => (format.trim_end_matches('`'), None),
    };
    let format = if format == "*empty*" { "" } else { format };
    let format = format.trim_start_matches('`').replace("\\n", "\n").replace("\\t", "\t");
    let dialect = (dialect != "–").then(|| Dialect::by_name(dialect.trim_matches('`')).expect(dialect));
    // Brackets are escaped, because they are the syntax of links.
    let quoted = |text: String| text.replace('[', "\\[").replace(']', "\\]");
    match reconcile(format.as_bytes(), itemsize, dialect, &DataModel::LP64) {
        Ok(found) if found.certainty == Certainty::Exact => quoted(describe_layout(&found.layout)),
        Ok(found) => {
            quoted(format!("{}; {}", describe_layout(&found.layout), found.certainty.as_str().replace('-', " ")))
        }
        Err(error) => match error.ambiguity() {
            Some(ambiguity) => {
                let alternatives = ambiguity.alternatives().iter().map(|found| describe_layout(&found.layout));
                quoted(format!("ambiguous: {}", alternatives.collect::<Vec<_>>().join("; or ")))
            }
            None => quoted(format!("refused: {error}")),
        },
    }
}

#[test]
fn grammar_md_shows_the_interpretation_of_each_example() {
    let page = read(PAGE);
    let mut out = String::new();
    let (mut inside, mut rows) = (false, 0);
    for line in page.lines() {
        inside = line == HEAD || inside && line.starts_with('|');
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if inside && line != HEAD && !line.starts_with("|--") {
            let [format, dialect, ..] = cells[..] else { panic!("{line}") };
            out += &format!("| {format} | {dialect} | {} |\n", interpretation(format, dialect));
            rows += 1;
        } else {
            out += &format!("{line}\n");
        }
    }
    assert!(rows > 60, "only {rows} examples");
    assert_or_update(PAGE, &out);
}
