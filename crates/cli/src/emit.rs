//! `pep3118 emit`: a format respelled for a reader.

use std::ffi::OsString;
use std::io::Write;

use clap::{Args, ValueEnum};
use pep3118::{Target, reconcile};

use super::options::{self, Reader, target_parser};
use super::{Failure, Status};

/// Spell a format so that a given reader takes it for the same layout
///
/// Refuses, with the reason, what that reader cannot read, and formats with two readings. With --to,
/// the item becomes a type of C or Rust instead, with assertions of its size and offsets.
#[derive(Debug, Args)]
pub(super) struct Emit {
    /// The format
    format: OsString,
    /// Who is to read it
    #[arg(long = "for", value_name = "TARGET", default_value = "canonical", value_parser = target_parser())]
    target: Target,
    /// The source of a type in a language
    #[arg(long = "to", value_name = "LANGUAGE", conflicts_with = "target")]
    language: Option<Language>,
    /// The name of that type: `item` in C, `Item` in Rust
    #[arg(long, requires = "language")]
    name: Option<String>,
    /// The itemsize of the buffer, in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    reader: Reader,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    C,
    Rust,
}

impl Emit {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let format = options::bytes(&self.format);
        let reading = reconcile(format, self.itemsize, self.reader.dialect, &self.reader.model.model)?;
        if let Some(language) = self.language {
            let name = self.name.as_deref();
            let source = match language {
                Language::C => reading.layout.to_c(name.unwrap_or("item")),
                Language::Rust => reading.layout.to_rust(name.unwrap_or("Item")),
            };
            let source = source.map_err(|error| Failure::Refused(format!("error: {error}")))?;
            out.write_all(source.as_bytes())?;
            return Ok(Status::Done);
        }
        let spelled = reading.layout.emit(self.target).map_err(|error| Failure::Refused(format!("error: {error}")))?;
        out.write_all(&spelled)?;
        writeln!(out)?;
        Ok(Status::Done)
    }
}
