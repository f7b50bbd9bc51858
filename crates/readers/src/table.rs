//! The answers as a table for people.

use alloc::string::String;
use core::fmt;

use super::answer::{Answer, Outcome};

/// The widest consumer, `RustPython struct 0.5`, and two spaces.
const NAME: usize = 23;
/// `misreads` and two spaces.
const VERB: usize = 10;
/// No text column is narrower.
const TEXT: usize = 16;

/// Answers, ready to be written: one row a consumer, texts wrapped to a width.
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
    /// A table of the answers in `width` columns; 49 at least.
    #[must_use]
    pub const fn new(answers: &'a [Answer], width: usize) -> Self {
        Self { answers, width }
    }
}

impl fmt::Display for ReadersTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = self.width.saturating_sub(NAME.saturating_add(VERB)).max(TEXT);
        for Answer { consumer, outcome } in self.answers {
            let text = match outcome {
                Outcome::Reads { what, note: None } => what.clone(),
                Outcome::Reads { what, note: Some(note) } => alloc::format!("{what} ({note})"),
                Outcome::Misreads { what, means } => alloc::format!("as {what}; meant: {means}"),
                Outcome::Refuses { why } => why.clone(),
            };
            write!(f, "{:NAME$}{:VERB$}", alloc::format!("{consumer}"), outcome.verb())?;
            let mut lines = Lines { rest: &text, room };
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

/// A text in lines of at most `room` characters, broken at spaces where there are any.
struct Lines<'t> {
    rest: &'t str,
    room: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start_matches(' ');
        if text.is_empty() {
            return None;
        }
        // The texts are ASCII, but a line must never end inside a character.
        let Some((limit, _)) = text.char_indices().nth(self.room) else {
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
    /// One line: `NumPy 2.5 reads int32`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { consumer, outcome } = self;
        match outcome {
            Outcome::Reads { what, note } => match note {
                Some(note) => alloc::format!("{consumer} reads {what} ({note})"),
                None => alloc::format!("{consumer} reads {what}"),
            },
            Outcome::Misreads { what, means } => alloc::format!("{consumer} misreads {what}; meant: {means}"),
            Outcome::Refuses { why } => alloc::format!("{consumer} refuses: {why}"),
        }
    }
}
