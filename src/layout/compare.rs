//! Whether two layouts mean the same, and where they first differ.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::dialect::Dialect;
use super::error::LayoutError;
use super::tree::{Field, Layout};
use super::ty::Type;
use crate::abi::DataModel;
use crate::format::Format;
use crate::text::{escape, plural};

/// How much two formats have in common; each level implies those below it.
///
/// ```
/// use pep3118::Equivalence;
/// // More in common is greater: whoever needs the same bytes asks for at least this.
/// assert!(Equivalence::Scalars >= Equivalence::LayoutIgnoringNames);
/// assert_eq!(Equivalence::BytesAfterSwap.as_str(), "bytes-after-swap");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Equivalence {
    /// The same fields at the same offsets, some with the other byte order.
    BytesAfterSwap,
    /// The same bytes, under other names.
    LayoutIgnoringNames,
    /// The same names and values, spelled differently: `l` and `q` where `long` has 8 bytes, `<i`
    /// and `i` on a little-endian machine.
    Scalars,
    /// The same tokens.
    Text,
}

impl Equivalence {
    /// In lower case, for programs: `"bytes-after-swap"`, `"layout-ignoring-names"`, `"scalars"`,
    /// `"text"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BytesAfterSwap => "bytes-after-swap",
            Self::LayoutIgnoringNames => "layout-ignoring-names",
            Self::Scalars => "scalars",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Equivalence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BytesAfterSwap => "same bytes after swapping",
            Self::LayoutIgnoringNames => "same layout, other names",
            Self::Scalars => "same values, other spelling",
            Self::Text => "same text",
        })
    }
}

/// The outcome of a comparison.
///
/// ```
/// use pep3118::{Comparison, DataModel, Dialect, Equivalence, Format};
/// let compare = |a, b| {
///     let (a, b) = (Format::parse(a).unwrap(), Format::parse(b).unwrap());
///     Comparison::of_formats(&a, &b, &Dialect::PEP3118, &DataModel::LP64).unwrap()
/// };
/// assert_eq!(compare(b"l", b"<q").equivalence, Some(Equivalence::Scalars));
///
/// let other = compare(b"T{i:a:f:b:}", b"T{i:a:d:b:}");
/// assert_eq!(other.equivalence, None);
/// assert_eq!(other.difference.unwrap(), "the item has 8 bytes in the first and 16 bytes in the second");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The highest level that holds; `None` if the bytes mean different things.
    pub equivalence: Option<Equivalence>,
    /// Why no higher level holds, in one sentence.
    pub difference: Option<String>,
}

impl Comparison {
    /// Compares what two formats mean in one dialect, on one machine.
    ///
    /// ```
    /// use pep3118::{Comparison, DataModel, Dialect, Equivalence};
    /// let (a, b) = (pep3118::parse("T{i:a:}")?, pep3118::parse("T{>i:a:}")?);
    /// let compared = Comparison::of_formats(&a, &b, &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(compared.equivalence, Some(Equivalence::BytesAfterSwap));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// If either has no layout there.
    pub fn of_formats(a: &Format, b: &Format, dialect: &Dialect, model: &DataModel) -> Result<Self, LayoutError> {
        let compared = Self::of_layouts(&a.resolve(dialect, model)?, &b.resolve(dialect, model)?);
        if compared.equivalence == Some(Equivalence::Scalars) && a == b {
            return Ok(Self { equivalence: Some(Equivalence::Text), difference: None });
        }
        Ok(compared)
    }

    /// Compares two layouts. [`Equivalence::Text`] is never the answer: a layout has no text.
    #[must_use]
    pub fn of_layouts(a: &Layout, b: &Layout) -> Self {
        let mut found = Differences::default();
        found.sizes(a, b);
        found.fields(a.item(), b.item(), 0);
        let Differences { structure, order, name } = found;
        let (equivalence, difference) = match (structure, order, name) {
            (Some(difference), _, _) => (None, Some(difference)),
            (None, Some(difference), _) => (Some(Equivalence::BytesAfterSwap), Some(difference)),
            (None, None, Some(difference)) => (Some(Equivalence::LayoutIgnoringNames), Some(difference)),
            (None, None, None) => (Some(Equivalence::Scalars), None),
        };
        Self { equivalence, difference }
    }
}

/// The first difference of each kind.
#[derive(Default)]
struct Differences {
    structure: Option<String>,
    order: Option<String>,
    name: Option<String>,
}

impl Differences {
    fn sizes(&mut self, a: &Layout, b: &Layout) {
        if a.size() != b.size() {
            self.structure = Some(sentence("the item has", &plural(a.size(), "byte"), &plural(b.size(), "byte")));
        }
    }

    // As deep as structures are nested, which the parser bounds.
    fn fields(&mut self, a: Field<'_>, b: Field<'_>, base: u64) {
        if self.structure.is_some() {
            return;
        }
        let at = base.saturating_add(a.offset());
        let wider = (a.size(), a.shape()) != (b.size(), b.shape());
        if unit(a) != unit(b) || (wider && a.ty() != Type::Record) || a.shape() != b.shape() {
            self.structure = Some(sentence(&format!("at byte {at} stands"), &describe(a), &describe(b)));
            return;
        }
        if a.offset() != b.offset() {
            let there = base.saturating_add(b.offset());
            self.structure =
                Some(sentence(&format!("{} starts at", describe(a)), &format!("byte {at}"), &format!("byte {there}")));
            return;
        }
        if wider && a.count() > 1 {
            self.structure = Some(sentence(
                &format!("the records at byte {at} lie apart by"),
                &plural(a.size(), "byte"),
                &plural(b.size(), "byte"),
            ));
            return;
        }
        // A byte has no order, whatever mark stands before it.
        if a.size() > 1 && a.endian() != b.endian() && self.order.is_none() {
            let order = |field: Field<'_>| field.endian().map_or("no order", |endian| endian.as_str()).to_string();
            self.order = Some(sentence(&format!("{} at byte {at} is", a.ty()), &order(a), &order(b)));
        }
        if a.name() != b.name() && self.name.is_none() {
            let name = |field: Field<'_>| {
                field.name().map_or_else(|| "not named".into(), |name| format!("named `{}`", escape(name)))
            };
            self.name = Some(sentence(&format!("the field at byte {at} is"), &name(a), &name(b)));
        }
        let (left, right): (Vec<_>, Vec<_>) = (a.fields().collect(), b.fields().collect());
        for (a, b) in left.iter().zip(&right) {
            self.fields(*a, *b, at);
        }
        if left.len() != right.len() && self.structure.is_none() {
            let count = |fields: &[Field<'_>]| plural(u64::try_from(fields.len()).unwrap_or(u64::MAX), "field");
            self.structure = Some(sentence(&format!("the record at byte {at} has"), &count(&left), &count(&right)));
        }
    }
}

fn sentence(what: &str, first: &str, second: &str) -> String {
    format!("{what} {first} in the first and {second} in the second")
}

/// The type, with `wchar_t` told by the width that it has there.
fn unit(field: Field<'_>) -> Type {
    match field.ty() {
        Type::Wchar if field.natural_align().bytes() == 2 => Type::Ucs2,
        Type::Wchar => Type::Ucs4,
        ty => ty,
    }
}

/// `int32`, `bytes of 5 bytes`, `float64[2,3]`.
fn describe(field: Field<'_>) -> String {
    let mut text = field.ty().to_string();
    if matches!(
        field.ty(),
        Type::Bytes | Type::Pascal | Type::Ucs2 | Type::Ucs4 | Type::Wchar | Type::Void | Type::Bits
    ) {
        text = format!("{text} of {}", plural(field.size(), "byte"));
    }
    text.push_str(&super::table::shape(field));
    text
}
