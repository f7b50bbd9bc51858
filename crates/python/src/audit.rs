//! The Python functions `check` and `audit`. `check` tests one buffer of an exporter against the rules of the buffer
//! protocol. `audit` sends all 26 legal requests to an exporter and tests each buffer that the exporter returns. Also
//! `_exports_buffers`, which tests a type.

#![allow(unsafe_code, reason = "reads a slot of a type")]

use pep3118::__private::{expect_exporter, run_audit, type_layout};
use pep3118::py::Acquired;
use pep3118::view::{Audit, Checker, Request, RequestError, RequestOutcome};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyType};

use crate::errors::class_name;
use crate::objects;
use crate::report::Report;

/// Converts the argument `request`, such as `"FULL_RO"`, `"ND|FORMAT"` or `284`.
///
/// # Errors
/// - `request` contains an unknown name, or the flags are not a legal request: `ValueError`
/// - `request` is neither an `int` nor a `str`: `TypeError`
fn request(request: &Bound<'_, PyAny>) -> PyResult<Request> {
    let parsed = if let Ok(names) = request.cast::<PyString>() {
        names.to_cow()?.parse()
    } else if request.is_instance_of::<PyInt>() {
        Request::from_flags(request.extract()?).map_err(RequestError::from)
    } else {
        return Err(objects::error::<PyTypeError>(format!(
            "a request is an int or a str, not {}",
            class_name(request)?
        )));
    };
    parsed.map_err(|error| objects::error::<PyValueError>(error.to_string()))
}

/// Checks the buffer that `obj` exports for one request.
///
/// `request` is a name such as "FULL_RO" or "ND|FORMAT", or the flags as an int. The default is "FULL_RO".
///
/// Some types define the layout of their items, for example by a NumPy dtype or by the fields of a ctypes structure.
/// For these types, the format is compared with the layout (rule T01, format against type).
///
/// Raises the exception of the exporter if the exporter refuses the request. Raises TypeError if `obj` exports no
/// buffer, and ValueError if `request` is not a legal request.
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

/// Checks the buffers that `obj` exports for all 26 legal requests.
///
/// Each request is sent twice. The buffers are compared with the rules, with each other, and with the layout that the
/// type of `obj` defines (rule T01, format against type). Each buffer is released at once. The function also checks
/// reference counts and exceptions in `__release_buffer__`. No byte of the memory is read.
///
/// Raises TypeError if `obj` exports no buffer.
///
/// >>> from pep3118 import audit
/// >>> print(audit(bytearray(8)))
/// bytearray: clean
#[pyfunction]
pub(crate) fn audit(obj: &Bound<'_, PyAny>) -> PyResult<Report> {
    let (report, readable, layout_source) = run_audit(obj)?;
    Report::new(obj, report, readable, layout_source)
}

/// Returns whether the instances of `ty` export buffers.
#[pyfunction]
pub(crate) fn _exports_buffers(ty: &Bound<'_, PyType>) -> bool {
    // SAFETY: `PyType_GetSlot` needs a valid type object and an attached thread state. `ty` is a reference to a type,
    // and a `Bound` exists only while the thread is attached.
    let slot = unsafe { pyo3::ffi::PyType_GetSlot(ty.as_type_ptr(), pyo3::ffi::Py_bf_getbuffer) };
    !slot.is_null()
}
