//! Structs back into items.

use alloc::vec::Vec;

use super::super::buffer::{BufferMut, scratch, total};
use super::super::column_cells::block_items;
use super::super::error::{EncodeError, EncodeErrorKind, wide};
use super::super::plan::Plan;
use super::error::RecordError;
use super::match_layout::Strategy;
use super::member::Record;
use super::plan::RecordPlan;
use super::reader::{Mixed, Placed, Same, Swapped};
use super::writer::{Item, Rooms};

impl Plan {
    /// Writes structs as items that lie one after the other, each value in its byte order and at its
    /// place. Padding is left as it was.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// #[derive(Record)]
    /// struct Sample {
    ///     flag: bool,
    ///     id: u16,
    /// }
    /// let plan = Plan::new(&Layout::read(b"T{>H:id:x?:flag:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let mut items = [9; 4];
    /// plan.write_records(&[Sample { flag: true, id: 7 }], &mut items)?;
    /// assert_eq!(items, [0, 7, 9, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - 2 structs into the bytes of 3 items
    /// - items that the struct does not [match](Record::matches)
    pub fn write_records<T: Record>(&self, records: &[T], items: &mut [u8]) -> Result<(), RecordError> {
        self.records()?.write(records, items)
    }

    /// The bytes of structs as items; padding is zero.
    ///
    /// # Errors
    /// - items that the struct does not [match](Record::matches)
    /// - more bytes than the machine has
    pub fn encode_records<T: Record>(&self, records: &[T]) -> Result<Vec<u8>, RecordError> {
        self.records()?.encode(records)
    }
}

impl BufferMut<'_> {
    /// Writes structs to all items, the last index fastest; see [`Plan::write_records`]. Nothing is
    /// written unless all fit.
    ///
    /// # Errors
    /// - 2 structs for 3 items
    /// - items that the struct does not [match](Record::matches)
    pub fn write_records<T: Record>(&mut self, records: &[T]) -> Result<(), RecordError> {
        let plan = self.plan.records::<T>()?;
        let (items, _) = total(self.view, self.plan.size).map_err(EncodeError::from)?;
        if records.len() != items {
            let (found, wanted) = (wide(records.len()), wide(items));
            return Err(EncodeError::from(EncodeErrorKind::Count { found, wanted, unit: "item" }).into());
        }
        let mut copy = self.copy()?;
        plan.write(records, &mut copy)?;
        Ok(self.store(&copy)?)
    }
}

impl<T: Record> RecordPlan<'_, T> {
    /// As [`Plan::write_records`].
    ///
    /// # Errors
    /// - 2 structs into the bytes of 3 items
    pub fn write(&self, records: &[T], items: &mut [u8]) -> Result<(), RecordError> {
        let itemsize = self.plan.size;
        let needed = records.len().saturating_mul(itemsize);
        if needed != items.len() {
            let (room, needed) = (wide(items.len()), wide(needed));
            return Err(EncodeError::from(EncodeErrorKind::TooSmall { available: room, needed }).into());
        }
        match &self.matched.way {
            Strategy::Same => store_each(records, items, itemsize, Same),
            Strategy::Swapped => store_each(records, items, itemsize, Swapped),
            Strategy::Placed { places, swap } => {
                // A length that is known when it is compiled needs no look in the loop.
                let Some(places) = places.get(..const { T::LAYOUT.size }) else { return Ok(()) };
                if *swap {
                    store_each(records, items, itemsize, Placed::<true>(places));
                } else {
                    store_each(records, items, itemsize, Placed::<false>(places));
                }
            }
            Strategy::Mixed { places } => {
                let Some(places) = places.get(..const { T::LAYOUT.size }) else { return Ok(()) };
                store_each(records, items, itemsize, Mixed(places));
            }
            Strategy::Moved => {
                let size = T::LAYOUT.size;
                let most = block_items(itemsize.max(size));
                let mut block = scratch(most.min(records.len()).saturating_mul(size))?;
                for (records, items) in records.chunks(most).zip(items.chunks_mut(most.saturating_mul(itemsize).max(1)))
                {
                    let room = block.get_mut(..records.len().saturating_mul(size)).unwrap_or_default();
                    store_each(records, room, size, Same);
                    self.back.iter().for_each(|step| step.apply(room, size, items, itemsize));
                }
            }
        }
        Ok(())
    }

    /// As [`Plan::encode_records`].
    ///
    /// # Errors
    /// - more bytes than the machine has
    pub fn encode(&self, records: &[T]) -> Result<Vec<u8>, RecordError> {
        let mut items = scratch(records.len().saturating_mul(self.plan.size))?;
        self.write(records, &mut items)?;
        Ok(items)
    }
}

/// Field by field, into items of a size.
#[inline(always)]
fn store_each<T: Record>(records: &[T], items: &mut [u8], itemsize: usize, rooms: impl Rooms) {
    for (record, item) in records.iter().zip(items.chunks_exact_mut(itemsize.max(1))) {
        record.store(&mut Item(item, rooms), 0);
    }
}
