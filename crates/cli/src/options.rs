//! What several commands share: the options `--dialect` and `--model` (`InterpretationOptions`), the parsers of other
//! option values, and the canonical format and the note about type names.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, Command};
use pep3118::{Dialect, Interpretation, Layout, LayoutError, RuleId, Target, reconcile};

use super::escape::escape;
use super::examples;
use super::failure::{Failure, print_error};
use super::hints;
use super::names::{self, NamedModel};

/// The options that select the interpretation of a format.
#[derive(Debug, Args)]
pub(super) struct InterpretationOptions {
    /// The dialect of the producer [default: try all dialects]
    #[arg(long, short, value_parser = dialect_parser(), conflicts_with = "c")]
    pub(super) dialect: Option<&'static Dialect>,
    /// The machine of the producer: a model (lp64, aarch64, s390x, llp64, i386, ilp32, wasm32, host), an
    /// alias (linux64, linux32, win64, windows, arm64, mac) or a target triple
    #[arg(long, short, default_value = "host", value_parser = model_parser(), hide_possible_values = true)]
    pub(super) model: NamedModel,
}

impl InterpretationOptions {
    /// Returns the only interpretation of `format`. If `itemsize` is `Some`, the interpretation has this size in bytes.
    /// The error of an ambiguous format contains all interpretations.
    pub(super) fn reconcile(&self, format: &[u8], itemsize: Option<u64>) -> Result<Interpretation, LayoutError> {
        reconcile(format, itemsize, self.dialect, &self.model.model)
    }

    /// Returns the only interpretation of `format`. If `itemsize` is `Some`, the interpretation has this size in bytes.
    /// If `format` is also the name of a type, such as `int`, writes a note to standard error. Returns an error if
    /// `format` is invalid or ambiguous.
    pub(super) fn interpret(&self, format: &[u8], itemsize: Option<u64>) -> Result<Interpretation, Failure> {
        let found = self.reconcile(format, itemsize).map_err(|error| self.refused(&error, format, itemsize))?;
        note_type_name(format);
        Ok(found)
    }

    /// Returns the failure for `error`, which [`reconcile`](Self::reconcile) returned for `format` and `itemsize`. The
    /// command must read all bytes of the file `input` after the first `skip` bytes. If the format is ambiguous, the
    /// help line lists the dialects whose item size divides the number of these bytes.
    pub(super) fn refused_for_file(
        &self,
        error: &LayoutError,
        format: &[u8],
        itemsize: Option<u64>,
        input: &Path,
        skip: u64,
    ) -> Failure {
        let file = fs::metadata(input).ok().filter(fs::Metadata::is_file);
        let bytes = file.and_then(|file| file.len().checked_sub(skip)).filter(|bytes| *bytes > 0);
        let ambiguous = error.ambiguity().zip(bytes);
        match ambiguous.and_then(|(ambiguity, bytes)| hints::help_from_input_length(ambiguity, bytes)) {
            Some(help) => Failure::Refused(error.diagnostic().with_help(help).colored()),
            None => self.refused(error, format, itemsize),
        }
    }

    /// Returns a suggestion for an input of `bytes` bytes, which are not a whole number of items of `format`: another
    /// interpretation in which they are. Returns `None` if there is none.
    pub(super) fn help_for_length(&self, format: &[u8], bytes: u64) -> Option<String> {
        hints::help_for_length(format, bytes, self.dialect, &self.model)
    }

    /// Returns the failure for `error`, which [`reconcile`](Self::reconcile) returned for `format` and `itemsize`.
    pub(super) fn refused(&self, error: &LayoutError, format: &[u8], itemsize: Option<u64>) -> Failure {
        hints::refused(error, format, itemsize, self.dialect, &self.model)
    }
}

/// Returns the canonical format of `layout`, the layout of C source. Escaping does not change the format, because names
/// in C source are visible ASCII. Returns the escaped message of the error if the layout has no canonical format, for
/// example if two fields share bytes.
pub(super) fn canonical(layout: &Layout) -> Result<String, String> {
    match layout.emit(Target::Canonical) {
        Ok(format) => Ok(escape(&format).into_owned()),
        Err(error) => Err(escape(error.to_string().as_bytes()).into_owned()),
    }
}

/// Writes a note to standard error if `format` is also the name of a type, such as `int`. The note contains the formats
/// in `format`, such as `i`, `n` and `t`, and the format of the type, such as `i`.
pub(super) fn note_type_name(format: &[u8]) {
    if let Some(note) = hints::type_name_note(format) {
        print_error(&note);
    }
}

/// The parser of an option value for which a shell completes known names. The parser also accepts other values.
#[derive(Clone)]
pub(super) struct CompletedParser<T> {
    /// Returns the value for a text, or the message of an error.
    parse: fn(&str) -> Result<T, String>,
    /// Returns the names that a shell completes.
    names: fn() -> Vec<&'static str>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for CompletedParser<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        // clap's parser for functions creates the error message with the name of the argument.
        self.parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.names)().into_iter().map(PossibleValue::new)))
    }
}

/// Returns the parser of the value of `--model`. The help of the option must set `hide_possible_values`, because the
/// values include target triples.
pub(super) fn model_parser() -> CompletedParser<NamedModel> {
    CompletedParser { parse: names::named_model, names: || names::model_names().collect() }
}

/// Returns the parser of the name of a command. The parser accepts every text, so that the caller can suggest a command
/// for an unknown name.
pub(super) fn command_parser() -> CompletedParser<String> {
    CompletedParser { parse: |name| Ok(name.to_owned()), names: examples::commands }
}

/// Returns the parser of the id or name of a rule. The argument must set `hide_possible_values`, because the list of
/// the rules is long.
pub(super) fn rule_parser() -> CompletedParser<RuleId> {
    CompletedParser { parse: names::rule, names: || RuleId::ALL.iter().map(|rule| rule.as_str()).collect() }
}

/// Returns the parser of the value of `--dialect`.
fn dialect_parser() -> impl TypedValueParser<Value = &'static Dialect> {
    PossibleValuesParser::new(names::dialect_names()).try_map(|name| names::dialect(&name))
}

/// Returns the parser of the value of `emit --for`.
pub(super) fn target_parser() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::as_str)).try_map(|name| names::target(&name))
}

/// Returns the bytes of `format`, an argument on the command line. The bytes need not be UTF-8.
pub(super) fn bytes(format: &OsStr) -> &[u8] {
    format.as_encoded_bytes()
}
