//! `dtype_from_pep3118`, and NumPy's dtypes from layouts. NumPy is imported when the first dtype is made.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::cache::{Cache, hash};
use crate::field::default_name;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Field, Layout, Type};

/// `numpy.dtype`.
fn dtype_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "numpy", "dtype")
}

/// The dtype of the items of a layout, with the same offsets, itemsize and values. An address is an unsigned
/// integer, as NumPy's `P` is.
///
/// # Errors
/// - without NumPy: `ImportError`
/// - a type without a dtype (UCS-2 text, Pascal strings, complex numbers of float16, bits, user types), or the
///   `long double` of another machine: `NotImplementedError`
/// - a layout that NumPy refuses (the same name twice, more than 2 GB): `ValueError`
pub(super) fn to_dtype<'py>(py: Python<'py>, layout: &Layout) -> PyResult<Bound<'py, PyAny>> {
    field_dtype(py, layout.item(), b"")
}

/// The last byte before the type of a field, without byte-order characters and spaces, and the first byte of the
/// type.
fn bytes_around_type(field: Field<'_>, format: &[u8]) -> (Option<u8>, Option<u8>) {
    let start = field.span().start();
    let before = format.get(..start).unwrap_or_default();
    let before = before.iter().rev().find(|byte| !b"@=<>!^ ".contains(byte));
    (before.copied(), format.get(start).copied())
}

/// The dtype of a field. `format` is the format that the layout was read from; empty if there is none.
fn field_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let element = element_dtype(py, field, format)?;
    let shape = field.shape();
    let array = |element, shape: &[u64]| dtype_class(py)?.call1(((element, PyTuple::new(py, shape)?),));
    match shape {
        [] => Ok(element),
        // `(2)3i` is an array of arrays, which NumPy does not merge to `(2,3)i`.
        [outer @ .., count]
            if !outer.is_empty() && bytes_around_type(field, format).0.is_some_and(|byte| byte.is_ascii_digit()) =>
        {
            array(array(element, std::slice::from_ref(count))?, outer)
        }
        _ if field.ty() == Type::Record => array(element, shape),
        _ => cached(py, field, shape, || array(element, shape)),
    }
}

fn element_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match field.ty() {
        Type::Record => record_dtype(py, field, format),
        // A dtype cannot express the type that a pointer points to.
        Type::Pointer if bytes_around_type(field, format).1 == Some(b'&') => Err(unrepresentable(field)),
        _ => cached(py, field, &[], || {
            let name = dtype_name(field).ok_or_else(|| unrepresentable(field))?;
            dtype_class(py)?.call1((name,))
        }),
    }
}

/// A scalar type of this machine, and the shape of an array of it.
#[derive(PartialEq)]
struct DtypeKey {
    ty: Type,
    size: u64,
    endian: Option<Endian>,
    shape: Box<[u64]>,
}

/// Dtypes without fields. Nothing in them can be changed, so all callers share them.
static WITHOUT_FIELDS: Mutex<Cache<DtypeKey, Py<PyAny>>> = Mutex::new(Cache::new(256, 1 << 16));

/// The dtype of the scalars of a field in a shape, made by `make` if it is not cached.
fn cached<'py>(
    py: Python<'py>,
    field: Field<'_>,
    shape: &[u64],
    make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (ty, size, endian) = (field.ty(), field.size(), field.endian());
    if *field.model() != DataModel::HOST {
        return make();
    }
    let order = match endian {
        None => 0,
        Some(Endian::Little) => 1,
        Some(Endian::Big) => 2,
    };
    let shape_hash = hash(shape, b"");
    let hash = hash(&[size, order, shape_hash], ty.as_str().as_bytes());
    let is = |key: &DtypeKey| (key.ty, key.size, key.endian) == (ty, size, endian) && *key.shape == *shape;
    // No Python code runs under the lock.
    let found = {
        let mut cache = WITHOUT_FIELDS.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(hash, is).map(|dtype| dtype.clone_ref(py))
    };
    if let Some(found) = found {
        return Ok(found.into_bound(py));
    }
    let dtype = make()?;
    let key = DtypeKey { ty, size, endian, shape: shape.into() };
    let cost = size_of_val(shape).saturating_add(64);
    let value = dtype.clone().unbind();
    let replaced = WITHOUT_FIELDS.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, key, value, cost);
    drop(replaced);
    Ok(dtype)
}

/// The exception for a type without a dtype, with the message of NumPy's reader.
fn unrepresentable(field: Field<'_>) -> PyErr {
    let (code, what) = match field.ty() {
        Type::Ucs2 => ("u", "UCS-2 strings"),
        Type::Pascal => ("p", "Pascal strings"),
        Type::Complex32 => ("Ze", "complex numbers of float16"),
        Type::Bits => ("t", "bitfields"),
        Type::Function => ("X", "function pointers"),
        Type::Pointer | Type::CharPointer | Type::WcharPointer => ("&", "pointers"),
        Type::Opaque => ("[", "user types"),
        ty => (ty.as_str(), "of another machine"),
    };
    PyNotImplementedError::new_err(format!("Unrepresentable PEP 3118 data type '{code}' ({what})"))
}

/// NumPy's byte-order character.
fn byte_order(field: Field<'_>) -> char {
    match field.endian() {
        None => '|',
        Some(Endian::Little) => '<',
        Some(Endian::Big) => '>',
    }
}

/// The name of a scalar type in NumPy, such as `<i4` or `|S3`; `None` if there is none, and for records.
fn dtype_name(field: Field<'_>) -> Option<String> {
    // The kind and the size of a unit of strings, text and void, whose names have a length.
    let sized = match field.ty() {
        Type::Bytes => Some(('S', 1)),
        Type::Void => Some(('V', 1)),
        Type::Ucs4 => Some(('U', 4)),
        Type::Wchar if field.model().wchar == 4 => Some(('U', 4)),
        _ => None,
    };
    if let Some((kind, unit)) = sized {
        return Some(format!("{}{kind}{}", byte_order(field), field.size().checked_div(unit)?));
    }
    // A reference has the byte order of the machine, and its name has none.
    let order = if field.ty() == Type::Object { '|' } else { byte_order(field) };
    fixed_size_name(field).map(|name| format!("{order}{name}"))
}

/// The name of a type of one size, without the byte order.
fn fixed_size_name(field: Field<'_>) -> Option<&'static str> {
    // NumPy has the `long double` of the machine that it was compiled for.
    let has_own_long_double = || field.model().long_double == DataModel::HOST.long_double;
    Some(match (field.ty(), field.size()) {
        (Type::Bool, 1) => "?",
        (Type::Char, 1) => "S1",
        (Type::Int8, 1) => "i1",
        (Type::UInt8, 1) => "u1",
        (Type::Int16, 2) => "i2",
        (Type::UInt16, 2) => "u2",
        (Type::Int32, 4) => "i4",
        (Type::UInt32, 4) => "u4",
        (Type::Int64, 8) => "i8",
        (Type::UInt64, 8) => "u8",
        (Type::Float16, 2) => "f2",
        (Type::Float32, 4) => "f4",
        (Type::Float64, 8) => "f8",
        (Type::Complex64, 8) => "c8",
        (Type::Complex128, 16) => "c16",
        (Type::LongDouble, _) if has_own_long_double() => "g",
        (Type::ComplexLongDouble, _) if has_own_long_double() => "G",
        (Type::Pointer, 4) => "u4",
        (Type::Pointer, 8) => "u8",
        (Type::Object, _) if field.model().pointer == DataModel::HOST.pointer => "O",
        _ => return None,
    })
}

fn record_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut default_names = DefaultNames::of(field);
    let (mut names, mut formats, mut offsets) = (Vec::with_capacity(8), Vec::with_capacity(8), Vec::with_capacity(8));
    // The end of the last field, while the fields have no gaps and a list of fields can express them.
    let mut packed = Some(0);
    for child in field.fields() {
        let name = match child.name().map(std::str::from_utf8) {
            Some(Ok(name)) => PyString::from_bytes(py, name.as_bytes())?,
            _ => {
                let name = child.name_text().unwrap_or_else(|| default_names.next());
                PyString::from_bytes(py, name.as_bytes())?
            }
        };
        // NumPy replaces an empty name in a list of fields.
        let can_be_listed = child.total_size() > 0 && child.name() != Some(b"");
        packed = packed.filter(|end| child.offset() == *end && can_be_listed);
        packed = packed.and_then(|end: u64| end.checked_add(child.total_size()));
        names.push(name);
        formats.push(field_dtype(py, child, format)?);
        offsets.push(child.offset());
    }
    if packed == Some(field.size()) && !names.is_empty() {
        // NumPy reads a list of fields in three quarters of the time.
        let fields: Vec<_> = names.into_iter().zip(formats).collect();
        return dtype_class(py)?.call1((fields,));
    }
    let description = PyDict::new(py);
    description.set_item(intern!(py, "names"), names)?;
    description.set_item(intern!(py, "formats"), formats)?;
    description.set_item(intern!(py, "offsets"), offsets)?;
    description.set_item(intern!(py, "itemsize"), field.size())?;
    dtype_class(py)?.call1((description,))
}

/// Names for the fields of a record that have none: `f0`, `f1` and so on, without the names of other fields.
struct DefaultNames {
    taken: HashSet<String>,
    next: usize,
}

impl DefaultNames {
    fn of(record: Field<'_>) -> Self {
        let needed = record.fields().any(|field| field.name().is_none());
        let taken = if needed { record.fields().filter_map(Field::name_text).collect() } else { HashSet::new() };
        Self { taken, next: 0 }
    }

    fn next(&mut self) -> String {
        loop {
            let name = default_name(self.next);
            self.next = self.next.saturating_add(1);
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}

/// The longest format that is cached, in bytes.
const CACHED_LEN: usize = 4096;

/// Dtypes with fields by their formats. A format that was read once has no dtype yet: most formats are read
/// once, and the copy of a dtype takes longer than the look-up.
static WITH_FIELDS: Mutex<Cache<Box<str>, Option<Py<PyAny>>>> = Mutex::new(Cache::new(256, 256 * CACHED_LEN));

/// Returns the dtype of a format, as NumPy reads it, also of formats that NumPy refuses.
///
/// >>> from pep3118.numpy import dtype_from_pep3118
/// >>> dtype_from_pep3118("T{<i:a:>d:b:}")
/// dtype([('a', '<i4'), ('b', '>f8')])
#[pyfunction]
#[pyo3(signature = (spec, /))]
pub(super) fn dtype_from_pep3118<'py>(spec: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = spec.py();
    let Ok(text) = spec.cast_exact::<PyString>() else {
        return match (spec.cast::<PyString>(), spec.cast::<PyBytes>()) {
            (Ok(text), _) => read(py, text.to_str()?.as_bytes()),
            (_, Ok(bytes)) => read(py, bytes.as_bytes()),
            _ => {
                Err(PyTypeError::new_err(format!("a format is a str or bytes object, not {}", spec.get_type().name()?)))
            }
        };
    };
    let format = text.to_str()?;
    if !format.contains('T') || format.len() > CACHED_LEN {
        return read(py, format.as_bytes());
    }
    let hash = hash(&[], format.as_bytes());
    // No Python code runs under the lock.
    let found = {
        let mut cache = WITH_FIELDS.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(hash, |other| **other == *format).map(|dtype| dtype.as_ref().map(|dtype| dtype.clone_ref(py)))
    };
    let (dtype, is_new) = match found {
        Some(Some(dtype)) => return copy(dtype.bind(py)),
        Some(None) => (read(py, format.as_bytes())?, false),
        None => (read(py, format.as_bytes())?, true),
    };
    let value = (!is_new).then(|| dtype.clone().unbind());
    let replaced = {
        let mut cache = WITH_FIELDS.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(hash, format.into(), value, format.len())
    };
    drop(replaced);
    if is_new { Ok(dtype) } else { copy(&dtype) }
}

/// A copy of a dtype. The names of a dtype can be changed, so no two callers share one.
fn copy<'py>(dtype: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = dtype.py();
    // `|` keeps the byte order.
    dtype.call_method1(intern!(py, "newbyteorder"), (intern!(py, "|"),))
}

fn read<'py>(py: Python<'py>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let layout = match Layout::read(format, &Dialect::NUMPY_READER, &DataModel::HOST) {
        Ok(layout) => layout,
        Err(_) => Layout::read(format, &EXTENDED, &DataModel::HOST)?,
    };
    field_dtype(py, layout.item(), format)
}

/// Every construct of PEP 3118, with the sizes and the padding of NumPy's reader.
const EXTENDED: Dialect = Dialect { name: "numpy-reader", ..Dialect::NATIVE_C };
