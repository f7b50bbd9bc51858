//! The Python class `Struct`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::errors::class_name;
use pep3118::__private::escape;

use super::cache;
use super::compiled::Compiled;
use super::errors::not_a_format;
use super::offset::Offset;

/// A compiled format, with methods that pack and unpack items.
///
/// An unpacked item is a tuple with the values of the format's top level. A count such as `3i` means three values. An
/// array with a shape is a list, and a record is a tuple.
///
/// >>> from pep3118.struct import Struct
/// >>> tick = Struct("T{<H:id:<d:price:}")
/// >>> tick.size, tick.pack((7, 9.5)).hex()
/// (10, '07000000000000002340')
/// >>> tick.unpack(bytes.fromhex("07000000000000002340"))
/// ((7, 9.5),)
#[pyclass(frozen, subclass, weakref, name = "Struct", module = "pep3118.struct")]
#[derive(Debug)]
pub(crate) struct Struct {
    /// The format of the first call of `__init__`. It is read without a lock, because a second call is rare.
    first: OnceLock<Arc<Compiled>>,
    /// `true` if `__init__` was called more than once. `last` is then set.
    initialized_again: AtomicBool,
    /// The format of the last call of `__init__`, if `__init__` was called more than once.
    ///
    /// INVARIANT: no Python code runs while this lock is held, because it could call a method of the same object.
    last: RwLock<Option<Arc<Compiled>>>,
}

impl Struct {
    /// Returns the format of the last call of `__init__`, or `None` before the first call.
    #[inline]
    fn current(&self) -> Option<Arc<Compiled>> {
        if self.initialized_again.load(Ordering::Acquire) {
            let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
            if last.is_some() {
                return last;
            }
        }
        self.first.get().cloned()
    }

    /// Calls `call` with the format of the last call of `__init__`, and returns the result of `call`.
    ///
    /// # Errors
    /// - `__init__` was not called: `RuntimeError`
    /// - `call` returns an error: the error is returned unchanged
    #[inline]
    pub(super) fn with<T>(&self, call: impl FnOnce(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
        if self.initialized_again.load(Ordering::Acquire)
            && let Some(last) = self.current()
        {
            return call(&last);
        }
        match self.first.get() {
            Some(first) => call(first),
            None => Err(PyRuntimeError::new_err("Struct object is not initialized")),
        }
    }
}

#[pymethods]
impl Struct {
    /// Creates an object without a format. The arguments are ignored, because `__init__` sets the format, and a
    /// subclass can have an `__init__` with other parameters.
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self { first: OnceLock::new(), initialized_again: AtomicBool::new(false), last: RwLock::new(None) }
    }

    fn __init__(&self, format: &Bound<'_, PyAny>) -> PyResult<()> {
        if !format.is_instance_of::<PyString>() && !format.is_instance_of::<PyBytes>() {
            return Err(not_a_format(format));
        }
        let new = cache::with(format, |compiled| Ok(Arc::clone(compiled)))?;
        let Err(new) = self.first.set(new) else { return Ok(()) };
        let old = self.last.write().unwrap_or_else(PoisonError::into_inner).replace(new);
        self.initialized_again.store(true, Ordering::Release);
        // The lock is released before `old` is deleted, because deleting the last reference can run Python code.
        drop(old);
        Ok(())
    }

    /// The format as text.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        match self.current() {
            // `struct.Struct` of CPython before 3.14 has the format `""` before `__init__`.
            None if py.version_info() < (3, 14) => Ok(PyString::intern(py, "")),
            None => self.with(|compiled| Ok(compiled.format(py))),
            Some(compiled) => Ok(compiled.format(py)),
        }
    }

    /// The size of an item in bytes, or -1 before `__init__`.
    #[getter]
    fn size(&self) -> isize {
        // A layout has at most `isize::MAX` bytes, so the default is never used.
        self.current().map_or(-1, |compiled| isize::try_from(compiled.size()).unwrap_or(isize::MAX))
    }

    /// Returns the values of the item at byte `offset` of `buffer`. A negative offset counts from the end.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">h").unpack_from(b"\x00\x01\x00\x02", -2)
    /// (2,)
    #[pyo3(signature = (buffer, offset = Offset(0)), text_signature = "($self, buffer, offset=0)")]
    fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: Offset) -> PyResult<Bound<'py, PyTuple>> {
        self.with(|compiled| compiled.unpack_from(buffer, offset.0))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let format = slf.get().format(slf.py())?.repr()?;
        Ok(format!("{}({})", class_name(slf.as_any())?, escape(&*format.to_string_lossy())))
    }
}
