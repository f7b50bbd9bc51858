//! The functions of `struct`, which compile each format once.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use std::sync::Arc;

use super::arguments::{Given, Values};
use super::class::Struct;
use super::compiled::Compiled;
use super::errors::no_format;
use super::iterator::UnpackIterator;
use super::room::Offset;

/// Formats that are kept; all are forgotten when there are more.
const KEPT: usize = 100;
/// The longest of them, in bytes.
const KEPT_LEN: usize = 1 << 12;

/// A compiled format in the cache.
#[pyclass(frozen, module = "pep3118.struct")]
struct Kept(Arc<Compiled>);

/// Compiled formats by what they were given as.
fn cache(py: Python<'_>) -> &Bound<'_, PyDict> {
    static CACHE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    CACHE.get_or_init(py, || PyDict::new(py).unbind()).bind(py)
}

/// Calls with the compiled format.
#[inline]
fn with<'py, T>(format: &Bound<'py, PyAny>, call: impl FnOnce(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    // Text and bytes do not call Python when they are compared.
    if !format.is_exact_instance_of::<PyString>() && !format.is_exact_instance_of::<PyBytes>() {
        return with_uncached(format, call);
    }
    match cache(format.py()).get_item(format)? {
        Some(known) => call(&known.cast_exact::<Kept>()?.get().0),
        None => call(&keep(format)?),
    }
}

#[inline(never)]
fn keep(format: &Bound<'_, PyAny>) -> PyResult<Arc<Compiled>> {
    let new = Arc::new(Compiled::new(format)?);
    if format.len()? <= KEPT_LEN {
        let cache = cache(format.py());
        if cache.len() >= KEPT {
            cache.clear();
        }
        cache.set_item(format, Kept(Arc::clone(&new)))?;
    }
    Ok(new)
}

#[inline(never)]
fn with_uncached<T>(format: &Bound<'_, PyAny>, call: impl FnOnce(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    if let Ok(known) = format.cast_exact::<Struct>() {
        return known.get().with(call);
    }
    if format.is_instance_of::<PyString>() || format.is_instance_of::<PyBytes>() {
        return call(&Arc::new(Compiled::new(format)?));
    }
    // What has no hash is a `TypeError` there before it is looked at, in the words of a dict.
    cache(format.py()).get_item(format)?;
    Err(no_format(format))
}

/// The format among the arguments.
fn first<'a, 'py>(format: Given<'a, 'py>) -> PyResult<Borrowed<'a, 'py, PyAny>> {
    format.0.ok_or_else(|| PyTypeError::new_err("missing format argument"))
}

/// The size in bytes of an item in a format.
///
/// >>> from pep3118 import struct
/// >>> struct.calcsize("T{<H:id:<d:price:}")
/// 10
#[pyfunction]
#[pyo3(signature = (format, /))]
pub(in crate::py) fn calcsize(format: &Bound<'_, PyAny>) -> PyResult<usize> {
    with(format, |compiled| Ok(compiled.size()))
}

/// The bytes of an item with these values.
///
/// >>> from pep3118 import struct
/// >>> struct.pack("T{<H:id:}(2)B", (7,), [1, 2])
/// b'\x07\x00\x01\x02'
#[pyfunction]
#[pyo3(
    signature = (format = Given::NONE, v0 = Given::NONE, v1 = Given::NONE, v2 = Given::NONE, v3 = Given::NONE, v4 = Given::NONE, v5 = Given::NONE, v6 = Given::NONE, v7 = Given::NONE, /, *rest),
    text_signature = "(format, /, *values)"
)]
#[expect(clippy::too_many_arguments, reason = "see `Values`")]
pub(in crate::py) fn pack<'py>(
    format: Given<'_, 'py>,
    v0: Given<'_, 'py>,
    v1: Given<'_, 'py>,
    v2: Given<'_, 'py>,
    v3: Given<'_, 'py>,
    v4: Given<'_, 'py>,
    v5: Given<'_, 'py>,
    v6: Given<'_, 'py>,
    v7: Given<'_, 'py>,
    rest: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyBytes>> {
    let values = Values { few: [v0, v1, v2, v3, v4, v5, v6, v7], rest };
    with(&*first(format)?, |compiled| compiled.pack(&values))
}

/// Writes an item into a buffer. If a value does not fit, nothing is written.
///
/// >>> from pep3118 import struct
/// >>> buffer = bytearray(4)
/// >>> struct.pack_into(">h", buffer, 2, 1)
/// >>> buffer
/// bytearray(b'\x00\x00\x00\x01')
#[pyfunction]
#[pyo3(
    signature = (format = Given::NONE, buffer = Given::NONE, offset = Given::NONE, v0 = Given::NONE, v1 = Given::NONE, v2 = Given::NONE, v3 = Given::NONE, v4 = Given::NONE, v5 = Given::NONE, v6 = Given::NONE, v7 = Given::NONE, /, *rest),
    text_signature = "(format, buffer, offset, /, *values)"
)]
#[expect(clippy::too_many_arguments, reason = "see `Values`")]
pub(in crate::py) fn pack_into<'py>(
    format: Given<'_, 'py>,
    buffer: Given<'_, 'py>,
    offset: Given<'_, 'py>,
    v0: Given<'_, 'py>,
    v1: Given<'_, 'py>,
    v2: Given<'_, 'py>,
    v3: Given<'_, 'py>,
    v4: Given<'_, 'py>,
    v5: Given<'_, 'py>,
    v6: Given<'_, 'py>,
    v7: Given<'_, 'py>,
    rest: &Bound<'py, PyTuple>,
) -> PyResult<()> {
    let values = Values { few: [v0, v1, v2, v3, v4, v5, v6, v7], rest };
    with(&*first(format)?, |compiled| compiled.pack_into(buffer, offset, &values))
}

/// The values of the item that fills a buffer.
///
/// >>> from pep3118 import struct
/// >>> struct.unpack("T{<H:id:}(2)B", b"\x07\x00\x01\x02")
/// ((7,), [1, 2])
#[pyfunction]
#[pyo3(signature = (format, buffer, /))]
pub(in crate::py) fn unpack<'py>(
    format: &Bound<'py, PyAny>,
    buffer: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    with(format, |compiled| compiled.unpack(buffer))
}

/// The values of the item at an offset in bytes; a negative one counts from the end.
///
/// >>> from pep3118 import struct
/// >>> struct.unpack_from(">h", b"\x00\x01\x00\x02", 2)
/// (2,)
#[pyfunction]
#[pyo3(signature = (format, /, buffer, offset = Offset(0)), text_signature = "(format, /, buffer, offset=0)")]
pub(in crate::py) fn unpack_from<'py>(
    format: &Bound<'py, PyAny>,
    buffer: &Bound<'py, PyAny>,
    offset: Offset,
) -> PyResult<Bound<'py, PyTuple>> {
    with(format, |compiled| compiled.unpack_from(buffer, offset.0))
}

/// The values of all items of a buffer, one item at a time.
///
/// >>> from pep3118 import struct
/// >>> [x + y for x, y in struct.iter_unpack("<BB", b"\x01\x02\x03\x04")]
/// [3, 7]
#[pyfunction]
#[pyo3(signature = (format, buffer, /))]
pub(in crate::py) fn iter_unpack(format: &Bound<'_, PyAny>, buffer: &Bound<'_, PyAny>) -> PyResult<UnpackIterator> {
    with(format, |compiled| UnpackIterator::new(Arc::clone(compiled), buffer))
}

/// Forgets all compiled formats.
#[pyfunction]
#[pyo3(name = "_clearcache")]
pub(in crate::py) fn clearcache(py: Python<'_>) {
    cache(py).clear();
}
