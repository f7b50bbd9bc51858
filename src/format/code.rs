//! The letters: format characters and byte order characters.

use core::fmt;

/// A format character: which kind of value an item holds.
///
/// The names are those of the C types that Python's `struct` documentation gives; a code says
/// nothing about sizes, which depend on the [dialect](crate::Dialect) and on the
/// [data model](crate::DataModel).
///
/// Spec: Python's `struct`, "Format Characters"; PEP 3118, "Additions to the struct string-syntax";
/// `z Z v F D G` as written by `ctypes`.
///
/// ```
/// use pep3118::Code;
/// assert_eq!((Code::Int.as_str(), Code::Int.c_type()), ("i", "int"));
/// assert_eq!(Code::ComplexDouble.as_str(), "Zd");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Code {
    /// `x`: pad bytes; with a name, NumPy's void field.
    Pad,
    /// `c`: a byte that is a character.
    Char,
    /// `b`
    SignedChar,
    /// `B`
    UnsignedChar,
    /// `?`
    Bool,
    /// `h`
    Short,
    /// `H`
    UnsignedShort,
    /// `i`
    Int,
    /// `I`
    UnsignedInt,
    /// `l`
    Long,
    /// `L`
    UnsignedLong,
    /// `q`
    LongLong,
    /// `Q`
    UnsignedLongLong,
    /// `n`
    SsizeT,
    /// `N`
    SizeT,
    /// `e`: IEEE 754 binary16.
    Half,
    /// `f`
    Float,
    /// `d`
    Double,
    /// `g`
    LongDouble,
    /// `Ze`: two halves, as nanobind writes.
    ComplexHalf,
    /// `Zf`
    ComplexFloat,
    /// `Zd`
    ComplexDouble,
    /// `Zg`
    ComplexLongDouble,
    /// `F`: `Zf` in CPython 3.14.
    ComplexFloat314,
    /// `D`: `Zd` in CPython 3.14.
    ComplexDouble314,
    /// `G`: `Zg` in ctypes of CPython 3.14.
    ComplexLongDouble314,
    /// `s`: bytes; the count is their number.
    Bytes,
    /// `p`: a Pascal string; the count is its room in bytes.
    Pascal,
    /// `P`: `void *`.
    Pointer,
    /// `O`: a pointer to a Python object.
    Object,
    /// `u`: UCS-2 in PEP 3118, `wchar_t` in ctypes; the count is the number of units.
    Ucs2,
    /// `w`: UCS-4; the count is the number of units.
    Ucs4,
    /// `t`: bits; the count is their number.
    Bits,
    /// `z`: `char *`, ctypes.
    CharPointer,
    /// `Z` alone: `wchar_t *`, ctypes.
    WcharPointer,
    /// `v`: `VARIANT_BOOL`, ctypes on Windows.
    VariantBool,
}

impl Code {
    /// Every code, in the order of the enum.
    pub const ALL: [Self; 36] = [
        Self::Pad,
        Self::Char,
        Self::SignedChar,
        Self::UnsignedChar,
        Self::Bool,
        Self::Short,
        Self::UnsignedShort,
        Self::Int,
        Self::UnsignedInt,
        Self::Long,
        Self::UnsignedLong,
        Self::LongLong,
        Self::UnsignedLongLong,
        Self::SsizeT,
        Self::SizeT,
        Self::Half,
        Self::Float,
        Self::Double,
        Self::LongDouble,
        Self::ComplexHalf,
        Self::ComplexFloat,
        Self::ComplexDouble,
        Self::ComplexLongDouble,
        Self::ComplexFloat314,
        Self::ComplexDouble314,
        Self::ComplexLongDouble314,
        Self::Bytes,
        Self::Pascal,
        Self::Pointer,
        Self::Object,
        Self::Ucs2,
        Self::Ucs4,
        Self::Bits,
        Self::CharPointer,
        Self::WcharPointer,
        Self::VariantBool,
    ];

    /// How it is written: `"i"`, `"Zd"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pad => "x",
            Self::Char => "c",
            Self::SignedChar => "b",
            Self::UnsignedChar => "B",
            Self::Bool => "?",
            Self::Short => "h",
            Self::UnsignedShort => "H",
            Self::Int => "i",
            Self::UnsignedInt => "I",
            Self::Long => "l",
            Self::UnsignedLong => "L",
            Self::LongLong => "q",
            Self::UnsignedLongLong => "Q",
            Self::SsizeT => "n",
            Self::SizeT => "N",
            Self::Half => "e",
            Self::Float => "f",
            Self::Double => "d",
            Self::LongDouble => "g",
            Self::ComplexHalf => "Ze",
            Self::ComplexFloat => "Zf",
            Self::ComplexDouble => "Zd",
            Self::ComplexLongDouble => "Zg",
            Self::ComplexFloat314 => "F",
            Self::ComplexDouble314 => "D",
            Self::ComplexLongDouble314 => "G",
            Self::Bytes => "s",
            Self::Pascal => "p",
            Self::Pointer => "P",
            Self::Object => "O",
            Self::Ucs2 => "u",
            Self::Ucs4 => "w",
            Self::Bits => "t",
            Self::CharPointer => "z",
            Self::WcharPointer => "Z",
            Self::VariantBool => "v",
        }
    }

    /// What it stands for, in the words of C: `"ssize_t"`, `"double _Complex"`.
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

    /// Whether a count in front of it is its length and not a number of values: `5s` is one value.
    #[must_use]
    #[inline]
    pub const fn count_is_length(self) -> bool {
        matches!(self, Self::Bytes | Self::Pascal | Self::Ucs2 | Self::Ucs4 | Self::Bits | Self::Pad)
    }

    /// The code of one byte; `Z` is left out, its meaning depends on the next byte.
    #[inline]
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'x' => Self::Pad,
            b'c' => Self::Char,
            b'b' => Self::SignedChar,
            b'B' => Self::UnsignedChar,
            b'?' => Self::Bool,
            b'h' => Self::Short,
            b'H' => Self::UnsignedShort,
            b'i' => Self::Int,
            b'I' => Self::UnsignedInt,
            b'l' => Self::Long,
            b'L' => Self::UnsignedLong,
            b'q' => Self::LongLong,
            b'Q' => Self::UnsignedLongLong,
            b'n' => Self::SsizeT,
            b'N' => Self::SizeT,
            b'e' => Self::Half,
            b'f' => Self::Float,
            b'd' => Self::Double,
            b'g' => Self::LongDouble,
            b'F' => Self::ComplexFloat314,
            b'D' => Self::ComplexDouble314,
            b'G' => Self::ComplexLongDouble314,
            b's' => Self::Bytes,
            b'p' => Self::Pascal,
            b'P' => Self::Pointer,
            b'O' => Self::Object,
            b'u' => Self::Ucs2,
            b'w' => Self::Ucs4,
            b't' => Self::Bits,
            b'z' => Self::CharPointer,
            b'v' => Self::VariantBool,
            _ => return None,
        })
    }

    /// The complex code of a part: `Zd` from `d`.
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

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A byte order character: byte order, size and alignment of the items after it.
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
    /// `@`: native order, native sizes, native alignment; what holds before any character.
    Native,
    /// `=`: native order, standard sizes, no alignment.
    NativeStandard,
    /// `<`: little-endian, standard sizes, no alignment.
    Little,
    /// `>`: big-endian, standard sizes, no alignment.
    Big,
    /// `!`: the same as `>`.
    Network,
    /// `^`: native order, native sizes, no alignment.
    NativeUnaligned,
}

impl ByteOrder {
    /// Every byte order character.
    pub const ALL: [Self; 6] =
        [Self::Native, Self::NativeStandard, Self::Little, Self::Big, Self::Network, Self::NativeUnaligned];

    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "@",
            Self::NativeStandard => "=",
            Self::Little => "<",
            Self::Big => ">",
            Self::Network => "!",
            Self::NativeUnaligned => "^",
        }
    }

    /// Whether items have their native sizes (`@` and `^`) and not the standard ones.
    #[must_use]
    #[inline]
    pub const fn has_native_sizes(self) -> bool {
        matches!(self, Self::Native | Self::NativeUnaligned)
    }

    /// The byte order character that a byte is.
    #[inline]
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        /// Spelled out as a table, because a `match` in a hot loop becomes a jump for each character.
        static OF_BYTE: [Option<ByteOrder>; 256] = {
            let mut table = [None; 256];
            let mut rest: &mut [Option<ByteOrder>] = &mut table;
            let mut byte = 0_u8;
            while let [first, tail @ ..] = rest {
                *first = ByteOrder::of_byte(byte);
                byte = byte.wrapping_add(1);
                rest = tail;
            }
            table
        };
        #[expect(
            clippy::as_conversions,
            clippy::indexing_slicing,
            reason = "an entry for each byte; neither `From` nor `get` is const"
        )]
        OF_BYTE[byte as usize]
    }

    const fn of_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'@' => Self::Native,
            b'=' => Self::NativeStandard,
            b'<' => Self::Little,
            b'>' => Self::Big,
            b'!' => Self::Network,
            b'^' => Self::NativeUnaligned,
            _ => return None,
        })
    }
}

impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
