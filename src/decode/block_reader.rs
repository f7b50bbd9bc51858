//! Items as bytes, for those who make values of them themselves: in blocks, one at a time, all at once.

use alloc::vec::Vec;

use super::buffer::{Buffer, BufferMut, item_at, scratch, total};
use super::column_cells::block_items;
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::gather::{self, Runs};
use crate::view::Order;

/// All items, the last index fastest, in blocks that stay in the cache.
pub struct Blocks<'b> {
    buffer: &'b Buffer<'b>,
    runs: Runs,
    block: Vec<u8>,
    filled: usize,
}

impl Blocks<'_> {
    /// Whole items, one after the other: none before [`advance`](Self::advance), after the last, or where
    /// items have no bytes.
    #[inline]
    pub fn block(&self) -> &[u8] {
        self.block.get(..self.filled).unwrap_or_default()
    }

    /// Reads the next block.
    pub fn advance(&mut self) -> Result<(), DecodeError> {
        let itemsize = self.buffer.plan.size;
        self.filled = 0;
        if itemsize == 0 || self.runs.left() == 0 {
            return Ok(());
        }
        let most = block_items(itemsize).saturating_mul(itemsize);
        if self.block.is_empty() {
            self.block = scratch(most)?;
        }
        let mut filled = 0_usize;
        while filled < most {
            let items = most.saturating_sub(filled).checked_div(itemsize).unwrap_or(0);
            let Some(run) = self.runs.next(items) else { break };
            let end = filled.saturating_add(run.items.saturating_mul(itemsize));
            if let Some(room) = self.block.get_mut(filled..end) {
                self.buffer.memory.read(run, room)?;
            }
            filled = end;
        }
        self.filled = filled;
        Ok(())
    }
}

impl Buffer<'_> {
    /// All items in blocks, when they are asked for.
    pub fn pulled(&self) -> Blocks<'_> {
        Blocks { buffer: self, runs: Runs::new(self.view), block: Vec::new(), filled: 0 }
    }

    /// The bytes of one item.
    pub fn item_bytes(&self, indices: &[i64]) -> Result<Vec<u8>, DecodeError> {
        let run = item_at(self.view, indices)?;
        let mut item = scratch(run.itemsize)?;
        self.memory.read(run, &mut item)?;
        Ok(item)
    }

    /// [`to_contiguous`](Buffer::to_contiguous) into memory that has room for exactly that.
    pub fn copy_bytes(&self, order: Order, out: &mut [u8]) -> Result<(), DecodeError> {
        let (_, bytes) = total(self.view, self.plan.size)?;
        if out.len() != bytes {
            return Err(DecodeError::TooSmall { available: wide(out.len()), needed: wide(bytes) });
        }
        gather::gather(self.view, &*self.memory, order, &[], out)
    }
}

impl BufferMut<'_> {
    /// Writes the bytes of one item.
    pub fn write_item_bytes(&mut self, indices: &[i64], item: &[u8]) -> Result<(), EncodeError> {
        let run = item_at(self.view, indices)?;
        if item.len() != run.itemsize {
            return Err(EncodeErrorKind::TooSmall { available: wide(item.len()), needed: wide(run.itemsize) }.into());
        }
        Ok(self.memory.write(run, item)?)
    }

    /// Writes the bytes of all items, the last index fastest.
    pub fn write_bytes(&mut self, items: &[u8]) -> Result<(), EncodeError> {
        let (_, bytes) = total(self.view, self.plan.size)?;
        if items.len() != bytes {
            return Err(EncodeErrorKind::TooSmall { available: wide(items.len()), needed: wide(bytes) }.into());
        }
        self.store(items)
    }
}
