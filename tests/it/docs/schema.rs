//! Tests that the rows of the corpus conform to the JSON schemas in `tests/corpus/schema`, and that the README of the
//! corpus lists each file and its number of rows. `conforms` compares one value with a schema.

use serde_json::{Map, Value};

use super::{path, read};
use crate::corpus::rows;

/// The names of the corpus files that have one row on each line.
const ROWS: [&str; 8] =
    ["abi", "answers", "c_structures", "consumers", "ctypes_structures", "exports", "numpy_dtypes", "readers"];

/// Returns an error if `value` does not conform to the JSON schema `schema`, or if the schema has a keyword that this
/// function does not support.
pub(crate) fn conforms(value: &Value, schema: &Value) -> Result<(), String> {
    conforms_in(value, schema, schema)
}

/// Returns an error if `value` does not conform to `schema`, a part of the JSON schema `root`.
fn conforms_in(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    let schema = schema.as_object().ok_or("a schema is an object")?;
    for (keyword, wanted) in schema {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "examples" => {}
            "$ref" => {
                let name =
                    wanted.as_str().and_then(|name| name.strip_prefix("#/$defs/")).ok_or("an unknown reference")?;
                conforms_in(value, &root["$defs"][name], root)?;
            }
            "type" => is_type(value, wanted)?,
            "enum" if wanted.as_array().is_some_and(|values| values.contains(value)) => {}
            "const" if wanted == value => {}
            "minimum" if value.as_f64() >= wanted.as_f64() => {}
            "anyOf"
                if wanted.as_array().is_some_and(|all| all.iter().any(|one| conforms_in(value, one, root).is_ok())) => {
            }
            "required" | "properties" | "additionalProperties" | "items" | "prefixItems" => {}
            _ => return Err(format!("{value} breaks {keyword} {wanted}")),
        }
    }
    match value {
        Value::Object(object) => members(object, schema, root),
        Value::Array(array) => elements(array, schema, root),
        _ => Ok(()),
    }
}

/// Returns an error if `value` does not have the type `wanted`, which is the value of the keyword `type`: the name of a
/// type, or a list of names of which one must fit.
fn is_type(value: &Value, wanted: &Value) -> Result<(), String> {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    };
    let fits = wanted.as_array().map_or_else(|| is(wanted), |all| all.iter().any(is));
    if fits { Ok(()) } else { Err(format!("{value} is not of type {wanted}")) }
}

/// Returns an error if the keys or the values of `object` do not conform to `schema`, a part of `root`.
fn members(object: &Map<String, Value>, schema: &Map<String, Value>, root: &Value) -> Result<(), String> {
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, member) in object {
        let known = schema.get("properties").and_then(|known| known.get(name));
        match (known, schema.get("additionalProperties")) {
            (Some(schema), _) => conforms_in(member, schema, root),
            (None, Some(Value::Bool(false))) => Err("is not expected".to_owned()),
            (None, Some(schema)) => conforms_in(member, schema, root),
            (None, None) => Ok(()),
        }
        .map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

/// Returns an error if the elements of `array` do not conform to `schema`, a part of `root`. If the schema has
/// `prefixItems`, `array` must have the same number of elements.
fn elements(array: &[Value], schema: &Map<String, Value>, root: &Value) -> Result<(), String> {
    let first = schema.get("prefixItems").and_then(Value::as_array);
    if first.is_some_and(|first| first.len() != array.len()) {
        return Err(format!("{} elements", array.len()));
    }
    for (at, element) in array.iter().enumerate() {
        let own = first.and_then(|first| first.get(at)).or_else(|| schema.get("items"));
        own.map_or(Ok(()), |schema| conforms_in(element, schema, root)).map_err(|why| format!("[{at}] {why}"))?;
    }
    Ok(())
}

/// Returns the JSON schema for the file `name` of the corpus.
fn schema(name: &str) -> Value {
    serde_json::from_str(&read(&format!("tests/corpus/schema/{name}.json"))).expect(name)
}

#[test]
fn every_row_conforms_to_its_schema() {
    for name in ROWS {
        let schema = schema(name);
        for row in rows(name) {
            conforms(&row, &schema).unwrap_or_else(|why| panic!("{name}.jsonl: {why} in {row}"));
        }
        let example = &schema["examples"][0];
        assert_eq!(conforms(example, &schema), Ok(()), "the example of {name}");
        assert!(conforms(&Value::Null, &schema).is_err(), "{name} takes anything");
    }
    let codes = serde_json::from_str(&read("tests/corpus/codes.json")).unwrap();
    assert_eq!(conforms(&codes, &schema("codes")), Ok(()));
}

#[test]
fn each_file_of_rows_has_a_schema_and_is_in_the_readme() {
    let page = read("tests/corpus/README.md");
    for entry in std::fs::read_dir(path("tests/corpus")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".jsonl") {
            assert!(ROWS.contains(&name), "{file} has no schema");
            let count = rows(name).len();
            let count = if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) };
            assert!(page.contains(&format!("| `{file}` | {count} |")), "README.md: {file} has {count} rows");
        }
        assert!(
            file == "README.md" || page.contains(&format!("`{file}")) || page.contains(&format!("[{file}]")),
            "README.md says nothing of {file}"
        );
    }
}
