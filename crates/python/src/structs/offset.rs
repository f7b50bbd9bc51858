//! Converts the argument `offset` of `unpack_from` and `pack_into`, and checks that the item is inside of the buffer.

use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;

use super::errors::error;
use crate::behavior::Behavior;

/// Converts `offset`, the argument of `pack_into`, to an integer.
///
/// # Errors
/// - `offset` is an integer that does not fit in `isize`: `OverflowError` in CPython 3.15, `IndexError` in earlier
///   versions
/// - `offset` is not an integer: `TypeError`
pub(super) fn index(offset: &Bound<'_, PyAny>) -> PyResult<isize> {
    if Behavior::current(offset.py()).checks_arguments_first {
        return Ok(offset.extract::<Offset>()?.0);
    }
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

/// The direction of a copy between an item and a buffer. `struct` has a different error message for each direction.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// `unpack_from` reads the item.
    Unpack,
    /// `pack_into` writes the item.
    Pack,
}

/// Returns the offset of an item from the start of a buffer, in bytes. The item has `size` bytes, and the buffer has
/// `len` bytes. `offset` is the argument of the Python function: a negative `offset` counts from the end of the buffer.
/// `direction` selects the error message.
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

/// Returns the `struct.error` for an item of `size` bytes that does not fit at `offset` into a buffer of `len` bytes.
/// The message is that of the `struct` module for `direction`.
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
