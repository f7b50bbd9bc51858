//! [`Type`]: the types of values.

use core::fmt;

use crate::abi::{CType, DataModel};
use crate::align::Align;

/// The type of the values of a field.
///
/// Names are those of NumPy if NumPy has the type. Strings have any size: a field of type `Bytes` with 5 bytes has
/// the [`size`](super::Field::size) 5.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Type};
/// let layout = Layout::read(b"5s", &Dialect::STRUCT, &DataModel::LP64)?;
/// let text = layout.item();
/// assert_eq!((text.ty(), text.size(), text.ty().as_str()), (Type::Bytes, 5, "bytes"));
/// assert_eq!(Type::by_name("int32"), Some(Type::Int32));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Type {
    /// `_Bool` in one byte; `VARIANT_BOOL` in two.
    Bool,
    /// One character in one byte.
    Char,
    /// Signed, 1 byte.
    Int8,
    /// Unsigned, 1 byte.
    UInt8,
    /// Signed, 2 bytes.
    Int16,
    /// Unsigned, 2 bytes.
    UInt16,
    /// Signed, 4 bytes.
    Int32,
    /// Unsigned, 4 bytes.
    UInt32,
    /// Signed, 8 bytes.
    Int64,
    /// Unsigned, 8 bytes.
    UInt64,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
    /// The machine's `long double`; see [`LongDoubleFormat`](crate::LongDoubleFormat).
    LongDouble,
    /// Two [`Float16`](Self::Float16), real part first.
    Complex32,
    /// Two [`Float32`](Self::Float32), real part first.
    Complex64,
    /// Two [`Float64`](Self::Float64), real part first.
    Complex128,
    /// Two [`LongDouble`](Self::LongDouble), real part first.
    ComplexLongDouble,
    /// A string of bytes of fixed length.
    Bytes,
    /// A Pascal string: the length in the first byte, then the characters.
    Pascal,
    /// UCS-2 text of fixed length.
    Ucs2,
    /// UCS-4 text of fixed length.
    Ucs4,
    /// `wchar_t` text of fixed length.
    Wchar,
    /// Opaque bytes, NumPy's void.
    Void,
    /// An address.
    Pointer,
    /// The address of a NUL-terminated string of bytes.
    CharPointer,
    /// The address of a NUL-terminated string of `wchar_t`.
    WcharPointer,
    /// The address of a function.
    Function,
    /// The address of a Python object.
    Object,
    /// Bits, in whole bytes.
    Bits,
    /// A user type, `[name]`: opaque bytes.
    Opaque,
    /// A structure.
    Record,
}

impl Type {
    /// Returns the name in lower case, as in tables and in JSON: `"int32"`, `"char_pointer"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Char => "char",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::UInt16 => "uint16",
            Self::Int32 => "int32",
            Self::UInt32 => "uint32",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::LongDouble => "longdouble",
            Self::Complex32 => "complex32",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::ComplexLongDouble => "clongdouble",
            Self::Bytes => "bytes",
            Self::Pascal => "pascal",
            Self::Ucs2 => "ucs2",
            Self::Ucs4 => "ucs4",
            Self::Wchar => "wchar",
            Self::Void => "void",
            Self::Pointer => "pointer",
            Self::CharPointer => "char_pointer",
            Self::WcharPointer => "wchar_pointer",
            Self::Function => "function",
            Self::Object => "object",
            Self::Bits => "bits",
            Self::Opaque => "opaque",
            Self::Record => "record",
        }
    }

    /// Every type.
    pub const ALL: [Self; 32] = [
        Self::Bool,
        Self::Char,
        Self::Int8,
        Self::UInt8,
        Self::Int16,
        Self::UInt16,
        Self::Int32,
        Self::UInt32,
        Self::Int64,
        Self::UInt64,
        Self::Float16,
        Self::Float32,
        Self::Float64,
        Self::LongDouble,
        Self::Complex32,
        Self::Complex64,
        Self::Complex128,
        Self::ComplexLongDouble,
        Self::Bytes,
        Self::Pascal,
        Self::Ucs2,
        Self::Ucs4,
        Self::Wchar,
        Self::Void,
        Self::Pointer,
        Self::CharPointer,
        Self::WcharPointer,
        Self::Function,
        Self::Object,
        Self::Bits,
        Self::Opaque,
        Self::Record,
    ];

    /// Returns the type with a name: `"int32"`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.as_str() == name)
    }

    /// Returns whether values of more than one byte have a byte order.
    #[must_use]
    #[inline]
    pub const fn has_byte_order(self) -> bool {
        !matches!(
            self,
            Self::Char
                | Self::Int8
                | Self::UInt8
                | Self::Bytes
                | Self::Pascal
                | Self::Void
                | Self::Bits
                | Self::Opaque
                | Self::Record
        )
    }

    /// Returns the alignment of the C type of values with this size; 1 byte for records.
    pub(crate) fn natural_align(self, size: u64, model: &DataModel) -> Align {
        let ctype = match self {
            Self::Bool if size == 2 => CType::Short,
            Self::Bool
            | Self::Char
            | Self::Int8
            | Self::UInt8
            | Self::Bytes
            | Self::Pascal
            | Self::Void
            | Self::Bits
            | Self::Opaque
            | Self::Record => return Align::ONE,
            Self::Int16 | Self::UInt16 | Self::Ucs2 => CType::Short,
            Self::Int32 | Self::UInt32 | Self::Ucs4 => CType::Int,
            Self::Int64 | Self::UInt64 => CType::LongLong,
            Self::Float16 | Self::Complex32 => CType::Half,
            Self::Float32 | Self::Complex64 => CType::Float,
            Self::Float64 | Self::Complex128 => CType::Double,
            Self::LongDouble | Self::ComplexLongDouble => CType::LongDouble,
            Self::Wchar => CType::Wchar,
            Self::Pointer | Self::CharPointer | Self::WcharPointer | Self::Function | Self::Object => CType::Pointer,
        };
        model.align_of(ctype)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
