//! The options of `pep3118 audit` and `pep3118 census`.
//!
//! Both commands need a Python interpreter. The Python package runs them with the options that this module parses. The
//! native command only reports that `audit` and `census` need the Python package.

use clap::Args;

use pep3118::RuleId;

use super::examples;
use super::failure::Failure;
use super::findings::FindingsFormat;
use super::options::rule_parser;

/// Check exporters with all 26 requests against every rule (needs the Python package)
///
/// The command checks the buffers against the rules, against each other and against the layout of the
/// object's type. Each EXPR is evaluated as Python code, so give only code that you would run. EXPRESSION
/// alone uses the builtins, as in 'bytearray(3)'. MODULE:EXPRESSION uses the names of the module too, as
/// in 'numpy:zeros((2, 3), "i4,f8")'. Modules are also imported from the current folder. The exit status is 1
/// if a rule is broken, and 2 if an expression cannot be evaluated or its value is not an exporter.
///
/// Findings that differ only in numbers are printed as one. A finding that --allow permits is marked, and a
/// rule of --allow that no object breaks is named on standard error.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("audit"))]
pub struct Audit {
    /// MODULE:EXPRESSION or EXPRESSION
    #[arg(value_name = "EXPR", required = true)]
    pub expressions: Vec<String>,
    /// The ids of rules whose errors do not change the exit status: B05,B19
    #[arg(long, value_name = "RULE,...", value_delimiter = ',', value_parser = rule_parser(), hide_possible_values = true)]
    pub allow: Vec<RuleId>,
    /// Print the text of each broken rule, and the calculation that shows the error
    #[arg(long)]
    pub explain: bool,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = FindingsFormat::Text)]
    pub to: FindingsFormat,
    /// Print JSON, as --to json does
    #[arg(long, conflicts_with = "to")]
    pub json: bool,
}

/// Check the exporters of installed packages (needs the Python package)
///
/// The command imports each package and audits sample objects. For known packages, the samples are chosen
/// by hand. In every package, the command also calls each type without arguments, and audits the object
/// if it exports a buffer. Known packages are PIL.Image, array, bitarray, builtins, ctypes, glm, h5py, io,
/// jax, mmap, multiprocessing.sharedctypes, numpy, pandas, pickle, polars, pyarrow, pygame, torch and
/// zarr. The exit status is 2 if a package is not installed, and otherwise 0.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("census"))]
pub struct Census {
    /// A package to import [default: the known packages of the standard library]
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The options of a command that the Python package runs.
#[derive(Debug)]
pub enum PythonCommand {
    /// `pep3118 audit`
    Audit(Audit),
    /// `pep3118 census`
    Census(Census),
}

impl Audit {
    /// Returns the format of the output.
    #[must_use]
    pub const fn format(&self) -> FindingsFormat {
        if self.json { FindingsFormat::Json } else { self.to }
    }
}

impl PythonCommand {
    /// Returns the error of the native command for this command, which only the Python package can run.
    pub(super) fn refuse(&self) -> Failure {
        let command = match self {
            Self::Audit(_) => "audit",
            Self::Census(_) => "census",
        };
        Failure::Usage(format!(
            "`{command}` needs Python, and this program was built without it: `pip install pep3118` installs a \
             command `pep3118` that can run `{command}`"
        ))
    }
}
