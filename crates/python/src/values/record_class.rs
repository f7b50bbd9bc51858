//! `RecordClass`: the Python class of the objects for records. The class is a named tuple class that this package
//! creates, or a class that the user has declared (`DeclaredClasses`).

use pep3118::__private::to_u64;
use std::sync::{Arc, Mutex, PoisonError};

use pep3118::__private::{Cache, hash};
use pep3118::__private::{arguments, imported};
use pep3118::name;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};
use pyo3::wrap_pyfunction;

use crate::objects;
use crate::short_sequence::ShortSequence;
use crate::tuple_builder::{TupleClass, WeakTupleClass, of_texts, tuple};

/// The maximum number of cached classes.
const CACHED: usize = 512;

/// The Python class of the records whose fields have the names `names`.
///
/// `collections.namedtuple` creates the class when the first record is read. `RecordClass` has a weak reference to the
/// class: Python code may store a view in an attribute of the class, and a strong reference would then be part of a
/// cycle that the garbage collector does not see. The class is freed when no record exists any more, and is created
/// again for the next record.
///
/// A class that the user has declared is not freed while a view of its records exists.
#[derive(Debug)]
pub(super) struct RecordClass {
    names: Box<[String]>,
    class: Mutex<Option<WeakTupleClass>>,
}

/// The classes of recent layouts, by the names of their fields. No Python code runs while the cache is locked.
static CLASSES: Mutex<Cache<Box<[String]>, Arc<RecordClass>>> = Mutex::new(Cache::new(CACHED, 1 << 22));

impl RecordClass {
    /// Returns the `RecordClass` for records whose fields have the names `names`. Calls with equal `names` return the
    /// same `RecordClass` while the cache contains it, so that records of equal layouts have one Python type.
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

    /// Returns the `RecordClass` of `class`, a class derived from `tuple` that the user has declared. `names` are the
    /// names of the fields of a record.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    fn of_declared(names: Vec<String>, class: &Bound<'_, PyType>) -> PyResult<Arc<Self>> {
        let (class, _) = WeakTupleClass::new(class)?;
        Ok(Arc::new(Self { names: names.into(), class: Mutex::new(Some(class)) }))
    }

    /// Returns the Python class. Creates the class if it does not exist.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[inline]
    pub(super) fn get<'py>(&self, py: Python<'py>) -> PyResult<TupleClass<'py>> {
        match self.existing(py) {
            Some(class) => Ok(class),
            None => self.make(py),
        }
    }

    /// Returns the Python class, or `None` if the class does not exist.
    #[inline]
    pub(super) fn existing<'py>(&self, py: Python<'py>) -> Option<TupleClass<'py>> {
        self.class.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade(py)
    }

    /// Creates the named tuple class. `namedtuple` renames a field whose name is not an identifier, is a keyword or
    /// starts with an underscore: `_0`. If another thread has created the class meanwhile, returns that class.
    #[cold]
    fn make<'py>(&self, py: Python<'py>) -> PyResult<TupleClass<'py>> {
        static NAMED_TUPLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let named_tuple = imported(&NAMED_TUPLE, py, "collections", "namedtuple")?;
        let options = objects::dict(py)?;
        options.set_item(name!(py, "rename"), true)?;
        let names = of_texts(py, &self.names)?;
        let class = named_tuple.call(arguments(py, [name!(py, "Record"), &names])?, Some(&options))?;
        let class = class.cast_into::<PyType>()?;
        class.setattr(name!(py, "__module__"), name!(py, "pep3118"))?;
        // The names of the fields in the layout, for `_reduce_row`. No field has the name of this attribute, because
        // `namedtuple` renames a field whose name starts with an underscore.
        class.setattr(name!(py, "_layout_names"), names)?;
        class.setattr(name!(py, "__reduce__"), reduce_method(py)?)?;
        let new = WeakTupleClass::new(&class)?;
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

/// Returns the method `__reduce__` of the named tuple classes. `pickle` finds most classes by their module and name,
/// but all these classes have the name `Record`.
fn reduce_method(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static METHOD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let method = METHOD.get_or_try_init(py, || {
        let function = wrap_pyfunction!(_reduce_row, py)?;
        // As an attribute of a class, a function of an extension module is not called as a method, but a
        // `partialmethod` is.
        let partial = py.import(name!(py, "functools"))?.getattr(name!(py, "partialmethod"))?;
        partial.call1(arguments(py, [&function])?).map(Bound::unbind)
    });
    Ok(method?.bind(py))
}

/// Returns (function, arguments): the call that creates `row`, a named tuple, again. Only `pickle` and `copy`
/// call this function.
#[pyfunction]
pub(crate) fn _reduce_row<'py>(row: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyTuple>> {
    let py = row.py();
    static RESTORE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let restore = imported(&RESTORE, py, "pep3118._pep3118", "_restore_row")?;
    let names = row.get_type().getattr(name!(py, "_layout_names"))?;
    let values = tuple(py, row.iter().map(Some))?;
    let arguments = tuple(py, [Some(names), Some(values.into_any())].into_iter())?;
    tuple(py, [Some(restore.clone()), Some(arguments.into_any())].into_iter())
}

/// Returns the named tuple of a record whose fields have the names `names` and the values `values`. The records
/// of a view with the same names have the same class. Only `pickle` and `copy` call this function.
#[pyfunction]
pub(crate) fn _restore_row<'py>(
    names: ShortSequence<String>,
    values: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let class = RecordClass::of(&names.0).get(values.py())?;
    class.class().call1(values)
}

/// The declared class of a record, and the declared classes of its nested records.
#[derive(Debug)]
pub(crate) struct DeclaredClasses {
    pub(super) class: Arc<RecordClass>,
    /// One entry for each field: the classes of a field that is a record, and `None` for any other field.
    fields: Vec<Option<Arc<Self>>>,
}

impl DeclaredClasses {
    /// Returns the classes of a record. `class` is the class of the record, which the user has declared and which must
    /// be derived from `tuple`. The result has only a weak reference to `class`. `names` are the names of the fields,
    /// and `fields` has one entry for each field: the classes of a field that is a record, and `None` for any other
    /// field.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(crate) fn new(
        names: Vec<String>,
        class: &Bound<'_, PyType>,
        fields: Vec<Option<Arc<Self>>>,
    ) -> PyResult<Arc<Self>> {
        Ok(Arc::new(Self { class: RecordClass::of_declared(names, class)?, fields }))
    }

    /// Returns the classes of the field with the index `index`, or `None` if the field is not a record.
    pub(crate) fn field(&self, index: usize) -> Option<&Arc<Self>> {
        self.fields.get(index)?.as_ref()
    }
}
