//! Random formats ([`format()`], [`nearly_valid_format`]), formats with their layouts ([`layout`]), and random machines
//! ([`data_model`]). [`SEEDS`] and [`TOKENS`] are constants for fuzzers.

use alloc::string::String;
use alloc::vec::Vec;

use ::arbitrary::{Error, Result, Unstructured};

use crate::abi::{DataModel, LongDoubleAbi, LongDoubleFormat};
use crate::format::Code;
use crate::layout::{Dialect, Layout, Placement, Syntax};

/// The maximum size in bytes of an item that [`format()`] and [`layout`] describe.
pub const MAX_ITEMSIZE: u64 = 2048;

/// The maximum depth of nested structures.
const MAX_DEPTH: u32 = 2;

/// Valid formats, one for each construct of the language. A fuzzer can start with these formats.
///
/// ```
/// for seed in pep3118::arbitrary::SEEDS {
///     assert!(pep3118::parse(seed).is_ok(), "{seed}");
/// }
/// ```
pub const SEEDS: &[&str] = &[
    "d",
    "<i",
    ">H",
    "=q",
    "!L",
    "@n",
    "?",
    "c",
    "4s",
    "7p",
    "3x",
    "5w",
    "O",
    "P",
    "e",
    "g",
    "Zd",
    "Zg",
    "ib",
    "2h 3b",
    "(2,3)f",
    "T{i:a:d:b:}",
    "T{<h:id:2x>d:at:}",
    "T{(2)T{f:x:f:y:}:ends:B:flags:}",
    "(3)T{b:kind:(2)H:size:}",
    "^T{i:a:b:c:}",
    "&d",
    "&T{i:a:}",
    "X{}",
    "T{<i:long name:x}",
];

/// Pieces of formats: characters, counts, shapes, names, numbers at which arithmetic overflows, and bytes that are not
/// part of the language. A fuzzer can use the pieces as a dictionary.
pub const TOKENS: &[&str] = &[
    "b",
    "B",
    "h",
    "i",
    "l",
    "q",
    "n",
    "P",
    "e",
    "f",
    "d",
    "g",
    "Zf",
    "Zd",
    "Zg",
    "Ze",
    "Z",
    "F",
    "D",
    "G",
    "?",
    "c",
    "s",
    "p",
    "u",
    "w",
    "t",
    "O",
    "x",
    "z",
    "v",
    "T{",
    "T{",
    "}",
    "}",
    "&",
    "X{}",
    "X{i->d}",
    "[u$p]",
    "@",
    "=",
    "<",
    ">",
    "!",
    "^",
    "0",
    "1",
    "2",
    "3",
    "10",
    "65536",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "(2)",
    "(2,3)",
    "( 2 , 0 )",
    "(65536,65536,65536,65536)",
    "(",
    ")",
    ":a:",
    ":b c:",
    "::",
    ":}:",
    ":",
    " ",
    "\n",
    "\t",
    "\0",
    "\u{e9}",
    "|",
    "-",
];

/// Generates a format that `dialect` accepts on the machine `model`. An item has at most [`MAX_ITEMSIZE`] bytes.
///
/// ```
/// use arbitrary::Unstructured;
/// use pep3118::{DataModel, Dialect, Layout};
/// let mut bytes = Unstructured::new(&[7, 130, 99, 4, 18, 201, 33, 60, 5, 77]);
/// let format = pep3118::arbitrary::format(&mut bytes, &Dialect::NUMPY, &DataModel::LP64)?;
/// assert!(Layout::read(format.as_bytes(), &Dialect::NUMPY, &DataModel::LP64).is_ok());
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - [`Error::IncorrectFormat`]: no format is valid in `dialect` on the machine `model`, for example because `dialect`
///   has no format characters
pub fn format(bytes: &mut Unstructured<'_>, dialect: &Dialect, model: &DataModel) -> Result<String> {
    Ok(layout(bytes, dialect, model)?.0)
}

/// Generates a format that `dialect` accepts on the machine `model`, and returns the format and its layout. The layout
/// has at most [`MAX_ITEMSIZE`] bytes.
///
/// ```
/// use arbitrary::Unstructured;
/// use pep3118::{DataModel, Dialect, calcsize_in};
/// let mut bytes = Unstructured::new(&[7, 130, 99, 4, 18, 201, 33, 60, 5, 77]);
/// let (format, layout) = pep3118::arbitrary::layout(&mut bytes, &Dialect::PEP3118, &DataModel::LP64)?;
/// assert_eq!(calcsize_in(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64), Ok(layout.size()));
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - [`Error::IncorrectFormat`]: no format is valid in `dialect` on the machine `model`, for example because `dialect`
///   has no format characters
pub fn layout(bytes: &mut Unstructured<'_>, dialect: &Dialect, model: &DataModel) -> Result<(String, Layout)> {
    let read = |format: &str| {
        let layout = Layout::read(format.as_bytes(), dialect, model).ok()?;
        (layout.size() <= MAX_ITEMSIZE).then_some(layout)
    };
    let codes: Vec<Code> = Code::ALL.into_iter().filter(|code| dialect.codes.contains(*code)).collect();
    let generator = Generator { dialect, codes: &codes };
    let (mut format, mut accepted) = (String::new(), None);
    for _ in 0..bytes.int_in_range(1..=4)? {
        let len = format.len();
        generator.member(bytes, MAX_DEPTH, &mut format)?;
        match read(&format) {
            Some(layout) => accepted = Some(layout),
            None => format.truncate(len),
        }
    }
    if let Some(layout) = accepted {
        return Ok((format, layout));
    }
    // The dialect refused every generated member, so the result is one format character.
    let found = codes.iter().find_map(|code| Some((code.as_str().into(), read(code.as_str())?)));
    found.ok_or(Error::IncorrectFormat)
}

/// The rules for the members of a format.
struct Generator<'g> {
    dialect: &'g Dialect,
    /// The format characters of the dialect.
    codes: &'g [Code],
}

impl Generator<'_> {
    /// Appends a random member to `out`. The member nests structures at most `depth` levels deep.
    fn member(&self, bytes: &mut Unstructured<'_>, depth: u32, out: &mut String) -> Result<()> {
        let has = |construct| self.dialect.syntax.contains(construct);
        let placement = self.dialect.placement;
        let mut order = "";
        if bytes.ratio(1, 2)? && (placement != Placement::First || out.is_empty()) {
            let orders = ["<", ">", "@", "=", "!", "^"];
            let count = if has(Syntax::UNALIGNED) { 6 } else { 5 };
            order = bytes.choose(orders.get(..count).unwrap_or(&orders))?;
        }
        if placement != Placement::BeforeType {
            out.push_str(order);
        }
        let has_shape = bytes.ratio(1, 3)?;
        if has_shape && has(Syntax::SHAPES) {
            out.push_str(bytes.choose(&["(2)", "(3,2)", "(1)", "(0)", "(2,1,2)"])?);
        }
        if placement == Placement::BeforeType {
            out.push_str(order);
        }
        let mut is_padding = false;
        if depth > 0 && has(Syntax::STRUCTURES) && bytes.ratio(1, 3)? {
            out.push_str("T{");
            for _ in 0..bytes.int_in_range(1..=4)? {
                self.member(bytes, depth.saturating_sub(1), out)?;
            }
            out.push('}');
        } else if has(Syntax::FUNCTIONS) && bytes.ratio(1, 30)? {
            out.push_str("X{}");
        } else {
            if has(Syntax::POINTERS) && bytes.ratio(1, 30)? {
                out.push('&');
            }
            let code = *bytes.choose(self.codes)?;
            is_padding = code == Code::Pad;
            let takes_count = matches!(code, Code::Bytes | Code::Pascal | Code::Pad | Code::Bits)
                || matches!(code, Code::Ucs2 | Code::Ucs4);
            if bytes.ratio(if takes_count { 3 } else { 1 }, 4)? && !(has_shape && has(Syntax::SHAPES) && !takes_count) {
                out.push_str(bytes.choose(&["2", "0", "1", "3", "4", "5", "9", "17"])?);
            }
            out.push_str(code.as_str());
        }
        if has(Syntax::NAMES) && !is_padding && bytes.ratio(3, 4)? {
            out.push_str(bytes.choose(&[":a:", ":b:", ":c:", ":long name:", "::"])?);
        }
        Ok(())
    }
}

/// Generates the bytes of a format that `dialect` accepts or that has errors. Half of the results are sequences of
/// [`TOKENS`] and of random bytes. Each other result is a valid format after one edit at one position, which removes up
/// to 2 bytes and usually inserts a token. An edit that does neither leaves the format valid.
///
/// ```
/// use arbitrary::Unstructured;
/// use pep3118::Dialect;
/// let mut bytes = Unstructured::new(&[7, 130, 99, 4, 18, 201, 33, 60, 5, 77]);
/// let format = pep3118::arbitrary::nearly_valid_format(&mut bytes, &Dialect::STRUCT)?;
/// // The parser returns a tree or an error.
/// let _ = pep3118::parse(&format);
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - [`Error::IncorrectFormat`]: `dialect` has no format
pub fn nearly_valid_format(bytes: &mut Unstructured<'_>, dialect: &Dialect) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    if bytes.arbitrary()? {
        for _ in 0..bytes.int_in_range(0..=14)? {
            out.extend(token(bytes)?);
        }
        return Ok(out);
    }
    out.extend(format(bytes, dialect, &DataModel::HOST)?.bytes());
    let at = bytes.int_in_range(0..=out.len())?;
    let removed = bytes.int_in_range(0..=out.len().saturating_sub(at).min(2))?;
    let inserted = if bytes.ratio(3, 4)? { token(bytes)? } else { Vec::new() };
    out.splice(at..at.saturating_add(removed), inserted);
    Ok(out)
}

/// Generates one of [`TOKENS`], or a random byte.
fn token(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(if bytes.ratio(1, 40)? { Vec::from([bytes.arbitrary()?]) } else { bytes.choose(TOKENS)?.as_bytes().to_vec() })
}

/// Generates a machine: one of [`DataModel::ALL`], or a machine whose `long double` consists of two doubles.
///
/// ```
/// let mut bytes = arbitrary::Unstructured::new(&[9, 3]);
/// assert!(pep3118::arbitrary::data_model(&mut bytes)?.pointer > 0);
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - none; the function returns a [`Result`] like every other generator
pub fn data_model(bytes: &mut Unstructured<'_>) -> Result<DataModel> {
    if bytes.ratio(1, 10)? {
        let long_double = LongDoubleAbi { format: LongDoubleFormat::DoubleDouble, ..DataModel::LP64.long_double };
        return Ok(DataModel { long_double, ..DataModel::LP64 });
    }
    Ok(*bytes.choose(&DataModel::ALL)?)
}
