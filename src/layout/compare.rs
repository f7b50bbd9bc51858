//! [`Comparison`]: compares two layouts. The result is the level of equivalence ([`Equivalence`]) of the layouts, and
//! their first difference.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::dialect::Dialect;
use super::error::LayoutError;
use super::tree::{Field, Layout};
use super::ty::Type;
use crate::abi::DataModel;
use crate::format::Format;
use crate::named::UnknownName;
use crate::text::{escape, plural};

/// A level of equivalence of two formats. Two formats that are equivalent at one level are also equivalent at all
/// smaller levels.
///
/// ```
/// use pep3118::Equivalence;
/// // A stricter level is greater, so `>=` tests for equal bytes.
/// assert!(Equivalence::Scalars >= Equivalence::LayoutIgnoringNames);
/// assert_eq!(Equivalence::BytesAfterSwap.as_str(), "bytes-after-swap");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Equivalence {
    /// Equal fields at equal offsets, but at least one field has another byte order: `<i` and `>i`.
    BytesAfterSwap,
    /// Equal fields at equal offsets with equal byte orders, but other names: `T{i:a:}` and `T{i:b:}`.
    LayoutIgnoringNames,
    /// Equal fields at equal offsets with equal byte orders and names, but other tokens: `l` and `q` if a `long` has 8
    /// bytes.
    Scalars,
    /// Equal tokens: the formats differ at most in white space and in leading zeros of numbers.
    Text,
}

impl Equivalence {
    /// Returns the name of the level in lower case: `"bytes-after-swap"`, `"layout-ignoring-names"`, `"scalars"`,
    /// `"text"`. `Display` writes a phrase for messages instead, such as `same layout, other names`.
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

impl FromStr for Equivalence {
    type Err = UnknownName;

    /// Returns the level whose [`as_str`](Equivalence::as_str) is `text`.
    ///
    /// # Errors
    /// - no level has the name `text`: `equal`
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        const NAMES: [&str; 4] = ["bytes-after-swap", "layout-ignoring-names", "scalars", "text"];
        let all = [Self::BytesAfterSwap, Self::LayoutIgnoringNames, Self::Scalars, Self::Text];
        let found = all.into_iter().find(|level| level.as_str() == text);
        found.ok_or_else(|| UnknownName::new(text, "Equivalence", &NAMES))
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

/// The result of a comparison of two layouts.
///
/// ```
/// use pep3118::{Comparison, DataModel, Dialect, Equivalence, Format};
/// let compare = |a: &str, b: &str| {
///     let (a, b) = (Format::parse(a).unwrap(), Format::parse(b).unwrap());
///     Comparison::of_formats(&a, &b, &Dialect::PEP3118, &DataModel::LP64).unwrap()
/// };
/// assert_eq!(compare("l", "<q").equivalence, Some(Equivalence::Scalars));
///
/// let other = compare("T{i:a:f:b:}", "T{i:a:d:b:}");
/// assert_eq!(other.equivalence, None);
/// assert_eq!(other.difference.unwrap(), "the item has 8 bytes in the first and 16 bytes in the second");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Comparison {
    /// The greatest level at which the layouts are equivalent. `None` if the layouts read different values from the
    /// bytes.
    pub equivalence: Option<Equivalence>,
    /// The first difference that prevents the next greater level, as a sentence. `None` at the levels
    /// [`Equivalence::Scalars`] and [`Equivalence::Text`].
    pub difference: Option<String>,
}

impl Comparison {
    /// Compares the layouts of the formats `a` and `b`. Both layouts follow the rules of `dialect` and the C sizes of
    /// `model`.
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
    /// - `a` or `b` has no layout in `dialect`: the function returns the error of [`Format::resolve`]
    pub fn of_formats(a: &Format, b: &Format, dialect: &Dialect, model: &DataModel) -> Result<Self, LayoutError> {
        let compared = Self::of_layouts(&a.resolve(dialect, model)?, &b.resolve(dialect, model)?);
        if compared.equivalence == Some(Equivalence::Scalars) && a == b {
            return Ok(Self { equivalence: Some(Equivalence::Text), difference: None });
        }
        Ok(compared)
    }

    /// Compares the sizes and the fields of the layouts `a` and `b`. Does not compare the alignments and the data
    /// models.
    ///
    /// The result is never [`Equivalence::Text`], because a layout does not contain the text of a format.
    ///
    /// ```
    /// use pep3118::{Comparison, DataModel, Dialect, Equivalence, Layout};
    /// let read = |format: &str| Layout::read(format, &Dialect::PEP3118, &DataModel::LP64);
    /// let compared = Comparison::of_layouts(&read("<i")?, &read(">i")?);
    /// assert_eq!(compared.equivalence, Some(Equivalence::BytesAfterSwap));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn of_layouts(a: &Layout, b: &Layout) -> Self {
        let mut found = Differences::default();
        found.compare_sizes(a, b);
        found.compare_fields(a.item(), b.item(), 0);
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

/// The first differences between two layouts. Each field is a sentence about the first difference of its kind, or
/// `None` if no such difference was found.
#[derive(Default)]
struct Differences {
    /// A difference of offsets, sizes, types or shapes.
    structure: Option<String>,
    /// A difference of byte orders.
    order: Option<String>,
    /// A difference of names.
    name: Option<String>,
}

impl Differences {
    /// Stores a difference of structure if the items of `a` and `b` have different sizes.
    fn compare_sizes(&mut self, a: &Layout, b: &Layout) {
        if a.size() != b.size() {
            self.structure = Some(sentence("the item has", &plural(a.size(), "byte"), &plural(b.size(), "byte")));
        }
    }

    /// Compares the fields `a` and `b` and all fields inside them, and stores the first difference of each kind. `base`
    /// is the offset of the enclosing record in bytes from the start of the item. Both layouts must have the enclosing
    /// record at this offset.
    // The function calls itself once per level of nested structures. The parser and the builder permit 64 levels.
    fn compare_fields(&mut self, a: Field<'_>, b: Field<'_>, base: u64) {
        if self.structure.is_some() {
            return;
        }
        let at = base.saturating_add(a.offset());
        let sizes_differ = (a.size(), a.shape()) != (b.size(), b.shape());
        if comparable_type(a) != comparable_type(b)
            || (sizes_differ && a.ty() != Type::Record)
            || a.shape() != b.shape()
            || a.bit_field() != b.bit_field()
            || a.user_type() != b.user_type()
        {
            self.structure = Some(sentence(&format!("offset {at} has"), &describe(a), &describe(b)));
            return;
        }
        if a.offset() != b.offset() {
            let other_at = base.saturating_add(b.offset());
            self.structure = Some(sentence(
                &format!("{} starts at", describe(a)),
                &format!("byte {at}"),
                &format!("byte {other_at}"),
            ));
            return;
        }
        if sizes_differ && a.count() > 1 {
            self.structure = Some(sentence(
                &format!("the elements at byte {at} have a distance of"),
                &plural(a.size(), "byte"),
                &plural(b.size(), "byte"),
            ));
            return;
        }
        // A value of 1 byte has no byte order.
        if a.size() > 1 && a.endian() != b.endian() && self.order.is_none() {
            let order = |field: Field<'_>| {
                field.endian().map_or_else(|| "without byte order".to_string(), |endian| format!("{endian}-endian"))
            };
            self.order = Some(sentence(&format!("{} at byte {at} is", a.ty()), &order(a), &order(b)));
        }
        if a.name() != b.name() && self.name.is_none() {
            let name = |field: Field<'_>| {
                field.name_text().map_or_else(|| "not named".into(), |name| format!("named `{}`", escape(&name)))
            };
            self.name = Some(sentence(&format!("the field at byte {at} is"), &name(a), &name(b)));
        }
        let (left, right): (Vec<_>, Vec<_>) = (a.fields().collect(), b.fields().collect());
        for (a, b) in left.iter().zip(&right) {
            self.compare_fields(*a, *b, at);
        }
        if left.len() != right.len() && self.structure.is_none() {
            let count = |fields: &[Field<'_>]| plural(fields.len(), "field");
            self.structure = Some(sentence(&format!("the record at byte {at} has"), &count(&left), &count(&right)));
        }
    }
}

/// Returns the sentence "`what` `first` in the first and `second` in the second": "the item has 4 bytes in the first
/// and 8 bytes in the second". `first` and `second` are the properties of the two layouts.
fn sentence(what: &str, first: &str, second: &str) -> String {
    format!("{what} {first} in the first and {second} in the second")
}

/// Returns the type for the comparison of `field` with a field of another layout. For `wchar_t` text, the result is the
/// type of UCS-2 or UCS-4 text with the same width, so that the two texts compare equal. For any other field, the
/// result is the type of the field.
fn comparable_type(field: Field<'_>) -> Type {
    match field.ty() {
        Type::Wchar if field.natural_align().bytes() == 2 => Type::Ucs2,
        Type::Wchar => Type::Ucs4,
        ty => ty,
    }
}

/// Returns the type and the shape of `field` as text, with the size if the type has no fixed size: `int32`,
/// `bytes of 5 bytes`, `float64[2,3]`. For a bit-field, returns its position:
/// `int32 bit-field of 5 bits from bit 6 on`.
fn describe(field: Field<'_>) -> String {
    let mut text = field.type_name().to_string();
    if let Some(bits) = field.bit_field() {
        let width = plural(bits.width(), "bit");
        return format!("{} bit-field of {width} from bit {} on", bits.ty(), bits.offset());
    }
    if matches!(
        field.ty(),
        Type::Bytes | Type::Pascal | Type::Ucs2 | Type::Ucs4 | Type::Wchar | Type::Void | Type::Bits
    ) {
        text = format!("{text} of {}", plural(field.size(), "byte"));
    }
    text.push_str(&super::table::shape_text(field));
    text
}
