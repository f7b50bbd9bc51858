//! [`Scalar`]: the type, the size and the byte order of a value that a format of one format character describes.
//! [`CodeInfo`]: the C type and the sizes of a format character.

use super::dialect::WideChar;
use super::ty::Type;
use crate::abi::{CType, DataModel};
use crate::endian::Endian;
use crate::format::{ByteOrder, Code};

/// The C type and the sizes of a format character.
#[derive(Clone, Copy)]
pub(crate) struct CodeInfo {
    /// The C type of a value. For a complex number, the C type of the real part.
    pub(crate) ctype: CType,
    /// The standard size in bytes, which is the size under `= < > !`, or 0 if the format character has no standard
    /// size.
    pub(crate) standard: u8,
    /// The rule that determines the type of a value from its size.
    rule: TypeRule,
    // `new` computes the following three fields from the fields above. Almost every look-up needs these results.
    /// The size of `ctype` in bytes if the size is equal in all data models, or 0 if the size varies.
    pub(crate) fixed: u8,
    /// The type of a value of the standard size.
    standard_type: Type,
    /// The type of a value of 8 bytes.
    wide_type: Type,
}

/// The rule that determines the type of a value from the size of the value.
#[derive(Clone, Copy)]
enum TypeRule {
    /// A signed integer. The size selects the type: 4 bytes are an `int32`.
    Signed,
    /// An unsigned integer. The size selects the type: 4 bytes are a `uint32`.
    Unsigned,
    /// The given type, for values of every size.
    Fixed(Type),
    /// The given complex type, for values of every size. A value consists of a real part and an imaginary part.
    Complex(Type),
}

/// Computes the C type and the sizes of `code`, for [`INFO_BY_CODE`] and [`INFO_BY_BYTE`]. The documentation of
/// Python's `struct` defines the standard sizes. PEP 3118 defines the standard sizes of `w` and `u`.
const fn compute_info(code: Code) -> CodeInfo {
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

/// The result of [`compute_info`] for every format character, in the order of [`Code`].
static INFO_BY_CODE: [CodeInfo; 36] = {
    let mut table = [compute_info(Code::Pad); 36];
    let mut codes: &[Code] = &Code::ALL;
    let mut rest: &mut [CodeInfo] = &mut table;
    while let ([code, more @ ..], [first, tail @ ..]) = (codes, rest) {
        *first = compute_info(*code);
        codes = more;
        rest = tail;
    }
    table
};

/// For every byte that is a format character: the format character, and the result of [`compute_info`]. With this
/// table, the fast path finds the size of a format character in one load.
static INFO_BY_BYTE: [ByteEntry; 256] = {
    let mut table = [ByteEntry(None); 256];
    let mut rest: &mut [ByteEntry] = &mut table;
    let mut byte = 0_u8;
    while let [first, tail @ ..] = rest {
        if let Some(code) = Code::from_byte(byte) {
            *first = ByteEntry(Some((code, compute_info(code))));
        }
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

/// An entry of [`INFO_BY_BYTE`]. The alignment rounds the size of an entry up to a power of two. The address of an
/// entry is then computed by a shift, which takes less time than a multiplication.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct ByteEntry(Option<(Code, CodeInfo)>);

/// Returns the C type and the standard size of `code`. The C type of `u` is a UCS-2 character.
#[inline]
const fn info_of_code(code: Code) -> &'static CodeInfo {
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "the table has an entry for each code, in the order of the enum; neither `From` nor `get` is const"
    )]
    &INFO_BY_CODE[code as usize]
}

/// Returns the format character `byte`, with its C type and sizes. Returns `None` if `byte` is not a format character.
/// Also returns `None` for `Z`, because the byte after the `Z` decides the meaning of the `Z`.
#[inline]
pub(crate) const fn info_of_byte(byte: u8) -> Option<&'static (Code, CodeInfo)> {
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "the table has an entry for each byte; neither `From` nor `get` is const"
    )]
    INFO_BY_BYTE[byte as usize].0.as_ref()
}

/// The C type and the sizes of `u` in dialects that read `u` as a `wchar_t`.
static WCHAR: CodeInfo = CodeInfo::new(TypeRule::Fixed(Type::Wchar), CType::Wchar, 0);

impl CodeInfo {
    /// Creates the entry of a format character whose values have the C type `ctype`. `rule` gives the type of a value
    /// from its size. `standard` is the standard size in bytes, or 0 if the format character has no standard size.
    const fn new(rule: TypeRule, ctype: CType, standard: u8) -> Self {
        let fixed = match ctype {
            CType::Char => 1,
            CType::Short | CType::Half => 2,
            CType::Int | CType::Float => 4,
            CType::LongLong | CType::Double => 8,
            CType::Long | CType::SizeT | CType::Pointer | CType::LongDouble | CType::Wchar => 0,
        };
        Self { ctype, standard, rule, fixed, standard_type: rule.ty(to_u64(standard)), wide_type: rule.ty(8) }
    }

    /// Returns the C type and the sizes of `code`. `wide` is the type of `u` in the dialect.
    #[inline]
    pub(crate) const fn of(code: Code, wide: WideChar) -> &'static Self {
        match (code, wide) {
            (Code::Ucs2, WideChar::Wchar) => &WCHAR,
            _ => info_of_code(code),
        }
    }

    /// Returns the native size of a value in bytes, in the data model `model`.
    #[inline(always)]
    pub(crate) const fn native_size(&self, model: &DataModel) -> u64 {
        let part = match self.ctype {
            // This arm is first, because `long` is the most frequent type whose size varies. NumPy writes a 64-bit
            // integer as `l` on most machines.
            CType::Long => model.long,
            _ if self.fixed > 0 => to_u64(self.fixed),
            ctype => model.size_of(ctype),
        };
        if matches!(self.rule, TypeRule::Complex(_)) { part.saturating_mul(2) } else { part }
    }

    /// Returns the type of a value of this format character that has `size` bytes.
    #[inline]
    pub(crate) const fn ty(&self, size: u64) -> Type {
        if size == to_u64(self.standard) {
            self.standard_type
        } else if size == 8 {
            self.wide_type
        } else {
            self.rule.ty(size)
        }
    }
}

impl TypeRule {
    /// Returns the type of a value of `size` bytes by this rule. An integer whose size is not 1, 2 or 4 bytes is an
    /// `int64` or a `uint64`.
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

/// Returns the byte order that the byte-order character `order` selects: little-endian, big-endian, or the byte order
/// of the data model `model`.
#[inline]
pub(crate) const fn endian(order: ByteOrder, model: &DataModel) -> Endian {
    match order {
        ByteOrder::Little => Endian::Little,
        ByteOrder::Big | ByteOrder::Network => Endian::Big,
        ByteOrder::Native | ByteOrder::NativeStandard | ByteOrder::NativeUnaligned => model.endian,
    }
}

/// The type, the size and the byte order of one number, address or character. The items of most buffers are single
/// values.
///
/// [`recognize`](Self::recognize) is the fastest function that reads a format, because it allocates no memory.
///
/// ```
/// use pep3118::{DataModel, Endian, Scalar, Type};
///
/// let scalar = Scalar::recognize(b">d", &DataModel::LP64).unwrap();
/// assert_eq!((scalar.ty, scalar.size, scalar.endian), (Type::Float64, 8, Endian::Big));
/// assert_eq!(Scalar::recognize(b"2d", &DataModel::LP64), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Scalar {
    /// The type.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub ty: Type,
    /// The size in bytes.
    pub size: u64,
    /// The byte order. Types for which [`Type::has_byte_order`] returns `false` ignore this field.
    pub endian: Endian,
}

impl Scalar {
    /// Returns the scalar that `format` describes on a machine with the data model `model`. Returns `None` if `format`
    /// is not one format character, such as `d` or `Zd`, after at most one byte-order character. Accepts the format
    /// characters of all dialects.
    ///
    /// Also returns `None` for `x s p u w t`, because the count of these characters is a length. Also returns `None`
    /// for characters without a standard size, such as `n`, under `= < > !`. For all these formats, use
    /// [`Layout::read`](crate::Layout::read), which accepts the format or returns the reason.
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
            [byte] => match info_of_byte(*byte) {
                Some((code, info)) if !code.count_is_length() => Self::of(info, order, model),
                _ => None,
            },
            [b'Z', part] => match Code::complex_of(*part) {
                Some(code) => Self::of(info_of_code(code), order, model),
                None => None,
            },
            _ => None,
        }
    }

    /// Returns the scalar of the format character that `info` describes, under the byte-order character `order` in the
    /// data model `model`. Returns `None` if the format character has no size under `order`.
    // Inlined because a call takes as many instructions as the body.
    #[inline(always)]
    const fn of(info: &CodeInfo, order: ByteOrder, model: &DataModel) -> Option<Self> {
        let size = if order.has_native_sizes() { info.native_size(model) } else { to_u64(info.standard) };
        if size == 0 {
            return None;
        }
        Some(Self { ty: info.ty(size), size, endian: endian(order, model) })
    }
}

/// Converts `size` to `u64`. Unlike `u64::from`, this function can be called in a const function.
#[expect(clippy::as_conversions, reason = "u8 to u64; `From` is not const")]
const fn to_u64(size: u8) -> u64 {
    size as u64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    /// Returns the fields of `info` except the rule, for a comparison.
    fn parts(info: &CodeInfo) -> (CType, u8, u8, Type, Type) {
        (info.ctype, info.standard, info.fixed, info.standard_type, info.wide_type)
    }

    #[test]
    fn each_code_and_each_byte_has_its_own_entry() {
        for code in Code::ALL {
            assert_eq!(parts(info_of_code(code)), parts(&compute_info(code)), "{code}");
            // `INFO_BY_BYTE` has no entry for `Z` and for format characters of two letters, such as `Zd`.
            if let [byte] = code.as_str().as_bytes()
                && *byte != b'Z'
            {
                let (found, by_byte) = info_of_byte(*byte).unwrap();
                assert_eq!((*found, parts(by_byte)), (code, parts(&compute_info(code))));
            }
        }
        assert_eq!((0..=u8::MAX).filter(|byte| info_of_byte(*byte).is_some()).count(), 31);
    }

    #[test]
    fn types_computed_in_advance_follow_from_the_size() {
        for code in Code::ALL {
            let info = compute_info(code);
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
