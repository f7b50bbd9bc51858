//! The Python module `pep3118.struct`: the interface of the `struct` module, for every format of PEP 3118.
//!
//! | file | content |
//! |--|--|
//! | `compiled` | `Compiled`: a format and its codec, which packs and unpacks items |
//! | `cache` | the caches of compiled formats, by address and by content |
//! | `class` | the Python class [`Struct`] |
//! | `initialize` | the arguments and warnings of `Struct.__new__` and `Struct.__init__` |
//! | `functions` | the functions of the module and the methods of `Struct`, such as `pack` and `unpack_from` |
//! | `iterator` | the iterator that `iter_unpack` returns |
//! | `offset` | conversion and checks of the argument `offset` |
//! | `errors` | `struct.error` with the messages of the `struct` module |

mod cache;
mod class;
mod compiled;
mod errors;
mod functions;
mod initialize;
mod iterator;
mod offset;

pub(super) use class::Struct;
pub(super) use compiled::Compiled;
pub(super) use functions::{
    RecordIterUnpack, RecordPack, RecordPackInto, RecordUnpack, RecordUnpackFrom, add, clearcache, unpack_from,
};
