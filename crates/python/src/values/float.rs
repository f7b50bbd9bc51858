//! Floats made narrower.

use half::f16;

/// The nearest float32, ties to even.
#[expect(clippy::as_conversions, reason = "rounds to the nearest, which is what is asked for")]
pub(super) fn single(number: f64) -> f32 {
    number as f32
}

/// The nearest float16, ties to even, rounded once: not by way of float32.
pub(super) fn half(number: f64) -> f16 {
    let bits = number.to_bits();
    let sign = if number.is_sign_negative() { 0x8000_u16 } else { 0 };
    let biased = i64::try_from((bits >> 52_u32) & 0x7ff).unwrap_or(0);
    if number.is_nan() {
        return f16::from_f64(number);
    }
    let exponent = biased.saturating_sub(1023);
    if biased == 0x7ff || exponent > 15 {
        return f16::from_bits(sign | 0x7c00);
    }
    // number = significand * 2^(exponent - 52); numbers without the leading bit are too small anyway.
    let significand = (bits & (u64::MAX >> 12_u32)) | (1 << 52_u32);
    // The power of the last bit that a float16 of this magnitude has.
    let last = exponent.saturating_sub(10).max(-24);
    let shift = u32::try_from(last.saturating_sub(exponent).saturating_add(52)).unwrap_or(u32::MAX);
    if shift > 53 {
        return f16::from_bits(sign);
    }
    let whole = significand >> shift;
    let (rest, half) = (significand & !(u64::MAX << shift), 1_u64 << shift.saturating_sub(1));
    let up = rest > half || (rest == half && whole & 1 == 1);
    // The leading bit carries into the exponent, and so does rounding up to the next power.
    let power = u64::try_from(exponent.saturating_add(14)).unwrap_or(0) << 10_u32;
    let magnitude = power.wrapping_add(whole).wrapping_add(u64::from(up));
    f16::from_bits(sign | u16::try_from(magnitude).unwrap_or(0x7c00).min(0x7c00))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_its_own_nearest() {
        for bits in 0..=u16::MAX {
            let exact = f16::from_bits(bits);
            if !exact.is_nan() {
                assert_eq!(half(exact.to_f64()).to_bits(), bits, "{exact}");
            }
        }
    }

    #[test]
    fn between_two_halves_the_nearer_one_is_chosen() {
        for bits in 0..0x7bff_u16 {
            let (low, high) = (f16::from_bits(bits).to_f64(), f16::from_bits(bits + 1).to_f64());
            let middle = f64::midpoint(low, high);
            let even = bits + (bits & 1);
            assert_eq!(half(middle).to_bits(), even, "{middle}");
            assert_eq!(half(middle.next_down()).to_bits(), bits, "{middle}");
            assert_eq!(half(middle.next_up()).to_bits(), bits + 1, "{middle}");
            assert_eq!(half(-middle).to_bits(), even | 0x8000, "{middle}");
        }
        assert_eq!(half(65519.99).to_bits(), 0x7bff);
        assert_eq!(half(65520.0).to_bits(), 0x7c00);
        assert_eq!(half(-1e300).to_bits(), 0xfc00);
        assert_eq!(half(5e-324).to_bits(), 0);
        assert!(half(f64::NAN).is_nan());
    }
}
