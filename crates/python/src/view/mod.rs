//! `pep3118.View`: like memoryview, for every format.
//!
//! | file | turns | into |
//! |--|--|--|
//! | `open` | an object, a format, a dialect | items that can be read, or the reason why not |
//! | `items` | the layout of an item | its format, its plan, its values |
//! | `kept` | a dtype, a format | the items that they were before |
//! | `shown` | a buffer and its items | what a view shows: fields, parts, copies |
//! | `key` | `[1, ::-2, ...]`, `["pos.x"]` | the part of a view, or one item |
//! | `lists` | items | nested lists |
//! | `assign` | values, sequences, buffers | bytes of items |
//! | `compare` | two views | whether their values are equal |
//! | `columns` | records | one contiguous array a field |
//! | `arrow` | items | capsules of the Arrow C data interface |
//! | `class` | all of these | the class |
mod arrow;
mod assign;
mod cache;
mod class;
mod columns;
mod compare;
mod construct;
mod indexing;
mod items;
mod state;
mod tolist;

pub(super) use class::View;
