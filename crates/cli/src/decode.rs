//! `pep3118 decode`: the values in a file.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pep3118::decode::Plan;
use pep3118::{Checker, Layout, RawView, fill_contiguous_strides, reconcile};

#[cfg(feature = "arrow")]
use super::arrow::{self, Arrow};
use super::input::{Blocks, Input, wide};
use super::options::{self, Reader};
use super::output::Output;
use super::progress::Progress;
use super::rows::{Cells, Rows};
use super::strided::Strided;
use super::{Failure, Status};

/// Print the values in a file
///
/// Items are read in blocks, so memory stays constant however large the file is; with --strides too,
/// where standard input is first kept in a temporary file. Fields of nested records are told by dotted
/// names, and those without a name by their index: f0, f1; an item that is no record is called value.
///
/// What was read before an error is printed, and the exit status is 1: bytes at the end that are no
/// whole item are such an error, and so is a file that is too short. Bytes behind the last item of
/// --count or --shape are left alone.
#[cfg_attr(
    feature = "arrow",
    doc = "
With --to arrow, the Arrow file (the IPC file format, which Feather is too) is named by --output, or by
a second FILE: of two files the one that ends in .arrow is written, whichever comes first. It is there
when all went well, else not at all. Fields are columns, nested records structs; with --columns each
field is a column under its dotted name."
)]
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The file; - is standard input
    file: PathBuf,
    /// The Arrow file to write
    #[cfg(feature = "arrow")]
    #[arg(value_name = "FILE.arrow", conflicts_with = "output")]
    second: Option<PathBuf>,
    /// The format of an item, such as '<IhBd8s'
    #[arg(long, short)]
    format: OsString,
    /// The itemsize of the buffer, in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    reader: Reader,
    /// Items in each dimension: 3,4
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = clap::value_parser!(i64).range(0..))]
    shape: Option<Vec<i64>>,
    /// Bytes from one item to the next in each dimension: 32,8
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', allow_hyphen_values = true, requires = "shape")]
    strides: Option<Vec<i64>>,
    /// Items to read; up to the end of the file if neither this nor --shape is there
    #[arg(long, value_name = "N", conflicts_with = "shape")]
    count: Option<u64>,
    /// Where the first item lies, in bytes from the start of the file
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    skip: u64,
    /// How to write the values
    #[arg(long, value_enum, default_value_t = Form::Table)]
    to: Form,
    /// The fields to write, by dotted names: a,b.c; the name of a record is all of its fields
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// The file to write to, whole or not at all; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns for people
    Table,
    /// One JSON value a line; NaN and infinities as strings, complex numbers as [re, im]
    Json,
    /// Comma-separated values with a header line; arrays as JSON
    Csv,
    /// An Arrow file in record batches
    #[cfg(feature = "arrow")]
    Arrow,
}

pub(super) fn refused(message: impl core::fmt::Display) -> Failure {
    Failure::Refused(format!("error: {message}"))
}

/// `1 item`, `2 items`
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What is read, and what becomes of it.
struct Work<'w> {
    layout: &'w Layout,
    plan: Plan,
    cells: Cells,
    #[cfg(feature = "arrow")]
    mapping: Option<pep3118::arrow::Mapping>,
}

/// Items in the order in which they are written, block by block.
enum Items {
    Adjoining(Blocks),
    Strided(Strided),
    None,
}

impl Items {
    fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        match self {
            Self::Adjoining(blocks) => blocks.next(),
            Self::Strided(strided) => strided.next(),
            Self::None => Ok(None),
        }
    }
}

/// Where items are written.
enum Target<W: Write> {
    Rows(Box<Rows<W>>),
    #[cfg(feature = "arrow")]
    Arrow(Box<Arrow<W>>),
}

impl Decode {
    pub(super) fn run(self) -> Result<Status, Failure> {
        let (input, output) = self.files()?;
        let format = options::bytes(&self.format);
        let reading = reconcile(format, self.itemsize, self.reader.dialect, &self.reader.model.model)?;
        let layout = &reading.layout;
        if layout.size() == 0 {
            return Err(refused("items of 0 bytes: there is nothing to read"));
        }
        let plan = Plan::new(layout).map_err(refused)?;
        let cells = Cells::of(layout, self.columns.as_deref()).map_err(refused)?;
        #[cfg(feature = "arrow")]
        let mapping = match self.to {
            Form::Arrow => Some(arrow::mapping(layout, cells.chosen().as_deref())?),
            Form::Table | Form::Json | Form::Csv => None,
        };
        let work = Work {
            layout,
            plan,
            cells,
            #[cfg(feature = "arrow")]
            mapping,
        };
        let input = Input::open(input)?;
        match output {
            Some(output) => {
                let mut out = Output::create(output)?;
                self.write(work, input, &mut out, false)?;
                out.finish()?;
            }
            None => {
                let stdout = io::stdout().lock();
                let terminal = stdout.is_terminal();
                // Not through the stream that drops colours: what is in the file is written as it is.
                self.write(work, input, &mut BufWriter::with_capacity(1 << 16, stdout), terminal)?;
            }
        }
        Ok(Status::Done)
    }

    /// What is read and what is written; `None` is standard output.
    fn files(&self) -> Result<(&Path, Option<&Path>), Failure> {
        let file = self.file.as_path();
        // Not by its name in the file system, where it may be a file that would be replaced.
        let stdout = |output: &&Path| output.as_os_str() == "-" || output.as_os_str() == "/dev/stdout";
        let output = self.output.as_deref().filter(|output| !stdout(output));
        #[cfg(feature = "arrow")]
        {
            let arrow = |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("arrow"));
            let usage = |message: String| Err(Failure::Usage(message));
            if let Some(second) = self.second.as_deref() {
                if self.to != Form::Arrow {
                    let second = second.display();
                    return usage(format!("unexpected second file `{second}`: --output names the file to write"));
                }
                return match (arrow(file), arrow(second)) {
                    (false, true) => Ok((file, Some(second))),
                    (true, false) => Ok((second, Some(file))),
                    _ => usage("of two files, one must end in .arrow: it is written; or name it with --output".into()),
                };
            }
            if self.to == Form::Arrow && self.output.is_none() {
                if arrow(file) {
                    let file = file.display();
                    return usage(format!(
                        "`{file}` is the file to write: name the one to read too, - for standard input"
                    ));
                }
                if io::stdout().is_terminal() {
                    return usage("an Arrow file is not for the terminal: name it with --output".into());
                }
            }
        }
        Ok((file, output))
    }

    fn write<W: Write>(&self, work: Work<'_>, input: Input, mut out: W, terminal: bool) -> Result<(), Failure> {
        // Whoever looks at a pipe wants to see what came through it.
        let live = matches!(input, Input::Stream(_)) && self.strides.is_none();
        let Work { layout, plan, cells, .. } = work;
        let (mut items, bytes) = match &self.strides {
            Some(strides) => self.strided(strides, layout, input)?,
            None => self.adjoining(&plan, input)?,
        };
        let mut target = match self.to {
            Form::Table => Target::Rows(Box::new(Rows::table(cells, self.shape.as_deref(), &mut out))),
            Form::Json => Target::Rows(Box::new(Rows::json(cells, &mut out))),
            Form::Csv => Target::Rows(Box::new(Rows::csv(cells, &mut out)?)),
            #[cfg(feature = "arrow")]
            Form::Arrow => match work.mapping {
                Some(mapping) => Target::Arrow(Box::new(Arrow::new(mapping, &plan, &mut out)?)),
                None => return Ok(()),
            },
        };
        let mut progress = Progress::new(bytes, terminal);
        let told = loop {
            let block = match items.next() {
                Ok(Some(block)) => block,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            if let Err(error) = target.block(&plan, block) {
                break Err(error);
            }
            if live && let Target::Rows(rows) = &mut target {
                rows.flush()?;
            }
            progress.advance(block.len());
        };
        drop(progress);
        target.end(told)?;
        drop(target);
        Ok(out.flush()?)
    }

    /// Items that lie one after the other, and how many bytes they are, if that is known.
    fn adjoining(&self, plan: &Plan, input: Input) -> Result<(Items, Option<u64>), Failure> {
        let (input, there) = input.after(self.skip)?;
        let product =
            |shape: &Vec<i64>| shape.iter().try_fold(1_u64, |count, extent| count.checked_mul(extent.unsigned_abs()));
        let wanted = match &self.shape {
            Some(shape) if shape.contains(&0) => Some(0),
            Some(shape) => Some(product(shape).ok_or_else(|| refused("the shape has more than 2^64 items"))?),
            None => self.count,
        };
        let bytes = wanted.map(|wanted| wanted.saturating_mul(wide(plan.itemsize())));
        let total = match (bytes, there) {
            (Some(bytes), Some(there)) => Some(bytes.min(there)),
            (bytes, there) => bytes.or(there),
        };
        Ok((Items::Adjoining(Blocks::new(input, plan.itemsize(), wanted)), total))
    }

    /// Items in any geometry.
    fn strided(&self, strides: &[i64], layout: &Layout, input: Input) -> Result<(Items, Option<u64>), Failure> {
        let shape = self.shape.as_deref().unwrap_or_default();
        if strides.len() != shape.len() {
            let (strides, shape) = (counted(wide(strides.len()), "number"), counted(wide(shape.len()), "number"));
            return Err(Failure::Usage(format!("--strides has {strides} but --shape has {shape}")));
        }
        let too_large = || refused("the items span more than 2^63 bytes");
        let itemsize = i64::try_from(layout.size()).map_err(|_| too_large())?;
        let mut contiguous = vec![0; strides.len()];
        fill_contiguous_strides(shape, itemsize, pep3118::Order::C, &mut contiguous).map_err(refused)?;
        let len = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(itemsize, |len, extent| len.checked_mul(*extent))
        };
        let raw = RawView {
            len: len.ok_or_else(too_large)?,
            itemsize,
            ndim: i32::try_from(shape.len()).unwrap_or(i32::MAX),
            shape: Some(shape),
            strides: Some(strides),
            ..RawView::default()
        };
        let view = Checker::DEFAULT.check(&raw, None).into_result();
        let view = view.map_err(|report| refused(report.to_string().trim_start_matches("error ")))?;
        if view.is_empty() {
            return Ok((Items::None, None));
        }
        let extent = view.extent().ok_or_else(too_large)?;
        let skip = i64::try_from(self.skip).map_err(|_| too_large())?;
        let (low, high) = (skip.checked_add(extent.low), skip.checked_add(extent.high));
        let (low, high) = low.zip(high).ok_or_else(too_large)?;
        let Ok(start) = u64::try_from(low) else {
            return Err(refused(format_args!(
                "items lie up to {} before the first one but --skip is {}",
                counted(extent.low.unsigned_abs(), "byte"),
                counted(self.skip, "byte")
            )));
        };
        let (file, base, end) = input.anywhere(start, high.unsigned_abs())?;
        if end < high.unsigned_abs() {
            let end = counted(end, "byte");
            return Err(refused(format_args!("the items lie at bytes {low} to {high} of {end}")));
        }
        // Inside of the file, so it fits.
        let origin = i64::try_from(base).map_err(|_| too_large())?.saturating_sub(extent.low);
        let items = Strided::new(file, origin, shape, strides, itemsize);
        Ok((Items::Strided(items), len.map(i64::unsigned_abs)))
    }
}

impl<W: Write> Target<W> {
    /// Writes whole items.
    fn block(&mut self, plan: &Plan, block: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Rows(rows) => {
                for item in block.chunks_exact(plan.itemsize().max(1)) {
                    rows.row(&plan.value(item).map_err(refused)?)?;
                }
                Ok(())
            }
            #[cfg(feature = "arrow")]
            Self::Arrow(arrow) => arrow.block(block),
        }
    }

    /// Writes what waits. What was read before an error is shown all the same, except in a file that
    /// has a footer: without it nobody takes it for a whole one.
    fn end(&mut self, told: Result<(), Failure>) -> Result<(), Failure> {
        match self {
            Self::Rows(rows) => rows.end(told.is_ok())?,
            #[cfg(feature = "arrow")]
            Self::Arrow(arrow) if told.is_ok() => arrow.end()?,
            #[cfg(feature = "arrow")]
            Self::Arrow(_) => {}
        }
        told
    }
}
