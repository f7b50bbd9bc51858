//! The text output of `hexdump`: `TextWriter` writes rows of bytes in hexadecimal and as characters. Below each row,
//! one line describes each field that starts in the row.

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

use clap::builder::styling::{AnsiColor, Style};
use pep3118::__private::plural;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::ItemWriter;
use super::fields::{Entry, EntryKind, ItemMap};
use crate::failure::Failure;
use crate::palette::{self, BOLD, PADDING};
use pep3118::__private::to_u64;

/// The maximum number of bytes in a row.
const LONGEST_ROW: usize = 16;
/// In a longer row, an additional space follows this number of bytes.
const HALF_ROW: usize = 8;
/// The minimum width of the offset at the start of a row, in terminal columns.
const OFFSET_WIDTH: usize = 8;
/// The maximum width of the column of names, in terminal columns. A longer name is not cut, but moves the rest of its
/// line to the right.
const NAME_WIDTH: usize = 24;
/// The minimum width of the space for a value beside the other columns, in terminal columns. If the space is narrower,
/// the value starts on the next line. The value also starts there if it is wider than the space but fits on the next
/// line.
const VALUE_WIDTH: usize = 12;
/// The indentation of a value that starts on the next line.
const INDENT: usize = 6;
/// The maximum width of a printed value, in terminal columns. A wider value is cut.
pub(super) const LONGEST_VALUE: usize = 512;

/// The styles of different bytes: the style in the first file, and the style in the second file.
const DIFFERENT: [Style; 2] = [AnsiColor::Red.on_default().bold(), AnsiColor::Green.on_default().bold()];

/// Writes items as text. A method that returns a `Result` returns an error if writing fails, or if there is no memory
/// for a value.
pub(super) struct TextWriter<'m, W: Write> {
    map: &'m ItemMap,
    out: W,
    /// The maximum width of a line, in terminal columns.
    width: usize,
    /// The number of bytes in a row.
    row: usize,
    /// The widths of the columns before the value, in terminal columns.
    columns: [usize; 4],
    /// The width of the offset at the start of a row, in terminal columns.
    offset_width: usize,
    has_colours: bool,
    /// `true` until the first title or note is written.
    is_empty: bool,
}

impl<'m, W: Write> TextWriter<'m, W> {
    /// Creates a writer of items of `map` to `out`. If `width` is at least 32, no line is wider than `width` terminal
    /// columns. `end` is the offset at which the input ends, or `None` if the offset is unknown. If `has_colours` is
    /// false, the output has no colours.
    pub(super) fn new(map: &'m ItemMap, width: usize, end: Option<u64>, has_colours: bool, out: W) -> Self {
        let digits = end.map_or(1, |end| end.to_string().len());
        let offset_width = digits.max(OFFSET_WIDTH);
        // The lines of a difference start with one more character.
        let fits = |row: &usize| row_width(offset_width, *row).saturating_add(1) <= width;
        let row = [LONGEST_ROW, HALF_ROW, 4, 2].into_iter().find(fits).unwrap_or(1);
        let size_digits = map.size().to_string().len();
        let columns = [
            // A range such as `12-15`.
            digits.saturating_mul(2).saturating_add(1).max("bytes".len()),
            // An offset such as `+4`.
            size_digits.saturating_add(1).max("offset".len()),
            map.name_width().clamp("field".len(), NAME_WIDTH),
            map.type_width().max("type".len()),
        ];
        Self { map, out, width, row, columns, offset_width, has_colours, is_empty: true }
    }

    /// Writes `title`, the title of an item. Before the first title, writes the names of the columns.
    fn title(&mut self, title: &str) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_empty) {
            let names = self.prefix(["bytes", "offset", "field", "type"]);
            let line = format!("{names}value");
            if self.is_wide(&names) {
                writeln!(self.out, "{line}")?;
            } else {
                for line in wrapped(names.trim_end(), self.width.max(1)) {
                    writeln!(self.out, "{line}")?;
                }
                writeln!(self.out, "{:INDENT$}value", "")?;
            }
        }
        writeln!(self.out)?;
        for line in textwrap::wrap(title, self.width.max(1)) {
            let title = self.painted(BOLD, &line);
            writeln!(self.out, "{title}")?;
        }
        Ok(())
    }

    /// Writes the row of `item` that starts at byte `start` of the item. `offset` is the offset of the item in the
    /// input. `pending` are the entries that start in this row. `above` has the byte range and the style of the last
    /// entry before this row. If entries start in this row, the method replaces `above` by the last of these entries.
    fn row(
        &mut self,
        offset: u64,
        item: &[u8],
        start: usize,
        above: &mut Option<(Range<usize>, Style)>,
        pending: &[Entry<'_>],
    ) -> Result<(), Failure> {
        let end = start.saturating_add(self.row).min(item.len());
        // `start` is at most the length of the item, so the default is never used.
        let bytes = item.get(start..end).unwrap_or_default();
        // The entries are in the order of their bytes and do not overlap.
        let mut next = pending.iter().filter(|entry| !entry.range.is_empty()).peekable();
        let mut styles = [Style::new(); LONGEST_ROW];
        for (style, byte) in styles.iter_mut().zip(start..end) {
            if let Some(entry) = next.next_if(|entry| entry.range.start <= byte) {
                *above = Some((entry.range.clone(), style_of(entry)));
            }
            *style =
                above.as_ref().filter(|(range, _)| range.contains(&byte)).map_or(Style::new(), |(_, style)| *style);
        }
        self.bytes(" ", offset.saturating_add(to_u64(start)), bytes, &styles)
    }

    /// Writes a line with `bytes` in hexadecimal and as characters. `first` is the text before the offset, `offset` is
    /// the offset of the line, and `styles` has the style of each byte.
    fn bytes(&mut self, first: &str, offset: u64, bytes: &[u8], styles: &[Style]) -> Result<(), Failure> {
        let mut line = format!("{first}{offset:>width$}  ", width = self.offset_width);
        for (column, style, chunk) in same_style(bytes, styles) {
            line.push_str(separator(column));
            let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let hex =
                (column..).zip(hex).map(|(at, hex)| if at == column { hex } else { separator(at).to_owned() + &hex });
            line.push_str(&self.painted(style, &hex.collect::<String>()));
        }
        let missing = hex_width(self.row).saturating_sub(hex_width(bytes.len()));
        line.push_str(&format!("{:missing$}  |", ""));
        for (_, style, chunk) in same_style(bytes, styles) {
            let text: String = chunk.iter().map(|byte| printable(*byte)).collect();
            line.push_str(&self.painted(style, &text));
        }
        Ok(writeln!(self.out, "{line}|")?)
    }

    /// Writes the rows in which the two `items` differ. A line with `-` shows the bytes of the first item, a line with
    /// `+` shows the bytes of the second item, and the next line has two carets below each byte that differs. `offset`
    /// is the offset of the items in the inputs.
    fn different_rows(&mut self, offset: u64, items: [&[u8]; 2]) -> Result<(), Failure> {
        let [first, second] = items;
        for start in (0..first.len().min(second.len())).step_by(self.row) {
            let row = |item: &[u8]| -> Vec<u8> { item.iter().skip(start).take(self.row).copied().collect() };
            let (first, second) = (row(first), row(second));
            if first == second {
                continue;
            }
            let differs: Vec<bool> = first.iter().zip(&second).map(|(byte, other)| byte != other).collect();
            let offset = offset.saturating_add(to_u64(start));
            for ((sign, bytes), style) in [("-", &first), ("+", &second)].into_iter().zip(DIFFERENT) {
                let styles: Vec<Style> = differs.iter().map(|differs| if *differs { style } else { PADDING }).collect();
                self.bytes(sign, offset, bytes, &styles)?;
            }
            let mut carets = " ".repeat(self.offset_width.saturating_add(3));
            for (column, differs) in differs.iter().enumerate() {
                carets.push_str(separator(column));
                carets.push_str(if *differs { "^^" } else { "  " });
            }
            writeln!(self.out, "{}", carets.trim_end())?;
        }
        Ok(())
    }

    /// Writes a line for each entry in `pending`, and empties `pending`. `item` has the bytes of the item, and `offset`
    /// is the offset of the item in the input.
    fn entries(&mut self, offset: u64, item: &[u8], pending: &mut Vec<Entry<'_>>) -> Result<(), Failure> {
        for entry in pending.drain(..) {
            let text = entry.text(item)?;
            self.entry(offset, &entry, &[("", cut(&text, 0, LONGEST_VALUE))])?;
        }
        Ok(())
    }

    /// Writes the line of `entry`. `values` has (sign, text of a value). A sign is `- `, `+ ` or empty. `offset` is the
    /// offset of the item in the input.
    fn entry(&mut self, offset: u64, entry: &Entry<'_>, values: &[(&str, String)]) -> Result<(), Failure> {
        let style = style_of(entry);
        let start = offset.saturating_add(to_u64(entry.range.start));
        let range = range_text(start, entry.range.len());
        let at = format!("+{}", entry.range.start);
        let prefix = match entry.kind {
            EntryKind::Value { ty, .. } => self.prefix([&range, &at, &entry.name, ty]),
            EntryKind::Padding(_) => {
                let [ranges, offsets, ..] = self.columns;
                format!("  {range:>ranges$}  {at:>offsets$}  {}  ", entry.name)
            }
        };
        // Padding has no values, so the width is 0. A value that is too long for its column starts on the next line, if
        // the value fits there.
        let widest = values.iter().map(|(sign, value)| sign.len().saturating_add(value.width())).max().unwrap_or(0);
        let fits_after = |start: usize| start.saturating_add(widest) <= self.width;
        let is_wide = self.is_wide(&prefix) && (fits_after(prefix.width()) || !fits_after(INDENT));
        let indent = if is_wide { prefix.width() } else { INDENT };
        if !is_wide {
            for line in wrapped(prefix.trim_end(), self.width) {
                writeln!(self.out, "{}", self.painted(style, line))?;
            }
        }
        let mut start = if is_wide { prefix } else { " ".repeat(indent) };
        for (sign, value) in values {
            let width = self.width.saturating_sub(indent).saturating_sub(sign.len());
            let mut sign = (*sign).to_owned();
            for line in wrapped(value, width.max(1)) {
                writeln!(self.out, "{}", self.painted(style, format!("{start}{sign}{line}").trim_end()))?;
                start = " ".repeat(indent);
                sign = " ".repeat(sign.len());
            }
        }
        Ok(())
    }

    /// Returns the part before the value on the line for one field or gap. `cells` are the texts of the range, the
    /// offset, the name and the type.
    fn prefix(&self, cells: [&str; 4]) -> String {
        let [range, at, name, ty] = cells;
        let [ranges, offsets, names, types] = self.columns;
        // `format!` pads to a number of characters, and some characters are two columns wide.
        let padding = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.width()));
        let (after_name, after_type) = (padding(name, names), padding(ty, types));
        format!("  {range:>ranges$}  {at:>offsets$}  {name}{after_name}  {ty}{after_type}  ")
    }

    /// Returns `text` in `style` if the output has colours.
    fn painted<'t>(&self, style: Style, text: &'t str) -> Cow<'t, str> {
        if self.has_colours { Cow::Owned(format!("{style}{text}{style:#}")) } else { Cow::Borrowed(text) }
    }

    /// Returns `true` if a line has at least `VALUE_WIDTH` terminal columns after `prefix`.
    fn is_wide(&self, prefix: &str) -> bool {
        prefix.width().saturating_add(VALUE_WIDTH) <= self.width
    }
}

impl<W: Write> ItemWriter for TextWriter<'_, W> {
    fn item(&mut self, number: u64, offset: u64, item: &[u8]) -> Result<(), Failure> {
        self.title(&format!("item {number}: {}", byte_range(offset, item.len())))?;
        let (map, row) = (self.map, self.row);
        let mut start = 0_usize;
        // The entries that start in the current row, and the range and style of the last entry before the row.
        let mut pending: Vec<Entry<'_>> = Vec::new();
        let mut above: Option<(Range<usize>, Style)> = None;
        map.visit(row, &mut |entry| {
            while entry.range.start >= start.saturating_add(row) && start < item.len() {
                self.row(offset, item, start, &mut above, &pending)?;
                self.entries(offset, item, &mut pending)?;
                start = start.saturating_add(row);
            }
            pending.push(entry);
            Ok(())
        })?;
        while start < item.len() {
            self.row(offset, item, start, &mut above, &pending)?;
            self.entries(offset, item, &mut pending)?;
            start = start.saturating_add(row);
        }
        // A field of 0 bytes can be at the end of the item, where a row without bytes starts.
        self.entries(offset, item, &mut pending)
    }

    fn rest(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        let (size, len) = (plural(to_u64(self.map.size()), "byte"), plural(to_u64(bytes.len()), "byte"));
        self.title(&format!("{}: {len}, less than an item of {size}", byte_range(offset, bytes.len())))?;
        for start in (0..bytes.len()).step_by(self.row) {
            self.row(offset, bytes, start, &mut None, &[])?;
        }
        Ok(())
    }

    fn difference(&mut self, number: u64, offset: u64, items: [&[u8]; 2]) -> Result<(), Failure> {
        let [first, second] = items;
        self.title(&format!("item {number}: {}", byte_range(offset, first.len())))?;
        self.different_rows(offset, items)?;
        self.map.visit(self.row, &mut |entry| {
            if entry.bytes(first) == entry.bytes(second) {
                return Ok(());
            }
            let values = entry.values([first, second])?;
            self.entry(offset, &entry, &values)
        })
    }

    fn different_rest(&mut self, offset: u64, rests: [&[u8]; 2]) -> Result<(), Failure> {
        let [first, second] = rests.map(<[u8]>::len);
        let len = first.min(second);
        let size = plural(to_u64(self.map.size()), "byte");
        self.title(&format!("{}: less than an item of {size}", byte_range(offset, len)))?;
        self.different_rows(offset, rests)
    }

    fn legend(&mut self, names: [&str; 2]) -> Result<(), Failure> {
        for (sign, name) in ["-", "+"].into_iter().zip(names) {
            for line in wrapped(&format!("{sign} {name}"), self.width.max(1)) {
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(writeln!(self.out)?)
    }

    fn note(&mut self, line: &str) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_empty) {
            writeln!(self.out)?;
        }
        for line in textwrap::wrap(line, self.width.max(1)) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.flush()
    }
}

impl Entry<'_> {
    /// Returns (sign, text) for the value of this entry in each of the two `items`. The bytes of the entry must differ.
    /// The signs are `- ` and `+ `. If the texts are equal, returns one text with an empty sign. The text of padding is
    /// its bytes.
    pub(super) fn values(&self, items: [&[u8]; 2]) -> Result<Vec<(&'static str, String)>, Failure> {
        let [first, second] = items;
        let [text, other] = match self.kind {
            EntryKind::Padding(_) => [bytes_text(self.bytes(first)), bytes_text(self.bytes(second))],
            EntryKind::Value { .. } => [self.text(first)?, self.text(second)?],
        };
        if text == other {
            return Ok(vec![("", format!("{text} in both, from different bytes"))]);
        }
        let [text, other] = cut_before_difference(text, other);
        Ok(vec![("- ", text), ("+ ", other)])
    }
}

/// Returns the style of the line and of the bytes of `entry`.
fn style_of(entry: &Entry<'_>) -> Style {
    match entry.kind {
        EntryKind::Value { number, .. } => palette::field(number),
        EntryKind::Padding(_) => PADDING,
    }
}

/// Returns the text for the `len` bytes from `start` on: `4-7`, `4`, or `none` if `len` is 0.
pub(super) fn range_text(start: u64, len: usize) -> String {
    match to_u64(len).checked_sub(1) {
        None => "none".to_owned(),
        Some(0) => start.to_string(),
        Some(more) => format!("{start}-{}", start.saturating_add(more)),
    }
}

/// Returns the text for the `len` bytes from `start` on, with hexadecimal offsets: `bytes 16-19 (0x10-0x13)`.
pub(super) fn byte_range(start: u64, len: usize) -> String {
    let noun = if len == 1 { "byte" } else { "bytes" };
    let range = range_text(start, len);
    match to_u64(len).checked_sub(1) {
        Some(0) => format!("{noun} {range} ({start:#x})"),
        Some(more) => format!("{noun} {range} ({start:#x}-{:#x})", start.saturating_add(more)),
        None => format!("{noun} {range}"),
    }
}

/// Returns `bytes` in hexadecimal. If there are more than [`LONGEST_ROW`] bytes, returns only the first
/// [`LONGEST_ROW`].
fn bytes_text(bytes: &[u8]) -> String {
    let hex: Vec<String> = bytes.iter().take(LONGEST_ROW).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > LONGEST_ROW { " \u{2026}" } else { "" };
    hex.join(" ") + more
}

/// Returns the character for `byte`, or a dot if `byte` is not printable ASCII.
pub(super) fn printable(byte: u8) -> char {
    if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' }
}

/// Returns the spaces before the byte with the index `column` in a row.
fn separator(column: usize) -> &'static str {
    match column {
        0 => "",
        HALF_ROW => "  ",
        _ => " ",
    }
}

/// Returns the width in terminal columns of `len` bytes in hexadecimal, with the spaces between the bytes.
fn hex_width(len: usize) -> usize {
    let gap = usize::from(len > HALF_ROW);
    len.saturating_mul(3).saturating_sub(1).saturating_add(gap)
}

/// Returns the width of a row of `len` bytes, in terminal columns. `offset_width` is the width of the offset at the
/// start of the row.
fn row_width(offset_width: usize, len: usize) -> usize {
    // Two spaces before the bytes, and two spaces and two bars around the characters.
    offset_width.saturating_add(hex_width(len)).saturating_add(len).saturating_add(6)
}

/// Divides `bytes` into chunks of bytes with the same style. `styles` has the style of each byte. Returns (index of the
/// first byte, style, bytes) for each chunk.
fn same_style<'b>(bytes: &'b [u8], styles: &[Style]) -> Vec<(usize, Style, &'b [u8])> {
    let mut chunks = Vec::new();
    let mut start = 0;
    while let Some(style) = styles.get(start).filter(|_| start < bytes.len()) {
        let len = styles.iter().skip(start).take_while(|other| *other == style).count();
        let end = start.saturating_add(len).min(bytes.len());
        // `start` is less than the length of `bytes`, so the default is never used.
        chunks.push((start, *style, bytes.get(start..end).unwrap_or_default()));
        start = end;
    }
    chunks
}

/// Returns the length in bytes of the longest prefix of `text` that is at most `width` terminal columns wide.
fn fitting(text: &str, width: usize) -> usize {
    let mut used = 0_usize;
    let fits = |(_, character): &(usize, char)| {
        // The default is never used: only control characters have no width, and `text` has none, because they are
        // escaped.
        used = used.saturating_add(character.width().unwrap_or(0));
        used <= width
    };
    let last = text.char_indices().take_while(fits).last();
    last.map_or(0, |(start, character)| start.saturating_add(character.len_utf8()))
}

/// Divides `text` into lines of at most `width` columns. A line has at least one character.
fn wrapped(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (line, after) = rest.split_at_checked(fitting(rest, width).max(first)).unwrap_or((rest, ""));
        lines.push(line);
        if after.is_empty() {
            return lines;
        }
        rest = after;
    }
}

/// Returns the part of `text` that starts at byte `start` and is at most `width` terminal columns wide. An ellipsis
/// replaces the text before the part. An ellipsis and the number of omitted characters replace the text after the
/// part.
pub(super) fn cut(text: &str, start: usize, width: usize) -> String {
    let before = if start > 0 { "\u{2026}" } else { "" };
    let text = text.get(start..).unwrap_or(text);
    let (text, rest) = text.split_at_checked(fitting(text, width)).unwrap_or((text, ""));
    // A byte of the field can be several characters of the text, such as `\xff`.
    match rest.chars().count() {
        0 => format!("{before}{text}"),
        left => format!("{before}{text}\u{2026} and {}", plural(to_u64(left), "more character")),
    }
}

/// Cuts `first` and `second` to at most [`LONGEST_VALUE`] columns each. The first difference stays in each text.
fn cut_before_difference(first: String, second: String) -> [String; 2] {
    let same = first.char_indices().zip(second.chars()).find(|((_, character), other)| character != other);
    let start = same.map_or_else(|| first.len().min(second.len()), |((start, _), _)| start);
    // The first difference is at `start`. Each result also has some characters before the difference, for context.
    let context = LONGEST_VALUE >> 1_u32;
    // Byte 0 is always a boundary, so the default is never used.
    let boundary = |start: usize| (0..=start).rev().find(|start| first.is_char_boundary(*start)).unwrap_or(0);
    let start = if start <= context { 0 } else { boundary(start.saturating_sub(16)) };
    [cut(&first, start, LONGEST_VALUE), cut(&second, start, LONGEST_VALUE)]
}
