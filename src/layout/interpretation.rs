//! The result of [`reconcile`](super::reconcile): an [`Interpretation`], or the [`Ambiguity`] between several.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::dialect::Dialect;
use super::table::Table;
use super::tree::{Field, Layout};
use super::ty::Type;
use crate::diagnostic::Diagnostic;
use crate::named::named_enum;
use crate::text::{abridge, escape, plural};

named_enum! {
    /// How well the format and the itemsize determine the layout.
    ///
    /// ```
    /// use pep3118::{Certainty, DataModel, Dialect, reconcile};
    /// let certainty = |format: &[u8], itemsize| {
    ///     reconcile(format, Some(itemsize), Some(&Dialect::NUMPY), &DataModel::LP64).map(|found| found.certainty)
    /// };
    /// assert_eq!(certainty(b"T{i:a:b:b:}", 5)?, Certainty::Exact);
    /// assert_eq!(certainty(b"T{i:a:b:b:}", 8)?.as_str(), "trailing-padding");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Certainty {
        /// The format declares every byte of the itemsize.
        Exact = "exact",
        /// The offsets are certain; the item ends in padding that the format does not declare.
        TrailingPadding = "trailing-padding",
        /// The format does not declare how far apart the elements of an array of structures are. Only
        /// the spacing of a C compiler accounts for every pad byte.
        Inferred = "inferred",
    }
}

/// The layout that a format has for a given itemsize.
///
/// ```
/// use pep3118::{Certainty, DataModel, Dialect, reconcile};
/// let found = reconcile(b"T{i:a:b:b:}", Some(8), Some(&Dialect::NUMPY), &DataModel::LP64)?;
/// // The item ends in three bytes that the format does not declare.
/// assert_eq!((found.layout.size(), found.trailing_padding), (8, 3));
/// assert_eq!(found.certainty, Certainty::TrailingPadding);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Interpretation {
    /// The layout; its size is the itemsize.
    pub layout: Layout,
    /// The dialect whose rules give the layout.
    pub dialect: Dialect,
    /// How well the format determines the layout.
    pub certainty: Certainty,
    /// Bytes at the end of the item that the format does not declare.
    pub trailing_padding: u64,
}

/// Several interpretations of one format that fit the itemsize and differ in an offset, a size or a type.
///
/// [`reconcile`](crate::reconcile) returns it as an error, because a wrong guess decodes wrong values.
/// The caller chooses an alternative here, or calls `reconcile` again with the dialect of the producer.
///
/// `{}` is one line; `{:#}` adds the layout of each alternative and the first difference between them.
///
/// ```
/// use pep3118::{DataModel, Dialect, reconcile};
/// // NumPy writes the padding of the elements of `x` after the array, as it writes padding before `y`.
/// let format = b"T{(2)T{b:a:}:x:xx(2)b:y:}";
/// let error = reconcile(format, Some(6), Some(&Dialect::NUMPY), &DataModel::LP64).unwrap_err();
/// let ambiguity = error.ambiguity().unwrap();
/// let spacing = |name| {
///     let chosen = ambiguity.choose(Dialect::by_name(name)?)?;
///     Some(chosen.layout.item().field(b"x")?.size())
/// };
/// assert_eq!((spacing("numpy-packed"), spacing("numpy-padded")), (Some(1), Some(2)));
///
/// // The dialect of the producer makes the layout certain.
/// let found = reconcile(format, Some(6), Some(&Dialect::NUMPY_PADDED), &DataModel::LP64)?;
/// assert_eq!(found.layout.item().field(b"x").unwrap().size(), 2);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone)]
pub struct Ambiguity(Box<Details>);

#[derive(Clone)]
struct Details {
    format: Box<[u8]>,
    itemsize: Option<u64>,
    /// At least two, each with a dialect of its own.
    alternatives: Vec<Interpretation>,
}

impl Ambiguity {
    pub(super) fn new(
        format: &[u8],
        itemsize: Option<u64>,
        first: Interpretation,
        others: Vec<Interpretation>,
    ) -> Self {
        let alternatives = core::iter::once(first).chain(others).collect();
        Self(Box::new(Details { format: format.into(), itemsize, alternatives }))
    }

    /// Returns the interpretations that fit, at least two. That of dialect `struct` or `pep3118` comes first.
    #[must_use]
    pub fn alternatives(&self) -> &[Interpretation] {
        &self.0.alternatives
    }

    /// Returns the alternative of a dialect, or `None` if that dialect gives no alternative of its own.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, reconcile};
    /// let error = reconcile(b"ib", None, None, &DataModel::LP64).unwrap_err();
    /// let size = |dialect| Some(error.ambiguity()?.choose(dialect)?.layout.size());
    /// assert_eq!((size(&Dialect::PEP3118), size(&Dialect::NATIVE_C)), (Some(5), Some(8)));
    /// assert_eq!(size(&Dialect::CTYPES), None);
    /// ```
    #[must_use]
    pub fn choose(&self, dialect: &Dialect) -> Option<&Interpretation> {
        self.0.alternatives.iter().find(|alternative| alternative.dialect.name == dialect.name)
    }

    /// Returns the alternative of the dialect with this name as an owned value.
    ///
    /// ```
    /// use pep3118::{DataModel, LayoutErrorKind, reconcile};
    /// let error = reconcile(b"ib", None, None, &DataModel::LP64).unwrap_err();
    /// let ambiguity = error.ambiguity().unwrap().clone();
    /// assert_eq!(ambiguity.into_alternative("native-c").unwrap().layout.size(), 8);
    /// ```
    #[must_use]
    pub fn into_alternative(self, name: &str) -> Option<Interpretation> {
        self.0.alternatives.into_iter().find(|alternative| alternative.dialect.name == name)
    }

    /// Returns the message with the layout of each alternative, without a help line.
    ///
    /// The caller adds the help line that fits its own arguments with [`Diagnostic::with_help`].
    ///
    /// ```
    /// use pep3118::{DataModel, reconcile};
    /// let error = reconcile(b"ib", None, None, &DataModel::LP64).unwrap_err();
    /// let message = error.ambiguity().unwrap().diagnostic().with_help("choose one with --dialect").to_string();
    /// assert!(message.contains("the item has 5 bytes in dialect pep3118, 8 bytes in dialect native-c"));
    /// assert!(message.ends_with("help: choose one with --dialect"));
    /// ```
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic<'_> {
        let mut diagnostic = Diagnostic::new(self.to_string(), &self.0.format);
        for Interpretation { layout, dialect, .. } in self.alternatives() {
            let size = plural(layout.size(), "byte");
            diagnostic = diagnostic.note(format!("dialect {dialect}, {size}:\n{}", excerpt(layout)));
        }
        if let [first, others @ ..] = self.alternatives() {
            for other in others {
                diagnostic = diagnostic.note(difference(first, other));
            }
        }
        diagnostic
    }

    /// Returns the names of the dialects of all alternatives: `pep3118 and native-c`.
    fn dialects(&self) -> String {
        let names: Vec<&str> = self.alternatives().iter().map(|alternative| alternative.dialect.name).collect();
        match names.as_slice() {
            [init @ .., last] => format!("{} and {last}", init.join(", ")),
            [] => String::new(),
        }
    }

    /// Returns the help line for callers of [`reconcile`](crate::reconcile).
    pub(super) fn help(&self) -> Option<Cow<'static, str>> {
        let constant = self.alternatives().first()?.dialect.name.to_uppercase().replace(['-', '.'], "_");
        Some(Cow::Owned(format!("pass the dialect of the producer, such as Some(&Dialect::{constant})")))
    }
}

/// Compares the arguments of `reconcile` that the alternatives follow from, not the layouts.
impl PartialEq for Ambiguity {
    fn eq(&self, other: &Self) -> bool {
        let origin = |found: &Interpretation| (found.dialect, *found.layout.model(), found.layout.size());
        self.0.format == other.0.format
            && self.0.itemsize == other.0.itemsize
            && self.alternatives().iter().map(origin).eq(other.alternatives().iter().map(origin))
    }
}

impl Eq for Ambiguity {}

impl fmt::Debug for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambiguity")
            .field("format", &abridge(&self.0.format, 60))
            .field("itemsize", &self.0.itemsize)
            .field("dialects", &self.dialects())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.diagnostic().help(self.help()).fmt(f);
        }
        write!(f, "format `{}`", abridge(&self.0.format, 60))?;
        match self.0.itemsize {
            Some(itemsize) => write!(f, " with itemsize {itemsize}")?,
            None => f.write_str(" without an itemsize")?,
        }
        write!(f, " is ambiguous: dialects {} give different layouts", self.dialects())
    }
}

impl core::error::Error for Ambiguity {}

/// Lines of one table in the message: formats can have 65,536 fields.
const LINES: usize = 24;

/// Characters of one line in the message: names can have 131,072 bytes.
const COLUMNS: usize = 120;

/// Returns the first lines of the table of a layout.
fn excerpt(layout: &Layout) -> String {
    let table = Table::new(layout).to_string();
    let mut lines: Vec<Cow<'_, str>> = table.lines().take(LINES).map(shortened).collect();
    let hidden = table.lines().count().saturating_sub(lines.len());
    if hidden > 0 {
        lines.push(Cow::Owned(format!("... and {}", plural(u64::try_from(hidden).unwrap_or(u64::MAX), "more line"))));
    }
    lines.join("\n")
}

fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(COLUMNS) {
        Some((end, _)) => Cow::Owned(format!("{}...", line.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(line),
    }
}

/// Returns the first difference of two interpretations of one format, as a sentence with both values.
fn difference(a: &Interpretation, b: &Interpretation) -> String {
    let (item_a, item_b) = (a.layout.item(), b.layout.item());
    // One layout may be padded behind its only structure, where the other is that structure.
    let same_level = item_a.index() == item_b.index();
    let (item_a, item_b) = if same_level { (item_a, item_b) } else { (a.layout.root(), b.layout.root()) };
    let (subject, in_a, in_b) = field_difference(item_a, item_b, &mut Vec::new(), 0).unwrap_or_else(|| {
        let size = |layout: &Layout| plural(layout.size(), "byte");
        ("the item has".to_string(), size(&a.layout), size(&b.layout))
    });
    format!("{subject} {in_a} in dialect {}, {in_b} in dialect {}", a.dialect, b.dialect)
}

/// Returns the first field that differs: a phrase, and its value in each layout. `base` is the offset of
/// the enclosing record, the same in both.
// The recursion is as deep as the nesting of structures, at most 64 levels (the limit of the parser).
fn field_difference(a: Field<'_>, b: Field<'_>, path: &mut Vec<String>, base: u64) -> Option<(String, String, String)> {
    let values = |subject: String, value: &dyn Fn(Field<'_>) -> String| Some((subject, value(a), value(b)));
    if a.offset() != b.offset() {
        let offset = |field: Field<'_>| format!("byte {}", base.saturating_add(field.offset()));
        return values(format!("{} is at", named(path)), &offset);
    }
    if a.ty() != b.ty() || (a.ty() != Type::Record && a.size() != b.size()) || a.shape() != b.shape() {
        let kind = |field: Field<'_>| {
            format!("{}{} of {}", field.ty(), super::table::shape(field), plural(field.size(), "byte"))
        };
        return values(format!("{} is", named(path)), &kind);
    }
    if a.size() != b.size() && a.count() > 1 {
        let spacing = |field: Field<'_>| format!("{} apart", plural(field.size(), "byte"));
        return values(format!("the elements of {} are", named(path)), &spacing);
    }
    let base = base.saturating_add(a.offset());
    for (index, (inner_a, inner_b)) in a.fields().zip(b.fields()).enumerate() {
        path.push(inner_a.name_text().unwrap_or_else(|| format!("f{index}")));
        if let Some(found) = field_difference(inner_a, inner_b, path, base) {
            return Some(found);
        }
        path.pop();
    }
    None
}

/// Returns a dotted name in backticks, or `the item` for the item itself.
fn named(path: &[String]) -> String {
    if path.is_empty() {
        return "the item".to_string();
    }
    let name = path.join(".");
    format!("`{}`", shortened(&escape(&name)))
}
