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
/// Items are read in blocks, so memory is constant however large the file is; with --strides too, for
/// which standard input is first copied to a temporary file. A field of a nested record has a name
/// with dots, and a field without a name its index: f0, f1. An item that is not a record is called
/// value.
///
/// Values before an error are printed, and the exit status is 1. It is an error if the file ends with
/// part of an item, or before the last item of --count or --shape. Bytes after that item are ignored.
#[cfg_attr(
    feature = "arrow",
    doc = "
With --to arrow, --output or a second FILE names the Arrow file (the IPC file format, also called
Feather). Of two files the one that ends in .arrow is written, in any order. It is written only if there
is no error. Fields are columns, and nested records are structs; with --columns each field is a column
with the dotted name."
)]
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The file; - is standard input
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
    /// Number of items to read; without it and --shape, all items of the file
    #[arg(long, value_name = "N", conflicts_with = "shape")]
    count: Option<u64>,
    /// Offset of the first item in the file, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    skip: u64,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    to: OutputFormat,
    /// The fields to write, by dotted names: a,b.c; the name of a record selects all of its fields
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// The file to write, replaced only if there is no error; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// An aligned table
    Table,
    /// One JSON value a line; NaN and infinities as strings, complex numbers as [re, im]
    Json,
    /// Comma-separated values with a header line; arrays as JSON
    Csv,
    /// An Arrow file in record batches
    #[cfg(feature = "arrow")]
    Arrow,
}

/// The items of the input in the order in which they are written, block by block.
enum Items {
    Contiguous(ContiguousItems),
    Strided(StridedItems),
    Empty,
}

impl Items {
    fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        match self {
            Self::Contiguous(items) => items.next(),
            Self::Strided(items) => items.next(),
            Self::Empty => Ok(None),
        }
    }
}

/// Writes items in the format of the output.
enum ItemWriter<W: Write> {
    Rows(Box<RowWriter<W>>),
    #[cfg(feature = "arrow")]
    Arrow(Box<ArrowWriter<W>>),
}

/// The columns of the output in its format.
enum OutputColumns {
    Rows(Columns),
    #[cfg(feature = "arrow")]
    // Boxed because it is large.
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
                // Not `anstream::stdout()`: text from the file is already escaped, and to search it for
                // colours takes time.
                let out = BufWriter::with_capacity(1 << 16, stdout);
                self.write(layout, &plan, columns, input, out, is_terminal)?;
            }
        }
        Ok(Status::Done)
    }

    /// Makes the failure of a format. The length of the file can show which of several sizes of an item is
    /// the right one.
    fn refused(&self, error: &LayoutError, format: &[u8], input: &Path) -> Failure {
        let reads_all = self.count.is_none() && self.shape.is_none();
        let file = fs::metadata(input).ok().filter(|file| reads_all && file.is_file());
        let bytes = file.and_then(|file| file.len().checked_sub(self.skip)).filter(|bytes| *bytes > 0);
        match error.ambiguity().zip(bytes).and_then(|(ambiguity, bytes)| hints::help_of_length(ambiguity, bytes)) {
            Some(help) => Failure::Refused(error.diagnostic().with_help(help).colored()),
            None => self.interpretation.refused(error, format, self.itemsize),
        }
    }

    /// Returns the columns of the output, or the reason why its format cannot have one of them.
    fn output_columns(&self, layout: &Layout) -> Result<OutputColumns, Failure> {
        let columns = Columns::of(layout, self.columns.as_deref()).map_err(Failure::refused)?;
        match self.to {
            #[cfg(feature = "arrow")]
            OutputFormat::Arrow => {
                Ok(OutputColumns::Arrow(Box::new(arrow::mapping(layout, columns.selected().as_deref())?)))
            }
            OutputFormat::Table | OutputFormat::Json | OutputFormat::Csv => Ok(OutputColumns::Rows(columns)),
        }
    }

    /// Returns the input and the output; `None` is standard output.
    fn files(&self) -> Result<(&Path, Option<&Path>), Failure> {
        let file = self.file.as_path();
        // Standard output is not opened by name: it may be a socket, or a file that would be replaced.
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

    /// Reads all items and writes them.
    fn write<W: Write>(
        &self,
        layout: &Layout,
        plan: &Plan,
        columns: OutputColumns,
        input: InputSource,
        mut out: W,
        rows_on_terminal: bool,
    ) -> Result<(), Failure> {
        // The rows of a slow stream are shown as they arrive.
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

    /// Returns contiguous items, and the number of their bytes, if it is known.
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

    /// Returns items of any strides, and the number of their bytes.
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
            // More dimensions than any buffer has are refused by the check.
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

/// Refuses to write to standard output if it is the file that is read, as with `>>`: each row that is
/// written would be read again.
fn refuse_stdout_of(input: &Handle) -> Result<(), Failure> {
    match Handle::stdout() {
        Ok(stdout)
            if stdout == *input && stdout.as_file().metadata().is_ok_and(|file| is_damaged_by_writing(&file)) =>
        {
            Err(is_the_input("standard output"))
        }
        // An error of standard output is reported when it is written.
        _ => Ok(()),
    }
}

impl<W: Write> ItemWriter<W> {
    /// Writes whole items.
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

    /// Writes the rest. Rows before an error are written too. An Arrow file with an error gets no footer,
    /// so that no program takes it for a complete one.
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
