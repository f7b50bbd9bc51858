//! Memory that Python shows through the buffer protocol.
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

/// Shows memory as items of any format, in any arrangement, to every consumer of the buffer protocol.
///
/// `memory` is any contiguous bytes-like object; it is kept, with a buffer of it, as long as the exporter
/// lives. `format` is that of an item (None: NULL, plain bytes), `itemsize` its bytes, which follow from
/// the format; `shape` counts items, by default all that fit in one dimension; `strides` and `offset` are
/// in bytes, by default those of a C-contiguous array from the start of the memory on. Where an entry of
/// `suboffsets` is not negative, the memory holds addresses: whoever passes them answers for what lies
/// there. `readonly` is by default what the memory is.
///
/// The numbers are checked before anything is exported: BufferRuleError for items outside of the memory or
/// a format of another size, FormatError for a format that cannot be read, BufferError for
/// `readonly=False` of read-only memory or memory that is not contiguous.
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
    /// What the items lie in: the object, or whoever answers for an address.
    obj: Py<PyAny>,
    memory: Option<Acquired>,
}

/// What the items are and where they lie.
struct Items {
    format: Option<String>,
    itemsize: Option<i64>,
    shape: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    suboffsets: Option<Vec<i64>>,
    offset: i64,
}

impl Items {
    /// Bytes of an item: those that were named, else those of the format.
    fn itemsize(&self) -> PyResult<i64> {
        if let Some(itemsize) = self.itemsize {
            return Ok(itemsize);
        }
        let Some(format) = &self.format else { return Ok(1) };
        let size = reconcile(format.as_bytes(), None, None, &DataModel::HOST)
            .map(|found| found.layout.size())
            .map_err(|error| refused_or_ambiguous(error, "Exporter(…, itemsize=…)"))?;
        i64::try_from(size).map_err(|_| PyOverflowError::new_err("the item is too large"))
    }

    /// The items of a block of memory, if it has them.
    fn check(self, py: Python<'_>, len: i64, readonly: bool) -> PyResult<(View<'static>, Option<String>)> {
        if self.format.as_ref().is_some_and(|format| format.contains('\0')) {
            return Err(PyValueError::new_err("a format ends at its first NUL, and this one has more after it"));
        }
        let itemsize = self.itemsize()?;
        let shape = match self.shape {
            Some(shape) => shape,
            None if self.strides.is_some() || self.suboffsets.is_some() => {
                return Err(PyValueError::new_err("strides and suboffsets need a shape"));
            }
            None => {
                let room = len.saturating_sub(self.offset);
                match (room.checked_div(itemsize), room.checked_rem(itemsize)) {
                    (Some(count), Some(0)) => vec![count],
                    _ => {
                        return Err(PyValueError::new_err(format!(
                            "{room} bytes of memory are no whole number of {itemsize}-byte items: name a shape"
                        )));
                    }
                }
            }
        };
        // What a C array of no entries is.
        let array =
            |entries: &Option<Vec<i64>>| entries.clone().filter(|entries| !(shape.is_empty() && entries.is_empty()));
        let (strides, suboffsets) = (array(&self.strides), array(&self.suboffsets));
        let product = shape.iter().try_fold(itemsize, |bytes, extent| bytes.checked_mul(*extent));
        let raw = RawView {
            // Where the product overflows, A06 tells; where it is negative, the rule of what made it so.
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
            (None, None) => Err(PyBufferError::new_err("the items cannot be found")),
        }
    }
}

/// The bytes of an object, writable if they can be had so and that is wanted.
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
        let items = Items { format: format.map(str::to_owned), itemsize, shape, strides, suboffsets, offset };
        let acquired = acquire(memory, readonly)?;
        // Only the bytes count here: what the exporter says of items, and whether it keeps the other rules, does
        // not matter.
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
        // SAFETY: (a) the items lie in the `len` bytes at `buf`, which the check has shown, and these may be
        // read as long as the buffer is held (E04), which the object does; what lies behind suboffsets is
        // the word of the caller. (b) The buffer is writable where the view is.
        let exporter = unsafe { exporter(&view, acquired.buf(), offset, format.as_deref()) };
        Ok(Self { exporter, view, format, obj: memory.clone().unbind(), memory: Some(acquired) })
    }

    /// Shows the `length` bytes at an address: memory that no Python object has, such as the plane of a
    /// video frame or a mapped device.
    ///
    /// `owner` is kept as long as anybody holds a buffer, and should free the memory when it goes. Nothing
    /// can be checked about the address: a wrong one ends the process, or worse. Read-only unless
    /// `readonly=False`.
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
        let items = Items { format: format.map(str::to_owned), itemsize, shape, strides, suboffsets, offset };
        let (view, format) = items.check(py, length, readonly)?;
        let start = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: (a) and (b) the items lie in the `length` bytes at `address`, which the check has shown;
        // that these are there as long as `owner` lives, and may be written to, is the word of the caller.
        let exporter = unsafe { exporter(&view, start, offset, format.as_deref()) };
        Ok(Self { exporter, view, format, obj: owner, memory: None })
    }

    /// How many buffers consumers hold.
    #[getter]
    fn exports(&self) -> usize {
        self.exporter.exports()
    }

    /// The object whose memory it is, or the owner of the address.
    #[getter]
    fn obj(&self) -> &Py<PyAny> {
        &self.obj
    }

    /// The format of an item, or None.
    #[getter]
    fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// Bytes of an item.
    #[getter]
    fn itemsize(&self) -> i64 {
        self.view.itemsize()
    }

    /// Bytes of all items.
    #[getter]
    fn nbytes(&self) -> i64 {
        self.view.len()
    }

    /// Number of dimensions.
    #[getter]
    fn ndim(&self) -> usize {
        self.view.ndim()
    }

    /// Whether consumers may not write.
    #[getter]
    fn readonly(&self) -> bool {
        self.view.readonly()
    }

    /// Items in each dimension.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.shape())
    }

    /// Bytes from one item to the next in each dimension.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.strides())
    }

    /// Bytes to add after following a pointer in each dimension; () where there is none.
    #[getter]
    fn suboffsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.suboffsets().unwrap_or_default())
    }

    /// Whether the items adjoin, the last index fastest.
    #[getter]
    fn c_contiguous(&self) -> bool {
        self.view.is_contiguous(Order::C)
    }

    /// Whether the items adjoin, the first index fastest.
    #[getter]
    fn f_contiguous(&self) -> bool {
        self.view.is_contiguous(Order::Fortran)
    }

    /// Whether the items adjoin in either order.
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

    /// Answers a request.
    ///
    /// # Safety
    /// - (a) `view` is NULL or a `Py_buffer` that may be written to.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) is that of this function; (b) the object holds the exporter.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    /// Counts a release.
    ///
    /// # Safety
    /// - (a) `view` was filled in by `__getbuffer__` and is released for the first time.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) is that of this function.
        unsafe { self.exporter.release(view) }
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.obj)?;
        self.memory.as_ref().map_or(Ok(()), |memory| memory.traverse(&visit))
    }
}

/// The exporter of the items that lie `offset` bytes into a block.
///
/// # Safety
/// - (a) and (b) of [`BufferExporter::new`], `buf` being `offset` bytes after `start`.
unsafe fn exporter(view: &View<'_>, start: *mut u8, offset: i64, format: Option<&str>) -> BufferExporter {
    // What was checked fits the address space.
    let first = start.wrapping_offset(isize::try_from(offset).unwrap_or(0));
    // SAFETY: (a) and (b) are those of this function.
    unsafe { BufferExporter::with_format(view, first, format.map(str::as_bytes)) }
}
