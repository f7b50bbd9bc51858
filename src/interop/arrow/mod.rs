//! Feature `arrow`: Arrow schemas of layouts, and record batches of items.
//!
//! | format | Arrow |
//! |--|--|
//! | integers, `e f d`; `g` if `long double` is the same as `double` | `Int8` to `UInt64`, `Float16` to `Float64` |
//! | `?` | `Boolean`. Arrow stores one bit for each value, so values are always copied |
//! | `Ze Zf Zd` | `FixedSizeList` of 2 floats, real part first |
//! | other `g` | `FixedSizeBinary` of the significant bytes, least significant first: 10 bytes for an x87 number |
//! | `Zg` if `long double` differs from `double` | `FixedSizeList` of 2 `FixedSizeBinary` |
//! | `c s p`, void, bits, user types | `FixedSizeBinary` of all bytes, with NULs and with the length byte of `p` |
//! | `s p` of the fields that the caller names | `Utf8` without trailing NULs; the length byte of `p` limits the text |
//! | `u w`, `wchar_t` | `Utf8` without trailing NULs |
//! | addresses | `UInt32` or `UInt64`; the addresses are valid only in the process of the exporter |
//! | `T{...}` | `Struct`; the item itself is one column for each field |
//! | `(2,3)...` | `FixedSizeList` of `FixedSizeList`s |
//!
//! No value is null. The name of a field without a name is `f` and the index of the field: `f0`. If the item is
//! not a record, its name is `value`. Names that are not UTF-8 are escaped. The metadata of an Arrow field
//! contain the format, the type and the byte order of the field. The metadata of the schema contain the format
//! of the item.
//!
//! [`Mapping::batch_of_bytes`] creates a batch that shares the memory of the items if the bytes of the items are the
//! bytes of an Arrow array. The [`Verdict`] of each field states whether a batch can share the memory of the field, and
//! gives the reason. If the memory is not shared, the values are copied once into columns, and the vectors of the
//! columns become the memory of the batch.
//!
//! A *leaf* is a field that is not a record: a number, a string, or an array of numbers or strings.

mod batch;
mod encoding;
mod error;
mod mapping;
mod verdict;

pub use error::BatchError;
pub use mapping::Mapping;
pub use verdict::Verdict;
