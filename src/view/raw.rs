//! `RawView` and `RawViewBuf`: the fields of a `Py_buffer` before validation, with borrowed or owned arrays. `Block`:
//! the memory around the items. `FieldName` and `MetadataValue`: the name and the value of a field, for messages.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::message::{abridged, tuple};
use crate::named::named_enum;

/// The fields of a `Py_buffer`, without validation.
///
/// In `format`, `shape`, `strides` and `suboffsets`, `None` means NULL. In `buf`, `Some(0)` means NULL. `shape`,
/// `strides` and `suboffsets` should have `ndim` entries. A check reports an array with another number of entries (A16,
/// entries of the arrays).
///
/// ```
/// use pep3118::{Checked, RawView, Request};
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
/// let Checked { report, view } = raw.check(Request::FULL_RO, None, None);
/// assert!(report.is_empty());
/// assert_eq!(view.unwrap().offset_of(&[1, 2]), Ok(20));
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `Py_buffer`. `RawView` has no field `internal`, because only the
/// exporter uses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RawView<'a> {
    /// The address of the first item, as a number. `Some(0)` means NULL. `None` means that the address was not
    /// recorded, so that rules about `buf` are left out.
    pub buf: Option<u64>,
    /// The exporter, which is the object that owns the memory.
    pub obj: Owner,
    /// The size in bytes of all items together, without the gaps between items.
    pub len: i64,
    /// The size of one item in bytes.
    pub itemsize: i64,
    /// 1 if the memory is read-only, 0 if the memory is writable.
    pub readonly: i32,
    /// The number of dimensions.
    pub ndim: i32,
    /// The format without its terminating NUL.
    pub format: Option<&'a [u8]>,
    /// The number of items in each dimension.
    pub shape: Option<&'a [i64]>,
    /// The distance in bytes from one item to the next, for each dimension.
    pub strides: Option<&'a [i64]>,
    /// The number of bytes that a consumer adds to the pointer of each dimension. A negative entry means that the
    /// dimension has no pointer.
    pub suboffsets: Option<&'a [i64]>,
}

/// The field `obj` of a `Py_buffer`.
///
/// ```
/// use pep3118::{Owner, RawView, Request, RuleId};
/// let raw = RawView { obj: Owner::Null, len: 3, itemsize: 1, ndim: 1, ..RawView::default() };
/// assert!(raw.check(Request::SIMPLE, None, None).report.contains(RuleId::A01));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Owner {
    /// The field was not recorded. A check then leaves out the rules about `obj`.
    #[default]
    Unknown,
    /// An object, identified by a number such as its address. Checks only compare the numbers of two objects.
    Exporter(u64),
    /// NULL, which breaks a rule after a successful request (A01, `obj` after success).
    Null,
    /// NULL in a temporary buffer, which `PyBuffer_FillInfo` or `PyMemoryView_FromBuffer` creates without an
    /// exporter.
    Temporary,
}

/// The position of a buffer in the block of memory that contains the items.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Block {
    /// The length of the block in bytes.
    pub len: i64,
    /// The distance in bytes from the start of the block to `buf`.
    pub offset: i64,
}

impl RawView<'_> {
    /// Copies the fields, the arrays and the format to a struct that owns the copies.
    ///
    /// ```
    /// use pep3118::RawView;
    /// let raw = RawView { len: 4, itemsize: 4, ndim: 1, shape: Some(&[1]), ..RawView::default() };
    /// assert_eq!(raw.to_buf().as_raw(), raw);
    /// ```
    #[must_use]
    pub fn to_buf(&self) -> RawViewBuf {
        RawViewBuf {
            scalars: RawView { format: None, shape: None, strides: None, suboffsets: None, ..*self },
            format: self.format.map(Box::from),
            shape: self.shape.map(Box::from),
            strides: self.strides.map(Box::from),
            suboffsets: self.suboffsets.map(Box::from),
        }
    }

    /// Returns whether the access to an item must read a pointer: at least one suboffset is not negative.
    pub(crate) fn is_indirect(&self) -> bool {
        self.suboffsets.is_some_and(|suboffsets| suboffsets.iter().any(|suboffset| *suboffset >= 0))
    }
}

/// A [`RawView`] with owned arrays, which can be used after the buffer was released.
///
/// ```
/// use pep3118::RawView;
/// let raw = RawView { len: 3, itemsize: 1, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// assert_eq!(raw.to_buf().as_raw(), raw);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RawViewBuf {
    /// The fields that are not arrays. `format`, `shape`, `strides` and `suboffsets` of this struct are always
    /// `None`.
    scalars: RawView<'static>,
    format: Option<Box<[u8]>>,
    shape: Option<Box<[i64]>>,
    strides: Option<Box<[i64]>>,
    suboffsets: Option<Box<[i64]>>,
}

impl RawViewBuf {
    /// Creates a `RawViewBuf` from one triple for each dimension: the number of items, the stride in bytes and the
    /// suboffset in bytes. A negative suboffset means that the dimension has no pointer. If no dimension has a pointer,
    /// the field `suboffsets` is NULL. If `dimensions` is empty, all arrays are NULL. The format and the other fields
    /// come from `fields`. The function ignores `ndim` and the arrays of `fields`.
    ///
    /// ```
    /// use pep3118::{RawView, RawViewBuf, Request};
    /// let fields = RawView { len: 24, itemsize: 4, format: Some(b"<i"), ..RawView::default() };
    /// let raw = RawViewBuf::from_dimensions(fields, [(2, 12, -1), (3, 4, -1)]);
    /// assert_eq!((raw.as_raw().shape, raw.as_raw().strides), (Some(&[2, 3][..]), Some(&[12, 4][..])));
    /// assert!(raw.as_raw().check(Request::FULL_RO, None, None).report.is_empty());
    /// ```
    #[must_use]
    pub fn from_dimensions(fields: RawView<'_>, dimensions: impl IntoIterator<Item = (i64, i64, i64)>) -> Self {
        let (mut shape, mut strides, mut suboffsets) = (Vec::new(), Vec::new(), Vec::new());
        for (length, stride, suboffset) in dimensions {
            shape.push(length);
            strides.push(stride);
            suboffsets.push(suboffset);
        }
        let ndim = i32::try_from(shape.len()).unwrap_or(i32::MAX);
        let is_indirect = suboffsets.iter().any(|suboffset| *suboffset >= 0);
        let array = |array: Vec<i64>| (!array.is_empty()).then(|| array.into_boxed_slice());
        Self {
            scalars: RawView { ndim, format: None, shape: None, strides: None, suboffsets: None, ..fields },
            format: fields.format.map(Box::from),
            shape: array(shape),
            strides: array(strides),
            suboffsets: array(suboffsets).filter(|_| is_indirect),
        }
    }

    /// Returns the fields. The format and the arrays of the result are borrowed from `self`.
    #[must_use]
    pub fn as_raw(&self) -> RawView<'_> {
        RawView {
            format: self.format.as_deref(),
            shape: self.shape.as_deref(),
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
            ..self.scalars
        }
    }
}

impl From<RawView<'_>> for RawViewBuf {
    fn from(raw: RawView<'_>) -> Self {
        raw.to_buf()
    }
}

named_enum! {
    /// The name of a field of `Py_buffer`.
    ///
    /// ```
    /// use pep3118::view::FieldName;
    /// assert_eq!(FieldName::Itemsize.to_string(), "itemsize");
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum FieldName {
        /// `buf`
        Buf = "buf",
        /// `obj`
        Obj = "obj",
        /// `len`
        Len = "len",
        /// `itemsize`
        Itemsize = "itemsize",
        /// `readonly`
        Readonly = "readonly",
        /// `ndim`
        Ndim = "ndim",
        /// `format`
        Format = "format",
        /// `shape`
        Shape = "shape",
        /// `strides`
        Strides = "strides",
        /// `suboffsets`
        Suboffsets = "suboffsets",
    }
}

/// The value of one field of a `Py_buffer`, for messages.
///
/// ```
/// use pep3118::view::MetadataValue;
/// assert_eq!(MetadataValue::Array([2, 3].into()).to_string(), "(2, 3)");
/// assert_eq!(MetadataValue::Null.to_string(), "NULL");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum MetadataValue {
    /// NULL.
    Null,
    /// An address, or the number that identifies an object in [`Owner::Exporter`].
    Address(u64),
    /// An integer: the value of `len`, `itemsize`, `readonly` or `ndim`.
    Number(i64),
    /// The entries of a shape, of strides or of suboffsets.
    Array(Box<[i64]>),
    /// The bytes of a format without its terminating NUL.
    Format(Box<[u8]>),
}

impl MetadataValue {
    /// Returns the value of the field `field` in `raw`. Returns `Null` if the field is NULL or was not recorded.
    pub(crate) fn of(raw: &RawView<'_>, field: FieldName) -> Self {
        let array = |array: Option<&[i64]>| array.map_or(Self::Null, |array| Self::Array(array.into()));
        match field {
            FieldName::Buf => raw.buf.map_or(Self::Null, Self::Address),
            FieldName::Obj => match raw.obj {
                Owner::Exporter(identity) => Self::Address(identity),
                Owner::Unknown | Owner::Null | Owner::Temporary => Self::Null,
            },
            FieldName::Len => Self::Number(raw.len),
            FieldName::Itemsize => Self::Number(raw.itemsize),
            FieldName::Readonly => Self::Number(i64::from(raw.readonly)),
            FieldName::Ndim => Self::Number(i64::from(raw.ndim)),
            FieldName::Format => raw.format.map_or(Self::Null, |format| Self::Format(format.into())),
            FieldName::Shape => array(raw.shape),
            FieldName::Strides => array(raw.strides),
            FieldName::Suboffsets => array(raw.suboffsets),
        }
    }
}

impl fmt::Display for MetadataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Address(address) => write!(f, "{address:#x}"),
            Self::Number(number) => number.fmt(f),
            Self::Array(array) => f.write_str(&tuple(array)),
            Self::Format(format) => write!(f, "`{}`", abridged(format)),
        }
    }
}
