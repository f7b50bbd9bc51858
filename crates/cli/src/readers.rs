//! `pep3118 readers`: prints the interpretation of a format by each known reader of formats.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118_readers::{Answer, Outcome, ReadersTable, readers};
use serde_json::json;

use super::c_source::COptions;
use super::examples;
use super::failure::{Failure, Status};
use super::json;
use super::names::NamedModel;
use super::options;

/// Show how each reader interprets a format, or why it refuses it
///
/// The table has one row for each reader: CPython's struct and memoryview, NumPy, Cython, binding
/// generators such as PyO3, and some libraries, in the version that was tested. A reader misreads a format
/// if it accepts the format but computes another layout than the format describes. With --c, the table is
/// about the canonical format of the C type.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("readers"))]
pub(super) struct Readers {
    /// The format
    #[arg(required_unless_present_any = ["c", "struct"], conflicts_with_all = ["c", "struct"])]
    format: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    /// The size of an item in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    /// The machine on which the readers run: a named model or a target triple
    #[arg(long, short, default_value = "host", value_parser = options::model_parser(), hide_possible_values = true)]
    model: NamedModel,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Readers {
    /// Writes the answers of all readers to `out`, and returns [`Done`](Status::Done), even if readers refuse the
    /// format.
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let canonical = match self.c.interpretation(&self.model, self.itemsize)? {
            Some(found) => Some(options::canonical(&found.layout).map_err(Failure::refused)?),
            None => None,
        };
        let format = match (&canonical, &self.format) {
            (Some(canonical), _) => canonical.as_bytes(),
            (None, Some(format)) => options::bytes(format),
            // clap requires a format unless --c is given.
            (None, None) => return Err(Failure::internal("no format")),
        };
        let answers = readers(format, self.itemsize, &self.model.model);
        if self.json {
            json::write_pretty(out, &answers.iter().map(row).collect::<Vec<_>>())?;
        } else {
            write!(out, "{}", ReadersTable::new(&answers, super::width()))?;
        }
        Ok(Status::Done)
    }
}

/// Returns `answer`, the interpretation of the format by one reader, as a JSON object.
fn row(answer: &Answer) -> serde_json::Value {
    let consumer = answer.consumer.to_string();
    match &answer.outcome {
        Outcome::Reads { layout, note } => {
            json!({"consumer": consumer, "outcome": "reads", "as": layout, "note": note})
        }
        Outcome::Misreads { layout, meaning } => {
            json!({"consumer": consumer, "outcome": "misreads", "as": layout, "means": meaning})
        }
        Outcome::Refuses { reason } => json!({"consumer": consumer, "outcome": "refuses", "why": reason}),
    }
}
