//! `ScalarField`: a value that is neither an array nor a record. The methods in this file read the value as a Python
//! object. `write.rs` writes it.
#![allow(unsafe_code, reason = "reads references to objects that the owner of the memory vouches for")]

use half::f16;
use pyo3::exceptions::{PyNotImplementedError, PyOverflowError};
use pyo3::prelude::*;

use super::float::{NanConversions, widen, widen_half};
use super::text;
use crate::objects::{self, NewObject};
use crate::user_types::UserCodec;
use pep3118::decode::{DecodeError, ScalarCodec, Value};
use pep3118::format::ByteOrder;
use pep3118::layout::{BitField, Field, Type};
use pep3118::py::ObjectReferences;

/// The type of one value, and the properties of the value that depend on the format character and on the exporter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScalarField {
    pub(super) codec: ScalarCodec,
    pub(super) nans: NanConversions,
    /// The format character, such as `i`; `None` if the codec is not for `pep3118.struct`.
    pub(crate) character: Option<u8>,
    /// `true` if the byte-order character is `@` or is missing.
    pub(crate) native: bool,
    /// The owner of the reference, for a value of format `O`.
    pub(super) objects: ObjectReferences,
    /// `true` if the value is an address, and a consumer of the memory reads the data at this address. Such an address
    /// is not written.
    pub(super) typed_pointer: bool,
    /// The objects for the values of a user type.
    pub(super) user: Option<&'static UserCodec>,
}

impl ScalarField {
    /// Creates the codec of one element of `field`. In a codec of `pep3118.struct`, `format` is the format of the
    /// layout, because error messages contain the format character of `field`. In the codec of a view, `format` is
    /// `None`. `nans` selects the conversions of NaNs.
    ///
    /// # Errors
    /// - an element is larger than the address space
    pub(super) fn new(field: Field<'_>, format: Option<&[u8]>, nans: NanConversions) -> Result<Self, DecodeError> {
        let character = format.and_then(|format| format.get(field.span().start())).copied();
        let native = field.byte_order() == Some(ByteOrder::Native);
        let (objects, typed_pointer) = (ObjectReferences::Unknown, false);
        let codec = ScalarCodec::of(field)?;
        let user = codec.user_type().map(UserCodec::of);
        Ok(Self { codec, nans, character, native, objects, typed_pointer, user })
    }

    /// Returns the type of the value.
    pub(crate) fn ty(&self) -> Type {
        self.codec.ty()
    }

    /// Returns the type that determines the Python object: for a bit-field, the type of the values of the bit-field,
    /// and otherwise the type of the field.
    pub(crate) fn value_type(&self) -> Type {
        self.codec.bit_field().map_or(self.codec.ty(), BitField::ty)
    }

    /// Returns a new object for the value in `bytes`. Bytes that are missing are read as 0. If the value cannot be
    /// read, such as a `long double` that is larger than each finite `float`, returns `None` and sets the exception.
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
            Type::Float16 => objects::float(py, widen_half(f16::from_le_bytes(codec.little(bytes)), self.nans.read)),
            Type::Float32 => objects::float(py, widen(f32::from_le_bytes(codec.little(bytes)), self.nans.read)),
            Type::Float64 => objects::float(py, f64::from_le_bytes(codec.little(bytes))),
            Type::Bool => objects::boolean(py, bytes.iter().any(|byte| *byte != 0)),
            Type::Bits if let Some(bits) = codec.bit_field() => bit_field(py, bits, bits.read(bytes, codec.endian())),
            Type::Bytes => {
                let len = codec.nul_handling().value_len(bytes);
                objects::bytes(py, bytes.get(..len).unwrap_or(bytes))
            }
            Type::Opaque if let Some(user) = self.user => {
                objects::from_result(py, user.read(py, bytes, codec.endian()))
            }
            Type::Char | Type::Void | Type::Bits | Type::Opaque => objects::bytes(py, bytes),
            Type::Pascal => {
                let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
                objects::bytes(py, text.get(..len).unwrap_or(text))
            }
            Type::Object if self.objects != ObjectReferences::Unknown => {
                let Ok(address) = usize::try_from(codec.unsigned(bytes)) else { return unreadable(py, codec.ty()) };
                // SAFETY: (b) The address is 0 or the address of an object that is alive. The owner of the memory has a
                // reference to the object, and the caller of `Codec::read` created another reference before any other
                // code ran.
                Some(unsafe { objects::object(py, address) })
            }
            // In a view, `character` is `None`, and a reference whose owner is unknown is read as bytes.
            // `pep3118.struct` reads the reference as a number, as `struct` reads a pointer.
            Type::Object if self.character.is_none() => objects::bytes(py, bytes),
            Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
                objects::unsigned(py, codec.unsigned(bytes))
            }
            Type::LongDouble => match codec.long_double(bytes).to_f64_in_range() {
                Some(number) => objects::float(py, number),
                None => too_large(py),
            },
            Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                let (re, im) = match codec.value(bytes) {
                    Ok(Value::Complex32(number)) => (number.re.into(), number.im.into()),
                    Ok(Value::Complex64(number)) => {
                        (widen(number.re, self.nans.read), widen(number.im, self.nans.read))
                    }
                    Ok(Value::Complex128(number)) => (number.re, number.im),
                    Ok(Value::ComplexLongDouble(number)) => {
                        match (number.re.to_f64_in_range(), number.im.to_f64_in_range()) {
                            (Some(re), Some(im)) => (re, im),
                            _ => return too_large(py),
                        }
                    }
                    _ => return unreadable(py, codec.ty()),
                };
                objects::complex(py, re, im)
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => text::read(py, codec, bytes),
            // A record is not a scalar. `Type` is non-exhaustive, so this arm also covers types that the library adds
            // later.
            ty => unreadable(py, ty),
        }
    }
}

/// Creates the `bool` or `int` for `value`, a value of the bit-field `bits`. Returns `None` and sets an exception if
/// there is no memory.
fn bit_field(py: Python<'_>, bits: BitField, value: i128) -> NewObject<'_> {
    match (bits.ty(), i64::try_from(value), u64::try_from(value)) {
        (Type::Bool, ..) => objects::boolean(py, value != 0),
        (_, Ok(value), _) => objects::int(py, value),
        (_, _, Ok(value)) => objects::unsigned(py, value),
        // A bit-field has at most 64 bits, so the value is in one of the ranges.
        _ => unreadable(py, Type::Bits),
    }
}

/// Sets the `OverflowError` for a `long double` that is larger than each finite `float`, and returns `None`.
#[cold]
fn too_large(py: Python<'_>) -> NewObject<'_> {
    let error = objects::error::<PyOverflowError>(
        "a long double is too large for float: NumPy reads the value with numpy.asarray(view)",
    );
    objects::from_result(py, Err(error))
}

/// Sets the `NotImplementedError` for a value of type `ty`, and returns `None`.
#[cold]
fn unreadable(py: Python<'_>, ty: Type) -> NewObject<'_> {
    let error = objects::error::<PyNotImplementedError>(format!("values of type {ty} cannot be read"));
    objects::from_result(py, Err(error))
}
