//! The error of the parser: [`FormatError`], and the reason for the error, [`FormatErrorKind`].

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;

use crate::diagnostic::{Diagnostic, Label};
use crate::span::Span;
use crate::text::{escape, plural};

/// The error for a format string that the parser rejects.
///
/// `{}` writes the message on one line. `{:#}` adds the format with carets under the offending bytes. If a fix is
/// known, `{:#}` also adds a help line.
///
/// ```
/// let error = pep3118::parse("i}d").unwrap_err();
/// assert_eq!(error.to_string(), "`}` closes a structure that was never opened at byte 1");
/// assert_eq!(error.span().start(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FormatError(Box<Details>);

/// The fields of a [`FormatError`]. The fields are in a box, so that a `Result` with this error is small.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Details {
    kind: FormatErrorKind,
    span: Span,
    opened: Option<Span>,
    source: Box<[u8]>,
}

/// The reason why the parser rejected a format.
///
/// ```
/// use pep3118::FormatErrorKind;
/// let error = pep3118::parse("1 2i").unwrap_err();
/// assert_eq!(error.kind(), &FormatErrorKind::TwoCounts);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FormatErrorKind {
    /// `|i4`: the byte is neither a format character nor the start of another token.
    #[error("unknown format character `{}`", escape(&[*byte]))]
    UnknownCharacter {
        /// The unknown byte, `b'|'` in the example.
        byte: u8,
    },
    /// `٤i`: the byte is not ASCII, and is not inside a name, a function signature, a user type or a shape.
    #[error("byte 0x{byte:02x} is not ASCII")]
    NonAscii {
        /// The byte outside ASCII.
        byte: u8,
    },
    /// A NUL is between two tokens or in a name. Consumers in C stop at the NUL, and other consumers do not.
    #[error("embedded null character")]
    EmbeddedNul,
    /// `Zi`: the byte after `Z` is not `e`, `f`, `d` or `g`, the format characters of the parts of a complex number. A
    /// `:`, a `}`, a byte order character or the end of the format is no error: `Z` is then a pointer to `wchar_t`.
    #[error("`Z` is followed by `{}`, which is not the part of a complex number", escape(&[*byte]))]
    ComplexPart {
        /// The first byte after `Z` that is not white space, `b'i'` in the example.
        byte: u8,
    },
    /// `3`: no format character follows the repeat count.
    #[error("repeat count given without format character")]
    CountWithoutCode,
    /// `1 2i`: the item has two repeat counts. NumPy reads 12 items, and Cython reads 2 items.
    #[error("two repeat counts for one item")]
    TwoCounts,
    /// `3(2)i`: the shape is after the repeat count.
    #[error("shape after the repeat count")]
    CountBeforeShape,
    /// `99999999999999999999i`: a count or a dimension is greater than 2^64 - 1.
    #[error("number does not fit 64 bits")]
    NumberTooLarge,
    /// `(2,3)`: no format character follows the shape.
    #[error("shape given without format character")]
    ShapeWithoutCode,
    /// `(2i`, `(2`: a dimension is followed by neither `,` nor `)`, or the format ends inside the shape.
    #[error("shape is never closed")]
    UnclosedShape,
    /// `()i`, `(2,)i`: the shape has an empty dimension.
    #[error("empty dimension in a shape")]
    EmptyDimension,
    /// `(1_0)i`, `(-1)i`, `(2 3)i`: a dimension is not one decimal number.
    #[error("`{}` in a shape is not a part of a dimension", escape(&[*byte]))]
    DimensionCharacter {
        /// The first byte that is not a part of the number, `b'_'`, `b'-'` or `b'3'` in the examples.
        byte: u8,
    },
    /// `Ti`: no `{` follows the `T`.
    #[error("`T` is not followed by `{{`")]
    StructureWithoutBrace,
    /// `T{i`: the structure has no closing brace.
    #[error("structure is never closed")]
    UnclosedStructure,
    /// `i}d`: the closing brace closes no structure.
    #[error("`}}` closes a structure that was never opened")]
    UnopenedStructure,
    /// `Xi`: no `{` follows the `X`.
    #[error("`X` is not followed by `{{`")]
    FunctionWithoutBrace,
    /// `X{i`: the function signature has no closing brace.
    #[error("function signature is never closed")]
    UnclosedFunction,
    /// `T{&}`: no target follows the `&`.
    #[error("pointer without a target")]
    PointerWithoutTarget,
    /// `i:a`: the name has no closing colon.
    #[error("name is never closed")]
    UnclosedName,
    /// `:a:i`: the name is not after an item.
    #[error("name without an item before it")]
    NameWithoutItem,
    /// `[bfloat16`: the user type has no closing bracket.
    #[error("user type is never closed")]
    UnclosedUserType,
    /// `[]`: the user type has no name.
    #[error("user type without a name")]
    EmptyUserType,
    /// The format is longer than [`Limits::bytes`](super::Limits::bytes).
    #[error("format is {} long, {limit} are allowed", plural(*bytes, "byte"))]
    TooLong {
        /// The length of the format in bytes.
        bytes: u64,
        /// The maximum number of bytes.
        limit: usize,
    },
    /// The format has more items than [`Limits::items`](super::Limits::items).
    #[error("more than {limit} items")]
    TooManyItems {
        /// The maximum number of items.
        limit: usize,
    },
    /// The format nests structures and pointers in more levels than [`Limits::depth`](super::Limits::depth).
    #[error("structures and pointers nested more than {limit} deep")]
    TooDeep {
        /// The maximum number of levels.
        limit: usize,
    },
    /// An item has more dimensions than [`Limits::dimensions`](super::Limits::dimensions).
    #[error("more than {limit} dimensions")]
    TooManyDimensions {
        /// The maximum number of dimensions.
        limit: usize,
    },
    /// No text has the syntax tree that was passed to [`from_members`](super::Format::from_members). For example, an
    /// item with the two counts 1 and 2 is printed as `12`, which is parsed as one count.
    #[error("no format has this syntax tree: the text of this part has another tree")]
    Unspellable,
}

impl FormatErrorKind {
    /// Returns a short name of the reason, for example `"unclosed-structure"`. The name does not change between
    /// versions of this crate.
    ///
    /// ```
    /// let error = pep3118::parse("1 2i").unwrap_err();
    /// assert_eq!(error.kind().name(), "two-counts");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownCharacter { .. } => "unknown-character",
            Self::NonAscii { .. } => "non-ascii",
            Self::EmbeddedNul => "embedded-nul",
            Self::ComplexPart { .. } => "complex-part",
            Self::CountWithoutCode => "count-without-code",
            Self::TwoCounts => "two-counts",
            Self::CountBeforeShape => "count-before-shape",
            Self::NumberTooLarge => "number-too-large",
            Self::ShapeWithoutCode => "shape-without-code",
            Self::UnclosedShape => "unclosed-shape",
            Self::EmptyDimension => "empty-dimension",
            Self::DimensionCharacter { .. } => "dimension-character",
            Self::StructureWithoutBrace => "structure-without-brace",
            Self::UnclosedStructure => "unclosed-structure",
            Self::UnopenedStructure => "unopened-structure",
            Self::FunctionWithoutBrace => "function-without-brace",
            Self::UnclosedFunction => "unclosed-function",
            Self::PointerWithoutTarget => "pointer-without-target",
            Self::UnclosedName => "unclosed-name",
            Self::NameWithoutItem => "name-without-item",
            Self::UnclosedUserType => "unclosed-user-type",
            Self::EmptyUserType => "empty-user-type",
            Self::TooLong { .. } => "too-long",
            Self::TooManyItems { .. } => "too-many-items",
            Self::TooDeep { .. } => "too-deep",
            Self::TooManyDimensions { .. } => "too-many-dimensions",
            Self::Unspellable => "unspellable",
        }
    }

    /// Returns the help line, which names an action that fixes the format. Returns `None` if no fix is known.
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownCharacter { byte } => return help_for_character(*byte),
            Self::NonAscii { .. } => {
                "write counts with ASCII digits; text that is not ASCII is permitted in names, `X{...}` and `[...]`"
            }
            Self::EmbeddedNul => "remove the null character: consumers in C ignore the bytes after a null character",
            Self::ComplexPart { .. } => "complex numbers are `Ze`, `Zf`, `Zd` and `Zg`; `Z` alone is a wchar_t pointer",
            Self::TwoCounts => "write one count: NumPy reads `1 2i` as 12 items, and Cython as 2 items",
            Self::CountBeforeShape => "write the shape first: `(2)3i` is 2 rows of 3",
            Self::EmptyDimension => "write each dimension: `(2,3)i`; one value needs no shape",
            Self::DimensionCharacter { .. } => "dimensions are ASCII digits between commas: `(2,3)i`",
            Self::StructureWithoutBrace => "write a structure as `T{...}`",
            Self::UnclosedStructure => "add the missing `}`",
            Self::UnopenedStructure => "remove the `}`: some consumers ignore the bytes after an unmatched `}`",
            Self::FunctionWithoutBrace => "write a function pointer as `X{}`",
            Self::UnclosedShape => "add the missing `)`",
            Self::UnclosedName => "close the name with a colon: `i:count:`",
            Self::NameWithoutItem => "write the name after its item: `i:count:`",
            _ => return None,
        })
    }

    /// Returns the text that a message shows under the carets. Returns an empty text if the title of the message
    /// already contains the information.
    fn label(&self) -> &'static str {
        match self {
            Self::NumberTooLarge => "more than 18446744073709551615",
            Self::CountWithoutCode | Self::ShapeWithoutCode => "expected a format character",
            Self::UnclosedStructure | Self::UnclosedFunction => "the format ends here",
            _ => "",
        }
    }
}

/// Returns the help line for `byte`, which is not a format character. Many such bytes are characters of another
/// format language, for example of NumPy's type strings. Returns `None` if `byte` has no special help line.
fn help_for_character(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'|' => "`|` belongs to NumPy's type strings (`|u1`), not to buffer formats",
        b'S' | b'a' => "write bytes as `5s`",
        b'U' => "write UCS-4 text as `5w`",
        b'V' => "write a void field as `5x` with a name",
        b'E' => "write complex half precision as `Ze`",
        b'-' | b'+' => "write counts without a sign",
        b'C' => "write complex numbers as `Zf` and `Zd`",
        b')' => "remove the `)`: it closes no shape",
        b'{' => "write a structure as `T{...}`",
        b',' | b';' => "write items without a separator",
        _ => return None,
    })
}

impl FormatError {
    /// Creates an error with the reason `kind` for the bytes `span` of the format `source`. `opened` is the span of
    /// the opening bracket of a shape, structure or function that is not closed, and `None` for other reasons.
    pub(crate) fn new(kind: FormatErrorKind, span: Span, opened: Option<Span>, source: &[u8]) -> Self {
        // The error contains no copy of a format that is too long, so that the size of an error is bounded.
        let source = if matches!(kind, FormatErrorKind::TooLong { .. }) { &[] } else { source };
        Self(Box::new(Details { kind, span, opened, source: source.into() }))
    }

    /// Returns the reason for the error.
    ///
    /// ```
    /// use pep3118::FormatErrorKind;
    /// let error = pep3118::parse("1 2i").unwrap_err();
    /// assert_eq!(error.kind(), &FormatErrorKind::TwoCounts);
    /// ```
    #[must_use]
    pub fn kind(&self) -> &FormatErrorKind {
        &self.0.kind
    }

    /// Returns the span of the offending bytes in the format.
    ///
    /// ```
    /// let error = pep3118::parse("i}d").unwrap_err();
    /// assert_eq!((error.span().start(), error.span().end()), (1, 2));
    /// ```
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// Returns the span of the opening bracket of a shape, structure or function that is not closed. Returns `None` for
    /// every other error. For a user type that is not closed, [`span`](Self::span) starts at the bracket.
    ///
    /// ```
    /// let error = pep3118::parse("T{i").unwrap_err();
    /// assert_eq!(error.opened().map(|span| span.start()), Some(0));
    /// ```
    #[must_use]
    pub fn opened(&self) -> Option<Span> {
        self.0.opened
    }

    /// Returns the bytes of the rejected format. Returns an empty slice for [`FormatErrorKind::TooLong`].
    ///
    /// ```
    /// let error = pep3118::parse("T{i").unwrap_err();
    /// assert_eq!(error.source_bytes(), b"T{i");
    /// ```
    #[must_use]
    pub fn source_bytes(&self) -> &[u8] {
        &self.0.source
    }

    /// Returns the parts of the message that `{:#}` of this error displays, so that a caller can add colours.
    ///
    /// ```
    /// let error = pep3118::parse("T{i").unwrap_err();
    /// assert!(error.diagnostic().to_string().contains("never closed"));
    /// ```
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let details = &*self.0;
        let title = alloc::format!("{self}");
        let mut diagnostic = Diagnostic::new(title, &details.source);
        if !matches!(details.kind, FormatErrorKind::TooLong { .. }) {
            diagnostic = diagnostic.primary(Label::new(details.span, details.kind.label()));
        }
        if let Some(opened) = details.opened {
            diagnostic = diagnostic.context(Label::new(opened, "opened here"));
        }
        diagnostic.help(details.kind.help().map(Cow::Borrowed))
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.diagnostic().fmt(f);
        }
        let details = &*self.0;
        match (details.kind, details.opened) {
            (FormatErrorKind::TooLong { .. }, _) => write!(f, "{}", details.kind),
            (FormatErrorKind::UnclosedStructure, Some(opened)) => {
                write!(f, "structure opened at byte {} is never closed", opened.start())
            }
            (FormatErrorKind::UnclosedShape, Some(opened)) => {
                write!(f, "shape opened at byte {} is never closed", opened.start())
            }
            (FormatErrorKind::UnclosedFunction, Some(opened)) => {
                write!(f, "function signature opened at byte {} is never closed", opened.start())
            }
            _ => write!(f, "{} at byte {}", details.kind, details.span.start()),
        }
    }
}

impl core::error::Error for FormatError {}
