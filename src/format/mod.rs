//! Format strings: the parser, and the syntax tree [`Format`].
//!
//! | bytes | result |
//! |--|--|
//! | `<3i` | byte order `<`, then one item: count 3, code `i` |
//! | `T{i:a:}` | one item: a structure with one item named `a` |
//! | `(2,3)d` | one item: shape (2, 3), code `d` |
//! | `i}d` | [`FormatError`]: `}` at byte 1 closes no structure |
//!
//! The grammar accepts every format that a known producer writes. The grammar does not depend on the sizes,
//! alignments or byte order of this machine, so the same bytes produce the same `Format` on every machine. A
//! [dialect](crate::Dialect) supports only some of the constructs. [`layout`](crate::layout) rejects the
//! constructs that the dialect of a format does not support.

mod ast;
mod code;
mod error;
mod limits;
mod parse;
mod print;
mod replay;
mod visitor;

pub use ast::{
    ByteOrderCharacter, Count, Dimension, Format, Item, ItemType, Member, NULL_FORMAT, Name, Prefix, Shape,
    UserTypeName,
};
pub use code::{ByteOrder, Code};
pub use error::{FormatError, FormatErrorKind};
pub use limits::Limits;

pub(crate) use parse::{Failure, parse_events};
pub(crate) use visitor::{Stop, Visitor};
