//! What the type of an exporter says about its items, beside what its format says.
//!
//! Some formats are wrong and cannot be seen to be: NumPy leaves out the end of a record in an array of
//! records, ctypes knows no bit-fields. The type knows better.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::layout::{Field, Layout, Type};
use crate::py::errors::FormatError;

/// Whoever wrote a format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    NumPy,
    Ctypes,
}

/// Compares the layout of a format with the type of the exporter that wrote it.
pub(super) fn verify(exporter: &Bound<'_, PyAny>, writer: Writer, layout: &Layout, format: &[u8]) -> PyResult<()> {
    let item = layout.item();
    // Only of records are there places that a format can be wrong about.
    if item.ty() != Type::Record {
        return Ok(());
    }
    let told = match writer {
        Writer::NumPy => dtype(&exporter.getattr("dtype")?, item, "the item"),
        Writer::Ctypes => {
            let mut kind = exporter.get_type().into_any();
            // The dimensions of an array are those of the buffer.
            while let Some(element) = kind.getattr_opt("_length_")?.and(kind.getattr_opt("_type_")?) {
                kind = element;
            }
            let sizeof = exporter.py().import("ctypes")?.getattr("sizeof")?;
            ctype(&kind, &sizeof, item, "the item")
        }
    };
    match told? {
        None => Ok(()),
        Some(lie) => Err(FormatError::new_err(format!(
            "format `{}` is wrong: {lie}\nhelp: give the right one, View(obj, format=...)",
            format.escape_ascii()
        ))),
    }
}

/// The first thing that the format has wrong.
type Lie = Option<String>;

fn compare(name: &str, what: &str, format: u64, truth: u64) -> Lie {
    (format != truth).then(|| format!("it says that {name} {what} {format} bytes, its type says {truth}"))
}

fn fields_differ(name: &str, format: usize, truth: usize) -> Lie {
    (format != truth).then(|| format!("it says that {name} has {format} fields, its type says {truth}"))
}

// As deep as structures are nested in the format, which the parser bounds.
fn dtype(dtype: &Bound<'_, PyAny>, field: Field<'_>, name: &str) -> PyResult<Lie> {
    let mut dtype = dtype.clone();
    let mut shape: Vec<u64> = Vec::new();
    let subdtype = dtype.getattr("subdtype")?;
    if !subdtype.is_none() {
        (dtype, shape) = subdtype.extract()?;
    }
    let size: u64 = dtype.getattr("itemsize")?.extract()?;
    if let Some(lie) = shapes_differ(name, field, &shape).or_else(|| compare(name, "has", field.size(), size)) {
        return Ok(Some(lie));
    }
    let names = dtype.getattr("names")?;
    if names.is_none() {
        return Ok((field.ty() == Type::Record).then(|| format!("it says that {name} is a record")));
    }
    let (names, fields): (Vec<Bound<'_, PyAny>>, _) = (names.extract()?, dtype.getattr("fields")?);
    if let Some(lie) = fields_differ(name, field.fields().count(), names.len()) {
        return Ok(Some(lie));
    }
    for (inner, name) in field.fields().zip(names) {
        let entry = fields.get_item(&name)?;
        let (inner_dtype, offset) = (entry.get_item(0)?, entry.get_item(1)?.extract()?);
        let name = format!("field {}", name.repr()?);
        let lie = match compare(&name, "begins after", inner.offset(), offset) {
            None => self::dtype(&inner_dtype, inner, &name)?,
            lie => lie,
        };
        if lie.is_some() {
            return Ok(lie);
        }
    }
    Ok(None)
}

fn shapes_differ(name: &str, field: Field<'_>, truth: &[u64]) -> Lie {
    let format = field.shape();
    (format != truth).then(|| format!("it says that {name} has shape {format:?}, its type says {truth:?}"))
}

fn ctype(kind: &Bound<'_, PyAny>, sizeof: &Bound<'_, PyAny>, field: Field<'_>, name: &str) -> PyResult<Lie> {
    let mut kind = kind.clone();
    let mut shape: Vec<u64> = Vec::new();
    // Arrays of arrays; a type cannot contain itself.
    while let (Some(length), Some(element)) = (kind.getattr_opt("_length_")?, kind.getattr_opt("_type_")?) {
        shape.push(length.extract()?);
        kind = element;
    }
    let size: u64 = sizeof.call1((&kind,))?.extract()?;
    if let Some(lie) = shapes_differ(name, field, &shape).or_else(|| compare(name, "has", field.size(), size)) {
        return Ok(Some(lie));
    }
    let kind = kind.cast_into::<PyType>().map_err(|_| PyValueError::new_err("a field of no ctypes type"))?;
    let mro: Vec<Bound<'_, PyType>> = kind.getattr("__mro__")?.extract()?;
    for base in &mro {
        if base.module()?.to_cow()? == "_ctypes" && base.name()?.to_cow()? == "Union" {
            return Ok(Some(format!("it has no word for {name}, which is a union")));
        }
    }
    let mut inside = field.fields();
    let mut fields = 0_usize;
    for owner in mro.iter().rev() {
        let own = owner.getattr("__dict__")?;
        let Ok(described) = own.get_item("_fields_") else { continue };
        for entry in described.try_iter()? {
            let entry = entry?.extract::<Bound<'_, PyTuple>>()?;
            let own_name = entry.get_item(0)?;
            let name = format!("field {}", own_name.repr()?);
            if entry.len() > 2 {
                return Ok(Some(format!("it has no word for {name}, which is some bits")));
            }
            fields = fields.saturating_add(1);
            let Some(inner) = inside.next() else { continue };
            let offset = own.get_item(&own_name)?.getattr("offset")?.extract()?;
            let lie = match compare(&name, "begins after", inner.offset(), offset) {
                None => ctype(&entry.get_item(1)?, sizeof, inner, &name)?,
                lie => lie,
            };
            if lie.is_some() {
                return Ok(lie);
            }
        }
    }
    Ok(fields_differ(name, field.fields().count(), fields))
}
