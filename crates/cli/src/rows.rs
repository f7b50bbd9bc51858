//! Values as rows: tables, JSON lines, CSV.

use std::io::{self, Write};

use pep3118::__private::escape;
use pep3118::decode::Value;
use pep3118::{Field, Layout, Type};
use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr as _;

/// Rows that the width of a table's columns is taken from.
const SAMPLE: usize = 256;
/// Widest cell that rows are aligned to.
const WIDEST: usize = 40;

/// The cells of a row: the fields that are no records, or arrays of records as a whole.
#[derive(Debug)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    /// Some were left out, so a row is no longer the item.
    chosen: bool,
}

#[derive(Clone, Debug)]
struct Cell {
    name: String,
    /// Indices of fields, from the outside in.
    path: Vec<usize>,
}

impl Cells {
    /// The cells of an item, all or those of the dotted names.
    pub(super) fn of(layout: &Layout, names: Option<&[String]>) -> Result<Self, String> {
        let mut cells = Vec::new();
        collect(layout.item(), "", &mut Vec::new(), &mut cells);
        let Some(names) = names else { return Ok(Self { cells, chosen: false }) };
        let mut chosen = Vec::new();
        for name in names {
            // A record is all of its fields.
            let inside = format!("{name}.");
            let exact = cells.iter().find(|cell| cell.name == *name);
            let found: Vec<&Cell> = match exact {
                Some(cell) => vec![cell],
                None => cells.iter().filter(|cell| cell.name.starts_with(&inside)).collect(),
            };
            if found.is_empty() {
                let there: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
                return Err(format!("no field is named `{}`; there are {}", escape(name), escape(&there.join(", "))));
            }
            chosen.extend(found.into_iter().cloned());
        }
        Ok(Self { cells: chosen, chosen: true })
    }
}

impl Cells {
    /// The names of the chosen cells, if some were left out.
    #[cfg(feature = "arrow")]
    pub(super) fn chosen(&self) -> Option<Vec<&str>> {
        self.chosen.then(|| self.cells.iter().map(|cell| cell.name.as_str()).collect())
    }
}

fn collect(field: Field<'_>, name: &str, path: &mut Vec<usize>, cells: &mut Vec<Cell>) {
    if field.ty() != Type::Record || !field.shape().is_empty() {
        let name = if path.is_empty() { "value".to_owned() } else { name.to_owned() };
        cells.push(Cell { name, path: path.clone() });
        return;
    }
    for (index, child) in field.fields().enumerate() {
        let own = child.name_text().unwrap_or_else(|| format!("f{index}"));
        let dotted = if name.is_empty() { own } else { format!("{name}.{own}") };
        path.push(index);
        collect(child, &dotted, path, cells);
        path.pop();
    }
}

impl Cell {
    fn of<'v>(&self, value: &'v Value) -> &'v Value {
        self.path.iter().fold(value, |value, index| match value {
            Value::Record(record) => record.values().get(*index).unwrap_or(value),
            value => value,
        })
    }
}

/// Values written row by row.
pub(super) struct Rows<W: Write> {
    cells: Cells,
    form: Form<W>,
    /// What is being made: a line, or a cell.
    text: Vec<u8>,
}

enum Form<W: Write> {
    Table(Table, W),
    Json(W),
    // Boxed for its size.
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Rows<W> {
    pub(super) fn json(cells: Cells, out: W) -> Self {
        Self { cells, form: Form::Json(out), text: Vec::new() }
    }

    /// `shape`: rows are told by their indices.
    pub(super) fn table(cells: Cells, shape: Option<&[i64]>, out: W) -> Self {
        let table = Table::new(&cells, shape);
        Self { cells, form: Form::Table(table, out), text: Vec::new() }
    }

    /// CSV, with its header written.
    pub(super) fn csv(cells: Cells, out: W) -> io::Result<Self> {
        let mut csv = Box::new(csv::WriterBuilder::new().flexible(true).from_writer(out));
        csv.write_record(cells.cells.iter().map(|cell| cell.name.as_bytes())).map_err(plain)?;
        Ok(Self { cells, form: Form::Csv(csv), text: Vec::new() })
    }

    pub(super) fn row(&mut self, value: &Value) -> io::Result<()> {
        let text = &mut self.text;
        match &mut self.form {
            Form::Table(table, out) => table.row(&self.cells, value, out),
            Form::Csv(csv) => {
                for cell in &self.cells.cells {
                    text.clear();
                    tell(cell.of(value), text)?;
                    csv.write_field(&text).map_err(plain)?;
                }
                csv.write_record(None::<&[u8]>).map_err(plain)
            }
            Form::Json(out) => {
                text.clear();
                if self.cells.chosen {
                    serde_json::to_writer(&mut *text, &Chosen(&self.cells, value))?;
                } else {
                    serde_json::to_writer(&mut *text, value)?;
                }
                text.push(b'\n');
                out.write_all(text)
            }
        }
    }

    /// Hands on what was written so far, but for the rows that a table's widths wait for.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Table(_, out) | Form::Json(out) => out.flush(),
            Form::Csv(csv) => csv.flush(),
        }
    }

    /// Writes what waits; the header alone only if `all` went well.
    pub(super) fn end(&mut self, all: bool) -> io::Result<()> {
        if let Form::Table(table, out) = &mut self.form
            && (all || table.rows > 0)
        {
            table.settle(out)?;
        }
        self.flush()
    }
}

/// The kind of an error of the stream decides what is told of it.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// A table whose columns are as wide as the first rows need.
struct Table {
    header: Vec<String>,
    shape: Vec<i64>,
    /// Rows that wait for the widths; once they are known there are none.
    waiting: Vec<Vec<String>>,
    widths: Vec<usize>,
    rows: u64,
    /// The row that is being made.
    row: Vec<String>,
    text: Vec<u8>,
}

impl Table {
    fn new(cells: &Cells, shape: Option<&[i64]>) -> Self {
        let names = cells.cells.iter().map(|cell| escape(&cell.name).into_owned());
        let header: Vec<String> = std::iter::once("item".to_owned()).chain(names).collect();
        let shape = shape.unwrap_or_default().to_vec();
        let row = vec![String::new(); header.len()];
        Self { header, shape, waiting: Vec::new(), widths: Vec::new(), rows: 0, row, text: Vec::new() }
    }

    fn row(&mut self, cells: &Cells, value: &Value, out: &mut impl Write) -> io::Result<()> {
        let index = self.index();
        let mut row = self.row.iter_mut();
        if let Some(first) = row.next() {
            *first = index;
        }
        for (told, cell) in row.zip(&cells.cells) {
            self.text.clear();
            tell(cell.of(value), &mut self.text)?;
            told.clear();
            told.push_str(&escape(&self.text));
        }
        self.rows = self.rows.saturating_add(1);
        if !self.widths.is_empty() {
            return line(&self.row, &self.widths, &mut self.text, out);
        }
        self.waiting.push(self.row.clone());
        if self.waiting.len() >= SAMPLE { self.settle(out) } else { Ok(()) }
    }

    /// The number of the row, or its indices.
    fn index(&self) -> String {
        if self.shape.is_empty() {
            return self.rows.to_string();
        }
        let mut rest = self.rows;
        let mut indices: Vec<String> = Vec::new();
        for extent in self.shape.iter().rev() {
            let extent = extent.unsigned_abs().max(1);
            indices.push(rest.checked_rem(extent).unwrap_or(0).to_string());
            rest = rest.checked_div(extent).unwrap_or(0);
        }
        indices.reverse();
        indices.join(",")
    }

    /// Takes the widths from the rows so far, and writes them.
    fn settle(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !self.widths.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.waiting);
        self.widths = self.header.iter().map(|cell| cell.width()).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width().min(WIDEST));
            }
        }
        line(&self.header, &self.widths, &mut self.text, out)?;
        rows.iter().try_for_each(|row| line(row, &self.widths, &mut self.text, out))
    }
}

fn line(row: &[String], widths: &[usize], text: &mut Vec<u8>, out: &mut impl Write) -> io::Result<()> {
    text.clear();
    for (cell, width) in row.iter().zip(widths) {
        let padding = width.saturating_sub(cell.width());
        text.resize(text.len().saturating_add(padding), b' ');
        text.extend_from_slice(cell.as_bytes());
        text.extend_from_slice(b"  ");
    }
    out.write_all(text.trim_ascii_end())?;
    out.write_all(b"\n")
}

/// A value in one cell: as JSON, but text without quotes and addresses in hexadecimal.
fn tell(value: &Value, cell: &mut Vec<u8>) -> io::Result<()> {
    match value {
        Value::Address(address) => write!(cell, "{address:#x}"),
        Value::Text(text) => cell.write_all(text.as_bytes()),
        // What JSON tells as a string: bytes, NaN.
        Value::Char(_) | Value::Bytes(_) | Value::Void(_) | Value::Opaque(_) => unquoted(value, cell),
        Value::Float16(_) | Value::Float32(_) | Value::Float64(_) | Value::LongDouble(_) => unquoted(value, cell),
        value => Ok(serde_json::to_writer(cell, value)?),
    }
}

fn unquoted(value: &Value, cell: &mut Vec<u8>) -> io::Result<()> {
    let start = cell.len();
    serde_json::to_writer(&mut *cell, value)?;
    let told = cell.get(start..).unwrap_or_default();
    let Some(inner) = told.strip_prefix(b"\"").and_then(|told| told.strip_suffix(b"\"")) else { return Ok(()) };
    if inner.contains(&b'\\') {
        let text: String = serde_json::from_slice(told)?;
        cell.truncate(start);
        cell.extend_from_slice(text.as_bytes());
    } else {
        cell.pop();
        cell.remove(start);
    }
    Ok(())
}

/// The chosen cells of a value.
struct Chosen<'v>(&'v Cells, &'v Value);

impl Serialize for Chosen<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.cells.iter().map(|cell| (&cell.name, cell.of(self.1))))
    }
}
