//! `layout_of`, the format of an object, and `diff`, the comparison of two formats.

use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyString};

use super::format::{Format, format_bytes};
use pep3118::__private::type_layout;
use pep3118::layout::{Comparison, Dialect, Equivalence};
use pep3118::py::Acquired;
use pep3118::view::Request;

/// Returns the format of an object's items. Its layout is that of the object's type, if the type gives one
/// (NumPy, ctypes, array, bytes). Otherwise it follows from the exporter's format and itemsize, in the dialect
/// of the module that defines the type.
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
    if let Some(known) = type_layout(obj)? {
        return Ok(Format::of_layout(Arc::new(known.layout), known.dialect, "host"));
    }
    let acquired = acquire(obj)?;
    let raw = acquired.raw();
    let format = raw.format.unwrap_or(b"B");
    let itemsize = u64::try_from(raw.itemsize)
        .map_err(|_| PyBufferError::new_err(format!("the exporter reports an itemsize of {} bytes", raw.itemsize)))?;
    match producer_dialect(obj)? {
        // A producer that breaks the rules of its own dialect is read like any other.
        Some(dialect) => Format::read(format, Some(itemsize), Some(dialect), "host")
            .or_else(|_| Format::read(format, Some(itemsize), None, "host")),
        None => Format::read(format, Some(itemsize), None, "host"),
    }
}

/// A buffer with its format, of any shape if the exporter grants that.
fn acquire(obj: &Bound<'_, PyAny>) -> PyResult<Acquired> {
    match Acquired::new(obj, Request::FULL_RO) {
        Err(error) if error.is_instance_of::<PyBufferError>(obj.py()) => {
            Acquired::new(obj, Request::FORMAT | Request::ND)
        }
        acquired => acquired,
    }
}

/// The dialect of the module that defines the exporter's class.
fn producer_dialect(obj: &Bound<'_, PyAny>) -> PyResult<Option<&'static Dialect>> {
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
        // Cython compiles its own array and memoryview into each module.
        "View" => Some(&Dialect::CYTHON),
        _ if exporter.get_type().name()? == "_memoryviewslice" => Some(&Dialect::CYTHON),
        _ => None,
    })
}

/// The difference between two formats, and how far they are equivalent.
///
/// >>> import pep3118
/// >>> swapped = pep3118.diff("<i", ">i")
/// >>> swapped.equivalence, swapped.difference
/// ('bytes-after-swap', 'int32 at byte 0 is little-endian in the first and big-endian in the second')
#[pyclass(frozen, module = "pep3118")]
pub(super) struct Difference {
    comparison: Comparison,
}

#[pymethods]
impl Difference {
    /// The highest level that holds: "text", "scalars", "layout-ignoring-names" or "bytes-after-swap". Each
    /// implies those after it. None if the same bytes are different values.
    #[getter]
    fn equivalence(&self) -> Option<&'static str> {
        self.comparison.equivalence.map(|level| level.as_str())
    }

    /// The first difference, in one sentence; None if there is none.
    #[getter]
    fn difference(&self) -> Option<&str> {
        self.comparison.difference.as_deref()
    }

    /// Whether values or names differ.
    fn __bool__(&self) -> bool {
        self.comparison.difference.is_some()
    }

    fn __str__(&self) -> String {
        let level = self.comparison.equivalence.map_or_else(|| "different".to_owned(), |level| level.to_string());
        match &self.comparison.difference {
            Some(difference) => format!("{level}: {difference}"),
            None => level,
        }
    }

    fn __repr__(&self) -> String {
        format!("<Difference {}>", self.__str__())
    }
}

/// Compares the layouts of two formats. Strings are read in dialect pep3118, for this machine.
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
    let mut comparison = Comparison::of_layouts(a.layout(), b.layout());
    if comparison.difference.is_none() && a.has_same_text(b) {
        comparison.equivalence = Some(Equivalence::Text);
    }
    Ok(Difference { comparison })
}

fn operand<'py>(format: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Format>> {
    match format.cast::<Format>() {
        Ok(format) => Ok(format.clone()),
        Err(_) => {
            let text = format_bytes(format)?;
            Bound::new(format.py(), Format::read(&text, None, Some(&Dialect::PEP3118), "host")?)
        }
    }
}
