//! [`reconcile`]: computes the layout of a format whose itemsize is known. [`interpretations`]: the layouts in the
//! result.
//!
//! Four dialects explain every correct format in the corpus of recorded exports (see `docs/padding.md`). In `pep3118`,
//! `@` implies padding before items only. `native-c` has the layout rules of a C compiler. In `numpy`, `@` implies no
//! padding, and the padding at the end is omitted. `ctypes` has native sizes under `<`. If the caller knows the
//! producer, `reconcile` uses only the dialect of this producer. Otherwise `reconcile` tries several dialects. If these
//! dialects give different layouts that have the itemsize, the result is an [`Ambiguity`].

use alloc::vec::Vec;

use super::dialect::{Alignment, Dialect, RecordSpacing, StructureSize, TrailingPadding};
use super::error::{InterpretedSize, LayoutError, LayoutErrorKind as Kind};
use super::interpretation::{Ambiguity, Certainty, Interpretation};
use super::stride_inference::{AmbiguousSpacing, Spacing, infer};
use super::tree::{Field, Layout, Node};
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Format, ItemType, Member};
use crate::span::Span;

/// Computes the layout of `format` whose size is `itemsize`.
///
/// `itemsize` is the size of an item in bytes, or `None` if the layout can have any size. `dialect` is the dialect of
/// the producer of `format`. For `None`, the producer is unknown, and the function tries the dialects of all
/// producers. `model` gives the sizes of C types. If `format` is one user type of unknown size, such as `[rational]`,
/// this type has the size `itemsize`.
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
/// // By the rules of NumPy, `y` is at byte 16. By the rules of a C compiler, `y` is at byte 23. Both layouts have 24 bytes.
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
/// - `T{i`, and all other formats that [`Layout::read`] refuses: the function returns the same error
/// - `T{<b:a:<i:b:}` with itemsize 8: no dialect gives a layout of 8 bytes
/// - `T{(2)T{b:a:}:x:xx(2)b:y:}` with itemsize 6: two layouts have 6 bytes, and [`LayoutError::ambiguity`] returns both
#[inline]
pub fn reconcile(
    format: impl AsRef<[u8]>,
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &DataModel,
) -> Result<Interpretation, LayoutError> {
    reconcile_bytes(format.as_ref(), itemsize, dialect, model)
}

/// Returns the interpretation of `format`, or the error, like [`reconcile`]. This function is not generic, so the
/// compiler compiles it once.
fn reconcile_bytes(
    format: &[u8],
    itemsize: Option<u64>,
    dialect: Option<&Dialect>,
    model: &DataModel,
) -> Result<Interpretation, LayoutError> {
    let candidates = match dialect {
        Some(dialect) => by_dialect(format, itemsize, dialect, model),
        None => by_all_rules(format, itemsize, model),
    };
    // An error message names a dialect. If the caller gave no dialect, the message names `PEP3118`, which accepts all
    // constructs.
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

/// Returns all interpretations in `outcome`, a result of [`reconcile`]: the only interpretation, or the alternatives of
/// an ambiguity.
///
/// Returns an empty slice for all other errors.
#[doc(hidden)]
#[must_use]
pub fn interpretations(outcome: &Result<Interpretation, LayoutError>) -> &[Interpretation] {
    match outcome {
        Ok(found) => core::slice::from_ref(found),
        Err(error) => error.ambiguity().map_or(&[], Ambiguity::alternatives),
    }
}

/// One or more interpretations of one format. Each interpretation has the itemsize of the exporter and its own memory
/// layout.
struct Candidates {
    first: Interpretation,
    others: Vec<Interpretation>,
}

impl Candidates {
    /// Creates candidates whose only interpretation is `first`.
    fn only(first: Interpretation) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Adds the interpretation `other`, unless a candidate already has the same memory layout. If the certainty of
    /// `other` is `Inferred`, the certainty of the existing candidate becomes `Inferred`.
    fn add_distinct(&mut self, other: Interpretation) {
        let mut known = core::iter::once(&mut self.first).chain(&mut self.others);
        match known.find(|known| same_memory(&known.layout, &other.layout)) {
            // If NumPy is the producer, the layout is inferred. The layout is therefore less certain than the dialect
            // of `known` implies.
            Some(known) if other.certainty == Certainty::Inferred => known.certainty = Certainty::Inferred,
            Some(_) => {}
            None => self.others.push(other),
        }
    }

    /// Adds each interpretation of `more`, unless a candidate already has the same memory layout.
    fn add_all(&mut self, more: Self) {
        self.add_distinct(more.first);
        more.others.into_iter().for_each(|other| self.add_distinct(other));
    }

    /// Returns the only interpretation. Returns an ambiguity as the error if there are several interpretations.
    /// `format` and `itemsize` are the arguments of [`reconcile`], for the message.
    fn into_interpretation(self, format: &[u8], itemsize: Option<u64>) -> Result<Interpretation, Ambiguity> {
        let Self { first, others } = self;
        if others.is_empty() { Ok(first) } else { Err(Ambiguity::new(format, itemsize, first, others)) }
    }
}

/// Returns the interpretations of `format` in the dialect `dialect`. `itemsize` and `model` have the same meaning as
/// for [`reconcile`]. Returns an error if `format` has no layout in `dialect`, or no layout with the itemsize.
fn by_dialect(
    format: &[u8],
    itemsize: Option<u64>,
    dialect: &Dialect,
    model: &DataModel,
) -> Result<Candidates, LayoutError> {
    let layout = Layout::read(format, dialect, model)?;
    let size = layout.size();
    // Without an itemsize, a layout of every size is accepted.
    let target = itemsize.unwrap_or(size);
    match fit_to_itemsize(layout, target, dialect) {
        Some(found) => Ok(with_spacings(found, format, itemsize)),
        None => {
            let sizes = Vec::from([InterpretedSize { dialect: dialect.name, size }]);
            Err(itemsize_mismatch(format, target, sizes, dialect, model))
        }
    }
}

/// Creates the error for a `format` without a layout of `itemsize` bytes. `sizes` has the size of each layout that was
/// tried. The message names `dialect` and `model`.
fn itemsize_mismatch(
    format: &[u8],
    itemsize: u64,
    sizes: Vec<InterpretedSize>,
    dialect: &Dialect,
    model: &DataModel,
) -> LayoutError {
    let kind = Kind::ItemsizeMismatch { itemsize, sizes };
    LayoutError::new(kind, Span::new(0, format.len()), format, dialect.name, model.name)
}

/// Extends `layout` by trailing padding to `itemsize` bytes, and returns the result as an interpretation in `dialect`.
/// Returns `None` if `layout` is larger than `itemsize`. If `layout` is smaller, also returns `None` if `dialect` does
/// not permit trailing padding, if `layout` is not one structure, or if `itemsize` exceeds `PY_SSIZE_T_MAX`.
fn fit_to_itemsize(mut layout: Layout, itemsize: u64, dialect: &Dialect) -> Option<Interpretation> {
    let trailing_padding = itemsize.checked_sub(layout.size())?;
    if trailing_padding > 0 {
        if dialect.trailing_padding != TrailingPadding::Implicit
            || !is_sole_record(&layout)
            || itemsize > layout.model().ssize_max()
        {
            return None;
        }
        // The first two nodes are the root and the record that is the whole item.
        for node in layout.nodes.iter_mut().take(2) {
            node.size = node.size.checked_add(trailing_padding)?;
        }
    }
    let certainty = if trailing_padding > 0 { Certainty::TrailingPadding } else { Certainty::Exact };
    Some(Interpretation { layout, dialect: *dialect, certainty, trailing_padding })
}

/// Returns one interpretation for each distance that the elements of arrays of structures in `found` can have by the
/// rules of its dialect. `format` and `itemsize` are the arguments of [`reconcile`].
fn with_spacings(found: Interpretation, format: &[u8], itemsize: Option<u64>) -> Candidates {
    match (found.dialect.trailing_padding, found.dialect.alignment) {
        (TrailingPadding::Implicit, _) => with_numpy_spacings(found),
        (_, Alignment::Implicit) => with_rounded_structures(found, format, itemsize),
        (_, Alignment::Explicit) => Candidates::only(found),
    }
}

/// Returns one interpretation for each distance between array elements that [`infer`] computes, the likely distance
/// first. If [`RecordSpacing`] of the dialect selects one distance, returns only the interpretation with this distance.
/// `found` must be an interpretation in a dialect of NumPy.
fn with_numpy_spacings(found: Interpretation) -> Candidates {
    let Interpretation { layout, dialect, certainty, trailing_padding } = found;
    let interpretation = |layout, dialect, certainty| Interpretation { layout, dialect, certainty, trailing_padding };
    let AmbiguousSpacing { packed, padded, padded_is_likely, has_inferred } = match infer(layout, trailing_padding) {
        Spacing::Certain(layout) => return Candidates::only(interpretation(layout, dialect, certainty)),
        Spacing::Inferred(layout) => return Candidates::only(interpretation(layout, dialect, Certainty::Inferred)),
        Spacing::Ambiguous(spacing) => spacing,
    };
    let certainty = if has_inferred { Certainty::Inferred } else { certainty };
    match dialect.record_spacing {
        RecordSpacing::Packed => Candidates::only(interpretation(packed, dialect, certainty)),
        RecordSpacing::Padded => Candidates::only(interpretation(padded, dialect, certainty)),
        RecordSpacing::Inferred => {
            let variant =
                |variant: &Dialect| Dialect { name: variant.name, record_spacing: variant.record_spacing, ..dialect };
            let packed = interpretation(packed, variant(&Dialect::NUMPY_PACKED), certainty);
            let padded = interpretation(padded, variant(&Dialect::NUMPY_PADDED), certainty);
            let (likely, other) = if padded_is_likely { (padded, packed) } else { (packed, padded) };
            let mut candidates = Candidates::only(likely);
            candidates.add_distinct(other);
            candidates
        }
    }
}

/// Returns the interpretation `found`, and a second interpretation if a C compiler gives the format another layout that
/// has the itemsize. A second interpretation requires an array of structures in `found` whose elements are not aligned
/// under `@`, because a C compiler rounds the size of these structures up to their alignment. If there are two
/// interpretations, the first has the dialect [`Dialect::PEP3118_PACKED`] and the second [`Dialect::NATIVE_C`]. Returns
/// only `found` if its dialect already rounds structures or selects one distance. `format` and `itemsize` are the
/// arguments of [`reconcile`].
fn with_rounded_structures(found: Interpretation, format: &[u8], itemsize: Option<u64>) -> Candidates {
    let requested = found.dialect;
    let is_decided =
        requested.structure_size == StructureSize::Aligned || requested.record_spacing != RecordSpacing::Inferred;
    if is_decided || !has_misaligned_elements(&found.layout) {
        return Candidates::only(found);
    }
    let dialect = Dialect {
        name: Dialect::NATIVE_C.name,
        structure_size: StructureSize::Aligned,
        trailing_padding: TrailingPadding::Aligned,
        ..requested
    };
    let layout = match Layout::read(format, &dialect, found.layout.model()) {
        Ok(layout) if itemsize.is_none_or(|itemsize| layout.size() == itemsize) => layout,
        // The rounded layout has another size than the itemsize, or exceeds `PY_SSIZE_T_MAX`.
        Ok(_) | Err(_) => return Candidates::only(found),
    };
    if same_memory(&found.layout, &layout) {
        return Candidates::only(found);
    }
    let packed = Dialect { name: Dialect::PEP3118_PACKED.name, record_spacing: RecordSpacing::Packed, ..requested };
    let mut candidates = Candidates::only(Interpretation { dialect: packed, ..found });
    candidates.add_distinct(Interpretation { layout, dialect, certainty: Certainty::Exact, trailing_padding: 0 });
    candidates
}

/// The dialect of NumPy for a format of an unknown producer. This dialect accepts every format character. A format of
/// pad bytes only, such as `3x`, is padding, because another producer may have written the format.
const NUMPY_RULE: Dialect =
    Dialect { name: Dialect::NUMPY.name, record_spacing: RecordSpacing::Inferred, ..Dialect::NUMPY_PACKED };

/// A function that returns whether a producer of a dialect can have written the format. The argument is the layout of
/// the format in this dialect.
type CanHaveWritten<'f> = &'f dyn Fn(&Layout) -> bool;

/// Returns the interpretations of `format` in all dialects whose producers can have written `format`. `itemsize` and
/// `model` have the same meaning as for [`reconcile`]. Returns an error if `format` has no layout in any of these
/// dialects, or no layout with the itemsize.
fn by_all_rules(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Result<Candidates, LayoutError> {
    let is_from_ctypes = |layout: &Layout| has_ctypes_byte_orders(layout, format);
    let can_be_ctypes = || Layout::read(format, &Dialect::CTYPES, model).is_ok_and(|layout| is_from_ctypes(&layout));
    // Only ctypes writes `&` and `X{}`, and ctypes writes all padding. If the size of such a format is smaller than the
    // itemsize, ctypes has omitted fields. A dialect with implicit padding would treat these bytes as padding, and the
    // layout would be wrong.
    let may_be_padded = |layout: &Layout| itemsize.is_none() || !has_addresses(layout, format) || !can_be_ctypes();
    // `NUMPY_RULE` accepts format characters that NumPy never writes. `Dialect::NUMPY` does not.
    let can_be_numpy = || Layout::read(format, &Dialect::NUMPY, model).is_ok();
    let rules: [(Dialect, CanHaveWritten<'_>); 5] = [
        (Dialect::PEP3118, &may_be_padded),
        (Dialect::CTYPES, &is_from_ctypes),
        (Dialect::ARRAY, &|_| is_sole_u(format)),
        (Dialect::NATIVE_C, &may_be_padded),
        (NUMPY_RULE, &|layout| is_sole_item(layout) && has_numpy_byte_orders(layout)),
    ];
    let mut sizes: Vec<InterpretedSize> = Vec::new();
    // The candidates at three levels of likelihood. The function returns the candidates of the first level that is not
    // empty.
    let [mut likely, mut unlikely, mut misaligned]: [Option<Candidates>; 3] = [None, None, None];
    for (rule, can_have_written) in &rules {
        let Some(layout) = Layout::read(format, rule, model).ok().filter(|layout| can_have_written(layout)) else {
            continue;
        };
        sizes.push(InterpretedSize { dialect: rule.name, size: layout.size() });
        let target = itemsize.unwrap_or(layout.size());
        // NumPy omits trailing padding, so the size of its formats can be smaller than the itemsize. If ctypes has
        // omitted fields, the size of the format is also smaller. Hence trailing padding is accepted only if ctypes
        // cannot have written the format.
        let is_complete = |found: &Interpretation| found.trailing_padding == 0 || has_native_byte_orders(&found.layout);
        let Some(found) = fit_to_itemsize(layout, target, rule).filter(is_complete) else { continue };
        // If the elements of an array of structures are not aligned, the layout contradicts `@`.
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
            Some(candidates) => candidates.add_all(found),
            None => *candidates = Some(found),
        }
    }
    if let Some(candidates) = likely.or(unlikely).or(misaligned) {
        return Ok(candidates);
    }
    if sizes.is_empty() {
        // Return the error of `PEP3118`, which accepts the most constructs of all dialects.
        let layout = Layout::read(format, &Dialect::PEP3118, model)?;
        sizes.push(InterpretedSize { dialect: Dialect::PEP3118.name, size: layout.size() });
    }
    let Some(itemsize) = itemsize else {
        debug_assert!(false, "without an itemsize every layout fits");
        return by_dialect(format, None, &Dialect::PEP3118, model);
    };
    Err(itemsize_mismatch(format, itemsize, sizes, &Dialect::PEP3118, model))
}

/// Returns whether `format` contains a pointer `&` or a function pointer `X{}`. `layout` must be the layout of
/// `format`.
fn has_addresses(layout: &Layout, format: &[u8]) -> bool {
    layout.nodes.iter().any(|node| is_address(node, format))
}

/// Returns whether `node`, a field of the layout of `format`, is a pointer `&` or a function pointer `X{}`. Returns
/// `false` for format characters such as `P`.
fn is_address(node: &Node, format: &[u8]) -> bool {
    matches!(node.ty, Type::Pointer | Type::Function) && matches!(node.span.of(format).first(), Some(b'&' | b'X'))
}

/// Returns whether `format` consists of one `u` without a name, as `array.array` writes it. A byte-order character and
/// a count may precede the `u`. The result is `true` for `@u` and `7u`, and `false` for `u0B`.
fn is_sole_u(format: &[u8]) -> bool {
    let prefix = format.iter().take_while(|byte| !byte.is_ascii_alphabetic()).count();
    format.split_at(prefix).1.trim_ascii_end() == b"u"
}

/// Returns `true` if `layout` has exactly one field and this field fills the item, or if the item has 0 bytes.
fn is_sole_item(layout: &Layout) -> bool {
    layout.sole_field().is_some() || layout.size() == 0
}

/// Returns whether `layout` is one structure that fills the item and has no name and no shape: `T{…}`.
fn is_sole_record(layout: &Layout) -> bool {
    let is_structure = |field: Field<'_>| field.ty() == Type::Record && field.count() == 1 && field.name().is_none();
    layout.sole_field().is_some_and(is_structure)
}

/// Returns whether ctypes can have written the byte-order characters of `format`. `layout` must be the layout of
/// `format`. ctypes writes `<` or `>` before each format character whose values have several bytes. ctypes writes no
/// byte-order character before `&` and `X{}`.
fn has_ctypes_byte_orders(layout: &Layout, format: &[u8]) -> bool {
    let mut numbers = layout.nodes.iter().filter(|node| node.endian.is_some() && !is_address(node, format));
    numbers.all(|node| matches!(node.order, ByteOrder::Little | ByteOrder::Big))
}

/// Returns whether NumPy can have written the byte-order characters of the format of `layout`. For the byte order of
/// the machine, NumPy writes no byte-order character or one of `@ = ^`. NumPy writes `<` or `>` only for the opposite
/// byte order.
fn has_numpy_byte_orders(layout: &Layout) -> bool {
    // NumPy can write `O` under every byte-order character.
    let mut numbers = layout.nodes.iter().filter(|node| node.ty.has_byte_order() && node.ty != Type::Object);
    numbers.all(|node| match (node.order, node.endian) {
        (ByteOrder::Little | ByteOrder::Big, Some(endian)) => endian != layout.model().endian,
        (ByteOrder::Network, _) => false,
        _ => true,
    })
}

/// Returns whether a number in `layout` has more than one byte and is under `@`, `=` or `^`. NumPy writes numbers under
/// these byte-order characters, but ctypes never does.
fn has_native_byte_orders(layout: &Layout) -> bool {
    layout.nodes.iter().any(|node| {
        node.endian.is_some()
            && !matches!(node.ty, Type::Pointer | Type::Function)
            && matches!(node.order, ByteOrder::Native | ByteOrder::NativeStandard | ByteOrder::NativeUnaligned)
    })
}

/// Returns whether `layout` contains an array of structures whose element size is not a multiple of the alignment of
/// the structure under `@`.
fn has_misaligned_elements(layout: &Layout) -> bool {
    let mut arrays = layout.all_fields().filter(|field| field.ty() == Type::Record && field.count() > 1);
    arrays.any(|array| !native_align(array).divides(array.size()))
}

/// Returns the largest alignment of all fields inside `record` that are under `@`, or 1 byte if no field is under `@`.
fn native_align(record: Field<'_>) -> Align {
    let native = record.descendants().filter(|field| field.node().order == ByteOrder::Native);
    native.map(Field::own_align).max().unwrap_or(Align::ONE)
}

/// Returns whether the layouts `a` and `b` of one format give every byte the same meaning: equal sizes, and fields of
/// equal types, sizes and byte orders at equal offsets.
fn same_memory(a: &Layout, b: &Layout) -> bool {
    // A `wchar_t` of 2 bytes and a UCS-2 character count as equal types, because both are text with 2 bytes for each
    // character.
    let has_short_wchar = a.model().wchar == 2;
    let kind = |node: &Node| match node.ty {
        Type::Wchar if has_short_wchar => Type::Ucs2,
        ty => ty,
    };
    a.size() == b.size()
        && a.nodes.len() == b.nodes.len()
        && a.leaves().zip(b.leaves()).all(|((offset, left), (other, right))| {
            (offset, left.size(), left.count(), left.endian()) == (other, right.size(), right.count(), right.endian())
                && left.bit_field() == right.bit_field()
        })
        && a.nodes.iter().zip(&b.nodes).all(|(left, right)| {
            kind(left) == kind(right) && (left.ty != Type::Record || left.count <= 1 || left.size == right.size)
        })
}

/// Returns the interpretation of `format` if `format` is one user type, such as `[rational]`. The size of the user type
/// is `itemsize`. The caller calls this function only if the registry does not have the type. The interpretation gets
/// `dialect` and `model`. Returns `None` if `format` contains any other item, or if `itemsize` is `None` or exceeds
/// `PY_SSIZE_T_MAX`.
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
