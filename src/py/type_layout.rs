//! `type_layout`: returns the layout that an exporter's type declares for its items. Caches the kind of each class, and
//! the items of ctypes classes.

use crate::align::to_u64;
use std::sync::{Arc, Mutex, PoisonError};

use super::fallible::arguments;
use crate::name;
use pyo3::exceptions::{PyAttributeError, PyLookupError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyType, PyWeakrefReference};

use super::cache::{CACHED_BYTES, Cache};
use super::from_ctypes::{Ctypes, loaded};
use super::from_dtype::from_dtype;
use super::item_description::ItemDescription;
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
/// ctypes instance, an `array.array`, `bytes` or `bytearray`. For a `memoryview` of one of these objects, returns the
/// layout of the object's items, unless the memoryview was cast. Returns `None` for any other object, and for items
/// that no layout describes.
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

/// Returns the layout of the items of `bytes`: one unsigned byte. Never returns `None` or an error. The return type is
/// the same as for the other types of exporters.
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

/// The largest number of known classes.
const KINDS: usize = 256;

/// The cached facts about a class.
struct Known {
    /// A weak reference to the class. If the class is alive, the address of the class still belongs to this class.
    class: Py<PyWeakrefReference>,
    kind: Kind,
    /// The description of the items of all instances, if the class is a ctypes class whose instance was opened.
    items: Option<ClassItems>,
}

/// The description of the items that a ctypes class declares.
struct ClassItems {
    /// The format and the itemsize in bytes that the opened instance of the class reported.
    format: Option<Box<[u8]>>,
    itemsize: i64,
    item: Arc<ItemDescription>,
}

/// The known classes by the address of the class. No Python code runs while the cache is locked.
static KNOWN: Mutex<Cache<usize, Known>> = Mutex::new(Cache::new(KINDS, CACHED_BYTES));

/// Calls `read` with the cached facts about `class`, and returns the result. Returns `None` if no facts are cached, or
/// if the address belonged to another class. `read` must not run Python code.
#[inline]
fn known<R>(class: &Bound<'_, PyType>, read: impl FnOnce(&Known) -> R) -> Option<R> {
    let address = class.as_ptr().addr();
    let mut cache = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = cache.get(to_u64(address), |key| *key == address)?;
    // The reference that `upgrade` returns is not the last reference, because the caller holds `class`.
    let alive = known.class.bind(class.py()).upgrade().is_some_and(|cached| cached.is(class));
    alive.then(|| read(known))
}

/// Stores the kind `kind` and the items `items` of `class` in the cache. Returns an error if the class does not support
/// weak references.
fn remember(class: &Bound<'_, PyType>, kind: Kind, items: Option<ClassItems>) -> PyResult<()> {
    let address = class.as_ptr().addr();
    let cost = items.as_ref().map_or(1, |items| items.item.cost());
    let known = Known { class: PyWeakrefReference::new(class.as_any())?.unbind(), kind, items };
    let mut cache = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let replaced = cache.insert(to_u64(address), address, known, cost);
    drop(cache);
    drop(replaced);
    Ok(())
}

/// Returns the kind of the type of `obj`. If the type is a ctypes class whose instances were opened before, also
/// returns the description of the items. `format` and `itemsize` are the format and the itemsize in bytes of the buffer
/// of `obj`.
///
/// # Errors
/// - every error of [`type_layout`]
#[inline]
pub(super) fn declaration(
    obj: &Bound<'_, PyAny>,
    format: Option<&[u8]>,
    itemsize: i64,
) -> PyResult<(Kind, Option<Arc<ItemDescription>>)> {
    let found = known(&obj.get_type(), |known| {
        let same = |items: &&ClassItems| items.itemsize == itemsize && items.format.as_deref() == format;
        (known.kind, known.items.as_ref().filter(same).map(|items| Arc::clone(&items.item)))
    });
    match found {
        Some(found) => Ok(found),
        None => Ok((kind(obj)?, None)),
    }
}

/// Stores `item`, the description of the items of all instances of the ctypes class `class`. `format` and `itemsize`
/// are the format and the itemsize in bytes of the buffer of an instance. Returns an error if the class has no weak
/// references.
pub(super) fn remember_items(
    class: &Bound<'_, PyType>,
    format: Option<&[u8]>,
    itemsize: i64,
    item: &Arc<ItemDescription>,
) -> PyResult<()> {
    let items = ClassItems { format: format.map(Box::from), itemsize, item: Arc::clone(item) };
    remember(class, Kind::Ctypes, Some(items))
}

/// Returns whether the class of `obj` is exactly `bytes` or `bytearray`. Returns `false` for an instance of a
/// subclass.
#[inline]
pub(super) fn is_bytes(obj: &Bound<'_, PyAny>) -> bool {
    obj.is_exact_instance_of::<PyBytes>() || obj.is_exact_instance_of::<PyByteArray>()
}

/// Returns the kind of the type of `obj`, from the cache if possible.
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
    let class = obj.get_type();
    if let Some(kind) = known(&class, |known| known.kind) {
        return Ok(kind);
    }
    let kind = match determine_kind(obj) {
        Err(error) if means_no_layout(&error, obj.py()) => Kind::Other,
        kind => kind?,
    };
    remember(&class, kind, None)?;
    Ok(kind)
}

/// Determines the kind of the type of `obj` without the cache. Returns an error if Python code raises an exception.
fn determine_kind(obj: &Bound<'_, PyAny>) -> PyResult<Kind> {
    let py = obj.py();
    if let Some(numpy) = loaded(py, "numpy")? {
        for class in [name!(py, "ndarray"), name!(py, "generic")] {
            if obj.is_instance(&numpy.getattr(class)?)? {
                // `numpy.bytes_` is also a `bytes`, and exports the bytes of that base class.
                return Ok(if obj.is_instance_of::<PyBytes>() { Kind::Bytes } else { Kind::NumPy });
            }
        }
    }
    if let Some(array) = loaded(py, "array")?
        && obj.is_instance(&array.getattr(name!(py, "array"))?)?
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
    let dtype = name!(py, "dtype");
    if ARRAY.get(py).is_some_and(|array| obj.get_type().is(array.bind(py))) {
        return obj.getattr(dtype).map(Some);
    }
    let Some(numpy) = loaded(py, "numpy")? else { return Ok(None) };
    let array = ARRAY.get_or_try_init(py, || numpy.getattr(name!(py, "ndarray")).map(Bound::unbind))?.bind(py);
    if obj.get_type().is(array) {
        return obj.getattr(dtype).map(Some);
    }
    for class in [name!(py, "ndarray"), name!(py, "generic")] {
        let class = numpy.getattr(class)?;
        if obj.is_instance(&class)? {
            // A subclass may replace the attribute `dtype`. Hence the attribute of NumPy's class is read.
            return class.getattr(dtype)?.call_method1(name!(py, "__get__"), arguments(py, [obj])?).map(Some);
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
            let exporter = obj.getattr(name!(py, "obj"))?;
            if exporter.is_none() || exporter.is_instance_of::<PyMemoryView>() {
                return Ok(None);
            }
            // `memoryview.cast` changes the format or the itemsize. After a cast, the memoryview does not have the
            // layout of the exporter.
            let plain = PyMemoryView::from(&exporter)?;
            for attribute in [name!(py, "format"), name!(py, "itemsize")] {
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
            let typecode = array.getattr(name!(py, "array"))?.getattr(name!(py, "typecode"))?;
            let typecode: String = typecode.call_method1(name!(py, "__get__"), arguments(py, [obj])?)?.extract()?;
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
