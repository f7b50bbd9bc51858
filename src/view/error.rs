//! Why there is no [`View`](super::View), no item and no rule of that name.

use alloc::boxed::Box;
use alloc::string::String;

use super::report::Finding;
use super::request::Request;
use super::rules::RuleId;
use crate::text::{escape, plural};

/// What cannot be done with a buffer or with a view of one.
///
/// ```
/// use pep3118::{RawView, Request, ViewError};
/// let raw = RawView { len: 3, itemsize: 1, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// let view = raw.check(Request::ND, None, None).into_result()?;
/// let error = view.offset_of(&[3]).unwrap_err();
/// assert_eq!(error, ViewError::IndexOutOfBounds { dimension: 0, index: 3, extent: 3 });
/// assert_eq!(error.to_string(), "index 3 is out of bounds for dimension 0 with 3 items");
/// # Ok::<(), pep3118::Report>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The first rule that a [`RawView`](super::RawView) breaks.
    #[error("{}: {}", finding.rule(), finding.message())]
    Rule {
        /// The breach.
        finding: Finding,
    },
    /// `offset_of(&[1])` in two dimensions.
    #[error("{} for ndim {ndim}", plural(*indices, "index"))]
    IndexCount {
        /// How many were given.
        indices: usize,
        /// How many there are.
        ndim: usize,
    },
    /// An index that is negative or past the extent.
    #[error("index {index} is out of bounds for dimension {dimension} with {extent} items")]
    IndexOutOfBounds {
        /// The dimension, from 0.
        dimension: usize,
        /// The index.
        index: i64,
        /// Its extent.
        extent: i64,
    },
    /// An offset was asked for where items are reached through pointers; ask for
    /// [`steps`](super::View::steps).
    #[error("items are reached through pointers: suboffsets is not NULL")]
    Indirect,
    /// More slices than dimensions.
    #[error("{slices} slices for ndim {ndim}")]
    SliceCount {
        /// How many were given.
        slices: usize,
        /// How many dimensions there are.
        ndim: usize,
    },
    /// A step of 0.
    #[error("slice step is 0 in dimension {dimension}")]
    SliceStep {
        /// The dimension, from 0.
        dimension: usize,
    },
    /// A slice that would move a suboffset below 0, where it no longer means a pointer.
    #[error("slice would move suboffsets[{dimension}] to {suboffset} bytes, less than 0")]
    SliceSuboffset {
        /// The dimension, from 0.
        dimension: usize,
        /// What it would be, in bytes.
        suboffset: i64,
    },
    /// A dimension whose pointer follows right after that of the dimension before it.
    #[error("dimension {dimension} cannot be dropped: two pointers would be followed one after the other")]
    PointerTwice {
        /// The dimension, from 0.
        dimension: usize,
    },
    /// A field of other items.
    #[error("a field at bytes {offset} to {end} of items of {itemsize} bytes")]
    FieldOutside {
        /// Its first byte.
        offset: u64,
        /// One past its last byte.
        end: u64,
        /// Bytes of an item.
        itemsize: i64,
    },
    /// More dimensions than a `Py_buffer` may have.
    #[error("{ndim} dimensions, more than 64")]
    Dimensions {
        /// How many there would be.
        ndim: usize,
    },
    /// A cast of items that do not lie one after the other.
    #[error("memory is not C-contiguous: its bytes are no row of other items")]
    NotContiguous,
    /// A cast of 24 bytes to items of 5.
    #[error("{len} bytes are not a whole number of items of {itemsize} bytes")]
    CastItems {
        /// Bytes that there are.
        len: i64,
        /// Bytes of an item.
        itemsize: i64,
    },
    /// A cast of 24 bytes to shape (2, 2) of items of 4.
    #[error("{len} bytes are not a shape of {shape:?} items of {itemsize} bytes")]
    CastShape {
        /// Bytes that there are.
        len: i64,
        /// Bytes of an item.
        itemsize: i64,
        /// Items in each dimension.
        shape: Box<[i64]>,
    },
    /// Axes that are no permutation of `0..ndim`.
    #[error("axes are no permutation of the {ndim} dimensions")]
    Axes {
        /// How many dimensions there are.
        ndim: usize,
    },
    /// `fill_contiguous_strides` into an array of another length.
    #[error("room for {strides} strides but shape has {shape} entries")]
    StridesLength {
        /// Entries of the array of strides.
        strides: usize,
        /// Entries of the shape.
        shape: usize,
    },
    /// Strides that do not fit `Py_ssize_t`.
    #[error("a stride does not fit Py_ssize_t")]
    StrideOverflow,
}

/// Why something is no request.
///
/// ```
/// use pep3118::Request;
/// assert!("STRIDED".parse::<Request>().is_ok());
/// let error = "0x100".parse::<Request>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "flags 0x100 are PyBUF_READ, which is for PyMemoryView_FromMemory and not for requests",
/// );
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// `0x100`
    #[error("flags {flags:#x} are PyBUF_READ, which is for PyMemoryView_FromMemory and not for requests")]
    Read {
        /// The flags.
        flags: i32,
    },
    /// `0x200`
    #[error("flags {flags:#x} have PyBUF_WRITE, which is for PyMemoryView_FromMemory and not for requests")]
    Write {
        /// The flags.
        flags: i32,
    },
    /// `0x10`: the bit of `STRIDES` without those of `ND`.
    #[error("flags {flags:#x} have only part of the bits of {flag}, {:#x}", flag.bits())]
    Partial {
        /// The flags.
        flags: i32,
        /// The flag of which there is a part.
        flag: Request,
    },
    /// `0x400`
    #[error("flags {flags:#x} have bits that are no flag: {unknown:#x}")]
    Unknown {
        /// The flags.
        flags: i32,
        /// The bits.
        unknown: i32,
    },
    /// `FULL_RW`
    #[error("`{}` is no request", escape(name))]
    Name {
        /// The name.
        name: String,
    },
}

impl RequestError {
    /// The rule that such flags break; none for a name that does not exist.
    #[must_use]
    pub const fn rule(&self) -> Option<RuleId> {
        match self {
            Self::Read { .. } | Self::Write { .. } => Some(RuleId::B18),
            Self::Partial { .. } | Self::Unknown { .. } => Some(RuleId::B17),
            Self::Name { .. } => None,
        }
    }
}

/// `Z99` is no rule.
///
/// ```
/// use pep3118::RuleId;
/// let error = "Z99".parse::<RuleId>().unwrap_err();
/// assert_eq!(error.to_string(), "`Z99` is no rule: ids go from A01 to T01");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no rule: ids go from {} to {}", escape(text), RuleId::A01, RuleId::T01)]
pub struct RuleIdError {
    pub(crate) text: String,
}
