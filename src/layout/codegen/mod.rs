//! The C and Rust source code of a layout: types with the same fields at the same offsets.
//!
//! | the layout | in C | in Rust |
//! |--|--|--|
//! | a record with the offsets that a C compiler chooses | `struct` | `#[repr(C)] struct` |
//! | any other record | the same, packed | `#[repr(C, packed)] struct` |
//! | bytes between fields | `unsigned char _pad4[3]` | `_pad4: [u8; 3]` |
//! | a union | `union` | `#[repr(C)] union` |
//! | fields that share some bytes | a union of structures | the same |
//! | `int32` in the byte order of the data model | `int32_t` | `i32` |
//! | `int32` in the other byte order | `unsigned char x[4]`, with a comment | `[u8; 4]` |
//! | `complex64` | `float _Complex` | `[f32; 2]` |
//! | `float16`, `longdouble` | `_Float16`, `long double` | `u16`, bytes |
//!
//! Assertions of the size and the offsets follow each structure, so that a compiler for another machine refuses it.
//! Fields without bytes are comments.

mod c;
mod declarations;
mod error;
mod rust;

pub use declarations::{Declarations, Definition, Language, MemberType};
pub use error::SourceError;
