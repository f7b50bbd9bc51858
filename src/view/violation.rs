//! What can be wrong with a `Py_buffer`: the data. The sentences are in `message.rs`.

use alloc::boxed::Box;
use core::fmt;

use super::audit::RaisedError;
use super::error::RequestError;
use super::expected::Contiguity;
use super::raw::{Owner, RawView};
use super::report::Severity;
use super::request::{Request, Structure};
use super::rules::RuleId;
use crate::layout::{Ambiguity, LayoutError, LayoutErrorKind};

/// A field of `Py_buffer`.
///
/// ```
/// use pep3118::view::FieldName;
/// assert_eq!(FieldName::Itemsize.to_string(), "itemsize");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldName {
    /// `buf`
    Buf,
    /// `obj`
    Owner,
    /// `len`
    Len,
    /// `itemsize`
    Itemsize,
    /// `readonly`
    Readonly,
    /// `ndim`
    Ndim,
    /// `format`
    Format,
    /// `shape`
    Shape,
    /// `strides`
    Strides,
    /// `suboffsets`
    Suboffsets,
}

impl FieldName {
    /// As in C: `"itemsize"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buf => "buf",
            Self::Owner => "obj",
            Self::Len => "len",
            Self::Itemsize => "itemsize",
            Self::Readonly => "readonly",
            Self::Ndim => "ndim",
            Self::Format => "format",
            Self::Shape => "shape",
            Self::Strides => "strides",
            Self::Suboffsets => "suboffsets",
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a field of `Py_buffer` holds.
///
/// ```
/// use pep3118::view::MetadataValue;
/// assert_ne!(MetadataValue::Array([2, 3].into()), MetadataValue::Null);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataValue {
    /// NULL.
    Null,
    /// An address, or what identifies an object.
    Address(u64),
    /// A number.
    Number(i64),
    /// A shape, strides or suboffsets.
    Array(Box<[i64]>),
    /// A format.
    Format(Box<[u8]>),
}

impl MetadataValue {
    /// The value of a field; NULL also for what was not recorded.
    pub(crate) fn of(raw: &RawView<'_>, field: FieldName) -> Self {
        let array = |array: Option<&[i64]>| array.map_or(Self::Null, |array| Self::Array(array.into()));
        match field {
            FieldName::Buf => raw.buf.map_or(Self::Null, Self::Address),
            FieldName::Owner => match raw.obj {
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

/// A breach of a rule, with its numbers.
///
/// Fields have the names of `Py_buffer`; sizes and distances are in bytes. A request beside them is
/// the one that gave the other answer.
///
/// ```
/// use pep3118::view::Violation;
/// use pep3118::{RawView, Request, RuleId};
/// let raw = RawView { len: 8, itemsize: 4, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// let report = raw.check(Request::ND, None, None).report;
/// let fault = report.findings()[0].fault();
/// assert_eq!(fault.rule(), RuleId::A04);
/// assert!(matches!(fault, Violation::LenProduct { .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of variants are those of Py_buffer")]
pub enum Violation {
    /// A01: NULL after success.
    ObjNull,
    /// A02: an exporter answered as if the buffer were temporary.
    ObjTemporary,
    /// A03: NULL, but there are items.
    BufNull { len: i64 },
    /// A04: shape and itemsize give another length.
    LenProduct { len: i64, expected: i64, shape: Box<[i64]>, itemsize: i64 },
    /// A05: the length is the distance that scattered items span.
    LenSpan { len: i64, expected: i64, shape: Box<[i64]>, itemsize: i64 },
    /// A06: a negative `len` or `itemsize`.
    NegativeSize { field: FieldName, value: i64 },
    /// A06: shape and itemsize give more than `Py_ssize_t` holds.
    ProductOverflow { shape: Box<[i64]>, itemsize: i64, limit: i64 },
    /// A07 or A11: the format has no layout, or none of that itemsize.
    Format { error: LayoutError },
    /// A07, a note: the item ends in padding that the format does not state.
    UnstatedTail { format: Box<[u8]>, itemsize: i64, tail: i64 },
    /// A07, a note: the distances in an array of records follow from a C compiler's rule only.
    InferredDistances { format: Box<[u8]>, itemsize: i64 },
    /// A07, a note: two readings have the itemsize and different offsets.
    AmbiguousFormat { ambiguity: Ambiguity },
    /// A10: items without bytes.
    ItemsizeZero,
    /// A13: negative or too many.
    NdimRange { ndim: i32, max: i32 },
    /// A14: an array although there are no dimensions.
    ScalarArray { field: FieldName },
    /// A15: more or less than one item without dimensions.
    ScalarLen { len: i64, itemsize: i64 },
    /// A16: an array with another number of entries than `ndim`.
    Entries { field: FieldName, entries: usize, ndim: i32 },
    /// A17: a negative extent.
    NegativeExtent { dimension: usize, extent: i64 },
    /// A18: no item, but bytes.
    EmptyLen { len: i64, shape: Box<[i64]> },
    /// A21: suboffsets that follow no pointer.
    NegativeSuboffsets { suboffsets: Box<[i64]> },
    /// A23: a pointer for every item.
    LastSuboffset { dimension: usize, suboffset: i64 },
    /// A25: neither 0 nor 1.
    ReadonlyValue { readonly: i32 },

    /// B01, a note: no dimensions under `SIMPLE`, but more than one item.
    SimpleNdim { len: i64, itemsize: i64 },
    /// B02: read-only memory for `WRITABLE`.
    NotWritable { readonly: i32 },
    /// B04: NULL for `FORMAT`.
    FormatMissing,
    /// B05: a format that nobody asked for.
    FormatUnasked { format: Box<[u8]> },
    /// B06: `SIMPLE | FORMAT`.
    FormatAlone,
    /// B07 to B13: a field that was asked for is NULL.
    Missing { structure: Structure, field: FieldName },
    /// B08 to B13: a field that was not asked for is not NULL.
    Unasked { structure: Structure, field: FieldName, value: Box<[i64]> },
    /// B11 to B13: strides of another order.
    NotContiguous { structure: Structure, shape: Box<[i64]>, strides: Box<[i64]>, itemsize: i64 },
    /// B17, B18: bits that are no request.
    Request { error: RequestError },

    /// D01: a unaligned offset.
    OffsetMultiple { offset: i64, itemsize: i64 },
    /// D02: the first item is outside.
    OffsetOutside { offset: i64, itemsize: i64, memlen: i64 },
    /// D03: a unaligned stride.
    StrideMultiple { dimension: usize, stride: i64, itemsize: i64 },
    /// D04: no such number of dimensions.
    BlockNdim { ndim: i32, shape: usize, strides: usize },
    /// D06: some item is outside. `low` and `high` count from the start of the block.
    ExtentOutside { low: i128, high: i128, memlen: i64 },
    /// D07: the items span more than `Py_ssize_t` holds.
    ExtentOverflow { shape: Box<[i64]>, strides: Box<[i64]>, limit: i64 },
    /// D08: writable items share bytes, or may.
    Overlap { certain: bool, shape: Box<[i64]>, strides: Box<[i64]>, itemsize: i64 },

    /// A08: another itemsize with than without `FORMAT`.
    ItemsizeChanged { itemsize: i64, other: i64, request: Request },
    /// B01: another ndim; under `SIMPLE` that is a note.
    NdimChanged { ndim: i32, other: i32, request: Request, simple: bool },
    /// B01, a note: another object in `obj`, which B22 allows.
    ObjChanged { request: Request },
    /// B03: another readonly, both without `WRITABLE`.
    ReadonlyChanged { readonly: i32, other: i32, request: Request },
    /// B14: served without strides, but the memory is not C-contiguous.
    StridesNeeded { strides: Box<[i64]>, request: Request },
    /// B15: served without suboffsets, which are needed.
    SuboffsetsNeeded { suboffsets: Box<[i64]>, request: Request },
    /// B16: a compound fails, each of its flags is served.
    CompoundRefused { compound: Request },
    /// B19: another exception, or none.
    WrongError { error: RaisedError },
    /// B20: an object in `obj` after failure.
    ObjAfterFailure,
    /// B21: success, but neither 0 returned nor silence kept.
    WrongReturn { returned: i32, error: RaisedError },
    /// B23: a failure without a reason.
    Refused { error: RaisedError },
    /// B24: another answer to the same request.
    NotRepeatable { field: FieldName, value: MetadataValue, other: MetadataValue },
    /// B25: another value in the answer to another request.
    MetadataChanged { field: FieldName, value: MetadataValue, other: MetadataValue, request: Request },
    /// C01: contiguity was promised of memory behind pointers.
    ContiguousIndirect { suboffsets: Box<[i64]>, request: Request },
    /// C02 to C07: contiguity was denied of contiguous memory.
    ContiguityDenied { structure: Structure, because: Contiguity },
    /// E11: a reference or an export was counted for a request that failed.
    CountedBeforeFailure { references: i64 },

    /// E09: the reference count after the release is not that before the request.
    ReferencesLeft { references: i64 },
    /// E10: `__release_buffer__` raises.
    ReleaseRaised { error: Box<str> },

    /// T01: the format describes other items than the exporter's type; only other names are a note.
    FormatLies { format: Box<[u8]>, difference: Box<str>, names_only: bool },
}

impl Violation {
    /// The rule that is broken.
    #[must_use]
    pub fn rule(&self) -> RuleId {
        match self {
            Self::ObjNull => RuleId::A01,
            Self::ObjTemporary => RuleId::A02,
            Self::BufNull { .. } => RuleId::A03,
            Self::LenProduct { .. } => RuleId::A04,
            Self::LenSpan { .. } => RuleId::A05,
            Self::NegativeSize { .. } | Self::ProductOverflow { .. } => RuleId::A06,
            Self::Format { error } => match error.kind() {
                LayoutErrorKind::ItemsizeMismatch { .. } => RuleId::A07,
                _ => RuleId::A11,
            },
            Self::UnstatedTail { .. } | Self::InferredDistances { .. } | Self::AmbiguousFormat { .. } => RuleId::A07,
            Self::ItemsizeChanged { .. } => RuleId::A08,
            Self::ItemsizeZero => RuleId::A10,
            Self::NdimRange { .. } => RuleId::A13,
            Self::ScalarArray { .. } => RuleId::A14,
            Self::ScalarLen { .. } => RuleId::A15,
            Self::Entries { .. } => RuleId::A16,
            Self::NegativeExtent { .. } => RuleId::A17,
            Self::EmptyLen { .. } => RuleId::A18,
            Self::NegativeSuboffsets { .. } => RuleId::A21,
            Self::LastSuboffset { .. } => RuleId::A23,
            Self::ReadonlyValue { .. } => RuleId::A25,
            Self::SimpleNdim { .. } | Self::NdimChanged { .. } | Self::ObjChanged { .. } => RuleId::B01,
            Self::NotWritable { .. } => RuleId::B02,
            Self::ReadonlyChanged { .. } => RuleId::B03,
            Self::FormatMissing => RuleId::B04,
            Self::FormatUnasked { .. } => RuleId::B05,
            Self::FormatAlone => RuleId::B06,
            Self::Missing { structure, .. }
            | Self::Unasked { structure, .. }
            | Self::NotContiguous { structure, .. } => structure.rule(),
            Self::StridesNeeded { .. } => RuleId::B14,
            Self::SuboffsetsNeeded { .. } => RuleId::B15,
            Self::CompoundRefused { .. } => RuleId::B16,
            // A name that does not exist never becomes a request.
            Self::Request { error } => error.rule().unwrap_or(RuleId::B17),
            Self::WrongError { .. } => RuleId::B19,
            Self::ObjAfterFailure => RuleId::B20,
            Self::WrongReturn { .. } => RuleId::B21,
            Self::Refused { .. } => RuleId::B23,
            Self::NotRepeatable { .. } => RuleId::B24,
            Self::MetadataChanged { .. } => RuleId::B25,
            Self::ContiguousIndirect { .. } => RuleId::C01,
            Self::ContiguityDenied { because, .. } => because.rule(),
            Self::OffsetMultiple { .. } => RuleId::D01,
            Self::OffsetOutside { .. } => RuleId::D02,
            Self::StrideMultiple { .. } => RuleId::D03,
            Self::BlockNdim { .. } => RuleId::D04,
            Self::ExtentOutside { .. } => RuleId::D06,
            Self::ExtentOverflow { .. } => RuleId::D07,
            Self::Overlap { .. } => RuleId::D08,
            Self::CountedBeforeFailure { .. } => RuleId::E11,
            Self::ReferencesLeft { .. } => RuleId::E09,
            Self::ReleaseRaised { .. } => RuleId::E10,
            Self::FormatLies { .. } => RuleId::T01,
        }
    }

    /// How bad it is: what the level of the rule says, save for what is only odd.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::UnstatedTail { .. } | Self::InferredDistances { .. } | Self::AmbiguousFormat { .. } => Severity::Note,
            // Whoever goes by offsets reads the right bytes.
            Self::FormatLies { names_only: true, .. } => Severity::Note,
            // Only under SIMPLE do exporters disagree.
            Self::NdimChanged { simple: false, .. } => Severity::Error,
            _ => self.rule().severity(),
        }
    }

    /// Whether the items cannot be found, or not be told apart, with this wrong.
    pub(crate) fn prevents_view(&self) -> bool {
        match self {
            Self::BufNull { .. }
            | Self::LenProduct { .. }
            | Self::LenSpan { .. }
            | Self::NegativeSize { .. }
            | Self::ProductOverflow { .. }
            | Self::Format { .. }
            | Self::NdimRange { .. }
            | Self::ScalarLen { .. }
            | Self::Entries { .. }
            | Self::NegativeExtent { .. }
            | Self::EmptyLen { .. }
            | Self::OffsetOutside { .. }
            | Self::BlockNdim { .. }
            | Self::ExtentOutside { .. }
            | Self::ExtentOverflow { .. } => true,
            // Whoever asked for a shape of several dimensions and got none cannot go on; `check` sees to it.
            _ => false,
        }
    }
}
