//! Why a format has no layout in a dialect, or none that fits the itemsize.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::interpretation::Ambiguity;
use crate::diagnostic::{Diagnostic, Label};
use crate::format::{ByteOrder, Code, FormatError};
use crate::span::Span;
use crate::text::{abridge, plural};

/// A format without a layout: not a format, not in the dialect, too large, or at odds with the
/// itemsize.
///
/// `{}` is one line; `{:#}` adds the source with carets, the working, and where one is obvious a
/// help line.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
/// assert_eq!(error.to_string(), "format character `n` (ssize_t) has no standard size at byte 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutError(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    kind: LayoutErrorKind,
    span: Span,
    source: Box<[u8]>,
    dialect: &'static str,
    model: &'static str,
}

/// What is wrong.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, LayoutErrorKind};
/// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
/// assert!(matches!(error.kind(), LayoutErrorKind::NoStandardSize { .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutErrorKind {
    /// The text is not a format.
    #[error(transparent)]
    Format(FormatError),
    /// `Zd` in `struct` of CPython 3.13.
    #[error("format character `{code}` ({}) is not part of the dialect", code.c_type())]
    Code {
        /// The format character.
        code: Code,
    },
    /// `<n`
    #[error("format character `{code}` ({}) has no standard size", code.c_type())]
    NoStandardSize {
        /// The format character.
        code: Code,
        /// The byte order character that asks for a standard size.
        order: ByteOrder,
    },
    /// `T{i}` in `struct`
    #[error("{construct} is not part of the dialect")]
    Construct {
        /// What the dialect lacks.
        construct: Construct,
    },
    /// A count or dimension past the dialect's limit.
    #[error("{count} is more than the {limit} that a count may be")]
    CountTooLarge {
        /// The count.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// More bytes than any object can have on that machine.
    #[error("item is larger than {limit} bytes, the most that a Py_ssize_t can say")]
    TooLarge {
        /// `PY_SSIZE_T_MAX`, in bytes.
        limit: u64,
    },
    /// `3t5t`: PEP 3118 does not say whether they share a byte.
    #[error("bits after bits: whether they share a byte is not defined")]
    AdjacentBits,
    /// `[bfloat16]` without an itemsize, or with other items.
    #[error("user type has no size of its own")]
    UnknownSize,
    /// `T{i:a:i:a:}` for NumPy's reader.
    #[error("two fields of one structure have the same name")]
    DuplicateName,
    /// No reading of the format gives the itemsize.
    #[error("itemsize is {}, but the format describes {}", plural(*itemsize, "byte"), sizes(readings))]
    ItemsizeMismatch {
        /// The itemsize, in bytes.
        itemsize: u64,
        /// What each reading gives.
        readings: Vec<InterpretedSize>,
    },
    /// Several interpretations fit, and the caller has to choose one.
    #[error(transparent)]
    Ambiguous(Ambiguity),
}

/// What one reading of a format gives.
///
/// ```
/// use pep3118::{DataModel, Dialect, LayoutErrorKind, reconcile};
/// let error = reconcile(b"T{<b:a:<i:b:}", Some(8), Some(&Dialect::CTYPES), &DataModel::LP64).unwrap_err();
/// let LayoutErrorKind::ItemsizeMismatch { itemsize, readings } = error.kind() else { unreachable!() };
/// assert_eq!((*itemsize, readings[0].dialect, readings[0].size), (8, "ctypes", 5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterpretedSize {
    /// The dialect's name.
    pub dialect: &'static str,
    /// The size in bytes.
    pub size: u64,
}

/// A construct that some dialects lack.
///
/// ```
/// use pep3118::layout::Construct;
/// use pep3118::{DataModel, Dialect, Layout, LayoutErrorKind};
/// let error = Layout::read(b"T{i}", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
/// assert_eq!(*error.kind(), LayoutErrorKind::Construct { construct: Construct::Structure });
/// assert_eq!(error.to_string(), "structure `T{}` is not part of the dialect at byte 0");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Construct {
    /// `T{…}`
    Structure,
    /// `:name:`
    Name,
    /// `(2,3)`
    Shape,
    /// `(2)(3)`
    StackedShapes,
    /// `&`
    Pointer,
    /// `X{…}`
    Function,
    /// `[name]`
    UserType,
    /// `^`
    Unaligned,
    /// `i<i`
    LaterByteOrder,
    /// `3<i`
    ByteOrderAfterCount,
    /// `<(2)i`
    ByteOrderBeforeShape,
    /// `T{<>i}`
    TwoByteOrders,
    /// `i<`
    TrailingByteOrder,
    /// `3 i`, `Z f`
    SpaceInItem,
}

impl Construct {
    /// Every construct.
    pub const ALL: [Self; 14] = [
        Self::Structure,
        Self::Name,
        Self::Shape,
        Self::StackedShapes,
        Self::Pointer,
        Self::Function,
        Self::UserType,
        Self::Unaligned,
        Self::LaterByteOrder,
        Self::ByteOrderAfterCount,
        Self::ByteOrderBeforeShape,
        Self::TwoByteOrders,
        Self::TrailingByteOrder,
        Self::SpaceInItem,
    ];
}

impl fmt::Display for Construct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Structure => "structure `T{}`",
            Self::Name => "name",
            Self::Shape => "shape",
            Self::StackedShapes => "shape after a shape",
            Self::Pointer => "pointer `&`",
            Self::Function => "function pointer `X{}`",
            Self::UserType => "user type `[]`",
            Self::Unaligned => "byte order character `^`",
            Self::LaterByteOrder => "byte order character after the first byte",
            Self::ByteOrderAfterCount => "byte order character after a count",
            Self::ByteOrderBeforeShape => "byte order character before a shape",
            Self::TwoByteOrders => "second byte order character in a row",
            Self::TrailingByteOrder => "byte order character without an item after it",
            Self::SpaceInItem => "white space inside an item",
        })
    }
}

/// Each size with the names of the dialects that give it.
fn by_size(readings: &[InterpretedSize]) -> Vec<(u64, String)> {
    let mut sizes: Vec<(u64, String)> = Vec::new();
    for InterpretedSize { dialect, size } in readings {
        match sizes.iter_mut().find(|(known, _)| known == size) {
            Some((_, dialects)) => {
                dialects.push_str(", ");
                dialects.push_str(dialect);
            }
            None => sizes.push((*size, String::from(*dialect))),
        }
    }
    sizes
}

/// The sizes of several readings in words: `5 bytes`, `5 or 8 bytes`.
fn sizes(readings: &[InterpretedSize]) -> String {
    let mut distinct: Vec<u64> = readings.iter().map(|reading| reading.size).collect();
    distinct.sort_unstable();
    distinct.dedup();
    match distinct.as_slice() {
        [only] => plural(*only, "byte"),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(|size| format!("{size}")).collect();
            format!("{} or {}", init.join(", "), plural(*last, "byte"))
        }
        [] => String::from("nothing"),
    }
}

impl LayoutErrorKind {
    /// A short name that stays the same between versions, for programs: `"no-standard-size"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Format(error) => error.kind().name(),
            Self::Code { .. } => "code",
            Self::NoStandardSize { .. } => "no-standard-size",
            Self::Construct { .. } => "construct",
            Self::CountTooLarge { .. } => "count-too-large",
            Self::TooLarge { .. } => "too-large",
            Self::AdjacentBits => "adjacent-bits",
            Self::UnknownSize => "unknown-size",
            Self::DuplicateName => "duplicate-name",
            Self::ItemsizeMismatch { .. } => "mismatch",
            Self::Ambiguous(_) => "ambiguous",
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Code { code } => match code {
                Code::ComplexFloat | Code::ComplexDouble => {
                    "CPython reads `Zf` and `Zd` from 3.15 on; 3.14 wrote `F` and `D`"
                }
                Code::ComplexFloat314 | Code::ComplexDouble314 => {
                    "`F` and `D` are CPython 3.14's; everybody else writes `Zf` and `Zd`"
                }
                _ => return None,
            },
            Self::NoStandardSize { code, .. } => {
                return Some(Cow::Owned(match code {
                    Code::SsizeT => String::from("`@n` is this machine's ssize_t; `<q` is always 8 bytes"),
                    Code::SizeT => String::from("`@N` is this machine's size_t; `<Q` is always 8 bytes"),
                    code => format!("`@{code}` and `^{code}` have the native size"),
                }));
            }
            Self::Construct { construct } => match construct {
                Construct::LaterByteOrder => "only the first byte of the format may be one",
                Construct::SpaceInItem => "write the count and the format character together",
                Construct::ByteOrderBeforeShape => "write it after the shape: `(2)<i`",
                Construct::StackedShapes => "write one shape: `(2,3)i`",
                _ => return None,
            },
            Self::AdjacentBits => "write them as one item: `8t`",
            Self::ItemsizeMismatch { itemsize, readings }
                if readings.iter().all(|reading| reading.size < *itemsize) =>
            {
                "the exporter left something out: ctypes before CPython 3.12 wrote no padding, \
                 and still drops inherited fields and what is in a union"
            }
            Self::UnknownSize => "give the itemsize, and let it be the only item",
            _ => return None,
        }))
    }
}

impl LayoutError {
    #[cold]
    pub(crate) fn new(
        kind: LayoutErrorKind,
        span: Span,
        source: &[u8],
        dialect: &'static str,
        model: &'static str,
    ) -> Self {
        Self(Box::new(Details { kind, span, source: source.into(), dialect, model }))
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &LayoutErrorKind {
        &self.0.kind
    }

    /// Returns the interpretations to choose from, if several fit.
    ///
    /// ```
    /// use pep3118::{DataModel, reconcile};
    /// let error = reconcile(b"ib", None, None, &DataModel::LP64).unwrap_err();
    /// assert_eq!(error.ambiguity().unwrap().alternatives().len(), 2);
    /// ```
    #[must_use]
    pub fn ambiguity(&self) -> Option<&Ambiguity> {
        match &self.0.kind {
            LayoutErrorKind::Ambiguous(ambiguity) => Some(ambiguity),
            _ => None,
        }
    }

    /// Where, in bytes of the format.
    #[must_use]
    pub fn span(&self) -> Span {
        match &self.0.kind {
            LayoutErrorKind::Format(error) => error.span(),
            _ => self.0.span,
        }
    }

    /// The format.
    #[must_use]
    pub fn source_bytes(&self) -> &[u8] {
        &self.0.source
    }

    /// The same text with the source and carets, in colour if wished.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let details = &*self.0;
        match &details.kind {
            LayoutErrorKind::Format(error) => return error.diagnostic(),
            LayoutErrorKind::Ambiguous(ambiguity) => return ambiguity.diagnostic().help(ambiguity.help()),
            _ => {}
        }
        let mut diagnostic = Diagnostic::new(format!("{self}"), &details.source);
        match &details.kind {
            LayoutErrorKind::ItemsizeMismatch { readings, .. } => {
                for (size, dialects) in by_size(readings) {
                    let verb = if dialects.contains(',') { "dialects" } else { "dialect" };
                    diagnostic = diagnostic.note(format!("{} by {verb} {dialects}", plural(size, "byte")));
                }
            }
            kind => {
                let label = match kind {
                    LayoutErrorKind::NoStandardSize { order, .. } => {
                        Cow::Owned(format!("byte order `{order}` selects standard sizes"))
                    }
                    LayoutErrorKind::Code { .. } | LayoutErrorKind::Construct { .. } => {
                        Cow::Owned(format!("not in dialect {}", details.dialect))
                    }
                    LayoutErrorKind::TooLarge { .. } => Cow::Owned(format!("on data model {}", details.model)),
                    _ => Cow::Borrowed(""),
                };
                diagnostic = diagnostic.primary(Label::new(details.span, label));
            }
        }
        diagnostic.help(details.kind.help())
    }
}

impl From<FormatError> for LayoutError {
    fn from(error: FormatError) -> Self {
        Self::new(LayoutErrorKind::Format(error), Span::ZERO, &[], "", "")
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.diagnostic().fmt(f);
        }
        let details = &*self.0;
        match &details.kind {
            LayoutErrorKind::Format(error) => error.fmt(f),
            LayoutErrorKind::Ambiguous(ambiguity) => ambiguity.fmt(f),
            LayoutErrorKind::ItemsizeMismatch { itemsize, readings } => write!(
                f,
                "itemsize is {} but format `{}` describes {}",
                plural(*itemsize, "byte"),
                abridge(&details.source, 60),
                sizes(readings)
            ),
            kind => write!(f, "{kind} at byte {}", details.span.start()),
        }
    }
}

impl core::error::Error for LayoutError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.0.kind {
            LayoutErrorKind::Format(error) => Some(error),
            LayoutErrorKind::Ambiguous(ambiguity) => Some(ambiguity),
            _ => None,
        }
    }
}
