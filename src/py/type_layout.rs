//! `type_layout`: returns the layout that an exporter's type declares for its items.

use crate::align::to_u64;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyAttributeError, PyLookupError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyWeakrefReference};

use super::cache::Cache;
use super::from_ctypes::{Ctypes, loaded};
use super::from_dtype::from_dtype;
use crate::abi::DataModel;
use crate::endian::Endian;
use crate::layout::{Dialect, Layout, Scalar, Type};

/// The layout that an exporter's type declares for its items.
pub struct TypeLayout {
    /// The layout of one item.
    pub layout: Layout,
    /// The dialect of the formats that exporters of this type report.
    pub dialect: &'static Dialect,
    /// The declaration that was read: `"numpy.dtype"`, `"ctypes"`, `"array.typecode"` or `"bytes"`.
    pub source: &'static str,
}

/// Returns the layout that the type of `obj` declares for the items of `obj`. `obj` can be a NumPy array or scalar, a
/// ctypes instance, an `array.array`, `bytes` or `bytearray`. For a `memoryview` of such an object that was not cast,
/// returns the layout of the object's items. Returns `None` for any other object, and for items that no layout
/// describes.
///
/// # Errors
/// - an exception that does not concern the object, such as `MemoryError` or `KeyboardInterrupt`: the exception is
///   returned unchanged
pub fn type_layout(obj: &Bound<'_, PyAny>) -> PyResult<Option<TypeLayout>> {
    match of_exporter(obj) {
        // The type is nested too deeply, has too many fields, or has attributes that were changed.
        Err(error) if means_no_layout(&error, obj.py()) => Ok(None),
        outcome => outcome,
    }
}

/// Returns `true` if `error` means that the object has no usable layout: `ValueError`, `TypeError`, `AttributeError`,
/// `LookupError`, `OverflowError` and their subclasses. Returns `false` for any other exception, such as `MemoryError`
/// or `KeyboardInterrupt`.
fn means_no_layout(error: &PyErr, py: Python<'_>) -> bool {
    error.is_instance_of::<PyValueError>(py)
        || error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyAttributeError>(py)
        || error.is_instance_of::<PyLookupError>(py)
        || error.is_instance_of::<PyOverflowError>(py)
}

/// Returns the layout of the items of `bytes`: one unsigned byte. Never returns `None` or an error: the return type is
/// that of the functions for other types.
fn of_bytes() -> PyResult<Option<TypeLayout>> {
    let byte = Scalar { ty: Type::UInt8, size: 1, endian: Endian::HOST };
    let layout = Layout::of_scalar(byte, &DataModel::HOST);
    Ok(Some(TypeLayout { layout, dialect: &Dialect::STRUCT, source: "bytes" }))
}

/// The way in which the type of an object declares the layout of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A memoryview. The type of its `obj` declares the layout.
    Memoryview,
    /// `bytes`, `bytearray` or `numpy.bytes_`. The items are bytes.
    Bytes,
    /// A NumPy array or scalar. Its dtype declares the layout.
    NumPy,
    /// An `array.array`. Its typecode declares the layout.
    Array,
    /// An instance of a ctypes class. The class declares the layout.
    Ctypes,
    /// An array or memoryview class that Cython compiles into each module. The class declares no layout, but the
    /// dialect of its formats is known.
    Cython,
    /// Any other object. Its type declares no layout.
    Other,
}

/// The largest number of cached kinds.
const KINDS: usize = 256;

/// The kinds of types by the address of the type. The weak reference shows that the address still belongs to
/// the same type. No Python code runs while the cache is locked.
static KNOWN: Mutex<Cache<usize, (Py<PyWeakrefReference>, Kind)>> = Mutex::new(Cache::new(KINDS, usize::MAX));

/// Returns whether the class of `obj` is exactly `bytes` or `bytearray`. Returns `false` for an instance of a
/// subclass.
#[inline]
pub(super) fn is_bytes(obj: &Bound<'_, PyAny>) -> bool {
    obj.is_exact_instance_of::<PyBytes>() || obj.is_exact_instance_of::<PyByteArray>()
}

/// Returns how the type of `obj` declares the layout of its items.
///
/// # Errors
/// - every error of [`type_layout`]
pub(super) fn kind(obj: &Bound<'_, PyAny>) -> PyResult<Kind> {
    if is_bytes(obj) {
        return Ok(Kind::Bytes);
    }
    if obj.is_exact_instance_of::<PyMemoryView>() {
        return Ok(Kind::Memoryview);
    }
    let ty = obj.get_type();
    let (address, reference) = (ty.as_ptr().addr(), PyWeakrefReference::new(ty.as_any())?);
    let hash = to_u64(address);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // While a type is alive, each request for a weak reference returns the same object. If the cached object is
    // `reference`, the address therefore belongs to the same type.
    if let Some((cached, kind)) = known.get(hash, |key| *key == address)
        && cached.is(&reference)
    {
        return Ok(*kind);
    }
    drop(known);
    let kind = match determine_kind(obj) {
        Err(error) if means_no_layout(&error, obj.py()) => Kind::Other,
        kind => kind?,
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let replaced = known.insert(hash, address, (reference.unbind(), kind), 1);
    drop(known);
    drop(replaced);
    Ok(kind)
}

/// Determines how the type of `obj` declares the layout of its items, without the cache. Returns an error if Python
/// code raises an exception.
fn determine_kind(obj: &Bound<'_, PyAny>) -> PyResult<Kind> {
    let py = obj.py();
    if let Some(numpy) = loaded(py, "numpy")? {
        for class in [intern!(py, "ndarray"), intern!(py, "generic")] {
            if obj.is_instance(&numpy.getattr(class)?)? {
                // `numpy.bytes_` is also a `bytes`, and exports the bytes of that base class.
                return Ok(if obj.is_instance_of::<PyBytes>() { Kind::Bytes } else { Kind::NumPy });
            }
        }
    }
    if let Some(array) = loaded(py, "array")?
        && obj.is_instance(&array.getattr("array")?)?
    {
        return Ok(Kind::Array);
    }
    if let Some(module) = loaded(py, "_ctypes")?
        && Ctypes::of(&module)?.is_data(&obj.get_type())?
    {
        return Ok(Kind::Ctypes);
    }
    let module = obj.get_type().module()?;
    Ok(if module.to_cow()? == "View.MemoryView" { Kind::Cython } else { Kind::Other })
}

/// Returns the dtype of `obj` if it is a NumPy array or scalar. Returns `None` for any other object.
///
/// # Errors
/// - every error of [`type_layout`]
pub(super) fn array_dtype<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    match numpy_dtype(obj) {
        Err(error) if means_no_layout(&error, obj.py()) => Ok(None),
        outcome => outcome,
    }
}

/// Returns the dtype of `obj` if it is a NumPy array or scalar. Returns `None` for any other object. Returns every
/// exception as an error.
fn numpy_dtype<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    static ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

    let py = obj.py();
    let dtype = intern!(py, "dtype");
    if ARRAY.get(py).is_some_and(|array| obj.get_type().is(array.bind(py))) {
        return obj.getattr(dtype).map(Some);
    }
    let Some(numpy) = loaded(py, "numpy")? else { return Ok(None) };
    let array = ARRAY.get_or_try_init(py, || numpy.getattr("ndarray").map(Bound::unbind))?.bind(py);
    if obj.get_type().is(array) {
        return obj.getattr(dtype).map(Some);
    }
    for class in [intern!(py, "ndarray"), intern!(py, "generic")] {
        let class = numpy.getattr(class)?;
        if obj.is_instance(&class)? {
            // A subclass may replace the attribute `dtype`. Hence the attribute of NumPy's class is read.
            return class.getattr(dtype)?.call_method1(intern!(py, "__get__"), (obj,)).map(Some);
        }
    }
    Ok(None)
}

/// Returns the layout that the type of `obj` declares for the items of `obj`. Returns `None` if the type declares no
/// layout. Returns every exception as an error.
fn of_exporter(obj: &Bound<'_, PyAny>) -> PyResult<Option<TypeLayout>> {
    let py = obj.py();
    match kind(obj)? {
        Kind::Memoryview => {
            let exporter = obj.getattr("obj")?;
            if exporter.is_none() || exporter.is_instance_of::<PyMemoryView>() {
                return Ok(None);
            }
            // `memoryview.cast` changes the format or the itemsize. After a cast, the layout of the exporter is not
            // that of the memoryview.
            let plain = PyMemoryView::from(&exporter)?;
            for attribute in ["format", "itemsize"] {
                if !obj.getattr(attribute)?.eq(plain.getattr(attribute)?)? {
                    return Ok(None);
                }
            }
            of_exporter(&exporter)
        }
        Kind::Bytes => of_bytes(),
        Kind::NumPy => {
            let Some(dtype) = numpy_dtype(obj)? else { return Ok(None) };
            let layout = from_dtype(&dtype)?;
            Ok(Some(TypeLayout { layout, dialect: &Dialect::NUMPY, source: "numpy.dtype" }))
        }
        Kind::Array => {
            let Some(array) = loaded(py, "array")? else { return Ok(None) };
            let typecode = array.getattr("array")?.getattr("typecode")?;
            let typecode: String = typecode.call_method1("__get__", (obj,))?.extract()?;
            let layout = Layout::read(typecode.as_bytes(), &Dialect::ARRAY, &DataModel::HOST)?;
            Ok(Some(TypeLayout { layout, dialect: &Dialect::ARRAY, source: "array.typecode" }))
        }
        Kind::Ctypes => {
            let Some(module) = loaded(py, "_ctypes")? else { return Ok(None) };
            let layout = Ctypes::of(&module)?.layout(&obj.get_type(), true)?;
            Ok(Some(TypeLayout { layout, dialect: &Dialect::CTYPES, source: "ctypes" }))
        }
        Kind::Cython | Kind::Other => Ok(None),
    }
}
