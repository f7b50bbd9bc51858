//! Layouts as source text: structures of C and of Rust that have the fields where the layout has them.
//!
//! | the layout | in C | in Rust |
//! |--|--|--|
//! | a record where a C compiler would put its fields | `struct` | `#[repr(C)] struct` |
//! | any other | the same, packed | `#[repr(C, packed)] struct` |
//! | bytes between fields | `unsigned char _pad4[3]` | `_pad4: [u8; 3]` |
//! | a union | `union` | `#[repr(C)] union` |
//! | fields that share some bytes | a union of structures | the same |
//! | `int32` in the machine's byte order | `int32_t` | `i32` |
//! | `int32` in the other one | `unsigned char x[4]`, with a comment | `[u8; 4]` |
//! | `complex64` | `float _Complex` | `[f32; 2]` |
//! | `float16`, `longdouble` | `_Float16`, `long double` | `u16`, bytes |
//!
//! Every structure is followed by assertions of its size and offsets: a compiler for another machine
//! refuses it. Fields without bytes are comments.

mod c;
mod declarations;
mod error;
mod rust;

pub use declarations::{Declarations, Definition, Language, MemberType};
pub use error::SourceError;
