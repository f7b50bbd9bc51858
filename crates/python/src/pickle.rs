//! Converts layouts to dicts and dicts to layouts. `pickle` stores a `Format` without a format string as such a dict.

use pep3118::name;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::objects::{self, into_result};
use crate::short_sequence::ShortSequence;
use crate::tuple_builder::list;
use pep3118::__private::{arguments, escape, text};
use pep3118::Align;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{BitField, Field, Layout, LayoutBuilder, MemberSpec, NulHandling, Scalar, Type, UserType};

/// Converts `layout` to a dict with the keys `itemsize`, `alignment` and `fields`. `fields` is a list of dicts.
///
/// # Errors
/// - the memory is exhausted: `MemoryError`
pub(super) fn to_dict<'py>(py: Python<'py>, layout: &Layout) -> PyResult<Bound<'py, PyDict>> {
    let tree = objects::dict(py)?;
    tree.set_item(name!(py, "itemsize"), objects::number(py, layout.size())?)?;
    tree.set_item(name!(py, "alignment"), objects::number(py, layout.align().bytes())?)?;
    tree.set_item(name!(py, "fields"), fields_to_list(py, layout.fields())?)?;
    Ok(tree)
}

/// Converts `fields` to a list of dicts. The recursion is at most 64 calls deep, because a layout has at most 64 levels
/// of nested records. Returns a `MemoryError` if there is no memory.
fn fields_to_list<'py, 'l>(py: Python<'py>, fields: impl Iterator<Item = Field<'l>>) -> PyResult<Bound<'py, PyList>> {
    let nodes = list(py, std::iter::empty())?;
    for field in fields {
        let node = objects::dict(py)?;
        node.set_item(
            name!(py, "name"),
            field.name().map(|name| into_result(py, objects::bytes(py, name))).transpose()?,
        )?;
        node.set_item(name!(py, "offset"), objects::number(py, field.offset())?)?;
        node.set_item(
            name!(py, "shape"),
            list(py, field.shape().iter().map(|length| objects::unsigned(py, *length)))?,
        )?;
        node.set_item(name!(py, "type"), text(py, field.ty().as_str())?)?;
        node.set_item(name!(py, "itemsize"), objects::number(py, field.size())?)?;
        node.set_item(name!(py, "endian"), field.endian().map(|endian| text(py, endian.as_str())).transpose()?)?;
        if let Some(bits) = field.bit_field() {
            node.set_item(name!(py, "bits"), bits_tuple(py, bits)?)?;
        }
        if let Some(user) = field.user_type() {
            node.set_item(name!(py, "user_type"), text(py, user.name())?)?;
        }
        if is_text(field.ty()) {
            node.set_item(name!(py, "nuls"), text(py, field.nul_handling().as_str())?)?;
        }
        if field.ty() == Type::Record {
            node.set_item(name!(py, "fields"), fields_to_list(py, field.fields())?)?;
        }
        nodes.append(node)?;
    }
    Ok(nodes)
}

/// Returns (type, offset, width) of `bits` as a tuple. Returns a `MemoryError` if there is no memory.
pub(super) fn bits_tuple(py: Python<'_>, bits: BitField) -> PyResult<Bound<'_, PyTuple>> {
    let [offset, width] = [bits.offset(), bits.width()].map(|number| objects::number(py, number.into()));
    arguments(py, [&objects::string(py, bits.ty().as_str())?, &offset?, &width?])
}

/// Converts `tree`, a dict in the form that [`to_dict`] returns, to a layout for `model`. All values are checked,
/// because `tree` comes from a pickle, and a pickle can contain any values.
///
/// # Errors
/// - a value is impossible, such as an `int32` of 3 bytes, a field outside of its record or a user type that is not
///   registered: `ValueError`
/// - the item is larger than `model` allows: `ValueError`
/// - a key is missing: `KeyError`
/// - a value has the wrong type or is out of range: `TypeError`, `OverflowError`
pub(super) fn from_dict(tree: &Bound<'_, PyDict>, model: &DataModel) -> PyResult<Layout> {
    let size: u64 = get(tree, "itemsize")?.extract()?;
    if size > model.ssize_max() {
        return Err(objects::error::<PyValueError>(format!(
            "an item of {size} bytes is too large for the data model {model}"
        )));
    }
    let mut builder = LayoutBuilder::new(size, model);
    let align: u64 = get(tree, "alignment")?.extract()?;
    let not_a_power = || objects::error::<PyValueError>(format!("the alignment {align} is not a power of two"));
    builder.align(Align::new(align).ok_or_else(not_a_power)?);
    add_fields(&mut builder, &get(tree, "fields")?)?;
    Ok(builder.finish())
}

/// Returns `true` if values of the type `ty` are text or bytes, whose NULs need a rule ([`NulHandling`]).
fn is_text(ty: Type) -> bool {
    matches!(ty, Type::Bytes | Type::Ucs2 | Type::Ucs4 | Type::Wchar)
}

/// Returns the value of `key` in `tree`. Returns a `KeyError` if the key is missing.
fn get<'py>(tree: &Bound<'py, PyDict>, key: &'static str) -> PyResult<Bound<'py, PyAny>> {
    tree.get_item(text(tree.py(), key)?)?.ok_or_else(|| objects::error::<PyKeyError>(key))
}

/// Adds `fields`, a list of dicts, to the open record of `builder`. The recursion is bounded, because `builder` refuses
/// more than 64 levels of nested records. Returns an error if a value is wrong.
fn add_fields(builder: &mut LayoutBuilder, fields: &Bound<'_, PyAny>) -> PyResult<()> {
    for node in fields.try_iter()? {
        let node = node?.cast_into::<PyDict>()?;
        let py = node.py();
        let name: Option<Bound<'_, PyBytes>> = get(&node, "name")?.extract()?;
        let ShortSequence(shape) = get(&node, "shape")?.extract::<ShortSequence<u64>>()?;
        let name = name.as_ref().map(|name| name.as_bytes());
        let member = MemberSpec { name, offset: get(&node, "offset")?.extract()?, shape: &shape };
        let size = get(&node, "itemsize")?.extract()?;
        let ty: String = get(&node, "type")?.extract()?;
        let unknown = || objects::error::<PyValueError>(format!("unknown type `{}`", escape(&ty)));
        let ty = Type::by_name(&ty).ok_or_else(unknown)?;
        if ty == Type::Record {
            builder.open(member, size)?;
            add_fields(builder, &get(&node, "fields")?)?;
            builder.close();
        } else {
            let endian = match get(&node, "endian")?.extract::<Option<String>>()?.as_deref() {
                Some("little") => Endian::Little,
                Some("big") => Endian::Big,
                // `to_dict` writes None only for a type without byte order. If a pickle has None for another type, the
                // field gets the byte order of this machine.
                None => Endian::HOST,
                Some(other) => {
                    return Err(objects::error::<PyValueError>(format!("unknown byte order `{}`", escape(other))));
                }
            };
            if let Some(bits) = node.get_item(name!(py, "bits"))? {
                let (name, offset, width): (String, u8, u8) = bits.extract()?;
                let bits = Type::by_name(&name).and_then(|ty| BitField::new(ty, offset, width));
                let bits = bits.filter(|bits| ty == Type::Bits && bits.size() == size);
                let impossible = || objects::error::<PyValueError>(format!("{size} bytes have no such bit-field"));
                builder.bit_field(member, bits.ok_or_else(impossible)?, endian)?;
            } else if let Some(user) = node.get_item(name!(py, "user_type"))? {
                let name: String = user.extract()?;
                let user = UserType::by_name(name.as_bytes()).filter(|user| ty == Type::Opaque && user.size() == size);
                let unknown = || {
                    let name = escape(&name);
                    objects::error::<PyValueError>(format!("no user type '{name}' of {size} bytes is registered"))
                };
                builder.user_type(member, user.ok_or_else(unknown)?, endian)?;
            } else if let Some(nuls) = node.get_item(name!(py, "nuls"))? {
                let name: String = nuls.extract()?;
                let unknown = || objects::error::<PyValueError>(format!("unknown rule for NULs `{}`", escape(&name)));
                builder.text(member, Scalar { ty, size, endian }, NulHandling::by_name(&name).ok_or_else(unknown)?)?;
            } else {
                builder.value(member, Scalar { ty, size, endian })?;
            }
        }
    }
    Ok(())
}
