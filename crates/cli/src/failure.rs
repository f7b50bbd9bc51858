//! The ways in which a command ends: its exit status, and the error that it reports.

use std::io::{self, Write as _};

/// The exit status of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Status 0: the command did its work.
    Done,
    /// Status 1: a format or a buffer was refused, or two formats differ.
    Failed,
    /// Status 2: the arguments are wrong.
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

/// The error that ended a command.
pub(super) enum Failure {
    /// An input was refused; the message is complete and may contain colours.
    Refused(String),
    /// The arguments contradict one another in a way that clap cannot check.
    Usage(String),
    /// Reading or writing failed.
    Io(io::Error),
}

impl Failure {
    /// Makes an error of one line. Text from the input in `message` is already escaped.
    pub(super) fn refused(message: impl std::fmt::Display) -> Self {
        Self::Refused(format!("error: {message}"))
    }

    /// Makes the error for a state that the code rules out; a debug build stops there.
    pub(super) fn internal(what: &str) -> Self {
        debug_assert!(false, "{what}");
        Self::refused(format_args!("internal error: {what}"))
    }

    /// Writes the message to standard error, and returns the exit status.
    pub(super) fn report(self) -> Status {
        match self {
            // The reader of the output has closed its pipe: `pep3118 … | head`.
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            Self::Io(error) => {
                print_error(&format!("error: {error}"));
                Status::Failed
            }
            Self::Refused(message) => {
                print_error(&message);
                Status::Failed
            }
            Self::Usage(message) => {
                print_error(&format!("error: {message}\n\nFor more information, try '--help'."));
                Status::Usage
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

/// Writes a line to standard error. `eprintln!` would panic if standard error is closed or full.
pub(super) fn print_error(message: &str) {
    let _ = writeln!(anstream::stderr(), "{message}");
}
