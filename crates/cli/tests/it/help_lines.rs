//! Tests of the help lines of error messages. For each error, a test runs the call that the help line suggests. The
//! suggested call must succeed. Also tests of notes, and of the alternative names of data models.

use std::process::{Command, Output};

/// Returns a command with the arguments `words` and the working directory `folder`.
pub(crate) fn command(folder: &std::path::Path, words: &[String]) -> Command {
    let mut command = crate::command::pep3118();
    command.args(words).current_dir(folder).env_remove("CLICOLOR_FORCE");
    command
}

/// Returns the text that the command wrote to standard error.
fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns the texts in backticks or quotes from the help line or the suggestion of `message`. Returns an empty list if
/// there is no such line. Ignores a note on Rust at the end of the line.
fn suggestions(message: &str) -> Vec<String> {
    let start = ["help: ", "did you mean ", "tip: "].iter().find_map(|start| message.find(start));
    let Some(start) = start else { return Vec::new() };
    let line = message[start..].lines().next().unwrap().replace('\'', "`");
    let line = line.split("; Rust's").next().unwrap().to_owned();
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the arguments `words` with the change that `suggestion` describes. A suggestion `--option value` replaces
/// the value of the option or is appended. A suggestion `--option` is appended. Any other suggestion replaces the word
/// `wrong`.
fn apply_suggestion(words: &[String], wrong: &str, suggestion: &str) -> Vec<String> {
    let mut words = words.to_vec();
    let Some((option, value)) = suggestion.split_once(' ').filter(|(option, _)| option.starts_with("--")) else {
        if suggestion.starts_with("--") {
            words.push(suggestion.to_owned());
        } else {
            let place = words.iter().position(|word| word == wrong).unwrap();
            words[place] = suggestion.to_owned();
        }
        return words;
    };
    let short = match option {
        "--itemsize" => "-i",
        "--dialect" => "-d",
        "--model" => "-m",
        _ => option,
    };
    match words.iter().position(|word| word == option || word == short) {
        Some(place) => words[place + 1] = value.to_owned(),
        None => words.extend([option.to_owned(), value.to_owned()]),
    }
    words
}

/// Calls that fail, and the argument that the suggestion of the error message replaces. The argument is empty if the
/// suggestion is an option with a value, or an option to add.
const CALLS: &[(&str, &str)] = &[
    ("explain dhhbhh -i 17 -m lp64", "dhhbhh"),
    ("explain IiLL -i 16 -m lp64", "IiLL"),
    ("explain @bi -i 5 -m lp64", "@bi"),
    ("explain ld -i 12 -m lp64", "ld"),
    ("explain bd -i 12 -m lp64", "bd"),
    ("explain P -i 4 -m lp64", "P"),
    ("explain u -i 2 -d ctypes -m lp64", "u"),
    ("explain T{<b:a:<i:b:} -i 8 -d ctypes -m lp64", ""),
    ("explain ib -i 8 -d ctypes -m lp64", ""),
    ("explain ib -i 3 -d pep3118 -m lp64", ""),
    ("explain <i -i 8 -d struct -m lp64", ""),
    ("emit T{<i:a:} -d struct", ""),
    ("size T{i:a:} -d struct", ""),
    ("size (2)i -d array", ""),
    ("diff T{i:a:} T{i:a:} -d struct", ""),
    ("explain &i -d numpy -m lp64", ""),
    ("emit ib -m lp64", ""),
    ("emit T{T{d:f0:b:f1:}:x:xxxxxxxb:y:} -i 24 -m lp64", ""),
    ("explain ib --svg -m lp64", ""),
    ("decode -f ib --count 2 -m lp64 items", ""),
    ("decode -f ib -m lp64 items", ""),
    ("hexdump items ib --count 2 -m lp64", ""),
    ("hexdump items ib -m lp64", ""),
    ("hexdump items -f ib -m lp64", ""),
    ("hexdump items float32", "float32"),
    ("hexdump items -f float32", "float32"),
    ("hexdump items <i -i 8", ""),
    ("hexdump items <i -d nmpy", "nmpy"),
    ("hexdump items <i --cuont 1", "--cuont"),
    ("hexdum items <i", "hexdum"),
    ("explain <f8", "<f8"),
    ("explain >i2", ">i2"),
    ("explain |u1", "|u1"),
    ("explain |S8", "|S8"),
    ("explain <U4", "<U4"),
    ("explain c16", "c16"),
    ("size float64", "float64"),
    ("size complex128", "complex128"),
    ("size uint16_t", "uint16_t"),
    ("size int64_t", "int64_t"),
    ("size double", "double"),
    ("size float", "float"),
    ("size long", "long"),
    ("size short", "short"),
    ("size size_t", "size_t"),
    ("size bool", "bool"),
    ("size u32", "u32"),
    ("size i8", "i8"),
    ("size np.float32", "np.float32"),
    ("decode -f float32 items", "float32"),
    ("decode -f <i -i 8 items", ""),
    ("decode -f <7s items", ""),
    ("decode -f T{<i:id:<i:price:} --columns prise items", ""),
    ("decode -f T{<i:id:<i:price:} --columns ID,id items", ""),
    ("decode -f B --shape 2,3 --strides -3,1 --skip 1 items", ""),
    ("explain i -d nmpy", "nmpy"),
    ("explain i -d Cython", "Cython"),
    ("explain i -m lp46", "lp46"),
    ("explain i -m win46", "win46"),
    ("explain i -m aarch46", "aarch46"),
    ("emit <i --for nunpy", "nunpy"),
    ("decode -f <i --to jsn items", "jsn"),
    ("emit T{i:a:} --to python-recrd", "python-recrd"),
    ("emit T{i:a:} --to jula", "jula"),
    ("rules LEN-PRODCT", "LEN-PRODCT"),
    ("rules A4", "A4"),
    ("man decod", "decod"),
    ("explan i", "explan"),
    ("completions bsh", "bsh"),
    ("decode -f <i --cuont 1 items", "--cuont"),
    ("decode items <7s", ""),
    ("decode items <i --every 7", ""),
    ("decode items <i --follow --count 1", ""),
    ("decode items T{<i:id:4s:sym:} --text=syn", "--text=syn"),
    ("decode items T{<i:id:4s:sym:} --hex=sym,SYM", "--hex=sym,SYM"),
    ("decode items T{<i:id:T{4s:sym:}:in:} --hex=in.Sym", "--hex=in.Sym"),
    ("encode <i --from cs rows.csv", "cs"),
    ("encode ib -m lp64 pairs.csv", ""),
    ("encode float32 rows.csv", "float32"),
    ("encode <i -i 8 rows.csv", ""),
];

/// Writes the files of the calls to `folder`.
pub(crate) fn write_files(folder: &std::path::Path) {
    std::fs::write(folder.join("items"), [1; 24]).unwrap();
    std::fs::write(folder.join("rows.csv"), "value\n").unwrap();
    std::fs::write(folder.join("pairs.csv"), "f0,f1\n").unwrap();
}

/// Returns the messages of the failed calls. `folder` contains the files of the calls.
pub(crate) fn messages(folder: &std::path::Path) -> Vec<String> {
    let words = |call: &str| call.split(' ').map(str::to_owned).collect::<Vec<_>>();
    CALLS.iter().map(|(call, _)| message(&command(folder, &words(call)).output().unwrap())).collect()
}

#[test]
fn each_suggestion_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let mut failures = Vec::new();
    for (call, wrong) in CALLS {
        let words: Vec<String> = call.split(' ').map(str::to_owned).collect();
        let output = command(folder.path(), &words).output().unwrap();
        let message = message(&output);
        let suggestions = suggestions(&message);
        if output.status.success() || suggestions.is_empty() {
            failures.push(format!("{call}: {}, nothing is suggested\n{message}", output.status));
        }
        for suggestion in suggestions {
            // A suggested option replaces the wrong option. The value of the option is unchanged.
            let words = match words.iter().position(|word| word == wrong && wrong.starts_with("--")) {
                Some(place) => [&words[..place], std::slice::from_ref(&suggestion), &words[place + 1..]].concat(),
                None => apply_suggestion(&words, wrong, &suggestion),
            };
            assert_ne!(words.join(" "), *call, "the message suggests the call that failed");
            let followed = command(folder.path(), &words).output().unwrap();
            if !followed.status.success() {
                failures.push(format!("{call}\n  {message}\n  {}\n  {}", words.join(" "), self::message(&followed)));
            }
        }
    }
    assert!(CALLS.len() >= 60, "{}", CALLS.len());
    assert!(failures.is_empty(), "{} of {}: {}", failures.len(), CALLS.len(), failures.join("\n"));
}

/// The error for an ambiguous format suggests the only dialect in which the file has a whole number of items. The file
/// has 24 bytes: a multiple of the 8-byte size in `native-c`, but not of the 5-byte size in the other dialects.
#[test]
fn the_length_of_the_file_selects_the_dialect() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("items"), [1; 24]).unwrap();
    let words: Vec<String> = "decode -f ib -m lp64 items".split(' ').map(str::to_owned).collect();
    let message = message(&command(folder.path(), &words).output().unwrap());
    let help = "help: 24 bytes are a whole number of items only with `--dialect native-c`";
    assert!(message.contains(help), "{message}");
    assert_eq!(suggestions(&message), ["--dialect native-c"]);
}

#[test]
fn a_type_name_that_is_a_format_gets_a_note() {
    for (name, format) in [("int", "i"), ("uint", "I")] {
        let output = crate::command::pep3118().args(["size", name, "-m", "lp64"]).output().unwrap();
        assert!(output.status.success());
        assert!(message(&output).ends_with(&format!("; the type {name} is `{format}`\n")), "{}", message(&output));
    }
    for format in ["i", "<i", "8s", "2i", "hi"] {
        let output = crate::command::pep3118().args(["size", format]).output().unwrap();
        assert_eq!(message(&output), "", "{format}");
    }
}

#[test]
fn a_format_that_numpy_reads_with_another_size_gets_a_note() {
    let note = |format: &str, dialect: &str| {
        message(&crate::command::pep3118().args(["explain", format, "-d", dialect, "-m", "lp64"]).output().unwrap())
    };
    let expected = "note: NumPy writes this format for 5 bytes but reads it as 8 bytes: see `--dialect numpy-reader`\n";
    assert_eq!(note("ib", "numpy"), expected);
    for (format, dialect) in [("ib", "numpy-reader"), ("ib", "pep3118"), ("<i", "numpy"), ("T{<i:a:<b:b:}", "numpy")] {
        assert_eq!(note(format, dialect), "", "{format} {dialect}");
    }
}

#[test]
fn models_have_alternative_names() {
    let size = |model: &str| {
        let output = crate::command::pep3118().args(["size", "=i@lg", "-m", model]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for (alias, name) in [
        ("linux64", "lp64"),
        ("linux32", "i386"),
        ("win64", "llp64"),
        ("windows", "llp64"),
        ("arm64", "aarch64"),
        ("mac", "aarch64-apple-darwin"),
    ] {
        assert_eq!(size(alias), size(name), "{alias}");
        assert_ne!(size(alias), "", "{alias}");
    }
}
