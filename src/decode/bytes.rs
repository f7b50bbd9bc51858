//! Items as bytes, for those who make values of them themselves: in blocks, one at a time, all at once.

use alloc::vec::Vec;

use super::buffer::{Buffer, BufferMut, item_at, scratch, total};
use super::columns::block_items;
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::walk::{self, Runs};
use crate::view::Order;

/// All items, the last index fastest, in blocks that stay in the cache.
pub(crate) struct Blocks<'b> {
    buffer: &'b Buffer<'b>,
    runs: Runs,
    block: Vec<u8>,
}

impl Blocks<'_> {
    /// The next items, whole, one after the other; none where all were told or where they have no bytes.
    pub(crate) fn next(&mut self) -> Result<&[u8], DecodeError> {
        let itemsize = self.buffer.plan.size;
        if itemsize == 0 || self.runs.left() == 0 {
            return Ok(&[]);
        }
        let most = block_items(itemsize);
        if self.block.is_empty() {
            self.block = scratch(most.saturating_mul(itemsize))?;
        }
        let mut filled = 0_usize;
        while filled < most {
            let Some(run) = self.runs.next(most.saturating_sub(filled)) else { break };
            let items = run.items;
            let start = filled.saturating_mul(itemsize);
            let end = start.saturating_add(items.saturating_mul(itemsize));
            if let Some(room) = self.block.get_mut(start..end) {
                self.buffer.memory.read(run, room)?;
            }
            filled = filled.saturating_add(items);
        }
        Ok(self.block.get(..filled.saturating_mul(itemsize)).unwrap_or_default())
    }
}

impl Buffer<'_> {
    /// All items in blocks, when they are asked for.
    pub(crate) fn pulled(&self) -> Blocks<'_> {
        Blocks { buffer: self, runs: Runs::new(self.view), block: Vec::new() }
    }

    /// The bytes of one item.
    pub(crate) fn item_bytes(&self, indices: &[i64]) -> Result<Vec<u8>, DecodeError> {
        let run = item_at(self.view, indices)?;
        let mut item = scratch(run.itemsize)?;
        self.memory.read(run, &mut item)?;
        Ok(item)
    }

    /// [`to_contiguous`](Buffer::to_contiguous) into memory that has room for exactly that.
    pub(crate) fn copy_bytes(&self, order: Order, out: &mut [u8]) -> Result<(), DecodeError> {
        let (_, bytes) = total(self.view, self.plan.size)?;
        if out.len() != bytes {
            return Err(DecodeError::Room { room: wide(out.len()), needed: wide(bytes) });
        }
        walk::gather(self.view, &*self.memory, order, &[], out)
    }
}

impl BufferMut<'_> {
    /// Writes the bytes of one item.
    pub(crate) fn write_item_bytes(&mut self, indices: &[i64], item: &[u8]) -> Result<(), EncodeError> {
        let run = item_at(self.view, indices)?;
        if item.len() != run.itemsize {
            return Err(EncodeErrorKind::Room { room: wide(item.len()), needed: wide(run.itemsize) }.into());
        }
        Ok(self.memory.write(run, item)?)
    }

    /// Writes the bytes of all items, the last index fastest.
    pub(crate) fn write_bytes(&mut self, items: &[u8]) -> Result<(), EncodeError> {
        let (_, bytes) = total(self.view, self.plan.size)?;
        if items.len() != bytes {
            return Err(EncodeErrorKind::Room { room: wide(items.len()), needed: wide(bytes) }.into());
        }
        self.store(items)
    }
}
