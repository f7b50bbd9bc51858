//! `decode --to arrow` and `decode --to parquet`: writes items as an Arrow file or a Parquet file.

use pep3118::__private::to_u64;
use std::io::Write;

use arrow_buffer::Buffer;
use arrow_ipc::writer::FileWriter;
#[cfg(feature = "parquet")]
use parquet::arrow::ArrowWriter as ParquetWriter;
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

/// The number of bytes of encoded values in a row group of a Parquet file. The writer keeps a row group in memory
/// until the group is complete.
#[cfg(feature = "parquet")]
const ROW_GROUP_BYTES: usize = 1 << 25;

/// The format of a file of record batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchFormat {
    /// The IPC file format of Arrow.
    Arrow,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl BatchFormat {
    /// Returns the endings of the names of files in this format. The first ending is the usual one.
    pub(super) const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Arrow => &["arrow", "feather"],
            #[cfg(feature = "parquet")]
            Self::Parquet => &["parquet"],
        }
    }

    /// Returns the name of the format for messages, with its article.
    pub(super) const fn with_article(self) -> &'static str {
        match self {
            Self::Arrow => "an Arrow file",
            #[cfg(feature = "parquet")]
            Self::Parquet => "a Parquet file",
        }
    }
}

/// The encoder of record batches in the format of the file. Both writers are in boxes, because their sizes differ much.
enum BatchEncoder<W: Write + Send> {
    Arrow(Box<FileWriter<W>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetWriter<W>>),
}

/// Writes items as record batches of bounded size.
pub(super) struct BatchWriter<W: Write + Send> {
    mapping: Mapping,
    out: BatchEncoder<W>,
    /// The number of bytes of items in a full batch, at least 1.
    batch_bytes: usize,
    /// The bytes of the pending items, which no batch contains yet.
    pending: Vec<u8>,
    items_written: u64,
}

/// Returns the mapping of `layout` to an Arrow schema. `columns` are the dotted names of the fields to write, or `None`
/// for all fields. `text` are the dotted names of the fields whose bytes become text.
///
/// # Errors
/// - both `columns` and names in `text` are given: [`Failure::Usage`]
/// - a name is unknown or ambiguous, or a mapped field has no type in Arrow: [`Failure::Refused`]
pub(super) fn mapping(layout: &Layout, columns: Option<&[&str]>, text: &[Vec<u8>]) -> Result<Mapping, Failure> {
    let mapping = match columns {
        None => Mapping::with_utf8(layout, &text.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        Some(_) if !text.is_empty() => {
            return Err(Failure::Usage("with --to arrow or parquet, --text and --columns exclude each other".into()));
        }
        Some(names) => Mapping::with_columns(layout, names),
    };
    mapping.map_err(|error| match error {
        BatchError::TooLong { .. } => Failure::refused(format_args!("{error}\nhelp: leave it out with --columns")),
        error => Failure::refused(error),
    })
}

/// Converts `error`, an error of the Arrow reader or writer, to a failure. An I/O error becomes [`Failure::Io`]. The
/// message of any other error is escaped, because it can contain names of fields.
pub(super) fn arrow_error(error: arrow_schema::ArrowError) -> Failure {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => Failure::Io(error),
        error => Failure::refused(escape(&error.to_string())),
    }
}

/// Returns an error if Parquet has no type for `field`. The writer panics for some of these fields.
// The function calls itself once per level of nested records. The parser and `LayoutBuilder` permit 64 levels.
#[cfg(feature = "parquet")]
fn check_parquet(field: &arrow_schema::Field) -> Result<(), Failure> {
    use arrow_schema::DataType;
    let reason = match field.data_type() {
        DataType::FixedSizeBinary(0) => "a value of 0 bytes",
        DataType::Struct(fields) if fields.is_empty() => "a record without fields",
        DataType::Struct(fields) => return fields.iter().try_for_each(|field| check_parquet(field)),
        DataType::FixedSizeList(element, _) => return check_parquet(element),
        _ => return Ok(()),
    };
    Err(Failure::refused(format_args!("Parquet has no type for column `{}`: {reason}", escape(field.name()))))
}

/// Converts `error`, an error of the Parquet writer, to a failure. An I/O error becomes [`Failure::Io`]. The message of
/// any other error is escaped, because it can contain names of fields.
#[cfg(feature = "parquet")]
fn parquet_error(error: parquet::errors::ParquetError) -> Failure {
    use parquet::errors::ParquetError;
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => Failure::Io(*error),
            Err(error) => Failure::refused(escape(&error.to_string())),
        },
        ParquetError::NYI(reason) | ParquetError::ArrowError(reason) | ParquetError::General(reason) => {
            Failure::refused(format_args!("Parquet cannot contain the items: {}", escape(&reason)))
        }
        error => Failure::refused(escape(&error.to_string())),
    }
}

impl<W: Write + Send> BatchWriter<W> {
    /// Creates a writer to `out`, and writes the start of a file of the format `format`. `plan` describes the items,
    /// and `mapping` maps their fields to Arrow columns.
    ///
    /// # Errors
    /// - the machine is big-endian
    /// - Parquet has no type for a column
    /// - writing to `out` fails
    pub(super) fn new(mapping: Mapping, format: BatchFormat, plan: &Plan, out: W) -> Result<Self, Failure> {
        // The writers of both formats declare values as little-endian, but write them in the byte order of the machine.
        if Endian::HOST == Endian::Big {
            let file = format.with_article();
            return Err(Failure::refused(format_args!("{file} is written on little-endian machines only")));
        }
        let out = match format {
            BatchFormat::Arrow => {
                BatchEncoder::Arrow(Box::new(FileWriter::try_new(out, mapping.schema()).map_err(arrow_error)?))
            }
            #[cfg(feature = "parquet")]
            BatchFormat::Parquet => {
                mapping.schema().fields().iter().try_for_each(|field| check_parquet(field))?;
                // Snappy is the compression that pyarrow and Spark use by default.
                let properties = parquet::file::properties::WriterProperties::builder()
                    .set_compression(parquet::basic::Compression::SNAPPY)
                    .build();
                let schema = std::sync::Arc::clone(mapping.schema());
                let writer = ParquetWriter::try_new(out, schema, Some(properties)).map_err(parquet_error)?;
                BatchEncoder::Parquet(Box::new(writer))
            }
        };
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
        match &mut self.out {
            BatchEncoder::Arrow(out) => out.write(&batch).map_err(arrow_error)?,
            #[cfg(feature = "parquet")]
            BatchEncoder::Parquet(out) => {
                out.write(&batch).map_err(parquet_error)?;
                if out.in_progress_size() >= ROW_GROUP_BYTES || out.memory_size() >= 4 * ROW_GROUP_BYTES {
                    out.flush().map_err(parquet_error)?;
                }
            }
        }
        self.items_written = before.saturating_add(to_u64(batch.num_rows()));
        self.pending.clear();
        Ok(())
    }

    /// Writes the last batch and the footer. A file without a footer is not valid. Returns an error if
    /// [`batch`](Self::batch) does, or if writing fails.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        if !self.pending.is_empty() {
            self.batch()?;
        }
        match &mut self.out {
            BatchEncoder::Arrow(out) => out.finish().map_err(arrow_error),
            #[cfg(feature = "parquet")]
            BatchEncoder::Parquet(out) => out.finish().map(|_| ()).map_err(parquet_error),
        }
    }
}
