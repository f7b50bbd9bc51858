//! The limits of the parser: [`Limits`].

/// Limits that bound the time and the memory for parsing an untrusted format.
///
/// With the default limits, parsing takes at most about a millisecond.
///
/// ```
/// use pep3118::format::{Format, Limits};
/// let limits = Limits { bytes: 4, ..Limits::DEFAULT };
/// let error = Format::parse_with(b"iiiii", &limits).unwrap_err();
/// assert_eq!(error.to_string(), "format is 5 bytes long, 4 are allowed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The largest length of the format in bytes. Values above 4 GiB have the effect of 4 GiB.
    pub bytes: usize,
    /// The largest number of items, which includes the members of structures.
    pub items: usize,
    /// The deepest nesting of structures and pointers. Values above 64 have the effect of 64.
    pub depth: usize,
    /// The largest number of dimensions of one item; the shapes of `(2)(3)i` are counted together. Values above 64
    /// have the effect of 64, which is `PyBUF_MAX_NDIM`.
    pub dimensions: usize,
}

impl Limits {
    /// The limits of [`Format::parse`](super::Format::parse): 131,072 bytes, 65,536 items, 64 levels, 64 dimensions.
    pub const DEFAULT: Self = Self { bytes: 1 << 17, items: 1 << 16, depth: 64, dimensions: 64 };

    /// Returns the limits, each reduced to the largest value that the parser supports. A [`Span`](crate::Span) has
    /// 32-bit offsets. The parser recurses into structures and pointers, so their depth bounds the stack. No buffer
    /// has more than 64 dimensions.
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
