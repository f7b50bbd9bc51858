//! A message with the format beneath it and carets under the guilty bytes.
//!
//! The picture itself is drawn by `annotate-snippets`, which draws rustc's own. What is added here:
//! bytes are escaped to ASCII before carets are placed, and a long source is cut to a window
//! around the primary span.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub(crate) use annotate_snippets::Level;
use annotate_snippets::{AnnotationKind, Group, Renderer, Snippet, renderer::DecorStyle};

use crate::span::Span;

/// Widest source shown, in cells; a longer one is windowed around the primary span.
const WINDOW: usize = 60;

/// A span and what to say beneath it; the text may be empty.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    span: Span,
    text: Cow<'static, str>,
}

impl Label {
    pub(crate) fn new(span: Span, text: impl Into<Cow<'static, str>>) -> Self {
        Self { span, text: text.into() }
    }
}

/// An error with its source, ready to be drawn.
///
/// `Display` draws without colour; [`colored`](Diagnostic::colored) with ANSI escapes.
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
    primary: Option<Label>,
    context: Option<Label>,
    notes: Vec<Cow<'a, str>>,
    help: Option<Cow<'a, str>>,
}

impl<'a> Diagnostic<'a> {
    pub(crate) fn new(title: String, source: &'a [u8]) -> Self {
        let (level, id) = (Level::ERROR, None);
        Self { title, level, id, source, primary: None, context: None, notes: Vec::new(), help: None }
    }

    pub(crate) fn primary(mut self, label: Label) -> Self {
        self.primary = Some(label);
        self
    }

    pub(crate) fn context(mut self, label: Label) -> Self {
        self.context = Some(label);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<Cow<'a, str>>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn help(mut self, help: Option<Cow<'a, str>>) -> Self {
        self.help = help;
        self
    }

    /// Replaces the help line: an action that the caller can take.
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

    /// A warning or a note instead of an error, with the id of the rule: `error[A04]: ...`.
    pub(crate) fn titled(mut self, level: Level<'static>, id: &'static str) -> Self {
        (self.level, self.id) = (level, Some(id));
        self
    }

    /// The picture with ANSI colours.
    #[must_use]
    pub fn colored(&self) -> String {
        self.draw(&Renderer::styled())
    }

    fn draw(&self, renderer: &Renderer) -> String {
        let shown = Shown::new(self.source, self.primary.as_ref().map_or(Span::default(), |label| label.span));
        // A caret behind the last byte needs a cell to stand under.
        let behind =
            [&self.primary, &self.context].into_iter().flatten().any(|label| label.span.start() >= self.source.len());
        let text = if behind { alloc::format!("{} ", shown.text) } else { shown.text.clone() };
        let title = self.level.clone().primary_title(self.title.as_str());
        let mut group = Group::with_title(match self.id {
            Some(id) => title.id(id),
            None => title,
        });
        if self.primary.is_some() {
            let labels = [(&self.primary, AnnotationKind::Primary), (&self.context, AnnotationKind::Context)];
            let snippet = Snippet::source(text.as_str()).fold(false).annotations(labels.into_iter().filter_map(
                |(label, kind)| {
                    let label = label.as_ref()?;
                    let annotation = kind.span(shown.columns(label.span)?);
                    Some(if label.text.is_empty() { annotation } else { annotation.label(&*label.text) })
                },
            ));
            group = group.element(snippet);
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

/// The escaped text of a window of the source, and where each byte went.
struct Shown {
    text: String,
    /// First byte of the source that is shown.
    first: usize,
    /// Column at which each shown byte starts, and one past the end.
    columns: Vec<usize>,
}

impl Shown {
    fn new(source: &[u8], around: Span) -> Self {
        let (first, last) = window(source.len(), around);
        let mut text = String::new();
        if first > 0 {
            text.push_str("...");
        }
        let mut columns = Vec::new();
        for byte in source.get(first..last).unwrap_or_default() {
            columns.push(text.len());
            push_escaped(&mut text, *byte);
        }
        columns.push(text.len());
        if last < source.len() {
            text.push_str("...");
        }
        Self { text, first, columns }
    }

    /// The columns of a span, or `None` if it lies outside the window. Never empty.
    fn columns(&self, span: Span) -> Option<core::ops::Range<usize>> {
        let start = *self.columns.get(span.start().checked_sub(self.first)?)?;
        let end = span.end().saturating_sub(self.first);
        let end = self.columns.get(end).or(self.columns.last()).copied().unwrap_or(start);
        Some(start..end.max(start.saturating_add(1)))
    }
}

/// Which bytes of a source of `len` bytes to show.
fn window(len: usize, around: Span) -> (usize, usize) {
    if len <= WINDOW {
        return (0, len);
    }
    let half = WINDOW / 2;
    let first = around.start().saturating_sub(half).min(len.saturating_sub(WINDOW));
    (first, first.saturating_add(WINDOW).min(len))
}

/// One byte as ASCII: itself if printable, else `\n`, `\x80`.
pub fn escape_byte(byte: u8) -> String {
    let mut text = String::new();
    push_escaped(&mut text, byte);
    text
}

/// Bytes as one line of ASCII.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        push_escaped(&mut text, *byte);
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    if matches!(byte, b' '..=b'~') {
        text.push(char::from(byte));
    } else {
        text.extend(byte.escape_ascii().map(char::from));
    }
}
