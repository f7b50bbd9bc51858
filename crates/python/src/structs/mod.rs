//! `pep3118.struct`: the `struct` module's functions for every format of PEP 3118.
//!
//! | given | by | becomes |
//! |--|--|--|
//! | a format | `Compiled` | a codec whose records are flat tuples |
//! | the same | [`Struct`] | what Python holds on to |
//! | bytes of many items | `UnpackIterator` | a tuple an item |
//! | what is wrong | `errors` | `struct.error`, in the words of `struct` |

mod class;
mod compiled;
mod errors;
mod functions;
mod iterator;
mod methods;
mod offset;

pub(super) use class::Struct;
pub(super) use functions::{clearcache, iter_unpack, unpack_from};
pub(super) use methods::add;
