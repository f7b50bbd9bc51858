//! `Request`: the flags of `PyObject_GetBuffer`.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;

use super::rules::RuleId;
use crate::text::escape;

bitflags! {
    /// The flags of a buffer request.
    ///
    /// A structural flag contains the bits of the flags that it implies. A request therefore has a flag only if
    /// all bits of the flag are set. [`contains`](Request::contains) tests `(flags & flag) == flag`.
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
        /// A contiguous block of bytes without shape or strides.
        const SIMPLE = 0;
        /// The exporter describes writable memory or refuses the request.
        const WRITABLE = 0x1;
        /// The exporter fills in `format`.
        const FORMAT = 0x4;
        /// The exporter fills in `shape`. The memory must be C-contiguous.
        const ND = 0x8;
        /// The exporter fills in `shape` and `strides`.
        const STRIDES = 0x18;
        /// The exporter fills in `shape` and `strides`. The memory must be C-contiguous.
        const C_CONTIGUOUS = 0x38;
        /// The exporter fills in `shape` and `strides`. The memory must be Fortran-contiguous.
        const F_CONTIGUOUS = 0x58;
        /// The exporter fills in `shape` and `strides`. The memory must be C- or Fortran-contiguous.
        const ANY_CONTIGUOUS = 0x98;
        /// The exporter fills in `shape` and `strides`, and `suboffsets` if the memory needs them.
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

/// The structural flag of a request: the arrays that the exporter must fill in, and the order that the memory
/// must have.
///
/// ```
/// use pep3118::Request;
/// use pep3118::view::Structure;
/// assert_eq!(Request::RECORDS.structure(), Structure::Strides);
/// assert_eq!(Structure::Strides.request(), Request::STRIDES);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Structure {
    /// No arrays. The memory must be C-contiguous.
    Simple,
    /// `shape`. The memory must be C-contiguous.
    Nd,
    /// `shape` and `strides`. The memory may have any strides.
    Strides,
    /// `shape` and `strides`. The memory must be C-contiguous.
    CContiguous,
    /// `shape` and `strides`. The memory must be Fortran-contiguous.
    FContiguous,
    /// `shape` and `strides`. The memory must be C- or Fortran-contiguous.
    AnyContiguous,
    /// `shape` and `strides`, and `suboffsets` if the memory needs them.
    Indirect,
}

impl Structure {
    /// Every structure.
    pub const ALL: [Self; 7] = [
        Self::Simple,
        Self::Nd,
        Self::Strides,
        Self::CContiguous,
        Self::FContiguous,
        Self::AnyContiguous,
        Self::Indirect,
    ];

    /// Returns the `PyBUF_*` flag of the structure.
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

    /// Returns the rule that defines the arrays of the structure.
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

/// The names of the `PyBUF_*` constants that are one flag.
const FLAGS: [(&str, Request); 9] = [
    ("SIMPLE", Request::SIMPLE),
    ("WRITABLE", Request::WRITABLE),
    ("FORMAT", Request::FORMAT),
    ("ND", Request::ND),
    ("STRIDES", Request::STRIDES),
    ("C_CONTIGUOUS", Request::C_CONTIGUOUS),
    ("F_CONTIGUOUS", Request::F_CONTIGUOUS),
    ("ANY_CONTIGUOUS", Request::ANY_CONTIGUOUS),
    ("INDIRECT", Request::INDIRECT),
];

/// The names of the `PyBUF_*` constants that CPython calls compound requests.
const COMPOUNDS: [(&str, Request); 8] = [
    ("CONTIG", Request::CONTIG),
    ("CONTIG_RO", Request::CONTIG_RO),
    ("STRIDED", Request::STRIDED),
    ("STRIDED_RO", Request::STRIDED_RO),
    ("RECORDS", Request::RECORDS),
    ("RECORDS_RO", Request::RECORDS_RO),
    ("FULL", Request::FULL),
    ("FULL_RO", Request::FULL_RO),
];

/// Iterates over the names of all flags and compound requests. Flags come first, so that the common value of
/// `ND` and `CONTIG_RO` is displayed as `ND`.
fn named_requests() -> impl Iterator<Item = &'static (&'static str, Request)> {
    FLAGS.iter().chain(&COMPOUNDS)
}

/// The flags that imply other flags. The number beside a flag is the bit that no implied flag has.
const IMPLYING_FLAGS: [(i32, Request); 5] = [
    (0x10, Request::STRIDES),
    (0x20, Request::C_CONTIGUOUS),
    (0x40, Request::F_CONTIGUOUS),
    (0x80, Request::ANY_CONTIGUOUS),
    (0x100, Request::INDIRECT),
];

/// `PyBUF_READ`, an argument of `PyMemoryView_FromMemory`. The bit is also part of `PyBUF_INDIRECT`.
const READ: i32 = 0x100;
/// `PyBUF_WRITE`, an argument of `PyMemoryView_FromMemory`.
const WRITE: i32 = 0x200;

/// Lists the legal requests: `SIMPLE` with and without `WRITABLE`, then each given flag with every
/// combination of `WRITABLE` and `FORMAT`.
macro_rules! all_legal {
    ($($flag:ident)*) => {
        [
            Request::SIMPLE,
            Request::WRITABLE,
            $(
                Request::$flag,
                Request::$flag.union(Request::WRITABLE),
                Request::$flag.union(Request::FORMAT),
                Request::$flag.union(Request::WRITABLE).union(Request::FORMAT),
            )*
        ]
    };
}

impl Request {
    /// The 26 legal requests: every structure with every combination of `WRITABLE` and `FORMAT`, except that
    /// `SIMPLE` has no request with `FORMAT`.
    pub const ALL_LEGAL: [Self; 26] = all_legal!(ND STRIDES C_CONTIGUOUS F_CONTIGUOUS ANY_CONTIGUOUS INDIRECT);

    /// Returns the structural flag of the request.
    ///
    /// If the request has several structural flags, the most restrictive flag is returned: C, Fortran or any
    /// contiguity before `INDIRECT`.
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

    /// Returns whether [`ALL_LEGAL`](Request::ALL_LEGAL) contains the request.
    #[must_use]
    pub fn is_legal(self) -> bool {
        Self::ALL_LEGAL.contains(&self)
    }

    /// Converts the flags of the C API. `SIMPLE | FORMAT` is accepted because `PyBuffer_FillInfo` serves it.
    ///
    /// ```
    /// use pep3118::Request;
    /// assert_eq!(Request::from_flags(0x18), Ok(Request::STRIDES));
    /// assert_eq!(
    ///     Request::from_flags(0x100).unwrap_err().to_string(),
    ///     "flags 0x100 are PyBUF_READ, which is an argument of PyMemoryView_FromMemory, not a request",
    /// );
    /// ```
    ///
    /// # Errors
    /// - `0x100`: the flags are `PyBUF_READ`
    /// - `0x200`: the flags contain `PyBUF_WRITE`
    /// - `0x10`: the flags contain only a part of the bits of `PyBUF_STRIDES`
    /// - `0x400`: no flag has this bit
    pub fn from_flags(flags: i32) -> Result<Self, FlagsError> {
        let request = Self::from_bits_retain(flags);
        request.validate().map(|()| request)
    }

    /// Checks that the bits are a request. [`from_bits_retain`](Request::from_bits_retain) accepts any bits.
    ///
    /// # Errors
    /// - every error of [`from_flags`](Request::from_flags)
    pub(crate) fn validate(self) -> Result<(), FlagsError> {
        let flags = self.bits();
        if flags == READ {
            return Err(FlagsError::Read { flags });
        }
        if flags & WRITE != 0 {
            return Err(FlagsError::Write { flags });
        }
        if let Some((_, flag)) =
            IMPLYING_FLAGS.iter().find(|(own_bit, flag)| flags & *own_bit != 0 && !self.contains(*flag))
        {
            return Err(FlagsError::Partial { flags, flag: *flag });
        }
        let unknown = flags & !Self::all().bits();
        if unknown == 0 { Ok(()) } else { Err(FlagsError::Unknown { flags, unknown }) }
    }

    /// Returns whether the value is a compound constant of CPython, such as `CONTIG` or `FULL_RO`.
    #[must_use]
    pub fn is_compound(self) -> bool {
        COMPOUNDS.iter().any(|(_, compound)| *compound == self)
    }
}

impl TryFrom<i32> for Request {
    type Error = FlagsError;

    /// Converts the flags of the C API. See [`from_flags`](Request::from_flags).
    fn try_from(flags: i32) -> Result<Self, FlagsError> {
        Self::from_flags(flags)
    }
}

impl FromStr for Request {
    type Err = RequestError;

    /// Parses names that are joined by `|`, or a number.
    ///
    /// Names may have the prefix `PyBUF_`: `"FULL_RO"`, `"PyBUF_ND|PyBUF_WRITABLE"`, `"0x11c"`, `"284"`.
    ///
    /// # Errors
    /// - `FULL_RW`: no flag has this name
    /// - `READ`, `WRITE`: the name is not a flag of a request
    /// - a number that [`from_flags`](Request::from_flags) rejects
    fn from_str(text: &str) -> Result<Self, RequestError> {
        let text = text.trim();
        let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => i32::from_str_radix(hex, 16),
            None => text.parse(),
        };
        if let Ok(flags) = number {
            return Ok(Self::from_flags(flags)?);
        }
        let mut request = Self::SIMPLE;
        for part in text.split('|') {
            let name = part.trim();
            let name = name.strip_prefix("PyBUF_").unwrap_or(name);
            request |= match name {
                "READ" => return Err(FlagsError::Read { flags: READ }.into()),
                "WRITE" => return Err(FlagsError::Write { flags: WRITE }.into()),
                // `PyBUF_WRITEABLE` is an older spelling that CPython still defines.
                "WRITEABLE" => Self::WRITABLE,
                _ => match named_requests().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                    Some((_, flag)) => *flag,
                    None => return Err(RequestError::Name { name: name.into() }),
                },
            };
        }
        Ok(request)
    }
}

impl fmt::Display for Request {
    /// Writes the name of a compound request, or the names of the flags joined by `|`.
    ///
    /// Leaves out a flag that another flag implies. Writes invalid bits as a hexadecimal number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.validate().is_err() {
            return write!(f, "{:#x}", self.bits());
        }
        if let Some((name, _)) = named_requests().find(|(_, known)| known == self) {
            return f.write_str(name);
        }
        let strict = [Self::INDIRECT, Self::ANY_CONTIGUOUS, Self::F_CONTIGUOUS, Self::C_CONTIGUOUS];
        let strict = strict.into_iter().filter(|flag| self.contains(*flag));
        // INDIRECT and the contiguity flags imply STRIDES. STRIDES implies ND.
        let implied = if strict.clone().next().is_some() { None } else { Some([Self::STRIDES, Self::ND]) };
        let implied = implied.into_iter().flatten().find(|flag| self.contains(*flag));
        let modifiers = [Self::WRITABLE, Self::FORMAT].into_iter().filter(|flag| self.contains(*flag));
        for (index, flag) in strict.chain(implied).chain(modifiers).enumerate() {
            let separator = if index == 0 { "" } else { "|" };
            write!(f, "{separator}{flag}")?;
        }
        Ok(())
    }
}

/// The error for flags that are not a valid request.
///
/// ```
/// use pep3118::Request;
/// let error = Request::from_flags(0x100).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "flags 0x100 are PyBUF_READ, which is an argument of PyMemoryView_FromMemory, not a request",
/// );
/// assert_eq!(error.rule().as_str(), "B18");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagsError {
    /// The flags are `0x100`, which is `PyBUF_READ`.
    #[error("flags {flags:#x} are PyBUF_READ, which is an argument of PyMemoryView_FromMemory, not a request")]
    Read {
        /// The flags.
        flags: i32,
    },
    /// The flags contain `0x200`, which is `PyBUF_WRITE`.
    #[error("flags {flags:#x} contain PyBUF_WRITE, which is an argument of PyMemoryView_FromMemory, not a request")]
    Write {
        /// The flags.
        flags: i32,
    },
    /// The flags contain only a part of the bits of a flag: `0x10` is `STRIDES` without the bit of `ND`.
    #[error("flags {flags:#x} contain only some of the bits of {flag}, {:#x}", flag.bits())]
    Partial {
        /// The flags.
        flags: i32,
        /// The flag whose bits are incomplete.
        flag: Request,
    },
    /// The flags contain a bit that no flag has, such as `0x400`.
    #[error("flags {flags:#x} contain bits that are not part of any flag: {unknown:#x}")]
    Unknown {
        /// The flags.
        flags: i32,
        /// The bits that no flag has.
        unknown: i32,
    },
}

impl FlagsError {
    /// Returns the flags.
    #[must_use]
    pub const fn flags(self) -> i32 {
        match self {
            Self::Read { flags }
            | Self::Write { flags }
            | Self::Partial { flags, .. }
            | Self::Unknown { flags, .. } => flags,
        }
    }

    /// Returns the rule that the flags break.
    #[must_use]
    pub const fn rule(self) -> RuleId {
        match self {
            Self::Read { .. } | Self::Write { .. } => RuleId::B18,
            Self::Partial { .. } | Self::Unknown { .. } => RuleId::B17,
        }
    }
}

/// The error for text that does not name a request.
///
/// ```
/// use pep3118::Request;
/// assert!("STRIDED".parse::<Request>().is_ok());
/// let error = "FULL_RW".parse::<Request>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown request `FULL_RW`");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The text is a number or a name whose bits are not a request: `0x400`, `READ`.
    #[error(transparent)]
    Flags(#[from] FlagsError),
    /// The text contains a name that does not exist: `FULL_RW`.
    #[error("unknown request `{}`", escape(name))]
    Name {
        /// The unknown name.
        name: String,
    },
}
