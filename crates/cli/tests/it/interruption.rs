//! Tests of interrupted commands: after a signal, on a full device, or with closed streams, the output file is complete
//! or unchanged, and the command leaves no other file. Also tests outputs that are the input, open files, or links.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::terminal::terminal;

/// Waits until `condition` returns `true`. After one minute, panics with the message `what`.
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns `true` if the process with the id `process` has an open file in `folder`. The only such file is the output
/// of the command, under a temporary name or without a name.
fn writes_to(process: u32, folder: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).any(|file| file.starts_with(folder))
}

fn send(child: &Child, signal: Signal) {
    // The command ignores a signal that the test ignores, as under `nohup`, and the test would wait for ever.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    let ignored = ignored.and_then(|set| u64::from_str_radix(set, 16).ok()).unwrap_or(0);
    assert_eq!(ignored >> (signal.as_raw() - 1) & 1, 0, "run the tests without ignoring signal {}", signal.as_raw());
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Starts a `decode` that reads items from a pipe. Returns when the command has opened its output and waits for items.
fn start_waiting_decode(folder: &Path, command: &mut Command) -> (Child, ChildStdin) {
    let arguments = ["decode", "-f", "<H", "--to", "csv", "-o", "out", "-"];
    let mut child = command.args(arguments).current_dir(folder).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"\x01\x00").unwrap();
    wait_until("the output is open", || writes_to(child.id(), folder));
    (child, stdin)
}

/// Creates a folder with a file `out` that contains `before`.
fn folder_with_output() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("out"), "before").unwrap();
    folder
}

/// Asserts that the file `out` is unchanged and that the folder contains no other file.
fn assert_unchanged(folder: &Path) {
    assert_eq!(fs::read_to_string(folder.join("out")).unwrap(), "before");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn a_signal_leaves_the_output_unchanged() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = folder_with_output();
        let (mut child, _stdin) = start_waiting_decode(folder.path(), &mut crate::command::pep3118());
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(128 + signal.as_raw()));
        assert_unchanged(folder.path());
    }
}

#[test]
fn a_signal_leaves_the_output_of_encode_unchanged() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = folder_with_output();
        let mut command = crate::command::pep3118();
        command.args(["encode", "<H", "-o", "out"]).current_dir(folder.path()).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"1\n2\n").unwrap();
        wait_until("the output is open", || writes_to(child.id(), folder.path()));
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(128 + signal.as_raw()));
        assert_unchanged(folder.path());
    }
}

#[test]
fn a_signal_ends_the_following_of_a_file() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    // The file is empty when the command starts. Each item is appended in two steps.
    fs::write(&path, "").unwrap();
    let mut command = crate::command::pep3118();
    command.args(["decode", "log", "<H", "--follow", "--to", "csv"]).current_dir(folder.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut log = fs::OpenOptions::new().append(true).open(&path).unwrap();
    log.write_all(b"\x01\x00\x02").unwrap();
    assert_eq!(rows.next().unwrap().unwrap(), "value");
    assert_eq!(rows.next().unwrap().unwrap(), "1");
    log.write_all(b"\x00\x03\x00").unwrap();
    assert_eq!(rows.next().unwrap().unwrap(), "2");
    assert_eq!(rows.next().unwrap().unwrap(), "3");
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(128 + Signal::INT.as_raw()));
}

#[test]
fn following_a_file_that_becomes_shorter_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "abc").unwrap();
    let mut command = crate::command::pep3118();
    command.args(["decode", "log", "<H", "--follow", "--to", "csv"]).current_dir(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut row = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut row).unwrap();
    assert_eq!(&row, b"value\n");
    fs::write(&path, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: the file became shorter while it was read\n");
}

#[test]
fn two_signals_end_the_command_with_the_status_of_a_single_signal() {
    let folder = folder_with_output();
    let (mut child, _stdin) = start_waiting_decode(folder.path(), &mut crate::command::pep3118());
    send(&child, Signal::INT);
    // The first signal may have ended the process already.
    let _ = kill_process(Pid::from_child(&child), Signal::TERM);
    let status = child.wait().unwrap().code().unwrap();
    assert!([128 + Signal::INT.as_raw(), 128 + Signal::TERM.as_raw()].contains(&status), "{status}");
    assert_unchanged(folder.path());
}

#[test]
fn an_unconditional_kill_leaves_no_temporary_file() {
    let folder = folder_with_output();
    let (mut child, _stdin) = start_waiting_decode(folder.path(), &mut crate::command::pep3118());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_unchanged(folder.path());
}

#[test]
fn an_ignored_signal_does_not_end_the_command() {
    let folder = folder_with_output();
    let mut command = Command::new("sh");
    let program = crate::command::pep3118();
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    let (mut child, stdin) = start_waiting_decode(folder.path(), &mut command);
    send(&child, Signal::HUP);
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "value\n1\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_closed_terminal_leaves_the_output_unchanged() {
    let folder = folder_with_output();
    let (person, program) = terminal();
    // `setsid --ctty` of util-linux makes the pseudo-terminal the controlling terminal of the command.
    let mut child = match Command::new("setsid")
        .args(["--ctty", "--wait", "sh", "-c", "echo $$ >pid; exec \"$0\" decode -f '<H' -o out pipe"])
        .arg(env!("CARGO_BIN_EXE_pep3118"))
        .current_dir(folder.path())
        .stdin(program.try_clone().unwrap())
        .stdout(program.try_clone().unwrap())
        .stderr(Stdio::from(program))
        .spawn()
    {
        Ok(child) => child,
        Err(error) => return eprintln!("not tested, setsid: {error}"),
    };
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut process = String::new();
    wait_until("the command has started", || {
        process = fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
        process.ends_with('\n')
    });
    // The command fails if it opens the pipe before this program creates it. An `open` for reading and writing does not
    // wait for the command.
    let mut writer = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    writer.write_all(b"\x01\x00").unwrap();
    let process: u32 = process.trim().parse().unwrap();
    let out = || {
        let open = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
        let files = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        Some(files.filter(|file| file.starts_with(folder.path()) && !file.ends_with("pipe")).count())
    };
    wait_until("the output is open", || out().is_none_or(|files| files > 0));
    drop(person);
    child.wait().unwrap();
    wait_until("the command has ended", || !Path::new(&format!("/proc/{process}/exe")).exists());
    fs::remove_file(pipe).unwrap();
    fs::remove_file(folder.path().join("pid")).unwrap();
    assert_unchanged(folder.path());
}

#[test]
fn a_full_disk_leaves_the_output_unchanged() {
    let folder = folder_with_output();
    fs::write(folder.path().join("in"), vec![1; 1 << 20]).unwrap();
    // `ulimit -f 8` limits each file to 8 blocks of 512 or 1024 bytes.
    let script = "ulimit -c 0; ulimit -f 8; exec \"$0\" \"$@\"";
    let arguments = ["decode", "-f", "<H", "--to", "csv", "-o", "out", "in"];
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(env!("CARGO_BIN_EXE_pep3118")).args(arguments).current_dir(folder.path());
    assert!(!command.status().unwrap().success());
    fs::remove_file(folder.path().join("in")).unwrap();
    assert_unchanged(folder.path());
}

#[test]
fn output_to_a_full_device_fails() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), vec![1; 1 << 20]).unwrap();
    fs::write(folder.path().join("lines"), "1\n").unwrap();
    let commands: [&[&str]; 10] = [
        &["--help"],
        &["--version"],
        &["decode", "--help"],
        &["explain", "i"],
        &["size", "i"],
        &["emit", "i"],
        &["rules"],
        &["completions", "bash"],
        &["decode", "-f", "<H", "in"],
        &["encode", "B", "lines"],
    ];
    for arguments in commands {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = crate::command::pep3118()
            .args(arguments)
            .current_dir(folder.path())
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(Child::wait_with_output)
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.starts_with("error: No space left on device"), "{arguments:?}: {message}");
    }
}

#[test]
fn messages_to_a_full_device_cause_no_panic() {
    for (arguments, status) in
        [(&["explain", "}"][..], 1), (&["explain"], 2), (&["size", "}", "i"], 1), (&["man", "x"], 2)]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = crate::command::pep3118().args(arguments).stdout(Stdio::null()).stderr(full).status();
        assert_eq!(child.unwrap().code(), Some(status), "{arguments:?}");
    }
}

#[test]
fn closed_streams_cause_no_panic() {
    for streams in [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        for (arguments, status) in
            [("explain i", 0), ("--help", 0), ("explain }", 1), ("nonsense", 2), ("check --jsonl", 0)]
        {
            let script = format!("exec \"$0\" {arguments} {streams}");
            let mut command = Command::new("sh");
            command.args(["-c", &script, env!("CARGO_BIN_EXE_pep3118")]).stdin(Stdio::null());
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{arguments} {streams}");
            assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
        }
    }
}

#[test]
fn a_giant_item_of_an_endless_input_is_refused_before_it_is_read() {
    for format in ["1000000000000B", "(100000,100000)d"] {
        let more: [&[&str]; 2] = [&[], &["--shape", "2", "--strides", "8"]];
        for more in more {
            let mut command = crate::command::pep3118();
            let output = command.args(["decode", "-f", format, "/dev/zero"]).args(more).output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert!(message.contains("at most 67108864 are read from a stream"), "{message}");
            assert_eq!(output.status.code(), Some(1));
        }
    }
}

/// Names of the output that all refer to the input file `in`. `link`, `hard` and `folder/in` are links to this file.
const NAMES_OF_THE_INPUT: [&str; 7] = ["in", "./in", "link", "hard", "folder/in", "/dev/fd/7", "/proc/self/fd/7"];

#[test]
fn an_output_that_is_the_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("in"), "ab").unwrap();
    std::os::unix::fs::symlink("in", path("link")).unwrap();
    fs::hard_link(path("in"), path("hard")).unwrap();
    std::os::unix::fs::symlink(".", path("folder")).unwrap();
    let run = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_pep3118")]).current_dir(folder.path()).output().unwrap()
    };
    for output in NAMES_OF_THE_INPUT {
        for input in ["in", "- <in", "/dev/stdin <in"] {
            let refused = run(&format!("exec 7<>in; exec \"$0\" decode -f B --to csv -o {output} {input}"));
            let message = String::from_utf8(refused.stderr).unwrap();
            assert!(message.starts_with(&format!("error: {output} is the input")), "{output} {input}: {message}");
            assert_eq!(refused.status.code(), Some(1));
            assert_eq!(fs::read_to_string(path("in")).unwrap(), "ab", "{output} {input}");
        }
    }
    let appended = run("exec \"$0\" decode -f B in >>in");
    assert_eq!((appended.status.code(), fs::read_to_string(path("in")).unwrap().as_str()), (Some(1), "ab"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn an_open_file_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "ab").unwrap();
    fs::write(folder.path().join("log"), "before\n").unwrap();
    let script = "exec 7>>log; \"$0\" decode -f B --to csv -o /dev/fd/7 in; echo after >&7";
    let mut command = Command::new("sh");
    let status = command.args(["-c", script, env!("CARGO_BIN_EXE_pep3118")]).current_dir(folder.path()).status();
    assert!(status.unwrap().success());
    assert_eq!(fs::read_to_string(folder.path().join("log")).unwrap(), "before\nvalue\n97\n98\nafter\n");
}

#[test]
fn an_output_to_a_dangling_link_creates_the_target() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "ab").unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
    let mut command = crate::command::pep3118();
    let command = command.args(["decode", "-f", "2s", "--to", "csv", "-o", "link", "in"]).current_dir(folder.path());
    assert!(command.status().unwrap().success());
    assert_eq!(fs::read_to_string(folder.path().join("real")).unwrap(), "value\nab\n");
    assert!(fs::symlink_metadata(folder.path().join("link")).unwrap().is_symlink());
}

#[test]
fn an_output_to_a_chain_of_dangling_links_creates_the_target() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "ab").unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("second")).unwrap();
    std::os::unix::fs::symlink("second", folder.path().join("first")).unwrap();
    let mut command = crate::command::pep3118();
    let command = command.args(["decode", "-f", "2s", "--to", "csv", "-o", "first", "in"]).current_dir(folder.path());
    assert!(command.status().unwrap().success());
    assert_eq!(fs::read_to_string(folder.path().join("real")).unwrap(), "value\nab\n");
    for link in ["first", "second"] {
        assert!(fs::symlink_metadata(folder.path().join(link)).unwrap().is_symlink(), "{link}");
    }
}
