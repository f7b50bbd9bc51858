//! A layout as a picture: a ruler with a cell a byte.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use unicode_width::UnicodeWidthChar as _;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::text::escape;

/// Bytes in a row, if nothing else is said.
const ROW: u64 = 16;
/// Cells that one byte takes.
const CELL: usize = 3;
/// Cells in front of the bytes of a row, where the offset stands, and the bar behind them.
const MARGIN: usize = 8;
/// Bytes drawn before the rest is only counted.
const SHOWN: u64 = 256;
/// Runs drawn: fields that share bytes may be many more than bytes.
const PARTS: usize = 1024;

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
///
/// Fields that share bytes are drawn one below the other. Of a path that is too long for its bytes the
/// end is kept, `…x` of `position.x`; the whole one is in a [`Table`](super::Table).
#[derive(Clone, Debug)]
pub struct Picture {
    size: u64,
    row: u64,
    parts: Vec<Part>,
    lanes: usize,
}

/// What a run of bytes is.
///
/// ```
/// use pep3118::{DataModel, Dialect, CellStyle, Layout, Picture};
/// let layout = Layout::read(b"@bh", &Dialect::STRUCT, &DataModel::LP64)?;
/// let shout = |ink: CellStyle, text: &str| if ink == CellStyle::Padding { "#".repeat(text.len()) } else { text.to_string() };
/// assert!(Picture::new(&layout).render(shout).ends_with("|in|##|int16|\n"));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellStyle {
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
    label: CellText,
    /// The path and the type; empty for padding.
    note: String,
    ink: CellStyle,
    /// How many parts lie above it and share its bytes.
    lane: usize,
}

/// What one line of the picture shows: the parts of one lane in one row of bytes.
pub(super) struct Line<'p> {
    /// The first byte of the row.
    pub(super) start: u64,
    pub(super) runs: Vec<Run<'p>>,
}

/// What of a part lies in a line.
pub(super) struct Run<'p> {
    pub(super) start: u64,
    pub(super) bytes: u64,
    /// Nothing if the part began in a row above.
    pub(super) label: &'p CellText,
    pub(super) note: &'p str,
    pub(super) ink: CellStyle,
    /// The whole part, in bytes.
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Picture {
    /// The picture of a layout; its first 256 bytes, if it has more.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let mut painter = Painter { parts: Vec::new(), end: 0, lanes: Vec::new(), leaves: 0 };
        painter.field(layout.item(), 0, "", 0);
        painter.pad_to(layout.size());
        Self { size: layout.size(), row: ROW, parts: painter.parts, lanes: painter.lanes.len() }
    }

    /// The picture with so many bytes in a row, at least one; it has 16 else.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Picture};
    /// let layout = Layout::read(b"<Hi", &Dialect::STRUCT, &DataModel::LP64)?;
    /// let picture = Picture::new(&layout).columns(4).to_string();
    /// assert_eq!(picture.lines().last(), Some("     4 |     |"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn columns(self, bytes: usize) -> Self {
        // A round number is easier to count.
        let round = [64, 32, 16, 8, 4, 2, 1].into_iter().find(|round| *round <= bytes.max(1));
        Self { row: round.and_then(|round| u64::try_from(round).ok()).unwrap_or(1), ..self }
    }

    /// The picture in lines of so many cells, with 16 bytes in a row, or fewer where 16 have no room.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Picture};
    /// let layout = Layout::read(b"T{4b:head:d:body:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let picture = Picture::new(&layout).within(40).to_string();
    /// assert!(picture.lines().all(|line| line.chars().count() <= 40));
    /// assert!(picture.ends_with("|body                   |\n"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn within(self, cells: usize) -> Self {
        let bytes = cells.saturating_sub(MARGIN).checked_div(CELL).unwrap_or(0);
        self.columns(bytes.min(usize::try_from(ROW).unwrap_or(bytes)))
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Whether there are more fields than are drawn.
    pub(super) fn is_cut(&self) -> bool {
        self.parts.len() >= PARTS
    }

    /// Bytes that are drawn.
    pub(super) fn shown(&self) -> u64 {
        self.size.min(SHOWN)
    }

    /// The lines from the top, those of one row one after the other.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut lanes: Vec<Vec<&Part>> = alloc::vec![Vec::new(); self.lanes];
        for part in &self.parts {
            if let Some(lane) = lanes.get_mut(part.lane) {
                lane.push(part);
            }
        }
        let mut lines = Vec::new();
        let mut start = 0_u64;
        while start < self.shown() {
            let end = start.saturating_add(self.row).min(self.shown());
            for lane in &lanes {
                let parts = lane.iter().filter(|part| part.offset < end);
                let runs: Vec<Run<'_>> = parts.filter_map(|part| part.run(start, end)).collect();
                if !runs.is_empty() {
                    lines.push(Line { start, runs });
                }
            }
            start = end;
        }
        lines
    }

    /// The picture as text, each run passed through `paint`, which may add colour but no width.
    #[must_use]
    pub fn render(&self, paint: impl Fn(CellStyle, &str) -> String) -> String {
        let mut out = self.ruler();
        let mut row = None;
        for Line { start, runs } in self.lines() {
            let mut line = if row == Some(start) { "       ".to_string() } else { format!("{start:>6} ") };
            row = Some(start);
            let mut end = start;
            // What stands here above is not padding: it is left blank.
            let blank = |line: &mut String, bytes: u64, closed: bool| {
                let cells = usize::try_from(bytes).unwrap_or(0).saturating_mul(CELL);
                let bar = if closed && cells > 0 { "|" } else { "" };
                line.push_str(bar);
                line.extend(core::iter::repeat_n(' ', cells.saturating_sub(bar.len())));
            };
            for run in &runs {
                blank(&mut line, run.start.saturating_sub(end), end > start);
                line.push('|');
                line.push_str(&paint(run.ink, &cells(run.label, run.bytes, run.ink)));
                end = run.start.saturating_add(run.bytes);
            }
            line.push_str("|\n");
            out.push_str(&line);
        }
        if self.size > self.shown() {
            out.push_str(&format!("       ... {} more bytes\n", self.size.saturating_sub(self.shown())));
        }
        if self.is_cut() {
            out.push_str("       ... more fields that share these bytes\n");
        }
        out
    }

    /// The line of byte numbers above the rows.
    fn ruler(&self) -> String {
        let mut line = "      ".to_string();
        for byte in 0..self.shown().min(self.row) {
            line.push_str(&format!("{byte:>CELL$}"));
        }
        if self.size == 0 {
            return "       (no bytes)\n".to_string();
        }
        line.push('\n');
        line
    }
}

impl Part {
    /// What of it lies in the bytes `start..end`.
    fn run(&self, start: u64, end: u64) -> Option<Run<'_>> {
        let first = self.offset.max(start);
        let bytes = self.offset.saturating_add(self.size).min(end).saturating_sub(first);
        // What goes on from the row above has no label again.
        let label = if first == self.offset { &self.label } else { &CellText::Nothing };
        let (note, offset, size) = (self.note.as_str(), self.offset, self.size);
        (bytes > 0).then_some(Run { start: first, bytes, label, note, ink: self.ink, offset, size })
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(|_, text| text.to_string()))
    }
}

/// A label cut or filled to the cells of `bytes` bytes, less the bar in front of it.
fn cells(label: &CellText, bytes: u64, ink: CellStyle) -> String {
    let room = usize::try_from(bytes).unwrap_or(0).saturating_mul(CELL).saturating_sub(1);
    let fill = if ink == CellStyle::Padding { '.' } else { ' ' };
    let mut text = label.fit(room);
    let used = width(&text);
    text.extend(core::iter::repeat_n(fill, room.saturating_sub(used)));
    text
}

struct Painter {
    parts: Vec<Part>,
    /// One past the last byte that something was painted on.
    end: u64,
    /// The same for each lane.
    lanes: Vec<u64>,
    leaves: usize,
}

impl Painter {
    fn full(&self, offset: u64) -> bool {
        offset >= SHOWN || self.parts.len() >= PARTS
    }

    fn pad_to(&mut self, offset: u64) {
        if offset > self.end && !self.full(self.end) {
            let size = offset.abs_diff(self.end);
            self.push(
                0,
                Part {
                    offset: self.end,
                    size,
                    label: CellText::Nothing,
                    note: String::new(),
                    ink: CellStyle::Padding,
                    lane: 0,
                },
            );
        }
    }

    fn push(&mut self, lane: usize, part: Part) {
        let end = part.offset.saturating_add(part.size);
        if self.lanes.len() <= lane {
            self.lanes.resize(lane.saturating_add(1), 0);
        }
        if let Some(lane) = self.lanes.get_mut(lane) {
            *lane = end;
        }
        self.parts.push(Part { lane, ..part });
        self.end = self.end.max(end);
    }

    /// The first lane with nothing at the offset, neither in it nor below it.
    fn free_lane(&self, offset: u64) -> usize {
        self.lanes.iter().rposition(|end| *end > offset).map_or(0, |busy| busy.saturating_add(1))
    }

    // As deep as structures are nested, which the parser bounds; elements without bytes are skipped
    // and painting stops when the rows are full, so that counts do not matter.
    fn field(&mut self, field: Field<'_>, offset: u64, path: &str, lane: usize) {
        let first = self.leaves;
        let name = field.name().map(escape).unwrap_or_default();
        let path = match (path, &*name) {
            ("", name) => name.to_string(),
            (path, "") => path.to_string(),
            (path, name) => format!("{path}.{name}"),
        };
        let mut after = first.saturating_add(1);
        for element in 0..field.count() {
            let offset = offset.saturating_add(field.size().saturating_mul(element));
            if self.full(offset) || field.size() == 0 {
                break;
            }
            if field.ty() == Type::Record {
                self.leaves = first;
                let mut end = offset;
                for inner in field.by_offset() {
                    let at = offset.saturating_add(inner.offset());
                    let lane = if at < end { self.free_lane(at) } else { lane };
                    self.field(inner, at, &path, lane);
                    end = end.max(at.saturating_add(inner.total_size()));
                }
                after = self.leaves;
                // Every element advances, also one that is all padding.
                self.pad_to(offset.saturating_add(field.size()));
            } else {
                self.pad_to(offset);
                let label = match element {
                    0 if path.is_empty() => CellText::Type(field.ty().to_string()),
                    0 => CellText::Path(path.clone()),
                    _ => CellText::Nothing,
                };
                let (size, ink) = (field.size(), CellStyle::Field(first));
                self.push(lane, Part { offset, size, label, note: note(field, &path), ink, lane });
            }
        }
        self.leaves = after;
    }
}

/// `a.b: int32 (big)`
fn note(field: Field<'_>, path: &str) -> String {
    let colon = if path.is_empty() { "" } else { ": " };
    match field.endian() {
        Some(endian) if endian != field.model().endian => format!("{path}{colon}{} ({endian})", field.ty()),
        _ => format!("{path}{colon}{}", field.ty()),
    }
}

/// Stands for what was cut.
const ELLIPSIS: char = '\u{2026}';

/// The words on a field.
#[derive(Clone, Debug)]
pub(super) enum CellText {
    /// Names from the outermost structure inwards, with dots between: the last says most.
    Path(String),
    /// The type of what has no name: its first letters say most.
    Type(String),
    /// Of padding, and of what goes on from above.
    Nothing,
}

impl CellText {
    /// As much of it as so many cells of a monospaced face hold.
    pub(super) fn fit(&self, room: usize) -> String {
        match self {
            Self::Path(path) => last(path, room),
            Self::Type(name) => first(name, room),
            Self::Nothing => String::new(),
        }
    }
}

/// `position.x`, `…x`, `x`: whole names while there is one that fits, then the end of the last.
fn last(path: &str, room: usize) -> String {
    if tail(path, room) == path {
        return path.to_string();
    }
    // One cell is the mark's, and the dot in front of the names needs none.
    let marked = tail(path, room.saturating_sub(1));
    let start = path.len().saturating_sub(marked.len()).saturating_sub(1);
    let names = path.get(start..).and_then(|rest| rest.split_once('.')).map_or("", |(_, names)| names);
    let name = path.rsplit_once('.').map_or("", |(_, name)| name);
    match room {
        0 => String::new(),
        _ if !names.is_empty() => format!("{ELLIPSIS}{names}"),
        _ if !name.is_empty() && tail(name, room) == name => name.to_string(),
        // A sign of two cells says more than a mark beside an empty one.
        _ if marked.is_empty() && !tail(path, room).is_empty() => tail(path, room).to_string(),
        _ => format!("{ELLIPSIS}{marked}"),
    }
}

/// The longest end of a text that fits; walks no further, for a name may have a hundred thousand letters.
fn tail(text: &str, room: usize) -> &str {
    let mut left = room;
    let kept = text.char_indices().rev().take_while(|(_, character)| fits(*character, &mut left)).last();
    kept.and_then(|(start, _)| text.get(start..)).unwrap_or_default()
}

/// `float64`, `floa…`; in two cells `fl`, which says more than `f…`.
fn first(name: &str, room: usize) -> String {
    if width(name) <= room {
        return name.to_string();
    }
    let marked = room > 2;
    let mut left = if marked { room.saturating_sub(1) } else { room };
    let mut text: String = name.chars().take_while(|character| fits(*character, &mut left)).collect();
    if marked {
        text.push(ELLIPSIS);
    }
    text
}

/// Takes the cells of a character from those that are left, if it fits.
fn fits(character: char, left: &mut usize) -> bool {
    let rest = left.checked_sub(character.width().unwrap_or(0));
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

/// Cells that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).fold(0_usize, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::CellText;

    #[test]
    fn the_end_of_a_path_is_kept() {
        let path = CellText::Path("header.position.x".to_string());
        let cuts = [
            (17, "header.position.x"),
            (16, "…position.x"),
            (11, "…position.x"),
            (10, "…x"),
            (2, "…x"),
            (1, "x"),
            (0, ""),
        ];
        for (room, text) in cuts {
            assert_eq!(path.fit(room), text, "{room} cells");
        }
        let path = CellText::Path("a.price_eur".to_string());
        for (room, text) in [(11, "a.price_eur"), (10, "…price_eur"), (9, "price_eur"), (8, "…ice_eur"), (1, "r")] {
            assert_eq!(path.fit(room), text, "{room} cells");
        }
        // A sign of two cells that does not fit is left out; what has no cells stays with what it stands on.
        assert_eq!(CellText::Path("日本語".to_string()).fit(4), "…語");
        assert_eq!(CellText::Path("日本語".to_string()).fit(5), "…本語");
        assert_eq!(CellText::Path("日本語".to_string()).fit(2), "語");
        // A dot at the end names nothing.
        assert_eq!(CellText::Path("abc.".to_string()).fit(3), "…c.");
    }

    #[test]
    fn the_beginning_of_a_type_is_kept() {
        let name = CellText::Type("float64".to_string());
        for (room, text) in [(7, "float64"), (5, "floa…"), (2, "fl"), (1, "f"), (0, "")] {
            assert_eq!(name.fit(room), text, "{room} cells");
        }
    }
}
