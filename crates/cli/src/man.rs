//! `pep3118 man`: prints the manual page of a command.

use std::io::Write;

use clap::{Args, CommandFactory as _};

use super::escape::escape;
use super::failure::{Failure, Status};
use super::names;

/// Print the manual page of a command
///
/// To view it: pep3118 man decode | man -l -
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The command [default: print the page that lists all commands]
    command: Option<String>,
}

impl Man {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let mut page = super::CommandLine::command();
        page.build();
        if let Some(name) = &self.command {
            let found = page.find_subcommand(name).cloned();
            page = found.ok_or_else(|| {
                let near = names::did_you_mean(name, page.get_subcommands().map(clap::Command::get_name));
                Failure::Usage(format!("there is no command `{}`{near}", escape(name.as_bytes())))
            })?;
            let full = format!("pep3118-{}", page.get_name());
            page = page.display_name(full);
        }
        clap_mangen::Man::new(page).render(&mut *out)?;
        Ok(Status::Done)
    }
}
