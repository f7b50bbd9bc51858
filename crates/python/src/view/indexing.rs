//! What stands between the brackets.

use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyEllipsis, PySlice, PyString, PyTuple};

use super::state::ViewState;
use pep3118::view::Slice;

/// A key, converted: no Python code runs after this.
pub(super) enum Key {
    /// `["pos.x"]`
    Field(String),
    /// `[1, ::2, ...]`
    Axes(Vec<Axis>),
}

#[derive(Clone, Copy)]
pub(super) enum Axis {
    Index(i64),
    Slice(Slice),
    Ellipsis,
}

/// What a key selects.
pub(super) enum Target {
    /// One item.
    Item(Vec<i64>),
    /// A part of the view, which may be all of it.
    Part(Box<ViewState>),
}

impl Key {
    pub(super) fn new(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(name) = key.cast::<PyString>() {
            return Ok(Self::Field(name.to_cow()?.into_owned()));
        }
        let axes = match key.cast::<PyTuple>() {
            Ok(axes) => axes.iter().map(|axis| Axis::new(&axis)).collect::<PyResult<Vec<Axis>>>()?,
            Err(_) => Vec::from([Axis::new(key)?]),
        };
        if axes.iter().filter(|axis| matches!(axis, Axis::Ellipsis)).count() > 1 {
            return Err(PyIndexError::new_err("an index has only one ellipsis ('...')"));
        }
        Ok(Self::Axes(axes))
    }

    /// What it selects of a view.
    pub(super) fn select(self, shown: &ViewState) -> PyResult<Target> {
        match self {
            Self::Field(name) => Ok(Target::Part(Box::new(shown.field(&name)?))),
            Self::Axes(axes) => part(&axes, shown),
        }
    }
}

impl Axis {
    fn new(axis: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(slice) = axis.cast::<PySlice>() {
            let py = slice.py();
            let part = |name: &Bound<'_, PyString>| bound(&slice.getattr(name)?);
            let (start, stop) = (part(intern!(py, "start"))?, part(intern!(py, "stop"))?);
            let step = part(intern!(py, "step"))?.unwrap_or(1);
            if step == 0 {
                return Err(PyValueError::new_err("slice step cannot be zero"));
            }
            return Ok(Self::Slice(Slice { start, stop, step }));
        }
        if axis.cast::<PyEllipsis>().is_ok() {
            return Ok(Self::Ellipsis);
        }
        match axis.extract() {
            Ok(index) => Ok(Self::Index(index)),
            Err(error) if error.is_instance_of::<PyOverflowError>(axis.py()) => {
                Err(PyIndexError::new_err("the index does not fit 64 bits"))
            }
            Err(error) if error.is_instance_of::<PyTypeError>(axis.py()) && !has_index(axis) => {
                let found = axis.get_type();
                Err(PyTypeError::new_err(format!(
                    "an index is an integer, a slice, '...' or the name of a field, not {}",
                    found.name()?
                )))
            }
            Err(error) => Err(error),
        }
    }
}

fn has_index(object: &Bound<'_, PyAny>) -> bool {
    object.get_type().hasattr("__index__").unwrap_or(false)
}

/// A bound of a slice; those past 64 bits are as good as the last that fit.
fn bound(bound: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if bound.is_none() {
        return Ok(None);
    }
    match bound.extract() {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if error.is_instance_of::<PyOverflowError>(bound.py()) => {
            let index = bound.call_method0("__index__")?;
            Ok(Some(if index.lt(0)? { i64::MIN } else { i64::MAX }))
        }
        Err(_) => Err(PyTypeError::new_err("slice indices must be integers or None or have an __index__ method")),
    }
}

fn part(axes: &[Axis], shown: &ViewState) -> PyResult<Target> {
    let ndim = shown.shape().len();
    let given = axes.iter().filter(|axis| !matches!(axis, Axis::Ellipsis)).count();
    let Some(missing) = ndim.checked_sub(given) else {
        return Err(PyIndexError::new_err(format!("{given} indices for {ndim} dimensions")));
    };
    let full = Axis::Slice(Slice::FULL);
    let mut whole: Vec<Axis> = Vec::with_capacity(ndim);
    for axis in axes {
        match axis {
            Axis::Ellipsis => whole.extend(std::iter::repeat_n(full, missing)),
            axis => whole.push(*axis),
        }
    }
    whole.resize(ndim, full);
    // Every index in range before anything is moved.
    let mut indices = Vec::with_capacity(ndim);
    for (dimension, (axis, extent)) in whole.iter().zip(shown.shape()).enumerate() {
        if let Axis::Index(index) = axis {
            let counted = if *index < 0 { index.saturating_add(*extent) } else { *index };
            if counted < 0 || counted >= *extent {
                return Err(PyIndexError::new_err(format!(
                    "index {index} is out of bounds for dimension {dimension} with {extent} items"
                )));
            }
            indices.push((dimension, counted));
        }
    }
    if indices.len() == ndim && given == axes.len() {
        return Ok(Target::Item(indices.into_iter().map(|(_, index)| index).collect()));
    }
    // Outermost first: a pointer that is followed no longer stands in the way of the next.
    let mut part: Option<ViewState> = None;
    for (dropped, (dimension, index)) in indices.into_iter().enumerate() {
        let dimension = dimension.saturating_sub(dropped);
        part = Some(part.as_ref().unwrap_or(shown).select(dimension, index)?);
    }
    let slices = whole.into_iter().filter_map(|axis| if let Axis::Slice(slice) = axis { Some(slice) } else { None });
    let slices: Vec<Slice> = slices.collect();
    Ok(Target::Part(Box::new(part.as_ref().unwrap_or(shown).slice(&slices)?)))
}
