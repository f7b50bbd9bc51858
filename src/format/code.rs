//! The characters of formats: [`Code`] for the types of items, [`ByteOrder`] for their byte order, sizes and alignment.

use crate::named::named_enum;

/// The value of an enum whose name is a byte, whatever follows the byte in a format. `Z` has none, because the byte after
/// it decides.
// A table, because a `match` in a hot loop is compiled to a jump for each value.
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
    /// A format character: the type of an item.
    ///
    /// The names of the variants are those of the C types in Python's `struct` documentation. A code has no size: sizes
    /// depend on the [dialect](crate::Dialect) and on the [data model](crate::DataModel).
    ///
    /// Spec: Python's `struct`, "Format Characters"; PEP 3118, "Additions to the struct string-syntax";
    /// `z Z v F D G` as written by `ctypes`.
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
        /// `x`: pad bytes; with a name, NumPy's void field.
        Pad = "x",
        /// `c`: a byte that is a character.
        Char = "c",
        /// `b`
        SignedChar = "b",
        /// `B`
        UnsignedChar = "B",
        /// `?`
        Bool = "?",
        /// `h`
        Short = "h",
        /// `H`
        UnsignedShort = "H",
        /// `i`
        Int = "i",
        /// `I`
        UnsignedInt = "I",
        /// `l`
        Long = "l",
        /// `L`
        UnsignedLong = "L",
        /// `q`
        LongLong = "q",
        /// `Q`
        UnsignedLongLong = "Q",
        /// `n`
        SsizeT = "n",
        /// `N`
        SizeT = "N",
        /// `e`: IEEE 754 binary16.
        Half = "e",
        /// `f`
        Float = "f",
        /// `d`
        Double = "d",
        /// `g`
        LongDouble = "g",
        /// `Ze`: two halves, as nanobind writes.
        ComplexHalf = "Ze",
        /// `Zf`
        ComplexFloat = "Zf",
        /// `Zd`
        ComplexDouble = "Zd",
        /// `Zg`
        ComplexLongDouble = "Zg",
        /// `F`: `Zf` in CPython 3.14.
        ComplexFloat314 = "F",
        /// `D`: `Zd` in CPython 3.14.
        ComplexDouble314 = "D",
        /// `G`: `Zg` in ctypes of CPython 3.14.
        ComplexLongDouble314 = "G",
        /// `s`: bytes; the count is their number.
        Bytes = "s",
        /// `p`: a Pascal string; the count is its size in bytes, length byte included.
        Pascal = "p",
        /// `P`: `void *`.
        Pointer = "P",
        /// `O`: a pointer to a Python object.
        Object = "O",
        /// `u`: UCS-2 in PEP 3118, `wchar_t` in ctypes; the count is the number of units.
        Ucs2 = "u",
        /// `w`: UCS-4; the count is the number of units.
        Ucs4 = "w",
        /// `t`: bits; the count is their number.
        Bits = "t",
        /// `z`: `char *`, ctypes.
        CharPointer = "z",
        /// `Z` alone: `wchar_t *`, ctypes.
        WcharPointer = "Z",
        /// `v`: `VARIANT_BOOL`, ctypes on Windows.
        VariantBool = "v",
    }
}

impl Code {
    /// Returns the C type that the code is for: `"ssize_t"`, `"double _Complex"`.
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

    /// Whether a count before the code is the length of one value, and not the number of values: `5s` is one value.
    #[must_use]
    #[inline]
    pub const fn count_is_length(self) -> bool {
        matches!(self, Self::Bytes | Self::Pascal | Self::Ucs2 | Self::Ucs4 | Self::Bits | Self::Pad)
    }

    /// Returns the code of a byte. `None` for `Z`, whose code depends on the next byte.
    #[inline]
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        from_byte!(Code, byte)
    }

    /// Returns the complex code whose real and imaginary parts have the code `part`: `Zd` for `d`.
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
    /// A byte order character: the byte order, the sizes and the alignment of the items after it.
    ///
    /// Spec: Python's `struct`, "Byte Order, Size, and Alignment"; `^` from PEP 3118.
    ///
    /// ```
    /// use pep3118::ByteOrder;
    /// assert_eq!(ByteOrder::Little.as_str(), "<");
    /// assert!(ByteOrder::NativeUnaligned.has_native_sizes() && !ByteOrder::NativeStandard.has_native_sizes());
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum ByteOrder {
        /// `@`: native order, native sizes, native alignment. The default of a format without such a character.
        Native = "@",
        /// `=`: native order, standard sizes, no alignment.
        NativeStandard = "=",
        /// `<`: little-endian, standard sizes, no alignment.
        Little = "<",
        /// `>`: big-endian, standard sizes, no alignment.
        Big = ">",
        /// `!`: the same as `>`.
        Network = "!",
        /// `^`: native order, native sizes, no alignment.
        NativeUnaligned = "^",
    }
}

impl ByteOrder {
    /// Whether items have their native sizes (`@` and `^`) instead of the standard ones.
    #[must_use]
    #[inline]
    pub const fn has_native_sizes(self) -> bool {
        matches!(self, Self::Native | Self::NativeUnaligned)
    }

    /// Returns the byte order character that a byte is.
    #[inline]
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        from_byte!(ByteOrder, byte)
    }
}
