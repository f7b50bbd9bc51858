//! `pep3118 diff`: compares two formats and prints their first difference.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118::{Comparison, Dialect, Equivalence, Format, Layout, LayoutError, calcsize_in};

use super::c_source::COptions;
use super::failure::{Failure, Status};
use super::options::{self, InterpretationOptions};

/// Compare two formats and print their first difference
///
/// With --c, the second layout is the layout of a C structure.
/// The exit status is 0 if both formats have the same values under the same names, and otherwise 1.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The first format
    a: OsString,
    /// The second format
    #[arg(required_unless_present = "c", conflicts_with = "c")]
    b: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    #[command(flatten)]
    interpretation: InterpretationOptions,
}

impl Diff {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let InterpretationOptions { dialect, model } = &self.interpretation;
        let a = options::bytes(&self.a);
        let refused = |error: LayoutError, format| self.interpretation.refused(&error, format, None);
        let dialect = dialect.unwrap_or(&Dialect::PEP3118);
        let parse = |format| {
            // An error of the comparison does not name the refused format, so check each format first.
            calcsize_in(format, dialect, &model.model).map_err(|error| refused(error, format))?;
            Format::parse(format).map_err(|error| refused(error.into(), format))
        };
        let compared = if let Some(found) = self.c.interpretation(model)? {
            let layout = Layout::read(a, dialect, &model.model).map_err(|error| refused(error, a))?;
            Comparison::of_layouts(&layout, &found.layout)
        } else {
            // clap requires a second format unless --c is given.
            let Some(b) = &self.b else { return Err(Failure::internal("no second format")) };
            let compared = Comparison::of_formats(&parse(a)?, &parse(options::bytes(b))?, dialect, &model.model);
            compared.map_err(|error| Failure::Refused(error.diagnostic().colored()))?
        };
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
