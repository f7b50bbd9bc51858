//! `ReadersTable`: displays the answers of [`readers`](super::readers()) as a table. [`Answer::line`]: displays one
//! answer as one line.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use pep3118::__private::plural;

use super::answer::{Answer, Outcome};

/// The width of the first column in characters: the longest consumer name, `RustPython struct 0.5`, and two
/// spaces.
const NAME_WIDTH: usize = 23;
/// The width of the second column in characters: `misreads` and two spaces.
const VERB_WIDTH: usize = 10;
/// The minimum width of the third column in characters.
const MIN_TEXT_WIDTH: usize = 16;

/// The maximum length in bytes of a text that is repeated in the table. A longer text that several rows share becomes a
/// footnote.
const LONGEST_REPEATED: usize = 16;

/// A summary, a table with one row for each answer, and footnotes. The text in the last column is wrapped. A long text
/// that several rows share becomes a footnote, and the rows contain the number of the footnote.
///
/// ```
/// use pep3118::DataModel; use pep3118_readers::{ReadersTable, readers};
///
/// let answers = readers(b"<i", Some(4), &DataModel::LP64);
/// let table = ReadersTable::new(&answers, 60).to_string();
/// assert!(table.lines().all(|line| line.len() <= 60));
/// assert!(table.starts_with("21 readers: 15 read the format, 6 refuse it\n"));
/// assert!(table.contains("\nmemoryview 3.15        refuses   [1]\n"));
/// assert!(table.contains("\n[1] only native formats are supported\n"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReadersTable<'a> {
    answers: &'a [Answer],
    width: usize,
}

impl<'a> ReadersTable<'a> {
    /// Creates a table of `answers`. A line has at most `width` characters, except the summary, which is not wrapped. A
    /// `width` below 49 means 49.
    #[must_use]
    pub const fn new(answers: &'a [Answer], width: usize) -> Self {
        Self { answers, width }
    }
}

impl ReadersTable<'_> {
    /// Returns the number of readers with each outcome: `3 readers: 1 reads the format, 2 refuse it`.
    fn summary(&self) -> String {
        let count = |verb: &str| self.answers.iter().filter(|answer| answer.outcome.verb() == verb).count();
        let mut clauses: Vec<String> = Vec::new();
        for (verb, verb_of_several) in [("reads", "read"), ("misreads", "misread"), ("refuses", "refuse")] {
            let number = count(verb);
            if number > 0 {
                let object = if clauses.is_empty() { "the format" } else { "it" };
                clauses.push(format!("{number} {} {object}", if number == 1 { verb } else { verb_of_several }));
            }
        }
        format!("{}: {}", plural(self.answers.len(), "reader"), clauses.join(", "))
    }
}

/// Returns the text in the last column for `outcome`: the layout that the consumer reads, or the reason for the
/// refusal.
fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Reads { layout, note: None } => layout.clone(),
        Outcome::Reads { layout, note: Some(note) } => format!("{layout} ({note})"),
        Outcome::Misreads { layout, meaning } => format!("as {layout}; meant: {meaning}"),
        Outcome::Refuses { reason } => reason.clone(),
    }
}

/// Returns the footnotes in the order of their numbers. `texts` are the texts of the last column. A footnote is a text
/// longer than [`LONGEST_REPEATED`] that occurs more than once.
fn footnotes(texts: &[String]) -> Vec<&str> {
    let mut footnotes: Vec<&str> = Vec::new();
    for text in texts.iter().filter(|text| text.len() > LONGEST_REPEATED) {
        let is_shared = texts.iter().filter(|other| *other == text).count() > 1;
        if is_shared && !footnotes.contains(&text.as_str()) {
            footnotes.push(text);
        }
    }
    footnotes
}

impl fmt::Display for ReadersTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = NAME_WIDTH.saturating_add(VERB_WIDTH);
        let width = self.width.saturating_sub(indent).max(MIN_TEXT_WIDTH);
        let texts: Vec<String> = self.answers.iter().map(|answer| text(&answer.outcome)).collect();
        let footnotes = footnotes(&texts);
        writeln!(f, "{}\n", self.summary())?;
        for (Answer { consumer, outcome }, text) in self.answers.iter().zip(&texts) {
            write!(f, "{:NAME_WIDTH$}{:VERB_WIDTH$}", format!("{consumer}"), outcome.verb())?;
            match footnotes.iter().position(|footnote| footnote == text) {
                Some(index) => writeln!(f, "[{}]", index.saturating_add(1))?,
                None => write_lines(f, text, width, indent)?,
            }
        }
        for (number, footnote) in (1_usize..).zip(&footnotes) {
            let start = format!("{}[{number}] ", if number == 1 { "\n" } else { "" });
            write!(f, "{start}")?;
            let indent = start.trim_start().len();
            write_lines(f, footnote, self.width.saturating_sub(indent).max(MIN_TEXT_WIDTH), indent)?;
        }
        Ok(())
    }
}

/// Writes `text` to `f` as one or more lines. Each line ends with a line feed. `width` is the maximum number of
/// characters of `text` in a line. The lines after the first line start with `indent` spaces, which `width` does not
/// include. A word with more than `width` characters is split. An empty `text` is written as an empty line.
fn write_lines(f: &mut fmt::Formatter<'_>, text: &str, width: usize, indent: usize) -> fmt::Result {
    let mut lines = Lines { rest: text, width };
    writeln!(f, "{}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(f, "{:indent$}{line}", ""))
}

/// An iterator over the lines of a wrapped text. A line has at most `width` characters. A line ends at a space if
/// possible, and otherwise inside of a word.
struct Lines<'t> {
    /// The text that is not returned yet.
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
        // The width is a number of characters. A number of bytes could split the text inside of a multi-byte character.
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
