//! [`Table`]: the fields of a layout as a table of text.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::text::escape;

/// A table of the fields and the padding of a layout, with offsets in bytes from the start of the item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Table};
/// let layout = Layout::read(b"@IdB", &Dialect::STRUCT, &DataModel::LP64)?;
/// assert_eq!(Table::new(&layout).to_string(), "\
/// offset  size  type       name
///      0     4  uint32     -
///      4     4  (padding)
///      8     8  float64    -
///     16     1  uint8      -
/// ");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Table<'l> {
    layout: &'l Layout,
}

/// The texts and numbers of one line of the table.
struct TableRow<'l> {
    /// The offset from the start of the item in bytes.
    offset: u64,
    /// The size of all elements of the field, or of the padding, in bytes.
    size: u64,
    /// The text of the column `type`, indented by two spaces for each enclosing record.
    ty: String,
    /// The text of the column `name`. Empty for padding.
    name: Cow<'l, str>,
}

impl<'l> Table<'l> {
    /// Creates the table of `layout`.
    #[must_use]
    pub fn new(layout: &'l Layout) -> Self {
        Self { layout }
    }

    /// Returns the lines of the table in the order of the offsets.
    fn rows(&self) -> Vec<TableRow<'l>> {
        let mut rows = Vec::new();
        let item = self.layout.item();
        if item.ty() == Type::Record && item.shape().is_empty() {
            push_fields(&mut rows, item, 0, 0);
        } else {
            push_field(&mut rows, item, 0, 0);
            push_fields(&mut rows, item, 0, 1);
        }
        rows
    }
}

/// Adds rows to `rows`, in the order of the offsets: a row for each field of `record`, for each field inside these
/// fields, and for each sequence of pad bytes. `base` is the offset of `record` in bytes from the start of the item.
/// `depth` is the indentation level of the fields of `record`. Adds no rows if `record` is not a record.
// The function calls itself once per level of nested structures. The parser and the builder permit 64 levels.
fn push_fields<'l>(rows: &mut Vec<TableRow<'l>>, record: Field<'l>, base: u64, depth: usize) {
    if record.ty() != Type::Record {
        return;
    }
    let mut end = 0;
    for field in record.by_offset() {
        push_padding(rows, base, end, field.offset(), depth);
        let offset = base.saturating_add(field.offset());
        push_field(rows, field, offset, depth);
        push_fields(rows, field, offset, depth.saturating_add(1));
        end = end.max(field.offset().saturating_add(field.total_size()));
    }
    push_padding(rows, base, end, record.size(), depth);
}

/// Adds a row to `rows` for the pad bytes of a record from byte `from` to byte `to`. `from` and `to` count from the
/// start of the record. `base` is the offset of the record in bytes from the start of the item, and `depth` is the
/// indentation level. Adds no row if `from` is not less than `to`.
fn push_padding(rows: &mut Vec<TableRow<'_>>, base: u64, from: u64, to: u64, depth: usize) {
    let size = to.saturating_sub(from);
    if size > 0 {
        let ty = format!("{}(padding)", "  ".repeat(depth));
        rows.push(TableRow { offset: base.saturating_add(from), size, ty, name: Cow::Borrowed("") });
    }
}

/// Adds the row of `field` to `rows`. `offset` is the offset of `field` in bytes from the start of the item, and
/// `depth` is the indentation level.
fn push_field<'l>(rows: &mut Vec<TableRow<'l>>, field: Field<'l>, offset: u64, depth: usize) {
    rows.push(TableRow {
        offset,
        size: field.total_size(),
        ty: format!("{}{}{}{}", "  ".repeat(depth), type_text(field), shape_text(field), swapped_note(field)),
        name: field.name().map_or(Cow::Borrowed("-"), quoted),
    });
}

/// Returns `name` as printable text. Adds quotation marks if `name` is empty, is `-`, or starts or ends with a space,
/// because the table would not show such a name clearly.
fn quoted(name: &[u8]) -> Cow<'_, str> {
    let name = escape(name);
    if name.is_empty() || name == "-" || name.starts_with(' ') || name.ends_with(' ') {
        return Cow::Owned(format!("\"{name}\""));
    }
    name
}

/// Returns the name of the type of `field`. For a bit-field, returns the type of the values and the numbers of the
/// bits: `int32 bits 3-7`. Bit 0 is the lowest bit of the integer that the bytes of the field form.
pub(super) fn type_text(field: Field<'_>) -> String {
    let Some(bits) = field.bit_field() else { return field.ty().to_string() };
    let (ty, first) = (bits.ty(), bits.offset());
    match bits.width() {
        1 => format!("{ty} bit {first}"),
        width => format!("{ty} bits {first}-{}", first.saturating_add(width).saturating_sub(1)),
    }
}

/// Returns the dimensions of `field` as text in brackets, such as `[2,3]`. Returns an empty text for a single value.
pub(super) fn shape_text(field: Field<'_>) -> String {
    if field.shape().is_empty() { String::new() } else { format!("[{}]", join_lengths(field)) }
}

/// Returns the lengths of the dimensions of `field` with commas between them: `2,3`.
pub(super) fn join_lengths(field: Field<'_>) -> String {
    let lengths: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
    lengths.join(",")
}

/// Returns the byte order of `field` as text, such as ` (big)`. Returns an empty text if `field` has no byte order, or
/// the byte order of the data model.
pub(super) fn swapped_note(field: Field<'_>) -> String {
    field.swapped_endian().map_or_else(String::new, |endian| format!(" ({endian})"))
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        // The width of a column: the longest cell, or the width of its heading.
        let width =
            |cell: &dyn Fn(&TableRow<'_>) -> usize, heading: usize| rows.iter().map(cell).fold(heading, usize::max);
        let offsets = width(&|row| row.offset.to_string().len(), 6);
        let sizes = width(&|row| row.size.to_string().len(), 4);
        let types = width(&|row| row.ty.len(), 4);
        writeln!(f, "{:>offsets$}  {:>sizes$}  {:<types$}  name", "offset", "size", "type")?;
        for TableRow { offset, size, ty, name } in &rows {
            let line = format!("{offset:>offsets$}  {size:>sizes$}  {ty:<types$}  {name}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
