//! The input of a model ([`Query`]) and the result of a model ([`ReadResult`], which contains [`Accepted`] or the
//! reason of a refusal).

use alloc::string::String;

use super::consumer_layout::ConsumerLayout;
use pep3118::abi::DataModel;

/// The input of a model: a format, the itemsize of the buffer, and the machine of the consumer.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    /// The format. The format of a buffer does not include the terminating NUL.
    pub(super) format: &'a [u8],
    /// The itemsize of the buffer in bytes. `None` means that the itemsize is unknown.
    pub(super) itemsize: Option<u64>,
    /// The size in bytes of the item that the format describes. `None` means that the format describes no
    /// item.
    pub(super) described_size: Option<u64>,
    /// The byte order and the C type sizes of the consumer's machine.
    pub(super) model: &'a DataModel,
}

impl Query<'_> {
    /// Returns the itemsize of the buffer in bytes. If the itemsize is unknown, returns the size that the
    /// format describes. Returns `None` if the itemsize is unknown and the format describes no item.
    pub(super) fn itemsize_or_described(&self) -> Option<u64> {
        self.itemsize.or(self.described_size)
    }
}

/// The result of a model: the layout that the consumer reads, or the reason why the consumer refuses the format.
pub(super) type ReadResult = Result<Accepted, String>;

/// The answer of a consumer that accepts a format: the layout that the consumer reads, and a note.
pub(super) struct Accepted {
    /// The layout of an item as the consumer reads it.
    pub(super) layout: ConsumerLayout,
    /// A condition or a loss of information that does not change the values, such as `"the type is lost"`. `None`
    /// without a condition or a loss.
    pub(super) note: Option<&'static str>,
}

impl From<ConsumerLayout> for Accepted {
    fn from(layout: ConsumerLayout) -> Self {
        Self { layout, note: None }
    }
}
