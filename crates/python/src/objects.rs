//! Creates numbers, bytes and text, and reports lack of memory as `MemoryError`.
//!
//! The constructors of PyO3 panic where the C API returns NULL.
#![allow(unsafe_code, reason = "calls the constructors of the C API")]

use std::ffi::{c_char, c_int};

use pyo3::exceptions::{PyMemoryError, PySystemError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString};
use pyo3::{PyTypeInfo, ffi};

/// A new object, or `None` with an exception set in the interpreter.
///
/// As large as a pointer, so that the builders of tuples and lists pass objects on in a register.
/// [`into_result`] takes the exception out of the interpreter.
pub(crate) type NewObject<'py> = Option<Bound<'py, PyAny>>;

/// # Safety
/// - (a) `object` is a new reference, or NULL with an exception.
#[inline(always)]
unsafe fn owned(py: Python<'_>, object: *mut ffi::PyObject) -> NewObject<'_> {
    // SAFETY: by (a); the interpreter is attached.
    unsafe { Bound::from_owned_ptr_or_opt(py, object) }
}

/// An `int`.
#[inline(always)]
pub(crate) fn int(py: Python<'_>, number: i64) -> NewObject<'_> {
    // SAFETY: the interpreter is attached.
    let object = unsafe { ffi::PyLong_FromLongLong(number) };
    // SAFETY: (a) is what the function returns.
    unsafe { owned(py, object) }
}

/// An `int` of at most 64 bits without a sign.
#[inline(always)]
pub(crate) fn unsigned(py: Python<'_>, number: u64) -> NewObject<'_> {
    // SAFETY: the interpreter is attached.
    let object = unsafe { ffi::PyLong_FromUnsignedLongLong(number) };
    // SAFETY: (a) is what the function returns.
    unsafe { owned(py, object) }
}

/// A `float`.
#[inline(always)]
pub(crate) fn float(py: Python<'_>, number: f64) -> NewObject<'_> {
    // SAFETY: the interpreter is attached.
    let object = unsafe { ffi::PyFloat_FromDouble(number) };
    // SAFETY: (a) is what the function returns.
    unsafe { owned(py, object) }
}

/// A `complex`.
pub(crate) fn complex(py: Python<'_>, re: f64, im: f64) -> NewObject<'_> {
    // SAFETY: the interpreter is attached.
    let object = unsafe { ffi::PyComplex_FromDoubles(re, im) };
    // SAFETY: (a) is what the function returns.
    unsafe { owned(py, object) }
}

/// `True` or `False`.
#[inline(always)]
pub(crate) fn boolean(py: Python<'_>, value: bool) -> NewObject<'_> {
    Some(PyBool::new(py, value).to_owned().into_any())
}

/// A `bytes` object.
#[inline(always)]
pub(crate) fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> NewObject<'py> {
    // A slice has at most `isize::MAX` bytes.
    let len = ffi::Py_ssize_t::try_from(bytes.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: `len` bytes may be read, and the interpreter is attached.
    let object = unsafe { ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast::<c_char>(), len) };
    // SAFETY: (a) is what the function returns.
    unsafe { owned(py, object) }
}

/// An exception of a type with a message; `MemoryError` if there is no memory for it.
///
/// PyO3 creates an exception when it is raised, and panics if that fails.
#[cold]
pub(crate) fn error<T: PyTypeInfo>(message: impl AsRef<str>) -> PyErr {
    Python::attach(|py| {
        if let Ok(text) = string(py, message.as_ref()) {
            // SAFETY: a class of exceptions and an object that are alive; the interpreter is attached.
            unsafe { ffi::PyErr_SetObject(T::type_object_raw(py).cast(), text.as_ptr()) };
            return take_exception(py);
        }
        no_memory()
    })
}

/// `MemoryError`.
#[cold]
pub(crate) fn no_memory() -> PyErr {
    Python::attach(|py| {
        // SAFETY: the interpreter is attached. The function sets the exception and returns NULL.
        unsafe { ffi::PyErr_NoMemory() };
        take_exception(py)
    })
}

/// A `str`.
///
/// # Errors
/// - no memory: `MemoryError`
#[inline]
pub(crate) fn string<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    // A slice has at most `isize::MAX` bytes.
    let len = ffi::Py_ssize_t::try_from(text.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: `len` bytes may be read, and the interpreter is attached.
    let object = unsafe { ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast::<c_char>(), len) };
    // SAFETY: (a) is what the function returns.
    into_result(py, unsafe { owned(py, object) })
}

/// The object whose address the memory of an exporter holds; `None` for NULL.
///
/// # Safety
/// - (b) `address` is 0 or the address of an object that is alive.
#[inline]
pub(crate) unsafe fn object(py: Python<'_>, address: usize) -> Bound<'_, PyAny> {
    let object: *mut ffi::PyObject = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: (b).
    let object = unsafe { Bound::from_borrowed_ptr_or_opt(py, object) };
    object.unwrap_or_else(|| py.None().into_bound(py))
}

/// Drops a reference that the memory of an exporter held; nothing for NULL.
///
/// # Safety
/// - (c) `address` is 0 or the address of an object, and the caller owns a reference to it.
#[inline]
pub(crate) unsafe fn drop_reference(py: Python<'_>, address: usize) {
    let object: *mut ffi::PyObject = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: (c).
    drop(unsafe { Bound::from_owned_ptr_or_opt(py, object) });
}

/// The object, or the exception that is set.
///
/// # Errors
/// - `None`: the exception
#[inline]
pub(crate) fn into_result<'py>(py: Python<'py>, object: NewObject<'py>) -> PyResult<Bound<'py, PyAny>> {
    match object {
        Some(object) => Ok(object),
        None => Err(take_exception(py)),
    }
}

/// The object; an error is set as the exception of the interpreter.
#[inline]
pub(crate) fn from_result<'py>(py: Python<'py>, result: PyResult<Bound<'py, PyAny>>) -> NewObject<'py> {
    match result {
        Ok(object) => Some(object),
        Err(error) => {
            error.restore(py);
            None
        }
    }
}

/// Takes the exception that a function of the C API, or an exporter, has set. A function of an extension
/// module may fail without one; `PyErr::fetch` panics then.
#[cold]
pub(crate) fn take_exception(py: Python<'_>) -> PyErr {
    PyErr::take(py).unwrap_or_else(|| PySystemError::new_err("error return without exception set"))
}

/// Text for bytes that are UTF-8 but for lone bytes, which become lone surrogates (`surrogateescape`). The
/// inverse of [`utf8_bytes`].
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn utf8_text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if std::str::from_utf8(bytes).is_ok() {
        return PyString::from_bytes(py, bytes);
    }
    let bytes = into_result(py, self::bytes(py, bytes))?;
    Ok(bytes.call_method1("decode", ("utf-8", "surrogateescape"))?.cast_into()?)
}

/// The UTF-8 bytes of text, in which lone surrogates U+DC80 to U+DCFF are single bytes (`surrogateescape`).
///
/// # Errors
/// - other lone surrogates: `UnicodeEncodeError`
/// - no memory: `MemoryError`
pub(crate) fn utf8_bytes(text: &Bound<'_, PyString>) -> PyResult<Vec<u8>> {
    let escaped;
    let bytes = match text.to_str() {
        Ok(text) => text.as_bytes(),
        Err(_) => {
            escaped = text.call_method1("encode", ("utf-8", "surrogateescape"))?.cast_into::<PyBytes>()?;
            escaped.as_bytes()
        }
    };
    copied(bytes)
}

/// A copy of bytes.
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn copied(bytes: &[u8]) -> PyResult<Vec<u8>> {
    filled(bytes.len(), |copy| {
        copy.copy_from_slice(bytes);
        Ok(())
    })
}

/// `len` bytes, which `fill` is called with. They are 0 before.
///
/// # Errors
/// - no memory: `MemoryError`
/// - an error of `fill`
pub(crate) fn filled(len: usize, fill: impl FnOnce(&mut [u8]) -> PyResult<()>) -> PyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| PyMemoryError::new_err(()))?;
    bytes.resize(len, 0);
    fill(&mut bytes)?;
    Ok(bytes)
}

/// An encoding of text with units of fixed width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// Units of 2 bytes.
    Utf16,
    /// Units of 4 bytes.
    Utf32,
}

/// A `str`, in which lone surrogates are kept.
pub(crate) fn text<'py>(py: Python<'py>, encoding: TextEncoding, little: bool, bytes: &[u8]) -> NewObject<'py> {
    // A slice has at most `isize::MAX` bytes.
    let len = ffi::Py_ssize_t::try_from(bytes.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    let (start, errors) = (bytes.as_ptr().cast::<c_char>(), c"surrogatepass".as_ptr());
    // A byte order that is given is not looked for in the text.
    let mut order: c_int = if little { -1 } else { 1 };
    let object = match encoding {
        // SAFETY: `len` bytes may be read, `errors` ends with a NUL, and the interpreter is attached.
        TextEncoding::Utf16 => unsafe { ffi::PyUnicode_DecodeUTF16(start, len, errors, &raw mut order) },
        // SAFETY: as above.
        TextEncoding::Utf32 => unsafe { ffi::PyUnicode_DecodeUTF32(start, len, errors, &raw mut order) },
    };
    // SAFETY: (a) is what both functions return.
    unsafe { owned(py, object) }
}
