//! One machine's C types as a value.

use core::fmt;

use crate::align::Align;
use crate::endian::Endian;

/// What C types weigh on one machine, and its byte order.
///
/// A model is an argument, never the host by stealth: a buffer captured on Windows or on a
/// big-endian machine is read with that machine's model.
///
/// ```
/// use pep3118::DataModel;
/// let mine = DataModel { wchar: 2, ..DataModel::LP64 }; // -fshort-wchar
/// assert_eq!(mine.long, 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataModel {
    /// A short lower-case name, for people and for JSON.
    pub name: &'static str,
    /// Byte order.
    pub endian: Endian,
    /// Size of `long`, in bytes; also its alignment.
    pub long: u64,
    /// Size of a pointer, of `size_t` and of `ssize_t`, in bytes; also their alignment.
    pub pointer: u64,
    /// Size of `wchar_t`, in bytes; also its alignment.
    pub wchar: u64,
    /// Alignment of `long long` in a structure.
    pub long_long_align: Align,
    /// Alignment of `double` in a structure.
    pub double_align: Align,
    /// `long double`.
    pub long_double: LongDoubleAbi,
}

/// The weight and the representation of `long double`.
///
/// ```
/// use pep3118::{DataModel, LongDoubleFormat};
/// let long_double = DataModel::LP64.long_double;
/// assert_eq!((long_double.size, long_double.align.bytes()), (16, 16));
/// assert_eq!(long_double.format, LongDoubleFormat::X87);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDoubleAbi {
    /// Size in bytes, padding included.
    pub size: u64,
    /// Alignment.
    pub align: Align,
    /// What the bytes mean.
    pub format: LongDoubleFormat,
}

/// How a `long double` is represented.
///
/// ```
/// use pep3118::{DataModel, LongDoubleFormat};
/// assert_eq!(DataModel::LP64.long_double.format, LongDoubleFormat::X87);
/// assert_eq!(DataModel::LLP64.long_double.format, LongDoubleFormat::Double);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LongDoubleFormat {
    /// The same as `double` (Windows, 32-bit arm, Apple's arm).
    Double,
    /// The 80-bit format of the x87 in 10 bytes, the rest padding.
    X87,
    /// IEEE 754 binary128.
    Binary128,
    /// Two doubles whose sum is the value (PowerPC).
    DoubleDouble,
}

const FOUR: Align = align(4);
const EIGHT: Align = align(8);
const SIXTEEN: Align = align(16);

const fn align(bytes: u64) -> Align {
    match Align::new(bytes) {
        Some(align) => align,
        None => Align::ONE,
    }
}

const fn long_double(size: u64, align: Align, format: LongDoubleFormat) -> LongDoubleAbi {
    LongDoubleAbi { size, align, format }
}

impl DataModel {
    /// 64-bit Linux and macOS on x86-64.
    pub const LP64: Self = Self {
        name: "lp64",
        endian: Endian::Little,
        long: 8,
        pointer: 8,
        wchar: 4,
        long_long_align: EIGHT,
        double_align: EIGHT,
        long_double: long_double(16, SIXTEEN, LongDoubleFormat::X87),
    };

    /// 64-bit Linux on arm.
    pub const AARCH64: Self =
        Self { name: "aarch64", long_double: long_double(16, SIXTEEN, LongDoubleFormat::Binary128), ..Self::LP64 };

    /// Linux on z/Architecture, big-endian.
    pub const S390X: Self = Self {
        name: "s390x",
        endian: Endian::Big,
        long_double: long_double(16, EIGHT, LongDoubleFormat::Binary128),
        ..Self::LP64
    };

    /// 64-bit Windows.
    pub const LLP64: Self = Self {
        name: "llp64",
        long: 4,
        wchar: 2,
        long_double: long_double(8, EIGHT, LongDoubleFormat::Double),
        ..Self::LP64
    };

    /// 32-bit Linux on x86: `double` and `long long` are aligned to 4 in structures.
    pub const I386: Self = Self {
        name: "i386",
        long: 4,
        pointer: 4,
        long_long_align: FOUR,
        double_align: FOUR,
        long_double: long_double(12, FOUR, LongDoubleFormat::X87),
        ..Self::LP64
    };

    /// 32-bit Linux on arm.
    pub const ILP32: Self = Self {
        name: "ilp32",
        long: 4,
        pointer: 4,
        long_double: long_double(8, EIGHT, LongDoubleFormat::Double),
        ..Self::LP64
    };

    /// WebAssembly as Emscripten (and so Pyodide) has it: `long double` is aligned to 8.
    pub const WASM32: Self = Self {
        name: "wasm32",
        long: 4,
        pointer: 4,
        long_double: long_double(16, EIGHT, LongDoubleFormat::Binary128),
        ..Self::LP64
    };

    /// Every named model.
    pub const ALL: [Self; 7] =
        [Self::LP64, Self::AARCH64, Self::S390X, Self::LLP64, Self::I386, Self::ILP32, Self::WASM32];

    /// The machine that this crate was compiled for.
    pub const HOST: Self = Self {
        name: "host",
        endian: Endian::HOST,
        long: bytes(size_of::<core::ffi::c_long>()),
        pointer: bytes(size_of::<*const u8>()),
        wchar: if cfg!(windows) { 2 } else { 4 },
        long_long_align: align(bytes(align_of::<core::ffi::c_longlong>())),
        double_align: align(bytes(align_of::<core::ffi::c_double>())),
        long_double: HOST_LONG_DOUBLE,
    };

    /// The model of a name: those of [`ALL`](Self::ALL), and `"host"`.
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

    /// The largest object in bytes: `PY_SSIZE_T_MAX` of that machine.
    #[must_use]
    #[inline]
    pub const fn ssize_max(&self) -> u64 {
        if self.pointer >= 8 { 0x7fff_ffff_ffff_ffff } else { 0x7fff_ffff }
    }
}

impl fmt::Display for DataModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// The compilers' own tables; Rust has no `long double` to ask.
const HOST_LONG_DOUBLE: LongDoubleAbi = {
    if cfg!(windows) {
        long_double(8, EIGHT, LongDoubleFormat::Double)
    } else if cfg!(target_arch = "x86_64") {
        long_double(16, SIXTEEN, LongDoubleFormat::X87)
    } else if cfg!(target_arch = "x86") {
        if cfg!(target_vendor = "apple") {
            long_double(16, SIXTEEN, LongDoubleFormat::X87)
        } else {
            long_double(12, FOUR, LongDoubleFormat::X87)
        }
    } else if cfg!(all(target_arch = "aarch64", target_vendor = "apple")) || cfg!(target_arch = "arm") {
        long_double(8, EIGHT, LongDoubleFormat::Double)
    } else if cfg!(target_arch = "s390x") || cfg!(target_os = "emscripten") {
        long_double(16, EIGHT, LongDoubleFormat::Binary128)
    } else if cfg!(target_arch = "powerpc64") {
        long_double(16, SIXTEEN, LongDoubleFormat::DoubleDouble)
    } else {
        long_double(16, SIXTEEN, LongDoubleFormat::Binary128)
    }
};

#[expect(clippy::as_conversions, reason = "usize to u64; `From` is not const, and no usize is wider")]
const fn bytes(size: usize) -> u64 {
    size as u64
}
