//! The reader of the corpus, `tests/corpus/*.jsonl`, and comparisons with the recorded sizes of CPython's `struct`.

use pep3118::{DataModel, Dialect, calcsize_in};
use serde_json::Value;

/// Returns the rows of `tests/corpus/<name>.jsonl`. Panics if the file has no rows, because then a test would compare
/// nothing.
pub(crate) fn rows(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/corpus/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(!rows.is_empty(), "{path} is empty");
    rows
}

/// Returns whether the versions in `key` include CPython 3.`minor`. `key` is the key of a recorded answer, such as
/// `"CPython 3.6-3.14"`.
fn covers(key: &str, minor: u32) -> bool {
    let Some(range) = key.strip_prefix("CPython 3.") else {
        return false;
    };
    let (first, last) = range.split_once("-3.").unwrap_or((range, range));
    let number = |text: &str| text.parse::<u32>().expect("a version");
    (number(first)..=number(last)).contains(&minor)
}

#[test]
fn sizes_are_those_of_struct_in_every_version() {
    let versions = [
        (&Dialect::STRUCT_3_6, 6..=6),
        (&Dialect::STRUCT_3_13, 7..=13),
        (&Dialect::STRUCT_3_14, 14..=14),
        (&Dialect::STRUCT, 15..=15),
    ];
    let mut compared = 0;
    let mut wrong = Vec::new();
    for row in rows("answers") {
        let format = row["format"].as_str().unwrap();
        for (dialect, minors) in versions.clone() {
            for minor in minors {
                let answer = row["struct.calcsize"].as_object().unwrap().iter().find(|(key, _)| covers(key, minor));
                let Some((_, answer)) = answer else { continue };
                let ours = calcsize_in(format.as_bytes(), dialect, &DataModel::LP64);
                compared += 1;
                if ours.as_ref().ok().copied() != answer.as_u64() {
                    wrong.push(format!("{format:?} in {dialect}: {ours:?}, CPython 3.{minor} gives {answer}"));
                }
            }
        }
    }
    assert!(compared > 4000, "only {compared} answers");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn sizes_are_those_of_struct_on_four_abis() {
    let abis = [
        ("x86_64-linux cpython 3.15", DataModel::LP64, &Dialect::STRUCT),
        ("i386-linux cpython 3.11", DataModel::I386, &Dialect::STRUCT_3_13),
        ("s390x-linux cpython 3.11", DataModel::S390X, &Dialect::STRUCT_3_13),
        ("wasm32 cpython 3.15", DataModel::WASM32, &Dialect::STRUCT),
    ];
    let mut compared = 0;
    let mut wrong = Vec::new();
    for row in rows("abi") {
        let format = row["format"].as_str().unwrap();
        for (key, model, dialect) in &abis {
            let answer = &row["struct.calcsize"][key];
            let ours = calcsize_in(format.as_bytes(), dialect, model);
            compared += 1;
            if ours.as_ref().ok().copied() != answer.as_u64() {
                wrong.push(format!("{format:?} on {key}: {ours:?}, recorded {answer}"));
            }
        }
    }
    assert!(compared > 2000, "only {compared} answers");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
