//! Escapes text from the input, so that the output contains no invisible characters and no commands for a terminal.
//!
//! All names, formats, paths and arguments are escaped by [`escape`], and all JSON by [`json`]. [`markup`] also escapes
//! text for HTML and XML.

use std::path::Path;

pub(super) use pep3118::__private::escape;

/// Returns `path` escaped for a message.
pub(super) fn escape_path(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// Replaces invisible characters other than line feeds in the JSON `text` by JSON escapes such as `\u200b`.
///
/// A JSON string may contain DEL, C1 control characters, bidirectional and zero-width characters unescaped. Outside of
/// strings, JSON does not allow these characters. Replacing them by escapes therefore does not change the value of the
/// JSON.
pub fn json(text: &mut Vec<u8>) {
    // Printable ASCII needs no escapes, and serde_json has escaped control characters below the space. The
    // loop has no early exit, so that the compiler vectorizes it.
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

/// Returns `true` if a terminal displays `character`, and does not interpret `character` as a command.
///
/// The check tests `character` after a letter, because a combining character is visible only after a letter.
pub(super) fn is_visible(character: char) -> bool {
    let pair: String = ['a', character].into_iter().collect();
    escape(&pair) == pair
}

/// Escapes `text` for HTML and XML. Invisible characters in `text` must already be escaped.
pub(super) fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({"a\u{202e}": "\u{7f}\u{1b}é\u{e0041}\u{200b}"});
        let mut text = serde_json::to_vec_pretty(&value).unwrap_or_default();
        json(&mut text);
        assert!(String::from_utf8_lossy(&text).contains(r#""\u007f\u001bé\udb40\udc41\u200b""#));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).ok(), Some(value));
    }
}
