//! A `Py_buffer` from request to release.
//!
//! PyO3 has a guard of its own; it refuses exporters that this crate is there to read (ctypes arrays,
//! buffers without dimensions), and it takes the struct for what it says.
#![allow(unsafe_code, reason = "requests and releases buffers, and lends their memory to `mem.rs`")]

use std::ffi::{c_char, c_int};
use std::sync::Arc;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::abi::DataModel;
use crate::decode::{Buffer, BufferMut, DecodeError, EncodeError, Plan};
use crate::format::Limits;
use crate::layout::Field;
use crate::view::{
    Checked, Checker, ItemLayout, Owner, RawView, RawViewBuf, Request, Selected, Slice, View, ViewError,
};

/// Entries of a shape that are read, whatever `ndim` says: `PyBUF_MAX_NDIM`.
const MAX_NDIM: usize = 64;

/// A buffer that an exporter granted; released when it is dropped.
///
/// Its numbers are copied once, right after the request, so no Python code runs between their reading
/// and that of the memory.
///
/// INVARIANT: `buffer` was filled in by `PyObject_GetBuffer`, which returned 0, and it was neither moved
/// nor released since: it may point into itself (E08).
pub struct Acquired {
    buffer: Box<ffi::Py_buffer>,
    raw: RawViewBuf,
    request: Request,
}

// SAFETY: the struct is not touched between request and release but for its numbers, which are
// copied; the release attaches to the interpreter.
unsafe impl Send for Acquired {}
// SAFETY: as for `Send`; nothing is changed through a shared reference.
unsafe impl Sync for Acquired {}

/// What came of a request.
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
    /// Asks an exporter for a buffer.
    pub(super) fn new(exporter: &Bound<'_, PyAny>, request: Request) -> Self {
        let py = exporter.py();
        let mut buffer = Box::new(ffi::Py_buffer::new());
        let references = references(exporter);
        // SAFETY: the interpreter is attached, the object is alive, and the struct is writable and
        // stays where it is.
        let returned = unsafe { ffi::PyObject_GetBuffer(exporter.as_ptr(), &raw mut *buffer, request.bits()) };
        let error = PyErr::take(py);
        let obj = match buffer.obj.addr() {
            0 => Owner::Null,
            address => Owner::Exporter(u64::try_from(address).unwrap_or(u64::MAX)),
        };
        let acquired = (returned == 0).then(|| {
            let raw = numbers(&buffer, obj);
            Acquired { buffer, raw, request }
        });
        Self { returned, error, acquired, obj, references }
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

/// The numbers of a struct that was filled in.
fn numbers(buffer: &ffi::Py_buffer, obj: Owner) -> RawViewBuf {
    let entries = usize::try_from(buffer.ndim).unwrap_or(0).min(MAX_NDIM);
    // SAFETY: the exporter has filled the struct in: an array that is not NULL has `ndim` entries (A16),
    // of which no more than that are read, and stays while the buffer is held (E04).
    let shape = unsafe { copied(buffer.shape, entries) };
    // SAFETY: as for the shape.
    let strides = unsafe { copied(buffer.strides, entries) };
    // SAFETY: as for the shape.
    let suboffsets = unsafe { copied(buffer.suboffsets, entries) };
    // SAFETY: a format that is not NULL ends with a NUL (A11) and stays while the buffer is held.
    let format = unsafe { text(buffer.format) };
    RawView {
        buf: u64::try_from(buffer.buf.addr()).ok(),
        obj,
        len: wide(buffer.len),
        itemsize: wide(buffer.itemsize),
        readonly: buffer.readonly,
        ndim: buffer.ndim,
        format: format.as_deref(),
        shape: shape.as_deref(),
        strides: strides.as_deref(),
        suboffsets: suboffsets.as_deref(),
    }
    .to_buf()
}

fn wide(size: isize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// # Safety
/// - (a) `array` is NULL, or `entries` numbers may be read there.
unsafe fn copied(array: *const ffi::Py_ssize_t, entries: usize) -> Option<Vec<i64>> {
    if array.is_null() {
        return None;
    }
    let read = |index| {
        let entry: *const ffi::Py_ssize_t = array.wrapping_add(index);
        // SAFETY: one of the numbers of (a); no alignment is asked of a stranger.
        wide(unsafe { entry.read_unaligned() })
    };
    Some((0..entries).map(read).collect())
}

/// The bytes up to the NUL, or one more than a format may have.
///
/// # Safety
/// - (a) `text` is NULL, or the bytes up to the first NUL may be read there.
unsafe fn text(text: *const c_char) -> Option<Vec<u8>> {
    if text.is_null() {
        return None;
    }
    let mut bytes = Vec::new();
    while bytes.len() <= Limits::DEFAULT.bytes {
        let at: *const u8 = text.cast::<u8>().wrapping_add(bytes.len());
        // SAFETY: no NUL came before it, so it is one of the bytes of (a).
        let byte = unsafe { at.read() };
        if byte == 0 {
            break;
        }
        bytes.push(byte);
    }
    Some(bytes)
}

impl Acquired {
    /// Asks an exporter for a buffer.
    ///
    /// # Errors
    /// Whatever the exporter raises: `TypeError` for `1`, which exports nothing; `BufferError` for
    /// `WRITABLE` on `bytes`.
    pub fn new(exporter: &Bound<'_, PyAny>, request: Request) -> PyResult<Self> {
        let attempt = Attempt::new(exporter, request);
        match (attempt.acquired, attempt.error) {
            (Some(acquired), None) => Ok(acquired),
            (_, Some(error)) => Err(error),
            (None, None) => Err(pyo3::exceptions::PySystemError::new_err(format!(
                "the exporter returned {} without an exception",
                attempt.returned
            ))),
        }
    }

    /// What the exporter filled in.
    #[must_use]
    pub fn raw(&self) -> RawView<'_> {
        self.raw.as_raw()
    }

    /// What it was asked for.
    #[must_use]
    pub fn request(&self) -> Request {
        self.request
    }

    /// Tells the garbage collector of the reference that the buffer holds.
    pub fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        let obj: *const Option<Py<PyAny>> = (&raw const self.buffer.obj).cast();
        // SAFETY: `obj` is NULL or a reference to an object (A01), which is what an `Option<Py<PyAny>>` is:
        // a transparent `NonNull`, or NULL. The struct is not changed while it is borrowed.
        visit.call(unsafe { &*obj })
    }

    /// The object in `obj`: the exporter, or the one that it re-exports (B22).
    #[must_use]
    pub fn exporter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: `obj` is NULL or a reference to an object that the buffer holds until it is released
        // (A01), and the interpreter is attached.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, self.buffer.obj) }
    }

    /// The address of the first item; where `SIMPLE` was asked for, that of `len` bytes.
    pub fn buf(&self) -> *mut u8 {
        self.buffer.buf.cast()
    }

    /// All rules that the struct breaks, and the view, if it can be read.
    pub fn check(self, checker: &Checker<'_>) -> Checked<SharedView> {
        self.check_as(checker, None)
    }

    /// The same with a format in place of the exporter's, if there is one: it says what an item is, and
    /// nothing about where it lies.
    pub fn check_as(self, checker: &Checker<'_>, format: Option<&[u8]>) -> Checked<SharedView> {
        let acquired = Arc::new(self);
        let raw = acquired.raw();
        let request = if format.is_some() { acquired.request | Request::FORMAT } else { acquired.request };
        let raw = RawView { format: format.or(raw.format), ..raw };
        let Checked { report, view } = checker.check(&raw, Some(request));
        let view = view.map(View::without_format);
        let buf = acquired.buffer.buf.cast::<u8>();
        Checked { report, view: view.map(|view| SharedView { acquired, view, buf }) }
    }
}

impl Drop for Acquired {
    fn drop(&mut self) {
        // Where the interpreter is gone, so is the exporter; its memory is left alone.
        Python::try_attach(|py| {
            // The object that holds this may be freed while an exception is on its way.
            let pending = PyErr::take(py);
            let exporter = self.exporter(py);
            // SAFETY: by the INVARIANT it was granted, and this is its only release; the interpreter is
            // attached.
            unsafe { ffi::PyBuffer_Release(&raw mut *self.buffer) };
            // A release cannot fail; what it leaves behind must not surface elsewhere.
            if let Some(error) = PyErr::take(py) {
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
        f.debug_struct("Acquired").field("raw", &self.raw).field("request", &self.request).finish_non_exhaustive()
    }
}

/// A proved view and the buffer that it lies in, which is held as long as any part of it is.
///
/// INVARIANT: `view` came from the numbers of `acquired` by `check`, or from such a view by slicing and
/// the like, which leave parts of it; `buf` is what its offsets count from. So its items are bytes of
/// those that the exporter described.
#[derive(Clone, Debug)]
pub struct SharedView {
    acquired: Arc<Acquired>,
    view: View<'static>,
    buf: *mut u8,
}

// SAFETY: the address is read from and written to while the interpreter is attached, or while the
// caller answers for it; nothing else depends on the thread.
unsafe impl Send for SharedView {}
// SAFETY: as for `Send`.
unsafe impl Sync for SharedView {}

impl SharedView {
    /// The buffer.
    #[must_use]
    pub fn acquired(&self) -> &Arc<Acquired> {
        &self.acquired
    }

    /// The geometry. It has no format; that of the exporter is in [`Acquired::raw`].
    #[must_use]
    pub fn view(&self) -> &View<'static> {
        &self.view
    }

    /// What offsets of the view count from.
    #[must_use]
    pub fn buf(&self) -> *mut u8 {
        self.buf
    }

    /// The items that slices select; see [`View::slice`].
    ///
    /// # Errors
    /// - as [`View::slice`]
    pub fn slice(&self, slices: &[Slice]) -> Result<Self, ViewError> {
        Ok(Self { view: self.view.slice(slices)?, ..self.clone() })
    }

    /// The items of one index in a dimension, which is dropped; see [`View::select`]. A pointer that lies
    /// on the way to all of them is followed.
    ///
    /// # Errors
    /// - as [`View::select`]
    /// - NULL in place of the pointer
    pub fn select(&self, dimension: usize, index: i64) -> Result<Self, DecodeError> {
        let Selected { view, pointer } = self.view.select(dimension, index)?;
        let mut buf = self.buf;
        if let Some(offset) = pointer {
            let at: *mut u8 = buf.wrapping_offset(isize::try_from(offset).unwrap_or(0));
            // SAFETY: `select` tells of a pointer only where there is an item of that index, by the INVARIANT
            // one that the exporter described: the pointer lies on the way to it (A22) and is readable while
            // the buffer is held (E04). No alignment is asked of it.
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

    /// How its items are read on this machine.
    ///
    /// # Errors
    /// - as [`Plan::for_view`]
    pub fn plan(&self) -> Result<Plan, DecodeError> {
        Plan::for_view(&self.view, &DataModel::HOST)
    }

    /// What values are read from. The plan is for the items of this view.
    ///
    /// # Errors
    /// - a plan for items of another size
    pub fn buffer<'b>(&'b self, plan: &'b Plan) -> Result<Buffer<'b>, DecodeError> {
        // SAFETY: (a) and (b): by the INVARIANT the items are those that the exporter described, which
        // stay readable while the buffer is held (E04), and `self` holds it. (c) is what the protocol
        // asks of everybody who holds a buffer of this memory; `docs/safety.md` says what follows where
        // one does not keep to it.
        unsafe { Buffer::from_ptr(&self.view, plan, self.buf) }
    }

    /// What values are written to.
    ///
    /// # Errors
    /// - a read-only buffer
    /// - a plan for items of another size
    pub fn buffer_mut<'b>(&'b self, plan: &'b Plan) -> Result<BufferMut<'b>, EncodeError> {
        // SAFETY: (a) to (c) as for `buffer`; (d): the exporter says that it is not read-only, which
        // `from_ptr` asks of the view, and no reference into this memory is ever made.
        unsafe { BufferMut::from_ptr(&self.view, plan, self.buf) }
    }
}
