//! `Struct`: a format that is compiled once.

use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::compiled::Compiled;
use super::iterator::UnpackIterator;

/// A compiled format. `unpack` and the like give a flat tuple: one value for each item at the top level
/// of the format, as many as the count says. Arrays with a shape are lists, records are tuples.
///
/// INVARIANT: no Python code runs while the lock is held for writing, and nobody waits to write.
#[pyclass(frozen, subclass, weakref, name = "Struct", module = "pep3118.struct")]
#[derive(Debug)]
pub(in crate::py) struct Struct {
    compiled: RwLock<Option<Arc<Compiled>>>,
}

impl Struct {
    pub(super) fn compile(format: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { compiled: RwLock::new(Some(Arc::new(Compiled::new(format)?))) })
    }

    /// Calls with the format as it is now.
    #[inline]
    pub(super) fn with<T>(&self, call: impl FnOnce(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
        let compiled = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
        match &*compiled {
            Some(compiled) => call(compiled),
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
        Self { compiled: RwLock::new(None) }
    }

    fn __init__(&self, format: &Bound<'_, PyAny>) -> PyResult<()> {
        let new = Some(Arc::new(Compiled::new(format)?));
        let old = match self.compiled.try_write() {
            Ok(mut compiled) => std::mem::replace(&mut *compiled, new),
            Err(_) => return Err(PyRuntimeError::new_err("Struct object is in use")),
        };
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
    pub(super) fn size(&self) -> PyResult<usize> {
        self.with(|compiled| Ok(compiled.size()))
    }

    /// The bytes of an item with these values.
    #[pyo3(signature = (*values))]
    pub(super) fn pack<'py>(&self, values: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
        self.with(|compiled| compiled.pack(values))
    }

    /// Writes an item into a buffer. If a value does not fit, nothing is written.
    #[pyo3(signature = (*arguments), text_signature = "($self, buffer, offset, /, *values)")]
    pub(super) fn pack_into(&self, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.with(|compiled| compiled.pack_into(arguments))
    }

    /// The values of the item that fills a buffer.
    #[pyo3(signature = (buffer, /))]
    pub(super) fn unpack<'py>(&self, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        self.with(|compiled| compiled.unpack(buffer))
    }

    /// The values of the item at an offset in bytes; a negative one counts from the end.
    #[pyo3(signature = (buffer, offset = 0))]
    pub(super) fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: isize) -> PyResult<Bound<'py, PyTuple>> {
        self.with(|compiled| compiled.unpack_from(buffer, offset))
    }

    /// The values of all items of a buffer, one item at a time.
    #[pyo3(signature = (buffer, /))]
    pub(super) fn iter_unpack(&self, buffer: &Bound<'_, PyAny>) -> PyResult<UnpackIterator> {
        let compiled = self.with(|compiled| Ok(Arc::clone(compiled)))?;
        UnpackIterator::new(compiled, buffer)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let format = slf.get().format(slf.py())?;
        Ok(format!("{}({})", slf.get_type().name()?, format.repr()?))
    }
}
