//! Tests of the completions: the words that the command offers, and the keys that a person types in a shell.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::pep3118;
use crate::commands::COMMANDS;
use crate::encode::text;
use crate::terminal::terminal;

const FORMAT: &str = "T{<H:id:<d:price:4s:sym:T{B:x:3s:tag:}:in:}";

/// Returns the words that the command offers in bash for the last of `words`.
fn completed(words: &[&str]) -> Vec<String> {
    let mut command = pep3118();
    command.args(["--", "pep3118"]).args(words).env("PEP3118_COMPLETE", "bash");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string()).env("_CLAP_IFS", "\n");
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn each_command_is_offered() {
    let offered = completed(&[""]);
    for command in COMMANDS {
        assert!(offered.iter().any(|word| word == command), "{command}: {offered:?}");
    }
}

#[test]
fn values_of_options_and_arguments_are_offered() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["explain", "--dialect", "numpy-r"], &["numpy-reader"]),
        (&["explain", "--model", "wi"], &["win64", "windows"]),
        (&["readers", "--model", "s3"], &["s390x"]),
        (&["emit", "--for", "cy"], &["cython"]),
        (&["emit", "--to", "ka"], &["kaitai"]),
        (&["rules", "T0"], &["T01"]),
        (&["audit", "--allow", "B01"], &["B01"]),
        (&["audit", "--allow", "A04,B01"], &["A04,B01"]),
        (&["audit", "--to", "gi"], &["github"]),
        (&["man", "hexd"], &["hexdump"]),
        (&["completions", "z"], &["zsh"]),
    ];
    for (words, expected) in cases {
        assert_eq!(completed(words), *expected, "{words:?}");
    }
}

#[test]
fn fields_of_the_format_are_offered() {
    let quoted = format!("'{FORMAT}'");
    let cases: &[(&[&str], &[&str])] = &[
        (&["decode", "items", FORMAT, "--columns", ""], &["id", "price", "sym", "in", "in.x", "in.tag"]),
        (&["decode", "items", &quoted, "--columns", "p"], &["price"]),
        (&["decode", "items", &quoted, "--columns", "id,p"], &["id,price"]),
        (&["decode", "items", "-f", &quoted, "--columns", "id,in."], &["id,in.x", "id,in.tag"]),
        (&["decode", "items", &quoted, "--to", "csv", "--text=sy"], &["--text=sym"]),
        (&["decode", "items", &quoted, "--text=sym,i"], &["--text=sym,in", "--text=sym,in.tag"]),
        // bash divides a word at `=`.
        (&["encode", &quoted, "--hex", "=", "s"], &["sym"]),
        (&["decode", "items", "--c", "'struct s { char tag[3]; int id; };'", "--columns", "t"], &["tag"]),
        // Both interpretations of this format have the same fields.
        (&["decode", "items", "ib", "--columns", ""], &["f0", "f1"]),
        (&["decode", "items", "T{i:a", "--columns", ""], &[]),
        (&["decode", "items", "--columns", ""], &[]),
    ];
    for (words, expected) in cases {
        assert_eq!(completed(words), *expected, "{words:?}");
    }
}

/// A shell would run a part of such a name.
#[test]
fn names_that_a_shell_would_interpret_are_not_offered() {
    for name in ["$(touch x)", "`x`", "a b", "a;b", "-x", "a,b", "a\u{1b}[31m", "\u{202e}a", "a'b", "a\nb"] {
        let format = format!("T{{<H:id:<H:{name}:}}");
        assert_eq!(completed(&["decode", "items", &format, "--columns", ""]), ["id"], "{name:?}");
    }
}

#[test]
fn each_shell_has_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = pep3118().args(["completions", shell]).output().unwrap();
        assert!(output.status.success());
        let script = text(&output.stdout);
        assert!(script.contains("PEP3118_COMPLETE") && script.contains(" -- "), "{script}");
    }
    assert_eq!(pep3118().args(["completions", "tcsh"]).output().unwrap().status.code(), Some(2));
}

/// A shell on a pseudo-terminal.
struct Shell {
    child: Child,
    /// The end of the terminal for the person who types.
    keyboard: File,
    /// The text on the terminal.
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Shell {
    /// Starts `program`, the name of a shell and its arguments, in the folder `folder`. `setup` are the lines that load
    /// the completions. Returns `None` if the shell or the program `setsid`, which gives the shell its terminal, is not
    /// installed.
    fn start(program: &[&str], setup: &str, folder: &Path) -> Option<Self> {
        let is_installed = |name: &str| Command::new(name).arg("--version").output().is_ok();
        if !is_installed(program[0]) || !is_installed("setsid") {
            return None;
        }
        let (person, terminal) = terminal();
        let bin = Path::new(env!("CARGO_BIN_EXE_pep3118")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .args(program)
            .current_dir(folder)
            .env_clear()
            .envs([("PATH", path.as_str()), ("TERM", "xterm"), ("LANG", "C.UTF-8")])
            .env("HOME", folder)
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(Stdio::from(terminal))
            .spawn()
            .unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, text) = (person.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut block) {
                text.lock().unwrap().extend_from_slice(&block[..read]);
            }
        });
        let mut shell = Self { child, keyboard: person, shown };
        shell.type_keys(&format!("{setup}\necho LOA''DED\n"));
        shell.wait(|shell| shell.text().contains("LOADED"));
        Some(shell)
    }

    fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until `is_done` returns `true`. Fails with the text on the terminal after 30 seconds.
    fn wait(&self, is_done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_done(self) {
            assert!(start.elapsed() < Duration::from_secs(30), "{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _: std::io::Result<()> = self.keyboard.write_all(b"\x03\nexit\n");
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(20));
        }
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

/// Types commands with the tab key in a shell, and checks the files that the completed commands write. Does nothing if
/// the shell is not installed. The parameters are those of [`Shell::start`].
fn type_commands(program: &[&str], setup: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("items"), b"\x07\0\0\0\0\0\0\0\x23\x40ab\0\0\x01xyz").unwrap();
    let Some(mut shell) = Shell::start(program, setup, folder.path()) else { return };
    let decode = format!("pep3118 decode items '{FORMAT}'");
    // The tab completes `price`, `--text=sym`, `decode` and `jsonl`. A space after a completed word does no harm.
    let typed = [
        ("a.csv", format!("{decode} --to csv -o a.csv --columns id,pr\t\n"), "id,price\n7,9.5\n"),
        ("b.csv", format!("{decode} --to csv -o b.csv --columns sym --text=sy\t\n"), "sym\nab\n"),
        ("c.json", format!("pep3118 dec\t items '{FORMAT}' -o c.json --columns in.x --to jso\t\n"), "{\"in.x\":1}\n"),
    ];
    for (file, keys, expected) in typed {
        shell.type_keys(&keys);
        let path = folder.path().join(file);
        shell.wait(|_| path.exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), expected, "{}", shell.text());
    }
}

#[test]
fn bash_completes_what_a_person_types() {
    type_commands(&["bash", "--norc", "--noprofile", "-i"], "source <(pep3118 completions bash)");
}

#[test]
fn zsh_completes_what_a_person_types() {
    type_commands(&["zsh", "-f", "-i"], "autoload -Uz compinit && compinit -u -D\nsource <(pep3118 completions zsh)");
}

#[test]
fn fish_completes_what_a_person_types() {
    type_commands(&["fish", "--no-config", "-i"], "pep3118 completions fish | source");
}
