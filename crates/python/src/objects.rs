//! Python objects made without a panic: numbers, bytes, and the tuples and lists that hold them.
//!
//! PyO3 panics where the interpreter has no memory for a float, an int or a list; these functions return an
//! error. An element goes from the C API that makes it straight back to it, and an error takes no space
//! beside the pointer.
#![allow(unsafe_code, reason = "calls the C API, and fills objects that no other code refers to yet, or any more")]

use std::sync::OnceLock;

use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType, PyWeakrefReference};
use pyo3::{PyTypeInfo, ffi};

/// An exception was raised, and is set in the interpreter.
#[derive(Debug)]
pub(super) struct Raised;

impl From<Raised> for PyErr {
    #[cold]
    fn from(_: Raised) -> Self {
        Python::attach(Self::fetch)
    }
}

/// A new object, or an exception that is set in the interpreter.
pub(super) type Made<'py> = Result<Bound<'py, PyAny>, Raised>;

/// # Safety
/// - (a) `object` is a new reference, or NULL with an exception set.
#[inline(always)]
unsafe fn made(py: Python<'_>, object: *mut ffi::PyObject) -> Made<'_> {
    // SAFETY: (a).
    unsafe { Bound::from_owned_ptr_or_opt(py, object) }.ok_or(Raised)
}

/// An exception of a type with a message; `MemoryError` where there is no memory for it.
///
/// An exception of PyO3 is made when it is raised, and panics then.
#[cold]
pub(super) fn error<T: PyTypeInfo>(message: impl AsRef<str>) -> PyErr {
    Python::attach(|py| {
        if let Ok(text) = text(py, message.as_ref()) {
            // SAFETY: a class of exceptions and an object that are alive; the interpreter is attached.
            unsafe { ffi::PyErr_SetObject(T::type_object_raw(py).cast(), text.as_ptr()) };
        }
        PyErr::fetch(py)
    })
}

/// `MemoryError`
#[cold]
pub(super) fn no_memory() -> PyErr {
    Python::attach(|py| {
        // SAFETY: the interpreter is attached. It returns NULL.
        unsafe { ffi::PyErr_NoMemory() };
        PyErr::fetch(py)
    })
}

/// A `float`.
#[inline(always)]
pub(super) fn float(py: Python<'_>, number: f64) -> Made<'_> {
    // SAFETY: the interpreter is attached; the function returns a new reference or NULL.
    let float = unsafe { ffi::PyFloat_FromDouble(number) };
    // SAFETY: (a) as said.
    unsafe { made(py, float) }
}

/// An `int`.
#[inline(always)]
pub(super) fn int(py: Python<'_>, number: i64) -> Made<'_> {
    // SAFETY: as for `float`.
    let int = unsafe { ffi::PyLong_FromLongLong(number) };
    // SAFETY: (a) as said.
    unsafe { made(py, int) }
}

/// An `int` that is not negative.
#[inline(always)]
pub(super) fn unsigned(py: Python<'_>, number: u64) -> Made<'_> {
    // SAFETY: as for `float`.
    let int = unsafe { ffi::PyLong_FromUnsignedLongLong(number) };
    // SAFETY: (a) as said.
    unsafe { made(py, int) }
}

/// A `complex`.
#[inline(always)]
pub(super) fn complex(py: Python<'_>, re: f64, im: f64) -> Made<'_> {
    // SAFETY: as for `float`.
    let complex = unsafe { ffi::PyComplex_FromDoubles(re, im) };
    // SAFETY: (a) as said.
    unsafe { made(py, complex) }
}

/// `bytes`.
#[inline(always)]
pub(super) fn bytes<'py>(py: Python<'py>, value: &[u8]) -> Made<'py> {
    // A slice is never longer than this.
    let len = ffi::Py_ssize_t::try_from(value.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: `len` bytes may be read there; the interpreter is attached.
    let bytes = unsafe { ffi::PyBytes_FromStringAndSize(value.as_ptr().cast(), len) };
    // SAFETY: (a) as said.
    unsafe { made(py, bytes) }
}

/// A `str`.
#[inline(always)]
pub(super) fn text<'py>(py: Python<'py>, value: &str) -> Made<'py> {
    // A slice is never longer than this.
    let len = ffi::Py_ssize_t::try_from(value.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: `len` bytes may be read there; the interpreter is attached.
    let text = unsafe { ffi::PyUnicode_FromStringAndSize(value.as_ptr().cast(), len) };
    // SAFETY: (a) as said.
    unsafe { made(py, text) }
}

/// The object whose address the memory of an exporter holds; `None` for NULL.
///
/// # Safety
/// - (b) `address` is 0 or the address of an object that is alive.
#[inline]
pub(super) unsafe fn object(py: Python<'_>, address: usize) -> Bound<'_, PyAny> {
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
pub(super) unsafe fn drop_reference(py: Python<'_>, address: usize) {
    let object: *mut ffi::PyObject = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: (c).
    drop(unsafe { Bound::from_owned_ptr_or_opt(py, object) });
}

/// A tuple of elements.
///
/// # Errors
/// - no memory
/// - the error of an element
#[inline]
pub(super) fn tuple<'py, E: Into<PyErr>>(
    py: Python<'py>,
    elements: impl ExactSizeIterator<Item = Result<Bound<'py, PyAny>, E>>,
) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: the interpreter is attached, and a length is not negative.
    let tuple = unsafe { ffi::PyTuple_New(length(elements.len())?) };
    // SAFETY: a new reference, or NULL with an exception.
    let tuple = unsafe { Bound::from_owned_ptr_or_err(py, tuple) }?;
    // SAFETY: what `PyTuple_New` makes is a tuple.
    let tuple = unsafe { tuple.cast_into_unchecked::<PyTuple>() };
    fill(&tuple, elements)?;
    Ok(tuple)
}

/// A list of `len` elements.
///
/// # Errors
/// - no memory
/// - the error of an element
#[inline]
pub(super) fn list<'py, E: Into<PyErr>>(
    py: Python<'py>,
    len: usize,
    mut element: impl FnMut(usize) -> Result<Bound<'py, PyAny>, E>,
) -> PyResult<Bound<'py, PyList>> {
    let mut list = Filling::new(py, len)?;
    for index in 0..len {
        list.push(element(index).map_err(E::into)?);
    }
    list.finish()
}

/// A class that Python code has derived from `tuple`, as `collections.namedtuple` does.
///
/// INVARIANT: `plain` is set by `WeakTupleClass::new` only: then an object of the class is a tuple, allocated
/// and freed like every object of such a class.
#[derive(Debug)]
pub(super) struct TupleClass<'py> {
    class: Bound<'py, PyType>,
    /// Whether its objects can be filled after they were allocated.
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
    /// - no memory
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
    /// An object, as `tuple.__new__` makes it of a tuple.
    ///
    /// # Errors
    /// - no memory
    /// - the error of an element
    #[inline]
    pub(super) fn object<E: Into<PyErr>>(
        &self,
        elements: impl ExactSizeIterator<Item = Result<Bound<'py, PyAny>, E>>,
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
        let tuple = unsafe { Bound::from_owned_ptr_or_err(py, tuple) }?;
        let tuple = tuple.cast_into::<PyTuple>()?;
        fill(&tuple, elements)?;
        Ok(tuple.into_any())
    }
}

/// Text in units of 2 or 4 bytes, lone surrogates included.
///
/// # Errors
/// - a unit that is no character: an exception is set
pub(super) fn decoded<'py>(py: Python<'py>, units: &[u8], width: usize, little: bool) -> Made<'py> {
    // A slice is never longer than this.
    let len = ffi::Py_ssize_t::try_from(units.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    let mut order: std::ffi::c_int = if little { -1 } else { 1 };
    let (start, errors) = (units.as_ptr().cast(), c"surrogatepass".as_ptr());
    let decode = if width == 2 { ffi::PyUnicode_DecodeUTF16 } else { ffi::PyUnicode_DecodeUTF32 };
    // SAFETY: `len` bytes may be read there, the name ends with a NUL, and the byte order may be read and
    // written; the interpreter is attached.
    let text = unsafe { decode(start, len, errors, &raw mut order) };
    // SAFETY: (a) the function returns a new reference, or NULL with an exception.
    unsafe { made(py, text) }
}

/// Refills a uniquely referenced tuple, of as many elements; `None` if it is shared, or if the interpreter
/// stores more about a tuple than its elements.
///
/// Its former elements must be numbers and bytes, whose destruction runs no code. `zip` does the same.
///
/// # Errors
/// - no memory for an element
#[inline]
pub(super) fn refill<'py>(
    tuple: Bound<'py, PyTuple>,
    elements: impl ExactSizeIterator<Item = Made<'py>>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    // SAFETY: the object is alive, and the interpreter is attached.
    if unsafe { ffi::Py_REFCNT(tuple.as_ptr()) } != 1 || !has_plain_tuples(tuple.py()) {
        return Ok(None);
    }
    fill(&tuple, elements)?;
    Ok(Some(tuple))
}

/// Sets all elements of a tuple, which has as many.
#[inline(always)]
fn fill<'py, E: Into<PyErr>>(
    tuple: &Bound<'py, PyTuple>,
    elements: impl Iterator<Item = Result<Bound<'py, PyAny>, E>>,
) -> PyResult<()> {
    let mut index = 0;
    for element in elements {
        let element = element.map_err(E::into)?;
        // SAFETY: a tuple, and the function takes the reference whether the tuple has such an element or not.
        // It refuses a tuple that is shared.
        if unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), index, element.into_ptr()) } != 0 {
            return Err(PyErr::fetch(tuple.py()));
        }
        index = index.saturating_add(1);
    }
    Ok(())
}

/// Whether a tuple is its elements and nothing else: from 3.14 on it stores its hash. Older builds without
/// the GIL are not supported.
#[inline]
fn has_plain_tuples(py: Python<'_>) -> bool {
    // No Python code runs in there, so that a thread may wait for it with the interpreter attached.
    static PLAIN: OnceLock<bool> = OnceLock::new();
    *PLAIN.get_or_init(|| py.version_info() < (3, 14))
}

/// A list that is filled from the front.
///
/// INVARIANT: made by `new`, so no other code refers to the list before it is full.
pub(super) struct Filling<'py> {
    list: Bound<'py, PyList>,
    len: ffi::Py_ssize_t,
    next: ffi::Py_ssize_t,
}

impl<'py> Filling<'py> {
    /// A list of `len` elements that are not set yet.
    ///
    /// # Errors
    /// - no memory
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

    /// Sets the next element; one that is too many is dropped.
    #[inline(always)]
    pub(super) fn push(&mut self, element: Bound<'py, PyAny>) {
        if self.next < self.len {
            // SAFETY: a list that has this element, by the INVARIANT not shared yet; the function
            // takes the reference.
            unsafe { ffi::PyList_SetItem(self.list.as_ptr(), self.next, element.into_ptr()) };
            self.next = self.next.saturating_add(1);
        }
    }

    /// The list, once all elements are set.
    ///
    /// # Errors
    /// - too few elements
    pub(super) fn finish(self) -> PyResult<Bound<'py, PyList>> {
        if self.next == self.len { Ok(self.list) } else { Err(unfilled()) }
    }
}

fn length(elements: usize) -> PyResult<ffi::Py_ssize_t> {
    ffi::Py_ssize_t::try_from(elements).map_err(|_| no_memory())
}

#[cold]
fn unfilled() -> PyErr {
    error::<PySystemError>("a list has fewer elements than its length")
}
