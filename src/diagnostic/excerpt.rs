//! Draws a [`Diagnostic`] with carets under the offending bytes of the format.
//!
//! The crate `annotate-snippets`, which rustc uses, draws the message. This module escapes the format, and
//! computes the columns of the carets in the escaped text. This module also shortens a long format to the bytes
//! around the offending span.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

use super::{Diagnostic, Style};
use crate::span::Span;
use crate::text::{char_boundary, each_part};

/// The maximum number of bytes of a format that a message shows.
const WINDOW: usize = 60;

/// Returns the text of `message`, with carets under the offending bytes. `style` selects the colours.
pub(super) fn draw(message: &Diagnostic<'_>, style: Style) -> String {
    let mut excerpt = Excerpt::new(message.source, message.primary.as_ref().map_or(Span::ZERO, |label| label.span));
    let mut annotations = Vec::new();
    for (label, kind) in [(&message.primary, AnnotationKind::Primary), (&message.context, AnnotationKind::Context)] {
        let Some(label) = label else { continue };
        let Some(range) = excerpt.range(label.span) else { continue };
        if range.end > excerpt.text.len() {
            // A caret after the last byte of the format points at this space.
            excerpt.text.push(' ');
        }
        let annotation = kind.span(range);
        annotations.push(if label.text.is_empty() { annotation } else { annotation.label(&*label.text) });
    }
    let level = match message.level {
        super::Level::Error => Level::ERROR,
        super::Level::Warning => Level::WARNING,
        super::Level::Note => Level::NOTE,
    };
    let title = level.primary_title(message.title.as_str());
    let mut group = Group::with_title(match message.id {
        Some(id) => title.id(id),
        None => title,
    });
    if message.primary.is_some() {
        group = group.element(
            Snippet::source(excerpt.text.as_str()).line_start(message.line).fold(false).annotations(annotations),
        );
    }
    for note in &message.notes {
        group = group.element(Level::NOTE.message(&**note));
    }
    if let Some(help) = &message.help {
        group = group.element(Level::HELP.message(&**help));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
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
