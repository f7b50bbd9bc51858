//! The conversions of a `View` to objects of other packages: `to_numpy`, `to_arrow`, `to_pandas` and `to_polars`.

use pep3118::layout::{Field, Type};
use pep3118::view::Order;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyByteArray, PyDict};

use super::class::View;
use super::numbers::are_numbers;
use crate::dtype::to_dtype;
use crate::objects;
use crate::tuple_builder::of_numbers;

/// Returns `true` if `view` has one dimension and its items are records.
fn has_records(view: &View) -> bool {
    let part = view.parts().0;
    let item = part.description().item();
    part.shape().len() == 1 && item.ty() == Type::Record && item.shape().is_empty()
}

/// Returns a NumPy array of the items of `view`. If `copy` is `true`, the array has a copy of the items. If `copy` is
/// `false`, the array shares the memory of the view. If `copy` is `None`, the items are copied only if the memory
/// cannot be shared.
///
/// # Errors
/// - NumPy has no dtype for the items: `NotImplementedError`
/// - `copy` is `false`, and access to the items follows pointers: `ValueError`
/// - the items have references whose owner is unknown: `TypeError`
pub(super) fn to_numpy<'py>(slf: &Bound<'py, View>, copy: Option<bool>) -> PyResult<Bound<'py, PyAny>> {
    let (py, view) = (slf.py(), slf.get());
    let (part, hold) = view.parts();
    drop(hold.pin()?);
    let numpy = py.import(intern!(py, "numpy"))?;
    let item = part.item()?;
    if item.has_unknown_objects() {
        return Err(objects::error::<PyTypeError>(
            "NumPy would use the bytes of format 'O' as references, but nothing declares that they are references\n\
             help: view.cast('B').to_numpy() returns the bytes",
        ));
    }
    let dtype = to_dtype(py, part.description().layout())?;
    let shape = of_numbers(py, part.shape())?;
    let array = if part.view().itemsize() == 0 {
        numpy.call_method1("zeros", (shape, dtype))?
    } else if part.view().is_indirect() {
        if copy == Some(false) {
            return Err(objects::error::<PyValueError>(
                "NumPy reaches items by strides, but this memory is reached through pointers (suboffsets)\n\
                 help: view.to_numpy() returns a copy",
            ));
        }
        let bytes = part.pinned(&hold.pin()?).to_bytes(py, Order::C)?;
        let memory = PyByteArray::from(bytes.as_any())?;
        return numpy.call_method1("frombuffer", (memory, dtype))?.call_method1("reshape", (shape,));
    } else if item.has_objects() {
        numpy.call_method1("asarray", (slf,))?
    } else {
        let bytes = {
            let pin = hold.pin()?;
            View::new(part.as_bytes()?, hold.share(py, &pin)?)
        };
        let array = numpy.call_method1("asarray", (Bound::new(py, bytes)?,))?;
        array.call_method1("view", (dtype,))?
    };
    if copy == Some(true) { array.call_method0("copy") } else { Ok(array) }
}

/// Returns a pyarrow table of records, or a pyarrow array of other items.
///
/// # Errors
/// - as `__arrow_c_array__`
pub(super) fn to_arrow<'py>(slf: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let pyarrow = slf.py().import("pyarrow")?;
    if has_records(slf.get()) {
        let batch = pyarrow.call_method1("record_batch", (slf,))?;
        return pyarrow.getattr("Table")?.call_method1("from_batches", ([batch],));
    }
    pyarrow.call_method1("array", (slf,))
}

/// Returns a polars data frame of records, or a polars series of other items.
///
/// # Errors
/// - as `__arrow_c_stream__`
pub(super) fn to_polars<'py>(slf: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let polars = py.import("polars")?;
    // polars would treat the view itself as a sequence of Python objects, and would choose other types than those of
    // the items.
    let stream = Bound::new(py, ArrowStream(slf.clone().unbind()))?;
    let frame = polars.call_method1("DataFrame", (stream,))?;
    if has_records(slf.get()) { Ok(frame) } else { frame.call_method1("to_series", (0,)) }
}

/// An object whose only method is `__arrow_c_stream__` of a view.
#[pyclass(frozen, name = "_ArrowStream", module = "pep3118")]
struct ArrowStream(Py<View>);

#[pymethods]
impl ArrowStream {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(py).call_method1(intern!(py, "__arrow_c_stream__"), (requested_schema,))
    }
}

/// Returns the values for a column of pandas: an array of numbers in the byte order of this machine, or a list of
/// objects. `column` is a view with at least one dimension.
fn pandas_column<'py>(column: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let part = column.get().parts().0;
    if part.shape().len() != 1 || !are_numbers(part) {
        return column.call_method0("tolist");
    }
    let array = to_numpy(column, None)?;
    let dtype = array.getattr("dtype")?;
    if dtype.getattr("isnative")?.is_truthy()? {
        return Ok(array);
    }
    array.call_method1("astype", (dtype.call_method1("newbyteorder", ("=",))?,))
}

/// Returns whether the values of `field` are dates or durations of NumPy.
fn is_date(field: Field<'_>) -> bool {
    field.user_type().is_some_and(|ty| ["datetime64", "timedelta64"].iter().any(|name| ty.name().starts_with(name)))
}

/// Returns a pandas data frame of records or of a two-dimensional array of numbers, or a pandas series of one dimension
/// of other items.
///
/// # Errors
/// - the view has no dimension, or more than two dimensions: `ValueError`
/// - the view has two dimensions, and its items are not numbers: `ValueError`
/// - as `columns` and `tolist`
pub(super) fn to_pandas<'py>(slf: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let pandas = py.import("pandas")?;
    let options = [("copy", false)].into_py_dict(py)?;
    let (part, hold) = slf.get().parts();
    drop(hold.pin()?);
    match part.shape() {
        [_] if has_records(slf.get()) => {
            let frame = objects::dict(py)?;
            let has_dates = part.description().layout().leaves().any(|(_, leaf)| is_date(leaf));
            for (name, column) in slf.call_method0("columns")?.cast_into::<PyDict>()? {
                // The columns of dates and durations are numbers. A view of the field has the dates.
                let field = if has_dates { Some(slf.get_item(&name)?.cast_into::<View>()?) } else { None };
                let field = field.filter(|field| is_date(field.get().parts().0.description().item()));
                let values = field.map_or_else(|| column.cast_into::<View>(), Ok)?;
                frame.set_item(name, pandas_column(&values)?)?;
            }
            pandas.getattr("DataFrame")?.call((frame,), Some(&options))
        }
        [_] => pandas.getattr("Series")?.call((pandas_column(slf)?,), Some(&options)),
        [_, _] if are_numbers(part) => {
            let array = to_numpy(slf, None)?;
            let dtype = array.getattr("dtype")?.call_method1("newbyteorder", ("=",))?;
            let array = array.call_method("astype", (dtype,), Some(&options))?;
            pandas.getattr("DataFrame")?.call((array,), Some(&options))
        }
        [_, _] => Err(objects::error::<PyValueError>(
            "a pandas data frame has two dimensions of numbers, and the items of this view are not numbers\n\
             help: select one dimension with an index, such as view[0], or call view.to_numpy()",
        )),
        shape => Err(objects::error::<PyValueError>(format!(
            "pandas has one or two dimensions, and this view has {} dimensions\n\
             help: select two dimensions with an index, or call view.to_numpy()",
            shape.len()
        ))),
    }
}
