//! `MemoryTraits`: the properties of an exporter's memory, which decide the requests that the exporter may refuse (B23,
//! allowed refusals). `RefusalReason`: the reason for an allowed refusal.

use super::contiguity::Order;
use super::raw::RawView;
use super::request::Request;

/// The properties of an exporter's memory. These properties decide which requests the exporter may refuse.
///
/// ```
/// use pep3118::{RawView, Request};
/// use pep3118::view::{MemoryTraits, RefusalReason};
///
/// // The buffer has every second byte of a bytes object.
/// let raw = RawView {
///     len: 3, itemsize: 1, readonly: 1, ndim: 1, shape: Some(&[3]), strides: Some(&[2]), ..RawView::default()
/// };
/// let memory = MemoryTraits::of(&raw);
/// assert_eq!(memory.refusal_reason(Request::STRIDES), None);
/// assert_eq!(memory.refusal_reason(Request::ND), Some(RefusalReason::StridesNeeded));
/// assert_eq!(memory.refusal_reason(Request::STRIDED), Some(RefusalReason::ReadOnly));
/// ```
///
/// Spec: CPython `Lib/test/test_buffer.py`, `verify_getbuf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MemoryTraits {
    /// Whether the memory is read-only.
    pub readonly: bool,
    /// Whether the items are contiguous in C order: the last index varies fastest.
    pub c_contiguous: bool,
    /// Whether the items are contiguous in Fortran order: the first index varies fastest.
    pub f_contiguous: bool,
    /// Whether the access to an item must read pointers, because the buffer has suboffsets.
    pub indirect: bool,
}

/// The reason why an exporter may refuse a request.
///
/// ```
/// use pep3118::Request;
/// use pep3118::view::{MemoryTraits, RefusalReason};
/// let constant = MemoryTraits { readonly: true, c_contiguous: true, f_contiguous: true, indirect: false };
/// assert_eq!(constant.refusal_reason(Request::WRITABLE), Some(RefusalReason::ReadOnly));
/// assert_eq!(constant.refusal_reason(Request::SIMPLE), None);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum RefusalReason {
    /// The request has `FORMAT` but no structural flag such as `ND`.
    FormatAlone,
    /// The request has `WRITABLE`, but the memory is read-only.
    ReadOnly,
    /// The request has a contiguity flag, but the memory does not have this contiguity.
    NotContiguous,
    /// The access to an item must read pointers, but the request has no `INDIRECT`.
    SuboffsetsNeeded,
    /// The memory is not C-contiguous, but the request has no `STRIDES`.
    StridesNeeded,
}

impl MemoryTraits {
    /// Returns the properties of the memory that `raw` describes. `raw` should be the answer to `FULL_RO`,
    /// because an answer to another request can have NULL instead of strides or suboffsets.
    #[must_use]
    pub fn of(raw: &RawView<'_>) -> Self {
        Self {
            readonly: raw.readonly != 0,
            c_contiguous: raw.is_contiguous(Order::C),
            f_contiguous: raw.is_contiguous(Order::Fortran),
            indirect: raw.suboffsets.is_some(),
        }
    }

    /// Returns the reason why the exporter may refuse `request`. Returns the first of several reasons, in the order of
    /// [`RefusalReason`]. Returns `None` if the exporter must serve `request`.
    #[must_use]
    pub fn refusal_reason(self, request: Request) -> Option<RefusalReason> {
        let has_contiguity = match request.structure().contiguity() {
            Some(Order::C) => self.c_contiguous,
            Some(Order::Fortran) => self.f_contiguous,
            Some(Order::Any) => self.c_contiguous || self.f_contiguous,
            None => true,
        };
        if request.contains(Request::FORMAT) && !request.contains(Request::ND) {
            Some(RefusalReason::FormatAlone)
        } else if request.contains(Request::WRITABLE) && self.readonly {
            Some(RefusalReason::ReadOnly)
        } else if !has_contiguity {
            Some(RefusalReason::NotContiguous)
        } else if self.indirect && !request.contains(Request::INDIRECT) {
            Some(RefusalReason::SuboffsetsNeeded)
        } else if !self.c_contiguous && !request.contains(Request::STRIDES) {
            Some(RefusalReason::StridesNeeded)
        } else {
            None
        }
    }
}
