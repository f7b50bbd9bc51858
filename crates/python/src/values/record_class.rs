//! Classes of records, made by `collections.namedtuple`.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType, PyWeakrefMethods, PyWeakrefReference};

use crate::cache::{Cache, hash};
use crate::objects::NewObject;
use crate::tuple_builder::{self, TupleClass};

/// A class of named tuples. Records with the same names have the same class while any of them, or a codec
/// that makes them, is alive.
#[derive(Debug)]
pub(super) struct RecordClass {
    class: Py<PyType>,
    /// The same class, if its objects can be filled after their allocation.
    plain: Option<TupleClass>,
    /// `tuple.__new__`, which takes all values at once.
    tuple_new: Py<PyAny>,
}

/// The classes that were made last, by their names, each with its length before it. The references are weak, so
/// that the garbage collector finds cycles through a class.
static CLASSES: Mutex<Cache<Box<str>, Py<PyWeakrefReference>>> = Mutex::new(Cache::new(256, 1 << 20));

impl RecordClass {
    /// The class of records with these names. Names that are not identifiers are replaced by `_0` and so on.
    pub(super) fn new(py: Python<'_>, names: &[String]) -> PyResult<Self> {
        let key: String = names.iter().map(|name| format!("{}:{name}", name.len())).collect();
        let hash = hash(&[], key.as_bytes());
        // Nothing is done under the lock that could run Python code.
        let cached = {
            let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
            classes.get(hash, |other| **other == *key).map(|class| class.clone_ref(py))
        };
        if let Some(class) = cached.and_then(|class| class.bind(py).upgrade()) {
            return Self::of(class.cast_into::<PyType>()?);
        }
        let class = Self::make(py, names)?;
        let weak = PyWeakrefReference::new(&class)?.unbind();
        let cost = key.len();
        let replaced = {
            let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
            classes.insert(hash, key.into(), weak, cost)
        };
        drop(replaced);
        Self::of(class)
    }

    fn make<'py>(py: Python<'py>, names: &[String]) -> PyResult<Bound<'py, PyType>> {
        static NAMED_TUPLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let named_tuple = NAMED_TUPLE.import(py, "collections", "namedtuple")?;
        let options = [("rename", true)];
        let options = pyo3::types::IntoPyDict::into_py_dict(options, py)?;
        let class = named_tuple.call(("Record", names), Some(&options))?;
        Ok(class.cast_into()?)
    }

    fn of(class: Bound<'_, PyType>) -> PyResult<Self> {
        let tuple_new = PyType::new::<PyTuple>(class.py()).getattr("__new__")?.unbind();
        Ok(Self { plain: TupleClass::new(&class)?, class: class.unbind(), tuple_new })
    }

    /// A record of values whose creation runs no Python code.
    #[inline]
    pub(super) fn of_primitives<'py>(
        &self,
        py: Python<'py>,
        values: impl ExactSizeIterator<Item = NewObject<'py>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match &self.plain {
            Some(class) => Ok(class.object(py, values)?.into_any()),
            None => self.of_tuple(tuple_builder::tuple(py, values)?),
        }
    }

    /// A record of the values in a tuple.
    pub(super) fn of_tuple<'py>(&self, values: Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = values.py();
        self.tuple_new.bind(py).call1((self.class.bind(py), values))
    }
}
