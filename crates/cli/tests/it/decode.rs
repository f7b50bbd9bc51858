//! Tests of `decode` with items on standard input: snapshots of the output and of the errors, and the decoding of a
//! long stream.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::snapshot;

/// Runs `decode` with `input` on standard input.
fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = crate::command::pep3118()
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command with wrong arguments ends before it reads its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn decode_prints_the_text_of_its_snapshots() {
    let records: Vec<u8> = (0..3_u8)
        .flat_map(|n| {
            [vec![n, 0, 0xff, n], (f32::from(n) / 10.0).to_le_bytes().to_vec(), vec![b'a', n, 7, 0, 8, 0]].concat()
        })
        .collect();
    let format = "T{<H:id:>h:k:<f:x:T{2s:s:(2)<H:m:}:in:}";
    let bytes: Vec<u8> = (0..24).collect();
    let pages: &[(&str, &[&str], &[u8])] = &[
        ("decode-table", &["-f", format, "-"], &records),
        ("decode-json", &["-f", format, "--to", "json", "-"], &records),
        ("decode-csv", &["-f", format, "--to", "csv", "-"], &records),
        ("decode-columns", &["-f", format, "--columns", "in.m,id", "--to", "json", "-"], &records),
        ("decode-no-column", &["-f", format, "--columns", "y", "-"], &records),
        ("decode-count", &["-f", ">H", "--skip", "2", "--count", "3", "-"], &bytes),
        ("decode-shape", &["-f", "B", "--shape", "2,3", "-"], &bytes),
        ("decode-strides", &["-f", "B", "--shape", "2,3", "--strides", "-12,4", "--skip", "12", "-"], &bytes),
        ("decode-before", &["-f", "B", "--shape", "2,3", "--strides", "-12,4", "--skip", "11", "-"], &bytes),
        ("decode-short", &["-f", "B", "--shape", "2,3", "--strides", "12,8", "-"], &bytes),
        ("decode-rest", &["-f", "<7s", "-"], &bytes),
        ("decode-few", &["-f", "<q", "--count", "4", "-"], &bytes),
        ("decode-nothing", &["-f", "0s", "-"], &bytes),
        ("decode-skip", &["-f", "B", "--skip", "25", "-"], &bytes),
        ("decode-hostile", &["-f", "(1152921504606846975)q", "-m", "lp64", "-"], &bytes),
        ("decode-ambiguous", &["-f", "ib", "-m", "lp64", "-"], &bytes),
        ("decode-broken", &["-f", "T{i", "-"], &bytes),
    ];
    for (name, arguments, input) in pages {
        let output = run(arguments, input);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if *name == "decode-hostile" && usize::BITS < 64 {
            assert_eq!(text(output.stderr), "error: there is no memory for 9223372036854775800 bytes\n");
            continue;
        }
        let status = output.status.code().unwrap();
        let page = format!("{}---\n{}---\nexit status {status}\n", text(output.stdout), text(output.stderr));
        snapshot::check("cli", name, &arguments.join(" "), &page);
    }
    let output = run(&["-f", "B", "no/such/file"], b"");
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: no/such/file: "));
}

#[test]
fn a_long_stream_is_decoded() {
    let mut child = crate::command::pep3118()
        .args(["decode", "-f", "<Ih", "--to", "csv", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&[1; 600_000]));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 100_001);
}
