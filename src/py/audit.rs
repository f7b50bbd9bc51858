//! `audit_exporter`: sends all legal requests to a Python exporter, and checks the answers against the rules of the
//! buffer protocol.

use std::sync::{Arc, Mutex};

use super::fallible::{self, arguments};
use crate::name;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

use super::acquire::{Attempt, is_exporter, references};
use super::type_layout::type_layout;
use crate::text::escape;
use crate::view::{Audit, Checker, Owner, RaisedError, RawView, Request, RequestOutcome};

/// The number of times that every request is sent. An exporter can store a reference in a cache at the first request.
/// If every request adds a reference that stays, the exporter leaks.
const ROUNDS: usize = 2;

/// Returns `Ok` if the type of `obj` exports buffers.
///
/// # Errors
/// - the object exports no buffer, such as `1`: `TypeError`
pub fn expect_exporter(obj: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_exporter(obj) {
        return Ok(());
    }
    let name = obj.get_type().name()?;
    let name = escape(&*name.to_string_lossy()).into_owned();
    Err(fallible::error::<PyTypeError>(format!("a bytes-like object is required, not '{name}'")))
}

/// Sends all 26 legal requests to `exporter`, each two times, and returns the rules that the answers break. The Python
/// function `pep3118.audit` calls this function.
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
/// - the object exports no buffer, such as `1`: `TypeError`
/// - a request raises `KeyboardInterrupt` or `MemoryError`: the exception is returned unchanged
/// - `MemoryError` or an interrupt while the layout is read from the type: the exception is returned unchanged
pub fn audit_exporter(exporter: &Bound<'_, PyAny>) -> PyResult<crate::Report> {
    Ok(run_audit(exporter)?.0)
}

/// Sends all legal requests to `obj`. Returns three values: the report of [`audit_exporter`], whether the items can be
/// read, and the source of the item layout. The source is `"numpy.dtype"`, for example, or `None` if the type of `obj`
/// declares no layout.
///
/// # Errors
/// - every error of [`audit_exporter`]
pub fn run_audit(obj: &Bound<'_, PyAny>) -> PyResult<(crate::Report, bool, Option<&'static str>)> {
    expect_exporter(obj)?;
    // Since version 3.14, CPython may pass `obj` without adding 1 to its reference count. A faulty exporter can return
    // a reference that it does not own. The release of the buffer then subtracts 1 from the count, and could free the
    // exporter. The clone adds 1 to the count, so the exporter is not freed during the audit.
    let exporter = obj.clone();
    let obj = &exporter;
    let declared = type_layout(obj)?;
    let checker = Checker { dialect: declared.as_ref().map(|declared| declared.dialect), ..Checker::DEFAULT };
    let mut audit = Audit::with(checker);
    if let Some(declared) = &declared {
        audit = audit.type_layout(&declared.layout);
    }
    let watch = ReleaseErrors::new(obj)?;
    let outcome = rounds(obj, audit, &checker, &watch);
    watch.end(obj.py())?;
    let (audit, readable) = outcome?;
    Ok((audit.finish(), readable, declared.map(|declared| declared.source)))
}

/// Sends every legal request to `obj`, [`ROUNDS`] times. Adds to `audit` each outcome, each change of the reference
/// count that a request and its release cause in both rounds, and each exception that `watch` recorded during a
/// release. Returns the audit, and whether `checker` can read the items of an answer to `FULL_RO`. Returns an error if
/// a request raises `KeyboardInterrupt` or `MemoryError`.
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
            let py = obj.py();
            // Without memory, the request shows nothing about the exporter.
            let ends_audit = |error: &mut PyErr| {
                error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PyMemoryError>(py)
            };
            if let Some(error) = attempt.error.take_if(ends_audit) {
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
            let added = references(obj).saturating_sub(before);
            // A negative `added` means that the exporter returned references that it does not own. The releases have
            // then subtracted too much from the reference count of the exporter. The loop adds the missing references
            // to the count, because the exporter could otherwise be freed during the audit.
            for _ in added..0 {
                std::mem::forget(obj.clone());
            }
            if granted && round > 0 && added == *left {
                audit = audit.released(request, added);
            }
            *left = if granted { added } else { 0 };
            for error in watch.take() {
                audit = audit.release_raised(request, &error);
            }
        }
    }
    Ok((audit, readable))
}

impl Attempt {
    /// Returns the outcome of this request to `exporter`, for an [`Audit`](crate::Audit). Drops the exception, because
    /// the traceback of the exception may hold references to the exporter. The audit would count these references.
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

/// Returns a copy of `raw`, whose `obj` becomes unknown if `obj` is an object other than `exporter`. A class with
/// `__buffer__` may create another object for each answer (B22, passed-on buffers). After this object is freed, a new
/// object can have its address. Hence addresses of other objects cannot be compared.
fn known_obj<'r>(raw: RawView<'r>, exporter: &Bound<'_, PyAny>) -> RawView<'r> {
    let own = u64::try_from(exporter.as_ptr().addr()).ok();
    match raw.obj {
        Owner::Exporter(address) if Some(address) != own => RawView { obj: Owner::Unknown, ..raw },
        _ => raw,
    }
}

/// Records the exceptions of `__release_buffer__`, which the interpreter passes to `sys.unraisablehook`.
struct ReleaseErrors {
    /// The names of the classes of the exceptions that were recorded and not yet returned.
    errors: Arc<Mutex<Vec<String>>>,
    /// The hook that records the exceptions.
    hook: Py<PyAny>,
    /// The value of `sys.unraisablehook` before the audit.
    before: Py<PyAny>,
}

impl ReleaseErrors {
    /// Replaces `sys.unraisablehook` with a hook that records the exceptions of `exporter`, and passes all other
    /// exceptions to the previous hook. Returns an error if the hook cannot be replaced.
    fn new(exporter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = exporter.py();
        let sys = py.import(name!(py, "sys"))?;
        let before = sys.getattr(name!(py, "unraisablehook"))?.unbind();
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (recorded, next, exporter) = (Arc::downgrade(&errors), before.clone_ref(py), exporter.as_ptr().addr());
        let hook = PyCFunction::new_closure(py, None, None, move |args, _| -> PyResult<()> {
            let py = args.py();
            let unraisable = args.get_item(0)?;
            let object = unraisable.getattr(name!(py, "object"))?;
            // From CPython 3.13 on, only the message names the object.
            let message = unraisable.getattr(name!(py, "err_msg"))?.extract::<Option<String>>()?.unwrap_or_default();
            let own =
                object.as_ptr().addr() == exporter || (object.is_none() && message.contains("__release_buffer__"));
            let Some(recorded) = recorded.upgrade().filter(|_| own) else {
                // The exception belongs to another object, or the audit has ended. After the end, a hook that was set
                // later can still call this hook.
                return next.bind(py).call1(arguments(py, [&unraisable])?).map(drop);
            };
            let name = unraisable.getattr(name!(py, "exc_type"))?.getattr(name!(py, "__name__"))?.extract()?;
            if let Ok(mut recorded) = recorded.lock() {
                recorded.push(name);
            }
            Ok(())
        })?;
        let hook = hook.into_any().unbind();
        sys.setattr(name!(py, "unraisablehook"), &hook)?;
        Ok(Self { errors, hook, before })
    }

    /// Returns the class names of the exceptions that were recorded since the previous call.
    fn take(&self) -> Vec<String> {
        self.errors.lock().map_or_else(|_| Vec::new(), |mut errors| std::mem::take(&mut *errors))
    }

    /// Restores the hook that was set before the audit, unless other code has replaced the audit's hook. Returns an
    /// error if `sys.unraisablehook` cannot be read or set.
    fn end(self, py: Python<'_>) -> PyResult<()> {
        let sys = py.import(name!(py, "sys"))?;
        if sys.getattr(name!(py, "unraisablehook"))?.is(&self.hook) {
            sys.setattr(name!(py, "unraisablehook"), self.before)?;
        }
        Ok(())
    }
}
