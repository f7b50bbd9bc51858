//! `pep3118.struct`: the `struct` module's functions for every format of PEP 3118.
//!
//! | given | by | becomes |
//! |--|--|--|
//! | a format | `Compiled` | a codec whose records are flat tuples |
//! | the same | [`Struct`] | what Python holds on to |
//! | what a call passes | `Values` | values, without a tuple around the first few |
//! | bytes of many items | `UnpackIterator` | a tuple an item |
//! | what is wrong | `errors` | `struct.error`, in the words of `struct` |

mod arguments;
mod class;
mod compiled;
mod errors;
mod functions;
mod iterator;
mod room;

pub(super) use class::Struct;
pub(super) use functions::{calcsize, clearcache, iter_unpack, pack, pack_into, unpack, unpack_from};
