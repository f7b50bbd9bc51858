//! `Report` and `Finding`: the results of `check` and `audit`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString, PyTuple};

use crate::errors::broken_rules;
use crate::objects::from_result;
use crate::tuple_builder;
use pep3118::__private::{ReportJson, plural};
use pep3118::RuleId;
use pep3118::view::{Finding as CoreFinding, Report as CoreReport, RuleIdError, Severity};

/// A broken rule: its id, its severity, and the values that break it.
///
/// `str()` returns one line, `explain()` a paragraph with the rule and the calculation.
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
    fn rule(&self) -> &'static str {
        self.finding.rule().as_str()
    }

    /// The name of the rule, such as "LEN-PRODUCT".
    #[getter]
    fn name(&self) -> &'static str {
        self.finding.rule().name()
    }

    /// The severity: "error", "warning" or "note".
    #[getter]
    fn severity(&self) -> &'static str {
        self.finding.severity().as_str()
    }

    /// The message, in one line.
    #[getter]
    fn message(&self) -> String {
        self.finding.message()
    }

    /// The requests whose buffers break the rule, such as ("ND", "FULL_RO").
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        strings(py, self.finding.requests().iter().map(ToString::to_string))
    }

    /// Returns the message with the calculation, the rule and its source.
    ///
    /// >>> import ctypes, pep3118
    /// >>> print(pep3118.check(ctypes.c_int(1), "ND")[0].explain())
    /// error[B05]: the request has no FORMAT but format is `<i`
    ///  |
    ///  = note: in the answer to ND
    ///  = note: FORMAT-UNSET-NULL: a request without FORMAT returns format NULL (must; buffer.rst, PyBUF_FORMAT)
    ///  = help: set the field to NULL unless the request has its flag
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

/// The findings of `check` or `audit`. A report is true unless one of its findings is an error.
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
    layout_source: Option<&'static str>,
    findings: Py<PyTuple>,
}

/// The findings of a report as a tuple.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn findings<'py>(py: Python<'py>, report: &CoreReport) -> PyResult<Bound<'py, PyTuple>> {
    let findings: Vec<&CoreFinding> = report.iter().collect();
    let object = |finding: &CoreFinding| Bound::new(py, Finding { finding: finding.clone() });
    tuple_builder::tuple(py, findings.into_iter().map(|finding| from_result(py, object(finding).map(Bound::into_any))))
}

/// Strings as a tuple.
fn strings<'py>(
    py: Python<'py>,
    strings: impl ExactSizeIterator<Item = impl AsRef<str>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let object = |text: &str| from_result(py, PyString::from_bytes(py, text.as_bytes()).map(Bound::into_any));
    tuple_builder::tuple(py, strings.map(|text| object(text.as_ref())))
}

impl Report {
    pub(super) fn new(
        exporter: &Bound<'_, PyAny>,
        report: CoreReport,
        readable: bool,
        layout_source: Option<&'static str>,
    ) -> PyResult<Self> {
        let (py, ty) = (exporter.py(), exporter.get_type());
        let name = ty.fully_qualified_name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        let findings = findings(py, &report)?.unbind();
        Ok(Self { exporter: name, report, readable, layout_source, findings })
    }

    /// The number of findings of each severity, `2 errors, 1 note`, or `clean`.
    fn counts(&self) -> String {
        let count = |severity: Severity| {
            let count = self.report.iter().filter(|finding| finding.severity() == severity).count();
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            (count > 0).then(|| plural(count, severity.as_str()))
        };
        let counts = [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count);
        let counts: Vec<String> = counts.collect();
        if counts.is_empty() { "clean".to_owned() } else { counts.join(", ") }
    }
}

#[pymethods]
impl Report {
    /// The type of the object that was checked, such as "numpy.ndarray".
    #[getter]
    fn exporter(&self) -> &str {
        &self.exporter
    }

    /// The findings, errors first.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.findings.bind(py)
    }

    /// Whether the items can be read in spite of the findings.
    #[getter]
    fn readable(&self) -> bool {
        self.readable
    }

    /// The source of the layout that the format was compared with (T01, format against type): "numpy.dtype",
    /// "ctypes", "array.typecode" or "bytes". None if the type of the object gives no layout.
    #[getter]
    fn layout_source(&self) -> Option<&'static str> {
        self.layout_source
    }

    /// The ids of the broken rules, each once, errors first.
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

    /// Returns all findings with the calculations and the rules, a paragraph each.
    fn explain(&self) -> String {
        if self.report.is_empty() { format!("{}: clean", self.exporter) } else { format!("{:#}", self.report) }
    }

    /// Returns the report as JSON, as `pep3118 check --json` prints it:
    /// `{"exporter": ..., "findings": [...], "readable": ...}`.
    fn to_json(&self) -> PyResult<String> {
        let report = ReportJson { exporter: Some(&self.exporter), findings: &self.report, readable: self.readable };
        serde_json::to_string(&report).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Raises BufferRuleError if a finding is an error. `allow` is the ids of rules that may be broken.
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
        let id = |rule: &Bound<'_, PyString>| -> PyResult<RuleId> {
            rule.to_cow()?.parse().map_err(|error: RuleIdError| PyValueError::new_err(error.to_string()))
        };
        let allowed = allow.iter().map(id).collect::<PyResult<Vec<RuleId>>>()?;
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

    fn __str__(&self) -> String {
        if self.report.is_empty() { format!("{}: clean", self.exporter) } else { self.report.to_string() }
    }

    fn __repr__(&self) -> String {
        format!("<Report on {}: {}>", self.exporter, self.counts())
    }
}
