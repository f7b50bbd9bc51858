//! `encode --from arrow`: `ArrowReader` reads the rows of an Arrow file and writes them as items. Checks every length
//! in the file before the Arrow library uses it.

use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, FieldNode, MessageHeader, convert, root_as_footer, root_as_message};
use pep3118::__private::to_u64;
use pep3118::arrow::{BatchEncoder, BatchError, Mapping};

use super::arrow::{BATCH_ITEMS, BATCH_VALUES, arrow_error};
use super::escape::escape;
use super::failure::Failure;
use super::fields::unknown_field;
use super::input::ReadSeek;
use super::pack::{PackedField, PackedKind};
use super::progress::Progress;

/// The size in bytes of the items that are encoded at once. One item can be larger. The second-level cache holds the
/// items and the columns that they are encoded from.
const BLOCK_BYTES: usize = 1 << 18;

/// The number of bytes at the end of an Arrow file: the length of the footer and the text `ARROW1`.
const TRAILER: usize = 10;

/// The number of bytes before the metadata of a message: the continuation marker and the length.
const MESSAGE_PREFIX: usize = 8;

/// Reads the record batches of an Arrow file, and writes the rows as items.
pub(super) struct ArrowReader<'m> {
    file: Box<dyn ReadSeek>,
    /// The length of the file in bytes.
    len: u64,
    decoder: FileDecoder,
    /// The blocks of the file that contain record batches.
    blocks: Vec<Block>,
    encoder: BatchEncoder<'m>,
    /// The largest number of elements of a field in one item, at least 1.
    most_elements: usize,
    /// The number of written items.
    items: u64,
}

/// Returns the failure for a file that is not a valid Arrow file. `what` describes the invalid part of the file.
fn invalid(what: &str) -> Failure {
    Failure::refused(format_args!("the input is not a valid Arrow file: {what}"))
}

impl<'m> ArrowReader<'m> {
    /// Reads the footer of `file`, and checks that the columns are the fields of `mapping`. `item` must have the layout
    /// of `mapping`. The number of elements in an item limits the lengths that the reader accepts for the arrays of a
    /// record batch.
    ///
    /// # Errors
    /// - the file is not an Arrow file, or was written in the other byte order
    /// - `item` is a record without fields
    /// - a column has no field or has another type than its field, or a field has no column
    pub(super) fn new(mut file: Box<dyn ReadSeek>, mapping: &'m Mapping, item: &PackedField) -> Result<Self, Failure> {
        let len = file.seek(SeekFrom::End(0))?;
        let trailer_start = len.checked_sub(to_u64(TRAILER)).ok_or_else(|| invalid("the file is too short"))?;
        let mut trailer = [0; TRAILER];
        file.seek(SeekFrom::Start(trailer_start))?;
        file.read_exact(&mut trailer)?;
        let footer_len = read_footer_length(trailer).map_err(arrow_error)?;
        // The length of the footer can be wrong. The length is therefore compared with the length of the file before
        // memory is allocated.
        let footer_start =
            trailer_start.checked_sub(to_u64(footer_len)).ok_or_else(|| invalid("the footer is too long"))?;
        let mut footer = vec![0; footer_len];
        file.seek(SeekFrom::Start(footer_start))?;
        file.read_exact(&mut footer)?;
        let footer = root_as_footer(&footer).map_err(|_| invalid("the footer"))?;
        let schema = footer.schema().ok_or_else(|| invalid("there is no schema"))?;
        if !schema.endianness().equals_to_target_endianness() {
            return Err(Failure::refused("the Arrow file has the byte order of another machine"));
        }
        let schema = Arc::new(convert::try_fb_to_schema(schema).map_err(arrow_error)?);
        if matches!(&item.kind, PackedKind::Record(fields) if fields.is_empty()) {
            return Err(Failure::refused("an item without fields has no columns"));
        }
        let encoder = mapping.encoder(&schema).map_err(|error| refused(error, 0))?;
        let blocks = footer.recordBatches().map(|blocks| blocks.iter().copied().collect()).unwrap_or_default();
        let decoder = FileDecoder::new(schema, footer.version());
        Ok(Self { file, len, decoder, blocks, encoder, most_elements: most_elements(item), items: 0 })
    }

    /// Writes all rows to `out` as items of `size` bytes. `progress` shows the number of bytes that were read. After an
    /// error, the items before the error are written. Returns an error if the file is not valid, if a value does not
    /// fit its field, or if writing fails.
    pub(super) fn write(&mut self, size: usize, progress: &mut Progress, out: &mut impl Write) -> Result<(), Failure> {
        let most_rows = BLOCK_BYTES.checked_div(size).unwrap_or(1).max(1);
        let mut items = Vec::new();
        for block in std::mem::take(&mut self.blocks) {
            let buffer = self.read_block(&block)?;
            let Some(batch) = self.decoder.read_record_batch(&block, &buffer).map_err(arrow_error)? else { continue };
            // The smallest value, a bool, has one bit, so a batch has at most 8 rows for each byte. If the values have
            // no bytes, `decode` writes at most `BATCH_ITEMS` rows in one batch.
            if batch.num_rows() > buffer.len().saturating_mul(8).max(BATCH_ITEMS) {
                return Err(invalid("a record batch has more rows than values"));
            }
            progress.advance(buffer.len());
            let mut start = 0;
            while start < batch.num_rows() {
                let rows = batch.num_rows().saturating_sub(start).min(most_rows);
                let block = batch.slice(start, rows);
                items.resize(rows.saturating_mul(size), 0);
                if let Err(error) = self.encoder.write(&block, &mut items) {
                    if let BatchError::Null { item, .. } | BatchError::Value { item, .. } = &error {
                        let valid = usize::try_from(*item).map_err(|_| Failure::internal("a batch has fewer rows"))?;
                        let valid = block.slice(0, valid.min(rows));
                        out.write_all(&self.encoder.encode(&valid).map_err(|error| refused(error, self.items))?)?;
                    }
                    return Err(refused(error, self.items));
                }
                out.write_all(&items)?;
                self.items = self.items.saturating_add(to_u64(rows));
                start = start.saturating_add(rows);
            }
        }
        Ok(())
    }

    /// Reads the record batch at `block`, a position in the file, and returns the bytes of the batch. Checks the
    /// lengths in the batch: the Arrow reader panics if a buffer is outside of its batch, or if the number of elements
    /// of an array overflows. Returns an error if a length is not possible.
    fn read_block(&mut self, block: &Block) -> Result<Buffer, Failure> {
        let wrong = || invalid("a record batch is outside of the file");
        let length = |bytes: i64| usize::try_from(bytes).map_err(|_| wrong());
        let start = u64::try_from(block.offset()).map_err(|_| wrong())?;
        let (metadata, body) = (length(block.metaDataLength().into())?, length(block.bodyLength())?);
        let total = metadata.checked_add(body).ok_or_else(wrong)?;
        if start.checked_add(to_u64(total)).is_none_or(|end| end > self.len) || metadata <= MESSAGE_PREFIX {
            return Err(wrong());
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(total)
            .map_err(|_| Failure::refused(format_args!("there is no memory for {total} bytes")))?;
        self.file.seek(SeekFrom::Start(start))?;
        if self.file.by_ref().take(to_u64(total)).read_to_end(&mut bytes)? != total {
            return Err(wrong());
        }
        let prefix = if bytes.starts_with(&[0xff; 4]) { MESSAGE_PREFIX } else { 4 };
        // No bytes are not a message, so a block that is shorter than the prefix is refused below.
        let message = root_as_message(bytes.get(prefix..).unwrap_or_default());
        let message = message.map_err(|_| invalid("a message"))?;
        if message.header_type() != MessageHeader::RecordBatch {
            return Err(invalid("a block is not a record batch"));
        }
        let batch = message.header_as_record_batch().ok_or_else(|| invalid("a record batch"))?;
        let is_inside = |buffer: &arrow_ipc::Buffer| {
            let (start, len) = (usize::try_from(buffer.offset()).ok()?, usize::try_from(buffer.length()).ok()?);
            start.checked_add(len).filter(|end| *end <= body)
        };
        if batch.buffers().is_some_and(|buffers| buffers.iter().any(|buffer| is_inside(buffer).is_none())) {
            return Err(invalid("a buffer is outside of its record batch"));
        }
        // An array has at least one bit for each value. Only values of 0 bytes have no bits, and `decode` writes at
        // most `BATCH_VALUES` of them, or those of a single item, in one batch.
        let limit = total.saturating_mul(8).max(BATCH_VALUES).max(self.most_elements);
        let is_possible = |len: i64| {
            usize::try_from(len).is_ok_and(|len| len <= limit && len.checked_mul(self.most_elements).is_some())
        };
        let is_wrong = |node: &FieldNode| !is_possible(node.length()) || !is_possible(node.null_count());
        if batch.nodes().is_some_and(|nodes| nodes.iter().any(is_wrong)) {
            return Err(invalid("the length of an array is not possible"));
        }
        Ok(Buffer::from_vec(bytes))
    }
}

/// Returns the largest number of elements of `field` or of a field inside `field` in one item, at least 1. Returns
/// `usize::MAX` if the number overflows. Every value counts as two elements, because the Arrow type of a complex number
/// is a list of two values.
fn most_elements(field: &PackedField) -> usize {
    let inner = match &field.kind {
        PackedKind::Record(fields) => fields.iter().map(most_elements).max().unwrap_or(1),
        PackedKind::Value(_) => 2,
    };
    field.shape.iter().map(|len| (*len).max(1)).fold(inner, usize::saturating_mul)
}

/// Returns the failure for `error`, which the encoder of record batches returned. `before` is the number of items that
/// were written before the batch, and is added to the number of the item in `error`.
fn refused(error: BatchError, before: u64) -> Failure {
    match error {
        BatchError::UnknownColumn { record, column, fields } => {
            let known = fields.iter().map(|field| (field.name.as_str(), !field.has_column));
            let message = unknown_field(&column, known, |near| format!("`{near}`"));
            match record.as_str() {
                "" => Failure::refused(message),
                record => Failure::refused(format_args!("field `{}`: {message}", escape(record.as_bytes()))),
            }
        }
        BatchError::Null { item, field } => {
            Failure::refused(BatchError::Null { item: item.saturating_add(before), field })
        }
        BatchError::Value { item, field, kind } => {
            Failure::refused(BatchError::Value { item: item.saturating_add(before), field, kind })
        }
        error => Failure::refused(error),
    }
}
