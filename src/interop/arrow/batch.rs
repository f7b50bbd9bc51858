//! Methods of [`Mapping`] that create Arrow record batches. A *leaf* is a field that is not a record.

use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use core::mem::discriminant;

use arrow_array::{RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;

use super::encoding::Encoding;
use super::error::BatchError;
use super::mapping::{Mapping, Node, NodeKind};
use crate::decode::{self, Column, DecodeError, to_u64};

/// The memory that the Arrow arrays of a batch are created from.
enum Source {
    /// One column for each leaf, in the order of the format. The Arrow array of each leaf takes the next column.
    Columns(vec::IntoIter<Column>),
    /// The bytes of contiguous items that have only one leaf. These bytes are also the bytes of the Arrow array.
    Bytes(Buffer),
}

impl Mapping {
    /// Creates a record batch with one row for each item of `buffer`. The rows are in C order. The buffer may have
    /// any strides and suboffsets. The values are copied once into columns, and the columns become the memory of the
    /// batch.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{RawView, Request, DataModel, Dialect, Layout, arrow::Mapping};
    /// let format = b"T{>h:a:>d:b:}";
    /// let layout = Layout::read(format, &Dialect::PEP3118, &DataModel::HOST)?;
    /// // The memory contains three records. The buffer has the first and the third.
    /// let raw = RawView {
    ///     len: 20, itemsize: 10, ndim: 1, format: Some(format), shape: Some(&[2]), strides: Some(&[20]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, Some(&Dialect::PEP3118), None).into_result()?;
    /// let (plan, memory) = (Plan::new(&layout)?, [0; 30]);
    /// let batch = Mapping::new(&layout)?.batch(&Buffer::new(&view, &plan, &memory)?)?;
    /// assert_eq!((batch.num_rows(), batch.num_columns()), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `buffer` has the plan of another layout
    /// - a text is not Unicode, such as a lone surrogate in `u`, or a byte other than UTF-8 in a byte string that
    ///   becomes `Utf8`
    /// - a date in days does not fit into 32 bits
    /// - the texts or the byte strings of a column have more than 2,147,483,647 bytes
    /// - [`Buffer::columns`](decode::Buffer::columns) returns an error
    pub fn batch(&self, buffer: &decode::Buffer<'_>) -> Result<RecordBatch, BatchError> {
        self.batch_of_columns(buffer.columns_at(self.leaf_indices())?, buffer.items()?)
    }

    /// Creates a record batch with one row for each of `items` items. `columns` must have one column for each leaf, in
    /// the order of the format. The vectors of numbers and bytes become the memory of the batch without a copy.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping, decode::Plan};
    /// let layout = Layout::read(b"T{<h:id:<d:price:}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// let columns = Plan::new(&layout)?.columns(&[0; 30], None)?;
    /// assert_eq!(Mapping::new(&layout)?.batch_of_columns(columns, 3)?.num_rows(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of columns differs from the number of leaves: 2 columns for 3 leaves
    /// - a column does not have the type of its leaf: `f64` for `<i`
    /// - the length of a column is not `items`: 10 elements for 11 items
    /// - a text is not Unicode, see [`batch`](Self::batch)
    pub fn batch_of_columns(&self, columns: Vec<Column>, items: usize) -> Result<RecordBatch, BatchError> {
        for index in 0..self.leaves.len().max(columns.len()) {
            let (leaf, column) = (self.leaves.get(index), columns.get(index));
            let is_match = leaf.zip(column).is_some_and(|(leaf, column)| {
                let elements = column.shape.iter().try_fold(items, |count, length| count.checked_mul(*length));
                (&leaf.name, leaf.ty, &leaf.shape) == (&column.name, column.ty, &column.shape)
                    && discriminant(&leaf.data) == discriminant(&column.data)
                    && elements == Some(column.data.len())
            });
            if !is_match {
                // If there are more columns than leaves, a surplus column has no field. The error then names an empty
                // field.
                let field = self.verdicts().get(index).map(|verdict| verdict.field.clone()).unwrap_or_default();
                return Err(BatchError::Column { index: to_u64(index), field, items: to_u64(items) });
            }
        }
        self.build(Source::Columns(columns.into_iter()), items)
    }

    /// Creates a record batch with one row for each item of `bytes`. `bytes` must contain contiguous items.
    ///
    /// The batch shares the memory of `bytes` if three conditions are true: the item has only one leaf, the
    /// [verdict](Self::verdicts) of the leaf is zero-copy, and `bytes` is aligned for the type of the leaf. In all
    /// other cases, the values are copied.
    ///
    /// # Errors
    /// - the length of `bytes` is not a multiple of the itemsize: 10 bytes for 4-byte items
    /// - every error of [`batch`](Self::batch)
    pub fn batch_of_bytes(&self, bytes: Buffer) -> Result<RecordBatch, BatchError> {
        let items = self.plan.items_in(bytes.len())?;
        if self.shares(bytes.as_ptr().addr()) {
            return self.build(Source::Bytes(bytes), items);
        }
        self.batch_of_columns(self.plan.columns_at(&bytes, self.leaf_indices())?, items)
    }

    /// Creates a record batch with one row for each item of `bytes`. `bytes` must contain `rows` contiguous items. If
    /// the items have 0 bytes, `bytes` is empty, and `rows` is the number of items. The mapping must have all fields of
    /// the layout. Copies the values.
    ///
    /// # Errors
    /// - every error of [`batch_of_bytes`](Self::batch_of_bytes)
    #[doc(hidden)]
    pub fn batch_of_rows(&self, bytes: &[u8], rows: usize) -> Result<RecordBatch, BatchError> {
        self.batch_of_columns(self.plan.columns(bytes, None)?, rows)
    }

    /// Returns whether a batch that [`batch_of_bytes`](Self::batch_of_bytes) creates shares the memory of contiguous
    /// items. `address` is the address of the first item.
    #[doc(hidden)]
    pub fn shares(&self, address: usize) -> bool {
        let align = self.columns.first().map_or(1, Node::align);
        let is_contiguous = self.verdicts().iter().all(|verdict| verdict.zero_copy) && self.leaves.len() == 1;
        is_contiguous && address.checked_rem(align) == Some(0)
    }

    /// Creates the record batch of `items` items from the memory of `source`. Returns an error if an Arrow array
    /// cannot be created.
    fn build(&self, mut source: Source, items: usize) -> Result<RecordBatch, BatchError> {
        let array = |node: &Node| Ok(make_array(node.array(&mut source, items)?));
        let arrays = self.columns.iter().map(array).collect::<Result<Vec<_>, BatchError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(items));
        Ok(RecordBatch::try_new_with_options(Arc::clone(self.schema()), arrays, &options)?)
    }
}

impl Node {
    /// Returns the alignment in bytes that Arrow requires for the first leaf of this field.
    fn align(&self) -> usize {
        match &self.kind {
            NodeKind::Leaf(encoding) => encoding.align(),
            NodeKind::Record(nodes) => nodes.first().map_or(1, Self::align),
        }
    }

    /// Returns whether an element of this field can be null.
    pub(super) fn is_nullable(&self) -> bool {
        matches!(&self.kind, NodeKind::Leaf(encoding) if encoding.is_nullable())
    }

    /// Creates the Arrow array of this field. `items` is the number of records that contain the field. For a top-level
    /// field, this is the number of items. The function takes one column from `source` for each leaf of the field.
    /// Returns an error if an array is too large, or if a value cannot be converted.
    fn array(&self, source: &mut Source, items: usize) -> Result<ArrayData, BatchError> {
        // `lens` has the number of lists of each dimension, outermost dimension first. The last entry is the number of
        // elements.
        let too_many = BatchError::Decode(DecodeError::Allocation { bytes: u64::MAX });
        let mut lens = Vec::from([items]);
        let mut len = items;
        for length in &self.shape {
            len = len.checked_mul(*length).ok_or_else(|| too_many.clone())?;
            lens.push(len);
        }
        let mut data = match &self.kind {
            NodeKind::Leaf(encoding) => self.leaf_array(encoding, source, len)?,
            NodeKind::Record(nodes) => {
                let children = nodes.iter().map(|node| node.array(source, len)).collect::<Result<Vec<_>, _>>()?;
                ArrayData::builder(self.element.clone()).len(len).child_data(children).build()?
            }
        };
        let mut is_nullable = self.is_nullable();
        for (length, len) in self.shape.iter().rev().zip(lens.iter().rev().skip(1)) {
            let length = i32::try_from(*length).map_err(|_| too_many.clone())?;
            let list = super::encoding::list(data.data_type().clone(), length, core::mem::take(&mut is_nullable));
            data = ArrayData::builder(list).len(*len).add_child_data(data).build()?;
        }
        Ok(data)
    }

    /// Creates the Arrow array of a leaf with `len` values, which `encoding` converts. Takes the next column of
    /// `source`. Returns an error if `source` has no more columns or the column cannot be converted.
    fn leaf_array(&self, encoding: &Encoding, source: &mut Source, len: usize) -> Result<ArrayData, BatchError> {
        match source {
            Source::Bytes(bytes) => encoding.of_bytes(bytes.clone(), len),
            Source::Columns(columns) => match columns.next() {
                Some(column) => encoding.of_column(&self.name, column, len),
                None => Err(DecodeError::NoField { name: self.name.as_bytes().into() }.into()),
            },
        }
    }
}
