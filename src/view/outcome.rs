//! `RequestOutcome`: the answer of an exporter to one request.

use alloc::boxed::Box;
use core::fmt;

use super::raw::{Owner, RawView};
use crate::text::escape;

/// The answer of an exporter to a request.
///
/// ```
/// use pep3118::{Owner, RaisedError, RequestOutcome};
/// assert_eq!(
///     RequestOutcome::refused(RaisedError::BufferError),
///     RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Unknown, references: 0 },
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome<'a> {
    /// The exporter returned 0, set no exception and filled in the struct.
    Granted(RawView<'a>),
    /// The exporter returned -1.
    Refused {
        /// The exception that the exporter set.
        error: RaisedError,
        /// The field `obj` after the request.
        obj: Owner,
        /// The increase of the exporter's reference count. The value is 0 if the count was not measured.
        references: i64,
    },
    /// The exporter returned a number other than 0 and -1, or returned 0 with an exception set.
    InvalidReturn {
        /// The number that the exporter returned.
        returned: i32,
        /// The exception that the exporter set.
        error: RaisedError,
    },
}

impl RequestOutcome<'_> {
    /// Creates a refusal with the exception `error`. The field `obj` is unknown and the reference count
    /// unmeasured.
    #[must_use]
    pub const fn refused(error: RaisedError) -> Self {
        Self::Refused { error, obj: Owner::Unknown, references: 0 }
    }
}

/// The exception that a request raised.
///
/// ```
/// use pep3118::RaisedError;
/// assert_eq!(RaisedError::Other("TypeError".into()).to_string(), "TypeError");
/// assert_eq!(RaisedError::NoException.to_string(), "no exception");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RaisedError {
    /// `BufferError`. The protocol requires this class for a refusal.
    BufferError,
    /// An exception of another class. The string is the name of the class.
    Other(Box<str>),
    /// No exception is set.
    NoException,
}

impl fmt::Display for RaisedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferError => f.write_str("BufferError"),
            // The exporter chooses the name of the class.
            Self::Other(name) => f.write_str(&escape(&**name)),
            Self::NoException => f.write_str("no exception"),
        }
    }
}
