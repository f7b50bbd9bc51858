//! [`BatchEncoder`]: writes the rows of record batches as items, the inverse of [`Mapping::batch`].
//!
//! A *leaf* is a field that is not a record. The encoder converts each column to the values of one leaf, and copies
//! the values of all leaves to the items block by block.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Fields, Schema, TimeUnit};

use super::encoding::{Encoding, NOT_A_TIME};
use super::error::{BatchError, KnownField};
use super::mapping::{Mapping, Node, NodeKind};
use crate::abi::LongDoubleFormat;
use crate::decode::{DecodeError, Elements, EncodeErrorKind, LongDouble, ScalarCodec, Value, to_u64, zeroed};
use crate::endian::Endian;
use crate::layout::Type;

/// Writes the rows of record batches as items.
///
/// The columns of a batch are the fields that [`Mapping::schema`] lists, in any order. The encoder finds the column of
/// a field by its name, once for all batches with the same schema. If several fields of a record have one name, their
/// columns must be at the positions of the fields.
///
/// A column can have another type than the schema of the mapping if the encoder converts the values without loss:
///
/// - an integer field accepts integers of all sizes, and each value must be in the range of the field
/// - a `long double` accepts `Float64`
/// - a byte string accepts `FixedSizeBinary`, `Binary`, `LargeBinary`, `Utf8` and `LargeUtf8`; NULs fill a short value.
///   A binary value of `p` has all bytes of the field, with the length byte
/// - other bytes, such as void, accept the binary types, and each value must have the size of the field
/// - a text accepts `LargeUtf8`, and an array accepts `List` and `LargeList` whose lists all have the right length
/// - a date or a duration accepts `Int64`; null becomes NaT
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
/// let layout = Layout::read(b"T{>H:id:x>h:volume:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// let column = |values: [i64; 2]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
/// let batch = RecordBatch::try_from_iter([("volume", column([-1, 2])), ("id", column([7, 8]))])?;
/// let mapping = Mapping::new(&layout)?;
/// let encoder = mapping.encoder(batch.schema_ref())?;
/// assert_eq!(encoder.encode(&batch)?, [0, 7, 0, 0xff, 0xff, 0, 8, 0, 0, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchEncoder<'m> {
    mapping: &'m Mapping,
    /// The column of each field, in the order of the fields.
    sources: Vec<Source>,
}

/// The column of a field.
#[derive(Clone, Debug)]
struct Source {
    /// The index of the column in the record batch, or in the struct that contains the column.
    index: usize,
    /// The columns of the fields, if the field is a record or an array of records.
    members: Vec<Self>,
}

impl Mapping {
    /// Creates an encoder for record batches with the schema `schema`.
    ///
    /// ```
    /// use arrow_schema::{DataType, Field, Schema};
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let mapping = Mapping::new(&Layout::read(b"T{<i:id:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let schema = |ty| Schema::new(vec![Field::new("id", ty, false)]);
    /// assert!(mapping.encoder(&schema(DataType::Int64)).is_ok());
    /// assert!(mapping.encoder(&schema(DataType::Float64)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a column is not a field, or a field has no column: a column `c` for `T{<i:a:}`
    /// - the encoder cannot convert the type of a column to the type of its field: `Float64` for `<i`
    /// - several fields have one name, and their columns are not at the positions of the fields
    /// - several columns have the name of one field
    pub fn encoder(&self, schema: &Schema) -> Result<BatchEncoder<'_>, BatchError> {
        let mut leaves = self.leaf_codecs();
        let sources = find_columns("", &self.columns, schema.fields(), &mut leaves)?;
        Ok(BatchEncoder { mapping: self, sources })
    }

    /// Returns the codec of each mapped leaf.
    fn leaf_codecs(&self) -> impl Iterator<Item = ScalarCodec> {
        (0..self.leaves.len()).filter_map(|index| Some(*self.plan.leaves().get(self.plan_index(index)?)?.codec()))
    }

    /// Returns the index in the plan of the mapped leaf with the index `index`.
    fn plan_index(&self, index: usize) -> Option<usize> {
        match self.leaf_indices() {
            Some(indices) => indices.get(index).copied(),
            None => Some(index),
        }
    }
}

impl BatchEncoder<'_> {
    /// Returns the bytes of one item for each row of `batch`. Padding, and the fields that the mapping does not have,
    /// are 0.
    ///
    /// # Errors
    /// - the errors of [`write`](Self::write)
    /// - there is not enough memory for the items
    pub fn encode(&self, batch: &RecordBatch) -> Result<Vec<u8>, BatchError> {
        let bytes = batch.num_rows().checked_mul(self.mapping.plan.itemsize());
        let mut items = zeroed(bytes.ok_or(DecodeError::Allocation { bytes: u64::MAX })?)?;
        self.write(batch, &mut items)?;
        Ok(items)
    }

    /// Writes the rows of `batch` to `items`, the bytes of one item for each row. Leaves padding, and the fields that
    /// the mapping does not have, unchanged. Leaves `items` unchanged if an error is returned.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Int16Array, RecordBatch};
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let layout = Layout::read(b"T{>h:id:x}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// let batch = RecordBatch::try_from_iter([("id", Arc::new(Int16Array::from(vec![1, 2])) as ArrayRef)])?;
    /// let mapping = Mapping::new(&layout)?;
    /// let mut items = [9; 6];
    /// mapping.encoder(batch.schema_ref())?.write(&batch, &mut items)?;
    /// // The padding is unchanged.
    /// assert_eq!(items, [0, 1, 9, 0, 2, 9]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `items` is not the item size multiplied by the number of rows
    /// - `batch` has another schema than the encoder
    /// - a value is null, out of range or too long: the error names the first row with such a value
    /// - a list has another length than its field: the error names the first row with such a list
    pub fn write(&self, batch: &RecordBatch, items: &mut [u8]) -> Result<(), BatchError> {
        let (rows, plan) = (batch.num_rows(), &self.mapping.plan);
        if rows.checked_mul(plan.itemsize()) != Some(items.len()) {
            let needed = to_u64(rows.saturating_mul(plan.itemsize()));
            return Err(EncodeErrorKind::TooSmall { available: to_u64(items.len()), needed }.into());
        }
        let mut conversion =
            Conversion { mapping: self.mapping, leaf: 0, path: Vec::new(), converted: Vec::new(), failure: None };
        conversion.record(&self.mapping.columns, &self.sources, batch.columns(), rows)?;
        if let Some((_, error)) = conversion.failure {
            return Err(error);
        }
        let mut columns = Vec::with_capacity(conversion.converted.len());
        for (index, values) in &conversion.converted {
            let leaf = self.mapping.plan_index(*index).and_then(|index| plan.leaves().get(index));
            let leaf = leaf.ok_or_else(|| DecodeError::internal("a mapped leaf is not in the plan"))?;
            columns.push((
                leaf,
                match values {
                    Values::Native(bytes) => Elements::Bytes(bytes),
                    Values::Encoded(bytes) => Elements::Encoded(bytes),
                    Values::Bools(bools) => Elements::Bool(bools),
                },
            ));
        }
        Ok(plan.write_elements(columns, items)?)
    }
}

/// The values of a leaf in all items, ready to be copied to the items.
enum Values {
    /// The elements of a column of the leaf, in the byte order of this machine.
    Native(Buffer),
    /// The bytes of the values as the items have them.
    Encoded(Vec<u8>),
    Bools(Vec<bool>),
}

/// Returns one column for each field of a record. `nodes` are the fields of the record, and `columns` are the columns
/// to choose from. `parent` is the dotted name of the record, or an empty string for the item. `leaves` returns the
/// codec of the next leaf. Returns an error unless there is one column of a suitable type for each field.
fn find_columns(
    parent: &str,
    nodes: &[Node],
    columns: &Fields,
    leaves: &mut impl Iterator<Item = ScalarCodec>,
) -> Result<Vec<Source>, BatchError> {
    let names: BTreeSet<&str> = nodes.iter().map(|node| node.field.name().as_str()).collect();
    if let Some(column) = columns.iter().find(|column| !names.contains(column.name().as_str())) {
        let given: BTreeSet<&str> = columns.iter().map(|column| column.name().as_str()).collect();
        let known = |node: &Node| {
            let name = node.field.name();
            KnownField { name: name.clone(), has_column: given.contains(name.as_str()) }
        };
        let fields = nodes.iter().map(known).collect();
        return Err(BatchError::UnknownColumn { record: parent.into(), column: column.name().clone(), fields });
    }
    // Maps each name to the index of its first column.
    let mut first = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        first.entry(column.name().as_str()).or_insert(index);
    }
    let mut used = BTreeSet::new();
    let mut sources = Vec::with_capacity(nodes.len());
    for (position, node) in nodes.iter().enumerate() {
        let name = node.field.name();
        // The column at the position of the field is preferred, so that fields with one name have different columns.
        let index = match columns.get(position) {
            Some(column) if column.name() == name => Some(position),
            _ => first.get(name.as_str()).copied(),
        };
        let Some((index, column)) = index.and_then(|index| Some((index, columns.get(index)?))) else {
            return Err(BatchError::MissingColumn { field: node.name.clone() });
        };
        if !used.insert(index) {
            return Err(BatchError::RepeatedField { field: node.name.clone() });
        }
        sources.push(Source { index, members: check_type(node, &node.shape, column.data_type(), leaves)? });
    }
    if nodes.len() != columns.len() {
        let (columns, fields) = (to_u64(columns.len()), to_u64(nodes.len()));
        return Err(BatchError::ColumnCount { record: parent.into(), columns, fields });
    }
    Ok(sources)
}

/// Checks that values of the Arrow type `found` can be arrays of the shape `shape` with elements of `node`. An empty
/// `shape` is a single element. `leaves` returns the codec of the next leaf. Returns the columns of the fields if
/// `node` is a record, and otherwise an empty list. Returns an error if the type is not suitable.
fn check_type(
    node: &Node,
    shape: &[usize],
    found: &DataType,
    leaves: &mut impl Iterator<Item = ScalarCodec>,
) -> Result<Vec<Source>, BatchError> {
    let wrong = |wanted: &str| BatchError::ColumnType {
        field: node.name.clone(),
        found: found.to_string(),
        wanted: wanted.to_owned(),
    };
    if let Some((len, inner)) = shape.split_first() {
        return match found {
            DataType::FixedSizeList(_, list_len) if usize::try_from(*list_len) != Ok(*len) => {
                let (field, wanted) = (node.name.clone(), to_u64(*len));
                Err(BatchError::ListType { field, found: *list_len, wanted })
            }
            DataType::FixedSizeList(element, _) | DataType::List(element) | DataType::LargeList(element) => {
                check_type(node, inner, element.data_type(), leaves)
            }
            _ => Err(wrong("an array")),
        };
    }
    match (&node.kind, found) {
        (NodeKind::Record(nodes), DataType::Struct(columns)) => find_columns(&node.name, nodes, columns, leaves),
        (NodeKind::Record(_), _) => Err(wrong("a record")),
        (NodeKind::Leaf(encoding), _) => {
            let codec = leaves.next().ok_or_else(|| DecodeError::internal("a field has no leaf"))?;
            if is_accepted(encoding, &codec, found) { Ok(Vec::new()) } else { Err(wrong(codec.value_type().as_str())) }
        }
    }
}

/// Returns whether the encoder converts values of the Arrow type `found` to values of `codec`. `encoding` is the
/// encoding of the field in the opposite direction.
fn is_accepted(encoding: &Encoding, codec: &ScalarCodec, found: &DataType) -> bool {
    // arrow-rs panics if the values of a fixed size are negative.
    let is_bytes = match found {
        DataType::FixedSizeBinary(len) => *len >= 0,
        _ => matches!(found, DataType::Binary | DataType::LargeBinary),
    };
    let is_text = matches!(found, DataType::Utf8 | DataType::LargeUtf8);
    match encoding {
        Encoding::Number(number) if number.is_integer() => found.is_integer(),
        Encoding::Number(number) => found == number,
        Encoding::Time(time) => found == time || *found == DataType::Int64,
        Encoding::Pair(part) => pair(found) == Some(part),
        Encoding::Bool => *found == DataType::Boolean,
        Encoding::Text(_) => is_text,
        Encoding::Binary(_) | Encoding::TrimmedBinary(_) | Encoding::Utf8 { .. } => {
            is_bytes || is_text && matches!(codec.ty(), Type::Bytes | Type::Pascal)
        }
        Encoding::LongDouble { width, complex } => {
            let part = if *complex { pair(found) } else { Some(found) };
            // `store_little` reverses all bytes of a big-endian value. In a double-double, this would exchange the two
            // doubles.
            let is_reversed =
                codec.long_double_format() == LongDoubleFormat::DoubleDouble && codec.endian() == Endian::Big;
            part.is_some_and(|part| {
                *part == DataType::Float64 || *part == DataType::FixedSizeBinary(*width) && !is_reversed
            })
        }
    }
}

/// Returns the Arrow type of the real and the imaginary part if `found` is a list of two values.
fn pair(found: &DataType) -> Option<&DataType> {
    match found {
        DataType::FixedSizeList(part, 2) => Some(part.data_type()),
        _ => None,
    }
}

/// The index of a value that cannot be written, and the reason.
type Refused = (usize, Reason);

/// The reason why a value cannot be written.
enum Reason {
    Null,
    Value(EncodeErrorKind),
}

/// The conversion of the columns of one record batch.
struct Conversion<'c> {
    mapping: &'c Mapping,
    /// The index of the next leaf among the mapped leaves.
    leaf: usize,
    /// The name of each field that encloses the current values, and the dimensions of the field that were read.
    path: Vec<(&'c str, &'c [usize])>,
    /// The values of the leaves, each with the index of the leaf among the mapped leaves.
    converted: Vec<(usize, Values)>,
    /// The first row that was refused, and the error. `None` if no row was refused.
    failure: Option<(u64, BatchError)>,
}

impl<'c> Conversion<'c> {
    /// Converts the columns of one record, and adds the values to `converted`. `nodes` are the fields of the record,
    /// `sources` their columns in `arrays`. There are `len` records. For a value that cannot be written, stores the
    /// error in `failure` and returns `Ok`. Returns an error if a column does not exist or has another type, or if
    /// there is no memory.
    fn record(
        &mut self,
        nodes: &'c [Node],
        sources: &[Source],
        arrays: &[ArrayRef],
        len: usize,
    ) -> Result<(), BatchError> {
        for (node, source) in nodes.iter().zip(sources) {
            let array =
                arrays.get(source.index).filter(|array| array.len() == len).ok_or_else(|| self.other_schema())?;
            self.path.push((node.field.name(), &[]));
            let first = self.leaf;
            self.field(node, &source.members, 0, array)?;
            // The values of a refused field are not converted, but its leaves count.
            self.leaf = first.saturating_add(leaf_count(node));
            self.path.pop();
        }
        Ok(())
    }

    /// Converts `array`, the values of the field `node`. The first `depth` dimensions of the field were read. `members`
    /// are the columns of the fields if `node` is a record. Returns the same as [`record`](Self::record).
    fn field(&mut self, node: &'c Node, members: &[Source], depth: usize, array: &ArrayRef) -> Result<(), BatchError> {
        if let Some((_, shape)) = self.path.last_mut() {
            *shape = node.shape.get(..depth).unwrap_or_default();
        }
        // A column of dates has a null for NaT.
        let may_be_null = matches!((&node.kind, node.shape.get(depth)), (NodeKind::Leaf(Encoding::Time(_)), None));
        if !may_be_null && let Some(index) = first_null(array.as_ref()) {
            self.refuse((index, Reason::Null));
            return Ok(());
        }
        let Some(len) = node.shape.get(depth) else {
            return match &node.kind {
                NodeKind::Record(nodes) => {
                    let records = array.as_struct_opt().ok_or_else(|| self.other_schema())?;
                    self.record(nodes, members, records.columns(), records.len())
                }
                NodeKind::Leaf(encoding) => self.values(encoding, array),
            };
        };
        if node.shape.contains(&0) {
            return Ok(());
        }
        match elements(array, *len).ok_or_else(|| self.other_schema())? {
            Ok(elements) => self.field(node, members, depth.saturating_add(1), &elements),
            Err(refused) => {
                self.refuse(refused);
                Ok(())
            }
        }
    }

    /// Converts `array`, the values of the next leaf, with the encoding `encoding`, and appends the result to
    /// `self.converted`. A value that cannot be written is not returned as an error: [`refuse`](Self::refuse) stores it,
    /// so that the first row with such a value is reported. Returns an error if `array` has another type, or if there is
    /// no memory.
    fn values(&mut self, encoding: &Encoding, array: &ArrayRef) -> Result<(), BatchError> {
        let leaf = self.mapping.plan_index(self.leaf).and_then(|index| self.mapping.plan.leaves().get(index));
        let leaf = leaf.ok_or_else(|| DecodeError::internal("a mapped leaf is not in the plan"))?;
        match convert(encoding, leaf.codec(), leaf.size(), array.as_ref())? {
            Some(Ok(values)) => self.converted.push((self.leaf, values)),
            Some(Err(refused)) => self.refuse(refused),
            None => return Err(self.other_schema()),
        }
        Ok(())
    }

    /// Stores the error for a value that cannot be written, unless an earlier row already has an error.
    fn refuse(&mut self, (index, reason): Refused) {
        // The indices of the value in each dimension, innermost first.
        let mut indices = Vec::new();
        let mut index = index;
        for len in self.path.iter().flat_map(|(_, shape)| shape.iter()).rev() {
            // An array without elements has no value that could be refused, so the defaults are never used.
            debug_assert!(*len > 0, "a value of an array without elements was refused");
            indices.push(index.checked_rem(*len).unwrap_or(0));
            index = index.checked_div(*len).unwrap_or(0);
        }
        let item = to_u64(index);
        if self.failure.as_ref().is_some_and(|(first, _)| *first <= item) {
            return;
        }
        let mut field = String::new();
        for (name, shape) in &self.path {
            field.push_str(if field.is_empty() { "" } else { "." });
            field.push_str(name);
            for _ in *shape {
                // `indices` has one index for each dimension of `path`, so the default is never used.
                field.push_str(&format!("[{}]", indices.pop().unwrap_or(0)));
            }
        }
        self.failure = Some((
            item,
            match reason {
                Reason::Null => BatchError::Null { item, field },
                Reason::Value(kind) => BatchError::Value { item, field, kind: Box::new(kind) },
            },
        ));
    }

    /// Returns the error for a batch with another schema than the encoder. The error names the current field.
    fn other_schema(&self) -> BatchError {
        let names: Vec<&str> = self.path.iter().map(|(name, _)| *name).collect();
        BatchError::OtherSchema { field: names.join(".") }
    }
}

/// Returns the number of leaves in `node`, which is 1 if `node` is not a record.
fn leaf_count(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Leaf(_) => 1,
        NodeKind::Record(nodes) => nodes.iter().map(leaf_count).fold(0, usize::saturating_add),
    }
}

/// Returns the index of the first null in `array`, or `None` if no value is null.
fn first_null(array: &dyn Array) -> Option<usize> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
    (0..nulls.len()).find(|index| nulls.is_null(*index))
}

/// Returns the elements of all lists in `array`, a column of lists without nulls. Each list must have `len` elements.
/// Returns the index of the first list with another length as an error, and `None` if `array` is not a column of lists.
fn elements(array: &ArrayRef, len: usize) -> Option<Result<ArrayRef, Refused>> {
    /// Returns the elements from `start` on of `lists` lists, or `None` if `values` has too few elements.
    fn part(values: &ArrayRef, start: usize, lists: usize, len: usize) -> Option<ArrayRef> {
        let count = lists.checked_mul(len)?;
        let is_inside = start.checked_add(count).is_some_and(|end| end <= values.len());
        is_inside.then(|| values.slice(start, count))
    }
    let wrong_length = |index: usize, found: usize| {
        let (found, wanted) = (to_u64(found), to_u64(len));
        (index, Reason::Value(EncodeErrorKind::Count { found, wanted, unit: "element" }))
    };
    /// Returns the position of the first element, or the index and the length of the first list whose length is not
    /// `len`.
    fn first_element<O: TryInto<usize> + Copy>(offsets: &[O], len: usize) -> Option<Result<usize, (usize, usize)>> {
        let position = |offset: &O| (*offset).try_into().ok();
        for (index, bounds) in offsets.windows(2).enumerate() {
            let [start, end] = bounds else { return None };
            let found = position(end)?.checked_sub(position(start)?)?;
            if found != len {
                return Some(Err((index, found)));
            }
        }
        Some(Ok(offsets.first().map_or(Some(0), position)?))
    }
    let (values, start) = if let Some(lists) = array.as_fixed_size_list_opt() {
        let found = usize::try_from(lists.value_length()).ok()?;
        if found != len {
            return Some(Err(wrong_length(0, found)));
        }
        (lists.values(), Ok(lists.value_offset_at(0)))
    } else if let Some(lists) = array.as_list_opt::<i32>() {
        (lists.values(), first_element(lists.value_offsets(), len)?)
    } else {
        let lists = array.as_list_opt::<i64>()?;
        (lists.values(), first_element(lists.value_offsets(), len)?)
    };
    match start {
        Ok(start) => Some(Ok(part(values, start, array.len(), len)?)),
        Err((index, found)) => Some(Err(wrong_length(index, found))),
    }
}

/// Converts `array` to values of `codec`, which have `size` bytes each. `encoding` is the encoding of the field in the
/// opposite direction. Returns the index of the first value that cannot be written, and the reason, as an inner error.
/// Returns `None` if the array has another type than [`is_accepted`] permits.
///
/// # Errors
/// - there is not enough memory
fn convert(
    encoding: &Encoding,
    codec: &ScalarCodec,
    size: usize,
    array: &dyn Array,
) -> Result<Option<Result<Values, Refused>>, BatchError> {
    let values = match encoding {
        Encoding::Number(number) if number.is_integer() => return integers(number, codec, size, array),
        Encoding::Number(number) => match float_buffer(number, array) {
            Some(floats) if codec.is_stored_as_element() => Values::Native(floats),
            Some(_) => {
                return encode_each(array.len(), size, |index, value| {
                    codec.store(&float(codec, array, index).unwrap_or(Value::Bool(false)), value)
                })
                .map(Some);
            }
            None => return Ok(None),
        },
        Encoding::Time(_) => match time_buffer(array)? {
            Some(ticks) => Values::Native(ticks),
            None => return Ok(None),
        },
        Encoding::Pair(part) => match pair_parts(array) {
            Some(Ok(parts)) => match float_buffer(part, &parts) {
                Some(floats) => Values::Native(floats),
                None => return Ok(None),
            },
            Some(Err(refused)) => return Ok(Some(Err(refused))),
            None => return Ok(None),
        },
        Encoding::Bool => match array.as_boolean_opt() {
            Some(bools) => {
                let mut values = Vec::new();
                let reserved = values.try_reserve_exact(bools.len());
                reserved.map_err(|_| DecodeError::Allocation { bytes: to_u64(bools.len()) })?;
                values.extend(bools.values());
                Values::Bools(values)
            }
            None => return Ok(None),
        },
        Encoding::Text(_) => {
            return strings(array, size, |value, bytes| match core::str::from_utf8(value) {
                Ok(text) => codec.store_text(text, bytes),
                Err(_) => Err(EncodeErrorKind::Kind { found: "bytes", wanted: codec.ty().as_str() }),
            });
        }
        Encoding::Binary(_) | Encoding::TrimmedBinary(_) | Encoding::Utf8 { .. } => {
            if let Some(strings) = array.as_fixed_size_binary_opt()
                && strings.value_length().try_into() == Ok(size)
                && strings.values().len() == array.len().saturating_mul(size)
            {
                return Ok(Some(Ok(Values::Native(strings.values().clone()))));
            }
            let is_text = matches!(array.data_type(), DataType::Utf8 | DataType::LargeUtf8);
            return strings(array, size, |value, bytes| match codec.ty() {
                // The bytes of a Pascal string include the byte of its length, and its text does not.
                Type::Pascal if !is_text && value.len() == bytes.len() => {
                    bytes.copy_from_slice(value);
                    Ok(())
                }
                Type::Pascal if !is_text => {
                    let (found, wanted) = (to_u64(value.len()), to_u64(bytes.len()));
                    Err(EncodeErrorKind::Count { found, wanted, unit: "byte" })
                }
                _ => codec.store_bytes(value, bytes),
            });
        }
        Encoding::LongDouble { complex: false, .. } => return long_doubles(codec, array.len(), size, array),
        Encoding::LongDouble { complex: true, .. } => match pair_parts(array) {
            Some(Ok(parts)) => {
                let parts_len = parts.len();
                let part_size = size >> 1_u32;
                return Ok(long_doubles(codec, parts_len, part_size, &parts)?
                    .map(|values| values.map_err(|(index, reason)| (index >> 1_u32, reason))));
            }
            Some(Err(refused)) => return Ok(Some(Err(refused))),
            None => return Ok(None),
        },
    };
    Ok(Some(Ok(values)))
}

/// Returns the parts of the complex numbers in `array`, a column of lists of two numbers without nulls. Returns the
/// index of the first complex number with a null part as an error, and `None` if `array` has another type.
fn pair_parts(array: &dyn Array) -> Option<Result<ArrayRef, Refused>> {
    let lists = array.as_fixed_size_list_opt()?;
    let lists: ArrayRef = Arc::new(lists.clone());
    match elements(&lists, 2)? {
        Ok(parts) => match first_null(parts.as_ref()) {
            Some(index) => Some(Err((index >> 1_u32, Reason::Null))),
            None => Some(Ok(parts)),
        },
        Err(refused) => Some(Err(refused)),
    }
}

/// Encodes `len` values of `size` bytes with `encode(index, bytes)`. Returns the first value that `encode` refuses as an
/// inner error.
///
/// # Errors
/// - there is not enough memory
fn encode_each(
    len: usize,
    size: usize,
    mut encode: impl FnMut(usize, &mut [u8]) -> Result<(), EncodeErrorKind>,
) -> Result<Result<Values, Refused>, BatchError> {
    let bytes = len.checked_mul(size).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
    let mut encoded = zeroed::<u8>(bytes)?;
    if size == 0 {
        // A value of 0 bytes can still be refused, such as a text that is not empty.
        for index in 0..len {
            if let Err(kind) = encode(index, &mut []) {
                return Ok(Err((index, Reason::Value(kind))));
            }
        }
        return Ok(Ok(Values::Encoded(encoded)));
    }
    for (index, value) in encoded.chunks_exact_mut(size).enumerate() {
        if let Err(kind) = encode(index, value) {
            return Ok(Err((index, Reason::Value(kind))));
        }
    }
    Ok(Ok(Values::Encoded(encoded)))
}

/// Encodes the byte strings or texts of `array` as values of `size` bytes with `encode(value, bytes)`. Returns the
/// results of [`encode_each`], or `None` if `array` has another type.
fn strings(
    array: &dyn Array,
    size: usize,
    mut encode: impl FnMut(&[u8], &mut [u8]) -> Result<(), EncodeErrorKind>,
) -> Result<Option<Result<Values, Refused>>, BatchError> {
    let len = array.len();
    let encoded = if let Some(strings) = array.as_fixed_size_binary_opt() {
        encode_each(len, size, |index, bytes| encode(strings.value(index), bytes))
    } else if let Some(strings) = array.as_binary_opt::<i32>() {
        encode_each(len, size, |index, bytes| encode(strings.value(index), bytes))
    } else if let Some(strings) = array.as_binary_opt::<i64>() {
        encode_each(len, size, |index, bytes| encode(strings.value(index), bytes))
    } else if let Some(strings) = array.as_string_opt::<i32>() {
        encode_each(len, size, |index, bytes| encode(strings.value(index).as_bytes(), bytes))
    } else if let Some(strings) = array.as_string_opt::<i64>() {
        encode_each(len, size, |index, bytes| encode(strings.value(index).as_bytes(), bytes))
    } else {
        return Ok(None);
    };
    encoded.map(Some)
}

/// Encodes the first `len` values of `array` as `long double`s of `size` bytes. Returns the results of [`encode_each`],
/// or `None` if `array` has another type.
fn long_doubles(
    codec: &ScalarCodec,
    len: usize,
    size: usize,
    array: &dyn Array,
) -> Result<Option<Result<Values, Refused>>, BatchError> {
    if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
        let encode = |index: usize, bytes: &mut [u8]| {
            LongDouble::from_f64(doubles.value(index), codec.long_double_format()).write(bytes, codec.endian());
            Ok(())
        };
        return encode_each(len, size, encode).map(Some);
    }
    let Some(significant) = array.as_fixed_size_binary_opt() else { return Ok(None) };
    let encode = |index: usize, bytes: &mut [u8]| {
        codec.store_little(significant.value(index), bytes);
        Ok(())
    };
    encode_each(len, size, encode).map(Some)
}

/// Returns the memory of `array` if its elements are floats of the type `number`.
fn float_buffer(number: &DataType, array: &dyn Array) -> Option<Buffer> {
    Some(match number {
        DataType::Float16 => array.as_primitive_opt::<Float16Type>()?.values().inner().clone(),
        DataType::Float32 => array.as_primitive_opt::<Float32Type>()?.values().inner().clone(),
        DataType::Float64 => array.as_primitive_opt::<Float64Type>()?.values().inner().clone(),
        _ => return None,
    })
}

/// Returns the float at the index `index` of `array` as a value of `codec`. Returns `None` if `array` does not have
/// floats.
fn float(codec: &ScalarCodec, array: &dyn Array, index: usize) -> Option<Value> {
    match array.data_type() {
        DataType::Float16 => Some(Value::Float16(array.as_primitive::<Float16Type>().value(index))),
        DataType::Float32 => Some(Value::Float32(array.as_primitive::<Float32Type>().value(index))),
        DataType::Float64 if codec.ty() == Type::LongDouble => {
            let double = array.as_primitive::<Float64Type>().value(index);
            Some(Value::LongDouble(LongDouble::from_f64(double, codec.long_double_format())))
        }
        DataType::Float64 => Some(Value::Float64(array.as_primitive::<Float64Type>().value(index))),
        _ => None,
    }
}

/// Returns the number of ticks of each date or duration of `array`, as 64-bit integers. A null becomes NaT. Returns
/// `None` if `array` has another type.
///
/// # Errors
/// - there is not enough memory
fn time_buffer(array: &dyn Array) -> Result<Option<Buffer>, BatchError> {
    macro_rules! ticks {
        ($($pattern:pat => $ty:ty),+ $(,)?) => {
            match array.data_type() {
                $($pattern => array.as_primitive::<$ty>().values().inner().clone(),)+
                DataType::Date32 => {
                    let days = array.as_primitive::<Date32Type>().values();
                    Buffer::from_vec(collected(days.len(), days.iter().map(|day| i64::from(*day)))?)
                }
                _ => return Ok(None),
            }
        };
    }
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    let ticks = ticks! {
        DataType::Int64 => Int64Type,
        DataType::Timestamp(Second, _) => TimestampSecondType,
        DataType::Timestamp(Millisecond, _) => TimestampMillisecondType,
        DataType::Timestamp(Microsecond, _) => TimestampMicrosecondType,
        DataType::Timestamp(Nanosecond, _) => TimestampNanosecondType,
        DataType::Duration(Second) => DurationSecondType,
        DataType::Duration(Millisecond) => DurationMillisecondType,
        DataType::Duration(Microsecond) => DurationMicrosecondType,
        DataType::Duration(Nanosecond) => DurationNanosecondType,
    };
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else { return Ok(Some(ticks)) };
    let ticks = ticks.typed_data::<i64>().iter().zip(nulls.iter());
    let ticks = ticks.map(|(ticks, is_valid)| if is_valid { *ticks } else { NOT_A_TIME });
    Ok(Some(Buffer::from_vec(collected(array.len(), ticks)?)))
}

/// Collects `values` in a vector of `len` elements.
///
/// # Errors
/// - there is not enough memory
fn collected<T>(len: usize, values: impl Iterator<Item = T>) -> Result<Vec<T>, BatchError> {
    let mut vector = Vec::new();
    let reserved = vector.try_reserve_exact(len);
    reserved.map_err(|_| DecodeError::Allocation { bytes: to_u64(len.saturating_mul(size_of::<T>())) })?;
    vector.extend(values);
    Ok(vector)
}

/// Converts the integers of `array` to values of `codec`, which have `size` bytes each. `number` is the integer type of
/// the Arrow column to which values of `codec` are decoded. Returns the values. Returns the index of the first value
/// that does not fit, and the reason, as an inner error. Returns `None` if `array` does not have integers.
///
/// # Errors
/// - there is not enough memory
fn integers(
    number: &DataType,
    codec: &ScalarCodec,
    size: usize,
    array: &dyn Array,
) -> Result<Option<Result<Values, Refused>>, BatchError> {
    /// Converts `array` if its elements have the type `S`. The parameters and the result are those of [`integers`].
    fn from<S: ArrowPrimitiveType>(
        number: &DataType,
        codec: &ScalarCodec,
        size: usize,
        array: &dyn Array,
    ) -> Result<Option<Result<Values, Refused>>, BatchError>
    where
        S::Native: Into<i128>,
        i8: TryFrom<S::Native>,
        i16: TryFrom<S::Native>,
        i32: TryFrom<S::Native>,
        i64: TryFrom<S::Native>,
        u8: TryFrom<S::Native>,
        u16: TryFrom<S::Native>,
        u32: TryFrom<S::Native>,
        u64: TryFrom<S::Native>,
    {
        let Some(array) = array.as_primitive_opt::<S>() else { return Ok(None) };
        if !codec.is_stored_as_element() {
            let encode = |index: usize, bytes: &mut [u8]| codec.store_number(array.value(index).into(), bytes);
            if codec.bit_field().is_none() {
                return encode_each(array.len(), size, encode).map(Some);
            }
            // Fields share the bytes of bit-fields, so the values are only checked here and are written as elements.
            let mut unit = zeroed::<u8>(size)?;
            for index in 0..array.len() {
                if let Err(kind) = encode(index, &mut unit) {
                    return Ok(Some(Err((index, Reason::Value(kind)))));
                }
            }
        }
        let (buffer, values) = (array.values().inner(), array.values());
        match number {
            DataType::Int8 => to::<S, Int8Type>(codec, buffer, values),
            DataType::Int16 => to::<S, Int16Type>(codec, buffer, values),
            DataType::Int32 => to::<S, Int32Type>(codec, buffer, values),
            DataType::Int64 => to::<S, Int64Type>(codec, buffer, values),
            DataType::UInt8 => to::<S, UInt8Type>(codec, buffer, values),
            DataType::UInt16 => to::<S, UInt16Type>(codec, buffer, values),
            DataType::UInt32 => to::<S, UInt32Type>(codec, buffer, values),
            DataType::UInt64 => to::<S, UInt64Type>(codec, buffer, values),
            _ => Ok(None),
        }
    }

    /// Converts `values` from the integer type `S` to the integer type `T`. `buffer` is the Arrow buffer that contains
    /// `values`. The result is that of [`integers`].
    fn to<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
        codec: &ScalarCodec,
        buffer: &Buffer,
        values: &[S::Native],
    ) -> Result<Option<Result<Values, Refused>>, BatchError>
    where
        S::Native: Into<i128>,
        T::Native: TryFrom<S::Native>,
    {
        if S::DATA_TYPE == T::DATA_TYPE {
            return Ok(Some(Ok(Values::Native(buffer.clone()))));
        }
        let convert = |value: &S::Native| T::Native::try_from(*value).ok();
        if let Some(index) = values.iter().position(|value| convert(value).is_none()) {
            let value = values.get(index).map_or(0, |value| (*value).into());
            let (low, high) = codec.range();
            return Ok(Some(Err((
                index,
                Reason::Value(EncodeErrorKind::OutOfRange { value, ty: codec.ty(), low, high }),
            ))));
        }
        // The search above found no value without a conversion, so the default is never used.
        let converted = collected(values.len(), values.iter().map(|value| convert(value).unwrap_or_default()))?;
        Ok(Some(Ok(Values::Native(Buffer::from_vec(converted)))))
    }

    match array.data_type() {
        DataType::Int8 => from::<Int8Type>(number, codec, size, array),
        DataType::Int16 => from::<Int16Type>(number, codec, size, array),
        DataType::Int32 => from::<Int32Type>(number, codec, size, array),
        DataType::Int64 => from::<Int64Type>(number, codec, size, array),
        DataType::UInt8 => from::<UInt8Type>(number, codec, size, array),
        DataType::UInt16 => from::<UInt16Type>(number, codec, size, array),
        DataType::UInt32 => from::<UInt32Type>(number, codec, size, array),
        DataType::UInt64 => from::<UInt64Type>(number, codec, size, array),
        _ => Ok(None),
    }
}
