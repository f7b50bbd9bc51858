//! The fast path for formats of format characters alone, such as `<i` and `@bBhH`. Most buffers have such a format.
//!
//! A format without counts, shapes, names and white space needs no parser: each byte is one field. All other
//! formats, also those with an error, are left to the parser and the resolver. The test below checks that both
//! give the same layout.

use alloc::vec::Vec;

use super::dialect::{Alignment, Codes, Dialect, TrailingPadding};
use super::scalar::{self, CodeInfo};
use super::tree::{NO_NAME, Node};
use super::tree::{ROOT, close_root};
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::format::{ByteOrder, Code, Limits};
use crate::span::Span;

/// Format characters that need the resolver: those whose count is a length, those of complex numbers, and `O`,
/// whose byte order is always native.
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

/// The number of format characters from which computing the sizes of all C types in advance takes less time.
const MANY: usize = 6;

/// Fills the empty `nodes` if the format has format characters only; if not, leaves the root in them.
#[inline(always)]
pub(super) fn fill(format: &[u8], dialect: &Dialect, model: &DataModel, nodes: &mut Vec<Node>) -> Option<Align> {
    nodes.push(ROOT);
    let Some((size, align)) = lay_out(format, dialect, model, |node| nodes.push(node)) else {
        nodes.truncate(1);
        return None;
    };
    close_root(nodes, size, format);
    Some(align)
}

/// Calls `push` with the fields of a format that consists of format characters after at most one byte-order character.
///
/// Returns the size and the largest alignment. For other formats, returns `None`, also after some calls.
#[inline]
pub(super) fn lay_out(
    format: &[u8],
    dialect: &Dialect,
    model: &DataModel,
    push: impl FnMut(Node),
) -> Option<(u64, Align)> {
    let (first, rest) = format.split_first()?;
    let (order, codes, at) = match ByteOrder::from_byte(*first) {
        // Not all dialects have `^`.
        Some(ByteOrder::NativeUnaligned) => return None,
        Some(order) => (order, rest, 1),
        None => (ByteOrder::Native, format, 0),
    };
    if codes.is_empty() || codes.len() > Limits::DEFAULT.items {
        return None;
    }
    let mut sequence = CodeSequence { codes, at, order, simple: dialect.codes.without(SPECIAL), model, push };
    if order != ByteOrder::Native {
        return sequence.lay_out(|info, free| match info.standard {
            0 => None,
            size => Some(Placed { offset: free, size: u64::from(size), mask: 0 }),
        });
    }
    let rounding = match dialect.alignment {
        Alignment::Implicit => u64::MAX,
        Alignment::Explicit => 0,
    };
    let (size, align) = if codes.len() >= MANY {
        let sizes = CType::table(|ctype| SizeAlign::of(ctype, model));
        sequence.lay_out(|info, free| Some(sizes.get(info.ctype.index())?.place(free, rounding)))
    } else {
        sequence.lay_out(|info, free| Some(SizeAlign::of_code(info, model).place(free, rounding)))
    }?;
    let size = match dialect.trailing_padding {
        TrailingPadding::Aligned => align.round_up(size).filter(|size| *size <= model.ssize_max())?,
        TrailingPadding::None | TrailingPadding::Implicit => size,
    };
    Some((size, align))
}

/// The size and the alignment of a C type in a data model.
#[derive(Clone, Copy)]
struct SizeAlign {
    size: u64,
    /// The alignment less one: the bits that are 0 in a multiple of the alignment.
    mask: u64,
}

impl SizeAlign {
    /// Types of up to 4 bytes have the same size in all data models, and it is their alignment.
    #[inline]
    fn of_code(info: &CodeInfo, model: &DataModel) -> Self {
        match info.fixed {
            1..=4 => {
                let size = u64::from(info.fixed);
                Self { size, mask: size.wrapping_sub(1) }
            }
            _ => Self::of_varying(info.ctype, model),
        }
    }

    /// Out of line: inlined, it makes the compiler load the whole data model for a single `i`.
    #[inline(never)]
    fn of_varying(ctype: CType, model: &DataModel) -> Self {
        Self::of(ctype, model)
    }

    #[inline]
    fn of(ctype: CType, model: &DataModel) -> Self {
        Self { size: model.size_of(ctype), mask: model.align_of(ctype).bytes().wrapping_sub(1) }
    }

    /// Places a value at the first multiple of its alignment from `free` on; at `free` itself if `rounding` is 0.
    #[inline]
    fn place(self, free: u64, rounding: u64) -> Placed {
        let mask = self.mask & rounding;
        // Both are below 2^63.
        Placed { offset: free.wrapping_add(mask) & !mask, size: self.size, mask: self.mask }
    }
}

struct CodeSequence<'a, P> {
    codes: &'a [u8],
    /// The offset of the first format character in the format.
    at: u32,
    order: ByteOrder,
    simple: Codes,
    model: &'a DataModel,
    push: P,
}

/// The offset and the size of a value.
struct Placed {
    offset: u64,
    size: u64,
    /// As in [`SizeAlign`].
    mask: u64,
}

impl<P: FnMut(Node)> CodeSequence<'_, P> {
    /// Adds a field for each format character, at the offset that `place` computes from the end of the field before.
    /// Returns the size and the largest alignment, or `None` at a format character that needs the resolver.
    #[inline]
    fn lay_out(&mut self, place: impl Fn(&CodeInfo, u64) -> Option<Placed>) -> Option<(u64, Align)> {
        let limit = self.model.ssize_max();
        let endian = scalar::endian(self.order, self.model);
        let (mut free, mut masks) = (0_u64, 0_u64);
        // The root is at 0, so the first node ends at 2.
        for ((at, end), &byte) in (self.at..).zip(2..).zip(self.codes) {
            let (code, info) = scalar::of_byte(byte)?;
            if !self.simple.contains(*code) {
                return None;
            }
            let Placed { offset, size, mask } = place(info, free)?;
            free = offset.checked_add(size).filter(|end| *end <= limit)?;
            masks |= mask;
            let ty = info.ty(size);
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
        // The largest mask covers all others: the sum is a power of two.
        Some((free, Align::new(masks.wrapping_add(1))?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;
    use crate::layout::{Layout, calcsize_in};

    /// Returns formats of one and two bytes that can start a token, and longer sequences of format characters.
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
                formats.extend(b"@=<>!^".iter().map(|order| [order].into_iter().chain(row()).copied().collect()));
            }
        }
        formats
    }

    #[test]
    fn both_paths_give_the_same_layout() {
        let odd = [
            DataModel { long: u64::MAX, ..DataModel::LP64 },
            DataModel { long: 1 << 62, pointer: 3, wchar: 0, ..DataModel::LP64 },
            DataModel { long: 0, double_align: Align::new(1 << 63).unwrap(), ..DataModel::LP64 },
        ];
        let (mut fast, mut all) = (0, 0);
        for format in formats() {
            for dialect in Dialect::ALL {
                for model in DataModel::ALL.iter().chain(&odd) {
                    all += 1;
                    let mut nodes = Vec::new();
                    let Some(align) = fill(&format, dialect, model, &mut nodes) else {
                        assert_eq!(nodes.len(), 1);
                        continue;
                    };
                    fast += 1;
                    let about = format!("{} in {dialect} on {model:?}", format.escape_ascii());
                    let mut whole = Layout { nodes: vec![ROOT], ..Layout::new() };
                    whole.read_resolved(&format, dialect, model).expect(&about);
                    assert_eq!(align, whole.align, "{about}");
                    assert_eq!(format!("{nodes:?}"), format!("{:?}", whole.nodes), "{about}");
                    assert_eq!(calcsize_in(&format, dialect, model).ok(), Some(nodes[0].size), "{about}");
                }
            }
        }
        assert!(fast > 10_000, "{fast} of {all} formats take the fast path");
    }
}
