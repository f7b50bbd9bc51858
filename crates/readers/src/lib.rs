//! Who reads a format, and as what: small models of the consumers of buffers.
//!
//! | format | consumer | outcome |
//! |--|--|--|
//! | `<i` | NumPy | reads int32 |
//! | `<i` | memoryview | refuses: only native formats |
//! | `i}d` | NumPy | **misreads**: int32, and the rest is ignored |
//! | `>i` | PyO3 | **misreads**: native int32 |
//! | `T{i:a:}` | RustPython's `struct` | **misreads**: 0 bytes |
//!
//! A refusal is loud, a misreading is silent: that column is why this table exists. What a format
//! means is what [`reconcile`](pep3118::layout::reconcile) says of it and the itemsize; a consumer
//! that accepts the format and takes its bytes for something else misreads it.
//!
//! Each consumer is a model of one recorded version, built from its rule and held against recorded
//! answers (`tests/it/readers.rs`). "Native" means the [`DataModel`](crate::DataModel) that is asked
//! about. Limitations: only the format and the itemsize are judged, not shapes, strides, alignment of
//! the memory or read-only buffers; a consumer that is told a type by its user (Cython, PyO3) reads
//! if some type of its own fits.

#![no_std]

extern crate alloc;

mod answer;
mod binding_generators;
mod consumer;
mod cpython;
mod cython;
mod interpretation;
mod numpy;
mod python_int;
mod rustpython;
mod table;
mod third_party;

pub use answer::{Answer, Outcome, readers};
pub use consumer::Consumer;
pub use cython::cython_accepts;
pub use table::ReadersTable;
