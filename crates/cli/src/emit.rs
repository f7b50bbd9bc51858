//! `pep3118 emit`: prints the format string that a given reader interprets as the same layout, or a type with
//! that layout in C, Rust or for a Python library.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use pep3118::layout::PythonLibrary;
use pep3118::{Layout, Target};

use super::c_source::COptions;
use super::escape::{escape, is_visible};
use super::failure::{Failure, Status};
use super::options::{self, InterpretationOptions, target_parser};

/// Write a format so that a given reader interprets it as the same layout
///
/// The command refuses a layout that the reader cannot interpret, and a format with several
/// interpretations. With --to, it writes a type of C or Rust instead, with assertions of the size and of
/// the offsets, or Python source that describes the layout for a library.
#[derive(Debug, Args)]
pub(super) struct Emit {
    /// The format
    #[arg(required_unless_present = "c", conflicts_with = "c")]
    format: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    /// The reader that the format is written for
    #[arg(long = "for", value_name = "TARGET", default_value = "canonical", value_parser = target_parser())]
    target: Target,
    /// The language of the type to write
    #[arg(long = "to", value_name = "LANGUAGE", conflicts_with = "target")]
    language: Option<Language>,
    /// The name of the type [default: item, or Item in Rust]
    #[arg(long, requires = "language")]
    name: Option<String>,
    /// The size of an item in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Write names with control characters and other invisible characters
    #[arg(long)]
    raw: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    C,
    Rust,
    /// A dtype of NumPy
    Numpy,
    /// Classes of ctypes
    Ctypes,
    /// A Struct of construct
    Construct,
    /// Types of dissect.cstruct
    Dissect,
}

impl Emit {
    pub(super) fn run(self) -> Result<Status, Failure> {
        let found = options::format_or_c(self.format.as_ref(), &self.c, &self.interpretation, self.itemsize)?;
        let layout = &found.layout;
        let emitted = match self.language {
            Some(Language::C) => layout.to_c(self.name.as_deref().unwrap_or("item")).map_err(refused)?.into_bytes(),
            Some(Language::Rust) => {
                layout.to_rust(self.name.as_deref().unwrap_or("Item")).map_err(refused)?.into_bytes()
            }
            Some(Language::Numpy) => self.python(layout, PythonLibrary::NumPy)?,
            Some(Language::Ctypes) => self.python(layout, PythonLibrary::Ctypes)?,
            Some(Language::Construct) => self.python(layout, PythonLibrary::Construct)?,
            Some(Language::Dissect) => self.python(layout, PythonLibrary::Dissect)?,
            None => layout.emit(self.target).map_err(refused)?,
        };
        // Line feeds separate the lines of source code, but a format string has one line.
        let is_source = self.language.is_some();
        let is_allowed = |character: char| is_visible(character) || (is_source && character == '\n');
        if !self.raw {
            refuse_invisible(&emitted, is_allowed)?;
        }
        // `anstream::stdout()` would remove terminal escapes from a name and so change the format.
        let mut out = io::stdout().lock();
        out.write_all(&emitted)?;
        if !is_source {
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(Status::Done)
    }
}

impl Emit {
    /// Returns the Python source that describes `layout` for `library`.
    fn python(&self, layout: &Layout, library: PythonLibrary) -> Result<Vec<u8>, Failure> {
        let source = layout.to_python(self.name.as_deref().unwrap_or("item"), library);
        source.map(String::into_bytes).map_err(refused)
    }
}

/// Returns the failure for `error`, whose message can contain field names that are not escaped.
fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::refused(escape(error.to_string().as_bytes()))
}

/// Refuses `emitted` if it contains bytes that are not UTF-8, or a character that `is_allowed` rejects. A
/// terminal could interpret such output as a command. Escapes would change the format.
fn refuse_invisible(emitted: &[u8], is_allowed: impl Fn(char) -> bool) -> Result<(), Failure> {
    for chunk in emitted.utf8_chunks() {
        let invisible = chunk.valid().chars().find(|character| !is_allowed(*character));
        let invisible = invisible.map(String::from).map(String::into_bytes);
        if let Some(invisible) = invisible.or_else(|| chunk.invalid().first().map(|byte| vec![*byte])) {
            return Err(Failure::refused(format_args!(
                "a name contains `{}`, which is not visible text\nhelp: write it as it is with `--raw`",
                escape(&invisible)
            )));
        }
    }
    Ok(())
}
