//! [`place_members`]: the offsets of the [`Member`]s of a structure or union, and the positions of its bit-fields.
//!
//! Two rules are in use. The System V rule is the rule of GCC and Clang on Linux and macOS. The Microsoft rule is the
//! rule of the compilers of Windows. The rules differ for bit-fields only.

use std::rc::Rc;

use super::types::{Base, DeclaredType, PlacedMember, Record};
use crate::abi::{DataModel, LongDoubleFormat};
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{BitField, Type};

/// The number of bits of a byte.
const BYTE: u128 = 8;

/// A member of a structure or union before the placement.
pub(super) struct Member {
    /// The name, or `None` for an anonymous structure or union and for an unnamed bit-field.
    pub(super) name: Option<String>,
    pub(super) ty: DeclaredType,
    /// The number of bits of a bit-field. `None` for any other member.
    pub(super) bits: Option<u64>,
    /// Whether the member or the structure has the attribute `packed`.
    pub(super) is_packed: bool,
    /// The larger of two alignments: the attribute `aligned` and `_Alignas` of the member. `None` if the member has
    /// neither.
    pub(super) aligned: Option<Align>,
}

/// The rules for the placement of the members of one structure or union.
pub(super) struct Rules<'m> {
    pub(super) model: &'m DataModel,
    pub(super) is_union: bool,
    /// The largest alignment in bytes that `#pragma pack` permits.
    pub(super) pack: Option<u64>,
    /// The smallest alignment of the structure, from the attribute `aligned` of the structure.
    pub(super) aligned: Option<Align>,
}

/// A unit of the Microsoft rule for bit-fields: an integer whose bits adjacent bit-fields share. The unit has unused
/// bits.
#[derive(Clone, Copy)]
struct Unit {
    /// The size of the integer in bits.
    bits: u128,
    /// The number of unused bits at the end of the integer.
    unused: u128,
}

/// Places `members` by `rules`. Returns the structure or union with the offsets of its members, without the unnamed
/// bit-fields. An error consists of the index of the wrong member and the message. The index is 0 if the error concerns
/// the whole structure.
pub(super) fn place_members(members: Vec<Member>, rules: &Rules<'_>) -> Result<Record, (usize, String)> {
    let is_microsoft = rules.model.has_microsoft_bit_fields();
    let limit = |align: Align| match rules.pack.and_then(Align::new) {
        Some(pack) => align.min(pack),
        None => align,
    };
    let mut align = Align::ONE;
    // The largest alignment of an unnamed bit-field.
    let mut unnamed_align = Align::ONE;
    // `end` is the number of the first bit after the last member. `union_end` is the largest `end` of the members of a
    // union.
    let (mut end, mut union_end) = (0_u128, 0_u128);
    let mut unit: Option<Unit> = None;
    let mut placed = Vec::new();
    let mut depth = 1_usize;
    for (index, member) in members.into_iter().enumerate() {
        if rules.is_union {
            (end, unit) = (0, None);
        }
        let Member { name, ty, bits, is_packed, aligned } = member;
        let failed = |message: String| (index, message);
        let too_large = || failed("the structure is too large".to_owned());
        if let Base::Record(record) = &ty.base {
            depth = depth.max(record.depth.saturating_add(1));
        }
        let size = ty.size().ok_or_else(too_large)?;
        let type_bits = u128::from(size).saturating_mul(BYTE);
        let Some(width) = bits else {
            unit = None;
            let own = match (is_packed, aligned) {
                (true, aligned) => aligned.unwrap_or(Align::ONE),
                (false, aligned) => aligned.map_or(ty.align, |aligned| aligned.max(ty.align)),
            };
            let own = limit(own);
            align = align.max(own);
            let start = round_up(end, own);
            end = start.saturating_add(type_bits);
            union_end = union_end.max(end);
            let offset = byte_of(start).ok_or_else(too_large)?;
            placed.push(PlacedMember { name, offset, ty });
            continue;
        };
        let width = u128::from(width);
        let type_align = limit(ty.align);
        let start = if is_microsoft {
            // The compilers of Windows place these bit-fields differently.
            if is_packed || aligned.is_some() || (rules.is_union && type_align < ty.align) {
                let message = "a bit-field that the compilers of Windows place differently";
                return Err(failed(message.to_owned()));
            }
            if width == 0 {
                // The compiler ignores a bit-field of 0 bits that does not follow a bit-field.
                if unit.take().is_some() {
                    align = align.max(type_align);
                    end = round_up(end, type_align);
                }
                continue;
            }
            align = align.max(type_align);
            match unit {
                Some(Unit { bits, unused }) if bits == type_bits && unused >= width => {
                    unit = Some(Unit { bits, unused: unused.saturating_sub(width) });
                    end.saturating_sub(unused)
                }
                _ => {
                    let start = round_up(end, type_align);
                    end = start.saturating_add(type_bits);
                    unit = Some(Unit { bits: type_bits, unused: type_bits.saturating_sub(width) });
                    start
                }
            }
        } else {
            if name.is_some() {
                let implied = if rules.pack.is_none() && is_packed { Align::ONE } else { type_align };
                align = align.max(implied).max(aligned.map_or(Align::ONE, limit));
            } else {
                unnamed_align = unnamed_align.max(ty.align);
            }
            let mut start = end;
            if width == 0 {
                // `#pragma pack` and `packed` do not change the effect of a bit-field of 0 bits.
                start = round_up(start, ty.align);
            } else if let Some(aligned) = aligned {
                start = round_up(start, limit(aligned));
            }
            // Without packing, a bit-field is inside one unit of its type.
            if width > 0 && rules.pack.is_none() && !is_packed {
                let unit = u128::from(ty.align.bytes()).saturating_mul(BYTE);
                // An alignment is at least one byte, so the defaults are never used.
                let used = start.checked_rem(unit).unwrap_or(0).saturating_add(width);
                if used.div_ceil(unit) > type_bits.checked_div(unit).unwrap_or(0) {
                    start = round_up(start, ty.align);
                }
            }
            end = start.saturating_add(width);
            start
        };
        union_end = union_end.max(end);
        if name.is_some() {
            let offset = byte_of(start).ok_or_else(too_large)?;
            let bits = bit_field(&ty, start, width, rules.model).map_err(|message| failed(message.to_owned()))?;
            let ty = DeclaredType { base: Base::Bits(bits), shape: Vec::new(), align: Align::ONE, is_enum: false };
            placed.push(PlacedMember { name, offset, ty });
        }
    }
    // The ABI of x86 ignores the alignment of an unnamed bit-field. The ABI of arm does not.
    let is_x86 = rules.model.long_double.format == LongDoubleFormat::X87;
    if !is_microsoft && !is_x86 && unnamed_align > align {
        let message = "an unnamed bit-field, whose alignment differs between the compilers of this data model";
        return Err((0, message.to_owned()));
    }
    let align = align.max(rules.aligned.unwrap_or(Align::ONE));
    let end = if rules.is_union { union_end } else { end };
    let size = byte_of(round_up(end, align)).filter(|size| *size <= rules.model.ssize_max());
    let Some(size) = size else { return Err((0, "the structure is too large".to_owned())) };
    Ok(Record { size, align, members: placed, depth })
}

/// Returns the bit-field of `width` bits and of the C type `ty`, whose first bit is bit `start` of the structure. A
/// compiler of a little-endian machine allocates the lowest bits of a byte first. A compiler of a big-endian machine
/// allocates the highest bits first. Returns an error message if `ty` is not an integer type, or if the sign of its
/// values depends on the compiler.
fn bit_field(ty: &DeclaredType, start: u128, width: u128, model: &DataModel) -> Result<BitField, &'static str> {
    let value_type = bit_field_type(ty, model)?;
    // `BYTE` is 8, so the default is never used.
    let first = start.checked_rem(BYTE).unwrap_or(0);
    let after = first.saturating_add(width);
    let below = match model.endian {
        Endian::Little => first,
        Endian::Big => after.next_multiple_of(BYTE).saturating_sub(after),
    };
    let numbers = u8::try_from(below).ok().zip(u8::try_from(width).ok());
    let bits = numbers.and_then(|(below, width)| BitField::new(value_type, below, width));
    debug_assert!(bits.is_some(), "`bit_width` checks the width, and a byte has 8 bits");
    bits.ok_or("a bit-field must have an integer type")
}

/// Returns the type of the values of a bit-field of the C type `ty`. Returns an error message if `ty` is not an integer
/// type, or if the sign of its values depends on the compiler.
fn bit_field_type(ty: &DeclaredType, model: &DataModel) -> Result<Type, &'static str> {
    let Base::Scalar(scalar) = ty.base else { return Err("a bit-field must have an integer type") };
    let is_microsoft = model.has_microsoft_bit_fields();
    let is_x86 = model.long_double.format == LongDoubleFormat::X87;
    match (scalar.ty, scalar.size) {
        // The compiler of Microsoft gives each enumeration the type `int`, and MinGW can give it the type `unsigned`.
        (Type::UInt32 | Type::UInt64, _) if ty.is_enum && is_microsoft => {
            Err("a bit-field of an enumeration, whose sign the compilers of Windows choose differently")
        }
        (Type::Char, _) if is_x86 || is_microsoft => Ok(Type::Int8),
        (Type::Char, _) => Err("the sign of a `char` bit-field depends on the compiler"),
        (Type::Wchar, 2) if is_microsoft => Ok(Type::UInt16),
        (Type::Wchar, 4) if is_x86 => Ok(Type::Int32),
        (Type::Wchar, _) => Err("the sign of a `wchar_t` bit-field depends on the compiler"),
        (Type::Ucs2, _) => Ok(Type::UInt16),
        (Type::Ucs4, _) => Ok(Type::UInt32),
        (ty, _) => Ok(ty),
    }
}

/// Rounds `bits`, a number of bits, up to a multiple of `align`, and returns the number of bits.
fn round_up(bits: u128, align: Align) -> u128 {
    let align = u128::from(align.bytes()).saturating_mul(BYTE);
    bits.div_ceil(align).saturating_mul(align)
}

/// Returns the number of the byte that contains bit `bits`: `bits` divided by 8. Returns `None` if the number of the
/// byte exceeds 64 bits.
fn byte_of(bits: u128) -> Option<u64> {
    u64::try_from(bits.checked_div(BYTE)?).ok()
}

/// Returns the structure or union `record` as a type.
pub(super) fn record_type(record: Record) -> DeclaredType {
    let align = record.align;
    DeclaredType { base: Base::Record(Rc::new(record)), shape: Vec::new(), align, is_enum: false }
}
