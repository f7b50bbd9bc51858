//! [`Conversion`]: converts bit-fields and values of user types between items and columns. The columns of all other
//! fields have the bytes of the items, except for the byte order.

use super::error::{DecodeError, EncodeErrorKind};
use crate::endian::Endian;
use crate::layout::{BitField, Type, UserType, UserValue, element_size, nearest_float32};

/// The conversion between the bytes of a value in an item and an element of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// The column has the integers of a bit-field.
    Bits(BitField),
    /// The column has the numbers of a user type.
    User(UserType),
}

impl Conversion {
    /// Returns the type of the elements of the column.
    fn value_type(self) -> Type {
        match self {
            Self::Bits(bits) => bits.ty(),
            Self::User(user) => user.value_type(),
        }
    }

    /// Returns the size in bytes of one element of the column.
    pub(super) fn element_size(self) -> usize {
        // `element_size` returns `None` for the values of a Boolean bit-field, which have 1 byte.
        element_size(self.value_type()).and_then(|size| usize::try_from(size).ok()).unwrap_or(1)
    }

    /// Converts `value` to `element`. `value` has the bytes of a value of an item, in the byte order `endian`.
    /// `element` is an element of the column, in the byte order of this machine.
    ///
    /// # Errors
    /// - a registered user type has no number for the bytes, or has a number that is not in the range of its column:
    ///   [`DecodeError::UserType`]
    pub(super) fn read(self, value: &[u8], endian: Endian, element: &mut [u8]) -> Result<(), DecodeError> {
        let number = match self {
            Self::Bits(bits) => UserValue::Int(bits.read(value, endian)),
            Self::User(user) => user.decode(value, endian)?,
        };
        write_number(&number, self.value_type(), element).ok_or_else(|| {
            DecodeError::UserType(crate::layout::UserTypeError::new(alloc::format!(
                "{number} is not a value of {}",
                self.value_type()
            )))
        })
    }

    /// Converts `element` to `value`. `element` is an element of the column, in the byte order of this machine. `value`
    /// has the bytes of a value of an item, in the byte order `endian`. Leaves the bits of `value` outside the
    /// bit-field unchanged.
    ///
    /// # Errors
    /// - the bit-field or the user type cannot represent the number
    pub(super) fn write(self, element: &[u8], value: &mut [u8], endian: Endian) -> Result<(), EncodeErrorKind> {
        let number = read_number(element, self.value_type());
        match (self, &number) {
            (Self::Bits(bits), UserValue::Int(number)) => {
                let (low, high) = bits.range();
                let error = EncodeErrorKind::OutOfRange { value: *number, ty: bits.ty(), low, high };
                bits.write(*number, value, endian).ok_or(error)
            }
            (Self::Bits(bits), _) => Err(EncodeErrorKind::Kind { found: "float", wanted: bits.ty().as_str() }),
            (Self::User(user), number) => Ok(user.encode(number, value, endian)?),
        }
    }

    /// Checks that the bit-field or the user type can represent each number of `elements`. `elements` has the bytes of
    /// the elements of a column. `size` is the size in bytes of a value in an item.
    ///
    /// # Errors
    /// - every error of [`write`](Self::write)
    /// - there is not enough memory
    pub(super) fn check(self, elements: &[u8], size: usize) -> Result<(), EncodeErrorKind> {
        let mut value = alloc::vec::Vec::new();
        value.try_reserve_exact(size).map_err(|_| DecodeError::Allocation { bytes: crate::align::to_u64(size) })?;
        value.resize(size, 0);
        elements
            .chunks_exact(self.element_size())
            .try_for_each(|element| self.write(element, &mut value, Endian::Little))
    }
}

/// Writes `number` to `element`, an element of type `ty` in the byte order of this machine. Rounds a float to the
/// nearest number of `ty`. Returns `None` if `number` is an integer out of the range of `ty`, or is of another kind
/// than `ty`.
fn write_number(number: &UserValue, ty: Type, element: &mut [u8]) -> Option<()> {
    let is_float = matches!(ty, Type::Float32 | Type::Float64);
    let integer = match number {
        UserValue::Float(number) if ty == Type::Float64 => {
            element.copy_from_slice(&number.to_ne_bytes());
            return Some(());
        }
        UserValue::Float(number) if ty == Type::Float32 => {
            element.copy_from_slice(&nearest_float32(*number).to_ne_bytes());
            return Some(());
        }
        UserValue::Int(number) if !is_float => *number,
        UserValue::UInt(number) if !is_float => i128::try_from(*number).ok()?,
        _ => return None,
    };
    let (low, high) = match ty {
        Type::Bool => (0, 1),
        Type::Int8 => (i8::MIN.into(), i8::MAX.into()),
        Type::UInt8 => (0, u8::MAX.into()),
        Type::Int16 => (i16::MIN.into(), i16::MAX.into()),
        Type::UInt16 => (0, u16::MAX.into()),
        Type::Int32 => (i32::MIN.into(), i32::MAX.into()),
        Type::UInt32 => (0, u32::MAX.into()),
        Type::Int64 => (i64::MIN.into(), i64::MAX.into()),
        _ => (0_i128, u64::MAX.into()),
    };
    if integer < low || integer > high {
        return None;
    }
    element.iter_mut().zip(integer.to_le_bytes()).for_each(|(to, byte)| *to = byte);
    if Endian::HOST == Endian::Big {
        element.reverse();
    }
    Some(())
}

/// Returns the number in `element`, an element of type `ty` in the byte order of this machine. The result is
/// `UserValue::Float` for floats, and `UserValue::Int` for signed and unsigned integers.
fn read_number(element: &[u8], ty: Type) -> UserValue {
    match (ty, <[u8; 4]>::try_from(element), <[u8; 8]>::try_from(element)) {
        (Type::Float32, Ok(bytes), _) => return UserValue::Float(f32::from_ne_bytes(bytes).into()),
        (Type::Float64, _, Ok(bytes)) => return UserValue::Float(f64::from_ne_bytes(bytes)),
        _ => {}
    }
    let push = |number: i128, byte: &u8| number << 8_u32 | i128::from(*byte);
    let (number, highest) = match Endian::HOST {
        Endian::Little => (element.iter().rev().fold(0, push), element.last()),
        Endian::Big => (element.iter().fold(0, push), element.first()),
    };
    let is_signed = matches!(ty, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64);
    let is_negative = is_signed && highest.is_some_and(|byte| byte & 0x80 != 0);
    let power = element.iter().fold(1_i128, |power, _| power << 8_u32);
    UserValue::Int(if is_negative { number.saturating_sub(power) } else { number })
}
