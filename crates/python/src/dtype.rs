//! NumPy's dtypes from layouts. NumPy is imported when it is needed.

use std::collections::HashSet;

use pyo3::exceptions::PyNotImplementedError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Field, Layout, Type};

/// `numpy.dtype`.
fn dtype_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "numpy", "dtype")
}

/// The dtype of items of a layout: same offsets, same itemsize, same values. An address is an unsigned
/// integer, as NumPy's `P` is.
///
/// # Errors
/// - `ImportError` without NumPy
/// - `NotImplementedError` where no dtype has the values: UCS-2 text, Pascal strings, complex numbers of
///   float16, bits, user types; a `long double` of another machine
/// - `ValueError` where NumPy refuses: the same name twice, more than 2 GB
pub(super) fn to_dtype<'py>(py: Python<'py>, layout: &Layout) -> PyResult<Bound<'py, PyAny>> {
    field_dtype(py, layout.item(), b"")
}

/// The byte before a type, byte order left out, and the first of the type itself.
fn around(field: Field<'_>, format: &[u8]) -> (Option<u8>, Option<u8>) {
    let start = field.span().start();
    let before = format.get(..start).unwrap_or_default();
    let before = before.iter().rev().find(|byte| !b"@=<>!^ ".contains(byte));
    (before.copied(), format.get(start).copied())
}

/// `format` is what the layout was read from, if it is at hand.
fn field_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let element = element_dtype(py, field, format)?;
    let shape = field.shape();
    let array = |element, shape: &[u64]| dtype_class(py)?.call1(((element, PyTuple::new(py, shape)?),));
    match shape {
        [] => Ok(element),
        // `(2)3i` is an array of arrays, which NumPy keeps apart from `(2,3)i`.
        [outer @ .., count]
            if !outer.is_empty() && around(field, format).0.is_some_and(|byte| byte.is_ascii_digit()) =>
        {
            array(array(element, std::slice::from_ref(count))?, outer)
        }
        _ => match spelled(field) {
            Some(name) => kept(py, &format!("{shape:?}{name}"), || array(element, shape)),
            None => array(element, shape),
        },
    }
}

fn element_dtype<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match field.ty() {
        Type::Record => record(py, field, format),
        // What it points to has no place in a dtype.
        Type::Pointer if around(field, format).1 == Some(b'&') => Err(refused(field)),
        _ if sized(field).is_some() => {
            let name = spelled(field).unwrap_or_default();
            kept(py, &name, || dtype_class(py)?.call1((&name,)))
        }
        _ => single(py, field),
    }
}

/// Dtypes without fields, which nobody can change, by their names.
fn kept<'py>(
    py: Python<'py>,
    name: &str,
    make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    static MADE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let made = MADE.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    let name = PyString::new(py, name);
    if let Some(known) = made.get_item(&name)? {
        return Ok(known);
    }
    let new = make()?;
    if made.len() >= KEPT {
        made.clear();
    }
    made.set_item(name, &new)?;
    Ok(new)
}

fn refused(field: Field<'_>) -> PyErr {
    // As NumPy's reader puts it.
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

/// The character of NumPy's byte order.
fn mark(field: Field<'_>) -> char {
    match field.endian() {
        None => '|',
        Some(Endian::Little) => '<',
        Some(Endian::Big) => '>',
    }
}

/// The kind and the unit in bytes of strings, text and void, whose length is in the dtype.
fn sized(field: Field<'_>) -> Option<(char, u64)> {
    match field.ty() {
        Type::Bytes => Some(('S', 1)),
        Type::Void => Some(('V', 1)),
        Type::Ucs4 => Some(('U', 4)),
        Type::Wchar if field.model().wchar == 4 => Some(('U', 4)),
        _ => None,
    }
}

/// What NumPy calls the type; `None` if it has none, or if it has fields.
fn spelled(field: Field<'_>) -> Option<String> {
    if let Some((kind, unit)) = sized(field) {
        return Some(format!("{}{kind}{}", mark(field), field.size().checked_div(unit).unwrap_or(0)));
    }
    // What has no byte order in memory takes none in the name either.
    let mark = if field.ty() == Type::Object { '|' } else { mark(field) };
    name_of(field).map(|name| format!("{mark}{name}"))
}

/// NumPy's name of a type that has one size.
fn name_of(field: Field<'_>) -> Option<&'static str> {
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
        (Type::LongDouble, _) if of_this_machine(field) => "g",
        (Type::ComplexLongDouble, _) if of_this_machine(field) => "G",
        (Type::Pointer, 4) => "u4",
        (Type::Pointer, 8) => "u8",
        (Type::Object, _) if field.model().pointer == DataModel::HOST.pointer => "O",
        _ => return None,
    })
}

/// Whether a `long double` is the one that NumPy was compiled for.
fn of_this_machine(field: Field<'_>) -> bool {
    field.model().long_double == DataModel::HOST.long_double
}

/// Types of one size: each is asked for once.
fn single<'py>(py: Python<'py>, field: Field<'_>) -> PyResult<Bound<'py, PyAny>> {
    const COUNT: usize = 4 * 64;
    static MADE: [PyOnceLock<Py<PyAny>>; COUNT] = [const { PyOnceLock::new() }; COUNT];

    if name_of(field).is_none() {
        return Err(refused(field));
    }
    let make = || Ok::<_, PyErr>(dtype_class(py)?.call1((spelled(field).unwrap_or_default(),))?.unbind());
    let endian = match field.endian() {
        None => 0_usize,
        Some(Endian::Little) => 1,
        Some(Endian::Big) => 2,
    };
    // Addresses of 4 bytes do not share with those of 8.
    let wide = usize::from(field.size() > 4);
    let index = index_of(field.ty()).saturating_mul(6).saturating_add(endian.saturating_mul(2)).saturating_add(wide);
    match MADE.get(index) {
        Some(made) => Ok(made.get_or_try_init(py, make)?.bind(py).clone()),
        None => Ok(make()?.into_bound(py)),
    }
}

#[expect(clippy::as_conversions, reason = "the discriminants are 0 to 31; they count, no more")]
fn index_of(ty: Type) -> usize {
    ty as usize
}

fn record<'py>(py: Python<'py>, field: Field<'_>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut unnamed = Unnamed::of(field);
    // Names, dtypes, offsets.
    let (mut names, mut formats, mut offsets) = (Vec::with_capacity(8), Vec::with_capacity(8), Vec::with_capacity(8));
    // Where the next field starts if there is no gap; `None` if that is not what a list of fields says.
    let mut packed = Some(0);
    for child in field.fields() {
        let name = match child.name().map(std::str::from_utf8) {
            Some(Ok(name)) => PyString::new(py, name),
            _ => PyString::new(py, &child.name_text().unwrap_or_else(|| unnamed.next())),
        };
        // NumPy has a name of its own for a field of a list that has none.
        let listed = child.total_size() > 0 && child.name() != Some(b"");
        packed = packed.filter(|end| child.offset() == *end && listed);
        packed = packed.and_then(|end: u64| end.checked_add(child.total_size()));
        names.push(name);
        formats.push(field_dtype(py, child, format)?);
        offsets.push(child.offset());
    }
    if packed == Some(field.size()) && !names.is_empty() {
        // NumPy reads it in three quarters of the time.
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

/// Names for fields that have none: `f0` and so on, those that are taken left out.
struct Unnamed {
    taken: HashSet<String>,
    next: usize,
}

impl Unnamed {
    fn of(record: Field<'_>) -> Self {
        let some = record.fields().any(|field| field.name().is_none());
        let taken = if some { record.fields().filter_map(Field::name_text).collect() } else { HashSet::new() };
        Self { taken, next: 0 }
    }

    fn next(&mut self) -> String {
        loop {
            let name = format!("f{}", self.next);
            self.next = self.next.saturating_add(1);
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}

/// Formats that are kept, with a dtype from the second time on; all are forgotten when there are more.
const KEPT: usize = 256;
/// The longest of them, in characters.
const KEPT_LEN: usize = 4096;

/// The dtype of a format, as NumPy reads it; of what NumPy refuses, by the same rules.
///
/// >>> from pep3118.numpy import dtype_from_pep3118
/// >>> dtype_from_pep3118("T{<i:a:>d:b:}")
/// dtype([('a', '<i4'), ('b', '>f8')])
#[pyfunction]
#[pyo3(signature = (spec, /))]
pub(super) fn dtype_from_pep3118<'py>(spec: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static RECORDS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

    let py = spec.py();
    let Ok(text) = spec.cast_exact::<PyString>() else {
        return read(py, spec.extract::<&[u8]>()?);
    };
    let format = text.to_str()?;
    if !format.contains('T') || format.len() > KEPT_LEN {
        return read(py, format.as_bytes());
    }
    let records = RECORDS.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    let Some(known) = records.get_item(text)? else {
        // Nobody else has this one. Whether it is worth a copy, the second time tells.
        let made = read(py, format.as_bytes())?;
        if records.len() >= KEPT {
            records.clear();
        }
        records.set_item(text, py.None())?;
        return Ok(made);
    };
    let made = if known.is_none() {
        let made = read(py, format.as_bytes())?;
        records.set_item(text, &made)?;
        made
    } else {
        known
    };
    // The names of a dtype can be changed, so everyone gets a copy: in no other byte order.
    made.call_method1(intern!(py, "newbyteorder"), (intern!(py, "|"),))
}

fn read<'py>(py: Python<'py>, format: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let layout = match Layout::read(format, &Dialect::NUMPY_READER, &DataModel::HOST) {
        Ok(layout) => layout,
        Err(_) => Layout::read(format, &BEYOND, &DataModel::HOST)?,
    };
    field_dtype(py, layout.item(), format)
}

/// All that can be written, with the sizes and the padding of NumPy's reader.
const BEYOND: Dialect = Dialect { name: "numpy-reader", ..Dialect::NATIVE_C };
