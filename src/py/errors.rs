//! Conversions of this crate's errors to Python exceptions. [`set_format_exception`] replaces the exception for errors
//! of formats.

use super::fallible;
use pyo3::exceptions::{PyBufferError, PyIndexError, PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::decode::record::{Mismatch, NotInPlace, RecordError};
use crate::decode::{DecodeError, EncodeError, EncodeErrorKind};
use crate::format::FormatError;
use crate::layout::{BuildError, EmitError, LayoutError, UserTypeError};
use crate::view::{FlagsError, Report, RequestError, ViewError, Violation};

/// A function that creates the exception for a [`LayoutError`].
type FormatException = fn(LayoutError) -> PyErr;

/// The function that an extension module passed to [`set_format_exception`]. Empty before the first call.
static FORMAT_EXCEPTION: std::sync::OnceLock<FormatException> = std::sync::OnceLock::new();

/// Sets the function that converts a [`LayoutError`] to an exception. Without this call, a `LayoutError` becomes
/// `ValueError`. Only the first call has an effect.
pub fn set_format_exception(exception: fn(LayoutError) -> PyErr) {
    let _: Result<(), FormatException> = FORMAT_EXCEPTION.set(exception);
}

/// A layout error becomes the exception of the function that was passed to [`set_format_exception`]. Without such a
/// function, the error becomes `ValueError`, with the annotated format in the message.
impl From<LayoutError> for PyErr {
    fn from(error: LayoutError) -> Self {
        match FORMAT_EXCEPTION.get() {
            Some(exception) => exception(error),
            None => fallible::error::<PyValueError>(format!("{error:#}")),
        }
    }
}

/// A format error becomes a [`LayoutError`], and then the exception of this `LayoutError`.
impl From<FormatError> for PyErr {
    fn from(error: FormatError) -> Self {
        LayoutError::from(error).into()
    }
}

/// A build error, such as a member that exceeds its record, becomes `ValueError`.
impl From<BuildError> for PyErr {
    fn from(error: BuildError) -> Self {
        fallible::error::<PyValueError>(error.to_string())
    }
}

/// The error for an invalid user type and the error for a value that a user type cannot store become `ValueError`.
impl From<UserTypeError> for PyErr {
    fn from(error: UserTypeError) -> Self {
        fallible::error::<PyValueError>(error.to_string())
    }
}

/// A report becomes `BufferError`, with every finding in the message.
impl From<Report> for PyErr {
    fn from(report: Report) -> Self {
        fallible::error::<PyBufferError>(format!("{report:#}"))
    }
}

/// A broken rule becomes `BufferError`.
impl From<Violation> for PyErr {
    fn from(violation: Violation) -> Self {
        fallible::error::<PyBufferError>(violation.to_string())
    }
}

/// An invalid index or number of indices becomes `IndexError`. Another invalid argument becomes `ValueError`, such as a
/// slice step or a chunk length of 0, a cast, an order of axes, a number of dimensions or of strides, or a field outside
/// of the item. Every other error becomes `BufferError`, such as a broken rule.
impl From<ViewError> for PyErr {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::IndexOutOfBounds { .. } | ViewError::IndexCount { .. } | ViewError::SliceCount { .. } => {
                fallible::error::<PyIndexError>(error.to_string())
            }
            ViewError::SliceStep { .. }
            | ViewError::Axes { .. }
            | ViewError::CastItems { .. }
            | ViewError::CastShape { .. }
            | ViewError::ChunkLength { .. }
            | ViewError::FieldOutside { .. }
            | ViewError::StridesLength { .. }
            | ViewError::Dimensions { .. } => fallible::error::<PyValueError>(error.to_string()),
            error => fallible::error::<PyBufferError>(error.to_string()),
        }
    }
}

/// A [`ViewError`] becomes its own exception. A failed allocation becomes `MemoryError`, and every other error becomes
/// `ValueError`.
impl From<DecodeError> for PyErr {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::View(error) => error.into(),
            DecodeError::Allocation { .. } => fallible::error::<PyMemoryError>(error.to_string()),
            error => fallible::error::<PyValueError>(error.to_string()),
        }
    }
}

/// A [`DecodeError`] about the memory of the items becomes its own exception, such as `MemoryError` for a failed
/// allocation or `IndexError` for an index that is out of bounds. Every other error becomes `ValueError`.
impl From<EncodeError> for PyErr {
    fn from(error: EncodeError) -> Self {
        match error.kind() {
            EncodeErrorKind::Access(access) => access.clone().into(),
            _ => fallible::error::<PyValueError>(error.to_string()),
        }
    }
}

/// A reason becomes the exception of an [`EncodeError`] with this reason.
impl From<EncodeErrorKind> for PyErr {
    fn from(kind: EncodeErrorKind) -> Self {
        EncodeError::from(kind).into()
    }
}

/// A mismatch between the items and a struct becomes `ValueError`. [`Mismatch::Layout`] becomes the exception of the
/// inner error.
impl From<Mismatch> for PyErr {
    fn from(error: Mismatch) -> Self {
        match error {
            Mismatch::Layout(error) => error.into(),
            error => fallible::error::<PyValueError>(error.to_string()),
        }
    }
}

/// A [`Mismatch`], a [`DecodeError`] and an [`EncodeError`] become the exception of the inner error. Every other error
/// becomes `ValueError`.
impl From<RecordError> for PyErr {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Mismatch(error) => error.into(),
            RecordError::Access(error) => error.into(),
            RecordError::Encode(error) => error.into(),
            error => fallible::error::<PyValueError>(error.to_string()),
        }
    }
}

/// Implements `From` for errors about an argument. Each of these errors becomes `ValueError`.
macro_rules! value_errors {
    ($($(#[$attribute:meta])? $error:ty),+ $(,)?) => {$(
        $(#[$attribute])?
        impl From<$error> for PyErr {
            fn from(error: $error) -> Self {
                fallible::error::<PyValueError>(error.to_string())
            }
        }
    )+};
}

value_errors! {
    NotInPlace,
    EmitError,
    FlagsError,
    RequestError,
    crate::format::FormatErrorKind,
    crate::layout::Ambiguity,
    crate::layout::LayoutErrorKind,
    crate::layout::NpyError,
    crate::layout::NumpyDescrError,
    crate::layout::SourceError,
    crate::named::UnknownName,
    crate::view::RuleIdError,
    #[cfg(feature = "c")] crate::layout::CError,
    #[cfg(feature = "triple")] crate::abi::UnknownTriple,
}

/// A [`DecodeError`] becomes its own exception, and every other error becomes `ValueError`.
#[cfg(feature = "arrow")]
impl From<crate::interop::arrow::BatchError> for PyErr {
    fn from(error: crate::interop::arrow::BatchError) -> Self {
        match error {
            crate::interop::arrow::BatchError::Decode(error) => error.into(),
            error => fallible::error::<PyValueError>(error.to_string()),
        }
    }
}
