//! [`Picture`]: the bytes of an item drawn as text, and the segments that the SVG draws, too.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use unicode_width::UnicodeWidthChar as _;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::text::{char_boundary, escape};

/// Bytes in a row by default.
const ROW: usize = 16;
/// Characters for one byte.
const CELL: usize = 3;
/// Characters before the bytes of a row (the offset) and after them (a bar).
const MARGIN: usize = 8;
/// Bytes drawn of a longer item.
const SHOWN: u16 = 256;
/// The largest number of segments: fields that share bytes can outnumber the bytes.
const SEGMENTS: usize = 1024;
/// The largest length of the dotted name of a field, in bytes.
const PATH: usize = 400;

/// A drawing of the bytes of an item, with its fields and padding.
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
/// Fields that share bytes are drawn one below the other. A dotted name that is longer than the bytes of its field
/// is cut at the start, `…x` for `position.x`. A [`Table`](super::Table) has all names in full.
#[derive(Clone, Debug)]
pub struct Picture {
    size: u64,
    /// Bytes in a row.
    row: usize,
    segments: Vec<Segment>,
    lanes: usize,
}

/// The content of the cells that [`Picture::render`] passes to its argument.
///
/// ```
/// use pep3118::{DataModel, Dialect, CellStyle, Layout, Picture};
/// let layout = Layout::read(b"@bh", &Dialect::STRUCT, &DataModel::LP64)?;
/// let mark = |style: CellStyle, text: &str| if style == CellStyle::Padding { "#".repeat(text.len()) } else { text.to_string() };
/// assert!(Picture::new(&layout).render(mark).ends_with("|in|##|int16|\n"));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellStyle {
    /// The number of a field, counted over all fields that are not records.
    Field(usize),
    /// Padding.
    Padding,
}

/// The bytes of one element, or of padding.
#[derive(Clone, Debug)]
struct Segment {
    /// The first byte and the number of bytes that are drawn.
    start: usize,
    len: usize,
    /// The offset and the size in bytes.
    offset: u64,
    size: u64,
    text: CellText,
    /// The dotted name and the type; empty for padding.
    note: String,
    style: CellStyle,
    /// The number of segments above that share bytes with this one.
    lane: usize,
}

/// One line of the picture: the segments of one lane in one row of bytes.
pub(super) struct Line<'p> {
    /// The first byte of the row.
    pub(super) start: usize,
    pub(super) pieces: Vec<Piece<'p>>,
}

/// The bytes of a segment in one row.
pub(super) struct Piece<'p> {
    /// The first byte, from the start of the row.
    pub(super) column: usize,
    pub(super) len: usize,
    /// [`CellText::Nothing`] if the segment starts in a row above.
    pub(super) text: &'p CellText,
    pub(super) note: &'p str,
    pub(super) style: CellStyle,
    /// The offset and the size of the whole segment in bytes.
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Picture {
    /// Draws a layout: the first 256 bytes of a longer item.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let mut painter = Painter { segments: Vec::new(), end: 0, lanes: Vec::new(), leaves: 0 };
        painter.field(layout.item(), 0, "", 0);
        painter.pad_to(layout.size());
        Self { size: layout.size(), row: ROW, segments: painter.segments, lanes: painter.lanes.len() }
    }

    /// Sets the number of bytes in a row, from 1 to 64. It is rounded down to a power of two; the default is 16.
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
        // Offsets are easier to read in rows of a power of two.
        let row = 1_usize.wrapping_shl(bytes.clamp(1, 64).ilog2());
        Self { row, ..self }
    }

    /// Limits the lines to a number of characters, with at most 16 bytes in a row.
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
    pub fn within(self, characters: usize) -> Self {
        self.columns((characters.saturating_sub(MARGIN) / CELL).min(ROW))
    }

    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// Returns whether there are more fields than are drawn.
    pub(super) fn is_cut(&self) -> bool {
        self.segments.len() >= SEGMENTS
    }

    /// Returns the number of bytes that are drawn.
    pub(super) fn shown(&self) -> usize {
        clipped(self.size)
    }

    /// Returns the number of bytes that are not drawn.
    pub(super) fn hidden(&self) -> u64 {
        self.size.saturating_sub(u64::from(SHOWN))
    }

    /// Returns the lines from the top; those of one row are adjacent.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut lanes: Vec<Vec<&Segment>> = alloc::vec![Vec::new(); self.lanes];
        for segment in &self.segments {
            if let Some(lane) = lanes.get_mut(segment.lane) {
                lane.push(segment);
            }
        }
        let mut lines = Vec::new();
        let mut start = 0;
        while start < self.shown() {
            let end = start.saturating_add(self.row).min(self.shown());
            for lane in &lanes {
                let pieces: Vec<Piece<'_>> = lane.iter().filter_map(|segment| segment.piece(start, end)).collect();
                if !pieces.is_empty() {
                    lines.push(Line { start, pieces });
                }
            }
            start = end;
        }
        lines
    }

    /// Draws the picture as text. `paint` is called with the text of each segment, and can add colours.
    #[must_use]
    pub fn render(&self, paint: impl Fn(CellStyle, &str) -> String) -> String {
        let mut out = self.ruler();
        let mut row = None;
        for Line { start, pieces } in self.lines() {
            let mut line = if row == Some(start) { "       ".to_string() } else { format!("{start:>6} ") };
            row = Some(start);
            let mut end = 0;
            for piece in &pieces {
                // Bytes that are drawn in a line above are blank here, because they are not padding.
                let blank = piece.column.saturating_sub(end).saturating_mul(CELL);
                let bar = if end > 0 && blank > 0 { "|" } else { "" };
                line.push_str(bar);
                line.extend(core::iter::repeat_n(' ', blank.saturating_sub(bar.len())));
                line.push('|');
                line.push_str(&paint(piece.style, &cells(piece)));
                end = piece.column.saturating_add(piece.len);
            }
            line.push_str("|\n");
            out.push_str(&line);
        }
        if self.hidden() > 0 {
            out.push_str(&format!("       ... {} more bytes\n", self.hidden()));
        }
        if self.is_cut() {
            out.push_str("       ... more fields that share these bytes\n");
        }
        out
    }

    /// Returns the line of byte numbers above the rows.
    fn ruler(&self) -> String {
        if self.size == 0 {
            return "       (no bytes)\n".to_string();
        }
        let mut line = "      ".to_string();
        for byte in 0..self.shown().min(self.row) {
            line.push_str(&format!("{byte:>CELL$}"));
        }
        line.push('\n');
        line
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(|_, text| text.to_string()))
    }
}

/// Returns a number of bytes, or [`SHOWN`] if it is smaller.
fn clipped(bytes: u64) -> usize {
    let shown = usize::from(SHOWN);
    usize::try_from(bytes).map_or(shown, |bytes| bytes.min(shown))
}

impl Segment {
    /// Returns the part of the segment in the bytes `start..end`.
    fn piece(&self, start: usize, end: usize) -> Option<Piece<'_>> {
        let first = self.start.max(start);
        let len = self.start.saturating_add(self.len).min(end).checked_sub(first).filter(|len| *len > 0)?;
        let text = if first == self.start { &self.text } else { &CellText::Nothing };
        let (note, style, offset, size) = (self.note.as_str(), self.style, self.offset, self.size);
        Some(Piece { column: first.saturating_sub(start), len, text, note, style, offset, size })
    }
}

/// Returns the text of a piece, cut or filled to the width of its bytes without the bar.
fn cells(piece: &Piece<'_>) -> String {
    let width = piece.len.saturating_mul(CELL).saturating_sub(1);
    let fill = if piece.style == CellStyle::Padding { '.' } else { ' ' };
    let mut text = piece.text.fit(width);
    let used = text_width(&text);
    text.extend(core::iter::repeat_n(fill, width.saturating_sub(used)));
    text
}

struct Painter {
    segments: Vec<Segment>,
    /// One past the last byte that is drawn.
    end: u64,
    /// The same for each lane.
    lanes: Vec<u64>,
    leaves: usize,
}

impl Painter {
    /// Returns whether nothing at an offset is drawn.
    fn is_full(&self, offset: u64) -> bool {
        offset >= u64::from(SHOWN) || self.segments.len() >= SEGMENTS
    }

    fn pad_to(&mut self, offset: u64) {
        let size = offset.saturating_sub(self.end);
        if size > 0 && !self.is_full(self.end) {
            self.push(0, self.end, size, CellText::Nothing, String::new(), CellStyle::Padding);
        }
    }

    fn push(&mut self, lane: usize, offset: u64, size: u64, text: CellText, note: String, style: CellStyle) {
        let end = offset.saturating_add(size);
        if self.lanes.len() <= lane {
            self.lanes.resize(lane.saturating_add(1), 0);
        }
        if let Some(lane) = self.lanes.get_mut(lane) {
            *lane = end;
        }
        let start = clipped(offset);
        let len = clipped(end).saturating_sub(start);
        self.segments.push(Segment { start, len, offset, size, text, note, style, lane });
        self.end = self.end.max(end);
    }

    /// Returns the first lane that is free at an offset and below which no lane is in use there.
    fn free_lane(&self, offset: u64) -> usize {
        self.lanes.iter().rposition(|end| *end > offset).map_or(0, |busy| busy.saturating_add(1))
    }

    /// Draws a field at an offset from the start of the item.
    // As deep as structures are nested, which the parser limits to 64 levels. Only elements with bytes are drawn, and
    // only while bytes are left, so that large counts take no time.
    fn field(&mut self, field: Field<'_>, offset: u64, path: &str, lane: usize) {
        let first = self.leaves;
        let mut after = first.saturating_add(1);
        if self.is_full(offset) || field.size() == 0 {
            self.leaves = after;
            return;
        }
        let path = joined(path, field);
        for element in 0..field.count() {
            let offset = offset.saturating_add(field.size().saturating_mul(element));
            if self.is_full(offset) {
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
                // An element can end in padding, or contain nothing else.
                self.pad_to(offset.saturating_add(field.size()));
            } else {
                self.pad_to(offset);
                let text = match element {
                    0 if path.is_empty() => CellText::Type(field.ty().to_string()),
                    0 => CellText::Path(path.clone()),
                    _ => CellText::Nothing,
                };
                self.push(lane, offset, field.size(), text, note(field, &path), CellStyle::Field(first));
            }
        }
        self.leaves = after;
    }
}

/// Returns the dotted name of a field in a record with the dotted name `path`: the end of it, if it is long.
fn joined(path: &str, field: Field<'_>) -> String {
    let name = field.name().map(escape).unwrap_or_default();
    let joined = match (path, &*name) {
        ("", name) => name.to_string(),
        (path, "") => path.to_string(),
        (path, name) => format!("{path}.{name}"),
    };
    match joined.len().checked_sub(PATH) {
        None | Some(0) => joined,
        Some(start) => {
            let start = char_boundary(joined.as_bytes(), start);
            format!("{ELLIPSIS}{}", joined.get(start..).unwrap_or_default())
        }
    }
}

/// Returns the description of a field: `a.b: int32 (big)`.
fn note(field: Field<'_>, path: &str) -> String {
    let colon = if path.is_empty() { "" } else { ": " };
    let order = match field.endian() {
        Some(endian) if endian != field.model().endian => Cow::Owned(format!(" ({endian})")),
        _ => Cow::Borrowed(""),
    };
    format!("{path}{colon}{}{order}", field.ty())
}

/// The character in place of omitted text.
const ELLIPSIS: char = '\u{2026}';

/// The text in the cells of a segment.
#[derive(Clone, Debug)]
pub(super) enum CellText {
    /// A dotted name, of which the end is the most important.
    Path(String),
    /// The type of a field without a name, of which the start is the most important.
    Type(String),
    /// No text: for padding, and for a segment that started above.
    Nothing,
}

impl CellText {
    /// Returns as much of the text as `width` characters of a monospaced font can show.
    pub(super) fn fit(&self, width: usize) -> String {
        match self {
            Self::Path(path) => path_end(path, width),
            Self::Type(name) => type_start(name, width),
            Self::Nothing => String::new(),
        }
    }
}

/// Returns the last names of a path, such as `position.x`, `…x` or `x`; if none fits, the end of the last name.
fn path_end(path: &str, width: usize) -> String {
    if longest_end(path, width) == path {
        return path.to_string();
    }
    // The ellipsis takes one character and replaces the dot before the names.
    let end = longest_end(path, width.saturating_sub(1));
    let start = path.len().saturating_sub(end.len()).saturating_sub(1);
    let names = path.get(start..).and_then(|rest| rest.split_once('.')).map_or("", |(_, names)| names);
    let name = path.rsplit_once('.').map_or("", |(_, name)| name);
    match width {
        0 => String::new(),
        _ if !names.is_empty() => format!("{ELLIPSIS}{names}"),
        _ if !name.is_empty() && longest_end(name, width) == name => name.to_string(),
        // A character of double width is more useful than an ellipsis beside an empty cell.
        _ if end.is_empty() && !longest_end(path, width).is_empty() => longest_end(path, width).to_string(),
        _ => format!("{ELLIPSIS}{end}"),
    }
}

/// Returns the longest end of a text that fits.
fn longest_end(text: &str, width: usize) -> &str {
    let mut left = width;
    let last = text.char_indices().rev().take_while(|(_, character)| fits(*character, &mut left)).last();
    last.and_then(|(start, _)| text.get(start..)).unwrap_or_default()
}

/// Returns the start of the name of a type: `float64`, `floa…`. Up to two characters have no ellipsis: `fl`.
fn type_start(name: &str, width: usize) -> String {
    if text_width(name) <= width {
        return name.to_string();
    }
    let ellipsis = (width > 2).then_some(ELLIPSIS);
    let mut left = if ellipsis.is_some() { width.saturating_sub(1) } else { width };
    name.chars().take_while(|character| fits(*character, &mut left)).chain(ellipsis).collect()
}

/// Subtracts the width of a character from `left`, if it fits.
fn fits(character: char, left: &mut usize) -> bool {
    // A control character, which `escape` has replaced, has no width.
    let rest = left.checked_sub(character.width().unwrap_or(0));
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

/// Returns the width of a text in a monospaced font.
fn text_width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).fold(0_usize, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::CellText;

    #[test]
    fn a_path_is_cut_at_the_start() {
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
        for (width, text) in cuts {
            assert_eq!(path.fit(width), text, "{width} characters");
        }
        let path = CellText::Path("a.price_eur".to_string());
        for (width, text) in [(11, "a.price_eur"), (10, "…price_eur"), (9, "price_eur"), (8, "…ice_eur"), (1, "r")]
        {
            assert_eq!(path.fit(width), text, "{width} characters");
        }
        // A character of double width that does not fit is omitted.
        assert_eq!(CellText::Path("日本語".to_string()).fit(4), "…語");
        assert_eq!(CellText::Path("日本語".to_string()).fit(5), "…本語");
        assert_eq!(CellText::Path("日本語".to_string()).fit(2), "語");
        // After the last dot is no name.
        assert_eq!(CellText::Path("abc.".to_string()).fit(3), "…c.");
    }

    #[test]
    fn the_name_of_a_type_is_cut_at_the_end() {
        let name = CellText::Type("float64".to_string());
        for (width, text) in [(7, "float64"), (5, "floa…"), (2, "fl"), (1, "f"), (0, "")] {
            assert_eq!(name.fit(width), text, "{width} characters");
        }
    }
}
