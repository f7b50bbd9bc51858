//! A format explained to a person: in a terminal, in a notebook.

use std::fmt::Write as _;

use super::format::Format;
use pep3118::__private::escape;
use pep3118::layout::{CellStyle, Certainty, Interpretation, Layout, Picture, Table};

/// The page that `pep3118 explain` prints.
pub(super) fn page(format: &Format, width: Option<usize>, color: bool) -> String {
    let bold = |text: &str| if color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let mut page = String::new();
    if let Some(text) = format.spelling() {
        page.push_str(&format!("{}   {}\n", bold("format"), escape(&text)));
    }
    let layout = format.layout();
    page.push_str(&format!("{}  {}\n", bold("reading"), reading(format)));
    page.push_str(&format!("{}     {}\n\n", bold("size"), size(layout)));
    drawing(&mut page, layout, width, color);
    for Interpretation { dialect, layout: alternative, .. } in format.other_interpretations() {
        page.push_str(&format!("\n{}, by dialect {dialect}, {}:\n\n", bold("or else"), bytes(alternative.size())));
        drawing(&mut page, alternative, width, color);
    }
    page
}

fn drawing(page: &mut String, layout: &Layout, width: Option<usize>, color: bool) {
    let paint = |ink: CellStyle, text: &str| match ink {
        _ if !color => text.to_owned(),
        CellStyle::Padding => format!("\x1b[2m{text}\x1b[0m"),
        CellStyle::Field(index) => {
            let sgr = [36, 32, 35, 33, 94].get(index.checked_rem(5).unwrap_or(0)).copied().unwrap_or(39);
            format!("\x1b[{sgr}m{text}\x1b[0m")
        }
    };
    let mut picture = Picture::new(layout);
    if let Some(width) = width {
        picture = picture.within(width);
    }
    // Writing to a string cannot fail.
    let _ = write!(page, "{}\n{}", Table::new(layout), picture.render(paint));
}

/// By whom, for which machine, how surely.
fn reading(format: &Format) -> String {
    let (dialect, certainty, trailing_padding) = format.reading();
    let certainty = match certainty {
        Some(Certainty::TrailingPadding) => format!("{} at the end not stated", bytes(trailing_padding)),
        Some(Certainty::Inferred) => "distances in arrays inferred".to_owned(),
        Some(Certainty::Exact) => Certainty::Exact.to_string(),
        None => "ambiguous".to_owned(),
    };
    format!("{dialect}, {} ({}-endian), {certainty}", format.model_name(), format.layout().model().endian)
}

fn size(layout: &Layout) -> String {
    let align = layout.align().bytes();
    let aligned = if align > 1 { format!(", aligned to {align}") } else { String::new() };
    format!("{}{aligned}", bytes(layout.size()))
}

fn bytes(count: u64) -> String {
    pep3118::__private::plural(count, "byte")
}

/// The picture alone.
pub(super) fn svg(format: &Format) -> String {
    Picture::new(format.layout()).svg()
}

/// The picture with what it is a picture of. Where it is wider than the page, it is moved, not shrunk: its words
/// would be too small to read.
pub(super) fn html(format: &Format) -> String {
    let mut out = String::from("<div>");
    let mut part = |head: &str, layout: &Layout| {
        out.push_str(&format!("<p>{head}</p><div style=\"overflow-x: auto\">{}</div>", Picture::new(layout).svg()));
    };
    let text = format.spelling().map_or_else(String::new, |text| {
        format!("<code style=\"overflow-wrap: anywhere\">{}</code><br/>", markup(&escape(&text)))
    });
    part(&format!("{text}{}, {}", size(format.layout()), markup(&reading(format))), format.layout());
    for Interpretation { dialect, layout: alternative, .. } in format.other_interpretations() {
        part(&format!("or else, by dialect {dialect}, {}", size(alternative)), alternative);
    }
    out.push_str("</div>");
    out
}

/// Text as HTML.
fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
