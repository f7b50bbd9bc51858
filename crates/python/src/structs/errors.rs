//! The exceptions of `struct`, by its classes and in its words.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::values::{Reason, Refusal};
use pep3118::format::FormatErrorKind;
use pep3118::layout::{LayoutError, LayoutErrorKind, Type};

/// A `struct.error`.
pub(super) fn error(py: Python<'_>, message: impl Into<String>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    match CLASS.import(py, "struct", "error") {
        Ok(class) => PyErr::from_type(class.clone(), (message.into(),)),
        Err(error) => error,
    }
}

/// The refusal of a format: as `struct` says it, then what is wrong and where.
pub(super) fn refused(py: Python<'_>, refusal: &LayoutError) -> PyErr {
    let words = match refusal.kind() {
        LayoutErrorKind::Format(format) => match format.kind() {
            FormatErrorKind::CountWithoutCode => "repeat count given without format specifier",
            FormatErrorKind::EmbeddedNul => "embedded null character",
            FormatErrorKind::NumberTooLarge => "overflow in item count",
            _ => "bad char in struct format",
        },
        LayoutErrorKind::CountTooLarge { .. } => "overflow in item count",
        LayoutErrorKind::TooLarge { .. } => "total struct size too long",
        _ => "bad char in struct format",
    };
    error(py, format!("{words}: {refusal:#}"))
}

/// `struct`'s names of small native integers, which its messages had before CPython 3.12.
fn old_name(code: u8) -> Option<&'static str> {
    match code {
        b'b' => Some("byte"),
        b'B' => Some("ubyte"),
        b'h' => Some("short"),
        b'H' => Some("ushort"),
        _ => None,
    }
}

/// A value that is not packed.
pub(super) fn unpackable(py: Python<'_>, refusal: Refusal) -> PyErr {
    let code = |code: u8| char::from(code);
    let (reason, path) = refusal.into_parts();
    match reason {
        Reason::Raised(error) => error,
        Reason::Kind { leaf: Some(leaf), .. } => {
            let words = match leaf.ty() {
                Type::Char => "char format requires a bytes object of length 1".to_owned(),
                Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque => {
                    format!("argument for '{}' must be a bytes object", code(leaf.code))
                }
                Type::Ucs2 | Type::Ucs4 | Type::Wchar => {
                    format!("argument for '{}' must be a str", code(leaf.code))
                }
                Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => {
                    "required argument is not a float".to_owned()
                }
                Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                    "required argument is not a complex".to_owned()
                }
                _ => "required argument is not an integer".to_owned(),
            };
            error(py, words)
        }
        Reason::Range { leaf, .. } if leaf.code == b'P' => error(py, "int too large to convert"),
        Reason::Range { leaf, range: (low, high), .. } => {
            let old = old_name(leaf.code).filter(|_| leaf.native && py.version_info() < (3, 12));
            let name = old.map_or_else(|| format!("'{}'", code(leaf.code)), str::to_owned);
            error(py, format!("{name} format requires {low} <= number <= {high}"))
        }
        Reason::Overflow(leaf) => {
            PyOverflowError::new_err(format!("float too large to pack with {} format", code(leaf.code)))
        }
        reason => error(py, PyErr::from(Refusal::from_parts(reason, path)).value(py).to_string()),
    }
}

/// A format that is neither text nor bytes.
pub(super) fn no_format(format: &Bound<'_, PyAny>) -> PyErr {
    let found = format.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
    PyTypeError::new_err(format!("Struct() argument 1 must be a str or bytes object, not {found}"))
}
