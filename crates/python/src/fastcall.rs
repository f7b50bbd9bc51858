//! Functions and methods that read their arguments from the array of the caller (`METH_FASTCALL`).
//!
//! PyO3 creates a tuple for `*values`, and looks for keyword arguments. For functions that pack a few numbers
//! that takes longer than the rest. With `METH_FASTCALL` the interpreter passes an array and refuses keywords.
#![allow(unsafe_code, reason = "the interpreter passes an array of objects, and takes a table of functions")]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pep3118::__private::plural;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::objects::take_exception;

/// The arguments of a call.
///
/// INVARIANT: each pointer is that of an object that the caller holds for `'a`.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a, 'py> {
    objects: &'a [*mut ffi::PyObject],
    py: Python<'py>,
}

impl<'a, 'py> Arguments<'a, 'py> {
    /// The interpreter.
    #[inline]
    pub(super) fn py(self) -> Python<'py> {
        self.py
    }

    /// The number of arguments.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.objects.len()
    }

    /// Iterates over the arguments.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = Borrowed<'a, 'py, PyAny>> {
        self.objects.iter().map(move |object| {
            // SAFETY: an object that stays for `'a`, by the INVARIANT; the interpreter is attached for `'py`.
            unsafe { Borrowed::from_ptr(self.py, *object) }
        })
    }

    /// The first argument, and those after it.
    #[inline]
    pub(super) fn split_first(self) -> Option<(Borrowed<'a, 'py, PyAny>, Self)> {
        Some((self.iter().next()?, Self { objects: self.objects.get(1..)?, ..self }))
    }

    /// All arguments, of which there must be `N`.
    ///
    /// # Errors
    /// - 1 argument for 2: `TypeError`, with the message of CPython
    #[inline]
    pub(super) fn exactly<const N: usize>(self, function: &str) -> PyResult<[Borrowed<'a, 'py, PyAny>; N]> {
        let mut all = self.iter();
        let array: Option<[Borrowed<'a, 'py, PyAny>; N]> = array(|| all.next());
        match array {
            Some(array) if self.len() == N => Ok(array),
            _ => Err(self.wrong_number(function, N)),
        }
    }

    #[cold]
    fn wrong_number(self, function: &str, wanted: usize) -> PyErr {
        let wanted = plural(wanted, "argument");
        PyTypeError::new_err(format!("{function} expected {wanted}, got {}", self.len()))
    }
}

/// An array of the next `N` values; `None` if there are fewer.
#[inline]
fn array<T: Copy, const N: usize>(mut next: impl FnMut() -> Option<T>) -> Option<[T; N]> {
    let first = next()?;
    let mut all = [first; N];
    for place in all.iter_mut().skip(1) {
        *place = next()?;
    }
    Some(all)
}

/// A function or a method that takes positional arguments only.
pub(super) trait Function {
    /// The name.
    const NAME: &'static CStr;
    /// The docstring, with `NAME(PARAMETERS)\n--\n\n` before it.
    const DOC: &'static CStr;

    /// Calls the function. `slf` is the module of a function, the object of a method. Code that drops references
    /// is run by [`counted`].
    ///
    /// # Errors
    /// - the exception that the function raises
    fn call<'py>(slf: Borrowed<'_, 'py, PyAny>, arguments: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Adds a function to a module.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn add_function<F: Function>(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let (py, name) = (module.py(), module.name()?);
    // SAFETY: the table is never freed, and its function has the signature that its flags declare; module and
    // name are alive, and the interpreter is attached.
    let function = unsafe { ffi::PyCFunction_NewEx(table::<F>(), module.as_ptr(), name.as_ptr()) };
    // SAFETY: a new reference, or NULL with an exception.
    let function = unsafe { Bound::from_owned_ptr_or_opt(py, function) }.ok_or_else(|| take_exception(py))?;
    module.add(PyString::from_bytes(py, F::NAME.to_bytes())?, function)
}

/// Adds a method to a class.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn add_method<F: Function>(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    // SAFETY: as in `add_function`; the descriptor passes objects of the class only.
    let method = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), table::<F>()) };
    // SAFETY: a new reference, or NULL with an exception.
    let method = unsafe { Bound::from_owned_ptr_or_opt(py, method) }.ok_or_else(|| take_exception(py))?;
    class.setattr(PyString::from_bytes(py, F::NAME.to_bytes())?, method)
}

/// The description of a function, which the interpreter refers to until the process ends.
fn table<F: Function>() -> *mut ffi::PyMethodDef {
    Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: F::NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFast: trampoline::<F> },
        ml_flags: ffi::METH_FASTCALL,
        ml_doc: F::DOC.as_ptr(),
    }))
}

/// # Safety
/// - (a) the interpreter is attached.
/// - (b) `slf` is an object, and `objects` are `len` of them or `len` is 0; the caller holds them all.
unsafe extern "C" fn trampoline<F: Function>(
    slf: *mut ffi::PyObject,
    objects: *mut *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    // SAFETY: (a).
    let py = unsafe { Python::assume_attached() };
    let objects = match usize::try_from(len) {
        // SAFETY: (b) makes them readable until this function returns. They do not change meanwhile: the array
        // is the caller's.
        Ok(len @ 1..) => unsafe { std::slice::from_raw_parts(objects, len) },
        _ => &[],
    };
    // SAFETY: (b).
    let slf = unsafe { Borrowed::from_ptr(py, slf) };
    let called = catch_unwind(AssertUnwindSafe(|| F::call(slf, Arguments { objects, py })));
    match called {
        Ok(Ok(object)) => object.into_ptr(),
        Ok(Err(error)) => fail(py, error),
        Err(_) => fail(py, PanicException::new_err("panic from Rust code")),
    }
}

/// Sets the exception of a call that failed.
#[cold]
#[inline(never)]
fn fail(py: Python<'_>, error: PyErr) -> *mut ffi::PyObject {
    counted(py, || error.restore(py));
    std::ptr::null_mut()
}

/// Calls `call` while PyO3 counts the thread as attached.
///
/// The interpreter is attached during every [`Function::call`], but PyO3 does not count that, which takes a
/// quarter of the time of a short call. References that are dropped while the count is 0 are not released at
/// once: they wait in a pool until the count rises again. So everything that drops references runs in here,
/// above all everything that creates an exception and drops it; the pool is emptied at the start.
pub(super) fn counted<T>(py: Python<'_>, call: impl FnOnce() -> T) -> T {
    let _: Python<'_> = py;
    // `Python::attach` panics while the interpreter is finalized, when a `__del__` may still call functions.
    // SAFETY: the interpreter is attached, as `py` proves.
    unsafe { Python::attach_unchecked(|_| call()) }
}
