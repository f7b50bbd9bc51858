//! The limits of the parser: [`Limits`].

/// Limits for the size of a format, so that an untrusted format takes a bounded amount of time and memory.
///
/// With the default limits, a format is parsed in about a millisecond or less.
///
/// ```
/// use pep3118::format::{Format, Limits};
/// let mut limits = Limits::DEFAULT;
/// limits.bytes = 4;
/// let error = Format::parse_with(b"iiiii", &limits).unwrap_err();
/// assert_eq!(error.to_string(), "format is 5 bytes long, 4 are allowed");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Limits {
    /// The maximum length of the format in bytes. A value above 4 GiB has the effect of 4 GiB.
    pub bytes: usize,
    /// The maximum number of items. A structure or a pointer is one item, and the items inside of it are counted too.
    pub items: usize,
    /// The maximum number of nested structures and pointers. A value above 64 has the effect of 64.
    pub depth: usize,
    /// The maximum number of dimensions of one item. The dimensions of all shapes of the item are added: `(2)(3)i`
    /// has 2 dimensions. A value above 64 has the effect of 64, which is `PyBUF_MAX_NDIM`.
    pub dimensions: usize,
}

impl Limits {
    /// The limits of [`Format::parse`](super::Format::parse): 131,072 bytes, 65,536 items, 64 nested structures and
    /// pointers, and 64 dimensions.
    pub const DEFAULT: Self = Self { bytes: 1 << 17, items: 1 << 16, depth: 64, dimensions: 64 };

    /// Returns a copy of the limits, in which each limit is reduced to the largest value that the parser supports. A
    /// [`Span`](crate::Span) has 32-bit offsets. The parser is recursive for structures and pointers, so the limit of
    /// their depth bounds the stack. No buffer has more than 64 dimensions.
    pub(super) fn bounded(&self) -> Self {
        Self {
            bytes: self.bytes.min(0xffff_ffff),
            items: self.items,
            depth: self.depth.min(64),
            dimensions: self.dimensions.min(64),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
