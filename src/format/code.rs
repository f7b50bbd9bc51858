//! The characters of formats: [`Code`] is a format character, and [`ByteOrder`] is a byte order character.

use crate::named::named_enum;

/// Returns the variant of `$Enum` whose name is the single byte `$byte`. Returns `None` if no variant has this name.
/// Returns `None` for `Z`, because the code of a `Z` depends on the byte after the `Z`.
// The macro reads a table. The compiler would translate a `match` to slower jumps.
macro_rules! from_byte {
    ($Enum:ident, $byte:expr) => {{
        #[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "the table has an entry for each byte")]
        static OF_BYTE: [Option<$Enum>; 256] = {
            let mut table = [None; 256];
            let mut rest: &[$Enum] = &$Enum::ALL;
            while let [value, others @ ..] = rest {
                if let [byte] = value.as_str().as_bytes()
                    && *byte != b'Z'
                {
                    table[*byte as usize] = Some(*value);
                }
                rest = others;
            }
            table
        };
        #[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "`usize::from` is not const")]
        OF_BYTE[$byte as usize]
    }};
}

named_enum! {
    /// A format character, which is the type of an item.
    ///
    /// The variants are named after the C types in Python's `struct` documentation. A code has no size: the size
    /// depends on the [dialect](crate::Dialect) and on the [data model](crate::DataModel).
    ///
    /// Spec: Python's `struct`, "Format Characters"; PEP 3118, "Additions to the struct string-syntax"; ctypes for
    /// `z`, `Z`, `v`, `F`, `D` and `G`.
    ///
    /// ```
    /// use pep3118::Code;
    /// assert_eq!((Code::Int.as_str(), Code::Int.c_type()), ("i", "int"));
    /// assert_eq!(Code::ComplexDouble.as_str(), "Zd");
    /// assert_eq!(Code::by_name("Zd"), Some(Code::ComplexDouble));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[repr(u8)]
    pub enum Code {
        /// `x`: pad bytes. An `x` with a name is NumPy's void field.
        Pad = "x",
        /// `c`: a `char`, decoded as a byte string of length 1.
        Char = "c",
        /// `b`: a `signed char`.
        SignedChar = "b",
        /// `B`: an `unsigned char`.
        UnsignedChar = "B",
        /// `?`: a `_Bool`.
        Bool = "?",
        /// `h`: a `short`.
        Short = "h",
        /// `H`: an `unsigned short`.
        UnsignedShort = "H",
        /// `i`: an `int`.
        Int = "i",
        /// `I`: an `unsigned int`.
        UnsignedInt = "I",
        /// `l`: a `long`.
        Long = "l",
        /// `L`: an `unsigned long`.
        UnsignedLong = "L",
        /// `q`: a `long long`.
        LongLong = "q",
        /// `Q`: an `unsigned long long`.
        UnsignedLongLong = "Q",
        /// `n`: an `ssize_t`.
        SsizeT = "n",
        /// `N`: a `size_t`.
        SizeT = "N",
        /// `e`: a half-precision float, IEEE 754 binary16.
        Half = "e",
        /// `f`: a `float`.
        Float = "f",
        /// `d`: a `double`.
        Double = "d",
        /// `g`: a `long double`.
        LongDouble = "g",
        /// `Ze`: a complex number of two half-precision floats. Nanobind writes this code.
        ComplexHalf = "Ze",
        /// `Zf`: a `float _Complex`.
        ComplexFloat = "Zf",
        /// `Zd`: a `double _Complex`.
        ComplexDouble = "Zd",
        /// `Zg`: a `long double _Complex`.
        ComplexLongDouble = "Zg",
        /// `F`: a `float _Complex` in CPython 3.14.
        ComplexFloat314 = "F",
        /// `D`: a `double _Complex` in CPython 3.14.
        ComplexDouble314 = "D",
        /// `G`: a `long double _Complex` in ctypes of CPython 3.14.
        ComplexLongDouble314 = "G",
        /// `s`: a byte string. The count is the length in bytes.
        Bytes = "s",
        /// `p`: a Pascal string. The count is the size in bytes, which includes the length byte.
        Pascal = "p",
        /// `P`: a `void *`.
        Pointer = "P",
        /// `O`: a pointer to a Python object.
        Object = "O",
        /// `u`: text in UCS-2 according to PEP 3118, and in `wchar_t` units in ctypes. The count is the number of
        /// units.
        Ucs2 = "u",
        /// `w`: text in UCS-4. The count is the number of units of 4 bytes.
        Ucs4 = "w",
        /// `t`: a bit field. The count is the number of bits.
        Bits = "t",
        /// `z`: a `char *` in ctypes.
        CharPointer = "z",
        /// `Z` without `e`, `f`, `d` or `g` after it: a `wchar_t *` in ctypes.
        WcharPointer = "Z",
        /// `v`: a `VARIANT_BOOL` in ctypes on Windows.
        VariantBool = "v",
    }
}

impl Code {
    /// Returns the name of the C type that the code represents, for example `"ssize_t"` or `"double _Complex"`. Returns
    /// a description for a code without a C type: `"padding"`, `"Pascal string"`, `"bits"`.
    ///
    /// ```
    /// assert_eq!(pep3118::Code::SsizeT.c_type(), "ssize_t");
    /// ```
    #[must_use]
    pub const fn c_type(self) -> &'static str {
        match self {
            Self::Pad => "padding",
            Self::Char => "char",
            Self::SignedChar => "signed char",
            Self::UnsignedChar => "unsigned char",
            Self::Bool => "_Bool",
            Self::Short => "short",
            Self::UnsignedShort => "unsigned short",
            Self::Int => "int",
            Self::UnsignedInt => "unsigned int",
            Self::Long => "long",
            Self::UnsignedLong => "unsigned long",
            Self::LongLong => "long long",
            Self::UnsignedLongLong => "unsigned long long",
            Self::SsizeT => "ssize_t",
            Self::SizeT => "size_t",
            Self::Half => "_Float16",
            Self::Float => "float",
            Self::Double => "double",
            Self::LongDouble => "long double",
            Self::ComplexHalf => "_Float16 _Complex",
            Self::ComplexFloat | Self::ComplexFloat314 => "float _Complex",
            Self::ComplexDouble | Self::ComplexDouble314 => "double _Complex",
            Self::ComplexLongDouble | Self::ComplexLongDouble314 => "long double _Complex",
            Self::Bytes => "char[]",
            Self::Pascal => "Pascal string",
            Self::Pointer => "void *",
            Self::Object => "PyObject *",
            Self::Ucs2 => "Py_UCS2[]",
            Self::Ucs4 => "Py_UCS4[]",
            Self::Bits => "bits",
            Self::CharPointer => "char *",
            Self::WcharPointer => "wchar_t *",
            Self::VariantBool => "VARIANT_BOOL",
        }
    }

    /// Returns whether a count before the code is a length and not a repeat count. For `s`, the count is a length, so
    /// `5s` is one value of 5 bytes. For `i`, the count is a repeat count, so `5i` is 5 values.
    ///
    /// ```
    /// use pep3118::Code;
    /// assert!(Code::Bytes.count_is_length());
    /// assert!(!Code::Int.count_is_length());
    /// ```
    #[must_use]
    #[inline]
    pub const fn count_is_length(self) -> bool {
        matches!(self, Self::Bytes | Self::Pascal | Self::Ucs2 | Self::Ucs4 | Self::Bits | Self::Pad)
    }

    /// Returns the code whose format character is `byte`. Returns `None` if no code has this character. Returns
    /// `None` for `Z`, because the code of a `Z` depends on the byte after the `Z`.
    #[inline]
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        from_byte!(Code, byte)
    }

    /// Returns the code of a complex number whose real and imaginary part have the format character `part`: `Zd` for
    /// `d`. Returns `None` if `part` is not `e`, `f`, `d` or `g`.
    #[inline]
    pub(crate) const fn complex_of(part: u8) -> Option<Self> {
        Some(match part {
            b'e' => Self::ComplexHalf,
            b'f' => Self::ComplexFloat,
            b'd' => Self::ComplexDouble,
            b'g' => Self::ComplexLongDouble,
            _ => return None,
        })
    }
}

named_enum! {
    /// A byte order character, which sets the byte order, the sizes and the alignment of the items after the
    /// character.
    ///
    /// Spec: Python's `struct`, "Byte Order, Size, and Alignment"; `^` from PEP 3118.
    ///
    /// ```
    /// use pep3118::ByteOrder;
    /// assert_eq!(ByteOrder::Little.as_str(), "<");
    /// assert!(ByteOrder::NativeUnaligned.has_native_sizes() && !ByteOrder::NativeStandard.has_native_sizes());
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ByteOrder {
        /// `@`: native byte order, native sizes, native alignment. A format without a byte order character has this
        /// setting.
        Native = "@",
        /// `=`: native byte order, standard sizes, no alignment.
        NativeStandard = "=",
        /// `<`: little-endian, standard sizes, no alignment.
        Little = "<",
        /// `>`: big-endian, standard sizes, no alignment.
        Big = ">",
        /// `!`: network byte order (big-endian), standard sizes, no alignment.
        Network = "!",
        /// `^`: native byte order, native sizes, no alignment.
        NativeUnaligned = "^",
    }
}

impl ByteOrder {
    /// Returns `true` for `@` and `^`, after which items have native sizes. Returns `false` for `=`, `<`, `>` and `!`,
    /// after which items have the standard sizes of `struct`.
    #[must_use]
    #[inline]
    pub const fn has_native_sizes(self) -> bool {
        matches!(self, Self::Native | Self::NativeUnaligned)
    }

    /// Returns the byte order whose character is `byte`. Returns `None` if `byte` is not a byte order character.
    #[inline]
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        from_byte!(ByteOrder, byte)
    }
}
