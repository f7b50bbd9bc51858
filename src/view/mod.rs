//! Validation of a `Py_buffer`. The result is a [`View`], or a report of the broken rules.
//!
//! | request | struct | result |
//! |--|--|--|
//! | `FULL_RO` | len 24, itemsize 4, format `<i`, shape (2, 3), strides (12, 4) | a [`View`] |
//! | `FULL_RO` | the same fields, but len 20 | a [`Report`]: A04, "len is 20 bytes but shape (2, 3) of 4-byte items describes 24 bytes" |
//! | `CONTIG` | the same fields, but readonly 1 | B02, the memory is read-only, and B05, the format was not requested |
//!
//! A [`RawView`] has the fields of a `Py_buffer`. [`RawView::check`] reports every rule of the protocol that
//! the fields break. Each finding has a [`RuleId`] and the numbers that break the rule. A [`View`] is created
//! only if no error prevents access to the items. An [`Audit`] compares the answers of one exporter to
//! several [`Request`]s.
//!
//! Sizes, strides and offsets are `i64` for two reasons. `Py_ssize_t` is signed, and a 64-bit buffer can be
//! checked on a 32-bit machine. The module does not access memory: `buf` is a number. If a buffer has
//! suboffsets, the access to an item reads pointers in memory. A list of [`Step`]s describes this access.
//!
//! # Limitations
//! The fields of a `Py_buffer` do not contain the bounds of the memory that the pointers of suboffsets lead to. A check
//! therefore compares only the first table of pointers with the memory block. The rules about lifetime (E01 to E10)
//! need a running interpreter: a caller of [`Audit`] measures reference counts and exceptions.

mod audit;
mod bounds;
mod buffer_functions;
mod check;
mod contiguity;
mod dim_vec;
mod error;
mod item_format;
mod memory_traits;
mod message;
mod outcome;
mod raw;
mod report;
mod request;
mod rules;
mod transform;
#[expect(clippy::module_inception, reason = "the file is named after the type `View`")]
mod view;
mod violation;
mod walk;

pub use audit::Audit;
pub use bounds::ByteBounds;
pub use buffer_functions::{fill_contiguous_strides, size_from_format, verify_structure};
pub use check::{Checked, Checker};
#[cfg(feature = "pyo3")]
pub(crate) use contiguity::c_strides;
pub use contiguity::{Contiguity, Order};
#[cfg(feature = "pyo3")]
pub(crate) use dim_vec::DimVec;
pub use error::ViewError;
pub use memory_traits::{MemoryTraits, RefusalReason};
pub use outcome::{RaisedError, RequestOutcome};
pub use raw::{Block, FieldName, MetadataValue, Owner, RawView, RawViewBuf};
pub use report::{Finding, Report};
pub use request::{FlagsError, Request, RequestError, Structure};
pub use rules::{Class, Level, RuleId, RuleIdError, Severity};
pub(crate) use transform::chunk_bounds;
pub use transform::{Selected, Slice};
pub use view::{ItemLayout, View};
pub use violation::Violation;
pub use walk::{Offsets, Step, Steps};
