//! `ReadersTable`: displays the answers of [`readers`](super::readers()) as a table.

use alloc::string::String;
use core::fmt;

use super::answer::{Answer, Outcome};

/// The width of the first column in characters: the longest consumer name, `RustPython struct 0.5`, and two
/// spaces.
const NAME_WIDTH: usize = 23;
/// The width of the second column in characters: `misreads` and two spaces.
const VERB_WIDTH: usize = 10;
/// The minimum width of the third column in characters.
const MIN_TEXT_WIDTH: usize = 16;

/// Displays a list of answers as a table with one row for each answer. The text in the last column is wrapped.
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
    /// Creates a table of `answers` whose lines have at most `width` characters. A `width` of less than 49 is
    /// treated as 49.
    #[must_use]
    pub const fn new(answers: &'a [Answer], width: usize) -> Self {
        Self { answers, width }
    }
}

impl fmt::Display for ReadersTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.width.saturating_sub(NAME_WIDTH.saturating_add(VERB_WIDTH)).max(MIN_TEXT_WIDTH);
        for Answer { consumer, outcome } in self.answers {
            let text = match outcome {
                Outcome::Reads { layout, note: None } => layout.clone(),
                Outcome::Reads { layout, note: Some(note) } => alloc::format!("{layout} ({note})"),
                Outcome::Misreads { layout, meaning } => alloc::format!("as {layout}; meant: {meaning}"),
                Outcome::Refuses { reason } => reason.clone(),
            };
            write!(f, "{:NAME_WIDTH$}{:VERB_WIDTH$}", alloc::format!("{consumer}"), outcome.verb())?;
            let mut lines = Lines { rest: &text, width };
            if let Some(first) = lines.next() {
                writeln!(f, "{first}")?;
            }
            for line in lines {
                writeln!(f, "{:indent$}{line}", "", indent = NAME_WIDTH.saturating_add(VERB_WIDTH))?;
            }
        }
        Ok(())
    }
}

/// An iterator over the lines of a wrapped text. A line has at most `width` characters. A line ends at a space
/// if the line contains a space, and inside of a word if not.
struct Lines<'t> {
    /// The text that was not returned yet.
    rest: &'t str,
    /// The maximum number of characters in a line.
    width: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start_matches(' ');
        if text.is_empty() {
            return None;
        }
        // The width is a number of characters. A number of bytes could end inside of a multi-byte character,
        // where a text cannot be split.
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
    /// Returns the answer as one line: `NumPy 2.5 reads int32`.
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
