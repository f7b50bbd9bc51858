//! Tests that `rules.md` lists the rules of the code, and has the number of rules and the number of their snapshots.

use std::fmt::Write;

use pep3118::RuleId;

use super::{assert_or_update, path, read, with_section};

const PAGE: &str = "docs/rules.md";

#[test]
fn rules_md_has_the_rules_of_the_library() {
    let mut body = String::new();
    let mut section = "";
    for rule in RuleId::ALL {
        if section != rule.section() {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = rule.section();
            let letter = &rule.as_str()[..1];
            writeln!(body, "{gap}## {letter}. {section}\n").unwrap();
            writeln!(body, "| id | rule | level | decided from | source |\n|--|--|--|--|--|").unwrap();
        }
        // Stars and brackets are escaped, because they are syntax of Markdown.
        let text = rule.text().replace('*', "\\*");
        let text = text.replace("__buffer__", "`__buffer__`").replace("__release_buffer__", "`__release_buffer__`");
        let source = rule.source().replace('_', "\\_");
        writeln!(body, "| {rule} {} | {text} | {} | {} | {source} |", rule.name(), rule.level(), rule.class()).unwrap();
    }
    assert_or_update(PAGE, &with_section(&read(PAGE), "rules", &body));
}

/// `rules.md` has the number of rules and the number of rules with a page in `snapshots/view`.
#[test]
fn rules_md_counts_the_rules_with_a_snapshot() {
    let without = RuleId::ALL.iter().filter(|rule| !path(&format!("snapshots/view/{rule}.snap")).exists()).count();
    let said = format!("{} rules, {} of them with a page", RuleId::ALL.len(), RuleId::ALL.len() - without);
    assert!(read(PAGE).contains(&said), "{PAGE} should say: {said}");
}
