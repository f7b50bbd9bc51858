//! What one format character weighs: the one table of codes.

use super::dialect::WideChar;
use super::model::Node;
use super::ty::Type;
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::endian::Endian;
use crate::format::{ByteOrder, Code};

/// What a code is before its byte order character is known.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// The C type of one value, or of one part of a complex number.
    pub(crate) ctype: CType,
    /// Bytes under `= < > !`; 0 where there is no standard size.
    pub(crate) standard: u8,
    kind: Kind,
    // From here on nothing is new: what follows from the three above, worked out once.
    /// Bytes of the C type where every data model has the same; 0 where not.
    pub(crate) fixed: u8,
    /// The type at the standard size.
    usual: Type,
    /// The type at 8 bytes.
    wide: Type,
}

/// How the type of a code follows from its size.
#[derive(Clone, Copy)]
enum Kind {
    Signed,
    Unsigned,
    /// The type is fixed.
    Is(Type),
    /// The same, with two parts.
    Complex(Type),
}

/// The table. Read it through [`Entry::of`] or [`of_byte`], which have it ready. Standard sizes are
/// those of Python's `struct` documentation; `w` and `u` of PEP 3118.
const fn entry(code: Code) -> Entry {
    use CType as C;
    use Kind::{Complex, Is, Signed, Unsigned};
    let (kind, ctype, standard) = match code {
        Code::Pad => (Is(Type::Void), C::Char, 1),
        Code::Char => (Is(Type::Char), C::Char, 1),
        Code::SignedChar => (Signed, C::Char, 1),
        Code::UnsignedChar => (Unsigned, C::Char, 1),
        Code::Bool => (Is(Type::Bool), C::Char, 1),
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
        Code::Half => (Is(Type::Float16), C::Half, 2),
        Code::Float => (Is(Type::Float32), C::Float, 4),
        Code::Double => (Is(Type::Float64), C::Double, 8),
        Code::LongDouble => (Is(Type::LongDouble), C::LongDouble, 0),
        Code::ComplexHalf => (Complex(Type::Complex32), C::Half, 4),
        Code::ComplexFloat | Code::ComplexFloat314 => (Complex(Type::Complex64), C::Float, 8),
        Code::ComplexDouble | Code::ComplexDouble314 => (Complex(Type::Complex128), C::Double, 16),
        Code::ComplexLongDouble | Code::ComplexLongDouble314 => (Complex(Type::ComplexLongDouble), C::LongDouble, 0),
        Code::Bytes => (Is(Type::Bytes), C::Char, 1),
        Code::Pascal => (Is(Type::Pascal), C::Char, 1),
        Code::Pointer => (Is(Type::Pointer), C::Pointer, 0),
        Code::Object => (Is(Type::Object), C::Pointer, 0),
        Code::Ucs2 => (Is(Type::Ucs2), C::Short, 2),
        Code::Ucs4 => (Is(Type::Ucs4), C::Int, 4),
        Code::Bits => (Is(Type::Bits), C::Char, 1),
        Code::CharPointer => (Is(Type::CharPointer), C::Pointer, 0),
        Code::WcharPointer => (Is(Type::WcharPointer), C::Pointer, 0),
        Code::VariantBool => (Is(Type::Bool), C::Short, 2),
    };
    Entry::new(kind, ctype, standard)
}

/// [`entry`] of every code.
static OF_CODE: [Entry; 36] = {
    let mut table = [entry(Code::Pad); 36];
    let mut codes: &[Code] = &Code::ALL;
    let mut rest: &mut [Entry] = &mut table;
    while let ([code, more @ ..], [first, tail @ ..]) = (codes, rest) {
        *first = entry(*code);
        codes = more;
        rest = tail;
    }
    table
};

/// [`entry`] of every byte that is a code: from a byte to what it weighs is one load.
static OF_BYTE: [Slot; 256] = {
    let mut table = [Slot(None); 256];
    let mut rest: &mut [Slot] = &mut table;
    let mut byte = 0_u8;
    while let [first, tail @ ..] = rest {
        if let Some(code) = Code::from_byte(byte) {
            *first = Slot(Some((code, entry(code))));
        }
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
};

/// Eight bytes, so that finding one in the table takes no multiplication.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Slot(Option<(Code, Entry)>);

#[inline]
const fn of_code(code: Code) -> &'static Entry {
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "an entry for each code, in the order of the enum; neither `From` nor `get` is const"
    )]
    &OF_CODE[code as usize]
}

/// The code that a byte is, and its entry; `Z` is left out, its meaning depends on the next byte.
#[inline]
pub(crate) const fn of_byte(byte: u8) -> Option<&'static (Code, Entry)> {
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "an entry for each byte; neither `From` nor `get` is const"
    )]
    OF_BYTE[byte as usize].0.as_ref()
}

/// `u` where it is a `wchar_t`.
static WCHAR: Entry = Entry::new(Kind::Is(Type::Wchar), CType::Wchar, 0);

impl Entry {
    const fn new(kind: Kind, ctype: CType, standard: u8) -> Self {
        let fixed = match ctype {
            CType::Char => 1,
            CType::Short | CType::Half => 2,
            CType::Int | CType::Float => 4,
            CType::LongLong | CType::Double => 8,
            CType::Long | CType::SizeT | CType::Pointer | CType::LongDouble | CType::Wchar => 0,
        };
        Self { ctype, standard, kind, fixed, usual: kind.ty(widen(standard)), wide: kind.ty(8) }
    }

    /// The entry of a code in a dialect.
    #[inline]
    pub(crate) const fn of(code: Code, wide: WideChar) -> &'static Self {
        match (code, wide) {
            (Code::Ucs2, WideChar::Wchar) => &WCHAR,
            _ => of_code(code),
        }
    }

    /// The native size in bytes.
    #[inline(always)]
    pub(crate) const fn native_size(&self, model: &DataModel) -> u64 {
        let part = match self.ctype {
            // The one that varies and is everywhere: NumPy's integers are `l` on most machines.
            CType::Long => model.long,
            _ if self.fixed > 0 => widen(self.fixed),
            ctype => model.size_of(ctype),
        };
        if matches!(self.kind, Kind::Complex(_)) { part.saturating_mul(2) } else { part }
    }

    /// The type, once the size of one value is known.
    #[inline]
    pub(crate) const fn ty(&self, size: u64) -> Type {
        if size == widen(self.standard) {
            self.usual
        } else if size == 8 {
            self.wide
        } else {
            self.kind.ty(size)
        }
    }
}

impl Kind {
    /// The type of a value of so many bytes.
    #[inline(always)]
    const fn ty(self, size: u64) -> Type {
        match (self, size) {
            (Kind::Is(ty) | Kind::Complex(ty), _) => ty,
            (Kind::Signed, 1) => Type::Int8,
            (Kind::Signed, 2) => Type::Int16,
            (Kind::Signed, 4) => Type::Int32,
            (Kind::Signed, _) => Type::Int64,
            (Kind::Unsigned, 1) => Type::UInt8,
            (Kind::Unsigned, 2) => Type::UInt16,
            (Kind::Unsigned, 4) => Type::UInt32,
            (Kind::Unsigned, _) => Type::UInt64,
        }
    }
}

/// The byte order that a byte order character means on a machine.
#[inline]
pub(crate) const fn endian(order: ByteOrder, model: &DataModel) -> Endian {
    match order {
        ByteOrder::Little => Endian::Little,
        ByteOrder::Big | ByteOrder::Network => Endian::Big,
        ByteOrder::Native | ByteOrder::NativeStandard | ByteOrder::NativeUnaligned => model.endian,
    }
}

/// The alignment of a field's C type, by type and size, for a field that is not a record.
pub(crate) fn natural_align(node: &Node, model: &DataModel) -> Align {
    let ctype = match node.ty {
        Type::Bool if node.size == 2 => CType::Short,
        Type::Bool
        | Type::Char
        | Type::Int8
        | Type::UInt8
        | Type::Bytes
        | Type::Pascal
        | Type::Void
        | Type::Bits
        | Type::Opaque
        | Type::Record => return Align::ONE,
        Type::Int16 | Type::UInt16 | Type::Ucs2 => CType::Short,
        Type::Int32 | Type::UInt32 | Type::Ucs4 => CType::Int,
        Type::Int64 | Type::UInt64 => CType::LongLong,
        Type::Float16 | Type::Complex32 => CType::Half,
        Type::Float32 | Type::Complex64 => CType::Float,
        Type::Float64 | Type::Complex128 => CType::Double,
        Type::LongDouble | Type::ComplexLongDouble => CType::LongDouble,
        Type::Wchar => CType::Wchar,
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => CType::Pointer,
    };
    model.align_of(ctype)
}

/// One value of one code, without names, counts or structures: what most buffers hold.
///
/// The shortest way from a format to its meaning; it allocates nothing.
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
    /// What its bytes are.
    pub ty: Type,
    /// Its size in bytes.
    pub size: u64,
    /// Its byte order; of no matter where [`Type::has_byte_order`] is false.
    pub endian: Endian,
}

impl Scalar {
    /// The scalar that `format` is, if it is one code with at most one byte order character.
    ///
    /// Codes without a standard size under `= < > !` are not recognised, nor is padding, nor
    /// `s p u w t`, whose size is a length; [`Layout::read`](crate::Layout::read) tells about all of
    /// them.
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
                Some((code, entry)) if !code.count_is_length() => Self::of(entry, order, model),
                _ => None,
            },
            [b'Z', part] => match Code::complex_of(*part) {
                Some(code) => Self::of(of_code(code), order, model),
                None => None,
            },
            _ => None,
        }
    }

    // The call would cost as much as what it does.
    #[inline(always)]
    const fn of(entry: &Entry, order: ByteOrder, model: &DataModel) -> Option<Self> {
        let size = if order.has_native_sizes() { entry.native_size(model) } else { widen(entry.standard) };
        if size == 0 {
            return None;
        }
        Some(Self { ty: entry.ty(size), size, endian: endian(order, model) })
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

    fn told(entry: &Entry) -> (CType, u8, u8, Type, Type) {
        (entry.ctype, entry.standard, entry.fixed, entry.usual, entry.wide)
    }

    /// The tables hold what [`entry`] says, each code and each byte in its place.
    #[test]
    fn tables_have_their_entries_in_their_places() {
        for code in Code::ALL {
            assert_eq!(told(of_code(code)), told(&entry(code)), "{code}");
            // One letter finds the same; two letters, and `Z` alone, do not begin with it.
            if let [byte] = code.as_str().as_bytes()
                && *byte != b'Z'
            {
                let (found, weighs) = of_byte(*byte).unwrap();
                assert_eq!((*found, told(weighs)), (code, told(&entry(code))));
            }
        }
        assert_eq!((0..=u8::MAX).filter(|byte| of_byte(*byte).is_some()).count(), 31);
    }

    /// What is worked out in advance is what the size gives.
    #[test]
    fn types_follow_from_sizes() {
        for code in Code::ALL {
            let entry = entry(code);
            for size in [1, 2, 4, 8, 12, 16] {
                assert_eq!(entry.ty(size), entry.kind.ty(size), "{code} of {size} bytes");
            }
            for model in DataModel::ALL {
                let parts = if matches!(entry.kind, Kind::Complex(_)) { 2 } else { 1 };
                assert_eq!(entry.native_size(&model), model.size_of(entry.ctype) * parts, "{code} on {model}");
            }
        }
        assert_eq!([1, 2, 4, 8].map(|size| Kind::Signed.ty(size)), [Type::Int8, Type::Int16, Type::Int32, Type::Int64]);
        let unsigned = [Type::UInt8, Type::UInt16, Type::UInt32, Type::UInt64];
        assert_eq!([1, 2, 4, 8].map(|size| Kind::Unsigned.ty(size)), unsigned);
    }
}
