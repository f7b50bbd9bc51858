//! The command `pep3118`: `run` parses the arguments and calls the module of the subcommand. Each module calls the
//! library `pep3118`.
//!
//! The command writes results to standard output and errors to standard error. The exit status is:
//! - 0: the command succeeded.
//! - 1: a format was refused, an input was incomplete, `check` found an error, or `diff` or `hexdump --diff`
//!   found a difference. With `--jsonl`, one failed line is enough for status 1.
//! - 2: the arguments are wrong.
//! - 128 + n: signal n ended the command.

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "arrow")]
mod arrow_input;
#[cfg(feature = "arrow")]
mod arrow_source;
mod c_source;
mod check;
mod completions;
mod csv_column;
mod date;
mod decode;
mod diff;
mod emit;
mod encode;
mod escape;
mod examples;
mod explain;
mod failure;
mod fields;
mod findings;
mod flat_row;
mod hexdump;
#[doc(hidden)]
pub mod hints;
mod input;
mod interrupt;
mod json;
mod man;
#[doc(hidden)]
pub mod names;
mod options;
mod output;
mod pack;
mod palette;
mod progress;
mod python;
mod readers;
mod rows;
mod rules;
mod size;
mod strided;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Parser, Subcommand};

#[doc(hidden)]
pub use escape::json as escape_json;
use failure::{Failure, Status};
#[doc(hidden)]
pub use findings::{Checked, FindingsFormat, write_findings};
pub use interrupt::handle_signals;
#[doc(hidden)]
pub use names::rule;
#[doc(hidden)]
pub use python::{Audit, Census, PythonCommand};

/// Read and explain the format strings of Python's buffer protocol (PEP 3118).
#[derive(Debug, Parser)]
#[command(name = "pep3118", version, arg_required_else_help = true, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(explain::Explain),
    Size(size::Size),
    Diff(diff::Diff),
    Emit(emit::Emit),
    Readers(readers::Readers),
    Check(Box<check::Check>),
    Audit(python::Audit),
    Census(python::Census),
    Rules(rules::Rules),
    Decode(Box<decode::Decode>),
    Encode(Box<encode::Encode>),
    Hexdump(Box<hexdump::Hexdump>),
    Completions(completions::Completions),
    Man(man::Man),
}

/// The maximum width of tables and pictures in terminal columns. Longer lines are hard to read.
const WIDTH_LIMIT: usize = 100;

/// Returns the width of the terminal, at most `WIDTH_LIMIT` columns. Returns `None` if no terminal is
/// attached to the process.
fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).min(WIDTH_LIMIT))
}

/// Returns the width of tables and pictures in terminal columns, at most `WIDTH_LIMIT`. Without a terminal,
/// the width is the value of the environment variable `COLUMNS`. Without a valid value, the width is 80.
fn width() -> usize {
    let columns = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    terminal_width().or_else(|| columns().map(|columns| columns.min(WIDTH_LIMIT))).unwrap_or(80)
}

/// Runs the command with `arguments` and returns the exit status. The first argument is the name of the program.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(status) = completions::complete(&arguments) {
        return status;
    }
    let command = match CommandLine::try_parse_from(&arguments) {
        Ok(CommandLine { command }) => command,
        Err(error) => return print_clap_error(error, arguments),
    };
    let mut out = anstream::stdout().lock();
    let result = match command {
        Command::Explain(command) => command.run(&mut out),
        Command::Size(command) => command.run(&mut out),
        Command::Diff(command) => command.run(&mut out),
        Command::Emit(command) => command.run(),
        Command::Readers(command) => command.run(&mut out),
        Command::Check(command) => command.run(&mut out),
        Command::Audit(command) => command.run(),
        Command::Census(command) => command.run(),
        Command::Rules(command) => command.run(&mut out),
        Command::Decode(command) => command.run(),
        Command::Encode(command) => command.run(),
        Command::Hexdump(command) => command.run(),
        Command::Completions(command) => command.run(&mut out),
        Command::Man(command) => command.run(&mut out),
    };
    // The output is flushed before the error message is written, so that rows appear before the message. If the flush
    // fails, for example because the disk is full, the command fails.
    let flushed = out.flush();
    let result = result.and_then(|status| Ok(flushed.map(|()| status)?));
    result.unwrap_or_else(Failure::report).into()
}

/// Returns the parsed options if `arguments` are a valid call of `audit` or `census`, the commands that the Python
/// package runs. Returns `None` for any other command, and if [`run`] would print help or an error for `arguments`.
#[doc(hidden)]
#[must_use]
pub fn python_command(arguments: impl IntoIterator<Item = OsString>) -> Option<PythonCommand> {
    match CommandLine::try_parse_from(arguments).ok()?.command {
        Command::Audit(options) => Some(PythonCommand::Audit(options)),
        Command::Census(options) => Some(PythonCommand::Census(options)),
        _ => None,
    }
}

/// Prints the help, the version or the error message in `error`, and returns the exit status. `arguments`
/// are the arguments for which clap returned `error`.
fn print_clap_error(error: clap::Error, arguments: Vec<OsString>) -> u8 {
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| io::stdout().flush());
        return printed.map_or_else(|error| Failure::Io(error).report(), |()| Status::Done).into();
    }
    // The message of clap contains arguments, and arguments can contain control characters. The function therefore
    // parses the escaped arguments, and prints the error of this second parse. If the escaped arguments are valid, for
    // example because only a file name contained a control character, the function prints the kind of the first error.
    let escaped = arguments.iter().map(|argument| escape::escape(argument.as_encoded_bytes()).into_owned());
    let printed = match CommandLine::try_parse_from(escaped) {
        Err(error) => error.print(),
        Ok(_) => writeln!(anstream::stderr(), "error: {}", error.kind()),
    };
    // A failed write is ignored, because a failure of standard error cannot be reported.
    let _ = printed;
    Status::Usage.into()
}
