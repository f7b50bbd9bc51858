//! Text of fixed length.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::objects;
use pep3118::Endian;
use pep3118::decode::{ScalarCodec, Value};

/// What Python's codecs call the units.
fn codec(kernel: &ScalarCodec) -> &'static str {
    if kernel.unit() == 2 { "utf-16-le" } else { "utf-32-le" }
}

/// Text without the NULs at the end, lone surrogates included.
pub(super) fn read<'py>(py: Python<'py>, kernel: &ScalarCodec, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let width = kernel.unit();
    // A machine that is described by hand may have other units.
    if !matches!(width, 2 | 4) {
        return match kernel.value(bytes) {
            Value::Text(text) => Ok(objects::text(py, &text)?),
            _ => Err(objects::error::<PyValueError>(format!("text in units of {width} bytes is not Unicode"))),
        };
    }
    let units = bytes.chunks_exact(width);
    let last = units.rev().position(|unit| unit.iter().any(|byte| *byte != 0));
    let trimmed = last.map_or(0, |zeros| bytes.len().saturating_sub(zeros.saturating_mul(width)));
    let text = bytes.get(..trimmed).unwrap_or_default();
    let little = kernel.endian() == Endian::Little;
    objects::decoded(py, text, width, little).map_err(|raised| match kernel.value(bytes) {
        Value::IllFormedText(units) if units.iter().any(|unit| *unit > 0x10_ffff) => {
            drop(PyErr::from(raised));
            let unit = units.into_iter().find(|unit| *unit > 0x10_ffff).unwrap_or(u32::MAX);
            objects::error::<PyValueError>(format!("unit {unit:#x} is no character: the last one is U+10FFFF"))
        }
        _ => raised.into(),
    })
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
