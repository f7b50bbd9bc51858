//! Renders a `Format` for people: tables and pictures of its interpretations as text, SVG and HTML.

use std::fmt::Write as _;

use super::format::Format;
use pep3118::__private::{escape, plural};
use pep3118::layout::{CellStyle, Certainty, Interpretation, Layout, Picture, Table};

/// Returns the text that `pep3118 explain` prints: a table and a picture of each interpretation of `format`. `width` is
/// the maximum width of a picture in characters; with `None`, a row of a picture has 16 bytes. If `color` is `true`,
/// the text contains ANSI colours.
pub(super) fn text(format: &Format, width: Option<usize>, color: bool) -> String {
    let bold = |text: &str| if color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let mut text = String::new();
    if let Some(format) = format.spelling() {
        text.push_str(&format!("{}   {}\n", bold("format"), escape(&format)));
    }
    let layout = format.layout();
    text.push_str(&format!("{}  {}\n", bold("dialect"), interpretation(format)));
    text.push_str(&format!("{}     {}\n\n", bold("size"), size(layout)));
    draw(&mut text, layout, width, color);
    for Interpretation { dialect, layout, .. } in format.other_interpretations() {
        text.push_str(&format!("\n{}: dialect {dialect}, {}\n\n", bold("alternative"), plural(layout.size(), "byte")));
        draw(&mut text, layout, width, color);
    }
    text
}

/// Appends the table and the picture of `layout` to `text`. `width` and `color` have the same meaning as in
/// [`text`](self::text).
fn draw(text: &mut String, layout: &Layout, width: Option<usize>, color: bool) {
    /// The ANSI colour codes of fields; adjacent fields have different colours. Dark blue (34) is left out, because
    /// it is hard to read on a black background.
    const FIELDS: [u8; 5] = [36, 32, 35, 33, 94];
    let paint = |style: CellStyle, text: &str| {
        let code = match style {
            // The remainder is always an index of `FIELDS`, so 39, the terminal's default colour, is never used.
            CellStyle::Field(index) => {
                index.checked_rem(FIELDS.len()).and_then(|index| FIELDS.get(index)).copied().unwrap_or(39)
            }
            // All other cells belong to no field, such as padding.
            _ => 2,
        };
        if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut picture = Picture::new(layout);
    if let Some(width) = width {
        picture = picture.within(width);
    }
    // A write to a `String` cannot fail.
    let _ = write!(text, "{}\n{}", Table::new(layout), picture.render(paint));
}

/// Returns the name of the dialect, the data model and the certainty of `format`, such as `numpy, lp64 (little-endian),
/// exact`.
fn interpretation(format: &Format) -> String {
    let (dialect, certainty, trailing_padding) = format.interpretation();
    let certainty = match certainty {
        Some(Certainty::TrailingPadding) => {
            format!("{} of implicit trailing padding", plural(trailing_padding, "byte"))
        }
        Some(Certainty::Inferred) => "element strides inferred".to_owned(),
        Some(other) => other.to_string(),
        None => "ambiguous".to_owned(),
    };
    let model = escape(format.model_name());
    format!("{dialect}, {model} ({}-endian), {certainty}", format.layout().model().endian)
}

/// Returns the size and the alignment of an item of `layout`, such as `8 bytes, aligned to 4`.
fn size(layout: &Layout) -> String {
    let align = layout.align().bytes();
    let aligned = if align > 1 { format!(", aligned to {align}") } else { String::new() };
    format!("{}{aligned}", plural(layout.size(), "byte"))
}

/// Returns the picture of `format` as SVG. If `format` is ambiguous, shows the first interpretation.
pub(super) fn svg(format: &Format) -> String {
    Picture::new(format.layout()).svg()
}

/// Returns the pictures of all interpretations of `format` as HTML, with captions. A picture that is wider than the
/// page gets a scroll bar. If the picture were scaled to the page, the text would be too small to read.
pub(super) fn html(format: &Format) -> String {
    let mut html = String::from("<div>");
    let mut draw = |caption: &str, layout: &Layout| {
        let picture = Picture::new(layout).svg();
        html.push_str(&format!("<p>{caption}</p><div style=\"overflow-x: auto\">{picture}</div>"));
    };
    let text = format.spelling().map_or_else(String::new, |text| {
        format!("<code style=\"overflow-wrap: anywhere\">{}</code><br/>", escape_html(&escape(&text)))
    });
    let caption = format!("{text}{}, {}", size(format.layout()), escape_html(&interpretation(format)));
    draw(&caption, format.layout());
    for Interpretation { dialect, layout, .. } in format.other_interpretations() {
        draw(&format!("alternative: dialect {dialect}, {}", size(layout)), layout);
    }
    html.push_str("</div>");
    html
}

/// Returns `text` with the characters that have a meaning in HTML text replaced: `&`, `<` and `>`.
pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
