//! [`Type`]: the types of values.

use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::named::named_enum;

named_enum! {
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
        Bool = "bool",
        /// One character in one byte.
        Char = "char",
        /// Signed, 1 byte.
        Int8 = "int8",
        /// Unsigned, 1 byte.
        UInt8 = "uint8",
        /// Signed, 2 bytes.
        Int16 = "int16",
        /// Unsigned, 2 bytes.
        UInt16 = "uint16",
        /// Signed, 4 bytes.
        Int32 = "int32",
        /// Unsigned, 4 bytes.
        UInt32 = "uint32",
        /// Signed, 8 bytes.
        Int64 = "int64",
        /// Unsigned, 8 bytes.
        UInt64 = "uint64",
        /// IEEE 754 binary16.
        Float16 = "float16",
        /// IEEE 754 binary32.
        Float32 = "float32",
        /// IEEE 754 binary64.
        Float64 = "float64",
        /// The machine's `long double`; see [`LongDoubleFormat`](crate::LongDoubleFormat).
        LongDouble = "longdouble",
        /// Two [`Float16`](Self::Float16), real part first.
        Complex32 = "complex32",
        /// Two [`Float32`](Self::Float32), real part first.
        Complex64 = "complex64",
        /// Two [`Float64`](Self::Float64), real part first.
        Complex128 = "complex128",
        /// Two [`LongDouble`](Self::LongDouble), real part first.
        ComplexLongDouble = "clongdouble",
        /// A string of bytes of fixed length.
        Bytes = "bytes",
        /// A Pascal string: the length in the first byte, then the characters.
        Pascal = "pascal",
        /// UCS-2 text of fixed length.
        Ucs2 = "ucs2",
        /// UCS-4 text of fixed length.
        Ucs4 = "ucs4",
        /// `wchar_t` text of fixed length.
        Wchar = "wchar",
        /// Opaque bytes, NumPy's void.
        Void = "void",
        /// An address.
        Pointer = "pointer",
        /// The address of a NUL-terminated string of bytes.
        CharPointer = "char_pointer",
        /// The address of a NUL-terminated string of `wchar_t`.
        WcharPointer = "wchar_pointer",
        /// The address of a function.
        Function = "function",
        /// The address of a Python object.
        Object = "object",
        /// Bits, in whole bytes.
        Bits = "bits",
        /// A user type, `[name]`: opaque bytes.
        Opaque = "opaque",
        /// A structure.
        Record = "record",
    }
}

impl Type {
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
