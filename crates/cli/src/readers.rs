//! `pep3118 readers`: who reads a format, and as what.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118_readers::{ReadersTable, readers};

use super::options::{self, Model};
use super::{Failure, Status};

/// Tell who reads a format, as what, or why not
///
/// One row a consumer: CPython's struct and memoryview, NumPy, Cython, the binding generators and
/// some libraries, each in the version that was run. A misreading is an answer that the consumer
/// gives without an error and that is not what the format means.
#[derive(Debug, Args)]
pub(super) struct Readers {
    /// The format
    format: OsString,
    /// The itemsize of the buffer, in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    /// The machine: a named model or a target triple
    #[arg(long, short, default_value = "host", value_parser = options::model)]
    model: Model,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Readers {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let answers = readers(options::bytes(&self.format), self.itemsize, &self.model.model);
        if self.json {
            super::json::readers(out, &answers)?;
        } else {
            write!(out, "{}", ReadersTable::new(&answers, super::width()))?;
        }
        Ok(Status::Done)
    }
}
