//! Tests that no help line is untested. The tests find the texts of all help lines in the source code of the command,
//! the format parser, the layouts and the parser of C. Each text must be in the message of a failed call whose
//! corrected call succeeds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use pep3118::{DataModel, Dialect, Layout, LayoutError, parse, reconcile};

use crate::help_lines;

/// The failed calls and the calls that follow their help lines, as (failed call, corrected call). The arguments of a
/// call are separated by spaces, and an argument in single quotes may contain spaces.
const CALLS: &[(&str, &str)] = &[
    // The syntax of formats.
    ("explain ２i", "explain 2i"),
    ("explain Z*", "explain Zd -m lp64"),
    ("explain '1 2i'", "explain 12i"),
    ("explain 3(2)i", "explain (2)3i"),
    ("explain (2,)i", "explain (2,3)i"),
    ("explain (a)i", "explain (2,3)i"),
    ("explain Ti", "explain T{i}"),
    ("explain T{i", "explain T{i}"),
    ("explain i}", "explain i"),
    ("explain Xi", "explain X{}"),
    ("explain (2i", "explain (2)i"),
    ("explain i:count", "explain i:count:"),
    ("explain :count:i", "explain i:count:"),
    ("explain |i", "explain i"),
    ("explain T{S:n:}", "explain T{5s:n:}"),
    ("explain T{U:n:}", "explain T{5w:n:}"),
    ("explain T{V:n:}", "explain T{5x:n:}"),
    ("explain E", "explain Ze"),
    ("explain -- -2i", "explain -- 2i"),
    ("explain T{C:n:}", "explain T{Zf:n:}"),
    ("explain i)", "explain i"),
    ("explain {i}", "explain T{i}"),
    ("explain i,i", "explain ii"),
    // Layouts.
    ("explain <n", "explain @n"),
    ("explain <N", "explain <Q"),
    ("explain <P -d struct", "explain @P -d struct"),
    ("explain 3t5t", "explain 8t"),
    ("explain [unknown]", "explain [unknown] -i 2"),
    ("explain i8 -d array", "explain =q"),
    ("explain u8", "explain B"),
    ("explain i8", "explain b"),
    // Templates of `pack`.
    ("explain V", "explain <I"),
    ("explain A8", "explain 8s"),
    ("explain 'a3 V'", "explain <3sI"),
    ("size vV", "size <HI"),
    ("decode items l>2", "decode items >2i"),
    // C declarations.
    ("size --c 'struct s { int a; }'", "size --c 'struct s { int a; };'"),
    ("size --c 'int x;'", "size --c 'struct tick { int id; };'"),
    ("size --c 'struct s { int a; };' --struct t", "size --c 'struct s { int a; };' --struct s"),
    ("size --c 'struct s { foo a; };'", "size --c 'struct s { uint16_t a; };'"),
    ("size --c 'struct s { int 3; };'", "size --c 'struct tick { int id; };'"),
    ("size --c 'struct s { int a; } __packed;'", "size --c 'struct s { int a; } __attribute__((packed));'"),
    (
        "size --c 'typedef struct s { char c; int a; } t __attribute__((packed));' --struct t",
        "size --c 'typedef struct s { char c; int a; } __attribute__((packed)) t;' --struct t",
    ),
    (
        "size --c 'struct s { int a; } __attribute__((aligned));'",
        "size --c 'struct s { int a; } __attribute__((aligned(16)));'",
    ),
    (
        "size --c 'struct s { int a; } __attribute__((aligned(3)));'",
        "size --c 'struct s { int a; } __attribute__((aligned(16)));'",
    ),
    ("size --c 'struct s { int a[N]; };'", "size --c 'enum e { N = 3 }; struct s { int a[N]; };'"),
    ("size --c 'struct s { int a[(char)-1 ? 1 : 2]; };'", "size --c 'struct s { int a[(signed char)-1 ? 1 : 2]; };'"),
    (
        "size --c 'struct s { char a[__alignof__(double)]; };' -m i386",
        "size --c 'struct s { char a[_Alignof(double)]; };' -m i386",
    ),
    (
        "size --c 'struct [[gnu::packed]] s { char c; int a; };'",
        "size --c 'struct s { char c; int a; } __attribute__((packed));'",
    ),
    (
        "size --c 'struct s __attribute__((packed)) { char c; int a; };'",
        "size --c 'struct s { char c; int a; } __attribute__((packed));'",
    ),
    ("size --c 'struct s { int a[sizeof((int){1})]; };'", "size --c 'struct s { int a[sizeof(int)]; };'"),
    ("size --c pack-form.h", "size --c pack.h"),
    ("size --c pack-word.h", "size --c pack.h"),
    ("size --c pack-3.h", "size --c pack.h"),
    ("size --c pack-inside.h", "size --c pack.h"),
    ("size --c no-such-header.h", "size --c 'struct tick { int id; };'"),
    ("explain --c 'struct s { int a; };' -i 8", "explain --c 'struct s { int a; };'"),
    // Files.
    ("decode items <7s", "decode items <7s --count 3"),
    ("decode items ib -m lp64", "decode items ib -m lp64 --dialect native-c"),
    ("decode items ib -m lp64 -d pep3118", "decode items ib -m lp64 -d native-c"),
    ("decode items ldb -m lp64 -d struct", "decode items ldb -m lp64 -d native-c"),
    ("decode items @bq -m lp64 --skip 6", "decode items =bq -m lp64 --skip 6"),
    ("decode items l -m lp64 --skip 4", "decode items l -m llp64 --skip 4"),
    ("decode <i items", "decode items <i"),
    ("hexdump <i items", "hexdump items <i"),
    ("encode rows.csv <i", "encode <i rows.csv"),
    ("decode items <i -o items", "decode items <i -o other"),
    ("decode - 70000000x", "decode large 70000000x"),
    ("decode items <i --follow --count 1", "decode items <i --follow --count 1 --to csv"),
    ("decode items B --shape 2,3 --strides -3,1 --skip 1", "decode items B --shape 2,3 --strides -3,1 --skip 3"),
    ("decode items T{<i:id:<i:price:} --columns prise", "decode items T{<i:id:<i:price:} --columns price"),
    #[cfg(feature = "arrow")]
    (
        "decode items T{<i:a:3000000000s:b:} --count 0 --to arrow -o out",
        "decode items T{<i:a:3000000000s:b:} --count 0 --to arrow -o out --columns a",
    ),
    ("emit T{<i:a\u{200b}:}", "emit T{<i:a\u{200b}:} --raw"),
    // Options.
    ("check --request SIMPEL", "check --request SIMPLE"),
];

/// The headers of [`CALLS`], as (name, source).
const HEADERS: &[(&str, &str)] = &[
    ("pack.h", "#pragma pack(4)\nstruct s { int a; };"),
    ("pack-form.h", "#pragma pack(show)\nstruct s { int a; };"),
    ("pack-word.h", "#pragma pack 4\nstruct s { int a; };"),
    ("pack-3.h", "#pragma pack(3)\nstruct s { int a; };"),
    ("pack-inside.h", "struct s {\n#pragma pack(4)\nint a; };"),
];

/// Headers that need a preprocessor. `cc -E` produces a source that the command reads.
const UNPREPROCESSED: &[&str] = &[
    "#if __STDC_VERSION__ > 1\nstruct s { int a; };\n#endif\n",
    "#define INT int\n#if __STDC_VERSION__ > 1\n#undef INT\n#endif\nstruct s { int a; };\n",
    "#define SQUARE(x) ((x) * (x))\nstruct s { int a[SQUARE(2)]; };\n",
    "#define int long\nstruct s { int a; };\n",
    "#define N 1\n#define N 2\nstruct s { int a[N]; };\n",
];

/// Errors of the library that the command does not print, because the command has another help line, or because an
/// argument cannot contain the character NUL. Each row is (failed call, corrected call).
fn library_calls() -> Vec<(String, bool)> {
    let message = |error: LayoutError| format!("{error:#}");
    let read = |format: &str, dialect| Layout::read(format.as_bytes(), dialect, &DataModel::LP64);
    let mut calls = vec![
        (format!("{:#}", parse(b"i\0i").unwrap_err()), parse(b"ii").is_ok()),
        (
            message(reconcile(b"ib", None, None, &DataModel::LP64).unwrap_err()),
            reconcile(b"ib", None, Some(&Dialect::PEP3118), &DataModel::LP64).is_ok(),
        ),
        (
            message(reconcile(b"T{<b:a:<i:b:}", Some(8), Some(&Dialect::CTYPES), &DataModel::LP64).unwrap_err()),
            reconcile(b"T{<b:a:3x<i:b:}", Some(8), Some(&Dialect::CTYPES), &DataModel::LP64).is_ok(),
        ),
    ];
    for (wrong, right, dialect) in [
        ("Zf", "Zf", &Dialect::STRUCT_3_13),
        ("F", "Zf", &Dialect::NUMPY),
        ("i<h", "<ih", &Dialect::STRUCT),
        ("<2 i", "<2i", &Dialect::STRUCT),
        ("<(2)i", "(2)<i", &Dialect::NUMPY_READER),
        ("(2)(3)i", "(2,3)i", &Dialect::NUMPY_READER),
    ] {
        // The help line for `Zf` names the version of CPython that reads it.
        let reader = if *dialect == Dialect::STRUCT_3_13 { &Dialect::STRUCT } else { dialect };
        calls.push((message(read(wrong, dialect).unwrap_err()), read(right, reader).is_ok()));
    }
    calls
}

/// Divides `call` into arguments at spaces that are not in single quotes.
fn arguments(call: &str) -> Vec<String> {
    let parts = call.split('\'').enumerate();
    let mut arguments = Vec::new();
    for (index, part) in parts {
        if index % 2 == 1 {
            arguments.push(part.to_owned());
        } else {
            arguments.extend(part.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    arguments
}

/// Runs `call` in `folder` without input.
fn run(folder: &Path, call: &[String]) -> Output {
    help_lines::command(folder, call).stdin(Stdio::null()).output().unwrap()
}

/// Returns the message of the failed `call`, and checks that the corrected call succeeds.
fn follow(folder: &Path, call: &[String], corrected: &[String], failures: &mut Vec<String>) -> String {
    let output = run(folder, call);
    let message = String::from_utf8(output.stderr).unwrap();
    if output.status.success() || !(message.contains("help: ") || message.contains("did you mean")) {
        failures.push(format!("{call:?}: {}, nothing is suggested\n{message}", output.status));
    }
    // A file that is followed has no end. The option `--count` ends the command.
    let followed = run(folder, corrected);
    if !followed.status.success() {
        failures.push(format!("{corrected:?} fails\n{}", String::from_utf8_lossy(&followed.stderr)));
    }
    message
}

/// A string literal of a source file.
struct Literal<'s> {
    /// The source before the literal.
    before: &'s str,
    /// The text of the literal, with the escapes of the source.
    text: &'s str,
}

/// Returns the string literals of the Rust source `source`, without those in comments.
fn literals(source: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += source[at..].find('\n').unwrap_or(source.len() - at);
            }
            // The character literals '"' and '\''.
            b'\'' if bytes.get(at + 2) == Some(&b'\'') => at += 3,
            b'\'' if bytes.get(at + 1) == Some(&b'\\') => at += 4,
            b'"' => {
                let start = at + 1;
                at = start;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                found.push(Literal { before: &source[..start - 1], text: &source[start..at] });
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// Returns the texts of help lines in the Rust source `source`: arguments of `with_help`, texts after `help: `, values
/// of variables that are arguments of `with_help`, and the texts in functions whose name starts with `help`.
fn help_texts(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let is_in_help_function = |before: &str| {
        let start = before.rfind("fn help").map(|start| &before[start..]);
        // The function ends with a brace that is indented like its start.
        start.is_some_and(|body| !body.contains("\n}\n") && !body.contains("\n    }\n"))
    };
    let mut texts = Vec::new();
    for Literal { before, text } in literals(source) {
        let introduced = before.trim_end().trim_end_matches("format!(").trim_end();
        let is_argument = ["with_help(", "let help =", "let unknown =", "const PREPROCESS: &str =", "help:"]
            .iter()
            .any(|start| introduced.ends_with(start));
        if is_argument || is_in_help_function(before) {
            texts.push(text);
        } else if let Some(start) = text.find("help: ") {
            texts.push(&text[start + "help: ".len()..]);
        }
    }
    let mut texts: Vec<String> = texts.into_iter().map(unescape).collect();
    // Parts of a text that are joined, such as `; or `, are no help lines.
    texts.retain(|text| text.chars().filter(|character| character.is_alphabetic()).count() > 3);
    texts
}

/// Replaces the escapes of a Rust string literal by the characters that they mean.
fn unescape(literal: &str) -> String {
    let mut text = String::new();
    let mut lines = literal.split("\\\n");
    text.push_str(lines.next().unwrap());
    lines.for_each(|line| text.push_str(line.trim_start()));
    text.replace("\\\"", "\"").replace("\\n", "\n")
}

/// Returns `true` if `message` contains the parts of `text` between its placeholders, such as `{size}`, in order.
fn contains_text(message: &str, text: &str) -> bool {
    let mut rest = message;
    let text = text.replace("{...}", "\u{1}");
    text.split('{').enumerate().all(|(index, part)| {
        let part = if index == 0 { part } else { part.split_once('}').map_or(part, |(_, part)| part) };
        let part = part.replace('\u{1}', "{...}");
        match rest.find(&part) {
            Some(start) => {
                rest = &rest[start + part.len()..];
                true
            }
            None => false,
        }
    })
}

#[test]
fn every_help_line_of_the_sources_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    help_lines::write_files(folder);
    for (name, source) in HEADERS {
        fs::write(folder.join(name), source).unwrap();
    }
    fs::File::create(folder.join("large")).unwrap().set_len(70_000_000).unwrap();
    let mut failures = Vec::new();
    let mut messages: Vec<String> = help_lines::messages(folder);
    for (call, corrected) in CALLS {
        messages.push(follow(folder, &arguments(call), &arguments(corrected), &mut failures));
    }
    for (index, source) in UNPREPROCESSED.iter().enumerate() {
        let (header, prepared) = (format!("header-{index}.h"), format!("prepared-{index}.h"));
        fs::write(folder.join(&header), source).unwrap();
        let preprocessor = std::process::Command::new("cc").args(["-E", &header]).current_dir(folder).output();
        // A machine without a C compiler has no preprocessor.
        let Ok(preprocessed) = preprocessor else { continue };
        assert!(preprocessed.status.success(), "{source}");
        fs::write(folder.join(&prepared), preprocessed.stdout).unwrap();
        let call = |header: String| ["size".to_owned(), "--c".to_owned(), header].to_vec();
        messages.push(follow(folder, &call(header), &call(prepared), &mut failures));
    }
    // Standard output is the input.
    let items = fs::OpenOptions::new().append(true).open(folder.join("items")).unwrap();
    let words = arguments("decode items <i");
    let output = help_lines::command(folder, &words).stdout(Stdio::from(items)).output().unwrap();
    assert!(!output.status.success());
    messages.push(String::from_utf8(output.stderr).unwrap());
    for (message, is_corrected) in library_calls() {
        if !is_corrected {
            failures.push(format!("the corrected call fails: {message}"));
        }
        messages.push(message);
    }
    let root = Path::new(crate::ROOT);
    let mut files = vec![
        root.join("src/format/error.rs"),
        root.join("src/layout/error.rs"),
        root.join("src/layout/interpretation.rs"),
    ];
    for sources in ["src/layout/from_c", "crates/cli/src"] {
        files.extend(fs::read_dir(root.join(sources)).unwrap().map(|entry| entry.unwrap().path()));
    }
    // The function `help` of this file returns the examples of `--help`.
    files.retain(|file| !file.ends_with("examples.rs"));
    let mut texts = BTreeSet::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        texts.extend(help_texts(&fs::read_to_string(file).unwrap()));
    }
    assert!(texts.len() >= 60, "{} texts: {texts:#?}", texts.len());
    for text in texts {
        if !messages.iter().any(|message| contains_text(message, &text)) {
            failures.push(format!("no call prints the help line: {text}"));
        }
    }
    assert!(failures.is_empty(), "{}: {}", failures.len(), failures.join("\n"));
}

#[test]
fn help_texts_are_found_in_each_form() {
    let source = "let help = \"one text\";\nerror.with_help(format!(\"text {} of two\", 1));\n// \"a comment\"\n\
        format!(\"x\\nhelp: third\");\nfn help(&self) {\n    \"fourth\"\n}\nfn other() {\n    \"none\"\n}\n";
    assert_eq!(help_texts(source), ["one text", "text {} of two", "third", "fourth"]);
    assert!(contains_text("a text 3 of two", "text {} of two") && !contains_text("text of two", "text {} of  two"));
}
