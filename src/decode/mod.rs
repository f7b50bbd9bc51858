//! Bytes to values, and back: single values, whole records, columns, typed arrays.
//!
//! | items | read by | become |
//! |--|--|--|
//! | one of `T{<h:a:3s:b:}` | [`Plan::value`] | [`Value::Record`] with an integer and bytes |
//! | many of `T{<h:a:3s:b:}` | [`Plan::columns`] | `Vec<i16>`, and `Vec<u8>` of 3 bytes a record |
//! | the same | [`Plan::read_records`] | `Vec<T>` of a struct that is a [`record`] |
//! | `>d` in any shape and strides | [`Buffer::to_vec`] | `Vec<f64>` in C or Fortran order |
//! | `e`, likewise | [`Buffer::to_vec_as`] | `Vec<f32>` |
//! | values | [`Plan::encode`], [`BufferMut`] | bytes |
//! | columns | [`Plan::write_columns`], [`BufferMut::write_columns`] | fields of records |
//! | `Vec<T>` of a struct that is a [`record`] | [`Plan::write_records`], [`BufferMut::write_records`] | records |
//!
//! A [`Plan`] is made once from a [`Layout`](crate::Layout); what is left for each item is offsets,
//! widths and byte orders. Items lie in bytes of this program, or in anyone's memory: that is
//! `mem.rs`, where each byte is copied out through raw pointers before it is looked at. This floor
//! has no `unsafe` and no pointer.
//!
//! Whatever bytes come, there is a value, or an error that says which number does not fit: nothing
//! is converted, rounded or cut unless asked for.
//!
//! # Limitations
//! Columns of `long double` are [`LongDouble`]s, not numbers to compute with, except where it is a
//! `double`. Addresses are told, never followed.

mod block_reader;
mod buffer;
mod column_cells;
mod columns;
mod dynamic;
mod element;
mod encode;
mod error;
mod gather;
mod leaf;
mod long_double;
mod memory;
mod plan;
pub mod record;
mod scalar;
mod scatter;
mod swap;
mod typed_copy;
mod value;

#[doc(hidden)]
pub use block_reader::Blocks;
pub use buffer::{Buffer, BufferMut};
pub(crate) use column_cells::{Cells, LINE, Next, block_items, is_dense};
pub use columns::{Column, ColumnData, Destination};
pub use element::Element;
#[cfg(any(feature = "arrow", feature = "ndarray"))]
pub(crate) use error::wide;
pub use error::{DecodeError, EncodeError, EncodeErrorKind};
pub(crate) use gather::path_len;
pub use leaf::Leaf;
pub use long_double::LongDouble;
pub(crate) use memory::{Memory, MemoryMut, Run};
pub use plan::Plan;
#[doc(hidden)]
pub use plan::ZERO_SIZED_LIMIT;
#[doc(hidden)]
pub use scalar::ScalarCodec;
pub(crate) use swap::swap_in_place;
pub use typed_copy::Number;
pub use value::{ArrayValue, RecordValue, Value};
