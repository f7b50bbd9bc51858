//! Tuples that are filled where they are.
//!
//! The elements are made one by one and go from the C API back to it: a result that could be an error
//! would be stored, looked at and taken apart for each.
#![allow(unsafe_code, reason = "fills tuples that nobody else has seen yet, or has any more")]

use std::sync::OnceLock;

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A tuple of elements that cannot fail to be made.
///
/// # Errors
/// No memory.
#[inline]
pub(super) fn new<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let len = ffi::Py_ssize_t::try_from(elements.len())?;
    // SAFETY: the interpreter is attached, and a length is not negative.
    let tuple = unsafe { ffi::PyTuple_New(len) };
    // SAFETY: a new reference, or NULL with an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_err(py, tuple) }?;
    // SAFETY: what `PyTuple_New` makes is a tuple.
    let tuple = unsafe { tuple.cast_into_unchecked::<PyTuple>() };
    if fill(&tuple, elements) == len { Ok(tuple) } else { Err(PySystemError::new_err("too few elements for a tuple")) }
}

/// Gives a tuple that nobody else has other elements, as many as it has room for; `None` if somebody
/// has it, or if the interpreter keeps more about a tuple than its elements (its hash, from 3.14 on).
///
/// What it held must be of no consequence: numbers and bytes. `zip` does the same.
#[inline]
pub(super) fn refill<'py>(
    tuple: Bound<'py, PyTuple>,
    elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
) -> Option<Bound<'py, PyTuple>> {
    // SAFETY: the object is alive, and the interpreter is attached.
    if unsafe { ffi::Py_REFCNT(tuple.as_ptr()) } != 1 || !has_plain_tuples(tuple.py()) {
        return None;
    }
    let len = ffi::Py_ssize_t::try_from(elements.len()).ok()?;
    (fill(&tuple, elements) == len).then_some(tuple)
}

/// Sets one element after the other, and counts those that found room. Nobody else has the tuple.
#[inline(always)]
fn fill<'py>(tuple: &Bound<'py, PyTuple>, elements: impl Iterator<Item = Bound<'py, PyAny>>) -> ffi::Py_ssize_t {
    let mut index = 0;
    for element in elements {
        // SAFETY: a tuple, and it takes the reference whether it has room for it or not; that nobody
        // else has it both callers have seen to, or the function sees it and refuses.
        if unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, element.into_ptr()) } != 0 {
            let _: PyErr = PyErr::fetch(tuple.py());
            break;
        }
        index = index.saturating_add(1);
    }
    index
}

/// Whether a tuple is its elements and nothing else, and threads take turns.
#[inline]
fn has_plain_tuples(py: Python<'_>) -> bool {
    static PLAIN: OnceLock<bool> = OnceLock::new();
    *PLAIN.get_or_init(|| {
        let threads_take_turns = py.version_info() < (3, 13)
            || py
                .import("sys")
                .and_then(|sys| sys.call_method0("_is_gil_enabled"))
                .is_ok_and(|enabled| enabled.is_truthy().unwrap_or(false));
        py.version_info() < (3, 14) && threads_take_turns
    })
}
