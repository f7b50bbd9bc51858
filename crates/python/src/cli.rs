//! The native functions of the command `pep3118`, which the Python files `__main__`, `_audit` and `_census` of the
//! package call.

use std::ffi::OsString;

use pep3118::__private::arguments;
use pep3118::__private::escape;
use pep3118::RuleId;
use pep3118::name;
use pep3118_cli::{Audit, Call, Census, Checked, FindingsFormat, PythonCommand, write_findings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString};

use crate::objects::{self, Text};
use crate::report::Report;
use crate::tuple_builder::of_texts;

/// Answers the call `argv` of the command `pep3118` in native code, and returns the exit status. `argv[0]` is the
/// program name.
///
/// If `argv` is a valid call of `audit` or `census`, does nothing and returns the options: `("audit", expressions,
/// allow, explain, to)` or `("census", packages, json)`. `allow` contains the ids of rules, and `to` is the name of an
/// output format.
///
/// If `handle_signals` is true, SIGHUP, SIGINT and SIGTERM end the process from the start of a native command. Python's
/// handlers of these signals no longer run.
#[pyfunction]
#[pyo3(signature = (argv, handle_signals = false))]
pub(super) fn _cli(py: Python<'_>, argv: Vec<OsString>, handle_signals: bool) -> PyResult<Bound<'_, PyAny>> {
    Ok(match pep3118_cli::parse(argv) {
        Call::Native(call) => {
            if handle_signals {
                pep3118_cli::handle_signals();
            }
            objects::number(py, py.detach(|| call.run()).into())?
        }
        Call::Python(PythonCommand::Audit(options)) => {
            let to = options.format().as_str();
            let Audit { expressions, allow, explain, .. } = options;
            let allow: Vec<&str> = allow.iter().map(|rule| rule.as_str()).collect();
            let [kind, to] = ["audit", to].map(|word| objects::string(py, word));
            let (expressions, allow) = (of_texts(py, &expressions)?, of_texts(py, &allow)?);
            let explain = PyBool::new(py, explain);
            arguments(py, [&kind?, &expressions, &allow, &explain, &to?])?.into_any()
        }
        Call::Python(PythonCommand::Census(Census { packages, json })) => {
            let (kind, packages) = (objects::string(py, "census")?, of_texts(py, &packages)?);
            arguments(py, [&kind, &packages, &PyBool::new(py, json)])?.into_any()
        }
    })
}

/// Returns `text` with all control characters and invisible characters escaped.
#[pyfunction]
pub(super) fn _escape(text: &Bound<'_, PyString>) -> PyResult<Text<String>> {
    // `backslashreplace` escapes lone surrogates, which UTF-8 cannot encode.
    let py = text.py();
    let bytes = text
        .call_method1(name!(py, "encode"), arguments(py, [name!(py, "utf-8"), name!(py, "backslashreplace")])?)?
        .cast_into::<PyBytes>()?;
    Ok(Text(escape(bytes.as_bytes()).into_owned()))
}

/// Returns the id of the rule with the id or name `rule`.
///
/// Raises ValueError if the rule is unknown. The message suggests the nearest id or name.
#[pyfunction]
pub(super) fn _rule_id(rule: &str) -> PyResult<&'static str> {
    pep3118_cli::rule(rule).map(RuleId::as_str).map_err(objects::error::<PyValueError>)
}

/// Returns the text of `pep3118 audit` for `rows`, in the output format `to`.
///
/// Each row is an expression and the report on its value, or an expression and the message of an exception. `allow`
/// contains the ids of rules whose errors are allowed. With `explain`, the text format contains the text of the rules.
///
/// Raises ValueError if `to` is not an output format or a rule is unknown.
#[pyfunction]
pub(super) fn _findings(
    to: &str,
    rows: Vec<(String, Py<PyAny>)>,
    allow: Vec<String>,
    explain: bool,
    py: Python<'_>,
) -> PyResult<String> {
    let to = FindingsFormat::by_name(to);
    let to = to.ok_or_else(|| objects::error::<PyValueError>("the output format is unknown"))?;
    let allow = allow.iter().map(|rule| pep3118_cli::rule(rule)).collect::<Result<Vec<RuleId>, String>>();
    let allow = allow.map_err(objects::error::<PyValueError>)?;
    let outcome = |outcome: &Py<PyAny>| -> PyResult<Result<Py<Report>, String>> {
        let outcome = outcome.bind(py);
        match outcome.cast::<Report>() {
            Ok(report) => Ok(Ok(report.clone().unbind())),
            Err(_) => Ok(Err(outcome.extract()?)),
        }
    };
    let outcomes = rows.iter().map(|(_, row)| outcome(row)).collect::<PyResult<Vec<_>>>()?;
    let checked: Vec<Checked<'_>> = rows
        .iter()
        .zip(&outcomes)
        .map(|((name, _), outcome)| Checked {
            name,
            report: outcome.as_ref().map(|report| report.get().json()).map_err(String::as_str),
        })
        .collect();
    write_findings(to, &checked, &allow, explain).map_err(|error| objects::error::<PyValueError>(error.to_string()))
}
