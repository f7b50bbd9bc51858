//! Values as rows of text: an aligned table, JSON lines or CSV.

use std::io::{self, Write};
use std::num::NonZeroU64;

use pep3118::decode::Value;
use pep3118::{Field, Layout, Type};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr as _;

use super::escape::{self, escape};
use super::names;

/// Rows whose cells determine the widths of a table's columns.
const SAMPLE: usize = 256;
/// Width of the widest cell to which a column is aligned.
const WIDEST: usize = 40;

/// Largest number of fields that a message lists.
const LISTED_NAMES: usize = 50;

/// The columns of a row: the fields of an item that are not records. An array of records is one column.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Whether the user selected them by name.
    selected: bool,
    /// Whether JSON of an item is ASCII without DEL, so that nothing in it has to be escaped.
    is_ascii: bool,
}

#[derive(Clone, Debug)]
struct Column {
    /// The names of the field and of the records around it, with dots between them.
    name: String,
    /// The indices of these fields in their records.
    path: Vec<usize>,
}

impl Columns {
    /// Returns the columns of an item: all, or those of the names.
    pub(super) fn of(layout: &Layout, names: Option<&[String]>) -> Result<Self, String> {
        let mut columns = Vec::new();
        collect(layout.item(), "", &mut Vec::new(), &mut columns);
        let is_ascii = is_ascii(layout.item());
        let Some(names) = names else { return Ok(Self { columns, selected: false, is_ascii }) };
        let mut selected = Vec::new();
        for name in names {
            // A name that was printed with escapes is found as it was printed.
            let is_named = |column: &&Column| column.name == *name || escape(column.name.as_bytes()) == *name;
            let record = format!("{name}.");
            let found: Vec<&Column> = match columns.iter().find(is_named) {
                Some(column) => vec![column],
                // The name of a record selects all of its fields.
                None => columns.iter().filter(|column| column.name.starts_with(&record)).collect(),
            };
            if found.is_empty() {
                return Err(unknown(name, &columns));
            }
            selected.extend(found.into_iter().cloned());
        }
        Ok(Self { columns: selected, selected: true, is_ascii })
    }

    /// Returns the names that the user selected, if any.
    #[cfg(feature = "arrow")]
    pub(super) fn selected(&self) -> Option<Vec<&str>> {
        self.selected.then(|| self.columns.iter().map(|column| column.name.as_str()).collect())
    }
}

/// Returns `true` if a field has no text, and no name with other characters than printable ASCII. All
/// values but text are numbers, or bytes that their JSON escapes.
fn is_ascii(field: Field<'_>) -> bool {
    let has_text = matches!(field.ty(), Type::Ucs2 | Type::Ucs4 | Type::Wchar);
    let name = field.name().unwrap_or_default();
    !has_text && name.iter().all(|byte| matches!(byte, b' '..=b'~')) && field.fields().all(is_ascii)
}

/// Returns the message for a name that is not a column.
fn unknown(name: &str, columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| escape(column.name.as_bytes())).collect();
    let listed = match names.split_at_checked(LISTED_NAMES) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        _ => names.join(", "),
    };
    let help = match names::nearest(name, names.iter().map(AsRef::as_ref)) {
        Some(near) => format!("\nhelp: the nearest name is `--columns {near}`"),
        None => String::new(),
    };
    format!("no field is named `{}`; the fields are {listed}{help}", escape(name.as_bytes()))
}

fn collect(field: Field<'_>, name: &str, path: &mut Vec<usize>, columns: &mut Vec<Column>) {
    if field.ty() != Type::Record || !field.shape().is_empty() {
        let name = if path.is_empty() { "value".to_owned() } else { name.to_owned() };
        columns.push(Column { name, path: path.clone() });
        return;
    }
    for (index, member) in field.fields().enumerate() {
        let own = member.name_text().unwrap_or_else(|| format!("f{index}"));
        let dotted = if name.is_empty() { own } else { format!("{name}.{own}") };
        path.push(index);
        collect(member, &dotted, path, columns);
        path.pop();
    }
}

impl Column {
    /// Returns the value of the column in the value of an item.
    fn value<'v>(&self, item: &'v Value) -> Option<&'v Value> {
        self.path.iter().try_fold(item, |value, index| match value {
            Value::Record(record) => record.values().get(*index),
            _ => None,
        })
    }
}

/// Makes the error of a column that is not in the value of an item: both are of one layout.
fn no_column() -> io::Error {
    debug_assert!(false, "the columns are not those of the item");
    io::Error::other("internal error: the columns are not those of the item")
}

/// Writes values row by row.
pub(super) struct RowWriter<W: Write> {
    columns: Columns,
    format: RowFormat<W>,
    /// The current line or cell, so that its memory is used again.
    text: Vec<u8>,
}

enum RowFormat<W: Write> {
    Table(TableWriter, W),
    Json(W),
    // Boxed because it is large.
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> RowWriter<W> {
    /// Makes a writer of JSON lines.
    pub(super) fn json(columns: Columns, out: W) -> Self {
        Self { columns, format: RowFormat::Json(out), text: Vec::new() }
    }

    /// Makes a writer of an aligned table. With a shape, rows are numbered by their indices.
    pub(super) fn table(columns: Columns, shape: Option<&[i64]>, out: W) -> Self {
        let table = TableWriter::new(&columns, shape);
        Self { columns, format: RowFormat::Table(table, out), text: Vec::new() }
    }

    /// Makes a writer of CSV, and writes the header.
    pub(super) fn csv(columns: Columns, out: W) -> io::Result<Self> {
        let mut csv = Box::new(csv::WriterBuilder::new().flexible(true).from_writer(out));
        let names = columns.columns.iter().map(|column| escape(column.name.as_bytes()));
        csv.write_record(names.map(|name| name.into_owned().into_bytes())).map_err(csv_error)?;
        Ok(Self { columns, format: RowFormat::Csv(csv), text: Vec::new() })
    }

    /// Writes one item.
    pub(super) fn row(&mut self, item: &Value) -> io::Result<()> {
        let text = &mut self.text;
        match &mut self.format {
            RowFormat::Table(table, out) => table.row(&self.columns, item, out),
            RowFormat::Csv(csv) => {
                for column in &self.columns.columns {
                    text.clear();
                    write_cell(column.value(item).ok_or_else(no_column)?, text)?;
                    csv.write_field(&text).map_err(csv_error)?;
                }
                csv.write_record(None::<&[u8]>).map_err(csv_error)
            }
            RowFormat::Json(out) => {
                text.clear();
                if self.columns.selected {
                    serde_json::to_writer(&mut *text, &SelectedFields(&self.columns, item))?;
                } else {
                    serde_json::to_writer(&mut *text, item)?;
                }
                if !self.columns.is_ascii {
                    escape::json(text);
                }
                text.push(b'\n');
                out.write_all(text)
            }
        }
    }

    /// Flushes the rows so far, without the rows of a table that wait for its widths.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.format {
            RowFormat::Table(_, out) | RowFormat::Json(out) => out.flush(),
            RowFormat::Csv(csv) => csv.flush(),
        }
    }

    /// Writes and flushes everything. The header of a table without rows is written only if the input
    /// was complete.
    pub(super) fn finish(&mut self, complete: bool) -> io::Result<()> {
        if let RowFormat::Table(table, out) = &mut self.format
            && (complete || table.rows > 0)
        {
            table.write_pending(out)?;
        }
        self.flush()
    }
}

/// Returns the error of the stream, whose kind decides how the command ends.
fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// Writes a table whose columns are as wide as the cells of the first rows.
struct TableWriter {
    header: Vec<String>,
    /// The shape, if rows are numbered by indices.
    shape: Vec<NonZeroU64>,
    /// Rows that wait until the widths are known.
    pending: Vec<Vec<String>>,
    /// Empty until the widths are known.
    widths: Vec<usize>,
    rows: u64,
    /// The current row and line, so that their memory is used again.
    row: Vec<String>,
    text: Vec<u8>,
}

impl TableWriter {
    fn new(columns: &Columns, shape: Option<&[i64]>) -> Self {
        let names = columns.columns.iter().map(|column| escape(column.name.as_bytes()).into_owned());
        let header: Vec<String> = std::iter::once("item".to_owned()).chain(names).collect();
        // A shape with a dimension of length 0 has no rows to number.
        let dimension = |len: &i64| NonZeroU64::new(len.unsigned_abs());
        let shape = shape.unwrap_or_default().iter().filter_map(dimension).collect();
        let row = vec![String::new(); header.len()];
        Self { header, shape, pending: Vec::new(), widths: Vec::new(), rows: 0, row, text: Vec::new() }
    }

    fn row(&mut self, columns: &Columns, item: &Value, out: &mut impl Write) -> io::Result<()> {
        let number = self.number();
        let mut row = self.row.iter_mut();
        if let Some(first) = row.next() {
            *first = number;
        }
        for (cell, column) in row.zip(&columns.columns) {
            self.text.clear();
            write_cell(column.value(item).ok_or_else(no_column)?, &mut self.text)?;
            cell.clear();
            cell.push_str(&escape(&self.text));
        }
        self.rows = self.rows.saturating_add(1);
        if !self.widths.is_empty() {
            return write_row(&self.row, &self.widths, &mut self.text, out);
        }
        self.pending.push(self.row.clone());
        if self.pending.len() >= SAMPLE { self.write_pending(out) } else { Ok(()) }
    }

    /// Returns the number of the next row, or its indices.
    fn number(&self) -> String {
        if self.shape.is_empty() {
            return self.rows.to_string();
        }
        let mut rest = self.rows;
        let mut indices: Vec<String> = Vec::new();
        for len in self.shape.iter().rev() {
            indices.push((rest % *len).to_string());
            rest /= *len;
        }
        indices.reverse();
        indices.join(",")
    }

    /// Computes the widths from the rows so far, and writes the header and these rows.
    fn write_pending(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !self.widths.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        self.widths = self.header.iter().map(|cell| cell.width()).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width().min(WIDEST));
            }
        }
        write_row(&self.header, &self.widths, &mut self.text, out)?;
        rows.iter().try_for_each(|row| write_row(row, &self.widths, &mut self.text, out))
    }
}

fn write_row(row: &[String], widths: &[usize], text: &mut Vec<u8>, out: &mut impl Write) -> io::Result<()> {
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

/// Writes a value as the text of a cell: JSON, but strings without quotes and addresses in hexadecimal.
fn write_cell(value: &Value, cell: &mut Vec<u8>) -> io::Result<()> {
    match value {
        Value::Address(address) => write!(cell, "{address:#x}"),
        Value::Text(text) => cell.write_all(escape(text.as_bytes()).as_bytes()),
        // Printable ASCII has no escape in the JSON of bytes, apart from quotes and backslashes.
        Value::Bytes(bytes) if is_plain(bytes) => cell.write_all(bytes),
        // Their JSON is a string, of a float for NaN and infinities.
        Value::Char(_) | Value::Bytes(_) | Value::Void(_) | Value::Opaque(_) => write_unquoted(value, cell),
        Value::Float16(_) | Value::Float32(_) | Value::Float64(_) | Value::LongDouble(_) => write_unquoted(value, cell),
        // Names and text may be inside of these.
        Value::Array(_) | Value::Record(_) => {
            serde_json::to_writer(&mut *cell, value)?;
            escape::json(cell);
            Ok(())
        }
        value => Ok(serde_json::to_writer(cell, value)?),
    }
}

/// Returns `true` if JSON of a text is the text in quotes.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

/// Writes the contents of a JSON string, or JSON that is not a string.
fn write_unquoted(value: &Value, cell: &mut Vec<u8>) -> io::Result<()> {
    let start = cell.len();
    serde_json::to_writer(&mut *cell, value)?;
    let json = cell.get(start..).unwrap_or_default();
    let Some(inner) = json.strip_prefix(b"\"").and_then(|json| json.strip_suffix(b"\"")) else { return Ok(()) };
    if inner.contains(&b'\\') {
        let text: String = serde_json::from_slice(json)?;
        cell.truncate(start);
        cell.extend_from_slice(text.as_bytes());
    } else {
        cell.pop();
        cell.remove(start);
    }
    Ok(())
}

/// The fields of an item that the user selected, as a JSON object.
struct SelectedFields<'v>(&'v Columns, &'v Value);

impl Serialize for SelectedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, item) = self;
        let mut map = serializer.serialize_map(Some(columns.columns.len()))?;
        for column in &columns.columns {
            let value = column.value(item).ok_or_else(|| S::Error::custom(no_column()))?;
            map.serialize_entry(&column.name, value)?;
        }
        map.end()
    }
}
