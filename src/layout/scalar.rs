//! [`Scalar`], a format of one format character, and the table of the C types and sizes of all format characters.

use super::dialect::WideChar;
use super::ty::Type;
use crate::abi::{CType, DataModel};
use crate::endian::Endian;
use crate::format::{ByteOrder, Code};

/// The C type and the sizes of a format character.
#[derive(Clone, Copy)]
pub(crate) struct CodeInfo {
    /// The C type of one value; of a complex number, the type of one part.
    pub(crate) ctype: CType,
    /// The size in bytes under `= < > !`; 0 if there is no standard size.
    pub(crate) standard: u8,
    rule: TypeRule,
    // The fields below are computed from those above, because each look-up uses them.
    /// The size of the C type in bytes, if it is the same in every data model; else 0.
    pub(crate) fixed: u8,
    /// The type of a value of the standard size.
    standard_type: Type,
    /// The type of a value of 8 bytes.
    wide_type: Type,
}

/// The way in which the size of a value determines its type.
#[derive(Clone, Copy)]
enum TypeRule {
    Signed,
    Unsigned,
    /// The type is the same for all sizes.
    Fixed(Type),
    /// The type is the same for all sizes, and values have two parts.
    Complex(Type),
}

/// Computes the information on a format character. [`CodeInfo::of`] and [`of_byte`] look it up.
///
/// Standard sizes are those in the documentation of Python's `struct`; of `w` and `u` those in PEP 3118.
const fn info(code: Code) -> CodeInfo {
    use CType as C;
    use TypeRule::{Complex, Fixed, Signed, Unsigned};
    let (rule, ctype, standard) = match code {
        Code::Pad => (Fixed(Type::Void), C::Char, 1),
        Code::Char => (Fixed(Type::Char), C::Char, 1),
        Code::SignedChar => (Signed, C::Char, 1),
        Code::UnsignedChar => (Unsigned, C::Char, 1),
        Code::Bool => (Fixed(Type::Bool), C::Char, 1),
        Code::Short => (Signed, C::Short, 2),
        Code::UnsignedShort => (Unsigned, C::Short, 2),
        Code::Int => (Signed, C::Int, 4),
        Code::UnsignedInt => (Unsigned, C::Int, 4),
        Code::Long => (Signed, C::Long, 4),
        Code::UnsignedLong => (Unsigned, C::Long, 4),
        Code::LongLong => (Signed, C::LongLong, 8),
        Code::UnsignedLongLong => (Unsigned, C::LongLong, 8),
        Code::SsizeT => (Signed, C::SizeT, 0),
        Code::SizeT => (Unsigned, C::SizeT, 0),
        Code::Half => (Fixed(Type::Float16), C::Half, 2),
        Code::Float => (Fixed(Type::Float32), C::Float, 4),
        Code::Double => (Fixed(Type::Float64), C::Double, 8),
        Code::LongDouble => (Fixed(Type::LongDouble), C::LongDouble, 0),
        Code::ComplexHalf => (Complex(Type::Complex32), C::Half, 4),
        Code::ComplexFloat | Code::ComplexFloat314 => (Complex(Type::Complex64), C::Float, 8),
        Code::ComplexDouble | Code::ComplexDouble314 => (Complex(Type::Complex128), C::Double, 16),
        Code::ComplexLongDouble | Code::ComplexLongDouble314 => (Complex(Type::ComplexLongDouble), C::LongDouble, 0),
        Code::Bytes => (Fixed(Type::Bytes), C::Char, 1),
        Code::Pascal => (Fixed(Type::Pascal), C::Char, 1),
        Code::Pointer => (Fixed(Type::Pointer), C::Pointer, 0),
        Code::Object => (Fixed(Type::Object), C::Pointer, 0),
        Code::Ucs2 => (Fixed(Type::Ucs2), C::Short, 2),
        Code::Ucs4 => (Fixed(Type::Ucs4), C::Int, 4),
        Code::Bits => (Fixed(Type::Bits), C::Char, 1),
        Code::CharPointer => (Fixed(Type::CharPointer), C::Pointer, 0),
        Code::WcharPointer => (Fixed(Type::WcharPointer), C::Pointer, 0),
        Code::VariantBool => (Fixed(Type::Bool), C::Short, 2),
    };
    CodeInfo::new(rule, ctype, standard)
}

/// [`info`] of every format character, in the order of [`Code`].
static OF_CODE: [CodeInfo; 36] = {
    let mut table = [info(Code::Pad); 36];
    let mut codes: &[Code] = &Code::ALL;
    let mut rest: &mut [CodeInfo] = &mut table;
    while let ([code, more @ ..], [first, tail @ ..]) = (codes, rest) {
        *first = info(*code);
        codes = more;
        rest = tail;
    }
    table
};

/// [`info`] of every byte that is a code: from a byte to what it weighs is one load.
static OF_BYTE: [Slot; 256] = {
    let mut table = [Slot(None); 256];
    let mut rest: &mut [Slot] = &mut table;
    let mut byte = 0_u8;
    while let [first, tail @ ..] = rest {
        if let Some(code) = Code::from_byte(byte) {
            *first = Slot(Some((code, info(code))));
        }
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

/// An entry of the table. Its size of eight bytes makes the look-up a shift instead of a multiplication.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Slot(Option<(Code, CodeInfo)>);

#[inline]
const fn of_code(code: Code) -> &'static CodeInfo {
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "an info for each code, in the order of the enum; neither `From` nor `get` is const"
    )]
    &OF_CODE[code as usize]
}

/// Returns the format character that a byte is; `None` for `Z`, whose meaning depends on the next byte.
#[inline]
pub(crate) const fn of_byte(byte: u8) -> Option<&'static (Code, CodeInfo)> {
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "an info for each byte; neither `From` nor `get` is const"
    )]
    OF_BYTE[byte as usize].0.as_ref()
}

/// The format character `u` as a `wchar_t`.
static WCHAR: CodeInfo = CodeInfo::new(TypeRule::Fixed(Type::Wchar), CType::Wchar, 0);

impl CodeInfo {
    const fn new(rule: TypeRule, ctype: CType, standard: u8) -> Self {
        let fixed = match ctype {
            CType::Char => 1,
            CType::Short | CType::Half => 2,
            CType::Int | CType::Float => 4,
            CType::LongLong | CType::Double => 8,
            CType::Long | CType::SizeT | CType::Pointer | CType::LongDouble | CType::Wchar => 0,
        };
        Self { ctype, standard, rule, fixed, standard_type: rule.ty(widen(standard)), wide_type: rule.ty(8) }
    }

    /// Returns the information on a format character in dialects where `u` is `wide`.
    #[inline]
    pub(crate) const fn of(code: Code, wide: WideChar) -> &'static Self {
        match (code, wide) {
            (Code::Ucs2, WideChar::Wchar) => &WCHAR,
            _ => of_code(code),
        }
    }

    /// Returns the native size in bytes.
    #[inline(always)]
    pub(crate) const fn native_size(&self, model: &DataModel) -> u64 {
        let part = match self.ctype {
            // The most frequent type whose size varies: NumPy writes 64-bit integers as `l` on most machines.
            CType::Long => model.long,
            _ if self.fixed > 0 => widen(self.fixed),
            ctype => model.size_of(ctype),
        };
        if matches!(self.rule, TypeRule::Complex(_)) { part.saturating_mul(2) } else { part }
    }

    /// Returns the type of values of a size.
    #[inline]
    pub(crate) const fn ty(&self, size: u64) -> Type {
        if size == widen(self.standard) {
            self.standard_type
        } else if size == 8 {
            self.wide_type
        } else {
            self.rule.ty(size)
        }
    }
}

impl TypeRule {
    /// Returns the type of a value of `size` bytes.
    #[inline(always)]
    const fn ty(self, size: u64) -> Type {
        match (self, size) {
            (TypeRule::Fixed(ty) | TypeRule::Complex(ty), _) => ty,
            (TypeRule::Signed, 1) => Type::Int8,
            (TypeRule::Signed, 2) => Type::Int16,
            (TypeRule::Signed, 4) => Type::Int32,
            (TypeRule::Signed, _) => Type::Int64,
            (TypeRule::Unsigned, 1) => Type::UInt8,
            (TypeRule::Unsigned, 2) => Type::UInt16,
            (TypeRule::Unsigned, 4) => Type::UInt32,
            (TypeRule::Unsigned, _) => Type::UInt64,
        }
    }
}

/// Returns the byte order that a byte-order character selects in a data model.
#[inline]
pub(crate) const fn endian(order: ByteOrder, model: &DataModel) -> Endian {
    match order {
        ByteOrder::Little => Endian::Little,
        ByteOrder::Big | ByteOrder::Network => Endian::Big,
        ByteOrder::Native | ByteOrder::NativeStandard | ByteOrder::NativeUnaligned => model.endian,
    }
}

/// One number, address or character: the item of most buffers.
///
/// [`recognize`](Self::recognize) is the fastest way to read a format, and allocates nothing.
///
/// ```
/// use pep3118::{DataModel, Endian, Scalar, Type};
///
/// let scalar = Scalar::recognize(b">d", &DataModel::LP64).unwrap();
/// assert_eq!((scalar.ty, scalar.size, scalar.endian), (Type::Float64, 8, Endian::Big));
/// assert_eq!(Scalar::recognize(b"2d", &DataModel::LP64), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The type.
    pub ty: Type,
    /// The size in bytes.
    pub size: u64,
    /// The byte order; without effect if [`Type::has_byte_order`] is false.
    pub endian: Endian,
}

impl Scalar {
    /// Returns the scalar that a format describes: one format character after at most one byte-order character.
    ///
    /// The result is `None` for all other formats, among them `x`, `s p u w t`, whose size is a length, and
    /// format characters without a standard size under `= < > !`. [`Layout::read`](crate::Layout::read)
    /// accepts those or explains why not.
    #[must_use]
    #[inline]
    pub const fn recognize(format: &[u8], model: &DataModel) -> Option<Self> {
        let (order, rest) = match format {
            [first, rest @ ..] => match ByteOrder::from_byte(*first) {
                Some(order) => (order, rest),
                None => (ByteOrder::Native, format),
            },
            [] => return None,
        };
        match rest {
            [byte] => match of_byte(*byte) {
                Some((code, info)) if !code.count_is_length() => Self::of(info, order, model),
                _ => None,
            },
            [b'Z', part] => match Code::complex_of(*part) {
                Some(code) => Self::of(of_code(code), order, model),
                None => None,
            },
            _ => None,
        }
    }

    // A call costs as many instructions as the body.
    #[inline(always)]
    const fn of(info: &CodeInfo, order: ByteOrder, model: &DataModel) -> Option<Self> {
        let size = if order.has_native_sizes() { info.native_size(model) } else { widen(info.standard) };
        if size == 0 {
            return None;
        }
        Some(Self { ty: info.ty(size), size, endian: endian(order, model) })
    }
}

#[expect(clippy::as_conversions, reason = "u8 to u64; `From` is not const")]
const fn widen(size: u8) -> u64 {
    size as u64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn parts(info: &CodeInfo) -> (CType, u8, u8, Type, Type) {
        (info.ctype, info.standard, info.fixed, info.standard_type, info.wide_type)
    }

    #[test]
    fn each_code_and_each_byte_has_its_own_entry() {
        for code in Code::ALL {
            assert_eq!(parts(of_code(code)), parts(&info(code)), "{code}");
            // Format characters of two letters and `Z` are not in the table of bytes.
            if let [byte] = code.as_str().as_bytes()
                && *byte != b'Z'
            {
                let (found, by_byte) = of_byte(*byte).unwrap();
                assert_eq!((*found, parts(by_byte)), (code, parts(&info(code))));
            }
        }
        assert_eq!((0..=u8::MAX).filter(|byte| of_byte(*byte).is_some()).count(), 31);
    }

    #[test]
    fn types_computed_in_advance_follow_from_the_size() {
        for code in Code::ALL {
            let info = info(code);
            for size in [1, 2, 4, 8, 12, 16] {
                assert_eq!(info.ty(size), info.rule.ty(size), "{code} of {size} bytes");
            }
            for model in DataModel::ALL {
                let parts = if matches!(info.rule, TypeRule::Complex(_)) { 2 } else { 1 };
                assert_eq!(info.native_size(&model), model.size_of(info.ctype) * parts, "{code} on {model}");
            }
        }
        assert_eq!(
            [1, 2, 4, 8].map(|size| TypeRule::Signed.ty(size)),
            [Type::Int8, Type::Int16, Type::Int32, Type::Int64]
        );
        let unsigned = [Type::UInt8, Type::UInt16, Type::UInt32, Type::UInt64];
        assert_eq!([1, 2, 4, 8].map(|size| TypeRule::Unsigned.ty(size)), unsigned);
    }
}
