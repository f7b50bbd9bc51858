//! The exceptions `FormatError` and `BufferRuleError`.

use pep3118::__private::escape;
use pep3118::abi::DataModel;
use pep3118::layout::{Ambiguity, Dialect, LayoutError};
use pep3118::view::{Report, Severity};
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

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
    let (module, name) = (class.getattr(intern!(object.py(), "__module__"))?, class.qualname()?);
    let name = escape(&*name.to_string_lossy()).into_owned();
    // `__module__` of a class can be any object.
    let module = module.cast::<PyString>().ok().map(|module| module.to_string_lossy());
    Ok(match module.filter(|module| module != "builtins" && module != "__main__") {
        Some(module) => format!("{}.{name}", escape(&*module)),
        None => name,
    })
}

/// Creates an exception of class `T` with `message` and `attributes`, which are (name, value). If Python cannot
/// create the exception, returns the exception that Python raised instead.
fn with_attributes<T: pyo3::PyTypeInfo>(
    py: Python<'_>,
    message: String,
    attributes: &[(&str, &Bound<'_, PyAny>)],
) -> PyErr {
    let exception = py.get_type::<T>().call1((message,)).and_then(|exception| {
        for (name, value) in attributes {
            exception.setattr(*name, value)?;
        }
        Ok(exception)
    });
    exception.map_or_else(|error| error, PyErr::from_value)
}

/// Creates a `FormatError` with `message`. `span` is the start and the end of the offending bytes in the format.
pub(crate) fn format_error(message: String, span: Option<(usize, usize)>) -> PyErr {
    Python::attach(|py| match span.into_pyobject(py) {
        Ok(span) => with_attributes::<FormatError>(py, message, &[("span", &span)]),
        Err(error) => error,
    })
}

/// Creates the exception for `error`, the error of C source. The exception has no span, because the span belongs to a
/// line of the source.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes the error by value")]
pub(crate) fn c_error(error: pep3118::CError) -> PyErr {
    format_error(error.diagnostic().to_string(), None)
}

/// Creates the exception for an ambiguous format. The help line lists the arguments of `call`, the call that the user
/// made, that select an interpretation.
pub(crate) fn ambiguous(ambiguity: &Ambiguity, call: Call) -> PyErr {
    let found = ambiguity.alternatives().iter().map(|found| format!("`{}`", call.dialect(found.dialect.name)));
    let help = format!("choose one: {}", found.collect::<Vec<_>>().join(" or "));
    format_error(ambiguity.diagnostic().with_help(help).to_string(), None)
}

/// Creates the exception for `error`, the error of the library for `format`, `itemsize`, `dialect` and `model`. The
/// help line names an argument of `call`, the call that the user made, or a format with which the call succeeds.
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

/// Creates the exception for `error`. The message shows the position of the error in the format.
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
        let rule = first.rule().as_str().into_pyobject(py)?.into_any();
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
