//! What NumPy leaves out inside arrays of records.
//!
//! NumPy's writer puts the padding of a record after its closing brace, and once for a whole array
//! of records: `(2)T{i:a:b:b:}:x:xxxxxxb:y:` may have elements 8 bytes apart (3 of the 6 pad bytes
//! belong to each) or 5 (all 6 stand between `x` and `y`). The format does not say which. Here the
//! possibilities are counted: if a C compiler's rule accounts for every pad byte, that is an
//! inference; if it does not, the reading is ambiguous.

use alloc::vec::Vec;

use super::model::{Field, Layout};
use super::ty::Type;
use crate::align::Align;
use crate::format::ByteOrder;

/// How sure the distances between elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InferredCertainty {
    /// No other distance is possible.
    Certain,
    /// A C compiler's rule accounts for all padding.
    Inferred,
    /// It does not.
    Open,
}

/// A layout with likely distances, and the one with other distances that fits as well.
pub(super) struct Inference {
    pub(super) layout: Layout,
    pub(super) sureness: InferredCertainty,
    pub(super) alternative: Option<Layout>,
}

/// A field followed by padding, whose last elements may own some of it.
struct PaddingGap {
    /// The records from the field itself down to the last record at its end.
    chain: Vec<u32>,
    /// Bytes of padding after it.
    padding: u64,
    /// Alignment of whatever comes after the padding.
    next: Align,
}

/// Works out the distances of `layout`, whose item ends in `tail` unstated bytes.
pub(super) fn infer(layout: Layout, tail: u64) -> Inference {
    if !layout.nodes.iter().any(|node| node.ty == Type::Record && node.count > 1) {
        return Inference { layout, sureness: InferredCertainty::Certain, alternative: None };
    }
    let weights = Weights::of(&layout);
    let sites = sites(&layout, &weights, tail);
    let mut likely = layout.clone();
    let mut alternative = layout.clone();
    let mut sureness = InferredCertainty::Certain;
    let mut has_rival = false;
    for site in &sites {
        let Some(judged) = judge(&layout, &weights, site) else {
            continue;
        };
        sureness = sureness.max(judged.sureness);
        apply(&mut likely, &judged.likely);
        apply(&mut alternative, judged.alternative.as_ref().unwrap_or(&judged.likely));
        has_rival |= judged.alternative.is_some();
    }
    Inference { layout: likely, sureness, alternative: has_rival.then_some(alternative) }
}

/// New sizes of some records: (index, size in bytes).
type Sizes = Vec<(u32, u64)>;

fn apply(layout: &mut Layout, sizes: &Sizes) {
    for (index, size) in sizes {
        let node = usize::try_from(*index).ok().and_then(|index| layout.nodes.get_mut(index));
        if let Some(node) = node {
            node.size = *size;
        }
    }
}

/// Every field followed by padding that its own elements may own.
fn sites(layout: &Layout, weights: &Weights, tail: u64) -> Vec<PaddingGap> {
    let mut sites = Vec::new();
    let item = layout.item();
    for (index, node) in (0_u32..).zip(&layout.nodes) {
        if node.ty != Type::Record {
            continue;
        }
        let record = Field::at(layout, index);
        let mut fields = record.fields().peekable();
        while let Some(field) = fields.next() {
            let end = field.offset().saturating_add(field.total_size());
            let (padding, next) = match fields.peek() {
                Some(next) => (next.offset().saturating_sub(end), weights.align(*next)),
                // Padding at the end of an inner record stands behind its brace, at the outer field.
                None if record.index() == item.index() && ends_with(record, field, tail) => {
                    (tail, weights.align(record))
                }
                None => continue,
            };
            if padding > 0 && field.ty() == Type::Record {
                sites.push(PaddingGap { chain: chain(field), padding, next });
            }
        }
    }
    sites
}

/// A record, the record at its end, the record at that one's end, and so on.
fn chain(field: Field<'_>) -> Vec<u32> {
    let mut chain = Vec::new();
    let mut last = Some(field);
    while let Some(field) = last.filter(|field| field.ty() == Type::Record) {
        chain.push(field.index());
        last = field.fields().last().filter(|last| ends_with(field, *last, 0));
    }
    chain
}

/// Whether nothing but `tail` bytes stands between a field and the end of its record. NumPy writes no
/// padding before a brace; where some is written, it belongs to the record and to nothing inside.
fn ends_with(record: Field<'_>, last: Field<'_>, tail: u64) -> bool {
    last.offset().checked_add(last.total_size()).and_then(|end| end.checked_add(tail)) == Some(record.size())
}

struct Inferred {
    sureness: InferredCertainty,
    likely: Sizes,
    alternative: Option<Sizes>,
}

/// Whether the elements at a site own padding; `None` if they cannot.
fn judge(layout: &Layout, weights: &Weights, site: &PaddingGap) -> Option<Inferred> {
    let arrays = arrays(layout, site);
    let (outer, fewest) = (arrays.first()?, arrays.iter().map(|array| array.repeats).min()?);
    if site.padding < fewest {
        return None;
    }
    let first = Field::at(layout, *site.chain.first()?);
    // Or else all of it belongs to the elements of the outermost array, as far as it divides.
    let share = site.padding.checked_div(outer.repeats)?;
    let spread = spread(layout, site, outer, share)?;
    let written = first.offset().checked_add(first.total_size())?;
    let packed = site.next.padding_needed_for(written) == site.padding;
    Some(match explained(layout, weights, site, first) {
        // Packed elements in an aligned record, or aligned elements: both account for everything.
        Some(likely) if packed && likely.iter().any(|(index, size)| Field::at(layout, *index).size() != *size) => {
            Inferred { sureness: InferredCertainty::Open, likely, alternative: Some(Sizes::new()) }
        }
        Some(likely) => Inferred { sureness: InferredCertainty::Inferred, likely, alternative: None },
        None => Inferred { sureness: InferredCertainty::Open, likely: Sizes::new(), alternative: Some(spread) },
    })
}

/// The sizes when every element of the outermost array owns `share` more bytes; the records around
/// that array grow with it.
fn spread(layout: &Layout, site: &PaddingGap, outer: &Repeated, share: u64) -> Option<Sizes> {
    let mut sizes = Sizes::from([(outer.index, outer.size.checked_add(share)?)]);
    for &index in site.chain.iter().take_while(|index| **index != outer.index) {
        let grown = Field::at(layout, index).size().checked_add(share.checked_mul(outer.repeats)?)?;
        sizes.push((index, grown));
    }
    Some(sizes)
}

/// The sizes that a C compiler would give the records at a site, if all padding is what it would
/// have put there, inside them and after them.
fn explained(layout: &Layout, weights: &Weights, site: &PaddingGap, first: Field<'_>) -> Option<Sizes> {
    let mut sizes = Sizes::new();
    for &index in &site.chain {
        sizes.push((index, weights.size(Field::at(layout, index))?));
    }
    let (_, outermost) = sizes.first()?;
    let end = first.offset().checked_add(outermost.checked_mul(first.count())?)?;
    let written = first.offset().checked_add(first.total_size())?;
    let gap = site.next.round_up(end)?.checked_sub(written)?;
    (gap == site.padding && weights.align(first).divides(first.offset())).then_some(sizes)
}

/// What a C compiler makes of every field, worked out once for the whole layout: a record inside a
/// record inside a record would else be measured again at every level.
struct Weights {
    /// The natural alignment of each node: the largest of its fields for a record.
    aligns: Vec<Align>,
    /// The size that a C compiler gives each node, if all inside lies where a C compiler puts it.
    sizes: Vec<Option<u64>>,
}

impl Weights {
    fn of(layout: &Layout) -> Self {
        let len = layout.nodes.len();
        let mut weights = Self { aligns: alloc::vec![Align::ONE; len], sizes: alloc::vec![None; len] };
        // Fields stand behind their record: from the back, they are known before it.
        for index in (0..len).rev() {
            let Some(field) = u32::try_from(index).ok().map(|index| Field::at(layout, index)) else { continue };
            let (align, size) = if field.ty() == Type::Record {
                let align = field.fields().map(|inner| weights.align(inner)).max().unwrap_or(Align::ONE);
                (align, weights.record(field).and_then(|end| align.round_up(end)))
            } else {
                (field.natural_align(), Some(field.size()))
            };
            if let (Some(known_align), Some(known_size)) = (weights.aligns.get_mut(index), weights.sizes.get_mut(index))
            {
                *known_align = align;
                *known_size = size;
            }
        }
        weights
    }

    fn align(&self, field: Field<'_>) -> Align {
        usize::try_from(field.index()).ok().and_then(|index| self.aligns.get(index)).copied().unwrap_or(Align::ONE)
    }

    fn size(&self, field: Field<'_>) -> Option<u64> {
        *self.sizes.get(usize::try_from(field.index()).ok()?)?
    }

    /// Where the fields of a record end, if each lies where a C compiler puts it.
    fn record(&self, record: Field<'_>) -> Option<u64> {
        let mut end = 0_u64;
        for field in record.fields() {
            let order = field.node()?.order;
            // NumPy writes `=` and `^` for what is not aligned.
            if field.ty().has_byte_order() && matches!(order, ByteOrder::NativeStandard | ByteOrder::NativeUnaligned) {
                return None;
            }
            if field.offset() != self.align(field).round_up(end)? {
                return None;
            }
            end = field.offset().checked_add(self.size(field)?.checked_mul(field.count())?)?;
        }
        Some(end)
    }
}

struct Repeated {
    index: u32,
    /// Size of one element as written, in bytes.
    size: u64,
    /// How often a byte added to the element is added to the whole field.
    repeats: u64,
}

fn arrays(layout: &Layout, site: &PaddingGap) -> Vec<Repeated> {
    let mut repeats = 1_u64;
    let mut arrays = Vec::new();
    for &index in &site.chain {
        let record = Field::at(layout, index);
        repeats = repeats.saturating_mul(record.count());
        if record.count() > 1 {
            arrays.push(Repeated { index, size: record.size(), repeats });
        }
    }
    arrays
}
