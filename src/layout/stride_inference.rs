//! [`infer`]: computes the distance between the elements of an array of structures in a format that NumPy has written.
//!
//! NumPy writes the trailing padding of a structure after the closing brace of the structure. For an array of
//! structures, NumPy writes the padding of all elements together after the array. In `(2)T{i:a:b:b:}:x:xxxxxxb:y:`, two
//! layouts are possible. If 3 of the 6 pad bytes belong to each element, the elements of `x` have a distance of 8
//! bytes. If all 6 pad bytes are between `x` and `y`, the elements have a distance of 5 bytes.
//!
//! [`infer`] returns the layout of a C compiler if no other layout explains every pad byte. Otherwise the result is two
//! layouts. In the packed layout, the padding is after the array. In the padded layout, the elements contain the
//! padding.
//!
//! A *gap* in this module is a sequence of pad bytes after a field.

use alloc::vec::Vec;

use super::tree::{Field, Layout};
use super::ty::Type;
use crate::align::Align;
use crate::format::ByteOrder;

/// The one or two layouts that a format can have, with the distances between array elements.
pub(super) enum Spacing {
    /// The only layout: no element of an array can contain padding.
    Certain(Layout),
    /// The layout of a C compiler. For any other layout, the format would have a different number of pad bytes.
    Inferred(Layout),
    /// Two layouts, because the pad bytes after an array may or may not belong to the elements.
    Ambiguous(AmbiguousSpacing),
}

/// The two layouts of a format in which the distance between the elements of an array is ambiguous.
pub(super) struct AmbiguousSpacing {
    /// The layout in which the padding is after the arrays.
    pub(super) packed: Layout,
    /// The layout in which the elements of the arrays contain the padding.
    pub(super) padded: Layout,
    /// Whether `padded` is more likely than `packed`, because a C compiler chooses this layout.
    pub(super) padded_is_likely: bool,
    /// Whether both layouts contain another array for which the distance between elements was inferred.
    pub(super) has_inferred: bool,
}

/// Computes the distances between the elements of the arrays of structures in `layout`, and returns the layouts with
/// these distances. In the argument `layout`, the elements must be contiguous. `trailing_padding` is the number of
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

/// New sizes of some records. The first number is the index of the node of a record. The second number is the size of
/// one element in bytes, including padding.
type Sizes = Vec<(u32, u64)>;

/// Sets the sizes of some records of `layout` to `sizes`. The indices in `sizes` must be indices of `layout`.
fn set_sizes(layout: &mut Layout, sizes: &Sizes) {
    for (index, size) in sizes {
        let node = usize::try_from(*index).ok().and_then(|index| layout.nodes.get_mut(index));
        debug_assert!(node.is_some(), "`layout` is a copy of the layout of the indices");
        if let Some(node) = node {
            node.size = *size;
        }
    }
}

/// The pad bytes after a field. The pad bytes may belong to the elements of an array at the end of this field.
struct PaddingGap<'l> {
    /// The records that end at the start of the gap, outermost first: the field before the gap, the last field inside
    /// this field, and so on.
    records: Vec<Field<'l>>,
    /// The number of pad bytes.
    padding: u64,
    /// The alignment of the field after the gap, or of the item if the gap is at the end of the item.
    next: Align,
}

/// Returns the gaps of `layout` that may contain padding of array elements: all gaps after a record. `c_fields` has the
/// sizes that a C compiler gives the fields of `layout`. `trailing_padding` is the number of bytes at the end of the
/// item that the format does not declare.
fn gaps<'l>(layout: &'l Layout, c_fields: &CFields, trailing_padding: u64) -> Vec<PaddingGap<'l>> {
    let mut gaps = Vec::new();
    let item = layout.item();
    for record in layout.all_fields().filter(|field| field.ty() == Type::Record) {
        let mut fields = record.fields().peekable();
        while let Some(field) = fields.next() {
            let end = field.offset().saturating_add(field.total_size());
            let (padding, next) = match fields.peek() {
                Some(next) => (next.offset().saturating_sub(end), c_fields.get(*next).align),
                // Only the item has a gap at its end. NumPy writes the trailing padding of an inner record after the
                // closing brace, so these pad bytes are a gap of the enclosing record.
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

/// Returns the records that end at the end of `field`, outermost first: `field`, the last field inside `field`, and so
/// on. Returns no records if `field` is not a record.
fn records_at_end(field: Field<'_>) -> Vec<Field<'_>> {
    let mut records = Vec::new();
    let mut last = Some(field);
    while let Some(field) = last.filter(|field| field.ty() == Type::Record) {
        records.push(field);
        last = field.fields().last().filter(|last| ends_with(field, *last, 0));
    }
    records
}

/// Returns whether exactly `padding` bytes are between the end of `last`, the last field of `record`, and the end of
/// `record`. NumPy writes no padding before a closing brace. If a format has such padding, the padding belongs to the
/// record, and not to the elements of `last`.
fn ends_with(record: Field<'_>, last: Field<'_>, padding: u64) -> bool {
    last.offset().checked_add(last.total_size()).and_then(|end| end.checked_add(padding)) == Some(record.size())
}

/// The owner of the pad bytes in a gap.
enum Owner {
    /// The elements of an array own the pad bytes. The value contains the sizes of the records including the pad bytes.
    Elements(Sizes),
    /// Either the elements of an array or the enclosing record own the pad bytes.
    Ambiguous {
        /// The sizes of the records if the elements own the pad bytes.
        padded: Sizes,
        /// Whether a C compiler gives the records these sizes.
        is_likely: bool,
    },
}

/// Returns the owner of the pad bytes in `gap`. `c_fields` has the sizes that a C compiler gives the fields of the
/// layout. Returns `None` if the enclosing record is the only possible owner, or if a size exceeds 64 bits.
fn find_owner(c_fields: &CFields, gap: &PaddingGap<'_>) -> Option<Owner> {
    let arrays = arrays(gap);
    let (first, outer) = (gap.records.first()?, arrays.first()?);
    // If the elements own the padding, each element has at least one pad byte. The smallest possible number of pad
    // bytes is then `fewest`.
    let fewest = arrays.iter().map(|array| array.elements).min()?;
    if gap.padding < fewest {
        return None;
    }
    let shared = equal_share_sizes(gap, outer)?;
    let end = first.offset().checked_add(first.total_size())?;
    // True if the padding is exactly the padding that the next field needs after contiguous elements.
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

/// Returns the sizes that the records of `gap` have if the elements of `outer` share the padding equally. `outer` must
/// be the outermost array of the records. Each record that contains `outer` grows by as many bytes as `outer`. Returns
/// `None` if `outer` has no elements, or if a size exceeds 64 bits.
fn equal_share_sizes(gap: &PaddingGap<'_>, outer: &RecordArray<'_>) -> Option<Sizes> {
    let share = gap.padding.checked_div(outer.elements)?;
    let mut sizes = Sizes::from([(outer.record.index(), outer.record.size().checked_add(share)?)]);
    for record in gap.records.iter().take_while(|record| record.index() != outer.record.index()) {
        let grown = record.size().checked_add(share.checked_mul(outer.elements)?)?;
        sizes.push((record.index(), grown));
    }
    Some(sizes)
}

/// Returns the sizes that a C compiler gives the records of `gap`, in the order of `gap.records`. `c_fields` has the C
/// sizes of all fields. `first` must be the first of the records. Returns `None` if a C compiler would insert
/// more or fewer pad bytes than `gap` has.
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
    /// The size of one element in bytes. `None` if the field contains a field that a C compiler would move to a
    /// different offset, or a number under `=` or `^`.
    size: Option<u64>,
}

impl CField {
    /// The entry of a field whose alignment and size in C are unknown.
    const UNKNOWN: Self = Self { align: Align::ONE, size: None };
}

/// The alignment and the size that a C compiler gives each field of a layout. The index in the vector is the index of
/// the node. One pass computes all sizes, because a separate pass for each record would take quadratic time for nested
/// records.
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

    /// Returns the alignment and the size of `field`, which must be a field of the layout.
    fn get(&self, field: Field<'_>) -> CField {
        let found = usize::try_from(field.index()).ok().and_then(|index| self.0.get(index));
        debug_assert!(found.is_some(), "the field belongs to the layout");
        found.copied().unwrap_or(CField::UNKNOWN)
    }

    /// Returns the offset in bytes after the last field of `record`, from the start of `record`. Returns `None` if a C
    /// compiler would move a field of `record` to a different offset, or if a number is under `=` or `^`.
    fn end_of(&self, record: Field<'_>) -> Option<u64> {
        let mut end = 0_u64;
        for field in record.fields() {
            let order = field.node().order;
            // NumPy writes `=` or `^` before a field that is not aligned. A C compiler did not choose the offset of
            // such a field.
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

/// An array of records that ends where a gap starts.
struct RecordArray<'l> {
    /// The array, as a field of the layout.
    record: Field<'l>,
    /// The number of elements of this array in the outermost record of the gap: 6 for an array of 3 elements in an
    /// array of 2 elements.
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
