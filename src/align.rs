//! Sizes and alignments in bytes, and the checked arithmetic on them.
//!
//! Sizes are `u64` whatever the host, because the machine that a format describes need not be the
//! machine that reads it: a 64-bit layout is told the same way on a 32-bit host.

use core::fmt;

/// An alignment in bytes: a power of two, at most 2^63.
///
/// ```
/// use pep3118::Align;
/// let eight = Align::new(8).unwrap();
/// assert_eq!(eight.bytes(), 8);
/// assert_eq!(eight.padding_needed_for(13), 3);
/// assert_eq!(Align::new(12), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Align {
    log2: u8,
}

impl Align {
    /// One byte: no alignment at all.
    pub const ONE: Self = Self { log2: 0 };

    /// The alignment of `bytes`, or `None` if that is not a power of two.
    #[must_use]
    #[inline]
    pub const fn new(bytes: u64) -> Option<Self> {
        if !bytes.is_power_of_two() {
            return None;
        }
        #[expect(clippy::as_conversions, reason = "at most 63; `TryFrom` is not const")]
        let log2 = bytes.trailing_zeros() as u8;
        Some(Self { log2 })
    }

    /// The alignment in bytes.
    #[must_use]
    #[inline]
    pub const fn bytes(self) -> u64 {
        1_u64.wrapping_shl(self.log2_u32())
    }

    /// How many bytes of padding bring `offset` to the next multiple.
    #[must_use]
    #[inline]
    pub const fn padding_needed_for(self, offset: u64) -> u64 {
        offset.wrapping_neg() & self.bytes().wrapping_sub(1)
    }

    /// The next multiple at or after `offset`, or `None` if it does not fit 64 bits.
    ///
    /// ```
    /// let int = pep3118::Align::new(4).unwrap();
    /// assert_eq!((int.round_up(5), int.round_up(8), int.round_up(u64::MAX)), (Some(8), Some(8), None));
    /// ```
    #[must_use]
    #[inline]
    pub const fn round_up(self, offset: u64) -> Option<u64> {
        offset.checked_add(self.padding_needed_for(offset))
    }

    /// Whether `offset` is a multiple.
    #[must_use]
    #[inline]
    pub const fn divides(self, offset: u64) -> bool {
        self.padding_needed_for(offset) == 0
    }

    #[inline]
    const fn log2_u32(self) -> u32 {
        #[expect(clippy::as_conversions, reason = "u8 to u32; `From` is not const")]
        let log2 = self.log2 as u32;
        log2
    }
}

impl fmt::Debug for Align {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Align({})", self.bytes())
    }
}

impl fmt::Display for Align {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}
