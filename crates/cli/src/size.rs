//! `pep3118 size`: the size alone.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use pep3118::{Dialect, calcsize_in};

use super::options::{self, Reader};
use super::{Failure, Status, json};
use pep3118::__private::escape;

/// Print the size of an item in bytes, as struct.calcsize does
///
/// One format gives one number; several give a line each, number and format. Without --dialect the
/// format is read as `pep3118`, which equals `struct` on every format that `struct` reads. Exit status 1
/// tells that a format was refused, of several or with --jsonl any of them.
#[derive(Debug, Args)]
pub(super) struct Size {
    /// The formats
    #[arg(required_unless_present = "jsonl")]
    formats: Vec<OsString>,
    #[command(flatten)]
    reader: Reader,
    /// Answer questions from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["formats", "dialect"])]
    jsonl: bool,
}

impl Size {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        if self.jsonl {
            return json::stream(io::stdin().lock(), out, false);
        }
        let dialect = self.reader.dialect.unwrap_or(&Dialect::PEP3118);
        let alone = self.formats.len() == 1;
        let mut status = Status::Done;
        for format in &self.formats {
            let bytes = options::bytes(format);
            match calcsize_in(bytes, dialect, &self.reader.model.model) {
                Ok(size) if alone => writeln!(out, "{size}")?,
                Ok(size) => writeln!(out, "{size:>6}  {}", escape(bytes))?,
                Err(error) => {
                    out.flush()?;
                    anstream::eprintln!("{}", error.diagnostic().colored());
                    status = Status::Failed;
                }
            }
        }
        Ok(status)
    }
}
