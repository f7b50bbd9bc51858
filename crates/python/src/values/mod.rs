//! `Codec`: converts items to Python objects and Python objects to items.
//!
//! A [`Codec`] is compiled once for a [`Layout`](pep3118::layout::Layout), into offsets, widths and byte orders. The
//! codec creates one Python object for each value of an item.
//!
//! | type | is read as | is written from |
//! |--|--|--|
//! | `?` | `bool` | any object, by its truth value |
//! | integers | `int` | `int`, or an object with `__index__`, in the range of the type |
//! | `e f d` | `float` | an object with `__float__` or `__index__` |
//! | `g` | the nearest `float`: digits are lost | as `e f d` |
//! | complex numbers | `complex`; for `Zg` the nearest `complex` | `complex`, or an object that `complex()` converts, but not text |
//! | `c` | `bytes` of length 1 | `bytes` of length 1 |
//! | `s` | `bytes`; the exporter's type determines whether NULs at the end belong to the value | `bytes`, `bytearray` |
//! | void, bits without a type | `bytes` with all NULs | `bytes`, `bytearray` |
//! | bit-fields | `int`, or `bool` for the type `?` | as the type of their values |
//! | user types | the objects of [`UserCodec`](crate::user_types::UserCodec) | the same |
//! | `O` | the object if its owner is known, and otherwise `bytes`, or an `int` in `pep3118.struct` | any object if its owner is known; an `int` in `pep3118.struct` |
//! | `p` | `bytes` of the length in the first byte | `bytes`, `bytearray` |
//! | `u w`, `wchar_t` | `str` without the NULs at the end, with lone surrogates (`surrogatepass`); units above U+10FFFF are a `ValueError` | `str` |
//! | addresses | `int`, 0 for NULL; the memory at the address is not read | `int` |
//! | arrays | nested `list`s | `list`s or `tuple`s |
//! | records | objects of the declared class, named tuples, or tuples | `tuple`s, `list`s, or mappings from names of fields |

mod codec;
mod error;
mod float;
mod primitive;
mod record_class;
mod scalar;
mod text;
mod write;

pub(super) use codec::Codec;
pub(super) use error::{WriteError, WriteErrorKind};
pub(super) use primitive::{Equality, PrimitiveField, Source};
pub(super) use record_class::{_reduce_row, _restore_row, DeclaredClasses};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
