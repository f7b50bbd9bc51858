//! `Key`, the object in the brackets of `view[...]`, and the items that a key selects.
#![allow(unsafe_code, reason = "takes a slice apart")]

use pep3118::name;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyEllipsis, PyInt, PyList, PySlice, PyString, PyTuple};

use super::class::View;
use super::hold::Pin;
use super::part::{Part, select};
use super::select::{Entry, IndexArray, Selection};
use crate::errors::INDEX_COUNT_ERROR;
use crate::objects;
use pep3118::__private::plural;
use pep3118::view::Slice;

/// A key of at most this number of indices needs no allocation.
const INLINE: usize = 4;

/// The object in the brackets of `view[...]`. Its integers are already converted to `i64`, so that a selection with a
/// `Key` runs no Python code.
pub(super) enum Key<'k, 'py> {
    /// `[1]`
    Index(i64),
    /// `[1:2]`
    Slice(Slice),
    /// `["pos.x"]`
    Field(&'k Bound<'py, PyString>),
    /// `[1, 2]`, a key of at most `INLINE` indices: the indices at the start of an array, and the number of indices.
    Indices([i64; INLINE], usize),
    /// `[1, ::2, ...]`
    Axes(Vec<Axis>),
    /// `["a", "b"]`
    Fields(&'k Bound<'py, PyTuple>),
    /// `[[0, 2]]`, `[mask, 1]`: a key with an array of indices or a mask.
    Arrays(Vec<Entry>),
}

/// One entry of a key such as `[1, ::2, ...]`.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    Index(i64),
    Slice(Slice),
    Ellipsis,
}

/// The items that a key selects.
pub(super) enum Target {
    /// One item. The vector has the index of the item in each dimension, counted from 0.
    Item(Vec<i64>),
    /// Any number of items: the part for a new view.
    Part(Part),
    /// The items that arrays of indices select. Reading these items copies them.
    Selection(Selection),
}

impl<'k, 'py> Key<'k, 'py> {
    /// Converts `key`, the object in the brackets. The conversion runs Python code if `key` contains objects with
    /// `__index__`.
    ///
    /// # Errors
    /// - `key` contains an object that is not a key: `TypeError`
    /// - `key` contains two ellipses, or an index that does not fit 64 bits: `IndexError`
    pub(super) fn new(key: &'k Bound<'py, PyAny>) -> PyResult<Self> {
        if key.is_exact_instance_of::<PyInt>() {
            return index(key).map(Self::Index);
        }
        if let Ok(slice) = key.cast::<PySlice>() {
            return unpacked(slice).map(Self::Slice);
        }
        if let Ok(name) = key.cast::<PyString>() {
            return Ok(Self::Field(name));
        }
        let Ok(axes) = key.cast::<PyTuple>() else {
            return Ok(match Entry::new(key)? {
                Entry::Axis(axis) => Self::Axes(vec![axis]),
                array @ Entry::Array(_) => Self::Arrays(vec![array]),
            });
        };
        if axes.len() <= INLINE && axes.iter_borrowed().all(|axis| axis.is_exact_instance_of::<PyInt>()) {
            let mut indices = [0; INLINE];
            for (cell, axis) in indices.iter_mut().zip(axes.iter_borrowed()) {
                *cell = index(&axis)?;
            }
            return Ok(Self::Indices(indices, axes.len()));
        }
        if !axes.is_empty() && axes.iter_borrowed().all(|axis| axis.is_instance_of::<PyString>()) {
            return Ok(Self::Fields(axes));
        }
        let entries = axes.iter_borrowed().map(|axis| Entry::new(&axis)).collect::<PyResult<Vec<Entry>>>()?;
        if entries.iter().filter(|entry| matches!(entry, Entry::Axis(Axis::Ellipsis))).count() > 1 {
            return Err(objects::error::<PyIndexError>("an index has only one ellipsis ('...')"));
        }
        let axis = |entry: &Entry| if let Entry::Axis(axis) = entry { Some(*axis) } else { None };
        match entries.iter().map(axis).collect::<Option<Vec<Axis>>>() {
            Some(axes) => Ok(Self::Axes(axes)),
            None => Ok(Self::Arrays(entries)),
        }
    }

    /// Returns the offset of the item that the key selects, in bytes from `buf` of `part`. Returns `None` if the key
    /// does not select exactly one item, or if access to the items follows pointers.
    ///
    /// # Errors
    /// - an index out of bounds: `IndexError`
    #[inline]
    pub(super) fn offset(&self, part: &Part) -> PyResult<Option<i64>> {
        let view = part.view();
        let (shape, strides) = (view.shape(), view.strides());
        if view.is_indirect() {
            return Ok(None);
        }
        let mut offset = view.offset();
        match self {
            Self::Index(index) if shape.len() == 1 => add_axis(&mut offset, *index, 0, shape, strides)?,
            Self::Indices(indices, len) if *len == shape.len() => {
                for (dimension, index) in indices.iter().take(*len).enumerate() {
                    add_axis(&mut offset, *index, dimension, shape, strides)?;
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(offset))
    }

    /// Returns the items of `part` that the key selects. `pin` pins a view of the buffer.
    ///
    /// # Errors
    /// - an index out of bounds: `IndexError`
    /// - more indices than dimensions: `IndexCountError`
    /// - no field has the name: `FieldNameError`
    #[inline(always)]
    pub(super) fn select(self, part: &Part, pin: &Pin<'_>) -> PyResult<Target> {
        match self {
            Self::Fields(names) => part.fields(names).map(Target::Part),
            Self::Arrays(entries) => Selection::new(entries, part.shape()).map(Target::Selection),
            Self::Field(name) => part.field(name).map(Target::Part),
            Self::Slice(slice) => match part.shape() {
                [] => select_axes(&[Axis::Slice(slice)], part, pin),
                _ => part.slice(&[slice]).map(Target::Part),
            },
            Self::Index(index) => match part.shape() {
                [length, _, ..] => select(&part.pinned(pin), 0, checked_index(index, 0, *length)?).map(Target::Part),
                _ => select_axes(&[Axis::Index(index)], part, pin),
            },
            Self::Indices(indices, len) => {
                let axes: Vec<Axis> = indices.iter().take(len).map(|index| Axis::Index(*index)).collect();
                select_axes(&axes, part, pin)
            }
            Self::Axes(axes) => select_axes(&axes, part, pin),
        }
    }
}

impl Entry {
    /// Converts `object`, one entry of a key. A list, a `View`, or any other buffer with dimensions becomes an array.
    /// Returns a `TypeError` or an `IndexError` if `object` is not an entry of a key.
    fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let is_array = object.is_instance_of::<PyList>() || object.cast_exact::<View>().is_ok();
        let axis = if is_array { None } else { Some(Axis::new(object)) };
        match axis {
            Some(Ok(axis)) => Ok(Self::Axis(axis)),
            Some(Err(error)) if !error.is_instance_of::<PyTypeError>(object.py()) => Err(error),
            refused => match (IndexArray::of(object)?, refused) {
                (Some(array), _) => Ok(Self::Array(array)),
                (None, Some(Err(error))) => Err(error),
                (None, _) => Err(objects::error::<PyIndexError>("an index of an array has a dimension")),
            },
        }
    }
}

impl Axis {
    /// Converts `axis`, an integer, a slice or `...`. Returns a `TypeError` for any other object.
    #[inline]
    fn new(axis: &Bound<'_, PyAny>) -> PyResult<Self> {
        if axis.is_exact_instance_of::<PyInt>() {
            return Ok(Self::Index(index(axis)?));
        }
        if let Ok(slice) = axis.cast::<PySlice>() {
            return unpacked(slice).map(Self::Slice);
        }
        if axis.cast::<PyEllipsis>().is_ok() {
            return Ok(Self::Ellipsis);
        }
        index(axis).map(Self::Index)
    }
}

/// Converts `axis`, an object with `__index__`, to an index. Returns a `TypeError` if `axis` has no `__index__`, and an
/// `IndexError` if the index does not fit 64 bits.
#[inline]
pub(super) fn index(axis: &Bound<'_, PyAny>) -> PyResult<i64> {
    axis.extract::<i64>().map_err(|error| refused_index(axis, error))
}

/// Creates the exception for `axis`, an object that cannot be converted to an index. `error` is the exception that the
/// conversion raised.
#[cold]
fn refused_index(axis: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = axis.py();
    if error.is_instance_of::<PyOverflowError>(py) {
        return objects::error::<PyIndexError>("the index does not fit 64 bits");
    }
    let ty = axis.get_type();
    let has_index = || ty.hasattr(name!(py, "__index__"));
    if error.is_instance_of::<PyTypeError>(py) && !has_index().unwrap_or(false) {
        let found = ty.name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        return objects::error::<PyTypeError>(format!(
            "an index is an integer, a slice, '...', the name of a field or an array of indices, not {found}"
        ));
    }
    error
}

/// Converts `slice`, a Python slice. As for a slice of a list, a bound that does not fit `Py_ssize_t` becomes the
/// nearest number that fits. Returns an error if the step is 0 or a bound is not an integer.
fn unpacked(slice: &Bound<'_, PySlice>) -> PyResult<Slice> {
    let (mut start, mut stop, mut step) = (0, 0, 0);
    // SAFETY: `slice` is alive and is a slice object. `start`, `stop` and `step` may be written to. The thread is
    // attached to the interpreter.
    let status = unsafe { ffi::PySlice_Unpack(slice.as_ptr(), &raw mut start, &raw mut stop, &raw mut step) };
    if status < 0 {
        return Err(objects::take_exception(slice.py()));
    }
    // `PySlice_Unpack` replaces a missing bound by 0, or by the least or the greatest `Py_ssize_t`.
    let to_i64 = |bound: isize| i64::try_from(bound).unwrap_or(i64::MAX);
    let (start, stop, step) = (to_i64(start), to_i64(stop), to_i64(step));
    let (first, last) = if step > 0 { (0, i64::MAX) } else { (i64::MAX, i64::MIN) };
    Ok(Slice { start: (start != first).then_some(start), stop: (stop != last).then_some(stop), step })
}

/// Converts `index` to an index that counts from the start of a dimension. A negative `index` counts from the end.
/// `length` is the length of the dimension. `dimension` is the number of the dimension, for the error message.
///
/// # Errors
/// - an index out of bounds: `IndexError`
#[inline]
pub(super) fn checked_index(index: i64, dimension: usize, length: i64) -> PyResult<i64> {
    let counted = if index < 0 { index.saturating_add(length) } else { index };
    if counted < 0 || counted >= length { Err(out_of_bounds(index, dimension, length)) } else { Ok(counted) }
}

/// Creates the `IndexError` for `index`, which may be negative, in a dimension of `length` items.
#[cold]
fn out_of_bounds(index: i64, dimension: usize, length: i64) -> PyErr {
    objects::error::<PyIndexError>(format!(
        "index {index} is out of bounds for dimension {dimension} with {length} items"
    ))
}

/// Adds the distance from the item at index 0 to the item at `index` in the dimension `dimension` to `offset`, in
/// bytes. A negative `index` counts from the end. `shape` and `strides` describe all dimensions. If the dimension does
/// not exist, `offset` does not change.
///
/// # Errors
/// - an index out of bounds: `IndexError`
#[inline]
fn add_axis(offset: &mut i64, index: i64, dimension: usize, shape: &[i64], strides: &[i64]) -> PyResult<()> {
    let (Some(length), Some(stride)) = (shape.get(dimension), strides.get(dimension)) else { return Ok(()) };
    // The index is in bounds, so the offset of the item fits 63 bits.
    *offset = offset.wrapping_add(checked_index(index, dimension, *length)?.wrapping_mul(*stride));
    Ok(())
}

/// Returns the items of `part` that `axes` select. `pin` pins a view of the buffer.
///
/// # Errors
/// - an index out of bounds: `IndexError`
/// - more indices than dimensions: `IndexCountError`
fn select_axes(axes: &[Axis], part: &Part, pin: &Pin<'_>) -> PyResult<Target> {
    let shape = part.shape();
    let ndim = shape.len();
    let ellipses = axes.iter().filter(|axis| matches!(axis, Axis::Ellipsis)).count();
    let given = axes.len().saturating_sub(ellipses);
    let Some(missing) = ndim.checked_sub(given) else {
        return Err(INDEX_COUNT_ERROR.error(format!("{given} indices for {}", plural(ndim, "dimension"))));
    };
    let indices: Option<Vec<i64>> =
        axes.iter().map(|axis| if let Axis::Index(index) = axis { Some(*index) } else { None }).collect();
    if let Some(indices) = indices.filter(|_| missing == 0) {
        let indices =
            indices.iter().zip(shape).enumerate().map(|(axis, (index, length))| checked_index(*index, axis, *length));
        return Ok(Target::Item(indices.collect::<PyResult<Vec<i64>>>()?));
    }
    let (mut selected, mut slices, mut dimension) = (part.duplicate(), Vec::new(), 0_usize);
    for axis in axes {
        match axis {
            Axis::Ellipsis => {
                slices.extend(std::iter::repeat_n(Slice::FULL, missing));
                dimension = dimension.saturating_add(missing);
            }
            Axis::Slice(slice) => {
                slices.push(*slice);
                dimension = dimension.saturating_add(1);
            }
            // The outermost index is applied first, because a pointer in an inner dimension can be followed only after
            // the pointers in the outer dimensions. Each index removes its dimension from `selected`. Only the
            // dimensions before it that have a slice remain, so the dimension has the number `slices.len()` in
            // `selected`.
            Axis::Index(index) => {
                // The dimension exists, because `given` is at most `ndim`. With the default 0, `checked_index` would
                // refuse the index.
                let length = shape.get(dimension).copied().unwrap_or(0);
                selected = select(&selected.pinned(pin), slices.len(), checked_index(*index, dimension, length)?)?;
                dimension = dimension.saturating_add(1);
            }
        }
    }
    let is_sliced = slices.iter().any(|slice| *slice != Slice::FULL);
    Ok(Target::Part(if is_sliced { selected.slice(&slices)? } else { selected }))
}
