//! Models of the consumers of Python buffer formats. A model predicts that a consumer reads, misreads or refuses a
//! format.
//!
//! A consumer that refuses a format raises an error. A consumer that misreads a format raises no error, but reads
//! values that the exporter did not write.
//!
//! | format | consumer | outcome |
//! |--|--|--|
//! | `<i` | NumPy | reads int32 |
//! | `<i` | memoryview | refuses: only native formats are supported |
//! | `i}d` | NumPy | **misreads**: reads int32 and ignores the text after the brace |
//! | `>i` | PyO3 | **misreads**: native int32 |
//! | `T{i:a:}` | RustPython's `struct` | **misreads**: 0 bytes |
//!
//! [`readers`] returns the answers of all consumers. [`ReadersTable`] displays answers as a table.
//! [`cython_accepts`] tests a format against a C type. The crate needs `alloc` but not `std`.
//!
//! ```
//! use pep3118::DataModel;
//! use pep3118_readers::{Consumer, readers};
//!
//! let answers = readers(b">i", Some(4), &DataModel::LP64);
//! let pyo3 = answers.iter().find(|answer| answer.consumer == Consumer::PyO3).unwrap();
//! assert_eq!(pyo3.line(), "PyO3 0.29 misreads int32; meant: big-endian int32");
//! ```
//!
//! [`reconcile`](pep3118::layout::reconcile) determines the meaning of a format from the format and the
//! itemsize. A consumer misreads a format if it accepts the format and reads another layout.
//!
//! Each model describes one version of a consumer. The model implements the rules of that version. A test compares the
//! model with recorded answers of the consumer (`tests/it/readers.rs` in the repository). The argument
//! [`DataModel`](pep3118::DataModel) determines the native sizes and the native byte order.
//!
//! # Limitations
//! A model uses only the format and the itemsize. A model ignores shapes, strides, the alignment of the memory and
//! read-only buffers. Cython and PyO3 compare the format with a type that the user declares. The model of PyO3 reports
//! "reads" if at least one Rust type matches the format. The model of Cython reports "reads" if at least one likely
//! layout of the format is a C type that Cython accepts.

#![no_std]

extern crate alloc;

mod answer;
mod binding_generators;
mod consumer;
mod consumer_layout;
mod cpython;
mod cython;
mod numpy;
mod python_int;
mod query;
mod rustpython;
mod table;
mod third_party;

pub use answer::{Answer, Outcome, readers};
pub use consumer::Consumer;
pub use cython::cython_accepts;
pub use table::ReadersTable;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
