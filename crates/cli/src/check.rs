//! `pep3118 check`: the numbers of a `Py_buffer` against the rules.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use pep3118::{
    Block, Checked, Checker, Dialect, Owner, RawView, Report, Request, RequestError, Severity, View, reconcile,
};
use serde::{Deserialize, Serialize};

use super::json::{self, Refused};
use super::options::{self, Reader};
use super::{Failure, Status};
use pep3118::__private::{Verdict, interpretations};

/// Check the fields of a Py_buffer against the rules of the buffer protocol
///
/// Fields that are left out are NULL; itemsize follows from the format, len and ndim from the shape.
/// Exit status 1 tells that an error was found, with --jsonl in any of the structs or that one was none
/// at all; notes and warnings are no errors.
///
/// With --jsonl, structs are read from standard input, one JSON object a line: {"request": "FULL_RO",
/// "format": "<i", "itemsize": 4, "len": 24, "ndim": 2, "shape": [2, 3], "strides": [12, 4],
/// "suboffsets": null, "readonly": true}, optionally with "dialect", "model" and
/// "memory": {"len": 24, "offset": 0}.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// All fields as one JSON object, as with --jsonl
    #[arg(value_parser = question, conflicts_with_all = ["Fields", "request", "memory"])]
    object: Option<Question>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    reader: Reader,
    /// What the consumer asked for: FULL_RO, 'ND|FORMAT', 0x11c; rules about requests are left out without it
    #[arg(long, short, value_parser = request)]
    request: Option<Request>,
    /// The length of the memory block that the buffer lies in, in bytes
    #[arg(long, value_name = "LEN", allow_negative_numbers = true)]
    memory: Option<i64>,
    /// From the start of the block to buf, in bytes
    #[arg(long, value_name = "N", default_value = "0", requires = "memory", allow_negative_numbers = true)]
    offset: i64,
    /// PyBUF_MAX_NDIM of the interpreter: 36 for PyPy
    #[arg(long, value_name = "NDIM", default_value_t = Checker::DEFAULT.max_ndim)]
    max_ndim: i32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Check structs from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["object", "Fields", "json", "dialect", "request", "memory"])]
    jsonl: bool,
}

/// The fields of `Py_buffer`.
#[derive(Debug, Args)]
#[group(multiple = true)]
struct Fields {
    /// Bytes of all items
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    len: Option<i64>,
    /// Bytes of one item
    #[arg(long, short, value_name = "BYTES", allow_negative_numbers = true)]
    itemsize: Option<i64>,
    /// The memory must not be written to
    #[arg(long)]
    readonly: bool,
    /// Number of dimensions
    #[arg(long, allow_negative_numbers = true)]
    ndim: Option<i32>,
    /// The format of an item
    #[arg(long, short)]
    format: Option<OsString>,
    /// Items in each dimension: 2,3
    #[arg(long, value_name = "N,...", value_delimiter = ',', allow_negative_numbers = true)]
    shape: Option<Vec<i64>>,
    /// Bytes from one item to the next in each dimension: 12,4
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', allow_hyphen_values = true)]
    strides: Option<Vec<i64>>,
    /// Bytes to add after following a pointer, negative where there is none: 0,-1
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', allow_hyphen_values = true)]
    suboffsets: Option<Vec<i64>>,
}

/// One struct, as JSON.
#[derive(Clone, Debug, Deserialize)]
struct Question {
    request: Option<Flags>,
    format: Option<String>,
    itemsize: i64,
    len: i64,
    ndim: i32,
    shape: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    suboffsets: Option<Vec<i64>>,
    #[serde(default)]
    readonly: Readonly,
    dialect: Option<String>,
    model: Option<String>,
    memory: Option<Memory>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Flags {
    Bits(i32),
    Names(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Readonly {
    Bool(bool),
    Int(i32),
}

impl Default for Readonly {
    fn default() -> Self {
        Self::Bool(false)
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Memory {
    len: i64,
    #[serde(default)]
    offset: i64,
}

#[derive(Serialize)]
struct Unanswered {
    error: Refused,
}

/// What was found, as JSON.
fn verdict<'r>(report: &'r Report, view: Option<&View<'_>>) -> Verdict<'r> {
    Verdict { exporter: None, findings: report, readable: view.is_some() }
}

fn question(text: &str) -> Result<Question, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Flags that break the rules of requests are asked for all the same: the report tells which.
fn request(text: &str) -> Result<Request, RequestError> {
    match text.parse::<Request>() {
        Err(
            RequestError::Read { flags }
            | RequestError::Write { flags }
            | RequestError::Partial { flags, .. }
            | RequestError::Unknown { flags, .. },
        ) => Ok(Request::from_bits_retain(flags)),
        parsed => parsed,
    }
}

impl Check {
    pub(super) fn run(mut self, out: &mut impl Write) -> Result<Status, Failure> {
        let model = self.reader.model.model;
        let memory = self.memory.map(|len| Block { len, offset: self.offset });
        let checker = Checker { dialect: self.reader.dialect, model: &model, max_ndim: self.max_ndim, memory };
        if self.jsonl {
            return stream(checker, out);
        }
        if let Some(object) = self.object.take() {
            let verdict = object.judge(checker, |report, view| self.show(out, report, view));
            return match verdict {
                Ok(shown) => shown,
                Err(refused) => {
                    anstream::eprintln!("error: {}", refused.message);
                    Ok(Status::Usage)
                }
            };
        }
        let Checked { report, view } = checker.check(&self.fields.raw(&checker), self.request);
        self.show(out, &report, view.as_ref())
    }

    fn show(&self, out: &mut impl Write, report: &Report, view: Option<&View<'_>>) -> Result<Status, Failure> {
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &verdict(report, view)).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            for finding in report {
                writeln!(out, "{}\n", finding.diagnostic().colored())?;
            }
            writeln!(out, "{}", summary(report, view))?;
        }
        Ok(if report.has_errors() { Status::Failed } else { Status::Done })
    }
}

/// `2 errors, 1 note; readable: 6 items of 4 bytes, shape [2, 3], strides [12, 4]`
fn summary(report: &Report, view: Option<&View<'_>>) -> String {
    let count = |severity: Severity| {
        let count = report.iter().filter(|finding| finding.severity() == severity).count();
        (count > 0).then(|| format!("{count} {severity}{}", if count == 1 { "" } else { "s" }))
    };
    let counts: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count).collect();
    let counts = if counts.is_empty() { "clean".to_owned() } else { counts.join(", ") };
    let Some(view) = view else { return format!("{counts}; not readable") };
    let (items, itemsize) = (view.item_count(), view.itemsize());
    let (items_s, bytes_s) = (if items == 1 { "" } else { "s" }, if itemsize == 1 { "" } else { "s" });
    let (shape, strides) = (view.shape(), view.strides());
    format!(
        "{counts}; readable: {items} item{items_s} of {itemsize} byte{bytes_s}, shape {shape:?}, strides {strides:?}"
    )
}

impl Fields {
    /// The struct, with what was left out worked out.
    fn raw(&self, checker: &Checker<'_>) -> RawView<'_> {
        let format = self.format.as_ref().map(options::bytes);
        let described = || {
            let outcome = reconcile(format?, None, checker.dialect, checker.model);
            i64::try_from(interpretations(&outcome).first()?.layout.size()).ok()
        };
        let itemsize = self.itemsize.or_else(described).unwrap_or(1);
        let shape = self.shape.as_deref();
        let product = |bytes: i64, extent: &i64| bytes.saturating_mul(*extent);
        let len = self.len.unwrap_or_else(|| shape.unwrap_or_default().iter().fold(itemsize, product));
        let ndim = self.ndim.unwrap_or_else(|| match shape {
            Some(shape) => i32::try_from(shape.len()).unwrap_or(i32::MAX),
            None => i32::from(self.len.is_some()),
        });
        RawView {
            buf: None,
            obj: Owner::Unknown,
            len,
            itemsize,
            readonly: i32::from(self.readonly),
            ndim,
            format,
            shape,
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
        }
    }
}

impl Question {
    /// Checks the struct and hands over what was found. What it does not say, `checker` does.
    fn judge<T>(&self, checker: Checker<'_>, tell: impl FnOnce(&Report, Option<&View<'_>>) -> T) -> Result<T, Refused> {
        let unknown = |kind: &str, message: String| Refused::new(kind, message);
        let asked = match &self.request {
            None => None,
            Some(Flags::Bits(flags)) => Some(Request::from_bits_retain(*flags)),
            Some(Flags::Names(names)) => {
                Some(request(names).map_err(|error| unknown("unknown-request", error.to_string()))?)
            }
        };
        let dialect = match &self.dialect {
            None => checker.dialect,
            Some(name) => match Dialect::by_name(name) {
                Some(dialect) => Some(dialect),
                None => return Err(unknown("unknown-dialect", format!("unknown dialect `{name}`"))),
            },
        };
        let model = match &self.model {
            None => *checker.model,
            Some(name) => options::model(name).map_err(|message| unknown("unknown-model", message))?.model,
        };
        let raw = RawView {
            buf: None,
            obj: Owner::Unknown,
            len: self.len,
            itemsize: self.itemsize,
            readonly: match self.readonly {
                Readonly::Bool(readonly) => i32::from(readonly),
                Readonly::Int(readonly) => readonly,
            },
            ndim: self.ndim,
            format: self.format.as_deref().map(str::as_bytes),
            shape: self.shape.as_deref(),
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
        };
        let memory = self.memory.map(|Memory { len, offset }| Block { len, offset });
        let checker = Checker { dialect, model: &model, memory, ..checker };
        let Checked { report, view } = checker.check(&raw, asked);
        Ok(tell(&report, view.as_ref()))
    }
}

/// Answers every line of standard input; the exit status is that of the worst answer.
fn stream(checker: Checker<'_>, out: &mut impl Write) -> Result<Status, Failure> {
    let mut clean = true;
    json::lines(io::stdin().lock(), out, |line, out| {
        let asked = line.and_then(|line| {
            serde_json::from_slice::<Question>(line).map_err(|error| Refused::new("json", error.to_string()))
        });
        let told = asked.and_then(|question| {
            question.judge(checker, |report, view| {
                clean &= !report.has_errors();
                json::write_line(out, &verdict(report, view))
            })
        });
        told.unwrap_or_else(|error| {
            clean = false;
            json::write_line(out, &Unanswered { error })
        })
    })?;
    Ok(if clean { Status::Done } else { Status::Failed })
}
