//! [`Table`]: the offsets of a layout, for people.

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

/// One line of the table.
struct TableRow<'l> {
    offset: u64,
    size: u64,
    ty: String,
    name: Cow<'l, str>,
}

impl<'l> Table<'l> {
    /// Returns the table of a layout.
    #[must_use]
    pub fn new(layout: &'l Layout) -> Self {
        Self { layout }
    }

    fn rows(&self) -> Vec<TableRow<'l>> {
        let mut rows = Vec::new();
        let item = self.layout.item();
        if item.ty() == Type::Record && item.shape().is_empty() {
            push_fields(&mut rows, item, 0, 0);
        } else {
            push(&mut rows, item, 0, 0);
            push_fields(&mut rows, item, 0, 1);
        }
        rows
    }
}

/// Adds the fields of a record in the order of their offsets, with the padding between them.
// As deep as structures are nested, which the parser limits to 64 levels.
fn push_fields<'l>(rows: &mut Vec<TableRow<'l>>, record: Field<'l>, base: u64, depth: usize) {
    if record.ty() != Type::Record {
        return;
    }
    let mut end = 0;
    for field in record.by_offset() {
        push_padding(rows, base, end, field.offset(), depth);
        let offset = base.saturating_add(field.offset());
        push(rows, field, offset, depth);
        push_fields(rows, field, offset, depth.saturating_add(1));
        end = end.max(field.offset().saturating_add(field.total_size()));
    }
    push_padding(rows, base, end, record.size(), depth);
}

fn push_padding(rows: &mut Vec<TableRow<'_>>, base: u64, from: u64, to: u64, depth: usize) {
    let size = to.saturating_sub(from);
    if size > 0 {
        let ty = format!("{}(padding)", "  ".repeat(depth));
        rows.push(TableRow { offset: base.saturating_add(from), size, ty, name: Cow::Borrowed("") });
    }
}

fn push<'l>(rows: &mut Vec<TableRow<'l>>, field: Field<'l>, offset: u64, depth: usize) {
    let order = match field.endian() {
        Some(endian) if endian != field.model().endian => format!(" ({endian})"),
        _ => String::new(),
    };
    rows.push(TableRow {
        offset,
        size: field.total_size(),
        ty: format!("{}{}{}{order}", "  ".repeat(depth), field.ty(), shape(field)),
        name: field.name().map_or(Cow::Borrowed("-"), quoted),
    });
}

/// Returns a name, with quotation marks if it is empty, `-`, or starts or ends with a space.
fn quoted(name: &[u8]) -> Cow<'_, str> {
    let name = escape(name);
    if name.is_empty() || name == "-" || name.starts_with(' ') || name.ends_with(' ') {
        return Cow::Owned(format!("\"{name}\""));
    }
    name
}

/// Returns the dimensions of an array: `[2,3]`; empty for a single value.
pub(super) fn shape(field: Field<'_>) -> String {
    let lengths: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
    if lengths.is_empty() { String::new() } else { format!("[{}]", lengths.join(",")) }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width =
            |cell: &dyn Fn(&TableRow<'_>) -> usize, least: usize| rows.iter().map(cell).max().unwrap_or(0).max(least);
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
