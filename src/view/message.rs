//! The sentences of the faults: what is wrong, the working, and one line of help.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::audit::RaisedError;
use super::geometry::{Order, contiguous_strides};
use super::request::Structure;
use super::violation::{FieldName, MetadataValue, Violation};
use crate::layout::{InterpretedSize, LayoutErrorKind};
use crate::text::{abridge, plural};

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

impl fmt::Display for Violation {
    /// One line, without the rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObjNull => f.write_str("obj is NULL after a request that succeeded"),
            Self::ObjTemporary => f.write_str("obj is NULL, as in a temporary buffer, but an exporter answered"),
            Self::BufNull { len } => write!(f, "buf is NULL but len is {}", bytes(*len)),
            Self::LenProduct { len, expected, shape, itemsize } => write!(
                f,
                "len is {} but shape {} of {itemsize}-byte items describes {}",
                bytes(*len),
                tuple(shape),
                bytes(*expected)
            ),
            Self::LenSpan { len, expected, shape, itemsize } => write!(
                f,
                "len is {}, what the items span, but shape {} of {itemsize}-byte items describes {}",
                bytes(*len),
                tuple(shape),
                bytes(*expected)
            ),
            Self::NegativeSize { field, value } => write!(f, "{field} is {}, less than 0", bytes(*value)),
            Self::ProductOverflow { shape, itemsize, limit } => write!(
                f,
                "shape {} of {itemsize}-byte items describes more than {limit} bytes, the most that a Py_ssize_t can say",
                tuple(shape)
            ),
            Self::Format { error } => match error.kind() {
                LayoutErrorKind::ItemsizeMismatch { itemsize, sizes } => write!(
                    f,
                    "itemsize is {} but format `{}` describes {}",
                    plural(*itemsize, "byte"),
                    abridged(error.source_bytes()),
                    each_reading(sizes)
                ),
                _ => error.fmt(f),
            },
            Self::UnstatedTail { format, itemsize, tail } => write!(
                f,
                "itemsize is {} but format `{}` describes {}: padding of {} at the end is not stated",
                bytes(*itemsize),
                abridged(format),
                bytes(itemsize.saturating_sub(*tail)),
                bytes(*tail)
            ),
            Self::InferredDistances { format, itemsize } => write!(
                f,
                "format `{}` does not state how far apart the elements of an array are: inferred from itemsize {}",
                abridged(format),
                bytes(*itemsize)
            ),
            Self::AmbiguousFormat { ambiguity } => ambiguity.fmt(f),
            Self::ItemsizeZero => f.write_str("itemsize is 0 bytes, and CPython divides by it"),
            Self::NdimRange { ndim, max } => write!(f, "ndim is {ndim} but lies between 0 and {max}"),
            Self::ScalarArray { field } => write!(f, "ndim is 0 but {field} is not NULL"),
            Self::ScalarLen { len, itemsize } => {
                write!(f, "len is {} but ndim is 0 and itemsize {}", bytes(*len), bytes(*itemsize))
            }
            Self::Entries { field, entries, ndim } => {
                write!(
                    f,
                    "{field} has {entries} {} but ndim is {ndim}",
                    if *entries == 1 { "entry" } else { "entries" }
                )
            }
            Self::NegativeExtent { dimension, extent } => write!(f, "shape[{dimension}] is {extent}, less than 0"),
            Self::EmptyLen { len, shape } => {
                write!(f, "len is {} but shape {} has no item", bytes(*len), tuple(shape))
            }
            Self::NegativeSuboffsets { suboffsets } => {
                write!(f, "suboffsets {} follow no pointer but are not NULL", tuple(suboffsets))
            }
            Self::LastSuboffset { dimension, suboffset } => {
                write!(f, "suboffsets[{dimension}] is {}, in the last dimension", bytes(*suboffset))
            }
            Self::ReadonlyValue { readonly } => write!(f, "readonly is {readonly}, neither 0 nor 1"),
            _ => self.fmt_request(f),
        }
    }
}

impl Violation {
    fn fmt_request(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SimpleNdim { len, itemsize } => {
                write!(f, "ndim is 0 under SIMPLE but len is {} and itemsize {}", bytes(*len), bytes(*itemsize))
            }
            Self::NotWritable { readonly } => write!(f, "the request has WRITABLE but readonly is {readonly}"),
            Self::FormatMissing => f.write_str("the request has FORMAT but format is NULL"),
            Self::FormatUnasked { format } => {
                write!(f, "the request has no FORMAT but format is `{}`", abridged(format))
            }
            Self::FormatAlone => f.write_str("the request has FORMAT but no structure, which means bytes"),
            Self::Missing { structure, field } => write!(f, "the request is for {structure} but {field} is NULL"),
            Self::Unasked { structure, field, value } => {
                write!(f, "the request is for {structure} but {field} is {}, not NULL", tuple(value))
            }
            Self::NotContiguous { structure, shape, strides, .. } => write!(
                f,
                "the request is for {structure} but strides {} are not {} with shape {}",
                tuple(strides),
                order_words(*structure),
                tuple(shape)
            ),
            Self::Request { error } => write!(f, "{error}"),
            Self::OffsetMultiple { offset, itemsize } => {
                write!(f, "offset is {}, not a multiple of itemsize {}", bytes(*offset), bytes(*itemsize))
            }
            Self::OffsetOutside { offset, itemsize, memlen } => {
                let end = i128::from(*offset).saturating_add(i128::from(*itemsize));
                write!(f, "the first item lies at bytes {offset} to {end} of a block of {}", bytes(*memlen))
            }
            Self::StrideMultiple { dimension, stride, itemsize } => {
                write!(f, "strides[{dimension}] is {}, not a multiple of itemsize {}", bytes(*stride), bytes(*itemsize))
            }
            Self::BlockNdim { ndim, shape, strides } => {
                write!(f, "ndim is {ndim} but shape has {} and strides {}", entries(*shape), entries(*strides))
            }
            Self::ExtentOutside { low, high, memlen } => {
                write!(f, "the items lie at bytes {low} to {high} of a block of {}", bytes(*memlen))
            }
            Self::ExtentOverflow { shape, strides, limit } => write!(
                f,
                "shape {} with strides {} spans more than {limit} bytes, the most that a Py_ssize_t can say",
                tuple(shape),
                tuple(strides)
            ),
            Self::Overlap { certain, shape, strides, itemsize } => write!(
                f,
                "writable items {}overlap: {itemsize}-byte items with shape {} and strides {}",
                if *certain { "" } else { "may " },
                tuple(shape),
                tuple(strides)
            ),
            _ => self.fmt_audit(f),
        }
    }

    fn fmt_audit(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ItemsizeChanged { itemsize, other, request } => {
                write!(f, "itemsize is {} but {} under {request}", bytes(*itemsize), bytes(*other))
            }
            Self::NdimChanged { ndim, other, request, .. } => write!(f, "ndim is {ndim} but {other} under {request}"),
            Self::ObjChanged { request } => write!(f, "obj is another object than under {request}"),
            Self::ReadonlyChanged { readonly, other, request } => {
                write!(f, "readonly is {readonly} but {other} under {request}, both without WRITABLE")
            }
            Self::StridesNeeded { strides, request } => write!(
                f,
                "the request is served without strides, but under {request} they are {}, not C-contiguous",
                tuple(strides)
            ),
            Self::SuboffsetsNeeded { suboffsets, request } => write!(
                f,
                "the request is served without suboffsets, but under {request} they are {}",
                tuple(suboffsets)
            ),
            Self::CompoundRefused { compound } => {
                write!(f, "{compound} fails although each of its flags is served elsewhere")
            }
            Self::WrongError { error } => write!(f, "the request fails with {error}, not with BufferError"),
            Self::ObjAfterFailure => f.write_str("the request fails but obj is not NULL"),
            Self::WrongReturn { returned, error: RaisedError::Silent } => {
                write!(f, "the exporter returns {returned}, neither 0 nor -1")
            }
            Self::WrongReturn { returned, error } => write!(f, "the exporter returns {returned} with {error} set"),
            Self::Refused { error } => {
                write!(f, "the request fails with {error}, for no reason that the protocol knows")
            }
            Self::NotRepeatable { field, value, other } => {
                write!(f, "{field} is {value} but {other} in an earlier answer to the same request")
            }
            Self::MetadataChanged { field, value, other, request } => {
                write!(f, "{field} is {value} but {other} under {request}")
            }
            Self::ContiguousIndirect { suboffsets, request } => {
                write!(f, "the request promises contiguity, but under {request} suboffsets are {}", tuple(suboffsets))
            }
            Self::ContiguityDenied { structure, because } => {
                write!(f, "{structure} fails although the memory is {}: {because}", order_words(*structure))
            }
            Self::CountedBeforeFailure { references } => {
                let s = if *references == 1 { "" } else { "s" };
                write!(f, "the request fails but leaves {references} more reference{s} to the exporter")
            }
            Self::ReferencesLeft { references } => {
                let (count, more) = (references.unsigned_abs(), if *references < 0 { "fewer" } else { "more" });
                let (are, s) = if count == 1 { ("is", "") } else { ("are", "s") };
                write!(f, "after request and release there {are} {count} {more} reference{s} to the exporter")
            }
            Self::ReleaseRaised { error } => write!(f, "the release raises {error}"),
            Self::FormatLies { format, difference, .. } => {
                write!(f, "format `{}` and the type of the exporter disagree: {difference}", abridged(format))
            }
            _ => Ok(()),
        }
    }

    /// How the numbers come about, where that is not plain from the sentence.
    pub(crate) fn working(&self) -> Option<String> {
        Some(match self {
            Self::LenProduct { expected, shape, itemsize, .. } | Self::LenSpan { expected, shape, itemsize, .. } => {
                format!("{} * {itemsize} = {expected}", factors(shape))
            }
            Self::ProductOverflow { shape, itemsize, .. } => format!("{} * {itemsize}", factors(shape)),
            Self::NotContiguous { structure, shape, itemsize, .. } => {
                let orders: &[Order] = match structure {
                    Structure::CContiguous => &[Order::C],
                    Structure::FContiguous => &[Order::Fortran],
                    _ => &[Order::C, Order::Fortran],
                };
                let each = orders.iter().filter_map(|order| {
                    let strides = contiguous_strides(shape, *itemsize, *order)?;
                    Some(format!("{}-contiguous strides are {}", order.as_str(), tuple(&strides)))
                });
                each.collect::<Vec<String>>().join(", ")
            }
            Self::ExtentOutside { low, .. } if *low < 0 => {
                format!("{} before its start", wide_bytes(low.saturating_neg()))
            }
            Self::ExtentOutside { high, memlen, .. } => {
                format!("{} past its end", wide_bytes(high.saturating_sub(i128::from(*memlen))))
            }
            _ => return None,
        })
    }

    /// What to do about it, where that is clear.
    pub(crate) fn help(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::ObjNull | Self::ObjTemporary => "set view->obj to a new reference to the exporter",
            Self::LenSpan { .. } => "len counts the items, not the gaps between them",
            Self::UnstatedTail { .. } => "NumPy never writes the padding at the end; anybody else should",
            Self::AmbiguousFormat { .. } => "name the dialect of the producer",
            Self::ScalarArray { .. } => "a single item needs no array: set it to NULL",
            Self::NegativeSuboffsets { .. } => "set suboffsets to NULL",
            Self::ReadonlyValue { .. } => "1 means read-only, 0 writable",
            Self::SimpleNdim { .. } => "set ndim as for any other request; NumPy sets 0, ctypes the real ndim, bytes 1",
            Self::NotWritable { .. } => "raise BufferError if the memory cannot be written to",
            Self::FormatUnasked { .. } | Self::Unasked { .. } => "set it to NULL unless the request has its flag",
            Self::FormatAlone => "ask for ND | FORMAT",
            Self::Missing { field: FieldName::Strides, .. } => {
                "the strides of a C-contiguous array can be had from PyBuffer_FillContiguousStrides"
            }
            Self::NotContiguous { .. } => "raise BufferError for memory of another order",
            Self::StridesNeeded { .. } => "raise BufferError where the memory cannot be told without strides",
            Self::SuboffsetsNeeded { .. } | Self::ContiguousIndirect { .. } => {
                "raise BufferError where the items cannot be found without suboffsets"
            }
            Self::WrongError { .. } => "whoever asks for less than it needs catches BufferError and asks again",
            Self::ObjAfterFailure => "set view->obj to NULL before returning -1",
            Self::ContiguityDenied { .. } => "PyBuffer_IsContiguous gives the right answer",
            Self::CountedBeforeFailure { .. } => "check the request first, then count",
            Self::ReferencesLeft { references } if *references < 0 => {
                "set view->obj to a new reference; PyBuffer_Release drops it"
            }
            Self::ReferencesLeft { .. } => "PyBuffer_Release drops the reference in obj, and no other",
            Self::ReleaseRaised { .. } => "nobody can catch it: the release has no way to fail",
            Self::FormatLies { names_only: false, .. } => {
                "the first is the format, the second the type; whoever trusts the format reads other values"
            }
            Self::FormatLies { .. } => "the first is the format, the second the type",
            Self::Overlap { .. } => "a write to one item changes others; mark the buffer read-only",
            _ => return None,
        }))
    }
}

/// `5 bytes (pep3118, ctypes) or 8 bytes (native-c)`, in the order in which they were tried.
fn each_reading(readings: &[InterpretedSize]) -> String {
    let mut sizes: Vec<(u64, Vec<&str>)> = Vec::new();
    for InterpretedSize { dialect, size } in readings {
        match sizes.iter_mut().find(|(known, _)| known == size) {
            Some((_, dialects)) => dialects.push(dialect),
            None => sizes.push((*size, Vec::from([*dialect]))),
        }
    }
    let told = sizes.iter().map(|(size, dialects)| format!("{} ({})", plural(*size, "byte"), dialects.join(", ")));
    told.collect::<Vec<String>>().join(" or ")
}

/// The order that a request asks for.
fn order_words(structure: Structure) -> &'static str {
    match structure {
        Structure::FContiguous => "Fortran-contiguous",
        Structure::AnyContiguous => "contiguous",
        _ => "C-contiguous",
    }
}

/// `1 byte`, `-4 bytes`.
fn bytes(count: i64) -> String {
    wide_bytes(i128::from(count))
}

fn wide_bytes(count: i128) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

fn entries(count: usize) -> String {
    format!("{count} {}", if count == 1 { "entry" } else { "entries" })
}

/// `(2, 3)`, `(3,)`, `()`, as Python writes it; the start of a long one.
pub(crate) fn tuple(values: &[i64]) -> String {
    const SHOWN: usize = 8;
    match values {
        [only] => format!("({only},)"),
        _ => {
            let shown: Vec<String> = values.iter().take(SHOWN).map(|value| value.to_string()).collect();
            let more = if values.len() > SHOWN { ", ..." } else { "" };
            format!("({}{more})", shown.join(", "))
        }
    }
}

/// `2 * 3`
fn factors(shape: &[i64]) -> String {
    let factors: Vec<String> = shape.iter().map(|extent| extent.to_string()).collect();
    factors.join(" * ")
}

/// The start of a format, for a sentence.
fn abridged(format: &[u8]) -> Cow<'_, str> {
    abridge(format, 60)
}
