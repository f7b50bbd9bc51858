//! The errors of decoding and encoding: [`DecodeError`], [`EncodeError`], and [`EncodeErrorKind`], which is the reason
//! of an [`EncodeError`]. [`ValueMemory`] records failed allocations of dynamic values. [`resize`] and [`to_isize`]
//! return a [`DecodeError`].

use crate::align::to_u64;
use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::string::String;
use alloc::vec::Vec;

use super::value::Value;
use crate::layout::{Ambiguity, Type, UserTypeError};
use crate::text::{escape, plural, plural_is};
use crate::view::ViewError;

/// The reason why bytes cannot be read as values.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecodeError {
    /// The length of the input is not a multiple of the item size: 10 bytes for items of 4 bytes.
    #[error("{} not a multiple of the {itemsize}-byte item size", plural_is(*len, "byte"))]
    NotWhole {
        /// The length of the input in bytes.
        len: u64,
        /// The item size in bytes.
        itemsize: u64,
    },
    /// The input for one item has another length than the item: 3 bytes for an item of 4 bytes.
    #[error("{} given but an item has {}", plural(*len, "byte"), plural(*itemsize, "byte"))]
    ItemLength {
        /// The length of the input in bytes.
        len: u64,
        /// The item size in bytes.
        itemsize: u64,
    },
    /// The items of the view and of the plan differ in size: a plan for items of 4 bytes, a view of items of 8 bytes.
    #[error("items of the view have {} but the plan is for {}", plural(*view, "byte"), plural(*plan, "byte"))]
    Itemsize {
        /// The item size of the view in bytes.
        view: u64,
        /// The item size of the plan in bytes.
        plan: u64,
    },
    /// Items of the view are outside the memory: a view of 24 bytes over a slice of 20 bytes.
    #[error("the items are at bytes {low} to {high} but the memory has {}", plural(*len, "byte"))]
    Outside {
        /// The offset of the lowest byte of all items, in bytes from the start of the memory.
        low: i64,
        /// The offset after the highest byte of all items, in bytes from the start of the memory.
        high: i64,
        /// The length of the memory in bytes.
        len: u64,
    },
    /// The view has suboffsets, but the memory is a slice. The slice does not contain the rows that the pointers lead
    /// to.
    #[error("the items are indirect: the slice of bytes does not contain the rows that the pointers lead to")]
    Indirect,
    /// A pointer of an indirect dimension is NULL.
    #[error("pointer in dimension {dimension} is NULL")]
    NullPointer {
        /// The index of the indirect dimension, from 0.
        dimension: u64,
    },
    /// The items have another type than requested: `to_vec::<f64>` for items of `<i`.
    #[error("items are {found} but {wanted} was requested")]
    ElementType {
        /// The name of the item type, such as `int32`.
        found: &'static str,
        /// The name of the requested type, such as `float64`.
        wanted: &'static str,
    },
    /// The items are records, but values of one type were requested: `to_vec::<i32>` for items of `T{<i:a:<d:b:}`.
    #[error("items are records of {}: request records or columns instead of {wanted}", plural(*fields, "field"))]
    Structured {
        /// The number of leaf fields. The fields of nested records are included.
        fields: u64,
        /// The name of the requested type, such as `int32`.
        wanted: &'static str,
    },
    /// The destination has another number of elements than the result: a slice of 5 elements for 6 items.
    #[error("the destination holds {} but {needed} are needed", plural(*available, "element"))]
    TooSmall {
        /// The length of the destination in elements.
        available: u64,
        /// The number of elements of the result.
        needed: u64,
    },
    /// The number of destinations differs from the number of columns: 2 destinations for 3 columns.
    #[error("{} for {}", plural(*destinations, "destination"), plural(*columns, "column"))]
    Destinations {
        /// The number of destinations that the caller gave.
        destinations: u64,
        /// The number of selected columns.
        columns: u64,
    },
    /// The plan has no field with the given name: `columns(&["b"])` for records of `T{<i:a:}`.
    #[error("no field is named `{}`", escape(name))]
    NoField {
        /// The dotted name that the caller gave.
        name: Box<[u8]>,
    },
    /// Several fields have the requested dotted name: `a` in `T{<i:a:<d:a:}`, `f0` in `T{BB:f0:}`, `a.b` in
    /// `T{B:a.b:T{B:b:}:a:}`.
    #[error("several fields are named `{}`", escape(name))]
    RepeatedName {
        /// The dotted name.
        name: Box<[u8]>,
    },
    /// An item has too many values of 0 bytes: `(4294967296)0s`. The item size does not limit the number of such
    /// values. Also too many items of 0 bytes in a buffer whose items are decoded to structs.
    #[error("{count} values of 0 bytes are more than {limit}")]
    ZeroSized {
        /// The number of values in one item, or the number of items.
        count: u64,
        /// The largest supported `count`.
        limit: u64,
    },
    /// The dotted names or the shapes of all fields need too much memory. The dotted name of a field repeats the names
    /// of the enclosing records. If a record has a long name and many fields, the dotted names need more memory than
    /// the format. The same applies to the shapes of arrays in arrays of records.
    #[error("names and shapes of the fields need {} but at most {limit} are supported", plural(*bytes, "byte"))]
    FieldNames {
        /// The number of bytes that the names or the shapes need. For shapes, the number ends at the field that exceeds
        /// the limit.
        bytes: u64,
        /// The largest supported number of bytes: 1 MiB, plus 64 times the size of the names and shapes of the layout.
        limit: u64,
    },
    /// A value of a user type cannot be converted to a number.
    #[error(transparent)]
    UserType(#[from] UserTypeError),
    /// The result needs more memory than is available, or more bytes than the address space has.
    #[error("there is no memory for {}", plural(*bytes, "byte"))]
    Allocation {
        /// The number of bytes, or `u64::MAX` if the number was too large to compute. If the number of items alone
        /// exceeds the address space, this field has the number of items.
        bytes: u64,
    },
    /// The format of the view has several interpretations. Choose an interpretation, and create the plan from the
    /// layout of this interpretation.
    #[error(transparent)]
    Ambiguous(Ambiguity),
    /// An index is out of bounds, or the number of indices is wrong.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A state that only a bug in this crate can cause. Please report the message as a bug.
    #[error("internal error: {what}")]
    Internal {
        /// The state in words, such as "a column is shorter than its items".
        what: &'static str,
    },
}

impl DecodeError {
    /// Creates [`DecodeError::Internal`] for a state that only a bug in this crate can cause. `what` describes the
    /// state. Panics in debug builds.
    #[cold]
    pub(crate) fn internal(what: &'static str) -> Self {
        debug_assert!(false, "{what}");
        Self::Internal { what }
    }
}

/// The reason why a value cannot be written, and the field that rejected the value.
///
/// ```
/// use pep3118::decode::{EncodeErrorKind, Plan, Value};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"B", &Dialect::STRUCT, &DataModel::HOST)?)?;
/// let error = plan.encode(&Value::UInt(300), &mut [0]).unwrap_err();
/// assert!(matches!(error.kind(), EncodeErrorKind::OutOfRange { value: 300, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EncodeError(Box<Details>);

/// The fields of an [`EncodeError`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Details {
    kind: EncodeErrorKind,
    /// The names and indices of the field that rejected the value, outermost first: `a.b[2]`.
    path: String,
}

/// The reason why a value cannot be written.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EncodeErrorKind {
    /// The number is out of the range of the field: 300 for `B`.
    #[error("{value} is not in the range {low} to {high} of {ty}")]
    OutOfRange {
        /// The number that cannot be written.
        value: i128,
        /// The type of the field.
        ty: Type,
        /// The smallest number of the type.
        low: i128,
        /// The largest number of the type.
        high: i128,
    },
    /// The value is of another kind than the field, or an array or a column has another shape: text for `<i`.
    #[error("value is {found} but the field is {wanted}")]
    Kind {
        /// The kind of the value, such as "text".
        found: &'static str,
        /// The type of the field, such as "int32" or "an array of another shape".
        wanted: &'static str,
    },
    /// The value is longer than the field: 5 bytes for `4s`.
    #[error("value has {} but the field holds {capacity}", plural(*len, unit))]
    TooLong {
        /// The length of the value, in `unit`s.
        len: u64,
        /// The length of the field, in `unit`s.
        capacity: u64,
        /// The unit of `len` and `capacity`: "byte" for strings, "unit" for text.
        unit: &'static str,
    },
    /// The number of values is wrong: 2 values for a record of 3 fields.
    #[error("{} for {}", plural(*found, "value"), plural(*wanted, unit))]
    Count {
        /// The number of values that the caller gave.
        found: u64,
        /// The number of fields, elements, items or bytes.
        wanted: u64,
        /// The noun for the counted things: "field", "element", "item" or "byte".
        unit: &'static str,
    },
    /// The `long double` has another representation than the field: x87 for binary128.
    #[error("long double is {found} but the field is {wanted}")]
    LongDouble {
        /// The representation of the value, such as "x87 extended".
        found: &'static str,
        /// The representation of the field, such as "binary128".
        wanted: &'static str,
    },
    /// The destination has another length than the item: a slice of 10 bytes for an item of 12 bytes.
    #[error("the destination holds {} but {needed} are needed", plural(*available, "byte"))]
    TooSmall {
        /// The length of the destination in bytes.
        available: u64,
        /// The length of the item in bytes.
        needed: u64,
    },
    /// The user type of the field does not have the value.
    #[error(transparent)]
    UserType(#[from] UserTypeError),
    /// The view is read-only.
    #[error("the buffer is read-only")]
    ReadOnly,
    /// A buffer cannot be split, because two parts could share bytes: shape (2, 2) with strides (1, 1).
    #[error("the buffer cannot be split: its items can share bytes, because they overlap or pointers lead to them")]
    SharedBytes,
    /// The memory of the items cannot be accessed. The inner error gives the reason.
    #[error(transparent)]
    Access(#[from] DecodeError),
}

impl EncodeError {
    /// Returns the reason why the value cannot be written.
    #[must_use]
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.kind
    }

    /// Returns the field that rejected the value, as names and indices: `a.b[2]`. The path starts with the index of the
    /// item if a function encodes several values. Returns `""` for the item itself, and for an error that no field
    /// causes, such as [`EncodeErrorKind::ReadOnly`].
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::{Plan, RecordValue, Value}};
    /// let plan = Plan::new(&Layout::read(b"T{T{b:x:}:at:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let inner = Value::Record(RecordValue::new([(Some("x"), Value::Int(200))]));
    /// let error = plan.encode(&Value::Record(RecordValue::new([(Some("at"), inner)])), &mut [0]).unwrap_err();
    /// assert_eq!(error.path(), "at.x");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Prepends `step` to the path of the field that rejected the value. `step` is the name of the enclosing field, or
    /// the index of the enclosing element: `[2]`.
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

/// Allocates the vectors and strings of a dynamic value, and records the first allocation that fails.
///
/// After a failure, decoding continues with empty values. At the end, the caller must call [`result`](Self::result),
/// which returns the error. With a `Result` for each value of a record, decoding would take 1.5 times as long.
#[derive(Debug, Default)]
pub(super) struct ValueMemory {
    /// The size in bytes of the first allocation that failed, or `None` if no allocation failed.
    failed: Option<u64>,
}

impl ValueMemory {
    /// Creates an empty vector with capacity for `count` elements. Returns `None` and records the failure if the
    /// allocation fails.
    #[inline]
    pub(super) fn vec<T>(&mut self, count: usize) -> Option<Vec<T>> {
        let mut elements = Vec::new();
        let reserved = elements.try_reserve_exact(count);
        self.check(reserved, count.saturating_mul(size_of::<T>()))?;
        Some(elements)
    }

    /// Creates an empty string with capacity for `len` bytes. Returns `None` and records the failure if the allocation
    /// fails.
    #[inline]
    pub(super) fn string(&mut self, len: usize) -> Option<String> {
        let mut text = String::new();
        let reserved = text.try_reserve_exact(len);
        self.check(reserved, len)?;
        Some(text)
    }

    /// Reserves capacity in `text` for at least one further character. Returns `false` and records the failure if the
    /// allocation fails.
    #[cold]
    pub(super) fn grow(&mut self, text: &mut String) -> bool {
        let reserved = text.try_reserve(char::MAX.len_utf8());
        self.check(reserved, text.len()).is_some()
    }

    /// Returns `Some(())` if `reserved`, the result of an allocation of `bytes` bytes, is `Ok`. Otherwise records the
    /// failed allocation and returns `None`.
    #[inline]
    fn check(&mut self, reserved: Result<(), TryReserveError>, bytes: usize) -> Option<()> {
        if reserved.is_err() {
            self.failed.get_or_insert(to_u64(bytes));
        }
        reserved.ok()
    }

    /// Returns `value`, or the error for the first allocation that failed.
    #[inline]
    pub(super) fn result(self, value: Value) -> Result<Value, DecodeError> {
        match self.failed {
            None => Ok(value),
            Some(bytes) => Err(DecodeError::Allocation { bytes }),
        }
    }
}

/// Changes the length of `bytes` to `len`. New bytes are 0. Returns an error if the allocation fails.
pub(super) fn resize(bytes: &mut Vec<u8>, len: usize) -> Result<(), DecodeError> {
    let further = len.saturating_sub(bytes.len());
    bytes.try_reserve_exact(further).map_err(|_| DecodeError::Allocation { bytes: to_u64(len) })?;
    bytes.resize(len, 0);
    Ok(())
}

/// Converts `distance`, a distance in bytes, to `isize`.
///
/// # Errors
/// - `distance` needs more bits than an address of this machine has: [`DecodeError::Allocation`]
pub(crate) fn to_isize(distance: i64) -> Result<isize, DecodeError> {
    isize::try_from(distance).map_err(|_| DecodeError::Allocation { bytes: distance.unsigned_abs() })
}
