//! `ReadersTable`: displays the answers as a table.

use alloc::string::String;
use core::fmt;

use super::answer::{Answer, Outcome};

/// The width of the longest consumer, `RustPython struct 0.5`, and two spaces.
const NAME: usize = 23;
/// The width of `misreads` and two spaces.
const VERB: usize = 10;
/// The minimum width of the text.
const TEXT: usize = 16;

/// A table of answers: one row for each consumer, with text wrapped to a width.
///
/// ```
/// use pep3118::DataModel; use pep3118_readers::{ReadersTable, readers};
///
/// let answers = readers(b"<i", Some(4), &DataModel::LP64);
/// let table = ReadersTable::new(&answers, 60).to_string();
/// assert!(table.lines().all(|line| line.len() <= 60));
/// assert!(table.contains("NumPy 2.5"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReadersTable<'a> {
    answers: &'a [Answer],
    width: usize,
}

impl<'a> ReadersTable<'a> {
    /// Makes a table of at most `width` columns. The minimum is 49.
    #[must_use]
    pub const fn new(answers: &'a [Answer], width: usize) -> Self {
        Self { answers, width }
    }
}

impl fmt::Display for ReadersTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.width.saturating_sub(NAME.saturating_add(VERB)).max(TEXT);
        for Answer { consumer, outcome } in self.answers {
            let text = match outcome {
                Outcome::Reads { layout, note: None } => layout.clone(),
                Outcome::Reads { layout, note: Some(note) } => alloc::format!("{layout} ({note})"),
                Outcome::Misreads { layout, meaning } => alloc::format!("as {layout}; meant: {meaning}"),
                Outcome::Refuses { reason } => reason.clone(),
            };
            write!(f, "{:NAME$}{:VERB$}", alloc::format!("{consumer}"), outcome.verb())?;
            let mut lines = Lines { rest: &text, width };
            if let Some(first) = lines.next() {
                writeln!(f, "{first}")?;
            }
            for line in lines {
                writeln!(f, "{:indent$}{line}", "", indent = NAME.saturating_add(VERB))?;
            }
        }
        Ok(())
    }
}

/// The lines of a text, of at most `width` characters, broken at spaces if possible.
struct Lines<'t> {
    rest: &'t str,
    width: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start_matches(' ');
        if text.is_empty() {
            return None;
        }
        // The texts are ASCII, but a break inside of a character would panic.
        let Some((limit, _)) = text.char_indices().nth(self.width) else {
            self.rest = "";
            return Some(text);
        };
        let fits = text.get(..limit).unwrap_or(text);
        let after_is_space = text.get(limit..).is_some_and(|rest| rest.starts_with(' '));
        let end = if after_is_space { limit } else { fits.rfind(' ').unwrap_or(limit) };
        let (line, rest) = text.split_at_checked(end)?;
        self.rest = rest;
        Some(line.trim_end_matches(' '))
    }
}

impl Answer {
    /// Returns the answer in one line: `NumPy 2.5 reads int32`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { consumer, outcome } = self;
        match outcome {
            Outcome::Reads { layout, note } => match note {
                Some(note) => alloc::format!("{consumer} reads {layout} ({note})"),
                None => alloc::format!("{consumer} reads {layout}"),
            },
            Outcome::Misreads { layout, meaning } => alloc::format!("{consumer} misreads {layout}; meant: {meaning}"),
            Outcome::Refuses { reason } => alloc::format!("{consumer} refuses: {reason}"),
        }
    }
}
