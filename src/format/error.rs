//! What can be wrong with the text of a format.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;

use crate::diagnostic::{Diagnostic, Label};
use crate::span::Span;
use crate::text::{escape, plural};

/// A format string that does not follow the grammar.
///
/// `{}` is one line; `{:#}` adds the source with carets and, where one is obvious, a help line.
///
/// ```
/// let error = pep3118::parse("i}d").unwrap_err();
/// assert_eq!(error.to_string(), "`}` closes a structure that was never opened at byte 1");
/// assert_eq!(error.span().start(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    kind: FormatErrorKind,
    span: Span,
    opened: Option<Span>,
    source: Box<[u8]>,
}

/// What is wrong.
///
/// ```
/// use pep3118::FormatErrorKind;
/// let error = pep3118::parse("1 2i").unwrap_err();
/// assert_eq!(error.kind(), &FormatErrorKind::TwoCounts);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatErrorKind {
    /// `|i4`: a byte that starts no item.
    #[error("unknown format character `{}`", escape(&[*byte]))]
    UnknownCharacter {
        /// The byte.
        byte: u8,
    },
    /// `٤i`: a byte outside ASCII where an item should start. Names may hold such bytes.
    #[error("byte 0x{byte:02x} is not ASCII")]
    NonAscii {
        /// The byte.
        byte: u8,
    },
    /// A NUL inside the string: C readers stop there, others do not.
    #[error("embedded null character")]
    EmbeddedNul,
    /// `Zi`: the prefix of a complex number before something that has no complex form.
    #[error("`Z` is followed by `{}`, which is not the part of a complex number", escape(&[*byte]))]
    ComplexPart {
        /// The byte after `Z`.
        byte: u8,
    },
    /// `3`: a repeat count with nothing to repeat.
    #[error("repeat count given without format character")]
    CountWithoutCode,
    /// `1 2i`: read as 12 items by NumPy and as 2 by Cython.
    #[error("two repeat counts for one item")]
    TwoCounts,
    /// `3(2)i`: a shape after the repeat count.
    #[error("shape after the repeat count")]
    CountBeforeShape,
    /// `99999999999999999999i`: a count or dimension past 64 bits.
    #[error("number does not fit 64 bits")]
    NumberTooLarge,
    /// `(2,3)`: a shape with nothing to shape.
    #[error("shape given without format character")]
    ShapeWithoutCode,
    /// `(2i`
    #[error("shape is never closed")]
    UnclosedShape,
    /// `()i`, `(2,)i`
    #[error("empty dimension in a shape")]
    EmptyDimension,
    /// `(1_0)i`, `(-1)i`
    #[error("`{}` in a shape: a dimension is a decimal number", escape(&[*byte]))]
    DimensionCharacter {
        /// The byte.
        byte: u8,
    },
    /// `T` without `{`
    #[error("`T` is not followed by `{{`")]
    StructureWithoutBrace,
    /// `T{i`
    #[error("structure is never closed")]
    UnclosedStructure,
    /// `i}d`
    #[error("`}}` closes a structure that was never opened")]
    UnopenedStructure,
    /// `X` without `{`
    #[error("`X` is not followed by `{{`")]
    FunctionWithoutBrace,
    /// `X{i`
    #[error("function signature is never closed")]
    UnclosedFunction,
    /// `&` without an item after it
    #[error("pointer to nothing")]
    PointerWithoutTarget,
    /// `i:a`
    #[error("name is never closed")]
    UnclosedName,
    /// `:a:i`
    #[error("name without an item before it")]
    NameWithoutItem,
    /// `[bfloat16`
    #[error("user type is never closed")]
    UnclosedUserType,
    /// `[]`
    #[error("user type without a name")]
    EmptyUserType,
    /// Longer than [`Limits::bytes`](super::Limits::bytes).
    #[error("format is {} long, {limit} are allowed", plural(*bytes, "byte"))]
    TooLong {
        /// Its length in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// More than [`Limits::items`](super::Limits::items).
    #[error("more than {limit} items")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },
    /// Deeper than [`Limits::depth`](super::Limits::depth).
    #[error("structures and pointers nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More than [`Limits::dimensions`](super::Limits::dimensions).
    #[error("more than {limit} dimensions")]
    TooManyDimensions {
        /// The limit.
        limit: usize,
    },
    /// A tree made by hand, such as one with the counts 1 and 2 for one item: written down, it reads
    /// as another, here as `12`.
    #[error("no text spells these members: what is written here is read as others")]
    Unspellable,
}

impl FormatErrorKind {
    /// A short name that stays the same between versions, for programs: `"unclosed-structure"`.
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

    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownCharacter { byte } => return help_for_character(*byte),
            Self::NonAscii { .. } => "counts are ASCII digits; only names may hold other characters",
            Self::EmbeddedNul => "some readers stop at a null character, others read on",
            Self::ComplexPart { .. } => "complex numbers are `Ze`, `Zf`, `Zd` and `Zg`; `Z` alone is a wchar_t pointer",
            Self::TwoCounts => "NumPy reads `1 2i` as 12 items and Cython as 2: write the number you mean",
            Self::CountBeforeShape => "write the shape first: `(2)3i` is 2 rows of 3",
            Self::EmptyDimension => "write each dimension: `(2,3)i`; one value needs no shape",
            Self::DimensionCharacter { .. } => "dimensions are ASCII digits between commas: `(2,3)i`",
            Self::StructureWithoutBrace => "a structure is `T{...}`",
            Self::UnclosedStructure => "add the missing `}`",
            Self::UnopenedStructure => "some readers stop here and silently drop the rest",
            Self::FunctionWithoutBrace => "a function pointer is `X{}`",
            Self::UnclosedShape => "add the missing `)`",
            Self::UnclosedName => "a name stands between two colons: `i:count:`",
            Self::NameWithoutItem => "a name follows its item: `i:count:`",
            _ => return None,
        })
    }

    fn label(&self) -> &'static str {
        match self {
            Self::NumberTooLarge => "past 18446744073709551615",
            Self::CountWithoutCode | Self::ShapeWithoutCode => "nothing follows it",
            Self::UnclosedStructure | Self::UnclosedFunction => "the format ends here",
            _ => "",
        }
    }
}

/// What a stranger's letter was probably meant to be.
fn help_for_character(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'|' => "`|` belongs to NumPy's type strings (`|u1`), not to buffer formats",
        b'S' | b'a' => "bytes are `5s`",
        b'U' => "UCS-4 text is `5w`",
        b'V' => "a void field is `5x` with a name",
        b'E' => "complex half precision is `Ze`",
        b'-' | b'+' => "counts have no sign",
        b'C' => "complex numbers are `Zf` and `Zd`",
        b')' => "no shape was opened",
        b'{' => "a structure is `T{...}`",
        b',' | b';' => "items stand next to each other, without a separator",
        _ => return None,
    })
}

impl FormatError {
    pub(crate) fn new(kind: FormatErrorKind, span: Span, opened: Option<Span>, source: &[u8]) -> Self {
        // A string that was refused for its length is not copied into the error.
        let source = if matches!(kind, FormatErrorKind::TooLong { .. }) { &[] } else { source };
        Self(Box::new(Details { kind, span, opened, source: source.into() }))
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &FormatErrorKind {
        &self.0.kind
    }

    /// Where, in bytes of the format.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// Where the thing was opened that is never closed.
    #[must_use]
    pub fn opened(&self) -> Option<Span> {
        self.0.opened
    }

    /// The format; empty if it was refused for its length.
    #[must_use]
    pub fn source_bytes(&self) -> &[u8] {
        &self.0.source
    }

    /// The same text with the source and carets, in colour if wished.
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
