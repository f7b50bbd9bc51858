//! The contiguous bytes of an exporter, requested for one call (`Lent`) or held longer (`HeldBytes`).
#![allow(unsafe_code, reason = "requests and releases buffers, and copies their bytes")]

use std::ffi::c_int;
use std::marker::PhantomData;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit, ffi};

use crate::errors::class_name;
use crate::objects::{filled, take_exception};
use pep3118::py::Acquired;
use pep3118::view::Request;

/// The bytes of a buffer that was requested with `SIMPLE` or `WRITABLE`.
///
/// INVARIANT: `len` bytes from `buf` on may be read while `'b` lasts, and written to if `writable`. Made only
/// from a buffer that is held for `'b`.
#[derive(Debug)]
pub(crate) struct Lent<'b> {
    buf: *mut u8,
    len: usize,
    writable: bool,
    held: PhantomData<&'b ffi::Py_buffer>,
}

/// Releases a buffer that was granted.
struct Release<'a, 'py>(&'a mut ffi::Py_buffer, Python<'py>);

impl Drop for Release<'_, '_> {
    fn drop(&mut self) {
        let Self(buffer, _) = self;
        // SAFETY: made where the request returned 0, and this is its only release; the interpreter is
        // attached, as the token says.
        unsafe { ffi::PyBuffer_Release(&raw mut **buffer) };
    }
}

/// Requests the bytes of an exporter. After success `buffer` must not be moved.
fn request(exporter: &Bound<'_, PyAny>, buffer: &mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    // SAFETY: the interpreter is attached, the object is alive, and the struct is writable and stays
    // where it is.
    let returned = unsafe { ffi::PyObject_GetBuffer(exporter.as_ptr(), &raw mut *buffer, flags) };
    if returned == 0 { Ok(()) } else { Err(take_exception(exporter.py())) }
}

/// The length of a buffer in bytes.
///
/// # Errors
/// - a negative length, or NULL for some bytes: `BufferError`
#[inline]
fn check(buf: *mut u8, len: i64) -> PyResult<usize> {
    match usize::try_from(len) {
        Err(_) => Err(PyBufferError::new_err(format!("the exporter reports a length of {len} bytes"))),
        Ok(len) if len > 0 && buf.is_null() => {
            Err(PyBufferError::new_err(format!("the exporter reports {len} bytes at NULL")))
        }
        Ok(len) => Ok(len),
    }
}

/// Whether the format of a buffer is the given one; a missing format is `B`.
fn has_format(buffer: &ffi::Py_buffer, format: &[u8]) -> bool {
    if buffer.format.is_null() {
        return format == b"B";
    }
    // SAFETY: a format that is not NULL ends with a NUL (A11), so that each byte up to the first one that
    // differs may be read; it stays while the buffer is held.
    let byte = |index: usize| unsafe { buffer.format.cast::<u8>().wrapping_add(index).read() };
    format.iter().chain(&[0]).enumerate().all(|(index, wanted)| byte(index) == *wanted)
}

// SAFETY: an address that is read while its buffer is held, on whatever thread.
unsafe impl Sync for Lent<'_> {}

impl<'b> Lent<'b> {
    /// The bytes of a buffer that was granted.
    ///
    /// # Errors
    /// - as [`check`]
    fn granted(buffer: &'b ffi::Py_buffer) -> PyResult<Self> {
        let buf = buffer.buf.cast::<u8>();
        let len = check(buf, i64::try_from(buffer.len)?)?;
        Ok(Self { buf, len, writable: buffer.readonly == 0, held: PhantomData })
    }

    /// Calls `call` with the bytes of an exporter, whose buffer is released after the call.
    ///
    /// # Errors
    /// - an object that exports no buffer, or with `writable` a read-only one: `TypeError`
    /// - bytes that are not contiguous: `BufferError`
    /// - an error of `call`
    #[inline]
    pub(crate) fn with<T>(
        exporter: &Bound<'_, PyAny>,
        writable: bool,
        call: impl FnOnce(&Lent<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        let mut buffer = ffi::Py_buffer::new();
        let flags = if writable { ffi::PyBUF_WRITABLE } else { ffi::PyBUF_SIMPLE };
        let granted = request(exporter, &mut buffer, flags);
        if writable && granted.is_err() {
            // The message of CPython's argument parser.
            let found = class_name(exporter)?;
            let message = format!("argument must be read-write bytes-like object, not {found}");
            return Err(PyTypeError::new_err(message));
        }
        granted?;
        let release = Release(&mut buffer, exporter.py());
        let lent = Lent::granted(&*release.0)?;
        call(&lent)
    }

    /// Calls with the bytes of an exporter whose items have the given format, itemsize and shape and are
    /// contiguous, the last index fastest. `None`, without a call, where they are others.
    ///
    /// The format must be that of one number, which needs no other knowledge of the exporter.
    ///
    /// # Errors
    /// - an exception of the exporter, or of `call`
    pub(crate) fn with_items<T>(
        exporter: &Bound<'_, PyAny>,
        (format, itemsize, shape): (&[u8], i64, &[i64]),
        call: impl FnOnce(&Lent<'_>) -> PyResult<T>,
    ) -> PyResult<Option<T>> {
        let mut buffer = ffi::Py_buffer::new();
        request(exporter, &mut buffer, ffi::PyBUF_FULL_RO)?;
        let release = Release(&mut buffer, exporter.py());
        let given = &*release.0;
        let bytes = shape.iter().try_fold(itemsize, |bytes, length| bytes.checked_mul(*length));
        let one = shape.len() == 1 && given.ndim == 1 && given.suboffsets.is_null();
        if !one || i64::try_from(given.itemsize) != Ok(itemsize) || bytes != i64::try_from(given.len).ok() {
            return Ok(None);
        }
        // With one dimension `len` and `itemsize` give the shape (A04), and a stride is contiguous or not.
        let stride = if given.strides.is_null() {
            given.itemsize
        } else {
            // SAFETY: strides that are not NULL have `ndim` entries (A16), which is 1; they stay while the buffer is
            // held (E04). They need not be aligned.
            unsafe { given.strides.read_unaligned() }
        };
        if i64::try_from(stride) != Ok(itemsize) || !has_format(given, format) {
            return Ok(None);
        }
        call(&Lent::granted(given)?).map(Some)
    }

    /// Copies the bytes to memory that may overlap them.
    ///
    /// # Safety
    /// - (a) `len` bytes may be written there, and are no more than these.
    pub(crate) unsafe fn move_to(&self, to: *mut u8, len: usize) {
        // SAFETY: by the INVARIANT as many bytes may be read; (a).
        unsafe { core::ptr::copy(self.buf, to, len.min(self.len)) };
    }

    /// The number of bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies the bytes from `offset` on into `out`.
    ///
    /// # Errors
    /// - bytes 3 to 7 of 6: `BufferError`
    #[inline]
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> PyResult<()> {
        let from = self.at(offset, out.len())?;
        // SAFETY: `at` has compared the range with `len`, so by the INVARIANT its bytes may be read; `out` is
        // memory that Rust has borrowed, so the two do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    /// A copy of all bytes.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(crate) fn to_vec(&self) -> PyResult<Vec<u8>> {
        filled(self.len, |copy| self.read(0, copy))
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    /// - memory that is read-only: `BufferError`
    /// - as [`read`](Self::read)
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> PyResult<()> {
        let to = self.at(offset, bytes.len())?;
        if !self.writable {
            return Err(PyBufferError::new_err("the memory is read-only"));
        }
        // SAFETY: as for `read`; by the INVARIANT the memory may be written to.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    /// The address of a range of bytes.
    #[inline]
    fn at(&self, offset: usize, len: usize) -> PyResult<*mut u8> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(self.buf.wrapping_add(offset)),
            _ => Err(PyBufferError::new_err("bytes outside of the buffer")),
        }
    }
}

/// The bytes of an exporter, held until they are dropped.
///
/// INVARIANT: `len` bytes from the start of the buffer on may be read while it is held: made by `new` only.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    buffer: Acquired,
    len: usize,
}

impl HeldBytes {
    /// Requests the bytes of an exporter.
    ///
    /// # Errors
    /// - as [`Lent::with`], without `writable`
    pub(crate) fn new(exporter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = Acquired::new(exporter, Request::SIMPLE)?;
        let len = check(buffer.buf(), buffer.raw().len)?;
        Ok(Self { buffer, len })
    }

    /// The bytes, to be read.
    #[inline]
    pub(crate) fn lend(&self) -> Lent<'_> {
        Lent { buf: self.buffer.buf(), len: self.len, writable: false, held: PhantomData }
    }

    /// Reports the reference to the exporter to the garbage collector.
    ///
    /// # Errors
    /// - the collector stops the visit
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.buffer.traverse(visit)
    }
}
