//! The interpreter in the same process, asked what it makes of the same bytes.

use pep3118::decode::{Plan, Value};
use pep3118::{DataModel, Dialect, Layout, LayoutErrorKind, calcsize_in};
use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple};

use crate::format_and_rest;
use crate::properties::layouts::leaves;

/// What each target asks, looked up once.
struct Asked {
    dialect: &'static Dialect,
    calcsize: Py<PyAny>,
    unpack: Py<PyAny>,
    clear: Py<PyAny>,
}

static ASKED: PyOnceLock<Asked> = PyOnceLock::new();

fn asked(py: Python<'_>) -> &Asked {
    let made = ASKED.get_or_try_init(py, || -> PyResult<Asked> {
        let module = py.import("struct")?;
        let dialect = match py.version_info().minor {
            ..=13 => &Dialect::STRUCT_3_13,
            14 => &Dialect::STRUCT_3_14,
            _ => &Dialect::STRUCT,
        };
        Ok(Asked {
            dialect,
            calcsize: module.getattr("calcsize")?.unbind(),
            unpack: module.getattr("unpack")?.unbind(),
            clear: module.getattr("_clearcache")?.unbind(),
        })
    });
    made.expect("the struct module is there")
}

/// Starts the interpreter.
pub fn start() {
    Python::initialize();
    Python::attach(|py| {
        asked(py);
    });
}

/// `calcsize` gives the same number, or both refuse.
pub fn calcsize(format: &[u8]) {
    Python::attach(|py| {
        let asked = asked(py);
        let theirs = asked.calcsize.bind(py).call1((PyBytes::new(py, format),));
        let theirs = theirs.and_then(|size| size.extract::<u64>()).ok();
        let ours = calcsize_in(format, asked.dialect, &DataModel::HOST);
        match (&ours, theirs) {
            (Ok(size), Some(theirs)) if *size == theirs => {}
            (Err(_), None) => {}
            // The limits of this library, which `dialects.md` states.
            (Err(error), Some(_)) if is_limit(error.kind()) => {}
            _ => panic!("`{}`: {ours:?}, struct says {theirs:?}", format.escape_ascii()),
        }
        // What it keeps of each format is memory.
        let _ = asked.clear.bind(py).call0();
    });
}

fn is_limit(kind: &LayoutErrorKind) -> bool {
    matches!(kind.name(), "too-long" | "too-many-items" | "too-deep" | "too-many-dimensions")
}

/// `unpack` gives the same values.
pub fn decode(input: &[u8]) {
    let (format, memory) = format_and_rest(input);
    Python::attach(|py| {
        let asked = asked(py);
        let Ok(layout) = Layout::read(format, asked.dialect, &DataModel::HOST) else { return };
        let Ok(plan) = Plan::new(&layout) else { return };
        let Some(item) = memory.get(..plan.itemsize()) else { return };
        let theirs = asked.unpack.bind(py).call1((PyBytes::new(py, format), PyBytes::new(py, item)));
        let theirs = match theirs {
            Ok(theirs) => theirs,
            // `0p`: struct fails inside, up to 3.13; here it is no bytes.
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
        let _ = asked.clear.bind(py).call0();
    });
}

fn has_empty_pascal(layout: &Layout) -> bool {
    fn walk(field: pep3118::Field<'_>) -> bool {
        (field.ty() == pep3118::Type::Pascal && field.size() == 0) || field.fields().any(walk)
    }
    walk(layout.item())
}

/// The values of a record and of its arrays in a row, as `struct` gives them.
fn flatten(value: Value, out: &mut Vec<Value>) {
    match value {
        Value::Record(record) => record.values().iter().for_each(|value| flatten(value.clone(), out)),
        Value::Array(array) => array.values().iter().for_each(|value| flatten(value.clone(), out)),
        value => out.push(value),
    }
}

fn same(ours: &Value, theirs: &Bound<'_, PyAny>) -> PyResult<bool> {
    // Two not-a-numbers are the same.
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

/// The leaf fields of a dtype as (path, offset, size), those of arrays of records one by one.
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
            for extent in shape:
                count *= extent
        if element.names is None:
            out.append((path + '.' + name, base + offset, field.itemsize))
            continue
        # There may be any number of elements without a byte.
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

/// What NumPy reads by oversight and this library refuses; `dialects.md` names each.
const READ_BY_NUMPY_ALONE: [&str; 8] = [
    "unclosed-structure",
    "unopened-structure",
    "embedded-nul",
    "two-counts",
    "complex-part",
    "non-ascii",
    "unknown-character",
    "dimension-character",
];

/// A number alone is read by the caller of NumPy's reader: of several byte order characters the last one counts, and
/// `n` and `N` are known, which the reader does not know.
fn left_to_the_reader(text: &str) -> Option<&str> {
    let code = text.trim_start_matches(['@', '^', '=', '<', '>', '!']);
    let marks = text.len() - code.len();
    match code.as_bytes() {
        b"n" | b"N" => None,
        [code] if b"?bBhHiIlLqQefdg".contains(code) => text.get(marks.saturating_sub(1)..),
        [b'Z', part] if b"fdg".contains(part) => text.get(marks.saturating_sub(1)..),
        _ => Some(text),
    }
}

/// NumPy's reader gives the same offsets and sizes.
pub fn numpy(format: &[u8]) {
    let Ok(text) = std::str::from_utf8(format) else { return };
    // NumPy's caller takes white space out before its reader sees the string.
    if format.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'\x0b') {
        return;
    }
    let Some(text) = left_to_the_reader(text) else { return };
    let ours = Layout::read(format, &Dialect::NUMPY_READER, &DataModel::HOST);
    // Arrays of records are spelled out, so they must be small.
    if ours.as_ref().is_ok_and(|layout| layout.size() > 1 << 16) {
        return;
    }
    Python::attach(|py| {
        let asked = LEAVES_OF.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
            let module = PyModule::from_code(py, LEAVES, c"leaves.py", c"leaves")?;
            Ok(module.getattr("leaves")?.unbind())
        });
        let theirs = asked.expect("NumPy is installed").bind(py).call1((text,)).expect("it catches everything");
        let theirs: Option<(u64, Vec<(String, u64, u64)>)> = theirs.extract().expect("tuples of plain values");
        match (&ours, &theirs) {
            (Ok(layout), Some((itemsize, fields))) => {
                assert_eq!(layout.size(), *itemsize, "{text:?}");
                let found = leaves(layout);
                assert!(!layout.item().shape().is_empty() || found == *fields, "{text:?}: {found:?} and {fields:?}");
            }
            (Err(error), Some(_)) => {
                let kind = error.kind().name();
                assert!(READ_BY_NUMPY_ALONE.contains(&kind) || is_limit(error.kind()), "{text:?}: {error}");
            }
            // A shape around no bytes fails in NumPy, whatever it holds; of padding a layout does not tell.
            (Ok(layout), None) => assert!(has_empty_element(layout) || text.contains("0x"), "{text:?}: {layout:?}"),
            (Err(_), None) => {}
        }
    });
}

fn has_empty_element(layout: &Layout) -> bool {
    fn walk(field: pep3118::Field<'_>) -> bool {
        field.size() == 0 || field.count() == 0 || field.fields().any(walk)
    }
    walk(layout.item())
}
