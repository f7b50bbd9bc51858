//! `pep3118.struct`: the functions and the class of the `struct` module, for every format of PEP 3118.
//!
//! | file | defines |
//! |--|--|
//! | `compiled` | `Compiled`: a format with its codec, which packs and unpacks |
//! | `cache` | the compiled formats that were used last |
//! | `class` | [`Struct`], the Python class |
//! | `functions` | `calcsize`, `pack`, `unpack` and the others |
//! | `iterator` | the iterator of `iter_unpack` |
//! | `offset` | offsets into a buffer, and copies of items |
//! | `errors` | `struct.error`, with the messages of `struct` |

mod cache;
mod class;
mod compiled;
mod errors;
mod functions;
mod iterator;
mod offset;

pub(super) use class::Struct;
pub(super) use functions::{add, clearcache, unpack_from};
