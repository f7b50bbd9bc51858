//! [`fill`] and [`lay_out`]: the fast path for formats that consist of format characters only, such as `<i` and
//! `@bBhH`.
//!
//! Most buffers have a format of this kind. Each byte after the byte-order character is one field, so no parser is
//! necessary. Both functions return `None` for every other format and for every format with an error. For such a
//! format, the caller uses the parser and the resolver. A test checks that the fast path and the resolver give equal
//! layouts.

use alloc::vec::Vec;

use super::dialect::{Alignment, Codes, Dialect, TrailingPadding};
use super::scalar::{self, CodeInfo};
use super::tree::{Detail, NO_NAME, Node, ROOT, close_root};
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::format::{ByteOrder, Code, Limits};
use crate::span::Span;

/// The format characters that the fast path does not read. The count of `x s p u w t` is a length, `F D G` are complex
/// numbers, and `O` always has the native byte order. The fast path does not implement these rules.
const NEEDS_RESOLVER: &[Code] = &[
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

/// The smallest number of format characters for which the fast path first computes a table of the sizes of all C types.
/// For fewer format characters, computing each size separately takes less time.
const MIN_CODES_FOR_TABLE: usize = 6;

/// Adds the root and the fields of `format` to `nodes`, and returns the alignment of the item. `nodes` must be empty.
/// The fields follow the rules of `dialect` and the C sizes of `model`. If `format` needs the resolver,
/// returns `None`, and `nodes` contains only the root, with a size of 0 bytes.
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

/// Calls `push` with each field of `format`, by the rules of `dialect` and the C sizes of `model`. Returns the size of
/// the item in bytes, and the alignment of the item. Returns `None` if `format` needs the resolver. Before the function
/// returns `None`, it can call `push` with some of the fields.
#[inline]
pub(super) fn lay_out(
    format: &[u8],
    dialect: &Dialect,
    model: &DataModel,
    push: impl FnMut(Node),
) -> Option<(u64, Align)> {
    let (first, rest) = format.split_first()?;
    let (order, codes, at) = match ByteOrder::from_byte(*first) {
        // The resolver checks whether the dialect has `^`.
        Some(ByteOrder::NativeUnaligned) => return None,
        Some(order) => (order, rest, 1),
        None => (ByteOrder::Native, format, 0),
    };
    if codes.is_empty() || codes.len() > Limits::DEFAULT.items {
        return None;
    }
    let mut sequence = CodeSequence { codes, at, order, accepted: dialect.codes.without(NEEDS_RESOLVER), model, push };
    if order != ByteOrder::Native {
        return sequence.lay_out(|info, previous_end| match info.standard {
            0 => None,
            size => Some(Placed { offset: previous_end, size: u64::from(size), mask: 0 }),
        });
    }
    // All bits of `rounding` are 1 if offsets are rounded up, and 0 if fields have no padding.
    let rounding = match dialect.alignment {
        Alignment::Implicit => u64::MAX,
        Alignment::Explicit => 0,
    };
    let (size, align) = if codes.len() >= MIN_CODES_FOR_TABLE {
        let sizes = CType::table(|ctype| SizeAlign::of(ctype, model));
        sequence.lay_out(|info, previous_end| Some(sizes.get(info.ctype.index())?.place(previous_end, rounding)))
    } else {
        sequence.lay_out(|info, previous_end| Some(SizeAlign::of_code(info, model).place(previous_end, rounding)))
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
    /// The size in bytes.
    size: u64,
    /// The alignment in bytes minus one. For an alignment of 8 bytes, `mask` is `0b111`, the bits that are 0 in each
    /// multiple of 8.
    mask: u64,
}

impl SizeAlign {
    /// Returns the size and the alignment of the C type of `info` in `model`. A C type with a fixed size of at most 4
    /// bytes has an alignment equal to its size in all data models.
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

    /// Returns the size and the alignment of `ctype` in `model`.
    // Calls `of`, and is not inlined. If the call were inlined, the compiler would load the whole data model for the
    // format `i`.
    #[inline(never)]
    fn of_varying(ctype: CType, model: &DataModel) -> Self {
        Self::of(ctype, model)
    }

    /// Returns the size and the alignment of `ctype` in `model`.
    #[inline]
    fn of(ctype: CType, model: &DataModel) -> Self {
        Self { size: model.size_of(ctype), mask: model.align_of(ctype).bytes().wrapping_sub(1) }
    }

    /// Returns the position of a value of this C type that follows the previous value. `previous_end` is the offset in
    /// bytes after the previous value. If all bits of `rounding` are 1, the offset is `previous_end` rounded up to the
    /// alignment of the C type. If `rounding` is 0, the offset is `previous_end`.
    #[inline]
    fn place(self, previous_end: u64, rounding: u64) -> Placed {
        let mask = self.mask & rounding;
        // `previous_end` is at most `limit` and `mask` is an alignment minus one. The two numbers are less than 2^63,
        // so the sum does not wrap.
        Placed { offset: previous_end.wrapping_add(mask) & !mask, size: self.size, mask: self.mask }
    }
}

/// A format that consists of format characters after at most one byte-order character.
struct CodeSequence<'a, P> {
    /// The bytes of the format after the byte-order character.
    codes: &'a [u8],
    /// The byte offset of `codes` in the format: 0 or 1.
    at: u32,
    /// The byte-order character of the format, or `@` if the format has none.
    order: ByteOrder,
    /// The format characters of the dialect that the fast path reads.
    accepted: Codes,
    model: &'a DataModel,
    /// The function that receives each field.
    push: P,
}

/// The position and the size of a value.
struct Placed {
    offset: u64,
    size: u64,
    /// The alignment of the value in bytes minus one, or 0 if the value is not aligned.
    mask: u64,
}

impl<P: FnMut(Node)> CodeSequence<'_, P> {
    /// Calls `push` with a field for each format character. Returns the size of all fields in bytes, and the largest
    /// alignment of a field.
    ///
    /// `place(info, previous_end)` computes the position of a field from its format character and from the offset in
    /// bytes after the previous field. `place` returns `None` if the format character has no size. The method returns
    /// `None` if `place` returns `None`, if the size exceeds `PY_SSIZE_T_MAX`, or if a byte is not an accepted format
    /// character.
    #[inline]
    fn lay_out(&mut self, place: impl Fn(&CodeInfo, u64) -> Option<Placed>) -> Option<(u64, Align)> {
        let limit = self.model.ssize_max();
        let endian = scalar::endian(self.order, self.model);
        let (mut previous_end, mut masks) = (0_u64, 0_u64);
        // The root has the index 0 and the first field has the index 1, so `end` of the first field is 2.
        for ((at, end), &byte) in (self.at..).zip(2..).zip(self.codes) {
            let (code, info) = scalar::info_of_byte(byte)?;
            if !self.accepted.contains(*code) {
                return None;
            }
            let Placed { offset, size, mask } = place(info, previous_end)?;
            previous_end = offset.checked_add(size).filter(|end| *end <= limit)?;
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
                detail: Detail::None,
            });
        }
        // `masks` has the bits of all masks. Each mask is a power of two minus one, so `masks` is equal to the largest
        // mask.
        Some((previous_end, Align::new(masks.wrapping_add(1))?))
    }
}
