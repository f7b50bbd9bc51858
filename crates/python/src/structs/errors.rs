//! Creates the exceptions of `pep3118.struct`, with the classes and the messages of the exceptions of the `struct`
//! module. The message for an invalid format also contains the reason and the position. The message for an object of a
//! record class contains the name of the field instead of the text of the `struct` module.

use pep3118::__private::{arguments, imported};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;

use crate::behavior::Behavior;
use crate::errors::{class_name, qualified_class_name};
use crate::objects::{self, string};
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::values::{WriteError, WriteErrorKind};
use pep3118::format::FormatErrorKind;
use pep3118::layout::{LayoutError, LayoutErrorKind, Type};

/// Creates a `struct.error` with `message`. If Python cannot create the exception, returns the exception that Python
/// raised instead.
pub(super) fn error(py: Python<'_>, message: impl Into<String>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    // `PyErr::new` would create the exception object when the exception is raised, and would panic if the memory is
    // exhausted.
    let made = imported(&CLASS, py, "struct", "error")
        .and_then(|class| class.call1(arguments(py, [&string(py, &message.into())?])?));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// Returns the `struct.error` for `error`, the reason why a format is invalid. The message has the text of the `struct`
/// module, followed by the reason and the position.
pub(super) fn format_error(py: Python<'_>, error: &LayoutError) -> PyErr {
    let message = match error.kind() {
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
    self::error(py, format!("{message}: {error:#}"))
}

/// Returns the word for the native integer type `character` in messages of CPython 3.11, such as `ubyte` for `B`.
/// Returns `None` if CPython 3.11 names the type by its character.
fn integer_word(character: u8) -> Option<&'static str> {
    match character {
        b'b' => Some("byte"),
        b'B' => Some("ubyte"),
        b'h' => Some("short"),
        b'H' => Some("ushort"),
        _ => None,
    }
}

/// Returns the exception for `error`, the reason why a value cannot be packed: a `struct.error`, an `OverflowError` for
/// a float that is too large, or the exception that a method of the value raised.
pub(super) fn value_error(py: Python<'_>, error: WriteError) -> PyErr {
    // Every layout of `pep3118.struct` comes from a format. Every scalar therefore has a character, and the default `?`
    // is never used.
    let character = |character: Option<u8>| char::from(character.unwrap_or(b'?'));
    let (kind, path) = error.into_parts();
    match kind {
        WriteErrorKind::Raised(error) => error,
        WriteErrorKind::Kind { scalar: Some(scalar), .. } => {
            let message = match scalar.ty() {
                Type::Char => "char format requires a bytes object of length 1".to_owned(),
                Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque => {
                    format!("argument for '{}' must be a bytes object", character(scalar.character))
                }
                Type::Ucs2 | Type::Ucs4 | Type::Wchar => {
                    format!("argument for '{}' must be a str", character(scalar.character))
                }
                Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => {
                    "required argument is not a float".to_owned()
                }
                Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                    "required argument is not a complex".to_owned()
                }
                _ => "required argument is not an integer".to_owned(),
            };
            self::error(py, message)
        }
        WriteErrorKind::Range { scalar, .. } if scalar.character == Some(b'P') => {
            self::error(py, "int too large to convert")
        }
        WriteErrorKind::Range { scalar, range: (low, high), .. } => {
            let has_word = scalar.native && Behavior::current(py).has_integer_words;
            let word = scalar.character.and_then(integer_word).filter(|_| has_word);
            let name = word.map_or_else(|| format!("'{}'", character(scalar.character)), str::to_owned);
            self::error(py, format!("{name} format requires {low} <= number <= {high}"))
        }
        WriteErrorKind::Overflow(scalar) => {
            let message = format!("float too large to pack with {} format", character(scalar.character));
            objects::error::<PyOverflowError>(message)
        }
        kind => self::error(py, PyErr::from(WriteError::from_parts(kind, path)).value(py).to_string()),
    }
}

/// Returns the exception for `error`, the reason why an object of a record class cannot be packed: a `struct.error`, or
/// the exception that a method of a value raised. The message of a `struct.error` contains the name of the field.
pub(super) fn record_error(py: Python<'_>, error: WriteError) -> PyErr {
    match error.into_parts() {
        (WriteErrorKind::Raised(error), _) => error,
        (kind, path) => self::error(py, PyErr::from(WriteError::from_parts(kind, path)).value(py).to_string()),
    }
}

/// Returns the `TypeError` for `format`, which is neither a `str` nor a `bytes` object.
pub(super) fn not_a_format(format: &Bound<'_, PyAny>) -> PyErr {
    let has_module = Behavior::current(format.py()).has_qualified_names;
    match if has_module { qualified_class_name(format) } else { class_name(format) } {
        Ok(name) => {
            objects::error::<PyTypeError>(format!("Struct() argument 1 must be a str or bytes object, not {name}"))
        }
        Err(error) => error,
    }
}
