//! The Python functions `layout_of`, which returns the format of an object, and `diff`, which compares two formats.

use std::sync::Arc;

use crate::objects::Text;
use pep3118::name;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyString};

use super::format::Format;
use super::layout_argument::{Call, LayoutArgument};
use super::view::View;
use crate::explain::escape_html;
use crate::objects;
use pep3118::__private::{escape, type_layout};
use pep3118::layout::{Comparison, Dialect, Equivalence};
use pep3118::py::Acquired;
use pep3118::view::Request;

/// Returns the format of the items of `obj`, which exports a buffer, or the format with the layout that `obj`
/// describes: a str, a Format, a numpy.dtype, a ctypes class or a record class. A bytes object is a buffer and not a
/// format.
///
/// If the type of `obj` defines the layout of the items (NumPy, ctypes, array, bytes), the format has this layout.
/// Otherwise the layout is computed from the format and the itemsize of the buffer. If the module that defines the type
/// is known, for example Cython, the dialect of this module is used.
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
    if let Ok(view) = obj.cast_exact::<View>() {
        return Ok(view.get().layout());
    }
    if !obj.is_instance_of::<PyBytes>()
        && let Some(layout) = LayoutArgument::find(obj)?
    {
        return match layout {
            LayoutArgument::Text(text) => Format::read(&text, None, None, "host", Call::FORMAT),
            LayoutArgument::Format(format) => Ok(format.get().clone()),
        };
    }
    if let Some(known) = type_layout(obj)? {
        return Ok(Format::from_layout(Arc::new(known.layout), known.dialect, "host"));
    }
    let acquired = acquire(obj)?;
    let raw = acquired.raw();
    // The protocol defines a NULL format as `B`, unsigned bytes.
    let format = raw.format.unwrap_or(b"B");
    let itemsize = u64::try_from(raw.itemsize).map_err(|_| {
        objects::error::<PyBufferError>(format!("the exporter reports an itemsize of {} bytes", raw.itemsize))
    })?;
    match producer_dialect(obj)? {
        // If the format is invalid in the dialect of its producer, all dialects are tried.
        Some(dialect) => Format::read(format, Some(itemsize), Some(dialect), "host", Call::FORMAT)
            .or_else(|_| Format::read(format, Some(itemsize), None, "host", Call::FORMAT)),
        None => Format::read(format, Some(itemsize), None, "host", Call::FORMAT),
    }
}

/// Acquires a buffer of `obj` with its format. If the exporter refuses the request `FULL_RO` with `BufferError`,
/// requests a C-contiguous buffer. If the exporter refuses both requests, returns the exception of the second request.
/// Returns any other exception of the first request unchanged.
fn acquire(obj: &Bound<'_, PyAny>) -> PyResult<Acquired> {
    match Acquired::new(obj, Request::FULL_RO) {
        Err(error) if error.is_instance_of::<PyBufferError>(obj.py()) => {
            Acquired::new(obj, Request::FORMAT | Request::ND)
        }
        acquired => acquired,
    }
}

/// Returns the dialect of the module that defines the class of `obj`, or `None` if the module is unknown. If `obj` is a
/// `memoryview`, uses the class of the object `obj.obj`, which owns the memory.
fn producer_dialect(obj: &Bound<'_, PyAny>) -> PyResult<Option<&'static Dialect>> {
    let py = obj.py();
    let exporter = if obj.is_instance_of::<PyMemoryView>() { obj.getattr(name!(py, "obj"))? } else { obj.clone() };
    let module = exporter.get_type().getattr_opt(name!(py, "__module__"))?;
    let module = module.and_then(|module| module.cast_into::<PyString>().ok());
    let Some(module) = module else { return Ok(None) };
    let module = module.to_str()?;
    let package = module.split_once('.').map_or(module, |(package, _)| package);
    Ok(match package {
        "numpy" => Some(&Dialect::NUMPY),
        "ctypes" | "_ctypes" => Some(&Dialect::CTYPES),
        "array" => Some(&Dialect::ARRAY),
        // Cython compiles the classes `array` and `memoryview` into each extension module. The `__module__` of these
        // classes is `View`.
        "View" => Some(&Dialect::CYTHON),
        _ if exporter.get_type().name()? == "_memoryviewslice" => Some(&Dialect::CYTHON),
        _ => None,
    })
}

/// The result of comparing two formats: the first difference, and the level of equivalence.
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
    /// The highest level of equivalence, or None if the formats are not equivalent.
    ///
    /// - "text": the format strings have the same tokens.
    /// - "scalars": the same bytes are the same values under the same names.
    /// - "layout-ignoring-names": the same bytes are the same values.
    /// - "bytes-after-swap": the bytes are the same values after a change of the byte order.
    #[getter]
    fn equivalence(&self) -> Option<Text<&'static str>> {
        self.comparison.equivalence.map(|level| level.as_str()).map(Text)
    }

    /// The first difference in one sentence, or None if the formats have the same values under the same names.
    #[getter]
    fn difference(&self) -> Option<Text<&str>> {
        self.comparison.difference.as_deref().map(Text)
    }

    /// Returns whether the formats have different values or names.
    fn __bool__(&self) -> bool {
        self.comparison.difference.is_some()
    }

    fn __str__(&self) -> Text<String> {
        let level = self.comparison.equivalence.map_or_else(|| "different".to_owned(), |level| level.to_string());
        Text(match &self.comparison.difference {
            Some(difference) => format!("{level}: {difference}"),
            None => level,
        })
    }

    /// Returns the level of equivalence and the first difference as a table of HTML, for notebooks.
    fn _repr_html_(&self) -> Text<String> {
        let level = self.comparison.equivalence.map_or_else(|| "different".to_owned(), |level| level.to_string());
        let difference = self.comparison.difference.as_deref().unwrap_or("none");
        let row = |head: &str, text: &str| format!("<tr><th>{head}</th><td>{}</td></tr>", escape_html(&escape(text)));
        Text(format!("<table><tbody>{}{}</tbody></table>", row("equivalence", &level), row("difference", difference)))
    }

    fn __repr__(&self) -> Text<String> {
        Text(format!("<Difference {}>", self.__str__().0))
    }
}

/// Compares the layouts of the formats `a` and `b`.
///
/// A string is interpreted in the dialect pep3118 for this machine.
///
/// >>> import pep3118
/// >>> str(pep3118.diff("T{i:a:f:b:}", "T{i:a:f:c:}"))
/// 'same layout, other names: the field at byte 4 is named `b` in the first and named `c` in the second'
/// >>> bool(pep3118.diff("T{i:a:}", "T{<i:a:}"))
/// False
#[pyfunction]
pub(super) fn diff(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Difference> {
    let (a, b) = (format_argument(a, "a")?, format_argument(b, "b")?);
    let (a, b) = (a.get(), b.get());
    a.unambiguous()?;
    b.unambiguous()?;
    let mut comparison = Comparison::of_layouts(a.layout(), b.layout());
    if comparison.difference.is_none() && a.has_same_text(b) {
        comparison.equivalence = Some(Equivalence::Text);
    }
    Ok(Difference { comparison })
}

/// Converts `format` to a `Format`. `argument` is the name of the argument of `diff`: `a` or `b`. A text is interpreted
/// in the dialect pep3118. Returns an error if `format` describes no layout or is invalid. Accepts an ambiguous
/// `Format`, which the caller refuses.
fn format_argument<'py>(format: &Bound<'py, PyAny>, argument: &str) -> PyResult<Bound<'py, Format>> {
    match LayoutArgument::new(format, argument)? {
        LayoutArgument::Format(format) => Ok(format),
        LayoutArgument::Text(text) => {
            Bound::new(format.py(), Format::read(&text, None, Some(&Dialect::PEP3118), "host", Call::DIFF)?)
        }
    }
}
