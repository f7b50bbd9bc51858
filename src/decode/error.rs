//! Why bytes do not become values, or values bytes.

use alloc::boxed::Box;
use alloc::string::String;

use crate::layout::{Ambiguity, Type};
use crate::text::{escape, plural};
use crate::view::ViewError;

/// What cannot be read.
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
    #[error("{} hold no whole number of {itemsize}-byte items", plural(*len, "byte"))]
    NotWhole {
        /// The bytes that there are.
        len: u64,
        /// Bytes of one item.
        itemsize: u64,
    },
    /// 3 bytes for an item of 4.
    #[error("{} given but an item has {}", plural(*len, "byte"), plural(*itemsize, "byte"))]
    ItemLength {
        /// The bytes that there are.
        len: u64,
        /// Bytes of one item.
        itemsize: u64,
    },
    /// A plan for items of 4 bytes, a view of items of 8.
    #[error("items of the view have {} but the plan is for {}", plural(*view, "byte"), plural(*plan, "byte"))]
    Itemsize {
        /// Bytes of an item of the view.
        view: u64,
        /// Bytes of an item of the plan.
        plan: u64,
    },
    /// A view of 24 bytes over a slice of 20.
    #[error("the items lie at bytes {low} to {high} of {}", plural(*len, "byte"))]
    Outside {
        /// The lowest byte.
        low: i64,
        /// One past the highest byte.
        high: i64,
        /// The bytes that there are.
        len: u64,
    },
    /// A view with suboffsets over a slice: where the pointers go is not in it.
    #[error("items are reached through pointers, which a slice of bytes does not hold")]
    Indirect,
    /// A table of pointers with a NULL in it.
    #[error("pointer in dimension {dimension} is NULL")]
    NullPointer {
        /// The dimension, from 0.
        dimension: u64,
    },
    /// `to_vec::<f64>` of `<i`
    #[error("items are {found} but {wanted} was asked for")]
    ElementType {
        /// What the items are: the name of a type, or of several.
        found: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// `to_vec::<i32>` of `T{<i:a:<d:b:}`
    #[error("items are records of {}: ask for records or columns, not for {wanted}", plural(*fields, "field"))]
    Structured {
        /// How many fields there are, those of nested records included.
        fields: u64,
        /// What was asked for.
        wanted: &'static str,
    },
    /// 6 items into room for 5.
    #[error("the destination holds {} but {needed} are needed", plural(*available, "element"))]
    TooSmall {
        /// Elements that fit.
        available: u64,
        /// Elements that there are.
        needed: u64,
    },
    /// 2 destinations for 3 columns.
    #[error("{} for {}", plural(*destinations, "destination"), plural(*columns, "column"))]
    Destinations {
        /// How many were given.
        destinations: u64,
        /// How many columns were chosen.
        columns: u64,
    },
    /// `columns(&["b"])` of `T{<i:a:}`
    #[error("no field is named `{}`", escape(name))]
    NoField {
        /// The dotted name.
        name: Box<[u8]>,
    },
    /// `(4294967296)0s`: values that take no bytes, so nothing bounds their number.
    #[error("{count} values of 0 bytes are more than {limit}")]
    ZeroSized {
        /// How many there are.
        count: u64,
        /// How many are read.
        limit: u64,
    },
    /// More bytes than the machine gives, or than a vector can have.
    #[error("there is no memory for {}", plural(*bytes, "byte"))]
    Allocation {
        /// The bytes that were asked for.
        bytes: u64,
    },
    /// Several interpretations fit the format of a view: choose one of them and make a plan of its layout.
    #[error(transparent)]
    Ambiguous(Ambiguity),
    /// Indices that the view does not have.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// What cannot be written, and in which field.
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
    /// Field names and indices from the inside out.
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
        /// The least that fits.
        low: i128,
        /// The greatest that fits.
        high: i128,
    },
    /// Text for `<i`
    #[error("value is {found} but the field is {wanted}")]
    Kind {
        /// What the value is.
        found: &'static str,
        /// The type of the field.
        wanted: &'static str,
    },
    /// 5 bytes for `4s`
    #[error("value has {} but the field holds {capacity}", plural(*len, unit))]
    TooLong {
        /// The length of the value.
        len: u64,
        /// The length that fits.
        capacity: u64,
        /// What both are counted in.
        unit: &'static str,
    },
    /// 2 values for 3 fields or elements.
    #[error("{} for {}", plural(*found, "value"), plural(*wanted, unit))]
    Count {
        /// How many there are.
        found: u64,
        /// How many there must be.
        wanted: u64,
        /// What they are for.
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
    /// 10 bytes of room for an item of 12.
    #[error("the destination holds {} but {needed} are needed", plural(*available, "byte"))]
    TooSmall {
        /// Bytes that fit.
        available: u64,
        /// Bytes to be written.
        needed: u64,
    },
    /// A view whose memory must not be written to.
    #[error("the buffer is read-only")]
    ReadOnly,
    /// What would keep the memory from being read keeps it from being written.
    #[error(transparent)]
    Access(#[from] DecodeError),
}

impl EncodeError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.kind
    }

    /// The field, by names and indices: `a.b[2]`; empty for the item itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The same, one step further out.
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

/// A length as the errors tell it.
pub(crate) fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
