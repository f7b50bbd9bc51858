//! The functions of `struct`, which compile each format once.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::class::Struct;
use super::compiled::Compiled;
use super::errors::no_format;
use super::iterator::UnpackIterator;
use super::offset::Offset;

/// Formats that are kept; all are forgotten when there are more.
const KEPT: usize = 100;
/// The longest of them, in bytes.
const KEPT_LEN: usize = 1 << 12;

/// Formats of the last calls that are found again by where they lie: a power of two.
const RECENT: usize = 8;

/// A compiled format in the cache.
#[pyclass(frozen, module = "pep3118.struct")]
struct Kept(Arc<Compiled>);

/// A format that is held, so that no other object can be where it is.
struct Recent {
    format: Py<PyAny>,
    compiled: Arc<Compiled>,
}

thread_local! {
    static LAST: RefCell<[Option<Recent>; RECENT]> = const { RefCell::new([const { None }; RECENT]) };
}

/// Compiled formats by what they were given as.
fn cache(py: Python<'_>) -> &Bound<'_, PyDict> {
    static CACHE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    CACHE.get_or_init(py, || PyDict::new(py).unbind()).bind(py)
}

/// The place of a format among the last ones. The lowest bits of all addresses are the same.
#[inline]
fn place(format: &Bound<'_, PyAny>) -> usize {
    (format.as_ptr().addr() >> 4_u32) & RECENT.saturating_sub(1)
}

/// Calls with the compiled format.
#[inline]
pub(super) fn with<'py, T>(format: &Bound<'py, PyAny>, call: impl Fn(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    // The call may lead to others, which find the same formats and add none meanwhile.
    let called = LAST.try_with(|last| {
        let last = last.try_borrow().ok()?;
        let known = last.get(place(format))?.as_ref().filter(|known| known.format.is(format))?;
        Some(call(&known.compiled))
    });
    match called {
        Ok(Some(called)) => called,
        _ => with_another(format, call),
    }
}

#[inline(never)]
fn with_another<T>(format: &Bound<'_, PyAny>, call: impl Fn(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    // Text and bytes do not call Python when they are compared.
    if !format.is_exact_instance_of::<PyString>() && !format.is_exact_instance_of::<PyBytes>() {
        return with_uncached(format, call);
    }
    let compiled = match cache(format.py()).get_item(format)? {
        Some(known) => Arc::clone(&known.cast_exact::<Kept>()?.get().0),
        None => keep(format)?,
    };
    remember(format, &compiled);
    call(&compiled)
}

/// Puts a format among the last ones.
fn remember(format: &Bound<'_, PyAny>, compiled: &Arc<Compiled>) {
    let new = Recent { format: format.clone().unbind(), compiled: Arc::clone(compiled) };
    let replaced = LAST.try_with(|last| {
        let mut last = last.try_borrow_mut().ok()?;
        last.get_mut(place(format))?.replace(new)
    });
    if let Ok(Some(old)) = replaced {
        old.format.drop_ref(format.py());
    }
}

#[inline(never)]
fn keep(format: &Bound<'_, PyAny>) -> PyResult<Arc<Compiled>> {
    let new = Arc::new(Compiled::new(format)?);
    if format.len()? <= KEPT_LEN {
        let cache = cache(format.py());
        if cache.len() >= KEPT {
            cache.clear();
        }
        cache.set_item(format, Kept(Arc::clone(&new)))?;
    }
    Ok(new)
}

#[inline(never)]
fn with_uncached<T>(format: &Bound<'_, PyAny>, call: impl Fn(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    if let Ok(known) = format.cast_exact::<Struct>() {
        return known.get().with(call);
    }
    if format.is_instance_of::<PyString>() || format.is_instance_of::<PyBytes>() {
        return call(&Arc::new(Compiled::new(format)?));
    }
    // What has no hash is a `TypeError` there before it is looked at, in the words of a dict.
    cache(format.py()).get_item(format)?;
    Err(no_format(format))
}

/// The values of the item at an offset in bytes; a negative one counts from the end.
///
/// >>> from pep3118 import struct
/// >>> struct.unpack_from(">h", b"\x00\x01\x00\x02", 2)
/// (2,)
#[pyfunction]
#[pyo3(signature = (format, /, buffer, offset = Offset(0)), text_signature = "(format, /, buffer, offset=0)")]
pub(crate) fn unpack_from<'py>(
    format: &Bound<'py, PyAny>,
    buffer: &Bound<'py, PyAny>,
    offset: Offset,
) -> PyResult<Bound<'py, PyTuple>> {
    with(format, |compiled| compiled.unpack_from(buffer, offset.0))
}

/// The values of all items of a buffer, one item at a time.
///
/// >>> from pep3118 import struct
/// >>> [x + y for x, y in struct.iter_unpack("<BB", b"\x01\x02\x03\x04")]
/// [3, 7]
#[pyfunction]
#[pyo3(signature = (format, buffer, /))]
pub(crate) fn iter_unpack(format: &Bound<'_, PyAny>, buffer: &Bound<'_, PyAny>) -> PyResult<UnpackIterator> {
    with(format, |compiled| UnpackIterator::new(Arc::clone(compiled), buffer))
}

/// Forgets compiled formats.
#[pyfunction]
#[pyo3(name = "_clearcache")]
pub(crate) fn clearcache(py: Python<'_>) {
    // Those of this thread; other threads have a few that they used last.
    let last = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| std::mem::take(&mut *last)));
    drop(last);
    cache(py).clear();
}
