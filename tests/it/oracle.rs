//! Tests that compare sizes with the `struct` module of the installed Python.

use std::io::Write;
use std::process::Stdio;

use arbtest::arbitrary::{Result, Unstructured};
use pep3118::{DataModel, Dialect, calcsize_in};

/// The number of random strings.
const STRINGS: usize = 200_000;

/// A Python script that prints the minor version of Python, and then reads one format in hexadecimal from each line of
/// its input. For each format it prints the size, or `-` if `struct` raises an error.
const SCRIPT: &str = r"
import struct, sys
print(sys.version_info[1])
for line in sys.stdin:
    text = bytes.fromhex(line.strip())
    try:
        print(struct.calcsize(text))
    except struct.error:
        print('-')
    except (UnicodeError, ValueError):
        print('-')
";

/// Generates a random string that is often a valid format of `struct`, or a format with one error.
fn string(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const CODES: &[u8] = b"xcbB?hHiIlLqQnNefdspPFDZgOwutT{}()&:^|";
    const COUNTS: &[&str] = &[
        "0",
        "1",
        "2",
        "3",
        "7",
        "10",
        "00",
        "007",
        "255",
        "65536",
        "2147483647",
        "2147483648",
        "4294967296",
        "1152921504606846975",
        "1152921504606846976",
        "9223372036854775800",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
    ];
    let mut out = Vec::new();
    if bytes.ratio(1, 2)? {
        out.push(*bytes.choose(b"@=<>!")?);
    }
    for _ in 0..bytes.int_in_range(0..=8)? {
        match bytes.int_in_range(0..=31)? {
            0..=19 => out.push(*bytes.choose(&CODES[..21])?),
            20 => out.extend_from_slice(b"Zd"),
            21..=22 => out.extend_from_slice(bytes.choose(COUNTS)?.as_bytes()),
            23..=26 => {
                out.extend_from_slice(bytes.choose(COUNTS)?.as_bytes());
                out.push(*bytes.choose(&CODES[..21])?);
            }
            27..=28 => out.push(*bytes.choose(b" \t\n\x0b\x0c\r")?),
            29 => out.push(*bytes.choose(b"@=<>!")?),
            30 => out.push(*bytes.choose(CODES)?),
            _ => out.push(bytes.arbitrary()?),
        }
    }
    Ok(out)
}

#[test]
fn sizes_are_those_of_struct_of_the_installed_python() {
    let Some(mut python) = crate::child_process::python() else { return };
    let mut python = python.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // The seed is fixed, so that a failure can be repeated.
    let mut state = 0x3118_u64;
    let mut strings = Vec::with_capacity(STRINGS);
    while strings.len() < STRINGS {
        let noise: Vec<u8> = (0..96)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        strings.extend(string(&mut Unstructured::new(&noise)));
    }
    let mut stdin = python.stdin.take().unwrap();
    let lines: String = strings
        .iter()
        .map(|string| string.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n")
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut answers = answers.lines();
    let minor: u32 = answers.next().unwrap().parse().unwrap();
    let dialect = match minor {
        ..=6 => &Dialect::STRUCT_3_6,
        7..=13 => &Dialect::STRUCT_3_13,
        14 => &Dialect::STRUCT_3_14,
        _ => &Dialect::STRUCT,
    };
    let (mut accepted, mut compared) = (0, 0);
    for (string, answer) in strings.iter().zip(answers) {
        let ours = calcsize_in(string, dialect, &DataModel::HOST);
        assert_eq!(
            ours.as_ref().ok().copied(),
            answer.parse::<u64>().ok(),
            "`{}`: {ours:?}, Python 3.{minor} gives {answer}",
            string.escape_ascii()
        );
        if let Ok(size) = ours {
            accepted += 1;
            // Dialect `pep3118` gives the same size for every format that CPython accepts, except formats with a NUL.
            // CPython 3.6 accepts a NUL and ends the format at the NUL.
            let expected = if string.contains(&0) { None } else { Some(size) };
            assert_eq!(pep3118::calcsize(string).ok(), expected, "`{}`", string.escape_ascii());
        }
        compared += 1;
    }
    println!("{compared} strings compared with Python 3.{minor}, {accepted} accepted by both");
    assert_eq!(compared, STRINGS);
    assert!(accepted > 40_000 && accepted < 190_000, "{accepted} accepted: too many or too few strings are formats");
}
