//! Tests that every output of every command escapes names that contain control characters or invisible characters.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use crate::terminal::run_on_terminal;

/// Hostile names for fields, files and arguments. The command itself never writes the escape sequences in these names.
const NAMES: [&[u8]; 21] = [
    b"\x1b[38;5;200mx",
    b"\x1b]0;title\x07",
    b"\x1b",
    b"a\rb",
    b"a\nb",
    b"a\tb",
    b"\x08\x7f",
    "\u{85}\u{9b}31m".as_bytes(),
    "\u{202e}abc".as_bytes(),
    "\u{2066}abc\u{2069}".as_bytes(),
    "a\u{200b}\u{200d}\u{200f}b".as_bytes(),
    "\u{feff}\u{ad}\u{61c}".as_bytes(),
    "\u{2028}\u{2029}".as_bytes(),
    "\u{3164}\u{115f}\u{ffa0}".as_bytes(),
    "x\u{fe0f}\u{e0041}".as_bytes(),
    b"\xff\xc3",
    b"</title><script>alert(1)</script>",
    b"*/ int x; /*",
    b"\"quoted\\",
    "é数ไม้".as_bytes(),
    b"=1+1",
];

/// The languages of `emit --to`.
const LANGUAGES: &[&[u8]] = &[
    b"c",
    b"rust",
    b"numpy",
    b"ctypes",
    b"construct",
    b"dissect",
    b"python-record",
    #[cfg(feature = "arrow")]
    b"arrow-schema",
    b"kaitai",
    b"imhex",
    b"go",
    b"zig",
    b"julia",
];

/// Returns `true` if an output must not contain `character`. The function does not call the library, because the tests
/// check the library with this function.
fn is_hostile(character: char) -> bool {
    let invisible = matches!(u32::from(character),
        0xad | 0x61c | 0x115f | 0x1160 | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..=0xe0fff);
    invisible || (character.is_control() && character != '\n')
}

/// Asserts that the output `text` is UTF-8 and contains no hostile character. Output on a terminal may contain colours,
/// and its lines end in `\r\n`. `context` has the arguments of the command. With the argument `go`, lines may start
/// with tabs.
fn assert_visible(text: &[u8], is_terminal: bool, context: &[OsString]) {
    let text = std::str::from_utf8(text).unwrap_or_else(|error| panic!("{context:?}: {error}: {text:?}"));
    let mut text = text.to_owned();
    if context.iter().any(|argument| argument == "go") {
        // gofmt indents lines with tabs.
        text = text.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect();
    }
    if is_terminal {
        text = text.replace("\r\n", "\n");
        for style in [
            "0", "1", "2", "3", "4", "22", "24", "31", "32", "33", "34", "35", "36", "91", "92", "93", "94", "95", "96",
        ] {
            text = text.replace(&format!("\u{1b}[{style}m"), "");
        }
        for style in ["38;5;9", "38;5;10", "38;5;11", "38;5;12", "38;5;14"] {
            text = text.replace(&format!("\u{1b}[{style}m"), "");
        }
    }
    if let Some(character) = text.chars().find(|character| is_hostile(*character)) {
        panic!("{context:?} prints {character:?}:\n{text:?}");
    }
}

/// Runs a command twice: with the output on pipes, and with the output on a terminal. Asserts that no output contains a
/// hostile character. `input` is the standard input, which is empty for `None`. The working directory has the files
/// `items` and `others`. The command may fail with status 1 or 2.
fn check_output(arguments: &[&[u8]], input: Option<&[u8]>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("items"), [1; 4096]).unwrap();
    fs::write(folder.path().join("others"), [2; 4000]).unwrap();
    fs::write(folder.path().join("input"), input.unwrap_or_default()).unwrap();
    let arguments: Vec<OsString> = arguments.iter().map(|argument| OsStr::from_bytes(argument).to_owned()).collect();
    let command = || -> Command {
        let mut command = crate::command::pep3118();
        let input = fs::File::open(folder.path().join("input")).unwrap();
        command.args(&arguments).current_dir(folder.path()).stdin(Stdio::from(input));
        command
    };
    let output = command().output().unwrap();
    assert!(output.status.code().is_some_and(|status| status <= 2), "{arguments:?}: {}", output.status);
    assert_visible(&output.stdout, false, &arguments);
    assert_visible(&output.stderr, false, &arguments);
    let (_, shown) = run_on_terminal(command());
    assert_visible(shown.as_bytes(), true, &arguments);
}

/// Returns a format with one field for each name. Each field is a text of four characters.
fn record() -> Vec<u8> {
    let fields = NAMES.iter().map(|name| [b"<w:", *name, b":"].concat());
    [b"T{".to_vec(), fields.collect::<Vec<_>>().concat(), b"}".to_vec()].concat()
}

/// Returns a format with padding after each field. For each name in `NAMES`, the format has an array of records with
/// this name. The fields of the records also have this name.
fn padded() -> Vec<u8> {
    let fields = NAMES.iter().map(|name| [b"(2)T{<b:", *name, b":x<h:", *name, b":x}:", *name, b":x"].concat());
    [b"T{".to_vec(), fields.collect::<Vec<_>>().concat(), b"}".to_vec()].concat()
}

#[test]
fn commands_escape_the_names_in_a_format() {
    let record = record();
    let broken = [record.as_slice(), b"("].concat();
    let padded = padded();
    // An argument need not be UTF-8, but `--struct` requires UTF-8.
    let name_of_struct = String::from_utf8_lossy(&record).into_owned().into_bytes();
    let model: &[&[u8]] = &[b"-m", b"lp64"];
    let commands: &[&[&[u8]]] = &[
        &[b"explain", &record, b"--json"],
        &[b"explain", &record, b"-i", b"7"],
        &[b"explain", &record, b"-d", b"struct"],
        &[b"explain", &broken],
        &[b"explain", &broken, b"--json"],
        &[b"size", &record],
        &[b"size", &record, &broken],
        &[b"diff", &record, &broken],
        &[b"emit", &record],
        &[b"emit", &record, b"--to", b"c"],
        &[b"emit", &record, b"--to", b"rust"],
        &[b"emit", &record, b"--to", b"numpy"],
        &[b"emit", &record, b"--to", b"ctypes"],
        &[b"emit", &record, b"--to", b"construct"],
        &[b"emit", &record, b"--to", b"dissect"],
        &[b"emit", &record, b"--to", b"python-record"],
        &[b"emit", &record, b"--to", b"kaitai"],
        &[b"emit", &record, b"--to", b"imhex"],
        &[b"emit", &record, b"--to", b"go"],
        &[b"emit", &record, b"--to", b"zig"],
        &[b"emit", &record, b"--to", b"julia"],
        #[cfg(feature = "arrow")]
        &[b"emit", &record, b"--to", b"arrow-schema"],
        #[cfg(feature = "arrow")]
        &[b"decode", b"items", &record, b"--count", b"2", b"--to", b"arrow", b"-o", b"out"],
        #[cfg(feature = "arrow")]
        &[b"decode", b"items", &record, b"--count", b"2", b"--to", b"arrow", b"-o", b"out", b"--columns", b"none"],
        #[cfg(feature = "arrow")]
        &[b"encode", &record, b"items", b"--from", b"arrow"],
        #[cfg(feature = "parquet")]
        &[b"decode", b"items", &record, b"--count", b"2", b"--to", b"parquet", b"-o", b"out"],
        &[b"check", b"-f", &record, b"--shape", b"2", b"-i", b"3", b"--to", b"sarif"],
        &[b"check", b"-f", &record, b"--shape", b"2", b"-i", b"3", b"--to", b"junit"],
        &[b"check", b"-f", &record, b"--shape", b"2", b"-i", b"3", b"--to", b"github"],
        &[b"emit", &broken],
        &[b"explain", b"--c", &record],
        &[b"size", b"--c", &[b"struct s { int a; };", record.as_slice()].concat()],
        &[b"size", b"--c", b"struct s { int a; };", b"--struct", &name_of_struct],
        &[b"readers", &record],
        &[b"readers", &record, b"--json"],
        &[b"check", b"-f", &record, b"--shape", b"2"],
        &[b"check", b"-f", &record, b"--shape", b"2", b"--json"],
        &[b"check", b"-f", &broken, b"--shape", b"2", b"-i", b"3"],
        &[b"decode", b"-f", &record, b"--count", b"2", b"items"],
        &[b"decode", b"-f", &record, b"--count", b"2", b"--to", b"json", b"items"],
        &[b"decode", b"-f", &record, b"--count", b"2", b"--to", b"csv", b"items"],
        &[b"decode", b"-f", &record, b"--columns", b"none", b"items"],
        &[b"decode", b"-f", &broken, b"items"],
        &[b"decode", b"items", &record, b"--count", b"2", b"--to", b"csv", b"--csv-safe"],
        &[b"decode", b"items", &record, b"--names", b"a"],
        &[b"decode", b"items", &record, b"--text=none"],
        &[b"encode", &record],
        &[b"encode", &record, b"--from", b"csv"],
        &[b"encode", &broken],
        &[b"size", &record, &broken, b"--json"],
        &[b"diff", &record, &broken, b"--json"],
        &[b"emit", &record, b"--json"],
        &[b"emit", &record, b"--to", b"c", b"--json"],
        &[b"emit", &broken, b"--json"],
        &[b"hexdump", b"items", &record, b"--count", b"2"],
        &[b"hexdump", b"items", &record, b"--count", b"2", b"--html"],
        &[b"hexdump", b"items", &record, b"--count", b"2", b"--diff", b"others"],
        &[b"hexdump", b"items", &broken],
        &[b"hexdump", b"items", &padded, b"--count", b"2"],
        &[b"hexdump", b"items", &padded, b"--count", b"2", b"--html"],
        &[b"hexdump", b"items", &padded, b"--count", b"2", b"--diff", b"others"],
    ];
    for command in commands {
        check_output(&[*command, model].concat(), None);
    }
}

#[test]
fn commands_escape_each_name() {
    for name in NAMES {
        let format = [b"T{<i:a", name, b":<h:b:<i:c:}"].concat();
        let twice = [b"T{<i:a", name, b":<i:a", name, b":}"].concat();
        check_output(&[b"explain", &format, b"-i", b"3"], None);
        check_output(&[b"readers", &twice, b"-i", b"8"], None);
        for language in LANGUAGES {
            check_output(&[b"emit", &format, b"--to", language], None);
        }
        for language in [b"numpy".as_slice(), b"kaitai", b"python-record"] {
            let unsupported = [b"T{<g:a", name, b":<Ze:b", name, b":}"].concat();
            check_output(&[b"emit", &unsupported, b"-d", b"pep3118", b"--to", language], None);
        }
        #[cfg(feature = "parquet")]
        check_output(
            &[b"decode", b"items", &[b"T{0s:", name, b":B}"].concat(), b"--to", b"parquet", b"-o", b"out"],
            None,
        );
        check_output(&[b"emit", &format, b"--for", b"struct"], None);
        // The hostile name is used as the format.
        check_output(&[b"explain", name], None);
        check_output(&[b"size", name, b"i"], None);
        check_output(&[b"check", b"-f", name, b"--shape", b"3"], None);
    }
}

/// Returns the first word of each line of `help` between the line `start` and the next empty line.
fn first_words(help: &str, start: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != start).skip(1).take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Returns the text that the command prints to standard output.
fn printed(arguments: &[&str]) -> String {
    let output = crate::command::pep3118().args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Returns each option of `command` that lists its values, and each of its values, as (option, value). The function
/// reads the output of `--help`.
fn option_values(command: &str) -> Vec<(String, String)> {
    let help = printed(&[command, "--help"]);
    let mut found = Vec::new();
    let mut option = "";
    for paragraph in help.split("\n\n") {
        // `-m, --model <MODEL>` starts an option, and its description and values follow.
        for line in paragraph.lines().map(str::trim_start).filter(|line| line.starts_with('-')) {
            let first = line.split([' ', ',', '=']).find(|word| word.starts_with("--"));
            if line.starts_with("-") && !line.starts_with("- ") {
                option = first.unwrap_or_default();
            }
        }
        let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let values: Vec<String> = match text.split_once("[possible values: ") {
            Some((_, values)) => values.trim_end_matches(']').split(", ").map(str::to_owned).collect(),
            None if text.contains("Possible values: - ") => {
                let items = paragraph.lines().filter_map(|line| line.trim_start().strip_prefix("- "));
                items.map(|item| item.split(':').next().unwrap().to_owned()).collect()
            }
            None => Vec::new(),
        };
        found.extend(values.into_iter().filter(|_| !option.is_empty()).map(|value| (option.to_owned(), value)));
    }
    found
}

/// Returns arguments for `command` with hostile names in each argument that can contain names. A new command needs a
/// row.
fn hostile_call(command: &str) -> Vec<Vec<u8>> {
    let record = record();
    let name = NAMES.concat();
    let call: &[&[u8]] = match command {
        "explain" | "size" | "emit" | "readers" => &[&record],
        "diff" => &[&record, &padded()],
        "check" => &[b"-f", &record, b"--shape", b"2", b"-i", b"3"],
        "decode" => &[b"items", &record, b"--count", b"2", b"-o", b"out"],
        "encode" => &[&record, b"input"],
        "hexdump" => &[b"items", &record, b"--count", b"2"],
        "audit" | "census" | "rules" | "man" | "completions" | "help" => &[&name],
        command => panic!("the command {command} has no call with hostile names"),
    };
    call.iter().map(|argument| argument.to_vec()).collect()
}

/// The commands, the options and the values of the options come from `--help`.
#[test]
fn each_command_with_each_value_of_each_option_escapes_names() {
    let commands = first_words(&printed(&["--help"]), "Commands:");
    assert!(commands.len() >= 14, "{commands:?}");
    let mut values = 0;
    for command in commands {
        let call = hostile_call(&command);
        let call: Vec<&[u8]> = std::iter::once(command.as_bytes()).chain(call.iter().map(Vec::as_slice)).collect();
        check_output(&call, None);
        for (option, value) in option_values(&command) {
            check_output(&[&call, [option.as_bytes(), value.as_bytes()].as_slice()].concat(), None);
            values += 1;
        }
    }
    assert!(values >= 100, "{values}");
}

/// The queries that fail for each kind of error of formats and layouts, as (kind, format, dialect, itemsize). `NAME` in
/// the format stands for a hostile name. An empty dialect means all dialects, and the itemsize 0 means no itemsize.
const ERRORS: &[(&str, &str, &str, u64)] = &[
    ("unknown-character", "i:NAME:\u{1b}", "", 0),
    ("non-ascii", "i:NAME:\u{202e}", "", 0),
    ("embedded-nul", "i:NAME:\0i", "", 0),
    ("complex-part", "i:NAME:Z\u{1b}", "", 0),
    ("count-without-code", "i:NAME:2", "", 0),
    ("two-counts", "i:NAME:1 2i", "", 0),
    ("count-before-shape", "i:NAME:2(2)i", "", 0),
    ("number-too-large", "i:NAME:99999999999999999999i", "", 0),
    ("shape-without-code", "i:NAME:(2)", "", 0),
    ("unclosed-shape", "i:NAME:(2", "", 0),
    ("empty-dimension", "i:NAME:(2,)i", "", 0),
    ("dimension-character", "i:NAME:(\u{1b})i", "", 0),
    ("structure-without-brace", "i:NAME:T", "", 0),
    ("unclosed-structure", "T{i:NAME:", "", 0),
    ("unopened-structure", "i:NAME:}", "", 0),
    ("function-without-brace", "i:NAME:X", "", 0),
    ("unclosed-function", "i:NAME:X{", "", 0),
    ("pointer-without-target", "i:NAME:&", "", 0),
    ("unclosed-name", "i:NAME", "", 0),
    ("name-without-item", ":NAME:", "", 0),
    ("unclosed-user-type", "[NAME", "", 0),
    ("empty-user-type", "i:NAME:[]", "", 0),
    ("too-long", "i:NAME:LONG", "", 0),
    ("too-many-items", "i:NAME:MANY", "", 0),
    ("too-deep", "i:NAME:DEEP", "", 0),
    ("too-many-dimensions", "i:NAME:DIMENSIONS", "", 0),
    ("code", "T{i:NAME:F:x:}", "numpy", 0),
    ("no-standard-size", "T{<i:NAME:<n:x:}", "pep3118", 0),
    ("construct", "T{i:NAME:}", "struct", 0),
    ("count-too-large", "T{i:NAME:4294967296B:x:}", "numpy-reader", 0),
    ("too-large", "T{i:NAME:9223372036854775807q:x:}", "", 0),
    ("adjacent-bits", "T{i:NAME:3t:x:5t:y:}", "", 0),
    ("unknown-size", "T{i:NAME:[NAME]:x:}", "", 0),
    ("duplicate-name", "T{i:NAME:i:NAME:}", "numpy-reader", 0),
    ("mismatch", "T{i:NAME:}", "", 3),
    ("ambiguous", "T{b:NAME:i:x:}", "", 0),
];

/// The kinds of errors without a row in [`ERRORS`], and the reasons.
const EXCLUDED_KINDS: &[(&str, &str)] = &[("unspellable", "an error for syntax trees that a program makes")];

/// Returns the names of the kinds of errors in the source file `path`. The function `name` of the kinds lists them.
fn kinds(path: &str) -> Vec<String> {
    let source = fs::read_to_string(std::path::Path::new(crate::ROOT).join(path)).unwrap();
    let (_, names) = source.split_once("fn name(&self) -> &'static str {").unwrap();
    let (names, _) = names.split_once("\n    }\n").unwrap();
    names.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The kinds of errors come from the source code of the library.
#[test]
fn each_kind_of_error_escapes_names() {
    let kinds = [kinds("src/format/error.rs"), kinds("src/layout/error.rs")].concat();
    assert!(kinds.len() >= 35, "{kinds:?}");
    let known = ERRORS.iter().map(|(kind, ..)| *kind).chain(EXCLUDED_KINDS.iter().map(|(kind, _)| *kind));
    let known: std::collections::BTreeSet<&str> = known.collect();
    let missing: Vec<&String> = kinds.iter().filter(|kind| !known.contains(kind.as_str())).collect();
    assert!(missing.is_empty() && known.len() == kinds.len(), "{missing:?}");
    let name: String = NAMES.iter().map(|name| String::from_utf8_lossy(name)).collect();
    for (kind, format, dialect, itemsize) in ERRORS {
        let format = format.replace("NAME", &name);
        let format = format.replace("LONG", &" ".repeat(131_072)).replace("MANY", &"i".repeat(65_537));
        let format = format.replace("DEEP", &["T{".repeat(70), "i".to_owned(), "}".repeat(70)].concat());
        let format = format.replace("DIMENSIONS", &["(1", &",1".repeat(70), ")i"].concat());
        let mut query = serde_json::json!({"format": format, "model": "lp64"});
        let size = itemsize.to_string();
        let mut call: Vec<&[u8]> = vec![format.as_bytes(), b"-m", b"lp64"];
        if *itemsize > 0 {
            query["itemsize"] = (*itemsize).into();
            call.extend([b"-i", size.as_bytes()]);
        }
        if !dialect.is_empty() {
            query["dialect"] = (*dialect).into();
            call.extend([b"-d", dialect.as_bytes()]);
        }
        let input = query.to_string();
        let mut command = crate::command::pep3118();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("queries"), &input).unwrap();
        command.args(["explain", "--jsonl"]).stdin(fs::File::open(folder.path().join("queries")).unwrap());
        let reply: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let found = match *kind {
            // `explain` prints all alternatives of an ambiguous format.
            "ambiguous" => "ambiguous",
            _ => reply["error"]["kind"].as_str().unwrap_or_default(),
        };
        assert_eq!(found, *kind, "{reply}");
        check_output(&[b"explain", b"--jsonl"], Some(input.as_bytes()));
        // An argument cannot contain NUL, and has at most 131,071 bytes on Linux.
        if !format.contains('\0') && format.len() < 131_072 {
            for command in [b"explain".as_slice(), b"emit"] {
                check_output(&[&[command], call.as_slice()].concat(), None);
            }
        }
    }
}

/// These outputs come from functions of the library.
#[test]
fn tables_pictures_and_differences_escape_names() {
    let record = record();
    check_output(&[b"explain", &record], None);
    check_output(&[b"explain", &record, b"--svg"], None);
    check_output(&[b"diff", &record, &[record.as_slice(), b"i"].concat()], None);
    for name in NAMES {
        let format = [b"T{<i:a", name, b":<h:b:<i:c:}"].concat();
        check_output(&[b"explain", &format], None);
        check_output(&[b"diff", &format, b"T{<i:b:<h:b:<i:c:}"], None);
        check_output(&[b"diff", &format, b"T{<i:b:<h:b:<d:c:}"], None);
        check_output(&[b"diff", &format, b"T{<i:b:<h:b:<i:c:}", b"--json"], None);
        check_output(&[b"diff", &format, b"T{<i:b:<h:b:<d:c:}", b"--json"], None);
    }
}

#[test]
fn messages_escape_the_argument() {
    for name in NAMES {
        check_output(&[b"decode", b"-f", b"i", name], None);
        check_output(&[b"decode", b"-f", b"i", b"-o", &[name, b"/x"].concat(), b"items"], None);
        check_output(&[b"decode", b"-f", b"i", b"--columns", name, b"items"], None);
        check_output(&[b"decode", b"-f", b"i", b"--to", name, b"items"], None);
        check_output(&[b"decode", b"-f", b"i", b"items", name], None);
        check_output(&[b"decode", b"items", name], None);
        check_output(&[b"decode", name, b"items"], None);
        check_output(&[b"decode", b"items", b"i", b"--count", b"1", b"--names", name], None);
        check_output(&[b"decode", b"items", b"i", b"--names", b"a,b", name], None);
        check_output(&[b"decode", b"items", b"i", &[b"--hex=", name].concat()], None);
        check_output(&[b"encode", name], None);
        check_output(&[b"encode", b"i", name], None);
        check_output(&[b"encode", b"i", b"--from", name], None);
        check_output(&[b"hexdump", name, b"i"], None);
        check_output(&[b"hexdump", b"items", name], None);
        check_output(&[b"hexdump", b"items", b"i", b"--diff", name], None);
        check_output(&[b"hexdump", b"items", b"i", b"--count", name], None);
        check_output(&[b"explain", b"i", b"-m", name], None);
        check_output(&[b"explain", b"i", b"-d", name], None);
        check_output(&[b"explain", b"i", b"-i", name], None);
        check_output(&[b"emit", b"i", b"--for", name], None);
        for language in LANGUAGES {
            check_output(&[b"emit", b"T{i:a:}", b"--to", language, b"--name", name], None);
        }
        check_output(&[b"emit", b"i", b"--to", name], None);
        check_output(&[b"encode", b"T{i:a:}", b"-o", b"out"], Some(&[b"{\"a\":1,\"", name, b".x\":2}"].concat()));
        check_output(&[b"check", b"--shape", b"3", b"-r", name], None);
        check_output(&[b"check", name], None);
        check_output(&[b"rules", name], None);
        check_output(&[b"man", name], None);
        check_output(&[b"completions", name], None);
        check_output(&[b"audit", name], None);
        check_output(&[name], None);
        check_output(&[&[b"--", name].concat()], None);
    }
}

#[test]
fn answers_to_json_lines_escape_names() {
    for name in NAMES {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let format = format!("T{{<i:{name}:<i:b:}}");
        let buffer = |key: &str, value: &str| {
            let mut buffer = serde_json::json!({"format": format, "itemsize": 8, "len": 8, "ndim": 0});
            buffer[key] = value.into();
            buffer
        };
        let queries = [
            serde_json::json!({ "format": format }),
            serde_json::json!({ "format": name }),
            serde_json::json!({"format": format, "itemsize": 3}),
            serde_json::json!({"format": "i", "dialect": name}),
            serde_json::json!({"format": "i", "model": name}),
            serde_json::json!({"format": "i", "itemsize": name}),
        ];
        let buffers = ["format", "dialect", "model", "request", "len", "memory"].map(|key| buffer(key, name));
        for (command, queries) in [("explain", queries.as_slice()), ("size", &queries), ("check", &buffers)] {
            let input: String = queries.iter().map(|query| format!("{query}\n")).collect();
            check_output(&[command.as_bytes(), b"--jsonl"], Some(input.as_bytes()));
            let raw = format!("{name}\n\"{name}\"\n{{\"{name}\": 1}}\n");
            check_output(&[command.as_bytes(), b"--jsonl"], Some(raw.as_bytes()));
        }
        for buffer in buffers {
            check_output(&[b"check", buffer.to_string().as_bytes()], None);
        }
    }
}

/// The input of `encode` contains each of `NAMES` as a name and as a value.
#[test]
fn encode_escapes_names_and_values() {
    for name in NAMES {
        let name = String::from_utf8_lossy(name);
        for value in [serde_json::json!({ &*name: 1 }), serde_json::json!({ "a": name }), serde_json::json!(name)] {
            check_output(&[b"encode", b"-o", b"out", b"T{i:a:}"], Some(value.to_string().as_bytes()));
            check_output(&[b"encode", b"-o", b"out", b"T{<2w:a:}"], Some(value.to_string().as_bytes()));
            check_output(&[b"encode", b"-o", b"out", b"T{2s:a:}", b"--hex"], Some(value.to_string().as_bytes()));
        }
        check_output(&[b"encode", b"-o", b"out", b"T{i:a:}"], Some(name.as_bytes()));
        let quoted = name.replace('"', "\"\"");
        check_output(
            &[b"encode", b"-o", b"out", b"T{i:a:}", b"--from", b"csv"],
            Some(format!("\"{quoted}\"\n").as_bytes()),
        );
        check_output(
            &[b"encode", b"-o", b"out", b"T{i:a:}", b"--from", b"csv"],
            Some(format!("a\n\"{quoted}\"\n").as_bytes()),
        );
    }
}

/// The decoded file contains control characters and every kind of character in `NAMES`.
#[test]
fn decoded_values_are_escaped() {
    let text: String = NAMES.iter().filter_map(|name| std::str::from_utf8(name).ok()).collect();
    let units: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
    let format = format!("<{}w", units.len() / 4);
    for to in ["table", "json", "csv"] {
        for format in [format.as_str(), "(2)<w", "<w", "s", "c", "4s"] {
            check_output(&[b"decode", b"-f", format.as_bytes(), b"--to", to.as_bytes(), b"-"], Some(&units));
        }
    }
}

/// `hexdump` escapes the name of the file, the names of fields, and the text in fields and after the last item.
#[test]
fn dumps_of_hostile_files() {
    let text: Vec<u8> = NAMES.concat();
    for name in NAMES {
        // A file name cannot contain the byte 0, and `/` separates folders.
        let name: Vec<u8> = name.iter().copied().filter(|byte| !matches!(byte, b'/' | 0)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OsStr::from_bytes(&name));
        fs::write(&path, &text).unwrap();
        fs::write(folder.path().join("other"), &text[1..]).unwrap();
        let path = path.as_os_str().as_bytes();
        let other = folder.path().join("other");
        for format in [b"4s".as_slice(), b"<w", b"2c", b"T{<w:a:xc:b:}"] {
            check_output(&[b"hexdump", path, format], None);
            check_output(&[b"hexdump", path, format, b"--html"], None);
            check_output(&[b"hexdump", path, format, b"--diff", other.as_os_str().as_bytes()], None);
        }
    }
}

/// Without `--raw`, `emit` either prints a format with the same field names or refuses the format. With `--raw`, `emit`
/// always prints a format with the same field names.
#[test]
fn emitted_formats_keep_their_names() {
    let names = |format: &[u8]| -> Vec<Vec<u8>> {
        let layout = pep3118::Layout::read(format, &pep3118::Dialect::PEP3118, &pep3118::DataModel::LP64).unwrap();
        layout.item().fields().map(|field| field.name().unwrap_or_default().to_vec()).collect()
    };
    let mut refused = 0;
    for name in NAMES {
        let format = [b"T{<i:", name, b":<i:b:}"].concat();
        let emit = |more: &[&str]| {
            let mut command = crate::command::pep3118();
            let arguments = [OsStr::new("emit"), OsStr::from_bytes(&format), OsStr::new("-mlp64")];
            command.args(arguments).args(more).output().unwrap()
        };
        let output = emit(&[]);
        match output.status.code() {
            Some(0) => assert_eq!(names(output.stdout.trim_ascii_end()), [name, b"b"]),
            status => {
                let message = String::from_utf8(output.stderr).unwrap();
                assert_eq!((status, output.stdout.as_slice()), (Some(1), &b""[..]), "{message}");
                assert!(message.contains("which is not visible text"), "{message}");
                refused += 1;
            }
        }
        let raw = emit(&["--raw"]);
        assert!(raw.status.success(), "{name:?}: {}", String::from_utf8_lossy(&raw.stderr));
        assert_eq!(names(raw.stdout.strip_suffix(b"\n").unwrap()), [name, b"b"]);
    }
    assert_eq!(refused, 16);
}
