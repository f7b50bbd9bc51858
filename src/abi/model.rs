//! [`DataModel`]: the byte order of a machine, and the sizes and alignments of its C types. [`LongDoubleAbi`]: the
//! `long double` of a machine.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use crate::align::Align;
use crate::endian::Endian;
use crate::named::UnknownName;

/// The byte order of a machine, and the sizes and alignments of its C types.
///
/// A function whose result depends on the machine has a parameter of this type. A program can therefore read a buffer
/// of a Windows machine or of a big-endian machine on every machine. If a function uses [`HOST`](DataModel::HOST)
/// instead of a parameter, the documentation of the function states so.
///
/// ```
/// use pep3118::DataModel;
/// let mine = DataModel { wchar: 2, ..DataModel::LP64 }; // -fshort-wchar
/// assert_eq!(mine.long, 8);
/// ```
///
/// Two data models are equal if they have the same byte order, sizes and alignments. The name is not compared, because
/// the name does not change a layout: [`HOST`](DataModel::HOST) on x86-64 Linux equals [`LP64`](DataModel::LP64).
#[derive(Clone, Copy, Debug)]
pub struct DataModel {
    /// The name in messages and in JSON: a short name in lower case, such as `"lp64"`.
    pub name: &'static str,
    /// The byte order of the machine.
    pub endian: Endian,
    /// The size and the alignment of `long` in bytes.
    pub long: u64,
    /// The size and the alignment of pointers, `size_t` and `ssize_t` in bytes.
    pub pointer: u64,
    /// The size and the alignment of `wchar_t` in bytes.
    pub wchar: u64,
    /// The alignment of a structure member of the type `long long`.
    pub long_long_align: Align,
    /// The alignment of a structure member of the type `double`.
    pub double_align: Align,
    /// The size, the alignment and the representation of `long double`.
    pub long_double: LongDoubleAbi,
}

/// The size, the alignment and the representation of `long double`.
///
/// ```
/// use pep3118::{DataModel, LongDoubleFormat};
/// let long_double = DataModel::LP64.long_double;
/// assert_eq!((long_double.size, long_double.align.bytes()), (16, 16));
/// assert_eq!(long_double.format, LongDoubleFormat::X87);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LongDoubleAbi {
    /// The size in bytes. The size includes padding after the significant bytes.
    pub size: u64,
    /// The alignment of a structure member of the type `long double`.
    pub align: Align,
    /// The representation of a number, for example IEEE 754 binary128.
    pub format: LongDoubleFormat,
}

/// The representation of a number in the bytes of a `long double`.
///
/// ```
/// use pep3118::{DataModel, LongDoubleFormat};
/// assert_eq!(DataModel::LP64.long_double.format, LongDoubleFormat::X87);
/// assert_eq!(DataModel::LLP64.long_double.format, LongDoubleFormat::Double);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum LongDoubleFormat {
    /// The `long double` is a `double` (Windows, 32-bit arm, Apple's arm).
    Double,
    /// The 80-bit format of the x87 in the first 10 bytes. The bytes after the first 10 bytes are padding.
    X87,
    /// The quadruple-precision format IEEE 754 binary128, in 16 bytes.
    Binary128,
    /// Two doubles, whose sum is the number (PowerPC).
    DoubleDouble,
}

/// Creates the description of a `long double` with a size of `size` bytes, the alignment `align` and the
/// representation `format`.
const fn long_double(size: u64, align: Align, format: LongDoubleFormat) -> LongDoubleAbi {
    LongDoubleAbi { size, align, format }
}

impl DataModel {
    /// Linux and macOS on x86-64.
    pub const LP64: Self = Self {
        name: "lp64",
        endian: Endian::Little,
        long: 8,
        pointer: 8,
        wchar: 4,
        long_long_align: Align::EIGHT,
        double_align: Align::EIGHT,
        long_double: long_double(16, Align::SIXTEEN, LongDoubleFormat::X87),
    };

    /// 64-bit Linux on arm.
    pub const AARCH64: Self = Self {
        name: "aarch64",
        long_double: long_double(16, Align::SIXTEEN, LongDoubleFormat::Binary128),
        ..Self::LP64
    };

    /// Linux on z/Architecture, which is big-endian.
    pub const S390X: Self = Self {
        name: "s390x",
        endian: Endian::Big,
        long_double: long_double(16, Align::EIGHT, LongDoubleFormat::Binary128),
        ..Self::LP64
    };

    /// 64-bit Windows.
    pub const LLP64: Self = Self {
        name: "llp64",
        long: 4,
        wchar: 2,
        long_double: long_double(8, Align::EIGHT, LongDoubleFormat::Double),
        ..Self::LP64
    };

    /// 32-bit Linux on x86. In structures, `double` and `long long` have alignment 4.
    pub const I386: Self = Self {
        name: "i386",
        long: 4,
        pointer: 4,
        long_long_align: Align::FOUR,
        double_align: Align::FOUR,
        long_double: long_double(12, Align::FOUR, LongDoubleFormat::X87),
        ..Self::LP64
    };

    /// 32-bit Linux on arm.
    pub const ILP32: Self = Self {
        name: "ilp32",
        long: 4,
        pointer: 4,
        long_double: long_double(8, Align::EIGHT, LongDoubleFormat::Double),
        ..Self::LP64
    };

    /// WebAssembly as compiled by Emscripten, for example in Pyodide. `long double` has alignment 8.
    pub const WASM32: Self = Self {
        name: "wasm32",
        long: 4,
        pointer: 4,
        long_double: long_double(16, Align::EIGHT, LongDoubleFormat::Binary128),
        ..Self::LP64
    };

    /// Every predefined data model except [`HOST`](Self::HOST).
    pub const ALL: [Self; 7] =
        [Self::LP64, Self::AARCH64, Self::S390X, Self::LLP64, Self::I386, Self::ILP32, Self::WASM32];

    /// The data model of the machine for which this crate was compiled.
    pub const HOST: Self = Self {
        name: "host",
        endian: Endian::HOST,
        long: bytes(size_of::<core::ffi::c_long>()),
        pointer: bytes(size_of::<*const u8>()),
        wchar: if cfg!(windows) { 2 } else { 4 },
        long_long_align: Align::of::<core::ffi::c_longlong>(),
        double_align: Align::of::<core::ffi::c_double>(),
        long_double: HOST_LONG_DOUBLE,
    };

    /// Returns the predefined data model with the name `name`. Returns [`HOST`](Self::HOST) for `"host"`. Returns
    /// `None` for an unknown name.
    ///
    /// ```
    /// assert_eq!(pep3118::DataModel::by_name("llp64"), Some(pep3118::DataModel::LLP64));
    /// ```
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        if name == Self::HOST.name {
            return Some(Self::HOST);
        }
        Self::ALL.into_iter().find(|model| model.name == name)
    }

    /// Returns whether the compilers of the machine place bit-fields by the Microsoft rule, and not by the rule of
    /// System V. Returns `true` if `wchar_t` has 2 bytes, or if `long` has 4 bytes and pointers have 8 bytes, because
    /// only Windows has such sizes.
    pub(crate) const fn has_microsoft_bit_fields(&self) -> bool {
        self.wchar == 2 || (self.long == 4 && self.pointer == 8)
    }

    /// Returns the maximum of `Py_ssize_t` on the machine of this data model: 2^63 - 1 if pointers have 8 bytes or
    /// more, and 2^31 - 1 if not. The maximum is also the size in bytes of the largest possible object.
    ///
    /// ```
    /// use pep3118::DataModel;
    /// assert_eq!(DataModel::I386.ssize_max(), 0x7fff_ffff);
    /// ```
    #[must_use]
    #[inline]
    pub const fn ssize_max(&self) -> u64 {
        if self.pointer >= 8 { 0x7fff_ffff_ffff_ffff } else { 0x7fff_ffff }
    }
}

impl DataModel {
    /// The names that [`by_name`](Self::by_name) accepts.
    const NAMES: [&'static str; 8] = ["lp64", "aarch64", "s390x", "llp64", "i386", "ilp32", "wasm32", "host"];

    /// Returns all properties except the name. Two data models are equal if these properties are equal.
    fn properties(&self) -> (Endian, [u64; 3], [Align; 2], LongDoubleAbi) {
        let Self { name: _, endian, long, pointer, wchar, long_long_align, double_align, long_double } = *self;
        (endian, [long, pointer, wchar], [long_long_align, double_align], long_double)
    }
}

impl PartialEq for DataModel {
    fn eq(&self, other: &Self) -> bool {
        self.properties() == other.properties()
    }
}

impl Eq for DataModel {}

impl Hash for DataModel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.properties().hash(state);
    }
}

/// [`HOST`](DataModel::HOST).
impl Default for DataModel {
    fn default() -> Self {
        Self::HOST
    }
}

impl FromStr for DataModel {
    type Err = UnknownName;

    /// Returns the data model with the name `text`, see [`by_name`](DataModel::by_name).
    ///
    /// # Errors
    /// - no data model has the name `text`: `pdp11`
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::by_name(text).ok_or_else(|| UnknownName::new(text, "DataModel", &Self::NAMES))
    }
}

impl fmt::Display for DataModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// The `long double` of this machine. Rust has no `long double`, so the values come from the ABI documents of the
/// C compilers.
const HOST_LONG_DOUBLE: LongDoubleAbi = {
    if cfg!(windows) {
        long_double(8, Align::EIGHT, LongDoubleFormat::Double)
    } else if cfg!(target_arch = "x86_64") {
        long_double(16, Align::SIXTEEN, LongDoubleFormat::X87)
    } else if cfg!(target_arch = "x86") {
        if cfg!(target_vendor = "apple") {
            long_double(16, Align::SIXTEEN, LongDoubleFormat::X87)
        } else {
            long_double(12, Align::FOUR, LongDoubleFormat::X87)
        }
    } else if cfg!(all(target_arch = "aarch64", target_vendor = "apple")) || cfg!(target_arch = "arm") {
        long_double(8, Align::EIGHT, LongDoubleFormat::Double)
    } else if cfg!(target_arch = "s390x") || cfg!(target_os = "emscripten") {
        long_double(16, Align::EIGHT, LongDoubleFormat::Binary128)
    } else if cfg!(target_arch = "powerpc64") {
        long_double(16, Align::SIXTEEN, LongDoubleFormat::DoubleDouble)
    } else {
        // The other ABIs specify binary128, for example the ABIs of aarch64, riscv64, loongarch64 and sparc64.
        long_double(16, Align::SIXTEEN, LongDoubleFormat::Binary128)
    }
};

/// Converts the size `size` in bytes from `usize` to `u64`.
#[expect(clippy::as_conversions, reason = "usize to u64; `From` is not const, and no usize is wider")]
const fn bytes(size: usize) -> u64 {
    size as u64
}
