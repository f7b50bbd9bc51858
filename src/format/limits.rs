//! How much of a format string is read before it is refused.

/// Bounds on a format string. They keep the work for hostile input small: whatever comes in,
/// one reading of the largest string allowed takes about a millisecond.
///
/// ```
/// use pep3118::format::{Format, Limits};
/// let limits = Limits { bytes: 4, ..Limits::DEFAULT };
/// let error = Format::parse_with(b"iiiii", &limits).unwrap_err();
/// assert_eq!(error.to_string(), "format is 5 bytes long, 4 are allowed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of the whole string.
    pub bytes: usize,
    /// Items in the whole string, those inside structures included.
    pub items: usize,
    /// Structures and pointers inside each other; more than 64 are never read.
    pub depth: usize,
    /// Dimensions of one item, stacked shapes included. `PyBUF_MAX_NDIM` is 64.
    pub dimensions: usize,
}

impl Limits {
    /// 131,072 bytes, 65,536 items, 64 levels, 64 dimensions.
    pub const DEFAULT: Self = Self { bytes: 1 << 17, items: 1 << 16, depth: 64, dimensions: 64 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
