//! Format strings for Python.

use pyo3::prelude::*;

/// The size of an item in bytes, as `struct.calcsize` tells it; for everything else of PEP 3118 too.
#[pyfunction]
pub(super) fn calcsize(format: &str) -> PyResult<u64> {
    Ok(crate::calcsize(format)?)
}
