//! `pep3118 completions`: prints the script with which a shell completes commands and options.

use std::io::Write;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::failure::{Failure, Status};

/// Print the script with which a shell completes commands and options
///
/// For bash: pep3118 completions bash > ~/.local/share/bash-completion/completions/pep3118
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        // `generate` panics if a write fails. Writing to a `Vec` cannot fail.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::CommandLine::command(), "pep3118", &mut script);
        out.write_all(&script)?;
        Ok(Status::Done)
    }
}
