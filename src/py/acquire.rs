//! `Acquired`: a `Py_buffer` from the request to the release. `SharedView`: a validated view of the items of an
//! `Acquired`. `RawViewBuf::from_ffi`: a copy of the fields of any `Py_buffer`. `debug_assert_buffer!`: a check of the
//! `Py_buffer` that an exporter fills in.
//!
//! PyO3's `PyBuffer` is not used. `PyBuffer` refuses exporters that this crate reads (ctypes arrays, buffers without
//! dimensions), and does not validate the fields of the `Py_buffer`.
#![allow(unsafe_code, reason = "requests and releases buffers, and passes their memory to `foreign.rs`")]

use crate::align::to_u64;
use std::borrow::Borrow;
use std::ffi::{c_char, c_int, c_void};
use std::mem::{forget, replace};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use super::fallible;
use crate::name;
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use smallvec::SmallVec;

use super::dlpack::DlpackMemory;
use crate::abi::DataModel;
use crate::decode::{Buffer, BufferMut, DecodeError, EncodeError, Memory, Plan};
use crate::foreign::{copy_contiguous_items, follow_pointer, with_memory};
use crate::format::Limits;
use crate::layout::Field;
use crate::view::{
    Checked, Checker, ItemLayout, Owner, RawView, RawViewBuf, Report, Request, Selected, Slice, View, ViewError,
};

/// The largest number of entries that is read from a shape, from strides or from suboffsets: `PyBUF_MAX_NDIM`.
const MAX_NDIM: usize = 64;

/// The maximum length in bytes of a format that is copied without an allocation. The format of a record of two fields
/// is usually not longer.
const SHORT_FORMAT: usize = 32;

/// The copied shape, strides and suboffsets, one after the other. The shape and the strides of at most 4 dimensions
/// need no allocation.
type Sizes = SmallVec<[i64; 8]>;

/// The fields of a `Py_buffer`, copied right after the request.
#[derive(Clone, Debug)]
struct Fields {
    obj: Owner,
    buf: Option<u64>,
    len: i64,
    itemsize: i64,
    readonly: i32,
    ndim: i32,
    /// The format without its NUL. Short formats need no allocation.
    format: Option<SmallVec<[u8; SHORT_FORMAT]>>,
    /// The arrays that are not NULL: the shape, the strides and the suboffsets, in this order. Each array has `entries`
    /// numbers.
    sizes: Sizes,
    /// The number of entries of each array.
    entries: usize,
    /// Whether the shape, the strides and the suboffsets are not NULL.
    has_array: [bool; 3],
}

/// The reference that the garbage collector visits for a buffer, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traversal {
    /// The collector visits `obj`.
    Obj,
    /// The collector does not visit `obj`. A cycle of objects through this reference is never collected.
    Unvisited,
    /// `obj` is a memoryview to which only this buffer refers. The collector does not track this memoryview and does
    /// not visit `obj`. Instead of `obj`, the collector visits the pointer in this variant. This pointer is the only
    /// reference that the memoryview holds.
    Private(*mut ffi::PyObject),
}

/// A buffer that an exporter has filled in. The buffer is released when the `Acquired` is dropped.
///
/// The fields of the buffer are copied once, right after the request. No Python code runs between the copying
/// of the fields and the access to the memory.
///
/// # Memoryviews
/// The garbage collector must not clear a memoryview before the buffers of the memoryview are released: CPython up to
/// 3.12 then reads freed memory when a buffer is released. The order in which the collector clears the objects of a
/// cycle is not defined. If the exporter is a memoryview, the buffer is therefore requested from a second memoryview of
/// the same memory. No other object refers to the second memoryview, and the collector does not track the second
/// memoryview. As with `memoryview(memoryview(obj))`, the first memoryview may be released earlier.
///
/// INVARIANT: `PyObject_GetBuffer` filled in `buffer` and returned 0. Since then, `buffer` was not released. `buffer`
/// was not moved either, because the arrays of a `Py_buffer` may be inside the `Py_buffer` itself (E08, the struct must
/// not move). If `traversal` is `Private`, `obj` is a memoryview that the garbage collector does not track.
///
/// # Example
/// ```
/// use pep3118::py::Acquired;
/// use pep3118::{Checker, Request};
/// use pyo3::prelude::*;
/// use pyo3::types::PyBytes;
/// # Python::initialize();
/// Python::attach(|py| {
///     let bytes = PyBytes::new(py, b"abcd");
///     let acquired = Acquired::new(bytes.as_any(), Request::FULL_RO)?;
///     assert_eq!((acquired.raw().len, acquired.raw().readonly), (4, 1));
///     assert_eq!(acquired.request(), Request::FULL_RO);
///     assert!(acquired.exporter(py).is_some_and(|exporter| exporter.is(&bytes)));
///     let start = acquired.buf();
///
///     let shared = acquired.check(&Checker::DEFAULT).into_result()?;
///     assert_eq!((shared.buf(), shared.view().shape()), (start, &[4][..]));
///
///     // The same memory as numbers of another format.
///     let acquired = Acquired::new(bytes.as_any(), Request::FULL_RO)?;
///     let checked = acquired.check_as(&Checker::DEFAULT, Some(b"c"));
///     assert!(checked.report.is_empty() && checked.view.is_some());
/// #   Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
pub struct Acquired(Fixed);

/// A `Py_buffer` at an address that does not change, with the request and a copy of the fields.
struct FixedBuffer {
    buffer: ffi::Py_buffer,
    fields: Fields,
    request: Request,
    traversal: Traversal,
}

/// Owns a [`FixedBuffer`] through a raw pointer. An exporter can store pointers into the `Py_buffer` in the fields of
/// the `Py_buffer`. In contrast to a pointer, a `Box` would be exclusive, and these pointers would be invalid after the
/// `Box` was moved.
///
/// INVARIANT: the pointer comes from `Box::into_raw`, and no other value owns the memory.
struct Fixed(NonNull<FixedBuffer>);

impl Deref for Fixed {
    type Target = FixedBuffer;

    #[inline]
    fn deref(&self) -> &FixedBuffer {
        // SAFETY: by the INVARIANT the memory is initialised and belongs to `self`. The exporter does not write to the
        // struct between the request and the release.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Fixed {
    #[inline]
    fn deref_mut(&mut self) -> &mut FixedBuffer {
        // SAFETY: as for `deref`. `self` is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        // SAFETY: by the INVARIANT the pointer comes from `Box::into_raw`, and nothing uses the pointer after this
        // line.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

// SAFETY: after the request, only `Fields::copy` reads the `Py_buffer`, until `drop` releases the buffer. `drop`
// attaches to the interpreter before the release.
unsafe impl Send for Acquired {}
// SAFETY: no method changes the `Py_buffer` or the fields through a shared reference.
unsafe impl Sync for Acquired {}

/// The result of a request that may have failed.
pub(super) struct Attempt {
    /// The number that `PyObject_GetBuffer` returned: 0 for success, -1 for a refusal.
    pub(super) returned: c_int,
    /// The exception that the exporter left, if any.
    pub(super) error: Option<PyErr>,
    /// The buffer, if the exporter returned 0.
    pub(super) acquired: Option<Acquired>,
    /// The field `obj` after the request.
    pub(super) obj: Owner,
    /// The reference count of the exporter before the request.
    pub(super) references: i64,
}

impl Attempt {
    /// Sends `request` to `exporter` itself, even if `exporter` is a memoryview. If the exporter refuses the request,
    /// the result contains the exception.
    pub(super) fn new(exporter: &Bound<'_, PyAny>, request: Request) -> Self {
        let references = references(exporter);
        let (fixed, returned) = FixedBuffer::request(exporter, request);
        let error = raised(exporter.py());
        let obj = owner(fixed.buffer.obj);
        let acquired = (returned == 0).then(|| fixed.acquired(exporter));
        Self { returned, error, acquired, obj, references }
    }
}

impl FixedBuffer {
    /// Calls `PyObject_GetBuffer` for `exporter` with `request`. Returns the `Py_buffer`, and the number that the
    /// exporter returned: 0 for success, -1 for a refusal.
    fn request(exporter: &Bound<'_, PyAny>, request: Request) -> (Fixed, c_int) {
        let (buffer, traversal) = (ffi::Py_buffer::new(), Traversal::Unvisited);
        // The struct is written in place. `Box::new` would copy the struct from the stack.
        let fixed = Box::write(Box::new_uninit(), Self { buffer, fields: Fields::empty(), request, traversal });
        let fixed = Fixed(NonNull::from(Box::leak(fixed)));
        // SAFETY: the pointer is to a `FixedBuffer`.
        let buffer = unsafe { &raw mut (*fixed.0.as_ptr()).buffer };
        // SAFETY: this thread is attached to the interpreter, the object is alive, and the struct is writable. The
        // struct does not move, because it is in a `Box`.
        let returned = unsafe { ffi::PyObject_GetBuffer(exporter.as_ptr(), buffer, request.bits()) };
        (fixed, returned)
    }
}

impl Fixed {
    /// Copies the fields of the `Py_buffer`, and returns the [`Acquired`] that releases the buffer. `exporter` must
    /// have filled in the `Py_buffer` and returned 0.
    fn acquired(mut self, exporter: &Bound<'_, PyAny>) -> Acquired {
        let fixed = &mut *self;
        // SAFETY: the exporter has filled in the struct. (a) An array that is not NULL has `ndim` entries (A16, entries
        // of the arrays) and is readable until the release (E04, valid memory). (b) A format ends with a NUL (A11, format
        // string) and is readable until the release.
        unsafe { fixed.fields.copy(&fixed.buffer) };
        fixed.traversal = traversal(exporter, fixed.buffer.obj);
        Acquired(self)
    }
}

/// Converts the field `obj` of a `Py_buffer`: NULL to `Owner::Null`, and any other pointer to its address.
fn owner(obj: *mut ffi::PyObject) -> Owner {
    match obj.addr() {
        0 => Owner::Null,
        address => Owner::Exporter(to_u64(address)),
    }
}

/// Returns the tensor whose memory `obj`, the field of a buffer, exports. Returns `obj` itself if the memory does not
/// belong to a tensor.
fn owner_of_memory(obj: Bound<'_, PyAny>) -> Bound<'_, PyAny> {
    match obj.cast_exact::<DlpackMemory>() {
        Ok(memory) => memory.get().owner(obj.py()),
        Err(_) => obj,
    }
}

/// Returns `true` if the type of `object` exports buffers.
pub(super) fn is_exporter(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive, and this thread is attached to the interpreter.
    unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) != 0 }
}

/// Returns the reference count of `object`.
pub(super) fn references(object: &Bound<'_, PyAny>) -> i64 {
    // SAFETY: the object is alive, and this thread is attached to the interpreter.
    let count = unsafe { ffi::Py_REFCNT(object.as_ptr()) };
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Clears and returns the exception that is set in the interpreter. Returns `None` if no exception is set. A test for
/// NULL is faster than `PyErr::take`, so the test comes first.
fn raised(py: Python<'_>) -> Option<PyErr> {
    // SAFETY: this thread is attached to the interpreter.
    if unsafe { ffi::PyErr_Occurred() }.is_null() { None } else { PyErr::take(py) }
}

/// Decides whether the collector may visit `obj`, the field of a buffer that `exporter` filled in. Returns `Unvisited`
/// if `obj` is a memoryview, or an object that holds a buffer of a memoryview.
fn traversal(exporter: &Bound<'_, PyAny>, obj: *mut ffi::PyObject) -> Traversal {
    let py = exporter.py();
    if std::ptr::eq(obj, exporter.as_ptr()) && !exporter.is_exact_instance_of::<PyMemoryView>() {
        return Traversal::Obj;
    }
    // SAFETY: `obj` is NULL or a reference that the buffer owns (A01, reference in `obj`). This thread is attached to
    // the interpreter.
    let Some(obj) = (unsafe { Bound::from_borrowed_ptr_or_opt(py, obj) }) else { return Traversal::Obj };
    if obj.is_exact_instance_of::<PyMemoryView>() {
        return Traversal::Unvisited;
    }
    // Up to 3.12, a class with `__buffer__` stores a `_buffer_wrapper` in `obj`. The `_buffer_wrapper` holds a buffer
    // of a memoryview.
    let wraps = py.version_info() < (3, 13) && obj.get_type().name().is_ok_and(|name| name == "_buffer_wrapper");
    if wraps { Traversal::Unvisited } else { Traversal::Obj }
}

/// A `visitproc` that stores `object` in `*referent` and returns 0. If `*referent` already has an object, stores
/// nothing and returns 1, which ends the visit.
///
/// # Safety
/// - (a) `referent` is a `*mut *mut ffi::PyObject` that may be read and written.
unsafe extern "C" fn store_referent(object: *mut ffi::PyObject, referent: *mut c_void) -> c_int {
    let referent: *mut *mut ffi::PyObject = referent.cast();
    // SAFETY: by (a).
    if !unsafe { referent.read() }.is_null() {
        return 1;
    }
    // SAFETY: by (a).
    unsafe { referent.write(object) };
    0
}

/// Returns the object that the `tp_traverse` of `view` reports. Returns `None` if `view` refers to no object or to
/// several objects.
fn only_referent(view: &Bound<'_, PyMemoryView>) -> Option<*mut ffi::PyObject> {
    // SAFETY: the type is alive, and every type has the slot. This thread is attached to the interpreter.
    let slot = unsafe { ffi::PyType_GetSlot(view.get_type().as_type_ptr(), ffi::Py_tp_traverse) };
    if slot.is_null() {
        return None;
    }
    // SAFETY: `Py_tp_traverse` is the slot of a `traverseproc`, and the slot is not NULL.
    let traverse: ffi::traverseproc = unsafe { std::mem::transmute(slot) };
    let mut referent: *mut ffi::PyObject = std::ptr::null_mut();
    // SAFETY: the object is of the type that has this function. Requirement (a) of `store_referent`: the pointer is
    // to the variable `referent`.
    let stopped = unsafe { traverse(view.as_ptr(), store_referent, (&raw mut referent).cast()) };
    (stopped == 0 && !referent.is_null()).then_some(referent)
}

impl Fields {
    /// Returns the fields before a request.
    #[inline]
    fn empty() -> Self {
        Self {
            obj: Owner::Unknown,
            buf: None,
            len: 0,
            itemsize: 0,
            readonly: 0,
            ndim: 0,
            format: None,
            sizes: Sizes::new(),
            entries: 0,
            has_array: [false; 3],
        }
    }

    /// Returns the fields.
    #[inline]
    fn raw(&self) -> RawView<'_> {
        let mut rest = self.sizes.as_slice();
        // `sizes` has `entries` numbers for each array, so `split_off` does not return `None`.
        let mut next = |has| if has { rest.split_off(..self.entries) } else { None };
        let [shape, strides, suboffsets] = self.has_array.map(&mut next);
        RawView {
            buf: self.buf,
            obj: self.obj,
            len: self.len,
            itemsize: self.itemsize,
            readonly: self.readonly,
            ndim: self.ndim,
            format: self.format.as_ref().map(SmallVec::as_slice),
            shape,
            strides,
            suboffsets,
        }
    }

    /// Copies the fields of `buffer` to `self`, which must be the result of [`empty`](Self::empty).
    ///
    /// # Safety
    /// - (a), (b) The caller meets requirements (a) and (b) of [`RawViewBuf::from_ffi`].
    unsafe fn copy(&mut self, buffer: &ffi::Py_buffer) {
        // If `ndim` is negative, the arrays have no entries. The check reports a negative `ndim` (A13, range of
        // `ndim`).
        let entries = usize::try_from(buffer.ndim).unwrap_or(0).min(MAX_NDIM);
        self.obj = owner(buffer.obj);
        self.buf = u64::try_from(buffer.buf.addr()).ok();
        self.len = to_i64(buffer.len);
        self.itemsize = to_i64(buffer.itemsize);
        self.readonly = buffer.readonly;
        self.ndim = buffer.ndim;
        // The old format and the old sizes are empty and own no memory. Without `forget`, the code would test this.
        // SAFETY: by (b).
        forget(replace(&mut self.format, unsafe { text(buffer.format) }));
        let arrays = [buffer.shape, buffer.strides, buffer.suboffsets].map(<*mut ffi::Py_ssize_t>::cast_const);
        self.entries = entries;
        self.has_array = arrays.map(|array| !array.is_null());
        // SAFETY: by (a) of `from_ffi`, because at most `ndim` entries are read.
        forget(replace(&mut self.sizes, unsafe { copied(arrays, entries) }));
    }
}

/// Converts `size`, a number in a `Py_buffer`, to `i64`.
fn to_i64(size: isize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Copies the `entries` numbers of each of `arrays` that is not NULL, one array after the other.
///
/// # Safety
/// - (a) Each of `arrays` is NULL, or `entries` numbers may be read from it.
#[inline]
unsafe fn copied(arrays: [*const ffi::Py_ssize_t; 3], entries: usize) -> Sizes {
    let read = |array: *const ffi::Py_ssize_t, index| {
        // SAFETY: `index` is less than `entries`, so by (a) the number is readable. The numbers need not be aligned.
        to_i64(unsafe { array.wrapping_add(index).read_unaligned() })
    };
    // One dimension is the common case.
    match (entries, arrays) {
        (1, [shape, strides, suboffsets]) if !shape.is_null() && suboffsets.is_null() => {
            let (stride, count) = if strides.is_null() { (0, 1) } else { (read(strides, 0), 2) };
            Sizes::from_buf_and_len([read(shape, 0), stride, 0, 0, 0, 0, 0, 0], count)
        }
        _ => {
            let arrays = arrays.into_iter().filter(|array| !array.is_null());
            arrays.flat_map(|array| (0..entries).map(move |index| read(array, index))).collect()
        }
    }
}

/// Copies the bytes of `text` before the first NUL. Stops one byte after the length of the longest accepted format. A
/// check then refuses the copied format, because the format is too long. Returns `None` if `text` is NULL.
///
/// # Safety
/// - (a) `text` is NULL, or the bytes up to the first NUL may be read from it.
unsafe fn text(text: *const c_char) -> Option<SmallVec<[u8; SHORT_FORMAT]>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: no byte after the first NUL is read, so by (a) the byte is readable.
    let byte = |index| unsafe { text.cast::<u8>().wrapping_add(index).read() };
    let mut short = [0; SHORT_FORMAT];
    for (index, copy) in short.iter_mut().enumerate() {
        *copy = byte(index);
        if *copy == 0 {
            return Some(SmallVec::from_buf_and_len(short, index));
        }
    }
    Some((0..=Limits::DEFAULT.bytes).map(byte).take_while(|byte| *byte != 0).collect())
}

impl Acquired {
    /// Requests a buffer from an exporter.
    ///
    /// # Errors
    /// - `exporter` has no buffers, such as `1`: `TypeError`
    /// - the exporter refuses `request`, such as `WRITABLE` for `bytes`: `BufferError`
    /// - the exporter raises another exception: the exception is returned unchanged
    pub fn new(exporter: &Bound<'_, PyAny>, request: Request) -> PyResult<Self> {
        match exporter.cast_exact::<PyMemoryView>() {
            Ok(view) => Self::of_memoryview(view, request),
            Err(_) => Self::request_from(exporter, request),
        }
    }

    /// Sends `request` to `exporter` itself, even if `exporter` is a memoryview. Returns the exception of the exporter
    /// as an error. Also returns an error if the exporter reports a failure without an exception.
    #[inline]
    fn request_from(exporter: &Bound<'_, PyAny>, request: Request) -> PyResult<Self> {
        let (fixed, returned) = FixedBuffer::request(exporter, request);
        let error = raised(exporter.py());
        let acquired = (returned == 0).then(|| fixed.acquired(exporter));
        match (acquired, error) {
            (Some(acquired), None) => Ok(acquired),
            (_, Some(error)) => Err(error),
            (None, None) => {
                Err(fallible::error::<PySystemError>(format!("the exporter returned {returned} without an exception")))
            }
        }
    }

    /// Requests the buffer from a second memoryview of the memory of `view`. The documentation of [`Acquired`] gives
    /// the reason. Returns an error if `view` was released, or if the second memoryview refuses `request`.
    fn of_memoryview(view: &Bound<'_, PyMemoryView>, request: Request) -> PyResult<Self> {
        let private = PyMemoryView::from(view.as_any())?;
        let mut acquired = Self::request_from(private.as_any(), request)?;
        if let Some(referent) = only_referent(&private) {
            // SAFETY: `private` is an object that the collector tracks, and no other object refers to `private`. `drop`
            // makes the collector track `private` again. This thread is attached to the interpreter.
            unsafe { ffi::PyObject_GC_UnTrack(private.as_ptr().cast()) };
            acquired.0.traversal = Traversal::Private(referent);
        }
        Ok(acquired)
    }

    /// Returns the fields that the exporter filled in.
    #[must_use]
    #[inline]
    pub fn raw(&self) -> RawView<'_> {
        self.0.fields.raw()
    }

    /// Returns the request that the exporter answered.
    #[must_use]
    pub fn request(&self) -> Request {
        self.0.request
    }

    /// Passes the reference that the buffer owns to `visit`, the visitor of the garbage collector. A class that owns
    /// the buffer must call this method in its `__traverse__`. The class needs no `__clear__` for the buffer.
    ///
    /// ```
    /// use pep3118::Request;
    /// use pep3118::py::Acquired;
    /// use pyo3::prelude::*;
    /// use pyo3::{PyTraverseError, PyVisit};
    ///
    /// #[pyclass(frozen)]
    /// struct Holder(Acquired);
    ///
    /// #[pymethods]
    /// impl Holder {
    ///     fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
    ///         self.0.traverse(&visit)
    ///     }
    /// }
    /// # Python::initialize();
    /// # Python::attach(|py| {
    /// let bytes = pyo3::types::PyByteArray::new(py, b"abc");
    /// let holder = Bound::new(py, Holder(Acquired::new(bytes.as_any(), Request::FULL_RO)?))?;
    /// let referents = py.import("gc")?.call_method1("get_referents", (&holder,))?;
    /// assert!(referents.contains(&bytes)?);
    /// #   Ok::<(), PyErr>(())
    /// # })?;
    /// # Ok::<(), PyErr>(())
    /// ```
    ///
    /// # Errors
    /// - the collector stops the visit
    pub fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        let obj: *const *mut ffi::PyObject = match &self.0.traversal {
            Traversal::Obj => &raw const self.0.buffer.obj,
            Traversal::Private(referent) => referent,
            Traversal::Unvisited => return Ok(()),
        };
        // SAFETY: `obj` points to a `*mut PyObject` that is NULL, or a reference that the buffer keeps alive (A01,
        // reference in `obj`). An `Option<Py<PyAny>>` has the representation of such a pointer, because `Py` is a
        // transparent `NonNull`. The reference does not change while it is borrowed.
        visit.call(unsafe { &*obj.cast::<Option<Py<PyAny>>>() })
    }

    /// Returns the object in the field `obj`: the exporter, or an object whose buffer the exporter passes on (B22,
    /// passed-on buffers). If the exporter is a memoryview, returns the `obj` of the memoryview. If the memory belongs
    /// to a tensor that exports no buffer, returns the tensor. Returns `None` if `obj` is NULL, or if a memoryview has
    /// no `obj`.
    #[must_use]
    pub fn exporter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: `obj` is NULL or a reference that the buffer owns until the release (A01, reference in `obj`). This
        // thread is attached to the interpreter.
        let obj = unsafe { Bound::from_borrowed_ptr_or_opt(py, self.0.buffer.obj) }?;
        match self.0.traversal {
            // Python code could release the private memoryview. Hence Python code must not get a reference to this
            // memoryview.
            Traversal::Private(_) => {
                let read = || obj.getattr(name!(py, "obj"));
                read().ok().filter(|obj| !obj.is_none())
            }
            _ => Some(owner_of_memory(obj)),
        }
    }

    /// Returns the address of the first item, or of the first byte if `SIMPLE` was requested.
    pub fn buf(&self) -> *mut u8 {
        self.0.buffer.buf.cast()
    }

    /// Checks the `Py_buffer` with `checker`. Returns every rule that the fields break, and the view if the items can
    /// be read.
    pub fn check(self, checker: &Checker<'_>) -> Checked<SharedView> {
        self.check_as(checker, None)
    }

    /// Checks the `Py_buffer` with `checker`. If `format` is `None`, the items have the exporter's format. Otherwise
    /// the items have the format `format`, which describes one item and does not change the arrangement of the items.
    /// Returns every rule that the fields break, and the view if the items can be read.
    pub fn check_as(self, checker: &Checker<'_>, format: Option<&[u8]>) -> Checked<SharedView> {
        let Checked { report, view } = self.validate(checker, format);
        Checked { report, view: view.map(|view| SharedView::new(Arc::new(self), view)) }
    }

    /// Checks the `Py_buffer` with `checker` and `format`, see [`check_as`](Self::check_as). The view in the result
    /// borrows nothing from the buffer.
    pub(super) fn validate(&self, checker: &Checker<'_>, format: Option<&[u8]>) -> Checked<View<'static>> {
        let raw = self.raw();
        let request = if format.is_some() { self.0.request | Request::FORMAT } else { self.0.request };
        let raw = RawView { format: format.or(raw.format), ..raw };
        let Checked { report, view } = checker.check(&raw, Some(request));
        Checked { report, view: view.map(View::without_format) }
    }

    /// A fast path of [`geometry`](Self::geometry): returns the same view after a few comparisons. Ignores the format.
    /// Returns `None` if the buffer has suboffsets or no shape, or if its numbers contradict each other. The caller
    /// must then call `geometry`.
    #[inline]
    pub(super) fn direct_geometry(&self) -> Option<View<'static>> {
        let view = RawView { format: None, ..self.raw() }.direct_view();
        debug_assert!(
            view.as_ref().is_none_or(|view| self.geometry().is_ok_and(|same| same.as_raw() == view.as_raw())),
            "{self:?}"
        );
        view
    }

    /// Returns the arrangement of the items, as a view without a format. Checks every rule except the rules of
    /// formats, because the caller must know the layout of an item from another source.
    ///
    /// # Errors
    /// - the fields break a rule, so that the items cannot be read: returns the report of all rules that the fields
    ///   break
    #[cold]
    pub(super) fn geometry(&self) -> Result<View<'static>, Report> {
        let raw = RawView { format: None, ..self.raw() };
        let request = self.0.request.difference(Request::FORMAT);
        Checker::DEFAULT.check(&raw, Some(request)).into_result().map(View::without_format)
    }
}

impl RawViewBuf {
    /// Copies the fields, the arrays and the format of `buffer`.
    ///
    /// ```
    /// use pep3118::{RawViewBuf, Request};
    /// use pyo3::ffi;
    /// let mut buffer = ffi::Py_buffer::new();
    /// (buffer.len, buffer.itemsize, buffer.ndim) = (4, 4, 0);
    /// // SAFETY: (a) there are no arrays. (b) The format is NULL.
    /// let raw = unsafe { RawViewBuf::from_ffi(&buffer) };
    /// assert_eq!((raw.as_raw().len, raw.as_raw().shape), (4, None));
    /// ```
    ///
    /// # Safety
    /// - (a) The arrays that are not NULL have `ndim` readable entries. At most 64 entries are read.
    /// - (b) A format that is not NULL is readable up to its first NUL.
    #[must_use]
    pub unsafe fn from_ffi(buffer: &ffi::Py_buffer) -> Self {
        let mut fields = Fields::empty();
        // SAFETY: (a) and (b) are the requirements of this function.
        unsafe { fields.copy(buffer) };
        fields.raw().to_buf()
    }
}

/// Checks `view`, a `Py_buffer` that an exporter has filled in for the request `flags`. The macro
/// [`debug_assert_buffer!`](crate::debug_assert_buffer) calls this function.
///
/// # Safety
/// - (a) `view` points to a `Py_buffer` that meets the requirements of [`RawViewBuf::from_ffi`].
#[doc(hidden)]
#[must_use]
pub unsafe fn check_filled(view: *const ffi::Py_buffer, flags: c_int) -> Report {
    // SAFETY: by (a) the struct is readable, and nothing writes to it during the call.
    let buffer = unsafe { &*view };
    // SAFETY: requirement (a) of this function includes (a) and (b) of `from_ffi`.
    let raw = unsafe { RawViewBuf::from_ffi(buffer) };
    Checker::DEFAULT.check(&raw.as_raw(), Some(Request::from_bits_retain(flags))).report
}

/// Panics in debug builds if `$view` breaks a rule of the buffer protocol with the severity `Error`. Ignores warnings
/// and notes. Does nothing in release builds. `$view` is a pointer to the `Py_buffer` that the `__getbuffer__` of the
/// caller has filled in for the request `$flags`.
///
/// ```
/// use std::ffi::c_int;
/// use pyo3::{ffi, prelude::*};
///
/// #[pyclass]
/// struct Zeros;
///
/// #[pymethods]
/// impl Zeros {
///     unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
///         static ZEROS: [u8; 4] = [0; 4];
///         let (buf, obj) = (ZEROS.as_ptr().cast_mut().cast(), slf.as_ptr());
///         // SAFETY: the interpreter passes a struct to fill in, and the memory is static.
///         if unsafe { ffi::PyBuffer_FillInfo(view, obj, buf, 4, 1, flags) } != 0 {
///             return Err(PyErr::fetch(slf.py()));
///         }
///         // SAFETY: `PyBuffer_FillInfo` has filled in the struct.
///         unsafe { pep3118::debug_assert_buffer!(view, flags) };
///         Ok(())
///     }
/// }
/// # Python::initialize();
/// # Python::attach(|py| {
/// let zeros = Bound::new(py, Zeros)?;
/// assert_eq!(pep3118::py::open(zeros.as_any())?.to_vec::<u8>()?, [0; 4]);
/// #   Ok::<(), PyErr>(())
/// # })?;
/// # Ok::<(), PyErr>(())
/// ```
///
/// # Safety
/// - (a) `$view` points to a `Py_buffer` that meets the requirements of
///   [`RawViewBuf::from_ffi`](crate::RawViewBuf::from_ffi).
#[macro_export]
macro_rules! debug_assert_buffer {
    ($view:expr, $flags:expr) => {
        if ::core::cfg!(debug_assertions) {
            let report = $crate::py::check_filled($view, $flags);
            ::core::assert!(!report.has_errors(), "the buffer breaks the protocol:\n{report}");
        }
    };
}

impl Drop for Acquired {
    fn drop(&mut self) {
        // If the interpreter has ended, no exporter can be called. The memory of the `Py_buffer` is then not freed.
        Python::try_attach(|py| {
            // The owner of the buffer may be freed while an exception is being raised.
            let pending = raised(py);
            let owner = if self.0.traversal == Traversal::Obj {
                // SAFETY: `obj` is NULL or a reference that the buffer owns until the release (A01, reference in
                // `obj`). This thread is attached to the interpreter.
                unsafe { Bound::from_borrowed_ptr_or_opt(py, self.0.buffer.obj) }
            } else {
                None
            };
            if let Traversal::Private(_) = self.0.traversal {
                // SAFETY: by the INVARIANT the collector does not track the memoryview. A memoryview that is freed
                // must be tracked.
                unsafe { ffi::PyObject_GC_Track(self.0.buffer.obj.cast()) };
            }
            // SAFETY: the pointer is to a `FixedBuffer`.
            let buffer = unsafe { &raw mut (*self.0.0.as_ptr()).buffer };
            // SAFETY: by the INVARIANT the struct was filled in and not released. This thread is attached to the
            // interpreter.
            unsafe { ffi::PyBuffer_Release(buffer) };
            // A release cannot fail, so an exception that the release sets is reported and dropped.
            if let Some(error) = raised(py) {
                error.write_unraisable(py, owner.map(owner_of_memory).as_ref());
            }
            if let Some(error) = pending {
                error.restore(py);
            }
        });
    }
}

impl std::fmt::Debug for Acquired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acquired").field("raw", &self.raw()).field("request", &self.0.request).finish_non_exhaustive()
    }
}

/// A validated view and its buffer. The buffer is released after the last view of the buffer is dropped.
///
/// INVARIANT: `view` is one of three things. First, the result of a check of `acquired`. Second, the result of a check
/// that compared the items with the bounds of the memory of `acquired`. Third, a selection of the items of such a view.
/// `buf` is the address from which the offsets of `view` count. Hence every item of `view` is in memory that the
/// exporter described.
///
/// # Example
/// ```
/// use pep3118::py::Acquired;
/// use pep3118::{Checker, ItemLayout, Order, Request, Slice};
/// use pyo3::prelude::*;
/// use pyo3::types::PyByteArray;
/// # Python::initialize();
/// Python::attach(|py| {
///     let bytes = PyByteArray::new(py, b"abcdef");
///     let shared = Acquired::new(bytes.as_any(), Request::FULL_RO)?.check(&Checker::DEFAULT).into_result()?;
///     let plan = shared.plan()?;
///     shared.buffer_mut(&plan)?.copy_from_slice(b"ABCDEF")?;
///
///     let rows = shared.cast(ItemLayout::Bytes, 1, Some(&[2, 3]))?;
///     let columns = rows.transpose(None)?;
///     assert_eq!(columns.buffer(&plan)?.to_vec::<u8>(Order::C)?, b"ADBECF");
///     let second = rows.select(0, 1)?;
///     assert_eq!(second.buffer(&plan)?.to_vec::<u8>(Order::C)?, b"DEF");
///     let reversed = second.slice(&[Slice { step: -1, ..Slice::FULL }])?.to_readonly();
///     assert_eq!(reversed.buffer(&plan)?.to_vec::<u8>(Order::C)?, b"FED");
///     assert!(reversed.view().readonly() && reversed.buffer_mut(&plan).is_err());
///
///     // All views share one buffer.
///     assert!(std::sync::Arc::ptr_eq(reversed.acquired(), shared.acquired()));
/// #   Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedView<O = Arc<Acquired>> {
    acquired: O,
    view: View<'static>,
    /// The address from which the offsets of `view` count.
    buf: *mut u8,
}

// SAFETY: only the access to the memory can depend on the thread. Every access happens while this thread is attached to
// the interpreter, or inside an unsafe function whose caller is responsible for the access.
unsafe impl<O: Send> Send for SharedView<O> {}
// SAFETY: a shared `SharedView` is used under the conditions that the comment on `Send` states.
unsafe impl<O: Sync> Sync for SharedView<O> {}

impl<O: Borrow<Acquired>> SharedView<O> {
    /// Pairs the buffer `acquired` with `view`. `view` must be the result of a check of `acquired`.
    #[inline]
    pub(super) fn new(acquired: O, view: View<'static>) -> Self {
        let buf = acquired.borrow().buf();
        Self { acquired, view, buf }
    }

    /// Pairs the buffer `acquired` with `view`, whose offsets count from the byte `offset` of the buffer. `view` must be
    /// the result of a check with the memory of `acquired` as its block, so that every item is in this memory.
    pub(super) fn at_offset(acquired: O, view: View<'static>, offset: isize) -> Self {
        let buf = acquired.borrow().buf().wrapping_offset(offset);
        Self { acquired, view, buf }
    }

    /// Returns the owner of the buffer.
    #[must_use]
    pub fn acquired(&self) -> &O {
        &self.acquired
    }

    /// Returns the owner of the buffer, the view, and the address from which the offsets of the view count.
    #[doc(hidden)]
    #[inline]
    pub fn into_parts(self) -> (O, View<'static>, *mut u8) {
        (self.acquired, self.view, self.buf)
    }

    /// Returns the arrangement of the items. The view has no format. [`Acquired::raw`] returns the exporter's format.
    #[must_use]
    pub fn view(&self) -> &View<'static> {
        &self.view
    }

    /// Returns the address from which the offsets of the view count.
    ///
    /// ```
    /// use pep3118::py::Acquired;
    /// use pep3118::{Checker, Request};
    /// use pyo3::prelude::*;
    /// # Python::initialize();
    /// Python::attach(|py| {
    ///     let bytes = pyo3::types::PyBytes::new(py, b"abcde");
    ///     let shared = Acquired::new(bytes.as_any(), Request::FULL_RO)?.check(&Checker::DEFAULT).into_result()?;
    ///     assert_eq!(shared.buf(), shared.acquired().buf());
    /// #   Ok::<(), PyErr>(())
    /// })?;
    /// # Ok::<(), PyErr>(())
    /// ```
    #[must_use]
    pub fn buf(&self) -> *mut u8 {
        self.buf
    }

    /// Returns a plan that reads the items of the view on this machine.
    ///
    /// # Errors
    /// - every error of [`Plan::for_view`]
    pub fn plan(&self) -> Result<Plan, DecodeError> {
        Plan::for_view(&self.view, &DataModel::HOST)
    }

    /// Returns the same view with a borrowed owner of the buffer.
    pub(super) fn borrowed(&self) -> SharedView<&O> {
        SharedView { acquired: &self.acquired, view: self.view.clone(), buf: self.buf }
    }

    /// Returns a view of the field `field` of every item. Returns the errors of [`View::field`].
    pub(super) fn into_field(self, field: Field<'_>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.field(field)?, ..self })
    }

    /// Returns a readable buffer of the items. `plan` must be a plan for the items of this view.
    ///
    /// # Errors
    /// - `plan` is a plan for items of another size
    pub fn buffer<'b>(&'b self, plan: &'b Plan) -> Result<Buffer<'b>, DecodeError> {
        // SAFETY: (a) and (b): by the INVARIANT the items are items that the exporter described. The items are readable
        // until the release (E04, valid memory), and `self` keeps the buffer. (c) The protocol forbids every holder of
        // a buffer of this memory to write at the same time. `docs/safety.md` describes the consequences if a holder
        // writes anyway.
        unsafe { Buffer::from_ptr(&self.view, plan, self.buf) }
    }

    /// Calls `read` with the memory of the items, and returns the result. Returns an error if an offset of the view
    /// does not fit the address space.
    #[inline]
    pub(super) fn with_memory<R>(&self, read: impl FnOnce(&dyn Memory) -> R) -> Result<R, DecodeError> {
        // SAFETY: (a) to (c) hold for the reasons that `buffer` states.
        unsafe { with_memory(&self.view, self.buf, read) }
    }

    /// Copies all items to `out` without gaps, and reverses the order of the bytes in each group of `unit` bytes. If
    /// `unit` is 1, no bytes are reversed. Returns `false` and copies nothing if the items are not contiguous in C
    /// order, or if `out` has another length than the items.
    #[inline]
    pub(super) fn copy_contiguous(&self, unit: usize, out: &mut [u8]) -> bool {
        // SAFETY: (a) to (c) hold for the reasons that `buffer` states.
        unsafe { copy_contiguous_items(&self.view, self.buf, unit, out) }
    }

    /// Returns a writable buffer of the items. `plan` must be a plan for the items of this view.
    ///
    /// # Errors
    /// - the buffer is read-only
    /// - `plan` is a plan for items of another size
    pub fn buffer_mut<'b>(&'b self, plan: &'b Plan) -> Result<BufferMut<'b>, EncodeError> {
        // SAFETY: (a) to (c) hold for the reasons that `buffer` states. (d) The exporter reports writable memory,
        // because `from_ptr` refuses a read-only view. No reference to this memory is ever created.
        unsafe { BufferMut::from_ptr(&self.view, plan, self.buf) }
    }
}

impl SharedView {
    /// Returns the items that `slices` select, see [`View::slice`]. `slices[i]` applies to dimension `i`.
    ///
    /// # Errors
    /// - every error of [`View::slice`]
    pub fn slice(&self, slices: &[Slice]) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.slice(slices)?, ..self.clone() })
    }

    /// Returns the items that have the index `index` in the dimension `dimension`, see [`View::select`]. The result
    /// does not have this dimension. If one pointer leads to all of these items, the function follows the pointer.
    ///
    /// # Errors
    /// - every error of [`View::select`]
    /// - the pointer that leads to the items is NULL
    pub fn select(&self, dimension: usize, index: i64) -> Result<Self, DecodeError> {
        let Selected { view, pointer } = self.view.select(dimension, index)?;
        let mut buf = self.buf;
        if let Some(offset) = pointer {
            // SAFETY: (a) `select` reports a pointer only if there is an item with that index. By the INVARIANT the
            // exporter described the item, so the pointer that leads to the item (A22, suboffsets) is readable until
            // the release (E04, valid memory).
            buf = unsafe { follow_pointer(buf, offset, dimension) }?;
        }
        Ok(Self { acquired: Arc::clone(&self.acquired), view, buf })
    }

    /// Splits the items into two views: the indices of the first dimension below `index`, and the other indices. Both
    /// views can be sent to other threads, and share the buffer.
    ///
    /// ```
    /// use pep3118::py::Acquired;
    /// use pep3118::{Checker, Order, Request};
    /// use pyo3::prelude::*;
    /// # Python::initialize();
    /// Python::attach(|py| {
    ///     let bytes = pyo3::types::PyBytes::new(py, b"abcde");
    ///     let shared = Acquired::new(bytes.as_any(), Request::FULL_RO)?.check(&Checker::DEFAULT).into_result()?;
    ///     let plan = shared.plan()?;
    ///     let (low, high) = shared.split_at(3)?;
    ///     assert_eq!(low.buffer(&plan)?.to_vec::<u8>(Order::C)?, b"abc");
    ///     assert_eq!(high.buffer(&plan)?.to_vec::<u8>(Order::C)?, b"de");
    ///     let lengths: Vec<i64> = shared.chunks(2)?.map(|chunk| chunk.view().len()).collect();
    ///     assert_eq!(lengths, [2, 2, 1]);
    /// #   Ok::<(), PyErr>(())
    /// })?;
    /// # Ok::<(), PyErr>(())
    /// ```
    ///
    /// # Errors
    /// - every error of [`View::split_at`]
    pub fn split_at(&self, index: i64) -> Result<(Self, Self), ViewError> {
        let (low, high) = self.view.split_at(index)?;
        let part = |view| Self { acquired: Arc::clone(&self.acquired), view, buf: self.buf };
        Ok((part(low), part(high)))
    }

    /// Returns an iterator over views of consecutive items: each view has `len` indices of the first dimension, and the
    /// last view has the remaining indices. [`split_at`](Self::split_at) has an example.
    ///
    /// ```
    /// use pep3118::py::Acquired;
    /// use pep3118::{Checker, Request};
    /// use pyo3::prelude::*;
    /// # Python::initialize();
    /// Python::attach(|py| {
    ///     let bytes = pyo3::types::PyBytes::new(py, b"abcde");
    ///     let shared = Acquired::new(bytes.as_any(), Request::FULL_RO)?.check(&Checker::DEFAULT).into_result()?;
    ///     let lengths: Vec<i64> = shared.chunks(2)?.map(|chunk| chunk.view().len()).collect();
    ///     assert_eq!(lengths, [2, 2, 1]);
    /// #   Ok::<(), PyErr>(())
    /// })?;
    /// # Ok::<(), PyErr>(())
    /// ```
    ///
    /// # Errors
    /// - every error of [`View::chunks`]
    pub fn chunks(&self, len: i64) -> Result<impl Iterator<Item = Self> + use<'_>, ViewError> {
        let views = self.view.chunks(len)?;
        Ok(views.map(|view| Self { acquired: Arc::clone(&self.acquired), view, buf: self.buf }))
    }

    /// Returns a view of the field `field` of every item, see [`View::field`].
    ///
    /// ```
    /// use pep3118::py::Acquired;
    /// use pep3118::{Checker, DataModel, Dialect, Layout, Request};
    /// use pyo3::prelude::*;
    /// # Python::initialize();
    /// Python::attach(|py| {
    ///     let code = c"
    /// import ctypes
    /// class Pair(ctypes.Structure):
    ///     _fields_ = [('a', ctypes.c_uint8), ('b', ctypes.c_uint8)]
    /// pairs = (Pair * 2)()
    /// ";
    ///     let records = PyModule::from_code(py, code, c"pairs.py", c"pairs")?.getattr("pairs")?;
    ///     let shared = Acquired::new(&records, Request::FULL_RO)?.check(&Checker::DEFAULT).into_result()?;
    ///     let layout = Layout::read(b"T{B:a:B:b:}", &Dialect::PEP3118, &DataModel::HOST)?;
    ///     let b = shared.field(layout.item().field("b").expect("the record has the field"))?;
    ///     assert_eq!((b.view().offset(), b.view().itemsize()), (1, 1));
    /// #   Ok::<(), PyErr>(())
    /// })?;
    /// # Ok::<(), PyErr>(())
    /// ```
    ///
    /// # Errors
    /// - every error of [`View::field`]
    pub fn field(&self, field: Field<'_>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.field(field)?, ..self.clone() })
    }

    /// Returns a view of the same bytes as items with the layout `item`, see [`View::cast`]. `itemsize` is the size of
    /// such an item in bytes. `shape` is the shape of the result. `None` means one dimension.
    ///
    /// # Errors
    /// - every error of [`View::cast`]
    pub fn cast(&self, item: ItemLayout, itemsize: i64, shape: Option<&[i64]>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.cast(item, itemsize, shape)?, ..self.clone() })
    }

    /// Returns the view with its dimensions in the order `axes`, see [`View::transpose`]. `None` reverses the order of
    /// the dimensions.
    ///
    /// # Errors
    /// - every error of [`View::transpose`]
    pub fn transpose(&self, axes: Option<&[usize]>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.transpose(axes)?, ..self.clone() })
    }

    /// Returns a read-only view of the same items, even if the memory is writable.
    #[must_use]
    pub fn to_readonly(&self) -> Self {
        Self { view: self.view.to_readonly(), ..self.clone() }
    }
}
