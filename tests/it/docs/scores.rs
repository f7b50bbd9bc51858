//! Generates the tables in `tests/corpus/README.md` that compare implementations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use pep3118::{DataModel, Dialect, calcsize_in};
use pep3118_readers::{Consumer, Outcome, readers};
use serde_json::Value;

use super::{assert_or_update, read, with_section};
use crate::corpus::rows;

const PAGE: &str = "tests/corpus/README.md";

/// Returns whether the recorded answer `answer` is an exception.
fn is_error(answer: &Value) -> bool {
    answer.as_str().is_some_and(|text| text.starts_with("ERR"))
}

/// Returns the answer of `version` in `answers`. A key of `answers` can be a range: `"CPython 3.6-3.14"`
/// includes 3.9. Returns `None` if no key includes `version`.
fn answer_of<'v>(answers: &'v Value, version: &str) -> Option<&'v Value> {
    let minor = version.strip_prefix("CPython 3.").and_then(|minor| minor.parse::<u32>().ok());
    let covers = |key: &str| {
        let (Some(minor), Some(range)) = (minor, key.strip_prefix("CPython 3.")) else { return key == version };
        let (first, last) = range.split_once("-3.").unwrap_or((range, range));
        (first.parse().unwrap()..=last.parse().unwrap()).contains(&minor)
    };
    answers.as_object()?.iter().find(|(key, _)| covers(key)).map(|(_, answer)| answer)
}

/// The numbers of formats for which an implementation returns the same size as the newest CPython, returns another
/// size, refuses what CPython accepts, and accepts what CPython refuses. A format that both refuse counts as the same.
#[derive(Default)]
struct Score {
    same: usize,
    other: usize,
    refuses: usize,
    accepts: usize,
}

impl Score {
    /// Adds one format to the score. `newest` is the size that the newest CPython returns, and `answer` is the size
    /// that the implementation returns. `None` means that the implementation raises an exception.
    fn count(&mut self, newest: Option<u64>, answer: Option<u64>) {
        match (newest, answer) {
            (newest, answer) if newest == answer => self.same += 1,
            (Some(_), Some(_)) => self.other += 1,
            (Some(_), None) => self.refuses += 1,
            (None, _) => self.accepts += 1,
        }
    }
}

/// Appends the table of `struct.calcsize` to `body`.
fn calcsize(body: &mut String) {
    let rows = rows("answers");
    let size = |answer: Option<&Value>| answer.and_then(Value::as_u64);
    let mut scores: Vec<(String, Score)> = Vec::new();
    let mut recorded = |name: &str, keys: &[&str]| {
        let mut score = Score::default();
        for row in &rows {
            let answers = &row["struct.calcsize"];
            let own = keys.iter().find_map(|key| answer_of(answers, key)).expect(name);
            score.count(size(answer_of(answers, "CPython 3.15")), size(Some(own)));
        }
        scores.push((name.to_owned(), score));
    };
    for version in ["CPython 3.15", "CPython 3.14", "CPython 3.13", "CPython 3.7", "CPython 3.6"] {
        recorded(version, &[version]);
    }
    // The corpus has an answer of PyPy only if it differs from the answer of CPython 3.11.
    recorded("PyPy 8.0.1 (3.11)", &["pypy-8.0.1/3.11", "CPython 3.11"]);
    let mut modelled = |name: &str, size_of: &dyn Fn(&str) -> Option<u64>| {
        let mut score = Score::default();
        for row in &rows {
            let newest = size(answer_of(&row["struct.calcsize"], "CPython 3.15"));
            score.count(newest, size_of(row["format"].as_str().unwrap()));
        }
        scores.push((name.to_owned(), score));
    };
    modelled("this crate, dialect `struct`", &|format| {
        calcsize_in(format.as_bytes(), &Dialect::STRUCT, &DataModel::LP64).ok()
    });
    modelled("this crate, dialect `pep3118`", &|format| {
        calcsize_in(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).ok()
    });
    writeln!(body, "`struct.calcsize` of the {} formats of `answers.jsonl`, beside CPython 3.15:\n", rows.len())
        .unwrap();
    writeln!(body, "| | same | another size | refuses what 3.15 reads | reads what 3.15 refuses |").unwrap();
    writeln!(body, "|--|--|--|--|--|").unwrap();
    for (name, Score { same, other, refuses, accepts }) in scores {
        writeln!(body, "| {name} | {same} | {other} | {refuses} | {accepts} |").unwrap();
    }
}

/// Appends the table of `numpy.asarray` to `body`.
fn numpy(body: &mut String) {
    let rows = rows("answers");
    let of = |row: &Value, version: &str| {
        let mut answers = row["numpy.asarray"].as_array().unwrap().iter();
        let own = answers.find(|answer| answer["numpy"].as_array().unwrap().iter().any(|known| known == version));
        own.map(|own| own["answer"].clone())
    };
    writeln!(body, "\n`numpy.asarray` of the same formats, beside NumPy 2.5.5:\n").unwrap();
    writeln!(body, "| | same | another dtype | refuses what 2.5.5 reads | reads what 2.5.5 refuses |").unwrap();
    writeln!(body, "|--|--|--|--|--|").unwrap();
    for version in ["2.5.5", "2.4.6", "2.0.2", "1.24.4", "1.19.5"] {
        let (mut same, mut other, mut refuses, mut accepts) = (0, 0, 0, 0);
        for row in &rows {
            let (Some(newest), Some(own)) = (of(row, "2.5.5"), of(row, version)) else { continue };
            match (is_error(&newest), is_error(&own)) {
                (true, true) => same += 1,
                (false, false) if newest == own => same += 1,
                (false, false) => other += 1,
                (false, true) => refuses += 1,
                (true, false) => accepts += 1,
            }
        }
        assert!(same > 500, "NumPy {version} gave {same} answers");
        writeln!(body, "| NumPy {version} | {same} | {other} | {refuses} | {accepts} |").unwrap();
    }
}

/// Appends the table of the models of the readers for the exports of 64-bit Linux to `body`.
fn consumers(body: &mut String) {
    let exports: BTreeSet<(String, u64, String)> = rows("exports")
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            (text("format"), row["itemsize"].as_u64().unwrap(), text("platform"))
        })
        .filter(|(_, _, platform)| platform == "Linux-x86_64")
        .collect();
    let mut counts: BTreeMap<Consumer, [usize; 4]> = BTreeMap::new();
    for (format, itemsize, _) in &exports {
        for answer in readers(format.as_bytes(), Some(*itemsize), &DataModel::LP64) {
            let kind = match &answer.outcome {
                Outcome::Reads { .. } => 0,
                Outcome::Misreads { meaning, .. } if meaning.starts_with("nothing") => 2,
                Outcome::Misreads { .. } => 1,
                Outcome::Refuses { .. } => 3,
            };
            counts.entry(answer.consumer).or_default()[kind] += 1;
        }
    }
    let total = exports.len();
    writeln!(body, "\nThe {total} different (format, itemsize) of `exports.jsonl` on 64-bit Linux, given to the models of the readers:\n").unwrap();
    writeln!(body, "| | reads | reads other fields | accepts contradictory metadata | refuses |").unwrap();
    writeln!(body, "|--|--|--|--|--|").unwrap();
    for consumer in Consumer::ALL {
        let [reads, misreads, contradicts, refuses] = counts[&consumer];
        assert_eq!(reads + misreads + contradicts + refuses, total);
        writeln!(body, "| {consumer} | {reads} | {misreads} | {contradicts} | {refuses} |").unwrap();
    }
}

#[test]
fn corpus_readme_counts_the_agreements() {
    let mut body = String::new();
    calcsize(&mut body);
    numpy(&mut body);
    consumers(&mut body);
    assert_or_update(PAGE, &with_section(&read(PAGE), "scores", body.trim_end()));
}
