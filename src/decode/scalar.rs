//! [`ScalarCodec`]: decodes and encodes one value, such as a number, a byte string or a Unicode text.

use alloc::string::String;
use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::conversion::Conversion;
use super::error::{DecodeError, EncodeErrorKind, ValueMemory};
use super::long_double::{LongDouble, name as representation};
use super::value::Value;
use crate::abi::LongDoubleFormat;
use crate::align::to_u64;
use crate::endian::Endian;
use crate::layout::{BitField, Field, NulHandling, Type, UserType, UserValue, nearest_float32};

/// The codec of one value, with the type, size and byte order of the value.
///
/// INVARIANT: `unit` is at least 1 and divides `size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScalarCodec {
    pub(super) ty: Type,
    /// The size of one value in bytes.
    pub(super) size: usize,
    /// The size in bytes of a unit. A unit is a number, a part of a complex number, or a code unit of text. If the byte
    /// order differs from the byte order of this machine, the bytes of each unit are reversed separately. `unit` is 1
    /// for types without a byte order.
    pub(super) unit: usize,
    /// The number of units in one value: 2 for a complex number, the number of code units for a text.
    units: usize,
    /// The byte order of each unit. The byte order of this machine for types without a byte order.
    pub(super) endian: Endian,
    /// The representation of `long double` in the data model.
    pub(super) long_double: LongDoubleFormat,
    /// The position of the bit-field, or `None` if the value is not a bit-field.
    pub(super) bits: Option<BitField>,
    /// The rule that decides which NULs belong to the value of a byte string or a text.
    nuls: NulHandling,
    /// The user type of the value, or `None` if the value has another type.
    pub(super) user: Option<UserType>,
}

impl ScalarCodec {
    /// Creates the codec of one element of `field`, which must not be a record.
    ///
    /// # Errors
    /// - the element has more bytes than this machine can address
    pub fn of(field: Field<'_>) -> Result<Self, DecodeError> {
        let length = |bytes: u64| usize::try_from(bytes).map_err(|_| DecodeError::Allocation { bytes });
        let size = length(field.size())?;
        let long_double = field.model().long_double.format;
        let part = match long_double {
            // A double-double consists of two doubles, and the bytes of each double are reversed separately.
            LongDoubleFormat::DoubleDouble => 8,
            _ if field.ty() == Type::ComplexLongDouble => size >> 1_u32,
            _ => size,
        };
        let unit = match field.ty() {
            Type::LongDouble | Type::ComplexLongDouble => part,
            Type::Complex32 | Type::Complex64 | Type::Complex128 => size >> 1_u32,
            Type::Ucs2 => 2,
            Type::Ucs4 => 4,
            Type::Wchar => length(field.model().wchar)?,
            ty if ty.has_byte_order() => size,
            Type::Opaque if field.endian().is_some() => size,
            _ => 1,
        };
        let (unit, units) = match size.checked_div(unit) {
            Some(units) if units.checked_mul(unit) == Some(size) => (unit, units),
            // The units do not fill the value, for example if the caller's data model has a `wchar_t` of 3 bytes. The
            // codec then treats each byte of the value as a unit.
            _ => (1, size),
        };
        // A type without a byte order counts as native. Hence its bytes are never reversed.
        let endian = field.endian().unwrap_or(Endian::HOST);
        let (bits, nuls) = (field.bit_field(), field.nul_handling());
        let user = field.user_type();
        Ok(Self { ty: field.ty(), size, unit, units, endian, long_double, bits, nuls, user })
    }

    /// Returns the type of the value.
    #[inline]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Returns the size of a unit in bytes. A unit is a number, a part of a complex number, or a code unit of text. The
    /// bytes of each unit are in the byte order [`endian`](Self::endian). Returns 1 for types without a byte order.
    pub fn unit(&self) -> usize {
        self.unit
    }

    /// Returns the number of units in one value, see [`unit`](Self::unit).
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// Returns the byte order of each unit in an item, or the byte order of this machine for types without a byte
    /// order.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// Returns the position of the bit-field, or `None` if the value is not a bit-field.
    pub fn bit_field(&self) -> Option<BitField> {
        self.bits
    }

    /// Returns the rule that decides which NULs belong to the value of a byte string or a text.
    pub fn nul_handling(&self) -> NulHandling {
        self.nuls
    }

    /// Returns the user type of the value. Returns `None` if the value has a built-in type.
    pub fn user_type(&self) -> Option<UserType> {
        self.user
    }

    /// Returns the type of the decoded values. For a bit-field or a user type, this is the type of its numbers. For any
    /// other type, this is [`ty`](Self::ty).
    pub fn value_type(&self) -> Type {
        match (self.bits, self.user) {
            (Some(bits), _) => bits.ty(),
            (None, Some(user)) => user.value_type(),
            (None, None) => self.ty,
        }
    }

    /// Returns the conversion of the values for columns. Returns `None` if columns store the bytes of the values in the
    /// byte order of this machine.
    pub(super) fn conversion(&self) -> Option<Conversion> {
        match (self.bits, self.user) {
            (Some(bits), _) => Some(Conversion::Bits(bits)),
            (None, Some(user)) if !user.is_stored_as_value() => Some(Conversion::User(user)),
            _ => None,
        }
    }

    /// Returns whether the element of a column for a value has the bytes of the value, except for the byte order.
    #[cfg(feature = "arrow")]
    pub(crate) fn is_stored_as_element(&self) -> bool {
        self.conversion().is_none()
    }

    /// Returns whether a copy to a column changes more than the byte order: the values are bit-fields or numbers of a
    /// user type, or the bytes after the first NUL are set to 0.
    pub(super) fn needs_conversion(&self) -> bool {
        self.conversion().is_some() || self.nuls == NulHandling::StopAtFirst
    }

    /// Returns the representation of `long double` in the data model of the layout.
    pub fn long_double_format(&self) -> LongDoubleFormat {
        self.long_double
    }

    /// Returns whether values of this codec are addresses or integers of at most 8 bytes. Includes bit-fields and user
    /// types with such integers.
    pub fn is_integer(&self) -> bool {
        self.is_number() || self.is_address()
    }

    /// Returns whether values of this codec are integers of at most 8 bytes. Includes bit-fields and user types with
    /// such integers. Returns `false` for addresses and Boolean bit-fields.
    pub(super) fn is_number(&self) -> bool {
        matches!(
            self.value_type(),
            Type::Int8
                | Type::UInt8
                | Type::Int16
                | Type::UInt16
                | Type::Int32
                | Type::UInt32
                | Type::Int64
                | Type::UInt64
        )
    }

    /// Returns whether values of this codec are addresses.
    pub(super) fn is_address(&self) -> bool {
        matches!(self.ty, Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object)
    }

    /// Returns whether values of this codec are text of the codes `u` or `w`. Returns `false` for byte strings.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.ty, Type::Ucs2 | Type::Ucs4 | Type::Wchar)
    }

    /// Returns whether the byte order of the units differs from the byte order of this machine, so that decoding
    /// reverses the units.
    pub(super) fn swapped(&self) -> bool {
        self.unit > 1 && self.endian != Endian::HOST
    }

    /// Returns the size in bytes of the units that a copy to native byte order reverses. Returns 1 if a copy reverses
    /// nothing.
    pub(super) fn reversed_unit(&self) -> usize {
        if self.swapped() { self.unit } else { 1 }
    }

    /// Decodes `bytes`, the bytes of one value. Returns [`Value::Opaque`] if a user type has no value for the bytes.
    ///
    /// Does not check the length of `bytes`. An integer, an address or a float of at most 64 bits is decoded from the
    /// least significant bytes, and missing bytes count as 0. Each part of a complex number is decoded from one half of
    /// `bytes`. A byte string or a text is decoded from all bytes.
    ///
    /// # Errors
    /// - there is not enough memory for a byte string or a Unicode text
    pub fn value(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut memory = ValueMemory::default();
        let value = self.decode(bytes, &mut memory);
        memory.result(value)
    }

    /// Decodes `bytes` as [`value`](Self::value) does. `memory` allocates the vectors and records a failed allocation.
    /// After a failed allocation, the result is an empty byte string or an empty text.
    pub(super) fn decode(&self, bytes: &[u8], memory: &mut ValueMemory) -> Value {
        let (first, second) = bytes.split_at(bytes.len() >> 1_u32);
        match self.ty {
            Type::Bool => Value::Bool(bytes.iter().any(|byte| *byte != 0)),
            Type::Char => {
                let [byte] = self.little(bytes);
                Value::Char(byte)
            }
            Type::Int8 => Value::Int(i8::from_le_bytes(self.little(bytes)).into()),
            Type::Int16 => Value::Int(i16::from_le_bytes(self.little(bytes)).into()),
            Type::Int32 => Value::Int(i32::from_le_bytes(self.little(bytes)).into()),
            Type::Int64 => Value::Int(i64::from_le_bytes(self.little(bytes))),
            Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => Value::UInt(self.unsigned(bytes)),
            Type::Float16 => Value::Float16(self.float16(bytes)),
            Type::Float32 => Value::Float32(self.float32(bytes)),
            Type::Float64 => Value::Float64(self.float64(bytes)),
            Type::LongDouble => Value::LongDouble(self.long_double(bytes)),
            Type::Complex32 => Value::Complex32(Complex::new(self.float16(first), self.float16(second))),
            Type::Complex64 => Value::Complex64(Complex::new(self.float32(first), self.float32(second))),
            Type::Complex128 => Value::Complex128(Complex::new(self.float64(first), self.float64(second))),
            Type::ComplexLongDouble => {
                Value::ComplexLongDouble(Complex::new(self.long_double(first), self.long_double(second)))
            }
            Type::Bytes => {
                let len = self.nuls.value_len(bytes);
                Value::Bytes(copied(bytes.get(..len).unwrap_or(bytes), memory))
            }
            Type::Pascal => {
                // An empty field has no length byte. If the length byte is too large, the value is all bytes after the
                // length byte.
                let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
                Value::Bytes(copied(text.get(..len).unwrap_or(text), memory))
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => self.text(bytes, memory),
            Type::Void => Value::Void(copied(bytes, memory)),
            Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
                Value::Address(self.unsigned(bytes))
            }
            Type::Bits if let Some(bits) = self.bits => self.bit_field_value(bits, bytes),
            Type::Opaque if let Some(user) = self.user => user_value(user, bytes, self.endian, memory),
            // A plan decodes a record field by field, without a codec. If a codec has the type of a record, its value
            // is the bytes of the record.
            Type::Bits | Type::Opaque | Type::Record => Value::Opaque(copied(bytes, memory)),
        }
    }

    /// Decodes `bytes` as the bit-field `bits`, to a bool or an integer.
    fn bit_field_value(&self, bits: BitField, bytes: &[u8]) -> Value {
        let value = bits.read(bytes, self.endian);
        // A bit-field has at most 64 bits, so the values are in the range of `i64` or `u64`.
        match (bits.ty(), i64::try_from(value), u64::try_from(value)) {
            (Type::Bool, ..) => Value::Bool(value != 0),
            (_, Ok(value), _) if bits.is_signed() => Value::Int(value),
            (_, _, Ok(value)) => Value::UInt(value),
            _ => {
                debug_assert!(false, "{value} is not in the range of {bits:?}");
                Value::Opaque(Vec::new())
            }
        }
    }

    /// Returns the `W` least significant bytes of the number in `bytes`, in little-endian order. The byte order of
    /// `bytes` is the byte order of the codec. Missing bytes are 0.
    #[inline]
    pub fn little<const W: usize>(&self, bytes: &[u8]) -> [u8; W] {
        // `bytes` nearly always has the length of the number, so this fast path comes first.
        if let Ok(mut whole) = <[u8; W]>::try_from(bytes) {
            if self.endian == Endian::Big {
                whole.reverse();
            }
            return whole;
        }
        let mut out = [0; W];
        match self.endian {
            Endian::Little => out.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte),
            Endian::Big => out.iter_mut().zip(bytes.iter().rev()).for_each(|(to, byte)| *to = *byte),
        }
        out
    }

    /// Decodes `bytes` as an unsigned integer of at most 8 bytes. `bytes` has the byte order of the codec.
    #[must_use]
    pub fn unsigned(&self, bytes: &[u8]) -> u64 {
        u64::from_le_bytes(self.little(bytes))
    }

    /// Decodes `bytes`, in the byte order of the codec, as a 16-bit float. The caller passes 2 bytes. If there are
    /// fewer, the missing bytes are 0.
    fn float16(&self, bytes: &[u8]) -> f16 {
        f16::from_le_bytes(self.little(bytes))
    }

    /// Decodes `bytes`, in the byte order of the codec, as a 32-bit float. The caller passes 4 bytes. If there are
    /// fewer, the missing bytes are 0.
    fn float32(&self, bytes: &[u8]) -> f32 {
        f32::from_le_bytes(self.little(bytes))
    }

    /// Decodes `bytes`, in the byte order of the codec, as a 64-bit float. The caller passes 8 bytes. If there are
    /// fewer, the missing bytes are 0.
    fn float64(&self, bytes: &[u8]) -> f64 {
        f64::from_le_bytes(self.little(bytes))
    }

    /// Decodes `bytes` as a `long double` of the data model. `bytes` must include the padding of the `long double`.
    #[inline]
    #[must_use]
    pub fn long_double(&self, bytes: &[u8]) -> LongDouble {
        LongDouble::read(bytes, self.long_double, self.endian)
    }

    /// Decodes `bytes` as text. The rule for NULs decides which code units belong to the text. Returns
    /// `Value::IllFormedText` if the text is not valid Unicode. If an allocation fails, returns an empty text, and
    /// `memory` records the failure.
    fn text(&self, bytes: &[u8], memory: &mut ValueMemory) -> Value {
        let cells = bytes.chunks_exact(self.unit.max(1));
        if self.unit == 2 {
            let units = self.units_of(cells, |unit| u16::from_le_bytes(self.little(unit)), memory);
            let chars = char::decode_utf16(units.iter().copied()).map(Result::ok);
            if let Some(text) = text_of(chars, units.len(), memory) {
                return Value::Text(text);
            }
            let Some(mut ill_formed) = memory.vec(units.len()) else { return Value::IllFormedText(Vec::new()) };
            ill_formed.extend(units.into_iter().map(u32::from));
            return Value::IllFormedText(ill_formed);
        }
        let units = self.units_of(cells, |unit| u32::from_le_bytes(self.little(unit)), memory);
        match text_of(units.iter().map(|unit| char::from_u32(*unit)), units.len(), memory) {
            Some(text) => Value::Text(text),
            None => Value::IllFormedText(units),
        }
    }

    /// Calls `decode` for each of `cells`. A cell contains the bytes of one code unit of a text. Returns the code units
    /// that belong to the text. If the allocation fails, returns an empty vector, and `memory` records the failure.
    fn units_of<T: Default + PartialEq>(
        &self,
        cells: core::slice::ChunksExact<'_, u8>,
        decode: impl Fn(&[u8]) -> T,
        memory: &mut ValueMemory,
    ) -> Vec<T> {
        let Some(mut units) = memory.vec(cells.len()) else { return Vec::new() };
        units.extend(cells.map(decode));
        units.truncate(self.nuls.value_len(&units));
        units
    }

    /// If values end at their first NUL, sets the bytes after the first NUL of each value to 0. Otherwise does nothing.
    /// `column` has the bytes of adjacent values. The code units can have the byte order of this machine or of the
    /// codec, because a NUL has the same bytes in both byte orders.
    pub(super) fn clear_after_nul(&self, column: &mut [u8]) {
        if self.nuls != NulHandling::StopAtFirst {
            return;
        }
        for value in column.chunks_exact_mut(self.size.max(1)) {
            let unit = self.unit.max(1);
            let is_nul = |cell: &[u8]| cell.iter().all(|byte| *byte == 0);
            if let Some(index) = value.chunks_exact(unit).position(is_nul)
                && let Some(rest) = value.get_mut(index.saturating_mul(unit)..)
            {
                rest.fill(0);
            }
        }
    }
}

/// Collects `chars` to a string. `count` must be at least the number of characters. Returns `None` if an element of
/// `chars` is `None`, because a character is not valid. If an allocation fails, returns the text so far, and `memory`
/// records the failure.
fn text_of(chars: impl Iterator<Item = Option<char>>, count: usize, memory: &mut ValueMemory) -> Option<String> {
    let Some(mut text) = memory.string(count) else { return Some(String::new()) };
    for char in chars {
        let char = char?;
        if text.capacity().saturating_sub(text.len()) < char.len_utf8() && !memory.grow(&mut text) {
            break;
        }
        text.push(char);
    }
    Some(text)
}

/// Decodes `bytes` as a value of the user type `user`. If the type has no value for the bytes, returns the bytes as
/// [`Value::Opaque`].
fn user_value(user: UserType, bytes: &[u8], endian: Endian, memory: &mut ValueMemory) -> Value {
    match (user.decode(bytes, endian), user.value_type()) {
        (Ok(UserValue::Int(value)), _) => i64::try_from(value).map_or(Value::Int128(value), Value::Int),
        (Ok(UserValue::UInt(value)), _) => u64::try_from(value).map_or(Value::UInt128(value), Value::UInt),
        // A `float32` represents every value of a float of at most 16 bits exactly.
        (Ok(UserValue::Float(value)), Type::Float32) => Value::Float32(nearest_float32(value)),
        (Ok(UserValue::Float(value)), _) => Value::Float64(value),
        (Ok(UserValue::Text(text)), _) => Value::Text(text),
        (Ok(UserValue::Bytes(value)), _) => Value::Bytes(value),
        (Err(_), _) => Value::Opaque(copied(bytes, memory)),
    }
}

/// Copies `bytes` to a vector. If the allocation fails, returns an empty vector, and `memory` records the failure.
fn copied(bytes: &[u8], memory: &mut ValueMemory) -> Vec<u8> {
    let Some(mut copy) = memory.vec(bytes.len()) else { return Vec::new() };
    copy.extend_from_slice(bytes);
    copy
}

impl ScalarCodec {
    /// Encodes `value` into `bytes`, whose length must be the size of one value. Leaves the bits beside a bit-field and
    /// the padding of a `long double` unchanged. Returns an error if `value` is of another kind than the type, is out
    /// of range or is too long. After an error, some of `bytes` may be overwritten.
    #[doc(hidden)]
    pub fn store(&self, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        let (first, second) = bytes.split_at_mut(bytes.len() >> 1_u32);
        match (self.ty, value) {
            (Type::Bool, Value::Bool(value)) => self.store_bool(*value, bytes),
            (Type::Char, Value::Char(byte)) => bytes.fill(*byte),
            (_, Value::Int(value)) if self.is_number() && self.user.is_none() => {
                return self.store_number((*value).into(), bytes);
            }
            (_, Value::UInt(value)) if self.is_number() && self.user.is_none() => {
                return self.store_number((*value).into(), bytes);
            }
            (_, Value::Address(value)) if self.is_address() => return self.store_number((*value).into(), bytes),
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
            (Type::Bytes, Value::Bytes(value)) => return store_padded(value, bytes),
            (Type::Pascal, Value::Bytes(value)) => return store_pascal(value, bytes),
            (Type::Ucs2 | Type::Ucs4 | Type::Wchar, Value::Text(text)) => return self.store_text(text, bytes),
            (Type::Ucs2 | Type::Ucs4 | Type::Wchar, Value::IllFormedText(units)) => {
                return self.store_units(units.len(), units.iter().copied(), bytes);
            }
            (Type::Bits, Value::Bool(value)) if let Some(bits) = self.bits => {
                return self.store_bits(bits, (*value).into(), bytes);
            }
            (Type::Opaque, value) if let Some(user) = self.user => return self.store_user(user, value, bytes),
            (Type::Void, Value::Void(value)) | (Type::Bits | Type::Opaque, Value::Opaque(value)) => {
                return self.store_bytes(value, bytes);
            }
            (ty, value) => return Err(EncodeErrorKind::Kind { found: value.kind(), wanted: ty.as_str() }),
        }
        Ok(())
    }

    /// Encodes `value` into `bytes`. True is 1 in a bool of one byte and in a bit-field, and -1 (all bits 1) in a
    /// larger bool, such as the two bytes of a `VARIANT_BOOL`. Leaves the bits beside a bit-field unchanged.
    #[doc(hidden)]
    pub fn store_bool(&self, value: bool, bytes: &mut [u8]) {
        if let Some(bits) = self.bits {
            // 0 and 1 are in the range of each bit-field of unsigned or Boolean values.
            let written = bits.write(value.into(), bytes, self.endian);
            debug_assert!(written.is_some(), "{value} is not in the range of {bits:?}");
            return;
        }
        let all = if self.size == 1 { 1 } else { 0xff };
        bytes.fill(if value { all } else { 0 });
    }

    /// Encodes `value` into `bytes` as a value of the user type `user`. Returns an error if the type does not have the
    /// value.
    fn store_user(&self, user: UserType, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        let value = match value {
            Value::Int(value) => UserValue::Int((*value).into()),
            Value::UInt(value) => UserValue::UInt((*value).into()),
            Value::Int128(value) => UserValue::Int(*value),
            Value::UInt128(value) => UserValue::UInt(*value),
            Value::Float16(value) => UserValue::Float(value.to_f64()),
            Value::Float32(value) => UserValue::Float((*value).into()),
            Value::Float64(value) => UserValue::Float(*value),
            Value::Text(text) => UserValue::Text(text.clone()),
            Value::Bytes(value) => UserValue::Bytes(value.clone()),
            // An opaque value has the bytes of the item, and needs no conversion.
            Value::Opaque(value) => return self.store_bytes(value, bytes),
            value => return Err(EncodeErrorKind::Kind { found: value.kind(), wanted: user.name() }),
        };
        Ok(user.encode(&value, bytes, self.endian)?)
    }

    /// Writes `little`, the bytes of a number in little-endian order, to `bytes` in the byte order of the codec. If
    /// `little` is longer than `bytes`, the most significant bytes of `little` are ignored.
    #[inline]
    #[doc(hidden)]
    pub fn store_little(&self, little: &[u8], bytes: &mut [u8]) {
        match self.endian {
            Endian::Little => bytes.iter_mut().zip(little).for_each(|(to, byte)| *to = *byte),
            Endian::Big => bytes.iter_mut().rev().zip(little).for_each(|(to, byte)| *to = *byte),
        }
    }

    /// Copies `value` to `bytes` without conversion. For a byte string of the codes `s` or `p`, `value` can be shorter
    /// than `bytes`, and NULs fill the end of `bytes`. For `p`, the length of `value` is written first. Returns
    /// `TooLong` if `value` is longer than the string can be. For any other type, returns `Count` if `value` has
    /// another length than `bytes`.
    #[doc(hidden)]
    pub fn store_bytes(&self, value: &[u8], bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        match self.ty {
            Type::Bytes => store_padded(value, bytes),
            Type::Pascal => store_pascal(value, bytes),
            _ if value.len() == bytes.len() => {
                bytes.copy_from_slice(value);
                Ok(())
            }
            _ => {
                let (found, wanted) = (to_u64(value.len()), to_u64(bytes.len()));
                Err(EncodeErrorKind::Count { found, wanted, unit: "byte" })
            }
        }
    }

    /// Encodes the integer or address `value` into `bytes`, for integers, addresses, bit-fields and user types. Returns
    /// an error if the type does not have `value`.
    #[doc(hidden)]
    pub fn store_number(&self, value: i128, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        if let Some(bits) = self.bits {
            return self.store_bits(bits, value, bytes);
        }
        if let Some(user) = self.user {
            return Ok(user.encode(&UserValue::Int(value), bytes, self.endian)?);
        }
        let (low, high) = self.range();
        if value < low || value > high {
            return Err(EncodeErrorKind::OutOfRange { value, ty: self.ty, low, high });
        }
        self.store_little(&value.to_le_bytes(), bytes);
        Ok(())
    }

    /// Encodes `value` into the bit-field `bits` of `bytes`, and leaves the other bits unchanged. Returns an error if
    /// `value` is out of the range of the bit-field.
    #[doc(hidden)]
    pub fn store_bits(&self, bits: BitField, value: i128, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        let (low, high) = bits.range();
        let error = EncodeErrorKind::OutOfRange { value, ty: bits.ty(), low, high };
        bits.write(value, bytes, self.endian).ok_or(error)
    }

    /// Returns the smallest and the largest integer that the type of the codec represents. Ignores the user type: the
    /// result is then the range of an unsigned integer of the same size.
    #[doc(hidden)]
    pub fn range(&self) -> (i128, i128) {
        if let Some(bits) = self.bits {
            return bits.range();
        }
        let values = (0..self.size.min(8)).fold(1_i128, |values, _| values << 8_u32);
        let signed = matches!(self.ty, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64);
        let half = values >> 1_u32;
        let (low, past) = if signed { (half.wrapping_neg(), half) } else { (0, values) };
        (low, past.saturating_sub(1))
    }

    /// Encodes `value` into `bytes`. Returns an error if `value` has another representation than the `long double` of
    /// the data model.
    fn store_long_double(&self, value: LongDouble, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        if value.format() != self.long_double {
            let (found, wanted) = (representation(value.format()), representation(self.long_double));
            return Err(EncodeErrorKind::LongDouble { found, wanted });
        }
        value.write(bytes, self.endian);
        Ok(())
    }

    /// Encodes `text` into `bytes` and fills the end of `bytes` with NULs. Returns an error if `text` is too long, or
    /// if a character does not fit into a code unit.
    pub(crate) fn store_text(&self, text: &str, bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        if self.unit == 2 {
            return self.store_units(text.encode_utf16().count(), text.encode_utf16().map(u32::from), bytes);
        }
        self.store_units(text.chars().count(), text.chars().map(u32::from), bytes)
    }

    /// Writes `units`, the code units of a text, to `bytes` and fills the end of `bytes` with NULs. `len` must be the
    /// number of `units`. Returns an error if `bytes` has memory for fewer than `len` code units, or if a code unit
    /// does not fit into [`unit`](Self::unit) bytes.
    fn store_units(
        &self,
        len: usize,
        units: impl Iterator<Item = u32>,
        bytes: &mut [u8],
    ) -> Result<(), EncodeErrorKind> {
        let capacity = self.units();
        if len > capacity {
            return Err(EncodeErrorKind::TooLong { len: to_u64(len), capacity: to_u64(capacity), unit: "unit" });
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

/// Copies `value` to the start of `bytes` and fills the end of `bytes` with NULs. Returns an error if `value` is longer
/// than `bytes`.
fn store_padded(value: &[u8], bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
    let Some((start, rest)) = bytes.split_at_mut_checked(value.len()) else {
        return Err(EncodeErrorKind::TooLong { len: to_u64(value.len()), capacity: to_u64(bytes.len()), unit: "byte" });
    };
    start.copy_from_slice(value);
    rest.fill(0);
    Ok(())
}

/// Writes `value` to `bytes` as a Pascal string: the length of `value` in the first byte, then `value`, then NULs.
/// Returns an error if `value` has more than 255 bytes, or does not fit into `bytes`.
fn store_pascal(value: &[u8], bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
    let capacity = bytes.len().saturating_sub(1).min(255);
    match (bytes.split_first_mut(), u8::try_from(value.len())) {
        (Some((first, rest)), Ok(len)) if value.len() <= capacity => {
            *first = len;
            store_padded(value, rest)
        }
        (None, Ok(0)) => Ok(()),
        _ => Err(EncodeErrorKind::TooLong { len: to_u64(value.len()), capacity: to_u64(capacity), unit: "byte" }),
    }
}
