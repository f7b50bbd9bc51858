//! `pep3118 emit`: prints a format string for a given reader, which interprets the format string as the same layout.
//! With `--to`, prints a type with this layout in C, Rust or another language, or for a Python library.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use pep3118::layout::{PythonLibrary, SourceLanguage};
use pep3118::{Layout, Target};
use serde::Serialize;

#[cfg(feature = "arrow")]
use super::arrow_source;
use super::c_source::COptions;
use super::escape::{escape, is_visible};
use super::examples;
use super::failure::{Failure, Status};
use super::json::{self, ErrorObject, Reply};
use super::options::{self, InterpretationOptions, target_parser};

/// Write a format so that a given reader interprets it as the same layout
///
/// The command refuses a layout that the reader cannot interpret, and a format with several
/// interpretations. With --to, it writes a type of C, Rust, Go, Zig or Julia instead, with assertions of the
/// size and of the offsets, Python source that describes the layout for a library, or a description for
/// Kaitai Struct or ImHex.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("emit"))]
pub(super) struct Emit {
    /// The format
    #[arg(required_unless_present_any = ["c", "struct"], conflicts_with_all = ["c", "struct"])]
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
    /// Print JSON, in which invisible characters are escaped
    #[arg(long, conflicts_with = "raw")]
    json: bool,
}

/// The result as a JSON object.
#[derive(Serialize)]
struct EmitJson {
    /// The reader that the format is written for. `None` for source code.
    target: Option<&'static str>,
    /// The language of the source code. `None` for a format.
    language: Option<&'static str>,
    /// The format or the source code.
    text: String,
}

/// The language of the type that `--to` writes, or the library or program that the type is for.
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
    /// A record class of the Python package pep3118
    PythonRecord,
    /// A schema of pyarrow, which `decode --to arrow` writes
    #[cfg(feature = "arrow")]
    ArrowSchema,
    /// A type of Kaitai Struct (.ksy)
    #[value(alias = "ksy")]
    Kaitai,
    /// A pattern of the hex editor ImHex (.hexpat)
    #[value(name = "imhex")]
    ImHex,
    Go,
    Zig,
    Julia,
}

impl Language {
    /// Returns the name of the language, which is also the value of the option `--to`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Rust => "rust",
            Self::Numpy => "numpy",
            Self::Ctypes => "ctypes",
            Self::Construct => "construct",
            Self::Dissect => "dissect",
            Self::PythonRecord => "python-record",
            #[cfg(feature = "arrow")]
            Self::ArrowSchema => "arrow-schema",
            Self::Kaitai => "kaitai",
            Self::ImHex => "imhex",
            Self::Go => "go",
            Self::Zig => "zig",
            Self::Julia => "julia",
        }
    }
}

impl Emit {
    /// Writes the format or the source to standard output. With `--json`, a refused layout is printed and is
    /// [`Failed`](Status::Failed), and not an error.
    pub(super) fn run(self) -> Result<Status, Failure> {
        let found = match (self.c.interpretation(&self.interpretation.model, self.itemsize), &self.format) {
            (Ok(Some(found)), _) => found,
            (Err(error), _) if self.json => return write_json(&Reply::Error(ErrorObject::from(&error))),
            (Err(error), _) => return Err(error.into()),
            (Ok(None), Some(format)) if self.json => {
                match self.interpretation.reconcile(options::bytes(format), self.itemsize) {
                    Ok(found) => found,
                    Err(error) => return write_json(&Reply::Error(ErrorObject::from(&error))),
                }
            }
            (Ok(None), Some(format)) => self.interpretation.interpret(options::bytes(format), self.itemsize)?,
            // clap requires a format unless --c is given.
            (Ok(None), None) => return Err(Failure::internal("no format")),
        };
        let emitted = self.emit(&found.layout);
        if self.json {
            let text = emitted.and_then(|emitted| {
                String::from_utf8(emitted).map_err(|_| "a name is not UTF-8, which JSON cannot contain".to_owned())
            });
            return write_json(&match text {
                Ok(text) => Reply::Ok(EmitJson {
                    target: self.language.is_none().then(|| self.target.as_str()),
                    language: self.language.map(Language::as_str),
                    text,
                }),
                Err(message) => Reply::Error(ErrorObject::new("refused", message)),
            });
        }
        let emitted = emitted.map_err(refused)?;
        // In source code, line feeds and tabs are allowed, because names in the code cannot contain these characters. A
        // format string has one line, so a line feed in it is part of a name and is refused.
        let is_source = self.language.is_some();
        let is_allowed = |character: char| is_visible(character) || (is_source && matches!(character, '\n' | '\t'));
        if !self.raw {
            refuse_invisible(&emitted, is_allowed)?;
        }
        // `anstream::stdout()` would remove terminal escapes from a name, which would change the format.
        let mut out = io::stdout().lock();
        out.write_all(&emitted)?;
        if !is_source {
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(Status::Done)
    }

    /// If the user selected a language, returns the source code of a type with the layout `layout`. Otherwise, returns
    /// a format that the selected reader interprets as `layout`. If neither exists, returns an error message. The
    /// caller must escape the message, because the message can contain names of fields.
    fn emit(&self, layout: &Layout) -> Result<Vec<u8>, String> {
        let name = self.name.as_deref();
        match self.language {
            Some(Language::C) => {
                layout.to_c(name.unwrap_or("item")).map(String::into_bytes).map_err(|error| error.to_string())
            }
            Some(Language::Rust) => {
                layout.to_rust(name.unwrap_or("Item")).map(String::into_bytes).map_err(|error| error.to_string())
            }
            Some(Language::Numpy) => python(layout, name, PythonLibrary::NumPy),
            Some(Language::Ctypes) => python(layout, name, PythonLibrary::Ctypes),
            Some(Language::Construct) => python(layout, name, PythonLibrary::Construct),
            Some(Language::Dissect) => python(layout, name, PythonLibrary::Dissect),
            Some(Language::PythonRecord) => python(layout, name, PythonLibrary::Record),
            #[cfg(feature = "arrow")]
            Some(Language::ArrowSchema) => arrow_source::schema(layout, name.unwrap_or("item")).map(String::into_bytes),
            Some(Language::Kaitai) => source(layout, name, SourceLanguage::Kaitai),
            Some(Language::ImHex) => source(layout, name, SourceLanguage::ImHex),
            Some(Language::Go) => source(layout, name, SourceLanguage::Go),
            Some(Language::Zig) => source(layout, name, SourceLanguage::Zig),
            Some(Language::Julia) => source(layout, name, SourceLanguage::Julia),
            None => layout.emit(self.target).map_err(|error| error.to_string()),
        }
    }
}

/// Returns the Python source that describes `layout` for `library`. `name` is the name of the type, or `None` for
/// `item`. If `library` cannot describe `layout`, returns the error message.
fn python(layout: &Layout, name: Option<&str>, library: PythonLibrary) -> Result<Vec<u8>, String> {
    let source = layout.to_python(name.unwrap_or("item"), library);
    source.map(String::into_bytes).map_err(|error| error.to_string())
}

/// Returns the description of `layout` in `language`. `name` is the name of the type, or `None` for `item`. If
/// `language` cannot describe `layout`, returns the error message.
fn source(layout: &Layout, name: Option<&str>, language: SourceLanguage) -> Result<Vec<u8>, String> {
    let source = layout.to_source(name.unwrap_or("item"), language);
    source.map(String::into_bytes).map_err(|error| error.to_string())
}

/// Writes `reply` as JSON. Returns [`Failed`](Status::Failed) if `reply` is an error.
fn write_json(reply: &Reply<EmitJson>) -> Result<Status, Failure> {
    let mut out = io::stdout().lock();
    json::write_pretty(&mut out, reply)?;
    out.flush()?;
    Ok(if matches!(reply, Reply::Ok(_)) { Status::Done } else { Status::Failed })
}

/// Returns the failure with the escaped `message`, which can contain names of fields.
fn refused(message: String) -> Failure {
    Failure::refused(escape(message.as_bytes()))
}

/// Returns an error if `emitted` contains bytes that are not UTF-8, or a character that `is_allowed` rejects. A
/// terminal could interpret such output as a command. The command refuses the output and does not escape it, because
/// escapes would change the format.
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
