//! Models of the consumers of Python buffer formats: which of them read a format, misread it or refuse it.
//!
//! A refusal raises an error. A misreading is silent: the consumer accepts the format and reads other values
//! than the exporter wrote.
//!
//! | format | consumer | outcome |
//! |--|--|--|
//! | `<i` | NumPy | reads int32 |
//! | `<i` | memoryview | refuses: only native formats are supported |
//! | `i}d` | NumPy | **misreads**: int32, and the rest is ignored |
//! | `>i` | PyO3 | **misreads**: native int32 |
//! | `T{i:a:}` | RustPython's `struct` | **misreads**: 0 bytes |
//!
//! [`readers`] returns the answers of all consumers, [`ReadersTable`] displays them, and
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
//! The meaning of a format is the result of [`reconcile`](pep3118::layout::reconcile) for the format and the
//! itemsize. A consumer that accepts the format and reads another layout misreads it.
//!
//! Each model describes one version of a consumer. It implements the rule of that version and is compared
//! with recorded answers of the consumer (`tests/it/readers.rs` in the repository). "Native" is the machine
//! of the [`DataModel`](pep3118::DataModel) argument.
//!
//! # Limitations
//! The models use only the format and the itemsize: shapes, strides, the alignment of the memory and
//! read-only buffers are ignored. A consumer that gets a type from its user (Cython, PyO3) reads the format
//! if one of its types fits.

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
mod rustpython;
mod table;
mod third_party;

pub use answer::{Answer, Outcome, readers};
pub use consumer::Consumer;
pub use cython::cython_accepts;
pub use table::ReadersTable;

/// The example of the README compiles and passes.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
