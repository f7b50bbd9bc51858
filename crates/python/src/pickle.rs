//! Layouts as plain objects and back, for pickles.

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use pep3118::__private::escape;
use pep3118::Align;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, LayoutBuilder, MemberSpec, Scalar, Type};

/// `{"itemsize", "alignment", "fields"}`, each field a dict as well.
pub(super) fn of_layout<'py>(py: Python<'py>, layout: &Layout) -> PyResult<Bound<'py, PyDict>> {
    let tree = PyDict::new(py);
    tree.set_item("itemsize", layout.size())?;
    tree.set_item("alignment", layout.align().bytes())?;
    tree.set_item("fields", of_fields(py, layout.fields())?)?;
    Ok(tree)
}

// As deep as records are nested, which the builder bounds.
fn of_fields<'py, 'l>(py: Python<'py>, fields: impl Iterator<Item = Field<'l>>) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for field in fields {
        let node = PyDict::new(py);
        node.set_item("name", field.name().map(|name| PyBytes::new(py, name)))?;
        node.set_item("offset", field.offset())?;
        node.set_item("shape", field.shape())?;
        node.set_item("type", field.ty().as_str())?;
        node.set_item("itemsize", field.size())?;
        node.set_item("endian", field.endian().map(|endian| endian.as_str()))?;
        if field.ty() == Type::Record {
            node.set_item("fields", of_fields(py, field.fields())?)?;
        }
        list.append(node)?;
    }
    Ok(list)
}

/// The way back. Everything is checked again: a pickle is as foreign as any bytes.
pub(super) fn to_layout(tree: &Bound<'_, PyDict>, model: &DataModel) -> PyResult<Layout> {
    let mut builder = LayoutBuilder::new(get(tree, "itemsize")?.extract()?, model);
    let align: u64 = get(tree, "alignment")?.extract()?;
    builder.align(Align::new(align).ok_or_else(|| PyValueError::new_err("an alignment is a power of two"))?);
    to_fields(&mut builder, &get(tree, "fields")?)?;
    Ok(builder.finish())
}

fn get<'py>(tree: &Bound<'py, PyDict>, key: &'static str) -> PyResult<Bound<'py, PyAny>> {
    tree.get_item(key)?.ok_or_else(|| PyKeyError::new_err(key))
}

// As deep as the builder lets records be nested.
fn to_fields(builder: &mut LayoutBuilder, fields: &Bound<'_, PyAny>) -> PyResult<()> {
    for node in fields.try_iter()? {
        let node = node?.cast_into::<PyDict>()?;
        let name: Option<Vec<u8>> = get(&node, "name")?.extract()?;
        let shape: Vec<u64> = get(&node, "shape")?.extract()?;
        let member = MemberSpec { name: name.as_deref(), offset: get(&node, "offset")?.extract()?, shape: &shape };
        let size = get(&node, "itemsize")?.extract()?;
        let word: String = get(&node, "type")?.extract()?;
        let ty =
            Type::by_name(&word).ok_or_else(|| PyValueError::new_err(format!("unknown type `{}`", escape(&word))))?;
        if ty == Type::Record {
            builder.open(member, size)?;
            to_fields(builder, &get(&node, "fields")?)?;
            builder.close();
        } else {
            let endian = match get(&node, "endian")?.extract::<Option<String>>()?.as_deref() {
                Some("big") => Endian::Big,
                _ => Endian::Little,
            };
            builder.value(member, Scalar { ty, size, endian })?;
        }
    }
    Ok(())
}
