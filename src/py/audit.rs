//! `audit_exporter`: all legal requests to an exporter, validated.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

use super::acquire::{Attempt, is_exporter, references};
use super::type_layout::type_layout;
use crate::text::escape;
use crate::view::{Audit, Checker, Owner, RaisedError, RawView, Request, RequestOutcome};

/// Rounds of requests: a reference that is left behind in each of them is a leak, in the first only a cache.
const ROUNDS: usize = 2;

/// Refuses an object that exports no buffer.
///
/// # Errors
/// - `TypeError` for `1`
pub fn expect_exporter(obj: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_exporter(obj) {
        return Ok(());
    }
    let name = obj.get_type().name()?;
    let name = escape(&*name.to_string_lossy()).into_owned();
    Err(PyTypeError::new_err(format!("a bytes-like object is required, not '{name}'")))
}

/// Validates a Python exporter by all 26 legal requests, as `pep3118.audit` does for Python.
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
/// - `KeyboardInterrupt`, and exceptions of the code that describes the items
pub fn audit_exporter(exporter: &Bound<'_, PyAny>) -> PyResult<crate::Report> {
    Ok(run_audit(exporter)?.0)
}

/// The report, whether the items can be read, and the type that declares them.
///
/// # Errors
/// - as [`audit_exporter`]
pub fn run_audit(obj: &Bound<'_, PyAny>) -> PyResult<(crate::Report, bool, Option<&'static str>)> {
    expect_exporter(obj)?;
    // A reference of our own: the caller may have lent its only one, as CPython does from 3.14 on, and an exporter
    // that gives away what it does not own would be freed by the release.
    let held = obj.clone();
    let obj = &held;
    let truth = type_layout(obj)?;
    let checker = Checker { dialect: truth.as_ref().map(|truth| truth.dialect), ..Checker::DEFAULT };
    let mut audit = Audit::with(checker);
    if let Some(truth) = &truth {
        audit = audit.type_layout(&truth.layout);
    }
    let watch = ReleaseErrors::new(obj)?;
    let asked = rounds(obj, audit, &checker, &watch);
    watch.end(obj.py())?;
    let (audit, readable) = asked?;
    Ok((audit.finish(), readable, truth.map(|truth| truth.source)))
}

/// All requests, in rounds; and whether some answer to `FULL_RO` can be read.
fn rounds<'d>(
    obj: &Bound<'_, PyAny>,
    mut audit: Audit<'d>,
    checker: &Checker<'_>,
    watch: &ReleaseErrors,
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
                RequestOutcome::Granted(raw) => {
                    readable = readable || request == Request::FULL_RO && checker.check(&raw, None).view.is_some();
                    RequestOutcome::Granted(known_obj(raw, obj))
                }
                outcome => outcome,
            };
            audit = audit.observe(request, outcome);
            drop(attempt);
            let rise = references(obj).saturating_sub(before);
            // An exporter that passes on a reference that it does not own would be freed during the audit.
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
    /// The outcome of the request, for an [`Audit`](crate::Audit). The exception is dropped: the frames of its traceback may
    /// hold references to the exporter.
    fn outcome(&mut self, exporter: &Bound<'_, PyAny>) -> RequestOutcome<'_> {
        let py = exporter.py();
        let error = match self.error.take() {
            None => RaisedError::NoException,
            Some(error) if error.is_instance_of::<pyo3::exceptions::PyBufferError>(py) => RaisedError::BufferError,
            Some(error) => {
                let name = error.get_type(py).name().map_or_else(|_| "?".into(), |name| name.to_string());
                RaisedError::Other(name.into())
            }
        };
        match (&self.acquired, self.returned) {
            (Some(acquired), _) if error == RaisedError::NoException => RequestOutcome::Granted(acquired.raw()),
            (_, -1) => {
                let references = references(exporter).saturating_sub(self.references);
                RequestOutcome::Refused { error, obj: self.obj, references }
            }
            (_, returned) => RequestOutcome::InvalidReturn { returned, error },
        }
    }
}

/// The answer, with `obj` if it is the exporter. Another object may be made for each answer (B22), as it is
/// for classes with `__buffer__`, and its address says nothing once it is freed.
fn known_obj<'r>(raw: RawView<'r>, exporter: &Bound<'_, PyAny>) -> RawView<'r> {
    let own = u64::try_from(exporter.as_ptr().addr()).ok();
    match raw.obj {
        Owner::Exporter(address) if Some(address) != own => RawView { obj: Owner::Unknown, ..raw },
        _ => raw,
    }
}

/// Records the exceptions that leave `__release_buffer__`: they go to `sys.unraisablehook`.
struct ReleaseErrors {
    heard: Arc<Mutex<Vec<String>>>,
    hook: Py<PyAny>,
    before: Py<PyAny>,
}

impl ReleaseErrors {
    fn new(exporter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = exporter.py();
        let sys = py.import("sys")?;
        let before = sys.getattr("unraisablehook")?.unbind();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (recorded, next, exporter) = (Arc::downgrade(&heard), before.clone_ref(py), exporter.as_ptr().addr());
        let hook = PyCFunction::new_closure(py, None, None, move |args, _| -> PyResult<()> {
            let unraisable = args.get_item(0)?;
            let object = unraisable.getattr("object")?;
            // From CPython 3.13 on the object is in the message only.
            let message = unraisable.getattr("err_msg")?.extract::<Option<String>>()?.unwrap_or_default();
            let own =
                object.as_ptr().addr() == exporter || (object.is_none() && message.contains("__release_buffer__"));
            let Some(recorded) = recorded.upgrade().filter(|_| own) else {
                // Of another object; or the audit is over, and another hook still calls this one.
                return next.bind(args.py()).call1((unraisable,)).map(drop);
            };
            let name = unraisable.getattr("exc_type")?.getattr("__name__")?.extract()?;
            if let Ok(mut recorded) = recorded.lock() {
                recorded.push(name);
            }
            Ok(())
        })?;
        let hook = hook.into_any().unbind();
        sys.setattr("unraisablehook", &hook)?;
        Ok(Self { heard, hook, before })
    }

    /// The exceptions since the last call.
    fn take(&self) -> Vec<String> {
        self.heard.lock().map_or_else(|_| Vec::new(), |mut heard| std::mem::take(&mut *heard))
    }

    /// Restores the former hook, unless another one was set meanwhile.
    fn end(self, py: Python<'_>) -> PyResult<()> {
        let sys = py.import("sys")?;
        if sys.getattr("unraisablehook")?.is(&self.hook) {
            sys.setattr("unraisablehook", self.before)?;
        }
        Ok(())
    }
}
