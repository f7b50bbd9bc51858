//! Feature `arrow`: Arrow schemas of layouts, record batches of items.
//!
//! | format | Arrow |
//! |--|--|
//! | integers, `e f d`, `g` where it is a `double` | `Int8` to `UInt64`, `Float16` to `Float64` |
//! | `?` | `Boolean`, one bit each, so always a copy |
//! | `Ze Zf Zd` | `FixedSizeList` of 2 floats, real part first |
//! | other `g` | `FixedSizeBinary` of its significant bytes, least significant first: 10 for an x87 number |
//! | other `Zg` | `FixedSizeList` of 2 such `FixedSizeBinary` |
//! | `c s p`, void, bits, user types | `FixedSizeBinary`, NULs and the length of `p` included |
//! | `s p` of the names that the caller gives | `Utf8`, without the NULs at the end; `p` with its length |
//! | `u w`, `wchar_t` | `Utf8`, without the NULs at the end |
//! | addresses | `UInt32`, `UInt64`, which are valid only in the process of the exporter |
//! | `T{...}` | `Struct`; for the item itself one column for each field |
//! | `(2,3)...` | `FixedSizeList` of `FixedSizeList`s |
//!
//! No value is null. The name of a field without a name is its index, `f0`; the name of an item that is not a
//! record is `value`. Names that are not UTF-8 are escaped. The metadata of a field contain its format, type
//! and byte order, the metadata of the schema the format of the item.
//!
//! [`Mapping::batch_of_bytes`] shares memory if the bytes of the items are those of an Arrow array. A
//! [`Verdict`] of each field contains the decision and its reason. All other values are copied once, into
//! columns whose vectors become the memory of the batch.

mod batch;
mod cells;
mod error;
mod mapping;
mod verdict;

pub use error::BatchError;
pub use mapping::Mapping;
pub use verdict::Verdict;
