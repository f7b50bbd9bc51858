//! Limits on a format: [`Limits`].

/// Limits on a format string, which bound the time and memory that an untrusted format can take.
///
/// Parsing the longest format that the default limits allow takes about a millisecond.
///
/// ```
/// use pep3118::format::{Format, Limits};
/// let limits = Limits { bytes: 4, ..Limits::DEFAULT };
/// let error = Format::parse_with(b"iiiii", &limits).unwrap_err();
/// assert_eq!(error.to_string(), "format is 5 bytes long, 4 are allowed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The length of the string in bytes, at most 4 GiB.
    pub bytes: usize,
    /// The number of items, including the members of structures.
    pub items: usize,
    /// The levels of structures and pointers, at most 64.
    pub depth: usize,
    /// The dimensions of one item, including those of stacked shapes: at most 64, the value of `PyBUF_MAX_NDIM`.
    pub dimensions: usize,
}

impl Limits {
    /// 131,072 bytes, 65,536 items, 64 levels, 64 dimensions.
    pub const DEFAULT: Self = Self { bytes: 1 << 17, items: 1 << 16, depth: 64, dimensions: 64 };

    /// These limits, but none above the largest: [`Span`](crate::Span) has 32-bit offsets, the parser recurses into
    /// structures and pointers, and no buffer has more than 64 dimensions.
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
