//! Creates the names, the argument tuples and the exceptions of Python calls, and reports lack of memory as
//! `MemoryError`.
//!
//! PyO3 panics if the interpreter has no memory for a `str`, an `int` or a tuple that it converts from a Rust value. It
//! converts a name in `object.getattr("name")`, the arguments in `object.call1((a, b))`, and the message in
//! `PyValueError::new_err("message")`. The macro `intern!` panics in its first call.
#![allow(unsafe_code, reason = "creates tuples through the C API")]

use pyo3::exceptions::{PyAttributeError, PyLookupError, PyMemoryError, PySystemError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTypeCheck, PyTypeInfo, ffi};

/// A Python `str` that is created in the first call of [`get`](Self::get). The macro [`name!`](crate::name) defines a
/// `Name` for a literal.
#[doc(hidden)]
pub struct Name {
    text: &'static str,
    object: PyOnceLock<Py<PyString>>,
}

impl Name {
    /// Creates the name `text`, without a Python object.
    #[doc(hidden)]
    pub const fn new(text: &'static str) -> Self {
        Self { text, object: PyOnceLock::new() }
    }

    /// Returns the `str`.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[doc(hidden)]
    #[inline]
    pub fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyString>> {
        Ok(self.object.get_or_try_init(py, || text(py, self.text).map(Bound::unbind))?.bind(py))
    }
}

/// Returns a `&Bound<PyString>` for the literal `$text`. Each use of the macro creates the `str` once. The function that
/// uses the macro returns the `MemoryError` if there is no memory.
#[macro_export]
#[doc(hidden)]
macro_rules! name {
    ($py:expr, $text:expr) => {{
        static NAME: $crate::__private::Name = $crate::__private::Name::new($text);
        NAME.get($py)?
    }};
}

/// Returns the attribute `attribute` of the module `module`, an object of the Python type `T`. The first call stores the
/// object in `cell`, and later calls return this object.
///
/// # Errors
/// - no memory: `MemoryError`
/// - the import fails, or there is no such attribute: the exception is returned unchanged
pub fn imported<'a, 'py, T: PyTypeCheck>(
    cell: &'a PyOnceLock<Py<T>>,
    py: Python<'py>,
    module: &str,
    attribute: &str,
) -> PyResult<&'a Bound<'py, T>> {
    let object = cell.get_or_try_init(py, || {
        let module = py.import(text(py, module)?)?;
        Ok::<_, PyErr>(module.getattr(text(py, attribute)?)?.cast_into::<T>()?.unbind())
    })?;
    Ok(object.bind(py))
}

/// Creates the `str` object for `text`.
///
/// # Errors
/// - no memory: `MemoryError`
#[inline]
pub fn text<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyString>> {
    PyString::from_bytes(py, text.as_bytes())
}

/// Returns the tuple of `objects`, the arguments of a call.
///
/// # Errors
/// - no memory: `MemoryError`
pub fn arguments<'py, const N: usize>(
    py: Python<'py>,
    objects: [&Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyTuple>> {
    let len = ffi::Py_ssize_t::try_from(N)?;
    // SAFETY: the thread is attached to the interpreter, and `len` is not negative.
    let tuple = unsafe { ffi::PyTuple_New(len) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_opt(py, tuple) }.ok_or_else(|| take_exception(py))?;
    for (index, object) in (0..len).zip(objects) {
        // SAFETY: `tuple` is a new tuple of `len` elements, `index` is less than `len`, and the call takes the reference.
        unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, object.clone().into_ptr()) };
    }
    Ok(tuple.cast_into()?)
}

/// Creates the `int` object for `number`.
///
/// # Errors
/// - no memory: `MemoryError`
#[doc(hidden)]
pub fn number(py: Python<'_>, number: u32) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the thread is attached to the interpreter.
    let object = unsafe { ffi::PyLong_FromUnsignedLongLong(number.into()) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    unsafe { Bound::from_owned_ptr_or_opt(py, object) }.ok_or_else(|| take_exception(py))
}

/// Creates a `dict` without entries.
///
/// # Errors
/// - no memory: `MemoryError`
pub fn dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: the thread is attached to the interpreter.
    let dict = unsafe { ffi::PyDict_New() };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let dict = unsafe { Bound::from_owned_ptr_or_opt(py, dict) }.ok_or_else(|| take_exception(py))?;
    Ok(dict.cast_into()?)
}

/// Creates an exception of the type `T` with the message `message`. Returns a `MemoryError` if there is no memory for
/// the message.
#[cold]
#[doc(hidden)]
pub fn error<T: PyTypeInfo>(message: impl AsRef<str>) -> PyErr {
    let message = message.as_ref();
    let error = Python::try_attach(|py| match text(py, message) {
        // The interpreter creates the exception from the `str` when the exception is raised.
        Ok(text) => PyErr::new::<T, _>(text.unbind()),
        Err(error) => error,
    });
    // Without a running interpreter, no allocation of the interpreter fails.
    error.unwrap_or_else(|| PyErr::new::<T, _>(message.to_owned()))
}

/// Returns the exception that is set in the interpreter, and clears this exception. If no exception is set, returns a
/// `SystemError`. `PyErr::fetch` would panic in this case: a function of an extension module may fail without setting
/// an exception.
#[cold]
pub fn take_exception(py: Python<'_>) -> PyErr {
    PyErr::take(py).unwrap_or_else(|| error::<PySystemError>("error return without exception set"))
}

/// Creates a `MemoryError`.
#[cold]
pub fn no_memory() -> PyErr {
    PyMemoryError::new_err(())
}

/// Converts `result`, the result of a look-up, to an `Option`: `None` means that the key, the index or the attribute does
/// not exist.
///
/// # Errors
/// - the look-up failed for another reason, such as lack of memory: the exception is returned unchanged
pub fn found<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<PyLookupError>(py) || error.is_instance_of::<PyAttributeError>(py) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
