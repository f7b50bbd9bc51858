//! Starts the command, for the machine that the tests were compiled for: `make ports` runs it where that is
//! another one.

use std::process::Command;

/// The command of this crate, which `RUNNER` starts where this machine cannot.
pub(crate) fn pep3118() -> Command {
    let program = env!("CARGO_BIN_EXE_pep3118");
    let runner = std::env::var("RUNNER").unwrap_or_default();
    let words: Vec<&str> = runner.split_whitespace().collect();
    match words.split_first() {
        None => Command::new(program),
        Some((runner, arguments)) => {
            let mut command = Command::new(runner);
            command.args(arguments).arg(program);
            command
        }
    }
}
