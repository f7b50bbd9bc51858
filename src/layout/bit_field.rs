//! [`BitField`]: the position of a bit-field in the bytes of its field, and the type of its values.

use super::ty::Type;
use crate::endian::Endian;

/// The largest number of bits of a bit-field.
const MAX_WIDTH: u8 = 64;

/// The position of a bit-field in the bytes of its field, and the type of its values.
///
/// The field has the smallest number of bytes that contain all bits of the bit-field: at most 9. To read the value,
/// read these bytes as one unsigned integer in the byte order of the field. Then shift the integer right by
/// [`offset`](Self::offset) bits, and use only the lowest [`width`](Self::width) bits.
///
/// ```
/// use pep3118::layout::BitField;
/// use pep3118::{Endian, Type};
///
/// // `int code : 5` after 6 other bits: bits 6 and 7 of the first byte, and bits 0 to 2 of the second byte.
/// let code = BitField::new(Type::Int32, 6, 5).unwrap();
/// assert_eq!((code.offset(), code.width(), code.size()), (6, 5, 2));
/// let mut bytes = [0b1100_0000, 0b0000_0111];
/// assert_eq!(code.read(&bytes, Endian::Little), -1);
/// code.write(2, &mut bytes, Endian::Little).unwrap();
/// assert_eq!(bytes, [0b1000_0000, 0b0000_0000]);
/// assert_eq!(code.write(16, &mut bytes, Endian::Little), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BitField {
    /// The number of bits below the bit-field: 0 to 7.
    offset: u8,
    /// The number of bits: 1 to [`MAX_WIDTH`].
    width: u8,
    /// The type of the values: `Bool` or an integer type.
    ty: Type,
}

impl BitField {
    /// Creates a bit-field of `width` bits, whose values have the type `ty`. The bytes of the field form one integer,
    /// and `offset` is the number of bits below the bit-field in this integer.
    ///
    /// Returns `None` in three cases: `ty` is neither `Bool` nor an integer type, `width` is 0 or larger than the
    /// number of bits of `ty`, or `offset` is larger than 7.
    #[must_use]
    pub const fn new(ty: Type, offset: u8, width: u8) -> Option<Self> {
        let bits = match ty {
            // C permits a `_Bool` of 1 bit only. ctypes permits a `c_bool` of up to 8 bits.
            Type::Bool | Type::Int8 | Type::UInt8 => 8,
            Type::Int16 | Type::UInt16 => 16,
            Type::Int32 | Type::UInt32 => 32,
            Type::Int64 | Type::UInt64 => MAX_WIDTH,
            _ => return None,
        };
        if width == 0 || width > bits || offset > 7 { None } else { Some(Self { offset, width, ty }) }
    }

    /// Creates a bit-field from its position in a storage unit. A storage unit is the integer of the C type in which a
    /// compiler allocates the bits. Returns the bit-field, and the offset of its first byte in bytes from the start of
    /// the unit.
    ///
    /// `size` is the size of the unit in bytes, and `endian` is the byte order of the unit. `low_bit` is the number of
    /// bits below the bit-field in the unit. `width` and `ty` have the same meaning as for [`new`](Self::new).
    ///
    /// Returns `None` if the bit-field is not inside the unit, or if [`new`](Self::new) returns `None`.
    ///
    /// ```
    /// use pep3118::layout::BitField;
    /// use pep3118::{Endian, Type};
    ///
    /// // Bits 30 and 31 of an `unsigned int`.
    /// let high = |endian| BitField::in_unit(Type::UInt32, 4, endian, 30, 2).unwrap();
    /// assert_eq!(high(Endian::Little), (BitField::new(Type::UInt32, 6, 2).unwrap(), 3));
    /// assert_eq!(high(Endian::Big), (BitField::new(Type::UInt32, 6, 2).unwrap(), 0));
    /// ```
    #[must_use]
    pub fn in_unit(ty: Type, size: u64, endian: Endian, low_bit: u64, width: u8) -> Option<(Self, u64)> {
        let offset = u8::try_from(low_bit & 7).ok()?;
        let field = Self::new(ty, offset, width)?;
        let lowest_byte = low_bit >> 3_u32;
        let after = lowest_byte.checked_add(field.size())?;
        let above = size.checked_sub(after)?;
        Some((field, if endian == Endian::Little { lowest_byte } else { above }))
    }

    /// Returns the number of bits below the bit-field in the integer that the bytes form: 0 to 7.
    #[must_use]
    pub const fn offset(self) -> u8 {
        self.offset
    }

    /// Returns the number of bits: 1 to 64.
    #[must_use]
    pub const fn width(self) -> u8 {
        self.width
    }

    /// Returns the type of the values: `Bool` or an integer type.
    ///
    /// ```
    /// use pep3118::Type;
    /// use pep3118::layout::BitField;
    /// assert_eq!(BitField::new(Type::Int32, 6, 5).unwrap().ty(), Type::Int32);
    /// ```
    #[must_use]
    pub const fn ty(self) -> Type {
        self.ty
    }

    /// Returns the number of bytes that contain the bit-field: 1 to 9.
    #[must_use]
    pub fn size(self) -> u64 {
        let bits = u64::from(self.offset).saturating_add(u64::from(self.width));
        bits.div_ceil(8)
    }

    /// Returns whether the values have a sign.
    ///
    /// ```
    /// use pep3118::Type;
    /// use pep3118::layout::BitField;
    /// assert!(BitField::new(Type::Int32, 0, 5).unwrap().is_signed());
    /// assert!(!BitField::new(Type::UInt32, 0, 5).unwrap().is_signed());
    /// ```
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self.ty, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64)
    }

    /// Returns the smallest and the largest value: -16 and 15 for a signed bit-field of 5 bits.
    ///
    /// ```
    /// use pep3118::Type;
    /// use pep3118::layout::BitField;
    /// assert_eq!(BitField::new(Type::Int32, 0, 5).unwrap().range(), (-16, 15));
    /// ```
    #[must_use]
    pub fn range(self) -> (i128, i128) {
        if self.ty == Type::Bool {
            return (0, 1);
        }
        let values = 1_i128.checked_shl(self.width.into()).unwrap_or(i128::MAX);
        if self.is_signed() {
            let half = values >> 1_u32;
            (half.saturating_neg(), half.saturating_sub(1))
        } else {
            (0, values.saturating_sub(1))
        }
    }

    /// Returns the value in `bytes`, the bytes of the field in the byte order `endian`. If `bytes` is shorter than
    /// [`size`](Self::size), the missing most significant bytes count as 0. The value of a Boolean bit-field is 1 if
    /// any of its bits is 1, and 0 otherwise.
    #[must_use]
    #[inline]
    pub fn read(self, bytes: &[u8], endian: Endian) -> i128 {
        let bits = self.unsigned(bytes, endian);
        if self.ty == Type::Bool {
            return i128::from(bits != 0);
        }
        let (_, max) = self.range();
        let value = i128::from(bits);
        // In two's complement, a bit pattern above the largest value is a negative number.
        if value > max { value.saturating_sub(1_i128 << u32::from(self.width)) } else { value }
    }

    /// Writes `value` into `bytes`, the bytes of the field in the byte order `endian`. Leaves all other bits unchanged.
    ///
    /// Returns `None` and leaves `bytes` unchanged in two cases: `value` is not in the [`range`](Self::range) of the
    /// bit-field, or the length of `bytes` is not the [`size`](Self::size) of the field.
    #[must_use]
    #[inline]
    pub fn write(self, value: i128, bytes: &mut [u8], endian: Endian) -> Option<()> {
        let (min, max) = self.range();
        if value < min || value > max || u64::try_from(bytes.len()) != Ok(self.size()) {
            return None;
        }
        let mask = self.mask();
        let integer = integer(bytes, endian);
        // The mask removes the sign bits above the bit-field.
        let placed = (value.cast_unsigned() & mask) << u32::from(self.offset);
        let changed = integer & !(mask << u32::from(self.offset)) | placed;
        let little = changed.to_le_bytes();
        match endian {
            Endian::Little => bytes.iter_mut().zip(little).for_each(|(to, byte)| *to = byte),
            Endian::Big => bytes.iter_mut().rev().zip(little).for_each(|(to, byte)| *to = byte),
        }
        Some(())
    }

    /// Returns one mask for each byte of a field in the byte order `endian`, in the order of the bytes in memory. In a
    /// mask, the bits of the bit-field are 1.
    ///
    /// ```
    /// use pep3118::layout::BitField;
    /// use pep3118::{Endian, Type};
    /// let code = BitField::new(Type::Int32, 6, 5).unwrap();
    /// assert_eq!(code.masks(Endian::Little).collect::<Vec<u8>>(), [0b1100_0000, 0b0000_0111]);
    /// assert_eq!(code.masks(Endian::Big).collect::<Vec<u8>>(), [0b0000_0111, 0b1100_0000]);
    /// ```
    pub fn masks(self, endian: Endian) -> impl Iterator<Item = u8> {
        let little = (self.mask() << u32::from(self.offset)).to_le_bytes();
        // The size is at most 9.
        let size = usize::try_from(self.size()).unwrap_or(little.len());
        (0..size).map(move |at| {
            let index = if endian == Endian::Little { at } else { size.saturating_sub(at).saturating_sub(1) };
            little.get(index).copied().unwrap_or_default()
        })
    }

    /// Returns the bits of the bit-field in `bytes` as an unsigned integer.
    #[inline]
    fn unsigned(self, bytes: &[u8], endian: Endian) -> u64 {
        let bits = integer(bytes, endian) >> u32::from(self.offset) & self.mask();
        // The mask has at most 64 bits, so the default is never used.
        u64::try_from(bits).unwrap_or(u64::MAX)
    }

    /// Returns an integer whose lowest [`width`](Self::width) bits are 1.
    #[inline]
    fn mask(self) -> u128 {
        (1_u128 << u32::from(self.width)).wrapping_sub(1)
    }
}

/// Returns the unsigned integer that `bytes` form in the byte order `endian`. Uses the 16 least significant bytes if
/// `bytes` are more than 16 bytes.
#[inline]
fn integer(bytes: &[u8], endian: Endian) -> u128 {
    let push = |integer: u128, byte: &u8| integer << 8_u32 | u128::from(*byte);
    match endian {
        Endian::Little => bytes.iter().rev().fold(0, push),
        Endian::Big => bytes.iter().fold(0, push),
    }
}
