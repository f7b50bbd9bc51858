//! One value.

use half::f16;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex};

use super::text;
use pep3118::decode::{DecodeError, ScalarCodec, Value};
use pep3118::format::ByteOrder;
use pep3118::layout::{Field, Type};

/// What the bytes of a value are, and what stands for them in the format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(super) kernel: ScalarCodec,
    /// The format character; 0 where the format is not at hand.
    pub(crate) code: u8,
    /// Whether it stands under `@`.
    pub(crate) native: bool,
}

impl Leaf {
    pub(super) fn new(field: Field<'_>, format: Option<&[u8]>) -> Result<Self, DecodeError> {
        let code = format.and_then(|format| format.get(field.span().start())).copied().unwrap_or(0);
        let native = field.byte_order() == Some(ByteOrder::Native);
        Ok(Self { kernel: ScalarCodec::of(field)?, code, native })
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
            ($number:ty) => {
                <$number>::from_le_bytes(kernel.little(bytes)).into_bound_py_any(py)
            };
            ($number:ty as $wide:ty) => {
                <$wide>::from(<$number>::from_le_bytes(kernel.little(bytes))).into_bound_py_any(py)
            };
        }
        match kernel.ty() {
            Type::Int8 => number!(i8),
            Type::UInt8 => number!(u8),
            Type::Int16 => number!(i16),
            Type::UInt16 => number!(u16),
            Type::Int32 => number!(i32),
            Type::UInt32 => number!(u32),
            Type::Int64 => number!(i64),
            Type::UInt64 => number!(u64),
            Type::Float16 => number!(f16 as f64),
            Type::Float32 => number!(f32 as f64),
            Type::Float64 => number!(f64),
            Type::Bool => Ok(PyBool::new(py, bytes.iter().any(|byte| *byte != 0)).to_owned().into_any()),
            Type::Char | Type::Bytes | Type::Void | Type::Bits | Type::Opaque | Type::Record => {
                Ok(PyBytes::new(py, bytes).into_any())
            }
            Type::Pascal => {
                let (len, text) = bytes.split_first().map_or((0, bytes), |(len, text)| (usize::from(*len), text));
                Ok(PyBytes::new(py, text.get(..len).unwrap_or(text)).into_any())
            }
            Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
                kernel.unsigned(bytes).into_bound_py_any(py)
            }
            Type::LongDouble => kernel.long_double(bytes).to_f64().into_bound_py_any(py),
            Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                let (re, im) = match kernel.value(bytes) {
                    Value::Complex32(number) => (number.re.into(), number.im.into()),
                    Value::Complex64(number) => (number.re.into(), number.im.into()),
                    Value::Complex128(number) => (number.re, number.im),
                    Value::ComplexLongDouble(number) => (number.re.to_f64(), number.im.to_f64()),
                    _ => (0.0, 0.0),
                };
                Ok(PyComplex::from_doubles(py, re, im).into_any())
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => text::read(py, kernel.value(bytes), kernel),
            ty => Err(PyNotImplementedError::new_err(format!("values of type {ty} cannot be read"))),
        }
    }
}
