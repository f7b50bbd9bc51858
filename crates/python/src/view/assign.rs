//! Values into items: everything is converted before anything is written.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyTuple};

use super::construct;
use super::indexing::{Key, Target};
use super::state::ViewState;
use crate::values::Codec;
use pep3118::__private::escape;
use pep3118::layout::{Comparison, Equivalence, Type};
use pep3118::view::Order;

/// `view[key] = value`
///
/// | value | for one item | for a part of the view |
/// |--|--|--|
/// | a list | an item that is an array | a row: as many elements as the dimension has |
/// | a tuple | a record | a record, for every item; where items are no records, a row |
/// | a buffer with dimensions | its value | items of the same layout in the same shape, copied |
/// | `bytes` where items are bytes | the item | every item |
/// | anything else | the item | every item |
pub(super) fn assign(shown: &ViewState, key: Key, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    if shown.shared().view().readonly() {
        return Err(PyTypeError::new_err("cannot modify read-only memory"));
    }
    let codec = shown.items().codec(py)?;
    match key.select(shown)? {
        Target::Item(indices) => {
            let plan = shown.items().plan();
            // Padding stays as it is.
            let mut item = shown.shared().buffer(plan)?.item_bytes(&indices)?;
            codec.write(value, &mut item)?;
            Ok(shown.shared().buffer_mut(plan)?.write_item_bytes(&indices, &item)?)
        }
        Target::Part(part) => {
            let bytes = items(&part, value)?;
            let (shared, plan) = (part.shared(), part.items().plan());
            let written = part.copying(py, shared.view().len(), || shared.buffer_mut(plan)?.write_bytes(&bytes));
            Ok(written?)
        }
    }
}

/// The bytes of all items of a part, the last index fastest.
fn items(part: &ViewState, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = value.py();
    if let Some(buffer) = buffer(part, value)? {
        return Ok(buffer.to_vec(py, Order::C)?);
    }
    let mut bytes = part.to_vec(py, Order::C)?;
    let item = part.items().item();
    let is_record = item.ty() == Type::Record && item.shape().is_empty();
    let codec = part.items().codec(py)?;
    let row = !part.shape().is_empty() && (value.cast::<PyList>().is_ok() || (!is_record && is_row(value)));
    if row {
        rows(value, part.shape(), 0, codec, &mut bytes)?;
    } else {
        every(part, value, codec, &mut bytes)?;
    }
    Ok(bytes)
}

fn is_row(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyList>().is_ok() || value.cast::<PyTuple>().is_ok()
}

/// A buffer to copy from, if the value is one.
fn buffer(part: &ViewState, value: &Bound<'_, PyAny>) -> PyResult<Option<ViewState>> {
    let bytes = value.cast::<PyBytes>().is_ok() || value.cast::<PyByteArray>().is_ok();
    let strings = matches!(part.items().item().ty(), Type::Char | Type::Bytes | Type::Pascal | Type::Void);
    if is_row(value) || (bytes && strings) {
        return Ok(None);
    }
    let buffer = match construct::open(value, None, None) {
        Ok(buffer) => buffer,
        // It is no exporter.
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => return Ok(None),
        Err(error) => return Err(error),
    };
    // One item: NumPy's scalars export themselves.
    if buffer.shape().is_empty() && !part.shape().is_empty() {
        return Ok(None);
    }
    if buffer.shape() != part.shape() {
        return Err(PyValueError::new_err(format!(
            "a buffer of shape {:?} for shape {:?}",
            buffer.shape(),
            part.shape()
        )));
    }
    let (from, to) = (buffer.items(), part.items());
    if Comparison::of_layouts(from.layout(), to.layout()).equivalence < Some(Equivalence::LayoutIgnoringNames) {
        return Err(PyValueError::new_err(format!(
            "items of format `{}` for items of format `{}`",
            escape(from.format()),
            escape(to.format())
        )));
    }
    Ok(Some(buffer))
}

/// Rows in rows. As deep as there are dimensions, which are 64 at most.
fn rows(value: &Bound<'_, PyAny>, shape: &[i64], dimension: usize, codec: &Codec, bytes: &mut [u8]) -> PyResult<()> {
    let Some((extent, inner)) = shape.split_first() else {
        return Ok(codec.write(value, bytes)?);
    };
    // A copy: what is called meanwhile may change the list.
    let row = match value.cast::<PyList>() {
        Ok(list) => list.to_tuple(),
        Err(_) => value.cast::<PyTuple>().cloned().map_err(|_| {
            let found = value.get_type();
            PyTypeError::new_err(format!("dimension {dimension} takes a list, not {found}"))
        })?,
    };
    if i64::try_from(row.len()) != Ok(*extent) {
        let found = row.len();
        return Err(PyValueError::new_err(format!("{found} values for {extent} items of dimension {dimension}")));
    }
    let each = bytes.len().checked_div(row.len()).unwrap_or(0);
    for (index, value) in row.iter().enumerate() {
        let start = index.saturating_mul(each);
        let inside = bytes.get_mut(start..start.saturating_add(each)).unwrap_or_default();
        rows(&value, inner, dimension.saturating_add(1), codec, inside)?;
    }
    Ok(())
}

/// One value for every item.
fn every(part: &ViewState, value: &Bound<'_, PyAny>, codec: &Codec, bytes: &mut [u8]) -> PyResult<()> {
    let plan = part.items().plan();
    let itemsize = plan.itemsize();
    let mut items = bytes.chunks_exact_mut(itemsize.max(1));
    let Some(first) = items.next() else {
        // Nothing is written, but what could not be is still refused.
        let mut item = vec![0; itemsize];
        return Ok(codec.write(value, &mut item)?);
    };
    codec.write(value, first)?;
    let first: &[u8] = first;
    if plan.is_one_leaf() {
        items.for_each(|item| item.copy_from_slice(first));
    } else {
        // Padding stays as it is.
        for item in items {
            codec.write(value, item)?;
        }
    }
    Ok(())
}
