//! The errors of decoding items to structs and of encoding structs: [`Mismatch`], [`NotInPlace`] and [`RecordError`].

use alloc::string::String;

use super::super::error::{DecodeError, EncodeError};
use crate::text::plural;

/// The first difference that prevents decoding items to a struct.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::{DataModel, Dialect, Layout, Record};
/// #[derive(Record)]
/// struct Sample {
///     id: u16,
/// }
/// let layout = Layout::read(b"T{<I:id:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// let mismatch = Sample::matches(&layout).unwrap_err();
/// assert_eq!(mismatch.to_string(), "field `id` at byte 0 is uint32 but the struct has uint16");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Mismatch {
    /// A field of the struct is missing in the layout: `T{<i:a:}` for a struct with the fields `a` and `b`.
    #[error("{record} has no field `{field}`")]
    Missing {
        /// The record in the layout: "the item" or "the record `a.b`".
        record: String,
        /// The name of the field in the struct, or `f` and the index of the field in a tuple struct: `f0`.
        field: String,
    },
    /// A field of the layout is missing in the struct: `T{<i:a:<i:b:}` for a struct with the field `a`.
    #[error("{record} has a field {field} that the struct does not have")]
    Extra {
        /// The record in the layout: "the item" or "the record `a.b`".
        record: String,
        /// The name of the field in backquotes, or "without a name".
        field: String,
    },
    /// The numbers of fields differ: `<iid` for a struct with two fields. The fields are compared by position, or a
    /// name occurs several times in the layout.
    #[error("{record} has {} but the struct has {}", plural(*found, "field"), plural(*wanted, "field"))]
    Count {
        /// The record in the layout: "the item" or "the record `a.b`".
        record: String,
        /// The number of fields of the layout.
        found: u64,
        /// The number of fields of the struct.
        wanted: u64,
    },
    /// The field has another type or shape in the layout than in the struct: `T{<d:a:}` for a struct whose `a` is an
    /// `i32`.
    #[error("field `{field}` at byte {offset} is {found} but the struct has {wanted}")]
    Type {
        /// The dotted name of the field.
        field: String,
        /// The offset of the field in bytes from the start of the item.
        offset: u64,
        /// The type of the field in the layout: `float64`, `int32[2,3]`, `bytes of 5 bytes`.
        found: String,
        /// The type of the field in the struct: `float64`, `int32[2,3]`, `bytes of 5 bytes`.
        wanted: String,
    },
    /// [`Plan::new`](super::super::Plan::new) cannot compile the layout.
    #[error("the layout cannot be read: {0}")]
    Layout(DecodeError),
}

/// The reason why items cannot be used as structs without a copy.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::{DataModel, Dialect, Layout, Record};
/// use pep3118::decode::{Plan, record::{NotInPlace, RecordError}};
/// #[derive(Record, bytemuck::AnyBitPattern, Clone, Copy, Debug)]
/// #[repr(C)]
/// struct Id {
///     id: u16,
/// }
/// let plan = Plan::new(&Layout::read(b"T{>H:id:}", &Dialect::PEP3118, &DataModel::LP64)?)?;
/// let error = plan.cast_records::<Id>(&[0, 1]).unwrap_err();
/// # #[cfg(target_endian = "little")]
/// assert_eq!(error, RecordError::NotInPlace(NotInPlace::Swapped { offset: 0 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotInPlace {
    /// The struct is not `repr(C)`, contains a record that is not `repr(C)`, or skips a field. No items can be used as
    /// such structs.
    #[error("the struct has another layout than the items: it is not `repr(C)` throughout, or it skips a field")]
    Repr,
    /// A field has different offsets in the item and in the struct: `T{<h:b:<h:a:}` for a struct with the fields `a`
    /// and `b`.
    #[error("the value at byte {from} of an item is at byte {to} of the struct")]
    Moved {
        /// The offset of the field in bytes from the start of the item.
        from: u64,
        /// The offset of the field in bytes from the start of the struct.
        to: u64,
    },
    /// A field has another byte order than this machine: `T{>h:a:}` on a little-endian machine.
    #[error("the value at byte {offset} of an item is not in the byte order of this machine")]
    Swapped {
        /// The offset of the field in bytes from the start of the item.
        offset: u64,
    },
    /// The item and the struct differ in size: `T{<i:a:4x}` for a struct of 4 bytes.
    #[error("an item has {} but the struct has {}", plural(*item, "byte"), plural(*record, "byte"))]
    Itemsize {
        /// The size of an item in bytes.
        item: u64,
        /// The size of the struct in bytes.
        record: u64,
    },
    /// The items are not aligned for the struct: items of `<d` that start at address 0x1001.
    #[error("the items start {} past a multiple of {align}, the alignment of the struct", plural(*past, "byte"))]
    Unaligned {
        /// The number of bytes from the last multiple of `align` to the first item: 1 for address 0x1001.
        past: u64,
        /// The alignment of the struct in bytes.
        align: u64,
    },
}

/// The reason why items cannot be decoded to structs, or why structs cannot be encoded.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::decode::Plan;
/// use pep3118::decode::record::{Mismatch, RecordError};
/// use pep3118::{DataModel, Dialect, Layout, Record};
/// #[derive(Record, Debug)]
/// struct Letter {
///     first: char,
/// }
/// let plan = |format: &str| Plan::new(&Layout::read(format, &Dialect::PEP3118, &DataModel::HOST).unwrap()).unwrap();
/// let error = plan("T{<w:first:}").read_records::<Letter>(&[0, 0xd8, 0, 0]).unwrap_err();
/// assert_eq!(error.to_string(), "field `first` of record 0 is 0xd800, which is not a char");
/// let error = plan("T{B:other:}").read_records::<Letter>(&[1]).unwrap_err();
/// assert!(matches!(error, RecordError::Mismatch(Mismatch::Missing { .. })));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordError {
    /// The struct does not match the layout of the items.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The bytes of a field are not a valid value: 0xD800 for a `char`. Memory that this program exports as structs can
    /// also have an invalid `bool`, such as the byte 2.
    #[error("field `{field}` of record {record} is {value:#x}, which is not a {ty}")]
    Invalid {
        /// The index of the record in the input, from 0.
        record: u64,
        /// The dotted name of the field. The elements of all enclosing arrays are numbered from 0: `a.flags[2]`.
        field: String,
        /// The bytes of the invalid value, as an integer.
        value: u32,
        /// The Rust type of the field: "bool" or "char".
        ty: &'static str,
    },
    /// The items cannot be used as structs without a copy. [`RecordPlan::read`](super::RecordPlan::read) decodes such
    /// items with a copy.
    #[error(transparent)]
    NotInPlace(#[from] NotInPlace),
    /// The memory of the items cannot be read. The inner error gives the reason.
    #[error(transparent)]
    Access(#[from] DecodeError),
    /// The structs cannot be written to the items. The inner error gives the reason.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
