//! `pep3118 rules`: prints the rules of the buffer protocol.

use std::io::Write;

use clap::Args;
use pep3118::RuleId;

use super::examples;
use super::failure::{Failure, Status};
use super::json;
use super::options::rule_parser;
use super::palette::BOLD;

/// Print the rules of the buffer protocol, or one of them
///
/// Each rule has an id, such as A04. Messages of `check` and `audit` contain the id of the broken rule.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("rules"))]
pub(super) struct Rules {
    /// An id (A04) or a name (LEN-PRODUCT)
    #[arg(value_parser = rule_parser(), hide_possible_values = true)]
    rule: Option<RuleId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Rules {
    /// Writes all rules, or the selected rule, to `out`, and returns [`Done`](Status::Done).
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let rules = match &self.rule {
            Some(rule) => std::slice::from_ref(rule),
            None => RuleId::ALL,
        };
        if self.json {
            let rows: Vec<serde_json::Value> = rules.iter().copied().map(row).collect();
            json::write_pretty(out, &rows)?;
        } else if let Some(rule) = self.rule {
            page(out, rule)?;
        } else {
            table(out)?;
        }
        Ok(Status::Done)
    }
}

/// Returns a JSON object with all properties of `rule`.
fn row(rule: RuleId) -> serde_json::Value {
    serde_json::json!({
        "rule": rule.as_str(),
        "name": rule.name(),
        "class": rule.class().as_str(),
        "level": rule.level().as_str(),
        "severity": rule.severity().as_str(),
        "text": rule.text(),
        "source": rule.source(),
    })
}

/// Writes all properties of `rule` to `out`, one on each line. The text of the rule is wrapped to the width of
/// the terminal or to `COLUMNS`. Returns an error if writing fails.
fn page(out: &mut impl Write, rule: RuleId) -> std::io::Result<()> {
    writeln!(out, "{BOLD}{rule}{BOLD:#} {}", rule.name())?;
    let width = super::requested_width().unwrap_or(usize::MAX);
    writeln!(out, "{}\n", textwrap::fill(rule.text(), width))?;
    writeln!(out, "class   {}", rule.class())?;
    writeln!(out, "level   {}, reported as {}", rule.level(), rule.severity())?;
    writeln!(out, "source  {}", rule.source())
}

/// Writes all rules to `out`, grouped by section. The text of a rule is wrapped to the width of the terminal or to
/// `COLUMNS`. Without both, each rule is one line, so that programs such as `grep` find whole rules. Returns an
/// error if writing fails.
fn table(out: &mut impl Write) -> std::io::Result<()> {
    let width = super::requested_width().unwrap_or(usize::MAX);
    let mut section = None;
    for rule in RuleId::ALL {
        if section != Some(rule.section()) {
            let gap = if section.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{BOLD}{}{BOLD:#}", rule.section())?;
            section = Some(rule.section());
        }
        let start = format!("{rule}  {:<9}  {:<8}  ", rule.level(), rule.class());
        let indent = " ".repeat(start.len());
        let folded = textwrap::Options::new(width).initial_indent(&start).subsequent_indent(&indent);
        for line in textwrap::wrap(rule.text(), folded) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
