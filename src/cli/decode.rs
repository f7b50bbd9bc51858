//! `pep3118 decode`: the values in a file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use pep3118::decode::{Buffer, Plan, Value};
use pep3118::{Block, Certainty, Checker, Layout, RawView, fill_contiguous_strides, reconcile};

use super::Failure;
use super::options::{self, Reader};
use super::rows::{Cells, Rows, Table};

/// Print the values in a file
///
/// The file is read item by item in constant memory; only with --strides are the bytes that the items
/// span read as a whole. Fields of nested records are told by dotted names, and those without a name
/// by their index: f0, f1.
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The file; - is standard input
    file: PathBuf,
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
    /// The fields to write, by dotted names: a,b.c
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns for people
    Table,
    /// One JSON value a line
    Json,
    /// Comma-separated values with a header line
    Csv,
}

fn refused(message: impl core::fmt::Display) -> Failure {
    Failure::Refused(format!("error: {message}"))
}

/// `1 item`, `2 items`
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

impl Decode {
    pub(super) fn run(self, out: &mut impl Write) -> Result<ExitCode, Failure> {
        let format = options::bytes(&self.format);
        let reading = reconcile(format, self.itemsize, self.reader.dialect, &self.reader.model.model)?;
        if reading.certainty == Certainty::Ambiguous {
            let mut names: Vec<&str> = vec![reading.dialect.name];
            names.extend(reading.rivals.iter().map(|(dialect, _)| dialect.name));
            return Err(Failure::Refused(format!(
                "error: the format has several readings: {}\nhelp: choose one with --dialect, or give the --itemsize",
                names.join(", ")
            )));
        }
        let layout = &reading.layout;
        if layout.size() == 0 {
            return Err(refused("items of 0 bytes: there is nothing to read"));
        }
        let plan = Plan::new(layout).map_err(refused)?;
        let cells = Cells::of(layout, self.columns.as_deref()).map_err(refused)?;
        let mut out = BufWriter::new(out);
        let mut rows = match self.to {
            Form::Table => Rows::Table(Table::new(&cells, self.shape.as_deref())),
            Form::Json => Rows::Json,
            Form::Csv => Rows::csv(&cells, &mut out)?,
        };
        let mut input = self.open()?;
        let told = match &self.strides {
            Some(strides) => {
                self.strided(strides, layout, &plan, &mut input, &mut |value| Ok(rows.row(&cells, value, &mut out)?))
            }
            None => self.stream(&plan, &mut input, &mut |value| Ok(rows.row(&cells, value, &mut out)?)),
        };
        // What was read before an error is shown all the same.
        rows.end(told.is_ok(), &mut out)?;
        out.flush()?;
        told.map(|()| ExitCode::SUCCESS)
    }

    /// The input, from the first item on; with strides from its start.
    fn open(&self) -> Result<BufReader<Box<dyn Read>>, Failure> {
        let named = |error: io::Error| refused(format_args!("{}: {error}", self.file.display()));
        let input: Box<dyn Read> = if self.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(&self.file).map_err(named)?)
        };
        Ok(BufReader::with_capacity(1 << 16, input))
    }

    /// Passes over the bytes before those that are wanted.
    fn pass(&self, input: &mut impl Read, wanted: u64) -> Result<(), Failure> {
        let passed = io::copy(&mut input.by_ref().take(wanted), &mut io::sink())?;
        if passed == wanted {
            return Ok(());
        }
        let (there, skip) = (counted(passed, "byte"), counted(wanted, "byte"));
        Err(refused(format_args!("the input has {there} but {skip} are to be skipped")))
    }

    /// Items that lie one after the other.
    fn stream(
        &self,
        plan: &Plan,
        input: &mut impl Read,
        each: &mut dyn FnMut(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.pass(input, self.skip)?;
        let product =
            |shape: &Vec<i64>| shape.iter().try_fold(1_u64, |count, extent| count.checked_mul(extent.unsigned_abs()));
        let wanted = match &self.shape {
            Some(shape) if shape.contains(&0) => Some(0),
            Some(shape) => Some(product(shape).ok_or_else(|| refused("the shape has more than 2^64 items"))?),
            None => self.count,
        };
        let itemsize = u64::try_from(plan.itemsize()).unwrap_or(u64::MAX);
        let mut item = Vec::new();
        let mut done = 0_u64;
        while wanted.is_none_or(|wanted| done < wanted) {
            // As much as there is: a format may ask for more than any memory has.
            item.clear();
            input.by_ref().take(itemsize).read_to_end(&mut item)?;
            let found = u64::try_from(item.len()).unwrap_or(u64::MAX);
            match wanted {
                None if found == 0 => return Ok(()),
                _ if found == itemsize => {}
                None => {
                    let (left, items) = (counted(found, "byte"), counted(done, "item"));
                    return Err(refused(format_args!("{left} left over after {items} of {itemsize} bytes")));
                }
                Some(wanted) => {
                    let (items, wanted) = (counted(done, "item"), counted(wanted, "item"));
                    return Err(refused(format_args!(
                        "the input ends after {items} and {} but {wanted} of {itemsize} bytes were asked for",
                        counted(found, "byte")
                    )));
                }
            }
            each(&plan.value(&item).map_err(refused)?)?;
            done = done.saturating_add(1);
        }
        Ok(())
    }

    /// Items in any geometry, in the bytes that they span.
    fn strided(
        &self,
        strides: &[i64],
        layout: &Layout,
        plan: &Plan,
        input: &mut impl Read,
        each: &mut dyn FnMut(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let shape = self.shape.as_deref().unwrap_or_default();
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
        let numbers = |checker: Checker<'_>| {
            let (report, view) = checker.check(&raw, None);
            view.ok_or_else(|| refused(report.to_string().trim_start_matches("error ")))
        };
        let view = numbers(Checker::DEFAULT)?;
        if view.is_empty() {
            return Ok(());
        }
        let extent = view.extent().ok_or_else(too_large)?;
        let start = i64::try_from(self.skip).ok().and_then(|skip| skip.checked_add(extent.low));
        let start = start.and_then(|start| u64::try_from(start).ok()).ok_or_else(|| {
            refused(format_args!(
                "items lie up to {} before the first one but --skip is {}",
                counted(extent.low.unsigned_abs(), "byte"),
                counted(self.skip, "byte")
            ))
        })?;
        self.pass(input, start)?;
        let span = extent.high.saturating_sub(extent.low);
        let mut bytes = Vec::new();
        input.by_ref().take(span.unsigned_abs()).read_to_end(&mut bytes)?;
        let block = Block { len: span, offset: extent.low.saturating_neg() };
        let view = numbers(Checker { memory: Some(block), ..Checker::DEFAULT })?;
        let buffer = Buffer::new(&view, plan, &bytes).map_err(refused)?;
        buffer.values().try_for_each(|value| each(&value.map_err(refused)?))
    }
}
