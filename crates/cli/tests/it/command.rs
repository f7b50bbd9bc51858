//! Starts the command. `make ports` runs it under an emulator if it is compiled for another machine.

use std::process::Command;

/// Returns the command of this crate. The environment variable `RUNNER` names an emulator and its options.
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
