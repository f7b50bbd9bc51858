//! The functions `check` and `audit`.

#![allow(unsafe_code, reason = "asks a type for a slot")]

use pep3118::__private::{expect_exporter, judge, type_layout};
use pep3118::py::Acquired;
use pep3118::view::{Audit, Checker, Request, RequestError, RequestOutcome};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyType};

use crate::report::Report;

/// A request as Python names it: `"FULL_RO"`, `"ND|FORMAT"`, 284.
pub(crate) fn request(request: &Bound<'_, PyAny>) -> PyResult<Request> {
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

/// Judges what an exporter answers to one request.
///
/// `request` is a name such as "FULL_RO" or "ND|FORMAT", or the flags as an int. Where the type of the
/// object tells what its items are (a NumPy dtype, the fields of a ctypes structure), the format is held
/// against it: rule T01.
///
/// Raises what the exporter raises if it refuses the request, TypeError if the object exports nothing.
///
/// >>> from pep3118 import check
/// >>> print(check(b"abc"))
/// bytes: clean
#[pyfunction]
#[pyo3(signature = (obj, request = None))]
pub(crate) fn check(obj: &Bound<'_, PyAny>, request: Option<&Bound<'_, PyAny>>) -> PyResult<Report> {
    let asked = request.map_or(Ok(Request::FULL_RO), self::request)?;
    expect_exporter(obj)?;
    let truth = type_layout(obj)?;
    let acquired = Acquired::new(obj, asked)?;
    let checker = Checker { dialect: truth.as_ref().map(|truth| truth.dialect), ..Checker::DEFAULT };
    let raw = acquired.raw();
    let readable = checker.check(&raw, Some(asked)).view.is_some();
    let mut audit = Audit::with(checker).observe(asked, RequestOutcome::Granted(raw));
    if let Some(truth) = &truth {
        audit = audit.type_layout(&truth.layout);
    }
    let report = audit.finish();
    drop(acquired);
    Report::new(obj, report, readable, truth.map(|truth| truth.source))
}

/// Judges an exporter: sends all 26 legal requests, twice, and compares the answers with the rules, with
/// one another, and with what its type says of its items (T01).
///
/// Every buffer is released at once; reference counts and exceptions in `__release_buffer__` are watched.
/// Only numbers are looked at: no byte of the memory is read.
///
/// Raises TypeError if the object exports nothing.
///
/// >>> from pep3118 import audit
/// >>> print(audit(bytearray(8)))
/// bytearray: clean
#[pyfunction]
pub(crate) fn audit(obj: &Bound<'_, PyAny>) -> PyResult<Report> {
    let (report, readable, truth) = judge(obj)?;
    Report::new(obj, report, readable, truth)
}

/// Whether the instances of a type export buffers.
#[pyfunction]
pub(crate) fn _exports_buffers(ty: &Bound<'_, PyType>) -> bool {
    // SAFETY: the type is alive, and the interpreter is attached.
    let slot = unsafe { pyo3::ffi::PyType_GetSlot(ty.as_type_ptr(), pyo3::ffi::Py_bf_getbuffer) };
    !slot.is_null()
}
