//! Decoding and encoding of items: to dynamic values, structs, columns and typed arrays, and back to bytes.
//!
//! | input | function | result |
//! |--|--|--|
//! | one item of `T{<h:a:3s:b:}` | [`Plan::value`] | [`Value::Record`] with an integer and bytes |
//! | many items of `T{<h:a:3s:b:}` | [`Plan::columns`] | a `Vec<i16>`, and a `Vec<u8>` with 3 bytes for each record |
//! | many items of `T{<h:a:3s:b:}` | [`Plan::read_records`] | `Vec<T>`, where the struct `T` is a [`record`] |
//! | items of `>d` in a buffer of any shape and strides | [`Buffer::to_vec`] | `Vec<f64>` in C or Fortran order |
//! | items of `e` in a buffer of any shape and strides | [`Buffer::to_vec_as`] | `Vec<f32>` |
//! | one [`Value`] for each item | [`Plan::encode`], [`BufferMut::write_values`] | the bytes of the items |
//! | one [`Column`] for each field | [`Plan::write_columns`], [`BufferMut::write_columns`] | the bytes of the records |
//! | `&[T]`, where the struct `T` is a [`record`] | [`Plan::write_records`], [`BufferMut::write_records`] | the bytes of the records |
//!
//! A [`Plan`] is compiled once from a [`Layout`](crate::Layout). The plan has the offset, width and byte order of each
//! field. A [`Buffer`] combines a plan, a view and memory. The view has the shape and the strides. The memory contains
//! the bytes of the items, and is a slice or belongs to an exporter.
//!
//! Every function returns exact values, or returns an error. Only [`LongDouble::to_f64`] and
//! [`LongDouble::to_f64_in_range`] round. [`Buffer::to_vec_as`] converts numbers only to types that represent every
//! number of the item type exactly.
//!
//! # Limitations
//! A [`LongDouble`] has no arithmetic. Columns of `long double` have `f64` elements only on machines where
//! `long double` is the same type as `double`. A pointer field is decoded to its address, and the data at this address
//! is never read.

// `memory.rs` describes the memory of a buffer as runs. A run is a sequence of evenly spaced items. `src/strided.rs`
// copies runs through raw pointers. The files of `src/decode` have no `unsafe` code.

mod buffer;
mod column_copy;
mod columns;
mod conversion;
mod element;
mod error;
mod field_names;
mod field_path;
mod float16;
mod leaf;
mod long_double;
mod memory;
mod plan;
pub mod record;
mod scalar;
mod traverse;
mod typed_copy;
mod value;

pub(crate) use crate::align::to_u64;
#[doc(hidden)]
pub use buffer::Blocks;
pub(crate) use buffer::ViewRef;
pub use buffer::{Buffer, BufferMut};
pub use columns::{Column, ColumnData, Destination};
pub use element::Element;
#[cfg(feature = "arrow")]
pub(crate) use element::{Elements, zeroed};
pub(crate) use error::to_isize;
pub use error::{DecodeError, EncodeError, EncodeErrorKind};
pub use field_names::FieldNames;
#[doc(hidden)]
pub use float16::nearest_float16;
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
