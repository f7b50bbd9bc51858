//! [`Type`]: the types that the values of a field can have.

use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::named::named_enum;

named_enum! {
    /// The type of the values of a field.
    ///
    /// A type that NumPy also has is named after the NumPy type. A type of text or bytes has no fixed size: a field of
    /// type `Bytes` for the format `5s` has the [`size`](super::Field::size) 5.
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
        /// A Boolean value: `_Bool` of 1 byte or `VARIANT_BOOL` of 2 bytes.
        Bool = "bool",
        /// One character of 1 byte.
        Char = "char",
        /// A signed integer of 1 byte.
        Int8 = "int8",
        /// An unsigned integer of 1 byte.
        UInt8 = "uint8",
        /// A signed integer of 2 bytes.
        Int16 = "int16",
        /// An unsigned integer of 2 bytes.
        UInt16 = "uint16",
        /// A signed integer of 4 bytes.
        Int32 = "int32",
        /// An unsigned integer of 4 bytes.
        UInt32 = "uint32",
        /// A signed integer of 8 bytes.
        Int64 = "int64",
        /// An unsigned integer of 8 bytes.
        UInt64 = "uint64",
        /// A floating-point number of 2 bytes, IEEE 754 binary16.
        Float16 = "float16",
        /// A floating-point number of 4 bytes, IEEE 754 binary32.
        Float32 = "float32",
        /// A floating-point number of 8 bytes, IEEE 754 binary64.
        Float64 = "float64",
        /// The `long double` of the data model; see [`LongDoubleFormat`](crate::LongDoubleFormat).
        LongDouble = "longdouble",
        /// A complex number: two [`Float16`](Self::Float16), the real part first.
        Complex32 = "complex32",
        /// A complex number: two [`Float32`](Self::Float32), the real part first.
        Complex64 = "complex64",
        /// A complex number: two [`Float64`](Self::Float64), the real part first.
        Complex128 = "complex128",
        /// A complex number: two [`LongDouble`](Self::LongDouble), the real part first.
        ComplexLongDouble = "clongdouble",
        /// A string of bytes of fixed length.
        Bytes = "bytes",
        /// A Pascal string of fixed length: the first byte is the length of the string in bytes. The string follows.
        Pascal = "pascal",
        /// Text of fixed length, with 2 bytes for each character (UCS-2).
        Ucs2 = "ucs2",
        /// Text of fixed length, with 4 bytes for each character (UCS-4).
        Ucs4 = "ucs4",
        /// Text of fixed length, with one `wchar_t` for each character.
        Wchar = "wchar",
        /// Bytes without a known meaning, NumPy's void.
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
        /// A bit-field, see [`Field::bit_field`](super::Field::bit_field), or a sequence of 0 or more than 64 bits. The
        /// size of the field is rounded up to whole bytes.
        Bits = "bits",
        /// A user type `[name]`, see [`Field::user_type`](super::Field::user_type). If the registry does not have the
        /// type, the bytes have no known meaning.
        Opaque = "opaque",
        /// A structure with fields.
        Record = "record",
    }
}

impl Type {
    /// Returns whether values of this type that have more than one byte have a byte order. Returns `false` for
    /// [`Bits`](Self::Bits), because a bit-field has a byte order only if its bits are in several bytes. Also returns
    /// `false` for [`Opaque`](Self::Opaque), because each user type declares whether its values have a byte order.
    ///
    /// ```
    /// use pep3118::Type;
    /// assert!(Type::Int32.has_byte_order() && !Type::Bytes.has_byte_order());
    /// ```
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

    /// Returns the alignment that a C compiler chooses for a value of this type in the data model `model`. The value
    /// has `size` bytes. A byte string, opaque bytes and a type of 1 byte have an alignment of 1 byte. Also returns 1
    /// byte for a record, because the caller computes the alignment of a record from its fields.
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
