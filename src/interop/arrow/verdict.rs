//! `Verdict`: states whether Arrow can share the memory of a field without a copy, and gives the reason.

use alloc::format;
use alloc::string::String;

use super::encoding::Encoding;
use crate::decode::Leaf;
use crate::endian::Endian;
use crate::layout::Field;

/// Whether Arrow can use the bytes of a field in contiguous items without a copy, and the reason.
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
    /// The dotted name of the field, such as `a.b`. If the item is not a record, the name is `value`.
    pub field: String,
    /// Whether [`batch_of_bytes`](super::Mapping::batch_of_bytes) can share the memory of the items with the
    /// batch. The memory must also be aligned for the type of the field.
    pub zero_copy: bool,
    /// The reason why `zero_copy` is `true` or `false`, such as "bytes are swapped: big-endian".
    pub reason: String,
}

impl Verdict {
    /// Decides whether Arrow can share the memory of `field`. `field` must not be a record. `name` is the dotted name
    /// of `field`. `leaf` is the entry of `field` in the decode plan. `encoding` is the Arrow type and conversion of
    /// `field`. `itemsize` is the size of an item in bytes. `is_only_leaf` is `true` if `field` is the only field of
    /// the item that is not a record.
    pub(super) fn of(
        name: String,
        field: Field<'_>,
        leaf: &Leaf,
        encoding: &Encoding,
        itemsize: usize,
        is_only_leaf: bool,
    ) -> Self {
        let bytes = leaf.shape().iter().fold(leaf.size(), |bytes, length| bytes.saturating_mul(*length));
        let reason = match encoding {
            _ if field.bit_field().is_some() => Some("the bits of each value are copied to an integer".into()),
            Encoding::Bool => Some("Arrow packs bools into bits".into()),
            Encoding::TrimmedBinary(_) => Some("the length of a byte string is found for each value".into()),
            Encoding::Text(_) => Some(format!("{} units are converted to UTF-8", field.ty())),
            Encoding::Utf8 { .. } => Some("the length of a text is found for each value".into()),
            Encoding::LongDouble { .. } => {
                Some("Arrow has no long double: its significant bytes are copied, least significant first".into())
            }
            Encoding::Number(_) | Encoding::Pair(_) | Encoding::Binary(_) => match field.endian() {
                Some(endian) if endian != Endian::HOST && leaf.size() > 1 => {
                    Some(format!("bytes are swapped: {}-endian", endian.as_str()))
                }
                _ if bytes == 0 => Some("there are no bytes".into()),
                _ if !is_only_leaf || bytes != itemsize || leaf.offset() != 0 => {
                    Some(format!("{bytes} of the {itemsize} bytes of an item: the values are not contiguous"))
                }
                _ => None,
            },
        };
        let zero_copy = reason.is_none();
        Self { field: name, zero_copy, reason: reason.unwrap_or_else(|| "native and contiguous".into()) }
    }
}
