//! Tests that compare views with the installed CPython: with CPython's functions for contiguity, and with the buffers
//! of CPython's own tests.

use std::io::Write;
use std::process::Stdio;

use pep3118::{
    Audit, Block, Checked, Checker, Order, Owner, RaisedError, RawView, RawViewBuf, Request, RequestOutcome, RuleId,
    fill_contiguous_strides, verify_structure,
};
use serde_json::Value;

use super::CHECKER;
use super::walk::{Numbers, Random, VIEWS, numbers};

const SCRIPT: &str = include_str!("oracle.py");

/// Runs the script with the arguments `arguments` and the input `input`. Returns the output of the script. Returns
/// `None` if no CPython for this machine is installed. Panics if the script fails.
fn run_script(arguments: &[String], input: String) -> Option<String> {
    let mut python = crate::child_process::python()?
        .args(["-c", SCRIPT])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("pythonapi") {
        println!("SKIPPED: python3 is not CPython, nothing was compared: {errors}");
        return None;
    }
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Returns the entries of an array as one word of the input of the script: the numbers with commas, or `-` for NULL.
fn joined(values: Option<&[i64]>) -> String {
    match values {
        None => "-".to_owned(),
        // The trailing comma makes an empty list a word.
        Some(values) => {
            values.iter().map(|value| format!("{value},")).collect::<String>()
                + if values.is_empty() { "," } else { "" }
        }
    }
}

#[test]
fn contiguity_and_structure_agree_with_cpython() {
    let mut random = Random::new();
    let views: Vec<Numbers> = (0..VIEWS).map(|_| numbers(&mut random)).collect();
    let lines: String = views
        .iter()
        .map(|view| {
            let (shape, strides) = (joined(Some(&view.shape)), joined(view.strides.as_deref()));
            let suboffsets = joined(view.suboffsets.as_deref());
            format!("{} {} {shape} {strides} {suboffsets} {} {}\n", view.len, view.itemsize, view.memlen, view.offset)
        })
        .collect();
    let Some(answers) = run_script(&["contiguity".to_owned()], lines) else { return };
    let mut answers = answers.lines();
    let verifies = answers.next() == Some("1");
    if !verifies {
        println!("SKIPPED: this python3 has no test package, verify_structure was not compared");
    }
    let (mut compared, mut yes, mut valid) = (0, 0, 0);
    for (view, answer) in views.iter().zip(answers.by_ref()) {
        let words: Vec<&str> = answer.split_whitespace().collect();
        let raw = view.raw();
        for (order, word) in [Order::C, Order::Fortran, Order::Any].into_iter().zip(&words) {
            let ours = raw.is_contiguous(order);
            assert_eq!(ours, *word == "1", "{order}: {view:?}");
            yes += usize::from(ours);
        }
        for (order, word) in [Order::C, Order::Fortran].into_iter().zip(&words[3..]) {
            let mut strides = vec![0; view.shape.len()];
            fill_contiguous_strides(&view.shape, view.itemsize, order, &mut strides).unwrap();
            let ours: Vec<String> = strides.iter().map(i64::to_string).collect();
            assert_eq!(if ours.is_empty() { "-".to_owned() } else { ours.join(",") }, *word, "{order}: {view:?}");
        }
        if verifies {
            let theirs = words[5] == "1";
            assert_eq!(documented(view), theirs, "{view:?}");
            valid += usize::from(theirs);
        }
        compared += 1;
    }
    assert_eq!((compared, answers.next()), (VIEWS, None));
    println!("{compared} views: {yes} of {} contiguous, {valid} valid", 3 * compared);
    assert!(yes > VIEWS / 10 && (!verifies || valid > VIEWS / 10));
}

/// Returns the result of `verify_structure`, a function in CPython's documentation, for `view`. Computes this result
/// from the result of the library. CPython's function also requires multiples of the itemsize, and also applies the
/// rules about offset and strides to arrays without items.
fn documented(view: &Numbers) -> bool {
    let Numbers { itemsize, shape, memlen, offset, .. } = view;
    let mut strides = vec![0; shape.len()];
    fill_contiguous_strides(shape, *itemsize, Order::C, &mut strides).unwrap();
    let strides = view.strides.as_ref().unwrap_or(&strides);
    let report = verify_structure(*memlen, *itemsize, shape.len() as i32, shape, strides, *offset);
    if shape.contains(&0) {
        assert!(report.is_empty(), "{report}");
        return offset % itemsize == 0
            && *offset >= 0
            && offset + itemsize <= *memlen
            && strides.iter().all(|stride| stride % itemsize == 0);
    }
    report.is_empty()
}

/// A `Py_buffer` that an exporter returned to the script.
struct FilledBuffer(Value);

impl FilledBuffer {
    /// Returns the array in the field `field`. Returns `None` for NULL.
    fn array(&self, field: &str) -> Option<Vec<i64>> {
        Some(self.0[field].as_array()?.iter().map(|entry| entry.as_i64().unwrap()).collect())
    }

    /// Returns the number in the field `field`.
    fn number(&self, field: &str) -> i64 {
        self.0[field].as_i64().unwrap_or_else(|| panic!("{field} of {}", self.0))
    }

    /// Returns the fields of the `Py_buffer`.
    fn to_buf(&self) -> RawViewBuf {
        let [shape, strides, suboffsets] = ["shape", "strides", "suboffsets"].map(|field| self.array(field));
        let raw = RawView {
            buf: self.0["buf"].as_u64(),
            obj: self.0["obj"].as_u64().map_or(Owner::Null, Owner::Exporter),
            len: self.number("len"),
            itemsize: self.number("itemsize"),
            readonly: self.number("readonly") as i32,
            ndim: self.number("ndim") as i32,
            format: self.0["format"].as_str().map(str::as_bytes),
            shape: shape.as_deref(),
            strides: strides.as_deref(),
            suboffsets: suboffsets.as_deref(),
        };
        raw.to_buf()
    }
}

/// Returns the memlen, the itemsize, the ndim, the shape, the strides and the offset in the JSON array `value`. Returns
/// `None` if `value` is null, which means that the structure is unknown.
fn structure(value: &Value) -> Option<(i64, i64, i32, Vec<i64>, Vec<i64>, i64)> {
    let fields = value.as_array()?;
    let number = |index: usize| fields[index].as_i64().unwrap();
    let array = |index: usize| fields[index].as_array().unwrap().iter().map(|entry| entry.as_i64().unwrap()).collect();
    Some((number(0), number(1), number(2) as i32, array(3), array(4), number(5)))
}

/// The number of structures that the script generates.
const STRUCTURES: usize = 1_500;

/// For legal structures of CPython's generator, the check of every request reports no error. For invalid structures,
/// the check reports an error.
#[test]
fn buffers_of_cpythons_own_tests_have_the_same_result() {
    let seed = 0x3118;
    println!("seed {seed:#x}");
    let requests = Request::ALL_LEGAL.map(|request| request.bits().to_string());
    let arguments = ["exporters".to_owned(), format!("{seed}"), STRUCTURES.to_string()];
    let Some(answers) = run_script(&[&arguments[..], &requests].concat(), String::new()) else { return };
    let mut lines = answers.lines();
    if lines.next() != Some("1") {
        println!("SKIPPED: this python3 has no test package, its buffers were not checked");
        return;
    }
    let (mut valid, mut invalid, mut audited, mut indirect, mut denied) = (0, 0, 0, 0, 0);
    for line in lines {
        let exporter: Value = serde_json::from_str(line).expect(line);
        let structure = structure(&exporter["structure"]);
        if let Some((memlen, itemsize, ndim, shape, strides, offset)) = &structure {
            let report = verify_structure(*memlen, *itemsize, *ndim, shape, strides, *offset);
            if exporter["valid"] == true {
                assert!(report.is_empty(), "{line}: {report}");
                valid += 1;
            } else {
                assert!(report.has_errors(), "{line}");
                invalid += 1;
            }
        }
        let answers = exporter["answers"].as_array().unwrap();
        if answers.is_empty() {
            continue;
        }
        let memory = structure.map(|(memlen, .., offset)| Block { len: memlen, offset });
        let mut audit = Audit::with(Checker { memory, ..CHECKER });
        for answer in answers {
            let request = Request::from_flags(answer[0].as_i64().unwrap() as i32).unwrap();
            let granted;
            let outcome = match answer[1]["error"].as_str() {
                None => {
                    granted = FilledBuffer(answer[1].clone()).to_buf();
                    let Checked { report, view } = CHECKER.check(&granted.as_raw(), Some(request));
                    // A one-dimensional array of pointers has a pointer in its last dimension.
                    let notes = report.iter().filter(|finding| finding.rule() == RuleId::A23);
                    assert!(notes.count() == report.len() && view.is_some(), "{request} {line}: {report}");
                    indirect += usize::from(granted.as_raw().suboffsets.is_some());
                    RequestOutcome::Granted(granted.as_raw())
                }
                Some("BufferError") => {
                    denied += 1;
                    RequestOutcome::refused(RaisedError::BufferError)
                }
                Some(error) => RequestOutcome::refused(RaisedError::Other(error.into())),
            };
            audit = audit.observe(request, outcome);
        }
        let report = audit.finish();
        // Writable arrays with overlapping items are legal, with a note. CPython's own exporters disagree on ndim under
        // SIMPLE and on the contiguity of empty slices.
        let notes = [RuleId::A23, RuleId::D08, RuleId::B01, RuleId::C02];
        for finding in &report {
            assert!(notes.contains(&finding.rule()) && !report.has_errors(), "{report}\n{line}");
        }
        audited += 1;
    }
    println!("{valid} valid, {invalid} invalid, {audited} exporters with 26 requests each, {indirect} with suboffsets");
    assert!(valid >= 2 * STRUCTURES && invalid >= 2 * STRUCTURES && audited >= 3 * STRUCTURES);
    assert!(indirect > STRUCTURES && denied > STRUCTURES);
}
