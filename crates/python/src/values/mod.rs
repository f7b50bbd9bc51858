//! Items as Python objects, and Python objects as items.
//!
//! A [`Codec`] is made once from a [`Layout`](crate::Layout); what is left for each item is offsets,
//! widths and byte orders, and one Python object a value.
//!
//! | type | read as | taken for it |
//! |--|--|--|
//! | `?` | `bool` | anything, by its truth |
//! | integers | `int` | `int`, or what has `__index__`, within the range of the type |
//! | `e f d` | `float` | what has `__float__` or `__index__` |
//! | `g` | `float`: the nearest one, so digits are lost | the same |
//! | complex numbers | `complex`, of `g` the nearest | `complex`, and what `complex()` converts, but text |
//! | `c` | `bytes` of length 1 | the same |
//! | `s`, void, bits, user types | `bytes`, NULs and all | `bytes`, `bytearray` |
//! | `p` | `bytes`, as long as the first byte says | the same |
//! | `u w`, `wchar_t` | `str` without the NULs at the end; lone surrogates as they are (`surrogatepass`); units past U+10FFFF are a `ValueError` | `str` |
//! | addresses `P`, `&` | `int`, 0 for NULL; nothing is read there | `int` |
//! | addresses `z`, `Z`, `X{}` | the same | nothing: a reader would follow the address |
//! | `O` of NumPy's memory | the object, `None` for NULL | any object |
//! | `O` of ctypes' memory | the object, `None` for NULL | nothing: ctypes holds the reference |
//! | `O` of other memory | `bytes` | nothing |
//! | arrays | `list`s, one in another | `list`s or `tuple`s |
//! | records | named tuples, or tuples | `tuple`s or `list`s |

mod codec;
mod error;
mod float;
mod leaf;
mod primitive;
mod record_class;
mod text;
mod write;

pub(super) use codec::Codec;
pub(super) use error::{Reason, Refusal};
pub(super) use primitive::Primitive;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
