//! [`nearest_float16`]: rounds an `f64` to the nearest float16.

use half::f16;

/// Returns the float16 that is nearest to `number`, with ties to even. Returns `f16::NAN` for a NaN.
///
/// `number` is rounded once, not first to `f32`, because a number that is rounded twice can differ from the nearest
/// float16. `f16::from_f64` is not used, because this function rounds the tie 2^-14 - 2^-25 in the wrong direction.
pub fn nearest_float16(number: f64) -> f16 {
    if number.is_nan() {
        return f16::NAN;
    }
    let sign = if number.is_sign_negative() { 0x8000_u16 } else { 0 };
    // 65520 is halfway between the largest float16 and the next power of 2, and is rounded to infinity.
    if number.abs() >= 65_520.0 {
        return f16::from_bits(sign | 0x7c00);
    }
    let bits = number.abs().to_bits();
    // 1009 is the exponent field of 2^-14, the smallest normal float16. The last bit has the value 2^-24 in 2^-14 and
    // in every smaller float16.
    let exponent = bits >> 52_u32;
    let steps = exponent.saturating_sub(1009);
    // An `f64` has 42 more bits after the binary point than a float16. A number below 2^-14 loses one more bit for each
    // power of 2 below 2^-14.
    let shift = 1009_u64.saturating_sub(exponent).saturating_add(42);
    // A subnormal `f64` has no leading bit. The result is 0, as for every number that is less than 2^-25.
    let significand = (bits & (u64::MAX >> 12_u32)) | 1 << 52_u32;
    let Some(shift) = u32::try_from(shift).ok().filter(|shift| *shift <= 53) else {
        return f16::from_bits(sign);
    };
    let (whole, rest) = (significand >> shift, significand & !(u64::MAX << shift));
    let half = 1_u64 << shift.saturating_sub(1);
    let up = rest > half || (rest == half && whole & 1 == 1);
    // `steps` is the exponent field of the float16 minus 1 for a normal float16, because the leading bit of `whole` adds
    // 1. A subnormal float16 has no leading bit and the exponent field 0. Rounding up to a power of 2 adds 1 too.
    let magnitude = (steps << 10_u32).saturating_add(whole).saturating_add(u64::from(up));
    let [low, high, ..] = magnitude.to_le_bytes();
    f16::from_bits(sign | u16::from_le_bytes([low, high]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_its_own_nearest_half() {
        for bits in 0..=u16::MAX {
            let exact = f16::from_bits(bits);
            if !exact.is_nan() {
                assert_eq!(nearest_float16(exact.to_f64()).to_bits(), bits, "{exact}");
            }
        }
        assert_eq!(nearest_float16(f64::NAN).to_bits(), f16::NAN.to_bits());
    }

    #[test]
    fn the_nearer_of_two_halves_is_chosen() {
        let nearest = |number| nearest_float16(number).to_bits();
        for bits in 0..0x7bff_u16 {
            let next = bits.wrapping_add(1);
            let (low, high) = (f16::from_bits(bits).to_f64(), f16::from_bits(next).to_f64());
            let middle = f64::midpoint(low, high);
            let even = if bits & 1 == 0 { bits } else { next };
            assert_eq!(nearest(middle), even, "{middle}");
            assert_eq!(nearest(middle.next_down()), bits, "{middle}");
            assert_eq!(nearest(middle.next_up()), next, "{middle}");
            assert_eq!(nearest(-middle), even | 0x8000, "{middle}");
        }
        assert_eq!(nearest(65519.99), 0x7bff);
        assert_eq!(nearest(65520.0), 0x7c00);
        assert_eq!(nearest(-1e300), 0xfc00);
        assert_eq!(nearest(f64::INFINITY), 0x7c00);
        assert_eq!(nearest(5e-324), 0);
        assert_eq!(nearest(-5e-324), 0x8000);
    }
}
