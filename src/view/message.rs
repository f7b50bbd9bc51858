//! Formats sizes, shapes and format strings for the messages of violations.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::layout::InterpretedSize;
use crate::text::{abridge, plural};

/// `1 byte`, `-4 bytes`.
pub(crate) fn bytes(count: i64) -> String {
    plural(count, "byte")
}

/// The elements as Python writes a tuple: `(2, 3)`, `(3,)`, `()`. A long one is cut off.
pub(crate) fn tuple(values: &[i64]) -> String {
    const SHOWN: usize = 8;
    match values {
        [only] => format!("({only},)"),
        _ => {
            let shown: Vec<String> = values.iter().take(SHOWN).map(|value| value.to_string()).collect();
            let more = if values.len() > SHOWN { ", ..." } else { "" };
            format!("({}{more})", shown.join(", "))
        }
    }
}

/// The product of the shape: `2 * 3`.
pub(crate) fn factors(shape: &[i64]) -> String {
    let factors: Vec<String> = shape.iter().map(|length| length.to_string()).collect();
    factors.join(" * ")
}

/// The format, escaped and limited to its first 60 bytes.
pub(crate) fn abridged(format: &[u8]) -> Cow<'_, str> {
    abridge(format, 60)
}

/// Sizes by dialect: `5 bytes (pep3118, ctypes) or 8 bytes (native-c)`, in the order of `sizes`.
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
