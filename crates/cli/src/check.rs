//! `pep3118 check`: checks the fields of a `Py_buffer` against the rules of the buffer protocol.

use pep3118::__private::to_u64;
use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118::__private::{ReportJson, interpretations, plural};
use pep3118::{Block, Checked, Checker, Owner, RawView, Report, Request, Severity, View, reconcile};
use serde::{Deserialize, Serialize};

use super::c_source::COptions;
use super::escape::escape;
use super::examples;
use super::failure::{Failure, Status, print_error};
use super::findings::{self, FindingsFormat, write_findings};
use super::json::{self, ErrorObject};
use super::names;
use super::options::{self, InterpretationOptions};
use super::wrap;

/// Check the fields of a Py_buffer against the rules of the buffer protocol
///
/// Without --format, --shape, --strides or --suboffsets, the pointer is NULL. Without --itemsize, the size
/// is computed from the format. Without --len or --ndim, the value is computed from the shape. The exit
/// status is 1 if there is an error. Notes and warnings are not errors.
///
/// With --jsonl, the command reads buffers from standard input, one JSON object a line: {"request":
/// "FULL_RO", "format": "<i", "itemsize": 4, "len": 24, "ndim": 2, "shape": [2, 3], "strides": [12, 4],
/// "suboffsets": null, "readonly": true, "dialect": "numpy", "model": "lp64", "memory": {"len": 24,
/// "offset": 0}}. All keys are optional. A missing key has the value that a missing option has. The exit
/// status is 1 if any buffer has an error or any line is not a buffer.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("check"))]
pub(super) struct Check {
    /// All fields as one JSON object, as with --jsonl
    #[arg(value_parser = buffer_from_json, conflicts_with_all = ["BufferOptions", "c", "struct", "request", "memory"])]
    object: Option<BufferJson>,
    #[command(flatten)]
    buffer: BufferOptions,
    #[command(flatten)]
    c: COptions,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// The request of the consumer: FULL_RO, 'ND|FORMAT', 0x11c [default: skip the rules about requests]
    #[arg(long, short, value_parser = names::request)]
    request: Option<Request>,
    /// The length in bytes of the memory block that contains the buffer
    #[arg(long, value_name = "LEN", allow_negative_numbers = true)]
    memory: Option<i64>,
    /// The offset in bytes of buf in the memory block
    #[arg(long, value_name = "N", default_value = "0", requires = "memory", allow_negative_numbers = true)]
    offset: i64,
    /// The largest ndim that the interpreter accepts, PyBUF_MAX_NDIM: 64 for CPython, 36 for PyPy
    #[arg(long, value_name = "NDIM", default_value_t = Checker::DEFAULT.max_ndim)]
    max_ndim: i32,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = FindingsFormat::Text)]
    to: FindingsFormat,
    /// Print JSON, as --to json does
    #[arg(long, conflicts_with = "to")]
    json: bool,
    /// Check buffers from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["object", "BufferOptions", "c", "struct", "json", "to", "dialect", "request", "memory"])]
    jsonl: bool,
}

/// The command-line options for the fields of a `Py_buffer`.
#[derive(Debug, Args)]
#[group(multiple = true)]
struct BufferOptions {
    /// Number of bytes of all items
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    len: Option<i64>,
    /// Number of bytes of one item
    #[arg(long, short, value_name = "BYTES", allow_negative_numbers = true)]
    itemsize: Option<i64>,
    /// The memory is read-only
    #[arg(long)]
    readonly: bool,
    /// Number of dimensions
    #[arg(long, allow_negative_numbers = true)]
    ndim: Option<i32>,
    /// The format of an item
    #[arg(long, short, conflicts_with_all = ["c", "struct"])]
    format: Option<OsString>,
    /// Number of items in each dimension: 2,3
    #[arg(long, value_name = "N,...", value_delimiter = ',', allow_negative_numbers = true)]
    shape: Option<Vec<i64>>,
    /// Bytes from one item to the next in each dimension: 12,4
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', allow_hyphen_values = true)]
    strides: Option<Vec<i64>>,
    /// Bytes to add after following the pointer of each dimension; negative for a dimension without pointers: 0,-1
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', allow_hyphen_values = true)]
    suboffsets: Option<Vec<i64>>,
}

/// The fields of a `Py_buffer` as a JSON object. A missing `itemsize`, `len` or `ndim` is computed from the other
/// fields. A missing pointer is NULL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BufferJson {
    request: Option<RequestJson>,
    format: Option<String>,
    itemsize: Option<i64>,
    len: Option<i64>,
    ndim: Option<i32>,
    shape: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    suboffsets: Option<Vec<i64>>,
    #[serde(default)]
    readonly: ReadonlyJson,
    dialect: Option<String>,
    model: Option<String>,
    memory: Option<BlockJson>,
}

/// A request as an integer, such as `284`, or as names, such as `"FULL_RO"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum RequestJson {
    Bits(i32),
    Names(String),
}

/// The field `readonly`. In C the field is an `int`, and a rule allows only 0 and 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum ReadonlyJson {
    Bool(bool),
    Int(i32),
}

impl Default for ReadonlyJson {
    fn default() -> Self {
        Self::Bool(false)
    }
}

/// The memory block that contains the buffer. The block has `len` bytes, and `buf` points to the byte at `offset`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockJson {
    len: i64,
    #[serde(default)]
    offset: i64,
}

/// The reply to a line of `--jsonl` that is not a buffer.
#[derive(Serialize)]
struct ErrorReply {
    error: ErrorObject,
}

/// Returns the JSON of `report`, the result of a check. `view` is `None` if the broken rules make the buffer
/// unreadable.
fn report_json<'r>(report: &'r Report, view: Option<&View<'_>>) -> ReportJson<'r> {
    ReportJson { exporter: None, findings: report, readable: view.is_some() }
}

/// Parses the argument OBJECT of the command: `text`, a JSON object that describes a buffer. Returns the error message
/// if `text` does not describe a buffer.
fn buffer_from_json(text: &str) -> Result<BufferJson, String> {
    serde_json::from_str(text).map_err(|error| escape(error.to_string().as_bytes()).into_owned())
}

impl Check {
    /// Runs the command. Returns [`Failed`](Status::Failed) if a buffer breaks a rule of the severity error, and
    /// [`Usage`](Status::Usage) if the argument OBJECT contains an unknown request, dialect or data model.
    pub(super) fn run(mut self, out: &mut impl Write) -> Result<Status, Failure> {
        let model = self.interpretation.model.model;
        let memory = self.memory.map(|len| Block { len, offset: self.offset });
        let checker = Checker { dialect: self.interpretation.dialect, model: &model, max_ndim: self.max_ndim, memory };
        if self.jsonl {
            return check_lines(checker);
        }
        self.json |= self.to == FindingsFormat::Json;
        if let Some(object) = self.object.take() {
            let printed = object.check(checker, |report, view| self.print(out, report, view));
            return printed.unwrap_or_else(|error| {
                print_error(&format!("error: {}", escape(error.message.as_bytes())));
                Ok(Status::Usage)
            });
        }
        // A canonical format has the same layout in every dialect.
        match self.c.interpretation(&self.interpretation.model, None) {
            Ok(None) => {}
            Ok(Some(found)) => match options::canonical(&found.layout) {
                Ok(format) => self.buffer.format = Some(OsString::from(format)),
                Err(message) if self.json => return write_error(out, ErrorObject::new("c-source", message)),
                Err(message) => return Err(Failure::refused(message)),
            },
            Err(error) if self.json => return write_error(out, ErrorObject::from(&error)),
            Err(error) => return Err(error.into()),
        }
        let Checked { report, view } = checker.check(&self.buffer.given().raw_view(&checker), self.request);
        self.print(out, &report, view.as_ref())
    }

    /// Writes the result of a check to `out`, in the format of `--to` or `--json`. `view` is `None` if the items cannot
    /// be read. Returns [`Failed`](Status::Failed) if `report` contains an error. Returns an error if writing fails.
    fn print(&self, out: &mut impl Write, report: &Report, view: Option<&View<'_>>) -> Result<Status, Failure> {
        if self.json {
            json::write_pretty(out, &report_json(report, view))?;
        } else if self.to != FindingsFormat::Text {
            let checked = findings::Checked { name: "Py_buffer", report: Ok(report_json(report, view)) };
            out.write_all(write_findings(self.to, &[checked], &[], false)?.as_bytes())?;
        } else {
            for finding in report {
                writeln!(out, "{}\n", wrap::message(&finding.diagnostic().colored()))?;
            }
            writeln!(out, "{}", summary(report, view))?;
        }
        Ok(if report.has_errors() { Status::Failed } else { Status::Done })
    }
}

/// Writes `error` to `out` as JSON. Returns [`Failed`](Status::Failed).
fn write_error(out: &mut impl Write, error: ErrorObject) -> Result<Status, Failure> {
    json::write_pretty(out, &ErrorReply { error })?;
    Ok(Status::Failed)
}

/// Returns the last line of the output for `report`, such as `2 errors, 1 note; readable: 6 items of 4 bytes, shape [2,
/// 3], strides [12, 4]`. A report without findings is `clean`. `view` is `None` if the items cannot be read; the line
/// then ends with `not readable`.
fn summary(report: &Report, view: Option<&View<'_>>) -> String {
    let count = |severity: Severity| {
        let count = to_u64(report.iter().filter(|finding| finding.severity() == severity).count());
        (count > 0).then(|| plural(count, severity.as_str()))
    };
    let counts: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count).collect();
    let counts = if counts.is_empty() { "clean".to_owned() } else { counts.join(", ") };
    let Some(view) = view else { return format!("{counts}; not readable") };
    let (items, bytes) = (plural(view.item_count(), "item"), plural(view.itemsize().unsigned_abs(), "byte"));
    let (shape, strides) = (view.shape(), view.strides());
    format!("{counts}; readable: {items} of {bytes}, shape {shape:?}, strides {strides:?}")
}

/// The fields of a `Py_buffer` that the user gave.
struct GivenFields<'b> {
    len: Option<i64>,
    itemsize: Option<i64>,
    readonly: i32,
    ndim: Option<i32>,
    format: Option<&'b [u8]>,
    shape: Option<&'b [i64]>,
    strides: Option<&'b [i64]>,
    suboffsets: Option<&'b [i64]>,
}

impl<'b> GivenFields<'b> {
    /// Returns the buffer with these fields. A missing `itemsize`, `len` or `ndim` is computed from the format and the
    /// shape. The dialect and the data model of `checker` determine the size of the format.
    fn raw_view(&self, checker: &Checker<'_>) -> RawView<'b> {
        let Self { readonly, format, shape, strides, suboffsets, .. } = *self;
        let described = || {
            let found = reconcile(format?, None, checker.dialect, checker.model);
            i64::try_from(interpretations(&found).first()?.layout.size()).ok()
        };
        // A format of NULL means bytes, so the item size is then 1. An invalid format has no size, so the item size is
        // also 1, and the check reports the format.
        let itemsize = self.itemsize.or_else(described).unwrap_or(1);
        let product = |bytes: i64, len: &i64| bytes.saturating_mul(*len);
        let len = self.len.unwrap_or_else(|| shape.unwrap_or_default().iter().fold(itemsize, product));
        let ndim = self.ndim.unwrap_or_else(|| match shape {
            // The check reports every number of dimensions above 64, including `i32::MAX`.
            Some(shape) => i32::try_from(shape.len()).unwrap_or(i32::MAX),
            None => i32::from(self.len.is_some()),
        });
        RawView { buf: None, obj: Owner::Unknown, len, itemsize, readonly, ndim, format, shape, strides, suboffsets }
    }
}

impl BufferOptions {
    /// Returns the fields that the options contain. Without `--readonly`, `readonly` is 0.
    fn given(&self) -> GivenFields<'_> {
        GivenFields {
            len: self.len,
            itemsize: self.itemsize,
            readonly: i32::from(self.readonly),
            ndim: self.ndim,
            format: self.format.as_deref().map(options::bytes),
            shape: self.shape.as_deref(),
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
        }
    }
}

impl BufferJson {
    /// Checks the buffer, calls `print` with the result, and returns the result of `print`. If the JSON object has no
    /// key `dialect` or `model`, the dialect or the data model of `checker` is used. The memory block of `checker` is
    /// ignored.
    ///
    /// # Errors
    /// - the request, the dialect or the data model is unknown
    fn check<T>(
        &self,
        checker: Checker<'_>,
        print: impl FnOnce(&Report, Option<&View<'_>>) -> T,
    ) -> Result<T, ErrorObject> {
        let requested = match &self.request {
            None => None,
            Some(RequestJson::Bits(flags)) => Some(Request::from_bits_retain(*flags)),
            Some(RequestJson::Names(names)) => {
                Some(names::request(names).map_err(|error| ErrorObject::new("unknown-request", error))?)
            }
        };
        let dialect = match &self.dialect {
            None => checker.dialect,
            Some(name) => Some(names::dialect(name).map_err(|message| ErrorObject::new("unknown-dialect", message))?),
        };
        let model = match &self.model {
            None => *checker.model,
            Some(name) => names::model(name).map_err(|message| ErrorObject::new("unknown-model", message))?,
        };
        let memory = self.memory.map(|BlockJson { len, offset }| Block { len, offset });
        let checker = Checker { dialect, model: &model, memory, ..checker };
        let Checked { report, view } = checker.check(&self.given().raw_view(&checker), requested);
        Ok(print(&report, view.as_ref()))
    }

    /// Returns the fields of the JSON object. A `readonly` of `true` becomes 1, and a missing one becomes 0.
    fn given(&self) -> GivenFields<'_> {
        GivenFields {
            len: self.len,
            itemsize: self.itemsize,
            readonly: match self.readonly {
                ReadonlyJson::Bool(readonly) => i32::from(readonly),
                ReadonlyJson::Int(readonly) => readonly,
            },
            ndim: self.ndim,
            format: self.format.as_deref().map(str::as_bytes),
            shape: self.shape.as_deref(),
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
        }
    }
}

/// Checks the buffer on each line of standard input with `checker`, and prints one reply for each line. A line that is
/// not a buffer gets an [`ErrorReply`]. Returns [`Failed`](Status::Failed) if any buffer has an error or any line is
/// not a buffer.
fn check_lines(checker: Checker<'_>) -> Result<Status, Failure> {
    let mut clean = true;
    json::for_each_line(|line, out| {
        let buffer = line.and_then(|line| {
            serde_json::from_slice::<BufferJson>(line).map_err(|error| ErrorObject::new("json", error.to_string()))
        });
        let replied = buffer.and_then(|buffer| {
            buffer.check(checker, |report, view| {
                clean &= !report.has_errors();
                json::write_line(out, &report_json(report, view))
            })
        });
        replied.unwrap_or_else(|error| {
            clean = false;
            json::write_line(out, &ErrorReply { error })
        })
    })?;
    Ok(if clean { Status::Done } else { Status::Failed })
}
