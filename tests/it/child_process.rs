//! Finds the Python interpreter that tests start. The interpreter must be built for the machine of the tests, because
//! `make ports` runs the tests under qemu.

use std::process::Command;

/// Returns the words in the environment variable `name`, which are a program and its arguments. Returns an empty list
/// if the variable is not set.
fn words(name: &str) -> Vec<String> {
    std::env::var(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Returns the command in the environment variable `PYTHON`, or `python3` if the variable is not set. Returns `None`
/// if the program does not exist, or if its native sizes or its byte order differ from `DataModel::HOST`, which shows
/// that it is built for another machine. In both cases prints a line that starts with `SKIPPED`.
pub fn python() -> Option<Command> {
    const MACHINE: &str = "import struct, sys; print(sys.byteorder, struct.calcsize('P'), struct.calcsize('lqxd'))";
    let words = words("PYTHON");
    let command = || {
        let mut command = Command::new(words.first().map_or("python3", String::as_str));
        command.args(words.get(1..).unwrap_or_default());
        command
    };
    let Ok(output) = command().args(["-c", MACHINE]).output() else {
        println!("SKIPPED: there is no python3 to compare with");
        return None;
    };
    let model = pep3118::DataModel::HOST;
    let machine = format!(
        "{}-endian {} {}",
        model.endian,
        model.pointer,
        pep3118::calcsize_in(b"@lqxd", &pep3118::Dialect::STRUCT, &model).unwrap()
    );
    let python = String::from_utf8_lossy(&output.stdout).trim().replacen(' ', "-endian ", 1);
    if python != machine {
        println!("SKIPPED: python3 is built for another machine: {python} instead of {machine}");
        return None;
    }
    Some(command())
}
