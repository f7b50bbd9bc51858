//! Whole items into vectors of structs.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::super::buffer::{Buffer, scratch, total};
use super::super::column_cells::block_items;
use super::super::error::{DecodeError, wide};
use super::super::plan::{Plan, ZERO_SIZED_LIMIT};
use super::error::RecordError;
use super::match_layout::Strategy;
use super::member::Record;
use super::plan::RecordPlan;
use super::reader::{Mixed, Placed, Same, Sources, Swapped};

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
        self.records()?.read(items)
    }
}

impl<T: Record> RecordPlan<'_, T> {
    /// As [`Plan::read_records`].
    ///
    /// # Errors
    /// - 10 bytes for items of 4
    /// - byte 2 where the struct has a `bool`, 0xD800 where it has a `char`
    pub fn read(&self, items: &[u8]) -> Result<Vec<T>, RecordError> {
        let mut records = Vec::new();
        self.read_into(items, &mut records)?;
        Ok(records)
    }

    /// The same behind the records that there are, which are all there is if an item is refused.
    ///
    /// # Errors
    /// - as [`read`](Self::read)
    pub fn read_into(&self, items: &[u8], records: &mut Vec<T>) -> Result<(), RecordError> {
        let mut reading = Reading::new(self, self.plan.items_in(items.len())?, records)?;
        // Blocks stay in the cache from one step to the next.
        let whole = !matches!(self.matched.way, Strategy::Moved) && self.matched.tests.is_empty();
        let most = if whole { usize::MAX } else { block_items(self.plan.size.max(T::LAYOUT.size)) };
        for block in items.chunks(most.saturating_mul(self.plan.size).max(1)) {
            reading.block(block)?;
        }
        Ok(())
    }

    /// As [`Buffer::read_records`], for a buffer whose plan is this one or another for items of its
    /// size.
    ///
    /// # Errors
    /// - a buffer of items of another size
    /// - as [`Buffer::read_records`]
    pub fn read_buffer(&self, buffer: &Buffer<'_>) -> Result<Vec<T>, RecordError> {
        let (view, plan) = (wide(buffer.plan.size), wide(self.plan.size));
        if view != plan {
            return Err(DecodeError::Itemsize { view, plan }.into());
        }
        let (items, _) = total(buffer.view, self.plan.size)?;
        let mut records = Vec::new();
        let mut reading = Reading::new(self, items, &mut records)?;
        if self.plan.size == 0 {
            // No bytes, but as many records as there are items.
            if wide(items) > ZERO_SIZED_LIMIT {
                return Err(DecodeError::ZeroSized { count: wide(items), limit: ZERO_SIZED_LIMIT }.into());
            }
            records.extend(core::iter::repeat_with(|| T::load(Same.of(&[]), 0)).take(items));
            return Ok(records);
        }
        let mut failed = Ok(());
        buffer.blocks(&mut |block, _| {
            if failed.is_ok() {
                failed = reading.block(block);
            }
        })?;
        failed.map(|()| records)
    }
}

impl Buffer<'_> {
    /// All items as structs, the last index fastest; see [`Plan::read_records`].
    ///
    /// # Errors
    /// - more bytes than the machine has; more than 65,536 items of no bytes
    /// - as [`Plan::read_records`]
    pub fn read_records<T: Record>(&self) -> Result<Vec<T>, RecordError> {
        self.plan.records()?.read_buffer(self)
    }
}

/// Records that are being read.
struct Reading<'r, T> {
    plan: &'r RecordPlan<'r, T>,
    /// Items in the layout of the struct; empty where they come in it.
    block: Vec<u8>,
    records: &'r mut Vec<T>,
    /// Records that were there before.
    before: usize,
}

impl<'r, T: Record> Reading<'r, T> {
    fn new(plan: &'r RecordPlan<'r, T>, items: usize, records: &'r mut Vec<T>) -> Result<Self, RecordError> {
        let bytes = wide(items.saturating_mul(size_of::<T>()));
        records.try_reserve_exact(items).map_err(|_| DecodeError::Allocation { bytes })?;
        crate::huge_pages::prefer_large(records.spare_capacity_mut());
        let before = records.len();
        Ok(Self { plan, block: Vec::new(), records, before })
    }

    fn block(&mut self, items: &[u8]) -> Result<(), RecordError> {
        let Self { plan: RecordPlan { plan, matched, .. }, block, records, before } = self;
        let (itemsize, size) = (plan.size, T::LAYOUT.size);
        let read = records.len().saturating_sub(*before);
        if let Err(refused) = matched.tests.iter().try_for_each(|test| test.apply(items, itemsize, read)) {
            records.truncate(*before);
            return Err(refused);
        }
        match &matched.way {
            Strategy::Same if T::LAYOUT.in_memory && size == size_of::<T>() => T::load_all(items, records),
            Strategy::Same => load_each(items, records, Same),
            Strategy::Swapped => load_each(items, records, Swapped),
            Strategy::Placed { places, swap: true } => load_placed(items, itemsize, records, places, Placed::<true>),
            Strategy::Placed { places, swap: false } => load_placed(items, itemsize, records, places, Placed::<false>),
            Strategy::Mixed { places } => load_placed(items, itemsize, records, places, Mixed),
            Strategy::Moved => {
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

/// From where each byte has its place. A function of its own: an argument is known not to change while
/// records are written, so that places are looked up once and not for each record.
#[inline(never)]
fn load_placed<'s, T: Record, P, S: Sources<'s>>(
    items: &'s [u8],
    itemsize: usize,
    records: &mut Vec<T>,
    places: &'s [P],
    sources: impl Fn(&'s [P]) -> S,
) {
    // A length that is known when it is compiled needs no look in the loop.
    if let Some(places) = places.get(..const { T::LAYOUT.size }) {
        load_from(items, itemsize, records, sources(places));
    }
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

/// Asks whether a type may be copied whole: of two methods of one name the compiler takes the one that
/// needs no further reference, if its bounds hold. For the derive.
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Probe<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[doc(hidden)]
pub trait ByCopy<T> {
    fn load_all(&self, items: &[u8], records: &mut Vec<T>);
}

impl<T: Record + bytemuck::AnyBitPattern> ByCopy<T> for Probe<T> {
    #[inline]
    fn load_all(&self, items: &[u8], records: &mut Vec<T>) {
        load_plain(items, records);
    }
}

#[doc(hidden)]
pub trait ByField<T> {
    fn load_all(&self, items: &[u8], records: &mut Vec<T>);
}

impl<T: Record> ByField<T> for &Probe<T> {
    #[inline]
    fn load_all(&self, items: &[u8], records: &mut Vec<T>) {
        load_each(items, records, Same);
    }
}
