//! Builds tuples and lists whose elements are made one after the other.
//!
//! PyO3's `PyTuple::new` and `PyList::new` panic where there is no memory, and pass each element through a
//! `Result` that is stored and taken apart again. Here an element is a pointer that may be NULL.
#![allow(unsafe_code, reason = "fills tuples and lists that no other code refers to")]

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType, PyWeakrefMethods, PyWeakrefReference};

use crate::behavior::Behavior;
use crate::objects::{NewObject, take_exception};

/// A new tuple.
///
/// # Errors
/// - no memory: `MemoryError`
/// - an element that is `None`: the exception that is set
#[inline]
pub(super) fn tuple<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let len = length(elements.len())?;
    // SAFETY: the interpreter is attached, and a length is not negative.
    let tuple = unsafe { ffi::PyTuple_New(len) };
    // SAFETY: a new reference, or NULL with an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_opt(py, tuple) }.ok_or_else(|| take_exception(py))?;
    // SAFETY: `PyTuple_New` returns a tuple.
    let tuple = unsafe { tuple.cast_into_unchecked::<PyTuple>() };
    fill(&tuple, len, elements)?;
    Ok(tuple)
}

/// The elements of a list.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn of_list<'py>(list: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: a list that is alive; the interpreter is attached.
    let tuple = unsafe { ffi::PyList_AsTuple(list.as_ptr()) };
    // SAFETY: a new reference, or NULL with an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_opt(list.py(), tuple) }.ok_or_else(|| take_exception(list.py()))?;
    Ok(tuple.cast_into()?)
}

/// A class that Python code has derived from `tuple`, as `collections.namedtuple` does.
///
/// INVARIANT: `plain` is set by `WeakTupleClass::new` only: then an object of the class is a tuple, allocated and
/// freed like every object of such a class.
#[derive(Debug)]
pub(super) struct TupleClass<'py> {
    class: Bound<'py, PyType>,
    /// Whether its objects can be filled after their allocation.
    plain: bool,
}

/// A weak reference to a [`TupleClass`].
///
/// INVARIANT: `plain` is that of the class.
#[derive(Debug)]
pub(super) struct WeakTupleClass {
    reference: Py<PyWeakrefReference>,
    plain: bool,
}

impl WeakTupleClass {
    /// The reference, and the class.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn new<'py>(class: &Bound<'py, PyType>) -> PyResult<(Self, TupleClass<'py>)> {
        let py = class.py();
        let tuples = PyType::new::<PyTuple>(py);
        let like = PyType::new::<PyType>(py).call1(("Like", (&tuples,), PyDict::new(py)))?.cast_into::<PyType>()?;
        let slot = |class: &Bound<'_, PyType>, slot| {
            // SAFETY: a class that is alive, and a slot that classes have; the interpreter is attached.
            let function = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), slot) };
            function.addr()
        };
        let alike = [ffi::Py_tp_alloc, ffi::Py_tp_dealloc].iter().all(|each| slot(class, *each) == slot(&like, *each));
        let plain = alike && class.getattr("__base__")?.is(&tuples) && has_plain_tuples(py);
        let reference = PyWeakrefReference::new(class.as_any())?.unbind();
        Ok((Self { reference, plain }, TupleClass { class: class.clone(), plain }))
    }

    /// The class, if it is still alive.
    #[inline]
    pub(super) fn upgrade<'py>(&self, py: Python<'py>) -> Option<TupleClass<'py>> {
        let class = self.reference.bind(py).upgrade()?.cast_into::<PyType>().ok()?;
        Some(TupleClass { class, plain: self.plain })
    }
}

impl<'py> TupleClass<'py> {
    /// An object of the class, as `tuple.__new__` makes it of a tuple.
    ///
    /// # Errors
    /// - as [`tuple`]
    #[inline]
    pub(super) fn object(
        &self,
        elements: impl ExactSizeIterator<Item = NewObject<'py>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = self.class.py();
        if !self.plain {
            static NEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let new = NEW.get_or_try_init(py, || PyType::new::<PyTuple>(py).getattr("__new__").map(Bound::unbind))?;
            return new.bind(py).call1((&self.class, tuple(py, elements)?));
        }
        let len = length(elements.len())?;
        // SAFETY: a class whose objects are allocated by this function, by the INVARIANT, and a length that
        // is not negative; the interpreter is attached.
        let tuple = unsafe { ffi::PyType_GenericAlloc(self.class.as_type_ptr(), len) };
        // SAFETY: a new reference, or NULL with an exception.
        let tuple = unsafe { Bound::from_owned_ptr_or_opt(py, tuple) }.ok_or_else(|| take_exception(py))?;
        let tuple = tuple.cast_into::<PyTuple>()?;
        fill(&tuple, len, elements)?;
        Ok(tuple.into_any())
    }
}

/// Replaces the elements of a tuple that only the caller refers to, as `zip` does. `None` if there are other
/// references, or if the interpreter stores more in a tuple than its elements.
///
/// Dropping the elements must not run Python code: they are numbers or bytes.
///
/// # Errors
/// - an element that is `None`: the exception that is set
#[inline]
pub(super) fn refill<'py>(
    tuple: Bound<'py, PyTuple>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    // SAFETY: the object is alive, and the interpreter is attached.
    if unsafe { ffi::Py_REFCNT(tuple.as_ptr()) } != 1 || !has_plain_tuples(tuple.py()) {
        return Ok(None);
    }
    fill(&tuple, length(elements.len())?, elements)?;
    Ok(Some(tuple))
}

/// Sets all `len` elements of a tuple.
#[inline(always)]
fn fill<'py>(
    tuple: &Bound<'py, PyTuple>,
    len: ffi::Py_ssize_t,
    elements: impl Iterator<Item = NewObject<'py>>,
) -> PyResult<()> {
    let mut index = 0;
    for element in elements {
        let Some(element) = element else { return Err(take_exception(tuple.py())) };
        // SAFETY: a tuple, and the function takes the reference in any case. It refuses an index outside of
        // the tuple, and a tuple that has other references.
        if unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, element.into_ptr()) } != 0 {
            return Err(take_exception(tuple.py()));
        }
        index = index.saturating_add(1);
    }
    if index == len { Ok(()) } else { Err(incomplete()) }
}

/// Whether a tuple is its elements and nothing else (from 3.14 on it also has its hash), and only one thread
/// runs at a time: no build without the GIL that this package supports is older than 3.14.
#[inline]
fn has_plain_tuples(py: Python<'_>) -> bool {
    Behavior::current(py).has_plain_tuples
}

/// A new list.
///
/// # Errors
/// - as [`tuple`]
#[inline]
pub(super) fn list<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> PyResult<Bound<'py, PyList>> {
    let mut list = Filling::new(py, elements.len())?;
    for element in elements {
        match element {
            Some(element) => list.push(element),
            None => return Err(take_exception(py)),
        }
    }
    list.finish()
}

/// A list that is filled from the front.
///
/// INVARIANT: made by `new`, and no other code refers to the list before `finish`.
pub(super) struct Filling<'py> {
    list: Bound<'py, PyList>,
    len: ffi::Py_ssize_t,
    next: ffi::Py_ssize_t,
}

impl<'py> Filling<'py> {
    /// A list of `len` elements, none of which is set.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn new(py: Python<'py>, len: usize) -> PyResult<Self> {
        let len = length(len)?;
        // SAFETY: the interpreter is attached, and a length is not negative.
        let list = unsafe { ffi::PyList_New(len) };
        // SAFETY: a new reference, or NULL with an exception.
        let list = unsafe { Bound::from_owned_ptr_or_opt(py, list) }.ok_or_else(|| take_exception(py))?;
        // SAFETY: `PyList_New` returns a list.
        let list = unsafe { list.cast_into_unchecked::<PyList>() };
        Ok(Self { list, len, next: 0 })
    }

    /// Sets the next element. An element after the last one is dropped.
    #[inline(always)]
    pub(super) fn push(&mut self, element: Bound<'py, PyAny>) {
        if self.next < self.len {
            // SAFETY: the index is inside the list, whose length is still `len` by the INVARIANT; the
            // function takes the reference.
            unsafe { ffi::PyList_SetItem(self.list.as_ptr(), self.next, element.into_ptr()) };
            self.next = self.next.saturating_add(1);
        }
    }

    /// The list.
    ///
    /// # Errors
    /// - elements that are not set: `SystemError`
    pub(super) fn finish(self) -> PyResult<Bound<'py, PyList>> {
        if self.next == self.len { Ok(self.list) } else { Err(incomplete()) }
    }
}

/// # Errors
/// - more elements than the address space has bytes: `MemoryError`
fn length(elements: usize) -> PyResult<ffi::Py_ssize_t> {
    ffi::Py_ssize_t::try_from(elements).map_err(|_| pyo3::exceptions::PyMemoryError::new_err(()))
}

#[cold]
fn incomplete() -> PyErr {
    PySystemError::new_err("the number of elements changed while they were made")
}
