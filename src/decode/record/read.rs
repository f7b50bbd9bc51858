//! Whole items into vectors of structs.

use alloc::vec::Vec;

use super::super::buffer::{Buffer, scratch, total};
use super::super::columns::block_items;
use super::super::error::{DecodeError, wide};
use super::super::plan::{Plan, ZERO_SIZED_LIMIT};
use super::error::RecordError;
use super::matching::{Matched, Way};
use super::member::Record;
use super::source::{Placed, Same, Sources, Swapped};

impl Plan {
    /// The items that lie one after the other, as structs.
    ///
    /// Items that lie as the struct does are copied, or, if it is `plain`, copied as they are; all
    /// others are first brought into its order and this machine's byte order, block by block.
    ///
    /// # Errors
    /// - 10 bytes for items of 4
    /// - items that the struct does not [match](Record::matches)
    /// - byte 2 where the struct has a `bool`, 0xD800 where it has a `char`
    pub fn read_records<T: Record>(&self, items: &[u8]) -> Result<Vec<T>, RecordError> {
        let count = self.items_in(items.len())?;
        let mut reading = Reading::new(self, count)?;
        // Blocks stay in the cache from one step to the next.
        if matches!(reading.matched.way, Way::Moved) || !reading.matched.tests.is_empty() {
            let most = block_items(self.size.max(T::LAYOUT.size)).saturating_mul(self.size).max(1);
            for block in items.chunks(most) {
                reading.block(block)?;
            }
        } else {
            reading.block(items)?;
        }
        Ok(reading.records)
    }
}

impl Buffer<'_> {
    /// All items as structs, the last index fastest; see [`Plan::read_records`].
    ///
    /// # Errors
    /// - more bytes than the machine has; more than 65,536 items of no bytes
    /// - as [`Plan::read_records`]
    pub fn read_records<T: Record>(&self) -> Result<Vec<T>, RecordError> {
        let (items, _) = total(self.view, self.plan.size)?;
        let mut reading = Reading::new(self.plan, items)?;
        if self.plan.size == 0 {
            // No bytes, but as many records as there are items.
            if wide(items) > ZERO_SIZED_LIMIT {
                return Err(DecodeError::ZeroSized { count: wide(items), limit: ZERO_SIZED_LIMIT }.into());
            }
            reading.records.extend(core::iter::repeat_with(|| T::load(Same.of(&[]), 0)).take(items));
            return Ok(reading.records);
        }
        let mut failed = Ok(());
        self.blocks(&mut |block, _| {
            if failed.is_ok() {
                failed = reading.block(block);
            }
        })?;
        failed.map(|()| reading.records)
    }
}

/// Records that are being read.
struct Reading<T> {
    matched: Matched,
    itemsize: usize,
    /// Items in the layout of the struct; empty where they come in it.
    block: Vec<u8>,
    records: Vec<T>,
}

impl<T: Record> Reading<T> {
    fn new(plan: &Plan, items: usize) -> Result<Self, RecordError> {
        let matched = Matched::new(plan, &T::LAYOUT)?;
        let mut records = Vec::new();
        let bytes = wide(items.saturating_mul(size_of::<T>()));
        records.try_reserve_exact(items).map_err(|_| DecodeError::Allocation { bytes })?;
        crate::pages::prefer_large(records.spare_capacity_mut());
        Ok(Self { matched, itemsize: plan.size, block: Vec::new(), records })
    }

    fn block(&mut self, items: &[u8]) -> Result<(), RecordError> {
        let Self { matched, itemsize, block, records } = self;
        let (itemsize, size) = (*itemsize, T::LAYOUT.size);
        let before = records.len();
        matched.tests.iter().try_for_each(|test| test.apply(items, itemsize, before))?;
        match &matched.way {
            Way::Same if T::LAYOUT.in_memory && size == size_of::<T>() => T::load_all(items, records),
            Way::Same => load_each(items, records, Same),
            Way::Swapped => load_each(items, records, Swapped),
            Way::Placed { places, swap } => {
                // A length that is known when it is compiled needs no look in the loop.
                let Some(places) = places.get(..const { T::LAYOUT.size }) else { return Ok(()) };
                if *swap {
                    load_from(items, itemsize, records, Placed::<true>(places));
                } else {
                    load_from(items, itemsize, records, Placed::<false>(places));
                }
            }
            Way::Moved => {
                let len = items.len().checked_div(itemsize).unwrap_or(0).saturating_mul(size);
                if block.len() < len {
                    *block = scratch(len)?;
                }
                let room = block.get_mut(..len).unwrap_or_default();
                matched.moves.iter().for_each(|step| step.apply(items, itemsize, room, size));
                load_each(room, records, Same);
            }
        }
        Ok(())
    }
}

/// Field by field, from items of the size that the struct has.
#[inline]
pub(super) fn load_each<'s, T: Record>(items: &'s [u8], records: &mut Vec<T>, sources: impl Sources<'s>) {
    load_from(items, const { T::LAYOUT.size }, records, sources);
}

#[inline(always)]
fn load_from<'s, T: Record>(items: &'s [u8], itemsize: usize, records: &mut Vec<T>, sources: impl Sources<'s>) {
    records.extend(items.chunks_exact(itemsize.max(1)).map(|item| T::load(sources.of(item), 0)));
}

/// Whole items, of a type of which every byte may be anything. For the derive.
#[doc(hidden)]
#[inline]
pub fn load_plain<T: Record + bytemuck::AnyBitPattern>(items: &[u8], records: &mut Vec<T>) {
    match bytemuck::try_cast_slice::<u8, T>(items) {
        Ok(items) => records.extend_from_slice(items),
        // Where they begin has not the alignment.
        Err(_) => records.extend(items.chunks_exact(size_of::<T>().max(1)).map(bytemuck::pod_read_unaligned::<T>)),
    }
}
