//! The colours of fields and padding. The output stream removes the colours if it is not a terminal.

use clap::builder::styling::{AnsiColor, Style};

/// The style of titles and of names that stand out.
pub(super) const BOLD: Style = Style::new().bold();

/// The style of padding.
pub(super) const PADDING: Style = Style::new().dimmed();

/// The number of different colours of fields.
pub(super) const FIELD_COLOURS: usize = FIELDS.len();

/// The colours of fields, without dark blue, which is hard to read on a black background.
const FIELDS: [AnsiColor; 5] =
    [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Yellow, AnsiColor::BrightBlue];

/// Returns the colour of the field with the number `number`. Fields with adjacent numbers have different colours.
pub(super) fn field(number: usize) -> Style {
    let color = number.checked_rem(FIELD_COLOURS).and_then(|index| FIELDS.get(index));
    debug_assert!(color.is_some(), "a remainder is an index");
    color.map_or(Style::new(), |color| color.on_default())
}
