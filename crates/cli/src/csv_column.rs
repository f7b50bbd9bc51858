//! `CsvColumn`: a column of CSV that `encode` reads, or a key of the JSON objects of `decode --columns`.

use super::pack::PackedField;

/// A column of CSV, or a key of the JSON objects of `decode --columns`. The column has the values of one field.
pub(super) struct CsvColumn<'e> {
    /// The dotted name of the field with the enclosing records, such as `outer.inner.field`.
    pub(super) name: String,
    /// The offset in bytes, from the start of the item, of the record that contains the field.
    pub(super) offset: usize,
    pub(super) field: &'e PackedField,
}

/// Appends the columns of `field` to `columns`. `offset` is the offset of the enclosing record from the start of the
/// item, in bytes. `name` is the dotted name of `field`, or `None` for the item.
pub(super) fn collect<'e>(field: &'e PackedField, offset: usize, name: Option<&str>, columns: &mut Vec<CsvColumn<'e>>) {
    if !field.is_record() {
        let name = name.unwrap_or(&field.name);
        columns.push(CsvColumn { name: name.to_owned(), offset, field });
        return;
    }
    for member in field.columns() {
        let dotted = name.map_or_else(|| member.name.clone(), |name| format!("{name}.{}", member.name));
        collect(member, offset.saturating_add(field.offset), Some(&dotted), columns);
    }
}
