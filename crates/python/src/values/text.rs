//! Text of fixed length.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use pep3118::decode::{ScalarCodec, Value};

/// What Python's codecs call the units.
fn codec(kernel: &ScalarCodec) -> &'static str {
    if kernel.unit() == 2 { "utf-16-le" } else { "utf-32-le" }
}

/// Text, lone surrogates as they are.
pub(super) fn read<'py>(py: Python<'py>, value: Value, kernel: &ScalarCodec) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Text(text) => Ok(PyString::new(py, &text).into_any()),
        Value::IllFormedText(units) => {
            if let Some(unit) = units.iter().find(|unit| **unit > 0x10_ffff) {
                return Err(PyValueError::new_err(format!("unit {unit:#x} is no character: the last one is U+10FFFF")));
            }
            let width = kernel.unit();
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes().into_iter().take(width)).collect();
            PyBytes::new(py, &bytes).call_method1("decode", (codec(kernel), "surrogatepass"))
        }
        _ => Ok(PyString::new(py, "").into_any()),
    }
}

/// The value of text, as [`ScalarCodec::store`] takes it.
pub(super) fn value(text: &Bound<'_, PyString>, kernel: &ScalarCodec) -> PyResult<Value> {
    if let Ok(text) = text.to_str() {
        return Ok(Value::Text(text.to_owned()));
    }
    let bytes = text.call_method1("encode", (codec(kernel), "surrogatepass"))?;
    let bytes: &[u8] = bytes.extract()?;
    let unit = |unit: &[u8]| unit.iter().rev().fold(0_u32, |number, byte| (number << 8_u32) | u32::from(*byte));
    Ok(Value::IllFormedText(bytes.chunks_exact(if kernel.unit() == 2 { 2 } else { 4 }).map(unit).collect()))
}
