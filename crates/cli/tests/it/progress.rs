//! Tests of the progress bar of `decode`. The command shows a bar only on a terminal and only during long work, and
//! clears the bar at the end.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::terminal::{shown, terminal};

/// Starts `decode` with standard error on a pseudo-terminal and standard output on a pipe. The returned thread collects
/// the text on the terminal.
fn on_terminal(arguments: &[&str], stdin: Stdio) -> (Child, JoinHandle<String>) {
    let (person, program) = terminal();
    let child = Command::new(env!("CARGO_BIN_EXE_pep3118"))
        .arg("decode")
        .args(arguments)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::from(program))
        .spawn()
        .unwrap();
    (child, shown(person))
}

/// Returns `true` if `shown`, the text on the terminal, ends with the escape sequence that clears the bar.
fn is_cleared(shown: &str) -> bool {
    shown.rsplit("\u{1b}[2K").next().is_some_and(|rest| rest.trim_matches(['\r', '\n']).is_empty())
}

/// Waits for the end of the command. Returns the number of rows in its output and the text on the terminal. Panics if
/// the command fails.
fn finished(child: Child, shown: JoinHandle<String>) -> (usize, String) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    (output.stdout.iter().filter(|byte| **byte == b'\n').count(), shown.join().unwrap())
}

/// Creates a file of 1 MiB in `folder`, with items of 4 bytes. Returns the path of the file.
fn file(folder: &Path) -> String {
    let path = folder.join("items");
    std::fs::write(&path, b"abcd".repeat(1 << 18)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_file_has_a_bar_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let (child, shown) = on_terminal(&["-f", "4s", "--to", "json", &file(folder.path())], Stdio::null());
    // While this thread sleeps, nothing reads from the pipe. The command waits while the pipe is full, so the command
    // runs long enough for a bar.
    thread::sleep(Duration::from_millis(900));
    let (rows, shown) = finished(child, shown);
    assert_eq!(rows, 1 << 18);
    assert!(shown.contains("% ") && shown.contains(" of 1.00 MiB"), "{shown:?}");
    assert!(is_cleared(&shown), "{shown:?}");
}

#[test]
fn a_stream_has_a_rate_and_no_length() {
    let (mut child, shown) = on_terminal(&["-f", "4s", "--to", "json", "-"], Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..6 {
        stdin.write_all(&b"abcd".repeat(256)).unwrap();
        thread::sleep(Duration::from_millis(200));
    }
    drop(stdin);
    let (rows, shown) = finished(child, shown);
    assert_eq!(rows, 6 * 256);
    assert!(shown.contains(" KiB") && shown.contains("/s"), "{shown:?}");
    assert!(!shown.contains(" of "), "{shown:?}");
    assert!(is_cleared(&shown), "{shown:?}");
}

#[test]
fn short_work_has_no_bar() {
    let (mut child, shown) = on_terminal(&["-f", "4s", "--to", "json", "-"], Stdio::piped());
    child.stdin.take().unwrap().write_all(b"abcdefgh").unwrap();
    assert_eq!(finished(child, shown), (2, String::new()));
}
