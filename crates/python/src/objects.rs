//! Creates Python numbers, `bytes`, text and exceptions, and allocates bytes. Reports lack of memory as `MemoryError`.
//!
//! The constructors of PyO3 panic if the C API returns NULL.
#![allow(unsafe_code, reason = "calls the constructors of the C API")]

use std::ffi::{c_char, c_int};
use std::fmt::Display;

use pep3118::__private::arguments;
pub(crate) use pep3118::__private::{dict, no_memory, take_exception};
use pep3118::name;
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyString, PyType};
use pyo3::{PyTypeInfo, ffi};

/// A new object, or `None` with an exception set in the interpreter.
///
/// The type has the size of a pointer. The builders of tuples and lists therefore pass objects in a register.
/// [`into_result`] returns the exception and clears it in the interpreter.
pub(crate) type NewObject<'py> = Option<Bound<'py, PyAny>>;

/// Converts `object`, the result of a function of the C API, to a [`NewObject`].
///
/// # Safety
/// - (a) `object` is a new reference, or `object` is NULL and an exception is set in the interpreter.
#[inline(always)]
unsafe fn owned(py: Python<'_>, object: *mut ffi::PyObject) -> NewObject<'_> {
    // SAFETY: by (a) `object` is a new reference or NULL. The thread is attached to the interpreter.
    unsafe { Bound::from_owned_ptr_or_opt(py, object) }
}

/// Creates the `int` object for `number`.
#[inline(always)]
pub(crate) fn int(py: Python<'_>, number: i64) -> NewObject<'_> {
    // SAFETY: the thread is attached to the interpreter.
    let object = unsafe { ffi::PyLong_FromLongLong(number) };
    // SAFETY: (a) of `owned`: `PyLong_FromLongLong` returns a new reference, or returns NULL and sets an exception.
    unsafe { owned(py, object) }
}

/// Creates the `int` object for the unsigned `number`.
#[inline(always)]
pub(crate) fn unsigned(py: Python<'_>, number: u64) -> NewObject<'_> {
    // SAFETY: the thread is attached to the interpreter.
    let object = unsafe { ffi::PyLong_FromUnsignedLongLong(number) };
    // SAFETY: (a) of `owned`: `PyLong_FromUnsignedLongLong` returns a new reference, or returns NULL and sets an
    // exception.
    unsafe { owned(py, object) }
}

/// Creates the `int` object for `number`, which is not negative.
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn number(py: Python<'_>, number: u64) -> PyResult<Bound<'_, PyAny>> {
    into_result(py, unsigned(py, number))
}

/// Creates the `int` object for `number`. `Display` of `number` must return its decimal digits.
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn wide<T: Copy + Display + TryInto<i64> + TryInto<u64>>(
    py: Python<'_>,
    number: T,
) -> PyResult<Bound<'_, PyAny>> {
    match (TryInto::<i64>::try_into(number), TryInto::<u64>::try_into(number)) {
        (Ok(number), _) => into_result(py, int(py, number)),
        (_, Ok(number)) => into_result(py, unsigned(py, number)),
        _ => PyInt::type_object(py).call1(arguments(py, [&string(py, &number.to_string())?])?),
    }
}

/// Creates the `float` object for `number`.
#[inline(always)]
pub(crate) fn float(py: Python<'_>, number: f64) -> NewObject<'_> {
    // SAFETY: the thread is attached to the interpreter.
    let object = unsafe { ffi::PyFloat_FromDouble(number) };
    // SAFETY: (a) of `owned`: `PyFloat_FromDouble` returns a new reference, or returns NULL and sets an exception.
    unsafe { owned(py, object) }
}

/// A text that a Python function returns. PyO3 panics without memory for a `String` that a function returns.
pub(crate) struct Text<T>(pub(crate) T);

impl<'py, T: AsRef<str>> IntoPyObject<'py> for Text<T> {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        pep3118::__private::text(py, self.0.as_ref())
    }
}

/// Defines the conversion of a Rust integer `$name` to a Python `int`. `$create` creates the `int` from the number.
macro_rules! converts_to_int {
    ($name:ident, $create:expr) => {
        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = PyErr;

            fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
                $create(py, self.0)
            }
        }
    };
}

/// A number that a Python function returns. PyO3 panics without memory for an integer that a function returns.
pub(crate) struct Number(pub(crate) i64);
converts_to_int!(Number, |py, number| into_result(py, int(py, number)));

/// A number that a Python function returns, as [`Number`], and that is not negative.
pub(crate) struct Unsigned(pub(crate) u64);
converts_to_int!(Unsigned, number);

/// Creates a `complex` with the real part `re` and the imaginary part `im`.
pub(crate) fn complex(py: Python<'_>, re: f64, im: f64) -> NewObject<'_> {
    // SAFETY: the thread is attached to the interpreter.
    let object = unsafe { ffi::PyComplex_FromDoubles(re, im) };
    // SAFETY: (a) of `owned`: `PyComplex_FromDoubles` returns a new reference, or returns NULL and sets an exception.
    unsafe { owned(py, object) }
}

/// Returns the Python object `True` or `False` for `value`.
#[inline(always)]
pub(crate) fn boolean(py: Python<'_>, value: bool) -> NewObject<'_> {
    Some(PyBool::new(py, value).to_owned().into_any())
}

/// Creates a `bytes` object with a copy of `bytes`.
#[inline(always)]
pub(crate) fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> NewObject<'py> {
    // SAFETY: (a) of `bytes_at`: `bytes` is a slice, so its bytes may be read.
    unsafe { bytes_at(py, bytes.as_ptr(), bytes.len()) }
}

/// Creates a `bytes` object with a copy of the `len` bytes from `start` on.
///
/// # Safety
/// - (a) `len` bytes from `start` on may be read.
#[inline(always)]
pub(crate) unsafe fn bytes_at(py: Python<'_>, start: *const u8, len: usize) -> NewObject<'_> {
    // By (a) the bytes are part of one allocation, which has at most `isize::MAX` bytes. The default is never used.
    let len = ffi::Py_ssize_t::try_from(len).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: (a) makes `len` bytes readable, and the thread is attached to the interpreter.
    let object = unsafe { ffi::PyBytes_FromStringAndSize(start.cast::<c_char>(), len) };
    // SAFETY: (a) of `owned`: `PyBytes_FromStringAndSize` returns a new reference, or returns NULL and sets an
    // exception.
    unsafe { owned(py, object) }
}

/// Creates a `str` with one character for each byte of `characters`. The code point of a character is the value of its
/// byte, so all code points are less than U+0100.
pub(crate) fn latin1<'py>(py: Python<'py>, characters: &[u8]) -> NewObject<'py> {
    // A slice has at most `isize::MAX` bytes, so the default is never used.
    let len = ffi::Py_ssize_t::try_from(characters.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    let start = characters.as_ptr().cast::<c_char>();
    // SAFETY: `len` bytes may be read, and the thread is attached to the interpreter.
    let object = unsafe { ffi::PyUnicode_DecodeLatin1(start, len, std::ptr::null()) };
    // SAFETY: (a) of `owned`: `PyUnicode_DecodeLatin1` returns a new reference, or returns NULL and sets an exception.
    unsafe { owned(py, object) }
}

/// Attaches the current thread to the interpreter, runs `call`, and returns the result of `call`. The interpreter must
/// be initialized.
///
/// Use this function and not `Python::attach`: `Python::attach` panics while the interpreter shuts down, and a
/// `__del__` method can call functions of the package at that time.
#[cold]
pub(crate) fn attached<T>(call: impl FnOnce(Python<'_>) -> T) -> T {
    // SAFETY: the interpreter is initialized, because it has loaded this module.
    unsafe { Python::attach_unchecked(call) }
}

/// Creates an exception of the type `T` with the message `message`. Returns a `MemoryError` if there is no memory for
/// the exception.
#[cold]
pub(crate) fn error<T: PyTypeInfo>(message: impl AsRef<str>) -> PyErr {
    attached(|py| error_of_class(&T::type_object(py), message))
}

/// Returns `true` if `error` means that an exporter refused a request or exported a buffer that cannot be read: if it
/// is a `BufferError`, a `TypeError` or a `ValueError`. Any other exception, for example `KeyboardInterrupt`, must
/// reach the caller.
pub(crate) fn is_refusal(error: &PyErr, py: Python<'_>) -> bool {
    error.is_instance_of::<PyBufferError>(py)
        || error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyValueError>(py)
}

/// Creates an exception of the class `class` with the message `message`. `class` must be a class of exceptions. Returns
/// a `MemoryError` if there is no memory for the exception.
#[cold]
pub(crate) fn error_of_class(class: &Bound<'_, PyType>, message: impl AsRef<str>) -> PyErr {
    let py = class.py();
    if let Ok(text) = string(py, message.as_ref()) {
        // SAFETY: `class` and `text` are alive, and the thread is attached to the interpreter. If `class` is not a
        // class of exceptions, Python sets a `SystemError`.
        unsafe { ffi::PyErr_SetObject(class.as_ptr(), text.as_ptr()) };
        return take_exception(py);
    }
    no_memory()
}

/// Creates the `str` object for `text`.
///
/// # Errors
/// - no memory: `MemoryError`
#[inline]
pub(crate) fn string<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(pep3118::__private::text(py, text)?.into_any())
}

/// Returns a new reference to the object at `address`, an address from the memory of an exporter. Returns Python's
/// `None` if `address` is 0.
///
/// # Safety
/// - (b) `address` is 0, or is the address of an object that is alive.
#[inline]
pub(crate) unsafe fn object(py: Python<'_>, address: usize) -> Bound<'_, PyAny> {
    let object: *mut ffi::PyObject = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: by (b) `object` is NULL or the address of an object that is alive.
    let object = unsafe { Bound::from_borrowed_ptr_or_opt(py, object) };
    object.unwrap_or_else(|| py.None().into_bound(py))
}

/// Drops a reference to the object at `address`. The memory of an exporter owned this reference. Does nothing if
/// `address` is 0.
///
/// # Safety
/// - (c) `address` is 0 or the address of an object to which the caller owns a reference.
#[inline]
pub(crate) unsafe fn drop_reference(py: Python<'_>, address: usize) {
    let object: *mut ffi::PyObject = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: by (c) `object` is NULL or a reference that the caller owns.
    drop(unsafe { Bound::from_owned_ptr_or_opt(py, object) });
}

/// Converts `object` to a `PyResult`. If `object` is `None`, returns the exception that is set in the interpreter, and
/// clears this exception.
///
/// # Errors
/// - `object` is `None`
#[inline]
pub(crate) fn into_result<'py>(py: Python<'py>, object: NewObject<'py>) -> PyResult<Bound<'py, PyAny>> {
    match object {
        Some(object) => Ok(object),
        None => Err(take_exception(py)),
    }
}

/// Converts `result` to a [`NewObject`]. If `result` is an error, sets the exception in the interpreter and returns
/// `None`.
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

/// Decodes `bytes` as UTF-8. Bytes that are not UTF-8 become lone surrogates (`surrogateescape`). [`utf8_bytes`] is the
/// inverse.
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn utf8_text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if std::str::from_utf8(bytes).is_ok() {
        return PyString::from_bytes(py, bytes);
    }
    let bytes = into_result(py, self::bytes(py, bytes))?;
    let options = arguments(py, [name!(py, "utf-8"), name!(py, "surrogateescape")])?;
    Ok(bytes.call_method1(name!(py, "decode"), options)?.cast_into()?)
}

/// Encodes `text` as UTF-8. The lone surrogates U+DC80 to U+DCFF become single bytes (`surrogateescape`).
///
/// # Errors
/// - other lone surrogates: `UnicodeEncodeError`
/// - no memory: `MemoryError`
pub(crate) fn utf8_bytes(text: &Bound<'_, PyString>) -> PyResult<Vec<u8>> {
    let escaped;
    let bytes = match text.to_str() {
        Ok(text) => text.as_bytes(),
        Err(_) => {
            let py = text.py();
            let options = arguments(py, [name!(py, "utf-8"), name!(py, "surrogateescape")])?;
            escaped = text.call_method1(name!(py, "encode"), options)?.cast_into::<PyBytes>()?;
            escaped.as_bytes()
        }
    };
    copied(bytes)
}

/// Returns a copy of `bytes`.
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn copied(bytes: &[u8]) -> PyResult<Vec<u8>> {
    filled(bytes.len(), |copy| {
        copy.copy_from_slice(bytes);
        Ok(())
    })
}

/// Calls `fill` with `len` bytes that are 0, and returns all `len` bytes after the call.
///
/// # Errors
/// - no memory: `MemoryError`
/// - an error of `fill`
pub(crate) fn filled(len: usize, fill: impl FnOnce(&mut [u8]) -> PyResult<()>) -> PyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| no_memory())?;
    bytes.resize(len, 0);
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns `len` bytes that are 0.
///
/// # Errors
/// - no memory: `MemoryError`
pub(crate) fn zeroed(len: usize) -> PyResult<Vec<u8>> {
    filled(len, |_| Ok(()))
}

/// The size in bytes of the small array that [`with_item_copy`] has on the stack. Items of at most this size are copied
/// to the array. The array is set to 0 first: for a small item, setting a larger array to 0 takes longer than reading
/// the item.
const SMALL: usize = 64;
/// The size in bytes of the larger array that [`with_larger_copy`] has on the stack, for items of more than `SMALL`
/// bytes. For items that do not fit this array either, the function allocates memory.
const MEDIUM: usize = 512;

/// Calls `call` with `size` bytes that are 0, as memory for a copy of an item. Returns the result of `call`.
///
/// # Errors
/// - no memory: `MemoryError`
/// - an error of `call`
#[inline]
pub(crate) fn with_item_copy<T>(size: usize, call: impl FnOnce(&mut [u8]) -> PyResult<T>) -> PyResult<T> {
    let mut small = [0_u8; SMALL];
    if let Some(item) = small.get_mut(..size) {
        return call(item);
    }
    with_larger_copy(size, call)
}

/// Calls `call` with `size` bytes that are 0, for a `size` of more than `SMALL`. A separate function keeps the stack of
/// [`with_item_copy`] small. Returns an error if there is no memory.
#[inline(never)]
fn with_larger_copy<T>(size: usize, call: impl FnOnce(&mut [u8]) -> PyResult<T>) -> PyResult<T> {
    let mut medium = [0_u8; MEDIUM];
    match medium.get_mut(..size) {
        Some(item) => call(item),
        None => call(&mut zeroed(size)?),
    }
}

/// An encoding of text with units of fixed width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// Units of 2 bytes.
    Utf16,
    /// Units of 4 bytes.
    Utf32,
}

/// Decodes `bytes` in the encoding `encoding` to a `str`. The code units are little-endian if `little` is `true`, and
/// big-endian otherwise. Lone surrogates are not an error. Returns `None` and sets an exception for any other invalid
/// unit, such as one above U+10FFFF.
pub(crate) fn text<'py>(py: Python<'py>, encoding: TextEncoding, little: bool, bytes: &[u8]) -> NewObject<'py> {
    // A slice has at most `isize::MAX` bytes, so the default is never used.
    let len = ffi::Py_ssize_t::try_from(bytes.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    let (start, errors) = (bytes.as_ptr().cast::<c_char>(), c"surrogatepass".as_ptr());
    // If the byte order is given, the decoder does not interpret the first unit as a byte-order mark.
    let mut order: c_int = if little { -1 } else { 1 };
    let object = match encoding {
        // SAFETY: `len` bytes may be read, `errors` ends with a NUL, and the thread is attached to the interpreter.
        TextEncoding::Utf16 => unsafe { ffi::PyUnicode_DecodeUTF16(start, len, errors, &raw mut order) },
        // SAFETY: `len` bytes may be read, `errors` ends with a NUL, and the thread is attached to the interpreter.
        TextEncoding::Utf32 => unsafe { ffi::PyUnicode_DecodeUTF32(start, len, errors, &raw mut order) },
    };
    // SAFETY: (a) of `owned`: `PyUnicode_DecodeUTF16` and `PyUnicode_DecodeUTF32` return a new reference, or they
    // return NULL and set an exception.
    unsafe { owned(py, object) }
}
