//! The functions of `struct`, which compile each format once.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::class::Struct;
use super::errors::no_format;
use super::iterator::UnpackIterator;

/// Formats that are kept; all are forgotten when there are more.
const KEPT: usize = 100;
/// The longest of them, in bytes.
const KEPT_LEN: usize = 1 << 12;

/// Compiled formats by what they were given as.
fn cache(py: Python<'_>) -> &Bound<'_, PyDict> {
    static CACHE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    CACHE.get_or_init(py, || PyDict::new(py).unbind()).bind(py)
}

/// The compiled format.
#[inline]
fn compiled<'py>(format: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Struct>> {
    let py = format.py();
    // Text and bytes do not call Python when they are compared.
    if !format.is_exact_instance_of::<PyString>() && !format.is_exact_instance_of::<PyBytes>() {
        return uncached(format);
    }
    let cache = cache(py);
    if let Some(known) = cache.get_item(format)? {
        return Ok(known.cast_into::<Struct>()?);
    }
    let new = Bound::new(py, Struct::compile(format)?)?;
    if format.len()? <= KEPT_LEN {
        if cache.len() >= KEPT {
            cache.clear();
        }
        cache.set_item(format, &new)?;
    }
    Ok(new)
}

fn uncached<'py>(format: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Struct>> {
    if let Ok(known) = format.cast_exact::<Struct>() {
        return Ok(known.clone());
    }
    if format.is_instance_of::<PyString>() || format.is_instance_of::<PyBytes>() {
        return Bound::new(format.py(), Struct::compile(format)?);
    }
    // What has no hash is a `TypeError` there before it is looked at.
    format.hash()?;
    Err(no_format(format))
}

/// The format among the arguments, and the others.
fn first<'py>(arguments: &Bound<'py, PyTuple>) -> PyResult<(Bound<'py, Struct>, Bound<'py, PyTuple>)> {
    let Ok(format) = arguments.get_item(0) else {
        return Err(PyTypeError::new_err("missing format argument"));
    };
    Ok((compiled(&format)?, arguments.get_slice(1, arguments.len())))
}

/// The size in bytes of an item in a format.
#[pyfunction]
#[pyo3(signature = (format, /))]
pub(in crate::py) fn calcsize(format: &Bound<'_, PyAny>) -> PyResult<usize> {
    compiled(format)?.get().size()
}

/// The bytes of an item with these values.
#[pyfunction]
#[pyo3(signature = (*arguments), text_signature = "(format, /, *values)")]
pub(in crate::py) fn pack<'py>(arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
    let (format, values) = first(arguments)?;
    format.get().pack(&values)
}

/// Writes an item into a buffer. If a value does not fit, nothing is written.
#[pyfunction]
#[pyo3(signature = (*arguments), text_signature = "(format, buffer, offset, /, *values)")]
pub(in crate::py) fn pack_into(arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
    let (format, rest) = first(arguments)?;
    format.get().pack_into(&rest)
}

/// The values of the item that fills a buffer.
#[pyfunction]
#[pyo3(signature = (format, buffer, /))]
pub(in crate::py) fn unpack<'py>(
    format: &Bound<'py, PyAny>,
    buffer: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    compiled(format)?.get().unpack(buffer)
}

/// The values of the item at an offset in bytes; a negative one counts from the end.
#[pyfunction]
#[pyo3(signature = (format, /, buffer, offset = 0))]
pub(in crate::py) fn unpack_from<'py>(
    format: &Bound<'py, PyAny>,
    buffer: &Bound<'py, PyAny>,
    offset: isize,
) -> PyResult<Bound<'py, PyTuple>> {
    compiled(format)?.get().unpack_from(buffer, offset)
}

/// The values of all items of a buffer, one item at a time.
#[pyfunction]
#[pyo3(signature = (format, buffer, /))]
pub(in crate::py) fn iter_unpack(format: &Bound<'_, PyAny>, buffer: &Bound<'_, PyAny>) -> PyResult<UnpackIterator> {
    compiled(format)?.get().iter_unpack(buffer)
}

/// Forgets all compiled formats.
#[pyfunction]
#[pyo3(name = "_clearcache")]
pub(in crate::py) fn clearcache(py: Python<'_>) {
    cache(py).clear();
}
