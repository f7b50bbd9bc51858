//! `Hold`, the reference of a view to an acquired buffer, and `Pin`, which keeps a view from being released.
//!
//! The first view of a buffer owns it. A second view of it moves the buffer to a [`ManagedBuffer`], which
//! both views then share. Most views are never sliced, so most views need no second Python object.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::objects;
use pep3118::decode::ColumnData;
use pep3118::py::Acquired;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

/// A buffer that several views share, like memoryview's managed buffer.
///
/// It is a Python object so that the garbage collector sees the reference of each view to it, and its one
/// reference to the exporter. The buffer is released with its last view, or when this object is freed.
#[pyclass(frozen, name = "_ManagedBuffer", module = "pep3118")]
pub(super) struct ManagedBuffer {
    /// `None` after the release. No Python code runs while it is locked.
    memory: Mutex<Option<Memory>>,
    /// The number of views that are not released.
    shares: AtomicUsize,
}

/// The owner of the memory.
enum Memory {
    Acquired(Acquired),
    /// The memory of a decoded column. Views read it through their parts.
    Column(#[expect(dead_code, reason = "owns the memory")] ColumnData),
}

impl ManagedBuffer {
    /// A buffer of one view.
    fn new(memory: Option<Memory>) -> Self {
        Self { memory: Mutex::new(memory), shares: AtomicUsize::new(1) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes one view, and releases the buffer if it was the last.
    fn drop_share(&self) {
        if self.shares.fetch_sub(1, Ordering::AcqRel) == 1 {
            let memory = self.lock().take();
            // The release calls the exporter, so the lock is no longer held.
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

/// The number of users of a view: consumers of its buffer, and operations. A view with users cannot be released.
///
/// With the GIL, plain loads and stores are enough: only the thread that holds it uses the count.
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
        let users = self.0.load(Ordering::Relaxed);
        if users == RELEASED {
            return false;
        }
        self.0.store(users.saturating_add(1), Ordering::Relaxed);
        true
    }

    #[inline]
    fn leave(&self) {
        if cfg!(Py_GIL_DISABLED) {
            self.0.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        self.0.store(self.0.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
    }

    /// Releases the view, unless it has users: then their number. `Ok(false)` if it was released before.
    fn release(&self) -> Result<bool, isize> {
        match self.0.compare_exchange(0, RELEASED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(true),
            Err(RELEASED) => Ok(false),
            Err(users) => Err(users),
        }
    }

    #[inline]
    fn is_released(&self) -> bool {
        self.0.load(Ordering::Acquire) == RELEASED
    }
}

/// The reference of a view to a buffer, until the view is released.
pub(super) struct Hold {
    /// No Python code runs while it is locked.
    owner: Mutex<Owner>,
    users: Users,
}

/// The owner of the buffer of a view.
enum Owner {
    /// The view itself.
    View(Acquired),
    /// An object that other views may refer to.
    Shared(Py<ManagedBuffer>),
    /// The view was released.
    Released,
}

impl Hold {
    /// The reference of the first view of a buffer.
    #[inline]
    pub(super) fn new(acquired: Acquired) -> Self {
        Self { owner: Mutex::new(Owner::View(acquired)), users: Users::default() }
    }

    /// The reference of the first view of a column.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn of_column(py: Python<'_>, column: ColumnData) -> PyResult<Self> {
        Ok(Self::shared(Py::new(py, ManagedBuffer::new(Some(Memory::Column(column))))?))
    }

    fn shared(buffer: Py<ManagedBuffer>) -> Self {
        Self { owner: Mutex::new(Owner::Shared(buffer)), users: Users::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the view from being released until the result is dropped.
    ///
    /// # Errors
    /// - a view that was released: `ValueError`
    #[inline]
    pub(super) fn pin(&self) -> PyResult<Pin<'_>> {
        if self.users.enter() { Ok(Pin { users: &self.users }) } else { Err(released()) }
    }

    /// Creates the reference of another view to the same buffer. `_pin` is a pin of this view, so the buffer is
    /// not released.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn share(&self, py: Python<'_>, _pin: &Pin<'_>) -> PyResult<Self> {
        let buffer = match &*self.lock() {
            Owner::Shared(buffer) => Some(buffer.clone_ref(py)),
            Owner::View(_) => None,
            Owner::Released => return Err(released()),
        };
        let buffer = match buffer {
            Some(buffer) => buffer,
            None => self.move_to_object(py)?,
        };
        buffer.get().shares.fetch_add(1, Ordering::AcqRel);
        Ok(Self::shared(buffer))
    }

    /// Moves the buffer from the view to an object, and returns the object.
    #[cold]
    fn move_to_object(&self, py: Python<'_>) -> PyResult<Py<ManagedBuffer>> {
        // Created before the lock is taken: the garbage collector may run, which traverses this view.
        let buffer = Py::new(py, ManagedBuffer::new(None))?;
        let mut owner = self.lock();
        match std::mem::replace(&mut *owner, Owner::Released) {
            Owner::View(acquired) => {
                *buffer.get().lock() = Some(Memory::Acquired(acquired));
                *owner = Owner::Shared(buffer.clone_ref(py));
                Ok(buffer)
            }
            // Another thread has moved it.
            Owner::Shared(other) => {
                *owner = Owner::Shared(other.clone_ref(py));
                Ok(other)
            }
            Owner::Released => Err(released()),
        }
    }

    /// Releases the view.
    ///
    /// # Errors
    /// - a view that has users: their number
    pub(super) fn release(&self) -> Result<(), isize> {
        if self.users.release()? {
            let owner = std::mem::replace(&mut *self.lock(), Owner::Released);
            // The release calls the exporter, so the lock is no longer held.
            if let Owner::Shared(buffer) = owner {
                buffer.get().drop_share();
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn is_released(&self) -> bool {
        self.users.is_released()
    }

    /// Calls `read` with the acquired buffer. Returns `None` if the view is released, or is that of a column.
    fn with_acquired<T>(&self, read: impl FnOnce(&Acquired) -> Option<T>) -> Option<T> {
        match &*self.lock() {
            Owner::View(acquired) => read(acquired),
            Owner::Shared(buffer) => match buffer.get().lock().as_ref() {
                Some(Memory::Acquired(acquired)) => read(acquired),
                _ => None,
            },
            Owner::Released => None,
        }
    }

    /// Returns the exporter of the buffer. Returns `None` if the view is released, or is that of a column.
    pub(super) fn exporter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.with_acquired(|acquired| acquired.exporter(py))
    }

    /// Returns the exporter of the buffer and the address of its first item, or `None` as
    /// [`exporter`](Self::exporter) does.
    pub(super) fn origin<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyAny>, usize)> {
        self.with_acquired(|acquired| Some((acquired.exporter(py)?, acquired.buf().addr())))
    }

    /// One user more, who calls [`leave`](Self::leave) at the end: a consumer of the view's buffer.
    pub(super) fn enter(&self) -> bool {
        self.users.enter()
    }

    pub(super) fn leave(&self) {
        self.users.leave();
    }

    /// Reports the reference to the exporter, or to the object that owns the buffer, to the garbage collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The collector runs while no Python code does, so that the lock is free.
        match self.owner.try_lock().as_deref() {
            Ok(Owner::View(acquired)) => acquired.traverse(visit),
            Ok(Owner::Shared(buffer)) => visit.call(buffer),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").field("users", &self.users).finish_non_exhaustive()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A view that has users is referred to by them, so that it is not dropped.
        let is_unreleased = *self.users.0.get_mut() == 0;
        // `Owner::View` releases the buffer when the field is dropped.
        if let (true, Owner::Shared(buffer)) =
            (is_unreleased, self.owner.get_mut().unwrap_or_else(PoisonError::into_inner))
        {
            buffer.get().drop_share();
        }
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
