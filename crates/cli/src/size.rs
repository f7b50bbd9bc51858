//! `pep3118 size`: prints the size of an item.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118::{Dialect, calcsize_in};

use super::c_source::COptions;
use super::escape::escape;
use super::failure::{Failure, Status};
use super::json;
use super::options::{self, InterpretationOptions, note_type_name};

/// Print the size of an item in bytes, as struct.calcsize does
///
/// For one format, the output is one number. For several formats, the output is one line for each format:
/// the size and the format. Without --dialect the dialect is `pep3118`. It gives the size of
/// struct.calcsize for every format that struct accepts. The exit status is 1 if a format is refused.
#[derive(Debug, Args)]
pub(super) struct Size {
    /// The formats
    #[arg(required_unless_present_any = ["c", "jsonl"], conflicts_with = "c")]
    formats: Vec<OsString>,
    #[command(flatten)]
    c: COptions,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Reply to queries from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["formats", "c", "dialect"])]
    jsonl: bool,
}

impl Size {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        if self.jsonl {
            return json::reply_to_formats(false);
        }
        let InterpretationOptions { dialect, model } = &self.interpretation;
        let dialect = dialect.unwrap_or(&Dialect::PEP3118);
        if let Some(found) = self.c.interpretation(model)? {
            writeln!(out, "{}", found.layout.size())?;
            return Ok(Status::Done);
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
