//! The first byte of a token, and what it announces.

use super::code::{ByteOrder, Code};

/// What the first byte of a token announces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    Code(Code),
    Mark(ByteOrder),
    Count,
    Spaces,
    Record,
    Close,
    Shape,
    Pointer,
    Complex,
    Function,
    UserType,
    Unknown,
}

impl Start {
    #[inline]
    pub(super) fn of(byte: u8) -> Self {
        /// One load where a chain of tests would be walked for each byte.
        static OF_BYTE: [Start; 256] = {
            let mut table = [Start::Unknown; 256];
            let mut rest: &mut [Start] = &mut table;
            let mut byte = 0_u8;
            while let [first, tail @ ..] = rest {
                *first = Start::announced_by(byte);
                byte = byte.wrapping_add(1);
                rest = tail;
            }
            table
        };
        OF_BYTE.get(usize::from(byte)).copied().unwrap_or(Self::Unknown)
    }

    const fn announced_by(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Count,
            b' ' | b'\t'..=b'\r' => Self::Spaces,
            b'T' => Self::Record,
            b'}' => Self::Close,
            b'(' => Self::Shape,
            b'&' => Self::Pointer,
            b'Z' => Self::Complex,
            b'X' => Self::Function,
            b'[' => Self::UserType,
            _ => match (Code::from_byte(byte), ByteOrder::from_byte(byte)) {
                (Some(code), _) => Self::Code(code),
                (None, Some(order)) => Self::Mark(order),
                (None, None) => Self::Unknown,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    /// The table has each byte in its place, and none announces two things.
    #[test]
    fn every_byte_is_announced_as_the_grammar_says() {
        let mut strangers = 0;
        for byte in 0..=u8::MAX {
            let start = Start::of(byte);
            assert_eq!(start, Start::announced_by(byte), "{byte:#x}");
            let (mark, space) = (b"@=<>!^".contains(&byte), byte.is_ascii_whitespace() || byte == 0x0b);
            match start {
                Start::Code(code) => assert_eq!(code.as_str().as_bytes(), [byte]),
                Start::Mark(order) => assert_eq!((order.as_str().as_bytes(), mark), (&[byte][..], true)),
                Start::Count => assert!(byte.is_ascii_digit()),
                Start::Spaces => assert!(space),
                Start::Record => assert_eq!(byte, b'T'),
                Start::Close => assert_eq!(byte, b'}'),
                Start::Shape => assert_eq!(byte, b'('),
                Start::Pointer => assert_eq!(byte, b'&'),
                Start::Complex => assert_eq!(byte, b'Z'),
                Start::Function => assert_eq!(byte, b'X'),
                Start::UserType => assert_eq!(byte, b'['),
                Start::Unknown => {
                    assert!(!mark && !space && !byte.is_ascii_digit() && Code::from_byte(byte).is_none());
                    strangers += 1;
                }
            }
        }
        // 31 codes, 6 marks, 10 digits, 6 spaces, 7 that open or close something.
        assert_eq!(strangers, 256 - 31 - 6 - 10 - 6 - 7);
    }
}
