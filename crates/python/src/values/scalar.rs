//! `ScalarField`: one value of an item that is neither an array nor a record.
#![allow(unsafe_code, reason = "reads references to objects that the owner of the memory vouches for")]

use half::f16;
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

use super::float::{NanConversion, widen, widen_half};
use super::text;
use crate::objects::{self, NewObject};
use pep3118::decode::{DecodeError, ScalarCodec, Value};
use pep3118::format::ByteOrder;
use pep3118::layout::{Field, Type};
use pep3118::py::ObjectReferences;

/// The type of a value, and how `struct` treats it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScalarField {
    pub(super) codec: ScalarCodec,
    pub(super) nans: NanConversion,
    /// The format character; `None` if the layout was not read from a format.
    pub(crate) character: Option<u8>,
    /// Whether the byte-order character is `@`, or missing.
    pub(crate) native: bool,
    /// The owner of the reference, if the value is one.
    pub(super) objects: ObjectReferences,
    /// Whether the value is an address that a consumer follows.
    pub(super) typed_pointer: bool,
}

impl ScalarField {
    /// The codec of an element of a field.
    ///
    /// # Errors
    /// - an element that is larger than the address space
    pub(super) fn new(field: Field<'_>, format: Option<&[u8]>, nans: NanConversion) -> Result<Self, DecodeError> {
        let character = format.and_then(|format| format.get(field.span().start())).copied();
        let native = field.byte_order() == Some(ByteOrder::Native);
        let (objects, typed_pointer) = (ObjectReferences::Unknown, false);
        Ok(Self { codec: ScalarCodec::of(field)?, nans, character, native, objects, typed_pointer })
    }

    /// The type.
    pub(crate) fn ty(&self) -> Type {
        self.codec.ty()
    }

    /// The object for the bytes. Missing bytes are read as 0.
    #[inline]
    pub(super) fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> NewObject<'py> {
        let codec = &self.codec;
        macro_rules! int {
            ($number:ty) => {
                objects::int(py, <$number>::from_le_bytes(codec.little(bytes)).into())
            };
        }
        match codec.ty() {
            Type::Int8 => int!(i8),
            Type::UInt8 => int!(u8),
            Type::Int16 => int!(i16),
            Type::UInt16 => int!(u16),
            Type::Int32 => int!(i32),
            Type::UInt32 => int!(u32),
            Type::Int64 => int!(i64),
            Type::UInt64 => objects::unsigned(py, u64::from_le_bytes(codec.little(bytes))),
            Type::Float16 => objects::float(py, widen_half(f16::from_le_bytes(codec.little(bytes)), self.nans)),
            Type::Float32 => objects::float(py, widen(f32::from_le_bytes(codec.little(bytes)), self.nans)),
            Type::Float64 => objects::float(py, f64::from_le_bytes(codec.little(bytes))),
            Type::Bool => objects::boolean(py, bytes.iter().any(|byte| *byte != 0)),
            Type::Char | Type::Bytes | Type::Void | Type::Bits | Type::Opaque => objects::bytes(py, bytes),
            Type::Pascal => {
                let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
                objects::bytes(py, text.get(..len).unwrap_or(text))
            }
            Type::Object if self.objects != ObjectReferences::Unknown => {
                let Ok(address) = usize::try_from(codec.unsigned(bytes)) else { return unreadable(py, codec.ty()) };
                // SAFETY: (b) the owner of the memory holds a reference to each object, and the caller holds another
                // one since it copied the address (`Codec::read`).
                Some(unsafe { objects::object(py, address) })
            }
            // The functions of `pep3118.struct` have the format, and treat the address as a number in both directions.
            Type::Object if self.character.is_none() => objects::bytes(py, bytes),
            Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
                objects::unsigned(py, codec.unsigned(bytes))
            }
            Type::LongDouble => objects::float(py, codec.long_double(bytes).to_f64()),
            Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                let (re, im) = match codec.value(bytes) {
                    Ok(Value::Complex32(number)) => (number.re.into(), number.im.into()),
                    Ok(Value::Complex64(number)) => (number.re.into(), number.im.into()),
                    Ok(Value::Complex128(number)) => (number.re, number.im),
                    Ok(Value::ComplexLongDouble(number)) => (number.re.to_f64(), number.im.to_f64()),
                    _ => return unreadable(py, codec.ty()),
                };
                objects::complex(py, re, im)
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => text::read(py, codec, bytes),
            // `Type` may grow, and records are not scalars.
            ty => unreadable(py, ty),
        }
    }
}

#[cold]
fn unreadable(py: Python<'_>, ty: Type) -> NewObject<'_> {
    let error = PyNotImplementedError::new_err(format!("values of type {ty} cannot be read"));
    objects::from_result(py, Err(error))
}
