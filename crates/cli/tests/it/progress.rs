//! The bar on the terminal: there while the work is long, gone afterwards, never where nobody looks.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The command with standard error on a terminal, and what will have been written to that.
fn on_terminal(arguments: &[&str], stdin: Stdio) -> (Child, JoinHandle<String>) {
    let host = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&host).unwrap();
    unlockpt(&host).unwrap();
    let terminal = open(ptsname(&host, Vec::new()).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pep3118"))
        .arg("decode")
        .args(arguments)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::from(terminal))
        .spawn()
        .unwrap();
    let reader = thread::spawn(move || {
        let (mut shown, mut host) = (Vec::new(), File::from(host));
        // Linux says EIO once nobody has the terminal open.
        let _: std::io::Result<usize> = host.read_to_end(&mut shown);
        String::from_utf8(shown).unwrap()
    });
    (child, reader)
}

/// Text was drawn and the line then cleared: nothing but escapes comes after the last clearing.
fn is_cleared(shown: &str) -> bool {
    shown.rsplit("\u{1b}[2K").next().is_some_and(|rest| rest.trim_matches(['\r', '\n']).is_empty())
}

fn finished(child: Child, reader: JoinHandle<String>) -> (usize, String) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    (output.stdout.iter().filter(|byte| **byte == b'\n').count(), reader.join().unwrap())
}

fn file(folder: &Path) -> String {
    let path = folder.join("items");
    std::fs::write(&path, b"abcd".repeat(1 << 18)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Of a file it is known how much there is.
#[test]
fn a_file_has_a_bar() {
    let folder = tempfile::tempdir().unwrap();
    let (child, reader) = on_terminal(&["-f", "4s", "--to", "json", &file(folder.path())], Stdio::null());
    // The work waits for us as soon as the pipe is full.
    thread::sleep(Duration::from_millis(900));
    let (rows, shown) = finished(child, reader);
    assert_eq!(rows, 1 << 18);
    assert!(shown.contains("% ") && shown.contains(" of 1.00 MiB"), "{shown:?}");
    assert!(is_cleared(&shown), "{shown:?}");
}

/// Of a stream it is not.
#[test]
fn a_stream_has_a_rate() {
    let (mut child, reader) = on_terminal(&["-f", "4s", "--to", "json", "-"], Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..6 {
        stdin.write_all(&b"abcd".repeat(256)).unwrap();
        thread::sleep(Duration::from_millis(200));
    }
    drop(stdin);
    let (rows, shown) = finished(child, reader);
    assert_eq!(rows, 6 * 256);
    assert!(shown.contains(" KiB") && shown.contains("/s"), "{shown:?}");
    assert!(!shown.contains(" of "), "{shown:?}");
    assert!(is_cleared(&shown), "{shown:?}");
}

/// Short work says nothing.
#[test]
fn short_work_has_none() {
    let (mut child, reader) = on_terminal(&["-f", "4s", "--to", "json", "-"], Stdio::piped());
    child.stdin.take().unwrap().write_all(b"abcdefgh").unwrap();
    assert_eq!(finished(child, reader), (2, String::new()));
}
