//! [`Diagnostic`]: a message that shows a format with carets under the offending bytes.
//!
//! The crate `annotate-snippets`, which rustc uses, draws the message. This module escapes the format, and
//! computes the columns of the carets in the escaped text. This module also shortens a long format to the bytes
//! around the offending span.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

pub(crate) use annotate_snippets::Level;
use annotate_snippets::{AnnotationKind, Group, Renderer, Snippet, renderer::DecorStyle};

use crate::span::Span;
use crate::text::{char_boundary, each_part};

/// The maximum number of bytes of a format that a message shows.
const WINDOW: usize = 60;

/// A span of a format, and the text that the message shows under the carets of the span. The text can be empty.
#[derive(Clone, Debug)]
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

/// A message about a format string. It has a title, the format with carets, notes and a help line.
///
/// `Display` draws the message without colour. [`colored`](Diagnostic::colored) draws the message with ANSI escape
/// sequences. Both escape all text that comes from inputs.
///
/// ```
/// let error = pep3118::parse("T{i").unwrap_err();
/// let drawn = error.diagnostic().to_string();
/// assert!(drawn.starts_with("error: structure opened at byte 0 is never closed\n"));
/// assert_eq!(drawn, format!("{error:#}"));
/// ```
#[derive(Clone, Debug)]
pub struct Diagnostic<'a> {
    title: String,
    level: Level<'static>,
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
    /// Creates an error message about the format `source`. `title` is the first line of the message.
    pub(crate) fn new(title: String, source: &'a [u8]) -> Self {
        let (level, id) = (Level::ERROR, None);
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

    /// Adds `label`, whose bytes the message underlines with dashes, because these bytes explain the error.
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

    /// Sets the start of the message, from the level `level` and from `id`, the id of a rule of the protocol:
    /// `error[A04]: ...`, `warning[A10]: ...`.
    pub(crate) fn titled(mut self, level: Level<'static>, id: &'static str) -> Self {
        (self.level, self.id) = (level, Some(id));
        self
    }

    /// Returns the message as text with ANSI escape sequences for colours.
    #[must_use]
    pub fn colored(&self) -> String {
        self.draw(&Renderer::styled())
    }

    /// Returns the message as text with the colours of `renderer`.
    fn draw(&self, renderer: &Renderer) -> String {
        let mut excerpt = Excerpt::new(self.source, self.primary.as_ref().map_or(Span::ZERO, |label| label.span));
        let mut annotations = Vec::new();
        for (label, kind) in [(&self.primary, AnnotationKind::Primary), (&self.context, AnnotationKind::Context)] {
            let Some(label) = label else { continue };
            let Some(range) = excerpt.range(label.span) else { continue };
            if range.end > excerpt.text.len() {
                // A caret after the last byte of the format points at this space.
                excerpt.text.push(' ');
            }
            let annotation = kind.span(range);
            annotations.push(if label.text.is_empty() { annotation } else { annotation.label(&*label.text) });
        }
        let title = self.level.clone().primary_title(self.title.as_str());
        let mut group = Group::with_title(match self.id {
            Some(id) => title.id(id),
            None => title,
        });
        if self.primary.is_some() {
            group = group.element(
                Snippet::source(excerpt.text.as_str()).line_start(self.line).fold(false).annotations(annotations),
            );
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(&**note));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        renderer.clone().decor_style(DecorStyle::Ascii).render(&[group])
    }
}

impl fmt::Display for Diagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.draw(&Renderer::plain()))
    }
}

/// The bytes of a format that a message shows, as escaped text, and the position of each byte in the escaped text.
struct Excerpt {
    text: String,
    /// The offset in the format of the first byte that the message shows.
    start: usize,
    /// For each byte that the message shows, the range of its escaped text in `text`. If the message shows the end
    /// of the format, the last range is the column after the last byte.
    byte_ranges: Vec<Range<usize>>,
}

impl Excerpt {
    /// Creates the excerpt of the format `source`. If `source` is long, the excerpt contains the bytes around the
    /// start of `around`.
    fn new(source: &[u8], around: Span) -> Self {
        let Range { start, end } = window(source, around);
        let mut text = String::from(if start > 0 { "..." } else { "" });
        let mut byte_ranges = Vec::new();
        // `window` returns a range inside of `source`, so the slice exists.
        each_part(source.get(start..end).unwrap_or_default(), |part, bytes| {
            let first = text.len();
            text.extend(part);
            byte_ranges.extend(core::iter::repeat_n(first..text.len(), bytes));
        });
        if end < source.len() {
            text.push_str("...");
        } else {
            byte_ranges.push(text.len()..text.len().saturating_add(1));
        }
        Self { text, start, byte_ranges }
    }

    /// Returns the range in `text` of the escaped bytes of `span`. The range has at least one character. Returns
    /// `None` if the excerpt does not contain the first byte of `span`.
    fn range(&self, span: Span) -> Option<Range<usize>> {
        let first = span.start().checked_sub(self.start)?;
        let start = self.byte_ranges.get(first)?.start;
        let last = span.end().saturating_sub(self.start).saturating_sub(1).max(first);
        let end = self.byte_ranges.get(last).or(self.byte_ranges.last())?.end;
        Some(start..end)
    }
}

/// Returns the range of bytes of `source` to show. The range is all of `source` if `source` has at most [`WINDOW`]
/// bytes. If not, the range has about [`WINDOW`] bytes around the start of `around`. The range starts and ends
/// between two characters.
fn window(source: &[u8], around: Span) -> Range<usize> {
    if source.len() <= WINDOW {
        return 0..source.len();
    }
    let start = around.start().saturating_sub(WINDOW / 2).min(source.len().saturating_sub(WINDOW));
    let end = start.saturating_add(WINDOW).min(source.len());
    char_boundary(source, start)..char_boundary(source, end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_points_at_the_whole_character() {
        let error = crate::parse("i:\u{e9}:\u{664}i").unwrap_err();
        assert_eq!((error.span().start(), error.span().end()), (5, 6));
        let source = error.source_bytes();
        let excerpt = Excerpt::new(source, error.span());
        assert_eq!(excerpt.text, "i:\u{e9}:\u{664}i");
        assert_eq!(excerpt.range(error.span()), Some(5..7));
        assert_eq!(excerpt.range(Span::new(source.len(), source.len())), Some(8..9));
    }

    #[test]
    fn a_caret_points_behind_a_format_that_ends_with_a_space() {
        assert!(
            alloc::format!("{:#}", crate::parse("3 ").unwrap_err()).contains("\n  |   ^ expected a format character")
        );
    }

    #[test]
    fn a_long_source_is_cut_between_characters() {
        let source = "\u{20ac}".repeat(100);
        for start in 0..source.len() {
            assert!(!Excerpt::new(source.as_bytes(), Span::new(start, start)).text.contains("\\x"));
        }
    }
}
