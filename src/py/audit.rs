//! Exporters judged: one request, or all of them.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyInt, PyString, PyType};

use super::acquire::{Acquired, Attempt, references};
use super::export::{is_exporter, makes_exporters};
use super::report::Report;
use super::truth::truth;
use crate::view::{Audit, Checker, ErrorKind, Obj, Outcome, RawView, Request};

/// Rounds of requests: what is left behind in each of them is a leak, what in the first only is a cache.
const ROUNDS: usize = 2;

/// A request as Python names it: `"FULL_RO"`, `"ND|FORMAT"`, 284.
pub(super) fn request(request: &Bound<'_, PyAny>) -> PyResult<Request> {
    let parsed = if let Ok(names) = request.cast::<PyString>() {
        names.to_cow()?.parse()
    } else if request.is_instance_of::<PyInt>() {
        Request::from_flags(request.extract()?)
    } else {
        let ty = request.get_type();
        return Err(PyTypeError::new_err(format!("a request is an int or a str, not {}", ty.name()?)));
    };
    parsed.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Nobody can judge what exports nothing.
fn expect_exporter(obj: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_exporter(obj) {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!("a bytes-like object is required, not '{}'", obj.get_type().name()?)))
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
pub(super) fn check(obj: &Bound<'_, PyAny>, request: Option<&Bound<'_, PyAny>>) -> PyResult<Report> {
    let asked = request.map_or(Ok(Request::FULL_RO), self::request)?;
    expect_exporter(obj)?;
    let truth = truth(obj)?;
    let acquired = Acquired::new(obj, asked)?;
    let checker = Checker { dialect: truth.as_ref().map(|truth| truth.dialect), ..Checker::DEFAULT };
    let raw = acquired.raw();
    let readable = checker.check(&raw, Some(asked)).1.is_some();
    let mut audit = Audit::with(checker).observe(asked, Outcome::Granted(raw));
    if let Some(truth) = &truth {
        audit = audit.truth(&truth.layout);
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
pub(super) fn audit(obj: &Bound<'_, PyAny>) -> PyResult<Report> {
    let (report, readable, truth) = judge(obj)?;
    Report::new(obj, report, readable, truth)
}

/// Judges a Python exporter by all 26 legal requests, as `pep3118.audit` does for Python.
///
/// ```
/// use pyo3::prelude::*;
/// use pyo3::types::PyByteArray;
/// # Python::initialize();
/// Python::attach(|py| {
///     let report = pep3118::py::audit_exporter(&PyByteArray::new(py, b"abc"))?;
///     assert!(report.is_empty(), "{report}");
/// #   Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
///
/// # Errors
/// - `TypeError` for `1`, which exports nothing
/// - `KeyboardInterrupt`, and what Python code raises that is asked what the items are
pub fn audit_exporter(exporter: &Bound<'_, PyAny>) -> PyResult<crate::Report> {
    Ok(judge(exporter)?.0)
}

/// The report, whether the items can be read, and who told what they are.
fn judge(obj: &Bound<'_, PyAny>) -> PyResult<(crate::Report, bool, Option<&'static str>)> {
    expect_exporter(obj)?;
    // A reference of our own: the caller may have lent its only one, as CPython does from 3.14 on, and an exporter
    // that gives away what it does not own would be freed by the release.
    let held = obj.clone();
    let obj = &held;
    let truth = truth(obj)?;
    let checker = Checker { dialect: truth.as_ref().map(|truth| truth.dialect), ..Checker::DEFAULT };
    let mut audit = Audit::with(checker);
    if let Some(truth) = &truth {
        audit = audit.truth(&truth.layout);
    }
    let watch = ReleaseWatch::new(obj)?;
    let asked = rounds(obj, audit, &checker, &watch);
    watch.end(obj.py())?;
    let (audit, readable) = asked?;
    Ok((audit.finish(), readable, truth.map(|truth| truth.source)))
}

/// Whether the instances of a type export buffers.
#[pyfunction]
pub(super) fn _exports_buffers(ty: &Bound<'_, PyType>) -> bool {
    makes_exporters(ty)
}

/// All requests, in rounds; and whether some answer to `FULL_RO` can be read.
fn rounds<'d>(
    obj: &Bound<'_, PyAny>,
    mut audit: Audit<'d>,
    checker: &Checker<'_>,
    watch: &ReleaseWatch,
) -> PyResult<(Audit<'d>, bool)> {
    let mut readable = false;
    let mut left = [0_i64; Request::ALL_LEGAL.len()];
    for round in 0..ROUNDS {
        for (request, left) in Request::ALL_LEGAL.into_iter().zip(&mut left) {
            let before = references(obj);
            let mut attempt = Attempt::new(obj, request);
            if let Some(error) = attempt.error.take_if(|error| error.is_instance_of::<PyKeyboardInterrupt>(obj.py())) {
                return Err(error);
            }
            let granted = attempt.acquired.is_some();
            let outcome = match attempt.outcome(obj) {
                Outcome::Granted(raw) => {
                    readable = readable || request == Request::FULL_RO && checker.check(&raw, None).1.is_some();
                    Outcome::Granted(known_obj(raw, obj))
                }
                outcome => outcome,
            };
            audit = audit.observe(request, outcome);
            drop(attempt);
            let rise = references(obj).saturating_sub(before);
            // Who passes a reference that it does not own would be freed while it is judged.
            for _ in rise..0 {
                std::mem::forget(obj.clone());
            }
            if granted && round > 0 && rise == *left {
                audit = audit.released(request, rise);
            }
            *left = if granted { rise } else { 0 };
            for error in watch.take() {
                audit = audit.release_raised(request, &error);
            }
        }
    }
    Ok((audit, readable))
}

impl Attempt {
    /// What came of the request, for an [`Audit`](crate::Audit). The exception is dropped: the frames of its traceback may
    /// hold references to the exporter.
    fn outcome(&mut self, exporter: &Bound<'_, PyAny>) -> Outcome<'_> {
        let py = exporter.py();
        let error = match self.error.take() {
            None => ErrorKind::Silent,
            Some(error) if error.is_instance_of::<pyo3::exceptions::PyBufferError>(py) => ErrorKind::BufferError,
            Some(error) => {
                let name = error.get_type(py).name().map_or_else(|_| "?".into(), |name| name.to_string());
                ErrorKind::Other(name.into())
            }
        };
        match (&self.acquired, self.returned) {
            (Some(acquired), _) if error == ErrorKind::Silent => Outcome::Granted(acquired.raw()),
            (_, -1) => {
                let references = references(exporter).saturating_sub(self.references);
                Outcome::Refused { error, obj: self.obj, references }
            }
            (_, returned) => Outcome::Broken { returned, error },
        }
    }
}

/// The answer, with `obj` if it is the exporter. Another object may be made for each answer (B22), as it is
/// for classes with `__buffer__`, and its address says nothing once it is freed.
fn known_obj<'r>(raw: RawView<'r>, exporter: &Bound<'_, PyAny>) -> RawView<'r> {
    let own = u64::try_from(exporter.as_ptr().addr()).ok();
    match raw.obj {
        Obj::Exporter(address) if Some(address) != own => RawView { obj: Obj::Unknown, ..raw },
        _ => raw,
    }
}

/// Hears the exceptions that leave `__release_buffer__`: they go to `sys.unraisablehook`.
struct ReleaseWatch {
    heard: Arc<Mutex<Vec<String>>>,
    hook: Py<PyAny>,
    before: Py<PyAny>,
}

impl ReleaseWatch {
    fn new(exporter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = exporter.py();
        let sys = py.import("sys")?;
        let before = sys.getattr("unraisablehook")?.unbind();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (told, next, exporter) = (Arc::downgrade(&heard), before.clone_ref(py), exporter.as_ptr().addr());
        let hook = PyCFunction::new_closure(py, None, None, move |args, _| -> PyResult<()> {
            let unraisable = args.get_item(0)?;
            let object = unraisable.getattr("object")?;
            // From CPython 3.13 on the object is in the message only.
            let message = unraisable.getattr("err_msg")?.extract::<Option<String>>()?.unwrap_or_default();
            let own =
                object.as_ptr().addr() == exporter || (object.is_none() && message.contains("__release_buffer__"));
            let Some(told) = told.upgrade().filter(|_| own) else {
                // Somebody else's; or the audit is over, and another hook kept this one.
                return next.bind(args.py()).call1((unraisable,)).map(drop);
            };
            let name = unraisable.getattr("exc_type")?.getattr("__name__")?.extract()?;
            if let Ok(mut told) = told.lock() {
                told.push(name);
            }
            Ok(())
        })?;
        let hook = hook.into_any().unbind();
        sys.setattr("unraisablehook", &hook)?;
        Ok(Self { heard, hook, before })
    }

    /// What was heard since.
    fn take(&self) -> Vec<String> {
        self.heard.lock().map_or_else(|_| Vec::new(), |mut heard| std::mem::take(&mut *heard))
    }

    /// Puts the hook back that was there, unless somebody has set another one meanwhile.
    fn end(self, py: Python<'_>) -> PyResult<()> {
        let sys = py.import("sys")?;
        if sys.getattr("unraisablehook")?.is(&self.hook) {
            sys.setattr("unraisablehook", self.before)?;
        }
        Ok(())
    }
}
