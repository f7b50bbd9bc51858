//! What objects really exported, with the true offsets of their fields.

use std::collections::BTreeMap;

use pep3118::{Certainty, DataModel, Dialect, Field, Layout, Type, reconcile};
use serde_json::Value;

use crate::corpus::rows;

fn model(platform: &str) -> DataModel {
    match platform {
        "Linux-x86_64" => DataModel::LP64,
        "Linux-x86_64-32" => DataModel::I386,
        "Linux-s390x" => DataModel::S390X,
        "Emscripten-wasm32-32" => DataModel::WASM32,
        other => panic!("platform {other}"),
    }
}

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

/// A value somewhere in the item: path, offset, bytes of all its elements.
type Leaf = (String, u64, u64);

/// The leaves as the corpus records them: `x[0].a`, elements of arrays of records one by one.
fn leaves(layout: &Layout) -> Vec<Leaf> {
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

fn recorded(row: &Value) -> Option<Vec<Leaf>> {
    let leaves = row.get("leaves")?.as_array()?;
    Some(
        leaves
            .iter()
            .map(|leaf| {
                let count: u64 = leaf[4].as_array().unwrap().iter().map(|extent| extent.as_u64().unwrap()).product();
                (leaf[0].as_str().unwrap().to_owned(), leaf[1].as_u64().unwrap(), leaf[2].as_u64().unwrap() * count)
            })
            .collect(),
    )
}

#[test]
fn probe() {
    let mut tally: BTreeMap<(String, String), usize> = BTreeMap::new();
    for use_dialect in [true, false] {
        for row in rows("exports") {
            let format = row["format"].as_str().unwrap();
            let itemsize = row["itemsize"].as_u64().unwrap();
            let producer = row["producer"].as_str().unwrap();
            let dialect = use_dialect.then(|| dialect(producer));
            let consistent = !row["consistent_under"].as_array().unwrap().is_empty();
            let model = model(row["platform"].as_str().unwrap());
            let outcome = reconcile(format.as_bytes(), Some(itemsize), dialect, &model);
            let truth = recorded(&row);
            let verdict = match &outcome {
                Ok(reading) => {
                    let right = truth.as_ref().is_none_or(|truth| *truth == leaves(&reading.layout));
                    let rival = reading.rivals.iter().any(|(_, layout)| Some(leaves(layout)) == truth);
                    format!(
                        "{} {}",
                        reading.certainty,
                        if right {
                            "right"
                        } else if rival {
                            "rival right"
                        } else {
                            "WRONG"
                        }
                    )
                }
                Err(error) => format!("error {}", error.kind().name()),
            };
            let suspicious = verdict.contains("WRONG")
                || (consistent && use_dialect && !verdict.contains("right"))
                || (!consistent && verdict.contains("right")) && use_dialect
                || verdict.contains("ambig")
                || (!use_dialect && consistent && verdict.contains("error"));
            if suspicious {
                println!(
                    "{use_dialect} {verdict}: {producer} {} {format} {itemsize} {:?} {}",
                    row["producer_version"],
                    outcome.as_ref().map(|r| leaves(&r.layout)),
                    row["leaves"]
                );
            }
            *tally.entry((format!("{use_dialect} consistent={consistent}"), verdict)).or_default() += 1;
        }
    }
    println!("{tally:#?}");
    let _ = Certainty::Exact;
}
