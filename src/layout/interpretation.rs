//! [`Interpretation`] and [`Ambiguity`]: the results of [`reconcile`](super::reconcile()). An interpretation is one
//! layout of a format, with its [`Certainty`]. An ambiguity contains several interpretations.

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
    /// The degree to which a format and an itemsize determine a layout.
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
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Certainty {
        /// The format declares every byte of the itemsize.
        Exact = "exact",
        /// The item ends in padding that the format does not declare. The format determines all offsets.
        TrailingPadding = "trailing-padding",
        /// The format does not declare the distance between the elements of an array of structures. The layout has the
        /// distance that a C compiler chooses, because no other distance explains every pad byte.
        Inferred = "inferred",
    }
}

/// One layout that a format can have for a given itemsize.
///
/// ```
/// use pep3118::{Certainty, DataModel, Dialect, reconcile};
/// let found = reconcile(b"T{i:a:b:b:}", Some(8), Some(&Dialect::NUMPY), &DataModel::LP64)?;
/// // The item ends in three bytes that the format does not declare.
/// assert_eq!((found.layout.size(), found.trailing_padding), (8, 3));
/// assert_eq!(found.certainty, Certainty::TrailingPadding);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interpretation {
    /// The layout, whose size is the itemsize.
    pub layout: Layout,
    /// The dialect whose rules give the layout.
    pub dialect: Dialect,
    /// The degree to which the format determines the layout.
    pub certainty: Certainty,
    /// The number of bytes at the end of the item that the format does not declare.
    pub trailing_padding: u64,
}

impl Interpretation {
    /// Creates an interpretation for a layout that does not depend on a format, such as the layout of a dtype or of C
    /// source. `dialect` is the dialect that messages name. The certainty is [`Certainty::Exact`], and there is no
    /// trailing padding.
    ///
    /// ```
    /// use pep3118::{Certainty, DataModel, Dialect, Interpretation, Layout};
    /// let found = Interpretation::exact(Layout::of_bytes(8, &DataModel::LP64), &Dialect::NUMPY);
    /// assert_eq!((found.certainty, found.trailing_padding), (Certainty::Exact, 0));
    /// ```
    #[must_use]
    pub fn exact(layout: Layout, dialect: &Dialect) -> Self {
        Self { layout, dialect: *dialect, certainty: Certainty::Exact, trailing_padding: 0 }
    }
}

/// Several interpretations of one format that have the itemsize and differ in an offset, a size or a type.
///
/// [`reconcile`](crate::reconcile) returns an ambiguity as an error, because a wrong guess would decode wrong values.
/// The caller chooses an alternative with [`choose`](Self::choose), or calls `reconcile` again with the dialect of the
/// producer.
///
/// The format specifier `{}` displays one line. `{:#}` also displays the layout of each alternative and the first
/// difference between the alternatives.
///
/// ```
/// use pep3118::{DataModel, Dialect, reconcile};
/// // The pad bytes `xx` belong to the two elements of `x`, or are padding between `x` and `y`.
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
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ambiguity(Box<Details>);

/// The fields of an [`Ambiguity`].
#[derive(Clone, PartialEq, Eq, Hash)]
struct Details {
    format: Box<[u8]>,
    /// The itemsize that the caller gave, or `None` if the caller gave no itemsize.
    itemsize: Option<u64>,
    /// Two or more interpretations with different dialects.
    alternatives: Vec<Interpretation>,
}

impl Ambiguity {
    /// Creates an ambiguity between the interpretations `first` and `others` of `format`. `others` must not be empty.
    /// `itemsize` is the itemsize that the caller gave, or `None` if the caller gave no itemsize.
    pub(super) fn new(
        format: &[u8],
        itemsize: Option<u64>,
        first: Interpretation,
        others: Vec<Interpretation>,
    ) -> Self {
        let alternatives = core::iter::once(first).chain(others).collect();
        Self(Box::new(Details { format: format.into(), itemsize, alternatives }))
    }

    /// Returns all interpretations that have the itemsize. The result has at least two interpretations. If the dialect
    /// of an interpretation is `pep3118`, this interpretation is the first.
    ///
    /// ```
    /// use pep3118::{DataModel, reconcile};
    /// let error = reconcile("ib", None, None, &DataModel::LP64).unwrap_err();
    /// assert!(error.ambiguity().unwrap().alternatives().len() > 1);
    /// ```
    #[must_use]
    pub fn alternatives(&self) -> &[Interpretation] {
        &self.0.alternatives
    }

    /// Returns the alternative whose dialect has the name of `dialect`. The rules of the dialects are not compared.
    /// Returns `None` if no alternative has this dialect.
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

    /// Returns the alternative whose dialect has the name `name`, as an owned value. Returns `None` if no alternative
    /// has this dialect.
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

    /// Returns the parts of a message that shows the format and the layout of each alternative, so that a caller can
    /// add colours. Each layout is a table of at most 24 lines. The message has no help line.
    ///
    /// Use [`Diagnostic::with_help`] to add a help line that names the arguments of your own function.
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
            diagnostic = diagnostic.note(format!("dialect {dialect}, {size}:\n{}", table_excerpt(layout)));
        }
        if let [first, others @ ..] = self.alternatives() {
            for other in others {
                diagnostic = diagnostic.note(difference(first, other));
            }
        }
        diagnostic
    }

    /// Returns the names of the dialects of all alternatives as text: `pep3118 and native-c`.
    fn dialects(&self) -> String {
        let names: Vec<&str> = self.alternatives().iter().map(|alternative| alternative.dialect.name).collect();
        match names.as_slice() {
            [init @ .., last] => format!("{} and {last}", init.join(", ")),
            [] => String::new(),
        }
    }

    /// Returns the text of the help line for callers of [`reconcile`](crate::reconcile). The text names the constant
    /// of the dialect of the first alternative. Returns `None` if there are no alternatives.
    pub(super) fn help(&self) -> Option<Cow<'static, str>> {
        let constant = self.alternatives().first()?.dialect.name.to_uppercase().replace(['-', '.'], "_");
        Some(Cow::Owned(format!("pass the dialect of the producer, such as Some(&Dialect::{constant})")))
    }
}

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

/// The largest number of lines of one table in a message. A format can have 65,536 fields, so a table could otherwise
/// have that number of lines.
const MAX_LINES: usize = 24;

/// The largest number of characters of one line in a message. A name can have 131,072 bytes, and a line of this length
/// would hide the rest of the message.
const MAX_LINE_LENGTH: usize = 120;

/// Returns the first [`MAX_LINES`] lines of the table of `layout` as text. If the table has more lines, the last line
/// of the text is the number of the omitted lines.
fn table_excerpt(layout: &Layout) -> String {
    let table = Table::new(layout).to_string();
    let mut lines: Vec<Cow<'_, str>> = table.lines().take(MAX_LINES).map(truncate_line).collect();
    let hidden = table.lines().count().saturating_sub(lines.len());
    if hidden > 0 {
        lines.push(Cow::Owned(format!("... and {}", plural(hidden, "more line"))));
    }
    lines.join("\n")
}

/// Returns `line`, or its first [`MAX_LINE_LENGTH`] characters and `...` if `line` is longer.
fn truncate_line(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(MAX_LINE_LENGTH) {
        // The default is never used, because `end` is the start of a character.
        Some((end, _)) => Cow::Owned(format!("{}...", line.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(line),
    }
}

/// Returns the first difference between the interpretations `a` and `b` of one format, as a sentence with both values.
/// `a` and `b` must differ.
fn difference(a: &Interpretation, b: &Interpretation) -> String {
    let (item_a, item_b) = (a.layout.item(), b.layout.item());
    // If only one of the layouts has padding after its only structure, `item` returns the root for this layout, and the
    // structure for the other layout. In this case, the function compares the roots.
    let same_level = item_a.index() == item_b.index();
    let (item_a, item_b) = if same_level { (item_a, item_b) } else { (a.layout.root(), b.layout.root()) };
    let (subject, in_a, in_b) = field_difference(item_a, item_b, &mut Vec::new(), 0).unwrap_or_else(|| {
        // All fields are equal, so the items differ in trailing padding.
        let size = |layout: &Layout| plural(layout.size(), "byte");
        ("the item has".to_string(), size(&a.layout), size(&b.layout))
    });
    format!("{subject} {in_a} in dialect {}, {in_b} in dialect {}", a.dialect, b.dialect)
}

/// Returns the first difference between the fields `a` and `b` and the fields inside them, as three texts: the start of
/// a sentence that names the field, the property in the layout of `a`, and the property in the layout of `b`.
///
/// Returns `None` if there is no difference. `path` contains the names of the enclosing fields and of `a`, outermost
/// first. `base` is the offset of the enclosing record in bytes from the start of the item. Both layouts must have the
/// enclosing record at this offset.
// The function calls itself once per level of nested structures. The parser permits 64 levels.
fn field_difference(a: Field<'_>, b: Field<'_>, path: &mut Vec<String>, base: u64) -> Option<(String, String, String)> {
    let values = |subject: String, value: &dyn Fn(Field<'_>) -> String| Some((subject, value(a), value(b)));
    if a.offset() != b.offset() {
        let offset = |field: Field<'_>| format!("byte {}", base.saturating_add(field.offset()));
        return values(format!("{} is at", dotted_name(path)), &offset);
    }
    if a.ty() != b.ty() || (a.ty() != Type::Record && a.size() != b.size()) || a.shape() != b.shape() {
        let kind = |field: Field<'_>| {
            format!("{}{} of {}", field.ty(), super::table::shape_text(field), plural(field.size(), "byte"))
        };
        return values(format!("{} is", dotted_name(path)), &kind);
    }
    if a.size() != b.size() && a.count() > 1 {
        let spacing = |field: Field<'_>| format!("{} apart", plural(field.size(), "byte"));
        return values(format!("the elements of {} are", dotted_name(path)), &spacing);
    }
    let base = base.saturating_add(a.offset());
    for (index, (inner_a, inner_b)) in a.fields().zip(b.fields()).enumerate() {
        // A field without a name gets a name from its index, as in NumPy: `f0`.
        path.push(inner_a.name_text().unwrap_or_else(|| format!("f{index}")));
        if let Some(found) = field_difference(inner_a, inner_b, path, base) {
            return Some(found);
        }
        path.pop();
    }
    None
}

/// Returns the names in `path` as a dotted name in backticks. Returns `the item` if `path` is empty.
fn dotted_name(path: &[String]) -> String {
    if path.is_empty() {
        return "the item".to_string();
    }
    let name = path.join(".");
    format!("`{}`", truncate_line(&escape(&name)))
}
