//! `pep3118 diff`: whether two formats mean the same.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118::{Comparison, Dialect, Equivalence, Format, LayoutError};

use super::options::{self, Reader};
use super::{Failure, Status};

/// Compare what two formats mean, and name the first difference
///
/// Exit status 0 if they mean the same values under the same names, 1 if not.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The first format
    a: OsString,
    /// The second format
    b: OsString,
    #[command(flatten)]
    reader: Reader,
}

impl Diff {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let a = Format::parse(options::bytes(&self.a)).map_err(LayoutError::from)?;
        let b = Format::parse(options::bytes(&self.b)).map_err(LayoutError::from)?;
        let dialect = self.reader.dialect.unwrap_or(&Dialect::PEP3118);
        let compared = Comparison::of_formats(&a, &b, dialect, &self.reader.model.model)?;
        match compared.equivalence {
            Some(level) => writeln!(out, "{level}")?,
            None => writeln!(out, "different")?,
        }
        if let Some(difference) = compared.difference {
            writeln!(out, "  {difference}")?;
        }
        let same = compared.equivalence >= Some(Equivalence::Scalars);
        Ok(if same { Status::Done } else { Status::Failed })
    }
}
