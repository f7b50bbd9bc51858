//! Finds dialects, data models, emit targets and rules by name, and suggests a name for a misspelled one.
//!
//! The Python package also calls these functions, so the command and the package have the same messages.

use pep3118::__private::escape;
use pep3118::{DataModel, Dialect, Request, RequestError, RuleId, Target};

/// The aliases of data models, as (alias, name of the model or target triple).
const MODEL_ALIASES: [(&str, &str); 6] = [
    ("linux64", "lp64"),
    ("linux32", "i386"),
    ("win64", "llp64"),
    ("windows", "llp64"),
    ("arm64", "aarch64"),
    ("mac", "aarch64-apple-darwin"),
];

/// The length in bytes of the longest name that [`nearest`] compares. Comparing two names takes time and
/// memory proportional to the product of their lengths, and a name in the input can be very long.
const LONGEST_NAME: usize = 64;

/// Returns the data model `name`: the name of a model, `host`, an alias or a target triple.
///
/// # Errors
/// - `name` is unknown: returns a message that contains the escaped `name`
pub fn model(name: &str) -> Result<DataModel, String> {
    let alias = MODEL_ALIASES.iter().find(|(alias, _)| *alias == name);
    let known = alias.map_or(name, |(_, known)| known);
    DataModel::by_name(known).map_or_else(|| DataModel::from_triple(known), Ok).map_err(|error| {
        let names = DataModel::ALL.map(|model| model.name);
        let near = did_you_mean(name, model_names());
        format!("{error}; named models are {}, host{near}", names.join(", "))
    })
}

/// A data model, and the name of the data model that the user gave.
#[derive(Clone, Debug)]
pub(super) struct NamedModel {
    pub(super) name: String,
    pub(super) model: DataModel,
}

/// Parses `name`, the value of `--model`: a model name, an alias or a target triple. If `name` is unknown, returns the
/// error message.
pub(super) fn named_model(name: &str) -> Result<NamedModel, String> {
    Ok(NamedModel { name: name.to_owned(), model: model(name)? })
}

/// Parses `text`, the id or the name of a rule.
///
/// # Errors
/// - `text` is neither an id nor a name: returns a message that suggests the nearest id or name
pub fn rule(text: &str) -> Result<RuleId, String> {
    text.parse().map_err(|error: <RuleId as std::str::FromStr>::Err| {
        let names = RuleId::ALL.iter().flat_map(|rule| [rule.as_str(), rule.name()]);
        format!("{error}{}", did_you_mean(text, names))
    })
}

/// Returns the dialect, or the variant of a dialect, named `name`.
///
/// # Errors
/// - `name` is unknown: returns a message that contains the escaped `name`
pub fn dialect(name: &str) -> Result<&'static Dialect, String> {
    Dialect::by_name(name).ok_or_else(|| unknown("dialect", name, dialect_names()))
}

/// Returns the emit target named `name`.
///
/// # Errors
/// - `name` is unknown: returns a message that contains the escaped `name`
pub fn target(name: &str) -> Result<Target, String> {
    Target::by_name(name).ok_or_else(|| unknown("target", name, Target::ALL.map(Target::as_str)))
}

/// Parses `text`, a request such as `FULL_RO`. Accepts flags that contradict each other, because `check` reports the
/// broken rules of such a request.
///
/// # Errors
/// - `text` contains an unknown name: returns a message that suggests the nearest name
pub(super) fn request(text: &str) -> Result<Request, String> {
    text.parse().or_else(|error| match error {
        RequestError::Flags(error) => Ok(Request::from_bits_retain(error.flags())),
        RequestError::Name { ref name } => {
            let requests: Vec<String> = Request::ALL_LEGAL.iter().map(Request::to_string).collect();
            let names = requests.iter().flat_map(|request| request.split('|'));
            Err(format!("{error}{}", did_you_mean(name, names)))
        }
        error => Err(error.to_string()),
    })
}

/// Returns the names of all data models, `host`, and the aliases.
pub(super) fn model_names() -> impl Iterator<Item = &'static str> {
    let names = DataModel::ALL.map(|model| model.name);
    names.into_iter().chain(["host"]).chain(MODEL_ALIASES.map(|(alias, _)| alias))
}

/// Returns the names of all dialects and of their variants.
pub(super) fn dialect_names() -> impl Iterator<Item = &'static str> {
    Dialect::ALL.into_iter().chain(Dialect::VARIANTS).map(|dialect| dialect.name)
}

/// Returns the error message for an unknown `name`. The message suggests the nearest of `names`. If no name is near,
/// the message lists all `names`. `what` is the noun for the message, such as `dialect`.
fn unknown(what: &str, name: &str, names: impl IntoIterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let near = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}s are {}", names.join(", ")),
    };
    format!("unknown {what} `{}`; {near}", escape(name))
}

/// Returns the candidate that the user most likely meant by the misspelled `name`. Ignores upper and lower case.
///
/// A candidate is *near* if changes of at most a third of the characters of `name` produce the candidate, or if the
/// candidate starts with `name` and `name` has at least 3 characters. Returns `None` if no candidate is near or `name`
/// is too long.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let name = name.to_lowercase();
    let len = name.chars().count();
    // At least one change is allowed, except for a name of one character. With one change, every candidate of one
    // character would be near a name of one character.
    let max_changes = (len / 3).max(1).min(len.saturating_sub(1));
    let distance = |candidate: &str| strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
    let is_near = |candidate: &&str| {
        distance(candidate) <= max_changes || (len > 2 && candidate.to_lowercase().starts_with(name.as_str()))
    };
    let candidates = candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST_NAME);
    candidates.filter(is_near).min_by_key(|candidate| distance(candidate))
}

/// Returns the end of an error message about the unknown `name`, such as ``; did you mean `numpy`?``. Returns an empty
/// string if none of `candidates` is near `name`.
pub(super) fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(name, candidates).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
