//! What was found: rules, by id, with the numbers.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::request::Request;
use super::rules::RuleId;
use super::violation::Violation;
use crate::diagnostic::{self, Diagnostic};

/// How bad a finding is.
///
/// ```
/// use pep3118::Severity;
/// // The worst is the least, so that a sorted report begins with it.
/// assert!(Severity::Error < Severity::Warning && Severity::Warning < Severity::Note);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// A rule is broken.
    Error,
    /// A recommendation is not followed.
    Warning,
    /// Legal, or contested, and worth knowing.
    Note,
}

impl Severity {
    /// In lower case: `"error"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One broken rule.
///
/// `{}` is one line; `{:#}` adds the working, the rule and, where one is obvious, a help line.
///
/// ```
/// use pep3118::{RawView, Request};
/// let raw = RawView { len: 12, itemsize: 4, readonly: 1, ..RawView::default() };
/// let report = raw.check(Request::SIMPLE | Request::WRITABLE, None, None).report;
/// let finding = report.iter().find(|finding| finding.rule().as_str() == "B02").unwrap();
/// assert_eq!(finding.to_string(), "error B02: the request has WRITABLE but readonly is 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    fault: Violation,
    severity: Severity,
    requests: Vec<Request>,
}

impl Finding {
    pub(crate) fn new(fault: Violation) -> Self {
        let severity = fault.severity();
        Self { fault, severity, requests: Vec::new() }
    }

    /// What is wrong, as data.
    #[must_use]
    pub fn fault(&self) -> &Violation {
        &self.fault
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> RuleId {
        self.fault.rule()
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> String {
        self.fault.to_string()
    }

    /// The requests whose answers have the fault, if an [`Audit`](super::Audit) found it.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The same text with the rule and the working, in colour if wished.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let diagnostic = match &self.fault {
            Violation::Format { error } => error.diagnostic(),
            fault => {
                let mut diagnostic = Diagnostic::new(self.message(), &[]);
                if let Some(working) = fault.working() {
                    diagnostic = diagnostic.note(working);
                }
                diagnostic.help(fault.help())
            }
        };
        let rule = self.rule();
        let level = match self.severity {
            Severity::Error => diagnostic::Level::ERROR,
            Severity::Warning => diagnostic::Level::WARNING,
            Severity::Note => diagnostic::Level::NOTE,
        };
        let diagnostic = diagnostic.titled(level, rule.as_str());
        let diagnostic = match self.requests.as_slice() {
            [] => diagnostic,
            requests => diagnostic.note(format!("in the answer to {}", names(requests))),
        };
        diagnostic.note(format!("{}: {} ({}; {})", rule.name(), rule.text(), rule.level(), rule.source()))
    }
}

/// `SIMPLE, ND and 3 more`
fn names(requests: &[Request]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = requests.iter().take(SHOWN).map(Request::to_string).collect();
    match requests.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.diagnostic().fmt(f);
        }
        write!(f, "{} {}: {}", self.severity, self.rule(), self.fault)?;
        match self.requests.as_slice() {
            [] => Ok(()),
            requests => write!(f, " [{}]", names(requests)),
        }
    }
}

/// All findings, errors first, then in the order of the rules.
///
/// An empty report allocates nothing. `{}` has a line for each finding, `{:#}` a paragraph.
///
/// ```
/// use pep3118::{RawView, Request, RuleId, Severity};
/// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[6]), strides: Some(&[4]), ..RawView::default() };
/// let pep3118::Checked { report, view } = raw.check(Request::STRIDES, None, None);
/// assert!(report.contains(RuleId::A04) && view.is_none());
/// assert_eq!(report.worst(), Some(Severity::Error));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    #[expect(
        clippy::box_collection,
        reason = "an empty report, the usual one, is one null pointer to move and to drop"
    )]
    findings: Option<Box<Vec<Finding>>>,
}

impl Report {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { findings: None }
    }

    /// Adds a fault; one that is there already only gets another request.
    #[cold]
    pub(crate) fn push(&mut self, fault: Violation, request: Option<Request>) {
        let findings = self.findings.get_or_insert_default();
        match findings.iter_mut().find(|finding| finding.fault == fault) {
            Some(known) => known.requests.extend(request.filter(|request| !known.requests.contains(request))),
            None => {
                let mut finding = Finding::new(fault);
                finding.requests.extend(request);
                findings.push(finding);
            }
        }
    }

    #[inline]
    pub(crate) fn sorted(mut self) -> Self {
        if let Some(findings) = &mut self.findings {
            findings.sort_by_key(|finding| (finding.severity, finding.rule()));
        }
        self
    }

    /// Whether nothing was found.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.findings.is_none()
    }

    /// How many findings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings().len()
    }

    /// The findings.
    #[must_use]
    #[inline]
    pub fn findings(&self) -> &[Finding] {
        match &self.findings {
            Some(findings) => findings,
            None => &[],
        }
    }

    /// The findings, one by one.
    pub fn iter(&self) -> core::slice::Iter<'_, Finding> {
        self.findings().iter()
    }

    /// Whether some finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.worst() == Some(Severity::Error)
    }

    /// The worst severity.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings().iter().map(Finding::severity).min()
    }

    /// The findings of other rules than these: those that an exporter is allowed to break.
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
        let standing = self.iter().filter(|finding| !rules.contains(&finding.rule())).cloned();
        let standing: Vec<Finding> = standing.collect();
        Self { findings: (!standing.is_empty()).then(|| Box::new(standing)) }
    }

    /// Whether a rule is among them.
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
