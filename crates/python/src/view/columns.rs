//! `View.columns`: copies each field of records to contiguous memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::class::View;
use super::hold::Hold;
use super::item::{ColumnItem, repeated_name};
use super::part::{Part, PinnedPart, copying};
use crate::errors::FIELD_NAME_ERROR;
use crate::objects;
use crate::user_types::is_date;
use pep3118::__private::{abridge, escape};
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::decode::{self, ColumnData, DecodeError, Leaf, Plan};
use pep3118::layout::{Layout, LayoutBuilder, MemberSpec, Scalar, Type, UserType};
use pep3118::py::ItemDescription;
use pyo3::exceptions::{PyBufferError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The maximum number of names that an error message lists.
const LISTED_NAMES: usize = 50;

/// The maximum length in bytes of the list of names in an error message.
const LISTED_BYTES: usize = 2000;

/// Copies the fields `names` of the items in `held`, or all fields if `names` is empty. Returns a dict from the names
/// of the columns to views. A field that is a record has one column for each field of this record.
///
/// # Errors
/// - no field has the name in an entry of `names`: `KeyError`
/// - two columns would have the same name: `FieldNameError`
/// - a field has references to objects: `TypeError`
pub(super) fn columns<'py>(py: Python<'py>, held: PinnedPart<'_>, names: &[String]) -> PyResult<Bound<'py, PyDict>> {
    let part = held.part();
    let (plan, item) = (part.description().plan(), part.item()?);
    let is_record = part.description().item().ty() == Type::Record;
    let chosen = chosen(plan, is_record, names)?;
    if item.has_objects() && chosen.iter().any(|(_, leaf)| leaf.ty() == Type::Object) {
        return Err(objects::error::<PyTypeError>("a column holds no references: name the fields that are no objects"));
    }
    let indices: Vec<usize> = chosen.iter().map(|(index, _)| *index).collect();
    let read =
        || -> Result<Vec<decode::Column>, DecodeError> { held.with_buffer(|buffer| buffer.columns_at(Some(&indices))) };
    let columns = copying(py, part.view().len(), read)?;
    let dict = objects::dict(py)?;
    for ((at, leaf), column) in chosen.into_iter().zip(columns) {
        let known = item.column(at, || column_item(py, called(leaf, is_record), leaf, &column))?;
        let view = column_view(py, part.shape(), &known, column)?;
        dict.set_item(known.name.bind(py), Bound::new(py, view)?)?;
    }
    Ok(dict)
}

/// Returns the name of the column of `leaf`, a field that is not a record. The name includes the enclosing fields, for
/// example `pos.x`. `is_record` is `true` if the item is a record. If the item is not a record, the name is `value`.
fn called(leaf: &Leaf, is_record: bool) -> String {
    let name = leaf.name();
    match std::str::from_utf8(&name) {
        Ok(_) if !is_record => "value".to_owned(),
        Ok(name) => name.to_owned(),
        Err(_) => escape(&*name).into_owned(),
    }
}

/// Returns (index, leaf) for each leaf of `plan` that `names` selects, or for all leaves if `names` is empty. The name
/// of a record selects each leaf in the record. The result is in the order of `names`, and for one name in the order of
/// the format. If several names select a leaf, the result contains the leaf once, at the first name. `is_record` is
/// `true` if the item is a record. If the item is not a record, its only name is `value`.
///
/// # Errors
/// - no field has the name in an entry of `names`: `KeyError`
/// - two leaves of the result have the same name: `FieldNameError`
/// - the dotted names of all fields need too much memory: `ValueError`
fn chosen<'p>(plan: &'p Plan, is_record: bool, names: &[String]) -> PyResult<Vec<(usize, &'p Leaf)>> {
    plan.check_names()?;
    let all: Vec<(String, usize, &Leaf)> =
        plan.leaves().iter().enumerate().map(|(index, leaf)| (called(leaf, is_record), index, leaf)).collect();
    // For each name in `names`: its position, and `true` after a leaf with the name was found.
    let mut wanted: HashMap<&str, (usize, bool)> = HashMap::new();
    for (position, name) in names.iter().enumerate() {
        wanted.entry(name).or_insert((position, false));
    }
    let mut seen: HashSet<&str> = HashSet::new();
    let mut chosen = Vec::new();
    for (own, index, leaf) in &all {
        let mut first = names.is_empty().then_some(0);
        if !names.is_empty() {
            // The name of a record selects each field of the record: `pos` selects `pos.x`.
            let records = own.match_indices('.').filter_map(|(dot, _)| own.get(..dot));
            for name in records.chain([own.as_str()]) {
                if let Some((position, found)) = wanted.get_mut(name) {
                    *found = true;
                    first = Some(first.map_or(*position, |first: usize| first.min(*position)));
                }
            }
        }
        let Some(position) = first else { continue };
        if !seen.insert(own) {
            return Err(FIELD_NAME_ERROR.error(repeated_name(own)));
        }
        chosen.push((position, *index, *leaf));
    }
    match names.iter().find(|name| wanted.get(name.as_str()).is_none_or(|(_, found)| !found)) {
        Some(missing) => {
            let mut known: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).take(LISTED_NAMES).collect();
            if all.len() > known.len() {
                known.push("...");
            }
            let known = known.join(", ");
            let known = abridge(known.as_bytes(), LISTED_BYTES);
            Err(objects::error::<PyKeyError>(format!("no field is called '{}': {known}", escape(missing))))
        }
        None => {
            // The columns are in the order of `names`.
            chosen.sort_by_key(|(position, ..)| *position);
            Ok(chosen.into_iter().map(|(_, index, leaf)| (index, leaf)).collect())
        }
    }
}

/// Describes one element of the column of `leaf`. `data` contains the copied values. Returns (type, size in bytes,
/// dimensions). `dimensions` is the number of dimensions of `data` in one element: 1 for text, because `data` stores
/// text as an array of code units, and 0 for a number.
fn element(leaf: &Leaf, data: &ColumnData) -> (Type, usize, usize) {
    let size = leaf.size();
    if let Some(bits) = leaf.bit_field() {
        return (bits.ty(), column_size(data), 0);
    }
    // The values of a user type, which the user type converts to numbers.
    match data {
        ColumnData::Bytes(_) => {}
        _ if leaf.ty() == Type::Opaque => return (leaf.value_type(), column_size(data), 0),
        _ => {}
    }
    match (leaf.ty(), data) {
        // The column owns no references to objects, so the addresses become opaque bytes.
        (Type::Object, ColumnData::Object32(_) | ColumnData::Object64(_)) => (Type::Void, size, 0),
        // Addresses become numbers in the column, so that no consumer follows them.
        (Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object, data) => match data {
            ColumnData::Address16(_) | ColumnData::Object16(_) => (Type::UInt16, 2, 0),
            ColumnData::Address32(_) | ColumnData::Object32(_) => (Type::UInt32, 4, 0),
            ColumnData::Address64(_) | ColumnData::Object64(_) => (Type::UInt64, 8, 0),
            _ => (Type::Bytes, size, 1),
        },
        (Type::Wchar, ColumnData::Ucs2(_)) => (Type::Ucs2, size, 1),
        (Type::Wchar, ColumnData::Ucs4(_)) => (Type::Ucs4, size, 1),
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

/// Returns `true` if the elements of a column have the user type `user`, and `false` if they have the numbers to which
/// `user` converts its values. No type of numbers has the dates of NumPy, integers of 128 bits, or the values of a type
/// that is registered without a type of its values.
fn keeps_type(user: UserType) -> bool {
    user.value_type() == Type::Opaque || is_date(user)
}

/// Returns the size in bytes of one number of the column `data`.
fn column_size(data: &ColumnData) -> usize {
    match data {
        ColumnData::Int16(_) | ColumnData::UInt16(_) => 2,
        ColumnData::Int32(_) | ColumnData::UInt32(_) | ColumnData::Float32(_) => 4,
        ColumnData::Int64(_) | ColumnData::UInt64(_) | ColumnData::Float64(_) => 8,
        _ => 1,
    }
}

/// Describes the column `column` with the name `name`. `column` contains the values of `leaf`. Returns an error if the
/// layout of the column has no plan.
fn column_item(py: Python<'_>, name: String, leaf: &Leaf, column: &decode::Column) -> PyResult<ColumnItem> {
    let (ty, size, dropped) = element(leaf, &column.data);
    // The format of a `bool` has no byte-order character.
    let endian = (ty.has_byte_order() && ty != Type::Bool).then_some(Endian::HOST);
    let size = u64::try_from(size)?;
    let layout = match ty {
        _ if let Some(user) = leaf.user_type().filter(|user| keeps_type(*user)) => {
            let mut builder = LayoutBuilder::new(user.size(), &DataModel::HOST);
            builder.user_type(MemberSpec::default(), user, Endian::HOST).map_err(PyErr::from)?;
            builder.finish()
        }
        Type::Bytes | Type::Ucs2 | Type::Ucs4 if leaf.ty() != Type::Object => {
            // The values of the column end where the values of the field end.
            let mut builder = LayoutBuilder::new(size, &DataModel::HOST);
            let scalar = Scalar { ty, size, endian: Endian::HOST };
            builder.text(MemberSpec::default(), scalar, leaf.nul_handling()).map_err(PyErr::from)?;
            builder.finish()
        }
        _ => Layout::of_one(ty, size, endian, &DataModel::HOST),
    };
    let dimensions = column.shape.len().saturating_sub(dropped);
    let shape = column.shape.iter().take(dimensions).map(|length| i64::try_from(*length));
    let shape = shape.collect::<Result<_, _>>()?;
    let name = objects::string(py, &name)?.cast_into()?.unbind();
    Ok(ColumnItem { name, shape, description: ItemDescription::of_layout(layout)? })
}

/// Creates a view that owns the memory of `column`. `shape` is the shape of the source view, and `known` describes the
/// column. Returns an error if there is no memory.
fn column_view(py: Python<'_>, shape: &[i64], known: &ColumnItem, column: decode::Column) -> PyResult<View> {
    let shape: Vec<i64> = shape.iter().chain(&known.shape).copied().collect();
    let mut data = column.data.into_units(known.description.plan().itemsize())?;
    let part = Part::of_column(&mut data, &shape, Arc::clone(&known.description))
        .ok_or_else(|| objects::error::<PyBufferError>("a column has other bytes than its shape"))?;
    Ok(View::new(part, Hold::of_column(py, data)?))
}
