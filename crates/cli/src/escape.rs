//! Escapes text from the input, so that it cannot control a terminal or hide from a reader.
//!
//! Names, formats, paths and arguments are printed through [`escape`], JSON through [`json`].

use std::borrow::Cow;
use std::path::Path;

/// Returns text in which every character is visible, for a message or a table.
///
/// Control characters, line separators, bidirectional and zero-width characters and bytes that are
/// not UTF-8 are escaped: `\n`, `\u{1b}`, `\xff`. All other characters, ASCII or not, are unchanged.
pub(super) fn escape(text: &[u8]) -> Cow<'_, str> {
    if text.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && let Ok(text) = std::str::from_utf8(text)
    {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len().saturating_mul(2));
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match is_visible(character) {
                true => escaped.push(character),
                false => escaped.extend(character.escape_default()),
            }
        }
        escaped.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    Cow::Owned(escaped)
}

/// Returns a path for a message.
pub(super) fn escape_path(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// Replaces invisible characters of JSON text by the escapes of JSON: `\u001b`.
///
/// JSON allows DEL, C1 control characters, bidirectional and zero-width characters in a string. They
/// occur nowhere else in JSON text, so an escape in their place denotes the same value.
pub(super) fn json(text: &mut Vec<u8>) {
    // JSON escapes the bytes below the space itself. The loop has no exit, so that it is vectorized.
    if text.iter().fold(0, |most, byte| most.max(*byte)) <= b'~' {
        return;
    }
    let escaped = String::from_utf8_lossy(text).chars().fold(String::new(), |mut escaped, character| {
        if is_visible(character) || character == '\n' {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
        escaped
    });
    *text = escaped.into_bytes();
}

/// Returns `true` if a terminal shows the character and nothing but the character.
pub(super) fn is_visible(character: char) -> bool {
    // Letters and marks by their Unicode category that have no glyph: fillers, variation selectors.
    let blank = matches!(
        character,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    );
    // After a letter, `str::escape_debug` leaves combining marks and escapes characters that cannot be printed.
    let printable = || {
        let pair: String = ['a', character].into_iter().collect();
        pair.escape_debug().nth(1) == Some(character)
    };
    matches!(character, ' '..='~') || (!blank && printable())
}

#[cfg(test)]
mod tests {
    use super::{escape, json};

    #[test]
    fn visible_text_is_unchanged() {
        for text in ["", "a'b\"c\\", "é", "e\u{301}", "数", "ไม้", "😀"] {
            assert_eq!(escape(text.as_bytes()), text);
        }
    }

    #[test]
    fn invisible_characters_are_escaped() {
        let pairs: [(&[u8], &str); 7] = [
            (b"\x1b[31m\n\x7f", "\\u{1b}[31m\\n\\u{7f}"),
            ("\u{85}\u{9b}".as_bytes(), "\\u{85}\\u{9b}"),
            ("\u{202e}\u{2066}".as_bytes(), "\\u{202e}\\u{2066}"),
            ("\u{200b}\u{feff}\u{ad}".as_bytes(), "\\u{200b}\\u{feff}\\u{ad}"),
            ("\u{2028}\u{2029}".as_bytes(), "\\u{2028}\\u{2029}"),
            ("\u{3164}\u{fe0f}".as_bytes(), "\\u{3164}\\u{fe0f}"),
            (b"a\xff\xc3", "a\\xff\\xc3"),
        ];
        for (text, expected) in pairs {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({"a\u{202e}": "\u{7f}\u{1b}é\u{e0041}\u{200b}"});
        let mut text = serde_json::to_vec_pretty(&value).unwrap_or_default();
        json(&mut text);
        assert!(String::from_utf8_lossy(&text).contains(r#""\u007f\u001bé\udb40\udc41\u200b""#));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).ok(), Some(value));
    }
}
