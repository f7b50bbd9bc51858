//! `Query`: the input of a model. `ReadResult`: its result.

use alloc::string::String;

use super::consumer_layout::ConsumerLayout;
use pep3118::abi::DataModel;

/// The input of a model: a format and the itemsize of its buffer.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) format: &'a [u8],
    /// The itemsize of the buffer in bytes. `None` means that the itemsize is unknown.
    pub(super) itemsize: Option<u64>,
    /// The size in bytes of the item that the format describes. `None` means that the format has no
    /// interpretation.
    pub(super) described_size: Option<u64>,
    pub(super) model: &'a DataModel,
}

impl Query<'_> {
    /// Returns the itemsize of the buffer in bytes. If the itemsize is unknown, returns the size that the
    /// format describes. Returns `None` if neither is known.
    pub(super) fn itemsize_or_described(&self) -> Option<u64> {
        self.itemsize.or(self.described_size)
    }
}

/// The result of a model: a layout, or the reason why the consumer refuses the format.
pub(super) type ReadResult = Result<Accepted, String>;

/// A format that a consumer accepts, with the layout that the consumer reads.
pub(super) struct Accepted {
    pub(super) layout: ConsumerLayout,
    /// A condition under which the layout is read, or a loss that does not change values.
    pub(super) note: Option<&'static str>,
}

impl From<ConsumerLayout> for Accepted {
    fn from(layout: ConsumerLayout) -> Self {
        Self { layout, note: None }
    }
}
