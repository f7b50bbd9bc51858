//! The Python classes `Report` and `Finding`: the results of `check` and `audit`.

use std::borrow::Cow;

use crate::objects::Text;
use pep3118::name;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString, PyTuple, PyType};

use crate::errors::broken_rules;
use crate::explain::escape_html;
use crate::objects::{self, from_result};
use crate::short_sequence::ShortSequence;
use crate::tuple_builder;
use pep3118::__private::{ReportJson, escape, plural};
use pep3118::RuleId;
use pep3118::view::{Finding as CoreFinding, Report as CoreReport, RuleIdError, Severity};

/// A broken rule, with its id, its severity and the values that break it.
///
/// `str()` returns one line. `explain()` returns a paragraph with the text of the rule and the calculation.
///
/// >>> import ctypes, pep3118
/// >>> finding = pep3118.check(ctypes.c_int(1), "ND")[0]
/// >>> finding.rule, finding.name, finding.severity
/// ('B05', 'FORMAT-UNSET-NULL', 'error')
/// >>> print(finding)
/// error B05: the request has no FORMAT but format is `<i` [ND]
#[pyclass(frozen, eq, module = "pep3118")]
#[derive(Debug, PartialEq)]
pub(super) struct Finding {
    finding: CoreFinding,
}

#[pymethods]
impl Finding {
    /// The id of the rule, such as "A04".
    #[getter]
    fn rule(&self) -> Text<&'static str> {
        Text(self.finding.rule().as_str())
    }

    /// The name of the rule, such as "LEN-PRODUCT".
    #[getter]
    fn name(&self) -> Text<&'static str> {
        Text(self.finding.rule().name())
    }

    /// The severity: "error", "warning" or "note".
    #[getter]
    fn severity(&self) -> Text<&'static str> {
        Text(self.finding.severity().as_str())
    }

    /// The message in one line.
    #[getter]
    fn message(&self) -> Text<String> {
        Text(self.finding.message())
    }

    /// The requests whose buffers break the rule, such as ("ND", "FULL_RO").
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        strings(py, self.finding.requests().iter().map(ToString::to_string))
    }

    /// Returns the message with the calculation, the text of the rule and the source of the rule.
    ///
    /// >>> import ctypes, pep3118
    /// >>> print(pep3118.check(ctypes.c_int(1), "ND")[0].explain())
    /// error[B05]: the request has no FORMAT but format is `<i`
    ///  |
    ///  = note: in the answer to ND
    ///  = note: FORMAT-UNSET-NULL: a request without FORMAT returns format NULL (must; buffer.rst, PyBUF_FORMAT)
    ///  = help: set the field to NULL unless the request has its flag
    fn explain(&self) -> Text<String> {
        Text(format!("{:#}", self.finding))
    }

    fn __str__(&self) -> Text<String> {
        Text(self.finding.to_string())
    }

    fn __repr__(&self) -> Text<String> {
        Text(format!("<Finding {}>", self.finding))
    }
}

/// The findings of `check` or `audit`. `bool(report)` is False if a finding is an error.
///
/// >>> import ctypes, pep3118
/// >>> report = pep3118.audit(ctypes.c_int(1))
/// >>> bool(report), report.rules, "A04" in report, len(report)
/// (False, ('B05',), False, 1)
/// >>> bool(pep3118.audit(bytearray(3)))
/// True
#[pyclass(frozen, module = "pep3118")]
#[derive(Debug)]
pub(super) struct Report {
    /// The name of the exporter's type, not escaped.
    exporter: String,
    report: CoreReport,
    readable: bool,
    layout_source: Option<&'static str>,
    /// The `Finding` objects, which all calls of `findings` share.
    findings: Py<PyTuple>,
}

/// Returns a tuple with one `Finding` object for each finding of `report`.
///
/// # Errors
/// - the memory is exhausted: `MemoryError`
pub(super) fn findings<'py>(py: Python<'py>, report: &CoreReport) -> PyResult<Bound<'py, PyTuple>> {
    let findings: Vec<&CoreFinding> = report.iter().collect();
    let object = |finding: &CoreFinding| Bound::new(py, Finding { finding: finding.clone() });
    tuple_builder::tuple(py, findings.into_iter().map(|finding| from_result(py, object(finding).map(Bound::into_any))))
}

/// Returns a tuple with one `str` object for each entry of `strings`. Returns the `MemoryError` if there is no memory.
fn strings<'py>(
    py: Python<'py>,
    strings: impl ExactSizeIterator<Item = impl AsRef<str>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let object = |text: &str| from_result(py, PyString::from_bytes(py, text.as_bytes()).map(Bound::into_any));
    tuple_builder::tuple(py, strings.map(|text| object(text.as_ref())))
}

impl Report {
    /// Creates a report on `exporter` with the findings of `report`. `readable` and `layout_source` are the values of
    /// the Python properties with the same names. Returns the `MemoryError` if there is no memory.
    pub(super) fn new(
        exporter: &Bound<'_, PyAny>,
        report: CoreReport,
        readable: bool,
        layout_source: Option<&'static str>,
    ) -> PyResult<Self> {
        let (py, ty) = (exporter.py(), exporter.get_type());
        // A class can replace `__module__` by an object that is not a string. The report then contains `?` instead of
        // the name.
        let name = match full_name(&ty) {
            Err(error) if error.is_instance_of::<PyMemoryError>(py) => return Err(error),
            name => name.unwrap_or_else(|_| "?".to_owned()),
        };
        let findings = findings(py, &report)?.unbind();
        Ok(Self { exporter: name, report, readable, layout_source, findings })
    }

    /// Returns the name of the exporter's type, escaped for a message.
    fn escaped_exporter(&self) -> Cow<'_, str> {
        escape(&self.exporter)
    }

    /// Returns the values for the JSON form of the report.
    pub(super) fn json(&self) -> ReportJson<'_> {
        ReportJson { exporter: Some(&self.exporter), findings: &self.report, readable: self.readable }
    }

    /// Returns the text of a report without findings, such as `bytes: clean`.
    fn clean(&self) -> String {
        format!("{}: clean", self.escaped_exporter())
    }

    /// Returns the number of findings of each severity, such as `2 errors, 1 note`, or `clean` for no findings.
    fn counts(&self) -> String {
        let count = |severity: Severity| {
            let count = self.report.iter().filter(|finding| finding.severity() == severity).count();
            (count > 0).then(|| plural(count, severity.as_str()))
        };
        let counts = [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count);
        let counts: Vec<String> = counts.collect();
        if counts.is_empty() { "clean".to_owned() } else { counts.join(", ") }
    }
}

/// Returns the name of the class `ty` with its module, such as `decimal.Decimal`. The modules `builtins` and `__main__`
/// are left out.
///
/// # Errors
/// - `__module__` of the class is not a `str`: `TypeError`
/// - no memory: `MemoryError`
fn full_name(ty: &Bound<'_, PyType>) -> PyResult<String> {
    let py = ty.py();
    let (module, name) = (ty.getattr(name!(py, "__module__"))?, ty.qualname()?);
    let (module, name) = (module.extract::<String>()?, name.to_str()?.to_owned());
    Ok(if module == "builtins" || module == "__main__" { name } else { format!("{module}.{name}") })
}

#[pymethods]
impl Report {
    /// The name of the type of the object that was checked, such as "numpy.ndarray".
    #[getter]
    fn exporter(&self) -> Text<&str> {
        Text(&self.exporter)
    }

    /// The findings, errors first.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.findings.bind(py)
    }

    /// Whether the items can be read safely in spite of the findings.
    #[getter]
    fn readable(&self) -> bool {
        self.readable
    }

    /// The source of the layout that the object's type defines, or None if the type defines no layout.
    ///
    /// The source is "numpy.dtype", "ctypes", "array.typecode" or "bytes". The format was compared with the layout
    /// (rule T01, format against type).
    #[getter]
    fn layout_source(&self) -> Option<Text<&'static str>> {
        self.layout_source.map(Text)
    }

    /// The ids of the broken rules without duplicates, errors first.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mut rules: Vec<&'static str> = Vec::new();
        for finding in &self.report {
            let rule = finding.rule().as_str();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        strings(py, rules.into_iter())
    }

    /// Returns a paragraph for each finding, with the calculation and the text of the rule. Returns `NAME: clean` if
    /// there are no findings, where `NAME` is the name of the type of the object.
    fn explain(&self) -> Text<String> {
        Text(if self.report.is_empty() { self.clean() } else { format!("{:#}", self.report) })
    }

    /// Returns the report as JSON in the form of `pep3118 check --json`:
    /// `{"exporter": ..., "findings": [...], "readable": ...}`.
    fn to_json(&self) -> PyResult<Text<String>> {
        let invalid = |error: &dyn std::fmt::Display| objects::error::<PyValueError>(error.to_string());
        let mut json = serde_json::to_vec(&self.json()).map_err(|error| invalid(&error))?;
        pep3118_cli::escape_json(&mut json);
        String::from_utf8(json).map_err(|error| invalid(&error)).map(Text)
    }

    /// Raises BufferRuleError if a finding is an error. `allow` contains the ids or names of rules that may be
    /// broken. Raises ValueError if `allow` contains an unknown rule.
    ///
    /// >>> import ctypes, pep3118
    /// >>> report = pep3118.audit(ctypes.c_int(1))
    /// >>> report.raise_for_errors(allow=["B05"])
    /// >>> report.raise_for_errors()
    /// Traceback (most recent call last):
    /// ...
    /// pep3118.BufferRuleError: error[B05]: the request has no FORMAT but format is `<i`
    /// ...
    #[pyo3(signature = (allow = ShortSequence(Vec::new())))]
    fn raise_for_errors(&self, py: Python<'_>, allow: ShortSequence<Bound<'_, PyString>>) -> PyResult<()> {
        let id = |rule: &Bound<'_, PyString>| -> PyResult<RuleId> {
            rule.to_cow()?.parse().map_err(|error: RuleIdError| objects::error::<PyValueError>(error.to_string()))
        };
        let allowed = allow.0.iter().map(id).collect::<PyResult<Vec<RuleId>>>()?;
        broken_rules(py, &self.report.without(&allowed)).map_or(Ok(()), Err)
    }

    fn __bool__(&self) -> bool {
        !self.report.has_errors()
    }

    fn __len__(&self) -> usize {
        self.report.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.findings.bind(py).as_any().get_item(index)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.findings.bind(py).try_iter()
    }

    fn __contains__(&self, rule: &str) -> bool {
        self.report.iter().any(|finding| finding.rule().as_str() == rule)
    }

    fn __str__(&self) -> Text<String> {
        Text(if self.report.is_empty() { self.clean() } else { self.report.to_string() })
    }

    /// Returns the findings as a table of HTML, for notebooks.
    fn _repr_html_(&self) -> Text<String> {
        let row = |finding: &CoreFinding| {
            let cells =
                [finding.severity().as_str(), finding.rule().as_str(), finding.rule().name(), &finding.message()];
            cells.map(|cell| format!("<td>{}</td>", escape_html(&escape(cell)))).concat()
        };
        let rows = self.report.iter().map(|finding| format!("<tr>{}</tr>", row(finding))).collect::<String>();
        let heading = escape_html(&format!("{}: {}", self.escaped_exporter(), self.counts()));
        if rows.is_empty() {
            return Text(format!("<p><code>{heading}</code></p>"));
        }
        let head = ["severity", "rule", "name", "message"].map(|head| format!("<th>{head}</th>")).concat();
        Text(format!(
            "<div><p><code>{heading}</code></p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        ))
    }

    fn __repr__(&self) -> Text<String> {
        Text(format!("<Report on {}: {}>", self.escaped_exporter(), self.counts()))
    }
}
