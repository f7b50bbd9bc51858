//! Parse, validate and decode the format strings and buffers of Python's buffer protocol.
//!
//! Python objects share memory through the buffer protocol: an exporter fills in a `Py_buffer`, whose `format` string
//! describes one item. The format language is the language of the `struct` module. NumPy, ctypes, Cython and [PEP
//! 3118](https://peps.python.org/pep-3118/) have extended the language, each in its own [dialect](Dialect). This
//! crate parses the formats of all these dialects.
//!
//! The layout of an item follows from the format, the item size, the dialect and the [data model](DataModel) of a
//! machine. If several layouts are possible, the caller chooses a layout.
//!
//! ```
//! use pep3118::{Certainty, DataModel, Dialect, reconcile};
//!
//! // The format and the itemsize that ctypes exports for a structure.
//! let found = reconcile(b"T{<b:a:3x<i:b:}", Some(8), Some(&Dialect::CTYPES), &DataModel::LP64)?;
//! assert_eq!(found.certainty, Certainty::Exact);
//! let b = found.layout.item().field(b"b").unwrap();
//! assert_eq!((b.offset(), b.size(), b.ty().as_str()), (4, 4, "int32"));
//!
//! // Only the size, the result of `struct.calcsize`.
//! assert_eq!(pep3118::calcsize("<IdB")?, 13);
//!
//! // An error contains the position of the fault in the format.
//! let error = pep3118::parse("T{i").unwrap_err();
//! assert_eq!(error.to_string(), "structure opened at byte 0 is never closed");
//! # Ok::<(), pep3118::LayoutError>(())
//! ```
//!
//! # Find a function by its task
//!
//! | you have | you want | function |
//! |--|--|--|
//! | a format | its size | [`calcsize`], or [`calcsize_in`] for another machine |
//! | a format | its tokens and their positions | [`parse`], which returns a [`Format`] |
//! | a format, a [`Dialect`] and a [`DataModel`] | the offset, size and type of every field | [`Layout::read`] |
//! | a format and an item size | the only possible layout, or all possible layouts | [`reconcile`] |
//! | a `descr` of NumPy | a layout, and back | [`Layout::from_numpy_descr`], [`Layout::to_numpy_descr`] |
//! | a `.npy` file | its layout, its shape and its items | [`NpyFile`](layout::NpyFile) |
//! | C source, with feature `c` | a layout | `Layout::from_c` |
//! | offsets from another source | a layout | [`LayoutBuilder`](layout::LayoutBuilder) |
//! | a layout | a format for one consumer | [`Layout::emit`] |
//! | a layout | source in C, Rust or Python | [`Layout::to_c`], [`Layout::to_rust`], [`Layout::to_python`] |
//! | a layout | a table, a picture | [`Table`], [`Picture`] |
//! | a layout, with feature `serde` | JSON, and back | `Serialize` and `Deserialize` of [`Layout`] |
//! | two formats | the differences | [`Comparison`] |
//! | the fields of a `Py_buffer` | the broken rules, and a view that is safe to read | [`RawView::check`] |
//! | the answers of an exporter to all requests | a report | [`Audit`] |
//! | a view | a slice, one field, parts for threads | [`View::slice`], [`View::field`], [`View::chunks`] |
//! | bytes of items | values | [`Plan::value`](decode::Plan::value) |
//! | bytes of items | structs | [`Plan::read_records`](decode::Plan::read_records) and [`Record`] |
//! | bytes of items | one vector for each field | [`Plan::columns`](decode::Plan::columns) |
//! | a view and its memory | a typed vector, values, columns | [`Buffer`](decode::Buffer) |
//! | values, structs or columns | bytes | [`Plan::encode`](decode::Plan::encode), [`Plan::write_records`](decode::Plan::write_records), [`Plan::write_columns`](decode::Plan::write_columns) |
//! | a Python object, with feature `pyo3` | its items | `py::open`, `py::Buffer` and `py::Records` as arguments of a function |
//! | a Rust vector, with feature `pyo3` | an object that NumPy reads and writes | `py::Exported` |
//!
//! The modules are [`mod@format`] for the syntax, [`abi`] for machines, [`layout`] for the meaning of a format,
//! [`view`] for the rules of the protocol, [`decode`] for the memory of items, and `py` for Python objects.
//!
//! [`_documentation`] contains the grammar, the dialects, the rules of padding and of the protocol, and the safety of
//! this crate. [`_documentation::coming_from`] is for users of PyO3's `PyBuffer`, rust-numpy, bytemuck and binrw.
//!
//! # Features
//!
//! | feature | adds |
//! |--|--|
//! | `diagnostics` (default) | carets under the offending bytes of a format in messages. The format specifier `{:#}` of an error writes these messages. Without the feature, the messages have the notes and the help line, but not the format |
//! | `std` (default) | the choice between copy loops at run time, by the instruction sets that the processor supports; huge pages for large allocations. Without `std`, the crate needs only `alloc` |
//! | `triple` | `DataModel::from_triple`: data models of target triples |
//! | `c` | `Layout::from_c`: layouts from C declarations |
//! | `serde` | `Serialize` and `Deserialize` for formats, layouts, dialects, data models and reports; `Serialize` for values |
//! | `ndarray` | `ndarray` arrays from buffers, and array views of columns |
//! | `arbitrary` | the module `arbitrary`: random formats, layouts, `Py_buffer`s and strided memory for tests |
//! | `arrow` | Arrow schemas from layouts, record batches from items, and items from record batches |
//! | `pyo3` | the module `py` |
//! | `derive` | `#[derive(Record)]` for structs whose values are items of a buffer |
#![cfg_attr(not(feature = "std"), no_std)]
// docs.rs shows the feature of each item that needs a feature.
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

#[cfg(abi3_below_3_11)]
compile_error!(
    "the feature `pyo3` of pep3118 needs `Py_buffer`, which is in the limited API of CPython from 3.11 on: enable the \
     feature `abi3-py311` of pyo3 instead of an older version, or no feature `abi3`"
);

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
#[cfg(feature = "arbitrary")]
pub mod arbitrary;
pub mod decode;
mod foreign;
pub mod format;
mod interop;
pub mod layout;
#[cfg(all(feature = "pyo3", not(abi3_below_3_11)))]
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
#[cfg(feature = "c")]
pub use layout::CError;
pub use layout::{
    Ambiguity, CellStyle, Certainty, Comparison, Dialect, EmitError, Equivalence, Field, Interpretation, Layout,
    LayoutError, LayoutErrorKind, Picture, Scalar, Table, Target, Type, calcsize_in, reconcile,
};
pub use named::UnknownName;
#[cfg(feature = "derive")]
pub use pep3118_derive::Record;
pub use span::Span;
pub use view::{
    Audit, Block, ByteBounds, Checked, Checker, Finding, FlagsError, ItemLayout, Order, Owner, RaisedError, RawView,
    RawViewBuf, Report, Request, RequestError, RequestOutcome, RuleId, Severity, Slice, Step, View, ViewError,
    fill_contiguous_strides, size_from_format, verify_structure,
};

/// Functions and types for the other crates of this repository. These crates depend on the exact version of this crate.
/// The functions and types are not a part of the API and can change in every release.
#[doc(hidden)]
pub mod __private {
    pub use crate::align::to_u64;
    pub use crate::decode::{Blocks, ScalarCodec, ZERO_SIZED_LIMIT, nearest_float16};
    #[cfg(feature = "pyo3")]
    pub use crate::foreign::follow_pointer;
    #[cfg(feature = "serde")]
    pub use crate::interop::serde::ReportJson;
    pub use crate::layout::{
        Declarations, Definition, Language, MemberType, interpretations, is_python_name, python_string,
    };
    #[cfg(all(feature = "pyo3", not(abi3_below_3_11)))]
    pub use crate::py::fallible::{Name, arguments, dict, error, found, imported, no_memory, take_exception, text};
    #[cfg(all(feature = "pyo3", not(abi3_below_3_11)))]
    pub use crate::py::{
        Cache, Ctypes, TypeLayout, canonical_format, expect_exporter, from_dtype, hash, loaded, open_as,
        open_described, open_items, run_audit, set_format_exception, type_layout,
    };
    pub use crate::text::{abridge, escape, plural, plural_is};
}

/// Parses the format string `format`.
///
/// ```
/// let format = pep3118::parse("<3i")?;
/// assert_eq!(format.to_string(), "<3i");
/// # Ok::<(), pep3118::FormatError>(())
/// ```
///
/// # Errors
/// - [`Format::parse`] rejects `format`, for example `T{i`
pub fn parse(format: impl AsRef<[u8]>) -> Result<Format, FormatError> {
    Format::parse(format)
}

/// Returns the size in bytes of an item with the format `format` on this machine.
///
/// If CPython's `struct` accepts `format`, the size is the result of `struct.calcsize`. If not, the size is the size
/// of the item in the dialect [`Dialect::PEP3118`]. CPython's C function for this task is `PyBuffer_SizeFromFormat`.
///
/// ```
/// assert_eq!(pep3118::calcsize("@bhi")?, 8);
/// assert_eq!(pep3118::calcsize("T{<i:a:<d:b:}")?, 12);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - [`Layout::read`] rejects `format` in this dialect, for example `T{i`
#[inline]
pub fn calcsize(format: impl AsRef<[u8]>) -> Result<u64, LayoutError> {
    calcsize_in(format, &Dialect::PEP3118, &DataModel::HOST)
}

// Compiles and runs the examples of the README as documentation tests.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
