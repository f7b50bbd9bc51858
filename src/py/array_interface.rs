//! Reads objects that export no buffer, but have an `__array_interface__` whose memory is a buffer, such as the images
//! of Pillow.
//!
//! Any Python code can create an `__array_interface__`, which is a dict. An address in the dict can be wrong, so an
//! address is refused. The memory must be an object that exports a buffer, and every item is compared with the bounds
//! of this buffer.

use std::ffi::c_int;
use std::sync::Arc;

use super::fallible::{self, arguments};
use crate::name;
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::acquire::{Acquired, SharedView};
use super::from_ctypes::loaded;
use super::from_dtype::{endian_of, from_dtype};
use super::item_description::ItemDescription;
use super::open_buffer::OpenBuffer;
use super::open_error::OpenError;
use crate::abi::DataModel;
use crate::align::to_u64;
use crate::layout::{Layout, Type, scalar_of_kind};
use crate::text::{escape, plural};
use crate::view::{Block, Checker, RawView, Request};

/// The maximum number of dimensions of a `Py_buffer`: `PyBUF_MAX_NDIM` (A13, range of `ndim`).
const MAX_NDIM: usize = 64;

/// Opens the memory of the `__array_interface__` of `object`. Returns `None` if `object` has no `__array_interface__`.
///
/// # Errors
/// - the memory is given as an address, or has a mask: `BufferError`
/// - an item is outside of the memory: `BufferError`
/// - the interface violates NumPy's specification: `TypeError` or `ValueError`
/// - no layout describes the items: `ValueError`
pub(super) fn open_array_interface(object: &Bound<'_, PyAny>) -> Result<Option<OpenBuffer>, OpenError> {
    let py = object.py();
    let Some(interface) = object.getattr_opt(name!(py, "__array_interface__"))? else { return Ok(None) };
    let interface = interface.cast_into::<PyDict>().map_err(|_| refused("is not a dict"))?;
    let get = |key: &str| Ok::<_, PyErr>(interface.get_item(key)?.filter(|value| !value.is_none()));
    let required = |key: &str| get(key)?.ok_or_else(|| refused(&format!("has no '{key}'")));
    if get("mask")?.is_some() {
        return Err(fallible::error::<PyBufferError>(
            "the __array_interface__ has a mask, which a View does not apply",
        )
        .into());
    }
    let shape = dimensions(&required("shape")?)?;
    let strides = get("strides")?.map(|strides| dimensions(&strides)).transpose()?;
    if let Some(strides) = &strides
        && strides.len() != shape.len()
    {
        let (strides, dimensions) = (plural(to_u64(strides.len()), "stride"), plural(to_u64(shape.len()), "dimension"));
        return Err(fallible::error::<PyBufferError>(format!(
            "the __array_interface__ has {strides} for {dimensions}"
        ))
        .into());
    }
    let offset: i64 = get("offset")?.map(|offset| offset.extract()).transpose()?.unwrap_or_default();
    let layout = layout_of(&required("typestr")?.extract::<String>()?, get("descr")?.as_ref())?;
    let item = ItemDescription::of_layout(layout.clone())?;
    let data = get("data")?.filter(|data| !data.is_instance_of::<pyo3::types::PyTuple>());
    let Some(data) = data else {
        return Err(fallible::error::<PyBufferError>(
            "the __array_interface__ gives the memory as an address, which can be wrong: use numpy.asarray(obj), if \
             you trust the object",
        )
        .into());
    };
    let acquired = Acquired::new(&data, Request::SIMPLE)?;
    let itemsize = i64::try_from(layout.size()).map_err(|_| refused("has an item that is too large"))?;
    let items = shape.iter().try_fold(1_i64, |items, length| items.checked_mul(*length));
    let len = if shape.contains(&0) { Some(0) } else { items.and_then(|items| items.checked_mul(itemsize)) };
    let raw = RawView {
        len: len.ok_or_else(|| refused("has more bytes than the address space"))?,
        itemsize,
        readonly: c_int::from(acquired.raw().readonly != 0),
        ndim: i32::try_from(shape.len()).map_err(|_| refused("has too many dimensions"))?,
        shape: (!shape.is_empty()).then_some(&shape),
        strides: strides.as_deref(),
        ..RawView::default()
    };
    let memory = Some(Block { len: acquired.raw().len, offset });
    let view = Checker { memory, ..Checker::DEFAULT }.check(&raw, None).into_result().map_err(OpenError::Rules)?;
    let offset = isize::try_from(offset).map_err(|_| refused("has an offset outside of the address space"))?;
    let shared = SharedView::at_offset(acquired, view.without_format(), offset);
    Ok(Some(OpenBuffer::new(shared, Arc::clone(&item))))
}

/// Returns the numbers in `sequence`, a shape or strides.
///
/// PyO3's conversion to a `Vec` allocates memory for the length that the sequence reports. For `range(2**40)`, this
/// allocation aborts the process.
///
/// # Errors
/// - more than 64 entries: `BufferError`
/// - an entry that is not an integer: `TypeError`
fn dimensions(sequence: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    let mut numbers = Vec::new();
    for number in sequence.try_iter()? {
        if numbers.len() == MAX_NDIM {
            let message = format!("the __array_interface__ has more than {MAX_NDIM} dimensions");
            return Err(fallible::error::<PyBufferError>(message));
        }
        numbers.push(number?.extract()?);
    }
    Ok(numbers)
}

/// Returns the `TypeError` for an interface that violates NumPy's specification. `what` completes the sentence "the
/// `__array_interface__` …".
fn refused(what: &str) -> PyErr {
    fallible::error::<PyTypeError>(format!("the __array_interface__ {what}"))
}

/// Returns the layout of items with the type string `typestr`, such as `<f4`. `descr` has the fields of a record, and
/// NumPy converts `descr` to a dtype. If NumPy is not imported, `descr` is ignored, and the record is one void value.
/// Returns a `ValueError` if no layout describes the items, or if the items refer to objects.
fn layout_of(typestr: &str, descr: Option<&Bound<'_, PyAny>>) -> PyResult<Layout> {
    let unknown = || {
        let shown = escape(typestr);
        fallible::error::<PyValueError>(format!(
            "no layout describes items of the typestr '{shown}' of an __array_interface__"
        ))
    };
    let (order, rest) = typestr.split_at_checked(1).ok_or_else(unknown)?;
    if !["<", ">", "|", "="].contains(&order) {
        return Err(unknown());
    }
    let (kind, size) = rest.split_at_checked(1).ok_or_else(unknown)?;
    let size: u64 = size.parse().map_err(|_| unknown())?;
    if let ("V", Some(descr)) = (kind, descr)
        && let Some(numpy) = loaded(descr.py(), "numpy")?
    {
        let layout = from_dtype(&numpy.call_method1(name!(descr.py(), "dtype"), arguments(descr.py(), [descr])?)?)?;
        let has_objects = layout.leaves().any(|(_, leaf)| leaf.ty() == Type::Object);
        // The `descr` of a value without fields is a list of one field without a name.
        if layout.size() == size && !has_objects {
            return Ok(layout);
        }
        return Err(unknown());
    }
    // Units of NumPy's text have 4 bytes, and the number in the type string counts the units.
    let size = if kind == "U" { size.checked_mul(4).ok_or_else(unknown)? } else { size };
    let scalar = scalar_of_kind(kind, size, endian_of(order), &DataModel::HOST);
    let scalar = scalar.filter(|scalar| scalar.ty != Type::Object).ok_or_else(unknown)?;
    Ok(Layout::of_scalar(scalar, &DataModel::HOST))
}
