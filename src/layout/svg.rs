//! The picture of a layout as SVG, for notebooks and documents.

use alloc::format;
use alloc::string::{String, ToString};

use super::picture::{CellStyle, Picture, Run};

/// One byte, in pixels.
const CELL: u64 = 36;
const HEIGHT: u64 = 26;
/// Between two rows.
const GAP: u64 = 8;
/// Left of the bytes, where the offsets stand.
const MARGIN: u64 = 56;
/// One character of a label in the monospaced face, in tenths of a pixel.
const ADVANCE: u64 = 73;

/// Background and text of fields in turn: dark on pale, so that they read on any page.
const FIELDS: [&str; 6] = ["#bfe3f2", "#c9e7c0", "#ead0ec", "#f6e3b0", "#cfd5f5", "#f6cfc4"];

impl Picture {
    /// The picture as an SVG element: a rectangle a field, dashed where there is padding, with type
    /// and offsets as its tooltip.
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
        let columns = self.row().min(self.shown()).max(1);
        let mut body = String::new();
        for byte in 0..self.row().min(self.shown()) {
            let x = left(byte).saturating_add(CELL / 2);
            body.push_str(&text(x, 14, "middle", "#808080", &byte.to_string()));
        }
        let mut y = 20_u64;
        let mut last = None;
        for line in self.lines() {
            if last != Some(line.start) {
                if last.is_some() {
                    y = y.saturating_add(GAP);
                }
                body.push_str(&text(
                    MARGIN.saturating_sub(8),
                    y.saturating_add(17),
                    "end",
                    "#808080",
                    &line.start.to_string(),
                ));
                last = Some(line.start);
            }
            for run in &line.runs {
                body.push_str(&rectangle(run, run.start.saturating_sub(line.start), y));
            }
            y = y.saturating_add(HEIGHT);
        }
        if self.shown() == 0 {
            body.push_str(&text(MARGIN, 14, "start", "#808080", "(no bytes)"));
        }
        if self.size() > self.shown() {
            let more = format!("{} more bytes", self.size().saturating_sub(self.shown()));
            body.push_str(&text(MARGIN, y.saturating_add(18), "start", "#808080", &more));
            y = y.saturating_add(HEIGHT);
        }
        if self.is_cut() {
            body.push_str(&text(
                MARGIN,
                y.saturating_add(18),
                "start",
                "#808080",
                "more fields that share these bytes",
            ));
            y = y.saturating_add(HEIGHT);
        }
        let (width, height) = (left(columns).saturating_add(2), y.saturating_add(2));
        let width = width.max(140);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"12\">{body}</svg>"
        )
    }
}

fn left(byte: u64) -> u64 {
    byte.saturating_mul(CELL).saturating_add(MARGIN)
}

fn rectangle(run: &Run<'_>, column: u64, y: u64) -> String {
    let (x, width) = (left(column), run.bytes.saturating_mul(CELL));
    let (fill, stroke) = match run.ink {
        CellStyle::Padding => ("none", " stroke-dasharray=\"3 3\""),
        CellStyle::Field(index) => {
            (index.checked_rem(FIELDS.len()).and_then(|index| FIELDS.get(index)).copied().unwrap_or("none"), "")
        }
    };
    let last = run.offset.saturating_add(run.size).saturating_sub(1);
    let place = if run.size == 1 { format!("byte {last}") } else { format!("bytes {} to {last}", run.offset) };
    let note = if run.note.is_empty() { "padding" } else { run.note };
    let mut out = format!(
        "<g><title>{}, {place}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" \
         fill=\"{fill}\" stroke=\"#808080\"{stroke}/>",
        markup(note)
    );
    let label = run.label.fit(room(width.saturating_sub(8)));
    if !label.is_empty() {
        out.push_str(&text(x.saturating_add(5), y.saturating_add(17), "start", "#202020", &label));
    }
    out.push_str("</g>");
    out
}

fn text(x: u64, y: u64, anchor: &str, fill: &str, text: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{}</text>", markup(text))
}

/// Characters of a label in so many pixels.
fn room(width: u64) -> usize {
    usize::try_from(width.saturating_mul(10).checked_div(ADVANCE).unwrap_or(0)).unwrap_or(0)
}

/// Text in XML, without the characters that XML does not have.
fn markup(text: &str) -> String {
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
