//! [`SmallFloat`]: floats of 4, 6 and 8 bits, as the package `ml_dtypes` defines them. [`nearest_float32`]: the
//! conversion of an `f64` to an `f32`.

/// The bits of a float of at most 8 bits: the sign (if the type has a sign), the exponent, and the mantissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SmallFloat {
    /// The bit of the sign. All bits below it are the exponent and the mantissa.
    sign: u8,
    mantissa_bits: u32,
    bias: i32,
    special: Special,
}

/// The values of a [`SmallFloat`] that are not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    /// As in IEEE 754: the largest exponent means infinity or NaN.
    Ieee,
    /// `fn`: no infinity. All bits but the sign are 1 in a NaN.
    Finite,
    /// `fnuz`: no infinity and no negative zero. The bits of the negative zero mean NaN.
    FiniteUnsignedZero,
    /// `fn` of 4 and 6 bits: every value is finite.
    AllFinite,
    /// `fnu`: no sign, no infinity, no zero, no mantissa. All bits are 1 in the NaN.
    ExponentOnly,
}

impl SmallFloat {
    /// `float8_e3m4` of `ml_dtypes`.
    pub(super) const E3M4: Self = Self::new(4, 3, Special::Ieee);
    /// `float8_e4m3` of `ml_dtypes`.
    pub(super) const E4M3: Self = Self::new(3, 7, Special::Ieee);
    /// `float8_e4m3b11fnuz` of `ml_dtypes`.
    pub(super) const E4M3B11FNUZ: Self = Self::new(3, 11, Special::FiniteUnsignedZero);
    /// `float8_e4m3fn` of `ml_dtypes`.
    pub(super) const E4M3FN: Self = Self::new(3, 7, Special::Finite);
    /// `float8_e4m3fnuz` of `ml_dtypes`.
    pub(super) const E4M3FNUZ: Self = Self::new(3, 8, Special::FiniteUnsignedZero);
    /// `float8_e5m2` of `ml_dtypes`.
    pub(super) const E5M2: Self = Self::new(2, 15, Special::Ieee);
    /// `float8_e5m2fnuz` of `ml_dtypes`.
    pub(super) const E5M2FNUZ: Self = Self::new(2, 16, Special::FiniteUnsignedZero);
    /// `float8_e8m0fnu` of `ml_dtypes`.
    pub(super) const E8M0FNU: Self = Self::new(0, 127, Special::ExponentOnly);

    /// `float4_e2m1fn` of `ml_dtypes`.
    pub(super) const E2M1FN: Self = Self { sign: 0x08, ..Self::new(1, 1, Special::AllFinite) };
    /// `float6_e2m3fn` of `ml_dtypes`.
    pub(super) const E2M3FN: Self = Self { sign: 0x20, ..Self::new(3, 1, Special::AllFinite) };
    /// `float6_e3m2fn` of `ml_dtypes`.
    pub(super) const E3M2FN: Self = Self { sign: 0x20, ..Self::new(2, 3, Special::AllFinite) };

    /// Creates a type of 8 bits whose mantissa has `mantissa_bits` bits. The exponent of a number is the stored
    /// exponent minus `bias`. `special` describes the values that are not finite.
    const fn new(mantissa_bits: u32, bias: i32, special: Special) -> Self {
        Self { sign: 0x80, mantissa_bits, bias, special }
    }

    /// Returns the bits below the sign, which are all 1 in the result.
    const fn magnitude_bits(self) -> u8 {
        self.sign.saturating_sub(1)
    }

    /// Returns the value of the bits `byte`. In a type of 4 or 6 bits, each bit above the sign also means a negative
    /// number.
    pub(super) fn decode(self, byte: u8) -> f64 {
        if self.special == Special::ExponentOnly {
            return if byte == 0xff { f64::NAN } else { power_of_two(i32::from(byte).saturating_sub(self.bias)) };
        }
        // `ml_dtypes` also reads a bit above the sign as a sign.
        let (is_negative, bits) = (byte >= self.sign, byte & self.magnitude_bits());
        let exponent = i32::from(bits >> self.mantissa_bits);
        let ones = (1_u8 << self.mantissa_bits).saturating_sub(1);
        let mantissa = bits & ones;
        let special = match self.special {
            Special::Ieee if bits | ones == self.magnitude_bits() => {
                Some(if mantissa == 0 { f64::INFINITY } else { f64::NAN })
            }
            Special::Finite if bits == self.magnitude_bits() => Some(f64::NAN),
            Special::FiniteUnsignedZero if byte == 0x80 => Some(f64::NAN),
            _ => None,
        };
        let magnitude = special.unwrap_or_else(|| {
            let scale = exponent.max(1).saturating_sub(self.bias).saturating_sub(self.mantissa_bits.cast_signed());
            // If the exponent is 0, the mantissa has no leading 1.
            let hidden = if exponent == 0 { 0 } else { 1_u8 << self.mantissa_bits };
            f64::from(hidden | mantissa) * power_of_two(scale)
        });
        if is_negative { -magnitude } else { magnitude }
    }

    /// Returns the bits of the value that is nearest to `number`. A number half-way between two values becomes the
    /// value whose last bit is 0, or the larger value if the type has no mantissa. Returns `None` if the type does not
    /// have the value. Examples are a finite number beyond the largest value, an infinity or a NaN in a type without
    /// it, and zero or a negative number in a type without a sign. A negative zero becomes zero in a type without a
    /// negative zero.
    pub(super) fn encode(self, number: f64) -> Option<u8> {
        // `ml_dtypes` rounds to a `float32` first.
        let number = f64::from(nearest_float32(number));
        let is_signed = self.special != Special::ExponentOnly;
        if number.is_nan() {
            // The NaN has the sign of the number. All other bits are those of a quiet NaN.
            let sign = if is_signed && number.is_sign_negative() { 0x80 } else { 0 };
            return match self.special {
                Special::Ieee => Some(sign | (0x7f & !((1_u8 << self.mantissa_bits).saturating_sub(1) >> 1_u32))),
                Special::Finite => Some(sign | 0x7f),
                Special::FiniteUnsignedZero => Some(0x80),
                Special::ExponentOnly => Some(0xff),
                Special::AllFinite => None,
            };
        }
        if number.is_infinite() {
            let infinity = 0x7f & !((1_u8 << self.mantissa_bits).saturating_sub(1));
            let sign = if number < 0.0 { 0x80 } else { 0 };
            return (self.special == Special::Ieee).then_some(sign | infinity);
        }
        if !is_signed && number <= 0.0 {
            return None;
        }
        let (sign, magnitude) = if number.is_sign_negative() { (self.sign, -number) } else { (0, number) };
        let last = if is_signed { self.magnitude_bits() } else { 0xfe };
        // The values of the bits 0 to `last` increase, up to the first value that is not finite.
        let finite = (0..=last).map(|bits| (bits, self.decode(bits))).take_while(|(_, value)| value.is_finite());
        let nearest = finite.fold((0, f64::INFINITY, 0.0), |best: (u8, f64, f64), (bits, value)| {
            let distance = (value - magnitude).abs();
            // `ml_dtypes` rounds a tie to the even value, and to the larger value if there is no mantissa.
            let wins_tie = !is_signed || bits & 1 == 0;
            let is_nearer = distance < best.1 || distance.total_cmp(&best.1).is_eq() && wins_tie;
            if is_nearer { (bits, distance, value) } else { best }
        });
        let (bits, _, value) = nearest;
        if magnitude > value {
            // If `value` is the largest value of the type, a number beyond the half-way point to the next larger value
            // rounds to that value, which the type does not have.
            let before = bits.checked_sub(1).map_or(0.0, |bits| self.decode(bits));
            let is_largest = bits == last || !self.decode(bits.saturating_add(1)).is_finite();
            let half = if is_signed { (value - before) / 2.0 } else { value / 2.0 };
            let beyond = (magnitude - value).total_cmp(&half);
            if is_largest && (beyond.is_gt() || beyond.is_eq() && (!is_signed || bits & 1 == 1)) {
                return None;
            }
        }
        match (sign, bits, self.special) {
            // The type has no negative zero.
            (0x80, 0, Special::FiniteUnsignedZero) => Some(0),
            _ => Some(sign | bits),
        }
    }
}

/// Returns 2 to the power of `exponent`, which must be an exponent of a normal `f64`.
fn power_of_two(exponent: i32) -> f64 {
    debug_assert!((-1022..=1023).contains(&exponent), "2^{exponent} is not a normal `f64`");
    // The exponents of floats of 8 bits are between -127 and 127, so the default is never used.
    let biased = u64::try_from(exponent.saturating_add(1023)).unwrap_or(0);
    f64::from_bits(biased << 52_u32)
}

/// Returns the `float32` that is nearest to `number`.
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the conversion rounds to the nearest")]
pub fn nearest_float32(number: f64) -> f32 {
    number as f32
}
