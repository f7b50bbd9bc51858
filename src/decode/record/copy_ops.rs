//! The steps of decoding items to structs: [`FieldCopy`] copies adjacent bytes of an item, and [`CharCheck`] finds
//! bytes that are not a valid value.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::super::error::DecodeError;
use super::super::leaf::{Repeat, each_offset};
use super::access::Origin;
use super::error::RecordError;
use crate::align::to_u64;
use crate::strided::{Strided, StridedMut};

/// A copy of adjacent bytes from an item to memory in the layout of a `RecordLayout`.
#[derive(Clone, Debug)]
pub(super) struct FieldCopy {
    /// The offset in bytes from the start of the item.
    pub(super) from: usize,
    /// The offset in bytes from the start of the struct.
    pub(super) to: usize,
    /// The number of adjacent bytes.
    pub(super) len: usize,
    /// The number of adjacent bytes that are reversed together, or 1 for no reversal.
    pub(super) unit: usize,
    /// The arrays of records around the bytes, outermost first. Each array has a stride in the item and a stride in the
    /// struct.
    pub(super) repeats: Vec<Repeat<2>>,
}

impl FieldCopy {
    /// Merges consecutive `copies` whose bytes are adjacent both in the item and in the struct. Removes copies of 0
    /// bytes.
    pub(super) fn merged(copies: Vec<Self>) -> Vec<Self> {
        let mut merged: Vec<Self> = Vec::new();
        for next in copies.into_iter().filter(|next| next.len > 0) {
            match merged.last_mut() {
                Some(last) if last.is_followed_by(&next) => last.len = last.len.saturating_add(next.len),
                _ => merged.push(next),
            }
        }
        merged
    }

    /// Returns whether the bytes of `next` start where the bytes of this copy end, both in the item and in the struct.
    fn is_followed_by(&self, next: &Self) -> bool {
        let ends = (self.from.saturating_add(self.len), self.to.saturating_add(self.len));
        self.unit == next.unit && self.repeats == next.repeats && ends == (next.from, next.to)
    }

    /// Returns the copy of the same bytes in the opposite direction, from the struct to the item.
    pub(super) fn reversed(&self) -> Self {
        let reversed = |repeat: &Repeat<2>| {
            let [from, to] = repeat.strides;
            Repeat { count: repeat.count, strides: [to, from] }
        };
        Self { from: self.to, to: self.from, repeats: self.repeats.iter().map(reversed).collect(), ..*self }
    }

    /// Returns whether the copy reverses bytes.
    pub(super) fn swaps(&self) -> bool {
        self.unit > 1
    }

    /// Returns whether all bytes have the same offsets in the item and in the struct.
    pub(super) fn is_in_place(&self) -> bool {
        self.from == self.to && self.repeats.iter().all(|Repeat { strides: [from, to], .. }| from == to)
    }

    /// Sets the element of `origins` for each byte of the struct that this copy writes. `origins` must have one element
    /// for each byte of the struct. Returns an error if `origins` is shorter.
    pub(super) fn set_origins(&self, origins: &mut [Origin]) -> Result<(), DecodeError> {
        self.each(|from, to| {
            let origins = origins.get_mut(to..to.saturating_add(self.len))?;
            origins.iter_mut().zip(from..).for_each(|(origin, offset)| *origin = Origin { offset, swap: self.swaps() });
            Some(())
        })
    }

    /// Copies the bytes from each of `items` to the element of `records` with the same index, and reverses units if
    /// [`swaps`](Self::swaps) is true. `items` contains items, and `records` contains structs in the layout of their
    /// `RecordLayout`. For a [`reversed`](Self::reversed) copy, `items` contains the structs and `records` contains the
    /// items. Returns an error if the bytes are outside an item or a record.
    pub(super) fn apply(&self, items: Strided<'_>, mut records: StridedMut<'_>) -> Result<(), DecodeError> {
        self.each(|from, to| {
            let from = items.field(from, self.len)?;
            records.reborrow().field(to, self.len)?.copy_from(from, self.unit)
        })
    }

    /// Calls `copy(from, to)` for the bytes in each element of the enclosing arrays of records. `from` is the offset in
    /// bytes in the item, and `to` in the struct. Returns an error if `copy` returns `None`.
    fn each(&self, mut copy: impl FnMut(usize, usize) -> Option<()>) -> Result<(), DecodeError> {
        let copied = each_offset(&self.repeats, [self.from, self.to], &mut |[from, to]| match copy(from, to) {
            Some(()) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        });
        match copied {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DecodeError::internal("a field is outside its item")),
        }
    }
}

/// A check that bytes of an item are valid values of type `char`.
#[derive(Debug)]
pub(super) struct CharCheck {
    /// The offset in bytes from the start of the item.
    pub(super) offset: usize,
    /// The number of adjacent bytes.
    pub(super) len: usize,
    /// Whether the bytes of each `char` must be reversed.
    pub(super) swap: bool,
    /// The arrays of records around the field, outermost first.
    pub(super) repeats: Vec<Repeat<1>>,
    /// The dotted name of the field.
    pub(super) path: String,
}

impl CharCheck {
    /// Returns an error if the field has an invalid value in an item. `items` contains the bytes of adjacent items of
    /// `itemsize` bytes. `before` is the number of items that were checked before. The index of the record in the error
    /// counts these items.
    pub(super) fn apply(&self, items: &[u8], itemsize: usize, before: usize) -> Result<(), RecordError> {
        for (index, item) in items.chunks_exact(itemsize.max(1)).enumerate() {
            if let Some((element, value)) = self.first_invalid(item)? {
                let single = self.repeats.is_empty() && self.len == 4;
                let field = if single { self.path.clone() } else { format!("{}[{element}]", self.path) };
                let record = to_u64(before.saturating_add(index));
                return Err(RecordError::Invalid { record, field, value, ty: "char" });
            }
        }
        Ok(())
    }

    /// Finds the first invalid value of the field in `item`. Returns the index of the element, and the bytes of the
    /// value as an integer. The index counts the elements of all enclosing arrays from 0. Returns `None` if all values
    /// are valid, and an error if the field is outside `item`.
    fn first_invalid(&self, item: &[u8]) -> Result<Option<(usize, u32)>, DecodeError> {
        let mut before = 0_usize;
        let found = each_offset(&self.repeats, [self.offset], &mut |[offset]| {
            let Some(bytes) = item.get(offset..offset.saturating_add(self.len)) else {
                return ControlFlow::Break(None);
            };
            let units = bytes.as_chunks::<4>().0;
            let value = |unit: &[u8; 4]| {
                let value = u32::from_ne_bytes(*unit);
                if self.swap { value.swap_bytes() } else { value }
            };
            let invalid = units.iter().map(value).enumerate().find(|(_, value)| char::from_u32(*value).is_none());
            if let Some((index, value)) = invalid {
                return ControlFlow::Break(Some((before.saturating_add(index), value)));
            }
            before = before.saturating_add(units.len());
            ControlFlow::Continue(())
        });
        match found {
            ControlFlow::Continue(()) => Ok(None),
            ControlFlow::Break(Some(invalid)) => Ok(Some(invalid)),
            ControlFlow::Break(None) => Err(DecodeError::internal("a field is outside its item")),
        }
    }
}
