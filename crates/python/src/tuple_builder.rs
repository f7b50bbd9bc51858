//! Builds Python tuples, objects of tuple subclasses, and lists from iterators that create the elements. `refill`
//! reuses a tuple.
//!
//! PyO3's `PyTuple::new` and `PyList::new` panic if there is no memory. They also pass each element in a `Result`, and
//! a `Result` does not fit a register. In this module an element is a [`NewObject`], a pointer that may be NULL.
#![allow(unsafe_code, reason = "fills tuples and lists that no other code refers to")]

use pep3118::__private::arguments;
use pep3118::name;
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyTuple, PyType, PyWeakrefMethods, PyWeakrefReference};

use crate::behavior::Behavior;
use crate::objects::{self, NewObject, from_result, take_exception};

/// Creates a tuple of `elements`.
///
/// # Errors
/// - no memory: `MemoryError`
/// - an element is `None`: the exception that is set in the interpreter
#[inline]
pub(super) fn tuple<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    new_tuple(py, elements).ok_or_else(|| take_exception(py))
}

/// Creates a tuple of `elements`. Returns `None` and sets an exception if there is no memory or if an element is
/// `None`.
#[inline]
fn new_tuple<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> Option<Bound<'py, PyTuple>> {
    // `PyTuple_New` refuses a length that no memory has, so the default is a `MemoryError`.
    let len = ffi::Py_ssize_t::try_from(elements.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: the thread is attached to the interpreter, and `len` is not negative.
    let tuple = unsafe { ffi::PyTuple_New(len) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_opt(py, tuple) }?;
    // SAFETY: `PyTuple_New` returns a tuple.
    let tuple = unsafe { tuple.cast_into_unchecked::<PyTuple>() };
    fill(&tuple, len, elements)?;
    Some(tuple)
}

/// Creates a tuple of the numbers `numbers`.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn of_numbers<'py>(py: Python<'py>, numbers: &[i64]) -> PyResult<Bound<'py, PyTuple>> {
    tuple(py, numbers.iter().map(|number| objects::int(py, *number)))
}

/// Creates a tuple of the texts `texts`.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn of_texts<'py>(py: Python<'py>, texts: &[impl AsRef<str>]) -> PyResult<Bound<'py, PyTuple>> {
    tuple(py, texts.iter().map(|text| from_result(py, objects::string(py, text.as_ref()))))
}

/// Returns the elements of `list` as a tuple.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn of_list<'py>(list: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: `list` is a list that is alive, and the thread is attached to the interpreter.
    let tuple = unsafe { ffi::PyList_AsTuple(list.as_ptr()) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_opt(list.py(), tuple) }.ok_or_else(|| take_exception(list.py()))?;
    Ok(tuple.cast_into()?)
}

/// A class that is derived from `tuple`, directly or through other classes.
#[derive(Debug)]
pub(super) struct TupleClass<'py> {
    class: Bound<'py, PyType>,
    creation: Creation,
}

/// A weak reference to a [`TupleClass`].
#[derive(Debug)]
pub(super) struct WeakTupleClass {
    reference: Py<PyWeakrefReference>,
    creation: Creation,
}

/// How an object of a class that is derived from `tuple` is created.
///
/// INVARIANT: `Creation::of` has returned the variant for the class that is stored with the variant.
#[derive(Clone, Copy, Debug)]
enum Creation {
    /// The elements are set after the object is allocated. The class, and each class between the class and `tuple`,
    /// allocates and frees its objects as every class that Python code derives from `tuple`.
    Allocated,
    /// `tuple.__new__` creates the object.
    Called,
}

impl Creation {
    /// Returns how an object of `class` is created. Returns an error if there is no memory.
    fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        // The functions of a class that Python code derives from `tuple`.
        static DERIVED: PyOnceLock<[usize; 3]> = PyOnceLock::new();
        let py = class.py();
        let tuples = PyType::new::<PyTuple>(py);
        let derived = *DERIVED.get_or_try_init(py, || {
            let bases = tuple(py, [Some(tuples.clone().into_any())].into_iter())?;
            let attributes = objects::dict(py)?;
            let arguments = arguments(py, [name!(py, "Like"), &bases, &attributes])?;
            let like = PyType::new::<PyType>(py).call1(arguments)?;
            Ok::<_, PyErr>(memory_functions(like.cast::<PyType>()?))
        })?;
        let (mut base, mut is_alike) = (class.clone(), has_plain_tuples(py));
        while is_alike && !base.is(&tuples) {
            // A class that is not derived from `tuple` differs, so the loop ends before the last base class.
            is_alike = memory_functions(&base) == derived;
            if is_alike {
                base = base.getattr(name!(py, "__base__"))?.cast_into()?;
            }
        }
        Ok(if is_alike { Self::Allocated } else { Self::Called })
    }
}

/// Returns the addresses of the functions with which `class` allocates, frees and deallocates its objects.
fn memory_functions(class: &Bound<'_, PyType>) -> [usize; 3] {
    [ffi::Py_tp_alloc, ffi::Py_tp_free, ffi::Py_tp_dealloc].map(|slot| {
        // SAFETY: `class` is a class that is alive, `slot` is a slot of classes, and the thread is attached to the
        // interpreter.
        let function = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), slot) };
        function.addr()
    })
}

impl WeakTupleClass {
    /// Returns a weak reference to `class`, and the class itself.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn new<'py>(class: &Bound<'py, PyType>) -> PyResult<(Self, TupleClass<'py>)> {
        let creation = Creation::of(class)?;
        let reference = PyWeakrefReference::new(class.as_any())?.unbind();
        Ok((Self { reference, creation }, TupleClass { class: class.clone(), creation }))
    }

    /// Returns the class, or `None` if the class was freed.
    #[inline]
    pub(super) fn upgrade<'py>(&self, py: Python<'py>) -> Option<TupleClass<'py>> {
        let class = self.reference.bind(py).upgrade()?.cast_into::<PyType>().ok()?;
        Some(TupleClass { class, creation: self.creation })
    }
}

impl<'py> TupleClass<'py> {
    /// Returns the class.
    pub(super) fn class(&self) -> &Bound<'py, PyType> {
        &self.class
    }

    /// Creates an object of the class with the elements `elements`. The result equals that of `tuple.__new__`. Returns
    /// `None` and sets an exception if there is no memory or if an element is `None`.
    #[inline]
    pub(super) fn object(self, elements: impl ExactSizeIterator<Item = NewObject<'py>>) -> NewObject<'py> {
        let py = self.class.py();
        let count = elements.len();
        match self.creation {
            Creation::Allocated => {
                let len = ffi::Py_ssize_t::try_from(count).unwrap_or(ffi::Py_ssize_t::MAX);
                // SAFETY: this function allocates the objects of the class, as `Creation::of` has checked. `len` is not
                // negative, and the thread is attached to the interpreter.
                let tuple = unsafe { ffi::PyType_GenericAlloc(self.class.as_type_ptr(), len) };
                // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
                let tuple = unsafe { Bound::from_owned_ptr_or_opt(py, tuple) }?;
                // SAFETY: the class is derived from `tuple`.
                let tuple = unsafe { tuple.cast_into_unchecked::<PyTuple>() };
                fill(&tuple, len, elements)?;
                Some(tuple.into_any())
            }
            Creation::Called => {
                static NEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                let tuple = new_tuple(py, elements)?;
                let new = NEW.get_or_try_init(py, || {
                    Ok::<_, PyErr>(PyType::new::<PyTuple>(py).getattr(name!(py, "__new__"))?.unbind())
                });
                from_result(py, new.and_then(|new| new.bind(py).call1(arguments(py, [&self.class, &tuple])?)))
            }
        }
    }
}

/// Replaces the elements of `tuple` by `elements` and returns `tuple`. Python's `zip` reuses its tuples too. Returns
/// `None` if other references to `tuple` exist, or if a tuple of this interpreter stores more than its elements.
///
/// The elements of `tuple` must be numbers or `bytes`, so that no Python code runs when the elements are dropped.
///
/// # Errors
/// - an element is `None`: the exception that is set in the interpreter
#[inline]
pub(super) fn refill<'py>(
    tuple: Bound<'py, PyTuple>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    // SAFETY: `tuple` is alive, and the thread is attached to the interpreter.
    if unsafe { ffi::Py_REFCNT(tuple.as_ptr()) } != 1 || !has_plain_tuples(tuple.py()) {
        return Ok(None);
    }
    let len = length(elements.len())?;
    fill(&tuple, len, elements).ok_or_else(|| take_exception(tuple.py()))?;
    Ok(Some(tuple))
}

/// Sets all elements of `tuple` to `elements`. `len` must be the length of `tuple`. Returns `None` and sets an
/// exception if an element is `None` or if `elements` yields fewer than `len` elements.
#[inline(always)]
fn fill<'py>(
    tuple: &Bound<'py, PyTuple>,
    len: ffi::Py_ssize_t,
    elements: impl Iterator<Item = NewObject<'py>>,
) -> Option<()> {
    let mut index = 0;
    for element in elements {
        // SAFETY: `tuple` is a tuple. `PyTuple_SetItem` takes the reference to the element even if it fails. It refuses
        // an index outside of the tuple, and a tuple that has other references.
        if unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, element?.into_ptr()) } != 0 {
            return None;
        }
        index = index.saturating_add(1);
    }
    if index != len {
        incomplete().restore(tuple.py());
        return None;
    }
    Some(())
}

/// Returns `true` if a tuple stores nothing but its elements, and the interpreter has a GIL. From Python 3.14 on, a
/// tuple also stores its hash. This package supports no build without a GIL that is older than 3.14.
#[inline]
fn has_plain_tuples(py: Python<'_>) -> bool {
    Behavior::current(py).has_plain_tuples
}

/// Creates a list of `elements`.
///
/// # Errors
/// - every error of [`tuple`]
#[inline]
pub(super) fn list<'py>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = NewObject<'py>>,
) -> PyResult<Bound<'py, PyList>> {
    let mut list = ListBuilder::new(py, elements.len())?;
    for element in elements {
        match element {
            Some(element) => list.push(element),
            None => return Err(take_exception(py)),
        }
    }
    list.finish()
}

/// A list whose elements are set in order, the first element first.
///
/// INVARIANT: `new` has created the list, and no other code refers to the list before `finish` returns it.
pub(super) struct ListBuilder<'py> {
    list: Bound<'py, PyList>,
    len: ffi::Py_ssize_t,
    next: ffi::Py_ssize_t,
}

impl<'py> ListBuilder<'py> {
    /// Creates a list of `len` elements. No element is set.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn new(py: Python<'py>, len: usize) -> PyResult<Self> {
        let len = length(len)?;
        // SAFETY: the thread is attached to the interpreter, and `len` is not negative.
        let list = unsafe { ffi::PyList_New(len) };
        // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
        let list = unsafe { Bound::from_owned_ptr_or_opt(py, list) }.ok_or_else(|| take_exception(py))?;
        // SAFETY: `PyList_New` returns a list.
        let list = unsafe { list.cast_into_unchecked::<PyList>() };
        Ok(Self { list, len, next: 0 })
    }

    /// Sets the next element. If all elements are set, drops `element`.
    #[inline(always)]
    pub(super) fn push(&mut self, element: Bound<'py, PyAny>) {
        if self.next < self.len {
            // SAFETY: the index is inside of the list, because by the INVARIANT the length is still `len`.
            // `PyList_SetItem` takes the reference to the element.
            unsafe { ffi::PyList_SetItem(self.list.as_ptr(), self.next, element.into_ptr()) };
            self.next = self.next.saturating_add(1);
        }
    }

    /// Returns the list.
    ///
    /// # Errors
    /// - an element was not set: `SystemError`
    pub(super) fn finish(self) -> PyResult<Bound<'py, PyList>> {
        if self.next == self.len { Ok(self.list) } else { Err(incomplete()) }
    }
}

/// Converts `elements`, a number of elements, to the integer type of the C API.
///
/// # Errors
/// - `elements` is more than the address space has bytes: `MemoryError`
fn length(elements: usize) -> PyResult<ffi::Py_ssize_t> {
    ffi::Py_ssize_t::try_from(elements).map_err(|_| objects::no_memory())
}

/// Creates the error for an iterator that yielded fewer elements than its reported length.
#[cold]
fn incomplete() -> PyErr {
    objects::error::<PySystemError>("the number of elements changed while they were made")
}
