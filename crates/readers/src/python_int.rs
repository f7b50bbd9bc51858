//! [`digit`], [`decimal`] and [`int`]: parse integers by the rules of Python's `int()`, which accepts digits of any
//! script.

/// The code point of the digit zero of every script outside ASCII, in ascending order (Unicode general
/// category Nd). The digits 1 to 9 have the next nine code points.
const ZEROS: [u32; 65] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// Returns the value (0 to 9) of the decimal digit `c` of any script. Returns `None` if `c` is not a decimal
/// digit.
pub(super) fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let point = u32::from(c);
    let after = ZEROS.partition_point(|zero| *zero <= point);
    let zero = ZEROS.get(after.checked_sub(1)?)?;
    point.checked_sub(*zero).filter(|value| *value < 10)
}

/// Returns the number with the decimal digits `digits`. The most significant digit is first. Returns `u64::MAX` if the
/// number does not fit 64 bits.
pub(super) fn decimal(digits: impl Iterator<Item = u32>) -> u64 {
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit)))
}

/// Returns the value of Python's `int(text)`. Returns `None` if Python raises an error, or if the value is
/// negative.
///
/// Python accepts white space around the number, a sign, single underscores between digits, and digits of any
/// script. Returns `u64::MAX` if the number does not fit 64 bits.
pub(super) fn int(text: &[char]) -> Option<u64> {
    let is_space = |c: &char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
    let start = text.iter().position(|c| !is_space(c))?;
    let end = text.iter().rposition(|c| !is_space(c))?.checked_add(1)?;
    let trimmed = text.get(start..end)?;
    let (negative, digits) = match trimmed {
        ['-', digits @ ..] => (true, digits),
        ['+', digits @ ..] | digits => (false, digits),
    };
    let (mut number, mut after_digit) = (0_u64, false);
    for c in digits {
        match digit(*c) {
            Some(value) => {
                number = number.saturating_mul(10).saturating_add(u64::from(value));
                after_digit = true;
            }
            None if *c == '_' && after_digit => after_digit = false,
            None => return None,
        }
    }
    (after_digit && (!negative || number == 0)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::int;

    #[test]
    fn integers_of_python_are_parsed() {
        let read = |text: &str| int(&text.chars().collect::<alloc::vec::Vec<char>>());
        assert_eq!(read(" +1_0\t"), Some(10));
        assert_eq!(read("\u{664}\u{ff12}"), Some(42));
        assert_eq!(read("-0"), Some(0));
        for refused in ["", " ", "-1", "1__0", "_1", "1_", "+", "1 0", "\u{b2}"] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
    }
}
