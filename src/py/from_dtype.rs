//! `from_dtype`: reads the layout of a NumPy dtype.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::abi::DataModel;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Layout, LayoutBuilder, MemberSpec, Scalar, Type};
use crate::text::escape;

/// Returns the layout of `dtype`, a `numpy.dtype`. Each field has the offset that the dtype declares. NumPy's titles
/// of fields are left out.
///
/// # Errors
/// - `dtype` is not a `numpy.dtype`: `TypeError`
/// - `datetime64[s]`, of which NumPy exports no buffer: `ValueError`
pub fn from_dtype(dtype: &Bound<'_, PyAny>) -> PyResult<Layout> {
    let py = dtype.py();
    let class = py.import("numpy")?.getattr("dtype")?;
    if !dtype.is_instance(&class)? {
        let name = dtype.get_type().name()?;
        let name = escape(&*name.to_string_lossy()).into_owned();
        return Err(PyTypeError::new_err(format!("{name} is not a numpy.dtype")));
    }
    let mut builder = LayoutBuilder::new(dtype.getattr("itemsize")?.extract()?, &DataModel::HOST);
    if dtype.getattr("isalignedstruct")?.is_truthy()? {
        builder.align(Align::new(dtype.getattr("alignment")?.extract()?).unwrap_or(Align::ONE));
    }
    add(&mut builder, dtype, None, 0)?;
    Ok(builder.finish())
}

/// Adds a field of the type `dtype` to `builder`. `name` is the name of the field, or `None` if the field has no
/// name. `offset` is the offset in bytes in the enclosing record. Returns an error if NumPy exports no buffer of
/// `dtype`, or if the builder rejects the field. The builder limits the depth of the recursion.
fn add(builder: &mut LayoutBuilder, dtype: &Bound<'_, PyAny>, name: Option<&[u8]>, offset: u64) -> PyResult<()> {
    let mut dtype = dtype.clone();
    let mut shape: Vec<u64> = Vec::new();
    // NumPy merges a subarray of a subarray, so its dtypes have at most one subarray.
    loop {
        let subdtype = dtype.getattr("subdtype")?;
        if subdtype.is_none() {
            break;
        }
        let (base, extents): (Bound<'_, PyAny>, Vec<u64>) = subdtype.extract()?;
        shape.extend(extents);
        dtype = base;
    }
    let member = MemberSpec { name, offset, shape: &shape };
    let size: u64 = dtype.getattr("itemsize")?.extract()?;
    let names: Option<Vec<Bound<'_, PyString>>> = dtype.getattr("names")?.extract()?;
    let Some(names) = names else {
        return Ok(builder.value(member, scalar(&dtype, size)?)?);
    };
    builder.open(member, size)?;
    if !names.is_empty() {
        let fields = dtype.getattr("fields")?;
        for name in names {
            let field = fields.get_item(&name)?;
            let offset: u64 = field.get_item(1)?.extract()?;
            add(builder, &field.get_item(0)?, Some(name.to_str()?.as_bytes()), offset)?;
        }
    }
    builder.close();
    Ok(())
}

/// Returns the scalar type of `dtype`, which must have neither fields nor a subarray. `size` is its itemsize in bytes.
/// Returns an error if no format describes the type, as for `datetime64[s]`.
fn scalar(dtype: &Bound<'_, PyAny>, size: u64) -> PyResult<Scalar> {
    let text = |attribute| dtype.getattr(attribute)?.extract::<String>();
    let endian = match text("byteorder")?.as_str() {
        "<" => Endian::Little,
        ">" => Endian::Big,
        _ => Endian::HOST,
    };
    let (kind, char) = (text("kind")?, text("char")?);
    // A dtype that a user defines has a letter too, but the letter does not describe the values.
    let foreign = dtype.getattr("isbuiltin")?.extract::<i64>()? == 2;
    if char == "T" {
        return Err(PyValueError::new_err(format!(
            "dtype {dtype} stores its text outside of the array, so the items have no text: use array.astype(object)"
        )));
    }
    let ty = match (kind.as_str(), char.as_str(), size) {
        ("M" | "m", ..) => None,
        _ if foreign => Some(Type::Opaque),
        ("b", ..) => Some(Type::Bool),
        ("i", _, 1) => Some(Type::Int8),
        ("i", _, 2) => Some(Type::Int16),
        ("i", _, 4) => Some(Type::Int32),
        ("i", _, 8) => Some(Type::Int64),
        ("u", _, 1) => Some(Type::UInt8),
        ("u", _, 2) => Some(Type::UInt16),
        ("u", _, 4) => Some(Type::UInt32),
        ("u", _, 8) => Some(Type::UInt64),
        ("f", "e", _) => Some(Type::Float16),
        ("f", "f", _) => Some(Type::Float32),
        ("f", "d", _) => Some(Type::Float64),
        ("f", "g", _) => Some(Type::LongDouble),
        ("c", "F", _) => Some(Type::Complex64),
        ("c", "D", _) => Some(Type::Complex128),
        ("c", "G", _) => Some(Type::ComplexLongDouble),
        ("S", ..) => Some(Type::Bytes),
        ("U", ..) => Some(Type::Ucs4),
        ("V", ..) => Some(Type::Void),
        ("O", ..) => Some(Type::Object),
        _ => None,
    };
    let ty = ty.ok_or_else(|| {
        PyValueError::new_err(format!("dtype {dtype} has no place in a format, and NumPy exports no buffer of it"))
    })?;
    Ok(Scalar { ty, size, endian })
}
