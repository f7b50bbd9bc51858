//! The commands that ask Python's objects: their help, completions and manual pages. What they do is in the
//! Python package, whose command never gets here but for these.

use clap::Args;

use super::{Failure, Status};

/// Judge exporters: all 26 requests, by every rule (needs the Python package)
///
/// The answers are compared with the rules, with one another and with what the type says of the items.
/// Each EXPR is evaluated as Python code: give none that you would not run. MODULE:EXPRESSION is
/// evaluated with the names of the module, as in 'numpy:zeros((2, 3), "i4,f8")'; a plain one, such as
/// 'bytearray(3)', with the builtins. Exit status 1 tells that a rule is broken, notes and warnings
/// aside; 2 that an expression could not be judged.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// MODULE:EXPRESSION or EXPRESSION
    #[arg(value_name = "EXPR", required = true)]
    expressions: Vec<String>,
    /// A rule that may be broken
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
    /// Tell the rules and the working
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Judge the exporters of packages that are installed (needs the Python package)
///
/// Objects of the packages that are known, and every type of a package that exports buffers and can be
/// made without arguments. The packages are imported and their types are called. Known are PIL.Image,
/// array, bitarray, builtins, ctypes, glm, h5py, io, jax, mmap, multiprocessing.sharedctypes, numpy,
/// pandas, pickle, polars, pyarrow, pygame, torch and zarr. Exit status 0, whatever is found; 2 if a
/// package is not there.
#[derive(Debug, Args)]
pub(super) struct Census {
    /// A package to import; those of Python itself if there is none
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self) -> Result<Status, Failure> {
        Err(absent("audit"))
    }
}

impl Census {
    pub(super) fn run(self) -> Result<Status, Failure> {
        Err(absent("census"))
    }
}

fn absent(command: &str) -> Failure {
    Failure::Usage(format!(
        "`{command}` asks objects of Python, which this program cannot: `pip install pep3118` brings a \
         command of the same name that does"
    ))
}
