//! Functions for the text of messages. [`escape`] makes text from an input safe for a terminal, [`abridge`] shortens
//! the text, and [`plural`] formats a number with a noun. [`char_boundary`] and [`each_part`] divide bytes that can be
//! invalid UTF-8.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::Display;
use core::iter;
use core::ops::RangeInclusive;

use unicode_width::UnicodeWidthChar as _;

/// Returns `text` as one line that a terminal displays without any other effect. Call this function for every text
/// that comes from an input.
///
/// These bytes and characters are escaped:
/// - a byte that is not valid UTF-8, as `\xff`
/// - a control character, as `\n`, `\x1b` or `\u{9b}`; every ANSI escape sequence starts with a control character
/// - a bidirectional control or a zero-width character, as `\u{202e}`
/// - white space other than the ASCII space, as `\u{a0}`; line and paragraph separators, as `\u{2028}`
/// - a combining character without a visible character before it, as `\u{301}`
///
/// All other characters are copied, including the backslash. Escaping the result of `escape` therefore returns the
/// result unchanged.
pub fn escape<T: AsRef<[u8]> + ?Sized>(text: &T) -> Cow<'_, str> {
    let text = text.as_ref();
    if let Ok(text) = str::from_utf8(text)
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    each_part(text, |part, _| escaped.extend(part));
    Cow::Owned(escaped)
}

/// Returns `text` as [`escape`] does. If `text` has more than `max` bytes, cuts `text` after at most `max` bytes,
/// between two characters, and appends `...`. The result can have more than `max` bytes, because escapes are longer.
pub fn abridge(text: &[u8], max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return escape(text);
    }
    let (start, _) = text.split_at(char_boundary(text, max).min(text.len()));
    Cow::Owned(alloc::format!("{}...", escape(start)))
}

/// Returns the largest offset in bytes at which `text` can be cut without splitting a UTF-8 character. The offset is
/// at most `at`. Returns `at` if `text` has at most `at` bytes, or if `text` is not UTF-8 around `at`.
pub(crate) fn char_boundary(text: &[u8], at: usize) -> usize {
    let continues = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // A UTF-8 character has at most three continuation bytes. If none of the last four offsets is a boundary, `text`
    // is not UTF-8, and the cut can be at `at`.
    (at.saturating_sub(3)..=at).rev().find(|at| !continues(at)).unwrap_or(at)
}

/// Divides `text` into characters and into bytes that are not UTF-8. Calls `show` for each character or byte. The
/// arguments of `show` are the escaped text of this character or byte, and its length in `text` in bytes.
pub(crate) fn each_part(text: &[u8], mut show: impl FnMut(&mut dyn Iterator<Item = char>, usize)) {
    let mut visible = false;
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            visible = is_visible(char, visible);
            match u8::try_from(char) {
                _ if visible => show(&mut iter::once(char), char.len_utf8()),
                Ok(byte) if byte.is_ascii() => show(&mut byte.escape_ascii().map(char::from), 1),
                _ => show(&mut char.escape_unicode(), char.len_utf8()),
            }
        }
        for byte in chunk.invalid() {
            visible = false;
            show(&mut byte.escape_ascii().map(char::from), 1);
        }
    }
}

/// Returns whether a terminal displays `char` as a visible character without any other effect. `after_visible` must
/// be `true` if the character before `char` is visible, because a combining character is visible only after a visible
/// character.
fn is_visible(char: char, after_visible: bool) -> bool {
    if char.is_ascii() {
        return matches!(char, ' '..='~');
    }
    if INVISIBLE.iter().any(|range| range.contains(&char)) {
        return false;
    }
    match char.width() {
        None => false,
        Some(0) => after_visible,
        // `escape_debug` does not escape the characters that Unicode calls printable. `escape_debug` escapes
        // separators, format controls, private characters and unassigned characters.
        Some(_) => char.escape_debug().eq(iter::once(char)),
    }
}

/// The characters that a terminal can ignore: the characters with the Unicode property
/// `Default_Ignorable_Code_Point`, and the interlinear annotation characters.
const INVISIBLE: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Returns [`plural`] of `n` and `noun` with the verb of a sentence: `1 byte is`, `2 bytes are`.
pub fn plural_is<N: Copy + Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    alloc::format!("{} {}", plural(n, noun), if n == N::from(1) { "is" } else { "are" })
}

/// Returns the text of the number `n` and the noun `noun`: `1 byte`, `2 bytes`. The noun has its plural form unless
/// `n` is 1. The ending `ry` becomes `ries` (`entries`), and `ex` becomes `ices` (`indices`). Every other noun gets an
/// `s`.
pub fn plural<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    if n == N::from(1) {
        return alloc::format!("{n} {noun}");
    }
    let stem = |ending: &str| noun.strip_suffix(ending);
    match (stem("ry"), stem("ex")) {
        (Some(stem), _) => alloc::format!("{n} {stem}ries"),
        (_, Some(stem)) => alloc::format!("{n} {stem}ices"),
        _ => alloc::format!("{n} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_characters_are_copied() {
        for text in ["", "T{i:a b:}", "'\"`", "naïve €", "字段", "поле", "שדה", "e\u{301}", "नमस्ते", "🦀"]
        {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn characters_with_an_effect_on_a_terminal_are_escaped() {
        let pairs = [
            ("\u{1b}[31mred", "\\x1b[31mred"),
            ("\u{1b}]8;;http://x\u{7}", "\\x1b]8;;http://x\\x07"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\nb\tc\rd\0", "a\\nb\\tc\\rd\\x00"),
            ("\u{7f}", "\\x7f"),
            ("\u{202e}abc\u{2066}", "\\u{202e}abc\\u{2066}"),
            ("\u{200e}\u{200f}\u{61c}", "\\u{200e}\\u{200f}\\u{61c}"),
            ("a\u{200b}b\u{200d}c\u{feff}", "a\\u{200b}b\\u{200d}c\\u{feff}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("a\u{a0}b\u{3000}", "a\\u{a0}b\\u{3000}"),
            ("\u{3164}\u{fe0f}\u{e0041}", "\\u{3164}\\u{fe0f}\\u{e0041}"),
            ("\u{301}a", "\\u{301}a"),
            ("\n\u{301}", "\\n\\u{301}"),
        ];
        for (text, escaped) in pairs {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_escaped() {
        assert_eq!(escape(b"i:\xff\xc3\xa9\xe2\x82:"), "i:\\xff\u{e9}\\xe2\\x82:");
    }

    #[test]
    fn escaping_twice_is_escaping_once() {
        for text in [&b"\x1b[31m"[..], b"\\x1b", b"\xff\xc3\xa9", "\u{202e}".as_bytes()] {
            assert_eq!(escape(&*escape(text)), escape(text));
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "\u{20ac}".repeat(3);
        assert_eq!(
            [4, 6, 8, 9].map(|max| abridge(text.as_bytes(), max)),
            ["\u{20ac}...", "\u{20ac}\u{20ac}...", "\u{20ac}\u{20ac}...", &text]
        );
        assert_eq!(abridge(&[0x80; 9], 5), r"\x80\x80\x80\x80\x80...");
    }

    #[test]
    fn plurals_follow_their_noun() {
        let words = ["byte", "entry", "index"].map(|noun| (plural(1, noun), plural(0, noun)));
        let words = words.each_ref().map(|(one, none)| (one.as_str(), none.as_str()));
        assert_eq!(words, [("1 byte", "0 bytes"), ("1 entry", "0 entries"), ("1 index", "0 indices")]);
    }
}
