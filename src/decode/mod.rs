//! Decoding and encoding of items: to dynamic values, structs, columns and typed arrays, and back to bytes.
//!
//! | items | function | result |
//! |--|--|--|
//! | one item of `T{<h:a:3s:b:}` | [`Plan::value`] | [`Value::Record`] with an integer and bytes |
//! | many items of `T{<h:a:3s:b:}` | [`Plan::columns`] | a `Vec<i16>`, and a `Vec<u8>` with 3 bytes for each record |
//! | many items of `T{<h:a:3s:b:}` | [`Plan::read_records`] | `Vec<T>`, where the struct `T` is a [`record`] |
//! | items of `>d` in any shape and strides | [`Buffer::to_vec`] | `Vec<f64>` in C or Fortran order |
//! | items of `e` in any shape and strides | [`Buffer::to_vec_as`] | `Vec<f32>` |
//! | values | [`Plan::encode`], [`BufferMut`] | bytes |
//! | columns | [`Plan::write_columns`], [`BufferMut::write_columns`] | fields of records |
//! | `Vec<T>`, where the struct `T` is a [`record`] | [`Plan::write_records`], [`BufferMut::write_records`] | records |
//!
//! A [`Plan`] is compiled once from a [`Layout`](crate::Layout). The plan has the offset, width and byte order of each
//! field. A [`Buffer`] combines a plan with the shape and strides of a view and with the memory of the items. The
//! memory is a slice of bytes or memory of an exporter.
//!
//! Every function returns exact values or an error. Only [`LongDouble::to_f64`] rounds. [`Buffer::to_vec_as`] converts
//! numbers only to types that represent every number of the item type exactly.
//!
//! # Limitations
//! A [`LongDouble`] has no arithmetic. Columns of `long double` have `f64` elements only on machines where
//! `long double` is the same type as `double`. An address is read as a number and is never followed.

// `memory.rs` describes the memory of a buffer as runs of evenly spaced items. `strided.rs`, outside of this module,
// copies runs through raw pointers. This module has no `unsafe` code.

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
