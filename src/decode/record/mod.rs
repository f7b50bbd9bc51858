//! Items to structs and back: the trait [`Record`] and the items that its derive macro uses.
//!
//! | field | in the format | also read from |
//! |--|--|--|
//! | `i8` to `u64`, `f32`, `f64`, `half::f16` | `b` to `Q`, `f`, `d`, `e` | the codes that [`Element`](super::Element) lists |
//! | `isize`, `usize` | `i` or `q`, `I` or `Q` | `n`, `N`, addresses of that size |
//! | `num_complex::Complex` of those | `Zf`, `Zd`, `Ze` | |
//! | `bool`, `char` | `?`, `w` | bytes that are not a value are an error |
//! | `[u8; 5]`, `[char; 5]` | `5s`, `5w` | `(5)B`, `5p`, `5x` with a name; `(5)w` |
//! | `[[f32; 3]; 2]` | `(2,3)f` | |
//! | a struct that is a record | `T{...}` | |
//!
//! A [`RecordLayout`] describes a struct. Unlike a [`Layout`](crate::Layout) it can be a constant: it borrows where that one
//! has vectors. Fields of the buffer may have another byte order and another offset than those of the struct, but not
//! another type, shape or name. Numbers are not widened.
//!
//! A [`RecordPlan`] compares struct and plan once; it pays where few records are read many times. Items that have the
//! layout of the struct can be used without a copy: [`RecordPlan::cast`].
//!
//! # Limitations
//! Every field of the buffer must be a field of the struct; [columns](super::Plan::columns) can leave some out. Addresses are
//! read as `u32` or `u64`, a `long double` only where it is a `double`.

mod access;
mod const_format;
mod copy_ops;
mod error;
mod fields;
mod match_layout;
mod model;
mod plan;
mod traits;

pub use error::{Mismatch, NotInPlace, RecordError};
pub use model::{FieldLayout, MemberLayout, RecordField, RecordLayout};
pub use plan::RecordPlan;
pub use traits::Record;
#[doc(hidden)]
pub use {
    access::{RecordReader, RecordWriter},
    alloc::vec::Vec,
    model::FieldCursor,
    traits::{ByCopy, ByField, LoadSelector, load_plain},
};
