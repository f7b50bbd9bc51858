//! Offsets into a buffer.

use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;

use super::errors::error;

/// The offset argument of `pack_into`.
///
/// # Errors
/// - an integer outside of the range of an index: `IndexError`, as in `struct`
pub(super) fn index(offset: &Bound<'_, PyAny>) -> PyResult<isize> {
    offset.extract::<isize>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(offset.py()) {
            return PyIndexError::new_err("cannot fit 'int' into an index-sized integer");
        }
        error
    })
}

/// The offset argument of `unpack_from`. One outside of the range of an index is an `OverflowError`, as in
/// `struct`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offset(pub(super) isize);

impl FromPyObject<'_, '_> for Offset {
    type Error = PyErr;

    fn extract(offset: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        offset.extract::<isize>().map(Self).map_err(|error| {
            if error.is_instance_of::<PyOverflowError>(offset.py()) {
                return PyOverflowError::new_err("Python int too large to convert to C ssize_t");
            }
            error
        })
    }
}

/// The first byte of an item of `size` bytes that is unpacked from a buffer of `len` bytes.
///
/// # Errors
/// - an item that is not inside the buffer: `struct.error`
#[inline]
pub(super) fn start_to_unpack(py: Python<'_>, size: usize, offset: isize, len: usize) -> PyResult<usize> {
    let start = start(py, size, offset, len, "not enough data to unpack")?;
    let end = start.saturating_add(size);
    if end <= len {
        return Ok(start);
    }
    Err(error(
        py,
        format!(
            "unpack_from requires a buffer of at least {end} bytes for unpacking {size} bytes at offset {start} \
             (actual buffer size is {len})"
        ),
    ))
}

/// The first byte of an item of `size` bytes that is packed into a buffer of `len` bytes.
///
/// # Errors
/// - an item that is not inside the buffer: `struct.error`
pub(super) fn start_to_pack(py: Python<'_>, size: usize, offset: isize, len: usize) -> PyResult<usize> {
    let start = start(py, size, offset, len, "no space to pack")?;
    let end = start.saturating_add(size);
    if end <= len {
        return Ok(start);
    }
    Err(error(
        py,
        format!(
            "pack_into requires a buffer of at least {end} bytes for packing {size} bytes at offset {start} \
             (actual buffer size is {len})"
        ),
    ))
}

/// The offset from the start of the buffer. A negative one counts from its end.
#[inline]
fn start(py: Python<'_>, size: usize, offset: isize, len: usize, lacking: &str) -> PyResult<usize> {
    if let Ok(start) = usize::try_from(offset) {
        return Ok(start);
    }
    let from_end = offset.unsigned_abs();
    if from_end < size {
        return Err(error(py, format!("{lacking} {size} bytes at offset {offset}")));
    }
    len.checked_sub(from_end).ok_or_else(|| error(py, format!("offset {offset} out of range for {len}-byte buffer")))
}
