//! From an object to items that can be read.

use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyString, PyTuple, PyType};

use super::class::View;
use super::items::Items;
use super::shown::Shown;
use super::truth::{self, Writer};
use crate::abi::DataModel;
use crate::layout::{Certainty, Dialect, Reading, Table, reconcile};
use crate::py::acquire::{Acquired, SharedView};
use crate::py::errors::{FormatError, broken_rules};
use crate::view::{Checker, ItemLayout, Request};

/// The longest chain of memoryviews that is followed to the exporter.
const CHAIN: usize = 16;

/// Opens an exporter for reading.
///
/// Without a dialect that of the exporter's type counts, if it is known, else every reading.
pub(super) fn open(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<Shown> {
    let py = exporter.py();
    let format = format.map(format_bytes).transpose()?;
    let asked = dialect.map(by_name).transpose()?;
    let acquired = match Acquired::new(exporter, Request::FULL_RO) {
        // Some exporters can tell everything but the format, which is given.
        Err(error) if format.is_some() && !error.is_instance_of::<PyTypeError>(py) => {
            Acquired::new(exporter, Request::INDIRECT).map_err(|_| error)?
        }
        acquired => acquired?,
    };
    // What is given by the caller is the caller's word.
    let known = if format.is_none() { Known::of(py, &acquired) } else { None };
    let dialect = asked.or(known.as_ref().and_then(|known| known.dialect));
    if let (Some(format), Ok(itemsize)) = (&format, u64::try_from(acquired.raw().itemsize)) {
        let _: Reading = reconcile(format, Some(itemsize), dialect, &DataModel::HOST)?;
    }
    let written = format.or_else(|| acquired.raw().format.map(Vec::from));
    let checker = Checker { dialect, ..Checker::DEFAULT };
    let (report, shared) = acquired.check_as(&checker, written.as_deref());
    let Some(shared) = shared else {
        let error = broken_rules(py, &report);
        return Err(error.unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}"))));
    };
    if let ItemLayout::Reading(reading) = shared.view().item()
        && reading.certainty == Certainty::Ambiguous
    {
        return Err(ambiguous(reading, written.as_deref().unwrap_or_default()));
    }
    if let (Some(Known { wrote: Some((exporter, writer)), .. }), ItemLayout::Reading(reading)) =
        (&known, shared.view().item())
    {
        truth::verify(exporter, *writer, &reading.layout, written.as_deref().unwrap_or_default())?;
    }
    let items = Items::of_view(shared.view(), written, dialect)?;
    Ok(Shown::new(shared, items))
}

/// A format as `struct` takes it: text or bytes.
pub(super) fn format_bytes(format: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = format.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    match format.cast::<PyString>() {
        Ok(text) => Ok(text.to_string_lossy().into_owned().into_bytes()),
        Err(_) => Err(PyTypeError::new_err(format!("format must be str or bytes, not {}", format.get_type().name()?))),
    }
}

/// A dialect by its name.
pub(super) fn by_name(name: &str) -> PyResult<&'static Dialect> {
    Dialect::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name).collect();
        PyValueError::new_err(format!("no dialect is called '{}'; there are {}", name.escape_debug(), names.join(", ")))
    })
}

/// The readings that all fit, and how one is chosen.
pub(super) fn ambiguous(reading: &Reading, format: &[u8]) -> PyErr {
    let mut message = format!(
        "format `{}` with itemsize {} has several readings, which put values at different places\n",
        format.escape_ascii(),
        reading.layout.size()
    );
    let rivals = reading.rivals.iter().map(|(dialect, layout)| (dialect.name, layout));
    for (name, layout) in core::iter::once((reading.dialect.name, &reading.layout)).chain(rivals) {
        message.push_str(&format!("dialect='{name}':\n{}", Table::new(layout)));
    }
    message.push_str(&format!("help: say who wrote the format, for example View(obj, dialect='{}')", reading.dialect.name));
    FormatError::new_err(message)
}

/// What a format given by the caller means.
pub(super) fn reading_of(format: &[u8], dialect: Option<&Dialect>) -> PyResult<Reading> {
    let reading = reconcile(format, None, dialect, &DataModel::HOST)?;
    if reading.certainty == Certainty::Ambiguous {
        return Err(ambiguous(&reading, format));
    }
    Ok(reading)
}

/// What the type of the exporter tells.
struct Known<'py> {
    /// The dialect of whoever wrote the format.
    dialect: Option<&'static Dialect>,
    /// Who it is, where the type knows what the format should be.
    wrote: Option<(Bound<'py, PyAny>, Writer)>,
}

impl<'py> Known<'py> {
    fn of(py: Python<'py>, acquired: &Acquired) -> Option<Self> {
        let mut exporter = acquired.exporter(py)?;
        for _ in 0..CHAIN {
            if let Ok(view) = exporter.cast_exact::<View>() {
                return Some(Self { dialect: view.get().dialect(), wrote: None });
            }
            let Ok(view) = exporter.cast_exact::<PyMemoryView>() else { break };
            // What `memoryview.cast` makes is one code of its own.
            if acquired.raw().format.is_none_or(|format| format.len() <= 2) {
                return None;
            }
            exporter = view.getattr("obj").ok()?;
        }
        let mro = exporter.get_type().getattr("__mro__").ok()?.cast_into::<PyTuple>().ok()?;
        let (dialect, writer) = mro.iter().find_map(|base| {
            let base = base.cast_into::<PyType>().ok()?;
            let module = base.module().ok()?;
            let name = base.name().ok()?;
            match (module.to_str().ok()?, name.to_str().ok()?) {
                ("numpy", "ndarray" | "generic") => Some((&Dialect::NUMPY, Some(Writer::NumPy))),
                ("_ctypes", _) => Some((&Dialect::CTYPES, Some(Writer::Ctypes))),
                ("array", "array") => Some((&Dialect::ARRAY, None)),
                // The arrays and memoryviews that Cython compiles into each module.
                ("View.MemoryView", _) => Some((&Dialect::CYTHON, None)),
                _ => None,
            }
        })?;
        Some(Self { dialect: Some(dialect), wrote: writer.map(|writer| (exporter, writer)) })
    }
}

/// A view of other bytes of the same buffer, whose items are known.
pub(super) fn narrowed(shared: SharedView) -> PyResult<Shown> {
    let items = Items::of_view(shared.view(), None, None)?;
    Ok(Shown::new(shared, items))
}
