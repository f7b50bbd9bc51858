//! The executable of the command `pep3118`. The crate's library contains the implementation.

use std::process::ExitCode;

fn main() -> ExitCode {
    pep3118_cli::handle_signals();
    ExitCode::from(pep3118_cli::run(std::env::args_os()))
}
