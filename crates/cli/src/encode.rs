//! `pep3118 encode`: writes values as the bytes of items, the inverse of `decode`.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, BufWriter, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pep3118::__private::plural;
use pep3118::{Interpretation, Layout};

#[cfg(feature = "arrow")]
use super::arrow::mapping;
#[cfg(feature = "arrow")]
use super::arrow_input::ArrowReader;
use super::c_source::COptions;
use super::csv_column::{CsvColumn, collect};
use super::escape::escape;
use super::examples;
use super::failure::{Failure, Status};
use super::fields::{FieldOptions, check_names, unknown_field};
use super::flat_row::FlatRows;
#[cfg(feature = "arrow")]
use super::input::Seekable;
use super::input::{InputSource, LARGEST_STREAM_ITEM};
use super::options::{self, InterpretationOptions, note_type_name};
use super::output::{OutputFile, is_stdout, refuse_stdout_of};
use super::pack::{PackedField, Problem};
use super::progress::Progress;
use super::rows::is_formula;
use pep3118::__private::to_u64;

/// The size in bytes of the buffers of the input and of the output.
const BUFFER: usize = 1 << 17;

/// The maximum length of a line for items of 0 bytes, in bytes. [`TEXT_PER_BYTE`] adds to this limit for each byte of
/// an item. See [`Encoder::longest_line`].
const LONGEST_LINE: u64 = 1 << 26;

/// The part of the limit for the length of a line that grows with the item size: the bytes of text for each byte of an
/// item. `decode` writes fewer than 20 bytes of text for one byte of an item. The limit is higher, because other
/// programs can write spaces.
const TEXT_PER_BYTE: u64 = 64;

/// Write values as the bytes of items: the inverse of decode
///
/// The input has one item on each line: a JSON value as `decode --to jsonl` writes it, or a row of CSV after a
/// header line with the names that `decode --to csv` writes. The keys of JSON objects can be dotted names, as
/// `decode --columns` writes them. Empty lines are ignored. Each field must have a value. The fields can be in
/// any order.
///
/// Bytes, and text in CSV, have the escapes \n, \r, \t, \\, \', \", \xff and \u{202e}. Bytes and text that are shorter
/// than their field are followed by NULs. NaN, Infinity and -Infinity are strings in JSON. Padding bytes are 0.
///
/// A NaN gets the bits of the usual NaN of its type. A long double is written with the precision of a double,
/// because decode prints the nearest double.
#[cfg_attr(
    feature = "arrow",
    doc = "
With --from arrow, the input has the columns that `decode --to arrow` writes, in any order. Floats keep all
bits."
)]
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("encode"))]
pub(super) struct Encode {
    /// The format of an item, such as '<IhBd8s'; with --c, the file to read
    #[arg(value_name = "FORMAT", required_unless_present_any = ["c", "struct"])]
    first: Option<OsString>,
    /// The file to read; - is standard input [default: standard input]
    #[arg(value_name = "FILE", conflicts_with_all = ["c", "struct"])]
    second: Option<PathBuf>,
    #[command(flatten)]
    c: COptions,
    /// The size of an item in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// The format of the input [default: by the ending of the file name, else jsonl]
    #[arg(long, value_enum)]
    from: Option<InputFormat>,
    /// Remove the single quotes that `decode --csv-safe` puts before cells of CSV
    #[arg(long)]
    csv_safe: bool,
    #[command(flatten)]
    fields: FieldOptions,
    /// The file to write; - is standard output; an existing file is replaced only if there is no error
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The format of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// One JSON value on each line
    #[value(alias = "json")]
    Jsonl,
    /// Comma-separated values with a header line of field names; arrays as JSON
    Csv,
    /// An Arrow file (IPC file format, also called Feather) with a column for each field
    #[cfg(feature = "arrow")]
    Arrow,
}

impl Encode {
    /// Runs the command. Returns [`Done`](Status::Done), because every problem is an error. After an error, the items
    /// before the error are in standard output, but the file of `--output` is not replaced.
    pub(super) fn run(self) -> Result<Status, Failure> {
        let mut found = self.interpretation()?;
        let size = found.layout.size();
        if size == 0 {
            return Err(Failure::refused("items of 0 bytes: there is nothing to write"));
        }
        if size > to_u64(LARGEST_STREAM_ITEM) {
            return Err(Failure::refused(format_args!(
                "an item has {} but encode writes items of at most {LARGEST_STREAM_ITEM} bytes",
                plural(size, "byte")
            )));
        }
        self.fields.apply(&mut found.layout)?;
        check_names(&found.layout)?;
        let item = PackedField::item(&found.layout)?;
        let size = usize::try_from(size).map_err(|_| Failure::internal("the size of an item was checked"))?;
        let from = self.input_format();
        if self.csv_safe && from != InputFormat::Csv {
            return Err(Failure::Usage("--csv-safe changes cells of CSV: add `--from csv`".into()));
        }
        let output = self.output.as_deref().filter(|output| !is_stdout(output));
        if output.is_none() && io::stdout().is_terminal() {
            return Err(Failure::Usage(
                "bytes of items cannot be written to the terminal: name a file with --output".into(),
            ));
        }
        let (input, identity) = InputSource::open(self.file().unwrap_or(Path::new("-")), false)?;
        let encoder = Encoder { layout: &found.layout, item: &item, size, is_csv_safe: self.csv_safe };
        match output {
            Some(output) => {
                let mut out = OutputFile::create(output, identity.as_ref())?;
                encoder.write(from, input, &mut out)?;
                out.finish()?;
            }
            None => {
                if let Some(identity) = identity {
                    refuse_stdout_of(&identity)?;
                }
                let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
                let result = encoder.write(from, input, &mut out);
                // After an error, the items before the error are also written.
                out.flush()?;
                result?;
            }
        }
        Ok(Status::Done)
    }

    /// Returns the interpretation of the format, or of the C source of `--c`. If the format is also the name of a type,
    /// such as `int`, writes a note to standard error. Returns an error if the format or the C source is invalid or
    /// ambiguous.
    fn interpretation(&self) -> Result<Interpretation, Failure> {
        if let Some(found) = self.c.interpretation(&self.interpretation.model, self.itemsize)? {
            return Ok(found);
        }
        // clap requires a format unless --c is given.
        let Some(text) = &self.first else { return Err(Failure::internal("no format")) };
        let format = options::bytes(text);
        match self.interpretation.reconcile(format, self.itemsize) {
            Ok(found) => {
                note_type_name(format);
                Ok(found)
            }
            Err(_) if Path::new(text).is_file() => Err(Failure::refused(format_args!(
                "{} is a file, not a format\nhelp: the format is before the file: `encode FORMAT FILE`",
                escape(format)
            ))),
            Err(error) => Err(self.interpretation.refused(&error, format, self.itemsize)),
        }
    }

    /// Returns the file to read, or `None` for standard input.
    fn file(&self) -> Option<&Path> {
        if self.c.is_given() { self.first.as_deref().map(Path::new) } else { self.second.as_deref() }
    }

    /// Returns the format of the input. Without `--from`, the ending of the file name determines the format. If the
    /// ending is unknown, the format is JSON lines.
    fn input_format(&self) -> InputFormat {
        let extension = self.file().and_then(Path::extension);
        let is = |name: &str| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(name));
        match self.from {
            Some(from) => from,
            None if is("csv") => InputFormat::Csv,
            #[cfg(feature = "arrow")]
            None if is("arrow") || is("feather") => InputFormat::Arrow,
            None => InputFormat::Jsonl,
        }
    }
}

/// Reads values and writes items.
struct Encoder<'e> {
    /// The layout of an item.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "only the encoder of Arrow files uses the layout"))]
    layout: &'e Layout,
    item: &'e PackedField,
    /// The size of an item in bytes.
    size: usize,
    /// Whether to remove the apostrophe that `decode --csv-safe` writes before a cell that a spreadsheet would run as a
    /// formula, such as `=1+2`.
    is_csv_safe: bool,
}

impl Encoder<'_> {
    /// Reads values from `input` in the format `from`, and writes the items with these values to `out`. Returns an
    /// error if the input cannot be read, if a value does not fit its field, or if writing fails.
    fn write(&self, from: InputFormat, input: InputSource, out: &mut impl Write) -> Result<(), Failure> {
        match from {
            InputFormat::Jsonl => {
                let (input, len) = input.after(0)?;
                self.write_json_lines(input, &mut Progress::new(len, false), out)
            }
            InputFormat::Csv => {
                let (input, len) = input.after(0)?;
                self.write_csv(input, &mut Progress::new(len, false), out)
            }
            #[cfg(feature = "arrow")]
            InputFormat::Arrow => {
                // The reader first needs the footer at the end of the file, so the input must be seekable.
                let Seekable { bytes, input_end, .. } = input.seekable(0, u64::MAX)?;
                let mut progress = Progress::new(Some(input_end), false);
                let mapping = mapping(self.layout, None, &[])?;
                ArrowReader::new(bytes, &mapping, self.item)?.write(self.size, &mut progress, out)
            }
        }
    }

    /// Returns the maximum length of a line or of a CSV row in bytes. A longer line or row is an error.
    fn longest_line(&self) -> u64 {
        to_u64(self.size).saturating_mul(TEXT_PER_BYTE).saturating_add(LONGEST_LINE)
    }

    /// Reads one JSON value from each line of `input`, and writes the item with this value to `out`. Ignores empty
    /// lines and a byte-order mark at the start. Shows the number of read bytes in `progress`. Returns an error if a
    /// line is too long or is not JSON, if a value does not fit its field, or if reading or writing fails.
    fn write_json_lines(
        &self,
        input: Box<dyn Read>,
        progress: &mut Progress,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let out = RefCell::new(out);
        let mut input = BufReader::with_capacity(BUFFER, FlushingReader { input, out: &out });
        let mut item = vec![0; self.size];
        let mut rows = FlatRows::new(self.item);
        let mut line = Vec::new();
        let longest = self.longest_line();
        let mut unreported = 0_usize;
        for number in 1_u64.. {
            if input.buffer().is_empty() {
                progress.advance(std::mem::take(&mut unreported));
            }
            line.clear();
            let read = input.by_ref().take(longest).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            unreported = unreported.saturating_add(read);
            if to_u64(read) >= longest && !line.ends_with(b"\n") {
                return Err(too_long(number, longest));
            }
            let json = match number {
                1 => line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line),
                _ => &line,
            };
            let json = json.trim_ascii();
            if json.is_empty() {
                continue;
            }
            let stored = match str::from_utf8(json) {
                Ok(json) => rows.store(json, &mut item),
                Err(error) => Err(Problem::new(format!("the line is not UTF-8 after {} bytes", error.valid_up_to()))),
            };
            stored.map_err(|problem| at_line(number, &problem))?;
            out.borrow_mut().write_all(&item)?;
        }
        Ok(())
    }

    /// Reads the CSV rows of `input` after the header row, and writes one item for each row to `out`. Shows the number
    /// of read bytes in `progress`. Returns an error if a row is too long, if the columns in the header are not the
    /// fields, if a value does not fit its field, or if reading or writing fails.
    fn write_csv(&self, input: Box<dyn Read>, progress: &mut Progress, out: &mut impl Write) -> Result<(), Failure> {
        let longest = self.longest_line();
        let out = RefCell::new(out);
        let input = BufReader::with_capacity(BUFFER, FlushingReader { input, out: &out });
        let input = LineReader { input, limit: longest, left: longest, line_feeds: 0, has_open_line: false };
        let mut csv =
            csv::ReaderBuilder::new().flexible(true).has_headers(false).buffer_capacity(BUFFER).from_reader(input);
        let mut row = csv::ByteRecord::new();
        let failed = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(error) => Failure::Io(error),
            kind => Failure::refused(format_args!("{kind:?}")),
        };
        if !csv.read_byte_record(&mut row).map_err(failed)? {
            return Err(Failure::refused("the input has no header line with the names of the fields"));
        }
        let columns = self.csv_columns(&row).map_err(|problem| at_line(csv.get_ref().line_of(&row), &problem))?;
        let mut item = vec![0; self.size];
        let mut reported = 0_u64;
        loop {
            let left = &mut csv.get_mut().left;
            *left = longest;
            if !csv.read_byte_record(&mut row).map_err(failed)? {
                break;
            }
            let start = csv.position().byte();
            if let Ok(bytes) = usize::try_from(start.saturating_sub(reported))
                && bytes >= BUFFER
            {
                progress.advance(bytes);
                reported = start;
            }
            let stored = self.store_row(&columns, &row, &mut item);
            stored.map_err(|problem| at_line(csv.get_ref().line_of(&row), &problem))?;
            out.borrow_mut().write_all(&item)?;
        }
        Ok(())
    }

    /// Writes the cells of `row` to `item`, the bytes of an item. `columns[n]` is the column of the cell with the index
    /// `n`. An item without columns accepts any row of empty cells. Returns an error if the number of cells is wrong,
    /// or if a cell is not a value of its field.
    fn store_row(&self, columns: &[CsvColumn<'_>], row: &csv::ByteRecord, item: &mut [u8]) -> Result<(), Problem> {
        let is_empty = columns.is_empty() && row.iter().all(<[u8]>::is_empty);
        if row.len() != columns.len() && !is_empty {
            let (cells, columns) = (plural(to_u64(row.len()), "cell"), plural(to_u64(columns.len()), "column"));
            return Err(Problem::new(format!("the row has {cells} but the header has {columns}")));
        }
        for (column, cell) in columns.iter().zip(row) {
            let named = |problem: Problem| problem.inside(column.name.as_str());
            let cell = str::from_utf8(self.without_quote(cell));
            let cell = cell.map_err(|_| named(Problem::new("the cell is not UTF-8")))?;
            let Some(record) = item.get_mut(column.offset..) else {
                return Err(Problem::new("internal error: a record is outside of its item"));
            };
            column.field.store_cell(cell, record).map_err(named)?;
        }
        Ok(())
    }

    /// Returns the columns with the names in `header`, in the order of the header. A name can be escaped, as `decode`
    /// writes it. Returns an error if a name is unknown or given twice, or if a field has no column.
    fn csv_columns(&self, header: &csv::ByteRecord) -> Result<Vec<CsvColumn<'_>>, Problem> {
        let mut columns = Vec::new();
        collect(self.item, 0, None, &mut columns);
        if columns.is_empty() && header.iter().all(<[u8]>::is_empty) {
            return Ok(columns);
        }
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut free: Vec<Option<CsvColumn<'_>>> = columns.into_iter().map(Some).collect();
        let mut named = Vec::new();
        for cell in header {
            let cell = self.without_quote(cell);
            // `decode` escapes the names in the header, so the escaped name of a field is also accepted.
            let is_named = |column: &CsvColumn<'_>| {
                column.name.as_bytes() == cell || escape(column.name.as_bytes()).as_bytes() == cell
            };
            let Some(column) = free.iter_mut().find_map(|column| column.take_if(|column| is_named(column))) else {
                let cell = String::from_utf8_lossy(cell);
                return Err(Problem::new(if names.iter().any(|name| *name == cell) {
                    format!("column `{}` is given twice", escape(cell.as_bytes()))
                } else {
                    let known = names.iter().zip(&free).map(|(name, column)| (name.as_str(), column.is_some()));
                    unknown_field(&cell, known, |near| format!("`{near}`"))
                }));
            };
            named.push(column);
        }
        match free.into_iter().flatten().next() {
            Some(missing) => Err(Problem::new(format!("column `{}` is missing", escape(missing.name.as_bytes())))),
            None => Ok(named),
        }
    }

    /// Returns `cell` without the apostrophe that `decode --csv-safe` writes before a formula. Without `--csv-safe` or
    /// without an apostrophe, returns `cell` unchanged.
    fn without_quote<'c>(&self, cell: &'c [u8]) -> &'c [u8] {
        match cell {
            [b'\'', rest @ ..] if self.is_csv_safe && is_formula(cell) => rest,
            _ => cell,
        }
    }
}

/// Returns the failure for `problem` in the line `number` of the input, counted from 1.
fn at_line(number: u64, problem: &Problem) -> Failure {
    Failure::refused(format_args!("line {number}: {problem}"))
}

/// Returns the failure for the line `number` of the input, which is longer than `longest` bytes.
fn too_long(number: u64, longest: u64) -> Failure {
    Failure::refused(format_args!("line {number} is longer than {longest} bytes"))
}

/// Reads `input`, and flushes `out` before each read. A read can wait for a slow stream, and the items in `out` must
/// not wait for the next read.
struct FlushingReader<'o, W> {
    input: Box<dyn Read>,
    out: &'o RefCell<W>,
}

impl<W: Write> Read for FlushingReader<'_, W> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.out.borrow_mut().flush()?;
        self.input.read(bytes)
    }
}

/// Reads CSV. Each read returns at most one line, so that the number of the line is known at the end of a row. A read
/// fails if the current row is too long; otherwise a row without an end would fill the memory.
struct LineReader<R> {
    input: BufReader<R>,
    /// The maximum length of a row in bytes.
    limit: u64,
    /// The number of bytes that may be read before the current row must end. The caller sets it to `limit` before each
    /// row.
    left: u64,
    /// The number of read line feeds.
    line_feeds: u64,
    /// Whether the last read byte is in a line whose line feed is not read yet.
    has_open_line: bool,
}

impl<R> LineReader<R> {
    /// Returns the number of the first line of `row`, counted from 1 in the input. `row` must be the last row that was
    /// read.
    fn line_of(&self, row: &csv::ByteRecord) -> u64 {
        // A quoted cell can contain line feeds.
        let inside = row.as_slice().iter().filter(|byte| **byte == b'\n').count();
        self.line_feeds.saturating_add(self.has_open_line.into()).saturating_sub(to_u64(inside))
    }
}

impl<R: Read> Read for LineReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!("a row is longer than {} bytes", self.limit)));
        }
        let mut line = self.input.fill_buf()?.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let read = line.read(bytes)?;
        if let Some(last) = bytes.get(..read).and_then(<[u8]>::last) {
            self.has_open_line = *last != b'\n';
            self.line_feeds = self.line_feeds.saturating_add((*last == b'\n').into());
        }
        self.input.consume(read);
        self.left = self.left.saturating_sub(to_u64(read));
        Ok(read)
    }
}
