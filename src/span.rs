//! A range of bytes in a format string.

/// A half-open range of bytes `start..end` in a format string.
///
/// Offsets count bytes, never characters: names may be any UTF-8, or none.
///
/// ```
/// use pep3118::Span;
/// let span = Span::new(1, 3);
/// assert_eq!((span.start(), span.end(), span.len()), (1, 3, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No byte, at the start.
    pub(crate) const ZERO: Self = Self { start: 0, end: 0 };

    /// The bytes `start..end`. Positions past 4 GiB saturate; [`Limits`](crate::format::Limits)
    /// refuses such strings long before.
    #[must_use]
    #[inline]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: narrow(start), end: narrow(end) }
    }

    /// The one byte at `at`.
    #[inline]
    pub(crate) const fn byte(at: u32) -> Self {
        Self { start: at, end: at.saturating_add(1) }
    }

    /// The first byte.
    #[must_use]
    #[inline]
    pub fn start(self) -> usize {
        widen(self.start)
    }

    /// One past the last byte.
    #[must_use]
    #[inline]
    pub fn end(self) -> usize {
        widen(self.end)
    }

    /// How many bytes it covers.
    #[must_use]
    pub fn len(self) -> usize {
        self.end().saturating_sub(self.start())
    }

    /// Whether it covers no byte: a place between two bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes of `source` that it covers; empty where it reaches past the end.
    #[must_use]
    pub fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

#[inline]
fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[inline]
fn widen(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
