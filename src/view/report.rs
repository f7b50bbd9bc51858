//! `Report` and `Finding`: the broken rules of the buffer protocol that a check or an audit found. `ViolationSink`: the
//! receiver of the violations during a check.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use super::request::Request;
use super::rules::{RuleId, Severity};
use super::violation::Violation;
use crate::diagnostic::{Diagnostic, Level};

/// One rule that an exporter broke, and the requests whose answers break the rule.
///
/// `{}` writes the message on one line. `{:#}` writes several lines: the message, the calculation, the text of the
/// rule and, for some rules, a help line.
///
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 12, itemsize: 4, readonly: 1, ..RawView::default() };
/// let report = raw.check(Request::SIMPLE | Request::WRITABLE, None, None).report;
/// let finding = report.iter().find(|finding| finding.rule().as_str() == "B02").unwrap();
/// assert_eq!(finding.to_string(), "error B02: the request has WRITABLE but readonly is 1");
/// ```
///
/// The parts of a finding:
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 12, itemsize: 4, readonly: 1, ..RawView::default() };
/// let report = raw.check(Request::SIMPLE | Request::WRITABLE, None, None).report;
/// let finding = report.iter().find(|finding| finding.rule().as_str() == "B02").unwrap();
/// assert_eq!(finding.violation().to_string(), finding.message());
/// assert!(finding.requests().is_empty(), "only an audit lists requests");
/// assert_eq!(finding.diagnostic().to_string(), format!("{finding:#}"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    violation: Violation,
    severity: Severity,
    requests: Vec<Request>,
}

impl Finding {
    /// Creates a finding for `violation` with an empty list of requests.
    pub(crate) fn new(violation: Violation) -> Self {
        let severity = violation.severity();
        Self { violation, severity, requests: Vec::new() }
    }

    /// Creates a finding for `violation`, which was found in the answers to `requests`.
    #[cfg(feature = "serde")]
    pub(crate) fn with_requests(violation: Violation, requests: Vec<Request>) -> Self {
        Self { requests, ..Self::new(violation) }
    }

    /// Returns the violation, which contains the numbers of the message.
    #[must_use]
    pub fn violation(&self) -> &Violation {
        &self.violation
    }

    /// Returns the broken rule.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId, Severity};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), ..RawView::default() };
    /// let report = raw.check(Request::ND, None, None).report;
    /// assert_eq!(report.findings()[0].rule(), RuleId::A04);
    /// ```
    #[must_use]
    pub fn rule(&self) -> RuleId {
        self.violation.rule()
    }

    /// Returns the severity of the violation, which can differ from the severity of the rule.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId, Severity};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), ..RawView::default() };
    /// let report = raw.check(Request::ND, None, None).report;
    /// assert_eq!(report.findings()[0].severity(), Severity::Error);
    /// ```
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the message on one line, without the severity and without the id of the rule.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId, Severity};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), ..RawView::default() };
    /// let report = raw.check(Request::ND, None, None).report;
    /// assert_eq!(report.findings()[0].message(), "len is 20 bytes but shape (6,) of 4-byte items describes 24 bytes");
    /// ```
    #[must_use]
    pub fn message(&self) -> String {
        self.violation.to_string()
    }

    /// Returns the requests whose answers break the rule. The list is empty if an [`Audit`](super::Audit) did not
    /// create the finding.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Returns the parts of the text that `{:#}` of this finding writes, so that a caller can add colours.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let diagnostic = match &self.violation {
            Violation::Format { error } => error.diagnostic(),
            violation => {
                let mut diagnostic = Diagnostic::new(self.message(), &[]);
                if let Some(calculation) = violation.calculation() {
                    diagnostic = diagnostic.note(calculation);
                }
                diagnostic.help(violation.help())
            }
        };
        let rule = self.rule();
        let level = match self.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Note,
        };
        let diagnostic = diagnostic.titled(level, rule.as_str());
        let diagnostic = match self.requests.as_slice() {
            [] => diagnostic,
            requests => diagnostic.note(format!("in the answer to {}", abridged_requests(requests))),
        };
        diagnostic.note(format!("{}: {} ({}; {})", rule.name(), rule.text(), rule.level(), rule.source()))
    }
}

/// Returns the names of `requests` with commas: `SIMPLE, ND, STRIDES, FULL and 3 more`. Lists at most 4 names.
fn abridged_requests(requests: &[Request]) -> String {
    /// The largest number of names in the text.
    const MAX_REQUESTS: usize = 4;
    let names: Vec<String> = requests.iter().take(MAX_REQUESTS).map(Request::to_string).collect();
    match requests.len().saturating_sub(MAX_REQUESTS) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.diagnostic().fmt(f);
        }
        write!(f, "{} {}: {}", self.severity, self.rule(), self.violation)?;
        match self.requests.as_slice() {
            [] => Ok(()),
            requests => write!(f, " [{}]", abridged_requests(requests)),
        }
    }
}

/// The findings of a check or an audit. Errors are first, then warnings, then notes. Findings of equal severity are in
/// the order of the rules.
///
/// `{}` writes one line for each finding. `{:#}` writes one paragraph for each finding. A report without findings
/// allocates no memory.
///
/// ```
/// use pep3118::{RawView, Request, RuleId, Severity};
/// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), strides: Some(&[4]), ..RawView::default() };
/// let report = raw.check(Request::STRIDES, None, None).report;
/// assert!(report.contains(RuleId::A04));
/// assert_eq!(report.worst(), Some(Severity::Error));
/// ```
///
/// A report is a list of findings:
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), strides: Some(&[4]), ..RawView::default() };
/// let report = raw.check(Request::STRIDES, None, None).report;
/// assert_eq!((report.is_empty(), report.len()), (report.findings().is_empty(), report.iter().count()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Report {
    #[expect(
        clippy::box_collection,
        reason = "an empty report, the usual one, is one null pointer to move and to drop"
    )]
    findings: Option<Box<Vec<Finding>>>,
}

impl Report {
    /// Creates a report without findings.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { findings: None }
    }

    /// Creates a report of `findings`.
    #[cfg(feature = "serde")]
    pub(crate) fn of_findings(findings: Vec<Finding>) -> Self {
        Self { findings: (!findings.is_empty()).then(|| Box::new(findings)) }.sorted()
    }

    /// Adds `violation`, a violation in the answer to `request`. Does not sort: the caller calls
    /// [`sorted`](Self::sorted) at the end. `request` is `None` if only one request is checked, because then no finding
    /// needs to name the request. If the report already contains an equal violation, the method adds only `request` to
    /// the existing finding.
    #[cold]
    pub(crate) fn push(&mut self, violation: Violation, request: Option<Request>) {
        let findings = self.findings.get_or_insert_default();
        match findings.iter_mut().find(|finding| finding.violation == violation) {
            Some(equal) => equal.requests.extend(request.filter(|request| !equal.requests.contains(request))),
            None => {
                let mut finding = Finding::new(violation);
                finding.requests.extend(request);
                findings.push(finding);
            }
        }
    }

    /// Sorts the findings by severity, and findings of equal severity by rule.
    #[inline]
    pub(crate) fn sorted(mut self) -> Self {
        if let Some(findings) = &mut self.findings {
            findings.sort_by_key(|finding| (finding.severity, finding.rule()));
        }
        self
    }

    /// Returns whether the report has no findings.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.findings.is_none()
    }

    /// Returns the number of findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings().len()
    }

    /// Returns the findings, errors first.
    #[must_use]
    #[inline]
    pub fn findings(&self) -> &[Finding] {
        match &self.findings {
            Some(findings) => findings,
            None => &[],
        }
    }

    /// Returns an iterator over the findings, errors first.
    pub fn iter(&self) -> core::slice::Iter<'_, Finding> {
        self.findings().iter()
    }

    /// Returns whether at least one finding has the severity `Error`.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId, Severity};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), ..RawView::default() };
    /// let report = raw.check(Request::ND, None, None).report;
    /// assert!(report.has_errors());
    /// ```
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.worst() == Some(Severity::Error)
    }

    /// Returns the highest severity of all findings. Returns `None` if there are no findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings().iter().map(Finding::severity).min()
    }

    /// Returns a copy of the report without the findings of `rules`. Use this method for an exporter that is known to
    /// break these rules.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId};
    /// let raw = RawView { len: 12, itemsize: 4, readonly: 1, ..RawView::default() };
    /// let report = raw.check(Request::SIMPLE | Request::WRITABLE, None, None).report;
    /// assert!(report.contains(RuleId::B02));
    /// assert!(!report.without(&[RuleId::B02]).has_errors());
    /// ```
    #[must_use]
    pub fn without(&self, rules: &[RuleId]) -> Self {
        let others = self.iter().filter(|finding| !rules.contains(&finding.rule())).cloned();
        let others: Vec<Finding> = others.collect();
        Self { findings: (!others.is_empty()).then(|| Box::new(others)) }
    }

    /// Returns whether the report contains a finding of the rule `rule`.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId, Severity};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), ..RawView::default() };
    /// let report = raw.check(Request::ND, None, None).report;
    /// assert!(report.contains(RuleId::A04) && !report.contains(RuleId::B02));
    /// ```
    #[must_use]
    pub fn contains(&self, rule: RuleId) -> bool {
        self.findings().iter().any(|finding| finding.rule() == rule)
    }
}

impl<'r> IntoIterator for &'r Report {
    type Item = &'r Finding;
    type IntoIter = core::slice::Iter<'r, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl core::error::Error for Report {}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings().iter().enumerate() {
            if index > 0 {
                f.write_str(if f.alternate() { "\n\n" } else { "\n" })?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

/// A receiver for the violations that a check finds.
pub(crate) trait ViolationSink {
    /// The type of the error that ends a check early. The type is [`Infallible`] if the sink never ends a check.
    type Stop;

    /// Receives `violation`, one violation of a rule. Returns `Ok` if the check must continue.
    ///
    /// # Errors
    /// - the sink needs no more violations: the check must return the error at once
    fn report(&mut self, violation: Violation) -> Result<(), Self::Stop>;
}

/// The [`ViolationSink::Stop`] of a sink that can end a check early.
pub(crate) struct SinkClosed;

impl ViolationSink for Report {
    type Stop = Infallible;

    #[cold]
    fn report(&mut self, violation: Violation) -> Result<(), Infallible> {
        self.push(violation, None);
        Ok(())
    }
}
