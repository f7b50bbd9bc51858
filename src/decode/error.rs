//! Errors of reading and writing: [`DecodeError`] and [`EncodeError`].

use alloc::boxed::Box;
use alloc::string::String;

use crate::layout::{Ambiguity, Type};
use crate::text::{escape, plural};
use crate::view::ViewError;

/// Why bytes cannot be read as values.
///
/// ```
/// use pep3118::decode::{DecodeError, Plan};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"<i", &Dialect::STRUCT, &DataModel::HOST)?)?;
/// let error = plan.value(&[0; 3]).unwrap_err();
/// assert_eq!(error, DecodeError::ItemLength { len: 3, itemsize: 4 });
/// assert_eq!(error.to_string(), "3 bytes given but an item has 4 bytes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// 10 bytes for a plan of 4-byte items.
    #[error("{} are not a multiple of the {itemsize}-byte item size", plural(*len, "byte"))]
    NotWhole {
        /// The length of the input in bytes.
        len: u64,
        /// The item size in bytes.
        itemsize: u64,
    },
    /// 3 bytes for an item of 4.
    #[error("{} given but an item has {}", plural(*len, "byte"), plural(*itemsize, "byte"))]
    ItemLength {
        /// The length of the input in bytes.
        len: u64,
        /// The item size in bytes.
        itemsize: u64,
    },
    /// A plan for items of 4 bytes and a view of items of 8.
    #[error("items of the view have {} but the plan is for {}", plural(*view, "byte"), plural(*plan, "byte"))]
    Itemsize {
        /// The item size of the view in bytes.
        view: u64,
        /// The item size of the plan in bytes.
        plan: u64,
    },
    /// A view of 24 bytes over a slice of 20.
    #[error("the items are at bytes {low} to {high} but the memory has {}", plural(*len, "byte"))]
    Outside {
        /// The lowest byte of the items.
        low: i64,
        /// One past the highest byte of the items.
        high: i64,
        /// The length of the memory in bytes.
        len: u64,
    },
    /// A view with suboffsets over a slice, which does not contain the rows that the pointers lead to.
    #[error("the items are indirect: a slice of bytes does not contain the rows that its pointers lead to")]
    Indirect,
    /// A table of pointers with a NULL in it.
    #[error("pointer in dimension {dimension} is NULL")]
    NullPointer {
        /// The dimension, from 0.
        dimension: u64,
    },
    /// `to_vec::<f64>` of `<i`
    #[error("items are {found} but {wanted} was requested")]
    ElementType {
        /// The type of the items.
        found: &'static str,
        /// The requested type.
        wanted: &'static str,
    },
    /// `to_vec::<i32>` of `T{<i:a:<d:b:}`
    #[error("items are records of {}: request records or columns instead of {wanted}", plural(*fields, "field"))]
    Structured {
        /// The number of leaf fields, those of nested records included.
        fields: u64,
        /// The requested type.
        wanted: &'static str,
    },
    /// 6 items into a slice of 5 elements.
    #[error("the destination holds {} but {needed} are needed", plural(*available, "element"))]
    TooSmall {
        /// The length of the destination in elements.
        available: u64,
        /// The number of elements to be written to it.
        needed: u64,
    },
    /// 2 destinations for 3 columns.
    #[error("{} for {}", plural(*destinations, "destination"), plural(*columns, "column"))]
    Destinations {
        /// The number of destinations.
        destinations: u64,
        /// The number of chosen columns.
        columns: u64,
    },
    /// `columns(&["b"])` of `T{<i:a:}`
    #[error("no field is named `{}`", escape(name))]
    NoField {
        /// The dotted name.
        name: Box<[u8]>,
    },
    /// `(4294967296)0s`: the size of the item does not limit the number of values that have no bytes.
    #[error("{count} values of 0 bytes are more than {limit}")]
    ZeroSized {
        /// The number of values.
        count: u64,
        /// The largest number that is read.
        limit: u64,
    },
    /// More bytes than the machine has, or than its address space holds.
    #[error("there is no memory for {}", plural(*bytes, "byte"))]
    Allocation {
        /// The number of bytes.
        bytes: u64,
    },
    /// Several interpretations fit the format of a view: choose one of them and make a plan of its layout.
    #[error(transparent)]
    Ambiguous(Ambiguity),
    /// Indices that are out of bounds.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A state that the checks of this crate exclude: please report it.
    #[error("internal error: {what}")]
    Internal {
        /// The state.
        what: &'static str,
    },
}

impl DecodeError {
    /// The error for a state that is impossible unless this crate has a fault; a panic in debug builds.
    #[cold]
    pub(crate) fn internal(what: &'static str) -> Self {
        debug_assert!(false, "{what}");
        Self::Internal { what }
    }
}

/// Why a value cannot be written, and the field that it is for.
///
/// ```
/// use pep3118::decode::{EncodeErrorKind, Plan, Value};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"B", &Dialect::STRUCT, &DataModel::HOST)?)?;
/// let error = plan.encode(&Value::UInt(300), &mut [0]).unwrap_err();
/// assert!(matches!(error.kind(), EncodeErrorKind::OutOfRange { value: 300, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    kind: EncodeErrorKind,
    /// Field names and indices, outermost first.
    path: String,
}

/// Why a value does not fit.
///
/// ```
/// use pep3118::decode::{EncodeErrorKind, Plan, Value};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"<h", &Dialect::STRUCT, &DataModel::HOST)?)?;
/// let error = plan.encode(&Value::Int(70000), &mut [0; 2]).unwrap_err();
/// assert!(matches!(error.kind(), EncodeErrorKind::OutOfRange { high: 32767, .. }));
/// assert_eq!(error.to_string(), "70000 is not in the range -32768 to 32767 of int16");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeErrorKind {
    /// 300 for `B`
    #[error("{value} is not in the range {low} to {high} of {ty}")]
    OutOfRange {
        /// The value.
        value: i128,
        /// The type of the field.
        ty: Type,
        /// The smallest value that fits.
        low: i128,
        /// The largest value that fits.
        high: i128,
    },
    /// Text for `<i`
    #[error("value is {found} but the field is {wanted}")]
    Kind {
        /// The kind of the value.
        found: &'static str,
        /// The type of the field.
        wanted: &'static str,
    },
    /// 5 bytes for `4s`
    #[error("value has {} but the field holds {capacity}", plural(*len, unit))]
    TooLong {
        /// The length of the value.
        len: u64,
        /// The largest length that fits.
        capacity: u64,
        /// The unit of both lengths.
        unit: &'static str,
    },
    /// 2 values for 3 fields or elements.
    #[error("{} for {}", plural(*found, "value"), plural(*wanted, unit))]
    Count {
        /// The number of values.
        found: u64,
        /// The number that is needed.
        wanted: u64,
        /// What the values are for: "field", "element", "item", "byte".
        unit: &'static str,
    },
    /// A long double of another representation than the machine's.
    #[error("long double is {found} but the field is {wanted}")]
    LongDouble {
        /// The representation of the value.
        found: &'static str,
        /// The representation of the field.
        wanted: &'static str,
    },
    /// A slice of 10 bytes for an item of 12.
    #[error("the destination holds {} but {needed} are needed", plural(*available, "byte"))]
    TooSmall {
        /// The length of the destination in bytes.
        available: u64,
        /// The number of bytes to be written to it.
        needed: u64,
    },
    /// A view whose memory must not be written to.
    #[error("the buffer is read-only")]
    ReadOnly,
    /// The memory cannot be accessed; the error is that of reading it.
    #[error(transparent)]
    Access(#[from] DecodeError),
}

impl EncodeError {
    /// Returns the reason.
    #[must_use]
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.kind
    }

    /// Returns the field, by names and indices: `a.b[2]`; empty for the item itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Puts the name or index of the enclosing value before the path.
    pub(super) fn inside(mut self, step: &str) -> Self {
        let path = &mut self.0.path;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = alloc::format!("{step}{dot}{path}");
        self
    }
}

impl From<EncodeErrorKind> for EncodeError {
    fn from(kind: EncodeErrorKind) -> Self {
        Self(Box::new(Details { kind, path: String::new() }))
    }
}

impl From<DecodeError> for EncodeError {
    fn from(error: DecodeError) -> Self {
        EncodeErrorKind::Access(error).into()
    }
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Details { kind, path } = &*self.0;
        if path.is_empty() { kind.fmt(f) } else { write!(f, "{path}: {kind}") }
    }
}

impl core::error::Error for EncodeError {}

/// Returns a length as the errors and layouts have it.
#[expect(clippy::as_conversions, reason = "it has at most 64 bits")]
pub(crate) const fn wide(len: usize) -> u64 {
    const { assert!(usize::BITS <= u64::BITS) };
    len as u64
}

/// Returns a distance of a view as one of this machine, whose address space may be smaller.
pub(crate) fn to_isize(distance: i64) -> Result<isize, DecodeError> {
    isize::try_from(distance).map_err(|_| DecodeError::Allocation { bytes: distance.unsigned_abs() })
}
