//! `pep3118 rules`: the rule book.

use std::io::Write;

use clap::Args;
use clap::builder::styling::Style;
use pep3118::RuleId;

use super::{Failure, Status};

/// Print the rules of the buffer protocol, or one of them
///
/// Every rule has an id; `check` reports by these ids.
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// An id (A04) or a name (LEN-PRODUCT)
    rule: Option<RuleId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const BOLD: Style = Style::new().bold();

impl Rules {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let rules = match &self.rule {
            Some(rule) => std::slice::from_ref(rule),
            None => RuleId::ALL,
        };
        if self.json {
            let rows: Vec<serde_json::Value> = rules.iter().copied().map(row).collect();
            serde_json::to_writer_pretty(&mut *out, &rows).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else if let Some(rule) = self.rule {
            page(out, rule)?;
        } else {
            table(out)?;
        }
        Ok(Status::Done)
    }
}

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

fn page(out: &mut impl Write, rule: RuleId) -> std::io::Result<()> {
    writeln!(out, "{BOLD}{rule}{BOLD:#} {}", rule.name())?;
    writeln!(out, "{}\n", rule.text())?;
    writeln!(out, "class   {}", rule.class())?;
    writeln!(out, "level   {}, reported as {}", rule.level(), rule.severity())?;
    writeln!(out, "source  {}", rule.source())
}

fn table(out: &mut impl Write) -> std::io::Result<()> {
    // A rule a line for programs that read the table, folded for people.
    let width = super::terminal_width().unwrap_or(usize::MAX);
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
