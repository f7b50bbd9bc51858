//! The interface of the models: the input of a model, and its result.

use alloc::string::String;

use super::consumer_layout::ConsumerLayout;
use pep3118::abi::DataModel;

/// The input of a model: a format and the itemsize of its buffer.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) format: &'a [u8],
    /// The itemsize of the buffer in bytes, if it is known.
    pub(super) itemsize: Option<u64>,
    /// The size that the format describes, if it is valid.
    pub(super) natural: Option<u64>,
    pub(super) model: &'a DataModel,
}

impl Query<'_> {
    /// The itemsize of the buffer; if it is unknown, the size that the format describes.
    pub(super) fn itemsize_or_natural(&self) -> Option<u64> {
        self.itemsize.or(self.natural)
    }
}

/// The result of a model: the layout that the consumer reads, or the reason of a refusal.
pub(super) type ReadResult = Result<Accepted, String>;

/// A format that a consumer accepts.
pub(super) struct Accepted {
    pub(super) layout: ConsumerLayout,
    /// A condition, or a loss that is not a wrong value.
    pub(super) note: Option<&'static str>,
}

impl From<ConsumerLayout> for Accepted {
    fn from(layout: ConsumerLayout) -> Self {
        Self { layout, note: None }
    }
}
