//! [`reconcile`]: the layout of a format whose itemsize is known.
//!
//! Four rules explain every correct export in the corpus (see `docs/padding.md`): no implicit padding
//! beyond alignment, the layout of a C compiler, NumPy's explicit padding, and ctypes' native sizes
//! under `<`. If the producer is known, its rule alone applies. Else all rules are tried, and the result
//! is an [`Ambiguity`] if several fit and differ.

use alloc::vec::Vec;

use super::dialect::{Alignment, Dialect, RecordSpacing, StructureSize, TrailingPadding};
use super::error::{InterpretedSize, LayoutError, LayoutErrorKind as Kind};
use super::interpretation::{Ambiguity, Certainty, Interpretation};
use super::stride_inference::{OpenSpacing, Spacing, infer};
use super::tree::{Field, Layout, Node};
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Format, ItemType, Member};
use crate::span::Span;

/// Computes the layout of a format that has a given itemsize.
///
/// `itemsize` is in bytes; without it every size fits. `dialect` is the dialect of the producer. Without
/// it, the rules of all producers are tried.
///
/// ```
/// use pep3118::{Certainty, DataModel, Dialect, reconcile};
/// let read = |format: &str, itemsize, dialect| reconcile(format.as_bytes(), itemsize, dialect, &DataModel::LP64);
///
/// // ctypes writes all padding.
/// let found = read("T{<b:a:3x<i:b:}", Some(8), Some(&Dialect::CTYPES))?;
/// assert_eq!(found.certainty, Certainty::Exact);
///
/// // NumPy omits the padding at the end.
/// let found = read("T{b:a:xxxxxxxi:b:}", Some(16), Some(&Dialect::NUMPY))?;
/// assert_eq!((found.certainty, found.trailing_padding), (Certainty::TrailingPadding, 4));
///
/// // `y` is at byte 16 by the rules of NumPy and at byte 23 by those of a C compiler. Both fit.
/// let error = read("T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), None).unwrap_err();
/// assert_eq!(error.ambiguity().unwrap().alternatives().len(), 2);
///
/// // ctypes before 3.12 wrote no padding, so the format contradicts the itemsize.
/// let error = read("T{<b:a:<i:b:}", Some(8), None).unwrap_err();
/// assert_eq!(error.to_string(), "itemsize is 8 bytes but format `T{<b:a:<i:b:}` describes 5 bytes");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - as [`Layout::read`]
/// - `T{<b:a:<i:b:}` with itemsize 8: no rule gives 8 bytes
/// - `T{(2)T{b:a:}:x:xx(2)b:y:}` with itemsize 6: two interpretations fit, and [`LayoutError::ambiguity`] has both
pub fn reconcile(
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &DataModel,
) -> Result<Interpretation, LayoutError> {
    let candidates = match dialect {
        Some(dialect) => by_dialect(format, itemsize, dialect, model),
        None => by_all_rules(format, itemsize, model),
    };
    let dialect = dialect.unwrap_or(&Dialect::PEP3118);
    match candidates {
        Ok(candidates) => candidates.into_interpretation(format, itemsize).map_err(|ambiguity| {
            let whole = Span::new(0, format.len());
            LayoutError::new(Kind::Ambiguous(ambiguity), whole, format, dialect.name, model.name)
        }),
        Err(error) if *error.kind() == Kind::UnknownSize => user_type(format, itemsize, dialect, model).ok_or(error),
        Err(error) => Err(error),
    }
}

/// Returns the interpretation, or all alternatives of an ambiguous format; empty for any other error.
#[doc(hidden)]
#[must_use]
pub fn interpretations(outcome: &Result<Interpretation, LayoutError>) -> &[Interpretation] {
    match outcome {
        Ok(found) => core::slice::from_ref(found),
        Err(error) => error.ambiguity().map_or(&[], Ambiguity::alternatives),
    }
}

/// Interpretations that fit, each of them different.
struct Candidates {
    first: Interpretation,
    others: Vec<Interpretation>,
}

impl Candidates {
    fn of(first: Interpretation) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Adds an interpretation, unless one with the same values at the same offsets is there.
    fn add(&mut self, other: Interpretation) {
        let mut known = core::iter::once(&mut self.first).chain(&mut self.others);
        match known.find(|known| same_memory(&known.layout, &other.layout)) {
            // Another rule may declare the trailing padding, but if NumPy may be the producer, an inferred
            // distance stays inferred.
            Some(known) if other.certainty == Certainty::Inferred => known.certainty = Certainty::Inferred,
            Some(_) => {}
            None => self.others.push(other),
        }
    }

    fn append(&mut self, more: Self) {
        self.add(more.first);
        more.others.into_iter().for_each(|other| self.add(other));
    }

    fn into_interpretation(self, format: &[u8], itemsize: Option<u64>) -> Result<Interpretation, Ambiguity> {
        let Self { first, others } = self;
        if others.is_empty() { Ok(first) } else { Err(Ambiguity::new(format, itemsize, first, others)) }
    }
}

/// Applies the rule of one dialect.
fn by_dialect(
    format: &[u8],
    itemsize: Option<u64>,
    dialect: &Dialect,
    model: &DataModel,
) -> Result<Candidates, LayoutError> {
    let layout = Layout::read(format, dialect, model)?;
    let size = layout.size();
    let target = itemsize.unwrap_or(size);
    match fit(layout, target, dialect) {
        Some(found) => Ok(with_spacings(found, format, itemsize)),
        None => {
            let sizes = Vec::from([InterpretedSize { dialect: dialect.name, size }]);
            Err(mismatch(format, target, sizes, dialect, model))
        }
    }
}

fn mismatch(
    format: &[u8],
    itemsize: u64,
    sizes: Vec<InterpretedSize>,
    dialect: &Dialect,
    model: &DataModel,
) -> LayoutError {
    let kind = Kind::ItemsizeMismatch { itemsize, sizes };
    LayoutError::new(kind, Span::new(0, format.len()), format, dialect.name, model.name)
}

/// Makes the layout as large as the itemsize, if the dialect permits that.
fn fit(mut layout: Layout, itemsize: u64, dialect: &Dialect) -> Option<Interpretation> {
    let trailing_padding = itemsize.checked_sub(layout.size())?;
    if trailing_padding > 0 {
        if dialect.trailing_padding != TrailingPadding::Implicit
            || !is_sole_record(&layout)
            || itemsize > layout.model().ssize_max()
        {
            return None;
        }
        // The root and the record that is the whole item.
        for node in layout.nodes.iter_mut().take(2) {
            node.size = node.size.checked_add(trailing_padding)?;
        }
    }
    let certainty = if trailing_padding > 0 { Certainty::TrailingPadding } else { Certainty::Exact };
    Some(Interpretation { layout, dialect: *dialect, certainty, trailing_padding })
}

/// Adds the distances that elements of arrays of structures can have.
fn with_spacings(found: Interpretation, format: &[u8], itemsize: Option<u64>) -> Candidates {
    match (found.dialect.trailing_padding, found.dialect.alignment) {
        (TrailingPadding::Implicit, _) => with_numpy_spacings(found),
        (_, Alignment::Implicit) => with_rounded_structures(found, format, itemsize),
        (_, Alignment::Explicit) => Candidates::of(found),
    }
}

/// The arrays of structures that NumPy writes: see [`infer`].
fn with_numpy_spacings(found: Interpretation) -> Candidates {
    let Interpretation { layout, dialect, certainty, trailing_padding } = found;
    let one = |layout, dialect, certainty| Interpretation { layout, dialect, certainty, trailing_padding };
    let OpenSpacing { packed, padded, padded_is_likely, has_inferred } = match infer(layout, trailing_padding) {
        Spacing::Certain(layout) => return Candidates::of(one(layout, dialect, certainty)),
        Spacing::Inferred(layout) => return Candidates::of(one(layout, dialect, Certainty::Inferred)),
        Spacing::Open(open) => open,
    };
    let certainty = if has_inferred { Certainty::Inferred } else { certainty };
    match dialect.record_spacing {
        RecordSpacing::Packed => Candidates::of(one(packed, dialect, certainty)),
        RecordSpacing::Padded => Candidates::of(one(padded, dialect, certainty)),
        RecordSpacing::Inferred => {
            let variant =
                |variant: &Dialect| Dialect { name: variant.name, record_spacing: variant.record_spacing, ..dialect };
            let packed = one(packed, variant(&Dialect::NUMPY_PACKED), certainty);
            let padded = one(padded, variant(&Dialect::NUMPY_PADDED), certainty);
            let (likely, other) = if padded_is_likely { (padded, packed) } else { (packed, padded) };
            let mut candidates = Candidates::of(likely);
            candidates.add(other);
            candidates
        }
    }
}

/// Arrays of structures under `@` whose second element is not aligned. A C compiler would round the structures
/// up to their alignment. If that fits too, there are two interpretations.
fn with_rounded_structures(found: Interpretation, format: &[u8], itemsize: Option<u64>) -> Candidates {
    let asked = found.dialect;
    let is_decided = asked.structure_size == StructureSize::Aligned || asked.record_spacing != RecordSpacing::Inferred;
    if is_decided || !has_misaligned_elements(&found.layout) {
        return Candidates::of(found);
    }
    let dialect = Dialect {
        name: Dialect::NATIVE_C.name,
        structure_size: StructureSize::Aligned,
        trailing_padding: TrailingPadding::Aligned,
        ..asked
    };
    let layout = match Layout::read(format, &dialect, found.layout.model()) {
        Ok(layout) if itemsize.is_none_or(|itemsize| layout.size() == itemsize) => layout,
        // The rounded item may be too large for the machine.
        Ok(_) | Err(_) => return Candidates::of(found),
    };
    if same_memory(&found.layout, &layout) {
        return Candidates::of(found);
    }
    let packed = Dialect { name: Dialect::PEP3118_PACKED.name, record_spacing: RecordSpacing::Packed, ..asked };
    let mut candidates = Candidates::of(Interpretation { dialect: packed, ..found });
    candidates.add(Interpretation { layout, dialect, certainty: Certainty::Exact, trailing_padding: 0 });
    candidates
}

/// NumPy's rule for a format of an unknown producer: every format character is accepted, and a format
/// of padding alone is padding.
const NUMPY_RULE: Dialect =
    Dialect { name: Dialect::NUMPY.name, record_spacing: RecordSpacing::Inferred, ..Dialect::NUMPY_PACKED };

/// Returns whether the producers of a dialect can have written the format with this layout.
type CanHaveWritten<'f> = &'f dyn Fn(&Layout) -> bool;

/// Applies every rule whose producers can have written the format.
fn by_all_rules(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Result<Candidates, LayoutError> {
    let is_from_ctypes = |layout: &Layout| is_spelled_as_ctypes_does(layout, format);
    let can_be_ctypes = || Layout::read(format, &Dialect::CTYPES, model).is_ok_and(|layout| is_from_ctypes(&layout));
    // Only ctypes writes addresses, and it writes all padding. Padding that another rule would add to reach
    // the itemsize is something that ctypes left out.
    let may_be_padded = |layout: &Layout| itemsize.is_none() || !has_addresses(layout, format) || !can_be_ctypes();
    // NumPy writes fewer format characters than its rule accepts.
    let can_be_numpy = || Layout::read(format, &Dialect::NUMPY, model).is_ok();
    let rules: [(Dialect, CanHaveWritten<'_>); 5] = [
        (Dialect::PEP3118, &may_be_padded),
        (Dialect::CTYPES, &is_from_ctypes),
        (Dialect::ARRAY, &|layout| layout.item().ty() == Type::Wchar),
        (Dialect::NATIVE_C, &may_be_padded),
        (NUMPY_RULE, &|layout| is_sole_item(layout) && is_spelled_as_numpy_does(layout)),
    ];
    let mut sizes: Vec<InterpretedSize> = Vec::new();
    // The candidates of the first likelihood that has some are the result.
    let [mut likely, mut unlikely, mut misaligned]: [Option<Candidates>; 3] = [None, None, None];
    for (rule, can_have_written) in &rules {
        let Some(layout) = Layout::read(format, rule, model).ok().filter(|layout| can_have_written(layout)) else {
            continue;
        };
        sizes.push(InterpretedSize { dialect: rule.name, size: layout.size() });
        let target = itemsize.unwrap_or(layout.size());
        // Trailing padding that the format does not declare is a habit of NumPy. An incomplete format of
        // ctypes looks the same, so it is accepted only in a format that ctypes cannot have written.
        let is_complete = |found: &Interpretation| found.trailing_padding == 0 || has_numpy_spelling(&found.layout);
        let Some(found) = fit(layout, target, rule).filter(is_complete) else { continue };
        // `@` promises that every element is aligned.
        let breaks_alignment = rule.alignment == Alignment::Implicit && has_misaligned_elements(&found.layout);
        let candidates = if breaks_alignment {
            &mut misaligned
        } else if rule.trailing_padding == TrailingPadding::Implicit && likely.is_some() && !can_be_numpy() {
            &mut unlikely
        } else {
            &mut likely
        };
        let found = with_spacings(found, format, itemsize);
        match candidates {
            Some(candidates) => candidates.append(found),
            None => *candidates = Some(found),
        }
    }
    if let Some(candidates) = likely.or(unlikely).or(misaligned) {
        return Ok(candidates);
    }
    if sizes.is_empty() {
        // The error of the dialect that accepts most.
        let layout = Layout::read(format, &Dialect::PEP3118, model)?;
        sizes.push(InterpretedSize { dialect: Dialect::PEP3118.name, size: layout.size() });
    }
    let Some(itemsize) = itemsize else {
        debug_assert!(false, "without an itemsize every layout fits");
        return by_dialect(format, None, &Dialect::PEP3118, model);
    };
    Err(mismatch(format, itemsize, sizes, &Dialect::PEP3118, model))
}

/// Returns whether the format has a `&` or an `X{}`.
fn has_addresses(layout: &Layout, format: &[u8]) -> bool {
    layout.nodes.iter().any(|node| is_address(node, format))
}

/// Returns whether a field is a `&` or an `X{}`, and not a format character of a pointer.
fn is_address(node: &Node, format: &[u8]) -> bool {
    matches!(node.ty, Type::Pointer | Type::Function) && matches!(node.span.of(format).first(), Some(b'&' | b'X'))
}

/// Returns whether the format is one item.
fn is_sole_item(layout: &Layout) -> bool {
    let mut fields = layout.fields();
    matches!((fields.next(), fields.next()), (Some(only), None) if only.offset() == 0 && only.total_size() == layout.size())
        || layout.size() == 0
}

/// Returns whether the format is one structure, `T{…}`.
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

/// Returns whether ctypes can have written the byte-order characters: it writes `<` or `>` before each format
/// character of more than one byte, and none before `B`, `&` and `X{}`.
fn is_spelled_as_ctypes_does(layout: &Layout, format: &[u8]) -> bool {
    let mut numbers = layout.nodes.iter().filter(|node| node.endian.is_some() && !is_address(node, format));
    numbers.all(|node| matches!(node.order, ByteOrder::Little | ByteOrder::Big))
}

/// Returns whether NumPy can have written the byte-order characters: none or `@ = ^` for the byte order of the data
/// model, `<` or `>` only for the other one.
fn is_spelled_as_numpy_does(layout: &Layout) -> bool {
    // NumPy writes `O` and addresses after any byte-order character.
    let mut numbers = layout.nodes.iter().filter(|node| node.ty.has_byte_order() && node.ty != Type::Object);
    numbers.all(|node| match (node.order, node.endian) {
        (ByteOrder::Little | ByteOrder::Big, Some(endian)) => endian != layout.model().endian,
        (ByteOrder::Network, _) => false,
        _ => true,
    })
}

/// Returns whether only NumPy can have written the byte-order characters: a number of several bytes is under `@`, `=` or
/// `^`, which ctypes never writes.
fn has_numpy_spelling(layout: &Layout) -> bool {
    layout.nodes.iter().any(|node| {
        node.endian.is_some()
            && !matches!(node.ty, Type::Pointer | Type::Function)
            && matches!(node.order, ByteOrder::Native | ByteOrder::NativeStandard | ByteOrder::NativeUnaligned)
    })
}

/// Returns whether an array of structures has elements under `@` whose size is not a multiple of their alignment.
fn has_misaligned_elements(layout: &Layout) -> bool {
    let mut arrays = layout.all_fields().filter(|field| field.ty() == Type::Record && field.count() > 1);
    arrays.any(|array| !native_align(array).divides(array.size()))
}

/// Returns the largest alignment of the fields of a record that are under `@`.
fn native_align(record: Field<'_>) -> Align {
    let native = record.descendants().filter(|field| field.node().order == ByteOrder::Native);
    native.map(|field| field.ty().natural_align(field.size(), field.model())).max().unwrap_or(Align::ONE)
}

/// Returns whether two layouts of one format have the same values at the same offsets.
fn same_memory(a: &Layout, b: &Layout) -> bool {
    let kind = |node: &Node| match node.ty {
        // Both are text of units of 2 bytes.
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

/// Returns the layout of a format that is one user type and nothing else: its size is the itemsize.
fn user_type(format: &[u8], itemsize: Option<u64>, dialect: &Dialect, model: &DataModel) -> Option<Interpretation> {
    let parsed = Format::parse(format).ok()?;
    let mut items = parsed.members().iter().filter_map(|member| match member {
        Member::Item(item) => Some(item),
        Member::ByteOrder(_) => None,
    });
    let item = items.next().filter(|item| item.prefix.is_empty() && matches!(item.ty, ItemType::User(_)))?;
    if items.next().is_some() {
        return None;
    }
    let size = itemsize.filter(|size| *size <= model.ssize_max())?;
    let mut layout = Layout::of_one(Type::Opaque, size, None, model);
    if let [root, field] = layout.nodes.as_mut_slice() {
        (root.span, field.span) = (item.span, item.span);
        if let Some(name) = &item.name {
            field.name = name.span;
        }
    }
    layout.names = parsed.as_bytes().to_vec();
    Some(Interpretation { layout, dialect: *dialect, certainty: Certainty::Exact, trailing_padding: 0 })
}
