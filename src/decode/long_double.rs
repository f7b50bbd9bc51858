//! `long double`, for which Rust has no type.

use core::fmt;

use crate::abi::LongDoubleFormat;
use crate::endian::Endian;

/// A `long double`: its bytes, and what they mean.
///
/// Equality is that of the bytes, so a NaN equals itself and 0.0 is not -0.0.
///
/// ```
/// use pep3118::{LongDoubleFormat, decode::LongDouble};
/// let half = LongDouble::from_f64(0.5, LongDoubleFormat::X87);
/// assert_eq!(half.as_le_bytes(), [0, 0, 0, 0, 0, 0, 0, 0x80, 0xfe, 0x3f]);
/// assert_eq!(half.to_f64(), 0.5);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LongDouble {
    /// INVARIANT: those past the width of the format are 0.
    bytes: [u8; 16],
    format: LongDoubleFormat,
}

impl LongDouble {
    /// 0.0, before anything is read.
    pub(super) const ZERO: Self = Self { bytes: [0; 16], format: LongDoubleFormat::Double };

    /// Significant bytes of a format, padding left out.
    pub(crate) const fn width(format: LongDoubleFormat) -> usize {
        match format {
            LongDoubleFormat::Double => 8,
            LongDoubleFormat::X87 => 10,
            LongDoubleFormat::Binary128 | LongDoubleFormat::DoubleDouble => 16,
        }
    }

    /// From bytes as they lie in memory; padding behind (big-endian: before) them is left out. What
    /// is missing is 0.
    pub(crate) fn read(memory: &[u8], format: LongDoubleFormat, endian: Endian) -> Self {
        let mut bytes = [0; 16];
        let cells = bytes.iter_mut().take(Self::width(format));
        match (endian, format) {
            (Endian::Little, _) => cells.zip(memory).for_each(|(cell, byte)| *cell = *byte),
            // The two parts keep their order, high part first.
            (Endian::Big, LongDoubleFormat::DoubleDouble) => {
                let parts = memory.chunks(8).flat_map(|part| part.iter().rev());
                cells.zip(parts).for_each(|(cell, byte)| *cell = *byte);
            }
            (Endian::Big, _) => cells.zip(memory.iter().rev()).for_each(|(cell, byte)| *cell = *byte),
        }
        Self { bytes, format }
    }

    /// Into memory; padding is left as it was.
    pub(crate) fn write(self, memory: &mut [u8], endian: Endian) {
        let bytes = self.bytes.iter().take(Self::width(self.format));
        match (endian, self.format) {
            (Endian::Little, _) => memory.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell = *byte),
            (Endian::Big, LongDoubleFormat::DoubleDouble) => {
                let cells = memory.chunks_mut(8).flat_map(|part| part.iter_mut().rev());
                cells.zip(bytes).for_each(|(cell, byte)| *cell = *byte);
            }
            (Endian::Big, _) => memory.iter_mut().rev().zip(bytes).for_each(|(cell, byte)| *cell = *byte),
        }
    }

    /// The same number; every `f64` is a long double of each format.
    #[must_use]
    pub fn from_f64(number: f64, format: LongDoubleFormat) -> Self {
        let mut bytes = [0; 16];
        let double = number.to_le_bytes();
        match format {
            LongDoubleFormat::Double | LongDoubleFormat::DoubleDouble => {
                bytes.iter_mut().zip(double).for_each(|(cell, byte)| *cell = byte);
            }
            LongDoubleFormat::X87 => bytes = wide(number, 63, true).to_le_bytes(),
            LongDoubleFormat::Binary128 => bytes = wide(number, 112, false).to_le_bytes(),
        }
        Self { bytes, format }
    }

    /// The nearest `f64`, ties to even; infinite where it is too large. What the x87 calls invalid
    /// (a normal exponent without its integer bit) is NaN, as it is in arithmetic there.
    ///
    /// ```
    /// use pep3118::LongDoubleFormat;
    /// use pep3118::decode::LongDouble;
    /// let number = LongDouble::from_f64(1.5, LongDoubleFormat::X87);
    /// assert_eq!((number.as_le_bytes().len(), number.to_f64()), (10, 1.5));
    /// ```
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let bits = u128::from_le_bytes(self.bytes);
        let [low, high] = self.halves();
        match self.format {
            LongDoubleFormat::Double => f64::from_bits(low),
            LongDoubleFormat::DoubleDouble => {
                let (first, second) = (f64::from_bits(low), f64::from_bits(high));
                if first.is_finite() { first + second } else { first }
            }
            LongDoubleFormat::X87 => {
                let exponent = high & 0x7fff;
                let (sign, fraction) = (high & 0x8000 != 0, low & (u64::MAX >> 1_u32));
                let integer_bit = fraction != low;
                match (exponent, integer_bit) {
                    (0x7fff, true) if fraction == 0 => signed(sign, f64::INFINITY),
                    (0x7fff, _) | (1.., false) => signed(sign, f64::NAN),
                    _ => signed(sign, nearest(u128::from(low), power(exponent, 63))),
                }
            }
            LongDoubleFormat::Binary128 => {
                let (sign, exponent) = (high >> 63_u32 != 0, (high >> 48_u32) & 0x7fff);
                let fraction = bits & (u128::MAX >> 16_u32);
                match exponent {
                    0x7fff if fraction == 0 => signed(sign, f64::INFINITY),
                    0x7fff => signed(sign, f64::NAN),
                    0 => signed(sign, nearest(fraction, power(0, 112))),
                    _ => signed(sign, nearest(fraction | (1_u128 << 112_u32), power(exponent, 112))),
                }
            }
        }
    }

    /// The significant bytes, least significant first (of two doubles the high part first): 8, 10
    /// or 16.
    #[must_use]
    pub fn as_le_bytes(&self) -> &[u8] {
        self.bytes.get(..Self::width(self.format)).unwrap_or_default()
    }

    /// What the bytes mean.
    #[must_use]
    pub fn format(self) -> LongDoubleFormat {
        self.format
    }

    /// The two halves as little-endian numbers.
    fn halves(&self) -> [u64; 2] {
        let (parts, _) = self.bytes.as_chunks::<8>();
        match parts {
            [low, high] => [u64::from_le_bytes(*low), u64::from_le_bytes(*high)],
            _ => [0, 0],
        }
    }
}

impl fmt::Debug for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongDouble({:?}, {} as {})", self.to_f64(), self.as_le_bytes().escape_ascii(), name(self.format))
    }
}

/// As the errors have it.
pub(super) const fn name(format: LongDoubleFormat) -> &'static str {
    match format {
        LongDoubleFormat::Double => "binary64",
        LongDoubleFormat::X87 => "x87 extended",
        LongDoubleFormat::Binary128 => "binary128",
        LongDoubleFormat::DoubleDouble => "double-double",
    }
}

fn signed(negative: bool, magnitude: f64) -> f64 {
    if negative { -magnitude } else { magnitude }
}

/// The power of two of the last bit of a significand with `fraction` bits behind the point, under a
/// 15-bit exponent; that of denormal numbers is the least one.
fn power(exponent: u64, fraction: i64) -> i64 {
    i64::try_from(exponent.max(1)).unwrap_or(1).saturating_sub(16_383).saturating_sub(fraction)
}

/// The `f64` nearest to `significand * 2^power`, ties to even.
fn nearest(significand: u128, power: i64) -> f64 {
    let bits = i64::from(128_u32.saturating_sub(significand.leading_zeros()));
    let top = power.saturating_add(bits).saturating_sub(1);
    if bits == 0 {
        return 0.0;
    }
    if top > 1023 {
        return f64::INFINITY;
    }
    // The power of the last bit that an f64 of this magnitude has.
    let last = top.saturating_sub(52).max(-1074);
    let shift = last.saturating_sub(power);
    let quotient = match u32::try_from(shift) {
        // Fewer than 53 bits: they move up.
        Err(_) => significand << u32::try_from(shift.unsigned_abs()).unwrap_or(0).min(127),
        Ok(0) => significand,
        Ok(shift @ 1..=127) => {
            let (whole, rest) = (significand >> shift, significand & !(u128::MAX << shift));
            let half = 1_u128 << shift.saturating_sub(1);
            let up = rest > half || (rest == half && whole & 1 == 1);
            whole.saturating_add(u128::from(up))
        }
        // Less than half of the last bit, or nearly so: a significand has at most 113 bits.
        Ok(_) => 0,
    };
    // The leading bit carries into the exponent, and so does rounding up to the next power.
    let exponent = u64::try_from(last.saturating_add(1074)).unwrap_or(0) << 52_u32;
    f64::from_bits(exponent.wrapping_add(u64::try_from(quotient).unwrap_or(0)))
}

/// The bits of a number with a 15-bit exponent and `fraction` bits behind the point.
fn wide(number: f64, fraction: u32, explicit: bool) -> u128 {
    let bits = number.to_bits();
    let (exponent, mantissa) = ((bits >> 52_u32) & 0x7ff, u128::from(bits & (u64::MAX >> 12_u32)));
    let integer = 1_u128 << fraction;
    let spread = mantissa << fraction.saturating_sub(52);
    let (exponent, significand) = match exponent {
        0x7ff => (0x7fff, integer | spread),
        0 if mantissa == 0 => (0, 0),
        // Denormal numbers are normal where the exponent has 15 bits.
        0 => {
            let up = mantissa.leading_zeros().saturating_sub(128 - 53);
            (15_361_u64.saturating_sub(u64::from(up)), (mantissa << up) << fraction.saturating_sub(52))
        }
        _ => (exponent.saturating_add(16_383 - 1023), integer | spread),
    };
    let significand = if explicit { significand } else { significand & !integer };
    let sign = u128::from(bits >> 63_u32) << 15_u32;
    let width = if explicit { fraction.saturating_add(1) } else { fraction };
    ((sign | u128::from(exponent)) << width) | significand
}
