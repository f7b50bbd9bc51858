//! The exception classes of the package: `FormatError`, `BufferRuleError`, `CastError`, `FieldNameError`,
//! `SelectionError` and `IndexCountError`. Also creates exceptions of these classes, and the names of classes for
//! messages.

use pep3118::__private::escape;
use pep3118::__private::{arguments, text, to_u64};
use pep3118::abi::DataModel;
use pep3118::layout::{Ambiguity, Dialect, LayoutError};
use pep3118::name;
use pep3118::view::{Report, Severity};
use pyo3::exceptions::{PyBufferError, PyIndexError, PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

use crate::objects;
use crate::tuple_builder::tuple;

use crate::layout_argument::Call;
use pep3118_cli::hints::{Arguments, help};

pyo3::create_exception!(
    pep3118,
    FormatError,
    PyValueError,
    "The format is invalid, or has several interpretations.\n
    `span` is the start and the end of the offending bytes in the format, or None if the error has no position.\n
>>> import pep3118
>>> try:
...     pep3118.calcsize('T{i:a:')
... except pep3118.FormatError as error:
...     print(error.span, str(error).splitlines()[0])
(6, 6) error: structure opened at byte 0 is never closed"
);
pyo3::create_exception!(
    pep3118,
    BufferRuleError,
    PyBufferError,
    "The metadata of a buffer break a rule of the buffer protocol.\n
    `rule` is the id of the first broken rule, such as 'A04'. `findings` contains a Finding for each broken rule.\n
>>> import pep3118
>>> try:
...     pep3118.Exporter(bytes(8), format='<i', shape=(3,))
... except pep3118.BufferRuleError as error:
...     print(error.rule, len(error.findings))
D06 1"
);

/// An exception class with two base classes: the class that memoryview raises, and the class that NumPy raises or that
/// describes the error more precisely. `pyo3::create_exception!` creates classes with one base class only.
pub(crate) struct TwoBaseClass {
    name: &'static str,
    doc: &'static str,
    bases: for<'py> fn(Python<'py>) -> [Bound<'py, PyType>; 2],
    class: PyOnceLock<Py<PyType>>,
}

/// The error of `View.cast`.
pub(crate) static CAST_ERROR: TwoBaseClass = TwoBaseClass {
    name: "CastError",
    doc: "The memory of a View cannot be cast to the format or the shape.\n
    The class derives from the two classes that memoryview.cast raises.\n
>>> import pep3118
>>> try:
...     pep3118.View(b'abc').cast('h')
... except pep3118.CastError as error:
...     print(error)
3 bytes are not a multiple of the 2-byte item size
help: view.cast('B')[:2].cast(…) covers the first 1 item",
    bases: |py| [py.get_type::<PyTypeError>(), py.get_type::<PyValueError>()],
    class: PyOnceLock::new(),
};

/// The error for a text in the brackets of `view[...]` that is not the name of a field.
pub(crate) static FIELD_NAME_ERROR: TwoBaseClass = TwoBaseClass {
    name: "FieldNameError",
    doc: "The items of a View have no field of this name.\n
    memoryview raises TypeError for every text in the brackets.\n
>>> import pep3118
>>> try:
...     pep3118.View(b'abcd').cast('T{<h:a:<h:b:}')['c']
... except KeyError as error:
...     print(type(error), error)
<class 'pep3118.FieldNameError'> \"no field is called 'c': a, b\"",
    bases: |py| [py.get_type::<PyKeyError>(), py.get_type::<PyTypeError>()],
    class: PyOnceLock::new(),
};

/// The error for a value that does not fit the items of a selection.
pub(crate) static SELECTION_ERROR: TwoBaseClass = TwoBaseClass {
    name: "SelectionError",
    doc: "The value does not fit the items that a list of indices, an array of indices or a mask selects.\n
    memoryview raises TypeError for such a key, and NumPy raises ValueError for the value.\n
>>> import pep3118
>>> try:
...     pep3118.View(bytearray(4))[[0, 1]] = b'abc'
... except pep3118.SelectionError as error:
...     print(error)
a value of shape [3] cannot be broadcast to the selected items of shape [2]",
    bases: |py| [py.get_type::<PyTypeError>(), py.get_type::<PyValueError>()],
    class: PyOnceLock::new(),
};

/// The error for too many indices in the brackets of `view[...]`.
pub(crate) static INDEX_COUNT_ERROR: TwoBaseClass = TwoBaseClass {
    name: "IndexCountError",
    doc: "The key of a View has more indices than the View has dimensions.\n
    memoryview raises TypeError for such a key, and NumPy raises IndexError.\n
>>> import pep3118
>>> try:
...     pep3118.View(b'abc')[0, 1]
... except IndexError as error:
...     print(type(error), error)
<class 'pep3118.IndexCountError'> 2 indices for 1 dimension",
    bases: |py| [py.get_type::<PyIndexError>(), py.get_type::<PyTypeError>()],
    class: PyOnceLock::new(),
};

impl TwoBaseClass {
    /// Returns the name of the class and the Python class. The first call creates the class.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(crate) fn class<'py>(&self, py: Python<'py>) -> PyResult<(&'static str, &Bound<'py, PyType>)> {
        let class = self.class.get_or_try_init(py, || {
            let attributes = objects::dict(py)?;
            attributes.set_item(name!(py, "__module__"), name!(py, "pep3118"))?;
            attributes.set_item(name!(py, "__doc__"), objects::string(py, self.doc)?)?;
            let bases = tuple(py, (self.bases)(py).into_iter().map(|base| Some(base.into_any())))?;
            let class = py
                .get_type::<PyType>()
                .call1(arguments(py, [&objects::string(py, self.name)?, &bases, &attributes])?)?;
            Ok::<_, PyErr>(class.cast_into::<PyType>()?.unbind())
        })?;
        Ok((self.name, class.bind(py)))
    }

    /// Creates an exception of this class with the message `message`. Returns the exception of Python if Python cannot
    /// create the class or the exception.
    #[cold]
    pub(crate) fn error(&self, message: impl AsRef<str>) -> PyErr {
        objects::attached(|py| match self.class(py) {
            Ok((_, class)) => objects::error_of_class(class, message),
            Err(error) => error,
        })
    }
}

/// Returns the name of the class of `object`, escaped for a message.
///
/// # Errors
/// - the class has no name: the exception that Python raises
pub(crate) fn class_name(object: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(escape(&*object.get_type().name()?.to_string_lossy()).into_owned())
}

/// Returns the name of the class of `object` with its module, such as `decimal.Decimal`, escaped for a message. The
/// modules `builtins` and `__main__` are left out, as in messages of CPython.
///
/// # Errors
/// - the class has no name: the exception that Python raises
pub(crate) fn qualified_class_name(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = object.get_type();
    let (module, name) = (class.getattr(name!(object.py(), "__module__"))?, class.qualname()?);
    let name = escape(&*name.to_string_lossy()).into_owned();
    // `__module__` of a class can be any object.
    let module = module.cast::<PyString>().ok().map(|module| module.to_string_lossy());
    Ok(match module.filter(|module| module != "builtins" && module != "__main__") {
        Some(module) => format!("{}.{name}", escape(&*module)),
        None => name,
    })
}

/// Creates an exception of class `T` with `message`. `attributes` are pairs of the name and the value of an attribute.
/// If Python cannot create the exception, returns the exception that Python raised instead.
fn with_attributes<T: pyo3::PyTypeInfo>(
    py: Python<'_>,
    message: String,
    attributes: &[(&str, &Bound<'_, PyAny>)],
) -> PyErr {
    let exception = || {
        let message = objects::string(py, &message)?;
        let exception = py.get_type::<T>().call1(arguments(py, [&message])?)?;
        for (name, value) in attributes {
            exception.setattr(text(py, name)?, value)?;
        }
        Ok::<_, PyErr>(exception)
    };
    exception().map_or_else(|error| error, PyErr::from_value)
}

/// Creates a `FormatError` with `message`. `span` is the start and the end of the offending bytes in the format.
pub(crate) fn format_error(message: String, span: Option<(usize, usize)>) -> PyErr {
    objects::attached(|py| match span_object(py, span) {
        Ok(span) => with_attributes::<FormatError>(py, message, &[("span", &span)]),
        Err(error) => error,
    })
}

/// Returns `span` as a tuple, or Python's `None`. Returns a `MemoryError` if there is no memory.
fn span_object(py: Python<'_>, span: Option<(usize, usize)>) -> PyResult<Bound<'_, PyAny>> {
    let Some((start, end)) = span else { return Ok(py.None().into_bound(py)) };
    let [start, end] = [start, end].map(|byte| objects::number(py, to_u64(byte)));
    Ok(arguments(py, [&start?, &end?])?.into_any())
}

/// Creates the `FormatError` for `error`, an error in C source. The exception has no span, because a span of
/// `FormatError` counts bytes of a format, and `error` has a position in C source.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes the error by value")]
pub(crate) fn c_error(error: pep3118::CError) -> PyErr {
    format_error(error.diagnostic().to_string(), None)
}

/// Creates the `FormatError` for an ambiguous format. `call` is the function that the user has called. The help line
/// lists the arguments of `call` that select an interpretation.
pub(crate) fn ambiguous(ambiguity: &Ambiguity, call: Call) -> PyErr {
    let found = ambiguity.alternatives().iter().map(|found| format!("`{}`", call.dialect(found.dialect.name)));
    let help = format!("choose one: {}", found.collect::<Vec<_>>().join(" or "));
    format_error(ambiguity.diagnostic().with_help(help).to_string(), None)
}

/// Creates the `FormatError` for `error`, which the library returned for `format`, `itemsize`, `dialect` and `model`.
/// `call` is the function that the user has called. The help line names an argument or a format with which `call`
/// succeeds.
#[cold]
pub(crate) fn refused(
    error: &LayoutError,
    (format, itemsize, dialect): (&[u8], Option<u64>, Option<&Dialect>),
    model: &DataModel,
    call: Call,
) -> PyErr {
    if let Some(ambiguity) = error.ambiguity() {
        return ambiguous(ambiguity, call);
    }
    let (diagnostic, span) = (error.diagnostic(), error.span());
    let message = match help(error, format, itemsize, dialect, model, &call) {
        Some(help) => diagnostic.with_help(help).to_string(),
        None => diagnostic.to_string(),
    };
    format_error(message, Some((span.start(), span.end())))
}

/// Creates the `FormatError` for `error`. The message shows the position of the error in the format. For an ambiguous
/// format, the help line suggests a call of `Format`.
pub(crate) fn format_exception(error: LayoutError) -> PyErr {
    if let Some(ambiguity) = error.ambiguity() {
        return ambiguous(ambiguity, Call::FORMAT);
    }
    let span = error.span();
    format_error(format!("{error:#}"), Some((span.start(), span.end())))
}

/// Creates a `BufferRuleError` with the findings of `report`. Returns `None` if no finding is an error.
pub(crate) fn broken_rules(py: Python<'_>, report: &Report) -> Option<PyErr> {
    let first = report.iter().find(|finding| finding.severity() == Severity::Error)?;
    let attributes = || {
        let rule = objects::string(py, first.rule().as_str())?;
        Ok::<_, PyErr>((rule, crate::report::findings(py, report)?.into_any()))
    };
    Some(match attributes() {
        Ok((rule, findings)) => {
            let attributes = [("rule", &rule), ("findings", &findings)];
            with_attributes::<BufferRuleError>(py, format!("{report:#}"), &attributes)
        }
        Err(error) => error,
    })
}
