//! `RequestOutcome`: the answer of an exporter to one buffer request. `RaisedError`: the exception after a request.

use alloc::boxed::Box;
use core::fmt;

use super::raw::{Owner, RawView};
use crate::text::escape;

/// The answer of an exporter to one buffer request.
///
/// ```
/// use pep3118::{Owner, RaisedError, RequestOutcome};
/// assert_eq!(
///     RequestOutcome::refused(RaisedError::BufferError),
///     RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Unknown, references: 0 },
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequestOutcome<'a> {
    /// The exporter returned 0, set no exception and filled in the `Py_buffer`. The value has the fields of the
    /// `Py_buffer`.
    Granted(RawView<'a>),
    /// The exporter returned -1, which means that the request failed.
    Refused {
        /// The exception that the exporter set, or `NoException`.
        error: RaisedError,
        /// The field `obj` after the request.
        obj: Owner,
        /// The reference count of the exporter after the request minus the count before the request. 0 if the
        /// count was not measured.
        references: i64,
    },
    /// The exporter returned a number other than 0 and -1, or returned 0 although it set an exception.
    InvalidReturn {
        /// The number that the exporter returned.
        returned: i32,
        /// The exception that the exporter set, or `NoException`.
        error: RaisedError,
    },
}

impl RequestOutcome<'_> {
    /// Creates a `Refused` with the exception `error`. In the result, `obj` is `Unknown` and `references` is
    /// 0.
    #[must_use]
    pub const fn refused(error: RaisedError) -> Self {
        Self::Refused { error, obj: Owner::Unknown, references: 0 }
    }
}

/// The exception that is set after a buffer request.
///
/// ```
/// use pep3118::RaisedError;
/// assert_eq!(RaisedError::Other("TypeError".into()).to_string(), "TypeError");
/// assert_eq!(RaisedError::NoException.to_string(), "no exception");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum RaisedError {
    /// `BufferError`, the only class that the protocol allows for a refusal.
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
            // The name of the class comes from the exporter and can contain control characters.
            Self::Other(name) => f.write_str(&escape(&**name)),
            Self::NoException => f.write_str("no exception"),
        }
    }
}
