//! `decode --to arrow`: `ArrowWriter` writes items as an Arrow file in record batches of bounded size.

use pep3118::__private::to_u64;
use std::io::Write;

use arrow_buffer::Buffer;
use arrow_ipc::writer::FileWriter;
use pep3118::arrow::{BatchError, Mapping};
use pep3118::decode::Plan;
use pep3118::{Endian, Layout};

use super::escape::escape;
use super::failure::Failure;

/// The largest number of items in a record batch.
pub(super) const BATCH_ITEMS: usize = 1 << 16;
/// The largest number of bytes of items in a record batch. One item can be larger.
const BATCH_BYTES: usize = 1 << 22;
/// The largest number of values in a record batch. `BATCH_BYTES` does not limit the values of an array of empty
/// strings, because such values have no bytes.
pub(super) const BATCH_VALUES: usize = 1 << 22;

/// Writes items as record batches of bounded size.
pub(super) struct ArrowWriter<W: Write> {
    mapping: Mapping,
    out: FileWriter<W>,
    /// The number of bytes of items in a full batch, at least 1.
    batch_bytes: usize,
    /// The bytes of the pending items, which no batch contains yet.
    pending: Vec<u8>,
    items_written: u64,
}

/// Returns the mapping of `layout` to an Arrow schema. `columns` are the dotted names of the fields to write, or `None`
/// for all fields. `text` are the dotted names of the fields whose bytes become text.
pub(super) fn mapping(layout: &Layout, columns: Option<&[&str]>, text: &[Vec<u8>]) -> Result<Mapping, Failure> {
    let mapping = match columns {
        None => Mapping::with_utf8(layout, &text.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        Some(_) if !text.is_empty() => {
            return Err(Failure::Usage("with --to arrow, --text and --columns exclude each other".into()));
        }
        Some(names) => Mapping::with_columns(layout, names),
    };
    mapping.map_err(|error| match error {
        BatchError::TooLong { .. } => Failure::refused(format_args!("{error}\nhelp: leave it out with --columns")),
        error => Failure::refused(error),
    })
}

/// Converts `error`, an error of the Arrow reader or writer, to a failure. Escapes the message, because a message can
/// contain names of fields.
pub(super) fn arrow_error(error: arrow_schema::ArrowError) -> Failure {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => Failure::Io(error),
        error => Failure::refused(escape(&error.to_string())),
    }
}

impl<W: Write> ArrowWriter<W> {
    /// Creates a writer to `out`, and writes the start of the Arrow file. `plan` describes the items. `mapping` assigns
    /// the fields of the items to Arrow columns.
    ///
    /// # Errors
    /// - the machine is big-endian
    /// - writing to `out` fails
    pub(super) fn new(mapping: Mapping, plan: &Plan, out: W) -> Result<Self, Failure> {
        // arrow-ipc declares every file as little-endian, but writes values in the byte order of the machine.
        if Endian::HOST == Endian::Big {
            return Err(Failure::refused("Arrow files are written on little-endian machines only"));
        }
        let out = FileWriter::try_new(out, mapping.schema()).map_err(arrow_error)?;
        let count = |shape: &[usize]| shape.iter().copied().fold(1, usize::saturating_mul);
        let values = plan.leaves().iter().map(|leaf| count(leaf.shape())).fold(1, usize::saturating_add);
        // If an item has 0 bytes or no values, only `BATCH_ITEMS` limits the number of items in a batch.
        let items = |limit: usize, each: usize| limit.checked_div(each).unwrap_or(BATCH_ITEMS);
        let most = items(BATCH_BYTES, plan.itemsize()).min(items(BATCH_VALUES, values)).clamp(1, BATCH_ITEMS);
        let batch_bytes = most.saturating_mul(plan.itemsize()).max(1);
        Ok(Self { mapping, out, batch_bytes, pending: Vec::new(), items_written: 0 })
    }

    /// Appends `items`, the bytes of whole items, to the pending items. Writes each full batch. Returns an error if a
    /// text is not Unicode, or if writing fails.
    pub(super) fn block(&mut self, mut items: &[u8]) -> Result<(), Failure> {
        while !items.is_empty() {
            let missing = self.batch_bytes.saturating_sub(self.pending.len());
            let (now, later) = items.split_at_checked(missing).unwrap_or((items, &[]));
            self.pending.extend_from_slice(now);
            items = later;
            if self.pending.len() >= self.batch_bytes {
                self.batch()?;
            }
        }
        Ok(())
    }

    /// Writes the pending items as one batch. Returns an error if a text is not Unicode, or if writing fails.
    fn batch(&mut self) -> Result<(), Failure> {
        let before = self.items_written;
        // The position in `error` counts from the start of the batch. The message adds the number of items before the
        // batch.
        let refused = |error: BatchError| match error {
            BatchError::Text { .. } if before > 0 => {
                Failure::refused(format_args!("{error}, counted from item {before}"))
            }
            error => Failure::refused(error),
        };
        let batch = self.mapping.batch_of_bytes(Buffer::from_slice_ref(&self.pending)).map_err(refused)?;
        self.out.write(&batch).map_err(arrow_error)?;
        self.items_written = before.saturating_add(to_u64(batch.num_rows()));
        self.pending.clear();
        Ok(())
    }

    /// Writes the last batch and the footer. A file without a footer is not a valid Arrow file. Returns an error if a
    /// text in the last batch is not Unicode, or if writing fails.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        if !self.pending.is_empty() {
            self.batch()?;
        }
        self.out.finish().map_err(arrow_error)
    }
}
