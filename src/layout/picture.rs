//! A layout as a picture: a ruler with a cell a byte.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use unicode_width::UnicodeWidthChar as _;

use super::model::{Field, Layout, Type};

/// Bytes in a row.
const ROW: u64 = 16;
/// Cells that one byte takes.
const CELL: usize = 3;
/// Rows drawn before the rest is only counted.
const ROWS: u64 = 16;

/// The bytes of an item drawn as cells, fields and padding in their places.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Picture};
/// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let picture = Picture::new(&layout).to_string();
/// let lines: Vec<&str> = picture.lines().collect();
/// assert_eq!(lines, [
///     "        0  1  2  3  4  5  6  7",
///     "     0 |a |........|b          |",
/// ]);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Picture {
    size: u64,
    parts: Vec<Part>,
}

/// What a run of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// The field of this number, counted over the leaves.
    Field(usize),
    /// Padding.
    Padding,
}

/// A run of bytes that belongs together: one element, or padding.
#[derive(Clone, Debug)]
struct Part {
    offset: u64,
    size: u64,
    label: String,
    ink: Ink,
}

impl Picture {
    /// The picture of a layout; its first 256 bytes, if it has more.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let mut painter = Painter { parts: Vec::new(), end: 0, leaves: 0 };
        painter.field(layout.item(), 0, "");
        painter.pad_to(layout.size());
        Self { size: layout.size(), parts: painter.parts }
    }

    /// The picture as text, each run passed through `paint`, which may add colour but no width.
    #[must_use]
    pub fn render(&self, paint: impl Fn(Ink, &str) -> String) -> String {
        let shown = self.size.min(ROW.saturating_mul(ROWS));
        let mut out = ruler(shown);
        let mut row = 0;
        while row < shown {
            let end = row.saturating_add(ROW).min(shown);
            let mut line = format!("{row:>6} ");
            for part in self.parts.iter().filter(|part| part.offset < end) {
                let start = part.offset.max(row);
                let bytes = part.offset.saturating_add(part.size).min(end).saturating_sub(start);
                if bytes > 0 {
                    // What goes on from the row above has no label again.
                    let label = if start == part.offset { part.label.as_str() } else { "" };
                    line.push('|');
                    line.push_str(&paint(part.ink, &cells(label, bytes, part.ink)));
                }
            }
            line.push_str("|\n");
            out.push_str(&line);
            row = end;
        }
        if self.size > shown {
            out.push_str(&format!("       ... {} more bytes\n", self.size.saturating_sub(shown)));
        }
        out
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(|_, text| text.to_string()))
    }
}

/// The line of byte numbers above the rows.
fn ruler(shown: u64) -> String {
    let mut line = "      ".to_string();
    for byte in 0..shown.min(ROW) {
        line.push_str(&format!("{byte:>CELL$}"));
    }
    if shown == 0 {
        return "       (no bytes)\n".to_string();
    }
    line.push('\n');
    line
}

/// A label cut or filled to the cells of `bytes` bytes, less the bar in front of it.
fn cells(label: &str, bytes: u64, ink: Ink) -> String {
    let width = usize::try_from(bytes).unwrap_or(0).saturating_mul(CELL).saturating_sub(1);
    let fill = if ink == Ink::Padding { '.' } else { ' ' };
    let mut text = String::new();
    let mut used = 0_usize;
    for character in label.chars() {
        let cells = character.width().unwrap_or(0);
        if used.saturating_add(cells) > width {
            break;
        }
        used = used.saturating_add(cells);
        text.push(character);
    }
    text.extend(core::iter::repeat_n(fill, width.saturating_sub(used)));
    text
}

/// A name without characters that would move the cursor.
fn printable(name: String) -> String {
    if name.chars().any(char::is_control) { name.escape_debug().to_string() } else { name }
}

struct Painter {
    parts: Vec<Part>,
    /// Everything before this offset is painted.
    end: u64,
    leaves: usize,
}

impl Painter {
    fn full(&self) -> bool {
        self.end >= ROW.saturating_mul(ROWS)
    }

    fn pad_to(&mut self, offset: u64) {
        if offset > self.end && !self.full() {
            let size = offset.abs_diff(self.end);
            self.parts.push(Part { offset: self.end, size, label: String::new(), ink: Ink::Padding });
            self.end = offset;
        }
    }

    // As deep as structures are nested, which the parser bounds; elements without bytes are skipped
    // and painting stops when the rows are full, so that counts do not matter.
    fn field(&mut self, field: Field<'_>, offset: u64, path: &str) {
        let first = self.leaves;
        let name = field.name_text().map(printable).unwrap_or_default();
        let path = match (path, name.as_str()) {
            ("", name) => name.to_string(),
            (path, "") => path.to_string(),
            (path, name) => format!("{path}.{name}"),
        };
        let mut after = first.saturating_add(1);
        for element in 0..field.count() {
            if self.full() || field.size() == 0 {
                break;
            }
            let offset = offset.saturating_add(field.size().saturating_mul(element));
            if field.ty() == Type::Record {
                self.leaves = first;
                for inner in field.fields() {
                    self.field(inner, offset.saturating_add(inner.offset()), &path);
                }
                after = self.leaves;
                // Every element advances, also one that is all padding.
                self.pad_to(offset.saturating_add(field.size()));
            } else {
                self.pad_to(offset);
                let label = match element {
                    0 if path.is_empty() => field.ty().to_string(),
                    0 => path.clone(),
                    _ => String::new(),
                };
                self.parts.push(Part { offset, size: field.size(), label, ink: Ink::Field(first) });
                self.end = offset.saturating_add(field.size());
            }
        }
        self.leaves = after;
    }
}
