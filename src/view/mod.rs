//! Validation of a `Py_buffer`: from unvalidated fields to a [`View`], or to the broken rules.
//!
//! | request | struct | result |
//! |--|--|--|
//! | `FULL_RO` | len 24, itemsize 4, format `<i`, shape (2, 3), strides (12, 4) | a [`View`] |
//! | `FULL_RO` | the same with len 20 | a [`Report`]: A04, "len is 20 bytes but shape (2, 3) of 4-byte items describes 24 bytes" |
//! | `CONTIG` | the same with readonly 1 | B02, read-only memory, and B05, a format that was not requested |
//!
//! A [`RawView`] has the fields of a `Py_buffer`. [`RawView::check`] reports every rule of the protocol
//! that they break, by [`RuleId`] and with the numbers. A [`View`] exists only if no error prevents access
//! to the items. An [`Audit`] compares the answers of one exporter to several [`Request`]s.
//!
//! Sizes, strides and offsets are `i64`: `Py_ssize_t` is signed, and a 64-bit buffer can be checked on a
//! 32-bit machine. The module has no pointers: `buf` is a number, and the way to an item through pointers
//! in memory is a list of [`Step`]s.
//!
//! # Limitations
//! The memory that suboffsets lead to cannot be bounded from the fields: only the first table of pointers
//! is compared with the memory block. The rules about lifetime (section E) need a running interpreter.

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
pub use contiguity::{Contiguity, Order};
pub use error::ViewError;
pub use memory_traits::{MemoryTraits, RefusalReason};
pub use outcome::{RaisedError, RequestOutcome};
pub use raw::{Block, FieldName, MetadataValue, Owner, RawView, RawViewBuf};
pub use report::{Finding, Report};
pub use request::{FlagsError, Request, RequestError, Structure};
pub use rules::{Class, Level, RuleId, RuleIdError, Severity};
pub use transform::{Selected, Slice};
pub use view::{ItemLayout, View};
pub use violation::Violation;
pub use walk::{Offsets, Step, Steps};
