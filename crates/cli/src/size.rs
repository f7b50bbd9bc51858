//! `pep3118 size`: prints the size of an item of each given format, or of a C type.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118::{DataModel, Dialect, calcsize_in};
use serde::Serialize;

use super::c_source::COptions;
use super::escape::escape;
use super::examples;
use super::failure::{Failure, Status};
use super::json::{self, ErrorObject};
use super::options::{self, InterpretationOptions, note_type_name};

/// Print the size of an item in bytes, as struct.calcsize does
///
/// For one format, the output is one number. For several formats, the output is one line for each format:
/// the size and the format. Without --dialect the dialect is `pep3118`. It gives the size of
/// struct.calcsize for every format that struct accepts. The exit status is 1 if a format is refused. With
/// --json, the output is a list with an object for each format, with the key "size" or "error".
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("size"))]
pub(super) struct Size {
    /// The formats
    #[arg(required_unless_present_any = ["c", "struct", "jsonl"], conflicts_with_all = ["c", "struct"])]
    formats: Vec<OsString>,
    #[command(flatten)]
    c: COptions,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Reply to queries from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["formats", "c", "struct", "dialect", "json"])]
    jsonl: bool,
}

/// The size of a format as a JSON object.
#[derive(Serialize)]
struct SizeReply {
    /// `None` for C source that has no canonical format or is refused.
    format: Option<String>,
    #[serde(flatten)]
    outcome: SizeOutcome,
}

/// The size of an item in bytes, or the reason why the format has no size.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum SizeOutcome {
    Size(u64),
    Error(ErrorObject),
}

impl Size {
    /// Writes the sizes to `out`. If a format is refused, writes the sizes of the other formats and returns
    /// [`Failed`](Status::Failed).
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        if self.jsonl {
            return json::reply_to_formats(false);
        }
        let InterpretationOptions { dialect, model } = &self.interpretation;
        let dialect = dialect.unwrap_or(&Dialect::PEP3118);
        match self.c.interpretation(model, None) {
            Ok(None) => {}
            Ok(Some(found)) => {
                let size = found.layout.size();
                if self.json {
                    let format = options::canonical(&found.layout).ok();
                    json::write_pretty(out, &[SizeReply { format, outcome: SizeOutcome::Size(size) }])?;
                } else {
                    writeln!(out, "{size}")?;
                }
                return Ok(Status::Done);
            }
            Err(error) if self.json => {
                let outcome = SizeOutcome::Error(ErrorObject::from(&error));
                json::write_pretty(out, &[SizeReply { format: None, outcome }])?;
                return Ok(Status::Failed);
            }
            Err(error) => return Err(error.into()),
        }
        if self.json {
            let replies: Vec<SizeReply> =
                self.formats.iter().map(|format| reply(options::bytes(format), dialect, &model.model)).collect();
            json::write_pretty(out, &replies)?;
            let is_ok = |reply: &SizeReply| matches!(reply.outcome, SizeOutcome::Size(_));
            return Ok(if replies.iter().all(is_ok) { Status::Done } else { Status::Failed });
        }
        let is_single = self.formats.len() == 1;
        let mut status = Status::Done;
        for format in &self.formats {
            let bytes = options::bytes(format);
            match calcsize_in(bytes, dialect, &model.model) {
                Ok(size) if is_single => writeln!(out, "{size}")?,
                Ok(size) => writeln!(out, "{size:>6}  {}", escape(bytes))?,
                Err(error) => {
                    out.flush()?;
                    status = self.interpretation.refused(&error, bytes, None).report();
                    continue;
                }
            }
            note_type_name(bytes);
        }
        Ok(status)
    }
}

/// Returns the size of `format` in `dialect` and `model` as a JSON object.
fn reply(format: &[u8], dialect: &Dialect, model: &DataModel) -> SizeReply {
    let outcome = match calcsize_in(format, dialect, model) {
        Ok(size) => SizeOutcome::Size(size),
        Err(error) => SizeOutcome::Error(ErrorObject::from(&error)),
    };
    SizeReply { format: Some(json::text(format)), outcome }
}
