//! `ManagedBuffer`, the Python object that owns an acquired buffer, and `Hold`, the share that a view has in it.

use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::objects;
use pep3118::decode::ColumnData;
use pep3118::py::Acquired;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

/// A buffer that is shared by a view and all of its parts; memoryview's managed buffer.
///
/// It is a Python object so that the garbage collector sees each reference of a view to it, and its one
/// reference to the exporter. It is released with the last share, or when the object is freed.
#[pyclass(frozen, name = "_ManagedBuffer", module = "pep3118")]
pub(super) struct ManagedBuffer {
    /// `None` after it was released. No Python code runs while it is locked.
    memory: Mutex<Option<Memory>>,
    /// Views that are not released.
    shares: AtomicIsize,
}

/// The owner of the memory.
enum Memory {
    Acquired(Acquired),
    /// The memory of a decoded column. It is only kept alive here; views read it through their parts.
    Column(#[expect(dead_code, reason = "owns the memory")] ColumnData),
}

impl ManagedBuffer {
    fn drop_share(&self) {
        if add(&self.shares, -1) == 1 {
            let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Not under the lock: the exporter is called.
            drop(memory);
        }
    }
}

#[pymethods]
impl ManagedBuffer {
    // There is no `__clear__`: the buffer is released when the last view is cleared or freed.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The collector runs while no Python code does, so that the lock is free.
        match self.memory.try_lock().as_deref() {
            Ok(Some(Memory::Acquired(acquired))) => acquired.traverse(&visit),
            _ => Ok(()),
        }
    }
}

/// Adds `more` to a count and returns the count before.
///
/// With the GIL, a load and a store are enough: only the thread that holds the GIL uses the counts.
#[inline]
fn add(count: &AtomicIsize, more: isize) -> isize {
    if cfg!(Py_GIL_DISABLED) {
        return count.fetch_add(more, Ordering::AcqRel);
    }
    let before = count.load(Ordering::Relaxed);
    count.store(before.saturating_add(more), Ordering::Relaxed);
    before
}

/// The number of users of a view: consumers of its buffer, and operations. A view with users cannot be released.
#[derive(Debug, Default)]
struct Users(AtomicIsize);

/// The count of a view that was released.
const RELEASED: isize = -1;

impl Users {
    /// One more; `false` if the view was released.
    #[inline]
    fn enter(&self) -> bool {
        if cfg!(Py_GIL_DISABLED) {
            let more = |users: isize| (users != RELEASED).then(|| users.saturating_add(1));
            return self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok();
        }
        !self.is_released() && add(&self.0, 1) != RELEASED
    }

    #[inline]
    fn leave(&self) {
        add(&self.0, -1);
    }

    /// Releases the view, unless it has users: then their number. `Ok(false)` if it was released before.
    fn release(&self) -> Result<bool, isize> {
        let users = if cfg!(Py_GIL_DISABLED) {
            self.0.compare_exchange(0, RELEASED, Ordering::AcqRel, Ordering::Acquire).unwrap_or_else(|users| users)
        } else {
            let users = self.0.load(Ordering::Relaxed);
            self.0.store(if users == 0 { RELEASED } else { users }, Ordering::Relaxed);
            users
        };
        match users {
            0 => Ok(true),
            RELEASED => Ok(false),
            users => Err(users),
        }
    }

    #[inline]
    fn is_released(&self) -> bool {
        self.0.load(Ordering::Acquire) == RELEASED
    }
}

/// The share of a view in a buffer, until the view is released.
#[derive(Debug)]
pub(super) struct Hold {
    buffer: Py<ManagedBuffer>,
    users: Users,
}

impl Hold {
    /// The first share of a buffer.
    pub(super) fn new(py: Python<'_>, acquired: Acquired) -> PyResult<Self> {
        Self::of(py, Memory::Acquired(acquired))
    }

    /// The first share of the memory of a column.
    pub(super) fn of_column(py: Python<'_>, column: ColumnData) -> PyResult<Self> {
        Self::of(py, Memory::Column(column))
    }

    fn of(py: Python<'_>, memory: Memory) -> PyResult<Self> {
        let buffer = ManagedBuffer { memory: Mutex::new(Some(memory)), shares: AtomicIsize::new(1) };
        Ok(Self { buffer: Py::new(py, buffer)?, users: Users::default() })
    }

    /// Keeps the buffer from being released until the result is dropped.
    ///
    /// # Errors
    /// - `ValueError`: a view that was released
    #[inline]
    pub(super) fn pin(&self) -> PyResult<Pin<'_>> {
        if self.users.enter() { Ok(Pin { users: &self.users }) } else { Err(released()) }
    }

    /// Another share. The pin shows that there is one.
    pub(super) fn share(&self, py: Python<'_>, _pin: &Pin<'_>) -> Self {
        add(&self.buffer.get().shares, 1);
        Self { buffer: self.buffer.clone_ref(py), users: Users::default() }
    }

    /// Gives the share back.
    ///
    /// # Errors
    /// - the number of users
    pub(super) fn release(&self) -> Result<(), isize> {
        if self.users.release()? {
            self.buffer.get().drop_share();
        }
        Ok(())
    }

    #[inline]
    pub(super) fn is_released(&self) -> bool {
        self.users.is_released()
    }

    /// The exporter of the buffer, if it is not released.
    pub(super) fn exporter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match self.buffer.get().memory.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(Memory::Acquired(acquired)) => acquired.exporter(py),
            _ => None,
        }
    }

    /// The exporter of the buffer and the address of its first item, if it is not released.
    pub(super) fn origin<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyAny>, usize)> {
        match self.buffer.get().memory.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(Memory::Acquired(acquired)) => Some((acquired.exporter(py)?, acquired.buf().addr())),
            _ => None,
        }
    }

    /// One user more, who calls [`leave`](Self::leave) at the end: a consumer of the view's buffer.
    pub(super) fn enter(&self) -> bool {
        self.users.enter()
    }

    pub(super) fn leave(&self) {
        self.users.leave();
    }

    /// Shows the reference to the buffer to the garbage collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.buffer)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A view that has users is referred to by them, so that it is not dropped.
        let _: Result<(), isize> = self.release();
    }
}

/// A user of a view.
#[derive(Debug)]
pub(super) struct Pin<'h> {
    users: &'h Users,
}

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        self.users.leave();
    }
}

#[cold]
pub(super) fn released() -> PyErr {
    objects::error::<PyValueError>("operation forbidden on released View")
}
