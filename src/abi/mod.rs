//! Data models: the byte order of a machine, and the sizes and alignments of its C types.
//!
//! | model | `long` | pointer | alignment of `double` | `long double` | `wchar_t` |
//! |--|--|--|--|--|--|
//! | [`LP64`](DataModel::LP64) (x86-64 Linux, macOS) | 8 | 8 | 8 | 16, x87 | 4 |
//! | [`AARCH64`](DataModel::AARCH64) (Linux) | 8 | 8 | 8 | 16, binary128 | 4 |
//! | [`S390X`](DataModel::S390X) (big-endian) | 8 | 8 | 8 | 16, aligned to 8, binary128 | 4 |
//! | [`LLP64`](DataModel::LLP64) (Windows) | 4 | 8 | 8 | 8, a double | 2 |
//! | [`I386`](DataModel::I386) (Linux) | 4 | 4 | 4 | 12, aligned to 4, x87 | 4 |
//! | [`ILP32`](DataModel::ILP32) (arm) | 4 | 4 | 8 | 8, a double | 4 |
//! | [`WASM32`](DataModel::WASM32) (Emscripten) | 4 | 4 | 8 | 16, aligned to 8, binary128 | 4 |
//!
//! All numbers are bytes. If the table states no alignment of `long double`, the alignment is the size.

mod ctype;
mod model;
#[cfg(feature = "triple")]
mod triple;

pub use ctype::CType;
pub use model::{DataModel, LongDoubleAbi, LongDoubleFormat};
#[cfg(feature = "triple")]
pub use triple::UnknownTriple;
