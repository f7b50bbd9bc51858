//! `RecordClass`, the named tuple class of records with the same field names.

use pep3118::__private::to_u64;
use std::sync::{Arc, Mutex, PoisonError};

use pep3118::__private::{Cache, hash};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyList, PyType};

use crate::tuple_builder::{TupleClass, WeakTupleClass};

/// The number of classes that are cached.
const CACHED: usize = 512;

/// The named tuple class for the records whose fields have the names `names`.
///
/// `collections.namedtuple` creates the class when the first record is read. `RecordClass` has a weak reference to the
/// class. Python code may store a view in an attribute of the class, and a strong reference would then be part of a
/// cycle that the garbage collector does not see. The class is freed when no record exists any more. It is created
/// again for the next record.
#[derive(Debug)]
pub(super) struct RecordClass {
    names: Box<[String]>,
    class: Mutex<Option<WeakTupleClass>>,
}

/// The classes of recent layouts, by the names of their fields. No Python code runs while the cache is locked.
static CLASSES: Mutex<Cache<Box<[String]>, Arc<RecordClass>>> = Mutex::new(Cache::new(CACHED, 1 << 22));

impl RecordClass {
    /// Returns the `RecordClass` for records whose fields have the names `names`. Equal `names` have the same
    /// `RecordClass`, so that records of equal layouts have one Python type.
    pub(super) fn of(names: &[String]) -> Arc<Self> {
        let lengths = names.iter().fold(0_usize, |sum, name| sum.wrapping_mul(31).wrapping_add(name.len()));
        let numbers = [names.len(), lengths].map(to_u64);
        let ends = names.first().into_iter().chain(names.last()).flat_map(|name| name.bytes().take(8));
        let hash = hash(&numbers, &ends.collect::<Vec<u8>>());
        let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = classes.get(hash, |key| **key == *names) {
            return Arc::clone(class);
        }
        let class = Arc::new(Self { names: names.into(), class: Mutex::new(None) });
        let cost = names.iter().fold(256_usize, |cost, name| cost.saturating_add(name.len()).saturating_add(32));
        let replaced = classes.insert(hash, names.into(), Arc::clone(&class), cost);
        drop(classes);
        drop(replaced);
        class
    }

    /// Returns the Python class. Creates the class if it does not exist.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[inline]
    pub(super) fn get<'py>(&self, py: Python<'py>) -> PyResult<TupleClass<'py>> {
        let class = self.class.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = class.as_ref().and_then(|class| class.upgrade(py)) {
            return Ok(class);
        }
        drop(class);
        self.make(py)
    }

    #[cold]
    fn make<'py>(&self, py: Python<'py>) -> PyResult<TupleClass<'py>> {
        static NAMED_TUPLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let named_tuple = NAMED_TUPLE.import(py, "collections", "namedtuple")?;
        let options = [("rename", true.into_pyobject(py)?.to_owned().into_any())].into_py_dict(py)?;
        let class = named_tuple.call(("Record", PyList::new(py, &self.names)?), Some(&options))?;
        let new = WeakTupleClass::new(&class.cast_into::<PyType>()?)?;
        let mut class = self.class.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have created the class while this thread called `namedtuple`.
        if let Some((_, other)) = class.as_ref().and_then(|class| Some((class, class.upgrade(py)?))) {
            return Ok(other);
        }
        let made = new.1;
        let old = class.replace(new.0);
        drop(class);
        drop(old);
        Ok(made)
    }
}
