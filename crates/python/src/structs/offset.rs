//! Where an item lies in a buffer.

use pyo3::exceptions::{PyIndexError, PyMemoryError, PyOverflowError};
use pyo3::prelude::*;

use super::errors::error;

/// Items up to so many bytes are copied to the stack: no more of it is zeroed than is of use.
const SMALL: usize = 64;
const MEDIUM: usize = 512;

/// Calls with so many bytes, all 0.
#[inline]
pub(super) fn with_scratch<T>(size: usize, call: impl FnOnce(&mut [u8]) -> PyResult<T>) -> PyResult<T> {
    let mut small = [0_u8; SMALL];
    if let Some(item) = small.get_mut(..size) {
        return call(item);
    }
    with_more(size, call)
}

#[inline(never)]
fn with_more<T>(size: usize, call: impl FnOnce(&mut [u8]) -> PyResult<T>) -> PyResult<T> {
    let mut medium = [0_u8; MEDIUM];
    if let Some(item) = medium.get_mut(..size) {
        return call(item);
    }
    let mut large = Vec::new();
    large.try_reserve_exact(size).map_err(|_| PyMemoryError::new_err(()))?;
    large.resize(size, 0);
    call(&mut large)
}

/// An offset; one that is no index is an `IndexError`, as `pack_into` has it.
pub(super) fn index(offset: &Bound<'_, PyAny>) -> PyResult<isize> {
    offset.extract::<isize>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(offset.py()) {
            return PyIndexError::new_err("cannot fit 'int' into an index-sized integer");
        }
        error
    })
}

/// An offset of `unpack_from`, where one that is no index is an `OverflowError`.
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

/// Where to unpack from.
#[inline]
pub(super) fn place_to_unpack(py: Python<'_>, size: usize, offset: isize, len: usize) -> PyResult<usize> {
    let start = place(py, size, offset, len, "not enough data to unpack")?;
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

/// Where to pack to.
pub(super) fn place_to_pack(py: Python<'_>, size: usize, offset: isize, len: usize) -> PyResult<usize> {
    let start = place(py, size, offset, len, "no space to pack")?;
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

/// The first byte; negative offsets count from the end.
#[inline]
fn place(py: Python<'_>, size: usize, offset: isize, len: usize, lacking: &str) -> PyResult<usize> {
    if let Ok(start) = usize::try_from(offset) {
        return Ok(start);
    }
    let from_end = offset.unsigned_abs();
    if from_end < size {
        return Err(error(py, format!("{lacking} {size} bytes at offset {offset}")));
    }
    len.checked_sub(from_end).ok_or_else(|| error(py, format!("offset {offset} out of range for {len}-byte buffer")))
}
