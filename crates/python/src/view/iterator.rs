//! `iterate`: creates an iterator over the first dimension of a view, an object of the Python class `_ViewIterator`.
//! The iterator returns items if the view has one dimension, and otherwise views of one dimension less.
//!
//! The class of the iterator is not a `#[pyclass]`. In each call of `__next__` of a `#[pyclass]`, PyO3 counts the
//! thread as attached, and the counting takes as long as reading a number.
#![allow(unsafe_code, reason = "a class whose functions the interpreter calls")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use super::class::View;
use crate::fastcall::{caught, counted};
use crate::objects::take_exception;

/// An iterator over the first dimension of a view: over the items of a view with one dimension, and otherwise over
/// views of one dimension less.
///
/// INVARIANT: `view` is a reference to a `View` that this object owns. `next` is an index of the first dimension of
/// that view, or `end`.
#[repr(C)]
struct ViewIterator {
    object: ffi::PyObject,
    view: *mut ffi::PyObject,
    next: AtomicI64,
    end: i64,
    step: i64,
}

/// Returns an iterator over the first dimension of `view`. The first item has the index `first`. After each item, the
/// iterator adds `step`, 1 or -1, to the index. The iterator stops at the index `end` without returning an item for
/// this index.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn iterate<'py>(view: Bound<'py, View>, first: i64, end: i64, step: i64) -> PyResult<Bound<'py, PyAny>> {
    let py = view.py();
    let class = class(py)?;
    // SAFETY: the objects of `class` have the size of `ViewIterator`. The thread is attached to the interpreter.
    let object = unsafe { ffi::PyType_GenericAlloc(class.as_type_ptr(), 0) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let object = unsafe { Bound::from_owned_ptr_or_opt(py, object) }.ok_or_else(|| take_exception(py))?;
    let iterator = object.as_ptr().cast::<ViewIterator>();
    // SAFETY: the object has the layout of `ViewIterator`, and no other code refers to it. The interpreter has set all
    // bytes of the object to 0, which is a valid value of each field.
    let iterator = unsafe { &mut *iterator };
    (iterator.view, iterator.next, iterator.end, iterator.step) = (view.into_ptr(), AtomicI64::new(first), end, step);
    Ok(object)
}

/// Returns the Python class of the iterator. The first call creates the class.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    Ok(CLASS.get_or_try_init(py, || make_class(py))?.bind(py))
}

/// Creates the Python class of the iterator. Returns the exception if Python cannot create the class.
#[cold]
#[expect(clippy::as_conversions, reason = "a slot is a pointer without a type")]
fn make_class(py: Python<'_>) -> PyResult<Py<PyType>> {
    let slot = |slot, function: *mut c_void| ffi::PyType_Slot { slot, pfunc: function };
    let mut slots = [
        slot(ffi::Py_tp_dealloc, (deallocate as ffi::destructor) as *mut c_void),
        slot(ffi::Py_tp_traverse, (traverse as ffi::traverseproc) as *mut c_void),
        slot(ffi::Py_tp_iter, (ffi::PyObject_SelfIter as ffi::getiterfunc) as *mut c_void),
        slot(ffi::Py_tp_iternext, (next as ffi::iternextfunc) as *mut c_void),
        slot(0, std::ptr::null_mut()),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
    let mut spec = ffi::PyType_Spec {
        name: c"pep3118._ViewIterator".as_ptr(),
        basicsize: c_int::try_from(size_of::<ViewIterator>())?,
        itemsize: 0,
        flags: flags.try_into()?,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: each function in the table has the signature of its slot, and the table ends with 0. The thread is
    // attached to the interpreter.
    let class = unsafe { ffi::PyType_FromSpec(&raw mut spec) };
    // SAFETY: the call above returned a new reference, or it returned NULL and set an exception.
    let class = unsafe { Bound::from_owned_ptr_or_opt(py, class) }.ok_or_else(|| take_exception(py))?;
    Ok(class.cast_into::<PyType>()?.unbind())
}

impl ViewIterator {
    /// Returns the index of the next item, and moves the iterator one step forward. Returns `None` at the end.
    #[inline]
    fn advance(&self) -> Option<i64> {
        let advance = |index: i64| (index != self.end).then(|| index.wrapping_add(self.step));
        if cfg!(Py_GIL_DISABLED) {
            return self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance).ok();
        }
        // With the GIL, only one thread at a time calls this function.
        let index = self.next.load(Ordering::Relaxed);
        self.next.store(advance(index)?, Ordering::Relaxed);
        Some(index)
    }
}

/// Implements `__next__`: returns a new reference to the object for the next item. At the end, returns NULL without an
/// exception.
///
/// # Safety
/// - (a) The thread is attached to the interpreter.
/// - (b) `iterator` is an object of the class, and the caller has a reference to it.
unsafe extern "C" fn next(iterator: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: by (a) the thread is attached to the interpreter.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: by (b) the object has the layout of `ViewIterator` and is alive until this function returns.
    let this = unsafe { &*iterator.cast::<ViewIterator>() };
    let Some(index) = this.advance() else { return std::ptr::null_mut() };
    // SAFETY: by the INVARIANT the object owns a reference to a `View`.
    let view = unsafe { Borrowed::from_ptr(py, this.view) };
    // SAFETY: by the INVARIANT the object is a `View`.
    let view = unsafe { view.cast_unchecked::<View>() };
    match view.get().plain_at(py, index) {
        Some(object) => object.map_or(std::ptr::null_mut(), Bound::into_ptr),
        None => caught(py, || counted(py, || view.get().item_at(py, index).map(Bound::into_ptr))),
    }
}

/// Frees an iterator.
///
/// # Safety
/// - (a) The thread is attached to the interpreter, and `iterator` is an object of the class to which no reference is
///   left.
unsafe extern "C" fn deallocate(iterator: *mut ffi::PyObject) {
    // SAFETY: by (a) `iterator` is an object that the garbage collector tracks. The collector must not visit an object
    // that is being freed.
    unsafe { ffi::PyObject_GC_UnTrack(iterator.cast()) };
    // SAFETY: by (a) the object has the layout of `ViewIterator`.
    let view = unsafe { (*iterator.cast::<ViewIterator>()).view };
    // SAFETY: by (a) `iterator` is an object.
    let class = unsafe { ffi::Py_TYPE(iterator) };
    // SAFETY: by the INVARIANT the iterator owned the reference `view`. `view` is NULL if `iterate` has failed.
    unsafe { ffi::Py_XDECREF(view) };
    // SAFETY: the object was allocated by `PyType_GenericAlloc`, for a class whose objects the collector visits.
    unsafe { ffi::PyObject_GC_Del(iterator.cast()) };
    // SAFETY: an object of a class that is on the heap owns a reference to its class.
    unsafe { ffi::Py_DECREF(class.cast()) };
}

/// Implements `tp_traverse`: calls `visit` with each reference of `iterator`, for the garbage collector.
///
/// # Safety
/// - (a) `iterator` is an object of the class. `visit` may be called with an object and `argument`.
unsafe extern "C" fn traverse(iterator: *mut ffi::PyObject, visit: ffi::visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: by (a) the object has the layout of `ViewIterator`.
    let view = unsafe { (*iterator.cast::<ViewIterator>()).view };
    // SAFETY: by (a) `iterator` is an object.
    let class = unsafe { ffi::Py_TYPE(iterator) };
    for reference in [view, class.cast()] {
        if reference.is_null() {
            continue;
        }
        // SAFETY: by (a) `visit` may be called.
        let stopped = unsafe { visit(reference, argument) };
        if stopped != 0 {
            return stopped;
        }
    }
    0
}
