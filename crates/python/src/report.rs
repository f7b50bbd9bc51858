//! Reports for Python.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use pep3118::__private::ReportJson;
use pep3118::__private::plural;
use pep3118::view::{Finding as CoreFinding, Report as CoreReport, Severity};

/// One broken rule: its id, how bad that is, and the numbers.
///
/// `str()` is one line, `explain()` a paragraph with the rule and the working.
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
    /// The id of the rule: `"A04"`.
    #[getter]
    fn rule(&self) -> &'static str {
        self.finding.rule().as_str()
    }

    /// The name of the rule: `"LEN-PRODUCT"`.
    #[getter]
    fn name(&self) -> &'static str {
        self.finding.rule().name()
    }

    /// `"error"`, `"warning"` or `"note"`.
    #[getter]
    fn severity(&self) -> &'static str {
        self.finding.severity().as_str()
    }

    /// What is wrong, in one line.
    #[getter]
    fn message(&self) -> String {
        self.finding.message()
    }

    /// The requests whose answers have the fault: `("ND", "FULL_RO")`.
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.finding.requests().iter().map(ToString::to_string))
    }

    /// The message with the working, the rule and where it comes from.
    ///
    /// >>> import ctypes, pep3118
    /// >>> print(pep3118.check(ctypes.c_int(1), "ND")[0].explain())
    /// error[B05]: the request has no FORMAT but format is `<i`
    ///  |
    ///  = note: in the answer to ND
    ///  = note: FORMAT-UNSET-NULL: a request without FORMAT gets NULL (must; buffer.rst, PyBUF_FORMAT)
    ///  = help: set it to NULL unless the request has its flag
    fn explain(&self) -> String {
        format!("{:#}", self.finding)
    }

    fn __str__(&self) -> String {
        self.finding.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Finding {}>", self.finding)
    }
}

/// What `check` and `audit` found: true unless some finding is an error.
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
    exporter: String,
    report: CoreReport,
    readable: bool,
    truth: Option<&'static str>,
    findings: Py<PyTuple>,
}

/// The findings of a report, one by one.
pub(super) fn findings<'py>(py: Python<'py>, report: &CoreReport) -> PyResult<Bound<'py, PyTuple>> {
    let findings = report.iter().map(|finding| Py::new(py, Finding { finding: finding.clone() }));
    PyTuple::new(py, findings.collect::<PyResult<Vec<_>>>()?)
}

impl Report {
    pub(super) fn new(
        exporter: &Bound<'_, PyAny>,
        report: CoreReport,
        readable: bool,
        truth: Option<&'static str>,
    ) -> PyResult<Self> {
        let (py, ty) = (exporter.py(), exporter.get_type());
        let name = ty.fully_qualified_name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        let findings = findings(py, &report)?.unbind();
        Ok(Self { exporter: name, report, readable, truth, findings })
    }

    /// `2 errors, 1 note`, `clean`.
    fn counts(&self) -> String {
        let count = |severity: Severity| {
            let count = self.report.iter().filter(|finding| finding.severity() == severity).count();
            (count > 0).then(|| plural(count, severity.as_str()))
        };
        let counts: Vec<String> =
            [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count).collect();
        if counts.is_empty() { "clean".to_owned() } else { counts.join(", ") }
    }
}

#[pymethods]
impl Report {
    /// The type of the object that was judged: `"numpy.ndarray"`.
    #[getter]
    fn exporter(&self) -> &str {
        &self.exporter
    }

    /// The findings, errors first, as a tuple of `Finding`.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.findings.bind(py)
    }

    /// Whether the items can be read in spite of what was found.
    #[getter]
    fn readable(&self) -> bool {
        self.readable
    }

    /// What the format was held against (T01): `"numpy.dtype"`, `"ctypes"`; None where the type says nothing.
    #[getter]
    fn truth(&self) -> Option<&'static str> {
        self.truth
    }

    /// The ids of the rules that are broken, each once, errors first.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mut rules: Vec<&'static str> = Vec::new();
        for finding in &self.report {
            let rule = finding.rule().as_str();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        PyTuple::new(py, rules)
    }

    /// All findings with the working and the rules, a paragraph each.
    fn explain(&self) -> String {
        if self.report.is_empty() { format!("{}: clean", self.exporter) } else { format!("{:#}", self.report) }
    }

    /// `{"exporter": ..., "findings": [...], "readable": ...}`: what `pep3118 check --json` prints.
    fn to_json(&self) -> PyResult<String> {
        let report = ReportJson { exporter: Some(&self.exporter), findings: &self.report, readable: self.readable };
        serde_json::to_string(&report).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
    }

    /// Raises `BufferRuleError` if some finding is an error.
    ///
    /// `allow` names rules that may be broken.
    ///
    /// >>> import ctypes, pep3118
    /// >>> report = pep3118.audit(ctypes.c_int(1))
    /// >>> report.raise_for_errors(allow=["B05"])
    /// >>> report.raise_for_errors()
    /// Traceback (most recent call last):
    /// ...
    /// pep3118.BufferRuleError: error[B05]: the request has no FORMAT but format is `<i`
    /// ...
    #[pyo3(signature = (allow = Vec::new()))]
    fn raise_for_errors(&self, py: Python<'_>, allow: Vec<Bound<'_, PyString>>) -> PyResult<()> {
        let mut allowed = Vec::new();
        for rule in allow {
            let rule: pep3118::RuleId = rule.to_cow()?.parse().map_err(|error: pep3118::view::RuleIdError| {
                pyo3::exceptions::PyValueError::new_err(error.to_string())
            })?;
            allowed.push(rule);
        }
        let standing = self.report.without(&allowed);
        match super::errors::broken_rules(py, &standing) {
            Some(error) => Err(error),
            None => Ok(()),
        }
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

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyIterator>> {
        self.findings.bind(py).try_iter()
    }

    fn __contains__(&self, rule: &str) -> bool {
        self.report.iter().any(|finding| finding.rule().as_str() == rule)
    }

    fn __str__(&self) -> String {
        if self.report.is_empty() { format!("{}: clean", self.exporter) } else { self.report.to_string() }
    }

    fn __repr__(&self) -> String {
        format!("<Report on {}: {}>", self.exporter, self.counts())
    }
}
