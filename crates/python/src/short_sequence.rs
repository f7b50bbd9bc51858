//! `ShortSequence`: an argument that is a sequence of numbers or texts, such as a shape.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySequence, PyString, PyTuple};

use crate::objects;

/// The maximum number of entries. A buffer has at most 64 dimensions, and a format has at most 65,536 items.
const MOST: usize = 1 << 16;

/// The entries of a sequence of at most 65,536 entries.
///
/// PyO3's conversion to a `Vec` allocates memory for the length that the sequence reports. For `range(2**40)`, this
/// allocation aborts the process.
pub(crate) struct ShortSequence<T>(pub(crate) Vec<T>);

impl<'py, T: for<'a> FromPyObject<'a, 'py>> FromPyObject<'_, 'py> for ShortSequence<T> {
    type Error = PyErr;

    /// Converts a sequence of objects that can be converted to `T`.
    ///
    /// # Errors
    /// - an object that is not a sequence, or a `str`: `TypeError`
    /// - more than 65,536 entries: `ValueError`
    /// - the error of the conversion of an entry
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Err(objects::error::<PyTypeError>("'str' object is not a sequence of entries"));
        }
        let sequence = object.cast::<PySequence>()?;
        let too_long = || objects::error::<PyValueError>(format!("the sequence has more than {MOST} entries"));
        if sequence.len()? > MOST {
            return Err(too_long());
        }
        let mut entries = Vec::new();
        let mut push = |entry: Bound<'py, PyAny>| -> PyResult<()> {
            if entries.len() == MOST {
                return Err(too_long());
            }
            entries.try_reserve(1).map_err(|_| objects::no_memory())?;
            entries.push(entry.extract::<T>().map_err(Into::into)?);
            Ok(())
        };
        // An iterator of Python needs memory, and PyO3 panics if the conversion of an argument fails without memory.
        if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            tuple.iter().try_for_each(&mut push)?;
        } else if let Ok(list) = object.cast_exact::<PyList>() {
            list.iter().try_for_each(&mut push)?;
        } else {
            // The iterator can yield more entries than `__len__` has returned.
            for entry in sequence.try_iter()? {
                push(entry?)?;
            }
        }
        Ok(Self(entries))
    }
}
