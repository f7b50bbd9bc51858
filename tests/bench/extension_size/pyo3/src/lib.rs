//! An extension module with PyO3 only: one function that sums numbers of any Python object.
#![forbid(unsafe_code)]

use pyo3::prelude::*;

/// Returns the sum of the numbers in `ticks`.
#[pyfunction]
fn total(ticks: &Bound<'_, PyAny>) -> PyResult<f64> {
    Ok(pyo3::buffer::PyBuffer::<f64>::get(ticks)?.to_vec(ticks.py())?.iter().sum())
}

/// The module.
#[pymodule]
fn extension_pyo3(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(total, module)?)
}
