//! Values as an Arrow file.

use std::io::Write;

use arrow_buffer::Buffer;
use arrow_ipc::writer::FileWriter;
use pep3118::arrow::{BatchError, Mapping};
use pep3118::decode::Plan;
use pep3118::{Endian, Layout};

use super::Failure;
use super::decode::refused;

/// Items of a record batch, at most.
const BATCH_ITEMS: usize = 1 << 16;
/// Bytes of its items, unless a single item has more.
const BATCH_BYTES: usize = 1 << 22;

/// Values of a batch, at most: some take no bytes of an item and yet some of a batch.
const BATCH_VALUES: usize = 1 << 22;

/// Writes record batches of bounded size; nothing before the schema is known to hold every field.
pub(super) struct Arrow<W: Write> {
    mapping: Mapping,
    out: FileWriter<W>,
    itemsize: usize,
    /// Items of a batch, and those that wait to become one.
    most: usize,
    waiting: Vec<u8>,
    done: u64,
}

/// The schema of a layout, of chosen fields or all.
pub(super) fn mapping(layout: &Layout, columns: Option<&[&str]>) -> Result<Mapping, Failure> {
    let mapping = match columns {
        None => Mapping::new(layout),
        Some(names) => Mapping::with_columns(layout, names),
    };
    mapping.map_err(|error| match error {
        error @ BatchError::TooLong { .. } => refused(format_args!("{error}\nhelp: leave it out with --columns")),
        error => refused(error),
    })
}

fn ipc(error: arrow_schema::ArrowError) -> Failure {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => Failure::Io(error),
        error => refused(error),
    }
}

impl<W: Write> Arrow<W> {
    pub(super) fn new(mapping: Mapping, plan: &Plan, out: W) -> Result<Self, Failure> {
        // arrow-ipc says "little-endian" in every file, whatever the order of the bytes that follow.
        if Endian::HOST == Endian::Big {
            return Err(refused("Arrow files are written on little-endian machines only"));
        }
        let out = FileWriter::try_new(out, mapping.schema()).map_err(ipc)?;
        let itemsize = plan.itemsize();
        let count = |shape: &[usize]| shape.iter().copied().fold(1, usize::saturating_mul);
        let values = plan.leaves().iter().map(|leaf| count(leaf.shape())).fold(1, usize::saturating_add);
        let of = |budget: usize, each: usize| budget.checked_div(each).unwrap_or(budget);
        let most = of(BATCH_BYTES, itemsize).min(of(BATCH_VALUES, values)).clamp(1, BATCH_ITEMS);
        Ok(Self { mapping, out, itemsize, most, waiting: Vec::new(), done: 0 })
    }

    /// The next items.
    pub(super) fn block(&mut self, mut items: &[u8]) -> Result<(), Failure> {
        let whole = self.most.saturating_mul(self.itemsize);
        while !items.is_empty() {
            let room = whole.saturating_sub(self.waiting.len());
            let (now, later) = items.split_at_checked(room).unwrap_or((items, &[]));
            self.waiting.extend_from_slice(now);
            items = later;
            if self.waiting.len() >= whole {
                self.batch()?;
            }
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<(), Failure> {
        let done = self.done;
        let told = |error: BatchError| match error {
            BatchError::Text { .. } if done > 0 => refused(format_args!("{error}, counted from item {done}")),
            error => refused(error),
        };
        let batch = self.mapping.batch_of_bytes(Buffer::from_slice_ref(&self.waiting)).map_err(told)?;
        self.out.write(&batch).map_err(ipc)?;
        self.done = done.saturating_add(super::input::wide(batch.num_rows()));
        self.waiting.clear();
        Ok(())
    }

    /// The last batch and the footer, without which it is no Arrow file.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            self.batch()?;
        }
        self.out.finish().map_err(ipc)
    }
}
