//! `View.__array_interface__`: describes the items to NumPy, even if no format describes their layout. `ItemMemory`
//! exports the bytes of the items.
#![allow(unsafe_code, reason = "exports the bytes of a view")]

use std::ffi::c_int;

use pep3118::__private::arguments;
use pep3118::layout::Type;
use pep3118::name;
use pep3118::py::{BufferExporter, ObjectReferences};
use pep3118::view::View as Geometry;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit, ffi};

use super::hold::{Hold, Pin};
use super::part::Part;
use crate::dtype::{has_dtype, to_dtype};
use crate::objects::{self, into_result};
use crate::tuple_builder::of_numbers;

/// Returns the value of `View.__array_interface__` for the items of `part`: a dict of version 3.
///
/// `data` is an object that exports the bytes of all items, and not an address. NumPy keeps a reference to this object.
/// The object keeps the memory from being released, even after the view is released. If a list of fields cannot
/// describe the record, `descr` is a dtype, which NumPy accepts in place of a list.
///
/// # Errors
/// - access to the items follows pointers, or the items refer to objects that the memory does not own: `AttributeError`
/// - NumPy has no dtype for the items: `AttributeError`
/// - NumPy is not installed: `ImportError`
pub(super) fn array_interface<'py>(
    py: Python<'py>,
    part: &Part,
    hold: &Hold,
    pin: &Pin<'_>,
) -> PyResult<Bound<'py, PyDict>> {
    let (description, view) = (part.description(), part.view());
    let is_object = |leaf: &pep3118::decode::Leaf| leaf.ty() == Type::Object;
    let has_foreign_objects =
        description.objects() != ObjectReferences::Memory && description.plan().leaves().iter().any(is_object);
    let refused = |reason: &str| {
        Err(objects::error::<PyAttributeError>(format!("View has no __array_interface__ here: {reason}")))
    };
    if view.is_indirect() {
        return refused("the items are reached through pointers; .tobytes() copies them");
    }
    if has_foreign_objects {
        return refused("the items have references to objects that the memory does not own; .tolist() reads them");
    }
    if !has_dtype(description.layout()) {
        return refused("NumPy has no dtype for the items; .tolist() and .columns() read them");
    }
    let (shape, strides) = dimensions_of_numbers(part)?;
    let dtype = to_dtype(py, description.layout())?;
    let base = dtype.getattr(name!(py, "base"))?;
    let (memory, offset) = ItemMemory::new(py, part, hold, pin)?;
    let interface = objects::dict(py)?;
    interface.set_item(name!(py, "version"), into_result(py, objects::int(py, 3))?)?;
    interface.set_item(name!(py, "shape"), of_numbers(py, &shape)?)?;
    interface.set_item(name!(py, "strides"), of_numbers(py, &strides)?)?;
    let descr = descr(&base)?;
    // NumPy does not read the string of every type of another package, such as `<W4` of `complex32`. Beside a dtype in
    // `descr`, NumPy reads only the size of the string.
    let typestr = if descr.is(&base) {
        objects::string(py, &format!("|V{}", description.item().size()))?
    } else {
        base.getattr(name!(py, "str"))?
    };
    interface.set_item(name!(py, "typestr"), typestr)?;
    interface.set_item(name!(py, "descr"), descr)?;
    interface.set_item(name!(py, "data"), Bound::new(py, memory)?)?;
    interface.set_item(name!(py, "offset"), into_result(py, objects::int(py, offset))?)?;
    Ok(interface)
}

/// Returns (lengths, strides) of the dimensions of `part`, followed by the dimensions of the array in each item. The
/// strides are in bytes.
pub(super) fn dimensions_of_numbers(part: &Part) -> PyResult<(Vec<i64>, Vec<i64>)> {
    let (item, view) = (part.description().item(), part.view());
    let (mut shape, mut strides) = (view.shape().to_vec(), view.strides().to_vec());
    let outer = strides.len();
    let mut stride = item.size();
    for length in item.shape().iter().rev() {
        shape.insert(outer, i64::try_from(*length)?);
        strides.insert(outer, i64::try_from(stride)?);
        stride = stride.saturating_mul(*length);
    }
    Ok((shape, strides))
}

/// Returns `dtype.descr` if NumPy creates `dtype` from this list, and otherwise `dtype` itself. The list cannot
/// describe overlapping fields or types of other packages. NumPy also reads the padding in the list as fields.
fn descr<'py>(dtype: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = dtype.py();
    let list = match dtype.getattr(name!(py, "descr")) {
        Ok(list) => list,
        Err(error) if objects::is_refusal(&error, py) => return Ok(dtype.clone()),
        Err(error) => return Err(error),
    };
    // For a dtype without fields, NumPy reads the type string. `descr` then contains one entry: an empty name and this
    // string.
    let is_record = !dtype.getattr(name!(py, "names"))?.is_none();
    let read = if is_record { list.clone() } else { dtype.getattr(name!(py, "str"))? };
    match py.import(name!(py, "numpy"))?.call_method1(name!(py, "dtype"), arguments(py, [&read])?) {
        Ok(read) if read.eq(dtype)? => Ok(list),
        Ok(_) => Ok(dtype.clone()),
        Err(error) if objects::is_refusal(&error, py) => Ok(dtype.clone()),
        Err(error) => Err(error),
    }
}

/// Exports the bytes from the first to the last byte of the items of a view. A consumer of the array interface keeps a
/// reference to this object, and the object keeps the buffer from being released.
#[pyclass(frozen, name = "_ItemMemory", module = "pep3118")]
pub(super) struct ItemMemory {
    exporter: BufferExporter,
    hold: Hold,
}

impl ItemMemory {
    /// Creates the object for the items of `part`. Also returns the distance in bytes from the first byte of the memory
    /// to the first item.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    fn new(py: Python<'_>, part: &Part, hold: &Hold, pin: &Pin<'_>) -> PyResult<(Self, i64)> {
        let (low, high) = part.view().byte_bounds();
        let (shape, readonly) = ([high.saturating_sub(low)], part.view().readonly());
        let bytes = Geometry::of_validated(1, readonly, low, &shape, &[1], None);
        // SAFETY: (a) By the INVARIANT of `Part` the bytes of the items are in one block of memory, which is readable
        // until the buffer is released. `hold` is a reference to the buffer that lives as long as this object. (b) The
        // part is writable only if the exporter of its buffer reported writable memory.
        let exporter = unsafe { BufferExporter::with_format(&bytes, part.buf(), Some(b"B")) };
        Ok((Self { exporter, hold: hold.share(py, pin)? }, part.view().offset().saturating_sub(low)))
    }
}

#[pymethods]
impl ItemMemory {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) The interpreter passes a `Py_buffer` that may be written to. (b) `slf` owns `exporter`, and the
        // filled buffer has a reference to `slf`.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) `fill` has filled in `view`, and the interpreter releases each `Py_buffer` once.
        unsafe { self.exporter.release(view) }
    }

    // The class has no `__clear__`, because the memory must stay valid while a consumer refers to this object.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.hold.traverse(&visit)
    }
}
