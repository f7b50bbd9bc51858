//! Formats sizes, shapes and format strings as texts for the messages of violations.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::layout::InterpretedSize;
use crate::text::{abridge, plural};

/// Returns `count` as text with the unit: `1 byte`, `-4 bytes`.
pub(crate) fn bytes(count: i64) -> String {
    plural(count, "byte")
}

/// Returns `values` as text in the syntax of a Python tuple: `(2, 3)`, `(3,)`, `()`. After 8 entries, the
/// text ends with `...`.
pub(crate) fn tuple(values: &[i64]) -> String {
    /// The largest number of entries in the text.
    const MAX_ENTRIES: usize = 8;
    match values {
        [only] => format!("({only},)"),
        _ => {
            let entries: Vec<String> = values.iter().take(MAX_ENTRIES).map(|value| value.to_string()).collect();
            let more = if values.len() > MAX_ENTRIES { ", ..." } else { "" };
            format!("({}{more})", entries.join(", "))
        }
    }
}

/// Returns the lengths of `shape` as text with `*` between them: `2 * 3` for the shape (2, 3).
pub(crate) fn factors(shape: &[i64]) -> String {
    let factors: Vec<String> = shape.iter().map(|length| length.to_string()).collect();
    factors.join(" * ")
}

/// Returns the first 60 bytes of `format` as escaped text, with `...` if `format` is longer.
pub(crate) fn abridged(format: &[u8]) -> Cow<'_, str> {
    abridge(format, 60)
}

/// Returns each distinct size in `sizes` as text, with the names of its dialects: `5 bytes (pep3118, ctypes) or 8
/// bytes (native-c)`. The sizes are in the order of their first occurrence in `sizes`.
pub(crate) fn sizes_by_dialect(sizes: &[InterpretedSize]) -> String {
    let mut groups: Vec<(u64, Vec<&str>)> = Vec::new();
    for InterpretedSize { dialect, size } in sizes {
        match groups.iter_mut().find(|(known, _)| known == size) {
            Some((_, dialects)) => dialects.push(dialect),
            None => groups.push((*size, Vec::from([*dialect]))),
        }
    }
    let groups = groups.iter().map(|(size, dialects)| format!("{} ({})", plural(*size, "byte"), dialects.join(", ")));
    groups.collect::<Vec<String>>().join(" or ")
}
