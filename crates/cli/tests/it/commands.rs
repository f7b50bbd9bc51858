//! Tests of the output and the exit status of the commands, of the replies to streams of JSON lines, and of manual
//! pages and the examples in help texts.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::snapshot;

/// Runs the command with `input` on standard input.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = crate::command::pep3118()
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Returns `bytes` as text. Panics if `bytes` is not UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the command with an empty input. Returns one text with the standard output, the standard error and the exit
/// status.
fn page(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    let status = output.status.code().unwrap();
    format!("{}---\n{}---\nexit status {status}\n", text(&output.stdout), text(&output.stderr))
}

#[test]
fn commands_print_the_text_of_their_snapshots() {
    let pages: &[(&str, &[&str])] = &[
        ("help", &["--help"]),
        ("explain-help", &["explain", "--help"]),
        (
            "explain-ctypes",
            &["explain", "T{<b:a:3x<i:b:}", "--itemsize", "8", "--dialect", "ctypes", "--model", "lp64"],
        ),
        ("explain-ambiguous", &["explain", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", "-i", "24", "-m", "lp64"]),
        ("explain-windows", &["explain", "T{l:a:u:b:}", "-m", "x86_64-pc-windows-msvc", "-d", "ctypes"]),
        ("explain-json", &["explain", "T{>i:a:}", "-m", "lp64", "--json"]),
        ("explain-json-error", &["explain", "i}d", "-m", "lp64", "--json"]),
        ("explain-mismatch", &["explain", "T{<b:a:<i:b:}", "-i", "8", "-m", "lp64"]),
        ("explain-broken", &["explain", "T{<b:a:(2,3<i:b:}"]),
        ("explain-nothing", &["explain"]),
        ("explain-unknown-dialect", &["explain", "i", "-d", "pascal"]),
        ("explain-unknown-model", &["explain", "i", "-m", "pdp11"]),
        ("size", &["size", "@bd", "-m", "i386"]),
        ("size-many", &["size", "@bd", "i}d", "<q", "-m", "lp64"]),
        ("diff", &["diff", "T{i:a:}", "T{>i:b:}", "-m", "lp64"]),
        ("diff-same", &["diff", "l", "<q", "-m", "lp64"]),
        ("diff-json", &["diff", "T{i:a:}", "T{>i:b:}", "-m", "lp64", "--json"]),
        ("size-json", &["size", "@bd", "i}d", "-m", "lp64", "--json"]),
        ("emit-json", &["emit", "T{b:a:i:b:}", "-d", "cython", "--for", "numpy", "-m", "lp64", "--json"]),
        ("emit-json-c", &["emit", "T{<b:a:}", "--to", "c", "-m", "lp64", "--json"]),
        ("emit", &["emit", "T{b:a:i:b:}", "-d", "cython", "--for", "struct", "-m", "lp64"]),
        ("emit-refused", &["emit", "T{&i:p:}", "--for", "numpy", "-m", "lp64"]),
        ("emit-c", &["emit", "T{b:a:i:b:}", "-d", "cython", "--to", "c", "--name", "sample", "-m", "lp64"]),
        ("emit-rust", &["emit", "(2)T{<i:a:>d:type:}", "-d", "pep3118", "--to", "rust", "-m", "lp64"]),
        ("explain-c", &["explain", "--c", "struct tick { uint16_t id; double price; char sym[5]; };", "-m", "lp64"]),
        ("explain-c-union", &["explain", "--c", "union u { int i; float f; unsigned bits : 3; };", "-m", "lp64"]),
        (
            "explain-c-bits",
            &["explain", "--c", "struct s { unsigned ready : 1, code : 9; int level : 4; char tag; };", "-m", "lp64"],
        ),
        ("explain-c-error", &["explain", "--c", "struct tick {\n    u16 id;\n};"]),
        (
            "emit-c-source",
            &["emit", "--c", "struct a { char c; long l; }; struct b { struct a x[2]; };", "-m", "llp64"],
        ),
        ("explain-struct", &["explain", "--struct", "u"]),
        ("explain-struct-format", &["explain", "i", "--struct", "u"]),
        ("emit-c-name", &["emit", "--c", "struct a { char c; }; struct b { int i; };", "--struct", "c"]),
        ("size-c", &["size", "--c", "typedef struct { char c; double d; } t; int x;", "--struct", "t", "-m", "i386"]),
        ("size-c-no-file", &["size", "--c", "no-such-file.h"]),
        ("diff-c", &["diff", "T{<H:id:<d:price:}", "--c", "struct t { uint16_t id; double price; };", "-m", "lp64"]),
        ("check-c", &["check", "--c", "struct t { uint16_t id; double price; };", "-m", "lp64", "--shape", "3"]),
        ("readers-c", &["readers", "--c", "struct t { uint16_t id; double price; };", "-m", "lp64"]),
        ("c-and-dialect", &["size", "-d", "numpy", "--c", "struct t { int i; };"]),
        ("man-hexdump", &["man", "hexdump"]),
        ("check-sarif", &["check", "--format", "i", "--shape", "2,3", "--strides", "-2", "--to", "sarif"]),
        ("check-junit", &["check", "--format", "i", "--shape", "2,3", "--strides", "-2", "--to", "junit"]),
        ("check-github", &["check", "--format", "i", "--shape", "2,3", "--strides", "-2", "--to", "github"]),
        ("audit-unknown-rule", &["audit", "--allow", "B05,LEN-PRODCT", "b''"]),
        ("c-and-format", &["size", "i", "--c", "struct t { int i; };"]),
        ("emit-numpy", &["emit", "T{b:a:x(2)T{>i:x:}:b:}", "-d", "pep3118", "--to", "numpy", "-m", "lp64"]),
        ("emit-ctypes", &["emit", "T{b:a:x(2)T{>i:x:}:b:}", "-d", "pep3118", "--to", "ctypes", "-m", "lp64"]),
        ("emit-construct", &["emit", "T{b:a:x(2)T{>i:x:}:b:}", "-d", "pep3118", "--to", "construct", "-m", "lp64"]),
        ("emit-dissect", &["emit", "T{b:a:x(2)T{>i:x:}:b:}", "-d", "pep3118", "--to", "dissect", "-m", "lp64"]),
        ("emit-numpy-refused", &["emit", "T{@g:x:}", "-d", "pep3118", "--to", "numpy", "-m", "lp64"]),
        ("emit-bad-name", &["emit", "i", "--to", "c", "--name", "int", "-m", "lp64"]),
        ("explain-svg", &["explain", "<i", "--svg", "-m", "lp64"]),
        ("readers", &["readers", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", "-i", "24", "-m", "lp64"]),
        ("readers-json", &["readers", "<i", "-i", "4", "-m", "lp64", "--json"]),
        ("emit-ambiguous", &["emit", "ib", "-m", "lp64"]),
        ("check-help", &["check", "--help"]),
        ("audit", &["audit", "--allow", "B05", "ctypes:c_int(1)"]),
        ("audit-help", &["audit", "--help"]),
        ("census-help", &["census", "--help"]),
        #[cfg(feature = "arrow")]
        ("decode-help", &["decode", "--help"]),
        (
            "check",
            &[
                "check",
                "-f",
                "<i",
                "--shape",
                "2,3",
                "--strides=-12,4",
                "-r",
                "FULL_RO",
                "--memory",
                "24",
                "--offset",
                "12",
            ],
        ),
        (
            "check-errors",
            &["check", "-f", "i}d", "--shape", "2,3", "--len", "20", "-i", "4", "--readonly", "-r", "RECORDS"],
        ),
        (
            "check-mismatch",
            &[
                "check",
                "-f",
                "T{<b:a:<i:b:}",
                "-i",
                "8",
                "--shape",
                "3",
                "--strides",
                "8",
                "-r",
                "FULL_RO",
                "-m",
                "lp64",
                "--json",
            ],
        ),
        (
            "check-note",
            &[
                "check",
                "{\"request\": 284, \"format\": \"T{b:a:xxxxxxxi:b:}\", \"itemsize\": 16, \"len\": 16, \"ndim\": 0}",
                "-m",
                "lp64",
            ],
        ),
        ("check-request", &["check", "--shape", "3", "-r", "0x100"]),
        ("check-no-request", &["check", "--shape", "3", "-r", "FULL_RW"]),
        ("check-len", &["check", "{\"len\": 3}"]),
        ("check-no-json", &["check", "{\"len\": \"3\"}"]),
        ("check-unknown-key", &["check", "{\"len\": 3, \"shap\": [3]}"]),
        ("rules", &["rules"]),
        ("rules-one", &["rules", "len-product"]),
        ("rules-json", &["rules", "B20", "--json"]),
        ("rules-none", &["rules", "Z99"]),
    ];
    for (name, arguments) in pages {
        snapshot::check("cli", name, &arguments.join(" "), &page(arguments));
    }
}

#[test]
fn a_picture_fits_the_number_of_columns() {
    let format = "T{T{(2)T{b:x:b:y:}:position:i:sequence_number:}:header:4xd:price:}";
    for (columns, least, most) in [("60", 50, 60), ("40", 30, 40), ("9", 10, 11), ("wide", 50, 60), ("400", 50, 60)] {
        let mut command = crate::command::pep3118();
        let output = command.args(["explain", format, "-m", "lp64"]).env("COLUMNS", columns).output().unwrap();
        let page = text(&output.stdout);
        let widest = page.rsplit("\n\n").next().unwrap().lines().map(|line| line.chars().count()).max().unwrap();
        assert!((least..=most).contains(&widest), "{columns}: {widest}\n{page}");
    }
}

#[test]
fn json_lines_are_answered_in_order() {
    let queries = "\
{\"format\": \"<i\", \"model\": \"lp64\"}
{\"format\": \"T{b:a:xxxxxxxi:b:}\", \"itemsize\": 16, \"dialect\": \"numpy\", \"model\": \"lp64\"}

{\"format\": \"i}d\"}
not json
{\"format\": null, \"model\": \"lp64\"}
{\"dialect\": \"numpy\"}
{\"format\": \"i\", \"dialect\": \"pascal\"}
{\"format\": \"i\", \"model\": \"pdp11\"}
{\"format\": \"T{<b:a:<i:b:}\", \"itemsize\": 8, \"dialect\": \"ctypes\", \"model\": \"i386\"}
{\"format\": \"ib\", \"model\": \"lp64\"}";
    // The exit status is 1, because the command refuses some of the queries.
    let output = run(&["explain", "--jsonl"], queries);
    assert_eq!(output.status.code(), Some(1));
    snapshot::check("cli", "explain-jsonl", queries, &text(&output.stdout));
    let output = run(&["size", "--jsonl"], queries);
    assert_eq!(output.status.code(), Some(1));
    snapshot::check("cli", "size-jsonl", queries, &text(&output.stdout));
}

#[test]
fn any_error_in_json_lines_sets_the_exit_status() {
    let status = |command: &str, queries: &str| run(&[command, "--jsonl"], queries).status.code();
    let (good, bad) = ("{\"format\": \"<i\"}\n", "{\"format\": \"i}d\"}\n");
    for command in ["explain", "size"] {
        assert_eq!(status(command, ""), Some(0));
        assert_eq!(status(command, &good.repeat(2)), Some(0));
        assert_eq!(status(command, &[good, bad, good].concat()), Some(1));
        assert_eq!(status(command, &["not json\n", good].concat()), Some(1));
    }
    let clean = "{\"format\": \"<i\", \"itemsize\": 4, \"len\": 4, \"ndim\": 0}\n";
    let note = "{\"request\": 284, \"format\": \"T{b:a:xxxxxxxi:b:}\", \"itemsize\": 16, \"len\": 16, \"ndim\": 0}\n";
    let broken = clean.replace("\"len\": 4", "\"len\": 5");
    assert_eq!(status("check", &[clean, note].concat()), Some(0));
    assert_eq!(status("check", &[clean, &broken, clean].concat()), Some(1));
    assert_eq!(status("check", &["{}\n", clean].concat()), Some(0));
    assert_eq!(status("check", &["{\"none\": 1}\n", clean].concat()), Some(1));
}

/// The names of all commands.
pub(crate) const COMMANDS: [&str; 14] = [
    "explain",
    "size",
    "diff",
    "emit",
    "readers",
    "check",
    "audit",
    "census",
    "rules",
    "decode",
    "encode",
    "hexdump",
    "completions",
    "man",
];

#[test]
fn manual_pages_name_every_command() {
    let all = text(&run(&["man"], "").stdout);
    assert!(all.contains(".TH pep3118 1"), "{all}");
    for command in COMMANDS {
        assert!(all.contains(&format!("pep3118\\-{command}(1)")), "{command}");
        let output = run(&["man", command], "");
        let page = text(&output.stdout);
        assert!(output.status.success() && page.contains(&format!(".TH pep3118-{command} 1")), "{page}");
        assert!(page.contains(&format!("\\fBpep3118 {command}\\fR")), "{page}");
    }
    assert_eq!(run(&["man", "nothing"], "").status.code(), Some(2));
    // clap adds this command.
    let help = run(&["man", "help"], "");
    assert!(help.status.success() && text(&help.stdout).contains(".SH \"EXIT STATUS\""), "{}", text(&help.stderr));
}

/// A reader such as `head` closes the pipe before the end of the output. A closed pipe is not an error.
#[test]
fn a_closed_pipe_ends_the_command_without_a_message() {
    use std::io::Read as _;
    for form in ["table", "json", "csv"] {
        let mut child = crate::command::pep3118()
            .args(["decode", "-f", "B", "--to", form, "--shape", "1000000000", "--strides", "0", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"x").unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0; 4096]).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{form}");
    }
}

#[test]
fn buffers_in_json_lines_are_checked_in_order() {
    let clean = "{\"request\": \"FULL_RO\", \"format\": \"<i\", \"itemsize\": 4, \"len\": 24, \"ndim\": 2, \"shape\": [2, 3], \
                 \"strides\": [12, 4], \"suboffsets\": null, \"readonly\": true, \"memory\": {\"len\": 24, \"offset\": 0}}\n";
    let broken = clean.replace("24, \"ndim\"", "20, \"ndim\"").replace("\"FULL_RO\"", "285");
    let hostile = clean
        .replace("[2, 3]", "[4611686018427387904, 4611686018427387904]")
        .replace("24,", "-1,")
        .replace("{\"req", "{\"model\": \"lp64\", \"req");
    let flags = clean.replace("\"FULL_RO\"", "512");
    let numpy = clean.replace("<i", "T{b:a:xxxxxxxi:b:}").replace("true", "false, \"dialect\": \"pascal\"");
    let buffers = [clean, &broken, &hostile, &flags, &numpy, "not json\n", &clean.replace("FULL_RO", "FULL_RW")];
    let output = run(&["check", "--jsonl"], &buffers.concat());
    assert_eq!(output.status.code(), Some(1));
    snapshot::check("cli", "check-jsonl", &buffers.concat(), &text(&output.stdout));
}

#[test]
fn many_json_lines_are_answered() {
    let queries = "{\"format\": \"T{<b:a:3x<i:b:}\", \"itemsize\": 8}\n".repeat(200_000);
    let output = {
        let mut child = crate::command::pep3118()
            .args(["explain", "--jsonl"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(queries.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output
    };
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 200_000);
}

/// The command answers each line at once, because a program may wait for an answer before it sends the next line.
#[test]
fn each_json_line_is_answered_at_once() {
    use std::io::{BufRead, BufReader};
    let mut child = crate::command::pep3118()
        .args(["explain", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for format in ["<i", "<d", "}"] {
        writeln!(stdin, "{{\"format\": \"{format}\"}}").unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert_eq!(answer.contains("\"error\""), format == "}", "{answer}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn each_manual_page_has_examples_and_the_exit_status() {
    for command in COMMANDS {
        let output = crate::command::pep3118().args(["man", command]).output().unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(page.contains(".SH EXAMPLES\n"), "{command}");
        assert!(page.contains(".SH \"EXIT STATUS\"\n"), "{command}");
    }
}

#[cfg(unix)]
#[test]
fn the_examples_of_the_help_succeed() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_pep3118"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut count = 0;
    for command in ["explain", "size", "diff", "emit", "readers", "check", "rules", "decode", "encode", "hexdump"] {
        let help = text(&run(&[command, "--help"], "").stdout);
        let (_, examples) = help.split_once("\nExamples:\n").unwrap();
        for call in examples.lines().filter_map(|line| line.strip_prefix("    ")) {
            let folder = tempfile::tempdir().unwrap();
            // The length is a multiple of 16, and of 10 after a header of 512 bytes.
            std::fs::write(folder.path().join("ticks.bin"), [1; 4192]).unwrap();
            std::fs::write(folder.path().join("other.bin"), [1; 4192]).unwrap();
            std::fs::write(folder.path().join("ticks.csv"), "id,price\n1,2.5\n").unwrap();
            let shell = std::process::Command::new("sh");
            let output = { shell }.args(["-c", call]).env("PATH", &path).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{call}: {}", text(&output.stderr));
            count += 1;
        }
    }
    assert!(count > 20);
}

/// Data, such as the rows of `decode` and the source of `emit`, has lines of any length. A word is never divided, so a
/// line of a message can be longer if it contains one long word.
#[test]
fn texts_keep_to_the_columns() {
    for columns in ["60", "80"] {
        for call in [
            &["rules"][..],
            &["rules", "A04"],
            &["readers", "T{<i:a:<d:b:}"],
            &["explain", "T{<i:a:<d:b:}"],
            &["diff", "T{<i:a:<d:b:<q:c:}", "T{>i:a:<d:b:<q:c:}"],
            &["check", "-f", "i", "--shape", "2,3", "--strides", "12"],
            &["check", "-f", "i", "--shape", "2,3", "--strides", "12", "--to", "text"],
            &["explain", "IiLL", "-i", "16", "-m", "lp64"],
            &["explain", "i}"],
            &["emit", "ib", "-m", "lp64"],
            &["explain", "int"],
            &["audit", "b''"],
            &["explain", "i", "-d", "nmpy"],
            &["decode", "/nonexistent/file", "i"],
            &["decode", "--help"],
        ] {
            let output = crate::command::pep3118().args(call).env("COLUMNS", columns).output().unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let width: usize = columns.parse().unwrap();
            for line in text.lines().filter(|line| line.trim().contains(' ')) {
                assert!(line.chars().count() <= width, "{call:?}: {line}");
            }
        }
    }
}
