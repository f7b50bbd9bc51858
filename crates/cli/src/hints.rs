//! Help lines for formats that are refused, and notes for valid formats that the user may have meant otherwise. `help`
//! suggests an argument or a format with which the failed call succeeds.

use pep3118::__private::{plural, plural_is};
use pep3118::{
    Ambiguity, DataModel, Dialect, Interpretation, Layout, LayoutError, LayoutErrorKind, calcsize_in, reconcile,
};

use super::escape::escape;
use super::failure::Failure;
use super::names::NamedModel;
use super::pack_template::{ends_in_byte_order, format_of_template};

/// The data models that [`help`] tries if the itemsize does not match the format, as (data model, name of a platform
/// with this model).
const MODELS: [(DataModel, &str); 5] = [
    (DataModel::LLP64, "64-bit Windows"),
    (DataModel::LP64, "64-bit Linux and macOS"),
    (DataModel::I386, "32-bit Linux on x86"),
    (DataModel::ILP32, "32-bit arm and Windows"),
    (DataModel::WASM32, "WebAssembly"),
];

/// Type names of C and NumPy without a size in the name, as (type name, format).
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

/// Type names with a size, as (name, size, format). The size is in bytes for NumPy's type strings, such as
/// `f8`. It is in bits for names of NumPy, C and Rust, such as `float64`, `uint16_t` and `u32`.
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

/// The length in bytes of the longest format for which [`help`] tries alternatives. Each alternative takes as long as
/// the failed call, and people rarely type a longer format.
const LONGEST_FORMAT: usize = 1 << 12;

/// Writes the arguments of the failed call for a help line: options of the command, or keyword arguments of a Python
/// function. `model` and `itemsize` return `None` if the call has no such argument.
pub trait Arguments {
    /// Returns the text of the argument that selects the dialect `name`.
    fn dialect(&self, name: &str) -> String;
    /// Returns the text of the argument that selects the data model `name`. Returns `None` if the failed call has no
    /// argument for the data model.
    fn model(&self, name: &str) -> Option<String>;
    /// Returns the text of the argument that gives the itemsize `size` in bytes, such as `--itemsize 8`. Returns `None`
    /// if the failed call has no argument for the itemsize.
    fn itemsize(&self, size: u64) -> Option<String>;
}

/// The options of the command `pep3118`, for help lines of the command.
struct CommandOptions;

impl Arguments for CommandOptions {
    fn dialect(&self, name: &str) -> String {
        format!("--dialect {name}")
    }

    fn model(&self, name: &str) -> Option<String> {
        Some(format!("--model {name}"))
    }

    fn itemsize(&self, size: u64) -> Option<String> {
        Some(format!("--itemsize {size}"))
    }
}

/// Returns the format of the type `text`. `text` is a type name such as `float64`, `double` or `uint16_t`, or a type
/// string of NumPy such as `<f8`. For a number with a size but without a byte order, such as `int32`, the format starts
/// with `=`, except for a size of 1 byte. Returns `None` if `text` is not a known type.
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
    // A type name with a size, such as `int32`, means the same size on every machine. A format character without a
    // byte-order character has the native size of its C type. The suggested format therefore starts with `=`, which
    // selects the standard size.
    let order = if order.is_empty() { "=" } else { order };
    let found = SIZED_TYPES.iter().find(|(name, each, _)| *name == kind && *each == size);
    found.map(|(_, _, format)| match *format {
        // A type of one byte has no byte order, so the byte-order character is left out.
        "b" | "B" | "?" => (*format).to_owned(),
        format => format!("{order}{format}"),
    })
}

/// Returns a note if `format`, which must be valid, is also a type name of at least 3 characters, or a template of
/// `pack` that ends with a byte-order character. For example, `int` is a format of the three items `i`, `n` and `t`, and
/// the template `l<` has the format `<i`. Returns `None` for any other format.
pub(super) fn type_name_note(format: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(format).ok().filter(|text| text.len() <= LONGEST_FORMAT)?;
    if ends_in_byte_order(text)
        && let Some(meant) = format_of_template(text)
    {
        return Some(format!(
            "note: a byte-order character at the end has no effect; `{text}` in `pack` of Perl and Ruby is `{meant}`"
        ));
    }
    // A format character such as `f`, with or without a byte-order character, is most likely meant as a format, and
    // gets no note.
    let type_format = format_of_type(text).filter(|_| text.len() > 2)?;
    let codes: Vec<String> = text.chars().map(|code| format!("`{code}`")).collect();
    Some(format!("note: `{text}` is read as the formats {}; the type {text} is `{type_format}`", codes.join(", ")))
}

/// Returns a note for the user if NumPy reads `format` with another size than `layout`, the layout for which NumPy
/// writes `format`. `ib` has 5 bytes if NumPy wrote it, but NumPy reads 8 bytes, as C does. Returns `None` if NumPy
/// reads the same size or does not read the format.
pub(super) fn numpy_reader_note(format: &[u8], layout: &Layout, model: &DataModel) -> Option<String> {
    let read = Layout::read(format, &Dialect::NUMPY_READER, model).ok()?;
    let (read, written) = (read.size(), layout.size());
    (read != written).then(|| {
        format!(
            "note: NumPy writes this format for {} but reads it as {}: see `--dialect numpy-reader`",
            plural(written, "byte"),
            plural(read, "byte")
        )
    })
}

/// Returns the failure for `error`, the error of the library for `format`, `itemsize`, `dialect` and `model`.
/// The message has the help line of [`help`], or the help line of the library if [`help`] returns `None`.
pub(super) fn refused(
    error: &LayoutError,
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &NamedModel,
) -> Failure {
    let diagnostic = error.diagnostic();
    Failure::Refused(match help(error, format, itemsize, dialect, &model.model, &CommandOptions) {
        Some(help) => diagnostic.with_help(help).colored(),
        None => diagnostic.colored(),
    })
}

/// Returns a help line for an ambiguous format. `bytes` is the length of the input. The line lists the dialects in
/// which `bytes` is a multiple of the item size. Returns `None` if all dialects or no dialects have this property.
pub(super) fn help_from_input_length(ambiguity: &Ambiguity, bytes: u64) -> Option<String> {
    let all = ambiguity.alternatives();
    let is_whole = |found: &&Interpretation| bytes.checked_rem(found.layout.size()) == Some(0);
    let whole: Vec<String> =
        all.iter().filter(is_whole).map(|found| format!("`--dialect {}`", found.dialect)).collect();
    if whole.is_empty() || whole.len() == all.len() {
        return None;
    }
    let bytes_are = plural_is(bytes, "byte");
    Some(format!("{bytes_are} a whole number of items only with {}", whole.join(" or ")))
}

/// Returns a suggestion for an input of `bytes` bytes, which are not a whole number of items of `format`, `dialect` and
/// `model`. The suggestion is the first interpretation in which they are: another dialect, another data model, or
/// standard sizes without padding. Returns `None` if there is none.
pub(super) fn help_for_length(
    format: &[u8],
    bytes: u64,
    dialect: Option<&Dialect>,
    model: &NamedModel,
) -> Option<String> {
    if format.len() > LONGEST_FORMAT {
        return None;
    }
    let size = |format: &[u8], dialect, model: &DataModel| {
        let size = reconcile(format, None, dialect, model).ok()?.layout.size();
        (bytes.checked_rem(size) == Some(0)).then_some(size)
    };
    let other_dialect = || {
        Dialect::ALL.into_iter().find_map(|other| {
            size(format, Some(other), &model.model).map(|size| (size, CommandOptions.dialect(other.name)))
        })
    };
    let other_model = || {
        MODELS
            .iter()
            .find_map(|(other, _)| size(format, dialect, other).map(|size| (size, format!("--model {}", other.name))))
    };
    let standard = || {
        let standard = [b"=", format.strip_prefix(b"@").unwrap_or(format)].concat();
        size(&standard, dialect, &model.model).map(|size| (size, escape(&standard).into_owned()))
    };
    let (size, change) = other_dialect().or_else(other_model).or_else(standard)?;
    let (bytes_are, size) = (plural_is(bytes, "byte"), plural(size, "byte"));
    Some(format!("{bytes_are} a whole number of items of {size} with `{change}`"))
}

/// Returns a help line for `error`, which the library returned for `format`, `itemsize`, `dialect` and `model`. The
/// help line contains formats and arguments in backquotes, and the call succeeds with each of them. `arguments` writes
/// the arguments. Returns `None` if the call fails with every known alternative, if `format` is longer than
/// `LONGEST_FORMAT` bytes, or if the kind of `error` has no known alternative.
pub fn help(
    error: &LayoutError,
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &DataModel,
    arguments: &dyn Arguments,
) -> Option<String> {
    if let Some(ambiguity) = error.ambiguity() {
        let found = ambiguity.alternatives().iter();
        let dialects = found.map(|found| format!("`{}`", arguments.dialect(found.dialect.name)));
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
    // `S` and `a` alone are more often the letters of NumPy for byte strings.
    if let LayoutErrorKind::Format(_) = error.kind()
        && let Some(template) = std::str::from_utf8(format).ok().filter(|text| !matches!(*text, "S" | "a"))
        && let Some(meant) = format_of_template(template)
        && works(meant.as_bytes(), itemsize, dialect, model)
    {
        return Some(format!("`{}` in `pack` of Perl, Ruby and PHP is `{meant}`", escape(format)));
    }
    let working_dialect = || Dialect::ALL.into_iter().find(|other| works(format, itemsize, Some(*other), model));
    match error.kind() {
        LayoutErrorKind::ItemsizeMismatch { itemsize, sizes } => {
            let size = plural(*itemsize, "byte");
            let itemsize = Some(*itemsize);
            let (mut suggestions, mut unlikely) = (Vec::new(), Vec::new());
            if !format.starts_with(b"=") {
                let prefixed = |order: u8| [&[order], format.strip_prefix(b"@").unwrap_or(format)].concat();
                let (packed, standard) = (prefixed(b'^'), prefixed(b'='));
                let is_packed = calcsize_in(&packed, &Dialect::PEP3118, model).ok() == itemsize;
                if works(&standard, itemsize, dialect, model) {
                    let what = if is_packed { "without padding" } else { "with standard sizes and no padding" };
                    suggestions.push(format!("{size} is the size {what}: `{}`", escape(&standard)));
                }
                // If `format` has native sizes, the wrong size most likely comes from another data model, so the
                // function tries the data models.
                if !is_packed {
                    unlikely.append(&mut suggestions);
                }
            }
            let other_model =
                |(other, _): &&(DataModel, &str)| other.name != model.name && works(format, itemsize, dialect, other);
            if let Some((other, system)) = MODELS.iter().find(other_model)
                && let Some(argument) = arguments.model(other.name)
            {
                suggestions.push(format!("{size} on {other} ({system}): `{argument}`"));
            }
            if dialect.is_some()
                && let Some(other) = working_dialect()
            {
                suggestions.push(format!("{size} in dialect {other}: `{}`", arguments.dialect(other.name)));
            }
            suggestions.append(&mut unlikely);
            if suggestions.is_empty() {
                let described = sizes.iter().find(|found| works(format, Some(found.size), dialect, model))?;
                let argument = arguments.itemsize(described.size)?;
                let size = plural(described.size, "byte");
                // Before CPython 3.12, ctypes omitted padding from the format of a structure. The size that such a
                // format describes is too small.
                let cause = if described.dialect == Dialect::CTYPES.name {
                    "ctypes before CPython 3.12 left padding out; "
                } else {
                    ""
                };
                suggestions.push(format!("{cause}the format describes {size}: `{argument}`"));
            }
            Some(suggestions.join("; or "))
        }
        LayoutErrorKind::Code { .. } | LayoutErrorKind::Construct { .. } if dialect.is_some() => {
            working_dialect().map(|other| format!("dialect {other} reads it: `{}`", arguments.dialect(other.name)))
        }
        _ => None,
    }
}
