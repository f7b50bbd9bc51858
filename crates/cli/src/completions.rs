//! `pep3118 completions`: prints the script with which a shell completes commands, options and values.
//!
//! The script runs the command with the words on the command line and the environment variable `PEP3118_COMPLETE`. The
//! command then prints the possible values of the word at the cursor.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, Command, CommandFactory as _, FromArgMatches as _, ValueEnum};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use pep3118::Layout;

use super::c_source::COptions;
use super::examples;
use super::failure::{Failure, Status};
use super::fields::field_names;
use super::options::{self, InterpretationOptions};

/// The environment variable that contains the name of the shell, if the script of a shell runs the command.
const VARIABLE: &str = "PEP3118_COMPLETE";

/// Print the script with which a shell completes commands, options and values
///
/// The script completes the fields of the format on the command line too.
///
/// For bash: pep3118 completions bash > ~/.local/share/bash-completion/completions/pep3118
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("completions"))]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that can complete words.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// Returns the name of the shell.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

impl Completions {
    /// Writes the script for the shell to `out`. Returns [`Done`](Status::Done).
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        let shells = Shells::builtins();
        let shell = shells.completer(self.shell.as_str());
        let shell = shell.ok_or_else(|| Failure::internal("the shell has no completions"))?;
        let mut script = Vec::new();
        shell.write_registration(VARIABLE, "pep3118", "pep3118", "pep3118", &mut script)?;
        out.write_all(&script)?;
        Ok(Status::Done)
    }
}

/// Prints the possible values of a word if the script of a shell runs the command. Returns the exit status: 0, or 1 if
/// printing failed. Prints nothing and returns `None` if [`VARIABLE`] is not set, or if `arguments` do not contain
/// `--`. `arguments` are the arguments of the command: the name of the program, `--`, and the words on the command
/// line.
pub(super) fn complete(arguments: &[OsString]) -> Option<u8> {
    let shell = env::var(VARIABLE).ok().filter(|shell| !shell.is_empty())?;
    let start = arguments.iter().position(|argument| argument == "--")?.saturating_add(1);
    // The words of bash and zsh have the quotes of the command line.
    let words: Vec<OsString> = arguments.get(start..)?.iter().map(|word| without_quotes(word)).collect();
    let printed = candidates(&shell, words).and_then(|text| {
        let mut out = io::stdout().lock();
        out.write_all(&text)?;
        out.flush()
    });
    // A shell ignores the message of a failed completion.
    Some(u8::from(printed.is_err()))
}

/// Returns the possible values of the word at the cursor of the command line `words`, in the form that the script of
/// `shell` reads. The script passes the index of the word in an environment variable. Returns an error if `shell` is
/// unknown.
fn candidates(shell: &str, mut words: Vec<OsString>) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let directory = env::current_dir().ok();
    if shell != "bash" {
        let mut command = command(&words);
        let shells = Shells::builtins();
        let shell = shells.completer(shell).ok_or_else(|| io::Error::other("unknown shell"))?;
        shell.write_complete(&mut command, words, directory.as_deref(), &mut out)?;
        return Ok(out);
    }
    // bash divides `--text=a` into the words `--text`, `=` and `a`, and replaces only the last of them.
    let index = env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse::<usize>().ok());
    let mut index = index.unwrap_or_default().min(words.len().saturating_sub(1));
    words.truncate(index.saturating_add(1));
    let mut replaced = "";
    let joined;
    if let [.., option, equals, value] = words.as_slice()
        && equals == "="
        && option.as_encoded_bytes().starts_with(b"--")
    {
        joined = format!("{}=", option.display());
        let word = OsString::from(format!("{joined}{}", value.display()));
        replaced = &joined;
        index = index.saturating_sub(2);
        words.truncate(index);
        words.push(word);
    }
    let separator = env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".to_owned());
    let found = engine::complete(&mut command(&words), words.clone(), index, directory.as_deref())?;
    for (number, candidate) in found.iter().enumerate() {
        let value = candidate.get_value().to_string_lossy();
        let value = value.strip_prefix(replaced).unwrap_or(&value);
        write!(out, "{}{value}", if number == 0 { "" } else { &separator })?;
    }
    Ok(out)
}

/// Returns `word` without the quotes and backslashes of a shell. Returns `word` unchanged if it is not one word of a
/// shell.
fn without_quotes(word: &OsStr) -> OsString {
    let unquoted = word.to_str().and_then(shlex::split);
    match unquoted.as_deref() {
        Some([only]) => only.into(),
        _ => word.to_owned(),
    }
}

/// The options whose values are names of fields, as (command, option, only bytes). `true` means that the option selects
/// fields of bytes only.
const FIELD_OPTIONS: [(&str, &str, bool); 5] = [
    ("decode", "columns", false),
    ("decode", "text", true),
    ("decode", "hex", true),
    ("encode", "text", true),
    ("encode", "hex", true),
];

/// Returns the command line of `pep3118`. Its [`FIELD_OPTIONS`] complete the names of the fields of the format in
/// `words`, the words on the command line.
fn command(words: &[OsString]) -> Command {
    let words: Arc<[OsString]> = words.into();
    let mut command = super::CommandLine::command();
    for (name, option, is_bytes) in FIELD_OPTIONS {
        let words = Arc::clone(&words);
        let completer = ArgValueCompleter::new(move |current: &OsStr| fields(&words, is_bytes, current));
        command = command.mut_subcommand(name, |command| command.mut_arg(option, |option| option.add(completer)));
    }
    command
}

/// Returns the dotted names of the fields in `layout(words)` that start with `current`. Omits names that a shell could
/// misread: names with characters other than letters, digits, `_`, `.` and `-`. Returns only the fields of bytes, and
/// the records that contain them, if `is_bytes` is `true`.
fn fields(words: &[OsString], is_bytes: bool, current: &OsStr) -> Vec<CompletionCandidate> {
    let Some((layout, current)) = layout(words).zip(current.to_str()) else { return Vec::new() };
    let names = field_names(&layout, is_bytes).unwrap_or_default();
    // A shell would run parts of other names, such as `$(…)`, and a comma ends a name.
    let is_safe = |name: &String| {
        name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '.' | '-'))
            && !name.starts_with('-')
    };
    let names = names.into_iter().filter(|name| name.starts_with(current) && is_safe(name));
    names.map(CompletionCandidate::new).collect()
}

/// Returns the layout of the format, or of the C source, in `words`, the words on the command line. Returns `None` if
/// the words have no format yet or the format is refused. If the format is ambiguous, returns the first interpretation,
/// because all interpretations have the same fields.
fn layout(words: &[OsString]) -> Option<Layout> {
    let matches = super::CommandLine::command().ignore_errors(true).try_get_matches_from(words).ok()?;
    let (name, matches) = matches.subcommand()?;
    let interpretation = InterpretationOptions::from_arg_matches(matches).ok()?;
    let source = COptions::from_arg_matches(matches).ok()?;
    if source.is_given() {
        return Some(source.interpretation(&interpretation.model, None).ok()??.layout);
    }
    let argument = |id: &str| matches.try_get_one::<OsString>(id).ok().flatten();
    let format = match name {
        "decode" => argument("format").or_else(|| argument("second")),
        _ => argument("first"),
    };
    let itemsize = matches.try_get_one::<u64>("itemsize").ok().flatten().copied();
    match interpretation.reconcile(options::bytes(format?), itemsize) {
        Ok(found) => Some(found.layout),
        Err(error) => Some(error.ambiguity()?.alternatives().first()?.layout.clone()),
    }
}
