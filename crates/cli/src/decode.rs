//! `pep3118 decode`: prints the values in a file as rows of text, or writes them to an Arrow or Parquet file.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pep3118::__private::plural;
use pep3118::decode::Plan;
use pep3118::{Checker, Interpretation, Layout, LayoutError, RawView, fill_contiguous_strides};

#[cfg(feature = "arrow")]
use super::arrow::{self, BatchFormat, BatchWriter};
use super::c_source::COptions;
use super::escape::{escape, escape_path};
use super::examples;
use super::failure::{Failure, Status};
use super::fields::{FieldOptions, TextConversion, TextFields};
use super::input::{ContiguousItems, InputSource, Packets, Seekable, refuse_swapped};
use super::options::{self, InterpretationOptions, note_type_name};
use super::output::{OutputFile, is_stdout, refuse_stdout_of};
use super::progress::Progress;
use super::rows::{Columns, RowWriter};
use super::strided::StridedItems;
use pep3118::__private::to_u64;

/// Print the values in a file
///
/// The command reads the file in blocks, so memory does not grow with the size of the file. With
/// --strides, standard input is first copied to a temporary file. The column of a field in a nested
/// record has a name with dots: a.b. A field without a name is named after its index: f0, f1. If an item
/// is not a record, the column is named value.
///
/// If an error occurs, the values before the error are printed, and the exit status is 1. It is an error
/// if the file ends in the middle of an item, or before the last item of --count or --shape. Bytes after
/// the last item of --count or --shape are ignored.
///
/// The command encode writes rows of --to jsonl and --to csv as bytes again.
#[cfg_attr(
    feature = "arrow",
    doc = "
With --to arrow, --output names the Arrow file (the IPC file format, also called Feather). If --format or --c gives
the format, the second argument can be the Arrow file too. If two files are given, the command writes the file
whose name ends in .arrow or .feather. The Arrow file is written only if there is no error. Each field becomes a
column, and a nested record becomes a column of structs. With --columns, a field of a nested record becomes a column
with the dotted name."
)]
#[cfg_attr(
    feature = "parquet",
    doc = "
With --to parquet, the same applies to a Parquet file, whose name ends in .parquet."
)]
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("decode"))]
pub(super) struct Decode {
    /// The file to read; - is standard input
    file: PathBuf,
    /// The format of an item, such as '<IhBd8s'
    #[arg(value_name = "FORMAT", required_unless_present_any = ["format", "c", "struct"])]
    second: Option<OsString>,
    /// The format of an item, in place of the second argument
    #[arg(long, short, conflicts_with_all = ["c", "struct"])]
    format: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    /// The size of an item in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Number of items in each dimension: 3,4
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = clap::value_parser!(i64).range(0..))]
    shape: Option<Vec<i64>>,
    /// Bytes from one item to the next in each dimension: 32,8
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', allow_hyphen_values = true, requires = "shape")]
    strides: Option<Vec<i64>>,
    /// Number of items to read [default: all items of the file, or of --shape]
    #[arg(long, value_name = "N", conflicts_with = "shape")]
    count: Option<u64>,
    /// Offset of the first item in the file, in bytes, such as the size of a file header
    #[arg(long, visible_alias = "header-bytes", value_name = "BYTES", default_value_t = 0)]
    skip: u64,
    /// The size of a packet in bytes; each packet starts with an item, and the rest of the packet is ignored
    #[arg(long, value_name = "BYTES", conflicts_with = "shape")]
    every: Option<u64>,
    /// Wait for items that are appended to the file, until a signal ends the command
    #[arg(long, conflicts_with_all = ["shape", "output"])]
    follow: bool,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    to: OutputFormat,
    /// Put a single quote before cells of CSV that a spreadsheet would run as formulas: cells that start with
    /// =, +, -, @, a tab or a carriage return, and are not numbers
    #[arg(long)]
    csv_safe: bool,
    #[command(flatten)]
    fields: FieldOptions,
    /// The fields to write, as dotted names: a,b.c; the name of a record selects all fields of the record
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// The file to write; - is standard output; an existing file is replaced only if there is no error
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// An aligned table
    Table,
    /// One JSON value on each line; NaN and infinities as strings, complex numbers as [re, im]
    #[value(alias = "json")]
    Jsonl,
    /// Comma-separated values with a header line; arrays as JSON
    Csv,
    /// An Arrow file in record batches
    #[cfg(feature = "arrow")]
    Arrow,
    /// A Parquet file in row groups
    #[cfg(feature = "parquet")]
    Parquet,
}

impl OutputFormat {
    /// Returns the format of the file if the output has record batches. Returns `None` for rows of text.
    #[cfg(feature = "arrow")]
    const fn batch_format(self) -> Option<BatchFormat> {
        match self {
            Self::Table | Self::Jsonl | Self::Csv => None,
            Self::Arrow => Some(BatchFormat::Arrow),
            #[cfg(feature = "parquet")]
            Self::Parquet => Some(BatchFormat::Parquet),
        }
    }
}

/// The items of the input, block by block, in the order of the output.
enum Items {
    Contiguous(ContiguousItems),
    Strided(StridedItems),
    Empty,
}

impl Items {
    /// Returns the bytes of the next whole items, or `None` after the last item. Returns an error if reading fails, or
    /// if the input ends too early.
    fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        match self {
            Self::Contiguous(items) => items.next(),
            Self::Strided(items) => items.next(),
            Self::Empty => Ok(None),
        }
    }
}

/// The writer of items for the selected [`OutputFormat`].
enum ItemWriter<W: Write + Send> {
    Rows(Box<RowWriter<W>>),
    #[cfg(feature = "arrow")]
    Batches(Box<BatchWriter<W>>),
}

/// The columns of the output, for rows of text or for an Arrow or Parquet file.
enum OutputColumns {
    Rows(Columns),
    #[cfg(feature = "arrow")]
    // Boxed, because a `Mapping` is much larger than `Columns`.
    Batches(Box<pep3118::arrow::Mapping>, BatchFormat),
}

/// The format, the input file and the output file. The meaning of a positional argument depends on the other arguments
/// and on `--to`.
struct Arguments<'a> {
    /// The format of an item, or `None` if `--c` declares the layout of an item.
    format: Option<&'a OsStr>,
    input: &'a Path,
    /// The file to write, or `None` for standard output.
    output: Option<&'a Path>,
}

impl Decode {
    /// Runs the command. Returns [`Done`](Status::Done), because every problem is an error. After an error, the rows
    /// before the error are printed, but the file of `--output` is not replaced.
    pub(super) fn run(self) -> Result<Status, Failure> {
        let Arguments { format, input, output } = self.arguments()?;
        let mut found = self.interpretation(format, input)?;
        if found.layout.size() == 0 {
            return Err(Failure::refused("items of 0 bytes: there is nothing to read"));
        }
        let text = self.fields.apply(&mut found.layout)?;
        let layout = &found.layout;
        let plan = Plan::new(layout).map_err(Failure::refused)?;
        // The columns have the dotted names of all fields.
        plan.check_names().map_err(Failure::refused)?;
        let columns = self.output_columns(layout, &text)?;
        let gap_bytes = self.gap_bytes(plan.itemsize())?;
        let (input, identity) = InputSource::open(input, self.follow)?;
        input.limit_item(plan.itemsize())?;
        let decoder = Decoder {
            options: &self,
            layout,
            plan: &plan,
            gap_bytes,
            text: text.conversion(layout.item()),
            suggestion: self.suggestion(format, layout.size(), &input),
        };
        match output {
            Some(output) => {
                let mut out = OutputFile::create(output, identity.as_ref())?;
                decoder.write(columns, input, &mut out, false)?;
                out.finish()?;
            }
            None => {
                if let Some(identity) = identity {
                    refuse_stdout_of(&identity)?;
                }
                // A lock could not be moved to another thread, as the writer of Parquet files requires. `run` holds a lock
                // of this thread already.
                let stdout = io::stdout();
                let is_terminal = stdout.is_terminal();
                // The rows are not written to `anstream::stdout()`, because it would search the output for colours. The
                // rows contain no colours, and all text from the input is escaped.
                let out = BufWriter::with_capacity(1 << 16, stdout);
                decoder.write(columns, input, out, is_terminal)?;
            }
        }
        Ok(Status::Done)
    }

    /// Returns the interpretation of `format`, or of the C source of `--c` if `format` is `None`. `input` is the file
    /// to read; its length selects the suggestions in the message for an ambiguous format. If `format` is also the name
    /// of a type, such as `int`, writes a note to standard error. Returns an error if the format or the C source is
    /// invalid or ambiguous.
    fn interpretation(&self, format: Option<&OsStr>, input: &Path) -> Result<Interpretation, Failure> {
        let Some(format) = format.map(options::bytes) else {
            let found = self.c.interpretation(&self.interpretation.model, self.itemsize)?;
            return found.ok_or_else(|| Failure::internal("clap requires a format"));
        };
        let found = self.interpretation.reconcile(format, self.itemsize);
        let found = found.map_err(|error| self.refused(&error, format, input))?;
        note_type_name(format);
        Ok(found)
    }

    /// Returns the failure for `error`, which the library returned for `format`. If the format is ambiguous and the
    /// command reads the whole file `input`, the help line lists the dialects whose item size divides the length of the
    /// file.
    fn refused(&self, error: &LayoutError, format: &[u8], input: &Path) -> Failure {
        if !self.reads_all() {
            return self.interpretation.refused(error, format, self.itemsize);
        }
        self.interpretation.refused_for_file(error, format, self.itemsize, input, self.skip)
    }

    /// Returns `true` if the command reads all bytes of a file after `--skip`.
    fn reads_all(&self) -> bool {
        self.count.is_none() && self.shape.is_none() && self.every.is_none() && !self.follow
    }

    /// Returns the suggestion for an input that ends with an incomplete item of `size` bytes. The text names another
    /// interpretation of `format` whose size divides the length of `input`. Returns an empty text if there is none.
    fn suggestion(&self, format: Option<&OsStr>, size: u64, input: &InputSource) -> String {
        let InputSource::File(_, len) = input else { return String::new() };
        let bytes = len.saturating_sub(self.skip);
        let is_incomplete = self.reads_all() && bytes.checked_rem(size).is_some_and(|rest| rest > 0);
        // `--itemsize` excludes interpretations of another size.
        let format = format.filter(|_| is_incomplete && self.itemsize.is_none()).map(options::bytes);
        let interpretation = &self.interpretation;
        format.and_then(|format| interpretation.help_for_length(format, bytes)).unwrap_or_default()
    }

    /// Returns the number of ignored bytes between the end of an item of `itemsize` bytes and the next item. The number
    /// is 0 without `--every`.
    ///
    /// # Errors
    /// - a packet of `--every` is smaller than an item, or too large for this machine
    fn gap_bytes(&self, itemsize: usize) -> Result<usize, Failure> {
        let Some(every) = self.every else { return Ok(0) };
        let gap = every.checked_sub(to_u64(itemsize)).ok_or_else(|| {
            let (every, itemsize) = (plural(every, "byte"), plural(to_u64(itemsize), "byte"));
            Failure::refused(format_args!("a packet of --every has {every} but an item has {itemsize}"))
        })?;
        // On a 32-bit machine, a packet length of 2^32 bytes or more does not fit `usize`.
        usize::try_from(gap).map_err(|_| Failure::refused(format_args!("a packet of {every} bytes is too long")))
    }

    /// Returns the columns of the output for items of `layout`. `text` contains the fields whose bytes are written as
    /// text.
    ///
    /// # Errors
    /// - `--columns` contains an unknown name
    /// - with `--to arrow` or `--to parquet`, a field has no type in Arrow, or both `--text` and `--columns` are given
    fn output_columns(&self, layout: &Layout, text: &TextFields) -> Result<OutputColumns, Failure> {
        let columns = Columns::new(layout, text, self.columns.as_deref()).map_err(Failure::refused)?;
        #[cfg(feature = "arrow")]
        if let Some(format) = self.to.batch_format() {
            let mapping = arrow::mapping(layout, columns.selected().as_deref(), &text.names(layout))?;
            return Ok(OutputColumns::Batches(Box::new(mapping), format));
        }
        Ok(OutputColumns::Rows(columns))
    }

    /// Returns the format, the input file and the output file that the arguments name.
    ///
    /// # Errors
    /// - an option contradicts `--to`, or `--follow` is given for standard input
    /// - the format is given twice, or the format and the file are swapped
    /// - the arguments name two files, but do not state which file to write
    /// - an Arrow or Parquet file would be written to a terminal
    fn arguments(&self) -> Result<Arguments<'_>, Failure> {
        let usage = |message: String| Err(Failure::Usage(message));
        if self.csv_safe && self.to != OutputFormat::Csv {
            return usage("--csv-safe changes cells of CSV: add `--to csv`".into());
        }
        if self.follow {
            if !matches!(self.to, OutputFormat::Jsonl | OutputFormat::Csv) {
                return Err(Failure::refused(
                    "--follow prints each item at once, but a table or a file needs all items\n\
                     help: print lines with `--to jsonl` or `--to csv`",
                ));
            }
            if self.file.as_os_str() == "-" {
                return usage("--follow is for files: items of standard input are printed at once without it".into());
            }
        }
        let file = self.file.as_path();
        let output = self.output.as_deref().filter(|output| !is_stdout(output));
        let second = self.second.as_deref();
        let (format, second_file) = match &self.format {
            Some(format) => (Some(format.as_os_str()), second.map(Path::new)),
            None if self.c.is_given() => (None, second.map(Path::new)),
            None => (second, None),
        };
        if let (None, Some(format)) = (&self.format, format) {
            refuse_swapped(file, format, "decode")?;
        }
        #[cfg(feature = "arrow")]
        if let Some(to) = self.to.batch_format() {
            return self.batch_arguments(to, format, second_file, output);
        }
        if let Some(second) = second_file {
            let second = escape_path(second);
            let other = match format {
                Some(format) => format!("--format `{}`", escape(format.as_encoded_bytes())),
                None => "--c".to_owned(),
            };
            return usage(format!("the format is given twice: `{second}` and {other}"));
        }
        Ok(Arguments { format, input: file, output })
    }

    /// Returns the arguments if the output is a file of the format `to`. `second_file` is the second argument if the
    /// argument is not the format. `output` is the value of `--output`, or `None` for standard output.
    #[cfg(feature = "arrow")]
    fn batch_arguments<'a>(
        &'a self,
        to: BatchFormat,
        format: Option<&'a OsStr>,
        second_file: Option<&'a Path>,
        output: Option<&'a Path>,
    ) -> Result<Arguments<'a>, Failure> {
        let file = self.file.as_path();
        let is_output = |path: &Path| {
            let ending = path.extension();
            ending.is_some_and(|ending| to.endings().iter().any(|known| ending.eq_ignore_ascii_case(known)))
        };
        let usage = |message: String| Err(Failure::Usage(message));
        if let Some(second) = second_file {
            if self.output.is_some() {
                let second = escape_path(second);
                return usage(format!("`{second}` and --output both name the file to write"));
            }
            return match (is_output(file), is_output(second)) {
                (false, true) => Ok(Arguments { format, input: file, output: Some(second) }),
                (true, false) => Ok(Arguments { format, input: second, output: Some(file) }),
                _ => {
                    let ending = to.endings().join(" or .");
                    usage(format!(
                        "with two files, the file to write must end in .{ending} and the file to read must not: name \
                         any other file to write with --output"
                    ))
                }
            };
        }
        if self.output.is_none() {
            if is_output(file) {
                let file = escape_path(file);
                return usage(format!(
                    "`{file}` is the file to write: also name the file to read, or - for standard input"
                ));
            }
            if io::stdout().is_terminal() {
                return usage(format!(
                    "{} cannot be written to the terminal: name the file with --output",
                    to.with_article()
                ));
            }
        }
        Ok(Arguments { format, input: file, output })
    }
}

/// Reads items and writes their values to the output.
struct Decoder<'d> {
    options: &'d Decode,
    layout: &'d Layout,
    /// Decodes items of `layout`.
    plan: &'d Plan,
    /// The number of bytes between two items.
    gap_bytes: usize,
    /// The conversion of byte strings to text in the values of each item.
    text: TextConversion,
    /// The suggestion if the input ends with an incomplete item, or an empty text.
    suggestion: String,
}

impl Decoder<'_> {
    /// Reads the items of `input` and writes the values of `columns` to `out`. `rows_on_terminal` must be `true` if
    /// `out` is a terminal, and hides the progress bar. After an error, the rows before the error are written. Returns
    /// an error if the input cannot be read, if an item cannot be decoded, or if writing fails.
    fn write<W: Write + Send>(
        &self,
        columns: OutputColumns,
        input: InputSource,
        mut out: W,
        rows_on_terminal: bool,
    ) -> Result<(), Failure> {
        // After each block of a slow stream, the rows are flushed, so that they appear at once.
        let Self { options, plan, .. } = *self;
        let is_live = matches!(input, InputSource::Stream(_)) && options.strides.is_none();
        let (mut items, bytes) = match &options.strides {
            Some(strides) => self.strided(strides, input)?,
            None => self.contiguous(input)?,
        };
        let mut writer = match columns {
            #[cfg(feature = "arrow")]
            OutputColumns::Batches(mapping, format) => {
                ItemWriter::Batches(Box::new(BatchWriter::new(*mapping, format, plan, &mut out)?))
            }
            OutputColumns::Rows(columns) => ItemWriter::Rows(Box::new(match options.to {
                OutputFormat::Jsonl => RowWriter::json(columns, &mut out),
                OutputFormat::Csv => RowWriter::csv(columns, options.csv_safe, &mut out)?,
                _ => RowWriter::table(columns, options.shape.as_deref(), &mut out),
            })),
        };
        let mut progress = Progress::new(bytes, rows_on_terminal);
        let result = loop {
            let block = match items.next() {
                Ok(Some(block)) => block,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            if let Err(error) = writer.block(plan, &self.text, block) {
                break Err(error);
            }
            if is_live && let ItemWriter::Rows(rows) = &mut writer {
                rows.flush()?;
            }
            progress.advance(block.len());
        };
        drop(progress);
        writer.finish(result)?;
        drop(writer);
        Ok(out.flush()?)
    }

    /// Returns a reader of the contiguous items of `input`, and the total length of the items in bytes without gaps, or
    /// `None` if the length is unknown.
    fn contiguous(&self, input: InputSource) -> Result<(Items, Option<u64>), Failure> {
        let Self { options, plan, gap_bytes, .. } = *self;
        let (mut input, mut rest) = input.after(options.skip)?;
        let itemsize = NonZeroUsize::new(plan.itemsize()).ok_or_else(|| Failure::internal("an item has no bytes"))?;
        if gap_bytes > 0 {
            input = Box::new(Packets::new(input, itemsize.get(), gap_bytes));
            let item_bytes = to_u64(itemsize.get());
            let packet_bytes = item_bytes.saturating_add(to_u64(gap_bytes));
            let whole =
                |bytes: u64| bytes.checked_div(packet_bytes).map_or(0, |count| count.saturating_mul(item_bytes));
            let last = |bytes: u64| bytes.checked_rem(packet_bytes).map_or(0, |last| last.min(item_bytes));
            rest = rest.map(|bytes| whole(bytes).saturating_add(last(bytes)));
        }
        let product = |shape: &[i64]| shape.iter().try_fold(1_u64, |count, len| count.checked_mul(len.unsigned_abs()));
        let count = match &options.shape {
            Some(shape) if shape.contains(&0) => Some(0),
            Some(shape) => Some(product(shape).ok_or_else(|| Failure::refused("the shape has more than 2^64 items"))?),
            None => options.count,
        };
        let bytes = count.map(|count| count.saturating_mul(to_u64(plan.itemsize())));
        let total = match (bytes, rest) {
            (Some(bytes), Some(rest)) => Some(bytes.min(rest)),
            (bytes, rest) => bytes.or(rest),
        };
        Ok((Items::Contiguous(ContiguousItems::new(input, itemsize, count, self.suggestion.clone())), total))
    }

    /// Returns a reader of the items of a strided array in `input`, and the total length of the items in bytes, or
    /// `None` if the array has no items. `strides` has the distance in bytes from one item to the next in each
    /// dimension.
    ///
    /// # Errors
    /// - `strides` and `--shape` have different lengths
    /// - an item is outside of the input
    fn strided(&self, strides: &[i64], input: InputSource) -> Result<(Items, Option<u64>), Failure> {
        let Self { options, layout, .. } = *self;
        let shape = options.shape.as_deref().unwrap_or_default();
        if strides.len() != shape.len() {
            let (strides, shape) = (plural(to_u64(strides.len()), "number"), plural(to_u64(shape.len()), "number"));
            return Err(Failure::Usage(format!("--strides has {strides} but --shape has {shape}")));
        }
        let too_large = || Failure::refused("the items span more than 2^63 bytes");
        let itemsize = i64::try_from(layout.size()).map_err(|_| too_large())?;
        let mut contiguous = vec![0; strides.len()];
        fill_contiguous_strides(shape, itemsize, pep3118::Order::C, &mut contiguous).map_err(Failure::refused)?;
        let len = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(itemsize, |len, dimension| len.checked_mul(*dimension))
        };
        let raw = RawView {
            len: len.ok_or_else(too_large)?,
            itemsize,
            // `Checker` refuses more than 64 dimensions, including `i32::MAX`.
            ndim: i32::try_from(shape.len()).unwrap_or(i32::MAX),
            shape: Some(shape),
            strides: Some(strides),
            ..RawView::default()
        };
        let view = Checker::DEFAULT.check(&raw, None).into_result();
        let view = view.map_err(|report| Failure::refused(report.to_string().trim_start_matches("error ")))?;
        if view.is_empty() {
            return Ok((Items::Empty, None));
        }
        let bounds = view.byte_bounds().ok_or_else(too_large)?;
        let skip = i64::try_from(options.skip).map_err(|_| too_large())?;
        let (low, high) = (skip.checked_add(bounds.low), skip.checked_add(bounds.high));
        let (low, high) = low.zip(high).ok_or_else(too_large)?;
        let Ok(start) = u64::try_from(low) else {
            let before = bounds.low.unsigned_abs();
            return Err(Failure::refused(format_args!(
                "items start up to {} before the first one but --skip is {}\nhelp: the first item can be at `--skip {before}`",
                plural(before, "byte"),
                plural(options.skip, "byte")
            )));
        };
        let Seekable { bytes, start, input_end } = input.seekable(start, high.unsigned_abs())?;
        if input_end < high.unsigned_abs() {
            let end = plural(input_end, "byte");
            return Err(Failure::refused(format_args!("the items are at bytes {low} to {high} of {end}")));
        }
        let start = i64::try_from(start).map_err(|_| too_large())?;
        let origin = start.checked_sub(bounds.low).ok_or_else(too_large)?;
        let items = StridedItems::new(bytes, origin, shape, strides, itemsize);
        Ok((Items::Strided(items), len.map(i64::unsigned_abs)))
    }
}

impl<W: Write + Send> ItemWriter<W> {
    /// Writes the values of `block`, the bytes of whole items. `plan` decodes the items, and `text` converts byte
    /// strings to text. Returns an error if an item cannot be decoded, or if writing fails.
    fn block(&mut self, plan: &Plan, text: &TextConversion, block: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Rows(rows) => {
                for item in block.chunks_exact(plan.itemsize().max(1)) {
                    let mut value = plan.value(item).map_err(Failure::refused)?;
                    text.apply(&mut value);
                    rows.row(&value)?;
                }
                Ok(())
            }
            #[cfg(feature = "arrow")]
            Self::Batches(batches) => batches.block(block),
        }
    }

    /// Writes the buffered items and the end of the output. `result` is the result of reading all items. Returns the
    /// error if writing fails, and otherwise `result`.
    ///
    /// After an error, the rows before the error are written. An Arrow or Parquet file gets no footer after an
    /// error, because a program could mistake a file with a footer for a complete file.
    fn finish(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        match self {
            Self::Rows(rows) => rows.finish(result.is_ok())?,
            #[cfg(feature = "arrow")]
            Self::Batches(batches) if result.is_ok() => batches.finish()?,
            #[cfg(feature = "arrow")]
            Self::Batches(_) => {}
        }
        result
    }
}
