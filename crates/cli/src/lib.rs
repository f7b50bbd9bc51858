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
mod pack_template;
mod palette;
mod progress;
mod python;
mod readers;
mod rows;
mod rules;
mod size;
mod strided;
mod wrap;

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

/// Returns the width of the terminal, or the value of the environment variable `COLUMNS` without a terminal. The width
/// is at most `WIDTH_LIMIT` columns. Returns `None` without a terminal and without a valid value.
fn requested_width() -> Option<usize> {
    let columns = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    terminal_width().or_else(|| columns().map(|columns| columns.min(WIDTH_LIMIT)))
}

/// Returns the width of tables and pictures in terminal columns: the [`requested_width`], or 80.
fn width() -> usize {
    requested_width().unwrap_or(80)
}

/// Runs the command with `arguments` and returns the exit status. The first argument is the name of the program.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match parse(arguments) {
        Call::Native(call) => call.run(),
        Call::Python(command) => command.refuse().report().into(),
    }
}

/// A call of the command, which [`parse`] returns.
#[doc(hidden)]
#[derive(Debug)]
pub enum Call {
    /// A call that native code answers.
    Native(NativeCall),
    /// A valid call of a command that the Python package runs.
    Python(PythonCommand),
}

/// A call that native code answers: a command, or arguments for which the answer is the help or an error.
#[doc(hidden)]
#[derive(Debug)]
pub struct NativeCall(Answer);

#[derive(Debug)]
enum Answer {
    /// The status of a request for completions, which is already answered.
    Completed(u8),
    Command(Command),
    /// The answer is the help, the version or an error. The arguments are those of the call.
    Printed(clap::Error, Vec<OsString>),
}

/// Parses `arguments`. The first argument is the name of the program. Writes nothing, except the answer to the request
/// of a shell for completions.
#[doc(hidden)]
#[must_use]
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Call {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(status) = completions::complete(&arguments) {
        return Call::Native(NativeCall(Answer::Completed(status)));
    }
    Call::Native(NativeCall(match CommandLine::try_parse_from(&arguments) {
        Ok(CommandLine { command: Command::Audit(options) }) => return Call::Python(PythonCommand::Audit(options)),
        Ok(CommandLine { command: Command::Census(options) }) => return Call::Python(PythonCommand::Census(options)),
        Ok(CommandLine { command }) => Answer::Command(command),
        Err(error) => Answer::Printed(error, arguments),
    }))
}

impl NativeCall {
    /// Answers the call and returns the exit status.
    #[must_use]
    pub fn run(self) -> u8 {
        let command = match self.0 {
            Answer::Completed(status) => return status,
            Answer::Command(command) => command,
            Answer::Printed(error, arguments) => return print_clap_error(error, arguments),
        };
        let mut out = anstream::stdout().lock();
        let result = match command {
            Command::Explain(command) => command.run(&mut out),
            Command::Size(command) => command.run(&mut out),
            Command::Diff(command) => command.run(&mut out),
            Command::Emit(command) => command.run(),
            Command::Readers(command) => command.run(&mut out),
            Command::Check(command) => command.run(&mut out),
            Command::Audit(options) => Err(PythonCommand::Audit(options).refuse()),
            Command::Census(options) => Err(PythonCommand::Census(options).refuse()),
            Command::Rules(command) => command.run(&mut out),
            Command::Decode(command) => command.run(),
            Command::Encode(command) => command.run(),
            Command::Hexdump(command) => command.run(),
            Command::Completions(command) => command.run(&mut out),
            Command::Man(command) => command.run(&mut out),
        };
        // The output is flushed before the error message is written, so that rows appear before the message. If the
        // flush fails, for example because the disk is full, the command fails.
        let flushed = out.flush();
        let result = result.and_then(|status| Ok(flushed.map(|()| status)?));
        result.unwrap_or_else(Failure::report).into()
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
        Err(error) => write!(anstream::stderr(), "{}", wrap::message(&error.render().ansi().to_string())),
        Ok(_) => writeln!(anstream::stderr(), "error: {}", error.kind()),
    };
    // A failed write is ignored, because a failure of standard error cannot be reported.
    let _ = printed;
    Status::Usage.into()
}
