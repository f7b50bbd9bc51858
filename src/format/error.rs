//! The error of the parser: [`FormatError`] and its [`FormatErrorKind`].

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;

use crate::diagnostic::{Diagnostic, Label};
use crate::span::Span;
use crate::text::{escape, plural};

/// A format string that does not follow the grammar.
///
/// `{}` is one line; `{:#}` adds the source with carets and, where a fix is known, a help line.
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

/// The kind of a [`FormatError`].
///
/// ```
/// use pep3118::FormatErrorKind;
/// let error = pep3118::parse("1 2i").unwrap_err();
/// assert_eq!(error.kind(), &FormatErrorKind::TwoCounts);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatErrorKind {
    /// `|i4`: a byte that starts no part of a format.
    #[error("unknown format character `{}`", escape(&[*byte]))]
    UnknownCharacter {
        /// The byte.
        byte: u8,
    },
    /// `٤i`: a byte outside ASCII that is not in a name.
    #[error("byte 0x{byte:02x} is not ASCII")]
    NonAscii {
        /// The byte.
        byte: u8,
    },
    /// A NUL inside the string, where C consumers stop and others do not.
    #[error("embedded null character")]
    EmbeddedNul,
    /// `Zi`: the prefix of a complex number before a code that is not one of its parts.
    #[error("`Z` is followed by `{}`, which is not the part of a complex number", escape(&[*byte]))]
    ComplexPart {
        /// The byte after `Z`.
        byte: u8,
    },
    /// `3`: a repeat count without a format character.
    #[error("repeat count given without format character")]
    CountWithoutCode,
    /// `1 2i`: two repeat counts. NumPy reads 12 items and Cython 2.
    #[error("two repeat counts for one item")]
    TwoCounts,
    /// `3(2)i`: a shape after the repeat count.
    #[error("shape after the repeat count")]
    CountBeforeShape,
    /// `99999999999999999999i`: a count or dimension above 2^64 - 1.
    #[error("number does not fit 64 bits")]
    NumberTooLarge,
    /// `(2,3)`: a shape without a format character.
    #[error("shape given without format character")]
    ShapeWithoutCode,
    /// `(2i`: a shape without its closing parenthesis.
    #[error("shape is never closed")]
    UnclosedShape,
    /// `()i`, `(2,)i`: a shape with an empty dimension.
    #[error("empty dimension in a shape")]
    EmptyDimension,
    /// `(1_0)i`, `(-1)i`: a dimension that is not a decimal number.
    #[error("`{}` in a shape: a dimension is a decimal number", escape(&[*byte]))]
    DimensionCharacter {
        /// The byte.
        byte: u8,
    },
    /// `T` without `{`.
    #[error("`T` is not followed by `{{`")]
    StructureWithoutBrace,
    /// `T{i`: a structure without its closing brace.
    #[error("structure is never closed")]
    UnclosedStructure,
    /// `i}d`: a closing brace without a structure.
    #[error("`}}` closes a structure that was never opened")]
    UnopenedStructure,
    /// `X` without `{`.
    #[error("`X` is not followed by `{{`")]
    FunctionWithoutBrace,
    /// `X{i`: a function signature without its closing brace.
    #[error("function signature is never closed")]
    UnclosedFunction,
    /// `T{&}`: a pointer without a target.
    #[error("pointer without a target")]
    PointerWithoutTarget,
    /// `i:a`: a name without its closing colon.
    #[error("name is never closed")]
    UnclosedName,
    /// `:a:i`: a name before its item.
    #[error("name without an item before it")]
    NameWithoutItem,
    /// `[bfloat16`: a user type without its closing bracket.
    #[error("user type is never closed")]
    UnclosedUserType,
    /// `[]`: a user type without a name.
    #[error("user type without a name")]
    EmptyUserType,
    /// A format longer than [`Limits::bytes`](super::Limits::bytes).
    #[error("format is {} long, {limit} are allowed", plural(*bytes, "byte"))]
    TooLong {
        /// The length in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// More items than [`Limits::items`](super::Limits::items).
    #[error("more than {limit} items")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },
    /// More levels of structures and pointers than [`Limits::depth`](super::Limits::depth).
    #[error("structures and pointers nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More dimensions of one item than [`Limits::dimensions`](super::Limits::dimensions).
    #[error("more than {limit} dimensions")]
    TooManyDimensions {
        /// The limit.
        limit: usize,
    },
    /// A tree given to [`from_members`](super::Format::from_members) that no text has. An item with the counts 1 and 2,
    /// for example, is printed as `12`, which is one count.
    #[error("no format has this syntax tree: the text of this part has another tree")]
    Unspellable,
}

impl FormatErrorKind {
    /// Returns a short name that is the same in every version of this crate: `"unclosed-structure"`.
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
            Self::NonAscii { .. } => "write counts with ASCII digits; only names may contain other characters",
            Self::EmbeddedNul => "remove the null character: some readers stop there, others do not",
            Self::ComplexPart { .. } => "complex numbers are `Ze`, `Zf`, `Zd` and `Zg`; `Z` alone is a wchar_t pointer",
            Self::TwoCounts => "NumPy reads `1 2i` as 12 items and Cython as 2: write the number you mean",
            Self::CountBeforeShape => "write the shape first: `(2)3i` is 2 rows of 3",
            Self::EmptyDimension => "write each dimension: `(2,3)i`; one value needs no shape",
            Self::DimensionCharacter { .. } => "dimensions are ASCII digits between commas: `(2,3)i`",
            Self::StructureWithoutBrace => "write a structure as `T{...}`",
            Self::UnclosedStructure => "add the missing `}`",
            Self::UnopenedStructure => "remove the `}`: some readers silently ignore what follows it",
            Self::FunctionWithoutBrace => "write a function pointer as `X{}`",
            Self::UnclosedShape => "add the missing `)`",
            Self::UnclosedName => "close the name with a colon: `i:count:`",
            Self::NameWithoutItem => "write the name after its item: `i:count:`",
            _ => return None,
        })
    }

    fn label(&self) -> &'static str {
        match self {
            Self::NumberTooLarge => "more than 18446744073709551615",
            Self::CountWithoutCode | Self::ShapeWithoutCode => "nothing follows it",
            Self::UnclosedStructure | Self::UnclosedFunction => "the format ends here",
            _ => "",
        }
    }
}

/// Suggests the format character for a letter of another format language.
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
    pub(crate) fn new(kind: FormatErrorKind, span: Span, opened: Option<Span>, source: &[u8]) -> Self {
        // A format that is too long is not copied, so that errors are small.
        let source = if matches!(kind, FormatErrorKind::TooLong { .. }) { &[] } else { source };
        Self(Box::new(Details { kind, span, opened, source: source.into() }))
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &FormatErrorKind {
        &self.0.kind
    }

    /// Returns the offending bytes of the format.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// Returns the opening bytes of a shape, structure or function that is not closed.
    #[must_use]
    pub fn opened(&self) -> Option<Span> {
        self.0.opened
    }

    /// Returns the format, or no bytes if the format is too long.
    #[must_use]
    pub fn source_bytes(&self) -> &[u8] {
        &self.0.source
    }

    /// Returns the error with its source and carets, to be drawn with or without colour.
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
