//! Values as rows: tables, JSON lines, CSV.

use std::io::{self, Write};

use pep3118::decode::Value;
use pep3118::{Field, Layout, Type};
use serde::{Serialize, Serializer};

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

#[derive(Debug)]
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
            let Some(cell) = cells.iter().find(|cell| cell.name == *name) else {
                let there: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
                return Err(format!("no field is named `{name}`; there are {}", there.join(", ")));
            };
            chosen.push(Cell { name: cell.name.clone(), path: cell.path.clone() });
        }
        Ok(Self { cells: chosen, chosen: true })
    }

    fn texts(&self, value: &Value) -> Vec<String> {
        self.cells.iter().map(|cell| text(cell.of(value))).collect()
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

/// A way to write rows.
pub(super) enum Rows {
    Table(Table),
    Json,
    Csv,
}

impl Rows {
    /// CSV, with its header written.
    pub(super) fn csv(cells: &Cells, out: &mut impl Write) -> io::Result<Self> {
        comma_separated(cells.cells.iter().map(|cell| cell.name.clone()), out)?;
        Ok(Self::Csv)
    }

    pub(super) fn row(&mut self, cells: &Cells, value: &Value, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Table(table) => table.row(cells.texts(value), out),
            Self::Csv => comma_separated(cells.texts(value).into_iter(), out),
            Self::Json => {
                if cells.chosen {
                    serde_json::to_writer(&mut *out, &Chosen(cells, value))?;
                } else {
                    serde_json::to_writer(&mut *out, value)?;
                }
                out.write_all(b"\n")
            }
        }
    }

    /// Writes what waits; the header alone only if `all` went well.
    pub(super) fn end(&mut self, all: bool, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Table(table) if all || table.rows > 0 => table.settle(out),
            Self::Table(_) | Self::Json | Self::Csv => Ok(()),
        }
    }
}

fn comma_separated(cells: impl Iterator<Item = String>, out: &mut impl Write) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if cell.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// A table whose columns are as wide as the first rows need.
pub(super) struct Table {
    header: Vec<String>,
    shape: Vec<i64>,
    /// Rows that wait for the widths; once they are known there are none.
    waiting: Vec<Vec<String>>,
    widths: Vec<usize>,
    rows: u64,
}

impl Table {
    pub(super) fn new(cells: &Cells, shape: Option<&[i64]>) -> Self {
        let names = cells.cells.iter().map(|cell| cell.name.clone());
        let header = std::iter::once("item".to_owned()).chain(names).collect();
        let shape = shape.unwrap_or_default().to_vec();
        Self { header, shape, waiting: Vec::new(), widths: Vec::new(), rows: 0 }
    }

    fn row(&mut self, cells: Vec<String>, out: &mut impl Write) -> io::Result<()> {
        let row: Vec<String> = std::iter::once(self.index()).chain(cells).collect();
        self.rows = self.rows.saturating_add(1);
        if !self.widths.is_empty() {
            return line(&row, &self.widths, out);
        }
        self.waiting.push(row);
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
        self.widths = self.header.iter().map(|cell| cell.chars().count()).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count().min(WIDEST));
            }
        }
        line(&self.header, &self.widths, out)?;
        rows.iter().try_for_each(|row| line(row, &self.widths, out))
    }
}

fn line(row: &[String], widths: &[usize], out: &mut impl Write) -> io::Result<()> {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let padding = width.saturating_sub(cell.chars().count());
        text.push_str(&" ".repeat(padding));
        text.push_str(cell);
        text.push_str("  ");
    }
    writeln!(out, "{}", text.trim_end())
}

/// A value in one cell: as JSON, but text without quotes and addresses in hexadecimal.
fn text(value: &Value) -> String {
    if let Value::Address(address) = value {
        return format!("{address:#x}");
    }
    // Maps of strings to strings and numbers, so there is no error.
    let json = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str::<String>(&json).unwrap_or(json)
}

/// The chosen cells of a value.
struct Chosen<'v>(&'v Cells, &'v Value);

impl Serialize for Chosen<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.cells.iter().map(|cell| (&cell.name, cell.of(self.1))))
    }
}
