//! Values back into bytes.

use super::error::{EncodeError, EncodeErrorKind, wide};
use super::long_double::{LongDouble, name as representation};
use super::plan::{Part, PartKind, Plan, text};
use super::scalar::ScalarCodec;
use super::value::Value;
use crate::endian::Endian;
use crate::layout::Type;

impl Plan {
    /// Writes the value of one item. Padding is left as it was, and so is everything if something
    /// does not fit.
    ///
    /// Integers fit where their value does; floats and complex numbers only as their own type;
    /// shorter bytes and text are filled up with NULs.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::{Plan, RecordValue, Value}};
    /// let layout = Layout::read(b"T{>h:a:x2s:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let record = RecordValue::new([(Some("a"), Value::Int(-2)), (Some("b"), Value::Bytes(b"z".to_vec()))]);
    /// let mut item = [9; 5];
    /// Plan::new(&layout)?.encode(&Value::Record(record), &mut item)?;
    /// assert_eq!(item, [0xff, 0xfe, 9, b'z', 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - 300 for `B`, -1 for `Q`: out of range
    /// - text for `<i`, `Float64` for `<f`: another kind of value
    /// - 5 bytes for `4s`, 256 for `300p`
    /// - 2 values for 3 fields or elements
    /// - room for another number of bytes than an item has
    pub fn encode(&self, value: &Value, item: &mut [u8]) -> Result<(), EncodeError> {
        if item.len() != self.size {
            return Err(EncodeErrorKind::TooSmall { available: wide(item.len()), needed: wide(self.size) }.into());
        }
        let mut copy = super::buffer::scratch(self.size)?;
        copy.copy_from_slice(item);
        self.root.store(value, &mut copy)?;
        item.copy_from_slice(&copy);
        Ok(())
    }
}

fn count(found: usize, wanted: usize, unit: &'static str) -> Result<(), EncodeError> {
    let (found, wanted) = (wide(found), wide(wanted));
    if found == wanted { Ok(()) } else { Err(EncodeErrorKind::Count { found, wanted, unit }.into()) }
}

impl Part {
    /// Writes the value of this part of a record, in part if something does not fit.
    pub(super) fn store(&self, value: &Value, record: &mut [u8]) -> Result<(), EncodeError> {
        let end = self.offset.saturating_add(self.size.saturating_mul(self.count));
        let Some(bytes) = record.get_mut(self.offset..end) else { return Ok(()) };
        let Some(shape) = &self.shape else { return self.store_element(value, bytes) };
        let Value::Array(array) = value else {
            return Err(EncodeErrorKind::Kind { found: value.kind(), wanted: "an array" }.into());
        };
        count(array.values.len(), self.count, "element")?;
        if array.shape != *shape {
            return Err(EncodeErrorKind::Kind { found: "an array", wanted: "an array of another shape" }.into());
        }
        for (index, value) in array.values.iter().enumerate() {
            let start = index.saturating_mul(self.size);
            let element = bytes.get_mut(start..start.saturating_add(self.size)).unwrap_or_default();
            self.store_element(value, element).map_err(|error| error.inside(&alloc::format!("[{index}]")))?;
        }
        Ok(())
    }

    fn store_element(&self, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeError> {
        match (&self.kind, value) {
            (PartKind::Value(kernel), value) => Ok(kernel.store(value, bytes)?),
            (PartKind::Record(names, parts), Value::Record(record)) => {
                count(record.values.len(), parts.len(), "field")?;
                for (index, (part, value)) in parts.iter().zip(&record.values).enumerate() {
                    let name = || text(names.get(index).unwrap_or(&None), index);
                    part.store(value, bytes).map_err(|error| error.inside(&name()))?;
                }
                Ok(())
            }
            (PartKind::Record(..), value) => {
                Err(EncodeErrorKind::Kind { found: value.kind(), wanted: "a record" }.into())
            }
        }
    }
}

impl ScalarCodec {
    #[doc(hidden)]
    pub fn store(&self, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        let (first, second) = bytes.split_at_mut_checked(self.size >> 1_u32).unwrap_or_default();
        match (self.ty, value) {
            (Type::Bool, Value::Bool(value)) => self.store_bool(*value, bytes),
            (Type::Char, Value::Char(byte)) => bytes.fill(*byte),
            (
                Type::Int8
                | Type::Int16
                | Type::Int32
                | Type::Int64
                | Type::UInt8
                | Type::UInt16
                | Type::UInt32
                | Type::UInt64,
                Value::Int(_) | Value::UInt(_),
            )
            | (
                Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object,
                Value::Address(_),
            ) => return self.store_integer(value, bytes),
            (Type::Float16, Value::Float16(value)) => self.store_little(&value.to_le_bytes(), bytes),
            (Type::Float32, Value::Float32(value)) => self.store_little(&value.to_le_bytes(), bytes),
            (Type::Float64, Value::Float64(value)) => self.store_little(&value.to_le_bytes(), bytes),
            (Type::LongDouble, Value::LongDouble(value)) => return self.store_long_double(*value, bytes),
            (Type::Complex32, Value::Complex32(value)) => {
                self.store_little(&value.re.to_le_bytes(), first);
                self.store_little(&value.im.to_le_bytes(), second);
            }
            (Type::Complex64, Value::Complex64(value)) => {
                self.store_little(&value.re.to_le_bytes(), first);
                self.store_little(&value.im.to_le_bytes(), second);
            }
            (Type::Complex128, Value::Complex128(value)) => {
                self.store_little(&value.re.to_le_bytes(), first);
                self.store_little(&value.im.to_le_bytes(), second);
            }
            (Type::ComplexLongDouble, Value::ComplexLongDouble(value)) => {
                self.store_long_double(value.re, first)?;
                return self.store_long_double(value.im, second);
            }
            (Type::Bytes, Value::Bytes(value)) => return fill(value, bytes),
            (Type::Pascal, Value::Bytes(value)) => return pascal(value, bytes),
            (Type::Ucs2 | Type::Ucs4 | Type::Wchar, Value::Text(text)) => return self.store_text(text, bytes),
            (Type::Ucs2 | Type::Ucs4 | Type::Wchar, Value::IllFormedText(units)) => {
                return self.store_units(units.len(), units.iter().copied(), bytes);
            }
            (Type::Void, Value::Void(value)) | (Type::Bits | Type::Opaque, Value::Opaque(value)) => {
                if value.len() != bytes.len() {
                    let (found, wanted) = (wide(value.len()), wide(bytes.len()));
                    return Err(EncodeErrorKind::Count { found, wanted, unit: "byte" });
                }
                bytes.copy_from_slice(value);
            }
            (ty, value) => return Err(EncodeErrorKind::Kind { found: value.kind(), wanted: ty.as_str() }),
        }
        Ok(())
    }

    /// True is 1 in one byte, and -1 in a `VARIANT_BOOL`, which has two.
    #[doc(hidden)]
    pub fn store_bool(&self, value: bool, bytes: &mut [u8]) {
        let all = if self.size == 1 { 1 } else { 0xff };
        bytes.fill(if value { all } else { 0 });
    }

    /// Bytes that come least significant first.
    #[inline]
    #[doc(hidden)]
    pub fn store_little(&self, little: &[u8], bytes: &mut [u8]) {
        match self.endian {
            Endian::Little => bytes.iter_mut().zip(little).for_each(|(cell, byte)| *cell = *byte),
            Endian::Big => bytes.iter_mut().rev().zip(little).for_each(|(cell, byte)| *cell = *byte),
        }
    }

    fn store_integer(&self, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        let value = match value {
            Value::Int(value) => i128::from(*value),
            Value::UInt(value) | Value::Address(value) => i128::from(*value),
            _ => 0,
        };
        self.store_number(value, bytes)
    }

    /// An integer of any width, if it is in the range of the type.
    #[doc(hidden)]
    pub fn store_number(&self, value: i128, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        let (low, high) = self.range();
        if value < low || value > high {
            return Err(EncodeErrorKind::OutOfRange { value, ty: self.ty, low, high });
        }
        self.store_little(&value.to_le_bytes(), bytes);
        Ok(())
    }

    /// The least and the greatest integer.
    #[doc(hidden)]
    pub fn range(&self) -> (i128, i128) {
        let bits = u32::try_from(self.size.saturating_mul(8)).unwrap_or(64).min(64);
        let values = 1_i128 << bits;
        let signed = matches!(self.ty, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64);
        let half = values >> 1_u32;
        let (low, past) = if signed { (half.wrapping_neg(), half) } else { (0, values) };
        (low, past.saturating_sub(1))
    }

    fn store_long_double(&self, value: LongDouble, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        if value.format() != self.long_double {
            let (found, wanted) = (representation(value.format()), representation(self.long_double));
            return Err(EncodeErrorKind::LongDouble { found, wanted });
        }
        value.write(bytes, self.endian);
        Ok(())
    }

    fn store_text(&self, text: &str, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        if self.unit == 2 {
            return self.store_units(text.encode_utf16().count(), text.encode_utf16().map(u32::from), bytes);
        }
        self.store_units(text.chars().count(), text.chars().map(u32::from), bytes)
    }

    fn store_units(
        &self,
        len: usize,
        units: impl Iterator<Item = u32>,
        bytes: &mut [u8],
    ) -> Result<(), EncodeErrorKind> {
        let room = self.units();
        if len > room {
            return Err(EncodeErrorKind::TooLong { len: wide(len), capacity: wide(room), unit: "unit" });
        }
        let high = if self.unit == 2 { 0xffff } else { u32::MAX };
        let mut cells = bytes.chunks_exact_mut(self.unit.max(1));
        for unit in units {
            if unit > high {
                let (value, high) = (i128::from(unit), i128::from(high));
                return Err(EncodeErrorKind::OutOfRange { value, ty: self.ty, low: 0, high });
            }
            if let Some(cell) = cells.next() {
                self.store_little(&unit.to_le_bytes(), cell);
            }
        }
        cells.for_each(|cell| cell.fill(0));
        Ok(())
    }
}

/// Bytes, then NULs.
pub(super) fn fill(value: &[u8], bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
    let Some((start, rest)) = bytes.split_at_mut_checked(value.len()) else {
        return Err(EncodeErrorKind::TooLong { len: wide(value.len()), capacity: wide(bytes.len()), unit: "byte" });
    };
    start.copy_from_slice(value);
    rest.fill(0);
    Ok(())
}

/// The length, the bytes, then NULs.
pub(super) fn pascal(value: &[u8], bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
    let room = bytes.len().saturating_sub(1).min(255);
    match (bytes.split_first_mut(), u8::try_from(value.len())) {
        (Some((first, rest)), Ok(len)) if value.len() <= room => {
            *first = len;
            fill(value, rest)
        }
        (None, Ok(0)) => Ok(()),
        _ => Err(EncodeErrorKind::TooLong { len: wide(value.len()), capacity: wide(room), unit: "byte" }),
    }
}
