//! Tests that compare the layouts of recorded exports, NumPy dtypes and ctypes structures with the recorded offsets of
//! their fields.

use std::collections::BTreeMap;

use pep3118::{DataModel, Dialect, Field, Layout, Type, reconcile};
use serde_json::Value;

use crate::corpus::rows;

/// Returns the data model of the machine `platform`, a name in the corpus. Panics if the machine is unknown.
pub(crate) fn model(platform: &str) -> DataModel {
    match platform {
        "Linux-x86_64" => DataModel::LP64,
        "Linux-x86_64-32" => DataModel::I386,
        "Linux-s390x" => DataModel::S390X,
        "Emscripten-wasm32-32" => DataModel::WASM32,
        other => panic!("platform {other}"),
    }
}

/// Returns the dialect of the producer `producer`, a name in the corpus. For a producer without a dialect of its own,
/// returns the dialect `pep3118`.
fn dialect(producer: &str) -> &'static Dialect {
    match producer {
        "ctypes" | "multiprocessing" => &Dialect::CTYPES,
        "numpy" => &Dialect::NUMPY,
        "cython" => &Dialect::CYTHON,
        "pybind11" => &Dialect::PYBIND11,
        "array.array" => &Dialect::ARRAY,
        "_testbuffer.ndarray" | "memoryview" => &Dialect::STRUCT,
        _ => &Dialect::PEP3118,
    }
}

/// A field that is not a record: its dotted name, its offset in the item, and the size of all its elements. The
/// numbers are in bytes.
pub(crate) type Leaf = (String, u64, u64);

/// Returns the fields of `layout` that are not records, in the notation of the corpus. For an array of records, the
/// list has the fields of each element, for example `x[0].a`.
pub(crate) fn leaves(layout: &Layout) -> Vec<Leaf> {
    fn walk(field: Field<'_>, path: &str, base: u64, out: &mut Vec<Leaf>) {
        if field.ty() != Type::Record {
            out.push((path.to_owned(), base, field.total_size()));
            return;
        }
        for element in 0..field.count() {
            let path = match (path, field.shape().is_empty()) {
                ("", true) => String::new(),
                (_, true) => format!("{path}."),
                (_, false) => format!("{path}[{element}]."),
            };
            for inner in field.fields() {
                let name = inner.name_text().unwrap_or_default();
                walk(inner, &format!("{path}{name}"), base + element * field.size() + inner.offset(), out);
            }
        }
    }
    let mut out = Vec::new();
    walk(layout.item(), "", 0, &mut out);
    out
}

/// Returns the list `leaves` of `row`, which are the recorded fields. Returns `None` if `row` has no such list. If
/// [`fields_are_recorded`] returns `false`, the list is empty although there are fields.
pub(crate) fn recorded(row: &Value) -> Option<Vec<Leaf>> {
    let leaves = row.get("leaves")?.as_array()?;
    Some(
        leaves
            .iter()
            .map(|leaf| {
                let count: u64 = leaf[4].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).product();
                (leaf[0].as_str().unwrap().to_owned(), leaf[1].as_u64().unwrap(), leaf[2].as_u64().unwrap() * count)
            })
            .collect(),
    )
}

/// Exports with wrong fields and the right size, as (start of the producer version, format, reason). Neither the format
/// nor the itemsize shows the fault.
const EXCUSED: &[(&str, &str, &str)] = &[
    ("3.13.0", "T{<i:a:<i:c:}", "ctypes drops a name from its NUL on"),
    ("3.11.2", "T{>i:a:>i:c:}", "ctypes drops a name from its NUL on"),
    ("PyPy", "T{<b:a:7x<q:b:7x<b:c:}", "PyPy repeats the first padding before every later field"),
    ("PyPy", "T{<b:c:7xT{<b:a:7x<d:b:}:i:7x<b:d:}", "PyPy repeats the first padding before every later field"),
    ("PyPy", "T{4x<i:b:}", "PyPy writes inherited fields as padding"),
    ("PyPy", "T{8x<d:b:}", "PyPy writes inherited fields as padding"),
    ("PyPy", "T{8x<i:c:}", "PyPy writes inherited fields as padding"),
];

/// Returns `false` if `row` has a two-dimensional array of ctypes structures and an empty list of fields. The fields of
/// these arrays were not recorded. Returns `true` for all other rows, with or without a list of fields.
pub(crate) fn fields_are_recorded(row: &Value) -> bool {
    !(row["format"].as_str().unwrap().starts_with("T{(3,2)T{") && row["leaves"].as_array().is_some_and(Vec::is_empty))
}

/// Returns whether `EXCUSED` contains `row`.
fn is_excused(row: &Value) -> bool {
    let (version, format) = (row["producer_version"].as_str().unwrap(), row["format"].as_str().unwrap());
    EXCUSED.iter().any(|(producer, excused, _)| version.starts_with(producer) && format == *excused)
}

/// The number of rows for each outcome, and a message for each row with a wrong outcome.
struct Outcomes {
    counts: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Reconciles the format of every row with the itemsize of the row. If `known_producer` is `true`, uses the dialect of
/// the producer. Returns the number of rows for each outcome, and the wrong outcomes.
fn outcomes(known_producer: bool) -> Outcomes {
    let mut outcomes = Outcomes { counts: BTreeMap::new(), wrong: Vec::new() };
    for row in rows("exports") {
        let format = row["format"].as_str().unwrap();
        let itemsize = row["itemsize"].as_u64().unwrap();
        let producer = row["producer"].as_str().unwrap();
        let consistent = !row["consistent_under"].as_array().unwrap().is_empty();
        let model = model(row["platform"].as_str().unwrap());
        let dialect = known_producer.then(|| dialect(producer));
        let expected = recorded(&row).filter(|_| fields_are_recorded(&row));
        let outcome = reconcile(format.as_bytes(), Some(itemsize), dialect, &model);
        let (outcome_name, acceptable) = match &outcome {
            Ok(found) => {
                assert_eq!(found.layout.size(), itemsize, "{format}");
                let right = expected.is_none_or(|expected| expected == leaves(&found.layout));
                (found.certainty.as_str(), right || is_excused(&row))
            }
            Err(error) if error.ambiguity().is_some() => ("ambiguous", true),
            // With the dialect of the producer, a refusal is wrong if at least one padding rule gives the recorded
            // offsets.
            Err(_) => ("refused", !(known_producer && consistent)),
        };
        *outcomes.counts.entry(outcome_name.to_owned()).or_default() += 1;
        if !acceptable {
            let leaves = outcome.as_ref().map(|found| leaves(&found.layout));
            outcomes
                .wrong
                .push(format!("{producer} {format} {itemsize}: {outcome_name} {leaves:?}, expected {}", row["leaves"]));
        }
    }
    outcomes
}

#[test]
fn a_known_producer_is_read_right() {
    let outcomes = outcomes(true);
    println!("{:#?}", outcomes.counts);
    assert!(outcomes.wrong.is_empty(), "{}", outcomes.wrong.join("\n"));
    let ambiguous = outcomes.counts.get("ambiguous").copied().unwrap_or(0);
    assert!(ambiguous <= 6, "{ambiguous} rows are ambiguous");
}

#[test]
fn an_unknown_producer_is_never_read_wrong() {
    let outcomes = outcomes(false);
    println!("{:#?}", outcomes.counts);
    assert!(outcomes.wrong.is_empty(), "{}", outcomes.wrong.join("\n"));
    assert!(outcomes.counts["exact"] > 1500, "{:?}", outcomes.counts);
}

#[test]
fn each_excused_export_is_in_the_corpus() {
    let rows = rows("exports");
    for (version, format, reason) in EXCUSED {
        let found = rows.iter().any(|row| {
            row["producer_version"].as_str().unwrap().starts_with(version) && row["format"].as_str().unwrap() == *format
        });
        assert!(found, "{version} {format}: {reason}");
    }
}

/// `tests/corpus/generate/numpy_dtypes.py` recorded the rows.
#[test]
fn random_dtypes_of_numpy_are_never_read_wrong() {
    let read = |row: &Value, dialect| {
        let (format, itemsize) = (row["format"].as_str().unwrap(), row["itemsize"].as_u64().unwrap());
        reconcile(format.as_bytes(), Some(itemsize), dialect, &DataModel::LP64)
    };
    // The corpus numbers the elements of nested arrays in another way, so the test compares only offsets and sizes.
    let offsets_and_sizes = |mut leaves: Vec<Leaf>| {
        leaves.retain(|(_, _, bytes)| *bytes > 0);
        leaves.sort();
        leaves.into_iter().map(|(_, offset, bytes)| (offset, bytes)).collect::<Vec<_>>()
    };
    for dialect in [Some(&Dialect::NUMPY), None] {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut wrong = Vec::new();
        for row in rows("numpy_dtypes") {
            let expected = row["leaves"].as_array().unwrap().iter().map(|leaf| {
                (leaf[0].as_str().unwrap().to_owned(), leaf[1].as_u64().unwrap(), leaf[2].as_u64().unwrap())
            });
            let expected = offsets_and_sizes(expected.collect());
            let outcome_name = match read(&row, dialect) {
                Ok(found) => {
                    let same = |layout: &Layout| offsets_and_sizes(leaves(layout)) == expected;
                    if !same(&found.layout) {
                        wrong.push(format!("{} {}: {}", row["format"], row["itemsize"], found.certainty));
                    }
                    found.certainty.to_string()
                }
                Err(error) if error.ambiguity().is_some() => "ambiguous".to_owned(),
                Err(error) => {
                    assert!(dialect.is_none(), "{}: {error}", row["format"]);
                    "refused".to_owned()
                }
            };
            *counts.entry(outcome_name).or_default() += 1;
        }
        println!("{:?}: {counts:?}", dialect.map(|dialect| dialect.name));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// `tests/corpus/generate/ctypes_structures.py` recorded the rows with four versions of CPython.
///
/// Most formats of ctypes before CPython 3.12 and some later formats are wrong. The library refuses each format that
/// contradicts the itemsize. All formats that the library reads are right, except `B` for a union of single bytes.
#[test]
fn random_structures_of_ctypes_are_never_read_wrong() {
    // Adjacent leaves are joined to one pair of offset and size.
    let runs = |mut offsets_and_sizes: Vec<(u64, u64)>| {
        offsets_and_sizes.sort_unstable();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for (start, bytes) in offsets_and_sizes.into_iter().filter(|(_, bytes)| *bytes > 0) {
            match runs.last_mut() {
                Some((first, length)) if *first + *length >= start => *length = (*length).max(start + bytes - *first),
                _ => runs.push((start, bytes)),
            }
        }
        runs
    };
    for dialect in [Some(&Dialect::CTYPES), None] {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows("ctypes_structures") {
            let (format, itemsize) = (row["format"].as_str().unwrap(), row["itemsize"].as_u64().unwrap());
            let expected = row["leaves"].as_array().unwrap().iter();
            let expected = runs(expected.map(|leaf| (leaf[0].as_u64().unwrap(), leaf[1].as_u64().unwrap())).collect());
            let outcome_name = match reconcile(format.as_bytes(), Some(itemsize), dialect, &DataModel::LP64) {
                Ok(found) => {
                    let read = leaves(&found.layout).into_iter().map(|(_, offset, bytes)| (offset, bytes));
                    let right = runs(read.collect()) == expected;
                    assert!(right, "{} {row} {:?}", found.certainty, leaves(&found.layout));
                    found.certainty.as_str()
                }
                Err(error) => error.kind().name(),
            };
            *counts.entry(outcome_name.to_owned()).or_default() += 1;
        }
        println!("{:?}: {counts:?}", dialect.map(|dialect| dialect.name));
        assert!(counts["exact"] > 600 && counts["mismatch"] > 300, "{counts:?}");
    }
}

/// ctypes omits the bytes of the unions `u` and `v`, which have 4 bytes each. The rule of C would add the same number
/// of bytes as padding before the address. This interpretation would be wrong.
#[test]
fn addresses_do_not_hide_unions() {
    let read = |dialect| reconcile(b"T{B:u:B:v:&B:p:}", Some(16), dialect, &DataModel::LP64);
    assert_eq!(read(None).unwrap_err().kind().name(), "mismatch");
    assert_eq!(read(Some(&Dialect::CTYPES)).unwrap_err().kind().name(), "mismatch");
}
