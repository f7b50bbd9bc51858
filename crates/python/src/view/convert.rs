//! The conversions of a `View` to objects of other packages: `to_numpy`, `to_arrow`, `to_pandas` and `to_polars`.

use pep3118::__private::arguments;
use pep3118::layout::{Type, UserType};
use pep3118::name;
use pep3118::view::Order;
use pyo3::exceptions::{PyImportError, PyNotImplementedError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};

use super::class::View;
use super::numbers::are_numbers;
use crate::dtype::to_dtype;
use crate::objects;
use crate::tuple_builder::{list, of_numbers};

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
/// - NumPy has no dtype for the items, or only with a package that is not installed: `NotImplementedError`
/// - `copy` is `false`, and access to the items follows pointers: `ValueError`
/// - the items have references whose owner is unknown: `TypeError`
pub(super) fn to_numpy<'py>(slf: &Bound<'py, View>, copy: Option<bool>) -> PyResult<Bound<'py, PyAny>> {
    let (py, view) = (slf.py(), slf.get());
    let (part, hold) = view.parts();
    drop(hold.pin()?);
    let numpy = py.import(name!(py, "numpy"))?;
    let item = part.item()?;
    if item.has_unknown_objects() {
        return Err(objects::error::<PyTypeError>(
            "NumPy would use the bytes of format 'O' as references, but nothing declares that they are references\n\
             help: view.cast('B').to_numpy() returns the bytes",
        ));
    }
    let has_complex32 = part.description().layout().leaves().any(|(_, leaf)| leaf.ty() == Type::Complex32);
    if has_complex32 {
        // NumPy has this type after the package was imported.
        match py.import(name!(py, "ml_dtypes")) {
            Err(error) if error.is_instance_of::<PyImportError>(py) => {
                return Err(objects::error::<PyNotImplementedError>(
                    "NumPy has no dtype for complex numbers of float16\n\
                     help: install the package ml_dtypes, which has complex32, or use view.tolist()",
                ));
            }
            imported => drop(imported?),
        }
    }
    let dtype = to_dtype(py, part.description().layout()).map_err(|error| match error.value(py).str() {
        Ok(reason) if error.is_instance_of::<PyNotImplementedError>(py) => {
            let help =
                "help: view.columns() copies each field to a view of its values, and view.tolist() reads the items";
            objects::error::<PyNotImplementedError>(format!("{reason}\n{help}"))
        }
        _ => error,
    })?;
    let shape = of_numbers(py, part.shape())?;
    let array = if part.view().itemsize() == 0 {
        numpy.call_method1(name!(py, "zeros"), arguments(py, [&shape, &dtype])?)?
    } else if part.view().is_indirect() {
        if copy == Some(false) {
            return Err(objects::error::<PyValueError>(
                "NumPy reaches items by strides, but this memory is reached through pointers (suboffsets)\n\
                 help: view.to_numpy() returns a copy",
            ));
        }
        let bytes = part.pinned(&hold.pin()?).to_bytes(py, Order::C)?;
        let memory = PyByteArray::from(bytes.as_any())?;
        let array = numpy.call_method1(name!(py, "frombuffer"), arguments(py, [&memory, &dtype])?)?;
        return array.call_method1(name!(py, "reshape"), arguments(py, [&shape])?);
    } else if item.has_objects() {
        numpy.call_method1(name!(py, "asarray"), arguments(py, [slf])?)?
    } else {
        let bytes = {
            let pin = hold.pin()?;
            View::new(part.as_bytes()?, hold.share(py, &pin)?)
        };
        let bytes = Bound::new(py, bytes)?;
        let array = numpy.call_method1(name!(py, "asarray"), arguments(py, [&bytes])?)?;
        array.call_method1(name!(py, "view"), arguments(py, [&dtype])?)?
    };
    if copy == Some(true) { array.call_method0(name!(py, "copy")) } else { Ok(array) }
}

/// Returns a pyarrow table of records, or a pyarrow array of other items.
///
/// # Errors
/// - as `__arrow_c_array__`
pub(super) fn to_arrow<'py>(slf: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let pyarrow = py.import(name!(py, "pyarrow"))?;
    if has_records(slf.get()) {
        let batch = pyarrow.call_method1(name!(py, "record_batch"), arguments(py, [slf])?)?;
        let batches = list(py, [Some(batch)].into_iter())?;
        return pyarrow
            .getattr(name!(py, "Table"))?
            .call_method1(name!(py, "from_batches"), arguments(py, [&batches])?);
    }
    pyarrow.call_method1(name!(py, "array"), arguments(py, [slf])?)
}

/// Returns a polars data frame of records, or a polars series of other items.
///
/// # Errors
/// - as `__arrow_c_stream__`
pub(super) fn to_polars<'py>(slf: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let polars = py.import(name!(py, "polars"))?;
    // polars would treat the view itself as a sequence of Python objects, and would choose other types than those of
    // the items.
    let stream = Bound::new(py, ArrowStream(slf.clone().unbind()))?;
    let frame = polars.call_method1(name!(py, "DataFrame"), arguments(py, [&stream])?)?;
    if has_records(slf.get()) { Ok(frame) } else { frame.call_method0(name!(py, "to_series")) }
}

/// An object whose only method is `__arrow_c_stream__` of a view.
#[pyclass(frozen, name = "_ArrowStream", module = "pep3118")]
pub(super) struct ArrowStream(Py<View>);

#[pymethods]
impl ArrowStream {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(py).call_method1(
            name!(py, "__arrow_c_stream__"),
            arguments(py, [&requested_schema.unwrap_or_else(|| py.None().into_bound(py))])?,
        )
    }
}

/// Returns the values for a column of pandas: an array of numbers, dates or durations in the byte order of this
/// machine, or a list of objects. `column` is a view with at least one dimension.
fn pandas_column<'py>(column: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let py = column.py();
    let part = column.get().parts().0;
    let item = part.description().item();
    let are_dates = item.shape().is_empty() && item.user_type().is_some_and(has_pandas_dates);
    if part.shape().len() != 1 || !(are_numbers(part) || are_dates) {
        return column.call_method0(name!(py, "tolist"));
    }
    let mut array = to_numpy(column, None)?;
    let dtype = array.getattr(name!(py, "dtype"))?;
    if !dtype.getattr(name!(py, "isnative"))?.is_truthy()? {
        let native = dtype.call_method1(name!(py, "newbyteorder"), arguments(py, [name!(py, "=")])?)?;
        array = array.call_method1(name!(py, "astype"), arguments(py, [&native])?)?;
    }
    if !are_dates {
        return Ok(array);
    }
    // pandas stores days and other long units as seconds, and refuses a date that does not fit 64 bits then.
    let series = py.import(name!(py, "pandas"))?.getattr(name!(py, "Series"))?;
    match series.call1(arguments(py, [&array])?) {
        Err(error) if error.is_instance_of::<PyValueError>(py) => column.call_method0(name!(py, "tolist")),
        series => series,
    }
}

/// Returns `true` if pandas converts the dates or durations `user` without a loss. pandas cuts off units that are
/// shorter than a nanosecond, refuses units with a number such as `25s`, and has no durations in years and months.
fn has_pandas_dates(user: UserType) -> bool {
    user.name().split_once('$').is_some_and(|(kind, unit)| match kind {
        "datetime64" => matches!(unit, "Y" | "M") || PANDAS_UNITS.contains(&unit),
        "timedelta64" => PANDAS_UNITS.contains(&unit),
        _ => false,
    })
}

/// The units of dates and of durations that pandas converts without a loss.
const PANDAS_UNITS: [&str; 8] = ["W", "D", "h", "m", "s", "ms", "us", "ns"];

/// Returns a pandas data frame of records or of a two-dimensional array of numbers, or a pandas series of one dimension
/// of other items.
///
/// # Errors
/// - the view has no dimension, or more than two dimensions: `ValueError`
/// - the view has two dimensions, and its items are not numbers: `ValueError`
/// - as `columns` and `tolist`
pub(super) fn to_pandas<'py>(slf: &Bound<'py, View>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let pandas = py.import(name!(py, "pandas"))?;
    let options = objects::dict(py)?;
    options.set_item(name!(py, "copy"), false)?;
    let (part, hold) = slf.get().parts();
    drop(hold.pin()?);
    match part.shape() {
        [_] if has_records(slf.get()) => {
            let frame = objects::dict(py)?;
            for (name, column) in slf.call_method0(name!(py, "columns"))?.cast_into::<PyDict>()? {
                frame.set_item(name, pandas_column(column.cast::<View>()?)?)?;
            }
            pandas.getattr(name!(py, "DataFrame"))?.call(arguments(py, [&frame])?, Some(&options))
        }
        [_] => {
            let user = part.description().item().user_type().filter(|user| !has_pandas_dates(*user));
            let values = match user {
                // A column has the numbers of `bfloat16` and of other user types.
                Some(_) if part.description().item().shape().is_empty() => {
                    slf.call_method0(name!(py, "columns"))?.get_item(name!(py, "value"))?.cast_into::<View>()?
                }
                _ => slf.clone(),
            };
            let values = pandas_column(&values)?;
            pandas.getattr(name!(py, "Series"))?.call(arguments(py, [&values])?, Some(&options))
        }
        [_, _] if are_numbers(part) => {
            let array = to_numpy(slf, None)?;
            let dtype = array
                .getattr(name!(py, "dtype"))?
                .call_method1(name!(py, "newbyteorder"), arguments(py, [name!(py, "=")])?)?;
            let array = array.call_method(name!(py, "astype"), arguments(py, [&dtype])?, Some(&options))?;
            pandas.getattr(name!(py, "DataFrame"))?.call(arguments(py, [&array])?, Some(&options))
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
