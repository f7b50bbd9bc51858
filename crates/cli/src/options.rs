//! Options that several commands share.

use std::ffi::OsString;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use pep3118::{DataModel, Dialect, Target};

/// Who reads, and on which machine.
#[derive(Debug, Args)]
pub(super) struct Reader {
    /// The dialect of the producer; all rules are tried if it is left out
    #[arg(long, short, value_parser = dialect_parser())]
    pub(super) dialect: Option<&'static Dialect>,
    /// The machine: a name (lp64, aarch64, s390x, llp64, i386, ilp32, wasm32, host) or a target triple
    #[arg(long, short, default_value = "host", value_parser = model)]
    pub(super) model: Model,
}

/// A data model under the name by which it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) model: DataModel,
}

/// A model by name, else by target triple.
pub(super) fn model(name: &str) -> Result<Model, String> {
    let found = match DataModel::by_name(name) {
        Some(model) => Ok(model),
        None => DataModel::from_triple(name),
    };
    match found {
        Ok(model) => Ok(Model { name: name.to_owned(), model }),
        Err(error) => Err(format!("{error}; named models are {}", model_names())),
    }
}

fn model_names() -> String {
    let names: Vec<&str> = DataModel::ALL.iter().map(|model| model.name).collect();
    format!("{}, host", names.join(", "))
}

fn dialect_parser() -> impl clap::builder::TypedValueParser<Value = &'static Dialect> {
    PossibleValuesParser::new(Dialect::ALL.into_iter().chain(Dialect::VARIANTS).map(|dialect| dialect.name))
        .map(|name| Dialect::by_name(&name).unwrap_or(&Dialect::PEP3118))
}

pub(super) fn target_parser() -> impl clap::builder::TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::as_str))
        .map(|name| Target::by_name(&name).unwrap_or(Target::Canonical))
}

/// The bytes of a format on the command line, which need not be UTF-8.
pub(super) fn bytes(format: &OsString) -> &[u8] {
    format.as_encoded_bytes()
}
