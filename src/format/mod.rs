//! Bytes to [`Format`]: what was written, and where.
//!
//! | bytes | becomes |
//! |--|--|
//! | `<3i` | byte order `<`, then one item: count 3, code `i` |
//! | `T{i:a:}` | one item: a structure with one item named `a` |
//! | `(2,3)d` | one item: shape (2, 3), code `d` |
//! | `i}d` | [`FormatError`]: `}` closes nothing, at byte 1 |
//!
//! The grammar is the *superset* of what every known producer writes; nothing is skipped and nothing
//! is guessed. It knows no sizes, no alignment and no host: the same bytes give the same `Format` on
//! every machine. What a reader of one dialect would refuse is refused later, in
//! [`layout`](crate::layout), because there the dialect is known.

mod ast;
mod code;
mod error;
mod limits;
mod parse;
mod print;
mod replay;
mod visitor;

pub use ast::{
    ByteOrderCharacter, Count, Dimension, Format, Item, ItemType, Member, NULL_FORMAT, Name, Prefix, Shape, UserType,
};
pub use code::{ByteOrder, Code};
pub use error::{FormatError, FormatErrorKind};
pub use limits::Limits;

pub(crate) use parse::{Failure, parse_events};
pub(crate) use visitor::{Stop, Visitor};
