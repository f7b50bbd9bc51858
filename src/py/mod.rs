//! Buffers of Python objects: read, judged, exported. Feature `pyo3`.
//!
//! | a Python object | by | becomes |
//! |--|--|--|
//! | an exporter | [`Acquired`] | a `Py_buffer` that is released once, and its numbers as a [`RawView`](crate::RawView) |
//! | the same | [`audit_exporter`] | a [`Report`](crate::Report) on its answers to all requests |
//! | the same | [`SharedView`] | a proved [`View`](crate::View) with its memory: values, records, columns |
//! | a `#[pyclass]` with memory | [`BufferExporter`] | an exporter that answers every request as the rules say |
//!
//! ```
//! use pep3118::py::Acquired;
//! use pep3118::{Checker, Order, Request};
//! use pyo3::prelude::*;
//! use pyo3::types::PyBytes;
//! # Python::initialize();
//! Python::attach(|py| {
//!     let acquired = Acquired::new(&PyBytes::new(py, b"abc"), Request::FULL_RO)?;
//!     assert_eq!(acquired.raw().format, Some(&b"B"[..]));
//!     // Every rule that the numbers break, and a view where they can be read in spite of it.
//!     let (report, shared) = acquired.check(&Checker::DEFAULT);
//!     let shared = shared.ok_or_else(|| pyo3::exceptions::PyBufferError::new_err(report.to_string()))?;
//!     let plan = shared.plan()?;
//!     assert_eq!(shared.buffer(&plan)?.to_vec::<u8>(Order::C)?, b"abc");
//! #   Ok::<(), PyErr>(())
//! })?;
//! # Ok::<(), PyErr>(())
//! ```
//!
//! The Python package `pep3118` is made of this room; [`module`] is its extension module.

mod acquire;
mod audit;
#[cfg(feature = "cli")]
mod command;
mod dtype;
mod errors;
mod explain;
mod export;
mod exporter;
mod fastcall;
mod field;
mod format;
mod from_ctypes;
mod from_dtype;
mod layout_of;
#[doc(hidden)]
pub mod module;
mod report;
mod sequences;
mod structs;
mod to_ctypes;
mod tree;
mod truth;
mod values;
mod view;

pub use acquire::{Acquired, SharedView};
pub use audit::audit_exporter;
pub use export::BufferExporter;
