//! Read, check and explain the format strings of Python's buffer protocol.
//!
//! Python objects share memory through the buffer protocol: an exporter fills a `Py_buffer`, whose
//! `format` says in a little language what each item holds. The language is that of the `struct`
//! module, extended by [PEP 3118](https://peps.python.org/pep-3118/) and then by everyone in their
//! own way. This crate reads all of it, says what it means *for whom* and *on which machine*, and
//! refuses, or says "ambiguous", where others guess.
//!
//! ```
//! use pep3118::{Certainty, DataModel, Dialect, reconcile};
//!
//! // A structure as ctypes exports it, with the itemsize of its buffer.
//! let reading = reconcile(b"T{<b:a:3x<i:b:}", Some(8), Some(&Dialect::CTYPES), &DataModel::LP64)?;
//! assert_eq!(reading.certainty, Certainty::Exact);
//! let b = reading.layout.item().field(b"b").unwrap();
//! assert_eq!((b.offset(), b.size(), b.ty().as_str()), (4, 4, "int32"));
//!
//! // The size alone, as `struct.calcsize` tells it.
//! assert_eq!(pep3118::calcsize("<IdB")?, 13);
//!
//! // What is wrong, and where.
//! let error = pep3118::parse("T{i").unwrap_err();
//! assert_eq!(error.to_string(), "structure opened at byte 0 is never closed");
//! # Ok::<(), pep3118::LayoutError>(())
//! ```
//!
//! # Map
//!
//! | module | turns | into |
//! |--|--|--|
//! | [`mod@format`] | bytes | [`Format`]: what was written |
//! | [`abi`] | the name of a machine | [`DataModel`]: what C types weigh there |
//! | [`layout`] | format + [`Dialect`] + data model | [`Layout`]: what it means |
//! | [`layout`] | the same + itemsize | [`Interpretation`]: what it means, and how sure that is |
//! | [`view`] | the numbers of a `Py_buffer` | [`View`], or a [`Report`] of the rules that are broken |
//! | [`decode`] | a view and its memory | values, records, columns, typed arrays; and back |
//!
//! # Features
//!
//! - `std` (default): `std` in the dependencies. Without it the crate needs `alloc` only.
//! - `triple`: data models from target triples.
//! - `serde`: layouts as trees, and values, for any format of serde.
//! - `ndarray`: arrays from buffers, views of columns.
//! - `arrow`: layouts as Arrow schemas, items as record batches.
//! - `pyo3`: acquire, validate and export buffers of Python objects.
//! - `derive`: `#[derive(Record)]`, records into vectors of structs.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod align;
mod diagnostic;
mod endian;
mod huge_pages;
mod named;
mod nontemporal;
mod span;
mod spare_capacity;
mod strided;
mod text;

#[path = "documentation.rs"]
pub mod _documentation;
pub mod abi;
pub mod decode;
mod foreign;
pub mod format;
mod interop;
pub mod layout;
#[cfg(feature = "pyo3")]
pub mod py;
pub mod view;

#[cfg(feature = "triple")]
pub use abi::UnknownTriple;
pub use abi::{CType, DataModel, LongDoubleAbi, LongDoubleFormat};
pub use align::Align;
pub use decode::record::Record;
pub use diagnostic::Diagnostic;
pub use endian::Endian;
pub use format::{ByteOrder, Code, Format, FormatError, FormatErrorKind};
#[cfg(feature = "arrow")]
pub use interop::arrow;
pub use layout::{
    Ambiguity, CellStyle, Certainty, Comparison, Dialect, EmitError, Equivalence, Field, Interpretation, Layout,
    LayoutError, LayoutErrorKind, Picture, Scalar, Table, Target, Type, calcsize_in, reconcile,
};
#[cfg(feature = "derive")]
pub use pep3118_derive::Record;
pub use span::Span;
pub use view::{
    Audit, Block, ByteBounds, Checked, Checker, Finding, FlagsError, ItemLayout, Order, Owner, RaisedError, RawView,
    RawViewBuf, Report, Request, RequestError, RequestOutcome, RuleId, Severity, Slice, Step, View, ViewError,
    fill_contiguous_strides, size_from_format, verify_structure,
};

/// Items that the crates of this repository share. Not API: they depend on the exact version.
#[doc(hidden)]
pub mod __private {
    pub use crate::decode::{Blocks, ScalarCodec, ZERO_SIZED_LIMIT};
    #[cfg(feature = "serde")]
    pub use crate::interop::serde::ReportJson;
    pub use crate::layout::{Declarations, Definition, Language, MemberType, interpretations};
    #[cfg(feature = "pyo3")]
    pub use crate::py::{
        Ctypes, TypeLayout, array_dtype, expect_exporter, from_dtype, judge, loaded, set_format_exception, type_layout,
    };
    pub use crate::text::{abridge, escape, plural};
}

/// Parses a format string.
///
/// ```
/// let format = pep3118::parse("<3i")?;
/// assert_eq!(format.to_string(), "<3i");
/// # Ok::<(), pep3118::FormatError>(())
/// ```
///
/// # Errors
/// As [`Format::parse`].
pub fn parse(format: impl AsRef<[u8]>) -> Result<Format, FormatError> {
    Format::parse(format.as_ref())
}

/// The size of an item in bytes on this machine: the `PyBuffer_SizeFromFormat` of this crate.
///
/// Equal to `struct.calcsize` on every string that CPython's `struct` accepts; beyond that the sizes
/// of [`Dialect::PEP3118`].
///
/// ```
/// assert_eq!(pep3118::calcsize("@bhi")?, 8);
/// assert_eq!(pep3118::calcsize("T{<i:a:<d:b:}")?, 12);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// As [`Layout::read`].
#[inline]
pub fn calcsize(format: impl AsRef<[u8]>) -> Result<u64, LayoutError> {
    calcsize_in(format.as_ref(), &Dialect::PEP3118, &DataModel::HOST)
}

/// The examples of the README compile and run.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
