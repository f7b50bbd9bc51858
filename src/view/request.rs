//! What a consumer asks for: the flags of `PyObject_GetBuffer`.

use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;

use super::error::RequestError;
use super::rules::RuleId;

bitflags! {
    /// The flags of a buffer request.
    ///
    /// The structural flags contain the bits of those below them, so a flag is set when *all* its
    /// bits are: `(flags & X) == X`, which is what [`contains`](Request::contains) tests.
    ///
    /// ```
    /// use pep3118::Request;
    /// let request: Request = "FULL_RO".parse()?;
    /// assert_eq!(request.bits(), 0x11c);
    /// assert!(request.contains(Request::STRIDES));
    /// assert!(!request.contains(Request::WRITABLE));
    /// assert_eq!("PyBUF_C_CONTIGUOUS | PyBUF_FORMAT".parse(), Ok(Request::C_CONTIGUOUS | Request::FORMAT));
    /// assert_eq!((Request::ND | Request::WRITABLE).to_string(), "CONTIG");
    /// # Ok::<(), pep3118::RequestError>(())
    /// ```
    ///
    /// Spec: CPython `Doc/c-api/buffer.rst`, "Buffer request types".
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct Request: i32 {
        /// A contiguous block of bytes, without a structure.
        const SIMPLE = 0;
        /// The memory may be written to, or the request fails.
        const WRITABLE = 0x1;
        /// `format` is filled in.
        const FORMAT = 0x4;
        /// `shape` is filled in; the memory is C-contiguous.
        const ND = 0x8;
        /// `shape` and `strides` are filled in.
        const STRIDES = 0x18;
        /// `shape` and `strides` are filled in; the memory is C-contiguous.
        const C_CONTIGUOUS = 0x38;
        /// `shape` and `strides` are filled in; the memory is Fortran-contiguous.
        const F_CONTIGUOUS = 0x58;
        /// `shape` and `strides` are filled in; the memory is C- or Fortran-contiguous.
        const ANY_CONTIGUOUS = 0x98;
        /// `shape` and `strides` are filled in, and `suboffsets` if there is need.
        const INDIRECT = 0x118;
        /// `ND | WRITABLE`
        const CONTIG = 0x9;
        /// `ND`
        const CONTIG_RO = 0x8;
        /// `STRIDES | WRITABLE`
        const STRIDED = 0x19;
        /// `STRIDES`
        const STRIDED_RO = 0x18;
        /// `STRIDES | WRITABLE | FORMAT`
        const RECORDS = 0x1d;
        /// `STRIDES | FORMAT`
        const RECORDS_RO = 0x1c;
        /// `INDIRECT | WRITABLE | FORMAT`
        const FULL = 0x11d;
        /// `INDIRECT | FORMAT`
        const FULL_RO = 0x11c;
    }
}

/// The structural part of a request: which fields must be filled in, and how the memory must lie.
///
/// ```
/// use pep3118::Request;
/// use pep3118::view::Structure;
/// assert_eq!(Request::RECORDS.structure(), Structure::Strides);
/// assert_eq!(Structure::Strides.request(), Request::STRIDES);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Structure {
    /// No field.
    Simple,
    /// `shape`, over C-contiguous memory.
    Nd,
    /// `shape` and `strides`.
    Strides,
    /// `shape` and `strides`, over C-contiguous memory.
    CContiguous,
    /// `shape` and `strides`, over Fortran-contiguous memory.
    FContiguous,
    /// `shape` and `strides`, over contiguous memory.
    AnyContiguous,
    /// `shape`, `strides` and, if there is need, `suboffsets`.
    Indirect,
}

impl Structure {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Simple,
        Self::Nd,
        Self::Strides,
        Self::CContiguous,
        Self::FContiguous,
        Self::AnyContiguous,
        Self::Indirect,
    ];

    /// The flag.
    #[must_use]
    pub const fn request(self) -> Request {
        match self {
            Self::Simple => Request::SIMPLE,
            Self::Nd => Request::ND,
            Self::Strides => Request::STRIDES,
            Self::CContiguous => Request::C_CONTIGUOUS,
            Self::FContiguous => Request::F_CONTIGUOUS,
            Self::AnyContiguous => Request::ANY_CONTIGUOUS,
            Self::Indirect => Request::INDIRECT,
        }
    }

    /// The rule that says what it means.
    #[must_use]
    pub const fn rule(self) -> RuleId {
        match self {
            Self::Simple => RuleId::B10,
            Self::Nd => RuleId::B09,
            Self::Strides => RuleId::B08,
            Self::CContiguous => RuleId::B11,
            Self::FContiguous => RuleId::B12,
            Self::AnyContiguous => RuleId::B13,
            Self::Indirect => RuleId::B07,
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request().fmt(f)
    }
}

/// The names of `PyBUF_*`, flags before compounds; those of two names for one value only once.
const NAMES: [(&str, Request); 17] = [
    ("SIMPLE", Request::SIMPLE),
    ("WRITABLE", Request::WRITABLE),
    ("FORMAT", Request::FORMAT),
    ("ND", Request::ND),
    ("STRIDES", Request::STRIDES),
    ("C_CONTIGUOUS", Request::C_CONTIGUOUS),
    ("F_CONTIGUOUS", Request::F_CONTIGUOUS),
    ("ANY_CONTIGUOUS", Request::ANY_CONTIGUOUS),
    ("INDIRECT", Request::INDIRECT),
    ("CONTIG", Request::CONTIG),
    ("CONTIG_RO", Request::CONTIG_RO),
    ("STRIDED", Request::STRIDED),
    ("STRIDED_RO", Request::STRIDED_RO),
    ("RECORDS", Request::RECORDS),
    ("RECORDS_RO", Request::RECORDS_RO),
    ("FULL", Request::FULL),
    ("FULL_RO", Request::FULL_RO),
];

/// The flags that contain bits of others, with the bit that is their own.
const NESTED: [(i32, Request); 5] = [
    (0x10, Request::STRIDES),
    (0x20, Request::C_CONTIGUOUS),
    (0x40, Request::F_CONTIGUOUS),
    (0x80, Request::ANY_CONTIGUOUS),
    (0x100, Request::INDIRECT),
];

/// `PyBUF_READ`, which has the value of a bit of `PyBUF_INDIRECT`.
const READ: i32 = 0x100;
/// `PyBUF_WRITE`
const WRITE: i32 = 0x200;

impl Request {
    /// The 26 legal requests: every structure, with or without `WRITABLE` and `FORMAT`, less
    /// `SIMPLE` with `FORMAT`.
    pub const ALL_LEGAL: [Self; 26] = Self::all_legal();

    const fn all_legal() -> [Self; 26] {
        let mut all = [Self::SIMPLE; 26];
        let mut slots: &mut [Self] = &mut all;
        let mut structures: &[Structure] = &Structure::ALL;
        while let [structure, rest @ ..] = structures {
            structures = rest;
            let flag = structure.request();
            slots = match (structure, slots) {
                (Structure::Simple, [read, write, slots @ ..]) => {
                    (*read, *write) = (flag, flag.union(Self::WRITABLE));
                    slots
                }
                (_, [read, write, format, full, slots @ ..]) => {
                    (*read, *write) = (flag, flag.union(Self::WRITABLE));
                    (*format, *full) = (flag.union(Self::FORMAT), flag.union(Self::WRITABLE).union(Self::FORMAT));
                    slots
                }
                (_, slots) => slots,
            };
        }
        all
    }

    /// The structural part. Where contiguity is asked for twice, or together with `INDIRECT`, the
    /// narrowest.
    #[must_use]
    pub const fn structure(self) -> Structure {
        if self.contains(Self::C_CONTIGUOUS) {
            Structure::CContiguous
        } else if self.contains(Self::F_CONTIGUOUS) {
            Structure::FContiguous
        } else if self.contains(Self::ANY_CONTIGUOUS) {
            Structure::AnyContiguous
        } else if self.contains(Self::INDIRECT) {
            Structure::Indirect
        } else if self.contains(Self::STRIDES) {
            Structure::Strides
        } else if self.contains(Self::ND) {
            Structure::Nd
        } else {
            Structure::Simple
        }
    }

    /// Whether it is one of [`ALL_LEGAL`](Request::ALL_LEGAL).
    #[must_use]
    pub fn is_legal(self) -> bool {
        Self::ALL_LEGAL.contains(&self)
    }

    /// The request of the C flags, `SIMPLE | FORMAT` included, which `PyBuffer_FillInfo` serves.
    ///
    /// ```
    /// use pep3118::Request;
    /// assert_eq!(Request::from_flags(0x18), Ok(Request::STRIDES));
    /// assert_eq!(
    ///     Request::from_flags(0x100).unwrap_err().to_string(),
    ///     "flags 0x100 are PyBUF_READ, which is for PyMemoryView_FromMemory and not for requests",
    /// );
    /// ```
    ///
    /// # Errors
    /// - `0x100`: `PyBUF_READ`
    /// - `0x200`: `PyBUF_WRITE`
    /// - `0x10`: a bit of `PyBUF_STRIDES` without the others
    /// - `0x400`: no flag
    pub fn from_flags(flags: i32) -> Result<Self, RequestError> {
        match Self::from_bits_retain(flags).fault() {
            Some(error) => Err(error),
            None => Ok(Self::from_bits_retain(flags)),
        }
    }

    /// What is wrong with the bits, if they were not checked yet.
    pub(crate) fn fault(self) -> Option<RequestError> {
        let flags = self.bits();
        if flags == READ {
            return Some(RequestError::Read { flags });
        }
        if flags & WRITE != 0 {
            return Some(RequestError::Write { flags });
        }
        let mut nested: &[(i32, Self)] = &NESTED;
        while let [(own, flag), rest @ ..] = nested {
            nested = rest;
            if flags & *own != 0 && !self.contains(*flag) {
                return Some(RequestError::Partial { flags, flag: *flag });
            }
        }
        let unknown = flags & !Self::all().bits();
        if unknown != 0 { Some(RequestError::Unknown { flags, unknown }) } else { None }
    }

    /// Whether it is the value of a compound that CPython names: `CONTIG`, `FULL_RO` and so on.
    #[must_use]
    pub fn is_compound(self) -> bool {
        NAMES.iter().skip(9).any(|(_, compound)| *compound == self)
    }
}

impl TryFrom<i32> for Request {
    type Error = RequestError;

    /// As [`from_flags`](Request::from_flags).
    fn try_from(flags: i32) -> Result<Self, RequestError> {
        Self::from_flags(flags)
    }
}

impl FromStr for Request {
    type Err = RequestError;

    /// Reads names joined by `|`, with or without `PyBUF_`, or a number: `"FULL_RO"`,
    /// `"PyBUF_ND|PyBUF_WRITABLE"`, `"0x11c"`, `"284"`.
    ///
    /// # Errors
    /// - `FULL_RW`: no such name
    /// - `READ`, `WRITE` and numbers as in [`from_flags`](Request::from_flags)
    fn from_str(text: &str) -> Result<Self, RequestError> {
        let text = text.trim();
        let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => i32::from_str_radix(hex, 16),
            None => text.parse(),
        };
        if let Ok(flags) = number {
            return Self::from_flags(flags);
        }
        let mut request = Self::SIMPLE;
        for part in text.split('|') {
            let name = part.trim();
            let name = name.strip_prefix("PyBUF_").unwrap_or(name);
            request |= match name {
                "READ" => return Err(RequestError::Read { flags: READ }),
                "WRITE" => return Err(RequestError::Write { flags: WRITE }),
                // The older spelling of the same flag.
                "WRITEABLE" => Self::WRITABLE,
                _ => match NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                    Some((_, flag)) => *flag,
                    None => return Err(RequestError::Name { name: name.into() }),
                },
            };
        }
        Ok(request)
    }
}

impl fmt::Display for Request {
    /// The compound's name, or the flags joined by `|`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fault().is_some() {
            return write!(f, "{:#x}", self.bits());
        }
        // `STRIDED_RO` and `CONTIG_RO` are found under their shorter names.
        if let Some((name, _)) = NAMES.iter().find(|(_, known)| known == self) {
            return f.write_str(name);
        }
        let narrow = [Self::INDIRECT, Self::ANY_CONTIGUOUS, Self::F_CONTIGUOUS, Self::C_CONTIGUOUS];
        let wide = [Self::STRIDES, Self::ND];
        // A wider flag is only told where no narrower one implies it.
        let wide =
            wide.into_iter().find(|flag| self.contains(*flag) && !narrow.iter().any(|flag| self.contains(*flag)));
        let flags = narrow.into_iter().filter(|flag| self.contains(*flag)).chain(wide);
        let flags = flags.chain([Self::WRITABLE, Self::FORMAT].into_iter().filter(|flag| self.contains(*flag)));
        for (index, flag) in flags.enumerate() {
            let name = NAMES.iter().find(|(_, known)| *known == flag).map_or("", |(name, _)| name);
            write!(f, "{}{name}", if index == 0 { "" } else { "|" })?;
        }
        Ok(())
    }
}
