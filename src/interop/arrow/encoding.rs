//! `Encoding`: the Arrow type for one field that is not a record, and the conversion of the field's values to
//! an Arrow array.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, TimeUnit};

use super::error::BatchError;
use crate::decode::{Column, ColumnData, DecodeError, LongDouble, to_u64};
use crate::layout::{NulHandling, Type, UserType};

/// The number of NaT ("not a time"), the missing value of NumPy's dates and durations.
pub(super) const NOT_A_TIME: i64 = i64::MIN;

/// The Arrow type of a field's values, and the conversion of the bytes of a value to this type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// The value is a number of this Arrow type.
    Number(DataType),
    /// The value is a date or a duration of NumPy, which becomes a value of this Arrow type. NaT becomes null.
    Time(DataType),
    /// The value is a complex number, which becomes a list of two numbers of this Arrow type.
    Pair(DataType),
    /// The value is a bool, which becomes one bit.
    Bool,
    /// The value has this number of bytes, which are stored without conversion.
    Binary(i32),
    /// The value is a text in UTF-16 or UTF-32, which is converted to UTF-8. The rule for NULs decides where
    /// the text ends.
    Text(NulHandling),
    /// The value is a byte string without the NULs that do not belong to the value.
    TrimmedBinary(NulHandling),
    /// The value is a byte string that must be UTF-8.
    Utf8 {
        /// `true`: the first byte is the length of the text in bytes. `false`: trailing NULs are removed.
        pascal: bool,
    },
    /// The value is a `long double`, or a complex number of two `long double`s. Only the significant bytes
    /// are stored.
    LongDouble {
        /// The number of significant bytes of one `long double`.
        width: i32,
        /// Whether the value is a complex number, which becomes a list of two `FixedSizeBinary`.
        complex: bool,
    },
}

impl Encoding {
    /// Returns the encoding for values of the type `ty`. If `user` is `Some`, the values belong to this user type, and
    /// `ty` is the type of their numbers. `size` is the size of one value in bytes. `data` is a decoded column of such
    /// values: its variant selects the number type, and the column can be empty. `width` is the number of significant
    /// bytes of a `long double` on the machine of the layout. `nuls` decides which NULs belong to a byte string or a
    /// text.
    ///
    /// The match has no wildcard, so a new type does not compile without a decision.
    pub(super) fn of(
        ty: Type,
        user: Option<UserType>,
        size: i32,
        data: &ColumnData,
        width: i32,
        nuls: NulHandling,
    ) -> Self {
        match ty {
            Type::Int64 if let Some(time) = user.and_then(time_type) => Self::Time(time),
            Type::Bytes if nuls != NulHandling::Keep => Self::TrimmedBinary(nuls),
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
            // If a unit of the text does not have the size of a UTF-16 or UTF-32 unit, the bytes are stored
            // without conversion.
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => match data {
                ColumnData::Ucs2(_) | ColumnData::Ucs4(_) => Self::Text(nuls),
                _ => Self::Binary(size),
            },
        }
    }

    /// Returns the Arrow type of a value with this encoding.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Number(number) | Self::Time(number) => number.clone(),
            Self::Pair(part) => list(part.clone(), 2, false),
            Self::Bool => DataType::Boolean,
            Self::Binary(len) => DataType::FixedSizeBinary(*len),
            Self::TrimmedBinary(_) => DataType::Binary,
            Self::Text(_) | Self::Utf8 { .. } => DataType::Utf8,
            Self::LongDouble { width, complex: false } => DataType::FixedSizeBinary(*width),
            Self::LongDouble { width, complex: true } => list(DataType::FixedSizeBinary(*width), 2, false),
        }
    }

    /// Returns whether the Arrow array of the values can have nulls.
    pub(super) fn is_nullable(&self) -> bool {
        matches!(self, Self::Time(_))
    }

    /// Creates an Arrow array of `len` values that shares the memory of `bytes`. `bytes` must contain the
    /// values in the form that Arrow requires. Returns an error if Arrow refuses `bytes`.
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

    /// Returns the alignment in bytes that Arrow requires for values with this encoding.
    pub(super) fn align(&self) -> usize {
        match self {
            Self::Number(number) | Self::Pair(number) => number.primitive_width().unwrap_or(1),
            _ => 1,
        }
    }

    /// Creates an Arrow array of `len` values from `column`. `name` is the dotted name of the field, for error
    /// messages. Returns an error if a text is not Unicode, if a date does not fit into 32 bits, if an array is too
    /// large, or if Arrow refuses the data.
    pub(super) fn of_column(&self, name: &str, column: Column, len: usize) -> Result<ArrayData, BatchError> {
        let bytes = match column.data {
            ColumnData::Bool(values) => BooleanBuffer::from(values).into_inner(),
            ColumnData::Bytes(bytes) => match self {
                Self::TrimmedBinary(nuls) => {
                    let units = string_len(&column.shape)?;
                    return variable_length(DataType::Binary, name, len, |index| {
                        let bytes = nth_string(&bytes, units, index)?;
                        bytes.get(..nuls.value_len(bytes))
                    });
                }
                Self::Utf8 { pascal } => {
                    let units = string_len(&column.shape)?;
                    let value = |index| {
                        let bytes = nth_string(&bytes, units, index)?;
                        let text = core::str::from_utf8(if *pascal {
                            pascal_text(bytes)
                        } else {
                            bytes.get(..NulHandling::StripTrailing.value_len(bytes))?
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
            ColumnData::Ucs2(values) if let Self::Text(nuls) = self => {
                let units = string_len(&column.shape)?;
                return utf8(name, len, |index| {
                    let units = nth_string(&values, units, index)?;
                    String::from_utf16(units.get(..nuls.value_len(units))?).ok()
                });
            }
            ColumnData::UInt16(values)
            | ColumnData::Address16(values)
            | ColumnData::Object16(values)
            | ColumnData::Ucs2(values) => Buffer::from_vec(values),
            ColumnData::Int32(values) => Buffer::from_vec(values),
            ColumnData::Ucs4(values) if let Self::Text(nuls) = self => {
                let units = string_len(&column.shape)?;
                return utf8(name, len, |index| {
                    let units = nth_string(&values, units, index)?;
                    units.get(..nuls.value_len(units))?.iter().map(|unit| char::from_u32(*unit)).collect()
                });
            }
            ColumnData::UInt32(values)
            | ColumnData::Address32(values)
            | ColumnData::Object32(values)
            | ColumnData::Ucs4(values) => Buffer::from_vec(values),
            ColumnData::Int64(values) if let Self::Time(time) = self => return times(time, name, values),
            ColumnData::Int64(values) => Buffer::from_vec(values),
            ColumnData::UInt64(values) | ColumnData::Address64(values) | ColumnData::Object64(values) => {
                Buffer::from_vec(values)
            }
            ColumnData::Float16(values) => Buffer::from_vec(values),
            ColumnData::Float32(values) => Buffer::from_vec(values),
            ColumnData::Float64(values) => Buffer::from_vec(values),
            ColumnData::LongDouble(values) => {
                Buffer::from_vec(values.iter().flat_map(LongDouble::as_le_bytes).copied().collect::<Vec<u8>>())
            }
            // A complex number has the size of two parts and the alignment of one part, so a vector of
            // complex numbers becomes a vector of parts without a copy.
            ColumnData::Complex32(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, half::f16>(values)),
            ColumnData::Complex64(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, f32>(values)),
            ColumnData::Complex128(values) => Buffer::from_vec(bytemuck::allocation::cast_vec::<_, f64>(values)),
        };
        self.of_bytes(bytes, len)
    }
}

/// Returns the Arrow type of the elements of `data`. Returns `None` if the elements are not numbers, or if
/// Arrow has no type for the numbers.
fn number_type(data: &ColumnData) -> Option<DataType> {
    Some(match data {
        ColumnData::Int8(_) => DataType::Int8,
        ColumnData::UInt8(_) => DataType::UInt8,
        ColumnData::Int16(_) => DataType::Int16,
        ColumnData::UInt16(_) | ColumnData::Address16(_) | ColumnData::Object16(_) => DataType::UInt16,
        ColumnData::Int32(_) => DataType::Int32,
        ColumnData::UInt32(_) | ColumnData::Address32(_) | ColumnData::Object32(_) => DataType::UInt32,
        ColumnData::Int64(_) => DataType::Int64,
        ColumnData::UInt64(_) | ColumnData::Address64(_) | ColumnData::Object64(_) => DataType::UInt64,
        ColumnData::Float16(_) => DataType::Float16,
        ColumnData::Float32(_) => DataType::Float32,
        ColumnData::Float64(_) => DataType::Float64,
        _ => return None,
    })
}

/// Returns the Arrow type for the dates or durations `user`: the type with the same unit. Returns `None` if Arrow does
/// not have the unit, or if `user` is another type. If the unit is missing in Arrow, the column has the 64-bit numbers
/// of `user`.
fn time_type(user: UserType) -> Option<DataType> {
    let unit = |name: &str| match name {
        "s" => Some(TimeUnit::Second),
        "ms" => Some(TimeUnit::Millisecond),
        "us" => Some(TimeUnit::Microsecond),
        "ns" => Some(TimeUnit::Nanosecond),
        _ => None,
    };
    match user.name().split_once('$')? {
        // A `Date64` has milliseconds, so only `Date32` has days.
        ("datetime64", "D") => Some(DataType::Date32),
        ("datetime64", name) => Some(DataType::Timestamp(unit(name)?, None)),
        ("timedelta64", name) => Some(DataType::Duration(unit(name)?)),
        _ => None,
    }
}

/// Creates an Arrow array of `values`, the numbers of dates or durations. `time` is the Arrow type. `name` is the dotted
/// name of the field, for error messages.
///
/// # Errors
/// - a number of days does not fit into 32 bits
/// - there is not enough memory
fn times(time: &DataType, name: &str, values: Vec<i64>) -> Result<ArrayData, BatchError> {
    let len = values.len();
    let has_nulls = values.contains(&NOT_A_TIME);
    let nulls = has_nulls.then(|| values.iter().map(|value| *value != NOT_A_TIME).collect::<NullBuffer>());
    let buffer = if *time == DataType::Date32 {
        let mut days: Vec<i32> = Vec::new();
        let reserved = days.try_reserve_exact(len);
        reserved.map_err(|_| DecodeError::Allocation { bytes: to_u64(len.saturating_mul(size_of::<i32>())) })?;
        for (index, value) in values.iter().enumerate() {
            // The value of a null is never read.
            let value = if *value == NOT_A_TIME { 0 } else { *value };
            let error = |_| BatchError::Date { field: name.into(), index: to_u64(index), days: value };
            days.push(i32::try_from(value).map_err(error)?);
        }
        Buffer::from_vec(days)
    } else {
        Buffer::from_vec(values)
    };
    Ok(ArrayData::builder(time.clone()).len(len).add_buffer(buffer).nulls(nulls).build()?)
}

/// Returns the Arrow type of a list with `length` elements of the type `element`. `is_nullable` is `true` if elements
/// can be null.
pub(super) fn list(element: DataType, length: i32, is_nullable: bool) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", element, is_nullable)), length)
}

/// Creates an Arrow array of `len` lists of two elements. `data_type` is the type of a list. `parts` contains
/// the elements of all lists one after another. Returns an error if Arrow refuses `parts`.
fn pairs(data_type: DataType, parts: ArrayData, len: usize) -> Result<ArrayData, BatchError> {
    Ok(ArrayData::builder(data_type).len(len).add_child_data(parts).build()?)
}

/// Returns the number of code units of each string in a column: the last length in `shape`, the shape of the column. A
/// code unit of a byte string is one byte. Returns an error if `shape` is empty.
fn string_len(shape: &[usize]) -> Result<usize, BatchError> {
    let len = shape.last().copied();
    len.ok_or_else(|| DecodeError::internal("a column of strings has no dimension for their length").into())
}

/// Returns the string with the index `index` in `values`. `values` must contain adjacent strings of `units` code units
/// each. Returns `None` if `values` has no string with this index.
fn nth_string<T>(values: &[T], units: usize, index: usize) -> Option<&[T]> {
    let start = index.saturating_mul(units);
    values.get(start..start.saturating_add(units))
}

/// Returns the text of the Pascal string `bytes`, whose first byte is the length of the text. If this length is too
/// large, the text is all bytes after the first byte.
fn pascal_text(bytes: &[u8]) -> &[u8] {
    let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
    text.get(..len).unwrap_or(text)
}

/// Creates an Arrow array of `len` texts. `value` returns the text with a given index, or `None` if the text
/// is not Unicode. `name` is the dotted name of the field, for error messages. Returns an error if a text is
/// not Unicode, or if the texts exceed the memory or the limit of Arrow.
fn utf8(name: &str, len: usize, value: impl Fn(usize) -> Option<String>) -> Result<ArrayData, BatchError> {
    variable_length(DataType::Utf8, name, len, value)
}

/// Creates an Arrow array of the type `data_type`, `Utf8` or `Binary`, with `len` values. `value` returns the bytes of
/// the value with a given index, or `None` if the value is not valid for `data_type`. `name` is the dotted name of the
/// field, for error messages. Returns [`BatchError::Text`] if a value is not valid, [`BatchError::TooLong`] if the
/// values exceed the limit of Arrow, and an error if there is not enough memory.
fn variable_length<B: AsRef<[u8]>>(
    data_type: DataType,
    name: &str,
    len: usize,
    value: impl Fn(usize) -> Option<B>,
) -> Result<ArrayData, BatchError> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut offsets: Vec<i32> = Vec::new();
    // A column can have a huge number of values of 0 bytes, and Arrow needs an offset for each value. The allocation
    // of the offsets can therefore fail.
    let reserved = len.checked_add(1).filter(|count| offsets.try_reserve_exact(*count).is_ok());
    reserved.ok_or(DecodeError::Allocation { bytes: to_u64(len.saturating_mul(size_of::<i32>())) })?;
    offsets.push(0);
    for index in 0..len {
        let not_unicode = || BatchError::Text { field: name.into(), index: to_u64(index) };
        let value = value(index).ok_or_else(not_unicode)?;
        let value = value.as_ref();
        let needed = to_u64(bytes.len().saturating_add(value.len()));
        bytes.try_reserve(value.len()).map_err(|_| DecodeError::Allocation { bytes: needed })?;
        bytes.extend_from_slice(value);
        let end = i32::try_from(bytes.len());
        let too_long = |_| BatchError::TooLong { field: name.into(), count: to_u64(bytes.len()), unit: "bytes" };
        offsets.push(end.map_err(too_long)?);
    }
    let data = ArrayData::builder(data_type).len(len);
    Ok(data.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(bytes)).build()?)
}
