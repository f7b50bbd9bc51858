//! The output formats of `audit` and `check` for findings: text, JSON, and the formats of CI services (SARIF, JUnit,
//! GitHub).

use std::mem::discriminant;

use clap::ValueEnum;
use pep3118::__private::{ReportJson, plural, to_u64};
use pep3118::RuleId;
use pep3118::view::{FieldName, Finding, MetadataValue, Report, Severity, Violation};
use serde::Serialize;
use serde_json::{Value, json};

use super::escape::{self, escape, markup};
use super::json::ErrorObject;
use super::wrap;

/// The format in which findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// Lines of text
    Text,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// XML of JUnit, which CI services show as tests
    Junit,
    /// Workflow commands of GitHub Actions, which become annotations
    Github,
}

impl FindingsFormat {
    /// Returns the format with the name `name`. Returns `None` if no format has this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|format| format.as_str() == name)
    }

    /// Returns the name of the format, which is also the value of the option `--to`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
        }
    }
}

/// The result of the check of one object.
#[derive(Debug)]
pub struct Checked<'r> {
    /// The expression whose value was checked, or another name of the object. The name is not escaped.
    pub name: &'r str,
    /// The findings, or the message of the error that prevented the check. The message is not escaped.
    pub report: Result<ReportJson<'r>, &'r str>,
}

/// Findings of one object that differ only in numbers and requests.
struct Group<'r> {
    /// The findings, at least one.
    findings: Vec<&'r Finding>,
    /// Whether the findings are errors of a rule that `--allow` contains. `false` for notes and warnings, which are
    /// always allowed.
    is_allowed: bool,
}

impl<'r> Group<'r> {
    /// Divides the findings of `report` into groups. The groups are in the order of their first findings. `allowed`
    /// contains the rules whose errors are allowed.
    fn all(report: &'r Report, allowed: &[RuleId]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for finding in report {
            let is_same = |group: &&mut Self| group.findings.first().is_some_and(|first| is_alike(first, finding));
            if let Some(group) = groups.iter_mut().find(is_same) {
                group.findings.push(finding);
            } else {
                let is_allowed = finding.severity() == Severity::Error && allowed.contains(&finding.rule());
                groups.push(Self { findings: vec![finding], is_allowed });
            }
        }
        groups
    }

    /// Returns the first finding. All findings of the group have its rule and its severity.
    fn first(&self) -> Option<&'r Finding> {
        debug_assert!(!self.findings.is_empty(), "a group has a finding");
        self.findings.first().copied()
    }

    /// Returns a summary of all findings, such as `56 answers differ: len grew from 3 to 58`. If the group has only one
    /// finding, returns its message. The messages of findings are escaped.
    fn message(&self) -> String {
        let count = to_u64(self.findings.len());
        let Some(first) = self.first() else { return String::new() };
        let message = first.message();
        if count == 1 {
            return message;
        }
        let changes: Vec<(FieldName, i64, i64)> =
            self.findings.iter().filter_map(|finding| number_change(finding.violation())).collect();
        let numbers = changes.iter().flat_map(|(_, value, other)| [*value, *other]);
        let (least, most) = (numbers.clone().min(), numbers.max());
        match (changes.as_slice(), least, most) {
            ([(field, ..), ..], Some(least), Some(most)) if changes.len() == self.findings.len() => {
                let is_increasing = changes.is_sorted_by_key(|(_, value, _)| *value);
                let is_decreasing = changes.is_sorted_by(|(_, value, _), (_, next, _)| value >= next);
                let constant = changes.first().map(|(_, value, _)| value) == changes.last().map(|(_, value, _)| value);
                let range = match (constant, is_increasing, is_decreasing) {
                    (false, true, _) => format!("grew from {least} to {most}"),
                    (false, _, true) => format!("shrank from {most} to {least}"),
                    _ => format!("is between {least} and {most}"),
                };
                format!("{} differ: {field} {range}", plural(count, "answer"))
            }
            _ => format!("{} of this kind, the first: {message}", plural(count, "finding")),
        }
    }

    /// Returns the severity as a word, with a remark if the finding is allowed: `error`, `error (allowed)`.
    fn level(&self) -> String {
        let severity = self.first().map_or("", |finding| finding.severity().as_str());
        format!("{severity}{}", if self.is_allowed { " (allowed)" } else { "" })
    }

    /// Returns `true` if the finding is an error that is not allowed.
    fn is_failure(&self) -> bool {
        !self.is_allowed && self.first().is_some_and(|finding| finding.severity() == Severity::Error)
    }

    /// Returns the summary on one line, with the severity and the rule: `error B05: …`. For a single finding, the line
    /// also contains the names of the requests.
    fn line(&self) -> String {
        let Some(first) = self.first() else { return String::new() };
        let (level, rule) = (self.level(), first.rule());
        if self.findings.len() > 1 {
            return format!("{level} {rule}: {}", self.message());
        }
        let line = first.to_string();
        let start = format!("{} {rule}: ", first.severity());
        let rest = line.strip_prefix(&start).unwrap_or(&line);
        format!("{level} {rule}: {rest}")
    }

    /// Returns a paragraph with the calculation of the first finding and the text of its rule. Returns an empty text if
    /// there is no finding.
    fn paragraph(&self) -> String {
        let Some(first) = self.first() else { return String::new() };
        let mut text = format!("{first:#}");
        if self.findings.len() > 1 {
            text.push_str(&format!("\n = note: {}", self.message()));
        }
        if self.is_allowed {
            text.push_str(&format!("\n = note: `--allow {}` allows this error", first.rule()));
        }
        text
    }
}

/// Returns `true` if `finding` has the same rule, severity and kind of violation as `other`. If a value of a field
/// changed, the field must also be the same.
fn is_alike(finding: &Finding, other: &Finding) -> bool {
    let field = |finding: &Finding| match finding.violation() {
        Violation::MetadataChanged { field, .. } | Violation::NotRepeatable { field, .. } => Some(*field),
        _ => None,
    };
    finding.rule() == other.rule()
        && finding.severity() == other.severity()
        && discriminant(finding.violation()) == discriminant(other.violation())
        && field(finding) == field(other)
}

/// If `violation` is a number that differs between two answers, returns the field and the two numbers.
fn number_change(violation: &Violation) -> Option<(FieldName, i64, i64)> {
    match violation {
        Violation::MetadataChanged { field, value, other, .. } | Violation::NotRepeatable { field, value, other } => {
            match (value, other) {
                (MetadataValue::Number(value), MetadataValue::Number(other)) => Some((*field, *value, *other)),
                _ => None,
            }
        }
        Violation::ItemsizeChanged { itemsize, other, .. } => Some((FieldName::Itemsize, *itemsize, *other)),
        Violation::NdimChanged { ndim, other, .. } => Some((FieldName::Ndim, i64::from(*ndim), i64::from(*other))),
        _ => None,
    }
}

/// Returns the findings of `checked` in the format `format`. `allowed` contains the rules whose errors are allowed. If
/// `with_rules` is `true`, the text of [`FindingsFormat::Text`] has paragraphs instead of lines. The JSON of
/// [`FindingsFormat::Json`] contains single findings instead of groups, and ignores `allowed`. The result ends with a
/// line feed, or is empty.
///
/// # Errors
/// - the findings cannot be written as JSON
pub fn write_findings(
    format: FindingsFormat,
    checked: &[Checked<'_>],
    allowed: &[RuleId],
    with_rules: bool,
) -> Result<String, serde_json::Error> {
    Ok(match format {
        FindingsFormat::Text => wrap::message(&text(checked, allowed, with_rules)),
        FindingsFormat::Json => json_text(&checked.iter().map(Row::from).collect::<Vec<Row<'_>>>())?,
        FindingsFormat::Sarif => json_text(&sarif(checked, allowed))?,
        FindingsFormat::Junit => junit(checked, allowed),
        FindingsFormat::Github => github(checked, allowed),
    })
}

/// Returns `value` as indented JSON in which invisible characters are escaped. Returns an error if a key of a map is
/// not a string.
fn json_text(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(value)?;
    escape::json(&mut text);
    text.push(b'\n');
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The JSON of a [`Checked`].
#[derive(Serialize)]
struct Row<'r> {
    expression: &'r str,
    #[serde(flatten)]
    outcome: RowOutcome<'r>,
}

/// The report on an object, or the error that prevented the check.
#[derive(Serialize)]
#[serde(untagged)]
enum RowOutcome<'r> {
    Report(&'r ReportJson<'r>),
    Error { error: ErrorObject },
}

impl<'r> From<&'r Checked<'r>> for Row<'r> {
    fn from(checked: &'r Checked<'r>) -> Self {
        let outcome = match &checked.report {
            Ok(report) => RowOutcome::Report(report),
            Err(message) => RowOutcome::Error { error: ErrorObject::new("exception", (*message).to_owned()) },
        };
        Self { expression: checked.name, outcome }
    }
}

/// Returns the findings as lines, or as paragraphs if `with_rules` is `true`. An object without findings has the line
/// `NAME: clean`, and an object that could not be checked has the line `error: NAME: MESSAGE`.
fn text(checked: &[Checked<'_>], allowed: &[RuleId], with_rules: bool) -> String {
    let mut out = String::new();
    for Checked { name, report } in checked {
        match report {
            Err(message) => out.push_str(&format!("error: {}: {}\n", escape(name), escape(message))),
            Ok(report) if report.findings.is_empty() => {
                out.push_str(&format!("{}: clean\n", escape(report.exporter.unwrap_or(name))));
            }
            Ok(report) => {
                for (index, group) in Group::all(report.findings, allowed).iter().enumerate() {
                    if with_rules && index > 0 {
                        out.push('\n');
                    }
                    out.push_str(&if with_rules { group.paragraph() } else { group.line() });
                    out.push('\n');
                }
            }
        }
    }
    out
}

/// Returns a log in the format SARIF 2.1.0. An allowed finding becomes a result with a suppression. An object that
/// could not be checked becomes a notification.
fn sarif(checked: &[Checked<'_>], allowed: &[RuleId]) -> Value {
    let mut rules: Vec<RuleId> = Vec::new();
    let (mut results, mut notifications) = (Vec::new(), Vec::new());
    for Checked { name, report } in checked {
        let location = json!([{"logicalLocations": [{"fullyQualifiedName": name, "kind": "object"}]}]);
        let report = match report {
            Ok(report) => report,
            Err(message) => {
                notifications.push(json!({
                    "level": "error",
                    "message": {"text": format!("{name}: {message}")},
                    "locations": location,
                }));
                continue;
            }
        };
        for group in Group::all(report.findings, allowed) {
            let Some(first) = group.first() else { continue };
            let rule = first.rule();
            let index = rules.iter().position(|known| *known == rule).unwrap_or_else(|| {
                rules.push(rule);
                rules.len().saturating_sub(1)
            });
            let mut result = json!({
                "ruleId": rule.as_str(),
                "ruleIndex": index,
                "level": first.severity().as_str(),
                "message": {"text": group.message()},
                "locations": location,
                "occurrenceCount": group.findings.len(),
            });
            if group.is_allowed
                && let Some(result) = result.as_object_mut()
            {
                let reason = format!("--allow {rule}");
                result.insert("suppressions".to_owned(), json!([{"kind": "external", "justification": reason}]));
            }
            results.push(result);
        }
    }
    let rule = |rule: &RuleId| {
        json!({
            "id": rule.as_str(),
            "name": rule.name(),
            "shortDescription": {"text": rule.text()},
            "help": {"text": format!("source: {}", rule.source())},
            "defaultConfiguration": {"level": rule.severity().as_str()},
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "pep3118",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(rule).collect::<Vec<Value>>(),
            }},
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

/// Returns XML in the format of JUnit. Each object becomes a test case. The test case fails if the object has an error
/// that is not allowed. It has an `<error>` if the object could not be checked.
fn junit(checked: &[Checked<'_>], allowed: &[RuleId]) -> String {
    let (mut failures, mut errors) = (0_u64, 0_u64);
    let mut cases = String::new();
    for Checked { name, report } in checked {
        cases.push_str(&format!("    <testcase classname=\"pep3118\" name=\"{}\"", markup(&escape(name))));
        let groups = match report {
            Ok(report) => Group::all(report.findings, allowed),
            Err(message) => {
                errors = errors.saturating_add(1);
                let message = markup(&escape(message));
                cases.push_str(&format!(">\n      <error message=\"{message}\"/>\n    </testcase>\n"));
                continue;
            }
        };
        if groups.is_empty() {
            cases.push_str("/>\n");
            continue;
        }
        cases.push_str(">\n");
        let (failed, passed): (Vec<&Group<'_>>, Vec<&Group<'_>>) = groups.iter().partition(|group| group.is_failure());
        if !failed.is_empty() {
            failures = failures.saturating_add(1);
            let lines: Vec<String> = failed.iter().map(|group| group.line()).collect();
            let paragraphs: Vec<String> = failed.iter().map(|group| group.paragraph()).collect();
            let (message, body) = (markup(&lines.join("; ")), markup(&paragraphs.join("\n\n")));
            cases.push_str(&format!("      <failure message=\"{message}\">{body}</failure>\n"));
        }
        if !passed.is_empty() {
            let lines: Vec<String> = passed.iter().map(|group| group.line()).collect();
            cases.push_str(&format!("      <system-out>{}</system-out>\n", markup(&lines.join("\n"))));
        }
        cases.push_str("    </testcase>\n");
    }
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", checked.len());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"pep3118\" {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// Returns a workflow command of GitHub Actions for each group of findings. An allowed error becomes a notice. An
/// object that could not be checked becomes an error.
fn github(checked: &[Checked<'_>], allowed: &[RuleId]) -> String {
    let mut out = String::new();
    for Checked { name, report } in checked {
        let name = escape(name);
        match report {
            Err(message) => {
                let data = command_data(&format!("{name}: {}", escape(message)));
                out.push_str(&format!("::error title=pep3118::{data}\n"));
            }
            Ok(report) => {
                for group in Group::all(report.findings, allowed) {
                    let Some(first) = group.first() else { continue };
                    let command = match first.severity() {
                        Severity::Error if !group.is_allowed => "error",
                        Severity::Warning => "warning",
                        Severity::Error | Severity::Note => "notice",
                    };
                    let rule = first.rule();
                    let remark = if group.is_allowed { " (allowed)" } else { "" };
                    let data = command_data(&format!("{name}: {}{remark}", group.message()));
                    out.push_str(&format!("::{command} title={rule} {}::{data}\n", rule.name()));
                }
            }
        }
    }
    out
}

/// Escapes `text` for a workflow command. The runner of GitHub Actions decodes escapes such as `%25`.
fn command_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
