//! Messages, tables and pictures have only visible characters and lines of limited length.

use pep3118::{DataModel, Dialect, Layout, LayoutError, Picture, Table, reconcile};

/// The largest number of characters in a line of a message.
const WIDEST: usize = 400;

/// Asserts that a text has no control character and no line of more than `widest` characters.
fn assert_plain(text: &str, widest: usize) {
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
    for line in text.lines() {
        assert!(line.chars().count() <= widest, "{line}");
    }
}

fn refused(source: &[u8], error: &LayoutError) {
    let (line, picture) = (error.to_string(), format!("{error:#}"));
    assert!(!line.contains('\n') && line.is_ascii(), "{line:?}");
    assert_plain(&line, WIDEST);
    assert_plain(&picture, WIDEST);
    let span = error.span();
    assert!(span.start() <= span.end() && span.end() <= source.len(), "{error:?}");
    // Without its escape sequences the coloured message equals the plain one.
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

/// Checks the errors, tables and pictures of a format in every dialect.
pub fn render_diagnostic(source: &[u8], itemsize: u64) {
    for dialect in Dialect::ALL {
        render_in(source, itemsize, dialect);
    }
    if let Err(error) = reconcile(source, Some(itemsize), None, &DataModel::LP64) {
        refused(source, &error);
    }
}

/// Checks them in one dialect. The last byte of the input selects it, and the byte before is the itemsize.
pub fn render_chosen(input: &[u8]) {
    let Some((source, [itemsize, dialect])) = input.split_last_chunk() else { return };
    render_in(source, u64::from(*itemsize), Dialect::ALL[usize::from(*dialect) % Dialect::ALL.len()]);
}

fn render_in(source: &[u8], itemsize: u64, dialect: &Dialect) {
    match Layout::read(source, dialect, &DataModel::LLP64) {
        Ok(layout) => {
            // A table has names in full: four characters for each escaped byte, and as many for shapes.
            assert_plain(&Table::new(&layout).to_string(), WIDEST + 8 * source.len());
            assert_plain(&Picture::new(&layout).to_string(), WIDEST);
        }
        Err(error) => refused(source, &error),
    }
    if let Err(error) = reconcile(source, Some(itemsize), Some(dialect), &DataModel::LP64) {
        refused(source, &error);
    }
}
