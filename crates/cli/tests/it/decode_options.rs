//! Tests of the options of `decode` that select fields, name fields, select the text form of bytes, select the items of
//! the file, follow a file, and protect CSV cells.

use std::fs;
use std::process::Output;

/// Runs `decode` on a file that contains `bytes`. The argument `FILE` is replaced by the path of the file.
fn run(bytes: &[u8], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items");
    fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    let arguments = arguments.iter().map(|argument| if *argument == "FILE" { path } else { argument });
    crate::command::pep3118().arg("decode").args(arguments).env_remove("CLICOLOR_FORCE").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a call that must succeed, and returns the standard output.
fn rows(bytes: &[u8], arguments: &[&str]) -> String {
    let output = run(bytes, arguments);
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    text(&output.stdout)
}

/// Runs a call that must fail with the exit status `status`, and returns the message.
fn message(status: i32, bytes: &[u8], arguments: &[&str]) -> String {
    let output = run(bytes, arguments);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

#[test]
fn the_format_is_an_argument_or_an_option() {
    let json = ["--to", "jsonl"];
    for arguments in [["FILE", "B", "--skip", "1"], ["FILE", "-fB", "--skip", "1"], ["--skip", "1", "FILE", "B"]] {
        assert_eq!(rows(&[1, 2], &[&arguments[..], &json].concat()), "2\n");
    }
    let twice = message(2, &[1], &["FILE", "B", "-f", "b"]);
    assert!(twice.starts_with("error: the format is given twice: `B` and --format `b`\n"), "{twice}");
    let none = message(2, &[1], &["FILE"]);
    assert!(none.contains("<FORMAT>"), "{none}");
}

#[test]
fn a_file_after_the_format_gets_a_hint() {
    let swapped = message(1, &[1], &["B", "FILE"]);
    assert!(swapped.ends_with("help: the file is before the format: `decode FILE FORMAT`\n"), "{swapped}");
    assert_eq!(rows(&[1], &["FILE", "B", "--to", "jsonl"]), "1\n");
}

#[test]
fn names_are_given_to_fields_without_a_name() {
    let bytes = [1, 2, 3];
    assert_eq!(rows(&bytes, &["FILE", "BBB", "--names", "a,b,c", "--to", "jsonl"]), "{\"a\":1,\"b\":2,\"c\":3}\n");
    assert_eq!(rows(&bytes, &["FILE", "T{BB:x:B}", "--names", "a,c", "--to", "csv"]), "a,x,c\n1,2,3\n");
    assert_eq!(rows(&bytes, &["FILE", "B", "--names", "a", "--to", "csv"]), "a\n1\n2\n3\n");
    assert_eq!(rows(&bytes, &["FILE", "(3)B", "--names", "a", "--to", "jsonl"]), "{\"a\":[1,2,3]}\n");
    assert_eq!(rows(&bytes, &["FILE", "BBB", "--names", "a,b,c", "--columns", "c,a", "--to", "csv"]), "c,a\n3,1\n");
    assert_eq!(rows(&bytes, &["FILE", "BBB", "--names", "a,b,c"]), "item  a  b  c\n   0  1  2  3\n");
}

#[test]
fn names_of_several_fields_are_refused() {
    for (format, bytes, name) in
        [("T{B:a:B:a:}", "ab", "a"), ("T{BB:f0:}", "ab", "f0"), ("T{B:a.b:T{B:b:}:a:}", "ab", "a.b")]
    {
        let expected = format!("error: several fields are named `{name}`: give them different names in the format\n");
        assert_eq!(message(1, bytes.as_bytes(), &["FILE", format, "--columns", name]), expected);
        let format = format.replace('B', "1s");
        assert_eq!(message(1, bytes.as_bytes(), &["FILE", &format, &format!("--text={name}")]), expected);
    }
}

/// The dotted names of the fields need 3 GB.
#[test]
fn dotted_names_that_need_gigabytes_are_refused() {
    let format =
        format!("{}{}{}", "T{".repeat(61), "B".repeat(50_000), format!("}}:{}:", "n".repeat(1_000)).repeat(61));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items");
    fs::write(&path, vec![0; 50_000]).unwrap();
    let path = path.to_str().unwrap();
    for arguments in [&["decode", path, &format][..], &["encode", &format, path, "--from", "csv"]] {
        let output = crate::command::pep3118().args(arguments).output().unwrap();
        assert!(text(&output.stderr).contains("names and shapes of the fields need 30"), "{}", text(&output.stderr));
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let refused = |format: &str, names: &str| message(1, &[1, 2, 3], &["FILE", format, "--names", names]);
    assert_eq!(
        refused("B<H", "a"),
        "error: --names has 1 name but the format has 2 fields without a name: f0 (uint8), f1 (uint16)\n"
    );
    assert_eq!(
        refused("T{B:x:<H}", "a,b,c"),
        "error: --names has 3 names but the format has 1 field without a name: f1 (uint16)\n"
    );
    assert_eq!(refused("T{B:x:<H:y:}", "a"), "error: --names has 1 name but every field has a name: x, y\n");
    assert_eq!(refused("B<H", "a,a"), "error: with --names, two fields have the name `a`\n");
    assert_eq!(refused("T{B:x:<H}", "x"), "error: with --names, two fields have the name `x`\n");
    assert_eq!(refused("B<H", "a,"), "error: name 2 of --names is empty\n");
}

#[test]
fn bytes_are_printed_as_text() {
    let json = |bytes: &[u8], format: &str, option: &str| rows(bytes, &["FILE", format, option, "--to", "jsonl"]);
    assert_eq!(json(b"ab\0\0", "4s", "--text"), "\"ab\"\n");
    assert_eq!(json("é\0\0".as_bytes(), "4s", "--text"), "\"é\"\n");
    assert_eq!(json(b"a\xff\\\0", "4s", "--text"), "\"a\\\\xff\\\\\\\\\"\n");
    assert_eq!(json(b"a\0b\0", "4s", "--text"), "\"a\\u0000b\"\n");
    assert_eq!(json(b"abc\0", "(4)c", "--text"), "\"abc\"\n");
    assert_eq!(json(b"abc\0", "(2,2)c", "--text"), "[\"ab\",\"c\"]\n");
    assert_eq!(json(b"\x02a\0", "3p", "--text"), "\"a\\u0000\"\n");
    assert_eq!(json(b"ab\0cd\0", "T{3s:x:3s:y:}", "--text=y"), "{\"x\":\"ab\\\\x00\",\"y\":\"cd\"}\n");
    assert_eq!(json(b"ab\0cd\0", "(2)T{3s:x:}", "--text=value.x"), "[{\"x\":\"ab\"},{\"x\":\"cd\"}]\n");
    let cells = rows("a\u{202e}\\\n\0".as_bytes(), &["FILE", "7s", "--text", "--to", "csv"]);
    assert_eq!(cells, "value\na\\u{202e}\\\\\\n\n");
    let chosen = rows(b"ab\0cd\0", &["FILE", "T{3s:x:3s:y:}", "--text=y", "--columns", "y", "--to", "csv"]);
    assert_eq!(chosen, "y\ncd\n");
}

#[test]
fn bytes_are_printed_as_hexadecimal_digits() {
    let json = |bytes: &[u8], format: &str, option: &str| rows(bytes, &["FILE", format, option, "--to", "jsonl"]);
    assert_eq!(json(b"ab\0\xff", "4s", "--hex"), "\"616200ff\"\n");
    assert_eq!(json(b"ab\0\xff", "(2,2)c", "--hex"), "[\"6162\",\"00ff\"]\n");
    assert_eq!(json(b"ab\0\xff", "(2)2s", "--hex"), "[\"6162\",\"00ff\"]\n");
    assert_eq!(json(b"ab\0\xff", "(4)B", "--hex"), "[97,98,0,255]\n");
    assert_eq!(json(b"ab\0\xff", "(4)B", "--hex=value"), "\"616200ff\"\n");
    assert_eq!(json(b"ab\0\xff", "T{2s:x:2s:y:}", "--hex=y"), "{\"x\":\"ab\",\"y\":\"00ff\"}\n");
    let both = rows(b"ab\0\xff", &["FILE", "T{2s:x:2s:y:}", "--hex=y", "--text", "--to", "jsonl"]);
    assert_eq!(both, "{\"x\":\"ab\",\"y\":\"00ff\"}\n");
    let refused = message(1, b"abcd", &["FILE", "T{<H:x:2s:y:}", "--hex=x"]);
    assert_eq!(refused, "error: --hex is for fields of bytes but `x` is uint16\n");
    assert_eq!(run(b"ab", &["FILE", "2s", "--hex", "--text"]).status.code(), Some(2));
}

#[test]
fn packets_start_with_an_item() {
    let bytes: Vec<u8> = (0..23).collect();
    let json = |more: &[&str]| rows(&bytes, &[&["FILE", "<H", "--to", "jsonl"], more].concat());
    let strided = json(&["--shape", "3", "--strides", "7"]);
    assert_eq!(json(&["--every", "7", "--count", "3"]), strided);
    // The last packet is incomplete, but its item is complete.
    assert_eq!(json(&["--every", "7"]), json(&["--shape", "4", "--strides", "7"]));
    assert_eq!(
        json(&["--every", "7", "--header-bytes", "5"]),
        json(&["--shape", "3", "--strides", "7", "--skip", "5"])
    );
    assert_eq!(json(&["--every", "2", "--skip", "1"]), json(&["--skip", "1"]));
    let rest = message(1, &bytes, &["FILE", "<H", "--every", "11"]);
    assert!(rest.starts_with("error: 1 byte left over after 2 items of 2 bytes\n"), "{rest}");
    let short = message(1, &bytes, &["FILE", "<H", "--every", "1"]);
    assert_eq!(short, "error: a packet of --every has 1 byte but an item has 2 bytes\n");
    assert_eq!(run(&bytes, &["FILE", "<H", "--every", "4", "--shape", "2"]).status.code(), Some(2));
}

#[test]
fn packets_of_a_long_stream_are_read() {
    let bytes: Vec<u8> = (0..200_000_u32).flat_map(|number| [&number.to_le_bytes()[..], &[0xff; 7]].concat()).collect();
    let expected: String = (0..200_000).map(|number| format!("{number}\n")).collect();
    assert_eq!(rows(&bytes, &["FILE", "<I", "--every", "11", "--to", "jsonl"]), expected);
}

#[test]
fn following_needs_lines_and_a_file() {
    for to in [&[][..], &["--to", "table"]] {
        let refused = message(1, b"a", &[&["FILE", "c", "--follow"], to].concat());
        assert!(refused.ends_with("help: print lines with `--to jsonl` or `--to csv`\n"), "{refused}");
    }
    assert_eq!(rows(b"ab", &["FILE", "c", "--follow", "--to", "csv", "--count", "2"]), "value\na\nb\n");
    message(2, b"a", &["-", "c", "--follow", "--to", "csv"]);
    message(2, b"a", &["FILE", "c", "--follow", "--to", "csv", "-o", "out"]);
}

#[test]
fn safe_cells_are_for_csv() {
    let refused = message(2, b"a", &["FILE", "c", "--csv-safe"]);
    assert!(refused.contains("`--to csv`"), "{refused}");
    assert_eq!(rows(b"=a", &["FILE", "T{c:=x:c:y:}", "--csv-safe", "--to", "csv"]), "'=x,y\n'=,a\n");
}
