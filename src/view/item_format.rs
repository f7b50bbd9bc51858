//! [`item_layout`]: determines the layout of one item from the format, the itemsize and the request of a buffer.

use alloc::boxed::Box;

use super::raw::RawView;
use super::report::ViolationSink;
use super::request::Request;
use super::view::ItemLayout;
use super::violation::Violation;
use crate::abi::DataModel;
use crate::format::{ByteOrder, Code};
use crate::layout::{Certainty, Dialect, Interpretation, Scalar, Syntax, reconcile};

/// Checks the format of `raw` against the itemsize and `request`. Returns the layout of one item.
///
/// Passes each violation to `sink`. If `request` is `None`, the function leaves out the rules about requests. `dialect`
/// is the dialect of the format. If `dialect` is `None`, the function tries every dialect. `model` is the data model of
/// the exporter's machine. If the format is NULL, the layout is `BYTE` for an itemsize of 1, and `Bytes` otherwise.
/// Returns `Ok(None)` if the format cannot be parsed, if no interpretation of the format has the itemsize, or if the
/// itemsize is negative. Returns an error if `sink` ends the check.
pub(super) fn item_layout<S: ViolationSink>(
    raw: &RawView<'_>,
    request: Option<Request>,
    dialect: Option<&Dialect>,
    model: &DataModel,
    sink: &mut S,
) -> Result<Option<ItemLayout>, S::Stop> {
    let itemsize = raw.itemsize;
    let format_is_requested = request.map(|request| request.contains(Request::FORMAT));
    let Some(format) = raw.format else {
        if format_is_requested == Some(true) {
            sink.report(Violation::FormatMissing)?;
        }
        return Ok(Some(if itemsize == 1 { ItemLayout::BYTE } else { ItemLayout::Bytes }));
    };
    if format_is_requested == Some(false) {
        sink.report(Violation::FormatUnrequested { format: format.into() })?;
    }
    // A negative itemsize breaks A06 (sizes), and `check_scalars` reports the violation. This function then checks
    // only the syntax of the format.
    let size = u64::try_from(itemsize).ok();
    let scalar = scalar(format, dialect, model).filter(|scalar| size.is_none_or(|size| scalar.size == size));
    if let Some(scalar) = scalar {
        return Ok(size.map(|_| ItemLayout::Scalar(scalar)));
    }
    match reconcile(format, size, dialect, model) {
        Ok(interpretation) if size.is_some() => {
            if let Some(violation) = certainty_note(&interpretation, format, itemsize) {
                sink.report(violation)?;
            }
            Ok(Some(ItemLayout::Interpretation(Box::new(interpretation))))
        }
        Ok(_) => Ok(None),
        Err(error) => match (error.ambiguity(), size) {
            (Some(ambiguity), Some(_)) => {
                sink.report(Violation::AmbiguousFormat { ambiguity: ambiguity.clone() })?;
                Ok(Some(ItemLayout::Ambiguous(ambiguity.clone())))
            }
            (Some(_), None) => Ok(None),
            (None, _) => {
                sink.report(Violation::Format { error })?;
                Ok(None)
            }
        },
    }
}

/// Returns the scalar that a format of one code describes, such as `<i`. This fast path avoids the parser.
/// `model` determines native sizes.
///
/// Returns `None` if `format` has more than one code, or if `dialect` does not support the code or the byte order. If
/// `dialect` is `None`, the function accepts the codes and byte orders of every dialect.
fn scalar(format: &[u8], dialect: Option<&Dialect>, model: &DataModel) -> Option<Scalar> {
    let scalar = Scalar::recognize(format, model)?;
    let Some(dialect) = dialect else { return Some(scalar) };
    let order = format.first().and_then(|byte| ByteOrder::from_byte(*byte));
    let code = match format {
        [.., b'Z', part] => Code::complex_of(*part),
        [.., byte] => Code::from_byte(*byte),
        [] => None,
    };
    let has_code = code.is_some_and(|code| dialect.codes.contains(code));
    let lacks_order = order == Some(ByteOrder::NativeUnaligned) && !dialect.syntax.contains(Syntax::UNALIGNED);
    (has_code && !lacks_order).then_some(scalar)
}

/// Returns the note about the assumption that `interpretation` relies on. The note contains copies of `format` and
/// `itemsize` (in bytes). Returns `None` if the interpretation needs no assumption.
fn certainty_note(interpretation: &Interpretation, format: &[u8], itemsize: i64) -> Option<Violation> {
    let format = format.into();
    match interpretation.certainty {
        Certainty::Exact => None,
        Certainty::TrailingPadding => {
            Some(Violation::TrailingPadding { format, itemsize, tail: interpretation.trailing_padding })
        }
        Certainty::Inferred => Some(Violation::InferredStrides { format, itemsize }),
    }
}
