//! Functions and methods that find their arguments where the caller has put them.
//!
//! PyO3 makes a tuple of what `*values` takes, and looks at the names of all arguments first; to pack a
//! few numbers costs less than that. `METH_FASTCALL` passes an array, and the interpreter refuses names.
#![allow(unsafe_code, reason = "the interpreter passes an array of objects, and takes a table of functions")]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pep3118::__private::plural;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// The arguments of a call.
///
/// INVARIANT: each points to an object that the caller holds for `'a`.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a, 'py> {
    objects: &'a [*mut ffi::PyObject],
    py: Python<'py>,
}

impl<'a, 'py> Arguments<'a, 'py> {
    #[inline]
    pub(super) fn py(self) -> Python<'py> {
        self.py
    }

    /// How many there are.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.objects.len()
    }

    /// One after the other.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = Borrowed<'a, 'py, PyAny>> {
        self.objects.iter().map(move |object| {
            // SAFETY: an object that stays for `'a`, by the INVARIANT; the interpreter is attached for `'py`.
            unsafe { Borrowed::from_ptr(self.py, *object) }
        })
    }

    /// The first one, and those after it.
    #[inline]
    pub(super) fn split_first(self) -> Option<(Borrowed<'a, 'py, PyAny>, Self)> {
        Some((self.iter().next()?, Self { objects: self.objects.get(1..)?, ..self }))
    }

    /// All of them, if there are as many.
    ///
    /// # Errors
    /// - `TypeError`: 1 argument for 2, as CPython puts it
    #[inline]
    pub(super) fn exactly<const N: usize>(self, function: &str) -> PyResult<[Borrowed<'a, 'py, PyAny>; N]> {
        let mut all = self.iter();
        let first: Option<[Borrowed<'a, 'py, PyAny>; N]> = array(|| all.next());
        match first {
            Some(first) if self.len() == N => Ok(first),
            _ => Err(self.miscounted(function, N)),
        }
    }

    #[cold]
    fn miscounted(self, function: &str, wanted: usize) -> PyErr {
        let wanted = plural(wanted, "argument");
        PyTypeError::new_err(format!("{function} expected {wanted}, got {}", self.len()))
    }
}

/// As many as an array has room for, or none.
#[inline]
fn array<T: Copy, const N: usize>(mut next: impl FnMut() -> Option<T>) -> Option<[T; N]> {
    let first = next()?;
    let mut all = [first; N];
    for cell in all.iter_mut().skip(1) {
        *cell = next()?;
    }
    Some(all)
}

/// A function, or a method, that takes values by their places only.
pub(super) trait Function {
    const NAME: &'static CStr;
    /// `NAME(PARAMETERS)\n--\n\n` and what it does.
    const DOC: &'static CStr;

    /// `slf` is the module of a function, the object of a method.
    ///
    /// # Errors
    /// What is raised.
    fn call<'py>(slf: Borrowed<'_, 'py, PyAny>, arguments: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Adds a function to a module.
///
/// # Errors
/// No memory.
pub(super) fn add_function<F: Function>(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let (py, name) = (module.py(), module.name()?);
    // SAFETY: the table is never freed, and its function is of the kind that its flags say; module and
    // name are alive, and the interpreter is attached.
    let function = unsafe { ffi::PyCFunction_NewEx(table::<F>(), module.as_ptr(), name.as_ptr()) };
    // SAFETY: a new reference, or NULL with an exception.
    let function = unsafe { Bound::from_owned_ptr_or_err(py, function) }?;
    module.add(PyString::from_bytes(py, F::NAME.to_bytes())?, function)
}

/// Adds a method to a class.
///
/// # Errors
/// No memory.
pub(super) fn add_method<F: Function>(class: &Bound<'_, PyType>) -> PyResult<()> {
    // SAFETY: as for `add_function`; the descriptor passes objects of the class only.
    let method = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), table::<F>()) };
    // SAFETY: a new reference, or NULL with an exception.
    let method = unsafe { Bound::from_owned_ptr_or_err(class.py(), method) }?;
    class.setattr(PyString::from_bytes(class.py(), F::NAME.to_bytes())?, method)
}

/// What the interpreter keeps for as long as it lasts.
fn table<F: Function>() -> *mut ffi::PyMethodDef {
    Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: F::NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFast: called::<F> },
        ml_flags: ffi::METH_FASTCALL,
        ml_doc: F::DOC.as_ptr(),
    }))
}

/// # Safety
/// - (a) the interpreter is attached.
/// - (b) `slf` is an object, and `objects` are `len` of them or `len` is 0; the caller holds them all.
unsafe extern "C" fn called<F: Function>(
    slf: *mut ffi::PyObject,
    objects: *mut *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    // SAFETY: (a) is that of this function.
    let py = unsafe { Python::assume_attached() };
    let objects = match usize::try_from(len) {
        // SAFETY: (b) makes them readable until this function returns, and nobody writes meanwhile: the
        // array is the caller's.
        Ok(len @ 1..) => unsafe { std::slice::from_raw_parts(objects, len) },
        _ => &[],
    };
    // SAFETY: (b).
    let slf = unsafe { Borrowed::from_ptr(py, slf) };
    let called = catch_unwind(AssertUnwindSafe(|| F::call(slf, Arguments { objects, py })));
    match called.unwrap_or_else(|_| Err(PanicException::new_err("panic from Rust code"))) {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            error.restore(py);
            std::ptr::null_mut()
        }
    }
}
