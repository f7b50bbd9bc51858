//! `Hold`, the reference of a view to an acquired buffer, and `Pin`, which keeps a view from being released.
//!
//! A view owns its buffer until a second view of the buffer is created. The buffer then moves to a [`ManagedBuffer`], a
//! Python object that both views share. Most buffers have only one view and need no `ManagedBuffer`.
//!
//! A *user* of a view is a consumer that has acquired a buffer from the view, or an operation that is running on the
//! view. A view with users cannot be released.

use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::class::View;
use crate::objects;
use pep3118::decode::ColumnData;
use pep3118::py::Acquired;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

/// A buffer that several views share. CPython's memoryview has a managed buffer for the same purpose.
///
/// `ManagedBuffer` is a Python object, so the garbage collector sees the reference from each view to the
/// `ManagedBuffer`, and the reference from the `ManagedBuffer` to the exporter. The buffer is released when the last
/// view is released or when the `ManagedBuffer` is freed.
#[pyclass(frozen, name = "_ManagedBuffer", module = "pep3118")]
pub(super) struct ManagedBuffer {
    /// The owner of the memory, or `None` after the release. No Python code runs while the mutex is locked.
    memory: Mutex<Option<Memory>>,
    /// The number of views of the buffer that are not released.
    shares: AtomicIsize,
}

/// The owner of the memory that the views read.
enum Memory {
    Acquired(Acquired),
    /// The memory of a decoded column. Views read the memory through their `Part`.
    Column(#[expect(dead_code, reason = "owns the memory")] ColumnData),
}

impl ManagedBuffer {
    /// Creates a shared buffer with a view count of 1. `memory` is the owner of the memory; `None` means that the
    /// caller sets the owner later.
    fn new(memory: Option<Memory>) -> Self {
        Self { memory: Mutex::new(memory), shares: AtomicIsize::new(1) }
    }

    /// Locks the owner of the memory. The caller must not run Python code while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Option<Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subtracts 1 from the number of views. Releases the buffer if no view remains.
    fn drop_share(&self) {
        if add(&self.shares, -1) == 1 {
            let memory = self.lock().take();
            // Releasing the buffer calls the exporter, which may run Python code, so the mutex is unlocked first.
            drop(memory);
        }
    }
}

#[pymethods]
impl ManagedBuffer {
    // The class has no `__clear__`, because the buffer is released when the last view is cleared or freed.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The garbage collector runs only while no Python code runs, so the mutex is not locked now.
        match self.memory.try_lock().as_deref() {
            Ok(Some(Memory::Acquired(acquired))) => acquired.traverse(&visit),
            // The memory was released, or belongs to a column. Neither has a reference to visit.
            _ => Ok(()),
        }
    }
}

/// Adds `change` to `count`. Returns the value before the addition.
///
/// With the GIL, the function uses a load and a store, because only the thread that holds the GIL uses the counts.
#[inline]
fn add(count: &AtomicIsize, change: isize) -> isize {
    if cfg!(Py_GIL_DISABLED) {
        return count.fetch_add(change, Ordering::AcqRel);
    }
    let before = count.load(Ordering::Relaxed);
    count.store(before.saturating_add(change), Ordering::Relaxed);
    before
}

/// The number of users of a view, or `RELEASED` after the release.
#[derive(Debug, Default)]
struct Users(AtomicIsize);

/// The value of [`Users`] for a view that was released.
const RELEASED: isize = -1;

impl Users {
    /// Adds 1 to the number of users and returns `true`. Returns `false` if the view was released.
    #[inline]
    fn enter(&self) -> bool {
        if cfg!(Py_GIL_DISABLED) {
            let more = |users: isize| (users != RELEASED).then(|| users.saturating_add(1));
            return self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok();
        }
        !self.is_released() && add(&self.0, 1) != RELEASED
    }

    /// Subtracts 1 from the number of users. A call of [`enter`](Self::enter) must precede.
    #[inline]
    fn leave(&self) {
        add(&self.0, -1);
    }

    /// Marks the view as released and returns `Ok(true)`. Returns `Ok(false)` if the view was already released. Returns
    /// `Err` with the number of users if the view has users.
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

/// The reference of a view to its buffer. The reference ends when the view is released.
pub(super) struct Hold {
    owner: Owner,
    users: Users,
}

/// The owner of the buffer of a view.
enum Owner {
    /// The view was the first view of the buffer.
    View {
        /// The acquired buffer. `None` if a `ManagedBuffer` owns the buffer, or if the view is released. No Python code
        /// runs while the mutex is locked.
        owned: Mutex<Option<Acquired>>,
        /// The Python object that owns the buffer. The creation of a second view sets this field. The creation of a
        /// third view therefore needs no lock.
        moved: OnceLock<Py<ManagedBuffer>>,
    },
    /// The Python object that owned the buffer when the view was created.
    Object(Py<ManagedBuffer>),
}

impl Hold {
    /// Creates the reference of the first view of the buffer `acquired`.
    #[inline]
    pub(super) fn new(acquired: Acquired) -> Self {
        let owner = Owner::View { owned: Mutex::new(Some(acquired)), moved: OnceLock::new() };
        Self { owner, users: Users::default() }
    }

    /// Creates the reference of the first view of a decoded column. The reference owns the memory of `column`.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn of_column(py: Python<'_>, column: ColumnData) -> PyResult<Self> {
        Ok(Self::of_object(Py::new(py, ManagedBuffer::new(Some(Memory::Column(column))))?))
    }

    /// Creates the reference of a view to `buffer`. The caller must have added the view to `shares` of `buffer`.
    #[inline]
    fn of_object(buffer: Py<ManagedBuffer>) -> Self {
        Self { owner: Owner::Object(buffer), users: Users::default() }
    }

    /// Returns the Python object that owns the buffer, or `None` if the view owns the buffer.
    #[inline]
    fn object(&self) -> Option<&Py<ManagedBuffer>> {
        match &self.owner {
            Owner::Object(buffer) => Some(buffer),
            Owner::View { moved, .. } => moved.get(),
        }
    }

    /// Removes the acquired buffer from the view and returns it. Returns `None` if the view does not own the buffer.
    fn take(&self) -> Option<Acquired> {
        match &self.owner {
            Owner::Object(_) => None,
            Owner::View { owned, .. } => owned.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }

    /// Adds 1 to the number of users. The view cannot be released until the returned pin is dropped.
    ///
    /// # Errors
    /// - the view was released: `ValueError`
    #[inline]
    pub(super) fn pin(&self) -> PyResult<Pin<'_>> {
        self.try_pin().ok_or_else(released)
    }

    /// Adds 1 to the number of users, as [`pin`](Self::pin) does. Returns `None` if the view was released. The function
    /// creates no exception, so a caller may use it while PyO3 does not count the thread as attached.
    #[inline]
    pub(super) fn try_pin(&self) -> Option<Pin<'_>> {
        self.users.enter().then(|| Pin { users: &self.users })
    }

    /// Creates the reference of another view to the same buffer. `_pin` is a pin of this view. The pin proves that the
    /// buffer is not released.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[inline]
    pub(super) fn share(&self, py: Python<'_>, _pin: &Pin<'_>) -> PyResult<Self> {
        let buffer = match &self.owner {
            Owner::Object(buffer) => buffer,
            Owner::View { owned, moved } => match moved.get() {
                Some(buffer) => buffer,
                None => Self::move_to_object(py, owned, moved)?,
            },
        };
        add(&buffer.get().shares, 1);
        Ok(Self::of_object(buffer.clone_ref(py)))
    }

    /// Moves the buffer from `owned` to a new Python object, and sets `moved` to this object. If another thread has
    /// already moved the buffer, returns the object of the other thread. Returns an error if there is no memory.
    #[cold]
    fn move_to_object<'h>(
        py: Python<'_>,
        owned: &Mutex<Option<Acquired>>,
        moved: &'h OnceLock<Py<ManagedBuffer>>,
    ) -> PyResult<&'h Py<ManagedBuffer>> {
        // The object is created before the mutex is locked, because the creation can run the garbage collector, and the
        // collector traverses this view.
        let buffer = Py::new(py, ManagedBuffer::new(None))?;
        let mut owned = owned.lock().unwrap_or_else(PoisonError::into_inner);
        // If `owned` is empty, another thread has moved the buffer, and has set `moved` before it unlocked the mutex.
        if let Some(acquired) = owned.take() {
            *buffer.get().lock() = Some(Memory::Acquired(acquired));
            return Ok(moved.get_or_init(|| buffer));
        }
        moved.get().ok_or_else(released)
    }

    /// Releases the view. A view that was already released stays released.
    ///
    /// # Errors
    /// - a view that has users: the number of users
    pub(super) fn release(&self) -> Result<(), isize> {
        if self.users.release()? {
            match self.object() {
                Some(buffer) => buffer.get().drop_share(),
                // Releasing the buffer calls the exporter, which may run Python code. The mutex is unlocked before.
                None => drop(self.take()),
            }
        }
        Ok(())
    }

    /// Returns `true` if the view was released.
    #[inline]
    pub(super) fn is_released(&self) -> bool {
        self.users.is_released()
    }

    /// Calls `read` with the acquired buffer, and returns the result. If the view is released or the memory is a
    /// decoded column, does not call `read` and returns `None`.
    fn with_acquired<T>(&self, read: impl FnOnce(&Acquired) -> Option<T>) -> Option<T> {
        if let Owner::View { owned, .. } = &self.owner
            && let Some(acquired) = owned.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            return read(acquired);
        }
        // A thread that moves the buffer to an object sets `moved` before it unlocks the mutex.
        match self.object()?.get().lock().as_ref() {
            Some(Memory::Acquired(acquired)) => read(acquired),
            _ => None,
        }
    }

    /// Returns the object that owns the memory. If the exporter of the buffer is another `View`, through a memoryview,
    /// returns the owner of the memory of that `View`. Returns `None` if the view is released, or if the memory is a
    /// decoded column.
    pub(super) fn exporter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.origin(py).map(|(exporter, _)| exporter)
    }

    /// Returns (owner, address): the object that owns the memory, as [`exporter`](Self::exporter) does, and the address
    /// of its buffer. Returns `None` if the view is released, or if the memory is a decoded column.
    pub(super) fn origin<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyAny>, usize)> {
        let own = |hold: &Self| hold.with_acquired(|acquired| Some((acquired.exporter(py)?, acquired.buf().addr())));
        let (mut exporter, mut start) = own(self)?;
        // A loop and not a recursion, because the input determines the number of views that export the memory of
        // another view.
        while let Ok(view) = exporter.cast_exact::<View>() {
            (exporter, start) = own(view.get().parts().1)?;
        }
        Some((exporter, start))
    }

    /// Adds 1 to the number of users, for a consumer that requests a buffer from the view. Returns `false` if the view
    /// was released. After each result `true`, the caller must call [`leave`](Self::leave) once.
    pub(super) fn enter(&self) -> bool {
        self.users.enter()
    }

    /// Ends the use that [`enter`](Self::enter) has begun: subtracts 1 from the number of users.
    pub(super) fn leave(&self) {
        self.users.leave();
    }

    /// Reports the reference of the view to the garbage collector. The view refers to the exporter if the view owns the
    /// buffer, and to the `ManagedBuffer` if the buffer is shared.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let owned = match (&self.owner, self.object()) {
            (_, Some(buffer)) => return visit.call(buffer),
            (Owner::View { owned, .. }, None) => owned,
            (Owner::Object(_), None) => return Ok(()),
        };
        // The garbage collector runs only while no Python code runs, so the mutex is not locked now.
        match owned.try_lock().as_deref() {
            Ok(Some(acquired)) => acquired.traverse(visit),
            // The view was released and has no reference to visit.
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
        // Each user has a reference to the view, so a view that is dropped has no users.
        if *self.users.0.get_mut() == 0
            && let Some(buffer) = self.object()
        {
            buffer.get().drop_share();
        }
        // If the view owns the buffer, dropping the field `owner` releases the buffer.
    }
}

/// Keeps a view from being released. A pin is one user of the view until the pin is dropped.
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

/// Creates the `ValueError` for an operation on a view that was released.
#[cold]
pub(super) fn released() -> PyErr {
    objects::error::<PyValueError>("operation forbidden on released View")
}
