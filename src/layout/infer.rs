//! What NumPy leaves out inside arrays of records.
//!
//! NumPy's writer puts the padding of a record after its closing brace, and once for a whole array
//! of records: `(2)T{i:a:b:b:}:x:xxxxxxb:y:` may have elements 8 bytes apart (3 of the 6 pad bytes
//! belong to each) or 5 (all 6 stand between `x` and `y`). The format does not say which. Here the
//! possibilities are counted: if a C compiler's rule accounts for every pad byte, that is an
//! inference; if it does not, the reading is ambiguous.

use alloc::vec::Vec;

use super::model::{Field, Layout, Type};
use crate::extent::Align;

/// How sure the distances between elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sureness {
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
    pub(super) sureness: Sureness,
    pub(super) rival: Option<Layout>,
}

/// A field followed by padding, whose last elements may own some of it.
struct Site {
    /// The records from the field itself down to the last record at its end.
    chain: Vec<u32>,
    /// Bytes of padding after it.
    padding: u64,
    /// Alignment of whatever comes after the padding.
    next: Align,
}

/// Works out the distances of `layout`, whose item ends in `tail` unstated bytes.
pub(super) fn infer(layout: Layout, tail: u64) -> Inference {
    let sites = sites(&layout, tail);
    let mut likely = layout.clone();
    let mut rival = layout.clone();
    let mut sureness = Sureness::Certain;
    let mut has_rival = false;
    for site in &sites {
        let Some(judged) = judge(&layout, site) else {
            continue;
        };
        sureness = sureness.max(judged.sureness);
        apply(&mut likely, &judged.likely);
        apply(&mut rival, judged.rival.as_ref().unwrap_or(&judged.likely));
        has_rival |= judged.rival.is_some();
    }
    Inference {
        layout: likely,
        sureness,
        rival: has_rival.then_some(rival),
    }
}

/// New sizes of some records: (index, size in bytes).
type Sizes = Vec<(u32, u64)>;

fn apply(layout: &mut Layout, sizes: &Sizes) {
    for (index, size) in sizes {
        let node = usize::try_from(*index)
            .ok()
            .and_then(|index| layout.nodes.get_mut(index));
        if let Some(node) = node {
            node.size = *size;
        }
    }
}

/// Every field followed by padding that its own elements may own.
fn sites(layout: &Layout, tail: u64) -> Vec<Site> {
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
                Some(next) => (next.offset().saturating_sub(end), next.natural_align()),
                // Padding at the end of an inner record stands behind its brace, at the outer field.
                None if record.index() == item.index() => (tail, record.natural_align()),
                None => continue,
            };
            if padding > 0 && field.ty() == Type::Record {
                sites.push(Site {
                    chain: chain(field),
                    padding,
                    next,
                });
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
        last = field.fields().last();
    }
    chain
}

struct Judged {
    sureness: Sureness,
    likely: Sizes,
    rival: Option<Sizes>,
}

/// Whether the elements at a site own padding; `None` if they cannot.
fn judge(layout: &Layout, site: &Site) -> Option<Judged> {
    let arrays = arrays(layout, site);
    let (outer, fewest) = (
        arrays.first()?,
        arrays.iter().map(|array| array.repeats).min()?,
    );
    if site.padding < fewest {
        return None;
    }
    let aligned = aligned_sizes(layout, site)?;
    let first = Field::at(layout, *site.chain.first()?);
    let written = first.total_size();
    let (_, outermost) = aligned.last()?;
    let total = outermost.checked_mul(first.count())?;
    let own = total.checked_sub(written)?;
    let rest = site.padding.checked_sub(own);
    // What the rule of a C compiler leaves between the field and the next one.
    let between = site
        .next
        .padding_needed_for(first.offset().checked_add(total)?);
    // Or else all of it belongs to the elements of the outermost array, as far as it divides.
    let share = site.padding.checked_div(outer.repeats)?;
    let spread: Sizes = Vec::from([(outer.index, outer.size.checked_add(share)?)]);
    match rest {
        Some(rest) if rest == between => Some(Judged {
            sureness: Sureness::Inferred,
            likely: aligned,
            rival: None,
        }),
        _ => Some(Judged {
            sureness: Sureness::Open,
            likely: Sizes::new(),
            rival: Some(spread),
        }),
    }
}

struct Repeated {
    index: u32,
    /// Size of one element as written, in bytes.
    size: u64,
    /// How often a byte added to the element is added to the whole field.
    repeats: u64,
}

fn arrays(layout: &Layout, site: &Site) -> Vec<Repeated> {
    let mut repeats = 1_u64;
    let mut arrays = Vec::new();
    for &index in &site.chain {
        let record = Field::at(layout, index);
        repeats = repeats.saturating_mul(record.count());
        if record.count() > 1 {
            arrays.push(Repeated {
                index,
                size: record.size(),
                repeats,
            });
        }
    }
    arrays
}

/// The sizes that a C compiler would give the records of a chain, innermost first.
fn aligned_sizes(layout: &Layout, site: &Site) -> Option<Sizes> {
    let mut sizes = Sizes::new();
    let mut inner: Option<u64> = None;
    for &index in site.chain.iter().rev() {
        let record = Field::at(layout, index);
        let end = match (record.fields().last(), inner) {
            (Some(last), Some(size)) => {
                last.offset().checked_add(size.checked_mul(last.count())?)?
            }
            _ => record.size(),
        };
        let size = record.natural_align().round_up(end)?;
        sizes.push((index, size));
        inner = Some(size);
    }
    Some(sizes)
}
