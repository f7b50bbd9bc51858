//! Creates the command `pep3118` for the tests. For a command that is compiled for another machine, `make ports` sets
//! an emulator.

use std::process::Command;

/// Returns the command of this crate. If the environment variable `RUNNER` is set, the command runs under an emulator:
/// `RUNNER` contains the name and the options of the emulator.
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
