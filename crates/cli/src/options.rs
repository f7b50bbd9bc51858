//! Options and arguments that several commands share.

use std::ffi::OsString;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use pep3118::{DataModel, Dialect, Interpretation, LayoutError, Target, reconcile};

use super::failure::{Failure, print_error};
use super::hints;
use super::names;

/// The options that select how a format is interpreted.
#[derive(Debug, Args)]
pub(super) struct InterpretationOptions {
    /// The dialect of the producer; without it, all dialects are tried
    #[arg(long, short, value_parser = dialect_parser())]
    pub(super) dialect: Option<&'static Dialect>,
    /// The machine of the producer: lp64, aarch64, s390x, llp64, i386, ilp32, wasm32, host; another name
    /// of one (linux64, linux32, win64, windows, arm64, mac); or a target triple
    #[arg(long, short, default_value = "host", value_parser = named_model)]
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
pub(super) fn named_model(name: &str) -> Result<NamedModel, String> {
    Ok(NamedModel { name: name.to_owned(), model: names::model(name)? })
}

fn dialect_parser() -> impl TypedValueParser<Value = &'static Dialect> {
    PossibleValuesParser::new(names::dialect_names()).try_map(|name| names::dialect(&name))
}

/// Returns the parser of the reader for which a format is emitted.
pub(super) fn target_parser() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::as_str)).try_map(|name| names::target(&name))
}

/// Returns the bytes of a format on the command line, which need not be UTF-8.
pub(super) fn bytes(format: &OsString) -> &[u8] {
    format.as_encoded_bytes()
}
