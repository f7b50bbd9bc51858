//! Whether a field's bytes are Arrow's.

use alloc::format;
use alloc::string::String;

use super::cells::Cells;
use crate::decode::Leaf;
use crate::endian::Endian;
use crate::layout::Field;

/// Whether the bytes of items that lie one after the other are those of an Arrow array.
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
    /// The dotted name of the field; `value` for an item that is no record.
    pub field: String,
    /// Whether [`batch_of_bytes`](super::Mapping::batch_of_bytes) shares the memory of the items,
    /// provided that it is aligned.
    pub zero_copy: bool,
    /// Why, or why not.
    pub reason: String,
}

impl Verdict {
    /// `single`: the item has no other field.
    pub(super) fn of(
        name: String,
        field: Field<'_>,
        leaf: &Leaf,
        cells: &Cells,
        itemsize: usize,
        single: bool,
    ) -> Self {
        let bytes = leaf.shape().iter().fold(leaf.size(), |bytes, extent| bytes.saturating_mul(*extent));
        let reason = match cells {
            Cells::Bool => Some("Arrow packs bools into bits".into()),
            Cells::Text => Some(format!("UTF-8 is made of {} units", field.ty())),
            Cells::Utf8 { .. } => Some("text was asked for: its length is found value by value".into()),
            Cells::LongDouble { .. } => {
                Some("Arrow has no long double: its significant bytes are copied, least significant first".into())
            }
            Cells::Number(_) | Cells::Pair(_) | Cells::Binary(_) => match field.endian() {
                Some(endian) if endian != Endian::HOST && leaf.size() > 1 => {
                    Some(format!("bytes are swapped: {}-endian", endian.as_str()))
                }
                _ if bytes == 0 => Some("there are no bytes".into()),
                _ if !single || bytes != itemsize || leaf.offset() != 0 => {
                    Some(format!("{bytes} of the {itemsize} bytes of an item, so values lie apart"))
                }
                _ => None,
            },
        };
        let zero_copy = reason.is_none();
        Self { field: name, zero_copy, reason: reason.unwrap_or_else(|| "native and contiguous".into()) }
    }
}
