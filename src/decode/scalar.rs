//! One value from its bytes.

use alloc::string::String;
use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::error::{DecodeError, wide};
use super::long_double::LongDouble;
use super::plan::{Part, PartKind, Plan};
use super::value::{ArrayValue, RecordValue, Value};
use crate::abi::LongDoubleFormat;
use crate::endian::Endian;
use crate::layout::{Field, Type};

/// What the bytes of one value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalarCodec {
    pub(super) ty: Type,
    /// Bytes of one value.
    pub(super) size: usize,
    /// Bytes that are swapped together: a part of a complex number, a unit of text; 1 where there
    /// is no byte order.
    pub(super) unit: usize,
    pub(super) endian: Endian,
    pub(super) long_double: LongDoubleFormat,
}

impl ScalarCodec {
    /// The codec of one element of a field.
    ///
    /// # Errors
    /// - an element of more bytes than this machine can address
    pub fn of(field: Field<'_>) -> Result<Self, DecodeError> {
        let too_large = DecodeError::Allocation { bytes: field.size() };
        let size = usize::try_from(field.size()).map_err(|_| too_large)?;
        let long_double = field.model().long_double.format;
        let part = match long_double {
            // Two doubles, each with its own byte order.
            LongDoubleFormat::DoubleDouble => 8,
            _ if field.ty() == Type::ComplexLongDouble => size >> 1_u32,
            _ => size,
        };
        let unit = match field.ty() {
            Type::LongDouble | Type::ComplexLongDouble => part,
            Type::Complex32 | Type::Complex64 | Type::Complex128 => size >> 1_u32,
            Type::Ucs2 => 2,
            Type::Ucs4 => 4,
            Type::Wchar => usize::try_from(field.model().wchar).unwrap_or(1),
            ty if ty.has_byte_order() => size,
            _ => 1,
        };
        // A machine made by hand may have a wchar_t of 3 bytes.
        let whole = size.checked_rem(unit) == Some(0);
        let unit = if whole { unit } else { 1 };
        let endian = field.endian().unwrap_or(Endian::HOST);
        Ok(Self { ty: field.ty(), size, unit, endian, long_double })
    }

    /// Units in one value.
    pub(super) fn units(&self) -> usize {
        self.size.checked_div(self.unit).unwrap_or(0)
    }

    /// Whether bytes must be swapped to be a value of this machine.
    pub(super) fn swapped(&self) -> bool {
        self.unit > 1 && self.endian != Endian::HOST
    }

    /// The value; bytes that are missing are taken for 0.
    pub fn value(&self, bytes: &[u8]) -> Value {
        let half = bytes.get(..self.size >> 1_u32).unwrap_or_default();
        let other = bytes.get(self.size >> 1_u32..).unwrap_or_default();
        match self.ty {
            Type::Bool => Value::Bool(bytes.iter().any(|byte| *byte != 0)),
            Type::Char => Value::Char(bytes.first().copied().unwrap_or(0)),
            Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => Value::Int(self.signed(bytes)),
            Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => Value::UInt(self.unsigned(bytes)),
            Type::Float16 => Value::Float16(self.float16(bytes)),
            Type::Float32 => Value::Float32(self.float32(bytes)),
            Type::Float64 => Value::Float64(self.float64(bytes)),
            Type::LongDouble => Value::LongDouble(self.long_double(bytes)),
            Type::Complex32 => Value::Complex32(Complex::new(self.float16(half), self.float16(other))),
            Type::Complex64 => Value::Complex64(Complex::new(self.float32(half), self.float32(other))),
            Type::Complex128 => Value::Complex128(Complex::new(self.float64(half), self.float64(other))),
            Type::ComplexLongDouble => {
                Value::ComplexLongDouble(Complex::new(self.long_double(half), self.long_double(other)))
            }
            Type::Bytes => Value::Bytes(bytes.to_vec()),
            Type::Pascal => {
                let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
                Value::Bytes(text.get(..len).unwrap_or(text).to_vec())
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => self.text(bytes),
            Type::Void => Value::Void(bytes.to_vec()),
            Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
                Value::Address(self.unsigned(bytes))
            }
            // A record is a part with parts; here it would be bytes.
            Type::Bits | Type::Opaque | Type::Record => Value::Opaque(bytes.to_vec()),
        }
    }

    /// As many bytes as fit `W`, least significant first.
    #[inline]
    pub fn little<const W: usize>(&self, bytes: &[u8]) -> [u8; W] {
        // Nearly always the bytes are as wide as the number.
        if let Ok(mut whole) = <[u8; W]>::try_from(bytes) {
            if self.endian == Endian::Big {
                whole.reverse();
            }
            return whole;
        }
        let mut out = [0; W];
        match self.endian {
            Endian::Little => out.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell = *byte),
            Endian::Big => out.iter_mut().zip(bytes.iter().rev()).for_each(|(cell, byte)| *cell = *byte),
        }
        out
    }

    /// Reads an unsigned integer.
    #[must_use]
    pub fn unsigned(&self, bytes: &[u8]) -> u64 {
        u64::from_le_bytes(self.little(bytes))
    }

    fn signed(&self, bytes: &[u8]) -> i64 {
        let spare = 64_u32.saturating_sub(u32::try_from(bytes.len().saturating_mul(8)).unwrap_or(64)).min(63);
        i64::from_le_bytes(self.little(bytes)).wrapping_shl(spare).wrapping_shr(spare)
    }

    fn float16(&self, bytes: &[u8]) -> f16 {
        f16::from_le_bytes(self.little(bytes))
    }

    fn float32(&self, bytes: &[u8]) -> f32 {
        f32::from_le_bytes(self.little(bytes))
    }

    fn float64(&self, bytes: &[u8]) -> f64 {
        f64::from_le_bytes(self.little(bytes))
    }

    /// Reads a `long double`.
    #[must_use]
    pub fn long_double(&self, bytes: &[u8]) -> LongDouble {
        LongDouble::read(bytes, self.long_double, self.endian)
    }

    fn text(&self, bytes: &[u8]) -> Value {
        if self.unit == 0 {
            return Value::Text(String::new());
        }
        let units = bytes.chunks_exact(self.unit).map(|unit| u32::from_le_bytes(self.little(unit)));
        let mut units: Vec<u32> = units.collect();
        while units.last() == Some(&0) {
            units.pop();
        }
        let text: Option<String> = match self.unit {
            2 => {
                let units = units.iter().map(|unit| u16::try_from(*unit).unwrap_or(u16::MAX));
                char::decode_utf16(units).collect::<Result<_, _>>().ok()
            }
            _ => units.iter().map(|unit| char::from_u32(*unit)).collect(),
        };
        text.map_or(Value::IllFormedText(units), Value::Text)
    }
}

impl Plan {
    /// The value of one item.
    ///
    /// # Errors
    /// - 3 bytes for an item of 4
    pub fn value(&self, item: &[u8]) -> Result<Value, DecodeError> {
        if item.len() != self.size {
            return Err(DecodeError::ItemLength { len: wide(item.len()), itemsize: wide(self.size) });
        }
        Ok(self.root.value(item))
    }

    /// The values of items that lie one after the other.
    ///
    /// # Errors
    /// - 10 bytes for items of 4
    pub fn values<'b>(&'b self, items: &'b [u8]) -> Result<impl Iterator<Item = Value> + use<'b>, DecodeError> {
        self.items_in(items.len())?;
        Ok(items.chunks_exact(self.size.max(1)).map(|item| self.root.value(item)))
    }
}

impl Part {
    /// The value of this part of a record.
    pub(super) fn value(&self, record: &[u8]) -> Value {
        let bytes = self.size.saturating_mul(self.count);
        let end = self.offset.saturating_add(bytes);
        let elements = record.get(self.offset..end).unwrap_or_default();
        let Some(shape) = &self.shape else { return self.element(elements) };
        let values = if self.size == 0 {
            core::iter::repeat_with(|| self.element(&[])).take(self.count).collect()
        } else {
            elements.chunks_exact(self.size).map(|element| self.element(element)).collect()
        };
        Value::Array(ArrayValue { shape: shape.clone(), values })
    }

    fn element(&self, bytes: &[u8]) -> Value {
        match &self.kind {
            PartKind::Value(kernel) => kernel.value(bytes),
            PartKind::Record(names, parts) => {
                let values = parts.iter().map(|part| part.value(bytes)).collect();
                Value::Record(RecordValue { names: names.clone(), values })
            }
        }
    }
}
