//! `from_dtype`: reads the layout of a NumPy dtype. `endian_of`: returns the byte order for a byte-order character of
//! NumPy.

use super::fallible;
use crate::name;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::abi::DataModel;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Layout, LayoutBuilder, MemberSpec, NulHandling, Scalar, Type, UserType, scalar_of_kind};
use crate::text::escape;

/// Returns the layout of `dtype`, a `numpy.dtype`. Each field has the offset that the dtype declares. NumPy's titles of
/// fields are left out. A value of a type that another package defines is opaque, unless the package is `ml_dtypes`.
///
/// # Errors
/// - `dtype` is not a `numpy.dtype`: `TypeError`
/// - `StringDType`, whose text is outside of the array, or another type that no format describes: `ValueError`
/// - the records are nested too deeply: `ValueError`
pub fn from_dtype(dtype: &Bound<'_, PyAny>) -> PyResult<Layout> {
    let py = dtype.py();
    let class = py.import(name!(py, "numpy"))?.getattr(name!(py, "dtype"))?;
    if !dtype.is_instance(&class)? {
        let name = dtype.get_type().name()?;
        let name = escape(&*name.to_string_lossy()).into_owned();
        return Err(fallible::error::<PyTypeError>(format!("{name} is not a numpy.dtype")));
    }
    let mut builder = LayoutBuilder::new(dtype.getattr(name!(py, "itemsize"))?.extract()?, &DataModel::HOST);
    if dtype.getattr(name!(py, "isalignedstruct"))?.is_truthy()? {
        builder.align(Align::new(dtype.getattr(name!(py, "alignment"))?.extract()?).unwrap_or(Align::ONE));
    }
    add(&mut builder, dtype, None, 0)?;
    Ok(builder.finish())
}

/// Adds a field of the type `dtype` to `builder`. `name` is the name of the field, or `None` if the field has no name.
/// `offset` is the offset in bytes in the enclosing record. Returns an error if no format describes `dtype`, or if the
/// builder rejects the field. The builder limits the depth of the recursion.
fn add(builder: &mut LayoutBuilder, dtype: &Bound<'_, PyAny>, name: Option<&[u8]>, offset: u64) -> PyResult<()> {
    let mut dtype = dtype.clone();
    let mut shape: Vec<u64> = Vec::new();
    // NumPy merges a subarray of a subarray, so its dtypes have at most one subarray.
    loop {
        let subdtype = dtype.getattr(name!(dtype.py(), "subdtype"))?;
        if subdtype.is_none() {
            break;
        }
        let (base, lengths): (Bound<'_, PyAny>, Vec<u64>) = subdtype.extract()?;
        shape.extend(lengths);
        dtype = base;
    }
    let member = MemberSpec { name, offset, shape: &shape };
    let size: u64 = dtype.getattr(name!(dtype.py(), "itemsize"))?.extract()?;
    let names: Option<Vec<Bound<'_, PyString>>> = dtype.getattr(name!(dtype.py(), "names"))?.extract()?;
    let Some(names) = names else {
        if let Some(user) = user_type(&dtype)? {
            let order: String = dtype.getattr(name!(dtype.py(), "byteorder"))?.extract()?;
            builder.user_type(member, user, endian_of(&order))?;
            return Ok(());
        }
        let scalar = scalar(&dtype, size)?;
        // NumPy removes the NULs at the end of `S` and `U`.
        match scalar.ty {
            Type::Bytes | Type::Ucs4 => builder.text(member, scalar, NulHandling::StripTrailing)?,
            _ => builder.value(member, scalar)?,
        }
        return Ok(());
    };
    builder.open(member, size)?;
    if !names.is_empty() {
        let fields = dtype.getattr(name!(dtype.py(), "fields"))?;
        for name in names {
            let field = fields.get_item(&name)?;
            let offset: u64 = field.get_item(1)?.extract()?;
            add(builder, &field.get_item(0)?, Some(name.to_str()?.as_bytes()), offset)?;
        }
    }
    builder.close();
    Ok(())
}

/// Returns the user type of `dtype` if `dtype` is a date, a duration or a type of the package `ml_dtypes`. Registers
/// the user type of a multiple of a unit, such as `datetime64[25s]`. Returns `None` for any other dtype.
fn user_type(dtype: &Bound<'_, PyAny>) -> PyResult<Option<UserType>> {
    let kind: String = dtype.getattr(name!(dtype.py(), "kind"))?.extract()?;
    let name = match kind.as_str() {
        "M" | "m" => {
            let text: String = dtype.getattr(name!(dtype.py(), "str"))?.extract()?;
            let unit = text.split_once('[').and_then(|(_, unit)| unit.strip_suffix(']'));
            let kind = if kind == "M" { "datetime64" } else { "timedelta64" };
            unit.map_or_else(|| kind.to_owned(), |unit| format!("{kind}${unit}"))
        }
        _ if dtype.getattr(name!(dtype.py(), "isbuiltin"))?.extract::<i64>()? == 2 => {
            let Some(name) = ml_dtypes_class(dtype)? else { return Ok(None) };
            name
        }
        _ => return Ok(None),
    };
    match UserType::by_name(name.as_bytes()) {
        // A multiple of a unit is another type, such as 25 seconds in `datetime64[25s]`. NumPy limits the multiples,
        // and thus the number of such types.
        None if matches!(kind.as_str(), "M" | "m") => Ok(Some(UserType::register_ticks(name)?)),
        found => Ok(found),
    }
}

/// Returns the name of the class of the values of `dtype`, such as `bfloat16`. Returns `None` if the class is not of the
/// package `ml_dtypes`.
fn ml_dtypes_class(dtype: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let class = dtype.getattr(name!(dtype.py(), "type"))?;
    let module: String = class.getattr(name!(class.py(), "__module__"))?.extract()?;
    if module == "ml_dtypes" { class.getattr(name!(class.py(), "__name__"))?.extract().map(Some) } else { Ok(None) }
}

/// Returns the scalar type of `dtype`, which must have neither fields nor a subarray. `size` is its itemsize in bytes.
/// The type is `Opaque` if another package defines it, except for `complex32` of `ml_dtypes`. Returns a `ValueError` if
/// no format describes the type, as for `StringDType`.
fn scalar(dtype: &Bound<'_, PyAny>, size: u64) -> PyResult<Scalar> {
    let text = |attribute| dtype.getattr(fallible::text(dtype.py(), attribute)?)?.extract::<String>();
    let (kind, char, order) = (text("kind")?, text("char")?, text("byteorder")?);
    // A dtype that a user defines has a letter too, but the letter does not describe the values.
    let foreign = dtype.getattr(name!(dtype.py(), "isbuiltin"))?.extract::<i64>()? == 2;
    let is_complex32 = foreign && ml_dtypes_class(dtype)?.as_deref() == Some("complex32");
    if char == "T" {
        return Err(fallible::error::<PyValueError>(format!(
            "dtype {dtype} stores its text outside of the array, so the items have no text: use array.astype(object)"
        )));
    }
    let scalar = match (kind.as_str(), char.as_str()) {
        _ if is_complex32 => Some(Scalar { ty: Type::Complex32, size, endian: endian_of(&order) }),
        _ if foreign => Some(Scalar { ty: Type::Opaque, size, endian: endian_of(&order) }),
        // On some machines, a `long double` has the size of a `double`.
        ("f", "g") => Some(Scalar { ty: Type::LongDouble, size, endian: endian_of(&order) }),
        ("c", "G") => Some(Scalar { ty: Type::ComplexLongDouble, size, endian: endian_of(&order) }),
        (kind, _) => scalar_of_kind(kind, size, endian_of(&order), &DataModel::HOST),
    };
    scalar.ok_or_else(|| {
        fallible::error::<PyValueError>(format!(
            "dtype {dtype} has no place in a format, and NumPy exports no buffer of it: use array.view('i8')"
        ))
    })
}

/// Returns the byte order for NumPy's character `order`: `<`, `>`, or any other character for the byte order of this
/// machine.
pub(super) fn endian_of(order: &str) -> Endian {
    match order {
        "<" => Endian::Little,
        ">" => Endian::Big,
        _ => Endian::HOST,
    }
}
