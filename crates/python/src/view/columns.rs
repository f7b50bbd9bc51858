//! `View.columns`: copies each field of records to contiguous memory.

use std::sync::Arc;

use super::class::View;
use super::hold::Hold;
use super::item::ColumnItem;
use super::part::{Part, PinnedPart, copying};
use crate::objects;
use pep3118::__private::escape;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::decode::{self, ColumnData, DecodeError, Leaf};
use pep3118::layout::{Layout, Type};
use pep3118::py::ItemDescription;
use pyo3::exceptions::{PyBufferError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Returns a dict of the columns of the fields `names`, or of all fields if `names` is empty. A field that is a record
/// has one column for each of its own fields.
///
/// # Errors
/// - no field has a name: `KeyError`
/// - a field with references to objects: `TypeError`
pub(super) fn columns<'py>(py: Python<'py>, held: PinnedPart<'_>, names: &[String]) -> PyResult<Bound<'py, PyDict>> {
    let part = held.part();
    let (plan, item) = (part.description().plan(), part.item()?);
    let chosen = chosen(plan.leaves(), names)?;
    if item.has_objects() && chosen.iter().any(|(_, leaf)| leaf.ty() == Type::Object) {
        return Err(objects::error::<PyTypeError>("a column holds no references: name the fields that are no objects"));
    }
    let wanted: Vec<&[u8]> = chosen.iter().map(|(_, leaf)| leaf.name()).collect();
    let wanted = (!names.is_empty()).then_some(&*wanted);
    let read = || -> Result<Vec<decode::Column>, DecodeError> { held.with_buffer(|buffer| buffer.columns(wanted)) };
    let columns = copying(py, part.view().len(), read)?;
    let dict = PyDict::new(py);
    for ((at, leaf), column) in chosen.into_iter().zip(columns) {
        let known = item.column(at, || column_item(py, leaf, &column))?;
        let view = column_view(py, part.shape(), &known, column)?;
        dict.set_item(known.name.bind(py), Bound::new(py, view)?)?;
    }
    Ok(dict)
}

/// Returns the name of a column: the dotted name of the leaf, such as `pos.x`. The column of an item that is not a
/// record is named `value`.
fn called(leaf: &Leaf) -> String {
    match std::str::from_utf8(leaf.name()) {
        Ok("") => "value".to_owned(),
        Ok(name) => name.to_owned(),
        Err(_) => escape(leaf.name()).into_owned(),
    }
}

/// Returns the leaves that the fields `names` consist of, with their indices in `leaves`. Returns all leaves if `names`
/// is empty.
///
/// # Errors
/// - no field has a name: `KeyError`
fn chosen<'p>(leaves: &'p [Leaf], names: &[String]) -> PyResult<Vec<(usize, &'p Leaf)>> {
    if names.is_empty() {
        return Ok(leaves.iter().enumerate().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        let inside = |(_, leaf): &(usize, &Leaf)| {
            let own = called(leaf);
            own == *name || own.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        chosen.extend(leaves.iter().enumerate().filter(inside));
        if chosen.len() == before {
            let known: Vec<String> = leaves.iter().map(called).collect();
            let name = escape(name);
            return Err(objects::error::<PyKeyError>(format!("no field is called '{name}': {}", known.join(", "))));
        }
    }
    Ok(chosen)
}

/// Returns the type of an element of a column, its size in bytes, and the number of dimensions of `data` that one
/// element contains: 1 for text, which `data` has as an array of units.
fn element(leaf: &Leaf, data: &ColumnData) -> (Type, usize, usize) {
    let size = leaf.size();
    match (leaf.ty(), data) {
        // The copy owns no references to objects, so that the column has opaque bytes.
        (Type::Object, ColumnData::UInt32(_) | ColumnData::UInt64(_)) => (Type::Void, size, 0),
        // Addresses become numbers in the copy, so that no consumer follows them.
        (Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object, data) => match data {
            ColumnData::UInt16(_) => (Type::UInt16, 2, 0),
            ColumnData::UInt32(_) => (Type::UInt32, 4, 0),
            ColumnData::UInt64(_) => (Type::UInt64, 8, 0),
            _ => (Type::Bytes, size, 1),
        },
        (Type::Wchar, ColumnData::UInt16(_)) => (Type::Ucs2, size, 1),
        (Type::Wchar, ColumnData::UInt32(_)) => (Type::Ucs4, size, 1),
        (ty @ (Type::Ucs2 | Type::Ucs4 | Type::Pascal), _) => (ty, size, 1),
        (Type::Char, _) => (Type::Char, 1, 0),
        (Type::Bool, _) => (Type::Bool, 1, 0),
        (Type::Bytes | Type::Void | Type::Bits | Type::Opaque | Type::Record | Type::Wchar, _) => {
            (Type::Bytes, size, 1)
        }
        (Type::ComplexLongDouble, ColumnData::LongDouble(_)) => (Type::ComplexLongDouble, size, 1),
        (ty, _) => (ty, size, 0),
    }
}

/// Describes the column of `leaf`.
fn column_item(py: Python<'_>, leaf: &Leaf, column: &decode::Column) -> PyResult<ColumnItem> {
    let (ty, size, dropped) = element(leaf, &column.data);
    // The format of a `bool` has no byte-order character.
    let endian = (ty.has_byte_order() && ty != Type::Bool).then_some(Endian::HOST);
    let layout = Layout::of_one(ty, u64::try_from(size)?, endian, &DataModel::HOST);
    let dimensions = column.shape.len().saturating_sub(dropped);
    let shape = column.shape.iter().take(dimensions).map(|extent| i64::try_from(*extent));
    let shape = shape.collect::<Result<_, _>>()?;
    let name = PyString::new(py, &called(leaf)).unbind();
    Ok(ColumnItem { name, shape, description: ItemDescription::of_layout(layout)? })
}

/// Creates a view that owns the memory of `column`. `shape` is the shape of the view that the column was copied from.
fn column_view(py: Python<'_>, shape: &[i64], known: &ColumnItem, column: decode::Column) -> PyResult<View> {
    let shape: Vec<i64> = shape.iter().chain(&known.shape).copied().collect();
    let mut data = column.data.into_units(known.description.plan().itemsize())?;
    let part = Part::of_column(&mut data, &shape, Arc::clone(&known.description))
        .ok_or_else(|| objects::error::<PyBufferError>("a column has other bytes than its shape"))?;
    Ok(View::new(part, Hold::of_column(py, data)?))
}
