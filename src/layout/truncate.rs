//! What is written on a field of a picture, in as little room as there is.

use alloc::format;
use alloc::string::{String, ToString};

use unicode_width::UnicodeWidthChar as _;

/// Stands for what was cut.
const ELLIPSIS: char = '\u{2026}';

/// The words on a field.
#[derive(Clone, Debug)]
pub(super) enum Label {
    /// Names from the outermost structure inwards, with dots between: the last says most.
    Path(String),
    /// The type of what has no name: its first letters say most.
    Type(String),
    /// Of padding, and of what goes on from above.
    Nothing,
}

impl Label {
    /// As much of it as so many cells of a monospaced face hold.
    pub(super) fn fit(&self, room: usize) -> String {
        match self {
            Self::Path(path) => last(path, room),
            Self::Type(name) => first(name, room),
            Self::Nothing => String::new(),
        }
    }
}

/// `position.x`, `…x`, `x`: whole names while there is one that fits, then the end of the last.
fn last(path: &str, room: usize) -> String {
    if tail(path, room) == path {
        return path.to_string();
    }
    // One cell is the mark's, and the dot in front of the names needs none.
    let marked = tail(path, room.saturating_sub(1));
    let start = path.len().saturating_sub(marked.len()).saturating_sub(1);
    let names = path.get(start..).and_then(|rest| rest.split_once('.')).map_or("", |(_, names)| names);
    let name = path.rsplit_once('.').map_or("", |(_, name)| name);
    match room {
        0 => String::new(),
        _ if !names.is_empty() => format!("{ELLIPSIS}{names}"),
        _ if !name.is_empty() && tail(name, room) == name => name.to_string(),
        // A sign of two cells says more than a mark beside an empty one.
        _ if marked.is_empty() && !tail(path, room).is_empty() => tail(path, room).to_string(),
        _ => format!("{ELLIPSIS}{marked}"),
    }
}

/// The longest end of a text that fits; walks no further, for a name may have a hundred thousand letters.
fn tail(text: &str, room: usize) -> &str {
    let mut left = room;
    let kept = text.char_indices().rev().take_while(|(_, character)| fits(*character, &mut left)).last();
    kept.and_then(|(start, _)| text.get(start..)).unwrap_or_default()
}

/// `float64`, `floa…`; in two cells `fl`, which says more than `f…`.
fn first(name: &str, room: usize) -> String {
    if width(name) <= room {
        return name.to_string();
    }
    let marked = room > 2;
    let mut left = if marked { room.saturating_sub(1) } else { room };
    let mut text: String = name.chars().take_while(|character| fits(*character, &mut left)).collect();
    if marked {
        text.push(ELLIPSIS);
    }
    text
}

/// Takes the cells of a character from those that are left, if it fits.
fn fits(character: char, left: &mut usize) -> bool {
    let rest = left.checked_sub(character.width().unwrap_or(0));
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

/// Cells that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).fold(0_usize, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Label;

    #[test]
    fn the_end_of_a_path_is_kept() {
        let path = Label::Path("header.position.x".to_string());
        let cuts = [
            (17, "header.position.x"),
            (16, "…position.x"),
            (11, "…position.x"),
            (10, "…x"),
            (2, "…x"),
            (1, "x"),
            (0, ""),
        ];
        for (room, text) in cuts {
            assert_eq!(path.fit(room), text, "{room} cells");
        }
        let path = Label::Path("a.price_eur".to_string());
        for (room, text) in [(11, "a.price_eur"), (10, "…price_eur"), (9, "price_eur"), (8, "…ice_eur"), (1, "r")] {
            assert_eq!(path.fit(room), text, "{room} cells");
        }
        // A sign of two cells that does not fit is left out; what has no cells stays with what it stands on.
        assert_eq!(Label::Path("日本語".to_string()).fit(4), "…語");
        assert_eq!(Label::Path("日本語".to_string()).fit(5), "…本語");
        assert_eq!(Label::Path("日本語".to_string()).fit(2), "語");
        // A dot at the end names nothing.
        assert_eq!(Label::Path("abc.".to_string()).fit(3), "…c.");
    }

    #[test]
    fn the_beginning_of_a_type_is_kept() {
        let name = Label::Type("float64".to_string());
        for (room, text) in [(7, "float64"), (5, "floa…"), (2, "fl"), (1, "f"), (0, "")] {
            assert_eq!(name.fit(room), text, "{room} cells");
        }
    }
}
