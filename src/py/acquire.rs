//! `Acquired`, a `Py_buffer` from request to release, and `SharedView`, a validated view of it.
//!
//! PyO3 has a guard of its own. It refuses exporters that this crate reads (ctypes arrays, buffers without
//! dimensions) and does not validate the struct.
#![allow(unsafe_code, reason = "requests and releases buffers, and passes their memory to `foreign.rs`")]

use std::borrow::Borrow;
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use smallvec::SmallVec;

use crate::abi::DataModel;
use crate::decode::{Buffer, BufferMut, DecodeError, EncodeError, Plan};
use crate::format::Limits;
use crate::layout::Field;
use crate::view::{Checked, Checker, ItemLayout, Owner, RawView, Report, Request, Selected, Slice, View, ViewError};

/// Entries of a shape that are read, whatever `ndim` is: `PyBUF_MAX_NDIM`.
const MAX_NDIM: usize = 64;

/// A copied shape, strides or suboffsets. Arrays of at most 4 entries need no allocation.
type Sizes = SmallVec<[i64; 4]>;

/// The fields of a `Py_buffer`, copied right after the request.
#[derive(Clone, Debug)]
struct Fields {
    obj: Owner,
    buf: Option<u64>,
    len: i64,
    itemsize: i64,
    readonly: i32,
    ndim: i32,
    /// The format without its NUL. Formats of at most 16 bytes need no allocation.
    format: Option<SmallVec<[u8; 16]>>,
    shape: Option<Sizes>,
    strides: Option<Sizes>,
    suboffsets: Option<Sizes>,
}

/// How the garbage collector learns of the reference in `obj`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traversal {
    /// The reference is visited.
    Obj,
    /// It is not visited, so that a cycle through it is never collected.
    Unvisited,
    /// `obj` is a memoryview that only this buffer refers to. The collector does not track it, and its one
    /// reference, to this managed buffer, is visited in its place.
    Private(*mut ffi::PyObject),
}

/// A buffer that an exporter granted; released when it is dropped.
///
/// Its fields are copied once, right after the request, so no Python code runs between the reading of the
/// fields and that of the memory.
///
/// # Memoryviews
/// A memoryview must not be cleared by the garbage collector before its exports are released: CPython up to
/// 3.12 then reads freed memory when the export is released. The order in which the collector clears the
/// objects of a cycle is not defined. So where the exporter is a memoryview, the buffer is that of another
/// memoryview of the same memory, which nothing else can reach and which the collector does not track. As
/// with `memoryview(memoryview(obj))`, the first memoryview may be released earlier.
///
/// INVARIANT: `buffer` was filled in by `PyObject_GetBuffer`, which returned 0, and it was neither moved
/// nor released since: it may point into itself (E08). Where `traversal` is `Private`, `obj` is a memoryview
/// that was taken from the garbage collector.
pub struct Acquired(Box<FixedBuffer>);

/// A `Py_buffer` at an address that does not change, and what is recorded about it.
struct FixedBuffer {
    buffer: ffi::Py_buffer,
    fields: Fields,
    request: Request,
    traversal: Traversal,
}

// SAFETY: the struct is not touched between request and release but for its fields, which are
// copied; the release attaches to the interpreter.
unsafe impl Send for Acquired {}
// SAFETY: as for `Send`; nothing is changed through a shared reference.
unsafe impl Sync for Acquired {}

/// The outcome of a request.
pub(super) struct Attempt {
    /// What the exporter returned.
    pub(super) returned: c_int,
    /// The exception that it left.
    pub(super) error: Option<PyErr>,
    /// The buffer, if it returned 0.
    pub(super) acquired: Option<Acquired>,
    /// What it left in `obj`.
    pub(super) obj: Owner,
    /// Its reference count before.
    pub(super) references: i64,
}

impl Attempt {
    /// Requests a buffer from an exporter.
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
    /// Calls `PyObject_GetBuffer` and returns the struct with the number that the exporter returned.
    fn request(exporter: &Bound<'_, PyAny>, request: Request) -> (Box<Self>, c_int) {
        let (buffer, traversal) = (ffi::Py_buffer::new(), Traversal::Unvisited);
        // Written in place: `Box::new` would copy the struct from the stack.
        let mut fixed = Box::write(Box::new_uninit(), Self { buffer, fields: Fields::EMPTY, request, traversal });
        let buffer = &raw mut fixed.buffer;
        // SAFETY: the interpreter is attached, the object is alive, and the struct is writable and
        // stays where it is.
        let returned = unsafe { ffi::PyObject_GetBuffer(exporter.as_ptr(), buffer, request.bits()) };
        (fixed, returned)
    }

    /// The guard of a struct that `exporter` has filled in.
    fn acquired(mut self: Box<Self>, exporter: &Bound<'_, PyAny>) -> Acquired {
        self.fields.copy(&self.buffer);
        self.traversal = traversal(exporter, self.buffer.obj);
        Acquired(self)
    }
}

/// The field `obj` of a struct that an exporter has filled in.
fn owner(obj: *mut ffi::PyObject) -> Owner {
    match obj.addr() {
        0 => Owner::Null,
        address => Owner::Exporter(u64::try_from(address).unwrap_or(u64::MAX)),
    }
}

/// Whether an object exports buffers at all.
pub(super) fn is_exporter(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive, and the interpreter is attached.
    unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) != 0 }
}

/// The reference count of an object.
pub(super) fn references(object: &Bound<'_, PyAny>) -> i64 {
    // SAFETY: the object is alive, and the interpreter is attached.
    let count = unsafe { ffi::Py_REFCNT(object.as_ptr()) };
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The exception that is set, if there is one; PyO3 needs longer to find that there is none.
fn raised(py: Python<'_>) -> Option<PyErr> {
    // SAFETY: the interpreter is attached.
    if unsafe { ffi::PyErr_Occurred() }.is_null() { None } else { PyErr::take(py) }
}

/// Whether the reference in `obj` may be visited.
fn traversal(exporter: &Bound<'_, PyAny>, obj: *mut ffi::PyObject) -> Traversal {
    let py = exporter.py();
    if std::ptr::eq(obj, exporter.as_ptr()) && !exporter.is_exact_instance_of::<PyMemoryView>() {
        return Traversal::Obj;
    }
    // SAFETY: `obj` is NULL or a reference to an object that the buffer holds (A01), and the interpreter is
    // attached.
    let Some(obj) = (unsafe { Bound::from_borrowed_ptr_or_opt(py, obj) }) else { return Traversal::Obj };
    if obj.is_exact_instance_of::<PyMemoryView>() {
        return Traversal::Unvisited;
    }
    // Up to 3.12 the object in `obj` of a class with `__buffer__` holds an export of a memoryview.
    let wraps = py.version_info() < (3, 13) && obj.get_type().name().is_ok_and(|name| name == "_buffer_wrapper");
    if wraps { Traversal::Unvisited } else { Traversal::Obj }
}

/// Stores the referent of an object that has one; 1 at the second, so that the visit ends.
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

/// The only object that a memoryview refers to, as its `tp_traverse` reports it.
fn only_referent(view: &Bound<'_, PyMemoryView>) -> Option<*mut ffi::PyObject> {
    // SAFETY: a type that is alive, and a slot that types have; the interpreter is attached.
    let slot = unsafe { ffi::PyType_GetSlot(view.get_type().as_type_ptr(), ffi::Py_tp_traverse) };
    if slot.is_null() {
        return None;
    }
    // SAFETY: `Py_tp_traverse` is the slot of a `traverseproc`, and it is not NULL.
    let traverse: ffi::traverseproc = unsafe { std::mem::transmute(slot) };
    let mut referent: *mut ffi::PyObject = std::ptr::null_mut();
    // SAFETY: the object is of the type that the function belongs to; (a) of `store_referent` holds, since
    // the pointer is to `referent`.
    let stopped = unsafe { traverse(view.as_ptr(), store_referent, (&raw mut referent).cast()) };
    (stopped == 0 && !referent.is_null()).then_some(referent)
}

impl Fields {
    /// Before a request.
    const EMPTY: Self = Self {
        obj: Owner::Unknown,
        buf: None,
        len: 0,
        itemsize: 0,
        readonly: 0,
        ndim: 0,
        format: None,
        shape: None,
        strides: None,
        suboffsets: None,
    };

    /// Copies the fields of a struct that an exporter has filled in.
    fn copy(&mut self, buffer: &ffi::Py_buffer) {
        // A negative `ndim` has no entries; the report names it (A13, range of `ndim`).
        let entries = usize::try_from(buffer.ndim).unwrap_or(0).min(MAX_NDIM);
        self.obj = owner(buffer.obj);
        self.buf = u64::try_from(buffer.buf.addr()).ok();
        self.len = wide(buffer.len);
        self.itemsize = wide(buffer.itemsize);
        self.readonly = buffer.readonly;
        self.ndim = buffer.ndim;
        // SAFETY: a format that is not NULL ends with a NUL (A11) and stays while the buffer is held.
        self.format = unsafe { text(buffer.format) };
        // SAFETY: the exporter has filled the struct in: an array that is not NULL has `ndim` entries (A16),
        // of which no more than that are read, and stays while the buffer is held (E04).
        self.shape = unsafe { copied(buffer.shape, entries) };
        // SAFETY: as for the shape.
        self.strides = unsafe { copied(buffer.strides, entries) };
        // SAFETY: as for the shape.
        self.suboffsets = unsafe { copied(buffer.suboffsets, entries) };
    }
}

fn wide(size: isize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// # Safety
/// - (a) `array` is NULL, or `entries` numbers may be read there.
#[inline]
unsafe fn copied(array: *const ffi::Py_ssize_t, entries: usize) -> Option<Sizes> {
    if array.is_null() {
        return None;
    }
    let read = |index| {
        let entry: *const ffi::Py_ssize_t = array.wrapping_add(index);
        // SAFETY: one of the numbers of (a); the exporter need not have aligned them.
        wide(unsafe { entry.read_unaligned() })
    };
    Some(match entries {
        1 => Sizes::from_buf_and_len([read(0), 0, 0, 0], 1),
        _ => (0..entries).map(read).collect(),
    })
}

/// The bytes up to the NUL, or one more than a format may have.
///
/// # Safety
/// - (a) `text` is NULL, or the bytes up to the first NUL may be read there.
unsafe fn text(text: *const c_char) -> Option<SmallVec<[u8; 16]>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: each byte up to the first NUL is one of the bytes of (a), and none after it is read.
    let byte = |index| unsafe { text.cast::<u8>().wrapping_add(index).read() };
    let len = (0..=Limits::DEFAULT.bytes).take_while(|index| byte(*index) != 0).count();
    Some(match len {
        1 => SmallVec::from_slice(&[byte(0)]),
        _ => (0..len).map(byte).collect(),
    })
}

impl Acquired {
    /// Requests a buffer from an exporter.
    ///
    /// # Errors
    /// Whatever the exporter raises: `TypeError` for `1`, which exports nothing; `BufferError` for
    /// `WRITABLE` on `bytes`.
    pub fn new(exporter: &Bound<'_, PyAny>, request: Request) -> PyResult<Self> {
        match exporter.cast_exact::<PyMemoryView>() {
            Ok(view) => Self::of_memoryview(view, request),
            Err(_) => Self::request_from(exporter, request),
        }
    }

    #[inline]
    fn request_from(exporter: &Bound<'_, PyAny>, request: Request) -> PyResult<Self> {
        let (fixed, returned) = FixedBuffer::request(exporter, request);
        let error = raised(exporter.py());
        let acquired = (returned == 0).then(|| fixed.acquired(exporter));
        match (acquired, error) {
            (Some(acquired), None) => Ok(acquired),
            (_, Some(error)) => Err(error),
            (None, None) => {
                Err(PySystemError::new_err(format!("the exporter returned {returned} without an exception")))
            }
        }
    }

    /// The buffer of another memoryview of the same memory.
    fn of_memoryview(view: &Bound<'_, PyMemoryView>, request: Request) -> PyResult<Self> {
        let private = PyMemoryView::from(view.as_any())?;
        let mut acquired = Self::request_from(private.as_any(), request)?;
        if let Some(referent) = only_referent(&private) {
            // SAFETY: a container that the collector tracks, and that nothing else refers to; `drop` gives it
            // back. The interpreter is attached.
            unsafe { ffi::PyObject_GC_UnTrack(private.as_ptr().cast()) };
            acquired.0.traversal = Traversal::Private(referent);
        }
        Ok(acquired)
    }

    /// What the exporter filled in.
    #[must_use]
    pub fn raw(&self) -> RawView<'_> {
        let fields = &self.0.fields;
        RawView {
            buf: fields.buf,
            obj: fields.obj,
            len: fields.len,
            itemsize: fields.itemsize,
            readonly: fields.readonly,
            ndim: fields.ndim,
            format: fields.format.as_ref().map(SmallVec::as_slice),
            shape: fields.shape.as_ref().map(SmallVec::as_slice),
            strides: fields.strides.as_ref().map(SmallVec::as_slice),
            suboffsets: fields.suboffsets.as_ref().map(SmallVec::as_slice),
        }
    }

    /// The request that the exporter granted.
    #[must_use]
    pub fn request(&self) -> Request {
        self.0.request
    }

    /// Reports the reference that the buffer holds to the garbage collector: the body of `__traverse__` of a
    /// class that owns the buffer. The class needs no `__clear__` for it.
    ///
    /// # Errors
    /// - the collector stops the visit
    pub fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        let obj: *const *mut ffi::PyObject = match &self.0.traversal {
            Traversal::Obj => &raw const self.0.buffer.obj,
            Traversal::Private(referent) => referent,
            Traversal::Unvisited => return Ok(()),
        };
        // SAFETY: a pointer that is NULL or a reference to an object that the buffer keeps alive (A01), which
        // is what an `Option<Py<PyAny>>` is: a transparent `NonNull`, or NULL. It does not change while it
        // is borrowed.
        visit.call(unsafe { &*obj.cast::<Option<Py<PyAny>>>() })
    }

    /// The object in `obj`: the exporter, or the one that it re-exports (B22). Where the exporter is a
    /// memoryview, its `obj`.
    #[must_use]
    pub fn exporter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: `obj` is NULL or a reference to an object that the buffer holds until it is released
        // (A01), and the interpreter is attached.
        let obj = unsafe { Bound::from_borrowed_ptr_or_opt(py, self.0.buffer.obj) }?;
        match self.0.traversal {
            // It must not be given to Python code, which could release it.
            Traversal::Private(_) => obj.getattr("obj").ok().filter(|obj| !obj.is_none()),
            _ => Some(obj),
        }
    }

    /// The address of the first item; where `SIMPLE` was requested, that of `len` bytes.
    pub fn buf(&self) -> *mut u8 {
        self.0.buffer.buf.cast()
    }

    /// All rules that the struct breaks, and the view, if it can be read.
    pub fn check(self, checker: &Checker<'_>) -> Checked<SharedView> {
        self.check_as(checker, None)
    }

    /// The same with a format in place of the exporter's, if there is one: it describes an item, and not the
    /// arrangement of the items.
    pub fn check_as(self, checker: &Checker<'_>, format: Option<&[u8]>) -> Checked<SharedView> {
        let Checked { report, view } = self.validate(checker, format);
        Checked { report, view: view.map(|view| SharedView::new(Arc::new(self), view)) }
    }

    /// All rules that the struct breaks, and the geometry, if the items can be read. A `format` takes the place
    /// of the exporter's.
    pub(super) fn validate(&self, checker: &Checker<'_>, format: Option<&[u8]>) -> Checked<View<'static>> {
        let raw = self.raw();
        let request = if format.is_some() { self.0.request | Request::FORMAT } else { self.0.request };
        let raw = RawView { format: format.or(raw.format), ..raw };
        let Checked { report, view } = checker.check(&raw, Some(request));
        Checked { report, view: view.map(View::without_format) }
    }

    /// The arrangement of items whose layout is known. The items of the view are bytes. Returns `None` if
    /// [`geometry`](Self::geometry) has to decide.
    #[inline]
    pub(super) fn direct_geometry(&self) -> Option<View<'static>> {
        let view = RawView { format: None, ..self.raw() }.direct_view();
        debug_assert!(
            view.as_ref().is_none_or(|view| self.geometry().is_ok_and(|same| same.as_raw() == view.as_raw())),
            "{self:?}"
        );
        view
    }

    /// The arrangement of items whose layout is known, by all rules but those of formats. The items of the view
    /// are bytes.
    ///
    /// # Errors
    /// - a struct that breaks a rule so that the items cannot be read: the report of all rules that it breaks
    #[cold]
    pub(super) fn geometry(&self) -> Result<View<'static>, Report> {
        let raw = RawView { format: None, ..self.raw() };
        let request = self.0.request.difference(Request::FORMAT);
        Checker::DEFAULT.check(&raw, Some(request)).into_result().map(View::without_format)
    }
}

impl Drop for Acquired {
    fn drop(&mut self) {
        // Where the interpreter is gone, so is the exporter; its memory is left alone.
        Python::try_attach(|py| {
            // The object that holds this may be freed while an exception is on its way.
            let pending = raised(py);
            let exporter = if self.0.traversal == Traversal::Obj { self.exporter(py) } else { None };
            if let Traversal::Private(_) = self.0.traversal {
                // SAFETY: by the INVARIANT it was taken from the collector, and a memoryview must be tracked
                // when it is freed.
                unsafe { ffi::PyObject_GC_Track(self.0.buffer.obj.cast()) };
            }
            // SAFETY: by the INVARIANT it was granted, and this is its only release; the interpreter is
            // attached.
            unsafe { ffi::PyBuffer_Release(&raw mut self.0.buffer) };
            // A release cannot fail; an exception that it leaves must not surface elsewhere.
            if let Some(error) = raised(py) {
                error.write_unraisable(py, exporter.as_ref());
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

/// A validated view and its buffer, which is held as long as any part of the view is.
///
/// INVARIANT: `view` came from the numbers of `acquired` by `check`, or from such a view by slicing and
/// the like, which select parts of it; `buf` is the address that its offsets count from. So its items are
/// items that the exporter described.
#[derive(Clone, Debug)]
pub struct SharedView<O = Arc<Acquired>> {
    acquired: O,
    view: View<'static>,
    buf: *mut u8,
}

// SAFETY: the address is read from and written to while the interpreter is attached, or while the
// caller answers for it; nothing else depends on the thread.
unsafe impl<O: Send> Send for SharedView<O> {}
// SAFETY: as for `Send`.
unsafe impl<O: Sync> Sync for SharedView<O> {}

impl<O: Borrow<Acquired>> SharedView<O> {
    /// The items of `view`, which came from the numbers of `acquired` by a check.
    #[inline]
    pub(super) fn new(acquired: O, view: View<'static>) -> Self {
        let buf = acquired.borrow().buf();
        Self { acquired, view, buf }
    }

    /// The owner of the buffer.
    #[must_use]
    pub fn acquired(&self) -> &O {
        &self.acquired
    }

    /// The owner of the buffer, the geometry, and the address that its offsets count from.
    #[doc(hidden)]
    #[inline]
    pub fn into_parts(self) -> (O, View<'static>, *mut u8) {
        (self.acquired, self.view, self.buf)
    }

    /// The geometry. It has no format; that of the exporter is in [`Acquired::raw`].
    #[must_use]
    pub fn view(&self) -> &View<'static> {
        &self.view
    }

    /// The address that offsets of the view count from.
    #[must_use]
    pub fn buf(&self) -> *mut u8 {
        self.buf
    }

    /// The plan by which its items are read on this machine.
    ///
    /// # Errors
    /// - as [`Plan::for_view`]
    pub fn plan(&self) -> Result<Plan, DecodeError> {
        Plan::for_view(&self.view, &DataModel::HOST)
    }

    /// The items, to be read. The plan is for the items of this view.
    ///
    /// # Errors
    /// - a plan for items of another size
    pub fn buffer<'b>(&'b self, plan: &'b Plan) -> Result<Buffer<'b>, DecodeError> {
        // SAFETY: (a) and (b): by the INVARIANT the items are those that the exporter described, which
        // stay readable while the buffer is held (E04), and `self` holds it. (c) is required by the
        // protocol of everybody who holds a buffer of this memory; `docs/safety.md` describes the
        // consequences where somebody writes all the same.
        unsafe { Buffer::from_ptr(&self.view, plan, self.buf) }
    }

    /// The items, to be written.
    ///
    /// # Errors
    /// - a read-only buffer
    /// - a plan for items of another size
    pub fn buffer_mut<'b>(&'b self, plan: &'b Plan) -> Result<BufferMut<'b>, EncodeError> {
        // SAFETY: (a) to (c) as for `buffer`; (d): the exporter reports that it is not read-only, which
        // `from_ptr` asks of the view, and no reference into this memory is ever made.
        unsafe { BufferMut::from_ptr(&self.view, plan, self.buf) }
    }
}

impl SharedView {
    /// The items that slices select; see [`View::slice`].
    ///
    /// # Errors
    /// - as [`View::slice`]
    pub fn slice(&self, slices: &[Slice]) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.slice(slices)?, ..self.clone() })
    }

    /// The items of one index in a dimension, which is dropped; see [`View::select`]. A pointer on the way
    /// to all of them is followed.
    ///
    /// # Errors
    /// - as [`View::select`]
    /// - NULL in place of the pointer
    pub fn select(&self, dimension: usize, index: i64) -> Result<Self, DecodeError> {
        let Selected { view, pointer } = self.view.select(dimension, index)?;
        let mut buf = self.buf;
        if let Some(offset) = pointer {
            let offset =
                isize::try_from(offset).map_err(|_| DecodeError::internal("an offset outside of the address space"))?;
            let at: *mut u8 = buf.wrapping_offset(offset);
            // SAFETY: `select` reports a pointer only where there is an item of that index, by the INVARIANT
            // one that the exporter described: the pointer is on the way to it (A22) and is readable while
            // the buffer is held (E04). It need not be aligned.
            buf = unsafe { at.cast::<*mut u8>().read_unaligned() };
            if buf.is_null() {
                return Err(DecodeError::NullPointer { dimension: u64::try_from(dimension).unwrap_or(0) });
            }
        }
        Ok(Self { acquired: Arc::clone(&self.acquired), view, buf })
    }

    /// One field of every item; see [`View::field`].
    ///
    /// # Errors
    /// - as [`View::field`]
    pub fn field(&self, field: Field<'_>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.field(field)?, ..self.clone() })
    }

    /// The same bytes as other items; see [`View::cast`].
    ///
    /// # Errors
    /// - as [`View::cast`]
    pub fn cast(&self, item: ItemLayout, itemsize: i64, shape: Option<&[i64]>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.cast(item, itemsize, shape)?, ..self.clone() })
    }

    /// The dimensions in another order; see [`View::transpose`].
    ///
    /// # Errors
    /// - as [`View::transpose`]
    pub fn transpose(&self, axes: Option<&[usize]>) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.transpose(axes)?, ..self.clone() })
    }

    /// The same, not to be written to.
    #[must_use]
    pub fn to_readonly(&self) -> Self {
        Self { view: self.view.to_readonly(), ..self.clone() }
    }
}
