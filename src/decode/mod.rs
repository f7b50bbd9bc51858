//! Decoding and encoding: items as dynamic values, structs, columns and typed arrays, and back to bytes.
//!
//! | items | function | result |
//! |--|--|--|
//! | one of `T{<h:a:3s:b:}` | [`Plan::value`] | [`Value::Record`] with an integer and bytes |
//! | many of `T{<h:a:3s:b:}` | [`Plan::columns`] | `Vec<i16>`, and `Vec<u8>` of 3 bytes a record |
//! | the same | [`Plan::read_records`] | `Vec<T>` of a struct that is a [`record`] |
//! | `>d` in any shape and strides | [`Buffer::to_vec`] | `Vec<f64>` in C or Fortran order |
//! | `e` in any shape and strides | [`Buffer::to_vec_as`] | `Vec<f32>` |
//! | values | [`Plan::encode`], [`BufferMut`] | bytes |
//! | columns | [`Plan::write_columns`], [`BufferMut::write_columns`] | fields of records |
//! | `Vec<T>` of a struct that is a [`record`] | [`Plan::write_records`], [`BufferMut::write_records`] | records |
//!
//! A [`Plan`] is compiled once from a [`Layout`](crate::Layout) to offsets, widths and byte orders. A [`Buffer`] adds the
//! geometry of a view and the memory of its items: bytes of this program, or memory of an exporter. `memory.rs` describes
//! both as evenly spaced items; `strided.rs`, outside of this module, copies such items through raw pointers. This module
//! has no `unsafe` code.
//!
//! Every input gives values or an error; nothing is converted, rounded or truncated unless a function is named after it.
//!
//! # Limitations
//! Columns of `long double` are [`LongDouble`]s, which have no arithmetic, except where it is a `double`. Addresses are read as
//! numbers and never followed.

mod buffer;
mod column_copy;
mod columns;
mod element;
mod error;
mod leaf;
mod long_double;
mod memory;
mod plan;
pub mod record;
mod scalar;
mod traverse;
mod typed_copy;
mod value;

#[doc(hidden)]
pub use buffer::Blocks;
pub use buffer::{Buffer, BufferMut};
pub use columns::{Column, ColumnData, Destination};
pub use element::Element;
pub use error::{DecodeError, EncodeError, EncodeErrorKind};
pub(crate) use error::{to_isize, wide};
pub use leaf::Leaf;
pub use long_double::LongDouble;
pub(crate) use memory::{Memory, MemoryMut, Run};
pub use plan::Plan;
#[doc(hidden)]
pub use plan::ZERO_SIZED_LIMIT;
#[doc(hidden)]
pub use scalar::ScalarCodec;
pub(crate) use traverse::path_len;
pub use typed_copy::Number;
pub use value::{ArrayValue, RecordValue, Value};
