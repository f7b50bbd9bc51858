//! An extension module with this library: one function that sums numbers of any Python object.
#![forbid(unsafe_code)]

use pyo3::prelude::*;

/// Returns the sum of the numbers in `ticks`.
#[pyfunction]
fn total(ticks: &Bound<'_, PyAny>) -> PyResult<f64> {
    Ok(pep3118::py::open(ticks)?.column::<f64>("price")?.iter().sum())
}

/// The module.
#[pymodule]
fn extension_pep3118(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(total, module)?)
}
