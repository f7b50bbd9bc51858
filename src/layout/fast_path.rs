//! Formats that are nothing but codes: `<i`, `@bBhH`. Most buffers have one.
//!
//! Without counts, shapes, names and white space there is nothing to parse: the layout is one step a
//! byte. Whatever is more than that, and whatever is wrong, is left to the parser and the resolver.
//! They give the same answer to all that is read here; the test below holds both to it.

use alloc::vec::Vec;

use super::dialect::{Alignment, Codes, Dialect, TrailingPadding};
use super::model::{NO_NAME, Node};
use super::read::{ROOT, close};
use super::scalar::{self, Entry};
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::format::{ByteOrder, Code, Limits};
use crate::span::Span;

/// Codes that are more than their size: those whose count is a length, those of two parts, and `O`,
/// whose byte order is the machine's whatever the format says.
const SPECIAL: &[Code] = &[
    Code::Pad,
    Code::Bytes,
    Code::Pascal,
    Code::Ucs2,
    Code::Ucs4,
    Code::Bits,
    Code::Object,
    Code::ComplexFloat314,
    Code::ComplexDouble314,
    Code::ComplexLongDouble314,
];

/// From so many codes on it pays to ask the data model once for everything.
const MANY: usize = 6;

/// Fills the empty `nodes` if the format is nothing but codes; if not, leaves the root in them.
#[inline(always)]
pub(super) fn fill(format: &[u8], dialect: &Dialect, model: &DataModel, nodes: &mut Vec<Node>) -> Option<Align> {
    nodes.push(ROOT);
    let Some((size, align)) = lay(format, dialect, model, |node| nodes.push(node)) else {
        nodes.truncate(1);
        return None;
    };
    close(nodes, size, format);
    Some(align)
}

/// Lays `format` out if it is codes behind at most one byte order character. If it is not, some
/// fields may have been told to `push` all the same. Returns the size and the largest alignment.
#[inline]
pub(super) fn lay(format: &[u8], dialect: &Dialect, model: &DataModel, push: impl FnMut(Node)) -> Option<(u64, Align)> {
    let (first, rest) = format.split_first()?;
    let (order, codes, at) = match ByteOrder::from_byte(*first) {
        // Not every dialect has it.
        Some(ByteOrder::NativeUnaligned) => return None,
        Some(order) => (order, rest, 1),
        None => (ByteOrder::Native, format, 0),
    };
    if codes.is_empty() || codes.len() > Limits::DEFAULT.items {
        return None;
    }
    let mut row = Row { codes, at, order, simple: dialect.codes.without(SPECIAL), model, push };
    if order != ByteOrder::Native {
        return row.lay(|entry, free| match entry.standard {
            0 => None,
            size => Some(Place { offset: free, size: u64::from(size), mask: 0 }),
        });
    }
    let rounding = match dialect.alignment {
        Alignment::Implicit => u64::MAX,
        Alignment::Explicit => 0,
    };
    let (size, align) = if codes.len() >= MANY {
        let weights = CType::table(|ctype| Weight::of(ctype, model));
        row.lay(|entry, free| Some(weights.get(entry.ctype.index())?.place(free, rounding)))
    } else {
        row.lay(|entry, free| Some(Weight::of_entry(entry, model).place(free, rounding)))
    }?;
    let size = match dialect.trailing_padding {
        TrailingPadding::Aligned => align.round_up(size).filter(|size| *size <= model.ssize_max())?,
        TrailingPadding::None | TrailingPadding::Implicit => size,
    };
    Some((size, align))
}

/// What a C type weighs on the machine.
#[derive(Clone, Copy)]
struct Weight {
    size: u64,
    /// Alignment less one: the bits that are clear in a multiple of it.
    mask: u64,
}

impl Weight {
    /// Of a code. What every model agrees on needs no look at the model: up to 4 bytes size and
    /// alignment are one.
    #[inline]
    fn of_entry(entry: &Entry, model: &DataModel) -> Self {
        match entry.fixed {
            1..=4 => {
                let size = u64::from(entry.fixed);
                Self { size, mask: size.wrapping_sub(1) }
            }
            _ => Self::of_varying(entry.ctype, model),
        }
    }

    /// Out of line, because else the whole model is loaded for a single `i`.
    #[inline(never)]
    fn of_varying(ctype: CType, model: &DataModel) -> Self {
        Self::of(ctype, model)
    }

    #[inline]
    fn of(ctype: CType, model: &DataModel) -> Self {
        Self { size: model.size_of(ctype), mask: model.align_of(ctype).bytes().wrapping_sub(1) }
    }

    /// At the next multiple of the alignment from the free byte on; with no bit in `rounding` at the
    /// free byte itself.
    #[inline]
    fn place(self, free: u64, rounding: u64) -> Place {
        let mask = self.mask & rounding;
        // Both are below 2^63.
        Place { offset: free.wrapping_add(mask) & !mask, size: self.size, mask: self.mask }
    }
}

struct Row<'a, P> {
    codes: &'a [u8],
    /// Where the codes start in the format.
    at: u32,
    order: ByteOrder,
    simple: Codes,
    model: &'a DataModel,
    push: P,
}

/// Where a code goes.
struct Place {
    offset: u64,
    size: u64,
    /// As in [`Weight`].
    mask: u64,
}

impl<P: FnMut(Node)> Row<'_, P> {
    /// Puts code after code where `place` says, given the code and the next free byte. The size of
    /// all and the largest alignment, or `None` at a code that is not simple.
    #[inline]
    fn lay(&mut self, place: impl Fn(&Entry, u64) -> Option<Place>) -> Option<(u64, Align)> {
        let limit = self.model.ssize_max();
        let endian = scalar::endian(self.order, self.model);
        let (mut free, mut masks) = (0_u64, 0_u64);
        // The root is at 0, so the first node ends at 2.
        for ((at, end), &byte) in (self.at..).zip(2..).zip(self.codes) {
            let (code, entry) = scalar::of_byte(byte)?;
            if !self.simple.contains(*code) {
                return None;
            }
            let Place { offset, size, mask } = place(entry, free)?;
            free = offset.checked_add(size).filter(|end| *end <= limit)?;
            masks |= mask;
            let ty = entry.ty(size);
            (self.push)(Node {
                offset,
                size,
                count: 1,
                span: Span::byte(at),
                name: NO_NAME,
                end,
                dims: 0,
                ndim: 0,
                ty,
                endian: (ty.has_byte_order() && size > 1).then_some(endian),
                order: self.order,
            });
        }
        Some((free, Align::new(masks.wrapping_add(1)).unwrap_or(Align::ONE)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;
    use crate::layout::{Layout, calcsize_in};

    /// Formats of one and two bytes out of everything that can begin a token, and longer rows of codes.
    fn formats() -> Vec<Vec<u8>> {
        let codes: Vec<u8> = (0..=u8::MAX).filter(|byte| Code::from_byte(*byte).is_some()).collect();
        let mut alphabet = codes.clone();
        alphabet.extend(b"@=<>!^ 2Z:}T(&X[\0\xff");
        let mut formats = vec![Vec::new()];
        for &first in &alphabet {
            formats.push(vec![first]);
            formats.extend(alphabet.iter().map(|&second| vec![first, second]));
        }
        for len in [3, 5, 6, 9, 31] {
            for start in 0..codes.len() {
                let row = || codes.iter().cycle().skip(start).step_by(7).take(len);
                formats.push(row().copied().collect());
                formats.extend(b"@=<>!^".iter().map(|mark| [mark].into_iter().chain(row()).copied().collect()));
            }
        }
        formats
    }

    /// What is read here is what the parser and the resolver make of it, to the last field.
    #[test]
    fn plain_formats_have_one_meaning() {
        let odd = [
            DataModel { long: u64::MAX, ..DataModel::LP64 },
            DataModel { long: 1 << 62, pointer: 3, wchar: 0, ..DataModel::LP64 },
            DataModel { long: 0, double_align: Align::new(1 << 63).unwrap(), ..DataModel::LP64 },
        ];
        let (mut plain_ones, mut all) = (0, 0);
        for format in formats() {
            for dialect in Dialect::ALL {
                for model in DataModel::ALL.iter().chain(&odd) {
                    all += 1;
                    let mut nodes = Vec::new();
                    let Some(align) = fill(&format, dialect, model, &mut nodes) else {
                        assert_eq!(nodes.len(), 1);
                        continue;
                    };
                    plain_ones += 1;
                    let about = format!("{} in {dialect} on {model:?}", format.escape_ascii());
                    let mut whole = Layout { nodes: vec![ROOT], ..Layout::new() };
                    whole.read_on(&format, dialect, model).expect(&about);
                    assert_eq!(align, whole.align, "{about}");
                    assert_eq!(format!("{nodes:?}"), format!("{:?}", whole.nodes), "{about}");
                    assert_eq!(calcsize_in(&format, dialect, model).ok(), Some(nodes[0].size), "{about}");
                }
            }
        }
        assert!(plain_ones > 10_000, "{plain_ones} of {all} formats are plain");
    }
}
