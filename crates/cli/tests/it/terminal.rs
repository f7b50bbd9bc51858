//! Functions that run commands on pseudo-terminals.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Opens a pseudo-terminal. Returns (user, program): the test reads what the program writes from `user`, and the
/// program gets `program` as its terminal.
pub(crate) fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let program = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    (File::from(person), File::from(program))
}

/// Starts a thread that collects the text on a terminal until all programs on the terminal have ended. `person` is the
/// user's end of the terminal.
pub(crate) fn shown(mut person: File) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut shown = Vec::new();
        // Linux returns EIO when no program has the terminal open.
        let _: std::io::Result<usize> = person.read_to_end(&mut shown);
        String::from_utf8(shown).unwrap()
    })
}

/// Runs a command with standard output and standard error on a pseudo-terminal. Returns an `Output` that has only the
/// exit status, and the text on the terminal.
pub(crate) fn run_on_terminal(command: Command) -> (Output, String) {
    run_on(terminal(), command)
}

/// Runs a command like [`run_on_terminal`], on a pseudo-terminal that is `columns` columns wide.
pub(crate) fn run_on_terminal_of(command: Command, columns: u16) -> (Output, String) {
    let (person, program) = terminal();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&person, size).unwrap();
    run_on((person, program), command)
}

/// Runs a command like [`run_on_terminal`], on the terminal that [`terminal`] returned.
fn run_on((person, program): (File, File), mut command: Command) -> (Output, String) {
    command.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("COLUMNS");
    let child = command.stdout(program.try_clone().unwrap()).stderr(Stdio::from(program)).spawn().unwrap();
    // `command` owns copies of the program's end of the terminal. These copies would keep the terminal open.
    drop(command);
    let shown = shown(person);
    let output = child.wait_with_output().unwrap();
    (output, shown.join().unwrap())
}
