//! The format of a buffer, against its itemsize and its request.

use alloc::boxed::Box;

use super::check::{Checker, Sink, Stop};
use super::raw::RawView;
use super::request::Request;
use super::view::ItemLayout;
use super::violation::Violation;
use crate::endian::Endian;
use crate::format::{ByteOrder, Code};
use crate::layout::{Certainty, Interpretation, Scalar, Syntax, Type, reconcile};

/// `B`
pub(super) const BYTE: Scalar = Scalar { ty: Type::UInt8, size: 1, endian: Endian::HOST };

impl Checker<'_> {
    /// The format, against the request and the itemsize. What an item is, if that can be told.
    pub(super) fn item<S: Sink>(
        &self,
        raw: &RawView<'_>,
        request: Option<Request>,
        sink: &mut S,
    ) -> Result<Option<ItemLayout>, Stop> {
        match (raw.format, request.map(|request| request.contains(Request::FORMAT))) {
            (None, Some(true)) => sink.report(Violation::FormatMissing)?,
            (Some(format), Some(false)) => sink.report(Violation::FormatUnasked { format: format.into() })?,
            _ => {}
        }
        let itemsize = raw.itemsize;
        let Some(format) = raw.format else {
            return Ok(Some(if itemsize == 1 { ItemLayout::Scalar(BYTE) } else { ItemLayout::Bytes }));
        };
        let Ok(size) = u64::try_from(itemsize) else { return Ok(None) };
        if let Some(scalar) = self.scalar(format).filter(|scalar| scalar.size == size) {
            return Ok(Some(ItemLayout::Scalar(scalar)));
        }
        self.reading(format, itemsize, size, sink)
    }

    /// The one scalar that the format is, if the dialect has it.
    fn scalar(&self, format: &[u8]) -> Option<Scalar> {
        let scalar = Scalar::recognize(format, self.model)?;
        let Some(dialect) = self.dialect else { return Some(scalar) };
        let order = format.first().and_then(|byte| ByteOrder::from_byte(*byte));
        let code = match format {
            [.., b'Z', part] => Code::complex_of(*part),
            [.., byte] => Code::from_byte(*byte),
            [] => None,
        };
        let known = code.is_some_and(|code| dialect.codes.contains(code));
        let unaligned = order == Some(ByteOrder::NativeUnaligned) && !dialect.syntax.contains(Syntax::UNALIGNED);
        (known && !unaligned).then_some(scalar)
    }

    fn reading<S: Sink>(
        &self,
        format: &[u8],
        itemsize: i64,
        size: u64,
        sink: &mut S,
    ) -> Result<Option<ItemLayout>, Stop> {
        match reconcile(format, Some(size), self.dialect, self.model) {
            Ok(found) => {
                if let Some(fault) = doubt(&found, format, itemsize) {
                    sink.report(fault)?;
                }
                Ok(Some(ItemLayout::Interpretation(Box::new(found))))
            }
            Err(error) => match error.ambiguity() {
                Some(ambiguity) => {
                    let ambiguity = ambiguity.clone();
                    sink.report(Violation::AmbiguousFormat { ambiguity: ambiguity.clone() })?;
                    Ok(Some(ItemLayout::Ambiguous(ambiguity)))
                }
                None => {
                    sink.report(Violation::Format { error })?;
                    Ok(None)
                }
            },
        }
    }
}

/// What is odd about a reading that fits.
fn doubt(reading: &Interpretation, format: &[u8], itemsize: i64) -> Option<Violation> {
    let format = format.into();
    match reading.certainty {
        Certainty::Exact => None,
        Certainty::TrailingPadding => Some(Violation::UnstatedTail {
            format,
            itemsize,
            tail: i64::try_from(reading.trailing_padding).unwrap_or(i64::MAX),
        }),
        Certainty::Inferred => Some(Violation::InferredDistances { format, itemsize }),
    }
}
