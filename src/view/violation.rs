//! `Violation`: a broken rule of the buffer protocol, with the numbers that break the rule. This module also writes the
//! message and the help line of a violation.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::contiguity::{Contiguity, Order, contiguous_strides};
use super::message::{abridged, bytes, factors, sizes_by_dialect, tuple};
use super::outcome::RaisedError;
use super::raw::{FieldName, MetadataValue};
use super::request::{FlagsError, Request, Structure};
use super::rules::{RuleId, Severity};
use crate::layout::{Ambiguity, LayoutError, LayoutErrorKind};
use crate::text::plural;

/// A broken rule with the numbers that break the rule. `{}` writes the message on one line, without the id of
/// the rule.
///
/// Sizes and distances are in bytes. Most fields of a variant have the name of a field of `Py_buffer`, such as `len`,
/// and contain the value of that field.
///
/// Some variants compare two answers to requests. In these variants, `len`, `itemsize` and similar fields contain the
/// values in the answer that breaks the rule. `request` is the request of the other answer, and `other` is the value in
/// the other answer.
///
/// ```
/// use pep3118::view::Violation;
/// use pep3118::{RawView, Request, RuleId};
/// let raw = RawView { len: 8, itemsize: 4, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// let report = raw.check(Request::ND, None, None).report;
/// let violation = report.findings()[0].violation();
/// assert_eq!(violation.rule(), RuleId::A04);
/// assert!(matches!(violation, Violation::LenProduct { len: 8, expected: 12, .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(missing_docs, reason = "the fields of variants have the names of Py_buffer")]
pub enum Violation {
    /// A01: `obj` is NULL after success.
    #[error("obj is NULL after a successful request")]
    ObjNull,
    /// A02: `obj` is NULL. Only a temporary buffer without an exporter may have this value, but an exporter answered
    /// the request.
    #[error("obj is NULL as in a temporary buffer, but an exporter answered the request")]
    ObjTemporary,
    /// A03: `buf` is NULL, but `len` is greater than 0.
    #[error("buf is NULL but len is {}", bytes(*len))]
    BufNull { len: i64 },
    /// A04: `len` differs from `expected`, which is the product of the shape and the itemsize.
    #[error("len is {} but shape {} of {itemsize}-byte items describes {}", bytes(*len), tuple(shape), bytes(*expected))]
    LenProduct { len: i64, expected: i64, shape: Box<[i64]>, itemsize: i64 },
    /// A05: `len` is the distance from the first byte to the last, but there are gaps between the items.
    #[error(
        "len is {}, the distance from the first byte to the last, but shape {} of {itemsize}-byte items describes {}",
        bytes(*len), tuple(shape), bytes(*expected)
    )]
    LenSpan { len: i64, expected: i64, shape: Box<[i64]>, itemsize: i64 },
    /// A06: `len` or `itemsize` is negative.
    #[error("{field} is {}, less than 0", bytes(*value))]
    NegativeSize { field: FieldName, value: i64 },
    /// A06: the product of shape and itemsize does not fit `Py_ssize_t`.
    #[error(
        "shape {} of {itemsize}-byte items describes more than {limit} bytes, the maximum of Py_ssize_t",
        tuple(shape)
    )]
    ProductOverflow { shape: Box<[i64]>, itemsize: i64, limit: i64 },
    /// A07 or A11: the format cannot be parsed, or no interpretation of the format has the itemsize.
    #[error("{}", format_message(error))]
    Format { error: LayoutError },
    /// A07, a note: each item ends with `tail` bytes of padding that the format does not declare.
    #[error(
        "itemsize is {} but format `{}` describes {}: implicit trailing padding of {}",
        bytes(*itemsize), abridged(format), described_size(*itemsize, *tail), plural(*tail, "byte")
    )]
    TrailingPadding { format: Box<[u8]>, itemsize: i64, tail: u64 },
    /// A07, a note: the format does not declare the distance between the records of an array. The itemsize
    /// determined this distance.
    #[error(
        "format `{}` does not declare the distance between the elements of an array: inferred from itemsize {}",
        abridged(format), bytes(*itemsize)
    )]
    InferredStrides { format: Box<[u8]>, itemsize: i64 },
    /// A07, a note: several interpretations of the format have the itemsize.
    #[error("{ambiguity}")]
    AmbiguousFormat { ambiguity: Ambiguity },
    /// A10: `itemsize` is 0.
    #[error("itemsize is 0 bytes, and CPython divides by it")]
    ItemsizeZero,
    /// A13: `ndim` is negative or greater than `max`.
    #[error("ndim is {ndim}, not between 0 and {max}")]
    NdimRange { ndim: i32, max: i32 },
    /// A14: `ndim` is 0, but `field` is not NULL.
    #[error("ndim is 0 but {field} is not NULL")]
    ScalarArray { field: FieldName },
    /// A15: `ndim` is 0, but `len` is not the size of one item.
    #[error("len is {} but ndim is 0 and itemsize is {}", bytes(*len), bytes(*itemsize))]
    ScalarLen { len: i64, itemsize: i64 },
    /// A16: the number of entries of an array is not `ndim`.
    #[error("{field} has {} but ndim is {ndim}", plural(*count, "entry"))]
    EntryCount { field: FieldName, count: usize, ndim: i32 },
    /// A17: an entry of `shape` is negative.
    #[error("shape[{dimension}] is {length}, less than 0")]
    NegativeLength { dimension: usize, length: i64 },
    /// A18: an entry of `shape` is 0, but `len` is not 0.
    #[error("len is {} but shape {} has no items", bytes(*len), tuple(shape))]
    EmptyLen { len: i64, shape: Box<[i64]> },
    /// A21: all suboffsets are negative.
    #[error("suboffsets {} are all negative, but suboffsets is not NULL", tuple(suboffsets))]
    NegativeSuboffsets { suboffsets: Box<[i64]> },
    /// A23: the last dimension has a suboffset, so a consumer must read one pointer for each item.
    #[error("suboffsets[{dimension}] is {} although dimension {dimension} is the last", bytes(*suboffset))]
    LastSuboffset { dimension: usize, suboffset: i64 },
    /// A25: `readonly` is neither 0 nor 1.
    #[error("readonly is {readonly}, neither 0 nor 1")]
    ReadonlyValue { readonly: i32 },

    /// B01, a note: the request is `SIMPLE` and `ndim` is 0, but `len` is not the size of one item.
    #[error("ndim is 0 under SIMPLE but len is {} and itemsize is {}", bytes(*len), bytes(*itemsize))]
    SimpleNdim { len: i64, itemsize: i64 },
    /// B02: the request has `WRITABLE`, but the memory is read-only.
    #[error("the request has WRITABLE but readonly is {readonly}")]
    NotWritable { readonly: i32 },
    /// B04: the request has `FORMAT`, but `format` is NULL.
    #[error("the request has FORMAT but format is NULL")]
    FormatMissing,
    /// B05: the request has no `FORMAT`, but `format` is not NULL.
    #[error("the request has no FORMAT but format is `{}`", abridged(format))]
    FormatUnrequested { format: Box<[u8]> },
    /// B06: the request is `SIMPLE | FORMAT`, although `FORMAT` needs a structural flag.
    #[error("the request has FORMAT without a structure: items without a shape are bytes")]
    FormatAlone,
    /// B07 to B13: `field` is NULL, although the structural flag requires `field`.
    #[error("the request is for {structure} but {field} is NULL")]
    Missing { structure: Structure, field: FieldName },
    /// B08 to B13: `field` is not NULL, although the structural flag does not ask for `field`.
    #[error("the request is for {structure} but {field} is {}, not NULL", tuple(value))]
    Unrequested { structure: Structure, field: FieldName, value: Box<[i64]> },
    /// B11 to B13: the strides are not those of the contiguity that was requested.
    #[error(
        "the request is for {structure} but strides {} are not {} with shape {}",
        tuple(strides), contiguity_adjective(*order), tuple(shape)
    )]
    NotContiguous { structure: Structure, order: Order, shape: Box<[i64]>, strides: Box<[i64]>, itemsize: i64 },
    /// B17 or B18: the flags are not a valid request.
    #[error("{error}")]
    Flags { error: FlagsError },

    /// D01: the distance from the start of the block to `buf` is not a multiple of the itemsize.
    #[error("offset is {}, not a multiple of itemsize {}", bytes(*offset), bytes(*itemsize))]
    UnalignedOffset { offset: i64, itemsize: i64 },
    /// D02: the first item is outside of the block.
    #[error(
        "the first item is at bytes {offset} to {} of a block of {}",
        i128::from(*offset).saturating_add(i128::from(*itemsize)), bytes(*memlen)
    )]
    FirstItemOutside { offset: i64, itemsize: i64, memlen: i64 },
    /// D03: a stride is not a multiple of the itemsize.
    #[error("strides[{dimension}] is {}, not a multiple of itemsize {}", bytes(*stride), bytes(*itemsize))]
    UnalignedStride { dimension: usize, stride: i64, itemsize: i64 },
    /// D04: `ndim` is negative, or the shape or the strides do not have `ndim` entries.
    #[error("ndim is {ndim} but shape has {} and strides has {}", plural(*shape, "entry"), plural(*strides, "entry"))]
    BlockNdim { ndim: i32, shape: usize, strides: usize },
    /// D06: at least one item is outside of the block. `low` and `high` are offsets from the start of the
    /// block.
    #[error("the items are at bytes {low} to {high} of a block of {}", bytes(*memlen))]
    ItemsOutside { low: i128, high: i128, memlen: i64 },
    /// D07: the distance from the lowest to the highest byte of all items does not fit `Py_ssize_t`.
    #[error(
        "shape {} with strides {} spans more than {limit} bytes, the maximum of Py_ssize_t",
        tuple(shape),
        tuple(strides)
    )]
    SpanOverflow { shape: Box<[i64]>, strides: Box<[i64]>, limit: i64 },
    /// D08: items of writable memory share bytes. If `certain` is false, the items possibly share bytes.
    #[error(
        "writable items {}overlap: {itemsize}-byte items with shape {} and strides {}",
        if *certain { "" } else { "may " }, tuple(shape), tuple(strides)
    )]
    Overlap { certain: bool, shape: Box<[i64]>, strides: Box<[i64]>, itemsize: i64 },

    /// A08: the itemsize in the answer to a request with `FORMAT` differs from the itemsize in an answer
    /// without `FORMAT`.
    #[error("itemsize is {} but {} under {request}", bytes(*itemsize), bytes(*other))]
    ItemsizeChanged { itemsize: i64, other: i64, request: Request },
    /// B01: `ndim` differs between two answers. `simple` is true if one of the requests has no structural flag. In this
    /// case, the violation is a note, because exporters disagree about `ndim` under `SIMPLE`.
    #[error("ndim is {ndim} but {other} under {request}")]
    NdimChanged { ndim: i32, other: i32, request: Request, simple: bool },
    /// B01, a note: `obj` is not the object of the other answer. The violation is not an error, because B22 (chains of
    /// exporters) allows different objects.
    #[error("obj is another object than under {request}")]
    ObjChanged { request: Request },
    /// B03: `readonly` differs between two answers, although neither request has `WRITABLE`.
    #[error("readonly is {readonly} but {other} under {request}, both without WRITABLE")]
    ReadonlyChanged { readonly: i32, other: i32, request: Request },
    /// B14: a request without strides succeeds, but the memory is not C-contiguous. `strides` comes from the
    /// answer to `request`.
    #[error(
        "the request succeeds without strides, but under {request} strides are {}, not C-contiguous",
        tuple(strides)
    )]
    StridesNeeded { strides: Box<[i64]>, request: Request },
    /// B15: a request without suboffsets succeeds, but the access to an item must read pointers. `suboffsets`
    /// comes from the answer to `request`.
    #[error("the request succeeds without suboffsets, but under {request} suboffsets are {}", tuple(suboffsets))]
    SuboffsetsNeeded { suboffsets: Box<[i64]>, request: Request },
    /// B16: a compound request fails, although each of its flags succeeds in another request.
    #[error("{compound} fails although each of its flags succeeds in another request")]
    CompoundRefused { compound: Request },
    /// B19: a request fails with an exception other than `BufferError`, or without setting an exception.
    #[error("the request fails {}, not with BufferError", failure_words(error))]
    WrongError { error: RaisedError },
    /// B20: a request fails, but `obj` is not NULL.
    #[error("the request fails but obj is not NULL")]
    ObjAfterFailure,
    /// B21: the exporter returns a number other than 0 and -1, or returns 0 although it set an exception.
    #[error("the exporter returns {returned} {}", return_problem(error))]
    WrongReturn { returned: i32, error: RaisedError },
    /// B23: a request fails for no reason that the protocol allows.
    #[error("the request fails {}, for no reason that the protocol allows", failure_words(error))]
    Refused { error: RaisedError },
    /// B24: `field` differs between two answers to equal requests. `other` is the value in the earlier answer.
    #[error("{field} is {value} but {other} in an earlier answer to the same request")]
    NotRepeatable { field: FieldName, value: MetadataValue, other: MetadataValue },
    /// B25: `field` differs between the answers to two requests.
    #[error("{field} is {value} but {other} under {request}")]
    MetadataChanged { field: FieldName, value: MetadataValue, other: MetadataValue, request: Request },
    /// C01: a request for contiguity succeeds, but the memory has suboffsets. `suboffsets` comes from the
    /// answer to `request`.
    #[error("the request guarantees contiguity, but under {request} suboffsets are {}", tuple(suboffsets))]
    ContiguousIndirect { suboffsets: Box<[i64]>, request: Request },
    /// C02 to C07: a request for contiguity fails, although the memory is contiguous in `order`. `because` is
    /// the reason why the memory is contiguous.
    #[error("{structure} fails although the memory is {}: {because}", contiguity_adjective(*order))]
    ContiguityDenied { structure: Structure, order: Order, because: Contiguity },
    /// E11: a failed request changes the exporter's reference count by `references`.
    #[error("the request fails but leaves {} to the exporter", more_references(*references))]
    ReferencesAfterFailure { references: i64 },

    /// E09: a request and its release together change the exporter's reference count by `references`.
    #[error("request and release leave {} to the exporter", more_references(*references))]
    ReferencesAfterRelease { references: i64 },
    /// E10: `__release_buffer__` raises an exception of the class `error`.
    #[error("the release raises {}", crate::text::escape(error.as_bytes()))]
    ReleaseRaised { error: Box<str> },

    /// T01: the format and the type of the exporter describe different items. `names_only` is true if only names of
    /// fields differ. In this case, the violation is a note.
    #[error("format `{}` (first) and the type of the exporter (second) disagree: {difference}", abridged(format))]
    TypeMismatch { format: Box<[u8]>, difference: Box<str>, names_only: bool },

    /// A violation of `rule` that was read from a recorded report (feature `serde`). A recorded report contains the
    /// `message` of a violation, but not the values that the other variants have.
    #[error("{message}")]
    Recorded { rule: RuleId, severity: Severity, message: Box<str> },
}

impl Violation {
    /// Returns the broken rule.
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
            Self::TrailingPadding { .. } | Self::InferredStrides { .. } | Self::AmbiguousFormat { .. } => RuleId::A07,
            Self::ItemsizeChanged { .. } => RuleId::A08,
            Self::ItemsizeZero => RuleId::A10,
            Self::NdimRange { .. } => RuleId::A13,
            Self::ScalarArray { .. } => RuleId::A14,
            Self::ScalarLen { .. } => RuleId::A15,
            Self::EntryCount { .. } => RuleId::A16,
            Self::NegativeLength { .. } => RuleId::A17,
            Self::EmptyLen { .. } => RuleId::A18,
            Self::NegativeSuboffsets { .. } => RuleId::A21,
            Self::LastSuboffset { .. } => RuleId::A23,
            Self::ReadonlyValue { .. } => RuleId::A25,
            Self::SimpleNdim { .. } | Self::NdimChanged { .. } | Self::ObjChanged { .. } => RuleId::B01,
            Self::NotWritable { .. } => RuleId::B02,
            Self::ReadonlyChanged { .. } => RuleId::B03,
            Self::FormatMissing => RuleId::B04,
            Self::FormatUnrequested { .. } => RuleId::B05,
            Self::FormatAlone => RuleId::B06,
            Self::Missing { structure, .. }
            | Self::Unrequested { structure, .. }
            | Self::NotContiguous { structure, .. } => structure.rule(),
            Self::StridesNeeded { .. } => RuleId::B14,
            Self::SuboffsetsNeeded { .. } => RuleId::B15,
            Self::CompoundRefused { .. } => RuleId::B16,
            Self::Flags { error } => error.rule(),
            Self::WrongError { .. } => RuleId::B19,
            Self::ObjAfterFailure => RuleId::B20,
            Self::WrongReturn { .. } => RuleId::B21,
            Self::Refused { .. } => RuleId::B23,
            Self::NotRepeatable { .. } => RuleId::B24,
            Self::MetadataChanged { .. } => RuleId::B25,
            Self::ContiguousIndirect { .. } => RuleId::C01,
            Self::ContiguityDenied { because, .. } => because.rule(),
            Self::UnalignedOffset { .. } => RuleId::D01,
            Self::FirstItemOutside { .. } => RuleId::D02,
            Self::UnalignedStride { .. } => RuleId::D03,
            Self::BlockNdim { .. } => RuleId::D04,
            Self::ItemsOutside { .. } => RuleId::D06,
            Self::SpanOverflow { .. } => RuleId::D07,
            Self::Overlap { .. } => RuleId::D08,
            Self::ReferencesAfterRelease { .. } => RuleId::E09,
            Self::ReleaseRaised { .. } => RuleId::E10,
            Self::ReferencesAfterFailure { .. } => RuleId::E11,
            Self::TypeMismatch { .. } => RuleId::T01,
            Self::Recorded { rule, .. } => *rule,
        }
    }

    /// Returns the severity of the violation. Most violations have the severity of their rule. A few violations
    /// are more or less serious.
    ///
    /// ```
    /// use pep3118::{RawView, Request, Severity};
    /// let raw = RawView { len: 8, itemsize: 4, ndim: 1, shape: Some(&[3]), ..RawView::default() };
    /// let report = raw.check(Request::ND, None, None).report;
    /// assert_eq!(report.findings()[0].violation().severity(), Severity::Error);
    /// ```
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::TrailingPadding { .. } | Self::InferredStrides { .. } | Self::AmbiguousFormat { .. } => {
                Severity::Note
            }
            // A consumer that finds fields by offset, and not by name, reads the right bytes.
            Self::TypeMismatch { names_only: true, .. } => Severity::Note,
            // The level of B01 is contested only because exporters disagree about `SIMPLE`.
            Self::NdimChanged { simple: false, .. } => Severity::Error,
            Self::Recorded { severity, .. } => *severity,
            _ => self.rule().severity(),
        }
    }

    /// Returns whether this violation makes the positions, the number or the layout of the items unknown. No view can
    /// be created after such a violation.
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
            | Self::EntryCount { .. }
            | Self::NegativeLength { .. }
            | Self::EmptyLen { .. }
            | Self::FirstItemOutside { .. }
            | Self::BlockNdim { .. }
            | Self::ItemsOutside { .. }
            | Self::SpanOverflow { .. } => true,
            // A missing shape prevents a view only in some cases, which `ShapeSource::of` decides.
            _ => false,
        }
    }

    /// Returns the calculation that belongs to the message, such as `2 * 3 * 4 = 24`, or the contiguous strides that
    /// `NotContiguous` expects, or the distance from the block of `ItemsOutside`. Returns `None` if the message already
    /// contains all numbers.
    pub(crate) fn calculation(&self) -> Option<String> {
        Some(match self {
            Self::LenProduct { expected, shape, itemsize, .. } | Self::LenSpan { expected, shape, itemsize, .. } => {
                format!("{} * {itemsize} = {expected}", factors(shape))
            }
            Self::ProductOverflow { shape, itemsize, .. } => format!("{} * {itemsize}", factors(shape)),
            Self::NotContiguous { order, shape, itemsize, .. } => {
                let orders: &[Order] = match order {
                    Order::C => &[Order::C],
                    Order::Fortran => &[Order::Fortran],
                    Order::Any => &[Order::C, Order::Fortran],
                };
                let strides = orders.iter().map(|order| match contiguous_strides(shape, *itemsize, *order) {
                    Some(strides) => format!("{order}-contiguous strides are {}", tuple(&strides)),
                    None => format!("{order}-contiguous strides do not fit Py_ssize_t"),
                });
                strides.collect::<Vec<String>>().join(", ")
            }
            Self::ItemsOutside { low, .. } if *low < 0 => {
                format!("{} before its start", plural(low.saturating_neg(), "byte"))
            }
            Self::ItemsOutside { high, memlen, .. } => {
                format!("{} past its end", plural(high.saturating_sub(i128::from(*memlen)), "byte"))
            }
            _ => return None,
        })
    }

    /// Returns the help line, which names the change that the author of the exporter should make. Returns `None` if no
    /// change is right in every case.
    pub(crate) fn help(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::ObjNull | Self::ObjTemporary => "set view->obj to a new reference to the exporter",
            Self::LenSpan { .. } => "set len to the size of the items without the gaps between them",
            Self::TrailingPadding { tail, .. } => {
                return Some(Cow::Owned(format!(
                    "declare the padding with {tail}x at the end of the format; NumPy omits the padding"
                )));
            }
            Self::AmbiguousFormat { .. } => "name the dialect of the producer",
            Self::ScalarArray { .. } => "set the array to NULL: a single item needs no array",
            Self::NegativeSuboffsets { .. } => "set suboffsets to NULL",
            Self::ReadonlyValue { .. } => "set readonly to 1 for read-only memory, to 0 for writable memory",
            Self::SimpleNdim { .. } => {
                "set the same ndim as for every other request; NumPy sets 0, ctypes sets the real ndim, bytes sets 1"
            }
            Self::NotWritable { .. } => "raise BufferError if the memory is read-only",
            Self::FormatUnrequested { .. } | Self::Unrequested { .. } => {
                "set the field to NULL unless the request has its flag"
            }
            Self::FormatAlone => "request ND | FORMAT",
            Self::Missing { field: FieldName::Strides, .. } => {
                "compute the strides of a C-contiguous array with PyBuffer_FillContiguousStrides"
            }
            Self::NotContiguous { .. } => "raise BufferError if the memory has another order",
            Self::StridesNeeded { .. } => "raise BufferError if the memory cannot be described without strides",
            Self::SuboffsetsNeeded { .. } | Self::ContiguousIndirect { .. } => {
                "raise BufferError if the items cannot be found without suboffsets"
            }
            Self::WrongError { .. } => {
                "raise BufferError: consumers catch BufferError and try a request for more fields"
            }
            Self::ObjAfterFailure => "set view->obj to NULL before returning -1",
            Self::ContiguityDenied { .. } => "use PyBuffer_IsContiguous to test contiguity",
            Self::ReferencesAfterFailure { .. } => "check the request before taking a reference or counting an export",
            Self::ReferencesAfterRelease { references } if *references < 0 => {
                "set view->obj to a new reference; PyBuffer_Release drops it"
            }
            Self::ReferencesAfterRelease { .. } => {
                "drop the references other than the one in obj, which PyBuffer_Release drops"
            }
            Self::ReleaseRaised { .. } => {
                "catch the exception in __release_buffer__: a release cannot report a failure"
            }
            Self::TypeMismatch { names_only: false, .. } => {
                "export a format that describes the type; consumers of this format read other values"
            }
            Self::Overlap { .. } => "export the memory as read-only: a write to one item changes others",
            _ => return None,
        }))
    }
}

/// Returns the message for `error`. `error` must mean that the format cannot be parsed, or that no interpretation of
/// the format has the itemsize.
fn format_message(error: &LayoutError) -> String {
    match error.kind() {
        LayoutErrorKind::ItemsizeMismatch { itemsize, sizes } => format!(
            "itemsize is {} but format `{}` describes {}",
            plural(*itemsize, "byte"),
            abridged(error.source_bytes()),
            sizes_by_dialect(sizes)
        ),
        _ => error.to_string(),
    }
}

/// Returns the size that the format describes as text, such as `5 bytes`. The size is `itemsize` minus the
/// `tail` bytes of trailing padding.
fn described_size(itemsize: i64, tail: u64) -> String {
    plural(i128::from(itemsize).saturating_sub(i128::from(tail)), "byte")
}

/// Returns the adjective for contiguous memory in `order`: `C-contiguous`, `Fortran-contiguous`, and
/// `contiguous` for `Order::Any`.
fn contiguity_adjective(order: Order) -> &'static str {
    match order {
        Order::C => "C-contiguous",
        Order::Fortran => "Fortran-contiguous",
        Order::Any => "contiguous",
    }
}

/// Returns words for the failure of a request with the exception `error`: `with ValueError`, `without an exception`.
fn failure_words(error: &RaisedError) -> String {
    match error {
        RaisedError::NoException => String::from("without an exception"),
        error => format!("with {error}"),
    }
}

/// Returns the words that complete the message "the exporter returns …" about a wrong return value. The words are `with
/// ValueError set` if the exporter set an exception, and `instead of 0 or -1` if `error` is `NoException`.
fn return_problem(error: &RaisedError) -> String {
    match error {
        RaisedError::NoException => String::from("instead of 0 or -1"),
        error => format!("with {error} set"),
    }
}

/// Returns a change of the reference count in words: `1 more reference` for 1, `2 fewer references` for -2.
fn more_references(references: i64) -> String {
    let comparative = if references < 0 { "fewer" } else { "more" };
    plural(references.unsigned_abs(), &format!("{comparative} reference"))
}
