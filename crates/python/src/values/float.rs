//! Converts between `f64`, the type of a Python `float`, and the narrower floats `f32` and float16. `NanConversion`
//! selects the treatment of NaN payloads.

use half::f16;
use pep3118::__private::nearest_float16;

/// The conversions of a NaN: one for reading an item, and one for writing an item.
#[derive(Clone, Copy, Debug)]
pub(super) struct NanConversions {
    /// The conversion of a NaN in an item to a `float`.
    pub(super) read: NanConversion,
    /// The conversion of a NaN in a `float` to an item.
    pub(super) write: NanConversion,
}

impl NanConversions {
    /// Returns conversions that use `conversion` for reading and for writing.
    pub(super) const fn both(conversion: NanConversion) -> Self {
        Self { read: conversion, write: conversion }
    }
}

/// The sign, the payload and the signalling bit of a converted NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NanConversion {
    /// The result is a quiet NaN with the same sign and payload, as from the conversion instructions of processors.
    Quiet,
    /// The sign is kept, and the payload is replaced by the payload of `float("nan")`.
    Canonical,
    /// The sign, the payload and the signalling bit are kept. If no bit of the payload fits into the narrower float,
    /// the result is a quiet NaN.
    Exact,
}

/// The bit of an `f64` that is 1 in a quiet NaN and 0 in a signalling NaN.
const QUIET: u64 = 1 << 51;

/// Rounds `number` to the nearest float32, ties to even. `nans` selects the result for a NaN.
#[inline(always)]
pub(super) fn narrow(number: f64, nans: NanConversion) -> f32 {
    let narrow = nearest(number);
    if nans == NanConversion::Exact && number.is_nan() { signalling(number, narrow) } else { narrow }
}

#[expect(clippy::as_conversions, reason = "rounds to the nearest float32, as intended")]
#[inline(always)]
fn nearest(number: f64) -> f32 {
    number as f32
}

/// Returns the float32 NaN for the NaN `number`. `narrow` must be `number` converted to a quiet NaN. If `number` is a
/// quiet NaN, returns `narrow`. If `number` is a signalling NaN, returns `narrow` with the quiet bit cleared. If the
/// payload has no other bit, a NaN without the quiet bit would be infinity, and the function returns `narrow`.
#[cold]
fn signalling(number: f64, narrow: f32) -> f32 {
    let bits = narrow.to_bits();
    let quiet = number.to_bits() & QUIET != 0;
    f32::from_bits(if quiet || bits & 0x3f_ffff == 0 { bits } else { bits & !0x40_0000 })
}

/// Converts `number` to `f64`. `nans` selects the result for a NaN.
#[inline(always)]
pub(super) fn widen(number: f32, nans: NanConversion) -> f64 {
    let wide = f64::from(number);
    if nans == NanConversion::Exact && number.is_nan() {
        let signalling = number.to_bits() & 0x40_0000 == 0;
        return f64::from_bits(if signalling { wide.to_bits() & !QUIET } else { wide.to_bits() });
    }
    wide
}

/// Converts `number` to `f64`. `nans` selects the result for a NaN.
#[inline]
pub(super) fn widen_half(number: f16, nans: NanConversion) -> f64 {
    if !number.is_nan() {
        return number.to_f64();
    }
    let payload = match nans {
        NanConversion::Quiet => QUIET | u64::from(number.to_bits() & 0x3ff) << 42_u32,
        NanConversion::Canonical => QUIET,
        NanConversion::Exact => u64::from(number.to_bits() & 0x3ff) << 42_u32,
    };
    let nan = f64::INFINITY.to_bits() | payload;
    f64::from_bits(if number.is_sign_negative() { nan | 1 << 63_u32 } else { nan })
}

/// Rounds `number` to the nearest float16, ties to even. `nans` selects the result for a NaN. The function does not
/// round to float32 first, because a number that is rounded twice can differ from the nearest float16.
pub(super) fn narrow_half(number: f64, nans: NanConversion) -> f16 {
    if number.is_nan() {
        let (bits, sign) = (number.to_bits(), if number.is_sign_negative() { 0x8000_u16 } else { 0 });
        return f16::from_bits(sign | 0x7c00 | half_payload(bits, nans));
    }
    nearest_float16(number)
}

/// Converts an `f64` NaN to a float16 NaN. `bits` are the bits of the `f64`. `nans` selects the conversion. Returns the
/// significand of the float16, its low 10 bits.
fn half_payload(bits: u64, nans: NanConversion) -> u16 {
    // A number of nine bits fits 16 bits, so the default is never used.
    let payload = u16::try_from((bits >> 42_u32) & 0x1ff).unwrap_or(0);
    let quiet = 0x200;
    match nans {
        NanConversion::Quiet => quiet | payload,
        NanConversion::Canonical => quiet,
        NanConversion::Exact if bits & QUIET == 0 && payload != 0 => payload,
        NanConversion::Exact => quiet | payload,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn exact_conversions_keep_every_half_nan() {
        for bits in (0x7c01..=0x7fff_u16).chain(0xfc01..=0xffff) {
            let wide = widen_half(f16::from_bits(bits), NanConversion::Exact);
            assert!(wide.is_nan());
            assert_eq!(narrow_half(wide, NanConversion::Exact).to_bits(), bits);
        }
    }

    #[test]
    fn quiet_conversions_keep_the_payload_and_set_the_quiet_bit() {
        let wide = widen_half(f16::from_bits(0xfd01), NanConversion::Quiet);
        assert_eq!(wide.to_bits(), 0xfffc_0400_0000_0000);
        assert_eq!(narrow_half(wide, NanConversion::Quiet).to_bits(), 0xff01);
    }

    #[test]
    fn canonical_conversions_keep_the_sign_alone() {
        let wide = widen_half(f16::from_bits(0xfd01), NanConversion::Canonical);
        assert_eq!(wide.to_bits(), 0xfff8_0000_0000_0000);
        assert_eq!(narrow_half(f64::from_bits(0xfff8_0c80_0000_0001), NanConversion::Canonical).to_bits(), 0xfe00);
    }

    #[test]
    fn exact_conversions_keep_signalling_floats() {
        let wide = widen(f32::from_bits(0x7f81_0001), NanConversion::Exact);
        assert_eq!(wide.to_bits(), 0x7ff0_2000_2000_0000);
        assert_eq!(narrow(wide, NanConversion::Exact).to_bits(), 0x7f81_0001);
        // A signalling NaN without a payload would be infinity.
        assert_eq!(narrow(f64::from_bits(0x7ff0_0000_0000_0001), NanConversion::Exact).to_bits(), 0x7fc0_0000);
        assert_eq!(widen(f32::from_bits(0x7f81_0001), NanConversion::Quiet).to_bits(), 0x7ff8_2000_2000_0000);
    }
}
