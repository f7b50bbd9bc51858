//! Items to structs: [`Record`], and what its derive is made of.
//!
//! | field | in the format | also read from |
//! |--|--|--|
//! | `i8` to `u64`, `f32`, `f64`, `half::f16` | `b` to `Q`, `f`, `d`, `e` | what [`Element`](super::Element) says |
//! | `isize`, `usize` | `i` or `q`, `I` or `Q` | `n`, `N`, addresses of that size |
//! | `num_complex::Complex` of those | `Zf`, `Zd`, `Ze` | |
//! | `bool`, `char` | `?`, `w` | other bytes are errors, not values |
//! | `[u8; 5]`, `[char; 5]` | `5s`, `5w` | `(5)B`, `5p`, `5x` with a name; `(5)w` |
//! | `[[f32; 3]; 2]` | `(2,3)f` | |
//! | a struct that is a record | `T{...}` | |
//!
//! A struct is described by a [`RecordLayout`], which unlike [`Layout`](crate::Layout) can be a
//! constant: it borrows where that one has vectors. Both byte order and place of a field may be
//! another in the buffer; type, shape and name may not. Nothing is widened.
//!
//! What is read many times, a few records at a time, is best read by one [`RecordPlan`]. Items that lie
//! as the struct does need no reading: [`RecordPlan::cast`] shows them where they are.
//!
//! # Limitations
//! Every field of the buffer must be one of the struct: read [columns](super::Plan::columns) to leave
//! some out. Addresses are read as `u32` or `u64`; a `long double` only where it is a `double`.

mod const_format;
mod copy_ops;
mod error;
mod match_layout;
mod member;
mod model;
mod plan;
mod read;
mod reader;
mod write;
mod writer;

pub use error::{Mismatch, NotInPlace, RecordError};
pub use member::{Record, RecordField};
pub use model::{FieldLayout, MemberLayout, Place, RecordLayout};
pub use plan::RecordPlan;
#[doc(hidden)]
pub use {
    alloc::vec::Vec,
    read::{ByCopy, ByField, Probe, load_plain},
    reader::RecordReader,
    writer::RecordWriter,
};
