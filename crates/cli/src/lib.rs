//! The command line, thin over the library: one file a command.
//!
//! Answers go to standard output, errors with carets to standard error. Exit status 0: done; 1: a
//! format was refused, a file could not be read to its end, `check` found an error, `diff` a
//! difference, or one line of a `--jsonl` stream had such an answer; 2: the command was called wrongly.

#[cfg(feature = "arrow")]
mod arrow;
mod check;
mod completions;
mod decode;
mod diff;
mod emit;
mod explain;
mod input;
mod json;
mod man;
mod options;
mod output;
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

/// Read and explain the format strings of Python's buffer protocol (PEP 3118).
#[derive(Debug, Parser)]
#[command(name = "pep3118", version, arg_required_else_help = true, propagate_version = true)]
struct Arguments {
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
    Completions(completions::Completions),
    Man(man::Man),
}

/// Why a command ended without an answer.
enum Failure {
    /// The format was refused; the message is drawn and ready.
    Refused(String),
    /// The command was called wrongly, in a way that its parser does not know.
    Usage(String),
    /// Writing or reading failed.
    Io(io::Error),
}

/// How a command ended.
#[derive(Clone, Copy)]
enum Status {
    /// Done.
    Done,
    /// A format or a buffer was refused, or two differ.
    Failed,
    /// The command was called wrongly.
    Usage,
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<pep3118::LayoutError> for Failure {
    fn from(error: pep3118::LayoutError) -> Self {
        let diagnostic = match error.ambiguity() {
            Some(ambiguity) => ambiguity.diagnostic().with_help("choose one: --dialect NAME"),
            None => error.diagnostic(),
        };
        Self::Refused(diagnostic.colored())
    }
}

/// Cells in a line of the terminal, at most 100; `None` where there is none.
fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).min(100))
}

/// Cells in a line: those of the terminal; where there is none, what `COLUMNS` says, or 80.
fn width() -> usize {
    let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    terminal_width().or_else(|| said().map(|columns| columns.min(100))).unwrap_or(80)
}

/// Parses the arguments, the first of which is the name of the program, and runs the command; what it
/// returns is the exit status.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help is no error and goes to standard output; nobody is left to tell if that fails.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(Status::Usage.into());
        }
    };
    let mut out = anstream::stdout().lock();
    let outcome = match arguments.command {
        Command::Explain(command) => command.run(&mut out),
        Command::Size(command) => command.run(&mut out),
        Command::Diff(command) => command.run(&mut out),
        Command::Emit(command) => command.run(&mut out),
        Command::Readers(command) => command.run(&mut out),
        Command::Check(command) => command.run(&mut out),
        Command::Audit(command) => command.run(),
        Command::Census(command) => command.run(),
        Command::Rules(command) => command.run(&mut out),
        Command::Decode(command) => command.run(),
        Command::Completions(command) => command.run(&mut out),
        Command::Man(command) => command.run(&mut out),
    };
    let outcome = outcome.and_then(|code| Ok(out.flush().map(|()| code)?));
    let status = match outcome {
        Ok(status) => status,
        // Whoever reads our output has seen enough: `pep3118 … | head`.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
        Err(Failure::Io(error)) => {
            anstream::eprintln!("error: {error}");
            Status::Failed
        }
        Err(Failure::Refused(message)) => {
            anstream::eprintln!("{message}");
            Status::Failed
        }
        Err(Failure::Usage(message)) => {
            anstream::eprintln!("error: {message}\n\nFor more information, try '--help'.");
            Status::Usage
        }
    };
    status.into()
}
