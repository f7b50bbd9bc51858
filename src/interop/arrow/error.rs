//! `BatchError`: items that cannot be converted to a record batch.

use alloc::string::String;

use crate::decode::DecodeError;
use crate::text::escape;

/// The error of a conversion to a record batch.
///
/// ```
/// use pep3118::arrow::{BatchError, Mapping};
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{<2u:name:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// // A surrogate without its other half.
/// let error = Mapping::new(&layout)?.batch_of_bytes(vec![0x00_u8, 0xd8, 0x41, 0x00].into()).unwrap_err();
/// assert_eq!(error, BatchError::Text { field: "name".into(), index: 0 });
/// assert_eq!(error.to_string(), "field `name`: value 0 is not Unicode text");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// `(2147483648)B`, or text of that many bytes: Arrow counts elements and bytes with 31 bits.
    #[error("field `{}` has {extent} {unit} but Arrow counts up to 2147483647", escape(field))]
    TooLong {
        /// The dotted name.
        field: String,
        /// The number of elements or bytes.
        extent: u64,
        /// The unit of `extent`: `"elements"`, `"bytes"`.
        unit: &'static str,
    },
    /// A lone surrogate in `u`; the byte 0xff in `s` that the caller wants as text.
    #[error("field `{}`: value {index} is not Unicode text", escape(field))]
    Text {
        /// The dotted name.
        field: String,
        /// The index of the value, from 0.
        index: u64,
    },
    /// A column of another field or of another number of records than the mapping expects.
    #[error("column {index} is not that of field `{}` for {items} records", escape(field))]
    Column {
        /// The index of the column, from 0.
        index: u64,
        /// The expected field; empty if the mapping has no such column.
        field: String,
        /// The number of records.
        items: u64,
    },
    /// An error of Arrow's own checks.
    #[error("Arrow refuses the data: {message}")]
    Refused {
        /// The message of Arrow.
        message: String,
    },
    /// Items that cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl From<arrow_schema::ArrowError> for BatchError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Refused { message: alloc::string::ToString::to_string(&error) }
    }
}
