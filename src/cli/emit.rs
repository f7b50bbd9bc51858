//! `pep3118 emit`: a format respelled for a reader.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use pep3118::{Certainty, Target, reconcile};

use super::Failure;
use super::options::{self, Reader, target_parser};

/// Spell a format so that a given reader takes it for the same layout
///
/// Refuses, with the reason, what that reader cannot read, and formats with two readings.
#[derive(Debug, Args)]
pub(super) struct Emit {
    /// The format
    format: OsString,
    /// Who is to read it
    #[arg(long = "for", value_name = "TARGET", default_value = "canonical", value_parser = target_parser())]
    target: Target,
    /// The itemsize of the buffer, in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    reader: Reader,
}

impl Emit {
    pub(super) fn run(self, out: &mut impl Write) -> Result<ExitCode, Failure> {
        let format = options::bytes(&self.format);
        let reading = reconcile(format, self.itemsize, self.reader.dialect, &self.reader.model.model)?;
        if reading.certainty == Certainty::Ambiguous {
            return Err(super::ambiguous(&reading));
        }
        let spelled = reading.layout.emit(self.target).map_err(|error| Failure::Refused(format!("error: {error}")))?;
        out.write_all(&spelled)?;
        writeln!(out)?;
        Ok(ExitCode::SUCCESS)
    }
}
