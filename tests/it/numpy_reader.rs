//! Tests that compare the dialect `numpy-reader` with recorded answers of NumPy.

use pep3118::{DataModel, Dialect, Layout};
use serde_json::Value;

use crate::corpus::rows;
use crate::properties::layouts::leaves;

/// Formats that only NumPy 2.5 or only this crate reads, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("}", "the brace ends the parse"),
    ("T{", "never closed"),
    ("T{i", "never closed"),
    ("T{i:a:", "never closed"),
    ("1 2i", "two counts pasted into one, 12"),
    ("\u{ff13}i", "a digit that is not ASCII"),
    ("i\0", "text after the NUL is not read"),
    ("\0", "text after the NUL is not read"),
    ("(2)0i", "NumPy's tuple of (dtype of no bytes, shape) fails; two rows of no values are no bytes"),
];

/// Returns `true` for `Ze` and `Zi`, where NumPy ignores the `Z`. Byte-order characters may precede them.
fn is_dropped_prefix(format: &str) -> bool {
    let format = format.trim_start_matches(['@', '=', '<', '>', '!', '^']);
    format == "Ze" || format == "Zi"
}

/// Returns the dotted name, the offset and the size in bytes of each field of the recorded `dtype`, except for fields
/// that are records. A dotted name starts with a dot. A dtype without fields has one entry without a name. `itemsize`
/// is the size of the dtype in bytes.
fn recorded(dtype: &Value, itemsize: u64) -> Vec<(String, u64, u64)> {
    fn size(dtype: &Value) -> u64 {
        match dtype {
            Value::String(text) => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let number = digits.parse().unwrap_or(8);
                if text.contains('U') { number * 4 } else { number }
            }
            _ => 0,
        }
    }
    fn walk(fields: &[Value], base: u64, path: &str, out: &mut Vec<(String, u64, u64)>) {
        for field in fields {
            let path = format!("{path}.{}", field[0].as_str().unwrap());
            let (offset, bytes) = (base + field[1].as_u64().unwrap(), field[2].as_u64().unwrap());
            match &field[3] {
                Value::Array(inner) if inner.first() != Some(&Value::from("sub")) => walk(inner, offset, &path, out),
                Value::Array(sub) if sub[1].is_array() => {
                    let count: u64 = sub[2].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).product();
                    for element in 0..count {
                        walk(sub[1].as_array().unwrap(), offset + element * (bytes / count), &path, out);
                    }
                }
                _ => out.push((path, offset, bytes)),
            }
        }
    }
    let mut out = Vec::new();
    match dtype {
        Value::Array(fields) => walk(fields, 0, "", &mut out),
        scalar => out.push((String::new(), 0, size(scalar).max(itemsize.min(1)))),
    }
    out
}

#[test]
fn numpy_reader_reads_what_numpy_reads() {
    let (mut agreed, mut refused, mut wrong) = (0, 0, Vec::new());
    let mut used = Vec::new();
    for row in rows("answers") {
        let format = row["format"].as_str().unwrap();
        let answers = row["numpy.asarray"].as_array().unwrap();
        let newest = answers
            .iter()
            .find(|answer| answer["numpy"].as_array().unwrap().contains(&Value::from("2.5.5")))
            .map(|answer| &answer["answer"]);
        let Some(answer) = newest else { continue };
        let read = Layout::read(format.as_bytes(), &Dialect::NUMPY_READER, &DataModel::LP64);
        let excepted = EXCEPTIONS.iter().any(|(name, _)| *name == format) || is_dropped_prefix(format);
        match (&read, answer.as_object()) {
            (Err(_), None) => refused += 1,
            (Err(_), Some(_)) | (Ok(_), None) if excepted => used.push(format.to_owned()),
            (Ok(layout), Some(answer)) => {
                // `asarray` appends the shape of a subarray to the shape of the array.
                let itemsize = answer["itemsize"].as_u64().unwrap();
                let same = layout.size() == itemsize && leaves(layout) == recorded(&answer["dtype"], itemsize);
                let repeated = layout.item().count() != 1;
                if same || (repeated && layout.size() == itemsize) {
                    agreed += 1;
                } else {
                    wrong.push(format!("{format:?}: ours {} {:?}, NumPy {answer:?}", layout.size(), leaves(layout)));
                }
            }
            (ours, theirs) => wrong.push(format!("{format:?}: ours {ours:?}, NumPy {theirs:?} {answer}")),
        }
    }
    for (format, reason) in EXCEPTIONS {
        assert!(used.iter().any(|name| name == format), "{format:?} is not an exception any more: {reason}");
    }
    println!("{agreed} read alike, {refused} refused by both");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed > 230 && refused > 150, "{agreed} {refused}");
}

/// The answers were recorded with `asarray` of NumPy 2.4.6. The C code of NumPy reads a format of one number without
/// NumPy's parser in Python.
#[test]
fn several_byte_order_characters_are_accepted_before_a_single_number() {
    let size =
        |format: &str| Layout::read(format.as_bytes(), &Dialect::NUMPY_READER, &DataModel::LP64).map(|l| l.size());
    for (format, expected) in [("<>i", 4), ("<>@l", 8), ("@<>Zd", 16), ("<>?", 1), ("<>@n", 8), ("=<@g", 16)] {
        assert_eq!(size(format), Ok(expected), "{format}");
    }
    for format in
        ["<>c", "<>x", "<>2x", "<>2i", "<>1i", "<>(2)i", "<>s", "<>w", "<>@O", "<>i:a:", "<>ii", "<>n", "<> i"]
    {
        assert!(size(format).is_err(), "{format}");
    }
}
