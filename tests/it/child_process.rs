//! Programs that tests start, for the machine that the tests were compiled for: `make ports` runs them
//! where that is another one.

use std::process::Command;

/// The words of an environment variable: a program and its first arguments.
fn words(name: &str) -> Vec<String> {
    std::env::var(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// `python3`, or what `PYTHON` says; `None` where there is none, or it was made for another machine: its
/// native sizes are not those of `DataModel::HOST`.
pub fn python() -> Option<Command> {
    const MACHINE: &str = "import struct, sys; print(sys.byteorder, struct.calcsize('P'), struct.calcsize('lqxd'))";
    let words = words("PYTHON");
    let command = || {
        let mut command = Command::new(words.first().map_or("python3", String::as_str));
        command.args(words.get(1..).unwrap_or_default());
        command
    };
    let Ok(answer) = command().args(["-c", MACHINE]).output() else {
        println!("SKIPPED: no python3 here, nothing was compared");
        return None;
    };
    let model = pep3118::DataModel::HOST;
    let machine = format!(
        "{}-endian {} {}",
        model.endian,
        model.pointer,
        pep3118::calcsize_in(b"@lqxd", &pep3118::Dialect::STRUCT, &model).unwrap()
    );
    let theirs = String::from_utf8_lossy(&answer.stdout).trim().replacen(' ', "-endian ", 1);
    if theirs != machine {
        println!("SKIPPED: python3 is made for another machine ({theirs}, here {machine}), nothing was compared");
        return None;
    }
    Some(command())
}
