//! `BatchError`: the error of a conversion of items to an Arrow record batch, or of a record batch to items.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::decode::{DecodeError, EncodeErrorKind};
use crate::text::{escape, plural};

/// A field in the list of [`BatchError::UnknownColumn`], which contains all fields of a record.
///
/// ```
/// use pep3118::arrow::KnownField;
/// let field = KnownField { name: "id".into(), has_column: true };
/// assert_eq!((field.name.as_str(), field.has_column), ("id", true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownField {
    /// The name of the field, without the names of the enclosing records.
    pub name: String,
    /// Whether the batch has a column with the name of the field.
    pub has_column: bool,
}

/// Returns the start of a message about the record with the dotted name `record`: an empty text for the item.
fn inside(record: &str) -> String {
    if record.is_empty() { String::new() } else { alloc::format!("field `{}`: ", escape(record)) }
}

/// The error of a conversion of items to an Arrow record batch, or of a record batch to items.
///
/// ```
/// use pep3118::arrow::{BatchError, Mapping};
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{<2u:name:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// // The first unit is a surrogate without its second half.
/// let error = Mapping::new(&layout)?.batch_of_bytes(vec![0x00_u8, 0xd8, 0x41, 0x00].into()).unwrap_err();
/// assert_eq!(error, BatchError::Text { field: "name".into(), index: 0 });
/// assert_eq!(error.to_string(), "field `name`: value 0 is not Unicode text");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A list has too many elements, or a text has too many bytes. Arrow supports at most 2,147,483,647 of each.
    /// Example: a list of the format `(2147483648)B`.
    #[error("field `{}` has {count} {unit} but Arrow counts up to 2147483647", escape(field))]
    TooLong {
        /// The dotted name of the field, such as `a.b`.
        field: String,
        /// The number of elements of the list, or the number of bytes of the text.
        count: u64,
        /// The unit of `count`: `"elements"` or `"bytes"`.
        unit: &'static str,
    },
    /// A field is in more than 64 lists and structs. Example: a field of 65 dimensions.
    #[error("field `{}` is in {levels} lists and structs but Arrow libraries accept at most 64", escape(field))]
    TooDeep {
        /// The dotted name of the field, such as `a.b`.
        field: String,
        /// The number of lists and structs.
        levels: u64,
    },
    /// A value is not Unicode text. Examples: a lone surrogate in a `u`, and the byte 0xff in a byte string
    /// that the caller maps to text.
    #[error("field `{}`: value {index} is not Unicode text", escape(field))]
    Text {
        /// The dotted name of the field, such as `a.b`.
        field: String,
        /// The index of the value. The first value has the index 0.
        index: u64,
    },
    /// A date in days does not fit into the 32 bits of Arrow's `Date32`.
    #[error(
        "field `{}`: value {index} is {days} days after 1970-01-01 but Arrow counts days with 32 bits",
        escape(field)
    )]
    Date {
        /// The dotted name of the field, such as `a.b`.
        field: String,
        /// The index of the value. The first value has the index 0.
        index: u64,
        /// The number of days after 1970-01-01.
        days: i64,
    },
    /// A column does not belong to the field at its position, or has another number of records than the
    /// batch.
    #[error("column {index} does not match field `{}` with {items} records", escape(field))]
    Column {
        /// The index of the column. The first column has the index 0.
        index: u64,
        /// The dotted name of the field that was expected. The name is empty if there are more columns than
        /// fields.
        field: String,
        /// The number of records of the batch.
        items: u64,
    },
    /// The Arrow library refuses the data.
    #[error("Arrow refuses the data: {message}")]
    Refused {
        /// The message of the Arrow library.
        message: String,
    },
    /// A column of the batch is not a field.
    #[error("{}no field is named `{}`", inside(record), escape(column))]
    UnknownColumn {
        /// The dotted name of the record that should have the field, or an empty string for the item.
        record: String,
        /// The name of the column.
        column: String,
        /// All fields of the record.
        fields: Vec<KnownField>,
    },
    /// A field has no column.
    #[error("column `{}` is missing", escape(field))]
    MissingColumn {
        /// The dotted name of the field.
        field: String,
    },
    /// Several fields of a record have the same name, and the columns are not in the order of the fields.
    #[error("several fields are named `{}`: write the columns in the order of the fields", escape(field))]
    RepeatedField {
        /// The dotted name that the fields have in common.
        field: String,
    },
    /// Several columns have the name of one field.
    #[error("{}the input has {} but the format has {}", inside(record), plural(*columns, "column"), plural(*fields, "field"))]
    ColumnCount {
        /// The dotted name of the record, or an empty string for the item.
        record: String,
        /// The number of columns.
        columns: u64,
        /// The number of fields of the record.
        fields: u64,
    },
    /// The values of a column cannot be converted to the type of the field.
    #[error("field `{}`: the column is {} but the field is {wanted}", escape(field), escape(found))]
    ColumnType {
        /// The dotted name of the field.
        field: String,
        /// The Arrow type of the column.
        found: String,
        /// The type of the field: `"a record"`, `"an array"`, or the name of a [`Type`](crate::Type).
        wanted: String,
    },
    /// The lists of a column have another length than the array.
    #[error("field `{}`: the column has lists of length {found} but the field has {}", escape(field), plural(*wanted, "element"))]
    ListType {
        /// The dotted name of the field.
        field: String,
        /// The length of the lists.
        found: i32,
        /// The number of elements of the array.
        wanted: u64,
    },
    /// A value is null, and only dates and durations have null values.
    #[error("item {item}: field `{}`: the value is null", escape(field))]
    Null {
        /// The index of the item. The first item has the index 0.
        item: u64,
        /// The dotted name of the field, with the indices of the element: `a.b[2]`.
        field: String,
    },
    /// A value cannot be written, for example because the number is out of range.
    #[error("item {item}: field `{}`: {kind}", escape(field))]
    Value {
        /// The index of the item. The first item has the index 0.
        item: u64,
        /// The dotted name of the field, with the indices of the element: `a.b[2]`.
        field: String,
        /// The reason. In a box, because a result with a large error is slow to return.
        kind: Box<EncodeErrorKind>,
    },
    /// A record batch has another schema than its encoder.
    #[error("the column of field `{}` does not have the type in the schema of the encoder", escape(field))]
    OtherSchema {
        /// The dotted name of the field.
        field: String,
    },
    /// The memory for the items has the wrong length.
    #[error(transparent)]
    Memory(#[from] EncodeErrorKind),
    /// The items cannot be decoded, no field or several fields have a name, or there is not enough memory.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl From<arrow_schema::ArrowError> for BatchError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Refused { message: alloc::string::ToString::to_string(&error) }
    }
}
