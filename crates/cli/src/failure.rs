//! `Status`: the exit status of a command. `Failure`: the error that ends a command.

use std::io::{self, Write as _};

use super::wrap;

/// The exit status of a command that was not ended by a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Status 0: the command succeeded.
    Done,
    /// Status 1: a format or a buffer was refused, two formats differ, or reading or writing failed.
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
    /// An input was refused. The text is the complete message, and may contain colours as ANSI escapes.
    Refused(String),
    /// The arguments contradict each other. The variant is for checks that clap cannot express. The text is the message
    /// without `error: `.
    Usage(String),
    /// Reading or writing failed.
    Io(io::Error),
}

impl Failure {
    /// Returns the error with the message `message`, without colours. All text from the input in `message` must already
    /// be escaped.
    pub(super) fn refused(message: impl std::fmt::Display) -> Self {
        Self::Refused(format!("error: {message}"))
    }

    /// Returns the error for an impossible state. `what` describes the state. A debug build panics instead.
    pub(super) fn internal(what: &str) -> Self {
        debug_assert!(false, "{what}");
        Self::refused(format_args!("internal error: {what}"))
    }

    /// Writes the message to standard error, and returns the exit status. A closed pipe has no message and the status
    /// [`Done`](Status::Done).
    pub(super) fn report(self) -> Status {
        match self {
            // The process that reads the output has closed the pipe, for example `head` in `pep3118 … | head`. A closed
            // pipe is not an error.
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

/// Writes `message` and a line feed to standard error. Wraps long sentences to the width of the terminal. Unlike `eprintln!`, does not panic if standard error is closed
/// or full.
pub(super) fn print_error(message: &str) {
    let _ = writeln!(anstream::stderr(), "{}", wrap::message(message));
}
