//! Checks of offsets into a buffer, and temporary copies of one item.

use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;

use super::errors::error;
use crate::objects::filled;

/// The size in bytes of the smaller stack buffer for an item. A stack buffer avoids an allocation. There are two
/// sizes, because the buffer is filled with zeros first, and 512 zeros take longer than a small item.
const SMALL: usize = 64;

/// The size in bytes of the larger stack buffer for an item.
const MEDIUM: usize = 512;

/// Calls `call` with a buffer of `size` zero bytes for one item, and returns the result of `call`.
///
/// # Errors
/// - the memory is exhausted: `MemoryError`
/// - `call` returns an error: returned unchanged
#[inline]
pub(super) fn with_item_copy<T>(size: usize, call: impl FnOnce(&mut [u8]) -> PyResult<T>) -> PyResult<T> {
    let mut small = [0_u8; SMALL];
    if let Some(item) = small.get_mut(..size) {
        return call(item);
    }
    with_larger_copy(size, call)
}

/// Does the work of [`with_item_copy`] for an item of more than `SMALL` bytes.
#[inline(never)]
fn with_larger_copy<T>(size: usize, call: impl FnOnce(&mut [u8]) -> PyResult<T>) -> PyResult<T> {
    let mut medium = [0_u8; MEDIUM];
    if let Some(item) = medium.get_mut(..size) {
        return call(item);
    }
    call(&mut filled(size, |_| Ok(()))?)
}

/// Converts `offset`, the argument of `pack_into`, to an integer.
///
/// # Errors
/// - `offset` is an integer that does not fit in `isize`: `IndexError`, as in `struct`
/// - `offset` is not an integer: `TypeError`
pub(super) fn index(offset: &Bound<'_, PyAny>) -> PyResult<isize> {
    offset.extract::<isize>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(offset.py()) {
            return PyIndexError::new_err("cannot fit 'int' into an index-sized integer");
        }
        error
    })
}

/// The argument `offset` of `unpack_from`. An integer that does not fit in `isize` raises `OverflowError`, as in
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

/// Whether an item is read from a buffer or written to it, which determines the texts of error messages.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// `unpack_from` reads the item.
    Unpack,
    /// `pack_into` writes the item.
    Pack,
}

/// Returns the start of an item of `size` bytes in a buffer of `len` bytes, in bytes from the start of the buffer.
/// A negative `offset` counts from the end of the buffer.
///
/// # Errors
/// - the item is not inside of the buffer: `struct.error`
#[inline]
pub(super) fn item_start(
    py: Python<'_>,
    direction: Direction,
    size: usize,
    offset: isize,
    len: usize,
) -> PyResult<usize> {
    let start = usize::try_from(offset).ok();
    let start = start.or_else(|| len.checked_sub(offset.unsigned_abs()));
    match start.and_then(|start| Some((start, start.checked_add(size)?))) {
        Some((start, end)) if end <= len => Ok(start),
        _ => Err(outside(py, direction, size, offset, len)),
    }
}

/// Returns the exception of [`item_start`] with the message of `struct`. The arguments are those of [`item_start`].
#[cold]
fn outside(py: Python<'_>, direction: Direction, size: usize, offset: isize, len: usize) -> PyErr {
    let (function, verb, lacking) = match direction {
        Direction::Unpack => ("unpack_from", "unpacking", "not enough data to unpack"),
        Direction::Pack => ("pack_into", "packing", "no space to pack"),
    };
    let Ok(start) = usize::try_from(offset) else {
        let message = if offset.unsigned_abs() < size {
            format!("{lacking} {size} bytes at offset {offset}")
        } else {
            format!("offset {offset} out of range for {len}-byte buffer")
        };
        return error(py, message);
    };
    let end = start.saturating_add(size);
    error(
        py,
        format!(
            "{function} requires a buffer of at least {end} bytes for {verb} {size} bytes at offset {start} \
             (actual buffer size is {len})"
        ),
    )
}
