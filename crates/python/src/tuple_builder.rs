//! Tuples and lists that are filled where they are.
//!
//! An element goes from the C API that makes it straight back to it: a result that might be an error
//! would be stored, looked at and taken apart for each.
#![allow(unsafe_code, reason = "fills what nobody else has seen yet, or has any more")]

use std::sync::OnceLock;

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

/// A tuple of elements that cannot fail to be made.
///
/// # Errors
/// No memory.
#[inline]
pub(super) fn tuple<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let len = length(elements.len())?;
    // SAFETY: the interpreter is attached, and a length is not negative.
    let tuple = unsafe { ffi::PyTuple_New(len) };
    // SAFETY: a new reference, or NULL with an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_err(py, tuple) }?;
    // SAFETY: what `PyTuple_New` makes is a tuple.
    let tuple = unsafe { tuple.cast_into_unchecked::<PyTuple>() };
    if fill(&tuple, elements) == len { Ok(tuple) } else { Err(unfilled()) }
}

/// A class that Python code has derived from `tuple`, as `collections.namedtuple` does.
///
/// INVARIANT: made by `new`, so an object of it is a tuple, allocated and freed like every object of such
/// a class.
#[derive(Debug)]
pub(super) struct TupleClass(Py<PyType>);

impl TupleClass {
    /// `None` for another class, and where the interpreter keeps more about a tuple than its elements.
    ///
    /// # Errors
    /// No memory.
    pub(super) fn new(class: &Bound<'_, PyType>) -> PyResult<Option<Self>> {
        let py = class.py();
        let tuples = PyType::new::<PyTuple>(py);
        let like = PyType::new::<PyType>(py).call1(("Like", (&tuples,), PyDict::new(py)))?.cast_into::<PyType>()?;
        let slot = |class: &Bound<'_, PyType>, slot| {
            // SAFETY: a class that is alive, and a slot that classes have; the interpreter is attached.
            let function = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), slot) };
            function.addr()
        };
        let alike = [ffi::Py_tp_alloc, ffi::Py_tp_dealloc].iter().all(|each| slot(class, *each) == slot(&like, *each));
        let derived = alike && class.getattr("__base__")?.is(&tuples);
        Ok((derived && has_plain_tuples(py)).then(|| Self(class.clone().unbind())))
    }

    /// An object, as `tuple.__new__` makes it of a tuple.
    ///
    /// # Errors
    /// No memory.
    #[inline]
    pub(super) fn object<'py>(
        &self,
        py: Python<'py>,
        elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let len = length(elements.len())?;
        // SAFETY: a class whose objects are allocated by this function, by the INVARIANT, and a length that
        // is not negative; the interpreter is attached.
        let tuple = unsafe { ffi::PyType_GenericAlloc(self.0.bind(py).as_type_ptr(), len) };
        // SAFETY: a new reference, or NULL with an exception.
        let tuple = unsafe { Bound::from_owned_ptr_or_err(py, tuple) }?;
        let tuple = tuple.cast_into::<PyTuple>()?;
        if fill(&tuple, elements) == len { Ok(tuple) } else { Err(unfilled()) }
    }
}

/// Gives a tuple that nobody else has other elements, as many as it has room for; `None` if somebody
/// has it, or if the interpreter keeps more about a tuple than its elements.
///
/// What it held must be of no consequence: numbers and bytes. `zip` does the same.
#[inline]
pub(super) fn refill<'py>(
    tuple: Bound<'py, PyTuple>,
    elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
) -> Option<Bound<'py, PyTuple>> {
    // SAFETY: the object is alive, and the interpreter is attached.
    if unsafe { ffi::Py_REFCNT(tuple.as_ptr()) } != 1 || !has_plain_tuples(tuple.py()) {
        return None;
    }
    let len = length(elements.len()).ok()?;
    (fill(&tuple, elements) == len).then_some(tuple)
}

/// Sets one element after the other, and counts those that found room.
#[inline(always)]
fn fill<'py>(tuple: &Bound<'py, PyTuple>, elements: impl Iterator<Item = Bound<'py, PyAny>>) -> ffi::Py_ssize_t {
    let mut index = 0;
    for element in elements {
        // SAFETY: a tuple, and the function takes the reference whether it has room for it or not. It
        // refuses a tuple that others have.
        if unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, element.into_ptr()) } != 0 {
            let _: PyErr = PyErr::fetch(tuple.py());
            break;
        }
        index = index.saturating_add(1);
    }
    index
}

/// Whether a tuple is its elements and nothing else (from 3.14 on also its hash), and threads take turns: no build
/// without the GIL that this library is made for is older than 3.14.
#[inline]
fn has_plain_tuples(py: Python<'_>) -> bool {
    // Nothing of Python runs in there: whoever waits for it does so with the interpreter attached.
    static PLAIN: OnceLock<bool> = OnceLock::new();
    *PLAIN.get_or_init(|| py.version_info() < (3, 14))
}

/// A list that is filled from the front.
///
/// INVARIANT: made by `new`, so nobody else has it before it is full.
pub(super) struct Filling<'py> {
    list: Bound<'py, PyList>,
    len: ffi::Py_ssize_t,
    next: ffi::Py_ssize_t,
}

impl<'py> Filling<'py> {
    /// # Errors
    /// No memory.
    pub(super) fn new(py: Python<'py>, len: usize) -> PyResult<Self> {
        let len = length(len)?;
        // SAFETY: the interpreter is attached, and a length is not negative.
        let list = unsafe { ffi::PyList_New(len) };
        // SAFETY: a new reference, or NULL with an exception.
        let list = unsafe { Bound::from_owned_ptr_or_err(py, list) }?;
        // SAFETY: what `PyList_New` makes is a list.
        let list = unsafe { list.cast_into_unchecked::<PyList>() };
        Ok(Self { list, len, next: 0 })
    }

    /// The next element; one that has no place any more is dropped.
    #[inline(always)]
    pub(super) fn push(&mut self, element: Bound<'py, PyAny>) {
        if self.next < self.len {
            // SAFETY: a list that has this place, by the INVARIANT still as it was made; the function
            // takes the reference.
            unsafe { ffi::PyList_SetItem(self.list.as_ptr(), self.next, element.into_ptr()) };
            self.next = self.next.saturating_add(1);
        }
    }

    /// # Errors
    /// Too few elements.
    pub(super) fn finish(self) -> PyResult<Bound<'py, PyList>> {
        if self.next == self.len { Ok(self.list) } else { Err(unfilled()) }
    }
}

fn length(elements: usize) -> PyResult<ffi::Py_ssize_t> {
    Ok(ffi::Py_ssize_t::try_from(elements)?)
}

#[cold]
fn unfilled() -> PyErr {
    PySystemError::new_err("fewer elements than there is room for")
}
