//! `Selection`: the items that arrays of indices and boolean masks select, by the rules of NumPy. Reading a selection
//! copies the items to new memory. An assignment writes to each selected item.

use pep3118::__private::ScalarCodec;
use pep3118::__private::plural;
use pep3118::decode::{ColumnData, Value};
use pep3118::layout::Type;
use pyo3::exceptions::{PyIndexError, PySystemError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyList, PyTuple};

use super::assign::{assign_part, is_number_or_row, opened};
use super::class::View;
use super::construct;
use super::hold::Hold;
use super::indexing::{Axis, checked_index, index};
use super::part::{Part, PinnedPart, ReplacedReferences};
use crate::errors::SELECTION_ERROR;
use crate::objects;

/// The maximum number of dimensions of a buffer.
const MAX_NDIM: usize = 64;

/// One array of a key: indices such as `[0, 2]`, or a mask such as `[True, False]`.
#[derive(Debug)]
pub(super) struct IndexArray {
    shape: Vec<i64>,
    /// The elements in C order: the indices, or 0 and 1 for a mask.
    values: Vec<i64>,
    is_mask: bool,
}

/// One entry of a key that contains an array of indices.
pub(super) enum Entry {
    Axis(Axis),
    Array(IndexArray),
}

impl IndexArray {
    /// Converts `object`, a list or an array of integers or bools. Returns `None` if `object` is neither a list nor an
    /// exporter of a buffer with dimensions, or if `object` is `bytes` or a `bytearray`.
    ///
    /// # Errors
    /// - an item of an array is neither an integer nor a bool, or the lists of one dimension have different lengths:
    ///   `IndexError`
    /// - an entry of a list is neither an integer nor a bool: `TypeError`
    pub(super) fn of(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Ok(list) = object.cast::<PyList>() {
            let mut array = Self { shape: Vec::new(), values: Vec::new(), is_mask: true };
            array.push_list(list, 0)?;
            array.is_mask &= !array.values.is_empty();
            return Ok(Some(array));
        }
        if object.cast::<PyBytes>().is_ok() || object.cast::<PyByteArray>().is_ok() {
            return Ok(None);
        }
        if let Ok(view) = object.cast_exact::<View>() {
            let (part, hold) = view.get().parts();
            return Self::of_items(&part.pinned(&hold.pin()?));
        }
        match construct::open(object, None, None) {
            Ok(open) => {
                let (acquired, part) = opened(open);
                Self::of_items(&part.pinned_by(&acquired))
            }
            Err(error) if error.is_instance_of::<PyTypeError>(object.py()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the items of `held` as indices or as a mask. Returns `None` if `held` has no dimension.
    fn of_items(held: &PinnedPart<'_>) -> PyResult<Option<Self>> {
        let part = held.part();
        if part.shape().is_empty() {
            return Ok(None);
        }
        let item = part.description().item();
        let is_mask = item.ty() == Type::Bool;
        let is_scalar = item.shape().is_empty() && item.ty() != Type::Record;
        let codec = ScalarCodec::of(item).ok().filter(|codec| is_scalar && (is_mask || codec.is_integer()));
        let Some(codec) = codec else { return Err(not_indices(item.ty().as_str())) };
        let mut values = reserved(part.view().item_count())?;
        let mut bytes = objects::zeroed(part.description().plan().itemsize())?;
        part.each_place(|place| {
            held.copy_item(place, &mut bytes)?;
            values.push(match codec.value(&bytes)? {
                Value::Bool(value) => i64::from(value),
                Value::Int(value) => value,
                // A larger index becomes `i64::MAX`, because both are out of bounds of every dimension.
                Value::UInt(value) => i64::try_from(value).unwrap_or(i64::MAX),
                other => return Err(not_indices(other.kind())),
            });
            Ok(())
        })?;
        Ok(Some(Self { shape: part.shape().to_vec(), values, is_mask }))
    }

    /// Appends the indices in `list`. `list` is at the nesting depth `dimension`, counted from 0.
    // The depth of the recursion is the number of dimensions, at most `MAX_NDIM`.
    fn push_list(&mut self, list: &Bound<'_, PyList>, dimension: usize) -> PyResult<()> {
        let length = i64::try_from(list.len())?;
        match self.shape.get(dimension) {
            None if dimension >= MAX_NDIM => return Err(objects::error::<PyIndexError>("too many nested lists")),
            // An earlier list has a number or an empty list at this depth.
            None if !self.values.is_empty() => return Err(ragged()),
            None => self.shape.push(length),
            Some(expected) if *expected == length => {}
            Some(_) => return Err(ragged()),
        }
        let inner = dimension.saturating_add(1);
        for object in list.iter() {
            if let Ok(list) = object.cast::<PyList>() {
                self.push_list(list, inner)?;
                continue;
            }
            if self.shape.len() != inner {
                return Err(ragged());
            }
            let is_bool = is_bool(&object);
            self.is_mask &= is_bool;
            let value = if is_bool { i64::from(object.is_truthy()?) } else { index(&object)? };
            self.values.try_reserve(1).map_err(|_| objects::no_memory())?;
            self.values.push(value);
        }
        Ok(())
    }
}

/// Returns `true` if `object` is a `bool` of Python or of NumPy.
fn is_bool(object: &Bound<'_, PyAny>) -> bool {
    let is_numpy = || object.get_type().name().is_ok_and(|name| name == "bool" || name == "bool_");
    object.is_exact_instance_of::<PyBool>() || is_numpy()
}

/// Creates the `IndexError` for nested lists with different lengths or depths.
fn ragged() -> PyErr {
    objects::error::<PyIndexError>("the lists of indices of one dimension have different lengths")
}

/// Creates the `IndexError` for an array whose items have the type `found`.
fn not_indices(found: &str) -> PyErr {
    objects::error::<PyIndexError>(format!("an array of indices has integers or bools, not {found}"))
}

/// Returns an empty vector with capacity for `count` entries. Returns a `MemoryError` if there is no memory.
fn reserved(count: u64) -> PyResult<Vec<i64>> {
    let mut values = Vec::new();
    let count = usize::try_from(count).map_err(|_| objects::no_memory())?;
    values.try_reserve_exact(count).map_err(|_| objects::no_memory())?;
    Ok(values)
}

/// The index in a dimension of the source for a position in the result.
enum Source {
    /// `start + step * position[dimension]`
    Slice { start: i64, step: i64, dimension: usize },
    /// The element of an array of the key. The fields are the elements of the array, and the strides of the array in
    /// elements, one for each dimension of the broadcast arrays.
    Array(Vec<i64>, Vec<i64>),
}

/// The items that a key with arrays of indices selects.
pub(super) struct Selection {
    /// The shape of the result.
    shape: Vec<i64>,
    /// The number of dimensions of the result that precede the dimensions of the arrays.
    before: usize,
    sources: Vec<Source>,
}

impl Selection {
    /// Applies the entries of a key to an array of items. `shape` is the shape of the array.
    ///
    /// # Errors
    /// - an index is out of bounds, the key has too many indices, or the shapes of the arrays cannot be broadcast:
    ///   `IndexError`
    /// - the step of a slice is 0: `ValueError`
    pub(super) fn new(entries: Vec<Entry>, shape: &[i64]) -> PyResult<Self> {
        let used = |entry: &Entry| match entry {
            Entry::Axis(Axis::Ellipsis) => 0,
            Entry::Array(array) if array.is_mask => array.shape.len(),
            _ => 1,
        };
        let given = entries.iter().map(used).sum::<usize>();
        let Some(missing) = shape.len().checked_sub(given) else {
            let ndim = shape.len();
            return Err(objects::error::<PyIndexError>(format!("{given} indices for {}", plural(ndim, "dimension"))));
        };
        // `slices` has (dimension of the source, start, step, length of the result). `arrays` has (dimension of the
        // source, shape of the array, indices).
        let mut slices: Vec<(usize, i64, i64, i64)> = Vec::new();
        let mut arrays: Vec<(usize, Vec<i64>, Vec<i64>)> = Vec::new();
        let (mut dimension, mut before, mut is_split, mut has_ended) = (0_usize, 0_usize, false, false);
        let has_ellipsis = entries.iter().any(|entry| matches!(entry, Entry::Axis(Axis::Ellipsis)));
        let end = (!has_ellipsis).then_some(Entry::Axis(Axis::Ellipsis));
        for entry in entries.into_iter().chain(end) {
            // Only an ellipsis or a mask without dimensions can follow the last dimension, and neither uses the length.
            let length = shape.get(dimension).copied().unwrap_or(0);
            let is_slice = matches!(entry, Entry::Axis(Axis::Slice(_) | Axis::Ellipsis));
            is_split |= !is_slice && has_ended;
            has_ended |= is_slice && !arrays.is_empty();
            match entry {
                Entry::Axis(Axis::Slice(slice)) => {
                    let (start, count) = slice
                        .indices(length)
                        .ok_or_else(|| objects::error::<PyValueError>("slice step cannot be zero"))?;
                    slices.push((dimension, start, slice.step, count));
                    dimension = dimension.saturating_add(1);
                }
                Entry::Axis(Axis::Ellipsis) => {
                    for length in shape.iter().skip(dimension).take(missing) {
                        slices.push((dimension, 0, 1, *length));
                        dimension = dimension.saturating_add(1);
                    }
                }
                Entry::Axis(Axis::Index(index)) => {
                    arrays.push((dimension, Vec::new(), vec![checked_index(index, dimension, length)?]));
                    dimension = dimension.saturating_add(1);
                }
                Entry::Array(array) if array.is_mask => {
                    for indices in nonzero(&array, shape, dimension)? {
                        arrays.push((dimension, vec![i64::try_from(indices.len())?], indices));
                        dimension = dimension.saturating_add(1);
                    }
                }
                Entry::Array(array) => {
                    let check = |index: i64| checked_index(index, dimension, length);
                    let values = array.values.into_iter().map(check).collect::<PyResult<Vec<i64>>>()?;
                    arrays.push((dimension, array.shape, values));
                    dimension = dimension.saturating_add(1);
                }
            }
            if arrays.is_empty() {
                before = slices.len();
            }
        }
        if is_split {
            before = 0;
        }
        let mut common: Vec<i64> = Vec::new();
        for (_, shape, _) in &arrays {
            common = broadcast(&common, shape).ok_or_else(|| {
                objects::error::<PyIndexError>(format!("index arrays of shapes {common:?} and {shape:?} do not match"))
            })?;
        }
        let mut result: Vec<i64> = slices.iter().map(|(.., count)| *count).collect();
        result.splice(before..before, common.iter().copied());
        if result.len() > MAX_NDIM {
            return Err(objects::error::<PyIndexError>(format!("the selection has {} dimensions", result.len())));
        }
        let mut sources: Vec<(usize, Source)> = Vec::new();
        for (place, (dimension, start, step, _)) in slices.into_iter().enumerate() {
            let place = if place < before { place } else { place.saturating_add(common.len()) };
            sources.push((dimension, Source::Slice { start, step, dimension: place }));
        }
        for (dimension, shape, values) in arrays {
            sources.push((dimension, Source::Array(values, broadcast_strides(&shape, common.len()))));
        }
        sources.sort_by_key(|(dimension, _)| *dimension);
        let sources = sources.into_iter().map(|(_, source)| source).collect();
        Ok(Self { shape: result, before, sources })
    }

    /// Calls `call` for each selected item in C order of the result. The arguments are the indices of the item in the
    /// source, and the position of the item in the result.
    fn each(&self, mut call: impl FnMut(&[i64], &[i64]) -> PyResult<()>) -> PyResult<()> {
        if self.shape.contains(&0) {
            return Ok(());
        }
        let (mut position, mut indices) = (vec![0_i64; self.shape.len()], vec![0_i64; self.sources.len()]);
        loop {
            for (index, source) in indices.iter_mut().zip(&self.sources) {
                *index = match source {
                    Source::Slice { start, step, dimension } => {
                        // The index of an item fits 63 bits. `position` has an entry for each dimension of the result,
                        // so the default is never used.
                        let at = position.get(*dimension).copied().unwrap_or(0);
                        start.wrapping_add(step.wrapping_mul(at))
                    }
                    Source::Array(values, strides) => {
                        let axes = position.iter().skip(self.before).zip(strides);
                        let at = axes.fold(0_i64, |at, (axis, stride)| at.wrapping_add(axis.wrapping_mul(*stride)));
                        let value = usize::try_from(at).ok().and_then(|at| values.get(at));
                        *value.ok_or_else(|| objects::error::<PyIndexError>("internal error: no such index"))?
                    }
                };
            }
            call(&indices, &position)?;
            if !advance(&mut position, &self.shape) {
                return Ok(());
            }
        }
    }

    /// Copies the selected items of `held` to new memory, and returns a view of the copy.
    ///
    /// # Errors
    /// - the items have references to objects, or addresses that a consumer follows: `TypeError`
    /// - no memory: `MemoryError`
    pub(super) fn copy(&self, py: Python<'_>, held: &PinnedPart<'_>) -> PyResult<View> {
        let part = held.part();
        check_plain(part)?;
        let (new, hold) = self.with_memory(py, part, &self.shape, |bytes, itemsize| {
            let mut at = 0_usize;
            self.each(|indices, _| {
                let end = at.saturating_add(itemsize);
                let item = bytes.get_mut(at..end).ok_or_else(outside_of_copy)?;
                held.copy_item(part.place(indices), item)?;
                at = end;
                Ok(())
            })
        })?;
        Ok(View::new(new, hold))
    }

    /// Allocates memory for items of `part` in the shape `shape`, and calls `fill` with the bytes and the itemsize.
    /// Returns (part, hold): the part covers the memory, and the hold owns the memory.
    fn with_memory(
        &self,
        py: Python<'_>,
        part: &Part,
        shape: &[i64],
        fill: impl FnOnce(&mut [u8], usize) -> PyResult<()>,
    ) -> PyResult<(Part, Hold)> {
        let itemsize = part.description().plan().itemsize();
        let count = shape.iter().try_fold(itemsize, |bytes, length| bytes.checked_mul(usize::try_from(*length).ok()?));
        let mut bytes = objects::zeroed(count.ok_or_else(objects::no_memory)?)?;
        fill(&mut bytes, itemsize)?;
        let mut data = ColumnData::Bytes(bytes);
        let new = Part::of_column(&mut data, shape, std::sync::Arc::clone(part.description()))
            .ok_or_else(|| objects::error::<PyIndexError>("the selection is larger than a buffer can be"))?;
        Ok((new, Hold::of_column(py, data)?))
    }

    /// Assigns `value`, broadcast to the shape of the selection, to the selected items of `part`. All values are
    /// converted before the first byte is written. If an item is selected twice, the last value remains.
    ///
    /// # Errors
    /// - `value` has another shape, or the items cannot have a value: `SelectionError`
    /// - an object in `value` has a wrong type: `TypeError`
    pub(super) fn assign(&self, part: &Part, hold: &Hold, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        check_plain(part)?;
        let mut shape = shape_of(part, value)?;
        let extra = shape.len().saturating_sub(self.shape.len());
        if shape.iter().take(extra).all(|length| *length == 1) && !is_list(value) {
            shape.drain(..extra);
        }
        if broadcast(&self.shape, &shape).as_ref() != Some(&self.shape) {
            return Err(SELECTION_ERROR.error(format!(
                "a value of shape {shape:?} cannot be broadcast to the selected items of shape {:?}",
                self.shape
            )));
        }
        let given = if extra > 0 { shape_of(part, value)? } else { shape.clone() };
        let (new, new_hold) = self.with_memory(py, part, &given, |_, _| Ok(()))?;
        assign_part(&new, &new_hold, value).map_err(|error| {
            let is_value_error = error.get_type(py).is(py.get_type::<PyValueError>());
            if is_value_error { SELECTION_ERROR.error(error.value(py).to_string()) } else { error }
        })?;
        let strides = broadcast_strides(&shape, self.shape.len());
        let itemsize = part.description().plan().itemsize();
        let mut old = ReplacedReferences::default();
        let (pin, new_pin) = (hold.pin()?, new_hold.pin()?);
        let bytes = new.pinned(&new_pin).to_vec(py, pep3118::view::Order::C)?;
        let held = part.pinned(&pin);
        self.each(|indices, position| {
            let axes = position.iter().zip(&strides);
            let item = axes.fold(0_i64, |at, (axis, stride)| at.wrapping_add(axis.wrapping_mul(*stride)));
            let start = usize::try_from(item)?.saturating_mul(itemsize);
            let item = bytes.get(start..start.saturating_add(itemsize)).ok_or_else(outside_of_copy)?;
            held.store_item(py, part.place(indices), item, &mut old)
        })?;
        drop(pin);
        old.finish(hold)
    }
}

/// Checks that the items of `part` can be copied byte by byte. Returns an error if the items have references to
/// objects, or addresses that a consumer follows.
fn check_plain(part: &Part) -> PyResult<()> {
    let item = part.item()?;
    if item.has_objects() || item.has_addresses() {
        return Err(objects::error::<PyTypeError>(
            "items with references to objects or with addresses are not selected by arrays of indices\n\
             help: select the items one by one: [view[index] for index in indices]",
        ));
    }
    Ok(())
}

fn is_list(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyList>().is_ok()
}

/// Returns the shape of `value`, a value for items of `part`: the shape of a buffer, the shape of nested lists, or `[]`
/// for one value.
fn shape_of(part: &Part, value: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    let item = part.description().item();
    let is_record = item.ty() == Type::Record && item.shape().is_empty();
    if is_list(value) || (!is_record && value.cast::<PyTuple>().is_ok()) {
        let (mut shape, mut level) = (Vec::new(), value.clone());
        while shape.len() <= MAX_NDIM && (is_list(&level) || (!is_record && level.cast::<PyTuple>().is_ok())) {
            let length = level.len()?;
            shape.push(i64::try_from(length)?);
            if length == 0 {
                break;
            }
            level = level.get_item(0)?;
        }
        shape.truncate(shape.len().saturating_sub(item.shape().len()));
        return Ok(shape);
    }
    let bytes = value.cast::<PyBytes>().is_ok() || value.cast::<PyByteArray>().is_ok();
    if is_number_or_row(value) || (bytes && !matches!(item.ty(), Type::Int8 | Type::UInt8)) {
        return Ok(Vec::new());
    }
    if let Ok(view) = value.cast_exact::<View>() {
        return Ok(view.get().parts().0.shape().to_vec());
    }
    match construct::open(value, None, None) {
        Ok(open) => Ok(open.view().shape().to_vec()),
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Returns the indices of the items that `mask` selects, one vector for each dimension of the mask. `shape` is the
/// shape of the source. The mask applies to the dimensions of the source from `dimension` on.
///
/// # Errors
/// - the shape of the mask differs from the shape of these dimensions: `IndexError`
fn nonzero(mask: &IndexArray, shape: &[i64], dimension: usize) -> PyResult<Vec<Vec<i64>>> {
    let covered = shape.get(dimension..dimension.saturating_add(mask.shape.len())).unwrap_or_default();
    if covered != mask.shape.as_slice() {
        return Err(objects::error::<PyIndexError>(format!(
            "a mask of shape {:?} does not match the shape {covered:?} from dimension {dimension} on",
            mask.shape
        )));
    }
    let count = mask.values.iter().filter(|value| **value != 0).count();
    let mut indices = Vec::new();
    for _ in &mask.shape {
        indices.push(reserved(u64::try_from(count)?)?);
    }
    let mut position = vec![0_i64; mask.shape.len()];
    for value in &mask.values {
        if *value != 0 {
            indices.iter_mut().zip(&position).for_each(|(indices, index)| indices.push(*index));
        }
        advance(&mut position, &mask.shape);
    }
    Ok(indices)
}

/// Advances `position` to the next position in `shape`, in C order. Returns `false` after the last position.
fn advance(position: &mut [i64], shape: &[i64]) -> bool {
    for (index, length) in position.iter_mut().zip(shape).rev() {
        *index = index.saturating_add(1);
        if *index < *length {
            return true;
        }
        *index = 0;
    }
    false
}

/// Returns the common shape after `one` and `other` are broadcast. Returns `None` if the two shapes do not match.
fn broadcast(one: &[i64], other: &[i64]) -> Option<Vec<i64>> {
    let ndim = one.len().max(other.len());
    let length = |shape: &[i64], axis: usize| {
        shape.len().checked_sub(axis.saturating_add(1)).and_then(|at| shape.get(at)).copied().unwrap_or(1)
    };
    let axes = (0..ndim).rev().map(|axis| match (length(one, axis), length(other, axis)) {
        (1, length) | (length, 1) => Some(length),
        (one, other) => (one == other).then_some(one),
    });
    axes.collect()
}

/// Returns the strides, in items, of contiguous items of the shape `shape` that are broadcast to `ndim` dimensions. The
/// stride of a repeated dimension is 0.
fn broadcast_strides(shape: &[i64], ndim: usize) -> Vec<i64> {
    let mut strides = vec![0; ndim];
    let mut stride = 1_i64;
    for (distance, length) in strides.iter_mut().rev().zip(shape.iter().rev()) {
        *distance = if *length == 1 { 0 } else { stride };
        stride = stride.wrapping_mul(*length);
    }
    strides
}

/// Creates the exception for an item outside of a copy of all items. The copy has a place for each item, so no caller
/// sees this exception.
#[cold]
fn outside_of_copy() -> PyErr {
    objects::error::<PySystemError>("an item is outside of the copy of all items")
}
