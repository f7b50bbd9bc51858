//! The HTML output of `hexdump`: `HtmlWriter` writes one page without scripts and without references to other files.
//!
//! An HTML element of the class `f` contains the bytes and the description of one field. The children of this element
//! are placed in the grid of the item. One CSS rule for `.f:hover` therefore highlights the bytes and the description
//! of a field together.

use std::io::Write;

use pep3118::__private::plural;

use super::ItemWriter;
use super::fields::{Entry, EntryKind, ItemMap};
use super::text::{LONGEST_VALUE, byte_range, cut, printable, range_text};
use crate::escape::markup;
use crate::failure::Failure;
use crate::palette::FIELD_COLOURS;
use pep3118::__private::to_u64;

/// The number of bytes in a row.
const ROW: usize = 16;
/// The grid column that shows the first byte of a row in hexadecimal.
const HEX: usize = 2;
/// The grid column that shows the first byte of a row as a character. The columns of the hexadecimal bytes come first,
/// with an empty column after 8 bytes and another empty column after 16 bytes.
const CHARACTERS: usize = 20;
/// The grid column that shows the byte range of a field in the file. The next four columns show the offset of the field
/// in the item, its name, its type and its value.
const DESCRIPTION: usize = 37;

/// The style sheet of the page. The CSS class `g` styles the grid of an item. The constants above are column numbers in
/// this grid.
const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#6a737d;--hl:#fff3b0;\
--c0:#0b6e75;--c1:#22672e;--c2:#8a2a8a;--c3:#7a5200;--c4:#1f4fbf}\
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e6e6;--dim:#8b949e;--hl:#4a4420;\
--c0:#5fd7e0;--c1:#7fd98b;--c2:#e39be3;--c3:#e5c07b;--c4:#8ab4ff}}\
body{background:var(--bg);color:var(--fg);font:14px/1.5 ui-monospace,monospace;margin:1.5em;overflow-x:auto}\
h1,h2{font-size:1em;margin:1.2em 0 .4em;overflow-wrap:anywhere}\
.g{display:grid;width:max-content;\
grid-template-columns:minmax(8ch,max-content) repeat(8,3ch) 1ch repeat(8,3ch) 1ch repeat(16,1ch) 1ch \
repeat(4,minmax(6ch,max-content)) fit-content(60ch)}\
.g>*,.f>*{white-space:pre}.g b,.g i{font-weight:normal;font-style:normal;text-align:right}.f{display:contents}\
.d{padding-left:2ch}.v{overflow-wrap:anywhere;white-space:pre-wrap!important}.o,.p{color:var(--dim)}.o{text-align:right}\
.f:hover>*,.f:focus-within>*{background:var(--hl)}\
.g .x{font-weight:bold;text-decoration:underline}.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}";

/// Writes items as a page of HTML. A method that returns a `Result` returns an error if writing fails, or if there is
/// no memory for a value.
pub(super) struct HtmlWriter<'m, W: Write> {
    map: &'m ItemMap,
    out: W,
}

/// The position of a row of bytes in the grid of an item.
#[derive(Clone, Copy)]
struct GridRow {
    /// The offset in the item of the first byte of the row.
    start: usize,
    /// The number of the grid line at which this row of bytes starts, counted from 1.
    line: usize,
    /// The number of files: 1, or 2 for a difference. Each file has a grid line of bytes in this row.
    files: usize,
    /// The number of grid lines that describe the fields of this row.
    lines_of_fields: usize,
}

impl GridRow {
    /// Returns the first row of bytes of an item. `files` is the number of files.
    fn first(files: usize) -> Self {
        Self { start: 0, line: 1, files, lines_of_fields: 0 }
    }

    /// Returns the offset in the item after the last byte of a complete row.
    fn end(self) -> usize {
        self.start.saturating_add(ROW)
    }

    /// Returns the next row of bytes, below all grid lines of this row.
    fn next(self) -> Self {
        let line = self.line.saturating_add(self.lines_of_fields.max(self.files));
        Self { start: self.end(), line, lines_of_fields: 0, ..self }
    }
}

impl<'m, W: Write> HtmlWriter<'m, W> {
    /// Creates a writer of items of `map` to `out`, and writes the start of the page. `title` is the title of the page.
    /// Returns an error if writing fails.
    pub(super) fn new(map: &'m ItemMap, title: &str, mut out: W) -> Result<Self, Failure> {
        let title = markup(title);
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
        // The page needs no scripts and no other files. If a text is not escaped by mistake, the policy still blocks
        // scripts and other files.
        let policy = "script-src 'none'; connect-src 'none'; img-src 'none'; font-src 'none'; frame-src 'none'";
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
        writeln!(out, "<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>")?;
        Ok(Self { map, out })
    }

    /// Writes the grid of an item. `items` has the bytes of the item in each file: one entry, or two entries for a
    /// difference. `offset` is the offset of the item in each file, in bytes.
    fn grid(&mut self, offset: u64, items: &[&[u8]]) -> Result<(), Failure> {
        writeln!(self.out, "<div class=\"g\">")?;
        let size = items.first().map_or(0, |item| item.len());
        let mut row = GridRow::first(items.len());
        self.row_offset(offset, row)?;
        let map = self.map;
        map.visit(ROW, &mut |entry| {
            while entry.range.start >= row.end() && row.end() < size {
                row = row.next();
                self.row_offset(offset, row)?;
            }
            // The number of colours is not 0, so the default is never used.
            let class = match entry.kind {
                EntryKind::Value { number, .. } => format!("c{}", number.checked_rem(FIELD_COLOURS).unwrap_or(0)),
                EntryKind::Padding(_) => "p".to_owned(),
            };
            write!(self.out, "<div class=\"f {class}\">")?;
            let line = row.line.saturating_add(row.lines_of_fields);
            let values = match items {
                [first, second] if entry.bytes(first) != entry.bytes(second) => entry.values([first, second])?,
                [first, ..] => vec![("", cut(&entry.text(first)?, 0, LONGEST_VALUE))],
                [] => Vec::new(),
            };
            row.lines_of_fields = row.lines_of_fields.saturating_add(values.len());
            for index in entry.range.clone() {
                if index >= row.end() {
                    row = row.next();
                    self.row_offset(offset, row)?;
                }
                self.bytes(row, index, items)?;
            }
            self.description(offset, &entry, line, &values)?;
            Ok(writeln!(self.out, "</div>")?)
        })?;
        Ok(writeln!(self.out, "</div>")?)
    }

    /// Writes the grid of the bytes after the last whole item. These bytes belong to no field. `rests` has the bytes of
    /// each file, and `offset` is their offset in each file.
    fn grid_without_fields(&mut self, offset: u64, rests: &[&[u8]]) -> Result<(), Failure> {
        writeln!(self.out, "<div class=\"g\">")?;
        let mut row = GridRow::first(rests.len());
        self.row_offset(offset, row)?;
        for index in 0..rests.first().map_or(0, |rest| rest.len()) {
            if index >= row.end() {
                row = row.next();
                self.row_offset(offset, row)?;
            }
            self.bytes(row, index, rests)?;
        }
        Ok(writeln!(self.out, "</div>")?)
    }

    /// Writes the offset of `row` in the input, once for each file. `offset` is the offset of the item in the input.
    fn row_offset(&mut self, offset: u64, row: GridRow) -> Result<(), Failure> {
        let start = offset.saturating_add(to_u64(row.start));
        let signs: &[&str] = if row.files == 2 { &["- ", "+ "] } else { &[""] };
        for (line, sign) in (row.line..).zip(signs) {
            write!(self.out, "<span class=\"o\" style=\"grid-area:{line}/1\">{sign}{start}</span>")?;
        }
        Ok(())
    }

    /// Writes the byte at the offset `index` of each item, in hexadecimal and as a character. The byte must be in
    /// `row`. A byte that differs between the items has the CSS class `x`.
    fn bytes(&mut self, row: GridRow, index: usize, items: &[&[u8]]) -> Result<(), Failure> {
        let column = index.saturating_sub(row.start);
        let hex = column.saturating_add(HEX).saturating_add(usize::from(column >= ROW >> 1_u32));
        let place = column.saturating_add(CHARACTERS);
        let bytes: Vec<u8> = items.iter().filter_map(|item| item.get(index).copied()).collect();
        let class = match bytes.as_slice() {
            [first, second] if first != second => " class=\"x\"",
            _ => "",
        };
        for (line, byte) in (row.line..).zip(bytes) {
            let text = markup(&printable(byte).to_string());
            write!(self.out, "<b{class} style=\"grid-area:{line}/{hex}\">{byte:02x}</b>")?;
            write!(self.out, "<i{class} style=\"grid-area:{line}/{place}\">{text}</i>")?;
        }
        Ok(())
    }

    /// Writes the cells that describe `entry` to the grid line `line`. `values` are the lines of the last cell, each
    /// with a sign and a text. The sign is empty if there is only one value. `offset` is the offset of the item in the
    /// input.
    fn description(
        &mut self,
        offset: u64,
        entry: &Entry<'_>,
        line: usize,
        values: &[(&str, String)],
    ) -> Result<(), Failure> {
        let range = range_text(offset.saturating_add(to_u64(entry.range.start)), entry.range.len());
        let at = format!("+{}", entry.range.start);
        let ty = match entry.kind {
            EntryKind::Value { ty, .. } => ty,
            EntryKind::Padding(_) => "",
        };
        for (column, cell) in (DESCRIPTION..).zip([&range, &at, &entry.name, ty]) {
            // The first cell can get the keyboard focus. Both the focus and the mouse pointer highlight the field.
            let focus = if column == DESCRIPTION { " tabindex=\"0\"" } else { "" };
            write!(self.out, "<span class=\"d\"{focus} style=\"grid-area:{line}/{column}\">{}</span>", markup(cell))?;
        }
        let column = DESCRIPTION.saturating_add(4);
        for (line, (sign, value)) in (line..).zip(values) {
            let value = markup(value);
            write!(self.out, "<span class=\"d v\" style=\"grid-area:{line}/{column}\">{sign}{value}</span>")?;
        }
        Ok(())
    }
}

impl<W: Write> ItemWriter for HtmlWriter<'_, W> {
    fn item(&mut self, number: u64, offset: u64, item: &[u8]) -> Result<(), Failure> {
        writeln!(self.out, "<h2>item {number}: {}</h2>", byte_range(offset, item.len()))?;
        self.grid(offset, &[item])
    }

    fn rest(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        let (size, len) = (plural(to_u64(self.map.size()), "byte"), plural(to_u64(bytes.len()), "byte"));
        writeln!(self.out, "<h2>{}: {len}, less than an item of {size}</h2>", byte_range(offset, bytes.len()))?;
        self.grid_without_fields(offset, &[bytes])
    }

    fn legend(&mut self, names: [&str; 2]) -> Result<(), Failure> {
        let [first, second] = names.map(markup);
        Ok(writeln!(self.out, "<p>- {first}<br>+ {second}</p>")?)
    }

    fn difference(&mut self, number: u64, offset: u64, items: [&[u8]; 2]) -> Result<(), Failure> {
        let [first, _] = items;
        writeln!(self.out, "<h2>item {number}: {}</h2>", byte_range(offset, first.len()))?;
        self.grid(offset, &items)
    }

    fn different_rest(&mut self, offset: u64, rests: [&[u8]; 2]) -> Result<(), Failure> {
        let [first, _] = rests;
        let size = plural(to_u64(self.map.size()), "byte");
        writeln!(self.out, "<h2>{}: less than an item of {size}</h2>", byte_range(offset, first.len()))?;
        self.grid_without_fields(offset, &rests)
    }

    fn note(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "<p>{}</p>", markup(line))?)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        writeln!(self.out, "</body>\n</html>")?;
        self.flush()
    }
}
