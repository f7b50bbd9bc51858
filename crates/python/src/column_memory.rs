//! The exporter behind a view of a column that this package decoded.
#![allow(unsafe_code, reason = "an exporter is made of `unsafe` slots")]

use std::ffi::c_int;

use pep3118::decode::ColumnData;
use pep3118::py::BufferExporter;
use pep3118::view::{Order, View};
use pyo3::ffi;
use pyo3::prelude::*;

/// A column of this program that others may read and write: the exporter behind a view of it.
///
/// INVARIANT: `column` is never looked at again, and not touched before the exporter is gone.
#[pyclass(frozen, name = "_Column", module = "pep3118")]
pub(crate) struct ColumnMemory {
    exporter: BufferExporter,
    _column: Box<dyn std::any::Any + Send + Sync>,
}

impl ColumnMemory {
    /// The elements of a column by a view of as many bytes, without offset; `None` if it has others.
    pub(crate) fn new(view: &View<'_>, column: ColumnData) -> Option<Self> {
        let mut column = column;
        let bytes = column.units_mut()?;
        let whole = view.is_contiguous(Order::C) && view.offset() == 0 && !view.is_indirect();
        if !whole || u64::try_from(view.len()) != u64::try_from(bytes.len()) {
            return None;
        }
        let buf = bytes.as_mut_ptr();
        // SAFETY: (a) and (b): the items are all bytes of the vector in `column`, which lives as long as the
        // object, does not move, and is reached through `buf` only.
        let exporter = unsafe { BufferExporter::new(view, buf) };
        Some(Self { exporter, _column: Box::new(column) })
    }
}

#[pymethods]
impl ColumnMemory {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) the interpreter passes a struct to fill in; (b) the object holds the exporter.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) the interpreter passes a struct that `fill` has filled in, once.
        unsafe { self.exporter.release(view) }
    }
}
