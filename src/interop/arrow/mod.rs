//! Feature `arrow`: layouts as Arrow schemas, items as record batches.
//!
//! | format | Arrow |
//! |--|--|
//! | integers, `e f d`, `g` where it is a `double` | `Int8` to `UInt64`, `Float16` to `Float64` |
//! | `?` | `Boolean`, a bit each, so always a copy |
//! | `Ze Zf Zd` | `FixedSizeList` of 2 floats, real part first |
//! | other `g` | `FixedSizeBinary` of its significant bytes, least significant first: 10 of an x87 number |
//! | other `Zg` | `FixedSizeList` of 2 of these |
//! | `c s p`, void, bits, user types | `FixedSizeBinary`, NULs and the length of `p` included |
//! | `s p` where asked for by name | `Utf8`, without the NULs at the end; `p` as long as it says |
//! | `u w`, `wchar_t` | `Utf8`, without the NULs at the end |
//! | addresses | `UInt32`, `UInt64`: numbers, meaningful only in the process that they come from |
//! | `T{...}` | `Struct`; at the top one column a field |
//! | `(2,3)...` | `FixedSizeList` of `FixedSizeList`s |
//!
//! Nothing is null. A field without a name is called `f0` by its index, an item that is no record
//! `value`; names that are not UTF-8 are escaped. The metadata of a field tell its format, type and
//! byte order, those of the schema the format of the item.
//!
//! [`Mapping::batch_of_bytes`] shares memory where Arrow's bytes are the item's; for each field a
//! [`Verdict`] says whether they are, and why not. All else goes through columns, which are copied
//! once and then handed over as they are.

mod batch;
mod cells;
mod error;
mod mapping;
mod verdict;

pub use error::BatchError;
pub use mapping::Mapping;
pub use verdict::Verdict;
