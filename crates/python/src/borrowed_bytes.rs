//! The contiguous bytes of an exporter, from request to release.
#![allow(unsafe_code, reason = "requests and releases buffers, and copies their bytes")]

use std::ffi::c_int;
use std::marker::PhantomData;

use pyo3::ffi;
use pyo3::prelude::*;

/// What a `SIMPLE` request lends: bytes, and nothing else is looked at.
///
/// INVARIANT: `len` bytes from `buf` on may be read while `'b` lasts, and written to if `writable`:
/// made by `granted` only, from a buffer that is held for `'b`.
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

/// Asks for the bytes of an exporter. A buffer that was granted must not be moved.
fn request(exporter: &Bound<'_, PyAny>, buffer: &mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    // SAFETY: the interpreter is attached, the object is alive, and the struct is writable and stays
    // where it is.
    let returned = unsafe { ffi::PyObject_GetBuffer(exporter.as_ptr(), &raw mut *buffer, flags) };
    if returned == 0 { Ok(()) } else { Err(PyErr::fetch(exporter.py())) }
}

impl<'b> Lent<'b> {
    /// The bytes of a buffer that was granted, if its numbers can be true.
    fn granted(buffer: &'b ffi::Py_buffer) -> PyResult<Self> {
        let refusal = |what: &str| Err(pyo3::exceptions::PyBufferError::new_err(what.to_owned()));
        let Ok(len) = usize::try_from(buffer.len) else { return refusal("len is negative") };
        if buffer.buf.is_null() && len > 0 {
            return refusal("buf is NULL");
        }
        let buf = buffer.buf.cast::<u8>();
        Ok(Self { buf, len, writable: buffer.readonly == 0, held: PhantomData })
    }

    /// Calls with the bytes of an exporter, which is held as long as the call lasts.
    ///
    /// # Errors
    /// - `TypeError`: an exporter of nothing; with `writable` also one that cannot be written to
    /// - `BufferError`: bytes that are not contiguous
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
            // As the argument parser of CPython puts it.
            let found = exporter.get_type().name()?;
            let message = format!("argument must be read-write bytes-like object, not {found}");
            return Err(pyo3::exceptions::PyTypeError::new_err(message));
        }
        granted?;
        let release = Release(&mut buffer, exporter.py());
        let lent = Lent::granted(&*release.0)?;
        call(&lent)
    }

    /// Number of bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// - bytes 3 to 7 of 6: `BufferError`
    #[inline]
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> PyResult<()> {
        let from = self.at(offset, out.len())?;
        // SAFETY: `at` has compared the range with `len`, so by the INVARIANT its bytes may be read;
        // `out` is this program's, so they do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    /// Copies bytes in.
    ///
    /// # Errors
    /// - memory that is read-only: `BufferError`
    /// - as [`read`](Self::read)
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> PyResult<()> {
        let to = self.at(offset, bytes.len())?;
        if !self.writable {
            return Err(pyo3::exceptions::PyBufferError::new_err("the memory is read-only"));
        }
        // SAFETY: as for `read`, and writable.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    #[inline]
    fn at(&self, offset: usize, len: usize) -> PyResult<*mut u8> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(self.buf.wrapping_add(offset)),
            _ => Err(pyo3::exceptions::PyBufferError::new_err("bytes outside of the buffer")),
        }
    }
}

/// The bytes of an exporter, held until they are dropped.
///
/// INVARIANT: as for [`Acquired`].
pub(crate) struct HeldBytes(Box<ffi::Py_buffer>);

// SAFETY: the struct is not touched between request and release; the release attaches.
unsafe impl Send for HeldBytes {}
// SAFETY: as for `Send`; nothing is changed through a shared reference.
unsafe impl Sync for HeldBytes {}

impl HeldBytes {
    /// # Errors
    /// As [`Lent::with`].
    pub(crate) fn new(exporter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        request(exporter, &mut buffer, ffi::PyBUF_SIMPLE)?;
        let held = Self(buffer);
        // Whether there are bytes at all.
        held.lend()?;
        Ok(held)
    }

    /// What is held.
    ///
    /// # Errors
    /// - an exporter that said `len` is -1: `BufferError`
    #[inline]
    pub(crate) fn lend(&self) -> PyResult<Lent<'_>> {
        Lent::granted(&self.0)
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        Python::try_attach(|_| {
            // SAFETY: by the INVARIANT it was granted, and this is its only release; the interpreter is
            // attached.
            unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
        });
    }
}

impl std::fmt::Debug for HeldBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldBytes").field("len", &self.0.len).finish_non_exhaustive()
    }
}
