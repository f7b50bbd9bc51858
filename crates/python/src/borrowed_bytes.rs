//! Access to the contiguous bytes of an exporter. `BorrowedBytes` borrows the bytes for one call. `HeldBytes` owns the
//! acquired `Py_buffer` until it is dropped.
#![allow(unsafe_code, reason = "requests and releases buffers, and copies their bytes")]

use std::ffi::c_int;
use std::marker::PhantomData;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit, ffi};

use crate::errors::class_name;
use crate::objects::{self, filled, take_exception};
use pep3118::py::Acquired;
use pep3118::view::Request;

/// The contiguous bytes of a buffer that is not released during `'b`.
///
/// INVARIANT: the `len` bytes from `buf` on may be read for `'b`. If `writable` is `true`, these bytes may be written
/// to.
#[derive(Debug)]
pub(crate) struct BorrowedBytes<'b> {
    buf: *mut u8,
    len: usize,
    writable: bool,
    buffer: PhantomData<&'b ffi::Py_buffer>,
}

/// Releases a `Py_buffer` when this struct is dropped. The exporter must have filled in the `Py_buffer`.
struct Release<'a, 'py>(&'a mut ffi::Py_buffer, Python<'py>);

impl Drop for Release<'_, '_> {
    fn drop(&mut self) {
        let Self(buffer, _) = self;
        // SAFETY: the exporter has filled in `buffer`, because `request` returned `Ok`. No other code releases
        // `buffer`. The field of type `Python` proves that the thread is attached to the interpreter.
        unsafe { ffi::PyBuffer_Release(&raw mut **buffer) };
    }
}

/// Requests a buffer from `exporter` with the flags `flags`. The exporter fills in `buffer`. The caller must not move
/// `buffer` before the buffer is released, because the exporter may store addresses that point into `buffer`.
///
/// # Errors
/// - the exporter raises an exception: the exception is returned unchanged
fn request(exporter: &Bound<'_, PyAny>, buffer: &mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    // SAFETY: the thread is attached to the interpreter, `exporter` is alive, and `buffer` may be written to.
    let returned = unsafe { ffi::PyObject_GetBuffer(exporter.as_ptr(), &raw mut *buffer, flags) };
    if returned == 0 { Ok(()) } else { Err(take_exception(exporter.py())) }
}

/// Checks the values that an exporter reported: the address `buf` and the length `len` in bytes. Returns `len`.
///
/// # Errors
/// - `len` is negative, or `buf` is NULL and `len` is not 0: `BufferError`
#[inline]
fn check(buf: *mut u8, len: i64) -> PyResult<usize> {
    match usize::try_from(len) {
        Err(_) => Err(objects::error::<PyBufferError>(format!("the exporter reports a length of {len} bytes"))),
        Ok(len) if len > 0 && buf.is_null() => {
            Err(objects::error::<PyBufferError>(format!("the exporter reports {len} bytes at NULL")))
        }
        Ok(len) => Ok(len),
    }
}

/// Returns `true` if `format` is the format of `buffer`. A `buffer` whose format is NULL has the format `B`.
fn has_format(buffer: &ffi::Py_buffer, format: &[u8]) -> bool {
    if buffer.format.is_null() {
        return format == b"B";
    }
    // SAFETY: a format that is not NULL ends with a NUL (A11, terminated format). The iterator stops at the first byte
    // that differs from `format`, at the latest at the NUL. The format exists until the buffer is released.
    let byte = |index: usize| unsafe { buffer.format.cast::<u8>().wrapping_add(index).read() };
    format.iter().chain(&[0]).enumerate().all(|(index, wanted)| byte(index) == *wanted)
}

// SAFETY: any thread may read the memory until the buffer is released.
unsafe impl Sync for BorrowedBytes<'_> {}

impl<'b> BorrowedBytes<'b> {
    /// Returns the bytes that `buffer` describes. The exporter must have filled in `buffer`.
    ///
    /// # Errors
    /// - every error of [`check`]
    fn of_buffer(buffer: &'b ffi::Py_buffer) -> PyResult<Self> {
        let buf = buffer.buf.cast::<u8>();
        let len = check(buf, i64::try_from(buffer.len)?)?;
        Ok(Self { buf, len, writable: buffer.readonly == 0, buffer: PhantomData })
    }

    /// Calls `call` with the bytes of `exporter`. The buffer is released after the call. If `writable` is `Some`, the
    /// function requests a writable buffer. `writable` is then the name of the Python argument for the error message.
    ///
    /// # Errors
    /// - `exporter` exports no buffer, or only a read-only buffer although `writable` is `Some`: `TypeError`
    /// - the bytes are not contiguous: `BufferError`, or `TypeError` if `writable` is `Some`
    /// - an error of `call`
    #[inline]
    pub(crate) fn with<T>(
        exporter: &Bound<'_, PyAny>,
        writable: Option<&str>,
        call: impl FnOnce(&BorrowedBytes<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        let mut buffer = ffi::Py_buffer::new();
        let flags = if writable.is_some() { ffi::PyBUF_WRITABLE } else { ffi::PyBUF_SIMPLE };
        let requested = request(exporter, &mut buffer, flags);
        if let (Some(argument), Err(_)) = (writable, &requested) {
            // The message of CPython's argument parser.
            let found = class_name(exporter)?;
            let message = format!("{argument} must be read-write bytes-like object, not {found}");
            return Err(objects::error::<PyTypeError>(message));
        }
        requested?;
        let release = Release(&mut buffer, exporter.py());
        let lent = BorrowedBytes::of_buffer(&*release.0)?;
        call(&lent)
    }

    /// Calls `call` with the bytes of `exporter` if its items have the format `format`, `itemsize` bytes and the shape
    /// `shape`, and are contiguous in C order. `shape` must have one dimension. In every other case, the function does
    /// not call `call` and returns `None`.
    ///
    /// `format` must be the format of one number. Other formats can have different meanings in different exporters.
    ///
    /// # Errors
    /// - the exporter raises an exception: the exception is returned unchanged
    /// - an error of `call`
    pub(crate) fn with_items<T>(
        exporter: &Bound<'_, PyAny>,
        (format, itemsize, shape): (&[u8], i64, &[i64]),
        call: impl FnOnce(&BorrowedBytes<'_>) -> PyResult<T>,
    ) -> PyResult<Option<T>> {
        let &[length] = shape else { return Ok(None) };
        if let Ok(bytes) = exporter.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            if format != b"B" || usize::try_from(length) != Ok(bytes.len()) {
                return Ok(None);
            }
            // No code writes to the address, because `writable` is `false` for a `bytes` object.
            let buf = bytes.as_ptr().cast_mut();
            return call(&BorrowedBytes { buf, len: bytes.len(), writable: false, buffer: PhantomData }).map(Some);
        }
        let mut buffer = ffi::Py_buffer::new();
        request(exporter, &mut buffer, ffi::PyBUF_FULL_RO)?;
        let release = Release(&mut buffer, exporter.py());
        let given = &*release.0;
        let bytes = itemsize.checked_mul(length);
        let is_direct = given.ndim == 1 && given.suboffsets.is_null();
        if !is_direct || i64::try_from(given.itemsize) != Ok(itemsize) || bytes != i64::try_from(given.len).ok() {
            return Ok(None);
        }
        // The length of the only dimension is `len / itemsize`, because `len` is the product of the shape and the
        // itemsize (rule A04).
        let stride = if given.strides.is_null() {
            given.itemsize
        } else {
            // SAFETY: strides that are not NULL have `ndim` entries (A16, number of entries), and `ndim` is 1. The
            // array of strides exists until the buffer is released (E04, memory stays valid). `read_unaligned` does not
            // require an aligned address.
            unsafe { given.strides.read_unaligned() }
        };
        if i64::try_from(stride) != Ok(itemsize) || !has_format(given, format) {
            return Ok(None);
        }
        call(&BorrowedBytes::of_buffer(given)?).map(Some)
    }

    /// Creates the `BorrowedBytes` for the `len` bytes from `buf` on.
    ///
    /// # Safety
    /// - (a) `len` bytes from `buf` on may be read for `'b`.
    /// - (b) If `writable` is `true`, the bytes may be written to for `'b`.
    #[inline]
    pub(crate) unsafe fn from_ptr(buf: *mut u8, len: usize, writable: bool) -> Self {
        Self { buf, len, writable, buffer: PhantomData }
    }

    /// Copies all bytes of `from` to these bytes. The two memory areas may overlap. Returns `false`, and copies
    /// nothing, if the lengths differ or if these bytes are read-only.
    pub(crate) fn copy_from(&self, from: &Self) -> bool {
        if self.len != from.len || !self.writable {
            return false;
        }
        if self.len > 0 {
            // SAFETY: by the INVARIANT `len` bytes of `from` may be read. `len` bytes of `self` may be written to
            // because `writable` is `true`. `copy` allows memory areas that overlap.
            unsafe { core::ptr::copy(from.buf, self.buf, self.len) };
        }
        true
    }

    /// Returns a copy of the first `N` bytes, and removes these bytes from `self`. Returns `None`, and removes nothing,
    /// if `self` has fewer than `N` bytes.
    #[inline(always)]
    pub(crate) fn next_chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let left = self.len.checked_sub(N)?;
        // SAFETY: by the INVARIANT `len` bytes may be read, and `N` is at most `len`. An array of bytes has no
        // alignment.
        let chunk = unsafe { self.buf.cast::<[u8; N]>().read() };
        (self.buf, self.len) = (self.buf.wrapping_add(N), left);
        Some(chunk)
    }

    /// Returns the number of bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Fills `out` with a copy of the bytes from the offset `offset` on.
    ///
    /// # Errors
    /// - a byte after the end is requested, such as bytes 3 to 7 of 6 bytes: `BufferError`
    #[inline]
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> PyResult<()> {
        let from = self.at(offset, out.len())?;
        // SAFETY: `at` has compared the range with `len`, so by the INVARIANT its bytes may be read. `out` is memory of
        // this program, so the memory of the exporter does not overlap `out`.
        unsafe { core::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    /// Returns a copy of all bytes.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(crate) fn to_vec(&self) -> PyResult<Vec<u8>> {
        filled(self.len, |copy| self.read(0, copy))
    }

    /// Writes `bytes` to the memory at the byte `offset`.
    ///
    /// # Errors
    /// - memory that is read-only: `BufferError`
    /// - every error of [`read`](Self::read)
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> PyResult<()> {
        let to = self.at(offset, bytes.len())?;
        if !self.writable {
            return Err(objects::error::<PyBufferError>("the memory is read-only"));
        }
        // SAFETY: `at` has compared the range with `len`, so by the INVARIANT its bytes may be written to, because
        // `writable` is `true`. `bytes` is memory of this program, so the memory of the exporter does not overlap
        // `bytes`.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    /// Checks that `len` bytes exist from `offset` on, and returns the address of the byte at `offset`.
    ///
    /// # Errors
    /// - a byte after the end is requested, such as bytes 3 to 7 of 6 bytes: `BufferError`
    #[inline]
    fn at(&self, offset: usize, len: usize) -> PyResult<*mut u8> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(self.buf.wrapping_add(offset)),
            _ => Err(objects::error::<PyBufferError>("bytes outside of the buffer")),
        }
    }
}

/// An acquired buffer of contiguous bytes. Dropping this struct releases the buffer.
///
/// INVARIANT: the first `len` bytes of the buffer may be read until the buffer is released. Only `new` creates a
/// `HeldBytes`.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    buffer: Acquired,
    len: usize,
}

impl HeldBytes {
    /// Requests a buffer of contiguous bytes from `exporter`. The buffer may be read-only.
    ///
    /// # Errors
    /// - `exporter` exports no buffer: `TypeError`
    /// - the bytes are not contiguous: `BufferError`
    pub(crate) fn new(exporter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = Acquired::new(exporter, Request::SIMPLE)?;
        let len = check(buffer.buf(), buffer.raw().len)?;
        Ok(Self { buffer, len })
    }

    /// Returns the bytes of the buffer, which cannot be written to. The borrow of `self` keeps the buffer from being
    /// released while the bytes are read.
    #[inline]
    pub(crate) fn borrow(&self) -> BorrowedBytes<'_> {
        BorrowedBytes { buf: self.buffer.buf(), len: self.len, writable: false, buffer: PhantomData }
    }

    /// Reports the reference to the exporter to the garbage collector. `visit` is the callback of the collector.
    ///
    /// # Errors
    /// - the collector stops the visit
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.buffer.traverse(visit)
    }
}
