//! The command `pep3118`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pep3118_cli::run(std::env::args_os()))
}
