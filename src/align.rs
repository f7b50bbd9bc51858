//! Alignments, and rounding to an alignment: [`Align`]. [`to_u64`] converts a length to the type of sizes and offsets.
//!
//! Sizes and offsets are `u64` on every machine, because a 32-bit machine can process the layouts of a 64-bit
//! machine.

use core::fmt;

/// Converts the length or address `number` to `u64`, the type of lengths in errors, layouts and files.
#[expect(clippy::as_conversions, reason = "a `usize` has at most 64 bits")]
#[inline]
#[must_use]
pub const fn to_u64(number: usize) -> u64 {
    const { assert!(usize::BITS <= u64::BITS) };
    number as u64
}

/// An alignment in bytes, which is a power of two and at most 2^63.
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
    /// An alignment of one byte. Every offset is aligned to one byte.
    pub const ONE: Self = Self { log2: 0 };
    /// An alignment of 2 bytes.
    pub(crate) const TWO: Self = Self { log2: 1 };
    /// An alignment of 4 bytes.
    pub(crate) const FOUR: Self = Self { log2: 2 };
    /// An alignment of 8 bytes.
    pub(crate) const EIGHT: Self = Self { log2: 3 };
    /// An alignment of 16 bytes.
    pub(crate) const SIXTEEN: Self = Self { log2: 4 };

    /// Creates an alignment of `bytes` bytes. Returns `None` if `bytes` is not a power of two.
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

    /// Returns the alignment of the Rust type `T` on this machine.
    pub(crate) const fn of<T>() -> Self {
        #[expect(clippy::as_conversions, reason = "at most 63; `TryFrom` is not const")]
        let log2 = align_of::<T>().trailing_zeros() as u8;
        Self { log2 }
    }

    /// Returns the alignment in bytes.
    #[must_use]
    #[inline]
    pub const fn bytes(self) -> u64 {
        1_u64.wrapping_shl(self.log2_u32())
    }

    /// Returns the number of bytes from `offset` to the smallest multiple of the alignment that is not less than
    /// `offset`. Returns 0 if `offset` is a multiple of the alignment.
    #[must_use]
    #[inline]
    pub const fn padding_needed_for(self, offset: u64) -> u64 {
        offset.wrapping_neg() & self.bytes().wrapping_sub(1)
    }

    /// Returns the smallest multiple of the alignment that is not less than `offset`. Returns `None` if the result
    /// does not fit in 64 bits.
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

    /// Returns whether `offset` is a multiple of the alignment.
    ///
    /// ```
    /// let int = pep3118::Align::new(4).unwrap();
    /// assert!(int.divides(8) && !int.divides(6));
    /// ```
    #[must_use]
    #[inline]
    pub const fn divides(self, offset: u64) -> bool {
        self.padding_needed_for(offset) == 0
    }

    /// Returns the binary logarithm of the alignment in bytes: 3 for 8 bytes.
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
