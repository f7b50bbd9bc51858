//! The program `pep3118`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pep3118_cli::handle_signals();
    ExitCode::from(pep3118_cli::run(std::env::args_os()))
}
