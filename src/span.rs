//! [`Span`]: a range of bytes in a format string.

/// The bytes `start..end` of a format string.
///
/// `start` and `end` are offsets in bytes and not in characters. A name in a format can contain characters of
/// several bytes, and bytes that are not UTF-8.
///
/// ```
/// use pep3118::Span;
/// let span = Span::new(1, 3);
/// assert_eq!((span.start(), span.end(), span.len()), (1, 3, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The empty span at offset 0.
    pub(crate) const ZERO: Self = Self { start: 0, end: 0 };

    /// Returns the span of the bytes `start..end`. If `end` is less than `start`, the span contains no byte.
    ///
    /// A `start` or `end` above `u32::MAX` is replaced with `u32::MAX`. The parser rejects formats of more than
    /// `u32::MAX` bytes, so every span of a parsed format is exact.
    #[must_use]
    #[inline]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: narrow(start), end: narrow(end) }
    }

    /// Returns the span of the single byte at offset `at`.
    #[inline]
    pub(crate) const fn byte(at: u32) -> Self {
        Self { start: at, end: at.saturating_add(1) }
    }

    /// Returns the offset of the first byte of the span.
    #[must_use]
    #[inline]
    pub fn start(self) -> usize {
        widen(self.start)
    }

    /// Returns the offset one past the last byte of the span.
    #[must_use]
    #[inline]
    pub fn end(self) -> usize {
        widen(self.end)
    }

    /// Returns the number of bytes in the span.
    #[must_use]
    pub fn len(self) -> usize {
        self.end().saturating_sub(self.start())
    }

    /// Returns whether the span contains no byte.
    ///
    /// ```
    /// use pep3118::Span;
    /// assert!(Span::new(3, 3).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of `source` that the span covers. Returns an empty slice if the span extends past the end
    /// of `source`.
    ///
    /// ```
    /// use pep3118::Span;
    /// assert_eq!(Span::new(1, 3).of(b"T{i}"), b"{i");
    /// assert_eq!(Span::new(1, 9).of(b"T{i}"), b"");
    /// ```
    #[must_use]
    pub fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.start()..self.end()).unwrap_or_default()
    }

    /// Returns the smallest span that contains both `self` and `other`.
    ///
    /// ```
    /// use pep3118::Span;
    /// assert_eq!(Span::new(1, 2).to(Span::new(4, 6)), Span::new(1, 6));
    /// ```
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Returns `offset` as a `u32`. Returns `u32::MAX` if `offset` does not fit, see [`Span::new`].
#[inline]
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Returns `offset` as a `usize`.
#[inline]
fn widen(offset: u32) -> usize {
    // The conversion can fail only on a 16-bit machine, whose memory is too small for a format with this offset.
    usize::try_from(offset).unwrap_or(usize::MAX)
}
