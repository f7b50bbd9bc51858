//! [`CError`]: the error of [`Layout::from_c`](crate::Layout::from_c).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::diagnostic::{Diagnostic, Label};
use crate::span::Span;
use crate::text::escape;

/// The reason why [`Layout::from_c`](crate::Layout::from_c) does not accept C source, with the position in the source.
///
/// `{}` writes one line. `{:#}` also writes the line of the source with carets, and a help line.
///
/// ```
/// use pep3118::{DataModel, Layout};
/// let error = Layout::from_c("struct tick {\n    u16 id;\n};", None, &DataModel::LP64).unwrap_err();
/// assert_eq!((error.line(), error.column(), error.token()), (2, 5, "u16"));
/// assert_eq!(error.to_string(), "line 2, column 5: unknown type `u16`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CError(Box<Details>);

/// The fields of a [`CError`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Details {
    /// The description of the error. Every text from the source is escaped.
    message: String,
    help: Option<Cow<'static, str>>,
    /// The number of the line, from 1.
    line: usize,
    /// The number of the character in the line, from 1.
    column: usize,
    /// The text of the line.
    text: String,
    /// The bytes of `text` that are wrong.
    span: Span,
}

impl CError {
    /// Creates the error `message` about the bytes `start..end` of `source`. The caller must have escaped all text from
    /// the source in `message`.
    pub(super) fn new(source: &str, (start, end): (usize, usize), message: String) -> Self {
        let start = crate::text::char_boundary(source.as_bytes(), start.min(source.len()));
        let (before, after) = source.split_at_checked(start).unwrap_or((source, ""));
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        let text_before = before.get(line_start..).unwrap_or_default();
        let rest = after.split('\n').next().unwrap_or_default();
        let text = [text_before, rest].concat();
        let from = start.saturating_sub(line_start);
        let to = end.saturating_sub(line_start).min(text.len());
        let column = text_before.chars().count().saturating_add(1);
        Self(Box::new(Details { message, help: None, line, column, text, span: Span::new(from, to) }))
    }

    /// Returns the error with the help line `help`.
    pub(super) fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Returns the number of the line of the error. The first line is line 1. Returns 1 if the error concerns the whole
    /// source.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// Returns the number of the first wrong character in its line. The first character of a line has the number 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// Returns the wrong text of the source, such as the name of an unknown type. The text ends with its line. Returns
    /// an empty text if the error is at the end of the source, or concerns the whole source.
    #[must_use]
    pub fn token(&self) -> &str {
        self.0.text.get(self.0.span.start()..self.0.span.end()).unwrap_or_default()
    }

    /// Returns the help line, which names an action that the caller can take. Returns `None` if the error has no help
    /// line.
    ///
    /// ```
    /// use pep3118::{DataModel, Layout};
    /// let error = Layout::from_c("struct tick { uint16_x id; };", None, &DataModel::LP64).unwrap_err();
    /// assert!(error.help().is_none_or(|help| !help.is_empty()));
    /// ```
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Returns the message with the line of the source and the help line.
    ///
    /// ```
    /// use pep3118::{DataModel, Layout};
    /// let error = Layout::from_c("struct s { float x[-1]; };", None, &DataModel::LP64).unwrap_err();
    /// assert!(error.diagnostic().to_string().starts_with("error: line 1, column 20: an array of -1 elements\n"));
    /// ```
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let details = &*self.0;
        let diagnostic = Diagnostic::new(alloc::format!("{self}"), details.text.as_bytes());
        let help = details.help.as_deref().map(Cow::Borrowed);
        diagnostic.line(details.line).primary(Label::new(details.span, "")).help(help)
    }
}

impl fmt::Display for CError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.diagnostic().fmt(f);
        }
        write!(f, "line {}, column {}: {}", self.line(), self.column(), self.0.message)
    }
}

impl core::error::Error for CError {}

/// Returns `name` between backquotes, for an error message. Control and other unsafe characters of `name` are escaped.
pub(super) fn quoted(name: &str) -> String {
    alloc::format!("`{}`", escape(name))
}
