//! Feature `arrow`: Arrow schemas of layouts, and record batches of items.
//!
//! [`Mapping::batch`] and [`Mapping::batch_of_bytes`] create a record batch from items. [`BatchEncoder`] writes a record
//! batch as items. [`ArrowArray`] and [`ArrowSchema`] are the structs of the Arrow C data interface, for a program with
//! another version of the Arrow crates.
//!
//! | format | Arrow |
//! |--|--|
//! | integers, bit-fields, `e f d`; `g` if `long double` is the same as `double` | `Int8` to `UInt64`, `Float16` to `Float64` |
//! | `?` | `Boolean`. Arrow stores one bit for each value, so values are always copied |
//! | `Ze Zf Zd` | `FixedSizeList` of 2 floats, real part first |
//! | `g` if it is not a `double` | `FixedSizeBinary` of the significant bytes, least significant first: 10 bytes for an x87 number |
//! | `Zg` if `g` is not a `double` | `FixedSizeList` of 2 `FixedSizeBinary` |
//! | `c s p`, void; bits without a position, user types without numbers | `FixedSizeBinary` of all bytes, with NULs and with the length byte of `p` |
//! | `s` of a NumPy dtype or a ctypes class, whose values end before NULs | `Binary` without these NULs |
//! | `s p` of the fields that the caller names | `Utf8` without trailing NULs; the length byte of `p` limits the text |
//! | `u w`, `wchar_t` | `Utf8` without the NULs that do not belong to the text, see [`NulHandling`](crate::layout::NulHandling) |
//! | `[datetime64$s]`, also `ms`, `us` and `ns`; `[datetime64$D]` | `Timestamp` with the same unit, without a time zone; `Date32`; NaT is null |
//! | `[timedelta64$s]`, also `ms`, `us` and `ns` | `Duration` with the same unit; NaT is null |
//! | dates and durations with another unit | `Int64`: Arrow does not have the unit, and a conversion would lose digits or overflow |
//! | `[bfloat16]` and the floats of 1 byte | `Float32`, which has all their values |
//! | addresses | `UInt32` or `UInt64`; the addresses are valid only in the process of the exporter |
//! | `T{...}` | `Struct`; the item itself is one column for each field |
//! | `(2,3)...` | `FixedSizeList` of `FixedSizeList`s |
//!
//! Only dates and durations are null. The name of a field without a name is `f` and the index of the field: `f0`. If the
//! item is not a record, its name is `value`. Names that are not UTF-8 are escaped. The metadata of an Arrow field
//! contain the format, the type and the byte order of the field. The metadata of the schema contain the format of the
//! item.
//!
//! [`Mapping::batch_of_bytes`] creates a batch that shares the memory of the items if the bytes of the items are the
//! bytes of an Arrow array. The [`Verdict`] of each field states whether a batch can share the memory of the field, and
//! gives the reason. If the memory is not shared, the values are copied once into columns, and the vectors of the
//! columns become the memory of the batch.
//!
//! A *leaf* is a field that is not a record: a number, a string, or an array of numbers or strings.

mod batch;
mod c_data;
mod encoder;
mod encoding;
mod error;
mod mapping;
mod verdict;

pub use c_data::{ArrowArray, ArrowSchema};
pub use encoder::BatchEncoder;
pub use error::{BatchError, KnownField};
pub use mapping::Mapping;
pub use verdict::Verdict;
