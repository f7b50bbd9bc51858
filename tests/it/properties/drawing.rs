//! Properties of messages, tables and pictures: they contain no harmful characters and no overlong lines.

use pep3118::{DataModel, Dialect, Layout, LayoutError, Picture, Table, reconcile};

/// The maximum number of characters in a line of a message or picture.
const WIDEST: usize = 400;

/// Asserts that `text` has no control, bidirectional, zero-width or separator character, and no line of more than
/// `widest` characters.
pub fn assert_plain(text: &str, widest: usize) {
    let harmful = |char: char| match char {
        '\n' => false,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => char.is_control(),
    };
    assert!(!text.contains(harmful), "{text:?}");
    for line in text.lines() {
        assert!(line.chars().count() <= widest, "{line}");
    }
}

/// Applies [`assert_plain`] to the messages of `error`, and asserts that the message with colours has the same text.
/// Also checks that the span of the error is inside of the format `source`.
fn assert_plain_error(source: &[u8], error: &LayoutError) {
    let (line, picture) = (error.to_string(), format!("{error:#}"));
    assert!(!line.contains('\n'), "{line:?}");
    assert_plain(&line, WIDEST);
    assert_plain(&picture, WIDEST);
    let span = error.span();
    assert!(span.start() <= span.end() && span.end() <= source.len(), "{error:?}");
    // The coloured message without its ANSI escapes equals the plain message.
    let mut bare = String::new();
    let colored = error.diagnostic().colored();
    let mut rest = colored.as_str();
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        bare += before;
        rest = escape.split_once('m').map_or("", |(_, rest)| rest);
    }
    bare += rest;
    assert_eq!(bare.trim_end(), picture.trim_end());
}

/// Checks the error messages, tables and pictures for the format `source` and the itemsize `itemsize` in every
/// dialect.
pub fn render_diagnostic(source: &[u8], itemsize: u64) {
    for dialect in Dialect::ALL {
        render_in(source, itemsize, dialect);
    }
    if let Err(error) = reconcile(source, Some(itemsize), None, &DataModel::LP64) {
        assert_plain_error(source, &error);
    }
}

/// Runs the test of [`render_diagnostic`] for one dialect. The last byte of `input` selects the dialect, the
/// second-last byte is the itemsize, and the other bytes are the format.
pub fn render_chosen(input: &[u8]) {
    let Some((source, [itemsize, dialect])) = input.split_last_chunk() else { return };
    render_in(source, u64::from(*itemsize), Dialect::ALL[usize::from(*dialect) % Dialect::ALL.len()]);
}

/// Runs the test of [`render_diagnostic`] for the dialect `dialect`.
fn render_in(source: &[u8], itemsize: u64, dialect: &Dialect) {
    match Layout::read(source, dialect, &DataModel::LLP64) {
        Ok(layout) => {
            // A table contains complete names and shapes. Each byte of a name takes up to four characters.
            assert_plain(&Table::new(&layout).to_string(), WIDEST + 8 * source.len());
            assert_plain(&Picture::new(&layout).to_string(), WIDEST);
        }
        Err(error) => assert_plain_error(source, &error),
    }
    if let Err(error) = reconcile(source, Some(itemsize), Some(dialect), &DataModel::LP64) {
        assert_plain_error(source, &error);
    }
}
