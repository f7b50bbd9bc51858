//! `Leaf`, a value that is no record and no array, as a Python object.
#![allow(unsafe_code, reason = "reads references to objects that the owner of the memory vouches for")]

use half::f16;
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::text;
use crate::objects;
use pep3118::decode::{DecodeError, ScalarCodec, Value};
use pep3118::format::ByteOrder;
use pep3118::layout::{Field, Type};
use pep3118::py::ObjectReferences;

/// What the bytes of a value are, and what stands for them in the format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(super) kernel: ScalarCodec,
    /// The format character; 0 where the format is not at hand.
    pub(crate) code: u8,
    /// Whether it stands under `@`.
    pub(crate) native: bool,
    /// Who holds the references, where it is one.
    pub(super) objects: ObjectReferences,
    /// Whether it is an address whose type is known, so that a reader follows it.
    pub(super) typed_pointer: bool,
}

impl Leaf {
    pub(super) fn new(field: Field<'_>, format: Option<&[u8]>, objects: ObjectReferences) -> Result<Self, DecodeError> {
        let code = format.and_then(|format| format.get(field.span().start())).copied().unwrap_or(0);
        let native = field.byte_order() == Some(ByteOrder::Native);
        Ok(Self { kernel: ScalarCodec::of(field)?, code, native, objects, typed_pointer: false })
    }

    /// What it is.
    pub(crate) fn ty(&self) -> Type {
        self.kernel.ty()
    }

    /// The object; bytes that are missing are taken for 0.
    #[inline]
    pub(super) fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let kernel = &self.kernel;
        macro_rules! number {
            ($make:ident, $number:ty) => {
                objects::$make(py, <$number>::from_le_bytes(kernel.little(bytes)).into())
            };
        }
        Ok(match kernel.ty() {
            Type::Int8 => number!(int, i8),
            Type::UInt8 => number!(int, u8),
            Type::Int16 => number!(int, i16),
            Type::UInt16 => number!(int, u16),
            Type::Int32 => number!(int, i32),
            Type::UInt32 => number!(unsigned, u32),
            Type::Int64 => number!(int, i64),
            Type::UInt64 => number!(unsigned, u64),
            Type::Float16 => number!(float, f16),
            Type::Float32 => number!(float, f32),
            Type::Float64 => number!(float, f64),
            Type::Bool => Ok(PyBool::new(py, bytes.iter().any(|byte| *byte != 0)).to_owned().into_any()),
            Type::Object if self.objects != ObjectReferences::Unknown => {
                let address = usize::try_from(kernel.unsigned(bytes)).unwrap_or(0);
                // SAFETY: (b) the owner of the memory holds a reference to each object, and whoever reads an
                // item of such memory holds one of his own since he copied the address (`Codec::read`).
                Ok(unsafe { objects::object(py, address) })
            }
            Type::Char | Type::Bytes | Type::Void | Type::Bits | Type::Opaque | Type::Record | Type::Object => {
                objects::bytes(py, bytes)
            }
            Type::Pascal => {
                let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
                objects::bytes(py, text.get(..len).unwrap_or(text))
            }
            Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function => {
                objects::unsigned(py, kernel.unsigned(bytes))
            }
            Type::LongDouble => objects::float(py, kernel.long_double(bytes).to_f64()),
            Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                let (re, im) = match kernel.value(bytes) {
                    Value::Complex32(number) => (number.re.into(), number.im.into()),
                    Value::Complex64(number) => (number.re.into(), number.im.into()),
                    Value::Complex128(number) => (number.re, number.im),
                    Value::ComplexLongDouble(number) => (number.re.to_f64(), number.im.to_f64()),
                    _ => (0.0, 0.0),
                };
                objects::complex(py, re, im)
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => return text::read(py, kernel, bytes),
            ty => return Err(objects::error::<PyNotImplementedError>(format!("values of type {ty} cannot be read"))),
        }?)
    }
}
