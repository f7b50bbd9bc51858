//! The options of `pep3118 audit` and `pep3118 census`.
//!
//! Both commands work on Python objects, so the Python package runs them, with the options that are parsed here.

use clap::Args;

use super::failure::{Failure, Status};

/// Check exporters with all 26 requests against every rule (needs the Python package)
///
/// The buffers are checked against the rules, against one another and against the layout that the type
/// of the object gives. Each EXPR is evaluated as Python code: give none that you would not run.
/// MODULE:EXPRESSION is evaluated with the names of the module, as in 'numpy:zeros((2, 3), "i4,f8")', and
/// EXPRESSION, such as 'bytearray(3)', with the builtins. The exit status is 1 if there is an error, and 2
/// if an expression could not be evaluated or is not an exporter.
#[derive(Debug, Args)]
pub struct Audit {
    /// MODULE:EXPRESSION or EXPRESSION
    #[arg(value_name = "EXPR", required = true)]
    pub expressions: Vec<String>,
    /// A rule whose errors do not change the exit status
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<String>,
    /// Print the rules and the calculations
    #[arg(long)]
    pub explain: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Check the exporters of installed packages (needs the Python package)
///
/// Checked are objects of the known packages, and each type of a package that exports buffers and can be
/// called without arguments. The packages are imported and their types are called. Known are PIL.Image,
/// array, bitarray, builtins, ctypes, glm, h5py, io, jax, mmap, multiprocessing.sharedctypes, numpy,
/// pandas, pickle, polars, pyarrow, pygame, torch and zarr. The exit status is 2 if a package is not
/// installed, and else 0.
#[derive(Debug, Args)]
pub struct Census {
    /// A package to import; without one, the packages of Python itself
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A command that the Python package runs.
#[derive(Debug)]
pub enum PythonCommand {
    /// `pep3118 audit`
    Audit(Audit),
    /// `pep3118 census`
    Census(Census),
}

impl Audit {
    pub(super) fn run(self) -> Result<Status, Failure> {
        Err(needs_python("audit"))
    }
}

impl Census {
    pub(super) fn run(self) -> Result<Status, Failure> {
        Err(needs_python("census"))
    }
}

/// Returns the error of the program without Python. The command of the Python package does not call it.
fn needs_python(command: &str) -> Failure {
    Failure::Usage(format!(
        "`{command}` works on Python objects, which this program cannot: `pip install pep3118` installs a \
         command of the same name that can"
    ))
}
