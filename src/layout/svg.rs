//! [`Picture::svg`]: the picture of a layout as an SVG element, for notebooks and documents.
//!
//! All lengths and positions are in pixels, except where a comment states another unit.

use alloc::format;
use alloc::string::{String, ToString};

use super::picture::{BitCell, CellStyle, CellText, Picture, Piece};

/// The width of one byte in a rectangle, in pixels.
const CELL: usize = 36;
/// The height of one line of rectangles.
const HEIGHT: usize = 26;
/// The vertical distance between two rows of bytes.
const GAP: usize = 8;
/// The width of the column of offsets at the left edge.
const MARGIN: usize = 56;
/// The width of one character of the monospaced font, in tenths of a pixel.
const ADVANCE: usize = 73;

/// The number of different colours of fields.
const COLOURS: usize = 6;

/// The colours of consecutive fields. The field with the number [`COLOURS`] has the first colour again. Dark text is
/// readable on these colours, both on a light page and on a dark page.
const FIELDS: [&str; COLOURS] = ["#bfe3f2", "#c9e7c0", "#ead0ec", "#f6e3b0", "#cfd5f5", "#f6cfc4"];

impl Picture {
    /// Draws the picture as an SVG element, and returns the text of the element.
    ///
    /// Each field is a rectangle. Padding is a rectangle with a dashed border. Each byte with bit-fields has a row of
    /// its own under a ruler of bits. The tooltip of a rectangle shows the type and the offsets.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Picture};
    /// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let svg = Picture::new(&layout).svg();
    /// assert!(svg.contains("<title>b: int32, bytes 4 to 7</title>"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn svg(&self) -> String {
        let mut columns = self.row().min(self.drawn_bytes());
        let mut body = String::new();
        for byte in 0..columns {
            body.push_str(&text(left(byte).saturating_add(CELL / 2), 14, "middle", "#808080", &byte.to_string()));
        }
        let mut y = 20_usize;
        let mut last = None;
        for line in self.lines() {
            if last != Some(line.start) {
                if last.is_some() {
                    y = y.saturating_add(GAP);
                }
                let start = line.start.to_string();
                body.push_str(&text(MARGIN.saturating_sub(8), y.saturating_add(17), "end", "#808080", &start));
                last = Some(line.start);
            }
            for piece in &line.pieces {
                body.push_str(&rectangle(piece, y));
            }
            y = y.saturating_add(HEIGHT);
        }
        if self.drawn_bytes() == 0 {
            body.push_str(&text(MARGIN, 14, "start", "#808080", "(no bytes)"));
        }
        let bit_lines = self.bit_lines();
        if !bit_lines.is_empty() {
            columns = columns.max(8);
            y = y.saturating_add(GAP);
            body.push_str(&text(MARGIN.saturating_sub(8), y.saturating_add(14), "end", "#808080", "bit"));
            for bit in 0..8_usize {
                let x = left(7_usize.saturating_sub(bit)).saturating_add(CELL / 2);
                body.push_str(&text(x, y.saturating_add(14), "middle", "#808080", &bit.to_string()));
            }
            y = y.saturating_add(20);
        }
        for line in bit_lines {
            if line.is_first {
                let byte = line.byte.to_string();
                body.push_str(&text(MARGIN.saturating_sub(8), y.saturating_add(17), "end", "#808080", &byte));
            }
            for cell in line.cells {
                body.push_str(&bit_rectangle(cell, y));
            }
            y = y.saturating_add(HEIGHT);
        }
        let hidden = (self.omitted_bytes() > 0).then(|| format!("{} more bytes", self.omitted_bytes()));
        let cut = self.omits_fields().then(|| "more fields that share these bytes".to_string());
        for note in hidden.into_iter().chain(cut) {
            body.push_str(&text(MARGIN, y.saturating_add(18), "start", "#808080", &note));
            y = y.saturating_add(HEIGHT);
        }
        let (width, height) = (left(columns.max(1)).saturating_add(2).max(140), y.saturating_add(2));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"12\">{body}</svg>"
        )
    }
}

/// Returns the horizontal position of the left edge of a byte, in pixels. `byte` is the number of the byte in its row,
/// from 0.
fn left(byte: usize) -> usize {
    byte.saturating_mul(CELL).saturating_add(MARGIN)
}

/// Returns the SVG element of `piece`, the bytes of a field or of padding in one row. `y` is the vertical position of the
/// top edge of the rectangle.
fn rectangle(piece: &Piece<'_>, y: usize) -> String {
    let last = piece.offset.saturating_add(piece.size).saturating_sub(1);
    let place = if piece.size == 1 { format!("byte {last}") } else { format!("bytes {} to {last}", piece.offset) };
    let note = if piece.description.is_empty() { "padding" } else { piece.description };
    cell(piece.column, piece.len, y, piece.style, &format!("{note}, {place}"), piece.text)
}

/// Returns the SVG element of `bits`, the bits of a bit-field in one byte. `y` is the vertical position of the top edge
/// of the rectangle.
fn bit_rectangle(bits: &BitCell, y: usize) -> String {
    let title = format!("{}, byte {}", bits.description, bits.byte);
    cell(7_usize.saturating_sub(bits.high()), bits.len(), y, bits.style, &title, &bits.text)
}

/// Returns an SVG element: a rectangle with the tooltip `title` and the text `label`. The rectangle starts at the column
/// `column` and is `len` columns wide. `y` is the vertical position of the top edge of the rectangle.
fn cell(column: usize, len: usize, y: usize, style: CellStyle, title: &str, label: &CellText) -> String {
    let (x, width) = (left(column), len.saturating_mul(CELL));
    let (fill, stroke) = match style {
        CellStyle::Padding => ("none", " stroke-dasharray=\"3 3\""),
        // The default is never used, because the remainder is less than the length of `FIELDS`.
        CellStyle::Field(index) => (FIELDS.get(index % COLOURS).copied().unwrap_or_default(), ""),
    };
    let mut out = format!(
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" \
         fill=\"{fill}\" stroke=\"#808080\"{stroke}/>",
        escape_xml(title)
    );
    let label = label.fit(width.saturating_sub(8).saturating_mul(10) / ADVANCE);
    if !label.is_empty() {
        out.push_str(&text(x.saturating_add(5), y.saturating_add(17), "start", "#202020", &label));
    }
    out.push_str("</g>");
    out
}

/// Returns an SVG element that shows `text` in the colour `fill`. `anchor` is `start`, `middle` or `end`, and `x` is
/// the horizontal position of this part of the text. `y` is the vertical position of the baseline.
fn text(x: usize, y: usize, anchor: &str, fill: &str, text: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{}</text>", escape_xml(text))
}

/// Returns `text` with XML escapes. Replaces each character that XML does not permit with U+FFFD.
fn escape_xml(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}
