//! `Verdict`: whether a field is shared with Arrow without a copy, and why.

use alloc::format;
use alloc::string::String;

use super::cells::Cells;
use crate::decode::Leaf;
use crate::endian::Endian;
use crate::layout::Field;

/// Whether the bytes of a field in contiguous items are those of an Arrow array.
///
/// ```
/// use pep3118::arrow::Mapping;
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b">i", &Dialect::STRUCT, &DataModel::LP64)?;
/// let mapping = Mapping::new(&layout)?;
/// let verdicts = mapping.verdicts();
/// assert_eq!((verdicts[0].zero_copy, verdicts[0].reason.as_str()), (false, "bytes are swapped: big-endian"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The dotted name of the field; `value` for an item that is not a record.
    pub field: String,
    /// Whether [`batch_of_bytes`](super::Mapping::batch_of_bytes) shares the memory of the items if it is
    /// aligned.
    pub zero_copy: bool,
    /// The reason of the decision.
    pub reason: String,
}

impl Verdict {
    /// Decides for a field. `single` means that the item has no other field.
    pub(super) fn of(
        name: String,
        field: Field<'_>,
        leaf: &Leaf,
        cells: &Cells,
        itemsize: usize,
        single: bool,
    ) -> Self {
        let bytes = leaf.shape().iter().fold(leaf.size(), |bytes, length| bytes.saturating_mul(*length));
        let reason = match cells {
            Cells::Bool => Some("Arrow packs bools into bits".into()),
            Cells::Text => Some(format!("{} units are converted to UTF-8", field.ty())),
            Cells::Utf8 { .. } => Some("the length of a text is found for each value".into()),
            Cells::LongDouble { .. } => {
                Some("Arrow has no long double: its significant bytes are copied, least significant first".into())
            }
            Cells::Number(_) | Cells::Pair(_) | Cells::Binary(_) => match field.endian() {
                Some(endian) if endian != Endian::HOST && leaf.size() > 1 => {
                    Some(format!("bytes are swapped: {}-endian", endian.as_str()))
                }
                _ if bytes == 0 => Some("there are no bytes".into()),
                _ if !single || bytes != itemsize || leaf.offset() != 0 => {
                    Some(format!("{bytes} of the {itemsize} bytes of an item: the values are not contiguous"))
                }
                _ => None,
            },
        };
        let zero_copy = reason.is_none();
        Self { field: name, zero_copy, reason: reason.unwrap_or_else(|| "native and contiguous".into()) }
    }
}
