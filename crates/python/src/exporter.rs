//! `Exporter`: exports any memory through the buffer protocol.
#![allow(unsafe_code, reason = "the slots of the buffer protocol are `unsafe fn`")]

use std::ffi::c_int;

use pyo3::exceptions::{PyBufferError, PyOverflowError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::errors::{broken_rules, refused_or_ambiguous};
use pep3118::abi::DataModel;
use pep3118::layout::reconcile;
use pep3118::py::Acquired;
use pep3118::py::BufferExporter;
use pep3118::view::{Block, Checked, Checker, Order, RawView, Request, View};

/// Exports memory as items of any format, in any arrangement, to every consumer of the buffer protocol.
///
/// `memory` is a contiguous bytes-like object, of which the exporter holds a buffer as long as it lives. `format`
/// is the format of an item (None: a buffer without a format, of bytes), and `itemsize` its size, by default that of
/// the format. `shape` is the number of items in each dimension, by default all that fit in one dimension. `strides`
/// and `offset` are in bytes, by default those of a C-contiguous array at the start of the memory. Where an entry
/// of `suboffsets` is not negative, the memory holds addresses, and the caller is responsible for the memory at
/// them. `readonly` is by default that of the memory.
///
/// The arguments are checked before a buffer is exported. Raises BufferRuleError for items outside of the memory or
/// a format of another size, FormatError for a format that cannot be read, and BufferError for `readonly=False` with
/// read-only memory, or memory that is not contiguous.
///
/// >>> from pep3118 import Exporter
/// >>> rows = Exporter(bytearray(24), format="<i", shape=(2, 3))
/// >>> memoryview(rows).strides
/// (12, 4)
/// >>> Exporter(b"abcdef", format="c", shape=(3,), strides=(-2,), offset=5).readonly
/// True
#[pyclass(frozen, subclass, module = "pep3118")]
#[derive(Debug)]
pub(super) struct Exporter {
    exporter: BufferExporter,
    view: View<'static>,
    format: Option<String>,
    /// The object whose memory is exported, or the owner of an address.
    obj: Py<PyAny>,
    /// The buffer of the object; `None` for an address.
    memory: Option<Acquired>,
}

/// The arguments that describe the items.
struct ItemArguments {
    format: Option<String>,
    itemsize: Option<i64>,
    shape: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    suboffsets: Option<Vec<i64>>,
    offset: i64,
}

impl ItemArguments {
    /// The size of an item: the argument, or the size of the format.
    fn itemsize(&self) -> PyResult<i64> {
        if let Some(itemsize) = self.itemsize {
            return Ok(itemsize);
        }
        let Some(format) = &self.format else { return Ok(1) };
        let size = reconcile(format.as_bytes(), None, None, &DataModel::HOST)
            .map(|found| found.layout.size())
            .map_err(|error| refused_or_ambiguous(error, "Exporter(…, itemsize=…)"))?;
        i64::try_from(size).map_err(|_| PyOverflowError::new_err(format!("an item of {size} bytes is too large")))
    }

    /// The view of the items in a block of `len` bytes.
    ///
    /// # Errors
    /// - items outside of the block, or a format of another size: `BufferRuleError`
    /// - a block whose length is not a multiple of the itemsize, without a shape: `ValueError`
    fn check(self, py: Python<'_>, len: i64, readonly: bool) -> PyResult<(View<'static>, Option<String>)> {
        if self.format.as_ref().is_some_and(|format| format.contains('\0')) {
            return Err(PyValueError::new_err("a format ends at its first NUL, and this one has characters after it"));
        }
        let itemsize = self.itemsize()?;
        let shape = match self.shape {
            Some(shape) => shape,
            None if self.strides.is_some() || self.suboffsets.is_some() => {
                return Err(PyValueError::new_err("strides and suboffsets need a shape"));
            }
            None => {
                let available = len.saturating_sub(self.offset);
                match (available.checked_div(itemsize), available.checked_rem(itemsize)) {
                    (Some(count), Some(0)) => vec![count],
                    _ => {
                        return Err(PyValueError::new_err(format!(
                            "{available} bytes of memory are not a multiple of the {itemsize}-byte item size: give a shape"
                        )));
                    }
                }
            }
        };
        // An array without entries is NULL.
        let array =
            |entries: &Option<Vec<i64>>| entries.clone().filter(|entries| !(shape.is_empty() && entries.is_empty()));
        let (strides, suboffsets) = (array(&self.strides), array(&self.suboffsets));
        let product = shape.iter().try_fold(itemsize, |bytes, dimension| bytes.checked_mul(*dimension));
        let raw = RawView {
            // A product that overflows breaks A06 (sizes in range); one that is negative, the rule of its factor.
            len: if shape.contains(&0) { 0 } else { product.unwrap_or(i64::MAX).max(0) },
            itemsize,
            readonly: i32::from(readonly),
            ndim: i32::try_from(shape.len()).unwrap_or(i32::MAX),
            format: self.format.as_deref().map(str::as_bytes),
            shape: (!shape.is_empty()).then_some(&shape),
            strides: strides.as_deref(),
            suboffsets: suboffsets.as_deref(),
            ..RawView::default()
        };
        let checker = Checker { memory: Some(Block { len, offset: self.offset }), ..Checker::DEFAULT };
        let Checked { report, view } = checker.check(&raw, None);
        match (broken_rules(py, &report), view) {
            (None, Some(view)) => Ok((view.without_format(), self.format)),
            (Some(error), _) => Err(error),
            (None, None) => Err(PyBufferError::new_err("the items cannot be read")),
        }
    }
}

/// A buffer of an object: read-only, writable, or, without an argument, writable if the exporter grants that.
fn acquire(memory: &Bound<'_, PyAny>, readonly: Option<bool>) -> PyResult<Acquired> {
    match readonly {
        Some(true) => Acquired::new(memory, Request::SIMPLE),
        Some(false) => Acquired::new(memory, Request::WRITABLE),
        None => Acquired::new(memory, Request::WRITABLE).or_else(|_| Acquired::new(memory, Request::SIMPLE)),
    }
}

#[pymethods]
impl Exporter {
    #[new]
    #[pyo3(signature = (memory, *, format = Some("B"), itemsize = None, shape = None, strides = None, suboffsets = None, readonly = None, offset = 0),
        text_signature = "(memory, *, format='B', itemsize=None, shape=None, strides=None, suboffsets=None, readonly=None, offset=0)")]
    #[expect(clippy::too_many_arguments, reason = "the fields of a Py_buffer, by keyword")]
    fn new(
        memory: &Bound<'_, PyAny>,
        format: Option<&str>,
        itemsize: Option<i64>,
        shape: Option<Vec<i64>>,
        strides: Option<Vec<i64>>,
        suboffsets: Option<Vec<i64>>,
        readonly: Option<bool>,
        offset: i64,
    ) -> PyResult<Self> {
        let py = memory.py();
        let items = ItemArguments { format: format.map(str::to_owned), itemsize, shape, strides, suboffsets, offset };
        let acquired = acquire(memory, readonly)?;
        // Only the bytes matter. The exporter's items, and rules about items that it breaks, do not.
        let raw = acquired.raw();
        if !raw.is_contiguous(Order::C) && !raw.is_contiguous(Order::Fortran) {
            return Err(PyBufferError::new_err("the memory is not contiguous"));
        }
        let bytes = RawView { buf: raw.buf, len: raw.len, itemsize: 1, ndim: 1, ..RawView::default() };
        if let Some(error) = broken_rules(py, &Checker::DEFAULT.check(&bytes, None).report) {
            return Err(error);
        }
        let readonly = readonly.unwrap_or(false) || raw.readonly != 0;
        let (view, format) = items.check(py, raw.len, readonly)?;
        let offset = isize::try_from(offset)?;
        // SAFETY: (a) the check proved that the items are in the `len` bytes at `buf`, which may be read while the
        // buffer is held (E04, lifetime of the memory), as the object does; the caller vouches for the memory
        // behind suboffsets. (b) The buffer is writable if the view is.
        let exporter = unsafe { exporter(&view, acquired.buf(), offset, format.as_deref()) };
        Ok(Self { exporter, view, format, obj: memory.clone().unbind(), memory: Some(acquired) })
    }

    /// Exports the `length` bytes at an address: memory that belongs to no Python object, such as a plane of a
    /// video frame or a mapped device.
    ///
    /// The exporter holds `owner` while it, or a buffer of it, exists; `owner` should free the memory when it is
    /// deleted. The address cannot be checked: a wrong one crashes the process or corrupts memory. Read-only
    /// unless `readonly=False`.
    ///
    /// >>> import ctypes
    /// >>> from pep3118 import Exporter
    /// >>> samples = (ctypes.c_short * 4)(1, 2, 3, 4)
    /// >>> left = Exporter.from_address(
    /// ...     ctypes.addressof(samples), ctypes.sizeof(samples), samples, format="h", shape=(2,), strides=(4,))
    /// >>> memoryview(left).tolist()
    /// [1, 3]
    #[staticmethod]
    #[pyo3(signature = (address, length, owner, *, format = Some("B"), itemsize = None, shape = None, strides = None, suboffsets = None, readonly = true, offset = 0),
        text_signature = "(address, length, owner, *, format='B', itemsize=None, shape=None, strides=None, suboffsets=None, readonly=True, offset=0)")]
    #[expect(clippy::too_many_arguments, reason = "the fields of a Py_buffer, by keyword")]
    fn from_address(
        py: Python<'_>,
        address: usize,
        length: i64,
        owner: Py<PyAny>,
        format: Option<&str>,
        itemsize: Option<i64>,
        shape: Option<Vec<i64>>,
        strides: Option<Vec<i64>>,
        suboffsets: Option<Vec<i64>>,
        readonly: bool,
        offset: i64,
    ) -> PyResult<Self> {
        let end = usize::try_from(length).ok().and_then(|length| address.checked_add(length));
        if end.is_none() || (address == 0 && length > 0) {
            return Err(PyValueError::new_err(format!("there are no {length} bytes at address {address:#x}")));
        }
        let items = ItemArguments { format: format.map(str::to_owned), itemsize, shape, strides, suboffsets, offset };
        let (view, format) = items.check(py, length, readonly)?;
        let offset = isize::try_from(offset)?;
        let start = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: (a) and (b) the check proved that the items are in the `length` bytes at `address`; the caller
        // vouches that these may be read, and written to, as long as `owner` exists.
        let exporter = unsafe { exporter(&view, start, offset, format.as_deref()) };
        Ok(Self { exporter, view, format, obj: owner, memory: None })
    }

    /// The number of buffers that consumers hold.
    #[getter]
    fn exports(&self) -> usize {
        self.exporter.exports()
    }

    /// The object whose memory is exported, or the owner of the address.
    #[getter]
    fn obj(&self) -> &Py<PyAny> {
        &self.obj
    }

    /// The format of an item, or None.
    #[getter]
    fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// The size of an item in bytes.
    #[getter]
    fn itemsize(&self) -> i64 {
        self.view.itemsize()
    }

    /// The size of all items in bytes.
    #[getter]
    fn nbytes(&self) -> i64 {
        self.view.len()
    }

    /// The number of dimensions.
    #[getter]
    fn ndim(&self) -> usize {
        self.view.ndim()
    }

    /// Whether consumers cannot write to the memory.
    #[getter]
    fn readonly(&self) -> bool {
        self.view.readonly()
    }

    /// The number of items in each dimension.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.shape())
    }

    /// The distance from one item to the next in each dimension, in bytes.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.strides())
    }

    /// The bytes to add after following a pointer in each dimension; () if no dimension has pointers.
    #[getter]
    fn suboffsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.suboffsets().unwrap_or_default())
    }

    /// Whether the items are contiguous in C order, the last index fastest.
    #[getter]
    fn c_contiguous(&self) -> bool {
        self.view.is_contiguous(Order::C)
    }

    /// Whether the items are contiguous in Fortran order, the first index fastest.
    #[getter]
    fn f_contiguous(&self) -> bool {
        self.view.is_contiguous(Order::Fortran)
    }

    /// Whether the items are contiguous in either order.
    #[getter]
    fn contiguous(&self) -> bool {
        self.c_contiguous() || self.f_contiguous()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (py, this) = (slf.py(), slf.get());
        let format = match &this.format {
            Some(format) => PyString::new(py, format).repr()?.to_string(),
            None => "None".to_owned(),
        };
        let (shape, strides) = (this.shape(py)?, this.strides(py)?);
        let readonly = if this.readonly() { ", readonly" } else { "" };
        Ok(format!("<Exporter format={format}, shape={shape}, strides={strides}{readonly}>"))
    }

    /// Fills in a buffer for a consumer.
    ///
    /// # Safety
    /// - (a) `view` is NULL or a `Py_buffer` that may be written to.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) is that of this function; (b) the object holds the exporter.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    /// Releases a buffer of a consumer.
    ///
    /// # Safety
    /// - (a) `view` was filled in by `__getbuffer__` and is released for the first time.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) is that of this function.
        unsafe { self.exporter.release(view) }
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.obj)?;
        match &self.memory {
            Some(memory) => memory.traverse(&visit),
            None => Ok(()),
        }
    }
}

/// The exporter of items `offset` bytes after the start of a block.
///
/// # Safety
/// - (a) and (b) of [`BufferExporter::new`], `buf` being `offset` bytes after `start`.
unsafe fn exporter(view: &View<'_>, start: *mut u8, offset: isize, format: Option<&str>) -> BufferExporter {
    let first = start.wrapping_offset(offset);
    // SAFETY: (a) and (b) are those of this function.
    unsafe { BufferExporter::with_format(view, first, format.map(str::as_bytes)) }
}
