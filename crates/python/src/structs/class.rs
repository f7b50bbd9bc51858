//! `Struct`: the class of compiled formats.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::cache;
use super::compiled::Compiled;
use super::errors::not_a_format;
use super::offset::Offset;

/// A compiled format. `unpack` and the other methods return a flat tuple: one value for each item at the top
/// level of the format, as many as its count. Arrays with a shape are lists, records are tuples.
///
/// >>> from pep3118.struct import Struct
/// >>> tick = Struct("T{<H:id:<d:price:}")
/// >>> tick.size, tick.pack((7, 9.5)).hex()
/// (10, '07000000000000002340')
/// >>> tick.unpack(bytes.fromhex("07000000000000002340"))
/// ((7, 9.5),)
///
/// INVARIANT: no Python code runs while the lock is held.
#[pyclass(frozen, subclass, weakref, name = "Struct", module = "pep3118.struct")]
#[derive(Debug)]
pub(crate) struct Struct {
    /// The format of the first call of `__init__`, which is read without a lock. A second call is rare.
    first: OnceLock<Arc<Compiled>>,
    /// Whether `last` is set.
    initialized_again: AtomicBool,
    /// The format of the last call of `__init__`, if there were several.
    last: RwLock<Option<Arc<Compiled>>>,
}

impl Struct {
    /// The current format; `None` before `__init__`.
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

    /// Calls `call` with the current format.
    ///
    /// # Errors
    /// - before `__init__`: `RuntimeError`
    /// - an error of `call`
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
    /// Ignores its arguments: subclasses may take other ones, and `__init__` takes the format.
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
        // After the lock is released: it may be the last reference.
        drop(old);
        Ok(())
    }

    /// The format as text.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        match self.current() {
            // As `struct` does before 3.14.
            None if py.version_info() < (3, 14) => Ok(PyString::intern(py, "")),
            None => self.with(|compiled| Ok(compiled.format(py))),
            Some(compiled) => Ok(compiled.format(py)),
        }
    }

    /// The size of an item in bytes; -1 before `__init__`.
    #[getter]
    fn size(&self) -> isize {
        self.current().map_or(-1, |compiled| isize::try_from(compiled.size()).unwrap_or(isize::MAX))
    }

    /// Returns the values of the item at an offset in bytes. A negative offset counts from the end.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">h").unpack_from(b"\x00\x01\x00\x02", -2)
    /// (2,)
    #[pyo3(signature = (buffer, offset = Offset(0)), text_signature = "($self, buffer, offset=0)")]
    fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: Offset) -> PyResult<Bound<'py, PyTuple>> {
        self.with(|compiled| compiled.unpack_from(buffer, offset.0))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let format = slf.get().format(slf.py())?;
        Ok(format!("{}({})", slf.get_type().name()?, format.repr()?))
    }
}
