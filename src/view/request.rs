//! `Request`: the argument `flags` of `PyObject_GetBuffer`. `Structure`: the structural flag of a request. `FlagsError`
//! and `RequestError`: the errors for invalid flags and for invalid text.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;

use super::rules::RuleId;
use crate::text::escape;

bitflags! {
    /// The flags of a buffer request. The flags define the fields that the exporter must fill in, and the properties
    /// that the memory must have.
    ///
    /// The structural flags are `ND`, `STRIDES`, `INDIRECT` and the contiguity flags. A structural flag
    /// includes the bits of other flags: `STRIDES` includes the bit of `ND`. A request therefore has a flag
    /// only if all bits of the flag are set. [`contains`](Request::contains) tests `(flags & flag) == flag`.
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
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct Request: i32 {
        /// Requests a contiguous block of bytes, without shape and strides.
        const SIMPLE = 0;
        /// Requests writable memory. The exporter must refuse the request if the memory is read-only.
        const WRITABLE = 0x1;
        /// Requests that the exporter fills in `format`.
        const FORMAT = 0x4;
        /// Requests that the exporter fills in `shape`. The memory must be C-contiguous.
        const ND = 0x8;
        /// Requests that the exporter fills in `shape` and `strides`. The memory can have any strides.
        const STRIDES = 0x18;
        /// Requests that the exporter fills in `shape` and `strides`. The memory must be C-contiguous.
        const C_CONTIGUOUS = 0x38;
        /// Requests that the exporter fills in `shape` and `strides`. The memory must be Fortran-contiguous.
        const F_CONTIGUOUS = 0x58;
        /// Requests that the exporter fills in `shape` and `strides`. The memory must be C- or
        /// Fortran-contiguous.
        const ANY_CONTIGUOUS = 0x98;
        /// Requests that the exporter fills in `shape` and `strides`, and also `suboffsets` if the access to an
        /// item must read pointers.
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

/// The structural flag of a request. The flag defines the arrays that the exporter must fill in, and the order that the
/// items must have in memory.
///
/// ```
/// use pep3118::Request;
/// use pep3118::view::Structure;
/// assert_eq!(Request::RECORDS.structure(), Structure::Strides);
/// assert_eq!(Structure::Strides.request(), Request::STRIDES);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Structure {
    /// The exporter fills in no array. The memory must be C-contiguous.
    Simple,
    /// The exporter fills in `shape`. The memory must be C-contiguous.
    Nd,
    /// The exporter fills in `shape` and `strides`. The memory can have any strides.
    Strides,
    /// The exporter fills in `shape` and `strides`. The memory must be C-contiguous.
    CContiguous,
    /// The exporter fills in `shape` and `strides`. The memory must be Fortran-contiguous.
    FContiguous,
    /// The exporter fills in `shape` and `strides`. The memory must be C- or Fortran-contiguous.
    AnyContiguous,
    /// The exporter fills in `shape` and `strides`, and also `suboffsets` if the access to an item must read
    /// pointers.
    Indirect,
}

impl Structure {
    /// Every structural flag. A later flag requires at least as many fields of the `Py_buffer` as an earlier flag.
    pub const ALL: [Self; 7] = [
        Self::Simple,
        Self::Nd,
        Self::Strides,
        Self::CContiguous,
        Self::FContiguous,
        Self::AnyContiguous,
        Self::Indirect,
    ];

    /// Returns the request that has only this structural flag, such as `Request::ND`.
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

    /// Returns the rule about the arrays that an exporter must fill in for this structural flag, such as `B08` for
    /// `STRIDES`.
    ///
    /// ```
    /// use pep3118::view::Structure;
    /// assert_eq!(Structure::Strides.rule().as_str(), "B08");
    /// ```
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

/// The names of the single flags, without the prefix `PyBUF_`.
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

/// The names of the constants that CPython calls compound requests, without the prefix `PyBUF_`.
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

/// Returns the names and values of all flags and compound requests. Flags are first, so that the common value
/// of `ND` and `CONTIG_RO` is displayed as `ND`.
fn named_requests() -> impl Iterator<Item = &'static (&'static str, Request)> {
    FLAGS.iter().chain(&COMPOUNDS)
}

/// The flags that include the bits of other flags. Each pair has the bit that identifies the flag, and the flag with
/// all its bits: `0x10` and `STRIDES`.
const IMPLYING_FLAGS: [(i32, Request); 5] = [
    (0x10, Request::STRIDES),
    (0x20, Request::C_CONTIGUOUS),
    (0x40, Request::F_CONTIGUOUS),
    (0x80, Request::ANY_CONTIGUOUS),
    (0x100, Request::INDIRECT),
];

/// `PyBUF_READ`, which is an argument of `PyMemoryView_FromMemory` and not a request. `PyBUF_INDIRECT` contains
/// the same bit.
const READ: i32 = 0x100;
/// `PyBUF_WRITE`, which is an argument of `PyMemoryView_FromMemory` and not a request.
const WRITE: i32 = 0x200;

/// Creates the array of the legal requests. The array has `SIMPLE` with and without `WRITABLE`. For each flag in the
/// arguments of the macro, the array has every combination with `WRITABLE` and `FORMAT`.
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
    /// The 26 legal requests: every structural flag with every combination of `WRITABLE` and `FORMAT`. `SIMPLE`
    /// with `FORMAT` is not legal.
    pub const ALL_LEGAL: [Self; 26] = all_legal!(ND STRIDES C_CONTIGUOUS F_CONTIGUOUS ANY_CONTIGUOUS INDIRECT);

    /// Returns the structural flag of the request.
    ///
    /// If the request contains several structural flags, returns the first flag in this order: `C_CONTIGUOUS`,
    /// `F_CONTIGUOUS`, `ANY_CONTIGUOUS`, `INDIRECT`, `STRIDES`, `ND`. Returns [`Structure::Simple`] if the request
    /// contains no structural flag.
    ///
    /// ```
    /// use pep3118::{Request, view::Structure};
    /// assert_eq!(Request::FULL_RO.structure(), Structure::Indirect);
    /// assert_eq!(Structure::Indirect.rule(), pep3118::RuleId::B07);
    /// ```
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
    ///
    /// ```
    /// use pep3118::Request;
    /// assert!(Request::FULL_RO.is_legal() && !Request::FORMAT.is_legal());
    /// ```
    #[must_use]
    pub fn is_legal(self) -> bool {
        Self::ALL_LEGAL.contains(&self)
    }

    /// Converts the argument `flags` of `PyObject_GetBuffer` to a request. `SIMPLE | FORMAT` is accepted, because
    /// `PyBuffer_FillInfo` serves this request.
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
    /// - the flags are `0x100`, which is `PyBUF_READ`
    /// - the flags contain `0x200`, which is `PyBUF_WRITE`
    /// - the flags contain only some of the bits of a flag: `0x10` is a part of `PyBUF_STRIDES`
    /// - the flags contain a bit that no flag has: `0x400`
    pub fn from_flags(flags: i32) -> Result<Self, FlagsError> {
        let request = Self::from_bits_retain(flags);
        request.validate().map(|()| request)
    }

    /// Returns `Ok` if the bits are valid flags. The test is necessary because
    /// [`from_bits_retain`](Request::from_bits_retain) accepts any bits.
    ///
    /// # Errors
    /// - [`from_flags`](Request::from_flags) rejects the bits
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

    /// Returns whether the request is equal to a compound constant of CPython, such as `CONTIG` or `FULL_RO`.
    ///
    /// ```
    /// use pep3118::Request;
    /// assert!(Request::CONTIG_RO.is_compound() && !Request::ANY_CONTIGUOUS.is_compound());
    /// ```
    #[must_use]
    pub fn is_compound(self) -> bool {
        COMPOUNDS.iter().any(|(_, compound)| *compound == self)
    }
}

impl TryFrom<i32> for Request {
    type Error = FlagsError;

    /// Converts the argument `flags` of `PyObject_GetBuffer` to a request. Returns an error for invalid flags, see
    /// [`from_flags`](Request::from_flags).
    fn try_from(flags: i32) -> Result<Self, FlagsError> {
        Self::from_flags(flags)
    }
}

impl FromStr for Request {
    type Err = RequestError;

    /// Parses `text`: a number, or the names of flags and compound requests with `|` between the names.
    ///
    /// A name can have the prefix `PyBUF_`. The function ignores the case of the name after the prefix, and the spaces
    /// around names. Examples: `"FULL_RO"`, `"PyBUF_ND|PyBUF_WRITABLE"`, `"0x11c"`, `"284"`.
    ///
    /// # Errors
    /// - no flag has the name: `FULL_RW`
    /// - the name is not a flag of a request: `READ`, `WRITE`
    /// - [`from_flags`](Request::from_flags) rejects the number
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
                // `PyBUF_WRITEABLE` is an old spelling that CPython still defines.
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
    /// Writes the name of a compound request, or the names of the flags with `|` between the names.
    ///
    /// The bits of some flags include the bits of another flag: `STRIDES` includes `ND`. Writes only the name of the
    /// including flag, such as `STRIDES`. Writes invalid bits as a hexadecimal number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.validate().is_err() {
            return write!(f, "{:#x}", self.bits());
        }
        if let Some((name, _)) = named_requests().find(|(_, known)| known == self) {
            return f.write_str(name);
        }
        let strict = [Self::INDIRECT, Self::ANY_CONTIGUOUS, Self::F_CONTIGUOUS, Self::C_CONTIGUOUS];
        let strict = strict.into_iter().filter(|flag| self.contains(*flag));
        // INDIRECT and the contiguity flags include STRIDES, and STRIDES includes ND.
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

/// The error for an integer whose bits are not the flags of a request.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FlagsError {
    /// The flags are `0x100`, which is `PyBUF_READ`.
    #[error("flags {flags:#x} are PyBUF_READ, which is an argument of PyMemoryView_FromMemory, not a request")]
    Read {
        /// The rejected flags.
        flags: i32,
    },
    /// The flags contain `0x200`, which is `PyBUF_WRITE`.
    #[error("flags {flags:#x} contain PyBUF_WRITE, which is an argument of PyMemoryView_FromMemory, not a request")]
    Write {
        /// The rejected flags.
        flags: i32,
    },
    /// The flags contain only some of the bits of a flag. Example: `0x10` is `STRIDES` without the bit of `ND`.
    #[error("flags {flags:#x} contain only some of the bits of {flag}, {:#x}", flag.bits())]
    Partial {
        /// The rejected flags.
        flags: i32,
        /// The flag that lacks some of its bits.
        flag: Request,
    },
    /// The flags contain bits that no flag has, such as `0x400`.
    #[error("flags {flags:#x} contain bits that are not part of any flag: {unknown:#x}")]
    Unknown {
        /// The rejected flags.
        flags: i32,
        /// The bits that no flag has.
        unknown: i32,
    },
}

impl FlagsError {
    /// Returns the rejected flags.
    ///
    /// ```
    /// assert_eq!(pep3118::Request::from_flags(0x100).unwrap_err().flags(), 0x100);
    /// ```
    #[must_use]
    pub const fn flags(self) -> i32 {
        match self {
            Self::Read { flags }
            | Self::Write { flags }
            | Self::Partial { flags, .. }
            | Self::Unknown { flags, .. } => flags,
        }
    }

    /// Returns the rule of the protocol that the flags break.
    #[must_use]
    pub const fn rule(self) -> RuleId {
        match self {
            Self::Read { .. } | Self::Write { .. } => RuleId::B18,
            Self::Partial { .. } | Self::Unknown { .. } => RuleId::B17,
        }
    }
}

/// The error for a text that contains an unknown name, or a number that is not the flags of a request.
///
/// ```
/// use pep3118::Request;
/// assert!("STRIDED".parse::<Request>().is_ok());
/// let error = "FULL_RW".parse::<Request>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown request `FULL_RW`");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RequestError {
    /// The text is a number or a name whose bits are not the flags of a request, such as `0x400` or `READ`.
    #[error(transparent)]
    Flags(#[from] FlagsError),
    /// The text contains a name that no flag has, such as `FULL_RW`.
    #[error("unknown request `{}`", escape(name))]
    Name {
        /// The unknown name.
        name: String,
    },
}
