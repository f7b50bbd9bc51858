//! `repr(view)` and the HTML of notebooks: the shape, the format, and the first and the last items.
//!
//! The length of the text, the time and the memory are bounded: the module reads at most the first and the last `ENDS`
//! items of a dimension, and only the start of a long value.

use pep3118::__private::{abridge, escape};
use pep3118::layout::Type;
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use super::hold::Hold;
use super::item::names;
use super::part::{Part, read_item, select};
use crate::explain::escape_html;

/// The number of items that are shown at the start and at the end of an abridged dimension.
const ENDS: i64 = 4;
/// The width of the text of `repr(view)` in characters.
const WIDTH: usize = 80;
/// The maximum number of columns of a table. The text shows that further columns are omitted.
const COLUMNS: usize = 12;
/// The largest number of characters of a value in a table.
const CELL: usize = 24;
/// The size in bytes of the longest value that is read completely.
const WHOLE: u64 = 256;

/// Writes the values of a view as text of a bounded length.
struct Writer<'a, 'py> {
    py: Python<'py>,
    hold: &'a Hold,
    /// The number of elements that are shown at the start and at the end of an array.
    ends: i64,
    /// The length of `text` in characters at which the writer stops.
    limit: usize,
    text: String,
}

/// Returns the indices of the items that are shown: `ends` items from the start and `ends` items from the end of
/// `length` items. `None` represents the omitted items between them. If there is only one such item, shows it too.
fn shown(length: i64, ends: i64) -> Vec<Option<i64>> {
    if length <= ends.saturating_mul(2).saturating_add(1) {
        return (0..length).map(Some).collect();
    }
    let last = length.saturating_sub(ends)..length;
    (0..ends).map(Some).chain([None]).chain(last.map(Some)).collect()
}

impl Writer<'_, '_> {
    /// Returns the text of the items of `part`, cut to `limit` characters.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    fn text_of(py: Python<'_>, hold: &Hold, part: &Part, ends: i64, limit: usize) -> PyResult<String> {
        let mut writer = Writer { py, hold, ends, limit, text: String::new() };
        writer.items(part)?;
        Ok(cut(writer.text, limit))
    }

    /// Writes `open`, the elements and `close`. `entries` contains the indices of the elements, and `write` writes the
    /// element at an index. `None` becomes `...`. Stops without `close` if the text is longer than `limit`.
    fn list(
        &mut self,
        (open, close): (char, char),
        entries: Vec<Option<i64>>,
        mut write: impl FnMut(&mut Self, i64) -> PyResult<()>,
    ) -> PyResult<()> {
        self.text.push(open);
        for (number, entry) in entries.into_iter().enumerate() {
            if self.text.len() > self.limit {
                return Ok(());
            }
            if number > 0 {
                self.text.push_str(", ");
            }
            match entry {
                Some(index) => write(self, index)?,
                None => self.text.push_str("..."),
            }
        }
        self.text.push(close);
        Ok(())
    }

    /// Writes all items of `part` as nested lists.
    fn items(&mut self, part: &Part) -> PyResult<()> {
        if let Some(length) = part.shape().first() {
            return self.list(('[', ']'), shown(*length, self.ends), |writer, index| {
                let row = {
                    let pin = writer.hold.pin()?;
                    select(&part.pinned(&pin), 0, index)
                };
                match row {
                    Ok(row) => writer.items(&row),
                    Err(error) => writer.failed(error),
                }
            });
        }
        let item = part.description().item();
        if !item.shape().is_empty() {
            return self.items(&part.elements()?);
        }
        if item.ty() == Type::Record {
            let count = i64::try_from(item.fields().count())?;
            return self.list(('(', ')'), shown(count, self.ends), |writer, index| {
                writer.items(&part.field_at(usize::try_from(index)?)?)
            });
        }
        self.value(part)
    }

    /// Writes the only item of `part`, which is one value. Writes `<object>` for a reference to an object, and `...`
    /// after the start of a long value.
    fn value(&mut self, part: &Part) -> PyResult<()> {
        let item = part.description().item();
        if item.ty() == Type::Object {
            self.text.push_str("<object>");
            return Ok(());
        }
        let is_long = item.size() > WHOLE;
        let start;
        let part = if is_long {
            start = part.start(WHOLE)?;
            &start
        } else {
            part
        };
        let value = self.hold.pin().and_then(|pin| read_item(self.py, part, pin, &[])).and_then(|value| value.repr());
        match value {
            Ok(text) => {
                let text = text.to_string_lossy();
                self.text.push_str(&escape(&*text));
                if is_long {
                    self.text.push_str("...");
                }
                Ok(())
            }
            Err(error) => self.failed(error),
        }
    }

    /// Writes the class of `error`, the reason why a value cannot be read. Returns a `MemoryError` unchanged.
    fn failed(&mut self, error: PyErr) -> PyResult<()> {
        if error.is_instance_of::<PyMemoryError>(self.py) {
            return Err(error);
        }
        let class = error.get_type(self.py).name().map_or_else(|_| "error".to_owned(), |name| name.to_string());
        self.text.push_str(&format!("<{}>", escape(&class)));
        Ok(())
    }
}

/// Returns `text` if `text` has at most `limit` characters, and otherwise the first characters of `text` and `...`.
fn cut(text: String, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text;
    }
    text.chars().take(limit.saturating_sub(3)).chain("...".chars()).collect()
}

/// The names of the fields of records, and the values of the first and the last records.
struct Grid {
    head: Vec<String>,
    /// Each row as (index, values). The index is `...` for the omitted rows.
    rows: Vec<(String, Vec<String>)>,
}

impl Grid {
    /// Reads the first and the last records of `part`. Returns `None` unless `part` has one dimension of records that
    /// have fields.
    fn of(py: Python<'_>, hold: &Hold, part: &Part) -> PyResult<Option<Self>> {
        let item = part.description().item();
        let ([length], true) = (part.shape(), item.ty() == Type::Record && item.shape().is_empty()) else {
            return Ok(None);
        };
        let count = item.fields().count();
        if count == 0 {
            return Ok(None);
        }
        let columns: Vec<Option<usize>> = if count > COLUMNS {
            (0..COLUMNS.saturating_sub(1)).map(Some).chain([None, Some(count.saturating_sub(1))]).collect()
        } else {
            (0..count).map(Some).collect()
        };
        let names = names(part.description());
        let name = |column: &Option<usize>| column.and_then(|column| names.get(column));
        let head = columns.iter().map(|column| name(column).map_or_else(dots, |name| label(name))).collect();
        let mut rows = Vec::new();
        for index in shown(*length, ENDS) {
            let Some(index) = index else {
                rows.push((dots(), columns.iter().map(|_| dots()).collect()));
                continue;
            };
            let row = {
                let pin = hold.pin()?;
                select(&part.pinned(&pin), 0, index)
            };
            let mut cells = Vec::new();
            for column in &columns {
                cells.push(match (column, &row) {
                    (None, _) => dots(),
                    (Some(column), Ok(row)) => Writer::text_of(py, hold, &row.field_at(*column)?, 2, CELL)?,
                    (Some(_), Err(_)) => "<NULL>".to_owned(),
                });
            }
            rows.push((index.to_string(), cells));
        }
        Ok(Some(Self { head, rows }))
    }

    /// Returns the grid as lines of text of at most `WIDTH` characters. Columns of the grid that do not fit are left
    /// out.
    fn text(mut self) -> String {
        let width =
            |cells: &mut dyn Iterator<Item = &String>| cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        let labels = width(&mut self.rows.iter().map(|(label, _)| label));
        let mut widths: Vec<usize> = self
            .head
            .iter()
            .enumerate()
            .map(|(column, head)| width(&mut self.rows.iter().filter_map(|(_, cells)| cells.get(column)).chain([head])))
            .collect();
        let total =
            |widths: &[usize]| widths.iter().fold(labels, |sum, width| sum.saturating_add(*width).saturating_add(2));
        while total(&widths) > WIDTH && widths.len() > 1 {
            let last = widths.len().saturating_sub(1);
            // The last column that fits becomes `...`, and the later columns are left out.
            let dotted = last.saturating_sub(1);
            widths.truncate(last);
            self.head.truncate(last);
            self.rows.iter_mut().for_each(|(_, cells)| cells.truncate(last));
            if let (Some(width), Some(head)) = (widths.get_mut(dotted), self.head.get_mut(dotted)) {
                (*width, *head) = (3, dots());
            }
            for (_, cells) in &mut self.rows {
                if let Some(cell) = cells.get_mut(dotted) {
                    *cell = dots();
                }
            }
        }
        let empty = String::new();
        let lines = [(&empty, &self.head)].into_iter().chain(self.rows.iter().map(|(label, cells)| (label, cells)));
        let line = |(label, cells): (&String, &Vec<String>)| {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}")).collect::<String>();
            format!("{label:>labels$}{cells}")
        };
        lines.map(line).collect::<Vec<_>>().join("\n")
    }

    /// Returns the grid as a table of HTML.
    fn html(&self) -> String {
        let cells = |cells: &[String], tag: &str| {
            cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape_html(cell))).collect::<String>()
        };
        let rows = self.rows.iter().map(|(label, row)| format!("<tr><th>{label}</th>{}</tr>", cells(row, "td")));
        let (head, rows) = (cells(&self.head, "th"), rows.collect::<String>());
        format!("<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>")
    }
}

fn dots() -> String {
    "...".to_owned()
}

/// Returns the head of a column for the field `name`.
fn label(name: &str) -> String {
    cut(abridge(name.as_bytes(), CELL.saturating_mul(4)).into_owned(), CELL)
}

/// Returns the first line of `repr(view)`.
fn heading(part: &Part) -> String {
    let shape: Vec<String> = part.shape().iter().map(ToString::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let start =
        cut(format!("<pep3118.View of shape ({}{comma}), format '", shape.join(", ")), WIDTH.saturating_sub(12));
    let left = WIDTH.saturating_sub(start.chars().count()).saturating_sub(2).max(8);
    let format = part.description().format();
    let format = cut(abridge(format, WIDTH).into_owned(), left);
    format!("{start}{format}'>")
}

/// Returns the lines of the items of `part`, or an empty string if `part` has no items.
fn lines(py: Python<'_>, part: &Part, hold: &Hold) -> PyResult<String> {
    if part.shape().contains(&0) {
        return Ok(String::new());
    }
    if let Some(grid) = Grid::of(py, hold, part)? {
        return Ok(grid.text());
    }
    let fitting = |part: &Part, width: usize| {
        let mut text = String::new();
        for ends in (1..=ENDS).rev() {
            text = Writer::text_of(py, hold, part, ends, width.saturating_mul(4))?;
            if text.chars().count() <= width {
                break;
            }
        }
        Ok::<_, PyErr>(cut(text, width))
    };
    let [length, _, ..] = part.shape() else { return fitting(part, WIDTH) };
    let mut rows = Vec::new();
    for index in shown(*length, ENDS) {
        rows.push(match index {
            Some(index) => {
                let row = {
                    let pin = hold.pin()?;
                    select(&part.pinned(&pin), 0, index)
                };
                row.map_or_else(|_| Ok("<NULL>".to_owned()), |row| fitting(&row, WIDTH.saturating_sub(3)))?
            }
            None => dots(),
        });
    }
    Ok(format!("[{}]", rows.join(",\n ")))
}

/// Returns `repr` of a view with the items `part`. `hold` is the reference of the view to its buffer.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn text(py: Python<'_>, part: &Part, hold: &Hold) -> PyResult<String> {
    let (heading, lines) = (heading(part), lines(py, part, hold)?);
    Ok(if lines.is_empty() { heading } else { format!("{heading}\n{lines}") })
}

/// Returns the HTML of a view with the items `part`, for notebooks.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn html(py: Python<'_>, part: &Part, hold: &Hold) -> PyResult<String> {
    let heading = escape_html(&heading(part));
    let body = match Grid::of(py, hold, part)? {
        Some(grid) => grid.html(),
        None => format!("<pre>{}</pre>", escape_html(&lines(py, part, hold)?)),
    };
    Ok(format!("<div><p><code>{heading}</code></p>{body}</div>"))
}
