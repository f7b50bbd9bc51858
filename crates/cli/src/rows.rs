//! `RowWriter`: writes the values of items as rows of text, in an aligned table, JSON lines or CSV. `Columns`: the
//! fields that the rows contain.

use std::borrow::Cow;
use std::io::{self, Write};
use std::num::NonZeroU64;

use pep3118::decode::Value;
use pep3118::{Field, Layout, Type};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr as _;

use super::escape::{self, escape};
use super::fields::{TextFields, is_record, own_name, repeated_name, unknown_field};

/// The number of rows that a table buffers to compute the widths of the columns.
const SAMPLE: usize = 256;
/// The maximum width of a table column, in terminal columns. A wider cell is not cut, but moves the rest of its row to
/// the right.
const WIDEST: usize = 40;

/// The columns of the output. Each field of an item is a column, except a field that is a single record: each field of
/// the record is a column. An array of records is one column.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Whether the user selected the columns by name.
    selected: bool,
    /// `true` if the JSON of every item contains only printable ASCII. Such JSON needs no escapes.
    is_ascii: bool,
}

/// A column of a row.
#[derive(Clone, Debug)]
struct Column {
    /// The dotted name of the field with the enclosing records, such as `outer.inner.field`.
    name: String,
    /// The index of the field at each level of records. Example: `[2, 0]` is the first field of the record that is the
    /// third field of the item.
    path: Vec<usize>,
    /// `true` if the value is text that was converted from a byte string. The conversion has escaped the backslashes.
    is_escaped: bool,
}

impl Columns {
    /// Returns the columns for items of `layout`. `text` contains the fields whose bytes are text. If `names` is
    /// `Some`, returns only the columns with these names, in the order of `names`. The name of a record selects the
    /// columns of all fields in the record.
    ///
    /// # Errors
    /// - a name is unknown: returns a message that suggests the nearest name
    /// - several fields have one of the names
    pub(super) fn new(layout: &Layout, text: &TextFields, names: Option<&[String]>) -> Result<Self, String> {
        let mut columns = Vec::new();
        collect(layout.item(), text, "", &mut Vec::new(), &mut columns);
        let is_ascii = text.is_empty() && is_ascii(layout.item());
        let Some(names) = names else { return Ok(Self { columns, selected: false, is_ascii }) };
        let mut selected = Vec::new();
        for name in names {
            // Names are escaped in the output, so the escaped name of a column also selects the column.
            let is_named = |column: &&Column| column.name == *name || escape(column.name.as_bytes()) == *name;
            let record = format!("{name}.");
            let mut found: Vec<&Column> = columns.iter().filter(is_named).collect();
            if found.len() > 1 {
                return Err(repeated_name(name));
            }
            if found.is_empty() {
                found = columns.iter().filter(|column| column.name.starts_with(&record)).collect();
            }
            if found.is_empty() {
                let known = columns.iter().map(|column| (column.name.as_str(), true));
                return Err(unknown_field(name, known, |near| format!("`--columns {near}`")));
            }
            selected.extend(found.into_iter().cloned());
        }
        Ok(Self { columns: selected, selected: true, is_ascii })
    }

    /// Returns the names of the columns that the user selected, or `None` if the user selected no columns.
    #[cfg(feature = "arrow")]
    pub(super) fn selected(&self) -> Option<Vec<&str>> {
        self.selected.then(|| self.columns.iter().map(|column| column.name.as_str()).collect())
    }
}

/// Returns `true` if the JSON of each value of `field` contains only printable ASCII. Only text values and the names of
/// fields can contain other characters, because the JSON of all other values is printable ASCII.
fn is_ascii(field: Field<'_>) -> bool {
    let has_text = matches!(field.ty(), Type::Ucs2 | Type::Ucs4 | Type::Wchar);
    let name = field.name().unwrap_or_default();
    !has_text && name.iter().all(|byte| matches!(byte, b' '..=b'~')) && field.fields().all(is_ascii)
}

/// Appends the columns of `field` to `columns`. `name` is the dotted name of `field`, and `path` has one index for each
/// level of nested records: the index of a field in its record. The last index is the index of `field`. For the item,
/// `name` and `path` are empty. `text` contains the fields whose bytes are text.
fn collect(field: Field<'_>, text: &TextFields, name: &str, path: &mut Vec<usize>, columns: &mut Vec<Column>) {
    if !is_record(field) {
        let name = if path.is_empty() { "value".to_owned() } else { name.to_owned() };
        columns.push(Column { name, path: path.clone(), is_escaped: text.contains(field) });
        return;
    }
    for (index, member) in field.fields().enumerate() {
        let own = own_name(member, index);
        let dotted = if path.is_empty() { own } else { format!("{name}.{own}") };
        path.push(index);
        collect(member, text, &dotted, path, columns);
        path.pop();
    }
}

impl Column {
    /// Returns the value of this column in `item`. Returns `None` if `item` does not have the layout of the columns.
    fn value<'v>(&self, item: &'v Value) -> Option<&'v Value> {
        self.path.iter().try_fold(item, |value, index| match value {
            Value::Record(record) => record.values().get(*index),
            _ => None,
        })
    }
}

/// Returns the error for an item that has no value for a column. This state is impossible, because columns
/// and items come from one layout.
fn no_column() -> io::Error {
    debug_assert!(false, "the columns are not those of the item");
    io::Error::other("internal error: the columns are not those of the item")
}

/// Writes one row of text for each item. A method that returns a `Result` returns an error if writing fails.
pub(super) struct RowWriter<W: Write> {
    columns: Columns,
    format: RowFormat<W>,
    /// The text of the current line or cell. All rows use the same memory.
    text: Vec<u8>,
    /// Whether to write a single quote before each cell that a spreadsheet would run as a formula.
    is_csv_safe: bool,
}

/// The format of the rows, and the output.
enum RowFormat<W: Write> {
    Table(TableWriter, W),
    Json(W),
    // Boxed, because a `csv::Writer` is much larger than the other variants.
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> RowWriter<W> {
    /// Creates a writer of JSON lines with the values of `columns` to `out`.
    pub(super) fn json(columns: Columns, out: W) -> Self {
        Self { columns, format: RowFormat::Json(out), text: Vec::new(), is_csv_safe: false }
    }

    /// Creates a writer of an aligned table with the values of `columns` to `out`. The first column is the number of
    /// the item. If `shape` is `Some`, the first column contains the indices of the item in an array of this shape.
    pub(super) fn table(columns: Columns, shape: Option<&[i64]>, out: W) -> Self {
        let table = TableWriter::new(&columns, shape);
        Self { columns, format: RowFormat::Table(table, out), text: Vec::new(), is_csv_safe: false }
    }

    /// Creates a writer of CSV with the values of `columns` to `out`, and writes the header line. If `is_csv_safe` is
    /// `true`, the writer puts a single quote before each name and value that a spreadsheet would run as a formula.
    pub(super) fn csv(columns: Columns, is_csv_safe: bool, out: W) -> io::Result<Self> {
        let mut csv = Box::new(csv::WriterBuilder::new().flexible(true).from_writer(out));
        for column in &columns.columns {
            let mut name = escape(column.name.as_bytes()).into_owned().into_bytes();
            if is_csv_safe {
                quote_formula(&mut name);
            }
            csv.write_field(name).map_err(csv_error)?;
        }
        csv.write_record(None::<&[u8]>).map_err(csv_error)?;
        Ok(Self { columns, format: RowFormat::Csv(csv), text: Vec::new(), is_csv_safe })
    }

    /// Writes the row of `item`. A table buffers its first [`SAMPLE`] rows.
    pub(super) fn row(&mut self, item: &Value) -> io::Result<()> {
        let text = &mut self.text;
        match &mut self.format {
            RowFormat::Table(table, out) => table.row(&self.columns, item, out),
            RowFormat::Csv(csv) => {
                for column in &self.columns.columns {
                    text.clear();
                    write_cell(column.value(item).ok_or_else(no_column)?, column.is_escaped, text)?;
                    if self.is_csv_safe {
                        quote_formula(text);
                    }
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

    /// Flushes the output. Rows of a table stay in the buffer until the widths of the columns are known.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.format {
            RowFormat::Table(_, out) | RowFormat::Json(out) => out.flush(),
            RowFormat::Csv(csv) => csv.flush(),
        }
    }

    /// Writes the buffered rows of a table, and flushes the output. `complete` must be `false` after an error. After an
    /// error, a table without rows has no header, so that only the error message appears.
    pub(super) fn finish(&mut self, complete: bool) -> io::Result<()> {
        if let RowFormat::Table(table, out) = &mut self.format
            && (complete || table.rows > 0)
        {
            table.write_pending(out)?;
        }
        self.flush()
    }
}

/// Converts `error` to an I/O error with the same kind. The kind, such as a closed pipe, determines the exit status.
fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// Writes an aligned table. A method that returns a `Result` returns an error if writing fails. The widest cell of the
/// first [`SAMPLE`] rows determines the width of a column.
struct TableWriter {
    header: Vec<String>,
    /// The shape of the items, or empty if rows are numbered 0, 1, 2.
    shape: Vec<NonZeroU64>,
    /// The buffered rows. Rows are buffered until the widths are known.
    pending: Vec<Vec<String>>,
    /// The width of each column in terminal columns. Empty until the widths are known.
    widths: Vec<usize>,
    /// The number of rows so far.
    rows: u64,
    /// The cells of the current row. All rows reuse the memory of `row` and `text`.
    row: Vec<String>,
    /// The text of the current cell or line.
    text: Vec<u8>,
}

impl TableWriter {
    /// Creates a writer of the values of `columns`. `shape` is the shape of the array that contains the items, or
    /// `None` if the rows are numbered.
    fn new(columns: &Columns, shape: Option<&[i64]>) -> Self {
        let names = columns.columns.iter().map(|column| escape(column.name.as_bytes()).into_owned());
        let header: Vec<String> = std::iter::once("item".to_owned()).chain(names).collect();
        // If a dimension has the length 0, the array has no rows to number, and the missing dimension has no effect.
        let dimension = |len: &i64| NonZeroU64::new(len.unsigned_abs());
        let shape = shape.unwrap_or_default().iter().filter_map(dimension).collect();
        let row = vec![String::new(); header.len()];
        Self { header, shape, pending: Vec::new(), widths: Vec::new(), rows: 0, row, text: Vec::new() }
    }

    /// Writes the values of `columns` in `item` as a row to `out`. Buffers the row if the widths are not known yet.
    fn row(&mut self, columns: &Columns, item: &Value, out: &mut impl Write) -> io::Result<()> {
        let number = self.number();
        let mut row = self.row.iter_mut();
        if let Some(first) = row.next() {
            *first = number;
        }
        for (cell, column) in row.zip(&columns.columns) {
            self.text.clear();
            write_cell(column.value(item).ok_or_else(no_column)?, column.is_escaped, &mut self.text)?;
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

    /// Returns the first cell of the next row: the number of the row, or its indices such as `1,2`.
    fn number(&self) -> String {
        if self.shape.is_empty() {
            return self.rows.to_string();
        }
        index_text(&self.shape, self.rows)
    }

    /// Computes the widths from the buffered rows, and writes the header and the buffered rows to `out`. Does nothing
    /// if the widths are known.
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

/// Returns the indices of an element of an array of the shape `shape`, such as `1,2`. `element` is the number of the
/// element in C order, counted from 0.
pub(super) fn index_text(shape: &[NonZeroU64], element: u64) -> String {
    let mut rest = element;
    let mut indices: Vec<String> = Vec::new();
    for len in shape.iter().rev() {
        indices.push((rest % *len).to_string());
        rest /= *len;
    }
    indices.reverse();
    indices.join(",")
}

/// Writes the cells of `row` to `out` as one line. `widths` has the width of each cell in terminal columns, and the
/// cells are right-aligned. `text` is a buffer for the line. Returns an error if writing fails.
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

/// Puts a single quote before `cell` if a spreadsheet would run the cell as a formula. A cell that already starts with
/// a quote, such as `'=1`, gets one more quote, because `encode --csv-safe` removes one quote.
fn quote_formula(cell: &mut Vec<u8>) {
    if is_formula(cell) {
        cell.insert(0, b'\'');
    }
}

/// Returns `true` if a spreadsheet would run `cell` as a formula because of its first character, after any single
/// quotes. Returns `false` for a number such as `-1`.
pub(super) fn is_formula(cell: &[u8]) -> bool {
    let quotes = cell.iter().take_while(|byte| **byte == b'\'').count();
    let is_number = || quotes == 0 && str::from_utf8(cell).is_ok_and(|cell| cell.parse::<f64>().is_ok());
    matches!(cell.get(quotes), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')) && !is_number()
}

/// Appends the text of `value` to `cell`. The text is JSON, with exceptions for a value that is not in an array or a
/// record: a string has no quotes, and an address is hexadecimal. In such a string, [`escape`] escapes invisible
/// characters, each backslash is doubled, and `{"units":` at the start becomes `\x7b"units":`. `is_escaped`
/// must be `true` if the backslashes in `value` are already doubled.
pub(super) fn write_cell(value: &Value, is_escaped: bool, cell: &mut Vec<u8>) -> io::Result<()> {
    match value {
        Value::Address(address) => write!(cell, "{address:#x}"),
        Value::Text(text) if is_escaped => cell.write_all(escape(text.as_bytes()).as_bytes()),
        Value::Text(text) => {
            let mut text = Cow::Borrowed(text.as_str());
            if text.contains('\\') {
                text = Cow::Owned(text.replace('\\', "\\\\"));
            }
            // The first character is escaped, because `encode` interprets a cell with this start as the code units of
            // text that is not valid Unicode.
            if text.starts_with("{\"units\":") {
                text = Cow::Owned(text.replacen('{', "\\x7b", 1));
            }
            cell.write_all(escape(text.as_bytes()).as_bytes())
        }
        // The JSON of these bytes is a string with the same characters.
        Value::Bytes(bytes) if is_plain(bytes) => cell.write_all(bytes),
        // The JSON of these values is a string. The JSON of a float is a string for NaN and infinities.
        Value::Char(_) | Value::Bytes(_) | Value::Void(_) | Value::Opaque(_) => write_unquoted(value, cell),
        Value::Float16(_) | Value::Float32(_) | Value::Float64(_) | Value::LongDouble(_) => write_unquoted(value, cell),
        // Arrays and records can contain names and text, so the JSON is escaped.
        Value::Array(_) | Value::Record(_) => {
            serde_json::to_writer(&mut *cell, value)?;
            escape::json(cell);
            Ok(())
        }
        value => Ok(serde_json::to_writer(cell, value)?),
    }
}

/// Returns `true` if `text` is printable ASCII whose JSON needs no escapes.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

/// Appends the JSON of `value` to `cell`. If the JSON is a string, appends the contents of the string
/// instead. Returns an error if `value` cannot be written as JSON.
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

/// Serializes the selected columns of an item as a JSON object.
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
