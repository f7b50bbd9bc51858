//! [`LongDouble`]: the bytes of a C `long double`, a type that Rust lacks, and its conversions from and to `f64`.

use core::fmt;

use crate::abi::LongDoubleFormat;
use crate::endian::Endian;

/// A `long double`: its bytes without padding, and the floating-point format of these bytes.
///
/// Two `LongDouble`s are equal if their bytes are equal. Thus a NaN equals itself, and 0.0 does not equal -0.0.
///
/// ```
/// use pep3118::{LongDoubleFormat, decode::LongDouble};
/// let half = LongDouble::from_f64(0.5, LongDoubleFormat::X87);
/// assert_eq!(half.as_le_bytes(), [0, 0, 0, 0, 0, 0, 0, 0x80, 0xfe, 0x3f]);
/// assert_eq!(half.to_f64(), 0.5);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LongDouble {
    /// The bytes of the number, least significant byte first. INVARIANT: if `format` has `n` bytes, `bytes[n..]` is 0.
    bytes: [u8; 16],
    /// The floating-point format of `bytes`.
    format: LongDoubleFormat,
}

impl LongDouble {
    /// The number 0.0, the initial value of the elements of a new column.
    pub(super) const ZERO: Self = Self { bytes: [0; 16], format: LongDoubleFormat::Double };

    /// Returns the size in bytes of a number in the floating-point format `format`, without padding: 10 for the x87
    /// format.
    pub(crate) const fn width(format: LongDoubleFormat) -> usize {
        match format {
            LongDoubleFormat::Double => 8,
            LongDoubleFormat::X87 => 10,
            LongDoubleFormat::Binary128 | LongDoubleFormat::DoubleDouble => 16,
        }
    }

    /// Decodes `memory`, the bytes of a C `long double` in the representation `format` and the byte order `endian`.
    /// Ignores padding, which follows the significant bytes in little-endian memory and precedes them in big-endian
    /// memory. If `memory` is too short, the missing bytes count as 0.
    #[inline]
    pub(crate) fn read(memory: &[u8], format: LongDoubleFormat, endian: Endian) -> Self {
        let mut bytes = [0; 16];
        let cells = bytes.iter_mut().take(Self::width(format));
        match (endian, format) {
            (Endian::Little, _) => cells.zip(memory).for_each(|(cell, byte)| *cell = *byte),
            // Each of the two doubles is big-endian. The high double is first in memory of both byte orders.
            (Endian::Big, LongDoubleFormat::DoubleDouble) => {
                let parts = memory.chunks(8).flat_map(|part| part.iter().rev());
                cells.zip(parts).for_each(|(cell, byte)| *cell = *byte);
            }
            (Endian::Big, _) => cells.zip(memory.iter().rev()).for_each(|(cell, byte)| *cell = *byte),
        }
        Self { bytes, format }
    }

    /// Encodes the number into `memory`, the bytes of a C `long double` in the byte order `endian`. Leaves padding
    /// unchanged.
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

    /// Converts `number` to the representation `format`. The conversion is exact, because every representation has all
    /// numbers of `f64`.
    #[must_use]
    pub fn from_f64(number: f64, format: LongDoubleFormat) -> Self {
        let mut bytes = [0; 16];
        let double = number.to_le_bytes();
        match format {
            LongDoubleFormat::Double | LongDoubleFormat::DoubleDouble => {
                bytes.iter_mut().zip(double).for_each(|(cell, byte)| *cell = byte);
            }
            LongDoubleFormat::X87 => bytes = widened_bits(number, 63, true).to_le_bytes(),
            LongDoubleFormat::Binary128 => bytes = widened_bits(number, 112, false).to_le_bytes(),
        }
        Self { bytes, format }
    }

    /// Returns the nearest `f64`, with ties to even. Returns infinity if the number is too large for an `f64`.
    ///
    /// Returns NaN for an invalid operand of the x87, as the x87 itself does. An invalid operand is a bit pattern with
    /// an exponent above 0 and an integer bit of 0.
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
        let [low, high] = halves(bits);
        match self.format {
            LongDoubleFormat::Double => f64::from_bits(low),
            LongDoubleFormat::DoubleDouble => {
                let (first, second) = (f64::from_bits(low), f64::from_bits(high));
                if first.is_finite() { first + second } else { first }
            }
            LongDoubleFormat::X87 => {
                let [_, _, _, _, _, _, _, _, byte_8, byte_9, ..] = self.bytes;
                let (sign, exponent) = sign_and_exponent([byte_8, byte_9]);
                let fraction = low & (u64::MAX >> 1_u32);
                let integer_bit = fraction != low;
                match (exponent, integer_bit) {
                    (0x7fff, true) if fraction == 0 => signed(sign, f64::INFINITY),
                    (0x7fff, _) | (1.., false) => signed(sign, f64::NAN),
                    _ => signed(sign, nearest(u128::from(low), last_bit_power(exponent, 63))),
                }
            }
            LongDoubleFormat::Binary128 => {
                let [.., byte_14, byte_15] = self.bytes;
                let (sign, exponent) = sign_and_exponent([byte_14, byte_15]);
                let fraction = bits & (u128::MAX >> 16_u32);
                match exponent {
                    0x7fff if fraction == 0 => signed(sign, f64::INFINITY),
                    0x7fff => signed(sign, f64::NAN),
                    0 => signed(sign, nearest(fraction, last_bit_power(0, 112))),
                    _ => signed(sign, nearest(fraction | (1_u128 << 112_u32), last_bit_power(exponent, 112))),
                }
            }
        }
    }

    /// Returns the nearest `f64`, with ties to even. Returns `None` if the number is finite but too large for an `f64`.
    ///
    /// ```
    /// use pep3118::LongDoubleFormat;
    /// use pep3118::decode::LongDouble;
    /// let infinity = LongDouble::from_f64(f64::INFINITY, LongDoubleFormat::X87);
    /// assert_eq!(infinity.to_f64_in_range(), Some(f64::INFINITY));
    /// ```
    #[must_use]
    pub fn to_f64_in_range(self) -> Option<f64> {
        let number = self.to_f64();
        // Infinity has one bit pattern in each representation, except for the low double of a double-double.
        let is_infinity = match self.format {
            LongDoubleFormat::DoubleDouble => {
                let [high, _] = halves(u128::from_le_bytes(self.bytes));
                f64::from_bits(high).is_infinite()
            }
            format => self == Self::from_f64(number, format),
        };
        (!number.is_infinite() || is_infinity).then_some(number)
    }

    /// Returns the 8, 10 or 16 significant bytes, least significant first. A double-double starts with the high double.
    #[must_use]
    pub fn as_le_bytes(&self) -> &[u8] {
        let Self { bytes, format } = self;
        // The range is always valid, because no width is more than 16.
        bytes.get(..Self::width(*format)).unwrap_or(bytes)
    }

    /// Returns the floating-point format of the number, such as `X87`.
    ///
    /// ```
    /// use pep3118::{LongDoubleFormat, decode::LongDouble};
    /// let number = LongDouble::from_f64(1.5, LongDoubleFormat::Binary128);
    /// assert_eq!(number.format(), LongDoubleFormat::Binary128);
    /// ```
    #[must_use]
    pub fn format(self) -> LongDoubleFormat {
        self.format
    }
}

impl fmt::Debug for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongDouble({:?}, {} as {})", self.to_f64(), self.as_le_bytes().escape_ascii(), name(self.format))
    }
}

/// Returns the name of the representation `format` for error messages.
pub(super) const fn name(format: LongDoubleFormat) -> &'static str {
    match format {
        LongDoubleFormat::Double => "binary64",
        LongDoubleFormat::X87 => "x87 extended",
        LongDoubleFormat::Binary128 => "binary128",
        LongDoubleFormat::DoubleDouble => "double-double",
    }
}

/// Returns the lower and the upper 64 bits of `bits`.
fn halves(bits: u128) -> [u64; 2] {
    let halves: [[u8; 8]; 2] = bytemuck::cast(bits.to_le_bytes());
    halves.map(u64::from_le_bytes)
}

/// Splits `bytes`, the two most significant bytes of a number in little-endian order, into the sign and the exponent.
/// The sign is true if the number is negative. The exponent has 15 bits.
fn sign_and_exponent(bytes: [u8; 2]) -> (bool, u16) {
    let bits = u16::from_le_bytes(bytes);
    (bits >> 15_u32 != 0, bits & 0x7fff)
}

/// Returns `-magnitude` if `negative` is true, and `magnitude` otherwise.
fn signed(negative: bool, magnitude: f64) -> f64 {
    if negative { -magnitude } else { magnitude }
}

/// Returns the exponent `p` for which the last bit of a significand has the value `2^p`. `exponent` is the biased
/// exponent of 15 bits. `fraction` is the number of bits of the significand after the binary point. An `exponent` of 0
/// (a denormal number) gives the same result as 1.
fn last_bit_power(exponent: u16, fraction: i32) -> i32 {
    i32::from(exponent.max(1)).saturating_sub(16_383).saturating_sub(fraction)
}

/// Returns the `f64` nearest to `significand * 2^power`, with ties to even.
fn nearest(significand: u128, power: i32) -> f64 {
    let Some(top_bit) = significand.checked_ilog2() else { return 0.0 };
    let top = power.saturating_add_unsigned(top_bit);
    if top > 1023 {
        return f64::INFINITY;
    }
    // `last` is the exponent of the last bit of an f64 whose most significant bit has the exponent `top`.
    let last = top.saturating_sub(52).max(-1074);
    let quotient = match (last.saturating_sub(power), last.abs_diff(power)) {
        // The significand fits into the 53 bits of an f64, so the shift loses no bits.
        (..=0, shift) => significand.unbounded_shl(shift),
        (_, shift @ 1..=127) => {
            let (whole, rest) = (significand >> shift, significand & !(u128::MAX << shift));
            let half = 1_u128 << shift.saturating_sub(1);
            let up = rest > half || (rest == half && whole & 1 == 1);
            whole.saturating_add(u128::from(up))
        }
        // The number is less than half of the last bit, because a significand has at most 113 bits.
        _ => 0,
    };
    // The exponent field is 0 if the last bit has the smallest power, -1074. The addition carries the leading bit of
    // `quotient` into the exponent field. A quotient that was rounded up to the next power of two also carries. The
    // exponent field and the fraction field are in the lower 64 bits.
    let exponent = u128::from(last.abs_diff(-1074)) << 52_u32;
    let [bits, _] = halves(exponent.wrapping_add(quotient));
    f64::from_bits(bits)
}

/// Returns the bits of `number` in a representation whose exponent has 15 bits. `fraction` is the number of bits of
/// the significand after the binary point. `explicit` must be true if the representation stores the bit before the
/// binary point, as the x87 format does.
fn widened_bits(number: f64, fraction: u32, explicit: bool) -> u128 {
    let bits = number.to_bits();
    let (exponent, mantissa) = ((bits >> 52_u32) & 0x7ff, u128::from(bits & (u64::MAX >> 12_u32)));
    let integer = 1_u128 << fraction;
    let spread = mantissa << fraction.saturating_sub(52);
    let (exponent, significand) = match exponent {
        0x7ff => (0x7fff, integer | spread),
        0 if mantissa == 0 => (0, 0),
        // The number is denormal as an f64, and normal with an exponent of 15 bits.
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
