//! Generates the last table of `padding.md`: the number of exports that each padding rule reads right.

use std::fmt::Write;

use pep3118::layout::{Alignment, NativeOnly, TrailingPadding, WideChar};
use pep3118::{Dialect, reconcile};
use serde_json::Value;

use super::{assert_or_update, read, with_section};
use crate::corpus::rows;
use crate::exports::{fields_are_recorded, leaves, model, recorded};

const PAGE: &str = "docs/padding.md";

/// Returns the first cell of the row of the table that counts the export `row`. Returns `None` if the types of the
/// producer of the export were not recorded.
fn group(row: &Value) -> Option<&'static str> {
    let version = row["producer_version"].as_str().unwrap();
    let old =
        |version: &str| version.strip_prefix("3.").and_then(|rest| rest.split('.').next()?.parse().ok()) < Some(12);
    Some(match row["producer"].as_str().unwrap() {
        "ctypes" | "multiprocessing" if !version.starts_with("3.") => "ctypes of PyPy and RustPython",
        "ctypes" | "multiprocessing" if old(version) => "ctypes to 3.11",
        "ctypes" | "multiprocessing" => "ctypes from 3.12",
        "numpy" => "NumPy",
        "cython" => "Cython",
        "pybind11" => "pybind11",
        _ => return None,
    })
}

/// The result of reading the format of an export with one padding rule.
#[derive(Clone, Copy, PartialEq)]
enum ReadOutcome {
    Right,
    Wrong,
    Refused,
}

#[test]
fn padding_md_counts_what_each_rule_reads_right() {
    // In all four dialects sizes after `<` are native, so that the dialects differ only in their padding rule.
    let mut by_struct = Dialect::PEP3118;
    (by_struct.native_only, by_struct.wide_char) = (NativeOnly::KeepSize, WideChar::Wchar);
    let mut by_c = by_struct;
    by_c.structure_size = Dialect::NATIVE_C.structure_size;
    by_c.trailing_padding = TrailingPadding::Aligned;
    let mut implicit_end = by_struct;
    implicit_end.trailing_padding = TrailingPadding::Implicit;
    let mut explicit = implicit_end;
    (explicit.alignment, explicit.named_padding) = (Alignment::Explicit, Dialect::NUMPY.named_padding);
    let mut counts: Vec<(&str, usize, [[usize; 3]; 5])> = Vec::new();
    for row in rows("exports").iter().filter(|row| row.get("bitfields").is_none() && fields_are_recorded(row)) {
        let (Some(group), Some(expected)) = (group(row), recorded(row)) else { continue };
        let itemsize = row["itemsize"].as_u64().unwrap();
        let model = model(row["platform"].as_str().unwrap());
        let outcome = |dialect: &Dialect| match reconcile(
            row["format"].as_str().unwrap().as_bytes(),
            Some(itemsize),
            Some(dialect),
            &model,
        ) {
            Ok(found) if leaves(&found.layout) == expected => ReadOutcome::Right,
            Ok(_) => ReadOutcome::Wrong,
            Err(_) => ReadOutcome::Refused,
        };
        let (first, second) = (outcome(&by_struct), outcome(&by_c));
        let either = if first == ReadOutcome::Refused { second } else { first };
        let outcomes = [first, second, either, outcome(&implicit_end), outcome(&explicit)];
        let at = counts.iter().position(|(name, ..)| *name == group).unwrap_or_else(|| {
            counts.push((group, 0, [[0; 3]; 5]));
            counts.len() - 1
        });
        counts[at].1 += 1;
        for (count, outcome) in counts[at].2.iter_mut().zip(outcomes) {
            count[outcome as usize] += 1;
        }
    }
    counts.sort_by_key(|(name, ..)| *name);
    let mut body = String::from(
        "| producer | rows | struct | C | struct, then C | struct, implicit at the end | explicit, implicit at the end |\n|--|--|--|--|--|--|--|\n",
    );
    for (group, total, rules) in &counts {
        assert!(*total > 5, "{group}: {total}");
        write!(body, "| {group} | {total} |").unwrap();
        for [right, wrong, refused] in rules {
            assert_eq!(right + wrong + refused, *total);
            write!(body, " {right} / {wrong} / {refused} |").unwrap();
        }
        body.push('\n');
    }
    assert_or_update(PAGE, &with_section(&read(PAGE), "rules alone", body.trim_end()));
}
