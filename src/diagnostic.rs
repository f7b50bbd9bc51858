//! [`Diagnostic`]: a message that shows a format, or a line of C source, with carets under the offending bytes.
//!
//! With the feature `diagnostics`, [`excerpt`] draws the format and the carets. Without the feature, a message contains
//! the title, the notes and the help line, but not the format.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "diagnostics")]
mod excerpt;

use crate::span::Span;

/// The severity of a message, which is the first word of the message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Error,
    Warning,
    Note,
}

/// The colours of a message.
#[derive(Clone, Copy, Debug)]
enum Style {
    Plain,
    /// Colours as ANSI escape sequences. Without the feature `diagnostics`, messages have no colours.
    Colored,
}

/// A span of a format, and the text that the message shows under the carets of the span. The text can be empty.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "diagnostics"), expect(dead_code, reason = "only the excerpt contains labels"))]
pub(crate) struct Label {
    span: Span,
    text: Cow<'static, str>,
}

impl Label {
    /// Creates a label for the bytes `span` of the format. `text` is shown under the carets and can be empty.
    pub(crate) fn new(span: Span, text: impl Into<Cow<'static, str>>) -> Self {
        Self { span, text: text.into() }
    }
}

/// A message about a format string or C source. It has a title, the format or a line of the source with carets, notes
/// and a help line.
///
/// Without the feature `diagnostics`, the message does not contain the format. `Display` draws the message without
/// colour. [`colored`](Diagnostic::colored) draws the message with ANSI escape sequences. Text that comes
/// from inputs is escaped in the message, but [`with_help`](Diagnostic::with_help) does not escape its argument.
///
/// ```
/// let error = pep3118::parse("T{i").unwrap_err();
/// let drawn = error.diagnostic().to_string();
/// assert!(drawn.starts_with("error: structure opened at byte 0 is never closed\n"));
/// assert_eq!(drawn, format!("{error:#}"));
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "diagnostics"), expect(dead_code, reason = "only the excerpt uses the format"))]
pub struct Diagnostic<'a> {
    title: String,
    level: Level,
    /// The rule id after the level, such as `A04`. `None` if the message is not about a rule.
    id: Option<&'static str>,
    source: &'a [u8],
    /// The number of the first line of `source` in the message.
    line: usize,
    /// The offending bytes, which are marked with carets.
    primary: Option<Label>,
    /// Bytes that explain the error, which are underlined with dashes.
    context: Option<Label>,
    notes: Vec<Cow<'a, str>>,
    help: Option<Cow<'a, str>>,
}

impl<'a> Diagnostic<'a> {
    /// Creates an error message about `source`, a format or a line of C source. `title` is the first line of the
    /// message.
    pub(crate) fn new(title: String, source: &'a [u8]) -> Self {
        let (level, id) = (Level::Error, None);
        Self { title, level, id, source, line: 1, primary: None, context: None, notes: Vec::new(), help: None }
    }

    /// Sets the number of the first line of the source to `line`. Without this call, the number is 1.
    #[cfg(feature = "c")]
    pub(crate) fn line(mut self, line: usize) -> Self {
        self.line = line;
        self
    }

    /// Adds `label`, whose bytes the message marks with carets, because these bytes are wrong. A message without this
    /// label does not show the format.
    pub(crate) fn primary(mut self, label: Label) -> Self {
        self.primary = Some(label);
        self
    }

    /// Adds `label`, whose bytes the message underlines with dashes, because these bytes explain the error. The message
    /// does not show this label without a [`primary`](Self::primary) label, or if the shown part of a long format does
    /// not contain the first byte of the label.
    pub(crate) fn context(mut self, label: Label) -> Self {
        self.context = Some(label);
        self
    }

    /// Adds the text `note` after the word `note:`.
    pub(crate) fn note(mut self, note: impl Into<Cow<'a, str>>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Shows the text `help` after the word `help:`. If `help` is `None`, the message has no help line.
    pub(crate) fn help(mut self, help: Option<Cow<'a, str>>) -> Self {
        self.help = help;
        self
    }

    /// Replaces the text of the help line with `help`. The text should name an action that the caller can take.
    ///
    /// ```
    /// let error = pep3118::parse("T{i").unwrap_err();
    /// let message = error.diagnostic().with_help("write `T{i}`").to_string();
    /// assert!(message.ends_with("= help: write `T{i}`"));
    /// ```
    #[must_use]
    pub fn with_help(self, help: impl Into<Cow<'a, str>>) -> Self {
        self.help(Some(help.into()))
    }

    /// Sets the start of the message to the level `level` and the rule id `id`: `error[A04]: ...`, `warning[A10]: ...`.
    pub(crate) fn titled(mut self, level: Level, id: &'static str) -> Self {
        (self.level, self.id) = (level, Some(id));
        self
    }

    /// Returns the message as text with ANSI escape sequences for colours. Without the feature `diagnostics`, the
    /// text has no colours.
    ///
    /// ```
    /// let error = pep3118::parse("3i}").unwrap_err();
    /// let message = error.diagnostic().colored();
    /// assert!(message.contains("closes a structure that was never opened"));
    /// ```
    #[must_use]
    pub fn colored(&self) -> String {
        self.draw(Style::Colored)
    }

    /// Returns the message as text, with the colours that `style` selects.
    fn draw(&self, style: Style) -> String {
        #[cfg(feature = "diagnostics")]
        return excerpt::draw(self, style);
        #[cfg(not(feature = "diagnostics"))]
        return self.without_excerpt(style);
    }

    /// Returns the title, the notes and the help line of the message, without the format and without colours.
    #[cfg(not(feature = "diagnostics"))]
    fn without_excerpt(&self, _: Style) -> String {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        let mut text = String::from(level);
        if let Some(id) = self.id {
            text.extend(["[", id, "]"]);
        }
        text.extend([": ", &self.title]);
        let notes = self.notes.iter().map(|note| ("note", note));
        for (word, line) in notes.chain(self.help.iter().map(|help| ("help", help))) {
            text.extend(["\n  = ", word, ": ", &line.replace('\n', "\n          ")]);
        }
        text
    }
}

impl fmt::Display for Diagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.draw(Style::Plain))
    }
}

#[cfg(all(test, not(feature = "diagnostics")))]
#[allow(clippy::unwrap_used)]
mod tests {
    #[test]
    fn a_message_without_excerpt_has_the_title_and_the_help() {
        let error = crate::parse("T{i").unwrap_err();
        let message = alloc::format!("{:#}", error.diagnostic().with_help("write `T{i}`").note("one\ntwo"));
        assert_eq!(
            message,
            "error: structure opened at byte 0 is never closed\n  = note: one\n          two\n  = help: write `T{i}`"
        );
    }
}
