//! Why items are no records of a struct.

use alloc::string::String;

use super::super::error::{DecodeError, EncodeError};
use crate::text::plural;

/// The first difference between a layout and a struct.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// `T{<i:a:}` for a struct with `a` and `b`.
    #[error("{record} has no field `{field}`")]
    Missing {
        /// The record: "the item" or "the record `a.b`".
        record: String,
        /// The field of the struct.
        field: String,
    },
    /// `T{<i:a:<i:b:}` for a struct with `a` only.
    #[error("{record} has a field {field} that the struct has not")]
    Extra {
        /// The record: "the item" or "the record `a.b`".
        record: String,
        /// The field of the layout, in backquotes, or "without a name".
        field: String,
    },
    /// `<iid` for a struct with two fields.
    #[error("{record} has {} but the struct has {}", plural(*found, "field"), plural(*wanted, "field"))]
    Count {
        /// The record: "the item" or "the record `a.b`".
        record: String,
        /// Fields of the layout.
        found: u64,
        /// Fields of the struct.
        wanted: u64,
    },
    /// `T{<d:a:}` for a struct whose `a` is an `i32`.
    #[error("field `{field}` at byte {offset} is {found} but the struct has {wanted}")]
    Type {
        /// The dotted name.
        field: String,
        /// In bytes from the start of the item.
        offset: u64,
        /// What stands there: `float64`, `int32[2,3]`, `bytes of 5 bytes`.
        found: String,
        /// What the struct has, in the same words.
        wanted: String,
    },
    /// A layout that no plan can be made for.
    #[error("the layout cannot be read: {0}")]
    Layout(DecodeError),
}

/// Why items are not structs where they lie.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInPlace {
    /// A struct that is not `repr(C)`, or one in it, or one that skips a field.
    #[error("the struct does not lie as the items do: it is not `repr(C)` throughout, or it skips a field")]
    Repr,
    /// `T{<h:b:<h:a:}` for a struct with `a` and `b`.
    #[error("the value at byte {from} of an item is at byte {to} of the struct")]
    Moved {
        /// In bytes from the start of the item.
        from: u64,
        /// In bytes from the start of the struct.
        to: u64,
    },
    /// `T{>h:a:}` on a little-endian machine.
    #[error("the value at byte {offset} of an item has the other byte order than this machine")]
    Swapped {
        /// In bytes from the start of the item.
        offset: u64,
    },
    /// `T{<i:a:4x}` for a struct of 4 bytes.
    #[error("an item has {} but the struct has {}", plural(*item, "byte"), plural(*record, "byte"))]
    Itemsize {
        /// Bytes of an item.
        item: u64,
        /// Bytes of the struct.
        record: u64,
    },
    /// Items of `<d` that begin at byte 1.
    #[error("the items begin {} past a multiple of {align}, to which the struct is aligned", plural(*past, "byte"))]
    Unaligned {
        /// Bytes past the last multiple.
        past: u64,
        /// The alignment of the struct in bytes.
        align: u64,
    },
}

/// Why items do not become records.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::decode::Plan;
/// use pep3118::decode::record::{Mismatch, RecordError};
/// use pep3118::{DataModel, Dialect, Layout, Record};
/// #[derive(Record, Debug)]
/// struct Flag {
///     set: bool,
/// }
/// let plan = |format| Plan::new(&Layout::read(format, &Dialect::PEP3118, &DataModel::HOST).unwrap()).unwrap();
/// let error = plan(b"T{?:set:}").read_records::<Flag>(&[2]).unwrap_err();
/// assert_eq!(error.to_string(), "field `set` of record 0 is 0x2, which is no bool");
/// let error = plan(b"T{B:other:}").read_records::<Flag>(&[1]).unwrap_err();
/// assert!(matches!(error, RecordError::Mismatch(Mismatch::Missing { .. })));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The items are not what the struct is.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// Byte 2 for a `bool`, 0xD800 for a `char`.
    #[error("field `{field}` of record {record} is {value:#x}, which is no {ty}")]
    Invalid {
        /// The record, from 0.
        record: u64,
        /// The dotted name; elements of arrays are numbered from 0: `a.flags[2]`.
        field: String,
        /// The bytes as a number.
        value: u32,
        /// "bool" or "char".
        ty: &'static str,
    },
    /// The items can be read, but not be seen as structs where they lie.
    #[error(transparent)]
    NotInPlace(#[from] NotInPlace),
    /// The items cannot be read at all.
    #[error(transparent)]
    Access(#[from] DecodeError),
    /// The items cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
