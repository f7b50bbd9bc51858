//! Tests that the JSON output of each command, the replies to JSON lines and the JSON input are valid under
//! `docs/command.schema.json`. In JSON input, an error names an unknown key, and missing keys have defaults.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Map, Value};

/// Returns the schema of the documentation.
fn schema() -> Value {
    let text = std::fs::read_to_string(format!("{}/docs/command.schema.json", crate::ROOT)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A validator for JSON Schema. It supports only the keywords that `docs/command.schema.json` uses.
struct Validator<'s> {
    root: &'s Value,
}

impl Validator<'_> {
    /// Returns one message for each rule of `schema` that `value` violates. The messages contain `path`, the position
    /// of `value` in the JSON. Panics if `schema` has a keyword that the validator does not support.
    fn violations(&self, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (keyword, argument) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "description" | "title" | "$schema" | "$defs" => {}
                "$ref" => {
                    let name = argument.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    let target = self.root["$defs"].get(name).unwrap_or_else(|| panic!("{name} is not defined"));
                    found.extend(self.violations(target, value, path));
                }
                "type" => {
                    let names: Vec<&Value> = argument.as_array().map_or(vec![argument], |names| names.iter().collect());
                    if !names.iter().any(|name| is_of_type(value, name.as_str().unwrap())) {
                        found.push(format!("{path}: {value} is not {argument}"));
                    }
                }
                "const" => check(value == argument, &mut found, || format!("{path}: {value} is not {argument}")),
                "enum" => {
                    let is_known = argument.as_array().unwrap().contains(value);
                    check(is_known, &mut found, || format!("{path}: {value} is none of {argument}"));
                }
                "minimum" => {
                    let is_large = value.as_f64().is_none_or(|value| value >= argument.as_f64().unwrap());
                    check(is_large, &mut found, || format!("{path}: {value} is less than {argument}"));
                }
                "minItems" | "maxItems" => {
                    let limit = usize::try_from(argument.as_u64().unwrap()).unwrap();
                    let len = value.as_array().map_or(limit, Vec::len);
                    let is_in = if keyword == "minItems" { len >= limit } else { len <= limit };
                    check(is_in, &mut found, || format!("{path}: {len} items, {keyword} {limit}"));
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        found.extend(self.violations(argument, item, &format!("{path}[{index}]")));
                    }
                }
                "properties" => {
                    for (key, schema) in argument.as_object().unwrap() {
                        if let Some(value) = value.get(key) {
                            found.extend(self.violations(schema, value, &format!("{path}.{key}")));
                        }
                    }
                }
                "required" => {
                    for key in argument.as_array().unwrap().iter().filter(|_| value.is_object()) {
                        let is_there = value.get(key.as_str().unwrap()).is_some();
                        check(is_there, &mut found, || format!("{path}: the key {key} is missing"));
                    }
                }
                "additionalProperties" => {
                    assert_eq!(*argument, Value::Bool(false));
                    let known = schema["properties"].as_object().unwrap();
                    for key in value.as_object().into_iter().flat_map(Map::keys) {
                        check(known.contains_key(key), &mut found, || format!("{path}: the key {key} is unknown"));
                    }
                }
                "oneOf" | "anyOf" => {
                    let branches = argument.as_array().unwrap().iter();
                    let results: Vec<Vec<String>> =
                        branches.map(|branch| self.violations(branch, value, path)).collect();
                    let valid = results.iter().filter(|found| found.is_empty()).count();
                    let is_valid = if keyword == "oneOf" { valid == 1 } else { valid > 0 };
                    check(is_valid, &mut found, || format!("{path}: {valid} of {keyword} are valid: {results:?}"));
                }
                other => panic!("{path}: the keyword {other} is not checked"),
            }
        }
        found
    }
}

/// Adds the result of `violation` to `found` if `is_valid` is `false`.
fn check(is_valid: bool, found: &mut Vec<String>, violation: impl FnOnce() -> String) {
    if !is_valid {
        found.push(violation());
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not checked"),
    }
}

/// Asserts that `value` is valid under the definition `name` of the schema.
fn assert_valid(name: &str, value: &Value) {
    let schema = schema();
    let found = Validator { root: &schema }.violations(&schema["$defs"][name], value, name);
    assert!(found.is_empty(), "{}\n{value:#}", found.join("\n"));
}

/// Runs the command with `input` on standard input.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = crate::command::pep3118()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The calls whose JSON is validated, as (arguments without `--json`, expected exit status).
const CALLS: &[(&[&str], i32)] = &[
    (&["explain", "T{b:a:3x<i:b:(2)T{>d:x:}:c:}"], 0),
    (&["explain", "ib"], 0),
    (&["explain", "i}d"], 1),
    (&["explain", "T{<b:a:<i:b:}", "-i", "9"], 1),
    (&["size", "@bd", "<q"], 0),
    (&["size", "@bd", "i}d", "<q"], 1),
    (&["size", "<i"], 0),
    (&["diff", "T{i:a:}", "T{>i:b:}"], 1),
    (&["diff", "T{i:a:}", "T{i:b:}"], 1),
    (&["diff", "i", "d"], 1),
    (&["diff", "i", "i"], 0),
    (&["diff", "l", "<q", "-m", "lp64"], 0),
    (&["diff", "i}", "i"], 1),
    (&["emit", "T{<b:a:<i:b:}", "--for", "numpy"], 0),
    (&["emit", "T{<b:a:<i:b:}", "--to", "c", "--name", "sample"], 0),
    (&["emit", "T{<b:a:<i:b:}", "--to", "rust"], 0),
    (&["emit", "T{&i:p:}", "--for", "numpy"], 1),
    (&["emit", "<i", "--to", "c", "--name", "int"], 1),
    (&["emit", "ib"], 1),
    (&["emit", "T{<i:a\u{1b}[31m\u{202e}:}"], 0),
    (&["emit", "T{<b:a:<i:b:}", "--to", "numpy"], 0),
    (&["emit", "--c", "struct s { char a; int b; };"], 0),
    (&["explain", "--c", "struct s { char a; int b; };"], 0),
    (&["size", "--c", "struct s { char a; int b; };"], 0),
    (&["diff", "T{b:a:i:b:}", "--c", "struct s { int8_t a; int b; };"], 0),
    (&["check", "--c", "struct s { char a; int b; };", "--shape", "2"], 0),
    (&["explain", "--c", "struct s { char a; "], 1),
    (&["explain", "--c", "struct s { char a; };", "-i", "2"], 1),
    (&["emit", "--c", "no-such-header.h"], 1),
    (&["size", "--c", "struct s { chr a; };"], 1),
    (&["size", "--c", "struct s { int x:3; int y:5; };"], 0),
    (&["diff", "T{b:a:i:b:}", "--c", "struct s { chr a; };"], 1),
    (&["check", "--c", "struct s { chr a; };", "--shape", "2"], 1),
    (&["check", "--c", "struct s { int x:3; int y:5; };", "--shape", "2"], 1),
    (&["readers", "<i"], 0),
    (&["readers", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", "-i", "24"], 0),
    (&["readers", "i}d"], 0),
    (&["check", "-f", "<i", "--shape", "2,3"], 0),
    (&["check", "-f", "i}d", "--shape", "2,3", "--len", "20", "-i", "4", "--readonly", "-r", "RECORDS"], 1),
    (&["check", "{}"], 0),
    (&["rules"], 0),
    (&["rules", "B20"], 0),
];

#[test]
fn each_output_is_valid() {
    for (arguments, status) in CALLS {
        let output = run(&[*arguments, &["--json"]].concat(), "");
        assert_eq!(output.status.code(), Some(*status), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        assert_valid(arguments[0], &value);
    }
}

#[test]
fn each_reply_to_a_line_is_valid() {
    let formats = "{\"format\": \"T{b:a:i:b:}\"}\n{\"format\": null, \"itemsize\": 1, \"dialect\": null}\n{\"format\": \"}\"}\n1\n";
    let buffers =
        "{\"format\": \"<i\", \"shape\": [3]}\n{\"len\": 3, \"readonly\": 2, \"memory\": {\"len\": 3}}\n{}\n[]\n";
    for (command, definition, input) in
        [("explain", "explain", formats), ("size", "sizeLine", formats), ("check", "check", buffers)]
    {
        let output = run(&[command, "--jsonl"], input);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        for line in text.lines() {
            assert_valid(definition, &serde_json::from_str(line).unwrap());
        }
        for line in input.lines().filter(|line| line.starts_with('{')) {
            let query = if command == "check" { "bufferQuery" } else { "formatQuery" };
            assert_valid(query, &serde_json::from_str(line).unwrap());
        }
    }
}

/// Tests the validator of this file: it must report values that the schema excludes.
#[test]
fn the_validator_finds_violations() {
    let schema = schema();
    let valid = serde_json::json!({"ok": {"same": true, "equivalence": "scalars", "difference": null}});
    assert_valid("diff", &valid);
    for (pointer, value) in [
        ("/ok/same", serde_json::json!(1)),
        ("/ok/equivalence", serde_json::json!("equal")),
        ("/ok", serde_json::json!({"same": true})),
        ("/ok", serde_json::json!({"same": true, "equivalence": null, "difference": null, "more": 1})),
        ("", serde_json::json!({"ok": 1, "error": 1})),
        ("", serde_json::json!({"error": {"kind": "", "message": "", "span": [1]}})),
        ("", serde_json::json!({"error": {"kind": "", "message": "", "span": [1, -1]}})),
    ] {
        let mut broken = valid.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        let found = Validator { root: &schema }.violations(&schema["$defs"]["diff"], &broken, "diff");
        assert!(!found.is_empty(), "{broken}");
    }
}

#[test]
fn unknown_keys_are_named() {
    for (input, key) in
        [("{\"shap\": [3]}", "shap"), ("{\"memory\": {\"len\": 3, \"ofset\": 0}}", "ofset"), ("{\"buf\": 1}", "buf")]
    {
        let output = run(&["check", input], "");
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(message.contains(&format!("unknown field `{key}`, expected ")), "{message}");
        let output = run(&["check", "--jsonl"], input);
        let reply = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code() == Some(1) && reply.contains(&format!("unknown field `{key}`")), "{reply}");
    }
    let output = run(&["size", "--jsonl"], "{\"format\": \"i\", \"itemsze\": 4}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("unknown field `itemsze`"));
}

/// A missing key in a JSON query has the same default as the missing option.
#[test]
fn missing_keys_are_as_missing_options() {
    for (object, options) in [
        ("{}", &[][..]),
        ("{\"len\": 3}", &["--len", "3"]),
        ("{\"format\": \"<i\", \"shape\": [2, 3]}", &["-f", "<i", "--shape", "2,3"]),
        ("{\"shape\": [2], \"strides\": [-1], \"readonly\": true}", &["--shape", "2", "--strides", "-1", "--readonly"]),
        ("{\"ndim\": 1, \"itemsize\": 4}", &["--ndim", "1", "-i", "4"]),
    ] {
        let [from_object, from_options] =
            [&["check", object][..], &[&["check"], options].concat()].map(|arguments| run(arguments, ""));
        assert_eq!(from_object.stdout, from_options.stdout, "{object}");
        assert_eq!(from_object.status, from_options.status, "{object}");
    }
}
