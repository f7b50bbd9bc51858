//! `pep3118 man`: prints the manual page of a command.

use std::io::{self, Write};

use clap::{Args, CommandFactory as _};

use super::escape::escape;
use super::examples;
use super::failure::{Failure, Status};
use super::names;
use super::options::command_parser;

/// Print the manual page of a command
///
/// To view it: pep3118 man decode | man -l -
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("man"))]
pub(super) struct Man {
    /// The command [default: print the page that lists all commands]
    #[arg(value_parser = command_parser(), hide_possible_values = true)]
    command: Option<String>,
}

impl Man {
    /// Writes the manual page of the command to `out`, or without a command the page of `pep3118`. Returns
    /// [`Failure::Usage`] for an unknown command.
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let mut page = super::CommandLine::command();
        page.build();
        let Some(name) = &self.command else {
            clap_mangen::Man::new(page).render(&mut *out)?;
            return Ok(exit_status(out, None)?);
        };
        let found = page.find_subcommand(name).cloned();
        let page = found.ok_or_else(|| {
            let near = names::did_you_mean(name, page.get_subcommands().map(clap::Command::get_name));
            Failure::Usage(format!("there is no command `{}`{near}", escape(name.as_bytes())))
        })?;
        let full = format!("pep3118-{}", page.get_name());
        // clap adds the command `help`, which has no version. The section of a page without a version is a panic.
        let has_version = page.get_version().is_some();
        let man = clap_mangen::Man::new(page.display_name(full));
        man.render_title(&mut *out)?;
        man.render_name_section(&mut *out)?;
        man.render_synopsis_section(&mut *out)?;
        man.render_description_section(&mut *out)?;
        man.render_options_section(&mut *out)?;
        examples_section(out, name)?;
        let status = exit_status(out, Some(name))?;
        if has_version {
            man.render_version_section(&mut *out)?;
        }
        Ok(status)
    }
}

/// Returns the reasons for the exit status 1 and for the exit status 2. The reasons are those of the command `name`, or
/// of all commands if `name` is `None`.
fn reasons(name: Option<&str>) -> (&'static str, &'static str) {
    let usage = "the arguments are wrong";
    match name {
        Some("audit") => (
            "an object breaks a rule that `--allow` does not name",
            "the arguments are wrong, an expression cannot be evaluated, or its value is not an exporter",
        ),
        Some("census") => ("the output cannot be written", "the arguments are wrong, or a package is not installed"),
        Some("check") => ("the buffer breaks a rule", usage),
        Some("diff") => ("the formats have different values or names, or a format was refused", usage),
        Some("hexdump") => ("the format or the file was refused or, with `--diff`, the files differ", usage),
        Some("decode" | "encode") => ("the format, the input or the output failed", usage),
        Some("explain" | "size" | "emit") => ("a format was refused", usage),
        Some("completions" | "man" | "rules" | "readers" | "help") => ("the output cannot be written", usage),
        _ => ("a format was refused, an input was incomplete, a rule was broken, or two inputs differ", usage),
    }
}

/// Writes the section EXIT STATUS to `out`, for the command `name`, or for all commands if `name` is `None`. Returns
/// [`Done`](Status::Done).
fn exit_status(out: &mut impl Write, name: Option<&str>) -> io::Result<Status> {
    let (failed, usage) = reasons(name);
    let rows = [("0", "the command succeeded"), ("1", failed), ("2", usage), ("128 + n", "signal n ended the command")];
    writeln!(out, ".SH \"EXIT STATUS\"")?;
    for (status, reason) in rows {
        writeln!(out, ".TP\n{}\n{}", roff(status), roff(reason))?;
    }
    Ok(Status::Done)
}

/// Writes the section EXAMPLES of the command `name` to `out`. Writes nothing if the command has no examples.
fn examples_section(out: &mut impl Write, name: &str) -> io::Result<()> {
    let examples = examples::of(name);
    if !examples.is_empty() {
        writeln!(out, ".SH EXAMPLES")?;
    }
    for (description, call) in examples {
        writeln!(out, ".PP\n{}:\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE", roff(description), roff(call))?;
    }
    Ok(())
}

/// Escapes `text`, one line, for the language roff. An escaped hyphen is printed as the ASCII character, so that a
/// reader can copy the options.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}
