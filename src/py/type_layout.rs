//! What an exporter's items are, told by its type and not by its format.

use pyo3::exceptions::{PyAttributeError, PyLookupError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use super::from_ctypes::{Ctypes, loaded};
use super::from_dtype::from_dtype;
use crate::abi::DataModel;
use crate::endian::Endian;
use crate::layout::{Dialect, Layout, Scalar, Type};

/// What is known of an exporter's items without its format.
pub struct TypeLayout {
    /// The items.
    pub layout: Layout,
    /// How exporters of this kind spell their formats.
    pub dialect: &'static Dialect,
    /// Who says so: `"numpy.dtype"`, `"ctypes"`, `"array.typecode"`, `"bytes"`.
    pub source: &'static str,
}

/// The items of a NumPy array or scalar, of a ctypes instance, of an `array.array`, of bytes, or of a
/// `memoryview` of one of them that was not cast; `None` for everything else, and for what no layout
/// can tell.
///
/// # Errors
/// What Python code raises on the way, if it is about memory or an interrupt.
pub fn type_layout(obj: &Bound<'_, PyAny>) -> PyResult<Option<TypeLayout>> {
    match of_exporter(obj) {
        // Too deep, too many, or attributes changed behind a class's back: nothing is known.
        Err(error) if is_of_data(&error, obj.py()) => Ok(None),
        outcome => outcome,
    }
}

/// Whether an exception is about what was looked at, and not about memory or an interrupt.
fn is_of_data(error: &PyErr, py: Python<'_>) -> bool {
    error.is_instance_of::<PyValueError>(py)
        || error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyAttributeError>(py)
        || error.is_instance_of::<PyLookupError>(py)
        || error.is_instance_of::<PyOverflowError>(py)
}

fn of_bytes() -> PyResult<Option<TypeLayout>> {
    let byte = Scalar { ty: Type::UInt8, size: 1, endian: Endian::HOST };
    let layout = Layout::of_scalar(byte, &DataModel::HOST);
    Ok(Some(TypeLayout { layout, dialect: &Dialect::STRUCT, source: "bytes" }))
}

/// The dtype of the memory of a NumPy array; `None` of everything else.
///
/// # Errors
/// As [`type_layout`].
pub fn array_dtype<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    match numpy_dtype(obj) {
        Err(error) if is_of_data(&error, obj.py()) => Ok(None),
        _ if obj.is_instance_of::<PyBytes>() => Ok(None),
        outcome => outcome,
    }
}

/// The dtype of a NumPy array or scalar.
fn numpy_dtype<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = obj.py();
    let Some(numpy) = loaded(py, "numpy")? else { return Ok(None) };
    for class in [intern!(py, "ndarray"), intern!(py, "generic")] {
        let class = numpy.getattr(class)?;
        let dtype = intern!(py, "dtype");
        if obj.get_type().is(&class) {
            return obj.getattr(dtype).map(Some);
        }
        if obj.is_instance(&class)? {
            // The base class's own: a subclass may show another dtype than the memory has.
            return class.getattr(dtype)?.call_method1(intern!(py, "__get__"), (obj,)).map(Some);
        }
    }
    Ok(None)
}

fn of_exporter(obj: &Bound<'_, PyAny>) -> PyResult<Option<TypeLayout>> {
    let py = obj.py();
    if obj.is_instance_of::<PyMemoryView>() {
        let exporter = obj.getattr("obj")?;
        if exporter.is_none() || exporter.is_instance_of::<PyMemoryView>() {
            return Ok(None);
        }
        // A cast shows in the format or in the itemsize.
        let plain = PyMemoryView::from(&exporter)?;
        for attribute in ["format", "itemsize"] {
            if !obj.getattr(attribute)?.eq(plain.getattr(attribute)?)? {
                return Ok(None);
            }
        }
        return of_exporter(&exporter);
    }
    if obj.is_exact_instance_of::<PyBytes>() || obj.is_exact_instance_of::<PyByteArray>() {
        return of_bytes();
    }
    if let Some(dtype) = numpy_dtype(obj)? {
        if obj.is_instance_of::<PyBytes>() {
            // `numpy.bytes_` shares the bytes of its other base class.
            return of_bytes();
        }
        let layout = from_dtype(&dtype)?;
        return Ok(Some(TypeLayout { layout, dialect: &Dialect::NUMPY, source: "numpy.dtype" }));
    }
    if let Some(array) = loaded(py, "array")? {
        let class = array.getattr("array")?;
        if obj.is_instance(&class)? {
            let typecode: String = class.getattr("typecode")?.call_method1("__get__", (obj,))?.extract()?;
            let layout = Layout::read(typecode.as_bytes(), &Dialect::ARRAY, &DataModel::HOST)?;
            return Ok(Some(TypeLayout { layout, dialect: &Dialect::ARRAY, source: "array.typecode" }));
        }
    }
    if let Some(module) = loaded(py, "_ctypes")? {
        let ctypes = Ctypes::of(&module)?;
        let class = obj.get_type();
        if ctypes.is_data(&class)? {
            let layout = ctypes.layout(&class, true)?;
            return Ok(Some(TypeLayout { layout, dialect: &Dialect::CTYPES, source: "ctypes" }));
        }
    }
    Ok(None)
}
