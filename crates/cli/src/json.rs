//! JSON in and out, one object a line.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use pep3118::__private::interpretations;
use pep3118::{DataModel, Dialect, Field, Interpretation, LayoutError, reconcile};
use serde::{Deserialize, Serialize};

use super::options;
use super::{Failure, Status};

/// Longest line that is read, in bytes; the rest of a longer one is skipped.
const LONGEST_LINE: u64 = 16 << 20;

/// One question: `{"format": "<i", "itemsize": 4, "dialect": "numpy", "model": "lp64"}`.
#[derive(Deserialize)]
struct Question {
    /// Null is the NULL format, which means `"B"`.
    #[serde(deserialize_with = "Option::deserialize")]
    format: Option<String>,
    itemsize: Option<u64>,
    dialect: Option<String>,
    model: Option<String>,
}

/// One answer.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer<'a> {
    Ok(Explained<'a>),
    Error(Refused),
}

#[derive(Serialize)]
pub(super) struct Explained<'a> {
    dialect: &'a str,
    model: &'a str,
    size: u64,
    align: u64,
    itemsize: u64,
    certainty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Field<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alternatives: Vec<Alternative<'a>>,
}

#[derive(Serialize)]
struct Alternative<'a> {
    dialect: &'a str,
    size: u64,
    item: Field<'a>,
}

#[derive(Serialize)]
pub(super) struct Refused {
    kind: String,
    pub(super) message: String,
    span: Option<[usize; 2]>,
}

impl Refused {
    pub(super) fn new(kind: &str, message: String) -> Self {
        Self { kind: kind.to_owned(), message, span: None }
    }
}

impl<'a> Answer<'a> {
    /// The answer to a question: the interpretation or the alternatives; without their trees if only sizes are wanted.
    pub(super) fn of_outcome(
        outcome: &'a Result<Interpretation, LayoutError>,
        model: &'a str,
        with_item: bool,
    ) -> Self {
        match (outcome, interpretations(outcome)) {
            (Ok(found), _) => Self::of_alternatives(found, &[], model, with_item),
            (Err(_), [first, others @ ..]) => Self::of_alternatives(first, others, model, with_item),
            (Err(error), []) => {
                let span = error.span();
                Self::Error(Refused {
                    kind: error.kind().name().to_owned(),
                    message: error.to_string(),
                    span: Some([span.start(), span.end()]),
                })
            }
        }
    }

    fn of_alternatives(
        first: &'a Interpretation,
        others: &'a [Interpretation],
        model: &'a str,
        with_item: bool,
    ) -> Self {
        let itemsize = first.layout.size();
        let alternatives = others.iter().filter(|_| with_item).map(|other| Alternative {
            dialect: other.dialect.name,
            size: other.layout.size(),
            item: other.layout.item(),
        });
        Self::Ok(Explained {
            dialect: first.dialect.name,
            model,
            size: itemsize.saturating_sub(first.trailing_padding),
            align: first.layout.align().bytes(),
            itemsize,
            certainty: if others.is_empty() { first.certainty.as_str() } else { "ambiguous" },
            item: with_item.then(|| first.layout.item()),
            alternatives: alternatives.collect(),
        })
    }

    /// Whether the format has an interpretation.
    pub(super) fn is_ok(&self) -> bool {
        matches!(self, Self::Ok(_))
    }
}

/// Answers every line of `input` on a line of `out`, in constant memory. The exit status is that of
/// the worst answer.
pub(super) fn stream<R: Read>(input: R, out: &mut impl Write, with_item: bool) -> Result<Status, Failure> {
    let mut status = Status::Done;
    lines(input, out, |line, out| {
        let answered = match line {
            Ok(line) => answer(line, out, with_item)?,
            Err(refused) => refuse(out, refused)?,
        };
        if !answered {
            status = Status::Failed;
        }
        Ok(())
    })?;
    Ok(status)
}

/// Hands every line of `input` that is not blank to `answer`, one at a time, in constant memory.
pub(super) fn lines<R: Read, W: Write>(
    input: R,
    out: &mut W,
    mut answer: impl FnMut(Result<&[u8], Refused>, &mut BufWriter<&mut W>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut input = BufReader::new(input);
    let mut out = BufWriter::new(out);
    let mut line = Vec::new();
    loop {
        line.clear();
        input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(out.flush()?);
        }
        let whole = line.last() == Some(&b'\n') || line.len() < usize::try_from(LONGEST_LINE).unwrap_or(usize::MAX);
        if !whole {
            input.skip_until(b'\n')?;
            answer(Err(Refused::new("json", format!("line is longer than {LONGEST_LINE} bytes"))), &mut out)?;
        } else if !line.trim_ascii().is_empty() {
            answer(Ok(&line), &mut out)?;
        }
        // Whoever asks one question at a time gets one answer at a time.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
}

/// Whether the line was answered other than by an error.
fn answer(line: &[u8], out: &mut impl Write, with_item: bool) -> Result<bool, Failure> {
    let question: Question = match serde_json::from_slice(line) {
        Ok(question) => question,
        Err(error) => return refuse(out, Refused::new("json", error.to_string())),
    };
    let dialect = match question.dialect.as_deref().map(|name| (name, Dialect::by_name(name))) {
        None => None,
        Some((_, Some(dialect))) => Some(dialect),
        Some((name, None)) => {
            return refuse(out, Refused::new("unknown-dialect", format!("unknown dialect `{name}`")));
        }
    };
    let name = question.model.as_deref().unwrap_or(DataModel::HOST.name);
    let model = match options::model(name) {
        Ok(model) => model.model,
        Err(message) => return refuse(out, Refused::new("unknown-model", message)),
    };
    let format = question.format.as_deref().unwrap_or("B");
    let outcome = reconcile(format.as_bytes(), question.itemsize, dialect, &model);
    let answer = Answer::of_outcome(&outcome, name, with_item);
    write_line(out, &answer)?;
    Ok(answer.is_ok())
}

fn refuse(out: &mut impl Write, refused: Refused) -> Result<bool, Failure> {
    write_line(out, &Answer::Error(refused)).map(|()| false)
}

/// What each consumer makes of a format, as one JSON array.
pub(super) fn readers(out: &mut impl Write, answers: &[pep3118_readers::Answer]) -> Result<(), Failure> {
    use pep3118_readers::Outcome;
    let rows: Vec<serde_json::Value> = answers
        .iter()
        .map(|answer| {
            let consumer = answer.consumer.to_string();
            match &answer.outcome {
                Outcome::Reads { what, note } => {
                    serde_json::json!({"consumer": consumer, "outcome": "reads", "as": what, "note": note})
                }
                Outcome::Misreads { what, means } => {
                    serde_json::json!({"consumer": consumer, "outcome": "misreads", "as": what, "means": means})
                }
                Outcome::Refuses { why } => {
                    serde_json::json!({"consumer": consumer, "outcome": "refuses", "why": why})
                }
            }
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &rows).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// One line of JSON.
pub(super) fn write_line(out: &mut impl Write, answer: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, answer).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
