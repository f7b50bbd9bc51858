//! The Python class `Exporter`, which exports any memory through the buffer protocol.
#![allow(unsafe_code, reason = "the slots of the buffer protocol are `unsafe fn`")]

use std::ffi::c_int;

use crate::objects::{Number, Text, Unsigned};
use pep3118::__private::to_u64;
use pyo3::exceptions::{PyBufferError, PyOverflowError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::errors::{broken_rules, refused};
use super::layout_argument::{Call, LayoutArgument};
use crate::objects::{self, is_refusal, utf8_text};
use crate::short_sequence::ShortSequence;
use crate::tuple_builder::of_numbers;
use pep3118::__private::{escape, plural};
use pep3118::abi::DataModel;
use pep3118::layout::reconcile;
use pep3118::py::Acquired;
use pep3118::py::BufferExporter;
use pep3118::view::{Block, Checked, Checker, Order, RawView, Request, View};

/// Exports memory through the buffer protocol, as items of any format, shape and strides.
///
/// - `memory`: a contiguous bytes-like object. The exporter holds a buffer of `memory` until the exporter is deleted.
/// - `format`: the format of an item, or another description of a layout: a Format, a numpy.dtype, a ctypes class or a
///   record class. With None, the exported buffer has no format, and its items are bytes.
/// - `itemsize`: the size of an item in bytes. The default is the size of `format`.
/// - `shape`: the number of items in each dimension. The default is one dimension with all items after `offset`. Raises
///   ValueError if the bytes after `offset` are not a multiple of the item size and there is no `shape`.
/// - `strides`: the distance in bytes from one item to the next in each dimension. The default is C order.
/// - `suboffsets`: for each dimension, the number of bytes to add after following a pointer. A negative number means
///   that the dimension has no pointers. The caller is responsible for the memory that the pointers refer to.
/// - `readonly`: whether consumers cannot write to the memory. By default, they can write if `memory` is writable.
/// - `offset`: the offset in bytes of the first item in `memory`.
///
/// The constructor checks all arguments. Raises BufferRuleError if an item is outside of `memory` or `itemsize` does
/// not match `format`. Raises FormatError if `format` is invalid. Raises BufferError if `memory` is not contiguous,
/// or if `readonly` is False and `memory` is read-only.
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
    format: Option<Vec<u8>>,
    /// The object that owns the memory: the argument `memory` of the constructor or `owner` of `from_address`.
    obj: Py<PyAny>,
    /// The acquired buffer of `obj`, or `None` if the memory was given by its address.
    memory: Option<Acquired>,
}

/// The arguments of the constructor that describe the items.
struct ItemArguments {
    format: Option<Vec<u8>>,
    /// The size of an item in bytes. `None` if only the format gives the size.
    itemsize: Option<i64>,
    shape: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    suboffsets: Option<Vec<i64>>,
    offset: i64,
}

/// The arguments `shape`, `strides` and `suboffsets`.
type Dimensions = (Option<ShortSequence<i64>>, Option<ShortSequence<i64>>, Option<ShortSequence<i64>>);

/// The argument `format` of the constructor. A missing argument means the format `B`, and `None` means a buffer without
/// a format.
enum Defaulted<'py> {
    Missing,
    Given(Bound<'py, PyAny>),
}

impl<'py> Defaulted<'py> {
    /// Returns the value that the caller gave, or `None` if the caller left the argument out.
    fn given(&self) -> Option<&Bound<'py, PyAny>> {
        match self {
            Self::Missing => None,
            Self::Given(object) => Some(object),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Defaulted<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self::Given(object.to_owned()))
    }
}

/// Returns the format that the buffers have, and the size of an item in bytes. `layout` is the argument `format` of the
/// constructor, and `itemsize` is the argument `itemsize`. If the caller left out `format`, `layout` is `None` and the
/// format is `B`. If the caller gave Python's `None`, the buffers have no format. The size is `None` if neither
/// `itemsize` nor the layout declares a size.
///
/// # Errors
/// - `layout` is an object that describes no layout: `TypeError`
/// - no format describes the layout: `ValueError`
/// - `layout` is an ambiguous `Format`: `FormatError`
/// - an item is larger than a `Py_ssize_t` can count: `OverflowError`
fn format_of(layout: Option<&Bound<'_, PyAny>>, itemsize: Option<i64>) -> PyResult<(Option<Vec<u8>>, Option<i64>)> {
    let Some(layout) = layout else { return Ok((Some(b"B".to_vec()), itemsize)) };
    if layout.is_none() {
        return Ok((None, itemsize));
    }
    match LayoutArgument::new(layout, "format")? {
        LayoutArgument::Text(text) => Ok((Some(text), itemsize)),
        LayoutArgument::Format(format) => {
            let format = format.get();
            let size = format.layout().size();
            let Some(text) = format.exported()? else {
                return Err(objects::error::<PyValueError>(format!(
                    "no format describes the layout of `format`, for example because fields share bytes\n\
                     help: Exporter(…, format='{size}s') exports the same memory as byte strings"
                )));
            };
            let size = i64::try_from(size).map_err(|_| too_large(size))?;
            Ok((Some(text), itemsize.or(Some(size))))
        }
    }
}

/// Creates the `OverflowError` for a `size` of an item, in bytes, that does not fit in a `Py_ssize_t`.
fn too_large(size: u64) -> PyErr {
    objects::error::<PyOverflowError>(format!("an item of {} is too large", plural(size, "byte")))
}

impl ItemArguments {
    /// Combines the arguments. The fields of the result have the same names as the arguments.
    fn new(
        (format, itemsize): (Option<Vec<u8>>, Option<i64>),
        (shape, strides, suboffsets): Dimensions,
        offset: i64,
    ) -> Self {
        let numbers = |argument: Option<ShortSequence<i64>>| argument.map(|sequence| sequence.0);
        let (shape, strides, suboffsets) = (numbers(shape), numbers(strides), numbers(suboffsets));
        Self { format, itemsize, shape, strides, suboffsets, offset }
    }

    /// Returns the size of an item in bytes: the argument `itemsize`, or by default the size of the format. The size is
    /// 1 if there is no format either. Returns an error if there is no `itemsize` and the format is invalid.
    fn itemsize(&self) -> PyResult<i64> {
        if let Some(itemsize) = self.itemsize {
            return Ok(itemsize);
        }
        let Some(format) = &self.format else { return Ok(1) };
        let size = reconcile(format, None, None, &DataModel::HOST)
            .map(|found| found.layout.size())
            .map_err(|error| refused(&error, (format, None, None), &DataModel::HOST, Call::EXPORTER))?;
        i64::try_from(size).map_err(|_| too_large(size))
    }

    /// Checks the arguments for a memory block of `len` bytes. `readonly` is `true` if consumers may not write to the
    /// memory. Returns the view of the items, which has no format, and the format of the buffers (`None` for no
    /// format).
    ///
    /// # Errors
    /// - an item is outside of the memory block, or `itemsize` does not match the format: `BufferRuleError`
    /// - there is no shape, and `len` minus the argument `offset` is not a multiple of the item size: `ValueError`
    /// - there are strides or suboffsets but no shape: `ValueError`
    /// - the format contains a NUL: `ValueError`
    /// - there is no `itemsize`, and the format is invalid or ambiguous: `FormatError`
    /// - there is no `itemsize`, and the size of the format does not fit in a `Py_ssize_t`: `OverflowError`
    fn check(self, py: Python<'_>, len: i64, readonly: bool) -> PyResult<(View<'static>, Option<Vec<u8>>)> {
        if self.format.as_ref().is_some_and(|format| format.contains(&0)) {
            return Err(objects::error::<PyValueError>(
                "the format contains a NUL character, but a C string ends at the first NUL",
            ));
        }
        let itemsize = self.itemsize()?;
        let shape = match self.shape {
            Some(shape) => shape,
            None if self.strides.is_some() || self.suboffsets.is_some() => {
                return Err(objects::error::<PyValueError>("strides and suboffsets need a shape"));
            }
            None => {
                let available = len.saturating_sub(self.offset);
                match (available.checked_div(itemsize), available.checked_rem(itemsize)) {
                    (Some(count), Some(0)) => vec![count],
                    _ => {
                        return Err(objects::error::<PyValueError>(format!(
                            "{} of memory {} not a multiple of the {itemsize}-byte item size: give a shape",
                            plural(available, "byte"),
                            if available == 1 { "is" } else { "are" }
                        )));
                    }
                }
            }
        };
        // In a buffer without dimensions, `strides` and `suboffsets` are NULL. An empty array from the caller therefore
        // becomes `None`.
        let array =
            |entries: &Option<Vec<i64>>| entries.clone().filter(|entries| !(shape.is_empty() && entries.is_empty()));
        let (strides, suboffsets) = (array(&self.strides), array(&self.suboffsets));
        let product = shape.iter().try_fold(itemsize, |bytes, dimension| bytes.checked_mul(*dimension));
        let raw = RawView {
            // `Checker` reports a product that is too large (rule A06, sizes in range). A product is negative only if
            // `itemsize` or the length of a dimension is negative, and `Checker` reports this negative number.
            len: if shape.contains(&0) { 0 } else { product.unwrap_or(i64::MAX).max(0) },
            itemsize,
            readonly: i32::from(readonly),
            // `Checker` reports every number of dimensions above 64, including `i32::MAX`.
            ndim: i32::try_from(shape.len()).unwrap_or(i32::MAX),
            format: self.format.as_deref(),
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
            (None, None) => {
                debug_assert!(false, "only a report with an error has no view");
                Err(objects::error::<PyBufferError>("internal error: the items cannot be read, but no rule is broken"))
            }
        }
    }
}

/// Acquires a buffer of `memory`. If `readonly` is `Some(false)`, the buffer is writable. If `readonly` is
/// `Some(true)`, the buffer may be read-only. If `readonly` is `None`, the buffer is writable unless the exporter
/// refuses the request for a writable buffer.
///
/// # Errors
/// - the exporter of `memory` raises an exception: the exception is returned unchanged
fn acquire(memory: &Bound<'_, PyAny>, readonly: Option<bool>) -> PyResult<Acquired> {
    match readonly {
        Some(true) => Acquired::new(memory, Request::SIMPLE),
        Some(false) => Acquired::new(memory, Request::WRITABLE),
        None => match Acquired::new(memory, Request::WRITABLE) {
            Err(error) if is_refusal(&error, memory.py()) => Acquired::new(memory, Request::SIMPLE),
            acquired => acquired,
        },
    }
}

#[pymethods]
impl Exporter {
    #[new]
    #[pyo3(signature = (memory, *, format = Defaulted::Missing, itemsize = None, shape = None, strides = None, suboffsets = None, readonly = None, offset = 0),
        text_signature = "(memory, *, format='B', itemsize=None, shape=None, strides=None, suboffsets=None, readonly=None, offset=0)")]
    #[expect(clippy::too_many_arguments, reason = "the fields of a Py_buffer, by keyword")]
    fn new(
        memory: &Bound<'_, PyAny>,
        format: Defaulted<'_>,
        itemsize: Option<i64>,
        shape: Option<ShortSequence<i64>>,
        strides: Option<ShortSequence<i64>>,
        suboffsets: Option<ShortSequence<i64>>,
        readonly: Option<bool>,
        offset: i64,
    ) -> PyResult<Self> {
        let py = memory.py();
        let (format, itemsize) = format_of(format.given(), itemsize)?;
        let items = ItemArguments::new((format, itemsize), (shape, strides, suboffsets), offset);
        let acquired = acquire(memory, readonly)?;
        // The memory is exported as new items, so the format and the shape of `memory` do not matter.
        let raw = acquired.raw();
        if !raw.is_contiguous(Order::C) && !raw.is_contiguous(Order::Fortran) {
            return Err(objects::error::<PyBufferError>("the memory is not contiguous"));
        }
        let bytes = RawView { buf: raw.buf, len: raw.len, itemsize: 1, ndim: 1, ..RawView::default() };
        if let Some(error) = broken_rules(py, &Checker::DEFAULT.check(&bytes, None).report) {
            return Err(error);
        }
        let readonly = readonly.unwrap_or(false) || raw.readonly != 0;
        let (view, format) = items.check(py, raw.len, readonly)?;
        let offset = isize::try_from(offset)?;
        // SAFETY: (a) `items.check` proved that all items are inside of the `raw.len` bytes at `acquired.buf()`.
        // These bytes stay valid while `acquired` is held (rule E04, lifetime of the memory), and the new object
        // holds `acquired`. The caller is responsible for memory that suboffsets refer to. (b) If the view is
        // writable, `raw.readonly` is 0, so the exporter of `memory` allows writes.
        let exporter = unsafe { new_exporter(&view, acquired.buf(), offset, format.as_deref()) };
        Ok(Self { exporter, view, format, obj: memory.clone().unbind(), memory: Some(acquired) })
    }

    /// Exports the `length` bytes at `address`, for memory that belongs to no Python object.
    ///
    /// The exporter and its buffers hold a reference to `owner`, an object that frees the memory when it is deleted.
    /// The address cannot be checked. A wrong address or length crashes the process or corrupts memory. The buffers
    /// are read-only unless `readonly` is False. The other arguments are those of the constructor.
    ///
    /// >>> import ctypes
    /// >>> from pep3118 import Exporter
    /// >>> samples = (ctypes.c_short * 4)(1, 2, 3, 4)
    /// >>> left = Exporter.from_address(
    /// ...     ctypes.addressof(samples), ctypes.sizeof(samples), samples, format="h", shape=(2,), strides=(4,))
    /// >>> memoryview(left).tolist()
    /// [1, 3]
    #[staticmethod]
    #[pyo3(signature = (address, length, owner, *, format = Defaulted::Missing, itemsize = None, shape = None, strides = None, suboffsets = None, readonly = true, offset = 0),
        text_signature = "(address, length, owner, *, format='B', itemsize=None, shape=None, strides=None, suboffsets=None, readonly=True, offset=0)")]
    #[expect(clippy::too_many_arguments, reason = "the fields of a Py_buffer, by keyword")]
    fn from_address(
        py: Python<'_>,
        address: usize,
        length: i64,
        owner: Py<PyAny>,
        format: Defaulted<'_>,
        itemsize: Option<i64>,
        shape: Option<ShortSequence<i64>>,
        strides: Option<ShortSequence<i64>>,
        suboffsets: Option<ShortSequence<i64>>,
        readonly: bool,
        offset: i64,
    ) -> PyResult<Self> {
        let end = usize::try_from(length).ok().and_then(|length| address.checked_add(length));
        if end.is_none() || (address == 0 && length > 0) {
            return Err(objects::error::<PyValueError>(format!("there are no {length} bytes at address {address:#x}")));
        }
        let (format, itemsize) = format_of(format.given(), itemsize)?;
        let items = ItemArguments::new((format, itemsize), (shape, strides, suboffsets), offset);
        let (view, format) = items.check(py, length, readonly)?;
        let offset = isize::try_from(offset)?;
        let start = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: (a) `items.check` proved that all items are inside of the `length` bytes at `address`. The Python
        // caller is responsible for the memory at `address`, which must be valid while `owner` exists. The new object
        // holds `owner`. (b) The caller is responsible for writable memory if `readonly` is False.
        let exporter = unsafe { new_exporter(&view, start, offset, format.as_deref()) };
        Ok(Self { exporter, view, format, obj: owner, memory: None })
    }

    /// The number of buffers that consumers hold now.
    #[getter]
    fn exports(&self) -> Unsigned {
        Unsigned(to_u64(self.exporter.exports()))
    }

    /// The object that owns the memory: the argument `memory`, or `owner` of `from_address`.
    #[getter]
    fn obj(&self) -> &Py<PyAny> {
        &self.obj
    }

    /// The format of an item, or None if buffers have no format.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        self.format.as_deref().map(|format| utf8_text(py, format)).transpose()
    }

    /// The size of an item in bytes.
    #[getter]
    fn itemsize(&self) -> Number {
        Number(self.view.itemsize())
    }

    /// The size of all items in bytes.
    #[getter]
    fn nbytes(&self) -> Number {
        Number(self.view.len())
    }

    /// The number of dimensions.
    #[getter]
    fn ndim(&self) -> Unsigned {
        Unsigned(to_u64(self.view.ndim()))
    }

    /// Whether consumers cannot write to the memory.
    #[getter]
    fn readonly(&self) -> bool {
        self.view.readonly()
    }

    /// The number of items in each dimension.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_numbers(py, self.view.shape())
    }

    /// The distance in bytes from one item to the next in each dimension.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_numbers(py, self.view.strides())
    }

    /// The bytes to add after following a pointer in each dimension, or () if no dimension has pointers.
    #[getter]
    fn suboffsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_numbers(py, self.view.suboffsets().unwrap_or_default())
    }

    /// Whether the items are contiguous in C order: the last index changes fastest.
    #[getter]
    fn c_contiguous(&self) -> bool {
        self.view.is_contiguous(Order::C)
    }

    /// Whether the items are contiguous in Fortran order: the first index changes fastest.
    #[getter]
    fn f_contiguous(&self) -> bool {
        self.view.is_contiguous(Order::Fortran)
    }

    /// Whether the items are contiguous in C order or in Fortran order.
    #[getter]
    fn contiguous(&self) -> bool {
        self.c_contiguous() || self.f_contiguous()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<Text<String>> {
        let (py, this) = (slf.py(), slf.get());
        let format = match &this.format {
            Some(format) => escape(&*utf8_text(py, format)?.repr()?.to_string_lossy()).into_owned(),
            None => "None".to_owned(),
        };
        let (shape, strides) = (this.shape(py)?.repr()?, this.strides(py)?.repr()?);
        let (shape, strides) = (shape.to_str()?, strides.to_str()?);
        let readonly = if this.readonly() { ", readonly" } else { "" };
        Ok(Text(format!("<Exporter format={format}, shape={shape}, strides={strides}{readonly}>")))
    }

    /// Answers a request for a buffer with `flags`: fills `view`, or raises an exception.
    ///
    /// # Safety
    /// - (a) `view` is NULL, or points to a `Py_buffer` that may be written to.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: requirement (a) of `fill` is requirement (a) of `__getbuffer__`. (b) `slf` contains the exporter, and
        // the filled buffer holds a reference to `slf`.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    /// Releases the buffer `view` of a consumer.
    ///
    /// # Safety
    /// - (a) `__getbuffer__` of this object filled `view`, and `view` was not released before.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) is requirement (a) of this function.
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

/// Creates the exporter of the items of `view`. `start` is the address of the memory, and the first item is `offset`
/// bytes after `start`. Consumers get the format `format`, or NULL if `format` is `None`.
///
/// # Safety
/// - (a) and (b): requirements (a) and (b) of [`BufferExporter::new`] for the pointer `start + offset`.
unsafe fn new_exporter(view: &View<'_>, start: *mut u8, offset: isize, format: Option<&[u8]>) -> BufferExporter {
    let first = start.wrapping_offset(offset);
    // SAFETY: (a) and (b) are requirements (a) and (b) of this function, because `first` is `start + offset`.
    unsafe { BufferExporter::with_format(view, first, format) }
}
