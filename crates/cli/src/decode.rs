//! `pep3118 decode`: prints the values in a file.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pep3118::__private::plural;
use pep3118::decode::Plan;
use pep3118::{Checker, Layout, LayoutError, RawView, fill_contiguous_strides};
use same_file::Handle;

#[cfg(feature = "arrow")]
use super::arrow::{self, ArrowWriter};
#[cfg(feature = "arrow")]
use super::escape::escape_path;
use super::failure::{Failure, Status};
use super::hints;
use super::input::{ContiguousItems, InputSource, Seekable, to_u64};
use super::options::{self, InterpretationOptions, note_type_name};
use super::output::{OutputFile, is_damaged_by_writing, is_the_input};
use super::progress::Progress;
use super::rows::{Columns, RowWriter};
use super::strided::StridedItems;

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
#[cfg_attr(
    feature = "arrow",
    doc = "
With --to arrow, --output or a second FILE names the Arrow file (the IPC file format, also called
Feather). If two files are given, the command writes the file whose name ends in .arrow. The Arrow file is
written only if there is no error. Each field becomes a column, and a nested record becomes a column of
structs. With --columns, a field of a nested record becomes a column with the dotted name."
)]
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The file to read; - is standard input
    file: PathBuf,
    /// The Arrow file to write
    #[cfg(feature = "arrow")]
    #[arg(value_name = "FILE.arrow", conflicts_with = "output")]
    second_file: Option<PathBuf>,
    /// The format of an item, such as '<IhBd8s'
    #[arg(long, short)]
    format: OsString,
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
    /// Offset of the first item in the file, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    skip: u64,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    to: OutputFormat,
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
    Json,
    /// Comma-separated values with a header line; arrays as JSON
    Csv,
    /// An Arrow file in record batches
    #[cfg(feature = "arrow")]
    Arrow,
}

/// The items of the input, block by block, in the order of the output.
enum Items {
    Contiguous(ContiguousItems),
    Strided(StridedItems),
    Empty,
}

impl Items {
    /// Returns the bytes of the next whole items, or `None` after the last item.
    fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        match self {
            Self::Contiguous(items) => items.next(),
            Self::Strided(items) => items.next(),
            Self::Empty => Ok(None),
        }
    }
}

/// The writer of items for the selected [`OutputFormat`].
enum ItemWriter<W: Write> {
    Rows(Box<RowWriter<W>>),
    #[cfg(feature = "arrow")]
    Arrow(Box<ArrowWriter<W>>),
}

/// The columns of the output, in the form that the writer needs.
enum OutputColumns {
    Rows(Columns),
    #[cfg(feature = "arrow")]
    // Boxed, because a `Mapping` is much larger than `Columns`.
    Arrow(Box<pep3118::arrow::Mapping>),
}

impl Decode {
    pub(super) fn run(self) -> Result<Status, Failure> {
        let (input, output) = self.files()?;
        let format = options::bytes(&self.format);
        let found = match self.interpretation.reconcile(format, self.itemsize) {
            Ok(found) => found,
            Err(error) => return Err(self.refused(&error, format, input)),
        };
        note_type_name(format);
        let layout = &found.layout;
        if layout.size() == 0 {
            return Err(Failure::refused("items of 0 bytes: there is nothing to read"));
        }
        let plan = Plan::new(layout).map_err(Failure::refused)?;
        let columns = self.output_columns(layout)?;
        let (input, identity) = InputSource::open(input)?;
        input.limit_item(plan.itemsize())?;
        match output {
            Some(output) => {
                let mut out = OutputFile::create(output, identity.as_ref())?;
                self.write(layout, &plan, columns, input, &mut out, false)?;
                out.finish()?;
            }
            None => {
                if let Some(identity) = identity {
                    refuse_stdout_of(&identity)?;
                }
                let stdout = io::stdout().lock();
                let is_terminal = stdout.is_terminal();
                // `anstream::stdout()` would search the output for colours, which takes time. The rows contain
                // no colours, and all text from the input is escaped.
                let out = BufWriter::with_capacity(1 << 16, stdout);
                self.write(layout, &plan, columns, input, out, is_terminal)?;
            }
        }
        Ok(Status::Done)
    }

    /// Returns the failure for `error`, which the library returned for `format`. If the format is ambiguous and
    /// all of `input` is read, the help line lists the dialects whose item size divides the length of `input`.
    fn refused(&self, error: &LayoutError, format: &[u8], input: &Path) -> Failure {
        let reads_all = self.count.is_none() && self.shape.is_none();
        let file = fs::metadata(input).ok().filter(|file| reads_all && file.is_file());
        let bytes = file.and_then(|file| file.len().checked_sub(self.skip)).filter(|bytes| *bytes > 0);
        let ambiguous = error.ambiguity().zip(bytes);
        match ambiguous.and_then(|(ambiguity, bytes)| hints::help_from_input_length(ambiguity, bytes)) {
            Some(help) => Failure::Refused(error.diagnostic().with_help(help).colored()),
            None => self.interpretation.refused(error, format, self.itemsize),
        }
    }

    /// Returns the columns of the output.
    ///
    /// # Errors
    /// - `--columns` contains an unknown name
    /// - a field has no type in Arrow
    fn output_columns(&self, layout: &Layout) -> Result<OutputColumns, Failure> {
        let columns = Columns::new(layout, self.columns.as_deref()).map_err(Failure::refused)?;
        match self.to {
            #[cfg(feature = "arrow")]
            OutputFormat::Arrow => {
                Ok(OutputColumns::Arrow(Box::new(arrow::mapping(layout, columns.selected().as_deref())?)))
            }
            OutputFormat::Table | OutputFormat::Json | OutputFormat::Csv => Ok(OutputColumns::Rows(columns)),
        }
    }

    /// Returns the paths of the input and of the output. The output is `None` for standard output.
    ///
    /// # Errors
    /// - the command has two files, and it is unclear which file to write
    /// - an Arrow file would be written to a terminal
    fn files(&self) -> Result<(&Path, Option<&Path>), Failure> {
        let file = self.file.as_path();
        // A name of standard output is not opened: a socket cannot be opened, and a file would be replaced.
        let is_stdout =
            |output: &&Path| ["-", "/dev/stdout", "/dev/fd/1"].iter().any(|name| output.as_os_str() == *name);
        let output = self.output.as_deref().filter(|output| !is_stdout(output));
        #[cfg(feature = "arrow")]
        {
            let is_arrow =
                |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("arrow"));
            let usage = |message: String| Err(Failure::Usage(message));
            if let Some(second) = self.second_file.as_deref() {
                if self.to != OutputFormat::Arrow {
                    let second = escape_path(second);
                    return usage(format!("unexpected second file `{second}`: --output names the file to write"));
                }
                return match (is_arrow(file), is_arrow(second)) {
                    (false, true) => Ok((file, Some(second))),
                    (true, false) => Ok((second, Some(file))),
                    _ => {
                        usage("of two files, the one to write must end in .arrow; --output names any other file".into())
                    }
                };
            }
            if self.to == OutputFormat::Arrow && self.output.is_none() {
                if is_arrow(file) {
                    let file = escape_path(file);
                    return usage(format!(
                        "`{file}` is the file to write: name the one to read too, or - for standard input"
                    ));
                }
                if io::stdout().is_terminal() {
                    return usage("an Arrow file is not for the terminal: name it with --output".into());
                }
            }
        }
        Ok((file, output))
    }

    /// Reads the items of `input` and writes their values to `out`. `plan` decodes items of `layout`.
    /// `rows_on_terminal` is true if `out` is a terminal, which hides the progress bar.
    fn write<W: Write>(
        &self,
        layout: &Layout,
        plan: &Plan,
        columns: OutputColumns,
        input: InputSource,
        mut out: W,
        rows_on_terminal: bool,
    ) -> Result<(), Failure> {
        // Rows of a slow stream are flushed after each block, so that they appear as soon as they arrive.
        let is_live = matches!(input, InputSource::Stream(_)) && self.strides.is_none();
        let (mut items, bytes) = match &self.strides {
            Some(strides) => self.strided(strides, layout, input)?,
            None => self.contiguous(plan, input)?,
        };
        let mut writer = match columns {
            #[cfg(feature = "arrow")]
            OutputColumns::Arrow(mapping) => ItemWriter::Arrow(Box::new(ArrowWriter::new(*mapping, plan, &mut out)?)),
            OutputColumns::Rows(columns) => ItemWriter::Rows(Box::new(match self.to {
                OutputFormat::Json => RowWriter::json(columns, &mut out),
                OutputFormat::Csv => RowWriter::csv(columns, &mut out)?,
                _ => RowWriter::table(columns, self.shape.as_deref(), &mut out),
            })),
        };
        let mut progress = Progress::new(bytes, rows_on_terminal);
        let result = loop {
            let block = match items.next() {
                Ok(Some(block)) => block,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            if let Err(error) = writer.block(plan, block) {
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

    /// Returns the contiguous items of `input`, and their total number of bytes if known.
    fn contiguous(&self, plan: &Plan, input: InputSource) -> Result<(Items, Option<u64>), Failure> {
        let (input, rest) = input.after(self.skip)?;
        let product = |shape: &[i64]| shape.iter().try_fold(1_u64, |count, len| count.checked_mul(len.unsigned_abs()));
        let count = match &self.shape {
            Some(shape) if shape.contains(&0) => Some(0),
            Some(shape) => Some(product(shape).ok_or_else(|| Failure::refused("the shape has more than 2^64 items"))?),
            None => self.count,
        };
        let bytes = count.map(|count| count.saturating_mul(to_u64(plan.itemsize())));
        let total = match (bytes, rest) {
            (Some(bytes), Some(rest)) => Some(bytes.min(rest)),
            (bytes, rest) => bytes.or(rest),
        };
        let itemsize = NonZeroUsize::new(plan.itemsize()).ok_or_else(|| Failure::internal("an item has no bytes"))?;
        Ok((Items::Contiguous(ContiguousItems::new(input, itemsize, count)), total))
    }

    /// Returns the items at `strides`, in bytes, and their total number of bytes.
    ///
    /// # Errors
    /// - `strides` and `--shape` have different lengths
    /// - an item is outside of the input
    fn strided(&self, strides: &[i64], layout: &Layout, input: InputSource) -> Result<(Items, Option<u64>), Failure> {
        let shape = self.shape.as_deref().unwrap_or_default();
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
            // `Checker` refuses more than 64 dimensions, so `i32::MAX` is refused as any larger number is.
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
        let extent = view.byte_bounds().ok_or_else(too_large)?;
        let skip = i64::try_from(self.skip).map_err(|_| too_large())?;
        let (low, high) = (skip.checked_add(extent.low), skip.checked_add(extent.high));
        let (low, high) = low.zip(high).ok_or_else(too_large)?;
        let Ok(start) = u64::try_from(low) else {
            let before = extent.low.unsigned_abs();
            return Err(Failure::refused(format_args!(
                "items start up to {} before the first one but --skip is {}\nhelp: the first item can be at `--skip {before}`",
                plural(before, "byte"),
                plural(self.skip, "byte")
            )));
        };
        let Seekable { bytes, start, input_end } = input.seekable(start, high.unsigned_abs())?;
        if input_end < high.unsigned_abs() {
            let end = plural(input_end, "byte");
            return Err(Failure::refused(format_args!("the items are at bytes {low} to {high} of {end}")));
        }
        let start = i64::try_from(start).map_err(|_| too_large())?;
        let origin = start.checked_sub(extent.low).ok_or_else(too_large)?;
        let items = StridedItems::new(bytes, origin, shape, strides, itemsize);
        Ok((Items::Strided(items), len.map(i64::unsigned_abs)))
    }
}

/// Refuses to write to standard output if standard output is the input file, as in `decode … f >>f`. The
/// command would read each row that it writes, and never end.
fn refuse_stdout_of(input: &Handle) -> Result<(), Failure> {
    match Handle::stdout() {
        Ok(stdout)
            if stdout == *input && stdout.as_file().metadata().is_ok_and(|file| is_damaged_by_writing(&file)) =>
        {
            Err(is_the_input("standard output"))
        }
        // If the identity of standard output is unknown, continue. A later write reports the error.
        _ => Ok(()),
    }
}

impl<W: Write> ItemWriter<W> {
    /// Writes the values of `block`, the bytes of whole items, which `plan` decodes.
    fn block(&mut self, plan: &Plan, block: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Rows(rows) => {
                for item in block.chunks_exact(plan.itemsize().max(1)) {
                    rows.row(&plan.value(item).map_err(Failure::refused)?)?;
                }
                Ok(())
            }
            #[cfg(feature = "arrow")]
            Self::Arrow(arrow) => arrow.block(block),
        }
    }

    /// Writes the pending items and the end of the output. Returns `result`, the result of reading all items.
    ///
    /// After an error, the rows before the error are written. An Arrow file gets no footer after an error,
    /// because a program could mistake a file with a footer for a complete file.
    fn finish(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        match self {
            Self::Rows(rows) => rows.finish(result.is_ok())?,
            #[cfg(feature = "arrow")]
            Self::Arrow(arrow) if result.is_ok() => arrow.finish()?,
            #[cfg(feature = "arrow")]
            Self::Arrow(_) => {}
        }
        result
    }
}
