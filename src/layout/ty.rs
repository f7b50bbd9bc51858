//! What the bytes of a field are.

use crate::named::named_enum;

named_enum! {
    /// The kind of value that a field holds.
    ///
    /// The names are those of NumPy's types where NumPy has the type. Sizes are not part of it except
    /// where the name says so: `Bytes` of 5 bytes is a [`Field`](super::Field) of that size.
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
        /// One byte that is a character.
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
        /// A Pascal string: its length in the first byte, then its bytes.
        Pascal = "pascal",
        /// UCS-2 text of fixed length.
        Ucs2 = "ucs2",
        /// UCS-4 text of fixed length.
        Ucs4 = "ucs4",
        /// `wchar_t` text of fixed length.
        Wchar = "wchar",
        /// Bytes without a meaning, NumPy's void.
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
        /// A user type that only its author knows.
        Opaque = "opaque",
        /// A structure.
        Record = "record",
    }
}

impl Type {
    /// Whether values of it have a byte order.
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
}
