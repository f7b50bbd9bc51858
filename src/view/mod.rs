//! Untrusted `Py_buffer` numbers to a proved [`View`].
//!
//! | request | struct | becomes |
//! |--|--|--|
//! | `FULL_RO` | len 24, itemsize 4, format `<i`, shape (2, 3), strides (12, 4) | a [`View`] |
//! | `FULL_RO` | the same with len 20 | a [`Report`]: A04, "len is 20 bytes but shape (2, 3) of 4-byte items describes 24 bytes" |
//! | `CONTIG` | the same with readonly 1 | B02, and B05: nobody asked for the format |
//!
//! A [`RawView`] has the fields of `Py_buffer`, trusted by nobody. [`RawView::check`] tells every
//! rule of the protocol that it breaks, by [`RuleId`], with the numbers; a [`View`] exists only
//! where no error stands in the way of reading. [`Audit`] compares what one exporter answers to
//! different [`Request`]s.
//!
//! Sizes, strides and offsets are `i64` here, because `Py_ssize_t` is signed and because a 64-bit
//! buffer may be checked on a 32-bit machine. There is no pointer anywhere: `buf` is a number, and
//! what is read through pointers in memory is told as [`Step`]s.
//!
//! # Limitations
//! What lies behind the pointers of a buffer with suboffsets cannot be bounded from metadata; only
//! the first table of pointers is compared with the memory block. Lifetimes (section E of the
//! rules) need a running interpreter.

mod audit;
mod bounds;
mod check;
mod dim_vec;
mod error;
mod expected;
mod geometry;
mod item_format;
mod message;
mod raw;
mod report;
mod request;
mod rules;
mod select;
mod slice;
mod view;
mod violation;
mod walk;

pub use audit::{Audit, RaisedError, RequestOutcome};
pub use bounds::{ByteBounds, verify_structure};
pub use check::{Checked, Checker};
pub use error::{RequestError, RuleIdError, ViewError};
pub use expected::{Contiguity, MemoryTraits, RefusalReason};
pub use geometry::{Order, fill_contiguous_strides, size_from_format};
pub use raw::{Block, Owner, RawView, RawViewBuf};
pub use report::{Finding, Report, Severity};
pub use request::{Request, Structure};
pub use rules::{Class, Level, RuleId};
pub use select::Selected;
pub use slice::Slice;
pub use view::{ItemLayout, View};
pub use violation::{FieldName, MetadataValue, Violation};
pub use walk::{Offsets, Step, Steps};
