//! Help lines that name an option or a format that works for the call that failed.

use pep3118::__private::plural;
use pep3118::{Ambiguity, DataModel, Dialect, Interpretation, LayoutError, LayoutErrorKind, calcsize_in, reconcile};

use super::escape::escape;
use super::failure::Failure;
use super::options::NamedModel;

/// Models to try for an itemsize that does not fit, with the system that a user knows.
const MODELS: [(DataModel, &str); 5] = [
    (DataModel::LLP64, "64-bit Windows"),
    (DataModel::LP64, "64-bit Linux and macOS"),
    (DataModel::I386, "32-bit Linux on x86"),
    (DataModel::ILP32, "32-bit arm and Windows"),
    (DataModel::WASM32, "WebAssembly"),
];

/// Names of C types and of NumPy's types whose size does not depend on a number in the name.
const TYPE_NAMES: [(&str, &str); 37] = [
    ("char", "c"),
    ("signed char", "b"),
    ("unsigned char", "B"),
    ("byte", "b"),
    ("ubyte", "B"),
    ("short", "h"),
    ("unsigned short", "H"),
    ("ushort", "H"),
    ("int", "i"),
    ("signed int", "i"),
    ("unsigned", "I"),
    ("unsigned int", "I"),
    ("uint", "I"),
    ("long", "l"),
    ("long int", "l"),
    ("unsigned long", "L"),
    ("ulong", "L"),
    ("long long", "q"),
    ("longlong", "q"),
    ("unsigned long long", "Q"),
    ("ulonglong", "Q"),
    ("size_t", "N"),
    ("ssize_t", "n"),
    ("Py_ssize_t", "n"),
    ("usize", "N"),
    ("isize", "n"),
    ("intp", "n"),
    ("uintp", "N"),
    ("half", "e"),
    ("float", "f"),
    ("single", "f"),
    ("double", "d"),
    ("long double", "g"),
    ("longdouble", "g"),
    ("bool", "?"),
    ("_Bool", "?"),
    ("void*", "P"),
];

/// Types with a size in their name: NumPy's type strings (`<f8`, in bytes) and names of NumPy, C and Rust
/// (`float64`, `uint16_t`, `u32`, in bits).
const SIZED_TYPES: [(&str, u64, &str); 35] = [
    ("int", 8, "b"),
    ("int", 16, "h"),
    ("int", 32, "i"),
    ("int", 64, "q"),
    ("uint", 8, "B"),
    ("uint", 16, "H"),
    ("uint", 32, "I"),
    ("uint", 64, "Q"),
    ("float", 16, "e"),
    ("float", 32, "f"),
    ("float", 64, "d"),
    ("complex", 64, "Zf"),
    ("complex", 128, "Zd"),
    ("b", 1, "?"),
    ("i", 1, "b"),
    ("i", 2, "h"),
    ("i", 4, "i"),
    ("i", 8, "q"),
    ("i", 16, "h"),
    ("i", 32, "i"),
    ("i", 64, "q"),
    ("u", 1, "B"),
    ("u", 2, "H"),
    ("u", 4, "I"),
    ("u", 8, "Q"),
    ("u", 16, "H"),
    ("u", 32, "I"),
    ("u", 64, "Q"),
    ("f", 2, "e"),
    ("f", 4, "f"),
    ("f", 8, "d"),
    ("f", 32, "f"),
    ("f", 64, "d"),
    ("c", 8, "Zf"),
    ("c", 16, "Zd"),
];

/// Bytes of the longest format that is tried in other ways. A person does not type a longer one, and each
/// way takes as long as the call that failed.
const LONGEST_FORMAT: usize = 1 << 12;

/// Returns the format of a type in another notation: of `<f8`, `float64`, `double` or `uint16_t`.
fn format_of_type(text: &str) -> Option<String> {
    let word = text.strip_prefix("npy_").or_else(|| text.strip_prefix("np.")).unwrap_or(text);
    if let Some((_, format)) = TYPE_NAMES.iter().find(|(name, _)| *name == word) {
        return Some((*format).to_owned());
    }
    let order = word.get(..1).filter(|order| matches!(*order, "<" | ">" | "=" | "|")).unwrap_or_default();
    let word = word.strip_prefix(order)?;
    let word = word.strip_suffix("_t").unwrap_or(word);
    let (kind, digits) = word.split_at_checked(word.find(|character: char| character.is_ascii_digit())?)?;
    let size: u64 = digits.parse().ok()?;
    let order = if order == "|" { "" } else { order };
    match kind {
        "S" | "a" => return Some(format!("{order}{size}s")),
        "U" => return Some(format!("{order}{size}w")),
        "V" => return Some(format!("{order}{size}x")),
        _ => {}
    }
    // A type with a size has that size on every machine, as codes have after `=`.
    let order = if order.is_empty() { "=" } else { order };
    let found = SIZED_TYPES.iter().find(|(name, each, _)| *name == kind && *each == size);
    found.map(|(_, _, format)| match *format {
        // One byte has no order.
        "b" | "B" | "?" => (*format).to_owned(),
        format => format!("{order}{format}"),
    })
}

/// Returns a note for a type name that is a format too, with another meaning: `int` is `i`, `n`, `t`.
pub(super) fn type_name_note(format: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(format).ok()?;
    // A code alone, or with a byte order, is not a type name: `f`, `<i`.
    let of_type = format_of_type(text).filter(|_| text.len() > 2)?;
    let codes: Vec<String> = text.chars().map(|code| format!("`{code}`")).collect();
    Some(format!("note: `{text}` is read as the formats {}; the type {text} is `{of_type}`", codes.join(", ")))
}

/// Makes the failure of a call with a format: the message of the library, with a help line of the
/// command where there is one.
pub(super) fn refused(
    error: &LayoutError,
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &NamedModel,
) -> Failure {
    let diagnostic = error.diagnostic();
    Failure::Refused(match help(error, format, itemsize, dialect, &model.model) {
        Some(help) => diagnostic.with_help(help).colored(),
        None => diagnostic.colored(),
    })
}

/// Returns a help line with the dialects in which `bytes` are a whole number of items, if they are not in
/// the other dialects.
pub(super) fn help_of_length(ambiguity: &Ambiguity, bytes: u64) -> Option<String> {
    let all = ambiguity.alternatives();
    let is_whole = |found: &&Interpretation| bytes.checked_rem(found.layout.size()) == Some(0);
    let whole: Vec<String> =
        all.iter().filter(is_whole).map(|found| format!("`--dialect {}`", found.dialect)).collect();
    if whole.is_empty() || whole.len() == all.len() {
        return None;
    }
    let bytes = plural(bytes, "byte");
    Some(format!("{bytes} are a whole number of items only with {}", whole.join(" or ")))
}

/// Returns a help line of which each format and each option in backquotes works.
fn help(
    error: &LayoutError,
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &DataModel,
) -> Option<String> {
    if let Some(ambiguity) = error.ambiguity() {
        let dialects = ambiguity.alternatives().iter().map(|found| format!("`--dialect {}`", found.dialect));
        return Some(format!("choose one: {}", dialects.collect::<Vec<_>>().join(" or ")));
    }
    if format.len() > LONGEST_FORMAT {
        return None;
    }
    let works =
        |format: &[u8], itemsize, dialect, model: &DataModel| reconcile(format, itemsize, dialect, model).is_ok();
    if let Some(meant) = std::str::from_utf8(format).ok().and_then(format_of_type)
        && works(meant.as_bytes(), itemsize, dialect, model)
    {
        let rust = match format {
            b"i8" => "; Rust's i8 is `b`",
            b"u8" => "; Rust's u8 is `B`",
            _ => "",
        };
        return Some(format!("the type {} is `{meant}`{rust}", escape(format)));
    }
    let others = || Dialect::ALL.into_iter().find(|other| works(format, itemsize, Some(*other), model));
    match error.kind() {
        LayoutErrorKind::ItemsizeMismatch { itemsize, sizes } => {
            let size = plural(*itemsize, "byte");
            let itemsize = Some(*itemsize);
            let (mut ways, mut later) = (Vec::new(), Vec::new());
            if !format.starts_with(b"=") {
                let prefixed = |order: u8| [&[order], format.strip_prefix(b"@").unwrap_or(format)].concat();
                let (packed, standard) = (prefixed(b'^'), prefixed(b'='));
                let is_packed = calcsize_in(&packed, &Dialect::PEP3118, model).ok() == itemsize;
                if works(&standard, itemsize, dialect, model) {
                    let what = if is_packed { "without padding" } else { "with standard sizes and no padding" };
                    ways.push(format!("{size} is the size {what}: `{}`", escape(&standard)));
                }
                // Standard sizes are the less likely cause, if they are not the sizes of the machine.
                if !is_packed {
                    later.append(&mut ways);
                }
            }
            let other_model =
                |(other, _): &&(DataModel, &str)| other.name != model.name && works(format, itemsize, dialect, other);
            if let Some((other, system)) = MODELS.iter().find(other_model) {
                ways.push(format!("{size} on {other} ({system}): `--model {other}`"));
            }
            if dialect.is_some()
                && let Some(other) = others()
            {
                ways.push(format!("{size} in dialect {other}: `--dialect {other}`"));
            }
            ways.append(&mut later);
            if ways.is_empty() {
                let described = sizes.iter().find(|found| works(format, Some(found.size), dialect, model))?;
                let size = plural(described.size, "byte");
                // Before CPython 3.12, ctypes wrote no padding, so the format of a structure is too short.
                let cause = if described.dialect == Dialect::CTYPES.name {
                    "ctypes before CPython 3.12 left padding out; "
                } else {
                    ""
                };
                ways.push(format!("{cause}the format describes {size}: `--itemsize {}`", described.size));
            }
            Some(ways.join("; or "))
        }
        LayoutErrorKind::Code { .. } | LayoutErrorKind::Construct { .. } if dialect.is_some() => {
            others().map(|other| format!("dialect {other} reads it: `--dialect {other}`"))
        }
        _ => None,
    }
}
