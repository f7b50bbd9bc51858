//! `pep3118 man`: the manual pages.

use std::io::Write;

use clap::{Args, CommandFactory as _};

use super::{Failure, Status};
use pep3118::__private::escape;

/// Print the manual page of a command, or of all of them
///
/// To look at it: pep3118 man decode | man -l -
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The command; the page that lists them all if it is left out
    command: Option<String>,
}

impl Man {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let mut page = super::Arguments::command();
        page.build();
        if let Some(name) = &self.command {
            let found = page.find_subcommand(name).cloned();
            page = found.ok_or_else(|| Failure::Usage(format!("there is no command `{}`", escape(name))))?;
            let full = format!("pep3118-{}", page.get_name());
            page = page.display_name(full);
        }
        clap_mangen::Man::new(page).render(&mut *out)?;
        Ok(Status::Done)
    }
}
