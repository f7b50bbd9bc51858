//! A `Py_buffer` as a stranger filled it in.

use alloc::boxed::Box;

/// The fields of a `Py_buffer`, with its names, believed by nobody.
///
/// Sizes and distances are in bytes. `None` is NULL. Entries of `shape` are numbers of items; the
/// three arrays should have `ndim` entries, and if they do not that is reported like anything else.
///
/// ```
/// use pep3118::{RawView, Request};
///
/// let raw = RawView {
///     len: 24,
///     itemsize: 4,
///     ndim: 2,
///     format: Some(b"<i"),
///     shape: Some(&[2, 3]),
///     strides: Some(&[12, 4]),
///     ..RawView::default()
/// };
/// let pep3118::Checked { report, view } = raw.check(Request::FULL_RO, None, None);
/// assert!(report.is_empty());
/// assert_eq!(view.unwrap().offset_of(&[1, 2]), Ok(20));
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `Py_buffer`; `internal` is left out, because it is nobody
/// else's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawView<'a> {
    /// The address of the first item, as a number; 0 is NULL, `None` if it was not recorded.
    pub buf: Option<u64>,
    /// What `obj` was.
    pub obj: Owner,
    /// Bytes of all items, laid out contiguously.
    pub len: i64,
    /// Bytes of one item.
    pub itemsize: i64,
    /// 0 or 1.
    pub readonly: i32,
    /// Number of dimensions.
    pub ndim: i32,
    /// The format without its terminating NUL.
    pub format: Option<&'a [u8]>,
    /// Items in each dimension.
    pub shape: Option<&'a [i64]>,
    /// Bytes from one item to the next in each dimension.
    pub strides: Option<&'a [i64]>,
    /// Where at least 0: after striding in that dimension, follow the pointer and add this many bytes.
    pub suboffsets: Option<&'a [i64]>,
}

/// What the field `obj` of a `Py_buffer` was, as far as it is known.
///
/// ```
/// use pep3118::{Owner, RawView, Request, RuleId};
/// let raw = RawView { obj: Owner::Null, len: 3, itemsize: 1, ndim: 1, ..RawView::default() };
/// assert!(raw.check(Request::SIMPLE, None, None).report.contains(RuleId::A01));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Not recorded: the rules about it are not checked.
    #[default]
    Unknown,
    /// An object. Which one, as a number that is only compared: an address does.
    Exporter(u64),
    /// NULL, after a request that succeeded.
    Null,
    /// NULL, in a temporary buffer that was never requested from an object: one that
    /// `PyBuffer_FillInfo` filled without an exporter, or that `PyMemoryView_FromBuffer` wraps.
    Temporary,
}

/// The block of memory that a buffer lies in.
///
/// ```
/// use pep3118::{Block, RawView, Request, RuleId};
///
/// let raw = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), strides: Some(&[-4]), ..RawView::default() };
/// // The first item is the last one in memory.
/// assert!(raw.check(Request::STRIDES, None, Some(Block { len: 12, offset: 8 })).report.is_empty());
/// let report = raw.check(Request::STRIDES, None, Some(Block { len: 12, offset: 4 })).report;
/// assert!(report.contains(RuleId::D06));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// Its length in bytes.
    pub len: i64,
    /// Bytes from its start to `buf`.
    pub offset: i64,
}

impl RawView<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn to_buf(&self) -> RawViewBuf {
        RawViewBuf {
            fixed: RawView { format: None, shape: None, strides: None, suboffsets: None, ..*self },
            format: self.format.map(Box::from),
            shape: self.shape.map(Box::from),
            strides: self.strides.map(Box::from),
            suboffsets: self.suboffsets.map(Box::from),
        }
    }

    /// Whether the items are reached through pointers in memory: some suboffset is not negative.
    pub(crate) fn is_indirect(&self) -> bool {
        self.suboffsets.is_some_and(|suboffsets| suboffsets.iter().any(|suboffset| *suboffset >= 0))
    }
}

/// A [`RawView`] that owns its arrays: a copy to keep after the buffer was released.
///
/// ```
/// use pep3118::RawView;
/// let raw = RawView { len: 3, itemsize: 1, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// assert_eq!(raw.to_buf().as_raw(), raw);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawViewBuf {
    /// All that is no array.
    fixed: RawView<'static>,
    format: Option<Box<[u8]>>,
    shape: Option<Box<[i64]>>,
    strides: Option<Box<[i64]>>,
    suboffsets: Option<Box<[i64]>>,
}

impl RawViewBuf {
    /// The same, borrowed.
    #[must_use]
    pub fn as_raw(&self) -> RawView<'_> {
        RawView {
            format: self.format.as_deref(),
            shape: self.shape.as_deref(),
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
            ..self.fixed
        }
    }
}

impl From<RawView<'_>> for RawViewBuf {
    fn from(raw: RawView<'_>) -> Self {
        raw.to_buf()
    }
}
