//! `encode --from arrow`: `ArrowReader` reads the rows of an Arrow file and writes them as items. Checks every length
//! in the file before the Arrow library uses it.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, FieldNode, MessageHeader, convert, root_as_footer, root_as_message};
use arrow_schema::{DataType, Fields};
use num_complex::Complex;
use pep3118::__private::{ScalarCodec, plural};
use pep3118::decode::{LongDouble, Value};
use pep3118::{Endian, LongDoubleFormat, Type};

use super::arrow::{BATCH_ITEMS, BATCH_VALUES, arrow_error};
use super::escape::escape;
use super::failure::Failure;
use super::fields::unknown_field;
use super::input::ReadSeek;
use super::pack::{PackedField, PackedKind, Problem};
use super::progress::Progress;
use pep3118::__private::to_u64;

/// The number of bytes at the end of an Arrow file: the length of the footer and the text `ARROW1`.
const TRAILER: usize = 10;

/// The number of bytes before the metadata of a message: the continuation marker and the length.
const MESSAGE_PREFIX: usize = 8;

/// Reads the record batches of an Arrow file, and writes the rows as items.
pub(super) struct ArrowReader {
    file: Box<dyn ReadSeek>,
    /// The length of the file in bytes.
    len: u64,
    decoder: FileDecoder,
    /// The blocks of the file that contain record batches.
    blocks: Vec<Block>,
    /// The columns of the fields, in the order of the fields of an item.
    columns: Vec<Column>,
    /// The largest number of elements of a field in one item, at least 1.
    most_elements: usize,
    /// The number of written items.
    items: u64,
}

/// Returns the failure for a file that is not a valid Arrow file. `what` describes the invalid part of the file.
fn invalid(what: &str) -> Failure {
    Failure::refused(format_args!("the input is not a valid Arrow file: {what}"))
}

impl ArrowReader {
    /// Reads the footer of `file`, and checks that the columns are the fields of `item`.
    ///
    /// # Errors
    /// - the file is not an Arrow file
    /// - a column belongs to no field, the type of a column differs from the type of its field, or a field has no
    ///   column
    pub(super) fn new(mut file: Box<dyn ReadSeek>, item: &PackedField) -> Result<Self, Failure> {
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
        let columns = find_columns(item.columns(), schema.fields()).map_err(Failure::refused)?;
        let blocks = footer.recordBatches().map(|blocks| blocks.iter().copied().collect()).unwrap_or_default();
        let decoder = FileDecoder::new(schema, footer.version());
        Ok(Self { file, len, decoder, blocks, columns, most_elements: most_elements(item), items: 0 })
    }

    /// Writes all rows to `out` as items of `size` bytes. `item` describes the fields of an item. Shows the number of
    /// read bytes in `progress`. Returns an error if the file is not valid, if a value does not fit its field, or if
    /// writing fails.
    pub(super) fn write(
        &mut self,
        item: &PackedField,
        size: usize,
        progress: &mut Progress,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let mut bytes = vec![0; size];
        for block in std::mem::take(&mut self.blocks) {
            let buffer = self.read_block(&block)?;
            let Some(batch) = self.decoder.read_record_batch(&block, &buffer).map_err(arrow_error)? else { continue };
            // The smallest value, a bool, has one bit, so a batch has at most 8 rows for each byte. If the values have
            // no bytes, `decode` writes at most `BATCH_ITEMS` rows in one batch.
            if batch.num_rows() > buffer.len().saturating_mul(8).max(BATCH_ITEMS) {
                return Err(invalid("a record batch has more rows than values"));
            }
            progress.advance(buffer.len());
            for row in 0..batch.num_rows() {
                store_record(item.columns(), &self.columns, batch.columns(), row, &mut bytes)
                    .map_err(|problem| Failure::refused(format_args!("item {}: {problem}", self.items)))?;
                out.write_all(&bytes)?;
                self.items = self.items.saturating_add(1);
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
        let mut bytes = vec![0; total];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        let prefix = if bytes.starts_with(&[0xff; 4]) { MESSAGE_PREFIX } else { 4 };
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

/// The column of a field.
struct Column {
    /// The index of the column in the record batch, or in the struct that contains the column.
    index: usize,
    /// The columns of the fields of the record. Empty if the field is not a record or an array of records.
    members: Vec<Column>,
}

/// Returns the number of elements in one item of the field with the most elements: `field` or a field inside of
/// `field`. The result is at least 1, and is `usize::MAX` if the number overflows. A complex number counts as two
/// elements, because its Arrow type is a list of two values.
fn most_elements(field: &PackedField) -> usize {
    let inner = match &field.kind {
        PackedKind::Record(fields) => fields.iter().map(most_elements).max().unwrap_or(1),
        PackedKind::Value(_) => 2,
    };
    field.shape.iter().map(|len| (*len).max(1)).fold(inner, usize::saturating_mul)
}

/// Finds the column of each field of `fields` in `columns`. Returns the columns in the order of the fields. Checks that
/// each field has one column, in any order, and that the type of the column fits the field.
///
/// # Errors
/// - a column belongs to no field, a field has no column, or a type is wrong: returns a message with the dotted name of
///   the field
fn find_columns(fields: &[PackedField], columns: &Fields) -> Result<Vec<Column>, Problem> {
    for column in columns {
        if !fields.iter().any(|field| field.name == *column.name()) {
            let known = fields.iter();
            let known =
                known.map(|field| (field.name.as_str(), !columns.iter().any(|other| *other.name() == field.name)));
            return Err(Problem::new(unknown_field(column.name(), known, |near| format!("`{near}`"))));
        }
    }
    let mut used = BTreeSet::new();
    let mut found = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let index = column_index(field, index, columns);
        if index.is_some_and(|index| !used.insert(index)) {
            let name = escape(field.name.as_bytes());
            return Err(Problem::new(format!(
                "several fields are named `{name}`: write the columns in the order of the fields"
            )));
        }
        let Some((index, column)) = index.and_then(|index| Some((index, columns.get(index)?))) else {
            return Err(Problem::new(format!("column `{}` is missing", escape(field.name.as_bytes()))));
        };
        let members = check_type(&field.kind, &field.shape, column.data_type())
            .map_err(|problem| problem.inside(&*field.name))?;
        found.push(Column { index, members });
    }
    if fields.len() != columns.len() {
        let [fields, columns] =
            [(fields.len(), "field"), (columns.len(), "column")].map(|(len, noun)| plural(to_u64(len), noun));
        return Err(Problem::new(format!("the input has {columns} but the format has {fields}")));
    }
    Ok(found)
}

/// Returns the index in `columns` of the column of `field`. `index` is the index of `field` in its record. If several
/// columns have the name of `field`, prefers the column at `index`, so that fields with equal names get different
/// columns. Returns `None` if no column has the name.
fn column_index(field: &PackedField, index: usize, columns: &Fields) -> Option<usize> {
    match columns.get(index) {
        Some(column) if *column.name() == field.name => Some(index),
        _ => columns.iter().position(|column| *column.name() == field.name),
    }
}

/// Checks that a value of the Arrow type `found` is an array of the shape `shape` with elements of `kind`. In Arrow, an
/// array is lists in lists. An empty `shape` means a single value. Returns the columns of the fields if the elements
/// are records, and otherwise an empty list. Returns an error if the type is wrong.
fn check_type(kind: &PackedKind, shape: &[usize], found: &DataType) -> Result<Vec<Column>, Problem> {
    if let Some((len, inner)) = shape.split_first() {
        return match found {
            // The Arrow reader panics if the length in the file makes the number of elements overflow.
            DataType::FixedSizeList(_, list_len) if usize::try_from(*list_len) != Ok(*len) => {
                let wanted = plural(to_u64(*len), "element");
                Err(Problem::new(format!("the column has lists of length {list_len} but the field has {wanted}")))
            }
            DataType::FixedSizeList(element, _) | DataType::List(element) | DataType::LargeList(element) => {
                check_type(kind, inner, element.data_type())
            }
            _ => Err(Problem::new(format!("the column is {} but the field is an array", escape(&found.to_string())))),
        };
    }
    let is_accepted = match kind {
        PackedKind::Record(fields) => match found {
            DataType::Struct(columns) => return find_columns(fields, columns),
            _ => false,
        },
        PackedKind::Value(codec) => is_accepted(codec, found),
    };
    if is_accepted {
        return Ok(Vec::new());
    }
    let ty = match kind {
        PackedKind::Record(_) => "a record",
        PackedKind::Value(codec) => codec.value_type().as_str(),
    };
    Err(Problem::new(format!("the column is {} but the field is {ty}", escape(&found.to_string()))))
}

/// Returns `true` if `codec` can encode values of the Arrow type `found`.
fn is_accepted(codec: &ScalarCodec, found: &DataType) -> bool {
    // The Arrow reader panics if a byte string has a negative length.
    let is_bytes = match found {
        DataType::FixedSizeBinary(len) => *len >= 0,
        _ => matches!(found, DataType::Binary | DataType::LargeBinary),
    };
    let is_text = matches!(found, DataType::Utf8 | DataType::LargeUtf8);
    match codec.value_type() {
        _ if codec.is_integer() => found.is_integer() || is_bytes,
        Type::Bool => *found == DataType::Boolean,
        Type::Float16 => *found == DataType::Float16,
        Type::Float32 => *found == DataType::Float32,
        Type::Float64 => *found == DataType::Float64,
        Type::LongDouble => *found == DataType::Float64 || is_long_double(codec, found),
        Type::Complex32 => *pair(found) == DataType::Float16,
        Type::Complex64 => *pair(found) == DataType::Float32,
        Type::Complex128 => *pair(found) == DataType::Float64,
        Type::ComplexLongDouble => *pair(found) == DataType::Float64 || is_long_double(codec, pair(found)),
        Type::Bytes | Type::Pascal | Type::Ucs2 | Type::Ucs4 | Type::Wchar => is_bytes || is_text,
        _ => is_bytes,
    }
}

/// Returns `true` if a column of the Arrow type `found` contains byte strings with the significant bytes of a `long
/// double`. `codec` is the codec of the `long double`.
fn is_long_double(codec: &ScalarCodec, found: &DataType) -> bool {
    let width = match codec.long_double_format() {
        LongDoubleFormat::Double => 8,
        LongDoubleFormat::X87 => 10,
        LongDoubleFormat::Binary128 => 16,
        LongDoubleFormat::DoubleDouble if codec.endian() == Endian::Little => 16,
        // In the column, the two doubles of a big-endian double-double are in the opposite order. This order is not
        // supported.
        _ => return false,
    };
    *found == DataType::FixedSizeBinary(width)
}

/// If `found` is the Arrow type of complex numbers, a list of two values, returns the type of the two parts. Returns
/// `Null` for any other type.
fn pair(found: &DataType) -> &DataType {
    match found {
        DataType::FixedSizeList(part, 2) => part.data_type(),
        _ => &DataType::Null,
    }
}

/// Writes one row of `arrays`, the columns of a record batch or struct, to `bytes`, the bytes of one record. `row` is
/// the index of the row. `fields` are the fields of the record, and `columns` are their columns in the same order.
/// Returns an error if a value does not fit its field.
fn store_record(
    fields: &[PackedField],
    columns: &[Column],
    arrays: &[ArrayRef],
    row: usize,
    bytes: &mut [u8],
) -> Result<(), Problem> {
    for (field, column) in fields.iter().zip(columns) {
        let array = arrays.get(column.index);
        let array = array.ok_or_else(|| Problem::new("internal error: the columns were checked"))?;
        let bytes = field.bytes(bytes)?;
        store_value(field, &column.members, &field.shape, array.as_ref(), row, bytes)
            .map_err(|problem| problem.inside(&*field.name))?;
    }
    Ok(())
}

/// Writes the value at the index `row` of `column` to `bytes`. The value is an array of the shape `shape` with elements
/// of `field`. An empty `shape` means a single element. If `field` is a record, `members` are the columns of its
/// fields. Returns an error if the value does not fit.
fn store_value(
    field: &PackedField,
    members: &[Column],
    shape: &[usize],
    column: &dyn Array,
    row: usize,
    bytes: &mut [u8],
) -> Result<(), Problem> {
    let internal = || Problem::new("internal error: the types of the columns were checked");
    if column.is_null(row) {
        return Err(Problem::new("the value is null"));
    }
    let Some((len, inner)) = shape.split_first() else {
        return match &field.kind {
            PackedKind::Record(fields) => {
                let records = column.as_struct_opt().ok_or_else(internal)?;
                store_record(fields, members, records.columns(), row, bytes)
            }
            PackedKind::Value(codec) => store_scalar(codec, column, row, bytes),
        };
    };
    if shape.contains(&0) {
        return Ok(());
    }
    let elements = list(column, row).ok_or_else(internal)?;
    if elements.len() != *len {
        let (found, len) = (plural(to_u64(elements.len()), "value"), plural(to_u64(*len), "element"));
        return Err(Problem::new(format!("{found} for {len}")));
    }
    let step = inner.iter().copied().fold(field.size, usize::saturating_mul);
    for index in 0..*len {
        let start = index.saturating_mul(step);
        let bytes = bytes.get_mut(start..start.saturating_add(step)).ok_or_else(internal)?;
        store_value(field, members, inner, elements.as_ref(), index, bytes)
            .map_err(|problem| problem.inside(format!("[{index}]")))?;
    }
    Ok(())
}

/// Returns the list at the index `row` of `column`. Returns `None` if `column` is not a column of lists.
fn list(column: &dyn Array, row: usize) -> Option<ArrayRef> {
    match column.data_type() {
        DataType::FixedSizeList(..) => Some(column.as_fixed_size_list_opt()?.value(row)),
        DataType::List(_) => Some(column.as_list_opt::<i32>()?.value(row)),
        DataType::LargeList(_) => Some(column.as_list_opt::<i64>()?.value(row)),
        _ => None,
    }
}

/// Writes the value at the index `row` of `column`, a single value of `codec`, to `bytes`. Returns an error if the
/// value does not fit.
fn store_scalar(codec: &ScalarCodec, column: &dyn Array, row: usize, bytes: &mut [u8]) -> Result<(), Problem> {
    let integer: i128 = match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Boolean => return Ok(codec.store(&Value::Bool(column.as_boolean().value(row)), bytes)?),
        DataType::FixedSizeBinary(_) => return store_bytes(codec, column.as_fixed_size_binary().value(row), bytes),
        DataType::Binary => return store_bytes(codec, column.as_binary::<i32>().value(row), bytes),
        DataType::LargeBinary => return store_bytes(codec, column.as_binary::<i64>().value(row), bytes),
        DataType::Utf8 => return store_text(codec, column.as_string::<i32>().value(row), bytes),
        DataType::LargeUtf8 => return store_text(codec, column.as_string::<i64>().value(row), bytes),
        DataType::FixedSizeList(..) => {
            let parts = column.as_fixed_size_list().value(row);
            if parts.len() != 2 || parts.null_count() > 0 {
                return Err(Problem::new("a part of the complex number is missing"));
            }
            return store_complex(codec, parts.as_ref(), bytes);
        }
        _ => {
            let value =
                float(codec, column, row).ok_or_else(|| Problem::new("internal error: the type was checked"))?;
            return Ok(codec.store(&value, bytes)?);
        }
    };
    Ok(codec.store_number(integer, bytes)?)
}

/// Returns the float at the index `row` of `column` as a value of `codec`. Returns `None` if `column` is not a column
/// of floats.
fn float(codec: &ScalarCodec, column: &dyn Array, row: usize) -> Option<Value> {
    match column.data_type() {
        DataType::Float16 => Some(Value::Float16(column.as_primitive::<Float16Type>().value(row))),
        DataType::Float32 => Some(Value::Float32(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => {
            let double = column.as_primitive::<Float64Type>().value(row);
            Some(match codec.value_type() {
                Type::LongDouble | Type::ComplexLongDouble => {
                    Value::LongDouble(LongDouble::from_f64(double, codec.long_double_format()))
                }
                _ => Value::Float64(double),
            })
        }
        _ => None,
    }
}

/// Writes the complex number with the real and the imaginary part `parts` to `bytes`, a value of `codec`. Returns an
/// error if the number does not fit.
fn store_complex(codec: &ScalarCodec, parts: &dyn Array, bytes: &mut [u8]) -> Result<(), Problem> {
    let internal = || Problem::new("internal error: the types of the columns were checked");
    if let Some(parts) = parts.as_fixed_size_binary_opt() {
        let (first, second) = bytes.split_at_mut(bytes.len() >> 1_u32);
        codec.store_little(parts.value(0), first);
        codec.store_little(parts.value(1), second);
        return Ok(());
    }
    let value = match (float(codec, parts, 0), float(codec, parts, 1)) {
        (Some(Value::Float16(re)), Some(Value::Float16(im))) => Value::Complex32(Complex::new(re, im)),
        (Some(Value::Float32(re)), Some(Value::Float32(im))) => Value::Complex64(Complex::new(re, im)),
        (Some(Value::Float64(re)), Some(Value::Float64(im))) => Value::Complex128(Complex::new(re, im)),
        (Some(Value::LongDouble(re)), Some(Value::LongDouble(im))) => Value::ComplexLongDouble(Complex::new(re, im)),
        _ => return Err(internal()),
    };
    Ok(codec.store(&value, bytes)?)
}

/// Writes `value`, the bytes of a value in an Arrow column of byte strings, to `bytes`, a value of `codec`. Returns an
/// error if the length is wrong.
fn store_bytes(codec: &ScalarCodec, value: &[u8], bytes: &mut [u8]) -> Result<(), Problem> {
    match codec.value_type() {
        Type::LongDouble => codec.store_little(value, bytes),
        Type::Bytes => codec.store_bytes(value, bytes)?,
        _ if value.len() == bytes.len() => bytes.copy_from_slice(value),
        _ => {
            let [found, wanted] = [value.len(), bytes.len()].map(|len| plural(to_u64(len), "byte"));
            return Err(Problem::new(format!("the value has {found} but the field has {wanted}")));
        }
    }
    Ok(())
}

/// Writes `text`, a value of a text column, to `bytes`, a value of `codec`. Returns an error if `text` does not fit.
fn store_text(codec: &ScalarCodec, text: &str, bytes: &mut [u8]) -> Result<(), Problem> {
    match codec.value_type() {
        Type::Bytes | Type::Pascal => Ok(codec.store_bytes(text.as_bytes(), bytes)?),
        _ => Ok(codec.store(&Value::Text(text.to_owned()), bytes)?),
    }
}
