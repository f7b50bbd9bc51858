//! Why items do not become a record batch.

use alloc::string::String;

use crate::decode::DecodeError;
use crate::text::escape;

/// What has no place in a record batch.
///
/// ```
/// use pep3118::arrow::{BatchError, Mapping};
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{<2u:name:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// // A surrogate without its other half.
/// let error = Mapping::new(&layout)?.batch_of_bytes(vec![0x00_u8, 0xd8, 0x41, 0x00].into()).unwrap_err();
/// assert_eq!(error, BatchError::Text { field: "name".into(), index: 0 });
/// assert_eq!(error.to_string(), "field `name`: value 0 is no Unicode text");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// `(2147483648)B`, or text of as many bytes: Arrow counts these in 31 bits.
    #[error("field `{}` has {extent} {unit} but Arrow counts up to 2147483647", escape(field))]
    TooLong {
        /// The dotted name.
        field: String,
        /// How many there are.
        extent: u64,
        /// What was counted: `"elements"`, `"bytes"`.
        unit: &'static str,
    },
    /// A lone surrogate in `u`, the byte 0xff in `s` that was asked for as text.
    #[error("field `{}`: value {index} is no Unicode text", escape(field))]
    Text {
        /// The dotted name.
        field: String,
        /// Which of the field's values, from 0.
        index: u64,
    },
    /// Columns of other fields, or of another number of records, than the mapping's.
    #[error("column {index} is not that of field `{}` for {items} records", escape(field))]
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
