//! The Python class `unpack_iterator`, the iterator that `iter_unpack` returns.

use std::sync::Arc;

use pep3118::__private::to_u64;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::compiled::Compiled;
use super::errors::error;
use crate::borrowed_bytes::HeldBytes;
use crate::fastcall::counted;
use crate::objects::{Unsigned, with_item_copy};

/// The number of bytes that the iterator copies at once from a `bytes` object. Access to the memory of the object takes
/// as long as reading one value, so the iterator copies several items in one access.
const BLOCK: usize = 1 << 12;

/// The iterator stops trying to reuse the last tuple after this number of consecutive failures. A tuple cannot be
/// reused while the consumer refers to the tuple.
const MAX_FAILED_REUSES: u8 = 8;

/// The memory that the iterator reads items from.
#[derive(Debug)]
enum Memory {
    /// A `bytes` object whose items are larger than `BLOCK` bytes. The object is immutable, so items are not copied.
    LargeItems(Py<PyBytes>),
    /// A `bytes` object whose items are at most `BLOCK` bytes.
    SmallItems {
        bytes: Py<PyBytes>,
        /// A copy of the next items.
        block: Vec<u8>,
        /// The offset of the next item in `block`, in bytes.
        next: usize,
    },
    /// A buffer of any other exporter. Another thread can write to the memory, so the iterator copies each item before
    /// it reads the values.
    Buffer(Box<HeldBytes>),
    /// No memory: the iterator has ended and has released the memory.
    Released,
}

/// The iterator that `iter_unpack` returns.
///
/// The class is not frozen, because each step changes the object. A step during another step, for example in another
/// thread, raises `RuntimeError`.
#[pyclass(name = "unpack_iterator", module = "pep3118.struct")]
#[derive(Debug)]
pub(crate) struct UnpackIterator {
    compiled: Arc<Compiled>,
    memory: Memory,
    /// The length of the memory in bytes.
    len: usize,
    /// The offset of the next item in bytes.
    next: usize,
    /// The last tuple. Like `zip`, the next step reuses the tuple if the consumer has dropped it.
    last: Option<Py<PyTuple>>,
    /// The number of consecutive steps that could not reuse the last tuple, at most `MAX_FAILED_REUSES`.
    failed_reuses: u8,
}

impl UnpackIterator {
    /// Creates an iterator over the items of `buffer`. `compiled` is the format of the items.
    ///
    /// # Errors
    /// - an item has 0 bytes, or `buffer` ends in the middle of an item: `struct.error`
    /// - `buffer` does not support the buffer protocol: `TypeError`
    pub(super) fn create<'py>(compiled: Arc<Compiled>, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, size) = (buffer.py(), compiled.size());
        if size == 0 {
            return Err(error(py, "cannot iteratively unpack with a struct of length 0"));
        }
        let (memory, len) = match buffer.cast_exact::<PyBytes>() {
            Ok(bytes) => {
                let (len, bytes) = (bytes.as_bytes().len(), bytes.clone().unbind());
                let memory = match size <= BLOCK {
                    true => Memory::SmallItems { bytes, block: Vec::new(), next: 0 },
                    false => Memory::LargeItems(bytes),
                };
                (memory, len)
            }
            Err(_) => {
                let held = counted(py, || HeldBytes::new(buffer))?;
                let len = held.borrow().len();
                (Memory::Buffer(Box::new(held)), len)
            }
        };
        if len.checked_rem(size) != Some(0) {
            let message = format!("iterative unpacking requires a buffer of a multiple of {size} bytes");
            return Err(error(py, message));
        }
        Ok(Bound::new(py, Self { compiled, memory, len, next: 0, last: None, failed_reuses: 0 })?.into_any())
    }
}

/// Replaces the contents of `block` by a copy of the next items in `bytes`. The first item starts at byte `start`, and
/// each item has `size` bytes. Copies as many items as fit into `BLOCK` bytes, or all remaining items if they are
/// fewer. The caller must have checked that an item starts at `start`.
#[cold]
fn fill_block(block: &mut Vec<u8>, bytes: &[u8], start: usize, size: usize) {
    // `create` refuses items of 0 bytes, so the default is never used.
    let items = BLOCK.checked_div(size).unwrap_or(0);
    let rest = bytes.get(start..).unwrap_or_default();
    block.clear();
    block.extend_from_slice(rest.get(..items.saturating_mul(size)).unwrap_or(rest));
}

/// Returns a tuple with the values of `item`, the bytes of one item of the format `compiled`. Reuses the tuple `last`
/// if the consumer has dropped this tuple. Adds 1 to `failed_reuses` if `last` cannot be reused, and sets
/// `failed_reuses` to 0 if `last` is reused. Returns an error if there is no memory.
#[inline]
fn values<'py>(
    py: Python<'py>,
    compiled: &Compiled,
    item: &[u8],
    last: Option<Py<PyTuple>>,
    failed_reuses: &mut u8,
) -> PyResult<Bound<'py, PyTuple>> {
    if let Some(last) = last {
        if let Some(tuple) = compiled.refill(py, item, last.into_bound(py))? {
            *failed_reuses = 0;
            return Ok(tuple);
        }
        *failed_reuses = failed_reuses.saturating_add(1);
    }
    compiled.read(py, item)
}

#[pymethods]
impl UnpackIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let Self { compiled, memory, next: offset, last, failed_reuses, .. } = self;
        let (start, size) = (*offset, compiled.size());
        let end = start.saturating_add(size);
        if end > self.len {
            (*memory, *last) = (Memory::Released, None);
            return Ok(None);
        }
        *offset = end;
        let tuple = match memory {
            // `create` has checked that the memory is a whole number of items. The ranges below are therefore inside of
            // the memory.
            Memory::SmallItems { bytes, block, next } => {
                if *next >= block.len() {
                    fill_block(block, bytes.bind(py).as_bytes(), start, size);
                    *next = 0;
                }
                let end = next.saturating_add(size);
                let item = block.get(*next..end).unwrap_or_default();
                *next = end;
                values(py, compiled, item, last.take(), failed_reuses)
            }
            Memory::LargeItems(bytes) => {
                let bytes = bytes.bind_borrowed(py);
                let item = bytes.as_bytes().get(start..end).unwrap_or_default();
                values(py, compiled, item, last.take(), failed_reuses)
            }
            Memory::Buffer(held) => with_item_copy(size, |item| {
                held.borrow().read(start, item)?;
                values(py, compiled, item, last.take(), failed_reuses)
            }),
            Memory::Released => return Ok(None),
        }?;
        if *failed_reuses < MAX_FAILED_REUSES {
            *last = Some(tuple.clone().unbind());
        }
        Ok(Some(tuple))
    }

    fn __length_hint__(&self) -> Unsigned {
        let left = self.len.saturating_sub(self.next);
        // `create` refuses items of 0 bytes, so the default is never used.
        Unsigned(to_u64(left.checked_div(self.compiled.size()).unwrap_or(0)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // `bytes` objects refer to no other object. The last tuple can contain a list, to which the consumer can add
        // any object.
        visit.call(&self.last)?;
        match &self.memory {
            Memory::Buffer(held) => held.traverse(&visit),
            // `bytes` objects refer to no other object.
            _ => Ok(()),
        }
    }

    fn __clear__(&mut self) {
        self.memory = Memory::Released;
        self.last = None;
    }
}
