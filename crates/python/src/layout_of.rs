//! The formats of objects.

use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyString};

use super::format::Format;
use pep3118::__private::type_layout;
use pep3118::layout::{Comparison, Dialect};
use pep3118::py::Acquired;
use pep3118::view::Request;

/// What the items of an exporter are: by its type where that tells (NumPy, ctypes, array, bytes), and
/// else by its format and itemsize, in the dialect of the module that it comes from.
///
/// >>> import ctypes, pep3118
/// >>> class Word(ctypes.Union):
/// ...     _fields_ = [("i", ctypes.c_int32), ("f", ctypes.c_float)]
/// >>> memoryview(Word()).format
/// 'B'
/// >>> [(field.name, field.offset, field.type) for field in pep3118.layout_of(Word()).fields]
/// [('i', 0, 'int32'), ('f', 0, 'float32')]
#[pyfunction]
pub(super) fn layout_of(obj: &Bound<'_, PyAny>) -> PyResult<Format> {
    if let Some(truth) = type_layout(obj)? {
        return Ok(Format::of_layout(Arc::new(truth.layout), truth.dialect, "host"));
    }
    let acquired = acquire(obj)?;
    let raw = acquired.raw();
    let text = raw.format.unwrap_or(b"B");
    let itemsize = u64::try_from(raw.itemsize)
        .map_err(|_| PyBufferError::new_err(format!("the itemsize is {}, less than nothing", raw.itemsize)))?;
    match producer(obj)? {
        // A producer that does not keep to its own dialect is read like any other.
        Some(dialect) => Format::read(text, Some(itemsize), Some(dialect), "host")
            .or_else(|_| Format::read(text, Some(itemsize), None, "host")),
        None => Format::read(text, Some(itemsize), None, "host"),
    }
}

/// A buffer with its format: of whatever shape, if the exporter lets us, else as it can.
fn acquire(obj: &Bound<'_, PyAny>) -> PyResult<Acquired> {
    let plain = Request::FORMAT | Request::ND;
    match Acquired::new(obj, Request::FULL_RO) {
        Err(error) if error.is_instance_of::<PyBufferError>(obj.py()) => Acquired::new(obj, plain),
        outcome => outcome,
    }
}

/// The dialect of the module that an exporter's class comes from.
fn producer(obj: &Bound<'_, PyAny>) -> PyResult<Option<&'static Dialect>> {
    let exporter = if obj.is_instance_of::<PyMemoryView>() { obj.getattr("obj")? } else { obj.clone() };
    let module = exporter.get_type().getattr("__module__");
    let module = module.ok().and_then(|module| module.cast_into::<PyString>().ok());
    let Some(module) = module else { return Ok(None) };
    let module = module.to_str()?.to_owned();
    let package = module.split('.').next().unwrap_or_default();
    Ok(match package {
        "numpy" => Some(&Dialect::NUMPY),
        "ctypes" | "_ctypes" => Some(&Dialect::CTYPES),
        "array" => Some(&Dialect::ARRAY),
        // Cython's own array and memoryview, which every module of it has a copy of.
        "View" => Some(&Dialect::CYTHON),
        _ if exporter.get_type().name()? == "_memoryviewslice" => Some(&Dialect::CYTHON),
        _ => None,
    })
}

/// How much two formats have in common, and where they first differ.
///
/// >>> import pep3118
/// >>> swapped = pep3118.diff("<i", ">i")
/// >>> swapped.equivalence, swapped.difference
/// ('bytes-after-swap', 'int32 at byte 0 is little-endian in the first and big-endian in the second')
#[pyclass(frozen, module = "pep3118")]
pub(super) struct Difference {
    compared: Comparison,
}

#[pymethods]
impl Difference {
    /// "text", "scalars", "layout-ignoring-names", "bytes-after-swap", each of which implies those
    /// after it; None if the bytes mean different things.
    #[getter]
    fn equivalence(&self) -> Option<&'static str> {
        self.compared.equivalence.map(|level| level.as_str())
    }

    /// Why no higher level holds, in one sentence; None if none does.
    #[getter]
    fn difference(&self) -> Option<&str> {
        self.compared.difference.as_deref()
    }

    /// Whether the values or their names differ.
    fn __bool__(&self) -> bool {
        self.compared.difference.is_some()
    }

    fn __str__(&self) -> String {
        let level = self.compared.equivalence.map_or_else(|| "different".to_owned(), |level| level.to_string());
        match &self.compared.difference {
            Some(difference) => format!("{level}: {difference}"),
            None => level,
        }
    }

    fn __repr__(&self) -> String {
        format!("<Difference {}>", self.__str__())
    }
}

/// Compares what two formats mean. Strings are read as PEP 3118 has them, on this machine.
///
/// >>> import pep3118
/// >>> str(pep3118.diff("T{i:a:f:b:}", "T{i:a:f:c:}"))
/// 'same layout, other names: the field at byte 4 is named `b` in the first and named `c` in the second'
/// >>> bool(pep3118.diff("T{i:a:}", "T{<i:a:}"))
/// False
#[pyfunction]
pub(super) fn diff(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Difference> {
    let (a, b) = (operand(a)?, operand(b)?);
    let (a, b) = (a.get(), b.get());
    a.unambiguous()?;
    b.unambiguous()?;
    let mut compared = Comparison::of_layouts(a.layout(), b.layout());
    if compared.difference.is_none() && a.is_written_as(b) {
        compared.equivalence = Some(pep3118::layout::Equivalence::Text);
    }
    Ok(Difference { compared })
}

fn operand<'py>(format: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Format>> {
    match format.cast::<Format>() {
        Ok(format) => Ok(format.clone()),
        Err(_) => {
            let text = super::format::bytes_of(format)?;
            Bound::new(format.py(), Format::read(&text, None, Some(&Dialect::PEP3118), "host")?)
        }
    }
}
