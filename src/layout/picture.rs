//! [`Picture`]: draws the bytes of an item as text. This module also computes the segments that [`Picture::svg`] draws.
//!
//! A *segment* consists of the bytes of one element of a field, or of the bytes of padding. A *row* consists of 16
//! consecutive bytes, or of another number of bytes that the caller sets. The segments of a row are drawn in one or
//! more lines, the *lanes* of the row. Segments that share bytes are in different lanes. A *piece* consists of the
//! bytes of one segment in one row.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use unicode_width::UnicodeWidthChar as _;

use super::table::{swapped_note, type_text};
use super::tree::{Field, Layout};
use super::ty::Type;
use crate::endian::Endian;
use crate::text::{char_boundary, escape};

/// The default number of bytes in a row.
const DEFAULT_ROW: usize = 16;
/// The number of characters that the picture uses for one byte.
const CELL: usize = 3;
/// The number of characters of a line that are not used for bytes: the offset before the bytes, and the bar after the
/// bytes.
const MARGIN: usize = 8;
/// The largest number of bytes of an item that are drawn.
const MAX_BYTES: u16 = 256;
/// The largest number of segments, and of cells of bits, that are drawn. If fields share bytes, an item can have more
/// segments than bytes.
const MAX_SEGMENTS: usize = 1024;
/// The largest length in bytes of the dotted name of a field. Longer names are cut.
const MAX_PATH_BYTES: usize = 400;

/// A drawing of the fields and the padding of an item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Picture};
/// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let picture = Picture::new(&layout).to_string();
/// let lines: Vec<&str> = picture.lines().collect();
/// assert_eq!(lines, [
///     "        0  1  2  3  4  5  6  7",
///     "     0 |a |........|b: int32   |",
/// ]);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// Bit-fields that share bytes are drawn as one field. Below the bytes, a second ruler numbers the bits of one byte,
/// with the lowest bit at the right. Under this ruler, each byte that contains bit-fields has a line.
///
/// ```
/// use pep3118::layout::{BitField, LayoutBuilder, MemberSpec, Picture};
/// use pep3118::{DataModel, Endian, Type};
/// let mut builder = LayoutBuilder::new(1, &DataModel::LP64);
/// for (name, offset, width) in [(b"a", 0, 3), (b"b", 3, 4)] {
///     let bits = BitField::new(Type::UInt8, offset, width).unwrap();
///     builder.bit_field(MemberSpec { name: Some(name), ..MemberSpec::default() }, bits, Endian::Little)?;
/// }
/// let picture = Picture::new(&builder.finish()).to_string();
/// let lines: Vec<&str> = picture.lines().collect();
/// assert_eq!(lines, [
///     "        0",
///     "     0 |a,|",
///     "   bit  7  6  5  4  3  2  1  0",
///     "     0 |..|b          |a       |",
/// ]);
/// # Ok::<(), pep3118::layout::BuildError>(())
/// ```
///
/// Other fields that share bytes are drawn one below the other. If there is not enough space for a dotted name, the
/// picture shows the end of the name: `…x` for `position.x`. If there is enough space, the picture shows the type of a
/// field after the name. A [`Table`](super::Table) shows all names completely.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The size of the item in bytes.
    size: u64,
    /// The number of bytes in a row.
    row: usize,
    /// The bytes of fields and of padding that are drawn.
    segments: Vec<Segment>,
    /// The largest number of lanes of a row.
    lanes: usize,
    /// The bits of bit-fields, in the order of the fields.
    bits: Vec<BitCell>,
}

/// The kind of bytes that a text in a [`Picture`] is drawn for: bytes of a field or padding.
///
/// ```
/// use pep3118::{DataModel, Dialect, CellStyle, Layout, Picture};
/// let layout = Layout::read(b"@bh", &Dialect::STRUCT, &DataModel::LP64)?;
/// let paint = |style: CellStyle, text: &str| match style {
///     CellStyle::Padding => "#".repeat(text.len()),
///     _ => text.to_string(),
/// };
/// assert!(Picture::new(&layout).render(paint).ends_with("|in|##|int16|\n"));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum CellStyle {
    /// A field that is not a record. The number in this variant is the index of the field, from 0, among all fields of
    /// the item that are not records. Bit-fields that are drawn as one field have the index of the first of them.
    Field(usize),
    /// Bytes that belong to no field.
    Padding,
}

/// The bytes of one element of a field, or the bytes of padding.
#[derive(Clone, Debug)]
struct Segment {
    /// The offset of the first byte that is drawn, in bytes from the start of the item.
    start: usize,
    /// The number of bytes of the segment that are drawn.
    len: usize,
    /// The offset of the segment in bytes from the start of the item.
    offset: u64,
    /// The size of the segment in bytes, which is larger than `len` if the end of the segment is not drawn.
    size: u64,
    text: CellText,
    /// The dotted name and the type of the field: `a.b: int32`. Empty for padding.
    description: String,
    style: CellStyle,
    /// The number of the lane, from 0 at the top.
    lane: usize,
}

/// The bits of a bit-field in one byte.
#[derive(Clone, Debug)]
pub(super) struct BitCell {
    /// The offset of the byte from the start of the item.
    pub(super) byte: usize,
    /// The bits of the byte that belong to the bit-field. These bits are adjacent.
    mask: u8,
    /// The dotted name of the field, or the type of a field without a name.
    pub(super) text: CellText,
    /// The dotted name and the type of the field: `a.b: int32 bits 3-7`.
    pub(super) description: String,
    pub(super) style: CellStyle,
}

impl BitCell {
    /// Returns the number of the highest bit, 0 to 7.
    pub(super) fn high(&self) -> usize {
        usize::try_from(self.mask.leading_zeros()).map_or(0, |zeros| 7_usize.saturating_sub(zeros))
    }

    /// Returns the number of bits, 1 to 8.
    pub(super) fn len(&self) -> usize {
        // A mask of 8 bits has at most 8 ones, so the default is never used.
        usize::try_from(self.mask.count_ones()).unwrap_or(0)
    }
}

/// One line below the ruler of the bits. The line shows the bit-fields of one byte that do not share bits. A byte whose
/// bit-fields share bits, as in a union, has several lines.
pub(super) struct BitLine<'p> {
    /// The offset of the byte from the start of the item.
    pub(super) byte: usize,
    /// The cells, highest bit first.
    pub(super) cells: Vec<&'p BitCell>,
    /// Whether the line is the first line of its byte.
    pub(super) is_first: bool,
}

/// One line of the picture: the pieces of one lane in one row.
pub(super) struct Line<'p> {
    /// The offset of the first byte of the row, in bytes from the start of the item.
    pub(super) start: usize,
    /// The pieces in the order of their offsets.
    pub(super) pieces: Vec<Piece<'p>>,
}

/// The bytes of a segment that are in one row.
pub(super) struct Piece<'p> {
    /// The number of bytes between the start of the row and the first byte of the piece.
    pub(super) column: usize,
    /// The number of bytes of the piece.
    pub(super) len: usize,
    /// The text of the segment, or [`CellText::Nothing`] if the segment starts in a previous row.
    pub(super) text: &'p CellText,
    /// The dotted name and the type of the field: `a.b: int32`. Empty for padding.
    pub(super) description: &'p str,
    /// Whether the bytes belong to a field or are padding.
    pub(super) style: CellStyle,
    /// The offset of the whole segment from the start of the item in bytes.
    pub(super) offset: u64,
    /// The size of the whole segment in bytes.
    pub(super) size: u64,
}

impl Picture {
    /// Creates the picture of the item of `layout`. The picture shows at most the first 256 bytes of the item, and at
    /// most 1024 elements of fields and sequences of pad bytes.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let mut painter = Painter { segments: Vec::new(), end: 0, lanes: Vec::new(), leaves: 0, bits: Vec::new() };
        painter.push_segments(layout.item(), 0, "", 0);
        painter.pad_to(layout.size());
        let Painter { segments, lanes, bits, .. } = painter;
        Self { size: layout.size(), row: DEFAULT_ROW, segments, lanes: lanes.len(), bits }
    }

    /// Sets the number of bytes in a row to `bytes`, rounded down to a power of two, and returns the picture. The
    /// default is 16.
    ///
    /// A row has at least 1 and at most 64 bytes, for every value of `bytes`.
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

    /// Sets the number of bytes in a row, so that a line has at most `characters` characters, and returns the picture.
    /// A row has at least 1 and at most 16 bytes, so a line can be longer if `characters` is less than 11. A line that
    /// shows the bits of a byte always has 32 characters.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Picture};
    /// let layout = Layout::read(b"T{4b:head:d:body:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let picture = Picture::new(&layout).within(40).to_string();
    /// assert!(picture.lines().all(|line| line.chars().count() <= 40));
    /// assert!(picture.ends_with("|body: float64          |\n"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn within(self, characters: usize) -> Self {
        self.columns((characters.saturating_sub(MARGIN) / CELL).min(DEFAULT_ROW))
    }

    /// Returns the number of bytes in a row.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// Returns whether the number of segments has reached [`MAX_SEGMENTS`], so that the picture may omit fields.
    pub(super) fn omits_fields(&self) -> bool {
        self.segments.len() >= MAX_SEGMENTS
    }

    /// Returns the number of bytes of the item that are drawn.
    pub(super) fn drawn_bytes(&self) -> usize {
        at_most_max_bytes(self.size)
    }

    /// Returns the number of bytes at the end of the item that are not drawn.
    pub(super) fn omitted_bytes(&self) -> u64 {
        self.size.saturating_sub(u64::from(MAX_BYTES))
    }

    /// Returns the lines of the picture from top to bottom. The lines of a row are consecutive, and precede the lines
    /// of the next row.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut lanes: Vec<Vec<&Segment>> = alloc::vec![Vec::new(); self.lanes];
        for segment in &self.segments {
            if let Some(lane) = lanes.get_mut(segment.lane) {
                lane.push(segment);
            }
        }
        let mut lines = Vec::new();
        let mut start = 0;
        while start < self.drawn_bytes() {
            let end = start.saturating_add(self.row).min(self.drawn_bytes());
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

    /// Returns the lines below the ruler of the bits, in the order of the bytes. Bit-fields that share bits, as in a
    /// union, are in different lines.
    pub(super) fn bit_lines(&self) -> Vec<BitLine<'_>> {
        let mut cells: Vec<&BitCell> = self.bits.iter().collect();
        cells.sort_by_key(|cell| (cell.byte, core::cmp::Reverse(cell.high())));
        let mut lines: Vec<BitLine<'_>> = Vec::new();
        // The index of the first line of the current byte.
        let mut first = 0;
        for cell in cells {
            if lines.last().is_none_or(|line| line.byte != cell.byte) {
                first = lines.len();
            }
            let mut same_byte = lines.iter_mut().skip(first);
            let free = same_byte.find(|line| line.cells.iter().all(|other| other.mask & cell.mask == 0));
            match free {
                Some(line) => line.cells.push(cell),
                None => {
                    let is_first = first == lines.len();
                    lines.push(BitLine { byte: cell.byte, cells: Vec::from([cell]), is_first });
                }
            }
        }
        lines
    }

    /// Draws the picture as text and returns the text.
    ///
    /// Calls `paint` for the text of each segment and of each cell of bits in each line. The arguments of `paint` are
    /// the kind of bytes and the text. The result of `paint` replaces the text. For example, `paint` can add escape
    /// sequences for colours.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Picture};
    /// let layout = Layout::read(b"@bh", &Dialect::STRUCT, &DataModel::LP64)?;
    /// let picture = Picture::new(&layout).render(|_, text| text.to_uppercase());
    /// assert!(picture.contains("INT16"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn render(&self, paint: impl Fn(CellStyle, &str) -> String) -> String {
        let mut out = self.ruler();
        let mut row = None;
        for Line { start, pieces } in self.lines() {
            let mut line = if row == Some(start) { "       ".to_string() } else { format!("{start:>6} ") };
            row = Some(start);
            let mut end = 0;
            for piece in &pieces {
                // Another line of the row shows the bytes between two pieces, so these bytes are blank in this line.
                let blank = piece.column.saturating_sub(end).saturating_mul(CELL);
                let bar = if end > 0 && blank > 0 { "|" } else { "" };
                line.push_str(bar);
                line.extend(core::iter::repeat_n(' ', blank.saturating_sub(bar.len())));
                line.push('|');
                line.push_str(&paint(piece.style, &cell_text(piece)));
                end = piece.column.saturating_add(piece.len);
            }
            line.push_str("|\n");
            out.push_str(&line);
        }
        self.render_bits(&mut out, &paint);
        if self.omitted_bytes() > 0 {
            out.push_str(&format!("       ... {} more bytes\n", self.omitted_bytes()));
        }
        if self.omits_fields() {
            out.push_str("       ... more fields that share these bytes\n");
        }
        out
    }

    /// Appends the ruler of the bits and the lines of the bytes with bit-fields to `out`. Appends nothing for an item
    /// without bit-fields. `paint` is the argument of [`render`](Self::render).
    fn render_bits(&self, out: &mut String, paint: &impl Fn(CellStyle, &str) -> String) {
        let lines = self.bit_lines();
        if lines.is_empty() {
            return;
        }
        out.push_str("   bit");
        (0..8).rev().for_each(|bit| out.push_str(&format!("{bit:>CELL$}")));
        out.push('\n');
        for BitLine { byte, cells, is_first } in lines {
            let mut line = if is_first { format!("{byte:>6} ") } else { "       ".to_string() };
            // Another line of the byte shows bits that belong to other bit-fields, so these bits are blank in this line.
            let shares_bits =
                self.bits.iter().any(|bits| bits.byte == byte && !cells.iter().any(|cell| core::ptr::eq(*cell, bits)));
            let fill = if shares_bits { ' ' } else { '.' };
            // The number of bits that are not drawn yet.
            let mut left = 8_usize;
            for cell in cells {
                push_unused_bits(&mut line, left.saturating_sub(cell.high()).saturating_sub(1), fill, paint);
                let width = cell.len().saturating_mul(CELL).saturating_sub(1);
                line.push('|');
                line.push_str(&paint(cell.style, &filled(fit_cell(&cell.text, &cell.description, width), width, ' ')));
                left = cell.high().saturating_add(1).saturating_sub(cell.len());
            }
            push_unused_bits(&mut line, left, fill, paint);
            line.push_str("|\n");
            out.push_str(&line);
        }
    }

    /// Returns the first line of the picture, which has the number of each byte in a row. Returns the line `(no bytes)`
    /// for an item of 0 bytes.
    fn ruler(&self) -> String {
        if self.size == 0 {
            return "       (no bytes)\n".to_string();
        }
        let mut line = "      ".to_string();
        for byte in 0..self.drawn_bytes().min(self.row) {
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

/// Returns the smaller of the numbers `bytes` and [`MAX_BYTES`].
fn at_most_max_bytes(bytes: u64) -> usize {
    let max = usize::from(MAX_BYTES);
    usize::try_from(bytes).map_or(max, |bytes| bytes.min(max))
}

impl Segment {
    /// Returns the piece of this segment in the row from byte `start` to byte `end`. `start` and `end` are offsets from
    /// the start of the item. Returns `None` if the segment has no bytes in this row.
    fn piece(&self, start: usize, end: usize) -> Option<Piece<'_>> {
        let first = self.start.max(start);
        let len = self.start.saturating_add(self.len).min(end).checked_sub(first).filter(|len| *len > 0)?;
        let text = if first == self.start { &self.text } else { &CellText::Nothing };
        let (description, style, offset, size) = (self.description.as_str(), self.style, self.offset, self.size);
        Some(Piece { column: first.saturating_sub(start), len, text, description, style, offset, size })
    }
}

/// Returns the text of `piece` between its bars. The text is cut, or filled with spaces or dots, to the width of the
/// bytes of the piece.
fn cell_text(piece: &Piece<'_>) -> String {
    let width = piece.len.saturating_mul(CELL).saturating_sub(1);
    let fill = if piece.style == CellStyle::Padding { '.' } else { ' ' };
    filled(fit_cell(piece.text, piece.description, width), width, fill)
}

/// Returns `description` if the description is not wider than `width` characters. Otherwise returns `text`, cut to this
/// width. Always returns an empty text for [`CellText::Nothing`].
fn fit_cell(text: &CellText, description: &str, width: usize) -> String {
    match text {
        CellText::Path(_) | CellText::Type(_) if text_width(description) <= width => description.to_string(),
        text => text.fit(width),
    }
}

/// Returns `text`, filled with the character `fill` to `width` characters.
fn filled(mut text: String, width: usize, fill: char) -> String {
    let used = text_width(&text);
    text.extend(core::iter::repeat_n(fill, width.saturating_sub(used)));
    text
}

/// Appends a cell for `count` bits without a bit-field, filled with the character `fill`, to `line`. Appends nothing if
/// `count` is 0.
fn push_unused_bits(line: &mut String, count: usize, fill: char, paint: &impl Fn(CellStyle, &str) -> String) {
    if count > 0 {
        let width = count.saturating_mul(CELL).saturating_sub(1);
        line.push('|');
        line.push_str(&paint(CellStyle::Padding, &filled(String::new(), width, fill)));
    }
}

/// The state while the segments of a layout are computed.
struct Painter {
    segments: Vec<Segment>,
    /// The largest offset after the last byte of a segment, in bytes from the start of the item.
    end: u64,
    /// For each lane, the offset after its last byte, in bytes from the start of the item.
    lanes: Vec<u64>,
    /// The index of the next field among all fields that are not records.
    leaves: usize,
    bits: Vec<BitCell>,
}

impl Painter {
    /// Returns whether the picture omits a segment that starts at byte `offset`, because `offset` or the number of
    /// segments exceeds a limit.
    fn is_omitted(&self, offset: u64) -> bool {
        offset >= u64::from(MAX_BYTES) || self.segments.len() >= MAX_SEGMENTS
    }

    /// Adds a segment of padding from the end of all segments to byte `offset`. Adds no segment if `offset` is not
    /// after this end, or if the picture omits the segment.
    fn pad_to(&mut self, offset: u64) {
        let size = offset.saturating_sub(self.end);
        if size > 0 && !self.is_omitted(self.end) {
            self.push(0, self.end, size, CellText::Nothing, String::new(), CellStyle::Padding);
        }
    }

    /// Adds a segment to the lane with the number `lane`. The segment has `size` bytes and starts at byte `offset` of
    /// the item. `text`, `description` and `style` become the fields of [`Segment`] with these names.
    fn push(&mut self, lane: usize, offset: u64, size: u64, text: CellText, description: String, style: CellStyle) {
        let end = offset.saturating_add(size);
        if self.lanes.len() <= lane {
            self.lanes.resize(lane.saturating_add(1), 0);
        }
        if let Some(lane) = self.lanes.get_mut(lane) {
            *lane = end;
        }
        let start = at_most_max_bytes(offset);
        let len = at_most_max_bytes(end).saturating_sub(start);
        self.segments.push(Segment { start, len, offset, size, text, description, style, lane });
        self.end = self.end.max(end);
    }

    /// Returns the number of the first lane that is free from byte `offset` on: the lane after all lanes that are drawn
    /// at byte `offset` or later. Returns 0 if no lane is drawn there.
    fn free_lane(&self, offset: u64) -> usize {
        self.lanes.iter().rposition(|end| *end > offset).map_or(0, |busy| busy.saturating_add(1))
    }

    /// Adds the segments of `field` and of the fields inside `field`. `offset` is the offset of `field` in bytes from
    /// the start of the item. `path` is the dotted name of the enclosing record. `lane` is the number of the lane for
    /// the first segment.
    // The function calls itself once per level of nested structures. The parser and the builder permit 64 levels. The
    // loop over the elements ends at the first element that is not drawn, so a large number of elements takes no time.
    fn push_segments(&mut self, field: Field<'_>, offset: u64, path: &str, lane: usize) {
        let first = self.leaves;
        let mut after = first.saturating_add(1);
        if self.is_omitted(offset) || field.size() == 0 {
            self.leaves = after;
            return;
        }
        let path = join_path(path, field);
        for element in 0..field.count() {
            let offset = offset.saturating_add(field.size().saturating_mul(element));
            if self.is_omitted(offset) {
                break;
            }
            if field.ty() == Type::Record {
                self.leaves = first;
                let mut end = offset;
                for fields in group_bit_fields(field.by_offset()) {
                    let Some(first) = fields.first() else { continue };
                    let at = offset.saturating_add(first.offset());
                    let lane = if at < end { self.free_lane(at) } else { lane };
                    let ends = fields.iter().map(|field| field.offset().saturating_add(field.total_size()));
                    // `fields` is not empty, so the default is never used.
                    let after = offset.saturating_add(ends.max().unwrap_or(0));
                    if let [only] = fields.as_slice() {
                        self.push_segments(*only, at, &path, lane);
                    } else {
                        self.push_bit_fields(&fields, at, after, &path, lane);
                    }
                    end = end.max(after);
                }
                after = self.leaves;
                // An element can end in padding, or can consist of padding only.
                self.pad_to(offset.saturating_add(field.size()));
            } else {
                self.pad_to(offset);
                self.push_bits(field, offset, &path, first);
                let text = match element {
                    0 if path.is_empty() => CellText::Type(type_text(field)),
                    0 => CellText::Path(path.clone()),
                    _ => CellText::Nothing,
                };
                self.push(lane, offset, field.size(), text, describe(field, &path), CellStyle::Field(first));
            }
        }
        self.leaves = after;
    }

    /// Adds one segment for `fields`, and the bits of each of these fields. `fields` are the bit-fields that share the
    /// bytes from byte `start` to byte `end` of the item. `path` and `lane` have the same meaning as for
    /// [`push_segments`](Self::push_segments).
    fn push_bit_fields(&mut self, fields: &[Field<'_>], start: u64, end: u64, path: &str, lane: usize) {
        let first = self.leaves;
        self.leaves = first.saturating_add(fields.len());
        if self.is_omitted(start) {
            return;
        }
        self.pad_to(start);
        let base = start.saturating_sub(fields.first().map_or(0, |field| field.offset()));
        let mut names = Vec::new();
        for (index, field) in (first..).zip(fields) {
            let path = join_path(path, *field);
            self.push_bits(*field, base.saturating_add(field.offset()), &path, index);
            names.push(if path.is_empty() { type_text(*field) } else { path });
        }
        let text = names.join(", ");
        let style = CellStyle::Field(first);
        self.push(lane, start, end.saturating_sub(start), CellText::Type(text.clone()), text, style);
    }

    /// Adds the bits of one element of `field` at byte `offset` of the item. Adds nothing if `field` is not a
    /// bit-field. `path` is the dotted name of `field`, and `leaf` is the index of `field` among all fields that are
    /// not records.
    fn push_bits(&mut self, field: Field<'_>, offset: u64, path: &str, leaf: usize) {
        let Some(bits) = field.bit_field() else { return };
        for (byte, mask) in (offset..).zip(bits.masks(field.endian().unwrap_or(Endian::Little))) {
            if byte >= u64::from(MAX_BYTES) || self.bits.len() >= MAX_SEGMENTS || mask == 0 {
                continue;
            }
            let text =
                if path.is_empty() { CellText::Type(type_text(field)) } else { CellText::Path(path.to_string()) };
            let (byte, style) = (at_most_max_bytes(byte), CellStyle::Field(leaf));
            self.bits.push(BitCell { byte, mask, text, description: describe(field, path), style });
        }
    }
}

/// Divides `fields`, the fields of a record in the order of their offsets, into groups. Bit-fields that share bytes but
/// no bits are one group. Each other field is a group.
fn group_bit_fields<'l>(fields: Vec<Field<'l>>) -> Vec<Vec<Field<'l>>> {
    let mut groups: Vec<Vec<Field<'l>>> = Vec::new();
    // The end of the last group in bytes, and the bits that the group uses from the offset of the last field on.
    let mut end = 0;
    let mut used: Vec<(u64, u8)> = Vec::new();
    for field in fields {
        let masks: Vec<(u64, u8)> = match field.bit_field().filter(|_| field.shape().is_empty()) {
            Some(bits) => (field.offset()..).zip(bits.masks(field.endian().unwrap_or(Endian::Little))).collect(),
            None => Vec::new(),
        };
        used.retain(|(byte, _)| *byte >= field.offset());
        let shares_bits = masks.iter().any(|(byte, mask)| used.iter().any(|(at, bits)| at == byte && bits & mask != 0));
        let joins = !masks.is_empty() && !used.is_empty() && field.offset() < end && !shares_bits;
        match groups.last_mut() {
            Some(group) if joins => group.push(field),
            _ => {
                used.clear();
                end = 0;
                groups.push(Vec::from([field]));
            }
        }
        used.extend(masks);
        end = end.max(field.offset().saturating_add(field.total_size()));
    }
    groups
}

/// Returns the dotted name of `field`, a field of the record with the dotted name `path`. If the dotted name has more
/// than [`MAX_PATH_BYTES`] bytes, returns an ellipsis and the end of the dotted name.
fn join_path(path: &str, field: Field<'_>) -> String {
    // A field without a name adds nothing to the dotted name.
    let name = field.name().map(escape).unwrap_or_default();
    let dotted = match (path, &*name) {
        ("", name) => name.to_string(),
        (path, "") => path.to_string(),
        (path, name) => format!("{path}.{name}"),
    };
    match dotted.len().checked_sub(MAX_PATH_BYTES) {
        None | Some(0) => dotted,
        Some(start) => {
            // The default is never used, because `start` is at the start of a character.
            let start = char_boundary(dotted.as_bytes(), start);
            format!("{ELLIPSIS}{}", dotted.get(start..).unwrap_or_default())
        }
    }
}

/// Returns the description of `field`: the dotted name and the type, such as `a.b: int32 (big)`. `path` must be the
/// dotted name of `field`.
fn describe(field: Field<'_>, path: &str) -> String {
    let colon = if path.is_empty() { "" } else { ": " };
    format!("{path}{colon}{}{}", type_text(field), swapped_note(field))
}

/// The character that replaces omitted text.
const ELLIPSIS: char = '\u{2026}';

/// The text of a segment before the text is cut to the width of the segment.
#[derive(Clone, Debug)]
pub(super) enum CellText {
    /// A dotted name. If the width is too small, only the end of the name is drawn.
    Path(String),
    /// The type of a field without a name. If the width is too small, only the start of the type is drawn.
    Type(String),
    /// No text, for padding and for a segment that starts in a previous row.
    Nothing,
}

impl CellText {
    /// Returns the text, cut to at most `width` characters of a monospaced font.
    pub(super) fn fit(&self, width: usize) -> String {
        match self {
            Self::Path(path) => path_end(path, width),
            Self::Type(name) => type_start(name, width),
            Self::Nothing => String::new(),
        }
    }
}

/// Returns the dotted name `path`, cut at its start to at most `width` characters. The result has as many complete
/// names as possible: `position.x`, `…x` or `x`. If the last name is wider than `width`, the result is the end of the
/// last name.
fn path_end(path: &str, width: usize) -> String {
    if longest_suffix(path, width) == path {
        return path.to_string();
    }
    // The ellipsis has a width of one character, and replaces the dot before the remaining names.
    let end = longest_suffix(path, width.saturating_sub(1));
    let start = path.len().saturating_sub(end.len()).saturating_sub(1);
    let names = path.get(start..).and_then(|rest| rest.split_once('.')).map_or("", |(_, names)| names);
    let name = path.rsplit_once('.').map_or("", |(_, name)| name);
    match width {
        0 => String::new(),
        _ if !names.is_empty() => format!("{ELLIPSIS}{names}"),
        _ if !name.is_empty() && longest_suffix(name, width) == name => name.to_string(),
        // Only one character of double width fits. The result is this character, and not an ellipsis and a space.
        _ if end.is_empty() && !longest_suffix(path, width).is_empty() => longest_suffix(path, width).to_string(),
        _ => format!("{ELLIPSIS}{end}"),
    }
}

/// Returns the longest suffix of `text` that is not wider than `width` characters.
fn longest_suffix(text: &str, width: usize) -> &str {
    let mut left = width;
    let last = text.char_indices().rev().take_while(|(_, character)| consume_width(*character, &mut left)).last();
    // If all characters are wider than `width`, the result is the default, an empty text.
    last.and_then(|(start, _)| text.get(start..)).unwrap_or_default()
}

/// Returns the name of a type, `name`, cut at the end to at most `width` characters: `float64`, `floa…`. Adds no
/// ellipsis if `width` is at most 2: `fl`.
fn type_start(name: &str, width: usize) -> String {
    if text_width(name) <= width {
        return name.to_string();
    }
    let ellipsis = (width > 2).then_some(ELLIPSIS);
    let mut left = if ellipsis.is_some() { width.saturating_sub(1) } else { width };
    name.chars().take_while(|character| consume_width(*character, &mut left)).chain(ellipsis).collect()
}

/// Subtracts the width of `character` from `left`, the remaining width, and returns `true`. If `left` is smaller than
/// the width of `character`, returns `false` and does not change `left`.
fn consume_width(character: char, left: &mut usize) -> bool {
    // The default is never used. `width` returns `None` only for control characters, and `escape` has replaced these
    // characters.
    let rest = left.checked_sub(character.width().unwrap_or(0));
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

/// Returns the width of `text` in characters of a monospaced font.
fn text_width(text: &str) -> usize {
    // Only control characters have no width, and `escape` has replaced these characters.
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
        // No name follows the last dot.
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
