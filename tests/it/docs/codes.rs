//! Generates `tests/corpus/codes.json`: the type, the sizes and the readers of each format character.

use pep3118::__private::interpretations;
use pep3118::layout::Syntax;
use pep3118::{ByteOrder, Code, DataModel, Dialect, Layout, Type, reconcile};
use pep3118_readers::{Outcome, readers};
use serde_json::{Value, json};

use super::assert_or_update;

/// Returns a JSON object with the size, the alignment and the type of `format` in `model`. Returns `None` if `dialect`
/// refuses `format`.
fn cell(format: &str, dialect: &Dialect, model: &DataModel) -> Option<Value> {
    let layout = Layout::read(format.as_bytes(), dialect, model).ok()?;
    let item = layout.item();
    // `x` alone has no value.
    let ty = if item.ty() == Type::Record { "padding" } else { item.ty().as_str() };
    Some(json!({"size": layout.size(), "align": layout.align().bytes(), "type": ty}))
}

/// Returns a JSON object on one line. For each data model, the object contains the result of `of`. Returns `None` if
/// a result is `None`.
fn machines(of: impl Fn(&DataModel) -> Option<Value>) -> Option<String> {
    let cells = DataModel::ALL.iter().map(|model| Some(format!("{}: {}", json!(model.name), of(model)?)));
    Some(format!("{{{}}}", cells.collect::<Option<Vec<_>>>()?.join(", ")))
}

/// Returns the JSON object for the format character `code`.
fn row(code: Code) -> String {
    let text = code.as_str();
    let native = machines(|model| cell(text, &Dialect::PEP3118, model)).expect("every code has a native size");
    let wchar = machines(|model| cell(text, &Dialect::CTYPES, model)).filter(|_| code == Code::Ucs2);
    // The size of an address depends on the data model, so it is not a standard size.
    let standard =
        |model: &DataModel| cell(&format!("<{text}"), &Dialect::PEP3118, model).map(|cell| cell["size"].clone());
    let standard = standard(&DataModel::LP64).filter(|size| standard(&DataModel::I386).as_ref() == Some(size));
    let dialects: Vec<_> = Dialect::ALL.iter().filter(|dialect| dialect.codes.contains(code)).collect();
    let alone: Vec<_> = Dialect::ALL.iter().filter(|dialect| dialect.sole_codes.contains(code)).collect();
    let names = |dialects: &[&&Dialect]| json!(dialects.iter().map(|dialect| dialect.name).collect::<Vec<_>>());
    let outcome = reconcile(text.as_bytes(), None, None, &DataModel::LP64);
    let itemsize = interpretations(&outcome).first().map(|found| found.layout.size());
    let answers = readers(text.as_bytes(), itemsize, &DataModel::LP64);
    let who = |wanted: fn(&Outcome) -> bool| {
        let who = answers.iter().filter(|answer| wanted(&answer.outcome));
        json!(who.map(|answer| answer.consumer.to_string()).collect::<Vec<_>>())
    };
    let mut lines = vec![
        format!("\"code\": {}, \"c_type\": {}", json!(text), json!(code.c_type())),
        format!("\"count_is\": {}", json!(if code.count_is_length() { "length" } else { "repeat" })),
        format!("\"standard_size\": {}", standard.unwrap_or(Value::Null)),
        format!("\"native\": {native}"),
    ];
    lines.extend(wchar.map(|wchar| format!("\"native_as_wchar_t\": {wchar}")));
    lines.push(format!("\"dialects\": {}", names(&dialects)));
    lines.push(format!("\"dialects_alone\": {}", names(&alone)));
    lines.push(format!("\"read_by\": {}", who(|outcome| matches!(outcome, Outcome::Reads { .. }))));
    lines.push(format!("\"misread_by\": {}", who(Outcome::is_misread)));
    format!("    {{{}}}", lines.join(",\n     "))
}

/// Returns the JSON object for the byte-order character `order`.
fn byte_order(order: ByteOrder) -> String {
    // `bi` has padding (8 bytes) if items are aligned. `l` has 8 bytes if sizes are native.
    let size =
        |text: &str| cell(&format!("{order}{text}"), &Dialect::PEP3118, &DataModel::LP64).unwrap()["size"].clone();
    let endian = |model: &DataModel| {
        let layout = Layout::read(format!("{order}i").as_bytes(), &Dialect::PEP3118, model).unwrap();
        layout.item().endian().unwrap().to_string()
    };
    let (little, big) = (endian(&DataModel::LP64), endian(&DataModel::S390X));
    let dialects: Vec<_> = Dialect::ALL
        .iter()
        .filter(|dialect| order != ByteOrder::NativeUnaligned || dialect.syntax.contains(Syntax::UNALIGNED))
        .map(|dialect| dialect.name)
        .collect();
    let row = json!({
        "byte_order": if little == big { little } else { "native".to_owned() },
        "sizes": if size("l") == 8 { "native" } else { "standard" },
        "aligned": size("bi") == 8,
        "dialects": dialects,
    });
    format!("    {{\"character\": {}, {}", json!(order.as_str()), &row.to_string()[1..])
}

/// The constructs of a format other than format characters. Each entry has the characters, the meaning, and the syntax
/// flag of the dialects that support the construct. `None` means the dialects that have a code for complex numbers.
const PREFIXES: [(&str, &str, Option<Syntax>); 8] = [
    ("T{", "a structure, up to }", Some(Syntax::STRUCTURES)),
    (":", "a name of the item before it, up to :", Some(Syntax::NAMES)),
    ("(", "a shape of the item after it, up to )", Some(Syntax::SHAPES)),
    ("(2)(3)", "a shape after a shape", Some(Syntax::STACKED_SHAPES)),
    ("&", "a pointer to the item after it", Some(Syntax::POINTERS)),
    ("X{", "a pointer to a function, up to }", Some(Syntax::FUNCTIONS)),
    ("[", "a user type, up to ]", Some(Syntax::USER_TYPES)),
    ("Z", "a complex number of the code after it: e f d g", None),
];

/// Returns the JSON object for a construct, which is an entry of [`PREFIXES`].
fn prefix((characters, meaning, syntax): (&str, &str, Option<Syntax>)) -> String {
    let complex = [Code::ComplexHalf, Code::ComplexFloat, Code::ComplexDouble, Code::ComplexLongDouble];
    let knows = |dialect: &Dialect| match syntax {
        Some(syntax) => dialect.syntax.contains(syntax),
        None => complex.iter().any(|code| dialect.codes.contains(*code)),
    };
    let dialects: Vec<_> = Dialect::ALL.iter().filter(|dialect| knows(dialect)).map(|dialect| dialect.name).collect();
    format!(
        "    {{\"characters\": {}, \"meaning\": {}, \"dialects\": {}}}",
        json!(characters),
        json!(meaning),
        json!(dialects)
    )
}

#[test]
fn codes_json_has_the_codes_of_the_library() {
    let machine = |model: &DataModel| {
        let long_double = format!("{:?}", model.long_double.format).to_lowercase();
        format!(
            "    {}: {}",
            json!(model.name),
            json!({"byte_order": model.endian.to_string(), "pointer": model.pointer, "long": model.long,
                   "wchar_t": model.wchar, "long_double": long_double})
        )
    };
    let list = |rows: Vec<String>| rows.join(",\n");
    let text = format!(
        "{{\n  \"about\": {},\n  \"licence\": \"CC0-1.0\",\n  \"machines\": {{\n{}\n  }},\n  \"byte_order_characters\": \
         [\n{}\n  ],\n  \"prefixes\": [\n{}\n  ],\n  \"codes\": [\n{}\n  ]\n}}\n",
        json!(
            "The characters of buffer format strings. Sizes and alignments in bytes; read_by and misread_by on lp64. See README.md."
        ),
        list(DataModel::ALL.iter().map(machine).collect()),
        list(ByteOrder::ALL.into_iter().map(byte_order).collect()),
        list(PREFIXES.into_iter().map(prefix).collect()),
        list(Code::ALL.into_iter().map(row).collect()),
    );
    let parsed: Value = serde_json::from_str(&text).expect("the table is JSON");
    assert_eq!(parsed["codes"].as_array().unwrap().len(), Code::ALL.len());
    assert_or_update("tests/corpus/codes.json", &text);
}
