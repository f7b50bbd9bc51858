//! `WriteError`: the reason why a Python object cannot be written as an item.

use pep3118::__private::to_u64;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::scalar::ScalarField;
use crate::errors::class_name;
use crate::objects;
use pep3118::__private::plural;
use pep3118::decode::EncodeErrorKind;
use pep3118::layout::Type;

/// The reason why an object cannot be written to a field, and the path of the field.
#[derive(Debug)]
pub(crate) struct WriteError(Box<Details>);

#[derive(Debug)]
struct Details {
    kind: WriteErrorKind,
    /// The path of the field: names and indices such as `a.b[2]`. Empty if the object is the value of the whole item.
    path: String,
}

/// The reason why an object cannot be written.
#[derive(Debug)]
pub(crate) enum WriteErrorKind {
    /// A method of the object raised an exception.
    Raised(PyErr),
    /// The field does not accept objects of this type. Example: `"a"` for `i`.
    Kind {
        /// The field. `None` if the field is an array or a record.
        scalar: Option<ScalarField>,
        /// The text for the message that describes the objects that the field accepts, such as `an integer`.
        wanted: &'static str,
        /// The name of the type of the object.
        found: String,
    },
    /// The integer is outside of the range of the type. Example: 300 for `B`.
    Range {
        /// The field.
        scalar: ScalarField,
        /// The least and the greatest integer that the type has.
        range: (i128, i128),
        /// The integer. `None` if the integer has more than 64 bits.
        value: Option<i128>,
    },
    /// The number is finite but would become infinite in the field. Example: 1e300 for `f`.
    Overflow(ScalarField),
    /// The object is an `int` that fits a `float`, but does not fit the narrower float of the field. Example in CPython
    /// 3.14: `1 << 200` for `f`. For such an integer, the message of `struct` does not contain the type of the field.
    IntTooLarge,
    /// The number of values differs from the number of fields or elements. Example: 2 values for 3 fields.
    Count {
        /// The number of values.
        found: usize,
        /// The number of fields or elements.
        wanted: usize,
        /// The word for the message: `field`, `element` or `item`.
        unit: &'static str,
    },
    /// The field has the format `O`, but the exporter's type does not declare that the memory contains references to
    /// objects.
    ReferencesUnknown,
    /// The field is an address that a consumer of the memory follows.
    FollowedAddress,
    /// The field shares bytes with another field of the record, and the two values have different bytes.
    SharedBytes,
    /// The library cannot encode the value, for example because text or bytes are too long.
    Encode(EncodeErrorKind),
}

impl WriteError {
    /// Returns the error with `step` added before the path. `step` is the name of a record's field, or an index in
    /// brackets.
    pub(super) fn inside(mut self, step: &str) -> Self {
        let path = &mut self.0.path;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = format!("{step}{dot}{path}");
        self
    }

    /// Returns the reason, and the path of the field.
    pub(crate) fn into_parts(self) -> (WriteErrorKind, String) {
        let Details { kind, path } = *self.0;
        (kind, path)
    }

    /// Creates the error with the reason `kind` for the field at `path`.
    pub(crate) fn from_parts(kind: WriteErrorKind, path: String) -> Self {
        Self(Box::new(Details { kind, path }))
    }
}

impl From<WriteErrorKind> for WriteError {
    fn from(kind: WriteErrorKind) -> Self {
        Self::from_parts(kind, String::new())
    }
}

impl From<PyErr> for WriteErrorKind {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<EncodeErrorKind> for WriteErrorKind {
    fn from(kind: EncodeErrorKind) -> Self {
        Self::Encode(kind)
    }
}

impl WriteErrorKind {
    /// Creates the error for `object`, which has a type that the field does not accept. `scalar` is the field, or
    /// `None` if the field is an array or a record. `wanted` describes the objects that the field accepts.
    pub(super) fn kind(scalar: Option<&ScalarField>, wanted: &'static str, object: &Bound<'_, PyAny>) -> Self {
        // If the class has no name, the message contains `object` instead.
        let found = class_name(object).unwrap_or_else(|_| "object".to_owned());
        Self::Kind { scalar: scalar.copied(), wanted, found }
    }
}

/// The exception for the error: a `TypeError` if the type of the object is wrong, and a `ValueError` if the value does
/// not fit the field. An exception that a method of the object raised is returned unchanged.
impl From<WriteError> for PyErr {
    fn from(error: WriteError) -> Self {
        let (kind, path) = error.into_parts();
        let at = |text: String| if path.is_empty() { text } else { format!("{path}: {text}") };
        match kind {
            WriteErrorKind::Raised(error) => error,
            WriteErrorKind::Kind { wanted, found, .. } => {
                objects::error::<PyTypeError>(at(format!("'{found}' object for {wanted}")))
            }
            WriteErrorKind::Range { scalar, range: (low, high), value } => {
                let value = value.map_or_else(|| "integer of more than 64 bits".into(), |value| value.to_string());
                let ty = scalar.value_type();
                let ty = match scalar.codec.bit_field() {
                    Some(bits) => format!("a bit-field of {} of {ty}", plural(to_u64(bits.width().into()), "bit")),
                    None => ty.to_string(),
                };
                objects::error::<PyValueError>(at(format!("{value} is not in the range {low} to {high} of {ty}")))
            }
            WriteErrorKind::Overflow(scalar) => {
                objects::error::<PyValueError>(at(format!("number is too large for {}", scalar.ty())))
            }
            WriteErrorKind::IntTooLarge => objects::error::<PyValueError>(at("int too large to convert".into())),
            WriteErrorKind::Count { found, wanted, unit } => {
                let text = format!("{} for {}", plural(to_u64(found), "value"), plural(to_u64(wanted), unit));
                objects::error::<PyValueError>(at(text))
            }
            WriteErrorKind::ReferencesUnknown => objects::error::<PyTypeError>(at(
                "items of format 'O' are written only if the type of the exporter says that they are objects".into(),
            )),
            WriteErrorKind::FollowedAddress => objects::error::<PyTypeError>(at(
                "addresses of text, functions and typed data are not written, because a consumer follows them".into(),
            )),
            WriteErrorKind::SharedBytes => objects::error::<PyValueError>(at(
                "fields of a union share bytes, and a later field has a value with other bytes".into(),
            )),
            WriteErrorKind::Encode(kind) => objects::error::<PyValueError>(at(kind.to_string())),
        }
    }
}

/// Returns a description of the objects that a field of type `ty` accepts, for error messages: `an integer`.
pub(super) const fn accepted_objects(ty: Type) -> &'static str {
    match ty {
        Type::Char => "bytes of length 1",
        Type::Ucs2 | Type::Ucs4 | Type::Wchar => "text",
        Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque | Type::Record => "bytes",
        Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => "a float",
        Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => "a complex number",
        _ => "an integer",
    }
}
