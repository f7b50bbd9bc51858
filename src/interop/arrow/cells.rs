//! `Cells`: the Arrow array of the values of one leaf.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field};

use super::error::BatchError;
use crate::decode::{Column, ColumnData, DecodeError, LongDouble, wide};
use crate::layout::Type;

/// The Arrow type of one value, and the conversion to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    /// A number of an Arrow type.
    Number(DataType),
    /// A complex number: two numbers of an Arrow type.
    Pair(DataType),
    Bool,
    /// Bytes of this number.
    Binary(i32),
    /// UTF-16 or UTF-32 units, which are converted to UTF-8.
    Text,
    /// Bytes that are UTF-8: without the NULs at the end, or with the length in the first byte (`p`).
    Utf8 {
        pascal: bool,
    },
    /// The significant bytes of a `long double`; two of them if it is complex.
    LongDouble {
        width: i32,
        complex: bool,
    },
}

impl Cells {
    /// Chooses the Arrow type for a type of a layout and its column. The match has no wildcard, so that a new
    /// type needs a decision.
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
            | Type::Object => number(data).map_or(Self::Binary(size), Self::Number),
            Type::Complex32 => Self::Pair(DataType::Float16),
            Type::Complex64 => Self::Pair(DataType::Float32),
            Type::Complex128 => Self::Pair(DataType::Float64),
            Type::LongDouble | Type::ComplexLongDouble => match data {
                ColumnData::Float64(_) => Self::Number(DataType::Float64),
                ColumnData::Complex128(_) => Self::Pair(DataType::Float64),
                _ => Self::LongDouble { width, complex: ty == Type::ComplexLongDouble },
            },
            // Units of a size that is not that of UTF-16 or UTF-32 are bytes.
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => number(data).map_or(Self::Binary(size), |_| Self::Text),
        }
    }

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

    /// Makes an array of `len` values from bytes that a verdict allows to share.
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

    /// Returns the alignment that Arrow requires, in bytes.
    pub(super) fn align(&self) -> usize {
        match self {
            Self::Number(number) | Self::Pair(number) => number.primitive_width().unwrap_or(1),
            _ => 1,
        }
    }

    /// Makes an array of `len` values from their column.
    pub(super) fn of_column(&self, name: &str, column: Column, len: usize) -> Result<ArrayData, BatchError> {
        let bytes = match column.data {
            ColumnData::Bool(values) => BooleanBuffer::from(values).into_inner(),
            ColumnData::Bytes(bytes) => match self {
                Self::Utf8 { pascal } => {
                    let each = string_len(&column.shape)?;
                    let value = |index| {
                        let bytes = nth(&bytes, each, index)?;
                        let text = core::str::from_utf8(if *pascal { counted(bytes) } else { stripped(bytes) });
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
                let each = string_len(&column.shape)?;
                return utf8(name, len, |index| String::from_utf16(stripped(nth(&values, each, index)?)).ok());
            }
            ColumnData::UInt16(values) => Buffer::from_vec(values),
            ColumnData::Int32(values) => Buffer::from_vec(values),
            ColumnData::UInt32(values) if *self == Self::Text => {
                let each = string_len(&column.shape)?;
                return utf8(name, len, |index| {
                    stripped(nth(&values, each, index)?).iter().map(|unit| char::from_u32(*unit)).collect()
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
            // A complex number has the alignment of its parts, so its vector can become one of parts.
            ColumnData::Complex32(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, half::f16>(values)),
            ColumnData::Complex64(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, f32>(values)),
            ColumnData::Complex128(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, f64>(values)),
        };
        self.of_bytes(bytes, len)
    }
}

/// Returns the Arrow type of the numbers of a column.
fn number(data: &ColumnData) -> Option<DataType> {
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

/// Returns the type of a list of `length` elements without nulls.
pub(super) fn list(element: DataType, length: i32) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", element, false)), length)
}

fn pairs(data_type: DataType, parts: ArrayData, len: usize) -> Result<ArrayData, BatchError> {
    Ok(ArrayData::builder(data_type).len(len).add_child_data(parts).build()?)
}

/// Returns the length of the strings of a column, which is its last dimension.
fn string_len(shape: &[usize]) -> Result<usize, BatchError> {
    let len = shape.last().copied();
    len.ok_or_else(|| DecodeError::internal("a column of strings has no dimension for their length").into())
}

/// Returns the string of an index, of `each` units.
fn nth<T>(values: &[T], each: usize, index: usize) -> Option<&[T]> {
    let start = index.saturating_mul(each);
    values.get(start..start.saturating_add(each))
}

/// Removes the NULs at the end.
fn stripped<T: Default + PartialEq>(mut values: &[T]) -> &[T] {
    while let Some((last, rest)) = values.split_last()
        && *last == T::default()
    {
        values = rest;
    }
    values
}

/// Returns the text of a Pascal string: its length is in the first byte, limited by the field.
fn counted(bytes: &[u8]) -> &[u8] {
    let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
    text.get(..len).unwrap_or(text)
}

/// Makes an array of texts. `value` returns the text of an index, or `None` if it is not Unicode.
fn utf8(name: &str, len: usize, value: impl Fn(usize) -> Option<String>) -> Result<ArrayData, BatchError> {
    let mut text = String::new();
    let mut offsets: Vec<i32> = Vec::new();
    // Values without bytes can be too many for a vector of offsets.
    let reserved = len.checked_add(1).filter(|count| offsets.try_reserve_exact(*count).is_ok());
    reserved.ok_or(DecodeError::Allocation { bytes: wide(len.saturating_mul(size_of::<i32>())) })?;
    offsets.push(0);
    for index in 0..len {
        let not_unicode = || BatchError::Text { field: name.into(), index: wide(index) };
        text.push_str(&value(index).ok_or_else(not_unicode)?);
        let end = i32::try_from(text.len());
        let too_long = |_| BatchError::TooLong { field: name.into(), extent: wide(text.len()), unit: "bytes" };
        offsets.push(end.map_err(too_long)?);
    }
    let data = ArrayData::builder(DataType::Utf8).len(len);
    Ok(data.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(text.into_bytes())).build()?)
}
