//! Items one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::compiled::Compiled;
use super::errors::error;
use super::room::with_scratch;
use crate::py::acquire::HeldBytes;

/// Where the items lie.
#[derive(Debug)]
enum Source {
    /// They never change.
    Bytes(Py<PyBytes>),
    /// Released with the last item.
    Held(Mutex<Option<HeldBytes>>),
}

/// The iterator of `iter_unpack`. Threads that share one may get an item twice.
#[pyclass(frozen, name = "unpack_iterator", module = "pep3118.struct")]
#[derive(Debug)]
pub(in crate::py) struct UnpackIterator {
    compiled: Arc<Compiled>,
    source: Source,
    /// All bytes.
    len: usize,
    /// Where the next item starts, in bytes.
    next: AtomicUsize,
}

impl UnpackIterator {
    pub(super) fn new(compiled: Arc<Compiled>, buffer: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (py, size) = (buffer.py(), compiled.size());
        if size == 0 {
            return Err(error(py, "cannot iteratively unpack with a struct of length 0"));
        }
        let (source, len) = match buffer.cast_exact::<PyBytes>() {
            Ok(bytes) => (Source::Bytes(bytes.clone().unbind()), bytes.as_bytes().len()),
            Err(_) => {
                let held = HeldBytes::new(buffer)?;
                let len = held.lend()?.len();
                (Source::Held(Mutex::new(Some(held))), len)
            }
        };
        if len.checked_rem(size) != Some(0) {
            let message = format!("iterative unpacking requires a buffer of a multiple of {size} bytes");
            return Err(error(py, message));
        }
        Ok(Self { compiled, source, len, next: AtomicUsize::new(0) })
    }
}

#[pymethods]
impl UnpackIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let start = self.next.load(Ordering::Relaxed);
        let end = start.saturating_add(self.compiled.size());
        match &self.source {
            Source::Bytes(bytes) => {
                let bytes = bytes.bind_borrowed(py);
                let Some(item) = bytes.as_bytes().get(start..end) else { return Ok(None) };
                self.next.store(end, Ordering::Relaxed);
                self.compiled.read(py, item).map(Some)
            }
            Source::Held(held) => {
                if end > self.len {
                    // Its release may call Python, which may come back here.
                    let rest = held.lock().unwrap_or_else(PoisonError::into_inner).take();
                    drop(rest);
                    return Ok(None);
                }
                with_scratch(self.compiled.size(), |item| {
                    match &*held.lock().unwrap_or_else(PoisonError::into_inner) {
                        Some(held) => held.lend()?.read(start, item)?,
                        None => return Ok(None),
                    }
                    // Not under the lock: new objects may start a collection, and so run Python code.
                    self.next.store(end, Ordering::Relaxed);
                    self.compiled.read(py, item).map(Some)
                })
            }
        }
    }

    fn __length_hint__(&self) -> usize {
        let left = self.len.saturating_sub(self.next.load(Ordering::Relaxed));
        left.checked_div(self.compiled.size()).unwrap_or(0)
    }
}
