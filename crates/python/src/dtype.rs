//! Creates NumPy dtypes for layouts: the Python functions `dtype_from_pep3118` and `Format.to_dtype`.
//!
//! NumPy is an optional dependency. It is imported when the first dtype is created.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pep3118::__private::{arguments, imported};
use pep3118::name;
use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};

use crate::errors::class_name;
use crate::field::default_name;
use crate::objects::{self, from_result};
use crate::tuple_builder::{list, tuple};
use pep3118::__private::{Cache, hash, loaded};
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Field, Layout, Type};

/// Returns the class `numpy.dtype`. Returns an `ImportError` if NumPy is not installed.
fn dtype_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    imported(&CLASS, py, "numpy", "dtype")
}

/// Creates the dtype of the items of `layout`, with the same offsets, itemsize and values. An address becomes an
/// unsigned integer, because `numpy.dtype("P")` is an unsigned integer. A field without a name gets a free name such as
/// `f0`.
///
/// # Errors
/// - NumPy is not installed: `ImportError`
/// - NumPy has no dtype for a type, such as UCS-2 text or bit-fields: `NotImplementedError`
/// - `layout` contains the `long double` of another machine: `NotImplementedError`
/// - NumPy refuses the dtype, for example because two fields have the same name: `ValueError`
pub(super) fn to_dtype<'py>(py: Python<'py>, layout: &Layout) -> PyResult<Bound<'py, PyAny>> {
    field_dtype(py, layout.item(), b"")
}

/// Returns `true` if [`to_dtype`] can create a dtype for `layout`, if NumPy is installed. Returns `false` if NumPy has
/// no dtype for a type, or if a record has two fields with the same name or a name that is not UTF-8.
pub(super) fn has_dtype(layout: &Layout) -> bool {
    // The depth of the recursion is the nesting depth of records, which the parser limits.
    fn field_has_dtype(field: Field<'_>) -> bool {
        if field.ty() != Type::Record {
            return dtype_name(field).is_some() || ml_dtypes_name(field).is_some() && has_ml_dtypes();
        }
        let mut names = HashSet::new();
        field.fields().all(|child| {
            let is_unique = child.name().is_none_or(|name| std::str::from_utf8(name).is_ok() && names.insert(name));
            is_unique && field_has_dtype(child)
        })
    }
    field_has_dtype(layout.item())
}

/// Returns the byte of `format` before the type of `field`, and the first byte of the type. The search for the byte
/// before the type skips byte-order characters and spaces. A result is `None` if `format` has no such byte, for example
/// if `format` is empty.
fn bytes_around_type(field: Field<'_>, format: &[u8]) -> (Option<u8>, Option<u8>) {
    let start = field.span().start();
    let before = format.get(..start).unwrap_or_default();
    let before = before.iter().rev().find(|byte| !b"@=<>!^ ".contains(byte));
    (before.copied(), format.get(start).copied())
}

/// Creates the dtype of `field`. `format` is the format from which the layout was read, or empty if the layout comes
/// from a type. Returns an error if NumPy has no such dtype.
fn field_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let element = element_dtype(py, field, format)?;
    let shape = field.shape();
    let array = |element, shape: &[u64]| {
        let shape = tuple(py, shape.iter().map(|length| objects::unsigned(py, *length)))?;
        let array = arguments(py, [&element, &shape])?;
        dtype_class(py)?.call1(arguments(py, [&array])?)
    };
    match shape {
        [] => Ok(element),
        // NumPy reads `(2)3i` as an array of arrays, and not as `(2,3)i`.
        [outer @ .., count]
            if !outer.is_empty() && bytes_around_type(field, format).0.is_some_and(|byte| byte.is_ascii_digit()) =>
        {
            array(array(element, std::slice::from_ref(count))?, outer)
        }
        _ if field.ty() == Type::Record => array(element, shape),
        _ => cached(py, field, shape, || array(element, shape)),
    }
}

/// Creates the dtype of one element of `field`. `format` is the format from which the layout was read, or empty.
/// Returns an error if NumPy has no such dtype.
fn element_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match field.ty() {
        Type::Record => record_dtype(py, field, format),
        // `&` is a pointer to a given type, and a dtype cannot express that type.
        Type::Pointer if bytes_around_type(field, format).1 == Some(b'&') => Err(unrepresentable(field)),
        _ => cached(py, field, &[], || {
            if let Some(name) = ml_dtypes_name(field) {
                let class =
                    py.import(name!(py, "ml_dtypes"))?.getattr(objects::string(py, name)?.cast::<PyString>()?)?;
                return dtype_class(py)?.call1(arguments(py, [&class])?);
            }
            let name = dtype_name(field).ok_or_else(|| unrepresentable(field))?;
            dtype_class(py)?.call1(arguments(py, [&objects::string(py, &name)?])?)
        }),
    }
}

/// The key of a cached dtype: a scalar type of this machine, and the shape of an array of this type. The shape is empty
/// for a single value.
#[derive(PartialEq)]
struct DtypeKey {
    /// The name of the type.
    ty: &'static str,
    size: u64,
    endian: Option<Endian>,
    shape: Box<[u64]>,
}

/// The cache of dtypes without fields. A dtype without fields is immutable, so all callers share the cached object.
static SCALAR_DTYPES: Mutex<Cache<DtypeKey, Py<PyAny>>> = Mutex::new(Cache::new(256, 1 << 16));

/// Returns the cached dtype for the scalar type of `field` and the array `shape`. If the cache has no such dtype,
/// creates the dtype with `make` and caches the dtype. For the layout of another machine, only calls `make`.
fn cached<'py>(
    py: Python<'py>,
    field: Field<'_>,
    shape: &[u64],
    make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (ty, size, endian) = (field.type_name(), field.size(), field.endian());
    if *field.model() != DataModel::HOST {
        return make();
    }
    let order = match endian {
        None => 0,
        Some(Endian::Little) => 1,
        Some(Endian::Big) => 2,
    };
    let shape_hash = hash(shape, b"");
    let hash = hash(&[size, order, shape_hash], ty.as_bytes());
    let is_equal = |key: &DtypeKey| (key.ty, key.size, key.endian) == (ty, size, endian) && *key.shape == *shape;
    // Python code must not run under the lock, because it could call this function again.
    let found = {
        let mut cache = SCALAR_DTYPES.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(hash, is_equal).map(|dtype| dtype.clone_ref(py))
    };
    if let Some(found) = found {
        return Ok(found.into_bound(py));
    }
    let dtype = make()?;
    let key = DtypeKey { ty, size, endian, shape: shape.into() };
    let cost = size_of_val(shape).saturating_add(64);
    let value = dtype.clone().unbind();
    let replaced = SCALAR_DTYPES.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, key, value, cost);
    // The lock is released before the replaced objects are deleted, which can run Python code.
    drop(replaced);
    Ok(dtype)
}

/// Returns the `NotImplementedError` for `field`, whose type has no dtype. NumPy has the same message.
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
    objects::error::<PyNotImplementedError>(format!("Unrepresentable PEP 3118 data type '{code}' ({what})"))
}

/// Returns NumPy's byte-order character for `field`, or `|` if the type has no byte order.
fn byte_order(field: Field<'_>) -> char {
    match field.endian() {
        None => '|',
        Some(Endian::Little) => '<',
        Some(Endian::Big) => '>',
    }
}

/// Returns whether the program has imported the package `ml_dtypes`.
fn has_ml_dtypes() -> bool {
    objects::attached(|py| matches!(loaded(py, "ml_dtypes"), Ok(Some(_))))
}

/// Returns the name of the class of the package `ml_dtypes` for the type of `field`, such as `bfloat16`. Returns `None`
/// if the package has no such class, or if the values have the byte order of another machine. The format character `Ze`
/// has a class only if the program has imported the package.
fn ml_dtypes_name(field: Field<'_>) -> Option<&'static str> {
    let is_native = field.endian().is_none_or(|endian| endian == Endian::HOST);
    let name = match field.user_type() {
        Some(user) => user.name(),
        // Without the package, `Ze` has the error of NumPy.
        None if field.ty() == Type::Complex32 && has_ml_dtypes() => "complex32",
        None => return None,
    };
    let is_number = matches!(name, "int1" | "int2" | "int4" | "uint1" | "uint2" | "uint4" | "bfloat16" | "complex32");
    let is_float = ["float4_", "float6_", "float8_"].iter().any(|prefix| name.starts_with(prefix));
    (is_native && (is_number || is_float)).then_some(name)
}

/// Returns NumPy's name for the type of `field`, such as `<i4` or `|S3`. Returns `None` if `field` is a record or
/// NumPy has no such type.
fn dtype_name(field: Field<'_>) -> Option<String> {
    if let Some(user) = field.user_type() {
        let (kind, unit) = user.name().split_once('$').map_or((user.name(), None), |(kind, unit)| (kind, Some(unit)));
        let kind = match kind {
            "datetime64" => "M8",
            "timedelta64" => "m8",
            _ => return None,
        };
        let unit = unit.map(|unit| format!("[{unit}]")).unwrap_or_default();
        return Some(format!("{}{kind}{unit}", byte_order(field)));
    }
    // NumPy names a type with a length by a kind and a number of units, such as `U3`. `unit` is the size of a unit in
    // bytes.
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
    // An object reference has a byte order in the layout, but NumPy's name `|O` has none.
    let order = if field.ty() == Type::Object { '|' } else { byte_order(field) };
    fixed_size_name(field).map(|name| format!("{order}{name}"))
}

/// Returns NumPy's name, without the byte order, for the type of `field`, such as `i4`. Returns `None` if NumPy has no
/// such type, or if the type is text or bytes, whose names contain a length.
fn fixed_size_name(field: Field<'_>) -> Option<&'static str> {
    // NumPy's `long double` is the `long double` of the C compiler for this machine.
    let has_host_long_double = || field.model().long_double == DataModel::HOST.long_double;
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
        (Type::LongDouble, _) if has_host_long_double() => "g",
        (Type::ComplexLongDouble, _) if has_host_long_double() => "G",
        (Type::Pointer, 4) => "u4",
        (Type::Pointer, 8) => "u8",
        (Type::Object, _) if field.model().pointer == DataModel::HOST.pointer => "O",
        _ => return None,
    })
}

/// Creates the dtype of one record of `field`. `format` is the format from which the layout was read, or empty. Returns
/// an error if NumPy has no such dtype.
fn record_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut default_names = DefaultNames::new(field);
    let (mut names, mut formats, mut offsets) = (Vec::with_capacity(8), Vec::with_capacity(8), Vec::with_capacity(8));
    // The offset of the end of the previous field, in bytes. `None` if a list of fields without offsets cannot express
    // the record.
    let mut packed = Some(0);
    for child in field.fields() {
        let name = match child.name().map(std::str::from_utf8) {
            Some(Ok(name)) => PyString::from_bytes(py, name.as_bytes())?,
            _ => {
                let name = child.name_text().unwrap_or_else(|| default_names.next());
                PyString::from_bytes(py, name.as_bytes())?
            }
        };
        // In a list of fields, NumPy replaces an empty name by `f0`, `f1` and so on.
        let can_be_listed = child.total_size() > 0 && child.name() != Some(b"");
        packed = packed.filter(|end| child.offset() == *end && can_be_listed);
        packed = packed.and_then(|end: u64| end.checked_add(child.total_size()));
        names.push(name);
        formats.push(field_dtype(py, child, format)?);
        offsets.push(child.offset());
    }
    if packed == Some(field.size()) && !names.is_empty() {
        // NumPy needs a quarter less time for a list of fields than for a dict.
        let pairs = names.iter().zip(&formats);
        let pairs = pairs.map(|(name, format)| from_result(py, arguments(py, [name, format]).map(Bound::into_any)));
        let fields = list(py, pairs)?;
        return dtype_class(py)?.call1(arguments(py, [&fields])?);
    }
    let description = objects::dict(py)?;
    description.set_item(name!(py, "names"), list(py, names.into_iter().map(|name| Some(name.into_any())))?)?;
    description.set_item(name!(py, "formats"), list(py, formats.into_iter().map(Some))?)?;
    description
        .set_item(name!(py, "offsets"), list(py, offsets.into_iter().map(|offset| objects::unsigned(py, offset)))?)?;
    description.set_item(name!(py, "itemsize"), objects::number(py, field.size())?)?;
    dtype_class(py)?.call1(arguments(py, [&description])?)
}

/// Generates names for the unnamed fields of a record: `f0`, `f1` and so on. Skips names that other fields have.
struct DefaultNames {
    used: HashSet<String>,
    next: usize,
}

impl DefaultNames {
    /// Creates the generator for the fields of `record`.
    fn new(record: Field<'_>) -> Self {
        let has_unnamed = record.fields().any(|field| field.name().is_none());
        let used = if has_unnamed { record.fields().filter_map(Field::name_text).collect() } else { HashSet::new() };
        Self { used, next: 0 }
    }

    /// Returns the next generated name that no field has.
    fn next(&mut self) -> String {
        loop {
            let name = default_name(self.next);
            self.next = self.next.saturating_add(1);
            if !self.used.contains(&name) {
                return name;
            }
        }
    }
}

/// The length in bytes of the longest format that is cached.
const LONGEST_CACHED: usize = 4096;

/// The cache of dtypes with fields, by format. The first read of a format stores `None`. The second read stores the
/// dtype, and returns a copy of the dtype to the caller. Most formats are read only once, and then no copy is made.
static RECORD_DTYPES: Mutex<Cache<Box<str>, Option<Py<PyAny>>>> = Mutex::new(Cache::new(256, 256 * LONGEST_CACHED));

/// Returns the dtype for the format `spec`.
///
/// For every format that NumPy accepts, the dtype is the same as in NumPy. The function accepts more formats than
/// NumPy. The docstring of the module pep3118.numpy lists the exceptions.
///
/// Raises FormatError if the format is invalid, and NotImplementedError if NumPy has no dtype for a type.
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
            _ => Err(objects::error::<PyTypeError>(format!(
                "a format is a str or bytes object, not {}",
                class_name(spec)?
            ))),
        };
    };
    let format = text.to_str()?;
    if !format.contains('T') || format.len() > LONGEST_CACHED {
        return read(py, format.as_bytes());
    }
    let hash = hash(&[], format.as_bytes());
    // Python code must not run under the lock, because it could call this function again.
    let found = {
        let mut cache = RECORD_DTYPES.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(hash, |other| **other == *format).map(|dtype| dtype.as_ref().map(|dtype| dtype.clone_ref(py)))
    };
    let (dtype, is_new) = match found {
        Some(Some(dtype)) => return copy(dtype.bind(py)),
        Some(None) => (read(py, format.as_bytes())?, false),
        None => (read(py, format.as_bytes())?, true),
    };
    let value = (!is_new).then(|| dtype.clone().unbind());
    let replaced = {
        let mut cache = RECORD_DTYPES.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(hash, format.into(), value, format.len())
    };
    drop(replaced);
    if is_new { Ok(dtype) } else { copy(&dtype) }
}

/// Copies `dtype`. The names of fields are mutable in a dtype, so each caller gets a separate object. Returns the
/// exception of NumPy if there is no memory.
fn copy<'py>(dtype: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = dtype.py();
    // `newbyteorder("|")` returns a copy with the same byte order.
    dtype.call_method1(name!(py, "newbyteorder"), arguments(py, [name!(py, "|")])?)
}

/// Creates the dtype for `format` without the cache. Interprets `format` in the dialect of NumPy's reader, or in
/// [`EXTENDED`] if that dialect refuses `format`. Returns an error if both dialects refuse `format`, or if NumPy has no
/// dtype for a type in `format`.
fn read<'py>(py: Python<'py>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let layout = match Layout::read(format, &Dialect::NUMPY_READER, &DataModel::HOST) {
        Ok(layout) => layout,
        Err(_) => Layout::read(format, &EXTENDED, &DataModel::HOST)?,
    };
    field_dtype(py, layout.item(), format)
}

/// The dialect with every construct of PEP 3118, and with the sizes and the padding of NumPy.
const EXTENDED: Dialect = {
    let mut dialect = Dialect::NATIVE_C;
    dialect.name = "numpy-reader";
    dialect
};
