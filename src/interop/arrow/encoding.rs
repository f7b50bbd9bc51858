//! `Encoding`: the Arrow type of the values of one leaf, and the conversion to an Arrow array.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field};

use super::error::BatchError;
use crate::decode::{Column, ColumnData, DecodeError, LongDouble, wide};
use crate::layout::Type;

/// The Arrow type of one value, and how the bytes of the value are converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// A number of this Arrow type.
    Number(DataType),
    /// A complex number: a list of two numbers of this Arrow type.
    Pair(DataType),
    /// One bit for each value.
    Bool,
    /// Bytes of this length, without conversion.
    Binary(i32),
    /// Text. Its UTF-16 or UTF-32 units are converted to UTF-8.
    Text,
    /// Bytes that must be UTF-8. If `pascal` is false, trailing NULs are removed. If `pascal` is true, the
    /// first byte is the length of the text.
    Utf8 {
        /// Whether the first byte is the length.
        pascal: bool,
    },
    /// A `long double`, of which the `width` significant bytes are stored. If `complex` is true, a list of
    /// two.
    LongDouble {
        /// The number of significant bytes.
        width: i32,
        /// Whether the value has two parts.
        complex: bool,
    },
}

impl Encoding {
    /// Chooses the encoding for values of type `ty`, which have `size` bytes and were decoded to `data`.
    /// `width` is the number of significant bytes of a `long double`.
    ///
    /// The match has no wildcard, so that a new type needs a decision.
    pub(super) fn of(ty: Type, size: i32, data: &ColumnData, width: i32) -> Self {
        match ty {
            Type::Bool => Self::Bool,
            Type::Char | Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque | Type::Record => {
                Self::Binary(size)
            }
            Type::Int8
            | Type::UInt8
            | Type::Int16
            | Type::UInt16
            | Type::Int32
            | Type::UInt32
            | Type::Int64
            | Type::UInt64
            | Type::Float16
            | Type::Float32
            | Type::Float64
            | Type::Pointer
            | Type::CharPointer
            | Type::WcharPointer
            | Type::Function
            | Type::Object => number_type(data).map_or(Self::Binary(size), Self::Number),
            Type::Complex32 => Self::Pair(DataType::Float16),
            Type::Complex64 => Self::Pair(DataType::Float32),
            Type::Complex128 => Self::Pair(DataType::Float64),
            Type::LongDouble | Type::ComplexLongDouble => match data {
                ColumnData::Float64(_) => Self::Number(DataType::Float64),
                ColumnData::Complex128(_) => Self::Pair(DataType::Float64),
                _ => Self::LongDouble { width, complex: ty == Type::ComplexLongDouble },
            },
            // If the size of a unit is not that of UTF-16 or UTF-32, the bytes are stored without conversion.
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => number_type(data).map_or(Self::Binary(size), |_| Self::Text),
        }
    }

    /// Returns the Arrow type of one value.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Number(number) => number.clone(),
            Self::Pair(part) => list(part.clone(), 2),
            Self::Bool => DataType::Boolean,
            Self::Binary(len) => DataType::FixedSizeBinary(*len),
            Self::Text | Self::Utf8 { .. } => DataType::Utf8,
            Self::LongDouble { width, complex: false } => DataType::FixedSizeBinary(*width),
            Self::LongDouble { width, complex: true } => list(DataType::FixedSizeBinary(*width), 2),
        }
    }

    /// Creates an array of `len` values that shares the memory of `bytes`. `bytes` must be the bytes of the
    /// Arrow array.
    pub(super) fn of_bytes(&self, bytes: Buffer, len: usize) -> Result<ArrayData, BatchError> {
        let flat = |data_type: DataType, len: usize| ArrayData::builder(data_type).len(len).add_buffer(bytes).build();
        Ok(match self {
            Self::Pair(part) => pairs(self.data_type(), flat(part.clone(), len.saturating_mul(2))?, len)?,
            Self::LongDouble { width, complex: true } => {
                let part = flat(DataType::FixedSizeBinary(*width), len.saturating_mul(2))?;
                pairs(self.data_type(), part, len)?
            }
            _ => flat(self.data_type(), len)?,
        })
    }

    /// Returns the alignment that Arrow requires for the values, in bytes.
    pub(super) fn align(&self) -> usize {
        match self {
            Self::Number(number) | Self::Pair(number) => number.primitive_width().unwrap_or(1),
            _ => 1,
        }
    }

    /// Creates an array of `len` values from the column of the leaf. `name` is the name of the field in
    /// errors.
    pub(super) fn of_column(&self, name: &str, column: Column, len: usize) -> Result<ArrayData, BatchError> {
        let bytes = match column.data {
            ColumnData::Bool(values) => BooleanBuffer::from(values).into_inner(),
            ColumnData::Bytes(bytes) => match self {
                Self::Utf8 { pascal } => {
                    let units = string_len(&column.shape)?;
                    let value = |index| {
                        let bytes = nth_string(&bytes, units, index)?;
                        let text = core::str::from_utf8(if *pascal {
                            pascal_text(bytes)
                        } else {
                            without_trailing_nuls(bytes)
                        });
                        text.ok().map(String::from)
                    };
                    return utf8(name, len, value);
                }
                _ => Buffer::from_vec(bytes),
            },
            ColumnData::Int8(values) => Buffer::from_vec(values),
            ColumnData::UInt8(values) => Buffer::from_vec(values),
            ColumnData::Int16(values) => Buffer::from_vec(values),
            ColumnData::UInt16(values) if *self == Self::Text => {
                let units = string_len(&column.shape)?;
                return utf8(name, len, |index| {
                    String::from_utf16(without_trailing_nuls(nth_string(&values, units, index)?)).ok()
                });
            }
            ColumnData::UInt16(values) => Buffer::from_vec(values),
            ColumnData::Int32(values) => Buffer::from_vec(values),
            ColumnData::UInt32(values) if *self == Self::Text => {
                let units = string_len(&column.shape)?;
                return utf8(name, len, |index| {
                    without_trailing_nuls(nth_string(&values, units, index)?)
                        .iter()
                        .map(|unit| char::from_u32(*unit))
                        .collect()
                });
            }
            ColumnData::UInt32(values) => Buffer::from_vec(values),
            ColumnData::Int64(values) => Buffer::from_vec(values),
            ColumnData::UInt64(values) => Buffer::from_vec(values),
            ColumnData::Float16(values) => Buffer::from_vec(values),
            ColumnData::Float32(values) => Buffer::from_vec(values),
            ColumnData::Float64(values) => Buffer::from_vec(values),
            ColumnData::LongDouble(values) => {
                Buffer::from_vec(values.iter().flat_map(LongDouble::as_le_bytes).copied().collect::<Vec<u8>>())
            }
            // A complex number has the size of two parts and the alignment of one, so its vector becomes a
            // vector of parts.
            ColumnData::Complex32(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, half::f16>(values)),
            ColumnData::Complex64(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, f32>(values)),
            ColumnData::Complex128(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, f64>(values)),
        };
        self.of_bytes(bytes, len)
    }
}

/// Returns the Arrow type of the numbers of a column. Returns `None` if the column has no numbers of an Arrow
/// type.
fn number_type(data: &ColumnData) -> Option<DataType> {
    Some(match data {
        ColumnData::Int8(_) => DataType::Int8,
        ColumnData::UInt8(_) => DataType::UInt8,
        ColumnData::Int16(_) => DataType::Int16,
        ColumnData::UInt16(_) => DataType::UInt16,
        ColumnData::Int32(_) => DataType::Int32,
        ColumnData::UInt32(_) => DataType::UInt32,
        ColumnData::Int64(_) => DataType::Int64,
        ColumnData::UInt64(_) => DataType::UInt64,
        ColumnData::Float16(_) => DataType::Float16,
        ColumnData::Float32(_) => DataType::Float32,
        ColumnData::Float64(_) => DataType::Float64,
        _ => return None,
    })
}

/// Returns the Arrow type of a list of `length` elements. The elements cannot be null.
pub(super) fn list(element: DataType, length: i32) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", element, false)), length)
}

/// Creates an array of `len` lists of two elements. `parts` has the elements of all lists.
fn pairs(data_type: DataType, parts: ArrayData, len: usize) -> Result<ArrayData, BatchError> {
    Ok(ArrayData::builder(data_type).len(len).add_child_data(parts).build()?)
}

/// Returns the number of units of each string of a column: the last dimension of `shape`.
fn string_len(shape: &[usize]) -> Result<usize, BatchError> {
    let len = shape.last().copied();
    len.ok_or_else(|| DecodeError::internal("a column of strings has no dimension for their length").into())
}

/// Returns the string at `index`. Each string has `units` units. Returns `None` if `values` is too short.
fn nth_string<T>(values: &[T], units: usize, index: usize) -> Option<&[T]> {
    let start = index.saturating_mul(units);
    values.get(start..start.saturating_add(units))
}

/// Returns `values` without its trailing NULs.
fn without_trailing_nuls<T: Default + PartialEq>(mut values: &[T]) -> &[T] {
    while let Some((last, rest)) = values.split_last()
        && *last == T::default()
    {
        values = rest;
    }
    values
}

/// Returns the text of a Pascal string. The first byte is the length of the text. A length that exceeds the
/// field means all bytes of the field.
fn pascal_text(bytes: &[u8]) -> &[u8] {
    let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
    text.get(..len).unwrap_or(text)
}

/// Creates an array of `len` texts. `value` returns the text for an index, or `None` if the value is not
/// Unicode.
fn utf8(name: &str, len: usize, value: impl Fn(usize) -> Option<String>) -> Result<ArrayData, BatchError> {
    let mut text = String::new();
    let mut offsets: Vec<i32> = Vec::new();
    // The allocation may fail: values of 0 bytes can have any number, and each value needs an offset.
    let reserved = len.checked_add(1).filter(|count| offsets.try_reserve_exact(*count).is_ok());
    reserved.ok_or(DecodeError::Allocation { bytes: wide(len.saturating_mul(size_of::<i32>())) })?;
    offsets.push(0);
    for index in 0..len {
        let not_unicode = || BatchError::Text { field: name.into(), index: wide(index) };
        text.push_str(&value(index).ok_or_else(not_unicode)?);
        let end = i32::try_from(text.len());
        let too_long = |_| BatchError::TooLong { field: name.into(), count: wide(text.len()), unit: "bytes" };
        offsets.push(end.map_err(too_long)?);
    }
    let data = ArrayData::builder(DataType::Utf8).len(len);
    Ok(data.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(text.into_bytes())).build()?)
}
