//! The HTML output: one page without scripts and without references to other files.
//!
//! An element of the class `f` contains the bytes and the description of one field. The children of this element
//! are placed in the grid of the item, so that one CSS rule for `.f:hover` highlights all of them.

use std::io::Write;

use pep3118::__private::plural;

use super::fields::{Entry, EntryKind, ItemMap};
use super::text::{LONGEST_VALUE, byte_range, cut, printable, range_text};
use crate::failure::Failure;
use crate::input::to_u64;
use crate::palette::FIELD_COLOURS;

/// The number of bytes in a row.
const ROW: usize = 16;
/// The column of the grid with the first byte of a row in hexadecimal.
const HEX: usize = 2;
/// The column of the grid with the first byte of a row as a character. One column is empty after 8 bytes in
/// hexadecimal, and one column after 16 bytes.
const CHARACTERS: usize = 20;
/// The column of the grid with the range of a field. The next four columns have the offset in the item, the name, the
/// type and the value.
const DESCRIPTION: usize = 37;

/// The style sheet of the page. The class `g` is the grid of an item, whose columns have the numbers above.
const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#6a737d;--hl:#fff3b0;\
--c0:#0b6e75;--c1:#22672e;--c2:#8a2a8a;--c3:#7a5200;--c4:#1f4fbf}\
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e6e6;--dim:#8b949e;--hl:#4a4420;\
--c0:#5fd7e0;--c1:#7fd98b;--c2:#e39be3;--c3:#e5c07b;--c4:#8ab4ff}}\
body{background:var(--bg);color:var(--fg);font:14px/1.5 ui-monospace,monospace;margin:1.5em;overflow-x:auto}\
h1,h2{font-size:1em;margin:1.2em 0 .4em;overflow-wrap:anywhere}\
.g{display:grid;width:max-content;\
grid-template-columns:minmax(8ch,max-content) repeat(8,3ch) 1ch repeat(8,3ch) 1ch repeat(16,1ch) 1ch \
repeat(4,minmax(6ch,max-content)) minmax(12ch,60ch)}\
.g>*,.f>*{white-space:pre}.g b,.g i{font:inherit;text-align:right}.f{display:contents}\
.d{padding-left:2ch}.v{overflow-wrap:anywhere;white-space:pre-wrap!important}.o,.p{color:var(--dim)}.o{text-align:right}\
.f:hover>*,.f:focus-within>*{background:var(--hl)}\
.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}";

/// Writes items as a page of HTML.
pub(super) struct HtmlWriter<'m, W: Write> {
    map: &'m ItemMap,
    out: W,
}

/// The position of a row of bytes in the grid of an item.
#[derive(Clone, Copy)]
struct GridRow {
    /// The index in the item of the first byte of the row.
    start: usize,
    /// The number of the line of the grid that has the bytes.
    line: usize,
    /// The number of fields that start in this row. Each field has a line of the grid.
    fields: usize,
}

impl GridRow {
    /// Returns the row after this row.
    fn next(self) -> Self {
        let line = self.line.saturating_add(self.fields.max(1));
        Self { start: self.start.saturating_add(ROW), line, fields: 0 }
    }
}

impl<'m, W: Write> HtmlWriter<'m, W> {
    /// Creates a writer for items of `map`, and writes the start of the page. `title` is the title of the page.
    pub(super) fn new(map: &'m ItemMap, title: &str, mut out: W) -> Result<Self, Failure> {
        let title = html(title);
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
        // The page needs no scripts and no other files. The policy stops both, even if an escape were missing.
        let policy = "script-src 'none'; connect-src 'none'; img-src 'none'; font-src 'none'; frame-src 'none'";
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
        writeln!(out, "<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>")?;
        Ok(Self { map, out })
    }

    /// Writes the item with the number `number`. `offset` is the offset in the input of the first byte of `item`.
    pub(super) fn item(&mut self, number: u64, offset: u64, item: &[u8]) -> Result<(), Failure> {
        writeln!(self.out, "<h2>item {number}: {}</h2>\n<div class=\"g\">", byte_range(offset, item.len()))?;
        let mut row = GridRow { start: 0, line: 1, fields: 0 };
        self.row_offset(offset, row)?;
        let map = self.map;
        map.visit(ROW, &mut |entry| {
            while entry.range.start >= row.start.saturating_add(ROW) && row.start.saturating_add(ROW) < item.len() {
                row = row.next();
                self.row_offset(offset, row)?;
            }
            let line = row.line.saturating_add(row.fields);
            row.fields = row.fields.saturating_add(1);
            let class = match entry.kind {
                EntryKind::Value { number, .. } => format!("c{}", number.checked_rem(FIELD_COLOURS).unwrap_or(0)),
                EntryKind::Padding(_) => "p".to_owned(),
            };
            write!(self.out, "<div class=\"f {class}\">")?;
            for index in entry.range.clone() {
                if index >= row.start.saturating_add(ROW) {
                    row = row.next();
                    self.row_offset(offset, row)?;
                }
                self.byte(row, index, item)?;
            }
            self.description(offset, item, &entry, line)?;
            Ok(writeln!(self.out, "</div>")?)
        })?;
        Ok(writeln!(self.out, "</div>")?)
    }

    /// Writes `bytes`, the rest of the input, which is shorter than an item. `offset` is the offset of the rest.
    pub(super) fn rest(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        let (size, len) = (plural(to_u64(self.map.size()), "byte"), plural(to_u64(bytes.len()), "byte"));
        let range = byte_range(offset, bytes.len());
        writeln!(self.out, "<h2>{range}: {len}, less than an item of {size}</h2>\n<div class=\"g\">")?;
        let mut row = GridRow { start: 0, line: 1, fields: 0 };
        self.row_offset(offset, row)?;
        for index in 0..bytes.len() {
            if index >= row.start.saturating_add(ROW) {
                row = row.next();
                self.row_offset(offset, row)?;
            }
            self.byte(row, index, bytes)?;
        }
        Ok(writeln!(self.out, "</div>")?)
    }

    /// Writes the end of the page.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        writeln!(self.out, "</body>\n</html>")?;
        Ok(self.out.flush()?)
    }

    /// Writes the offset of `row`. `offset` is the offset of the item in the input.
    fn row_offset(&mut self, offset: u64, row: GridRow) -> Result<(), Failure> {
        let start = offset.saturating_add(to_u64(row.start));
        Ok(write!(self.out, "<span class=\"o\" style=\"grid-area:{}/1\">{start}</span>", row.line)?)
    }

    /// Writes the byte of `item` at `index`, which is in `row`, in hexadecimal and as a character.
    fn byte(&mut self, row: GridRow, index: usize, item: &[u8]) -> Result<(), Failure> {
        let Some(byte) = item.get(index) else { return Err(Failure::internal("an entry is outside of its item")) };
        let (line, column) = (row.line, index.saturating_sub(row.start));
        let hex = column.saturating_add(HEX).saturating_add(usize::from(column >= ROW >> 1_u32));
        let (text, place) = (html(&printable(*byte).to_string()), column.saturating_add(CHARACTERS));
        write!(self.out, "<b style=\"grid-area:{line}/{hex}\">{byte:02x}</b>")?;
        Ok(write!(self.out, "<i style=\"grid-area:{line}/{place}\">{text}</i>")?)
    }

    /// Writes the cells that describe `entry` in the line `line` of the grid. `offset` is the offset of `item` in the
    /// input.
    fn description(&mut self, offset: u64, item: &[u8], entry: &Entry<'_>, line: usize) -> Result<(), Failure> {
        let range = range_text(offset.saturating_add(to_u64(entry.range.start)), entry.range.len());
        let at = format!("+{}", entry.range.start);
        let ty = match entry.kind {
            EntryKind::Value { ty, .. } => ty,
            EntryKind::Padding(_) => "",
        };
        let text = entry.text(item)?;
        let value = cut(&text, 0, LONGEST_VALUE);
        for (column, cell) in (DESCRIPTION..).zip([&range, &at, &entry.name, ty, &value]) {
            // The first cell can have the keyboard focus, which highlights the field as a pointer does.
            let attributes = match column.saturating_sub(DESCRIPTION) {
                0 => "class=\"d\" tabindex=\"0\"",
                4 => "class=\"d v\"",
                _ => "class=\"d\"",
            };
            write!(self.out, "<span {attributes} style=\"grid-area:{line}/{column}\">{}</span>", html(cell))?;
        }
        Ok(())
    }
}

/// Escapes `text` for HTML. The caller has escaped the invisible characters.
fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}
