//! The JSON output of `--json`, and the queries and replies of `--jsonl` with one JSON object on each line.
//! `FormatReply` describes the interpretations of a format.

use pep3118::__private::to_u64;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write};

use pep3118::__private::interpretations;
use pep3118::{DataModel, Field, Interpretation, LayoutError, reconcile};
use serde::{Deserialize, Serialize};

use super::escape;
use super::failure::{Failure, Status};
use super::names;

/// The largest number of bytes in a query line. A longer line gets an error as reply.
const LINE_LIMIT: usize = 16 << 20;

/// The initial capacity in bytes of the text of a reply. Most replies are shorter, so the text is rarely reallocated.
const LINE_CAPACITY: usize = 512;

/// A query of `explain --jsonl` and `size --jsonl`:
/// `{"format": "<i", "itemsize": 4, "dialect": "numpy", "model": "lp64"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatQuery {
    /// The format, or `null` for a `Py_buffer` whose format is NULL, which means `"B"`. The key is required. Without
    /// the attribute `deserialize_with`, serde would accept a missing key as `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    format: Option<String>,
    itemsize: Option<u64>,
    dialect: Option<String>,
    model: Option<String>,
}

/// The reply to a [`FormatQuery`], and the output of `explain --json`.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatReply<'a> {
    Ok(FormatSummary<'a>),
    Error(ErrorObject),
}

/// The interpretation of a format. Sizes are in bytes.
#[derive(Serialize)]
pub(super) struct FormatSummary<'a> {
    dialect: &'a str,
    model: &'a str,
    /// The size that the format describes, without implicit trailing padding.
    size: u64,
    align: u64,
    /// The size of an item, with implicit trailing padding.
    itemsize: u64,
    certainty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Field<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alternatives: Vec<AlternativeSummary<'a>>,
}

/// Another interpretation of an ambiguous format.
#[derive(Serialize)]
struct AlternativeSummary<'a> {
    dialect: &'a str,
    size: u64,
    item: Field<'a>,
}

/// The error of a query as a JSON object.
#[derive(Serialize)]
pub(super) struct ErrorObject {
    kind: String,
    pub(super) message: String,
    /// The start and the end of the offending bytes in the format. `None` if the error is not in a format.
    span: Option<[usize; 2]>,
}

impl ErrorObject {
    /// Returns an error without a span. `kind` identifies the error for programs, such as `unknown-model`, and
    /// `message` describes the error for users.
    pub(super) fn new(kind: &str, message: String) -> Self {
        Self { kind: kind.to_owned(), message, span: None }
    }
}

impl From<&LayoutError> for ErrorObject {
    fn from(error: &LayoutError) -> Self {
        let span = error.span();
        Self {
            kind: error.kind().name().to_owned(),
            message: error.to_string(),
            span: Some([span.start(), span.end()]),
        }
    }
}

/// The output of a command with `--json` that has one result: `{"ok": …}` or `{"error": …}`.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reply<T> {
    Ok(T),
    Error(ErrorObject),
}

/// Returns `text` as a string for JSON. If `text` is not UTF-8, returns it escaped by [`escape`](escape::escape).
pub(super) fn text(text: &[u8]) -> String {
    str::from_utf8(text).map_or_else(|_| escape::escape(text).into_owned(), str::to_owned)
}

impl<'a> FormatReply<'a> {
    /// Creates the reply for `found`, the result of interpreting a format. An ambiguous format is not an error: the
    /// reply contains all interpretations. `model` is the name that the user gave. If `with_fields` is `true`, the
    /// reply also contains the fields of the item.
    pub(super) fn new(found: &'a Result<Interpretation, LayoutError>, model: &'a str, with_fields: bool) -> Self {
        match (found, interpretations(found)) {
            (Ok(found), _) => Self::Ok(FormatSummary::new(found, &[], model, with_fields)),
            (Err(_), [first, others @ ..]) => Self::Ok(FormatSummary::new(first, others, model, with_fields)),
            (Err(error), []) => Self::Error(error.into()),
        }
    }

    /// Returns `true` if the format has an interpretation.
    pub(super) fn is_ok(&self) -> bool {
        matches!(self, Self::Ok(_))
    }
}

impl<'a> FormatSummary<'a> {
    /// Creates the reply for `found`, the first interpretation of a format. `others` are the other interpretations of
    /// an ambiguous format. `model` is the name of the data model. If `with_fields` is `true`, the reply contains the
    /// fields and the alternatives.
    fn new(found: &'a Interpretation, others: &'a [Interpretation], model: &'a str, with_fields: bool) -> Self {
        let itemsize = found.layout.size();
        let alternatives = others.iter().filter(|_| with_fields).map(|other| AlternativeSummary {
            dialect: other.dialect.name,
            size: other.layout.size(),
            item: other.layout.item(),
        });
        Self {
            dialect: found.dialect.name,
            model,
            size: itemsize.saturating_sub(found.trailing_padding),
            align: found.layout.align().bytes(),
            itemsize,
            certainty: if others.is_empty() { found.certainty.as_str() } else { "ambiguous" },
            item: with_fields.then(|| found.layout.item()),
            alternatives: alternatives.collect(),
        }
    }
}

/// Replies to each [`FormatQuery`] on standard input with a line on standard output. If `with_fields` is `true`,
/// replies contain the fields. Returns [`Failed`](Status::Failed) if any reply is an error.
pub(super) fn reply_to_formats(with_fields: bool) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for_each_line(|line, out| {
        let is_ok = match line {
            Ok(line) => reply(line, out, with_fields)?,
            Err(error) => write_error(out, error)?,
        };
        if !is_ok {
            status = Status::Failed;
        }
        Ok(())
    })?;
    Ok(status)
}

/// The buffered standard output to which replies are written. Replies contain no colours, so they are not written to
/// `anstream::stdout()`, which would search them for colours. The search takes a tenth of the time of a query.
type Replies = BufWriter<io::StdoutLock<'static>>;

/// Calls `reply` for each line of standard input that is not blank. The arguments of `reply` are the line and the
/// output. If a line is longer than `LINE_LIMIT` bytes, the first argument is an error. This limit bounds the memory.
pub(super) fn for_each_line(
    mut reply: impl FnMut(Result<&[u8], ErrorObject>, &mut Replies) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // `BufReader` has a method that returns the buffered bytes, and `StdinLock` has none. The flush at the end of the
    // loop needs this method.
    let mut input = BufReader::new(io::stdin().lock());
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        input.by_ref().take(to_u64(LINE_LIMIT)).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(out.flush()?);
        }
        if line.last() != Some(&b'\n') && line.len() >= LINE_LIMIT {
            input.skip_until(b'\n')?;
            reply(Err(ErrorObject::new("json", format!("line is longer than {LINE_LIMIT} bytes"))), &mut out)?;
        } else if !line.trim_ascii().is_empty() {
            reply(Ok(&line), &mut out)?;
        }
        // Flush before a `read` that may block: the sender may wait for the reply before the next query.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
}

/// Writes the reply to `line`, a [`FormatQuery`] in JSON, to `out`. If `with_fields` is `true`, the reply contains the
/// fields. Returns `false` if the reply is an error. Returns an error if writing fails.
fn reply(line: &[u8], out: &mut impl Write, with_fields: bool) -> Result<bool, Failure> {
    let query: FormatQuery = match serde_json::from_slice(line) {
        Ok(query) => query,
        Err(error) => return write_error(out, ErrorObject::new("json", error.to_string())),
    };
    let dialect = match query.dialect.as_deref().map(names::dialect).transpose() {
        Ok(dialect) => dialect,
        Err(message) => return write_error(out, ErrorObject::new("unknown-dialect", message)),
    };
    let name = query.model.as_deref().unwrap_or(DataModel::HOST.name);
    let model = match names::named_model(name) {
        Ok(model) => model.model,
        Err(message) => return write_error(out, ErrorObject::new("unknown-model", message)),
    };
    let format = query.format.as_deref().unwrap_or("B");
    let found = reconcile(format.as_bytes(), query.itemsize, dialect, &model);
    let reply = FormatReply::new(&found, name, with_fields);
    write_line(out, &reply)?;
    Ok(reply.is_ok())
}

/// Writes `error` to `out` as the reply. Returns `false`: the reply is an error.
fn write_error(out: &mut impl Write, error: ErrorObject) -> Result<bool, Failure> {
    write_line(out, &FormatReply::Error(error))?;
    Ok(false)
}

/// Writes `value` to `out` as one line of JSON, with invisible characters escaped. Returns an error if writing fails.
pub(super) fn write_line(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = Vec::with_capacity(LINE_CAPACITY);
    serde_json::to_writer(&mut text, value)?;
    write(out, text)
}

/// Writes `value` to `out` as indented JSON and a line feed, with invisible characters escaped. Returns an error if
/// writing fails.
pub(super) fn write_pretty(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    write(out, serde_json::to_vec_pretty(value)?)
}

/// Writes the JSON `text` to `out` with invisible characters escaped, and a line feed. Returns an error if writing
/// fails.
fn write(out: &mut impl Write, mut text: Vec<u8>) -> Result<(), Failure> {
    escape::json(&mut text);
    text.push(b'\n');
    Ok(out.write_all(&text)?)
}
