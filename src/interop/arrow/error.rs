//! `BatchError`: the error of a conversion of items to an Arrow record batch.

use alloc::string::String;

use crate::decode::DecodeError;
use crate::text::escape;

/// The error of a conversion of items to an Arrow record batch.
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
    /// A value is not Unicode text. Examples: a lone surrogate in a `u`, and the byte 0xff in a byte string
    /// that the caller maps to text.
    #[error("field `{}`: value {index} is not Unicode text", escape(field))]
    Text {
        /// The dotted name of the field, such as `a.b`.
        field: String,
        /// The index of the value. The first value has the index 0.
        index: u64,
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
    /// The items cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl From<arrow_schema::ArrowError> for BatchError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Refused { message: alloc::string::ToString::to_string(&error) }
    }
}
