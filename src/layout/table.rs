//! A layout as a table of offsets, for people.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::text::escape;

/// The fields and the padding of a layout, one a line, offsets in bytes from the start of the item.
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
struct Row {
    offset: u64,
    size: u64,
    ty: String,
    name: String,
}

impl<'l> Table<'l> {
    /// The table of a layout.
    #[must_use]
    pub fn new(layout: &'l Layout) -> Self {
        Self { layout }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let item = self.layout.item();
        if item.ty() == Type::Record {
            let each = if item.shape().is_empty() {
                0
            } else {
                push(&mut rows, item, 0, 0);
                1
            };
            inside(&mut rows, item, 0, each);
        } else {
            push(&mut rows, item, 0, 0);
        }
        rows
    }
}

/// The fields of a record in the order in which they lie, and the gaps between them.
// As deep as structures are nested, which the parser bounds.
fn inside(rows: &mut Vec<Row>, record: Field<'_>, base: u64, depth: usize) {
    let mut end = 0;
    for field in record.by_offset() {
        gap(rows, base, end, field.offset(), depth);
        let offset = base.saturating_add(field.offset());
        push(rows, field, offset, depth);
        if field.ty() == Type::Record {
            inside(rows, field, offset, depth.saturating_add(1));
        }
        end = end.max(field.offset().saturating_add(field.total_size()));
    }
    gap(rows, base, end, record.size(), depth);
}

fn gap(rows: &mut Vec<Row>, base: u64, from: u64, to: u64, depth: usize) {
    if to > from {
        let ty = format!("{}(padding)", "  ".repeat(depth));
        rows.push(Row { offset: base.saturating_add(from), size: to.abs_diff(from), ty, name: String::new() });
    }
}

fn push(rows: &mut Vec<Row>, field: Field<'_>, offset: u64, depth: usize) {
    let swapped = field.endian().is_some_and(|endian| endian != field.model().endian);
    let order = match field.endian() {
        Some(endian) if swapped => format!(" ({endian})"),
        _ => String::new(),
    };
    rows.push(Row {
        offset,
        size: field.total_size(),
        ty: format!("{}{}{}{order}", "  ".repeat(depth), field.ty(), shape(field)),
        name: field.name().map_or_else(|| "-".to_string(), visible),
    });
}

/// Returns a name as a cell: escaped, and quoted where a reader could not see it.
fn visible(name: &[u8]) -> String {
    match name {
        b"" | b"-" | [b' ', ..] | [.., b' '] => format!("\"{}\"", escape(name)),
        _ => escape(name).into_owned(),
    }
}

/// `[2,3]`, or nothing for a single value.
pub(super) fn shape(field: Field<'_>) -> String {
    let extents: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
    if extents.is_empty() { String::new() } else { format!("[{}]", extents.join(",")) }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width = |cell: &dyn Fn(&Row) -> usize, least: usize| rows.iter().map(cell).max().unwrap_or(0).max(least);
        let offsets = width(&|row| row.offset.to_string().len(), 6);
        let sizes = width(&|row| row.size.to_string().len(), 4);
        let types = width(&|row| row.ty.len(), 4);
        writeln!(f, "{:>offsets$}  {:>sizes$}  {:<types$}  name", "offset", "size", "type")?;
        for Row { offset, size, ty, name } in &rows {
            let line = format!("{offset:>offsets$}  {size:>sizes$}  {ty:<types$}  {name}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
