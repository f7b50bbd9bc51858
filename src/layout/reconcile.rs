//! A format and an itemsize together: the reading that a validator and a decoder need.
//!
//! Four rules explain every correct export that was seen (see `docs/padding.md`): as written, the C compiler's, NumPy's, and ctypes' native sizes under `<`. A format whose
//! producer is known is read by its rule alone. Without that, all rules are tried, and what is
//! returned says how many of them fit.

use alloc::vec::Vec;

use super::dialect::{Alignment, Dialect, End, NamedPadding, Nested};
use super::error::{InterpretedSize, LayoutError, LayoutErrorKind as Kind};
use super::model::{Layout, Node};
use super::stride_inference::{Inference, InferredCertainty, infer};
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Format, ItemType, Member};
use crate::span::Span;

/// How sure a reading is.
///
/// ```
/// use pep3118::{Certainty, DataModel, Dialect, reconcile};
/// let read = |format: &[u8], itemsize| reconcile(format, Some(itemsize), Some(&Dialect::NUMPY), &DataModel::LP64);
/// assert_eq!(read(b"T{i:a:b:b:}", 5)?.certainty, Certainty::Exact);
/// assert_eq!(read(b"T{i:a:b:b:}", 8)?.certainty.as_str(), "trailing-padding");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Certainty {
    /// The format gives the itemsize, and every reading that does agrees on every offset.
    Exact,
    /// The offsets are sure; the item ends in padding that the format does not state.
    TrailingPadding,
    /// The distances inside an array of padded records follow from a C compiler's rule, which
    /// accounts for every pad byte, but the format does not state them.
    Inferred,
    /// Two readings fit and disagree on an offset or on the size.
    Ambiguous,
}

impl Certainty {
    /// In lower case: `"exact"`, `"trailing-padding"`, `"inferred"`, `"ambiguous"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::TrailingPadding => "trailing-padding",
            Self::Inferred => "inferred",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl core::fmt::Display for Certainty {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A layout that fits the itemsize, and how sure it is.
///
/// ```
/// use pep3118::{DataModel, Dialect, reconcile};
/// let reading = reconcile(b"T{i:a:b:b:}", Some(8), Some(&Dialect::NUMPY), &DataModel::LP64)?;
/// // Three bytes at the end are part of the item, and the format says nothing of them.
/// assert_eq!((reading.layout.size(), reading.tail, reading.alternatives.len()), (8, 3, 0));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Interpretation {
    /// The layout; its size is the itemsize.
    pub layout: Layout,
    /// The dialect that gave it.
    pub dialect: Dialect,
    /// How sure it is.
    pub certainty: Certainty,
    /// Bytes at the end that the format does not state.
    pub tail: u64,
    /// When ambiguous: the other readings that fit. Whoever decodes must choose, or refuse.
    pub alternatives: Vec<(Dialect, Layout)>,
}

/// Reads a format together with its itemsize.
///
/// `itemsize` is in bytes; without it any size fits. `dialect` is that of the producer where it is
/// known; without it all rules are tried.
///
/// ```
/// use pep3118::{Certainty, DataModel, Dialect, reconcile};
/// let read = |format: &str, itemsize, dialect| reconcile(format.as_bytes(), itemsize, dialect, &DataModel::LP64);
///
/// // ctypes spells all its padding.
/// let reading = read("T{<b:a:3x<i:b:}", Some(8), Some(&Dialect::CTYPES))?;
/// assert_eq!(reading.certainty, Certainty::Exact);
///
/// // NumPy leaves out the end.
/// let reading = read("T{b:a:xxxxxxxi:b:}", Some(16), Some(&Dialect::NUMPY))?;
/// assert_eq!((reading.certainty, reading.tail), (Certainty::TrailingPadding, 4));
///
/// // `y` is at 16 by NumPy's rule, at 23 by the C compiler's: nothing in the string tells.
/// let reading = read("T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), None)?;
/// assert_eq!(reading.certainty, Certainty::Ambiguous);
///
/// // ctypes before 3.12 wrote no padding: the string is a lie, and the itemsize shows it.
/// let error = read("T{<b:a:<i:b:}", Some(8), None).unwrap_err();
/// assert_eq!(error.to_string(), "itemsize is 8 bytes but format `T{<b:a:<i:b:}` describes 5 bytes");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - as [`Layout::read`]
/// - `T{<b:a:<i:b:}` with itemsize 8: no rule gives 8
pub fn reconcile(
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &DataModel,
) -> Result<Interpretation, LayoutError> {
    let outcome = match dialect {
        Some(dialect) => one(format, itemsize, dialect, model),
        None => all(format, itemsize, model),
    };
    match outcome {
        Err(error) if *error.kind() == Kind::UnknownSize => {
            opaque(format, itemsize, dialect.unwrap_or(&Dialect::PEP3118), model).ok_or(error)
        }
        outcome => outcome,
    }
}

/// By one dialect's rule.
fn one(
    format: &[u8],
    itemsize: Option<u64>,
    dialect: &Dialect,
    model: &DataModel,
) -> Result<Interpretation, LayoutError> {
    let layout = Layout::read(format, dialect, model)?;
    let written = layout.size();
    fit(layout, format, itemsize, dialect).ok_or_else(|| {
        let readings = Vec::from([InterpretedSize { dialect: dialect.name, size: written }]);
        mismatch(format, itemsize.unwrap_or(written), readings, dialect, model)
    })
}

fn mismatch(
    format: &[u8],
    itemsize: u64,
    readings: Vec<InterpretedSize>,
    dialect: &Dialect,
    model: &DataModel,
) -> LayoutError {
    let kind = Kind::ItemsizeMismatch { itemsize, readings };
    LayoutError::new(kind, Span::new(0, format.len()), format, dialect.name, model.name)
}

/// The layout as a reading of the itemsize, if it can be one.
fn fit(mut layout: Layout, format: &[u8], itemsize: Option<u64>, dialect: &Dialect) -> Option<Interpretation> {
    let written = layout.size();
    let tail = itemsize.unwrap_or(written).checked_sub(written)?;
    if tail > 0 {
        if dialect.end != End::Unstated || !is_sole_record(&layout) {
            return None;
        }
        // The root and the record that is the whole item.
        for node in layout.nodes.iter_mut().take(2) {
            node.size = node.size.checked_add(tail)?;
        }
    }
    let certainty = if tail > 0 { Certainty::TrailingPadding } else { Certainty::Exact };
    let reading = Interpretation { layout, dialect: *dialect, certainty, tail, alternatives: Vec::new() };
    Some(match (dialect.end, dialect.alignment) {
        (End::Unstated, _) => with_distances(reading),
        (_, Alignment::Implicit) => with_rounding(reading, format, itemsize),
        (_, Alignment::Spelled) => reading,
    })
}

/// NumPy's arrays of records: how far apart their elements are.
fn with_distances(reading: Interpretation) -> Interpretation {
    let Inference { layout, sureness, alternative } = infer(reading.layout, reading.tail);
    let certainty = match sureness {
        InferredCertainty::Certain => reading.certainty,
        InferredCertainty::Inferred => Certainty::Inferred,
        InferredCertainty::Open => Certainty::Ambiguous,
    };
    let alternatives = alternative.into_iter().map(|layout| (reading.dialect, layout)).collect();
    Interpretation { layout, certainty, alternatives, ..reading }
}

/// Arrays of structures under `@` whose second element would not be aligned: a C compiler would have
/// rounded the structures up, and if that fits too, the reading is one of two.
fn with_rounding(reading: Interpretation, format: &[u8], itemsize: Option<u64>) -> Interpretation {
    if reading.dialect.nested == Nested::Rounded || !has_misaligned_elements(&reading.layout) {
        return reading;
    }
    let rounding =
        Dialect { name: Dialect::NATIVE_C.name, nested: Nested::Rounded, end: End::Rounded, ..reading.dialect };
    let rounded = Layout::read(format, &rounding, reading.layout.model());
    match rounded.ok().filter(|layout| itemsize.is_none_or(|itemsize| layout.size() == itemsize)) {
        Some(layout) => {
            Interpretation { certainty: Certainty::Ambiguous, alternatives: Vec::from([(rounding, layout)]), ..reading }
        }
        None => reading,
    }
}

/// Whether the producers of a dialect can have written the format of a layout.
type CanHaveWritten<'a> = &'a dyn Fn(&Layout) -> bool;

/// By every rule whose producers can have written the format.
fn all(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Result<Interpretation, LayoutError> {
    // A format that is all padding is padding, whoever wrote it.
    let numpy = Dialect { named_padding: NamedPadding::Field, codes: Dialect::PEP3118.codes, ..Dialect::NUMPY };
    // Only ctypes writes addresses, and it writes all their padding: what another rule adds to meet
    // the itemsize is something that ctypes left out.
    let aligned = |layout: &Layout| itemsize.is_none() || !has_addresses(layout, format);
    let rules: [(Dialect, CanHaveWritten<'_>); 5] = [
        (Dialect::PEP3118, &aligned),
        (Dialect::CTYPES, &|layout| is_spelled_as_ctypes_does(layout, format)),
        (Dialect::ARRAY, &|layout| layout.item().ty() == Type::Wchar),
        (Dialect::NATIVE_C, &aligned),
        (numpy, &|layout| is_sole_item(layout) && is_spelled_as_numpy_does(layout)),
    ];
    let mut refusal: Option<LayoutError> = None;
    let mut readings: Vec<InterpretedSize> = Vec::new();
    let mut fits: Vec<Interpretation> = Vec::new();
    for (rule, can_have_written) in &rules {
        let layout = match Layout::read(format, rule, model) {
            Ok(layout) if can_have_written(&layout) => layout,
            Ok(_) => continue,
            Err(error) => {
                refusal.get_or_insert(error);
                continue;
            }
        };
        readings.push(InterpretedSize { dialect: rule.name, size: layout.size() });
        if let Some(reading) = fit(layout, format, itemsize, rule).filter(is_plausible) {
            fits.push(reading);
        }
    }
    agree(fits).ok_or_else(|| match (refusal, itemsize) {
        (Some(error), _) if readings.is_empty() => error,
        (_, itemsize) => mismatch(format, itemsize.unwrap_or(0), readings, &Dialect::PEP3118, model),
    })
}

/// One reading from all that fit, with the others as alternatives where they differ; `None` of none.
fn agree(fits: Vec<Interpretation>) -> Option<Interpretation> {
    let mut fits = fits.into_iter();
    let mut first = fits.next()?;
    for other in fits {
        let same = same_memory(&first.layout, &other.layout);
        if !same {
            first.alternatives.push((other.dialect, other.layout));
        }
        first.certainty = match other.certainty {
            _ if !same => Certainty::Ambiguous,
            // One rule states what the other leaves out.
            Certainty::Exact | Certainty::TrailingPadding => first.certainty,
            // What is uncertain if NumPy wrote it stays uncertain: it may have.
            Certainty::Inferred | Certainty::Ambiguous => first.certainty.max(other.certainty),
        };
        first.alternatives.extend(other.alternatives);
    }
    Some(first)
}

/// Whether a reading that fits by arithmetic can also be meant.
fn is_plausible(reading: &Interpretation) -> bool {
    if reading.dialect.alignment == Alignment::Implicit {
        // `@` promises alignment for every element.
        return !has_misaligned_elements(&reading.layout);
    }
    // An unstated tail is NumPy's habit, and also how the omissions of ctypes look: believe it only
    // of a string that ctypes cannot have written.
    reading.tail == 0 || has_numpy_spelling(&reading.layout)
}

/// Whether the format has a `&` or an `X{}`.
fn has_addresses(layout: &Layout, format: &[u8]) -> bool {
    layout.nodes.iter().any(|node| is_address(node, format))
}

/// Whether a field is a `&` or an `X{}`, and not one of the codes that are pointers.
fn is_address(node: &Node, format: &[u8]) -> bool {
    matches!(node.ty, Type::Pointer | Type::Function) && matches!(node.span.of(format).first(), Some(b'&' | b'X'))
}

/// Whether the format is one item.
fn is_sole_item(layout: &Layout) -> bool {
    let mut fields = layout.fields();
    matches!((fields.next(), fields.next()), (Some(only), None) if only.offset() == 0 && only.total_size() == layout.size())
        || layout.size() == 0
}

/// Whether the format is one structure, `T{…}`.
fn is_sole_record(layout: &Layout) -> bool {
    let mut fields = layout.fields();
    matches!(
        (fields.next(), fields.next()),
        (Some(only), None) if only.ty() == Type::Record
            && only.count() == 1
            && only.name().is_none()
            && only.offset() == 0
            && only.size() == layout.size()
    )
}

/// Whether every number has a byte order character: ctypes puts `<` or `>` before every code, and
/// writes `B`, `&` and `X{}` bare.
fn is_spelled_as_ctypes_does(layout: &Layout, format: &[u8]) -> bool {
    let mut numbers = layout.nodes.iter().filter(|node| node.endian.is_some() && !is_address(node, format));
    numbers.all(|node| matches!(node.order, ByteOrder::Little | ByteOrder::Big))
}

/// Whether every number has a byte order character that NumPy writes: none or `@ = ^` for the
/// machine's own order, `<` or `>` only for the other one.
fn is_spelled_as_numpy_does(layout: &Layout) -> bool {
    // `O` and addresses have no byte order character of their own: NumPy writes them under any.
    let mut numbers = layout.nodes.iter().filter(|node| node.ty.has_byte_order() && node.ty != Type::Object);
    numbers.all(|node| match (node.order, node.endian) {
        (ByteOrder::Little | ByteOrder::Big, Some(endian)) => endian != layout.model().endian,
        (ByteOrder::Network, _) => false,
        _ => true,
    })
}

/// Whether some number of several bytes stands under `@`, `=` or `^`: ctypes puts `<` or `>` before
/// every code, and writes `B`, `&` and `X{}` bare.
fn has_numpy_spelling(layout: &Layout) -> bool {
    layout.nodes.iter().any(|node| {
        node.endian.is_some()
            && !matches!(node.ty, Type::Pointer | Type::Function)
            && matches!(node.order, ByteOrder::Native | ByteOrder::NativeStandard | ByteOrder::NativeUnaligned)
    })
}

/// Whether an array of structures under `@` has elements that are not a multiple of their alignment.
fn has_misaligned_elements(layout: &Layout) -> bool {
    (0_u32..).zip(&layout.nodes).any(|(index, node)| {
        node.ty == Type::Record && node.count > 1 && !native_align(layout, index).divides(node.size)
    })
}

/// The largest alignment among the fields of a record that stand under `@`.
fn native_align(layout: &Layout, index: u32) -> Align {
    let Some(record) = layout.node(index) else {
        return Align::ONE;
    };
    (index..record.end)
        .filter_map(|inner| layout.node(inner))
        .filter(|inner| inner.order == ByteOrder::Native)
        .map(|inner| super::scalar::natural_align(inner, layout.model()))
        .max()
        .unwrap_or(Align::ONE)
}

/// Whether two layouts of one format put every value at the same place.
pub(super) fn same_memory(a: &Layout, b: &Layout) -> bool {
    let kind = |node: &Node| match node.ty {
        // Two names of a 2-byte unit.
        Type::Wchar if node.size == 2 => Type::Ucs2,
        ty => ty,
    };
    a.size() == b.size()
        && a.nodes.len() == b.nodes.len()
        && a.leaves().zip(b.leaves()).all(|((offset, left), (other, right))| {
            (offset, left.size(), left.count(), left.endian()) == (other, right.size(), right.count(), right.endian())
        })
        && a.nodes.iter().zip(&b.nodes).all(|(left, right)| {
            kind(left) == kind(right) && (left.ty != Type::Record || left.count <= 1 || left.size == right.size)
        })
}

/// A format that is one user type and nothing else: the itemsize is its size.
fn opaque(format: &[u8], itemsize: Option<u64>, dialect: &Dialect, model: &DataModel) -> Option<Interpretation> {
    let parsed = Format::parse(format).ok()?;
    let mut items = parsed.members().iter().filter_map(|member| match member {
        Member::Item(item) => Some(item),
        Member::ByteOrder(_) => None,
    });
    let item = items.next().filter(|item| item.prefix.is_empty() && matches!(item.ty, ItemType::User(_)))?;
    if items.next().is_some() {
        return None;
    }
    let size = itemsize?;
    let mut layout =
        Layout::read(b"B", dialect, model).or_else(|_| Layout::read(b"B", &Dialect::PEP3118, model)).ok()?;
    for (index, node) in layout.nodes.iter_mut().enumerate() {
        node.size = size;
        node.span = item.span;
        if index > 0 {
            node.ty = Type::Opaque;
            if let Some(name) = &item.name {
                node.name = name.span;
            }
        }
    }
    layout.names = parsed.as_bytes().to_vec();
    Some(Interpretation { layout, dialect: *dialect, certainty: Certainty::Exact, tail: 0, alternatives: Vec::new() })
}
