//! Layouts as dicts and lists, and back: the pickles of formats that were made from types.

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::objects::{self, into_result};
use pep3118::__private::escape;
use pep3118::Align;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, LayoutBuilder, MemberSpec, Scalar, Type};

/// A layout as `{"itemsize", "alignment", "fields"}`. Each field is a dict too.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn to_dict<'py>(py: Python<'py>, layout: &Layout) -> PyResult<Bound<'py, PyDict>> {
    let tree = PyDict::new(py);
    tree.set_item("itemsize", layout.size())?;
    tree.set_item("alignment", layout.align().bytes())?;
    tree.set_item("fields", fields_to_list(py, layout.fields())?)?;
    Ok(tree)
}

// The recursion is as deep as records are nested, at most 64 levels.
fn fields_to_list<'py, 'l>(py: Python<'py>, fields: impl Iterator<Item = Field<'l>>) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for field in fields {
        let node = PyDict::new(py);
        node.set_item("name", field.name().map(|name| into_result(py, objects::bytes(py, name))).transpose()?)?;
        node.set_item("offset", field.offset())?;
        node.set_item("shape", field.shape())?;
        node.set_item("type", field.ty().as_str())?;
        node.set_item("itemsize", field.size())?;
        node.set_item("endian", field.endian().map(|endian| endian.as_str()))?;
        if field.ty() == Type::Record {
            node.set_item("fields", fields_to_list(py, field.fields())?)?;
        }
        list.append(node)?;
    }
    Ok(list)
}

/// The layout of a dict of [`to_dict`]. A pickle may come from anywhere, so the layout is checked like that of a
/// format or a type.
///
/// # Errors
/// - a field outside of its record, an `int32` of 3 bytes, an alignment of 3: `ValueError`
/// - an item of 2**63 bytes: `ValueError`
/// - a missing key, or a value of another type: `KeyError`, `TypeError`, `OverflowError`
pub(super) fn from_dict(tree: &Bound<'_, PyDict>, model: &DataModel) -> PyResult<Layout> {
    let size: u64 = get(tree, "itemsize")?.extract()?;
    if size > model.ssize_max() {
        return Err(PyValueError::new_err(format!("an item of {size} bytes is too large for the data model {model}")));
    }
    let mut builder = LayoutBuilder::new(size, model);
    let align: u64 = get(tree, "alignment")?.extract()?;
    let not_a_power = || PyValueError::new_err(format!("the alignment {align} is not a power of two"));
    builder.align(Align::new(align).ok_or_else(not_a_power)?);
    add_fields(&mut builder, &get(tree, "fields")?)?;
    Ok(builder.finish())
}

fn get<'py>(tree: &Bound<'py, PyDict>, key: &'static str) -> PyResult<Bound<'py, PyAny>> {
    tree.get_item(key)?.ok_or_else(|| PyKeyError::new_err(key))
}

// The recursion is as deep as the builder lets records be nested.
fn add_fields(builder: &mut LayoutBuilder, fields: &Bound<'_, PyAny>) -> PyResult<()> {
    for node in fields.try_iter()? {
        let node = node?.cast_into::<PyDict>()?;
        let name: Option<Vec<u8>> = get(&node, "name")?.extract()?;
        let shape: Vec<u64> = get(&node, "shape")?.extract()?;
        let member = MemberSpec { name: name.as_deref(), offset: get(&node, "offset")?.extract()?, shape: &shape };
        let size = get(&node, "itemsize")?.extract()?;
        let ty: String = get(&node, "type")?.extract()?;
        let unknown = || PyValueError::new_err(format!("unknown type `{}`", escape(&ty)));
        let ty = Type::by_name(&ty).ok_or_else(unknown)?;
        if ty == Type::Record {
            builder.open(member, size)?;
            add_fields(builder, &get(&node, "fields")?)?;
            builder.close();
        } else {
            let endian = match get(&node, "endian")?.extract::<Option<String>>()?.as_deref() {
                Some("little") => Endian::Little,
                Some("big") => Endian::Big,
                // The type has no byte order.
                None => Endian::HOST,
                Some(other) => return Err(PyValueError::new_err(format!("unknown byte order `{}`", escape(other)))),
            };
            builder.value(member, Scalar { ty, size, endian })?;
        }
    }
    Ok(())
}
