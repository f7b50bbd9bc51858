//! Records to columns: arrays of this program that are exporters themselves.

use pyo3::exceptions::{PyBufferError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::class::View;
use super::items::Items;
use super::state::ViewState;
use crate::column_memory::ColumnMemory;
use pep3118::__private::escape;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::decode::{self, ColumnData, DecodeError, Leaf};
use pep3118::layout::{Dialect, Layout, Type};
use pep3118::py::Acquired;
use pep3118::view::{Checker, RawView, Request};

/// The columns of the fields of these names, those of records inside records one by one; of all fields
/// without a name.
pub(super) fn columns<'py>(py: Python<'py>, shown: &ViewState, names: &[String]) -> PyResult<Bound<'py, PyDict>> {
    let plan = shown.items().plan();
    let chosen = chosen(plan.leaves(), names)?;
    let wanted: Vec<&[u8]> = chosen.iter().map(|leaf| leaf.name()).collect();
    let shared = shown.shared();
    let read = || -> Result<Vec<decode::Column>, DecodeError> { shared.buffer(plan)?.columns(Some(&wanted)) };
    let columns = shown.copying(py, shared.view().len(), read)?;
    let dict = PyDict::new(py);
    for (leaf, column) in chosen.into_iter().zip(columns) {
        let name = called(leaf);
        let view = column_view(py, shown, leaf, column)?;
        dict.set_item(name, Bound::new(py, View::new(view))?)?;
    }
    Ok(dict)
}

/// The name of a column: the dotted name, `value` for an item that is no record.
fn called(leaf: &Leaf) -> String {
    match std::str::from_utf8(leaf.name()) {
        Ok("") => "value".to_owned(),
        Ok(name) => name.to_owned(),
        Err(_) => escape(leaf.name()).into_owned(),
    }
}

fn chosen<'p>(leaves: &'p [Leaf], names: &[String]) -> PyResult<Vec<&'p Leaf>> {
    if names.is_empty() {
        return Ok(leaves.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        let inside = |leaf: &&Leaf| {
            let own = called(leaf);
            own == *name || own.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        chosen.extend(leaves.iter().filter(inside));
        if chosen.len() == before {
            let known: Vec<String> = leaves.iter().map(called).collect();
            let (name, known) = (escape(name), known.join(", "));
            return Err(PyKeyError::new_err(format!("no field is called '{name}': {}", escape(&known))));
        }
    }
    Ok(chosen)
}

/// What one element of a column is: its type, its size in bytes, and how many dimensions of the column
/// it takes up.
fn element(leaf: &Leaf, data: &ColumnData) -> (Type, usize, usize) {
    let size = leaf.size();
    match (leaf.ty(), data) {
        // Numbers that are addresses elsewhere are numbers here: nobody shall follow them.
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

/// A view of a column, which holds its memory.
fn column_view(py: Python<'_>, shown: &ViewState, leaf: &Leaf, column: decode::Column) -> PyResult<ViewState> {
    let (ty, size, dropped) = element(leaf, &column.data);
    // A bool of one byte has none in the format either.
    let endian = (ty.has_byte_order() && ty != Type::Bool).then_some(Endian::HOST);
    let layout = Layout::of_one(ty, u64::try_from(size)?, endian, &DataModel::HOST);
    let format = super::items::spelled(&layout);
    let inner = column.shape.len().saturating_sub(dropped);
    let mut shape = shown.shape().to_vec();
    for extent in column.shape.iter().take(inner) {
        shape.push(i64::try_from(*extent)?);
    }
    let itemsize = i64::try_from(size)?;
    let product = |bytes: i64, extent: &i64| bytes.checked_mul(*extent);
    let len = if shape.contains(&0) { Some(0) } else { shape.iter().try_fold(itemsize, product) };
    let raw = RawView {
        len: len.unwrap_or(i64::MAX),
        itemsize,
        ndim: i32::try_from(shape.len()).unwrap_or(i32::MAX),
        format: Some(&format),
        shape: (!shape.is_empty()).then_some(&shape),
        ..RawView::default()
    };
    let checker = Checker { dialect: Some(&Dialect::PEP3118), ..Checker::DEFAULT };
    let view = checker.prove(&raw, None)?;
    let memory = ColumnMemory::new(&view, column.data.into_units(size))
        .ok_or_else(|| PyBufferError::new_err("a column has not the bytes of its shape"))?;
    let memory = Bound::new(py, memory)?;
    let acquired = Acquired::new(memory.as_any(), Request::FULL_RO)?;
    let shared = acquired.check(&checker).into_result();
    let shared =
        shared.map_err(|report| PyBufferError::new_err(format!("a column is not a valid buffer: {report}")))?;
    let items = Items::of_view(shared.view(), Some(format), Some(&Dialect::PEP3118))?;
    Ok(ViewState::new(shared, items))
}
