//! `Struct`: a format that is compiled once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::compiled::Compiled;
use super::iterator::UnpackIterator;
use super::offset::Offset;

/// A compiled format. `unpack` and the like give a flat tuple: one value for each item at the top level
/// of the format, as many as the count says. Arrays with a shape are lists, records are tuples.
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
    /// The first format: for nearly all the only one, and read without a lock.
    first: OnceLock<Arc<Compiled>>,
    /// Whether `__init__` was called again.
    again: AtomicBool,
    /// The last format, where it was.
    last: RwLock<Option<Arc<Compiled>>>,
}

impl Struct {
    /// Calls with the format as it is now.
    #[inline]
    pub(super) fn with<T>(&self, call: impl FnOnce(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
        if self.again.load(Ordering::Acquire) {
            let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(last) = last {
                return call(&last);
            }
        }
        match self.first.get() {
            Some(first) => call(first),
            None => Err(PyRuntimeError::new_err("Struct object is not initialized")),
        }
    }
}

#[pymethods]
impl Struct {
    /// Subclasses may take what they like, so the format comes with `__init__`.
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self { first: OnceLock::new(), again: AtomicBool::new(false), last: RwLock::new(None) }
    }

    fn __init__(&self, format: &Bound<'_, PyAny>) -> PyResult<()> {
        let new = Arc::new(Compiled::new(format)?);
        let Err(new) = self.first.set(new) else { return Ok(()) };
        let old = self.last.write().unwrap_or_else(PoisonError::into_inner).replace(new);
        self.again.store(true, Ordering::Release);
        // Not under the lock: it may be the last that holds an object.
        drop(old);
        Ok(())
    }

    /// The format, as text.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.with(|compiled| Ok(compiled.format(py)))
    }

    /// The size of an item in bytes.
    #[getter]
    fn size(&self) -> PyResult<usize> {
        self.with(|compiled| Ok(compiled.size()))
    }

    /// The values of the item at an offset in bytes; a negative one counts from the end.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">h").unpack_from(b"\x00\x01\x00\x02", -2)
    /// (2,)
    #[pyo3(signature = (buffer, offset = Offset(0)), text_signature = "($self, buffer, offset=0)")]
    fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: Offset) -> PyResult<Bound<'py, PyTuple>> {
        self.with(|compiled| compiled.unpack_from(buffer, offset.0))
    }

    /// The values of all items of a buffer, one item at a time.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> list(Struct(">h").iter_unpack(b"\x00\x01\x00\x02"))
    /// [(1,), (2,)]
    #[pyo3(signature = (buffer, /))]
    fn iter_unpack(&self, buffer: &Bound<'_, PyAny>) -> PyResult<UnpackIterator> {
        self.with(|compiled| UnpackIterator::new(Arc::clone(compiled), buffer))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let format = slf.get().format(slf.py())?;
        Ok(format!("{}({})", slf.get_type().name()?, format.repr()?))
    }
}
