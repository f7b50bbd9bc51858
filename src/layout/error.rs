//! [`LayoutError`]: the error for a format that has no layout, or more than one layout. [`LayoutErrorKind`] is the
//! reason.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::dialect::Dialect;
use super::interpretation::Ambiguity;
use crate::diagnostic::{Diagnostic, Label};
use crate::format::{ByteOrder, Code, FormatError};
use crate::named::named_enum;
use crate::span::Span;
use crate::text::{abridge, plural};

/// The error for a format that has no layout or more than one layout.
///
/// [`LayoutErrorKind`] lists the reasons. The format specifier `{}` displays one line. `{:#}` also displays the format
/// with carets under the offending bytes, the sizes in each dialect, and a help line.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
/// assert_eq!(error.to_string(), "format character `n` (ssize_t) has no standard size at byte 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutError(Box<Details>);

/// The fields of a [`LayoutError`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Details {
    kind: LayoutErrorKind,
    /// The range of the offending bytes in `source`.
    span: Span,
    /// The format.
    source: Box<[u8]>,
    /// The name of the dialect.
    dialect: &'static str,
    /// The name of the data model.
    model: &'static str,
}

/// The reason for a [`LayoutError`].
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, LayoutErrorKind};
/// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
/// assert!(matches!(error.kind(), LayoutErrorKind::NoStandardSize { .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LayoutErrorKind {
    /// A syntax error: `T{i`.
    #[error(transparent)]
    Format(FormatError),
    /// A format character that the dialect does not have: `Zd` in `struct-3.13`.
    #[error("format character `{code}` ({}) is not part of the dialect", code.c_type())]
    Code {
        /// The format character.
        code: Code,
    },
    /// A format character without a standard size: `<n`.
    #[error("format character `{code}` ({}) has no standard size", code.c_type())]
    NoStandardSize {
        /// The format character.
        code: Code,
        /// The byte-order character that selects standard sizes.
        order: ByteOrder,
    },
    /// A construct that the dialect does not have: `T{i}` in `struct`.
    #[error("{construct} is not part of the dialect")]
    Construct {
        /// The construct.
        construct: Construct,
    },
    /// A count, or a length of a dimension, that exceeds the limit of the dialect: `4294967296B` in `numpy-reader`.
    #[error("count {count} is larger than the limit of {limit}")]
    CountTooLarge {
        /// The count, or the length of the dimension.
        count: u64,
        /// The largest permitted count.
        limit: u64,
    },
    /// An item with more bytes than an object can have in the data model: `9223372036854775807q`.
    #[error("item is larger than a Py_ssize_t permits, {limit} bytes,")]
    TooLarge {
        /// The largest permitted size in bytes, `PY_SSIZE_T_MAX` of the data model.
        limit: u64,
    },
    /// A bit field directly after a bit field: `3t5t`. PEP 3118 does not define whether the two bit fields share a
    /// byte.
    #[error("bits after bits, which PEP 3118 does not define,")]
    AdjacentBits,
    /// A user type that the registry does not have, so that its size is unknown: `[rational]` if the caller gave no
    /// itemsize, or if the format has other items.
    #[error("the format does not declare the size of the user type")]
    UnknownSize,
    /// Two fields of one structure with equal names, which the dialect refuses: `T{i:a:i:a:}` in `numpy-reader`.
    #[error("two fields of one structure have the same name")]
    DuplicateName,
    /// The format has no layout whose size is the itemsize: `T{<b:a:<i:b:}` with the itemsize 8.
    #[error("itemsize is {}, but the format describes {}", plural(*itemsize, "byte"), list_sizes(sizes))]
    ItemsizeMismatch {
        /// The itemsize in bytes.
        itemsize: u64,
        /// The size of the format in each dialect that was tried.
        sizes: Vec<InterpretedSize>,
    },
    /// Several layouts of the format have the itemsize. The caller has to choose one of the interpretations in the
    /// [`Ambiguity`].
    #[error(transparent)]
    Ambiguous(Ambiguity),
}

/// The size of a format in one dialect.
///
/// ```
/// use pep3118::{DataModel, Dialect, LayoutErrorKind, reconcile};
/// let error = reconcile(b"T{<b:a:<i:b:}", Some(8), Some(&Dialect::CTYPES), &DataModel::LP64).unwrap_err();
/// let LayoutErrorKind::ItemsizeMismatch { itemsize, sizes } = error.kind() else { unreachable!() };
/// assert_eq!((*itemsize, sizes[0].dialect, sizes[0].size), (8, "ctypes", 5));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterpretedSize {
    /// The name of the dialect.
    pub dialect: &'static str,
    /// The size of the format in bytes, by the rules of `dialect`.
    pub size: u64,
}

named_enum! {
    /// A construct of the format language that some dialects do not have.
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
        /// A structure: `T{…}`.
        Structure = "structure `T{}`",
        /// A name of a field: `:name:`.
        Name = "name",
        /// A shape: `(2,3)`.
        Shape = "shape",
        /// Two shapes before one type: `(2)(3)i`.
        StackedShapes = "shape after a shape",
        /// A pointer: `&`.
        Pointer = "pointer `&`",
        /// A function pointer: `X{…}`.
        Function = "function pointer `X{}`",
        /// A user type: `[name]`.
        UserType = "user type `[]`",
        /// The byte-order character `^`.
        Unaligned = "byte-order character `^`",
        /// A byte-order character after the first byte of the format: `i<i`.
        LaterByteOrder = "byte-order character after the first byte",
        /// A byte-order character after a count: `3<i`.
        ByteOrderAfterCount = "byte-order character after a count",
        /// A byte-order character before a shape: `<(2)i`.
        ByteOrderBeforeShape = "byte-order character before a shape",
        /// The second of two byte-order characters: `T{<>i}`.
        TwoByteOrders = "second of two byte-order characters",
        /// A byte-order character without an item after it: `i<`.
        TrailingByteOrder = "byte-order character that no item follows",
        /// White space inside an item: `3 i`, `Z f`.
        SpaceInItem = "white space inside an item",
    }
}

/// Groups dialects by the size of the format. `sizes_in_dialects` has the size in each dialect. Returns one pair for
/// each distinct size: the size in bytes, and the names of the dialects with this size, separated by commas.
fn dialects_by_size(sizes_in_dialects: &[InterpretedSize]) -> Vec<(u64, String)> {
    let mut sizes: Vec<(u64, String)> = Vec::new();
    for InterpretedSize { dialect, size } in sizes_in_dialects {
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

/// Returns the distinct sizes in `sizes` in ascending order as text: `5 bytes`, `5 or 8 bytes`. Returns `nothing` if
/// `sizes` is empty.
fn list_sizes(sizes: &[InterpretedSize]) -> String {
    let mut distinct: Vec<u64> = sizes.iter().map(|found| found.size).collect();
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
    /// Returns the name of this reason for use in programs, such as `"no-standard-size"`. The name is the same in all
    /// versions of the library.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
    /// assert_eq!(error.kind().name(), "no-standard-size");
    /// ```
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

    /// Returns the text of the help line, which proposes an action to the caller. Returns `None` if there is no action
    /// to propose.
    fn help(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Code { code } => match code {
                Code::ComplexFloat | Code::ComplexDouble => {
                    "`struct` reads `Zf` and `Zd` from CPython 3.15 on, `F` and `D` from 3.14 on"
                }
                Code::ComplexFloat314 | Code::ComplexDouble314 => {
                    "only `struct` and ctypes of CPython 3.14 write `F` and `D`; other producers write `Zf` and `Zd`"
                }
                _ => return None,
            },
            Self::NoStandardSize { code, .. } => {
                return Some(Cow::Owned(match code {
                    Code::SsizeT => String::from("`@n` has the native size; `<q` always has 8 bytes"),
                    Code::SizeT => String::from("`@N` has the native size; `<Q` always has 8 bytes"),
                    code => format!("`@{code}` and `^{code}` have the native size"),
                }));
            }
            Self::Construct { construct } => match construct {
                Construct::LaterByteOrder => "only the first byte of the format can be a byte-order character",
                Construct::SpaceInItem => "write the count and the format character together",
                Construct::ByteOrderBeforeShape => "write the byte-order character after the shape: `(2)<i`",
                Construct::StackedShapes => "write one shape: `(2,3)i`",
                _ => return None,
            },
            Self::AdjacentBits => "write the bits as one item: `8t`",
            Self::ItemsizeMismatch { itemsize, sizes }
                if sizes.iter().all(|found| found.size < *itemsize && found.dialect == Dialect::CTYPES.name) =>
            {
                "the exporter omitted bytes: ctypes before CPython 3.12 writes no padding, \
                 and all versions omit inherited fields and the fields of unions"
            }
            Self::UnknownSize => "register the user type, or pass the itemsize if the type is the only item",
            _ => return None,
        }))
    }
}

impl LayoutError {
    /// Creates the error `kind` for the bytes `span` of the format `source`. `dialect` is the name of the dialect, and
    /// `model` is the name of the data model.
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

    /// Returns the reason for the error.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, LayoutErrorKind};
    /// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
    /// assert!(matches!(error.kind(), LayoutErrorKind::NoStandardSize { .. }));
    /// ```
    #[must_use]
    pub fn kind(&self) -> &LayoutErrorKind {
        &self.0.kind
    }

    /// Returns the ambiguity, which has the interpretations that the caller can choose from. Returns `None` if the
    /// error has another reason.
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

    /// Returns the offending bytes of the format, as a range of byte offsets. The range is the whole format for
    /// [`LayoutErrorKind::ItemsizeMismatch`] and [`LayoutErrorKind::Ambiguous`].
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let error = Layout::read("i<n", &Dialect::PEP3118, &DataModel::LP64).unwrap_err();
    /// assert_eq!((error.span().start(), error.span().end()), (2, 3));
    /// ```
    #[must_use]
    pub fn span(&self) -> Span {
        match &self.0.kind {
            LayoutErrorKind::Format(error) => error.span(),
            _ => self.0.span,
        }
    }

    /// Returns the bytes of the format. Returns an empty slice for [`LayoutErrorKind::Format`], whose [`FormatError`]
    /// has the bytes.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
    /// assert_eq!(error.source_bytes(), b"<n");
    /// ```
    #[must_use]
    pub fn source_bytes(&self) -> &[u8] {
        &self.0.source
    }

    /// Returns the parts of the message that `{:#}` of this error displays, so that a caller can add colours. The parts
    /// are the title, the format with carets under the offending bytes, and a help line. For an itemsize mismatch,
    /// notes with the sizes in each dialect replace the format. For an ambiguity, tables of the layouts replace it.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let error = Layout::read(b"<n", &Dialect::STRUCT, &DataModel::LP64).unwrap_err();
    /// assert!(error.diagnostic().to_string().contains("has no standard size"));
    /// ```
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let details = &*self.0;
        match &details.kind {
            LayoutErrorKind::Format(error) => return error.diagnostic(),
            LayoutErrorKind::Ambiguous(ambiguity) => return ambiguity.diagnostic().help(ambiguity.help()),
            _ => {} // The code after this `match` handles all other kinds.
        }
        let mut diagnostic = Diagnostic::new(format!("{self}"), &details.source);
        match &details.kind {
            LayoutErrorKind::ItemsizeMismatch { sizes, .. } => {
                for (size, dialects) in dialects_by_size(sizes) {
                    let noun = if dialects.contains(',') { "dialects" } else { "dialect" };
                    diagnostic = diagnostic.note(format!("{} in {noun} {dialects}", plural(size, "byte")));
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
            LayoutErrorKind::ItemsizeMismatch { itemsize, sizes } => write!(
                f,
                "itemsize is {} but format `{}` describes {}",
                plural(*itemsize, "byte"),
                abridge(&details.source, 60),
                list_sizes(sizes)
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
