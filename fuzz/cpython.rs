//! Properties that compare the library with CPython and NumPy in the same process: sizes and values with `struct`, and
//! layouts with NumPy's reader of formats.

use pep3118::decode::{Plan, Value};
use pep3118::{DataModel, Dialect, Layout, LayoutErrorKind, calcsize_in};
use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple};

use crate::format_and_rest;
use crate::properties::layouts::leaves;

/// The functions of the module `struct`, and the dialect of this version of CPython.
struct StructModule {
    dialect: &'static Dialect,
    calcsize: Py<PyAny>,
    unpack: Py<PyAny>,
    clear: Py<PyAny>,
}

static STRUCT: PyOnceLock<StructModule> = PyOnceLock::new();

/// Returns the functions of `struct`. The first call loads the functions, and panics if an import fails.
fn struct_module(py: Python<'_>) -> &StructModule {
    let made = STRUCT.get_or_try_init(py, || -> PyResult<StructModule> {
        let module = py.import("struct")?;
        let dialect = match py.version_info().minor {
            ..=13 => &Dialect::STRUCT_3_13,
            14 => &Dialect::STRUCT_3_14,
            _ => &Dialect::STRUCT,
        };
        Ok(StructModule {
            dialect,
            calcsize: module.getattr("calcsize")?.unbind(),
            unpack: module.getattr("unpack")?.unbind(),
            clear: module.getattr("_clearcache")?.unbind(),
        })
    });
    made.expect("every CPython has the module struct")
}

/// Starts the interpreter and loads the functions of `struct`.
pub fn start() {
    Python::initialize();
    Python::attach(|py| {
        struct_module(py);
    });
}

/// Asserts that the library and `struct.calcsize` return the same size for `format`, or that both refuse `format`. The
/// library may also refuse a format that exceeds one of its limits.
pub fn calcsize(format: &[u8]) {
    Python::attach(|py| {
        let module = struct_module(py);
        let theirs = module.calcsize.bind(py).call1((PyBytes::new(py, format),));
        let theirs = theirs.and_then(|size| size.extract::<u64>()).ok();
        let ours = calcsize_in(format, module.dialect, &DataModel::HOST);
        match (&ours, theirs) {
            (Ok(size), Some(theirs)) if *size == theirs => {}
            (Err(_), None) => {}
            // The format exceeds a limit of this library. `docs/dialects.md` states the limits.
            (Err(error), Some(_)) if is_limit(error.kind()) => {}
            _ => panic!("`{}`: {ours:?}, struct returns {theirs:?}", format.escape_ascii()),
        }
        // `struct` caches formats. The cache is cleared, because the formats of a long run would fill the memory.
        let _ = module.clear.bind(py).call0();
    });
}

/// Returns `true` if the error states that the format exceeds a limit.
fn is_limit(kind: &LayoutErrorKind) -> bool {
    matches!(kind.name(), "too-long" | "too-many-items" | "too-deep" | "too-many-dimensions")
}

/// Asserts that the library and `struct.unpack` return the same values. `input` is a format, a NUL and the bytes of an
/// item. Asserts nothing if the library refuses the format or if the bytes are too few.
pub fn decode(input: &[u8]) {
    let (format, memory) = format_and_rest(input);
    Python::attach(|py| {
        let module = struct_module(py);
        let Ok(layout) = Layout::read(format, module.dialect, &DataModel::HOST) else { return };
        let Ok(plan) = Plan::new(&layout) else { return };
        let Some(item) = memory.get(..plan.itemsize()) else { return };
        let theirs = module.unpack.bind(py).call1((PyBytes::new(py, format), PyBytes::new(py, item)));
        let theirs = match theirs {
            Ok(theirs) => theirs,
            // Up to CPython 3.13 `struct` raises SystemError for `0p`. This library reads an empty string.
            Err(error) if error.is_instance_of::<PySystemError>(py) && has_empty_pascal(&layout) => return,
            Err(error) => panic!("`{}`: {error}", format.escape_ascii()),
        };
        let theirs = theirs.cast_into::<PyTuple>().expect("a tuple");
        let mut ours = Vec::new();
        flatten(plan.value(item).expect("the item has its size"), &mut ours);
        assert_eq!(ours.len(), theirs.len(), "`{}`", format.escape_ascii());
        for (ours, theirs) in ours.iter().zip(theirs.iter()) {
            assert!(same(ours, &theirs).unwrap_or(false), "`{}`: {ours:?} and {theirs}", format.escape_ascii());
        }
        let _ = module.clear.bind(py).call0();
    });
}

/// Returns `true` if `layout` has a Pascal string of 0 bytes.
fn has_empty_pascal(layout: &Layout) -> bool {
    fn walk(field: pep3118::Field<'_>) -> bool {
        (field.ty() == pep3118::Type::Pascal && field.size() == 0) || field.fields().any(walk)
    }
    walk(layout.item())
}

/// Appends the values in records and arrays to `out`, because `struct.unpack` returns a flat tuple.
fn flatten(value: Value, out: &mut Vec<Value>) {
    match value {
        Value::Record(record) => record.values().iter().for_each(|value| flatten(value.clone(), out)),
        Value::Array(array) => array.values().iter().for_each(|value| flatten(value.clone(), out)),
        value => out.push(value),
    }
}

/// Returns `true` if `ours` and `theirs` are equal. Two NaNs count as equal. Fails if `theirs` has another type. Panics
/// if `struct` has no values of the kind of `ours`.
fn same(ours: &Value, theirs: &Bound<'_, PyAny>) -> PyResult<bool> {
    let float = |ours: f64, theirs: f64| ours == theirs || (ours.is_nan() && theirs.is_nan());
    Ok(match ours {
        Value::Bool(value) => *value == theirs.extract::<bool>()?,
        Value::Int(value) => *value == theirs.extract::<i64>()?,
        Value::UInt(value) | Value::Address(value) => *value == theirs.extract::<u64>()?,
        Value::Float16(value) => float(value.to_f64(), theirs.extract()?),
        Value::Float32(value) => float(f64::from(*value), theirs.extract()?),
        Value::Float64(value) => float(*value, theirs.extract()?),
        Value::Char(byte) => theirs.extract::<&[u8]>()? == [*byte],
        Value::Bytes(bytes) => theirs.extract::<&[u8]>()? == bytes.as_slice(),
        Value::Complex64(value) => {
            let (re, im) = (theirs.getattr("real")?.extract()?, theirs.getattr("imag")?.extract()?);
            float(value.re.into(), re) && float(value.im.into(), im)
        }
        Value::Complex128(value) => {
            let (re, im) = (theirs.getattr("real")?.extract()?, theirs.getattr("imag")?.extract()?);
            float(value.re, re) && float(value.im, im)
        }
        other => panic!("struct has no {}", other.kind()),
    })
}

/// Python source of the function `leaves`. `leaves(spec)` returns the itemsize of the dtype that NumPy reads from
/// `spec`, and the leaves of the dtype as (path, offset, size). The elements of an array of records have separate
/// leaves. The list is empty if the item is an array or has at least 100,000 bytes. If NumPy refuses `spec`, the
/// function returns `None`.
const LEAVES: &std::ffi::CStr = c"
from numpy._core._internal import _dtype_from_pep3118 as read

def walk(dtype, base, path, out):
    if dtype.names is None:
        out.append((path, base, dtype.itemsize))
        return
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]
        element, count = field, 1
        while element.subdtype:
            element, shape = element.subdtype
            for length in shape:
                count *= length
        if element.names is None:
            out.append((path + '.' + name, base + offset, field.itemsize))
            continue
        # The number of elements without bytes is unbounded.
        for index in range(count if element.itemsize else 0):
            walk(element, base + offset + index * element.itemsize, path + '.' + name, out)

def leaves(spec):
    try:
        dtype = read(spec)
    except Exception:
        return None
    out = []
    if dtype.subdtype is None and dtype.itemsize < 100000:
        walk(dtype, 0, '', out)
    return dtype.itemsize, out
";

static LEAVES_OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The kinds of errors for formats that NumPy reads and this library refuses. `docs/dialects.md` lists these formats.
const ONLY_NUMPY_READS: [&str; 8] = [
    "unclosed-structure",
    "unopened-structure",
    "embedded-nul",
    "two-counts",
    "complex-part",
    "non-ascii",
    "unknown-character",
    "dimension-character",
];

/// Returns the text that NumPy passes to its reader in Python, or `None` if NumPy's C code reads the format.
///
/// The C code reads only the format of a single number. The C code uses the last of several byte-order characters, and
/// accepts `n` and `N`. The reader in Python refuses `n` and `N`.
fn text_for_the_reader(text: &str) -> Option<&str> {
    let code = text.trim_start_matches(['@', '^', '=', '<', '>', '!']);
    let order_characters = text.len() - code.len();
    match code.as_bytes() {
        b"n" | b"N" => None,
        [code] if b"?bBhHiIlLqQefdg".contains(code) => text.get(order_characters.saturating_sub(1)..),
        [b'Z', part] if b"fdg".contains(part) => text.get(order_characters.saturating_sub(1)..),
        _ => Some(text),
    }
}

/// Asserts that dialect `numpy-reader` and NumPy's reader return the same offsets and sizes for `format`. For an array,
/// compares only the size. One of both may refuse `format` in the cases that [`ONLY_NUMPY_READS`], `is_limit` and
/// [`has_empty_element`] name. Skips formats with white space and large layouts.
pub fn numpy(format: &[u8]) {
    let Ok(text) = std::str::from_utf8(format) else { return };
    // Formats with white space are not compared, because NumPy removes white space before it calls the reader.
    if format.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'\x0b') {
        return;
    }
    let Some(text) = text_for_the_reader(text) else { return };
    let ours = Layout::read(format, &Dialect::NUMPY_READER, &DataModel::HOST);
    // The comparison lists every element of an array of records, so the layout must be small.
    if ours.as_ref().is_ok_and(|layout| layout.size() > 1 << 16) {
        return;
    }
    Python::attach(|py| {
        let leaves_of = LEAVES_OF.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
            let module = PyModule::from_code(py, LEAVES, c"leaves.py", c"leaves")?;
            Ok(module.getattr("leaves")?.unbind())
        });
        let theirs = leaves_of.expect("NumPy is installed").bind(py).call1((text,)).expect("the function catches every exception");
        let theirs: Option<(u64, Vec<(String, u64, u64)>)> = theirs.extract().expect("tuples of plain values");
        match (&ours, &theirs) {
            (Ok(layout), Some((itemsize, fields))) => {
                assert_eq!(layout.size(), *itemsize, "{text:?}");
                let found = leaves(layout);
                assert!(!layout.item().shape().is_empty() || found == *fields, "{text:?}: {found:?} and {fields:?}");
            }
            (Err(error), Some(_)) => {
                let kind = error.kind().name();
                assert!(ONLY_NUMPY_READS.contains(&kind) || is_limit(error.kind()), "{text:?}: {error}");
            }
            // NumPy refuses a shape of elements without bytes. NumPy also refuses `0x`, and a layout has no field for
            // `0x`.
            (Ok(layout), None) => assert!(has_empty_element(layout) || text.contains("0x"), "{text:?}: {layout:?}"),
            (Err(_), None) => {}
        }
    });
}

/// Returns `true` if `layout` has an array without elements, or a field of 0 bytes.
fn has_empty_element(layout: &Layout) -> bool {
    fn walk(field: pep3118::Field<'_>) -> bool {
        field.size() == 0 || field.count() == 0 || field.fields().any(walk)
    }
    walk(layout.item())
}
