//! `unpack_iterator`: the items of a buffer one after the other.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::compiled::Compiled;
use super::errors::error;
use crate::borrowed_bytes::HeldBytes;
use crate::fastcall::counted;
use crate::objects::with_item_copy;

/// The number of bytes that are copied at once from a `bytes` object. To ask the object for its memory takes
/// as long as to read a value.
const BLOCK: usize = 1 << 12;

/// The number of tuples in a row that the consumer must keep before the iterator stops trying to reuse them.
const KEPT_TUPLES: u8 = 8;

/// The memory of the items.
#[derive(Debug)]
enum Memory {
    /// A `bytes` object, which never changes, with items larger than a block.
    Large(Py<PyBytes>),
    /// A `bytes` object with smaller items.
    Small {
        bytes: Py<PyBytes>,
        /// A copy of some items.
        block: Vec<u8>,
        /// The offset of the next item in the block, in bytes.
        next: usize,
    },
    /// Any other exporter. Other threads may write to the memory, so each item is copied when it is due.
    Held(Box<HeldBytes>),
    /// After the last item: the memory is released.
    Released,
}

/// The iterator of `iter_unpack`.
///
/// Each step changes it, so the class is not frozen: a step during another step raises `RuntimeError`.
#[pyclass(name = "unpack_iterator", module = "pep3118.struct")]
#[derive(Debug)]
pub(crate) struct UnpackIterator {
    compiled: Arc<Compiled>,
    memory: Memory,
    /// The number of bytes.
    len: usize,
    /// The offset of the next item in bytes.
    next: usize,
    /// The last tuple, to be reused as `zip` does if the consumer has dropped it.
    last: Option<Py<PyTuple>>,
    /// The tuples in a row that could not be reused, up to `KEPT_TUPLES`.
    kept: u8,
}

impl UnpackIterator {
    /// A new iterator as a Python object.
    ///
    /// # Errors
    /// - a format of size 0, or a buffer that ends inside an item: `struct.error`
    /// - an object that exports no buffer: `TypeError`
    pub(super) fn create<'py>(compiled: Arc<Compiled>, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, size) = (buffer.py(), compiled.size());
        if size == 0 {
            return Err(error(py, "cannot iteratively unpack with a struct of length 0"));
        }
        let (memory, len) = match buffer.cast_exact::<PyBytes>() {
            Ok(bytes) => {
                let (len, bytes) = (bytes.as_bytes().len(), bytes.clone().unbind());
                let small = size <= BLOCK;
                (if small { Memory::Small { bytes, block: Vec::new(), next: 0 } } else { Memory::Large(bytes) }, len)
            }
            Err(_) => {
                let held = counted(py, || HeldBytes::new(buffer))?;
                let len = held.borrow().len();
                (Memory::Held(Box::new(held)), len)
            }
        };
        if len.checked_rem(size) != Some(0) {
            let message = format!("iterative unpacking requires a buffer of a multiple of {size} bytes");
            return Err(error(py, message));
        }
        Ok(Bound::new(py, Self { compiled, memory, len, next: 0, last: None, kept: 0 })?.into_any())
    }
}

/// Copies as many items as fit in a block, from `start` on.
#[cold]
fn fill_block(block: &mut Vec<u8>, bytes: &[u8], start: usize, size: usize) {
    // Items without bytes are refused before; a block then holds none.
    let items = BLOCK.checked_div(size).unwrap_or(0);
    let rest = bytes.get(start..).unwrap_or_default();
    block.clear();
    block.extend_from_slice(rest.get(..items.saturating_mul(size)).unwrap_or(rest));
}

/// The values of an item, in the last tuple if it can be reused.
#[inline]
fn values<'py>(
    py: Python<'py>,
    compiled: &Compiled,
    item: &[u8],
    last: Option<Py<PyTuple>>,
    kept: &mut u8,
) -> PyResult<Bound<'py, PyTuple>> {
    if let Some(last) = last {
        if let Some(tuple) = compiled.refill(py, item, last.into_bound(py))? {
            *kept = 0;
            return Ok(tuple);
        }
        *kept = kept.saturating_add(1);
    }
    compiled.read(py, item)
}

#[pymethods]
impl UnpackIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let Self { compiled, memory, next: offset, last, kept, .. } = self;
        let (start, size) = (*offset, compiled.size());
        let end = start.saturating_add(size);
        if end > self.len {
            (*memory, *last) = (Memory::Released, None);
            return Ok(None);
        }
        *offset = end;
        let tuple = match memory {
            Memory::Small { bytes, block, next } => {
                if *next >= block.len() {
                    fill_block(block, bytes.bind(py).as_bytes(), start, size);
                    *next = 0;
                }
                let end = next.saturating_add(size);
                let item = block.get(*next..end).unwrap_or_default();
                *next = end;
                values(py, compiled, item, last.take(), kept)
            }
            Memory::Large(bytes) => {
                let bytes = bytes.bind_borrowed(py);
                values(py, compiled, bytes.as_bytes().get(start..end).unwrap_or_default(), last.take(), kept)
            }
            Memory::Held(held) => with_item_copy(size, |item| {
                held.borrow().read(start, item)?;
                values(py, compiled, item, last.take(), kept)
            }),
            Memory::Released => return Ok(None),
        }?;
        if *kept < KEPT_TUPLES {
            *last = Some(tuple.clone().unbind());
        }
        Ok(Some(tuple))
    }

    fn __length_hint__(&self) -> usize {
        let left = self.len.saturating_sub(self.next);
        left.checked_div(self.compiled.size()).unwrap_or(0)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // A `bytes` object refers to no other object. The last tuple may hold a list, which may hold anything.
        visit.call(&self.last)?;
        match &self.memory {
            Memory::Held(held) => held.traverse(&visit),
            _ => Ok(()),
        }
    }

    fn __clear__(&mut self) {
        self.memory = Memory::Released;
        self.last = None;
    }
}
