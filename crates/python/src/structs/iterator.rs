//! Items one after the other.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::compiled::Compiled;
use super::errors::error;
use super::offset::with_scratch;
use crate::borrowed_bytes::HeldBytes;

/// Bytes that are copied at a time: to ask an object for them costs as much as a value.
const BLOCK: usize = 1 << 12;

/// Where the items lie.
#[derive(Debug)]
enum Source {
    /// Items larger than a block. They never change.
    Large(Py<PyBytes>),
    /// The same, so that many small ones are copied at a time.
    Small {
        bytes: Py<PyBytes>,
        /// Some items.
        block: Vec<u8>,
        /// Where the next one starts in there, in bytes.
        next: usize,
    },
    /// Released with the last item.
    Held(HeldBytes),
    /// All items were told.
    Done,
}

/// The iterator of `iter_unpack`.
///
/// Every step changes it, so it is not frozen: who steps while another step is under way gets a
/// `RuntimeError`.
#[pyclass(name = "unpack_iterator", module = "pep3118.struct")]
#[derive(Debug)]
pub(crate) struct UnpackIterator {
    compiled: Arc<Compiled>,
    source: Source,
    /// All bytes.
    len: usize,
    /// Where the next item starts, in bytes.
    next: usize,
    /// The last tuple: nearly always nobody has it when the next one is asked for.
    spare: Option<Py<PyTuple>>,
}

impl UnpackIterator {
    pub(super) fn new(compiled: Arc<Compiled>, buffer: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (py, size) = (buffer.py(), compiled.size());
        if size == 0 {
            return Err(error(py, "cannot iteratively unpack with a struct of length 0"));
        }
        let (source, len) = match buffer.cast_exact::<PyBytes>() {
            Ok(bytes) => {
                let (len, bytes) = (bytes.as_bytes().len(), bytes.clone().unbind());
                let small = size <= BLOCK;
                (if small { Source::Small { bytes, block: Vec::new(), next: 0 } } else { Source::Large(bytes) }, len)
            }
            Err(_) => {
                let held = HeldBytes::new(buffer)?;
                let len = held.lend().len();
                (Source::Held(held), len)
            }
        };
        if len.checked_rem(size) != Some(0) {
            let message = format!("iterative unpacking requires a buffer of a multiple of {size} bytes");
            return Err(error(py, message));
        }
        Ok(Self { compiled, source, len, next: 0, spare: None })
    }
}

/// Copies some of the items from `start` on: as many as make up a block.
#[cold]
fn refresh(block: &mut Vec<u8>, bytes: &[u8], start: usize, size: usize) {
    let items = BLOCK.checked_div(size).unwrap_or(0);
    let rest = bytes.get(start..).unwrap_or_default();
    block.clear();
    block.extend_from_slice(rest.get(..items.saturating_mul(size)).unwrap_or(rest));
}

#[pymethods]
impl UnpackIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let (compiled, start) = (&*self.compiled, self.next);
        let end = start.saturating_add(compiled.size());
        if end > self.len {
            self.source = Source::Done;
            self.spare = None;
            return Ok(None);
        }
        self.next = end;
        let spare = self.spare.take();
        let tuple = match &mut self.source {
            Source::Small { bytes, block, next } => {
                if *next >= block.len() {
                    refresh(block, bytes.bind(py).as_bytes(), start, compiled.size());
                    *next = 0;
                }
                let end = next.saturating_add(compiled.size());
                let item = block.get(*next..end).unwrap_or_default();
                *next = end;
                compiled.read_again(py, item, spare)
            }
            Source::Large(bytes) => {
                let bytes = bytes.bind_borrowed(py);
                compiled.read_again(py, bytes.as_bytes().get(start..end).unwrap_or_default(), spare)
            }
            Source::Held(held) => with_scratch(compiled.size(), |item| {
                held.lend().read(start, item)?;
                compiled.read_again(py, item, spare)
            }),
            Source::Done => return Ok(None),
        }?;
        self.spare = Some(tuple.clone().unbind());
        Ok(Some(tuple))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The tuple and the bytes hold no reference to the iterator.
        match &self.source {
            Source::Held(held) => held.traverse(&visit),
            _ => Ok(()),
        }
    }

    fn __length_hint__(&self) -> usize {
        let left = self.len.saturating_sub(self.next);
        left.checked_div(self.compiled.size()).unwrap_or(0)
    }
}
