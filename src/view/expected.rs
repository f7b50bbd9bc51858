//! Which requests an exporter must serve (B23).

use core::fmt;

use super::geometry::Order;
use super::raw::RawView;
use super::request::{Request, Structure};
use super::rules::RuleId;

/// What decides which requests can be served: the memory of an exporter.
///
/// ```
/// use pep3118::{RawView, Request};
/// use pep3118::view::{RefusalReason, MemoryTraits};
///
/// // Every second byte of a bytes object.
/// let raw = RawView {
///     len: 3, itemsize: 1, readonly: 1, ndim: 1, shape: Some(&[3]), strides: Some(&[2]), ..RawView::default()
/// };
/// let subject = MemoryTraits::of(&raw);
/// assert_eq!(subject.obstacle(Request::STRIDES), None);
/// assert_eq!(subject.obstacle(Request::ND), Some(RefusalReason::StridesNeeded));
/// assert_eq!(subject.obstacle(Request::STRIDED), Some(RefusalReason::ReadOnly));
/// ```
///
/// Spec: CPython `Lib/test/test_buffer.py`, `verify_getbuf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryTraits {
    /// It cannot be written to.
    pub readonly: bool,
    /// It is contiguous, the last index fastest.
    pub c_contiguous: bool,
    /// It is contiguous, the first index fastest.
    pub f_contiguous: bool,
    /// The items are reached through pointers.
    pub indirect: bool,
}

/// Why a request may fail.
///
/// ```
/// use pep3118::Request;
/// use pep3118::view::{RefusalReason, MemoryTraits};
/// let constant = MemoryTraits { readonly: true, c_contiguous: true, f_contiguous: true, indirect: false };
/// assert_eq!(constant.obstacle(Request::WRITABLE), Some(RefusalReason::ReadOnly));
/// assert_eq!(constant.obstacle(Request::SIMPLE), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// `FORMAT` without a structure.
    FormatAlone,
    /// `WRITABLE` on read-only memory.
    ReadOnly,
    /// The order that was asked for is not there.
    NotContiguous,
    /// The items are reached through pointers, and `INDIRECT` was not asked for.
    SuboffsetsNeeded,
    /// The memory is not C-contiguous, and `STRIDES` was not asked for.
    StridesNeeded,
}

impl MemoryTraits {
    /// That of the fullest answer an exporter gives.
    #[must_use]
    pub fn of(raw: &RawView<'_>) -> Self {
        Self {
            readonly: raw.readonly != 0,
            c_contiguous: raw.is_contiguous(Order::C),
            f_contiguous: raw.is_contiguous(Order::Fortran),
            indirect: raw.suboffsets.is_some(),
        }
    }

    /// Why the request may fail; `None` if it must succeed.
    #[must_use]
    pub fn obstacle(self, request: Request) -> Option<RefusalReason> {
        let (c, f) = (self.c_contiguous, self.f_contiguous);
        let ordered = match request.structure() {
            Structure::CContiguous => c,
            Structure::FContiguous => f,
            Structure::AnyContiguous => c || f,
            _ => true,
        };
        if request.contains(Request::FORMAT) && !request.contains(Request::ND) {
            Some(RefusalReason::FormatAlone)
        } else if request.contains(Request::WRITABLE) && self.readonly {
            Some(RefusalReason::ReadOnly)
        } else if !ordered {
            Some(RefusalReason::NotContiguous)
        } else if self.indirect && !request.contains(Request::INDIRECT) {
            Some(RefusalReason::SuboffsetsNeeded)
        } else if !c && !request.contains(Request::STRIDES) {
            Some(RefusalReason::StridesNeeded)
        } else {
            None
        }
    }
}

/// Why memory is contiguous: the rule that says so.
///
/// ```
/// use pep3118::RuleId;
/// use pep3118::view::Contiguity;
/// assert_eq!(Contiguity::Empty.rule(), RuleId::C02);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Contiguity {
    /// C02: there is no byte.
    Empty,
    /// C03: there are no strides.
    NoStrides,
    /// C04: the strides that differ have no say.
    Relaxed,
    /// C05: there is one item.
    Scalar,
    /// C06: the items of one dimension adjoin.
    OneDimension,
    /// C07: the items adjoin in the order.
    Dimensions,
}

impl Contiguity {
    /// The rule.
    #[must_use]
    pub const fn rule(self) -> RuleId {
        match self {
            Self::Empty => RuleId::C02,
            Self::NoStrides => RuleId::C03,
            Self::Relaxed => RuleId::C04,
            Self::Scalar => RuleId::C05,
            Self::OneDimension => RuleId::C06,
            Self::Dimensions => RuleId::C07,
        }
    }

    /// Why the buffer is contiguous, which it must be.
    pub(crate) fn of(raw: &RawView<'_>) -> Self {
        let (shape, strides) = (raw.shape.unwrap_or_default(), raw.strides.unwrap_or_default());
        if raw.len == 0 {
            Self::Empty
        } else if raw.ndim == 0 {
            Self::Scalar
        } else if raw.strides.is_none() {
            Self::NoStrides
        } else if is_strict(shape.iter().zip(strides), raw.itemsize)
            || is_strict(shape.iter().zip(strides).rev(), raw.itemsize)
        {
            if raw.ndim == 1 { Self::OneDimension } else { Self::Dimensions }
        } else {
            Self::Relaxed
        }
    }
}

/// Whether every stride follows from the ones before, those without a say included.
fn is_strict<'a>(mut axes: impl Iterator<Item = (&'a i64, &'a i64)>, itemsize: i64) -> bool {
    let mut expected = Some(itemsize);
    axes.all(|(extent, stride)| {
        let fits = expected == Some(*stride);
        expected = expected.and_then(|expected| expected.checked_mul(*extent));
        fits
    })
}

impl fmt::Display for Contiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "len is 0",
            Self::NoStrides => "strides is NULL",
            Self::Relaxed => "the strides that differ belong to dimensions of one item",
            Self::Scalar => "ndim is 0",
            Self::OneDimension => "the items of its one dimension adjoin",
            Self::Dimensions => "the items adjoin in every dimension",
        })
    }
}
