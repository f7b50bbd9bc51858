//! `pep3118 diff`: compares two formats, or a format and a C type. Prints their level of equivalence and their first
//! difference.

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use pep3118::{Comparison, Dialect, Equivalence, Format, Layout, LayoutError, calcsize_in};
use serde::Serialize;

use super::c_source::COptions;
use super::examples;
use super::failure::{Failure, Status};
use super::json::{self, ErrorObject, Reply};
use super::options::{self, InterpretationOptions};

/// Compare two formats and print their first difference
///
/// The first line of the output is the highest level of equivalence that the formats have, such as `scalars`, or
/// `different`. The first difference follows, if there is one.
/// With --c, the second layout is the layout of a C structure.
/// The exit status is 0 if both formats have the same values under the same names, and otherwise 1.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("diff"))]
pub(super) struct Diff {
    /// The first format
    a: OsString,
    /// The second format
    #[arg(required_unless_present_any = ["c", "struct"], conflicts_with_all = ["c", "struct"])]
    b: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The result of a comparison as a JSON object.
#[derive(Serialize)]
struct DiffJson {
    /// Whether both formats have the same values under the same names.
    same: bool,
    /// The highest level of equivalence that the formats have, such as `scalars`. `None` if the formats are different.
    equivalence: Option<&'static str>,
    /// The first difference as a sentence. `None` if the formats do not differ.
    difference: Option<String>,
}

/// Writes `error` to `out` as JSON. Returns [`Failed`](Status::Failed).
fn write_error(out: &mut impl Write, error: ErrorObject) -> Result<Status, Failure> {
    json::write_pretty(out, &Reply::<DiffJson>::Error(error))?;
    Ok(Status::Failed)
}

impl Diff {
    /// Compares the formats and writes the result to `out`. Returns [`Failed`](Status::Failed) if the formats have
    /// different values or names. With `--json`, a refused format is also [`Failed`](Status::Failed), and not an error.
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let a = options::bytes(&self.a);
        let compared = match (self.c.interpretation(&self.interpretation.model, None), &self.b) {
            (Ok(Some(found)), _) => self.compare_layout(a, &found.layout).map_err(|error| (error, a)),
            (Err(error), _) if self.json => return write_error(out, ErrorObject::from(&error)),
            (Err(error), _) => return Err(error.into()),
            (Ok(None), Some(b)) => self.compare(a, options::bytes(b)),
            // clap requires a second format unless --c is given.
            (Ok(None), None) => return Err(Failure::internal("no second format")),
        };
        let compared = match compared {
            Ok(compared) => compared,
            Err((error, _)) if self.json => return write_error(out, ErrorObject::from(&error)),
            Err((error, format)) => return Err(self.interpretation.refused(&error, format, None)),
        };
        let same = compared.equivalence >= Some(Equivalence::Scalars);
        if self.json {
            let equivalence = compared.equivalence.map(Equivalence::as_str);
            json::write_pretty(out, &Reply::Ok(DiffJson { same, equivalence, difference: compared.difference }))?;
        } else {
            match compared.equivalence {
                Some(level) => writeln!(out, "{level}")?,
                None => writeln!(out, "different")?,
            }
            if let Some(difference) = compared.difference {
                let width = super::requested_width().unwrap_or(usize::MAX);
                let folded = textwrap::Options::new(width).initial_indent("  ").subsequent_indent("  ");
                writeln!(out, "{}", textwrap::fill(&difference.to_string(), folded))?;
            }
        }
        Ok(if same { Status::Done } else { Status::Failed })
    }

    /// Compares the format `a` with `layout`.
    ///
    /// # Errors
    /// - `a` is not a valid format in the dialect of `--dialect` (`pep3118` by default) with the C sizes of `--model`
    fn compare_layout(&self, a: &[u8], layout: &Layout) -> Result<Comparison, LayoutError> {
        let InterpretationOptions { dialect, model } = &self.interpretation;
        let first = Layout::read(a, dialect.unwrap_or(&Dialect::PEP3118), &model.model)?;
        Ok(Comparison::of_layouts(&first, layout))
    }

    /// Compares the formats `a` and `b`.
    ///
    /// # Errors
    /// - a format is not valid in the dialect of `--dialect` (`pep3118` by default) with the C sizes of `--model`:
    ///   returns the error and the invalid format
    fn compare<'f>(&self, a: &'f [u8], b: &'f [u8]) -> Result<Comparison, (LayoutError, &'f [u8])> {
        let InterpretationOptions { dialect, model } = &self.interpretation;
        let dialect = dialect.unwrap_or(&Dialect::PEP3118);
        let parse = |format| {
            // An error of the comparison does not contain the refused format. Each format is therefore checked first.
            calcsize_in(format, dialect, &model.model).map_err(|error| (error, format))?;
            Format::parse(format).map_err(|error| (LayoutError::from(error), format))
        };
        Comparison::of_formats(&parse(a)?, &parse(b)?, dialect, &model.model).map_err(|error| (error, a))
    }
}
