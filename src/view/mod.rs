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
mod dims;
mod error;
mod fault;
mod geometry;
mod item;
mod message;
mod oracle;
mod part;
mod proved;
mod raw;
mod report;
mod request;
mod rules;
mod slice;
mod walk;

pub use audit::{Audit, ErrorKind, Outcome};
pub use bounds::{Extent, verify_structure};
pub use check::Checker;
pub use error::{RequestError, RuleIdError, ViewError};
pub use fault::{Fault, FieldName, Value};
pub use geometry::{Order, fill_contiguous_strides, size_from_format};
pub use oracle::{Contiguity, Obstacle, Subject};
pub use part::Selected;
pub use proved::{ItemLayout, View};
pub use raw::{Block, Obj, RawView, RawViewBuf};
pub use report::{Finding, Report, Severity};
pub use request::{Request, Structure};
pub use rules::{Class, Level, RuleId};
pub use slice::Slice;
pub use walk::{Offsets, Step, Steps};
