//! The command `pep3118`: the library on the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pep3118::cli::run(std::env::args_os()))
}
