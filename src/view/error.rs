//! `ViewError`: the error of an operation on a buffer or a view.

use alloc::boxed::Box;

use super::message::{bytes, tuple};
use super::report::Finding;
use crate::text::{plural, plural_is};

/// The error of an operation on a buffer or a [`View`](super::View). In most variants, an argument of the operation
/// does not fit the view.
///
/// ```
/// use pep3118::{RawView, Request, ViewError};
/// let raw = RawView { len: 3, itemsize: 1, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// let view = raw.check(Request::ND, None, None).into_result()?;
/// let error = view.offset_of(&[3]).unwrap_err();
/// assert_eq!(error, ViewError::IndexOutOfBounds { dimension: 0, index: 3, length: 3 });
/// assert_eq!(error.to_string(), "index 3 is out of bounds for dimension 0 with 3 items");
/// # Ok::<(), pep3118::Report>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ViewError {
    /// A chunk whose length is not positive.
    #[error("a chunk of {len} indices, but a chunk has at least 1")]
    ChunkLength {
        /// The requested number of indices.
        len: i64,
    },
    /// The buffer breaks a rule of severity `Error`, so there is no view.
    #[error("{}: {}", finding.rule(), finding.message())]
    Rule {
        /// The first violation of severity `Error` that the check found.
        finding: Finding,
    },
    /// The number of indices is not `ndim`: `offset_of(&[1])` in two dimensions. Also a dimension that the view does
    /// not have: `select(2, 0)` in two dimensions, `split_at` without dimensions.
    #[error("{} for ndim {ndim}", plural(*indices, "index"))]
    IndexCount {
        /// The number of indices, or the number of dimensions that the operation needs.
        indices: usize,
        /// The number of dimensions.
        ndim: usize,
    },
    /// An index is negative, or is at least the length of its dimension. `split_at` also accepts the length itself.
    #[error("index {index} is out of bounds for dimension {dimension} with {}", plural(*length, "item"))]
    IndexOutOfBounds {
        /// The dimension of the index. The first dimension is 0.
        dimension: usize,
        /// The rejected index.
        index: i64,
        /// The number of items in the dimension.
        length: i64,
    },
    /// The view has suboffsets, so the items have no fixed offset from `buf`. Use
    /// [`steps`](super::View::steps).
    #[error("suboffsets is not NULL: the items have no offset from buf")]
    Indirect,
    /// There are more slices than dimensions.
    #[error("{} for ndim {ndim}", plural(*slices, "slice"))]
    SliceCount {
        /// The number of slices.
        slices: usize,
        /// The number of dimensions.
        ndim: usize,
    },
    /// The step of a slice is 0.
    #[error("slice step is 0 in dimension {dimension}")]
    SliceStep {
        /// The dimension of the slice. The first dimension is 0.
        dimension: usize,
    },
    /// A slice or `select` would make a suboffset negative. A negative suboffset would mean that the dimension has no
    /// pointer.
    #[error("slice would move suboffsets[{dimension}] to {}, less than 0", bytes(*suboffset))]
    SliceSuboffset {
        /// The dimension of the suboffset. The first dimension is 0.
        dimension: usize,
        /// The value in bytes that the suboffset would have.
        suboffset: i64,
    },
    /// `select` would create a dimension with two pointers, because the selected dimension and the preceding dimension
    /// have pointers.
    #[error("dimension {dimension} cannot be dropped: the dimension before it would have two pointers")]
    PointerTwice {
        /// The dimension of the index. The first dimension is 0.
        dimension: usize,
    },
    /// A field is not completely inside of the item.
    #[error("a field at bytes {offset} to {end} is outside of items of {}", bytes(*itemsize))]
    FieldOutside {
        /// The offset in the item of the first byte of the field.
        offset: u64,
        /// The offset in the item one past the last byte of the field.
        end: u64,
        /// The size of an item in bytes.
        itemsize: i64,
    },
    /// The result would have more than 64 dimensions, the maximum of a `Py_buffer`.
    #[error("{ndim} dimensions are more than PyBUF_MAX_NDIM, 64")]
    Dimensions {
        /// The number of dimensions that the result would have.
        ndim: usize,
    },
    /// The memory is not C-contiguous, which a cast requires.
    #[error("memory is not C-contiguous: its bytes cannot be cast to other items")]
    NotContiguous,
    /// The size of the memory is not a multiple of the new itemsize. Example: a cast of 24 bytes to items of
    /// 5 bytes.
    #[error("{} not a multiple of the {itemsize}-byte item size", plural_is(*len, "byte"))]
    CastItems {
        /// The size of the memory in bytes.
        len: i64,
        /// The new itemsize in bytes.
        itemsize: i64,
    },
    /// The size of the memory is not the size of the new shape. Example: a cast of 24 bytes to shape (2, 2)
    /// of 4-byte items.
    #[error("{} cannot be cast to shape {} of {itemsize}-byte items", bytes(*len), tuple(shape))]
    CastShape {
        /// The size of the memory in bytes.
        len: i64,
        /// The new itemsize in bytes.
        itemsize: i64,
        /// The number of items in each dimension of the new shape.
        shape: Box<[i64]>,
    },
    /// The axes of a transposition are not a permutation of `0..ndim`.
    #[error("axes are not a permutation of {}", plural(*ndim, "dimension"))]
    Axes {
        /// The number of dimensions of the view.
        ndim: usize,
    },
    /// The arguments `strides` and `shape` have different lengths.
    #[error("strides has {strides} elements but shape has {shape}")]
    StridesLength {
        /// The number of entries of `strides`.
        strides: usize,
        /// The number of entries of `shape`.
        shape: usize,
    },
    /// A stride of a contiguous array does not fit `Py_ssize_t`.
    #[error("a stride does not fit Py_ssize_t")]
    StrideOverflow,
}
