//! Why an object is not written.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::leaf::Leaf;
use crate::objects;
use pep3118::__private::plural;
use pep3118::decode::EncodeErrorKind;
use pep3118::layout::Type;

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Details>);

#[derive(Debug)]
struct Details {
    reason: Reason,
    /// The field, by names and indices; empty for the item itself.
    path: String,
}

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Reason {
    /// What a method of the object raised.
    Raised(PyErr),
    /// `"a"` for `i`
    Kind {
        /// The field, if it is a value.
        leaf: Option<Leaf>,
        /// What it takes.
        wanted: &'static str,
        /// The type of the object.
        found: String,
    },
    /// 300 for `B`
    Range {
        /// The field.
        leaf: Leaf,
        /// The least and the greatest integer.
        range: (i128, i128),
        /// The integer, unless it has more than 64 bits.
        value: Option<i128>,
    },
    /// 1e300 for `f`
    Overflow(Leaf),
    /// `1 << 200` for `f`, where `struct` is to be followed
    IntTooLarge,
    /// 2 values for 3 fields or elements
    Count {
        /// How many there are.
        found: usize,
        /// How many there must be.
        wanted: usize,
        /// What they are for.
        unit: &'static str,
    },
    /// An object where nobody is known to hold references.
    NotWritten,
    /// An address that a reader of the memory would follow.
    Address,
    /// What else does not fit.
    Encode(EncodeErrorKind),
}

impl Refusal {
    /// The same, one step further out.
    pub(super) fn inside(mut self, step: &str) -> Self {
        let path = &mut self.0.path;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = format!("{step}{dot}{path}");
        self
    }

    /// What is wrong, and the path to it.
    pub(crate) fn into_parts(self) -> (Reason, String) {
        let Details { reason, path } = *self.0;
        (reason, path)
    }

    /// The reverse.
    pub(crate) fn from_parts(reason: Reason, path: String) -> Self {
        Self(Box::new(Details { reason, path }))
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::from_parts(reason, String::new())
    }
}

impl From<PyErr> for Reason {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl Reason {
    /// An object of another kind.
    pub(super) fn kind(leaf: Option<&Leaf>, wanted: &'static str, object: &Bound<'_, PyAny>) -> Self {
        let found = object.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
        Self::Kind { leaf: leaf.copied(), wanted, found }
    }
}

/// `TypeError` for another kind of object, `ValueError` for one that does not fit.
impl From<Refusal> for PyErr {
    fn from(refusal: Refusal) -> Self {
        let (reason, path) = refusal.into_parts();
        let at = |text: String| if path.is_empty() { text } else { format!("{path}: {text}") };
        match reason {
            Reason::Raised(error) => error,
            Reason::Kind { wanted, found, .. } => {
                objects::error::<PyTypeError>(at(format!("'{found}' object for {wanted}")))
            }
            Reason::Range { leaf, range: (low, high), value } => {
                let value = value.map_or_else(|| "integer of more than 64 bits".into(), |value| value.to_string());
                let ty = leaf.kernel.ty();
                objects::error::<PyValueError>(at(format!("{value} is not in the range {low} to {high} of {ty}")))
            }
            Reason::Overflow(leaf) => {
                objects::error::<PyValueError>(at(format!("number is too large for {}", leaf.kernel.ty())))
            }
            Reason::IntTooLarge => objects::error::<PyValueError>(at("int too large to convert".into())),
            Reason::Count { found, wanted, unit } => {
                let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
                let text = format!("{} for {}", plural(wide(found), "value"), plural(wide(wanted), unit));
                objects::error::<PyValueError>(at(text))
            }
            Reason::NotWritten => objects::error::<PyTypeError>(at(
                "items of format 'O' are written only where the exporter's type says that they are objects".into(),
            )),
            Reason::Address => objects::error::<PyTypeError>(at(
                "addresses of text, functions and typed data are not written: a reader follows them".into(),
            )),
            Reason::Encode(kind) => objects::error::<PyValueError>(at(kind.to_string())),
        }
    }
}

/// What a field of a type takes.
pub(super) const fn taken_by(ty: Type) -> &'static str {
    match ty {
        Type::Char => "bytes of length 1",
        Type::Ucs2 | Type::Ucs4 | Type::Wchar => "text",
        Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque | Type::Record => "bytes",
        Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => "a float",
        Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => "a complex number",
        _ => "an integer",
    }
}
