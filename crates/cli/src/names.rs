//! Look-up of dialects, data models and targets by name, with a suggestion for a name that is misspelled.
//!
//! The command and the Python package use the same names and messages.

use pep3118::__private::escape;
use pep3118::{DataModel, Dialect, Target};

/// Other names of data models, and the model or target triple of each.
const MODEL_ALIASES: [(&str, &str); 6] = [
    ("linux64", "lp64"),
    ("linux32", "i386"),
    ("win64", "llp64"),
    ("windows", "llp64"),
    ("arm64", "aarch64"),
    ("mac", "aarch64-apple-darwin"),
];

/// Bytes of the longest name that is compared with others.
const LONGEST_NAME: usize = 64;

/// Returns the data model of a name, an alias or a target triple.
///
/// # Errors
/// - an unknown name: a message, with the name escaped
pub fn model(name: &str) -> Result<DataModel, String> {
    let alias = MODEL_ALIASES.iter().find(|(alias, _)| *alias == name);
    let known = alias.map_or(name, |(_, known)| known);
    DataModel::by_name(known).map_or_else(|| DataModel::from_triple(known), Ok).map_err(|error| {
        let names = DataModel::ALL.map(|model| model.name);
        let aliases = MODEL_ALIASES.map(|(alias, _)| alias);
        let near = did_you_mean(name, names.into_iter().chain(["host"]).chain(aliases));
        format!("{error}; named models are {}, host{near}", names.join(", "))
    })
}

/// Returns the dialect of a name.
///
/// # Errors
/// - an unknown name: a message, with the name escaped
pub fn dialect(name: &str) -> Result<&'static Dialect, String> {
    Dialect::by_name(name).ok_or_else(|| unknown("dialect", name, dialect_names()))
}

/// Returns the target of a name.
///
/// # Errors
/// - an unknown name: a message, with the name escaped
pub fn target(name: &str) -> Result<Target, String> {
    Target::by_name(name).ok_or_else(|| unknown("target", name, Target::ALL.map(Target::as_str)))
}

/// Returns the names of all dialects.
pub(super) fn dialect_names() -> impl Iterator<Item = &'static str> {
    Dialect::ALL.into_iter().chain(Dialect::VARIANTS).map(|dialect| dialect.name)
}

/// Makes the message for an unknown name: the nearest name, or all names if none is near.
fn unknown(what: &str, name: &str, names: impl IntoIterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let near = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}s are {}", names.join(", ")),
    };
    format!("unknown {what} `{}`; {near}", escape(name))
}

/// Returns the candidate that is most like a name, if it is like it at all.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // The distance takes quadratic time and memory, and names of the input can be long.
    if name.len() > LONGEST_NAME {
        return None;
    }
    let name = name.to_lowercase();
    let len = name.chars().count();
    // One change for each three characters, and not of a name's only character.
    let most = (len / 3).max(1).min(len.saturating_sub(1));
    let distance = |candidate: &str| strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
    let is_near = |candidate: &&str| {
        distance(candidate) <= most || (len > 2 && candidate.to_lowercase().starts_with(name.as_str()))
    };
    let candidates = candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST_NAME);
    candidates.filter(is_near).min_by_key(|candidate| distance(candidate))
}

/// Returns the end of a message about an unknown name: `; did you mean `numpy`?`
pub(super) fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(name, candidates).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
