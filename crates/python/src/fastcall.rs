//! Python functions and methods that receive their arguments as an array (`METH_FASTCALL`), without a tuple.
//!
//! For a parameter `*values`, PyO3 creates a tuple and looks for keyword arguments. For a function that packs a few
//! numbers, creating the tuple takes longer than packing the numbers. With `METH_FASTCALL`, the interpreter passes an
//! array and refuses keywords.
#![allow(unsafe_code, reason = "the interpreter passes an array of objects, and takes a table of functions")]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pep3118::__private::plural;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::objects::{self, take_exception};

/// The arguments of a call.
///
/// INVARIANT: each pointer is the address of an object to which the caller has a reference for `'a`.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a, 'py> {
    objects: &'a [*mut ffi::PyObject],
    py: Python<'py>,
}

impl<'a, 'py> Arguments<'a, 'py> {
    /// Returns the token that proves that the thread is attached to the interpreter.
    #[inline]
    pub(super) fn py(self) -> Python<'py> {
        self.py
    }

    /// Returns the number of arguments.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.objects.len()
    }

    /// Iterates over the arguments.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = Borrowed<'a, 'py, PyAny>> {
        self.objects.iter().map(move |object| {
            // SAFETY: by the INVARIANT the object is alive for `'a`. The thread is attached to the interpreter for
            // `'py`.
            unsafe { Borrowed::from_ptr(self.py, *object) }
        })
    }

    /// Returns the first argument, and the other arguments. Returns `None` if there are no arguments.
    #[inline]
    pub(super) fn split_first(self) -> Option<(Borrowed<'a, 'py, PyAny>, Self)> {
        Some((self.iter().next()?, Self { objects: self.objects.get(1..)?, ..self }))
    }

    /// Returns the arguments as an array of `N` arguments. `function` is the name of the function in the error message.
    ///
    /// # Errors
    /// - the number of arguments is not `N`: `TypeError` with the message that CPython has for this error
    #[inline]
    pub(super) fn exactly<const N: usize>(self, function: &str) -> PyResult<[Borrowed<'a, 'py, PyAny>; N]> {
        let mut all = self.iter();
        let array: Option<[Borrowed<'a, 'py, PyAny>; N]> = array(|| all.next());
        match array {
            Some(array) if self.len() == N => Ok(array),
            _ => Err(self.wrong_number(function, N)),
        }
    }

    /// Creates the `TypeError` for a call of `function` whose number of arguments is not `wanted`.
    #[cold]
    fn wrong_number(self, function: &str, wanted: usize) -> PyErr {
        let wanted = plural(wanted, "argument");
        objects::error::<PyTypeError>(format!("{function} expected {wanted}, got {}", self.len()))
    }
}

/// Calls the function `next` `N` times and returns the `N` results as an array. Returns `None` if a call returns
/// `None`.
#[inline]
fn array<T: Copy, const N: usize>(mut next: impl FnMut() -> Option<T>) -> Option<[T; N]> {
    let first = next()?;
    let mut all = [first; N];
    for place in all.iter_mut().skip(1) {
        *place = next()?;
    }
    Some(all)
}

/// A function or a method whose arguments are all positional.
pub(super) trait Function {
    /// The name of the function.
    const NAME: &'static CStr;
    /// The signature and the docstring in CPython's form: `NAME(PARAMETERS)\n--\n\nDOCSTRING`.
    const DOC: &'static CStr;

    /// Calls the function with `arguments`. For a function, `slf` is the module. For a method, `slf` is the object. The
    /// implementation must run all code that drops references inside of a call of [`counted`].
    ///
    /// # Errors
    /// - the Python function raises an exception
    fn call<'py>(slf: Borrowed<'_, 'py, PyAny>, arguments: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Adds the function `F` to `module`.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn add_function<F: Function>(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let (py, name) = (module.py(), module.name()?);
    // SAFETY: (a) The table is never freed, and the function in the table has the signature that `ml_flags` declares.
    // (b) `module` and `name` are alive, and the thread is attached to the interpreter.
    let function = unsafe { ffi::PyCFunction_NewEx(table::<F>(), module.as_ptr(), name.as_ptr()) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let function = unsafe { Bound::from_owned_ptr_or_opt(py, function) }.ok_or_else(|| take_exception(py))?;
    module.add(PyString::from_bytes(py, F::NAME.to_bytes())?, function)
}

/// Adds the method `F` to `class`.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn add_method<F: Function>(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    // SAFETY: (a) The table is never freed, and the function in the table has the signature that `ml_flags` declares.
    // (b) `class` is alive, and the thread is attached to the interpreter. (c) The descriptor calls the function with
    // objects of the class only.
    let method = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), table::<F>()) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let method = unsafe { Bound::from_owned_ptr_or_opt(py, method) }.ok_or_else(|| take_exception(py))?;
    class.setattr(PyString::from_bytes(py, F::NAME.to_bytes())?, method)
}

/// Creates the table of the function `F`. The table is never freed, because the interpreter refers to it until the
/// process ends.
fn table<F: Function>() -> *mut ffi::PyMethodDef {
    Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: F::NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFast: trampoline::<F> },
        ml_flags: ffi::METH_FASTCALL,
        ml_doc: F::DOC.as_ptr(),
    }))
}

/// Calls the function `F` with the arguments in the array `objects` of the length `len`.
///
/// # Safety
/// - (a) The thread is attached to the interpreter.
/// - (b) `slf` is the address of an object. If `len` is not 0, `objects` is an array of `len` addresses of objects. The
///   caller has a reference to each object until this function returns.
unsafe extern "C" fn trampoline<F: Function>(
    slf: *mut ffi::PyObject,
    objects: *mut *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    // SAFETY: by (a) the thread is attached to the interpreter.
    let py = unsafe { Python::assume_attached() };
    let objects = match usize::try_from(len) {
        // SAFETY: by (b) the array has `len` entries. Only the caller of this function could change them.
        Ok(len @ 1..) => unsafe { std::slice::from_raw_parts(objects, len) },
        _ => &[],
    };
    // SAFETY: by (b) `slf` is an object, and the caller has a reference to this object.
    let slf = unsafe { Borrowed::from_ptr(py, slf) };
    caught(py, || F::call(slf, Arguments { objects, py }).map(Bound::into_ptr))
}

/// Runs `call` and returns its pointer. If `call` fails or panics, returns NULL and sets the exception in the
/// interpreter. A panic becomes a `PanicException`.
#[inline]
pub(super) fn caught(py: Python<'_>, call: impl FnOnce() -> PyResult<*mut ffi::PyObject>) -> *mut ffi::PyObject {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(object)) => object,
        Ok(Err(error)) => fail(py, error),
        Err(_) => fail(py, PanicException::new_err("panic from Rust code")),
    }
}

/// Sets the exception `error` in the interpreter and returns NULL.
#[cold]
#[inline(never)]
fn fail(py: Python<'_>, error: PyErr) -> *mut ffi::PyObject {
    counted(py, || error.restore(py));
    std::ptr::null_mut()
}

/// Runs `call` while PyO3 counts the thread as attached to the interpreter.
///
/// The thread is attached during every [`Function::call`], but PyO3 does not count these calls, because counting takes
/// a quarter of the time of a short call. While the count is 0, PyO3 does not release references that are dropped. PyO3
/// adds the references to a pool, and empties the pool when the count next becomes 1. Code that drops references, for
/// example code that creates and drops exceptions, must therefore run in this function.
pub(super) fn counted<T>(py: Python<'_>, call: impl FnOnce() -> T) -> T {
    let _: Python<'_> = py;
    // `Python::attach` panics while the interpreter shuts down. A `__del__` may still call functions at that time.
    // SAFETY: the thread is attached to the interpreter, which `py` proves.
    unsafe { Python::attach_unchecked(|_| call()) }
}
