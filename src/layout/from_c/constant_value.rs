//! [`Value`]: the value of a constant expression, and the integer conversions of C.

/// The value of a constant expression of an integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) number: i128,
    /// The number of bits of the type: 32 or 64.
    pub(super) bits: u32,
    pub(super) is_signed: bool,
}

impl Value {
    /// Returns the value `number` of the type `int`.
    pub(super) const fn int(number: i128) -> Self {
        Self { number, bits: 32, is_signed: true }
    }

    /// Returns the enumerator `number`. The type is the smallest of `int`, `unsigned`, `long long` and `unsigned long
    /// long` that contains `number`, or `long long` if none of these types contains `number`.
    pub(super) fn enumerator(number: i128) -> Self {
        let candidates = [(32, true), (32, false), (64, true), (64, false)];
        let fits = |(bits, is_signed): &(u32, bool)| Self { number, bits: *bits, is_signed: *is_signed }.is_in_range();
        let (bits, is_signed) = candidates.into_iter().find(fits).unwrap_or((64, true));
        Self { number, bits, is_signed }
    }

    /// Returns the smallest and the largest value of the type.
    pub(super) fn range(self) -> (i128, i128) {
        let values = 1_i128.checked_shl(self.bits).unwrap_or(i128::MAX);
        let half = values >> 1_u32;
        if self.is_signed {
            (0_i128.saturating_sub(half), half.saturating_sub(1))
        } else {
            (0, values.saturating_sub(1))
        }
    }

    /// Returns whether the type contains the number.
    pub(super) fn is_in_range(self) -> bool {
        let (min, max) = self.range();
        (min..=max).contains(&self.number)
    }

    /// Converts the value to the integer type of `bits` bits, which is signed if `is_signed` is `true`. As C requires,
    /// a value outside the range of an unsigned type is reduced modulo the number of values of the type. Returns `None`
    /// for a value outside the range of a signed type.
    pub(super) fn convert(self, bits: u32, is_signed: bool) -> Option<Self> {
        let converted = Self { bits, is_signed, ..self };
        if converted.is_in_range() {
            return Some(converted);
        }
        let values = 1_i128.checked_shl(bits)?;
        (!is_signed).then_some(Self { number: self.number.checked_rem_euclid(values)?, ..converted })
    }

    /// Converts `self` and `other` to their common type by the usual arithmetic conversions of C, and returns both.
    /// Returns `None` if a value is outside the range of the common type.
    pub(super) fn common(self, other: Self) -> Option<(Self, Self)> {
        let bits = self.bits.max(other.bits);
        let is_signed = [self, other].iter().all(|value| value.is_signed || value.bits < bits);
        Some((self.convert(bits, is_signed)?, other.convert(bits, is_signed)?))
    }
}
