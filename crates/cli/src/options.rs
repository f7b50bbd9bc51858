//! Options and arguments that several commands share.

use std::ffi::OsString;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use pep3118::{DataModel, Dialect, Interpretation, LayoutError, Target, reconcile};

use super::failure::{Failure, print_error};
use super::hints;

/// Other names of data models, and the model or target triple of each.
const MODEL_ALIASES: [(&str, &str); 6] = [
    ("linux64", "lp64"),
    ("linux32", "i386"),
    ("win64", "llp64"),
    ("windows", "llp64"),
    ("arm64", "aarch64"),
    ("mac", "aarch64-apple-darwin"),
];

/// The options that select how a format is interpreted.
#[derive(Debug, Args)]
pub(super) struct InterpretationOptions {
    /// The dialect of the producer; without it, all dialects are tried
    #[arg(long, short, value_parser = dialect_parser())]
    pub(super) dialect: Option<&'static Dialect>,
    /// The machine of the producer: lp64, aarch64, s390x, llp64, i386, ilp32, wasm32, host; another name
    /// of one (linux64, linux32, win64, windows, arm64, mac); or a target triple
    #[arg(long, short, default_value = "host", value_parser = model)]
    pub(super) model: NamedModel,
}

impl InterpretationOptions {
    /// Returns the interpretation of a format, or an error, with all interpretations if there are several.
    pub(super) fn reconcile(&self, format: &[u8], itemsize: Option<u64>) -> Result<Interpretation, LayoutError> {
        reconcile(format, itemsize, self.dialect, &self.model.model)
    }

    /// Returns the only interpretation of a format, and notes on standard error if the format is the
    /// name of a type.
    pub(super) fn interpret(&self, format: &[u8], itemsize: Option<u64>) -> Result<Interpretation, Failure> {
        let found = self.reconcile(format, itemsize).map_err(|error| self.refused(&error, format, itemsize))?;
        note_type_name(format);
        Ok(found)
    }

    /// Makes the failure of a format that has no interpretation, or several.
    pub(super) fn refused(&self, error: &LayoutError, format: &[u8], itemsize: Option<u64>) -> Failure {
        hints::refused(error, format, itemsize, self.dialect, &self.model)
    }
}

/// Writes a note to standard error if a format is the name of a type.
pub(super) fn note_type_name(format: &[u8]) {
    if let Some(note) = hints::type_name_note(format) {
        print_error(&note);
    }
}

/// A data model and the name that the user gave.
#[derive(Clone, Debug)]
pub(super) struct NamedModel {
    pub(super) name: String,
    pub(super) model: DataModel,
}

/// Returns the data model of a name, an alias or a target triple.
pub(super) fn model(name: &str) -> Result<NamedModel, String> {
    let alias = MODEL_ALIASES.iter().find(|(alias, _)| *alias == name);
    let known = alias.map_or(name, |(_, known)| known);
    let found = DataModel::by_name(known).map_or_else(|| DataModel::from_triple(known), Ok);
    match found {
        Ok(model) => Ok(NamedModel { name: name.to_owned(), model }),
        Err(error) => {
            let names = DataModel::ALL.map(|model| model.name);
            let aliases = MODEL_ALIASES.map(|(alias, _)| alias);
            let near = hints::did_you_mean(name, names.into_iter().chain(["host"]).chain(aliases));
            Err(format!("{error}; named models are {}, host{near}", names.join(", ")))
        }
    }
}

/// Returns the dialect of a name.
pub(super) fn dialect(name: &str) -> Result<&'static Dialect, String> {
    Dialect::by_name(name).ok_or_else(|| {
        let near = hints::did_you_mean(name, dialect_names());
        format!("unknown dialect `{name}`{near}")
    })
}

/// Returns the names of all dialects.
fn dialect_names() -> impl Iterator<Item = &'static str> {
    Dialect::ALL.into_iter().chain(Dialect::VARIANTS).map(|dialect| dialect.name)
}

fn dialect_parser() -> impl TypedValueParser<Value = &'static Dialect> {
    PossibleValuesParser::new(dialect_names()).try_map(|name| dialect(&name))
}

/// Returns the parser of the reader for which a format is emitted.
pub(super) fn target_parser() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::as_str))
        .try_map(|name| Target::by_name(&name).ok_or_else(|| format!("unknown target `{name}`")))
}

/// Returns the bytes of a format on the command line, which need not be UTF-8.
pub(super) fn bytes(format: &OsString) -> &[u8] {
    format.as_encoded_bytes()
}
