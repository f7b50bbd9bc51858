//! [`infer`]: computes the distance between the elements of arrays of structures in formats that NumPy writes.
//!
//! NumPy writes the trailing padding of a structure after the closing brace of the structure. For an array of
//! structures, NumPy writes the padding of all elements together after the array. In `(2)T{i:a:b:b:}:x:xxxxxxb:y:`, two
//! layouts are possible. If 3 of the 6 pad bytes belong to each element, the elements of `x` have a distance of 8
//! bytes. If all 6 pad bytes are between `x` and `y`, the elements have a distance of 5 bytes.
//!
//! The module infers the layout of a C compiler if no other layout explains every pad byte. Otherwise the result is two
//! layouts: in the packed layout the padding is after the array, and in the padded layout the elements contain the
//! padding.
//!
//! A *gap* in this module is a sequence of pad bytes after a field.

use alloc::vec::Vec;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::align::Align;
use crate::format::ByteOrder;

/// The layouts that one format can have.
pub(super) enum Spacing {
    /// The only layout: no element of an array can contain padding.
    Certain(Layout),
    /// The layout of a C compiler. No other layout explains every pad byte.
    Inferred(Layout),
    /// Two layouts: the pad bytes after an array may belong to the elements.
    Ambiguous(AmbiguousSpacing),
}

/// The two layouts of a format that does not determine the distance between the elements of some array.
pub(super) struct AmbiguousSpacing {
    /// The layout in which the padding is after the arrays.
    pub(super) packed: Layout,
    /// The layout in which the elements of the arrays contain the padding.
    pub(super) padded: Layout,
    /// Whether `padded` is more likely than `packed`, because a C compiler gives this layout.
    pub(super) padded_is_likely: bool,
    /// Whether the distance between the elements of a different array was inferred.
    pub(super) has_inferred: bool,
}

/// Computes the distances between the elements of the arrays of structures in `layout`. The elements are contiguous in
/// `layout`. `trailing_padding` is the number of bytes at the end of the item that the format does not declare.
pub(super) fn infer(layout: Layout, trailing_padding: u64) -> Spacing {
    if !layout.nodes.iter().any(|node| node.ty == Type::Record && node.count > 1) {
        return Spacing::Certain(layout);
    }
    let c_fields = CFields::of(&layout);
    let mut packed = layout.clone();
    let mut padded = layout.clone();
    let (mut has_inferred, mut padded_is_likely) = (false, None);
    for gap in gaps(&layout, &c_fields, trailing_padding) {
        match find_owner(&c_fields, &gap) {
            None => {}
            Some(Owner::Elements(sizes)) => {
                has_inferred = true;
                set_sizes(&mut packed, &sizes);
                set_sizes(&mut padded, &sizes);
            }
            Some(Owner::Ambiguous { padded: sizes, is_likely }) => {
                padded_is_likely.get_or_insert(is_likely);
                set_sizes(&mut padded, &sizes);
            }
        }
    }
    match padded_is_likely {
        Some(padded_is_likely) => {
            Spacing::Ambiguous(AmbiguousSpacing { packed, padded, padded_is_likely, has_inferred })
        }
        None if has_inferred => Spacing::Inferred(padded),
        None => Spacing::Certain(layout),
    }
}

/// New sizes of some records: the index of the node, and the size of one element in bytes with padding.
type Sizes = Vec<(u32, u64)>;

/// Sets the sizes of the records of `layout` to `sizes`.
fn set_sizes(layout: &mut Layout, sizes: &Sizes) {
    for (index, size) in sizes {
        let node = usize::try_from(*index).ok().and_then(|index| layout.nodes.get_mut(index));
        debug_assert!(node.is_some(), "`layout` is a copy of the layout of the indices");
        if let Some(node) = node {
            node.size = *size;
        }
    }
}

/// Pad bytes after a field that may belong to the elements of an array in the field.
struct PaddingGap<'l> {
    /// The records that end at the gap, outermost first: the field, the last field of the field, and so on.
    records: Vec<Field<'l>>,
    /// The number of pad bytes.
    padding: u64,
    /// The alignment of the field after the gap.
    next: Align,
}

/// Returns the gaps of `layout` that may contain padding of array elements. `trailing_padding` is the number of bytes
/// at the end of the item that the format does not declare.
fn gaps<'l>(layout: &'l Layout, c_fields: &CFields, trailing_padding: u64) -> Vec<PaddingGap<'l>> {
    let mut gaps = Vec::new();
    let item = layout.item();
    for record in layout.all_fields().filter(|field| field.ty() == Type::Record) {
        let mut fields = record.fields().peekable();
        while let Some(field) = fields.next() {
            let end = field.offset().saturating_add(field.total_size());
            let (padding, next) = match fields.peek() {
                Some(next) => (next.offset().saturating_sub(end), c_fields.get(*next).align),
                // Only the item has a gap at its end: NumPy writes the trailing padding of an inner record after its
                // closing brace, and these pad bytes are a gap of the enclosing record.
                None if record.index() == item.index() && ends_with(record, field, trailing_padding) => {
                    (trailing_padding, c_fields.get(record).align)
                }
                None => continue,
            };
            if padding > 0 && field.ty() == Type::Record {
                gaps.push(PaddingGap { records: records_at_end(field), padding, next });
            }
        }
    }
    gaps
}

/// Returns the records that end at the end of `field`, outermost first: `field`, the last field of `field`, and so on.
fn records_at_end(field: Field<'_>) -> Vec<Field<'_>> {
    let mut records = Vec::new();
    let mut last = Some(field);
    while let Some(field) = last.filter(|field| field.ty() == Type::Record) {
        records.push(field);
        last = field.fields().last().filter(|last| ends_with(field, *last, 0));
    }
    records
}

/// Returns whether there are exactly `padding` bytes between the end of `last`, the last field of `record`, and the end
/// of `record`. NumPy writes no padding before a closing brace. Padding before a closing brace belongs to the record,
/// not to a field.
fn ends_with(record: Field<'_>, last: Field<'_>, padding: u64) -> bool {
    last.offset().checked_add(last.total_size()).and_then(|end| end.checked_add(padding)) == Some(record.size())
}

/// The owner of the pad bytes in a gap.
enum Owner {
    /// The elements of an array. The value contains the sizes of the records with padding.
    Elements(Sizes),
    /// Either the elements of an array or the enclosing record.
    Ambiguous {
        /// The sizes of the records if the elements own the pad bytes.
        padded: Sizes,
        /// Whether a C compiler gives the elements these sizes.
        is_likely: bool,
    },
}

/// Returns the owner of the pad bytes in `gap`. Returns `None` if the enclosing record is the only possible owner.
fn find_owner(c_fields: &CFields, gap: &PaddingGap<'_>) -> Option<Owner> {
    let arrays = arrays(gap);
    let (first, outer) = (gap.records.first()?, arrays.first()?);
    // If the elements own the padding, each element has at least one pad byte.
    let fewest = arrays.iter().map(|array| array.elements).min()?;
    if gap.padding < fewest {
        return None;
    }
    let shared = equal_share_sizes(gap, outer)?;
    let end = first.offset().checked_add(first.total_size())?;
    // Whether contiguous elements explain every pad byte: the padding aligns the field after the array.
    let packed_explains_padding = gap.next.padding_needed_for(end) == gap.padding;
    let differs = |sizes: &Sizes| sizes.iter().zip(&gap.records).any(|((_, size), record)| *size != record.size());
    Some(match c_sizes(c_fields, gap, *first) {
        Some(sizes) if packed_explains_padding && differs(&sizes) => {
            Owner::Ambiguous { padded: sizes, is_likely: true }
        }
        Some(sizes) => Owner::Elements(sizes),
        None => Owner::Ambiguous { padded: shared, is_likely: false },
    })
}

/// Returns the sizes of the records if the elements of the outermost array `outer` share the padding equally. The
/// records that contain `outer` become larger by the same number of bytes. Returns `None` if `outer` has no elements,
/// or if a size exceeds 64 bits.
fn equal_share_sizes(gap: &PaddingGap<'_>, outer: &RecordArray<'_>) -> Option<Sizes> {
    let share = gap.padding.checked_div(outer.elements)?;
    let mut sizes = Sizes::from([(outer.record.index(), outer.record.size().checked_add(share)?)]);
    for record in gap.records.iter().take_while(|record| record.index() != outer.record.index()) {
        let grown = record.size().checked_add(share.checked_mul(outer.elements)?)?;
        sizes.push((record.index(), grown));
    }
    Some(sizes)
}

/// Returns the sizes that a C compiler gives the records of `gap`, in the order of `gap.records`. Returns `None` if a C
/// compiler would not insert exactly the pad bytes of `gap` inside and after the records. `first` is the first of the
/// records.
fn c_sizes(c_fields: &CFields, gap: &PaddingGap<'_>, first: Field<'_>) -> Option<Sizes> {
    let mut sizes = Sizes::new();
    for record in &gap.records {
        sizes.push((record.index(), c_fields.get(*record).size?));
    }
    let (_, outermost) = sizes.first()?;
    let end = first.offset().checked_add(outermost.checked_mul(first.count())?)?;
    let written = first.offset().checked_add(first.total_size())?;
    let padding = gap.next.round_up(end)?.checked_sub(written)?;
    (padding == gap.padding && c_fields.get(first).align.divides(first.offset())).then_some(sizes)
}

/// The alignment and the size that a C compiler gives a field.
#[derive(Clone, Copy)]
struct CField {
    align: Align,
    /// The size of one element in bytes. `None` if a C compiler would move a field inside the field to a different
    /// offset.
    size: Option<u64>,
}

impl CField {
    /// The value for a field whose layout in C is unknown.
    const UNKNOWN: Self = Self { align: Align::ONE, size: None };
}

/// The alignments and sizes that a C compiler gives the fields of a layout, by index of the node. One pass computes all
/// sizes, because a separate pass for each record takes quadratic time for nested records.
struct CFields(Vec<CField>);

impl CFields {
    /// Computes the alignments and sizes of all fields of `layout`.
    fn of(layout: &Layout) -> Self {
        let mut all = Self(alloc::vec![CField::UNKNOWN; layout.nodes.len()]);
        let fields: Vec<Field<'_>> = layout.all_fields().collect();
        // A record precedes its fields in the list, so this loop computes the fields before the record.
        for (index, field) in fields.iter().enumerate().rev() {
            let c_field = if field.ty() == Type::Record {
                // A record without fields has an alignment of 1 byte.
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

    /// Returns the alignment and the size of `field`.
    fn get(&self, field: Field<'_>) -> CField {
        let found = usize::try_from(field.index()).ok().and_then(|index| self.0.get(index));
        debug_assert!(found.is_some(), "the field belongs to the layout");
        found.copied().unwrap_or(CField::UNKNOWN)
    }

    /// Returns the offset of the end of the last field of `record` in bytes. Returns `None` if a C compiler would move
    /// a field of `record` to a different offset.
    fn end_of(&self, record: Field<'_>) -> Option<u64> {
        let mut end = 0_u64;
        for field in record.fields() {
            let order = field.node().order;
            // NumPy writes `=` or `^` before fields that are not aligned, so a C compiler did not place this field.
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

/// An array among the records of a gap.
struct RecordArray<'l> {
    record: Field<'l>,
    /// The number of elements in the outermost record of the gap: 6 for an array of 3 inside an array of 2.
    elements: u64,
}

/// Returns the arrays among the records of `gap`, outermost first.
fn arrays<'l>(gap: &PaddingGap<'l>) -> Vec<RecordArray<'l>> {
    let mut elements = 1_u64;
    let mut arrays = Vec::new();
    for record in &gap.records {
        elements = elements.saturating_mul(record.count());
        if record.count() > 1 {
            arrays.push(RecordArray { record: *record, elements });
        }
    }
    arrays
}
