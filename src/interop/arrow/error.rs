//! Why items do not become a record batch.

use alloc::string::String;

use crate::decode::DecodeError;

/// What has no place in a record batch.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// `(2147483648)B`, or text of as many bytes: Arrow counts these in 31 bits.
    #[error("field `{field}` has {extent} {unit} but Arrow counts up to 2147483647")]
    TooLong {
        /// The dotted name.
        field: String,
        /// How many there are.
        extent: u64,
        /// What was counted: `"elements"`, `"bytes"`.
        unit: &'static str,
    },
    /// A lone surrogate in `u`, the byte 0xff in `s` that was asked for as text.
    #[error("field `{field}`: value {index} is no Unicode text")]
    Text {
        /// The dotted name.
        field: String,
        /// Which of the field's values, from 0.
        index: u64,
    },
    /// Columns of other fields, or of another number of records, than the mapping's.
    #[error("column {index} is not that of field `{field}` for {items} records")]
    Column {
        /// Which column, from 0.
        index: u64,
        /// The field that it should be.
        field: String,
        /// The records.
        items: u64,
    },
    /// What Arrow's own checks say.
    #[error("Arrow refuses the data: {message}")]
    Refused {
        /// In its words.
        message: String,
    },
    /// What cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl From<arrow_schema::ArrowError> for BatchError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Refused { message: alloc::string::ToString::to_string(&error) }
    }
}
