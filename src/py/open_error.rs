//! `OpenError`: the reason why an object is not opened.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::fallible;
use crate::decode::DecodeError;
use crate::layout::{Ambiguity, LayoutError};
use crate::text::plural;
use crate::view::Report;

/// The reason why an object is not opened.
///
/// ```
/// use pep3118::py::{ItemDescription, OpenError};
/// let error = ItemDescription::of_format(b"T{<h:id:", None, None).unwrap_err();
/// assert!(matches!(error, OpenError::Format(_)));
/// ```
#[derive(Debug)]
pub enum OpenError {
    /// An exception, usually from the exporter.
    Raised(PyErr),
    /// The exporter breaks rules of the protocol.
    Rules(Report),
    /// The format has several interpretations with the itemsize of the buffer.
    Ambiguous(Ambiguity),
    /// The format is invalid, or has another size than the itemsize.
    Format(LayoutError),
    /// The items that the caller has given do not fit the memory.
    ItemSize(ItemSizeError),
}

/// The sizes of a buffer whose memory does not have the size of the items that the caller has given.
///
/// ```
/// use pep3118::py::{ItemSizeError, OpenError};
/// let error = OpenError::ItemSize(ItemSizeError { len: 10, itemsize: 1, wanted: 4, is_contiguous: true });
/// assert!(matches!(error, OpenError::ItemSize(ItemSizeError { wanted: 4, .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemSizeError {
    /// The size of the memory in bytes.
    pub len: i64,
    /// The size in bytes of the items that the exporter describes.
    pub itemsize: i64,
    /// The size in bytes of the items that the caller has given.
    pub wanted: u64,
    /// Whether the exporter describes the memory as bytes that are contiguous in C order.
    pub is_contiguous: bool,
}

impl From<PyErr> for OpenError {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<DecodeError> for OpenError {
    fn from(error: DecodeError) -> Self {
        Self::Raised(error.into())
    }
}

impl From<LayoutError> for OpenError {
    fn from(error: LayoutError) -> Self {
        match error.ambiguity() {
            Some(ambiguity) => Self::Ambiguous(ambiguity.clone()),
            None => Self::Format(error),
        }
    }
}

/// Broken rules become `BufferError`. An ambiguous format and a wrong item size become `ValueError`. An invalid format
/// becomes the exception of its [`LayoutError`]. A raised exception does not change.
impl From<OpenError> for PyErr {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Raised(error) => error,
            OpenError::Rules(report) => report.into(),
            OpenError::Ambiguous(ambiguity) => DecodeError::Ambiguous(ambiguity).into(),
            OpenError::Format(error) => error.into(),
            OpenError::ItemSize(ItemSizeError { len, itemsize, wanted, .. }) => {
                fallible::error::<PyValueError>(format!(
                    "{} with items of {} are not memory of items of {}",
                    plural(len, "byte"),
                    plural(itemsize, "byte"),
                    plural(wanted, "byte"),
                ))
            }
        }
    }
}
