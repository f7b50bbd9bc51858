//! Distances between the elements of arrays of structures in formats that NumPy writes.
//!
//! NumPy writes the padding of a structure after its closing brace, and only once for a whole array of
//! structures. In `(2)T{i:a:b:b:}:x:xxxxxxb:y:` the elements of `x` may be 8 bytes apart (3 of the 6 pad
//! bytes belong to each element) or 5 (all 6 pad bytes are between `x` and `y`). The format does not
//! declare which. If only the layout of a C compiler accounts for every pad byte, that layout is
//! inferred; else there are two layouts to choose from.

use alloc::vec::Vec;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::align::Align;
use crate::format::ByteOrder;

/// The layouts that one format can have.
pub(super) enum Spacing {
    /// No element can contain padding.
    Certain(Layout),
    /// The layout of a C compiler is the only one that accounts for every pad byte.
    Inferred(Layout),
    /// The padding of some arrays may be inside or after the array.
    Open(OpenSpacing),
}

/// The two layouts of a format that leaves the distance of some elements open.
pub(super) struct OpenSpacing {
    /// The padding is after the arrays.
    pub(super) packed: Layout,
    /// The padding is inside the arrays.
    pub(super) padded: Layout,
    /// Whether `padded` is the likelier of the two: the layout of a C compiler.
    pub(super) padded_is_likely: bool,
    /// Whether the distance in some other array was inferred.
    pub(super) has_inferred: bool,
}

/// Infers the distances of a layout that has contiguous elements so far. `trailing_padding` is the number of
/// bytes at the end of the item that the format does not declare.
pub(super) fn infer(layout: Layout, trailing_padding: u64) -> Spacing {
    if !layout.nodes.iter().any(|node| node.ty == Type::Record && node.count > 1) {
        return Spacing::Certain(layout);
    }
    let c_fields = CFields::of(&layout);
    let mut packed = layout.clone();
    let mut padded = layout.clone();
    let (mut has_inferred, mut padded_is_likely) = (false, None);
    for gap in gaps(&layout, &c_fields, trailing_padding) {
        match owner(&c_fields, &gap) {
            None => {}
            Some(Owner::Elements(sizes)) => {
                has_inferred = true;
                set_sizes(&mut packed, &sizes);
                set_sizes(&mut padded, &sizes);
            }
            Some(Owner::Open { padded: sizes, is_likely }) => {
                padded_is_likely.get_or_insert(is_likely);
                set_sizes(&mut padded, &sizes);
            }
        }
    }
    match padded_is_likely {
        Some(padded_is_likely) => Spacing::Open(OpenSpacing { packed, padded, padded_is_likely, has_inferred }),
        None if has_inferred => Spacing::Inferred(padded),
        None => Spacing::Certain(layout),
    }
}

/// The size in bytes of one element, padding included, for some records: (index of the node, size).
type Sizes = Vec<(u32, u64)>;

fn set_sizes(layout: &mut Layout, sizes: &Sizes) {
    for (index, size) in sizes {
        let node = usize::try_from(*index).ok().and_then(|index| layout.nodes.get_mut(index));
        debug_assert!(node.is_some(), "the indices are those of a copy of this layout");
        if let Some(node) = node {
            node.size = *size;
        }
    }
}

/// Padding after a field that may belong to the elements of an array in the field.
struct PaddingGap<'l> {
    /// The field, the record at the end of the field, the record at the end of that record, and so on.
    chain: Vec<Field<'l>>,
    /// Bytes of padding.
    padding: u64,
    /// Alignment of the field after the padding.
    next: Align,
}

fn gaps<'l>(layout: &'l Layout, c_fields: &CFields, trailing_padding: u64) -> Vec<PaddingGap<'l>> {
    let mut gaps = Vec::new();
    let item = layout.item();
    for record in layout.all_fields().filter(|field| field.ty() == Type::Record) {
        let mut fields = record.fields().peekable();
        while let Some(field) = fields.next() {
            let end = field.offset().saturating_add(field.total_size());
            let (padding, next) = match fields.peek() {
                Some(next) => (next.offset().saturating_sub(end), c_fields.get(*next).align),
                // The padding at the end of an inner record is written after its brace, where it
                // follows the outer field.
                None if record.index() == item.index() && ends_with(record, field, trailing_padding) => {
                    (trailing_padding, c_fields.get(record).align)
                }
                None => continue,
            };
            if padding > 0 && field.ty() == Type::Record {
                gaps.push(PaddingGap { chain: chain(field), padding, next });
            }
        }
    }
    gaps
}

/// Returns a record, the record at its end, the record at the end of that one, and so on.
fn chain(field: Field<'_>) -> Vec<Field<'_>> {
    let mut chain = Vec::new();
    let mut last = Some(field);
    while let Some(field) = last.filter(|field| field.ty() == Type::Record) {
        chain.push(field);
        last = field.fields().last().filter(|last| ends_with(field, *last, 0));
    }
    chain
}

/// Returns whether exactly `padding` bytes separate the end of a field from the end of its record.
///
/// NumPy writes no padding before a brace. Where other writers do, that padding belongs to the record and
/// to no field in it.
fn ends_with(record: Field<'_>, last: Field<'_>, padding: u64) -> bool {
    last.offset().checked_add(last.total_size()).and_then(|end| end.checked_add(padding)) == Some(record.size())
}

/// The owner of the padding in a gap.
enum Owner {
    /// The elements, which have these sizes.
    Elements(Sizes),
    /// Either the elements, which then have these sizes, or the record around the array.
    Open { padded: Sizes, is_likely: bool },
}

/// Returns the owner of a gap; `None` if elements cannot contain any of its padding.
fn owner(c_fields: &CFields, gap: &PaddingGap<'_>) -> Option<Owner> {
    let arrays = arrays(gap);
    let (first, outer) = (gap.chain.first()?, arrays.first()?);
    let fewest = arrays.iter().map(|array| array.elements).min()?;
    if gap.padding < fewest {
        return None;
    }
    let shared = shared_sizes(gap, outer)?;
    let end = first.offset().checked_add(first.total_size())?;
    // Contiguous elements, and padding that aligns the field after them.
    let packed_accounts = gap.next.padding_needed_for(end) == gap.padding;
    let differs = |sizes: &Sizes| sizes.iter().zip(&gap.chain).any(|((_, size), record)| *size != record.size());
    Some(match c_sizes(c_fields, gap, *first) {
        Some(sizes) if packed_accounts && differs(&sizes) => Owner::Open { padded: sizes, is_likely: true },
        Some(sizes) => Owner::Elements(sizes),
        None => Owner::Open { padded: shared, is_likely: false },
    })
}

/// Returns the sizes if the elements of the outermost array share the padding equally. The records around
/// that array grow with it. `None` for an array of no elements.
fn shared_sizes(gap: &PaddingGap<'_>, outer: &RecordArray<'_>) -> Option<Sizes> {
    let share = gap.padding.checked_div(outer.elements)?;
    let mut sizes = Sizes::from([(outer.record.index(), outer.record.size().checked_add(share)?)]);
    for record in gap.chain.iter().take_while(|record| record.index() != outer.record.index()) {
        let grown = record.size().checked_add(share.checked_mul(outer.elements)?)?;
        sizes.push((record.index(), grown));
    }
    Some(sizes)
}

/// Returns the sizes that a C compiler gives the records of a gap, in the order of its chain, if the compiler would
/// put exactly this padding inside and after them.
fn c_sizes(c_fields: &CFields, gap: &PaddingGap<'_>, first: Field<'_>) -> Option<Sizes> {
    let mut sizes = Sizes::new();
    for record in &gap.chain {
        sizes.push((record.index(), c_fields.get(*record).size?));
    }
    let (_, outermost) = sizes.first()?;
    let end = first.offset().checked_add(outermost.checked_mul(first.count())?)?;
    let written = first.offset().checked_add(first.total_size())?;
    let padding = gap.next.round_up(end)?.checked_sub(written)?;
    (padding == gap.padding && c_fields.get(first).align.divides(first.offset())).then_some(sizes)
}

/// The layout that a C compiler gives a field.
#[derive(Clone, Copy)]
struct CField {
    align: Align,
    /// In bytes; `None` if the field is or contains a record with a field at another offset than in C.
    size: Option<u64>,
}

impl CField {
    const UNKNOWN: Self = Self { align: Align::ONE, size: None };
}

/// The layouts that a C compiler gives all fields, by index of the node.
///
/// All are computed at once: measuring each record by itself takes quadratic time for nested records.
struct CFields(Vec<CField>);

impl CFields {
    fn of(layout: &Layout) -> Self {
        let mut all = Self(alloc::vec![CField::UNKNOWN; layout.nodes.len()]);
        let fields: Vec<Field<'_>> = layout.all_fields().collect();
        // A record comes before its fields, so the fields are computed first.
        for (index, field) in fields.iter().enumerate().rev() {
            let c_field = if field.ty() == Type::Record {
                let align = field.fields().map(|inner| all.get(inner).align).max().unwrap_or(Align::ONE);
                CField { align, size: all.end_of(*field).and_then(|end| align.round_up(end)) }
            } else {
                CField { align: field.natural_align(), size: Some(field.size()) }
            };
            if let Some(slot) = all.0.get_mut(index) {
                *slot = c_field;
            }
        }
        all
    }

    fn get(&self, field: Field<'_>) -> CField {
        let found = usize::try_from(field.index()).ok().and_then(|index| self.0.get(index));
        debug_assert!(found.is_some(), "the field belongs to the layout");
        found.copied().unwrap_or(CField::UNKNOWN)
    }

    /// Returns the end of the last field, if a C compiler puts all fields at the offsets that they have.
    fn end_of(&self, record: Field<'_>) -> Option<u64> {
        let mut end = 0_u64;
        for field in record.fields() {
            let order = field.node().order;
            // NumPy writes `=` and `^` for fields that are not aligned.
            if field.ty().has_byte_order() && matches!(order, ByteOrder::NativeStandard | ByteOrder::NativeUnaligned) {
                return None;
            }
            let CField { align, size } = self.get(field);
            if field.offset() != align.round_up(end)? {
                return None;
            }
            end = field.offset().checked_add(size?.checked_mul(field.count())?)?;
        }
        Some(end)
    }
}

/// An array of records in the chain of a gap.
struct RecordArray<'l> {
    record: Field<'l>,
    /// Elements of this array in the whole field.
    elements: u64,
}

fn arrays<'l>(gap: &PaddingGap<'l>) -> Vec<RecordArray<'l>> {
    let mut elements = 1_u64;
    let mut arrays = Vec::new();
    for record in &gap.chain {
        elements = elements.saturating_mul(record.count());
        if record.count() > 1 {
            arrays.push(RecordArray { record: *record, elements });
        }
    }
    arrays
}
