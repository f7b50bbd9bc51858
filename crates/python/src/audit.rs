//! The functions `check` and `audit`.

#![allow(unsafe_code, reason = "reads a slot of a type")]

use pep3118::__private::{expect_exporter, run_audit, type_layout};
use pep3118::py::Acquired;
use pep3118::view::{Audit, Checker, Request, RequestError, RequestOutcome};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyType};

use crate::report::Report;

/// The request in an argument: `"FULL_RO"`, `"ND|FORMAT"`, 284.
///
/// # Errors
/// - an unknown name, or flags that are not a legal request: `ValueError`
/// - an object other than `int` and `str`: `TypeError`
fn request(request: &Bound<'_, PyAny>) -> PyResult<Request> {
    let parsed = if let Ok(names) = request.cast::<PyString>() {
        names.to_cow()?.parse()
    } else if request.is_instance_of::<PyInt>() {
        Request::from_flags(request.extract()?).map_err(RequestError::from)
    } else {
        let ty = request.get_type();
        return Err(PyTypeError::new_err(format!("a request is an int or a str, not {}", ty.name()?)));
    };
    parsed.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Checks the buffer that an exporter returns for one request.
///
/// `request` is a name such as "FULL_RO" or "ND|FORMAT", or the flags as an int. If the type of the object
/// gives the layout of the items (a NumPy dtype, the fields of a ctypes structure), the format is compared
/// with it (T01, format against type).
///
/// Raises the exporter's exception if it refuses the request, and TypeError if the object exports no buffer.
///
/// >>> from pep3118 import check
/// >>> print(check(b"abc"))
/// bytes: clean
#[pyfunction]
#[pyo3(signature = (obj, request = None))]
pub(crate) fn check(obj: &Bound<'_, PyAny>, request: Option<&Bound<'_, PyAny>>) -> PyResult<Report> {
    let request = request.map_or(Ok(Request::FULL_RO), self::request)?;
    expect_exporter(obj)?;
    let type_layout = type_layout(obj)?;
    let acquired = Acquired::new(obj, request)?;
    let checker = Checker { dialect: type_layout.as_ref().map(|known| known.dialect), ..Checker::DEFAULT };
    let raw = acquired.raw();
    let readable = checker.check(&raw, Some(request)).view.is_some();
    let mut audit = Audit::with(checker).observe(request, RequestOutcome::Granted(raw));
    if let Some(known) = &type_layout {
        audit = audit.type_layout(&known.layout);
    }
    let report = audit.finish();
    drop(acquired);
    Report::new(obj, report, readable, type_layout.map(|known| known.source))
}

/// Checks an exporter: sends all 26 legal requests, twice, and compares the buffers with the rules, with one
/// another, and with the layout that the type of the object gives (T01, format against type).
///
/// Each buffer is released at once. Reference counts and exceptions in `__release_buffer__` are checked too.
/// No byte of the memory is read.
///
/// Raises TypeError if the object exports no buffer.
///
/// >>> from pep3118 import audit
/// >>> print(audit(bytearray(8)))
/// bytearray: clean
#[pyfunction]
pub(crate) fn audit(obj: &Bound<'_, PyAny>) -> PyResult<Report> {
    let (report, readable, layout_source) = run_audit(obj)?;
    Report::new(obj, report, readable, layout_source)
}

/// Whether the instances of a type export buffers.
#[pyfunction]
pub(crate) fn _exports_buffers(ty: &Bound<'_, PyType>) -> bool {
    // SAFETY: the type is alive, and the interpreter is attached.
    let slot = unsafe { pyo3::ffi::PyType_GetSlot(ty.as_type_ptr(), pyo3::ffi::Py_bf_getbuffer) };
    !slot.is_null()
}
