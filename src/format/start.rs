//! The first byte of a token, and what it announces.

use super::code::{ByteOrder, Code};

/// What the first byte of a token announces.
#[derive(Clone, Copy)]
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
    Stranger,
}

impl Start {
    #[inline]
    pub(super) fn of(byte: u8) -> Self {
        /// One load where a chain of tests would be walked for each byte.
        static OF_BYTE: [Start; 256] = {
            let mut table = [Start::Stranger; 256];
            let mut rest: &mut [Start] = &mut table;
            let mut byte = 0_u8;
            while let [first, tail @ ..] = rest {
                *first = Start::announced_by(byte);
                byte = byte.wrapping_add(1);
                rest = tail;
            }
            table
        };
        OF_BYTE.get(usize::from(byte)).copied().unwrap_or(Self::Stranger)
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
                (None, None) => Self::Stranger,
            },
        }
    }
}
