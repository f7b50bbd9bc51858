//! The interpreter in the same process, asked what it makes of the same bytes.

use pep3118::decode::{Plan, Value};
use pep3118::{Code, DataModel, Dialect, Endian, Format, Layout, LayoutErrorKind, calcsize_in};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple};

use crate::format_and_rest;

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
    matches!(kind.name(), "too-long" | "too-many-items")
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
        let theirs = theirs.unwrap_or_else(|error| panic!("`{}`: {error}", format.escape_ascii()));
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
