//! Tests of the output of `hexdump`: bytes and their fields as text, as HTML, and as the difference of two files. Also
//! tests of its help lines and of the examples in `docs/command.md`.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Output, Stdio};

use crate::snapshot;

/// A record with padding of each kind, a nested array of records, and arrays of values.
const RECORD: &str = "T{<H:id:6x<d:price:T{<b:x:3x>i:y:}:at:(2)T{<b:a:x}:r:(2,2)<h:m:(5)B:q:2s:s:}";

/// Runs `hexdump` in the folder `folder` with the arguments `arguments`, and with `input` as standard input.
fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = crate::command::pep3118()
        .arg("hexdump")
        .args(arguments)
        .current_dir(folder)
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Creates a folder with two files. `a` has 90 bytes. `b` differs from `a` in some bytes, and has more bytes after the
/// last whole item.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes: Vec<u8> = (0_u8..90).map(|byte| byte.wrapping_mul(3)).collect();
    std::fs::write(folder.path().join("a"), &bytes).unwrap();
    bytes[3] = 1;
    bytes[12] = 2;
    bytes[36] = b'!';
    bytes.extend(*b"rest");
    std::fs::write(folder.path().join("b"), &bytes).unwrap();
    folder
}

#[test]
fn pages() {
    let folder = folder();
    let pages: &[(&str, &[&str])] = &[
        ("hexdump-help", &["--help"]),
        (
            "hexdump-c",
            &["a", "--c", "struct tick { uint16_t id; double price; char sym[5]; };", "-m", "lp64", "--count", "1"],
        ),
        ("hexdump", &["a", RECORD, "-m", "lp64"]),
        ("hexdump-value", &["a", "<i", "--skip", "40", "--count", "2"]),
        ("hexdump-alignment", &["a", "bdh", "-i", "24", "-d", "native-c", "-m", "lp64", "--count", "1"]),
        ("hexdump-bits", &["a", "T{8t:flags:<H:id:}", "-d", "pep3118", "-m", "lp64", "--count", "1"]),
        ("hexdump-long", &["a", "(40)B", "--count", "1"]),
        ("hexdump-rest", &["a", "100s"]),
        ("hexdump-few", &["a", "<q", "--skip", "60", "--count", "4"]),
        ("hexdump-skip", &["a", "<q", "--skip", "91"]),
        ("hexdump-empty", &["-", "<q"]),
        ("hexdump-no-format", &["a"]),
        ("hexdump-two-formats", &["a", "<i", "-f", "<i"]),
        ("hexdump-nothing", &["a", "0s"]),
        ("hexdump-ambiguous", &["a", "ib", "-m", "lp64"]),
        ("hexdump-two-streams", &["-", "i", "--diff", "-"]),
        ("hexdump-diff", &["a", RECORD, "--diff", "b", "-m", "lp64"]),
        ("hexdump-diff-same", &["a", "<i", "--diff", "a"]),
        ("hexdump-diff-count", &["a", "<i", "--diff", "b", "--count", "3", "--skip", "8"]),
        ("hexdump-diff-bool", &["a", "2?", "--diff", "b", "--count", "3"]),
        ("hexdump-html", &["a", "T{<H:id:2x<f:price:20s:s:}", "-m", "lp64", "--count", "1", "--html"]),
        ("hexdump-html-diff", &["a", "T{<H:id:2x<f:price:}", "--diff", "b", "-m", "lp64", "--html"]),
    ];
    for (name, arguments) in pages {
        let output = run(folder.path(), arguments, b"");
        let status = output.status.code().unwrap();
        let page = format!("{}---\n{}---\nexit status {status}\n", text(&output.stdout), text(&output.stderr));
        snapshot::check("cli", name, &arguments.join(" "), &page);
    }
}

/// Compares the value of each type with the value that `decode` prints for the same bytes.
#[test]
fn values_are_those_of_decode() {
    let folder = tempfile::tempdir().unwrap();
    let backslashes = b"a\0\0\0\\\0\0\0".repeat(8);
    for fill in [
        backslashes,
        vec![0; 64],
        vec![0xff; 64],
        (1..65).collect(),
        b"ab\0\x1b\"\\<\xc3\xa9".repeat(8),
        vec![0x41; 64],
    ] {
        std::fs::write(folder.path().join("items"), fill).unwrap();
        let formats =
            "c b B ? <h <H <i <I <q <Q <e <f <d g Ze <Zf <Zd Zg 5s 9p <2u <3w <w P &<i O 4V 0s2c (3)<f (2)B (2)5s";
        for format in formats.split(' ') {
            let arguments = ["-m", "lp64", "--count", "1", "-d", "pep3118"];
            let decode = crate::command::pep3118()
                .args(["decode", "items", "-f", format])
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            if !decode.status.success() {
                continue;
            }
            let table = text(&decode.stdout);
            let decoded =
                table.lines().last().unwrap().trim_start().strip_prefix("0  ").unwrap_or_default().trim_start();
            let dump = text(&run(folder.path(), &[&["items", format], arguments.as_slice()].concat(), b"").stdout);
            let values: Vec<&str> = values(&dump);
            let expected = match format {
                "(3)<f" => format!("[{}]", values.join(",")).replace("NaN", "\"NaN\""),
                "(2)5s" | "0s2c" => continue,
                _ => values.concat().trim_start().to_owned(),
            };
            assert_eq!(expected, decoded, "{format}\n{dump}");
        }
    }
}

/// Returns the texts in the column of values of `dump`, an output of `hexdump`.
fn values(dump: &str) -> Vec<&str> {
    let start = dump.lines().next().unwrap().find("value").unwrap();
    let lines = dump.lines().skip(1).filter(|line| line.starts_with("  ") && !line.ends_with('|'));
    // A long value starts on a separate line, after 6 spaces.
    let value = |line: &'_ str| if line.starts_with("      ") && !line.contains(" +") { 6 } else { start };
    lines.filter_map(|line| line.get(value(line)..)).collect()
}

/// The output names the field of each byte: exactly one line has a range that contains the byte.
#[test]
fn every_byte_is_in_one_line() {
    let folder = folder();
    let dump = text(&run(folder.path(), &["a", RECORD, "-m", "lp64"], b"").stdout);
    // The file has two items of 43 bytes. The rest of the file has no fields.
    let mut bytes = vec![0; 86];
    for line in dump.lines().skip(1).filter(|line| line.starts_with("  ") && line.contains(" +")) {
        let range = line.split_whitespace().next().unwrap();
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let range = first.parse::<usize>().unwrap()..=last.parse().unwrap();
        bytes[range].iter_mut().for_each(|count| *count += 1);
    }
    assert_eq!(bytes, [1; 86], "{dump}");
}

#[test]
fn lines_keep_to_the_columns() {
    let folder = folder();
    let long = "a-file-with-a-name-that-is-longer-than-a-line.bin";
    std::fs::copy(folder.path().join("b"), folder.path().join(long)).unwrap();
    let names = "T{<Zg:a_name_that_is_longer_than_the_column_of_names:}";
    let calls: [(&str, &[&str]); 4] =
        [(RECORD, &[]), (RECORD, &["--diff", "b"]), (RECORD, &["--diff", long]), (names, &[])];
    for columns in [100, 80, 79, 60, 45, 32] {
        for (format, more) in calls {
            let output = crate::command::pep3118()
                .args(["hexdump", "a", format, "-m", "lp64"])
                .args(more)
                .env("COLUMNS", columns.to_string())
                .current_dir(folder.path())
                .output()
                .unwrap();
            for line in text(&output.stdout).lines() {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
    }
}

#[test]
fn an_empty_file_is_not_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let output = run(folder.path(), &["empty", "100000000B", "-d", "numpy"], b"");
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).contains("the input has no bytes"), "{output:?}");
}

#[test]
fn help_lines_are_for_hexdump() {
    let folder = folder();
    let swapped = text(&run(folder.path(), &["<i", "a"], b"").stderr);
    let expected =
        "error: <i: no such file, but a is a file\nhelp: the file is before the format: `hexdump FILE FORMAT`\n";
    assert_eq!(swapped, expected);
    let file = folder.path().join("a");
    let stdout = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
    let output = crate::command::pep3118().arg("hexdump").arg(&file).arg("<i").stdout(stdout).output().unwrap();
    let expected = "error: standard output is the input: writing would destroy it\n\
                    help: redirect standard output to another file\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn a_long_value_is_cut_around_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = vec![b'a'; 4000];
    std::fs::write(folder.path().join("a"), &bytes).unwrap();
    bytes[3000] = b'!';
    std::fs::write(folder.path().join("b"), &bytes).unwrap();
    let output = run(folder.path(), &["a", "4000s", "--diff", "b"], b"");
    let page = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(page.contains("+ \u{2026}aaaaaaaaaaaaaaaa!aaa"), "{page}");
    assert!(page.lines().count() < 40, "{page}");
    let dump = text(&run(folder.path(), &["a", "4000s"], b"").stdout);
    assert!(dump.contains("\u{2026} and 3488 more characters"), "{dump}");
    // Each byte is 4 characters of the text.
    std::fs::write(folder.path().join("a"), [0xff; 400]).unwrap();
    let dump = text(&run(folder.path(), &["a", "400s"], b"").stdout);
    assert!(dump.contains(" 1088 more characters\n"), "{dump}");
}

/// Starts `hexdump` with `arguments` in `folder`, and writes `input` to the standard input. Waits until the output
/// contains `expected`, and then closes the standard input. Panics if the output ends before. Returns whether the
/// command succeeds.
fn is_printed_at_once(folder: &Path, arguments: &[&str], input: &[u8], expected: &str) -> bool {
    let mut command = crate::command::pep3118();
    command.arg("hexdump").args(arguments).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    let mut shown = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    while !text(&shown).contains(expected) {
        let mut bytes = [0; 64];
        let len = stdout.read(&mut bytes).unwrap();
        assert!(len > 0, "the command ended: {shown:?}");
        shown.extend(&bytes[..len]);
    }
    drop(stdin);
    child.wait().unwrap().success()
}

#[test]
fn alignment_after_explicit_padding_is_named() {
    let folder = folder();
    let page = |format: &str| {
        let arguments = ["a", format, "-d", "pep3118", "-m", "lp64", "--count", "1"];
        text(&run(folder.path(), &arguments, b"").stdout)
    };
    let shown = page("b4xi");
    assert!(shown.contains("`4x` in the format; the rest aligns f1 to 4 bytes"), "{shown}");
    let shown = page("bxi");
    assert!(shown.contains("`x` in the format; the rest aligns f1 to 4 bytes"), "{shown}");
    let shown = page("b7xi");
    assert!(shown.contains("`7x` in the format\n"), "{shown}");
}

/// A stream is printed item by item, so that the first item appears before the stream ends.
#[test]
fn an_item_of_a_stream_appears_at_once() {
    let folder = folder();
    assert!(is_printed_at_once(folder.path(), &["-", "<i"], &[1, 0, 0, 0], "int32 (little)  1\n"));
    // The second item is incomplete.
    assert!(is_printed_at_once(folder.path(), &["-", "<i"], &[1, 0, 0, 0, 2], "int32 (little)  1\n"));
    // The first item of the file `a` is 0.
    assert!(!is_printed_at_once(folder.path(), &["-", "b", "--diff", "a"], &[1, 3], "+ 0\n"));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_the_command_without_a_message() {
    for more in [&[][..], &["--html"], &["--diff", "/dev/null"]] {
        let mut child = crate::command::pep3118()
            .args(["hexdump", "/dev/zero", "<i"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let _ = stdout.read_exact(&mut [0; 256]);
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.code().is_some_and(|status| status <= 1) && output.stderr.is_empty(), "{more:?}");
    }
}

/// Names and values cannot become markup. Windows does not allow the file names of this test.
#[cfg(unix)]
#[test]
fn html_is_escaped() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("<b>&"), "<i>\"'&<i>").unwrap();
    std::fs::write(folder.path().join("<i>"), "<i>\"'>'<i>\0<b>").unwrap();
    let page = text(&run(folder.path(), &["<b>&", "T{4s:</title><script>:<w:'&:}", "--html"], b"").stdout);
    assert_well_formed(&page);
    let difference = ["<b>&", "T{4s:</title><script>:<w:'&:}", "--html", "--diff", "<i>"];
    assert_well_formed(&text(&run(folder.path(), &difference, b"").stdout));
    assert!(page.contains("&lt;/title&gt;&lt;script&gt;") && page.contains("&#39;&amp;"), "{page}");
}

/// Asserts that the page `page` has only elements that the command writes, and that each element is closed.
#[cfg(unix)]
fn assert_well_formed(page: &str) {
    let allowed =
        ["DOCTYPE", "html", "head", "meta", "title", "style", "body", "h1", "h2", "div", "span", "b", "i", "p", "br"];
    for tag in page.split('<').skip(1) {
        let name = tag.trim_start_matches(['/', '!']).split([' ', '>']).next().unwrap();
        assert!(allowed.contains(&name), "<{tag}");
    }
    // Elements are closed in the order in which they were opened.
    let mut open: Vec<&str> = Vec::new();
    for tag in page
        .split('<')
        .skip(1)
        .filter(|tag| !tag.starts_with('!') && !tag.starts_with("meta") && !tag.starts_with("br"))
    {
        let name = tag.trim_start_matches('/').split([' ', '>']).next().unwrap();
        if tag.starts_with('/') { assert_eq!(open.pop(), Some(name)) } else { open.push(name) }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// On a terminal, the bytes of a field have the colour of the line that describes the field.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_colours() {
    let folder = folder();
    let mut command = crate::command::pep3118();
    command.args(["hexdump", "a", "T{<H:id:2x<i:n:}", "-m", "lp64", "--count", "1"]).current_dir(folder.path());
    let (output, shown) = crate::terminal::run_on_terminal(command);
    assert!(output.status.success());
    for painted in ["\u{1b}[36m00 03\u{1b}[0m", "\u{1b}[2m 06 09\u{1b}[0m", "\u{1b}[32m 0c 0f 12 15\u{1b}[0m"] {
        assert!(shown.contains(painted) || shown.contains(&painted.replace("m ", "m")), "{painted:?} {shown:?}");
    }
    assert!(shown.contains("\u{1b}[36m    0-1      +0  id"), "{shown:?}");
    assert!(shown.contains("\u{1b}[32m    4-7      +4  n"), "{shown:?}");
    let mut plain = crate::command::pep3118();
    plain.args(["hexdump", "a", "<i", "--count", "1"]).current_dir(folder.path()).env("NO_COLOR", "1");
    let output = plain.output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
}

/// On a terminal of 60 columns, a row shows 8 bytes, and no line has more than 60 columns.
#[cfg(target_os = "linux")]
#[test]
fn a_narrow_terminal_has_short_rows() {
    let folder = folder();
    let mut command = crate::command::pep3118();
    command.args(["hexdump", "a", RECORD, "-m", "lp64"]).current_dir(folder.path());
    let (output, shown) = crate::terminal::run_on_terminal_of(command, 60);
    assert!(output.status.success());
    let plain = anstream::adapter::strip_str(&shown).to_string().replace("\r\n", "\n");
    assert!(plain.lines().all(|line| line.chars().count() <= 60), "{plain}");
    snapshot::check("cli", "hexdump-60-columns", &format!("hexdump a {RECORD} -m lp64"), &plain);
}

/// Runs the examples of the documentation in one folder, in their order.
#[cfg(unix)]
#[test]
fn the_examples_of_the_documentation_print_what_they_show() {
    let folder = tempfile::tempdir().unwrap();
    let page = std::fs::read_to_string(format!("{}/docs/command.md", crate::ROOT)).unwrap();
    let mut examples = 0;
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for example in block.strip_prefix("$ ").unwrap().split("\n$ ") {
            let (command, expected) = example.split_once('\n').unwrap_or((example, ""));
            // `command()` also works under an emulator. The name and options of the emulator are then before the name
            // of the program.
            let pep3118 = crate::command::pep3118();
            let words: Vec<_> = [pep3118.get_program()].into_iter().chain(pep3118.get_args()).collect();
            let program = words.join(std::ffi::OsStr::new(" ")).into_string().unwrap();
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("pep3118() {{ {program} \"$@\"; }}\n{command}")])
                .current_dir(folder.path())
                .env_remove("COLUMNS")
                .output()
                .unwrap();
            assert_eq!(text(&output.stdout).trim_end(), expected.trim_end(), "{command}: {}", text(&output.stderr));
            examples += 1;
        }
    }
    assert_eq!(examples, 10);
}
