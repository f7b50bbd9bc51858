//! Copies between items and structs: [`Record`] is the trait of a struct, and [`RecordPlan`] decodes items to this
//! struct.
//!
//! | type of a field | format of [`Record::FORMAT`] | other formats that are accepted |
//! |--|--|--|
//! | `i8` to `u64`, `f32`, `f64`, `half::f16` | `b` to `Q`, `f`, `d`, `e` | the formats that [`Element`](super::Element) lists |
//! | `isize` | `i` or `q` | `n` |
//! | `usize` | `I` or `Q` | `N`, addresses of the same size |
//! | `num_complex::Complex` of a float type | `Zf`, `Zd`, `Ze` | |
//! | `bool` | `?`: `false` for the byte 0, `true` for every other byte | |
//! | `char` | `w` | |
//! | `[u8; 5]` | `5s` | `(5)B`, `5p`, `5x` with a name |
//! | `[char; 5]` | `5w` | `(5)w` |
//! | `[[f32; 3]; 2]` | `(2,3)f` | |
//! | a struct that is a [`Record`] | `T{...}` | |
//!
//! Every field of the items must have the type, shape and name of a field of the struct. If the items or the struct
//! have no names, fields are compared by position. The byte order and the offset may differ. Numbers are not converted
//! to a wider type. A code point that is not a valid `char` is an error. Every byte other than 0 is a `bool` that is
//! `true`, as for `struct`, `memoryview`, NumPy and ctypes.
//!
//! A [`RecordLayout`] is the layout of a struct. In contrast to a [`Layout`](crate::Layout), a `RecordLayout` can be a
//! constant, because a `RecordLayout` borrows its fields. A [`RecordPlan`] compares the layouts of the items and the
//! struct once. A program that reads few records many times saves time by reusing one plan. [`RecordPlan::cast`]
//! borrows items as structs without a copy if the items and the struct have the same layout.
//!
//! # Limitations
//! The struct must have every field of the items. [`Plan::columns`](super::Plan::columns) can read some of the fields.
//! A field for an address must have the type `u32`, `u64` or `usize`. A `long double` can be read only on machines
//! where `long double` is the same type as `double`.

mod access;
mod const_format;
mod copy_ops;
mod error;
mod fields;
mod match_layout;
mod model;
mod plan;
mod traits;

#[cfg(feature = "pyo3")]
pub(crate) use access::{Identity, ItemReader, ItemWriter};
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
